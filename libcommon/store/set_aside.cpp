#include "store/set_aside.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include <fmt/format.h>

namespace lectio {

std::string name_aside(std::string_view stem, std::string_view label, WallTime now, std::string_view ending) {
    std::string time = format_utc(now);
    std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
    return fmt::format("{}.{}-{}{}", stem, label, time, ending);
}

void keep_newest_aside(Files& files, const Path& folder, std::string_view stem, std::string_view label,
                       std::size_t kept) {
    const Result<std::vector<std::string>> names = files.list(folder);
    if (!names) {
        return;
    }
    const std::string beginning = fmt::format("{}.{}-", stem, label);
    std::vector<std::string> aside;
    std::copy_if(names->begin(), names->end(), std::back_inserter(aside),
                 [&](const std::string& name) { return name.starts_with(beginning); });
    for (std::size_t i = 0; i + kept < aside.size(); ++i) {
        [[maybe_unused]] const Result<void> removed = files.remove(folder / aside[i]);
    }
}

} // namespace lectio
