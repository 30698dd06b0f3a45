// What every host has, and the disks that hold what was found.
#include "discovery/finder.h"
#include "platform/host.h"
#include "util/path.h"
#include "util/text.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr Phrase k_root{"every host has it", "есть на каждом сервере"};
constexpr Phrase k_mount{"a file system of its own, with something in it that was found here",
                         "отдельная файловая система, на ней лежит найденное здесь"};
constexpr Phrase k_memory{"limits: 10% and 4% of the {} of this host",
                          "пороги: 10% и 4% от {} этого сервера"};
constexpr Phrase k_load{"a machine that is slow", "сервер, который не справляется с нагрузкой"};
constexpr Phrase k_clock{"certificates, logs and schedules need the right time",
                         "от верного времени зависят сертификаты, журналы и расписания"};
constexpr Phrase k_units{"none may have failed, also of those that nobody thought of",
                         "ни один юнит не должен падать — даже те, о которых никто не подумал"};

// A tenth and a twenty-fifth of what there is: 200 and 80 MB of 2 GB.
FoundCheck memory_check(Host& host) {
    FoundCheck check{"memory", "memory", "memory", {}, {}, say(k_root)};
    const Result<MemoryInfo> memory = host.memory();
    if (memory && memory->total >= 64_MB) {
        const std::uint64_t megabytes = memory->total.count >> 20U;
        check.keys.emplace_back("available", fmt::format("{{ warn = \"{}MB\", critical = \"{}MB\" }}",
                                                         megabytes / 10, megabytes / 25));
        check.why = say(k_memory, format_size(memory->total));
    }
    check.keys.emplace_back("oom", "\"warn\"");
    return check;
}

// A network's may hang: whoever wants it watched says so.
bool is_local(const Mount& mount) {
    constexpr std::array<std::string_view, 9> k_local{"ext2", "ext3", "ext4", "xfs",     "btrfs",
                                                      "zfs",  "f2fs", "jfs",  "bcachefs"};
    return std::find(k_local.begin(), k_local.end(), mount.type) != k_local.end();
}

void add_disk(Finder& finder, const Path& folder) {
    const std::string text = folder.string();
    if (!is_utf8(text)) {
        return;
    }
    const bool is_root = text == "/";
    finder.add({is_root ? "disk" : "disk" + text,
                "disk " + text,
                "disk",
                {{"path", toml_text(text)},
                 {"free", "{ warn = \"15%\", critical = \"5%\" }"},
                 {"inodes", "{ warn = \"10%\", critical = \"3%\" }"}},
                {},
                say(is_root ? k_root : k_mount),
                true,
                FoundCheck::Gone::wish});
}

} // namespace

void find_host(Finder& finder) {
    add_disk(finder, "/");
    finder.add(memory_check(finder.world.host));
    finder.add({"load", "load", "load", {}, {}, say(k_load)});
    // Where nobody keeps the clock, or a container may not ask, that is how the host was made: a guess would only nag.
    // Once it was kept, it is watched, and its time service's end is told.
    if (const Result<TimeSync> sync = finder.world.host.time_sync(); sync && sync->synchronised) {
        finder.add({"clock", "clock", "clock", {}, {}, say(k_clock)});
    }
    // Without systemd (a container) there is nothing to ask, and that is no fault of the host. A systemd that does
    // not answer is one.
    if (finder.view.systemd != HostView::Systemd::absent) {
        finder.add({"units", "units", "systemd", {}, {}, say(k_units), true, FoundCheck::Gone::wish});
    }
}

void find_disks(Finder& finder) {
    const std::vector<Mount> mounts = finder.world.host.mounts().value_or({});
    for (const Path& folder : finder.folders) {
        const Mount* holder = nullptr;
        for (const Mount& mount : mounts) { // the last of the longest: what is mounted over another hides it
            if (lies_in(folder, mount.folder) &&
                (holder == nullptr || mount.folder.size() >= holder->folder.size())) {
                holder = &mount;
            }
        }
        if (holder != nullptr && is_local(*holder)) {
            add_disk(finder, holder->folder);
        }
    }
}

} // namespace lectio
