#include "heartbeat/beat.h"

#include "heartbeat/suite.h"
#include "platform/users.h"
#include "store/kept_json.h"
#include "store/state_file.h"
#include "util/json_depth.h"
#include "util/json_members.h"
#include "words/error_words.h"

#include <utility>

#include <nlohmann/json.hpp>

namespace lectio::heartbeat {
namespace {

using Json = nlohmann::json;

constexpr int k_schema = 1;
constexpr int k_deepest = 10;
constexpr std::size_t k_most_awaited = 20, k_longest_address = 64;

constexpr Phrase k_state{"the state cannot be written: {}", "состояние не записывается: {}"};

} // namespace

std::string to_json(const BeatState& state) {
    Json json{{"awaited", state.awaited},
              {"ping", {{"body_limit", state.ping.body_limit.count}, {"address", state.ping.address}}}};
    if (state.finished) {
        json["finished"] = json_of(*state.finished);
    }
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

BeatState beat_state_from_json(std::string_view text) {
    BeatState state;
    const Json json = json_depth(text) > k_deepest ? Json() : Json::parse(text, nullptr, false);
    const Json awaited = object_of(json, "awaited");
    for (const auto& [tool, since] : awaited.items()) {
        if (since.is_string() && state.awaited.size() < k_most_awaited) {
            state.awaited[tool] = since.get<std::string>();
        }
    }
    const Json ping = object_of(json, "ping");
    if (const auto limit = ping.find("body_limit"); limit != ping.end() && limit->is_number_unsigned()) {
        state.ping.body_limit = Bytes{limit->get<std::uint64_t>()};
    }
    if (const auto address = ping.find("address"); address != ping.end() && address->is_string()) {
        const auto known = address->get<std::string>();
        state.ping.address = known.size() <= k_longest_address ? known : std::string();
    }
    state.finished = now_of(object_of(json, "finished"));
    return state;
}

Beat beat(World& world, const Config& config, Delivery& delivery, Effect effect, SteadyTime until) {
    const bool real = effect == Effect::real;
    const HeartbeatSettings& settings = config.heartbeat;
    StateFile file(world.files, config.paths.state / "heartbeat", k_schema, effective_user());
    const Now now = world.clock.now();
    BeatState state = beat_state_from_json(
        file.load(now.wall, real ? StateFile::Access::owner : StateFile::Access::reader).text);
    Facts facts;
    facts.site = look_at_site(world, settings, until);
    facts.told = !facts.site.empty() && has_operator_been_told(world, config, delivery);
    facts.suite = look_at_suite(world, config, delivery, state.awaited);
    state.finished = now;
    if (real) {
        // Before the ping, which tells of it: who cannot write here cannot write what else is remembered, either.
        if (const Result<void> saved = file.save(to_json(state)); !saved) {
            facts.suite.push_back(say(k_state, error_words(saved.error().message)));
        }
    }
    Beat beat{judge(facts, settings.on_site_down), {}};
    const std::optional<Ping> ping = beat.verdict.ping(config.lang);
    if (real && ping) {
        const PingMemory before = state.ping;
        beat.ping = Pinger(world, settings.url, settings.timeout, state.ping).send(*ping, until);
        if (!(state.ping == before)) {
            [[maybe_unused]] const Result<void> saved =
                file.save(to_json(state)); // learned again the next time
        }
    }
    return beat;
}

} // namespace lectio::heartbeat
