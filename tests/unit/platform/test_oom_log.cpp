#include "platform/oom_log.h"
#include "support/temp_folder.h"

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

// Recorded from Linux 6.1.
const std::string k_kill =
    "3,1204,918273645,-;Out of memory: Killed process 4242 (python3) total-vm:812344kB, anon-rss:612340kB, "
    "file-rss:0kB, shmem-rss:0kB, UID:33 pgtables:1320kB oom_score_adj:0\n";
const std::string k_cgroup_kill = "3,1205,918273646,-;Memory cgroup out of memory: Killed process 77 (a) b "
                                  "(c) total-vm:1kB, anon-rss:1kB\n";

} // namespace

TEST_CASE("whom the kernel has killed") {
    const auto victim = oom_victim_of(k_kill);
    REQUIRE(victim.has_value());
    CHECK(victim->pid == 4242);
    CHECK(victim->name == "python3");
    CHECK(victim->boot == Duration(918'273));
    // A name may hold anything.
    CHECK(oom_victim_of(k_cgroup_kill)->name == "a) b (c");
}

TEST_CASE("other records and garbage are no kill") {
    for (const char* record :
         {"", "6,1,2,-;usb 1-1: new device", "3,1;Out of memory: Killed process 1 (a) total-vm:1kB",
          "3,1,x,-;Out of memory: Killed process 1 (a) total-vm:1kB",
          "3,1,2,-;Out of memory: Killed process x", "3,1,2,-;Out of memory: Killed process 1 total-vm:",
          "3,1,2,-;Out of memory: Killed process ) total-vm:("}) {
        CAPTURE(record);
        CHECK_FALSE(oom_victim_of(record).has_value());
    }
}

TEST_CASE("only the kills since a moment, and none where there is no log") {
    const TempFolder folder;
    spill(folder / "kmsg", k_kill);
    CHECK(oom_victims(Duration(918'000), folder / "kmsg").size() == 1);
    CHECK(oom_victims(Duration(919'000), folder / "kmsg").empty());
    CHECK(oom_victims(Duration(0), folder / "nothing").empty());
}
