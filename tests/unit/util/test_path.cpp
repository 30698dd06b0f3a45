#include "util/path.h"

#include <catch2/catch.hpp>

using lectio::lies_in;

TEST_CASE("A path lies in a folder step by step", "[path]") {
    CHECK(lies_in("/srv/site", "/srv/site"));
    CHECK(lies_in("/srv/site/media/a", "/srv/site"));
    CHECK(lies_in("/srv/site", "/"));
    CHECK(lies_in("/", "/"));
    CHECK(lies_in("a/b", "a"));
    CHECK_FALSE(lies_in("/srv", "/srv/site"));
    CHECK_FALSE(lies_in("/srv/site2", "/srv/site"));
    CHECK_FALSE(lies_in("/srv/sit", "/srv/site"));
    CHECK_FALSE(lies_in("/", "/srv"));
    CHECK_FALSE(lies_in("srv/site", "/srv"));
    CHECK_FALSE(lies_in("", "/srv"));
}

TEST_CASE("A slash at the end of the folder says nothing", "[path]") {
    CHECK(lies_in("/srv/site", "/srv/"));
    CHECK(lies_in("/srv", "/srv/"));
    CHECK(lies_in("/srv/", "/srv"));
    CHECK(lies_in("/srv/", "/srv/"));
    CHECK_FALSE(lies_in("/srv2", "/srv/"));
}

TEST_CASE("What is written is compared: nothing is resolved", "[path]") {
    CHECK(lies_in("/srv/../etc", "/srv"));
    CHECK_FALSE(lies_in("/srv/./site", "/srv/site"));
}
