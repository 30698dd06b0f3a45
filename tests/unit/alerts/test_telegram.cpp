#include "alerts/telegram.h"
#include "support/bare_world.h"
#include "support/telegram_server.h"
#include "util/text.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace lectio;
using telegram::Markup;

namespace {

const Voice k_voice{Lang::en, "UTC"};

Line text_line(std::string text, Piece::Kind kind = Piece::Kind::plain) {
    return {Line::Form::text, {{kind, std::move(text)}}};
}

Draft draft_of(std::string title, std::vector<Line> lines) {
    Draft draft;
    draft.message.title = std::move(title);
    draft.message.lines = std::move(lines);
    return draft;
}

std::vector<std::string> render(const Draft& draft, Markup markup = Markup::html) {
    return telegram::render(draft, markup, k_voice, "/var/log/lectio-monitor/alerts.log");
}

// Texts that break what is not careful: marking up, entities, emoji, right-to-left, combining, controls.
class Babble {
  public:
    explicit Babble(unsigned seed) : m_random(seed) {}

    std::string text(std::size_t pieces) {
        static const std::vector<std::string> k_parts{"<",
                                                      ">",
                                                      "&",
                                                      "\"",
                                                      "'",
                                                      "</b>",
                                                      "<b>",
                                                      "<code>",
                                                      "</pre>",
                                                      "&lt;",
                                                      "&amp;amp;",
                                                      "&#60;",
                                                      "&#x3c;",
                                                      "<!--",
                                                      "a",
                                                      "Б",
                                                      " ",
                                                      "\n",
                                                      "\n\n",
                                                      "🚨",
                                                      "👩‍👩‍👧",
                                                      "🇷🇺",
                                                      "e\xCC\x81",
                                                      "\xD7\xA9\xD7\x9C",
                                                      "\xE2\x80\xAE",
                                                      "\xE2\x80\x8B",
                                                      "\xC2\xA0",
                                                      "\x01",
                                                      "\x1B[0m",
                                                      "\t",
                                                      "<a href='x'>",
                                                      "&nbsp;",
                                                      "%3C",
                                                      "+",
                                                      "\\n",
                                                      "\xFF",
                                                      "\xF0\x9F",
                                                      "слово",
                                                      "word"};
        std::string all;
        for (std::size_t i = 0; i < pieces; ++i) {
            all += k_parts[below(k_parts.size())];
        }
        return clean(all); // as compose() leaves it
    }
    std::size_t below(std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>(0, limit - 1)(m_random);
    }

    Draft draft() {
        static const std::size_t k_sizes[] = {0, 1, 5, 40, 400, 3000, 9000};
        Draft draft = draft_of("ℹ️ " + clean_line(text(5)), {});
        const std::size_t lines = below(12);
        for (std::size_t i = 0; i < lines; ++i) {
            Line line;
            line.form = below(4) == 0 ? Line::Form::block : Line::Form::text;
            const std::size_t pieces = below(10) == 0 ? 200 : below(4);
            for (std::size_t p = 0; p < pieces; ++p) {
                const std::size_t size = pieces > 4 ? 3 : k_sizes[below(7)];
                line.pieces.push_back({static_cast<Piece::Kind>(below(3)), text(size)});
            }
            draft.message.lines.push_back(std::move(line));
        }
        draft.maybe_again = below(2) == 0;
        return draft;
    }

  private:
    std::mt19937 m_random;
};

} // namespace

TEST_CASE("marking up: pieces are tagged, and only & < > are escaped") {
    Draft draft = draft_of("🚨 a<b & \"c\"", {{Line::Form::text,
                                               {{Piece::Kind::plain, "run "},
                                                {Piece::Kind::code, "tail <x> && y"},
                                                {Piece::Kind::plain, " & see"}}},
                                              {Line::Form::block, {{Piece::Kind::code, "1 < 2\n3 > 2"}}}});
    CHECK(render(draft) == std::vector<std::string>{"<b>🚨 a&lt;b &amp; \"c\"</b>\n"
                                                    "run <code>tail &lt;x&gt; &amp;&amp; y</code> &amp; see\n"
                                                    "<pre>1 &lt; 2\n3 &gt; 2</pre>"});
    CHECK(render(draft, Markup::none) ==
          std::vector<std::string>{"🚨 a<b & \"c\"\nrun tail <x> && y & see\n1 < 2\n3 > 2"});
}

TEST_CASE("the server accepts whatever is written, and the reader sees what was meant") {
    for (unsigned seed = 0; seed < 1500; ++seed) {
        Babble babble(seed);
        const Draft draft = babble.draft();
        const std::vector<std::string> marked = render(draft);
        const std::vector<std::string> plain = render(draft, Markup::none);
        INFO("seed " << seed);
        REQUIRE(marked.size() == plain.size());
        REQUIRE(marked.size() <= 2);
        for (std::size_t i = 0; i < marked.size(); ++i) {
            const ServerVerdict html = accept_html(marked[i]);
            const ServerVerdict text = accept_plain(plain[i]);
            REQUIRE(html.refusal.empty());
            REQUIRE(text.refusal.empty());
            // Marking up changes nothing of the words.
            REQUIRE(html.text == text.text);
        }
    }
}

TEST_CASE("a message of two parts loses nothing") {
    const std::string longest = [] {
        std::string text;
        for (int i = 0; i < 1200; ++i) {
            text += "word" + std::to_string(i) + " ";
        }
        return text;
    }();
    REQUIRE(longest.size() > 8192);
    const std::string fitting = longest.substr(0, 7900);
    const std::vector<std::string> parts = render(draft_of("title", {text_line(fitting)}));
    REQUIRE(parts.size() == 2);
    std::string all = parts[0] + parts[1];
    for (const char* word : {"word0 ", "word500 ", "word900 "}) {
        CHECK(all.find(word) != std::string::npos);
    }
    CHECK(parts[1].starts_with("… (2/2)\n"));
    // Cut at a blank: no word is torn.
    CHECK(parts[0].find_last_of(' ') != std::string::npos);
    std::erase_if(all, [](char c) { return c == '\n'; });
    CHECK(all.size() == fitting.size() + std::string("<b>title</b>… (2/2)").size());
}

TEST_CASE("of a longer one the beginning and the end remain, and where the rest is") {
    std::vector<Line> lines;
    for (int i = 0; i < 3000; ++i) {
        lines.push_back(text_line("line " + std::to_string(i)));
    }
    const std::vector<std::string> parts = render(draft_of("title", lines));
    REQUIRE(parts.size() == 2);
    CHECK(parts[0].starts_with("<b>title</b>\nline 0\nline 1\n"));
    CHECK(parts[1].ends_with("line 2998\nline 2999"));
    CHECK(parts[1].starts_with("… (2/2) left out: "));
    CHECK(parts[1].find("/var/log/lectio-monitor/alerts.log\n") != std::string::npos);
    // One line too long for anything is cut within.
    const std::vector<std::string> monster =
        render(draft_of("title", {text_line(std::string(100'000, 'x') + "END")}));
    REQUIRE(monster.size() == 2);
    CHECK(monster[1].ends_with("xxEND"));
    CHECK(utf16_length(monster[1]) > 4000);
}

TEST_CASE("both limits are used to the last unit") {
    const std::string title = "t";
    const auto parts_with = [&](std::size_t units) {
        return render(draft_of(title, {text_line(std::string(units, 'x'))}));
    };
    // Title, line end, text; and the line end that each line is counted with.
    CHECK(parts_with(4090).size() == 1);
    CHECK(parts_with(4097).size() == 2);
    for (std::size_t emoji = 2030; emoji < 2060; ++emoji) {
        std::string text;
        for (std::size_t i = 0; i < emoji; ++i) {
            text += "🚨";
        }
        for (const std::string& part : render(draft_of(title, {text_line(text)}))) {
            REQUIRE(accept_html(part).refusal.empty());
        }
    }
}

TEST_CASE("remarks about its own way stand at the end, the doubt of a repetition last") {
    Draft draft = draft_of("title", {text_line("body")});
    draft.late = verbatim("late");
    draft.unstored = verbatim("unstored");
    draft.maybe_again = true;
    CHECK(render(draft, Markup::none) ==
          std::vector<std::string>{
              "title\nbody\nlate\nunstored\n"
              "Perhaps you have read this already: the answer to its first sending was lost."});
}

// ── what answers mean ────────────────────────────────────────────────────────────────────────────────────

namespace {

using Kind = Outcome::Kind;
using Failure = HttpAnswer::Failure;
using Phase = HttpAnswer::Phase;

std::string refusal(int code, const std::string& description, const std::string& parameters = "") {
    return R"({"ok":false,"error_code":)" + std::to_string(code) + R"(,"description":")" + description +
           "\"" + (parameters.empty() ? "" : ",\"parameters\":" + parameters) + "}";
}

} // namespace

TEST_CASE("an answer of the Bot API") {
    const Outcome accepted = telegram::judge(page(200, R"({"ok":true,"result":{"message_id":77}})"));
    CHECK(accepted.kind == Kind::accepted);
    CHECK(accepted.message_id == 77);

    struct Case {
        HttpAnswer answer;
        Kind kind;
    };
    const std::vector<Case> cases{
        {page(400, refusal(400, "Bad Request: can't parse entities: x at byte offset 3")),
         Kind::message_refused},
        {page(400, refusal(400, "Bad Request: message is too long")), Kind::message_refused},
        {page(400, refusal(400, "Bad Request: strings must be encoded in UTF-8")), Kind::message_refused},
        // Nothing is said against the message or the chat: what becomes of the next one will show.
        {page(400, refusal(400, "Bad Request: try again")), Kind::refused},
        {page(408, refusal(408, "Request Timeout")), Kind::later},
        {page(409, refusal(409, "Conflict")), Kind::later},
        {page(200, refusal(200, "not now")), Kind::later},
        {page(200, std::string(120'000, '[')), Kind::unknown},
        {page(400,
              R"({"ok":false,"parameters":)" + std::string(120'000, '[') + std::string(120'000, ']') + "}"),
         Kind::later},
        {page(400, refusal(400, "Bad Request: chat not found")), Kind::channel_refused},
        {page(400, refusal(400, "Bad Request: not enough rights to send text messages to the chat")),
         Kind::channel_refused},
        {page(400, refusal(400, "Bad Request: message thread not found")), Kind::channel_refused},
        {page(401, refusal(401, "Unauthorized")), Kind::channel_refused},
        {page(403, refusal(403, "Forbidden: bot was kicked from the group chat")), Kind::channel_refused},
        {page(404, refusal(404, "Not Found")), Kind::channel_refused},
        {page(500, refusal(500, "Internal Server Error")), Kind::later},
        // Not the server's own words: a gateway that may have passed the request on.
        {page(502, "<html>Bad Gateway</html>"), Kind::unknown},
        {page(504, ""), Kind::unknown},
        {page(200, "<html>Welcome to the airport</html>"), Kind::unknown},
        {page(403, "<html>proxy: denied</html>"), Kind::later},
        {page(407, ""), Kind::later},
        {page(301, ""), Kind::later},
        {page(200, "[1,2"), Kind::unknown},
        // Before the request was on its way nothing can have arrived.
        {failed(Failure::dns, Phase::dns), Kind::later},
        {failed(Failure::refused, Phase::connect), Kind::later},
        {failed(Failure::timeout, Phase::connect), Kind::later},
        {failed(Failure::tls, Phase::tls), Kind::later},
        {failed(Failure::timeout, Phase::send), Kind::unknown},
        {failed(Failure::timeout, Phase::first_byte), Kind::unknown},
        {failed(Failure::closed, Phase::first_byte), Kind::unknown},
        {failed(Failure::not_http, Phase::first_byte), Kind::unknown},
        {failed(Failure::bad_url, Phase::dns), Kind::channel_refused},
    };
    for (const Case& each : cases) {
        INFO(each.answer.status << " " << each.answer.body << " " << static_cast<int>(each.answer.failure));
        const Outcome outcome = telegram::judge(each.answer);
        CHECK(outcome.kind == each.kind);
        CHECK_FALSE(outcome.problem.en.empty());
        CHECK_FALSE(outcome.problem.ru.empty());
    }
}

TEST_CASE("a server that asks to wait") {
    const Outcome asked =
        telegram::judge(page(429, refusal(429, "Too Many Requests", R"({"retry_after":35})")));
    CHECK(asked.kind == Kind::later);
    CHECK(asked.wait == std::chrono::seconds(35));
    const Outcome header = telegram::judge(page(429, "busy", {{"retry-after", "7"}}));
    CHECK(header.kind == Kind::later);
    CHECK(header.wait == std::chrono::seconds(7));
    for (const char* nonsense : {R"({"retry_after":-5})", R"({"retry_after":"soon"})",
                                 R"({"retry_after":1e300})", R"({"retry_after":99999999999999999999})"}) {
        CHECK_FALSE(telegram::judge(page(429, refusal(429, "", nonsense))).wait);
    }
}

TEST_CASE("a chat that has moved") {
    const Outcome moved =
        telegram::judge(page(400, refusal(400, "Bad Request: group chat was upgraded to a supergroup chat",
                                          R"({"migrate_to_chat_id":-100123})")));
    CHECK(moved.kind == Kind::moved);
    CHECK(moved.chat == "-100123");
}

TEST_CASE("the token never stands in a problem") {
    const Secret token("123456:AAplantedplantedplantedplanted");
    const Outcome outcome = telegram::judge(failed(
        Failure::other, Phase::connect, "could not reach https://x/bot" + token.reveal() + "/sendMessage"));
    CHECK(outcome.problem.en.find("planted") == std::string::npos);
    const Outcome echoed = telegram::judge(page(400, refusal(400, "no such path /bot" + token.reveal())));
    CHECK(echoed.problem.en.find("planted") == std::string::npos);
}

// ── requests ─────────────────────────────────────────────────────────────────────────────────────────────

namespace {

struct Sent {
    Outcome outcome;
    std::vector<HttpRequest> requests;
};

Sent send_with(TelegramSettings settings, Draft draft, FakeHttp::Handler handler) {
    BareWorld bare;
    bare.http.on_any(std::move(handler));
    settings.name = "errors";
    settings.token = Secret("42:secret-token-of-the-bot");
    settings.chat = settings.chat.empty() ? "-5" : settings.chat;
    const Telegram channel(settings, k_voice, "alerts.log");
    bool done = false;
    Task<Outcome> task = channel.send(bare.world, draft, std::chrono::seconds(9));
    task.start([&] { done = true; });
    while (!done) {
        bare.http.poll(std::chrono::seconds(1));
    }
    return {task.value(), bare.http.requests()};
}

HttpAnswer accept(const HttpRequest&) {
    return page(200, R"({"ok":true,"result":{"message_id":9}})");
}

nlohmann::json body_of(const HttpRequest& request) {
    return nlohmann::json::parse(request.body, nullptr, false);
}

} // namespace

TEST_CASE("a request is JSON to sendMessage, and goes nowhere else") {
    TelegramSettings settings;
    settings.api = "http://127.0.0.1:8081/";
    settings.thread = 12;
    settings.proxy = "socks5h://127.0.0.1:1080";
    Draft draft = draft_of("title", {});
    draft.message.level = Level::critical;
    draft.answers = 31;
    const Sent sent = send_with(settings, draft, accept);
    CHECK(sent.outcome.kind == Kind::accepted);
    REQUIRE(sent.requests.size() == 1);
    const HttpRequest& request = sent.requests.front();
    CHECK(request.method == "POST");
    CHECK(request.url == "http://127.0.0.1:8081/bot42:secret-token-of-the-bot/sendMessage");
    CHECK_FALSE(request.follow);
    CHECK(request.proxy == "socks5h://127.0.0.1:1080");
    CHECK(body_of(request) ==
          nlohmann::json::parse(R"({"chat_id":"-5","text":"<b>title</b>","parse_mode":"HTML",
        "link_preview_options":{"is_disabled":true},"message_thread_id":12,
        "reply_parameters":{"message_id":31,"allow_sending_without_reply":true}})"));
}

TEST_CASE("what is over and what is only to be known makes no sound") {
    for (const Level level : {Level::critical, Level::warning, Level::info, Level::resolved}) {
        Draft draft = draft_of("title", {});
        draft.message.level = level;
        const Sent sent = send_with({}, draft, accept);
        const bool silent = body_of(sent.requests.at(0)).value("disable_notification", false);
        CHECK(silent == (level == Level::info || level == Level::resolved));
    }
}

TEST_CASE("what is refused with markup goes again without") {
    const Sent sent = send_with({}, draft_of("a < b", {}), [](const HttpRequest& request) {
        return body_of(request).contains("parse_mode")
                   ? page(400, refusal(400, "Bad Request: can't parse entities"))
                   : accept(request);
    });
    CHECK(sent.outcome.kind == Kind::accepted);
    REQUIRE(sent.requests.size() == 2);
    CHECK(body_of(sent.requests[1])["text"] == "a < b");
    const Sent never = send_with({}, draft_of("a", {}), [](const HttpRequest&) {
        return page(400, refusal(400, "Bad Request: can't parse entities"));
    });
    CHECK(never.outcome.kind == Kind::message_refused);
    CHECK(never.requests.size() == 2);
}

TEST_CASE("of two parts the first is remembered, and the rest alone is sent while it is the same") {
    int asked = 0;
    const Sent sent =
        send_with({}, draft_of("t", {text_line(std::string(6000, 'x'))}), [&](const HttpRequest& request) {
            return ++asked == 1 ? accept(request) : page(429, refusal(429, "", R"({"retry_after":3})"));
        });
    CHECK(sent.outcome.kind == Kind::later);
    CHECK(sent.outcome.wait == std::chrono::seconds(3));
    REQUIRE(sent.outcome.first_part);
    Draft again = draft_of("t", {text_line(std::string(6000, 'x'))});
    again.first_part = sent.outcome.first_part;
    const Sent rest = send_with({}, again, accept);
    REQUIRE(rest.requests.size() == 1);
    CHECK(rest.outcome.kind == Kind::accepted);
    CHECK(rest.outcome.messages == 1);
    CHECK(rest.outcome.message_id == sent.outcome.first_part->message_id); // the end answers the first
    // In other words it comes whole, and says that it comes again.
    again.message.title = "another";
    const Sent whole = send_with({}, again, accept);
    REQUIRE(whole.requests.size() == 2);
    CHECK(std::string(body_of(whole.requests[1])["text"]).find("answer to its first sending") !=
          std::string::npos);
}

TEST_CASE("a chat that moved and an address that was remembered are used") {
    Draft draft = draft_of("title", {});
    draft.chat = "-100777";
    draft.address = "192.0.2.7";
    const Sent sent = send_with({}, draft, accept);
    CHECK(body_of(sent.requests.at(0))["chat_id"] == "-100777");
    CHECK(sent.requests.at(0).resolve == "192.0.2.7");
}
