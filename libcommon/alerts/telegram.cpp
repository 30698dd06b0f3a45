#include "alerts/telegram.h"

#include "alerts/http_outcome.h"
#include "alerts/remarks.h"
#include "incidents/ids.h"
#include "platform/world.h"
#include "util/json_depth.h"
#include "util/json_members.h"
#include "util/markup.h"
#include "util/number.h"
#include "util/text.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using Json = nlohmann::json;

constexpr Phrase k_left_out{"… (2/2) left out: {} characters; the whole text is in {}",
                            "… (2/2) пропущено знаков: {}; весь текст: {}"};
constexpr std::string_view k_second_part = "… (2/2)";

// ── what an answer means, in words ───────────────────────────────────────────────────────────────────────

constexpr Phrase k_says{"Telegram says: {}", "Telegram отвечает: {}"};
constexpr Phrase k_wrong_token{"Telegram does not know the token of the bot ({})",
                               "Telegram не знает такого токена бота ({})"};
constexpr Phrase k_wrong_token_hint{"take the token from @BotFather and put it into the env file",
                                    "возьмите токен у @BotFather и впишите его в файл с секретами"};
constexpr Phrase k_no_chat{"Telegram finds no chat with this id ({})",
                           "Telegram не находит чат с таким id ({})"};
constexpr Phrase k_no_chat_hint{
    "write anything to the bot first, or add it to the group; the id of a group begins with -",
    "сначала напишите боту или добавьте его в группу; id группы начинается с минуса"};
constexpr Phrase k_shut_out{"the bot may not write to this chat ({})", "боту нельзя писать в этот чат ({})"};
constexpr Phrase k_shut_out_hint{"unblock the bot, or add it to the group again and let it write",
                                 "разблокируйте бота или снова добавьте его в группу и разрешите писать"};
constexpr Phrase k_too_fast{"Telegram asks to wait {}", "Telegram просит подождать: {}"};
constexpr Phrase k_moved{"the group has become a supergroup, its id is {} now",
                         "группа стала супергруппой, её id теперь {}"};
constexpr Phrase k_trouble{"Telegram is in trouble (HTTP {})", "у Telegram неполадки (HTTP {})"};
constexpr Phrase k_not_telegram{"something else answers in place of Telegram (HTTP {})",
                                "вместо Telegram отвечает что-то другое (HTTP {})"};
constexpr Phrase k_not_telegram_hint{"look at the proxy and at `api` of the channel",
                                     "проверьте прокси и адрес api у канала"};

constexpr Phrase k_network_hint{"look at the network of this host, or set `proxy` of the channel",
                                "проверьте сеть этого сервера или задайте каналу proxy"};
constexpr Phrase k_proxy_hint{"look at the proxy of the channel", "проверьте прокси канала"};

// ── buttons ──────────────────────────────────────────────────────────────────────────────────────────────

// callback_data has 64 bytes (https://core.telegram.org/bots/api#inlinekeyboardbutton); the longest word is "details/".
constexpr std::size_t k_button_argument = 56;
constexpr Phrase k_acknowledge{"I know", "Принято"};
constexpr Phrase k_mute{"Mute 1 h", "Тишина 1 ч"};
constexpr Phrase k_details{"Details", "Подробно"};

Json keyboard_for(const std::string& incidents, Lang lang) {
    const auto button = [&](const Phrase& label, const std::string& data) {
        return Json{{"text", label.in(lang)}, {"callback_data", data}};
    };
    return {{"inline_keyboard",
             Json::array({Json::array({button(k_acknowledge, "ack/" + incidents), button(k_mute, "mute/1h"),
                                       button(k_details, "details/" + incidents)})})}};
}

// ── splitting ────────────────────────────────────────────────────────────────────────────────────────────

// So many pieces in one line are marking up gone wild; without it the line surely fits the raw limit.
constexpr std::size_t k_most_pieces = 64;
// A shorter line goes to the next part whole instead of being cut.
constexpr std::size_t k_worth_cutting = 400;
// How far back a cut looks for a blank or a line end to fall on.
constexpr std::size_t k_look_back = 120;

std::size_t units(const Line& line) {
    std::size_t sum = 0;
    for (const Piece& piece : line.pieces) {
        sum += utf16_length(piece.text);
    }
    return sum;
}

std::string html(const Line& line) {
    std::string raw;
    for (const Piece& piece : line.pieces) {
        if (piece.text.empty()) {
            continue;
        }
        const std::string text = telegram::escape(piece.text);
        if (line.form == Line::Form::block) {
            raw += "<pre>" + text + "</pre>";
        } else if (piece.kind == Piece::Kind::code) {
            raw += "<code>" + text + "</code>";
        } else if (piece.kind == Piece::Kind::bold) {
            raw += "<b>" + text + "</b>";
        } else {
            raw += text;
        }
    }
    return raw;
}

std::string unmarked(const Line& line) {
    std::string text;
    for (const Piece& piece : line.pieces) {
        text += piece.text;
    }
    return text;
}

// One text of the message and how much more it can take; both limits count with the line ends between.
class Part {
  public:
    [[nodiscard]] bool fits(const Line& line) const {
        return m_units + 1 + units(line) <= telegram::k_text_units &&
               m_raw + 1 + html(line).size() <= telegram::k_raw_bytes;
    }
    [[nodiscard]] std::size_t room() const {
        return m_units + 1 < telegram::k_text_units ? telegram::k_text_units - m_units - 1 : 0;
    }
    void append(Line line) {
        account(line);
        m_lines.push_back(std::move(line));
    }
    // Right under the first line.
    void insert_second(Line line) {
        account(line);
        m_lines.insert(m_lines.begin() + 1, std::move(line));
    }
    // By one that is not longer.
    void replace_first(Line line) { m_lines.front() = std::move(line); }
    [[nodiscard]] std::string text(telegram::Markup markup) const {
        std::string all;
        for (std::size_t i = 0; i < m_lines.size(); ++i) {
            all += i == 0 ? "" : "\n";
            all += markup == telegram::Markup::html ? html(m_lines[i]) : unmarked(m_lines[i]);
        }
        return all;
    }

  private:
    void account(const Line& line) {
        m_units += units(line) + 1;
        m_raw += html(line).size() + 1;
    }

    std::vector<Line> m_lines;
    std::size_t m_units = 0;
    std::size_t m_raw = 0;
};

// Where to cut so that at most `room` units stand before it, on a blank or line end when one is near.
std::size_t cut_before(std::string_view text, std::size_t room) {
    const std::string_view head = utf16_prefix(text, room);
    const std::size_t blank = head.find_last_of(" \n");
    const bool near = blank != std::string_view::npos && blank > 0 && head.size() - blank <= k_look_back;
    return near ? blank : head.size();
}

// `line` gives up its first `room` units, or a little less, which are returned.
Line take_head(Line& line, std::size_t room) {
    Line head{line.form, {}};
    while (!line.pieces.empty() && room > 0) {
        Piece& piece = line.pieces.front();
        const std::size_t length = utf16_length(piece.text);
        if (length <= room) {
            room -= length;
            head.pieces.push_back(std::move(piece));
            line.pieces.erase(line.pieces.begin());
            continue;
        }
        const std::size_t at = cut_before(piece.text, room);
        head.pieces.push_back({piece.kind, piece.text.substr(0, at)});
        piece.text.erase(0, at);
        break;
    }
    return head;
}

// The last `room` units of `line`, or a little less.
Line tail_of(Line line, std::size_t room) {
    const std::size_t length = units(line);
    if (length > room) {
        // One unit more goes, so that a character of two units never pushes it over.
        std::size_t surplus = length - room + 1;
        while (surplus > 0 && !line.pieces.empty()) {
            std::string& text = line.pieces.front().text;
            const std::size_t here = utf16_length(text);
            if (here <= surplus) {
                surplus -= here;
                line.pieces.erase(line.pieces.begin());
                continue;
            }
            text.erase(0, utf16_prefix(text, surplus).size());
            break;
        }
    }
    return line;
}

Line plain_line(std::string text) {
    return {Line::Form::text, {{Piece::Kind::plain, std::move(text)}}};
}

// What marking up gone wild has made of a line is said without it.
std::vector<Line> tame_lines_of(const Draft& draft, Lang lang) {
    std::vector<Line> lines = lines_of(draft, lang);
    for (Line& line : lines) {
        if (line.pieces.size() > k_most_pieces) {
            line = plain_line(unmarked(line));
        }
    }
    return lines;
}

// Puts lines into `part` until one does not fit; what is left stays in `lines`.
void fill(Part& part, std::vector<Line>& lines) {
    std::size_t taken = 0;
    while (taken < lines.size() && part.fits(lines[taken])) {
        part.append(std::move(lines[taken++]));
    }
    if (taken < lines.size() && units(lines[taken]) > k_worth_cutting && part.room() > k_worth_cutting) {
        Line head = take_head(lines[taken], part.room());
        if (part.fits(head)) {
            part.append(std::move(head));
        } else {
            // Over the raw limit, not the units: the line is put back whole.
            head.pieces.insert(head.pieces.end(), lines[taken].pieces.begin(), lines[taken].pieces.end());
            lines[taken] = std::move(head);
        }
    }
    lines.erase(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(taken));
}

// The end of what is left, under a line that says how much is missing.
Part ending(std::vector<Line> lines, Lang lang, const std::string& rest) {
    std::size_t length = 0;
    for (const Line& line : lines) {
        length += units(line) + 1;
    }
    // Room for the notice is kept by its longest form: every character left out.
    const Line longest = plain_line(say(k_left_out, length, rest).in(lang));
    Part part;
    part.append(longest);
    std::size_t kept = 0;
    while (!lines.empty() && part.fits(lines.back())) {
        kept += units(lines.back()) + 1;
        part.insert_second(std::move(lines.back()));
        lines.pop_back();
    }
    if (!lines.empty() && part.room() > k_worth_cutting) {
        Line tail = tail_of(std::move(lines.back()), part.room());
        if (part.fits(tail)) {
            kept += units(tail);
            part.insert_second(std::move(tail));
        }
    }
    part.replace_first(plain_line(say(k_left_out, length - std::min(kept, length), rest).in(lang)));
    return part;
}

std::vector<Part> split(const Draft& draft, const Voice& voice, const std::string& rest) {
    std::vector<Line> lines = tame_lines_of(draft, voice.lang);
    std::vector<Part> parts(1);
    fill(parts.front(), lines);
    const bool blank = std::all_of(lines.begin(), lines.end(),
                                   [](const Line& line) { return trim(unmarked(line)).empty(); });
    if (blank) {
        return parts;
    }
    Part second;
    second.append(plain_line(std::string(k_second_part)));
    std::vector<Line> left = lines;
    fill(second, left);
    parts.push_back(left.empty() ? std::move(second) : ending(std::move(lines), voice.lang, rest));
    return parts;
}

// Answers are half a dozen deep; what is far deeper is copied and freed by recursion.
constexpr int k_deepest = 50;

// ── answers ──────────────────────────────────────────────────────────────────────────────────────────────

// A whole number of seconds from 1 on; a server that says anything else has said nothing.
std::optional<Duration> seconds_from(std::string_view text) {
    const auto seconds = number_from<int>(text);
    return seconds && *seconds >= 1 ? std::optional<Duration>(std::chrono::seconds(*seconds)) : std::nullopt;
}

std::optional<Duration> retry_after(const HttpAnswer& answer, const Json& parameters) {
    if (const auto found = parameters.find("retry_after"); found != parameters.end()) {
        if (found->is_number_unsigned()) {
            return seconds_from(std::to_string(found->get<std::uint64_t>()));
        }
    }
    return lectio::retry_after(answer); // the header
}

Outcome too_fast(std::optional<Duration> wait) {
    const Duration known = wait.value_or(std::chrono::seconds(1));
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(known).count();
    Outcome result = outcome_of(Outcome::Kind::later, say(k_too_fast, spoken(seconds)));
    result.wait = wait;
    return result;
}

// The server's own words for a chat that will never take a message from us.
bool is_about_the_chat(std::string_view description) {
    constexpr std::string_view k_words[] = {
        "chat not found",          "chat_id is empty",  "peer_id_invalid",
        "group chat was upgraded", "not enough rights", "need administrator",
        "have no rights",          "thread not found",  "topic_"};
    return std::any_of(std::begin(k_words), std::end(k_words),
                       [&](std::string_view word) { return contains_ignoring_case(description, word); });
}

// The server's own words for a text that it will never take, whoever sends it. Anything else may be about the channel, and
// an alert is not thrown away for that.
bool is_about_the_text(std::string_view description) {
    constexpr std::string_view k_words[] = {"parse",    "entit",     "too long", "too_long",
                                            "is empty", "non-empty", "_empty",   "utf-8"};
    return std::any_of(std::begin(k_words), std::end(k_words),
                       [&](std::string_view word) { return contains_ignoring_case(description, word); });
}

Outcome judge_refusal(const HttpAnswer& answer, const Json& json) {
    using Kind = Outcome::Kind;
    const std::string said = shorten(redact(clean_line(text_of(json, "description"))), 200);
    const std::string description = said.empty() ? fmt::format("HTTP {}", answer.status) : said;
    const Json parameters = object_of(json, "parameters");
    if (const auto moved = parameters.find("migrate_to_chat_id");
        moved != parameters.end() && moved->is_number_integer()) {
        const std::string chat = std::to_string(moved->get<std::int64_t>());
        Outcome result = outcome_of(Kind::moved, say(k_moved, chat));
        result.chat = chat;
        return result;
    }
    if (answer.status == 429) {
        return too_fast(retry_after(answer, parameters));
    }
    if (answer.status >= 500) {
        return outcome_of(Kind::later, say(k_trouble, answer.status));
    }
    if (answer.status == 401 || answer.status == 404) {
        return outcome_of(Kind::channel_refused, say(k_wrong_token, description), say(k_wrong_token_hint));
    }
    if (answer.status == 403) {
        return outcome_of(Kind::channel_refused, say(k_shut_out, description), say(k_shut_out_hint));
    }
    if (answer.status == 400 && is_about_the_chat(description)) {
        return outcome_of(Kind::channel_refused, say(k_no_chat, description), say(k_no_chat_hint));
    }
    if (answer.status == 400) {
        return outcome_of(is_about_the_text(description) ? Kind::message_refused : Kind::refused,
                          say(k_says, description));
    }
    return outcome_of(Kind::later, say(k_says, description));
}

// Not the Bot API's JSON: a proxy or a gateway has answered in its place.
Outcome judge_stranger(const HttpAnswer& answer) {
    if (answer.status == 429) {
        return too_fast(retry_after(answer, Json::object()));
    }
    // A gateway that failed may have passed the request on before.
    const bool passed_on = answer.status >= 500 || (answer.status >= 200 && answer.status < 300);
    return outcome_of(passed_on ? Outcome::Kind::unknown : Outcome::Kind::later,
                      say(k_not_telegram, answer.status), say(k_not_telegram_hint));
}

// Worth a sound at night: not what is over and not what is only to be known.
bool is_silent(Level level) {
    return level == Level::info || level == Level::resolved;
}

std::string request_body(const TelegramSettings& settings, const Draft& draft, const std::string& text,
                         telegram::Markup markup, Lang lang) {
    Json body{{"chat_id", draft.chat.empty() ? settings.chat : draft.chat},
              {"text", text},
              {"link_preview_options", {{"is_disabled", true}}}};
    if (markup == telegram::Markup::html) {
        body["parse_mode"] = "HTML";
    }
    if (is_silent(draft.message.level)) {
        body["disable_notification"] = true;
    }
    if (settings.thread) {
        body["message_thread_id"] = *settings.thread;
    }
    if (draft.answers) {
        body["reply_parameters"] = {{"message_id", *draft.answers}, {"allow_sending_without_reply", true}};
    }
    if (const std::string incidents = telegram::incidents_for_button(draft.message);
        settings.buttons == TelegramSettings::Buttons::under_alerts && !incidents.empty()) {
        body["reply_markup"] = keyboard_for(incidents, lang);
    }
    return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

HttpRequest request_for(const TelegramSettings& settings, const Draft& draft, std::string body,
                        Duration timeout) {
    HttpRequest request = telegram::request(settings, "sendMessage", std::move(body), timeout);
    request.resolve = draft.address;
    return request;
}

std::string digest_of(const std::string& text) {
    return fmt::format("{:016x}", stable_hash(text));
}

// Behind a proxy the peer, the resolver and most failures are the proxy's.
Outcome judge_for(const TelegramSettings& settings, const HttpAnswer& answer) {
    Outcome result = telegram::judge(answer);
    if (!settings.proxy.empty()) {
        result.address.clear();
        result.resolver_failed = false;
        if (answer.failure != HttpAnswer::Failure::none) {
            result.hint = say(k_proxy_hint);
        }
    }
    return result;
}

} // namespace

std::string telegram::escape(std::string_view text) {
    return escape_markup(text, Quotes::as_they_are);
}

HttpRequest telegram::request(const TelegramSettings& settings, std::string_view method, std::string body,
                              Duration timeout) {
    HttpRequest request = json_post(
        below(settings.api, fmt::format("bot{}/{}", settings.token.reveal(), method)), std::move(body));
    request.proxy = settings.proxy;
    request.timeout = timeout;
    return request;
}

std::string telegram::incidents_for_button(const Message& message) {
    std::string ids;
    for (const Subject& subject : message.subjects) {
        const bool is_new =
            !subject.id.empty() && !is_over(subject.event) && ids.find(subject.id) == std::string::npos;
        if (is_new && ids.size() + 1 + subject.id.size() <= k_button_argument) {
            ids += (ids.empty() ? "" : "-") + subject.id;
        }
    }
    return ids;
}

std::vector<std::string> telegram::render(const Draft& draft, Markup markup, const Voice& voice,
                                          const std::string& rest) {
    std::vector<std::string> texts;
    for (const Part& part : split(draft, voice, rest)) {
        texts.push_back(part.text(markup));
    }
    return texts;
}

Outcome telegram::judge(const HttpAnswer& answer) {
    if (answer.failure != HttpAnswer::Failure::none) {
        return outcome_of_failure(answer, "Telegram", {k_not_telegram_hint, k_network_hint});
    }
    const bool too_deep = json_depth(answer.body) > k_deepest;
    const Json json = too_deep ? Json() : Json::parse(answer.body, nullptr, false);
    const auto ok = json.is_object() ? json.find("ok") : json.end();
    if (!json.is_object() || ok == json.end() || !ok->is_boolean()) {
        return judge_stranger(answer);
    }
    if (!ok->get<bool>()) {
        return judge_refusal(answer, json);
    }
    Outcome accepted;
    accepted.kind = Outcome::Kind::accepted;
    accepted.address = without_port(answer.address);
    const auto result = json.find("result");
    if (result != json.end() && result->is_object()) {
        const auto id = result->find("message_id");
        if (id != result->end() && id->is_number_integer()) {
            accepted.message_id = id->get<std::int64_t>();
        }
    }
    return accepted;
}

Telegram::Telegram(TelegramSettings settings, Voice voice, std::string rest)
    : m_settings(std::move(settings)), m_voice(std::move(voice)), m_rest(std::move(rest)) {}

// 64 bits of a token that has more than 200: enough to see a change, too little to find it out.
std::string Telegram::fingerprint() const {
    const std::string thread = m_settings.thread ? std::to_string(*m_settings.thread) : "";
    return fmt::format("{:016x}",
                       stable_hash(fmt::format("{}\n{}\n{}\n{}\n{}", m_settings.token.reveal(),
                                               m_settings.chat, thread, m_settings.api, m_settings.proxy)));
}

// "20 a minute to a group, about 1 message a second to a chat after a short burst" (core.telegram.org/bots/faq). The
// id of a group is negative.
Budget Telegram::budget() const {
    constexpr int k_burst = 5;
    return {m_settings.chat.starts_with('-') ? 20 : 60, Duration(60'000), k_burst};
}

Task<Outcome> Telegram::send(World& world, const Draft& draft, Duration timeout) const {
    using telegram::Markup;
    Markup markup = Markup::html;
    // Without markup, which the server may refuse at another time: what is said is the same.
    const std::string first = digest_of(telegram::render(draft, Markup::none, m_voice, m_rest).front());
    const bool has_begun = draft.first_part && draft.first_part->digest == first;
    Draft whole = draft;
    // Its beginning has arrived in other words: it comes once more.
    whole.maybe_again = draft.maybe_again || (draft.first_part && !has_begun);
    std::vector<std::string> texts = telegram::render(whole, markup, m_voice, m_rest);
    // A refusal comes fast: sending a part a second time without markup needs no share of its own, and who
    // gave the time ends what takes longer.
    const Duration share = timeout / static_cast<Duration::rep>(texts.size());
    FirstPart begun = draft.first_part.value_or(FirstPart{});
    begun.digest = first;
    Outcome accepted;
    accepted.messages = 0;
    for (std::size_t part = has_begun && texts.size() > 1 ? 1 : 0; part < texts.size();) {
        HttpRequest request = request_for(
            m_settings, whole, request_body(m_settings, whole, texts[part], markup, m_voice.lang), share);
        Fetch fetching = fetch(world.http, std::move(request));
        const HttpAnswer answer = co_await fetching;
        Outcome outcome_of_part = judge_for(m_settings, answer);
        const bool refused = outcome_of_part.kind == Outcome::Kind::message_refused ||
                             outcome_of_part.kind == Outcome::Kind::refused;
        if (refused && markup == Markup::html) {
            markup = Markup::none;
            texts = telegram::render(whole, markup, m_voice, m_rest);
            continue; // the same part once more
        }
        if (outcome_of_part.kind != Outcome::Kind::accepted) {
            if (part > 0) {
                outcome_of_part.first_part = begun;
            }
            if (part > 0 && outcome_of_part.kind == Outcome::Kind::refused) {
                // The chat takes messages: it has just taken one, so it is this one that it does not.
                outcome_of_part.kind = Outcome::Kind::message_refused;
            }
            co_return outcome_of_part;
        }
        if (part == 0) {
            begun.message_id = outcome_of_part.message_id;
        }
        const int messages = accepted.messages + 1;
        accepted = std::move(outcome_of_part);
        accepted.messages = messages;
        ++part;
    }
    accepted.message_id = begun.message_id;
    co_return accepted;
}

} // namespace lectio
