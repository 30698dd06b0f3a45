// What is wrong with a name of the system's own or of the network's, as Field::check() asks: the words for it, or
// nothing.
#pragma once

#include <optional>
#include <string>

namespace lectio {

std::optional<std::string> owner_complaint(const std::string& text);   // user:group, user, :group
std::optional<std::string> user_complaint(const std::string& text);    // a user, "" for none
std::optional<std::string> pointer_complaint(const std::string& text); // JSON pointer (RFC 6901)
// "nginx", "nginx.service": full_unit_name() (platform/) makes it whole.
std::optional<std::string> unit_complaint(const std::string& text);
std::optional<std::string> ip_address_complaint(const std::string& text); // "127.0.0.1", "::1", "" for none
std::optional<std::string> port_or_network_complaint(const std::string& text); // "443", "10.0.0.0/8", "::1"
std::optional<std::string> published_complaint(const std::string& text);       // "443", "443/tcp"
std::optional<std::string> request_path_complaint(const std::string& text);    // "/api/", "http://…"
std::optional<std::string> postgres_url_complaint(const std::string& text);
std::optional<std::string> database_complaint(const std::string& text); // "sqlite:PATH", "postgresql:URL"
std::optional<std::string> mail_url_complaint(const std::string& text); // "smtps://host:465"
std::optional<std::string> mail_address_complaint(const std::string& text);
std::optional<std::string> growth_complaint(const std::string& text); // "disk:/", "check:lite", "files:/srv"

} // namespace lectio
