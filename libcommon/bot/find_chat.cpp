#include "bot/find_chat.h"

#include "bot/call.h"
#include "platform/stop.h"
#include "util/text.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

// Short questions, so that a wish to stop is heard.
constexpr Duration k_hold = 10s;
constexpr Duration k_pause = 1s;

constexpr Phrase k_another_reader{"another program reads what is written to this bot (HTTP 409)",
                                  "сообщения этого бота читает другая программа (HTTP 409)"};
constexpr Phrase k_another_reader_hint{"end it, remove a webhook that is set, or take a bot of its own for "
                                       "this server; or give the chat with --chat",
                                       "завершите её, уберите вебхук или заведите для этого сервера "
                                       "отдельного бота; либо укажите чат через --chat"};

bool says(const Ask& ask, const std::string& code) {
    const std::string_view text = trim(ask.text);
    const std::size_t blank = text.rfind(' ');
    return text == code ||
           (text.starts_with("/start") && blank != std::string_view::npos && text.substr(blank + 1) == code);
}

} // namespace

Meeting meet(World& world, const TelegramSettings& bot, SteadyTime end) {
    const Duration left = std::chrono::duration_cast<Duration>(end - world.clock.steady());
    const HttpAnswer answer = call(world, bot, "getMe", "{}", std::clamp<Duration>(left, 1s, k_call));
    Meeting meeting;
    meeting.bot = is_good(answer) ? read_bot_name(answer.body) : "";
    if (meeting.bot.empty()) {
        Outcome outcome = telegram::judge(answer);
        meeting.problem = std::move(outcome.problem);
        meeting.hint = std::move(outcome.hint);
    }
    return meeting;
}

std::string new_code() {
    std::random_device entropy; // getrandom(2)
    return fmt::format("{:06}", std::uniform_int_distribution<int>(0, 999'999)(entropy));
}

FoundChat wait_for(World& world, const TelegramSettings& bot, const std::string& code, SteadyTime end) {
    FoundChat found;
    std::int64_t next = 0;
    while (!stop_requested() && world.clock.steady() < end) {
        const Json body{
            {"offset", next}, {"timeout", k_hold / 1s}, {"allowed_updates", {"message", "callback_query"}}};
        const HttpAnswer answer = call(world, bot, "getUpdates", body.dump(), k_hold + k_call);
        const Result<std::vector<Update>> updates = read_updates(answer.body);
        if (!is_good(answer) || !updates) {
            Outcome outcome = telegram::judge(answer);
            found.problem = is_conflict(answer) ? say(k_another_reader) : std::move(outcome.problem);
            found.hint = is_conflict(answer) ? say(k_another_reader_hint) : std::move(outcome.hint);
            sleep_unless_stopped(world.clock, world.clock.steady() + k_pause);
            continue;
        }
        found.problem = found.hint = {};
        for (const Update& update : *updates) {
            next = update.id + 1;
            if (update.ask && says(*update.ask, code)) {
                found.ask = update.ask;
            }
        }
        if (found.ask) { // what was read is confirmed: the next poll does not take it for a command
            call(world, bot, "getUpdates", Json{{"offset", next}, {"timeout", 0}}.dump());
            return found;
        }
    }
    return found;
}

} // namespace lectio
