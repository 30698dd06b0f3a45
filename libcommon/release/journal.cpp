#include "release/journal.h"

#include "util/json_depth.h"
#include "util/json_members.h"
#include "util/number.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <zlib.h>

namespace lectio::release {
namespace {

using Json = nlohmann::json;

constexpr std::size_t k_longest_record = 1U << 20U;
constexpr std::size_t k_head = 18; // "00000123 1a2b3c4d "

constexpr std::array<std::pair<Mark, std::string_view>, 18> k_marks{{
    {Mark::begin, "begin"},
    {Mark::received, "received"},
    {Mark::sealed, "sealed"},
    {Mark::fence, "fence"},
    {Mark::snapshot, "snapshot"},
    {Mark::migrate, "migrate"},
    {Mark::migrated, "migrated"},
    {Mark::admit, "admit"},
    {Mark::undo, "undo"},
    {Mark::reverse, "reverse"},
    {Mark::restored, "restored"},
    {Mark::woken, "woken"},
    {Mark::adopt, "adopt"},
    {Mark::swap, "swap"},
    {Mark::commit, "commit"},
    {Mark::rollback, "rollback"},
    {Mark::rolled_back, "rolled_back"},
    {Mark::end, "end"},
}};

std::uint32_t checksum(std::string_view text) {
    return static_cast<std::uint32_t>(
        ::crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size())));
}

std::optional<Entry> entry_of(std::string_view text) {
    const Json json = json_within_depth(text);
    const std::string word = text_of(json, "mark");
    const auto* mark =
        std::find_if(k_marks.begin(), k_marks.end(), [&](const auto& row) { return row.second == word; });
    const Result<WallTime> time = parse_utc(text_of(json, "time"));
    if (!json.is_object() || mark == k_marks.end() || !time) {
        return std::nullopt;
    }
    Entry entry{mark->first, *time, {}};
    const Json facts = object_of(json, "facts");
    for (const auto& [name, value] : facts.items()) {
        if (value.is_string()) {
            entry.facts[name] = value.get<std::string>();
        }
    }
    return entry;
}

// One record off the front of `rest`; nothing: it is not whole, or not one.
std::optional<Entry> take(std::string_view& rest) {
    if (rest.size() < k_head || rest[8] != ' ' || rest[k_head - 1] != ' ') {
        return std::nullopt;
    }
    const auto length = number_from<std::uint32_t>(rest.substr(0, 8));
    const std::string_view sum = rest.substr(9, 8);
    if (!length || *length > k_longest_record || rest.size() < k_head + *length + 1 ||
        rest[k_head + *length] != '\n') {
        return std::nullopt;
    }
    const std::string_view text = rest.substr(k_head, *length);
    std::optional<Entry> entry;
    if (fmt::format("{:08x}", checksum(text)) == sum) {
        entry = entry_of(text);
    }
    if (entry) {
        rest.remove_prefix(k_head + *length + 1);
    }
    return entry;
}

} // namespace

std::string_view to_string(Mark mark) {
    const auto* found =
        std::find_if(k_marks.begin(), k_marks.end(), [&](const auto& row) { return row.first == mark; });
    return found->second;
}

std::string Entry::fact(const std::string& name) const {
    const auto found = facts.find(name);
    return found == facts.end() ? std::string() : found->second;
}

std::string format_entry(const Entry& entry) {
    Json facts = Json::object();
    for (const auto& [name, value] : entry.facts) {
        facts[name] = value;
    }
    const Json json{{"mark", to_string(entry.mark)}, {"time", format_utc(entry.time)}, {"facts", facts}};
    const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
    return fmt::format("{:08} {:08x} {}\n", text.size(), checksum(text), text);
}

JournalText parse_journal(std::string_view text) {
    JournalText journal;
    const std::size_t all = text.size();
    while (!text.empty()) {
        std::optional<Entry> entry = take(text);
        if (!entry) {
            // A record is one write: what the power has cut is the beginning of one, and nothing follows it.
            journal.damaged = text.find('\n') != std::string_view::npos;
            break;
        }
        journal.entries.push_back(std::move(*entry));
        journal.size = Bytes{all - text.size()};
    }
    return journal;
}

Standing standing_of(const std::vector<Entry>& entries) {
    Standing standing;
    for (const Entry& entry : entries) {
        switch (entry.mark) {
        case Mark::begin:
            standing.begin = entry;
            standing.id = entry.fact("id");
            break;
        case Mark::received:
        case Mark::snapshot:
            break;
        case Mark::fence:
            standing.held += (standing.held.empty() ? "" : " ") + entry.fact("units");
            break;
        case Mark::undo:
            standing.undoing = true;
            standing.woken = false; // a person has said so
            break;
        case Mark::reverse:
            standing.reversing = true;
            break;
        case Mark::restored:
            standing.restored = true;
            break;
        case Mark::woken:
            standing.woken = true;
            break;
        case Mark::admit:
            standing.admitted = true;
            break;
        case Mark::migrate:
            standing.migrate = entry;
            break;
        case Mark::migrated:
            standing.migrated = true;
            standing.database = entry.fact("database");
            break;
        case Mark::sealed:
            standing.sealed = entry;
            break;
        case Mark::adopt:
            standing.adopt = entry;
            break;
        case Mark::swap:
            standing.swap = entry;
            break;
        case Mark::commit:
            standing.committed = true;
            standing.failing = entry.fact("failing");
            break;
        case Mark::rollback:
            standing.rolling_back = true;
            break;
        case Mark::rolled_back:
            standing.rolled_back = true;
            break;
        case Mark::end:
            standing.end = entry;
            break;
        }
    }
    return standing;
}

bool Standing::restores() const {
    return migrate && migrate->fact("undo") == "restore";
}

bool Standing::owes_tables() const {
    const bool is_open = restores() && !ended() && !committed;
    return is_open && (undoing || reversing || !admitted) && !restored && !woken;
}

Result<void> Journal::note(Mark mark, std::map<std::string, std::string> facts) {
    const std::string record = format_entry({mark, m_clock.now().wall, std::move(facts)});
    LECTIO_TRY(m_disk.append_synced(m_file, m_written, record, 0600));
    m_written.count += record.size();
    return {};
}

} // namespace lectio::release
