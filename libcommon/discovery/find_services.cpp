// Servers that run, by their units, and how each of them is asked whether it is well.
#include "discovery/ask.h"
#include "discovery/finder.h"
#include "platform/files.h"
#include "util/text.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace lectio {
namespace {

using Role = Program::Role;

constexpr Phrase k_unit{"{} runs as this unit", "юнит, в котором работает {}"};
constexpr Phrase k_django{"{} runs as this unit, for the Django project in {}",
                          "юнит, в котором работает {} (проект Django в {})"};
constexpr Phrase k_program{"{} is running", "на сервере работает {}"};
constexpr Phrase k_workers{"gunicorn serves {}: its main process and a worker at least",
                           "gunicorn обслуживает {}: главный процесс и хотя бы один рабочий"};
constexpr Phrase k_open{"{} answers at {}", "{} отвечает по адресу {}"};
constexpr Phrase k_locked{
    "{} at {} wants a password: give it in a check of type redis to have it asked",
    "{} по адресу {} просит пароль: чтобы опрашивать его, укажите пароль в проверке типа redis"};
constexpr Phrase k_celery{"Celery's workers listen at {}, database {}",
                          "рабочие процессы Celery слушают {}, база {}"};

// "(^|/)" and not "^": the path in front of a name is nobody's business.
std::string escaped(std::string_view text) {
    std::string pattern;
    for (const char c : text) {
        pattern += std::string_view("\\^$.[]|()?*+{}").find(c) == std::string_view::npos ? "" : "\\";
        pattern += c;
    }
    return pattern;
}

// The project that the program serves: the folder of manage.py, which is the working folder or just below it.
Path django_project(Finder& finder, const RunningProgram& program) {
    if (program.folder.empty() ||
        (program.program.role != Role::application && program.program.name != "celery")) {
        return {};
    }
    const std::string module = application_module(program.program);
    for (const Path& folder : {program.folder, program.folder / module.substr(0, module.find('.'))}) {
        const Result<FileInfo> manage = finder.files.info(folder / "manage.py");
        if (manage && manage->type == FileInfo::Type::regular) {
            return folder;
        }
    }
    return {};
}

void add_running(Finder& finder, const RunningProgram& program) {
    const Path project = django_project(finder, program);
    if (!project.empty()) {
        finder.hold(project);
    }
    FoundCheck check;
    check.name = Finder::base_name(program);
    check.about = Finder::about_running(program);
    if (!program.unit.empty()) {
        check.type = "systemd";
        check.keys.emplace_back("unit", toml_text(program.unit));
        check.why = project.empty() ? say(k_unit, program.program.name)
                                    : say(k_django, program.program.name, clean_line(project.string()));
    } else {
        const std::string module = application_module(program.program);
        const std::string rest = module.empty() ? "([ :]|$)" : "[ :].*" + escaped(module);
        check.type = "process";
        check.keys.emplace_back("match", toml_text("(^|[/ ])" + escaped(program.program.name) + rest));
        check.why = say(k_program, program.program.name);
    }
    finder.add(std::move(check));
}

// A main process whose workers all die is still a running unit.
void add_workers(Finder& finder, const RunningProgram& program) {
    const std::string module = application_module(program.program);
    if (program.program.name != "gunicorn" || module.empty() || program.unit.empty()) {
        return;
    }
    finder.add({Finder::base_name(program) + "-workers",
                "workers " + module,
                "process",
                {{"match", toml_text("gunicorn.*" + escaped(module))}, {"min", "2"}},
                {Finder::about_running(program)},
                say(k_workers, module)});
}

// Where these programs keep what they would be useless without.
void hold_data(Finder& finder, const RunningProgram& program) {
    struct Home {
        std::string_view program, folder;
    };
    constexpr std::array k_homes{
        Home{"redis-server", "/var/lib/redis"}, Home{"postgres", "/var/lib/postgresql"},
        Home{"mariadbd", "/var/lib/mysql"},     Home{"mysqld", "/var/lib/mysql"},
        Home{"mongod", "/var/lib/mongodb"},     Home{"dockerd", "/var/lib/docker"}};
    for (const Home& home : k_homes) {
        if (home.program == program.program.name) {
            finder.hold(home.folder);
        }
    }
}

// ── Redis and Celery ───────────────────────────────────────────────────────────────────────────────────────

class RedisFinder {
  public:
    RedisFinder(Finder& finder, const RunningProgram& program, const OwnedListener& listener)
        : m_finder(finder), m_program(program) {
        const Listener& socket = listener.listener;
        m_port = socket.port;
        m_where = m_port == 0 ? socket.address : host_and_port(address_to_ask(socket.address), m_port);
        m_about = "redis " + m_where;
    }

    void find() {
        if (m_finder.settled(m_about) != nullptr && !wants_celery()) {
            reuse();
            return;
        }
        const Duration time = m_finder.time_to_ask();
        const RedisAnswer answer =
            time == Duration::zero() ? RedisAnswer{} : ask_redis(m_finder.world, url(0), time);
        if (answer.kind == RedisAnswer::Kind::open) {
            add_redis();
            for (const int database : answer.celery) {
                add_celery(database);
            }
        } else if (m_finder.settled(m_about) != nullptr) {
            reuse();
        } else if (m_port != 0) {
            add_port(answer.kind == RedisAnswer::Kind::locked);
        }
    }

  private:
    // Its workers are asked for until they have been found.
    [[nodiscard]] bool wants_celery() const {
        return celery_runs() && std::none_of(m_finder.known.checks.begin(), m_finder.known.checks.end(),
                                             [&](const FoundCheck& check) { return is_own_celery(check); });
    }

    [[nodiscard]] bool celery_runs() const {
        return std::any_of(m_finder.view.programs.begin(), m_finder.view.programs.end(),
                           [](const RunningProgram& each) { return each.program.name == "celery"; });
    }

    [[nodiscard]] bool is_own_celery(const FoundCheck& check) const {
        return check.about.starts_with("celery " + m_where + " ");
    }

    void reuse() {
        m_finder.add(*m_finder.settled(m_about));
        for (const FoundCheck& check : m_finder.known.checks) {
            if (is_own_celery(check) && celery_runs()) {
                m_finder.add(check);
            }
        }
        cover();
    }

    // As the checks want it: redis://127.0.0.1:6379/0, unix:///run/redis/redis.sock?db=0
    [[nodiscard]] std::string url(int database) const {
        return m_port == 0 ? fmt::format("unix://{}?db={}", m_where, database)
                           : fmt::format("redis://{}/{}", m_where, database);
    }

    // kombu has a scheme of its own for sockets.
    [[nodiscard]] std::string broker(int database) const {
        return m_port == 0 ? fmt::format("redis+socket://{}?virtual_host={}", m_where, database)
                           : url(database);
    }

    void cover() {
        if (m_port != 0) {
            m_finder.cover(m_port);
        }
    }

    void add_redis() {
        m_finder.add({m_port == 0 || m_port == 6379 ? "redis" : fmt::format("redis-{}", m_port),
                      m_about,
                      "redis",
                      {{"url", toml_text(url(0))}, {"memory", "{ warn = \"80%\", critical = \"95%\" }"}},
                      {Finder::about_running(m_program)},
                      say(k_open, m_program.program.name, clean_line(m_where))});
        cover();
    }

    void add_port(bool is_locked) {
        m_finder.add({fmt::format("redis-{}", m_port),
                      m_about,
                      "tcp",
                      {{"address", toml_text(m_where)}},
                      {Finder::about_running(m_program)},
                      say(is_locked ? k_locked : k_open, m_program.program.name, m_where),
                      false});
        cover();
    }

    void add_celery(int database) {
        FoundCheck check;
        check.name = "celery";
        check.about = fmt::format("celery {} {}", m_where, database);
        check.type = "celery";
        check.keys.emplace_back("broker", toml_text(broker(database)));
        check.needs.push_back(m_about);
        for (const RunningProgram& each : m_finder.view.programs) {
            const std::vector<std::string>& words = each.program.words;
            if (each.program.name == "celery" &&
                std::find(words.begin(), words.end(), "worker") != words.end()) {
                check.needs.push_back(Finder::about_running(each));
            }
        }
        check.why = say(k_celery, clean_line(m_where), database);
        m_finder.add(std::move(check));
    }

    Finder& m_finder;
    const RunningProgram& m_program;
    std::uint16_t m_port = 0; // 0: a Unix socket
    std::string m_where;
    std::string m_about;
};

bool is_redis(const RunningProgram& program) {
    return program.program.name == "redis-server" || program.program.name == "valkey-server" ||
           program.program.name == "keydb-server";
}

void find_redis(Finder& finder, const RunningProgram& program) {
    const OwnedListener* best = nullptr; // a port before a socket
    for (const OwnedListener& each : finder.view.listeners) {
        const bool is_own = each.listener.pid == program.pid;
        if (is_own && is_utf8(each.listener.address) && (best == nullptr || best->listener.port == 0)) {
            best = &each;
        }
    }
    if (best != nullptr) {
        RedisFinder(finder, program, *best).find();
    }
}

} // namespace

void find_services(Finder& finder) {
    for (const RunningProgram& program : finder.view.programs) {
        add_running(finder, program);
        hold_data(finder, program);
        add_workers(finder, program);
    }
    for (const RunningProgram& program : finder.view.programs) {
        if (is_redis(program)) {
            find_redis(finder, program);
        }
    }
}

} // namespace lectio
