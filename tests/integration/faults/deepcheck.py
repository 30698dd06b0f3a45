"""What kills a server slowly, and what lets others in: on the server that the profile of Lectio is written for."""

import json
import os
import pathlib
import socket
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request

from faults.deepcheck_site import BACKUPS, ENV_FILE, LOGS, NAME, STATE, TOP
from faults.fault import Fault
from stack.stack import wait_until
from stand_ins.docker_api import container

TITLE = "What kills a server slowly (lectio-deepcheck)"

DATABASE = TOP / "teaching_panel/db.sqlite3"
NGINX = "/etc/nginx/nginx.conf"
SECRET = "b7f0c2d4e9"


def fault(name, inject, broken, *says, **more):
    return Fault(name=name, inject=inject, broken=broken, says=says, **more)


# --- the certificate ------------------------------------------------------------------------------------------------

def certificate(site, days=90, names=f"DNS:{NAME}", usage="serverAuth", subject=NAME):
    """nginx shows another one, signed by the same authority."""
    site.afterwards(site.restart, "nginx")
    for file in ("site.pem", "site.key"):
        site.keep(site.folder / file)
    (site.folder / "other.ext").write_text(f"{f'subjectAltName={names}' if names else ''}\nextendedKeyUsage={usage}\n")
    for command in (["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "site.key", "-out", "site.csr",
                     "-subj", f"/CN={subject}"],
                    ["x509", "-req", "-in", "site.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", str(days),
                     "-extfile", "other.ext", "-out", "site.pem"]):
        subprocess.run(["openssl", *command], cwd=site.folder, check=True, capture_output=True)
    site.restart("nginx")


def shown(name, broken, *says, **how):
    return fault(f"the certificate {name}", lambda site: certificate(site, **how), broken, *says)


# --- the web server -------------------------------------------------------------------------------------------------

def nginx(name, good, instead, broken, *says, **more):
    return fault(f"nginx: {name}", lambda site: site.change_nginx(good, instead), broken, *says, **more)


def header_gone(header, broken, *says):
    text = (pathlib.Path(__file__).parents[1] / "stack/nginx-of-lectio.conf.in").read_text()
    line = next(line for line in text.splitlines(True) if f"add_header {header} " in line)
    return nginx(f"no {header}", line, "", broken, *says)


def broken_configuration(site):
    path = site.keep(NGINX)
    path.write_text(path.read_text().replace("server_tokens off;", "server_token off;"))


def served(path):
    def inject(site):
        file = site.build / path
        if not file.parent.exists():
            file.parent.mkdir()
            site.afterwards(file.parent.rmdir)
        site.put(file, "ref: refs/heads/main\n", 0o644)
        if path.startswith("."):
            site.change_nginx("location ~ /\\. { deny all; }", "")
    return inject


# --- logs -----------------------------------------------------------------------------------------------------------

def visitors(*requests, times=60, status=200, seconds="0.004", address="203.0.113.7"):
    """As nginx writes of requests of one address; which one stands in the log, not in ours."""
    def inject(_site):
        when = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
        with (LOGS / "access.log").open("a") as log:
            log.writelines(f'{address} - - [{when}] "{request} HTTP/1.1" {status} 12 "-" "made up" {seconds}\n' for request in requests * times)
    return inject


def logged(name, inject, broken, *says):
    """It is red for as long as the window holds it, and nobody is told that it is over."""
    return fault(name, inject, broken, *says, aftermath=broken)


def fails_for_all(site):
    site.break_view("homework", "status 500")
    for _ in range(40):
        try:
            with urllib.request.urlopen(f"https://{NAME}/api/homework/", timeout=60):
                pass
        except urllib.error.HTTPError:
            pass


def nginx_complains(_site):
    with (LOGS / "error.log").open("a") as log:
        log.writelines("2026/11/23 02:40:26 [error] 7#7: *1 connect() failed (111: Connection refused) while connecting to upstream\n"
                       for _ in range(120))


# --- SQLite ---------------------------------------------------------------------------------------------------------

def locked(site):
    """As a forgotten shell does."""
    shell = subprocess.Popen(["sqlite3", DATABASE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    site.afterwards(shell.communicate)
    site.afterwards(shell.kill)
    shell.stdin.write("BEGIN IMMEDIATE;\nSELECT 'held';\n")
    shell.stdin.flush()
    assert shell.stdout.readline() == "held\n"


def damaged(site):
    """Pages of a table that nobody asks for now."""
    with sqlite3.connect(DATABASE) as database:
        page = database.execute("select rootpage from sqlite_master where name = 'django_session'").fetchone()[0]
        size = database.execute("pragma page_size").fetchone()[0]
    database.close()
    with site.keep(DATABASE).open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(os.urandom(size))


def no_database(site):
    site.keep(DATABASE).write_text("made up: no database at all, " * 200)


def large_wal(site):
    site.keep(DATABASE)
    holder = sqlite3.connect(DATABASE, isolation_level=None)
    site.afterwards(holder.close)
    holder.execute("pragma journal_mode=wal")
    holder.execute("pragma wal_autocheckpoint=0")
    holder.execute("create table filler (content blob)")
    for _ in range(40):
        holder.execute("insert into filler values (zeroblob(50000))")
        holder.execute("delete from filler")


def grown(site):
    with sqlite3.connect(site.keep(DATABASE)) as database:
        database.execute("create table filler as select zeroblob(3000000)")
    database.close()


def not_migrated(site):
    with sqlite3.connect(site.keep(DATABASE)) as database:
        database.execute("delete from django_migrations where app = 'sessions'")
    database.close()


# --- PostgreSQL -----------------------------------------------------------------------------------------------------

def postgres(name, inject, broken, *says, **more):
    return fault(f"PostgreSQL: {name}", inject, broken, *says, **more)


def idle_in_transaction(site):
    client = site.postgres.hold("begin; select 1")
    site.afterwards(site.postgres.let_go, client)


def many_connections(site):
    for _ in range(3):
        site.afterwards(site.postgres.let_go, site.postgres.hold("select 1"))


def small_pool(site):
    site.afterwards(site.fill_pool)
    while site.pool:
        site.postgres.let_go(site.pool.pop())


def no_timeout(site):
    site.afterwards(site.postgres.sql, "alter role monitor set statement_timeout = '30s'")
    site.postgres.sql("alter role monitor reset statement_timeout")


def dead_rows(site):
    site.afterwards(site.postgres.sql, "drop table filler", database="lectio")
    site.postgres.sql("create table filler as select generate_series(1, 10000) as number", "delete from filler where number > 3000",
                      database="lectio")


def postgres_down(site):
    site.afterwards(site.start_postgres)
    site.postgres.stop()


def wrong_postgres_password(site):
    text = site.keep(ENV_FILE).read_text()
    ENV_FILE.write_text(text.replace(site.postgres.url(), site.postgres.url("secretive:wrong")))


# --- Redis ----------------------------------------------------------------------------------------------------------

def redis(name, inject, broken, *says, **more):
    return fault(f"Redis: {name}", inject, broken, *says, **more)


def no_ttl(site):
    site.afterwards(site.redis_says, "-n", "1", "del", "session:a")
    site.redis_says("-n", "1", "set", "session:a", "made up")


def evictions(site):
    site.afterwards(site.restart, "redis")
    site.redis_says("config", "set", "maxmemory-policy", "allkeys-lru")
    used = int(dict(line.split(":", 1) for line in site.redis_says("info", "memory").splitlines() if ":" in line)["used_memory"])
    site.redis_says("config", "set", "maxmemory", str(used + 200_000))
    site.redis_says("eval", f"for i = 1, 1000 do redis.call('set', 'filler:' .. i, string.rep('x', 2000)) end", "0")
    site.redis_says("config", "set", "maxmemory", "64mb")


def snapshot_fails(site):
    site.afterwards(site.restart, "redis")
    (site.folder / "dump.rdb").mkdir()
    site.afterwards((site.folder / "dump.rdb").rmdir)
    site.redis_says("bgsave")
    wait_until(lambda: "rdb_last_bgsave_status:err" in site.redis_says("info", "persistence"), "the snapshot has failed")


def password_asked(site):
    site.afterwards(site.restart, "redis")
    site.redis_says("config", "set", "requirepass", "made-up")


def queue(site):
    site.afterwards(site.redis_says, "del", "celery")
    site.redis_says("rpush", "celery", *["made up"] * 60)


# --- secrets, files, jobs -------------------------------------------------------------------------------------------

def env_file(old, new):
    def inject(site):
        path = site.keep(TOP / ".env")
        path.write_text(path.read_text().replace(old, new))
    return inject


def readable_by_all(site):
    site.keep(TOP / ".env").chmod(0o644)


def settings_broken(site):
    path = site.keep(site.project / "teaching_panel/settings.py")
    path.write_text(path.read_text() + "import nosuchmodule\n")


def listens(site):
    listener = socket.create_server(("0.0.0.0", 9999))
    site.afterwards(listener.close)


def backup_is(hours, size=1 << 18):
    def inject(site):
        path = site.keep(BACKUPS / "db.zst")
        path.write_bytes(bytes(size))
        then = time.time() - hours * 3600
        os.utime(path, (then, then))
    return inject


def job(ago):
    def inject(site):
        site.afterwards(site.job_runs)
        site.job_runs(ago)
    return inject


def disk_full(site):
    path = BACKUPS / ".filler"
    site.afterwards(path.unlink)
    path.write_bytes(bytes(int(3.7 * (1 << 20))))


def smoke_asleep(site):
    """Its cron line is gone since yesterday."""
    path = site.keep(STATE / "smoke/state.json")
    state = json.loads(path.read_text())
    state["finished"]["wall_ms"] -= 86_400_000
    state["finished"]["boot_id"] = "an-earlier-boot"
    path.write_text(json.dumps(state))


def one_for_all_queues(site):
    site.afterwards(site.restart, "celery")
    site.afterwards(site.restart, "heavy")
    site.stop("heavy")
    site.stop("celery")
    site.start_worker("celery", "")


def one_sync_worker(site):
    site.afterwards(site.restart, "gunicorn")
    site.stop("gunicorn")
    site.start_gunicorn("--threads", "1")


def partner(name, attribute, value, broken, *says):
    def inject(site):
        site.afterwards(setattr, site.partners, attribute, getattr(site.partners, attribute))
        setattr(site.partners, attribute, value)
    return fault(name, inject, broken, *says)


def zoom_refuses(site):
    text = site.keep(ENV_FILE).read_text()
    ENV_FILE.write_text(text.replace("ZOOM_BASIC=aWQ6cw==", "ZOOM_BASIC=d3Jvbmc="))


def containers(name, *found, broken, says):
    def inject(site):
        site.afterwards(setattr, site.docker, "containers", site.docker.containers)
        site.docker.containers = list(found)
    return fault(name, inject, broken, *says)


SOON = (('locked      = { warn = "5s" }', 'locked      = { warn = "300ms" }'),)
SMALL_LOG = (("quick_check = true", 'quick_check = true\nwal = { warn = "1MB" }'),)
AT_ONCE = (('oldest_transaction = { warn = "30s" }', 'oldest_transaction = { warn = "1ms" }'),)

WARNING, CRITICAL = "warning", "critical"
BY_HAND = {"drift": WARNING}  # nobody has deployed
SITE_GONE = {"certificate": CRITICAL, "headers": CRITICAL, "secrets": CRITICAL}
REDIS_GONE = dict.fromkeys(("redis", "celery", "snapshots", "ttl-session"), CRITICAL)
POSTGRES_GONE = {"postgres": CRITICAL, "orders": CRITICAL, "drift": "unknown"}
ONE_WORKER = {"celery": CRITICAL, "command-lines": WARNING}

FAULTS = [
    # the certificate
    shown("has ten days left", {"certificate": WARNING}, "is valid for", "осталось", days=10),
    shown("has three days left", {"certificate": CRITICAL}, "is valid for", "осталось", days=3),
    shown("is of another name", SITE_GONE, "is not for lectio.tw1.ru", "выдан не для lectio.tw1.ru", names="DNS:other.test", subject="other.test"),
    shown("has its name only in CN, not in SAN", {"certificate": CRITICAL}, "(SAN)", "нет альтернативных имён (SAN)", names=""),
    shown("is for clients only", SITE_GONE, "purpose", "он выдан для другой цели", usage="clientAuth"),
    # the web server
    fault("nginx stopped", lambda site: site.lose("nginx"), SITE_GONE, "Connection refused", "в соединении отказано"),
    header_gone("Strict-Transport-Security", {"headers": WARNING, "nginx": WARNING} | BY_HAND,
                "no Strict-Transport-Security", "нет заголовка Strict-Transport-Security"),
    header_gone("Content-Security-Policy", {"headers": WARNING} | BY_HAND, "no Content-Security-Policy", "нет заголовка Content-Security-Policy"),
    header_gone("X-Frame-Options", {"nginx": WARNING, "headers": WARNING} | BY_HAND, "no X-Frame-Options", "нет X-Frame-Options"),
    nginx("a cookie without Secure and HttpOnly", "Secure; HttpOnly; ", "", {"headers": WARNING} | BY_HAND,
          "the cookie visit lacks Secure", "у куки visit нет HttpOnly"),
    nginx("CORS for every site, with cookies", "        add_header X-Content-Type-Options",
          "        add_header Access-Control-Allow-Origin $http_origin always;\n"
          "        add_header Access-Control-Allow-Credentials true always;\n        add_header X-Content-Type-Options",
          {"headers": CRITICAL} | BY_HAND, "may read answers with the visitor's cookies", "может читать ответы с куками посетителя"),
    nginx("it tells its version", "server_tokens off;", "", {"nginx": WARNING, "headers": WARNING} | BY_HAND, "tells its version", "выдаёт свою версию"),
    nginx("no limit on requests of the API", "location /api/ { limit_req zone=api burst=200 nodelay;", "location /api/ {",
          {"nginx": WARNING} | BY_HAND, "/api/jwt/token/ is passed on without a limit", "без ограничения числа запросов"),
    nginx("bodies of 2 GB are taken", "client_max_body_size 200m;", "client_max_body_size 2g;", {"nginx": WARNING} | BY_HAND,
          "bodies of up to", "принимаются тела запросов"),
    fault("nginx: its configuration is broken, and it runs on", broken_configuration, {"nginx": WARNING} | BY_HAND,
          'unknown directive "server_token"', "nginx не принимает свою конфигурацию"),
    fault("/.git/HEAD is served", served(".git/HEAD"), {"secrets": CRITICAL, "nginx": WARNING} | BY_HAND,
          "/.git/HEAD is served to everyone", "/.git/HEAD отдаётся всем"),
    fault("/.env is served", served(".env"), {"secrets": CRITICAL, "nginx": WARNING} | BY_HAND, "/.env is served to everyone", "/.env отдаётся всем"),
    fault("/db.sqlite3 is served", served("db.sqlite3"), {"secrets": CRITICAL} | BY_HAND,
          "take it out of the folder that nginx serves", "уберите этот файл из папки"),
    # its logs, in which an hour is counted
    logged("visitors are answered 500 again and again", fails_for_all, {"access": CRITICAL}, "5xx: ", "ответы 5xx: "),
    logged("answers take longer than half a minute", visitors("GET /api/gradebook/", seconds="33.250"), {"access": WARNING},
           "the slowest", "самые медленные"),
    logged("an address guesses passwords", visitors("POST /api/jwt/token/", status=401), {"access": WARNING},
           "attempts from 203.0.113.7: password guessing (60)", "попытки с 203.0.113.7: подбор пароля (60)"),
    logged("an address looks for foreign files", visitors("GET /static/../../../../etc/passwd", status=400), {"access": WARNING},
           "foreign files (60)", "чужие файлы (60)"),
    logged("an address tries SQL injection", visitors("GET /api/groups/?id=1%27%20UNION%20SELECT%20password%20FROM%20users--", status=400),
           {"access": WARNING}, "SQL injection (60)", "SQL-инъекции (60)"),
    logged("a scanner comes by", visitors("GET /wp-login.php", status=404), {"access": WARNING}, "scanner (60)", "сканер (60)"),
    logged("nginx complains more than a hundred times an hour", nginx_complains, {"nginx-errors": WARNING}, "found in", "найдено в"),
    # SQLite
    fault("SQLite: somebody holds the write lock", locked, {"database": WARNING}, "(sqlite3 ", "заперта на запись", tune=SOON),
    fault("SQLite: a page is damaged", damaged, {"database": CRITICAL}, "the database is damaged", "база повреждена"),
    fault("SQLite: the file is no database", no_database, {"database": CRITICAL, "migrations": WARNING, "drift": "unknown"},
          "file is not a database", "не удалось прочитать базу: это не база SQLite"),
    fault("SQLite: its log is never written back", large_wal, {"database": WARNING}, "its log is", "журнал базы вырос", tune=SMALL_LOG),
    fault("SQLite: it grew by more than a tenth", grown, {"drift": WARNING}, "database (database)", "база (database)"),
    # Django
    fault("a migration is not applied", not_migrated, {"migrations": WARNING} | BY_HAND,
          "1 migration is not applied: sessions.0001_initial", "1 миграция не применена"),
    fault("the settings are not those for production", env_file("SITE_HARDENED=1\n", ""), {"migrations": WARNING},
          "check --deploy: ", "check --deploy: "),
    fault("the settings do not load", settings_broken, {"migrations": WARNING} | BY_HAND, "No module named 'nosuchmodule'", "showmigrations не работает"),
    # PostgreSQL
    postgres("idle in a transaction", idle_in_transaction, {"postgres": WARNING}, "a transaction has been open", "транзакция открыта", tune=AT_ONCE),
    postgres("few connections are left", many_connections, {"postgres": WARNING}, "connections are taken", "занято подключений"),
    postgres("a pool that is too small", small_pool, {"postgres": WARNING}, "the site's pool should hold 3", "пул сайта должен держать 3"),
    postgres("no statement_timeout", no_timeout, {"postgres": WARNING}, "statement_timeout is not set", "statement_timeout не задан"),
    postgres("dead rows", dead_rows, {"postgres": WARNING}, "of the rows of public.filler are dead", "мертво"),
    postgres("stopped", postgres_down, POSTGRES_GONE, "Connection refused", "в соединении отказано"),
    postgres("another password", wrong_postgres_password, POSTGRES_GONE, "PostgreSQL refuses us", "неверный пароль пользователя"),
    # Redis, Celery, gunicorn
    redis("keys that never expire", no_ttl, {"ttl-session": WARNING}, "session:a", "бессрочные"),
    redis("keys are evicted", evictions, {"redis": WARNING}, "evicted since the last look", "с прошлой проверки вытеснено"),
    redis("its snapshot fails", snapshot_fails, {"snapshots": CRITICAL}, "the last snapshot failed", "последний снимок не удался"),
    redis("it asks for a password", password_asked, REDIS_GONE, "NOAUTH", "нужен пароль"),
    redis("stopped", lambda site: site.lose("redis"), REDIS_GONE, "Connection refused", "в соединении отказано"),
    fault("Celery: a queue piles up", queue, {"redis": WARNING}, "celery", "очередь celery: ждут 60"),
    fault("Celery: a worker is gone", lambda site: site.lose("heavy"), ONE_WORKER, "celery@celery", "к брокеру подключено: 1 воркер"),
    fault("Celery: one worker for all queues", one_for_all_queues, ONE_WORKER, "celery@celery", "к брокеру подключено: 1 воркер"),
    fault("gunicorn: sync workers", one_sync_worker, {"command-lines": WARNING}, "gunicorn runs sync workers", "sync"),
    fault("gunicorn stopped", lambda site: site.lose("gunicorn"), {"workers": CRITICAL}, "", "нужно не меньше 2"),
    # secrets and doors
    fault("a default secret", env_file(f"SECRET_KEY={SECRET}", "SECRET_KEY=change-in-production"), {"secrets": CRITICAL},
          "a default secret in /var/www/teaching_panel/.env: SECRET_KEY", "секрет по умолчанию"),
    fault("a file of secrets can be read by all", readable_by_all, {"secrets": WARNING}, "can be read by everyone", "может прочитать любой"),
    fault("something new listens", listens, {"ports": WARNING}, "0.0.0.0:", "открыт 0.0.0.0:"),
    containers("a container of root", container("web", user=""), broken={"containers": WARNING}, says=("web runs as root", "web работает от root")),
    containers("a published database", container("web"), container("db", ports=["5432/tcp"]), broken={"containers": WARNING},
               says=("5432/tcp", "db открывает 5432/tcp на всех адресах")),
    fault("a reboot is waiting", lambda site: site.put("/run/reboot-required", "*** System restart required ***\n"), {"reboot": WARNING},
          "a reboot is waiting", "сервер ждёт перезагрузки"),
    # what died silently
    fault("a background job died", job("3 hours"), {"orders": CRITICAL}, "the last was", "в последний раз"),
    fault("a background job is late", job("20 minutes"), {"orders": WARNING}, "the last was", "в последний раз"),
    fault("the backup is 30 hours old", backup_is(30), {"backup": WARNING}, "db.zst", "самому новому файлу"),
    fault("the backup is 60 hours old", backup_is(60), {"backup": CRITICAL}, "db.zst", "самому новому файлу"),
    fault("the backup is nearly empty", backup_is(1, 10), {"backup": CRITICAL}, "db.zst", "нет файла размером хотя бы"),
    fault("lectio-smoke has not run for a day", smoke_asleep, {"tools": WARNING}, "lectio-smoke last finished a run", "lectio-smoke последний раз отработал"),
    fault("the disk of the backups is full", disk_full, {"disk": CRITICAL}, "", "свободно"),
    # what changed without a deploy
    fault("a script was added to the build", lambda site: site.put(site.build / "static/js/miner.js", "mine()\n", 0o644), BY_HAND,
          "build (+static/js/miner.js", "сборка (+static/js/miner.js"),
    fault("a unit was changed", lambda site: site.put("/etc/systemd/system/teaching_panel.service", "# made up\nUser=root\n"), BY_HAND,
          "units (/etc/systemd/system/teaching_panel.service", "юниты (/etc/systemd/system/teaching_panel.service"),
    fault("a crontab was added", lambda site: site.put("/etc/cron.d/miner", "* * * * * root /tmp/x\n"), BY_HAND, "+/etc/cron.d/miner", "+/etc/cron.d/miner"),
    # partners
    fault("Zoom refuses its token", zoom_refuses, {"zoom": WARNING}, "HTTP 401, expected 2xx", "HTTP 401"),
    partner("T-Bank answers another status", "tbank", 200, {"tbank": WARNING}, "HTTP 200, expected 405", "HTTP 200, ожидался 405"),
    partner("YooKassa fails", "yookassa", 500, {"yookassa": WARNING}, "HTTP 500, expected 401", "HTTP 500, ожидался 401"),
    partner("Google Drive is another API", "drive", "files", {"google-drive": WARNING}, '/name is "files"', '/name — "files"'),
    partner("Telegram: the bot's token is refused", "bot", False, {"telegram": WARNING}, "/ok is false", "/ok — false"),
]
