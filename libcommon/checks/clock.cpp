#include "checks/clock.h"

#include "checks/thresholds.h"
#include "platform/host.h"
#include "util/text.h"
#include "words/error_words.h"

#include <cmath>
#include <utility>

namespace lectio {
namespace {

constexpr Phrase k_right{"kept right, {} to correct", "идут верно, поправка {}"};
constexpr Phrase k_off{"the clock is {} off", "часы ошибаются на {}"};
constexpr Phrase k_not_kept{"nobody keeps the clock of this host right",
                            "часы этого сервера никто не подводит"};
constexpr Phrase k_hint{
    "a wrong clock breaks logins, certificates and this suite's ages: timedatectl; systemctl status "
    "systemd-timesyncd chrony",
    "неверные часы ломают вход, сертификаты и сроки в этих проверках: timedatectl; systemctl status "
    "systemd-timesyncd chrony"};
constexpr Phrase k_leap_insert{"this day (UTC) ends with a leap second",
                               "в конце этих суток (UTC) добавится секунда"};
constexpr Phrase k_leap_remove{"this day (UTC) ends a second early",
                               "эти сутки (UTC) кончатся на секунду раньше"};
constexpr Phrase k_cannot_look{"unable to look at the clock: {}", "не удалось посмотреть на часы: {}"};

const Schema<ClockSettings>& clock_schema() {
    static const Schema<ClockSettings> schema{
        optional("offset", &ClockSettings::offset,
                 "from true time, as far as the time service knows it; the kernel tells at most 500ms")
            .units({Amount::Unit::milliseconds})
            .grows(),
    };
    return schema;
}

Text leap_words(TimeSync::Leap leap) {
    switch (leap) {
    case TimeSync::Leap::insert:
        return say(k_leap_insert);
    case TimeSync::Leap::remove:
        return say(k_leap_remove);
    case TimeSync::Leap::none:
        break;
    }
    return {};
}

class ClockCheck final : public BlockingCheck {
  public:
    explicit ClockCheck(ClockSettings settings) : m_settings(std::move(settings)) {}

    CheckResult run(const CheckContext& context) const override {
        const Result<TimeSync> sync = context.world.host.time_sync();
        if (sync) {
            return evaluate_clock(*sync, m_settings, context.memory);
        }
        CheckResult result;
        result.message = say(k_cannot_look, error_words(sync.error().message));
        result.memory = context.memory;
        return result;
    }

  private:
    ClockSettings m_settings;
};

} // namespace

CheckResult evaluate_clock(const TimeSync& sync, const ClockSettings& settings,
                           const std::map<std::string, std::string>& memory) {
    CheckResult result;
    result.remedy = Remedy::try_it; // a time service can be restarted
    if (!sync.synchronised) {
        result.status = Status::warning;
        result.message = say(k_not_kept);
        result.hint = say(k_hint);
        result.memory = memory;
        return result;
    }
    const double offset = std::abs(static_cast<double>(sync.offset.count())) / 1000;
    const Quantity seen{offset, {}};
    result.metrics.push_back({"offset", static_cast<double>(sync.offset.count()) / 1e6, "s", {}, {}});
    result.status =
        judge_thresholds(seen, settings.offset, {}, Direction::grows, "offset", memory, result.memory);
    const std::string shown = format_duration(Duration(std::llround(offset)));
    const bool fine = result.status == Status::ok;
    result.message = join("; ", {say(fine ? k_right : k_off, shown), leap_words(sync.leap)});
    result.hint = fine ? Text{} : say(k_hint);
    return result;
}

CheckType clock_check_type() {
    return make_check_type<clock_schema, ClockCheck>("clock", Layer::other, Recheck::no,
                                                     "a time service keeps this host's clock right");
}

} // namespace lectio
