#include "cli/command_line.h"
#include "support/temp_folder.h"

#include <cstdlib>
#include <iostream>
#include <sstream>

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

struct Parsed {
    std::optional<int> leave;
    CommonOptions options;
    std::string out, err;
};

class Capture {
  public:
    explicit Capture(std::ostream& stream) : m_stream(stream), m_old(stream.rdbuf(m_text.rdbuf())) {}
    ~Capture() { m_stream.rdbuf(m_old); }
    [[nodiscard]] std::string text() const { return m_text.str(); }

  private:
    std::ostringstream m_text;
    std::ostream& m_stream;
    std::streambuf* m_old;
};

// Mistakes are told in the language of the configuration that is found.
class Configured {
  public:
    explicit Configured(std::string_view lang) {
        spill(file(), "lang = \"" + std::string(lang) + "\"\n");
        ::setenv("LECTIO_CONFIG", file().c_str(), 1);
    }
    ~Configured() { ::unsetenv("LECTIO_CONFIG"); }
    Configured(const Configured&) = delete;
    Configured& operator=(const Configured&) = delete;
    [[nodiscard]] Path file() const { return m_folder / "config.toml"; }

  private:
    TempFolder m_folder;
};

Parsed parse_words(std::vector<std::string> words) {
    words.insert(words.begin(), "lectio-health");
    std::vector<char*> argv;
    for (std::string& word : words) {
        argv.push_back(word.data());
    }
    Parsed parsed;
    CLI::App app;
    describe(app, "lectio-health", "Watches.", "  lectio-health -q\n");
    add_common_options(app, parsed.options, Reports::all);
    add_check_options(app, parsed.options);
    app.add_subcommand("list", "List");
    const Capture out(std::cout);
    const Capture err(std::cerr);
    parsed.leave = parse(app, static_cast<int>(argv.size()), argv.data());
    parsed.out = out.text();
    parsed.err = err.text();
    return parsed;
}

} // namespace

TEST_CASE("common options stand before or after the subcommand") {
    CHECK(parse_words({"--dry-run", "list"}).options.dry_run);
    CHECK(parse_words({"list", "--dry-run"}).options.dry_run);
    CHECK(parse_words({"list", "-q"}).options.verbosity == Verbosity::quiet);
    CHECK(parse_words({"--format", "JSON"}).options.format == Format::json);
    CHECK(parse_words({"--only", "a,b", "--only=c"}).options.only == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("wrong usage is 64 and goes to standard error") {
    for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
             {"--dry-rum"}, {"--format", "yaml"}, {"--config"}, {"surplus"}}) {
        const Parsed parsed = parse_words(words);
        CAPTURE(words);
        CHECK(parsed.leave == 64);
        CHECK(parsed.out.empty());
        CHECK_FALSE(parsed.err.empty());
    }
}

TEST_CASE("what is not expected is named in its order, with what was meant") {
    const Configured english("en");
    const auto said = [](const std::vector<std::string>& words) { return parse_words(words).err; };
    CHECK(said({"x", "sned"}).starts_with("lectio-health: not expected: \"x\", \"sned\"\n"));
    CHECK(said({"lsit"}).find("not expected: \"lsit\"; did you mean \"list\"?") != std::string::npos);
    CHECK(said({"--quite"}).find("did you mean \"--quiet\"?") != std::string::npos);
    CHECK(said({"--dry-rum=1", "list"}).find("did you mean \"--dry-run\"?") != std::string::npos);
    CHECK(said({"--bogus"}).find("did you mean") == std::string::npos);
}

TEST_CASE("each kind of wrong usage is told in the configured language") {
    struct Row {
        std::vector<std::string> words;
        std::string english, russian;
    };
    const std::vector<Row> rows{
        {{"x", "lsit"},
         "not expected: \"x\", \"lsit\"; did you mean \"list\"?",
         "непонятно: «x», «lsit»; может быть, «list»?"},
        {{"--format", "yaml"},
         "--format: yaml not in {json,nagios,prometheus,text}",
         "--format: значения yaml нет, можно {json,nagios,prometheus,text}"},
        {{"--only"}, "--only: 1 required NAME missing", "--only: не хватает значения (NAME)"},
        {{"--strict"}, "--strict requires --check-config", "--strict нужно только вместе с --check-config"},
        {{"--check-config", "--only", "x"},
         "--check-config excludes --only",
         "--check-config и --only нельзя указать вместе"},
        {{"--dry-run=maybe"}, "Could not convert: --dry-run = maybe", "--dry-run не может быть maybe"},
        {{"--format", "text", "--format", "json"},
         "--format: At Most 1 required but received 2",
         "--format: значений может быть не больше 1, а указано 2"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.words);
        {
            const Configured english("en");
            CHECK(parse_words(row.words).err ==
                  "lectio-health: " + row.english + "\nTry lectio-health --help\n");
        }
        const Configured russian("ru");
        CHECK(parse_words(row.words).err ==
              "lectio-health: " + row.russian + "\nПодробнее: lectio-health --help\n");
    }
}

TEST_CASE("the file that the command line names says the language, wherever it stands there") {
    const Configured russian("ru");
    const TempFolder folder;
    const std::string file = (folder / "english.toml").string();
    spill(file, "lang = \"en\"\n[log\n"); // broken below
    for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
             {"-c", file, "--bogus"}, {"--bogus", "--config", file}, {"--bogus", "--config=" + file}}) {
        CAPTURE(words);
        CHECK(parse_words(words).err.find("Try lectio-health --help") != std::string::npos);
    }
    CHECK(parse_words({"--bogus", "--", "-c", file}).err.find("Подробнее") != std::string::npos);
}

TEST_CASE("an option that would mean nothing is refused, not passed over") {
    CHECK(parse_words({"--strict"}).leave == 64);
    CHECK(parse_words({"--only", "nope", "--check-config"}).leave == 64);
    CHECK_FALSE(parse_words({"--check-config", "--strict"}).leave);
}

TEST_CASE("help has examples and the table of exit codes") {
    const Parsed parsed = parse_words({"--help"});
    CHECK(parsed.leave == 0);
    CHECK(parsed.out.find("lectio-health -q") != std::string::npos);
    CHECK(parsed.out.find("75 another run holds the lock") != std::string::npos);
    CHECK(parse_words({"--version"}).out.find("lectio-health ") == 0);
}

TEST_CASE("the help of a command has its own examples") {
    const auto help_of = [](const char* command) {
        CLI::App app;
        describe(app, "tool", "Does.",
                 "  tool send x      tell\n"
                 "  echo x | sudo tool send -\n"
                 "                   the same\n"
                 "  tool sending     another\n",
                 "Exit status: 0 good.\n");
        for (const char* each : {"send", "sending", "flush"}) {
            app.add_subcommand(each, "Acts");
        }
        std::string name = "tool", word = command, help = "--help";
        char* argv[] = {name.data(), word.data(), help.data()};
        const Capture out(std::cout);
        CHECK(parse(app, 3, argv) == 0);
        return out.text();
    };
    const std::string send = help_of("send");
    CHECK(
        send.find(
            "Examples:\n  tool send x      tell\n  echo x | sudo tool send -\n                   the same\n\n"
            "Exit status: 0 good.\n") != std::string::npos);
    CHECK(send.find("another") == std::string::npos);
    const std::string flush = help_of("flush"); // it has none
    CHECK(flush.find("Examples") == std::string::npos);
    CHECK(flush.find("Exit status: 0 good.") != std::string::npos);
}

TEST_CASE("help that cannot be written is no success") {
    CLI::App app;
    describe(app, "lectio-health", "Watches.", "");
    std::string name = "lectio-health", help = "--help";
    char* argv[] = {name.data(), help.data()};
    const Capture err(std::cerr);
    std::streambuf* whole = std::cout.rdbuf(nullptr); // refuses every character
    const std::optional<int> leave = parse(app, 2, argv);
    std::cout.rdbuf(whole);
    CHECK(leave == 70);
    CHECK_FALSE(err.text().empty());
}

TEST_CASE("a tool has only the options that mean something to it") {
    CommonOptions options;
    CLI::App app;
    add_common_options(app, options, Reports::text_and_json);
    const std::string help = app.help();
    CHECK(help.find("--dry-run") != std::string::npos);
    for (const char* foreign : {"--only", "--no-recovery", "--no-notify", "nagios"}) {
        CHECK(help.find(foreign) == std::string::npos);
    }
}

TEST_CASE("the words of a command line are looked at for Nagios only where it has a report") {
    for (const Reports reports : {Reports::text_and_json, Reports::all}) {
        CommonOptions options;
        CLI::App app;
        add_common_options(app, options, reports);
        std::string name = "tool", form = "--format=NAGIOS", wrong = "--bogus";
        char* argv[] = {name.data(), form.data(), wrong.data()};
        const Capture err(std::cerr);
        CHECK(parse(app, 3, argv, reports) == (reports == Reports::all ? 3 : 64));
    }
}

TEST_CASE("Nagios sees only 0 to 3") {
    CHECK(process_exit(ExitCode::configuration, Status::ok, Format::nagios) == 1);
    CHECK(process_exit(ExitCode::configuration, Status::critical, Format::nagios) == 2);
    CHECK(process_exit(ExitCode::configuration, Status::unknown, Format::nagios) ==
          3); // nothing was looked at
    CHECK(process_exit(ExitCode::locked, Status::ok, Format::nagios) == 3);
    CHECK(process_exit(ExitCode::locked, Status::ok, Format::text) == 75);
    CHECK(process_exit(ExitCode::critical, Status::critical, Format::nagios) == 2);
}
