#include "backup/stopped_units.h"

#include "platform/durable_file.h"
#include "platform/files.h"
#include "platform/services.h"
#include "platform/stop.h"
#include "platform/unit_name.h"
#include "util/json_depth.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio::backup {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_to_look = 5s;
constexpr Duration k_longest_job = 5min;
constexpr mode_t k_ours_alone = 0600;
constexpr Bytes k_longest_record = 64_kB;

constexpr Phrase k_not_started{"{} does not run again: {}", "{} не запустилась снова: {}"};

bool runs(const UnitState& unit) {
    return unit.active_state == "active" || unit.active_state == "activating" ||
           unit.active_state == "reloading";
}

Error unable_to_stop(ErrorKind kind, const std::string& unit, std::string_view reason) {
    return {kind, fmt::format("unable to stop {}: {}", clean_line(unit), clean_line(reason))};
}

} // namespace

Result<void> StoppedUnits::stop(const std::vector<std::string>& units) {
    std::vector<std::string> running;
    for (const std::string& name : units) {
        const std::string unit = full_unit_name(name);
        const Result<UnitState> state = m_world.services.unit(unit, k_to_look);
        if (!state) {
            return unable_to_stop(state.error().kind, unit, state.error().message);
        }
        if (state->load_state == "not-found") {
            return unable_to_stop(ErrorKind::not_found, unit, "no such unit");
        }
        if (runs(*state)) {
            running.push_back(unit);
        }
    }
    if (running.empty()) {
        return {};
    }
    const nlohmann::json list{{"schema", 1}, {"units", running}};
    LECTIO_TRY(write_atomically(m_world.files, record(), list.dump() + "\n", k_ours_alone));
    const Result<void> stopped = stop_each(running);
    if (!stopped) {
        [[maybe_unused]] const std::vector<Text> told = start(); // why they were not stopped is what counts
    }
    return stopped;
}

Result<void> StoppedUnits::stop_each(const std::vector<std::string>& units) {
    for (const std::string& unit : units) {
        m_stopped.push_back(unit); // whatever comes of it: started again it runs
        const Result<JobResult> job = m_world.services.act(unit, Services::Verb::stop, k_longest_job);
        if (!job) {
            return unable_to_stop(job.error().kind, unit, job.error().message);
        }
        if (job->result != "done") {
            return unable_to_stop(ErrorKind::busy, unit, job->result);
        }
    }
    return {};
}

std::vector<Text> StoppedUnits::start() {
    std::vector<Text> problems;
    if (m_stopped.empty()) {
        return problems;
    }
    for (auto unit = m_stopped.rbegin(); unit != m_stopped.rend(); ++unit) {
        const Result<JobResult> job = m_world.services.act(*unit, Services::Verb::start, k_longest_job);
        // Asked to stop we do not wait: the job is systemd's, and goes on.
        if (!job) {
            problems.push_back(say(k_not_started, *unit, error_words(job.error().message)));
        } else if (job->result != "done" && !stop_requested()) {
            problems.push_back(say(k_not_started, *unit, job->result));
        }
    }
    m_stopped.clear();
    if (const Result<void> gone = remove_file(record()); !gone) {
        problems.push_back(error_words(gone.error().message));
    }
    return problems;
}

StoppedUnits::Left StoppedUnits::start_left() {
    const Result<std::string> text = m_world.files.read(record(), k_longest_record);
    const nlohmann::json list = text ? json_within_depth(*text) : nlohmann::json();
    const auto units = list.find("units");
    if (units == list.end() || !units->is_array()) {
        return {};
    }
    for (const nlohmann::json& unit : *units) {
        if (unit.is_string()) {
            m_stopped.push_back(unit.get<std::string>());
        }
    }
    Left left{m_stopped, {}};
    left.problems = start();
    return left;
}

} // namespace lectio::backup
