#include "checks/unit_words.h"

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

bool is_being_restarted(const UnitState& unit) {
    return unit.active_state == "deactivating" && !unit.job.empty() && unit.job != "stop";
}

bool is_on_its_way(const UnitState& unit) {
    return is_being_restarted(unit) || unit.active_state == "activating" ||
           unit.active_state == "reloading" || unit.sub_state == "auto-restart";
}

} // namespace lectio
