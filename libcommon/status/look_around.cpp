#include "status/look_around.h"

#include "backup/archive.h"
#include "backup/drills.h"
#include "backup/retention.h"
#include "heartbeat/job_record.h"
#include "incidents/key_type.h"
#include "incidents/rules.h"
#include "pipeline/policy.h"
#include "pipeline/tool_state.h"
#include "platform/host.h"
#include "platform/record_age.h"
#include "platform/release_disk.h"
#include "platform/users.h"
#include "release/deploy_site.h"
#include "release/shelf.h"
#include "report/words.h"
#include "status/day.h"
#include "store/past_runs.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include <fmt/format.h>

namespace lectio::status {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_recent = 24h * 7;       // of recoveries
constexpr Duration k_month = 24h * 30;       // of incidents
constexpr std::size_t k_most_recoveries = 8; // newest
constexpr std::size_t k_most_deploys = 5;
constexpr Duration k_ticks = 1s;             // so exactly the kernel tells the age of a process
constexpr Duration k_longest_deploy = 30min; // its marker never holds longer (CONTRACT 22)

// By which its last run may be old where heartbeat.tools does not say it: as in config.example.toml.
struct KnownTool {
    std::string_view name;
    Duration limit;
};
constexpr std::array<KnownTool, 6> k_tools{{{"health", 3min},
                                            {"smoke", 15min},
                                            {"deepcheck", 130min},
                                            {"heartbeat", 3min},
                                            {"backup", 26h},
                                            {"cleanup", 130min}}};

constexpr Phrase k_history_denied{"the history may not be read by this user",
                                  "историю этому пользователю читать нельзя"};
constexpr Phrase k_history_unreadable{"the history cannot be read: {}", "историю не удалось прочитать: {}"};
constexpr Phrase k_history_missing{
    "there is no history, though tools have run here: neither days nor recoveries are known",
    "истории нет, хотя инструменты запускались: ни дней, ни восстановлений не видно"};
constexpr Phrase k_deploys_unreadable{"the deploys cannot be read: {}", "деплои не удалось прочитать: {}"};
constexpr Phrase k_journal_damaged{"the journal of deploy {} is damaged", "журнал деплоя {} повреждён"};
constexpr Phrase k_backups_unreadable{"the backups cannot be read: {}", "копии не удалось прочитать: {}"};
constexpr Phrase k_manifest_unreadable{"the manifest {} of a backup cannot be read",
                                       "описание копии {} не читается"};
constexpr Phrase k_backup_missing{"the file of backup {} is missing", "нет файла копии {}"};
constexpr Phrase k_drill_bad{"{}: the copy outside of this server does not pass its proof: {}",
                             "{}: копия в хранилище не прошла проверку: {}"};
constexpr Phrase k_drill_failed{"{}: the copy outside of this server could not be fetched and proven: {}",
                                "{}: копию не удалось забрать из хранилища и проверить: {}"};
constexpr Phrase k_drill_overdue{"{}: since {} no copy from outside of this server was proven",
                                 "{}: с {} ни одна копия из хранилища не проверена"};
constexpr Phrase k_backup_never{"{}: there is no proven backup", "{}: нет ни одной проверенной копии"};
constexpr Phrase k_backup_old{"{}: the newest proven backup is {} old", "{}: последней проверенной копии {}"};
constexpr Phrase k_backup_to_come{
    "{}: the newest proven backup is of {}, which is still to come: is the clock right?",
    "{}: последняя проверенная копия — от {}, это ещё не наступило: верны ли часы?"};
constexpr Phrase k_one_to_come{
    "{}: the backup {} is of {}, which is still to come: the clock is wrong, or was",
    "{}: копия {} — от {}, это ещё не наступило: часы врут или врали"};
constexpr Phrase k_backup_bad{"{}: the last backup, {}, does not pass its proof: {}",
                              "{}: последняя копия, {}, не прошла проверку: {}"};
constexpr Phrase k_backup_suspect{"{}: backup {} is much smaller than the one before",
                                  "{}: копия {} намного меньше предыдущей"};
constexpr Phrase k_backup_off{"{} is not backed up", "{} не копируется"};
constexpr Phrase k_over{"over: {}", "прошло: {}"};
constexpr Phrase k_just_over{"over", "прошло"};
constexpr Phrase k_not_yet{"not looked at yet", "ещё не проверялось"};

Text trouble_words(const Error& error) {
    return error_words(clean_line(error.message));
}

bool has_work(const Config& config, std::string_view tool) {
    return tool == "health" ||
           (tool == "smoke" && !(config.smoke.steps.empty() && config.smoke.logins.empty())) ||
           (tool == "deepcheck" && !config.deepcheck.checks.empty()) ||
           (tool == "heartbeat" && !config.heartbeat.url.empty()) ||
           (tool == "backup" && !config.backup.dir.empty() && !config.backup.sources.empty());
}

// A check that the configuration has, of whatever tool.
struct Configured {
    std::string tool, name, type;
    CheckCommon common;
};

std::vector<Configured> configured_checks(const Config& config) {
    std::vector<Configured> all;
    const auto add = [&](std::string_view tool, const std::vector<CheckSettings>& checks) {
        for (const CheckSettings& check : checks) {
            if (check.common.enabled) {
                all.push_back({std::string(tool), check.name, check.type, check.common});
            }
        }
    };
    add("health", config.health.checks);
    if (has_work(config, "smoke")) {
        for (const CheckPolicy& step : smoke_policies(config)) {
            all.push_back({"smoke", step.name, step.type, step.common});
        }
    }
    add("deepcheck", config.deepcheck.checks);
    return all;
}

class LookAround {
  public:
    LookAround(World& world, const Config& config, Delivery& delivery, SteadyTime until)
        : m_world(world), m_config(config), m_delivery(delivery), m_until(until), m_now(world.clock.now()),
          m_day(m_now.wall) {}

    Overview look(const LookingAround& how) {
        m_far_back = how.far_back;
        m_overview.host = how.host;
        m_overview.zone = m_config.timezone;
        m_overview.now = m_now.wall;
        history();
        for (const auto& [tool, limit] : expected_tools()) {
            one_tool(tool, limit);
        }
        say_whether_history_is_missing();
        checks();
        deploys();
        backups();
        jobs();
        telling(Desk(m_world, m_config, {}));
        m_overview.tells = how.secrets_denied.empty();
        if (!m_overview.tells) {
            gap(Status::unknown, how.secrets_denied);
        }
        return std::move(m_overview);
    }

  private:
    void gap(Status status, Text words) { m_overview.gaps.push_back({status, std::move(words)}); }

    // What we may not see is unknown, what is damaged a warning.
    static Status status_of(const Error& error) {
        return error.kind == ErrorKind::permission ? Status::unknown : Status::warning;
    }

    // ── history ─────────────────────────────────────────────────────────────────────────────────────────

    void history() {
        Result<PastRuns> runs = PastRuns::at(
            m_world.files, m_world.clock,
            {m_config.paths.state, m_config.paths.run / "history.lock", effective_user()}, m_until);
        if (!runs) {
            no_history(runs.error());
            return;
        }
        m_has_history = true;
        const WallTime day_ago = m_now.wall - std::chrono::hours(k_hours);
        const WallTime from = m_far_back != nullptr ? m_far_back->reader.wanted_from() : day_ago;
        Result<void> read = runs->each({from, WallTime::max(), {}}, [&](const PastRun& run) {
            if (m_far_back != nullptr) {
                m_far_back->reader.take(run);
            }
            if (run.started.wall >= day_ago) {
                m_day.take(run);
            }
        });
        read = read ? recoveries(*runs) : read;
        read = read && m_far_back != nullptr ? incidents(*runs) : read;
        if (!read) {
            no_history(read.error());
        }
        m_said = m_day.said();
    }

    Result<void> incidents(PastRuns& runs) {
        Result<std::vector<PastIncident>> all = past_incidents(runs, m_now.wall - k_month, m_now.wall);
        LECTIO_TRY(all);
        m_far_back->incidents = std::move(*all);
        return {};
    }

    void no_history(const Error& error) {
        if (error.kind == ErrorKind::not_found) {
            return; // whether that is as it should be is known when the tools are
        }
        m_has_history = true; // said already
        gap(status_of(error), error.kind == ErrorKind::permission
                                  ? say(k_history_denied)
                                  : say(k_history_unreadable, trouble_words(error)));
    }

    void say_whether_history_is_missing() {
        const bool has_run = std::any_of(m_states.begin(), m_states.end(), [](const auto& state) {
            return state.second.judge.last_run.has_value();
        });
        if (!m_has_history && has_run) {
            gap(Status::warning, say(k_history_missing));
        }
    }

    Result<void> recoveries(PastRuns& runs) {
        std::vector<Recovery>& all = m_overview.recoveries;
        const Period recent{m_now.wall - k_recent, m_now.wall + 1ms, {}};
        const Result<std::vector<AtTime<RecordedDeed>>> deeds = runs.deeds(recent);
        LECTIO_TRY(deeds);
        for (const AtTime<RecordedDeed>& each : *deeds) {
            const RecordedDeed& deed = each.what;
            const Text words = deed_words(
                {deed.rung, deed.action, deed.target, deed.ok, deed.detail, deed.fixed, deed.took});
            all.push_back({each.time, {}, words, deed.ok});
        }
        for (const std::string_view tool : {"health", "smoke", "deepcheck"}) {
            const Result<std::vector<AtTime<RecordedEvent>>> events =
                runs.events({recent.from, recent.until, std::string(tool)});
            LECTIO_TRY(events);
            for (const AtTime<RecordedEvent>& each : *events) {
                const RecordedEvent& event = each.what;
                if (event.kind == RecordedEvent::Kind::change && event.event == "resolved") {
                    const Text words = event.message.empty()                   ? say(k_just_over)
                                       : event.check.starts_with(k_key_prefix) ? event.message // it says so
                                                                               : say(k_over, event.message);
                    all.push_back({each.time, fmt::format("{}/{}", tool, event.check), words, true});
                }
            }
        }
        std::stable_sort(all.begin(), all.end(),
                         [](const Recovery& a, const Recovery& b) { return a.time > b.time; });
        all.resize(std::min(all.size(), k_most_recoveries));
        return {};
    }

    // ── tools ───────────────────────────────────────────────────────────────────────────────────────────

    // lectio-health first: it is what matters most.
    [[nodiscard]] std::vector<std::pair<std::string, Duration>> expected_tools() const {
        std::map<std::string, Duration> watched = m_config.heartbeat.tools;
        std::vector<std::pair<std::string, Duration>> all;
        for (const KnownTool& tool : k_tools) {
            const auto own = watched.extract(std::string(tool.name));
            all.emplace_back(tool.name, own ? own.mapped() : tool.limit);
        }
        all.insert(all.end(), watched.begin(), watched.end());
        return all;
    }

    void one_tool(const std::string& tool, Duration limit) {
        const bool watched = m_config.heartbeat.tools.contains(tool);
        const std::optional<ToolRow> row =
            judge_tool(tool, record_of(tool), watched || has_work(m_config, tool) ? Work::some : Work::none,
                       limit, m_now);
        if (row) {
            m_overview.tools.push_back(*row);
        }
    }

    ToolRecord record_of(const std::string& tool) {
        const Path& state = m_config.paths.state;
        StateKeeper keeper(m_world.files, state / tool, m_config.paths.run / (tool + "-state"), "/dev/shm",
                           effective_user());
        StateKeeper::Loaded loaded = keeper.load(m_now.wall, StateFile::Access::reader);
        ToolRecord record;
        for (const Text& trouble : loaded.troubles) {
            record.trouble = join("; ", {record.trouble, trouble});
        }
        const Result<std::string> beginning = m_world.files.read_from(state / tool / "state.json", {}, 1_B);
        record.denied = !beginning && beginning.error().kind == ErrorKind::permission;
        record.finished = loaded.state.finished;
        record.lost = m_day.last_runs().contains(tool);
        m_states[tool] = std::move(loaded.state);
        return record;
    }

    // ── checks ──────────────────────────────────────────────────────────────────────────────────────────

    void checks() {
        for (const Configured& check : configured_checks(m_config)) {
            row(check);
        }
        // What has been looked at and is in no configuration any more, as far as its tool still speaks of it.
        for (const auto& [tool, state] : m_states) {
            for (const auto& [subject, seen] : state.judge.checks) {
                if (subject.find('#') == std::string::npos && seen.type != k_self &&
                    m_overview.find(tool, subject) == nullptr) {
                    row({tool, subject, seen.type, {}});
                }
            }
        }
        notices();
    }

    void row(const Configured& check) {
        CheckRow row;
        row.tool = check.tool;
        row.name = check.name;
        row.type = check.type;
        row.severity = check.common.severity;
        row.message = say(k_not_yet);
        const auto said = m_said.find(fmt::format("{}/{}", check.tool, check.name));
        const LastDay::Said* last = said == m_said.end() ? nullptr : &said->second;
        if (last != nullptr) {
            row.day = last->day;
        }
        if (const CheckState* seen = state_of(check)) {
            from_state(row, *seen, last);
        } else if (last != nullptr && !m_states[check.tool].judge.last_run) { // its state is lost
            from_look(row, *last);
            row.stale = true;
        }
        judge_age(row, check);
        m_overview.checks.push_back(std::move(row));
    }

    [[nodiscard]] const CheckState* state_of(const Configured& check) {
        const auto& checks = m_states[check.tool].judge.checks;
        const auto seen = checks.find(check.name);
        return seen == checks.end() || seen->second.status == Status::skipped ? nullptr : &seen->second;
    }

    void from_state(CheckRow& row, const CheckState& seen, const LastDay::Said* last) {
        row.status = capped(seen.status, row.severity);
        row.message = {};
        row.seen = seen.seen.wall;
        row.age = age_of_record(seen.seen, m_now).value_or(Duration::zero());
        const ToolState& state = m_states[row.tool];
        const auto kept = std::find_if(state.looks.begin(), state.looks.end(),
                                       [&](const KeptLook& look) { return look.name == row.name; });
        if (last != nullptr && last->at.wall == seen.seen.wall) {
            row.message = last->look.message;
            row.hint = last->look.hint;
            row.metrics = last->look.metrics;
        } else if (kept != state.looks.end() && kept->seen.wall == seen.seen.wall) {
            row.message = kept->message;
            row.hint = kept->hint;
            for (const Metric& metric : kept->metrics) {
                row.metrics.push_back({metric.name, metric.unit, metric.value, metric.warn, metric.crit});
            }
        } else if (const IncidentState* incident = state.judge.open_incident(row.name)) {
            row.message = incident->message;
            row.hint = incident->hint;
        }
    }

    void from_look(CheckRow& row, const LastDay::Said& said) const {
        row.status = static_cast<Status>(std::clamp(said.look.shown, 0, 4));
        row.message = said.look.message;
        row.hint = said.look.hint;
        row.metrics = said.look.metrics;
        row.seen = said.at.wall;
        row.age = age_of_record(said.at, m_now).value_or(Duration::zero());
    }

    void judge_age(CheckRow& row, const Configured& check) const {
        const auto tool = std::find_if(m_overview.tools.begin(), m_overview.tools.end(),
                                       [&](const ToolRow& each) { return each.name == row.tool; });
        if (!row.seen || tool == m_overview.tools.end()) {
            return;
        }
        row.stale =
            row.stale || tool->state == ToolRow::State::future || row.age > check.common.every + tool->limit;
    }

    // What a tool noticed of itself in its last run.
    void notices() {
        for (const auto& [key, said] : m_said) {
            const std::string tool = key.substr(0, key.find('/'));
            const auto& last_run = m_states[tool].judge.last_run;
            if (said.look.type == k_self && !said.look.passing && last_run &&
                last_run->wall == said.at.wall) {
                CheckRow row;
                row.tool = tool;
                row.name = said.look.check;
                row.type = k_self;
                row.day = said.day;
                from_look(row, said);
                m_overview.checks.push_back(std::move(row));
            }
        }
    }

    void telling(const Desk& desk) {
        m_overview.standing = desk.standing(m_delivery);
        m_overview.incidents = desk.words(m_overview.standing.incidents, {});
        m_overview.quiet = desk.quiet_now();
    }

    // ── deploys and backups ─────────────────────────────────────────────────────────────────────────────

    void deploys() {
        using release::Kind;
        for (const Kind kind : {Kind::frontend, Kind::backend}) {
            const bool configured = kind == Kind::frontend ? m_config.deploy.frontend.has_value()
                                                           : m_config.deploy.backend.has_value();
            if (configured) {
                deploys_of(kind);
            }
        }
        std::vector<Deploy>& all = m_overview.deploys;
        std::stable_sort(all.begin(), all.end(),
                         [](const Deploy& a, const Deploy& b) { return a.time > b.time; });
        all.resize(std::min(all.size(), k_most_deploys));
    }

    void deploys_of(release::Kind kind) {
        SystemReleaseDisk disk;
        const Result<std::vector<release::Shelf::Past>> journals =
            release::Shelf(m_world.files, disk, release::places_of(m_config, kind)).journals();
        if (!journals) {
            if (journals.error().kind != ErrorKind::not_found) {
                gap(status_of(journals.error()), say(k_deploys_unreadable, trouble_words(journals.error())));
            }
            return;
        }
        for (const release::Shelf::Past& past : *journals) {
            if (past.text.damaged) {
                gap(Status::warning, say(k_journal_damaged, past.id));
            }
            const release::Entry begin = past.standing.begin.value_or(release::Entry{});
            const release::Entry end = past.standing.end.value_or(release::Entry{});
            Deploy deploy{
                past.id,   begin.fact("action"), begin.fact("by"), end.fact("result"), end.fact("reason"),
                begin.time};
            deploy.died = !past.standing.ended() && m_now.wall - begin.time > k_longest_deploy;
            deploy.needs_human = deploy.result == "needs_human";
            m_overview.deploys.push_back(std::move(deploy));
        }
    }

    void backups() {
        const BackupSettings& settings = m_config.backup;
        if (settings.dir.empty() || settings.sources.empty()) {
            return;
        }
        SystemReleaseDisk disk;
        const Result<backup::Archive::Contents> there =
            backup::Archive(settings, m_world, disk, m_config.lang).contents();
        if (!there) {
            gap(status_of(there.error()), say(k_backups_unreadable, trouble_words(there.error())));
            return;
        }
        m_drills = backup::read_drills(m_world.files, m_config.paths.state);
        for (const BackupSource& source : settings.sources) {
            m_overview.backups.push_back(backup_of(*there, source));
            for (const backup::Backup& backup : there->to_come(source.name)) {
                gap(Status::warning, say(k_one_to_come, source.name, backup.id, format_utc(backup.time)));
            }
        }
        for (const std::string& name : there->unreadable) {
            gap(Status::warning, say(k_manifest_unreadable, clean_line(name)));
        }
        for (const std::string& id : there->missing) {
            gap(Status::warning, say(k_backup_missing, id));
        }
    }

    void jobs() {
        std::vector<std::string> names;
        for (const auto& [name, settings] : m_config.heartbeat.jobs) {
            names.push_back(name);
        }
        for (std::string& name : heartbeat::known_jobs(m_world.files, m_config.paths.state)) {
            if (!m_config.heartbeat.jobs.contains(name)) {
                names.push_back(std::move(name));
            }
        }
        for (const std::string& name : names) {
            const heartbeat::JobRecord record =
                heartbeat::read_job(m_world.files, m_config.paths.state, m_config.paths.run, name);
            m_overview.jobs.push_back(judge_job(name, record, record.run && is_alive(*record.run), m_now));
        }
    }

    // Another process that has got its number began later.
    [[nodiscard]] bool is_alive(const heartbeat::JobRecord::Run& run) {
        if (run.begun.boot_id != m_now.boot_id) {
            return false;
        }
        const std::vector<ProcessInfo> all = m_world.host.processes().value_or({});
        return std::any_of(all.begin(), all.end(), [&](const ProcessInfo& process) {
            return process.pid == run.pid && process.state != 'Z' &&
                   process.age + k_ticks >= elapsed(run.begun, m_now);
        });
    }

    [[nodiscard]] BackupRow backup_of(const backup::Archive::Contents& there,
                                      const BackupSource& source) const {
        BackupRow row;
        row.source = source.name;
        const auto is = [&](Status status, Text words) {
            row.status = status;
            row.trouble = std::move(words);
            return row;
        };
        const backup::Backup* newest = there.newest(source.name);
        if (newest != nullptr) {
            row.proven = newest->time;
            row.age = std::max(Duration::zero(), m_now.wall - newest->time);
            row.size = newest->packed.size;
            row.only_bytes = newest->state == backup::State::unchanged;
        }
        if (!source.unset.empty()) {
            return is(Status::warning, say(k_backup_off, source.name));
        }
        if (newest == nullptr) {
            return is(Status::critical, say(k_backup_never, source.name));
        }
        if (backup::is_to_come(newest->time, m_now.wall)) { // and nothing else counts
            return is(Status::critical, say(k_backup_to_come, source.name, format_utc(newest->time)));
        }
        if (backup::is_late(row.age, source.every)) {
            const auto seconds = std::chrono::floor<std::chrono::seconds>(row.age).count();
            return is(Status::critical, say(k_backup_old, source.name, spoken(seconds)));
        }
        const backup::Backup& last = *there.last(source.name);
        // As lectio-backup status says it: where nobody is told (no channel, `verify` by hand) it stands here alone.
        if (last.state == backup::State::bad) {
            return is(Status::critical, say(k_backup_bad, source.name, last.id, clean_line(last.reason)));
        }
        if (last.state == backup::State::suspect) {
            return is(Status::warning, say(k_backup_suspect, source.name, last.id));
        }
        const auto drill = m_drills.find(source.name);
        switch (backup::standing_of(drill == m_drills.end() ? nullptr : &drill->second,
                                    m_config.backup.verify_every, m_now.wall)) {
        case backup::DrillStanding::bad:
            return is(Status::critical, say(k_drill_bad, source.name, clean_line(drill->second.trouble)));
        case backup::DrillStanding::overdue:
            return is(Status::critical, say(k_drill_overdue, source.name, format_utc(drill->second.since)));
        case backup::DrillStanding::failed:
            return is(Status::warning, say(k_drill_failed, source.name, clean_line(drill->second.trouble)));
        default:
            break;
        }
        return row;
    }

    World& m_world;
    const Config& m_config;
    Delivery& m_delivery;
    backup::Drills m_drills;
    SteadyTime m_until;
    Now m_now;
    LastDay m_day;
    bool m_has_history = false;
    std::map<std::string, LastDay::Said> m_said;
    std::map<std::string, ToolState> m_states;
    FarBack* m_far_back = nullptr;
    Overview m_overview;
};

} // namespace

LongView FarBack::view() const {
    if (!incidents) {
        return {};
    }
    LongView view = reader.view();
    view.incidents = *incidents;
    return view;
}

Overview look_around(World& world, const Config& config, Delivery& delivery, const LookingAround& how,
                     SteadyTime until) {
    return LookAround(world, config, delivery, until).look(how);
}

} // namespace lectio::status
