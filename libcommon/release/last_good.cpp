#include "release/last_good.h"

#include "platform/release_disk.h"
#include "recovery/unit_action.h"
#include "release/configured_gate.h"
#include "release/configured_inspector.h"
#include "release/deploy_site.h"
#include "release/drift.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace lectio::release {
namespace {

using namespace std::chrono_literals;
using Ready = Readiness::Kind;

constexpr std::string_view k_who = "lectio-health";
constexpr int k_passes = 2; // what is seen twice counts (CONTRACT 14), and the ladder looks once more
// A gate that cannot finish before the run must leaves the site undecided.
constexpr Duration k_least_time{6'000};
constexpr Duration k_to_end{1'000};

constexpr Phrase k_no_backend{"releases of the backend are not gone back to by itself",
                              "к прежнему релизу бэкенда автоматика не возвращается"};
constexpr Phrase k_deploy_running{"a deploy is running ({}), so nothing was touched",
                                  "идёт выкладка ({}), поэтому ничего не трогали"};
constexpr Phrase k_no_time{"there was no time left to prove an earlier release: the next run goes on",
                           "проверить прежний релиз уже не успеть: продолжит следующий запуск"};
constexpr Phrase k_once{
    "in this incident the release was changed once already ({}): what is served now is not what is broken",
    "в этом инциденте релиз уже меняли ({}): сломано не то, что отдаётся"};
constexpr Phrase k_none{"there is no earlier good release to go back to",
                        "вернуться не к чему: прежнего исправного релиза нет"};
constexpr Phrase k_none_whole{"no earlier good release is whole any more: {}",
                              "ни один прежний исправный релиз больше не цел: {}"};
constexpr Phrase k_flaw{"{}: {}", "{}: {}"};
constexpr Phrase k_would_serve{"{} would be served again", "был бы возвращён {}"};
constexpr Phrase k_would_finish{"deploy {}, which died, would be finished or undone",
                                "оборванный деплой {} был бы завершён или отменён"};
constexpr Phrase k_serves{"{} is served again in place of {}", "снова отдаётся {} вместо {}"};
constexpr Phrase k_died{"a deploy had died in the middle: {} is served again in place of {}",
                        "деплой оборвался на середине: снова отдаётся {} вместо {}"};

class LastGood final : public WayBack {
  public:
    explicit LastGood(const LoadedConfig& loaded) : m_loaded(loaded) {}

    bool serves(const Path& path, const ActionContext& context) override {
        const Result<Shelf::Served> served = shelf(context).served();
        return path == config().deploy.frontend->path && served &&
               served->kind == Shelf::Served::Kind::release;
    }

    Readiness look(WayBack::Part part, const ActionContext& context) override {
        if (part == WayBack::Part::backend) {
            return {Ready::refused, say(k_no_backend)};
        }
        Shelf here = shelf(context);
        const Result<Shelf::Served> served = here.served();
        const Result<std::vector<Shelf::Past>> journals = here.journals();
        if (!served || !journals) {
            return {Ready::refused, error_words((served ? journals.error() : served.error()).message)};
        }
        if (served->kind != Shelf::Served::Kind::release) {
            return {Ready::nothing_to_change};
        }
        if (context.least_uptime > Duration::zero()) {
            return unproven(config().deploy.frontend->path.string());
        }
        if (const auto died = unfinished(*journals)) {
            return {Ready::go, say(k_would_finish, *died)};
        }
        const Choice choice = choose(here, served->id, *journals, context);
        return choice.id.empty() ? Readiness{Ready::refused, choice.why_none}
                                 : Readiness{Ready::go, say(k_would_serve, choice.id)};
    }

    ActionResult go(WayBack::Part part, const ActionContext& context) override {
        if (part == WayBack::Part::backend) {
            return {false, say(k_no_backend)};
        }
        World& world = context.world;
        const Result<Lock> lock =
            world.files.lock(config().paths.run / "deploy.lock", k_who, world.clock.now().wall);
        if (!lock && lock.error().kind == ErrorKind::busy) {
            return {false, say(k_deploy_running, error_words(lock.error().message)), true};
        }
        if (!lock) {
            return {false, error_words(lock.error().message)};
        }
        const Duration left = std::chrono::floor<Duration>(context.deadline - world.clock.steady());
        if (left < k_least_time) {
            return {false, say(k_no_time), true};
        }
        return go_back(context, left);
    }

  private:
    struct Choice {
        std::string id; // empty: none
        Text why_none{};
    };

    // The lock of deploys is held.
    ActionResult go_back(const ActionContext& context, Duration left) {
        Shelf here = shelf(context);
        ConfiguredGate gate(m_loaded, context.world, config().deploy.frontend->path,
                            ConfiguredGate::Walk::never);
        ConfiguredInspector inspector(config(), context.world, here);
        FrontendPart part(frontend_settings(config(), Owner{}), here, m_disk, inspector, context.world.clock);
        Site site = site_of(config(), release::Kind::frontend);
        // It asks twice at most: after the swap, and after that was undone.
        site.deploy.gate.within = std::min(site.deploy.gate.within, (left - k_to_end) / 2);
        site.deploy.gate.passes = std::min(site.deploy.gate.passes, k_passes);
        Transaction transaction(context.world, m_disk, std::move(site), gate, part, [](const Text&) {});

        const Result<Shelf::Served> before = here.served();
        const std::vector<Outcome> died = transaction.recover(Transaction::Asking::possible);
        const Result<Shelf::Served> served = here.served();
        const Result<std::vector<Shelf::Past>> journals = here.journals();
        if (!before || !served || !journals) {
            const Error& error = !before ? before.error() : !served ? served.error() : journals.error();
            return {false, error_words(error.message)};
        }
        for (const Outcome& outcome : died) {
            if (outcome.result == Outcome::Result::needs_human) {
                return {false, outcome.reason};
            }
        }
        if (served->id != before->id) {
            return {true, say(k_died, served->id, before->id)};
        }
        const Choice choice = choose(here, served->id, *journals, context);
        if (choice.id.empty()) {
            return {false, choice.why_none};
        }
        const Outcome outcome = transaction.heal(choice.id, {.force = false,
                                                             .maintenance = false,
                                                             .by = std::string(k_who),
                                                             .incidents = joined(context.incidents)});
        if (outcome.result != Outcome::Result::released) {
            return {false, outcome.reason};
        }
        Text words = say(k_serves, outcome.release, outcome.previous);
        for (const Text& warning : outcome.warnings) {
            words = join("; ", {words, warning});
        }
        return {true, words};
    }

    // The last good one before `served` that nobody has changed or damaged.
    Choice choose(Shelf& here, const std::string& served, const std::vector<Shelf::Past>& journals,
                  const ActionContext& context) {
        if (const auto earlier = gone_back_in(context.incidents, journals)) {
            return {{}, say(k_once, *earlier)};
        }
        const Result<Shelf::Records> records = here.records();
        if (!records) {
            return {{}, error_words(records.error().message)};
        }
        Text flaws;
        for (const std::string& id : last_good(records->releases, records->releases.size())) {
            if (id == served) {
                continue;
            }
            const Release& release = *find(records->releases, id);
            const Result<TreeDifference> changes = changes_by_hand(here, release, {}, context.world.clock);
            if (changes && (changes->empty() || release.pinned)) {
                return {id};
            }
            const Text why = changes ? some_of(*changes) : error_words(changes.error().message);
            flaws = flaws.empty() ? say(k_flaw, id, why) : join("; ", {flaws, say(k_flaw, id, why)});
        }
        return {{}, flaws.empty() ? say(k_none) : say(k_none_whole, flaws)};
    }

    static std::string joined(const std::vector<std::string>& incidents) {
        return fmt::format("{}", fmt::join(incidents, " "));
    }

    // The id of a rollback that met visitors, whatever became of it.
    static std::optional<std::string> gone_back_in(const std::vector<std::string>& incidents,
                                                   const std::vector<Shelf::Past>& journals) {
        for (const Shelf::Past& past : journals) {
            const std::string named = past.standing.begin ? past.standing.begin->fact("incidents") : "";
            const std::vector<std::string_view> ids = split(named, ' ');
            const bool is_about_one =
                std::any_of(incidents.begin(), incidents.end(), [&](const std::string& incident) {
                    return std::find(ids.begin(), ids.end(), incident) != ids.end();
                });
            if (past.standing.swap && is_about_one) {
                return past.id;
            }
        }
        return std::nullopt;
    }

    static std::optional<std::string> unfinished(const std::vector<Shelf::Past>& journals) {
        const auto found = std::find_if(journals.begin(), journals.end(),
                                        [](const Shelf::Past& past) { return !past.standing.ended(); });
        return found == journals.end() ? std::nullopt : std::optional(found->id);
    }

    [[nodiscard]] const Config& config() const { return m_loaded.config; }
    Shelf shelf(const ActionContext& context) {
        return {context.world.files, m_disk, places_of(config(), release::Kind::frontend)};
    }

    const LoadedConfig& m_loaded;
    SystemReleaseDisk m_disk;
};

} // namespace

std::shared_ptr<WayBack> last_good_release(const LoadedConfig& loaded) {
    return loaded.config.deploy.frontend ? std::make_shared<LastGood>(loaded) : nullptr;
}

} // namespace lectio::release
