#include "status/page.h"

#include "report/words.h"
#include "status/charts.h"
#include "status/html.h"
#include "status/page_style.h"
#include "version.h"
#include "words/span.h"

#include <algorithm>
#include <chrono>
#include <set>

#include <fmt/format.h>

namespace lectio::status {
namespace {

using std::chrono::seconds;

constexpr std::size_t k_most_named = 3;   // in the headline
constexpr std::size_t k_most_listed = 10; // days of a check that were not whole
constexpr std::size_t k_length_of_date = 10, k_to_the_minute = 16;

constexpr Phrase k_works{"Everything works", "Всё работает"};
constexpr Phrase k_works_warned{"It works, with warnings", "Работает, есть предупреждения"};
constexpr Phrase k_broken{"Broken", "Сломано"};
constexpr Phrase k_broken_named{"Broken: {}", "Сломано: {}"};
constexpr Phrase k_and_more{"{} and {} more", "{} и ещё {}"};
constexpr Phrase k_not_known{"It is not known how things stand", "Неизвестно, как обстоят дела"};
constexpr Phrase k_since{"since {} ({})", "с {} ({})"};
constexpr Phrase k_no_incident{"no incident in 30 days", "за 30 дней ни одного инцидента"};
constexpr Phrase k_as_of{"as of {}", "на {}"};
constexpr Phrase k_nothing_done{"Nothing has been done about it automatically so far.",
                                "Автоматически пока ничего не сделано."};
constexpr Phrase k_person{"A person is needed.", "Нужен человек."};
constexpr Phrase k_taken_note{"An operator knows of it.", "Оператор в курсе."};
constexpr Phrase k_settling{"Good again just now, and watched until that lasts.",
                            "Сейчас снова работает; ждём, что это надолго."};
constexpr Phrase k_flapping{"It comes and goes.", "То работает, то нет."};
constexpr Phrase k_now{"Now", "Сейчас"};
constexpr Phrase k_availability{"Availability", "Доступность"};
constexpr Phrase k_of_site{"All checks of lectio-health together", "Все проверки lectio-health вместе"};
constexpr Phrase k_days_ago{"{} days ago", "{} дней назад"};
constexpr Phrase k_today{"today", "сегодня"};
constexpr Phrase k_day_ago{"24 hours ago", "24 часа назад"};
constexpr Phrase k_this_hour{"now", "сейчас"};
constexpr Phrase k_ran{"last run {} ago", "последний запуск {} назад"};
constexpr Phrase k_no_run{"no run", "запусков нет"};
constexpr Phrase k_stale{"{} ago; not known to be so any more", "{} назад; так ли это сейчас, неизвестно"};
constexpr Phrase k_seen{"{} ago", "{} назад"};
constexpr Phrase k_answer{"Answer time", "Время ответа"};
constexpr Phrase k_median{"median {}", "медиана {}"};
constexpr Phrase k_p95{"95% within {}", "95% за {}"};
constexpr Phrase k_not_whole{"Days it was broken", "Дни, когда было сломано"};
constexpr Phrase k_incidents{"Incidents of 30 days", "Инциденты за 30 дней"};
constexpr Phrase k_none{"None.", "Не было."};
constexpr Phrase k_lasted{"lasted {}", "длилось {}"};
constexpr Phrase k_at_once{"mended at once", "починено сразу"};
constexpr Phrase k_still{"not over", "не закончилось"};
constexpr Phrase k_jobs{"Jobs", "Задания"};
constexpr Phrase k_backups{"Backups", "Резервные копии"};
constexpr Phrase k_proven{"proven {} ago, {}", "проверена {} назад, {}"};
constexpr Phrase k_unproven{"made {} ago, {}, nobody knows whether it can be restored",
                            "сделана {} назад, {}, можно ли восстановить — неизвестно"};
constexpr Phrase k_deploys{"Deploys", "Деплои"};
constexpr Phrase k_under_way{"under way", "идёт"};
constexpr Phrase k_died{"not finished", "не закончен"};
constexpr Phrase k_foot{"Written by lectio-status {} at {}. It says how things stood then: where that is "
                        "more than a few minutes ago, "
                        "the watching itself has stopped.",
                        "Записано lectio-status {} в {}. Здесь то, что было на тот момент: если прошло "
                        "больше нескольких минут, значит, "
                        "остановилось само наблюдение."};
constexpr Phrase k_aged{"This page was opened more than three minutes ago: load it anew.",
                        "Страница открыта больше трёх минут назад: обновите её."};

// A shape of its own each, so that nobody needs to tell colours apart.
constexpr std::string_view k_signs =
    "<svg width=\"0\" height=\"0\" aria-hidden=\"true\" class=\"away\">"
    "<symbol id=\"good\" viewBox=\"0 0 24 24\"><circle cx=\"12\" cy=\"12\" r=\"10\"/><path d=\"M7.5 12.5l3 3 "
    "6-7\"/></symbol>"
    "<symbol id=\"warn\" viewBox=\"0 0 24 24\"><path d=\"M12 2.5L22.5 21h-21z\"/><path d=\"M12 9.5v5M12 "
    "17.8v.2\"/></symbol>"
    "<symbol id=\"bad\" viewBox=\"0 0 24 24\"><path d=\"M8 2h8l6 6v8l-6 6H8l-6-6V8z\"/><path d=\"M8.5 8.5l7 "
    "7M15.5 8.5l-7 7\"/></symbol>"
    "<symbol id=\"dunno\" viewBox=\"0 0 24 24\"><circle cx=\"12\" cy=\"12\" r=\"10\" stroke-dasharray=\"4 "
    "3\"/>"
    "<path d=\"M9 9.5c0-4 6-4 6-.3 0 2.3-3 2.4-3 4.6M12 17.3v.2\"/></symbol>"
    "<symbol id=\"none\" viewBox=\"0 0 24 24\"><path d=\"M7 12h10\"/></symbol></svg>\n";

std::string_view class_of(Status status) {
    switch (status) {
    case Status::ok:
        return "good";
    case Status::warning:
        return "warn";
    case Status::critical:
        return "bad";
    case Status::unknown:
        return "dunno";
    case Status::skipped:
        return "none";
    }
    return "dunno";
}

Text length(Duration duration) {
    return spoken(std::chrono::floor<seconds>(std::max(Duration::zero(), duration)).count());
}

Text length_before(Duration duration) { // in front of "ago"
    return span_of(std::chrono::floor<seconds>(std::max(Duration::zero(), duration)).count());
}

class Page {
  public:
    Page(const Overview& overview, const LongView& past, Lang lang)
        : m_overview(overview), m_past(past), m_lang(lang), m_status(overview.status()) {}

    std::string render() {
        head();
        m_out += "<main>\n";
        hero();
        what_is_wrong();
        whole();
        for (const ToolRow& tool : m_overview.tools) {
            checks_of(tool);
        }
        past_incidents();
        jobs();
        backups();
        deploys();
        m_out += "</main>\n";
        foot();
        return std::move(m_out);
    }

  private:
    template<class... Args>
    [[nodiscard]] std::string words(const Phrase& phrase, const Args&... args) const {
        return html_text(say(phrase, args...).in(m_lang));
    }
    [[nodiscard]] std::string words(const Text& text) const { return html_text(text.in(m_lang)); }

    [[nodiscard]] std::string minute(WallTime time) const {
        return format_local(time, m_overview.zone).substr(0, k_to_the_minute);
    }
    // Of today the hour alone.
    [[nodiscard]] std::string moment(WallTime time) const {
        const std::string whole = minute(time), today = minute(m_overview.now);
        return whole.substr(0, k_length_of_date) == today.substr(0, k_length_of_date)
                   ? whole.substr(k_length_of_date + 1)
                   : whole;
    }
    [[nodiscard]] std::string time_tag(WallTime time) const {
        return fmt::format("<time datetime=\"{}\">{}</time>", format_utc(time), html_text(minute(time)));
    }

    [[nodiscard]] std::string sign(Status status) const {
        return fmt::format(
            "<svg class=\"sign {0}\" role=\"img\" aria-label=\"{1}\"><use href=\"#{0}\"/></svg>",
            class_of(status),
            status == Status::skipped ? html_text(k_nothing_checked.in(m_lang))
                                      : words(status_words(status)));
    }

    template<class... Args>
    void add(fmt::format_string<Args...> format, Args&&... args) {
        fmt::format_to(std::back_inserter(m_out), format, std::forward<Args>(args)...);
    }
    void title(const Phrase& phrase) { add("<h2>{}</h2>\n", words(phrase)); }

    // ── the head ────────────────────────────────────────────────────────────────────────────────────────

    void head() {
        add("<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
            "'unsafe-inline'; base-uri 'none'; "
            "form-action 'none'\">\n"
            "<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"robots\" content=\"noindex\">\n"
            "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"lectio-status\" "
            "content=\"{}\">\n"
            "<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n{}",
            m_lang == Lang::ru ? "ru" : "en", to_string(m_status),
            html_text(fmt::format("{}: {}", m_overview.host, headline().in(m_lang))), k_page_style, k_signs);
    }

    [[nodiscard]] Text headline() const {
        switch (m_status) {
        case Status::ok:
            return say(k_works);
        case Status::warning:
            return say(k_works_warned);
        case Status::critical:
            return broken_names().empty() ? say(k_broken) : say(k_broken_named, broken_names());
        default:
            return say(k_not_known);
        }
    }

    [[nodiscard]] Text broken_names() const {
        std::vector<std::string> names;
        const auto add_name = [&](const std::string& name) {
            if (std::find(names.begin(), names.end(), name) == names.end()) {
                names.push_back(name);
            }
        };
        for (const OpenIncident& incident : m_overview.standing.incidents) {
            if (incident.level == Status::critical && !incident.settling) {
                add_name(name_of(incident));
            }
        }
        for (const CheckRow& row : m_overview.checks) {
            if (row.worth() == Status::critical && row.severity != Severity::info) {
                add_name(row.name);
            }
        }
        const std::size_t more = names.size() - std::min(names.size(), k_most_named);
        names.resize(names.size() - more);
        const Text some = verbatim(fmt::format("{}", fmt::join(names, ", ")));
        return more == 0 ? some : say(k_and_more, some, more);
    }

    static std::string name_of(const OpenIncident& incident) {
        return !incident.key.empty() ? incident.key : incident.check.substr(incident.check.find('/') + 1);
    }

    // ── in one second: is it up, since when, what is being done ─────────────────────────────────────────

    void hero() {
        const std::string_view shape = class_of(m_status == Status::skipped ? Status::unknown : m_status);
        add("<header class=\"hero {}\">\n<p "
            "class=\"host\"><span>{}</span><span>{}</span></p>\n<h1>{}<span>{}</span></h1>\n",
            shape, html_text(m_overview.host), words(k_as_of, minute(m_overview.now)), sign(m_status),
            words(headline()));
        if (const Text since = since_when(); !since.empty()) {
            add("<p>{}</p>\n", words(since));
        }
        if (const std::string now = what_is_being_done(); !now.empty()) {
            add("<p class=\"now\">{}</p>\n", now);
        }
        m_out += "</header>\n";
    }

    [[nodiscard]] Text since_when() const {
        std::optional<WallTime> since;
        if (m_status == Status::ok) {
            for (const PastIncident& incident : m_past.incidents) {
                if (incident.end && (!since || *incident.end > *since)) {
                    since = incident.end;
                }
            }
            if (!since) {
                return m_past.dates.empty() ? Text{} : say(k_no_incident);
            }
        }
        for (const OpenIncident& incident : m_overview.standing.incidents) {
            if (incident.level == m_status && (!since || incident.since < *since)) {
                since = incident.since;
            }
        }
        return since ? say(k_since, moment(*since), length(m_overview.now - *since)) : Text{};
    }

    [[nodiscard]] std::string what_is_being_done() const {
        std::vector<std::string> lines;
        if (!m_overview.standing.quiet.empty()) {
            lines.push_back(html_lines(m_overview.quiet.in(m_lang)));
        }
        bool any_done = false, any_broken = false, any_person = false;
        for (const OpenIncident& incident : m_overview.standing.incidents) {
            if (incident.level != Status::critical) {
                continue;
            }
            any_broken = true;
            const PastIncident* past = past_of(incident);
            if (past != nullptr && !past->done.empty()) {
                any_done = true;
                lines.push_back(words(past->done.back()));
            }
            any_person = any_person || (past != nullptr && past->needs_person);
            any_done = any_done || incident.acknowledged;
            if (incident.acknowledged) {
                lines.push_back(words(k_taken_note));
            }
        }
        if (any_broken && !any_done) {
            lines.push_back(words(k_nothing_done));
        }
        if (any_person) {
            lines.push_back(words(k_person));
        }
        std::set<std::string> said;
        std::erase_if(lines, [&](const std::string& line) { return !said.insert(line).second; });
        return fmt::format("{}", fmt::join(lines, "<br>"));
    }

    [[nodiscard]] const PastIncident* past_of(const OpenIncident& incident) const {
        const auto found =
            std::find_if(m_past.incidents.begin(), m_past.incidents.end(), [&](const PastIncident& past) {
                return past.id == incident.id && past.check == incident.check;
            });
        return found == m_past.incidents.end() ? nullptr : &*found;
    }

    // ── what is wrong now ───────────────────────────────────────────────────────────────────────────────

    void what_is_wrong() {
        const std::vector<Gap> troubles = m_overview.troubles();
        if (m_overview.standing.incidents.empty() && troubles.empty()) {
            return;
        }
        title(k_now);
        for (const OpenIncident& incident : m_overview.standing.incidents) {
            open_incident(incident);
        }
        if (!troubles.empty()) {
            m_out += "<ul class=\"card rows\">\n";
            for (const Gap& trouble : troubles) {
                add("<li class=\"row\">{}<span class=\"flat\">{}</span></li>\n", sign(trouble.status),
                    words(trouble.words));
            }
            m_out += "</ul>\n";
        }
    }

    void open_incident(const OpenIncident& incident) {
        add("<section class=\"card pad edge {}\">\n<h3>{}<span>{}</span></h3>\n<p class=\"soft "
            "small\">{}</p>\n",
            class_of(incident.level), sign(incident.level), html_text(name_of(incident)),
            words(k_since, moment(incident.since), length(m_overview.now - incident.since)));
        line(incident.message);
        if (!incident.hint.empty()) {
            add("<p class=\"do\">→ {}</p>\n", words(incident.hint));
        }
        if (const PastIncident* past = past_of(incident)) {
            done(*past);
        }
        if (incident.settling) {
            line(say(k_settling));
        }
        if (incident.flapping) {
            line(say(k_flapping));
        }
        if (incident.acknowledged) {
            line(say(k_taken_note));
        }
        m_out += "</section>\n";
    }

    void line(const Text& text) {
        if (!text.empty()) {
            add("<p>{}</p>\n", words(text));
        }
    }

    void done(const PastIncident& incident) {
        for (const Text& each : incident.done) {
            add("<p class=\"small\">{}</p>\n", words(each));
        }
        if (incident.needs_person) {
            add("<p class=\"small\">{}</p>\n", words(k_person));
        }
    }

    // ── availability ────────────────────────────────────────────────────────────────────────────────────

    void whole() {
        const std::string share = share_words(m_past.whole);
        if (share.empty()) {
            return;
        }
        title(k_availability);
        add("<section class=\"card pad tall\">\n<p class=\"head\"><span>{}</span><strong>{}</strong></p>\n{}",
            words(k_of_site), share, day_bars(m_past.dates, m_past.whole, m_lang));
        const std::size_t days = m_past.dates.size();
        add("<p class=\"ends\"><span><span class=\"far\">{}</span><span "
            "class=\"near\">{}</span></span><span>{}</span></p>\n{}\n</section>\n",
            words(k_days_ago, days), words(k_days_ago, days / 2), words(k_today), bars_legend(m_lang));
    }

    // ── checks ──────────────────────────────────────────────────────────────────────────────────────────

    // The broken first, the rest as in the configuration.
    void checks_of(const ToolRow& tool) {
        std::vector<const CheckRow*> rows;
        for (const CheckRow& row : m_overview.checks) {
            if (row.tool == tool.name) {
                rows.push_back(&row);
            }
        }
        std::stable_sort(rows.begin(), rows.end(),
                         [](const CheckRow* a, const CheckRow* b) { return badness(*a) > badness(*b); });
        add("<h2>lectio-{} <span>{}</span></h2>\n", html_text(tool.name),
            tool.finished ? words(k_ran, length_before(tool.age)) : words(k_no_run));
        if (rows.empty()) {
            return;
        }
        m_out += "<ul class=\"card rows\">\n";
        for (const CheckRow* row : rows) {
            one_check(*row);
        }
        m_out += "</ul>\n";
    }

    static int badness(const CheckRow& row) {
        const Status status = row.worth();
        const bool fine = status == Status::ok || status == Status::skipped;
        return fine ? 0 : status == Status::critical ? 2 : 1;
    }

    void one_check(const CheckRow& row) {
        const std::string key = row.tool + "/" + row.name;
        const auto days = m_past.checks.find(key);
        const bool has_days = days != m_past.checks.end() && row.type != "self";
        const std::string more = more_of(row, key);
        add("<li>{}<span class=\"row\">{}<span class=\"name\">{}</span><span class=\"share\">{}</span>"
            "<span class=\"says\">{}</span>{}</span>",
            more.empty() ? "" : "<details><summary>", sign(row.worth()), html_text(row.name),
            has_days ? share_words(days->second) : "", says(row),
            has_days ? day_bars(m_past.dates, days->second, m_lang) : "");
        if (!more.empty()) {
            add("</summary><div class=\"more\">{}</div></details>", more);
        }
        m_out += "</li>\n";
    }

    [[nodiscard]] std::string says(const CheckRow& row) const {
        std::string all = words(row.message);
        if (row.stale && row.seen) {
            all += fmt::format(" ({})", words(k_stale, length_before(row.age)));
        }
        return all;
    }

    // What is asked for by opening it.
    [[nodiscard]] std::string more_of(const CheckRow& row, const std::string& key) const {
        std::string all;
        if (!row.hint.empty() && row.worth() != Status::ok && row.worth() != Status::skipped) {
            all += fmt::format("<p class=\"do\">→ {}</p>", words(row.hint));
        }
        if (row.seen) {
            all += fmt::format("<p class=\"soft\">{} · {}</p>", html_text(row.type),
                               words(k_seen, length_before(row.age)));
        }
        if (const auto times = m_past.times.find(key); times != m_past.times.end()) {
            all += times_of(times->second);
        }
        if (const auto days = m_past.checks.find(key); days != m_past.checks.end()) {
            all += broken_days(days->second);
        }
        return all;
    }

    [[nodiscard]] std::string times_of(const DayTimes& times) const {
        return fmt::format(
            "<div class=\"times\"><p class=\"head\"><span>{}</span><span class=\"soft\">{} · {}</span></p>{}"
            "<p class=\"ends\"><span>{}</span><span>{}</span></p></div>",
            words(k_answer), words(k_median, seconds_words(times.median)),
            words(k_p95, seconds_words(times.p95)), times_chart(times, m_lang), words(k_day_ago),
            words(k_this_hour));
    }

    [[nodiscard]] std::string broken_days(const std::vector<DayCount>& days) const {
        std::string rows;
        std::size_t listed = 0;
        for (std::size_t i = days.size(); i-- > 0 && listed < k_most_listed;) {
            if (days[i].broken > 0) {
                rows +=
                    fmt::format("<li>{}: {}</li>", html_text(m_past.dates.at(i)), words(day_words(days[i])));
                ++listed;
            }
        }
        return rows.empty() ? rows
                            : fmt::format("<p>{}</p><ul class=\"soft\">{}</ul>", words(k_not_whole), rows);
    }

    // ── what was ────────────────────────────────────────────────────────────────────────────────────────

    void past_incidents() {
        if (m_past.dates.empty()) { // there is no history
            return;
        }
        title(k_incidents);
        if (m_past.incidents.empty()) {
            add("<p class=\"card stays\">{}</p>\n", words(k_none));
            return;
        }
        m_out += "<ol class=\"card log\">\n";
        for (const PastIncident& incident : m_past.incidents) {
            add("<li>{}<h3>{}</h3><p class=\"soft small\">{} · {}</p>", sign(incident.level),
                html_text(incident.check), time_tag(incident.begin), how_long(incident));
            if (!incident.message.empty()) {
                add("<p class=\"small\">{}</p>", words(incident.message));
            }
            done(incident);
            m_out += "</li>\n";
        }
        m_out += "</ol>\n";
    }

    [[nodiscard]] std::string how_long(const PastIncident& incident) const {
        return !incident.end                     ? words(k_still)
               : *incident.end == incident.begin ? words(k_at_once)
                                                 : words(k_lasted, length(*incident.end - incident.begin));
    }

    void jobs() {
        if (m_overview.jobs.empty()) {
            return;
        }
        title(k_jobs);
        m_out += "<ul class=\"card rows\">\n";
        for (const JobRow& job : m_overview.jobs) {
            const std::optional<WallTime> since = job.begun ? job.begun : job.ended;
            add("<li class=\"row\">{}<span class=\"name\">{}</span><span class=\"share\">{}</span>"
                "<span class=\"says\">{}</span></li>\n",
                sign(job.status()), html_text(job.name), since ? words(k_seen, length_before(job.age)) : "",
                words(job.detail));
        }
        m_out += "</ul>\n";
    }

    void backups() {
        if (m_overview.backups.empty()) {
            return;
        }
        title(k_backups);
        m_out += "<ul class=\"card rows\">\n";
        for (const BackupRow& backup : m_overview.backups) {
            add("<li class=\"row\">{}<span class=\"name\">{}</span><span class=\"says\">{}</span></li>\n",
                sign(backup.status), html_text(backup.source),
                backup.status != Status::ok ? words(backup.trouble)
                                            : words(backup.only_bytes ? k_unproven : k_proven,
                                                    length_before(backup.age), format_size(backup.size)));
        }
        m_out += "</ul>\n";
    }

    void deploys() {
        if (m_overview.deploys.empty()) {
            return;
        }
        title(k_deploys);
        m_out += "<ul class=\"card log\">\n";
        for (const Deploy& deploy : m_overview.deploys) {
            const Status status = deploy.died || deploy.needs_human ? Status::warning : Status::ok;
            const std::string result =
                !deploy.result.empty() ? html_text(deploy.result) : words(deploy.died ? k_died : k_under_way);
            add("<li>{}<h3>{}</h3><p class=\"soft small\">{} · {} · {}</p>", sign(status),
                html_text(deploy.id), time_tag(deploy.time), result, html_text(deploy.by));
            if (!deploy.reason.empty()) {
                add("<p class=\"small\">{}</p>", html_text(deploy.reason));
            }
            m_out += "</li>\n";
        }
        m_out += "</ul>\n";
    }

    void foot() {
        add("<footer>{}</footer>\n<p class=\"aged\">{}</p>\n</body>\n</html>\n",
            words(k_foot, k_version, format_local(m_overview.now, m_overview.zone)), words(k_aged));
    }

    const Overview& m_overview;
    const LongView& m_past;
    Lang m_lang;
    Status m_status;
    std::string m_out;
};

} // namespace

std::string render_html(const Overview& overview, const LongView& past, Lang lang) {
    return Page(overview, past, lang).render();
}

} // namespace lectio::status
