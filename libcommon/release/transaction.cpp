#include "release/transaction.h"

#include "platform/stop.h"
#include "release/drift.h"
#include "release/transaction_words.h"
#include "util/number.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <array>
#include <utility>

namespace lectio::release {
namespace {

using namespace std::chrono_literals;
using namespace words;

constexpr std::array<std::pair<Outcome::Result, std::string_view>, 5> k_results{{
    {Outcome::Result::released, "released"},
    {Outcome::Result::refused, "refused"},
    {Outcome::Result::rolled_back, "rolled_back"},
    {Outcome::Result::needs_human, "needs_human"},
    {Outcome::Result::stopped, "stopped"},
}};

} // namespace

std::string_view to_string(Outcome::Result result) {
    const auto* found = std::find_if(k_results.begin(), k_results.end(),
                                     [&](const auto& row) { return row.first == result; });
    return found->second;
}

Outcome outcome_of(const Entry& end) {
    const std::string word = end.fact("result");
    const auto* found =
        std::find_if(k_results.begin(), k_results.end(), [&](const auto& row) { return row.second == word; });
    Outcome outcome;
    outcome.result = found == k_results.end() ? Outcome::Result::needs_human : found->first;
    outcome.release = end.fact("release");
    outcome.previous = end.fact("previous");
    outcome.with = end.fact("with");
    outcome.previous_with = end.fact("previous_with");
    outcome.phase = end.fact("phase");
    outcome.reason = verbatim(end.fact("reason"));
    const std::string warnings = end.fact("warnings");
    for (const std::string_view line : split_lines(warnings)) {
        outcome.warnings.push_back(verbatim(line));
    }
    outcome.took = Duration(number_from<std::int64_t>(end.fact("took")).value_or(0));
    return outcome;
}

Transaction::Transaction(World& world, ReleaseDisk& disk, Site site, LiveGate& gate, Part& part,
                         Progress progress)
    : m_world(world), m_disk(disk), m_site(std::move(site)), m_shelf(world.files, disk, m_site.places),
      m_gate(gate), m_part(part), m_progress(std::move(progress)),
      m_page(world.files, m_site.deploy.maintenance_page, m_site.lang) {}

// ── the four things that can be wished ──────────────────────────────────────────────────────────────────

Outcome Transaction::release(BuildSource& source, const Wishes& wishes) {
    begin_anew("release", wishes);
    m_source = &source;
    return release_what_was_begun();
}

// Pages ask the code, not the other way round: the code comes first, and goes back last.
Outcome Transaction::release_both(BuildSource& code, BuildSource& frontend, const Wishes& wishes) {
    m_other->begin_anew("release", wishes);
    begin_anew("release", wishes, 1ms); // it leads: of the two it is the one that comes last
    m_source = &code;
    m_with = m_other;
    m_with->m_source = &frontend;
    m_with->m_leader = m_id;
    return release_what_was_begun();
}

Outcome Transaction::release_what_was_begun() {
    const bool leads = m_with != nullptr;
    return go({{"maintenance", &Transaction::know_where_the_page_belongs, m_wishes.maintenance},
               {"live-site", &Transaction::look_at_the_site},
               {"ready", &Transaction::ready},
               {"room", &Transaction::find_room},
               {"adopt", &Transaction::take_over_what_is_served},
               {"drift", &Transaction::look_for_changes_by_hand},
               {"frontend", &Transaction::bring_the_other, leads}, // what may come over a line that drops
               {"receive", &Transaction::receive},
               {"build", &Transaction::inspect},
               {"seal", &Transaction::seal},
               {"host", &Transaction::take_the_host},
               {"fence", &Transaction::hold_requests},
               {"schema", &Transaction::look_at_the_schema},
               {"migrate", &Transaction::migrate},
               {"swap", &Transaction::swap},
               {"start", &Transaction::start},
               {"frontend", &Transaction::swap_the_other, leads},
               {"gate", &Transaction::watch_it},
               {"commit", &Transaction::commit}});
}

Outcome Transaction::roll_back(const std::optional<std::string>& to, const Wishes& wishes) {
    m_wanted = to;
    const bool with_database = wishes.restores_database;
    return run("rollback",
               {{"maintenance", &Transaction::know_where_the_page_belongs, wishes.maintenance},
                {"target", &Transaction::check_target},
                {"database", &Transaction::find_earlier_database, with_database},
                {"live-site", &Transaction::look_at_the_site},
                {"ready", &Transaction::ready},
                {"database", &Transaction::look_at_earlier_database, with_database},
                {"host", &Transaction::take_the_host},
                {"fence", &Transaction::hold_requests},
                {"schema", &Transaction::look_at_the_schema},
                {"assets", &Transaction::carry_to_target},
                {"migrate", &Transaction::go_to_earlier_database, with_database},
                {"swap", &Transaction::swap},
                {"start", &Transaction::start},
                {"gate", &Transaction::watch_it},
                {"commit", &Transaction::commit}},
               wishes);
}

// The site is known to fail, so it is not asked before: what is not good afterwards was not the release's fault.
Outcome Transaction::heal(const std::string& to, const Wishes& wishes) {
    m_wanted = to;
    return run("rollback",
               {{"target", &Transaction::check_target},
                {"assets", &Transaction::carry_to_target},
                {"swap", &Transaction::swap},
                {"start", &Transaction::start},
                {"gate", &Transaction::watch_it},
                {"commit", &Transaction::commit}},
               wishes);
}

Outcome Transaction::adopt(const Wishes& wishes) {
    return run("adopt",
               {{"host", &Transaction::take_the_host}, {"adopt", &Transaction::take_over_what_is_served}},
               wishes);
}

Outcome Transaction::abandon(const Wishes& wishes) {
    return run("abandon",
               {{"target", &Transaction::check_adopted},
                {"host", &Transaction::take_the_host},
                {"adopt", &Transaction::give_the_folder_back}},
               wishes);
}

Outcome Transaction::run(const std::string& action, std::initializer_list<NamedStep> steps,
                         const Wishes& wishes) {
    begin_anew(action, wishes);
    return go(steps);
}

void Transaction::begin_anew(const std::string& action, const Wishes& wishes, Duration later) {
    m_start = m_world.clock.steady();
    m_wishes = wishes;
    m_action = action;
    m_swapped = false; // what was taken up before is over
    m_journal.reset();
    m_over = true; // it has not begun
    m_with = nullptr;
    m_leader.clear();
    m_migrating = m_schema_changed = m_snapshot_counts = false;
    m_failing.clear();
    m_earlier.reset();
    m_written_since = m_went_back = m_damaged = {};
    forget_the_fence();
    m_schema.reset();
    m_migrations = {};
    m_to.clear();
    m_gate_words = {};
    m_warnings.clear();
    m_notes.clear();
    m_id = fresh_id(m_part.kind(), m_world.clock.now().wall + later);
    m_phase = "journal";
}

Outcome Transaction::go(std::initializer_list<NamedStep> steps) {
    if (const Step no = open_journal()) {
        return outcome(Outcome::Result::refused, *no);
    }
    if (const Step no = take(steps)) {
        return m_swapped ? go_back(*no, Asking::possible) : give_up(*no);
    }
    if (m_swapped) {
        m_part.finish(m_to, voice());
    }
    const bool still_red = !m_gate_words.empty();
    return finish(still_red ? outcome(Outcome::Result::needs_human, {m_gate_words, say(k_old_fails_hint)})
                            : outcome(Outcome::Result::released));
}

Transaction::Step Transaction::take(std::initializer_list<NamedStep> steps) {
    for (const NamedStep& step : steps) {
        if (!step.is_due) {
            continue;
        }
        m_phase = step.phase;
        Step no =
            stop_requested() ? Step(Stop{say(k_stopped), {}, Stop::Kind::signal}) : (this->*step.take)();
        if (no) {
            if (stop_requested() && no->kind == Stop::Kind::refusal) {
                no->kind = Stop::Kind::signal; // what was under way was cut short by it
            }
            return no;
        }
    }
    return {};
}

Transaction::Step Transaction::bring_the_other() {
    Step no = m_with->take({{"journal", &Transaction::open_journal},
                            {"ready", &Transaction::ready},
                            {"room", &Transaction::find_room},
                            {"adopt", &Transaction::take_over_what_is_served},
                            {"drift", &Transaction::look_for_changes_by_hand},
                            {"receive", &Transaction::receive},
                            {"build", &Transaction::inspect},
                            {"seal", &Transaction::seal}});
    m_phase = no ? m_with->m_phase : m_phase;
    return no;
}

Transaction::Step Transaction::swap_the_other() {
    return m_with->take({{"swap", &Transaction::swap}, {"start", &Transaction::start}});
}

Result<Transaction::Plan> Transaction::plan(BuildSource& source, LiveSite live) {
    m_id = fresh_id(m_part.kind(), m_world.clock.now().wall);
    m_action = "release";
    const Result<Shelf::Served> served = m_shelf.served();
    LECTIO_TRY(served);
    if (served->kind == Shelf::Served::Kind::folder) {
        if (const Part::Step no = m_part.may_be_adopted(Part::Wish::deploy, m_wishes.force, voice())) {
            Plan refused;
            refused.flaws.push_back({Flaw::Weight::refuse, no->reason, no->hint});
            return refused;
        }
    }
    LECTIO_TRY(m_shelf.prepare());
    const Step red = live == LiveSite::asked ? failure_of_the_site() : Step{};
    Result<Plan> made = look_ahead(source);
    forget_what_was_brought();
    if (made && red) { // first, as it would be
        made->flaws.insert(made->flaws.begin(), {Flaw::Weight::refuse_unless_forced, red->reason, red->hint});
    }
    return made;
}

Result<Transaction::Plan> Transaction::look_ahead(BuildSource& source) {
    const Result<Shelf::Served> served = m_shelf.served();
    LECTIO_TRY(served);
    const Result<Shelf::Records> records = m_shelf.records();
    LECTIO_TRY(records);
    Result<Received> brought = source.bring(m_shelf.incoming(m_id));
    LECTIO_TRY(brought);
    Plan plan;
    if (!brought->refused.empty()) {
        plan.flaws.push_back({Flaw::Weight::refuse, brought->refused});
        return plan;
    }
    plan.size = brought->tree.size();
    plan.flaws = m_part.inspect(m_shelf.incoming(m_id), brought->tree, find(records->releases, served->id),
                                records->releases);
    if (const Result<TreeManifest> before = m_shelf.manifest(served->id); !served->id.empty() && before) {
        plan.before = served->id;
        plan.difference = compare(*before, brought->tree);
    }
    const bool is_refused = std::any_of(plan.flaws.begin(), plan.flaws.end(),
                                        [](const Flaw& flaw) { return flaw.weight == Flaw::Weight::refuse; });
    if (!is_refused) {
        m_release = Release{};
        m_manifest = std::move(brought->tree);
        const Part::Draft draft{m_release, m_manifest, find(records->releases, served->id), records->releases,
                                m_migrations};
        Part::Foresight foresight = m_part.foresee(m_shelf.incoming(m_id), draft, voice());
        plan.migrations = std::move(foresight.migrations);
        plan.flaws.insert(plan.flaws.end(), foresight.flaws.begin(), foresight.flaws.end());
    }
    if (const Release* live = find(records->releases, served->id)) {
        foretell_changes_by_hand(*live, plan);
    }
    return plan;
}

// ── small things ────────────────────────────────────────────────────────────────────────────────────────

Transaction::Step Transaction::keep(Mark mark, std::map<std::string, std::string> facts) {
    const Result<void> noted = m_journal->note(mark, std::move(facts));
    return noted ? Step{} : Step(Stop{error_words(noted.error().message)});
}

Transaction::Step Transaction::as_step(Part::Step refusal) {
    return refusal ? Step(Stop{std::move(refusal->reason), std::move(refusal->hint)}) : Step{};
}

bool Transaction::is_served() {
    const Result<Shelf::Served> served = m_shelf.served();
    return served && served->kind == Shelf::Served::Kind::release && served->id == m_to;
}

bool Transaction::is_rollback() const {
    return m_action == "rollback";
}

Outcome Transaction::outcome(Outcome::Result result) {
    return outcome(result, Stop{});
}

Outcome Transaction::outcome(Outcome::Result result, const Stop& why) {
    Outcome outcome;
    outcome.result = result;
    outcome.release = m_to.empty() ? m_id : m_to;
    outcome.previous = m_from;
    if (m_with != nullptr) {
        outcome.with = m_with->m_to.empty() ? m_with->m_id : m_with->m_to;
        outcome.previous_with = m_with->m_from;
    }
    outcome.phase = m_phase;
    outcome.reason = why.reason;
    outcome.hint = why.hint;
    if (result == Outcome::Result::released && (m_action == "adopt" || m_action == "abandon")) {
        outcome.release = m_from;
        outcome.previous.clear();
        outcome.done =
            m_action == "adopt" ? say(k_adopted, m_from) : say(k_given_back, m_site.places.served.string());
    }
    outcome.warnings = m_warnings;
    outcome.notes = m_notes;
    outcome.took = std::chrono::duration_cast<Duration>(m_world.clock.steady() - m_start);
    return outcome;
}

} // namespace lectio::release
