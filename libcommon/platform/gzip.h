// gzip: the text of a compressed file, a piece at a time (RFC 1952), through zlib.
#pragma once

#include "platform/files.h"
#include "util/result.h"

#include <functional>
#include <string_view>

namespace lectio {

bool is_gzip(std::string_view head); // by its first bytes

// Gives the text of `path` to `take`, some 256 kB at a time, until it says no. Of a damaged file or one that ends
// early it gives what can be read. Errors: what Files says of reading; invalid: no gzip, damaged, or without its end.
Result<void> read_gzip(Files& files, const Path& path, const std::function<bool(std::string_view)>& take);

} // namespace lectio
