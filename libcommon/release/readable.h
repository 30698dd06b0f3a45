// Readable before it is switched: the user as whom the web server works reaches every file of a release.
#pragma once

#include "config/config.h"
#include "platform/users.h"
#include "platform/world.h"
#include "release/flaw.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace lectio::release {

// As whom a site is served, and from where that is known.
struct Visitor {
    std::string name;
    std::optional<User> user; // none: the host has no such user, or nobody says which it is
    Text whence;              // "as health's check frontend has it"
};

// Where else the name of the user is to be found than in the configuration; tests put their own.
struct WebServerPlaces {
    std::filesystem::path nginx = "/etc/nginx/nginx.conf";
    std::vector<std::string> usual_users{"www-data",
                                         "nginx"}; // of Debian's and Ubuntu's packages, of nginx's own
};

// The `reader` of health's check of type frontend for this root; else nginx's directive `user`; else the first of the usual
// users that the host has.
Visitor visitor_of(const Config& config, World& world, const std::filesystem::path& site,
                   const WebServerPlaces& places = {});

// Why the visitor could not get all of `tree`, which will be served as `site`; nothing: he can. Owners and modes count, of
// the tree and of the folders above both. A warning where nobody says who serves it.
std::optional<Flaw> hidden_from(const Visitor& visitor, const std::filesystem::path& tree,
                                const std::filesystem::path& site, World& world);

} // namespace lectio::release
