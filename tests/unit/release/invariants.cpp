#include "made_up_site.h"

#include <algorithm>
#include <filesystem>

#include <catch2/catch.hpp>

namespace lectio::release {
namespace {

// What nobody but a person removes.
bool has_replaced(const Path& folder) {
    return std::all_of(std::filesystem::directory_iterator(folder), {}, [](const auto& file) {
        return file.path().filename().string().starts_with("replaced.");
    });
}

bool has_gone_back(MadeUpSite& site, const std::string& id) {
    const std::vector<Shelf::Past> journals = site.journals();
    return std::any_of(journals.begin(), journals.end(), [&](const Shelf::Past& past) {
        return past.id == id && past.standing.begin->fact("action") == "rollback" && past.standing.migrate;
    });
}

} // namespace

void check_invariants(MadeUpSite& site) {
    for (const Shelf::Past& past : site.journals()) {
        INFO(past.id);
        CHECK(past.standing.ended());
        CHECK_FALSE(past.text.damaged);
    }
    CHECK(site.left_over().empty());
    CHECK_FALSE(std::filesystem::exists(site.folder / "run" / "deploy_in_progress"));
    CHECK_FALSE(std::filesystem::exists(site.maintenance_page()));
    for (const Kind kind : site.kinds()) {
        const std::string served = site.served_id(kind);
        if (!served.empty()) {
            REQUIRE(site.record(served));
            const State state =
                site.record(served)->state; // failing: somebody has written before that was known
            CHECK((state == State::good || (state == State::failing && site.serves_whole(site.fails_on))));
        }
        for (const Release& release : site.releases(kind)) {
            INFO(release.id);
            CHECK(std::filesystem::is_directory(site.served(kind).parent_path() / ".lectio-releases" /
                                                release.id));
        }
    }
    const std::string id = site.served_id();
    if (site.kind() == Kind::backend) {
        CHECK(site.running["web.service"] == site.word_served());
        if (!site.has_database()) {
            CHECK(slurp(site.served() / "data/db.sqlite3") == "rows of visitors");
        } else {
            CHECK(site.rows() == site.visits);
            const std::vector<std::string> fits =
                site.record(id) ? site.record(id)->schemas : std::vector<std::string>{};
            CHECK((fits.empty() || is_known_to_fit(*site.record(id), site.schema())));
        }
    }
    const Path snapshots = site.folder / "state" / "deploy" / "snapshots";
    if (std::filesystem::exists(snapshots)) { // of releases that are there, of rollbacks, and of none else
        for (const auto& file : std::filesystem::directory_iterator(snapshots)) {
            const std::string name = file.path().filename().string();
            CHECK((site.record(name) || has_gone_back(site, name) || has_replaced(file.path())));
        }
    }
    if (!site.programs.database.empty()) { // what was replaced lies with a snapshot
        for (const auto& file : std::filesystem::directory_iterator(site.programs.database.parent_path())) {
            CHECK_FALSE(file.path().filename().string().starts_with(".lectio-left"));
        }
    }
    if (site.kinds().size() > 1) { // they belong together
        CHECK(site.word_served(Kind::backend) == site.word_served(Kind::frontend));
    }
}

} // namespace lectio::release
