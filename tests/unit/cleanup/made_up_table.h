// MadeUpTable: processes of a test. Numbers change hands when the test says so; a held process is the one that was held.
#pragma once

#include "platform/process_table.h"

#include <csignal>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace lectio::cleanup {

struct MadeUpProcess {
    ProcessInfo info;
    ProcessPlace place{};
    bool ignores_term = false;
    bool never_ends = false;
};

class MadeUpTable final : public ProcessTable {
  public:
    using Identity = std::pair<int, std::uint64_t>; // the number, and when it began

    std::map<int, MadeUpProcess> running;
    std::vector<std::pair<Identity, int>> signals;
    int self = 0;
    std::function<void()> before_list = [] {}, before_hold = [] {}, before_signal = [] {};

    static Identity identity(const ProcessInfo& info) { return {info.pid, info.start_ticks}; }
    MadeUpProcess& add(ProcessInfo info) {
        info.start_ticks = ++m_ticks;
        info.state = info.state == '?' ? 'S' : info.state;
        return running[info.pid] = MadeUpProcess{info};
    }

    Result<std::vector<ProcessInfo>> processes() override {
        before_list();
        std::vector<ProcessInfo> all;
        for (const auto& [pid, process] : running) {
            all.push_back(process.info);
        }
        return all;
    }
    Result<ProcessPlace> place(int pid) override {
        const auto found = running.find(pid);
        return found == running.end() ? Result<ProcessPlace>(Error{ErrorKind::not_found, "gone"})
                                      : Result<ProcessPlace>(found->second.place);
    }
    int self_pid() override { return self; }
    Result<std::unique_ptr<HeldProcess>> hold(const ProcessInfo& seen) override {
        before_hold();
        if (find(identity(seen)) == nullptr) {
            return Error{ErrorKind::not_found, "it has ended"};
        }
        return std::unique_ptr<HeldProcess>(std::make_unique<Held>(*this, identity(seen)));
    }

  private:
    class Held final : public HeldProcess {
      public:
        Held(MadeUpTable& table, Identity who) : m_table(table), m_who(who) {}
        Result<void> send(int signal) override {
            m_table.before_signal();
            const MadeUpProcess* process = m_table.find(m_who);
            if (process == nullptr) {
                return Error{ErrorKind::not_found, "it has ended"};
            }
            m_table.signals.emplace_back(m_who, signal);
            if (!process->never_ends && (signal == SIGKILL || !process->ignores_term)) {
                m_table.running.erase(m_who.first);
            }
            return {};
        }
        bool ended_within(Duration) override { return m_table.find(m_who) == nullptr; }

      private:
        MadeUpTable& m_table;
        Identity m_who;
    };

    MadeUpProcess* find(Identity who) {
        const auto found = running.find(who.first);
        return found != running.end() && found->second.info.start_ticks == who.second ? &found->second
                                                                                      : nullptr;
    }

    std::uint64_t m_ticks = 0;
};

} // namespace lectio::cleanup
