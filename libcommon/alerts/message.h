// Message: one alert as the operator reads it, with enough structure left for each channel to mark it up,
// split it, merge it with others and answer an earlier one.
//
// compose() puts the news of a run into words. It is pure: the same news gives the same message.
#pragma once

#include "incidents/news.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

enum class Level { critical, warning, info, resolved };
std::string_view to_string(Level level); // "critical", "warning", "info", "resolved"
std::optional<Level> parse_level(std::string_view word);
std::string_view mark(Level level); // 🚨 ⚠️ ℹ️ ✅

// How a message is told: its language and the zone of the times in it (empty: the host's).
struct Voice {
    Lang lang = Lang::ru;
    std::string timezone;
};

// A run of words within a line; code (a command, a path) is shown as it is to be typed.
struct Piece {
    enum class Kind { plain, bold, code };
    Kind kind = Kind::plain;
    std::string text;
    bool operator==(const Piece&) const = default;
};

// A block is outside text of several lines (a log excerpt), one piece of code.
struct Line {
    enum class Form { text, block };
    Form form = Form::text;
    std::vector<Piece> pieces;
    bool operator==(const Line&) const = default;
};

// What a message tells of one incident: by it messages are merged, answered and not told twice.
struct Subject {
    std::string id;    // of the incident
    std::string check; // "tool/check"
    Event event = Event::opened;
    Level level = Level::critical;
    std::string summary; // one line: "site: HTTP 403, expected 200"
    std::string hint;    // what to do, while it is not over; may be empty
    WallTime since;
    std::string key{}; // of an incident that a script has told, by which people know it; empty: a check's
    bool operator==(const Subject&) const = default;
};
// By which subjects are the same incident: its id, or what it says when it has none (notes of the suite).
std::string identity(const Subject& subject);

Level level_of(const Incident& incident);
Subject subject_of(const NewsItem& item, const Voice& voice);

struct Message {
    Level level = Level::info;
    std::string
        title; // with the level mark; alone enough on a lock screen: at most k_title_length characters
    std::vector<Line> lines;
    std::vector<Subject> subjects; // empty for a text of `lectio-notify send` that tells of no incident
    std::string key;               // of such a text; may be empty. Without subjects it is told once a window
    std::string host;
    WallTime time;
    RunId run; // that tells it; by it a repetition is known
    // Somebody's words that wake nobody: they wait for the end of the quiet hours, and for room among the messages of
    // the hour. Of news the judge has decided that before.
    bool may_wait = false;
    // Somebody's words, told under a mute: whatever their level, they wait for its end.
    bool muted = false;
    bool operator==(const Message&) const = default;
};

inline constexpr std::size_t k_title_length = 79; // under 80 characters
// "🚨 WHAT · HOST", WHAT cut to fit.
std::string make_title(Level level, std::string_view what, std::string_view host);

// One message for all that a run has to tell, the worst first and symptoms under their cause; none without
// items.
std::optional<Message> compose(const News& news, const Voice& voice);

// What `lectio-notify send` tells: somebody's own words, cleaned, cut nowhere. An empty title: the first line
// of the text is the title.
struct Words {
    Level level = Level::info;
    std::string title;
    std::string text;
    std::string key;
    std::string host;
    WallTime time;
    // by_the_clock: a warning and information wait out the quiet hours. What is critical does not, nor an end: it may
    // be that of what has woken somebody.
    enum class Pace { at_once, by_the_clock } pace = Pace::at_once;
};
Message compose(const Words& words, Lang lang);

// The whole message without markup, for --dry-run, the terminal and channels without markup.
std::string plain_text(const Message& message);
// The whole message on one line, for alerts.log.
std::string log_text(const Message& message);

} // namespace lectio
