#include "checks/systemd.h"

#include "checks/thresholds.h"
#include "checks/unit_words.h"
#include "config/complaints.h"
#include "platform/journal.h"
#include "platform/unit_name.h"
#include "util/number.h"
#include "util/secret.h"
#include "util/text.h"
#include "words/error_words.h"
#include "words/span.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace lectio {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_timeout{5'000};
// A unit that has begun to start this long ago is given the benefit of the doubt: a restart by hand or by a deploy
// must not be an alert. One that falls again and again is not, whatever state it is met in.
constexpr Duration k_start_grace{15'000};
constexpr Duration k_reading{400}; // of the journal
constexpr std::size_t k_longest_reason = 300;
constexpr std::chrono::seconds k_window = 1h;
constexpr std::size_t k_most_falls = 100; // kept; more in an hour is beyond every threshold
constexpr std::size_t k_names_shown = 5;
constexpr std::size_t k_names_kept = 100; // no list of failed units that somebody reads is longer
constexpr const char* k_failed_names = "failed";
constexpr const char* k_let_go = "let_go";

constexpr Phrase k_active{"{} is running", "{} работает"};
constexpr Phrase k_listening{"{} is active", "{} активен"};
constexpr Phrase k_ran_well{"{} has run and ended well", "{} отработал без ошибок"};
constexpr Phrase k_starting{"{} is starting", "{} запускается"};
constexpr Phrase k_still_starting{"{} has been starting for {}", "{} запускается уже {}"};
constexpr Phrase k_restarting{"{} is being restarted", "{} перезапускается"};
constexpr Phrase k_still_stopping{"{} has been stopping for {}, to be started again",
                                  "{} останавливается уже {}, чтобы запуститься снова"};
constexpr Phrase k_falls_again{"{} fell and systemd is restarting it", "{} упал, systemd его перезапускает"};
constexpr Phrase k_fell_once_more{"{} fell again, systemd has restarted it",
                                  "{} снова упал, systemd его перезапустил"};
constexpr Phrase k_failed{"{} has failed", "{} упал"};
constexpr Phrase k_stopped{"{} is stopped", "{} остановлен"};
constexpr Phrase k_stopping{"{} is being stopped", "{} останавливается"};
constexpr Phrase k_disabled{"it is disabled: it does not start with the host either",
                            "он отключён (disabled) и вместе с сервером тоже не запустится"};
constexpr Phrase k_stopped_on_purpose{"{} was stopped on purpose", "{} остановлен намеренно"};
constexpr Phrase k_not_failed{"{} is not running, and not failed any more",
                              "{} не запущен и больше не числится упавшим"};
constexpr Phrase k_forbidden{"{} is masked: somebody has forbidden its start",
                             "{} замаскирован: его запуск намеренно запрещён"};
constexpr Phrase k_gone{"there is no unit {} any more", "такого юнита больше нет: {}"};
constexpr Phrase k_unknown_unit{"there is no unit {} on this host", "на этом сервере нет юнита {}"};
constexpr Phrase k_masked{"{} is masked: its start is forbidden", "{} замаскирован: запуск запрещён"};
constexpr Phrase k_check_name{
    "check the name {} in the configuration; it may not be installed: systemctl list-unit-files",
    "проверьте имя {} в конфигурации; может быть, его не установили: systemctl list-unit-files"};
constexpr Phrase k_unmask{"if nobody forbade {} on purpose: systemctl unmask {}",
                          "если {} запретили не нарочно: systemctl unmask {}"};
constexpr Phrase k_bad_file{"systemd cannot read the unit file of {}",
                            "systemd не может прочитать файл юнита {}"};
constexpr Phrase k_odd_state{"{} is {}", "{}: {}"};
constexpr Phrase k_restarted{"systemd restarted {} {} in the last hour",
                             "systemd перезапустил {}: {} за последний час"};
constexpr Noun k_times{"time", "times", "раз", "раза", "раз"};
constexpr Phrase k_no_failed{"no unit has failed", "упавших юнитов нет"};
constexpr Phrase k_failed_units{"failed: {}", "упали: {}"};
constexpr Phrase k_and_more{"{} and {} more", "{} и ещё {}"};
constexpr Phrase k_no_systemd{"systemd is not running on this host, so units are not watched",
                              "на этом сервере нет systemd, юниты не проверяются"};

const Schema<SystemdSettings>& systemd_schema() {
    static const Schema<SystemdSettings> schema{
        optional("unit", &SystemdSettings::unit, "unit that must be active; default: no unit may be failed")
            .not_empty() // a variable that is empty would make another check of it
            .check(unit_complaint),
        optional("stopped", &SystemdSettings::stopped, "when somebody has stopped it")
            .one_of({{"critical", Status::critical}, {"warning", Status::warning}, {"ok", Status::ok}}),
        optional("restarts", &SystemdSettings::restarts, "restarts by systemd itself in the last hour")
            .units({Amount::Unit::number})
            .grows(),
    };
    return schema;
}

CheckResult result_of(Status status, Text message, Remedy remedy = Remedy::try_it) {
    CheckResult result;
    result.status = status;
    result.message = std::move(message);
    result.remedy = remedy;
    return result;
}

Text look_hint(const std::string& unit) {
    return verbatim("journalctl -u " + unit + " -n 50 --no-pager");
}

Text start_hint(const std::string& unit) {
    return join("; ", {verbatim("systemctl start " + unit), look_hint(unit)});
}

// The journal of a unit that cannot be started at all says nothing of why.
Text hint_for(const UnitState& unit) {
    if (unit.load_state == "not-found") {
        return say(k_check_name, unit.id);
    }
    if (unit.load_state == "masked") {
        return say(k_unmask, unit.id, unit.id);
    }
    if (unit.load_state != "loaded") {
        return verbatim("systemd-analyze verify " + unit.id);
    }
    const bool is_stopped = unit.active_state == "inactive";
    return is_stopped ? start_hint(unit.id) : look_hint(unit.id);
}

// ── restarts ────────────────────────────────────────────────────────────────────────────────────────────────────

struct Fall { // the counter grew by `times`, seen at that second
    std::int64_t second = 0;
    std::uint64_t times = 0;
};

template<class T>
T number_or_zero(std::string_view text) {
    return number_from<T>(text).value_or(T{});
}

// "1769076000*2 1769076060*1"
std::vector<Fall> read_falls(const std::string& text) {
    std::vector<Fall> falls;
    for (const std::string_view word : split(text, ' ')) {
        const std::size_t star = word.find('*');
        if (star != std::string_view::npos && falls.size() < k_most_falls) {
            falls.push_back({number_or_zero<std::int64_t>(word.substr(0, star)),
                             number_or_zero<std::uint64_t>(word.substr(star + 1))});
        }
    }
    return falls;
}

std::string write_falls(const std::vector<Fall>& falls) {
    std::string text;
    for (const Fall& fall : falls) {
        text += fmt::format("{}{}*{}", text.empty() ? "" : " ", fall.second, fall.times);
    }
    return text;
}

// What did not run when it was last looked at, and how often systemd will have restarted it when it comes up.
struct Down {
    std::int64_t second = 0;
    std::uint64_t restarts = 0;
};

// "1769076000*4", as a fall
std::optional<Down> read_down(const std::map<std::string, std::string>& memory) {
    const auto kept = memory.find("down");
    const std::vector<Fall> read = kept == memory.end() ? std::vector<Fall>() : read_falls(kept->second);
    return read.size() == 1 ? std::optional(Down{read[0].second, read[0].times}) : std::nullopt;
}

std::string down_now(const UnitState& unit, std::int64_t second) {
    const bool counts_next = unit.sub_state == "auto-restart"; // counted when its RestartSec= is over
    return write_falls({{second, unit.restarts + (counts_next ? 1U : 0U)}});
}

// It was down in the last run, was brought up since, and has fallen again: that it runs now is the moment between two
// falls. Not of a look of this same run: what the healer has brought up in between is to be believed.
bool has_fallen_again(const UnitState& unit, const std::map<std::string, std::string>& memory,
                      std::int64_t second) {
    const std::optional<Down> before = read_down(memory);
    return before &&
           before->second <= second - std::chrono::floor<std::chrono::seconds>(k_start_grace).count() &&
           unit.restarts > before->restarts;
}

struct Restarts {
    std::uint64_t last_hour = 0;
    bool fell_again = false;
    bool grew = false;       // just now: in this look, or in the one before it in the same run
    std::int64_t second = 0; // of this look
    std::map<std::string, std::string> memory;
};

// NRestarts counts since the unit was last started by hand, so a smaller number is a new count, all of it unseen.
// In the first run nothing is known of when it grew.
Restarts count_restarts(const UnitState& unit, const std::map<std::string, std::string>& memory,
                        const Now& now) {
    const std::int64_t second = std::chrono::floor<std::chrono::seconds>(now.wall).time_since_epoch().count();
    Restarts restarts;
    restarts.second = second;
    restarts.fell_again = has_fallen_again(unit, memory, second);
    std::vector<Fall> falls;
    if (const auto kept = memory.find("falls"); kept != memory.end()) {
        falls = read_falls(kept->second);
    }
    std::erase_if(falls, [&](const Fall& fall) {
        return fall.second > second || fall.second <= second - k_window.count();
    });
    if (const auto last = memory.find("restarts"); last != memory.end()) {
        const auto before = number_or_zero<std::uint64_t>(last->second);
        const std::uint64_t grown = unit.restarts >= before ? unit.restarts - before : unit.restarts;
        if (grown > 0) {
            falls.push_back({second, grown});
        }
    }
    for (const Fall& fall : falls) {
        restarts.grew |=
            fall.second > second - std::chrono::floor<std::chrono::seconds>(k_start_grace).count();
        restarts.last_hour += std::min<std::uint64_t>(fall.times, 1'000'000);
    }
    restarts.memory["restarts"] = std::to_string(unit.restarts);
    if (!falls.empty()) {
        restarts.memory["falls"] = write_falls(falls);
    }
    return restarts;
}

void judge_restarts(CheckResult& result, const UnitState& unit, const SystemdSettings& settings,
                    const Restarts& restarts, const std::map<std::string, std::string>& memory) {
    const auto count = static_cast<double>(restarts.last_hour);
    const Quantity seen{count, {}};
    const Status level =
        judge_thresholds(seen, settings.restarts, {}, Direction::grows, "restarts", memory, result.memory);
    result.metrics.push_back({"restarts", count, "", in_units_of(seen, settings.restarts.warn),
                              in_units_of(seen, settings.restarts.critical)});
    if (level == Status::ok) {
        return;
    }
    const Text words =
        say(k_restarted, unit.id, counted(static_cast<std::int64_t>(restarts.last_hour), k_times));
    if (result.status == Status::ok) {
        // It runs; what makes it fall is not mended by one more restart.
        result.remedy = Remedy::cannot_help;
        result.message = words;
        result.hint = look_hint(unit.id);
    } else {
        result.message = join("; ", {result.message, words});
    }
    result.status = worst(result.status, level);
}

// ── state ───────────────────────────────────────────────────────────────────────────────────────────────────────

CheckResult judge_starting(const UnitState& unit, const Restarts& restarts, const Now& now) {
    if (unit.sub_state == "auto-restart" || restarts.grew) {
        return result_of(Status::critical, join(": ", {say(k_falls_again, unit.id), how_it_ended(unit)}));
    }
    const bool stops_first = is_being_restarted(unit);
    const Duration since = unit.state_changed ? now.wall - *unit.state_changed : Duration::zero();
    if (since <= k_start_grace) {
        return result_of(Status::ok, say(stops_first ? k_restarting : k_starting, unit.id));
    }
    return result_of(Status::critical, say(stops_first ? k_still_stopping : k_still_starting, unit.id,
                                           span_of(std::chrono::floor<std::chrono::seconds>(since).count())));
}

CheckResult judge_stopped(const UnitState& unit, const SystemdSettings& settings) {
    // The normal state of what a timer starts.
    if (unit.type == "oneshot" && unit.state_changed) {
        return result_of(Status::ok, say(k_ran_well, unit.id));
    }
    const Phrase& words = unit.active_state == "deactivating" ? k_stopping : k_stopped;
    const Text disabled = unit.unit_file_state == "disabled" ? say(k_disabled) : Text{};
    return result_of(settings.stopped, join("; ", {say(words, unit.id), disabled}));
}

// A unit that is watched only because it fell need not run: it was nobody's wish but its own unit file's. Somebody has
// stopped it, forgotten its failure (reset-failed) or removed it; then its fall is over, in these words.
std::optional<CheckResult> judge_let_go(const UnitState& unit) {
    const bool runs = unit.active_state == "active" || unit.active_state == "reloading";
    const auto let_go = [&](const Phrase& words) {
        CheckResult result = result_of(Status::ok, say(words, unit.id));
        result.memory[k_let_go] = "1";
        return result;
    };
    if (unit.load_state == "not-found" && !runs) {
        return let_go(k_gone);
    }
    if (unit.load_state == "masked" && !runs) {
        return let_go(k_forbidden);
    }
    const bool on_the_way_down = unit.active_state == "deactivating" && unit.job == "stop";
    if (on_the_way_down) {
        return let_go(k_stopped_on_purpose);
    }
    // systemd calls "inactive" only what ended well, was told to stop while it waited for its next start, or was reset.
    if (unit.active_state != "inactive" || (unit.load_state != "loaded" && unit.load_state != "not-found")) {
        return std::nullopt;
    }
    if (!unit.state_changed) { // reset-failed, after which systemd forgets what nothing refers to; or another boot
        return let_go(k_not_failed);
    }
    const bool ended_well = unit.result == "success" && unit.exit_status == 0;
    return unit.type == "oneshot" && ended_well ? std::nullopt : std::optional(let_go(k_stopped_on_purpose));
}

CheckResult judge_state(const UnitState& unit, const SystemdSettings& settings, const Restarts& restarts,
                        const Now& now) {
    if (settings.only_as_it_fell) {
        if (std::optional<CheckResult> let_go = judge_let_go(unit)) {
            return *std::move(let_go);
        }
    }
    if (unit.load_state == "not-found") {
        return result_of(Status::critical, say(k_unknown_unit, unit.id), Remedy::cannot_help);
    }
    if (unit.load_state == "masked") {
        return result_of(Status::critical, say(k_masked, unit.id), Remedy::cannot_help);
    }
    if (unit.load_state != "loaded") {
        return result_of(Status::critical, say(k_bad_file, unit.id), Remedy::cannot_help);
    }
    if (unit.active_state == "active" || unit.active_state == "reloading") {
        if (restarts.fell_again) {
            // systemd sees to it; one more restart would only interrupt what runs.
            return result_of(Status::critical,
                             join(": ", {say(k_fell_once_more, unit.id), how_it_ended(unit)}),
                             Remedy::cannot_help);
        }
        return result_of(Status::ok, say(unit.sub_state == "running" ? k_active : k_listening, unit.id));
    }
    if (is_on_its_way(unit)) {
        return judge_starting(unit, restarts, now);
    }
    if (unit.active_state == "failed") {
        return result_of(Status::critical, join(": ", {say(k_failed, unit.id), how_it_ended(unit)}));
    }
    if (unit.active_state == "inactive" || unit.active_state == "deactivating") {
        return judge_stopped(unit, settings);
    }
    return result_of(Status::critical, say(k_odd_state, unit.id, unit.active_state));
}

class SystemdCheck final : public BlockingCheck {
  public:
    explicit SystemdCheck(SystemdSettings settings) : m_settings(std::move(settings)) {
        m_settings.unit = unit_of(m_settings);
    }

    CheckResult run(const CheckContext& context) const override {
        Services& services = context.world.services;
        if (m_settings.unit.empty()) {
            const Result<std::vector<UnitState>> failed = services.failed_units(k_timeout);
            return failed.ok() ? evaluate_failed_units(names_of(*failed))
                               : could_not_look(failed.error(), context);
        }
        const Result<UnitState> unit = services.unit(m_settings.unit, k_timeout);
        if (!unit) {
            return could_not_look(unit.error(), context);
        }
        CheckResult result = evaluate_unit(*unit, m_settings, context.memory, context.now);
        if (result.status == Status::critical && !how_it_ended(*unit).empty()) {
            result.evidence = why_it_fell(last_journal_lines({unit->id, {}}, k_reading));
        }
        return result;
    }

  private:
    static std::vector<std::string> names_of(const std::vector<UnitState>& units) {
        std::vector<std::string> names;
        for (const UnitState& unit : units) {
            names.push_back(unit.id);
        }
        return names;
    }

    // In a container without systemd the check is left out, said in the report and never an alert
    // (docs/decisions/0004).
    static CheckResult could_not_look(const Error& error, const CheckContext& context) {
        CheckResult result = error.kind == ErrorKind::not_found
                                 ? result_of(Status::skipped, say(k_no_systemd))
                                 : result_of(Status::unknown, error_words(clean_line(error.message)));
        result.memory = context.memory;
        return result;
    }

    SystemdSettings m_settings;
};

} // namespace

CheckResult evaluate_unit(const UnitState& unit, const SystemdSettings& settings,
                          const std::map<std::string, std::string>& memory, const Now& now) {
    const Restarts restarts = count_restarts(unit, memory, now);
    CheckResult result = judge_state(unit, settings, restarts, now);
    result.memory.insert(restarts.memory.begin(), restarts.memory.end());
    if (result.status != Status::ok) {
        result.hint = hint_for(unit);
    }
    if (result.status == Status::critical) {
        result.memory["down"] = down_now(unit, restarts.second);
    }
    judge_restarts(result, unit, settings, restarts, memory);
    return result;
}

std::string why_it_fell(const std::vector<std::string>& lines) {
    constexpr std::array<std::string_view, 10> k_signs{
        "error", "fail", "emerg", "fatal", "cannot", "denied", "unable", "not found", "no such", "exception"};
    constexpr std::size_t k_most = 2;
    std::vector<std::string> telling;
    for (const std::string& line : lines) {
        const bool tells = std::any_of(k_signs.begin(), k_signs.end(), [&](std::string_view sign) {
            return contains_ignoring_case(line, sign);
        });
        if (tells) {
            telling.push_back(line);
        }
    }
    if (telling.empty() && !lines.empty()) {
        telling.push_back(lines.back());
    }
    std::string why;
    for (std::size_t i = telling.size() - std::min(telling.size(), k_most); i < telling.size(); ++i) {
        why += (why.empty() ? "" : "\n") + shorten(redact(clean_line(telling[i])), k_longest_reason);
    }
    return why;
}

CheckResult evaluate_failed_units(const std::vector<std::string>& failed) {
    CheckResult result;
    result.metrics.push_back({"failed", static_cast<double>(failed.size()), "", 1.0, {}});
    if (failed.empty()) {
        result.status = Status::ok;
        result.message = say(k_no_failed);
        return result;
    }
    std::string names;
    for (std::size_t i = 0; i < std::min(failed.size(), k_names_shown); ++i) {
        names += (i == 0 ? "" : ", ") + failed[i];
    }
    const Text shown = failed.size() > k_names_shown ? say(k_and_more, names, failed.size() - k_names_shown)
                                                     : verbatim(names);
    result.status = Status::warning;
    result.message = say(k_failed_units, shown);
    result.hint = verbatim("systemctl --failed");
    if (failed.size() <= k_names_kept) {
        result.memory[k_failed_names] = fmt::format("{}", fmt::join(failed, " "));
    }
    return result;
}

std::vector<std::string> failed_units_of(const CheckResult& result) {
    std::vector<std::string> names;
    const auto kept = result.memory.find(k_failed_names);
    const bool is_such = result.status == Status::warning && kept != result.memory.end();
    const std::string all = is_such ? kept->second : std::string();
    for (const std::string_view name : split(all, ' ')) {
        if (!name.empty()) {
            names.emplace_back(name);
        }
    }
    return names;
}

bool is_let_go(const CheckResult& result) {
    return result.status == Status::ok && result.memory.contains(k_let_go);
}

std::string unit_of(const SystemdSettings& settings) {
    return settings.unit.empty() ? std::string() : full_unit_name(settings.unit);
}

CheckType systemd_check_type() {
    return make_check_type<systemd_schema, SystemdCheck>("systemd", Layer::unit, Recheck::yes,
                                                         "a unit is active; without one: no unit has failed");
}

} // namespace lectio
