#include "cleanup/deed.h"

#include "util/text.h"

namespace lectio::cleanup {
namespace {

constexpr Phrase k_freed{"{}: {}, {} freed", "{}: {}, освобождено {}"};
constexpr Phrase k_in_words{"{}: {}: {}", "{}: {}: {}"};

} // namespace

Text line_of(const Deed& deed) {
    if (deed.end != Deed::End::done || !deed.freed) {
        return say(k_in_words, deed.rule, deed.target, deed.words);
    }
    const Text freed = say(k_freed, deed.rule, deed.target, format_size(*deed.freed));
    return deed.words.empty() ? freed : join(": ", {freed, deed.words});
}

} // namespace lectio::cleanup
