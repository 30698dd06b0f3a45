#include "checks/dns.h"

#include "util/secret.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>

namespace lectio {
namespace {

using namespace std::chrono_literals;
using Failure = DnsSample::Failure;
using Texts = std::vector<std::string>;

constexpr std::size_t k_shown_answers = 4;
constexpr std::size_t k_shown_characters = 80;
constexpr std::size_t k_longest_name = 253; // RFC 1035, 2.3.4
constexpr std::size_t k_longest_label = 63;
enum Code { k_good = 0, k_server_failure = 2, k_no_name = 3, k_refused_code = 5 }; // RFC 1035, 4.1.1

constexpr Phrase k_answered{"{} {}: {} in {}", "{} {}: {} за {}"};
constexpr Phrase k_slow_start{
    "{}; but the nameserver {} does not answer, and every lookup waits for it first",
    "{}; но DNS-сервер {} не отвечает, и каждый поиск имени сначала ждёт его"};
constexpr Phrase k_nxdomain{"there is no name {}, says the nameserver {} (NXDOMAIN)",
                            "имени {} не существует, так отвечает DNS-сервер {} (NXDOMAIN)"};
constexpr Phrase k_empty{"{} has no {} record, says the nameserver {}",
                         "у имени {} нет записи {}, так отвечает DNS-сервер {}"};
constexpr Phrase k_only_alias{"it is only another name for {}", "это только другое имя для {}"};
constexpr Phrase k_wrong{"{} {}: expected {}, the answer of {} is {}",
                         "{} {}: ожидалось {}, а сервер {} отвечает {}"};
constexpr Phrase k_server_failed{"the nameserver {} cannot find {} out (SERVFAIL)",
                                 "DNS-сервер {} не смог узнать имя {} (SERVFAIL)"};
constexpr Phrase k_server_refuses{"the nameserver {} refuses to answer about {} (REFUSED)",
                                  "DNS-сервер {} отказывается отвечать про {} (REFUSED)"};
constexpr Phrase k_other_code{"the nameserver {} answers about {} with error {}",
                              "DNS-сервер {} отвечает про {} ошибкой {}"};
constexpr Phrase k_no_server{"the name of the nameserver {} is not found: {}",
                             "имя DNS-сервера {} не находится: {}"};
constexpr Phrase k_nobody{"nobody listens at the nameserver {}: {}",
                          "на DNS-сервере {} никто не слушает: {}"};
constexpr Phrase k_no_way{"no way to the nameserver {}: {}", "до DNS-сервера {} по сети не добраться: {}"};
constexpr Phrase k_silent{"the nameserver {} did not answer within {}", "DNS-сервер {} не ответил за {}"};
constexpr Phrase k_strays{"only answers to other questions came", "приходили только ответы на чужие вопросы"};
constexpr Phrase k_garbled{"the answer of the nameserver {} cannot be read",
                           "ответ DNS-сервера {} не удаётся разобрать"};
constexpr Phrase k_before{"before it in vain: {}", "до этого безуспешно: {}"};
constexpr Phrase k_ourselves{"unable to ask: {}", "не удалось спросить: {}"};
constexpr Phrase k_odd_name{"expected a name like \"www.example.org\"; other alphabets as xn--…",
                            "ожидается имя вроде \"www.example.org\"; другие алфавиты — в виде xn--…"};
constexpr Phrase k_odd_server{"expected a nameserver: host, host:port or [address]:port",
                              "ожидается DNS-сервер: хост, хост:порт или [адрес]:порт"};
constexpr Phrase k_no_such_address{"expect: \"{}\" is no address of record {}",
                                   "expect: \"{}\" — не адрес из записи {}"};
constexpr Phrase k_dig{"by hand: dig {}{} {}", "вручную: dig {}{} {}"};

// ── configuration ───────────────────────────────────────────────────────────────────────────────────────────────

std::optional<Text> name_is_odd(const std::string& text) {
    const std::string_view name =
        std::string_view(text).substr(0, text.size() - (text.ends_with('.') ? 1 : 0));
    const auto odd_label = [](std::string_view label) {
        return label.empty() || label.size() > k_longest_label;
    };
    const auto odd_letter = [](unsigned char c) { return c <= ' ' || c >= 0x7F || c == ':' || c == '/'; };
    const std::vector<std::string_view> labels = split(name, '.');
    if (name.size() > k_longest_name || std::any_of(labels.begin(), labels.end(), odd_label) ||
        std::any_of(name.begin(), name.end(), odd_letter)) {
        return say(k_odd_name);
    }
    return std::nullopt;
}

std::optional<Text> server_is_odd(const std::string& text) {
    const bool odd =
        std::any_of(text.begin(), text.end(), [](unsigned char c) { return c <= ' ' || c >= 0x7F; });
    const bool fits = text.empty() || !address_complaint(text) || !address_complaint(text + ":53") ||
                      canonical_address(text, "AAAA");
    return odd || !fits ? std::optional(say(k_odd_server)) : std::nullopt;
}

bool is_address_record(const std::string& record) {
    return record == "A" || record == "AAAA";
}

std::vector<Complaint> expected_but_impossible(const DnsSettings& settings) {
    for (const std::string& expected : settings.expect) {
        if (is_address_record(settings.record) && !canonical_address(expected, settings.record)) {
            return {{"expect", say(k_no_such_address, expected, settings.record)}};
        }
    }
    return {};
}

const Schema<DnsSettings>& dns_schema() {
    static const Schema<DnsSettings> schema =
        Schema<DnsSettings>{
            required("name", &DnsSettings::name, "what is asked for, whole").check(name_is_odd),
            optional("record", &DnsSettings::record, "record type")
                .one_of({"A", "AAAA", "CNAME", "MX", "NS", "SRV", "TXT"}),
            optional("server", &DnsSettings::server,
                     "asked instead of the nameservers in /etc/resolv.conf: address or name, with a port or "
                     "without")
                .check(server_is_odd),
            optional("expect", &DnsSettings::expect,
                     "answers that must be there; of MX and SRV also the name alone"),
            optional("timeout", &DnsSettings::timeout, "no answer by then: critical").between(10ms, 1min),
        }
            .verify(expected_but_impossible);
    return schema;
}

// ── judging ─────────────────────────────────────────────────────────────────────────────────────────────────────

std::string shown(const std::string& text) {
    return shorten(redact(clean_line(text)), k_shown_characters);
}

std::string shown(const Texts& texts) {
    std::string line;
    for (std::size_t i = 0; i < std::min(texts.size(), k_shown_answers); ++i) {
        line += (i == 0 ? "" : ", ") + shown(texts[i]);
    }
    return texts.size() > k_shown_answers ? line + ", …" : line;
}

// As DnsSample has it: addresses in their one form, names in lower case and without the last dot.
std::string in_one_form(const std::string& text, const std::string& record) {
    if (is_address_record(record)) {
        return canonical_address(text, record).value_or(text);
    }
    if (record == "TXT") {
        return text;
    }
    const std::string lower = to_lower_ascii(text);
    return lower.ends_with('.') ? lower.substr(0, lower.size() - 1) : lower;
}

bool is_among(const std::string& expected, const DnsSample& sample, const std::string& record) {
    const std::string wanted = in_one_form(expected, record);
    return std::any_of(sample.answers.begin(), sample.answers.end(), [&](const std::string& seen) {
        const bool has_numbers = record == "MX" || record == "SRV";
        return seen == wanted || (has_numbers && seen.ends_with(" " + wanted));
    });
}

Texts missing_from(const DnsSample& sample, const DnsSettings& settings) {
    Texts missing;
    for (const std::string& expected : settings.expect) {
        if (!is_among(expected, sample, settings.record)) {
            missing.push_back(expected);
        }
    }
    return missing;
}

// A nameserver on this host may be mended from here.
Remedy remedy_for(const std::string& server) {
    const bool local = server.starts_with("127.") || server.starts_with("[::1]");
    return local ? Remedy::try_it : Remedy::outside_host;
}

// What dig is told of the nameserver: nothing of the usual ones, and the port only where it is another.
std::string asked_as(const std::string& server, const DnsSettings& settings) {
    if (settings.server.empty()) {
        return {};
    }
    const std::size_t colon = server.rfind(':');
    const std::string host = server.substr(0, colon);
    const std::string port = server.substr(std::min(colon, server.size()));
    const bool bracketed = host.starts_with('[') && host.ends_with(']'); // dig takes none
    return fmt::format("@{}{} ", bracketed ? host.substr(1, host.size() - 2) : host,
                       port.size() > 1 && port != ":53" ? " -p " + port.substr(1) : "");
}

CheckResult critical(Text message, const DnsSample& sample, const DnsSettings& settings) {
    CheckResult result;
    result.status = Status::critical;
    const Text before = sample.failed.empty() ? Text{} : say(k_before, shown(sample.failed));
    result.message = join("; ", {std::move(message), before});
    result.remedy = remedy_for(sample.server);
    result.hint = say(k_dig, asked_as(sample.server, settings), settings.name, settings.record);
    return result;
}

Text failure_words(const DnsSample& sample, const DnsSettings& settings) {
    const Text detail = error_words(clean_line(sample.detail));
    const std::string server = clean_line(sample.server);
    switch (sample.failure) {
    case Failure::name:
        return say(k_no_server, server, detail);
    case Failure::refused:
        return say(k_nobody, server, detail);
    case Failure::unreachable:
        return say(k_no_way, server, detail);
    case Failure::garbled:
        return say(k_garbled, server);
    case Failure::own_fault:
        return say(k_ourselves, detail);
    case Failure::timeout:
    case Failure::none:
        break;
    }
    return join("; ", {say(k_silent, server, format_duration(settings.timeout)),
                       sample.strays > 0 ? say(k_strays) : Text{}});
}

Text code_words(const DnsSample& sample, const DnsSettings& settings) {
    switch (sample.code) {
    case k_no_name:
        return say(k_nxdomain, settings.name, sample.server);
    case k_server_failure:
        return say(k_server_failed, sample.server, settings.name);
    case k_refused_code:
        return say(k_server_refuses, sample.server, settings.name);
    default:
        return say(k_other_code, sample.server, settings.name, sample.code);
    }
}

Text empty_words(const DnsSample& sample, const DnsSettings& settings) {
    const Text alias = sample.aliases.empty() ? Text{} : say(k_only_alias, shown(sample.aliases.back()));
    return join("; ", {say(k_empty, settings.name, settings.record, sample.server), alias});
}

class DnsCheck final : public BlockingCheck {
  public:
    explicit DnsCheck(DnsSettings settings) : m_settings(std::move(settings)) {}

    CheckResult run(const CheckContext& context) const override {
        const Duration at_most = time_for(context, m_settings.timeout);
        const DnsSample sample = dns_probe({m_settings.name, m_settings.record, m_settings.server, at_most});
        return sample.failure == Failure::timeout && at_most < m_settings.timeout
                   ? not_finished(context.memory)
                   : evaluate_dns(sample, m_settings);
    }

  private:
    DnsSettings m_settings;
};

} // namespace

CheckResult evaluate_dns(const DnsSample& sample, const DnsSettings& settings) {
    if (sample.failure != Failure::none) {
        CheckResult result = critical(failure_words(sample, settings), sample, settings);
        if (sample.failure == Failure::own_fault) {
            result.status = Status::unknown;
        }
        return result;
    }
    if (sample.code != k_good) {
        return critical(code_words(sample, settings), sample, settings);
    }
    if (sample.answers.empty()) {
        return critical(empty_words(sample, settings), sample, settings);
    }
    if (const Texts missing = missing_from(sample, settings); !missing.empty()) {
        return critical(say(k_wrong, settings.name, settings.record, shown(missing), sample.server,
                            shown(sample.answers)),
                        sample, settings);
    }
    CheckResult result;
    result.status = Status::ok;
    result.message =
        say(k_answered, settings.name, settings.record, shown(sample.answers), format_duration(sample.took));
    result.metrics.push_back({"time", static_cast<double>(sample.took.count()) / 1000, "s", {}, {}});
    if (!sample.failed.empty()) {
        result.status = Status::warning;
        result.message = say(k_slow_start, result.message, shown(sample.failed));
    }
    return result;
}

CheckType dns_check_type() {
    return make_check_type<dns_schema, DnsCheck>("dns", Layer::name, Recheck::yes,
                                                 "a name is known, and the answer is right");
}

} // namespace lectio
