#include "checks/pressure.h"

#include "checks/shared_words.h"
#include "checks/thresholds.h"
#include "words/error_words.h"

#include <array>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr Phrase k_calm{"waiting in the last minute: CPU {:.0f}%, memory {:.0f}%, disk {:.0f}%",
                        "ожидание за последнюю минуту: процессор {:.0f}%, память {:.0f}%, диск {:.0f}%"};
constexpr Phrase k_cpu{"programs wait for the CPU: {:.0f}% of the last minute",
                       "программы ждут процессор: {:.0f}% последней минуты"};
constexpr Phrase k_memory{"programs wait for memory: {:.0f}% of the last minute, the machine is swapping",
                          "программы ждут память: {:.0f}% последней минуты, машина занята подкачкой"};
constexpr Phrase k_io{"programs wait for the disk: {:.0f}% of the last minute",
                      "программы ждут диск: {:.0f}% последней минуты"};
constexpr Phrase k_look_cpu{"what uses it: ps -eo pid,user,pcpu,args --sort=-pcpu | head",
                            "что его занимает: ps -eo pid,user,pcpu,args --sort=-pcpu | head"};
constexpr Phrase k_look_io{
    "what waits: ps -eo pid,user,stat,args | grep ' D'; what reads and writes: iotop -bon1",
    "что ждёт: ps -eo pid,user,stat,args | grep ' D'; что читает и пишет: iotop -bon1"};
constexpr Phrase k_no_pressure{
    "this kernel does not tell the pressure (boot it with psi=1, or take the check out)",
    "это ядро не сообщает о нехватке ресурсов (загрузите его с psi=1 или уберите проверку)"};
constexpr Phrase k_cannot_look{"unable to look at the pressure: {}",
                               "не удалось узнать о нехватке ресурсов: {}"};

const Schema<PressureSettings>& pressure_schema() {
    constexpr auto k_percent = Amount::Unit::percent;
    static const Schema<PressureSettings> schema{
        optional("cpu", &PressureSettings::cpu, "share of the last minute in which tasks waited for it")
            .units({k_percent})
            .grows(),
        optional("memory", &PressureSettings::memory, "share of the last minute in which tasks waited for it")
            .units({k_percent})
            .grows(),
        optional("io", &PressureSettings::io, "share of the last minute in which tasks waited for the disk")
            .units({k_percent})
            .grows(),
    };
    return schema;
}

// One of the three, and how it is said.
struct Kind {
    const char* name;
    double PressureInfo::*seen;
    Thresholds PressureSettings::*limits;
    Phrase words, hint;
};
// Memory first: what waits for memory waits for the disk and the CPU as well.
constexpr std::array<Kind, 3> k_kinds{{
    {"memory", &PressureInfo::memory, &PressureSettings::memory, k_memory, k_look_memory},
    {"io", &PressureInfo::io, &PressureSettings::io, k_io, k_look_io},
    {"cpu", &PressureInfo::cpu, &PressureSettings::cpu, k_cpu, k_look_cpu},
}};

CheckResult not_seen(const Error& error, const CheckContext& context) {
    CheckResult result;
    result.message = error.kind == ErrorKind::not_found ? say(k_no_pressure)
                                                        : say(k_cannot_look, error_words(error.message));
    result.memory = context.memory;
    return result;
}

class PressureCheck final : public BlockingCheck {
  public:
    explicit PressureCheck(PressureSettings settings) : m_settings(std::move(settings)) {}

    CheckResult run(const CheckContext& context) const override {
        const Result<PressureInfo> seen = context.world.host.pressure();
        return seen ? evaluate_pressure(*seen, m_settings, context.memory) : not_seen(seen.error(), context);
    }

  private:
    PressureSettings m_settings;
};

} // namespace

CheckResult evaluate_pressure(const PressureInfo& sample, const PressureSettings& settings,
                              const std::map<std::string, std::string>& memory) {
    CheckResult result;
    result.status = Status::ok;
    result.remedy = Remedy::cannot_help; // restarting takes more of what is short
    result.message = say(k_calm, sample.cpu, sample.memory, sample.io);
    for (const Kind& kind : k_kinds) {
        const Quantity seen{sample.*kind.seen, std::nullopt};
        const Thresholds& limits = settings.*kind.limits;
        result.metrics.push_back(
            {kind.name, seen.value, "%", in_units_of(seen, limits.warn), in_units_of(seen, limits.critical)});
        const Status level =
            judge_thresholds(seen, limits, {}, Direction::grows, kind.name, memory, result.memory);
        raise(result, level, say(kind.words, seen.value), say(kind.hint));
    }
    return result;
}

CheckType pressure_check_type() {
    return make_check_type<pressure_schema, PressureCheck>("pressure", Layer::other, Recheck::no,
                                                           "pressure stall information");
}

} // namespace lectio
