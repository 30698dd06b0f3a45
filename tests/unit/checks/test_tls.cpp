#include "checks/tls.h"
#include "support/bare_world.h"
#include "support/hostile_server.h"
#include "support/no_more_files.h"
#include "support/temp_folder.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace lectio;
using namespace std::chrono_literals;
using Failure = TlsSample::Failure;

namespace {

constexpr auto k_day = std::chrono::hours(24);

struct Judging {
    BareWorld bare;
    TlsSettings settings;
    std::map<std::string, std::string> memory;

    Judging() { settings.address = "site.example:443"; }
    CheckResult judge(const TlsSample& sample) {
        return evaluate_tls(sample, settings,
                            {bare.world, bare.clock.now(), bare.clock.steady() + 10s, memory});
    }
    TlsSample lasting(std::chrono::hours left, std::chrono::hours life = 90 * k_day) {
        const WallTime end = bare.clock.now().wall + left;
        TlsSample sample;
        sample.certificates.push_back({"site.example", end - life, end});
        sample.name_matches = true;
        return sample;
    }
};

TlsSample probe(const HostileServer& server, const std::string& name, const std::string& ca,
                Duration timeout = 10s) {
    auto sample = tls_probe({fmt::format("127.0.0.1:{}", server.port()), name, ca, timeout});
    REQUIRE(sample.ok());
    return *sample;
}

void hang_up(Connection& peer) {
    peer.wait_until_gone();
}

} // namespace

TEST_CASE("tls: days left, with a warning and an alarm", "[tls]") {
    Judging judging;
    CHECK(judging.judge(judging.lasting(15 * k_day)).status == Status::ok);
    CHECK(judging.judge(judging.lasting(14 * k_day)).status == Status::warning);
    CHECK(judging.judge(judging.lasting(7 * k_day)).status == Status::critical);
    const CheckResult today = judging.judge(judging.lasting(std::chrono::hours(3)));
    CHECK(today.status == Status::critical);
    CHECK_THAT(today.message.en, Catch::Contains("0 days"));
    CHECK(today.remedy == Remedy::cannot_help);
    CHECK_THAT(judging.judge(judging.lasting(std::chrono::hours(-1))).message.en, Catch::Contains("expired"));
    CHECK(judging.judge(judging.lasting(15 * k_day)).metrics.at(0).value == Approx(15));
}

TEST_CASE("tls: a certificate with a short life is judged by shares of it", "[tls]") {
    Judging judging;
    CHECK(judging.judge(judging.lasting(73h, 6 * k_day + 72h)).status == Status::ok);
    CHECK(judging.judge(judging.lasting(72h, 9 * k_day)).status == Status::warning);
    CHECK(judging.judge(judging.lasting(36h, 9 * k_day)).status == Status::critical);
    judging.settings.expires.warn = Amount{Amount::Unit::milliseconds, 24.0 * 3600 * 1000};
    CHECK(judging.judge(judging.lasting(36h, 9 * k_day)).status == Status::ok);
}

TEST_CASE("tls: any certificate of the chain may be the first to end", "[tls]") {
    Judging judging;
    TlsSample sample = judging.lasting(80 * k_day);
    sample.certificates.push_back({"Some Authority", judging.bare.clock.now().wall - 1000 * k_day,
                                   judging.bare.clock.now().wall + 3 * k_day});
    const CheckResult result = judging.judge(sample);
    CHECK(result.status == Status::critical);
    CHECK_THAT(result.message.en, Catch::Contains("Some Authority"));
}

TEST_CASE("tls: the message says which of chain, name and date", "[tls]") {
    Judging judging;
    TlsSample sample = judging.lasting(80 * k_day);
    sample.untrusted = "self-signed certificate";
    CHECK_THAT(judging.judge(sample).message.en, Catch::Contains("self-signed"));
    sample.untrusted.clear();
    sample.name_matches = false;
    CHECK_THAT(judging.judge(sample).message.en, Catch::Contains("not for site.example"));
    CHECK_THAT(judging.judge(judging.lasting(90 * k_day, 80 * k_day)).message.en,
               Catch::Contains("only from"));
    for (const Failure failure :
         {Failure::name, Failure::refused, Failure::unreachable, Failure::timeout, Failure::handshake}) {
        sample.failure = failure;
        const CheckResult result = judging.judge(sample);
        CHECK(result.status == Status::critical);
        CHECK_FALSE(result.message.ru.empty());
        CHECK((result.remedy == Remedy::outside_host) ==
              (failure == Failure::name || failure == Failure::unreachable));
    }
}

TEST_CASE("tls probe: what a server shows", "[tls]") {
    const TempFolder folder;
    const TestCertificate authority = make_authority();
    spill(folder / "ca.pem", authority.pem);
    const std::string ca = (folder / "ca.pem").string();

    SECTION("trusted, for the name") {
        HostileServer server(hang_up, make_certificate({.names = {"*.site.example"}}, &authority));
        const TlsSample sample = probe(server, "www.site.example", ca);
        CHECK(sample.failure == Failure::none);
        CHECK(sample.untrusted.empty());
        CHECK(sample.name_matches);
        REQUIRE(sample.certificates.size() == 1);
        CHECK(sample.certificates[0].ends > sample.certificates[0].begins);
        CHECK_FALSE(probe(server, "site.example", ca).name_matches);
    }
    SECTION("for an address") {
        HostileServer server(hang_up,
                             make_certificate({.names = {}, .addresses = {"127.0.0.1"}}, &authority));
        CHECK(probe(server, "127.0.0.1", ca).name_matches);
    }
    SECTION("the common name alone is no name") {
        HostileServer server(hang_up,
                             make_certificate({.names = {}, .common_name = "site.example"}, &authority));
        CHECK_FALSE(probe(server, "site.example", ca).name_matches);
    }
    SECTION("signed by itself") {
        HostileServer server(hang_up, make_certificate({}));
        CHECK_FALSE(probe(server, "localhost", ca).untrusted.empty());
    }
    SECTION("expired: the chain is well, the date is for the check") {
        HostileServer server(hang_up,
                             make_certificate({.begins_in_hours = -48, .ends_in_hours = -1}, &authority));
        const TlsSample sample = probe(server, "localhost", ca);
        CHECK(sample.failure == Failure::none);
        CHECK(sample.untrusted.empty());
    }
}

TEST_CASE("tls probe: what does not answer as it should", "[tls]") {
    SECTION("nobody listens") {
        const auto sample = tls_probe({fmt::format("127.0.0.1:{}", closed_port()), "localhost", "", 10s});
        REQUIRE(sample.ok());
        CHECK(sample->failure == Failure::refused);
    }
    SECTION("silence") {
        HostileServer server(hang_up);
        CHECK(probe(server, "localhost", "", 200ms).failure == Failure::timeout);
    }
    SECTION("no TLS") {
        HostileServer server([](Connection& peer) {
            peer.send("220 mail.example ESMTP\r\n");
            peer.wait_until_gone();
        });
        const TlsSample sample = probe(server, "localhost", "");
        CHECK(sample.failure == Failure::handshake);
        CHECK_FALSE(sample.detail.empty());
    }
    SECTION("an authority's file that is not there is our fault") {
        CHECK_FALSE(tls_probe({"127.0.0.1:1", "localhost", "/nonexistent/ca.pem", 10s}).ok());
    }
}

TEST_CASE("tls: where nobody could be asked nothing is known", "[tls]") {
    Judging judging;
    TlsSample sample;
    sample.failure = Failure::own_fault;
    sample.detail = "Too many open files";
    CHECK(judging.judge(sample).status == Status::unknown);
    CHECK(judging.judge(sample).message.ru ==
          "не удалось обратиться к site.example:443: открыто слишком много файлов");
    const NoMoreFiles none;
    const auto seen = tls_probe({"127.0.0.1:1", "localhost", "", 10s});
    REQUIRE(seen.ok());
    CHECK(seen->failure == Failure::own_fault);
}

TEST_CASE("tls: the message says in which phase time ran out, and the address once", "[tls]") {
    Judging judging;
    TlsSample sample;
    sample.failure = Failure::timeout;
    CHECK(judging.judge(sample).message.en == "no connection to site.example:443 within 10 s");
    sample.phase = TlsSample::Phase::handshake;
    CHECK_THAT(judging.judge(sample).message.en, Catch::Contains("did not agree on encryption within 10 s"));
    sample.failure = Failure::refused;
    sample.detail = "Connection refused";
    CHECK(judging.judge(sample).message.en == "no connection to site.example:443: Connection refused");
}

TEST_CASE("tls: a connection that fails between two looks does not clear a warning", "[tls]") {
    Judging judging;
    judging.memory = judging.judge(judging.lasting(14 * k_day)).memory;
    TlsSample refused;
    refused.failure = Failure::refused;
    judging.memory = judging.judge(refused).memory;
    CHECK(judging.judge(judging.lasting(15 * k_day)).status == Status::warning); // well again at 16.8 days
}

TEST_CASE("tls: an intermediate certificate that is not valid yet is told", "[tls]") {
    Judging judging;
    TlsSample sample = judging.lasting(80 * k_day);
    const WallTime now = judging.bare.clock.now().wall;
    sample.certificates.push_back({"Some Authority", now + 1 * k_day, now + 1000 * k_day});
    CHECK_THAT(judging.judge(sample).message.en, Catch::Contains("Some Authority"));
}

TEST_CASE("tls: the end of the run comes before the end of the check's own time", "[tls]") {
    HostileServer server(hang_up);
    BareWorld bare;
    const std::map<std::string, std::string> memory;
    const auto run = [&](Duration timeout, Duration left) {
        TlsSettings settings;
        settings.address = fmt::format("127.0.0.1:{}", server.port());
        settings.timeout = timeout;
        const auto check = tls_check_type().make(&settings);
        return dynamic_cast<const BlockingCheck&>(*check).run(
            {bare.world, bare.clock.now(), bare.clock.steady() + left, memory});
    };
    CHECK(run(1h, 100ms).status == Status::unknown);
    CHECK(run(100ms, 1h).status == Status::critical);
}

TEST_CASE("tls: a server that changes over to TLS when it is asked", "[tls]") {
    const TempFolder folder;
    const TestCertificate authority = make_authority();
    spill(folder / "ca.pem", authority.pem);
    struct Protocol {
        StartTls starttls;
        HostileServer::Script prologue;
    };
    const std::vector<Protocol> protocols{
        {StartTls::smtp,
         [](Connection& peer) {
             peer.send("220-mail.example\r\n220 ESMTP\r\n");
             CHECK(peer.read_line().starts_with("EHLO "));
             peer.send("250-mail.example\r\n250-SIZE 1000\r\n250 STARTTLS\r\n");
             CHECK(peer.read_line() == "STARTTLS");
             peer.send("220 go ahead\r\n");
         }},
        {StartTls::imap,
         [](Connection& peer) {
             peer.send("* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n");
             CHECK(peer.read_line() == "a STARTTLS");
             peer.send("* CAPABILITY IMAP4rev1\r\na OK begin\r\n");
         }},
        {StartTls::pop3,
         [](Connection& peer) {
             peer.send("+OK ready\r\n");
             CHECK(peer.read_line() == "STLS");
             peer.send("+OK begin\r\n");
         }},
        {StartTls::ftp,
         [](Connection& peer) {
             peer.send("220-ftp.example\r\nwelcome\r\n 220 of you\r\n220 ready\r\n");
             CHECK(peer.read_line() == "AUTH TLS");
             peer.send("234 begin\r\n");
         }},
        {StartTls::postgres, [](Connection& peer) {
             std::string request;
             while (request.size() < 8) {
                 request += peer.read_byte();
             }
             CHECK(request == std::string("\0\0\0\x08\x04\xD2\x16\x2F", 8));
             peer.send("S");
         }}};
    for (const Protocol& protocol : protocols) {
        HostileServer server(hang_up, make_certificate({}, &authority));
        server.before_tls(protocol.prologue);
        const auto sample = tls_probe({.address = fmt::format("127.0.0.1:{}", server.port()),
                                       .server_name = "localhost",
                                       .ca = (folder / "ca.pem").string(),
                                       .timeout = 1h,
                                       .starttls = protocol.starttls});
        REQUIRE(sample.ok());
        CHECK(sample->failure == Failure::none);
        CHECK(sample->name_matches);
        CHECK(sample->untrusted.empty());
    }
}

TEST_CASE("tls: a server that does not change over to TLS", "[tls]") {
    Judging judging;
    const auto ask = [](HostileServer::Script script, StartTls starttls, Duration timeout = 1h) {
        HostileServer server(std::move(script));
        auto sample = tls_probe({.address = fmt::format("127.0.0.1:{}", server.port()),
                                 .server_name = "localhost",
                                 .timeout = timeout,
                                 .starttls = starttls});
        REQUIRE(sample.ok());
        return *std::move(sample);
    };
    SECTION("it does not know how") {
        const TlsSample sample = ask(
            [](Connection& peer) {
                peer.send("220 mail.example\r\n");
                peer.read_line();
                peer.send("250 mail.example\r\n");
                peer.read_line();
                peer.send("502 5.5.1 command not implemented\r\n");
                peer.wait_until_gone();
            },
            StartTls::smtp);
        CHECK(sample.failure == Failure::upgrade);
        CHECK(judging.judge(sample).status == Status::critical);
        CHECK(judging.judge(sample).message.en ==
              "site.example:443 does not change over to TLS: 502 5.5.1 command not implemented");
    }
    SECTION("it speaks TLS at once and says nothing") {
        const TlsSample sample = ask(hang_up, StartTls::imap, 200ms);
        CHECK(sample.failure == Failure::timeout);
    }
    SECTION("it closes") {
        const TlsSample sample = ask([](Connection&) {}, StartTls::pop3);
        CHECK(sample.failure == Failure::upgrade);
        CHECK_THAT(judging.judge(sample).message.en, Catch::Contains("closed the connection"));
    }
    SECTION("lines without end") {
        const TlsSample sample = ask(
            [](Connection& peer) {
                while (peer.send("220-and so on\r\n")) {
                }
            },
            StartTls::smtp);
        CHECK(sample.failure == Failure::upgrade);
    }
    SECTION("a line without end") {
        const TlsSample sample = ask(
            [](Connection& peer) {
                while (peer.send(std::string(1000, 'x'))) {
                }
            },
            StartTls::ftp);
        CHECK(sample.failure == Failure::upgrade);
    }
}

TEST_CASE("tls: whatever keeps the certificate from being seen, what to look at is said", "[tls]") {
    Judging judging;
    for (const Failure failure : {Failure::name, Failure::unreachable, Failure::timeout, Failure::handshake,
                                  Failure::upgrade, Failure::refused}) {
        TlsSample sample;
        sample.failure = failure;
        const CheckResult result = judging.judge(sample);
        CHECK(result.status == Status::critical);
        CHECK_FALSE(result.hint.empty());
    }
}

TEST_CASE("tls: a newer certificate in the file than the server shows", "[tls]") {
    Judging judging;
    judging.settings.file = "/etc/ssl/site.pem";
    const auto judge = [&](const TlsSample& shown, const Result<ShownCertificate>& on_disk) {
        return evaluate_tls(
            shown, judging.settings,
            {judging.bare.world, judging.bare.clock.now(), judging.bare.clock.steady() + 10s, judging.memory},
            on_disk);
    };
    const TlsSample old = judging.lasting(20 * k_day);
    const ShownCertificate renewed = judging.lasting(89 * k_day).certificates.front();
    const CheckResult early = judge(old, renewed);
    CHECK(early.status == Status::warning);
    CHECK_THAT(early.hint.en, Catch::Contains("reload"));
    CHECK(judge(judging.lasting(3 * k_day), renewed).status == Status::critical);
    CHECK_THAT(judge(judging.lasting(3 * k_day), renewed).message.en,
               Catch::Contains("/etc/ssl/site.pem has one until"));
    CHECK(judge(old, old.certificates.front()).status == Status::ok);
    CHECK(judge(judging.lasting(89 * k_day), old.certificates.front()).status == Status::ok);

    SECTION("the file as it is on the disk") {
        const TempFolder folder;
        const std::string path = (folder / "site.pem").string();
        CHECK_THAT(read_certificate(path).error().message, Catch::Contains("No such file"));
        spill(path, "nothing of the kind");
        CHECK_THAT(read_certificate(path).error().message, Catch::Contains("no certificate"));
        CHECK(judge(old, read_certificate(path)).status == Status::warning);
        CHECK(judge(judging.lasting(3 * k_day), read_certificate(path)).status == Status::critical);
        spill(path, make_certificate({.common_name = "site.example"}).pem);
        REQUIRE(read_certificate(path).ok());
        CHECK(read_certificate(path)->subject == "site.example");
    }
}
