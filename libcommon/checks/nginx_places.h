// Where nginx answers a request, and what holds there: which location takes a path, and which directives it has from
// the blocks around it (ngx_http_core_module.c, ngx_http_core_find_location).
#pragma once

#include "discovery/nginx_config.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

// A block with those around it: http, server, location, location … It points into the tree that it was found in.
using NginxPlace = std::vector<const NginxDirective*>;

// Every http block, server and location, from the outside in.
void for_each_place(const NginxTree& tree, const std::function<void(const NginxPlace&)>& visit);
std::vector<NginxPlace> servers_of(const NginxTree& tree);

// The place of this server that takes a request for `path`; the server itself where no location does. An expression
// that PCRE2 does not take matches nothing.
NginxPlace place_of(const NginxPlace& server, std::string_view path);
// `location @name` of the server that the place is in.
std::optional<NginxPlace> named_place(const NginxPlace& place, std::string_view name);

// A directive of several that a block has instead of those around it: limit_req, add_header, root …: the innermost
// block that has any, and what it has there. Nowhere: none, nullptr.
struct NginxSetting {
    const NginxDirective* block = nullptr;
    std::vector<const NginxDirective*> directives;
};
NginxSetting setting_of(const NginxPlace& place, std::string_view name);
std::vector<const NginxDirective*> own(const NginxDirective& block, std::string_view name);
// The first argument of such a directive; "" where there is none.
std::string_view value_of(const NginxPlace& place, std::string_view name);

bool is_location(const NginxPlace& place);
bool passes_on(const NginxPlace& place); // proxy_pass, fastcgi_pass … of its own
bool is_tls(const NginxPlace& server);   // listens with `ssl`
bool is_denied(const NginxPlace& place); // deny all, internal, or an answer of 4xx whatever is asked
bool redirects(const NginxPlace& place); // or answers anything else by itself: return
std::string server_words(const NginxPlace& place);   // its first name, else where it listens
std::string location_words(const NginxPlace& place); // "location ^~ /static/"

} // namespace lectio
