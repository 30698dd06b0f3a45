#include "alerts/message_json.h"

#include "util/json_members.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using Json = nlohmann::json;

constexpr int k_schema = 1;

constexpr std::array<std::pair<Event, std::string_view>, 12> k_events{{
    {Event::opened, "opened"},
    {Event::risen, "risen"},
    {Event::eased, "eased"},
    {Event::resolved, "resolved"},
    {Event::mended, "mended"},
    {Event::unwatched, "unwatched"},
    {Event::reminder, "reminder"},
    {Event::needs_person, "needs_person"},
    {Event::escalated, "escalated"},
    {Event::flapping, "flapping"},
    {Event::note, "note"},
    {Event::summary, "summary"},
}};

constexpr std::array<std::pair<Piece::Kind, std::string_view>, 3> k_kinds{{
    {Piece::Kind::plain, "plain"},
    {Piece::Kind::bold, "bold"},
    {Piece::Kind::code, "code"},
}};

template<class E, std::size_t N>
std::string_view word_of(const std::array<std::pair<E, std::string_view>, N>& words, E wanted) {
    for (const auto& [value, word] : words) {
        if (value == wanted) {
            return word;
        }
    }
    return words.front().second;
}

template<class E, std::size_t N>
std::optional<E> value_of(const std::array<std::pair<E, std::string_view>, N>& words,
                          std::string_view wanted) {
    for (const auto& [value, word] : words) {
        if (word == wanted) {
            return value;
        }
    }
    return std::nullopt;
}

// Reads fields of one object; the first that is missing or of another type spoils the whole, which is asked
// once at the end. Nothing throws.
class Reader {
  public:
    Reader(const Json& json, bool& good) : m_json(json), m_good(good) { m_good = m_good && json.is_object(); }

    std::string text(const char* key) {
        const Json* found = field(key, &Json::is_string);
        return found == nullptr ? std::string() : clean(found->get<std::string>());
    }
    std::int64_t integer(const char* key) {
        const Json* found = field(key, &Json::is_number_integer);
        return found == nullptr ? 0 : found->get<std::int64_t>();
    }
    std::optional<std::string> optional_text(const char* key) {
        const bool there = m_json.is_object() && m_json.contains(key);
        return there ? std::optional(text(key)) : std::nullopt;
    }
    WallTime time(const char* key) { return WallTime(std::chrono::milliseconds(integer(key))); }
    const Json& array(const char* key) {
        static const Json k_none = Json::array();
        const Json* found = field(key, &Json::is_array);
        return found == nullptr ? k_none : *found;
    }
    template<class E>
    E known(std::optional<E> value) {
        m_good = m_good && value.has_value();
        return value.value_or(E{});
    }

  private:
    const Json* field(const char* key, bool (Json::*is_type)() const noexcept) {
        if (!m_json.is_object()) {
            return nullptr;
        }
        const auto found = m_json.find(key);
        if (found == m_json.end() || !((*found).*is_type)()) {
            m_good = false;
            return nullptr;
        }
        return &*found;
    }

    const Json& m_json;
    bool& m_good;
};

Json write(const Line& line) {
    Json pieces = Json::array();
    for (const Piece& piece : line.pieces) {
        pieces.push_back({{"kind", word_of(k_kinds, piece.kind)}, {"text", piece.text}});
    }
    return {{"form", line.form == Line::Form::block ? "block" : "text"}, {"pieces", std::move(pieces)}};
}

Line read_line(const Json& json, bool& good) {
    Reader reader(json, good);
    Line line;
    line.form = reader.text("form") == "block" ? Line::Form::block : Line::Form::text;
    for (const Json& item : reader.array("pieces")) {
        Reader piece(item, good);
        line.pieces.push_back({piece.known(value_of(k_kinds, piece.text("kind"))), piece.text("text")});
    }
    return line;
}

Json write(const Subject& subject) {
    Json json = json_of(subject);
    json["since"] = milliseconds_of(subject.since);
    if (!subject.key.empty()) {
        json["key"] = subject.key;
    }
    return json;
}

Subject read_subject(const Json& json, bool& good) {
    Reader reader(json, good);
    Subject subject;
    subject.id = reader.text("id");
    subject.check = reader.text("check");
    subject.event = reader.known(parse_event(reader.text("event")));
    subject.level = reader.known(parse_level(reader.text("level")));
    subject.summary = reader.text("summary");
    subject.hint = reader.text("hint");
    subject.since = reader.time("since");
    subject.key = reader.optional_text("key").value_or("");
    return subject;
}

} // namespace

std::string_view to_string(Event event) {
    return word_of(k_events, event);
}

std::optional<Event> parse_event(std::string_view word) {
    return value_of(k_events, word);
}

Json json_of(const Subject& subject) {
    return {{"id", subject.id},
            {"check", subject.check},
            {"event", to_string(subject.event)},
            {"level", to_string(subject.level)},
            {"summary", subject.summary},
            {"hint", subject.hint},
            {"since", format_utc(subject.since)}};
}

std::string to_json(const Message& message) {
    Json lines = Json::array();
    for (const Line& line : message.lines) {
        lines.push_back(write(line));
    }
    Json subjects = Json::array();
    for (const Subject& subject : message.subjects) {
        subjects.push_back(write(subject));
    }
    const Json json{
        {"schema", k_schema},        {"level", to_string(message.level)},     {"title", message.title},
        {"lines", std::move(lines)}, {"subjects", std::move(subjects)},       {"key", message.key},
        {"host", message.host},      {"time", milliseconds_of(message.time)}, {"epoch", message.run.epoch},
        {"run", message.run.run}};
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Message> message_from_json(std::string_view text) {
    const Error not_ours{ErrorKind::invalid, "not a message of the outbox"};
    const Json json = Json::parse(text, nullptr, false);
    if (!json.is_object()) {
        return not_ours;
    }
    bool good = true;
    Reader reader(json, good);
    good = good && reader.integer("schema") == k_schema;
    Message message;
    message.level = reader.known(parse_level(reader.text("level")));
    message.title = reader.text("title");
    message.key = reader.text("key");
    message.host = reader.text("host");
    message.time = reader.time("time");
    if (std::optional<std::string> epoch =
            reader.optional_text("epoch")) { // not in letters of versions up to 0.1
        message.run = {std::move(*epoch),
                       static_cast<std::uint64_t>(std::max<std::int64_t>(0, reader.integer("run")))};
    }
    for (const Json& line : reader.array("lines")) {
        message.lines.push_back(read_line(line, good));
    }
    for (const Json& subject : reader.array("subjects")) {
        message.subjects.push_back(read_subject(subject, good));
    }
    return good && !message.title.empty() ? Result<Message>(std::move(message)) : Result<Message>(not_ours);
}

} // namespace lectio
