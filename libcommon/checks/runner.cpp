#include "checks/runner.h"

#include "checks/beside.h"
#include "platform/http.h"
#include "platform/stop.h"
#include "platform/threads.h"
#include "util/secret.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace lectio {
namespace {

// Whoever waits looks at stop_requested() at least this often (platform/stop.h).
constexpr Duration k_look_at_stop{100};

// On the same host an answer is a matter of milliseconds, of a busy one of some tenths of a second.
constexpr Duration k_least_silence{500};
// What is silent in greater numbers is not lost on its way, and is not asked twice as much.
constexpr std::size_t k_most_beside = 16;
// Timers count whole milliseconds.
constexpr Duration k_rounding{5};

constexpr Phrase k_interrupted{"interrupted: the run was asked to end",
                               "прервана: прогон попросили завершиться"};
constexpr Phrase k_still_hangs{"the look begun earlier in this run still hangs",
                               "проверка, начатая раньше в этом прогоне, всё ещё висит"};
constexpr Phrase k_own_fault{"the check itself failed: {}", "сбой самой проверки: {}"};
constexpr Phrase k_own_fault_hint{"this is a fault of the monitoring, not of what it watches",
                                  "это ошибка мониторинга, а не того, за чем он следит"};

CheckResult unknown(Text message, Text hint = {}) {
    CheckResult result;
    result.status = Status::unknown;
    result.message = std::move(message);
    result.hint = std::move(hint);
    return result;
}

using Memory = std::map<std::string, std::string>;

// `memory`: what the check kept last time; a fault of ours must not lose a log position.
CheckResult own_fault(std::string_view what, const Memory& memory) {
    CheckResult result = unknown(say(k_own_fault, error_words(clean_line(what))), say(k_own_fault_hint));
    result.memory = memory;
    return result;
}

std::chrono::microseconds since(SteadyTime start, Clock& clock) {
    return std::chrono::duration_cast<std::chrono::microseconds>(clock.steady() - start);
}

// Runs `look` and turns whatever it throws into a result.
template<class Function>
CheckResult guarded(const Memory& memory, const Function& look) {
    try {
        return look();
    } catch (const std::exception& error) {
        return own_fault(error.what(), memory);
    } catch (...) {
        return own_fault("unknown exception", memory);
    }
}

} // namespace

void redact_all(CheckResult& result) {
    for (std::string* text :
         {&result.message.en, &result.message.ru, &result.hint.en, &result.hint.ru, &result.evidence}) {
        *text = redact(*text);
    }
}

// Shared between the run and a thread that may outlive it, so it owns what the thread looks at; the interfaces
// behind the World are main's and live as long as the process. What is not constant is under `mutex`.
struct Runner::Look {
    Look(World the_world, const CheckToRun& item, SteadyTime deadline, Again again,
         std::shared_ptr<Pending> the_pending, const std::filesystem::path& state)
        : check(item.check), memory(item.memory), world(the_world),
          context{the_world, the_world.clock.now(), deadline, memory, again == Again::yes, state},
          start(the_world.clock.steady()), pending(std::move(the_pending)) {}

    const std::shared_ptr<const Check> check;
    const Memory memory;
    const World world;
    const CheckContext context;
    const SteadyTime start;
    const std::shared_ptr<Pending> pending;

    std::mutex mutex;
    bool left_behind = false; // nobody waits for the result any more
    bool ended = false;
    CheckResult result;
    std::chrono::microseconds duration{};

    enum class Wake { no, yes }; // yes: from another thread than the run's
    void end(CheckResult the_result, Wake wake) {
        const std::scoped_lock lock(mutex);
        ended = true;
        if (left_behind) {
            return;
        }
        result = std::move(the_result);
        redact_all(result); // here for every check
        duration = result.took.value_or(since(start, world.clock));
        --*pending;
        if (wake == Wake::yes) {
            world.http.wake();
        }
    }
    bool has_ended() {
        const std::scoped_lock lock(mutex);
        return ended;
    }
};

// One check in progress: a coroutine or a thread.
struct Runner::Work {
    CheckToRun* item = nullptr;
    std::shared_ptr<Look> look;
    std::optional<Task<CheckResult>> task; // none: a thread

    // Of a coroutine that may be asked a second time while it is silent for so long.
    std::optional<Duration> silence;
    Duration limit{};
    std::shared_ptr<Look> second; // once it is
    std::optional<Task<CheckResult>> second_task;

    [[nodiscard]] bool second_goes_on() const { return second != nullptr && !second->has_ended(); }
    [[nodiscard]] bool was_silent(const Look& a_look) const { return a_look.duration + k_rounding >= limit; }
    // As CheckRun::second says. Of looks that have ended.
    [[nodiscard]] bool second_counts() const {
        const bool both_silent = look->result.status == Status::critical && was_silent(*look) &&
                                 second->result.status == Status::critical && was_silent(*second);
        return look->result.status != Status::ok && (second->result.status == Status::ok || both_silent);
    }
};

std::optional<Duration> silence_before_second_look(Duration took, Duration limit) {
    const Duration silence = std::max(k_least_silence, 2 * took);
    return silence <= limit / 2 ? std::optional(silence) : std::nullopt;
}

Runner::Runner(World world, std::vector<CheckToRun> checks, std::filesystem::path state)
    : m_world(world), m_state(std::move(state)), m_checks(std::move(checks)) {}

Runner::~Runner() = default;

std::vector<CheckRun> Runner::run(SteadyTime deadline) {
    std::vector<CheckToRun*> all;
    for (CheckToRun& item : m_checks) {
        all.push_back(&item);
    }
    return run_these(all, deadline, Again::no);
}

std::vector<CheckRun> Runner::run_again(const std::vector<std::string>& names, SteadyTime deadline) {
    const std::set<std::string_view> wanted(names.begin(), names.end());
    std::vector<CheckToRun*> named;
    for (CheckToRun& item : m_checks) {
        if (wanted.contains(item.name)) {
            named.push_back(&item);
        }
    }
    return run_these(named, deadline, Again::yes);
}

std::vector<CheckRun> Runner::run_these(const std::vector<CheckToRun*>& items, SteadyTime deadline,
                                        Again again) {
    const auto pending = std::make_shared<Pending>(items.size());
    std::vector<Work> works;
    for (CheckToRun* item : items) {
        Work& work = works.emplace_back();
        work.item = item;
        work.look = std::make_shared<Look>(m_world, *item, deadline, again, pending, m_state);
        const auto* check = dynamic_cast<const AskedBeside*>(item->check.get());
        const auto limit = check != nullptr ? check->limit_of_silence() : std::nullopt;
        if (limit && item->beside && again == Again::no) {
            work.limit = *limit;
            work.silence = silence_before_second_look(item->took, *limit);
        }
    }
    start(works);
    wait_for(works, *pending, deadline);
    std::vector<CheckRun> runs;
    for (Work& work : works) {
        runs.push_back(collect(work));
    }
    return runs;
}

// Threads first: they work while the coroutines are being set up.
void Runner::start(std::vector<Work>& works) {
    for (Work& work : works) {
        if (dynamic_cast<const BlockingCheck*>(work.item->check.get()) != nullptr) {
            start_thread(work);
        }
    }
    // Of hundreds of requests some wait for others to end (CurlHttp): a slow one that is begun last is what all wait for.
    std::vector<Work*> by_length;
    for (Work& work : works) {
        by_length.push_back(&work);
    }
    std::stable_sort(by_length.begin(), by_length.end(),
                     [](const Work* a, const Work* b) { return a->item->took > b->item->took; });
    for (Work* work : by_length) {
        if (const auto* check = dynamic_cast<const AsyncCheck*>(work->item->check.get())) {
            start_task(work->task, *check, *work->look);
        }
    }
}

void Runner::start_thread(Work& work) {
    Look& look = *work.look;
    const auto before = m_hanging.find(work.item->name);
    if (before != m_hanging.end() && !before->second->has_ended()) {
        CheckResult result = unknown(say(k_still_hangs));
        result.memory = look.memory;
        look.end(std::move(result), Look::Wake::no);
        return;
    }
    const auto started = start_abandonable([shared = work.look] {
        const auto& check = static_cast<const BlockingCheck&>(*shared->check);
        shared->end(guarded(shared->memory, [&] { return check.run(shared->context); }), Look::Wake::yes);
    });
    if (!started.ok()) {
        look.end(own_fault(started.error().message, look.memory), Look::Wake::no);
    }
}

void Runner::start_task(std::optional<Task<CheckResult>>& place, const AsyncCheck& check, Look& look) {
    try {
        Task<CheckResult>& task = place.emplace(check.run(look.context));
        task.start([&task, &look] { // both live until collect()
            look.end(guarded(look.memory, [&] { return std::move(task.value()); }), Look::Wake::no);
        });
    } catch (const std::exception& error) { // no memory for the coroutine
        look.end(own_fault(error.what(), look.memory), Look::Wake::no);
    }
}

void Runner::wait_for(std::vector<Work>& works, const Pending& pending, SteadyTime deadline) {
    std::vector<Work*> silent; // so far, and may be asked a second time
    for (Work& work : works) {
        if (work.silence) {
            silent.push_back(&work);
        }
    }
    std::size_t beside = 0;
    while (!stop_requested()) {
        const SteadyTime next = look_beside(silent, beside, deadline);
        const SteadyTime now = m_world.clock.steady();
        if (pending == 0 || now >= deadline) {
            return;
        }
        m_world.http.poll(
            std::min(std::chrono::ceil<Duration>(std::min(next, deadline) - now), k_look_at_stop));
    }
}

// Begins second looks whose time has come, `beside` so far; when the next one's comes.
SteadyTime Runner::look_beside(std::vector<Work*>& silent, std::size_t& beside, SteadyTime deadline) {
    SteadyTime next = SteadyTime::max();
    std::erase_if(silent, [&](Work* work) {
        if (work->look->has_ended()) {
            if (work->look->result.status == Status::ok) {
                drop_second(*work);
            }
            return true; // a second one that goes on is waited for
        }
        if (work->second != nullptr) {
            return false;
        }
        const SteadyTime now = m_world.clock.steady();
        const SteadyTime due = work->look->start + *work->silence;
        if (now < due) {
            next = std::min(next, due);
            return false;
        }
        if (beside == k_most_beside || now + work->limit > deadline) {
            return true;
        }
        ++beside;
        start_second(*work, deadline);
        return false;
    });
    return next;
}

void Runner::start_second(Work& work, SteadyTime deadline) {
    const std::shared_ptr<Pending>& pending = work.look->pending;
    ++*pending;
    work.second = std::make_shared<Look>(m_world, *work.item, deadline, Again::yes, pending, m_state);
    start_task(work.second_task, static_cast<const AskedBeside&>(*work.item->check), *work.second);
}

// Cancelled with its transfer; what the first has seen is enough.
void Runner::drop_second(Work& work) {
    work.second_task.reset();
    if (work.second_goes_on()) {
        --*work.second->pending;
    }
    work.second.reset();
}

CheckRun Runner::collect(Work& work) {
    const bool is_thread = !work.task.has_value();
    work.task.reset(); // a coroutine that still waits is cancelled with its transfer
    work.second_task.reset();
    Look& look = *work.look;
    const std::scoped_lock lock(look.mutex);
    if (look.ended) {
        work.item->memory = look.result.memory;
        std::optional<CheckResult> second;
        if (work.second != nullptr && !work.second_goes_on() && work.second_counts()) {
            second = std::move(work.second->result);
        }
        return {work.item->name, std::move(look.result), look.duration, Finished::yes, std::move(second)};
    }
    look.left_behind = true;
    if (is_thread) {
        m_hanging[work.item->name] = work.look;
    }
    CheckResult result = not_finished(look.memory);
    if (stop_requested()) {
        result.message = say(k_interrupted);
    }
    return {work.item->name, std::move(result), since(look.start, m_world.clock), Finished::no, std::nullopt};
}

} // namespace lectio
