#include "cleanup/temp.h"

#include "cleanup/matching.h"
#include "platform/newest_file.h"
#include "util/text.h"

namespace lectio::cleanup {
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
    for_each_match(name, rule.files, open, sweep, [&](const MatchedFiles& files, const MatchedFile& file) {
        const Stays stays = why_stays(file, rule, untouchable, sweep.world.clock.now().wall);
        if (stays == Stays::too_young || stays == Stays::too_small) {
            return;
        }
        Deed deed{name, clean_line(file.path.string())};
        if (stays != Stays::no) {
            deed.end = Deed::End::left;
            deed.words = stays == Stays::in_use ? in_use_words(file) : untouchable_words();
        } else if (sweep.effect == Sweep::Effect::none) {
            deed.end = Deed::End::shown;
            deed.freed = file.on_disk;
        } else if (const Result<Removed> removed = files.remove(file, open, sweep.may_go_on)) {
            deed.freed = removed->freed;
        } else {
            failed(deed, removed.error());
        }
        sweep.deeds.push_back(std::move(deed));
    });
}

} // namespace lectio::cleanup
