// Builds as they should be, and each of the ways in which they are not.
#include "release/static_gate.h"
#include "support/fake_clock.h"
#include "support/temp_folder.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <random>

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace lectio;
using namespace lectio::release;
using namespace std::chrono_literals;
using Weight = Flaw::Weight;

namespace {

const WallTime k_noon = parse_utc("2026-11-22T12:00:00Z").value();

using Contents = std::map<std::string, std::string>;

std::string filler(std::size_t size, unsigned seed) {
    std::string text = "var s=" + std::to_string(seed) + ";";
    std::minstd_rand random(seed + 1);
    while (text.size() < size) {
        text += "function f" + std::to_string(random()) + "(){return 'lesson'}\n";
    }
    return text;
}

// Of webpack, as create-react-app configures it.
Contents webpack_build() {
    return {
        {"index.html", "<!doctype html><html lang=\"ru\"><head><title>Lectio</title>"
                       "<link href=\"/static/css/main.5d41402a.css\" rel=\"stylesheet\">"
                       "<script defer src=\"/static/js/main.0cc175b9.js\"></script></head>"
                       "<body><noscript>JavaScript!</noscript><div id=\"root\"></div></body></html>"},
        {"static/js/main.0cc175b9.js", filler(90'000, 1)},
        {"static/js/787.92eb5ffe.chunk.js", filler(20'000, 2)},
        {"static/css/main.5d41402a.css", "body{color:red}"},
        {"static/media/teacher.c4ca4238a0b9.svg", "<svg/>"},
        {"static/media/lesson.c81e728d9d4c.svg", "<svg/>"},
        {"help/lessons.html", "<!doctype html><html><body>How to plan a lesson</body></html>"},
        {"favicon.ico", std::string("\0\0\1\0", 4)},
        {"manifest.json", R"({"name":"Lectio","icons":[]})"},
        {"asset-manifest.json",
         R"({"files":{"main.js":"/static/js/main.0cc175b9.js","787.js":"/static/js/787.92eb5ffe.chunk.js",)"
         R"("main.js.map":"/static/js/main.0cc175b9.js.map"},"entrypoints":["static/js/main.0cc175b9.js"]})"},
    };
}

// Of Vite.
Contents vite_build() {
    return {
        {"index.html", "<!-- built -->\n<!DOCTYPE html>\n<html>\n<head><title>Lectio</title>\n"
                       "<script type=\"module\" crossorigin src=\"/assets/index-DiwrgTda.js\"></script>\n"
                       "<link rel=\"modulepreload\" href=\"/assets/vendor-B1x9zQwe.js\">\n"
                       "<link rel=\"stylesheet\" href=\"/assets/index-Ab12Cd34.css\">\n</head>\n"
                       "<body><div class=\"x\" id=\"app\"></div></body></html>"},
        {"assets/index-DiwrgTda.js", filler(120'000, 3)},
        {"assets/vendor-B1x9zQwe.js", filler(40'000, 4)},
        {"assets/lesson-Zz11Yy22.js", filler(9'000, 5)},
        {"assets/grades-Kk55Ll66.js", filler(9'000, 6)},
        {"assets/board-Qq77Ww88.js", filler(9'000, 7)},
        {"assets/index-Ab12Cd34.css", "body{}"},
        {".vite/manifest.json", R"({"index.html":{"file":"assets/index-DiwrgTda.js",)"
                                R"("css":["assets/index-Ab12Cd34.css"]}})"},
    };
}

struct Tree {
    explicit Tree(const Contents& contents, const std::map<std::string, std::string>& links = {}) {
        for (const auto& [path, content] : contents) {
            std::filesystem::create_directories((folder / path).parent_path());
            spill(folder / path, content);
        }
        for (const auto& [path, target] : links) {
            std::filesystem::create_directories((folder / path).parent_path());
            std::filesystem::create_symlink(target, folder / path);
        }
        FakeClock clock;
        Result<TreeManifest> read = read_tree(folder.path(), clock, clock.steady() + 60s);
        REQUIRE(read.ok());
        manifest = std::move(*read);
    }
    [[nodiscard]] BuildTree tree() const {
        return {manifest, [this](const std::string& path, Bytes limit) {
                    return SystemFiles().read(folder / path, limit);
                }};
    }
    TempFolder folder;
    TreeManifest manifest;
};

// What there is beside the build when it is judged.
struct Judged {
    explicit Judged(Contents build) : contents(std::move(build)) {
        rules.path = "/srv/site/build";
        rules.forbid = {"localhost:", "127.0.0.1:"};
    }

    // A release that was live before; the last is the live one.
    Release& was_live(const Contents& build, State state = State::good) {
        trees.emplace_back(build);
        Release release;
        const auto number = static_cast<std::int64_t>(releases.size());
        release.id = make_id(Kind::frontend, k_noon + std::chrono::hours(number), 7);
        release.state = state;
        release.generation = number + 1;
        release.live = k_noon + std::chrono::hours(number);
        release.hash = tree_hash(trees.back().manifest);
        release.size = trees.back().manifest.size();
        if (!releases.empty()) {
            releases.back().replaced = release.live;
        }
        return releases.emplace_back(release);
    }

    [[nodiscard]] std::vector<Flaw> flaws() const {
        const Tree build(contents, links);
        BuildToJudge question{build.tree(), site, rules};
        question.zone = "UTC";
        for (std::size_t i = 0; i < releases.size(); ++i) {
            const EarlierRelease release{&releases[i], &trees[i].manifest};
            if (i + 1 < releases.size()) {
                question.earlier.push_back(release);
            } else {
                question.live = release;
                question.served.emplace(trees[i].tree());
            }
        }
        return judge_build(question);
    }

    Contents contents;
    std::map<std::string, std::string> links;
    FrontendDeploy rules;
    std::string site;
    std::deque<Tree> trees; // they stay where they are
    std::deque<Release> releases;
};

std::string words_of(const std::vector<Flaw>& flaws) {
    std::string all;
    for (const Flaw& flaw : flaws) {
        all += flaw.words.en + "\n";
    }
    return all;
}

Contents with(Contents build, const std::string& path, std::string content) {
    build[path] = std::move(content);
    return build;
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
    const std::size_t at = text.find(what);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), by);
}

const std::string k_main = "static/js/main.0cc175b9.js";
const std::string k_style = "static/css/main.5d41402a.css";
const std::string k_chunk = "static/js/787.92eb5ffe.chunk.js";

} // namespace

TEST_CASE("static gate: a good build has no flaw", "[static_gate]") {
    for (const Contents& build : {webpack_build(), vite_build()}) {
        Judged judged(build);
        CHECK(words_of(judged.flaws()).empty());
        judged.was_live(with(build, "help/lessons.html", "<html>the version before</html>"));
        CHECK(words_of(judged.flaws()).empty());
    }
}

TEST_CASE("static gate: each fault of a build is found, and nothing else", "[static_gate]") {
    struct Fault {
        const char* name;
        Weight weight;
        std::string words; // how they begin
        std::function<void(Judged&)> make;
    };
    const auto page = [](Judged& judged) -> std::string& { return judged.contents["index.html"]; };
    constexpr Weight k_no = Weight::refuse, k_unless = Weight::refuse_unless_forced, k_warn = Weight::warn;
    const std::string html = "<!doctype html><html><head></head><body>404</body></html>";
    const std::vector<Fault> faults{
        {"no page", k_no, "index.html is missing", [](Judged& it) { it.contents.erase("index.html"); }},
        {"empty page", k_no, "index.html is empty", [&](Judged& it) { page(it).clear(); }},
        {"echo broken", k_no, "index.html is no page of HTML: it begins with “broken”",
         [&](Judged& it) { page(it) = "broken\n"; }},
        {"a stack trace", k_no, "index.html is no page of HTML: it begins with “Error: Cannot find module",
         [&](Judged& it) { page(it) = "Error: Cannot find module 'webpack'\n  at main.js:1\n"; }},
        {"a picture as page", k_no, "index.html is no page",
         [&](Judged& it) { page(it) = std::string("\x89PNG\0\0\0<html>", 13); }},
        {"a page of zeros", k_no, "index.html is no page",
         [&](Judged& it) { page(it) = std::string(900, '\0'); }},
        {"nginx's own page", k_unless, "index.html names neither script nor style",
         [&](Judged& it) { page(it) = "<!DOCTYPE html><html><h1>Welcome to nginx!</h1></html>"; }},
        {"the project's template", k_no, "index.html is the template of a build",
         [&](Judged& it) { page(it) += "<link href=\"%PUBLIC_URL%/favicon.ico\">"; }},
        {"the project itself", k_no, "index.html names src/main.tsx: that is source code",
         [&](Judged& it) {
             page(it) += "<script type=module src=/src/main.tsx></script>";
             it.contents["src/main.tsx"] = "import './x'";
         }},
        {"a folder as page", k_no, "index.html is not a file",
         [](Judged& it) {
             it.contents.erase("index.html");
             it.contents["index.html/x"] = "x";
         }},
        {"no script", k_no, k_main + " is missing", [](Judged& it) { it.contents.erase(k_main); }},
        {"empty script", k_no, k_main + " is empty", [](Judged& it) { it.contents[k_main].clear(); }},
        {"a folder as script", k_no, k_main + " is not a file",
         [](Judged& it) {
             it.contents.erase(k_main);
             it.contents[k_main + "/x"] = "x";
         }},
        {"a page as script", k_no, k_main + " holds a page of HTML, not a script",
         [&](Judged& it) { it.contents[k_main] = "\xEF\xBB\xBF \n" + html + filler(90'000, 1); }},
        {"an archive as script", k_no, k_main + " holds no text",
         [](Judged& it) { it.contents[k_main].replace(0, 6, std::string("\x1f\x8b\x08\0\0\0", 6)); }},
        {"a script that a power cut has ended", k_no, k_main + " holds no text",
         [](Judged& it) { it.contents[k_main].append(4096, '\0'); }},
        {"a script of zeros", k_no, k_main + " holds no text",
         [](Judged& it) { it.contents[k_main].assign(90'000, '\0'); }},
        {"no style", k_no, k_style + " is missing", [](Judged& it) { it.contents.erase(k_style); }},
        {"empty style", k_no, k_style + " is empty", [](Judged& it) { it.contents[k_style].clear(); }},
        {"a page as style", k_no, k_style + " holds a page of HTML, not a style sheet",
         [&](Judged& it) { it.contents[k_style] = "<!-- x --><HTML>" + html; }},
        {"a link that leads out", k_no, k_style + " is missing",
         [](Judged& it) {
             it.contents.erase(k_style);
             it.links[k_style] = "../../../../etc/passwd";
         }},
        {"links in a circle", k_no, k_style + " is missing",
         [](Judged& it) {
             it.contents.erase(k_style);
             it.links[k_style] = "main.5d41402a.css";
         }},
        {"a page as JSON", k_unless, "manifest.json holds a page of HTML, not JSON",
         [&](Judged& it) { it.contents["manifest.json"] = html; }},
        {"a page as lazy chunk", k_unless, k_chunk + " holds a page of HTML, not a script",
         [&](Judged& it) { it.contents[k_chunk] = html; }},
        {"an empty lazy chunk", k_unless, k_chunk + " is empty",
         [](Judged& it) { it.contents[k_chunk].clear(); }},
        {"no lazy chunk", k_unless, "asset-manifest.json names " + k_chunk + ", which is missing",
         [](Judged& it) { it.contents.erase(k_chunk); }},
        {"something required", k_no, "nothing in the build matches “static/js/app.*.js”",
         [](Judged& it) {
             it.rules.requires_files = {"index.html", "static/js/app.*.js"};
         }},
        {"required in another folder", k_no, "nothing in the build matches “static/*.js”",
         [](Judged& it) { it.rules.requires_files = {"static/*.js"}; }},
        {"something required is empty", k_no, "what matches “robots.*” in the build is empty",
         [](Judged& it) {
             it.rules.requires_files = {"robots.*"};
             it.contents["robots.txt"].clear();
         }},
        {"a text is not there", k_no, "index.html lacks “id=\"app\"”",
         [](Judged& it) {
             it.rules.contains = {{"index.html", "id=\"app\""}};
         }},
        {"a file with a text is not there", k_no, "version.json is missing",
         [](Judged& it) {
             it.rules.contains = {{"version.json", "1"}};
         }},
        {"the developer's machine", k_no, k_main + " contains “localhost:”",
         [](Judged& it) { it.contents[k_main] += "fetch('http://localhost:8000/api')"; }},
        {"the developer's machine, in many files", k_no, "2 files contain “127.0.0.1:”",
         [](Judged& it) {
             it.contents[k_chunk] += "fetch('http://127.0.0.1:8000/api')";
             it.contents["help/lessons.html"] += "http://127.0.0.1:3000/";
         }},
        {"names in two cases", k_warn, "help/Lessons.html and help/lessons.html differ in their case only",
         [](Judged& it) { it.contents["help/Lessons.html"] = "<html></html>"; }},
        {"source maps", k_warn, "source maps would be served to everybody: 1 file",
         [](Judged& it) { it.contents[k_main + ".map"] = R"({"sources":["localhost:"]})"; }},
        {"secrets", k_unless, ".env.production would be served to everybody",
         [](Judged& it) { it.contents[".env.production"] = "KEY=x"; }},
        {"the repository", k_unless, "2 files like .git/HEAD would be served",
         [](Judged& it) {
             it.contents[".git/HEAD"] = "ref: refs/heads/main";
             it.contents[".git/config"] = "[core]";
         }},
        {"no hash in a name", k_warn, "static/js/main.js has no hash in its name",
         [&](Judged& it) {
             it.contents["static/js/main.js"] = filler(90'000, 1);
             page(it) = replaced(page(it), k_main, "static/js/main.js");
         }},
        {"a build for another folder", k_no, k_style + " is missing",
         [&](Judged& it) {
             it.contents.erase(k_style);
             it.contents["sub/" + k_style] = "body{}";
         }},
    };
    CHECK(faults.size() >= 25);
    for (const Fault& fault : faults) {
        Judged judged(webpack_build());
        fault.make(judged);
        const std::vector<Flaw> flaws = judged.flaws();
        INFO(fault.name << ": " << words_of(flaws));
        REQUIRE(flaws.size() == 1);
        CHECK(flaws[0].words.en.starts_with(fault.words));
        CHECK(flaws[0].weight == fault.weight);
        CHECK_FALSE(flaws[0].words.ru.empty());
    }
}

TEST_CASE("static gate: a build beside what was live before", "[static_gate]") {
    struct Fault {
        const char* name;
        Weight weight;
        std::string words;
        std::function<void(Judged&)> make;
    };
    constexpr Weight k_unless = Weight::refuse_unless_forced, k_warn = Weight::warn;
    const Contents before = with(webpack_build(), "help/lessons.html", "<html>before</html>");
    const std::vector<Fault> faults{
        {"nothing has changed", k_unless,
         "nothing has changed: this is the build that is live since 2026-11-22 12:00:00",
         [&](Judged& it) { it.was_live(it.contents); }},
        {"yesterday's build", k_unless, "this is an old build: release fe-20261122T120000Z",
         [&](Judged& it) {
             it.was_live(it.contents);
             it.was_live(before);
         }},
        {"a build that was taken back", k_unless, "this build has been tried already and taken back",
         [&](Judged& it) {
             it.was_live(it.contents, State::bad).reason = "api: HTTP 502";
             it.was_live(before);
         }},
        {"half of it is gone", k_unless, "the build has shrunk to",
         [&](Judged& it) {
             it.was_live(it.contents);
             it.contents["static/js/main.e4da3b7f.js"] = filler(9'000, 9);
             it.contents.erase(k_main);
             it.contents["index.html"] =
                 replaced(it.contents["index.html"], k_main, "static/js/main.e4da3b7f.js");
             it.contents.erase("asset-manifest.json");
         }},
        {"another content under a hashed name", k_unless,
         k_main + " has the name of a file of release fe-20261122T130000Z",
         [&](Judged& it) {
             it.was_live(it.contents);
             it.was_live(before);
             it.contents[k_main] += "var more=1;";
         }},
        {"another title", k_warn, "the page has another title: “Lectio 2” instead of “Lectio”",
         [&](Judged& it) {
             it.was_live(before);
             it.contents["index.html"] = replaced(it.contents["index.html"], "Lectio", "Lectio 2");
         }},
        {"another application, by its names", k_unless, "this looks like another application",
         [&](Judged& it) {
             it.was_live(vite_build());
             it.contents["index.html"] = replaced(it.contents["index.html"], "Lectio", "Shop");
         }},
        {"another application, by where it is drawn", k_unless, "this looks like another application",
         [&](Judged& it) {
             it.was_live(before);
             it.contents = vite_build();
             it.contents.erase("assets/lesson-Zz11Yy22.js");
             it.contents.erase("assets/grades-Kk55Ll66.js");
             it.contents.erase("assets/board-Qq77Ww88.js");
             it.contents["index.html"] = replaced(it.contents["index.html"], "Lectio", "Shop");
         }},
    };
    for (const Fault& fault : faults) {
        Judged judged(webpack_build());
        fault.make(judged);
        const std::vector<Flaw> flaws = judged.flaws();
        INFO(fault.name << ": " << words_of(flaws));
        REQUIRE(flaws.size() == 1);
        CHECK(flaws[0].words.en.starts_with(fault.words));
        CHECK(flaws[0].weight == fault.weight);
    }
}

TEST_CASE("static gate: what is no fault beside what was live before", "[static_gate]") {
    const Contents build = webpack_build();
    Judged first(build); // nothing was live
    CHECK(first.flaws().empty());

    Judged staged(build); // it was refused, not served: to be sent again
    staged.was_live(build, State::staged);
    staged.was_live(with(build, "help/lessons.html", "<html>before</html>"));
    CHECK(words_of(staged.flaws()).empty());

    Judged small(build); // CONTRACT 29: nothing below 100 kB
    small.contents[k_main] = "var x=1";
    Contents less = small.contents;
    less["static/media/film.bin"] = std::string(80'000, 'x');
    small.was_live(less);
    CHECK(words_of(small.flaws()).empty());

    Judged maps(build); // without them from now on
    maps.was_live(with(build, k_main + ".map", std::string(900'000, 'x')));
    CHECK(words_of(maps.flaws()).empty());

    Judged rebuilt(with(build, k_main + ".map", "{\"a\":1}")); // another map of the same script
    rebuilt.was_live(with(build, k_main + ".map", "{\"a\":2}"));
    const std::vector<Flaw> flaws = rebuilt.flaws();
    REQUIRE(flaws.size() == 1);
    CHECK(flaws[0].words.en.starts_with("source maps"));
}

TEST_CASE("static gate: a build that is served from a folder of the site", "[static_gate]") {
    Contents build = webpack_build();
    build.erase("asset-manifest.json");
    for (const std::string& file : {k_main, k_style}) {
        build["index.html"] = replaced(build["index.html"], "/" + file, "/app/" + file);
    }
    Judged judged(build);
    judged.site = "https://site.example/app/";
    CHECK(words_of(judged.flaws()).empty());
    judged.site.clear(); // nobody says so: the live one shows it
    judged.was_live(with(build, "help/lessons.html", "<html>before</html>"));
    CHECK(words_of(judged.flaws()).empty());

    Judged misplaced(build);
    misplaced.was_live(webpack_build());
    const std::vector<Flaw> flaws = misplaced.flaws();
    REQUIRE(flaws.size() == 2); // both files are not where the page looks for them
    CHECK(flaws[0].words.en == "app/" + k_style + " is missing");
    CHECK(flaws[0].hint.en.starts_with("the build is made for the folder /app/"));
}

TEST_CASE("static gate: links inside the build are followed", "[static_gate]") {
    Judged judged(webpack_build());
    judged.contents["shared/main.5d41402a.css"] = judged.contents[k_style];
    judged.contents.erase(k_style);
    judged.links[k_style] = "../../shared/main.5d41402a.css";
    CHECK(words_of(judged.flaws()).empty());
    judged.contents["shared/main.5d41402a.css"] = "<!doctype html>";
    CHECK(words_of(judged.flaws()) == "shared/main.5d41402a.css holds a page of HTML, not a style sheet\n");
}

TEST_CASE("static gate: a name in another case is named", "[static_gate]") {
    Judged judged(webpack_build());
    judged.contents["static/js/Main.0cc175b9.js"] = judged.contents[k_main];
    judged.contents.erase(k_main);
    const std::vector<Flaw> flaws = judged.flaws();
    REQUIRE(flaws.size() == 1);
    CHECK(flaws[0].hint.en == "there is static/js/Main.0cc175b9.js: the names differ in their case only");
}

TEST_CASE("static gate: everything is told at once, the worst first, and not without end", "[static_gate]") {
    Judged judged(webpack_build());
    judged.contents[k_main + ".map"] = "{}";
    judged.contents[".env"] = "KEY=x";
    judged.contents[k_style].clear();
    const std::vector<Flaw> flaws = judged.flaws();
    REQUIRE(flaws.size() == 3);
    CHECK(flaws[0].weight == Weight::refuse);
    CHECK(flaws[1].weight == Weight::refuse_unless_forced);
    CHECK(flaws[2].weight == Weight::warn);

    for (int i = 0; i < 30; ++i) {
        judged.contents["index.html"] += fmt::format("<script src=/x{}.js></script>", i);
    }
    CHECK(judged.flaws().size() == k_most_flaws + 1);
    CHECK(judged.flaws().back().words.en == "and 13 more");
}

TEST_CASE("static gate: every good build passes, release after release", "[static_gate]") {
    std::mt19937 random(Catch::rngSeed());
    const auto pick = [&](unsigned least, unsigned most) {
        return std::uniform_int_distribution<unsigned>(least, most)(random);
    };
    const auto hash = [&] {
        return fmt::format("{:08x}{:x}", pick(0x10000000, 0xffffffff) | 0xa0000001U, pick(1, 9));
    };
    for (int history = 0; history < 20; ++history) {
        // A site of some chunks, each with a hash; from release to release some change, come and go.
        std::map<std::string, std::pair<std::string, std::string>> chunks; // name: hash, content
        for (unsigned i = 0; i < pick(4, 12); ++i) {
            chunks["part" + std::to_string(i)] = {hash(), filler(pick(1, 60'000), pick(1, 1000))};
        }
        Judged judged({});
        for (int release = 0; release < 6; ++release) {
            for (auto& [name, chunk] : chunks) {
                if (pick(0, 2) == 0) {
                    chunk = {hash(),
                             filler(std::max<std::size_t>(chunk.second.size() * 9 / 10, 1), pick(1, 1000))};
                }
            }
            Contents build;
            std::string page = "<!doctype html><html><head><title>Site</title>";
            for (const auto& [name, chunk] : chunks) {
                const std::string file = fmt::format("assets/{}-{}.js", name, chunk.first);
                page += pick(0, 1) == 0 ? fmt::format("<script src=\"/{}\"></script>", file) : "";
                build[file] = chunk.second;
            }
            build["assets/style-0aa11bb2.css"] = "body{}";
            page += fmt::format("<link rel=stylesheet href=/assets/style-0aa11bb2.css></head><body>{}</body>",
                                "<div id=app></div>" + std::to_string(release));
            build["index.html"] = page;
            judged.contents = build;
            INFO(words_of(judged.flaws()));
            CHECK(judged.flaws().empty());
            judged.was_live(build);
        }
    }
}
