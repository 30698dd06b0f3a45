"""What the users of the site run into: accounts, tokens, answers of the API, files, the web server in front of it."""

import sqlite3

from faults.fault import Fault
from faults.smoke_site import PASSWORD, set_role
from stack.stack import JS

TITLE = "What users run into (lectio-smoke)"

TEACHER = ("me", "lessons", "recordings", "stream", "homework", "groups", "attendance", "gradebook", "subscription",
           "create-payment", "zoom", "drive-upload", "drive-removed")
STUDENT = ("student-homework",)
SESSION = ("note",)
OF_TEACHER = ("lessons", "recordings", "groups", "attendance", "gradebook", "subscription")
LOGINS = ("login-teacher", "login-student", "login-session")
EVERYTHING = (*TEACHER, *STUDENT, *SESSION, *LOGINS, "page", "bundle", "health", "burst", "closed", "login-limit")
BEHIND_HEALTH = tuple(name for name in EVERYTHING if name not in ("page", "bundle", "health"))
DIED = (*TEACHER, *STUDENT, *SESSION, "login-session", "login-limit")
API_LOCATION = "location /api/ {"


def view(name, fault, broken, *says, **more):
    """One view of the API is broken (project/teaching_panel/api.py)."""
    return Fault(name=f"{name}: {fault}", inject=lambda site: site.break_view(name, fault), broken=broken, says=says, **more)


def login(fault, level, *says, limit="warning", **more):
    """The login of both accounts; the limit is that of the same view."""
    both = {"login-teacher": level, "login-student": level}
    return view("token", fault, both | ({"login-limit": limit} if limit else {}), *says, skipped=TEACHER + STUDENT, **more)


def alike(status, more, *says):
    """Both accounts get the same answer, which a block of this address explains better than two blocked accounts."""
    return view("token", f"status {status}", {"login-teacher": "warning"} | more, *says, skipped=(*TEACHER, *STUDENT, "login-student"))


def dies(name, group, root, *says, skipped):
    """Everything that was not asked by then is a consequence. One after the other: so it is known what that is."""
    def inject(site):
        site.break_view("me", f"kill {group(site)}")
        site.lose_later({"connection": "nginx", "health": "gunicorn"}[root])
    return Fault(name=name, inject=inject, broken={root: "critical"}, says=says, skipped=skipped, looked_at=False,
                 tune=(("parallel = 8", "parallel = 1"),))


def session(fault, broken, *says, **more):
    return view("session", fault, broken, *says, **more)


def nginx(name, good, instead, broken, *says, **more):
    return Fault(name=f"nginx: {name}", inject=lambda site: site.change_nginx(good, instead), broken=broken, says=says, **more)


def gone(name, inject, *says, **more):
    """The site cannot be reached: one incident, and nothing else is asked."""
    return Fault(name=name, inject=inject, broken={"connection": "critical"}, says=says, skipped=EVERYTHING, **more)


def application(name, inject, *says, **more):
    """All of the application: one incident, and nothing that needs it is asked."""
    return Fault(name=name, inject=inject, broken={"health": "critical"}, says=says, skipped=BEHIND_HEALTH, **more)


def wrong_password(site):
    env_file = site.keep(site.monitor.folder / "config.env")
    env_file.write_text(env_file.read_text().replace(f"TEACHER_PASSWORD={PASSWORD}", "TEACHER_PASSWORD=another"))


def wrong_role(site):
    site.afterwards(set_role, site, "teacher")
    set_role(site, "student")


def locked_database(site):
    """As a forgotten shell, or a backup by cp, leaves it."""
    holder = sqlite3.connect(site.data / "db.sqlite3", isolation_level=None)
    site.afterwards(holder.close)
    holder.execute("BEGIN EXCLUSIVE")


def another_program(site):
    site.lose("nginx")
    site.listen(site.http_port, b"SSH-2.0-OpenSSH_9.2\r\n")


def unknown_authority(site):
    site.configure(f'base_url = "{site.site_url}"', f'base_url = "https://127.0.0.1:{site.https_port}"')


def slow_gateway(site):
    site.change_nginx("access_log", "proxy_read_timeout 300ms; access_log")
    site.hang("gunicorn")


def script_gone(site):
    site.keep(site.build / "static/js" / JS).unlink()


def page_is(text):
    def inject(site):
        site.keep(site.build / "index.html").write_text(text)
    return inject


def script_is_a_page(site):
    script_gone(site)
    site.change_nginx("try_files $uri =404", "try_files $uri /index.html")


SOON = (('timeout  = "10s"', 'timeout  = "700ms"'),)

FAULTS = [
    # the site itself
    gone("nginx stopped", lambda site: site.lose("nginx"), "the site cannot be reached: ", "сайт недоступен: "),
    gone("nginx hangs (SIGSTOP)", lambda site: site.hang("nginx"), "waiting for the first byte", "ожидание первого байта", tune=SOON),
    gone("another program has its port", another_program, "not proper HTTP", "не похож на HTTP"),
    gone("its certificate is of an unknown authority", unknown_authority, "no secure connection", "нет защищённого соединения"),
    application("gunicorn stopped", lambda site: site.lose("gunicorn"), "HTTP 502", "приложение за ним не отвечает"),
    application("gunicorn hangs, nginx gives up", slow_gateway, "HTTP 504", "HTTP 504"),
    application("gunicorn hangs", lambda site: site.hang("gunicorn"), "waiting for the first byte", "ожидание первого байта", tune=SOON),
    application("the database is gone, and the application says so", lambda site: site.break_health("database"), "HTTP 500", "HTTP 500"),
    Fault(name="the database is locked", inject=locked_database, broken={"login-teacher": "critical"},
          skipped=(*TEACHER, *STUDENT, *SESSION, "login-student", "login-session", "login-limit"),
          says=("the same: login-student, login-limit", "то же самое: login-student, login-limit")),
    Fault(name="the database is locked, and the API says so", inject=lambda site: [site.break_view(name, "locked") for name in OF_TEACHER],
          broken={"lessons": "critical"}, skipped=(*(name for name in OF_TEACHER if name != "lessons"), "closed", "stream"),
          says=("the database is locked: HTTP 503", "база данных заперта: HTTP 503")),
    dies("gunicorn dies in the middle of a walk", lambda site: "own", "health", "", "HTTP 502", skipped=DIED),
    dies("nginx dies in the middle of a walk", lambda site: site.processes["nginx"].pid, "connection", "", "сайт недоступен", skipped=DIED),
    Fault(name="ten at once are served one after the other", inject=lambda site: site.break_health("slow 0.8"),
          broken={"burst": "warning"}, says=("at once answered later than", "одновременных ответили дольше")),
    # the page
    Fault(name="another page", inject=page_is("<html>soon</html>"), broken={"page": "critical"}, skipped=("bundle",),
          says=("lacks", "нет")),
    Fault(name="nginx's own page", inject=page_is("<html><h1>Welcome to nginx!</h1></html>"), broken={"page": "critical"},
          skipped=("bundle",), says=("nginx's own welcome page", "страница самого nginx")),
    Fault(name="a page without its script", inject=page_is('<html><div id="root"></div></html>'), broken={"page": "critical"},
          skipped=("bundle",), says=("main", "main")),
    Fault(name="the script of the page is gone", inject=script_gone, broken={"bundle": "critical"}, says=("HTTP 404", "HTTP 404")),
    Fault(name="a page in place of the script", inject=script_is_a_page, broken={"bundle": "critical"},
          says=("the header Content-Type is “text/html", "заголовок Content-Type")),
    nginx("the page leads to a closed port", "location / { try_files $uri /index.html; }", "location = / { return 302 http://127.0.0.1:1/; }",
          {"page": "critical"}, "connection refused", "соединение отклонено", skipped=("bundle",)),
    nginx("the page leads to itself", "location / { try_files $uri /index.html; }", "location = / { return 301 /; }",
          {"page": "critical"}, "more than 5 redirects", "больше пяти перенаправлений", skipped=("bundle",)),
    # the login
    login("status 401", "warning", "the test account, not the site: smoke_teacher@test.local is refused at the login (HTTP 401)",
          "дело в тестовой учётной записи, а не в сайте"),
    alike(403, {"login-limit": "warning"}, "not the test accounts: all of them are refused alike (HTTP 403)",
          "дело не в тестовых учётных записях"),
    alike(429, {}, "not the test accounts: all of them are refused alike (HTTP 429)", "так отвечает сайт или не пускает этот сервер"),
    view("token", "status 500", {"login-teacher": "critical"}, "the same: login-student, login-limit", "то же самое: login-student",
         skipped=(*TEACHER, *STUDENT, "login-student", "login-limit")),
    login("html", "critical", "this is the page of the frontend", "это страница фронтенда"),
    login("none", "critical", "no token in the answer: /access is missing", "в ответе нет токена", limit=None),
    login("json", "critical", "the answer is no JSON", "ответ — не JSON"),
    view("token", "expire", {"login-teacher": "critical", "login-student": "critical"}, "the token expires at once",
         "токен истекает сразу"),
    view("token", "skew 3600", {"login-teacher": "warning", "login-student": "warning"}, "ahead of this host's", "спешат"),
    view("token", "skew -200", {"login-teacher": "warning", "login-student": "warning"}, "behind this host's", "отстают"),
    Fault(name="the password of an account is another one", inject=wrong_password, broken={"login-teacher": "warning"},
          skipped=TEACHER, says=("sudo lectio-smoke setup-users", "sudo lectio-smoke setup-users")),
    Fault(name="the role of an account is another one", inject=wrong_role,
          broken={"login-teacher": "warning"},
          skipped=("me", *OF_TEACHER, "create-payment", "zoom", "drive-upload", "stream", "drive-removed"),
          says=("its role is “student”, expected “teacher”; refused for it (HTTP 403): lessons", "её роль — «student», а нужна «teacher»")),
    session("form", {"login-session": "critical"}, "sets no cookie csrftoken", "не выдаёт cookie csrftoken", skipped=SESSION),
    session("lost", {"note": "critical"}, "it asks for a login", "просит войти"),
    # answers of the API
    view("lessons", "status 500", {"lessons": "critical"}, "HTTP 500, expected 2xx; the same: closed", "то же самое: closed", skipped=("closed",)),
    view("lessons", "raise", {"lessons": "critical"}, "HTTP 500", "HTTP 500", skipped=("closed",)),
    view("lessons", "html", {"lessons": "critical", "closed": "critical"}, "text/html", "это страница фронтенда"),
    view("lessons", "open", {"closed": "critical"}, "open without a login: HTTP 200, expected 401, 403", "открыто без входа: HTTP 200"),
    view("homework", "status 502", {"homework": "critical"}, "the same: student-homework", "то же самое", skipped=("student-homework",)),
    view("groups", "cut", {"groups": "critical"}, "cut in the middle", "оборвалось посреди"),
    view("me", "json", {"me": "critical"}, "the answer is no JSON", "ответ — не JSON"),
    view("me", "number", {"me": "critical"}, '/role is 5, expected "teacher"', "/role — 5"),
    view("me", "slow 0.5", {"me": "warning"}, "the time goes where the answer is made", "время уходит там, где готовят ответ",
         tune=(('name        = "me"\n', 'name        = "me"\nmax_time = "250ms"\n'),)),
    view("zoom", "status 500", {"zoom": "warning"}, "500", "500"),
    view("create-payment", "status 500", {"create-payment": "warning"}, "HTTP 500, expected 200, 201, 400", "HTTP 500"),
    Fault(name="an API path without its slash", inject=lambda site: None, broken={"groups": "critical"},
          tune=(('"/api/groups/"', '"/api/groups"'),),
          says=("the URL lacks its trailing slash: /api/groups is redirected to /api/groups/", "нет косой черты в конце")),
    application("nginx: the API's paths lead to the frontend", lambda site: site.change_nginx(API_LOCATION, "location /elsewhere/ {"),
                "this is the page of the frontend", "это страница фронтенда"),
    # files
    view("recordings", "html", {"recordings": "critical"}, "an HTML page came, no JSON", "это страница фронтенда", skipped=("stream",)),
    view("recordings", "empty", {"recordings": "warning"}, "nothing to save as {recording}", "нет значения {recording}", skipped=("stream",)),
    view("stream", "whole", {"stream": "critical"}, "Range is ignored", "Range не работает"),
    view("stream", "short", {"stream": "critical"}, "Content-Range promises", "Content-Range обещает"),
    view("stream", "other", {"stream": "critical"}, "asked were the bytes 0-1023", "а просили байты 0-1023"),
    nginx("uploads are refused", "server_name site.test", "client_max_body_size 1k; server_name site.test",
          {"drive-upload": "warning"}, "HTTP 413", "HTTP 413", skipped=("drive-removed",)),
    view("file", "status 500", {"drive-removed": "warning"}, "HTTP 500", "HTTP 500"),
    # limits
    view("login-limit", "off", {"login-limit": "warning"}, "nothing limits it", "ограничения нет"),
    Fault(name="the path of the rate limit is wrong", inject=lambda site: None, broken={"login-limit": "warning"},
          tune=(('post     = "/api/jwt/token/"', 'post     = "/api/no-such-login/"'),),
          says=("nothing to limit is there: HTTP 404", "ограничивать там нечего")),
    # what passes
    view("lessons", "once 500", {}, "", "", looked_at=False),
    view("token", "once 500", {}, "", "", looked_at=False),  # what was skipped behind it is asked with the second look
    view("create-payment", "once 500", {"create-payment": "warning"}, "HTTP 500", "HTTP 500", looked_at=False),
]
