#include "release/earlier_database.h"

#include "release/migrations.h"
#include "util/text.h"

#include <algorithm>

#include <fmt/format.h>

namespace lectio::release {
namespace {

using namespace std::chrono_literals;

constexpr Phrase k_other_schema{
    "the database has been changed since {} was served, and nobody knows that it runs with it as it is now",
    "базу с тех пор, как отдавался {}, изменили: неизвестно, работает ли он с ней"};
constexpr Phrase k_beyond_adding{
    "migrations that do more than add were applied since {} was served",
    "с тех пор, как отдавался {}, применены миграции, которые не только добавляют"};

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

// By which deploy it was left last; end: by none that is known.
std::vector<Shelf::Past>::const_iterator when_left(const std::vector<Shelf::Past>& journals,
                                                   const std::string& id) {
    const auto last = std::find_if(journals.rbegin(), journals.rend(), [&](const Shelf::Past& past) {
        return past.standing.committed && past.standing.swap && past.standing.swap->fact("from") == id;
    });
    return last == journals.rend() ? journals.end() : last.base() - 1;
}

bool is_beyond_adding(const Standing& standing) {
    return stayed(standing) && standing.restores() &&
           standing.migrate->fact("class") != to_string(MigrationClass::additive);
}

} // namespace

std::set<std::string> telling_of(const std::vector<Shelf::Past>& journals,
                                 const std::vector<Release>& releases) {
    std::set<std::string> ids;
    for (const Release& release : releases) {
        const auto left = when_left(journals, release.id);
        for (auto past = left; past != journals.end(); ++past) {
            if (past == left || past->standing.migrate) {
                ids.insert(past->id);
            }
        }
    }
    return ids;
}

SinceServed since_served(const std::vector<Shelf::Past>& journals, const Release& target) {
    SinceServed since;
    for (auto past = when_left(journals, target.id); past != journals.end(); ++past) {
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

Text against_code_alone(const SinceServed& since, const Release& target, const std::string& schema) {
    const bool fits = target.schemas.empty() || is_known_to_fit(target, schema);
    return !fits                    ? say(k_other_schema, target.id)
           : since.is_beyond_adding ? say(k_beyond_adding, target.id)
                                    : Text{};
}

std::string as_accepted(Duration loss) {
    constexpr Duration k_to_type = 2min;
    const Duration accepted = loss + k_to_type;
    return accepted < 1h ? fmt::format("{}m", std::chrono::ceil<std::chrono::minutes>(accepted).count())
                         : fmt::format("{}h", std::chrono::ceil<std::chrono::hours>(accepted).count());
}

} // namespace lectio::release
