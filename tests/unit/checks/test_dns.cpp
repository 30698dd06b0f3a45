#include "checks/dns.h"
#include "support/dns_server.h"
#include "support/hostile_server.h"

#include <functional>

#include <catch2/catch.hpp>

#include <arpa/nameser.h>

using namespace lectio;
using namespace std::chrono_literals;
using namespace std::string_literals;
using Failure = DnsSample::Failure;
using Over = DnsServer::Over;

namespace {

DnsSettings settings_for(const std::string& record, const std::vector<std::string>& expect = {}) {
    DnsSettings settings;
    settings.name = "www.example.org";
    settings.record = record;
    settings.server = "127.0.0.1";
    settings.expect = expect;
    return settings;
}

DnsSample answered(const std::vector<std::string>& answers) {
    DnsSample sample;
    sample.server = "127.0.0.1:53";
    sample.answers = answers;
    sample.took = 3ms;
    return sample;
}

DnsSample failed(Failure failure) {
    DnsSample sample = answered({});
    sample.failure = failure;
    sample.detail = "the system's words";
    return sample;
}

DnsSample coded(int code) {
    DnsSample sample = answered({});
    sample.code = code;
    return sample;
}

DnsSample probe(const DnsServer& server, const std::string& record = "A", Duration timeout = 10s) {
    return dns_probe({"www.example.org", record, server.address(), timeout});
}

// What each question gets, made of the good answer to it.
DnsServer server_with(const std::vector<DnsRecord>& records) {
    return DnsServer([records](const std::string& question, Over) {
        return std::vector{dns_answer(question, ns_r_noerror, records)};
    });
}

const DnsRecord k_address{ns_t_a, "\xc0\x00\x02\x01"s};

} // namespace

TEST_CASE("dns: the right answer", "[dns]") {
    const CheckResult one = evaluate_dns(answered({"192.0.2.1"}), settings_for("A", {"192.0.2.1"}));
    CHECK(one.status == Status::ok);
    CHECK(one.message.en == "www.example.org A: 192.0.2.1 in 3 ms");
    CHECK(one.metrics.at(0).value == Approx(0.003));
    CHECK(evaluate_dns(answered({"192.0.2.9"}), settings_for("A")).status == Status::ok);
}

TEST_CASE("dns: what is expected may be written in another form", "[dns]") {
    const auto good = [](const std::string& record, const std::string& seen, const std::string& expected) {
        return evaluate_dns(answered({"something else", seen}), settings_for(record, {expected})).status ==
               Status::ok;
    };
    CHECK(good("AAAA", "2001:db8::1", "2001:DB8:0::0001"));
    CHECK(good("CNAME", "web.example.org", "Web.Example.Org."));
    CHECK(good("MX", "10 mail.example.org", "10 Mail.example.org"));
    CHECK(good("MX", "10 mail.example.org", "mail.example.org"));
    CHECK(good("SRV", "0 5 5060 sip.example.org", "sip.example.org"));
    CHECK(good("TXT", "v=spf1 -all", "v=spf1 -all"));
    CHECK_FALSE(good("TXT", "v=spf1 -all", "V=SPF1 -all"));
    CHECK_FALSE(good("NS", "ns.example.org", "example.org"));
}

TEST_CASE("dns: a wrong answer is shown beside what is expected", "[dns]") {
    const CheckResult wrong =
        evaluate_dns(answered({"192.0.2.9"}), settings_for("A", {"192.0.2.1", "192.0.2.9"}));
    CHECK(wrong.status == Status::critical);
    CHECK(wrong.message.en ==
          "www.example.org A: expected 192.0.2.1, the answer of 127.0.0.1:53 is 192.0.2.9");
    // Outside text: neither control characters nor a page of it.
    const CheckResult odd =
        evaluate_dns(answered({"\x1b[31m" + std::string(60'000, 'x'), "2", "3", "4", "5"}),
                     settings_for("TXT", {"v=spf1"}));
    CHECK(odd.message.en.find('\x1b') == std::string::npos);
    CHECK(odd.message.en.size() < 300);
}

TEST_CASE("dns: no answer is critical and says which kind of none", "[dns]") {
    const auto words = [](const DnsSample& sample) {
        return evaluate_dns(sample, settings_for("A")).message.en;
    };
    CHECK_THAT(words(coded(ns_r_nxdomain)), Catch::Contains("there is no name www.example.org"));
    CHECK_THAT(words(coded(ns_r_servfail)), Catch::Contains("SERVFAIL"));
    CHECK_THAT(words(coded(ns_r_refused)), Catch::Contains("REFUSED"));
    CHECK_THAT(words(coded(ns_r_notimpl)), Catch::Contains("error 4"));
    CHECK(words(answered({})) == "www.example.org has no A record, says the nameserver 127.0.0.1:53");
    DnsSample alias = answered({});
    alias.aliases = {"web.example.org"};
    CHECK_THAT(words(alias), Catch::Contains("only another name for web.example.org"));
    CHECK(words(failed(Failure::timeout)) == "the nameserver 127.0.0.1:53 did not answer within 2 s");
    for (const Failure failure :
         {Failure::name, Failure::refused, Failure::unreachable, Failure::timeout, Failure::garbled}) {
        CHECK(evaluate_dns(failed(failure), settings_for("A")).status == Status::critical);
    }
    CHECK(evaluate_dns(failed(Failure::own_fault), settings_for("A")).status == Status::unknown);
}

TEST_CASE("dns: only a nameserver on this host can be mended from here", "[dns]") {
    DnsSample sample = failed(Failure::timeout);
    CHECK(evaluate_dns(sample, settings_for("A")).remedy == Remedy::try_it);
    sample.server = "192.0.2.53:53";
    CHECK(evaluate_dns(sample, settings_for("A")).remedy == Remedy::outside_host);
}

TEST_CASE("dns: by hand the same nameserver is asked, at the same port", "[dns]") {
    DnsSettings settings = settings_for("A");
    const auto hint = [&](const std::string& server) {
        DnsSample sample = failed(Failure::timeout);
        sample.server = server;
        return evaluate_dns(sample, settings).hint.en;
    };
    CHECK(hint("127.0.0.1:53") == "by hand: dig @127.0.0.1 www.example.org A");
    CHECK(hint("127.0.0.1:5353") == "by hand: dig @127.0.0.1 -p 5353 www.example.org A");
    CHECK(hint("[::1]:5353") == "by hand: dig @::1 -p 5353 www.example.org A");
    settings.server.clear();
    CHECK(hint("127.0.0.1:53") == "by hand: dig www.example.org A");
}

TEST_CASE("dns: a dead nameserver before the one that answers is a warning", "[dns]") {
    DnsSample sample = answered({"192.0.2.1"});
    sample.failed = {"192.0.2.53:53"};
    const CheckResult result = evaluate_dns(sample, settings_for("A"));
    CHECK(result.status == Status::warning);
    CHECK_THAT(result.message.en, Catch::Contains("192.0.2.53:53 does not answer"));
}

TEST_CASE("dns probe: every kind of record", "[dns]") {
    const auto answer_to = [](const std::string& record, const std::vector<DnsRecord>& records) {
        const DnsServer server = server_with(records);
        const DnsSample sample = probe(server, record);
        CHECK(sample.failure == Failure::none);
        return sample;
    };
    CHECK(answer_to("A", {k_address, {ns_t_a, "\x7f\x00\x00\x01"s}}).answers ==
          std::vector<std::string>{"192.0.2.1", "127.0.0.1"});
    CHECK(
        answer_to("AAAA", {{ns_t_aaaa, "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\1"}}).answers.at(0) ==
        "2001:db8::1");
    CHECK(answer_to("MX", {{ns_t_mx, "\0\xa"s + dns_name("Mail.example.org")}}).answers.at(0) ==
          "10 mail.example.org");
    CHECK(answer_to("NS", {{ns_t_ns, dns_name("ns.example.org")}}).answers.at(0) == "ns.example.org");
    CHECK(answer_to("SRV", {{ns_t_srv, "\0\0\0\5\x13\xc4"s + dns_name("sip.example.org")}}).answers.at(0) ==
          "0 5 5060 sip.example.org");
    CHECK(answer_to("TXT", {{ns_t_txt, "\6v=spf1\5 -all"s}}).answers.at(0) == "v=spf1 -all");
    CHECK(answer_to("CNAME", {{ns_t_cname, dns_name("web.example.org")}}).answers.at(0) == "web.example.org");
    // The name in the data ends where the question's begins: compressed.
    CHECK(answer_to("NS", {{ns_t_ns, "\2ns\xc0\x0c"s}}).answers.at(0) == "ns.www.example.org");
    const DnsSample alias = answer_to("A", {{ns_t_cname, dns_name("web.example.org")}});
    CHECK(alias.answers.empty());
    CHECK(alias.aliases == std::vector<std::string>{"web.example.org"});
}

TEST_CASE("dns probe: the server says no", "[dns]") {
    const DnsServer server(
        [](const std::string& question, Over) { return std::vector{dns_answer(question, ns_r_nxdomain)}; });
    const DnsSample sample = probe(server);
    CHECK(sample.failure == Failure::none);
    CHECK(sample.code == ns_r_nxdomain);
    CHECK(sample.server == server.address());
}

TEST_CASE("dns probe: nobody there", "[dns]") {
    CHECK(dns_probe({"www.example.org", "A", "127.0.0.1:" + std::to_string(closed_port()), 10s}).failure ==
          Failure::refused);
    CHECK(dns_probe({"www.example.org", "A", "no..host", 10s}).failure == Failure::name);
    const DnsServer silent([](const std::string&, Over) { return std::vector<std::string>{}; });
    CHECK(probe(silent, "A", 150ms).failure == Failure::timeout);
    CHECK(silent.questions() == 2);
}

TEST_CASE("dns probe: a lost packet is asked for again", "[dns]") {
    std::atomic<int> asked{0};
    const DnsServer server([&](const std::string& question, Over) {
        return ++asked == 1 ? std::vector<std::string>{} : std::vector{dns_answer(question, 0, {k_address})};
    });
    CHECK(probe(server, "A", 3s).answers.size() == 1);
}

TEST_CASE("dns probe: a cut answer is asked for over TCP", "[dns]") {
    SECTION("and comes whole") {
        const std::vector<DnsRecord> many(200, k_address);
        const DnsServer server([&](const std::string& question, Over over) {
            return std::vector{over == Over::udp ? dns_answer_cut(question) : dns_answer(question, 0, many)};
        });
        const DnsSample sample = probe(server);
        CHECK(sample.failure == Failure::none);
        CHECK(sample.answers.size() == 100); // enough of them
    }
    SECTION("and does not come") {
        const DnsServer server([](const std::string& question, Over over) {
            return over == Over::udp ? std::vector{dns_answer_cut(question)} : std::vector<std::string>{};
        });
        CHECK(probe(server).failure == Failure::garbled);
    }
    SECTION("and is another") {
        const DnsServer server([](const std::string& question, Over over) {
            return std::vector{over == Over::udp ? dns_answer_cut(question)
                                                 : "\xff\xff" + question.substr(2)};
        });
        CHECK(probe(server).failure == Failure::garbled);
    }
}

TEST_CASE("dns probe: answers to other questions are dropped", "[dns]") {
    using Spoil = std::function<std::string(std::string)>;
    const std::vector<Spoil> spoilers{
        [](std::string good) { // another number
            good[0] = static_cast<char>(good[0] ^ 1);
            return good;
        },
        [](std::string good) { // another name
            good[14] = 'x';
            return good;
        },
        [](std::string good) { // a question
            good[2] = 1;
            return good;
        },
        [](const std::string& good) { return good.substr(0, 7); },
        [](const std::string&) { return "garbage"s; },
        [](const std::string&) { return ""s; },
    };
    for (const Spoil& spoil : spoilers) {
        const DnsServer server([&](const std::string& question, Over) {
            const std::string good = dns_answer(question, 0, {k_address});
            return std::vector{spoil(good), good};
        });
        const DnsSample sample = probe(server);
        CHECK(sample.failure == Failure::none);
        CHECK(sample.strays == 1);
        const DnsServer only_strays([&](const std::string& question, Over) {
            return std::vector{spoil(dns_answer(question, 0, {k_address}))};
        });
        const DnsSample lost = probe(only_strays, "A", 150ms);
        CHECK(lost.failure == Failure::timeout);
        CHECK_THAT(evaluate_dns(lost, settings_for("A")).message.en, Catch::Contains("other questions"));
    }
}

TEST_CASE("dns probe: an answer that cannot be read", "[dns]") {
    const std::vector<DnsRecord> hostile{
        {ns_t_a, "\x7f\x00\x00"s},                      // three bytes of an address
        {ns_t_a, std::string(300, 'x')},                // far too many
        {ns_t_mx, "\0"s},                               // half a number
        {ns_t_mx, "\0\1\xc0\x0c"s, "\xc0\x0c\xc0\x0c"}, // the record begins in the middle of a name
        {ns_t_mx, "\0\1\xc0\xff"s},                     // a pointer behind the end
        {ns_t_txt, "\xff"
                   "abc"s},        // a text longer than the record
        {ns_t_cname, "\xc0\x2e"s}, // a pointer to itself
        {ns_t_cname, "\x3f"
                     "abc"s},                 // a label longer than the record
        {ns_t_cname, std::string(255, '\1')}, // a name without end
    };
    for (const DnsRecord& record : hostile) {
        const DnsServer server = server_with({record});
        const std::string asked = record.type == ns_t_mx ? "MX" : record.type == ns_t_txt ? "TXT" : "A";
        CAPTURE(asked, record.data.size());
        CHECK(probe(server, asked).failure == Failure::garbled);
    }
    SECTION("more records are announced than come") {
        const DnsServer server([](const std::string& question, Over) {
            std::string answer = dns_answer(question, 0, {k_address});
            answer[6] = '\x7f';
            return std::vector{answer};
        });
        CHECK(probe(server).failure == Failure::garbled);
    }
}

TEST_CASE("dns probe: a name that cannot be asked for", "[dns]") {
    CHECK(dns_probe({std::string(300, 'x'), "A", "127.0.0.1", 300ms}).failure == Failure::own_fault);
}
