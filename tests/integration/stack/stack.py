"""The site on loopback: nginx, gunicorn with a small Django project, Redis, a Celery worker; no systemd.

    with Stack() as stack:
        stack.break_api("status 500")

`parts` names what is started, where a test needs less than the whole site.

Everything lives in one temporary folder on free ports. A process that is started here ends with the `with`,
also when the test is killed.
"""

import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

import redis

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # also where this is a part of the package
from ports import free_port  # noqa: E402 (found by the line above)
from waiting import wait_until  # noqa: E402

PYTHON = "/usr/bin/python3"  # the distribution's: it has Django and Celery
JS = "main.0a1b2c3d.js"
CSS = "main.0a1b2c3d.css"


def group_runs(group):
    """Whether any process of the group still has its ports and files: a zombie has none."""
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, found = stat.read_text().rpartition(")")[2].split()[:3]
            if int(found) == group and state != "Z":
                return True
    return False


def write_frontend(folder):
    """A built frontend as the real one looks: index.html naming a hashed script and style."""
    (folder / "static/js").mkdir(parents=True)
    (folder / "static/css").mkdir()
    (folder / "index.html").write_text(
        '<!doctype html><html><head><meta charset="utf-8"><title>Lectio</title>'
        f'<link href="/static/css/{CSS}" rel="stylesheet"></head>'
        f'<body><div id="root"></div><script defer="defer" src="/static/js/{JS}"></script></body></html>\n'
    )
    (folder / "static/js" / JS).write_text("document.getElementById('root').textContent='Lectio';\n" * 50)
    (folder / "static/css" / CSS).write_text("body{font-family:sans-serif}\n")


class Stack:
    """The running site. Each part is a Popen by its name in `processes`."""

    def __init__(self, celery=False, parts=None, api=False):
        """`api`: with users and everything that the smoke check asks for."""
        self.api = api
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lectio-stack-"))
        self.folder.chmod(0o755)  # nginx's workers are somebody else
        self.build = self.folder / "frontend/build"
        self.data = self.folder / "data"
        self.database = self.data / "db.sqlite3"
        self.processes = {}
        self._log_starts = {}  # where the log of what runs now begins
        self.nginx_changes = {}  # what stands in nginx.conf.in → what stands in its place
        self.project = HERE / "project"
        self.parts = parts or ["redis", "gunicorn", "nginx", *(["celery"] if celery else [])]
        self.http_port, self.https_port, self.api_port, self.redis_port, self.dns_port = (free_port() for _ in range(5))
        self.site_url = f"http://127.0.0.1:{self.http_port}"
        self.https_url = f"https://site.test:{self.https_port}"
        self.api_url = f"http://127.0.0.1:{self.api_port}/api/health/"
        self.redis_url = f"redis://127.0.0.1:{self.redis_port}/0"

    def __enter__(self):
        try:
            write_frontend(self.build)
            self.data.mkdir(exist_ok=True)
            self._make_certificates()
            for part in self.parts:
                getattr(self, f"start_{part}")()
            self.wait_well()
        except BaseException:
            for name in self.processes:
                print(f"--- {name}\n{self.log(name)}", file=sys.stderr)
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in list(self.processes):
            self.stop(name)
        shutil.rmtree(self.folder)

    # --- starting and ending parts -------------------------------------------------------------------------

    def start_redis(self):
        self._start("redis", ["redis-server", "--port", str(self.redis_port), "--bind", "127.0.0.1", "--save", "",
                              "--dir", str(self.folder), "--maxmemory", "64mb"])

    def start_gunicorn(self, *more):
        environment = self.environment()
        if self.api and not self.database.exists():
            self.manage("migrate", "--run-syncdb")
        self._start("gunicorn", [PYTHON, "/usr/bin/gunicorn", "--preload", "--workers", "3", "--threads", "2",
                                 "--bind", f"127.0.0.1:{self.api_port}", "--chdir", str(self.project),
                                 "--worker-tmp-dir", str(self.folder), "--graceful-timeout", "1",
                                 *more, "teaching_panel.wsgi"], environment)

    def environment(self):
        return {"SITE_DATA": str(self.data), "PYTHONDONTWRITEBYTECODE": "1", **({"SITE_API": "1"} if self.api else {})}

    def manage(self, *words, text=""):
        """manage.py of the site; returns what it printed."""
        done = subprocess.run([PYTHON, str(self.project / "manage.py"), *words], input=text, capture_output=True, text=True, timeout=300,
                              env={"PATH": "/usr/bin:/bin", **self.environment()}, check=False)
        if done.returncode:
            raise AssertionError(f"manage.py {words}: {done.stderr}")
        return done.stdout

    def start_nginx(self):
        user = "www-data" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        template = (HERE / "nginx.conf.in").read_text()
        values = {"user": f"user {user};" if os.geteuid() == 0 else "", "folder": self.folder, "build": self.build,
                  "http_port": self.http_port, "https_port": self.https_port, "api_port": self.api_port}
        for name, value in values.items():
            template = template.replace(f"@{name}@", str(value))
        for good, broken in self.nginx_changes.items():
            template = template.replace(good, broken)
        (self.folder / "nginx.conf").write_text(template)
        self._start("nginx", [shutil.which("nginx", path="/usr/sbin:/usr/bin"), "-p", str(self.folder),
                              "-e", str(self.folder / "nginx-error.log"), "-c", str(self.folder / "nginx.conf")])

    def start_dnsmasq(self):
        """A nameserver that knows www.site.test and, for a while, nothing else of site.test."""
        self._start("dnsmasq", [shutil.which("dnsmasq", path="/usr/sbin:/usr/bin"), "--keep-in-foreground", "--log-facility=-",
                                "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--pid-file", "--user=", "--port", str(self.dns_port),
                                "--listen-address=127.0.0.1", "--bind-interfaces", "--address=/www.site.test/127.0.0.1",
                                "--local=/site.test/", "--txt-record=site.test,v=spf1 -all"])
        self._wait_for_log("dnsmasq", "started")

    def start_celery(self):
        environment = {"CELERY_BROKER": self.redis_url, "PYTHONDONTWRITEBYTECODE": "1"}
        self._start("celery", [PYTHON, "-m", "celery", "--app", "teaching_panel.celery",
                               "--workdir", str(self.project), "worker", "--pool", "solo", "--without-mingle",
                               "--without-gossip", "--loglevel", "INFO"], environment)
        self._wait_for_log("celery", " ready.")

    def stop(self, name, how=signal.SIGTERM):
        """Ends one part with everything it started, also one that is stopped by SIGSTOP."""
        process = self.processes.pop(name, None)
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
            os.killpg(process.pid, signal.SIGCONT)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            pass
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        wait_until(lambda: not group_runs(process.pid), f"{name} and what it started have ended")

    def freeze(self, name):
        os.killpg(self.processes[name].pid, signal.SIGSTOP)

    def thaw(self, name):
        os.killpg(self.processes[name].pid, signal.SIGCONT)

    # --- breaking it ---------------------------------------------------------------------------------------

    def break_api(self, fault, view=""):
        """See project/teaching_panel/faults.py. Written aside and renamed: a worker must not read half of it."""
        fresh = self.data / "fault.new"
        fresh.write_text(fault)
        fresh.rename(self.data / (f"fault-{view}" if view else "fault"))

    def mend_api(self, view=""):
        (self.data / (f"fault-{view}" if view else "fault")).unlink(missing_ok=True)

    # --- looking at it -------------------------------------------------------------------------------------

    def wait_well(self):
        for part, answers in {"nginx": lambda: self._answers(self.site_url + "/"),
                              "gunicorn": lambda: self._answers(self.api_url), "redis": self._redis_answers}.items():
            if part in self.parts:
                wait_until(answers, f"{part} answers")

    def log(self, name):
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _wait_for_log(self, name, words):
        wait_until(lambda: words.encode() in (self.folder / f"{name}.log").read_bytes()[self._log_starts[name]:],
                   f"{name} says {words}")

    def redis_keys(self):
        """Every key, of sets with their members, sorted."""
        database = redis.Redis(port=self.redis_port)
        return sorted((key, sorted(database.smembers(key)) if database.type(key) == b"set" else None)
                      for key in database.keys())

    @staticmethod
    def _answers(url):
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200

    def _redis_answers(self):
        with socket.create_connection(("127.0.0.1", self.redis_port), 2) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")

    # --- inside --------------------------------------------------------------------------------------------

    def _start(self, name, command, environment=None):
        with open(self.folder / f"{name}.log", "ab") as log:
            self._log_starts[name] = log.tell()
            self.processes[name] = subprocess.Popen(
                # The parts must not outlive a test that is killed.
                ["setpriv", "--pdeathsig", "TERM", *command],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={"PATH": "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", **(environment or {})})

    def _make_certificates(self):
        """ca.pem and a certificate for site.test and 127.0.0.1, signed by it, good for a month."""
        subprocess.run(["sh", str(HERE / "make-certificates.sh"), str(self.folder), "30"], check=True)
