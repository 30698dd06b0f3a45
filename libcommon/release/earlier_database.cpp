#include "release/earlier_database.h"

#include "release/migrations.h"
#include "util/text.h"

#include <algorithm>

#include <fmt/format.h>

namespace lectio::release {
namespace {

using namespace std::chrono_literals;

// Its tables are there, or it has taken others back.
bool stayed(const Standing& standing) {
    return standing.migrate && !standing.restored;
}

// Who wrote while it was being copied may be in it or not.
WallTime when_taken(const Shelf::Past& past) {
    WallTime taken = past.standing.migrate->time;
    for (const Entry& entry : past.text.entries) {
        taken = entry.mark == Mark::snapshot ? entry.time : taken;
    }
    return taken;
}

bool is_beyond_adding(const Standing& standing) {
    return stayed(standing) && standing.restores() &&
           standing.migrate->fact("class") != to_string(MigrationClass::additive);
}

} // namespace

SinceServed since_served(const std::vector<Shelf::Past>& journals, const Release& target) {
    const auto has_left = std::find_if(journals.rbegin(), journals.rend(), [&](const Shelf::Past& past) {
        return past.standing.committed && past.standing.swap && past.standing.swap->fact("from") == target.id;
    });
    SinceServed since;
    if (has_left == journals.rend()) {
        return since;
    }
    for (auto past = has_left.base() - 1; past != journals.end(); ++past) {
        const Standing& standing = past->standing;
        if (!standing.migrate) {
            continue;
        }
        const Entry& migrate = *standing.migrate;
        if (!since.is_beyond_adding && is_known_to_fit(target, migrate.fact("schema"))) {
            since.all.insert(
                since.all.begin(),
                {past->id, migrate.fact("schema"), migrate.fact("database"), when_taken(*past), {}});
        }
        since.is_beyond_adding = since.is_beyond_adding || is_beyond_adding(standing);
        if (stayed(standing)) {
            for (EarlierDatabase& each : since.all) {
                each.done.push_back(clean_line(migrate.fact("migrations")));
            }
        }
    }
    return since;
}

std::string as_accepted(Duration loss) {
    constexpr Duration k_to_type = 2min;
    const Duration accepted = loss + k_to_type;
    return accepted < 1h ? fmt::format("{}m", std::chrono::ceil<std::chrono::minutes>(accepted).count())
                         : fmt::format("{}h", std::chrono::ceil<std::chrono::hours>(accepted).count());
}

} // namespace lectio::release
