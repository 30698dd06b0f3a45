#include "attach.h"

#include "cli/terminal.h"
#include "platform/proc_text.h"
#include "platform/stop.h"
#include "util/number.h"
#include "words.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <nlohmann/json.hpp>

namespace lectio::deploy {
namespace {

using namespace std::chrono_literals;
using release::Shelf;

constexpr Duration k_between_looks = 200ms;
constexpr Bytes k_at_once = 64_kB;

constexpr Phrase k_no_deploy{"there was no deploy yet", "деплоев ещё не было"};
constexpr Phrase k_no_such{"there is no deploy {}", "деплоя {} нет"};
constexpr Phrase k_died{"deploy {} has died in the middle", "деплой {} оборвался на середине"};
constexpr Phrase k_died_hint{"finish or undo it: sudo lectio-deploy recover",
                             "завершить или отменить: sudo lectio-deploy recover"};

Result<Shelf::Past> wanted(Session& session) {
    if (session.options().id) {
        return release::is_id(*session.options().id)
                   ? session.shelf(session.kind()).journal_of(*session.options().id)
                   : Result<Shelf::Past>(Error{ErrorKind::not_found, ""});
    }
    Result<std::vector<Shelf::Past>> all = deploys_of(session);
    LECTIO_TRY(all);
    return all->empty() ? Result<Shelf::Past>(Error{ErrorKind::not_found, ""}) : std::move(all->back());
}

// Prints what is there beyond `seen`, which grows.
void print_on(Session& session, const std::string& id, Bytes& seen) {
    const Result<std::string> more =
        session.world().files.read_from(session.shelf(session.kind()).lines(id), seen, k_at_once);
    if (more && !more->empty() && session.common().format == Format::text) {
        [[maybe_unused]] const Result<void> printed = print(*more);
    }
    seen.count += more ? more->size() : 0;
}

int end_of(Session& session, const Shelf::Past& past) {
    const release::Outcome outcome = release::outcome_of(*past.standing.end);
    return session.say_outcome(words_of(outcome), exit_status(outcome), fields_of(outcome, session.lang()));
}

// Its process is there: of this boot, and one of ours; lectio-health goes back to a release, too.
bool is_alive(Session& session, const Shelf::Past& past) {
    const release::Entry begin = past.standing.begin.value_or(release::Entry{});
    const auto stat = process_stat(number_from<int>(begin.fact("pid")).value_or(0));
    return begin.fact("boot_id") == session.world().clock.now().boot_id && stat &&
           stat->name.starts_with("lectio-");
}

} // namespace

Result<std::vector<Shelf::Past>> deploys_of(Session& session) {
    // Ids sort by time behind their kind.
    const auto when = [](const Shelf::Past& past) {
        return std::string_view(past.id).substr(past.id.find('-'));
    };
    std::vector<Shelf::Past> all;
    for (const release::Kind kind : session.kinds()) {
        Result<std::vector<Shelf::Past>> some = session.shelf(kind).journals();
        LECTIO_TRY(some);
        std::move(some->begin(), some->end(), std::back_inserter(all));
    }
    std::sort(all.begin(), all.end(),
              [&](const Shelf::Past& one, const Shelf::Past& other) { return when(one) < when(other); });
    return all;
}

int attach(Session& session) {
    Result<Shelf::Past> past = wanted(session);
    if (!past && past.error().kind == ErrorKind::not_found) {
        return session.leave(ExitCode::usage,
                             session.options().id ? say(k_no_such, *session.options().id) : say(k_no_deploy));
    }
    Bytes seen;
    bool is_gone = false;
    for (;;) {
        if (!past) {
            return session.leave(past.error());
        }
        print_on(session, past->id, seen);
        if (past->standing.ended()) {
            return end_of(session, *past);
        }
        if (is_gone) { // and a journal that was read after that has no end
            return session.leave(ExitCode::critical, say(k_died, past->id), say(k_died_hint));
        }
        if (stop_requested()) {
            return 128 + stop_signal();
        }
        session.world().clock.sleep_for(k_between_looks);
        is_gone = !is_alive(session, *past);
        past = session.shelf(session.kind()).journal_of(past->id);
    }
}

} // namespace lectio::deploy
