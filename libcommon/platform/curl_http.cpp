#include "platform/curl_http.h"

#include "platform/curl_setup.h"
#include "platform/curl_transfer.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <list>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <system_error>
#include <unordered_set>
#include <utility>

#include <curl/curl.h>

#include <sys/epoll.h>

// Debian's libcurl brings GnuTLS along, for LDAP and RTMP, and that makes itself ready when it is loaded: 0.9 MB and a
// twentieth of a start's instructions, each minute, for protocols that no request here may use (curl_transfer.cpp).
// This tells it not to, as GNUTLS_SKIP_GLOBAL_INIT of <gnutls/gnutls.h> would. Who uses it all the same begins with
// gnutls_global_init(), as libldap and librtmp do.
extern "C" int _gnutls_global_init_skip() {
    return 1;
}

namespace lectio {
namespace {

constexpr std::size_t k_most_at_once = 256;
// While more than this many requests are under way, a connection is kept only if another one is waiting for the same
// server. libcurl looks through all that it keeps after each request: with hundreds of servers that cost more than it
// could spare.
constexpr std::size_t k_most_that_keep = 32;

SteadyTime steady_now() {
    return std::chrono::steady_clock::now();
}

// As it was written; two ways to write one server cost a connection and nothing else.
std::string_view server_in(std::string_view url) {
    const std::size_t scheme_end = url.find("://");
    const std::size_t begin = scheme_end == std::string_view::npos ? 0 : scheme_end + 3;
    return url.substr(0, url.find_first_of("/?#", begin));
}

struct MultiDeleter {
    void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};

} // namespace

class CurlHttp::Loop {
  public:
    explicit Loop(Resolver::Ask ask);

    class Job; // what start() gives out

    void admit(Job& job);  // into the queue
    void forget(Job& job); // out of everything
    void poll(Duration wait);
    void wake() const { m_wake->wake(); }
    void post(std::function<void()> what);

  private:
    friend class Job;

    void begin_queued();
    void go_on(Job& job, CurlTransfer::Next next);
    void connect(Job& job, const NameLookup& lookup); // hands it to libcurl
    void end(Job& job);

    void wait_for_events(Duration wait);
    void call_posted();
    void take_lookups();
    void let_libcurl_time();
    void take_ended_hops();
    void expire();
    bool hand_out_answers();
    [[nodiscard]] std::optional<SteadyTime> next_timer() const;

    static int on_socket(CURL* easy, curl_socket_t socket, int what, void* loop, void* known);
    static int on_timer(CURLM* multi, long wait_ms, void* loop);

    std::shared_ptr<const Wake> m_wake = std::make_shared<Wake>();
    UniqueFd m_epoll;
    Resolver m_resolver;
    SpareHandles m_spare;
    std::unique_ptr<CURLM, MultiDeleter> m_multi; // none before the first request
    std::optional<SteadyTime> m_libcurl_timer;

    std::mutex m_posting;
    std::vector<std::function<void()>> m_posted; // under m_posting

    std::deque<Job*> m_queue;                           // not begun
    std::unordered_multiset<std::size_t> m_waiting_for; // their servers
    std::size_t m_under_way = 0;                        // begun, not ended
    std::list<Job*> m_looking_up;                       // wait for the resolver
    std::set<std::pair<SteadyTime, Job*>> m_deadlines;
    std::deque<Job*> m_ended; // wait for their `done` to be called
};

class CurlHttp::Loop::Job final : public Http::Transfer {
  public:
    Job(Loop& the_loop, HttpRequest request, Done the_done)
        : loop(the_loop), server(std::hash<std::string_view>()(server_in(request.url))),
          transfer(std::move(request), the_loop.m_spare, [this] { set_timer(); }), done(std::move(the_done)) {
    }
    ~Job() override { loop.forget(*this); }

    // A phase mostly ends before its time, and the next may take longer: who is looked at too early is asked again.
    void set_timer() {
        const SteadyTime deadline = transfer.deadline();
        if (!timer || deadline < *timer) {
            stop_timer();
            timer = deadline;
            loop.m_deadlines.emplace(*timer, this);
        }
    }
    void stop_timer() {
        if (timer) {
            loop.m_deadlines.erase({*timer, this});
            timer.reset();
        }
    }

    Loop& loop;
    std::size_t server; // a hash of its name and port
    CurlTransfer transfer;
    Done done;
    enum class State { queued, under_way, ended, handed_out } state = State::queued;
    bool in_libcurl = false;
    std::optional<SteadyTime> timer;
};

CurlHttp::CurlHttp(Resolver::Ask ask) : m_loop(std::make_unique<Loop>(std::move(ask))) {}
CurlHttp::~CurlHttp() = default;

std::unique_ptr<Http::Transfer> CurlHttp::start(HttpRequest request, Done done) {
    auto job = std::make_unique<Loop::Job>(*m_loop, std::move(request), std::move(done));
    m_loop->admit(*job);
    return job;
}

void CurlHttp::poll(Duration wait) {
    m_loop->poll(wait);
}

void CurlHttp::wake() {
    m_loop->wake();
}

void CurlHttp::post(std::function<void()> what) {
    m_loop->post(std::move(what));
}

CurlHttp::Loop::Loop(Resolver::Ask ask)
    : m_epoll(::epoll_create1(EPOLL_CLOEXEC)), m_resolver(std::move(ask), m_wake) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = m_wake->fd();
    if (!m_epoll.valid() || ::epoll_ctl(m_epoll.get(), EPOLL_CTL_ADD, m_wake->fd(), &event) != 0) {
        throw std::system_error(errno, std::generic_category(), "epoll");
    }
}

void CurlHttp::Loop::admit(Job& job) {
    if (m_multi == nullptr) {
        initialise_libcurl();
        m_multi.reset(curl_multi_init());
        if (m_multi == nullptr) {
            throw std::bad_alloc();
        }
        curl_multi_setopt(m_multi.get(), CURLMOPT_SOCKETFUNCTION, &Loop::on_socket);
        curl_multi_setopt(m_multi.get(), CURLMOPT_SOCKETDATA, this);
        curl_multi_setopt(m_multi.get(), CURLMOPT_TIMERFUNCTION, &Loop::on_timer);
        curl_multi_setopt(m_multi.get(), CURLMOPT_TIMERDATA, this);
        curl_multi_setopt(m_multi.get(), CURLMOPT_MAXCONNECTS, long{k_most_at_once});
    }
    m_queue.push_back(&job);
    m_waiting_for.insert(job.server);
}

// Never called from inside libcurl: `done` runs between its calls.
void CurlHttp::Loop::forget(Job& job) {
    if (job.state == Job::State::queued) {
        std::erase(m_queue, &job);
        m_waiting_for.erase(m_waiting_for.find(job.server));
    } else if (job.state == Job::State::ended) {
        std::erase(m_ended, &job);
    } else if (job.state == Job::State::under_way) {
        end(job);
        std::erase(m_ended, &job);
    }
}

void CurlHttp::Loop::post(std::function<void()> what) {
    {
        const std::scoped_lock lock(m_posting);
        m_posted.push_back(std::move(what));
    }
    wake();
}

void CurlHttp::Loop::call_posted() {
    std::vector<std::function<void()>> posted;
    {
        const std::scoped_lock lock(m_posting);
        posted.swap(m_posted);
    }
    for (const std::function<void()>& what : posted) {
        what();
    }
}

void CurlHttp::Loop::poll(Duration wait) {
    begin_queued();
    let_libcurl_time(); // to connect what has begun, before it looks at the answers of others
    take_ended_hops();  // what has ended by that makes no event to wait for
    if (hand_out_answers()) {
        return;
    }
    wait_for_events(wait);
    call_posted();
    take_lookups();
    let_libcurl_time();
    take_ended_hops();
    expire();
    hand_out_answers();
}

void CurlHttp::Loop::begin_queued() {
    while (!m_queue.empty() && m_under_way < k_most_at_once) {
        Job& job = *m_queue.front();
        m_queue.pop_front();
        m_waiting_for.erase(m_waiting_for.find(job.server));
        job.state = Job::State::under_way;
        ++m_under_way;
        go_on(job, job.transfer.begin());
    }
}

void CurlHttp::Loop::go_on(Job& job, CurlTransfer::Next next) {
    if (next == CurlTransfer::Next::look_up) {
        m_resolver.ask(job.transfer.name_to_ask());
        if (const NameLookup* known = m_resolver.answer(job.transfer.name_to_ask())) {
            connect(job, *known);
        } else {
            m_looking_up.push_back(&job);
        }
    } else if (next == CurlTransfer::Next::connect) {
        connect(job, {});
    } else {
        end(job);
    }
}

void CurlHttp::Loop::connect(Job& job, const NameLookup& lookup) {
    if (job.transfer.connect_to(lookup) == CurlTransfer::Next::end) {
        end(job);
        return;
    }
    job.in_libcurl = true;
    curl_easy_setopt(job.transfer.easy(), CURLOPT_PRIVATE, &job);
    const bool keep = m_under_way <= k_most_that_keep || m_waiting_for.contains(job.server);
    curl_easy_setopt(job.transfer.easy(), CURLOPT_FORBID_REUSE, keep ? 0L : 1L);
    curl_easy_setopt(job.transfer.easy(), CURLOPT_FRESH_CONNECT,
                     job.transfer.wants_new_connection() ? 1L : 0L);
    curl_multi_add_handle(m_multi.get(), job.transfer.easy());
}

// From wherever it is to the ended ones.
void CurlHttp::Loop::end(Job& job) {
    job.stop_timer();
    m_looking_up.remove(&job);
    if (std::exchange(job.in_libcurl, false)) {
        curl_multi_remove_handle(m_multi.get(), job.transfer.easy());
    }
    --m_under_way;
    job.state = Job::State::ended;
    m_ended.push_back(&job);
}

void CurlHttp::Loop::wait_for_events(Duration wait) {
    if (const auto timer = next_timer()) {
        wait = std::clamp(std::chrono::ceil<Duration>(*timer - steady_now()), Duration::zero(), wait);
    }
    std::array<epoll_event, k_most_at_once> events{};
    const int count = ::epoll_wait(m_epoll.get(), events.data(), static_cast<int>(events.size()),
                                   static_cast<int>(wait.count()));
    const std::span happened(events.data(), static_cast<std::size_t>(std::max(count, 0)));
    // Requests first: a server can work on its answer while those of others are looked at.
    std::partition(happened.begin(), happened.end(),
                   [](const epoll_event& event) { return (event.events & EPOLLOUT) != 0; });
    for (const epoll_event& event : happened) {
        if (event.data.fd == m_wake->fd()) {
            m_wake->drain();
            continue;
        }
        const unsigned what = ((event.events & EPOLLIN) != 0 ? unsigned{CURL_CSELECT_IN} : 0U) |
                              ((event.events & EPOLLOUT) != 0 ? unsigned{CURL_CSELECT_OUT} : 0U) |
                              ((event.events & (EPOLLERR | EPOLLHUP)) != 0 ? unsigned{CURL_CSELECT_ERR} : 0U);
        int running = 0;
        curl_multi_socket_action(m_multi.get(), event.data.fd, static_cast<int>(what), &running);
    }
}

std::optional<SteadyTime> CurlHttp::Loop::next_timer() const {
    std::optional<SteadyTime> next = m_libcurl_timer;
    if (!m_deadlines.empty() && (!next || m_deadlines.begin()->first < *next)) {
        next = m_deadlines.begin()->first;
    }
    return next;
}

void CurlHttp::Loop::take_lookups() {
    std::vector<std::pair<Job*, const NameLookup*>> answered;
    for (Job* job : m_looking_up) {
        if (const NameLookup* lookup = m_resolver.answer(job->transfer.name_to_ask())) {
            answered.emplace_back(job, lookup);
        }
    }
    for (const auto& [job, lookup] : answered) {
        m_looking_up.remove(job);
        connect(*job, *lookup);
    }
}

void CurlHttp::Loop::let_libcurl_time() {
    if (m_libcurl_timer && *m_libcurl_timer <= steady_now()) {
        m_libcurl_timer.reset(); // before the call: it may set the next one
        int running = 0;
        curl_multi_socket_action(m_multi.get(), CURL_SOCKET_TIMEOUT, 0, &running);
    }
}

void CurlHttp::Loop::take_ended_hops() {
    int left = 0;
    while (m_multi != nullptr) {
        const CURLMsg* message = curl_multi_info_read(m_multi.get(), &left);
        if (message == nullptr) {
            return;
        }
        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        const CURLcode code = message->data.result; // the message dies with the removal
        void* owner = nullptr;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
        Job& job = *static_cast<Job*>(owner);
        job.in_libcurl = false;
        curl_multi_remove_handle(m_multi.get(), job.transfer.easy());
        go_on(job, job.transfer.hop_ended(code));
    }
}

void CurlHttp::Loop::expire() {
    const SteadyTime now = steady_now();
    while (!m_deadlines.empty() && m_deadlines.begin()->first <= now) {
        Job& job = *m_deadlines.begin()->second;
        if (job.transfer.deadline() > now) {
            job.stop_timer();
            job.set_timer();
            continue;
        }
        job.transfer.time_out();
        end(job);
    }
}

// `done` may start requests, cancel others and destroy its own job: nothing of the job is used after it.
bool CurlHttp::Loop::hand_out_answers() {
    if (m_ended.empty()) {
        return false;
    }
    while (!m_ended.empty()) {
        Job& job = *m_ended.front();
        m_ended.pop_front();
        job.state = Job::State::handed_out;
        const Done done = std::move(job.done);
        done(job.transfer.take_answer());
    }
    return true;
}

int CurlHttp::Loop::on_socket(CURL*, curl_socket_t socket, int what, void* loop, void* known) {
    auto& self = *static_cast<Loop*>(loop);
    if (what == CURL_POLL_REMOVE) {
        ::epoll_ctl(self.m_epoll.get(), EPOLL_CTL_DEL, socket, nullptr);
        return 0;
    }
    epoll_event event{};
    event.events = ((what & CURL_POLL_IN) != 0 ? unsigned{EPOLLIN} : 0U) |
                   ((what & CURL_POLL_OUT) != 0 ? unsigned{EPOLLOUT} : 0U);
    event.data.fd = socket;
    const int operation = known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (::epoll_ctl(self.m_epoll.get(), operation, socket, &event) != 0 && errno == ENOENT) {
        // libcurl's memory of the descriptor outlived the descriptor.
        ::epoll_ctl(self.m_epoll.get(), EPOLL_CTL_ADD, socket, &event);
    }
    curl_multi_assign(self.m_multi.get(), socket, loop);
    return 0;
}

int CurlHttp::Loop::on_timer(CURLM*, long wait_ms, void* loop) {
    auto& self = *static_cast<Loop*>(loop);
    if (wait_ms < 0) {
        self.m_libcurl_timer.reset();
    } else {
        self.m_libcurl_timer = steady_now() + Duration(wait_ms);
    }
    return 0;
}

} // namespace lectio
