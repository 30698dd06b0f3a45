#include "bot/command.h"

#include "util/text.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace lectio {
namespace {

using Word = OperatorCommand::Word;

constexpr std::pair<std::string_view, Word> k_words[] = {
    {"status", Word::status},
    {"check", Word::check},
    {"mute", Word::mute},
    {"unmute", Word::unmute},
    {"mutestatus", Word::mutestatus},
    {"ack", Word::ack},
    {"details", Word::details},
    {"help", Word::help},
};
constexpr std::string_view k_first_meeting = "start";
constexpr std::size_t k_longest_argument = 64;

constexpr CommandHelp k_help[] = {
    {Word::status, "", {"how things stand", "как дела"}},
    {Word::check, "", {"look at everything now", "проверить всё сейчас"}},
    {Word::ack, "ID", {"I know: no more reminders of it", "знаю: больше не напоминать"}},
    {Word::mute, "30m", {"no messages for that long", "помолчать указанное время"}},
    {Word::unmute, "", {"messages again", "снова присылать сообщения"}},
    {Word::mutestatus, "", {"is it quiet, and until when", "включена ли тишина и до какого времени"}},
    {Word::help, "", {"this list", "этот список"}},
};

std::optional<Word> known_word(std::string_view text) {
    const auto* found = std::find_if(std::begin(k_words), std::end(k_words),
                                     [&](const auto& each) { return each.first == text; });
    return found == std::end(k_words) ? std::nullopt : std::optional(found->second);
}

// What a bot may call a command (https://core.telegram.org/bots/api#botcommand); not "/usr/bin/true".
bool is_like_a_command(std::string_view word) {
    constexpr std::size_t k_longest_word = 32;
    return !word.empty() && word.size() <= k_longest_word &&
           std::all_of(word.begin(), word.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

bool is_argument(std::string_view text) {
    return text.size() <= k_longest_argument && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '/' || c == '_' || c == '-';
           });
}

// A keyboard adds them around a word; anything else is part of what was written.
std::string_view without_blanks(std::string_view text) {
    const std::size_t first = text.find_first_not_of(' ');
    return first == std::string_view::npos ? "" : text.substr(first, text.find_last_not_of(' ') + 1 - first);
}

ReadCommand with_argument(Word word, std::string_view argument) {
    if (!is_argument(argument)) {
        return BadArgument{word};
    }
    return OperatorCommand{word, std::string(argument)};
}

} // namespace

ReadCommand read_command(std::string_view text, std::string_view bot) {
    if (!text.starts_with('/')) {
        return NotForUs{};
    }
    text.remove_prefix(1);
    const std::size_t blank = text.find(' ');
    const std::string typed = to_lower_ascii(text.substr(0, blank)); // a phone begins with a capital
    std::string_view word = typed;
    const std::string_view argument =
        blank == std::string_view::npos ? "" : without_blanks(text.substr(blank));
    if (const std::size_t at = word.find('@'); at != std::string_view::npos) {
        if (bot.empty() || word.substr(at + 1) != to_lower_ascii(bot)) {
            return NotForUs{};
        }
        word = word.substr(0, at);
    }
    if (word == k_first_meeting) {
        return OperatorCommand{Word::help, ""};
    }
    const std::optional<Word> known = known_word(word);
    if (!known || *known == Word::details) {
        return is_like_a_command(word) ? ReadCommand(UnknownCommand{}) : NotForUs{};
    }
    return with_argument(*known, argument);
}

ReadCommand read_button(std::string_view data) {
    const std::size_t slash = data.find('/');
    const std::optional<Word> known = known_word(data.substr(0, slash));
    if (!known || slash == std::string_view::npos) {
        return NotForUs{};
    }
    return with_argument(*known, data.substr(slash + 1));
}

std::string button(Word word, std::string_view argument) {
    return fmt::format("{}/{}", to_string(word), argument);
}

std::string_view to_string(Word word) {
    const auto* found = std::find_if(std::begin(k_words), std::end(k_words),
                                     [&](const auto& each) { return each.second == word; });
    return found->first;
}

std::span<const CommandHelp> command_help() {
    return k_help;
}

} // namespace lectio
