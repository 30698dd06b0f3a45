#include "smoke/values.h"
#include "support/fake_http.h"

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

const Values& some() {
    static const Values values{{"id", "42"},
                               {"name", R"("лекция 1/2")"},
                               {"url", R"("/media/a b.mp4?sig=1&x=2")"},
                               {"list", "[1,2]"}};
    return values;
}

} // namespace

TEST_CASE("values: in a path they are percent-encoded, as one segment", "[values]") {
    CHECK(put_in_target("/api/files/{id}/", some()) == "/api/files/42/");
    CHECK(put_in_target("/s?q={name}", some()) == "/s?q=%D0%BB%D0%B5%D0%BA%D1%86%D0%B8%D1%8F%201%2F2");
}

TEST_CASE("values: a target that is one value is taken as it is", "[values]") {
    CHECK(put_in_target("{url}", some()) == "/media/a b.mp4?sig=1&x=2");
}

TEST_CASE("values: what is no reference stays", "[values]") {
    for (const char* text : {"{", "}", "{}", "{other}", "{id", "a{b}c", "{ id }", "{{x}"}) {
        INFO(text);
        CHECK(put_in_text(text, some()) == text);
    }
    CHECK(put_in_text("{{id}}", some()) == "{42}");
    CHECK(put_in_text("{id}{id}", some()) == "4242");
}

TEST_CASE("values: in JSON a number stays a number, and a text is no way out of its quotes", "[values]") {
    CHECK(put_in_json(R"({"lesson":"{id}","tags":["{list}"],"n":1})", some()) ==
          R"({"lesson":42,"n":1,"tags":[[1,2]]})");
    CHECK(put_in_json(R"({"title":"No {id}: {name}"})", some()) == R"({"title":"No 42: лекция 1/2"})");
    const Values hostile{{"x", R"("\",\"admin\":true,\"y\":\"")"}};
    CHECK(put_in_json(R"({"a":"see {x}"})", hostile) == R"({"a":"see \",\"admin\":true,\"y\":\""})");
}

TEST_CASE("values: saved from JSON, a header, an expression", "[values]") {
    const HttpAnswer answer = page(
        200, R"({"results":[{"id":7,"name":"a","none":null}]} <input value="t-1">)", {{"etag", "\"abc\""}});
    const HttpAnswer clean =
        page(200, R"({"results":[{"id":7,"name":"a","none":null}]})", {{"etag", "\"abc\""}});
    const Values saved = saved_values({{"id", {R"("/results/0/id")"}},
                                       {"none", {R"("/results/0/none")"}},
                                       {"far", {R"("/results/1/id")"}},
                                       {"tag", {R"({"header":"ETag"})"}},
                                       {"caught", {R"x({"matches":"name\":\"([a-z])\""})x"}},
                                       {"whole", {R"({"matches":"resul.s"})"}},
                                       {"missed", {R"x({"matches":"([0-9]{9})"})x"}}},
                                      clean);
    CHECK(saved ==
          Values{{"id", "7"}, {"tag", R"("\"abc\"")"}, {"caught", R"("a")"}, {"whole", R"("results")"}});
    CHECK(saved_values({{"id", {R"("/results/0/id")"}}, {"key", {R"x({"matches":"value=\"([^\"]+)\""})x"}}},
                       answer) == Values{{"key", R"("t-1")"}}); // that is no JSON
}
