// A walk through a made-up site: its steps, and what is found when some are asked at once, as the runner does.
#pragma once

#include "smoke/smoke_checks.h"
#include "support/bare_world.h"

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace lectio {

inline const std::string k_site = "http://site.example";

inline StepSettings step(const std::string& name, const std::string& as = "") {
    StepSettings settings;
    settings.name = name;
    settings.get = "/" + name + "/";
    settings.as = as;
    return settings;
}

inline std::map<std::string, CheckResult> asked_at_once(Walk& walk, const std::vector<std::string>& names,
                                                        Http& http) {
    std::vector<Task<CheckResult>> tasks;
    for (const std::string& name : names) {
        tasks.push_back(walk.result_and_clean_up(name));
    }
    std::size_t left = tasks.size();
    for (Task<CheckResult>& task : tasks) {
        task.start([&left] { --left; });
    }
    for (int turn = 0; left > 0 && turn < 10'000; ++turn) {
        http.poll(std::chrono::milliseconds(100));
    }
    REQUIRE(left == 0);
    std::map<std::string, CheckResult> results;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        results[names[i]] = tasks[i].value();
    }
    return results;
}

} // namespace lectio
