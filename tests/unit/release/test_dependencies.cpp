// What an environment is made of, and a copy of one that works at its own place.
#include "platform/processes.h"
#include "release/dependencies.h"
#include "support/temp_folder.h"

#include <filesystem>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace lectio::release;

namespace {

const std::vector<std::string> k_install{"venv/bin/pip", "install", "-q", "-r", "requirements.txt"};

std::string made_of(const TempFolder& tree, const std::vector<std::string>& install = k_install) {
    SystemFiles files;
    return dependencies_of(files, tree.path(), install);
}

} // namespace

TEST_CASE("the same requirements are the same set, also through what they include", "[dependencies]") {
    TempFolder tree;
    spill(tree / "requirements.txt", "-r base.txt\ngunicorn==20.1\n");
    spill(tree / "base.txt", "django==4.2\n");
    const std::string before = made_of(tree);
    CHECK(before.size() == 64);
    CHECK(made_of(tree) == before);
    spill(tree / "base.txt", "django==4.2.1\n");
    const std::string after = made_of(tree);
    CHECK(after.size() == 64);
    CHECK(after != before);
    std::vector<std::string> other = k_install;
    other.emplace_back("--no-deps");
    CHECK(made_of(tree, other) != after);
}

TEST_CASE("what no file of requirements tells is installed anew", "[dependencies]") {
    TempFolder tree;
    spill(tree / "requirements.txt", "-e .\n");
    CHECK(made_of(tree).empty());
    spill(tree / "requirements.txt", "lib @ file:///srv/lib\n");
    CHECK(made_of(tree).empty());
    spill(tree / "requirements.txt", "-r gone.txt\n");
    CHECK(made_of(tree).empty());
    spill(tree / "requirements.txt", "-r requirements.txt\ndjango\n"); // includes itself
    CHECK_FALSE(made_of(tree).empty());
    CHECK(made_of(tree, {"venv/bin/pip", "install", "."}).empty());
    CHECK(made_of(tree, {"venv/bin/pip", "install", "django"}).empty());
    CHECK(made_of(tree, {}).empty());
}

TEST_CASE("a copied environment names its own place and runs there", "[dependencies]") {
    TempFolder folder;
    SystemProcesses processes;
    const auto run = [&](std::vector<std::string> command, std::string input = {}) {
        ProcessRequest request;
        request.command = std::move(command);
        request.input = std::move(input);
        request.timeout = std::chrono::minutes(2);
        const Result<ProcessAnswer> answer = processes.run(request);
        REQUIRE(answer);
        INFO(answer->err);
        REQUIRE(answer->exit_status == 0);
        return answer->out;
    };
    const std::string before = folder / "old";
    const std::string after = folder / "new";
    run({"python3", "-m", "venv", "--without-pip", before});
    spill(Path(before) / "bin/tool", "#!" + before + "/bin/python\nimport sys\nprint(sys.prefix)\n");
    std::filesystem::permissions(Path(before) / "bin/tool", std::filesystem::perms::owner_all);
    spill(Path(before) / "data", "the same bytes, " + before);
    run({before + "/bin/python", "-I", "-", before, after}, std::string(program_that_copies_a_venv()));
    CHECK(run({after + "/bin/tool"}) == after + "\n");
    CHECK(std::filesystem::hard_link_count(Path(after) / "data") == 2);
    CHECK(slurp(Path(after) / "pyvenv.cfg").find(before + "\n") == std::string::npos);
}
