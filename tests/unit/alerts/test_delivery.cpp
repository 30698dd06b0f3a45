#include "alerts/delivery.h"
#include "alerts/telegram.h"
#include "news_samples.h"
#include "platform/stop.h"
#include "support/bare_world.h"
#include "support/faulty_files.h"
#include "support/telegram_server.h"
#include "support/temp_folder.h"

#include <cerrno>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace lectio;

namespace {

using Failure = HttpAnswer::Failure;
using Phase = HttpAnswer::Phase;

// The other side: accepts what the real server would accept, unless the test has prepared other answers.
class Server {
  public:
    struct Accepted {
        std::string chat;
        std::string text;
        std::optional<std::int64_t> answers;
    };

    HttpAnswer answer(const HttpRequest& request) {
        ++asked;
        const nlohmann::json body = nlohmann::json::parse(request.body, nullptr, false);
        if (!prepared.empty()) {
            const std::function<HttpAnswer()> next = prepared.front();
            prepared.pop_front();
            const HttpAnswer answer = next();
            if (answer.failure == Failure::closed) {
                accept(body); // accepted, and the answer lost
            }
            return answer;
        }
        if (down) {
            return failed(Failure::refused, Phase::connect, "Connection refused");
        }
        return accept(body);
    }

    void prepare(HttpAnswer answer) {
        prepared.push_back([answer = std::move(answer)] { return answer; });
    }
    void prepare_refusal(int code, const std::string& description, const std::string& parameters = "{}") {
        prepare(page(code, R"({"ok":false,"error_code":)" + std::to_string(code) + R"(,"description":")" +
                               description + R"(","parameters":)" + parameters + "}"));
    }

    std::vector<Accepted> accepted;
    std::deque<std::function<HttpAnswer()>> prepared;
    bool down = false;
    int asked = 0;

  private:
    HttpAnswer accept(const nlohmann::json& body) {
        const ServerVerdict verdict = body.value("parse_mode", "") == "HTML"
                                          ? accept_html(body.value("text", ""))
                                          : accept_plain(body.value("text", ""));
        if (!verdict.refusal.empty()) {
            return page(
                400,
                nlohmann::json{{"ok", false}, {"error_code", 400}, {"description", verdict.refusal}}.dump());
        }
        Accepted& added = accepted.emplace_back();
        added.chat = body.value("chat_id", "");
        added.text = verdict.text;
        if (body.contains("reply_parameters")) {
            added.answers = body["reply_parameters"].value("message_id", std::int64_t{0});
        }
        const auto id = static_cast<std::int64_t>(100 + accepted.size());
        HttpAnswer answer = page(200, nlohmann::json{{"ok", true}, {"result", {{"message_id", id}}}}.dump());
        answer.address = "192.0.2.7:443";
        return answer;
    }
};

constexpr const char* k_mark = "answer to its first sending was lost";

// A host with one or two channels; each call of run() is a run of a tool.
class Bench {
  public:
    explicit Bench(std::vector<std::string> channels = {"errors"})
        : m_names(std::move(channels)), files(folder.path()) {
        bare.http.on_any([this](const HttpRequest& request) {
            const bool second = request.url.find("second") != std::string::npos;
            return second ? other.answer(request) : server.answer(request);
        });
        REQUIRE(files.make_folders(folder / "state", 0700));
        REQUIRE(files.make_folders(folder / "run", 0755));
        REQUIRE(files.sync_folder(folder.path()));
    }

    std::unique_ptr<Delivery> delivery() {
        std::vector<std::unique_ptr<Channel>> channels;
        for (const std::string& name : m_names) {
            TelegramSettings settings;
            settings.name = name;
            settings.token = Secret(token + name);
            settings.chat = chat;
            settings.api = "http://" + name;
            channels.push_back(std::make_unique<Telegram>(settings, Voice{Lang::en, "UTC"}, "alerts.log"));
        }
        DeliverySettings settings;
        settings.state = folder / "state";
        settings.run = folder / "run";
        settings.memory = memory.path();
        settings.voice = {Lang::en, "UTC"};
        settings.routes = routes;
        settings.markers = marker_paths(folder / "run");
        settings.quiet = quiet;
        settings.per_hour = per_hour;
        return std::make_unique<Delivery>(world, settings, std::move(channels));
    }

    SteadyTime deadline(Duration budget = 10s) { return bare.clock.steady() + budget; }
    DeliveryReport tell(const News& news) { return delivery()->tell(news, deadline()); }
    DeliveryReport tell(const Message& message) { return delivery()->tell(message, deadline()); }
    DeliveryReport flush(Patience patience = Patience::obey) {
        return delivery()->flush(deadline(), patience);
    }
    // The cron lines of the next minutes, until nothing waits.
    DeliveryReport flush_every_minute(int minutes) {
        DeliveryReport last;
        for (int i = 0; i < minutes; ++i) {
            bare.clock.advance(1min);
            last = flush();
            if (last.waiting == 0) {
                break;
            }
        }
        return last;
    }

    News news(Event event, const std::string& id = "ABCDEF", Duration lasted = {}) {
        Incident incident = forbidden_site();
        incident.id = id;
        incident.evidence.clear();
        News news = sample_news({sample_item(event, incident, lasted)});
        news.time = bare.clock.now();
        news.run = {"epochs", run_that_tells(event, id)};
        return news;
    }
    // The same again is told by the same run, done again; anything else by the next.
    std::uint64_t run_that_tells(Event event, const std::string& id) {
        const auto told = std::pair(event, id);
        if (told != m_last_told) {
            m_last_told = told;
            ++m_run;
        }
        return m_run;
    }
    Message letter(Event event) { return delivery()->letters(news(event)).at(0).message; }
    Message words(const std::string& text, const std::string& key = "") {
        return compose(Words{Level::info, "", text, key, "lectio-1", bare.clock.now().wall}, Lang::en);
    }

    // As lectio-notify send --key disk tells it.
    Message incident_by_hand(const std::string& id, Event event, Level level = Level::critical) {
        Message message = words(fmt::format("disk is failing ({})", id), "disk");
        message.level = is_over(event) ? Level::resolved : level;
        Subject subject;
        subject.id = id;
        subject.check = "notify/disk";
        subject.event = event;
        subject.level = message.level;
        subject.summary = fmt::format("disk is failing ({})", id);
        subject.since = message.time;
        subject.key = "disk";
        message.subjects = {subject};
        return message;
    }

    Message paced(Level level, const std::string& text) {
        return compose(
            Words{level, "", text, "", "lectio-1", bare.clock.now().wall, Words::Pace::by_the_clock},
            Lang::en);
    }

    // As lectio-notify mute and send do it.
    void mute(Duration length) {
        const auto until = std::chrono::ceil<std::chrono::seconds>(bare.clock.now().wall + length);
        std::ofstream(folder / "run/mute_until") << until.time_since_epoch().count();
    }
    Message muted(Level level, const std::string& text) {
        Message message = paced(level, text);
        message.muted = true;
        return message;
    }

    TempFolder folder;
    TempFolder memory; // a disk of its own
    std::vector<std::string> m_names;
    std::pair<Event, std::string> m_last_told;
    std::uint64_t m_run = 0;
    std::string token = "42:planted-token-";
    std::string chat = "-5";
    std::vector<AlertRoute> routes;
    std::string quiet;
    int per_hour = 0;
    FaultyFiles files;
    BareWorld bare;
    World world{bare.clock, files, bare.host, bare.http, bare.processes, bare.services, bare.redis};
    Server server, other;
};

} // namespace

TEST_CASE("news is stored, sent, and not told twice") {
    Bench bench;
    const DeliveryReport told = bench.tell(bench.news(Event::opened));
    CHECK(told.queued == 1);
    CHECK(told.sent == 1);
    CHECK(told.waiting == 0);
    CHECK(told.stored);
    CHECK(told.problems.empty());
    REQUIRE(told.log.size() == 1);
    CHECK(told.log[0].level == "critical");
    CHECK(told.log[0].text.starts_with("🚨 site: HTTP 403, expected 200 · lectio-1 | "));
    REQUIRE(bench.server.accepted.size() == 1);
    CHECK(bench.server.accepted[0].text.starts_with("🚨 site: HTTP 403, expected 200 · lectio-1\n"));
    // A run that died before it wrote its state tells the same again, later and with other times in it.
    bench.bare.clock.advance(3min);
    const DeliveryReport again = bench.tell(bench.news(Event::opened, "ABCDEF", 3min));
    CHECK(again.queued == 0);
    CHECK(bench.server.accepted.size() == 1);
}

TEST_CASE("each change of an incident is told, however alike, and each once") {
    Bench bench;
    News news = bench.news(Event::opened);
    for (const Event event : {Event::opened, Event::risen, Event::eased, Event::risen, Event::reminder,
                              Event::reminder, Event::reminder}) {
        ++news.run.run;
        news.items.front().event = event;
        bench.tell(news);
        bench.tell(news); // by a run that was done again
        bench.bare.clock.advance(2s);
    }
    CHECK(bench.server.accepted.size() == 7);
    --news.run.run; // a run that died long ago has left it
    bench.tell(news);
    CHECK(bench.server.accepted.size() == 7);
}

TEST_CASE("what went to other channels in between makes nothing known") {
    Bench bench({"errors", "second"});
    AlertRoute worst, rest;
    worst.levels = {Level::critical};
    worst.to = {"errors"};
    rest.to = {"second"};
    bench.routes = {worst, rest};
    News news = bench.news(Event::opened);
    news.items.front().incident.status = Status::warning;
    bench.tell(news);
    for (int i = 0; i < 6; ++i) {
        ++news.run.run;
        const bool rises = i % 2 == 0;
        news.items.front().event = rises ? Event::risen : Event::eased;
        news.items.front().incident.status = rises ? Status::critical : Status::warning;
        CHECK(bench.tell(news).queued == 1);
    }
    CHECK(bench.server.accepted.size() == 3);
    CHECK(bench.other.accepted.size() == 4);
}

TEST_CASE("the last word about each incident is known, whichever channel has it") {
    Bench bench({"errors", "second"});
    AlertRoute worst, rest;
    worst.levels = {Level::critical};
    worst.to = {"errors"};
    rest.to = {"second"};
    bench.routes = {worst, rest};
    bench.server.down = true; // what waits counts, too
    bench.tell(bench.news(Event::opened, "AAAAAA"));
    bench.bare.clock.advance(1min);
    News eased = bench.news(Event::eased, "AAAAAA");
    eased.items.front().incident.status = Status::warning;
    bench.tell(eased);
    bench.bare.clock.advance(1min);
    bench.tell(bench.news(Event::opened, "BBBBBB"));
    const std::vector<LastWord> words = bench.delivery()->last_words("health");
    REQUIRE(words.size() == 2);
    CHECK(words[0].id == "AAAAAA");
    CHECK(words[0].check == "site");
    CHECK(words[0].event == Event::eased);
    CHECK(words[0].level == Status::warning);
    CHECK(words[1].event == Event::opened);
    CHECK(words[1].level == Status::critical);
    CHECK(words[1].run == RunId{"epochs", 3});
    CHECK(bench.delivery()->last_words("heal").empty());
}

TEST_CASE("the end answers the beginning") {
    Bench bench;
    bench.tell(bench.news(Event::opened));
    bench.tell(bench.news(Event::resolved, "ABCDEF", 12min));
    REQUIRE(bench.server.accepted.size() == 2);
    CHECK_FALSE(bench.server.accepted[0].answers);
    CHECK(bench.server.accepted[1].answers == 101);
    // What is over is forgotten: another incident does not answer it.
    bench.tell(bench.news(Event::opened, "BBBBBB"));
    CHECK_FALSE(bench.server.accepted[2].answers);
}

TEST_CASE("what cannot be sent now waits, and is late when it comes") {
    Bench bench;
    bench.server.down = true;
    const DeliveryReport told = bench.tell(bench.news(Event::opened));
    CHECK(told.sent == 0);
    CHECK(told.waiting == 1);
    CHECK(told.next_try);
    CHECK(told.why_waiting.en.starts_with("errors: "));
    CHECK(bench.flush_every_minute(5).waiting == 1);
    bench.server.down = false;
    const DeliveryReport flushed = bench.flush_every_minute(3);
    CHECK(flushed.sent == 1);
    CHECK(flushed.waiting == 0);
    CHECK(flushed.why_waiting.empty());
    REQUIRE(bench.server.accepted.size() == 1);
    CHECK(bench.server.accepted[0].text.find("Delivered late by") != std::string::npos);
    CHECK(bench.server.accepted[0].text.find("this was at 2026-01-22 10:00.") != std::string::npos);
    CHECK(bench.server.accepted[0].text.find(k_mark) == std::string::npos);
}

TEST_CASE("waits between attempts grow, within what an operator can bear") {
    Bench bench;
    bench.server.down = true;
    bench.tell(bench.news(Event::opened));
    const int before = bench.server.asked;
    for (int minute = 0; minute < 60; ++minute) {
        bench.bare.clock.advance(1min);
        bench.flush();
    }
    const int attempts = bench.server.asked - before;
    CHECK(attempts >= 20);
    CHECK(attempts <= 45);
}

TEST_CASE("a person who asks for it now is not made to wait, unless the server asked") {
    Bench bench;
    bench.server.down = true;
    bench.tell(bench.news(Event::opened));
    const int before = bench.server.asked;
    bench.flush();
    CHECK(bench.server.asked == before);
    bench.flush(Patience::ask_now);
    CHECK(bench.server.asked == before + 1);

    bench.server.down = false;
    bench.server.prepare_refusal(429, "Too Many Requests", R"({"retry_after":300})");
    bench.flush(Patience::ask_now);
    const int asked = bench.server.asked;
    bench.bare.clock.advance(200s);
    CHECK(bench.flush(Patience::ask_now).next_try == Duration(100s));
    CHECK(bench.server.asked == asked);
    bench.bare.clock.advance(101s);
    CHECK(bench.flush().sent == 1);
}

TEST_CASE("no server can silence us for long") {
    Bench bench;
    bench.server.prepare_refusal(429, "Too Many Requests", R"({"retry_after":2000000000})");
    bench.tell(bench.news(Event::opened));
    bench.bare.clock.advance(61min);
    CHECK(bench.flush().sent == 1);
}

TEST_CASE("whatever fails for now is sent later, without a mark where it surely had not arrived") {
    const std::vector<HttpAnswer> answers{failed(Failure::dns, Phase::dns),
                                          failed(Failure::dns_timeout, Phase::dns),
                                          failed(Failure::refused, Phase::connect),
                                          failed(Failure::unreachable, Phase::connect),
                                          failed(Failure::timeout, Phase::connect),
                                          failed(Failure::tls, Phase::tls),
                                          page(429, R"({"ok":false,"error_code":429})"),
                                          page(500, R"({"ok":false,"error_code":500})"),
                                          page(403, "<html>proxy says no</html>")};
    for (const HttpAnswer& answer : answers) {
        Bench bench;
        bench.server.prepare(answer);
        CHECK(bench.tell(bench.news(Event::opened)).waiting == 1);
        CHECK(bench.flush_every_minute(3).waiting == 0);
        REQUIRE(bench.server.accepted.size() == 1);
        CHECK(bench.server.accepted[0].text.find(k_mark) == std::string::npos);
    }
}

TEST_CASE("where the answer was lost the message comes again, and says so") {
    for (const HttpAnswer& answer :
         {failed(Failure::closed, Phase::first_byte), page(502, "<html>Bad Gateway"),
          failed(Failure::timeout, Phase::first_byte)}) {
        Bench bench;
        bench.server.prepare(answer);
        CHECK(bench.tell(bench.news(Event::opened)).waiting == 1);
        CHECK(bench.flush_every_minute(3).sent == 1);
        CHECK(bench.server.accepted.back().text.find(k_mark) != std::string::npos);
        // Also when another attempt in between surely did not arrive.
        Bench patient;
        patient.server.prepare(answer);
        patient.server.prepare(failed(Failure::refused, Phase::connect));
        patient.tell(patient.news(Event::opened));
        CHECK(patient.flush_every_minute(5).sent == 1);
        CHECK(patient.server.accepted.back().text.find(k_mark) != std::string::npos);
    }
}

TEST_CASE("what the server refuses for good is kept, said, and holds up nobody") {
    Bench bench;
    bench.server.prepare_refusal(400, "Bad Request: can't parse entities");
    bench.server.prepare_refusal(400, "Bad Request: can't parse entities"); // again, without markup
    CHECK(bench.delivery()->store(bench.words("bad")));
    CHECK(bench.delivery()->store(bench.words("good")));
    const DeliveryReport flushed = bench.flush();
    CHECK(flushed.rejected == 1);
    CHECK(flushed.sent == 1);
    CHECK(flushed.waiting == 0);
    REQUIRE(flushed.problems.size() == 1);
    CHECK(flushed.problems[0].status == Status::warning);
    CHECK(flushed.problems[0].channel == "errors");
    REQUIRE(flushed.log.size() == 1);
    CHECK(flushed.log[0].level == "rejected");
    CHECK(flushed.log[0].text.find("bad") != std::string::npos);
    CHECK(bench.server.accepted.at(0).text.starts_with("ℹ️ good"));
    // Said until somebody has looked at it.
    REQUIRE(bench.delivery()->problems().size() == 1);
    const Path rejected = bench.folder / "state/outbox/rejected";
    const std::vector<std::string> files = *bench.files.list(rejected);
    for (const std::string& file : files) {
        REQUIRE(bench.files.remove(rejected / file));
    }
    CHECK(bench.delivery()->problems().empty());
}

TEST_CASE("an unreadable message is said until somebody has looked at it, whoever set it aside") {
    Bench bench;
    CHECK(bench.delivery()->store(bench.words("good")));
    const Path outbox = bench.folder / "state/outbox";
    spill(outbox / "to-errors/0000000000000001-00000001-0.new", "garbage");
    [[maybe_unused]] const auto words = bench.delivery()->last_words("health"); // reads the outbox, too
    REQUIRE(bench.delivery()->problems().size() == 1);
    CHECK(bench.delivery()->problems()[0].status == Status::warning);
    CHECK(bench.delivery()->problems()[0].message.en.ends_with("set aside: 1"));
    REQUIRE(bench.files.remove(outbox / "damaged/errors-0000000000000001-00000001-0.new"));
    CHECK(bench.delivery()->problems().empty());
}

TEST_CASE("refused for an unknown reason: the next message shows whether it was this one") {
    Bench bench;
    const auto refuse = [&](int times) {
        for (int i = 0; i < times; ++i) {
            bench.server.prepare_refusal(400, "Bad Request: SOMETHING_NEW");
        }
    };
    CHECK(bench.delivery()->store(bench.words("odd")));
    refuse(2); // with markup and without
    DeliveryReport flushed = bench.flush();
    CHECK(flushed.waiting == 1); // alone it says nothing about the channel, so it waits
    CHECK(flushed.rejected == 0);
    bench.bare.clock.advance(1min);
    SECTION("another one passes: it was the message") {
        CHECK(bench.delivery()->store(bench.words("good")));
        refuse(2);
        flushed = bench.flush();
        CHECK(flushed.rejected == 1);
        CHECK(flushed.sent == 1);
        CHECK(flushed.waiting == 0);
        CHECK(bench.server.accepted.at(0).text.starts_with("ℹ️ good"));
    }
    SECTION("none passes: it is the channel, and none is lost") {
        for (const char* text : {"b", "c", "d", "e"}) {
            CHECK(bench.delivery()->store(bench.words(text)));
        }
        refuse(20);
        flushed = bench.flush();
        CHECK(flushed.rejected == 0);
        CHECK(flushed.waiting == 5);
        bench.server.prepared.clear();
        CHECK(bench.flush_every_minute(5).waiting == 0);
        std::string all;
        for (const Server::Accepted& accepted : bench.server.accepted) {
            all += accepted.text;
        }
        for (const char* text : {"odd", "b", "c", "d", "e"}) {
            CHECK(all.find(text) != std::string::npos);
        }
        CHECK(all.find(k_mark) == std::string::npos); // refused is not perhaps accepted
    }
}

TEST_CASE("what is refused and cannot be moved away holds up nobody") {
    Bench bench;
    CHECK(bench.delivery()->store(bench.words("bad")));
    CHECK(bench.delivery()->store(bench.words("good")));
    bench.files.fail_writing(EROFS, bench.folder / "state");
    bench.server.prepare_refusal(400, "Bad Request: message is too long");
    bench.server.prepare_refusal(400, "Bad Request: message is too long");
    const DeliveryReport flushed = bench.flush();
    CHECK(flushed.sent == 1);
    REQUIRE(bench.server.accepted.size() == 1);
    CHECK(bench.server.accepted[0].text.find("good") != std::string::npos);
}

TEST_CASE("refused when put together, messages go one by one") {
    Bench bench;
    for (const char* text : {"a", "b", "c", "d"}) {
        CHECK(bench.delivery()->store(bench.words(text)));
    }
    bench.server.prepare_refusal(400, "Bad Request: can't parse entities");
    bench.server.prepare_refusal(400, "Bad Request: can't parse entities");
    const DeliveryReport flushed = bench.flush();
    CHECK(flushed.sent == 4);
    CHECK(flushed.rejected == 0);
    CHECK(bench.server.accepted.size() == 4);
}

TEST_CASE("a channel that refuses for good is critical until a message passes") {
    struct Case {
        int code;
        const char* description;
    };
    for (const Case& each : {Case{401, "Unauthorized"}, Case{403, "Forbidden: bot was blocked by the user"},
                             Case{404, "Not Found"}, Case{400, "Bad Request: chat not found"}}) {
        Bench bench;
        bench.server.prepare_refusal(each.code, each.description);
        const DeliveryReport told = bench.tell(bench.news(Event::opened));
        CHECK(told.rejected == 0);
        CHECK(told.waiting == 1);
        CHECK(told.stuck == 1);
        CHECK(told.queued_for == std::vector<std::string>{"errors"});
        REQUIRE(told.problems.size() == 1);
        CHECK(told.problems[0].status == Status::critical);
        CHECK(told.problems[0].needs_person);
        CHECK(told.problems[0].message.en.find(each.description) != std::string::npos);
        CHECK(told.problems[0].message.en.find("planted") == std::string::npos);
        REQUIRE(bench.delivery()->problems().size() == 1);
        bench.bare.clock.advance(1h);
        CHECK(bench.flush().sent == 1);
        CHECK(bench.delivery()->problems().empty());
        REQUIRE(bench.server.accepted.size() == 1);
        CHECK(bench.server.accepted[0].text.find("site: HTTP 403") != std::string::npos);
        CHECK(bench.server.accepted[0].text.find(k_mark) == std::string::npos);
    }
}

TEST_CASE("what waited for a dead token comes once and together when it is mended, at once") {
    for (const bool by_token : {true, false}) {
        Bench bench;
        bool dead = true;
        bench.bare.http.on_any([&](const HttpRequest& request) {
            if (dead) {
                bench.server.prepare_refusal(401, "Unauthorized");
            }
            return bench.server.answer(request);
        });
        bench.tell(bench.news(Event::opened, "AAAAAA"));
        for (int i = 0; i < 8; ++i) {
            bench.bare.clock.advance(30min);
            bench.tell(bench.words("news " + std::to_string(i)));
        }
        CHECK(bench.flush().waiting == 9);
        CHECK(bench.server.accepted.empty());
        dead = false;
        CHECK(bench.flush().sent == 0); // not before its time, as long as nothing has changed
        (by_token ? bench.token : bench.chat) += "0";
        CHECK(bench.delivery()->problems().empty());
        const DeliveryReport mended = bench.flush();
        CHECK(mended.sent == 1);
        CHECK(mended.waiting == 0);
        CHECK(mended.problems.empty());
        REQUIRE(bench.server.accepted.size() == 1);
        CHECK(bench.server.accepted[0].text.find("While nothing got through") != std::string::npos);
        CHECK(bench.server.accepted[0].text.find("news 7") != std::string::npos);
    }
}

TEST_CASE("a dead token is asked about seldom, but always when a person wants to know") {
    Bench bench;
    bench.bare.http.on_any([&](const HttpRequest& request) {
        bench.server.prepare_refusal(403, "Forbidden: bot was blocked by the user");
        return bench.server.answer(request);
    });
    bench.tell(bench.news(Event::opened));
    bench.flush_every_minute(60);
    const int before = bench.server.asked;
    bench.flush_every_minute(6 * 60);
    CHECK(bench.server.asked - before >= 6 * 5);
    CHECK(bench.server.asked - before <= 6 * 9);
    const int asked = bench.server.asked;
    bench.flush(Patience::ask_now);
    CHECK(bench.server.asked == asked + 1);
    CHECK(bench.delivery()->count_waiting() == 1);
}

TEST_CASE("the memory of a channel knows its settings, but no secret") {
    Bench bench;
    bench.server.prepare_refusal(401, "Unauthorized");
    bench.tell(bench.news(Event::opened));
    const Result<std::string> memory =
        bench.files.read(bench.folder / "state/outbox/memory-errors/state.json", 1_MB);
    REQUIRE(memory);
    CHECK(memory->find("\"fingerprint\":\"") != std::string::npos);
    CHECK(memory->find("planted") == std::string::npos);
}

TEST_CASE("stopped in the middle of a long message, only the rest of it is sent again") {
    const std::string long_text = std::string(5000, 'x') + " the end";
    struct Refusal {
        int code;
        std::string words, parameters;
    };
    for (const Refusal& refusal : {Refusal{429, "Too Many Requests: retry after 3", R"({"retry_after":3})"},
                                   Refusal{403, "Forbidden: bot was kicked from the group chat", "{}"},
                                   Refusal{500, "Internal Server Error", "{}"}}) {
        CAPTURE(refusal.code);
        Bench bench;
        int request_number = 0;
        bench.bare.http.on_any([&](const HttpRequest& request) {
            if (++request_number == 2) {
                bench.server.prepare_refusal(refusal.code, refusal.words, refusal.parameters);
            }
            return bench.server.answer(request);
        });
        bench.tell(bench.words(long_text));
        REQUIRE(bench.server.accepted.size() == 1);
        // Others that come meanwhile are not put together with it.
        REQUIRE(bench.delivery()->store(bench.words("another")));
        CHECK(bench.flush_every_minute(5).waiting == 0);
        REQUIRE(bench.server.accepted.size() == 3);
        CHECK(bench.server.accepted[0].text.starts_with("ℹ️"));
        CHECK(bench.server.accepted[1].text.find("the end") != std::string::npos);
        CHECK(bench.server.accepted[1].text.size() < 2000);
        CHECK(bench.server.accepted[2].text.find("another") != std::string::npos);
        for (const Server::Accepted& each : bench.server.accepted) {
            CHECK(each.text.find(k_mark) == std::string::npos);
        }
    }
}

TEST_CASE("a long message whose second half is refused for good is set aside, and its first comes once") {
    Bench bench;
    int request_number = 0;
    bench.bare.http.on_any([&](const HttpRequest& request) {
        if (++request_number == 2 || request_number == 3) { // with markup and without
            bench.server.prepare_refusal(400, "Bad Request: nobody knows why");
        }
        return bench.server.answer(request);
    });
    const DeliveryReport report = bench.tell(bench.words(std::string(6000, 'x')));
    CHECK(report.rejected == 1);
    CHECK(bench.flush_every_minute(5).waiting == 0);
    CHECK(bench.server.accepted.size() == 1);
}

TEST_CASE("where the answer to the second half was lost only that comes again, and says so") {
    Bench bench;
    int request_number = 0;
    bench.bare.http.on_any([&](const HttpRequest& request) {
        if (++request_number == 2) {
            bench.server.prepare(failed(Failure::closed, Phase::first_byte, "cut"));
        }
        return bench.server.answer(request);
    });
    bench.tell(bench.words(std::string(6000, 'x')));
    CHECK(bench.flush_every_minute(5).waiting == 0);
    REQUIRE(bench.server.accepted.size() == 3);
    CHECK(bench.server.accepted[2].text.find(k_mark) != std::string::npos);
    CHECK(bench.server.accepted[2].text.size() < 3000);
}

TEST_CASE("attempts that fail are known at once, and until when an hour is full") {
    Bench bench;
    bench.server.down = true;
    bench.tell(bench.news(Event::opened));
    REQUIRE(bench.delivery()->struggles().size() == 1);
    CHECK(bench.delivery()->struggles()[0].failures == 1);
    CHECK(bench.delivery()->struggles()[0].since == bench.bare.clock.now().wall);
    bench.server.down = false;
    bench.flush_every_minute(3);
    CHECK(bench.delivery()->struggles().empty());
    const WallTime told = bench.bare.clock.now().wall;
    CHECK_FALSE(bench.delivery()->pause_until());
    bench.per_hour = 1;
    bench.bare.clock.advance(10min);
    CHECK(bench.delivery()->pause() == Pause::hour_is_full);
    CHECK(bench.delivery()->pause_until() == told + 1h);
    bench.quiet = "09:00-11:30";
    CHECK(format_utc(bench.delivery()->pause_until().value()) == "2026-01-22T11:30:00Z");
}

TEST_CASE("messages that wait for long are a warning") {
    Bench bench;
    bench.server.down = true;
    bench.tell(bench.news(Event::opened));
    CHECK(bench.delivery()->problems().empty());
    bench.flush_every_minute(12);
    const std::vector<ChannelProblem> problems = bench.delivery()->problems();
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].status == Status::warning);
    CHECK(problems[0].message.en.find("since 2026-01-22 10:00") != std::string::npos);
}

TEST_CASE("a group that became a supergroup is followed and remembered") {
    Bench bench;
    bench.tell(bench.news(Event::opened));
    bench.server.prepare_refusal(400, "Bad Request: group chat was upgraded to a supergroup chat",
                                 R"({"migrate_to_chat_id":-100777})");
    CHECK(bench.tell(bench.news(Event::resolved, "ABCDEF", 1min)).sent == 1);
    bench.tell(bench.news(Event::opened, "BBBBBB"));
    REQUIRE(bench.server.accepted.size() == 3);
    CHECK(bench.server.accepted[0].chat == "-5");
    CHECK(bench.server.accepted[1].chat == "-100777");
    CHECK_FALSE(bench.server.accepted[1].answers);
    CHECK(bench.server.accepted[2].chat == "-100777");
}

TEST_CASE("a group that claims to move on and on is followed once a flush") {
    Bench bench;
    for (int i = 0; i < 10; ++i) {
        bench.server.prepare_refusal(400, "moved",
                                     R"({"migrate_to_chat_id":-10077)" + std::to_string(i) + "}");
    }
    CHECK(bench.tell(bench.news(Event::opened)).waiting == 1);
    CHECK(bench.server.asked == 2);
}

TEST_CASE("a group that claims to move in circles is not followed for ever") {
    Bench bench;
    for (int i = 0; i < 10; ++i) {
        bench.server.prepare_refusal(400, "moved", R"({"migrate_to_chat_id":-100777})");
    }
    CHECK(bench.tell(bench.news(Event::opened)).waiting == 1);
    CHECK(bench.server.asked == 2);
}

TEST_CASE("with a dead resolver the remembered address is used") {
    Bench bench;
    bench.tell(bench.news(Event::opened));
    bench.server.prepare(failed(Failure::dns_timeout, Phase::dns));
    CHECK(bench.tell(bench.news(Event::resolved, "ABCDEF", 1min)).sent == 1);
    CHECK(bench.bare.http.requests().back().resolve == "192.0.2.7");
    CHECK(bench.bare.http.requests().front().resolve.empty());
}

TEST_CASE("after an outage one message tells how things ended") {
    Bench bench;
    bench.server.down = true;
    bench.tell(bench.news(Event::opened, "AAAAAA"));
    bench.bare.clock.advance(4min);
    bench.tell(bench.words("backup done"));
    bench.bare.clock.advance(4min);
    bench.tell(bench.news(Event::resolved, "AAAAAA", 8min));
    bench.server.down = false;
    bench.flush_every_minute(4);
    REQUIRE(bench.server.accepted.size() == 1);
    CHECK(bench.server.accepted[0].text == "ℹ️ While nothing got through: 2 messages · lectio-1\n"
                                           "Now: none of it is broken any more.\n"
                                           "From 10:00 to 10:08.\n"
                                           "10:04 ℹ️ backup done · lectio-1\n"
                                           "✅ 10:08 site is all right again (8 minutes)");
}

TEST_CASE("the same key is told once in its window") {
    Bench bench;
    bench.server.down = true;
    CHECK(bench.tell(bench.words("a", "backup")).queued == 1);
    CHECK(bench.tell(bench.words("a", "backup")).queued == 0); // one waits
    CHECK(bench.tell(bench.words("b", "other")).queued == 1);
    bench.server.down = false;
    bench.flush_every_minute(3);
    CHECK(bench.tell(bench.words("a", "backup")).queued == 0); // one was delivered
    bench.bare.clock.advance(1h);
    CHECK(bench.tell(bench.words("a", "backup")).queued == 1);
}

TEST_CASE("words that wake nobody wait for the end of the quiet hours, and come together") {
    Bench bench;
    bench.quiet = "09:00-12:00"; // it is ten
    CHECK(bench.delivery()->pause() == Pause::quiet_hours);
    CHECK(bench.tell(bench.paced(Level::warning, "disk is slow")).kept == 1);
    CHECK(bench.tell(bench.paced(Level::info, "backup done")).sent == 0);
    CHECK(bench.tell(bench.paced(Level::critical, "on fire")).sent == 1);
    CHECK(bench.tell(bench.paced(Level::resolved, "fire is out")).sent == 1);
    CHECK(bench.tell(bench.words("asked for --now")).sent == 1);
    CHECK(bench.tell(bench.news(Event::opened)).sent == 1); // the judge has let it through
    const DeliveryReport night = bench.flush();
    CHECK(night.waiting == 2);
    CHECK(night.kept == 2);
    CHECK(bench.server.accepted.size() == 4);
    CHECK(bench.delivery()->backlog().kept == 2);
    CHECK_FALSE(bench.delivery()->backlog().since); // nothing is late
    bench.bare.clock.advance(2h);
    CHECK(bench.flush().waiting == 0);
    REQUIRE(bench.server.accepted.size() == 5);
    CHECK(bench.server.accepted[4].text == "⚠️ Collected meanwhile: 2 messages · lectio-1\n"
                                           "From 10:00 to 10:00.\n"
                                           "10:00 ⚠️ disk is slow · lectio-1\n"
                                           "10:00 ℹ️ backup done · lectio-1");
}

TEST_CASE(
    "words told under a mute wait for its end, whatever their level; news and what waits already do not") {
    Bench bench;
    REQUIRE(bench.delivery()->store(bench.words("said before the mute")));
    bench.mute(30min);
    CHECK(bench.delivery()->is_muted());
    CHECK(bench.tell(bench.muted(Level::critical, "on fire")).kept == 1);
    CHECK(bench.server.accepted.size() == 1);
    CHECK(bench.tell(bench.muted(Level::info, "backup done")).kept == 2);
    CHECK(bench.tell(bench.news(Event::opened)).sent == 1); // the judge has let it through
    bench.bare.clock.advance(29min);
    CHECK(bench.flush().kept == 2);
    CHECK(bench.server.accepted.size() == 2);
    CHECK_FALSE(bench.delivery()->backlog().since); // nothing is late
    bench.bare.clock.advance(1min);
    CHECK_FALSE(bench.delivery()->is_muted());
    CHECK(bench.flush().waiting == 0);
    REQUIRE(bench.server.accepted.size() == 3);
    CHECK(bench.server.accepted[2].text == "🚨 Collected meanwhile: 2 messages · lectio-1\n"
                                           "From 10:00 to 10:00.\n"
                                           "10:00 🚨 on fire · lectio-1\n"
                                           "10:00 ℹ️ backup done · lectio-1");
}

TEST_CASE("a mute that ends in the quiet hours lets only what is critical through") {
    Bench bench;
    bench.quiet = "09:00-12:00";
    bench.mute(30min);
    bench.tell(bench.muted(Level::critical, "on fire"));
    bench.tell(bench.muted(Level::warning, "disk is slow"));
    bench.bare.clock.advance(30min);
    CHECK(bench.flush().kept == 1);
    REQUIRE(bench.server.accepted.size() == 1);
    CHECK(bench.server.accepted[0].text ==
          "🚨 on fire · lectio-1\nThis was at 2026-01-22 10:00: it has waited for the end of the mute.");
}

TEST_CASE("a channel that fails hands on nothing that a mute keeps back") {
    Bench bench({"errors", "second"});
    bench.server.down = true;
    bench.tell(bench.words("first"));
    bench.mute(60min);
    bench.tell(bench.muted(Level::critical, "on fire"));
    const std::size_t before = bench.other.accepted.size();
    bench.bare.clock.advance(15min);
    bench.flush();
    CHECK(bench.other.accepted.size() == before);
}

TEST_CASE("what waited alone says when it was, and waits on if the morning does not get through") {
    Bench bench;
    bench.quiet = "09:00-12:00";
    bench.tell(bench.paced(Level::warning, "disk is slow"));
    bench.bare.clock.advance(2h);
    bench.server.down = true;
    CHECK(bench.flush().waiting == 1);
    bench.quiet = "11:00-13:00"; // not told yet, so it waits like before
    bench.server.down = false;
    bench.bare.clock.advance(10min);
    CHECK(bench.flush().kept == 1);
    bench.bare.clock.advance(1h);
    bench.flush();
    REQUIRE(bench.server.accepted.size() == 1);
    CHECK(bench.server.accepted[0].text ==
          "⚠️ disk is slow · lectio-1\n"
          "This was at 2026-01-22 10:00: what is not critical waits for its time.");
}

TEST_CASE("an hour has room for so many messages, whoever sends them; critical ones always pass") {
    Bench bench;
    bench.per_hour = 3;
    bench.tell(bench.news(Event::opened, "AAAAAA"));
    bench.tell(bench.news(Event::opened, "BBBBBB"));
    CHECK(bench.delivery()->messages_of_the_hour() == 2);
    CHECK(bench.tell(bench.paced(Level::warning, "third")).sent == 1);
    CHECK(bench.delivery()->pause() == Pause::hour_is_full);
    CHECK(bench.tell(bench.paced(Level::warning, "fourth")).kept == 1);
    CHECK(bench.tell(bench.paced(Level::critical, "fifth")).sent == 1);
    bench.bare.clock.advance(59min);
    CHECK(bench.flush().kept == 1);
    bench.bare.clock.advance(1min);
    CHECK(bench.flush().waiting == 0);
    CHECK(bench.server.accepted.size() == 5);
    bench.bare.clock.advance(-24h); // a clock that was set back counts nothing against them
    CHECK(bench.delivery()->messages_of_the_hour() == 0);
}

TEST_CASE("who has asked for the problems of the channels knows how many messages the hour had: nothing is "
          "read again") {
    Bench bench;
    bench.tell(bench.news(Event::opened, "AAAAAA"));
    const std::unique_ptr<Delivery> delivery = bench.delivery();
    REQUIRE(delivery->problems().empty());
    std::filesystem::remove_all(bench.folder / "state/outbox");
    CHECK(delivery->messages_of_the_hour() == 1);
    CHECK(bench.delivery()->messages_of_the_hour() == 0);
}

TEST_CASE("a thousand messages that may wait hold up none that may not") {
    Bench bench;
    bench.quiet = "09:00-12:00";
    for (int i = 0; i < 1200; ++i) {
        REQUIRE(bench.delivery()->store(bench.paced(Level::info, std::to_string(i))));
    }
    CHECK(bench.tell(bench.paced(Level::critical, "on fire")).sent == 1);
}

TEST_CASE("routes choose the channels; what matches none goes everywhere") {
    Bench bench({"errors", "second"});
    bench.routes = {{{Level::critical}, {}, {"health/site"}, {"errors"}},
                    {{Level::warning}, {}, {}, {"gone"}}};
    CHECK(bench.tell(bench.news(Event::opened)).queued == 1);
    CHECK(bench.server.accepted.size() == 1);
    CHECK(bench.other.accepted.empty());
    // The end follows the beginning.
    CHECK(bench.tell(bench.news(Event::resolved, "ABCDEF", 1min)).queued == 1);
    // A route to channels that are not there swallows nothing.
    News warning = bench.news(Event::opened, "BBBBBB");
    warning.items[0].incident.status = Status::warning;
    CHECK(bench.tell(warning).queued == 2);
    CHECK(bench.tell(bench.words("to all")).queued == 2);
}

TEST_CASE("one channel that hangs does not hold up the other") {
    Bench bench({"errors", "second"});
    bench.bare.http.never("http://errors/bot42:planted-token-errors/sendMessage");
    const DeliveryReport told = bench.tell(bench.news(Event::opened));
    CHECK(told.queued == 2);
    CHECK(told.sent == 1);
    CHECK(told.waiting == 1);
    CHECK(bench.other.accepted.size() == 1);
}

TEST_CASE("the time given is kept, and what was cut off carries the mark") {
    Bench bench;
    bench.bare.http.never("http://errors/bot42:planted-token-errors/sendMessage");
    CHECK(bench.delivery()->store(bench.letter(Event::opened)));
    const SteadyTime before = bench.bare.clock.steady();
    bench.delivery()->flush(before + 2s);
    CHECK(bench.bare.clock.steady() - before <= 2500ms);
    bench.bare.http.on("http://errors/bot42:planted-token-errors/sendMessage",
                       [&](const HttpRequest& request) { return bench.server.answer(request); });
    CHECK(bench.flush_every_minute(3).sent == 1);
    CHECK(bench.server.accepted.at(0).text.find(k_mark) != std::string::npos);
}

TEST_CASE("another process that empties the channel is not waited for") {
    Bench bench;
    CHECK(bench.delivery()->store(bench.letter(Event::opened)));
    const Result<Lock> held =
        bench.files.lock(bench.folder.path() / "run" / "notify-errors.lock", "other", {});
    REQUIRE(held);
    const DeliveryReport flushed = bench.flush();
    CHECK(flushed.sent == 0);
    CHECK(flushed.waiting == 1);
    CHECK(flushed.problems.empty());
    CHECK(bench.server.asked == 0);
}

TEST_CASE("a process that holds the channel and does not send does not go unnoticed") {
    Bench bench;
    CHECK(bench.delivery()->store(bench.letter(Event::opened)));
    std::optional<Lock> held = *bench.files.lock(bench.folder / "run/notify-errors.lock", "other", {});
    CHECK(bench.flush_every_minute(12).waiting == 1);
    const std::vector<ChannelProblem> problems = bench.delivery()->problems();
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].status == Status::warning);
    CHECK(problems[0].message.en.find("notify-errors.lock") != std::string::npos);
    held.reset();
    CHECK(bench.delivery()->problems().empty()); // merely lies there: this run sends it
    CHECK(bench.flush().sent == 1);
}

TEST_CASE("a wish to stop ends a flush at once, and what was on its way carries the mark") {
    Bench bench({"errors", "second"});
    bench.bare.http.never("http://errors/bot42:planted-token-errors/sendMessage");
    CHECK(bench.delivery()->store(bench.words("slow")));
    bench.bare.http.on_any([&](const HttpRequest& request) {
        request_stop_for_test(15);
        return bench.other.answer(request);
    });
    const SteadyTime before = bench.bare.clock.steady();
    const DeliveryReport flushed = bench.flush();
    request_stop_for_test(0);
    CHECK(flushed.waiting == 1);
    CHECK(bench.bare.clock.steady() - before < 1s);
    bench.bare.http.on("http://errors/bot42:planted-token-errors/sendMessage",
                       [&](const HttpRequest& request) { return bench.server.answer(request); });
    CHECK(bench.flush_every_minute(3).sent == 1);
    CHECK(bench.server.accepted.at(0).text.find(k_mark) != std::string::npos);
}

TEST_CASE("without a folder for locks messages go out all the same") {
    Bench bench;
    std::filesystem::remove(bench.folder.path() / "run");
    std::ofstream(bench.folder.path() / "run") << "a file where the folder should be";
    const DeliveryReport told = bench.tell(bench.news(Event::opened));
    CHECK(told.sent == 1);
    CHECK(told.waiting == 0);
    REQUIRE_FALSE(told.problems.empty());
    CHECK(told.problems[0].status == Status::critical);
    CHECK(bench.tell(bench.news(Event::opened)).sent == 0); // it was told already
}

TEST_CASE("a message stored while another was on its way is not left behind") {
    Bench bench;
    CHECK(bench.delivery()->store(bench.words("first")));
    bool added = false;
    bench.bare.http.on_any([&](const HttpRequest& request) {
        if (!std::exchange(added, true)) {
            REQUIRE(bench.delivery()->store(bench.words("second")));
        }
        return bench.server.answer(request);
    });
    CHECK(bench.flush().sent == 2);
}

TEST_CASE("where the disk refuses the message goes out at once and says so") {
    for (const int reason : {ENOSPC, EROFS}) {
        Bench bench;
        bench.files.fail_writing(reason);
        const DeliveryReport told = bench.tell(bench.news(Event::opened));
        CHECK_FALSE(told.stored);
        CHECK(told.sent == 1);
        CHECK(told.queued == 0);
        CHECK_FALSE(told.storage_problem.empty());
        REQUIRE(bench.server.accepted.size() == 1);
        CHECK(bench.server.accepted[0].text.find("could not be stored before sending") != std::string::npos);
    }
}

TEST_CASE("what got through elsewhere does not speak for what was lost") {
    Bench bench({"errors", "second"});
    REQUIRE(bench.files.make_folders(bench.folder.path() / "state" / "outbox", 0700));
    std::ofstream(bench.folder.path() / "state" / "outbox" / "to-second") << "no folder";
    bench.other.down = true;
    const DeliveryReport told = bench.tell(bench.news(Event::opened));
    CHECK_FALSE(told.stored);
    CHECK(told.sent == 1);
    CHECK(told.sent_unstored == 0);
    bench.other.down = false;
    CHECK(bench.tell(bench.news(Event::opened)).sent_unstored == 1);
    CHECK(bench.server.accepted.size() == 1); // told once
}

TEST_CASE("what waits on a disk that has turned read-only goes out, once, and says so") {
    for (const int reason : {ENOSPC, EROFS}) {
        for (const char* refuses : {"state", ""}) { // the outbox alone, or the run folder with it
            CAPTURE(reason, refuses);
            Bench bench;
            REQUIRE(bench.delivery()->store(bench.letter(Event::opened)));
            bench.bare.clock.advance(1s);
            REQUIRE(bench.delivery()->store(bench.words("by hand", "key")));
            bench.files.fail_writing(reason, bench.folder / refuses);
            for (int i = 0; i < 5; ++i) {
                const DeliveryReport flushed = bench.flush();
                CHECK(flushed.sent == (i == 0 ? 2 : 0));
                CHECK(flushed.waiting == 0);
                REQUIRE(flushed.problems.size() == 1);
                CHECK(flushed.problems[0].status == Status::critical);
                CHECK(flushed.problems[0].of_storage);
                bench.bare.clock.advance(1min);
            }
            REQUIRE(bench.server.accepted.size() == 2);
            for (const Server::Accepted& accepted : bench.server.accepted) {
                CHECK(accepted.text.find("The disk refuses to note that this was sent") != std::string::npos);
                CHECK(accepted.text.find(k_mark) == std::string::npos);
            }
            // What is new meanwhile is told and known as ever; the end answers the beginning.
            CHECK(bench.tell(bench.news(Event::resolved, "ABCDEF", 6min)).sent_unstored == 1);
            CHECK(bench.server.accepted.back().answers == 101);
            CHECK(bench.tell(bench.words("by hand", "key")).sent == 0);

            bench.files.heal();
            for (int i = 0; i < 3; ++i) {
                CHECK(bench.flush().sent == 0);
            }
            CHECK(bench.server.accepted.size() == 3);
            CHECK(bench.delivery()->problems().empty());
            CHECK(bench.files.list(bench.folder / "state/outbox/to-errors")->empty());
        }
    }
}

TEST_CASE("a text with a key comes once although nothing can be stored") {
    Bench bench;
    bench.files.fail_writing(EROFS, bench.folder.path());
    for (int i = 0; i < 5; ++i) {
        bench.tell(bench.words("backup failed", "backup"));
        bench.bare.clock.advance(1min);
    }
    CHECK(bench.server.accepted.size() == 1);
}

TEST_CASE("on a read-only disk, too, what may have arrived carries the mark") {
    Bench bench;
    REQUIRE(bench.delivery()->store(bench.letter(Event::opened)));
    bench.files.fail_writing(EROFS, bench.folder.path());
    bench.server.prepare(failed(Failure::closed, Phase::first_byte, "cut"));
    CHECK(bench.flush().sent == 0);
    CHECK(bench.flush_every_minute(3).sent == 1);
    REQUIRE(bench.server.accepted.size() == 2);
    CHECK(bench.server.accepted[0].text.find(k_mark) == std::string::npos);
    CHECK(bench.server.accepted[1].text.find(k_mark) != std::string::npos);
}

TEST_CASE("on a read-only disk, too, what surely had not arrived carries no mark") {
    Bench bench;
    REQUIRE(bench.delivery()->store(bench.letter(Event::opened)));
    bench.files.fail_writing(EROFS, bench.folder.path());
    bench.server.down = true;
    CHECK(bench.flush().waiting == 1);
    bench.server.down = false;
    CHECK(bench.flush_every_minute(3).sent == 1);
    REQUIRE(bench.server.accepted.size() == 1);
    CHECK(bench.server.accepted[0].text.find(k_mark) == std::string::npos);
}

TEST_CASE("a long queue on a read-only disk is sent through, and nothing of it again") {
    Bench bench;
    constexpr int k_letters = 700; // more than are read in one go, and more than a ledger keeps without need
    for (int i = 0; i < k_letters; ++i) {
        REQUIRE(bench.delivery()->store(bench.words("letter " + std::to_string(i) + ".")));
    }
    bench.files.fail_writing(EROFS, bench.folder / "state");
    CHECK(bench.flush_every_minute(5).waiting == 0);
    const std::size_t messages = bench.server.accepted.size();
    std::string all;
    for (const Server::Accepted& accepted : bench.server.accepted) {
        all += accepted.text;
    }
    for (int i = 0; i < k_letters; ++i) {
        const std::string letter = "letter " + std::to_string(i) + ".";
        INFO(letter);
        REQUIRE(all.find(letter) != std::string::npos);
    }
    bench.flush();
    bench.flush();
    bench.files.heal();
    bench.flush();
    CHECK(bench.server.accepted.size() == messages);
    CHECK(bench.files.list(bench.folder / "state/outbox/to-errors")->empty());
}

TEST_CASE("messages of a channel that is gone wait and are reported") {
    Bench bench({"old"});
    bench.server.down = true;
    bench.tell(bench.news(Event::opened));
    bench.m_names = {"errors"};
    const DeliveryReport flushed = bench.flush();
    CHECK(flushed.waiting == 1);
    REQUIRE(flushed.problems.size() == 1);
    CHECK(flushed.problems[0].channel == "old");
}

TEST_CASE("with nothing to tell nothing is opened, locked or written") {
    Bench bench;
    bench.files.crash_at(100'000);
    bench.flush();
    CHECK(bench.files.calls() <= 18);
    CHECK_FALSE(bench.files.info(bench.folder.path() / "run" / "notify-errors.lock", Files::Follow::no));
}

TEST_CASE("no channels: nothing is stored and nothing is wrong") {
    Bench bench(std::vector<std::string>{});
    const DeliveryReport told = bench.tell(bench.news(Event::opened));
    CHECK(told.queued == 0);
    CHECK(told.stored);
    CHECK(told.problems.empty());
}

TEST_CASE("stopped at each step, with and without the power: nothing is lost, nothing is doubled unmarked") {
    for (const bool power_lost : {false, true}) {
        for (std::size_t step = 1;; ++step) {
            Bench bench;
            bench.tell(bench.news(Event::opened, "BEFORE"));
            const std::size_t before = bench.server.accepted.size();
            bench.files.crash_at(step);
            const bool stopped = stopped_by_crash([&] { bench.tell(bench.news(Event::opened)); });
            if (power_lost) {
                bench.files.power_cut();
                bench.bare.clock.reboot(1min);
            }
            bench.files.heal();
            // The next run has no state that says "told", so it tells again; and others follow it.
            bench.tell(bench.news(Event::opened));
            bench.flush_every_minute(3);
            INFO("step " << step << (power_lost ? ", power lost" : ""));
            std::vector<std::string> copies;
            for (std::size_t i = before; i < bench.server.accepted.size(); ++i) {
                copies.push_back(bench.server.accepted[i].text);
            }
            REQUIRE(!copies.empty());
            REQUIRE(copies.size() <= 2);
            if (copies.size() == 2) {
                REQUIRE(copies[1].find(k_mark) != std::string::npos);
            }
            REQUIRE(bench.delivery()->count_waiting() == 0);
            if (!stopped) {
                REQUIRE(copies.size() == 1);
                break;
            }
        }
    }
}

TEST_CASE("any single failing call of the disk neither loses nor doubles a message") {
    for (const int reason : {ENOSPC, EIO}) {
        std::size_t calls = 0;
        for (std::size_t step = 1; calls == 0 || step <= calls; ++step) {
            Bench bench;
            bench.files.fail_at(step, reason);
            bench.tell(bench.news(Event::opened));
            if (step == 1) {
                calls = bench.files.calls();
            }
            bench.files.heal();
            bench.flush_every_minute(3);
            INFO("step " << step << " of " << calls);
            REQUIRE(bench.server.accepted.size() == 1);
            REQUIRE(bench.delivery()->count_waiting() == 0);
        }
    }
}

TEST_CASE("trying a channel out stores nothing and tells what is wrong") {
    Bench bench;
    const std::unique_ptr<Delivery> delivery = bench.delivery();
    const Channel& channel = *delivery->channels().front();
    CHECK(delivery->try_out(channel, bench.words("test"), bench.deadline()).kind == Outcome::Kind::accepted);
    bench.server.prepare_refusal(401, "Unauthorized");
    const Outcome refused = delivery->try_out(channel, bench.words("test"), bench.deadline());
    CHECK(refused.kind == Outcome::Kind::channel_refused);
    CHECK(refused.hint.en.find("@BotFather") != std::string::npos);
    CHECK(delivery->count_waiting() == 0);
}

// ── several channels ─────────────────────────────────────────────────────────────────────────────────────

namespace {

bool mentions(const Server& server, const std::string& words) {
    return std::any_of(server.accepted.begin(), server.accepted.end(), [&](const Server::Accepted& message) {
        return message.text.find(words) != std::string::npos;
    });
}

} // namespace

TEST_CASE("the end goes to each channel that was told of the beginning, wherever the routes lead now") {
    Bench bench({"errors", "second"});
    bench.tell(bench.news(Event::opened));
    REQUIRE(bench.other.accepted.size() == 1);
    bench.routes = {{{}, {}, {}, {"errors"}, {}}};
    bench.tell(bench.news(Event::reminder));
    CHECK(bench.other.accepted.size() == 1);
    bench.tell(bench.news(Event::resolved, "ABCDEF", 5min));
    REQUIRE(bench.other.accepted.size() == 2);
    CHECK(bench.other.accepted[1].answers == 101);
    // Once: what is over is over there, too.
    bench.tell(bench.news(Event::opened, "GHIJKL"));
    bench.tell(bench.news(Event::resolved, "GHIJKL", 5min));
    CHECK(bench.other.accepted.size() == 2);
}

TEST_CASE("an escalation goes to whom the route names for it, who then hear of the end") {
    Bench bench({"errors", "second"});
    bench.routes = {{{Level::critical}, {}, {}, {"errors"}, {"second"}}};
    bench.tell(bench.news(Event::opened));
    bench.tell(bench.news(Event::escalated));
    CHECK(bench.server.accepted.size() == 1);
    REQUIRE(bench.other.accepted.size() == 1);
    bench.tell(bench.news(Event::resolved, "ABCDEF", 20min));
    CHECK(bench.server.accepted.size() == 2);
    CHECK(bench.other.accepted.size() == 2);
}

TEST_CASE("a channel that fails for ten minutes hands what is critical to the others, once") {
    Bench bench({"errors", "second"});
    bench.routes = {{{}, {}, {}, {"errors"}, {}}};
    bench.server.down = true;
    bench.tell(bench.news(Event::opened));
    bench.tell(bench.words("only information"));
    for (int minute = 0; minute < 9; ++minute) {
        bench.bare.clock.advance(1min);
        bench.flush();
    }
    CHECK(bench.other.accepted.empty());
    bench.bare.clock.advance(2min);
    bench.flush();
    REQUIRE(bench.other.accepted.size() == 1);
    CHECK(bench.other.accepted[0].text.find("site: HTTP 403") != std::string::npos);
    CHECK(bench.other.accepted[0].text.find("because channel errors has not worked since") !=
          std::string::npos);
    bench.flush_every_minute(5);
    CHECK(bench.other.accepted.size() == 1);
    // It works again: its own are told there, and say that they are no news.
    bench.server.down = false;
    bench.flush_every_minute(5);
    CHECK(mentions(bench.server, "Told meanwhile through second."));
    CHECK(mentions(bench.server, "only information"));
    // The one that stood in hears of the end.
    bench.tell(bench.news(Event::resolved, "ABCDEF", 20min));
    CHECK(bench.other.accepted.size() == 2);
}

TEST_CASE("what is critical is lent although the other channel was told of the same key before") {
    Bench bench({"errors", "second"});
    // By hand: no run numbers it. The first was told everywhere, and is over in both.
    bench.tell(bench.incident_by_hand("AAAAAA", Event::opened));
    bench.tell(bench.incident_by_hand("AAAAAA", Event::resolved));
    REQUIRE(bench.other.accepted.size() == 2);
    bench.routes = {{{}, {}, {}, {"errors"}, {}}};
    bench.server.down = true;
    bench.tell(bench.incident_by_hand("BBBBBB", Event::opened));
    bench.flush_every_minute(12);
    REQUIRE(bench.other.accepted.size() == 3);
    CHECK(bench.other.accepted[2].text.find("disk is failing (BBBBBB)") != std::string::npos);
    // What it was told of the incident at another level is not this.
    bench.routes = {{{}, {}, {}, {"second"}, {}}};
    bench.tell(bench.incident_by_hand("CCCCCC", Event::opened, Level::warning));
    bench.routes = {{{}, {}, {}, {"errors"}, {}}};
    bench.tell(bench.incident_by_hand("CCCCCC", Event::risen));
    bench.flush_every_minute(3);
    CHECK(bench.other.accepted.size() == 5);
    CHECK(mentions(bench.other, "disk is failing (CCCCCC)"));
}

TEST_CASE("what only a part of a message's incidents was told elsewhere is lent whole") {
    Bench bench({"errors", "second"});
    AlertRoute both, rest;
    both.checks = {"health/site"};
    both.to = {"errors", "second"};
    rest.to = {"errors"};
    bench.routes = {both, rest};
    News news = bench.news(Event::opened);
    NewsItem item = news.items.front();
    item.incident.id = "GHIJKL";
    item.incident.check = "backend";
    news.items.push_back(item);
    bench.server.down = true;
    bench.tell(news);
    REQUIRE(bench.other.accepted.size() == 1);
    bench.flush_every_minute(12);
    CHECK(bench.other.accepted.size() == 2);
    CHECK(mentions(bench.other, "backend"));
}

TEST_CASE("hundreds of critical messages are lent in a time that grows with their number, each once") {
    const auto calls_for = [](int letters) {
        Bench bench({"errors", "second"});
        bench.routes = {{{}, {}, {}, {"errors"}, {}}};
        bench.server.down = true;
        bench.tell(bench.incident_by_hand("FIRST", Event::opened));
        for (int i = 0; i < letters; ++i) {
            REQUIRE(bench.delivery()->store(bench.incident_by_hand(fmt::format("I{:05}", i), Event::opened)));
        }
        bench.bare.clock.advance(1min);
        bench.flush();
        bench.bare.clock.advance(11min);
        bench.other.down = true; // what is counted is the lending, not what is sent of it
        bench.files.heal();      // counts from here
        const DeliveryReport report = bench.flush();
        const std::size_t calls = bench.files.calls();
        CHECK(report.queued == letters + 1);
        bench.other.down = false;
        // Again it lends nothing, however many there are.
        for (int minute = 0; minute < 3; ++minute) {
            bench.bare.clock.advance(3min);
            CHECK(bench.flush().queued == 0);
        }
        return calls;
    };
    const std::size_t some = calls_for(150);
    CHECK(calls_for(600) < some * 5);
}

TEST_CASE("what is new is told before what is lent, and lending keeps to the time of the run") {
    Bench bench({"errors", "second"});
    bench.routes = {{{}, {}, {}, {"errors"}, {}}};
    bench.server.down = true;
    for (int i = 0; i < 50; ++i) {
        REQUIRE(bench.delivery()->store(bench.incident_by_hand(fmt::format("I{:05}", i), Event::opened)));
    }
    bench.flush();
    bench.bare.clock.advance(11min);
    bench.routes = {{{}, {}, {}, {"second"}, {}}};
    Message fresh = bench.words("this is new");
    bench.tell(fresh);
    REQUIRE(bench.other.accepted.size() >= 2);
    CHECK(bench.other.accepted[0].text.find("this is new") != std::string::npos);
    // A run without any time left lends nothing and loses nothing.
    bench.routes = {{{}, {}, {}, {"errors"}, {}}};
    REQUIRE(bench.delivery()->store(bench.incident_by_hand("LATER", Event::opened)));
    CHECK(bench.delivery()->flush(bench.deadline(0s)).queued == 0);
    bench.bare.clock.advance(1min);
    CHECK(bench.flush().queued == 1);
}

TEST_CASE(
    "a clock that was set back neither stops the failover nor silences a key for longer than its window") {
    Bench bench({"errors", "second"});
    bench.tell(bench.words("before", "backup"));
    REQUIRE(bench.other.accepted.size() == 1);
    bench.routes = {{{}, {}, {}, {"errors"}, {}}};
    bench.server.down = true;
    bench.tell(bench.news(Event::opened));
    bench.bare.clock.jump_wall(-24h);
    bench.flush_every_minute(12);
    CHECK(bench.other.accepted.size() == 2);
    bench.routes = {{{}, {}, {}, {"second"}, {}}};
    bench.tell(bench.words("after", "backup"));
    CHECK(mentions(bench.other, "after"));
}

TEST_CASE("set back across a reboot, too, the failover comes: it counts anew") {
    Bench bench({"errors", "second"});
    bench.routes = {{{}, {}, {}, {"errors"}, {}}};
    bench.server.down = true;
    bench.tell(bench.news(Event::opened));
    bench.bare.clock.jump_wall(-24h);
    bench.bare.clock.reboot(1min);
    bench.flush_every_minute(14);
    CHECK(bench.other.accepted.size() == 1);
}

TEST_CASE("a channel that refuses every message has its critical ones told at once by the others") {
    Bench bench({"errors", "second"});
    bench.routes = {{{}, {}, {}, {"errors"}, {}}};
    bench.server.prepare_refusal(401, "Unauthorized");
    bench.tell(bench.news(Event::opened));
    bench.bare.clock.advance(1min);
    bench.flush();
    CHECK(bench.other.accepted.size() == 1);
}

TEST_CASE("with all channels down nothing is handed round") {
    Bench bench({"errors", "second"});
    bench.server.down = bench.other.down = true;
    bench.tell(bench.news(Event::opened));
    bench.flush_every_minute(30);
    CHECK(bench.delivery()->count_waiting() == 2);
    bench.server.down = bench.other.down = false;
    bench.flush_every_minute(5);
    CHECK(bench.server.accepted.size() == 1);
    CHECK(bench.other.accepted.size() == 1);
}

TEST_CASE("a group is sent no more than it takes in a minute; what is over waits its turn") {
    Bench bench;
    int told = 0;
    for (int second = 0; second < 50; ++second) {
        told += bench.tell(bench.words("text " + std::to_string(second))).sent;
        bench.bare.clock.advance(1s);
    }
    CHECK(told <= 20);
    CHECK(bench.server.accepted.size() <= 20);
    // What is critical is tried all the same.
    bench.tell(bench.news(Event::opened));
    CHECK(mentions(bench.server, "site: HTTP 403"));
    bench.flush_every_minute(5);
    for (int second = 0; second < 50; ++second) {
        CHECK(mentions(bench.server, "text " + std::to_string(second)));
    }
}

// ── an outage of twelve hours ────────────────────────────────────────────────────────────────────────────

TEST_CASE("what the bot has answered in a group counts among what the group takes in a minute") {
    Bench bench;
    bench.tell(bench.words("first"));
    for (int i = 0; i < 19; ++i) {
        bench.delivery()->count_answer("errors", 1);
    }
    bench.bare.clock.advance(10s);
    const DeliveryReport full = bench.tell(bench.words("one too many"));
    CHECK(full.sent == 0);
    CHECK(full.waiting == 1);
    CHECK(full.next_try == 50s);
    bench.bare.clock.advance(50s);
    CHECK(bench.flush().sent == 1);
}

TEST_CASE("who waits for what is told to be stored does not wait for a server") {
    Bench bench;
    bool stored = false;
    bench.bare.http.on_any([&](const HttpRequest& request) {
        CHECK(stored);
        CHECK(bench.delivery()->count_waiting() == 1);
        return bench.server.answer(request);
    });
    bench.delivery()->tell(bench.words("hello"), bench.deadline(), [&] { stored = true; });
    CHECK(bench.server.accepted.size() == 1);
}

TEST_CASE("after twelve hours without Telegram and hundreds of incidents a handful of messages tells it") {
    const int incidents = LECTIO_COUNT_OUTAGE / (std::getenv("LECTIO_SOAK") != nullptr ? 1 : 10);
    const Duration between = Duration(12h) / incidents;
    Bench bench;
    bench.server.down = true;
    const auto id = [](int number) { return "AA" + std::to_string(1000 + number); };
    for (int number = 0; number < incidents; ++number) {
        News opened = bench.news(Event::opened, id(number));
        opened.items[0].incident.check = "check-" + std::to_string(number);
        opened.run.run = static_cast<std::uint64_t>(number) * 2 + 1;
        bench.tell(opened);
        bench.bare.clock.advance(1min);
        if (number < incidents - 2) { // two are still open in the end
            News ended = bench.news(Event::resolved, id(number), 1min);
            ended.items[0].incident.check = "check-" + std::to_string(number);
            ended.run.run = static_cast<std::uint64_t>(number) * 2 + 2;
            bench.tell(ended);
        }
        bench.bare.clock.advance(between - 1min);
        bench.flush();
    }
    CHECK(bench.server.accepted.empty());
    CHECK(bench.delivery()->count_waiting() == incidents * 2 - 2);
    bench.server.down = false;
    for (int minute = 0; minute < 10 && bench.delivery()->count_waiting() > 0; ++minute) {
        bench.bare.clock.advance(1min);
        bench.flush();
    }
    CHECK(bench.delivery()->count_waiting() == 0);
    REQUIRE_FALSE(bench.server.accepted.empty());
    CHECK(bench.server.accepted.size() <= 12);
    const std::string& first = bench.server.accepted.front().text;
    CHECK(first.find("While nothing got through") != std::string::npos);
    const std::string second_line = first.substr(first.find('\n') + 1, 60);
    CHECK(second_line.starts_with(
        fmt::format("Now still broken: check-{}, check-{}\n", incidents - 2, incidents - 1)));
    for (int number = 0; number < incidents; ++number) {
        CHECK(mentions(bench.server, "check-" + std::to_string(number)));
    }
}
