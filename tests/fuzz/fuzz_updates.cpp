// What a server in Telegram's place may answer: to getUpdates, where strangers' texts stand in it and root's rights
// behind it (CONTRACT 43), to getMe, and to a message.
#include "alerts/telegram.h"
#include "bot/command.h"
#include "bot/updates.h"
#include "property.h"
#include "util/text.h"

#include <algorithm>
#include <string>

using namespace lectio;
using fuzz::require;

namespace {

constexpr std::int64_t k_beyond_every_id = std::int64_t{1} << 53U;
constexpr WallTime k_year_10000{std::chrono::seconds(253'402'300'800)};

bool is_id(std::int64_t id) {
    return id > -k_beyond_every_id && id < k_beyond_every_id;
}

bool is_clean(std::string_view text) {
    return trim(text) == clean_line(text) && text.size() < 1000;
}

std::string without_blanks(std::string text) {
    text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
    return text;
}

bool is_one_of_ours(const OperatorCommand& command) {
    const std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789/_-";
    return command.argument.size() <= 64 &&
           command.argument.find_first_not_of(allowed) == std::string::npos &&
           !to_string(command.word).empty();
}

void judge_text(const std::string& text, const std::string& bot) {
    const ReadCommand read = read_command(text, bot);
    if (const auto* command = std::get_if<OperatorCommand>(&read)) {
        require(is_one_of_ours(*command), "what is obeyed is one of our words");
        const std::string whole = "/" + std::string(to_string(command->word)) + command->argument;
        const std::string typed =
            to_lower_ascii(text); // the argument of what is obeyed has no capitals anyway
        require(typed.starts_with("/start") || text.find('@') != std::string::npos ||
                    without_blanks(typed) == whole,
                "nothing that was written beside a command is passed over");
    }
}

void judge_button(const std::string& data) {
    const ReadCommand read = read_button(data);
    if (const auto* command = std::get_if<OperatorCommand>(&read)) {
        require(is_one_of_ours(*command), "what a button does is one of our words");
        require(button(command->word, command->argument) == data, "a button does what it says");
    }
}

void judge_ask(const Ask& ask, const std::string& bot) {
    require(is_id(ask.chat) && is_id(ask.who) && is_id(ask.message), "ids are numbers that the Bot API has");
    require(is_clean(ask.name) && is_clean(ask.place), "a name is short and harms no terminal");
    require(ask.time >= WallTime() && ask.time < k_year_10000, "a time can be written");
    require(ask.press.empty() ? !ask.text.empty() && ask.button.empty()
                              : ask.text.empty() && !ask.button.empty(),
            "somebody wrote, or pressed, and not both");
    require(ask.text.size() < 2000 && ask.button.size() < 2000 && ask.press.size() < 2000, "no more is kept");
    judge_text(ask.text, bot);
    judge_button(ask.button);
}

void judge_as_answer(std::string_view body) {
    for (const int status : {200, 400, 403, 429, 502}) {
        HttpAnswer answer;
        answer.status = status;
        answer.body = body;
        const Outcome outcome = telegram::judge(answer);
        const bool accepted = outcome.kind == Outcome::Kind::accepted;
        require(accepted || (!outcome.problem.en.empty() && !outcome.problem.ru.empty()),
                "a refusal has words");
        require(is_clean(outcome.problem.en) && is_clean(outcome.problem.ru), "which are few and harmless");
        require(!outcome.wait || *outcome.wait >= std::chrono::seconds(1), "a wait is one");
        require((outcome.kind == Outcome::Kind::moved) != outcome.chat.empty(),
                "a chat that moved is somewhere");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view body = fuzz::text_of(data, size);
    const std::string bot = read_bot_name(body);
    if (const Result<std::vector<Update>> updates = read_updates(body)) {
        for (const Update& update : *updates) {
            require(update.id >= 0 && is_id(update.id), "an update has a number, and there is one after it");
            if (update.ask) {
                judge_ask(*update.ask, bot);
                judge_ask(*update.ask, "lectio_bot");
            }
        }
    }
    judge_as_answer(body);
    // What a person writes is any text, also where the JSON around it is good.
    judge_text(std::string(body), "lectio_bot");
    judge_button(std::string(body));
    return 0;
}
