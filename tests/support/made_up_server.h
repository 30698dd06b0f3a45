// MadeUpServer: a host as discovery sees it.
#pragma once

#include "discovery/discover.h"
#include "support/fake_clock.h"
#include "support/fake_host.h"
#include "support/fake_http.h"
#include "support/fake_processes.h"
#include "support/fake_redis.h"
#include "support/fake_services.h"
#include "support/temp_folder.h"

#include <string>
#include <vector>

namespace lectio {

// nginx, gunicorn with a Django project, Celery and Redis, each a unit: the server of LEGACY.md.
class MadeUpServer {
  public:
    MadeUpServer() {
        m_redis.answer = [this](const FakeRedis::Command& command) -> Result<RedisReply> {
            if (redis_is_locked) {
                return redis_error("NOAUTH Authentication required.");
            }
            if (command[0] == "CLIENT") {
                return redis_text(
                    "id=7 addr=127.0.0.1:57290 name= db=0 sub=0 psub=1 ssub=0 cmd=psubscribe\n"
                    "id=8 addr=127.0.0.1:57292 name= db=3 sub=1 psub=0 ssub=0 cmd=subscribe\n"
                    "id=9 addr=127.0.0.1:57294 name= db=5 sub=0 psub=2 ssub=0 cmd=psubscribe\n");
            }
            m_selected = command[0] == "SELECT" ? command[1] : m_selected;
            return command[0] == "EXISTS" ? redis_number(m_selected == "0" ? 1 : 0) : redis_status("PONG");
        };
        host.memory_info = MemoryInfo{2_GB, 1_GB, 0_B, 0_B};
        host.sync = TimeSync{.synchronised = true};
        host.process_list = std::vector<ProcessInfo>{};
        host.listener_list = std::vector<Listener>{};
        host.mount_list = std::vector<Mount>{{"/dev/vda1", "/", "ext4", "rw"}};
        spill(m_folder / "build/index.html", "<div id=\"root\"></div>");
        spill(m_folder / "project/manage.py", "");
        configure("server_name lectio.test;");
        run(100, "nginx.service",
            "nginx: master process /usr/sbin/nginx -c " + (m_folder / "nginx.conf").string(),
            {{"0.0.0.0", 80, 100, "nginx"}});
        run(200, "teaching_panel.service",
            "/usr/bin/python3 /venv/bin/gunicorn --workers 3 --bind 127.0.0.1:8000 "
            "teaching_panel.wsgi:application",
            {{"127.0.0.1", 8000, 200, "gunicorn"}});
        run(300, "celery-default.service", "/usr/bin/python3 -m celery --app teaching_panel.celery worker");
        run(400, "redis-server.service", "/usr/bin/redis-server 127.0.0.1:6379",
            {{"127.0.0.1", 6379, 400, "redis-server"}});
        run(500, "ssh.service", "sshd: /usr/sbin/sshd -D", {{"0.0.0.0", 22, 500, "sshd"}});
        http.on("http://lectio.test/", page(200));
        http.on("http://127.0.0.1:8000/", page(400));
    }

    void run(int pid, const std::string& unit, const std::string& command_line,
             std::vector<Listener> sockets = {}) {
        host.process_list->push_back(made_up_process(pid, 1, command_line));
        host.places[pid] = {unit, m_folder / "project", false};
        if (unit.ends_with(".service")) {
            services.units[unit] = running_unit(unit);
        }
        host.listener_list->insert(host.listener_list->end(), sockets.begin(), sockets.end());
    }

    void end(int pid) {
        std::erase_if(*host.process_list, [&](const ProcessInfo& process) { return process.pid == pid; });
        std::erase_if(*host.listener_list, [&](const Listener& listener) { return listener.pid == pid; });
        if (const auto unit = services.units.find(host.places[pid].unit); unit != services.units.end()) {
            unit->second.active_state = "inactive";
        }
    }

    void configure(const std::string& directives, const std::string& more = "") {
        spill(m_folder / "nginx.conf",
              "http { server { " + directives + " root " + (m_folder / "build").string() +
                  "; location /api/ { proxy_pass http://127.0.0.1:8000; } } " + more + " }");
    }

    World world() { return {clock, m_files, host, http, processes, services, m_redis}; }

    // One run; it is remembered for the next.
    Discovered& look() {
        World outside = world();
        known = discover(outside, known,
                         {[this](std::string_view type) { return type != missing_type; }, std::nullopt});
        return known;
    }

    [[nodiscard]] std::string text(const std::string& about) const {
        const FoundCheck* check = known.find(about);
        return check == nullptr ? "" : config_of(*check, known);
    }
    [[nodiscard]] bool has(const std::string& about) const { return known.find(about) != nullptr; }
    [[nodiscard]] std::string folder(const std::string& name) const { return (m_folder / name).string(); }

    FakeClock clock;
    FakeHost host;
    FakeServices services;
    FakeHttp http{clock};
    FakeProcesses processes; // discovery starts none
    Discovered known;
    bool redis_is_locked = false;
    std::string missing_type;

  private:
    TempFolder m_folder;
    SystemFiles m_files;
    FakeRedis m_redis;
    std::string m_selected;
};

} // namespace lectio
