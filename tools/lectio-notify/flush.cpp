// flush: delivers what waits, with what a server asks for between.
#include "commands.h"
#include "outcome_words.h"
#include "platform/stop.h"
#include "session.h"

#include <algorithm>
#include <chrono>

namespace lectio::notify {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_budget = 50s; // so that a cron line of every minute never meets itself
constexpr Duration k_grace = 5s;   // on top of it, for a disk that hangs
// Between two attempts: doubling up to the longest.
constexpr Duration k_first_pause = 1s;
constexpr Duration k_longest_pause = 8s;

constexpr Phrase k_still_waiting{"not delivered yet ({}); trying for {} in all",
                                 "пока не доставлено ({}); попытки продлятся до {}"};
constexpr Phrase k_would_flush{"would try to send what waits: {}", "была бы попытка отправить ожидающие: {}"};

class Flush final : public Command {
  public:
    Duration longest(const Session&) const override { return k_budget + k_grace; }

    int execute(Session& session) override {
        if (const std::optional<Text> denied = session.denied_to_us()) {
            return session.needs_rights(*denied);
        }
        if (const std::optional<Text> unreadable = session.unreadable_outbox()) {
            return session.say_answer({Answer::Kind::failed, *unreadable});
        }
        if (session.common().dry_run) {
            return session.say_outcome(say(k_would_flush, session.delivery().count_waiting()), k_good,
                                       DeliveryReport{});
        }
        const DeliveryReport report = flush_patiently(session);
        session.log(report);
        const int status = report.rejected > 0 ? k_bad : report.waiting > 0 ? k_waiting : k_good;
        return session.say_outcome(join("\n", {delivery_counts(report), why_not_yet(report)}), status,
                                   report);
    }

  private:
    // Tries again and again until nothing waits or the time is over.
    DeliveryReport flush_patiently(Session& session) {
        Clock& clock = session.world().clock;
        const SteadyTime end = session.deadline(k_budget);
        DeliveryReport sum;
        for (Duration pause = k_first_pause;; pause = std::min(pause * 2, k_longest_pause)) {
            DeliveryReport now = session.delivery().flush(end, Patience::ask_now);
            now.sent += sum.sent;
            now.rejected += sum.rejected;
            now.log.insert(now.log.begin(), sum.log.begin(), sum.log.end());
            sum = std::move(now);
            say_once_that_it_takes_long(session, sum);
            const bool useless = sum.waiting == sum.stuck + sum.kept || clock.steady() + pause >= end;
            if (useless || stop_requested()) {
                return sum;
            }
            sleep_unless_stopped(clock, session.deadline(pause));
        }
    }

    // Fifty seconds of silence look like a hang.
    void say_once_that_it_takes_long(const Session& session, const DeliveryReport& report) {
        const CommonOptions& options = session.common();
        const bool wanted =
            options.format == Format::text && options.verbosity != Verbosity::quiet && !m_said_it_takes_long;
        if (wanted && report.waiting > report.stuck + report.kept && !report.why_waiting.empty()) {
            m_said_it_takes_long = true;
            session.say_aside(say(k_still_waiting, report.why_waiting, spoken(k_budget / 1s)));
        }
    }

    bool m_said_it_takes_long = false;
};

} // namespace

std::unique_ptr<Command> make_flush() {
    return std::make_unique<Flush>();
}

} // namespace lectio::notify
