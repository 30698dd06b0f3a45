// What scripts tell under a key: told once in its window, counted, and over when it is said.
#include "incidents/key_events.h"
#include "incidents/rules.h"
#include "platform/files.h"
#include "support/temp_folder.h"
#include "util/text.h"

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;
using Kind = KeyNews::Kind;

namespace {

const WallTime k_noon(Duration(1'769'083'200'000)); // 2026-01-22 12:00 UTC

// Calls of one script, and runs of lectio-health that take them over.
struct Script {
    JudgeState state;
    std::vector<KnownKey> keys;
    std::vector<KeyEvent> left;
    std::vector<LastWord> words; // what the channels know to be told
    WallTime now = k_noon;
    int calls = 0;
    bool quiet_hours = false, mute = false;
    std::optional<Duration> escalate;
    KeyNews news;
    KeyHistory history;

    Kind call(KeyLevel level, const std::string& title = "export failed") {
        KeyEvent event{"export", "id" + std::to_string(++calls), level, now, false, title, "line 1", {}};
        history = history_of("export", state, keys, left, words);
        news = news_of(event, history, 1h);
        if (news.kind == Kind::nothing) {
            return news.kind;
        }
        event.incident = news.incident.empty() ? event.incident : news.incident;
        const bool waits = quiet_hours && level == KeyLevel::warning;
        event.told = news.kind != Kind::counted && news.kind != Kind::ended_untold && !waits;
        if (event.told) {
            say_of(event);
        }
        left.push_back(event);
        return news.kind;
    }

    void say_of(const KeyEvent& event) {
        std::erase_if(words, [&](const LastWord& word) { return word.id == event.incident; });
        const bool over = event.level == KeyLevel::over;
        words.push_back({event.incident,
                         "key-export",
                         over ? Event::resolved : Event::opened,
                         event.level == KeyLevel::critical ? Status::critical : Status::warning,
                         now,
                         now,
                         event.title,
                         {}});
    }

    // What lectio-health tells in a run now.
    std::vector<Event> run() {
        Policy policy;
        policy.tool = "health";
        policy.quiet = quiet_hours ? "00:00-23:59" : "";
        policy.zone = "UTC";
        for (const KeyEvent& event : std::exchange(left, {})) {
            count(keys, event);
        }
        forget_silent(keys, now);
        RunFacts facts;
        facts.now = {now, 24h + (now - k_noon), "boot"};
        for (const KnownKey& key : keys) {
            adopt(state, key, words);
            policy.checks.push_back(policy_of_key(key));
            policy.checks.back().escalate_critical = escalate;
            facts.observations.push_back({check_of_key(key.key), look_at(key), false});
        }
        if (mute) {
            facts.suppression.reasons = {Quiet::mute};
        }
        ToTell told = tell(judge(state, facts, policy).state, facts.suppression, {}, facts.now, policy);
        state = told.state;
        std::erase_if(keys, [](const KnownKey& key) { return key.level == KeyLevel::over; });
        std::vector<Event> events;
        for (const NewsItem& item : told.news.items) {
            events.push_back(item.event);
            last = item;
        }
        return events;
    }
    NewsItem last;
};

using Events = std::vector<Event>;

} // namespace

TEST_CASE("an event is left and read back whole, and what is none is left alone") {
    const TempFolder folder;
    SystemFiles files;
    DropFolder events(files, folder.path());
    const KeyEvent event{"a key", "abcdef", KeyLevel::critical, k_noon, true, "title", "te\nxt", {}};
    REQUIRE(leave(events, event));
    REQUIRE(left_key_events(events).size() == 1);
    const KeyEvent read = left_key_events(events)[0];
    CHECK(read.key == "a key");
    CHECK(read.incident == "abcdef");
    CHECK(read.level == KeyLevel::critical);
    CHECK(read.time == k_noon);
    CHECK(read.told);
    CHECK(read.title == "title");
    CHECK(read.text == "te\nxt");
    for (const char* text :
         {"", "[]", "{}", R"({"event":"unit","key":"a","incident":"b","level":"over","time_ms":1})",
          R"({"event":"key","key":"a","incident":"b","level":"bad","time_ms":1})",
          R"({"event":"key","key":"a","incident":"b","level":"over","time_ms":"1"})"}) {
        REQUIRE(events.drop("odd", text));
        CHECK(left_key_events(events).size() == 1);
    }
}

TEST_CASE("each key has a check of its own, whatever is in it") {
    CHECK(check_of_key("backup") == "key-backup");
    for (const std::string& key :
         std::vector<std::string>{"", "Backup", "резервная копия", "a b", "../x", std::string(300, 'x')}) {
        CAPTURE(key);
        CHECK(is_name(check_of_key(key)));
        CHECK(check_of_key(key).starts_with("key-"));
    }
    CHECK(check_of_key("a b") != check_of_key("a_b"));
    CHECK(check_of_key("a b") != check_of_key("a  b"));
}

TEST_CASE("the same key is told once in its window, then with the count of what was not told") {
    Script script;
    CHECK(script.call(KeyLevel::warning) == Kind::opened);
    for (int i = 0; i < 4; ++i) {
        script.now += 12min;
        CHECK(script.call(KeyLevel::warning) == Kind::counted);
        CHECK(script.news.incident == "id1");
    }
    script.now += 12min;
    CHECK(script.call(KeyLevel::warning) == Kind::repeated);
    REQUIRE(script.history.known);
    CHECK(script.history.known->untold == 4);
    CHECK(more_times(4, script.now - *script.history.known->told_at).ru == "ещё 4 раза за час");
    script.now += 1min;
    CHECK(script.call(KeyLevel::critical) == Kind::risen);
    CHECK(script.call(KeyLevel::critical) == Kind::counted);
    CHECK(script.call(KeyLevel::over) == Kind::ended);
    CHECK(script.history.known->times == 8);
    CHECK(script.call(KeyLevel::over) == Kind::nothing);
    CHECK(script.call(KeyLevel::warning) == Kind::opened);
    CHECK(script.news.incident.empty()); // another incident
}

TEST_CASE("counts have the forms that Russian asks for") {
    CHECK(more_times(1, 1min).ru == "ещё 1 раз за минуту");
    CHECK(more_times(2, 2min).ru == "ещё 2 раза за 2 минуты");
    CHECK(more_times(5, 21min).ru == "ещё 5 раз за 21 минуту");
    CHECK(more_times(11, 5min).ru == "ещё 11 раз за 5 минут");
    CHECK(more_times(21, 1h + 10min).ru == "ещё 21 раз за час");
    CHECK(more_times(22, 5h).ru == "ещё 22 раза за 5 часов");
    CHECK(more_times(104, 24h * 4).ru == "ещё 104 раза за 4 дня");
    CHECK(more_times(1, 1h).en == "1 more time within the hour");
    CHECK(more_times(4, 2h).en == "4 more times within 2 hours");
    CHECK(more_times(3, 0s).ru == "ещё 3 раза");
}

TEST_CASE("lectio-health takes it over under the same id, tells nothing twice, and ends in silence what was "
          "ended") {
    Script script;
    script.call(KeyLevel::critical);
    CHECK(script.run().empty());
    const IncidentState* open = script.state.open_incident("key-export");
    REQUIRE(open != nullptr);
    CHECK(open->id == "id1");
    CHECK(open->level == Status::critical);
    CHECK(open->told == Status::critical);
    script.now += 1min;
    CHECK(script.call(KeyLevel::critical) == Kind::counted);
    CHECK(script.run().empty());
    CHECK(script.state.open_incident("key-export")->message.ru == "export failed (уже 2 раза)");
    script.now += 59min;
    CHECK(script.run() == Events{Event::reminder}); // as of any other incident
    script.now += 1min;
    CHECK(script.call(KeyLevel::critical) == Kind::counted); // it was told a minute ago
    CHECK(script.call(KeyLevel::over, "") == Kind::ended);
    CHECK(script.run().empty());
    CHECK(script.state.open_incident("key-export") == nullptr);
    CHECK(script.keys.empty());
    CHECK(script.run().empty());
}

TEST_CASE("what a caller could not tell any more lectio-health tells, the end too") {
    Script script;
    script.call(KeyLevel::warning);
    script.words.clear(); // killed in between
    CHECK(script.run() == Events{Event::opened});
    CHECK(script.last.incident.id == "id1");
    CHECK(script.last.incident.evidence == "line 1");
    script.call(KeyLevel::over);
    script.words.clear();
    CHECK(script.run() == Events{Event::resolved});
    CHECK(script.state.incidents.empty());
}

TEST_CASE("what was left to the morning and is over before a run has seen it is told in the morning") {
    Script script;
    script.quiet_hours = true;
    script.call(KeyLevel::warning);
    script.call(KeyLevel::over, "");
    CHECK(script.news.kind == Kind::ended_untold);
    CHECK(script.run().empty());
    CHECK(script.run().empty()); // nothing is open, and it waits once
    REQUIRE(script.state.incidents.size() == 1);
    CHECK(script.state.open_incident("key-export") == nullptr);
    script.quiet_hours = false;
    CHECK(script.run() == Events{Event::mended});
    CHECK(script.last.incident.message.en == "export failed");
    CHECK(script.last.incident.key == "export");
    CHECK(script.run().empty());
}

TEST_CASE("what came and went unseen under a mute is told at no time, nor what its caller has told") {
    Script script;
    script.quiet_hours = true;
    script.mute = true;
    script.call(KeyLevel::warning);
    script.call(KeyLevel::over, "");
    CHECK(script.run().empty());
    CHECK(script.state.incidents.empty());
    script.quiet_hours = script.mute = false;
    script.call(KeyLevel::critical);
    script.call(KeyLevel::over, "");
    CHECK(script.run().empty());
    CHECK(script.state.incidents.empty());
}

TEST_CASE("it escalates like any other, until somebody has acknowledged it or it is over") {
    Script script;
    script.escalate = 15min;
    script.call(KeyLevel::critical);
    CHECK(script.run().empty());
    script.now += 14min;
    script.call(KeyLevel::critical); // counted: that it is said again is no answer
    CHECK(script.run().empty());
    script.now += 1min;
    CHECK(script.run() == Events{Event::escalated});
    CHECK(script.last.incident.key == "export");
    script.now += 15min;
    CHECK(script.run().empty());
    script.call(KeyLevel::over);
    script.run();

    script.call(KeyLevel::critical);
    script.run();
    script.state.incidents[0].acknowledged = true;
    script.now += 30min;
    CHECK(script.run().empty());
}

TEST_CASE("an acknowledged one is counted until it gets worse") {
    Script script;
    script.call(KeyLevel::warning);
    script.run();
    script.state.incidents[0].acknowledged = true;
    script.now += 3h;
    CHECK(script.call(KeyLevel::warning) == Kind::counted);
    CHECK(script.call(KeyLevel::critical) == Kind::risen);
    script.run();
    CHECK_FALSE(script.state.incidents[0].acknowledged);
}

TEST_CASE("what nobody has repeated for longer than a day is closed, and not as good") {
    Script script;
    script.call(KeyLevel::warning);
    script.run();
    script.now += 25h;
    CHECK(script.run().empty()); // a job of each night may be late
    script.now += 2h;
    CHECK(script.run() == Events{Event::unwatched});
    script.words.clear(); // which the channels know now
    CHECK(script.call(KeyLevel::over) == Kind::nothing);
}

TEST_CASE("information opens no incident") {
    Script script;
    CHECK(script.call(KeyLevel::info) == Kind::opened);
    CHECK(script.call(KeyLevel::info) == Kind::counted);
    CHECK(script.call(KeyLevel::over) == Kind::nothing);
    CHECK(script.call(KeyLevel::warning) == Kind::risen);
}

TEST_CASE("a lost state of lectio-health leaves no opening without its end") {
    Script script;
    script.call(KeyLevel::critical);
    script.left.clear();
    CHECK(script.call(KeyLevel::critical) == Kind::counted);
    script.left.clear();
    CHECK(script.call(KeyLevel::over) == Kind::ended);
    CHECK(script.news.incident == "id1");
}

TEST_CASE("a clock that is set back for a year keeps nothing waiting for a year") {
    Script script;
    script.call(KeyLevel::warning);
    script.now -= 24h * 365;
    CHECK(script.call(KeyLevel::warning) == Kind::repeated);
    CHECK(script.call(KeyLevel::warning) == Kind::counted);
}

TEST_CASE("known keys survive their JSON; what is odd is left out") {
    Script script;
    script.call(KeyLevel::critical);
    script.call(KeyLevel::critical);
    script.run();
    REQUIRE(script.keys.size() == 1);
    CHECK(keys_from_json(to_json(script.keys)) == script.keys);
    for (const char* text : {"", "{}", "[{}]", "[7]", R"([{"key":"a","incident":"b","level":"odd"}])"}) {
        CHECK(keys_from_json(text).empty());
    }
}
