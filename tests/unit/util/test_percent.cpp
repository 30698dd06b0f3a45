#include "util/percent.h"

#include <catch2/catch.hpp>

using namespace lectio;

TEST_CASE("what is not plain is encoded, the slashes of a path are not") {
    CHECK(percent_encoded("a b/ü~?") == "a%20b%2F%C3%BC~%3F");
    CHECK(percent_encoded_path("static/js/a b?.js") == "static/js/a%20b%3F.js");
}

TEST_CASE("what was encoded is decoded, strictly or as browsers do it") {
    CHECK(percent_decoded("a%20b%2Fc%2fd%C3%A4") == "a b/c/d\xC3\xA4");
    CHECK(percent_decoded("") == "");
    CHECK(percent_decoded("%00") == std::string(1, '\0'));
    for (const std::string_view broken : {"%", "a%2", "%zz", "%2x", "%%20", "% 1", "%+1"}) {
        CAPTURE(broken);
        CHECK_FALSE(percent_decoded(broken));
    }
    CHECK(percent_decoded_leniently("100%") == "100%");
    CHECK(percent_decoded_leniently("%zz%2") == "%zz%2");
    CHECK(percent_decoded_leniently("%%41%") == "%A%");
}
