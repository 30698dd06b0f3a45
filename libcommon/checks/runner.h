// Runner: asks all checks at once and always comes back by the deadline (DESIGN "observe").
//
// Checks over HTTP are coroutines on the loop of the calling thread; those that block have a thread each,
// which is left behind when it is late. The wall time is that of the slowest check.
#pragma once

#include "checks/check.h"

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace lectio {

struct CheckToRun {
    std::string name;
    std::shared_ptr<const Check> check;        // shared with the thread that may outlive the run
    std::map<std::string, std::string> memory; // what the check kept in its last run
    Duration took{};                           // as long as the last look took: what is slow is begun first
    bool beside = false; // a failure would be asked again: while it is silent, that may go on beside it
};

// A second look of what has been silent for so long, beside the first (docs/decisions/0057): well beyond what its last look
// `took`, and early enough in `limit`, its own. None: it is asked again when the first has ended.
std::optional<Duration> silence_before_second_look(Duration took, Duration limit);

// What goes to a terminal, a state file and messages: a command line, an error text, an answer may quote a password.
void redact_all(CheckResult& result);

// no: nothing by the deadline. The result is then `unknown` and its memory that of the last run.
enum class Finished { no, yes };

struct CheckRun {
    std::string name;
    CheckResult result;
    std::chrono::microseconds duration{};
    Finished finished = Finished::yes;
    // The second look that went on beside a first that did not pass, where it counts as one: it has passed, or both were
    // silent for the whole of their time limits. What failed sooner, both in one moment perhaps, is to be asked again.
    std::optional<CheckResult> second;
};

class Runner {
  public:
    // `state`: see CheckContext.
    Runner(World world, std::vector<CheckToRun> checks, std::filesystem::path state = {});
    ~Runner();
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;

    // Every check, in the order given. What is not finished by `deadline` (world.clock.steady()), or when the
    // run is asked to stop (platform/stop.h), is `unknown`; so is a check that throws: our fault, not the
    // target's.
    std::vector<CheckRun> run(SteadyTime deadline);
    // Only the named ones (unknown names are left out), with CheckContext::recheck set: before a failure
    // counts, and after each action of the healer. A check whose thread still hangs is not started a second
    // time.
    std::vector<CheckRun> run_again(const std::vector<std::string>& names, SteadyTime deadline);

  private:
    struct Look; // what the run shares with a thread that may outlive it
    struct Work; // one check in progress
    enum class Again { no, yes };
    using Pending = std::atomic<std::size_t>; // how many have not ended

    std::vector<CheckRun> run_these(const std::vector<CheckToRun*>& items, SteadyTime deadline, Again again);
    void start(std::vector<Work>& works);
    void start_thread(Work& work);
    static void start_task(std::optional<Task<CheckResult>>& place, const AsyncCheck& check, Look& look);
    void wait_for(std::vector<Work>& works, const Pending& pending, SteadyTime deadline);
    SteadyTime look_beside(std::vector<Work*>& silent, std::size_t& beside, SteadyTime deadline);
    void start_second(Work& work, SteadyTime deadline);
    static void drop_second(Work& work);
    CheckRun collect(Work& work);

    World m_world;
    std::filesystem::path m_state;
    std::vector<CheckToRun> m_checks;
    std::map<std::string, std::shared_ptr<Look>> m_hanging; // by check name: threads left behind
};

} // namespace lectio
