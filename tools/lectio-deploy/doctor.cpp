#include "doctor.h"

#include "release/configured_gate.h"
#include "release/doctor_looks.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace lectio::deploy {
namespace {

constexpr Phrase k_well{
    "nothing here will hurt a deploy: units, nginx, page, rights, room, clock and what earlier "
    "deploys have left were looked at",
    "деплою здесь ничто не помешает: проверены юниты, nginx, страница, права, место, часы и то, "
    "что осталось от прежних деплоев"};
constexpr Phrase k_breaks{"CRITICAL  {}", "КРИТИЧНО  {}"};
constexpr Phrase k_hurts{"WARNING   {}", "ВНИМАНИЕ  {}"};
constexpr Phrase k_unseen{"UNKNOWN   {}", "НЕИЗВЕСТНО  {}"};
constexpr Phrase k_mend{"{}\n          → {}", "{}\n          → {}"};

Text words_of(const release::Finding& finding) {
    const Text words = finding.status == Status::critical  ? say(k_breaks, finding.words)
                       : finding.status == Status::warning ? say(k_hurts, finding.words)
                                                           : say(k_unseen, finding.words);
    return finding.hint.empty() ? words : say(k_mend, words, finding.hint);
}

} // namespace

int doctor(Session& session) {
    release::Shelf shelf = session.shelf(release::Kind::frontend);
    const release::ConfiguredGate gate(session.loaded(), session.world(), session.frontend().path);
    const std::vector<release::Finding> findings = release::judge_conditions(release::look_at_conditions(
        session.world(), session.disk(), session.config(), shelf, gate.has_checks() || gate.has_walk()));
    Text words = findings.empty() ? say(k_well) : Text{};
    nlohmann::json list = nlohmann::json::array();
    for (const release::Finding& finding : findings) {
        words = join(words.empty() ? "" : "\n", {words, words_of(finding)});
        list.push_back({{"name", finding.name},
                        {"status", to_string(finding.status)},
                        {"message", finding.words.in(session.lang())},
                        {"hint", finding.hint.in(session.lang())}});
    }
    const bool breaks = std::any_of(findings.begin(), findings.end(), [](const release::Finding& finding) {
        return finding.status == Status::critical;
    });
    return session.say_outcome(words, breaks ? 2 : findings.empty() ? 0 : 1, {{"findings", list}});
}

} // namespace lectio::deploy
