#include "cleanup/temp.h"

#include "platform/newest_file.h"
#include "util/text.h"
#include "words/error_words.h"

namespace lectio::cleanup {
namespace {

constexpr Phrase k_in_use{"in use by {}", "занят процессом {}"};
constexpr Phrase k_untouchable{"belongs to the suite, to backups or to the site: it stays",
                               "относится к самому монитору, копиям или сайту: остаётся"};

} // namespace

Stays why_stays(const MatchedFile& file, const TempRule& rule, const Untouchable& untouchable, WallTime now) {
    if (now - file.changed < rule.older) {
        return Stays::too_young;
    }
    if (rule.size && file.size <= *rule.size) {
        return Stays::too_small;
    }
    if (!file.in_use_by.empty()) {
        return Stays::in_use;
    }
    return untouchable.holds(file.path, folder_of_pattern(rule.files)) ? Stays::untouchable : Stays::no;
}

void clean_temp(const TempRule& rule, const OpenFiles& open, const Untouchable& untouchable, Sweep& sweep) {
    const std::string name = "temp " + rule.files;
    const Result<MatchedFiles> files = MatchedFiles::of(rule.files);
    const Result<std::vector<MatchedFile>> found =
        files ? files->look(open) : Result<std::vector<MatchedFile>>(files.error());
    if (!found) {
        if (found.error().kind != ErrorKind::not_found) {
            sweep.deeds.push_back(
                {name, rule.files, {}, Deed::End::failed, error_words(found.error().message)});
        }
        return;
    }
    for (const MatchedFile& file : *found) {
        if (!sweep.may_go_on()) {
            return;
        }
        Deed deed{name, clean_line(file.path.string()), file.on_disk};
        const Stays stays = why_stays(file, rule, untouchable, sweep.world.clock.now().wall);
        if (stays == Stays::too_young || stays == Stays::too_small) {
            continue;
        }
        if (stays != Stays::no) {
            deed.end = Deed::End::left;
            deed.words =
                stays == Stays::in_use ? say(k_in_use, clean_line(file.in_use_by)) : say(k_untouchable);
        } else if (sweep.effect == Sweep::Effect::none) {
            deed.end = Deed::End::shown;
        } else {
            const Result<Removed> removed = files->remove(file, open, sweep.may_go_on);
            deed.freed = removed ? removed->freed : Bytes{};
            // What has changed is wanted: it is looked at again an hour later.
            deed.end = removed                                   ? Deed::End::done
                       : removed.error().kind == ErrorKind::busy ? Deed::End::left
                                                                 : Deed::End::failed;
            deed.words = removed ? Text{} : error_words(removed.error().message);
        }
        deed.freed = deed.end == Deed::End::left ? Bytes{} : deed.freed;
        sweep.deeds.push_back(std::move(deed));
    }
}

} // namespace lectio::cleanup
