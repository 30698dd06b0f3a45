"""The site that is broken: the whole stack, a partner that answers whatever a fault wants, a nameserver, a small disk,
a restarter in place of systemd, and a monitor that watches all of it and may mend it."""

import contextlib
import http.server
import os
import pathlib
import pwd
import shutil
import signal
import socket
import socketserver

import mounts
from monitor import Monitor
from stack.stack import PYTHON, Stack, free_port, wait_until
from stand_ins.bot_api import BotApi
from stand_ins.loopback import Loopback

PROFILE = """
[health.check.web]
type = "tcp"
address = "127.0.0.1:{stack.https_port}"
recheck = "50ms"

[health.check.certificate]
type = "tls"
address = "127.0.0.1:{stack.https_port}"
server_name = "site.test"
ca = "{stack.folder}/ca.pem"
expires = {{ warn = "14d", critical = "7d" }}
timeout = "1s"
recheck = "50ms"
needs = ["web"]

[health.check.site]
type = "http"
url = "{stack.https_url}/"
ca = "{stack.folder}/ca.pem"
resolve = "127.0.0.1"
contains = 'id="root"'
timeout = "1s"
recheck = "50ms"
needs = ["web"]

[health.check.frontend]
type = "frontend"
root = "{stack.build}"
url = "{stack.site_url}"
reader = "www-data"
contains = 'id="root"'
forbid = "localhost:3000"
timeout = "1s"
recheck = "50ms"
needs = ["web"]

[health.check.workers]
type = "process"
match = "gunicorn.*127.0.0.1:{stack.api_port} .*teaching_panel"
min = 2
max = 8
recheck = "50ms"

[health.check.api]
type = "http"
url = "{stack.api_url}"
json = {{ "/checks/database" = "ok" }}
timeout = "2s"
recheck = "50ms"
needs = ["workers"]

[health.check.behind]
type = "http"
url = "{stack.site_url}/api/health/"
timeout = "2s"
recheck = "50ms"
needs = ["web", "api"]

[health.check.redis]
type = "redis"
url = "{stack.redis_url}"
memory = {{ warn = "80%", critical = "95%" }}
queues = {{ mail = {{ warn = 50, critical = 500 }} }}
timeout = "1s"
recheck = "50ms"

[health.check.celery]
type = "celery"
broker = "{stack.redis_url}"
consumed = ["celery"]
timeout = "1s"
recheck = "50ms"
needs = ["redis"]

[health.check.name]
type = "dns"
name = "www.site.test"
server = "127.0.0.1:{stack.dns_port}"
expect = ["127.0.0.1"]
timeout = "3s"
recheck = "50ms"

[health.check.partner]
type = "http"
url = "{stack.partner.url}/status"
json = {{ "/ready" = true, "/version" = 3, "/name" = "partner" }}
contains = "partner"
not_contains = "maintenance"
expect_headers = {{ content-type = "application/json", x-served-by = "partner" }}
max_body = "64KB"
max_time = "900ms"
timeout = "1s"
recheck = "50ms"

[health.check.mail]
type = "tcp"
address = "127.0.0.1:{stack.mail.port}"
send = "EHLO monitor"
expect = "250 mail"
timeout = "3s"
recheck = "50ms"

[health.check.backup]
type = "file"
path = "{stack.folder}/backup.zst"
age = {{ warn = "26h", critical = "50h" }}
size = {{ critical = "1MB" }}
mode = "640"
owner = "root:root"

[health.check.lock]
type = "file"
path = "{stack.folder}/maintenance.lock"
must = "absent"

[health.check.app-log]
type = "log"
path = "{stack.folder}/app.log"
matches = ['Traceback', '\\[CRITICAL\\]']
count = {{ warn = 1, critical = 10 }}

[health.check.plugin]
type = "exec"
command = ["{stack.folder}/plugin"]
timeout = "3s"
recheck = "50ms"

[health.check.jobs]
type = "process"
match = "{stack.folder}/job"
min = 0
max = 2
rss = {{ warn = "60MB", critical = "1GB" }}
zombies = {{ warn = 3 }}

[health.check.disk]
type = "disk"
path = "{stack.disk}"
recheck = "50ms"

[health.check.memory]
type = "memory"
available = {{ warn = "64MB", critical = "32MB" }}
oom = "off"

[health.check.suite]
type = "cron"
tools = {{ smoke = "15m" }}

[[health.recovery]]
name = "permissions"
when = ["frontend", "site"]
action = "fix-permissions"
path = "{stack.build}"
owner = "www-data:www-data"
settle = "3s"

[[health.recovery]]
name = "restore"
when = ["frontend"]
action = "restore-frontend"
path = "{stack.build}"
from = ["{stack.build}_old"]
settle = "3s"

[[health.recovery]]
name = "backend"
when = ["workers", "api"]
action = "exec"
command = ["/usr/bin/curl", "-fsS", "-X", "POST", "{stack.restarter}/gunicorn"]
settle = "3s"

[[health.recovery]]
name = "nginx"
when = ["web", "site"]
action = "exec"
command = ["/usr/bin/curl", "-fsS", "-X", "POST", "{stack.restarter}/nginx"]
settle = "3s"
"""


class Breakable(Stack):
    """A stack that a fault changes, leaving with afterwards() how that is undone."""

    def __init__(self, parts, api=False):
        super().__init__(parts=parts, api=api)
        self.monitor = None  # of the fault that is being tried
        self.bot = None
        self._after = contextlib.ExitStack()

    # --- for those who break it ----------------------------------------------------------------------------

    def afterwards(self, mend, *arguments, **options):
        self._after.callback(mend, *arguments, **options)

    def mend(self):
        """Undoes what a fault has done, in reverse order, and waits until it is."""
        self._after.close()
        self.wait_well()

    def configure(self, old, new):
        """Other words in the monitor's configuration."""
        self.monitor.change(((old, new),))
        self.afterwards(self.monitor.change, ((new, old),))

    def restart(self, part):
        """Whatever state it is in."""
        self.stop(part, signal.SIGKILL)
        getattr(self, f"start_{part}")()
        if part == "redis":  # Celery's worker would take seconds to look for it again
            wait_until(self._redis_answers, "Redis answers")
            self.restart("celery")

    def lose(self, part, **how):
        self.afterwards(self.restart, part)
        self.stop(part, **how)

    def hang(self, part):
        self.afterwards(self.restart, part)
        self.freeze(part)

    def change_nginx(self, good, broken):
        """Serves with `broken` in place of `good` in its configuration."""
        self.nginx_changes[good] = broken
        self.restart("nginx")
        self.afterwards(self.restart, "nginx")
        self.afterwards(self.nginx_changes.clear)
        wait_until(lambda: can_connect(self.https_port), "nginx listens")

    def break_view(self, view, fault):
        """See project/teaching_panel/api.py."""
        self.afterwards(self.mend_api, view)
        Stack.break_api(self, fault, view)

    def listen(self, port, answer):
        """Takes a port with a stand-in."""
        thief = Partner(answer, port)
        thief.start()
        self.afterwards(thief.stop)

    def keep(self, path):
        """Puts the file, folder or link as it is now back afterwards."""
        path = pathlib.Path(path)
        aside = self.folder / f"kept-{path.name}"
        copy_of(path, aside)

        def back():
            remove(path)
            copy_of(aside, path)
            remove(aside)
        self.afterwards(back)
        return path


class Site(Breakable):
    """Whole, and watched by lectio-health."""

    def __init__(self):
        super().__init__(parts=["redis", "gunicorn", "nginx", "celery", "dnsmasq"])
        self.disk = self.folder / "disk"
        self.partner, self.mail = Partner(PARTNER_IS_WELL), Partner(b"250 mail at your service\r\n")
        self._parts = contextlib.ExitStack()

    def __enter__(self):
        self.disk.mkdir()
        if os.geteuid() == 0:
            mounts.own_mounts()
            mounts.mount("none", self.disk, "tmpfs", "size=4M,nr_inodes=200,mode=755")
        self._lay_out()
        self.restarter = self._parts.enter_context(Restarter(self)).url
        for stand_in in (self.partner, self.mail):
            self._parts.enter_context(stand_in)
        super().__enter__()
        shutil.copytree(self.build, f"{self.build}_old")
        self.give_to_nginx()
        return self

    def __exit__(self, *_):
        self._parts.close()
        if os.geteuid() == 0:
            mounts.unmount(self.disk)
        super().__exit__()

    @contextlib.contextmanager
    def watched(self, tune=()):
        """A monitor that has found all of it well, in a state of its own."""
        with BotApi() as self.bot, Monitor(self, self.bot.url, PROFILE, lang="ru") as self.monitor:
            yield self.monitor

    # --- for those who break it ----------------------------------------------------------------------------

    def break_partner(self, answer=b""):
        """The partner answers this: bytes, or a function of the connection; by default HTTP 500."""
        self.afterwards(setattr, self.partner, "answer", self.partner.well)
        self.partner.answer = answer or http_answer(b"made up", "500 Internal Server Error")

    def break_api(self, fault):
        self.afterwards(self.mend_api)
        super().break_api(fault)

    # --- inside --------------------------------------------------------------------------------------------

    def give_to_nginx(self):
        if os.geteuid() == 0:
            user = pwd.getpwnam("www-data")
            for top in (self.build, pathlib.Path(f"{self.build}_old")):
                for path in (top, *top.rglob("*")):
                    os.chown(path, user.pw_uid, user.pw_gid)

    def _lay_out(self):
        backup = self.folder / "backup.zst"
        backup.write_bytes(bytes(1 << 16))
        backup.chmod(0o640)
        (self.folder / "app.log").write_text("started\n")
        plugin(self, "echo all well")


def can_connect(port):
    with socket.create_connection(("127.0.0.1", port), 1):
        return True


def plugin(site, script):
    """What the check by a plugin runs."""
    path = site.folder / "plugin"
    fresh = site.folder / "plugin.new"
    fresh.write_text(f"#!/bin/sh\n{script}\n")
    fresh.chmod(0o755)
    fresh.rename(path)


def remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def copy_of(path, target):
    """With owners and modes, which shutil leaves out."""
    if path.is_dir():
        target.mkdir()
        for child in path.iterdir():
            copy_of(child, target / child.name)
    else:
        shutil.copyfile(path, target)
    known = path.stat()
    os.chown(target, known.st_uid, known.st_gid)
    target.chmod(known.st_mode & 0o7777)
    os.utime(target, ns=(known.st_atime_ns, known.st_mtime_ns))


def http_answer(body, status="200 OK", kind="application/json", more=()):
    """An answer of the partner as it is when it is well, but for what is given."""
    head = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", "X-Served-By: partner-1", "Connection: close",
            f"Content-Length: {len(body)}", *more]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


PARTNER_IS_WELL = http_answer(b'{"name": "partner", "ready": true, "version": 3}')


class Partner(Loopback):
    """Answers each connection, once something was asked, with bytes or by a function of the connection."""

    def __init__(self, answer, port=0):
        self.well = self.answer = answer
        super().__init__(Asked, port, server=Plain)


class Plain(socketserver.ThreadingTCPServer):
    """Any protocol; how a connection ends is for who answers it to say."""

    allow_reuse_address = True
    request_queue_size = 128

    def shutdown_request(self, request):
        self.close_request(request)


class Asked(socketserver.BaseRequestHandler):
    def handle(self):
        answer = self.server.stand_in.answer
        with contextlib.suppress(OSError):
            self.request.settimeout(5)
            self.request.recv(65536)
            if callable(answer):
                answer(self.request)
            else:
                self.request.sendall(answer)


class Restarter(Loopback):
    """POST /PART restarts it, as systemd does on a host. One thread: what it starts ends with it (pdeathsig)."""

    def __init__(self, site):
        outer = site

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                outer.restart(self.path.strip("/"))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass
        super().__init__(Handler, server=http.server.HTTPServer)
