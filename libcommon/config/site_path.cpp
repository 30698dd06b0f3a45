#include "config/site_path.h"

#include "util/path.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

namespace lectio {
namespace {

// Of the system (hier(7)): one mode for all files below can only be a mistake, and one that ruins a host.
constexpr std::array<std::string_view, 22> k_system_trees{
    "/bin",      "/boot",        "/dev",       "/etc",       "/lib",      "/lib32",
    "/lib64",    "/libx32",      "/proc",      "/root",      "/run",      "/sbin",
    "/sys",      "/usr",         "/var/cache", "/var/log",   "/var/mail", "/var/run",
    "/var/lock", "/var/backups", "/var/spool", "/lost+found"};
// Where web servers and people put sites all the same.
constexpr std::array<std::string_view, 3> k_sites_in_system_trees{"/usr/local/www", "/usr/share/caddy",
                                                                  "/usr/share/nginx/html"};
// Nothing of the system itself, but each folder in them is a whole of its own: a person's, a database's.
constexpr std::array<std::string_view, 3> k_homes{"/home", "/var/lib", "/var/tmp"};

// Of the system, but meant to be cleaned: of the first as they are, of the others what lies in them.
constexpr std::array<std::string_view, 4> k_for_passing_things{"/tmp", "/var/tmp", "/var/log", "/dev/shm"};
constexpr std::array<std::string_view, 1> k_of_passing_things{"/var/cache"};

// Of these, `path` is one or lies in one.
template<std::size_t Size>
bool is_within(const Path& path, const std::array<std::string_view, Size>& folders) {
    return std::any_of(folders.begin(), folders.end(),
                       [&](std::string_view folder) { return lies_in(path, folder); });
}

template<std::size_t Size>
bool is_directly_below(const Path& path, const std::array<std::string_view, Size>& folders) {
    return std::find(folders.begin(), folders.end(), path.parent_path().string()) != folders.end();
}

// "~/.ssh" is refused by sshd once others may read it.
bool holds_keys(const Path& path) {
    return std::any_of(path.begin(), path.end(),
                       [](const Path& name) { return name == ".ssh" || name == ".gnupg"; });
}

} // namespace

bool lies_where_sites_do(const Path& given) {
    Path path = given.lexically_normal();
    path = path.has_filename() ? path : path.parent_path();                // "/srv/site/"
    const bool is_one_step = std::distance(path.begin(), path.end()) <= 2; // "/", "/srv"
    const bool is_of_var = path.parent_path() == "/var" && path != "/var/www";
    const bool is_of_system = is_within(path, k_system_trees) && !is_within(path, k_sites_in_system_trees);
    return !is_one_step && !is_of_var && !is_of_system && !is_directly_below(path, k_homes) &&
           !holds_keys(path);
}

bool may_be_cleaned(const Path& given) {
    Path path = given.lexically_normal();
    path = path.has_filename() ? path : path.parent_path();
    const bool is_for_it =
        is_within(path, k_for_passing_things) || is_within(path.parent_path(), k_of_passing_things);
    return (is_for_it && !holds_keys(path)) || (lies_where_sites_do(path) && path != "/var/www");
}

} // namespace lectio
