#include "smoke/common_roots.h"

#include "checks/http_expect.h"
#include "incidents/rules.h"
#include "platform/http_url.h"
#include "smoke/judge_login.h"
#include "util/secret.h"
#include "util/text.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using Json = nlohmann::json;

constexpr Phrase k_died{"not judged: {} failed while it was asked",
                        "не оценивается: пока спрашивали, отказал {}"};
constexpr Phrase k_of_account{"not judged: the account of {} has another role",
                              "не оценивается: у учётной записи {} другая роль"};
constexpr Phrase k_same_as{"not judged by itself: the same as {}",
                           "отдельно не оценивается: то же, что и {}"};
constexpr Phrase k_with_same{"{}; the same: {}", "{}; то же самое: {}"};
constexpr Phrase k_locked{"the database is locked: {}", "база данных заперта: {}"};
constexpr Phrase k_locked_hint{"somebody holds SQLite's write lock: a check of type \"sqlite\" with `locked` "
                               "names the process; or: fuser -v "
                               "db.sqlite3",
                               "кто-то держит блокировку SQLite на запись: процесс назовёт проверка типа "
                               "\"sqlite\" с `locked` или: fuser -v "
                               "db.sqlite3"};
constexpr Phrase k_other_role{
    "the test account, not the site: {} is logged in, but its role is “{}”, expected “{}”",
    "дело в тестовой учётной записи, а не в сайте: {} входит, но её роль — «{}», а нужна «{}»"};
constexpr Phrase k_other_role_forbidden{"the test account, not the site: {} is logged in, but its role is "
                                        "“{}”, expected “{}”; refused for it (HTTP 403): {}",
                                        "дело в тестовой учётной записи, а не в сайте: {} входит, но её роль "
                                        "— «{}», а нужна «{}»; отказано (HTTP 403): {}"};
constexpr Phrase k_mend_role{"this sets its role: sudo lectio-smoke setup-users",
                             "роль исправит: sudo lectio-smoke setup-users"};
constexpr Phrase k_somebody{"the account", "учётная запись"};
constexpr Phrase k_refused_alike{
    "not the test accounts: all of them are refused alike (HTTP {}); the site does so, or it refuses this "
    "host",
    "дело не в тестовых учётных записях: всем отвечают одинаково (HTTP {}); так отвечает сайт или не пускает "
    "этот сервер"};
constexpr Phrase k_only_one_refused{"the test account, or this host is refused: {} may not log in (HTTP {}), "
                                    "and there is no other to compare",
                                    "дело в тестовой учётной записи, или не пускают этот сервер: {} не может "
                                    "войти (HTTP {}), а сравнить не с "
                                    "кем"};
constexpr Phrase k_forbidden_alike_hint{
    "log in from elsewhere: if that works, this address is blocked (fail2ban, axes, a firewall)",
    "войдите с другого адреса: если получится, заблокирован этот (fail2ban, axes, файрвол)"};
constexpr Phrase k_asked{"{} {}; request and answer: sudo lectio-smoke run {} -v",
                         "{} {}; запрос и ответ: sudo lectio-smoke run {} -v"};
constexpr Phrase k_asked_as{"{} {} as {}; request and answer: sudo lectio-smoke run {} -v",
                            "{} {} от имени {}; запрос и ответ: sudo lectio-smoke run {} -v"};

constexpr std::size_t k_shown_characters = 80;
constexpr int k_forbidden = 403;
constexpr int k_too_many = 429;

std::string shown(const std::string& text) {
    return shorten(clean_line(text), k_shown_characters);
}

bool is_gateway_error(int status) {
    return status == 502 || status == 504;
}

class Joining {
  public:
    Joining(std::vector<Observation>& seen, const SmokeSettings& smoke, const Trip& trip)
        : m_seen(seen), m_smoke(smoke), m_trip(trip) {}

    void consequences_of_what_died() {
        for (Observation& each : m_seen) {
            if (!is_bad(each.result.status)) {
                continue;
            }
            const std::string cause = m_trip.cause_of(each.name);
            Observation* root = find(cause);
            const std::optional<CheckResult> now = m_trip.last_result(cause);
            if (root == nullptr || !now || !is_bad(now->status)) {
                continue;
            }
            if (!is_bad(root->result.status)) {
                root->result = *now;
            }
            skip(each, say(k_died, cause));
        }
    }

    void wrong_roles() {
        for (const LoginSettings& login : m_smoke.logins) {
            wrong_role_of(login);
        }
    }

    void same_failures() {
        for (const Observation& each : m_seen) {
            const Failure failure = failure_of(each);
            join([&](const Observation& other) { return is_same(failure_of(other), failure); });
        }
        join([&](const Observation& each) { return is_gateway_error(failure_of(each).status); });
        join_locked();
        if (all_logins_fail()) {
            join([&](const Observation& each) { return failure_of(each).status >= 500; });
        }
        for (const LoginSettings& login : m_smoke.logins) {
            join([&](const Observation& each) { return is_forbidden_to(each, login.name); });
        }
        logins_refused_alike();
        for (const auto& [name, same] : m_same) {
            if (!same.empty()) {
                Text& message = find(name)->result.message;
                message = say(k_with_same, message, fmt::format("{}", fmt::join(same, ", ")));
            }
        }
    }

    // A name alone sends nobody to the right log: what was asked, as whom, and what shows more of it.
    void say_what_was_asked() {
        for (const LoginSettings& login : m_smoke.logins) {
            add_to_hint(check_of_login(login.name), [&](const std::string& name) {
                return say(k_asked, "POST", shown(login.post), name);
            });
        }
        for (const StepSettings& step : m_smoke.steps) {
            const MethodAndTarget asked = method_of(step);
            const std::string target = shown(redact(asked.target));
            add_to_hint(step.name, [&](const std::string& name) {
                return step.as.empty() ? say(k_asked, asked.method, target, name)
                                       : say(k_asked_as, asked.method, target, step.as, name);
            });
        }
    }

  private:
    struct Failure {         // what the last answer was, of what is bad
        std::string request; // "GET /api/lessons/"
        int status = 0;
        const std::string* body = nullptr;
    };

    Observation* find(const std::string& name) {
        const auto found = std::find_if(m_seen.begin(), m_seen.end(),
                                        [&](const Observation& each) { return each.name == name; });
        return found == m_seen.end() ? nullptr : &*found;
    }

    static void skip(Observation& each, Text why) {
        each.result = CheckResult{};
        each.result.status = Status::skipped;
        each.result.message = std::move(why);
    }

    // Of what is not bad, or got no whole answer: of status 0.
    [[nodiscard]] Failure failure_of(const Observation& each) const {
        const Walk* walk = is_bad(each.result.status) ? m_trip.last_of(each.name) : nullptr;
        if (walk == nullptr || walk->exchanges_of(each.name).empty()) {
            return {};
        }
        const Exchange& last = walk->exchanges_of(each.name).back();
        if (last.answer.failure != HttpAnswer::Failure::none) {
            return {};
        }
        const std::string url = last.request.url.substr(0, last.request.url.find_first_of("?#"));
        return {last.request.method + " " + url, last.answer.status, &last.answer.body};
    }

    static bool is_same(const Failure& one, const Failure& other) {
        return one.status >= 500 && one.status == other.status && one.request == other.request;
    }

    // Of those that `belongs` and are bad the first of the worst stands for all.
    Observation* join(const std::function<bool(const Observation&)>& belongs) {
        std::vector<Observation*> all;
        for (Observation& each : m_seen) {
            if (is_bad(each.result.status) && belongs(each)) {
                all.push_back(&each);
            }
        }
        if (all.empty()) {
            return nullptr;
        }
        const auto root = std::find_if(all.begin(), all.end(), [](const Observation* each) {
            return each->result.status == Status::critical;
        });
        Observation* stands = root == all.end() ? all.front() : *root;
        for (Observation* each : all) {
            if (each != stands) {
                std::vector<std::string>& same = m_same[stands->name];
                same.push_back(each->name);
                const std::vector<std::string> with_it = std::exchange(m_same[each->name], {});
                same.insert(same.end(), with_it.begin(), with_it.end());
                skip(*each, say(k_same_as, stands->name));
            }
        }
        return stands;
    }

    // As SQLite says it (sqlite3_errstr(SQLITE_BUSY)), where the application shows it.
    void join_locked() {
        Observation* root = join([&](const Observation& each) {
            const Failure failure = failure_of(each);
            return failure.status >= 500 && failure.body->find("database is locked") != std::string::npos;
        });
        if (root != nullptr) {
            root->result.message = say(k_locked, root->result.message);
            root->result.hint = say(k_locked_hint);
        }
    }

    // By errors of the server, at the least two of them; one that was not asked says nothing.
    [[nodiscard]] bool all_logins_fail() const {
        int failed = 0;
        for (const Observation& each : m_seen) {
            const bool is_login =
                std::any_of(m_smoke.logins.begin(), m_smoke.logins.end(),
                            [&](const auto& login) { return check_of_login(login.name) == each.name; });
            if (!is_login || each.result.status == Status::skipped) {
                continue;
            }
            if (failure_of(each).status < 500) {
                return false;
            }
            ++failed;
        }
        return failed >= 2;
    }

    template<class Words>
    void add_to_hint(const std::string& name, const Words& words) {
        if (Observation* each = find(name); each != nullptr && is_bad(each->result.status)) {
            each->result.hint = lectio::join("; ", {each->result.hint, words(name)});
        }
    }

    // ── logins that all get the same ──

    struct Refused {
        const LoginSettings* login;
        Observation* seen;
        Failure failure;
    };

    // Those that got an answer of their own, good or bad.
    std::vector<Refused> asked_logins() {
        std::vector<Refused> asked;
        for (const LoginSettings& login : m_smoke.logins) {
            Observation* seen = find(check_of_login(login.name));
            if (seen != nullptr && seen->result.status != Status::skipped) {
                asked.push_back({&login, seen, failure_of(*seen)});
            }
        }
        return asked;
    }

    // One account that is refused where another is let in is that account. Where none is let in, a limit or a block of
    // this address looks the same as several accounts that are blocked, and is likelier.
    void logins_refused_alike() {
        const std::vector<Refused> asked = asked_logins();
        for (const int status : {k_forbidden, k_too_many}) {
            std::vector<const Refused*> alike;
            for (const Refused& one : asked) {
                const bool all_there = std::all_of(asked.begin(), asked.end(), [&](const Refused& other) {
                    return other.login->post != one.login->post || other.failure.status == status;
                });
                if (one.failure.status == status && all_there) {
                    alike.push_back(&one);
                }
            }
            if (alike.size() > 1) {
                Observation* root = join([&](const Observation& each) {
                    return std::any_of(alike.begin(), alike.end(),
                                       [&](const Refused* one) { return one->seen == &each; });
                });
                root->result.message = say(k_refused_alike, status);
                root->result.hint = status == k_forbidden ? say(k_forbidden_alike_hint) : root->result.hint;
            } else if (alike.size() == 1 && m_smoke.logins.size() == 1) {
                const std::string account = account_of(*alike.front()->login);
                const Text who = account.empty() ? say(k_somebody) : verbatim(shown(account));
                alike.front()->seen->result.message = say(k_only_one_refused, who, status);
            }
        }
    }

    // ── roles ──

    [[nodiscard]] const StepSettings* step_as(const Observation& each, const std::string& login) const {
        const auto step =
            std::find_if(m_smoke.steps.begin(), m_smoke.steps.end(),
                         [&](const StepSettings& it) { return it.name == each.name && it.as == login; });
        return step == m_smoke.steps.end() ? nullptr : &*step;
    }

    [[nodiscard]] bool is_forbidden_to(const Observation& each, const std::string& login) const {
        return step_as(each, login) != nullptr && failure_of(each).status == k_forbidden;
    }

    struct Role {
        std::string seen, expected;
    };
    // The answer says whose role it is: a value called "role", expected to be another text.
    [[nodiscard]] std::optional<Role> other_role(const Observation& each, const std::string& login) const {
        const StepSettings* step = step_as(each, login);
        const Failure failure = step != nullptr ? failure_of(each) : Failure{};
        if (failure.body == nullptr) {
            return std::nullopt;
        }
        const Json answer = Json::parse(*failure.body, nullptr, false);
        for (const auto& [pointer, wanted] : step->expect_json) {
            const Json expected = Json::parse(wanted.text, nullptr, false);
            const Json* seen = pointer.ends_with("/role") ? value_at(answer, pointer) : nullptr;
            if (seen != nullptr && seen->is_string() && expected.is_string() && *seen != expected) {
                return Role{seen->get<std::string>(), expected.get<std::string>()};
            }
        }
        return std::nullopt;
    }

    // Somebody who is let in and may do nothing would be an outage; that this account has another role is proof that it
    // is none.
    void wrong_role_of(const LoginSettings& login) {
        Observation* root = find(check_of_login(login.name));
        if (root == nullptr || root->result.status == Status::critical ||
            root->result.status == Status::skipped) {
            return;
        }
        std::optional<Role> role;
        std::vector<Observation*> because;
        std::vector<std::string> forbidden;
        for (Observation& each : m_seen) {
            const std::optional<Role> seen = other_role(each, login.name);
            if (seen && !role) {
                role = seen;
            }
            if (is_forbidden_to(each, login.name)) {
                forbidden.push_back(each.name);
            }
            if (seen || is_forbidden_to(each, login.name)) {
                because.push_back(&each);
            }
        }
        if (!role) {
            return;
        }
        const std::string account = account_of(login);
        const Text who = account.empty() ? say(k_somebody) : verbatim(shown(account));
        root->result.status = Status::warning;
        root->result.message =
            forbidden.empty() ? say(k_other_role, who, shown(role->seen), shown(role->expected))
                              : say(k_other_role_forbidden, who, shown(role->seen), shown(role->expected),
                                    fmt::format("{}", fmt::join(forbidden, ", ")));
        root->result.hint = say(k_mend_role);
        root->result.remedy = Remedy::cannot_help;
        for (Observation* each : because) {
            skip(*each, say(k_of_account, root->name));
        }
    }

    std::vector<Observation>& m_seen;
    const SmokeSettings& m_smoke;
    const Trip& m_trip;
    std::map<std::string, std::vector<std::string>> m_same; // who stands for others → they
};

} // namespace

void join_common_roots(std::vector<Observation>& seen, const SmokeSettings& smoke, const Trip& trip) {
    Joining joining(seen, smoke, trip);
    joining.consequences_of_what_died();
    joining.wrong_roles();
    joining.same_failures();
    joining.say_what_was_asked();
}

} // namespace lectio
