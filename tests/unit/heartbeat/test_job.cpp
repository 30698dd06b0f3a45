#include "heartbeat/job.h"

#include <chrono>
#include <csignal>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace lectio::heartbeat;
using namespace std::chrono_literals;

namespace {

AttendedAnswer ended(int status) {
    AttendedAnswer answer;
    answer.exit_status = status;
    answer.took = 3s;
    answer.tail = "the last line\n";
    return answer;
}

} // namespace

TEST_CASE("job: a good end shows nothing of what it said") {
    const JobEnd end = judge(ended(0), {});
    CHECK(end.is_good());
    CHECK(end.words.en == "ended well after 3 s");
    const Ping ping = ping_of(end, "a-rid", Lang::en);
    CHECK(address_of("https://hc.test/ping/x", ping) == "https://hc.test/ping/x/0?rid=a-rid");
    CHECK(ping.body.empty());
}

TEST_CASE("job: its exit status is ours and the ping's") {
    const JobEnd end = judge(ended(3), {});
    CHECK(end.status == 3);
    const Ping ping = ping_of(end, "", Lang::en);
    CHECK(address_of("https://hc.test/ping/x", ping) == "https://hc.test/ping/x/3");
    CHECK(ping.body == "failed: exit status 3 after 3 s\nthe last line");
    CHECK(ping_of(end, "", Lang::ru).body.find("код 3") != std::string::npos);
}

TEST_CASE("job: ended by a signal, as sh says it") {
    AttendedAnswer answer = ended(0);
    answer.exit_status.reset();
    answer.signal = SIGSEGV;
    CHECK(judge(answer, {}).status == 139);
}

TEST_CASE("job: too long is a failure, however it ended then") {
    AttendedAnswer answer = ended(0);
    answer.overran = true;
    const JobEnd end = judge(answer, 30min);
    CHECK(end.status == 124);
    CHECK(end.words.en == "took longer than its 30 m and was ended");
}

TEST_CASE("job: stopped from outside before it was done") {
    AttendedAnswer answer = ended(143);
    answer.stopped = SIGTERM;
    const JobEnd end = judge(answer, {});
    CHECK(end.status == 143);
    CHECK(end.words.en == "was asked to stop (signal 15) after 3 s, before it was done");
    answer.exit_status = 0; // it was done
    CHECK(judge(answer, {}).is_good());
}

TEST_CASE("job: what could not be started, as sh says it") {
    CHECK(judge(Error{ErrorKind::not_found, "unable to start x: No such file or directory"}, {}).status ==
          127);
    CHECK(judge(Error{ErrorKind::permission, "unable to start x: Permission denied"}, {}).status == 126);
}

TEST_CASE("job: what it said is shown without control characters") {
    AttendedAnswer answer = ended(1);
    answer.tail = "\x1b[31mred\x07\xff";
    CHECK(judge(answer, {}).tail == "?[31mred?\xef\xbf\xbd");
}
