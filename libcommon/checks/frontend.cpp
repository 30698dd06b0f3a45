#include "checks/frontend.h"

#include "checks/beside.h"
#include "checks/http_words.h"
#include "checks/hung_mount.h"
#include "config/complaints.h"
#include "platform/file_probe.h"
#include "platform/in_thread.h"
#include "util/percent.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <filesystem>
#include <set>

namespace lectio {
namespace {

using namespace std::chrono_literals;

constexpr Bytes k_largest_page = 1_MB;
constexpr std::size_t k_longest_shown = 100; // characters of a name that is too long
constexpr Bytes k_largest_file = 32_MB;      // only where a server does not know HEAD

constexpr Noun k_files{"file", "files", "файл", "файла", "файлов"};
constexpr Phrase k_good_disk{"the build is whole: {}", "сборка цела: {}"};
constexpr Phrase k_good{"the build is whole and served: {}, the page in {}",
                        "сборка цела и отдаётся: {}, страница за {}"};
constexpr Phrase k_missing{"{} is missing", "нет файла {}"};
constexpr Phrase k_missing_folder{"there is no folder {}", "нет папки {}"};
constexpr Phrase k_missing_named{"{} is missing, but index.html names it",
                                 "нет файла {}, а index.html на него ссылается"};
constexpr Phrase k_no_way_in{"{1} may not enter the folder {0} (mode {2:03o})",
                             "{1} не может войти в папку {0} (права {2:03o})"};
constexpr Phrase k_not_readable{"{1} may not read {0} (mode {2:03o})",
                                "{1} не может прочитать {0} (права {2:03o})"};
constexpr Phrase k_not_a_file{"{} is not a file", "{} — не файл"};
constexpr Phrase k_empty{"{} is empty", "файл {} пуст"};
constexpr Phrase k_link_circle{"{} is a link that leads nowhere but to itself",
                               "{} — ссылка, которая ведёт сама на себя"};
constexpr Phrase k_long_name{"{}: no file can have so long a name",
                             "{}: таких длинных имён у файлов не бывает"};
constexpr Phrase k_too_large{"{} is larger than {}: that is no index.html of a build",
                             "{} больше {}: index.html сборки таким не бывает"};
constexpr Phrase k_cannot_look{"unable to look at {}", "не удалось посмотреть {}"};
constexpr Phrase k_why_not{"unable to look at {}: {}", "не удалось посмотреть {}: {}"};
constexpr Phrase k_no_reader{"unable to look up the user {}: {}", "не удалось найти пользователя {}: {}"};
constexpr Phrase k_hint_missing{
    "the build is not whole: put it in place again, or go back to the previous one",
    "сборка не целая: выложите её заново или верните предыдущую"};
constexpr Phrase k_hint_rights{"give the web server the right to read: chmod, chown",
                               "дайте веб-серверу право на чтение: chmod, chown"};
constexpr Phrase k_page_lacks{"the page lacks “{}”", "на странице нет «{}»"};
constexpr Phrase k_page_has{"{} contains “{}”, which it must not", "в {} есть «{}», а быть не должно"};
constexpr Phrase k_asset{"{}: {}", "{}: {}"};
constexpr Phrase k_is_html{"a page of HTML is served in its place", "вместо файла отдаётся HTML-страница"};
constexpr Phrase k_is_type{"served as “{}”: browsers refuse it", "отдаётся как «{}»: браузеры его не примут"};
constexpr Phrase k_hint_type{"the web server does not find the file: look at its root and try_files",
                             "веб-сервер не находит файл: проверьте root и try_files"};
constexpr Phrase k_other_page{"the page that is served does not name {}, but index.html does",
                              "отдаётся другая страница: index.html ссылается на {}, а она нет"};
constexpr Phrase k_hint_other_page{"another application answers at this address, or an old copy of the page: "
                                   "look at server_name and root, and at caches",
                                   "по этому адресу отвечает другое приложение или старая копия страницы: "
                                   "проверьте server_name, root и кэши"};
constexpr Phrase k_served_empty{"served empty", "отдаётся пустым"};
constexpr Phrase k_neither{"root or url must say what is looked at",
                           "надо указать root или url: за чем следить"};
constexpr Phrase k_slow{"slow: the page after {}, wanted within {}",
                        "медленно: страница через {}, а нужно не дольше {}"};

CheckResult wrong(Status status, Text message, Text hint = {}) {
    CheckResult result;
    result.status = status;
    result.message = std::move(message);
    result.hint = std::move(hint);
    return result;
}
using Wrong = std::optional<CheckResult>;

enum class Named { no, yes }; // by index.html

// `file`: which cannot be read; the obstacle may be a folder on the way to it.
Wrong judge_obstacle(const std::optional<Obstacle>& obstacle, const Path& file, const std::string& reader,
                     Named named) {
    if (!obstacle) {
        return std::nullopt;
    }
    const std::string path = clean_line(obstacle->path.string());
    switch (obstacle->kind) {
    case Obstacle::Kind::missing:
        return wrong(Status::critical,
                     say(obstacle->path != file ? k_missing_folder
                         : named == Named::yes  ? k_missing_named
                                                : k_missing,
                         path),
                     say(k_hint_missing));
    case Obstacle::Kind::no_way_in:
        return wrong(Status::critical, say(k_no_way_in, path, reader, obstacle->mode), say(k_hint_rights));
    case Obstacle::Kind::not_readable:
        return wrong(Status::critical, say(k_not_readable, path, reader, obstacle->mode), say(k_hint_rights));
    case Obstacle::Kind::not_a_file:
        return wrong(Status::critical, say(k_not_a_file, path), say(k_hint_missing));
    case Obstacle::Kind::empty:
        return wrong(Status::critical, say(k_empty, path), say(k_hint_missing));
    case Obstacle::Kind::link_circle:
        return wrong(Status::critical, say(k_link_circle, path), say(k_hint_missing));
    case Obstacle::Kind::long_name:
        return wrong(Status::critical, say(k_long_name, shorten(path, k_longest_shown)), say(k_hint_missing));
    case Obstacle::Kind::too_large:
        return wrong(Status::critical, say(k_too_large, path, format_size(k_largest_page)),
                     say(k_hint_missing));
    case Obstacle::Kind::cannot_look:
        break;
    }
    return wrong(Status::unknown, say(k_cannot_look, path));
}

Wrong judge_disk(const FrontendSample& sample, const FrontendSettings& settings) {
    if (settings.root.empty()) {
        return std::nullopt;
    }
    if (Wrong found =
            judge_obstacle(sample.index_obstacle, settings.root / "index.html", settings.reader, Named::no)) {
        return found;
    }
    for (const FrontendFile& file : sample.files) {
        if (Wrong found =
                judge_obstacle(file.obstacle, settings.root / file.path, settings.reader, Named::yes)) {
            return found;
        }
    }
    return std::nullopt;
}

HttpRequest request_for(const FrontendSettings& settings, std::string url) {
    HttpRequest request;
    request.url = std::move(url);
    request.resolve = settings.resolve;
    request.ca = settings.ca;
    request.timeout = settings.timeout;
    request.max_body = k_largest_page;
    return request;
}

Wrong judge_page(const FrontendSample& sample, const FrontendSettings& settings) {
    const std::string& html = sample.page ? sample.page->body : sample.index;
    if (sample.page) {
        if (Wrong found = http_failure(*sample.page, request_for(settings, settings.url))) {
            return found;
        }
        if (Wrong found = wrong_status(*sample.page, StatusSet({{200, 200}}))) {
            return found;
        }
    }
    for (const std::string& part : settings.contains) {
        if (html.find(part) == std::string::npos) {
            return wrong(Status::critical, say(k_page_lacks, part));
        }
    }
    for (const std::string& part : settings.forbid) {
        if (html.find(part) != std::string::npos) {
            const std::string page = settings.root.empty() ? settings.url : "index.html";
            return wrong(Status::critical, say(k_page_has, page, part));
        }
    }
    return std::nullopt;
}

// More than index.html names is no fault: a proxy may add scripts of its own.
Wrong judge_names(const FrontendSample& sample, const FrontendSettings& settings) {
    if (!sample.page) {
        return std::nullopt;
    }
    std::set<std::string> named;
    for (const HtmlAsset& asset : html_assets(sample.page->body)) {
        named.insert(local_path(asset.url, settings.url).value_or(""));
    }
    for (const FrontendFile& file : sample.files) {
        if (!named.contains(file.path)) {
            return wrong(Status::critical, say(k_other_page, clean_line(file.path)), say(k_hint_other_page));
        }
    }
    return std::nullopt;
}

// Of scripts and style sheets: browsers refuse them under another type. Not of fonts and images.
bool is_wanted_type(HtmlAsset::Kind kind, const std::string& type) {
    switch (kind) {
    case HtmlAsset::Kind::style:
        return contains_ignoring_case(type, "text/css");
    case HtmlAsset::Kind::script:
        return contains_ignoring_case(type, "javascript") || contains_ignoring_case(type, "ecmascript");
    case HtmlAsset::Kind::other:
        break;
    }
    return true;
}

bool is_served_empty(const FrontendFile& file) {
    const std::string* length = file.answer->header("content-length");
    return file.fetched ? file.answer->body.empty() : length != nullptr && *length == "0";
}

std::string_view origin_of(std::string_view site) {
    const std::size_t scheme = site.find("://");
    return scheme == std::string_view::npos ? site : site.substr(0, site.find('/', scheme + 3));
}
std::string_view folder_of(std::string_view site) { // "" or "/app"
    std::string_view path = site.substr(origin_of(site).size());
    path = path.substr(0, path.find_first_of("?#"));
    path = path.substr(0, path.rfind('/') == std::string_view::npos ? path.size() : path.rfind('/'));
    return path;
}

// HEAD: that a file is served, and as what, is known without moving megabytes each minute.
HttpRequest asset_request(const FrontendSettings& settings, const FrontendFile& file,
                          std::string_view method) {
    const std::string folder(folder_of(settings.url));
    HttpRequest request = request_for(settings, std::string(origin_of(settings.url)) + folder + "/" +
                                                    percent_encoded_path(file.path));
    request.method = method;
    request.headers = {
        {"Accept-Encoding", "identity"}}; // what is compressed on its way has no length to tell
    request.max_body = k_largest_file;
    return request;
}

Wrong judge_asset(const FrontendFile& file, const FrontendSettings& settings) {
    const std::string name = clean_line(file.path);
    const HttpAnswer& answer = *file.answer;
    for (Wrong found : {http_failure(answer, asset_request(settings, file, "GET")),
                        wrong_status(answer, StatusSet({{200, 200}}))}) {
        if (found) {
            found->message = say(k_asset, name, found->message);
            return found;
        }
    }
    const std::string* type = answer.header("content-type");
    const std::string seen = type == nullptr ? std::string() : clean_line(*type);
    if (contains_ignoring_case(seen, "text/html")) {
        return wrong(Status::critical, say(k_asset, name, say(k_is_html)), say(k_hint_type));
    }
    if (!is_wanted_type(file.kind, seen)) {
        return wrong(Status::critical, say(k_asset, name, say(k_is_type, seen)));
    }
    if (is_served_empty(file)) {
        return wrong(Status::critical, say(k_asset, name, say(k_served_empty)));
    }
    return std::nullopt;
}

CheckResult judge(const FrontendSample& sample, const FrontendSettings& settings) {
    if (Wrong found = judge_disk(sample, settings)) {
        return *found;
    }
    for (const auto& part : {judge_page, judge_names}) {
        if (Wrong found = part(sample, settings)) {
            return *found;
        }
    }
    for (const FrontendFile& file : sample.files) {
        if (!file.forbidden.empty()) {
            return wrong(Status::critical, say(k_page_has, clean_line(file.path), file.forbidden));
        }
        if (file.answer) {
            if (Wrong found = judge_asset(file, settings)) {
                return *found;
            }
        }
    }
    if (!sample.reader_error.empty()) {
        return wrong(Status::unknown, say(k_no_reader, settings.reader, error_words(sample.reader_error)));
    }
    const Text files = counted(static_cast<std::int64_t>(sample.files.size()) + 1, k_files);
    if (!sample.page) {
        return wrong(Status::ok, say(k_good_disk, files));
    }
    const auto total = std::chrono::duration_cast<Duration>(sample.page->total);
    if (settings.max_time > 0ms && total > settings.max_time) {
        return wrong(Status::warning,
                     say(k_slow, format_duration(total), format_duration(settings.max_time)));
    }
    return wrong(Status::ok, say(k_good, files, format_duration(total)));
}

// The first that stands there.
std::string forbidden_in(const std::string& content, const FrontendSettings& settings) {
    const auto found =
        std::find_if(settings.forbid.begin(), settings.forbid.end(),
                     [&](const std::string& part) { return content.find(part) != std::string::npos; });
    return found == settings.forbid.end() ? std::string() : *found;
}

// Only where something is forbidden: a build that still speaks to the developer's own machine shows in its scripts.
std::string forbidden_in(const Path& file, const FrontendSettings& settings, Files& files) {
    return settings.forbid.empty() ? std::string()
                                   : forbidden_in(files.read(file, k_largest_file).value_or(""), settings);
}

FrontendSample look_at_disk(const FrontendSettings& settings, Files& files) {
    FrontendSample sample;
    std::optional<Reader> reader;
    if (!settings.reader.empty()) {
        auto found = find_user(settings.reader);
        if (found.ok()) {
            reader.emplace(std::move(*found));
        } else {
            sample.reader_error = found.error().message;
        }
    }
    const Path index = settings.root / "index.html";
    sample.index_obstacle = obstacle_to_reading(index, reader);
    auto html = files.read(index, k_largest_page);
    if (!html.ok()) {
        if (!sample.index_obstacle) {
            const bool large = html.error().kind == ErrorKind::too_large;
            sample.index_obstacle =
                Obstacle{large ? Obstacle::Kind::too_large : Obstacle::Kind::cannot_look, index, 0};
        }
        return sample;
    }
    sample.index = std::move(*html);
    std::set<std::string> seen; // often preloaded and named again
    for (const HtmlAsset& asset : html_assets(sample.index)) {
        const auto path = local_path(asset.url, settings.url);
        if (path && seen.insert(*path).second) {
            const Path file = settings.root / *path;
            sample.files.push_back({asset.kind, *path, obstacle_to_reading(file, reader), std::nullopt, false,
                                    forbidden_in(file, settings, files)});
        }
    }
    return sample;
}

// What the disk says; `sample` only where it answered.
struct DiskLook {
    FileProbe index;
    FrontendSample sample;
};

// Owns what it needs: it may outlive the check (in_thread.h).
struct LookAtDisk {
    FrontendSettings settings;
    Files& files;
    std::vector<Mount> mounts;
    Duration at_most; // for a mount that may hang
    std::string left_behind;

    DiskLook operator()() const {
        DiskLook look;
        look.index = file_probe(settings.root / "index.html", mounts, at_most, left_behind);
        if (look.index.outcome == Stranded::Outcome::answered) {
            look.sample = look_at_disk(settings, files);
        }
        return look;
    }
};

// HEAD is unknown there, or does not tell whether the file is empty.
bool is_to_be_fetched(const HttpAnswer& answer) {
    return answer.status == 405 || answer.status == 501 ||
           (answer.status == 200 && answer.header("content-length") == nullptr);
}

class FrontendCheck final : public AskedBeside {
  public:
    explicit FrontendCheck(FrontendSettings settings) : m_settings(std::move(settings)) {}

    Task<CheckResult> run(const CheckContext& context) const override {
        return m_settings.root.empty() ? from_outside(context) : from_disk(context);
    }

    // From outside it is many questions, one after the other.
    std::optional<Duration> limit_of_silence() const override {
        const bool all_at_once = !m_settings.root.empty() && !m_settings.url.empty();
        return all_at_once ? std::optional(m_settings.timeout) : std::nullopt;
    }

  private:
    // Of a site whose files are elsewhere: what its page names is fetched, one after the other.
    Task<CheckResult> from_outside(const CheckContext& context) const {
        FrontendSample sample;
        HttpRequest asked = request_for(m_settings, m_settings.url);
        asked.new_connection = context.recheck;
        sample.page = co_await fetch(context.world.http, std::move(asked));
        std::set<std::string> seen;
        for (const HtmlAsset& asset : html_assets(sample.page->body)) {
            const auto path = local_path(asset.url, m_settings.url);
            if (path && seen.insert(*path).second) {
                sample.files.push_back({asset.kind, *path, std::nullopt, std::nullopt, true, {}});
            }
        }
        for (FrontendFile& file : sample.files) {
            HttpRequest request = asset_request(m_settings, file, "GET");
            file.answer = co_await fetch(context.world.http, std::move(request));
            file.forbidden = forbidden_in(file.answer->body, m_settings);
        }
        co_return evaluate_frontend(sample, m_settings);
    }

    Task<CheckResult> from_disk(const CheckContext& context) const {
        const Result<std::vector<Mount>> mounts = context.world.host.mounts();
        if (!mounts) {
            co_return unable(mounts.error(), context); // whether the disk may hang cannot be known
        }
        const Duration at_most = time_for(context, k_mount_timeout);
        std::function<DiskLook()> work =
            LookAtDisk{m_settings, context.world.files, *mounts, at_most, left_behind(context.memory)};
        Result<DiskLook> look = co_await in_thread(context.world.http, std::move(work));
        if (!look) {
            co_return unable(look.error(), context);
        }
        if (look->index.outcome != Stranded::Outcome::answered) {
            co_return no_answer(look->index, at_most, context);
        }
        FrontendSample sample = std::move(look->sample);
        if (m_settings.url.empty()) {
            co_return evaluate_frontend(sample, m_settings);
        }
        std::vector<HttpRequest> requests{request_for(m_settings, m_settings.url)};
        for (const FrontendFile& file : sample.files) {
            requests.push_back(asset_request(m_settings, file, "HEAD"));
        }
        for (HttpRequest& request : requests) {
            request.new_connection = context.recheck;
        }
        std::vector<HttpAnswer> answers = co_await fetch_all(context.world.http, std::move(requests));
        sample.page = std::move(answers.front());
        for (std::size_t i = 0; i < sample.files.size(); ++i) {
            HttpAnswer answer = std::move(answers[i + 1]);
            sample.files[i].fetched = is_to_be_fetched(answer);
            if (sample.files[i].fetched) {
                HttpRequest request = asset_request(m_settings, sample.files[i], "GET");
                answer = co_await fetch(context.world.http, std::move(request));
            }
            sample.files[i].answer = std::move(answer);
        }
        co_return evaluate_frontend(sample, m_settings);
    }

    CheckResult unable(const Error& error, const CheckContext& context) const {
        CheckResult result = wrong(Status::unknown, say(k_why_not, clean_line(m_settings.root.string()),
                                                        error_words(clean_line(error.message))));
        result.memory = context.memory;
        return result;
    }

    // Of a mount that may hang.
    CheckResult no_answer(const FileProbe& probe, Duration at_most, const CheckContext& context) const {
        CheckResult result;
        if (probe.outcome == Stranded::Outcome::failed) {
            result = unable(probe.error, context);
        } else if (probe.outcome == Stranded::Outcome::hangs && at_most < k_mount_timeout) {
            result = not_finished(context.memory);
        } else {
            result = hung_mount(probe.mount, probe.outcome);
        }
        keep_left_behind(result, probe.left_behind);
        return result;
    }

    FrontendSettings m_settings;
};

std::optional<Text> page_url_complaint(const std::string& text) {
    return text.empty() ? std::nullopt : http_url_complaint(text);
}

const Schema<FrontendSettings>& frontend_schema() {
    static const Schema<FrontendSettings> schema =
        Schema<FrontendSettings>{
            optional("root", &FrontendSettings::root,
                     "folder of the build, with its index.html; from outside only when empty"),
            optional("url", &FrontendSettings::url, "where it is served; the disk only when empty")
                .check(page_url_complaint),
            optional("reader", &FrontendSettings::reader,
                     "user who must be able to read all of it, parent folders included")
                .check(user_complaint),
            optional("contains", &FrontendSettings::contains, "text that the page must hold")
                .or_single()
                .not_empty(),
            optional("forbid", &FrontendSettings::forbid, "text that it must not hold")
                .or_single()
                .not_empty(),
            optional("max_time", &FrontendSettings::max_time, "a page slower than this: warning")
                .between(0ms, 1h),
            optional("timeout", &FrontendSettings::timeout, "no full answer by then: critical")
                .between(10ms, 1h),
            optional("ca", &FrontendSettings::ca, "PEM file of the authority; the system's when empty"),
            optional("resolve", &FrontendSettings::resolve, "connect to this address; Host and SNI stay")
                .check(ip_address_complaint)}
            .verify([](const FrontendSettings& settings) {
                std::vector<Complaint> complaints = max_time_complaints(settings.max_time, settings.timeout);
                if (settings.root.empty() && settings.url.empty()) {
                    complaints.push_back({"", say(k_neither)});
                }
                return complaints;
            });
    return schema;
}

} // namespace

std::optional<std::string> local_path(std::string_view url, std::string_view site) {
    const std::string_view origin = origin_of(site);
    if (!origin.empty() && url.starts_with(origin) &&
        (url.size() == origin.size() || url[origin.size()] == '/')) {
        url.remove_prefix(origin.size());
    }
    if (url.starts_with("//") || url.find(':') < url.find_first_of("/?#")) {
        return std::nullopt; // another host's, or data:, blob: …
    }
    const std::string_view folder = folder_of(site);
    if (!folder.empty() && url.starts_with(folder) && url.substr(folder.size()).starts_with('/')) {
        url.remove_prefix(folder.size());
    }
    const std::string decoded = percent_decoded_leniently(url.substr(0, url.find_first_of("?#")));
    if (decoded.find('\0') != std::string::npos) {
        return std::nullopt;
    }
    Path below = Path(decoded).relative_path().lexically_normal();
    // Above the site's root there is nothing: of "../x.js" on its first page browsers make /x.js (RFC 3986, 5.2.4).
    const bool from_the_root = folder.empty() && !decoded.starts_with('/');
    while (from_the_root && !below.empty() && *below.begin() == "..") {
        below = below.lexically_relative("..");
    }
    if (below.empty() || below == "." || *below.begin() == "..") {
        return std::nullopt;
    }
    return below.string();
}

CheckResult evaluate_frontend(const FrontendSample& sample, const FrontendSettings& settings) {
    CheckResult result = judge(sample, settings);
    if (sample.page) {
        result.metrics.push_back(
            {"time", seconds(sample.page->total), "s", std::nullopt, seconds(settings.timeout)});
    }
    return result;
}

CheckType frontend_check_type() {
    // Below the web server that serves it: files that cannot be read lead, the page's status 403 follows.
    return make_check_type<frontend_schema, FrontendCheck>(
        "frontend", Layer::application, Recheck::yes,
        "the build is whole, readable by the web server, and what is served");
}

} // namespace lectio
