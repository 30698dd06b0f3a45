#include "release/doctor.h"

#include "discovery/programs.h"
#include "release/held_units.h"
#include "util/number.h"
#include "util/text.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

namespace lectio::release {
namespace {

using namespace std::chrono_literals;
using Part = DeployConditions::SiteUnit::Part;

constexpr std::string_view k_recovery = "lectio-deploy-recover.service";
constexpr Duration k_graceful = 30s; // gunicorn's own --graceful-timeout
constexpr Duration k_beyond = 10s;   // so much longer systemd waits
constexpr Duration k_fence = 60s;    // a deploy holds requests no longer (RELEASES_AND_BACKUPS section 4)
constexpr std::uint64_t k_spare_inodes = 1000;
constexpr mode_t k_others_write = 0022;

// ── units ──
constexpr Phrase k_no_systemd{"systemd does not answer: the site's units cannot be looked at",
                              "systemd не отвечает: юниты сайта не посмотреть"};
constexpr Phrase k_edit{"sudo systemctl edit {}, and there: {}", "sudo systemctl edit {}, и там: {}"};
constexpr Phrase k_cut_off{
    "{}: systemd kills it {} after it was asked to stop, gunicorn lets requests finish for {}: long ones "
    "are cut off at each restart",
    "{}: systemd убивает его через {} после просьбы остановиться, а gunicorn даёт запросам закончиться {}: "
    "долгие обрываются при каждом перезапуске"};
constexpr Phrase k_no_socket{
    "{}: no socket unit stands before it: while it restarts, visitors are answered 502",
    "{}: перед ним нет сокета systemd: пока он перезапускается, посетители получают 502"};
constexpr Phrase k_hint_socket{
    "packaging/systemd/site/teaching_panel.socket is such a unit and says how it is put in place",
    "такой юнит — packaging/systemd/site/teaching_panel.socket, в нём сказано, как его поставить"};
constexpr Phrase k_not_notify{"{}: Type={}: systemd takes it for started before it serves",
                              "{}: Type={}: systemd считает его запущенным раньше, чем он отвечает"};
constexpr Phrase k_nobody_notifies{"{}: NotifyAccess=none: gunicorn cannot say that it has started",
                                   "{}: NotifyAccess=none: gunicorn не может сообщить, что запустился"};
constexpr Phrase k_watchdog{
    "{}: WatchdogSec={}, and gunicorn never answers a watchdog: systemd kills a healthy site",
    "{}: WatchdogSec={}, а gunicorn сторожевому таймеру не отвечает: systemd убивает здоровый сайт"};
constexpr Phrase k_no_gate{
    "{} does not wait at the gate: it can start in the middle of a deploy that changes the database",
    "{} не ждёт гейта: может запуститься посреди деплоя, который меняет базу"};
constexpr Phrase k_short_start{"{}: TimeoutStartSec={}: a deploy may hold it back for longer, up to {}",
                               "{}: TimeoutStartSec={}: деплой может придержать его дольше, до {}"};
// ── the start of the machine ──
constexpr Phrase k_no_recovery{
    "after a power cut in the middle of a deploy nothing undoes it: {} is not there",
    "если питание пропадёт посреди деплоя, отменить его будет некому: юнита {} нет"};
constexpr Phrase k_hint_no_recovery{"sudo ./install.sh puts it there, now that [deploy] is configured",
                                    "его поставит sudo ./install.sh: теперь [deploy] настроен"};
constexpr Phrase k_recovery_off{
    "after a power cut in the middle of a deploy nothing undoes it: {} is not enabled",
    "если питание пропадёт посреди деплоя, отменить его будет некому: юнит {} не включён"};
constexpr Phrase k_not_after{"{} may start before a deploy that was cut off is undone",
                             "{} может запуститься раньше, чем отменят оборванный деплой"};
// ── nginx and its page ──
constexpr Phrase k_file_cache{
    "nginx keeps files open (open_file_cache {}): after the swap it goes on serving the old release",
    "nginx держит файлы открытыми (open_file_cache {}): после замены он отдаёт старый релиз"};
constexpr Phrase k_hint_file_cache{
    "in the server block of this site: open_file_cache off; then sudo nginx -t && sudo systemctl reload "
    "nginx",
    "в блоке server этого сайта: open_file_cache off; затем sudo nginx -t && sudo systemctl reload nginx"};
constexpr Phrase k_page_kept{
    "browsers may keep the page {} ({}): after a release they go on with the old one",
    "браузеры вправе хранить страницу {} ({}): после релиза у людей останется старая"};
constexpr Phrase k_says_nothing{"Cache-Control is not sent", "заголовка Cache-Control нет"};
constexpr Phrase k_unknown_page{"nginx does not ask for {}: --maintenance will be refused",
                                "nginx не спрашивает про {}: --maintenance будет отказано"};
constexpr Phrase k_hint_unknown_page{"in the server block: include snippets/lectio-maintenance.conf; "
                                     "(share/lectio-monitor/nginx/maintenance.conf)",
                                     "в блоке server: include snippets/lectio-maintenance.conf; "
                                     "(share/lectio-monitor/nginx/maintenance.conf)"};
constexpr Phrase k_hint_page{"in nginx: location = /index.html {{ add_header Cache-Control \"no-cache\"; }}",
                             "в nginx: location = /index.html {{ add_header Cache-Control \"no-cache\"; }}"};
// ── where releases lie ──
constexpr Phrase k_foreign{"{} is neither a folder nor a link that lectio-deploy made: a deploy is refused",
                           "{} — не папка и не ссылка от lectio-deploy: деплою будет отказано"};
constexpr Phrase k_hint_foreign{"replace it by the folder that it leads to", "замените её самой папкой"};
constexpr Phrase k_writable{
    "others may write to the folder of releases {} (owner {}, mode {:03o}): a deploy is "
    "refused",
    "в папку релизов {} могут писать другие (владелец {}, права {:03o}): деплою будет "
    "отказано"};
constexpr Phrase k_apart{
    "{} and the releases in {} lie on different file systems: nothing can be swapped in one step",
    "{} и релизы в {} лежат на разных файловых системах: одним шагом ничего не подменить"};
constexpr Phrase k_hint_apart{"[deploy] releases = \"{}\"", "[deploy] releases = \"{}\""};
constexpr Phrase k_no_room{"{} free beside the releases, at least {} are wanted: a deploy is refused",
                           "рядом с релизами свободно {}, нужно не меньше {}: деплою будет отказано"};
constexpr Phrase k_little_room{
    "{} free beside the releases: another build of {} may not fit twice",
    "рядом с релизами свободно {}: ещё одна сборка в {} дважды может не поместиться"};
constexpr Phrase k_few_inodes{"{} inodes free beside the releases, the live build has {} files",
                              "рядом с релизами свободно inode: {}, а файлов в нынешней сборке: {}"};
constexpr Phrase k_hint_room{"sudo lectio-deploy cleanup; [deploy] keep says how many releases stay",
                             "sudo lectio-deploy cleanup; сколько релизов остаётся, задаёт keep в [deploy]"};
// ── what was ──
constexpr Phrase k_unfinished{"deploy {} is under way, or has died in the middle",
                              "деплой {} идёт или оборвался на середине"};
constexpr Phrase k_hint_unfinished{
    "sudo lectio-deploy attach; where it has died: sudo lectio-deploy recover",
    "sudo lectio-deploy attach; если он оборвался: sudo lectio-deploy recover"};
constexpr Phrase k_unreadable{"the record of release {} cannot be read: nothing goes back to it",
                              "запись о релизе {} не читается: к нему не откатиться"};
constexpr Phrase k_hint_unreadable{
    "sudo lectio-deploy frontend BUILD makes a new one; lectio-deploy list shows the rest",
    "sudo lectio-deploy frontend СБОРКА сделает новый; остальные покажет lectio-deploy list"};
constexpr Phrase k_clock{
    "the newest release is from {}, and now it is {}: the clock of this host is wrong, or was",
    "самый новый релиз сделан {}, а сейчас {}: часы сервера неверны или были неверны"};
constexpr Phrase k_unproven{"nothing is asked of the site after a release: a broken one stays",
                            "после релиза сайт ни о чём не спрашивают: сломанный останется"};
constexpr Phrase k_hint_unproven{
    "[deploy] gate = {{ checks = [\"NAME\"] }}, a check of health that looks at the site",
    "[deploy] gate = {{ checks = [\"ИМЯ\"] }} — проверка из health, которая смотрит на сайт"};

std::string in_seconds(Duration duration) {
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration).count()) + "s";
}

bool has(const std::vector<std::string>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<std::string> words_of(const UnitState& unit) {
    return unit.exec_start.empty() ? std::vector<std::string>{} : unit.exec_start.front();
}

// A configuration file of gunicorn's may say something else: then nobody knows.
std::optional<Duration> graceful_timeout(const UnitState& unit) {
    const std::vector<std::string> words = words_of(unit);
    const std::string given = option_value(words, {"--graceful-timeout"});
    if (given.empty()) {
        return option_value(words, {"-c", "--config"}).empty() ? std::optional(k_graceful) : std::nullopt;
    }
    const auto seconds = number_from<int>(given);
    return seconds ? std::optional<Duration>(std::chrono::seconds(*seconds)) : std::nullopt;
}

class Doctor {
  public:
    explicit Doctor(const DeployConditions& conditions) : m_seen(conditions) {}

    std::vector<Finding> judge() {
        judge_releases();
        judge_room();
        judge_past();
        judge_nginx();
        judge_page();
        if (m_seen.systemd) {
            judge_start();
            for (const DeployConditions::SiteUnit& unit : m_seen.units) {
                judge_unit(unit);
            }
        } else {
            add("units", Status::unknown, say(k_no_systemd));
        }
        for (const Text& unseen : m_seen.unseen) {
            add("look", Status::unknown, unseen);
        }
        std::stable_sort(m_findings.begin(), m_findings.end(), [](const Finding& a, const Finding& b) {
            return a.status == Status::critical && b.status != Status::critical;
        });
        return std::move(m_findings);
    }

  private:
    void add(std::string name, Status status, Text words, Text hint = {}) {
        m_findings.push_back({std::move(name), status, std::move(words), std::move(hint)});
    }
    void advise(const std::string& unit, Text words, const std::string& line) {
        add("units", Status::warning, std::move(words), say(k_edit, unit, line));
    }

    void judge_releases() {
        const std::string served = clean_line(m_seen.served.string());
        const std::string releases = clean_line(m_seen.releases.string());
        if (m_seen.served_kind == Shelf::Served::Kind::foreign) {
            add("releases", Status::critical, say(k_foreign, served), say(k_hint_foreign));
        }
        if (m_seen.hidden) {
            const bool refuses = m_seen.hidden->weight != Flaw::Weight::warn;
            add("rights", refuses ? Status::critical : Status::warning, m_seen.hidden->words,
                m_seen.hidden->hint);
        }
        if (const auto& folder = m_seen.releases_folder;
            folder && (folder->owner != m_seen.us || (folder->mode & k_others_write) != 0)) {
            add("rights", Status::critical, say(k_writable, releases, folder->owner, folder->mode),
                verbatim(fmt::format("sudo chown root: {0} && sudo chmod 755 {0}", releases)));
        }
        if (m_seen.served_device != m_seen.releases_device) {
            const std::string beside =
                clean_line((m_seen.served.parent_path() / ".lectio-releases").string());
            add("releases", Status::critical, say(k_apart, served, releases), say(k_hint_apart, beside));
        }
    }

    void judge_room() {
        if (!m_seen.room) {
            return;
        }
        const Bytes free = m_seen.room->free;
        if (free < m_seen.min_free) {
            add("room", Status::critical, say(k_no_room, format_size(free), format_size(m_seen.min_free)),
                say(k_hint_room));
        } else if (free.count < m_seen.min_free.count + 2 * m_seen.live_size.count) {
            add("room", Status::warning, say(k_little_room, format_size(free), format_size(m_seen.live_size)),
                say(k_hint_room));
        }
        const std::uint64_t inodes = m_seen.room->inodes;
        if (inodes > 0 && inodes < 2 * m_seen.live_files + k_spare_inodes) {
            add("room", inodes < m_seen.live_files ? Status::critical : Status::warning,
                say(k_few_inodes, inodes, m_seen.live_files), say(k_hint_room));
        }
    }

    void judge_past() {
        for (const std::string& id : m_seen.unfinished) {
            add("past", Status::warning, say(k_unfinished, id), say(k_hint_unfinished));
        }
        for (const std::string& id : m_seen.unreadable) {
            add("past", Status::warning, say(k_unreadable, clean_line(id)), say(k_hint_unreadable));
        }
        if (m_seen.newest && *m_seen.newest > m_seen.now) {
            add("clock", Status::critical, say(k_clock, format_utc(*m_seen.newest), format_utc(m_seen.now)),
                verbatim("timedatectl; sudo timedatectl set-ntp true"));
        }
        if (!m_seen.is_proven) {
            add("gate", Status::warning, say(k_unproven), say(k_hint_unproven));
        }
    }

    void judge_nginx() {
        for (const std::string& cache : m_seen.file_caches) {
            add("nginx", Status::critical, say(k_file_cache, clean_line(cache)), say(k_hint_file_cache));
        }
        if (!m_seen.unknown_page.empty()) {
            add("nginx", Status::warning, say(k_unknown_page, clean_line(m_seen.unknown_page)),
                say(k_hint_unknown_page));
        }
    }

    // RFC 9111: no-cache asks the server each time, no-store keeps nothing; without a word of the server browsers keep a
    // page for a tenth of its age (section 4.2.2).
    void judge_page() {
        if (!m_seen.page) {
            return;
        }
        const DeployConditions::Page& page = *m_seen.page;
        const std::string said = to_lower_ascii(page.cache_control);
        const auto says = [&](std::string_view word) { return said.find(word) != said.npos; };
        const bool asked_again = says("no-cache") || says("no-store") || says("max-age=0") ||
                                 (said.empty() && (page.expires == "0" || page.expires == "-1"));
        if (!asked_again) {
            const Text what = said.empty() ? say(k_says_nothing)
                                           : verbatim("Cache-Control: " + clean_line(page.cache_control));
            add("page", Status::warning, say(k_page_kept, clean_line(page.url), what), say(k_hint_page));
        }
    }

    void judge_start() {
        const UnitState& unit = m_seen.recovery;
        if (unit.load_state != "loaded") {
            add("boot", Status::warning, say(k_no_recovery, k_recovery), say(k_hint_no_recovery));
            return;
        }
        if (unit.unit_file_state != "enabled") {
            add("boot", Status::warning, say(k_recovery_off, k_recovery),
                verbatim(fmt::format("sudo systemctl enable {}", k_recovery)));
        }
        for (const UnitState& front : m_seen.fronts) {
            judge_order(front);
        }
    }

    void judge_order(const UnitState& unit) {
        if (m_seen.recovery.load_state == "loaded" && !has(unit.after, k_recovery)) {
            add("boot", Status::warning, say(k_not_after, unit.id),
                say(k_edit, unit.id, "[Unit] After=" + std::string(k_recovery)));
        }
    }

    void judge_unit(const DeployConditions::SiteUnit& site) {
        const UnitState& unit = site.state;
        judge_order(unit);
        if (!waits_at_gate(unit)) {
            const std::string part = site.part == Part::web ? "web" : "workers";
            advise(unit.id, say(k_no_gate, unit.id), "[Service] ExecStartPre=-+lectio-deploy gate " + part);
        } else if (unit.start_timeout > 0ms && unit.start_timeout <= k_fence) {
            advise(unit.id, say(k_short_start, unit.id, in_seconds(unit.start_timeout), in_seconds(k_fence)),
                   "[Service] TimeoutStartSec=" + in_seconds(k_fence + 3 * k_beyond));
        }
        if (site.part == Part::web) {
            judge_socket(unit);
        }
        if (site.program == "gunicorn") {
            judge_gunicorn(unit);
        }
    }

    void judge_socket(const UnitState& unit) {
        if (!has_socket(unit)) {
            add("units", Status::warning, say(k_no_socket, unit.id), say(k_hint_socket));
        }
    }

    void judge_gunicorn(const UnitState& unit) {
        const std::optional<Duration> graceful = graceful_timeout(unit);
        if (graceful && unit.stop_timeout > 0ms && unit.stop_timeout <= *graceful) {
            advise(unit.id, say(k_cut_off, unit.id, in_seconds(unit.stop_timeout), in_seconds(*graceful)),
                   "[Service] TimeoutStopSec=" + in_seconds(*graceful + k_beyond));
        }
        if (unit.type != "notify") {
            advise(unit.id, say(k_not_notify, unit.id, unit.type), "[Service] Type=notify");
        } else if (unit.notify_access == "none") {
            advise(unit.id, say(k_nobody_notifies, unit.id), "[Service] NotifyAccess=main");
        }
        // Somebody else who stands in its place (a watchdog of ours) answers for it.
        const std::vector<std::string> words = words_of(unit);
        const bool itself = !words.empty() && Path(words[0]).filename() != "lectio-heartbeat";
        if (unit.watchdog > 0ms && itself) {
            advise(unit.id, say(k_watchdog, unit.id, in_seconds(unit.watchdog)), "[Service] WatchdogSec=0");
        }
    }

    const DeployConditions& m_seen;
    std::vector<Finding> m_findings;
};

} // namespace

std::vector<Finding> judge_conditions(const DeployConditions& conditions) {
    return Doctor(conditions).judge();
}

} // namespace lectio::release
