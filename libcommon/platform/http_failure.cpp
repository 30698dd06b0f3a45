#include "platform/http_failure.h"

#include "util/secret.h"
#include "util/text.h"
#include "words/error_words.h"

namespace lectio {
namespace {

using Failure = HttpAnswer::Failure;
using Phase = HttpAnswer::Phase;

constexpr Phrase k_dns{"the name of {} is not found: {}", "имя в адресе {} не находится: {}"};
constexpr Phrase k_dns_timeout{"the name of {} is not found: the DNS server is silent",
                               "имя в адресе {} не находится: DNS-сервер молчит"};
constexpr Phrase k_refused{"{}: connection refused", "{}: соединение отклонено"};
constexpr Phrase k_unreachable{"{}: no way there through the network", "{}: по сети туда не добраться"};
constexpr Phrase k_timeout{"no full answer within {1} from {0}: stopped while {2}",
                           "нет полного ответа за {1} от {0}: остановилось на этапе «{2}»"};
constexpr Phrase k_not_connected{"no connection within {1} to {0}", "нет соединения за {1} с {0}"};
constexpr Phrase k_tls{"{}: no secure connection: {}", "{}: нет защищённого соединения: {}"};
constexpr Phrase k_no_answer{"{}: the connection was closed before an answer came",
                             "{}: соединение закрыто, ответа не было"};
constexpr Phrase k_closed{"{}: the connection was cut in the middle of the answer",
                          "{}: соединение оборвалось посреди ответа"};
constexpr Phrase k_too_large{"{}: the answer is larger than allowed", "{}: ответ больше допустимого"};
constexpr Phrase k_headers_too_large{"{}: the headers of the answer are too large",
                                     "{}: слишком большие заголовки ответа"};
constexpr Phrase k_not_http{"{}: the answer is not proper HTTP: {}", "{}: ответ не похож на HTTP: {}"};
constexpr Phrase k_redirects{"{}: redirects lead nowhere: {}", "{}: перенаправления никуда не приводят: {}"};
constexpr Phrase k_bad_request{"unable to ask: {}", "не удалось спросить: {}"};
constexpr Phrase k_other{"{}: {}", "{}: {}"};

constexpr Phrase k_in_dns{"looking up the name", "поиск имени"};
constexpr Phrase k_in_tls{"agreeing on encryption", "согласование шифрования"};
constexpr Phrase k_in_send{"sending the request", "отправка запроса"};
constexpr Phrase k_in_first_byte{"waiting for the first byte", "ожидание первого байта"};
constexpr Phrase k_in_body{"receiving the answer", "получение ответа"};

const Phrase& doing(Phase phase) {
    switch (phase) {
    case Phase::dns:
        return k_in_dns;
    case Phase::tls:
        return k_in_tls;
    case Phase::send:
        return k_in_send;
    case Phase::first_byte:
        return k_in_first_byte;
    case Phase::connect: // has words of its own
    case Phase::body:
    case Phase::done:
        break;
    }
    return k_in_body;
}

} // namespace

Text http_failure_words(const HttpAnswer& answer, const std::string& whom) {
    const Text detail = error_words(redact(clean_line(answer.detail)));
    switch (answer.failure) {
    case Failure::dns:
        return say(k_dns, whom, detail);
    case Failure::dns_timeout:
        return say(k_dns_timeout, whom);
    case Failure::refused:
        return say(k_refused, answer.address.empty() ? whom : answer.address);
    case Failure::unreachable:
        return say(k_unreachable, answer.address.empty() ? whom : answer.address);
    case Failure::timeout: {
        const std::string waited = format_duration(std::chrono::duration_cast<Duration>(answer.total));
        return answer.phase == Phase::connect ? say(k_not_connected, whom, waited)
                                              : say(k_timeout, whom, waited, say(doing(answer.phase)));
    }
    case Failure::tls:
        return say(k_tls, whom, detail);
    case Failure::closed:
        return say(answer.phase < Phase::body ? k_no_answer : k_closed, whom);
    case Failure::too_large:
        return say(k_too_large, whom);
    case Failure::headers_too_large:
        return say(k_headers_too_large, whom);
    case Failure::not_http:
        return say(k_not_http, whom, detail);
    case Failure::redirects:
        return say(k_redirects, whom, detail);
    case Failure::bad_url:
    case Failure::own_fault:
        return say(k_bad_request, detail);
    case Failure::other:
    case Failure::none:
        break;
    }
    return say(k_other, whom, detail);
}

} // namespace lectio
