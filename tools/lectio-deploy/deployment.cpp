#include "deployment.h"

#include "alerts/channels.h"
#include "alerts/delivery.h"
#include "checks/http.h"
#include "git_source.h"
#include "platform/lock_wait.h"
#include "platform/stop.h"
#include "release/backend_part.h"
#include "release/configured_gate.h"
#include "release/configured_inspector.h"
#include "release/deploy_site.h"
#include "release/frontend_part.h"
#include "release/transaction.h"
#include "report/log.h"
#include "sources.h"
#include "util/text.h"
#include "words.h"
#include "words/error_words.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio::deploy {
namespace {

using namespace std::chrono_literals;
using release::Outcome;
using release::Transaction;

constexpr std::string_view k_tool = "lectio-deploy";
constexpr Duration k_longest = 30min; // CONTRACT 22: no marker holds longer
constexpr Duration k_between_looks = 200ms;
constexpr Duration k_to_tell = 5s;
constexpr mode_t k_lines_mode = 0600;
constexpr mode_t k_state_mode = 0700;
const std::optional<release::Flaw> k_no_doubts;

constexpr Phrase k_busy{"another deploy is under way: {}", "уже идёт другой деплой: {}"};
constexpr Phrase k_busy_hint{"follow it: lectio-deploy attach", "следить за ним: lectio-deploy attach"};
constexpr Phrase k_left_over{"a deploy that died before: {}", "прежний оборванный деплой: {}"};
constexpr Phrase k_nothing_left{"no deploy was left unfinished", "незавершённых деплоев нет"};
constexpr Phrase k_waiting{"units of kind {} wait until a deploy lets the site's code run: {}",
                           "юниты ({}) ждут, пока деплой не разрешит запуск кода сайта: {}"};
constexpr Phrase k_no_source{"what is to be released is not said", "не сказано, что выкладывать"};
constexpr Phrase k_no_source_hint{
    "name a folder, an archive or -, or write down [deploy.backend] git = {{ ref = \"main\" }}",
    "назовите папку, архив или -, либо укажите [deploy.backend] git = {{ ref = \"main\" }}"};
constexpr Phrase k_two_sources{"--ref is a commit of git: leave out the folder or archive",
                               "--ref — это коммит git: уберите папку или архив"};
constexpr Phrase k_not_told{"the operator was not told: {}", "оператору не сообщено: {}"};
constexpr Phrase k_gone{"removed: {}", "удалено: {}"};
constexpr Phrase k_would_go{"would be removed: {}", "было бы удалено: {}"};
constexpr Phrase k_nothing_gone{"nothing to remove: every release is kept for a reason",
                                "удалять нечего: каждый релиз хранится не зря"};
constexpr Phrase k_would_change{"against {}: {}", "по сравнению с {}: {}"};
constexpr Phrase k_would_migrate{"migration {}", "миграция {}"};
constexpr Phrase k_would_refuse{"it would be refused: {}", "было бы отказано: {}"};
constexpr Phrase k_would_help{"  → {}", "  → {}"};
constexpr Phrase k_would_note{"note: {}", "замечание: {}"};
constexpr Phrase k_would_release{"it would be released", "было бы выложено"};

Result<Owner> owner_of(Session& session, const Path& path) {
    Result<FileInfo> info = session.world().files.info(path, Files::Follow::yes);
    info = info ? info : session.world().files.info(path.parent_path(), Files::Follow::yes);
    LECTIO_TRY(info);
    return Owner{info->owner, info->group};
}

// Whose the files become: what the configuration names, or whoever owns what is served.
Result<Owner> owner_of_the_site(Session& session) {
    const FrontendDeploy& frontend = session.frontend();
    return frontend.owner.empty() ? owner_of(session, frontend.path) : find_owner(frontend.owner);
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

// Who builds and runs the code. Releases lie behind a link of root's: whose the code is says what is in them.
Result<User> user_of_the_code(Session& session) {
    const BackendDeploy& backend = session.backend();
    if (!backend.user.empty()) {
        return find_user(backend.user);
    }
    const Result<Owner> owner = owner_of(session, backend.path / (backend.venv.empty() ? "." : backend.venv));
    LECTIO_TRY(owner);
    return find_user(owner->user.value_or(0));
}

// The name by which health asks the site, for code that answers to no other.
std::string name_of_the_site(const Config& config) {
    for (const CheckSettings& check : config.health.checks) {
        const bool is_http = check.type == "http" && check.settings != nullptr;
        const std::string url = is_http ? static_cast<const HttpSettings*>(check.settings.get())->url : "";
        if (const std::size_t scheme = url.find("://"); scheme != std::string::npos) {
            const std::string host = url.substr(scheme + 3);
            return host.substr(0, host.find_first_of("/?#"));
        }
    }
    return {};
}

// What releases one kind: its shelf, its gate, its part of a transaction.
struct Engine {
    std::unique_ptr<release::Shelf> shelf;
    std::unique_ptr<release::ConfiguredGate> gate;
    std::unique_ptr<release::ConfiguredInspector> inspector; // of a frontend
    std::unique_ptr<release::Part> part;
    std::unique_ptr<Transaction> transaction;
    User user; // whose the files become
};

// Everything around one deploy: the lock, who follows, the log, the message.
class Deployment {
  public:
    explicit Deployment(Session& session) : m_session(session), m_log(session.open_log("deploy.log")) {}

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
        end_process_after(k_longest);
        for (const release::Kind kind : m_session.kinds()) {
            const Result<void> ready = kind == release::Kind::backend ? ready_backend() : ready_frontend();
            // What is wrong with the one must not keep the other from being released.
            const Wish wish = m_session.options().wish;
            const bool of_all = wish == Wish::recover || wish == Wish::cleanup || wish == Wish::full ||
                                m_session.options().part == "full";
            if (!ready && (of_all || kind == m_session.kind())) {
                return m_session.leave(ready.error());
            }
        }
        if (m_engines.size() > 1) {
            m_engines.at(release::Kind::backend).transaction->lead(frontend());
        }
        return std::nullopt;
    }

    // Of what the command is about.
    [[nodiscard]] Engine& engine() { return m_engines.at(m_session.kind()); }
    [[nodiscard]] Transaction& transaction() { return *engine().transaction; }
    [[nodiscard]] Transaction& frontend() { return *m_engines.at(release::Kind::frontend).transaction; }
    // One after the other, of everything that is released here.
    [[nodiscard]] std::map<release::Kind, Engine>& engines() { return m_engines; }
    [[nodiscard]] release::Wishes wishes() const {
        const Options& options = m_session.options();
        release::Wishes wishes{options.force, options.maintenance, m_session.person()};
        wishes.restores_database = options.restore_database;
        wishes.accepts_loss = options.accepted;
        return wishes;
    }

    // What an earlier one has left comes first, and is told like any other.
    std::vector<Outcome> recover(Transaction::Asking asking) {
        const release::WordOnDatabase word = m_session.options().word;
        std::vector<Outcome> all;
        for (const release::Kind kind :
             {release::Kind::backend, release::Kind::frontend}) { // who leads first
            const auto found = m_engines.find(kind);
            if (found == m_engines.end()) {
                continue;
            }
            const Engine& engine = found->second;
            for (Outcome& outcome : engine.transaction->recover(asking, word)) {
                m_session.say_progress(say(k_left_over, words_of(outcome)));
                if (!told_at_an_earlier_start(engine, outcome)) {
                    tell(outcome, {});
                }
                all.push_back(std::move(outcome));
            }
        }
        return all;
    }

    int conclude(Outcome outcome, const Text& what_changed) {
        for (const auto& [kind, engine] : m_engines) {
            const bool is_meant = kind == m_session.kind() || m_session.options().wish == Wish::full;
            const release::ConfiguredInspector* inspector = is_meant ? engine.inspector.get() : nullptr;
            if (const auto& doubts = inspector != nullptr ? inspector->doubts() : k_no_doubts) {
                outcome.notes.push_back(join(": ", {doubts->words, doubts->hint}));
            }
        }
        tell(outcome, what_changed);
        return m_session.say_outcome(words_of(outcome), exit_status(outcome),
                                     fields_of(outcome, m_session.lang()));
    }

  private:
    // What only a person can decide is found again by each unit that starts, a crashing one every few seconds: it is told
    // once while the machine runs.
    bool told_at_an_earlier_start(const Engine& engine, const Outcome& outcome) {
        if (!m_session.options().while_units_start() || outcome.result != Outcome::Result::needs_human) {
            return false;
        }
        const Path told = m_session.config().paths.run / ("undecided-" + engine.transaction->id());
        return !m_session.world().files.create_synced(told, "", k_lines_mode) &&
               m_session.world().files.info(told).operator bool();
    }

    Result<void> ready_frontend() {
        const Result<Owner> owner = owner_of_the_site(m_session);
        LECTIO_TRY(owner);
        const FrontendDeploy& frontend = m_session.frontend();
        const Config& config = m_session.config();
        Engine& engine = begin_engine(release::Kind::frontend, frontend.path);
        engine.user = unpacker(*owner);
        engine.inspector =
            std::make_unique<release::ConfiguredInspector>(config, m_session.world(), *engine.shelf);
        engine.part = std::make_unique<release::FrontendPart>(release::frontend_settings(config, *owner),
                                                              *engine.shelf, m_session.disk(),
                                                              *engine.inspector, m_session.world().clock);
        make_transaction(engine, release::Kind::frontend);
        return {};
    }

    Result<void> ready_backend() {
        const Result<User> user = user_of_the_code(m_session);
        LECTIO_TRY(user);
        const Config& config = m_session.config();
        Engine& engine =
            begin_engine(release::Kind::backend,
                         config.deploy.frontend ? config.deploy.frontend->path : m_session.backend().path);
        engine.user = *user;
        engine.part = std::make_unique<release::BackendPart>(
            release::BackendPart::Settings{m_session.backend(), *user, name_of_the_site(config),
                                           config.deploy.frontend ? config.deploy.frontend->path : Path(),
                                           config.deploy.min_free},
            *engine.shelf, m_session.disk(), m_session.world());
        make_transaction(engine, release::Kind::backend);
        return {};
    }

    Engine& begin_engine(release::Kind kind, const Path& site) {
        Engine& engine = m_engines[kind];
        engine.shelf = std::make_unique<release::Shelf>(m_session.shelf(kind));
        engine.gate = std::make_unique<release::ConfiguredGate>(m_session.loaded(), m_session.world(), site);
        return engine;
    }

    void make_transaction(Engine& engine, release::Kind kind) {
        engine.transaction = std::make_unique<Transaction>(
            m_session.world(), m_session.disk(), release::site_of(m_session.config(), kind), *engine.gate,
            *engine.part, [this, &engine](const Text& line) { go_on(engine, line); });
    }

    void go_on(const Engine& engine, const Text& line) {
        const std::string& words = line.in(m_session.lang());
        const std::string clock = format_local_clock(m_session.now(), m_session.config().timezone);
        m_session.say_progress(verbatim(clock + "  " + words));
        m_log.add(m_session.now(), LogLevel::info, engine.transaction->id() + ": " + words);
        for (const auto& [kind, other] : m_engines) {
            const bool is_meant = &other == &engine || m_session.options().wish == Wish::full;
            if (is_meant && !other.transaction->id().empty()) {
                // Who attaches misses a line where the disk refuses it; the deploy does not.
                [[maybe_unused]] const Result<void> noted =
                    m_session.world().files.append(other.shelf->lines(other.transaction->id()),
                                                   clock + "  " + clean_line(words) + "\n", k_lines_mode);
            }
        }
    }

    void tell(const Outcome& outcome, const Text& what_changed) {
        m_log.add(m_session.now(), exit_status(outcome) == 0 ? LogLevel::success : LogLevel::warn,
                  clean_line(words_of(outcome).in(m_session.lang())));
        if (const Result<void> logged = m_session.write(m_log); !logged) {
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
    Log m_log;
    Lock m_lock;
    std::map<release::Kind, Engine> m_engines; // an element stays where it is
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
    const Outcome* stands = undecided(before);
    if (stands != nullptr && (!session.options().force || stands->waits_for_word)) {
        return session.say_outcome(words_of(*stands), exit_status(*stands),
                                   fields_of(*stands, session.lang()));
    }
    return act(deployment);
}

// What is different for visitors, as far as both can be read.
Text what_changed(Session& session, release::Kind kind, const std::string& before, const std::string& after) {
    release::Shelf shelf = session.shelf(kind);
    const Result<TreeManifest> old_files = shelf.manifest(before);
    const Result<TreeManifest> files = shelf.manifest(after);
    return old_files && files ? words_of(compare(*old_files, *files), files->size()) : Text{};
}

// Of everything that is released here.
enum class Unreadable { counts, does_not_count };
bool any_deploy(Session& session, bool (release::Standing::*is_so)() const, Unreadable unreadable) {
    const std::vector<release::Kind> kinds = session.kinds();
    return std::any_of(kinds.begin(), kinds.end(), [&](release::Kind kind) {
        const Result<std::vector<release::Shelf::Past>> journals = session.shelf(kind).journals();
        return !journals ? unreadable == Unreadable::counts
                         : std::any_of(journals->begin(), journals->end(),
                                       [&](const auto& past) { return (past.standing.*is_so)(); });
    });
}

bool has_unfinished(Session& session) {
    return any_deploy(session, &release::Standing::is_open, Unreadable::counts);
}

// A deploy holds its tables half done, or has died with them.
bool owes_tables(Session& session) {
    return any_deploy(session, &release::Standing::owes_tables, Unreadable::does_not_count);
}

// Ours for the moment in which we look: what the units wait for is that nobody else has it.
Result<Lock> wait_for_fence(Session& session) {
    Files& files = session.world().files;
    Clock& clock = session.world().clock;
    const Path fence = session.places(session.kind()).fence();
    LECTIO_TRY(files.make_folders(fence.parent_path(), k_state_mode));
    Result<Lock> at_once = files.lock(fence, k_tool, session.now());
    if (at_once || at_once.error().kind != ErrorKind::busy) {
        return at_once;
    }
    session.say_progress(say(k_waiting, session.options().units, error_words(at_once.error().message)));
    return wait_for_lock(files, clock, fence, k_tool, k_longest);
}

// And what its authors say of it.
Text what_was_done(Session& session, const Outcome& outcome, const User& as) {
    if (outcome.result != Outcome::Result::released) {
        return {};
    }
    release::Shelf shelf = session.shelf(session.kind());
    const Result<release::Shelf::Records> records = shelf.records();
    const release::Release* before = records ? release::find(records->releases, outcome.previous) : nullptr;
    const release::Release* after = records ? release::find(records->releases, outcome.release) : nullptr;
    const bool known = before != nullptr && after != nullptr;
    const std::array<Text, 3> all{
        what_changed(session, session.kind(), outcome.previous, outcome.release),
        outcome.with.empty()
            ? Text{}
            : what_changed(session, release::Kind::frontend, outcome.previous_with, outcome.with),
        known ? commits_between(before->commit, after->commit, shelf, session.world(), as) : Text{}};
    Text words;
    for (const Text& each : all) {
        words = words.empty() ? each : each.empty() ? words : join("\n", {words, each});
    }
    return words;
}

// What `plan` says, of one part or of both.
struct Foretold {
    std::vector<Text> lines;
    nlohmann::json findings = nlohmann::json::array(), migrations = nlohmann::json::array();
    bool is_good = true;

    void add(const Transaction::Plan& plan, Lang lang) {
        if (!plan.before.empty()) {
            lines.push_back(say(k_would_change, plan.before, words_of(plan.difference, plan.size)));
        }
        for (const release::Migration& migration : plan.migrations.all) {
            lines.push_back(say(k_would_migrate, words_of(migration)));
            migrations.push_back({{"name", migration.name},
                                  {"class", to_string(migration.what)},
                                  {"operations", migration.because}});
        }
        for (const release::Flaw& flaw : plan.flaws) {
            const bool refuses = flaw.weight != release::Flaw::Weight::warn;
            is_good = is_good && !refuses;
            lines.push_back(say(refuses ? k_would_refuse : k_would_note, flaw.words));
            if (!flaw.hint.empty()) {
                lines.push_back(say(k_would_help, flaw.hint));
            }
            findings.push_back(
                {{"refuses", refuses}, {"words", flaw.words.in(lang)}, {"hint", flaw.hint.in(lang)}});
        }
    }
    [[nodiscard]] Text words() const {
        Text all = is_good ? say(k_would_release) : Text{};
        for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
            all = join(all.empty() ? "" : "\n", {*line, all});
        }
        return all;
    }
};

// A value: leave with it.
std::optional<int> unclear_source(Session& session) {
    const Options& options = session.options();
    if (options.code.empty() && !session.backend().git && options.ref.empty()) {
        return session.leave(ExitCode::usage, say(k_no_source), say(k_no_source_hint));
    }
    if (!options.code.empty() && !options.ref.empty()) {
        return session.leave(ExitCode::usage, say(k_two_sources));
    }
    return std::nullopt;
}

Result<std::unique_ptr<release::BuildSource>> source_of_backend(Session& session, Deployment& deployment) {
    const Options& options = session.options();
    const Engine& engine = deployment.engine();
    if (options.code.empty()) {
        const GitSource from = session.backend().git.value_or(GitSource{});
        return git_source(from.remote, options.ref.empty() ? from.ref : options.ref, *engine.shelf,
                          session.world(), session.disk(), engine.user);
    }
    return open_source(options.code, session.world(), session.disk(), engine.user,
                       [&](std::string_view below) { return engine.part->leaves_out(below); });
}

int release_from(Session& session, Deployment& deployment,
                 Result<std::unique_ptr<release::BuildSource>> source) {
    if (!source) {
        return session.leave(ExitCode::usage, error_words(source.error().message));
    }
    const Outcome outcome = deployment.transaction().release(**source, deployment.wishes());
    return deployment.conclude(outcome, what_was_done(session, outcome, deployment.engine().user));
}

} // namespace

int release_frontend(Session& session) {
    return with_deployment(session, [&](Deployment& deployment) {
        return release_from(
            session, deployment,
            open_source(session.options().source, session.world(), session.disk(), deployment.engine().user));
    });
}

int release_backend(Session& session) {
    if (const std::optional<int> leave = unclear_source(session)) {
        return *leave;
    }
    return with_deployment(session, [&](Deployment& deployment) {
        return release_from(session, deployment, source_of_backend(session, deployment));
    });
}

int release_full(Session& session) {
    if (const std::optional<int> leave = unclear_source(session)) {
        return *leave;
    }
    return with_deployment(session, [&](Deployment& deployment) {
        const Result<std::unique_ptr<release::BuildSource>> code = source_of_backend(session, deployment);
        const Result<std::unique_ptr<release::BuildSource>> build =
            open_source(session.options().source, session.world(), session.disk(),
                        deployment.engines().at(release::Kind::frontend).user);
        if (!code || !build) {
            return session.leave(ExitCode::usage, error_words((code ? build : code).error().message));
        }
        const Outcome outcome = deployment.transaction().release_both(**code, **build, deployment.wishes());
        return deployment.conclude(outcome, what_was_done(session, outcome, deployment.engine().user));
    });
}

int roll_back(Session& session) {
    return with_deployment(session, [&](Deployment& deployment) {
        const Outcome outcome = deployment.transaction().roll_back(session.options().id, deployment.wishes());
        return deployment.conclude(outcome, what_was_done(session, outcome, deployment.engine().user));
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

// A deploy that lives and has let go of the fence is about to start these very units. One that has not put its tables back
// is about to end: its lock is free in a moment. Who recovers by hand has that lock and wants the fence next, so nobody
// waits for the one with the other in his hand.
Result<Lock> lock_before_start(Session& session, Result<Lock>& fence) {
    Clock& clock = session.world().clock;
    Result<Lock> lock = lock_deploys(session);
    const SteadyTime until = clock.steady() + k_longest;
    while (fence && !lock && lock.error().kind == ErrorKind::busy && owes_tables(session) &&
           !stop_requested() && clock.steady() < until) {
        fence->release();
        clock.sleep_for(k_between_looks);
        fence = wait_for_fence(session);
        lock = lock_deploys(session);
    }
    return lock;
}

// Whatever becomes of the recovery, the units start: who has to look is told, and a site that stands helps nobody. But for
// one case: nothing can be written down, so that what visitors write from here on would be taken for nothing and be lost.
// The unit's line ignores an exit status, so it is kept waiting until systemd ends its start, and tries again.
int pass_gate(Session& session) {
    Result<Lock> fence = wait_for_fence(session);
    if (fence && !has_unfinished(session)) {
        return 0;
    }
    Result<Lock> lock = lock_before_start(session, fence);
    if (!fence) {
        return session.leave(fence.error());
    }
    if (!lock && lock.error().kind == ErrorKind::busy) {
        return 0;
    }
    Deployment deployment(session);
    if (const std::optional<int> leave = deployment.begin_with(std::move(lock))) {
        return *leave;
    }
    const std::vector<Outcome> outcomes = deployment.recover(Transaction::Asking::not_now);
    if (std::any_of(outcomes.begin(), outcomes.end(),
                    [](const Outcome& outcome) { return outcome.keeps_units_down; })) {
        Clock& clock = session.world().clock;
        sleep_unless_stopped(clock, clock.steady() + k_longest);
        return static_cast<int>(ExitCode::internal);
    }
    return 0;
}

int clean_up(Session& session) {
    const auto tidy = [&](Deployment& deployment) {
        const bool is_real = !session.common().dry_run;
        const Duration younger = std::chrono::days(session.options().days.value_or(0));
        std::vector<std::string> all;
        for (auto& [kind, engine] : deployment.engines()) {
            const Result<std::vector<std::string>> gone = engine.transaction->tidy(
                younger, is_real ? Transaction::Tidying::real : Transaction::Tidying::foretold);
            if (!gone) {
                return session.leave(gone.error());
            }
            all.insert(all.end(), gone->begin(), gone->end());
        }
        const std::string names = fmt::format("{}", fmt::join(all, ", "));
        return session.say_outcome(all.empty() ? say(k_nothing_gone)
                                               : say(is_real ? k_gone : k_would_go, names),
                                   0, {{is_real ? "removed" : "would_remove", all}});
    };
    if (!session.common().dry_run) {
        return with_deployment(session, tidy);
    }
    Deployment deployment(session); // what another has left unfinished is not touched
    const std::optional<int> leave = deployment.open();
    return leave ? *leave : tidy(deployment);
}

int plan(Session& session) {
    const bool of_code = session.kind() == release::Kind::backend;
    const bool of_both = session.options().part == "full";
    if (const std::optional<int> leave = of_code ? unclear_source(session) : std::nullopt) {
        return *leave;
    }
    Deployment deployment(session); // what another has left unfinished is not touched
    if (const std::optional<int> leave = deployment.open()) {
        return *leave;
    }
    Foretold foretold;
    for (auto& [kind, engine] : deployment.engines()) {
        if (kind != session.kind() && !of_both) {
            continue;
        }
        const Result<std::unique_ptr<release::BuildSource>> source =
            kind == release::Kind::backend
                ? source_of_backend(session, deployment)
                : open_source(session.options().source, session.world(), session.disk(), engine.user);
        if (!source) {
            return session.leave(ExitCode::usage, error_words(source.error().message));
        }
        const Result<Transaction::Plan> plan = engine.transaction->plan(
            **source,
            kind == session.kind() ? Transaction::LiveSite::asked : Transaction::LiveSite::asked_by_another);
        if (!plan) {
            return session.leave(plan.error());
        }
        foretold.add(*plan, session.lang());
    }
    return session.say_outcome(foretold.words(), foretold.is_good ? 0 : 1,
                               {{"findings", foretold.findings}, {"migrations", foretold.migrations}});
}

} // namespace lectio::deploy
