#include "bot/listener.h"
#include "platform/stop.h"
#include "support/bare_world.h"
#include "support/faulty_files.h"
#include "support/temp_folder.h"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace lectio;

namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;
using Word = OperatorCommand::Word;

constexpr std::int64_t k_operator = 111;
constexpr std::int64_t k_chat = -5;

// Telegram, as far as a listener asks it: holds what was written until it is confirmed by a higher offset.
class BotServer {
  public:
    explicit BotServer(BareWorld& bare) {
        bare.http.on_any([this, &bare](const HttpRequest& request) { return answer(bare, request); });
    }

    void write(const std::string& text, std::int64_t who = k_operator, std::int64_t chat = k_chat,
               std::int64_t date = 1769076000, std::int64_t topic = 0) {
        const std::int64_t id = next++;
        updates.push_back({{"update_id", id},
                           {"message",
                            {{"message_id", id + 100},
                             {"from", {{"id", who}, {"username", "anna"}}},
                             {"chat", {{"id", chat}}},
                             {"date", date},
                             {"is_topic_message", topic != 0},
                             {"message_thread_id", topic},
                             {"text", text}}}});
    }
    void press(const std::string& data, std::int64_t who = k_operator) {
        const std::int64_t id = next++;
        updates.push_back({{"update_id", id},
                           {"callback_query",
                            {{"id", "press"},
                             {"from", {{"id", who}}},
                             {"data", data},
                             {"message", {{"message_id", 77}, {"chat", {{"id", k_chat}}}}}}}});
    }

    std::vector<Json> updates;
    std::int64_t next = 1000;
    std::vector<Json> sent, presses, announced;
    std::deque<HttpAnswer> prepared;         // of getUpdates
    std::deque<HttpAnswer> prepared_replies; // of sendMessage
    bool repeats = false;                    // a server that forgets what was confirmed
    std::size_t awaited = 0; // until so many messages were sent the time hardly passes: a thread is at work

  private:
    HttpAnswer answer(BareWorld& bare, const HttpRequest& request) {
        const std::string method = request.url.substr(request.url.rfind('/') + 1);
        const Json body = Json::parse(request.body);
        if (method == "getUpdates") {
            return get_updates(bare, body);
        }
        if (method == "sendMessage" && !prepared_replies.empty()) {
            const HttpAnswer answer = prepared_replies.front();
            prepared_replies.pop_front();
            return answer;
        }
        if (method == "sendMessage") {
            sent.push_back(body);
            return good({{"message_id", 1}});
        }
        if (method == "answerCallbackQuery") {
            presses.push_back(body);
        } else if (method == "setMyCommands") {
            announced.push_back(body);
        } else if (method == "getMe") {
            return good({{"id", 42}, {"username", "lectio_bot"}});
        }
        return good(true);
    }

    HttpAnswer get_updates(BareWorld& bare, const Json& body) {
        if (!prepared.empty()) {
            const HttpAnswer answer = prepared.front();
            prepared.pop_front();
            return answer;
        }
        const std::int64_t offset = body.at("offset").get<std::int64_t>();
        Json found = Json::array();
        for (const Json& update : updates) {
            if (repeats || update["update_id"].get<std::int64_t>() >= offset) {
                found.push_back(update);
            }
        }
        if (!repeats) {
            updates.assign(found.begin(), found.end());
        }
        if (found.empty() || repeats) {
            const auto held =
                std::chrono::seconds(std::max<std::int64_t>(1, body.at("timeout").get<std::int64_t>()));
            bare.clock.advance(sent.size() < awaited ? Duration(1) : Duration(held));
        }
        return good(found);
    }

    static HttpAnswer good(const Json& result) {
        return page(200, Json{{"ok", true}, {"result", result}}.dump());
    }
};

class Noted final : public Operators {
  public:
    std::variant<Reply, Slow> carry_out(const OperatorCommand& command, const std::string& who) override {
        done.push_back(std::string(to_string(command.word)) + "(" + command.argument + ") " + who);
        if (dies) {
            throw std::runtime_error("killed");
        }
        if (command.word == Word::check) {
            return Slow{{Level::info, verbatim("checking"), verbatim("wait"), verbatim("one moment")},
                        [gate = gate] {
                            std::unique_lock lock(gate->mutex);
                            gate->may_end.wait(lock, [&] { return gate->open; });
                            return Reply{Level::info, verbatim("checked"), verbatim("all is good"), {}};
                        }};
        }
        if (command.word == Word::status) {
            open_gate();
        }
        return Reply{Level::info, verbatim("done"), verbatim("as asked"), verbatim("noted")};
    }
    // What takes long waits for it.
    struct Gate {
        std::mutex mutex;
        std::condition_variable may_end;
        bool open = false;
    };
    void open_gate() {
        const std::scoped_lock lock(gate->mutex);
        gate->open = true;
        gate->may_end.notify_all();
    }
    std::shared_ptr<Gate> gate = std::make_shared<Gate>();
    std::vector<std::string> done;
    bool dies = false;
};

struct Polling {
    BareWorld bare;
    TempFolder folder;
    BotServer server{bare};
    Noted operators;
    Files* files = &bare.files;
    std::vector<ListenedChat> more;

    ListenerSettings settings() {
        ListenedChat chat;
        chat.channel.name = "errors";
        chat.channel.token = Secret("42:made-up-token");
        chat.channel.api = "http://bot.test";
        chat.chat = k_chat;
        chat.operators = {k_operator};
        ListenerSettings settings;
        settings.chats = {chat};
        settings.chats.insert(settings.chats.end(), more.begin(), more.end());
        settings.memory = {folder.path() / "state", folder.path() / "run", folder.path() / "memory"};
        settings.voice = {Lang::en, "UTC"};
        settings.host = "lectio-1";
        return settings;
    }

    ListenReport poll(Duration length = 50s) {
        World world{bare.clock, *files, bare.host, bare.http, bare.processes, bare.services, bare.redis};
        CommandListener listener(world, settings(), operators);
        return listener.listen(bare.clock.steady() + length);
    }
};

bool has(const std::vector<ListenReport::Line>& lines, std::string_view part) {
    return std::any_of(lines.begin(), lines.end(), [&](const ListenReport::Line& line) {
        return line.text.find(part) != std::string::npos;
    });
}

HttpAnswer too_fast(int seconds) {
    return page(429, Json{{"ok", false},
                          {"error_code", 429},
                          {"description", "Too Many Requests"},
                          {"parameters", {{"retry_after", seconds}}}}
                         .dump());
}

} // namespace

TEST_CASE("An operator's command is carried out once, answered where it was written, and confirmed") {
    Polling here;
    here.server.write("/mute 30m");
    CHECK(here.poll().obeyed == 1);
    CHECK(here.operators.done == std::vector<std::string>{"mute(30m) @anna"});
    REQUIRE(here.server.sent.size() == 1);
    CHECK(here.server.sent[0]["chat_id"] == "-5");
    CHECK(here.server.sent[0]["reply_parameters"]["message_id"] == 1100);
    CHECK(here.server.sent[0]["disable_notification"] == true);
    CHECK(here.server.updates.empty());
    here.poll();
    CHECK(here.operators.done.size() == 1);
}

TEST_CASE("A server that sends the same again is not obeyed twice, in another poll neither") {
    Polling here;
    here.server.repeats = true;
    here.server.write("/mute 30m");
    here.poll();
    here.poll();
    CHECK(here.operators.done.size() == 1);
}

TEST_CASE("Only operators in a configured chat are obeyed; others are logged and get no answer") {
    Polling here;
    here.server.write("/mute 30m", 666);
    here.server.write("/mute 30m", k_operator, 999);
    here.server.press("mute/1h", 666);
    const ListenReport report = here.poll();
    CHECK(here.operators.done.empty());
    CHECK(here.server.sent.empty());
    CHECK(here.server.presses.empty());
    CHECK(report.ignored == 3);
    CHECK(has(report.log, "ignored: 666 (@anna) in chat -5"));
}

TEST_CASE("A flood of strangers does not flood the log") {
    Polling here;
    for (int i = 0; i < 500; ++i) {
        here.server.write("/status " + std::to_string(i), 666);
    }
    const ListenReport report = here.poll();
    CHECK(report.ignored == 500);
    CHECK(report.log.size() == 20);
}

TEST_CASE("What an operator says to others is left alone, and a wrong argument gets the list of commands") {
    Polling here;
    here.server.write("good morning");
    here.server.write("/status@other_bot");
    here.poll();
    CHECK(here.server.sent.empty());
    here.server.write("/mute half an hour");
    here.poll();
    CHECK(here.operators.done.empty());
    REQUIRE(here.server.sent.size() == 1);
    CHECK(here.server.sent[0]["text"].get<std::string>().find("/unmute") != std::string::npos);
}

TEST_CASE("A command that waited too long is not carried out, and that is said") {
    Polling here;
    here.server.write("/mute 30m", k_operator, k_chat, 1769076000 - 3 * 3600);
    here.poll();
    CHECK(here.operators.done.empty());
    REQUIRE(here.server.sent.size() == 1);
    CHECK(here.server.sent[0]["text"].get<std::string>().find("3 h") != std::string::npos);
}

TEST_CASE("A press counts only while somebody listens: of an older one nobody knows the time") {
    Polling here;
    here.server.press("mute/1h");
    here.poll();
    CHECK(here.operators.done.empty());
    REQUIRE(here.server.presses.size() == 1);
    CHECK(here.server.presses[0]["text"].get<std::string>().find("again") != std::string::npos);

    here.server.press("mute/1h"); // the next minute
    here.poll();
    CHECK(here.operators.done == std::vector<std::string>{"mute(1h) 111"});
    REQUIRE(here.server.presses.size() == 2);
    CHECK(here.server.presses[1]["text"] == "noted");

    here.bare.clock.advance(10min);
    here.server.press("mute/1h");
    here.poll();
    CHECK(here.operators.done.size() == 1);
}

TEST_CASE("A poll that dies while it carries out a command leaves word of it, and does not do it again") {
    Polling here;
    here.server.write("/mute 30m");
    here.operators.dies = true;
    CHECK_THROWS(here.poll());
    here.operators.dies = false;
    here.poll();
    CHECK(here.operators.done.size() == 1);
    REQUIRE(here.server.sent.size() == 1);
    CHECK(here.server.sent[0]["text"].get<std::string>().find("/mute 30m was interrupted") !=
          std::string::npos);
    here.poll();
    CHECK(here.server.sent.size() == 1);
}

TEST_CASE("What takes long holds up no other command, and its answer comes when it is there") {
    Polling here;
    here.server.awaited = 5;
    here.server.write("/check");
    here.server.write("/mutestatus");
    here.server.write("/check");  // impatient
    here.server.write("/status"); // lets the check end, in this test
    here.poll();
    REQUIRE(here.server.sent.size() == 5);
    const auto text = [&](std::size_t i) { return here.server.sent[i]["text"].get<std::string>(); };
    CHECK(text(0).find("checking") != std::string::npos);
    CHECK(text(1).find("as asked") != std::string::npos);
    CHECK(text(2).find("being done already") != std::string::npos);
    CHECK(text(3).find("as asked") != std::string::npos);
    CHECK(text(4).find("all is good") != std::string::npos);
    CHECK(here.server.sent[4]["reply_parameters"]["message_id"] == 1100);
    here.poll();
    CHECK(here.server.sent.size() == 5);
}

TEST_CASE("What only looks is done again when its poll died, once more and not for ever") {
    Polling here;
    here.operators.open_gate();
    here.operators.dies = true;
    here.server.write("/check");
    CHECK_THROWS(here.poll());
    SECTION("and answered") {
        here.operators.dies = false;
        here.server.awaited = 1;
        here.poll();
        REQUIRE(here.server.sent.size() == 1);
        CHECK(here.server.sent[0]["text"].get<std::string>().find("all is good") != std::string::npos);
        CHECK(here.server.sent[0]["reply_parameters"]["message_id"] == 1100);
    }
    SECTION("or given up") {
        CHECK_THROWS(here.poll());
        here.operators.dies = false;
        here.poll();
        REQUIRE(here.server.sent.size() == 1);
        CHECK(here.server.sent[0]["text"].get<std::string>().find("/check was interrupted") !=
              std::string::npos);
    }
    here.poll();
    CHECK(here.operators.done.size() == 2);
    CHECK(here.server.sent.size() == 1);
}

TEST_CASE("With a full disk nothing is obeyed twice either: the run folder remembers") {
    Polling here;
    here.server.repeats = true;
    FaultyFiles full(here.folder.path());
    here.files = &full;
    full.fail_writing(ENOSPC, here.folder.path() / "state");
    here.server.write("/mute 30m");
    here.poll();
    here.poll();
    CHECK(here.operators.done.size() == 1);
}

TEST_CASE(
    "Another reader of the bot is told once when it lasts, and its end, too; a network that is down is not") {
    Polling here;
    const auto deaf_for_a_minute = [&](const char* description) {
        here.server.prepared.assign(
            10,
            page(409,
                 nlohmann::json{{"ok", false}, {"error_code", 409}, {"description", description}}.dump()));
        const ListenReport report = here.poll();
        here.server.prepared.clear();
        here.bare.clock.advance(10s);
        return report;
    };
    int told = 0;
    for (int minute = 0; minute < 20; ++minute) {
        const ListenReport report = deaf_for_a_minute("Conflict: terminated by other getUpdates request");
        CHECK(!report.unreachable);
        if (!report.deafness.empty()) {
            ++told;
            CHECK(minute >= 9);
            CHECK(report.deafness[0].channel == "errors");
            CHECK(!report.deafness[0].over);
            CHECK(!report.deafness[0].hint.empty());
        }
    }
    CHECK(told == 1);
    const ListenReport report = here.poll();
    REQUIRE(report.deafness.size() == 1);
    CHECK(report.deafness[0].over);
    CHECK(here.poll().deafness.empty());

    here.bare.http.on_any([](const HttpRequest&) { return failed(HttpAnswer::Failure::dns); });
    const ListenReport down = here.poll();
    CHECK(down.deafness.empty());
    CHECK(down.unreachable);
}

TEST_CASE("A webhook in place of a listener is named") {
    Polling here;
    here.server.prepared.assign(
        10,
        page(
            409,
            R"({"ok":false,"error_code":409,"description":"Conflict: can't use getUpdates while webhook is active"})"));
    here.poll();
    here.bare.clock.advance(10min);
    const ListenReport report = here.poll();
    REQUIRE(!report.deafness.empty());
    CHECK(report.deafness[0].problem.en.find("webhook") != std::string::npos);
}

TEST_CASE("Phones are told of the commands once a day and when they change") {
    Polling here;
    here.poll();
    REQUIRE(here.server.announced.size() == 1);
    CHECK(here.server.announced[0]["commands"].size() == 7);
    CHECK(here.server.announced[0]["scope"]["chat_id"] == k_chat);
    here.poll();
    CHECK(here.server.announced.size() == 1);
    here.bare.clock.advance(25h);
    here.poll();
    CHECK(here.server.announced.size() == 2);
}

TEST_CASE("An answer that Telegram does not take now is given again when it may be") {
    Polling here;
    here.server.prepared_replies = {too_fast(2), page(502, "<html>bad gateway</html>")};
    here.server.awaited = 1;
    here.server.write("/mute 30m");
    here.poll();
    CHECK(here.operators.done.size() == 1);
    REQUIRE(here.server.sent.size() == 1);
    CHECK(here.server.sent[0]["text"].get<std::string>().find("as asked") != std::string::npos);
    here.poll();
    CHECK(here.server.sent.size() == 1);
}

TEST_CASE("An answer that a poll could not give is given by the next; what is done is not done again") {
    Polling here;
    here.server.prepared_replies.assign(100, too_fast(3600));
    here.server.write("/mute 30m");
    here.server.write("/status");
    here.poll();
    CHECK(here.server.sent.empty());
    here.server.prepared_replies.clear();
    here.poll();
    CHECK(here.operators.done == std::vector<std::string>{"mute(30m) @anna", "status() @anna",
                                                          "status() @anna"}); // as new as it is late
    REQUIRE(here.server.sent.size() == 2);
    CHECK(here.server.sent[0]["reply_parameters"]["message_id"] == 1100);
    CHECK(here.server.sent[0]["text"].get<std::string>().find("as asked") != std::string::npos);
    here.poll();
    CHECK(here.server.sent.size() == 2);
}

TEST_CASE("An answer that may have arrived says so when it comes again") {
    Polling here;
    here.server.awaited = 1;
    HttpAnswer lost = failed(HttpAnswer::Failure::timeout);
    lost.phase = HttpAnswer::Phase::first_byte;
    here.server.prepared_replies = {lost};
    here.server.write("/mute 30m");
    here.poll();
    REQUIRE(here.server.sent.size() == 1);
    CHECK(here.server.sent[0]["text"].get<std::string>().find("Perhaps you have read this already") !=
          std::string::npos);
}

TEST_CASE("What an operator asks for and does not exist is answered, and counted") {
    Polling here;
    here.server.write("/maintenance 1h");
    here.server.write("/list", 666);
    const ListenReport report = here.poll();
    CHECK(report.unknown == 1);
    CHECK(report.obeyed == 0);
    CHECK(report.ignored == 1);
    REQUIRE(here.server.sent.size() == 1);
    CHECK(here.server.sent[0]["text"].get<std::string>().find("/help") != std::string::npos);
    here.server.write("/help");
    here.poll();
    REQUIRE(here.server.sent.size() == 2);
    const std::string help = here.server.sent[1]["text"].get<std::string>();
    CHECK(help.find("Commands:") == help.rfind("Commands:"));
}

TEST_CASE("In a chat with two channels the operators of both are obeyed") {
    Polling here;
    ListenedChat second = here.settings().chats[0];
    second.channel.name = "second";
    second.channel.thread = 2;
    second.operators = {222};
    here.more = {second};
    here.server.write("/mute 30m", 222, k_chat, 1769076000, 2);
    here.server.write("/unmute");
    CHECK(here.poll().obeyed == 2);
    REQUIRE(here.server.sent.size() == 2);
    CHECK(here.server.sent[0]["message_thread_id"] == 2);
    CHECK(!here.server.sent[1].contains("message_thread_id"));
}

TEST_CASE("After a quiet week updates have other numbers") {
    Polling here;
    here.server.next = 700'000'000;
    here.server.write("/mute 30m");
    here.poll();
    here.server.next = 300'000'000;
    for (int day = 0; day < 7; ++day) {
        here.bare.clock.advance(24h);
        here.poll();
    }
    const auto now = std::chrono::floor<std::chrono::seconds>(here.bare.clock.now().wall);
    here.server.write("/unmute", k_operator, k_chat, now.time_since_epoch().count());
    CHECK(here.poll().obeyed == 1);
    CHECK(here.operators.done.size() == 2);
}

TEST_CASE("A server that gives the same again and again is not asked a dozen times a second") {
    Polling here;
    here.server.write("/mute 30m");
    here.poll();
    const Json again{{"ok", true}, {"result", Json::array({Json{{"update_id", 1000}}})}};
    here.server.prepared.assign(1000, page(200, again.dump()));
    here.poll();
    CHECK(here.server.prepared.size() > 980);
}

TEST_CASE("A wish to stop ends a poll at once") {
    Polling here;
    request_stop_for_test(15);
    const SteadyTime before = here.bare.clock.steady();
    here.poll();
    request_stop_for_test(0);
    CHECK(here.bare.clock.steady() - before < 2s);
}

TEST_CASE("What is remembered survives the way to the disk and back, and garbage is nothing") {
    BotMemory memory;
    memory.next = 12345678901;
    memory.begun = {{-5, 7, "/mute 30m", "mute/30m", "@anna", 1}, {-5, 8, "/check", "check/", "@anna", 2}};
    memory.name = "lectio_bot";
    memory.introduced = "x";
    memory.introduced_at = WallTime(5s);
    memory.heard = WallTime(9s);
    memory.updated = WallTime(8s);
    memory.begun[1].title = "done";
    memory.begun[1].text = "as asked";
    memory.begun[1].maybe_said = true;
    memory.deaf_since = WallTime(3s);
    memory.deaf_told = true;
    const BotMemories read = bot_memories_from_json(to_json({{"abc", memory}}));
    REQUIRE(read.size() == 1);
    CHECK(read.at("abc") == memory);
    for (const char* text : {"", "[]", "{\"bots\":[]}", "{\"bots\":{\"a\":7}}"}) {
        CHECK(bot_memories_from_json(text).empty());
    }
}
