#include "alerts/merge.h"

#include "util/text.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace lectio {
namespace {

// UTF-16 units: one message of Telegram (4096) with room for the title and the remarks under it.
constexpr std::size_t k_room = 3800;

constexpr Noun k_messages{"message", "messages", "сообщение", "сообщения", "сообщений"};
constexpr Phrase k_while_unreachable{"While nothing got through: {}", "Пока связи не было: {}"};
constexpr Phrase k_all_at_once{"All at once: {}", "Сразу несколько: {}"};
constexpr Phrase k_kept_back{"Collected meanwhile: {}", "Накопилось: {}"};
constexpr Phrase k_from_to{"From {} to {}.", "С {} до {}."};
constexpr Phrase k_all_over{"Now: none of it is broken any more.", "Сейчас: ничего из этого уже не сломано."};
constexpr Phrase k_still_broken{"Now still broken: {}", "Сейчас всё ещё не в порядке: {}"};
constexpr Phrase k_and_others{"{} and {} more", "{} и ещё {}"};
constexpr std::size_t k_names_shown = 8;

// The place of the last word on each incident: an earlier letter need not repeat what is over.
std::map<std::string, std::size_t> last_words(const std::vector<Letter>& waiting) {
    std::map<std::string, std::size_t> last;
    for (std::size_t i = 0; i < waiting.size(); ++i) {
        for (const Subject& subject : waiting[i].message.subjects) {
            last[identity(subject)] = i;
        }
    }
    return last;
}

std::string moment(WallTime time, WallTime now, const Voice& voice) {
    const std::string full = format_local(time, voice.timezone);
    const bool today = full.substr(0, 10) == format_local(now, voice.timezone).substr(0, 10);
    return today ? format_local_clock(time, voice.timezone) : full.substr(0, 16);
}

Line line_of(Piece::Kind kind, std::string text) {
    return {Line::Form::text, {{kind, std::move(text)}}};
}

std::size_t units(const std::vector<Line>& lines) {
    std::size_t sum = 0;
    for (const Line& line : lines) {
        for (const Piece& piece : line.pieces) {
            sum += utf16_length(piece.text);
        }
        ++sum;
    }
    return sum;
}

// How things stand after all of what waits, first of all: who was without news for hours asks that first. Empty where
// no incident is spoken of.
Text state_after(const std::vector<Letter>& waiting, const std::map<std::string, std::size_t>& last) {
    bool any = false;
    std::vector<std::string> broken;
    for (std::size_t i = 0; i < waiting.size(); ++i) {
        for (const Subject& subject : waiting[i].message.subjects) {
            any = any || !subject.id.empty();
            const bool is_open =
                last.at(identity(subject)) == i && !subject.id.empty() && !is_over(subject.event);
            const std::string name =
                subject.key.empty() ? subject.check.substr(subject.check.find('/') + 1) : subject.key;
            if (is_open && std::find(broken.begin(), broken.end(), name) == broken.end()) {
                broken.push_back(name);
            }
        }
    }
    if (!any) {
        return {};
    }
    if (broken.empty()) {
        return say(k_all_over);
    }
    const std::size_t more = broken.size() - std::min(broken.size(), k_names_shown);
    broken.resize(broken.size() - more);
    const std::string names = fmt::format("{}", fmt::join(broken, ", "));
    return say(k_still_broken, more > 0 ? say(k_and_others, names, more) : verbatim(names));
}

// What is left to say of one letter.
struct Share {
    std::vector<Line> lines;
    std::vector<Subject> subjects;
    std::vector<Level> levels;
};

Share share_of(const std::vector<Letter>& waiting, std::size_t index,
               const std::map<std::string, std::size_t>& last, WallTime now, const Voice& voice) {
    const Message& message = waiting[index].message;
    const std::string time = moment(message.time, now, voice);
    Share share;
    // Somebody's own words stay whole, also where they tell of an incident that is over by now.
    if (message.subjects.empty() || !message.key.empty()) {
        const bool is_last =
            std::all_of(message.subjects.begin(), message.subjects.end(),
                        [&](const Subject& subject) { return last.at(identity(subject)) == index; });
        share.levels.push_back(is_last ? message.level : Level::resolved);
        share.subjects = message.subjects;
        share.lines.push_back(line_of(Piece::Kind::bold, fmt::format("{} {}", time, message.title)));
        share.lines.insert(share.lines.end(), message.lines.begin(), message.lines.end());
        return share;
    }
    for (const Subject& subject : message.subjects) {
        if (last.at(identity(subject)) != index) {
            continue;
        }
        share.levels.push_back(subject.level);
        share.subjects.push_back(subject);
        share.lines.push_back(
            line_of(Piece::Kind::plain, fmt::format("{} {} {}", mark(subject.level), time, subject.summary)));
        if (!subject.hint.empty()) {
            share.lines.push_back(line_of(Piece::Kind::plain, "→ " + subject.hint));
        }
    }
    return share;
}

Batch single(const std::vector<Letter>& waiting) {
    return {1, waiting.front().message, false};
}

} // namespace

Batch next_batch(const std::vector<Letter>& waiting, WallTime now, const MergePolicy& policy,
                 const Voice& voice) {
    const bool late = now - waiting.front().message.time >= policy.after;
    if (waiting.size() < 2 || (!late && waiting.size() <= policy.more_than)) {
        return single(waiting);
    }
    const std::map<std::string, std::size_t> last = last_words(waiting);
    Batch batch;
    batch.merged = true;
    std::vector<Line> lines;
    Level worst = Level::resolved;
    std::size_t told = 0;
    std::size_t last_told = 0;
    while (batch.letters < waiting.size()) {
        const Share share = share_of(waiting, batch.letters, last, now, voice);
        if (batch.letters > 0 && units(lines) + units(share.lines) > k_room) {
            break;
        }
        lines.insert(lines.end(), share.lines.begin(), share.lines.end());
        batch.message.subjects.insert(batch.message.subjects.end(), share.subjects.begin(),
                                      share.subjects.end());
        for (const Level level : share.levels) {
            worst = std::min(worst, level);
            ++told;
            last_told = batch.letters;
        }
        ++batch.letters;
    }
    if (batch.letters < 2) {
        return single(waiting);
    }
    if (told == 1) {
        // One incident, and its last message says it all, better than a summary would.
        return {batch.letters, waiting[last_told].message, false};
    }
    const Message& first = waiting.front().message;
    const Message& newest = waiting[batch.letters - 1].message;
    batch.message.level = worst;
    batch.message.host = newest.host;
    batch.message.time = newest.time;
    const Text count = counted(static_cast<std::int64_t>(told), k_messages);
    const bool kept_back =
        std::any_of(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(batch.letters),
                    [](const Letter& letter) { return is_kept_back(letter.state); });
    const Phrase& title = kept_back ? k_kept_back : late ? k_while_unreachable : k_all_at_once;
    batch.message.title = make_title(worst, say(title, count).in(voice.lang), newest.host);
    if (const Text state = late ? state_after(waiting, last) : Text{}; !state.empty()) {
        batch.message.lines.push_back(line_of(Piece::Kind::bold, state.in(voice.lang)));
    }
    if (late) {
        const std::string from = moment(first.time, now, voice);
        const std::string until = moment(newest.time, now, voice);
        batch.message.lines.push_back(
            line_of(Piece::Kind::plain, say(k_from_to, from, until).in(voice.lang)));
    }
    batch.message.lines.insert(batch.message.lines.end(), lines.begin(), lines.end());
    return batch;
}

} // namespace lectio
