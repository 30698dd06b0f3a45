// What is wrong with a name of the system's own, as Field::check() asks: the words for it, or nothing.
#pragma once

#include <optional>
#include <string>

namespace lectio {

std::optional<std::string> owner_complaint(const std::string& text); // user:group, user, :group
// "nginx", "nginx.service": full_unit_name() (platform/) makes it whole.
std::optional<std::string> unit_complaint(const std::string& text);
std::optional<std::string> ip_address_complaint(const std::string& text); // "127.0.0.1", "::1", "" for none

} // namespace lectio
