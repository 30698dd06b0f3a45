#include "util/secret.h"

#include <catch2/catch.hpp>

using namespace lectio;

TEST_CASE("a secret is masked wherever it turns up") {
    const Secret secret("pa/ss word+1");
    CHECK(redact("x pa/ss word+1 y") == "x *** y");
    CHECK(redact("?p=pa%2Fss%20word%2B1&q") == "?p=***&q");
}

TEST_CASE("credentials in addresses are masked though nobody registered them") {
    CHECK(redact("redis://user:pw@10.0.0.1/0") == "redis://***@10.0.0.1/0");
    CHECK(redact("https://api.telegram.org/bot12345:AAExyz/sendMessage failed") ==
          "https://api.telegram.org/bot***/sendMessage failed");
    CHECK(redact("https://example.org/bots/1") == "https://example.org/bots/1");
}
