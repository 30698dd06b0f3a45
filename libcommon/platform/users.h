// Users and groups of this host, by name (getpwnam_r, getgrnam_r, getgrouplist).
#pragma once

#include "util/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace lectio {

struct User {
    std::string name;
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups; // all of them, the own one included
    std::string home;
};

// not_found where the host has no such user.
Result<User> find_user(const std::string& name);
Result<User> find_user(uid_t uid);

// "www-data:www-data", "www-data", ":www-data"; names or numbers. What is not given stays as it is.
struct Owner {
    std::optional<uid_t> user;
    std::optional<gid_t> group;
};
Result<Owner> find_owner(std::string_view text);

// As whom this process acts (geteuid).
uid_t effective_user();

} // namespace lectio
