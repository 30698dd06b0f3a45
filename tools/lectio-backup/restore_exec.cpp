#include "restore_exec.h"

#include "backup/passing_file.h"
#include "backup/stopped_units.h"
#include "commands.h"
#include "platform/stop.h"
#include "util/text.h"
#include "words/error_words.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio::backup {
namespace {

constexpr Phrase k_no_program{
    "{} has no `restore`, a program that reads the backup: restore --to a file and put it "
    "back by hand",
    "у {} нет `restore` — программы, которая читает копию: восстановите через --to в файл "
    "и верните её сами"};
constexpr Phrase k_would_run{"{} would get it on its standard input",
                             "{} получила бы её на стандартный ввод"};
constexpr Phrase k_handed_over{"restored: {} has taken what was at {}",
                               "восстановлено: {} приняла то, что было на {}"};
constexpr Phrase k_gave_up{
    "the backup was handed over, and then: {}. What has been put back until then is not known here",
    "копия передана, а затем: {}. Что к этому времени восстановлено, здесь неизвестно"};

std::string program_of(const BackupSource& source) {
    return clean_line(source.exec.restore.front());
}

} // namespace

Text steps_of(const BackupSource& source) {
    return source.exec.restore.empty() ? say(k_no_program, source.name)
                                       : with_units(say(k_would_run, program_of(source)), source);
}

int hand_over(Session& session, const ExecRestore& restore) {
    const ExecSource& exec = restore.source.exec;
    if (exec.restore.empty()) {
        return session.leave(ExitCode::critical, say(k_no_program, restore.source.name));
    }
    const PassingFile plain(restore.scratch);
    const Result<void> unpacked = session.archive().unpack(restore.backup, plain.path(), session.until());
    if (!unpacked) {
        return session.leave(unpacked.error());
    }
    StoppedUnits units(session.settings().dir, session.world());
    if (!restore.source.units.empty()) {
        take_time_to_stop(); // who is stopped is started again before we leave, also when we are asked to
        if (const Result<void> stopped = units.stop(restore.source.units); !stopped) {
            return session.leave(ExitCode::critical, error_words(stopped.error().message));
        }
    }
    const Result<void> done = restore_by_program(plain.path(), exec, session.world(), session.until());
    Text words =
        done ? join("\n", {say(k_handed_over, program_of(restore.source), session.local(restore.backup.time)),
                           restore.taken})
             : say(k_gave_up, error_words(done.error().message));
    session.log(done ? LogLevel::warn : LogLevel::error, words);
    const std::vector<Text> problems = units.start();
    for (const Text& problem : problems) {
        session.log(LogLevel::error, problem);
        words = join("\n", {words, problem});
    }
    session.flush_log();
    return session.say_outcome(words, done && problems.empty() ? 0 : 2,
                               {{"backup", json_of(session, restore.backup)}});
}

} // namespace lectio::backup
