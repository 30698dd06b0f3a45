// write(2) until all is written.
#pragma once

#include <string_view>

namespace lectio {

// False: errno says why not; a part may be written.
[[nodiscard]] bool write_all(int file, std::string_view bytes);

} // namespace lectio
