#include "backup/record.h"

#include "store/kept_json.h"
#include "util/json_depth.h"
#include "util/json_members.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio::backup {
namespace {

using Json = nlohmann::json;

constexpr int k_schema = 1;
constexpr std::size_t k_id_length = 6;
constexpr std::string_view k_digits = "abcdefghijklmnopqrstuvwxyz234567"; // base32, RFC 4648 section 6

constexpr std::array<std::pair<State, std::string_view>, 5> k_states{{
    {State::complete, "complete"},
    {State::verified, "verified"},
    {State::unchanged, "unchanged"},
    {State::suspect, "suspect"},
    {State::bad, "bad"},
}};

std::optional<State> state_of(std::string_view word) {
    const auto* found =
        std::find_if(k_states.begin(), k_states.end(), [&](const auto& row) { return row.second == word; });
    return found == k_states.end() ? std::nullopt : std::optional(found->first);
}

bool is_id(std::string_view text) {
    return text.size() == k_id_length && text.find_first_not_of(k_digits) == std::string_view::npos;
}

} // namespace

std::string_view to_string(State state) {
    const auto* found =
        std::find_if(k_states.begin(), k_states.end(), [&](const auto& row) { return row.first == state; });
    return found->second;
}

std::string Backup::stem() const {
    std::string moment = format_utc(time); // 2026-11-22T16:45:01Z
    std::erase_if(moment, [](char c) { return c == '-' || c == ':'; });
    return fmt::format("{}-{}-{}", source, moment, id);
}

std::string Backup::file_name() const {
    return fmt::format("{}.{}.zst{}", stem(), extension(snapshot), compressed ? ".age" : "");
}

std::string Backup::manifest_name() const {
    return stem() + ".json";
}

std::string make_id(std::uint64_t random) {
    std::string id;
    for (std::size_t i = 0; i < k_id_length; ++i, random >>= 5U) {
        id += k_digits[random & 31U];
    }
    return id;
}

std::optional<WallTime> time_in_stem(std::string_view stem, std::string_view source) {
    constexpr std::string_view k_like = "-00000000T000000Z-";
    if (!stem.starts_with(source) || stem.size() != source.size() + k_like.size() + k_id_length ||
        !is_id(stem.substr(stem.size() - k_id_length))) {
        return std::nullopt;
    }
    const std::string_view time = stem.substr(source.size(), k_like.size());
    const auto digits = [&](std::size_t from, std::size_t count) { return time.substr(from, count); };
    const Result<WallTime> moment =
        parse_utc(fmt::format("{}-{}-{}T{}:{}:{}Z", digits(1, 4), digits(5, 2), digits(7, 2), digits(10, 2),
                              digits(12, 2), digits(14, 2)));
    const bool fits = time.front() == '-' && time[9] == 'T' && time[16] == 'Z' && time.back() == '-';
    return moment && fits ? std::optional(*moment) : std::nullopt;
}

std::string to_json(const Backup& backup) {
    Json json{
        {"schema", k_schema},
        {"id", backup.id},
        {"source", backup.source},
        {"type", backup.type},
        {"time", format_utc(backup.time)},
        {"state", to_string(backup.state)},
        {"file", backup.file_name()},
        {"size", backup.packed.size.count},
        {"sha256", backup.packed.sha256},
        {"duration_ms", backup.took.count()},
        {"restore_ms", backup.restore_took.count()},
        {"pinned", backup.pinned},
        {"snapshot", json_of(backup.snapshot)},
    };
    put(json, "verified", backup.verified);
    put(json, "unchanged", backup.unchanged);
    put(json, "trashed", backup.trashed);
    put(json, "away", backup.away);
    if (backup.compressed) {
        json["encrypted"] = {{"with", "age"},
                             {"compressed_size", backup.compressed->size.count},
                             {"compressed_sha256", backup.compressed->sha256}};
    }
    if (backup.seen_away) {
        json["seen_away"] = true;
    }
    if (!backup.reason.empty()) {
        json["reason"] = backup.reason;
    }
    if (!backup.accepted.empty()) {
        json["accepted"] = backup.accepted;
    }
    return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Backup> backup_from_json(std::string_view text) {
    const Json json = json_within_depth(text);
    const Error none{ErrorKind::invalid, "this is no manifest of a backup"};
    const std::optional<State> state = state_of(text_of(json, "state"));
    const std::optional<WallTime> time = moment_of(json, "time");
    Backup backup;
    backup.id = text_of(json, "id");
    backup.source = text_of(json, "source");
    backup.type = text_of(json, "type");
    if (integer_of(json, "schema") != k_schema || !state || !time || !is_id(backup.id) ||
        !is_name(backup.source) || integer_of(json, "size") <= 0) {
        return none;
    }
    Result<Snapshot> snapshot = snapshot_from(object_of(json, "snapshot"));
    LECTIO_TRY(snapshot);
    backup.snapshot = std::move(*snapshot);
    backup.time = *time;
    backup.state = *state;
    backup.packed = {Bytes{static_cast<std::uint64_t>(integer_of(json, "size"))}, text_of(json, "sha256")};
    if (json.contains("encrypted")) {
        const Json encrypted = object_of(json, "encrypted");
        if (text_of(encrypted, "with") != "age" || integer_of(encrypted, "compressed_size") <= 0) {
            return none;
        }
        backup.compressed = {Bytes{static_cast<std::uint64_t>(integer_of(encrypted, "compressed_size"))},
                             text_of(encrypted, "compressed_sha256")};
    }
    backup.took = Duration(integer_of(json, "duration_ms"));
    backup.restore_took = Duration(integer_of(json, "restore_ms"));
    backup.pinned = flag_of(json, "pinned");
    backup.verified = moment_of(json, "verified");
    backup.unchanged = moment_of(json, "unchanged");
    backup.trashed = moment_of(json, "trashed");
    backup.away = moment_of(json, "away");
    backup.seen_away = flag_of(json, "seen_away");
    backup.reason = text_of(json, "reason");
    backup.accepted = text_of(json, "accepted");
    return backup;
}

} // namespace lectio::backup
