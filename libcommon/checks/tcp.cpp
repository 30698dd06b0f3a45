#include "checks/tcp.h"

#include "checks/shared_words.h"
#include "util/secret.h"
#include "util/text.h"
#include "words/error_words.h"

#include <utility>

namespace lectio {
namespace {

using namespace std::chrono_literals;
using Failure = TcpSample::Failure;
using Phase = TcpSample::Phase;

constexpr std::size_t k_looked_at = 2000; // bytes of an answer, to show its beginning
constexpr std::size_t k_shown_characters = 80;

constexpr Phrase k_connected{"connected in {}", "соединение установлено за {}"};
constexpr Phrase k_not_taken{"{} is connected, but did not take what is sent to it within {}",
                             "{} соединяется, но не принял отправленное за {}"};
constexpr Phrase k_silent{"{} is connected, but did not answer within {}",
                          "{} соединяется, но не ответил за {}"};
constexpr Phrase k_not_in_time{"{} did not answer “{}” within {}, only: “{}”",
                               "{} не ответил «{}» за {}, пришло только: «{}»"};
constexpr Phrase k_broken{"{} broke the connection: {}", "{} оборвал соединение: {}"};
constexpr Phrase k_closed{"{} closed the connection without an answer", "{} закрыл соединение, не ответив"};
constexpr Phrase k_lacks{"the answer of {} lacks “{}”, it begins: “{}”",
                         "в ответе {} нет «{}», он начинается так: «{}»"};

// Redacted before it is cleaned: what was sent, and may be echoed, ends in a line break.
std::string beginning_of(const std::string& text) {
    return shorten(clean_line(redact(text.substr(0, k_looked_at))), k_shown_characters);
}

Text timeout_words(const TcpSample& sample, const TcpSettings& settings) {
    const std::string limit = format_duration(settings.timeout);
    switch (sample.phase) {
    case Phase::connecting:
        return say(k_not_connected, settings.address, limit);
    case Phase::sending:
        return say(k_not_taken, settings.address, limit);
    case Phase::reading:
        break;
    }
    return sample.answer.empty() ? say(k_silent, settings.address, limit)
                                 : say(k_not_in_time, settings.address, beginning_of(settings.expect), limit,
                                       beginning_of(sample.answer));
}

CheckResult judge_failure(const TcpSample& sample, const TcpSettings& settings) {
    const Text detail = error_words(clean_line(sample.detail));
    CheckResult result;
    result.status = Status::critical;
    switch (sample.failure) {
    case Failure::name:
        result.message = say(k_no_name, settings.address, detail);
        result.remedy = Remedy::outside_host;
        break;
    case Failure::unreachable:
        result.message = say(k_no_connection, settings.address, detail);
        result.remedy = Remedy::outside_host;
        break;
    case Failure::timeout:
        result.message = timeout_words(sample, settings);
        break;
    case Failure::broken:
        result.message = say(k_broken, settings.address, detail);
        result.evidence = beginning_of(sample.answer);
        break;
    case Failure::own_fault:
        result.status = Status::unknown;
        result.message = say(k_cannot_ask, settings.address, detail);
        break;
    case Failure::refused:
    case Failure::none:
        result.message = say(k_no_connection, settings.address, detail);
        break;
    }
    return result;
}

class TcpCheck final : public BlockingCheck {
  public:
    explicit TcpCheck(TcpSettings settings) : m_settings(std::move(settings)) {}

    CheckResult run(const CheckContext& context) const override {
        const Duration at_most = time_for(context, m_settings.timeout);
        const TcpSample sample = tcp_probe({m_settings.address, m_settings.send, m_settings.expect, at_most});
        return sample.failure == Failure::timeout && at_most < m_settings.timeout
                   ? not_finished(context.memory)
                   : evaluate_tcp(sample, m_settings);
    }

  private:
    TcpSettings m_settings;
};

const Schema<TcpSettings>& tcp_schema() {
    static const Schema<TcpSettings> schema{
        required("address", &TcpSettings::address, "host:port").check(address_complaint),
        optional("timeout", &TcpSettings::timeout,
                 "no connection, or not what is expected, by then: critical")
            .between(10ms, 1h),
        optional("send", &TcpSettings::send, "sent once connected; \"\": nothing"),
        optional("expect", &TcpSettings::expect,
                 "must be in the answer, its first 64 kB; \"\": none is awaited"),
    };
    return schema;
}

} // namespace

CheckResult evaluate_tcp(const TcpSample& sample, const TcpSettings& settings) {
    if (sample.failure != Failure::none) {
        return judge_failure(sample, settings);
    }
    CheckResult result;
    if (sample.answer.find(settings.expect) == std::string::npos) {
        result.status = Status::critical;
        result.message = sample.answer.empty() ? say(k_closed, settings.address)
                                               : say(k_lacks, settings.address, beginning_of(settings.expect),
                                                     beginning_of(sample.answer));
        return result;
    }
    result.status = Status::ok;
    result.message = say(k_connected, format_duration(sample.took));
    result.metrics.push_back({"time", static_cast<double>(sample.took.count()) / 1000, "s", {}, {}});
    return result;
}

CheckType tcp_check_type() {
    return make_check_type<tcp_schema, TcpCheck>("tcp", Layer::other, Recheck::yes,
                                                 "a port accepts connections");
}

} // namespace lectio
