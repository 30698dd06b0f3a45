#include "checks/docker_api.h"

#include "checks/http_words.h"
#include "platform/clock.h"
#include "platform/http_failure.h"
#include "util/json_depth.h"
#include "util/json_members.h"
#include "util/percent.h"
#include "util/secret.h"
#include "util/text.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using Json = nlohmann::json;
using Texts = std::vector<std::string>;

constexpr std::size_t k_most_containers = 200; // of a project; more are not asked one by one
constexpr Bytes k_largest_answer = 8_MB;       // a list of some thousand containers
constexpr std::size_t k_shown_characters = 120;

constexpr Phrase k_no_docker{"Docker does not answer: {}", "Docker не отвечает: {}"};
constexpr Phrase k_no_rights{"no right to ask Docker at {}", "нет прав обращаться к Docker через {}"};
constexpr Phrase k_bad_status{"Docker answers HTTP {}: {}", "Docker отвечает HTTP {}: {}"};
constexpr Phrase k_not_understood{"the answer of Docker cannot be understood",
                                  "ответ Docker не удаётся понять"};
constexpr Phrase k_docker_hint{"look: systemctl status docker; journalctl -u docker -n 50 --no-pager",
                               "посмотреть: systemctl status docker; journalctl -u docker -n 50 --no-pager"};

CheckResult failed(Status status, Text message) {
    CheckResult result;
    result.status = status;
    result.message = std::move(message);
    result.hint = say(k_docker_hint);
    return result;
}

CheckResult judge_answer_failure(const HttpAnswer& answer, const DockerQuestion& question) {
    if (answer.detail.find("Permission denied") != std::string::npos) {
        return failed(Status::unknown, say(k_no_rights, question.socket.string()));
    }
    const bool ours = answer.failure == HttpAnswer::Failure::own_fault;
    return failed(ours ? Status::unknown : Status::critical,
                  say(k_no_docker, http_failure_words(answer, question.socket.string())));
}

// What is wrong with the answer as such; nothing for 200.
std::optional<CheckResult> wrong_answer(const HttpAnswer& answer, const DockerQuestion& question) {
    if (answer.failure != HttpAnswer::Failure::none) {
        return judge_answer_failure(answer, question);
    }
    if (answer.status != 200) {
        const std::string message = text_of(json_within_depth(answer.body), "message");
        return failed(Status::critical,
                      say(k_bad_status, answer.status,
                          message.empty() ? excerpt(answer.body)
                                          : shorten(redact(clean_line(message)), k_shown_characters)));
    }
    return std::nullopt;
}

HttpRequest request(const DockerQuestion& question, const std::string& path, Duration timeout) {
    HttpRequest request;
    request.url = "unix:" + question.socket.string() + ":" + path;
    request.follow = false;
    request.max_body = k_largest_answer;
    request.timeout = timeout;
    return request;
}

HttpRequest list_request(const DockerQuestion& question) {
    if (question.project.empty()) {
        return request(question, "/containers/json", question.timeout); // those that run
    }
    const Json filters{{"label", {"com.docker.compose.project=" + question.project}}};
    return request(question, "/containers/json?all=1&filters=" + percent_encoded(filters.dump()),
                   question.timeout);
}

Texts ids_in(const HttpAnswer& list, const DockerQuestion& question, DockerAnswers& answers) {
    answers.failure = wrong_answer(list, question);
    std::optional<Texts> ids = answers.failure ? Texts{} : container_ids(list.body);
    if (!ids) {
        answers.failure = docker_not_understood();
        return {};
    }
    ids->resize(std::min(ids->size(), k_most_containers));
    return *ids;
}

void add(HttpAnswer answer, const std::string& wanted, const DockerQuestion& question,
         DockerAnswers& answers) {
    const bool gone = answer.failure == HttpAnswer::Failure::none && answer.status == 404;
    if (gone && !question.containers.empty()) {
        answers.missing.push_back(wanted);
    }
    if (gone) {
        return; // of a list: removed since it was made
    }
    answers.failure = wrong_answer(answer, question);
    if (!answers.failure) {
        answers.containers.push_back(std::move(answer.body));
    }
}

} // namespace

Task<DockerAnswers> ask_docker(World world, DockerQuestion question) {
    DockerAnswers answers;
    const SteadyTime deadline = world.clock.steady() + question.timeout;
    Texts wanted = question.containers;
    if (question.containers.empty()) {
        const HttpAnswer list = co_await fetch(world.http, list_request(question));
        wanted = ids_in(list, question, answers);
    }
    const auto left = std::chrono::ceil<Duration>(deadline - world.clock.steady());
    std::vector<HttpRequest> requests;
    for (const std::string& container : wanted) {
        requests.push_back(
            request(question, "/containers/" + container + "/json", std::max(left, Duration(1))));
    }
    std::vector<HttpAnswer> inspected = co_await fetch_all(world.http, std::move(requests));
    for (std::size_t i = 0; i < inspected.size() && !answers.failure; ++i) {
        add(std::move(inspected[i]), wanted[i], question, answers);
    }
    co_return answers;
}

CheckResult docker_not_understood() {
    return failed(Status::critical, say(k_not_understood));
}

bool is_container_id(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::optional<Texts> container_ids(std::string_view text) {
    const Json json = json_within_depth(text);
    if (!json.is_array()) {
        return std::nullopt;
    }
    Texts ids;
    for (const Json& item : json) {
        const std::string id = text_of(item, "Id");
        if (!is_container_id(id)) {
            return std::nullopt;
        }
        const bool by_hand = text_of(object_of(item, "Labels"), "com.docker.compose.oneoff") == "True";
        if (!by_hand) {
            ids.push_back(id);
        }
    }
    return ids;
}

} // namespace lectio
