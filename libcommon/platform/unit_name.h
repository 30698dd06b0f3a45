// The names of systemd's units, as systemctl reads them (systemd.unit(5)); D-Bus wants them whole.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace lectio {

// ".service", ".socket", ".timer" … every kind of unit that there is.
std::span<const std::string_view> unit_endings();
bool has_unit_ending(std::string_view name);

// A name without any of these is a service's: "nginx" → "nginx.service".
std::string full_unit_name(std::string_view name);

} // namespace lectio
