#include "alerts/merge.h"
#include "news_samples.h"
#include "support/telegram_server.h"
#include "util/text.h"

#include <string>
#include <utility>

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

const Voice k_voice{Lang::ru, "UTC"};
const MergePolicy k_policy{};

// A letter of `minutes` before now.
Letter letter(Message message, int minutes) {
    message.time = sample_now().wall - std::chrono::minutes(minutes);
    return {std::to_string(minutes), Letter::State::fresh, std::move(message)};
}

Letter told(Event event, const std::string& id, const std::string& check, int minutes) {
    Incident incident = sample_incident(check, "http", Status::critical, verbatim("HTTP 500"));
    incident.id = id;
    incident.hint = verbatim("look");
    return letter(*compose(sample_news({sample_item(event, incident, 4min)}), k_voice), minutes);
}

Letter words(std::string text, int minutes, Level level = Level::info) {
    return letter(compose(Words{level, "", std::move(text), "", "lectio-1", {}}, Lang::ru), minutes);
}

Batch batch_of(const std::vector<Letter>& waiting) {
    return next_batch(waiting, sample_now().wall, k_policy, k_voice);
}

} // namespace

TEST_CASE("few and fresh messages go as they are") {
    const Batch one = batch_of({told(Event::opened, "A", "site", 0)});
    CHECK(one.letters == 1);
    CHECK_FALSE(one.merged);
    const Batch three = batch_of({words("a", 0), words("b", 0), words("c", 0)});
    CHECK(three.letters == 1);
    CHECK_FALSE(three.merged);
    // One that is old is alone: there is nothing to put it together with.
    CHECK_FALSE(batch_of({told(Event::opened, "A", "site", 60)}).merged);
}

TEST_CASE("what may wait was kept back, and not held up by the network") {
    Letter kept = words("backup done", 600);
    kept.state = Letter::State::later;
    const Batch batch = batch_of({kept, words("size 2 GB", 599)});
    CHECK(batch.message.title == "ℹ️ Накопилось: 2 сообщения · lectio-1");
}

TEST_CASE("what waited is told as it ended") {
    const Batch batch = batch_of({told(Event::opened, "A", "site", 12), told(Event::opened, "B", "redis", 9),
                                  words("backup done\nsize 2 GB", 7), told(Event::resolved, "A", "site", 5)});
    CHECK(batch.merged);
    CHECK(batch.letters == 4);
    CHECK(plain_text(batch.message) == "🚨 Пока связи не было: 3 сообщения · lectio-1\n"
                                       "Сейчас всё ещё не в порядке: redis\n"
                                       "С 10:00 до 10:07.\n"
                                       "🚨 10:03 redis: HTTP 500\n"
                                       "→ look\n"
                                       "10:05 ℹ️ backup done · lectio-1\n"
                                       "size 2 GB\n"
                                       "✅ 10:07 site: снова в порядке (4 минуты)");
    CHECK(batch.message.level == Level::critical);
    CHECK(batch.message.subjects.size() == 2);
}

TEST_CASE("what a script has told is called by its key, not by the name that its check has") {
    Letter key = told(Event::opened, "A", "key-abcdef", 12);
    key.message.subjects[0].key = "резервная копия";
    const Batch batch = batch_of({key, words("b", 5)});
    CHECK(batch.message.lines.at(0).pieces.at(0).text == "Сейчас всё ещё не в порядке: резервная копия");
}

TEST_CASE("many fresh ones are put together, too, and nobody speaks of an outage then") {
    const Batch batch = batch_of({words("a", 0), words("b", 0), words("c", 0), words("d", 0)});
    CHECK(batch.merged);
    CHECK(batch.letters == 4);
    CHECK(batch.message.title == "ℹ️ Сразу несколько: 4 сообщения · lectio-1");
}

TEST_CASE("one incident that waited is told whole, by its last message") {
    const Letter end = told(Event::resolved, "A", "site", 5);
    const Batch batch =
        batch_of({told(Event::opened, "A", "site", 12), told(Event::needs_person, "A", "site", 9), end});
    CHECK(batch.letters == 3);
    CHECK_FALSE(batch.merged);
    CHECK(batch.message == end.message);
}

TEST_CASE("texts are kept whole, as many to a message as fit, in order") {
    std::vector<Letter> waiting;
    for (int i = 0; i < 30; ++i) {
        waiting.push_back(words("text " + std::to_string(i) + "\n" + std::string(900, 'x'), 40 - i));
    }
    std::size_t sent = 0;
    std::string all;
    while (!waiting.empty()) {
        const Batch batch = batch_of(waiting);
        REQUIRE(batch.letters >= 1);
        const std::string text = plain_text(batch.message);
        REQUIRE(utf16_length(text) <= 4096);
        all += text + "\n";
        waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(batch.letters));
        ++sent;
    }
    CHECK(sent <= 10);
    std::size_t at = 0;
    for (int i = 0; i < 30; ++i) {
        at = all.find("text " + std::to_string(i) + " ", at);
        REQUIRE(at != std::string::npos);
    }
}

TEST_CASE("a text too long for company goes alone") {
    const Batch batch = batch_of({words(std::string(6000, 'x'), 30), words("b", 20)});
    CHECK(batch.letters == 1);
    CHECK_FALSE(batch.merged);
}
