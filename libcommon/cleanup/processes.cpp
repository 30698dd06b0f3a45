#include "cleanup/processes.h"

#include "checks/process.h"
#include "platform/unit_name.h"
#include "platform/users.h"
#include "util/secret.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <csignal>
#include <memory>
#include <optional>

#include <fmt/format.h>

namespace lectio::cleanup {
namespace {

constexpr std::size_t k_shown_command = 80;
constexpr Duration k_after_kill{5'000};

constexpr Phrase k_another_users{
    "it belongs to another user: only what the rule names by `user` is ended",
    "он принадлежит другому пользователю: завершается только указанное в `user`"};
constexpr Phrase k_of_a_unit{"it belongs to {}: only services that the rule names in `units` are touched",
                             "он относится к {}: трогаются только службы, названные в `units`"};
constexpr Phrase k_contained{"it runs in a container", "он работает в контейнере"};
constexpr Phrase k_only_root{"only root ends processes of {}", "процессы {} может завершать только root"};
constexpr Phrase k_ended{"ended", "завершён"};
constexpr Phrase k_killed{"killed: it did not end by itself within {}", "убит: сам за {} не завершился"};
constexpr Phrase k_asked{"it was asked to end, and has not ended yet",
                         "его попросили завершиться, он ещё работает"};
constexpr Phrase k_undead{"it does not end, not even by SIGKILL", "не завершается даже по SIGKILL"};

// What somebody runs from a shell, or systemd for a person as a whole, is no service.
bool is_service(const std::string& unit) {
    const bool of_a_person =
        (unit.starts_with("session-") && unit.ends_with(".scope")) || unit.starts_with("user@");
    return !unit.empty() && !of_a_person;
}

struct Target {
    ProcessInfo seen;
    std::unique_ptr<HeldProcess> held;
};

class Ending {
  public:
    Ending(const KillOrder& order, ProcessTable& table, Sweep& sweep)
        : m_order(order), m_table(table), m_sweep(sweep), m_name("kill " + order.rule.match) {}

    void run(const std::vector<ProcessInfo>& all) {
        for (const ProcessInfo& process : all) {
            consider(process);
        }
        if (m_targets.empty() || !look_again()) {
            return;
        }
        for (Target& target : m_targets) {
            send(target, SIGTERM);
        }
        const SteadyTime end = m_sweep.world.clock.steady() + m_order.rule.wait;
        for (Target& target : m_targets) {
            if (target.held == nullptr) {
                continue; // done with
            }
            const auto left = std::chrono::ceil<Duration>(end - m_sweep.world.clock.steady());
            if (target.held->ended_within(std::max(left, Duration::zero()))) {
                conclude(target, Deed::End::done, say(k_ended));
            }
        }
        for (Target& target : m_targets) {
            kill(target);
        }
    }

  private:
    void consider(const ProcessInfo& process) {
        ProcessPlace place;
        const Spared spared = why_spared(process, m_order, [&](int pid) { return place = where(pid); });
        switch (spared) {
        case Spared::another_users:
            return add(process, Deed::End::left, say(k_another_users));
        case Spared::of_a_unit:
            return add(process, Deed::End::left, say(k_of_a_unit, clean_line(place.unit)));
        case Spared::contained:
            return add(process, Deed::End::left, say(k_contained));
        case Spared::no:
            break;
        default:
            return;
        }
        if (m_sweep.effect == Sweep::Effect::none) {
            return add(process, Deed::End::shown, {});
        }
        Result<std::unique_ptr<HeldProcess>> held = m_table.hold(process);
        if (held) {
            m_targets.push_back({process, std::move(*held)});
        } else if (held.error().kind != ErrorKind::not_found) {
            add(process, Deed::End::failed, error_words(held.error().message));
        }
    }

    // Of what cannot be asked about it is not known whose it is.
    ProcessPlace where(int pid) {
        Result<ProcessPlace> place = m_table.place(pid);
        return place ? std::move(*place) : ProcessPlace{"?", {}, true};
    }

    // Held now, so that its number is its own: is it still what the rule names?
    bool look_again() {
        const Result<std::vector<ProcessInfo>> all = m_table.processes();
        if (!all) {
            add(m_targets.front().seen, Deed::End::failed, error_words(all.error().message));
            return false;
        }
        std::erase_if(m_targets, [&](const Target& target) {
            const auto now = std::find_if(all->begin(), all->end(), [&](const ProcessInfo& one) {
                return one.pid == target.seen.pid && one.start_ticks == target.seen.start_ticks;
            });
            return now == all->end() ||
                   why_spared(*now, m_order, [&](int pid) { return where(pid); }) != Spared::no;
        });
        return !m_targets.empty();
    }

    void send(Target& target, int signal) {
        const Result<void> sent = target.held->send(signal);
        if (!sent && sent.error().kind != ErrorKind::not_found) {
            conclude(target, Deed::End::failed, error_words(sent.error().message));
        }
    }

    void kill(Target& target) {
        if (target.held == nullptr) {
            return;
        }
        if (!m_sweep.may_go_on()) {
            return conclude(target, Deed::End::left, say(k_asked));
        }
        send(target, SIGKILL);
        if (target.held != nullptr) {
            const bool ended = target.held->ended_within(k_after_kill);
            conclude(target, ended ? Deed::End::done : Deed::End::failed,
                     ended ? say(k_killed, format_duration(m_order.rule.wait)) : say(k_undead));
        }
    }

    void conclude(Target& target, Deed::End end, const Text& words) {
        add(target.seen, end, words);
        target.held.reset();
    }

    void add(const ProcessInfo& process, Deed::End end, const Text& words) {
        const bool frees = end == Deed::End::done || end == Deed::End::shown;
        m_sweep.deeds.push_back({m_name, shown(process), frees ? process.rss : Bytes{}, end, words});
    }

    const KillOrder& m_order;
    ProcessTable& m_table;
    Sweep& m_sweep;
    std::string m_name;
    std::vector<Target> m_targets;
};

} // namespace

Spared why_spared(const ProcessInfo& process, const KillOrder& order,
                  const std::function<ProcessPlace(int pid)>& place) {
    const KillRule& rule = order.rule;
    const bool is_dead = process.state == 'Z' || process.state == 'X';
    if (is_dead || process.command_line.empty() ||
        !order.pattern.found_in(process.command_line).value_or(false)) {
        return Spared::not_meant;
    }
    if (process.pid <= 1 || order.family.contains(process.pid)) {
        return Spared::family;
    }
    const Duration old = order.memory_low ? std::min(rule.older, rule.low_memory->older) : rule.older;
    if (process.age < old) {
        return Spared::too_young;
    }
    if (rule.rss && process.rss <= *rule.rss) {
        return Spared::too_small;
    }
    if (process.owner != order.whose) {
        return Spared::another_users;
    }
    const ProcessPlace where = place(process.pid);
    if (where.contained) {
        return Spared::contained;
    }
    const bool named = std::any_of(rule.units.begin(), rule.units.end(), [&](const std::string& unit) {
        return full_unit_name(unit) == where.unit;
    });
    return is_service(where.unit) && !named ? Spared::of_a_unit : Spared::no;
}

void end_processes(const KillRule& rule, ProcessTable& table, Sweep& sweep) {
    const std::string name = "kill " + rule.match;
    const auto give_up = [&](const Text& why) {
        sweep.deeds.push_back({name, rule.match, {}, Deed::End::failed, why});
    };
    const Result<Pattern> pattern = Pattern::compile(rule.match);
    const Result<std::vector<ProcessInfo>> all = table.processes();
    const Result<User> user = rule.user.empty() ? User{} : find_user(rule.user);
    if (!pattern || !all || !user) {
        const Error& error = !pattern ? pattern.error() : !all ? all.error() : user.error();
        return give_up(error_words(error.message));
    }
    const uid_t us = effective_user();
    if (us != 0 && !rule.user.empty() && user->uid != us) {
        return give_up(say(k_only_root, rule.user));
    }
    KillOrder order{rule, *pattern, rule.user.empty() ? us : user->uid, false,
                    self_and_ancestors(*all, table.self_pid())};
    if (rule.low_memory) {
        const Result<MemoryInfo> memory = sweep.world.host.memory();
        order.memory_low = memory && memory->available < rule.low_memory->available;
    }
    Ending(order, table, sweep).run(*all);
}

std::string shown(const ProcessInfo& process) {
    const std::string& words = process.command_line.empty() ? process.name : process.command_line;
    return fmt::format("{} ({})", shorten(redact(clean_line(words)), k_shown_command), process.pid);
}

} // namespace lectio::cleanup
