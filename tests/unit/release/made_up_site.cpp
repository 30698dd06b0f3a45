#include "made_up_site.h"

#include "django_site.h"
#include "platform/postgres.h"
#include "platform/sqlite.h"
#include "release/frontend_part.h"
#include "release/site_database.h"
#include "snapshots/sqlite_snapshot.h"
#include "util/number.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lectio::release {
namespace {

class MadeUpSource final : public BuildSource {
  public:
    MadeUpSource(const Build& build, ReleaseDisk& disk, Clock& clock)
        : m_build(build), m_disk(disk), m_clock(clock) {}
    [[nodiscard]] std::string name() const override { return "/srv/build"; }
    Result<Received> bring(const Path& folder) override {
        LECTIO_TRY(m_disk.make_folder(folder));
        for (const auto& [path, content] : m_build) {
            std::filesystem::create_directories((folder / path).parent_path());
            spill(folder / path, content);
        }
        Result<TreeManifest> tree = read_tree(folder, m_clock, m_clock.steady() + std::chrono::minutes(1));
        LECTIO_TRY(tree);
        Received received;
        received.tree = std::move(*tree);
        return received;
    }

  private:
    const Build& m_build;
    ReleaseDisk& m_disk;
    Clock& m_clock;
};

constexpr const char* k_first_table =
    "CREATE TABLE lessons_lesson (id INTEGER PRIMARY KEY, title VARCHAR(40) NOT NULL, notes TEXT NOT NULL)";
constexpr const char* k_second_table = "CREATE TABLE app_room (id INTEGER PRIMARY KEY)";
constexpr const char* k_new_column = "ALTER TABLE lessons_lesson ADD COLUMN room TEXT NULL";
constexpr const char* k_lost_column = "ALTER TABLE lessons_lesson DROP COLUMN notes";
constexpr const char* k_visit =
    "INSERT INTO lessons_lesson (title, notes) VALUES ('by the code of today', '')";
constexpr const char* k_visit_without_notes = "INSERT INTO lessons_lesson (title) VALUES ('by the new code')";

Database open_database(const Path& path) {
    SystemClock clock;
    return std::move(Database::at(std::filesystem::canonical(path), Database::Access::read_write, clock,
                                  clock.steady() + std::chrono::minutes(2)))
        .value();
}

void do_in(Database& database, const std::string& sql) {
    if (const Result<void> done = database.run(sql); !done) {
        throw std::runtime_error(done.error().message);
    }
}

bool has_in_schema(const Path& path, const std::string& word) {
    Database database = open_database(path);
    return database.number("SELECT count(*) FROM sqlite_master WHERE sql LIKE '%" + word + "%'").value() > 0;
}

// The first value that it answers; empty: none.
std::string ask_postgres(const std::string& url, const std::string& sql) {
    SystemClock clock;
    Result<PostgresConnection> connection =
        PostgresConnection::at({Secret(url), "", clock.steady() + std::chrono::minutes(2)}, clock);
    const Result<std::vector<PostgresRow>> rows =
        connection ? connection->statement(sql) : connection.error();
    if (!rows) {
        throw std::runtime_error(rows.error().message);
    }
    return rows->empty() ? std::string() : rows->front().front().value_or("");
}

class PageGate final : public LiveGate {
  public:
    explicit PageGate(const MadeUpSite& site) : m_site(site) {}
    [[nodiscard]] bool has_checks() const override { return true; }
    [[nodiscard]] bool has_walk() const override { return false; }
    [[nodiscard]] std::vector<std::string> names() const override { return {"site"}; }
    Look look(SteadyTime) override {
        if (m_site.on_look) {
            m_site.on_look();
        }
        // What visitors of a backend meet is what its unit runs.
        const auto runs = m_site.running.find("web.service");
        const bool is_backend = m_site.kind() == Kind::backend;
        std::string page = !is_backend ? m_site.page() : runs == m_site.running.end() ? "" : runs->second;
        if (m_site.kinds().size() > 1 && !page.empty()) {
            page += m_site.page(Kind::frontend);
        }
        if (m_site.has_database()) { // somebody uses the site while it is looked at
            m_site.change_database(m_site.has_column("lessons_lesson", "notes") ? k_visit
                                                                                : k_visit_without_notes);
            ++m_site.visits;
        }
        const bool turned = m_site.red_after_swaps >= 0 &&
                            m_site.disk.pointed >= m_site.swaps_before + m_site.red_after_swaps;
        const bool good =
            !m_site.always_red && !turned && !page.empty() && page.find(m_site.fails_on) == std::string::npos;
        return {
            {{"site", good ? Status::ok : Status::critical, verbatim(good ? "good" : "the page is broken")}}};
    }
    Look walk() override { return {}; }
    void begin_to_count() override { m_counts = true; }
    void count_again() override { m_has_counted_page = false; }
    std::optional<Text> too_many_errors() override {
        return !m_counts            ? std::nullopt
               : m_has_counted_page ? std::optional(verbatim("the page's own answers are errors"))
                                    : m_site.errors;
    }
    std::optional<Text> unseen_page(std::string_view text, SteadyTime) override {
        if (m_site.hides_page) {
            return verbatim("the web server does not look for it");
        }
        const Result<std::string> page = SystemFiles().read(m_site.maintenance_page(), 1_MB);
        const bool is_there = page && page->find(text) != std::string::npos;
        m_has_counted_page |= is_there && m_counts;
        return is_there ? std::nullopt : std::optional(verbatim("there is none"));
    }

  private:
    const MadeUpSite& m_site;
    bool m_counts = false, m_has_counted_page = false;
};

class MadeUpInspector final : public BuildInspector {
  public:
    explicit MadeUpInspector(const MadeUpSite& site) : m_site(site) {}
    std::vector<Flaw> inspect(const Path&, const TreeManifest&, const Release*,
                              const std::vector<Release>&) override {
        return m_site.flaws;
    }
    std::optional<Flaw> hidden_from_visitors(const Path&) override { return std::nullopt; }

  private:
    const MadeUpSite& m_site;
};

std::string script_of(const std::string& page) {
    const std::size_t begin = page.find("static/");
    return begin == std::string::npos ? std::string() : page.substr(begin, page.find('"', begin) - begin);
}

} // namespace

Result<void> FusedDisk::append_synced(const Path& file, Bytes after, std::string_view content, mode_t mode) {
    if (refuses_record && content.find("\"mark\":\"" + *refuses_record) != std::string_view::npos) {
        return Error{ErrorKind::no_space, "unable to write the journal: No space left on device"};
    }
    if (!dies_at_record.empty() &&
        content.find("\"mark\":\"" + dies_at_record + "\"") != std::string_view::npos) {
        if (dies_after_it) {
            static_cast<void>(m_real.append_synced(file, after, content, mode));
        }
        m_fuse.length = 0;
    }
    m_fuse.burn();
    if (m_fuse.is_next_the_last()) { // the power goes in the middle of it
        static_cast<void>(m_real.append_synced(file, after, content.substr(0, content.size() / 2), mode));
    }
    return m_fuse.around([&] { return m_real.append_synced(file, after, content, mode); });
}
Result<void> FusedDisk::lay_link(const Path& name, const std::string& target) {
    return m_fuse.around([&] { return m_real.lay_link(name, target); });
}
Result<void> FusedDisk::point(const Path& name, const std::string& target) {
    if (refuse_point > 0) {
        --refuse_point;
        return Error{ErrorKind::no_space, "unable to lay the link: No space left on device"};
    }
    ++pointed;
    return m_fuse.around([&] { return m_real.point(name, target); });
}
Result<void> FusedDisk::exchange(const Path& first, const Path& second) {
    return m_fuse.around([&] { return m_real.exchange(first, second); });
}
Result<void> FusedDisk::make_folder(const Path& folder) {
    return m_fuse.around([&] {
        if (folder.filename().string().starts_with(
                ".incoming")) { // a snapshot's file is synced by who writes it
            m_unsynced.insert(folder);
        }
        return folder.filename() == refuses_folder ? Error{ErrorKind::io, "No space left"}
                                                   : m_real.make_folder(folder);
    });
}
Result<void> FusedDisk::move(const Path& from, const Path& to) {
    if (from.filename() == refuses_moves_of) {
        return Error{ErrorKind::no_space, "unable to move: No space left on device"};
    }
    return m_fuse.around([&] {
        m_unsynced.erase(from);
        m_unsynced.insert(to);
        Result<void> moved = m_real.move(from, to);
        if (moved && on_moved) {
            on_moved(from);
        }
        return moved;
    });
}
Result<void> FusedDisk::remove_tree(const Path& root) {
    return m_fuse.around([&] {
        m_unsynced.erase(root);
        return m_real.remove_tree(root);
    });
}
Result<void> FusedDisk::sync(const Path&) {
    return m_fuse.around([&] { // of all file systems of a busy machine, a thousand times: not here
        m_unsynced.clear();
        m_unsynced_links.clear();
        return Result<void>{};
    });
}
Result<std::vector<std::string>> FusedDisk::link_files(const Path& from, const Path& to,
                                                       const std::vector<std::string>& paths) {
    return m_fuse.around([&] {
        for (const std::string& path : paths) {
            if (!std::filesystem::exists(to / path)) {
                m_unsynced_links.insert(to / path);
            }
        }
        return m_real.link_files(from, to, paths);
    });
}
Result<void> FusedDisk::lay_links(const Path& root, const std::vector<NewLink>& links) {
    return m_fuse.around([&] { return m_real.lay_links(root, links); });
}
Result<void> FusedDisk::touch(const Path& root, const std::vector<std::string>& paths, WallTime time) {
    return m_fuse.around([&] { return m_real.touch(root, paths, time); });
}
Result<TreeRepair> FusedDisk::set_rights(const Path& root, const TreeRules& rules) {
    return m_fuse.around([&] { return m_real.set_rights(root, rules); });
}

void FusedDisk::power_cut() {
    for (const Path& link : m_unsynced_links) {
        std::filesystem::remove(link);
    }
    for (const Path& folder : m_unsynced) {
        std::error_code gone;
        for (const auto& file : std::filesystem::recursive_directory_iterator(folder, gone)) {
            if (file.is_symlink() || !file.is_regular_file()) {
                continue;
            }
            if (file.hard_link_count() > 1) {
                std::filesystem::remove(file.path()); // the other name is of a release that is on the disk
            } else {
                spill(file.path(), "");
            }
        }
    }
}

Result<void> FusedFiles::create_synced(const Path& path, std::string_view content, mode_t mode) {
    return m_fuse.around([&] { return m_real.create_synced(path, content, mode); });
}
Result<void> FusedFiles::rename(const Path& from, const Path& to) {
    return m_fuse.around([&] { return m_real.rename(from, to); });
}
Result<void> FusedFiles::append(const Path& path, std::string_view content, mode_t mode) {
    return m_fuse.around([&] { return m_real.append(path, content, mode); });
}
Result<void> FusedFiles::remove(const Path& path) {
    return m_fuse.around([&] { return m_real.remove(path); });
}
Result<void> FusedFiles::make_folders(const Path& folder, mode_t mode) {
    return m_fuse.around([&] { return m_real.make_folders(folder, mode); });
}
Result<void> FusedFiles::link(const Path& from, const Path& to) {
    return m_fuse.around([&] { return m_real.link(from, to); });
}

Result<ProcessAnswer> FusedPrograms::run(const ProcessRequest& request) {
    const std::string name = Path(request.command.front()).filename().string();
    started.push_back(name);
    ProcessAnswer good;
    good.exit_status = 0;
    if (name == "server") { // the canary: in a thread of its own, where no fuse can burn
        while (!request.enough()) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        return good;
    }
    if (name == "pg_dump" && !pg_dump_version.empty()) {
        good.out = pg_dump_version + "\n";
        return good;
    }
    const std::array<std::string_view, 4> of_backups{"pg_dump", "pg_restore", "pg_dumpall", "tar"};
    if (std::find(of_backups.begin(), of_backups.end(), name) != of_backups.end()) {
        return m_fuse.around([&] { return SystemProcesses().run(request); });
    }
    return m_fuse.around([&]() -> Result<ProcessAnswer> {
        ProcessAnswer answer = good;
        if (name == fails) {
            answer.exit_status = 1;
            answer.err = name + " is broken\n";
        } else if (name == "gather") {
            spill(Path(request.folder) / "gathered.css", "body{}");
        } else if (name == "check") {
            return answer;
        } else if (name == "git") {
            answer.out = untracked;
        } else if (!request.input.empty()) { // the program that copies an environment
            std::filesystem::copy(request.command[3], request.command[4],
                                  std::filesystem::copy_options::recursive);
            environments.push_back("copied");
        } else if (request.command[1] == "-m") {
            std::filesystem::create_directories(request.command[3]);
        } else if (name == "pip") {
            spill(Path(request.folder) / "venv/packages", slurp(Path(request.folder) / "requirements.txt"));
            environments.push_back("installed");
        } else if (request.command[1] == "manage.py") {
            return manage(request);
        }
        return answer;
    });
}

ProcessAnswer FusedPrograms::manage(const ProcessRequest& request) {
    if (asks_django) {
        if (on_migrate && request.command[2] == "migrate") {
            on_migrate();
        }
        ProcessRequest real = request;
        real.command.front() = python_with_django();
        real.user.clear();
        return SystemProcesses().run(real).value();
    }
    ProcessAnswer answer;
    answer.exit_status = 0;
    const std::string& word = request.command[2];
    const bool waits = !pending.empty() && (database.empty() || !has_in_schema(database, "room TEXT"));
    if (word == "showmigrations") {
        answer.out = waits ? "[ ]  " + pending + "\n" : "[X]  app.0001_initial\n";
    } else if (word == "shell") {
        answer.out = "lectio-migrations: {\"migrations\": [{\"name\": \"" + pending + "\", \"class\": \"" +
                     what_it_does +
                     "\", \"because\": [\"Remove field notes from lesson\"], \"atomic\": true, \"safe\": " +
                     (is_rollback_safe ? "true" : "false") +
                     "}], \"before\": {\"app\": \"0001_initial\"},"
                     " \"engine\": \"sqlite\", \"database\": \"data/db.sqlite3\"}\n";
    } else if (word == "migrate" && request.command.back() == "0001_initial") {
        take_back(answer);
    } else if (word == "migrate") {
        migrate_limit = request.timeout;
        if (on_migrate) {
            on_migrate();
        }
        Database opened = open_database(database);
        if (!has_in_schema(database, "app_room")) {
            do_in(opened, k_second_table);
        }
        m_fuse.burn();
        if (migration_fails) {
            answer.exit_status = 1;
            answer.err = "the migration fails\n";
        } else if (waits) {
            do_in(opened, k_new_column);
            if (what_it_does != "additive" && !is_rollback_safe) {
                do_in(opened, k_lost_column);
            }
        }
    }
    return answer;
}

// Each part of it as a migration of its own.
void FusedPrograms::take_back(ProcessAnswer& answer) {
    Database opened = open_database(database);
    if (has_in_schema(database, "room TEXT")) {
        do_in(opened, "ALTER TABLE lessons_lesson DROP COLUMN room");
    }
    m_fuse.burn();
    if (reverse_fails) {
        answer.exit_status = 1;
        answer.err = "the way back fails\n";
    } else if (has_in_schema(database, "app_room") && !reverse_lies) {
        do_in(opened, "DROP TABLE app_room");
    }
}

Build build_of(const std::string& word) {
    const std::string script = "static/js/main." + word + "1a2b.js";
    return {{"index.html", "<html>" + word + "<script src=\"/" + script + "\"></script></html>"},
            {script, "say('" + word + "')"},
            {"manage.py", "import " + word},
            {"requirements.txt", "django==4.2\n"}};
}

MadeUpSite::MadeUpSite(Kind kind) : m_kind(kind) {
    std::filesystem::create_directories(served() / "static/js");
    std::filesystem::create_directories(served() / "data");
    if (kind == Kind::backend) {
        spill(served() / "data/db.sqlite3", "rows of visitors");
    }
    services.units["web.service"] = running_unit("web.service");
    services.units["celery.service"] = running_unit("celery.service");
    services.units["celery.service"].exec_start_pre = {{"/usr/local/bin/lectio-deploy", "gate", "workers"}};
    services.units["web.socket"] = running_unit("web.socket");
    UnitState& web = services.units["web.service"];
    web.triggered_by = {"web.socket"};
    web.exec_start_pre = {{"/usr/local/bin/lectio-deploy", "gate", "web"}};
    services.on_job = [this](UnitState& unit, Services::Verb verb) {
        return fuse.around([&]() -> JobResult {
            if (verb == Services::Verb::stop) {
                running.erase(unit.id);
                unit.active_state = "inactive";
                return {"done", Duration(10)};
            }
            if (verb == Services::Verb::start && unit.active_state == "active") {
                return {"done", Duration(10)};
            }
            const std::string word = word_served();
            running[unit.id] = word;
            const bool good = refuses_to_start.empty() || word.find(refuses_to_start) == std::string::npos;
            unit.active_state = good ? "active" : "failed";
            return {good ? "done" : "failed", Duration(10)};
        });
    };
    bare.http.on_any([this](const HttpRequest&) {
        HttpAnswer answer;
        answer.phase = HttpAnswer::Phase::done;
        answer.status = canary_is_broken ? 500 : 200;
        return answer;
    });
    for (const auto& [path, content] : build_of("first")) {
        spill(served() / path, content);
    }
    std::filesystem::create_directories(folder / "run");
}

template<class Act>
auto MadeUpSite::with_transactions(Act&& act) {
    World made_up{bare.clock, files, bare.host, bare.http, programs, services, bare.redis};
    World beside_a_server{sleepless, files, host, bare.http, programs, services, bare.redis};
    World& world = programs.postgres.empty() ? made_up : beside_a_server;
    PageGate gate(*this);
    MadeUpInspector inspector(*this);
    const Progress progress = [this](const Text& line) { told.push_back(line.en); };
    std::map<Kind, Shelf> shelves;
    std::map<Kind, std::unique_ptr<Part>> parts;
    Transactions transactions;
    for (const Kind each : kinds()) {
        Site site;
        site.places = places(each);
        site.marker = folder / "run" / "deploy_in_progress";
        site.host_lock = folder / "run" / "host.lock";
        site.deploy.keep = keep;
        site.deploy.min_free = 1_kB;
        site.deploy.maintenance_page = has_maintenance_page ? maintenance_page().string() : "";
        site.lang = Lang::en;
        site.longest_fence = longest_fence;
        site.wait_for_users = std::chrono::seconds(2);
        Shelf& own = shelves.emplace(each, shelf(each)).first->second;
        if (each == Kind::frontend) {
            FrontendPart::Settings settings;
            settings.keep_assets = std::chrono::hours(24 * 14);
            settings.keep = keep;
            parts[each] = std::make_unique<FrontendPart>(settings, own, disk, inspector, bare.clock);
        } else {
            parts[each] = std::make_unique<BackendPart>(backend_settings(), own, disk, world);
        }
        transactions.try_emplace(each, world, disk, site, gate, *parts[each], progress);
    }
    if (transactions.size() > 1) {
        transactions.at(Kind::backend).lead(transactions.at(Kind::frontend));
    }
    swaps_before = disk.pointed;
    bare.clock.advance(std::chrono::seconds(1)); // ids sort by seconds
    return act(transactions);
}

template<class Act>
auto MadeUpSite::with_transaction(Act&& act) {
    return with_transactions([&](Transactions& all) { return act(all.at(m_kind)); });
}

BackendPart::Settings MadeUpSite::backend_settings() const {
    BackendPart::Settings settings;
    settings.deploy.path = served();
    settings.deploy.venv = "venv";
    settings.deploy.install = {"venv/bin/pip", "install", "-r", "requirements.txt"};
    settings.deploy.migrate = {"venv/bin/python", "manage.py", "migrate", "--noinput"};
    settings.deploy.collect = {"bin/gather"};
    settings.deploy.check = {"bin/check"};
    settings.deploy.canary = CanarySettings{{"bin/server", "{socket}"}, "/health"};
    settings.deploy.shared = {"data", "data/below"};
    settings.deploy.units = {"web", "celery"};
    settings.deploy.database = Secret(database_key);
    settings.deploy.timeout = std::chrono::minutes(2);
    settings.most_held = most_held;
    settings.deploy.socket = socket;
    // Nothing is run: any user but root will do.
    settings.user = ::geteuid() == 0 ? find_user("nobody").value() : find_user(::geteuid()).value();
    return settings;
}

Outcome MadeUpSite::release(const Build& build, const Wishes& wishes) {
    MadeUpSource source(build, disk, bare.clock);
    return with_transaction([&](Transaction& transaction) { return transaction.release(source, wishes); });
}

Outcome MadeUpSite::release_both(const Build& code, const Build& frontend, const Wishes& wishes) {
    MadeUpSource source(code, disk, bare.clock);
    MadeUpSource other(frontend, disk, bare.clock);
    return with_transaction(
        [&](Transaction& transaction) { return transaction.release_both(source, other, wishes); });
}

Outcome MadeUpSite::roll_back(const std::optional<std::string>& to, const Wishes& wishes) {
    return with_transaction([&](Transaction& transaction) { return transaction.roll_back(to, wishes); });
}

Outcome MadeUpSite::adopt(const Wishes& wishes) {
    return with_transaction([&](Transaction& transaction) { return transaction.adopt(wishes); });
}

Outcome MadeUpSite::abandon() {
    return with_transaction([](Transaction& transaction) { return transaction.abandon({}); });
}

std::vector<Outcome> MadeUpSite::recover(Transaction::Asking asking, WordOnDatabase word) {
    return with_transactions([&](Transactions& all) { return recover(all, asking, word); });
}

std::vector<Outcome> MadeUpSite::recover(Transactions& all, Transaction::Asking asking,
                                         WordOnDatabase word) const {
    std::vector<Outcome> outcomes;
    for (const Kind each : kinds()) {
        for (Outcome& outcome : all.at(each).recover(asking, word)) {
            outcomes.push_back(std::move(outcome));
        }
    }
    return outcomes;
}

void MadeUpSite::add_frontend() {
    m_has_frontend = true;
    if (std::filesystem::exists(served(Kind::frontend))) {
        return;
    }
    for (const auto& [path, content] : build_of("first")) {
        std::filesystem::create_directories((served(Kind::frontend) / path).parent_path());
        spill(served(Kind::frontend) / path, content);
    }
}

std::vector<Kind> MadeUpSite::kinds() const {
    return m_has_frontend ? std::vector{m_kind, Kind::frontend} : std::vector{m_kind};
}

void MadeUpSite::use_database() {
    programs.database = served() / "data/db.sqlite3";
    database_key = "sqlite:data/db.sqlite3";
    spill(programs.database, "");
    change_database(k_first_table);
}

void MadeUpSite::use_postgres(const std::string& url) {
    programs.postgres = url;
    database_key = url;
}

std::string MadeUpSite::ask_server(const std::string& sql) const {
    return ask_postgres(programs.postgres, sql);
}

bool MadeUpSite::killed(const std::function<void()>& act) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        throw std::runtime_error("no pipe");
    }
    const pid_t child = ::fork();
    if (child == 0) {
        const auto end = [&](char how) { // units go on as they are, and so do visitors
            std::string seen = how + std::to_string(visits) + " " +
                               std::to_string(bare.clock.steady().time_since_epoch().count());
            for (const auto& [name, unit] : services.units) {
                seen += "\n" + name + " " + unit.active_state + " " + running[name];
            }
            ::_exit(::write(ends[1], seen.data(), seen.size()) > 0 ? 0 : 1);
        };
        fuse.at_end = [&] { end('k'); };
        try {
            act();
        } catch (...) {
            end('x');
        }
        end('d');
    }
    ::close(ends[1]);
    std::string seen(4096, '\0');
    seen.resize(static_cast<std::size_t>(std::max<ssize_t>(::read(ends[0], seen.data(), seen.size()), 0)));
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    std::istringstream lines(seen);
    char how = '?';
    std::int64_t steady = 0;
    std::string line;
    lines >> how >> visits >> steady;
    bare.clock.advance(std::chrono::ceil<Duration>(std::chrono::nanoseconds(steady) -
                                                   bare.clock.steady().time_since_epoch()));
    std::getline(lines, line);
    while (std::getline(lines, line)) {
        std::istringstream words(line);
        std::string name, state, word;
        words >> name >> state >> word;
        services.units[name].active_state = state;
        running[name] = word;
        if (word.empty()) {
            running.erase(name);
        }
    }
    fuse = {};
    disk.dies_at_record.clear();
    if (how != 'k' && how != 'd') {
        throw std::runtime_error("the process has ended in another way");
    }
    return how == 'k';
}

bool MadeUpSite::has_column(const std::string& table, const std::string& column) const {
    return programs.postgres.empty()
               ? has_in_schema(programs.database, column + "%TEXT")
               : !ask_postgres(programs.postgres,
                               "SELECT 1 FROM information_schema.columns WHERE table_name = '" + table +
                                   "' AND column_name = '" + column + "'")
                      .empty();
}

std::string MadeUpSite::schema() {
    SystemClock clock;
    if (!programs.postgres.empty()) {
        World world{clock, files, bare.host, bare.http, programs, services, bare.redis};
        return postgres_database(Secret(programs.postgres), folder / "state/deploy/scratch", world, disk)
            ->schema(clock.steady() + std::chrono::minutes(2))
            .value();
    }
    return snapshots::schema_of_sqlite(std::filesystem::canonical(programs.database), clock,
                                       clock.steady() + std::chrono::minutes(2))
        ->hash;
}

std::int64_t MadeUpSite::rows() const {
    if (!programs.postgres.empty()) {
        return number_from<std::int64_t>(
                   ask_postgres(programs.postgres, "SELECT count(*) FROM lessons_lesson"))
            .value();
    }
    return open_database(programs.database).number("SELECT count(*) FROM lessons_lesson").value();
}

void MadeUpSite::change_database(const std::string& sql) const {
    if (!programs.postgres.empty()) {
        ask_postgres(programs.postgres, sql);
        return;
    }
    Database database = open_database(programs.database);
    do_in(database, sql);
}

void MadeUpSite::power_cut() {
    disk.power_cut();
    files.power_cut();
    for (const auto& file : std::filesystem::directory_iterator(folder / "run")) {
        std::filesystem::remove(file); // it lies in memory
    }
}

void MadeUpSite::boot() {
    for (auto& [name, unit] : services.units) {
        if (name.ends_with(".socket")) {
            continue;
        }
        running[name] = word_served();
        unit.active_state = "active";
    }
}

Outcome MadeUpSite::recover_and_release(const Build& build) {
    MadeUpSource source(build, disk, bare.clock);
    return with_transactions([&](Transactions& all) {
        recover(all, Transaction::Asking::possible, WordOnDatabase::none);
        return all.at(m_kind).release(source, {});
    });
}

std::string MadeUpSite::word_served(Kind kind) const {
    const std::string script = script_of(page(kind));
    return script.substr(script.find("main.") + 5);
}

std::string MadeUpSite::page(Kind kind) const {
    const Result<std::string> page = SystemFiles().read(served(kind) / "index.html", 1_MB);
    return page.value_or({});
}

bool MadeUpSite::has(const std::string& path) const {
    return std::filesystem::exists(served() / path);
}

bool MadeUpSite::serves_whole(const std::string& word, Kind kind) const {
    const std::string script = script_of(page(kind));
    return page(kind).find(word) != std::string::npos && !script.empty() &&
           std::filesystem::exists(served(kind) / script) &&
           slurp(served(kind) / script).find(word) != std::string::npos;
}

Places MadeUpSite::places(Kind kind) const {
    return {served(kind), served(kind).parent_path() / ".lectio-releases", folder / "state" / "deploy", kind};
}

Shelf MadeUpSite::shelf(Kind kind) {
    return {files, disk, places(kind)};
}

std::string MadeUpSite::served_id(Kind kind) {
    return shelf(kind).served()->id;
}

std::vector<Release> MadeUpSite::releases(Kind kind) {
    return shelf(kind).records()->releases;
}

std::optional<Release> MadeUpSite::record(const std::string& id) {
    const std::vector<Release> all = releases(kind_of_id(id));
    const Release* found = find(all, id);
    return found == nullptr ? std::nullopt : std::optional(*found);
}

std::vector<Shelf::Past> MadeUpSite::journals() {
    std::vector<Shelf::Past> all;
    for (const Kind each : kinds()) {
        const std::vector<Shelf::Past> some = shelf(each).journals().value();
        all.insert(all.end(), some.begin(), some.end());
    }
    return all;
}

std::vector<std::string> MadeUpSite::left_over() const {
    std::vector<std::string> names;
    for (const Kind each : kinds()) {
        for (const Path& where : {served(each).parent_path(), places(each).releases}) {
            const Result<std::vector<std::string>> all = SystemFiles().list(where);
            for (const std::string& name : all.value_or({})) {
                if (name.starts_with(".incoming") || name.starts_with(".lectio-laying")) {
                    names.push_back(name);
                }
            }
        }
    }
    return names;
}

} // namespace lectio::release
