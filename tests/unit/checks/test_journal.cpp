#include "checks/journal.h"

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

const Now k_now{WallTime(1'700'000'000s), 3600s, "boot"};

Now later(Duration time) {
    return {k_now.wall + time, k_now.boot + time, k_now.boot_id};
}

JournalSample sample(std::map<std::string, std::uint64_t> matched, std::string last = "Out of memory") {
    return {std::move(matched), std::move(last), true};
}

} // namespace

TEST_CASE("messages of the journal are counted over the window", "[journal]") {
    JournalCheckSettings settings;
    settings.count = {Amount{Amount::Unit::number, 10}, Amount{Amount::Unit::number, 100}};
    const CheckResult few =
        evaluate_journal(sample({{"nginx.service", 4}, {"", 2}, {"celery.service", 3}}), settings, k_now, {});
    CHECK(few.status == Status::ok);
    CHECK(few.message.en == "in the journal: 9 messages, the most from nginx.service (window: 1 hour)");
    CHECK(few.message.ru == "в журнале: 9 сообщений, больше всего от nginx.service (период: 1 час)");
    CHECK(few.evidence.empty());

    const CheckResult more =
        evaluate_journal(sample({{"nginx.service", 1}}, "a\x1b[31m b"), settings, later(30min), few.memory);
    CHECK(more.status == Status::warning);
    CHECK(more.message.en == "in the journal: 10 messages, the most from nginx.service (window: 1 hour)");
    CHECK(more.evidence == "a?[31m b");
    CHECK(more.hint.en == "look: journalctl -p err -n 50 --no-pager");

    // The nine have left the window, the one has not.
    const CheckResult less = evaluate_journal(sample({}), settings, later(61min), more.memory);
    CHECK(less.metrics.front().value == 1);
    const CheckResult none = evaluate_journal(sample({}), settings, later(3h), less.memory);
    CHECK(none.message.en == "no such messages in the journal (window: 1 hour)");
    CHECK(none.status == Status::ok);
}

TEST_CASE("the command to look is that of the check, and what was not read yet is said", "[journal]") {
    JournalCheckSettings settings;
    settings.units = {"a.service", "b.service"};
    settings.priority = JournalCheckSettings::Priority::warning;
    JournalSample seen = sample({{"a.service", 1}});
    seen.is_whole = false;
    const CheckResult result = evaluate_journal(seen, settings, k_now, {});
    CHECK(result.hint.en == "look: journalctl -u a.service -u b.service -p warning -n 50 --no-pager");
    CHECK(result.message.en.find("the rest follows in the next run") != std::string::npos);
}
