#include "checks/cron.h"

#include "checks/moment.h"
#include "platform/files.h"
#include "platform/record_age.h"
#include "store/kept_json.h"
#include "util/json_depth.h"
#include "util/json_members.h"
#include "util/text.h"
#include "words/error_words.h"
#include "words/span.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;
using Memory = std::map<std::string, std::string>;

constexpr Bytes k_largest_state = 8_MB; // as StateFile
constexpr int k_deepest_state = 100;
constexpr std::array<std::string_view, 6> k_tools{"health",    "smoke",  "deepcheck",
                                                  "heartbeat", "backup", "cleanup"};

constexpr Phrase k_all_ran{"all ran in time", "все запускались вовремя"};
constexpr Phrase k_awaited{"all ran in time, or are still awaited for the first time",
                           "все запускались вовремя или ещё ждут первого запуска"};
constexpr Phrase k_late{"lectio-{} last finished a run {} ago, at most {} expected",
                        "lectio-{} последний раз отработал {} назад, а должен не реже чем раз в {}"};
constexpr Phrase k_never{"lectio-{} has never finished a run here, awaited for {}",
                         "lectio-{} ещё ни разу не отработал здесь, ждём уже {}"};
constexpr Phrase k_to_come{
    "the last run of lectio-{} is of {}, which is still to come, and none has ended for {}: the clock was "
    "set back, or the state is another host's",
    "последний запуск lectio-{} — от {}, это ещё не наступило, и уже {} ни один не "
    "завершался: часы перевели назад или состояние с другого сервера"};
constexpr Phrase k_unreadable{"the state of lectio-{} cannot be read: {}",
                              "состояние lectio-{} не читается: {}"};
constexpr Phrase k_hint{
    "is cron running, and does the line stand in crontab? systemctl status cron; tail -50 the tool's log",
    "работает ли cron и есть ли строка в crontab? systemctl status cron; последние строки журнала "
    "инструмента"};

constexpr Phrase k_no_tool{"no tool \"{}\" runs by schedule",
                           "инструмент \"{}\" по расписанию не запускается"};
constexpr Phrase k_no_tool_but{"no tool \"{}\" runs by schedule; did you mean \"{}\"?",
                               "инструмент \"{}\" по расписанию не запускается; может быть, \"{}\"?"};

std::vector<Complaint> unknown_tools(const CronSettings& settings) {
    for (const auto& [tool, age] : settings.tools) {
        if (std::find(k_tools.begin(), k_tools.end(), tool) == k_tools.end()) {
            const std::optional<std::string_view> near = nearest(tool, k_tools);
            return {{"tools", near ? say(k_no_tool_but, tool, *near) : say(k_no_tool, tool)}};
        }
    }
    return {};
}

const Schema<CronSettings>& cron_schema() {
    static const Schema<CronSettings> schema =
        Schema<CronSettings>{
            required("tools", &CronSettings::tools,
                     "the oldest that the last finished run of each may be: { smoke = \"15m\" }")
                .between(1min, 31 * 24h),
        }
            .verify(unknown_tools);
    return schema;
}

std::int64_t seconds(Duration duration) {
    return std::chrono::floor<std::chrono::seconds>(duration).count();
}

// The moment from which a tool without a run is waited for: that of the first look (CONTRACT 32).
Now awaited_since(const std::string& tool, const Now& now, const Memory& before, Memory& after) {
    const std::string key = "awaited-" + tool;
    const auto kept = before.find(key);
    std::optional<Now> since = kept == before.end() ? std::nullopt : moment_from_text(kept->second);
    since = since && age_of_record(*since, now) ? since : now; // one to come would be waited for until then
    after[key] = moment_to_text(*since);
    return *since;
}

// What is wrong with one tool; nothing when it ran in time or may still come.
Text trouble_of(const std::string& tool, const CronSample::Tool& seen, Duration age, const Now& now,
                const Memory& before, CheckResult& result) {
    if (seen.error) {
        return say(k_unreadable, tool, error_words(clean_line(seen.error->message)));
    }
    if (!seen.finished) {
        const Duration awaited = elapsed(awaited_since(tool, now, before, result.memory), now);
        return awaited > age ? say(k_never, tool, span_of(seconds(awaited))) : Text{};
    }
    const std::optional<Duration> since = age_of_record(*seen.finished, now);
    if (!since) { // nobody knows how old it is; who runs has a newer one soon
        const Duration awaited = elapsed(awaited_since(tool, now, before, result.memory), now);
        return awaited > age
                   ? say(k_to_come, tool, format_utc(seen.finished->wall), span_of(seconds(awaited)))
                   : Text{};
    }
    result.metrics.push_back({"age-" + tool,
                              static_cast<double>(since->count()) / 1000,
                              "s",
                              static_cast<double>(age.count()) / 1000,
                              {}});
    return *since > age ? say(k_late, tool, span_of(seconds(*since)), span_of(seconds(age))) : Text{};
}

CronSample::Tool look_at(const std::filesystem::path& state, Files& files) {
    const Result<std::string> text = files.read(state / "state.json", k_largest_state);
    if (text) {
        return {finished_in(*text), std::nullopt};
    }
    return text.error().kind == ErrorKind::not_found ? CronSample::Tool{}
                                                     : CronSample::Tool{std::nullopt, text.error()};
}

class CronCheck final : public BlockingCheck {
  public:
    explicit CronCheck(CronSettings settings) : m_settings(std::move(settings)) {}

    CheckResult run(const CheckContext& context) const override {
        return evaluate_cron(look_at_tools(m_settings, context.state, context.world.files), m_settings,
                             context.now, context.memory);
    }

  private:
    CronSettings m_settings;
};

} // namespace

std::optional<Now> finished_in(std::string_view text) {
    const Json state = json_depth(text) > k_deepest_state ? Json() : Json::parse(text, nullptr, false);
    return now_of(object_of(state, "finished"));
}

CronSample look_at_tools(const CronSettings& settings, const std::filesystem::path& state, Files& files) {
    CronSample sample;
    for (const auto& [tool, age] : settings.tools) {
        sample.tools[tool] = look_at(state / tool, files);
    }
    return sample;
}

CheckResult evaluate_cron(const CronSample& sample, const CronSettings& settings, const Now& now,
                          const std::map<std::string, std::string>& memory) {
    CheckResult result;
    bool all_ran = true;
    for (const auto& [tool, age] : settings.tools) {
        const auto found = sample.tools.find(tool);
        const CronSample::Tool seen = found == sample.tools.end() ? CronSample::Tool{} : found->second;
        all_ran = all_ran && seen.finished.has_value();
        result.message = join("; ", {result.message, trouble_of(tool, seen, age, now, memory, result)});
    }
    result.status = result.message.empty() ? Status::ok : Status::warning;
    if (result.message.empty()) {
        result.message = say(all_ran ? k_all_ran : k_awaited);
    } else {
        result.hint = say(k_hint);
    }
    return result;
}

CheckType cron_check_type() {
    return make_check_type<cron_schema, CronCheck>("cron", Layer::suite, Recheck::no,
                                                   "the tools of this suite run when they should");
}

} // namespace lectio
