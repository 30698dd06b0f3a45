#include "release/configured_gate.h"

#include "checks/all_checks.h"
#include "checks/frontend.h"
#include "checks/http.h"
#include "checks/log.h"
#include "platform/ask_now.h"
#include "platform/stop.h"
#include "release/frontend_checks.h"
#include "smoke/job.h"
#include "util/text.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

namespace lectio::release {
namespace {

constexpr Duration k_recheck{1000};
constexpr std::string_view k_walk = "smoke";

constexpr Phrase k_unknown_check{"deploy.gate names a check that there is not",
                                 "deploy.gate называет проверку, которой нет"};
constexpr Phrase k_not_set{"not asked: {}", "не спрашивается: {}"};
constexpr Phrase k_no_steps{
    "deploy.gate.smoke asks for the walk of lectio-smoke, and there is not one step that could be asked",
    "deploy.gate.smoke требует прогон lectio-smoke, а спрашивать нечего: нет ни одного шага"};
constexpr Phrase k_no_steps_hint{"write down [[smoke.step]], or take smoke out of deploy.gate",
                                 "опишите [[smoke.step]] или уберите smoke из deploy.gate"};

constexpr Phrase k_no_access_log{"deploy.gate.errors has no access log to count in",
                                 "deploy.gate.errors не по чему считать: нет журнала доступа"};
constexpr Phrase k_no_access_log_hint{
    "add a check of type log with format = \"nginx-access\", or take errors out of deploy.gate",
    "добавьте проверку типа log с format = \"nginx-access\" или уберите errors из deploy.gate"};
constexpr Phrase k_no_way{"no check of type http or frontend says where visitors ask",
                          "ни одна проверка типа http или frontend не говорит, куда обращаются посетители"};
constexpr Phrase k_no_page{"{} answers {} without it", "{} отвечает {} без неё"};
constexpr Phrase k_page_with_other_status{"{} shows it with status {} instead of 503",
                                          "{} показывает её с кодом {} вместо 503"};

struct Address {
    std::string tool, check;
};

Address address_of(const std::string& name) { // "api" is health's (CONTRACT 8)
    const std::size_t slash = name.find('/');
    return slash == std::string::npos ? Address{"health", name}
                                      : Address{name.substr(0, slash), name.substr(slash + 1)};
}

const CheckSettings* find_check(const Config& config, const Address& address) {
    static const std::vector<CheckSettings> k_none;
    const std::vector<CheckSettings>& checks = address.tool == "health"      ? config.health.checks
                                               : address.tool == "deepcheck" ? config.deepcheck.checks
                                                                             : k_none;
    const auto found = std::find_if(checks.begin(), checks.end(),
                                    [&](const CheckSettings& check) { return check.name == address.check; });
    return found == checks.end() ? nullptr : &*found;
}

// "https://site.example", in lower case.
std::string origin_of(std::string_view url) {
    const std::size_t scheme = url.find("://");
    const std::size_t end =
        scheme == std::string_view::npos ? url.size() : url.find_first_of("/?#", scheme + 3);
    return to_lower_ascii(url.substr(0, end));
}

// Those that the configuration's own checks read.
std::vector<Path> access_logs_of(const Config& config) {
    std::set<Path> logs;
    for (const std::vector<CheckSettings>* checks : {&config.health.checks, &config.deepcheck.checks}) {
        for (const CheckSettings& check : *checks) {
            if (check.type != "log" || check.settings == nullptr || !check.unset.empty()) {
                continue;
            }
            const auto* settings = static_cast<const LogCheckSettings*>(check.settings.get());
            if (settings->format == LogCheckSettings::Format::nginx_access) {
                logs.insert(settings->path);
            }
        }
    }
    return {logs.begin(), logs.end()};
}

bool fails(Status status) {
    return status == Status::critical || status == Status::unknown;
}

Seen seen_of(const std::string& prefix, const CheckRun& run) {
    return {prefix + run.name, run.result.status, run.result.message, run.result.hint};
}

// One walk of lectio-smoke: what fails is asked again from the start on, with what was skipped behind it (decision
// 0022); and what could be asked only then, and failed, once more.
class WalkOnce {
  public:
    WalkOnce(const LoadedConfig& loaded, World world)
        : m_world(world), m_end(world.clock.steady() + loaded.config.smoke.deadline),
          m_job(smoke::make_job(
              loaded, world,
              std::make_shared<Trip>(std::make_shared<const SmokeSettings>(loaded.config.smoke)))),
          m_runner(world, checks_of(m_job), m_job.paths.state) {}

    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> names;
        for (const JobCheck& check : m_job.checks) {
            names.push_back(std::string(k_walk) + "/" + check.policy.name);
        }
        return names;
    }

    Look walk() {
        m_runs = m_runner.run(m_end);
        const std::set<std::string> skipped = those([](Status status) { return status == Status::skipped; });
        const std::set<std::string> failed = those(fails);
        if (!failed.empty() && has_time()) {
            std::set<std::string> again = failed;
            again.insert(skipped.begin(), skipped.end());
            ask_again(again);
            std::set<std::string> woken = those(fails);
            std::erase_if(woken, [&](const std::string& name) { return !skipped.contains(name); });
            if (!woken.empty() && has_time()) {
                ask_again(woken);
            }
        }
        return look();
    }

  private:
    static std::vector<CheckToRun> checks_of(const Job& job) {
        std::vector<CheckToRun> checks;
        for (const JobCheck& check : job.checks) {
            checks.push_back({check.policy.name, check.check, {}});
        }
        return checks;
    }

    template<class Chosen>
    [[nodiscard]] std::set<std::string> those(const Chosen& chosen) const {
        std::set<std::string> names;
        for (const CheckRun& run : m_runs) {
            if (chosen(run.result.status)) {
                names.insert(run.name);
            }
        }
        return names;
    }

    [[nodiscard]] bool has_time() const {
        return !stop_requested() && m_world.clock.steady() + k_recheck < m_end;
    }

    void ask_again(const std::set<std::string>& names) {
        sleep_unless_stopped(m_world.clock, m_world.clock.steady() + k_recheck);
        for (CheckRun& again : m_runner.run_again({names.begin(), names.end()}, m_end)) {
            const auto first = std::find_if(m_runs.begin(), m_runs.end(),
                                            [&](const CheckRun& run) { return run.name == again.name; });
            *first = std::move(again);
        }
    }

    [[nodiscard]] Look look() const {
        const std::string prefix = std::string(k_walk) + "/";
        Look look;
        for (const CheckRun& run : m_runs) {
            look.checks.push_back(seen_of(prefix, run));
        }
        for (const ShelvedCheck& shelved : m_job.shelved) { // as lectio-smoke has it: said, and no failure
            look.checks.push_back({prefix + shelved.name, Status::skipped, shelved.reason});
        }
        return look;
    }

    World m_world;
    SteadyTime m_end;
    Job m_job;
    Runner m_runner;
    std::vector<CheckRun> m_runs;
};

} // namespace

ConfiguredGate::ConfiguredGate(const LoadedConfig& loaded, World world, const std::filesystem::path& site,
                               Walk walk)
    : m_loaded(loaded), m_world(world),
      m_has_walk(loaded.config.deploy.gate.smoke && walk == Walk::as_configured) {
    const GateSettings& settings = loaded.config.deploy.gate;
    if (settings.checks.empty() && !m_has_walk) {
        choose(site);
    }
    for (const std::string& name : settings.checks.empty() ? m_chosen : settings.checks) {
        add(name);
    }
    m_walked = m_has_walk ? WalkOnce(m_loaded, m_world).names() : std::vector<std::string>{};
    if (m_has_walk && m_walked.empty()) {
        m_unaskable.push_back({std::string(k_walk), Status::unknown, say(k_no_steps), say(k_no_steps_hint)});
    }
    if (settings.errors && access_logs_of(loaded.config).empty()) {
        m_unaskable.push_back({"errors", Status::unknown, say(k_no_access_log), say(k_no_access_log_hint)});
    }
    m_runner = std::make_unique<Runner>(m_world, m_checks, loaded.config.paths.state);
}

// What is served from the folder itself, and what else is asked of the same site.
void ConfiguredGate::choose(const std::filesystem::path& site) {
    std::set<std::string> origins;
    const std::vector<CheckSettings>& checks = m_loaded.config.health.checks;
    const auto can_be_asked = [](const CheckSettings& check) {
        return check.common.enabled && check.unset.empty() && check.settings != nullptr;
    };
    for (const auto& [check, settings] : frontend_checks_of(m_loaded.config, site)) {
        if (can_be_asked(*check)) {
            m_chosen.push_back(check->name);
            origins.insert(origin_of(settings->url));
        }
    }
    origins.erase("");
    for (const CheckSettings& check : checks) {
        if (can_be_asked(check) && check.type == "http" &&
            origins.contains(origin_of(static_cast<const HttpSettings*>(check.settings.get())->url))) {
            m_chosen.push_back(check.name);
        }
    }
}

void ConfiguredGate::add(const std::string& name) {
    const auto cannot = [&](Text why) { m_unaskable.push_back({name, Status::unknown, std::move(why)}); };
    const CheckSettings* check = find_check(m_loaded.config, address_of(name));
    if (check == nullptr) {
        return cannot(say(k_unknown_check));
    }
    if (!check->common.enabled) {
        m_switched_off.push_back(name);
        return;
    }
    if (!check->unset.empty()) {
        return cannot(say(k_not_set, unset_words(check->unset, m_loaded.config.wrong_variables)));
    }
    if (const CheckType* type = find_check_type(check->type)) {
        m_checks.push_back({name, type->make(check->settings.get()), {}});
    }
}

std::vector<std::string> ConfiguredGate::names() const {
    std::vector<std::string> names = m_walked;
    for (const CheckToRun& check : m_checks) {
        names.push_back(check.name);
    }
    return names;
}

Look ConfiguredGate::look(SteadyTime until) {
    Look look;
    for (const CheckRun& run : m_runner->run(until)) {
        look.checks.push_back(seen_of("", run));
    }
    look.checks.insert(look.checks.end(), m_unaskable.begin(), m_unaskable.end());
    return look;
}

void ConfiguredGate::begin_to_count() {
    if (m_loaded.config.deploy.gate.errors) {
        m_errors.emplace(m_world.files, access_logs_of(m_loaded.config)).begin();
    }
}

void ConfiguredGate::count_again() {
    if (m_errors) {
        m_errors->begin_again();
    }
}

std::optional<Text> ConfiguredGate::too_many_errors() {
    return m_errors ? release::too_many_errors(m_errors->before(), m_errors->since(),
                                               m_loaded.config.deploy.gate.errors->value)
                    : std::nullopt;
}

// What the gate asks of the site over HTTP, or health where the gate has nothing of the kind.
std::vector<HttpRequest> ConfiguredGate::ways_of_visitors() const {
    std::vector<HttpRequest> ways;
    const auto add_way = [&](const CheckSettings* check) {
        if (check == nullptr || check->settings == nullptr || !check->unset.empty()) {
            return;
        }
        HttpRequest way;
        if (check->type == "http") {
            way = http_request(*static_cast<const HttpSettings*>(check->settings.get()));
        } else if (check->type == "frontend") {
            const auto* settings = static_cast<const FrontendSettings*>(check->settings.get());
            way.url = settings->url;
            way.ca = settings->ca;
            way.resolve = settings->resolve;
        }
        if (way.url.starts_with("http")) { // a socket is no visitor's way
            ways.push_back(std::move(way));
        }
    };
    for (const CheckToRun& check : m_checks) {
        add_way(find_check(m_loaded.config, address_of(check.name)));
    }
    if (ways.empty()) {
        for (const CheckSettings& check : m_loaded.config.health.checks) {
            add_way(&check);
        }
    }
    return ways;
}

std::optional<Text> ConfiguredGate::unseen_page(std::string_view text, SteadyTime until) {
    constexpr int k_unavailable = 503; // RFC 9110, 15.6.4
    const std::vector<HttpRequest> ways = ways_of_visitors();
    if (ways.empty()) {
        return say(k_no_way);
    }
    for (;;) {
        std::optional<Text> first;
        for (const HttpRequest& way : ways) {
            const HttpAnswer answer = ask_now(m_world.http, m_world.clock, way, until);
            const bool is_there = answer.body.find(text) != std::string::npos;
            if (is_there && answer.status == k_unavailable) {
                return std::nullopt;
            }
            if (!first) {
                first = is_there ? say(k_page_with_other_status, way.url, answer.status)
                                 : say(k_no_page, way.url, answer.status);
            }
        }
        if (stop_requested() || m_world.clock.steady() + k_recheck >= until) {
            return first;
        }
        sleep_unless_stopped(m_world.clock, m_world.clock.steady() + k_recheck);
    }
}

Look ConfiguredGate::walk() {
    return WalkOnce(m_loaded, m_world).walk();
}

} // namespace lectio::release
