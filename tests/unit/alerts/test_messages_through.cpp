// Any text through a server that fails in every way: each message arrives whole up to two messages, a longer one with
// its beginning, its end and where the rest lies; in order; twice only where an answer was lost, and then marked
// (CONTRACT 44). How many: tests/counts.json, a tenth without LECTIO_SOAK.
#include "alerts/delivery.h"
#include "alerts/telegram.h"
#include "platform/files.h"
#include "support/bare_world.h"
#include "support/telegram_server.h"
#include "support/temp_folder.h"
#include "util/text.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace lectio;
using namespace std::chrono_literals;
using Json = nlohmann::json;

namespace {

constexpr const char* k_mark = "answer to its first sending was lost";
constexpr const char* k_where = "/logs/alerts.log";

class Dice {
  public:
    explicit Dice(unsigned seed) : m_random(seed) {}
    std::size_t below(std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>(0, limit - 1)(m_random);
    }
    bool one_in(std::size_t chances) { return below(chances) == 0; }

    std::string text() {
        static const std::vector<std::string> k_parts{
            "<",
            ">",
            "&",
            "\"",
            "</b>",
            "<code>",
            "</pre>",
            "&lt;",
            "&#60;",
            "<!--",
            "a",
            "Б",
            " ",
            "\n",
            "🚨",
            "👩‍👩‍👧",
            "🇷🇺",
            "e\xCC\x81",
            "\xD7\xA9\xD7\x9C",
            "\xE2\x80\xAE",
            "\xE2\x80\x8B",
            "\x01",
            "\x1B[31m",
            "\t",
            "\xED\xA0\xBD", // half of a surrogate pair, in no UTF-8
            "\xF0\x9F",
            "\xFF",
            "%3C",
            "\\n",
            "слово ",
            "word ",
            "2026/01/22 10:00:00 [error] 7#7: *1 open() \"/srv/<b>/x\" failed (13: Permission denied)\n",
            R"({"level":"error","msg":"a < b && c","path":"C:\\x"})",
            "Traceback (most recent call last):\n  File \"<string>\", line 1, in <module>\n"};
        static const std::size_t k_sizes[] = {0, 1, 3, 20, 200, 700, 4000};
        std::string all;
        for (std::size_t left = k_sizes[below(std::size(k_sizes))]; left > 0; --left) {
            all += k_parts[below(k_parts.size())];
        }
        return all;
    }

  private:
    std::mt19937 m_random;
};

// The strict other side. What it accepted, and whether we were told so.
class MoodyServer {
  public:
    explicit MoodyServer(Dice& dice) : m_dice(dice) {}

    struct Accepted {
        std::string text; // as the reader sees it
        bool answer_lost = false;
    };

    HttpAnswer answer(const HttpRequest& request) {
        using Failure = HttpAnswer::Failure;
        using Phase = HttpAnswer::Phase;
        const Json body = Json::parse(request.body, nullptr, false);
        switch (m_dice.below(40)) {
        case 0:
            return failed(Failure::refused, Phase::connect, "Connection refused");
        case 1:
            return page(429,
                        R"({"ok":false,"description":"Too Many Requests","parameters":{"retry_after":2}})");
        case 2:
            return page(500, R"({"ok":false,"description":"Internal Server Error"})");
        case 3:
            return page(502, "<html>Bad Gateway</html>"); // who knows
        case 4:
            return failed(Failure::timeout, Phase::first_byte); // not accepted, but nobody knows
        case 5:
            return accept(body, true);
        default:
            return accept(body, false);
        }
    }

    std::vector<Accepted> accepted;
    int refused = 0;

  private:
    HttpAnswer accept(const Json& body, bool lose_answer) {
        const ServerVerdict verdict = body.value("parse_mode", "") == "HTML"
                                          ? accept_html(body.value("text", ""))
                                          : accept_plain(body.value("text", ""));
        if (!verdict.refusal.empty()) {
            ++refused;
            return page(400, Json{{"ok", false}, {"description", verdict.refusal}}.dump());
        }
        accepted.push_back({verdict.text, lose_answer});
        return lose_answer ? failed(HttpAnswer::Failure::closed, HttpAnswer::Phase::first_byte)
                           : page(200, R"({"ok":true,"result":{"message_id":7}})");
    }

    Dice& m_dice;
};

// A line end in the reader's text may be the border between two messages.
std::string without_blanks(std::string_view text) {
    std::string kept(text);
    std::erase_if(kept, [](char c) { return c == ' ' || c == '\n' || c == '\t'; });
    return kept;
}

class Chat {
  public:
    explicit Chat(unsigned seed) : m_dice(seed), m_server(m_dice) {
        m_bare.http.on_any([this](const HttpRequest& request) { return m_server.answer(request); });
    }

    // A message whose number stands at its beginning and its end, so that it is found again.
    void say(int number) {
        Words words;
        words.title = fmt::format("title {:06}", number);
        words.text = fmt::format("begin{:06} {} end{:06}", number, m_dice.text(), number);
        words.host = "h";
        words.time = m_bare.clock.now().wall;
        m_told.push_back(compose(words, Lang::en));
        delivery().tell(m_told.back(), m_bare.clock.steady() + 5s);
        m_bare.clock.advance(std::chrono::seconds(m_dice.below(90)));
    }

    void wait_until_all_is_told() {
        for (int minute = 0; minute < 300 && delivery().count_waiting() > 0; ++minute) {
            delivery().flush(m_bare.clock.steady() + 50s);
            m_bare.clock.advance(1min);
        }
        REQUIRE(delivery().count_waiting() == 0);
    }

    void check_all() {
        REQUIRE(m_server.refused == 0);
        std::string chat; // everything the reader has, from the first to the last
        for (const MoodyServer::Accepted& message : m_server.accepted) {
            REQUIRE(utf16_length(message.text) <= telegram::k_text_units);
            chat += message.text + "\n";
        }
        std::size_t at = 0;
        for (std::size_t number = 0; number < m_told.size(); ++number) {
            CAPTURE(number);
            at = check(m_told[number], number, chat, at);
        }
    }

  private:
    // From where the one before was found: they come in order.
    std::size_t check(const Message& message, std::size_t number, const std::string& chat, std::size_t from) {
        const std::string begin = fmt::format("begin{:06}", number);
        const std::string end = fmt::format("end{:06}", number);
        const std::size_t first = chat.find(begin, from);
        REQUIRE(first != std::string::npos);
        const std::string text = plain_text(message);
        const bool fits = utf16_length(text) <= telegram::k_text_units;
        CHECK((arrived_whole(text, begin, end, chat) || (!fits && arrived_cut(begin, end, chat))));
        check_doubles(begin, chat, fits);
        return first;
    }

    // One of its copies, from its first character to its last.
    static bool arrived_whole(const std::string& text, const std::string& begin, const std::string& end,
                              const std::string& chat) {
        const std::string all = without_blanks(text);
        const std::size_t first = all.find(begin);
        const std::string expected = all.substr(first, all.find(end) + end.size() - first);
        for (std::size_t at = chat.find(begin); at != std::string::npos; at = chat.find(begin, at + 1)) {
            const std::string seen = without_parting(without_blanks(chat.substr(at, text.size() + 1000)));
            if (seen.starts_with(expected)) {
                return true;
            }
        }
        return false;
    }

    static bool arrived_cut(const std::string& begin, const std::string& end, const std::string& chat) {
        const std::size_t last = chat.rfind(end);
        const std::size_t first = chat.rfind(begin, last);
        return last != std::string::npos && first != std::string::npos &&
               chat.substr(first, last - first).find(k_where) != std::string::npos;
    }

    static std::string without_parting(std::string text) {
        const std::string parting = "…(2/2)";
        if (const std::size_t at = text.find(parting); at != std::string::npos) {
            text.erase(at, parting.size());
        }
        return text;
    }

    // A second copy says that it may be one. There is none where no answer was lost, but for a message of two parts of
    // which the second did not arrive.
    void check_doubles(const std::string& begin, const std::string& chat, bool fits) {
        std::size_t copies = 0;
        for (std::size_t at = chat.find(begin); at != std::string::npos; at = chat.find(begin, at + 1)) {
            ++copies;
        }
        if (copies > 1) {
            CAPTURE(copies);
            const std::size_t second = chat.find(begin, chat.find(begin) + 1);
            CHECK(chat.find(k_mark, second) != std::string::npos);
            CHECK((!fits ||
                   std::any_of(m_server.accepted.begin(), m_server.accepted.end(),
                               [](const MoodyServer::Accepted& message) { return message.answer_lost; })));
        }
    }

    Delivery& delivery() {
        std::vector<std::unique_ptr<Channel>> channels;
        TelegramSettings settings;
        settings.name = "errors";
        settings.token = Secret("42:made-up");
        settings.chat = "-5";
        channels.push_back(std::make_unique<Telegram>(settings, Voice{Lang::en, "UTC"}, k_where));
        DeliverySettings own;
        own.state = m_folder / "state";
        own.run = m_folder / "run";
        own.memory = m_memory.path();
        own.voice = {Lang::en, "UTC"};
        m_delivery = std::make_unique<Delivery>(m_bare.world, own, std::move(channels));
        return *m_delivery;
    }

    Dice m_dice;
    MoodyServer m_server;
    TempFolder m_folder, m_memory;
    BareWorld m_bare;
    std::vector<Message> m_told;
    std::unique_ptr<Delivery> m_delivery;
};

} // namespace

TEST_CASE("whatever is told arrives, whole, in order, and marked where it may come twice") {
    constexpr int k_a_chat = 50;
    const int messages = LECTIO_COUNT_MESSAGES / (std::getenv("LECTIO_SOAK") != nullptr ? 1 : 10);
    for (int seed = 0; seed * k_a_chat < messages; ++seed) {
        CAPTURE(seed);
        Chat chat(static_cast<unsigned>(seed));
        for (int number = 0; number < k_a_chat; ++number) {
            chat.say(number);
        }
        chat.wait_until_all_is_told();
        chat.check_all();
    }
    std::cout << fmt::format("counted: {} times {}\n", messages,
                             Catch::getResultCapture().getCurrentTestName());
}
