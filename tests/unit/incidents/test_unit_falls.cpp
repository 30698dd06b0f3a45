#include "checks/accepted_change.h"
#include "incidents/acknowledgements.h"
#include "incidents/unit_falls.h"
#include "platform/files.h"
#include "support/temp_folder.h"

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

const WallTime k_noon(Duration(1'769'083'200'000)); // 2026-01-22 12:00 UTC

UnitFall fall_at(WallTime time, const std::string& incident, Status level = Status::warning) {
    UnitFall fall;
    fall.incident = incident;
    fall.unit = "demo.service";
    fall.check = "demo";
    fall.time = time;
    fall.level = level;
    fall.told = true;
    fall.message = verbatim("demo.service fell");
    fall.evidence = "its last words";
    return fall;
}

Policy policy() {
    Policy policy;
    policy.tool = "health";
    policy.checks.push_back({"demo", "systemd", Layer::unit, Recheck::yes, CheckCommon{}});
    return policy;
}

LastWord told(const std::string& id, Status level, Event event = Event::opened) {
    LastWord word;
    word.id = id;
    word.check = "demo";
    word.event = event;
    word.level = level;
    word.time = k_noon;
    return word;
}

struct Health {
    JudgeState state;
    std::vector<FallenUnit> units;
    Policy rules = policy();

    void adopt_with(const std::vector<UnitFall>& falls, const std::vector<LastWord>& words) {
        adopt(state, units, falls, {rules, {{"demo.service", "demo"}}, words});
    }
    Judgement look(Status status, WallTime at) {
        RunFacts facts;
        CheckResult result;
        result.status = status;
        result.message = verbatim("seen");
        facts.observations.push_back({"demo", result});
        facts.now = {at, 24h, "boot"};
        facts.seed = 7;
        Judgement judged = judge(state, facts, rules);
        state = judged.state;
        return judged;
    }
    std::vector<Event> tell_at(WallTime at) {
        ToTell now = tell(state, {}, {}, {at, 24h, "boot"}, rules);
        state = now.state;
        std::vector<Event> events;
        for (const NewsItem& item : now.news.items) {
            events.push_back(item.event);
        }
        return events;
    }
};

} // namespace

TEST_CASE("A fall is left and read back whole") {
    const TempFolder folder;
    SystemFiles files;
    const DropFolder events = event_folder(files, folder.path());
    UnitFall fall = fall_at(k_noon, "abcdef", Status::critical);
    fall.counted = false;
    fall.hint = {"look", "смотрите"};
    REQUIRE(leave(events, fall));
    const std::vector<UnitFall> read = left_falls(events);
    REQUIRE(read.size() == 1);
    CHECK(read[0].incident == "abcdef");
    CHECK(read[0].unit == "demo.service");
    CHECK(read[0].time == k_noon);
    CHECK(read[0].level == Status::critical);
    CHECK(read[0].told);
    CHECK_FALSE(read[0].counted);
    CHECK(read[0].hint == fall.hint);
    CHECK(read[0].evidence == "its last words");
}

TEST_CASE("What is no event in the folder of events is left alone") {
    const TempFolder folder;
    SystemFiles files;
    DropFolder events = event_folder(files, folder.path());
    for (const char* text :
         {"", "[]", "{}", "null", R"({"event":"unit"})",
          R"({"event":"unit","unit":7,"incident":"a","check":"b","time_ms":"soon"})",
          R"({"event":"unit","unit":"a.service","incident":"a","check":"../b","time_ms":1})"}) {
        REQUIRE(events.drop("odd", text));
        CHECK(left_falls(events).empty());
    }
}

TEST_CASE("A first fall is told, those of a loop are counted, giving up is told once more") {
    FallHistory history;
    const UnitFall first = fall_at(k_noon, "aaaaaa");
    FallNews news = news_of(first, history, "UTC");
    CHECK(news.new_to_operator);
    CHECK(news.event == Event::opened);
    CHECK(news.incident == "aaaaaa");
    CHECK(news.today == 1);

    history.waiting.push_back(first);
    UnitFall second = fall_at(k_noon + 1s, "bbbbbb");
    news = news_of(second, history, "UTC");
    CHECK_FALSE(news.new_to_operator);
    CHECK(news.incident == "aaaaaa");
    CHECK(news.today == 2);
    second.incident = news.incident;
    second.told = false;
    history.waiting.push_back(second);

    UnitFall end = fall_at(k_noon + 2s, "cccccc", Status::critical);
    CHECK(has_just_fallen(end, history));
    end.counted = false;
    news = news_of(end, history, "UTC");
    CHECK(news.new_to_operator);
    CHECK(news.event == Event::risen);
    CHECK(news.incident == "aaaaaa");
    CHECK(news.since == k_noon);
    CHECK(news.today == 2);

    end.incident = news.incident;
    history.waiting.push_back(end);
    CHECK_FALSE(news_of(fall_at(k_noon + 3s, "dddddd", Status::critical), history, "UTC").new_to_operator);
}

TEST_CASE("A fall is left to lectio-health only where that runs") {
    JudgeState health;
    CHECK_FALSE(is_taken_over(health, k_noon));
    health.last_run = Now{k_noon - 1min, 24h, "boot"};
    CHECK(is_taken_over(health, k_noon));
    CHECK_FALSE(is_taken_over(health, k_noon + 2h));
    CHECK_FALSE(is_taken_over(health, k_noon - 3h)); // nobody knows how long ago it was
}

TEST_CASE("What nobody has taken over for an hour silences no later fall") {
    FallHistory history;
    history.waiting.push_back(fall_at(k_noon, "aaaaaa"));
    const FallNews news = news_of(fall_at(k_noon + 61min, "bbbbbb"), history, "UTC");
    CHECK(news.new_to_operator);
    CHECK(news.incident == "bbbbbb");
    CHECK(news.today == 2);
}

TEST_CASE("What lectio-health has told of the unit is not told again") {
    Health health;
    health.look(Status::critical, k_noon);
    CHECK(health.tell_at(k_noon) == std::vector{Event::opened});
    FallHistory history{health.state, {}, {}};
    const FallNews news = news_of(fall_at(k_noon + 10s, "bbbbbb", Status::critical), history, "UTC");
    CHECK_FALSE(news.new_to_operator);
    CHECK(news.incident == health.state.incidents.at(0).id);
}

TEST_CASE("The end of a fall that was told is told, by the next run that finds the unit well") {
    Health health;
    health.look(Status::ok, k_noon - 1min);
    health.adopt_with({fall_at(k_noon, "aaaaaa")}, {told("aaaaaa", Status::warning)});
    REQUIRE(health.state.incidents.size() == 1);
    CHECK(health.state.incidents[0].id == "aaaaaa");
    health.look(Status::ok, k_noon + 30s);
    CHECK(health.tell_at(k_noon + 30s) == std::vector{Event::resolved});
    CHECK(health.units.size() == 1); // remembered: the next fall of today is the second
    // The run that took it over may have died before it removed the file.
    health.adopt_with({fall_at(k_noon, "aaaaaa")}, {told("aaaaaa", Status::warning, Event::resolved)});
    CHECK(health.state.incidents.empty());
}

TEST_CASE("A fall that its teller died of is told by lectio-health") {
    Health health;
    health.adopt_with({fall_at(k_noon, "aaaaaa", Status::critical)}, {});
    health.look(Status::critical, k_noon + 30s);
    CHECK(health.tell_at(k_noon + 30s) == std::vector{Event::opened});
    CHECK(health.state.incidents.at(0).id == "aaaaaa");
}

TEST_CASE("What is down is told once, whoever told it, and its rise once") {
    Health health;
    health.adopt_with({fall_at(k_noon, "aaaaaa")}, {told("aaaaaa", Status::warning)});
    health.look(Status::critical, k_noon + 30s);
    CHECK(health.tell_at(k_noon + 30s) == std::vector{Event::risen});
    UnitFall end = fall_at(k_noon + 40s, "aaaaaa", Status::critical);
    end.counted = false;
    health.adopt_with({end}, {told("aaaaaa", Status::critical, Event::risen)});
    health.look(Status::critical, k_noon + 90s);
    CHECK(health.tell_at(k_noon + 90s).empty());
}

TEST_CASE("What fell twice within an hour is restless, and is forgotten after a day") {
    Health health;
    health.adopt_with({fall_at(k_noon, "aaaaaa"), fall_at(k_noon + 1s, "aaaaaa")}, {});
    REQUIRE(health.units.size() == 1);
    CHECK(is_restless(health.units[0], k_noon + 59min));
    CHECK_FALSE(is_restless(health.units[0], k_noon + 61min));
    health.state.incidents.clear();
    forget_well(health.units, health.state, k_noon + 23h);
    CHECK(health.units.size() == 1);
    forget_well(health.units, health.state, k_noon + 25h);
    CHECK(health.units.empty());
}

TEST_CASE("A check that is made for a unit has a name of its own") {
    CHECK(check_for_unit("celery-default.service", {}) == "celery-default");
    CHECK(check_for_unit("nginx.service", {"nginx"}) == "unit-nginx");
    CHECK(check_for_unit("backup.timer", {}) == "backup-timer");
    CHECK(check_for_unit("getty@tty1.service", {}) == "getty-tty1");
    CHECK(check_for_unit("_x.service", {}) == "unit-_x");
    CHECK(check_for_unit(std::string(200, 'a') + ".service", {}).size() == 64);
}

TEST_CASE("Of a change the acknowledgement accepts what was told, and holds for nothing else") {
    Health health;
    health.look(Status::warning, k_noon);
    const IncidentState& incident = health.state.incidents.at(0);
    std::map<std::string, std::string>& memory = health.state.checks.at(incident.subject).memory;
    memory = {{k_told_change, "nginx=1"}, {"nginx-0", "names"}};
    adopt(health.state, {{"health", incident.id, Status::warning, "anna", k_noon, "health-x.json"}});
    CHECK_FALSE(
        health.state.incidents[0].acknowledged); // still wrong at the next look: something else has changed
    CHECK(memory == std::map<std::string, std::string>{{k_accepted_change, "nginx=1"}, {"nginx-0", "names"}});
}

TEST_CASE("An acknowledgement holds until it gets worse") {
    Health health;
    health.look(Status::warning, k_noon);
    const std::string id = health.state.incidents.at(0).id;
    const Acknowledgement seen{"health", id, Status::warning, "anna", k_noon, "health-x.json"};
    adopt(health.state, {seen});
    CHECK(health.state.incidents[0].acknowledged);
    health.look(Status::critical, k_noon + 1min);
    CHECK_FALSE(health.state.incidents[0].acknowledged);
    adopt(health.state, {seen}); // of what was a warning then
    CHECK_FALSE(health.state.incidents[0].acknowledged);
}
