#include "platform/cut_mark.h"

#include "util/number.h"
#include "util/text.h"

#include <array>
#include <vector>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr std::string_view k_beginning = "[lectio-cleanup] cut here: ";
constexpr std::string_view k_bytes = " bytes above, head ";

} // namespace

std::string line_of(const CutMark& mark) {
    return fmt::format("{}{}{}{} {}\n", k_beginning, mark.removed, k_bytes, mark.head_size, mark.head_hash);
}

std::optional<FoundMark> mark_at_beginning(std::string_view text) {
    const std::size_t end = text.substr(0, k_longest_mark.count).find('\n');
    if (end == std::string_view::npos || !text.starts_with(k_beginning)) {
        return std::nullopt;
    }
    const std::string_view line = text.substr(k_beginning.size(), end - k_beginning.size());
    const std::size_t middle = line.find(k_bytes);
    if (middle == std::string_view::npos) {
        return std::nullopt;
    }
    const std::vector<std::string_view> head = split(line.substr(middle + k_bytes.size()), ' ');
    const auto removed = number_from<std::uint64_t>(line.substr(0, middle));
    const auto size = head.size() == 2 ? number_from<std::uint64_t>(head[0]) : std::nullopt;
    const auto hash = head.size() == 2 ? number_from<std::uint64_t>(head[1]) : std::nullopt;
    if (!removed || !size || !hash) {
        return std::nullopt;
    }
    return FoundMark{{*removed, *size, *hash}, end + 1};
}

} // namespace lectio
