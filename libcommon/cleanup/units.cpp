#include "cleanup/units.h"

#include "checks/process.h"
#include "cleanup/processes.h"
#include "config/config.h"
#include "incidents/markers.h"
#include "platform/unit_name.h"
#include "recovery/unit_action.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <map>

namespace lectio::cleanup {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_longest_restart = 5min;

constexpr Phrase k_zombies{"{} zombies: only their parent collects them, or its restart",
                           "зомби: {}; убрать их может только родитель или его перезапуск"};
constexpr Phrase k_may_restart{"{}; to allow that: zombies = {{ restart = [\"{}\"] }}",
                               "{}; чтобы разрешить: zombies = {{ restart = [\"{}\"] }}"};
constexpr Phrase k_restarted{"restarted for {} zombies: {}", "перезапущен из-за зомби ({}): {}"};
constexpr Phrase k_not_restarted{"{} zombies, and it was not restarted: {}",
                                 "зомби: {}, перезапуска не было: {}"};
constexpr Phrase k_workers{"{} processes, at most {} expected: restarted, {}",
                           "процессов: {}, а должно быть не больше {}: перезапущен, {}"};
constexpr Phrase k_workers_not{"{} processes, at most {} expected, and it was not restarted: {}",
                               "процессов: {}, а должно быть не больше {}, перезапуска не было: {}"};
constexpr Phrase k_would{"{} of them: it would be restarted", "их {}: был бы перезапущен"};
constexpr Phrase k_not_now{"a deploy or maintenance is under way", "идёт выкладка или обслуживание"};

// As the healer: never during a deploy or maintenance, nothing that systemd is at work on, and with the host to ourselves
// (CONTRACT 20).
ActionResult restart(const std::string& unit, Sweep& sweep) {
    World& world = sweep.world;
    const Path& run = sweep.config.paths.run;
    const Suppression quiet = judge_markers(read_markers(world.files, marker_paths(run)), "cleanup", {},
                                            sweep.config.alerts.deploy_grace, world.clock.now());
    if (quiet.forbids_healing()) {
        return {false, say(k_not_now), true};
    }
    const Result<Lock> host = world.files.lock(run / "host.lock", "lectio-cleanup", world.clock.now().wall);
    if (!host) {
        return {false, error_words(host.error().message), host.error().kind == ErrorKind::busy};
    }
    const ActionContext context{world, world.clock.steady() + k_longest_restart};
    const Result<UnitState> state = world.services.unit(unit, time_for(context, 3s));
    if (!state) {
        return {false, error_words(state.error().message)};
    }
    const std::optional<Readiness> not_now = why_not_now(*state, context);
    return not_now ? ActionResult{false, not_now->words, not_now->kind == Readiness::Kind::wait}
                   : do_job(unit, Services::Verb::restart, context);
}

Deed::End end_of(const ActionResult& restarted) {
    return restarted.ok ? Deed::End::done : restarted.stood_aside ? Deed::End::left : Deed::End::failed;
}

std::map<int, int> zombies_of(const std::vector<ProcessInfo>& all) {
    std::map<int, int> counts;
    for (const ProcessInfo& process : all) {
        counts[process.parent] += process.state == 'Z' ? 1 : 0;
    }
    return counts;
}

} // namespace

void look_for_zombies(const ZombieRule& rule, ProcessTable& table, Sweep& sweep) {
    const Result<std::vector<ProcessInfo>> all = table.processes();
    if (!all) {
        sweep.deeds.push_back({"zombies", "/proc", {}, Deed::End::failed, error_words(all.error().message)});
        return;
    }
    for (const auto& [pid, count] : zombies_of(*all)) {
        const auto parent =
            std::find_if(all->begin(), all->end(), [pid = pid](const auto& one) { return one.pid == pid; });
        if (count < rule.warn || parent == all->end() || !sweep.may_go_on()) {
            continue;
        }
        const Result<ProcessPlace> place = table.place(pid);
        const std::string unit = place && !place->contained ? place->unit : std::string();
        const bool allowed =
            std::any_of(rule.restart.begin(), rule.restart.end(),
                        [&](const std::string& name) { return full_unit_name(name) == unit; });
        Deed deed{"zombies", shown(*parent), {}, Deed::End::failed, say(k_zombies, count)};
        if (!allowed && unit.ends_with(".service")) {
            deed.words = say(k_may_restart, deed.words, clean_line(unit));
        } else if (allowed) {
            deed.target = clean_line(unit);
            if (sweep.effect == Sweep::Effect::none) {
                deed.end = Deed::End::shown;
                deed.words = say(k_would, count);
            } else {
                const ActionResult done = restart(unit, sweep);
                deed.end = end_of(done);
                deed.words = say(done.ok ? k_restarted : k_not_restarted, count, done.detail);
            }
        }
        sweep.deeds.push_back(std::move(deed));
    }
}

void look_for_workers(const WorkerRule& rule, ProcessTable& table, Sweep& sweep) {
    const std::string unit = full_unit_name(rule.restart);
    const auto add = [&](Deed::End end, const Text& words) {
        sweep.deeds.push_back({"workers " + rule.match, unit, {}, end, words});
    };
    const Result<std::vector<ProcessInfo>> all = table.processes();
    const Result<std::vector<ProcessInfo>> matching =
        all ? matching_processes(*all, rule.match, std::nullopt, table.self_pid()) : all;
    if (!matching) {
        return add(Deed::End::failed, error_words(matching.error().message));
    }
    const auto count = static_cast<int>(matching->size());
    if (count <= rule.max) {
        return;
    }
    if (sweep.effect == Sweep::Effect::none) {
        return add(Deed::End::shown, say(k_would, count));
    }
    const ActionResult done = restart(unit, sweep);
    add(end_of(done), say(done.ok ? k_workers : k_workers_not, count, rule.max, done.detail));
}

} // namespace lectio::cleanup
