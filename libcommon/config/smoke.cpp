#include "config/smoke.h"

#include "config/complaints.h"
#include "platform/http_url.h"
#include "util/guessed.h"
#include "util/number.h"
#include "util/text.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

constexpr Bytes k_largest_upload = 64_MB; // it is built in memory

constexpr Phrase k_no_target{
    "expected a path that begins with /, a URL or a saved value like {{url}}",
    "ожидается путь, который начинается с /, URL или сохранённое значение вроде {{url}}"};
constexpr Phrase k_no_method{"one of get, post, put, patch and delete is missing",
                             "не хватает одного из ключей get, post, put, patch, delete"};
constexpr Phrase k_two_methods{"one step asks one thing: {} or {}", "один шаг — один запрос: {} или {}"};
constexpr Phrase k_two_bodies{"one request has one body: {} or {}", "у запроса одно тело: {} или {}"};
constexpr Phrase k_body_of_get{"{}: a GET has no body", "{}: у GET нет тела"};
constexpr Phrase k_no_range{"expected bytes like \"0-1023\", \"1024-\" or \"-500\"",
                            "ожидаются байты вроде \"0-1023\", \"1024-\" или \"-500\""};
constexpr Phrase k_limit_alone{"{}: what is asked until it is refused is asked one after the other",
                               "{}: до отказа запросы идут по одному"};
constexpr Phrase k_no_expectation{"expected a value, or {{ type, min, max }} with a type of string, number, "
                                  "integer, boolean, array, object, null",
                                  "ожидается значение или {{ type, min, max }}, где type — string, number, "
                                  "integer, boolean, array, object или null"};
constexpr Phrase k_no_source{
    "expected a JSON pointer like \"/id\", {{ header = \"ETag\" }} or {{ matches = \"id=([0-9]+)\" }}",
    "ожидается JSON-указатель вроде \"/id\", {{ header = \"ETag\" }} или {{ matches = \"id=([0-9]+)\" }}"};
constexpr Phrase k_no_value_name{"expected a name of small letters, digits, - and _",
                                 "ожидается имя из строчных латинских букв, цифр, - и _"};
constexpr Phrase k_always_saves{"save: a clean-up step leaves nothing for others to use",
                                "save: уборка ничего не оставляет другим шагам"};

constexpr std::array<std::pair<std::string_view, ExpectedValue::Type>, 7> k_types{{
    {"string", ExpectedValue::Type::string},
    {"number", ExpectedValue::Type::number},
    {"integer", ExpectedValue::Type::integer},
    {"boolean", ExpectedValue::Type::boolean},
    {"array", ExpectedValue::Type::array},
    {"object", ExpectedValue::Type::object},
    {"null", ExpectedValue::Type::null},
}};

std::optional<Text> target_complaint(const std::string& text) {
    const bool good = text.starts_with('{') || !request_path_complaint(text);
    return good ? std::nullopt : std::optional(say(k_no_target));
}

std::optional<Text> range_complaint(const std::string& text) {
    const std::size_t dash = text.find('-');
    const auto is_number = [](std::string_view part) {
        return part.empty() || number_from<std::uint32_t>(part).has_value();
    };
    const auto first = number_from<std::uint32_t>(text.substr(0, dash));
    const auto last =
        dash == std::string::npos ? std::nullopt : number_from<std::uint32_t>(text.substr(dash + 1));
    const bool good = dash != std::string::npos && text.size() > 1 && is_number(text.substr(0, dash)) &&
                      is_number(text.substr(dash + 1)) && (!first || !last || *first <= *last);
    return good || text.empty() ? std::nullopt : std::optional(say(k_no_range));
}

std::optional<Text> expectation_complaint(const JsonText& written) {
    return expected_value(written) ? std::nullopt : std::optional(say(k_no_expectation));
}

std::optional<Text> source_complaint(const JsonText& written) {
    return saved_from(written) ? std::nullopt : std::optional(say(k_no_source));
}

std::optional<Text> value_name_complaint(const std::string& name) {
    return is_name(name) ? std::nullopt : std::optional(say(k_no_value_name));
}

// Keys of the request's bodies, those that are given.
template<class Settings>
std::vector<std::string> bodies_of(const Settings& settings) {
    std::vector<std::string> keys;
    if (!settings.json.text.empty()) {
        keys.emplace_back("json");
    }
    if (!settings.form.empty()) {
        keys.emplace_back("form");
    }
    return keys;
}

std::vector<Complaint> body_complaints(const StepSettings& step, std::string_view method) {
    std::vector<std::string> bodies = bodies_of(step);
    if (step.upload) {
        std::erase(bodies, "form"); // its fields go along with the file
        bodies.emplace_back("upload");
    }
    std::vector<Complaint> complaints;
    if (bodies.size() > 1) {
        complaints.push_back({bodies[1].c_str(), say(k_two_bodies, bodies[0], bodies[1])});
    } else if (!bodies.empty() && method == "GET") {
        complaints.push_back({bodies[0].c_str(), say(k_body_of_get, bodies[0])});
    }
    return complaints;
}

std::vector<std::pair<std::string_view, const std::optional<std::string>*>>
targets_of(const StepSettings& step) {
    return {{"get", &step.get},
            {"post", &step.post},
            {"put", &step.put},
            {"patch", &step.patch},
            {"delete", &step.remove}};
}

std::vector<Complaint> step_complaints(const StepSettings& step) {
    std::vector<std::string> methods;
    for (const auto& [key, target] : targets_of(step)) {
        if (*target) {
            methods.emplace_back(key);
        }
    }
    if (methods.empty()) {
        return {{"", say(k_no_method)}};
    }
    if (methods.size() > 1) {
        return {{methods[1].c_str(), say(k_two_methods, methods[0], methods[1])}};
    }
    std::vector<Complaint> complaints = body_complaints(step, method_of(step).method);
    if (step.limit && (step.parallel > 1 || step.repeat > 1)) {
        const char* key = step.parallel > 1 ? "parallel" : "repeat";
        complaints.push_back({key, say(k_limit_alone, key)});
    }
    if (step.always && !step.save.empty()) {
        complaints.push_back({"save", say(k_always_saves)});
    }
    if (step.timeout > 0ms) {
        const std::vector<Complaint> times = max_time_complaints(step.max_time, step.timeout);
        complaints.insert(complaints.end(), times.begin(), times.end());
    }
    return complaints;
}

const Schema<SmokeUsers>& users_schema() {
    static const Schema<SmokeUsers> schema{
        required("manage", &SmokeUsers::manage, "manage.py of the Django project"),
        optional("python", &SmokeUsers::python, "the interpreter of its virtual environment"),
        optional("user", &SmokeUsers::user,
                 "who runs it; the owner of manage.py when empty, unless that is root")
            .check(user_complaint),
        optional("roles", &SmokeUsers::roles, "login = role, for models of users that have one"),
    };
    return schema;
}

const Schema<CsrfSettings>& csrf_schema() {
    static const Schema<CsrfSettings> schema{
        required("get", &CsrfSettings::get, "page that sets the cookie").check(request_path_complaint),
        optional("cookie", &CsrfSettings::cookie, "its name"),
        optional("header", &CsrfSettings::header, "where it is sent back").check(header_name_complaint),
    };
    return schema;
}

const Schema<UploadSettings>& upload_schema() {
    static const Schema<UploadSettings> schema{
        required("field", &UploadSettings::field, "of the form"),
        optional("name", &UploadSettings::name, "of the file").not_empty(),
        optional("size", &UploadSettings::size, "of the file, which is made up")
            .between(1_B, k_largest_upload),
        optional("type", &UploadSettings::type, "content type").check(header_value_complaint),
    };
    return schema;
}

const Schema<LimitExpectation>& limit_schema() {
    static const Schema<LimitExpectation> schema{
        required("requests", &LimitExpectation::requests, "sent one after the other").between(2, 1000),
        required("per", &LimitExpectation::per, "within this time").between(1s, 1h),
        required("status", &LimitExpectation::status, "that the last must get"),
    };
    return schema;
}

void add_once(std::vector<std::string>& names, const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
        names.push_back(name);
    }
}

// A clean-up that names no value comes after everything.
bool touches_what_it_cleans(const StepSettings& step, const StepSettings& clean_up) {
    const std::vector<UsedValue> cleaned = values_used(clean_up);
    const std::vector<UsedValue> used = values_used(step);
    return cleaned.empty() || std::any_of(used.begin(), used.end(), [&](const UsedValue& each) {
               return std::any_of(cleaned.begin(), cleaned.end(),
                                  [&](const UsedValue& value) { return value.name == each.name; });
           });
}

// Clean-up comes after what uses what it cleans. What is asked until it is refused comes after everything else: the limit
// may be one for all that this address asks.
bool waits_for(const StepSettings& step, const StepSettings& other) {
    if (step.always) {
        return !other.always && touches_what_it_cleans(other, step);
    }
    const std::vector<std::string>& needs = other.common.needs;
    const bool needed = std::find(needs.begin(), needs.end(), step.name) != needs.end();
    return step.limit && !other.limit && !other.always && !needed;
}

} // namespace

const Schema<SmokeSettings>& smoke_schema() {
    static const Schema<SmokeSettings> schema{
        optional("base_url", &SmokeSettings::base_url, "of the site; paths are appended")
            .check(web_url_complaint),
        optional("deadline", &SmokeSettings::deadline, "of the whole run").between(1s, 1h),
        optional("timeout", &SmokeSettings::timeout, "of each request").between(10ms, 1h),
        optional("parallel", &SmokeSettings::parallel,
                 "requests at once; a step's own `parallel` comes on top")
            .between(1, 1000),
        optional("ca", &SmokeSettings::ca, "PEM file of the authority; the system's when empty"),
        optional("resolve", &SmokeSettings::resolve, "connect to this address; Host and SNI stay")
            .check(ip_address_complaint),
        optional("users", &SmokeSettings::users, users_schema(),
                 "test users, made by `lectio-smoke setup-users`"),
    };
    return schema;
}

const Schema<LoginSettings>& smoke_login_schema() {
    static const Schema<LoginSettings> schema =
        Schema<LoginSettings>{
            required("post", &LoginSettings::post, "path").check(request_path_complaint),
            optional("json", &LoginSettings::json, "body as JSON"),
            optional("form", &LoginSettings::form, "body as a form"),
            optional("token", &LoginSettings::token,
                     "JSON pointer to the bearer token; without: the session is the login")
                .check(pointer_complaint),
            optional("csrf", &LoginSettings::csrf, csrf_schema(), "token against forged requests"),
            optional("status", &LoginSettings::status, "2xx when absent; of a session also 302 and 303"),
            optional("timeout", &LoginSettings::timeout, "that of [smoke] when absent").between(10ms, 1h),
        }
            .verify([](const LoginSettings& login) -> std::vector<Complaint> {
                const std::vector<std::string> bodies = bodies_of(login);
                if (bodies.size() > 1) {
                    return {{bodies[1].c_str(), say(k_two_bodies, bodies[0], bodies[1])}};
                }
                return {};
            });
    return schema;
}

const Schema<StepSettings>& smoke_step_schema() {
    static const Schema<StepSettings> schema =
        Schema<StepSettings>{
            required("name", &StepSettings::name, "of the step").check(name_complaint),
            optional("as", &StepSettings::as, "login that it needs"),
            optional("get", &StepSettings::get, "path").check(target_complaint),
            optional("post", &StepSettings::post, "path; sent once a run, so its failure counts at once")
                .check(target_complaint),
            optional("put", &StepSettings::put, "path").check(target_complaint),
            optional("patch", &StepSettings::patch, "path; sent once a run, as post").check(target_complaint),
            optional("delete", &StepSettings::remove, "path").check(target_complaint),
            optional("json", &StepSettings::json, "body as JSON"),
            optional("form", &StepSettings::form, "body as a form; with upload: fields beside the file"),
            optional("upload", &StepSettings::upload, upload_schema(), "body as a file"),
            optional("headers", &StepSettings::headers, "sent along")
                .check_keys(header_name_complaint)
                .check(header_value_complaint),
            optional("range", &StepSettings::range, "bytes asked for, which must come exactly")
                .check(range_complaint),
            optional("status", &StepSettings::status, "2xx when absent; with range 206"),
            optional("expect_json", &StepSettings::expect_json,
                     "JSON pointer = value or { type, min, max }; of a list min and max are its length")
                .check_keys(pointer_complaint)
                .check(expectation_complaint),
            optional("expect_headers", &StepSettings::expect_headers, "header = pattern with * and ?")
                .check_keys(header_name_complaint),
            optional("contains", &StepSettings::contains, "must be in the body").or_single().not_empty(),
            optional("not_contains", &StepSettings::not_contains, "must not be in the body")
                .or_single()
                .not_empty(),
            optional("matches", &StepSettings::matches, "regular expression found in the body")
                .or_single()
                .check(pattern_complaint),
            optional("max_size", &StepSettings::max_size, "of the body; more: critical").between(1_B, 1_GB),
            optional("max_time", &StepSettings::max_time, "slower than this: warning").between(0ms, 1h),
            optional("timeout", &StepSettings::timeout,
                     "no full answer by then: critical; that of [smoke] when absent")
                .between(10ms, 1h),
            optional("follow", &StepSettings::follow, "redirects; one that only adds a slash is a failure"),
            optional("save", &StepSettings::save,
                     "name = JSON pointer, { header } or { matches }; used as {name} by other steps")
                .check_keys(value_name_complaint)
                .check(source_complaint),
            optional("always", &StepSettings::always,
                     "clean-up: after those that use its values, whatever came of them"),
            optional("parallel", &StepSettings::parallel, "requests at once").between(1, 1000),
            optional("within", &StepSettings::within, "each answer; later: warning").between(1ms, 1h),
            optional("repeat", &StepSettings::repeat, "times").between(1, 1000),
            optional("limit", &StepSettings::limit, limit_schema(), "the last of these must be refused"),
        }
            .verify(step_complaints);
    return schema;
}

MethodAndTarget method_of(const StepSettings& step) {
    constexpr std::array<std::string_view, 5> k_methods{"GET", "POST", "PUT", "PATCH", "DELETE"};
    const auto targets = targets_of(step);
    for (std::size_t i = 0; i < targets.size(); ++i) {
        if (*targets[i].second) {
            return {k_methods[i], targets[i].first, **targets[i].second};
        }
    }
    return {"GET", "get", "/"};
}

std::vector<std::string> references_in(std::string_view text) {
    std::vector<std::string> names;
    for (std::size_t open = text.find('{'); open != std::string_view::npos; open = text.find('{', open + 1)) {
        const std::size_t close = text.find_first_of("{}", open + 1);
        if (close != std::string_view::npos && text[close] == '}' &&
            is_name(text.substr(open + 1, close - open - 1))) {
            names.emplace_back(text.substr(open + 1, close - open - 1));
        }
    }
    return names;
}

std::vector<UsedValue> values_used(const StepSettings& step) {
    std::vector<UsedValue> used;
    const auto look_in = [&](std::string_view text, std::string_view key) {
        for (std::string& name : references_in(text)) {
            used.push_back({std::move(name), key});
        }
    };
    const MethodAndTarget request = method_of(step);
    look_in(request.target, request.key);
    look_in(step.json.text, "json");
    for (const auto& [name, value] : step.form) {
        look_in(value, "form");
    }
    for (const auto& [name, value] : step.headers) {
        look_in(value, "headers");
    }
    return used;
}

// { tpye = "string" }, { type = "array", mim = 1 }: compared as a value, it would be none that any site has.
bool is_rule_mistyped(const Json& json) {
    constexpr std::array<std::string_view, 3> k_keys{"type", "min", "max"};
    bool names_type = false;
    for (const auto& [key, value] : json.items()) {
        const std::optional<std::string_view> near = nearest(key, k_keys);
        if (!near) {
            return false;
        }
        names_type = names_type || (*near == "type" && value.is_string() &&
                                    std::any_of(k_types.begin(), k_types.end(), [&](const auto& type) {
                                        return type.first == value.template get_ref<const std::string&>();
                                    }));
    }
    return names_type;
}

Result<ExpectedValue> expected_value(const JsonText& written) {
    const Json json = Json::parse(written.text, nullptr, false);
    ExpectedValue expected;
    const bool is_rule = json.is_object() && !json.empty() &&
                         std::all_of(json.items().begin(), json.items().end(), [](auto it) {
                             return it.key() == "type" || it.key() == "min" || it.key() == "max";
                         });
    const Error wrong{ErrorKind::invalid, "no expectation"};
    if (!is_rule) {
        if (json.is_object() && is_rule_mistyped(json)) {
            return wrong;
        }
        expected.equal = written.text;
        return expected;
    }
    if (const auto type = json.find("type"); type != json.end()) {
        const auto known = std::find_if(k_types.begin(), k_types.end(), [&](const auto& each) {
            return type->is_string() && each.first == type->template get_ref<const std::string&>();
        });
        if (known == k_types.end()) {
            return wrong;
        }
        expected.type = known->second;
    }
    for (const auto& [key, limit] : {std::pair{"min", &expected.min}, std::pair{"max", &expected.max}}) {
        if (const auto value = json.find(key); value != json.end()) {
            if (!value->is_number()) {
                return wrong;
            }
            *limit = value->get<double>();
        }
    }
    return expected;
}

Result<SavedFrom> saved_from(const JsonText& written) {
    const Json json = Json::parse(written.text, nullptr, false);
    const Error wrong{ErrorKind::invalid, "nothing to save from"};
    if (json.is_string()) {
        const std::string pointer = json.get<std::string>();
        return pointer_complaint(pointer) ? Result<SavedFrom>(wrong)
                                          : SavedFrom{SavedFrom::Kind::pointer, pointer};
    }
    if (!json.is_object() || json.size() != 1 || !json.begin()->is_string()) {
        return wrong;
    }
    const std::string value = json.begin()->get<std::string>();
    if (json.begin().key() == "header" && !header_name_complaint(value)) {
        return SavedFrom{SavedFrom::Kind::header, value};
    }
    if (json.begin().key() == "matches" && !pattern_complaint(value)) {
        return SavedFrom{SavedFrom::Kind::pattern, value};
    }
    return wrong;
}

std::map<std::string, std::string> savers_of(const SmokeSettings& smoke) {
    std::map<std::string, std::string> savers;
    for (const StepSettings& step : smoke.steps) {
        for (const auto& [value, from] : step.save) {
            savers.emplace(value, step.name);
        }
    }
    return savers;
}

std::map<std::string, StepOrder> order_of(const SmokeSettings& smoke) {
    const std::map<std::string, std::string> savers = savers_of(smoke);
    std::map<std::string, StepOrder> orders;
    for (const LoginSettings& login : smoke.logins) {
        orders[check_of_login(login.name)].needs = login.common.needs;
    }
    for (const StepSettings& step : smoke.steps) {
        StepOrder& order = orders[step.name];
        if (!step.as.empty()) {
            add_once(order.needs, check_of_login(step.as));
        }
        std::vector<std::string>& before = step.always ? order.after : order.needs;
        for (const std::string& need : step.common.needs) {
            add_once(before, need);
        }
        for (const UsedValue& used : values_used(step)) {
            if (const auto saver = savers.find(used.name); saver != savers.end()) {
                add_once(before, saver->second);
            }
        }
        for (const StepSettings& other : smoke.steps) {
            if (&other != &step && waits_for(step, other)) {
                add_once(order.after, other.name);
            }
        }
        for (const LoginSettings& login : smoke.logins) {
            if (step.limit) {
                add_once(order.after, check_of_login(login.name));
            }
        }
    }
    return orders;
}

bool is_easily_guessed(std::string_view password) {
    constexpr std::size_t k_shortest = 8; // bytes
    return password.size() < k_shortest || is_ordinary_word(password);
}

std::string check_of_login(std::string_view login) {
    return "login-" + std::string(login);
}

bool is_on_the_site(const StepSettings& step, const SmokeSettings& smoke) {
    const std::string target = method_of(step).target;
    const Result<HttpUrl> elsewhere = parse_http_url(target);
    const Result<HttpUrl> site = parse_http_url(smoke.base_url);
    return !elsewhere || !site || elsewhere->same_origin(*site);
}

bool may_be_repeated(const StepSettings& step) {
    return !step.post && !step.patch && !step.limit;
}

} // namespace lectio
