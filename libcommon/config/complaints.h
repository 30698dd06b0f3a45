// What is wrong with a name of the system's own or of the network's, as Field::check() asks: the words for it, or
// nothing.
#pragma once

#include "util/secret.h"
#include "words/phrase.h"

#include <optional>
#include <string>
#include <string_view>

namespace lectio {

std::optional<Text> owner_complaint(const std::string& text);   // user:group, user, :group
std::optional<Text> user_complaint(const std::string& text);    // a user, "" for none
std::optional<Text> pointer_complaint(const std::string& text); // JSON pointer (RFC 6901)
// "nginx", "nginx.service": full_unit_name() (platform/) makes it whole.
std::optional<Text> unit_complaint(const std::string& text);
std::optional<Text> ip_address_complaint(const std::string& text);      // "127.0.0.1", "::1", "" for none
std::optional<Text> port_or_network_complaint(const std::string& text); // "443", "10.0.0.0/8", "::1"
std::optional<Text> published_complaint(const std::string& text);       // "443", "443/tcp"
std::optional<Text> request_path_complaint(const std::string& text);    // "/api/", "http://…"
std::optional<Text> web_url_complaint(const std::string& text);         // http(s), "" for none
std::optional<Text> header_name_complaint(const std::string& name);     // a token (RFC 9110, 5.6.2)
std::optional<Text> header_value_complaint(const std::string& value);
std::optional<Text> postgres_url_complaint(const std::string& text);
std::optional<Text> database_complaint(const std::string& text); // "sqlite:PATH", "postgresql:URL"
std::optional<Text> mail_url_complaint(const std::string& text); // "smtps://host:465"
std::optional<Text> mail_address_complaint(const std::string& text);
std::optional<Text> pattern_complaint(const std::string& text); // PCRE2
// What a library of regular expressions (PCRE2, RE2) says of one that is none.
Text expression_words(std::string_view said);
std::optional<Text> growth_complaint(const std::string& text); // "disk:/", "check:lite", "files:/srv"

// The words of a complaint about a text, about a secret: they quote nothing of it.
template<std::optional<Text> (*complaint)(const std::string&)>
std::optional<Text> secretly(const Secret& secret) {
    return complaint(secret.reveal());
}

} // namespace lectio
