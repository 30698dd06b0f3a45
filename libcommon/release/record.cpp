#include "release/record.h"

#include "store/kept_json.h"
#include "util/json_depth.h"
#include "util/json_members.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <random>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio::release {
namespace {

using Json = nlohmann::json;

constexpr int k_schema = 1;
constexpr std::size_t k_id_length = 24; // fe-YYYYmmddTHHMMSSZ-xxxx
constexpr std::size_t k_most_schemas = 50;
constexpr std::size_t k_most_carried = 100'000;

constexpr std::array<std::pair<State, std::string_view>, 5> k_states{{
    {State::staged, "staged"},
    {State::good, "good"},
    {State::bad, "bad"},
    {State::failing, "failing"},
    {State::withdrawn, "withdrawn"},
}};

std::optional<State> state_of(std::string_view word) {
    const auto* found =
        std::find_if(k_states.begin(), k_states.end(), [&](const auto& row) { return row.second == word; });
    return found == k_states.end() ? std::nullopt : std::optional(found->first);
}

constexpr std::string_view prefix_of(Kind kind) {
    return kind == Kind::backend ? "be-" : "fe-";
}

// Of ten bits, in base32hex (RFC 4648, section 7): sorts as the number does.
std::string two_digits(std::uint64_t bits) {
    constexpr std::string_view k_digits = "0123456789abcdefghijklmnopqrstuv";
    return {k_digits[(bits >> 5U) & 31U], k_digits[bits & 31U]};
}

// Of a file of the release: nothing that leads out of it.
bool is_below(std::string_view path) {
    const std::vector<std::string_view> steps = split(path, '/');
    return !path.empty() && path.find('\0') == std::string_view::npos &&
           std::none_of(steps.begin(), steps.end(),
                        [](std::string_view step) { return step.empty() || step == "." || step == ".."; });
}

void read_carried(const Json& json, Release& release) {
    const auto list = json.find("carried");
    if (list == json.end() || !list->is_array() || list->size() > k_most_carried) {
        return;
    }
    for (const Json& item : *list) {
        const std::optional<WallTime> until = moment_of(item, "until");
        Carried carried{text_of(item, "path"), text_of(item, "from"), until.value_or(WallTime{})};
        if (is_below(carried.path) && is_id(carried.from)) {
            release.carried.push_back(std::move(carried));
        }
    }
}

} // namespace

std::string_view to_string(Kind kind) {
    return kind == Kind::backend ? "backend" : "frontend";
}

std::string_view to_string(State state) {
    const auto* found =
        std::find_if(k_states.begin(), k_states.end(), [&](const auto& row) { return row.first == state; });
    return found->second;
}

std::string make_id(Kind kind, WallTime time, std::uint64_t random) {
    std::string moment = format_utc(time); // 2026-11-22T16:45:01Z
    std::erase_if(moment, [](char c) { return c == '-' || c == ':'; });
    const auto fraction = time - std::chrono::floor<std::chrono::seconds>(time);
    return fmt::format("{}{}-{}{}", prefix_of(kind), moment,
                       two_digits(static_cast<std::uint64_t>(fraction.count())), two_digits(random));
}

std::string fresh_id(Kind kind, WallTime time) {
    std::random_device entropy; // getrandom(2)
    return make_id(kind, time, (std::uint64_t{entropy()} << 32U) | entropy());
}

bool is_id(std::string_view text) {
    constexpr std::string_view k_form = "fe-00000000T000000Z-aaaa";
    static_assert(k_form.size() == k_id_length);
    const bool known =
        text.starts_with(prefix_of(Kind::frontend)) || text.starts_with(prefix_of(Kind::backend));
    if (text.size() != k_id_length || !known) {
        return false;
    }
    for (std::size_t i = prefix_of(Kind::frontend).size(); i < text.size(); ++i) {
        const char form = k_form[i];
        const char c = text[i];
        const bool is_digit = c >= '0' && c <= '9';
        const bool good = form == '0'   ? is_digit
                          : form == 'a' ? (c >= 'a' && c <= 'z') || is_digit
                                        : c == form;
        if (!good) {
            return false;
        }
    }
    return true;
}

Kind kind_of_id(std::string_view id) {
    return id.starts_with(prefix_of(Kind::backend)) ? Kind::backend : Kind::frontend;
}

std::string to_json(const Release& release) {
    Json json{
        {"schema", k_schema},
        {"id", release.id},
        {"kind", to_string(release.kind)},
        {"state", to_string(release.state)},
        {"generation", release.generation},
        {"made", format_utc(release.made)},
        {"by", release.by},
        {"source", release.source},
        {"hash", release.hash},
        {"files", release.files},
        {"size", release.size.count},
    };
    put(json, "live", release.live);
    put(json, "replaced", release.replaced);
    for (const auto& [key, text] :
         {std::pair{"commit", &release.commit}, std::pair{"dependencies", &release.dependencies}}) {
        if (!text->empty()) {
            json[key] = *text;
        }
    }
    if (!release.reason.empty()) {
        json["reason"] = release.reason;
    }
    json["pinned"] = release.pinned;
    json["adopted"] = release.adopted;
    if (!release.schemas.empty()) {
        json["schemas"] = release.schemas;
    }
    Json carried = Json::array();
    for (const Carried& file : release.carried) {
        carried.push_back({{"path", file.path}, {"from", file.from}, {"until", format_utc(file.until)}});
    }
    json["carried"] = std::move(carried);
    return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Release> release_from_json(std::string_view text) {
    const Json json = json_within_depth(text);
    const std::optional<State> state = state_of(text_of(json, "state"));
    Release release;
    release.id = text_of(json, "id");
    release.generation = integer_of(json, "generation");
    const std::optional<WallTime> made = moment_of(json, "made");
    if (!json.is_object() || !state || !made || !is_id(release.id) || release.generation < 0) {
        return Error{ErrorKind::invalid, "this is no record of a release"};
    }
    release.kind = kind_of_id(release.id);
    release.state = *state;
    release.made = *made;
    release.live = moment_of(json, "live");
    release.replaced = moment_of(json, "replaced");
    release.by = text_of(json, "by");
    release.source = text_of(json, "source");
    release.hash = text_of(json, "hash");
    release.reason = text_of(json, "reason");
    release.commit = text_of(json, "commit");
    release.dependencies = text_of(json, "dependencies");
    release.files = static_cast<std::uint64_t>(std::max<std::int64_t>(integer_of(json, "files"), 0));
    release.size.count = static_cast<std::uint64_t>(std::max<std::int64_t>(integer_of(json, "size"), 0));
    if (const auto schemas = json.find("schemas"); schemas != json.end() && schemas->is_array()) {
        for (const Json& schema : *schemas) {
            learn_schema(release, schema.is_string() ? schema.get<std::string>() : std::string());
        }
    }
    release.pinned = flag_of(json, "pinned");
    release.adopted = flag_of(json, "adopted");
    read_carried(json, release);
    return release;
}

void learn_schema(Release& release, const std::string& schema) {
    if (schema.empty() || is_known_to_fit(release, schema)) {
        return;
    }
    release.schemas.push_back(schema);
    if (release.schemas.size() > k_most_schemas) {
        release.schemas.erase(release.schemas.begin());
    }
}

bool is_known_to_fit(const Release& release, const std::string& schema) {
    return std::find(release.schemas.begin(), release.schemas.end(), schema) != release.schemas.end();
}

const Release* find(const std::vector<Release>& releases, std::string_view id) {
    const auto found = std::find_if(releases.begin(), releases.end(),
                                    [&](const Release& release) { return release.id == id; });
    return found == releases.end() ? nullptr : &*found;
}

std::int64_t next_generation(const std::vector<Release>& releases) {
    std::int64_t highest = 0;
    for (const Release& release : releases) {
        highest = std::max(highest, release.generation);
    }
    return highest + 1;
}

const Release* previous_good(const std::vector<Release>& releases, std::string_view current) {
    const Release* best = nullptr;
    for (const Release& release : releases) {
        const bool fits = release.id != current && release.state == State::good && release.generation > 0;
        if (fits && (best == nullptr || release.generation > best->generation)) {
            best = &release;
        }
    }
    return best;
}

std::vector<std::string> last_good(const std::vector<Release>& releases, std::size_t most) {
    std::vector<const Release*> good;
    for (const Release& release : releases) {
        if (release.state == State::good) {
            good.push_back(&release);
        }
    }
    std::stable_sort(good.begin(), good.end(),
                     [](const Release* a, const Release* b) { return a->generation > b->generation; });
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < good.size() && i < most; ++i) {
        ids.push_back(good[i]->id);
    }
    return ids;
}

} // namespace lectio::release
