#include "alerts/message.h"

#include "incidents/key_type.h"
#include "incidents/rules.h"
#include "util/secret.h"
#include "util/text.h"
#include "words/span.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

namespace lectio {

std::string_view to_string(Level level) {
    switch (level) {
    case Level::critical:
        return "critical";
    case Level::warning:
        return "warning";
    case Level::info:
        return "info";
    case Level::resolved:
        return "resolved";
    }
    return "info";
}

std::optional<Level> parse_level(std::string_view word) {
    for (const Level level : {Level::critical, Level::warning, Level::info, Level::resolved}) {
        if (word == to_string(level)) {
            return level;
        }
    }
    return std::nullopt;
}

std::string_view mark(Level level) {
    switch (level) {
    case Level::critical:
        return "🚨";
    case Level::warning:
        return "⚠️";
    case Level::info:
        return "ℹ️";
    case Level::resolved:
        return "✅";
    }
    return "ℹ️";
}

Level level_of(const Incident& incident) {
    if (incident.severity == Severity::info) {
        return Level::info;
    }
    return incident.status == Status::critical ? Level::critical : Level::warning;
}

namespace {

// A phone shows a handful of log lines at most; more of them is in the log.
constexpr std::size_t k_evidence_lines = 8;
constexpr std::size_t k_evidence_characters = 900;
// Symptoms are named one by one up to here, then counted.
constexpr std::size_t k_symptoms_shown = 6;
constexpr std::size_t k_host_characters = 24;
constexpr std::size_t k_summary_characters = 160;

// ── what it means for the site's users, by the type of the check ─────────────────────────────────────────

struct Impact {
    std::string_view type;
    Phrase critical, warning;
};

// In the order in which they matter to visitors: of a cause and its consequences the first is told.
constexpr std::array<Impact, 11> k_impacts{{
    {"http",
     {"Who opens the page that {} checks gets an error.",
      "Кто открывает страницу, которую проверяет {}, видит ошибку."},
     {"The page that {} checks opens, but not as it should.",
      "Страница, которую проверяет {}, открывается, но не так, как должна."}},
    {"frontend",
     {"Visitors see a blank page or one without its styles.",
      "Посетители видят пустую страницу или страницу без оформления."},
     {"Some visitors may see a broken page.", "Часть посетителей может видеть сломанную страницу."}},
    {"tls",
     {"Browsers refuse to open the site, or soon will.",
      "Браузеры отказываются открывать сайт или скоро начнут."},
     {"The site works; once the certificate expires browsers will refuse it.",
      "Сайт работает; когда сертификат истечёт, браузеры перестанут его открывать."}},
    {"process",
     {"Too few processes serve the site: it answers slowly or not at all.",
      "Сайт обслуживает слишком мало процессов: он отвечает медленно или не отвечает."},
     {"The site may answer slowly.", "Сайт может отвечать медленно."}},
    {"systemd",
     {"What this service does is not being done now.", "То, за что отвечает эта служба, сейчас не работает."},
     {"The service runs, but something is wrong with it.", "Служба работает, но с ней что-то не так."}},
    {"postgres",
     {"Whatever needs the database fails: the site is down or nearly so.",
      "Не работает всё, чему нужна база: сайт лежит или почти лежит."},
     {"The site may answer slowly.", "Сайт может отвечать медленно."}},
    {"sqlite",
     {"Whatever needs the database may fail at any moment.",
      "Всё, чему нужна база, может отказать в любой момент."},
     {"The site may answer slowly.", "Сайт может отвечать медленно."}},
    {"redis",
     {"Background tasks and whatever relies on the cache do not work.",
      "Не работают фоновые задачи и всё, что держится на кэше."},
     {"Background tasks may be late.", "Фоновые задачи могут запаздывать."}},
    {"celery",
     {"Background tasks are not done: they wait for the workers.",
      "Фоновые задачи не выполняются: они ждут обработчиков."},
     {"Background tasks may be late.", "Фоновые задачи могут запаздывать."}},
    {"disk",
     {"Once the disk is full nothing can be saved: uploads, database, sessions.",
      "Когда место кончится, перестанет сохраняться всё: загрузки, база, сессии."},
     {"Nothing is broken yet: there is time to make room.",
      "Пока ничего не сломано: есть время освободить место."}},
    {"memory",
     {"When memory runs out the kernel kills a process, perhaps the site's.",
      "Когда память кончится, ядро убьёт какой-нибудь процесс, возможно сам сайт."},
     {"Nothing is broken yet, but the site may slow down.",
      "Пока ничего не сломано, но сайт может замедлиться."}},
}};

constexpr Phrase k_only_monitoring{"This concerns the monitoring, not the site.",
                                   "Это касается мониторинга, а не сайта."};

constexpr Phrase k_not_seen{"Whether anything is broken is not known: this check could not look.",
                            "Сломалось ли что-нибудь, неизвестно: проверить не удаётся."};

// A page is named by its check: the message of a cause names no page above this line.
std::optional<Text> impact_of(const NewsItem& item) {
    if (item.incident.type == k_self) {
        return say(k_only_monitoring);
    }
    if (item.incident.severity == Severity::info) {
        return std::nullopt;
    }
    if (item.incident.blind) {
        return say(k_not_seen);
    }
    for (const Impact& impact : k_impacts) {
        const Incident* found = item.incident.type == impact.type ? &item.incident : nullptr;
        for (const Incident& symptom : item.symptoms) {
            found = found == nullptr && symptom.type == impact.type ? &symptom : found;
        }
        if (found != nullptr && found->severity == Severity::warning) {
            return std::nullopt; // a warning at most, whatever was seen: it may be worse or milder
        }
        if (found != nullptr) {
            return say(found->status == Status::critical ? impact.critical : impact.warning,
                       clean_line(found->check));
        }
    }
    return std::nullopt;
}

// ── what was done, by the action ─────────────────────────────────────────────────────────────────────────

struct DeedWords {
    std::string_view action;
    Phrase done, failed;
};

constexpr std::array<DeedWords, 8> k_deeds{{
    {"restart",
     {"restarted {}", "перезапущено: {}"},
     {"could not restart {}", "не удалось перезапустить {}"}},
    {"reload",
     {"reloaded the configuration of {}", "перечитана конфигурация {}"},
     {"could not reload the configuration of {}", "не удалось перечитать конфигурацию {}"}},
    {"start", {"started {}", "запущено: {}"}, {"could not start {}", "не удалось запустить {}"}},
    {"fix-permissions",
     {"mended the permissions of {}", "исправлены права в {}"},
     {"could not mend the permissions of {}", "не удалось исправить права в {}"}},
    {"restore-frontend",
     {"put the last whole copy of the build back to {}", "возвращена последняя целая копия сборки: {}"},
     {"could not put a whole copy of the build back to {}", "не удалось вернуть целую копию сборки в {}"}},
    {"rollback",
     {"went back to the last good release of the {}", "возвращён последний исправный релиз ({})"},
     {"could not go back to an earlier release of the {}", "не удалось вернуть прежний релиз ({})"}},
    {"wait", {"waited for {}", "подождали {}"}, {"waited for {} in vain", "ждали {}, но не дождались"}},
    {"exec", {"ran {}", "выполнено: {}"}, {"{} did not succeed", "не удалось выполнить {}"}},
}};
constexpr Phrase k_other_done{"{}: {}", "{}: {}"};
constexpr Phrase k_other_failed{"{} did not succeed: {}", "не удалось: {}: {}"};

// ── headlines ────────────────────────────────────────────────────────────────────────────────────────────

constexpr Phrase k_opened{"{}: {}", "{}: {}"};
constexpr Phrase k_risen{"{} is critical now: {}", "{}: теперь критично: {}"};
constexpr Phrase k_eased{"{} is better, not over: {}", "{}: лучше, но не прошло: {}"};
constexpr Phrase k_resolved{"{} is all right again ({})", "{}: снова в порядке ({})"};
constexpr Phrase k_mended{"{} broke and is mended", "{}: сломалось и уже починено"};
constexpr Phrase k_passed{"{} was broken and is all right again ({})",
                          "{}: ломалось, уже снова в порядке ({})"};
constexpr Phrase k_unwatched{"{} is no longer checked", "{}: больше не проверяется"};
constexpr Phrase k_silent{"{}: nothing was heard of it for long", "{}: о нём давно ничего не слышно"};
constexpr Phrase k_reminder{"{} is still not right: {}", "{}: всё ещё не в порядке: {}"};
constexpr Phrase k_needs_person{"{}: a person is needed: {}", "{}: нужен человек: {}"};
constexpr Phrase k_flapping{"{} breaks and recovers by turns: {}", "{}: то ломается, то чинится: {}"};
constexpr Phrase k_escalated{"{} is not mended and nobody has answered: {}",
                             "{}: не починено, и никто не отозвался: {}"};
constexpr Phrase k_note{"{}: {}", "{}: {}"};
constexpr Phrase k_day_good{"all is well: {}, {}, {}", "всё в порядке: {}, {}, {}"};
constexpr Phrase k_day_open{"not all is well, still open: {}; the day: {}, {}",
                            "не всё в порядке, открыто: {}; за сутки: {}, {}"};
constexpr Phrase k_day_unknown{"summary: of the day nothing is recorded", "сводка: записей за сутки нет"};
constexpr Noun k_runs{"run", "runs", "запуск", "запуска", "запусков"};
constexpr Noun k_incidents{"incident", "incidents", "инцидент", "инцидента", "инцидентов"};
constexpr Phrase k_of_monitoring{"monitoring ({})", "мониторинг ({})"};
constexpr Phrase k_and_more{", and {} more", ", и ещё {}"};

// ── the lines under them ─────────────────────────────────────────────────────────────────────────────────

constexpr Phrase k_growth{"Growth: {}", "Рост: {}"};
constexpr Phrase k_it_was{"It was: {}", "Что было: {}"};
constexpr Phrase k_broken_with_it{"Because of it:", "Из-за этого:"};
constexpr Phrase k_was_broken_with_it{"Because of it there was:", "Из-за этого было:"};
constexpr Phrase k_more_symptoms{"and {} more", "и ещё {}"};
constexpr Phrase k_done{"What was done:", "Что сделано:"};
constexpr Phrase k_done_in_vain{"What was done (it did not help):", "Что сделано (не помогло):"};
constexpr Phrase k_passes_again{"Checked, it passes again: {}", "Проверено, снова проходит: {}"};
constexpr Phrase k_gave_up{"Mending it automatically did not help. From now on it is tried rarely.",
                           "Автоматическая починка не помогла. Дальше попытки будут редкими."};
constexpr Phrase k_hour_is_full{
    "The limit of interventions an hour is used up: until there is room in it, nothing is mended "
    "automatically.",
    "Лимит вмешательств за час исчерпан: пока он не освободится, автоматической починки не будет."};
constexpr Phrase k_never_comes_up{"systemd keeps starting it and it does not come up. One more restart would "
                                  "only begin that anew, so nothing "
                                  "is done automatically.",
                                  "systemd запускает её снова и снова, а она не поднимается. Ещё один "
                                  "перезапуск лишь начал бы это сначала, "
                                  "поэтому автоматически ничего не делается."};
constexpr Phrase k_never_has_time{"Each run is over before it comes to mending: its checks take all of its "
                                  "time. See health.deadline and the "
                                  "`timeout` of the slowest checks.",
                                  "Запуск каждый раз кончается раньше, чем дело доходит до починки: всё его "
                                  "время уходит на проверки. Посмотрите "
                                  "health.deadline и `timeout` самых долгих проверок."};
constexpr Phrase k_flapping_means{"Not every change will be told, only when it settles.",
                                  "О каждой смене сообщать не буду, только когда успокоится."};
constexpr Phrase k_remark{"Automatic mending: {}", "Автоматическая починка: {}"};
constexpr Phrase k_further_remark{"Now: {}", "Сейчас: {}"};
constexpr Phrase k_what_to_do{"What to do: {}", "Что делать: {}"};
constexpr Phrase k_runbook{"Runbook: {}", "Памятка: {}"};
constexpr Phrase k_look_with{"To look at it:", "Чем посмотреть:"};
constexpr Phrase k_since{"Since {}", "Началось: {}"};
constexpr Phrase k_since_for{"Since {} (for {})", "Началось: {} (уже {})"};
constexpr Phrase k_lasted{"It lasted {} ({} to {})", "Длилось: {} (с {} до {})"};
// How long it was broken before it was noticed is not known: up to the time since the run before.
constexpr Phrase k_noticed{"Noticed at {}, mended after: {}", "Замечено: {}, до починки прошло: {}"};
constexpr Phrase k_gone{
    "It was removed, renamed or switched off while it was broken: whether it works now is not known.",
    "Проверку убрали, переименовали или выключили, пока она не проходила: работает ли это сейчас, "
    "неизвестно."};
constexpr Phrase k_never_said{"Whoever told of it has neither repeated it for a day nor said that it is "
                              "over: whether it is mended is not known.",
                              "Тот, кто о нём сообщил, больше суток не повторял этого и не сказал, что всё "
                              "прошло: исправлено ли, неизвестно."};
constexpr Phrase k_broken_since{"Broken since {}", "Проверка не проходила с {}"};
constexpr Phrase k_still_open{"Open:", "Открыто:"};
constexpr Phrase k_summed_up{"Runs that ended without anything critical: {} of {} ({}).",
                             "Запусков, в конце которых не было ничего критичного: {} из {} ({})."};
constexpr Phrase k_came_and_went{"Came and went meanwhile:", "За это время было и прошло:"};
constexpr Phrase k_passed_line{"{}: {} ({}, from {})", "{}: {} ({}, с {})"};
constexpr Phrase k_empty{"(no text)", "(без текста)"};

// Where code begins and ends within a Text. Control characters cannot come from outside: clean() makes them
// '?'.
constexpr char k_code_begins = '\x01';
constexpr char k_code_ends = '\x02';

std::string code(std::string_view text) {
    return fmt::format("{}{}{}", k_code_begins, clean_line(text), k_code_ends);
}

Text one_line(const Text& text) {
    return Text{clean_line(text.en), clean_line(text.ru)};
}

std::vector<Piece> pieces_of(std::string_view text, Piece::Kind outside_code) {
    std::vector<Piece> pieces;
    const auto add = [&](Piece::Kind kind, std::string_view part) {
        if (!part.empty()) {
            pieces.push_back({kind, std::string(part)});
        }
    };
    while (!text.empty()) {
        const std::size_t begins = text.find(k_code_begins);
        add(outside_code, text.substr(0, begins));
        if (begins == std::string_view::npos) {
            break;
        }
        const std::size_t ends = text.find(k_code_ends, begins);
        add(Piece::Kind::code, text.substr(begins + 1, ends - begins - 1));
        text.remove_prefix(ends == std::string_view::npos ? text.size() : ends + 1);
    }
    return pieces;
}

Level level_of(const NewsItem& item) {
    // Nobody has seen it good: no ✅ for what may be broken still.
    if (item.event == Event::unwatched) {
        return Level::info;
    }
    return is_over(item.event) ? Level::resolved : level_of(item.incident);
}

std::int64_t seconds_of(Duration duration) {
    return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

// The clock alone on the day of the news, the date with it on another day.
std::string moment(WallTime time, WallTime today, const std::string& timezone) {
    const std::string full = format_local(time, timezone);
    const bool same_day = full.substr(0, 10) == format_local(today, timezone).substr(0, 10);
    return same_day ? format_local_clock(time, timezone) : full.substr(0, 16);
}

// When it began, by the clock that shows `now`: one that was moved meanwhile would let it end before it began.
WallTime began_by(WallTime now, const NewsItem& item) {
    const WallTime began = now - item.lasted;
    return std::chrono::abs(began - item.incident.since.wall) < std::chrono::minutes(1)
               ? item.incident.since.wall
               : began;
}

bool is_told_by_a_script(const Incident& incident) {
    return incident.type == k_key_type;
}

// What the suite notices of itself is called so in each of its messages: "state" might be anybody's.
Text name_of(const NewsItem& item) {
    if (!item.incident.key.empty()) {
        return verbatim(clean_line(item.incident.key));
    }
    const std::string name = clean_line(item.incident.check);
    const bool is_own = item.incident.type == k_self || item.event == Event::note;
    return is_own ? say(k_of_monitoring, name) : verbatim(name);
}

// "1,440", "1 440" with a blank that does not break
Text grouped(std::int64_t number) {
    const std::string digits = std::to_string(number);
    Text text;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (i > 0 && (digits.size() - i) % 3 == 0) {
            text.en += ',';
            text.ru += "\u00a0";
        }
        text.en += digits[i];
        text.ru += digits[i];
    }
    return text;
}

Text counted_in_groups(std::int64_t number, const Noun& noun) {
    const std::size_t digits = std::to_string(number).size();
    const Text plain = counted(number, noun);
    const Text groups = grouped(number);
    return {groups.en + plain.en.substr(digits), groups.ru + plain.ru.substr(digits)};
}

// "99.93%", never more than it is: 100% is said of a day without a fault only.
Text good_share(const DayFigures& day) {
    const std::int64_t share = day.good_runs * 10'000 / std::max<std::int64_t>(day.runs, 1);
    if (share == 10'000) {
        return verbatim("100%");
    }
    return {fmt::format("{}.{:02}%", share / 100, share % 100),
            fmt::format("{},{:02}%", share / 100, share % 100)};
}

Text day_headline(const NewsItem& item) {
    const DayFigures& day = item.day;
    if (day.runs <= 0) {
        return say(k_day_unknown);
    }
    const Text incidents = counted_in_groups(day.incidents, k_incidents);
    if (!item.symptoms.empty()) {
        return say(k_day_open, item.symptoms.size(), incidents, good_share(day));
    }
    return say(k_day_good, counted_in_groups(day.runs, k_runs), incidents, good_share(day));
}

Text headline(const NewsItem& item) {
    const Text name = name_of(item);
    Text seen = one_line(item.incident.message);
    const Text lasted = spoken(seconds_of(item.lasted));
    // Not good again, but over all the same: in which way.
    if (is_over(item.event) && !item.remarks.empty()) {
        return say(k_opened, name, one_line(item.remarks.front()));
    }
    switch (item.event) {
    case Event::opened:
        return say(k_opened, name, seen);
    case Event::risen:
        return say(k_risen, name, seen);
    case Event::eased:
        return say(k_eased, name, seen);
    case Event::resolved:
        return say(k_resolved, name, lasted);
    case Event::mended:
        return item.deeds.empty() ? say(k_passed, name, lasted) : say(k_mended, name);
    case Event::unwatched:
        return say(is_told_by_a_script(item.incident) ? k_silent : k_unwatched, name);
    case Event::reminder:
        return say(k_reminder, name, seen);
    case Event::needs_person:
        return say(k_needs_person, name, seen);
    case Event::flapping:
        return say(k_flapping, name, seen);
    case Event::escalated:
        return say(k_escalated, name, seen);
    case Event::note:
        return say(k_note, name, seen);
    case Event::summary:
        return day_headline(item);
    }
    return seen;
}

Text words_of(const Deed& deed) {
    const std::string target = code(deed.target);
    const auto* words = std::find_if(k_deeds.begin(), k_deeds.end(),
                                     [&](const DeedWords& known) { return known.action == deed.action; });
    Text text = words != k_deeds.end() ? say(deed.ok ? words->done : words->failed, target)
                                       : say(deed.ok ? k_other_done : k_other_failed, deed.action, target);
    const Text detail = one_line(deed.detail);
    if (!detail.empty()) {
        text = deed.ok ? Text{fmt::format("{} ({})", text.en, detail.en),
                              fmt::format("{} ({})", text.ru, detail.ru)}
                       : join(": ", {text, detail});
    }
    return text;
}

// Writes the lines of one message; everything said goes through here, so language and marking up are in one
// place.
class Writer {
  public:
    Writer(const News& news, const Voice& voice, std::vector<Line>& lines)
        : m_news(news), m_voice(voice), m_lines(lines) {}

    void heading(const NewsItem& item) {
        blank();
        bold(fmt::format("{} {}", mark(level_of(item)), headline(item).in(m_voice.lang)));
    }

    void body(const NewsItem& item) {
        if (item.event == Event::summary) {
            day(item);
        } else if (item.event == Event::unwatched) {
            unwatched(item);
        } else if (is_over(item.event)) {
            past(item);
        } else {
            present(item);
        }
    }

    // What waited to be told and is over: a line each is enough.
    void came_and_went(const std::vector<NewsItem>& items) {
        if (items.empty()) {
            return;
        }
        blank();
        line(say(k_came_and_went));
        for (const NewsItem& item : items) {
            const std::string from = moment(item.incident.since.wall, m_news.time.wall, m_voice.timezone);
            Text passed = say(k_passed_line, name_of(item), one_line(item.incident.message),
                              spoken(seconds_of(item.lasted)), from);
            for (const Deed& deed : item.deeds) {
                passed = join("; ", {passed, words_of(deed)});
            }
            bullet(passed);
        }
    }

    void tail() {
        blank();
        plain(fmt::format("{} · {}", clean_line(m_news.host), m_news.tool));
    }

  private:
    // Not over: what it means, why, what follows from it, what was tried, what to do.
    void present(const NewsItem& item) {
        if (const std::optional<Text> impact = impact_of(item)) {
            line(*impact);
        }
        evidence(item.incident);
        symptoms(item, k_broken_with_it);
        deeds(item, item.event == Event::eased || has_helped(item) ? k_done : k_done_in_vain);
        if (has_helped(item)) {
            passes_again(item);
        }
        if (item.event == Event::needs_person) {
            line(say(why_called(item.reason)));
        } else if (item.event == Event::flapping) {
            line(say(k_flapping_means));
        }
        advice(item);
        since(item);
    }

    void day(const NewsItem& item) {
        if (item.day.runs > 0) {
            line(say(k_summed_up, grouped(item.day.good_runs), grouped(item.day.runs), good_share(item.day)));
        }
        symptoms(item, k_still_open);
        for (const Text& remark : item.remarks) {
            line(say(k_growth, one_line(remark)));
        }
    }

    // Neither over nor watched: what was last seen of it.
    void unwatched(const NewsItem& item) {
        line(say(is_told_by_a_script(item.incident) ? k_never_said : k_gone));
        line(say(k_it_was, one_line(item.incident.message)));
        line(say(k_broken_since, moment(item.incident.since.wall, m_news.time.wall, m_voice.timezone)));
    }

    // Over: what it was, why (unless its opening said so), what mended it, how long it lasted.
    void past(const NewsItem& item) {
        line(say(k_it_was, one_line(item.incident.message)));
        if (item.event == Event::mended) {
            evidence(item.incident);
        }
        symptoms(item, k_was_broken_with_it);
        deeds(item, k_done);
        passes_again(item);
        const WallTime ended = item.waited ? item.incident.since.wall + item.lasted : m_news.time.wall;
        const std::string from = moment(began_by(ended, item), m_news.time.wall, m_voice.timezone);
        const std::string until = format_local_clock(ended, m_voice.timezone);
        const Text lasted = spoken(seconds_of(item.lasted));
        line(item.event == Event::mended && !item.deeds.empty() ? say(k_noticed, from, lasted)
                                                                : say(k_lasted, lasted, from, until));
    }

    static const Phrase& why_called(CallReason reason) {
        switch (reason) {
        case CallReason::hour_is_full:
            return k_hour_is_full;
        case CallReason::never_comes_up:
            return k_never_comes_up;
        case CallReason::no_time:
            return k_never_has_time;
        case CallReason::useless_attempts:
            break;
        }
        return k_gave_up;
    }

    void evidence(const Incident& incident) {
        const std::string text = shorten(clean(incident.evidence), k_evidence_characters);
        std::string shown;
        std::size_t count = 0;
        for (const std::string_view part : split_lines(text)) {
            if (trim(part).empty()) {
                continue;
            }
            if (count++ == k_evidence_lines) {
                shown += "\n…";
                break;
            }
            shown += shown.empty() ? "" : "\n";
            shown += part;
        }
        if (!shown.empty()) {
            m_lines.push_back({Line::Form::block, {{Piece::Kind::code, std::move(shown)}}});
        }
    }

    void symptoms(const NewsItem& item, const Phrase& heading) {
        if (item.symptoms.empty()) {
            return;
        }
        line(say(heading));
        const std::size_t shown = std::min(item.symptoms.size(), k_symptoms_shown);
        for (std::size_t i = 0; i < shown; ++i) {
            const Incident& symptom = item.symptoms[i];
            bullet(say(k_opened, clean_line(symptom.check), one_line(symptom.message)));
        }
        if (item.symptoms.size() > shown) {
            bullet(say(k_more_symptoms, item.symptoms.size() - shown));
        }
    }

    void deeds(const NewsItem& item, const Phrase& heading) {
        if (item.deeds.empty()) {
            return;
        }
        line(say(heading));
        for (const Deed& deed : item.deeds) {
            bullet(words_of(deed));
        }
    }

    // For a while: what flaps may have been mended by this run and is told as broken all the same.
    static bool has_helped(const NewsItem& item) {
        return std::any_of(item.deeds.begin(), item.deeds.end(), [&](const Deed& deed) {
            return std::find(deed.fixed.begin(), deed.fixed.end(), item.incident.check) != deed.fixed.end();
        });
    }

    void passes_again(const NewsItem& item) {
        std::vector<std::string> fixed;
        for (const Deed& deed : item.deeds) {
            fixed.insert(fixed.end(), deed.fixed.begin(), deed.fixed.end());
        }
        if (!fixed.empty()) {
            line(say(k_passes_again, clean_line(fmt::format("{}", fmt::join(fixed, ", ")))));
        }
    }

    void advice(const NewsItem& item) {
        if (!item.remarks.empty()) {
            // After the words of a call, which speak of mending already, its name would only stand there twice.
            const bool is_named = item.event == Event::needs_person;
            line(say(is_named ? k_further_remark : k_remark, joined(item.remarks)));
        }
        if (!item.incident.hint.empty()) {
            line(say(k_what_to_do, one_line(item.incident.hint)));
        }
        if (!item.incident.note.empty()) {
            line(say(k_runbook, clean_line(item.incident.note)));
        }
        if (!item.look_with.empty()) {
            line(say(k_look_with));
            for (const std::string& command : item.look_with) {
                line(verbatim(code(command)));
            }
        }
    }

    static Text joined(const std::vector<Text>& remarks) {
        Text all;
        for (const Text& remark : remarks) {
            all = join("; ", {all, one_line(remark)});
        }
        return all;
    }

    void since(const NewsItem& item) {
        const WallTime now = m_news.time.wall;
        const std::string began = moment(began_by(now, item), now, m_voice.timezone);
        const std::int64_t seconds = seconds_of(item.lasted);
        line(seconds < 60 ? say(k_since, began) : say(k_since_for, began, span_of(seconds)));
    }

    void line(const Text& text) { plain(text.in(m_voice.lang)); }
    void bullet(const Text& text) { plain("• " + text.in(m_voice.lang)); }
    void plain(std::string_view text) {
        m_lines.push_back({Line::Form::text, pieces_of(text, Piece::Kind::plain)});
    }
    void bold(std::string_view text) {
        m_lines.push_back({Line::Form::text, pieces_of(text, Piece::Kind::bold)});
    }
    void blank() { m_lines.push_back({}); }

    const News& m_news;
    const Voice& m_voice;
    std::vector<Line>& m_lines;
};

// "nothing at /var/www/site/build/index.html" → "nothing at …/index.html": what is wrong with a file stands often behind
// its path, where a title would be cut.
std::string with_short_paths(std::string_view text) {
    std::string result;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(' '));
        const std::size_t slash = word.rfind('/');
        const bool is_deep = word.starts_with('/') && std::count(word.begin(), word.end(), '/') > 2;
        result += is_deep ? fmt::format("…{}", word.substr(slash)) : std::string(word);
        text.remove_prefix(word.size());
        const std::size_t blanks = std::min(text.find_first_not_of(' '), text.size());
        result += text.substr(0, blanks);
        text.remove_prefix(blanks);
    }
    return result;
}

// shorten(), between two words where that costs little.
std::string shorten_words(std::string_view text, std::size_t room) {
    constexpr std::size_t k_longest_given_up = 24; // bytes: a dozen Russian letters
    std::string cut = shorten(text, room);
    if (cut.size() >= text.size() && cut == text) {
        return cut;
    }
    const std::string_view kept = std::string_view(cut).substr(0, cut.size() - std::string_view("…").size());
    const std::size_t blank = kept.rfind(' ');
    const bool in_a_word = text.substr(kept.size(), 1) != " ";
    if (in_a_word && blank != std::string_view::npos && kept.size() - blank <= k_longest_given_up) {
        cut = std::string(kept.substr(0, blank)) + "…";
    }
    return cut;
}

// "🚨 WHAT, and 2 more · HOST"; WHAT gives way when it is too long, and `fits` tells.
struct Title {
    std::string text;
    bool fits = true;
};

std::size_t characters(std::string_view utf8) {
    return static_cast<std::size_t>(std::count_if(
        utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

Title fit_title(Level level, std::string_view what, std::string_view more, std::string_view host) {
    const std::string place = shorten(clean_line(host), k_host_characters);
    const std::string end = std::string(more) + (place.empty() ? "" : " · " + place);
    const std::string begin = fmt::format("{} ", mark(level));
    const std::size_t room = k_title_length - characters(begin) - characters(end);
    const bool fits = characters(what) <= room;
    return {begin + (fits ? std::string(what) : shorten_words(with_short_paths(what), room)) + end, fits};
}

// The last gate before a text leaves the process: whatever a check quoted, no secret goes out with it.
void hide_secrets(Message& message) {
    message.title = redact(message.title);
    for (Line& line : message.lines) {
        for (Piece& piece : line.pieces) {
            piece.text = redact(piece.text);
        }
    }
    for (Subject& subject : message.subjects) {
        subject.summary = redact(subject.summary);
        subject.hint = redact(subject.hint);
    }
}

// What is broken before what is over, the worst first; among equals the order of the news (root causes
// first).
std::vector<NewsItem> by_level(std::vector<NewsItem> items) {
    std::stable_sort(items.begin(), items.end(),
                     [](const NewsItem& a, const NewsItem& b) { return level_of(a) < level_of(b); });
    return items;
}

} // namespace

Subject subject_of(const NewsItem& item, const Voice& voice) {
    Subject subject;
    subject.id = item.incident.id;
    subject.check = fmt::format("{}/{}", item.incident.tool, item.incident.check);
    subject.event = item.event;
    subject.level = level_of(item);
    subject.summary = shorten(headline(item).in(voice.lang), k_summary_characters);
    if (!is_over(item.event)) {
        subject.hint = shorten(clean_line(item.incident.hint.in(voice.lang)), k_summary_characters);
    }
    subject.since = item.incident.since.wall;
    subject.key = item.incident.key;
    return subject;
}

std::string identity(const Subject& subject) {
    return subject.id.empty() ? fmt::format("{}: {}", subject.check, subject.summary) : subject.id;
}

std::string make_title(Level level, std::string_view what, std::string_view host) {
    return fit_title(level, what, "", host).text;
}

std::optional<Message> compose(const News& news, const Voice& voice) {
    if (news.items.empty()) {
        return std::nullopt;
    }
    const std::vector<NewsItem> items = by_level(news.items);
    const NewsItem& first = items.front();
    Message message;
    message.level = level_of(first);
    message.host = clean_line(news.host);
    message.time = news.time.wall;
    message.run = news.run;
    const Text lead = headline(first);
    const Text more = items.size() == 1 ? Text{} : say(k_and_more, items.size() - 1);
    const Title title = fit_title(message.level, lead.in(voice.lang), more.in(voice.lang), news.host);
    message.title = title.text;

    Writer writer(news, voice, message.lines);
    std::vector<NewsItem> passed;
    for (const NewsItem& item : items) {
        if (items.size() > 1 && item.waited && is_over(item.event)) {
            passed.push_back(item);
            message.subjects.push_back(subject_of(item, voice));
            continue;
        }
        // The title is the heading of the only item, unless it had to be cut.
        if (items.size() > 1 || !title.fits) {
            writer.heading(item);
        }
        writer.body(item);
        message.subjects.push_back(subject_of(item, voice));
    }
    writer.came_and_went(passed);
    writer.tail();
    hide_secrets(message);
    return message;
}

Message compose(const Words& words, Lang lang) {
    Message message;
    message.level = words.level;
    message.host = clean_line(words.host);
    message.time = words.time;
    message.key = clean_line(words.key);
    message.may_wait = words.pace == Words::Pace::by_the_clock &&
                       (words.level == Level::warning || words.level == Level::info);
    const std::string text = clean(words.text);
    std::vector<std::string_view> lines = split_lines(trim(text));
    std::string what = clean_line(words.title);
    const bool own_title = !what.empty();
    if (!own_title) {
        what = lines.empty() ? std::string(k_empty.in(lang)) : clean_line(lines.front());
    }
    const Title title = fit_title(words.level, what, "", words.host);
    message.title = title.text;
    // A first line that is whole in the title is not repeated; a title that was cut is.
    if (!own_title && title.fits && !lines.empty()) {
        lines.erase(lines.begin());
    } else if (own_title && !title.fits) {
        message.lines.push_back({Line::Form::text, {{Piece::Kind::bold, what}}});
    }
    for (const std::string_view line : lines) {
        Line& added = message.lines.emplace_back();
        if (!line.empty()) {
            added.pieces.push_back({Piece::Kind::plain, std::string(line)});
        }
    }
    hide_secrets(message);
    return message;
}

std::string plain_text(const Message& message) {
    std::string text = message.title;
    for (const Line& line : message.lines) {
        text += '\n';
        for (const Piece& piece : line.pieces) {
            text += piece.text;
        }
    }
    return text;
}

std::string log_text(const Message& message) {
    std::string text;
    const std::string whole = plain_text(message);
    for (const std::string_view line : split_lines(whole)) {
        if (!trim(line).empty()) {
            text += text.empty() ? "" : " | ";
            text += trim(line);
        }
    }
    return text;
}

} // namespace lectio
