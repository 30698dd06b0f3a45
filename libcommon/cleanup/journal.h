// The journal of systemd, made small: [cleanup] journal_max.
#pragma once

#include "cleanup/deed.h"
#include "util/units.h"

#include <optional>
#include <string_view>

namespace lectio::cleanup {

// "Archived and active journals take up 64.5M in the file system." (journalctl --disk-usage). Nothing: it says another thing.
std::optional<Bytes> parse_disk_usage(std::string_view text);

// By journalctl --vacuum-size: archived files only; what is being written stays as it is.
void vacuum_journal(Bytes most, Sweep& sweep);

} // namespace lectio::cleanup
