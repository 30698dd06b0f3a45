#include "platform/descendants.h"

#include "platform/proc_text.h"
#include "util/number.h"
#include "util/unique_fd.h"

#include <array>
#include <csignal>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lectio {
namespace {

// What goes on starting others is stopped at the first look at it, so that a few looks find the last.
constexpr int k_most_looks = 20;

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};

struct Member {
    pid_t pid = 0;
    UniqueFd handle; // not valid on kernels before 5.3

    void send(int signal) const {
        if (handle.valid()) {
            ::syscall(SYS_pidfd_send_signal, handle.get(), signal, nullptr, 0);
        } else {
            ::kill(pid, signal);
        }
    }
};

std::vector<ProcessStat> all_processes() {
    std::vector<ProcessStat> all;
    const std::unique_ptr<DIR, CloseFolder> proc(::opendir("/proc"));
    while (const dirent* entry = proc ? ::readdir(proc.get()) : nullptr) {
        const auto pid = number_from<pid_t>(entry->d_name);
        if (std::optional<ProcessStat> stat = pid ? process_stat(*pid) : std::nullopt) {
            all.push_back(std::move(*stat));
        }
    }
    return all;
}

std::vector<ProcessStat> descendants_of(pid_t child) {
    std::multimap<int, ProcessStat> by_parent;
    for (ProcessStat& process : all_processes()) {
        by_parent.emplace(process.parent, std::move(process));
    }
    std::vector<ProcessStat> found;
    std::set<int> seen{child}; // a list read while numbers are reused may hold a circle
    std::vector<int> parents{child};
    while (!parents.empty()) {
        const auto [first, last] = by_parent.equal_range(parents.back());
        parents.pop_back();
        for (auto process = first; process != last; ++process) {
            if (seen.insert(process->second.pid).second) {
                parents.push_back(process->second.pid);
                found.push_back(process->second);
            }
        }
    }
    return found;
}

// Nothing if the process that was seen is gone by now: its number may be another's.
std::optional<Member> hold(const ProcessStat& seen) {
    Member member{seen.pid, UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, seen.pid, 0)))};
    const std::optional<ProcessStat> now = process_stat(seen.pid);
    const bool same = now && now->start_ticks == seen.start_ticks && now->parent == seen.parent;
    return same ? std::optional(std::move(member)) : std::nullopt;
}

} // namespace

void end_descendants(pid_t child) {
    // Stopped before they are ended: a parent that dies first would make its children daemons.
    ::kill(child, SIGSTOP);
    std::map<pid_t, Member> held;
    for (int looks = 0; looks < k_most_looks; ++looks) {
        const std::size_t before = held.size();
        for (const ProcessStat& seen : descendants_of(child)) {
            std::optional<Member> member = held.contains(seen.pid) ? std::nullopt : hold(seen);
            if (member) {
                member->send(SIGSTOP);
                held.emplace(seen.pid, std::move(*member));
            }
        }
        if (held.size() == before) {
            break;
        }
    }
    for (const auto& [pid, member] : held) {
        member.send(SIGKILL);
    }
}

} // namespace lectio
