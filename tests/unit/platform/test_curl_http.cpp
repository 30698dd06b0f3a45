#include "platform/curl_http.h"
#include "support/hostile_server.h"
#include "support/no_more_files.h"
#include "support/temp_folder.h"
#include "util/secret.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <thread>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <sys/socket.h>
#include <sys/un.h>

using namespace lectio;
using namespace std::chrono_literals;
using Failure = HttpAnswer::Failure;
using Phase = HttpAnswer::Phase;

namespace {

constexpr Duration k_soon{300}; // a time limit that a test waits for; what must not be waited for is at 10 s

HttpRequest get(const std::string& url) {
    HttpRequest request;
    request.url = url;
    return request;
}

// Polls until the answer is there; a request that never ends shows as a test that never ends.
HttpAnswer ask(Http& http, HttpRequest request) {
    std::optional<HttpAnswer> answer;
    const auto transfer = http.start(std::move(request), [&](HttpAnswer got) { answer = std::move(got); });
    while (!answer) {
        http.poll(10s);
    }
    return *answer;
}
HttpAnswer ask(HttpRequest request) {
    CurlHttp http;
    return ask(http, std::move(request));
}

HostileServer::Script answering(const std::string& bytes) {
    return [bytes](Connection& peer) {
        peer.read_request();
        peer.send(bytes);
    };
}

} // namespace

TEST_CASE("http: a whole answer, with its phases in order", "[http]") {
    HostileServer server(answering(http_answer("hello", "X-One: 1\r\nx-one:  2 \r\n")));
    const HttpAnswer answer = ask(get(server.url("/page#part")));
    CHECK(answer.failure == Failure::none);
    CHECK(answer.phase == Phase::done);
    CHECK(answer.status == 200);
    CHECK(answer.body == "hello");
    REQUIRE(answer.header("x-one") != nullptr);
    CHECK(*answer.header("x-one") == "1");
    CHECK(answer.headers.back() == std::pair<std::string, std::string>("x-one", "2"));
    CHECK(answer.address == fmt::format("127.0.0.1:{}", server.port()));
    CHECK(answer.final_url == server.url("/page"));
    std::chrono::microseconds last{};
    for (const Phase phase : {Phase::dns, Phase::connect, Phase::first_byte, Phase::body}) {
        const auto left = answer.phases[static_cast<std::size_t>(phase)];
        REQUIRE(left.has_value());
        CHECK(*left >= last);
        last = *left;
    }
    CHECK(answer.total >= last);
    CHECK_FALSE(answer.phases[static_cast<std::size_t>(Phase::tls)].has_value());
}

TEST_CASE("http: what is asked arrives as it was said", "[http]") {
    std::mutex mutex;
    std::string seen;
    HostileServer server([&](Connection& peer) {
        const std::string request = peer.read_request();
        {
            const std::scoped_lock lock(mutex);
            seen = request;
        }
        peer.send(http_answer("ok"));
    });
    HttpRequest request = get(server.url("/api/"));
    request.method = GENERATE("POST", "PUT", "PATCH", "DELETE");
    request.headers = {{"Content-Type", "application/json"}, {"X-Empty", ""}};
    request.body = R"({"a":1})";
    CHECK(ask(request).status == 200);
    const std::scoped_lock lock(mutex);
    CHECK_THAT(seen, Catch::StartsWith(request.method + " /api/ HTTP/1.1\r\n"));
    CHECK_THAT(seen, Catch::Contains("Content-Type: application/json\r\n"));
    CHECK_THAT(seen, Catch::Contains("X-Empty:"));
    CHECK_THAT(seen, Catch::Contains("User-Agent: lectio-monitor/"));
    CHECK_THAT(seen, !Catch::Contains("Expect"));
    CHECK_THAT(seen, Catch::EndsWith("\r\n\r\n{\"a\":1}"));
}

TEST_CASE("http: HEAD has no body to wait for", "[http]") {
    HostileServer server([](Connection& peer) {
        peer.read_request();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        peer.wait_until_gone();
    });
    HttpRequest request = get(server.url("/"));
    request.method = "HEAD";
    const HttpAnswer answer = ask(request);
    CHECK(answer.failure == Failure::none);
    CHECK(*answer.header("content-length") == "1000");
}

TEST_CASE("http: a socket file", "[http]") {
    const TempFolder folder;
    const std::string path = (folder / "web.sock").string();
    const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);

    SECTION("nobody listens") {
        CHECK(ask(get("unix:" + path + ":/")).failure == Failure::refused);
    }
    SECTION("there is no such file") {
        CHECK(ask(get("unix:" + path + "-not:/")).failure == Failure::refused);
    }
    SECTION("it answers") {
        REQUIRE(::listen(listener.get(), 1) == 0);
        std::thread server([&] {
            Connection peer(UniqueFd(::accept(listener.get(), nullptr, nullptr)));
            const std::string request = peer.read_request();
            peer.send(http_answer(request.substr(0, request.find("\r\n"))));
        });
        const HttpAnswer answer = ask(get("unix:" + path + ":/api/health/?a=b"));
        server.join();
        CHECK(answer.status == 200);
        CHECK(answer.body == "GET /api/health/?a=b HTTP/1.1");
        CHECK(answer.final_url == "unix:" + path + ":/api/health/?a=b");
    }
}

TEST_CASE("http: where it fails to connect", "[http]") {
    SECTION("nobody listens") {
        const HttpAnswer answer = ask(get(fmt::format("http://127.0.0.1:{}/", closed_port())));
        CHECK(answer.failure == Failure::refused);
        CHECK(answer.phase == Phase::connect);
        CHECK_FALSE(answer.address.empty());
    }
    SECTION("nothing comes back") {
        const FullPort port;
        HttpRequest request = get(fmt::format("http://127.0.0.1:{}/", port.port()));
        request.connect_timeout = k_soon;
        const HttpAnswer answer = ask(request);
        CHECK(answer.failure == Failure::timeout);
        CHECK(answer.phase == Phase::connect);
    }
    SECTION("there is no route") { // 240.0.0.0/4 is reserved: the kernel refuses it at once
        const HttpAnswer answer = ask(get("http://255.255.255.255/"));
        CHECK((answer.failure == Failure::unreachable || answer.failure == Failure::own_fault));
        CHECK(answer.phase == Phase::connect);
    }
}

TEST_CASE("http: without a socket to ask with it is our fault, not the site's", "[http]") {
    HostileServer server(answering(http_answer("hello")));
    CurlHttp http;
    const std::string host = GENERATE("127.0.0.1", "no-such-host.invalid");
    const std::string url = fmt::format("http://{}:{}/", host, server.port());
    CurlHttp
        before; // UBSan looks at a type that it meets for the first time through a pipe, which there cannot be below
    ask(before, get(url));
    const HttpAnswer answer = without_more_files([&] { return ask(http, get(url)); });
    INFO(answer.detail);
    CHECK(answer.failure == Failure::own_fault);
    CHECK_FALSE(answer.detail.empty());
}

TEST_CASE("http: what cannot be asked is our fault, and is said from poll()", "[http]") {
    const std::string url =
        GENERATE("", "example.org/", "ftp://example.org/", "http://", "unix:/a.sock", "http://a b/");
    CurlHttp http;
    bool called = false;
    const auto transfer = http.start(get(url), [&](const HttpAnswer& answer) {
        called = true;
        CHECK(answer.failure == Failure::bad_url);
        CHECK_FALSE(answer.detail.empty());
    });
    CHECK_FALSE(called);
    http.poll(10s);
    CHECK(called);
}

TEST_CASE("http: each silence is named by its phase", "[http]") {
    const auto timed_out_in = [](HttpRequest request, Phase phase) {
        request.timeout = k_soon;
        const HttpAnswer answer = ask(std::move(request));
        CHECK(answer.failure == Failure::timeout);
        CHECK(answer.phase == phase);
        CHECK(answer.total >= k_soon);
    };
    SECTION("no first byte") {
        HostileServer server([](Connection& peer) { peer.wait_until_gone(); });
        timed_out_in(get(server.url("/")), Phase::first_byte);
    }
    SECTION("headers that do not end") {
        HostileServer server([](Connection& peer) {
            peer.read_request();
            peer.send("HTTP/1.1 200 OK\r\nContent-");
            peer.wait_until_gone();
        });
        timed_out_in(get(server.url("/")), Phase::body);
    }
    SECTION("a body that stops") {
        HostileServer server([](Connection& peer) {
            peer.read_request();
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
            peer.wait_until_gone();
        });
        timed_out_in(get(server.url("/")), Phase::body);
    }
    SECTION("a body that drips, each byte in time for a per-read limit") {
        HostileServer server([](Connection& peer) {
            peer.read_request();
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
            while (peer.send(".")) {
                std::this_thread::sleep_for(5ms); // the drip itself
            }
        });
        timed_out_in(get(server.url("/")), Phase::body);
    }
    SECTION("a request that is not taken") {
        HostileServer server([](Connection& peer) {
            std::mutex mutex;
            std::unique_lock lock(mutex);
            std::condition_variable never;
            never.wait_for(lock, 2 * k_soon); // does not read
            peer.wait_until_gone();
        });
        HttpRequest request = get(server.url("/"));
        request.method = "POST";
        request.body.assign(64U << 20U, 'x'); // more than all buffers on the way hold
        timed_out_in(request, Phase::send);
    }
    SECTION("redirects share one limit") {
        HostileServer server([](Connection& peer) {
            while (!peer.read_request().empty()) {
                std::this_thread::sleep_for(20ms);
                peer.send(http_answer("", "Location: /again\r\n", "302 Found"));
            }
        });
        HttpRequest request = get(server.url("/"));
        request.max_redirects = 1000;
        request.timeout = k_soon;
        CHECK(ask(request).failure == Failure::timeout); // the phase is whichever it was in
    }
    SECTION("a TLS handshake that hangs") {
        HostileServer server([](Connection& peer) { peer.wait_until_gone(); });
        HttpRequest request = get(fmt::format("https://127.0.0.1:{}/", server.port()));
        request.tls_timeout = k_soon;
        const HttpAnswer answer = ask(request);
        CHECK(answer.failure == Failure::timeout);
        CHECK(answer.phase == Phase::tls);
        CHECK(answer.phases[static_cast<std::size_t>(Phase::connect)].has_value());
    }
}

TEST_CASE("http: what is cut, twisted or endless", "[http]") {
    const auto fails_with = [](const std::string& bytes, Failure failure) {
        HostileServer server(answering(bytes));
        const HttpAnswer answer = ask(get(server.url("/")));
        CAPTURE(bytes.substr(0, 60), answer.detail);
        CHECK(answer.failure == failure);
    };
    fails_with("", Failure::closed);
    fails_with("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", Failure::closed);
    fails_with("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", Failure::closed);
    fails_with("SSH-2.0-OpenSSH_9.2\r\n", Failure::not_http);
    fails_with("HTTP/7.5 200 OK\r\n\r\n", Failure::not_http);
    fails_with("HTTP/2 20x OK\r\n\r\n", Failure::not_http);
    fails_with("HTTP/1.1 2000 OK\r\n\r\n", Failure::not_http);
    fails_with("HTTP/1.1 200 OK\r\nContent-Length: banana\r\n\r\nx", Failure::not_http);
    fails_with("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nx", Failure::not_http);
    fails_with("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy", Failure::not_http);
    fails_with("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nxy", Failure::not_http);
    fails_with("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nsix by", Failure::not_http);
    fails_with("HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nxy", Failure::not_http);
    fails_with("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nx\r\n0\r\n\r\n",
               Failure::not_http);
    for (const char* status : {"200 OK", "206 Partial Content"}) {
        const std::string damaged(
            "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 20);
        fails_with(
            fmt::format("HTTP/1.1 {}\r\nContent-Encoding: gzip\r\nContent-Length: 20\r\n\r\n", status) +
                damaged,
            Failure::not_http);
    }
    fails_with("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!",
               Failure::not_http);
}

TEST_CASE("http: a body has a limit, decoded", "[http]") {
    SECTION("endless") {
        HostileServer server([](Connection& peer) {
            peer.read_request();
            peer.send("HTTP/1.1 200 OK\r\n\r\n");
            while (peer.send(std::string(65536, 'x'))) {
            }
        });
        HttpRequest request = get(server.url("/"));
        request.max_body = 100_kB;
        const HttpAnswer answer = ask(request);
        CHECK(answer.failure == Failure::too_large);
        CHECK(answer.phase == Phase::body);
        CHECK(answer.body.size() == (100_kB).count);
    }
    SECTION("exactly the limit is not over it") {
        HostileServer server(answering(http_answer(std::string(1000, 'x'))));
        HttpRequest request = get(server.url("/"));
        request.max_body = Bytes{1000};
        CHECK(ask(request).failure == Failure::none);
        request.max_body = Bytes{999};
        CHECK(ask(request).failure == Failure::too_large);
    }
    SECTION("a bomb: few bytes that unfold to many") {
        const std::string bomb = slurp(Path(LECTIO_TEST_DATA) / "http/zeros-8MB.gz");
        HostileServer server(answering(http_answer(bomb, "Content-Encoding: gzip\r\n")));
        HttpRequest request = get(server.url("/"));
        request.max_body = 1_MB;
        const HttpAnswer answer = ask(request);
        CHECK(answer.failure == Failure::too_large);
        CHECK(answer.body.size() == (1_MB).count);
        request.max_body = 8_MB;
        CHECK(ask(request).failure == Failure::none);
    }
}

TEST_CASE("http: headers have a limit", "[http]") {
    SECTION("many") {
        HostileServer server([](Connection& peer) {
            peer.read_request();
            peer.send("HTTP/1.1 200 OK\r\n");
            while (peer.send("X-Flood: " + std::string(1000, 'x') + "\r\n")) {
            }
        });
        CHECK(ask(get(server.url("/"))).failure == Failure::headers_too_large);
    }
    SECTION("one that does not end") {
        HostileServer server([](Connection& peer) {
            peer.read_request();
            peer.send("HTTP/1.1 200 OK\r\nX-Flood: ");
            while (peer.send(std::string(10000, 'x'))) {
            }
        });
        CHECK(ask(get(server.url("/"))).failure == Failure::headers_too_large);
    }
    SECTION("many, but under it") {
        std::string headers;
        for (int i = 0; i < 200; ++i) {
            headers += "X-Header: " + std::string(1000, 'x') + "\r\n";
        }
        HostileServer server(answering(http_answer("ok", headers)));
        CHECK(ask(get(server.url("/"))).failure == Failure::none);
    }
}

namespace {

// Answers each path with what the map says, on kept connections.
HostileServer::Script site(std::map<std::string, std::string> pages) {
    return [pages = std::move(pages)](Connection& peer) {
        for (std::string request = peer.read_request(); !request.empty(); request = peer.read_request()) {
            const std::size_t path = request.find(' ') + 1;
            const auto page = pages.find(request.substr(path, request.find(' ', path) - path));
            peer.send(page == pages.end() ? http_answer(request, "", "404 Not Found") : page->second);
        }
    };
}
std::string redirect(const std::string& to, const std::string& status = "302 Found") {
    return http_answer("", "Location: " + to + "\r\n", status);
}

} // namespace

TEST_CASE("http: redirects are followed, and each hop is kept", "[http]") {
    HostileServer server(site({{"/", redirect("b/c")},
                               {"/b/c", redirect("../d?x=1", "301 Moved")},
                               {"/d?x=1", http_answer("there")}}));
    const HttpAnswer answer = ask(get(server.url("/")));
    CHECK(answer.status == 200);
    CHECK(answer.body == "there");
    CHECK(answer.final_url == server.url("/d?x=1"));
    REQUIRE(answer.hops.size() == 2);
    CHECK(answer.hops[0].url == server.url("/"));
    CHECK(answer.hops[0].status == 302);
    CHECK(answer.hops[1].url == server.url("/b/c"));
    CHECK(answer.hops[1].status == 301);
    CHECK(server.connections() == 1); // one connection, kept
}

TEST_CASE("http: a connection of one's own is none that is kept", "[http]") {
    HostileServer server(site({{"/", http_answer("there")}}));
    CurlHttp http;
    for (const bool own : {false, false, true}) {
        HttpRequest request = get(server.url("/"));
        request.new_connection = own;
        CHECK(ask(http, std::move(request)).status == 200);
    }
    CHECK(server.connections() == 2);
}

TEST_CASE("http: redirects that are not followed", "[http]") {
    HostileServer server(site({{"/", redirect("/")},
                               {"/file", redirect("file:///etc/passwd")},
                               {"/gopher", redirect("gopher://127.0.0.1/")},
                               {"/none", http_answer("", "", "302 Found")},
                               {"/304", http_answer("", "Location: /\r\n", "304 Not Modified")}}));
    SECTION("a circle") {
        const HttpAnswer answer = ask(get(server.url("/")));
        CHECK(answer.failure == Failure::redirects);
        CHECK(answer.status == 302);
        CHECK(answer.hops.size() == 6);
    }
    SECTION("out of http") {
        const HttpAnswer answer = ask(get(server.url(GENERATE("/file", "/gopher"))));
        CHECK(answer.failure == Failure::redirects);
        CHECK_FALSE(answer.detail.empty());
    }
    SECTION("not wanted") {
        HttpRequest request = get(server.url("/"));
        request.follow = false;
        const HttpAnswer answer = ask(request);
        CHECK(answer.failure == Failure::none);
        CHECK(answer.status == 302);
        CHECK(answer.hops.empty());
    }
    SECTION("no redirects at all") {
        CHECK(ask(get(server.url("/none"))).status == 302);
        CHECK(ask(get(server.url("/304"))).status == 304);
    }
}

TEST_CASE("http: what is meant for one server does not follow to another", "[http]") {
    HostileServer other(site({}));
    HostileServer first(site({{"/away", redirect(other.url("/there"))},
                              {"/near", redirect("/here")},
                              {"/307", redirect(other.url("/there"), "307 Temporary")}}));
    HttpRequest request = get(first.url("/away"));
    request.headers = {{"Authorization", "Bearer abcdef"}, {"cookie", "a=b"}, {"X-Api-Key", "k3y"}};
    SECTION("no header") {
        const HttpAnswer away = ask(request); // a 404 echoes the request
        CHECK_THAT(away.body, Catch::StartsWith("GET /there") && !Catch::Contains("Bearer") &&
                                  !Catch::Contains("a=b") && !Catch::Contains("k3y"));
        CHECK(away.withheld);
    }
    SECTION("within one it does") {
        request.url = first.url("/near");
        const HttpAnswer near = ask(request);
        CHECK_THAT(near.body, Catch::Contains("Bearer") && Catch::Contains("k3y"));
        CHECK_FALSE(near.withheld);
    }
    SECTION("no body") {
        request.url = first.url("/307");
        request.method = "POST";
        request.body = "password=hunter2";
        const HttpAnswer refused = ask(request);
        CHECK(refused.failure == Failure::redirects);
        CHECK(other.connections() == 0);
    }
}

TEST_CASE("http: a post becomes a get at 303 and stays one at 307", "[http]") {
    HostileServer server(
        site({{"/303", redirect("/echo", "303 See Other")}, {"/307", redirect("/echo", "307 Temporary")}}));
    HttpRequest request = get(server.url("/303"));
    request.method = "POST";
    request.body = "data";
    CHECK_THAT(ask(request).body, Catch::StartsWith("GET /echo"));
    request.url = server.url("/307");
    const std::string echoed = ask(request).body;
    CHECK_THAT(echoed, Catch::StartsWith("POST /echo") && Catch::EndsWith("data"));
}

TEST_CASE("http: an encoding is undone", "[http]") {
    const std::string zeros = slurp(Path(LECTIO_TEST_DATA) / "http/zeros-8MB.gz");
    HostileServer server(answering(http_answer(zeros, "Content-Encoding: gzip\r\n")));
    HttpRequest request = get(server.url("/"));
    request.max_body = 10_MB;
    CHECK(ask(request).body == std::string((8_MB).count, '\0'));
}

TEST_CASE("http: a name that needs no asking, and one that is asked at a given address", "[http]") {
    HostileServer server([](Connection& peer) { peer.send(http_answer(peer.read_request())); });
    bool asked = false;
    CurlHttp http([&](const std::string&) {
        asked = true;
        return NameLookup{{}, "must not be asked"};
    });
    SECTION("an address") {
        CHECK(ask(http, get(server.url("/"))).status == 200);
    }
    SECTION("resolve") {
        HttpRequest request = get(server.url("/", "site.example"));
        request.resolve = "127.0.0.1";
        const HttpAnswer answer = ask(http, request);
        CHECK(answer.status == 200);
        CHECK_THAT(answer.body, Catch::Contains(fmt::format("Host: site.example:{}", server.port())));
        CHECK(answer.final_url == server.url("/", "site.example"));
    }
    CHECK_FALSE(asked);
}

TEST_CASE("http: one lookup a name", "[http]") {
    HostileServer server([](Connection& peer) {
        peer.read_request();
        peer.send(http_answer("ok", "Connection: close\r\n"));
    });
    std::atomic<int> lookups = 0;
    CurlHttp http([&](const std::string& name) {
        ++lookups;
        return name == "site.example" ? NameLookup{{"127.0.0.1"}, ""}
                                      : NameLookup{{}, "Name or service not known"};
    });
    SECTION("that is found") {
        for (int i = 0; i < 3; ++i) {
            CHECK(ask(http, get(server.url("/", "site.example"))).status == 200);
        }
        CHECK(lookups == 1);
        CHECK(server.connections() == 3);
    }
    SECTION("that is not is asked anew") {
        for (int i = 0; i < 2; ++i) {
            const HttpAnswer answer = ask(http, get(server.url("/", "nowhere.example")));
            CHECK(answer.failure == Failure::dns);
            CHECK(answer.phase == Phase::dns);
            CHECK(answer.detail == "Name or service not known");
        }
        CHECK(lookups == 2);
    }
    SECTION("the system's own") {
        CurlHttp plain;
        CHECK(ask(plain, get(server.url("/", "localhost"))).status == 200);
    }
}

TEST_CASE("http: a resolver that says nothing is left behind", "[http]") {
    const auto gate = std::make_shared<std::promise<void>>();
    const auto gone = std::make_shared<std::promise<void>>();
    {
        CurlHttp http([opened = gate->get_future().share(), gone](const std::string&) {
            opened.wait();
            gone->set_value_at_thread_exit();
            return NameLookup{{"127.0.0.1"}, ""};
        });
        HttpRequest request = get("http://silent.example/");
        request.timeout = k_soon;
        const HttpAnswer answer = ask(http, request);
        CHECK(answer.failure == Failure::dns_timeout);
        CHECK(answer.phase == Phase::dns);
    }
    gate->set_value(); // the loop is gone; its answer must find nothing to break
    gone->get_future().wait();
}

TEST_CASE("http: TLS", "[http]") {
    const TempFolder folder;
    const TestCertificate authority = make_authority();
    spill(folder / "ca.pem", authority.pem);
    const auto asked_with = [&](const CertificateWish& wish, const std::string& host) {
        HostileServer server(
            [](Connection& peer) {
                peer.read_request();
                peer.send(http_answer("secure"));
            },
            make_certificate(wish, &authority));
        HttpRequest request = get(server.url("/", host));
        request.resolve = "127.0.0.1";
        request.ca = (folder / "ca.pem").string();
        return ask(request);
    };
    SECTION("good") {
        const HttpAnswer answer = asked_with({.names = {"site.example"}}, "site.example");
        CHECK(answer.failure == Failure::none);
        CHECK(answer.body == "secure");
        CHECK(answer.phases[static_cast<std::size_t>(Phase::tls)].has_value());
    }
    SECTION("expired") {
        const HttpAnswer answer = asked_with(
            {.names = {"site.example"}, .begins_in_hours = -48, .ends_in_hours = -1}, "site.example");
        CHECK(answer.failure == Failure::tls);
        CHECK(answer.phase == Phase::tls);
        CHECK_THAT(answer.detail, Catch::Contains("expired"));
    }
    SECTION("for another name") {
        const HttpAnswer answer = asked_with({.names = {"other.example"}}, "site.example");
        CHECK(answer.failure == Failure::tls);
        CHECK_THAT(answer.detail, Catch::Contains("site.example"));
    }
    SECTION("by an authority that nobody knows, and with verify = false") {
        HostileServer server(
            [](Connection& peer) {
                peer.read_request();
                peer.send(http_answer("secure"));
            },
            make_certificate({}));
        HttpRequest request = get(server.url("/"));
        CHECK(ask(request).failure == Failure::tls);
        request.verify = false;
        CHECK(ask(request).body == "secure");
    }
    SECTION("a port that speaks no TLS") {
        HostileServer server([](Connection& peer) {
            peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
            peer.wait_until_gone();
        });
        CHECK(ask(get(fmt::format("https://127.0.0.1:{}/", server.port()))).failure == Failure::tls);
    }
    SECTION("a certificate of one's own") {
        HostileServer server(
            [](Connection& peer) {
                peer.read_request();
                peer.send(http_answer("known"));
            },
            make_certificate({.names = {"site.example"}}, &authority));
        server.ask_for_certificate(authority);
        const TestCertificate own = make_certificate({.names = {"client"}}, &authority);
        spill(folder / "own.pem", own.pem);
        spill(folder / "own.key", own.key_pem);
        spill(folder / "both.pem", own.pem + own.key_pem);
        HttpRequest request = get(server.url("/", "site.example"));
        request.resolve = "127.0.0.1";
        request.ca = (folder / "ca.pem").string();
        const HttpAnswer without = ask(request);
        INFO(without.detail);
        CHECK(without.failure == Failure::tls);
        CHECK(without.detail == "tlsv13 alert certificate required");
        request.client_cert = (folder / "own.pem").string();
        request.client_key = (folder / "own.key").string();
        CHECK(ask(request).body == "known");
        request.client_cert = (folder / "both.pem").string();
        request.client_key.clear();
        CHECK(ask(request).body == "known");
        const TestCertificate stranger = make_certificate({.names = {"client"}});
        spill(folder / "both.pem", stranger.pem + stranger.key_pem);
        CHECK_THAT(ask(request).detail, Catch::StartsWith("tls") && Catch::Contains(" alert "));
    }
    SECTION("an authority's file that is not there is our fault") {
        HostileServer server([](Connection&) {}, make_certificate({}));
        HttpRequest request = get(server.url("/"));
        request.ca = (folder / "none.pem").string();
        CHECK(ask(request).failure == Failure::bad_url);
    }
}

TEST_CASE("http: no text holds a secret", "[http]") {
    const Secret token("5551234:AAFakeFakeFakeFakeFake");
    HostileServer server(
        site({{"/bot5551234:AAFakeFakeFakeFakeFake/a", redirect("/bot5551234:AAFakeFakeFakeFakeFake/b")}}));
    const HttpAnswer answer = ask(get(server.url("/bot5551234:AAFakeFakeFakeFakeFake/a")));
    CHECK(answer.status == 404);
    CHECK_THAT(answer.final_url, !Catch::Contains("AAFake"));
    CHECK_THAT(answer.hops.at(0).url, !Catch::Contains("AAFake"));
    const HttpAnswer bad = ask(get("ftp://user:5551234:AAFakeFakeFakeFakeFake@example/"));
    CHECK_THAT(bad.detail, !Catch::Contains("AAFake"));
}

TEST_CASE("http: the environment's proxy is never used", "[http]") {
    HostileServer server(answering(http_answer("direct")));
    ::setenv("http_proxy", "http://127.0.0.1:1", 1);
    ::setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    CHECK(ask(get(server.url("/"))).body == "direct");
    ::unsetenv("http_proxy");
    ::unsetenv("ALL_PROXY");
}

TEST_CASE("http: a proxy of one's own is found by our resolver and asked for the name", "[http]") {
    HostileServer proxy([](Connection& peer) { peer.send(http_answer(peer.read_request())); });
    std::vector<std::string> asked;
    std::mutex mutex;
    CurlHttp http([&](const std::string& name) {
        const std::scoped_lock lock(mutex);
        asked.push_back(name);
        return NameLookup{{"127.0.0.1"}, ""};
    });
    HttpRequest request = get("http://site.example/page");
    request.proxy = fmt::format("http://proxy.example:{}", proxy.port());
    CHECK_THAT(ask(http, request).body, Catch::StartsWith("GET http://site.example/page HTTP/1.1"));
    const std::scoped_lock lock(mutex);
    CHECK(asked == std::vector<std::string>{"proxy.example"});
}

TEST_CASE("http: a thousand at once", "[http]") {
    HostileServer server([](Connection& peer) {
        while (!peer.read_request().empty() && peer.send(http_answer("one of many"))) {
        }
    });
    CurlHttp http;
    int good = 0;
    int ended = 0;
    std::vector<std::unique_ptr<Http::Transfer>> transfers;
    for (int i = 0; i < 1000; ++i) {
        transfers.push_back(
            http.start(get(server.url("/" + std::to_string(i))), [&](const HttpAnswer& answer) {
                ++ended;
                good += answer.body == "one of many" ? 1 : 0;
            }));
    }
    while (ended < 1000) {
        http.poll(10s);
    }
    CHECK(good == 1000);
    CHECK(server.connections() <= 256);
}

TEST_CASE("http: what is cancelled is never answered, wherever it stands", "[http]") {
    HostileServer silent([](Connection& peer) { peer.wait_until_gone(); });
    HostileServer quick(answering(http_answer("quick")));
    const auto unexpected = [](const HttpAnswer&) { FAIL("answered"); };
    CurlHttp http([](const std::string&) { return NameLookup{{"127.0.0.1"}, ""}; });
    SECTION("before it began") {
        http.start(get(silent.url("/")), unexpected).reset();
        http.poll(0ms);
    }
    SECTION("while it waits") {
        auto transfer = http.start(get(silent.url("/")), unexpected);
        while (silent.connections() == 0) {
            http.poll(10ms);
        }
        transfer.reset();
        CHECK(ask(http, get(quick.url("/"))).body == "quick");
    }
    SECTION("while its name is looked up") {
        auto transfer = http.start(get(silent.url("/", "slow.example")), unexpected);
        http.poll(0ms);
        transfer.reset();
        CHECK(ask(http, get(quick.url("/"))).body == "quick");
    }
    SECTION("by the answer of another, and by its own") {
        std::unique_ptr<Http::Transfer> waiting = http.start(get(silent.url("/")), unexpected);
        bool answered = false;
        std::unique_ptr<Http::Transfer> own;
        own = http.start(get(quick.url("/")), [&](const HttpAnswer&) {
            waiting.reset();
            own.reset();
            answered = true;
        });
        while (!answered) {
            http.poll(10s);
        }
    }
    SECTION("two that end together, the first cancels the second") {
        std::unique_ptr<Http::Transfer> first, second;
        first = http.start(get("ftp://a/"), [&](const HttpAnswer&) { second.reset(); });
        second = http.start(get("ftp://b/"), unexpected);
        http.poll(0ms);
        http.poll(0ms);
    }
}

TEST_CASE("http: a coroutine destroyed while it waits takes its transfer along", "[http]") {
    HostileServer silent([](Connection& peer) { peer.wait_until_gone(); });
    CurlHttp http;
    const auto inner = [](Http& the_http, std::string url) -> Task<std::string> {
        HttpRequest request;
        request.url = url;
        const HttpAnswer answer = co_await fetch(the_http, std::move(request));
        co_return answer.body;
    };
    const auto outer = [&inner](Http& the_http, std::string url) -> Task<std::string> {
        Task<std::string> task = inner(the_http, url);
        co_return co_await std::move(task);
    };
    {
        Task<std::string> task = outer(http, silent.url("/"));
        task.start([] { FAIL("ended"); });
        while (silent.connections() == 0) {
            http.poll(10ms);
        }
    }
    http.poll(0ms);
}

TEST_CASE("http: a loop with nothing to do waits, and is woken", "[http]") {
    CurlHttp http;
    http.poll(0ms);
    std::thread other([&] { http.wake(); });
    http.poll(60s);
    other.join();
    http.wake(); // counts for the next one
    http.poll(60s);
}
