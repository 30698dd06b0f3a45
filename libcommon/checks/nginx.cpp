#include "checks/nginx.h"

#include "checks/findings.h"
#include "checks/nginx_places.h"
#include "checks/unit_words.h"
#include "config/complaints.h"
#include "discovery/nginx_config.h"
#include "util/number.h"
#include "util/secret.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lectio {
namespace {

using namespace std::chrono_literals;
using Header = HeadersSettings::Header;
using Findings = std::vector<Finding>;

constexpr std::string_view k_emergency = "[emerg] ";
constexpr Bytes k_most_output = 16_MB; // of nginx -T; discovery reads no more of a configuration either

constexpr Noun k_servers{"server", "servers", "сервер", "сервера", "серверов"};
constexpr Phrase k_good{"nginx: {} looked at, nothing found", "nginx: осмотрено: {}, замечаний нет"};
constexpr Phrase k_broken{"nginx does not take its configuration: {}",
                          "nginx не принимает свою конфигурацию: {}"};
constexpr Phrase k_why_broken{
    "it goes on with the old one, and at the next restart or reboot it does not start",
    "он работает по старой, а после перезапуска или перезагрузки не запустится"};
constexpr Phrase k_mend_broken{"mend that line, then: nginx -t && systemctl reload nginx",
                               "исправьте эту строку, затем: nginx -t && systemctl reload nginx"};
constexpr Phrase k_no_rights{"nginx -T may not be run by this user: {}",
                             "этому пользователю нельзя выполнить nginx -T: {}"};
constexpr Phrase k_no_rights_hint{"run it as root: sudo nginx -T", "запускайте от root: sudo nginx -T"};
constexpr Phrase k_not_started{"nginx -T could not be run: {}", "не удалось выполнить nginx -T: {}"};
constexpr Phrase k_killed{"nginx -T was ended by signal {}", "nginx -T завершён сигналом {}"};
constexpr Phrase k_killed_hint{
    "who ended it: out of memory, perhaps: journalctl -k -n 50 --no-pager",
    "кто его завершил: возможно, не хватило памяти: journalctl -k -n 50 --no-pager"};
constexpr Phrase k_late{"nginx -T has not ended within {}", "nginx -T не завершился за {}"};
constexpr Phrase k_late_hint{
    "a name in the configuration that is looked up, perhaps: see where it hangs with nginx -t",
    "возможно, не находится имя сервера из настроек: посмотрите, на чём ждёт nginx -t"};
constexpr Phrase k_not_whole{"what nginx -T prints could not be read whole",
                             "не удалось прочитать всё, что выводит nginx -T"};

constexpr Phrase k_unlimited{"{}: {} is passed on without a limit on requests",
                             "{}: {} передаётся приложению без ограничения числа запросов"};
constexpr Phrase k_why_unlimited_login{"passwords can be tried there as fast as the server answers",
                                       "пароли там можно перебирать так быстро, как отвечает сервер"};
constexpr Phrase k_why_unlimited{"one address can keep all workers busy, and the site answers nobody else",
                                 "один адрес может занять все воркеры, и сайт перестанет отвечать остальным"};
constexpr Phrase k_same_zone{"{}  (limit_req_zone: as for {})", "{}  (limit_req_zone — как для {})"};
constexpr Phrase k_nobody{"no server of nginx passes {} on",
                          "ни один сервер nginx не передаёт {} приложению"};
constexpr Phrase k_why_nobody{"whether it is limited nobody can tell", "ограничен ли он, сказать нельзя"};
constexpr Phrase k_mend_nobody{"correct limit_req of this check", "исправьте limit_req этой проверки"};

constexpr Phrase k_body_too_large{"{}: bodies of up to {} are taken, the application takes {}",
                                  "{}: принимаются тела запросов до {}, приложению нужно {}"};
constexpr Phrase k_body_any{"{}: bodies of any size are taken, the application takes {}",
                            "{}: принимаются тела запросов любого размера, приложению нужно {}"};
constexpr Phrase k_why_too_large{"a few such requests fill the disk that nginx keeps them on",
                                 "несколько таких запросов заполнят диск, на который nginx их складывает"};
constexpr Phrase k_body_too_small{"bodies of up to {} are taken, the application takes {}",
                                  "принимаются тела запросов до {}, приложению нужно {}"};
constexpr Phrase k_why_too_small{"larger uploads get 413, and the application never hears of them",
                                 "загрузки крупнее получают 413, приложение о них даже не узнаёт"};

constexpr Phrase k_tokens{"{}: nginx tells its version", "{}: nginx выдаёт свою версию"};
constexpr Phrase k_why_tokens{"whoever looks for a known hole finds this server by it",
                              "по ней этот сервер находят те, кто ищет известные дыры"};

constexpr Phrase k_no_headers{"{}: no {}", "{}: нет {}"};
constexpr Phrase k_no_headers_there{"{}, {}: no {} (its own add_header stands instead of those around it)",
                                    "{}, {}: нет {} (собственный add_header отменяет внешние)"};

constexpr Phrase k_listed{"{}: autoindex is on", "{}: включён autoindex"};
constexpr Phrase k_why_listed{
    "everyone sees the names of all files there and takes what was not meant for them",
    "любой видит имена всех файлов и скачает то, что ему не предназначено"};

constexpr Phrase k_dotfiles{"{}: {} is not denied", "{}: {} не закрыт"};
constexpr Phrase k_why_dotfiles{
    "passwords and the source code can be downloaded as soon as such a file is there",
    "как только такой файл там окажется, пароли и исходный код сможет скачать любой"};

const Schema<NginxSettings>& nginx_schema() {
    static const Schema<NginxSettings> schema{
        optional("command", &NginxSettings::command, "prints the configuration as nginx -T does").not_empty(),
        optional("limit_req", &NginxSettings::limit_req, "paths that must be limited")
            .check(request_path_complaint),
        optional("max_body", &NginxSettings::max_body,
                 "what the application takes: client_max_body_size is this somewhere, and more nowhere"),
        optional("server_tokens", &NginxSettings::server_tokens, "true: the version may be told"),
        optional("headers", &NginxSettings::headers, "security headers that must be set")
            .one_of({{"hsts", Header::hsts},
                     {"csp", Header::csp},
                     {"nosniff", Header::nosniff},
                     {"frame", Header::frame},
                     {"referrer", Header::referrer},
                     {"permissions", Header::permissions}}),
        optional("listed", &NginxSettings::listed, "locations that may list their files")
            .check(request_path_complaint),
        optional("timeout", &NginxSettings::timeout, "of the command").between(100ms, 5min),
    };
    return schema;
}

Finding warning(Text seen, Text why, std::string_view mend) {
    return {Status::warning, std::move(seen), std::move(why), verbatim(mend)};
}

std::string place_words(const NginxPlace& place) {
    return is_location(place) ? fmt::format("{}, {}", server_words(place), location_words(place))
                              : server_words(place);
}

// ── limits ──────────────────────────────────────────────────────────────────────────────────────────────────────

// Where a request ends that no file answers: try_files $uri @app.
NginxPlace end_of(const NginxPlace& place) {
    const std::vector<const NginxDirective*> tries = own(*place.back(), "try_files");
    if (tries.empty() || tries.front()->arguments.empty()) {
        return place;
    }
    return named_place(place, tries.front()->arguments.back()).value_or(place);
}

bool is_limited(const NginxPlace& place) {
    const auto dry = setting_of(place, "limit_req_dry_run").directives; // logs, and refuses nobody
    const bool only_counts =
        !dry.empty() && !dry.back()->arguments.empty() && dry.back()->arguments.front() == "on";
    return !only_counts && !setting_of(place, "limit_req").directives.empty();
}

// What would do there: slow enough for a password to stay unguessed, fast enough for a page that asks for much at once.
struct AdvisedLimit {
    std::string_view zone, rate, burst;
    const Phrase* why;
};
AdvisedLimit limit_for(std::string_view path) {
    constexpr std::array<std::string_view, 9> k_words{"token",  "login",    "signin", "sign-in", "auth",
                                                      "signup", "register", "passw",  "reset"};
    const bool is_login = std::any_of(k_words.begin(), k_words.end(), [&](std::string_view word) {
        return contains_ignoring_case(path, word);
    });
    return is_login ? AdvisedLimit{"login", "5r/m", "3", &k_why_unlimited_login}
                    : AdvisedLimit{"api", "10r/s", "40", &k_why_unlimited};
}

bool has_zone(const NginxTree& tree, std::string_view name) {
    const std::string begin = fmt::format("zone={}:", name);
    bool found = false;
    for_each_place(tree, [&](const NginxPlace& place) {
        for (const NginxDirective* zone : own(*place.back(), "limit_req_zone")) {
            found = found || std::any_of(zone->arguments.begin(), zone->arguments.end(),
                                         [&](const std::string& one) { return one.starts_with(begin); });
        }
    });
    return found;
}

// A zone may be there only once: nginx takes no second of its name ("already bound").
class LimitAdvice {
  public:
    explicit LimitAdvice(const NginxTree& tree) : m_tree(tree) {}

    Finding finding(const NginxPlace& server, const std::string& path) {
        const AdvisedLimit limit = limit_for(path);
        const std::string line =
            fmt::format("location {} {{ limit_req zone={} burst={} nodelay; limit_req_status 429; … }}", path,
                        limit.zone, limit.burst);
        Text mend = verbatim(line);
        if (const auto told = m_told.find(limit.zone); told != m_told.end()) {
            mend = say(k_same_zone, line, told->second);
        } else if (!has_zone(m_tree, limit.zone)) {
            mend =
                verbatim(fmt::format("http {{ limit_req_zone $binary_remote_addr zone={}:10m rate={}; }}  {}",
                                     limit.zone, limit.rate, line));
            m_told.emplace(limit.zone, path);
        }
        return {Status::warning, say(k_unlimited, server_words(server), path), say(*limit.why),
                std::move(mend)};
    }

  private:
    const NginxTree& m_tree;
    std::map<std::string_view, std::string> m_told; // zones, and for which path
};

void find_unlimited(const NginxTree& tree, const std::vector<NginxPlace>& servers,
                    const NginxSettings& settings, Findings& findings) {
    LimitAdvice advice(tree);
    for (const std::string& path : settings.limit_req) {
        bool is_passed_on = false;
        for (const NginxPlace& server : servers) {
            const NginxPlace first = place_of(server, path);
            const NginxPlace last = end_of(first);
            if (!passes_on(last) || is_denied(first) || redirects(first)) {
                continue;
            }
            is_passed_on = true;
            if (!is_limited(first) && !is_limited(last)) {
                findings.push_back(advice.finding(server, path));
            }
        }
        if (!is_passed_on) {
            findings.push_back({Status::warning, say(k_nobody, path), say(k_why_nobody), say(k_mend_nobody)});
        }
    }
}

// ── the size of a request ───────────────────────────────────────────────────────────────────────────────────────

// ngx_parse_offset(): 0 is no limit.
std::optional<std::uint64_t> nginx_size(std::string_view text) {
    constexpr std::string_view k_units = "kmg";
    const std::size_t unit =
        text.empty() ? std::string_view::npos : k_units.find(to_lower_ascii(text.substr(text.size() - 1)));
    const std::size_t shift = unit == std::string_view::npos ? 0 : 10 * (unit + 1);
    const auto number = number_from<std::uint64_t>(shift == 0 ? text : text.substr(0, text.size() - 1));
    if (!number || *number > (std::uint64_t{1} << (63 - shift))) {
        return std::nullopt;
    }
    return *number << shift;
}

std::string nginx_size_words(Bytes size) {
    return size.count % (1ULL << 20U) == 0 ? fmt::format("{}m", size.count >> 20U)
                                           : fmt::format("{}k", (size.count + 1023) >> 10U);
}

void find_body_sizes(const NginxTree& tree, const NginxSettings& settings, Findings& findings) {
    if (!settings.max_body) {
        return;
    }
    const Bytes wanted = *settings.max_body;
    const std::string mend = fmt::format("client_max_body_size {};", nginx_size_words(wanted));
    std::uint64_t largest = 0;
    for_each_place(tree, [&](const NginxPlace& place) {
        const std::string_view value = value_of(place, "client_max_body_size");
        const std::uint64_t taken = nginx_size(value.empty() ? "1m" : value).value_or((1_MB).count);
        const bool any = taken == 0;
        if (place.size() > 1) {
            largest = std::max(largest, any ? UINT64_MAX : taken);
        }
        const bool says_so = !own(*place.back(), "client_max_body_size").empty();
        if (says_so && (any || taken > wanted.count)) {
            findings.push_back(warning(
                any ? say(k_body_any, place_words(place), format_size(wanted))
                    : say(k_body_too_large, place_words(place), format_size({taken}), format_size(wanted)),
                say(k_why_too_large), mend));
        }
    });
    if (largest > 0 && largest < wanted.count) {
        findings.push_back(warning(say(k_body_too_small, format_size({largest}), format_size(wanted)),
                                   say(k_why_too_small), mend));
    }
}

// ── the version ─────────────────────────────────────────────────────────────────────────────────────────────────

// Told once for all servers that have it from the same block.
void find_tokens(const std::vector<NginxPlace>& servers, Findings& findings) {
    std::set<const NginxDirective*> told;
    for (const NginxPlace& server : servers) {
        const NginxSetting setting = setting_of(server, "server_tokens");
        const NginxDirective* block = setting.block == nullptr ? server.front() : setting.block;
        if (value_of(server, "server_tokens") != "off" && told.insert(block).second) {
            findings.push_back(warning(say(k_tokens, block == server.back() ? server_words(server) : "http"),
                                       say(k_why_tokens), "http { server_tokens off; }"));
        }
    }
}

// ── headers ─────────────────────────────────────────────────────────────────────────────────────────────────────

bool sets(const std::vector<const NginxDirective*>& headers, std::string_view name,
          std::string_view part = "") {
    return std::any_of(headers.begin(), headers.end(), [&](const NginxDirective* header) {
        return header->arguments.size() > 1 && to_lower_ascii(header->arguments[0]) == to_lower_ascii(name) &&
               contains_ignoring_case(header->arguments[1], part);
    });
}

// add_header of a block stands instead of all those around it (ngx_http_headers_module), unless
// `add_header_inherit merge` (1.29.3) says otherwise.
NginxSetting headers_of(const NginxPlace& place) {
    NginxSetting setting = setting_of(place, "add_header");
    if (value_of(place, "add_header_inherit") != "merge") {
        return setting;
    }
    for (const NginxDirective* block : place) {
        if (block != setting.block) {
            const std::vector<const NginxDirective*> more = own(*block, "add_header");
            setting.directives.insert(setting.directives.end(), more.begin(), more.end());
        }
    }
    return setting;
}

std::vector<Header> missing_headers(const NginxPlace& place, const NginxSettings& settings) {
    const std::vector<const NginxDirective*> set = headers_of(place).directives;
    const NginxPlace server(place.begin(), place.begin() + 2);
    std::vector<Header> missing;
    for (const Header header : settings.headers) {
        const bool is_asked = header != Header::hsts || is_tls(server);
        const bool framed =
            header == Header::frame && sets(set, "Content-Security-Policy", "frame-ancestors");
        if (is_asked && !framed && !sets(set, security_header(header).name)) {
            missing.push_back(header);
        }
    }
    return missing;
}

// What answers requests of its own: not what only sends them elsewhere.
bool answers(const NginxPlace& place) {
    const bool hides = is_location(place) ? false : place_of(place, "/").size() > place.size();
    return place.size() > 1 && !hides && !redirects(place) && !is_denied(place);
}

void find_headers(const NginxTree& tree, const NginxSettings& settings, Findings& findings) {
    std::set<std::pair<const NginxDirective*, const NginxDirective*>>
        told; // a server and the block that sets
    for_each_place(tree, [&](const NginxPlace& place) {
        if (!answers(place)) {
            return;
        }
        const NginxDirective* block = headers_of(place).block;
        const std::vector<Header> missing = missing_headers(place, settings);
        if (missing.empty() || !told.emplace(place[1], block).second) {
            return;
        }
        std::vector<std::string_view> names;
        std::string mend;
        for (const Header header : missing) {
            const SecurityHeader rule = security_header(header);
            names.push_back(rule.name);
            mend += fmt::format("{}add_header {} \"{}\" always;", mend.empty() ? "" : " ", rule.name,
                                rule.advice);
        }
        const std::string list = fmt::format("{}", fmt::join(names, ", "));
        const bool its_own = is_location(place) && block == place.back();
        findings.push_back(
            warning(its_own ? say(k_no_headers_there, server_words(place), location_words(place), list)
                            : say(k_no_headers, server_words(place), list),
                    say(security_header(missing.front()).why),
                    fmt::format("{} {{ {} }}", its_own ? location_words(place) : "server", mend)));
    });
}

// ── files that are nobody's business ────────────────────────────────────────────────────────────────────────────

void find_lists(const NginxTree& tree, const NginxSettings& settings, Findings& findings) {
    for_each_place(tree, [&](const NginxPlace& place) {
        const std::vector<const NginxDirective*> set = own(*place.back(), "autoindex");
        const bool on =
            !set.empty() && !set.front()->arguments.empty() && set.front()->arguments.front() == "on";
        const bool may = is_location(place) && !place.back()->arguments.empty() &&
                         std::find(settings.listed.begin(), settings.listed.end(),
                                   place.back()->arguments.back()) != settings.listed.end();
        if (on && !may && !is_denied(place)) {
            findings.push_back(
                warning(say(k_listed, place_words(place)), say(k_why_listed), "autoindex off;"));
        }
    });
}

// Files are served there: of a folder that somebody named, and not only what the application answers.
bool serves_files(const NginxPlace& place) {
    const bool has_folder =
        setting_of(place, "root").block != nullptr || !own(*place.back(), "alias").empty();
    return has_folder && !passes_on(place) && !redirects(place) && !is_denied(place);
}

void find_dotfiles(const std::vector<NginxPlace>& servers, Findings& findings) {
    constexpr std::array<std::string_view, 2> k_secret{"/.env", "/.git/HEAD"};
    for (const NginxPlace& server : servers) {
        std::vector<std::string_view> open;
        for (const std::string_view path : k_secret) {
            if (serves_files(place_of(server, path))) {
                open.push_back(path);
            }
        }
        if (!open.empty()) {
            findings.push_back(
                warning(say(k_dotfiles, server_words(server), fmt::format("{}", fmt::join(open, ", "))),
                        say(k_why_dotfiles), "location ~ /\\.(?!well-known/) { deny all; }"));
        }
    }
}

// ── what it printed ─────────────────────────────────────────────────────────────────────────────────────────────

// Once it knows its error log, it begins with the time and "[emerg] 7#7: ", its process: another one in each run.
std::string_view without_process(std::string_view words) {
    const std::size_t end = words.find_first_not_of("0123456789#");
    const bool told = end != words.npos && end > 0 && words.substr(end).starts_with(": ");
    return told ? words.substr(end + 2) : words;
}

// "nginx: [emerg] unknown directive "lisen" in /etc/nginx/nginx.conf:3"
Text own_line(const ProcessAnswer& answer) {
    std::string last;
    for (const std::string_view line : split_lines(answer.err)) {
        if (const std::size_t at = line.find(k_emergency); at != line.npos) {
            const std::string_view words = without_process(line.substr(at + k_emergency.size()));
            return verbatim(shorten(redact(clean_line(fmt::format("nginx: {}{}", k_emergency, words))), 300));
        }
        last = trim(line).empty() ? last : std::string(line);
    }
    return last.empty() ? error_words(fmt::format("exit status {}", answer.exit_status.value_or(0)))
                        : verbatim(shorten(redact(clean_line(last)), 300));
}

CheckResult unknown(Text message, Text hint = {}) {
    CheckResult result;
    result.status = Status::unknown;
    result.message = std::move(message);
    result.hint = std::move(hint);
    return result;
}

CheckResult refused(const ProcessAnswer& answer) {
    const Text line = own_line(answer);
    if (line.en.find("(13: Permission denied)") != std::string::npos) {
        return unknown(say(k_no_rights, line), say(k_no_rights_hint));
    }
    Findings findings;
    findings.push_back({Status::warning, say(k_broken, line), say(k_why_broken), say(k_mend_broken)});
    return result_of(std::move(findings), {});
}

CheckResult judged(const NginxTree& tree, const NginxSettings& settings) {
    const std::vector<NginxPlace> servers = servers_of(tree);
    Findings findings;
    find_unlimited(tree, servers, settings, findings);
    find_body_sizes(tree, settings, findings);
    if (!settings.server_tokens) {
        find_tokens(servers, findings);
    }
    find_headers(tree, settings, findings);
    find_lists(tree, settings, findings);
    find_dotfiles(servers, findings);
    if (findings.empty() && !tree.whole) {
        return unknown(say(k_not_whole));
    }
    return result_of(std::move(findings),
                     say(k_good, counted(static_cast<std::int64_t>(servers.size()), k_servers)));
}

class NginxCheck final : public BlockingCheck {
  public:
    explicit NginxCheck(NginxSettings settings) : m_settings(std::move(settings)) {}

    CheckResult run(const CheckContext& context) const override {
        ProcessRequest request;
        request.command = m_settings.command;
        request.max_output = k_most_output;
        request.timeout = time_for(context, m_settings.timeout);
        const Result<ProcessAnswer> printed = context.world.processes.run(request);
        const bool cut_short = printed && printed->timed_out && request.timeout < m_settings.timeout;
        return cut_short ? not_finished(context.memory) : evaluate_nginx(printed, m_settings);
    }

  private:
    NginxSettings m_settings;
};

} // namespace

CheckResult evaluate_nginx(const Result<ProcessAnswer>& printed, const NginxSettings& settings) {
    if (!printed) {
        return unknown(say(k_not_started, error_words(shorten(clean_line(printed.error().message), 200))));
    }
    if (printed->timed_out) {
        return unknown(say(k_late, format_duration(settings.timeout)), say(k_late_hint));
    }
    if (!printed->exit_status) { // its configuration may be as good as ever
        return unknown(say(k_killed, signal_name(printed->signal)), say(k_killed_hint));
    }
    if (printed->exit_status != 0) {
        return refused(*printed);
    }
    NginxDump dump(printed->out);
    if (dump.main().empty()) {
        return unknown(say(k_not_whole));
    }
    NginxTree tree = parse_nginx(dump, dump.main());
    tree.whole = tree.whole && !printed->cut;
    return judged(tree, settings);
}

CheckType nginx_check_type() {
    return make_check_type<nginx_schema, NginxCheck>(
        "nginx", Layer::web, Recheck::no, "how nginx is set up: limits, headers, what it gives away");
}

} // namespace lectio
