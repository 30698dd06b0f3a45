#include "checks/django.h"

#include "checks/thresholds.h"
#include "checks/unit_words.h"
#include "config/complaints.h"
#include "platform/users.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace lectio {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t k_most_named = 3;
constexpr Bytes k_most_output = 1_MB; // a migration is a line

constexpr Noun k_applied_migrations{"migration applied", "migrations applied", "миграция применена",
                                    "миграции применены", "миграций применено"};
constexpr Phrase k_pending{"{}: {}", "{}: {}"};
constexpr Noun k_pending_migrations{"migration is not applied", "migrations are not applied",
                                    "миграция не применена", "миграции не применены",
                                    "миграций не применено"};
constexpr Phrase k_pending_hint{"code and database do not fit: sudo -u {} {} {} migrate",
                                "код и база не соответствуют друг другу: sudo -u {} {} {} migrate"};
constexpr Phrase k_none{"the project has no migrations", "в проекте нет миграций"};
constexpr Phrase k_says_nothing{
    "manage.py {} ends well and says nothing: whether migrations are applied is not known",
    "manage.py {} завершился успешно и ничего не сказал: применены ли миграции, неизвестно"};
constexpr Phrase k_fails{"manage.py {} fails: {}", "manage.py {} не работает: {}"};
constexpr Phrase k_fails_hint{"look at all it says: sudo -u {} {} {} {}",
                              "посмотрите весь вывод: sudo -u {} {} {} {}"};
constexpr Phrase k_late{"manage.py {} has not ended within {}", "manage.py {} не завершился за {}"};
constexpr Phrase k_not_started{"manage.py could not be started: {}", "manage.py не удалось запустить: {}"};
constexpr Phrase k_whose_hint{"say in this check who runs it: user = \"www-data\"",
                              "укажите в этой проверке, от чьего имени его запускать: user = \"www-data\""};
constexpr Phrase k_not_started_hint{"correct manage, python and user of this check: ls -l {} {}",
                                    "исправьте manage, python и user этой проверки: ls -l {} {}"};
constexpr Phrase k_deploy{"check --deploy: {} ({})", "check --deploy: {} ({})"};
constexpr Noun k_remarks{"remark", "remarks", "замечание", "замечания", "замечаний"};
constexpr Phrase k_deploy_good{"{}, check --deploy finds nothing", "{}, check --deploy замечаний не нашёл"};

constexpr std::string_view k_show = "showmigrations";
constexpr std::string_view k_check = "check --deploy";

const Schema<DjangoSettings>& django_schema() {
    static const Schema<DjangoSettings> schema{
        required("manage", &DjangoSettings::manage, "manage.py"),
        optional("python", &DjangoSettings::python,
                 "the interpreter of the virtual environment; python3 when empty"),
        optional("user", &DjangoSettings::user,
                 "who runs it; whose manage.py is when empty, unless that is root")
            .check(user_complaint),
        optional("deploy_check", &DjangoSettings::deploy_check, "manage.py check --deploy, too"),
        optional("timeout", &DjangoSettings::timeout, "of each command; no end by then: critical")
            .between(100ms, 10min),
    };
    return schema;
}

std::string python_of(const DjangoSettings& settings) {
    return settings.python.empty() ? "python3" : settings.python.string();
}

// The last line of a traceback says what it was about; nothing that it says does, where the kernel took its memory.
std::string last_words(const ProcessAnswer& answer) {
    if (!answer.exit_status) {
        return "ended by signal " + signal_name(answer.signal);
    }
    const std::string_view said = trim(answer.err.empty() ? answer.out : answer.err);
    const std::vector<std::string_view> lines = split_lines(said);
    return lines.empty() ? fmt::format("exit status {}", *answer.exit_status)
                         : shorten(clean_line(lines.back()), 200);
}

void raise_failure(CheckResult& result, std::string_view command, const ProcessAnswer& answer,
                   const DjangoSample& sample, const DjangoSettings& settings) {
    if (answer.timed_out) {
        raise(result, Status::critical, say(k_late, command, format_duration(settings.timeout)),
              say(k_fails_hint, sample.user, python_of(settings), settings.manage.string(), command));
    } else {
        raise(result, Status::critical, say(k_fails, command, error_words(last_words(answer))),
              say(k_fails_hint, sample.user, python_of(settings), settings.manage.string(), command));
    }
}

std::string some_of(const std::vector<std::string>& names) {
    const std::vector<std::string> first(
        names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), k_most_named)));
    return shorten(fmt::format("{}{}", fmt::join(first, ", "), names.size() > first.size() ? " …" : ""), 200);
}

void judge_migrations(CheckResult& result, const DjangoSample& sample, const DjangoSettings& settings) {
    const ProcessAnswer& answer = sample.migrations;
    if (answer.timed_out || answer.exit_status != 0) {
        raise_failure(result, k_show, answer, sample, settings);
        return;
    }
    if (trim(answer.out).empty()) { // of a project without any Django says so
        raise(result, Status::unknown, say(k_says_nothing, k_show));
        return;
    }
    const Migrations migrations = migrations_in(answer.out);
    const auto pending = static_cast<std::int64_t>(migrations.pending.size());
    result.metrics.push_back({"pending", static_cast<double>(pending), "", 1, {}});
    result.message = migrations.applied > 0 ? counted(migrations.applied, k_applied_migrations) : say(k_none);
    if (pending > 0) {
        raise(result, Status::warning,
              say(k_pending, counted(pending, k_pending_migrations), some_of(migrations.pending)),
              say(k_pending_hint, sample.user, python_of(settings), settings.manage.string()));
    }
}

// "?: (security.W004) You have not set a value for …", under "ERRORS:", "WARNINGS:" (docs.djangoproject.com,
// topics/checks). Infos and debugs are no remarks.
struct Remarks {
    std::vector<std::string> names;
    bool errors = false;
};
Remarks remarks_in(std::string_view said) {
    Remarks remarks;
    for (std::string_view line : split_lines(said)) {
        const std::size_t open = line.find(": (");
        const std::size_t close = open == line.npos ? line.npos : line.find(") ", open);
        if (close == line.npos) {
            continue;
        }
        const std::string_view name = line.substr(open + 3, close - open - 3);
        const std::size_t dot = name.rfind('.');
        const char level = dot != name.npos && dot + 1 < name.size() ? name[dot + 1] : '\0';
        if (level == 'W' || level == 'E' || level == 'C') {
            remarks.names.emplace_back(clean_line(name));
            remarks.errors = remarks.errors || level != 'W';
        }
    }
    return remarks;
}

void judge_deploy(CheckResult& result, const DjangoSample& sample, const DjangoSettings& settings) {
    const ProcessAnswer& answer = *sample.deploy;
    const Remarks remarks = remarks_in(answer.err + "\n" + answer.out);
    if (answer.timed_out || (answer.exit_status != 0 && remarks.names.empty())) {
        raise_failure(result, k_check, answer, sample, settings);
        return;
    }
    const auto count = static_cast<std::int64_t>(remarks.names.size());
    result.metrics.push_back({"deploy_remarks", static_cast<double>(count), "", 1, {}});
    if (count == 0) {
        result.message = result.status == Status::ok ? say(k_deploy_good, result.message) : result.message;
        return;
    }
    const Text words = say(k_deploy, counted(count, k_remarks), some_of(remarks.names));
    const Status status = remarks.errors ? Status::critical : Status::warning;
    if (result.status != Status::ok) { // both are told
        result.message = join("; ", {result.message, words});
        result.status = worst(result.status, status);
        return;
    }
    raise(result, status, words,
          say(k_fails_hint, sample.user, python_of(settings), settings.manage.string(), k_check));
}

class DjangoCheck final : public BlockingCheck {
  public:
    explicit DjangoCheck(DjangoSettings settings) : m_settings(std::move(settings)) {}

    CheckResult run(const CheckContext& context) const override {
        const Result<std::string> user = whose(context.world);
        DjangoSample sample;
        if (!user) {
            sample.not_started = user.error();
            return evaluate_django(sample, m_settings);
        }
        sample.user = *user;
        if (const Result<ProcessAnswer> answer =
                run_manage({"showmigrations", "--plan", "--no-color"}, *user, context)) {
            sample.migrations = *answer;
        } else {
            sample.not_started = answer.error();
            return evaluate_django(sample, m_settings);
        }
        if (m_settings.deploy_check) {
            const Result<ProcessAnswer> answer =
                run_manage({"check", "--deploy", "--no-color"}, *user, context);
            if (answer) {
                sample.deploy = *answer;
            } else {
                sample.not_started = answer.error();
            }
        }
        return cut_short(sample, context) ? not_finished(context.memory)
                                          : evaluate_django(sample, m_settings);
    }

  private:
    // Whose the application is.
    Result<std::string> whose(const World& world) const {
        if (!m_settings.user.empty()) {
            return m_settings.user;
        }
        return user_of_manage(world.files, m_settings.manage);
    }

    Result<ProcessAnswer> run_manage(const std::vector<std::string>& words, const std::string& user,
                                     const CheckContext& context) const {
        ProcessRequest request;
        // -B: a look leaves no __pycache__ behind.
        request.command = {python_of(m_settings), "-B", m_settings.manage.string()};
        request.command.insert(request.command.end(), words.begin(), words.end());
        const Result<User> us = find_user(effective_user());
        request.user = us && us->name == user ? "" : user;
        request.folder = m_settings.manage.parent_path().string();
        request.max_output = k_most_output;
        request.timeout = time_for(context, m_settings.timeout);
        return context.world.processes.run(request);
    }

    bool cut_short(const DjangoSample& sample, const CheckContext& context) const {
        const bool late = sample.migrations.timed_out || (sample.deploy && sample.deploy->timed_out);
        return late && time_for(context, m_settings.timeout) < m_settings.timeout;
    }

    DjangoSettings m_settings;
};

} // namespace

// "[X]  app.0001_initial", "[ ]  app.0002_more ... (app.0001_initial)"
Migrations migrations_in(std::string_view plan) {
    Migrations migrations;
    for (std::string_view line : split_lines(plan)) {
        line = trim(line);
        if (line.starts_with("[X]")) {
            ++migrations.applied;
        } else if (line.starts_with("[ ]")) {
            const std::string_view name = trim(line.substr(3));
            migrations.pending.emplace_back(clean_line(name.substr(0, name.find(' '))));
        }
    }
    return migrations;
}

Result<std::string> user_of_manage(Files& files, const Path& manage) {
    const Result<FileInfo> info = files.info(manage, Files::Follow::yes);
    LECTIO_TRY(info);
    const Result<User> owner = find_user(info->owner);
    LECTIO_TRY(owner);
    if (owner->uid == 0) {
        return Error{ErrorKind::invalid, "it belongs to root, and the key `user` does not say who runs it"};
    }
    return owner->name;
}

CheckResult evaluate_django(const DjangoSample& sample, const DjangoSettings& settings) {
    CheckResult result;
    result.remedy = Remedy::cannot_help; // a restart applies no migration
    if (sample.not_started) {
        result.status = Status::unknown;
        result.message =
            say(k_not_started, error_words(shorten(clean_line(sample.not_started->message), 200)));
        result.hint = sample.not_started->kind == ErrorKind::invalid
                          ? say(k_whose_hint)
                          : say(k_not_started_hint, settings.manage.string(), python_of(settings));
        return result;
    }
    result.status = Status::ok;
    judge_migrations(result, sample, settings);
    if (sample.deploy) {
        judge_deploy(result, sample, settings);
    }
    return result;
}

CheckType django_check_type() {
    return make_check_type<django_schema, DjangoCheck>(
        "django", Layer::application, Recheck::no, "migrations are applied; check --deploy finds nothing");
}

} // namespace lectio
