#include "platform/users.h"

#include "util/number.h"

#include <cstddef>

#include <fmt/format.h>

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

namespace lectio {
namespace {

// Entries of large directories (LDAP groups) do not fit the usual kilobyte; beyond this we say that it
// failed.
constexpr std::size_t k_largest_entry = std::size_t{1} << 20U;

// getpwnam_r and getgrnam_r: nullptr with 0 means that there is no such name.
template<class Entry, class Lookup, class Key>
Result<Entry> look_up(Lookup lookup, std::string_view kind, const Key& key, std::string& buffer) {
    Entry entry{};
    for (buffer.resize(4096);; buffer.resize(buffer.size() * 2)) {
        Entry* found = nullptr;
        const int reason = lookup(key, &entry, buffer.data(), buffer.size(), &found);
        if (found != nullptr) {
            return entry;
        }
        if (reason == ERANGE && buffer.size() < k_largest_entry) {
            continue;
        }
        if (reason == 0 || reason == ENOENT || reason == ESRCH) {
            return Error{ErrorKind::not_found, fmt::format("no {} {}", kind, key)};
        }
        return errno_error(fmt::format("look up the {} {}", kind, key), reason);
    }
}

User from_entry(const passwd& entry) {
    return {entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir};
}

std::optional<unsigned> as_number(std::string_view text) {
    const auto number = number_from<unsigned>(text);
    // The highest value means "leave as it is" to chown.
    return number == static_cast<unsigned>(-1) ? std::nullopt : number;
}

} // namespace

Result<User> find_user(const std::string& name) {
    std::string buffer;
    const Result<passwd> entry = look_up<passwd>(::getpwnam_r, "user", name.c_str(), buffer);
    LECTIO_TRY(entry);
    return from_entry(*entry);
}

Result<User> find_user(uid_t uid) {
    std::string buffer;
    const Result<passwd> entry = look_up<passwd>(::getpwuid_r, "user", uid, buffer);
    LECTIO_TRY(entry);
    return from_entry(*entry);
}

std::vector<gid_t> groups_of(const User& user) {
    int count = 64;
    std::vector<gid_t> groups(static_cast<std::size_t>(count));
    if (::getgrouplist(user.name.c_str(), user.gid, groups.data(), &count) < 0 && count > 0) {
        groups.resize(static_cast<std::size_t>(count)); // it has said how many there are
        ::getgrouplist(user.name.c_str(), user.gid, groups.data(), &count);
    }
    groups.resize(static_cast<std::size_t>(count));
    return groups;
}

Result<Owner> find_owner(std::string_view text) {
    const std::size_t colon = text.find(':');
    const std::string user(text.substr(0, colon));
    const std::string group(colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1));
    Owner owner;
    if (const std::optional<unsigned> number = as_number(user)) {
        owner.user = *number;
    } else if (!user.empty()) {
        const Result<User> found = find_user(user);
        LECTIO_TRY(found);
        owner.user = found->uid;
    }
    if (const std::optional<unsigned> number = as_number(group)) {
        owner.group = *number;
    } else if (!group.empty()) {
        std::string buffer;
        const Result<::group> found = look_up<::group>(::getgrnam_r, "group", group.c_str(), buffer);
        LECTIO_TRY(found);
        owner.group = found->gr_gid;
    }
    return owner;
}

uid_t effective_user() {
    return ::geteuid();
}

} // namespace lectio
