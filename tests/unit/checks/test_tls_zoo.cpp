// Certificates of all kinds, made here and shown by a real server: what a browser refuses is critical, also where
// OpenSSL would take it.
#include "checks/tls.h"
#include "support/bare_world.h"
#include "support/hostile_server.h"
#include "support/temp_folder.h"

#include <cmath>
#include <functional>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <openssl/ssl.h>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

constexpr int k_day = 24; // hours

// Each with its place: one root that is trusted, and what a public authority has between it and the site.
struct Zoo {
    Zoo() { spill(folder / "ca.pem", root.pem); }

    TempFolder folder;
    TestCertificate root = make_authority("Zoo Root");
    TestCertificate between = make_between({.common_name = "Zoo Between"});

    TestCertificate make_between(CertificateWish wish) const {
        wish.authority = true;
        wish.ends_in_hours =
            wish.ends_in_hours == CertificateWish{}.ends_in_hours ? 1000 * k_day : wish.ends_in_hours;
        return make_certificate(wish, &root);
    }
};

struct Shown {
    TestCertificate own;
    std::string chain; // after it
};

struct Animal {
    std::string name;
    std::function<Shown(const Zoo&)> make;
    Status status = Status::critical;
    std::string words;                  // in the English message
    std::string asked = "site.example"; // server_name
    std::optional<int> days = {};       // left, where the days were judged
    int at_most = 0;                    // the version that the server speaks at most; 0: any
};

Shown signed_by_between(const Zoo& zoo, const CertificateWish& wish) {
    return {make_certificate(wish, &zoo.between), zoo.between.pem};
}

// A site's certificate with one thing changed.
std::function<Shown(const Zoo&)> site(CertificateWish wish) {
    return [wish](const Zoo& zoo) { return signed_by_between(zoo, wish); };
}

// The same with one thing changed in what is between.
std::function<Shown(const Zoo&)> below(CertificateWish between) {
    between.common_name = "Zoo Between";
    return [between](const Zoo& zoo) {
        const TestCertificate above = zoo.make_between(between);
        return Shown{make_certificate({.names = {"site.example"}}, &above), above.pem};
    };
}

const std::vector<std::string> k_site{"site.example"};

std::vector<Animal> all_animals() {
    const auto good = [](std::string name, CertificateWish wish, std::string asked = "site.example") {
        return Animal{.name = std::move(name),
                      .make = site(std::move(wish)),
                      .status = Status::ok,
                      .words = "89 days",
                      .asked = std::move(asked),
                      .days = 89};
    };
    const auto bad = [](std::string name, CertificateWish wish, std::string words,
                        std::string asked = "site.example") {
        return Animal{.name = std::move(name),
                      .make = site(std::move(wish)),
                      .words = std::move(words),
                      .asked = std::move(asked)};
    };
    return {
        // What browsers take.
        good("ECDSA P-256", {.names = k_site}),
        good("ECDSA P-384", {.names = k_site, .key = "P-384"}),
        good("RSA 2048", {.names = k_site, .key = "RSA-2048"}),
        good("a wildcard over one label", {.names = {"*.site.example"}}, "www.site.example"),
        good("one name of many", {.names = {"a.example", "b.example", "site.example"}}),
        good("an address in the SAN", {.names = {}, .addresses = {"127.0.0.1"}}, "127.0.0.1"),
        good("an IPv6 address in the SAN", {.names = {}, .addresses = {"::1"}}, "::1"),
        good("for servers and clients", {.names = k_site, .extended_key_usage = "serverAuth,clientAuth"}),
        // Days.
        {"ends in ten days",
         site({.names = k_site, .begins_in_hours = -80 * k_day, .ends_in_hours = 10 * k_day + 1}),
         Status::warning, "10 days", "site.example", 10},
        {"ends in three days",
         site({.names = k_site, .begins_in_hours = -80 * k_day, .ends_in_hours = 3 * k_day + 1}),
         Status::critical, "3 days", "site.example", 3},
        {"ends today", site({.names = k_site, .begins_in_hours = -80 * k_day, .ends_in_hours = 5}),
         Status::critical, "0 days", "site.example", 0},
        {"over since yesterday",
         site({.names = k_site, .begins_in_hours = -80 * k_day, .ends_in_hours = -k_day}), Status::critical,
         "expired", "site.example", -2},
        {"a life of six days, five left",
         site({.names = k_site, .begins_in_hours = -k_day, .ends_in_hours = 5 * k_day + 1}), Status::ok,
         "5 days", "site.example", 5},
        {"a life of six days, a quarter left",
         site({.names = k_site, .begins_in_hours = -5 * k_day, .ends_in_hours = k_day + 12}), Status::warning,
         "1 day", "site.example", 1},
        bad("not valid yet", {.names = k_site, .begins_in_hours = 48}, "valid only from"),
        {"what is between is over", below({.begins_in_hours = -900 * k_day, .ends_in_hours = -k_day}),
         Status::critical, "“Zoo Between” expired", "site.example", -2},
        {"what is between ends first",
         below({.begins_in_hours = -900 * k_day, .ends_in_hours = 9 * k_day + 1}), Status::warning,
         "“Zoo Between” is valid for 9 days", "site.example", 9},
        // Names.
        bad("another name", {.names = {"other.example"}}, "not for site.example"),
        bad("a common name without SAN", {.names = {}, .common_name = "site.example"}, "alternative names"),
        bad("a wildcard over two labels", {.names = {"*.site.example"}}, "not for a.b.site.example",
            "a.b.site.example"),
        bad("a wildcard for the bare name", {.names = {"*.site.example"}}, "not for site.example"),
        bad("a wildcard in part of a label", {.names = {"w*.site.example"}}, "not for www.site.example",
            "www.site.example"),
        bad("an address not in the SAN", {.names = k_site}, "not for 127.0.0.1", "127.0.0.1"),
        bad("an address as if it were a name", {.names = {"127.0.0.1"}}, "not for 127.0.0.1", "127.0.0.1"),
        // Keys, signatures, uses.
        bad("RSA 1024", {.names = k_site, .key = "RSA-1024"}, "its key is RSA 1024"),
        bad("Ed25519", {.names = k_site, .key = "ED25519"}, "its key is ED25519"),
        bad("ECDSA P-521", {.names = k_site, .key = "P-521"}, "its key is EC secp521r1"),
        bad("ECDSA of Bitcoin's curve", {.names = k_site, .key = "secp256k1"},
            "speaks no TLS that we understand"),
        bad("signed with SHA-1", {.names = k_site, .digest = "SHA1"}, "digest algorithm too weak"),
        bad("for clients only", {.names = k_site, .extended_key_usage = "clientAuth"},
            "unsuitable certificate purpose"),
        {"what is between has a weak key", below({.key = "RSA-1024"}), Status::critical,
         "its key is RSA 1024", "site.example"},
        {"what is between is for other names", below({.name_constraints = "permitted;DNS:elsewhere.example"}),
         Status::critical, "permitted subtree violation", "site.example"},
        // Chains.
        {"signed by itself",
         [](const Zoo&) {
             return Shown{make_certificate({.names = k_site}), ""};
         },
         Status::critical, "self-signed", "site.example"},
        {"what is between is not shown",
         [](const Zoo& zoo) {
             return Shown{signed_by_between(zoo, {.names = k_site}).own, ""};
         },
         Status::critical, "unable to get local issuer certificate", "site.example"},
        {"an authority that nobody knows",
         [](const Zoo&) {
             const TestCertificate unknown = make_authority("Nobody");
             return Shown{make_certificate({.names = k_site}, &unknown), unknown.pem};
         },
         Status::critical, "self-signed certificate in certificate chain", "site.example"},
        {"signed by who must not sign",
         [](const Zoo& zoo) {
             const TestCertificate other =
                 make_certificate({.names = {"other.example"}, .common_name = "Other"}, &zoo.root);
             return Shown{make_certificate({.names = k_site}, &other), other.pem};
         },
         Status::critical, "invalid CA certificate", "site.example"},
        {"in the wrong order",
         [](const Zoo& zoo) {
             const TestCertificate second = make_certificate(
                 {.common_name = "Second", .ends_in_hours = 1000 * k_day, .authority = true}, &zoo.between);
             return Shown{make_certificate({.names = k_site}, &second), zoo.between.pem + second.pem};
         },
         Status::ok, "89 days", "site.example", 89},
        {"one that is over served along",
         [](const Zoo& zoo) {
             const TestCertificate old = make_authority("Old Root");
             const TestCertificate cross = make_certificate({.common_name = "Zoo Cross",
                                                             .begins_in_hours = -900 * k_day,
                                                             .ends_in_hours = -k_day,
                                                             .authority = true},
                                                            &old);
             Shown shown = signed_by_between(zoo, {.names = k_site});
             return Shown{shown.own, shown.chain + cross.pem};
         },
         Status::warning, "“Zoo Cross”, which expired", "site.example", 89},
        // Protocols.
        {"TLS 1.0 at best",
         site({.names = k_site}),
         Status::critical,
         "speaks TLSv1 at best",
         "site.example",
         {},
         TLS1_VERSION},
        {"TLS 1.1 at best",
         site({.names = k_site}),
         Status::critical,
         "speaks TLSv1.1 at best",
         "site.example",
         {},
         TLS1_1_VERSION},
        {"TLS 1.2 at best", site({.names = k_site}), Status::ok, "89 days", "site.example", 89,
         TLS1_2_VERSION},
    };
}

CheckResult look(const TlsSettings& settings) {
    BareWorld bare;
    const std::map<std::string, std::string> memory;
    const auto check = tls_check_type().make(&settings);
    Now now;
    now.wall = std::chrono::time_point_cast<WallTime::duration>(std::chrono::system_clock::now());
    return dynamic_cast<const BlockingCheck&>(*check).run(
        {bare.world, now, std::chrono::steady_clock::now() + 1h, memory});
}

std::optional<double> days_of(const CheckResult& result) {
    return result.metrics.empty() ? std::nullopt : std::optional(result.metrics.front().value);
}

void hang_up(Connection& peer) {
    peer.wait_until_gone();
}

} // namespace

TEST_CASE("tls zoo: each certificate as a browser judges it", "[tls]") {
    const Zoo zoo;
    for (const Animal& animal : all_animals()) {
        DYNAMIC_SECTION(animal.name) {
            const Shown shown = animal.make(zoo);
            HostileServer server(hang_up, shown.own, shown.chain);
            if (animal.at_most != 0) {
                server.speak_at_most(animal.at_most);
            }
            TlsSettings settings;
            settings.address = fmt::format("127.0.0.1:{}", server.port());
            settings.server_name = animal.asked;
            settings.ca = (zoo.folder / "ca.pem").string();
            settings.timeout = 1h;
            const CheckResult result = look(settings);
            CHECK(result.status == animal.status);
            CHECK_THAT(result.message.en, Catch::Contains(animal.words));
            CHECK(result.message.ru != result.message.en);
            REQUIRE(days_of(result).has_value() == animal.days.has_value());
            if (animal.days) {
                CHECK(std::floor(*days_of(result)) == *animal.days);
            }
        }
    }
}
