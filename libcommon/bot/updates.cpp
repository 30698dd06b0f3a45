#include "bot/updates.h"

#include "util/json_depth.h"
#include "util/text.h"

#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using Json = nlohmann::json;

// Messages quote messages: deeper than this is no update.
constexpr int k_deepest = 64;
// A command is short; of what is not even near one no more is kept.
constexpr std::size_t k_longest_text = 256; // characters
constexpr std::size_t k_longest_name = 64;
// Ids have at most 52 bits, says the Bot API; what is far beyond is not one, and has no number after it.
constexpr std::uint64_t k_most_number = (std::uint64_t{1} << 53U) - 1;
// 9999-12-31: a time beyond it cannot be written as text.
constexpr std::int64_t k_last_second = 253402300799;

const Json* member(const Json& object, const char* name) {
    if (!object.is_object()) {
        return nullptr;
    }
    const auto found = object.find(name);
    return found == object.end() ? nullptr : &*found;
}

std::optional<std::int64_t> number(const Json& object, const char* name) {
    const Json* found = member(object, name);
    const bool is_integer = found != nullptr && found->is_number_integer();
    if (!is_integer || (found->is_number_unsigned() && found->get<std::uint64_t>() > k_most_number)) {
        return std::nullopt;
    }
    const auto value = found->get<std::int64_t>();
    return value >= -static_cast<std::int64_t>(k_most_number) ? std::optional(value) : std::nullopt;
}

std::string text(const Json& object, const char* name) {
    const Json* found = member(object, name);
    if (found == nullptr || !found->is_string()) {
        return "";
    }
    // What is cut ends in "…", which is in no command: of a longer text no beginning is taken for one.
    return shorten(found->get_ref<const std::string&>(), k_longest_text);
}

std::optional<std::int64_t> number_in(const Json& object, const char* part, const char* name) {
    const Json* inner = member(object, part);
    return inner == nullptr ? std::nullopt : number(*inner, name);
}

std::string name_of(const Json& user) {
    const std::string handle = text(user, "username");
    return shorten(clean_line(handle.empty() ? text(user, "first_name") : "@" + handle), k_longest_name);
}

// The one who asked, and where; false: nobody that could be obeyed (a channel, an anonymous administrator has
// the id of a bot, which no operator has).
bool read_place(const Json& message, const Json& from, Ask& ask) {
    const auto chat = number_in(message, "chat", "id");
    const auto who = number(from, "id");
    const auto id = number(message, "message_id");
    if (!chat || !who || !id) {
        return false;
    }
    ask.chat = *chat;
    ask.who = *who;
    ask.message = *id;
    ask.name = name_of(from);
    if (const Json* topic = member(message, "is_topic_message"); topic != nullptr && *topic == Json(true)) {
        ask.thread = number(message, "message_thread_id");
    }
    ask.place = shorten(clean_line(text(*member(message, "chat"), "title")), k_longest_name);
    return true;
}

std::optional<Ask> read_text(const Json& message) {
    Ask ask;
    const Json* from = member(message, "from");
    const std::optional<std::int64_t> date = number(message, "date");
    ask.text = text(message, "text");
    if (from == nullptr || ask.text.empty() || !date || *date < 0 || *date > k_last_second ||
        !read_place(message, *from, ask)) {
        return std::nullopt;
    }
    ask.time = WallTime(std::chrono::seconds(*date));
    return ask;
}

std::optional<Ask> read_press(const Json& press) {
    Ask ask;
    const Json* from = member(press, "from");
    const Json* message = member(press, "message");
    ask.press = text(press, "id");
    ask.button = text(press, "data");
    if (from == nullptr || message == nullptr || ask.press.empty() || ask.button.empty() ||
        !read_place(*message, *from, ask)) {
        return std::nullopt;
    }
    return ask;
}

Json read_result(std::string_view body) {
    if (json_depth(body) > k_deepest) {
        return {};
    }
    const Json json = Json::parse(body, nullptr, false);
    const Json* ok = member(json, "ok");
    const Json* result = member(json, "result");
    return ok != nullptr && ok->is_boolean() && ok->get<bool>() && result != nullptr ? *result : Json();
}

} // namespace

Result<std::vector<Update>> read_updates(std::string_view body) {
    const Json result = read_result(body);
    if (!result.is_array()) {
        return Error{ErrorKind::protocol, "this is no list of updates"};
    }
    std::vector<Update> updates;
    for (const Json& each : result) {
        const std::optional<std::int64_t> id = number(each, "update_id");
        if (!id || *id < 0) {
            return Error{ErrorKind::protocol, "an update without a number"};
        }
        Update update{*id, std::nullopt};
        if (const Json* message = member(each, "message")) {
            update.ask = read_text(*message);
        } else if (const Json* press = member(each, "callback_query")) {
            update.ask = read_press(*press);
        }
        updates.push_back(std::move(update));
    }
    return updates;
}

std::string read_bot_name(std::string_view body) {
    return text(read_result(body), "username");
}

} // namespace lectio
