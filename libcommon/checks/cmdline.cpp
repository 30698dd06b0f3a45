#include "checks/cmdline.h"

#include "checks/findings.h"
#include "checks/process.h"
#include "config/complaints.h"
#include "util/secret.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <set>
#include <string_view>

#include <fmt/format.h>

namespace lectio {
namespace {

using Rule = CmdlineSettings::Rule;
using Words = std::vector<std::string_view>;

constexpr std::size_t k_shown_line = 80;

constexpr Noun k_processes{"process", "processes", "процесс", "процесса", "процессов"};
constexpr Phrase k_good{"{} looked at, nothing found", "осмотрено: {}, замечаний нет"};
constexpr Phrase k_none{"no process matches: nothing was looked at",
                        "ни один процесс не подходит: смотреть не на что"};
constexpr Phrase k_none_hint{"check match: ps -eo args", "проверьте match: ps -eo args"};
constexpr Phrase k_sync{"gunicorn runs sync workers: {}", "gunicorn работает с воркерами sync: {}"};
constexpr Phrase k_why_sync{
    "each holds one request at a time: a few slow answers, a stalled mail server, and nobody gets in",
    "каждый держит по одному запросу: несколько медленных ответов, зависший почтовый сервер — и на сайт не "
    "зайти"};
constexpr std::string_view k_mend_sync = "ExecStart=: gunicorn --worker-class gthread --threads 4 …";
constexpr Phrase k_one_worker{"one Celery worker serves all queues: {}",
                              "один воркер Celery обслуживает все очереди: {}"};
constexpr Phrase k_why_one{
    "one long task makes every short one wait: mails and payments stand behind a video",
    "одна долгая задача задерживает все короткие: письма и платежи стоят за обработкой видео"};
constexpr Phrase k_mend_one{"a unit of its own for the slow queue: celery worker -Q heavy -c 1 -n heavy@%h",
                            "отдельный юнит для медленной очереди: celery worker -Q heavy -c 1 -n heavy@%h"};
constexpr Phrase k_development{"a development server runs: {}", "работает сервер для разработки: {}"};
constexpr Phrase k_why_development{
    "it serves one request after the other, was never looked over for holes, and shows its source in errors",
    "он обслуживает запросы по одному, на уязвимости его никто не проверял, а в ошибках он показывает код"};
constexpr std::string_view k_mend_development =
    "gunicorn PROJECT.wsgi:application --worker-class gthread --threads 4; a built frontend, served by nginx";
constexpr Phrase k_cannot_look{"unable to look at the processes: {}", "не удалось посмотреть процессы: {}"};

const Schema<CmdlineSettings>& cmdline_schema() {
    static const Schema<CmdlineSettings> schema{
        required("match", &CmdlineSettings::match, "regular expression over the command line")
            .check(pattern_complaint),
        optional("rules", &CmdlineSettings::rules, "what is looked for")
            .one_of({{"async-workers", Rule::async_workers},
                     {"separate-queues", Rule::separate_queues},
                     {"no-development-server", Rule::no_development_server}}),
    };
    return schema;
}

bool names_program(const Words& words, std::string_view program) {
    return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
        return word == program || word.ends_with(std::string("/").append(program));
    });
}

// The value of an option in any of the ways of writing it: -k gthread, -kgthread, --worker-class=gthread. Given twice
// the last one counts, as for gunicorn and Celery.
std::optional<std::string_view> value_of(const Words& words, std::initializer_list<std::string_view> names) {
    for (std::size_t i = words.size(); i-- > 0;) {
        for (const std::string_view name : names) {
            const std::string_view next = i + 1 < words.size() ? words[i + 1] : std::string_view();
            const bool is_long = name.starts_with("--");
            if (words[i] == name) {
                return next;
            }
            if (words[i].starts_with(name) && (!is_long || words[i][name.size()] == '=')) {
                return words[i].substr(name.size() + (is_long ? 1 : 0));
            }
        }
    }
    return std::nullopt;
}

Words words_of(const ProcessInfo& process) {
    Words words = split(process.command_line, ' ');
    std::erase(words, std::string_view());
    return words;
}

std::string shown(const ProcessInfo& process) {
    return shorten(redact(clean_line(process.command_line)), k_shown_line);
}

// One that another of the list has started is its worker and has its command line.
std::vector<const ProcessInfo*> masters_of(const std::vector<ProcessInfo>& all, std::string_view program) {
    std::vector<const ProcessInfo*> masters;
    for (const ProcessInfo& process : all) {
        const bool is_worker = std::any_of(all.begin(), all.end(), [&](const ProcessInfo& other) {
            return other.pid == process.parent && names_program(words_of(other), program);
        });
        if (!is_worker && names_program(words_of(process), program)) {
            masters.push_back(&process);
        }
    }
    return masters;
}

bool runs_sync_workers(const Words& words) {
    const auto kind = value_of(words, {"--worker-class", "-k"});
    const bool threads = value_of(words, {"--threads"}).value_or("1") != "1"; // makes gthread of sync
    const bool said_elsewhere = value_of(words, {"--config", "-c"}).has_value();
    return kind ? *kind == "sync" && !threads : !threads && !said_elsewhere;
}

void find_sync_workers(const std::vector<ProcessInfo>& matching, std::vector<Finding>& findings) {
    for (const ProcessInfo* master : masters_of(matching, "gunicorn")) {
        if (runs_sync_workers(words_of(*master))) {
            findings.push_back(
                {Status::warning, say(k_sync, shown(*master)), say(k_why_sync), verbatim(k_mend_sync)});
        }
    }
}

// Without -Q a worker consumes every queue that the application has.
bool serves_several_queues(const Words& words) {
    const auto queues = value_of(words, {"--queues", "-Q"});
    return !queues || queues->find(',') != std::string_view::npos;
}

void find_lone_worker(const std::vector<ProcessInfo>& matching, std::vector<Finding>& findings) {
    std::vector<const ProcessInfo*> workers;
    for (const ProcessInfo* master : masters_of(matching, "celery")) {
        const Words words = words_of(*master);
        if (std::find(words.begin(), words.end(), "worker") != words.end()) {
            workers.push_back(master);
        }
    }
    if (workers.size() == 1 && serves_several_queues(words_of(*workers.front()))) {
        findings.push_back(
            {Status::warning, say(k_one_worker, shown(*workers.front())), say(k_why_one), say(k_mend_one)});
    }
}

// Programs that their own documentation keeps for the desk: Django's runserver, flask run, uvicorn --reload, Vite and
// Next in development.
bool is_development_server(const Words& words) {
    const auto has = [&](std::string_view word) {
        return std::find(words.begin(), words.end(), word) != words.end();
    };
    return (has("runserver") &&
            (names_program(words, "manage.py") || names_program(words, "django-admin"))) ||
           (names_program(words, "flask") && has("run")) ||
           (names_program(words, "uvicorn") && has("--reload")) ||
           (names_program(words, "next") && has("dev")) || (names_program(words, "vite") && !has("build"));
}

void find_development_servers(const std::vector<ProcessInfo>& matching, std::vector<Finding>& findings) {
    std::set<std::string> told; // runserver runs itself once more, to see its own files change
    for (const ProcessInfo& process : matching) {
        if (is_development_server(words_of(process)) && told.insert(process.command_line).second) {
            findings.push_back({Status::warning, say(k_development, shown(process)), say(k_why_development),
                                verbatim(k_mend_development)});
        }
    }
}

class CmdlineCheck final : public BlockingCheck {
  public:
    explicit CmdlineCheck(CmdlineSettings settings) : m_settings(std::move(settings)) {}

    CheckResult run(const CheckContext& context) const override {
        const Result<std::vector<ProcessInfo>> matching =
            matching_processes(context.world.host, m_settings.match, std::nullopt);
        if (!matching) {
            CheckResult result;
            result.message = say(k_cannot_look, error_words(clean_line(matching.error().message)));
            return result;
        }
        return evaluate_cmdline(*matching, m_settings);
    }

  private:
    CmdlineSettings m_settings;
};

} // namespace

CheckResult evaluate_cmdline(const std::vector<ProcessInfo>& matching, const CmdlineSettings& settings) {
    if (matching.empty()) {
        CheckResult result;
        result.status = Status::unknown;
        result.message = say(k_none);
        result.hint = say(k_none_hint);
        return result;
    }
    std::vector<Finding> findings;
    for (const Rule rule : settings.rules) {
        switch (rule) {
        case Rule::async_workers:
            find_sync_workers(matching, findings);
            break;
        case Rule::separate_queues:
            find_lone_worker(matching, findings);
            break;
        case Rule::no_development_server:
            find_development_servers(matching, findings);
            break;
        }
    }
    return result_of(std::move(findings),
                     say(k_good, counted(static_cast<std::int64_t>(matching.size()), k_processes)));
}

CheckType cmdline_check_type() {
    return make_check_type<cmdline_schema, CmdlineCheck>("cmdline", Layer::application, Recheck::no,
                                                         "gunicorn and Celery are started as they should be");
}

} // namespace lectio
