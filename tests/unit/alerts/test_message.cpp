// The words of the messages, whole: golden/messages.*.txt, and golden/checks.*.txt for each check failing in each way,
// are what the operator reads, and are there to be proof-read. LECTIO_UPDATE_GOLDEN=1 writes them anew.
#include "alerts/merge.h"
#include "alerts/message.h"
#include "alerts/message_json.h"
#include "checks/all_checks.h"
#include "failing_checks.h"
#include "news_samples.h"
#include "recovery/all_actions.h"
#include "support/temp_folder.h"
#include "util/secret.h"
#include "util/text.h"

#include <algorithm>
#include <cstdlib>
#include <functional>

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

struct Sample {
    const char* name;
    News news;
};

NewsItem with_deeds(NewsItem item, std::vector<Deed> deeds) {
    item.deeds = std::move(deeds);
    return item;
}

Incident hinted(Incident incident, Text hint) {
    incident.hint = std::move(hint);
    return incident;
}

std::vector<Sample> openings() {
    const auto opened = [](Incident incident) {
        return sample_news({sample_item(Event::opened, std::move(incident))});
    };
    Incident application_errors = sample_incident("app-errors", "log", Status::critical,
                                                  {"3 new lines match", "новых совпавших строк: 3"});
    application_errors.evidence =
        "ERROR Internal Server Error: /api/homework/\nTraceback (most recent call last):\n"
        "\n  File \"views.py\", line 12\nKeyError: '<id>'\n";
    Incident slow =
        sample_incident("site", "http", Status::warning,
                        {"answered after 6.2 s, expected 5 s", "ответ через 6.2 s, ожидалось 5 s"});
    Incident unseen =
        sample_incident("site", "http", Status::warning,
                        {"nothing could be seen for five runs in a row: unable to open a socket",
                         "пять запусков подряд проверить не удаётся: не открывается сокет"});
    unseen.blind = true;
    return {
        {"opened: http 403", opened(forbidden_site())},
        {"opened: http slow", opened(slow)},
        {"opened: http unseen", opened(unseen)},
        {"opened: unit failed", opened(failed_nginx())},
        {"opened: disk",
         opened(hinted(sample_incident("disk", "disk", Status::critical,
                                       {"4% of / free (900 MB)", "на / свободно 4% (900 MB)"}),
                       {"du -xh / | sort -h | tail shows what takes the room",
                        "что заняло место, покажет du -xh / | sort -h | tail"}))},
        {"opened: memory",
         opened(sample_incident("memory", "memory", Status::warning,
                                {"200 MB available, below 256 MB", "доступно 200 MB, меньше 256 MB"}))},
        {"opened: frontend permissions",
         opened(sample_incident("frontend", "frontend", Status::critical,
                                {"www-data cannot read /var/www/x/build/index.html",
                                 "www-data не может прочитать /var/www/x/build/index.html"}))},
        {"opened: redis", opened(sample_incident("redis", "redis", Status::critical,
                                                 {"connection refused at 127.0.0.1:6379",
                                                  "127.0.0.1:6379 не принимает соединений"}))},
        {"opened: certificate", opened(sample_incident("certificate", "tls", Status::warning,
                                                       {"expires in 12 days", "истекает через 12 дней"}))},
        {"opened: log lines", opened(application_errors)},
        {"opened: celery",
         opened(sample_incident("celery", "celery", Status::critical,
                                {"no worker answered within 3 s", "ни один обработчик не ответил за 3 s"}))},
    };
}

NewsItem waited(NewsItem item) {
    item.waited = true;
    return item;
}

NewsItem day_of(DayFigures figures) {
    NewsItem item = sample_item(Event::summary, sample_incident("summary", "self", Status::warning, {}));
    item.incident.id.clear();
    item.incident.severity = Severity::info;
    item.day = figures;
    return item;
}

std::vector<Sample> later_events() {
    const Incident few_free = sample_incident("disk", "disk", Status::warning,
                                              {"12% of / free (2.4 GB)", "на / свободно 12% (2.4 GB)"});
    const std::vector<NewsItem> night{
        waited(sample_item(Event::mended, few_free, 40min)),
        waited(sample_item(Event::resolved,
                           sample_incident("queue", "redis", Status::warning,
                                           {"60 messages in celery, 50 are many",
                                            "в очереди celery 60 сообщений, 50 уже много"}),
                           5h)),
        waited(
            sample_item(Event::opened,
                        sample_incident("memory", "memory", Status::warning,
                                        {"200 MB available, below 256 MB", "доступно 200 MB, меньше 256 MB"}),
                        3h))};
    NewsItem bad_day = day_of({1440, 1380, 12});
    bad_day.symptoms = {few_free};
    NewsItem growing_day = day_of({24, 24, 0});
    growing_day.remarks = {{"disk /: 1.2 GB more a day, full in 20 days; lite: not growing",
                            "диск /: +1.2 GB в день, место кончится через 20 дней; lite: не растёт"}};
    NewsItem fallen = sample_item(Event::needs_person, failed_nginx(), 3min);
    fallen.look_with = {"systemctl status nginx.service"};
    fallen.reason = CallReason::never_comes_up;
    const auto told = [](Event event, Duration lasted) {
        return sample_news({sample_item(event, forbidden_site(), lasted)});
    };
    const std::vector<Deed> permissions{sample_deed("fix-permissions", "/var/www/x/build", true,
                                                    {"12 files", "файлов: 12"}, {"site", "frontend"})};
    const std::vector<Deed> in_vain{sample_deed("restart", "nginx.service", false,
                                                {"nginx -t failed, so it was not restarted",
                                                 "nginx -t не прошла, поэтому не перезапускалась"}),
                                    sample_deed("restart", "teaching_panel.service", true)};
    NewsItem person = with_deeds(sample_item(Event::needs_person, failed_nginx(), 12min), in_vain);
    person.look_with = {"systemctl status nginx.service", "journalctl -u nginx.service -n 50 --no-pager"};
    NewsItem limited = person;
    limited.deeds.clear();
    limited.reason = CallReason::hour_is_full;
    NewsItem hurried = limited;
    hurried.reason = CallReason::no_time;
    NewsItem root = sample_item(Event::opened, failed_nginx());
    root.symptoms = {forbidden_site(), sample_incident("frontend", "frontend", Status::critical,
                                                       {"index.html: no answer", "index.html: нет ответа"})};
    const Incident disk =
        sample_incident("disk", "disk", Status::warning, {"12% of / free", "на / свободно 12%"});
    const Incident pathetic =
        sample_incident("frontend", "frontend", Status::critical,
                        {"/var/www/teaching_panel/frontend/build/static/js/main.0a1b2c3d.js is empty",
                         "файл /var/www/teaching_panel/frontend/build/static/js/main.0a1b2c3d.js пуст"});
    std::vector<NewsItem> storm;
    for (const char* name : {"site", "api", "admin", "frontend", "media", "search", "chat", "files"}) {
        Incident incident = forbidden_site();
        incident.check = name;
        incident.id = std::string("STORM") + name[0] + name[1];
        storm.push_back(sample_item(Event::opened, incident));
    }
    Incident marker = sample_incident("markers", "self", Status::warning,
                                      {"the deploy marker has been lying there for 25 minutes: it no longer "
                                       "silences alerts",
                                       "маркер деплоя лежит уже 25 минут: оповещения он больше не глушит"});
    marker.hint = {
        "look whether the deploy has finished, then remove /var/run/lectio-monitor/deploy_in_progress",
        "проверьте, закончился ли деплой, затем удалите /var/run/lectio-monitor/deploy_in_progress"};
    Incident info = sample_incident("backup-age", "file", Status::warning, {"27 hours old", "ему 27 часов"});
    info.severity = Severity::info;
    return {
        {"mended", sample_news({with_deeds(sample_item(Event::mended, forbidden_site(), 8s), permissions)})},
        {"over before it was told, with no deed", told(Event::mended, 3min)},
        {"resolved", told(Event::resolved, 12min)},
        {"resolved: the suite's own",
         sample_news({sample_item(
             Event::resolved,
             sample_incident("state", "self", Status::critical,
                             {"the state folder cannot be written", "папка состояния не пишется"}),
             5min)})},
        {"a long path, and more of it",
         sample_news({sample_item(Event::opened, pathetic), sample_item(Event::opened, forbidden_site())})},
        {"resolved after two days", told(Event::resolved, 50h)},
        {"unwatched", told(Event::unwatched, 12min)},
        {"risen", told(Event::risen, 3min)},
        {"eased", told(Event::eased, 3min)},
        {"reminder", told(Event::reminder, 2h + 10min)},
        {"flapping", told(Event::flapping, 9min)},
        {"a person is needed", sample_news({person})},
        {"a person is needed: per_hour is used up", sample_news({limited})},
        {"a person is needed: no run has time to act", sample_news({hurried})},
        {"a person is needed: it never comes up", sample_news({fallen})},
        {"escalated", told(Event::escalated, 15min)},
        {"the morning after a night of warnings", sample_news(night)},
        {"the day: all was well", sample_news({day_of({1440, 1440, 0})})},
        {"the day: all is well again", sample_news({day_of({1440, 1439, 2})})},
        {"the day: something is open", sample_news({bad_day})},
        {"the day: what grows", sample_news({growing_day})},
        {"the day: nothing is known of it", sample_news({day_of({})})},
        {"symptoms under their cause", sample_news({root})},
        {"several at once", sample_news({sample_item(Event::resolved,
                                                     sample_incident("redis", "redis", Status::critical,
                                                                     {"no answer", "нет ответа"}),
                                                     5min),
                                         sample_item(Event::opened, disk), root})},
        {"a storm", sample_news(storm)},
        {"a deploy marker left behind", sample_news({sample_item(Event::opened, marker)})},
        {"broken since the deploy, told when its grace ended",
         sample_news({waited(sample_item(Event::opened, forbidden_site(), 10min))})},
        {"mended after the deploy, without a word before",
         sample_news({waited(sample_item(Event::mended, forbidden_site(), 4min))})},
        {"information only", sample_news({sample_item(Event::opened, info)})},
        {"note of the suite",
         sample_news({sample_item(Event::note, sample_incident("config", "self", Status::warning,
                                                               {"config.toml:3:1: unknown key",
                                                                "config.toml:3:1: неизвестный ключ"}))})},
    };
}

// What Telegram gets when it is back: letters of hours put together, and one that is late.
std::string after_an_outage(Lang lang) {
    std::vector<Letter> waiting;
    const auto add = [&](Event event, const Incident& incident, Duration before) {
        NewsItem item = sample_item(event, incident, 5min);
        News news = sample_news({std::move(item)});
        news.time.wall -= before;
        Letter letter;
        letter.name = std::to_string(waiting.size());
        letter.message = *compose(news, {lang, "UTC"});
        waiting.push_back(std::move(letter));
    };
    Incident nginx = failed_nginx();
    nginx.id = "NGINX2";
    Incident redis = sample_incident("redis", "redis", Status::critical, {"no answer", "нет ответа"});
    redis.id = "REDIS2";
    add(Event::opened, forbidden_site(), 3h);
    add(Event::resolved, forbidden_site(), 2h);
    add(Event::opened, nginx, 90min);
    add(Event::opened, redis, 1h);
    const Batch batch = next_batch(waiting, sample_now().wall, {}, {lang, "UTC"});
    REQUIRE(batch.letters == waiting.size());
    return "──── while Telegram was unreachable\n" + plain_text(batch.message) + "\n\n";
}

std::string catalogue(Lang lang) {
    std::string all = after_an_outage(lang);
    for (const auto& samples : {openings(), later_events()}) {
        for (const Sample& sample : samples) {
            const std::optional<Message> message = compose(sample.news, {lang, "UTC"});
            REQUIRE(message);
            all += std::string("──── ") + sample.name + "\n" + plain_text(*message) + "\n\n";
        }
    }
    return all;
}

// Of each way to fail the whole message; what passes after all is none.
std::string catalogue_of_checks(Lang lang) {
    std::string all;
    for (const FailingCheck& failing : failing_checks()) {
        CAPTURE(failing.type, failing.what);
        REQUIRE(failing.result.status != Status::ok);
        Incident incident =
            sample_incident(failing.type, failing.type, failing.result.status, failing.result.message);
        incident.hint = failing.result.hint;
        incident.evidence = failing.result.evidence;
        const std::optional<Message> message =
            compose(sample_news({sample_item(Event::opened, std::move(incident))}), {lang, "UTC"});
        REQUIRE(message);
        all += "──── " + failing.type + ": " + failing.what + "\n" + plain_text(*message) + "\n\n";
    }
    return all;
}

void compare_with_golden(const std::string& text, const std::string& file) {
    const Path path = Path(LECTIO_GOLDEN) / file;
    if (std::getenv("LECTIO_UPDATE_GOLDEN") != nullptr) {
        spill(path, text);
    }
    CHECK(text == slurp(path));
}

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

} // namespace

TEST_CASE("what a check that is a warning at most has seen is not guessed at") {
    Incident incident = sample_incident("tbank", "http", Status::warning,
                                        {"the name of https://bank.example/ is not found",
                                         "имя в адресе https://bank.example/ не находится"});
    const auto text = [&] {
        News news;
        news.host = "lectio-1";
        news.items.push_back(sample_item(Event::opened, incident));
        return plain_text(*compose(news, Voice{Lang::ru, "UTC"}));
    };
    CHECK_THAT(text(), Catch::Contains("открывается, но не так"));
    incident.severity = Severity::warning;
    CHECK_THAT(text(), !Catch::Contains("открывается"));
}

TEST_CASE("what the operator reads, in Russian") {
    compare_with_golden(catalogue(Lang::ru), "messages.ru.txt");
}

TEST_CASE("what the operator reads, in English") {
    compare_with_golden(catalogue(Lang::en), "messages.en.txt");
}

TEST_CASE("what the operator reads of each check that fails, in each way") {
    compare_with_golden(catalogue_of_checks(Lang::ru), "checks.ru.txt");
    compare_with_golden(catalogue_of_checks(Lang::en), "checks.en.txt");
    const std::vector<FailingCheck> failing = failing_checks();
    for (const CheckType& type : all_checks()) {
        CAPTURE(type.name);
        CHECK(std::any_of(failing.begin(), failing.end(),
                          [&](const FailingCheck& each) { return each.type == type.name; }));
    }
}

TEST_CASE("the first line of each message is enough for a lock screen") {
    const std::string mark = "──── ";
    for (const Lang lang : {Lang::ru, Lang::en}) {
        const std::string all = catalogue(lang) + catalogue_of_checks(lang);
        std::size_t messages = 0;
        for (std::size_t at = all.find(mark); at != std::string::npos; at = all.find(mark, at + 1)) {
            const std::size_t title = all.find('\n', at) + 1;
            const std::string first_line = all.substr(title, all.find('\n', title) - title);
            CAPTURE(first_line);
            CHECK(characters(first_line) < 80);
            CHECK(characters(first_line) > 5);
            ++messages;
        }
        CHECK(messages >= 100);
    }
}

TEST_CASE("a title fits the lock screen whatever the check says") {
    Incident incident = forbidden_site();
    incident.check = std::string(64, 'n');
    incident.message = verbatim(std::string(500, 'x') + "\n<b>\x07");
    News news = sample_news({sample_item(Event::needs_person, incident)});
    news.host = std::string(200, 'h');
    const std::optional<Message> message = compose(news, {Lang::ru, "UTC"});
    REQUIRE(message);
    CHECK(characters(message->title) <= k_title_length);
    CHECK(message->title.find('\n') == std::string::npos);
    // What was cut from the title stands whole under it.
    CHECK(plain_text(*message).find(std::string(500, 'x')) != std::string::npos);
}

TEST_CASE("a title that is too long keeps what is wrong and how much more there is") {
    const auto title_of = [](const char* seen, std::size_t items) {
        Incident incident = forbidden_site();
        incident.message = verbatim(seen);
        const News news = sample_news(std::vector<NewsItem>(items, sample_item(Event::opened, incident)));
        return compose(news, {Lang::en, "UTC"})->title;
    };
    const char* path = "/var/www/teaching_panel/frontend/build/static/js/main.0a1b2c3d.js is not there";
    CHECK(title_of(path, 1) == "🚨 site: …/main.0a1b2c3d.js is not there · lectio-1");
    CHECK(title_of(path, 3) == "🚨 site: …/main.0a1b2c3d.js is not there, and 2 more · lectio-1");
    CHECK(title_of("/a/b/c is a path that fits", 1) == "🚨 site: /a/b/c is a path that fits · lectio-1");
    CHECK(title_of("one two three four five six seven eight nine ten eleven twelve thirteen", 1) ==
          "🚨 site: one two three four five six seven eight nine ten eleven… · lectio-1");
}

TEST_CASE("what ends has begun before, though the clock was moved meanwhile") {
    const auto text_of = [](Event event, Duration clock_moved, bool waited) {
        NewsItem item = sample_item(event, forbidden_site(), 4min);
        item.incident.since.wall += clock_moved;
        item.waited = waited;
        return plain_text(*compose(sample_news({item}), {Lang::en, "UTC"})); // at 10:12
    };
    CHECK(text_of(Event::resolved, 10min, false).find("(10:08 to 10:12)") != std::string::npos); // moved back
    CHECK(text_of(Event::resolved, -10min, false).find("(10:08 to 10:12)") != std::string::npos);
    CHECK(text_of(Event::resolved, 20s, false).find("(10:08 to 10:12)") != std::string::npos);
    CHECK(text_of(Event::reminder, 10min, false).find("Since 10:08 (for 4 minutes)") != std::string::npos);
    // It ended long before it is told.
    CHECK(text_of(Event::resolved, -3h, true).find("(07:08 to 07:12)") != std::string::npos);
}

TEST_CASE("why nothing is done stands in one line, and mending is named once") {
    NewsItem item = sample_item(Event::opened, forbidden_site(), 3min);
    item.remarks = {{"one", "раз"}, {"two", "два"}};
    const auto text_of = [&](Event event) {
        item.event = event;
        return plain_text(*compose(sample_news({item}), {Lang::ru, "UTC"}));
    };
    CHECK(text_of(Event::opened).find("\nАвтоматическая починка: раз; два\n") != std::string::npos);
    const std::string call = text_of(Event::needs_person);
    CHECK(call.find("\nСейчас: раз; два\n") != std::string::npos);
    CHECK(call.find("Автоматическая починка") == call.rfind("Автоматическая починка"));
}

TEST_CASE("the end of what was told does not repeat its log lines") {
    Incident incident = forbidden_site();
    incident.evidence = "a line of the log";
    const auto text_of = [&](Event event) {
        return plain_text(*compose(sample_news({sample_item(event, incident, 3min)}), {Lang::en, "UTC"}));
    };
    CHECK(text_of(Event::resolved).find("a line of the log") == std::string::npos);
    CHECK(text_of(Event::mended).find("a line of the log") != std::string::npos);
}

TEST_CASE("outside text brings no control characters, no secrets and no code of its own into a message") {
    remember_secret("hunter2-hunter2");
    Incident incident = forbidden_site();
    incident.evidence = "\x1b[31mred\x01 code \x02 password=hunter2-hunter2 \xff\n";
    incident.message = verbatim("a\x01 b\x02 c hunter2-hunter2");
    const std::optional<Message> message =
        compose(sample_news({sample_item(Event::opened, incident)}), {Lang::en, "UTC"});
    REQUIRE(message);
    const std::string text = plain_text(*message);
    CHECK(text.find("hunter2") == std::string::npos);
    CHECK(std::none_of(text.begin(), text.end(), [](char c) { return c != '\n' && c >= 0 && c < ' '; }));
    for (const Subject& subject : message->subjects) {
        CHECK(subject.summary.find("hunter2") == std::string::npos);
    }
}

TEST_CASE("many symptoms are counted, much evidence is cut") {
    NewsItem item = sample_item(Event::opened, failed_nginx());
    item.symptoms = std::vector<Incident>(20, forbidden_site());
    for (int i = 0; i < 40; ++i) {
        item.incident.evidence += "line\n";
    }
    const std::optional<Message> message = compose(sample_news({item}), {Lang::en, "UTC"});
    REQUIRE(message);
    const std::string text = plain_text(*message);
    CHECK(text.find("• and 14 more") != std::string::npos);
    CHECK(text.find("line\n…") != std::string::npos);
}

TEST_CASE("no news, no message") {
    CHECK_FALSE(compose(sample_news({}), {Lang::en, "UTC"}));
}

TEST_CASE("whatever the healer does has words of its own") {
    std::vector<std::string> actions{"wait"}; // of the ladder itself
    for (const ActionType& type : all_actions()) {
        actions.emplace_back(type.name);
    }
    for (const std::string& action : actions) {
        for (const bool ok : {true, false}) {
            const Deed deed = sample_deed(action, "nginx.service", ok);
            const News news =
                sample_news({with_deeds(sample_item(Event::mended, failed_nginx(), 9min), {deed})});
            const std::string text = plain_text(*compose(news, {Lang::ru, "UTC"}));
            CAPTURE(text);
            CHECK(text.find(action + ":") == std::string::npos);
        }
    }
}

TEST_CASE("of a deed that has helped nobody says that it did not") {
    Deed restart = sample_deed("restart", "nginx.service", true);
    const auto text_of = [&] {
        const News news =
            sample_news({with_deeds(sample_item(Event::flapping, failed_nginx(), 9min), {restart})});
        const std::optional<Message> message = compose(news, {Lang::en, "UTC"});
        REQUIRE(message);
        return plain_text(*message);
    };
    CHECK(text_of().find("(it did not help)") != std::string::npos);
    restart.fixed = {failed_nginx().check};
    CHECK(text_of().find("(it did not help)") == std::string::npos);
    CHECK(text_of().find("it passes again: " + failed_nginx().check) != std::string::npos);
}

TEST_CASE("somebody's own words") {
    const auto said = [](std::string title, std::string text) {
        return plain_text(
            compose(Words{Level::warning, std::move(title), std::move(text), "", "lectio-1", {}}, Lang::en));
    };
    CHECK(said("", "backup is late") == "⚠️ backup is late · lectio-1");
    CHECK(said("", "first\nsecond\n\nfourth\n") == "⚠️ first · lectio-1\nsecond\n\nfourth");
    CHECK(said("title", "first\nsecond") == "⚠️ title · lectio-1\nfirst\nsecond");
    CHECK(said("", " \n\t ") == "⚠️ (no text) · lectio-1");
    // A first line that does not fit the title is whole below.
    const std::string longest(300, 'y');
    CHECK(said("", longest).find("\n" + longest) != std::string::npos);
}

TEST_CASE("alerts.log holds the whole message on one line") {
    const std::optional<Message> message =
        compose(sample_news({sample_item(Event::opened, forbidden_site())}), {Lang::en, "UTC"});
    REQUIRE(message);
    const std::string line = log_text(*message);
    CHECK(line.find('\n') == std::string::npos);
    CHECK(line.starts_with("🚨 site: HTTP 403, expected 200 · lectio-1 | Who opens the page"));
    CHECK(line.find("<center>nginx</center>") != std::string::npos);
}

TEST_CASE("a message survives being written and read, of every kind") {
    for (const auto& samples : {openings(), later_events()}) {
        for (const Sample& sample : samples) {
            const std::optional<Message> message = compose(sample.news, {Lang::ru, "UTC"});
            REQUIRE(message);
            const Result<Message> again = message_from_json(to_json(*message));
            REQUIRE(again);
            CHECK(*again == *message);
        }
    }
}

TEST_CASE("what is not a message of ours is not read as one") {
    const std::string whole =
        to_json(*compose(sample_news({sample_item(Event::opened, forbidden_site())}), {Lang::en, "UTC"}));
    for (std::size_t length = 0; length + 2 < whole.size(); ++length) {
        CHECK_FALSE(message_from_json(whole.substr(0, length)));
    }
    for (const char* text : {"null", "[]", "7", "{}", R"({"schema":2})", R"({"schema":"1"})"}) {
        CHECK_FALSE(message_from_json(text));
    }
    std::string newer = whole;
    newer.replace(newer.find("\"schema\":1"), 10, "\"schema\":2");
    CHECK_FALSE(message_from_json(newer));
    std::string unknown = whole;
    unknown.replace(unknown.find("\"opened\""), 8, "\"gone\"");
    CHECK_FALSE(message_from_json(unknown));
}
