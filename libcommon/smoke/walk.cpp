#include "smoke/walk.h"

#include "checks/http_words.h"
#include "checks/shared_words.h"
#include "smoke/judge_login.h"
#include "smoke/judge_step.h"
#include "smoke/lanes.h"
#include "smoke/requests.h"
#include "util/secret.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

namespace lectio {
namespace {

constexpr Phrase k_behind{"not asked, because {} has failed", "не спрашивали: не сработал {}"};
constexpr Phrase k_no_value{"not asked: {} has saved no {{{}}}", "не спрашивали: {} не дал {{{}}}"};
constexpr Phrase k_no_site{"not asked: the site cannot be reached", "не спрашивали: сайт недоступен"};
constexpr Phrase k_unreached{"the site cannot be reached: {}", "сайт недоступен: {}"};
constexpr Phrase k_base_url{"it is written in [smoke] base_url: {}", "оно записано в [smoke] base_url: {}"};
constexpr Phrase k_reached{"the site answers", "сайт отвечает"};
constexpr Phrase k_not_there{"not asked: there is no {}", "не спрашивали: {} нет"};

CheckResult skipped(Text why) {
    CheckResult result;
    result.status = Status::skipped;
    result.message = std::move(why);
    return result;
}

// Back on the loop, after everything that is begun now has begun.
class [[nodiscard]] NextTurn {
  public:
    explicit NextTurn(Http& http) : m_http(http) {}
    NextTurn(const NextTurn&) = delete;
    NextTurn& operator=(const NextTurn&) = delete;
    ~NextTurn() { *m_wanted = false; }
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
        m_http.post([waiting, wanted = m_wanted] {
            if (*wanted) {
                waiting.resume();
            }
        });
    }
    void await_resume() const noexcept {}

  private:
    Http& m_http;
    std::shared_ptr<bool> m_wanted = std::make_shared<bool>(true);
};

class Over;

// A login or a step on the way.
struct Place {
    const LoginSettings* login = nullptr; // one of the two
    const StepSettings* step = nullptr;
    StepOrder order;
    enum class State { idle, begun, over, kept } state = State::idle; // kept: over in the walk before
    bool good = false;                                                // what needs it may go on
    CheckResult result;
    std::exception_ptr error;
    Identity identity;                // of a login
    bool unreached = false;           // the site could not be reached: nothing was seen of this
    std::deque<Exchange> exchanges;   // the last
    bool may_have_arrived = false;    // one of them all
    bool is_asking = false;           // a request is under way
    std::chrono::microseconds took{}; // with requests of its own
    // Of the walk before, in which it was asked: it is not to be asked for its own sake again.
    std::optional<CheckResult> asked_before;
    std::vector<Over*> waiting;
    std::optional<Task<CheckResult>> task;
};

// Until a place that is begun is over.
class [[nodiscard]] Over {
  public:
    explicit Over(Place& place) : m_place(place) {}
    Over(const Over&) = delete;
    Over& operator=(const Over&) = delete;
    ~Over() { std::erase(m_place.waiting, this); }
    [[nodiscard]] bool await_ready() const {
        return m_place.state == Place::State::over || m_place.state == Place::State::kept;
    }
    void await_suspend(std::coroutine_handle<> waiting) {
        m_handle = waiting;
        m_place.waiting.push_back(this);
    }
    void await_resume() const noexcept {}
    void wake() { m_handle.resume(); }

  private:
    Place& m_place;
    std::coroutine_handle<> m_handle;
};

// What is known of the way to the site. The first answer to anything shows that there is one; while nothing has been
// answered, one request that gets nothing brings it in doubt, and the connection is looked at by itself.
enum class Contact { unknown, there, in_doubt, gone };

// Until something is known of it.
class [[nodiscard]] News {
  public:
    News(const Contact& contact, std::coroutine_handle<>& waiting) : m_contact(contact), m_waiting(waiting) {}
    [[nodiscard]] bool await_ready() const { return m_contact != Contact::unknown; }
    void await_suspend(std::coroutine_handle<> waiting) { m_waiting = waiting; }
    void await_resume() const noexcept {}

  private:
    const Contact& m_contact;
    std::coroutine_handle<>& m_waiting;
};

bool was_answered(const HttpAnswer& answer) {
    return answer.failure == HttpAnswer::Failure::none || answer.status != 0 || !answer.hops.empty();
}

bool may_have_arrived(const HttpAnswer& answer) {
    return was_answered(answer) || answer.phase >= HttpAnswer::Phase::send;
}

// An error page with its reason, an account with its role: what is looked up later stands at the beginning.
constexpr std::size_t k_kept_body = std::size_t{64} << 10U;
// A step may ask a thousand times a thousand.
constexpr std::size_t k_kept_exchanges = 50;

template<class Message>
Message beginning_of(const Message& message) {
    std::size_t end = std::min(message.body.size(), k_kept_body);
    while (end > 0 && end < message.body.size() && (message.body[end] & 0xC0) == 0x80) {
        --end; // not amid a character
    }
    Message kept = message;
    kept.body = message.body.substr(0, end);
    return kept;
}

void keep(Place& place, const HttpRequest& request, const HttpAnswer& answer) {
    place.may_have_arrived = place.may_have_arrived || may_have_arrived(answer);
    const int number = place.exchanges.empty() ? 1 : place.exchanges.back().number + 1;
    place.exchanges.push_back(
        {number, beginning_of(request), beginning_of(answer), request.body.size(), answer.body.size()});
    if (place.exchanges.size() > k_kept_exchanges) {
        place.exchanges.pop_front();
    }
}

} // namespace

class Walk::Graph {
  public:
    Graph(std::shared_ptr<const SmokeSettings> settings, Http& http, Clock& clock)
        : m_settings(std::move(settings)), m_http(http), m_clock(clock),
          m_lanes(static_cast<std::size_t>(m_settings->parallel)) {
        for (auto& [name, order] : order_of(*m_settings)) {
            m_places[name].order = std::move(order);
        }
        for (const LoginSettings& login : m_settings->logins) {
            m_places[check_of_login(login.name)].login = &login;
        }
        for (const StepSettings& step : m_settings->steps) {
            m_places[step.name].step = &step;
        }
        m_places[m_connection];
        m_savers = savers_of(*m_settings);
    }

    ~Graph() {
        m_lanes.close(); // or one task that goes would let the next begin
        for (auto& [name, place] : m_places) {
            place.task.reset(); // it may wait for another place, which has to be there still
        }
    }
    Graph(const Graph&) = delete;
    Graph& operator=(const Graph&) = delete;

    [[nodiscard]] std::unique_ptr<Graph> again() const {
        auto fresh = std::make_unique<Graph>(m_settings, m_http, m_clock);
        for (const auto& [name, place] : m_places) {
            Place& known = fresh->m_places[name];
            if (was_asked_only_once(place)) {
                known.asked_before = place.asked_before ? place.asked_before : place.result;
            }
            if (is_kept(place)) {
                known.state = Place::State::kept;
                known.good = place.good;
                known.result = place.result;
                known.identity = place.identity;
                fresh->take_values(place, m_values);
            }
        }
        return fresh;
    }

    Task<CheckResult> result_of(std::string name) {
        if (!m_places.contains(name)) {
            co_return skipped(say(k_not_there, name));
        }
        if (const std::optional<CheckResult>& before = m_places.at(name).asked_before) {
            co_return *before;
        }
        co_await over(name);
        const Place& place = m_places.at(name);
        if (place.error) {
            std::rethrow_exception(place.error);
        }
        co_return place.result;
    }

    Task<CheckResult> result_and_clean_up(std::string name) {
        Task<CheckResult> asked = result_of(std::move(name));
        CheckResult result = co_await std::move(asked);
        for (const std::string& clean_up : clean_ups_of_what_was_made()) {
            co_await over(clean_up);
        }
        co_return result;
    }

    void begin_clean_up(std::set<std::string>& removed) {
        const std::vector<std::string> all = clean_ups_of_what_was_made();
        if (std::all_of(all.begin(), all.end(), [&](const std::string& name) {
                return m_places.at(name).state == Place::State::over;
            })) {
            note_removed(all, removed);
            return;
        }
        m_lanes.close();
        m_waits_for_news = nullptr; // it goes with its task
        for (auto& [name, place] : m_places) {
            const bool cleans = std::find(all.begin(), all.end(), name) != all.end();
            if (place.state == Place::State::begun && !(cleans && place.is_asking)) {
                drop(place, cleans ? Place::State::idle : Place::State::over);
            }
        }
        for (const std::string& name : note_removed(all, removed)) {
            begin(name);
            m_cleans_up.push_back(name);
        }
    }

    [[nodiscard]] bool is_cleaning_up() const {
        return std::any_of(m_cleans_up.begin(), m_cleans_up.end(), [&](const std::string& name) {
            return m_places.at(name).state == Place::State::begun;
        });
    }

    [[nodiscard]] bool was_asked_for(const std::string& name) const {
        const auto place = m_places.find(name);
        return place != m_places.end() &&
               (place->second.state == Place::State::begun || place->second.state == Place::State::over);
    }

    [[nodiscard]] std::string cause_of(const std::string& name) const {
        const auto found = m_places.find(name);
        if (found == m_places.end()) {
            return "";
        }
        if (found->second.unreached) {
            return m_connection;
        }
        for (const std::string& need :
             found->second.order.needs) { // no circles, as the configuration was read
            const auto place = m_places.find(need);
            if (place == m_places.end()) {
                continue;
            }
            const bool failed = place->second.state == Place::State::over && !place->second.good;
            if (failed && place->second.result.status != Status::skipped) {
                return need;
            }
            if (std::string cause = cause_of(need); !cause.empty()) {
                return cause;
            }
        }
        return "";
    }

    [[nodiscard]] std::optional<CheckResult> known_result(const std::string& name) const {
        const auto place = m_places.find(name);
        return place != m_places.end() && place->second.state == Place::State::over
                   ? std::optional(place->second.result)
                   : std::nullopt;
    }

    [[nodiscard]] const std::deque<Exchange>& exchanges_of(const std::string& name) const {
        static const std::deque<Exchange> none;
        const auto place = m_places.find(name);
        return place == m_places.end() ? none : place->second.exchanges;
    }

  private:
    // Nobody waits for it any more.
    static void drop(Place& place, Place::State state) {
        place.task.reset();
        place.waiting.clear();
        place.state = state;
        place.good = false;
        place.result = not_finished({});
    }

    // Those of `clean_ups` whose requests were not noted yet.
    std::vector<std::string> note_removed(const std::vector<std::string>& clean_ups,
                                          std::set<std::string>& removed) const {
        std::vector<std::string> fresh;
        for (const std::string& name : clean_ups) {
            const StepSettings& step = *m_places.at(name).step;
            const HttpRequest request = step_request(step, identity_of(step), m_values, *m_settings);
            if (removed.insert(request.method + " " + request.url + " " + request.body).second) {
                fresh.push_back(name);
            }
        }
        return fresh;
    }

    [[nodiscard]] const Identity* identity_of(const StepSettings& step) const {
        return step.as.empty() ? nullptr : &m_places.at(check_of_login(step.as)).identity;
    }

    // Sent, and to send it twice may do something twice.
    static bool was_asked_only_once(const Place& place) {
        return place.step != nullptr && !may_be_repeated(*place.step) &&
               (place.asked_before || place.may_have_arrived);
    }

    // What the next walk does not ask anew. What was made by something that is asked only once is made again only if it
    // is gone by now, and then for those that need it.
    [[nodiscard]] bool is_kept(const Place& place) const {
        if (place.login != nullptr) {
            return place.good && place.result.status == Status::ok;
        }
        return was_asked_only_once(place) && !is_cleaned_up(place);
    }

    [[nodiscard]] bool is_cleaned_up(const Place& made) const {
        return std::any_of(m_places.begin(), m_places.end(), [&](const auto& each) {
            const Place& place = each.second;
            if (place.step == nullptr || !place.step->always || !place.good) {
                return false;
            }
            const std::vector<UsedValue> used = values_used(*place.step);
            return std::any_of(used.begin(), used.end(),
                               [&](const UsedValue& value) { return made.step->save.contains(value.name); });
        });
    }

    void take_values(const Place& place, const Values& values) {
        if (place.step == nullptr) {
            return;
        }
        for (const auto& [name, from] : place.step->save) {
            if (const auto value = values.find(name); value != values.end()) {
                m_values.insert(*value);
            }
        }
    }

    // co_await over(name): until that place is over; it is begun if it is not yet.
    Over over(const std::string& name) {
        begin(name);
        return Over(m_places.at(name));
    }

    void begin(const std::string& name) {
        Place& place = m_places.at(name);
        if (place.state != Place::State::idle) {
            return;
        }
        place.state = Place::State::begun;
        place.task.emplace(walk_to(name));
        place.task->start([&place] { end(place); });
    }

    // The task is at its last point and stays until the walk goes; who waits goes on from here.
    static void end(Place& place) {
        try {
            place.result = std::move(place.task->value());
        } catch (...) {
            place.error = std::current_exception();
        }
        place.result.took = place.took;
        place.state = Place::State::over;
        while (!place.waiting.empty()) {
            Over* next = place.waiting.front();
            place.waiting.erase(place.waiting.begin());
            next->wake();
        }
    }

    Task<CheckResult> walk_to(std::string name) {
        Place& place = m_places.at(name);
        if (place.login == nullptr && place.step == nullptr) {
            Task<CheckResult> task = find_connection(place);
            CheckResult result = co_await std::move(task);
            co_return result;
        }
        const std::vector<std::string> needs = needs_of(place);
        for (const std::string& need : needs) {
            begin(need); // all at once, before any is waited for
        }
        for (const std::string& need : needs) {
            co_await over(need);
            if (!m_places.at(need).good) {
                co_return behind(need);
            }
        }
        if (!place.order.after.empty()) {
            co_await NextTurn(m_http);
            for (const std::string& other : place.order.after) {
                if (was_asked_for(other)) {
                    co_await over(other);
                }
            }
        }
        Task<CheckResult> task = place.login != nullptr ? log_in(place) : do_step(place);
        CheckResult result = co_await std::move(task);
        if (place.unreached) {
            place.good = false;
            co_return skipped(say(k_no_site));
        }
        co_return result;
    }

    // A login that is kept from the walk before is not made again, but what it needs is looked at anew: it may have died
    // since, and all that is asked behind the login with it.
    [[nodiscard]] std::vector<std::string> needs_of(const Place& place) const {
        std::vector<std::string> needs = place.order.needs;
        for (std::size_t i = 0; i < needs.size(); ++i) {
            const Place& need = m_places.at(needs[i]);
            if (need.state != Place::State::kept) {
                continue;
            }
            for (const std::string& behind_it : need.order.needs) {
                if (std::find(needs.begin(), needs.end(), behind_it) == needs.end()) {
                    needs.push_back(behind_it);
                }
            }
        }
        return needs;
    }

    // Seen from what is asked anyway; asked by itself where that has shown nothing.
    Task<CheckResult> find_connection(Place& place) {
        co_await NextTurn(m_http);
        if (m_asked_of_site > 0) {
            co_await News(m_contact, m_waits_for_news);
        }
        CheckResult result;
        result.status = Status::ok;
        result.message = say(k_reached);
        if (m_contact != Contact::there) {
            HttpRequest request = connection_request(*m_settings);
            Task<HttpAnswer> asking = send(place, request);
            const HttpAnswer answer = co_await std::move(asking);
            note_contact(was_answered(answer) ? Contact::there : Contact::gone);
            if (m_contact == Contact::gone) {
                result = *http_failure(answer, request);
                result.message = say(k_unreached, result.message);
                if (names_nobody(answer)) {
                    result.hint = join("; ", {result.hint, say(k_base_url, redact(m_settings->base_url))});
                }
            }
        }
        place.good = m_contact == Contact::there;
        co_return result;
    }

    // What is known stays so for this walk.
    void note_contact(Contact seen) {
        if (m_contact == Contact::there || m_contact == Contact::gone) {
            return;
        }
        m_contact = seen;
        if (m_waits_for_news) {
            std::exchange(m_waits_for_news, nullptr).resume();
        }
    }

    // The reason is that of the first that failed, not of what was skipped behind it.
    [[nodiscard]] CheckResult behind(const std::string& need) const {
        const Place& place = m_places.at(need);
        return place.result.status == Status::skipped ? place.result : skipped(say(k_behind, need));
    }

    Task<CheckResult> log_in(Place& place) {
        const LoginSettings& login = *place.login;
        if (login.csrf) {
            place.identity.csrf_cookie = login.csrf->cookie;
            place.identity.csrf_header = login.csrf->header;
            const HttpRequest request = csrf_request(login, *m_settings);
            Task<HttpAnswer> asking = ask(place, request);
            const HttpAnswer page = co_await std::move(asking);
            place.identity.cookies.take(page);
            const bool has_cookie = place.identity.cookies.find(login.csrf->cookie) != nullptr;
            if (auto wrong = wrong_csrf_page(page, *login.csrf, request, has_cookie)) {
                co_return *std::move(wrong);
            }
        }
        HttpRequest request = login_request(login, place.identity, *m_settings);
        const HttpRequest sent = request;
        Task<HttpAnswer> asking = ask(place, std::move(request));
        const HttpAnswer answer = co_await std::move(asking);
        CookieJar fresh;
        fresh.take(answer);
        place.identity.cookies.take(answer);
        LoginVerdict verdict = evaluate_login(
            answer, login, sent, fresh.has_session(place.identity.csrf_cookie), m_clock.now().wall);
        place.good = verdict.in;
        place.identity.token = std::move(verdict.token);
        co_return std::move(verdict.result);
    }

    Task<CheckResult> do_step(Place& place) {
        const StepSettings& step = *place.step;
        if (const std::optional<CheckResult> missing = missing_value(step)) {
            co_return *missing;
        }
        const HttpRequest request = step_request(step, identity_of(step), m_values, *m_settings);
        if (step.limit) {
            Task<CheckResult> task = until_refused(place, request);
            CheckResult result = co_await std::move(task);
            place.good = result.status == Status::ok;
            co_return result;
        }
        std::vector<CheckResult> results;
        for (int time = 0; time < step.repeat && !place.unreached; ++time) {
            Task<CheckResult> task = step.parallel > 1 ? burst(place, request) : once(place, request);
            results.push_back(co_await std::move(task));
        }
        CheckResult result = evaluate_repeated(std::move(results));
        place.good = result.status == Status::ok || result.status == Status::warning;
        co_return result;
    }

    [[nodiscard]] std::optional<CheckResult> missing_value(const StepSettings& step) const {
        for (const UsedValue& used : values_used(step)) {
            if (!m_values.contains(used.name)) {
                const auto saver = m_savers.find(used.name);
                return skipped(
                    step.always ? say(k_nothing_made)
                                : say(k_no_value, saver == m_savers.end() ? "?" : saver->second, used.name));
            }
        }
        return std::nullopt;
    }

    Task<CheckResult> once(Place& place, HttpRequest request) {
        const HttpRequest sent = request;
        Task<HttpAnswer> asking = ask(place, std::move(request));
        const HttpAnswer answer = co_await std::move(asking);
        for (auto& [name, value] : saved_values(place.step->save, answer)) {
            m_values[name] = value;
        }
        co_return evaluate_step(answer, *place.step, sent);
    }

    // What is asked at once is at once: lanes are for steps among each other.
    Task<CheckResult> burst(Place& place, HttpRequest request) {
        std::vector<HttpRequest> requests(static_cast<std::size_t>(place.step->parallel), request);
        Task<bool> looking = may_ask(place, request.url);
        if (!co_await std::move(looking)) {
            co_return CheckResult{};
        }
        const SteadyTime start = m_clock.steady();
        FetchAll asking = fetch_all(m_http, std::move(requests));
        const std::vector<HttpAnswer> answers = co_await asking;
        place.took += since(start);
        for (const HttpAnswer& answer : answers) {
            keep(place, request, answer);
        }
        const bool answered = std::any_of(answers.begin(), answers.end(), was_answered);
        Task<bool> looking_back = was_reached(place, request.url, answered);
        co_await std::move(looking_back);
        co_return evaluate_burst(answers, *place.step, request);
    }

    Task<CheckResult> until_refused(Place& place, HttpRequest request) {
        const SteadyTime start = m_clock.steady();
        std::vector<HttpAnswer> answers;
        for (int i = 0; i < place.step->limit->requests; ++i) {
            HttpRequest next = request;
            Task<HttpAnswer> asking = ask(place, std::move(next));
            const HttpAnswer answer = co_await std::move(asking);
            answers.push_back(beginning_of(answer));
        }
        const auto took = std::chrono::duration_cast<Duration>(m_clock.steady() - start);
        co_return evaluate_limit(answers, took, *place.step, request);
    }

    Task<HttpAnswer> ask(Place& place, HttpRequest request) {
        const Lanes::Lane lane = co_await m_lanes.take();
        const std::string url = request.url;
        Task<bool> looking = may_ask(place, url);
        if (!co_await std::move(looking)) {
            co_return HttpAnswer{}; // for nobody: the place is unreached
        }
        Task<HttpAnswer> asking = send(place, std::move(request));
        HttpAnswer answer = co_await std::move(asking);
        Task<bool> looking_back = was_reached(place, url, was_answered(answer));
        co_await std::move(looking_back);
        co_return answer;
    }

    Task<HttpAnswer> send(Place& place, HttpRequest request) {
        const HttpRequest sent = request;
        const SteadyTime start = m_clock.steady();
        Fetch asking = fetch(m_http, std::move(request));
        place.is_asking = true;
        HttpAnswer answer = co_await asking;
        place.is_asking = false;
        place.took += since(start);
        keep(place, sent, answer);
        co_return answer;
    }

    [[nodiscard]] std::chrono::microseconds since(SteadyTime start) const {
        return std::chrono::duration_cast<std::chrono::microseconds>(m_clock.steady() - start);
    }

    // While the site is in doubt nothing more is begun there; if it is gone, nothing at all.
    Task<bool> may_ask(Place& place, std::string url) {
        if (!is_of_the_site(url, *m_settings)) {
            co_return true;
        }
        if (m_contact == Contact::in_doubt) {
            co_await over(m_connection);
        }
        place.unreached = m_contact == Contact::gone;
        m_asked_of_site += place.unreached ? 0 : 1;
        co_return !place.unreached;
    }

    // What got no answer is looked at for itself only where the site is there.
    Task<bool> was_reached(Place& place, std::string url, bool answered) {
        if (!is_of_the_site(url, *m_settings)) {
            co_return true;
        }
        note_contact(answered ? Contact::there : Contact::in_doubt);
        if (!answered && m_contact != Contact::there) {
            co_await over(m_connection);
            place.unreached = m_contact == Contact::gone;
        }
        co_return !place.unreached;
    }

    // Those whose values all have been saved in this walk.
    [[nodiscard]] std::vector<std::string> clean_ups_of_what_was_made() const {
        std::vector<std::string> names;
        for (const StepSettings& step : m_settings->steps) {
            const std::vector<UsedValue> used = values_used(step);
            const bool made =
                !used.empty() && std::all_of(used.begin(), used.end(), [&](const UsedValue& each) {
                    return m_values.contains(each.name);
                });
            if (step.always && made && step.common.enabled) {
                names.push_back(step.name);
            }
        }
        return names;
    }

    std::shared_ptr<const SmokeSettings> m_settings;
    Http& m_http;
    Clock& m_clock;
    Lanes m_lanes;
    const std::string m_connection{k_connection_check};
    Contact m_contact = Contact::unknown;
    int m_asked_of_site = 0;
    std::coroutine_handle<> m_waits_for_news; // who looks at the connection
    Values m_values;
    std::map<std::string, std::string> m_savers;
    std::vector<std::string> m_cleans_up; // after the walk was cut short
    std::map<std::string, Place> m_places;
};

Walk::Walk(std::shared_ptr<const SmokeSettings> settings, Http& http, Clock& clock)
    : m_graph(std::make_unique<Graph>(std::move(settings), http, clock)) {}

Walk::Walk(std::unique_ptr<Graph> graph) : m_graph(std::move(graph)) {}

Walk::~Walk() = default;

std::shared_ptr<Walk> Walk::again() const {
    return std::make_shared<Walk>(m_graph->again());
}

Task<CheckResult> Walk::result_of(std::string name) {
    return m_graph->result_of(std::move(name));
}

Task<CheckResult> Walk::result_and_clean_up(std::string name) {
    return m_graph->result_and_clean_up(std::move(name));
}

void Walk::begin_clean_up(std::set<std::string>& removed) {
    m_graph->begin_clean_up(removed);
}

bool Walk::is_cleaning_up() const {
    return m_graph->is_cleaning_up();
}

bool Walk::was_asked_for(const std::string& name) const {
    return m_graph->was_asked_for(name);
}

std::string Walk::cause_of(const std::string& name) const {
    return m_graph->cause_of(name);
}

std::optional<CheckResult> Walk::known_result(const std::string& name) const {
    return m_graph->known_result(name);
}

const std::deque<Exchange>& Walk::exchanges_of(const std::string& name) const {
    return m_graph->exchanges_of(name);
}

} // namespace lectio
