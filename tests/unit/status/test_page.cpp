#include "status/page.h"
#include "status/page_style.h"
#include "support/fake_clock.h"

#include <cmath>
#include <functional>
#include <map>
#include <random>
#include <regex>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace lectio::status;
using namespace std::chrono_literals;

namespace {

using Word = std::function<std::string()>;

// Everything that comes from outside is said by `word`.
Overview overview_of(const Word& word) {
    const auto text = [&] { return Text{word(), word()}; };
    Overview overview;
    overview.host = word();
    overview.zone = "UTC";
    overview.now = FakeClock().now().wall;
    overview.tells = true;
    for (const Status status :
         {Status::ok, Status::warning, Status::critical, Status::unknown, Status::skipped}) {
        CheckRow row;
        row.tool = "health";
        row.name = word();
        row.type = word();
        row.status = status;
        row.message = text();
        row.hint = text();
        row.seen = overview.now - 1h;
        row.age = 1h;
        row.stale = status == Status::ok;
        overview.checks.push_back(row);
    }
    overview.tools.push_back({"health", ToolRow::State::late, overview.now - 1h, 1h, 3min, text()});
    OpenIncident incident;
    incident.id = "abcdef";
    incident.check = "health/" + word();
    incident.key = word();
    incident.since = overview.now - 2h;
    incident.message = text();
    incident.hint = text();
    incident.acknowledged = incident.settling = incident.flapping = true;
    overview.standing.incidents = {incident};
    overview.standing.quiet = {{Quiet::mute, {}, {}, {}, {}}};
    const std::string quiet = word();
    overview.quiet = verbatim(quiet.substr(0, quiet.find('\n'))); // its lines are ours
    overview.gaps = {{Status::warning, text()}};
    overview.deploys = {{word(), word(), word(), word(), word(), overview.now, false, true}};
    overview.jobs = {{word(), JobRow::State::failed, {}, overview.now, 2h, 3, text()}};
    overview.backups = {{word(), overview.now, 2h, 3_MB, {}, Status::ok},
                        {word(), {}, {}, {}, text(), Status::critical}};
    return overview;
}

LongView past_of(const Overview& overview, const Word& word) {
    LongView past;
    for (int i = 0; i < 90; ++i) {
        past.dates.push_back(format_utc(overview.now - (89 - i) * 24h).substr(0, 10));
    }
    past.whole.assign(90, DayCount{1440, 0, 0, 0});
    past.whole[10] = {1440, 14, 0, 0};
    past.whole[11] = {};
    past.whole[12] = {0, 0, 0, 9};
    past.whole[13] = {1440, 0, 3, 0};
    for (const CheckRow& row : overview.checks) {
        const std::string key = row.tool + "/" + row.name;
        past.checks[key] = past.whole;
        DayTimes& times = past.times[key];
        times.median = 0.032;
        times.p95 = 0.2;
        for (std::size_t i = 0; i < DayTimes::k_hours; ++i) {
            times.hours.at(i) = {0.03, 0.2, i == 7};
        }
    }
    past.incidents = {{"abcdef",
                       overview.standing.incidents[0].check,
                       Status::critical,
                       overview.now - 2h,
                       {},
                       {word(), word()},
                       {{word(), word()}},
                       true},
                      {"bcdefg",
                       "health/" + word(),
                       Status::warning,
                       overview.now - 9h,
                       overview.now - 8h,
                       {word(), word()},
                       {},
                       false}};
    return past;
}

std::string page_of(const Word& word, Lang lang = Lang::en) {
    const Overview overview = overview_of(word);
    return render_html(overview, past_of(overview, word), lang);
}

// The tags, without what stands in quotes.
std::string skeleton(const std::string& page) {
    std::string tags;
    bool in_tag = false, in_quotes = false;
    for (const char c : page.substr(page.find("</style>"))) {
        in_tag = in_tag || c == '<';
        if (in_tag && (!in_quotes || c == '"')) {
            tags += c;
        }
        in_quotes = in_tag && (c == '"' ? !in_quotes : in_quotes);
        in_tag = in_tag && (in_quotes || c != '>');
    }
    return tags;
}

std::string always_x() {
    return "x";
}

std::size_t count(const std::string& text, std::string_view part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) {
        ++found;
    }
    return found;
}

// WCAG 2.2, relative luminance and contrast ratio.
double luminance(const std::string& colour) {
    double sum = 0;
    const std::array<double, 3> weights{0.2126, 0.7152, 0.0722};
    for (std::size_t i = 0; i < 3; ++i) {
        const double part = std::stoi(colour.substr(1 + 2 * i, 2), nullptr, 16) / 255.0;
        sum += weights.at(i) * (part <= 0.04045 ? part / 12.92 : std::pow((part + 0.055) / 1.055, 2.4));
    }
    return sum;
}

double contrast(const std::string& a, const std::string& b) {
    const auto [darker, lighter] = std::minmax({luminance(a), luminance(b)}); // by value
    return (lighter + 0.05) / (darker + 0.05);
}

// The variables that a part of the style sheet sets.
std::map<std::string, std::string> colours_in(std::string part) {
    std::map<std::string, std::string> colours;
    const std::regex one("--([a-z-]+):(#[0-9a-f]{6})");
    for (std::sregex_iterator it(part.begin(), part.end(), one), end; it != end; ++it) {
        colours[(*it)[1]] = (*it)[2];
    }
    return colours;
}

} // namespace

TEST_CASE("the page stands alone: no script, no address, one heading of the first rank", "[status]") {
    for (const Lang lang : {Lang::en, Lang::ru}) {
        const std::string page = page_of(always_x, lang);
        CHECK(count(page, "<h1>") == 1);
        CHECK(page.starts_with("<!doctype html>\n<html lang=\"" +
                               std::string(lang == Lang::ru ? "ru" : "en") + "\">"));
        for (const std::string_view forbidden :
             {"<script", "://", "url(", "@import", "src=", "onload", "<link", "<iframe"}) {
            CAPTURE(forbidden);
            CHECK(page.find(forbidden) == std::string::npos);
        }
        CHECK(count(page, "Content-Security-Policy") == 1);
    }
}

TEST_CASE("what comes from outside is words on the page, whatever it is", "[status]") {
    int said = 0; // what is said twice is shown once
    const std::string harmless = skeleton(page_of([&] { return fmt::format("x{}", ++said); }));
    std::mt19937 random(1);
    const std::vector<std::string> pieces{
        "<",           ">",        "\"",     "'",  "&",    "</", "<script>", "-->", "<!--", "]]>",
        "\x1b[31m",    "\n",       "\t",     "\\", "&lt;", "{}", "{0}",      "%s",  "\xff", "\xe2\x80\xae",
        "javascript:", "</style>", "</svg>", "я",  "=",    " ",  "/"};
    for (int i = 0; i < 300; ++i) {
        const Word hostile = [&] {
            std::string word = fmt::format("x{}", ++said);
            for (auto left = random() % 12; left > 0; --left) {
                word += pieces[random() % pieces.size()];
            }
            return word;
        };
        for (const Lang lang : {Lang::en, Lang::ru}) {
            const std::string page = page_of(hostile, lang);
            const bool same = skeleton(page) == harmless;
            CHECK(same);
            CHECK(page.find("<script") == std::string::npos);
            CHECK(page.find('\x1b') == std::string::npos);
        }
    }
}

TEST_CASE("the headline says what is broken, since when, and what was done", "[status]") {
    const std::string page = page_of(always_x);
    CHECK(page.find("<span>Broken: x</span></h1>\n<p>since 08:00 (2 hours)</p>\n") != std::string::npos);
    CHECK(page.find("An operator knows of it.") != std::string::npos);
    CHECK(page.find("A person is needed.") != std::string::npos);

    Overview overview;
    overview.zone = "UTC";
    overview.now = FakeClock().now().wall;
    LongView past;
    CHECK(render_html(overview, past, Lang::en).find("It is not known how things stand") !=
          std::string::npos);
    CheckRow row;
    row.tool = "health";
    row.name = "site";
    row.status = Status::ok;
    overview.checks = {row};
    CHECK(render_html(overview, past, Lang::en).find("<span>Everything works</span></h1>\n</header>") !=
          std::string::npos);
    past.dates = {"2026-01-22"};
    CHECK(render_html(overview, past, Lang::en).find("no incident in 30 days") != std::string::npos);
    past.incidents = {
        {"abcdef", "health/site", Status::critical, overview.now - 3h, overview.now - 2h, {}, {}, false}};
    const std::string page_after = render_html(overview, past, Lang::en);
    CHECK(page_after.find("since 08:00 (2 hours)") != std::string::npos);
    CHECK(page_after.find("lasted 1 hour") != std::string::npos);
    overview.checks[0].status = Status::warning;
    CHECK(render_html(overview, past, Lang::ru).find("Работает, есть предупреждения") != std::string::npos);
}

TEST_CASE("the days of the bars tell apart what was broken, warned of, not seen and not looked at",
          "[status]") {
    const std::string page = page_of(always_x);
    CHECK(page.find("99.99%") != std::string::npos); // never 100 for what was broken
    CHECK(page.find("<title>2025-11-04: 99.03%, broken 14 of 1440</title>") !=
          std::string::npos);                                              // the day itself
    CHECK(page.find("the worst: 2025-11-04 99.03%") != std::string::npos); // and in words
    for (const std::string_view kind : {"class=\"n\" d=\"M", "class=\"u\" d=\"M", "class=\"g\" d=\"M",
                                        "class=\"w\" d=\"M", "class=\"b\" d=\"M"}) {
        CAPTURE(kind);
        CHECK(page.find(kind) != std::string::npos);
    }
}

TEST_CASE("a page of many checks that all were broken each day is small", "[status]") {
    Overview overview = overview_of(always_x);
    LongView past = past_of(overview, always_x);
    const CheckRow sample = overview.checks[0];
    const DayTimes times = past.times.begin()->second;
    overview.checks.clear();
    for (int i = 0; i < 60; ++i) {
        CheckRow row = sample;
        row.name = fmt::format("check-with-a-long-name-{}", i);
        row.message = verbatim(std::string(120, 'm'));
        overview.checks.push_back(row);
        past.checks["health/" + row.name].assign(90, DayCount{1440, 0, 0, 0});
        past.times["health/" + row.name] = times;
        for (std::size_t day = 0; day < 90; day += 9) {
            past.checks["health/" + row.name][day] = {1440, 700, 0, 0};
        }
    }
    CHECK(render_html(overview, past, Lang::ru).size() < 350'000);
}

TEST_CASE("what is read on the page is readable, by day and by night", "[status]") {
    const std::string style(k_page_style);
    const std::size_t dark = style.find("@media (prefers-color-scheme:dark)");
    const std::size_t rest = style.find("*{box-sizing");
    REQUIRE(dark != std::string::npos);
    for (const std::string& part : {style.substr(0, dark), style.substr(dark, rest - dark)}) {
        std::map<std::string, std::string> colours = colours_in(part);
        REQUIRE(colours.size() == 19);
        for (const std::string text : {"ink", "soft", "good", "warn", "bad", "dunno"}) {
            for (const std::string ground : {"bg", "card"}) {
                CAPTURE(text, ground, colours[text], colours[ground]);
                CHECK(contrast(colours[text], colours[ground]) >= 4.5); // WCAG 2.2, 1.4.3
            }
        }
        for (const std::string ground : {"hero-good", "hero-warn", "hero-bad", "hero-dunno"}) {
            CAPTURE(ground, colours[ground]);
            CHECK(contrast(colours["hero"], colours[ground]) >= 4.5);
        }
        for (const std::string bar : {"bar", "bar-warn", "bar-bad", "bar-dunno"}) {
            CAPTURE(bar, colours[bar], colours["card"]);
            CHECK(contrast(colours[bar], colours["card"]) >=
                  2.2); // their shapes are told apart without colours
        }
    }
}
