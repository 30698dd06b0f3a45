#include "checks/unit_words.h"

#include "util/number.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <signal.h>
#include <string.h>

namespace lectio {
namespace {

constexpr Phrase k_exit_status{"exit status {}", "код выхода {}"};
constexpr Phrase k_signal{"killed by signal {}", "убит сигналом {}"};
constexpr Phrase k_crash{"crashed (signal {})", "аварийно упал (сигнал {})"};

struct Meaning {
    std::string_view result;
    Phrase words;
};
// What needs no number to be understood.
constexpr std::array<Meaning, 5> k_results{{
    {"oom-kill", {"killed by the kernel for lack of memory", "убит ядром: не хватило памяти"}},
    {"watchdog",
     {"did not report to its watchdog in time and was killed",
      "завис: не ответил сторожу systemd и был убит"}},
    {"timeout",
     {"did not start or stop in the time allowed", "не уложился в отведённое время запуска или остановки"}},
    {"protocol",
     {"ended without ever reporting that it was ready", "завершился, так и не сообщив о готовности"}},
    {"resources", {"systemd lacked the resources to start it", "systemd не хватило ресурсов для запуска"}},
}};
constexpr Phrase k_command_failed{"one of its commands ended with an error",
                                  "одна из его команд завершилась с ошибкой"};
constexpr Phrase k_gave_up{"failed too often in a short time, systemd has given up restarting it",
                           "падал слишком часто, systemd больше его не перезапускает"};

constexpr Phrase k_prevented{"its RestartPreventExitStatus= names this: {}",
                             "так задано в его RestartPreventExitStatus= ({})"};
constexpr Phrase k_not_by_restart{"its Restart= is {}", "у него Restart={}"};

struct Cause {
    int status;
    Phrase words;
};
// Exit statuses that systemd itself makes before the program runs: systemd.exec(5), "Process Exit Codes".
constexpr std::array<Cause, 5> k_before_the_program{{
    {200, {"its working directory cannot be entered", "недоступен рабочий каталог"}},
    {203, {"the program is missing or cannot be executed", "программа не найдена или не запускается"}},
    {216, {"its group does not exist", "нет такой группы"}},
    {217, {"its user does not exist", "нет такого пользователя"}},
    {226, {"its namespace could not be set up", "не удалось подготовить окружение (namespace)"}},
}};

Text exit_words(int status) {
    Text words = say(k_exit_status, status);
    for (const Cause& cause : k_before_the_program) {
        if (cause.status == status) {
            return join(": ", {words, say(cause.words)});
        }
    }
    return words;
}

// exit_status_set_test() of systemd.
bool names_end_of(const ExitStatusSet& set, const UnitState& unit) {
    const bool by_itself = unit.exit_code == CLD_EXITED;
    const bool by_signal = unit.exit_code == CLD_KILLED || unit.exit_code == CLD_DUMPED;
    const std::vector<std::int32_t>& numbers = by_itself ? set.statuses : set.signals;
    return (by_itself || by_signal) &&
           std::find(numbers.begin(), numbers.end(), unit.exit_status) != numbers.end();
}

// How the main process ended, whatever became of the unit.
Text last_exit(const UnitState& unit) {
    switch (unit.exit_code) {
    case CLD_EXITED:
        return unit.exit_status == 0 ? Text{} : exit_words(unit.exit_status);
    case CLD_KILLED:
        return say(k_signal, signal_name(unit.exit_status));
    case CLD_DUMPED:
        return say(k_crash, signal_name(unit.exit_status));
    default:
        return {};
    }
}

} // namespace

std::string signal_name(int number) {
    const char* name = ::sigabbrev_np(number);
    return name != nullptr ? std::string("SIG") + name : std::to_string(number);
}

Text how_it_ended(const UnitState& unit) {
    if (unit.result.empty() || unit.result == "success") {
        return {};
    }
    for (const Meaning& meaning : k_results) {
        if (meaning.result == unit.result) {
            return say(meaning.words);
        }
    }
    if (unit.result == "start-limit-hit") {
        return join("; ", {say(k_gave_up), last_exit(unit)});
    }
    const Text words = last_exit(unit);
    // Not its main process but, say, ExecStartPre=.
    const Text of_a_command = unit.result == "exit-code" ? say(k_command_failed) : verbatim(unit.result);
    return words.empty() ? of_a_command : words;
}

// "3"; of a signal its name without SIG, or its number.
void take_end(UnitState& unit, const UnitEnd& end) {
    unit.result = end.result;
    unit.exit_code = end.code == "exited"   ? CLD_EXITED
                     : end.code == "killed" ? CLD_KILLED
                     : end.code == "dumped" ? CLD_DUMPED
                                            : 0;
    unit.exit_status = number_from<std::int32_t>(end.status).value_or(0);
    for (int number = 1; unit.exit_code != CLD_EXITED && number < NSIG; ++number) {
        const char* name = ::sigabbrev_np(number);
        if (name != nullptr && end.status == name) {
            unit.exit_status = number;
        }
    }
}

Text how_it_ended(const UnitEnd& end) {
    UnitState unit;
    take_end(unit, end);
    return how_it_ended(unit);
}

// As systemd decides it itself: service_shall_restart() in its service.c.
bool will_be_restarted(const UnitState& unit) {
    const std::string_view when = unit.restart;
    const std::string_view result = unit.result;
    if (result == "start-limit-hit") {
        return false;
    }
    if (names_end_of(unit.restart_prevented, unit)) {
        return false;
    }
    if (names_end_of(unit.restart_forced, unit)) {
        return true;
    }
    const bool well = result == "success" || result == "exec-condition";
    if (when == "always") {
        return true;
    }
    return (when == "on-success" && result == "success") || (when == "on-failure" && !well) ||
           (when == "on-abnormal" && !well && result != "exit-code") ||
           (when == "on-watchdog" && result == "watchdog") ||
           (when == "on-abort" && (result == "signal" || result == "core-dump"));
}

Text why_not_restarted(const UnitState& unit) {
    if (unit.result == "start-limit-hit" || will_be_restarted(unit)) {
        return {};
    }
    if (names_end_of(unit.restart_prevented, unit)) {
        return say(k_prevented, last_exit(unit));
    }
    return unit.restart.empty() ? Text{} : say(k_not_by_restart, unit.restart);
}

bool is_being_restarted(const UnitState& unit) {
    return unit.active_state == "deactivating" && !unit.job.empty() && unit.job != "stop";
}

bool is_on_its_way(const UnitState& unit) {
    return is_being_restarted(unit) || unit.active_state == "activating" ||
           unit.active_state == "reloading" || unit.sub_state == "auto-restart";
}

} // namespace lectio
