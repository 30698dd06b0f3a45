#include "words.h"

#include "platform/stop.h"
#include "util/text.h"

#include <chrono>

#include <nlohmann/json.hpp>

namespace lectio::deploy {
namespace {

using release::Outcome;
using Ends = Outcome::Result;

constexpr Phrase k_released{"released: {} is served, and it is well ({})",
                            "выложено: отдаётся {}, всё работает ({})"};
constexpr Phrase k_refused{"not released: {}", "не выложено: {}"};
constexpr Phrase k_refused_still{"{} is served as before", "по-прежнему отдаётся {}"};
constexpr Phrase k_rolled_back{"rolled back: {}", "откачено: {}"};
constexpr Phrase k_rolled_back_still{"{} is served again, and it is well", "снова отдаётся {}, всё работает"};
constexpr Phrase k_needs_human{"a person is needed: {}", "нужен человек: {}"};
constexpr Phrase k_stopped{"stopped: {}", "остановлено: {}"};
constexpr Phrase k_hint{"→ {}", "→ {}"};
constexpr Phrase k_note{"note: {}", "замечание: {}"};

constexpr Phrase k_title_released{"released {}", "выложен {}"};
constexpr Phrase k_title_refused{"not released", "не выложено"};
constexpr Phrase k_title_rolled_back{"the deploy was rolled back", "деплой откачен"};
constexpr Phrase k_title_needs_human{"the deploy needs a person", "деплой: нужен человек"};
constexpr Phrase k_title_stopped{"the deploy was stopped", "деплой остановлен"};
constexpr Phrase k_by{"by {}, {}", "кто: {}, за {}"};
constexpr Phrase k_changed{"changed: {}, new: {}, gone: {}; {}", "изменено: {}, новых: {}, убрано: {}; {}"};

// "be-…", of both together "be-… + fe-…".
std::string names(const std::string& release, const std::string& with) {
    return with.empty() ? release : release + " + " + with;
}

std::string took(const Outcome& outcome) {
    return format_duration(outcome.took);
}

// The sentence, and what else is to be known, one a line.
std::vector<Text> lines_of(const Outcome& outcome) {
    std::vector<Text> lines;
    switch (outcome.result) {
    case Ends::released:
        lines.push_back(outcome.done.empty()
                            ? say(k_released, names(outcome.release, outcome.with), took(outcome))
                            : outcome.done);
        break;
    case Ends::refused:
        lines.push_back(say(k_refused, outcome.reason));
        break;
    case Ends::rolled_back:
        lines.push_back(say(k_rolled_back, outcome.reason));
        break;
    case Ends::needs_human:
        lines.push_back(say(k_needs_human, outcome.reason));
        break;
    case Ends::stopped:
        lines.push_back(say(k_stopped, outcome.reason));
        break;
    }
    const bool as_before = outcome.result == Ends::refused || outcome.result == Ends::stopped;
    if (!outcome.previous.empty() && (as_before || outcome.result == Ends::rolled_back)) {
        const std::string previous = names(outcome.previous, outcome.previous_with);
        lines.push_back(as_before ? say(k_refused_still, previous) : say(k_rolled_back_still, previous));
    }
    if (!outcome.hint.empty()) {
        lines.push_back(say(k_hint, outcome.hint));
    }
    for (const std::vector<Text>* some : {&outcome.warnings, &outcome.notes}) {
        for (const Text& words : *some) {
            lines.push_back(say(k_note, words));
        }
    }
    return lines;
}

Text title_of(const Outcome& outcome) {
    switch (outcome.result) {
    case Ends::released:
        return outcome.done.empty() ? say(k_title_released, names(outcome.release, outcome.with))
                                    : outcome.done;
    case Ends::refused:
        return say(k_title_refused);
    case Ends::rolled_back:
        return say(k_title_rolled_back);
    case Ends::needs_human:
        return say(k_title_needs_human);
    case Ends::stopped:
        break;
    }
    return say(k_title_stopped);
}

Level level_of(const Outcome& outcome) {
    switch (outcome.result) {
    case Ends::released:
        return outcome.warnings.empty() && outcome.done.empty() ? Level::resolved : Level::info;
    case Ends::rolled_back:
        return Level::warning;
    case Ends::needs_human:
        return Level::critical;
    case Ends::refused:
    case Ends::stopped:
        break;
    }
    return Level::info;
}

} // namespace

int exit_status(const Outcome& outcome) {
    switch (outcome.result) {
    case Ends::released:
        return outcome.warnings.empty() ? 0 : 3;
    case Ends::refused:
    case Ends::rolled_back:
        return 1;
    case Ends::needs_human:
        return 2;
    case Ends::stopped:
        break;
    }
    return stop_signal() != 0 ? 128 + stop_signal() : 1;
}

Text words_of(const Outcome& outcome) {
    Text all;
    for (const Text& line : lines_of(outcome)) {
        all = all.empty() ? line : join("\n  ", {all, line});
    }
    return all;
}

nlohmann::json fields_of(const Outcome& outcome, Lang lang) {
    nlohmann::json warnings = nlohmann::json::array();
    for (const Text& warning : outcome.warnings) {
        warnings.push_back(warning.in(lang));
    }
    nlohmann::json notes = nlohmann::json::array();
    for (const Text& note : outcome.notes) {
        notes.push_back(note.in(lang));
    }
    return {{"deploy",
             {{"result", release::to_string(outcome.result)},
              {"release", outcome.release},
              {"previous", outcome.previous},
              {"with", outcome.with},
              {"phase", outcome.phase},
              {"reason", outcome.reason.in(lang)},
              {"hint", outcome.hint.in(lang)},
              {"duration_ms", outcome.took.count()},
              {"warnings", warnings},
              {"notes", notes}}}};
}

Message message_of(const Outcome& outcome, const std::string& by, const Text& what_changed,
                   const std::string& host, WallTime now, Lang lang) {
    Text text = words_of(outcome);
    if (!what_changed.empty()) {
        text = join("\n", {text, what_changed});
    }
    text = join("\n", {text, say(k_by, by, took(outcome))});
    Words words;
    words.level = level_of(outcome);
    words.title = title_of(outcome).in(lang);
    words.text = text.in(lang);
    words.host = host;
    words.time = now;
    return compose(words, lang);
}

Text words_of(const TreeDifference& difference, Bytes size) {
    return say(k_changed, difference.changed.size(), difference.added.size(), difference.removed.size(),
               format_size(size));
}

} // namespace lectio::deploy
