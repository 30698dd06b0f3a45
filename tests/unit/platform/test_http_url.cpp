#include "platform/http_url.h"

#include <string>

#include <catch2/catch.hpp>

using namespace lectio;

TEST_CASE("a URL read without libcurl has the parts that libcurl finds") {
    const std::string url =
        GENERATE(as<std::string>{}, //
                 "http://127.0.0.1:8000/health/", "https://site.example", "http://a",
                 "http://127.0.4.250:80/", "https://x:443/", "http://x:443/Path/to_a-file.txt",
                 "https://x.example:65535", "http://1.2.3.4.example/", "http://3com.example/",
                 // what libcurl writes in another way, or refuses
                 "http://127.1/", "http://010.0.0.1/", "http://0x7f.1/", "http://2130706433/",
                 "http://1.2.3.256/", "http://1.2.3.4.5/", "http://a.5/", "http://a./", "http://x/a/../b",
                 "http://x/./", "http://x//a", "http://x/%41?q=1&b#part", "http://x?q", "http://x#part",
                 "http://user:word@x/", "http://[::1]:8000/", "HTTP://X/", "http://X/", "http://x:0/",
                 "http://x:08/", "http://x:65536/", "http://x:/", "http://x:80x/", "http://", "http:///",
                 "http://-x/", "http://x/a b", "http://\xD0\xB0.example/", "ftp://x/", "httpss://x/");
    INFO(url);
    const Result<HttpUrl> read = parse_http_url(url);
    // A Location is always libcurl's to read.
    const Result<HttpUrl> by_libcurl =
        follow_location({"http://other.example/", "http", "other.example", 80, {}}, url);
    if (!read) {
        CHECK((!by_libcurl || url.find(' ') != std::string::npos)); // blanks are written anew in a Location
        return;
    }
    REQUIRE(by_libcurl);
    CHECK(read->text == by_libcurl->text);
    CHECK(read->scheme == by_libcurl->scheme);
    CHECK(read->host == by_libcurl->host);
    CHECK(read->port == by_libcurl->port);
}
