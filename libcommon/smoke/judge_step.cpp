#include "smoke/judge_step.h"

#include "checks/http_expect.h"
#include "checks/http_words.h"
#include "smoke/values.h"
#include "smoke/whose_page.h"
#include "util/number.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;
using Type = ExpectedValue::Type;

constexpr std::size_t k_shown_characters = 80;
constexpr StatusSet::Range k_partial{206, 206};

constexpr Phrase k_no_slash{"the URL lacks its trailing slash: {} is redirected to {}",
                            "в адресе нет косой черты в конце: {} перенаправляется на {}"};
constexpr Phrase k_no_slash_hint{"write the path with / at its end: what is posted is lost in a redirect",
                                 "допишите / в конце пути: при перенаправлении тело запроса теряется"};
constexpr Phrase k_redirected{"HTTP {}, expected {}: redirected to {}",
                              "HTTP {}, ожидался {}: перенаправляет на {}"};
constexpr Phrase k_sent_to_login{"redirected to the login page {}", "перенаправляет на страницу входа {}"};
constexpr Phrase k_asks_login{"it asks for a login: the session or the token of this step is not accepted",
                              "просит войти: сессия или токен этого шага не принимаются"};
constexpr Phrase k_token_refused{
    "the login worked, its token is refused here: look at SECRET_KEY, the token's lifetime and the clock",
    "вход удался, а токен здесь не принимают: проверьте SECRET_KEY, срок токена и часы"};
constexpr Phrase k_role_refused{"the account may log in and may not do this: look at its role",
                                "войти этой записи можно, а сделать это нельзя: проверьте её роль"};
constexpr Phrase k_open{"open without a login: HTTP {}, expected {}",
                        "открыто без входа: HTTP {}, ожидался {}"};
constexpr Phrase k_open_hint{
    "anybody on the Internet gets what stands there: the view asks for no login (permission_classes, "
    "login_required), or something in front of it answers in its place",
    "это может прочитать кто угодно в интернете: view не требует входа (permission_classes, login_required) "
    "или "
    "вместо неё отвечает кто-то перед ней"};
constexpr Phrase k_open_to{"open to {}, who should be refused: HTTP {}, expected {}",
                           "открыто для {}, хотя должен быть отказ: HTTP {}, ожидался {}"};
constexpr Phrase k_open_to_hint{"the view does not look at the role: its permission_classes",
                                "view не смотрит на роль: проверьте её permission_classes"};
constexpr Phrase k_max_size_hint{"raise max_size if this size is right",
                                 "если такой размер — норма, увеличьте max_size"};

constexpr Phrase k_range_ignored{"Range is ignored: HTTP 200 and the whole file ({}); players cannot wind it",
                                 "Range не работает: HTTP 200 и файл целиком ({}); перемотки не будет"};
constexpr Phrase k_range_hint{
    "who serves the file must answer 206: nginx by X-Accel-Redirect does",
    "тот, кто отдаёт файл, должен отвечать 206: nginx через X-Accel-Redirect умеет"};
constexpr Phrase k_no_content_range{"HTTP 206 without a Content-Range that can be read: “{}”",
                                    "HTTP 206 без понятного Content-Range: «{}»"};
constexpr Phrase k_other_range{"Content-Range is “{}”, asked were the bytes {}",
                               "Content-Range — «{}», а просили байты {}"};
constexpr Phrase k_other_length{"{} bytes came, Content-Range promises {}",
                                "пришло байт: {}, а Content-Range обещает {}"};

constexpr Phrase k_other_type{"{} is {}, expected a value of type {}", "{} — {}, ожидался тип {}"};
constexpr Phrase k_empty_list{"the list {} is empty, at least {} expected",
                              "список {} пуст, ожидалось не меньше {}"};
constexpr Phrase k_whole_list{"of the answer", "в ответе"};
constexpr Phrase k_too_short{"the length of {} is {}, at least {} expected",
                             "длина {} — {}, ожидалось не меньше {}"};
constexpr Phrase k_too_long{"the length of {} is {}, at most {} expected",
                            "длина {} — {}, ожидалось не больше {}"};
constexpr Phrase k_too_low{"{} is {}, at least {} expected", "{} — {}, ожидалось не меньше {}"};
constexpr Phrase k_too_high{"{} is {}, at most {} expected", "{} — {}, ожидалось не больше {}"};

constexpr Phrase k_nothing_to_save{
    "the answer has nothing to save as {}: no {}; what needs it is not asked",
    "в ответе нет значения {}: не найдено {}; что на нём строится, не проверено"};
constexpr Phrase k_nothing_to_save_hint{"see what came, then mend the site or `save` of this step",
                                        "посмотрите, что пришло, и исправьте сайт или save этого шага"};

constexpr Phrase k_in_phases{
    "of these {} looking up and connecting, {} waiting for the first byte, {} receiving",
    "из них {} — поиск имени и соединение, {} — ожидание первого байта, {} — получение"};
constexpr Phrase k_slow_behind{"the time goes where the answer is made: the application, its database",
                               "время уходит там, где готовят ответ: приложение, его база"};
constexpr Phrase k_slow_on_the_way{"the time goes on the way there: the network, or this host is busy",
                                   "время уходит по дороге: сеть или занят этот сервер"};

constexpr Phrase k_burst_bad{"{} of {} at once: {}", "{} из {} одновременных: {}"};
constexpr Phrase k_burst_late{"{} of {} at once answered later than {}, the slowest after {}",
                              "{} из {} одновременных ответили дольше чем за {}, самый медленный — за {}"};
constexpr Phrase k_burst_late_hint{
    "requests wait in a row: too few workers, or a pool of connections that is too small",
    "запросы стоят в очереди: мало воркеров или мал пул соединений"};
constexpr Phrase k_burst_good{"{} at once, the slowest in {}", "{} одновременно, самый медленный — {}"};
constexpr Phrase k_repeat_bad{"asked {} times, attempt {}: {}", "спрошено раз: {}, на {}-й раз: {}"};

constexpr Phrase k_no_limit{"nothing limits it: {} in {}, and the last got HTTP {}, expected {}",
                            "ограничения нет: {} за {}, и последний получил HTTP {}, ожидался {}"};
constexpr Phrase k_no_limit_hint{
    "passwords can be guessed here: limit_req in nginx, or a throttle in the application",
    "здесь можно подбирать пароли: поставьте limit_req в nginx или ограничение в приложении"};
constexpr Phrase k_no_path{"nothing to limit is there: HTTP {}", "ограничивать там нечего: HTTP {}"};
constexpr Phrase k_no_path_hint{
    "the path of this step is wrong, or the site has moved it: whether there is a limit is not known",
    "путь этого шага неверен или сайт его перенёс: есть ли ограничение, неизвестно"};
constexpr Phrase k_limit_too_slow{"{} took {}, longer than {}: whether there is a limit cannot be said",
                                  "{} за {}, дольше чем {}: есть ли ограничение, сказать нельзя"};
constexpr Noun k_requests{"request", "requests", "запрос", "запроса", "запросов"};
constexpr Phrase k_limit_broken{"request {} of {}: {}", "запрос {} из {}: {}"};
constexpr Phrase k_limit_good{"limited: request {} of {} got HTTP {}",
                              "ограничение работает: запрос {} из {} получил HTTP {}"};

StatusSet wanted_status(const StepSettings& step) {
    if (step.status) {
        return *step.status;
    }
    return step.range.empty() ? StatusSet() : StatusSet({k_partial});
}

// ── redirects ──

// "/api/x" of "https://site:1/api/x?page=2".
std::string_view path_of(std::string_view url) {
    if (const std::size_t scheme = url.find("://"); scheme != std::string_view::npos) {
        const std::size_t slash = url.find('/', scheme + 3);
        url = slash == std::string_view::npos ? std::string_view("/") : url.substr(slash);
    }
    return url.substr(0, url.find_first_of("?#"));
}

bool only_adds_slash(std::string_view from, std::string_view to) {
    return std::string(path_of(from)) + "/" == path_of(to);
}

Wrong lacks_slash(std::string_view from, std::string_view to) {
    if (!only_adds_slash(from, to)) {
        return std::nullopt;
    }
    CheckResult result;
    result.status = Status::critical;
    result.message = say(k_no_slash, shorten(clean_line(path_of(from)), k_shown_characters),
                         shorten(clean_line(path_of(to)), k_shown_characters));
    result.hint = say(k_no_slash_hint);
    result.remedy = Remedy::cannot_help;
    return result;
}

bool is_login_page(std::string_view url) {
    constexpr std::array<std::string_view, 4> k_words{"login", "signin", "sign-in", "accounts/auth"};
    return std::any_of(k_words.begin(), k_words.end(),
                       [&](std::string_view word) { return contains_ignoring_case(path_of(url), word); });
}

// The login page itself is HTTP 200 and holds whatever every page of the site holds. On the way a login server may be
// passed that sends back who is logged in.
Wrong sent_to_login(const HttpAnswer& answer, const StepSettings& step, const HttpRequest& request) {
    if (step.as.empty() || answer.hops.empty() || is_login_page(request.url) ||
        !is_login_page(answer.final_url)) {
        return std::nullopt;
    }
    CheckResult result;
    result.status = Status::critical;
    result.message = say(k_sent_to_login, shorten(clean_line(path_of(answer.final_url)), k_shown_characters));
    result.hint = join("; ", {say(k_asks_login), hops_words(answer)});
    return result;
}

Wrong wrong_redirect(const HttpAnswer& answer, const StepSettings& step, const HttpRequest& request) {
    for (std::size_t i = 0; i < answer.hops.size(); ++i) {
        const std::string& next = i + 1 < answer.hops.size() ? answer.hops[i + 1].url : answer.final_url;
        if (Wrong wrong = lacks_slash(answer.hops[i].url, next)) {
            return wrong;
        }
    }
    if (Wrong wrong = sent_to_login(answer, step, request)) {
        return wrong;
    }
    const std::string* location = answer.header("location");
    const StatusSet wanted = wanted_status(step);
    if (location == nullptr || answer.status / 100 != 3 || wanted.contains(answer.status)) {
        return std::nullopt;
    }
    if (Wrong wrong = lacks_slash(request.url, *location)) {
        return wrong;
    }
    CheckResult result;
    result.status = Status::critical;
    result.message =
        say(k_redirected, answer.status, wanted.words(), shorten(clean_line(*location), k_shown_characters));
    result.hint = is_login_page(*location) ? say(k_asks_login) : Text{};
    return result;
}

// ── the status ──

bool is_refusal(int status) {
    return status == 401 || status == 403;
}

// Let in where the step wants to be refused. The answer is then what nobody should see, and stays out of what is told;
// a page that says who asks is no such answer.
Wrong let_in(const HttpAnswer& answer, const StepSettings& step) {
    const StatusSet wanted = wanted_status(step);
    const bool to_be_refused = wanted.contains(401) || wanted.contains(403);
    const bool is_in = answer.status / 100 == 2 && !wanted.contains(answer.status);
    const bool at_login = !answer.hops.empty() && is_login_page(answer.final_url);
    if (!to_be_refused || !is_in || at_login || !whose_page(answer, Wanted::data).empty()) {
        return std::nullopt;
    }
    CheckResult result;
    result.status = Status::critical;
    result.message = step.as.empty() ? say(k_open, answer.status, wanted.words())
                                     : say(k_open_to, step.as, answer.status, wanted.words());
    result.hint = say(step.as.empty() ? k_open_hint : k_open_to_hint);
    result.remedy = Remedy::cannot_help;
    return result;
}

Wrong unwanted_status(const HttpAnswer& answer, const StepSettings& step) {
    if (Wrong open = let_in(answer, step)) {
        return open;
    }
    if (!step.range.empty() && answer.status == 200 && !wanted_status(step).contains(200)) {
        CheckResult result;
        result.status = Status::critical;
        result.message = say(k_range_ignored, format_size({answer.body.size()}));
        result.hint = say(k_range_hint);
        return result;
    }
    Wrong wrong = wrong_status(answer, wanted_status(step));
    if (wrong && !step.as.empty() && is_refusal(answer.status)) {
        wrong->hint = say(answer.status == 401 ? k_token_refused : k_role_refused);
    }
    return wrong;
}

// ── Range (RFC 9110, 14) ──

struct ContentRange {
    std::uint64_t first = 0, last = 0;
    std::optional<std::uint64_t> total; // none: "*"
};

std::optional<ContentRange> content_range(std::string_view text) {
    text = trim(text);
    const std::size_t dash = text.find('-');
    const std::size_t slash = text.find('/');
    if (!text.starts_with("bytes ") || dash == std::string_view::npos || slash == std::string_view::npos ||
        slash < dash) {
        return std::nullopt;
    }
    const auto first = number_from<std::uint64_t>(text.substr(6, dash - 6));
    const auto last = number_from<std::uint64_t>(text.substr(dash + 1, slash - dash - 1));
    const std::string_view total = text.substr(slash + 1);
    if (!first || !last || *first > *last || (total != "*" && !number_from<std::uint64_t>(total))) {
        return std::nullopt;
    }
    return ContentRange{*first, *last, number_from<std::uint64_t>(total)};
}

// Whether these are the bytes asked for: of "0-1023" as far as the file goes.
bool is_as_asked(const ContentRange& seen, std::string_view asked) {
    const std::size_t dash = asked.find('-');
    const auto first = number_from<std::uint64_t>(asked.substr(0, dash));
    const auto last = number_from<std::uint64_t>(asked.substr(dash + 1));
    if (!first) { // the last bytes
        return seen.last - seen.first + 1 == last || (seen.first == 0 && seen.total == seen.last + 1);
    }
    const bool to_the_end = !seen.total || seen.last + 1 == *seen.total;
    return seen.first == *first && (seen.last == last || (to_the_end && (!last || seen.last < *last)));
}

Wrong wrong_range(const HttpAnswer& answer, const StepSettings& step) {
    if (step.range.empty() || answer.status != k_partial.first) {
        return std::nullopt;
    }
    const std::string* header = answer.header("content-range");
    const std::string text = header == nullptr ? "" : shorten(clean_line(*header), k_shown_characters);
    const std::optional<ContentRange> seen = content_range(header == nullptr ? "" : *header);
    if (!seen) {
        return critical(say(k_no_content_range, text), {});
    }
    if (!is_as_asked(*seen, step.range)) {
        return critical(say(k_other_range, text, step.range), {});
    }
    const std::uint64_t length = seen->last - seen->first + 1;
    if (answer.body.size() != length) {
        return critical(say(k_other_length, answer.body.size(), length), {});
    }
    return std::nullopt;
}

// ── headers, text, JSON ──

bool matches_wildcard(std::string_view seen, std::string_view pattern) {
    return wildcard_match(to_lower_ascii(pattern), to_lower_ascii(seen));
}

Wrong wrong_headers(const HttpAnswer& answer, const StepSettings& step) {
    for (const auto& [name, pattern] : step.expect_headers) {
        if (Wrong wrong = wrong_header(answer, name, pattern, matches_wildcard)) {
            return wrong;
        }
    }
    return std::nullopt;
}

Wrong wrong_words(const HttpAnswer& answer, const StepSettings& step) {
    if (Wrong wrong = wrong_text(answer, step.contains, step.not_contains)) {
        return wrong;
    }
    return wrong_pattern(answer, step.matches);
}

std::string_view type_name(Type type) {
    constexpr std::array<std::string_view, 8> k_names{"any",     "string", "number", "integer",
                                                      "boolean", "array",  "object", "null"};
    return k_names[static_cast<std::size_t>(type)];
}

bool is_of(const Json& value, Type type) {
    switch (type) {
    case Type::any:
        return true;
    case Type::string:
        return value.is_string();
    case Type::number:
        return value.is_number();
    case Type::integer:
        return value.is_number_integer();
    case Type::boolean:
        return value.is_boolean();
    case Type::array:
        return value.is_array();
    case Type::object:
        return value.is_object();
    case Type::null:
        return value.is_null();
    }
    return false;
}

std::string plain(double number) {
    return number == std::floor(number) ? fmt::format("{:.0f}", number) : fmt::format("{}", number);
}

Wrong out_of_limits(const HttpAnswer& answer, const Json& value, const Text& name,
                    const ExpectedValue& expected) {
    const bool is_number = value.is_number();
    const std::size_t length = value.is_string() ? value.get_ref<const std::string&>().size() : value.size();
    const double size = is_number ? value.get<double>() : static_cast<double>(length);
    if (expected.min && size < *expected.min) {
        const std::string least = plain(*expected.min);
        if (value.is_array() && value.empty()) {
            return critical(say(k_empty_list, name, least), answer);
        }
        return critical(say(is_number ? k_too_low : k_too_short, name, plain(size), least), answer);
    }
    if (expected.max && size > *expected.max) {
        return critical(say(is_number ? k_too_high : k_too_long, name, plain(size), plain(*expected.max)),
                        answer);
    }
    return std::nullopt;
}

Wrong wrong_json_value(const HttpAnswer& answer, const Json& json, const std::string& pointer,
                       const ExpectedValue& expected) {
    if (expected.equal) {
        return wrong_value(answer, json, pointer, *expected.equal);
    }
    const Json* value = value_at(json, pointer);
    if (value == nullptr) {
        return missing_value(answer, pointer);
    }
    const Text name = pointer.empty() ? say(k_whole_list) : verbatim(pointer);
    if (!is_of(*value, expected.type)) {
        return critical(say(k_other_type, name, shown(*value), type_name(expected.type)), answer);
    }
    return out_of_limits(answer, *value, name, expected);
}

// Also where a value is only to be saved: without JSON there is none.
bool speaks_json(const StepSettings& step) {
    return !step.expect_json.empty() ||
           std::any_of(step.save.begin(), step.save.end(), [](const auto& saved) {
               const Result<SavedFrom> from = saved_from(saved.second);
               return from && from->kind == SavedFrom::Kind::pointer;
           });
}

Wrong wrong_json(const HttpAnswer& answer, const StepSettings& step) {
    Json json;
    if (!speaks_json(step)) {
        return std::nullopt;
    }
    if (Wrong wrong = parse_body(answer, json)) {
        return wrong;
    }
    for (const auto& [pointer, written] : step.expect_json) {
        const Result<ExpectedValue> expected = expected_value(written);
        if (Wrong wrong = expected ? wrong_json_value(answer, json, pointer, *expected) : std::nullopt) {
            return wrong;
        }
    }
    return std::nullopt;
}

// ── what later steps need of it ──

// A good answer without it: the steps behind it are skipped, and nobody would hear of it.
Wrong nothing_to_save(const HttpAnswer& answer, const StepSettings& step) {
    const Values saved = step.save.empty() ? Values{} : saved_values(step.save, answer);
    for (const auto& [name, written] : step.save) {
        if (saved.contains(name)) {
            continue;
        }
        const Result<SavedFrom> from = saved_from(written);
        const std::string where = from ? shorten(clean_line(from->what), k_shown_characters) : "";
        CheckResult result;
        result.status = Status::warning;
        result.message = say(k_nothing_to_save, fmt::format("{{{}}}", name), where);
        result.hint = say(k_nothing_to_save_hint);
        result.remedy = Remedy::cannot_help;
        return result;
    }
    return std::nullopt;
}

// ── time ──

struct Phases {
    std::chrono::microseconds on_the_way{}, waiting{}, receiving{};
};

// A kept connection skips some phases: they have taken no time.
Phases phases_of(const HttpAnswer& answer) {
    using Phase = HttpAnswer::Phase;
    const auto left = [&](Phase phase) { return answer.phases[static_cast<std::size_t>(phase)]; };
    Phases phases;
    for (const Phase phase : {Phase::dns, Phase::connect, Phase::tls, Phase::send}) {
        phases.on_the_way = std::max(phases.on_the_way, left(phase).value_or(std::chrono::microseconds(0)));
    }
    const auto first_byte = left(Phase::first_byte).value_or(phases.on_the_way);
    phases.waiting = first_byte - phases.on_the_way;
    phases.receiving = answer.total - first_byte;
    return phases;
}

std::string short_time(std::chrono::microseconds time) {
    return format_duration(std::chrono::duration_cast<Duration>(time));
}

CheckResult with_phases(CheckResult slow, const HttpAnswer& answer) {
    const Phases phases = phases_of(answer);
    slow.hint = join("; ", {say(k_in_phases, short_time(phases.on_the_way), short_time(phases.waiting),
                                short_time(phases.receiving)),
                            say(phases.waiting >= phases.on_the_way + phases.receiving ? k_slow_behind
                                                                                       : k_slow_on_the_way)});
    return slow;
}

// What is to hold a text and is nothing more particular is a page.
Wanted wanted_of(const StepSettings& step) {
    const bool is_page = !step.contains.empty() && !speaks_json(step) && step.expect_headers.empty();
    return is_page ? Wanted::page : Wanted::data;
}

Wrong wrong_answer(const HttpAnswer& answer, const StepSettings& step, const HttpRequest& request) {
    if (Wrong wrong = http_failure(answer, request)) {
        if (answer.failure == HttpAnswer::Failure::too_large) {
            wrong->hint = say(k_max_size_hint);
        }
        return wrong;
    }
    if (Wrong wrong = wrong_redirect(answer, step, request)) {
        return wrong;
    }
    for (const auto& part : {unwanted_status, wrong_range, wrong_headers, wrong_words, wrong_json}) {
        if (Wrong wrong = part(answer, step)) {
            const Text whose = whose_page(answer, wanted_of(step));
            wrong->hint = whose.empty() ? wrong->hint : whose;
            if (!answer.hops.empty()) {
                wrong->hint =
                    wrong->hint.empty() ? hops_words(answer) : join("; ", {wrong->hint, hops_words(answer)});
            }
            return wrong;
        }
    }
    return std::nullopt;
}

void add_metrics(CheckResult& result, std::chrono::microseconds time, Duration warn, Duration limit) {
    Metric metric{"time", seconds(time), "s", std::nullopt, seconds(limit)};
    if (warn > 0ms) {
        metric.warn = seconds(warn);
    }
    result.metrics.push_back(std::move(metric));
}

} // namespace

CheckResult evaluate_step(const HttpAnswer& answer, const StepSettings& step, const HttpRequest& request) {
    CheckResult result;
    if (Wrong wrong = wrong_answer(answer, step, request)) {
        result = *std::move(wrong);
    } else if (Wrong nothing = nothing_to_save(answer, step)) {
        result = *std::move(nothing);
    } else {
        const Duration wanted = step.max_time > 0ms ? step.max_time : step.within;
        result = judge_time(answer, wanted);
        if (result.status != Status::ok) {
            result = with_phases(std::move(result), answer);
        }
    }
    add_metrics(result, answer.total, step.max_time, request.timeout);
    return result;
}

CheckResult evaluate_burst(const std::vector<HttpAnswer>& answers, const StepSettings& step,
                           const HttpRequest& request) {
    std::size_t bad = 0;
    std::size_t late = 0;
    std::chrono::microseconds slowest{};
    CheckResult result;
    for (const HttpAnswer& answer : answers) {
        slowest = std::max(slowest, answer.total);
        late += step.within > 0ms && answer.total > step.within ? 1 : 0;
        Wrong wrong = wrong_answer(answer, step, request);
        if (wrong && ++bad == 1) {
            result = *std::move(wrong);
        }
    }
    if (bad > 0) {
        result.message = say(k_burst_bad, bad, answers.size(), result.message);
    } else if (late > 0) {
        result.status = Status::warning;
        result.message =
            say(k_burst_late, late, answers.size(), format_duration(step.within), short_time(slowest));
        result.hint = say(k_burst_late_hint);
    } else {
        result.status = Status::ok;
        result.message = say(k_burst_good, answers.size(), short_time(slowest));
    }
    add_metrics(result, slowest, step.within, request.timeout);
    return result;
}

CheckResult evaluate_repeated(std::vector<CheckResult> results) {
    std::size_t bad = results.size() - 1;
    for (std::size_t i = results.size(); i > 0; --i) {
        const Status status = results[i - 1].status; // of two that are as bad the first
        bad = worst(status, results[bad].status) == status ? i - 1 : bad;
    }
    if (results.size() == 1 || results[bad].status == Status::ok) {
        return std::move(results.back());
    }
    CheckResult result = std::move(results[bad]);
    result.message = say(k_repeat_bad, results.size(), bad + 1, result.message);
    return result;
}

namespace {

// Asked where nobody logs in, no limit is a finding, and many refusals are none.
Wrong wrong_path(const HttpAnswer& answer, const LimitExpectation& limit) {
    const int status = answer.status;
    const bool elsewhere = status == 404 || status == 405 || status == 410 || status / 100 == 3;
    if (!elsewhere || limit.status.contains(status)) {
        return std::nullopt;
    }
    CheckResult result;
    result.status = Status::critical;
    result.message = say(k_no_path, status);
    result.hint = say(k_no_path_hint);
    result.remedy = Remedy::cannot_help;
    return result;
}

} // namespace

CheckResult evaluate_limit(const std::vector<HttpAnswer>& answers, Duration took, const StepSettings& step,
                           const HttpRequest& request) {
    const LimitExpectation& limit = *step.limit;
    const StatusSet no_fault({{100, 499}});
    if (Wrong wrong = wrong_path(answers.back(), limit)) {
        return *std::move(wrong);
    }
    for (std::size_t i = 0; i < answers.size(); ++i) {
        Wrong wrong = http_failure(answers[i], request);
        if (!wrong && !limit.status.contains(answers[i].status)) {
            wrong = wrong_status(answers[i], no_fault);
        }
        if (wrong) {
            wrong->message = say(k_limit_broken, i + 1, answers.size(), wrong->message);
            return *std::move(wrong);
        }
    }
    CheckResult result;
    const Text sent = counted(static_cast<std::int64_t>(answers.size()), k_requests);
    const HttpAnswer& last = answers.back();
    if (limit.status.contains(last.status)) {
        const auto refused = std::find_if(answers.begin(), answers.end(), [&](const HttpAnswer& answer) {
            return limit.status.contains(answer.status);
        });
        result.status = Status::ok;
        result.message = say(k_limit_good, refused - answers.begin() + 1, answers.size(), last.status);
    } else if (took > limit.per) {
        result.status = Status::unknown;
        result.message = say(k_limit_too_slow, sent, format_duration(took), format_duration(limit.per));
    } else {
        result.status = Status::critical;
        result.message = say(k_no_limit, sent, format_duration(took), last.status, limit.status.words());
        result.hint = say(k_no_limit_hint);
        result.remedy = Remedy::cannot_help;
    }
    return result;
}

} // namespace lectio
