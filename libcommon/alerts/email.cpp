#include "alerts/email.h"

#include "alerts/http_outcome.h"
#include "alerts/remarks.h"
#include "alerts/telegram.h"
#include "incidents/ids.h"
#include "platform/clock.h"
#include "platform/in_thread.h"
#include "platform/world.h"
#include "util/base64.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include <fmt/format.h>

namespace lectio {
namespace {

// ── what an answer means, in words ───────────────────────────────────────────────────────────────────────

constexpr Phrase k_bad_url{"the address of the mail server cannot be used: {}",
                           "адрес почтового сервера не годится: {}"};
constexpr Phrase k_url_hint{"look at `url` of the channel", "проверьте url у канала"};
constexpr Phrase k_dns{"the name of the mail server is not found: {}",
                       "имя почтового сервера не находится: {}"};
constexpr Phrase k_dns_hint{"look at `url` of the channel and at the resolver: /etc/resolv.conf",
                            "проверьте url у канала и DNS: /etc/resolv.conf"};
constexpr Phrase k_no_connection{"{}: no connection to the mail server: {}",
                                 "{}: нет соединения с почтовым сервером: {}"};
constexpr Phrase k_no_connection_hint{
    "look at the network of this host and at the port in `url`; many hosters block port 25: take 465 or 587",
    "проверьте сеть этого сервера и порт в url; многие хостеры закрывают порт 25: возьмите 465 или 587"};
constexpr Phrase k_silent{"{}: the mail server did not answer in time",
                          "{}: почтовый сервер не ответил вовремя"};
constexpr Phrase k_tls{"{}: no secure connection: {}", "{}: нет защищённого соединения: {}"};
constexpr Phrase k_tls_hint{"look at the clock of this host and at `ca` of the channel",
                            "проверьте часы сервера и ca у канала"};
constexpr Phrase k_no_starttls{"{}: the mail server offers no encryption",
                               "{}: почтовый сервер не предлагает шифрования"};
constexpr Phrase k_no_starttls_hint{
    "take smtps:// or another port; for a server on this very host: starttls = \"none\"",
    "возьмите smtps:// или другой порт; для сервера на этом же хосте: starttls = \"none\""};
constexpr Phrase k_greeting{"{}: the mail server does not want to talk to this host: {} {}",
                            "{}: почтовый сервер не хочет разговаривать с этим хостом: {} {}"};
constexpr Phrase k_login{"{}: the mail server does not accept `user` and `password`: {} {}",
                         "{}: почтовый сервер не принимает user и password: {} {}"};
constexpr Phrase k_login_hint{"correct them; some mail services ask for a password of its own for programs",
                              "исправьте их; некоторым почтовым службам нужен отдельный пароль приложения"};
constexpr Phrase k_sender{"{}: the mail server does not take mail from `from`: {} {}",
                          "{}: почтовый сервер не принимает письма от from: {} {}"};
constexpr Phrase k_sender_hint{"most servers take only mail from the address of `user`",
                               "обычно сервер принимает письма только от адреса из user"};
constexpr Phrase k_receiver{"{}: the mail server takes mail for none of `to`: {} {}",
                            "{}: почтовый сервер не принимает письма ни для кого из to: {} {}"};
constexpr Phrase k_receiver_hint{"look at `to` of the channel", "проверьте to у канала"};
constexpr Phrase k_content{"{}: the mail server refuses this message: {} {}",
                           "{}: почтовый сервер отверг это письмо: {} {}"};
constexpr Phrase k_closed{"{}: the connection to the mail server was cut",
                          "{}: соединение с почтовым сервером оборвалось"};
constexpr Phrase k_other{"{}: {}", "{}: {}"};
constexpr Phrase k_left_out{"the mail server refuses these receivers: {}",
                            "почтовый сервер отверг этих получателей: {}"};
constexpr Phrase k_no_thread{"no thread could be started: {}", "не удалось запустить поток: {}"};

// ── the message ──────────────────────────────────────────────────────────────────────────────────────────

constexpr std::size_t k_encoded_bytes =
    36; // an encoded word and "Subject: " within 76 characters (RFC 2047, 2)
constexpr std::size_t k_base64_line = 76;                               // RFC 2045, 6.8
constexpr std::string_view k_boundary = "=_lectio_monitor_alternative"; // "=_" is in no base64 line

bool is_printable_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// The longest beginning of at most `most` bytes that cuts no character.
std::string_view whole_characters(std::string_view text, std::size_t most) {
    if (text.size() <= most) {
        return text;
    }
    while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80U) {
        --most;
    }
    return text.substr(0, most);
}

std::string in_lines(const std::string& encoded) {
    std::string lines;
    for (std::size_t at = 0; at < encoded.size(); at += k_base64_line) {
        lines += encoded.substr(at, k_base64_line) + "\r\n";
    }
    return lines;
}

std::string part(std::string_view type, const std::string& content) {
    return fmt::format(
        "--{}\r\nContent-Type: {}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}", k_boundary,
        type, in_lines(base64(content)));
}

// "Sun, 22 Nov 2026 02:39:45 +0000" (RFC 5322, 3.3), in English whatever the locale.
std::string date_of(WallTime time) {
    constexpr std::array<std::string_view, 7> k_days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array<std::string_view, 12> k_months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
    return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} +0000",
                       k_days[std::chrono::weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
                       k_months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::string message_id(std::int64_t number, const EmailChannel& settings) {
    const std::string address = email::address_of(settings.from);
    return fmt::format("<lectio.{:016x}@{}>", number, address.substr(address.rfind('@') + 1));
}

std::string mailbox_header(const std::string& mailbox) {
    const std::size_t open = mailbox.rfind('<');
    return open == std::string::npos || open == 0
               ? mailbox
               : fmt::format("{} <{}>", email::header_text(std::string(trim(mailbox.substr(0, open)))),
                             email::address_of(mailbox));
}

std::string html_line(const Line& line) {
    std::string html;
    for (const Piece& piece : line.pieces) {
        const std::string text = telegram::escape(piece.text);
        if (line.form == Line::Form::block) {
            html += "<pre>" + text + "</pre>";
        } else if (piece.kind == Piece::Kind::bold) {
            html += "<b>" + text + "</b>";
        } else if (piece.kind == Piece::Kind::code) {
            html += "<code>" + text + "</code>";
        } else {
            html += text;
        }
    }
    return line.form == Line::Form::block ? html : html + "<br>";
}

// A message that is cut has no markup: it is one block, as it stands in the text.
std::string html_of(const Draft& draft, const std::string& text, Lang lang) {
    std::string html;
    for (const Line& line : lines_of(draft, lang)) {
        html += html_line(line) + "\n";
        if (html.size() > email::k_most_text) {
            html = "<pre>" + telegram::escape(text) + "</pre>\n";
            break;
        }
    }
    return "<!DOCTYPE html>\n<html><body>\n" + html + "</body></html>\n";
}

// ── answers ──────────────────────────────────────────────────────────────────────────────────────────────

// RFC 5321, 4.2.1: 4yz may pass later, 5yz never.
Outcome::Kind kind_of_refusal(const MailAnswer& answer, Outcome::Kind for_good) {
    return answer.code >= 500 ? for_good : Outcome::Kind::later;
}

std::string server_of(const EmailChannel& settings) {
    return settings.url.substr(settings.url.find("//") + 2);
}

MailRequest request_for(const EmailChannel& settings, const Draft& draft, std::string message,
                        Duration timeout) {
    MailRequest request;
    request.url = settings.url;
    request.starttls = settings.starttls == EmailChannel::StartTls::none ? MailRequest::StartTls::none
                                                                         : MailRequest::StartTls::required;
    request.user = settings.user;
    request.password = settings.password;
    request.from = email::address_of(settings.from);
    for (const std::string& receiver : settings.to) {
        request.to.push_back(email::address_of(receiver));
    }
    request.message = std::move(message);
    request.ca = settings.ca.string();
    request.resolve = draft.address;
    request.timeout = timeout;
    return request;
}

} // namespace

std::string email::address_of(const std::string& mailbox) {
    const std::size_t open = mailbox.rfind('<');
    return open == std::string::npos ? mailbox : mailbox.substr(open + 1, mailbox.find('>', open) - open - 1);
}

std::string email::header_text(const std::string& text) {
    if (is_printable_ascii(text)) {
        return text;
    }
    std::string words;
    std::string_view rest = text;
    while (!rest.empty()) {
        const std::string_view piece = whole_characters(rest, k_encoded_bytes);
        words += fmt::format("{}=?UTF-8?B?{}?=", words.empty() ? "" : "\r\n ", base64(piece));
        rest.remove_prefix(piece.size());
    }
    return words;
}

std::string email::compose(const Draft& draft, const EmailChannel& settings, const Voice& voice,
                           const std::string& rest) {
    const Message& message = draft.message;
    std::string headers = fmt::format("From: {}\r\n", mailbox_header(settings.from));
    for (std::size_t i = 0; i < settings.to.size(); ++i) {
        headers += fmt::format("{}{}{}", i == 0 ? "To: " : "\r\n ", mailbox_header(settings.to[i]),
                               i + 1 < settings.to.size() ? "," : "\r\n");
    }
    headers += fmt::format("Subject: {}\r\nDate: {}\r\nMessage-ID: {}\r\n", header_text(message.title),
                           date_of(message.time), message_id(number_of(message), settings));
    if (draft.answers) {
        const std::string opening = message_id(*draft.answers, settings);
        headers += fmt::format("In-Reply-To: {0}\r\nReferences: {0}\r\n", opening);
    }
    headers += fmt::format("Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\n"
                           "X-Lectio-Level: {}\r\nMIME-Version: 1.0\r\n"
                           "Content-Type: multipart/alternative;\r\n boundary=\"{}\"\r\n\r\n",
                           to_string(message.level), k_boundary);
    const std::string text = text_of(draft, voice.lang, k_most_text, rest);
    return fmt::format("{}{}{}--{}--\r\n", headers, part("text/plain", text),
                       part("text/html", html_of(draft, text, voice.lang)), k_boundary);
}

Outcome email::judge(const MailAnswer& answer, const EmailChannel& settings) {
    using Failure = MailAnswer::Failure;
    using Kind = Outcome::Kind;
    const std::string server = server_of(settings);
    const Text detail = error_words(answer.detail);
    // With the whole message over there and no word about it, nobody knows.
    const Kind cut = answer.handed_over ? Kind::unknown : Kind::later;
    switch (answer.failure) {
    case Failure::none: {
        Outcome accepted = outcome_of(Kind::accepted, {});
        accepted.address = answer.address;
        if (!answer.left_out.empty()) {
            accepted.problem = say(k_left_out, fmt::format("{}", fmt::join(answer.left_out, ", ")));
            accepted.hint = say(k_receiver_hint);
        }
        return accepted;
    }
    case Failure::bad_url:
        return outcome_of(Kind::channel_refused, say(k_bad_url, detail), say(k_url_hint));
    case Failure::dns:
    case Failure::dns_timeout: {
        Outcome later = outcome_of(Kind::later, say(k_dns, detail), say(k_dns_hint));
        later.resolver_failed = true;
        return later;
    }
    case Failure::refused:
    case Failure::unreachable:
        return outcome_of(Kind::later, say(k_no_connection, server, detail), say(k_no_connection_hint));
    case Failure::timeout:
        return outcome_of(cut, say(k_silent, server), say(k_no_connection_hint));
    case Failure::tls:
        return outcome_of(Kind::later, say(k_tls, server, detail), say(k_tls_hint));
    case Failure::no_starttls:
        // 454: not now (RFC 3207, 4).
        return outcome_of(answer.code >= 400 && answer.code < 500 ? Kind::later : Kind::channel_refused,
                          say(k_no_starttls, server), say(k_no_starttls_hint));
    case Failure::greeting:
        return outcome_of(kind_of_refusal(answer, Kind::channel_refused),
                          say(k_greeting, server, answer.code, answer.said));
    case Failure::login:
        return outcome_of(answer.code >= 400 && answer.code < 500 ? Kind::later : Kind::channel_refused,
                          say(k_login, server, answer.code, answer.said), say(k_login_hint));
    case Failure::sender:
        return outcome_of(kind_of_refusal(answer, Kind::channel_refused),
                          say(k_sender, server, answer.code, answer.said), say(k_sender_hint));
    case Failure::receiver:
        return outcome_of(kind_of_refusal(answer, Kind::channel_refused),
                          say(k_receiver, server, answer.code, answer.said), say(k_receiver_hint));
    case Failure::content: // of this message or of every one: a full quota says the same
        return outcome_of(kind_of_refusal(answer, Kind::refused),
                          say(k_content, server, answer.code, answer.said));
    case Failure::closed:
        return outcome_of(cut, say(k_closed, server), say(k_no_connection_hint));
    case Failure::own_fault:
    case Failure::other:
        break;
    }
    return outcome_of(cut, say(k_other, server, detail));
}

Email::Email(std::string name, EmailChannel settings, Voice voice, std::string rest)
    : m_name(std::move(name)), m_settings(std::move(settings)), m_voice(std::move(voice)),
      m_rest(std::move(rest)) {}

std::string Email::fingerprint() const {
    const std::string all =
        fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}", m_settings.url, m_settings.user,
                    m_settings.password.reveal(), m_settings.from, fmt::join(m_settings.to, ","),
                    m_settings.ca.string(), static_cast<int>(m_settings.starttls));
    return fmt::format("{:016x}", stable_hash(all));
}

Task<Outcome> Email::send(World& world, const Draft& draft, Duration timeout) const {
    MailRequest request =
        request_for(m_settings, draft, email::compose(draft, m_settings, m_voice, m_rest), timeout);
    std::function<MailAnswer()> work = [request = std::move(request)] { return send_mail(request); };
    InThread<MailAnswer> sending = in_thread(world.http, std::move(work));
    const Result<MailAnswer> answer = co_await sending;
    if (!answer) {
        co_return outcome_of(Outcome::Kind::later, say(k_no_thread, error_words(answer.error().message)));
    }
    Outcome outcome = email::judge(*answer, m_settings);
    outcome.message_id =
        outcome.kind == Outcome::Kind::accepted ? std::optional(number_of(draft.message)) : std::nullopt;
    co_return outcome;
}

} // namespace lectio
