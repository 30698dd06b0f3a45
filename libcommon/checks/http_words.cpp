#include "checks/http_words.h"

#include "checks/shared_words.h"
#include "platform/http_failure.h"
#include "util/secret.h"
#include "util/text.h"
#include "util/units.h"

#include <algorithm>
#include <array>

namespace lectio {
namespace {

using Failure = HttpAnswer::Failure;

constexpr std::size_t k_excerpt_characters = 200;

constexpr Phrase k_hint_outside{"the cause lies outside this server: its network, its DNS, its provider",
                                "причина вне этого сервера: сеть, DNS, провайдер"};
constexpr Phrase k_hint_refused{"nobody listens there: look whether the service runs",
                                "там никто не слушает: посмотрите, запущена ли служба"};
constexpr Phrase k_hint_silent{"it accepts connections but does not answer: it hangs or is overloaded",
                               "соединения принимает, но не отвечает: зависло или перегружено"};
constexpr Phrase k_hint_no_way_in{
    "it takes no connections: it hangs, the address is wrong, or a firewall drops them",
    "соединений не принимает: служба зависла, адрес неверен или мешает файрвол"};
constexpr Phrase k_hint_name{"no name server answers: look at /etc/resolv.conf and the network",
                             "DNS-сервер не отвечает: проверьте /etc/resolv.conf и сеть"};
constexpr Phrase k_hint_no_such_name{
    "look how the name is written in the configuration, then at its DNS record",
    "проверьте, как имя написано в настройках, затем его запись в DNS"};
constexpr Phrase k_hint_certificate{
    "browsers show their visitors a warning: renew the certificate, then reload nginx",
    "браузеры показывают предупреждение: обновите сертификат и перезагрузите "
    "конфигурацию nginx"};
constexpr Phrase k_hint_client_cert{
    "the server wants another client certificate: look at client_cert and client_key",
    "серверу нужен другой сертификат клиента: проверьте client_cert и client_key"};
constexpr Phrase k_hint_slow_body{
    "the answer has begun and does not end in time: the network or the service is slow, or it never ends",
    "ответ начался, но вовремя не закончился: медлит сеть или служба, либо он бесконечный"};
constexpr Phrase k_too_large{"{}: the answer is larger than allowed ({})",
                             "{}: ответ больше допустимого ({})"};
constexpr Phrase k_hint_too_large{"look what is served there: so large an answer is not expected",
                                  "посмотрите, что там отдаётся: такой большой ответ не ожидается"};
constexpr Phrase k_hint_headers{"more than 256 kB of headers, or one over 100 kB: look which program sets "
                                "them (often a cookie that grows)",
                                "заголовков больше 256 КБ или один длиннее 100 КБ: посмотрите, кто их ставит "
                                "(часто это растущая cookie)"};

constexpr Phrase k_status{"HTTP {}, expected {}", "HTTP {}, ожидался {}"};
constexpr Phrase k_status_after{"HTTP {}, expected {} (redirected to {})",
                                "HTTP {}, ожидался {} (после перенаправления на {})"};
constexpr Phrase k_hint_401{"a login is asked for: look at the credentials of this check",
                            "требуется вход: проверьте логин и пароль этой проверки"};
constexpr Phrase k_hint_403{"access is refused: often the web server may not read the files",
                            "доступ запрещён: часто это значит, что веб-сервер не может прочитать файлы"};
constexpr Phrase k_hint_404{"there is no such page: look at the address and the web server's root",
                            "такой страницы нет: проверьте адрес и корневую папку веб-сервера"};
constexpr Phrase k_hint_429{
    "it works and limits how often it may be asked: except this check from the limit",
    "сайт работает и ограничивает частоту запросов: исключите эту проверку из лимита"};
constexpr Phrase k_hint_500{"look at the error log of the application, then at that of the web server",
                            "посмотрите журнал ошибок приложения, затем веб-сервера"};
constexpr Phrase k_hint_gateway{"the web server runs, the application behind it does not answer",
                                "веб-сервер работает, а приложение за ним не отвечает"};

// An alert is what the server says of ours (RFC 8446, 6.2).
bool refuses_our_certificate(const HttpAnswer& answer) {
    return answer.detail.find(" alert ") != std::string::npos &&
           (answer.detail.find("certificate") != std::string::npos ||
            answer.detail.find("unknown ca") != std::string::npos);
}

bool is_about_certificate(const HttpAnswer& answer) {
    return answer.detail.find("certificate") != std::string::npos && !refuses_our_certificate(answer);
}

bool answers_in_plain_text(const HttpAnswer& answer) {
    return answer.detail.find(k_plain_text_peer) != std::string::npos;
}

Text hint_of_timeout(HttpAnswer::Phase phase) {
    switch (phase) {
    case HttpAnswer::Phase::dns:
        return say(k_hint_name);
    case HttpAnswer::Phase::connect:
        return say(k_hint_no_way_in);
    case HttpAnswer::Phase::body:
        return say(k_hint_slow_body);
    default:
        return say(k_hint_silent);
    }
}

Text hint_of(const HttpAnswer& answer, Remedy remedy) {
    if (names_nobody(answer)) {
        return say(k_hint_no_such_name);
    }
    if (remedy == Remedy::outside_host) {
        return say(k_hint_outside);
    }
    switch (answer.failure) {
    case Failure::refused:
        return say(k_hint_refused);
    case Failure::timeout:
        return hint_of_timeout(answer.phase);
    case Failure::tls:
        return refuses_our_certificate(answer) ? say(k_hint_client_cert)
               : is_about_certificate(answer)  ? say(k_hint_certificate)
               : answers_in_plain_text(answer) ? say(k_hint_plain_text)
                                               : Text{};
    case Failure::too_large:
        return say(k_hint_too_large);
    case Failure::headers_too_large:
        return say(k_hint_headers);
    default:
        return {};
    }
}

Remedy remedy_of(const HttpAnswer& answer, const HttpRequest& request) {
    switch (answer.failure) {
    case Failure::dns:
    case Failure::dns_timeout:
    case Failure::unreachable:
        return asks_this_host(request) ? Remedy::try_it : Remedy::outside_host;
    case Failure::tls: // no restart makes a certificate valid
        return is_about_certificate(answer) || refuses_our_certificate(answer) ? Remedy::cannot_help
                                                                               : Remedy::try_it;
    case Failure::too_large:
    case Failure::headers_too_large:
        return Remedy::cannot_help;
    default:
        return Remedy::try_it;
    }
}

Text hint_for_status(int status) {
    switch (status) {
    case 401:
        return say(k_hint_401);
    case 403:
        return say(k_hint_403);
    case 404:
        return say(k_hint_404);
    case 429:
        return say(k_hint_429);
    case 500:
        return say(k_hint_500);
    case 502:
    case 503:
    case 504:
        return say(k_hint_gateway);
    default:
        return {};
    }
}

// The words of a page as its reader sees them; of what is no HTML, or has no words, the text itself.
std::string what_is_seen(const std::string& body) {
    const std::string lower = to_lower_ascii(body);
    if (!trim(lower).starts_with("<!doctype html") && !trim(lower).starts_with("<html")) {
        return body;
    }
    std::string words;
    for (std::size_t at = 0; at < body.size();) {
        if (body[at] != '<') {
            words += body[at++];
            continue;
        }
        words += ' ';
        const std::string_view rest = std::string_view(lower).substr(at);
        const std::string_view end = rest.starts_with("<script")  ? "</script>"
                                     : rest.starts_with("<style") ? "</style>"
                                                                  : ">";
        const std::size_t close = rest.find(end);
        at = close == std::string_view::npos ? body.size() : at + close + end.size();
    }
    return trim(words).empty() ? body : words;
}

std::string host_in(std::string_view url) {
    const std::size_t scheme = url.find("://");
    std::string_view rest = scheme == std::string_view::npos ? url : url.substr(scheme + 3);
    rest = rest.substr(0, rest.find_first_of("/?#"));
    if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
        rest.remove_prefix(at + 1);
    }
    if (rest.starts_with('[')) {
        return std::string(rest.substr(1, rest.find(']') - 1));
    }
    return to_lower_ascii(rest.substr(0, rest.find(':')));
}

} // namespace

bool names_nobody(const HttpAnswer& answer) {
    // As gai_strerror() says EAI_NONAME and EAI_NODATA: nobody silent, nobody failing.
    constexpr std::array<std::string_view, 3> k_said{"Name or service not known",
                                                     "No address associated with hostname", "no address"};
    return answer.failure == Failure::dns &&
           std::find(k_said.begin(), k_said.end(), answer.detail) != k_said.end();
}

bool asks_this_host(const HttpRequest& request) {
    if (request.url.starts_with("unix:")) {
        return true;
    }
    const std::string host = request.resolve.empty() ? host_in(request.url) : request.resolve;
    return host == "localhost" || host == "::1" || host.starts_with("127.");
}

std::optional<CheckResult> http_failure(const HttpAnswer& answer, const HttpRequest& request) {
    if (answer.failure == Failure::none) {
        return std::nullopt;
    }
    CheckResult result;
    const bool not_asked = answer.failure == Failure::bad_url || answer.failure == Failure::own_fault;
    result.status = not_asked ? Status::unknown : Status::critical;
    const std::string whom = answer.final_url.empty() ? redact(request.url) : answer.final_url;
    result.message = answer.failure == Failure::too_large
                         ? say(k_too_large, whom, format_size(request.max_body))
                         : http_failure_words(answer, whom);
    result.remedy = remedy_of(answer, request);
    result.hint = hint_of(answer, result.remedy);
    return result;
}

bool speaks_of_a_service(const CheckResult& result) {
    constexpr std::array k_hints{k_hint_refused, k_hint_silent, k_hint_no_way_in};
    return std::any_of(k_hints.begin(), k_hints.end(), [&](const Phrase& hint) {
        return result.hint.en.find(hint.in(Lang::en)) != std::string::npos;
    });
}

std::optional<CheckResult> wrong_status(const HttpAnswer& answer, const StatusSet& wanted) {
    if (wanted.contains(answer.status)) {
        return std::nullopt;
    }
    CheckResult result;
    result.status = Status::critical;
    result.message = answer.hops.empty()
                         ? say(k_status, answer.status, wanted.words())
                         : say(k_status_after, answer.status, wanted.words(), answer.final_url);
    result.hint = hint_for_status(answer.status);
    const bool works =
        answer.status == 401 || answer.status == 429; // it lives, and refuses us alone (CONTRACT 9)
    result.remedy = works ? Remedy::cannot_help : Remedy::try_it;
    result.evidence = excerpt(answer.body);
    return result;
}

std::string excerpt(const std::string& body) {
    constexpr std::size_t k_looked_at = 2000;
    // Masked before it is cut: the beginning of a secret would not be known for one.
    const std::string start = redact(body.substr(0, 2 * k_looked_at)).substr(0, k_looked_at);
    const bool binary = start.find('\0') != std::string::npos;
    return binary ? std::string() : shorten(redact(clean_line(what_is_seen(start))), k_excerpt_characters);
}

double seconds(std::chrono::microseconds time) {
    return std::chrono::duration<double>(time).count();
}

} // namespace lectio
