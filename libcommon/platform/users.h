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
    std::string home;
};

// not_found where the host has no such user.
Result<User> find_user(const std::string& name);
Result<User> find_user(uid_t uid);

// All groups of a user, the own one included. Asks every source of names that the host has (an LDAP server, a
// socket of systemd's), so only where the answer matters.
std::vector<gid_t> groups_of(const User& user);

// "www-data:www-data", "www-data", ":www-data"; names or numbers. What is not given stays as it is.
struct Owner {
    std::optional<uid_t> user;
    std::optional<gid_t> group;
};
Result<Owner> find_owner(std::string_view text);

// As whom this process acts (geteuid).
uid_t effective_user();

} // namespace lectio
