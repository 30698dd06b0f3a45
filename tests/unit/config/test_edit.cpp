#include "config/edit.h"
#include "config/env_file.h"

#include <optional>
#include <string>

#include <catch2/catch.hpp>

using namespace lectio;

TEST_CASE("A variable is set where it stands, and everything around it stays") {
    const std::string before = "# secrets\nexport A=1\nTOKEN='old' # the bot\nB=\"x y\"\n";
    CHECK(with_variable(before, "TOKEN", "1:a") == "# secrets\nexport A=1\nTOKEN=1:a\nB=\"x y\"\n");
    CHECK(with_variable(before, "A", "2") == "# secrets\nA=2\nTOKEN='old' # the bot\nB=\"x y\"\n");
}

TEST_CASE("A variable that is not set yet comes at the end, also behind a last line without an end") {
    CHECK(with_variable("", "A", "1") == "A=1\n");
    CHECK(with_variable("B=2", "A", "1") == "B=2\nA=1\n");
    CHECK(with_variable("B=2\r\n", "A", "1") == "B=2\r\nA=1\r\n");
    CHECK(with_variable("# A=0\nAA=3\n", "A", "1") == "# A=0\nAA=3\nA=1\n");
}

TEST_CASE("Of several assignments the last one counts, and it is the one that is changed") {
    const std::string after = with_variable("A=1\nA=2\nB=$A\n", "A", "3");
    CHECK(after == "A=1\nA=3\nB=$A\n");
    CHECK(parse_env_file(after, [](const std::string&) { return std::nullopt; }).values.at("A") == "3");
}

TEST_CASE("A table comes after everything else, in the file's own line ends") {
    CHECK(with_table("", "[a]\nb = 1\n") == "[a]\nb = 1\n");
    CHECK(with_table("x = 1", "[a]\nb = 1\n") == "x = 1\n\n[a]\nb = 1\n");
    CHECK(with_table("x = 1\r\n", "[a]\nb = 1\n") == "x = 1\r\n\r\n[a]\r\nb = 1\r\n");
}
