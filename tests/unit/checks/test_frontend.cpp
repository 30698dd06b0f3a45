#include "checks/frontend.h"
#include "platform/proc_text.h"
#include "support/bare_world.h"
#include "support/fake_host.h"
#include "support/temp_folder.h"

#include <fstream>
#include <iterator>
#include <random>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>

using namespace lectio;
using namespace std::chrono_literals;
using Kind = HtmlAsset::Kind;

namespace {

constexpr const char* k_page = R"(<!doctype html><html><head>
<link href="/static/css/main.abc.css" rel="stylesheet"><link rel="icon" href="/favicon.ico">
<script defer="defer" src="/static/js/main.abc.js"></script></head><body><div id="root"></div></body></html>)";

const Headers k_javascript{{"content-type", "application/javascript"}, {"content-length", "5"}};
const Headers k_css{{"content-type", "text/css"}, {"content-length", "3"}};

// A build on disk and the same served.
struct Site {
    TempFolder folder;
    BareWorld bare;
    FakeHost host;
    FrontendSettings settings;
    std::map<std::string, std::string> memory;

    Site() {
        spill(folder / "index.html", k_page);
        spill(folder / "static/js/main.abc.js", "run()");
        spill(folder / "static/css/main.abc.css", "a{}");
        host.mount_list = std::vector<Mount>{{"/dev/sda1", "/", "ext4", "rw"}};
        settings.root = folder.path();
        settings.url = "https://site.example";
        settings.contains = {"id=\"root\""};
        bare.http.on("https://site.example", page(200, k_page));
        bare.http.on("https://site.example/static/js/main.abc.js", page(200, "", k_javascript));
        bare.http.on("https://site.example/static/css/main.abc.css", page(200, "", k_css));
    }
    CheckResult check() {
        const std::unique_ptr<Check> check = frontend_check_type().make(&settings);
        const World world{bare.clock, bare.files, host, bare.http, bare.processes, bare.services, bare.redis};
        const CheckContext context{world, bare.clock.now(), bare.clock.steady() + 10s, memory};
        auto task = dynamic_cast<const AsyncCheck&>(*check).run(context);
        task.start([] {});
        while (!task.done()) {
            bare.http.poll(10ms);
        }
        return task.value();
    }
};

} // namespace

TEST_CASE("frontend: names scripts and style sheets, whatever stands around them", "[frontend]") {
    CHECK(html_assets(k_page) == std::vector<HtmlAsset>{{Kind::style, "/static/css/main.abc.css"},
                                                        {Kind::script, "/static/js/main.abc.js"}});
    CHECK(html_assets("<SCRIPT SRC=a.js></SCRIPT><script src='b.js?x=1&amp;y=2' async>").size() == 2);
    CHECK(html_assets("<script src='b.js?x=1&amp;y=2'>")[0].url == "b.js?x=1&y=2");
    CHECK(html_assets("<script src='&amp;amp;&amp;'>")[0].url == "&amp;&"); // each once
    CHECK(html_assets("<!-- <script src=a.js></script> -->").empty());
    const auto around =
        html_assets("<template id=t><script src=a.js></script><template><link rel=stylesheet href=a.css>"
                    "</template><!-- </template> --><script>'</template>'</script></template>"
                    "<script src=b.js></script><template><script src=c.js></script>");
    REQUIRE(around.size() == 1);
    CHECK(around[0].url == "b.js");
    CHECK(html_assets(
              "<script>var s = '<script src=\"a.js\">'</script><link rel='preload stylesheet' href=b.css>") ==
          std::vector<HtmlAsset>{{Kind::style, "b.css"}});
    CHECK(html_assets("<link rel=preload as=font href=a.woff2><link rel=PRELOAD as=Script href=a.js>"
                      "<link rel=preload as=style href=a.css><link rel=modulepreload href=b.js>"
                      "<link rel=prefetch href=later.js>") == std::vector<HtmlAsset>{{Kind::other, "a.woff2"},
                                                                                     {Kind::script, "a.js"},
                                                                                     {Kind::style, "a.css"},
                                                                                     {Kind::script, "b.js"}});
    CHECK(html_assets("<link rel=icon href=a.ico><script></script><script src></script>").empty());
    for (const char* cut :
         {"", "<", "<s", "<script", "<script src", "<script src=", "<script src=\"a.js", "<!--", "</"}) {
        CHECK(html_assets(cut).size() <= 1);
    }
}

TEST_CASE("frontend: names are what <base href> makes of them", "[frontend]") {
    const auto named = [](const std::string& base, const std::string& url) {
        return html_assets("<base href='" + base + "'><script src='" + url + "'></script>")[0].url;
    };
    CHECK(named("/app/", "../x.js?v=../1") == "/x.js?v=../1");
    CHECK(named("/app/", "x.js") == "/app/x.js");
    CHECK(named("/app", "./x.js") == "/x.js");
    CHECK(named("/", "../../x.js") == "/x.js"); // as browsers do
    CHECK(named("/app/", "/x.js") == "/x.js");
    CHECK(named("app/", "../x.js") == "x.js");
    CHECK(named("https://cdn.example/a/?q#f", "../x.js") == "https://cdn.example/x.js");
    CHECK(named("https://cdn.example", "x.js") == "https://cdn.example/x.js");
    CHECK(named("//cdn.example/a/", "/x.js") == "//cdn.example/x.js");
    CHECK(named("/app/", "//cdn.example/x.js") == "//cdn.example/x.js");
    CHECK(named("/app/", "https://site.example/../x.js") == "https://site.example/../x.js");
    CHECK(named("", "../x.js") == "../x.js");
    CHECK(html_assets("<script src=a.js></script><base target=_blank><base href=/b/><base href=/c/>"
                      "<script src=a.js></script>") ==
          std::vector<HtmlAsset>{{Kind::script, "a.js"}, {Kind::script, "/b/a.js"}});
    CHECK(local_path(named("/app/", "../x.js"), "https://site.example/") == "x.js");
    CHECK_FALSE(local_path(named("https://cdn.example/", "x.js"), "https://site.example/").has_value());
}

TEST_CASE("frontend: the scanner survives garbage", "[frontend]") {
    std::mt19937 random(7);
    constexpr std::string_view k_pieces = "<>/=\"' !-scriptlnkhef\0\xff&;";
    for (int round = 0; round < 3000; ++round) {
        std::string html = round % 2 == 0 ? "<script src=" : "";
        for (std::size_t i = random() % 60; i > 0; --i) {
            html += k_pieces[random() % k_pieces.size()];
        }
        CHECK(html_assets(html).size() <= html.size());
    }
}

TEST_CASE("frontend: which addresses are files of ours", "[frontend]") {
    const std::string site = "https://site.example";
    CHECK(local_path("/static/a.js?v=1#x", site) == "static/a.js");
    CHECK(local_path("static/a.js", site) == "static/a.js");
    CHECK(local_path("./a%20b.js", site) == "a b.js");
    CHECK(local_path("https://site.example/a.js", site) == "a.js");
    CHECK(local_path("/app/a.js", "https://site.example/app/") == "a.js");
    CHECK(local_path("/apples/a.js", "https://site.example/app/") == "apples/a.js"); // beside that folder
    CHECK_FALSE(local_path("https://site.example.evil/a.js", site).has_value());
    CHECK_FALSE(local_path("//cdn.example/a.js", site).has_value());
    CHECK_FALSE(local_path("data:text/css,a{}", site).has_value());
    CHECK_FALSE(local_path("/../../etc/passwd", site).has_value());
    CHECK_FALSE(local_path("/%2e%2e/etc/passwd", site).has_value());
    CHECK_FALSE(local_path("/", site).has_value());
    CHECK(local_path("../x.js", site) == "x.js"); // as browsers do
    CHECK(local_path("../../js/x.js?v=1", "https://site.example/") == "js/x.js");
    CHECK_FALSE(
        local_path("../x.js", "https://site.example/app/").has_value()); // another place than the build
    CHECK_FALSE(local_path("..", site).has_value());
}

TEST_CASE("frontend: a whole build is good, and asked cheaply", "[frontend]") {
    Site site;
    const CheckResult result = site.check();
    CHECK(result.status == Status::ok);
    CHECK_THAT(result.message.en, Catch::Contains("3 files"));
    CHECK_THAT(result.message.ru, Catch::Contains("3 файла"));
    REQUIRE(site.bare.http.requests().size() == 3);
    CHECK(site.bare.http.requests()[1].method == "HEAD");
}

TEST_CASE("frontend: page and files are asked with the authority of one's own", "[frontend]") {
    Site site;
    site.settings.ca = "/etc/ssl/own.pem";
    CHECK(site.check().status == Status::ok);
    REQUIRE(site.bare.http.requests().size() == 3);
    for (const HttpRequest& request : site.bare.http.requests()) {
        CHECK(request.ca == "/etc/ssl/own.pem");
    }
}

TEST_CASE("frontend: what is wrong on disk is told by its file", "[frontend]") {
    Site site;
    SECTION("no page") {
        std::filesystem::remove(site.folder / "index.html");
    }
    SECTION("an empty page") {
        spill(site.folder / "index.html", "");
    }
    SECTION("its folder is missing") {
        std::filesystem::remove_all(site.folder / "static");
        CHECK_THAT(site.check().message.en,
                   Catch::Contains("there is no folder " + (site.folder / "static").string()));
        std::filesystem::remove_all(site.folder.path());
        CHECK_THAT(site.check().message.ru, Catch::Contains("нет папки " + site.folder.path().string()));
    }
    SECTION("a script is missing") {
        std::filesystem::remove(site.folder / "static/js/main.abc.js");
        CHECK_THAT(site.check().message.en, Catch::Contains("main.abc.js is missing"));
    }
    SECTION("a style sheet is empty") {
        spill(site.folder / "static/css/main.abc.css", "");
    }
    SECTION("a folder where a script belongs") {
        std::filesystem::remove(site.folder / "static/js/main.abc.js");
        std::filesystem::create_directory(site.folder / "static/js/main.abc.js");
    }
    SECTION("a link that leads to itself") {
        std::filesystem::remove(site.folder / "static/js/main.abc.js");
        std::filesystem::create_symlink("main.abc.js", site.folder / "static/js/main.abc.js");
        CHECK_THAT(site.check().message.en, Catch::Contains("leads nowhere but to itself"));
    }
    SECTION("a name that no file can have") {
        spill(site.folder / "index.html", "<script src=/" + std::string(5000, 'a') + ".js></script>");
        CHECK_THAT(site.check().message.en, Catch::Contains("so long a name"));
    }
    SECTION("a page larger than any index.html") {
        spill(site.folder / "index.html", std::string((1U << 20U) + 1, ' '));
        CHECK_THAT(site.check().message.en, Catch::Contains("larger than 1"));
    }
    SECTION("a script speaks to the developer's machine") {
        spill(site.folder / "static/js/main.abc.js", "fetch('http://localhost:8000')");
        site.settings.forbid = {"localhost:"};
    }
    CHECK(site.check().status == Status::critical);
}

TEST_CASE("frontend: what is wrong over HTTP is told by its file", "[frontend]") {
    Site site;
    const std::string script = "https://site.example/static/js/main.abc.js";
    SECTION("the page is forbidden") {
        site.bare.http.on("https://site.example", page(403));
    }
    SECTION("the page lacks its text") {
        site.bare.http.on("https://site.example", page(200, "<html>"));
    }
    SECTION("a page of HTML in place of a script") {
        site.bare.http.on(script, page(200, "", {{"content-type", "text/html"}}));
        CHECK_THAT(site.check().message.en, Catch::Contains("static/js/main.abc.js: a page of HTML"));
    }
    SECTION("a type that browsers refuse") {
        site.bare.http.on(script, page(200, "", {{"content-type", "text/plain"}}));
    }
    SECTION("not there") {
        site.bare.http.on(script, page(404));
    }
    SECTION("empty") {
        site.bare.http.on(script,
                          page(200, "", {{"content-type", "text/javascript"}, {"content-length", "0"}}));
    }
    SECTION("empty, where HEAD does not tell") {
        site.bare.http.on(script, page(200, "", {{"content-type", "text/javascript"}}));
        CHECK_THAT(site.check().message.en, Catch::Contains("served empty"));
    }
    SECTION("a page of another application, or of an earlier build") {
        site.bare.http.on("https://site.example",
                          page(200, "<div id=\"root\"><script src=\"/static/js/main.old.js\">"
                                    "</script><link rel=stylesheet href=\"/static/css/main.abc.css\">"));
        CHECK_THAT(site.check().message.en, Catch::Contains("does not name static/js/main.abc.js"));
    }
    SECTION("cut") {
        site.bare.http.on(script, failed(HttpAnswer::Failure::closed));
    }
    CHECK(site.check().status == Status::critical);
}

TEST_CASE("frontend: what is preloaded is looked at, too, and each file once", "[frontend]") {
    const std::string html = R"(<link rel=preload as=script href="/static/js/main.abc.js">)"
                             R"(<link rel=preload as=font href="/static/text.woff2" crossorigin>)" +
                             std::string(k_page);
    const std::string font = "https://site.example/static/text.woff2";
    Site site;
    spill(site.folder / "index.html", html);
    site.bare.http.on("https://site.example", page(200, html));
    site.bare.http.on(font, page(200, "", {{"content-type", "font/woff2"}, {"content-length", "9"}}));
    CHECK_THAT(site.check().message.en, Catch::Contains("text.woff2 is missing"));
    spill(site.folder / "static/text.woff2", "wOF2 data");
    CHECK(site.check().status == Status::ok);
    CHECK_THAT(site.check().message.en, Catch::Contains("4 files"));
    site.bare.http.on(font, page(200, "", {{"content-type", "text/html"}, {"content-length", "9"}}));
    CHECK_THAT(site.check().message.en, Catch::Contains("text.woff2: a page of HTML"));
}

TEST_CASE("frontend: a folder above the build that the web server may not enter", "[frontend]") {
    Site site;
    const Path build = site.folder / "closed/build";
    std::filesystem::create_directories(build);
    for (const char* name : {"index.html", "static"}) {
        std::filesystem::rename(site.folder / name, build / name);
    }
    site.settings.root = build;
    site.settings.reader = "nobody";
    ::chmod(site.folder.path().c_str(), 0755);
    CHECK(site.check().status == Status::ok);
    ::chmod((site.folder / "closed").c_str(), 0750);
    const CheckResult result = site.check();
    CHECK(result.status == Status::critical);
    CHECK_THAT(result.message.en, Catch::Contains("nobody may not enter") && Catch::Contains("closed"));
}

TEST_CASE("frontend: a forbidden text in any file that the page names", "[frontend]") {
    Site site;
    site.settings.forbid = {"127.0.0.1:", "localhost:"};
    CHECK(site.check().status == Status::ok);
    spill(site.folder / "static/css/main.abc.css", "a{background:url(http://localhost:3000/a.png)}");
    CHECK_THAT(site.check().message.en,
               Catch::Contains("static/css/main.abc.css") && Catch::Contains("localhost:"));
}

TEST_CASE("frontend: a server that does not know HEAD is asked by GET", "[frontend]") {
    Site site;
    site.bare.http.on("https://site.example/static/js/main.abc.js", [](const HttpRequest& request) {
        return request.method == "HEAD" ? page(501) : page(200, "run()", k_javascript);
    });
    CHECK(site.check().status == Status::ok);
}

TEST_CASE("frontend: slow is a warning, an unknown reader is our fault", "[frontend]") {
    Site site;
    SECTION("slow") {
        HttpAnswer slow = page(200, k_page);
        slow.total = 6s;
        site.bare.http.on("https://site.example", slow);
        site.settings.max_time = 5s;
        CHECK(site.check().status == Status::warning);
    }
    SECTION("nobody of that name") {
        site.settings.reader = "nobody-of-that-name";
        CHECK(site.check().status == Status::unknown);
    }
}

TEST_CASE("frontend: a build on a mount that may hang is looked at when that answers", "[frontend]") {
    Site site;
    site.host.mount_list->push_back({"server:/www", site.folder.path().string(), "nfs4", "rw"});
    SECTION("it answers") {
        CHECK(site.check().status == Status::ok);
    }
    SECTION("who asked in an earlier run still waits") {
        // This very process stands for that child.
        std::ifstream stat("/proc/self/stat");
        std::string words((std::istreambuf_iterator<char>(stat)), {});
        const std::optional<ProcessStat> self = parse_process_stat(words);
        REQUIRE(self.has_value());
        site.memory["left-behind"] = fmt::format("{}/{}", ::getpid(), self->start_ticks);
        const CheckResult result = site.check();
        CHECK(result.status == Status::critical);
        CHECK(result.remedy == Remedy::cannot_help);
        CHECK_THAT(result.message.en, Catch::EndsWith("(nfs4) still does not answer"));
        CHECK(result.memory == site.memory);
        CHECK(site.bare.http.requests().empty());
    }
}

TEST_CASE("frontend: without the mounts nothing is touched", "[frontend]") {
    Site site;
    site.host.mount_list = Error{ErrorKind::io, "unable to read /proc/self/mountinfo: Input/output error"};
    const CheckResult result = site.check();
    CHECK(result.status == Status::unknown);
    CHECK_THAT(result.message.en, Catch::Contains("mountinfo"));
}

TEST_CASE("access: every folder on the way, links included, and the file", "[frontend]") {
    const TempFolder folder;
    ::chmod(folder.path().c_str(), 0755);
    spill(folder / "real/deep/file", "x");
    std::filesystem::create_directory_symlink("real", folder / "link");
    const Path file = folder / "link/deep/file";
    const User somebody{"stranger", ::getuid() + 1, ::getgid() + 1, "/"};
    const Reader stranger(somebody, std::vector{somebody.gid});
    const auto mode = [&](const char* name, mode_t bits) {
        REQUIRE(::chmod((folder / name).c_str(), bits) == 0);
    };
    mode("real", 0755);
    mode("real/deep", 0711);
    mode("real/deep/file", 0644);
    CHECK_FALSE(obstacle_to_reading(file, stranger).has_value());

    SECTION("the file") {
        mode("real/deep/file", 0640);
        const auto obstacle = obstacle_to_reading(file, stranger);
        REQUIRE(obstacle.has_value());
        CHECK(obstacle->kind == Obstacle::Kind::not_readable);
        CHECK(obstacle->mode == 0640);
        const Reader member(somebody, std::vector{somebody.gid, ::getgid()}); // by one of its groups
        CHECK_FALSE(obstacle_to_reading(file, member).has_value());
        mode("real/deep/file", 0604);
        CHECK(obstacle_to_reading(file, member)
                  .has_value()); // the group's bits decide, even when they say less
        CHECK_FALSE(obstacle_to_reading(file, stranger).has_value());
    }
    SECTION("a folder behind the link") {
        mode("real", 0744);
        const auto obstacle = obstacle_to_reading(file, stranger);
        REQUIRE(obstacle.has_value());
        CHECK(obstacle->kind == Obstacle::Kind::no_way_in);
        CHECK(obstacle->path.filename() == "real");
        mode("real", 0755);
    }
    SECTION("the owner's bits decide for the owner") {
        mode("real/deep/file", 0044);
        const Reader owner(User{"owner", ::getuid(), ::getgid(), "/"}, std::vector{::getgid()});
        CHECK(obstacle_to_reading(file, owner).has_value() == (::getuid() != 0)); // root reads all
    }
    SECTION("nothing there, and a circle") {
        CHECK(obstacle_to_reading(folder / "none/x", stranger)->kind == Obstacle::Kind::missing);
        CHECK(obstacle_to_reading(folder / "real/deep/file/x", stranger)->kind == Obstacle::Kind::missing);
        std::filesystem::create_symlink("round", folder / "round");
        CHECK(obstacle_to_reading(folder / "round", stranger)->kind == Obstacle::Kind::link_circle);
    }
}
