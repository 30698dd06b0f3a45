#include "bot/command.h"
#include "bot/updates.h"

#include <string>

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

std::string result(const std::string& updates) {
    return R"({"ok":true,"result":)" + updates + "}";
}

} // namespace

TEST_CASE("A text and a press are read with who, where and when") {
    const auto updates = read_updates(result(
        R"([{"update_id":7,"message":{"message_id":12,"from":{"id":111,"username":"anna"},"chat":{"id":-5},)"
        R"("date":1769076000,"text":"/mute 30m"}},)"
        R"({"update_id":8,"callback_query":{"id":"p1","from":{"id":111,"first_name":"Anna"},"data":"ack/abc",)"
        R"("message":{"message_id":9,"date":5,"chat":{"id":-5}}}}])"));
    REQUIRE(updates.ok());
    REQUIRE(updates->size() == 2);
    const Ask& text = updates->at(0).ask.value();
    CHECK(updates->at(0).id == 7);
    CHECK(text.who == 111);
    CHECK(text.chat == -5);
    CHECK(text.message == 12);
    CHECK(text.name == "@anna");
    CHECK(text.text == "/mute 30m");
    CHECK(format_utc(text.time) == "2026-01-22T10:00:00Z");
    const Ask& press = updates->at(1).ask.value();
    CHECK(press.button == "ack/abc");
    CHECK(press.press == "p1");
    CHECK(press.name == "Anna");
    CHECK(press.text.empty());
}

TEST_CASE("What nobody can be obeyed for is an update without an ask") {
    for (
        const char* update :
        {R"({"update_id":1})", R"({"update_id":1,"message":{}})",
         R"({"update_id":1,"message":{"message_id":1,"chat":{"id":1},"date":1,"text":"/status"}})", // a channel
         R"({"update_id":1,"message":{"message_id":1,"from":{"id":"111"},"chat":{"id":1},"date":1,"text":"/status"}})",
         R"({"update_id":1,"message":{"message_id":1,"from":{"id":1.5},"chat":{"id":1},"date":1,"text":"/status"}})",
         R"({"update_id":1,"message":{"message_id":1,"from":{"id":1},"chat":{"id":1},"date":1e300,"text":"/a"}})",
         R"({"update_id":1,"message":{"message_id":1,"from":{"id":1},"chat":{"id":1},"date":1,"photo":[]}})",
         R"({"update_id":1,"message":{"message_id":1,"from":{"id":18446744073709551615},"chat":{"id":1},"date":1,"text":"/a"}})",
         R"({"update_id":1,"callback_query":{"id":"x","from":{"id":1},"data":"ack/a"}})",
         R"({"update_id":1,"edited_message":{"message_id":1,"from":{"id":1},"chat":{"id":1},"date":1,"text":"/a"}})"}) {
        INFO(update);
        const auto updates = read_updates(result("[" + std::string(update) + "]"));
        REQUIRE(updates.ok());
        CHECK(!updates->front().ask.has_value());
    }
}

TEST_CASE("What is not the Bot API's is an error, and no update is taken of it") {
    for (const std::string& body :
         {std::string(), std::string("<html>"), std::string("[]"), std::string(R"({"ok":true})"),
          std::string(R"({"ok":false,"result":[]})"), result(R"({})"), result(R"([{}])"),
          result(R"([{"update_id":-1}])"), result(R"([{"update_id":"1"}])"), result(R"([3])"),
          result(std::string(2000, '[') + std::string(2000, ']'))}) {
        INFO(body.substr(0, 80));
        CHECK(!read_updates(body).ok());
    }
}

TEST_CASE("A text is kept as long as a command may be, and names are cleaned") {
    const auto updates = read_updates(result(
        R"([{"update_id":1,"message":{"message_id":1,"from":{"id":1,"first_name":"a\u001b[31m\nb"},"chat":{"id":1},"date":1,"text":")" +
        std::string(5000, 'x') + R"("}}])"));
    REQUIRE(updates.ok());
    CHECK(updates->front().ask->text == std::string(255, 'x') + "…");
    CHECK(updates->front().ask->name == "a?[31m b");
}

TEST_CASE("A text that is longer than any command is none, however it begins") {
    const auto updates = read_updates(result(
        R"([{"update_id":1,"message":{"message_id":1,"from":{"id":1},"chat":{"id":1},"date":1,"text":"/unmute)" +
        std::string(300, ' ') + R"(only when the other one is quiet"}}])"));
    REQUIRE(updates.ok());
    CHECK(std::holds_alternative<BadArgument>(read_command(updates->front().ask->text, "")));
}

TEST_CASE("A number that no id can be is none") {
    CHECK(!read_updates(result(R"([{"update_id":9223372036854775807}])")).ok());
    const auto updates = read_updates(result(
        R"([{"update_id":1,"message":{"message_id":1,"from":{"id":-9223372036854775808},"chat":{"id":1},"date":1,"text":"/help"}}])"));
    REQUIRE(updates.ok());
    CHECK(!updates->front().ask.has_value());
}

TEST_CASE("A bot's name is that of getMe") {
    CHECK(read_bot_name(result(R"({"id":1,"is_bot":true,"username":"lectio_bot"})")) == "lectio_bot");
    CHECK(read_bot_name("<html>").empty());
    CHECK(read_bot_name(result(R"({"username":7})")).empty());
}
