#include "util/path.h"

#include <algorithm>
#include <iterator>

namespace lectio {

bool lies_in(const std::filesystem::path& path, const std::filesystem::path& folder) {
    const auto step = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first;
    return step == folder.end() || (step->empty() && std::next(step) == folder.end());
}

} // namespace lectio
