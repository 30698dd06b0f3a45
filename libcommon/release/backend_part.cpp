#include "release/backend_part.h"

#include "checks/django.h"
#include "checks/unit_words.h"
#include "platform/services.h"
#include "platform/stop.h"
#include "platform/unit_name.h"
#include "release/canary.h"
#include "release/dependencies.h"
#include "release/drift.h"
#include "release/held_units.h"
#include "util/json_depth.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio::release {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_to_look = 5s;
constexpr Duration k_longest_start = 5min;
constexpr Duration k_to_ask = 1s; // for a start that is not waited for
constexpr Duration k_longest_canary = 60s;
constexpr Duration k_longest_reading = 10min;
constexpr std::string_view k_no_answer = "no answer"; // JobResult: we have stopped waiting
constexpr Bytes k_output = 1_MB;
constexpr Duration k_between_tries = 500ms;
constexpr Duration k_to_close = 5s; // the database, for who is none of the site's units
constexpr std::string_view k_sqlite = "sqlite:";
constexpr std::array<std::string_view, 2> k_postgres{"postgresql:", "postgres:"};
constexpr std::string_view k_socket = "{socket}";
constexpr std::size_t k_most_named = 8;

constexpr Phrase k_no_units{"deploy.backend.units names nothing that would run the new code",
                            "в deploy.backend.units нет ничего, что запустило бы новый код"};
constexpr Phrase k_no_units_hint{"add there: units = [\"SITE.service\"]",
                                 "добавьте туда: units = [\"САЙТ.service\"]"};
constexpr Phrase k_no_unit{"{} cannot be restarted: systemd says {}",
                           "{} не перезапустить: systemd отвечает {}"};
constexpr Phrase k_no_unit_hint{"look at it: systemctl status {}", "посмотрите: systemctl status {}"};
constexpr Phrase k_cannot_see{"{} cannot be restarted: {}", "{} не перезапустить: {}"};
constexpr Phrase k_as_root{"the code would be built and run by root",
                           "код собирался бы и запускался под root"};
constexpr Phrase k_as_root_hint{"say in deploy.backend who runs it: user = \"www-data\"",
                                "укажите в deploy.backend, кто его запускает: user = \"www-data\""};
constexpr Phrase k_frontend_inside{
    "deploy.frontend.path lies directly in deploy.backend.path: a release of the one would take the other "
    "away",
    "deploy.frontend.path лежит прямо в deploy.backend.path: релиз одного убирал бы другое"};
constexpr Phrase k_frontend_inside_hint{"put it one folder deeper, or outside",
                                        "положите её на папку глубже или снаружи"};
constexpr Phrase k_not_adopted{"{} is a plain folder, and a backend is never taken over by a deploy",
                               "{} — обычная папка, а бэкенд деплой сам не принимает"};
constexpr Phrase k_not_adopted_hint{"once: sudo lectio-deploy adopt backend",
                                    "один раз: sudo lectio-deploy adopt backend"};
constexpr Phrase k_untracked{
    "not in git and not in deploy.backend.shared, so later releases would lack it: {}",
    "нет ни в git, ни в deploy.backend.shared, в следующих релизах этого не будет: {}"};
constexpr Phrase k_untracked_hint{
    "add to shared what must outlive releases; what may stay behind: --force",
    "что должно пережить релизы — добавьте в shared; что может остаться — добавьте --force"};
constexpr Phrase k_no_git{"what in {} is the site's data and what its code is not to be told: {}",
                          "в {} не отличить данные сайта от кода: {}"};
constexpr Phrase k_no_git_hint{
    "name in deploy.backend.shared all that must outlive releases, then: lectio-deploy adopt backend --force",
    "назовите в deploy.backend.shared всё, что должно пережить релизы, затем: lectio-deploy adopt backend "
    "--force"};
constexpr Phrase k_more{"{} and {} more", "{} и ещё {}"};
constexpr Phrase k_shared_missing{"what is shared by the releases is not there: {}",
                                  "нет того, что общее у релизов: {}"};
constexpr Phrase k_shared_missing_hint{"put it there, or take it out of deploy.backend.shared",
                                       "положите его туда или уберите из deploy.backend.shared"};
constexpr Phrase k_nothing_came{"the build is empty", "сборка пуста"};
constexpr Phrase k_named_missing{"deploy.backend.{} names {}, which is not in the build",
                                 "deploy.backend.{} называет {}, а в сборке этого нет"};
constexpr Phrase k_named_missing_hint{"was the right folder sent?", "ту ли папку отправили?"};
constexpr Phrase k_same_commit{"commit {} was served already, and is built and started anew",
                               "коммит {} уже работал, он собран и запущен заново"};
constexpr Phrase k_reused{"dependencies unchanged: the environment of {} is taken over ({})",
                          "зависимости не менялись: окружение взято из {} ({})"};
constexpr Phrase k_installing{"installing dependencies", "устанавливаю зависимости"};
constexpr Phrase k_no_venv{"no virtual environment could be made: {}",
                           "не удалось создать виртуальное окружение: {}"};
constexpr Phrase k_no_venv_hint{"Debian has it in a package of its own: apt install python3-venv",
                                "в Debian он в отдельном пакете: apt install python3-venv"};
constexpr Phrase k_failed{"deploy.backend.{} failed: {}", "deploy.backend.{} завершилась неудачей: {}"};
constexpr Phrase k_failed_hint{"as {} in {}: {}", "под {} в {}: {}"};
constexpr Phrase k_would_fail{
    "{} would lose requests while the tables change, no code may run then: {}",
    "{} терял бы запросы, пока меняются таблицы, код в это время работать не должен: {}"};
constexpr Phrase k_would_fail_hint{
    "it needs a socket unit and the line ExecStartPre= with lectio-deploy gate: packaging/systemd/site has "
    "both",
    "ему нужны socket-юнит и строка ExecStartPre= с lectio-deploy gate: пример — packaging/systemd/site"};
constexpr Phrase k_would_run{
    "{} could start in the middle, no code may run while the tables change: {}",
    "{} мог бы запуститься посреди этого, а пока меняются таблицы, код работать не должен: {}"};
constexpr Phrase k_would_run_hint{
    "it needs the line ExecStartPre= with lectio-deploy gate: packaging/systemd/site/workers.conf has it",
    "ему нужна строка ExecStartPre= с lectio-deploy gate: пример — packaging/systemd/site/workers.conf"};
constexpr Phrase k_held_too_long{"requests would wait too long: the database has {}, and no code may run "
                                 "while the tables change: {}",
                                 "запросы ждали бы слишком долго: база занимает {}, а код не должен "
                                 "работать, пока меняются таблицы: {}"};
constexpr Phrase k_socket_of_none{"{} is named as the site's socket, and starts none of its units",
                                  "{} указан как сокет сайта, но не запускает ни одного его юнита"};
constexpr Phrase k_socket_is_closed{"{} does not listen: a restart would lose requests",
                                    "{} не слушает: при перезапуске потерялись бы запросы"};
constexpr Phrase k_socket_hint{"sudo systemctl enable --now {}; packaging/systemd/site shows how",
                               "sudo systemctl enable --now {}; образец — packaging/systemd/site"};
constexpr Phrase k_will_be_held{"requests wait while these migrations are applied: {}",
                                "запросы будут ждать, пока применяются эти миграции: {}"};
constexpr Phrase k_stopping{"stopping {}", "останавливаю {}"};
constexpr Phrase k_not_stopped{"{} did not stop: {}", "{} не остановился: {}"};
constexpr Phrase k_still_stopping{"{} has not stopped within {}", "{} не остановился за {}"};
constexpr Phrase k_not_restored{"the database could not be put back as it was: {}; its snapshot is {}",
                                "не удалось вернуть базу: {}; её копия: {}"};
constexpr Phrase k_no_way_back{
    "the snapshot {} could not take the database's place, and nothing was tried: {}",
    "копия {} не смогла бы занять место базы, ничего и не начато: {}"};
constexpr Phrase k_no_way_back_hint{
    "choose another release (lectio-deploy list), mend by a new one, or restore a backup (lectio-backup "
    "list)",
    "выберите другой релиз (lectio-deploy list), почините новым или восстановите бэкап (lectio-backup list)"};
constexpr Phrase k_replaced_is_kept{"what the database was until then is kept: {}",
                                    "то, чем база была до этого, сохранено: {}"};
constexpr Phrase k_replaced_stays{"what the database was until then stays beside {}: {}",
                                  "то, чем база была до этого, осталось рядом с {}: {}"};
constexpr Phrase k_reversing{"taking migrations back: {}", "отменяю миграции: {}"};
constexpr Phrase k_gone_from_configuration{"deploy.backend.database does not lead to it any more",
                                           "deploy.backend.database больше к ней не ведёт"};
constexpr Phrase k_no_database{
    "migrations are waiting, and deploy.backend.database does not say of what a snapshot is taken: {}",
    "есть неприменённые миграции, а deploy.backend.database не говорит, с чего снимать копию: {}"};
constexpr Phrase k_no_database_hint{
    "add there: database = \"sqlite:PATH\" or \"postgresql:${{DATABASE_URL}}\"",
    "добавьте туда: database = \"sqlite:ПУТЬ\" или \"postgresql:${{DATABASE_URL}}\""};
constexpr Phrase k_database_not_shared{"{} is not in deploy.backend.shared: every release would have its own",
                                       "{} нет в deploy.backend.shared: у каждого релиза была бы своя"};
constexpr Phrase k_database_not_shared_hint{"add it to shared, or name it by its absolute path",
                                            "добавьте её в shared или укажите полный путь"};
constexpr Phrase k_large_database{"the database has {}: the site may wait while its tables are changed",
                                  "база занимает {}: пока меняются таблицы, сайт может ждать"};
constexpr Phrase k_large_database_hint{
    "at a quiet hour: --force, or behind a page: --maintenance",
    "в тихий час: --force, или за страницей для посетителей: --maintenance"};
constexpr Phrase k_behind_page_hint{"let visitors see a page meanwhile: --maintenance",
                                    "пусть посетители пока видят страницу: --maintenance"};
constexpr Phrase k_no_snapshot{"no snapshot of the database could be taken: {}",
                               "не удалось снять копию базы: {}"};
constexpr Phrase k_pending_hint{
    "apply those that the running code can live with by hand, from a checkout; then deploy again",
    "примените вручную из отдельной копии те, с которыми уживётся работающий код, и повторите"};
constexpr Phrase k_cannot_tell_migrations{"whether migrations are waiting cannot be seen: {}",
                                          "не видно, есть ли неприменённые миграции: {}"};
constexpr Phrase k_no_migrate_word{"deploy.backend.migrate is not manage.py migrate",
                                   "deploy.backend.migrate — не manage.py migrate"};
// Of a rollback it is old code: it is named.
constexpr Phrase k_trying{"trying the code of {} on a private socket", "пробую код {} на отдельном сокете"};
constexpr Phrase k_canary_failed{"the code of {} does not work: {}", "код {} не работает: {}"};
constexpr Phrase k_canary_hint{"deploy.backend.canary: {}", "deploy.backend.canary: {}"};
constexpr Phrase k_no_canary{"the code of {} was not tried before the swap: deploy.backend.canary is not set",
                             "код {} не пробовали до переключения: не задан deploy.backend.canary"};
constexpr Phrase k_starting{"starting {}", "запускаю {}"};
constexpr Phrase k_restarting{"restarting {}", "перезапускаю {}"};
constexpr Phrase k_not_started{"{} did not start: {}", "{} не запустился: {}"};
constexpr Phrase k_fell{"{} has fallen after its start: {}", "{} упал после запуска: {}"};
constexpr Phrase k_fell_again{"systemd has restarted {} by itself since the swap",
                              "после переключения systemd сам перезапускал {}"};
constexpr Phrase k_left_stopped{"{} is stopped, and was left so", "{} остановлен, так и оставлен"};

// Names that say what they are: celery-default, teaching-worker, celerybeat.
bool is_worker_by_name(std::string_view unit) {
    constexpr std::array<std::string_view, 3> k_words{"celery", "worker", "beat"};
    const std::string name = to_lower_ascii(unit);
    return std::any_of(k_words.begin(), k_words.end(),
                       [&](std::string_view word) { return name.find(word) != std::string::npos; });
}

std::string first_of(const std::vector<std::string>& names) {
    std::string list;
    for (std::size_t i = 0; i < names.size() && i < k_most_named; ++i) {
        list += (list.empty() ? "" : ", ") + shorten(clean_line(names[i]), 80);
    }
    return list;
}

Text some_of(const std::vector<std::string>& names) {
    return names.size() > k_most_named ? say(k_more, first_of(names), names.size() - k_most_named)
                                       : verbatim(first_of(names));
}

Text some_of(const WaitingMigrations& waiting) {
    Text first;
    for (std::size_t i = 0; i < waiting.all.size() && i < k_most_named; ++i) {
        const Text words = words_of(waiting.all[i]);
        first = first.empty() ? words : join("; ", {first, words});
    }
    return waiting.all.size() > k_most_named ? say(k_more, first, waiting.all.size() - k_most_named) : first;
}

std::string joined(const std::vector<std::string>& words) {
    return shorten(clean_line(fmt::format("{}", fmt::join(words, " "))), 200);
}

// What the configured commands read of the release: "manage.py", "requirements.txt".
bool looks_like_a_file(std::string_view word) {
    return !word.starts_with('-') && !word.starts_with('/') &&
           (word.ends_with(".py") || word.ends_with(".txt"));
}

} // namespace

BackendPart::BackendPart(Settings settings, Shelf& shelf, ReleaseDisk& disk, World& world)
    : m_settings(std::move(settings)), m_shelf(shelf), m_disk(disk), m_world(world),
      m_outside(outside_releases(m_settings.deploy, m_settings.frontend_path)) {
    const BackendDeploy& deploy = m_settings.deploy;
    for (const std::string& name : deploy.workers) {
        m_workers.push_back(full_unit_name(name));
    }
    for (const std::string& name : deploy.units) {
        const std::string unit = full_unit_name(name);
        const bool named = std::find(m_workers.begin(), m_workers.end(), unit) != m_workers.end();
        if (deploy.workers.empty() ? is_worker_by_name(unit) : named) {
            if (!named) {
                m_workers.push_back(unit);
            }
        } else {
            m_web.push_back(unit);
        }
    }
    m_database = configured_database();
}

// ── what stands in the way ──────────────────────────────────────────────────────────────────────────────

Part::Step BackendPart::ready() {
    const BackendDeploy& deploy = m_settings.deploy;
    if (m_web.empty()) {
        return Refusal{say(k_no_units), say(k_no_units_hint)};
    }
    if (m_settings.user.uid == 0) {
        return Refusal{say(k_as_root), say(k_as_root_hint)};
    }
    const Path frontend = m_settings.frontend_path.lexically_normal();
    if (!frontend.empty() && frontend.parent_path() == deploy.path.lexically_normal()) {
        return Refusal{say(k_frontend_inside), say(k_frontend_inside_hint)};
    }
    for (const std::vector<std::string>* some : {&m_web, &m_workers}) {
        for (const std::string& name : *some) {
            const Result<UnitState> unit = m_world.services.unit(name, k_to_look);
            if (!unit) {
                return Refusal{say(k_cannot_see, name, error_words(unit.error().message))};
            }
            if (unit->load_state != "loaded") {
                return Refusal{say(k_no_unit, name, unit->load_state), say(k_no_unit_hint, name)};
            }
        }
    }
    if (Step no = look_for_socket()) {
        return no;
    }
    if (m_database) { // of a server that does not answer the release itself will tell
        [[maybe_unused]] const Result<void> tidied = m_database->tidy(later());
    }
    return {};
}

// Who names it counts on it: without it a restart would lose requests.
Part::Step BackendPart::look_for_socket() {
    const std::string& socket = m_settings.deploy.socket;
    if (socket.empty()) {
        return {};
    }
    const auto is_started = [&](const std::string& name) {
        const Result<UnitState> unit = m_world.services.unit(name, k_to_look);
        return unit && std::find(unit->triggered_by.begin(), unit->triggered_by.end(), socket) !=
                           unit->triggered_by.end();
    };
    const bool starts_one = std::any_of(m_web.begin(), m_web.end(), is_started);
    if (!starts_one || !listens(socket)) {
        return Refusal{say(starts_one ? k_socket_is_closed : k_socket_of_none, socket),
                       say(k_socket_hint, socket)};
    }
    return {};
}

Part::Step BackendPart::look_for_shared() {
    const Path home = m_shelf.home();
    const Result<ReleaseDisk::Named> there = m_disk.look_at(home);
    if (!there) {
        return Refusal{error_words(there.error().message)};
    }
    if (there->kind == ReleaseDisk::Named::Kind::nothing) { // a site that begins with a release
        Result<void> made = m_disk.make_folder(home);
        if (made) {
            constexpr mode_t k_folders = 0755, k_files = 0640;
            const Result<TreeRepair> rights = m_disk.set_rights(
                home, {Owner{m_settings.user.uid, m_settings.user.gid}, k_folders, k_files});
            made = rights ? Result<void>{} : rights.error();
        }
        if (!made) {
            return Refusal{error_words(made.error().message)};
        }
    }
    std::vector<std::string> missing;
    for (const std::string& path : m_outside.shared) {
        if (!m_world.files.info(home / path, Files::Follow::yes)) {
            missing.push_back((home / path).string());
        }
    }
    return missing.empty()
               ? Step{}
               : Step(Refusal{say(k_shared_missing, some_of(missing)), say(k_shared_missing_hint)});
}

// ── a plain folder that becomes the first release ───────────────────────────────────────────────────────

Part::Step BackendPart::may_be_adopted(Wish wish, bool force, const Voice& voice) {
    const std::string path = m_settings.deploy.path.string();
    if (wish == Wish::deploy) {
        return Refusal{say(k_not_adopted, path), say(k_not_adopted_hint)};
    }
    // Everything that git does not know, what it ignores among it: databases and uploads are ignored most often. Who runs
    // this may read the folder as it is; safe.directory is for clones that root has made.
    const ProcessRequest request =
        request_for(m_settings.deploy.path,
                    {"git", "-c", "safe.directory=*", "ls-files", "--others", "--directory", "-z"});
    const Result<ProcessAnswer> answer = m_world.processes.run(request);
    if (const CommandOutcome said = outcome_of(answer, request); !said.ok) {
        const Text words = say(k_no_git, path, said.words);
        if (!force) {
            return Refusal{words, say(k_no_git_hint)};
        }
        voice.warnings.push_back(words);
        return {};
    }
    std::vector<std::string> left;
    for (std::string_view name : split(answer->out, '\0')) {
        name = name.ends_with('/') ? name.substr(0, name.size() - 1) : name;
        const bool holds_shared =
            std::any_of(m_outside.shared.begin(), m_outside.shared.end(), [&](const std::string& shared) {
                return is_at_or_below(shared, name) && shared != name;
            });
        if (!name.empty() && !leaves_out(name) && !holds_shared) {
            left.emplace_back(name);
        }
    }
    if (left.empty()) {
        return {};
    }
    const Text words = say(k_untracked, some_of(left));
    if (!force) {
        return Refusal{words, say(k_untracked_hint)};
    }
    voice.warnings.push_back(words);
    return {};
}

Result<void> BackendPart::before_adoption(const std::string& id) {
    return m_disk.lay_link(m_shelf.home(), id);
}

Result<void> BackendPart::forget_adoption(const std::string& id) {
    const Result<ReleaseDisk::Named> there = m_disk.look_at(m_shelf.home());
    LECTIO_TRY(there);
    const bool ours = there->kind == ReleaseDisk::Named::Kind::link && there->target == id;
    return ours ? m_world.files.remove(m_shelf.home()) : Result<void>{};
}

bool BackendPart::leaves_out(std::string_view below) const {
    return m_outside.leaves_out(below);
}

// The release in which the site's data lies.
Result<std::set<std::string>> BackendPart::needed() {
    const Result<ReleaseDisk::Named> home = m_disk.look_at(m_shelf.home());
    LECTIO_TRY(home);
    return home->kind == ReleaseDisk::Named::Kind::link ? std::set<std::string>{home->target}
                                                        : std::set<std::string>{};
}

// ── what came becomes a release ─────────────────────────────────────────────────────────────────────────

std::vector<Flaw> BackendPart::inspect(const Path&, const TreeManifest& manifest, const Release*,
                                       const std::vector<Release>&) {
    std::vector<Flaw> flaws;
    if (manifest.files() == 0) {
        return {{Flaw::Weight::refuse, say(k_nothing_came), say(k_named_missing_hint)}};
    }
    const BackendDeploy& deploy = m_settings.deploy;
    const std::array<std::pair<const char*, const std::vector<std::string>*>, 4> commands{
        {{"install", &deploy.install},
         {"check", &deploy.check},
         {"migrate", &deploy.migrate},
         {"collect", &deploy.collect}}};
    for (const auto& [name, command] : commands) {
        for (const std::string& word : *command) {
            const std::string path = Path(word).lexically_normal().string();
            if (looks_like_a_file(word) && !leaves_out(path) && manifest.find(path) == nullptr) {
                flaws.push_back({Flaw::Weight::refuse, say(k_named_missing, name, clean_line(word)),
                                 say(k_named_missing_hint)});
            }
        }
    }
    return flaws;
}

Part::Foresight BackendPart::foresee(const Path& staging, const Draft& draft, const Voice& voice) {
    Foresight foresight;
    Step no = dress(staging, draft, voice);
    no = no ? no : make_environment(staging, draft, voice);
    no = no ? no : look_for_migrations(staging, foresight.migrations);
    no = no ? no : may_migrate(staging, foresight.migrations, draft.force, voice);
    if (no) {
        foresight.flaws.push_back({Flaw::Weight::refuse, no->reason, no->hint});
    } else if (foresight.migrations.needs_fence()) {
        foresight.flaws.push_back({Flaw::Weight::warn, say(k_will_be_held, some_of(foresight.migrations))});
    }
    return foresight;
}

// What is shared is linked in; what came under its name goes.
Part::Step BackendPart::dress(const Path& staging, const Draft& draft, const Voice& voice) {
    if (draft.live != nullptr && !draft.release.commit.empty() &&
        draft.live->commit == draft.release.commit) {
        voice.notes.push_back(say(k_same_commit, draft.release.commit.substr(0, 12)));
    }
    if (Step no = look_for_shared()) {
        return no;
    }
    std::vector<ReleaseDisk::NewLink> links;
    for (const std::string& path : m_outside.shared) {
        if (const Result<void> gone = m_disk.remove_tree(staging / path);
            !gone && gone.error().kind != ErrorKind::not_found) {
            return Refusal{error_words(gone.error().message)};
        }
        std::string up;
        for (const Path& step : Path(path)) {
            up += step.empty() ? "" : "../";
        }
        links.push_back({path, up + m_shelf.home().filename().string() + "/" + path});
    }
    const Result<void> laid = m_disk.lay_links(staging, links);
    return laid ? Step{} : Step(Refusal{error_words(laid.error().message)});
}

Part::Step BackendPart::build(const Path& tree, const Draft& draft, const Voice& voice) {
    const BackendDeploy& deploy = m_settings.deploy;
    if (Step no = make_environment(tree, draft, voice)) {
        return no;
    }
    if (Step no = look_for_migrations(tree, draft.migrations)) {
        return no;
    }
    draft.migrations.behind_page = draft.maintenance;
    if (Step no = may_migrate(tree, draft.migrations, draft.force, voice)) {
        return no;
    }
    for (const auto& [name, command] :
         {std::pair{"collect", &deploy.collect}, std::pair{"check", &deploy.check}}) {
        if (!command->empty()) {
            voice.progress(verbatim(joined(*command)));
        }
        if (Step no = run_named(tree, {name, *command})) {
            return no;
        }
    }
    if (draft.migrations.all.empty()) { // else its tables are not there yet
        if (Step no = try_it(tree, m_settings.deploy.timeout, voice)) {
            return no;
        }
    }
    Result<TreeManifest> built =
        read_tree(tree, m_world.clock, m_world.clock.steady() + k_longest_reading, own_of(*this));
    if (!built) {
        return Refusal{error_words(built.error().message)};
    }
    draft.manifest = std::move(*built);
    return {};
}

ProcessRequest BackendPart::request_for(const Path& tree, std::vector<std::string> command) const {
    ProcessRequest request;
    std::string& program = command.front();
    if (program.find('/') != std::string::npos && !program.starts_with('/')) {
        program = (tree / program).string(); // a relative program is inside the release
    }
    request.command = std::move(command);
    request.user = m_settings.user.uid == effective_user() ? "" : m_settings.user.name;
    request.folder = tree.string();
    request.timeout = m_settings.deploy.timeout;
    request.max_output = k_output;
    return request;
}

CommandOutcome BackendPart::run_in(const Path& tree, const std::vector<std::string>& command) {
    return run_command(m_world, request_for(tree, command));
}

Part::Step BackendPart::run_named(const Path& tree, const NamedCommand& named) {
    if (named.words.empty()) {
        return {};
    }
    ProcessRequest request = request_for(tree, named.words);
    request.timeout = named.limit.value_or(request.timeout);
    request.environment = named.environment;
    const CommandOutcome outcome = run_command(m_world, request);
    return outcome.ok
               ? Step{}
               : Step(Refusal{say(k_failed, named.name, outcome.words),
                              say(k_failed_hint, m_settings.user.name, tree.string(), joined(named.words))});
}

// The same set of packages for the same Python is the same environment: hard links of it, in a fraction of a second.
Part::Step BackendPart::make_environment(const Path& tree, const Draft& draft, const Voice& voice) {
    const BackendDeploy& deploy = m_settings.deploy;
    if (deploy.venv.empty()) {
        return run_named(tree, {"install", deploy.install});
    }
    draft.release.dependencies = dependencies_of(m_world.files, tree, deploy.install);
    const bool same = draft.live != nullptr && !draft.release.dependencies.empty() &&
                      draft.live->dependencies == draft.release.dependencies;
    const SteadyTime begun = m_world.clock.steady();
    if (same && reuse_environment(tree, *draft.live)) {
        const auto took = std::chrono::duration_cast<Duration>(m_world.clock.steady() - begun);
        voice.progress(say(k_reused, draft.live->id, format_duration(took)));
        return {};
    }
    voice.progress(say(k_installing));
    const std::string place = (tree / deploy.venv).string();
    CommandOutcome made;
    if (draft.live != nullptr) { // of the same Python as before
        const Path before = m_shelf.tree(draft.live->id) / deploy.venv / "bin/python";
        made = run_in(tree, {before.string(), "-m", "venv", place});
    }
    if (!made.ok) {
        made = run_in(tree, {"python3", "-m", "venv", place});
    }
    if (!made.ok) {
        return Refusal{say(k_no_venv, made.words), say(k_no_venv_hint)};
    }
    return run_named(tree, {"install", deploy.install});
}

bool BackendPart::reuse_environment(const Path& tree, const Release& live) {
    const Path before = m_shelf.tree(live.id) / m_settings.deploy.venv;
    const Path place = tree / m_settings.deploy.venv;
    ProcessRequest request =
        request_for(tree, {(before / "bin/python").string(), "-I", "-", before.string(), place.string()});
    request.input = program_that_copies_a_venv();
    if (run_command(m_world, request).ok) {
        return true;
    }
    // Half a copy would be taken for a whole environment.
    // Where it stays, making one in its place says so.
    [[maybe_unused]] const Result<void> gone = m_disk.remove_tree(place);
    return false;
}

// Only what waits is asked about, so that a release without migrations does not depend on what we know of Django.
Part::Step BackendPart::look_for_migrations(const Path& tree, WaitingMigrations& waiting) {
    const std::vector<std::string>& migrate = m_settings.deploy.migrate;
    if (migrate.empty()) {
        return {};
    }
    const auto word = std::find(migrate.begin(), migrate.end(), "migrate");
    if (word == migrate.end()) {
        return Refusal{say(k_cannot_tell_migrations, say(k_no_migrate_word))};
    }
    const std::vector<std::string> manage(migrate.begin(), word);
    std::string printed;
    if (Step no = ask(tree, manage, {"showmigrations", "--plan", "--no-color"}, printed)) {
        return no;
    }
    if (migrations_in(printed).pending.empty()) {
        return {};
    }
    if (Step no = ask(tree, manage, {"shell", "-c", program_that_classes_migrations()}, printed)) {
        return no;
    }
    Result<WaitingMigrations> found = waiting_migrations_from(printed);
    if (!found) {
        return Refusal{say(k_cannot_tell_migrations, error_words(found.error().message))};
    }
    waiting = std::move(*found);
    return {};
}

// Those that only add are applied while the code that is served goes on: it must be able to.
Part::Step BackendPart::may_migrate(const Path& tree, const WaitingMigrations& waiting, bool force,
                                    const Voice& voice) {
    if (waiting.all.empty()) {
        return {};
    }
    if (Step no = look_for_database(tree, waiting)) {
        return no;
    }
    const Result<Bytes> size = m_database->size(later());
    if (!size) {
        return Refusal{error_words(size.error().message)};
    }
    if (waiting.needs_fence()) {
        return may_be_held(some_of(waiting), waiting.behind_page, *size);
    }
    if (Step no = m_database->could_be_copied(*size, snapshots(), m_settings.least_free)) {
        return no;
    }
    const std::optional<Bytes> quickly = m_database->quickly_migrated();
    if (!quickly || *size <= *quickly) {
        return {};
    }
    const Text words = say(k_large_database, format_size(*size));
    if (!force) {
        return Refusal{words, say(k_large_database_hint)};
    }
    voice.warnings.push_back(words);
    return {};
}

// No code runs while they are applied: requests wait in the socket, and nothing may wake the old code up.
Part::Step BackendPart::may_be_held(const Text& changes, bool behind_page, Bytes size) {
    for (const std::vector<std::string>* some : {&m_web, &m_workers}) {
        for (const std::string& name : *some) {
            const Result<UnitState> unit = m_world.services.unit(name, k_to_look);
            if (!unit) {
                return Refusal{say(k_cannot_see, name, error_words(unit.error().message))};
            }
            const bool is_ready = waits_at_gate(*unit) && (some == &m_workers || socket_listens(*unit));
            if (!is_ready) {
                return some == &m_web ? Refusal{say(k_would_fail, name, changes), say(k_would_fail_hint)}
                                      : Refusal{say(k_would_run, name, changes), say(k_would_run_hint)};
            }
        }
    }
    if (size > m_settings.most_held && !behind_page) {
        return Refusal{say(k_held_too_long, format_size(size), changes), say(k_behind_page_hint)};
    }
    return m_database->could_be_put_back(size, snapshots(), m_settings.least_free, later());
}

Path BackendPart::snapshots() const {
    return m_shelf.snapshot("").parent_path();
}

// Of a socket that has given up, or that nobody has started, requests would be refused.
bool BackendPart::socket_listens(const UnitState& unit) const {
    return std::any_of(unit.triggered_by.begin(), unit.triggered_by.end(), [this](const std::string& name) {
        return name.ends_with(".socket") && listens(name);
    });
}

bool BackendPart::listens(const std::string& socket) const {
    const Result<UnitState> state = m_world.services.unit(socket, k_to_look);
    return state && state->active_state == "active";
}

Part::Step BackendPart::look_for_database(const Path& tree, const WaitingMigrations& waiting) {
    if (m_database) {
        return m_database->is_of(waiting, tree);
    }
    const std::string& named = m_settings.deploy.database.reveal();
    return named.starts_with(k_sqlite)
               ? Refusal{say(k_database_not_shared, clean_line(named.substr(k_sqlite.size()))),
                         say(k_database_not_shared_hint)}
               : Refusal{say(k_no_database, some_of(waiting)), say(k_no_database_hint)};
}

// Nothing: none is configured, or one that would be another in each release.
std::unique_ptr<SiteDatabase> BackendPart::configured_database() const {
    const std::string& named = m_settings.deploy.database.reveal();
    for (const std::string_view prefix : k_postgres) { // "postgresql:${DATABASE_URL}", or the URL itself
        if (named.starts_with(prefix)) {
            const std::string after = named.substr(prefix.size());
            const bool is_url = after.starts_with("//");
            return after.empty() ? nullptr
                                 : postgres_database(Secret(is_url ? named : after), m_shelf.scratch(),
                                                     m_world, m_disk);
        }
    }
    if (!named.starts_with(k_sqlite)) {
        return nullptr;
    }
    const Path path(named.substr(k_sqlite.size()));
    if (path.is_absolute()) {
        return sqlite_database(path, m_world, m_disk);
    }
    const std::string below = path.lexically_normal().string();
    const bool shared = std::any_of(m_outside.shared.begin(), m_outside.shared.end(),
                                    [&](const std::string& each) { return is_at_or_below(below, each); });
    return shared ? sqlite_database(m_shelf.home() / below, m_world, m_disk) : nullptr;
}

// What was migrated is put back, whatever is configured by now.
SiteDatabase* BackendPart::database_at(const std::string& place) {
    if (!place.starts_with('/')) {
        return m_database.get();
    }
    m_once = sqlite_database(place, m_world, m_disk);
    return m_once.get();
}

SteadyTime BackendPart::later() const {
    return m_world.clock.steady() + m_settings.deploy.timeout;
}

Result<std::optional<std::string>> BackendPart::schema() {
    if (!m_database) {
        return std::optional<std::string>();
    }
    Result<std::string> schema = m_database->schema(later());
    LECTIO_TRY(schema);
    return std::optional(std::move(*schema));
}

// How long something may take that has a limit of its own, too.
Duration BackendPart::left(SteadyTime until, Duration longest) const {
    const Duration left = std::chrono::floor<Duration>(until - m_world.clock.steady());
    return std::clamp(left, Duration(1), longest);
}

Part::Step BackendPart::only_ours(SteadyTime until) {
    return m_database->only_ours(until);
}

Part::Step BackendPart::take_snapshot(const std::string& id, SteadyTime until) {
    const Path folder = m_shelf.snapshot(id);
    Result<void> done = m_disk.make_folder(folder);
    done = done ? m_database->take_snapshot(folder, std::min(until, later())) : done;
    return done ? Step{} : Step(Refusal{say(k_no_snapshot, error_words(done.error().message))});
}

Part::Step BackendPart::migrate(const std::string& id, SteadyTime until, const Voice& voice) {
    if (!m_database) {
        return Refusal{say(k_gone_from_configuration)};
    }
    const Path tree = m_shelf.tree(id);
    if (Step no = run_named(tree, {"migrate", m_settings.deploy.migrate,
                                   left(until, m_settings.deploy.timeout), m_database->migrating()})) {
        if (const Text others = m_database->in_the_way(); !others.empty()) {
            no->reason = join("; ", {no->reason, others});
        }
        return no;
    }
    return try_it(tree, left(until, m_settings.deploy.timeout), voice);
}

Part::Step BackendPart::keep_before_reverse(const std::string& id) {
    const Path folder = m_shelf.before_reverse(id);
    Result<void> done = m_disk.remove_tree(folder); // of a call that died
    done = done ? m_disk.make_folder(folder) : done;
    done = done && m_database ? m_database->take_snapshot(folder, later()) : done;
    return done ? Step{} : Step(Refusal{say(k_no_snapshot, error_words(done.error().message))});
}

// Django takes back what depends on it in other apps, too; nothing is left to do for those then.
Part::Step BackendPart::reverse(const std::string& id, const std::string& way_back, const Voice& voice) {
    for (const std::string_view step : split(way_back, ' ')) {
        const std::size_t equals = std::min(step.find('='), step.size());
        std::vector<std::string> command = m_settings.deploy.migrate;
        command.emplace_back(step.substr(0, equals));
        command.emplace_back(step.substr(std::min(equals + 1, step.size())));
        voice.progress(say(k_reversing, joined(command)));
        if (Step no = run_named(m_shelf.tree(id),
                                {"migrate", command, m_settings.deploy.timeout, m_database->migrating()})) {
            return no;
        }
    }
    return {};
}

Result<std::string> BackendPart::database_place() {
    return m_database ? m_database->place() : Result<std::string>("");
}

Result<std::string> BackendPart::look_at_database(const std::string& place, SteadyTime until) {
    SiteDatabase* database = database_at(place);
    return database != nullptr
               ? database->look(place, std::min(until, later()))
               : Result<std::string>(Error{ErrorKind::not_found, "deploy.backend.database is not set"});
}

SiteDatabase::Snapshot BackendPart::kept_with(const std::string& id) const {
    return {id, m_shelf.snapshot(id)};
}

// Whoever has it open is waited for.
Result<void> BackendPart::when_it_is_free(SteadyTime last_try, const std::function<Result<void>()>& act) {
    for (;;) {
        Result<void> done = act();
        const bool is_in_use = !done && done.error().kind == ErrorKind::busy;
        if (!is_in_use || stop_requested() || m_world.clock.steady() >= last_try) {
            return done;
        }
        m_world.clock.sleep_for(k_between_tries);
    }
}

Part::Step BackendPart::restore(const std::string& id, const std::string& place, Duration wait) {
    const SiteDatabase::Snapshot snapshot = kept_with(id);
    SiteDatabase* database = database_at(place);
    if (database == nullptr) {
        return Refusal{say(k_not_restored, say(k_gone_from_configuration), snapshot.folder.string())};
    }
    const SteadyTime until = later();
    const Result<void> done = when_it_is_free(m_world.clock.steady() + wait,
                                              [&] { return database->put_back(snapshot, place, until); });
    return done ? Step{}
                : Step(Refusal{say(k_not_restored, error_words(done.error().message),
                                   database->snapshot_in(snapshot.folder).string())});
}

// Nobody was meant to write there meanwhile; a command of cron may have all the same.
Part::Step BackendPart::keep_replaced(const std::string& id, const std::string& place, const Voice& voice) {
    SiteDatabase* database = database_at(place);
    const Result<std::vector<std::string>> kept =
        database != nullptr ? database->keep_replaced(kept_with(id), place, later())
                            : Result<std::vector<std::string>>(std::vector<std::string>{});
    if (!kept) {
        return Refusal{say(k_replaced_stays, place, error_words(kept.error().message))};
    }
    for (const std::string& each : *kept) {
        voice.notes.push_back(say(k_replaced_is_kept, each));
    }
    return {};
}

// ── its database goes back with it ──────────────────────────────────────────────────────────────────────

Result<std::optional<Text>> BackendPart::damage_to_snapshot(const std::string& id, const std::string& place) {
    SiteDatabase* database = database_at(place);
    return database != nullptr ? database->damage_to(kept_with(id), later())
                               : Error{ErrorKind::not_found, "deploy.backend.database is not set"};
}

// Only where the numbers differ; what was changed in place is in none.
Result<Text> BackendPart::rows_since(const std::string& id) {
    const Result<SiteDatabase::RowsSince> rows = m_database->rows_since(kept_with(id), later());
    LECTIO_TRY(rows);
    snapshots::RowCounts then = rows->then;
    for (const auto& [table, count] : rows->now) {
        then.try_emplace(table, 0);
    }
    std::vector<std::string> differ;
    for (const auto& [table, count] : then) {
        const auto now = rows->now.find(table);
        const std::int64_t count_now = now == rows->now.end() ? 0 : now->second;
        if (count != count_now) {
            differ.push_back(fmt::format("{} {} → {}", clean_line(table), count, count_now));
        }
    }
    return some_of(differ);
}

Part::Step BackendPart::may_go_back_to(const std::string& id, const std::string& place,
                                       const std::vector<std::string>& undone, bool behind_page) {
    const SiteDatabase::Snapshot snapshot = kept_with(id);
    const Result<Bytes> now = m_database->size(later());
    if (!now) {
        return Refusal{error_words(now.error().message)};
    }
    const Result<FileInfo> then =
        m_world.files.info(m_database->snapshot_in(snapshot.folder), Files::Follow::no);
    const Bytes size{std::max(now->count, then ? then->size.count : 0)};
    if (Step no = may_be_held(some_of(undone), behind_page, size)) {
        return no;
    }
    const Step no = m_database->prove(snapshot, place, later());
    return no ? Refusal{say(k_no_way_back, m_database->snapshot_in(snapshot.folder).string(), no->reason),
                        say(k_no_way_back_hint)}
              : Step{};
}

Part::Step BackendPart::may_be_replaced(const std::string& place, SteadyTime until) {
    const Result<void> is_free = when_it_is_free(std::min(until, m_world.clock.steady() + k_to_close),
                                                 [&] { return m_database->is_free(place, until); });
    return is_free ? Step{} : Step(Refusal{error_words(is_free.error().message)});
}

Part::Step BackendPart::go_back_to(const std::string& id, const std::string& present,
                                   const std::string& place, const std::string& to, SteadyTime until,
                                   const Voice& voice) {
    const SiteDatabase::Snapshot earlier = kept_with(id);
    const Result<void> done = when_it_is_free(until, [&] {
        return m_database->go_back_to(earlier, kept_with(present), place, std::min(until, later()));
    });
    if (!done) {
        return Refusal{say(k_not_restored, error_words(done.error().message),
                           m_database->snapshot_in(earlier.folder).string())};
    }
    return try_it(m_shelf.tree(to), left(until, m_settings.deploy.timeout), voice);
}

// What `manage.py` of the release prints, on this question.
Part::Step BackendPart::ask(const Path& tree, std::vector<std::string> manage,
                            const std::vector<std::string>& question, std::string& printed) {
    manage.insert(manage.end(), question.begin(), question.end());
    const ProcessRequest request = request_for(tree, manage);
    const Result<ProcessAnswer> answer = m_world.processes.run(request);
    const CommandOutcome said = outcome_of(answer, request);
    if (!said.ok) {
        return Refusal{say(k_cannot_tell_migrations, said.words),
                       say(k_failed_hint, m_settings.user.name, tree.string(), joined(manage))};
    }
    printed = answer->out;
    return {};
}

Part::Step BackendPart::try_it(const Path& tree, Duration limit, const Voice& voice) {
    const std::string id = tree.filename().string();
    if (!m_settings.deploy.canary) {
        voice.notes.push_back(say(k_no_canary, id));
        return {};
    }
    voice.progress(say(k_trying, id));
    const CanarySettings& settings = *m_settings.deploy.canary;
    CanaryRequest canary;
    canary.socket = tree / k_canary_socket;
    std::vector<std::string> command = settings.command;
    for (std::string& word : command) {
        if (const std::size_t at = word.find(k_socket); at != std::string::npos) {
            word.replace(at, k_socket.size(), "unix:" + canary.socket.string());
        }
    }
    canary.program = request_for(tree, std::move(command));
    canary.path = settings.path;
    canary.host = m_settings.host;
    canary.within = std::min(limit, k_longest_canary);
    const std::optional<Text> failure = failure_of_canary(m_world, canary);
    // A server that ended well has done so itself; and it is no part of the release.
    [[maybe_unused]] const Result<void> gone = m_world.files.remove(canary.socket);
    return failure ? Step(Refusal{say(k_canary_failed, id, *failure),
                                  say(k_canary_hint, joined(settings.command))})
                   : Step{};
}

// ── it is served ────────────────────────────────────────────────────────────────────────────────────────

// Why it did not start.
std::optional<Text> BackendPart::restart(const std::string& unit) {
    const Result<JobResult> job = m_world.services.act(unit, Services::Verb::restart, k_longest_start);
    if (!job) {
        return say(k_not_started, unit, error_words(job.error().message));
    }
    // Asked to stop we do not wait: the job is systemd's, and goes on.
    if (job->result == "done" || stop_requested()) {
        return std::nullopt;
    }
    const Result<UnitState> state = m_world.services.unit(unit, k_to_look);
    const Text how = state ? how_it_ended(*state) : Text{};
    return say(k_not_started, unit, how.empty() ? verbatim(job->result) : how);
}

Part::Step BackendPart::start(const std::string&, const Voice& voice) {
    Step failed;
    for (const std::string& unit : m_web) {
        voice.progress(say(k_restarting, unit));
        const std::optional<Text> failure = restart(unit);
        if (failure && !failed) { // the others must not go on with the code that is gone
            failed = Refusal{*failure, say(k_no_unit_hint, unit)};
        }
        if (const Result<UnitState> state = m_world.services.unit(unit, k_to_look)) {
            m_restarts[unit] = state->restarts;
        }
    }
    return failed;
}

Part::Step BackendPart::stands(const std::string&) {
    for (const std::string& unit : m_web) {
        const Result<UnitState> state = m_world.services.unit(unit, k_to_look);
        if (!state) {
            return Refusal{say(k_cannot_see, unit, error_words(state.error().message))};
        }
        if (state->active_state != "active" && state->active_state != "reloading") {
            return Refusal{say(k_fell, unit, how_it_ended(*state)), say(k_no_unit_hint, unit)};
        }
        const auto before = m_restarts.find(unit);
        if (before != m_restarts.end() && state->restarts > before->second) {
            return Refusal{say(k_fell_again, unit), say(k_no_unit_hint, unit)};
        }
    }
    return {};
}

void BackendPart::finish(const std::string&, const Voice& voice) {
    for (const std::string& unit : m_workers) {
        const Result<UnitState> state = m_world.services.unit(unit, k_to_look);
        if (state && state->active_state == "inactive" && !m_held.contains(unit)) {
            voice.notes.push_back(say(k_left_stopped, unit));
            continue;
        }
        voice.progress(say(k_restarting, unit));
        if (const std::optional<Text> failure = restart(unit)) {
            voice.warnings.push_back(*failure);
        }
    }
    m_held.clear();
}

// ── none of its code runs ───────────────────────────────────────────────────────────────────────────────

Result<Part::Running> BackendPart::running() {
    bool is_through = false;
    const auto of = [&](const std::vector<std::string>& all) -> Result<std::vector<std::string>> {
        std::vector<std::string> names;
        for (const std::string& name : all) {
            const Result<UnitState> unit = m_world.services.unit(name, k_to_look);
            LECTIO_TRY(unit);
            if (unit->active_state != "inactive" && unit->active_state != "failed") {
                names.push_back(name);
                is_through = is_through || unit->active_state != "activating";
            }
        }
        return names;
    };
    Result<std::vector<std::string>> workers = of(m_workers), web = of(m_web);
    LECTIO_TRY(workers);
    LECTIO_TRY(web);
    return Running{std::move(*workers), std::move(*web), is_through};
}

Part::Step BackendPart::hold(const std::string& unit, SteadyTime until, const Voice& voice) {
    were_held({unit});
    voice.progress(say(k_stopping, unit));
    const Duration limit = left(until, k_longest_start);
    const Result<JobResult> job = m_world.services.act(unit, Services::Verb::stop, limit);
    if (!job) {
        return Refusal{say(k_not_stopped, unit, error_words(job.error().message))};
    }
    // Its job goes on, until a start takes its place.
    if (job->result == k_no_answer && !stop_requested()) {
        return Refusal{say(k_still_stopping, unit, format_duration(limit)), say(k_no_unit_hint, unit)};
    }
    return job->result == "done"
               ? Step{}
               : Step(Refusal{say(k_not_stopped, unit, verbatim(job->result)), say(k_no_unit_hint, unit)});
}

void BackendPart::were_held(const std::vector<std::string>& units) {
    m_held.insert(units.begin(), units.end());
}

void BackendPart::let_go(Waiting waiting, const Voice& voice) {
    for (const std::vector<std::string>* some : {&m_web, &m_workers}) {
        for (const std::string& unit : *some) {
            if (!m_held.contains(unit)) {
                continue;
            }
            voice.progress(say(k_starting, unit));
            const bool waits = waiting == Waiting::until_started;
            const Result<JobResult> job =
                m_world.services.act(unit, Services::Verb::start, waits ? k_longest_start : k_to_ask);
            if (!job || (waits && job->result != "done")) {
                voice.warnings.push_back(
                    say(k_not_started, unit, job ? verbatim(job->result) : error_words(job.error().message)));
            }
        }
    }
    m_held.clear();
}

} // namespace lectio::release
