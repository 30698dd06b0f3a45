// Walk: one walk through the site, logins and steps as a graph.
//
// Whoever asks for a step gets its result; a step is begun when it is first asked for, and asks for what it needs. So
// everything that needs nothing else is under way at once, and what no step needs is not asked at all. A step behind
// one that failed is skipped, with the reason, and so is everything where the site itself cannot be reached
// ("connection", a place like the others). On the thread of the run's loop only.
#pragma once

#include "checks/check.h"
#include "config/smoke.h"
#include "platform/http.h"
#include "util/task.h"

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace lectio {

// One request and its answer, for people who look closely (lectio-smoke run -v). Not cleaned of secrets. Of their bodies
// only the beginning is kept: a walk holds hundreds of them to its end.
struct Exchange {
    int number = 1; // of its step, from 1
    HttpRequest request;
    HttpAnswer answer;
    std::size_t sent = 0, received = 0; // bytes of the whole bodies
};

class Walk {
    class Graph;

  public:
    explicit Walk(std::unique_ptr<Graph> graph);
    Walk(std::shared_ptr<const SmokeSettings> settings, Http& http, Clock& clock);
    ~Walk();
    Walk(const Walk&) = delete;
    Walk& operator=(const Walk&) = delete;

    // A walk that begins again, but for the logins that have worked in this one and for what must not be sent twice
    // (docs/decisions/0022-the-walk.md).
    [[nodiscard]] std::shared_ptr<Walk> again() const;

    // The result of "connection", a login ("login-NAME") or a step. This walk outlives the task.
    Task<CheckResult> result_of(std::string name);
    // The same, and then waits for the clean-up of what it has made.
    Task<CheckResult> result_and_clean_up(std::string name);

    // For a walk that was cut short, by the end of its time or of the run: begins the clean-up of what it has made and has
    // not removed, and drops everything else that is under way. `removed`: what was begun so in another walk of the run is
    // not asked twice.
    void begin_clean_up(std::set<std::string>& removed);
    [[nodiscard]] bool is_cleaning_up() const;

    [[nodiscard]] bool was_asked_for(const std::string& name) const;
    // What has failed in this walk that `name` needs, directly or not, whether `name` itself was asked for or not; "":
    // nothing.
    [[nodiscard]] std::string cause_of(const std::string& name) const;
    // As far as this walk has come: nothing, where it is not over.
    [[nodiscard]] std::optional<CheckResult> known_result(const std::string& name) const;
    // In the order in which they were made, of many the last; nothing of what was skipped.
    [[nodiscard]] const std::deque<Exchange>& exchanges_of(const std::string& name) const;

  private:
    std::unique_ptr<Graph> m_graph;
};

} // namespace lectio
