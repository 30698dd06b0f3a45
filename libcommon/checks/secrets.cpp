#include "checks/secrets.h"

#include "checks/findings.h"
#include "checks/http_expect.h"
#include "checks/http_words.h"
#include "checks/process.h"
#include "config/complaints.h"
#include "platform/http_url.h"
#include "platform/in_thread.h"
#include "util/secret.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lectio {
namespace {

using Findings = std::vector<Finding>;

constexpr Bytes k_largest_file = 1_MB;
constexpr mode_t k_everyone = 0004;
constexpr std::size_t k_shown_line = 60;
constexpr std::size_t k_most_processes = 64; // their workers have the environment of their master
constexpr const char* k_made_up_path = "/lectio-monitor-asks-for-what-nobody-has";

constexpr Phrase k_all_good{"nothing found", "замечаний нет"};
constexpr Phrase k_default{"a default secret in {}: {}", "секрет по умолчанию в {}: {}"};
constexpr Phrase k_default_process{"a default secret in the environment of process {} ({}): {}",
                                   "секрет по умолчанию в окружении процесса {} ({}): {}"};
constexpr Phrase k_why_default{
    "it stands in the source for everyone to read: whoever knows it signs in as anyone",
    "он есть в исходном коде у всех на виду: зная его, можно войти кем угодно"};
constexpr Phrase k_mend_default{"a new one: openssl rand -base64 48; then restart what uses it",
                                "новый: openssl rand -base64 48; затем перезапустите всё, что им пользуется"};
constexpr Phrase k_open_file{"{} can be read by everyone on this host (mode {:o})",
                             "{} может прочитать любой на этом сервере (права {:o})"};
constexpr Phrase k_why_open{"any program that runs here, a broken one too, gets the secrets in it",
                            "любая программа на сервере, взломанная тоже, получит секреты из него"};
constexpr Phrase k_no_file{"{} cannot be looked at: {}", "{} не посмотреть: {}"};
constexpr Phrase k_no_such_file{"there is no {}", "нет файла {}"};
constexpr Phrase k_mend_no_such_file{"correct `files`: the secrets of the application stand somewhere",
                                     "поправьте `files`: секреты приложения где-то лежат"};
constexpr Phrase k_why_no_file{"what is not seen is not checked", "что не видно, то не проверено"};
constexpr Phrase k_mend_no_file{"correct `files`, or run this check as root",
                                "поправьте `files` или запускайте проверку от root"};
constexpr Phrase k_reachable{"{}{} is served to everyone (HTTP {})", "{}{} отдаётся всем (HTTP {})"};
constexpr Phrase k_why_reachable{
    "machines ask every site for it, all day; what stood in it is known by now",
    "его круглые сутки запрашивают у всех сайтов подряд; считайте, что содержимое уже известно"};
constexpr Phrase k_mend_reachable{
    "nginx: location ~ /\\.(?!well-known/) {{ deny all; }} — then replace each secret that stood in it",
    "nginx: location ~ /\\.(?!well-known/) {{ deny all; }} — и замените все секреты, что там были"};
constexpr Phrase k_mend_served{
    "take it out of the folder that nginx serves (root), then replace each secret that stood in it",
    "уберите этот файл из папки, которую отдаёт nginx (root), и замените все секреты, что в нём были"};
constexpr Phrase k_cannot_look{"unable to look at the processes: {}", "не удалось посмотреть процессы: {}"};
constexpr Phrase k_nothing{"needs files, environments or url", "нужно files, environments или url"};

std::vector<Complaint> something(const SecretsSettings& settings) {
    if (settings.files.empty() && settings.environments.empty() && settings.url.empty()) {
        return {{"", say(k_nothing)}};
    }
    return {};
}

const Schema<SecretsSettings>& secrets_schema() {
    static const Schema<SecretsSettings> schema =
        Schema<SecretsSettings>{
            optional("files", &SecretsSettings::files, "files that hold secrets"),
            optional("values", &SecretsSettings::values, "texts that must not be a secret, nor in one"),
            optional("environments", &SecretsSettings::environments,
                     "processes whose environment is looked at: regular expressions over the command line")
                .check(pattern_complaint),
            optional("url", &SecretsSettings::url, "the site").check(web_url_complaint),
            optional("reachable", &SecretsSettings::reachable, "paths that must not answer")
                .check(request_path_complaint),
        }
            .verify(something);
    return schema;
}

// ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────────

std::vector<SecretsSample::File> read_files(Files& files, const std::vector<Path>& paths) {
    std::vector<SecretsSample::File> found;
    for (const Path& path : paths) {
        found.push_back({path, files.info(path, Files::Follow::yes), files.read(path, k_largest_file)});
    }
    return found;
}

Result<std::vector<SecretsSample::Environment>> read_environments(Host& host,
                                                                  const std::vector<std::string>& matches) {
    std::vector<SecretsSample::Environment> found;
    if (matches.empty()) {
        return found;
    }
    const Result<std::vector<ProcessInfo>> all = host.processes();
    LECTIO_TRY(all);
    for (const std::string& match : matches) {
        const Result<std::vector<ProcessInfo>> matching =
            matching_processes(*all, match, std::nullopt, host.self_pid());
        LECTIO_TRY(matching);
        for (const ProcessInfo& process : *matching) {
            Result<std::string> content = host.environment(process.pid);
            const bool gone = !content && content.error().kind == ErrorKind::not_found;
            if (!gone && found.size() < k_most_processes) {
                found.push_back({process.pid, shorten(redact(clean_line(process.command_line)), k_shown_line),
                                 std::move(content)});
            }
        }
    }
    return found;
}

struct Looked {
    std::vector<SecretsSample::File> files;
    Result<std::vector<SecretsSample::Environment>> environments;
};

// ── judging ─────────────────────────────────────────────────────────────────────────────────────────────────────

void find_in_files(const SecretsSample& sample, const SecretsSettings& settings, Findings& findings) {
    for (const SecretsSample::File& file : sample.files) {
        const std::string path = clean_line(file.path.string());
        if (!file.info || !file.content) {
            const Error& error = file.info ? file.content.error() : file.info.error();
            if (error.kind == ErrorKind::not_found) {
                findings.push_back({Status::warning, say(k_no_such_file, path), say(k_why_no_file),
                                    say(k_mend_no_such_file)});
                continue;
            }
            findings.push_back({Status::warning, say(k_no_file, path, error_words(error.message)),
                                say(k_why_no_file), say(k_mend_no_file)});
            continue;
        }
        const std::vector<std::string> names = names_of_defaults(*file.content, '\n', settings.values);
        if (!names.empty()) {
            findings.push_back({Status::critical,
                                say(k_default, path, fmt::format("{}", fmt::join(names, ", "))),
                                say(k_why_default), say(k_mend_default)});
        }
        if ((file.info->mode & k_everyone) != 0) {
            findings.push_back({Status::warning, say(k_open_file, path, file.info->mode), say(k_why_open),
                                verbatim(fmt::format("chmod o= {}", path))});
        }
    }
}

void find_in_environments(const SecretsSample& sample, const SecretsSettings& settings, Findings& findings) {
    std::vector<std::string> told; // a master's workers have what it has
    for (const SecretsSample::Environment& one : sample.environments) {
        if (!one.content) {
            findings.push_back({Status::warning,
                                say(k_no_file, one.process, error_words(one.content.error().message)),
                                say(k_why_no_file), say(k_mend_no_file)});
            break; // of the others it would be said again
        }
        const std::string names =
            fmt::format("{}", fmt::join(names_of_defaults(*one.content, '\0', settings.values), ", "));
        const std::string both = one.process + names;
        if (!names.empty() && std::find(told.begin(), told.end(), both) == told.end()) {
            told.push_back(both);
            findings.push_back({Status::critical, say(k_default_process, one.pid, one.process, names),
                                say(k_why_default), say(k_mend_default)});
        }
    }
}

// /.env, /.git/HEAD: files that are no page.
bool names_hidden_file(std::string_view path) {
    return path.substr(0, path.find_first_of("?#")).find("/.") != std::string_view::npos;
}

// A site of one page answers every path with that page, in which the path, a nonce or a token may differ.
bool is_same_page(const HttpAnswer& answer, const HttpAnswer& made_up) {
    return made_up.status == answer.status &&
           (made_up.body == answer.body ||
            (is_html(answer) && is_html(made_up) && title_of(answer) == title_of(made_up)));
}

bool is_served(const std::string& path, const HttpAnswer& answer, const std::optional<HttpAnswer>& made_up) {
    const bool good = answer.status >= 200 && answer.status < 300 && !answer.body.empty();
    const bool is_page = names_hidden_file(path) && is_html(answer);
    return good && !is_page && !(made_up && is_same_page(answer, *made_up));
}

void find_served(const SecretsSample& sample, const SecretsSettings& settings, Findings& findings) {
    for (const SecretsSample::Page& page : sample.pages) {
        if (is_served(page.path, page.answer, sample.made_up)) {
            const bool whole = page.path.starts_with("http");
            findings.push_back({Status::critical,
                                say(k_reachable, whole ? std::string() : clean_line(settings.url),
                                    clean_line(page.path), page.answer.status),
                                say(k_why_reachable),
                                say(names_hidden_file(page.path) ? k_mend_reachable : k_mend_served)});
        }
    }
}

// The worse of both levels; the site's failure stands first, it is what the operator mends first.
CheckResult with_findings(CheckResult failure, CheckResult known) {
    if (known.findings.empty()) {
        return failure;
    }
    failure.status = worst(failure.status, known.status);
    failure.message = join("; ", {failure.message, known.message});
    failure.hint = failure.hint.empty() ? known.hint : join("; ", {failure.hint, known.hint});
    failure.findings = std::move(known.findings);
    return failure;
}

class SecretsCheck final : public AsyncCheck {
  public:
    explicit SecretsCheck(SecretsSettings settings) : m_settings(std::move(settings)) {}

    Task<CheckResult> run(const CheckContext& context) const override {
        std::function<Looked()> look = [files = &context.world.files, host = &context.world.host,
                                        settings = m_settings] {
            return Looked{read_files(*files, settings.files),
                          read_environments(*host, settings.environments)};
        };
        Result<Looked> looked = co_await in_thread<Looked>(context.world.http, std::move(look));
        if (!looked || !looked->environments) {
            const Error& error = looked ? looked->environments.error() : looked.error();
            CheckResult result;
            result.message = say(k_cannot_look, error_words(clean_line(error.message)));
            co_return result;
        }
        SecretsSample sample{std::move(looked->files), *std::move(looked->environments), {}, {}};
        if (!m_settings.url.empty()) {
            const std::vector<HttpRequest> requests = page_requests();
            std::vector<HttpRequest> asked = requests;
            std::vector<HttpAnswer> answers = co_await fetch_all(context.world.http, std::move(asked));
            for (std::size_t i = 0; i < answers.size(); ++i) {
                if (std::optional<CheckResult> failure = http_failure(answers[i], requests[i])) {
                    // What is known without the site is not kept back because of it.
                    co_return with_findings(*std::move(failure), evaluate_secrets(sample, m_settings));
                }
            }
            for (std::size_t i = 0; i < m_settings.reachable.size(); ++i) {
                sample.pages.push_back({m_settings.reachable[i], std::move(answers[i])});
            }
            sample.made_up = std::move(answers.back());
        }
        co_return evaluate_secrets(sample, m_settings);
    }

  private:
    // Those that must not answer, then the one that nobody has.
    [[nodiscard]] std::vector<HttpRequest> page_requests() const {
        std::vector<HttpRequest> requests;
        for (const std::string& path : m_settings.reachable) {
            requests.push_back(request(path));
        }
        requests.push_back(request(k_made_up_path));
        return requests;
    }

    [[nodiscard]] HttpRequest request(const std::string& path) const {
        HttpRequest request;
        const std::string_view site = m_settings.url;
        request.url = path.starts_with('/')
                          ? std::string(site.substr(0, site.size() - (site.ends_with('/') ? 1 : 0))) + path
                          : path;
        request.follow = false;
        return request;
    }

    SecretsSettings m_settings;
};

} // namespace

std::vector<std::string> names_of_defaults(std::string_view content, char between,
                                           const std::vector<std::string>& values) {
    std::vector<std::string> names;
    std::size_t number = 0;
    for (std::string_view line : split(content, between)) {
        ++number;
        line = trim(line);
        const bool bad =
            !line.starts_with('#') && std::any_of(values.begin(), values.end(), [&](const auto& value) {
                return !value.empty() && contains_ignoring_case(line, value);
            });
        if (!bad) {
            continue;
        }
        constexpr std::string_view k_export = "export ";
        std::string_view name = line.substr(0, line.find_first_of("=:"));
        name = trim(name.starts_with(k_export) ? name.substr(k_export.size()) : name);
        // Of a line that is no assignment nothing is shown: it may be the secret itself.
        const bool assigns =
            name.size() < line.size() && !name.empty() && name.find(' ') == std::string_view::npos;
        names.push_back(assigns ? shorten(clean_line(name), k_shown_line) : fmt::format("line {}", number));
    }
    return names;
}

CheckResult evaluate_secrets(const SecretsSample& sample, const SecretsSettings& settings) {
    Findings findings;
    find_in_files(sample, settings, findings);
    find_in_environments(sample, settings, findings);
    find_served(sample, settings, findings);
    return result_of(std::move(findings), say(k_all_good));
}

CheckType secrets_check_type() {
    return make_check_type<secrets_schema, SecretsCheck>("secrets", Layer::other, Recheck::no,
                                                         "no secret is a default one, open to all or served");
}

} // namespace lectio
