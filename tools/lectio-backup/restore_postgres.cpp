#include "restore_postgres.h"

#include "backup/passing_file.h"
#include "backup/postgres_restore.h"
#include "backup/stopped_units.h"
#include "commands.h"
#include "platform/stop.h"
#include "util/text.h"
#include "words/error_words.h"

#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio::backup {
namespace {

constexpr Phrase k_would_fill{"it would be restored into a new database and its rows counted there",
                              "она была бы восстановлена в новую базу, и строки там пересчитаны"};
constexpr Phrase k_would_be_called{"that would be called {}", "эта база получила бы имя {}"};
constexpr Phrase k_would_refuse{"whoever else is still connected with {} would be named, and nothing changed",
                                "если с {} остался соединён кто-то ещё, он был бы назван и ничего бы не "
                                "изменилось"};
constexpr Phrase k_would_rename{"{} would be called {} from then on", "{} стала бы называться {}"};
constexpr Phrase k_restored{"restored: the database {} is as it was at {}",
                            "восстановлено: база {} — как на {}"};
constexpr Phrase k_was_aside{"what was there before is the database {}", "то, что было раньше, — база {}"};
constexpr Phrase k_exists{"there is a database {} already: it is not overwritten",
                          "база {} уже есть: перезаписывать не будем"};
constexpr Phrase k_connected{"unable to replace {}: connected with it are {}",
                             "не удалось заменить {}: с ней соединены {}"};
constexpr Phrase k_connected_hint{"stop them, or name them in `units` of [backup.source.{}]; then again: "
                                  "lectio-backup restore {}",
                                  "остановите их или перечислите в `units` у [backup.source.{}] и повторите: "
                                  "lectio-backup restore {}"};
constexpr Phrase k_globals_hint{"if roles are missing on that server, {} in the backup makes them: "
                                "lectio-backup restore {} --to ./backup.tar",
                                "если на том сервере нет ролей, их создаёт {} внутри копии: "
                                "lectio-backup restore {} --to ./backup.tar"};

std::string joined(const std::vector<std::string>& words) {
    std::string all;
    for (const std::string& word : words) {
        all += (all.empty() ? "" : ", ") + word;
    }
    return all;
}

class Command {
  public:
    Command(Session& session, const PostgresOrder& order)
        : m_session(session), m_order(order), m_snapshot(std::get<PostgresSnapshot>(order.backup.snapshot)) {}

    int go() {
        const std::optional<std::string>& to = m_session.options().to;
        Result<PostgresTarget> target = to ? target_of(*to, m_order.source.postgres.url) : sites_own();
        if (!target) {
            return m_session.leave(ExitCode::usage, error_words(target.error().message));
        }
        // Of a server that is no source's nothing is written down here: a next run could not go there.
        const bool is_url = to && to->find("://") != std::string::npos;
        target->source = is_url ? std::string() : m_order.source.name;
        target->folder = m_session.settings().dir;
        if (m_session.common().dry_run) {
            return say_steps(*target);
        }
        if (const std::optional<int> left = m_session.lock()) {
            return *left;
        }
        PostgresRestore restore(std::move(*target), m_order.backup.id, m_session.world(), m_session.until());
        return to ? into_a_new_one(restore) : in_place(restore);
    }

  private:
    Result<PostgresTarget> sites_own() const {
        const Secret& url = m_order.source.postgres.url;
        Result<std::string> named = database_in(url);
        LECTIO_TRY(named);
        return target_of(named->empty() ? m_snapshot.database : *named, url);
    }

    int say_steps(const PostgresTarget& target) {
        PostgresRestore restore(target, m_order.backup.id, m_session.world(), m_session.until());
        Text words = join("\n", {m_order.taken, say(k_would_fill)});
        if (!m_session.options().to) {
            words = with_units(words, m_order.source);
            words = join("\n", {words, say(k_would_refuse, target.database),
                                say(k_would_rename, target.database, restore.name_aside())});
        }
        words = join("\n", {words, say(k_would_be_called, target.database)});
        return m_session.say_outcome(words, 0, {{"backup", json_of(m_session, m_order.backup)}});
    }

    // The slow part, with the site going on.
    Result<void> prepare(PostgresRestore& restore) {
        const PassingFile tar(m_order.scratch);
        LECTIO_TRY(m_session.archive().unpack(m_order.backup, tar.path(), m_session.until()));
        return restore.prepare(tar.path(), m_snapshot);
    }

    // What the server says is of the site, and no fault of ours.
    int failed(const Error& error) { return m_session.leave(ExitCode::critical, error_words(error.message)); }

    int not_prepared(const Error& error) {
        const bool may_lack_roles =
            error.message.find("role ") != std::string::npos && m_snapshot.has_globals;
        return m_session.leave(ExitCode::critical, error_words(error.message),
                               may_lack_roles ? say(k_globals_hint, k_postgres_globals, m_order.source.name)
                                              : Text{});
    }

    int into_a_new_one(PostgresRestore& restore) {
        const Result<bool> there = restore.is_there();
        if (!there) {
            return failed(there.error());
        }
        if (*there) {
            return m_session.leave(ExitCode::usage, say(k_exists, clean_line(restore.database())));
        }
        if (const Result<void> prepared = prepare(restore); !prepared) {
            return not_prepared(prepared.error());
        }
        const Result<std::string> done = restore.take_its_place();
        return done ? restored(restore, *done, {}) : failed(done.error());
    }

    int in_place(PostgresRestore& restore) {
        if (const std::optional<int> left = m_session.lock_host()) {
            return *left;
        }
        if (const Result<void> prepared = prepare(restore); !prepared) {
            return not_prepared(prepared.error());
        }
        StoppedUnits units(m_session.settings().dir, m_session.world());
        take_time_to_stop(); // who is stopped below is started again first
        if (const Result<void> stopped = units.stop(m_order.source.units); !stopped) {
            return failed(stopped.error());
        }
        const Result<std::vector<std::string>> users = restore.users();
        if (!users) {
            return failed(users.error());
        }
        if (!users->empty()) {
            return m_session.leave(ExitCode::critical,
                                   say(k_connected, clean_line(restore.database()), joined(*users)),
                                   say(k_connected_hint, m_order.source.name, m_order.source.name));
        }
        const Result<std::string> done = restore.take_its_place();
        return done ? restored(restore, *done, units.start()) : failed(done.error());
    }

    int restored(const PostgresRestore& restore, const std::string& aside,
                 const std::vector<Text>& problems) {
        Text words =
            join("\n", {say(k_restored, clean_line(restore.database()), m_session.local(m_order.backup.time)),
                        m_order.taken});
        m_session.log(LogLevel::warn, words);
        if (!aside.empty()) {
            words = join("\n", {words, say(k_was_aside, clean_line(aside))});
        }
        for (const Text& problem : problems) {
            m_session.log(LogLevel::error, problem);
            words = join("\n", {words, problem});
        }
        m_session.flush_log();
        return m_session.say_outcome(words, problems.empty() ? 0 : 2,
                                     {{"backup", json_of(m_session, m_order.backup)},
                                      {"database", restore.database()},
                                      {"aside", aside}});
    }

    Session& m_session;
    const PostgresOrder& m_order;
    const PostgresSnapshot& m_snapshot;
};

} // namespace

bool leads_to_a_database(const std::string& to) {
    return to.find("://") != std::string::npos || to.find('/') == std::string::npos;
}

int restore_postgres(Session& session, const PostgresOrder& order) {
    return Command(session, order).go();
}

} // namespace lectio::backup
