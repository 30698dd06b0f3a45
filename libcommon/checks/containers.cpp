#include "checks/containers.h"

#include "checks/findings.h"
#include "config/complaints.h"
#include "util/json_depth.h"
#include "util/json_members.h"
#include "util/network.h"
#include "util/secret.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;
using Must = ContainersSettings::Must;
using Findings = std::vector<Finding>;

constexpr std::size_t k_shown_characters = 120;
constexpr Duration k_timeout{5'000};

constexpr Noun k_containers{"container", "containers", "контейнер", "контейнера", "контейнеров"};
constexpr Phrase k_all_good{"{}, nothing found", "{}, замечаний нет"};
constexpr Phrase k_none{"there are no containers to look at", "контейнеров нет, смотреть не на что"};
constexpr Phrase k_root{"{} runs as root", "{} работает от root"};
constexpr Phrase k_why_root{
    "a hole in the application gives root in the container, and from there often on the host",
    "дыра в приложении даёт root в контейнере, а оттуда часто и на сервере"};
constexpr std::string_view k_mend_root = "Dockerfile: USER app";
constexpr Phrase k_no_restart{"{} is not restarted when it falls", "{} не перезапускается, если упадёт"};
constexpr Phrase k_why_restart{"after a crash or a reboot it stays down until somebody notices",
                               "после падения или перезагрузки он будет лежать, пока кто-нибудь не заметит"};
constexpr std::string_view k_mend_restart = "compose.yaml: restart: unless-stopped";
constexpr Phrase k_no_limit{"{} has no memory limit", "у {} нет предела памяти"};
constexpr Phrase k_why_limit{"when it leaks, the kernel kills whatever is largest: perhaps the database",
                             "если он потечёт, ядро убьёт самый большой процесс: возможно, базу данных"};
constexpr std::string_view k_mend_limit = "compose.yaml: mem_limit: 512m";
constexpr Phrase k_no_healthcheck{"{} has no health check", "у {} нет проверки здоровья"};
constexpr Phrase k_why_healthcheck{"when it hangs, Docker takes it for well",
                                   "если он зависнет, Docker этого не увидит"};
constexpr std::string_view k_mend_healthcheck = "compose.yaml: healthcheck: { test: [\"CMD\", …] }";
constexpr Phrase k_published{"{} publishes {} on {}", "{} открывает {} на {}"};
constexpr Phrase k_all_addresses{"all addresses", "всех адресах"};
constexpr Phrase k_why_published{"Docker opens it past ufw: the whole internet can try passwords there",
                                 "Docker открывает его в обход ufw: подбирать пароли может весь интернет"};
constexpr Phrase k_mend_published{"compose.yaml: ports: [\"127.0.0.1:{0}:{0}\"], or none at all",
                                  "compose.yaml: ports: [\"127.0.0.1:{0}:{0}\"] или без ports совсем"};
constexpr Phrase k_development{"{} runs a development server: {}", "{} запущен сервером для разработки: {}"};
constexpr Phrase k_why_development{"it serves one request at a time and shows its source when it fails",
                                   "он обслуживает по одному запросу и при ошибке показывает исходный код"};
constexpr Phrase k_mend_development{"command: gunicorn … ; uvicorn without --reload",
                                    "command: gunicorn … ; uvicorn без --reload"};
constexpr Phrase k_privileged{"{} is privileged", "{} запущен с полными правами (privileged)"};
constexpr Phrase k_socket{"{} holds Docker's socket", "в {} проброшен сокет Docker"};
constexpr Phrase k_why_host{"whoever gets into it has the whole host",
                            "кто в него проникнет, получит весь сервер"};
constexpr Phrase k_mend_privileged{
    "compose.yaml: remove privileged: true, add the capabilities that it needs",
    "compose.yaml: уберите privileged: true, добавьте нужные capabilities"};
constexpr Phrase k_mend_socket{"compose.yaml: remove /var/run/docker.sock from volumes",
                               "compose.yaml: уберите /var/run/docker.sock из volumes"};
constexpr Phrase k_host_root{"{} holds the whole file system of the host",
                             "в {} проброшена вся файловая система сервера"};
constexpr Phrase k_mend_host_root{"compose.yaml: mount the folders that it needs, not /",
                                  "compose.yaml: пробросьте нужные папки, а не /"};
constexpr Phrase k_host_processes{"{} sees the processes of the host", "{} видит процессы сервера"};
constexpr Phrase k_mend_host_processes{"compose.yaml: remove pid: host", "compose.yaml: уберите pid: host"};
constexpr Phrase k_capability{"{} has {}", "у {} есть {}"};
constexpr Phrase k_mend_capability{"compose.yaml: remove {} from cap_add",
                                   "compose.yaml: уберите {} из cap_add"};
constexpr Phrase k_no_name{"expected a name of Docker's: letters, digits, _ . -",
                           "ожидается имя, как в Docker: латинские буквы, цифры, _ . -"};

std::optional<Text> project_complaint(const std::string& text) {
    constexpr std::string_view k_allowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    return text.find_first_not_of(k_allowed) == std::string::npos ? std::nullopt
                                                                  : std::optional(say(k_no_name));
}

const Schema<ContainersSettings>& containers_schema() {
    static const Schema<ContainersSettings> schema{
        optional("socket", &ContainersSettings::socket, "of the Docker API"),
        optional("project", &ContainersSettings::project, "the Compose project; empty: all containers")
            .check(project_complaint),
        optional("require", &ContainersSettings::require, "what every container must have")
            .one_of({{"non-root", Must::non_root},
                     {"restart", Must::restart},
                     {"memory-limit", Must::memory_limit},
                     {"healthcheck", Must::healthcheck}}),
        optional("published", &ContainersSettings::published, "ports that may be published")
            .check(published_complaint),
    };
    return schema;
}

// ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────

std::string shown(const std::string& text) {
    return shorten(redact(clean_line(text)), k_shown_characters);
}

const Json* list_in(const Json& object, const char* key) {
    const auto found = object.is_object() ? object.find(key) : object.end();
    return object.is_object() && found != object.end() && found->is_array() ? &*found : nullptr;
}

std::string words_in(const Json& object, const char* key) {
    std::string words;
    if (const Json* list = list_in(object, key)) {
        for (const Json& word : *list) {
            words +=
                (words.empty() ? "" : " ") + (word.is_string() ? word.get<std::string>() : std::string());
        }
    }
    return words;
}

// Binds: "/var/run/docker.sock:/x:ro"; Mounts, of the long syntax and of everything that is mounted: {"Source": "/x"}.
std::vector<std::string> sources_in(const Json& json) {
    std::vector<std::string> sources;
    const Json host = object_of(json, "HostConfig");
    for (const Json* list : {list_in(json, "Mounts"), list_in(host, "Mounts"), list_in(host, "Binds")}) {
        for (const Json& one : list != nullptr ? *list : Json::array()) {
            const std::string source = one.is_string() ? one.get<std::string>() : text_of(one, "Source");
            sources.push_back(source.substr(0, one.is_string() ? source.find(':') : source.npos));
        }
    }
    return sources;
}

// What opens the host to who has it (capabilities(7)).
bool opens_host(std::string_view capability) {
    constexpr std::array<std::string_view, 6> k_open{"ALL",        "SYS_ADMIN", "SYS_MODULE",
                                                     "SYS_PTRACE", "SYS_RAWIO", "DAC_READ_SEARCH"};
    capability.remove_prefix(capability.starts_with("CAP_") ? 4 : 0);
    return std::find(k_open.begin(), k_open.end(), capability) != k_open.end();
}

// {"5432/tcp": [{"HostIp": "0.0.0.0", "HostPort": "5432"}], "80/tcp": null}
std::vector<ContainerSetup::Published> published_in(const Json& ports) {
    std::vector<ContainerSetup::Published> published;
    for (const auto& [inside, bindings] : ports.items()) {
        if (!bindings.is_array()) {
            continue;
        }
        const std::size_t slash = inside.find('/');
        const std::string protocol = slash == std::string::npos ? "/tcp" : inside.substr(slash);
        for (const Json& binding : bindings) {
            const std::string port = text_of(binding, "HostPort");
            published.push_back(
                {shown(text_of(binding, "HostIp")), shown((port.empty() ? "?" : port) + protocol)});
        }
    }
    return published;
}

bool has_healthcheck(const Json& config) {
    const Json healthcheck = object_of(config, "Healthcheck");
    const Json* test = list_in(healthcheck, "Test");
    // ["NONE"] switches off what the image brings (Dockerfile reference, HEALTHCHECK).
    return test != nullptr && !test->empty() && test->front() != "NONE";
}

// ── judging ─────────────────────────────────────────────────────────────────────────────────────────────────────────

bool is_root(const std::string& user) {
    const std::string name = user.substr(0, user.find(':'));
    return name.empty() || name == "root" || name == "0";
}

void find_missing(const ContainerSetup& one, const ContainersSettings& settings, Findings& findings) {
    for (const Must must : settings.require) {
        if (must == Must::non_root && is_root(one.user)) {
            findings.push_back(
                {Status::warning, say(k_root, one.name), say(k_why_root), verbatim(k_mend_root)});
        } else if (must == Must::restart && (one.restart_policy.empty() || one.restart_policy == "no")) {
            findings.push_back(
                {Status::warning, say(k_no_restart, one.name), say(k_why_restart), verbatim(k_mend_restart)});
        } else if (must == Must::memory_limit && one.memory_limit <= 0) {
            findings.push_back(
                {Status::warning, say(k_no_limit, one.name), say(k_why_limit), verbatim(k_mend_limit)});
        } else if (must == Must::healthcheck && !one.healthcheck) {
            findings.push_back({Status::warning, say(k_no_healthcheck, one.name), say(k_why_healthcheck),
                                verbatim(k_mend_healthcheck)});
        }
    }
}

bool may_be_published(const ContainerSetup::Published& port, const ContainersSettings& settings) {
    static const std::optional<Network> v4 = Network::parse("127.0.0.0/8");
    const bool own = port.address == "::1" || v4->contains(port.address);
    return own ||
           std::any_of(settings.published.begin(), settings.published.end(), [&](const std::string& allowed) {
               return port.port == (allowed.find('/') == std::string::npos ? allowed + "/tcp" : allowed);
           });
}

void find_published(const ContainerSetup& one, const ContainersSettings& settings, Findings& findings) {
    std::vector<std::string> told; // IPv4 and IPv6 are one
    for (const ContainerSetup::Published& port : one.published) {
        const bool again = std::find(told.begin(), told.end(), port.port) != told.end();
        if (again || may_be_published(port, settings)) {
            continue;
        }
        told.push_back(port.port);
        const bool everywhere = port.address.empty() || port.address == "0.0.0.0" || port.address == "::";
        findings.push_back({Status::warning,
                            say(k_published, one.name, port.port,
                                everywhere ? say(k_all_addresses) : verbatim(port.address)),
                            say(k_why_published),
                            say(k_mend_published, port.port.substr(0, port.port.find('/')))});
    }
}

void find_dangers(const ContainerSetup& one, Findings& findings) {
    const bool development = one.command.find("manage.py runserver") != std::string::npos ||
                             one.command.find("--reload") != std::string::npos ||
                             one.command.find("flask run") != std::string::npos;
    if (development) {
        findings.push_back({Status::warning, say(k_development, one.name, one.command),
                            say(k_why_development), say(k_mend_development)});
    }
    if (one.privileged) {
        findings.push_back(
            {Status::warning, say(k_privileged, one.name), say(k_why_host), say(k_mend_privileged)});
    }
    if (one.holds_docker_socket) {
        findings.push_back({Status::warning, say(k_socket, one.name), say(k_why_host), say(k_mend_socket)});
    }
    if (one.holds_host_root) {
        findings.push_back(
            {Status::warning, say(k_host_root, one.name), say(k_why_host), say(k_mend_host_root)});
    }
    if (one.sees_host_processes) {
        findings.push_back(
            {Status::warning, say(k_host_processes, one.name), say(k_why_host), say(k_mend_host_processes)});
    }
    for (const std::string& capability : one.capabilities) {
        if (opens_host(capability)) {
            findings.push_back({Status::warning, say(k_capability, one.name, capability), say(k_why_host),
                                say(k_mend_capability, capability)});
        }
    }
}

class ContainersCheck final : public AsyncCheck {
  public:
    explicit ContainersCheck(ContainersSettings settings) : m_settings(std::move(settings)) {}

    Task<CheckResult> run(const CheckContext& context) const override {
        DockerQuestion question{m_settings.socket, {}, m_settings.project, k_timeout};
        DockerAnswers answers = co_await ask_docker(context.world, std::move(question));
        if (answers.failure) {
            co_return *std::move(answers.failure);
        }
        std::vector<ContainerSetup> containers;
        for (const std::string& body : answers.containers) {
            std::optional<ContainerSetup> setup = container_setup_of(body);
            if (!setup) {
                co_return docker_not_understood();
            }
            containers.push_back(*std::move(setup));
        }
        co_return evaluate_containers(containers, m_settings);
    }

  private:
    ContainersSettings m_settings;
};

} // namespace

std::optional<ContainerSetup> container_setup_of(std::string_view text) {
    const Json json = json_within_depth(text);
    const Json config = object_of(json, "Config");
    const Json host = object_of(json, "HostConfig");
    const Json state = object_of(json, "State");
    const std::string name = text_of(json, "Name");
    if (name.empty() || !is_container_id(text_of(json, "Id")) || config.empty()) {
        return std::nullopt;
    }
    ContainerSetup setup;
    setup.name = shown(name.substr(name.front() == '/' ? 1 : 0));
    setup.user = text_of(config, "User");
    setup.restart_policy = text_of(object_of(host, "RestartPolicy"), "Name");
    setup.memory_limit = integer_of(host, "Memory");
    setup.healthcheck = has_healthcheck(config);
    setup.privileged = flag_of(host, "Privileged");
    for (const std::string& source : sources_in(json)) {
        setup.holds_docker_socket = setup.holds_docker_socket || source.ends_with("docker.sock");
        setup.holds_host_root = setup.holds_host_root || source == "/";
    }
    setup.sees_host_processes = text_of(host, "PidMode") == "host";
    for (const Json* added = list_in(host, "CapAdd");
         const Json& one : added != nullptr ? *added : Json::array()) {
        setup.capabilities.push_back(shown(one.is_string() ? one.get<std::string>() : ""));
    }
    setup.command = shown(words_in(config, "Entrypoint") + " " + words_in(config, "Cmd"));
    // With PublishAllPorts, and for ports that the kernel chose, only what runs tells which.
    const Json in_use = object_of(object_of(json, "NetworkSettings"), "Ports");
    setup.published = published_in(in_use.empty() ? object_of(host, "PortBindings") : in_use);
    const bool meant_to_end = setup.restart_policy.empty() || setup.restart_policy == "no";
    setup.job = text_of(state, "Status") == "exited" && integer_of(state, "ExitCode") == 0 && meant_to_end;
    return setup;
}

CheckResult evaluate_containers(const std::vector<ContainerSetup>& containers,
                                const ContainersSettings& settings) {
    Findings findings;
    std::int64_t looked_at = 0;
    for (const ContainerSetup& one : containers) {
        if (!one.job) {
            ++looked_at;
            find_missing(one, settings, findings);
            find_published(one, settings, findings);
            find_dangers(one, findings);
        }
    }
    if (looked_at == 0) {
        CheckResult result;
        result.message = say(k_none);
        return result;
    }
    return result_of(std::move(findings), say(k_all_good, counted(looked_at, k_containers)));
}

CheckType containers_check_type() {
    return make_check_type<containers_schema, ContainersCheck>("containers", Layer::unit, Recheck::no,
                                                               "containers are set up as they should be");
}

} // namespace lectio
