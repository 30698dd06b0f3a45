// simulate: what would have been told, had this configuration been there? Recorded runs are judged again; nothing is
// sent and nothing is changed.
#include "commands.h"
#include "pipeline/policy.h"
#include "pipeline/replay.h"
#include "platform/clock.h"
#include "platform/users.h"
#include "session.h"
#include "store/past_runs.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio::notify {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_at_most = 5min; // 90 days are some 130,000 runs

constexpr Phrase k_no_tool{"runs are recorded of health and smoke, not of \"{}\"",
                           "записываются запуски health и smoke, а не «{}»"};
constexpr Phrase k_no_time{"\"{}\" is no time; like 2h, 7d, 2026-11-20 or \"2026-11-20 10:00\"",
                           "«{}» — не время; нужно вроде 2h, 7d, 2026-11-20 или \"2026-11-20 10:00\""};
constexpr Phrase k_unreadable{"the history cannot be read: {}", "историю не удалось прочитать: {}"};
constexpr Phrase k_no_runs{"no run was recorded from {} to {}", "с {} до {} не записано ни одного запуска"};
constexpr Phrase k_message{"── {} → {} ──\n{}", "── {} → {} ──\n{}"};
constexpr Phrase k_nobody{"nobody: no channel takes it", "никому: нет подходящего канала"};
constexpr Phrase k_counts{"{0} from {1} to {2} ({3}); told at that time: {4}\nWhat checks had found stands "
                          "as it was recorded; limits of values "
                          "are not judged again.",
                          "{0} с {1} до {2} ({3}); отправлено в то время: {4}\nРезультаты проверок взяты из "
                          "записи; пороги значений заново не "
                          "оцениваются."};
constexpr Noun k_messages{"message", "messages", "сообщение", "сообщения", "сообщений"};
constexpr Noun k_runs{"run", "runs", "запуск", "запуска", "запусков"};

class Simulate final : public Command {
  public:
    std::vector<Argument> arguments() override {
        return {{"--from", "TIME", "2h, 7d, 2026-11-20 or \"2026-11-20 10:00\" (default: 7d)", &m_from},
                {"--to", "TIME", "The same (default: now)", &m_to},
                {"--tool", "TOOL", "Whose runs: health or smoke (default: health)", &m_tool}};
    }

    Duration longest(const Session&) const override { return k_at_most; }

    int execute(Session& session) override {
        Period period;
        period.tool = m_tool.empty() ? "health" : m_tool;
        if (period.tool != "health" && period.tool != "smoke") {
            return session.leave(ExitCode::usage, say(k_no_tool, clean_line(m_tool)));
        }
        for (const auto& [word, time] : {std::pair{&m_from, &period.from}, std::pair{&m_to, &period.until}}) {
            const Result<WallTime> moment =
                word->empty() ? session.now() : parse_moment(*word, session.now(), session.config().timezone);
            if (!moment) {
                return session.leave(ExitCode::usage, say(k_no_time, clean_line(*word)));
            }
            *time = *moment;
        }
        return replay(session, period);
    }

  private:
    int replay(Session& session, const Period& period) {
        const Config& config = session.config();
        Result<PastRuns> runs =
            PastRuns::at(session.world().files, session.world().clock,
                         {config.paths.state, config.paths.run / "history.lock", effective_user()},
                         session.deadline(k_at_most));
        if (!runs && runs.error().kind != ErrorKind::not_found) {
            return failed(session, runs.error());
        }
        if (!runs) {
            return show(session, period, 0, 0);
        }
        const Result<std::vector<AtTime<RecordedDeed>>> deeds = runs->deeds(period);
        const Result<std::vector<AtTime<RecordedEvent>>> events = runs->events(period);
        if (!deeds || !events) {
            return failed(session, deeds ? events.error() : deeds.error());
        }
        Replay replay(period.tool == "smoke" ? smoke_policy_of(config, session.host())
                                             : policy_of(config, session.host()),
                      *deeds, *events);
        const Result<void> read = runs->each(period, [&](const PastRun& run) {
            if (!run.partial) {
                take(session, replay.next(run));
            }
        });
        return read ? show(session, period, replay.runs(), count_told(*events))
                    : failed(session, read.error());
    }

    void take(Session& session, const News& news) {
        const Lang lang = session.config().lang;
        const std::optional<Message> message = compose(news, {lang, session.config().timezone});
        if (!message) {
            return;
        }
        std::string to;
        for (const Outgoing& letter : session.delivery().letters(news)) {
            to += (to.empty() ? "" : ", ") + letter.channel;
        }
        ++m_count;
        const std::string text = plain_text(*message);
        m_text = join(m_text.empty() ? "" : "\n\n",
                      {m_text, say(k_message, format_local(news.time.wall, session.config().timezone),
                                   to.empty() ? say(k_nobody) : verbatim(to), text)});
        m_json.push_back(
            {{"time", format_utc(news.time.wall)}, {"to", to}, {"title", message->title}, {"text", text}});
    }

    // Runs that told something.
    static std::size_t count_told(const std::vector<AtTime<RecordedEvent>>& events) {
        std::set<std::int64_t> runs;
        for (const AtTime<RecordedEvent>& event : events) {
            if (event.what.kind == RecordedEvent::Kind::told) {
                runs.insert(event.run);
            }
        }
        return runs.size();
    }

    int show(Session& session, const Period& period, int runs, std::size_t told) {
        const std::string& zone = session.config().timezone;
        const std::string from = format_local(period.from, zone);
        const std::string until = format_local(period.until, zone);
        const Text counts =
            runs == 0 ? say(k_no_runs, from, until)
                      : say(k_counts, counted(m_count, k_messages), from, until, counted(runs, k_runs), told);
        return session.say_outcome(join(m_text.empty() ? "" : "\n\n", {m_text, counts}), k_good,
                                   {{"messages", m_json}, {"runs", runs}, {"recorded_messages", told}});
    }

    static int failed(Session& session, const Error& error) {
        const ExitCode code = exit_code(error);
        const Text words = say(k_unreadable, error_words(error.message));
        return code == ExitCode::rights ? session.needs_rights(words) : session.leave(code, words);
    }

    std::string m_from = "7d", m_to, m_tool;
    int m_count = 0;
    Text m_text;
    nlohmann::json m_json = nlohmann::json::array();
};

} // namespace

std::unique_ptr<Command> make_simulate() {
    return std::make_unique<Simulate>();
}

} // namespace lectio::notify
