// lectio-health init: what it writes loads, and is what a run without a configuration would have checked.
#include "cli/check_config.h"
#include "cli/known_kinds.h"
#include "config/load.h"
#include "discovery/annotated.h"
#include "init.h"
#include "support/made_up_server.h"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace lectio;

namespace {

struct Written {
    int exit_code = -1;
    std::string text;
    LoadedConfig loaded;
};

class InitBench {
  public:
    int init(const std::string& file, Lang lang = Lang::en) {
        health::Options options;
        options.init = health::InitCommand{file, lang, std::nullopt, folder / "state"};
        const int saved = ::dup(STDOUT_FILENO);
        const int sink = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
        ::dup2(sink, STDOUT_FILENO); // what it says beside is for a terminal
        const int status = health::run_init(options, server.world());
        ::dup2(saved, STDOUT_FILENO);
        ::close(saved);
        ::close(sink);
        return status;
    }

    LoadedConfig load(const Path& file) {
        ConfigRequest request;
        request.file = file.string();
        request.kinds = known_kinds();
        World world = server.world();
        return load_config(world, request, LastGood::never);
    }

    MadeUpServer server;
    TempFolder folder;
};

std::vector<std::string> names(const LoadedConfig& loaded) {
    std::vector<std::string> all;
    for (const CheckSettings& check : loaded.config.health.checks) {
        all.push_back(check.name);
    }
    return all;
}

// As the file itself says how: without the # of lines that begin with it and no blank.
std::string switched_on(const std::string& text) {
    std::string result;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool begins = at == 0 || text[at - 1] == '\n';
        const bool is_off =
            begins && text[at] == '#' && at + 1 < text.size() && text[at + 1] != ' ' && text[at + 1] != '\n';
        result += is_off ? "" : std::string(1, text[at]);
    }
    return result;
}

} // namespace

TEST_CASE("init writes what a run without a configuration checks") {
    for (const Lang lang : {Lang::en, Lang::ru}) {
        InitBench bench;
        const Path file = bench.folder / "config.toml";
        REQUIRE(bench.init(file.string(), lang) == 0);
        const LoadedConfig loaded = bench.load(file);
        INFO(slurp(file) + problem_lines(loaded).en);
        REQUIRE(loaded.ok());
        CHECK(loaded.config.lang == lang);
        CHECK(loaded.config.paths.env_file == "/etc/lectio-monitor/config.env"); // as the README says
        CHECK(slurp(file).find("/opt/") == std::string::npos);
        std::vector<std::string> found;
        for (const FoundCheck& check : bench.server.look().checks) {
            found.push_back(check.name);
        }
        CHECK(names(loaded) == found);
        CHECK(loaded.config.health.recovery.empty());
        REQUIRE(loaded.config.channels.size() == 1);
        CHECK_FALSE(loaded.config.channels[0].unset.empty());
        CHECK(check_config_text(loaded, Strict::no).good);

        struct stat status {};
        REQUIRE(::stat(file.c_str(), &status) == 0);
        CHECK((status.st_mode & 07777U) == 0640);
    }
}

TEST_CASE("the recovery that init suggests is one that works, top to bottom") {
    InitBench bench;
    const Path file = bench.folder / "config.toml";
    REQUIRE(bench.init(file.string()) == 0);
    spill(bench.folder / "on.toml", switched_on(slurp(file)));
    const LoadedConfig loaded = bench.load(bench.folder / "on.toml");
    INFO(slurp(bench.folder / "on.toml") + problem_lines(loaded).en);
    REQUIRE(loaded.ok());
    std::vector<std::string> rungs;
    for (const RungSettings& rung : loaded.config.health.recovery) {
        rungs.push_back(rung.name + " " + rung.action);
    }
    CHECK(rungs == std::vector<std::string>{"permissions-frontend-lectio-test fix-permissions",
                                            "restart-teaching_panel restart",
                                            "restart-celery-default restart", "restart-nginx restart"});
    using Names = std::vector<std::string>;
    const std::vector<RungSettings>& recovery = loaded.config.health.recovery;
    CHECK(recovery[0].when == Names{"frontend-lectio-test", "site-lectio-test"});
    CHECK(recovery[1].when == Names{"teaching_panel", "teaching_panel-workers", "teaching_panel-8000"});
    CHECK(recovery[2].when == Names{"celery-default", "celery"});
    CHECK(recovery[3].when == Names{"nginx", "site-lectio-test"}); // no missing file restarts nginx
    CHECK(slurp(file).find("#test = [\"nginx\", \"-t\"]\n") != std::string::npos);
}

TEST_CASE("init writes over nothing") {
    InitBench bench;
    const Path file = bench.folder / "config.toml";
    spill(file, "mine");
    CHECK(bench.init(file.string()) == 64);
    CHECK(slurp(file) == "mine");
    std::filesystem::create_symlink(bench.folder / "nowhere", bench.folder / "link.toml");
    CHECK(bench.init((bench.folder / "link.toml").string()) == 64);
    CHECK_FALSE(std::filesystem::exists(bench.folder / "nowhere"));
    std::size_t entries = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(bench.folder.path())) {
        ++entries;
    }
    CHECK(entries == 2); // no temporary file is left
}

TEST_CASE("init adds what it has found to what setup has written") {
    InitBench bench;
    const Path file = bench.folder / "config.toml";
    const std::string setup =
        "[paths]\nenv_file = \"/etc/made-up.env\"\n\n[channel.mine] # by hand\ntype  = \"telegram\"\n"
        "token = \"${MINE_BOT_TOKEN}\"\nchat  = \"${MINE_CHAT_ID}\"\n";
    spill(file, setup);
    REQUIRE(bench.init(file.string()) == 0);
    const std::string text = slurp(file);
    CHECK(text.starts_with(setup));
    const LoadedConfig loaded = bench.load(file);
    INFO(text + problem_lines(loaded).en);
    REQUIRE(loaded.ok());
    CHECK(loaded.config.paths.env_file == "/etc/made-up.env");
    REQUIRE(loaded.config.channels.size() == 1);
    CHECK(loaded.config.channels[0].name == "mine");
    CHECK(names(loaded).size() == bench.server.look().checks.size());
    CHECK(bench.init(file.string()) == 64); // now it watches something
    CHECK(slurp(file) == text);
}

TEST_CASE("init makes no folder for a name that was mistyped") {
    InitBench bench;
    CHECK(bench.init((bench.folder / "nope/x.toml").string()) == 64);
    CHECK_FALSE(std::filesystem::exists(bench.folder / "nope"));
}

TEST_CASE("the secrets go where those of the old suite are, if they are here") {
    TempFolder folder;
    const Path old = folder / "old.env";
    const Path fresh = folder / "fresh.env";
    SystemFiles files;
    CHECK(env_file_for_secrets(files, old, fresh) == fresh);
    spill(old, "");
    CHECK(env_file_for_secrets(files, old, fresh) == old);
}

TEST_CASE("init prints instead of writing where it is asked to") {
    InitBench bench;
    CHECK(bench.init("-") == 0);
    CHECK(std::filesystem::is_empty(bench.folder.path()));
}

TEST_CASE("init asks nginx itself which files it reads") {
    InitBench bench;
    bench.server.end(100);
    bench.server.run(101, "nginx.service", "nginx: master process /usr/sbin/nginx -g daemon on;",
                     {{"0.0.0.0", 80, 101, "nginx"}});
    bench.server.processes.answers.emplace(
        "nginx", exited(0, "# configuration file /opt/nginx/nginx.conf:\nhttp { include sites/*; }\n"
                           "# configuration file /opt/nginx/sites/a:\nserver { server_name asked.test; }\n"));
    bench.server.http.on("http://asked.test/", page(200));
    const Path file = bench.folder / "config.toml";
    REQUIRE(bench.init(file.string()) == 0);
    CHECK(slurp(file).find("url = \"http://asked.test/\"\nresolve = \"127.0.0.1\"\n") != std::string::npos);
}
