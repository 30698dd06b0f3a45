#include "heartbeat/job.h"

#include "util/secret.h"
#include "util/text.h"
#include "util/units.h"
#include "words/error_words.h"

#include <fmt/format.h>

namespace lectio::heartbeat {
namespace {

// As sh(1) and timeout(1) say it.
constexpr int k_not_found = 127, k_cannot_start = 126, k_overran = 124, k_by_signal = 128;

constexpr Phrase k_good{"ended well after {}", "завершилось успешно за {}"};
constexpr Phrase k_failed{"failed: exit status {} after {}", "завершилось с ошибкой: код {} через {}"};
constexpr Phrase k_signal{"failed: ended by signal {} after {}",
                          "завершилось с ошибкой: прервано сигналом {} через {}"};
constexpr Phrase k_long{"took longer than its {} and was ended", "не уложилось в {} и было прервано"};
constexpr Phrase k_stopped{"was asked to stop (signal {}) after {}, before it was done",
                           "остановлено (сигнал {}) через {}, не закончив работу"};
constexpr Phrase k_not_started{"could not be started: {}", "не запустилось: {}"};

} // namespace

JobEnd judge(const Result<AttendedAnswer>& answer, std::optional<Duration> limit) {
    JobEnd end;
    if (!answer) {
        end.status = answer.error().kind == ErrorKind::not_found ? k_not_found : k_cannot_start;
        end.words = say(k_not_started, error_words(answer.error().message));
        return end;
    }
    const std::string took = format_duration(answer->took);
    end.status = answer->exit_status.value_or(k_by_signal + answer->signal);
    if (answer->overran) {
        end.status = k_overran; // also where it ended well in its grace: it was asked to
        end.words = say(k_long, limit ? format_duration(*limit) : took);
    } else if (end.status == 0) {
        end.words = say(k_good, took);
        return end;
    } else if (answer->stopped != 0) {
        end.words = say(k_stopped, answer->stopped, took);
    } else if (answer->exit_status) {
        end.words = say(k_failed, *answer->exit_status, took);
    } else {
        end.words = say(k_signal, answer->signal, took);
    }
    end.tail = redact(clean(trim(answer->tail)));
    return end;
}

Ping ping_of(const JobEnd& end, const std::string& rid, Lang lang) {
    Ping ping;
    ping.signal = Ping::Signal::exit_status;
    ping.exit_status = end.status;
    ping.rid = rid;
    if (!end.is_good()) {
        ping.body = fmt::format("{}\n{}", end.words.in(lang), end.tail);
    }
    return ping;
}

} // namespace lectio::heartbeat
