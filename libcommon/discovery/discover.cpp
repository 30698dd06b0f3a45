#include "discovery/discover.h"

#include "discovery/finder.h"
#include "platform/services.h"

#include <algorithm>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr Duration k_bus_timeout{1000};

// One failed unit is one fault: the check of all units comes behind those that have their own.
void tie_units(Discovered& found) {
    const auto all = std::find_if(found.checks.begin(), found.checks.end(),
                                  [](const FoundCheck& check) { return check.about == "units"; });
    if (all == found.checks.end()) {
        return;
    }
    // Those that have stopped are there from the last look.
    for (const FoundCheck& check : found.checks) {
        const bool is_tied = std::find(all->needs.begin(), all->needs.end(), check.about) != all->needs.end();
        if (check.about.starts_with("unit ") && !is_tied) {
            all->needs.push_back(check.about);
        }
    }
}

// Whether what is not found any more was taken away on purpose.
class Wishes {
  public:
    Wishes(World& world, const Finder& finder) : m_world(world), m_finder(finder) {}

    bool operator()(const FoundCheck& check) const {
        constexpr std::string_view k_unit = "unit ";
        if (check.about.starts_with(k_unit)) {
            return is_retired(check.about.substr(k_unit.size()));
        }
        const bool named = check.about.starts_with("site ") || check.about.starts_with("frontend ") ||
                           check.about.starts_with("certificate ");
        // While nginx does not run or cannot be read, nothing says that a site is not wanted.
        return check.gone == FoundCheck::Gone::wish && (!named || m_finder.nginx_read);
    }

  private:
    // Removed, masked or disabled: nobody wants it to run at the next boot.
    [[nodiscard]] bool is_retired(const std::string& unit) const {
        const Result<UnitState> state = m_world.services.unit(unit, k_bus_timeout);
        return state && state->active_state != "failed" &&
               (state->load_state == "not-found" || state->load_state == "masked" ||
                state->unit_file_state == "disabled");
    }

    World& m_world;
    const Finder& m_finder;
};

std::vector<std::string> names_of(const std::vector<std::string>& abouts, const Discovered& all) {
    std::vector<std::string> names;
    for (const std::string& about : abouts) {
        const FoundCheck* check = all.find(about);
        if (check != nullptr && std::find(names.begin(), names.end(), check->name) == names.end()) {
            names.push_back(check->name);
        }
    }
    return names;
}

} // namespace

Discovered discover(World& world, const Discovered& known, const DiscoverRequest& request) {
    Finder finder(world, known, request);
    find_host(finder);
    find_services(finder);
    find_sites(finder);
    find_compose(finder);
    find_ports(finder);
    find_disks(finder);
    tie_units(finder.found);
    Discovered all = remember(known, finder.found, world.clock.now().wall, Wishes(world, finder));
    all.missed = finder.view.doubts;
    all.missed.insert(all.missed.end(), finder.files.missed().begin(), finder.files.missed().end());
    return all;
}

std::string config_of(const FoundCheck& check, const Discovered& names) {
    std::string text = fmt::format("[health.check.{}]\ntype = {}\n", check.name, toml_text(check.type));
    for (const auto& [key, value] : check.keys) {
        text += fmt::format("{} = {}\n", key, value);
    }
    if (const std::vector<std::string> needs = names_of(check.needs, names); !needs.empty()) {
        text += fmt::format("needs = {}\n", toml_list(needs));
    }
    return text;
}

std::string config_of(const Discovered& discovered) {
    std::string text;
    for (const FoundCheck& check : discovered.checks) {
        text += config_of(check, discovered) + "\n";
    }
    return text;
}

} // namespace lectio
