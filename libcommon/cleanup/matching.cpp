#include "cleanup/matching.h"

#include "util/text.h"
#include "words/error_words.h"

namespace lectio::cleanup {
namespace {

constexpr Phrase k_in_use{"in use by {}", "занят процессом {}"};
constexpr Phrase k_untouchable{"belongs to the suite, to backups or to the site",
                               "относится к самому монитору, копиям или сайту"};

} // namespace

void for_each_match(const std::string& rule, const std::string& pattern, const OpenFiles& open, Sweep& sweep,
                    const std::function<void(const MatchedFiles& files, const MatchedFile& file)>& each) {
    const Result<MatchedFiles> files = MatchedFiles::of(pattern);
    const Result<std::vector<MatchedFile>> found =
        files ? files->look(open) : Result<std::vector<MatchedFile>>(files.error());
    if (!found && found.error().kind != ErrorKind::not_found) {
        Deed deed{rule, pattern};
        failed(deed, found.error());
        sweep.deeds.push_back(std::move(deed));
    }
    for (std::size_t i = 0; found && i < found->size() && sweep.may_go_on(); ++i) {
        each(*files, (*found)[i]);
    }
}

Text in_use_words(const MatchedFile& file) {
    return say(k_in_use, clean_line(file.in_use_by));
}

Text untouchable_words() {
    return say(k_untouchable);
}

void failed(Deed& deed, const Error& error) {
    deed.end = error.kind == ErrorKind::busy ? Deed::End::left : Deed::End::failed;
    deed.freed = {};
    deed.words = error_words(clean_line(error.message));
}

} // namespace lectio::cleanup
