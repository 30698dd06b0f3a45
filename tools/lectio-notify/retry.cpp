// retry: what was refused for good is put back, and what waits is tried at once.
#include "alerts/rejected.h"
#include "cli/exit_code.h"
#include "commands.h"
#include "outcome_words.h"
#include "session.h"
#include "util/text.h"
#include "words/error_words.h"

#include <chrono>

#include <fmt/ranges.h>

namespace lectio::notify {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_budget = 15s;
constexpr Duration k_grace = 5s; // for a disk that hangs

constexpr std::size_t k_longest_list = 400; // bytes of names

constexpr Phrase k_none_of_it{"no refused message is called \"{}\"; lectio-notify rejected names them",
                              "нет отвергнутого сообщения «{}»; их назовёт lectio-notify rejected"};
constexpr Phrase k_put_back{"put back: {}", "возвращено: {}"};
constexpr Phrase k_strange{"left alone, because it is no message that was refused: {}",
                           "не тронуто, это не отвергнутое сообщение: {}"};
constexpr Phrase k_would_put_back{"would put back: {}", "было бы возвращено: {}"};

class Retry final : public Command {
  public:
    std::vector<Argument> arguments() override {
        return {
            {"message", "ID", "A refused message, or all; default: none, only what waits is tried", &m_what}};
    }
    Duration longest(const Session&) const override { return k_budget + k_grace; }

    int execute(Session& session) override {
        if (const std::optional<Text> denied = session.denied_to_us()) {
            return session.needs_rights(*denied);
        }
        if (const std::optional<Text> unreadable = session.unreadable_outbox()) {
            return session.say_answer({Answer::Kind::failed, *unreadable});
        }
        const std::vector<Rejected> wanted = wanted_of(session);
        if (wanted.empty() && !m_what.empty() && m_what != "all") {
            return session.say_answer({Answer::Kind::wrong, say(k_none_of_it, clean_line(m_what))});
        }
        const Text strange = strange_words(session);
        if (session.common().dry_run) {
            return session.say_outcome(join("\n", {say(k_would_put_back, wanted.size()), strange}), k_good,
                                       DeliveryReport{});
        }
        for (const Rejected& rejected : wanted) {
            const Result<void> back =
                put_back(session.world().files, session.config().paths.state / "outbox", rejected);
            if (!back) {
                return session.say_answer({Answer::Kind::failed, error_words(back.error().message)});
            }
        }
        const DeliveryReport report = session.delivery().flush(session.deadline(k_budget), Patience::ask_now);
        session.log(report);
        const Text back = wanted.empty() ? Text{} : say(k_put_back, wanted.size());
        const int status = report.rejected > 0 ? k_bad : report.waiting > 0 ? k_waiting : k_good;
        return session.say_outcome(join("\n", {back, strange, delivery_counts(report), why_not_yet(report)}),
                                   status, report);
    }

  private:
    [[nodiscard]] std::vector<Rejected> wanted_of(Session& session) const {
        if (m_what.empty()) {
            return {};
        }
        std::vector<Rejected> all =
            rejected_messages(session.world().files, session.config().paths.state / "outbox");
        if (m_what != "all") {
            std::erase_if(all, [&](const Rejected& rejected) { return rejected.id != m_what; });
        }
        return all;
    }

    // Named, so that nobody takes it for something that was put back.
    [[nodiscard]] Text strange_words(Session& session) const {
        if (m_what != "all") {
            return {};
        }
        std::vector<std::string> files =
            strange_among_rejected(session.world().files, session.config().paths.state / "outbox");
        for (std::string& file : files) {
            file = clean_line(file);
        }
        return files.empty()
                   ? Text{}
                   : say(k_strange, shorten(fmt::format("{}", fmt::join(files, ", ")), k_longest_list));
    }

    std::string m_what;
};

} // namespace

std::unique_ptr<Command> make_retry() {
    return std::make_unique<Retry>();
}

} // namespace lectio::notify
