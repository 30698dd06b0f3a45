#include "report/words.h"
#include "status/day.h"
#include "status/overview.h"
#include "util/text.h"
#include "words/span.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

namespace lectio::status {
namespace {

using std::chrono::seconds;

constexpr std::size_t k_widest_name = 24;

constexpr Noun k_checks{"check", "checks", "проверка", "проверки", "проверок"};
constexpr Phrase k_tool{"lectio-{}: {}", "lectio-{}: {}"};
constexpr Phrase k_ran{"last run {} ago", "последний запуск {} назад"};
constexpr Phrase k_no_run{"no run", "запусков нет"};
constexpr Phrase k_stale{"{} (not known to be so any more: {} old)",
                         "{} (уже неизвестно, так ли это: прошло {})"};
constexpr Phrase k_recoveries{"Last recoveries", "Последние восстановления"};
constexpr Phrase k_deploys{"Last deploys", "Последние деплои"};
constexpr Phrase k_backups{"Backups", "Резервные копии"};
constexpr Phrase k_backup{"{}: proven {} ago, {}", "{}: проверена {} назад, {}"};
constexpr Phrase k_backup_unproven{"{}: made {} ago, {}, nobody knows whether it can be restored",
                                   "{}: сделана {} назад, {}, можно ли восстановить — неизвестно"};
constexpr Phrase k_jobs{"Jobs", "Задания"};
constexpr Phrase k_job{"{}: {}", "{}: {}"};
constexpr Phrase k_job_ended{"{}: {} ago, {}", "{}: {} назад, {}"};
constexpr Phrase k_waiting{"{} waiting to be sent", "ждут отправки: {}"};
constexpr Phrase k_under_way{"under way", "идёт"};
constexpr Phrase k_died{"not finished", "не закончен"};

// In a column: "34 s", "12 m", "3 h", "5 d".
constexpr Phrase k_seconds{"{} s", "{} с"};
constexpr Phrase k_minutes{"{} m", "{} мин"};
constexpr Phrase k_hours_long{"{} h", "{} ч"};
constexpr Phrase k_days{"{} d", "{} д"};

Text short_age(Duration age) {
    const std::int64_t count = std::chrono::floor<seconds>(age).count();
    return count < 120          ? say(k_seconds, count)
           : count < 7200       ? say(k_minutes, count / 60)
           : count < 2 * 86'400 ? say(k_hours_long, count / 3600)
                                : say(k_days, count / 86'400);
}

Text long_age(Duration age) {
    return span_of(std::chrono::floor<seconds>(age).count());
}

class TextOverview {
  public:
    TextOverview(const Overview& overview, Lang lang, Paint paint)
        : m_overview(overview), m_lang(lang), m_paint(paint) {
        for (const CheckRow& row : overview.checks) {
            m_width = std::clamp(characters(row.name), m_width, k_widest_name);
        }
    }

    std::string render() {
        head();
        for (const Gap& trouble : m_overview.troubles()) {
            marked(trouble.status, words(trouble.words));
        }
        lines(m_overview.quiet);
        tools();
        lines(m_overview.incidents);
        if (m_overview.standing.waiting > 0) {
            lines(say(k_waiting, m_overview.standing.waiting));
        }
        recoveries();
        deploys();
        backups();
        jobs();
        return std::move(m_out);
    }

  private:
    [[nodiscard]] std::string words(const Text& text) const { return clean_line(text.in(m_lang)); }
    [[nodiscard]] std::string at(WallTime time) const { return format_local(time, m_overview.zone); }
    static std::size_t characters(std::string_view text) { return utf16_length(text); }

    void lines(const Text& text) { m_out += clean(text.in(m_lang)) + '\n'; }

    void marked(Status status, std::string_view text) {
        m_out += fmt::format("  {}  {}\n", painted(status_mark(status), status, m_paint), text);
    }

    void head() {
        const Status status = m_overview.status();
        const auto count = std::count_if(m_overview.checks.begin(), m_overview.checks.end(),
                                         [](const CheckRow& row) { return row.type != "self"; });
        m_out += fmt::format("{} · {} · {} ({})\n", clean_line(m_overview.host), at(m_overview.now),
                             painted(status_words(status).in(m_lang), status, m_paint),
                             words(counted(count, k_checks)));
    }

    void tools() {
        for (const ToolRow& tool : m_overview.tools) {
            const Text ran = tool.finished ? say(k_ran, long_age(tool.age)) : say(k_no_run);
            m_out += fmt::format("{}\n", painted(words(say(k_tool, tool.name, ran)), tool.status(), m_paint));
            checks_of(tool.name);
        }
    }

    // The broken first, the rest as in the configuration.
    void checks_of(const std::string& tool) {
        std::vector<const CheckRow*> rows;
        for (const CheckRow& row : m_overview.checks) {
            if (row.tool == tool) {
                rows.push_back(&row);
            }
        }
        std::stable_sort(rows.begin(), rows.end(), [](const CheckRow* a, const CheckRow* b) {
            return badness(a->worth()) > badness(b->worth());
        });
        for (const CheckRow* row : rows) {
            one_check(*row);
        }
    }

    static int badness(Status status) {
        const bool fine = status == Status::ok || status == Status::skipped;
        return fine ? 0 : status == Status::critical ? 2 : 1;
    }

    void one_check(const CheckRow& row) {
        const Status status = row.worth();
        const std::string name = clean_line(row.name);
        const std::string age = row.seen ? words(short_age(row.age)) : "-";
        std::string message = words(row.message);
        if (row.stale) {
            message = words(say(k_stale, message, long_age(row.age)));
        }
        m_out += fmt::format("  {}  {}{}  {}  {}{}  {}\n", painted(status_mark(status), status, m_paint),
                             name, padding(name, m_width), sparkline(row.day), padding(age, 6), age, message);
        if (!row.hint.empty() && status != Status::ok && status != Status::skipped) {
            m_out += fmt::format("        → {}\n", words(row.hint));
        }
    }

    static std::string padding(std::string_view text, std::size_t width) {
        return std::string(width - std::min(width, characters(text)), ' ');
    }

    void title(const Phrase& phrase) { m_out += fmt::format("{}:\n", phrase.in(m_lang)); }

    void recoveries() {
        if (m_overview.recoveries.empty()) {
            return;
        }
        title(k_recoveries);
        for (const Recovery& each : m_overview.recoveries) {
            m_out += fmt::format("  {}  {}{}\n", at(each.time),
                                 each.check.empty() ? "" : clean_line(each.check) + "  ", words(each.words));
        }
    }

    void deploys() {
        if (m_overview.deploys.empty()) {
            return;
        }
        title(k_deploys);
        for (const Deploy& each : m_overview.deploys) {
            const std::string result =
                !each.result.empty() ? clean_line(each.result) : words(say(each.died ? k_died : k_under_way));
            m_out +=
                fmt::format("  {}  {}  {}  {}{}\n", at(each.time), clean_line(each.id), result,
                            clean_line(each.by), each.reason.empty() ? "" : "  " + clean_line(each.reason));
        }
    }

    void backups() {
        if (m_overview.backups.empty()) {
            return;
        }
        title(k_backups);
        for (const BackupRow& each : m_overview.backups) {
            marked(each.status, each.status != Status::ok
                                    ? words(each.trouble)
                                    : words(say(each.only_bytes ? k_backup_unproven : k_backup, each.source,
                                                long_age(each.age), format_size(each.size))));
        }
    }

    void jobs() {
        if (m_overview.jobs.empty()) {
            return;
        }
        title(k_jobs);
        for (const JobRow& each : m_overview.jobs) {
            const bool names_itself = each.state == JobRow::State::died ||
                                      each.state == JobRow::State::damaged ||
                                      each.state == JobRow::State::unreadable;
            const bool has_ended = each.ended && each.state != JobRow::State::running;
            marked(each.status(), names_itself ? words(each.detail)
                                  : has_ended
                                      ? words(say(k_job_ended, each.name, long_age(each.age), each.detail))
                                      : words(say(k_job, each.name, each.detail)));
        }
    }

    const Overview& m_overview;
    Lang m_lang;
    Paint m_paint;
    std::size_t m_width = 8;
    std::string m_out;
};

} // namespace

std::string render_text(const Overview& overview, Lang lang, Paint paint) {
    return TextOverview(overview, lang, paint).render();
}

} // namespace lectio::status
