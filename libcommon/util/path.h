// Paths as they are written: nothing is looked at, no link is followed.
#pragma once

#include <filesystem>

namespace lectio {

// `path` is `folder` or lies in it, step by step ("/srv/site2" does not lie in "/srv/site"); a slash at the end of `folder` says
// nothing. Neither "." nor ".." is resolved.
bool lies_in(const std::filesystem::path& path, const std::filesystem::path& folder);

} // namespace lectio
