// Which server a process is, as the command lines of real ones have it.
#include "discovery/programs.h"

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

std::string name(const std::string& command_line) {
    const std::optional<Program> program = program_of(command_line);
    return program ? program->name : "";
}

std::string module(const std::string& command_line) {
    const std::optional<Program> program = program_of(command_line);
    REQUIRE(program);
    return application_module(*program);
}

} // namespace

TEST_CASE("servers by their command lines") {
    CHECK(name("nginx: master process /usr/sbin/nginx -g daemon on; master_process on;") == "nginx");
    CHECK(name("/usr/bin/redis-server 127.0.0.1:6379") == "redis-server");
    CHECK(name("/usr/lib/postgresql/15/bin/postgres -D /var/lib/postgresql/15/main") == "postgres");
    CHECK(name("/srv/venv/bin/python3 /srv/venv/bin/gunicorn -w 3 app.wsgi") == "gunicorn");
    CHECK(name("/srv/venv/bin/python -u /srv/venv/bin/uvicorn main:app") == "uvicorn");
    CHECK(name("/usr/bin/python3 -m celery --app p.celery worker") == "celery");
    CHECK(name("/srv/venv/bin/celery -A p beat") == "celery");
    CHECK(name("gunicorn: master [app.wsgi]") == "gunicorn");
    CHECK(name("php-fpm: master process (/etc/php/8.2/fpm/php-fpm.conf)") == "php-fpm");
    CHECK(name("/usr/bin/dockerd -H fd://") == "dockerd");
}

TEST_CASE("what is no server, or only the help of one") {
    for (const char* other :
         {"", " ", "nginx: worker process", "nginx: cache manager process", "postgres: 15/main: checkpointer",
          "gunicorn: worker [app.wsgi]", "php-fpm: pool www", "python3", "python3 -u",
          "/usr/bin/python3 x.py", "celery inspect ping", "vim nginx.conf", "grep gunicorn"}) {
        INFO(other);
        CHECK(name(other).empty());
    }
}

TEST_CASE("the application that a server was started for") {
    CHECK(module("gunicorn --workers 3 --bind 127.0.0.1:8000 teaching_panel.wsgi:application") ==
          "teaching_panel.wsgi");
    CHECK(module("gunicorn teaching_panel.wsgi") == "teaching_panel.wsgi");
    CHECK(module("gunicorn main:app -k uvicorn.workers.UvicornWorker -b unix:/run/x.sock") == "main");
    CHECK(module("uvicorn main:app --host localhost:8000") == "main");
    CHECK(module("celery -A teaching_panel worker") == "teaching_panel");
    CHECK(module("python3 -m celery --app=teaching_panel.celery worker") == "teaching_panel.celery");
    CHECK(module("gunicorn: master [app.wsgi]").empty());
    CHECK(module("gunicorn -c /etc/gunicorn.py").empty());
    CHECK(module("gunicorn").empty());
    CHECK(module("nginx").empty());
}

TEST_CASE("values of options") {
    const std::vector<std::string> words{"x", "-b", "one", "--bind=two", "-cthree", "--last"};
    CHECK(option_value(words, {"-b", "--bind"}) == "one");
    CHECK(option_value(words, {"--bind"}) == "two");
    CHECK(option_value(words, {"-c"}) == "three");
    CHECK(option_value(words, {"--last"}).empty());
    CHECK(option_value(words, {"--none"}).empty());
}
