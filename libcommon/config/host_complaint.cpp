#include "config/host_complaint.h"

#include "util/punycode.h"

#include <algorithm>

namespace lectio {
namespace {

constexpr Phrase k_write_in_ascii{"DNS knows this name as {}: write it so",
                                  "в DNS это имя выглядит так: {}; напишите его в этом виде"};
constexpr Phrase k_no_name{"this is no name that DNS could know", "такого имени в DNS быть не может"};

} // namespace

std::optional<Text> foreign_host_complaint(const std::string& host) {
    const bool plain =
        std::all_of(host.begin(), host.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    if (plain) {
        return std::nullopt;
    }
    const std::optional<std::string> name = in_ascii(host.substr(0, host.rfind(':')));
    return name ? say(k_write_in_ascii, *name) : say(k_no_name);
}

} // namespace lectio
