#include "checks/load.h"

#include "checks/thresholds.h"
#include "platform/host.h"
#include "words/error_words.h"

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr Phrase k_load{"load {} on {} (1, 5, 15 min)", "нагрузка {} на {} (1, 5, 15 мин)"};
constexpr Noun k_cores{"core", "cores", "ядро", "ядра", "ядер"};
constexpr Phrase k_overloaded{"the machine is overloaded: {}", "машина перегружена: {}"};
constexpr Phrase k_look{
    "look what runs and what waits for the disk (D): ps -eo pid,stat,pcpu,args --sort=-pcpu | head",
    "посмотрите, что работает и что ждёт диск (D): ps -eo pid,stat,pcpu,args --sort=-pcpu | head"};
constexpr Phrase k_cannot_look{"unable to look at the load: {}", "не удалось посмотреть нагрузку: {}"};

const Schema<LoadSettings>& load_schema() {
    constexpr auto k_number = Amount::Unit::number;
    static const Schema<LoadSettings> schema{
        optional("load1", &LoadSettings::load1, "per core, 1 minute").units({k_number}).grows(),
        optional("load5", &LoadSettings::load5, "per core, 5 minutes").units({k_number}).grows(),
        optional("load15", &LoadSettings::load15, "per core, 15 minutes").units({k_number}).grows(),
    };
    return schema;
}

class LoadCheck final : public BlockingCheck {
  public:
    explicit LoadCheck(LoadSettings settings) : m_settings(std::move(settings)) {}

    CheckResult run(const CheckContext& context) const override {
        const Result<std::array<double, 3>> average = context.world.host.load();
        if (!average) {
            CheckResult result;
            result.message = say(k_cannot_look, error_words(average.error().message));
            result.memory = context.memory;
            return result;
        }
        return evaluate_load({*average, context.world.host.cores()}, m_settings, context.memory);
    }

  private:
    LoadSettings m_settings;
};

} // namespace

CheckResult evaluate_load(const LoadSample& sample, const LoadSettings& settings,
                          const std::map<std::string, std::string>& memory) {
    const std::array<const char*, 3> names{"load1", "load5", "load15"};
    const std::array<const Thresholds*, 3> limits{&settings.load1, &settings.load5, &settings.load15};
    CheckResult result;
    result.status = Status::ok;
    result.remedy = Remedy::cannot_help; // a restart makes work, and what made the load stays
    for (std::size_t i = 0; i < names.size(); ++i) {
        const Quantity seen{sample.average[i] / sample.cores, std::nullopt};
        result.metrics.push_back({names[i], seen.value, "", in_units_of(seen, limits[i]->warn),
                                  in_units_of(seen, limits[i]->critical)});
        result.status = worst(result.status, judge_thresholds(seen, *limits[i], {}, Direction::grows,
                                                              names[i], memory, result.memory));
    }
    const std::string averages =
        fmt::format("{:.2f} {:.2f} {:.2f}", sample.average[0], sample.average[1], sample.average[2]);
    result.message = say(k_load, averages, counted(sample.cores, k_cores));
    if (result.status != Status::ok) {
        result.message = say(k_overloaded, result.message);
        result.hint = say(k_look);
    }
    return result;
}

CheckType load_check_type() {
    return make_check_type<load_schema, LoadCheck>("load", Layer::other, Recheck::no,
                                                   "load average per core");
}

} // namespace lectio
