#include "heartbeat/verdict.h"

namespace lectio::heartbeat {
namespace {

constexpr Phrase k_well{"all is well", "всё в порядке"};
constexpr Phrase k_site_down{"the site is down: {}", "сайт не работает: {}"};
constexpr Phrase k_and_told{"the operator has been told", "оператор оповещён"};
constexpr Phrase k_and_not_told{"the operator has not been told yet", "оператор ещё не оповещён"};

constexpr int k_site_is_down = 1, k_suite_is_broken = 2;

using OnSiteDown = HeartbeatSettings::OnSiteDown;

Verdict::Outside outside_when_down(OnSiteDown on_site_down, bool told) {
    switch (on_site_down) {
    case OnSiteDown::fail:
        return Verdict::Outside::told_failed;
    case OnSiteDown::ping:
        return told ? Verdict::Outside::told_well : Verdict::Outside::told_nothing;
    case OnSiteDown::silent:
        break;
    }
    return Verdict::Outside::told_nothing;
}

} // namespace

std::optional<Ping> Verdict::ping(Lang lang) const {
    switch (outside) {
    case Outside::told_failed:
        return Ping{Ping::Signal::fail, 0, {}, words.in(lang)};
    case Outside::told_well: // with a body only where there is something to say: not every service takes one
        return Ping{Ping::Signal::success, 0, {}, status == 0 ? std::string() : words.in(lang)};
    case Outside::told_nothing:
        break;
    }
    return std::nullopt;
}

Verdict judge(const Facts& facts, OnSiteDown on_site_down) {
    Verdict verdict;
    if (!facts.site.empty()) {
        verdict.status = k_site_is_down;
        verdict.outside = outside_when_down(on_site_down, facts.told);
        verdict.words =
            join("; ", {say(k_site_down, facts.site), say(facts.told ? k_and_told : k_and_not_told)});
    }
    if (!facts.suite.empty()) { // who watches is blind: that is told whatever else is
        verdict.status = k_suite_is_broken;
        verdict.outside = Verdict::Outside::told_failed;
        Text lines;
        for (const Text& trouble : facts.suite) {
            lines = join("\n", {lines, trouble});
        }
        verdict.words = join("\n", {lines, verdict.words});
    }
    if (verdict.words.empty()) {
        verdict.words = say(k_well);
    }
    return verdict;
}

} // namespace lectio::heartbeat
