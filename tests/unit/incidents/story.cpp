#include "story.h"

#include <stdexcept>

#include <fmt/format.h>

namespace lectio {
namespace {

CheckResult result_of(const std::string& name, Status status) {
    CheckResult result;
    result.status = status;
    result.message = verbatim(fmt::format("{} is {}", name, to_string(status)));
    return result;
}

std::vector<Observation> observations_of(const std::map<std::string, Status>& seen) {
    std::vector<Observation> all;
    for (const auto& [name, status] : seen) {
        all.push_back({name, result_of(name, status)});
    }
    return all;
}

JudgeState written_and_read(const JudgeState& state) {
    LoadedJudgeState loaded = judge_state_from_json(to_json(state));
    if (!loaded.dropped.empty()) {
        throw std::runtime_error("the state does not survive its own JSON: " + loaded.dropped[0].en);
    }
    return std::move(loaded.state);
}

} // namespace

CheckPolicy policy_for(std::string name, Layer layer, std::vector<std::string> needs) {
    CheckPolicy check;
    check.name = std::move(name);
    check.type = "http";
    check.layer = layer;
    check.common.needs = std::move(needs);
    return check;
}

Story::Story(std::vector<CheckPolicy> checks) {
    policy.tool = "health";
    policy.host = "test-1";
    policy.checks = std::move(checks);
}

JudgeState Story::between_runs() const {
    return through_json ? written_and_read(state) : state;
}

News Story::run(const Minute& minute) {
    clock.advance(between);
    RunFacts facts;
    facts.observations = observations_of(minute.seen);
    facts.notices = minute.notices;
    facts.suppression = quiet;
    facts.now = clock.now();
    facts.seed = 7;
    m_judged = judge(between_runs(), facts, policy);
    if (!minute.healed.empty()) {
        m_judged = judge_after_healing(std::move(m_judged), observations_of(minute.healed), clock.now(),
                                       policy, minute.outlived);
    }
    state = m_judged.state;
    if (!minute.notify) {
        return {};
    }
    ToTell told = tell(between_runs(), quiet, minute.healing, clock.now(), policy);
    state = std::move(told.state);
    m_run = told.news.run;
    return std::move(told.news);
}

std::vector<NewsItem> Story::run_for(int minutes, const std::map<std::string, Status>& seen) {
    std::vector<NewsItem> all;
    for (int i = 0; i < minutes; ++i) {
        const News news = run(seen);
        all.insert(all.end(), news.items.begin(), news.items.end());
    }
    return all;
}

const Verdict& Story::verdict(const std::string& name) const {
    for (const Verdict& verdict : m_judged.verdicts) {
        if (verdict.name == name) {
            return verdict;
        }
    }
    throw std::runtime_error("no verdict on " + name);
}

std::string_view word(Event event) {
    switch (event) {
    case Event::opened:
        return "opened";
    case Event::risen:
        return "risen";
    case Event::eased:
        return "eased";
    case Event::resolved:
        return "resolved";
    case Event::unwatched:
        return "unwatched";
    case Event::mended:
        return "mended";
    case Event::reminder:
        return "reminder";
    case Event::needs_person:
        return "needs_person";
    case Event::escalated:
        return "escalated";
    case Event::summary:
        return "summary";
    case Event::flapping:
        return "flapping";
    case Event::note:
        return "note";
    }
    return "?";
}

std::string words(const std::vector<NewsItem>& items) {
    std::string all;
    for (const NewsItem& item : items) {
        all += fmt::format("{}{} {}", all.empty() ? "" : ", ", word(item.event), item.incident.check);
    }
    return all;
}

std::string words(const News& news) {
    return words(news.items);
}

std::string told_of(const CheckPolicy& check, std::string_view life) {
    static const std::map<char, Status> k_letters{{'O', Status::ok},       {'W', Status::warning},
                                                  {'C', Status::critical}, {'U', Status::unknown},
                                                  {'S', Status::skipped},  {'M', Status::critical}};
    Story story({check});
    std::string all;
    for (std::size_t i = 0; i < life.size(); ++i) {
        Minute minute;
        minute.seen = {{check.name, k_letters.at(life[i])}};
        if (life[i] == 'M') {
            minute.healed = {{check.name, Status::ok}};
        }
        for (const NewsItem& item : story.run(minute).items) {
            all += fmt::format("{}{} {}", all.empty() ? "" : ", ", i + 1, word(item.event));
        }
    }
    return all;
}

} // namespace lectio
