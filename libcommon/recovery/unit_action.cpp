#include "recovery/unit_action.h"

#include "checks/unit_words.h"
#include "config/complaints.h"
#include "platform/unit_name.h"
#include "recovery/command.h"
#include "words/error_words.h"
#include "words/span.h"

#include <algorithm>

namespace lectio {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_look_time{3'000};
constexpr Duration k_test_time{10'000};
// TimeoutStartSec=infinity: as long as the run has.
constexpr Duration k_unlimited = 1h;
// The state of a unit that has just failed is asked for with what is left, but not for nothing.
constexpr Duration k_look_again_time{2'000};

constexpr Phrase k_unknown{"there is no unit {}", "нет юнита {}"};
constexpr Phrase k_masked{"{} is masked: somebody has forbidden to start it",
                          "{} замаскирован: его запуск запретили"};
constexpr Phrase k_broken_file{"systemd cannot read the unit file of {}",
                               "systemd не может прочитать файл юнита {}"};
constexpr Phrase k_on_its_way{"systemd is starting {} by itself", "systemd сам запускает {}"};
constexpr Phrase k_restarted_already{"{} is being restarted already", "{} уже перезапускают"};
constexpr Phrase k_came_up{"{} was started {} ago", "{} запущен {} назад"};
constexpr Phrase k_just_started{
    "{} was started {} ago and the number of attempts cannot be stored, so it is left alone",
    "{} запущен {} назад, а записать число попыток не удаётся, поэтому его не трогаем"};
constexpr Phrase k_unproven{
    "it cannot be stored that {} was tried, so it is left alone: otherwise it would be repeated in every run",
    "записать, что {} уже пробовали, не удаётся, поэтому не трогаем: иначе это повторялось бы в каждом "
    "запуске"};
constexpr Phrase k_test_failed{"the configuration test {} failed, so {} was not touched: {}",
                               "проверка конфигурации {} не прошла, поэтому {} не тронули: {}"};
constexpr Phrase k_done{"done in {}", "готово за {}"};
constexpr Phrase k_no_answer{"systemd has not finished it after {}", "systemd не закончил за {}"};
constexpr Phrase k_could_not{"systemd could not do it", "у systemd не вышло"};
constexpr Phrase k_job_failed{"the job ended as \"{}\"", "задание завершилось как «{}»"};

std::string joined(const std::vector<std::string>& words) {
    std::string all;
    for (const std::string& word : words) {
        all += (all.empty() ? "" : " ") + word;
    }
    return all;
}

Text job_words(const std::string& unit, const JobResult& job, const ActionContext& context) {
    if (job.result == "done") {
        return say(k_done, format_duration(job.took));
    }
    if (job.result == "no answer") {
        return say(k_no_answer, format_duration(job.took));
    }
    const Result<UnitState> state = context.world.services.unit(unit, k_look_again_time);
    const Text result = job.result == "failed" ? say(k_could_not) : say(k_job_failed, job.result);
    return join(": ", {result, state.ok() ? how_it_ended(*state) : Text{}});
}

// Refused with the words of the test when it fails, go when it passes or there is none.
Readiness test_configuration(const UnitActionSettings& settings, const ActionContext& context) {
    if (settings.test.empty()) {
        return {};
    }
    ProcessRequest request;
    request.command = settings.test;
    request.timeout = time_for(context, k_test_time);
    const CommandOutcome outcome = run_command(context.world, request);
    if (outcome.ok) {
        return {};
    }
    return Readiness{Readiness::Kind::refused,
                     say(k_test_failed, joined(settings.test), settings.unit, outcome.words)};
}

} // namespace

Schema<UnitActionSettings> unit_action_schema(std::string_view unit_help) {
    return {
        required("unit", &UnitActionSettings::unit, unit_help).check(unit_complaint),
        optional("test", &UnitActionSettings::test,
                 "program that must exit with 0 before the unit is touched: it is never taken into a broken "
                 "configuration")
            .not_empty(),
    };
}

UnitAction::UnitAction(UnitActionSettings settings) : m_settings(std::move(settings)) {
    m_settings.unit = full_unit_name(m_settings.unit);
}

Readiness UnitAction::look(const ActionContext& context) const {
    const Result<UnitState> unit = unit_now(context);
    if (!unit.ok()) {
        return Readiness{Readiness::Kind::refused, error_words(unit.error().message)};
    }
    if (std::optional<Readiness> not_now = why_not(*unit, context)) {
        return *std::move(not_now);
    }
    return test_configuration(m_settings, context);
}

std::vector<std::string> UnitAction::look_with() const {
    std::vector<std::string> commands{"systemctl status " + target(),
                                      "journalctl -u " + target() + " -n 50 --no-pager"};
    if (!m_settings.test.empty()) {
        commands.push_back(joined(m_settings.test));
    }
    return commands;
}

Result<UnitState> UnitAction::unit_now(const ActionContext& context) const {
    return context.world.services.unit(target(), time_for(context, k_look_time));
}

std::optional<Readiness> why_not_now(const UnitState& unit, const ActionContext& context) {
    using Kind = Readiness::Kind;
    if (unit.load_state == "not-found") {
        return Readiness{Kind::refused, say(k_unknown, unit.id)};
    }
    if (unit.load_state == "masked") {
        return Readiness{Kind::refused, say(k_masked, unit.id)};
    }
    if (unit.load_state != "loaded") { // bad-setting, error
        return Readiness{Kind::refused, say(k_broken_file, unit.id)};
    }
    if (is_on_its_way(unit)) {
        // Between two restarts nobody knows for how long; a start that has begun has its own limit.
        const bool starting = unit.sub_state != "auto-restart";
        const Duration own_limit = unit.start_timeout > Duration::zero() ? unit.start_timeout : k_unlimited;
        const Phrase& words = is_being_restarted(unit) ? k_restarted_already : k_on_its_way;
        return Readiness{Kind::wait, say(words, unit.id), starting ? own_limit : Duration::zero()};
    }
    if (unit.active_state == "active" && unit.state_changed) {
        const Duration up = context.world.clock.now().wall - *unit.state_changed;
        const Text ago = span_of(std::chrono::floor<std::chrono::seconds>(up).count());
        if (up >= Duration::zero() && up < context.least_uptime) {
            return Readiness{Kind::refused, say(k_just_started, unit.id, ago)};
        }
        if (up >= Duration::zero() && up < context.start_up) {
            return Readiness{Kind::wait, say(k_came_up, unit.id, ago), context.start_up - up};
        }
    }
    return std::nullopt;
}

ActionResult do_job(const std::string& unit, Services::Verb verb, const ActionContext& context) {
    const Result<JobResult> job = context.world.services.act(unit, verb, time_for(context, k_unlimited));
    if (!job.ok()) {
        return {false, error_words(job.error().message)};
    }
    return {job->result == "done", job_words(unit, *job, context)};
}

Readiness unproven(const std::string& target) {
    return {Readiness::Kind::refused, say(k_unproven, target)};
}

Duration time_for(const ActionContext& context, Duration limit) {
    const Duration left = std::chrono::floor<Duration>(context.deadline - context.world.clock.steady());
    return std::clamp(left, Duration(1), std::max(limit, Duration(1)));
}

} // namespace lectio
