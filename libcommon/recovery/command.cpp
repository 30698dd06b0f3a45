#include "recovery/command.h"

#include "util/secret.h"
#include "util/text.h"
#include "words/error_words.h"

#include <string_view>

namespace lectio {
namespace {

constexpr std::size_t k_longest_line = 200;

constexpr Phrase k_timed_out{"no end within {}", "не завершилась за {}"};
constexpr Phrase k_signal{"ended by signal {}", "завершена сигналом {}"};
constexpr Phrase k_exit_status{"exit status {}", "код выхода {}"};
constexpr Phrase k_took{"done in {}", "готово за {}"};

// The first line says what is wrong ("[emerg] unknown directive"), the last one often only that something is
// ("configuration file test failed"). Of Python's tracebacks the last counts: what stands behind its indented lines, before
// more lines of the same message ("LINE 1: DELETE FROM …").
std::string telling_line(std::string_view output) {
    constexpr std::string_view k_traceback = "Traceback (";
    std::string_view first, last, raised;
    bool is_in_traceback = false;
    for (const std::string_view line : split_lines(output)) {
        const std::string_view text = trim(line);
        if (text.empty()) {
            continue;
        }
        first = first.empty() ? text : first;
        last = text;
        if (text.starts_with(k_traceback)) {
            is_in_traceback = true;
        } else if (is_in_traceback && line.front() != ' ') {
            raised = text;
            is_in_traceback = false;
        }
    }
    const std::string_view telling = !first.starts_with(k_traceback) ? first : raised.empty() ? last : raised;
    return shorten(redact(clean_line(telling)), k_longest_line);
}

} // namespace

CommandOutcome run_command(World& world, const ProcessRequest& request) {
    return outcome_of(world.processes.run(request), request);
}

CommandOutcome outcome_of(const Result<ProcessAnswer>& answer, const ProcessRequest& request) {
    if (!answer.ok()) {
        return {false, error_words(answer.error().message)};
    }
    if (answer->timed_out) {
        return {false, say(k_timed_out, format_duration(request.timeout))};
    }
    if (answer->exit_status == 0) {
        return {true, say(k_took, format_duration(answer->took))};
    }
    const Text how =
        answer->exit_status ? say(k_exit_status, *answer->exit_status) : say(k_signal, answer->signal);
    const std::string line = telling_line(trim(answer->err).empty() ? answer->out : answer->err);
    return {false, join(": ", {how, verbatim(line)})};
}

} // namespace lectio
