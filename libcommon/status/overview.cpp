#include "status/overview.h"

#include "incidents/rules.h"
#include "platform/record_age.h"
#include "words/span.h"

#include <algorithm>
#include <array>
#include <chrono>

namespace lectio::status {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_stuck_after =
    10min; // as lectio-heartbeat: longer than a chat's server is away in a usual week

constexpr Phrase k_late{"lectio-{} last finished a run {} ago, at most {} expected",
                        "lectio-{} последний раз отработал {} назад, а должен не реже чем раз в {}"};
constexpr Phrase k_never{"lectio-{} has never finished a run here",
                         "lectio-{} ещё ни разу не отработал здесь"};
constexpr Phrase k_future{
    "the last run of lectio-{} is of {}, which is still to come: the clock was set back, or the state is "
    "another host's",
    "последний запуск lectio-{} — от {}, это ещё не наступило: часы перевели назад или состояние с "
    "другого сервера"};
constexpr Phrase k_damaged{"the state of lectio-{}: {}", "состояние lectio-{}: {}"};
constexpr Phrase k_lost{"the state of lectio-{} is missing, though it has run here",
                        "состояния lectio-{} нет, хотя он здесь запускался"};
constexpr Phrase k_denied{"the state of lectio-{} may not be read by this user",
                          "состояние lectio-{} этому пользователю читать нельзя"};
constexpr Phrase k_stuck{"messages cannot be delivered for {}: {} waiting",
                         "сообщения не доставляются уже {}; ждут: {}"};
constexpr Phrase k_rejected{"{} messages were refused for good: lectio-notify rejected",
                            "сообщений отвергнуто окончательно: {} (lectio-notify rejected)"};
constexpr Phrase k_channel{"channel {}: {}", "канал {}: {}"};
constexpr Phrase k_job_runs{"runs for {}", "выполняется уже {}"};
constexpr Phrase k_job_died{"job {} was cut off: it began {} ago, and nothing tells how it ended",
                            "задание {} оборвалось: началось {} назад, и чем кончилось, неизвестно"};
constexpr Phrase k_job_denied{"the record of job {} may not be read by this user",
                              "запись о задании {} этому пользователю читать нельзя"};
constexpr Phrase k_job_damaged{"job {}: {}", "задание {}: {}"};
constexpr Phrase k_job_never{"has not run here yet", "ещё не запускалось"};
constexpr Phrase k_died{"deploy {} is not finished and has died: lectio-deploy recover",
                        "деплой {} не закончен и прерван: lectio-deploy recover"};
constexpr Phrase k_person{"deploy {} needs a person: lectio-deploy status",
                          "деплою {} нужен человек: lectio-deploy status"};

Text span(Duration duration) {
    return span_of(std::chrono::floor<std::chrono::seconds>(duration).count());
}

Status worst_of(Status status, const std::vector<Gap>& gaps) {
    for (const Gap& gap : gaps) {
        status = worst(status, gap.status);
    }
    return status;
}

// Whether its check says the same as it does, or better: it settles, or it is of what is not in the overall status.
bool speaks_for_itself(const Overview& overview, const OpenIncident& incident) {
    const std::size_t slash = incident.check.find('/');
    return incident.key.empty() && slash != std::string::npos &&
           overview.find(incident.check.substr(0, slash), incident.check.substr(slash + 1)) != nullptr;
}

} // namespace

Status CheckRow::worth() const {
    return stale && (status == Status::ok || status == Status::skipped) ? Status::unknown : status;
}

std::string_view to_string(ToolRow::State state) {
    constexpr std::array<std::string_view, 6> k_words{"good",   "late",    "never",
                                                      "future", "damaged", "unreadable"};
    return k_words.at(static_cast<std::size_t>(state));
}

// As the suite's own checks of itself: at most a warning (CONTRACT 8).
Status ToolRow::status() const {
    switch (state) {
    case State::good:
        return Status::ok;
    case State::never:
    case State::unreadable:
        return Status::unknown;
    default:
        return Status::warning;
    }
}

std::optional<ToolRow> judge_tool(const std::string& name, const ToolRecord& record, Work work,
                                  Duration limit, const Now& now) {
    using State = ToolRow::State;
    ToolRow row{name, State::good, {}, {}, limit, {}};
    const std::optional<Duration> age = record.finished ? age_of_record(*record.finished, now) : std::nullopt;
    if (record.finished) {
        row.finished = record.finished->wall;
        row.age = age.value_or(Duration::zero());
    }
    const bool is_to_come = record.finished && !age;
    if (record.denied) {
        row.state = State::unreadable;
        row.trouble = say(k_denied, name);
    } else if (!record.trouble.empty()) {
        row.state = State::damaged;
        row.trouble = say(k_damaged, name, record.trouble);
    } else if (!record.finished && record.lost) {
        row.state = State::damaged;
        row.trouble = say(k_lost, name);
    } else if (!record.finished) {
        row.state = State::never;
        row.trouble = say(k_never, name);
        return work == Work::some ? std::optional(row) : std::nullopt;
    } else if (is_to_come) {
        row.state = State::future;
        row.trouble = say(k_future, name, format_utc(record.finished->wall));
    } else if (row.age > limit) {
        row.state = State::late;
        row.trouble = say(k_late, name, span(row.age), span(limit));
    }
    return row;
}

std::string_view to_string(JobRow::State state) {
    constexpr std::array<std::string_view, 7> k_words{"good",  "failed",  "running",   "died",
                                                      "never", "damaged", "unreadable"};
    return k_words.at(static_cast<std::size_t>(state));
}

Status JobRow::status() const {
    switch (state) {
    case State::good:
    case State::running:
        return Status::ok;
    case State::never:
        return Status::skipped;
    case State::unreadable:
        return Status::unknown;
    default:
        return Status::warning;
    }
}

JobRow judge_job(const std::string& name, const heartbeat::JobRecord& record, bool is_alive, const Now& now) {
    using State = JobRow::State;
    JobRow row;
    row.name = name;
    if (record.end) {
        row.state = record.end->status == 0 ? State::good : State::failed;
        row.ended = record.end->at.wall;
        row.age = age_of_record(record.end->at, now).value_or(Duration::zero());
        row.exit_status = record.end->status;
        row.detail = record.end->words;
    }
    if (record.run) {
        row.state = is_alive ? State::running : State::died;
        row.begun = record.run->begun.wall;
        row.age = elapsed(record.run->begun, now);
        row.detail = is_alive ? say(k_job_runs, span(row.age)) : say(k_job_died, name, span(row.age));
    }
    if (record.denied) {
        row.state = State::unreadable;
        row.detail = say(k_job_denied, name);
    } else if (!record.trouble.empty()) {
        row.state = State::damaged;
        row.detail = say(k_job_damaged, name, record.trouble);
    } else if (row.state == State::never) {
        row.detail = say(k_job_never);
    }
    return row;
}

const CheckRow* Overview::find(std::string_view tool, std::string_view name) const {
    const auto found = std::find_if(checks.begin(), checks.end(), [&](const CheckRow& row) {
        return row.tool == tool && row.name == name;
    });
    return found == checks.end() ? nullptr : &*found;
}

std::vector<Gap> Overview::troubles() const {
    std::vector<Gap> all;
    for (const ToolRow& tool : tools) {
        if (tool.state != ToolRow::State::good) {
            all.push_back({tool.status(), tool.trouble});
        }
    }
    all.insert(all.end(), gaps.begin(), gaps.end());
    for (const BackupRow& backup : backups) {
        if (backup.status != Status::ok) {
            all.push_back({backup.status, backup.trouble});
        }
    }
    for (const JobRow& job : jobs) { // what has failed was told, and is an incident
        if (job.status() != Status::ok && job.status() != Status::skipped &&
            job.state != JobRow::State::failed) {
            all.push_back({job.status(), job.detail});
        }
    }
    for (const Deploy& deploy : deploys) {
        if (deploy.died) {
            all.push_back({Status::warning, say(k_died, deploy.id)});
        }
    }
    if (!deploys.empty() && deploys.front().needs_human) {
        all.push_back({Status::warning, say(k_person, deploys.front().id)});
    }
    if (standing.oldest && *standing.oldest >= k_stuck_after) {
        all.push_back({Status::warning, say(k_stuck, span(*standing.oldest), standing.waiting)});
    }
    if (standing.rejected > 0) {
        all.push_back({Status::warning, say(k_rejected, standing.rejected)});
    }
    for (const ChannelStanding& channel : standing.channels) {
        if (tells && !channel.ok) {
            all.push_back({Status::warning, say(k_channel, channel.name, channel.detail)});
        }
    }
    std::stable_sort(all.begin(), all.end(), [](const Gap& a, const Gap& b) {
        return a.status != b.status && worst(a.status, b.status) == a.status;
    });
    return all;
}

Status Overview::status() const {
    Status all = Status::skipped;
    for (const CheckRow& row : checks) {
        if (row.severity != Severity::info) {
            all = worst(all, row.worth());
        }
    }
    for (const OpenIncident& incident : standing.incidents) {
        if (!speaks_for_itself(*this, incident)) {
            all = worst(all, incident.level);
        }
    }
    for (const JobRow& job : jobs) {
        all = worst(all, job.status());
    }
    all = worst_of(all, troubles());
    const bool looked = std::any_of(checks.begin(), checks.end(),
                                    [](const CheckRow& row) { return row.worth() != Status::skipped; });
    return all != Status::skipped ? all : looked ? Status::ok : Status::unknown;
}

} // namespace lectio::status
