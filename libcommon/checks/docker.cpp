#include "checks/docker.h"

#include "checks/moment.h"
#include "checks/unit_words.h"
#include "util/json_depth.h"
#include "util/secret.h"
#include "util/text.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;
using Memory = std::map<std::string, std::string>;

constexpr std::size_t k_shown_troubles = 3;
constexpr std::size_t k_shown_characters = 120;
// A restart by Docker is a moment, not a state: shown this long, so that a crash that Docker mended is told and two
// soon after each other are one alert.
constexpr Duration k_restart_shown = 15min;
constexpr std::int64_t k_most_restarts = 1'000'000; // whatever is told or kept: counts are added up
constexpr int k_by_signal = 128; // exit codes above it: a shell's and Docker's way to say which signal
constexpr int k_most_signals = 64;

constexpr Noun k_containers{"container", "containers", "контейнер", "контейнера", "контейнеров"};
constexpr Noun k_times{"time", "times", "раз", "раза", "раз"};
constexpr Phrase k_all_run{"{} running", "работает {}"};
constexpr Phrase k_and_more{"{}; and {} more", "{}; и ещё {}"};
constexpr Phrase k_missing{"there is no container {}", "нет контейнера {}"};
constexpr Phrase k_empty_project{"the Compose project {} has no containers",
                                 "в проекте Compose {} нет контейнеров"};
constexpr Phrase k_unhealthy{"{} is unhealthy", "{} нездоров (unhealthy)"};
constexpr Phrase k_paused{"{} is paused", "{} приостановлен (paused)"};
constexpr Phrase k_created{"{} was made, but never started", "{} создан, но ни разу не запущен"};
constexpr Phrase k_restarting{"{} falls again and again, Docker is restarting it",
                              "{} падает снова и снова, Docker его перезапускает"};
constexpr Phrase k_exited{"{} is not running", "{} не работает"};
constexpr Phrase k_odd_state{"{} is {}", "{}: {}"};
constexpr Phrase k_restarted{"Docker restarted {} {}", "Docker перезапускал {}: {}"};
constexpr Phrase k_ended{"ended by itself with exit code 0", "завершился сам с кодом 0"};
constexpr Phrase k_exit_code{"exit code {}", "код выхода {}"};
constexpr Phrase k_out_of_memory{"killed by the kernel for lack of memory", "убит ядром: не хватило памяти"};
constexpr Phrase k_signal{"ended by signal {}", "завершён сигналом {}"};
constexpr Phrase k_not_executable{"its command cannot be executed (exit code {})",
                                  "его команду не удаётся запустить (код {})"};
constexpr Phrase k_no_command{"its command is not found (exit code {})", "его команда не найдена (код {})"};
constexpr Phrase k_no_docker_name{"expected a name of Docker's: letters, digits, _ . -",
                                  "ожидается имя, как в Docker: латинские буквы, цифры, _ . -"};
constexpr Phrase k_colon{"must not hold a colon", "двоеточия в нём быть не может"};
constexpr Phrase k_one_of_both{"needs either containers or project", "нужно или containers, или project"};

// ── configuration ───────────────────────────────────────────────────────────────────────────────────────────────

bool is_docker_name(const std::string& text) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '.' || c == '-';
    };
    return !text.empty() && std::all_of(text.begin(), text.end(), fits) && text.front() != '.' &&
           text.front() != '-';
}

std::optional<Text> docker_name_complaint(const std::string& text) {
    return text.empty() || is_docker_name(text) ? std::nullopt : std::optional(say(k_no_docker_name));
}

std::optional<Text> socket_complaint(const Path& path) {
    return path.string().find(':') == std::string::npos ? std::nullopt : std::optional(say(k_colon));
}

std::vector<Complaint> one_of_both(const DockerSettings& settings) {
    if (settings.containers.empty() == settings.project.empty()) {
        return {{"", say(k_one_of_both)}};
    }
    return {};
}

const Schema<DockerSettings>& docker_schema() {
    static const Schema<DockerSettings> schema =
        Schema<DockerSettings>{
            optional("containers", &DockerSettings::containers, "names that must be running and healthy")
                .check(docker_name_complaint),
            optional("project", &DockerSettings::project,
                     "instead: all containers of a Compose project; jobs that have ended well are good")
                .check(docker_name_complaint),
            optional("socket", &DockerSettings::socket, "of the Docker API").check(socket_complaint),
            optional("timeout", &DockerSettings::timeout, "no answer by then: critical").between(10ms, 1min),
        }
            .verify(one_of_both);
    return schema;
}

// ── reading answers ─────────────────────────────────────────────────────────────────────────────────────────────

const Json* member(const Json* json, const char* name) {
    if (json == nullptr || !json->is_object()) {
        return nullptr;
    }
    const auto found = json->find(name);
    return found == json->end() ? nullptr : &*found;
}

std::string text_of(const Json* json) {
    return json != nullptr && json->is_string() ? json->get<std::string>() : std::string();
}

std::int64_t number_of(const Json* json) {
    return json != nullptr && json->is_number_integer() ? json->get<std::int64_t>() : 0;
}

std::string last_health_output(const Json* health) {
    const Json* log = member(health, "Log");
    return log != nullptr && log->is_array() && !log->empty() ? text_of(member(&log->back(), "Output"))
                                                              : std::string();
}

std::string shown(const std::string& text) {
    return shorten(redact(clean_line(text)), k_shown_characters);
}

// ── restarts ────────────────────────────────────────────────────────────────────────────────────────────────────

struct SeenRestarts { // of one container, kept under its name: "ID COUNT [RECENT MOMENT]"
    std::string id;
    std::int64_t count = 0;
    std::int64_t recent = 0;
    std::optional<Now> last;
};

std::int64_t number_in(std::string_view text) {
    std::int64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return std::clamp<std::int64_t>(number, 0, k_most_restarts);
}

std::optional<SeenRestarts> kept_of(const std::string& name, const Memory& memory) {
    const auto kept = memory.find("restarts-" + name);
    if (kept == memory.end()) {
        return std::nullopt;
    }
    const std::vector<std::string_view> parts = split(kept->second, ' ');
    SeenRestarts seen;
    seen.id = parts[0];
    seen.count = parts.size() > 1 ? number_in(parts[1]) : 0;
    if (parts.size() > 3) {
        seen.recent = number_in(parts[2]);
        seen.last = moment_from_text(parts[3]);
    }
    return seen;
}

// Docker counts since the container was made or last started by hand, so a smaller number is a new count, all of it
// unseen. In the first run nothing is known of when it grew.
std::int64_t recent_restarts(const DockerContainer& container, const Now& now, const Memory& before,
                             Memory& after) {
    const std::optional<SeenRestarts> kept = kept_of(container.name, before);
    const bool same = kept && kept->id == container.id && container.restarts >= kept->count;
    const std::int64_t fresh = !kept ? 0 : same ? container.restarts - kept->count : container.restarts;
    const bool still_shown = kept && kept->last && elapsed(*kept->last, now) < k_restart_shown;
    const std::int64_t recent = fresh + (still_shown ? kept->recent : 0);
    std::string& text = after["restarts-" + container.name];
    text = fmt::format("{} {}", container.id, container.restarts);
    if (recent > 0) {
        text += fmt::format(" {} {}", recent, moment_to_text(fresh > 0 ? now : *kept->last));
    }
    return recent;
}

// ── judging ─────────────────────────────────────────────────────────────────────────────────────────────────────

// What is wrong with one container; ok: nothing.
struct Trouble {
    Status status = Status::ok;
    Text words;
    std::string name, evidence;
};

Text how_it_ended(const DockerContainer& container) {
    const auto code = container.exit_code;
    if (container.oom_killed) {
        return say(k_out_of_memory);
    }
    if (!container.error.empty()) {
        return verbatim(shown(container.error));
    }
    if (code == 126) { // 126 and 127: docker run, "Exit status"
        return say(k_not_executable, code);
    }
    if (code == 127) {
        return say(k_no_command, code);
    }
    if (code > k_by_signal && code <= k_by_signal + k_most_signals) {
        return say(k_signal, signal_name(static_cast<int>(code) - k_by_signal));
    }
    return code == 0 ? say(k_ended) : say(k_exit_code, code);
}

// A job of a project that has done its work: a migration, say.
bool is_done(const DockerContainer& container, const DockerSettings& settings) {
    const bool meant_to_end =
        container.policy.empty() || container.policy == "no" || container.policy == "on-failure";
    return !settings.project.empty() && container.state == "exited" && container.exit_code == 0 &&
           meant_to_end;
}

Text state_words(const DockerContainer& container, const DockerSettings& settings) {
    const std::string& state = container.state;
    if (state == "running" && container.health != "unhealthy") {
        return {};
    }
    if (state == "running") {
        return say(k_unhealthy, container.name);
    }
    if (state == "paused") {
        return say(k_paused, container.name);
    }
    if (state == "created") {
        const Text error = container.error.empty() ? Text{} : verbatim(shown(container.error));
        return join(": ", {say(k_created, container.name), error});
    }
    if (state == "restarting") {
        return join(": ", {say(k_restarting, container.name), how_it_ended(container)});
    }
    if (state == "exited" || state == "dead") {
        return is_done(container, settings)
                   ? Text{}
                   : join(": ", {say(k_exited, container.name), how_it_ended(container)});
    }
    return say(k_odd_state, container.name, shown(state));
}

Trouble trouble_of(const DockerContainer& container, const DockerSettings& settings, std::int64_t restarts) {
    Trouble trouble;
    trouble.name = container.name;
    trouble.words = state_words(container, settings);
    trouble.status = trouble.words.empty() ? Status::ok : Status::critical;
    if (container.health == "unhealthy") {
        trouble.evidence = shown(container.health_output);
    }
    if (restarts > 0) {
        const Text counted_words = say(k_restarted, container.name, counted(restarts, k_times));
        trouble.words = join("; ", {trouble.words, counted_words});
        trouble.status = worst(trouble.status, Status::warning);
    }
    return trouble;
}

Text words_of(const std::vector<Trouble>& troubles) {
    Text words;
    for (std::size_t i = 0; i < std::min(troubles.size(), k_shown_troubles); ++i) {
        words = join("; ", {words, troubles[i].words});
    }
    return troubles.size() > k_shown_troubles ? say(k_and_more, words, troubles.size() - k_shown_troubles)
                                              : words;
}

std::vector<Trouble> troubles_of(const DockerSample& sample, const DockerSettings& settings, const Now& now,
                                 const Memory& before, Memory& after) {
    std::vector<Trouble> troubles;
    for (const std::string& name : sample.missing) {
        troubles.push_back({Status::critical, say(k_missing, name), {}, {}});
    }
    for (const DockerContainer& container : sample.containers) {
        Trouble trouble = trouble_of(container, settings, recent_restarts(container, now, before, after));
        if (trouble.status != Status::ok) {
            troubles.push_back(std::move(trouble));
        }
    }
    std::stable_sort(troubles.begin(), troubles.end(), [](const Trouble& a, const Trouble& b) {
        return a.status == Status::critical && b.status != Status::critical;
    });
    return troubles;
}

// ── asking ──────────────────────────────────────────────────────────────────────────────────────────────────────

class DockerCheck final : public AsyncCheck {
  public:
    explicit DockerCheck(DockerSettings settings) : m_settings(std::move(settings)) {}

    Task<CheckResult> run(const CheckContext& context) const override {
        DockerQuestion question{m_settings.socket, m_settings.containers, m_settings.project,
                                m_settings.timeout};
        DockerAnswers answers = co_await ask_docker(context.world, std::move(question));
        DockerSample sample{std::move(answers.failure), std::move(answers.missing), {}};
        for (const std::string& body : answers.containers) {
            if (std::optional<DockerContainer> container = container_of(body)) {
                sample.containers.push_back(std::move(*container));
            } else {
                sample.failure = docker_not_understood();
            }
        }
        co_return evaluate_docker(sample, m_settings, context.now, context.memory);
    }

  private:
    DockerSettings m_settings;
};

} // namespace

std::optional<DockerContainer> container_of(std::string_view text) {
    const Json json = json_within_depth(text);
    const Json* state = member(&json, "State");
    const Json* health = member(state, "Health");
    DockerContainer container;
    container.id = text_of(member(&json, "Id"));
    container.name = text_of(member(&json, "Name"));
    container.state = text_of(member(state, "Status"));
    if (!is_container_id(container.id) || container.name.empty() || container.state.empty()) {
        return std::nullopt;
    }
    container.name = shown(container.name.substr(container.name.front() == '/' ? 1 : 0));
    container.health = text_of(member(health, "Status"));
    container.health_output = last_health_output(health);
    container.error = text_of(member(state, "Error"));
    container.exit_code = number_of(member(state, "ExitCode"));
    container.restarts =
        std::clamp<std::int64_t>(number_of(member(&json, "RestartCount")), 0, k_most_restarts);
    const Json* oom = member(state, "OOMKilled");
    container.oom_killed = oom != nullptr && oom->is_boolean() && oom->get<bool>();
    container.policy = text_of(member(member(member(&json, "HostConfig"), "RestartPolicy"), "Name"));
    return container;
}

CheckResult evaluate_docker(const DockerSample& sample, const DockerSettings& settings, const Now& now,
                            const std::map<std::string, std::string>& memory) {
    if (sample.failure) {
        CheckResult result = *sample.failure;
        result.memory = memory;
        return result;
    }
    CheckResult result;
    const std::vector<Trouble> troubles = troubles_of(sample, settings, now, memory, result.memory);
    const auto running = std::count_if(sample.containers.begin(), sample.containers.end(),
                                       [](const DockerContainer& one) { return one.state == "running"; });
    result.metrics.push_back({"running", static_cast<double>(running), "", {}, {}});
    if (sample.containers.empty() && sample.missing.empty()) {
        result.status = Status::critical;
        result.message = say(k_empty_project, settings.project);
        return result;
    }
    if (troubles.empty()) {
        result.status = Status::ok;
        result.message = say(k_all_run, counted(running, k_containers));
        return result;
    }
    const Trouble& first = troubles.front();
    result.status = first.status;
    result.message = words_of(troubles);
    result.evidence = first.evidence;
    if (!first.name.empty()) {
        result.hint = verbatim("docker logs --tail 50 " + first.name);
    }
    // It runs; what makes it fall is not mended by one more restart.
    result.remedy = result.status == Status::warning ? Remedy::cannot_help : Remedy::try_it;
    return result;
}

CheckType docker_check_type() {
    return make_check_type<docker_schema, DockerCheck>("docker", Layer::unit, Recheck::yes,
                                                       "containers run, are healthy and are not restarted");
}

} // namespace lectio
