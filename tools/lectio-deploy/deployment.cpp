#include "deployment.h"

#include "alerts/channels.h"
#include "alerts/delivery.h"
#include "platform/lock_wait.h"
#include "platform/stop.h"
#include "release/configured_gate.h"
#include "release/configured_inspector.h"
#include "release/frontend_site.h"
#include "release/transaction.h"
#include "report/log.h"
#include "sources.h"
#include "util/text.h"
#include "words.h"
#include "words/error_words.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include <nlohmann/json.hpp>

namespace lectio::deploy {
namespace {

using namespace std::chrono_literals;
using release::Outcome;
using release::Transaction;

constexpr std::string_view k_tool = "lectio-deploy";
constexpr Duration k_longest = 30min; // CONTRACT 22: no marker holds longer
constexpr Duration k_to_tell = 5s;
constexpr mode_t k_lines_mode = 0600;
constexpr mode_t k_state_mode = 0700;

constexpr Phrase k_busy{"another deploy is under way: {}", "уже идёт другой деплой: {}"};
constexpr Phrase k_busy_hint{"follow it: lectio-deploy attach", "следить за ним: lectio-deploy attach"};
constexpr Phrase k_left_over{"a deploy that died before: {}", "прежний оборванный деплой: {}"};
constexpr Phrase k_nothing_left{"no deploy was left unfinished", "незавершённых деплоев нет"};
constexpr Phrase k_waiting{"units of kind {} wait until a deploy lets the site's code run: {}",
                           "юниты ({}) ждут, пока деплой не разрешит запуск кода сайта: {}"};
constexpr Phrase k_not_told{"the operator was not told: {}", "оператору не сообщено: {}"};
constexpr Phrase k_gone{"removed: {}", "удалено: {}"};
constexpr Phrase k_nothing_gone{"nothing to remove: every release is kept for a reason",
                                "удалять нечего: каждый релиз хранится не зря"};
constexpr Phrase k_would_change{"against {}: {}", "по сравнению с {}: {}"};
constexpr Phrase k_would_refuse{"it would be refused: {}", "было бы отказано: {}"};
constexpr Phrase k_would_note{"note: {}", "замечание: {}"};
constexpr Phrase k_would_release{"it would be released", "было бы выложено"};

// Whose the files become: what the configuration names, or whoever owns what is served.
Result<Owner> owner_of_the_site(Session& session) {
    const FrontendDeploy& frontend = session.frontend();
    if (!frontend.owner.empty()) {
        return find_owner(frontend.owner);
    }
    Result<FileInfo> info = session.world().files.info(frontend.path, Files::Follow::yes);
    info = info ? info : session.world().files.info(frontend.path.parent_path(), Files::Follow::yes);
    LECTIO_TRY(info);
    return Owner{info->owner, info->group};
}

// Who takes the archive apart. A user that is only a number has no name and no groups.
User unpacker(const Owner& owner) {
    const uid_t uid = effective_user() == 0 ? owner.user.value_or(0) : effective_user();
    const Result<User> known = find_user(uid);
    return known ? *known : User{std::to_string(uid), uid, owner.group.value_or(uid), "/"};
}

// busy: a deploy is alive.
Result<Lock> lock_deploys(Session& session) {
    Files& files = session.world().files;
    const Path& run = session.config().paths.run;
    constexpr mode_t k_for_all = 0755;
    LECTIO_TRY(files.make_folders(run, k_for_all));
    return files.lock(run / "deploy.lock", k_tool, session.now());
}

// Everything around one deploy: the lock, who follows, the log, the message.
class Deployment {
  public:
    explicit Deployment(Session& session)
        : m_session(session), m_shelf(session.shelf()),
          m_log(session.world().files, session.config().paths.logs / "deploy.log", std::string(k_tool),
                session.config().log.format == LogSettings::Format::json ? LogFormat::json : LogFormat::text,
                LogLevel::info, session.config().timezone) {}

    // A value: leave with it.
    std::optional<int> open() { return begin_with(lock_deploys(m_session)); }
    std::optional<int> begin_with(Result<Lock> lock) {
        if (!lock && lock.error().kind == ErrorKind::busy) {
            return m_session.leave(ExitCode::locked, say(k_busy, error_words(lock.error().message)),
                                   say(k_busy_hint));
        }
        if (!lock) {
            return m_session.leave(lock.error());
        }
        m_lock = std::move(*lock);
        const Result<Owner> owner = owner_of_the_site(m_session);
        if (!owner) {
            return m_session.leave(owner.error());
        }
        m_owner = *owner;
        end_process_after(k_longest);
        make_transaction();
        return std::nullopt;
    }

    [[nodiscard]] Transaction& transaction() { return *m_transaction; }
    [[nodiscard]] User unpacker_user() const { return unpacker(m_owner); }
    [[nodiscard]] release::Wishes wishes() const { return {m_session.options().force, m_session.person()}; }

    // What an earlier one has left comes first, and is told like any other.
    std::vector<Outcome> recover(Transaction::Asking asking) {
        std::vector<Outcome> outcomes = m_transaction->recover(asking);
        for (const Outcome& outcome : outcomes) {
            m_session.say_progress(say(k_left_over, words_of(outcome)));
            if (!told_at_an_earlier_start(outcome)) {
                tell(outcome, {});
            }
        }
        return outcomes;
    }

    int conclude(Outcome outcome, const Text& what_changed) {
        if (const auto& doubts = m_inspector->doubts()) {
            outcome.notes.push_back(join(": ", {doubts->words, doubts->hint}));
        }
        tell(outcome, what_changed);
        return m_session.say_outcome(words_of(outcome), exit_status(outcome),
                                     fields_of(outcome, m_session.lang()));
    }

  private:
    // What only a person can decide is found again by each unit that starts, a crashing one every few seconds: it is told
    // once while the machine runs.
    bool told_at_an_earlier_start(const Outcome& outcome) {
        if (!m_session.options().while_units_start() || outcome.result != Outcome::Result::needs_human) {
            return false;
        }
        const Path told = m_session.config().paths.run / ("undecided-" + m_transaction->id());
        return !m_session.world().files.create_synced(told, "", k_lines_mode) &&
               m_session.world().files.info(told).operator bool();
    }

    void make_transaction() {
        const Config& config = m_session.config();
        m_gate = std::make_unique<release::ConfiguredGate>(m_session.loaded(), m_session.world(),
                                                           m_session.frontend().path);
        m_inspector = std::make_unique<release::ConfiguredInspector>(config, m_session.world(), m_shelf);
        m_transaction = std::make_unique<Transaction>(
            m_session.world(), m_session.disk(), release::frontend_site(config, m_owner), *m_gate,
            *m_inspector, [this](const Text& line) { go_on(line); });
    }

    void go_on(const Text& line) {
        const std::string& words = line.in(m_session.lang());
        const std::string clock = format_local_clock(m_session.now(), m_session.config().timezone);
        m_session.say_progress(verbatim(clock + "  " + words));
        m_log.add(m_session.now(), LogLevel::info, m_transaction->id() + ": " + words);
        // Who attaches misses a line where the disk refuses it; the deploy does not.
        [[maybe_unused]] const Result<void> noted =
            m_session.world().files.append(m_session.shelf().lines(m_transaction->id()),
                                           clock + "  " + clean_line(words) + "\n", k_lines_mode);
    }

    void tell(const Outcome& outcome, const Text& what_changed) {
        m_log.add(m_session.now(), exit_status(outcome) == 0 ? LogLevel::success : LogLevel::warn,
                  clean_line(words_of(outcome).in(m_session.lang())));
        constexpr mode_t k_logs_mode = 0750;
        Result<void> logged =
            m_session.world().files.make_folders(m_session.config().paths.logs, k_logs_mode);
        logged = logged ? m_log.flush() : logged;
        if (!logged) {
            m_session.say_progress(error_words(logged.error().message));
        }
        if (m_session.common().no_notify) {
            return;
        }
        const Message message = message_of(outcome, m_session.person(), what_changed, m_session.host(),
                                           m_session.now(), m_session.lang());
        Delivery delivery(m_session.world(), delivery_settings(m_session.config()),
                          make_channels(m_session.config()));
        const DeliveryReport report = delivery.tell(message, m_session.world().clock.steady() + k_to_tell);
        for (const ChannelProblem& problem : report.problems) {
            m_session.say_progress(say(k_not_told, join(": ", {verbatim(problem.channel), problem.message})));
        }
    }

    Session& m_session;
    release::Shelf m_shelf;
    Log m_log;
    Lock m_lock;
    Owner m_owner;
    std::unique_ptr<release::ConfiguredGate> m_gate;
    std::unique_ptr<release::ConfiguredInspector> m_inspector;
    std::unique_ptr<Transaction> m_transaction;
};

// A deploy that died and cannot be put right stands in the way of the next.
const Outcome* undecided(const std::vector<Outcome>& outcomes) {
    const auto found = std::find_if(outcomes.begin(), outcomes.end(), [](const Outcome& outcome) {
        return outcome.result == Outcome::Result::needs_human;
    });
    return found == outcomes.end() ? nullptr : &*found;
}

int with_deployment(Session& session, const std::function<int(Deployment&)>& act) {
    Deployment deployment(session);
    if (const std::optional<int> leave = deployment.open()) {
        return *leave;
    }
    const std::vector<Outcome> before = deployment.recover(Transaction::Asking::possible);
    if (const Outcome* stands = undecided(before); stands != nullptr && !session.options().force) {
        return session.say_outcome(words_of(*stands), exit_status(*stands),
                                   fields_of(*stands, session.lang()));
    }
    return act(deployment);
}

// What is different for visitors, as far as both can be read.
Text what_changed(Session& session, const Outcome& outcome) {
    release::Shelf shelf = session.shelf();
    const Result<TreeManifest> before = shelf.manifest(outcome.previous);
    const Result<TreeManifest> after = shelf.manifest(outcome.release);
    const bool released = outcome.result == Outcome::Result::released;
    return released && before && after ? words_of(compare(*before, *after), after->size()) : Text{};
}

bool has_unfinished(Session& session) {
    const Result<std::vector<release::Shelf::Past>> journals = session.shelf().journals();
    return !journals || std::any_of(journals->begin(), journals->end(),
                                    [](const auto& past) { return !past.standing.ended(); });
}

// Ours for the moment in which we look: what the units wait for is that nobody else has it.
Result<Lock> wait_for_fence(Session& session) {
    Files& files = session.world().files;
    Clock& clock = session.world().clock;
    const Path fence = session.places().fence();
    LECTIO_TRY(files.make_folders(fence.parent_path(), k_state_mode));
    Result<Lock> at_once = files.lock(fence, k_tool, session.now());
    if (at_once || at_once.error().kind != ErrorKind::busy) {
        return at_once;
    }
    session.say_progress(say(k_waiting, session.options().units, error_words(at_once.error().message)));
    return wait_for_lock(files, clock, fence, k_tool, k_longest);
}

} // namespace

int release_frontend(Session& session) {
    return with_deployment(session, [&](Deployment& deployment) {
        Result<std::unique_ptr<release::BuildSource>> source = open_source(
            session.options().source, session.world(), session.disk(), deployment.unpacker_user());
        if (!source) {
            return session.leave(ExitCode::usage, error_words(source.error().message));
        }
        const Outcome outcome = deployment.transaction().release(**source, deployment.wishes());
        return deployment.conclude(outcome, what_changed(session, outcome));
    });
}

int roll_back(Session& session) {
    return with_deployment(session, [&](Deployment& deployment) {
        const Outcome outcome = deployment.transaction().roll_back(session.options().id, deployment.wishes());
        return deployment.conclude(outcome, what_changed(session, outcome));
    });
}

int adopt(Session& session) {
    return with_deployment(session, [&](Deployment& deployment) {
        Transaction& transaction = deployment.transaction();
        const Outcome outcome = session.options().undo ? transaction.abandon(deployment.wishes())
                                                       : transaction.adopt(deployment.wishes());
        return deployment.conclude(outcome, {});
    });
}

int recover(Session& session) {
    // What a start of the machine waits for looks at nothing more than it must.
    if (session.options().boot && !has_unfinished(session)) {
        return session.say_outcome(say(k_nothing_left), 0, nlohmann::json::object());
    }
    Deployment deployment(session);
    if (const std::optional<int> leave = deployment.open()) {
        return *leave;
    }
    const std::vector<Outcome> outcomes = deployment.recover(
        session.options().boot ? Transaction::Asking::not_now : Transaction::Asking::possible);
    if (outcomes.empty()) {
        return session.say_outcome(say(k_nothing_left), 0, nlohmann::json::object());
    }
    const Outcome* stands = undecided(outcomes);
    const Outcome& last = stands != nullptr ? *stands : outcomes.back();
    return session.say_outcome(words_of(last), exit_status(last), fields_of(last, session.lang()));
}

// Whatever becomes of the recovery, the units start: who has to look is told, and a site that stands helps nobody. What
// lives is no business of ours: a deploy that has let go of the fence is about to start these very units.
int pass_gate(Session& session) {
    const Result<Lock> fence = wait_for_fence(session);
    if (!fence) {
        return session.leave(fence.error());
    }
    if (!has_unfinished(session)) {
        return 0;
    }
    Result<Lock> lock = lock_deploys(session);
    if (!lock && lock.error().kind == ErrorKind::busy) {
        return 0;
    }
    Deployment deployment(session);
    if (const std::optional<int> leave = deployment.begin_with(std::move(lock))) {
        return *leave;
    }
    deployment.recover(Transaction::Asking::not_now);
    return 0;
}

int clean_up(Session& session) {
    return with_deployment(session, [&](Deployment& deployment) {
        const Duration younger = std::chrono::days(session.options().days.value_or(0));
        const Result<std::vector<std::string>> gone = deployment.transaction().tidy(younger);
        if (!gone) {
            return session.leave(gone.error());
        }
        std::string names;
        for (const std::string& id : *gone) {
            names += (names.empty() ? "" : ", ") + id;
        }
        return session.say_outcome(names.empty() ? say(k_nothing_gone) : say(k_gone, names), 0,
                                   {{"removed", *gone}});
    });
}

int plan(Session& session) {
    Deployment deployment(session); // what another has left unfinished is not touched
    if (const std::optional<int> leave = deployment.open()) {
        return *leave;
    }
    Result<std::unique_ptr<release::BuildSource>> source =
        open_source(session.options().source, session.world(), session.disk(), deployment.unpacker_user());
    if (!source) {
        return session.leave(ExitCode::usage, error_words(source.error().message));
    }
    const Result<Transaction::Plan> plan = deployment.transaction().plan(**source);
    if (!plan) {
        return session.leave(plan.error());
    }
    Text words = plan->before.empty()
                     ? Text{}
                     : say(k_would_change, plan->before, words_of(plan->difference, plan->size));
    nlohmann::json refusals = nlohmann::json::array();
    for (const release::Flaw& flaw : plan->flaws) {
        const bool refuses = flaw.weight != release::Flaw::Weight::warn;
        words = join(words.empty() ? "" : "\n",
                     {words, say(refuses ? k_would_refuse : k_would_note, flaw.words)});
        refusals.push_back({{"refuses", refuses}, {"words", flaw.words.in(session.lang())}});
    }
    const bool good = std::none_of(plan->flaws.begin(), plan->flaws.end(), [](const release::Flaw& flaw) {
        return flaw.weight != release::Flaw::Weight::warn;
    });
    words = good ? join(words.empty() ? "" : "\n", {words, say(k_would_release)}) : words;
    return session.say_outcome(words, good ? 0 : 1, {{"findings", refusals}});
}

} // namespace lectio::deploy
