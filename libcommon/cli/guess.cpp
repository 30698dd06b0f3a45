#include "cli/guess.h"

#include "util/text.h"

#include <optional>

namespace lectio {
namespace {

constexpr Phrase k_did_you_mean{"did you mean \"{}\"?", "может быть, «{}»?"};

} // namespace

Text did_you_mean(std::string_view word, const std::vector<std::string>& names) {
    const std::vector<std::string_view> views(names.begin(), names.end());
    const std::optional<std::string_view> near = nearest(word, views);
    return near ? say(k_did_you_mean, *near) : Text{};
}

} // namespace lectio
