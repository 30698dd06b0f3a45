// What nginx serves, out of its configuration: names, addresses, folders, and what is behind it.
#pragma once

#include "discovery/nginx_config.h"

#include <cstdint>
#include <string>
#include <vector>

namespace lectio {

struct NginxListen {
    std::string address; // "*", "127.0.0.1", "::"; of a Unix socket its path, with port 0
    std::uint16_t port = 80;
    bool tls = false;
    bool operator==(const NginxListen&) const = default;
};

// Where requests are passed on to.
struct NginxBackend {
    std::string protocol; // http https uwsgi fastcgi grpc scgi
    std::string address;  // "127.0.0.1:8000", "unix:/run/app.sock"
    bool operator==(const NginxBackend&) const = default;
};

struct NginxServer {
    std::vector<std::string>
        names; // host names only: no wildcards, regular expressions, variables, addresses
    std::vector<NginxListen> listens;
    std::string root;                   // what location / is served from; empty where it is passed on
    std::string certificate;            // file; empty: none, or one that a variable names
    std::vector<NginxBackend> backends; // of any location; each once
    std::vector<NginxBackend> front;    // those of location /
    bool redirects = false;             // every request is answered by a `return` with anything but 2xx
};

struct NginxSites {
    std::string user; // of the workers; empty: the one nginx was built with
    std::vector<NginxServer> servers;
    bool whole = true;
};

// Pure. A server without a name, for whoever asks for no other, is in it with no names.
NginxSites nginx_sites(const NginxTree& tree);

// A host name as a certificate may have it: letters, digits, dots and dashes, with a letter in it.
bool is_host_name(std::string_view text);

} // namespace lectio
