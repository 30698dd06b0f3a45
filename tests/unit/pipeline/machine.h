// A machine as a run of the pipeline sees it: one site, one rung of the ladder, one phone, on a disk that can fail.
#pragma once

#include "alerts/message_json.h"
#include "pipeline/pipeline.h"
#include "support/bare_world.h"
#include "support/faulty_files.h"
#include "support/temp_folder.h"

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace lectio {

// What there is to find, how often it was looked at, what the phone got. Outlives every run.
struct Outside {
    bool broken = false;
    std::set<int> bad_looks; // looks (from 1) that fail though nothing is broken
    int looks = 0;
    bool acting_helps = false;
    bool acting_blinds = false; // after it, looks see nothing
    int acts = 0;
    std::function<void()> on_act;
    bool phone_reachable = true;
    bool has_phone = true; // is configured, with its secrets
    bool phone_refuses = false;
    std::vector<Message> phone;
    std::vector<bool> marked; // of each: says that it may have come before

    [[nodiscard]] std::vector<Event> told() const {
        std::vector<Event> events;
        for (const Message& message : phone) {
            for (const Subject& subject : message.subjects) {
                if (subject.check == "health/site") {
                    events.push_back(subject.event);
                }
            }
        }
        return events;
    }
};

class Site final : public AsyncCheck {
  public:
    explicit Site(Outside& outside) : m_outside(outside) {}
    Task<CheckResult> run(const CheckContext&) const override {
        CheckResult result;
        ++m_outside.looks;
        const bool bad = m_outside.broken || m_outside.bad_looks.contains(m_outside.looks);
        result.status = bad ? Status::critical : Status::ok;
        result.message = verbatim(bad ? "HTTP 500, expected 200" : "HTTP 200");
        if (m_outside.acting_blinds && m_outside.acts > 0) {
            result = CheckResult{};
        }
        co_return result;
    }

  private:
    Outside& m_outside;
};

class Restart final : public Action {
  public:
    explicit Restart(Outside& outside, std::string target = "nginx.service")
        : m_outside(outside), m_target(std::move(target)) {}
    std::string target() const override { return m_target; }
    Readiness look(const ActionContext&) const override { return {}; }
    ActionResult act(const ActionContext&) const override {
        ++m_outside.acts;
        if (m_outside.on_act) {
            m_outside.on_act();
        }
        m_outside.broken = m_outside.broken && !m_outside.acting_helps;
        return {true, verbatim("restarted")};
    }
    std::vector<std::string> look_with() const override { return {"systemctl status nginx"}; }

  private:
    Outside& m_outside;
    std::string m_target;
};

class OnItsWay final : public Action {
  public:
    std::string target() const override { return "nginx.service"; }
    Readiness look(const ActionContext&) const override {
        return {Readiness::Kind::wait, verbatim("systemd is starting it"), {}};
    }
    ActionResult act(const ActionContext&) const override { return {}; }
    std::vector<std::string> look_with() const override { return {}; }
};

class Phone final : public Channel {
  public:
    explicit Phone(Outside& outside) : m_outside(outside) {}
    const std::string& name() const override { return m_name; }
    std::string chat() const override { return m_name; }
    std::string fingerprint() const override { return m_name; }
    Task<Outcome> send(World&, const Draft& draft, Duration) const override {
        Outcome outcome;
        if (m_outside.phone_refuses) {
            outcome.kind = Outcome::Kind::message_refused;
            outcome.problem = verbatim("Bad Request");
        } else if (m_outside.phone_reachable) {
            m_outside.phone.push_back(draft.message);
            m_outside.marked.push_back(draft.maybe_again);
            outcome.kind = Outcome::Kind::accepted;
            outcome.message_id = static_cast<std::int64_t>(m_outside.phone.size());
        }
        co_return outcome;
    }

  private:
    Outside& m_outside;
    std::string m_name = "phone";
};

class Machine { // with its disk, clock and phone
  public:
    Machine() : files(folder.path()) {
        job.tool = "lectio-health";
        job.short_name = "health";
        job.host = "test-1";
        job.paths = {folder / "state", folder / "run", folder / "logs", folder / "shm"};
        JobCheck site;
        site.policy.name = "site";
        site.policy.type = "http";
        site.policy.layer = Layer::web;
        site.check = std::make_shared<Site>(outside);
        job.checks = {site};
        Rung rung;
        rung.name = "nginx";
        rung.when = {"site"};
        rung.action = "restart";
        rung.doing = std::make_shared<Restart>(outside);
        job.ladder = {rung};
    }

    RunOutcome run(const Wishes& wishes = {}) {
        bare.clock.advance(std::chrono::minutes(1));
        World world{bare.clock, files, bare.host, bare.http, bare.processes, bare.services, bare.redis};
        std::vector<std::unique_ptr<Channel>> channels;
        if (outside.has_phone) {
            channels.push_back(std::make_unique<Phone>(outside));
        }
        return run_pipeline(job, wishes, world, std::move(channels));
    }

    // What the operator was told last of the site is how it is.
    [[nodiscard]] bool phone_agrees() const {
        std::set<std::string> open; // as far as the operator knows
        for (const Message& message : outside.phone) {
            for (const Subject& subject : message.subjects) {
                const bool over = subject.event == Event::resolved || subject.event == Event::mended;
                if (subject.check == "health/site" && over) {
                    open.erase(subject.id);
                } else if (subject.check == "health/site") {
                    open.insert(subject.id);
                }
            }
        }
        return open.size() == (outside.broken ? 1 : 0);
    }
    // For who looks into a failure: what has come so far.
    [[nodiscard]] std::string phone_shows() const {
        std::string all = " |";
        for (const Message& message : outside.phone) {
            for (const Subject& subject : message.subjects) {
                all += " " + std::string(to_string(subject.event)) + " " + subject.check + " " + subject.id +
                       " " + message.run.epoch + std::to_string(message.run.run) + ";";
            }
        }
        return all;
    }
    [[nodiscard]] bool nothing_comes_twice_unmarked() const {
        std::set<std::pair<std::string, Event>> seen;
        for (std::size_t i = 0; i < outside.phone.size(); ++i) {
            for (const Subject& subject : outside.phone[i].subjects) {
                if (!seen.insert({subject.id, subject.event}).second && !outside.marked[i]) {
                    return false;
                }
            }
        }
        return true;
    }

    TempFolder folder;
    FaultyFiles files;
    BareWorld bare;
    Outside outside;
    Job job;
};

inline Wishes without_recovery() {
    Wishes wishes;
    wishes.heal = false;
    return wishes;
}

inline std::set<std::string> everything_in(const Path& folder) {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        names.insert(entry.path().string());
    }
    return names;
}

using Events = std::vector<Event>;

} // namespace lectio
