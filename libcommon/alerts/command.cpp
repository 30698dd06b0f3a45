#include "alerts/command.h"

#include "alerts/http_outcome.h"
#include "alerts/remarks.h"
#include "incidents/ids.h"
#include "platform/in_thread.h"
#include "platform/world.h"
#include "util/secret.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr int k_try_later = 75; // EX_TEMPFAIL of sysexits.h
constexpr std::size_t k_longest_words = 200;

constexpr Phrase k_not_started{"{} cannot be started: {}", "{} не запускается: {}"};
constexpr Phrase k_not_started_hint{"look at `command` of the channel", "проверьте command у канала"};
constexpr Phrase k_timed_out{"{} did not end within {}", "{} не завершилась за {}"};
constexpr Phrase k_killed{"{} was ended by signal {}", "{} завершена сигналом {}"};
constexpr Phrase k_later{"{} asks to try again later (exit status {}) {}",
                         "{} просит повторить позже (код {}) {}"};
constexpr Phrase k_refused{"{} refuses the message: exit status {} {}",
                           "{} не принимает сообщение: код завершения {} {}"};

// What the program said last: its complaint, else its output.
std::string last_words(const ProcessAnswer& answer) {
    const std::vector<std::string_view> lines =
        split_lines(trim(trim(answer.err).empty() ? answer.out : answer.err));
    return lines.empty() ? "" : shorten(redact(clean_line(lines.back())), k_longest_words);
}

} // namespace

ProcessRequest command::request(const Draft& draft, const CommandChannel& settings, const Voice& voice,
                                const std::string& rest) {
    const Message& message = draft.message;
    const Subject first = message.subjects.empty() ? Subject{} : message.subjects.front();
    ProcessRequest request;
    request.command = settings.command;
    request.environment = {{"LECTIO_LEVEL", std::string(to_string(message.level))},
                           {"LECTIO_TITLE", clean_line(message.title)},
                           {"LECTIO_HOST", message.host},
                           {"LECTIO_CHECK", first.check},
                           {"LECTIO_ID", first.id},
                           {"LECTIO_MESSAGE_ID", id_of(message)}};
    request.input = text_of(draft, voice.lang, k_most_text, rest);
    request.timeout = settings.timeout;
    return request;
}

Outcome command::judge(const Result<ProcessAnswer>& answer, const CommandChannel& settings) {
    using Kind = Outcome::Kind;
    const std::string& program = settings.command.front();
    if (!answer) {
        // Not there or not ours to start stays so; a lack of processes or memory passes.
        const ErrorKind kind = answer.error().kind;
        const bool for_good = kind == ErrorKind::not_found || kind == ErrorKind::permission;
        return outcome_of(for_good ? Kind::channel_refused : Kind::later,
                          say(k_not_started, program, error_words(answer.error().message)),
                          say(k_not_started_hint));
    }
    if (answer->timed_out) {
        return outcome_of(Kind::unknown, say(k_timed_out, program, format_duration(answer->took)));
    }
    if (!answer->exit_status) {
        return outcome_of(Kind::unknown, say(k_killed, program, answer->signal));
    }
    if (*answer->exit_status == 0) {
        return outcome_of(Kind::accepted, {});
    }
    const bool later = *answer->exit_status == k_try_later;
    return outcome_of(later ? Kind::later : Kind::refused,
                      say(later ? k_later : k_refused, program, *answer->exit_status, last_words(*answer)));
}

Command::Command(std::string name, CommandChannel settings, Voice voice, std::string rest)
    : m_name(std::move(name)), m_settings(std::move(settings)), m_voice(std::move(voice)),
      m_rest(std::move(rest)) {}

std::string Command::fingerprint() const {
    return fmt::format("{:016x}", stable_hash(fmt::format("{}", fmt::join(m_settings.command, "\n"))));
}

Task<Outcome> Command::send(World& world, const Draft& draft, Duration timeout) const {
    ProcessRequest request = command::request(draft, m_settings, m_voice, m_rest);
    request.timeout = std::min(timeout, request.timeout);
    std::function<Result<ProcessAnswer>()> work =
        [&processes = world.processes, request = std::move(request)] { return processes.run(request); };
    InThread<Result<ProcessAnswer>> running = in_thread(world.http, std::move(work));
    const Result<Result<ProcessAnswer>> answer = co_await running;
    co_return answer ? command::judge(*answer, m_settings)
                     : command::judge(Result<ProcessAnswer>(answer.error()), m_settings);
}

} // namespace lectio
