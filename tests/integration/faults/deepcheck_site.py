"""The server that the profile of Lectio is written for, on the paths, ports and names that it has there, in namespaces of its
own: nginx over TLS, gunicorn with Django and JWT, Redis, two Celery workers, SQLite; a PostgreSQL beside it. Partners and
Docker are stand-ins. No systemd runs: of all the profile asks, only drift's units would notice, and these are files.

alone() starts the test again in such namespaces: nobody else's processes, ports and mounts; what is written to /etc, /opt,
/run and /var is gone with them.
"""

import contextlib
import fcntl
import os
import pathlib
import pwd
import re
import shutil
import socket
import struct
import subprocess
import sys
import tomllib

from faults.site import Breakable, can_connect
from faults.smoke_site import ACCOUNTS, PASSWORD, make_accounts
from monitor import CHAT, SOURCE, TOKEN, Monitor, Run, binary
from mounts import mount, own_mounts
from stack.postgres import Postgres
from stack.stack import HERE, PYTHON, free_port, wait_until
from stand_ins.bot_api import BotApi
from stand_ins.docker_api import DockerApi, container
from stand_ins.partners import Partners

NAME = "lectio.tw1.ru"
TOP = pathlib.Path("/var/www/teaching_panel")
BACKUPS = pathlib.Path("/var/backups/teaching_panel")
LOGS = pathlib.Path("/var/log/nginx")
STATE = pathlib.Path("/var/lib/lectio-monitor")
CONFIG = pathlib.Path("/etc/lectio-monitor/config.toml")
ENV_FILE = pathlib.Path("/opt/lectio-monitor/config.env")
JOBS = "kaspi_stores"

# What the profile says of the machine itself, which is whose it is: (in the profile, here).
MACHINE = (('path   = "/"\n', f'path   = "{BACKUPS}"\n'),
           ('available = { warn = "256MB", critical = "100MB" }', 'available = { warn = "64MB", critical = "32MB" }\noom = "off"'))
# Tables of the profile of Cube Demper, which has what Lectio lacks: PostgreSQL, keys that must expire, a job that may die
# silently, containers. There is no TLS between these processes, and room for twelve connections.
MORE = ("orders", "postgres", "ttl-session", "containers")
OF_MORE = (('sslmode            = "require"\n', ""), ('{ warn = "500ms", critical = "2s" }', '{ warn = "30s" }'),
           ("warn = 40, critical = 48", 'warn = "70%"'),
           ("pool_min           = 5 ", "pool_min           = 3 "))
SNAPSHOTS = """
[deepcheck.check.snapshots]
type    = "redis"
url     = "redis://127.0.0.1:6379/0"
rdb_age = { warn = "26h" }
"""
HEALTH = f"""
[health.check.site]
type = "http"
url  = "https://{NAME}/"
"""


# --- a machine of its own -------------------------------------------------------------------------------------------

# Folders that the check drift reads whole: of an overlay it cannot tell files from mounts.
WHOLE = ("/etc/cron.d", "/etc/nginx", "/etc/systemd/system", "/var/spool/cron/crontabs", "/var/www")
# What this machine waits for (a reboot, a newer kernel) and whom it has muted is its own.
EMPTY = ("/boot", "/run")
APART = ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc"]
WRITTEN_TO = ("etc", "opt", "var")


def alone(program, words):
    """Runs `program` in namespaces, where it calls settle(); its exit code, or 77 where there are none to be had."""
    if os.geteuid() != 0 or not shutil.which("unshare") or subprocess.run([*APART, "true"], capture_output=True, check=False).returncode:
        print("skipped: needs root and namespaces")
        return 77
    return subprocess.run([*APART, sys.executable, program, "--inside", *words], check=False).returncode


def settle():
    """To be called first inside."""
    own_mounts()
    folder = pathlib.Path("/mnt")  # holds what is written elsewhere
    with socket.socket() as any_socket:  # SIOCSIFFLAGS, IFF_UP | IFF_RUNNING (netdevice(7))
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x41))
    mount("none", folder, "tmpfs", "mode=755")
    for name in WRITTEN_TO:
        upper, work = folder / name / "upper", folder / name / "work"
        upper.mkdir(parents=True)
        work.mkdir()
        mount("overlay", f"/{name}", "overlay", f"lowerdir=/{name},upperdir={upper},workdir={work}")
    types = pathlib.Path("/etc/nginx/mime.types").read_text()
    for path in WHOLE:
        pathlib.Path(path).mkdir(parents=True, exist_ok=True)
    for path in (*WHOLE, *filter(os.path.isdir, EMPTY)):
        mount("none", path, "tmpfs", "mode=755")
    pathlib.Path("/etc/nginx/mime.types").write_text(types)


# --- the site -------------------------------------------------------------------------------------------------------

class DeepSite(Breakable):
    def __init__(self):
        super().__init__(parts=["redis", "gunicorn", "nginx", "celery", "heavy"], api=True)
        self.http_port, self.https_port, self.api_port, self.redis_port = 80, 443, 8000, 6379
        self.site_url = self.https_url = f"https://{NAME}"
        self.api_url = f"http://127.0.0.1:{self.api_port}/api/health/"
        self.redis_url = f"redis://127.0.0.1:{self.redis_port}/0"
        self.project, self.data = TOP / "teaching_panel", TOP / "data"
        self.database = self.project / "db.sqlite3"
        self.build = TOP / "frontend/build"
        self.bot_port = free_port()
        self.pool = []  # connections to PostgreSQL
        self._more = contextlib.ExitStack()

    def __enter__(self):
        self._lay_out()
        self.partners = self._more.enter_context(Partners())
        self.docker = self._more.enter_context(DockerApi(self.folder, [container("web")]))
        self.postgres = self._more.enter_context(Postgres())
        self._fill_postgres()
        super().__enter__()
        make_accounts(self)
        self._give_to_application()
        self.monitor = self._more.enter_context(DeepMonitor(self, f"http://127.0.0.1:{self.bot_port}"))
        return self

    def __exit__(self, *_):
        self._more.close()
        super().__exit__()

    @contextlib.contextmanager
    def watched(self):
        """As all was found well at first: what other faults have left in memories and logs is forgotten."""
        self.job_runs()
        self.monitor.go_back()
        with BotApi(self.bot_port) as self.bot:
            yield self.monitor

    # --- for those who break it -------------------------------------------------------------------------------------

    def put(self, path, text, mode=None):
        """Writes a file over the one that is there, or a new one."""
        path = pathlib.Path(path)
        if path.exists():
            self.keep(path)
        else:
            self.afterwards(path.unlink)
        path.write_text(text)
        if mode is not None:
            path.chmod(mode)

    def job_runs(self, ago="0"):
        self.postgres.sql(f"update {JOBS} set last_orders_sync = now() - interval '{ago}'", database="lectio")

    def redis_says(self, *words):
        return subprocess.run(["redis-cli", "-p", str(self.redis_port), *words], capture_output=True, text=True, check=True).stdout.strip()

    def restart(self, part):
        super().restart(part)
        if part == "redis":
            super().restart("heavy")

    # --- its parts --------------------------------------------------------------------------------------------------

    def start_nginx(self):
        text = (HERE / "nginx-of-lectio.conf.in").read_text()
        for name, value in {"folder": self.folder, "build": self.build, "api_port": self.api_port}.items():
            text = text.replace(f"@{name}@", str(value))
        for good, broken in self.nginx_changes.items():
            assert good in text, good
            text = text.replace(good, broken)
        pathlib.Path("/etc/nginx/nginx.conf").write_text(text)
        self._start("nginx", [shutil.which("nginx", path="/usr/sbin:/usr/bin")])
        wait_until(lambda: can_connect(self.https_port), "nginx listens")

    def start_celery(self):
        self.start_worker("celery", "default,notifications")

    def start_heavy(self):
        self.start_worker("heavy", "heavy,periodic")

    def start_worker(self, name, queues):
        """Of these queues, or of all."""
        environment = {"CELERY_BROKER": self.redis_url, "PYTHONDONTWRITEBYTECODE": "1"}
        self._start(name, [PYTHON, "-m", "celery", "--app", "teaching_panel.celery", "--workdir", str(self.project), "worker",
                           "--pool", "solo", "--without-mingle", "--without-gossip", *(["-Q", queues] if queues else []), "-n", name, "--loglevel", "INFO"], environment)
        self._wait_for_log(name, " ready.")

    def environment(self):
        """All of it stands in the file .env, as on the server."""
        return {"PYTHONDONTWRITEBYTECODE": "1"}

    # --- inside -----------------------------------------------------------------------------------------------------

    def _lay_out(self):
        with open("/etc/hosts", "a", encoding="ascii") as hosts:
            hosts.write(f"127.0.0.1 {NAME}\n")
        shutil.copytree(HERE / "project", self.project)
        (TOP / "venv/bin").mkdir(parents=True)
        (TOP / "venv/bin/python").symlink_to(PYTHON)
        (TOP / ".env").write_text(f"SITE_DATA={self.data}\nSITE_DATABASE={self.database}\nSITE_API=1\nSITE_HARDENED=1\nSECRET_KEY={'b7f0c2d4e9' * 6}\n")
        (TOP / ".env").chmod(0o600)
        BACKUPS.mkdir(parents=True, exist_ok=True)
        mount("none", BACKUPS, "tmpfs", "size=4M,mode=755")
        (BACKUPS / "db.zst").write_bytes(bytes(1 << 18))
        for name in ("/etc/crontab", "/etc/systemd/system/teaching_panel.service"):
            pathlib.Path(name).write_text("# made up\n")
        for name in ("access.log", "error.log"):
            LOGS.mkdir(exist_ok=True)
            (LOGS / name).write_text("")
        shutil.rmtree(STATE, ignore_errors=True)

    def _make_certificates(self):
        subprocess.run(["sh", str(HERE / "make-certificates.sh"), str(self.folder), "90", NAME], check=True)
        found = subprocess.run(["openssl", "x509", "-noout", "-hash", "-in", self.folder / "ca.pem"], capture_output=True, text=True, check=True)
        shutil.copy(self.folder / "ca.pem", f"/etc/ssl/certs/{found.stdout.strip()}.0")

    def _fill_postgres(self):
        self.postgres.sql(f"create table {JOBS} (last_orders_sync timestamptz, api_key_valid boolean)", f"grant select on {JOBS} to monitor",
                          f"insert into {JOBS} values (now(), true)", database="lectio")
        self.postgres.sql("grant pg_monitor to monitor", "alter role monitor set statement_timeout = '30s'")
        self.fill_pool()

    def fill_pool(self):
        """That of the application, of three."""
        while len(self.pool) < 3:
            self.pool.append(self.postgres.hold("select 1"))

    def start_postgres(self):
        self.postgres.start()
        self.pool = []
        self.fill_pool()

    def _give_to_application(self):
        user = pwd.getpwnam("www-data")
        for path in (TOP, *TOP.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)


class DeepMonitor(Monitor):
    """The shipped profile, its three tools where install.sh puts their files; each check in each run, asked again soon."""

    def __init__(self, site, api):
        super().__init__(site, checks="")
        self.config, self._well, self._well_logs = CONFIG, self.folder / "well", {}
        CONFIG.parent.mkdir(exist_ok=True)
        ENV_FILE.parent.mkdir(exist_ok=True)
        variables = site.partners.variables | {
            "ERRORS_BOT_TOKEN": TOKEN, "ERRORS_CHAT_ID": CHAT, "DEMPER_DATABASE_URL": site.postgres.url(),
            "DEMPER_REDIS_URL": "redis://127.0.0.1:6379/1", "DEMPER_DOCKER_SOCKET": site.docker.socket,
            **{f"SMOKE_{name.upper()}_PASSWORD": PASSWORD for name in ACCOUNTS}}
        ENV_FILE.touch(0o600)
        ENV_FILE.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
        self.shipped = with_changes((SOURCE / "config/profiles/lectio.toml").read_text(), (
            *MACHINE, ('chat  = "${ERRORS_CHAT_ID}"\n', f'chat  = "${{ERRORS_CHAT_ID}}"\napi   = "{api}"\n'),
            ('lang = "ru"\n', 'lang = "ru"\nhost = "test-host"\n')))
        CONFIG.write_text(self.shipped)

    def command(self, *options, form="json", tool="lectio-deepcheck", **_):
        return [str(binary(tool)), "-c", str(self.config), "--format", form, *options]

    def configured(self, tool):
        """The checks that the shipped profile names for it."""
        profile = tomllib.loads(self.shipped)
        if tool == "lectio-deepcheck":
            return set(profile["deepcheck"]["check"])
        return {step["name"] for step in profile["smoke"]["step"]} | {f"login-{name}" for name in profile["smoke"]["login"]}

    def watch_more(self):
        """From now on also what the profile of Lectio lacks, and all of it in each run; first found well."""
        more = (SOURCE / "config/profiles/cube-demper.toml").read_text()
        tables = {name: more[more.index(f"[deepcheck.check.{name}]"):].partition("\n\n")[0] for name in MORE}
        # How quickly it answers is the machine's, too, which runs other tests beside this one.
        text = with_changes(self.shipped, (('p95 = { warn = "2s" }', 'p95 = { warn = "30s" }'),)) + HEALTH + SNAPSHOTS + "\n" + with_changes("\n\n".join(tables.values()) + "\n", OF_MORE)
        smoke, deepcheck, rest = text.partition("\n[deepcheck]\n")
        text = smoke + deepcheck + "".join(line for line in rest.splitlines(True) if not line.startswith("every "))
        CONFIG.write_text(re.sub(r"^\[deepcheck\.check\..*\]$", '\\g<0>\nrecheck = "50ms"', text, flags=re.MULTILINE))
        shutil.rmtree(STATE, ignore_errors=True)
        self.run_others()
        run = self.run("--no-notify")
        shutil.copytree(STATE, self._well)
        self._well_logs = {log: log.read_text() for log in LOGS.iterdir()}
        return run

    def go_back(self):
        """Remembers no more than then, but that the other tools of the suite have run just now."""
        shutil.rmtree(STATE)
        shutil.copytree(self._well, STATE)
        for log, text in self._well_logs.items():
            log.write_text(text)
        self.run_others()

    def run_other(self, tool, *options):
        done = subprocess.run(self.command(*options, tool=tool), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
        return Run(done, 0)

    def run_others(self):
        for tool in ("lectio-health", "lectio-smoke"):
            run = self.run_other(tool, "--no-notify")
            assert run.exit_code == 0, run.out + run.err


def with_changes(text, changes):
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text
