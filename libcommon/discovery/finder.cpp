#include "discovery/finder.h"

#include "platform/clock.h"
#include "util/text.h"

#include <algorithm>

namespace lectio {
namespace {

constexpr Duration k_all_questions{3000};
constexpr Duration k_one_question{1000};
constexpr Duration k_too_little{50};
// The questions are asked within it.
constexpr Duration k_all_files{5000};
constexpr std::size_t k_most_checks = 300;

constexpr Phrase k_too_many{"more than {} things to watch were found: not watched are {} and what follows",
                            "найдено больше {} объектов для проверки: не проверяются {} и следующие"};

} // namespace

Finder::Finder(World& outside, const Discovered& before, const DiscoverRequest& wanted)
    : world(outside), known(before), request(wanted), view(look_at(outside)),
      files(outside.files, outside.host.mounts().value_or({}), outside.clock,
            outside.clock.steady() + k_all_files),
      m_end(outside.clock.steady() + k_all_questions) {}

void Finder::add(FoundCheck check) {
    // What it depends on can be seen only while that runs: a stopped program holds no port.
    if (const FoundCheck* before = known.find(check.about); before != nullptr && check.needs.empty()) {
        check.needs = before->needs;
    }
    if (!request.knows_type(check.type) || found.find(check.about) != nullptr) {
        return;
    }
    if (found.checks.size() >=
        k_most_checks) { // whoever may listen on ports could have them all connected to
        files.miss(m_is_full ? Text{} : say(k_too_many, k_most_checks, clean_line(check.about)));
        m_is_full = true;
        return;
    }
    found.checks.push_back(std::move(check));
}

const FoundCheck* Finder::settled(const std::string& about) const {
    const FoundCheck* before = known.find(about);
    return before != nullptr && before->settled ? before : nullptr;
}

Duration Finder::time_to_ask() const {
    const auto left = std::chrono::duration_cast<Duration>(m_end - world.clock.steady());
    return left < k_too_little ? Duration::zero() : std::min(left, k_one_question);
}

std::string Finder::about_running(const RunningProgram& program) {
    const std::string module = application_module(program.program);
    return program.unit.empty() ? "program " + program.program.name + (module.empty() ? "" : " ") + module
                                : "unit " + program.unit;
}

std::string Finder::about_owner(const OwnedListener& listener) const {
    if (!listener.unit.empty()) {
        return "unit " + listener.unit;
    }
    const auto owner =
        std::find_if(view.programs.begin(), view.programs.end(),
                     [&](const RunningProgram& each) { return each.pid == listener.listener.pid; });
    return owner == view.programs.end() ? "" : about_running(*owner);
}

std::string Finder::base_name(const RunningProgram& program) {
    return program.unit.empty() ? program.program.name : program.unit.substr(0, program.unit.rfind('.'));
}

} // namespace lectio
