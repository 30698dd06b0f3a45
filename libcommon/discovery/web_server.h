// What a web server of this host serves, whichever it is and however it says so.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

struct WebListen {
    std::string address; // "*", "127.0.0.1", "::"; of a Unix socket its path, with port 0
    std::uint16_t port = 80;
    bool tls = false;
    bool operator==(const WebListen&) const = default;
};

// Where requests are passed on to.
struct WebBackend {
    std::string protocol; // http https uwsgi fastcgi grpc scgi
    std::string address;  // "127.0.0.1:8000", "unix:/run/app.sock"
    bool operator==(const WebBackend&) const = default;
};

struct WebServer {
    std::vector<std::string>
        names; // host names only: no wildcards, regular expressions, variables, addresses
    std::vector<WebListen> listens;
    std::string root;                 // what location / is served from; empty where it is passed on
    std::string certificate;          // file; empty: none, or one that a variable names
    std::vector<WebBackend> backends; // of any location; each once
    std::vector<WebBackend> front;    // those of location /
    bool redirects = false;           // every request is answered by a `return` with anything but 2xx
};

// A host name as a certificate may have it: letters, digits, dots and dashes, with a letter in it.
bool is_host_name(std::string_view text);

} // namespace lectio
