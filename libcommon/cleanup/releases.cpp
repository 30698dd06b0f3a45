#include "cleanup/releases.h"

#include "cli/exit_code.h"
#include "config/config.h"
#include "platform/processes.h"
#include "util/text.h"
#include "words/error_words.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace lectio::cleanup {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_to_list = 1min;
constexpr Duration k_to_tidy = 10min;

constexpr Phrase k_deploy_running{"a deploy is under way", "идёт выкладка"};
constexpr Phrase k_odd{"lectio-deploy has left with {}", "lectio-deploy завершился с кодом {}"};
constexpr Phrase k_odd_because{"lectio-deploy has left with {}: {}",
                               "lectio-deploy завершился с кодом {}: {}"};

struct Answer {
    int status = 0;
    nlohmann::json report;
};

// An Error: it could not be started, or did not end.
Result<Answer> ask(const std::string& program, const std::vector<std::string>& words, Duration timeout,
                   Sweep& sweep) {
    ProcessRequest request;
    request.command = {program, "--config", std::filesystem::absolute(sweep.config.file).string(), "--format",
                       "json"};
    request.command.insert(request.command.end(), words.begin(), words.end());
    request.timeout = timeout;
    request.max_output = 1_MB;
    const Result<ProcessAnswer> answer = sweep.world.processes.run(request);
    LECTIO_TRY(answer);
    if (answer->timed_out || !answer->exit_status) {
        return Error{ErrorKind::timeout, "unable to wait for lectio-deploy: no time left"};
    }
    return Answer{*answer->exit_status, nlohmann::json::parse(answer->out, nullptr, false)};
}

std::map<std::string, std::uint64_t> sizes_of(const Result<Answer>& list) {
    std::map<std::string, std::uint64_t> sizes;
    if (list && list->report.is_object()) {
        for (const nlohmann::json& release : list->report.value("releases", nlohmann::json::array())) {
            if (release.is_object()) {
                sizes[release.value("id", "")] = release.value("size", std::uint64_t{0});
            }
        }
    }
    return sizes;
}

Text reason_of(const Answer& answer) {
    const std::string why = answer.report.is_object() ? answer.report.value("reason", "") : std::string();
    return why.empty() ? say(k_odd, answer.status) : say(k_odd_because, answer.status, clean_line(why));
}

} // namespace

void tidy_releases(const std::string& program, Sweep& sweep) {
    const DeploySettings& deploy = sweep.config.deploy;
    if (!deploy.frontend && !deploy.backend) {
        return;
    }
    const bool is_real = sweep.effect == Sweep::Effect::real;
    const std::map<std::string, std::uint64_t> sizes = sizes_of(ask(program, {"list"}, k_to_list, sweep));
    const std::vector<std::string> words =
        is_real ? std::vector<std::string>{"cleanup"} : std::vector<std::string>{"cleanup", "--dry-run"};
    const Result<Answer> tidied = ask(program, words, k_to_tidy, sweep);
    if (!tidied || tidied->status != 0 || !tidied->report.is_object()) {
        const bool busy = tidied && tidied->status == static_cast<int>(ExitCode::locked);
        Deed deed{"releases", "lectio-deploy cleanup"};
        deed.end = busy ? Deed::End::left : Deed::End::failed;
        deed.words = busy     ? say(k_deploy_running)
                     : tidied ? reason_of(*tidied)
                              : error_words(tidied.error().message);
        sweep.deeds.push_back(std::move(deed));
        return;
    }
    for (const nlohmann::json& id :
         tidied->report.value(is_real ? "removed" : "would_remove", nlohmann::json::array())) {
        const std::string name = id.is_string() ? clean_line(id.get<std::string>()) : std::string();
        const auto size = sizes.find(name);
        sweep.deeds.push_back({"releases",
                               name,
                               Bytes{size == sizes.end() ? 0 : size->second},
                               is_real ? Deed::End::done : Deed::End::shown,
                               {}});
    }
}

} // namespace lectio::cleanup
