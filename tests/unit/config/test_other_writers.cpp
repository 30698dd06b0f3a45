// Whoever may change a configuration may do what root does: that is said.
#include "config/other_writers.h"
#include "config/parse.h"

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

constexpr uid_t k_nobody_known = 3999999, k_us = 1000;

FileInfo owned(uid_t owner, gid_t group, mode_t mode) {
    FileInfo info;
    info.owner = owner;
    info.group = group;
    info.mode = mode;
    return info;
}

std::string note(const FileInfo& file, const FileInfo& folder) {
    const auto found = note_of_other_writers("/etc/lectio/config.toml", file, folder, k_us);
    return found ? found->message.en + "; " + found->hint.en : "";
}

const FileInfo k_good_file = owned(0, 0, 0644), k_good_folder = owned(0, 0, 0755);

} // namespace

TEST_CASE("a configuration that only root and we can change is not spoken of") {
    CHECK(note(k_good_file, k_good_folder).empty());
    CHECK(note(owned(k_us, 1000, 0640), owned(k_us, 1000, 0755)).empty());
    CHECK(note(owned(0, 0, 0660), owned(0, 0, 0775)).empty());   // root's group is root
    CHECK(note(k_good_file, owned(0, 0, 01777)).empty());        // /tmp: nobody else may exchange it
    CHECK(note(owned(0, 33, 0640), owned(0, 33, 0750)).empty()); // reading is not writing
}

TEST_CASE("who else can change a configuration is named, with the line that mends it") {
    const std::string mend_file =
        "run: chown root:root /etc/lectio/config.toml && chmod go-w /etc/lectio/config.toml";
    const std::string mend_folder = "run: chown root:root /etc/lectio && chmod go-w /etc/lectio";
    const std::string file = "/etc/lectio/config.toml ";
    CHECK(note(owned(k_nobody_known, 0, 0600), k_good_folder) ==
          file + "belongs to 3999999, and root does what it says; " + mend_file);
    CHECK(note(owned(0, 33, 0664), k_good_folder) ==
          file + "can be changed by others, and root does what it says; " + mend_file);
    CHECK(note(owned(0, 0, 0646), k_good_folder) ==
          file + "can be changed by others, and root does what it says; " + mend_file);
    CHECK(note(k_good_file, owned(k_nobody_known, 0, 0755)) ==
          file + "lies in a folder of 3999999, and root does what it says; " + mend_folder);
    CHECK(note(k_good_file, owned(0, 33, 0775)) ==
          file + "lies in a folder that others can write to, and root does what it says; " + mend_folder);
    CHECK(note(owned(0, 33, 0664), owned(0, 0, 01777)) ==
          file + "can be changed by others, and root does what it says; " + mend_file);
}

TEST_CASE("the programs that a configuration has root run") {
    Problems problems;
    const std::optional<Node> root = parse_toml(R"(
[health.check.a]
command = ["/usr/lib/nagios/plugins/check_dns", "-H", "/etc/hosts"]
[health.check.b]
command = ["/usr/bin/python3.11", "-u", "/srv/app/check.py", "/srv/app/data"]
[health.check.c]
command = ["/srv/app/as_user"]
user = "www-data"
[[health.recovery]]
test = ["nginx", "-t"]
[[health.recovery]]
command = ["/srv/app/mend"]
user = "root"
[channel.own]
command = ["bash", "/srv/app/tell.sh"]
[backup]
offsite = ["/srv/app/send", "{file}"]
offsite_list = ["/srv/app/list"]
offsite_fetch = ["/srv/app/fetch", "{file}"]
restic = ["/srv/app/restic", "-r", "/srv/repository"]
[odd]
command = "/srv/app/none"
test = [1, ["/srv/app/none"]]
)",
                                                problems);
    REQUIRE(root);
    CHECK(programs_of_root(*root) == std::set<Path>{"/usr/lib/nagios/plugins/check_dns",
                                                    "/usr/bin/python3.11", "/srv/app/check.py",
                                                    "/srv/app/mend", "/srv/app/tell.sh", "/srv/app/send",
                                                    "/srv/app/list", "/srv/app/fetch", "/srv/app/restic"});
}
