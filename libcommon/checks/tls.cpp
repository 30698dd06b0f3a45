#include "checks/tls.h"

#include "checks/shared_words.h"
#include "checks/thresholds.h"
#include "config/host_complaint.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

namespace lectio {
namespace {

using namespace std::chrono_literals;
using Failure = TlsSample::Failure;

constexpr double k_day_ms = 24.0 * 60 * 60 * 1000;
constexpr double k_short_life_days = 60; // then a share of the life counts, not days (DESIGN)

constexpr Phrase k_silent{"{} is connected, but did not agree on encryption within {}",
                          "{} соединяется, но не согласовал шифрование за {}"};
constexpr Phrase k_no_tls{"{} speaks no TLS that we understand: {}", "{} не говорит на понятном нам TLS: {}"};
constexpr Phrase k_nothing_shown{"{} shows no certificate", "{} не показывает сертификата"};
constexpr Phrase k_untrusted{"browsers do not trust the certificate “{}”: {}",
                             "браузеры не доверяют сертификату «{}»: {}"};
constexpr Phrase k_other_name{"the certificate “{}” is not for {}", "сертификат «{}» выдан не для {}"};
constexpr Phrase k_no_names{
    "the certificate “{}” has no alternative names (SAN): browsers look at nothing else",
    "в сертификате «{}» нет альтернативных имён (SAN), а других браузеры не смотрят"};
constexpr Phrase k_refused_key{"browsers refuse the certificate “{}”: its key is {}",
                               "браузеры не принимают сертификат «{}»: его ключ — {}"};
constexpr Phrase k_old_protocol{"{} speaks {} at best, and browsers refuse that",
                                "{} говорит в лучшем случае на {}, а браузеры его не принимают"};
constexpr Phrase k_no_upgrade{"{} does not change over to TLS: {}", "{} не переходит на TLS: {}"};
constexpr Phrase k_closed{"it closed the connection", "он закрыл соединение"};
constexpr Phrase k_ended_along{
    "the server also shows the certificate “{}”, which expired on {} and is not needed",
    "сервер показывает и сертификат «{}», срок которого вышел {} и который не нужен"};
constexpr Phrase k_newer_on_disk{"the server still shows the certificate until {}; {} has one until {}",
                                 "сервер всё ещё показывает сертификат до {}, а в {} лежит до {}"};
constexpr Phrase k_expired{"the certificate “{}” expired on {}", "срок сертификата «{}» вышел {}"};
constexpr Phrase k_not_yet{"the certificate “{}” is valid only from {} on",
                           "сертификат «{}» действует только с {}"};
constexpr Phrase k_days{"the certificate “{}” is valid for {} more (until {})",
                        "сертификату «{}» осталось {} (до {})"};
constexpr Noun k_day_noun{"day", "days", "день", "дня", "дней"};
constexpr Phrase k_hint_renew{"renew it (certbot renew), then reload the web server",
                              "обновите его (certbot renew) и перезагрузите конфигурацию веб-сервера"};
constexpr Phrase k_hint_chain{
    "the server must show its own certificate and those in between (fullchain.pem)",
    "сервер должен отдавать свой сертификат вместе с промежуточными (fullchain.pem)"};
constexpr Phrase k_hint_clock{"look whether this server's clock is right",
                              "проверьте, верны ли часы этого сервера"};
constexpr Phrase k_hint_reload{"reload the web server (systemctl reload nginx)",
                               "перезагрузите конфигурацию веб-сервера (systemctl reload nginx)"};
constexpr Phrase k_hint_new_key{"have a certificate made for a new key: RSA 2048 or ECDSA P-256",
                                "выпустите сертификат с новым ключом: RSA 2048 или ECDSA P-256"};
constexpr Phrase k_hint_protocol{"allow TLS 1.2 and 1.3 (nginx: ssl_protocols TLSv1.2 TLSv1.3;)",
                                 "включите TLS 1.2 и 1.3 (nginx: ssl_protocols TLSv1.2 TLSv1.3;)"};
constexpr Phrase k_hint_along{"take it out of the file that the server shows (fullchain.pem)",
                              "уберите его из файла, который отдаёт сервер (fullchain.pem)"};
constexpr Phrase k_hint_name{"look whether the name in `address` is right, and at its DNS record",
                             "проверьте, верно ли имя в `address`, и его запись в DNS"};
constexpr Phrase k_hint_unreachable{
    "look at the network and the route to it; the certificate itself was not seen",
    "проверьте сеть и маршрут до него; сам сертификат увидеть не удалось"};
constexpr Phrase k_hint_not_connected{
    "look whether the port in `address` is right, and whether a firewall drops connections",
    "проверьте, верен ли порт в `address` и не отбрасывает ли соединения файрвол"};
constexpr Phrase k_hint_silent{"look whether the web server hangs, and whether TLS is spoken on this port",
                               "проверьте, не завис ли веб-сервер и говорят ли на этом порту по TLS"};
constexpr Phrase k_hint_refused{
    "nobody listens there: look whether the web server runs (systemctl status nginx)",
    "там никто не слушает: проверьте, работает ли веб-сервер (systemctl status nginx)"};
constexpr Phrase k_hint_handshake{"look closer: openssl s_client -connect {} -servername {}",
                                  "подробнее: openssl s_client -connect {} -servername {}"};
constexpr Phrase k_hint_upgrade{
    "look whether the server offers STARTTLS, and whether `starttls` names its protocol",
    "проверьте, предлагает ли сервер STARTTLS и тот ли протокол назван в `starttls`"};
constexpr Phrase k_own_fault{"unable to look at the certificate: {}", "не удалось проверить сертификат: {}"};

CheckResult broken(Text message, Remedy remedy = Remedy::cannot_help, Text hint = {}) {
    CheckResult result;
    result.status = Status::critical;
    result.message = std::move(message);
    result.hint = std::move(hint);
    result.remedy = remedy;
    return result;
}

std::string host_of(const std::string& address) {
    std::string host = address.substr(0, address.rfind(':'));
    return host.starts_with('[') && host.ends_with(']') ? host.substr(1, host.size() - 2) : host;
}

std::string name_of(const TlsSettings& settings) {
    std::string name = settings.server_name.empty() ? host_of(settings.address) : settings.server_name;
    if (name.size() > 1 && name.ends_with('.')) {
        name.pop_back(); // the dot of the root is no part of a certificate's names (RFC 6125, 6.4.1)
    }
    return name;
}

CheckResult judge_connection(const TlsSample& sample, const TlsSettings& settings) {
    const Text detail = error_words(clean_line(sample.detail));
    const std::string limit = format_duration(settings.timeout);
    switch (sample.failure) {
    case Failure::name:
        return broken(say(k_no_name, settings.address, detail), Remedy::outside_host, say(k_hint_name));
    case Failure::unreachable:
        return broken(say(k_no_connection, settings.address, detail), Remedy::outside_host,
                      say(k_hint_unreachable));
    case Failure::timeout:
        return broken(
            say(sample.phase == TlsSample::Phase::connecting ? k_not_connected : k_silent, settings.address,
                limit),
            Remedy::try_it,
            say(sample.phase == TlsSample::Phase::connecting ? k_hint_not_connected : k_hint_silent));
    case Failure::own_fault: {
        CheckResult result = broken(say(k_cannot_ask, settings.address, detail));
        result.status = Status::unknown;
        return result;
    }
    case Failure::handshake:
        return broken(say(k_no_tls, settings.address, detail), Remedy::try_it,
                      sample.detail.find(k_plain_text_peer) != std::string::npos
                          ? say(k_hint_plain_text)
                          : say(k_hint_handshake, settings.address, name_of(settings)));
    case Failure::upgrade:
        return broken(say(k_no_upgrade, settings.address, sample.detail.empty() ? say(k_closed) : detail),
                      Remedy::cannot_help, say(k_hint_upgrade));
    case Failure::refused:
    case Failure::none:
        break;
    }
    return broken(say(k_no_connection, settings.address, detail), Remedy::try_it, say(k_hint_refused));
}

std::string day_of(WallTime time) {
    return format_utc(time).substr(0, 10);
}

// 14 and 7 days; of a certificate that lives less than 60 days a third and a sixth of its life.
Thresholds default_expires(const ShownCertificate& certificate) {
    const double life = static_cast<double>(Duration(certificate.ends - certificate.begins).count());
    const bool is_short = life < k_short_life_days * k_day_ms;
    const auto amount = [](double ms) { return Amount{Amount::Unit::milliseconds, ms}; };
    return is_short ? Thresholds{amount(life / 3), amount(life / 6)}
                    : Thresholds{amount(14 * k_day_ms), amount(7 * k_day_ms)};
}

// An authority's cross-signed certificate that nobody needs any more may be over: old programs stumble over it.
bool is_sooner(const ShownCertificate& one, const ShownCertificate& other) {
    return one.is_needed != other.is_needed ? one.is_needed : one.ends < other.ends;
}

CheckResult judge_dates(const TlsSample& sample, const TlsSettings& settings, const CheckContext& context) {
    const ShownCertificate& first_to_end =
        *std::min_element(sample.certificates.begin(), sample.certificates.end(), is_sooner);
    const std::string subject = clean_line(first_to_end.subject);
    const Duration left = first_to_end.ends - context.now.wall;
    CheckResult result;
    result.memory = context.memory;
    const Thresholds expires =
        settings.expires == Thresholds{} ? default_expires(first_to_end) : settings.expires;
    const Quantity seen{static_cast<double>(left.count()), std::nullopt};
    result.status = judge_thresholds(seen, expires, settings.clear, Direction::runs_out, "expires",
                                     context.memory, result.memory);
    const auto days = static_cast<std::int64_t>(std::floor(static_cast<double>(left.count()) / k_day_ms));
    result.message = say(k_days, subject, counted(days, k_day_noun), day_of(first_to_end.ends));
    if (left <= 0ms) {
        result.status = Status::critical;
        result.message = say(k_expired, subject, day_of(first_to_end.ends));
    }
    if (result.status != Status::ok) {
        result.hint = say(k_hint_renew);
        result.remedy = Remedy::cannot_help;
    }
    const auto in_days = [](const std::optional<Amount>& amount) {
        return amount ? std::optional(amount->value / k_day_ms) : std::nullopt;
    };
    result.metrics.push_back({"days", seen.value / k_day_ms, "d", in_days(expires.warn),
                              in_days(expires.critical), Metric::Bad::below});
    return result;
}

// Everything but the dates of expiry.
std::optional<CheckResult> judge_what_is_shown(const TlsSample& sample, const TlsSettings& settings,
                                               WallTime now) {
    if (sample.failure != Failure::none) {
        return judge_connection(sample, settings);
    }
    if (sample.certificates.empty()) {
        return broken(say(k_nothing_shown, settings.address));
    }
    if (!sample.old_protocol.empty()) {
        return broken(say(k_old_protocol, settings.address, sample.old_protocol), Remedy::cannot_help,
                      say(k_hint_protocol));
    }
    for (const ShownCertificate& shown : sample.certificates) {
        if (shown.is_needed && !shown.refused_key.empty()) {
            return broken(say(k_refused_key, clean_line(shown.subject), shown.refused_key),
                          Remedy::cannot_help, say(k_hint_new_key));
        }
        if (shown.is_needed && shown.begins > now) {
            return broken(say(k_not_yet, clean_line(shown.subject), day_of(shown.begins)),
                          Remedy::cannot_help, say(k_hint_clock));
        }
    }
    const std::string subject = clean_line(sample.certificates.front().subject);
    if (!sample.untrusted.empty()) {
        return broken(say(k_untrusted, subject, error_words(sample.untrusted)), Remedy::cannot_help,
                      say(k_hint_chain));
    }
    if (!sample.has_names) {
        return broken(say(k_no_names, subject));
    }
    if (!sample.name_matches) {
        return broken(say(k_other_name, subject, name_of(settings)));
    }
    return std::nullopt;
}

// Renewed, and the server was never told: that comes before the days, for a reload mends it.
void judge_file(CheckResult& result, const ShownCertificate& shown, const Result<ShownCertificate>& on_disk,
                const std::string& file) {
    const bool is_newer = on_disk.ok() && on_disk->begins > shown.begins && on_disk->ends > shown.ends;
    if (!on_disk.ok()) {
        if (result.status == Status::ok) { // what visitors see comes first
            result.status = Status::warning;
            result.message = say(k_own_fault, error_words(on_disk.error().message));
        }
    } else if (is_newer) {
        result.status = worst(result.status, Status::warning);
        result.message = say(k_newer_on_disk, day_of(shown.ends), file, day_of(on_disk->ends));
        result.hint = say(k_hint_reload);
        result.remedy = Remedy::try_it;
    }
}

void judge_along(CheckResult& result, const TlsSample& sample, WallTime now) {
    for (const ShownCertificate& shown : sample.certificates) {
        if (!shown.is_needed && shown.ends <= now) {
            result.status = Status::warning;
            result.message = say(k_ended_along, clean_line(shown.subject), day_of(shown.ends));
            result.hint = say(k_hint_along);
            result.remedy = Remedy::cannot_help;
            return;
        }
    }
}

class TlsCheck final : public BlockingCheck {
  public:
    explicit TlsCheck(TlsSettings settings) : m_settings(std::move(settings)) {}

    CheckResult run(const CheckContext& context) const override {
        const Duration at_most = time_for(context, m_settings.timeout);
        const auto sample = tls_probe({.address = m_settings.address,
                                       .server_name = name_of(m_settings),
                                       .ca = m_settings.ca,
                                       .timeout = at_most,
                                       .starttls = m_settings.starttls});
        if (!sample.ok()) {
            CheckResult result;
            result.message = say(k_own_fault, error_words(sample.error().message));
            result.memory = context.memory;
            return result;
        }
        if (sample->failure == Failure::timeout && at_most < m_settings.timeout) {
            return not_finished(context.memory);
        }
        std::optional<Result<ShownCertificate>> on_disk;
        if (!m_settings.file.empty()) {
            on_disk = read_certificate(m_settings.file);
        }
        return evaluate_tls(*sample, m_settings, context, on_disk);
    }

  private:
    TlsSettings m_settings;
};

const Schema<TlsSettings>& tls_schema() {
    static const Schema<TlsSettings> schema =
        Schema<TlsSettings>{
            required("address", &TlsSettings::address, "host:port").check(address_complaint),
            optional("server_name", &TlsSettings::server_name,
                     "asked for and expected; the address's host when empty")
                .check(foreign_host_complaint),
            optional("ca", &TlsSettings::ca, "PEM file of the authority; the system's when empty"),
            optional("expires", &TlsSettings::expires,
                     "time left; { warn = \"14d\", critical = \"7d\" } when empty, shares of the life of one "
                     "that lives less than 60 days")
                .units({Amount::Unit::milliseconds})
                .runs_out(),
            optional("clear", &TlsSettings::clear, "`expires` at which it is well again")
                .units({Amount::Unit::milliseconds})
                .or_empty(),
            optional("timeout", &TlsSettings::timeout, "no answer by then: critical").between(10ms, 1h),
            optional("starttls", &TlsSettings::starttls, "what the server speaks before TLS")
                .one_of({{"none", StartTls::none},
                         {"smtp", StartTls::smtp},
                         {"imap", StartTls::imap},
                         {"pop3", StartTls::pop3},
                         {"ftp", StartTls::ftp},
                         {"postgres", StartTls::postgres}}),
            optional("file", &TlsSettings::file,
                     "PEM file that the server should show: a newer one there than shown is a warning")}
            .verify([](const TlsSettings& settings) {
                // The default depends on the certificate.
                return settings.expires == Thresholds{}
                           ? std::vector<Complaint>{}
                           : clear_complaints(settings.expires, settings.clear, Limits::Direction::runs_out);
            });
    return schema;
}

} // namespace

CheckResult evaluate_tls(const TlsSample& sample, const TlsSettings& settings, const CheckContext& context,
                         const std::optional<Result<ShownCertificate>>& on_disk) {
    if (auto wrong = judge_what_is_shown(sample, settings, context.now.wall)) {
        wrong->memory = context.memory; // the dates were not judged: what was open stays open
        return *std::move(wrong);
    }
    CheckResult result = judge_dates(sample, settings, context);
    if (on_disk) {
        judge_file(result, sample.certificates.front(), *on_disk, settings.file);
    }
    if (result.status == Status::ok) {
        judge_along(result, sample, context.now.wall);
    }
    return result;
}

CheckType tls_check_type() {
    return make_check_type<tls_schema, TlsCheck>(
        "tls", Layer::certificate, Recheck::yes,
        "a certificate that browsers trust, for the right name, for days enough");
}

} // namespace lectio
