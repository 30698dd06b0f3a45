#include "store/state_file.h"

#include "store/set_aside.h"
#include "util/json_depth.h"
#include "words/error_words.h"

#include <charconv>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio {
namespace {

constexpr mode_t k_folder_mode = 0700;
constexpr mode_t k_file_mode = 0600;
// Enough to see what happened; more would fill the disk where something damages the state in every run.
constexpr std::size_t k_set_aside_kept = 3;
// Ours is a dozen deep. Who reads it copies and prints by recursion, so what is far deeper would end the process.
constexpr int k_deepest = 100;

constexpr std::string_view k_stem = "state";
constexpr std::string_view k_temporary = ".tmp-";
constexpr std::string_view k_damaged_label = "damaged";
constexpr std::string_view k_newer_label = "newer";
constexpr std::string_view k_beginning = R"({"schema":)";

constexpr Phrase k_missing{"missing", "отсутствует"};
constexpr Phrase k_empty{"empty", "пуст"};
constexpr Phrase k_garbage{"cut or garbage", "обрезан или испорчен"};
constexpr Phrase k_too_large{"larger than {}", "больше {}"};
constexpr Phrase k_foreign{"belongs to another user", "принадлежит другому пользователю"};
constexpr Phrase k_not_regular{"not a regular file", "не обычный файл"};
constexpr Phrase k_newer{"written by a newer version", "записан более новой версией"};

constexpr Phrase k_unusable{"state file {}: {}", "файл состояния {}: {}"};
constexpr Phrase k_set_aside{"set aside as {}", "отложен как {}"};
constexpr Phrase k_previous_used{"the previous state is used", "взято предыдущее состояние"};
constexpr Phrase k_begun_afresh{"begun afresh: what is still broken will be told again",
                                "начато с чистого листа: о том, что ещё сломано, придёт новое сообщение"};

// {"schema":3,… → 3; anything that we would not have written: nothing.
std::optional<int> schema_of(std::string_view text) {
    if (!text.starts_with(k_beginning)) {
        return std::nullopt;
    }
    text.remove_prefix(k_beginning.size());
    int schema = 0;
    const auto [end, reason] = std::from_chars(text.data(), text.data() + text.size(), schema);
    return reason == std::errc{} && schema > 0 ? std::optional(schema) : std::nullopt;
}

// Behind {"schema":3, and what goes before the rows without its bracket.
std::size_t place_of_rows(std::string_view text, std::string_view before) {
    return text.find(',') + before.size();
}

std::shared_ptr<const JsonRows> rows_of(std::string_view text, std::string_view before) {
    const std::size_t comma = text.find(',');
    const bool has_rows = !before.empty() && comma != std::string_view::npos &&
                          text.substr(comma + 1).starts_with(before.substr(1));
    return has_rows ? json_rows(text.substr(place_of_rows(text, before))) : nullptr;
}

std::string without(std::string_view text, std::string_view before, const JsonRows& rows) {
    const std::size_t place = place_of_rows(text, before);
    std::string rest(text.substr(0, place));
    rest += rows.others;
    rest += text.substr(place + rows.size);
    return rest;
}

} // namespace

struct StateFile::Look {
    enum class Found {
        good,
        absent,
        newer,
        unusable,   // by what it is or holds
        unreadable, // the system would not let us look: it may be well
    };
    Found found = Found::absent;
    std::string text;
    int schema = 0;
    Text reason;
    std::shared_ptr<const nlohmann::json> json = {};
    std::shared_ptr<const JsonRows> rows = {};
};

StateFile::StateFile(Files& files, Path folder, int schema, uid_t us, std::string_view rows)
    : m_files(files), m_folder(std::move(folder)), m_current(m_folder / "state.json"),
      m_previous(m_folder / "state.prev.json"), m_schema(schema), m_us(us), m_before_rows(rows) {}

LoadedState StateFile::load(WallTime now, Access access) {
    if (access == Access::owner) {
        sweep();
    }
    Look current = look_at(m_current);
    m_current_is_good = current.found == Look::Found::good;
    if (m_current_is_good) {
        return {std::move(current.text), current.schema, clear_the_place_of_previous(now, access),
                std::move(current.json), std::move(current.rows)};
    }
    Look previous = look_at(m_previous);
    if (current.found == Look::Found::absent && previous.found == Look::Found::absent) {
        return {}; // the first run here
    }
    const Text trouble = refuse(m_current, current, now, access);
    // After a newer version has run, the state before it may be old: begun afresh (CONTRACT 19).
    if (previous.found == Look::Found::good && current.found != Look::Found::newer) {
        return {std::move(previous.text), previous.schema, join("; ", {trouble, say(k_previous_used)}),
                std::move(previous.json), std::move(previous.rows)};
    }
    // A previous state that could merely not be read stays where it is: the next run may be luckier. (The
    // current one is set aside even so, because the next save() would replace it.)
    Text also;
    if (previous.found == Look::Found::unusable || previous.found == Look::Found::newer) {
        also = refuse(m_previous, previous, now, access);
    }
    return {{}, 0, join("; ", {trouble, also, say(k_begun_afresh)})};
}

Result<void> StateFile::save(std::string_view object) {
    const bool empty = object == "{}";
    const std::string text =
        fmt::format("{}{}{}{}", k_beginning, m_schema, empty ? "" : ",", object.substr(1));
    if (text.size() > k_largest.count) {
        return Error{ErrorKind::too_large, fmt::format("unable to write {}: larger than {}",
                                                       m_current.string(), format_size(k_largest))};
    }
    if (!m_files.info(m_folder)) {
        // All state is private, the folder that the tools share too (CONTRACT 6).
        LECTIO_TRY(m_files.make_folders(m_folder.parent_path(), k_folder_mode));
        LECTIO_TRY(m_files.make_folders(m_folder, k_folder_mode));
    }
    LECTIO_TRY(m_current_is_good ? write_atomically_keeping(m_files, m_current, m_previous, text, k_file_mode)
                                 : write_atomically(m_files, m_current, text, k_file_mode));
    m_current_is_good = true;
    return {};
}

void StateFile::forget() {
    for (const Path& path : {m_current, m_previous}) {
        [[maybe_unused]] const Result<void> removed = m_files.remove(path);
    }
    m_current_is_good = false;
}

StateFile::Look StateFile::look_at(const Path& path) const {
    const auto unusable = [](Text reason) { return Look{Look::Found::unusable, {}, 0, std::move(reason)}; };
    const Result<FileInfo> info = m_files.info(path);
    if (!info) {
        return info.error().kind == ErrorKind::not_found
                   ? Look{Look::Found::absent, {}, 0, say(k_missing)}
                   : Look{Look::Found::unreadable, {}, 0, error_words(info.error().message)};
    }
    if (info->type != FileInfo::Type::regular) {
        return unusable(say(k_not_regular));
    }
    if (info->owner != m_us && info->owner != 0) {
        return unusable(say(k_foreign));
    }
    if (info->size > k_largest) {
        return unusable(say(k_too_large, format_size(k_largest)));
    }
    Result<std::string> text = m_files.read(path, k_largest);
    if (!text) {
        return {Look::Found::unreadable, {}, 0, error_words(text.error().message)};
    }
    if (text->empty()) {
        return unusable(say(k_empty));
    }
    const std::optional<int> schema = schema_of(*text);
    const std::shared_ptr<const JsonRows> rows = schema ? rows_of(*text, m_before_rows) : nullptr;
    const std::string rest = rows ? without(*text, m_before_rows, *rows) : std::string();
    const std::string& to_parse = rows ? rest : *text;
    if (!schema || json_depth(to_parse) > k_deepest) {
        return unusable(say(k_garbage));
    }
    auto json = std::make_shared<const nlohmann::json>(nlohmann::json::parse(to_parse, nullptr, false));
    if (json->is_discarded()) {
        return unusable(say(k_garbage));
    }
    if (*schema > m_schema) {
        return {Look::Found::newer, {}, *schema, say(k_newer)};
    }
    return {Look::Found::good, std::move(*text), *schema, {}, std::move(json), rows};
}

// The current state is kept under that name before it is replaced, and nothing is renamed onto a folder: with
// one there no state would ever be saved again. What else lies there is simply replaced.
Text StateFile::clear_the_place_of_previous(WallTime now, Access access) const {
    const Result<FileInfo> info = m_files.info(m_previous);
    if (!info || info->type != FileInfo::Type::folder) {
        return {};
    }
    return refuse(m_previous, {Look::Found::unusable, {}, 0, say(k_not_regular)}, now, access);
}

Text StateFile::refuse(const Path& path, const Look& look, WallTime now, Access access) const {
    Text what = say(k_unusable, path.string(), look.reason);
    if (access == Access::reader || look.found == Look::Found::absent) {
        return what;
    }
    const std::string_view label = look.found == Look::Found::newer ? k_newer_label : k_damaged_label;
    const std::optional<std::string> name = set_aside(path, label, now);
    return name ? join(", ", {what, say(k_set_aside, *name)}) : what;
}

std::optional<std::string> StateFile::set_aside(const Path& path, std::string_view label,
                                                WallTime now) const {
    const std::string_view which = path == m_previous ? "-prev" : "";
    const std::string name = name_aside(k_stem, label, now, fmt::format("{}.json", which));
    if (!m_files.rename(path, m_folder / name)) {
        return std::nullopt; // it stays where it is and is not kept as the previous one
    }
    keep_newest_aside(m_files, m_folder, k_stem, label, k_set_aside_kept);
    return name;
}

// We hold the tool's lock: whoever was writing these is dead.
void StateFile::sweep() const {
    const Result<std::vector<std::string>> names = m_files.list(m_folder);
    if (!names) {
        return;
    }
    for (const std::string& name : *names) {
        if (name.starts_with(k_temporary)) {
            [[maybe_unused]] const Result<void> removed = m_files.remove(m_folder / name);
        }
    }
}

} // namespace lectio
