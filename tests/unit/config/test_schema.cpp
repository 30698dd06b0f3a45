// The key table: types and defaults from the struct, problems with their places.
#include "config/schema.h"

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

struct Inner {
    std::string name;
    int size = 3;
};
const Schema<Inner>& inner_schema() {
    static const Schema<Inner> schema{
        required("name", &Inner::name, "its name"),
        optional("size", &Inner::size, "its size").between(1, 9),
    };
    return schema;
}

struct Outer {
    enum class Say { nothing, hello };
    std::string address;
    Duration timeout{5000};
    Thresholds free{};
    Say say = Say::hello;
    std::vector<std::string> words{"a", "b"};
    std::map<std::string, Thresholds> queues;
    std::map<std::string, JsonText> json;
    std::optional<Inner> inner;
    std::vector<Inner> list;
    std::map<std::string, Inner> named;
    Secret token;
    StatusSet status;
    FileMode mode{0644};
    Span flap{6, 20};
    std::filesystem::path path{"/x"};
    Bytes size{1_MB};
};
const Schema<Outer>& outer_schema() {
    static const Schema<Outer> schema =
        Schema<Outer>{
            required("address", &Outer::address, "host:port").check(address_complaint),
            optional("timeout", &Outer::timeout, "wait").between(10ms, 1h),
            optional("free", &Outer::free, "space")
                .units({Amount::Unit::percent, Amount::Unit::bytes})
                .runs_out(),
            optional("say", &Outer::say, "say")
                .one_of({{"nothing", Outer::Say::nothing}, {"hello", Outer::Say::hello}}),
            optional("words", &Outer::words, "words").one_of({"a", "b", "c"}),
            optional("queues", &Outer::queues, "queues").units({Amount::Unit::number}).grows(),
            optional("json", &Outer::json, "json"),
            optional("inner", &Outer::inner, inner_schema(), "inner"),
            optional("list", &Outer::list, inner_schema(), "list"),
            optional("named", &Outer::named, inner_schema(), "named"),
            optional("token", &Outer::token, "token"),
            optional("status", &Outer::status, "status"),
            optional("mode", &Outer::mode, "mode"),
            optional("flap", &Outer::flap, "flap"),
            optional("path", &Outer::path, "path"),
            optional("size", &Outer::size, "size").between(1_kB, 1_GB),
            later<int>("soon", "not yet"),
        }
            .verify([](const Outer& outer) {
                std::vector<Complaint> complaints;
                if (outer.timeout == 13s) {
                    complaints.push_back({"timeout", verbatim("13 is unlucky")});
                }
                return complaints;
            });
    return schema;
}

std::uint32_t g_line = 0;

Node text(std::string value) {
    return {Node::Value(std::move(value)), {++g_line, 9}};
}
Node number(std::int64_t value) {
    return {Node::Value(value), {++g_line, 9}};
}
Node table(std::initializer_list<std::pair<std::string, Node>> members) {
    Node::Table out;
    for (const auto& [key, value] : members) {
        out.push_back({key, {value.position().line, 1}, {value}});
    }
    return {Node::Value(std::move(out)), {100, 1}};
}

struct Outcome {
    Outer outer;
    Problems problems;
    std::vector<UnsetReference> unset;
};
Outcome read(const Node& node) {
    Outcome outcome;
    Reading reading{outcome.problems, {}, Reading::Later::announce};
    outer_schema().read(node, outcome.outer, reading);
    outcome.unset = reading.unset;
    return outcome;
}

std::string only_problem(std::initializer_list<std::pair<std::string, Node>> members) {
    Node node = table(members);
    if (node.find("address") == nullptr) {
        node.value() = std::get<Node::Table>(table(members).value());
        std::get<Node::Table>(node.value()).push_back({"address", {1, 1}, {text("h:1")}});
    }
    const Outcome outcome = read(node);
    REQUIRE(outcome.problems.all().size() == 1);
    return outcome.problems.all().front().message.en;
}

} // namespace

TEST_CASE("a table that gives nothing but the required key has every default") {
    const Outcome outcome = read(table({{"address", text("h:80")}}));
    CHECK(outcome.problems.all().empty());
    CHECK(outcome.outer.address == "h:80");
    CHECK(outcome.outer.timeout == 5s);
    CHECK(outcome.outer.words == std::vector<std::string>{"a", "b"});
}

TEST_CASE("each kind of value is read") {
    const Node node =
        table({{"address", text("[::1]:80")},
               {"timeout", text("2m")},
               {"free", table({{"warn", text("15%")}, {"critical", text("5%")}})},
               {"say", text("nothing")},
               {"words", Node(Node::Array{text("c")}, {})},
               {"queues", table({{"celery", table({{"warn", number(5)}})}})},
               {"json", table({{"/a/b", table({{"c", number(1)}})}, {"/d", text("e")}})},
               {"inner", table({{"name", text("n")}})},
               {"list", Node(Node::Array{table({{"name", text("x")}, {"size", number(4)}})}, {})},
               {"named", table({{"one", table({{"name", text("y")}})}})},
               {"token", text("made-up-token")},
               {"status", Node(Node::Array{number(200), text("3xx")}, {})},
               {"mode", text("755")},
               {"flap", text("3 of 5")},
               {"path", text("/srv")},
               {"size", text("2MB")}});
    const Outcome outcome = read(node);
    for (const Problem& problem : outcome.problems.all()) {
        UNSCOPED_INFO(problem.message.en);
    }
    REQUIRE(outcome.problems.all().empty());
    const Outer& outer = outcome.outer;
    CHECK(outer.timeout == 120s);
    CHECK(outer.free.critical == Amount{Amount::Unit::percent, 5});
    CHECK(outer.say == Outer::Say::nothing);
    CHECK(outer.words == std::vector<std::string>{"c"});
    CHECK(outer.queues.at("celery").warn == Amount{Amount::Unit::number, 5});
    CHECK(outer.json.at("/a/b").text == R"({"c":1})");
    CHECK(outer.json.at("/d").text == R"("e")");
    CHECK(outer.inner->name == "n");
    CHECK(outer.inner->size == 3);
    CHECK(outer.list.at(0).size == 4);
    CHECK(outer.named.at("one").name == "y");
    CHECK(outer.token.reveal() == "made-up-token");
    CHECK(outer.status.words() == "200, 3xx");
    CHECK(outer.mode.bits == 0755);
    CHECK(outer.flap == Span{3, 5});
    CHECK(outer.path == "/srv");
    CHECK(outer.size == 2_MB);
}

TEST_CASE("a value that does not fit is said in words") {
    CHECK(only_problem({{"timeout", number(5)}}) ==
          R"(expected a duration ("5s"), found whole number; write "5s")");
    CHECK(only_problem({{"timeout", text("5 sec")}}) == R"("5 sec" is not a duration; did you mean "5s"?)");
    CHECK(only_problem({{"timeout", text("-5s")}}) == R"("-5s" must not be negative)");
    CHECK(only_problem({{"timeout", text("99999d")}}) == R"("99999d" is too large)");
    CHECK(only_problem({{"free", table({{"warn", text("150%")}})}}) ==
          R"("150%" is out of range: 0% to 100% is allowed)");
    CHECK(
        only_problem({{"free", table({{"warn", text("10m")}})}}) ==
        R"(wrong unit: expected a share ("10%") or a size ("256MB"), found a duration ("5s"); did you mean "10MB"?)");
    CHECK(only_problem({{"timeout", text("2h")}}) == "out of range: 10ms to 1h is allowed");
    CHECK(only_problem({{"timeout", text("13s")}}) == "13 is unlucky");
    CHECK(only_problem({{"words", text("a")}}) == R"(expected a list of texts, found text; write ["a"])");
    CHECK(only_problem({{"words", number(1)}}) == "expected a list of texts, found whole number");
    CHECK(only_problem({{"free", table({})}}) ==
          "no threshold is given; write warn = …, critical = … or both into the braces");
    CHECK(only_problem({{"say", text("helo")}}) ==
          R"("helo" is not allowed; did you mean "hello"? allowed: nothing | hello)");
    CHECK(only_problem({{"free", table({{"warn", text("5s")}})}}) ==
          R"(wrong unit: expected a share ("10%") or a size ("256MB"), found a duration ("5s"))");
    CHECK(only_problem({{"free", table({{"warn", text("5%")}, {"critical", text("15%")}})}}) ==
          "critical must not lie above warn: less is worse here");
    CHECK(only_problem({{"free", table({{"warm", text("5%")}})}}) ==
          R"(unknown key "warm"; did you mean "warn"?)");
    CHECK(only_problem({{"mode", text("999")}}) ==
          R"("999" is not a mode; write three or four octal digits, "755")");
    CHECK(only_problem({{"flap", text("7 of 5")}}) ==
          R"("7 of 5" is not "N of M" with 1 to 64 runs; "" turns it off)");
    CHECK(only_problem({{"path", text("srv")}}) == R"("srv" is not an absolute path (it must begin with /))");
    CHECK(only_problem({{"adress", text("h:1")}}) == R"(unknown key "adress"; did you mean "address"?)");
    CHECK(only_problem({{"address", text("h")}}) == "address: expected host:port or [address]:port");
    CHECK(only_problem({{"inner", table({{"name", text("n")}, {"size", number(10)}})}}) ==
          "out of range: 1 to 9 is allowed");
    CHECK(only_problem({{"status", number(99)}}) == "out of range: 100 to 599 is allowed");
    CHECK(only_problem({{"soon", number(1)}}) == R"("soon" is not built yet: ignored)");
}

TEST_CASE("a value that does not fit is said in Russian, too") {
    const auto russian = [](std::string_view key, Node value) {
        const Outcome outcome = read(table({{"address", text("h:1")}, {std::string(key), std::move(value)}}));
        REQUIRE(outcome.problems.all().size() == 1);
        return outcome.problems.all().front().message.ru;
    };
    CHECK(russian("timeout", number(5)) ==
          R"(ожидается длительность ("5s"), а здесь целое число; напишите "5s")");
    CHECK(russian("timeout", text("5 sec")) == R"("5 sec" — это не длительность; может быть, "5s"?)");
    CHECK(russian("timeout", text("2h")) == "вне границ: можно от 10ms до 1h");
    CHECK(russian("words", text("a")) == R"(ожидается список текстов, а здесь текст; напишите ["a"])");
    CHECK(russian("say", text("helo")) ==
          R"("helo" — такого значения нет; может быть, "hello"? Можно: nothing | hello)");
    CHECK(russian("free", text("15%")) ==
          "ожидается таблица порогов ({ warn = …, critical = … }), а здесь текст");
    CHECK(russian("free", table({{"warn", text("10m")}})) ==
          R"(не та единица: ожидается доля ("10%") или размер ("256MB"), а здесь длительность ("5s"); )"
          R"(может быть, "10MB"?)");
    CHECK(russian("timeuot", number(1)) == R"(неизвестный ключ "timeuot"; может быть, "timeout"?)");
    CHECK(russian("sаy", text("hello")) ==
          R"(неизвестный ключ "sаy"; может быть, "say"? (одна из букв русская))");
}

TEST_CASE("a missing key is the table's fault, an unknown key its own, a wrong value the value's") {
    const Outcome outcome = read(table({{"adress", Node("h:1", {7, 12})}}));
    REQUIRE(outcome.problems.all().size() == 2);
    CHECK(outcome.problems.all()[0].position == Position{7, 1});
    CHECK(outcome.problems.all()[1].position == Position{100, 1});
    CHECK(outcome.problems.all()[1].message.en == R"(missing key "address")");
}

TEST_CASE("a value that refers to nothing is no problem, but noted") {
    Node address = text("${ADDRESS}");
    address.set_expanded("", "ADDRESS");
    const Outcome outcome = read(table({{"address", address}}));
    CHECK(outcome.problems.all().empty());
    REQUIRE(outcome.unset.size() == 1);
    CHECK(outcome.unset[0].name == "ADDRESS");
}

TEST_CASE("a problem quotes the reference, never what it stands for") {
    Node timeout = text("${WAIT}");
    timeout.set_expanded("made-up-secret", "");
    CHECK(only_problem({{"timeout", timeout}}) ==
          R"("${WAIT}" is not a duration; write 500ms, 5s, 2m, 1h or 14d)");
}

TEST_CASE("what was meant is told for programs, too") {
    const auto suggested = [](std::initializer_list<std::pair<std::string, Node>> members) {
        const Outcome outcome = read(table(members));
        REQUIRE_FALSE(outcome.problems.all().empty());
        return outcome.problems.all().front().suggestion;
    };
    CHECK(suggested({{"adress", text("h:1")}}) == "address");
    CHECK(suggested({{"address", text("h:1")}, {"timeout", text("5 sec")}}) == "5s");
    CHECK(suggested({{"address", text("h:1")}, {"timeout", number(5)}}) == "\"5s\"");
    CHECK(suggested({{"address", text("h:1")}, {"say", text("helo")}}) == "hello");
    CHECK(suggested({{"address", text("h:1")}, {"words", text("a")}}) == R"(["a"])");
    CHECK(suggested({{"address", text("h:1")}, {"timeout", text("2h")}}).empty());
}

TEST_CASE("a clear value lies beyond its own threshold") {
    using Direction = Limits::Direction;
    const auto percent = [](double value) { return Amount{Amount::Unit::percent, value}; };
    const Thresholds free{percent(15), percent(5)};
    CHECK(clear_complaints(free, {}, Direction::runs_out).empty());
    CHECK(clear_complaints(free, {percent(15), percent(8)}, Direction::runs_out).empty());
    CHECK(clear_complaints(free, {percent(12), std::nullopt}, Direction::grows).empty());
    CHECK(
        clear_complaints(free, {Amount{Amount::Unit::bytes, 1}, std::nullopt}, Direction::runs_out).empty());
    const auto below = clear_complaints(free, {percent(14), percent(4)}, Direction::runs_out);
    REQUIRE(below.size() == 2);
    CHECK(below[0].keys == std::vector<std::string>{"clear", "warn"});
    CHECK(below[0].message.en == "must not lie below the warn value it clears, 15%");
    CHECK(below[1].keys == std::vector<std::string>{"clear", "critical"});
    const auto above =
        clear_complaints({percent(80), std::nullopt}, {percent(85), percent(90)}, Direction::grows);
    REQUIRE(above.size() == 2);
    CHECK(above[0].message.en == "must not lie above the warn value it clears, 80%");
    CHECK(above[1].message.en == "there is no critical value to clear");
}

TEST_CASE("a max_time that is never reached is a warning") {
    CHECK(max_time_complaints(0ms, 10s).empty());
    CHECK(max_time_complaints(10s, 10s).empty());
    const auto never = max_time_complaints(15s, 10s);
    REQUIRE(never.size() == 1);
    CHECK(never[0].severity == Problem::Severity::warning);
    CHECK(never[0].message.en == "never reached: it is given up after \"10s\" (timeout)");
}

TEST_CASE("a row knows itself in words") {
    const auto row = [rows = outer_schema().rows()](std::string_view name) {
        const auto found =
            std::find_if(rows.begin(), rows.end(), [&](const RowInfo& each) { return each.name == name; });
        REQUIRE(found != rows.end());
        return *found;
    };
    CHECK(row("timeout").type == "duration");
    CHECK(row("timeout").default_words == R"("5s")");
    CHECK(row("timeout").range == "10ms to 1h");
    CHECK(row("say").default_words == R"("hello")");
    CHECK(row("words").default_words == R"(["a", "b"])");
    CHECK(row("words").type == "list of texts");
    CHECK(row("soon").later);
    CHECK(row("address").required);
}
