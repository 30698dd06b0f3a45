#!/usr/bin/env python3
"""What needs a real systemd to break: units, the bus, the configuration in its place; one host for all of it.

As tests/integration/test_faults.py: the right check, level, words, recovery and messages, and nothing else red.
"""

import contextlib
import pathlib
import sys
import types
import unittest

from hosts import SOURCE, Host, skip_where_impossible

sys.path.insert(0, str(SOURCE / "tests/integration"))

from faults.fault import Fault  # noqa: E402 (found by the line above)
from faults.trial import Trials  # noqa: E402

TITLE = "On a host with systemd"

CONFIG = "/etc/lectio-monitor/config.toml"
MORE_CHECKS = """
[health.check.units]
type = "systemd"

[health.limits]
per_hour = 60
"""


class HostSite:
    """A host's site for faults.trial: what faults.site.Site is on loopback."""

    def __init__(self, host):
        self.host, self.folder = host, pathlib.Path("/nonexistent")
        self.monitor, self.bot = HostMonitor(host), self
        self._after = contextlib.ExitStack()
        self._told = 0

    @contextlib.contextmanager
    def watched(self):
        """A monitor that remembers nothing."""
        self.host.shell("rm -rf /var/lib/lectio-monitor /run/lectio-monitor")
        self._told = len(self.host.messages())
        yield self.monitor

    def texts(self):
        return self.host.messages()[self._told:]

    def afterwards(self, *command):
        self._after.callback(self.host.run, *command)

    def mend(self):
        self._after.close()
        self.host.wait_until(lambda: self.host.succeeds("lectio-health", "-q", "--dry-run"), "all is well again", 30)


class HostMonitor:
    """lectio-health on a host."""

    def __init__(self, host):
        self._host, self.folder = host, pathlib.Path("/nonexistent")

    def change(self, texts, back=False):
        assert not texts, "not needed on a host yet"

    def run(self, *options, lang=None):
        if lang:
            self._host.shell(f"sed 's/^lang = .*/lang = \"{lang}\"/' {CONFIG} >/tmp/config.toml")
            options = ("-c", "/tmp/config.toml", *options)
        return HostRun(*self._host.health(*options))


class HostRun:
    """As monitor.Run."""

    def __init__(self, exit_code, report):
        self.exit_code, self.report = exit_code, report

    def check(self, name):
        return next(check for check in self.report["checks"] if check["name"] == name)


def after(script, *undo):
    """Runs a script; afterwards a command, by which it is undone."""
    def inject(site):
        if undo:
            site.afterwards(*undo)
        site.host.shell(script)
    return inject


def unit(action, name, *undo):
    return after(f"systemctl {action} {name}", *(undo or ("systemctl", "restart", name)))


def config(script):
    """Changes what lies at the place of the configuration."""
    return after(f"cp -a {CONFIG} /root/kept; {script}", "sh", "-c", f"rm -rf {CONFIG}; mv /root/kept {CONFIG}")


def unreadable(name, script):
    return Fault(name=f"config.toml: {name}", inject=config(script), broken={"config": "warning"}, exit_code=78, looked_at=False,
                 says=("", "работаем с последними верными"))


BEHIND_NGINX = {"site": "nginx", "frontend": "nginx"}
BEHIND_BACKEND = {"api": "backend", "workers": "backend"}
RESTART_NGINX = ("systemctl", "restart", "nginx")
RESTART_BACKEND = ("systemctl", "restart", "teaching_panel")

FAULTS = [
    Fault(name="nginx.service stopped", inject=unit("stop", "nginx"), broken={"nginx": "critical"}, symptoms=BEHIND_NGINX,
          mended=("nginx",), says=("nginx.service is stopped", "nginx.service остановлен")),
    Fault(name="nginx.service killed", inject=after("systemctl kill -s KILL nginx; while systemctl -q is-active nginx; do :; done",
                                                    *RESTART_NGINX),
          broken={"nginx": "critical", "units": "warning"}, symptoms=BEHIND_NGINX | {"units": "nginx"}, mended=("nginx",),
          says=("nginx.service has failed", "nginx.service упал")),
    Fault(name="nginx stopped, and its configuration is broken",
          inject=after("echo 'no directive;' >/etc/nginx/conf.d/broken.conf; systemctl stop nginx", "sh", "-c",
                       "rm /etc/nginx/conf.d/broken.conf; systemctl restart nginx"),
          broken={"nginx": "critical"}, symptoms=BEHIND_NGINX, tried=("nginx",),
          says=("nginx.service is stopped", "nginx.service остановлен")),
    Fault(name="nginx stopped, its port taken by another program",
          inject=after("systemctl stop nginx; cd /srv; systemd-run -q --unit=thief python3 -m http.server -b 127.0.0.1 80; "
                       "until curl -sf -o /dev/null http://127.0.0.1/; do :; done", "sh", "-c",
                       "systemctl stop thief; systemctl reset-failed; systemctl restart nginx"),
          broken={"nginx": "critical"}, symptoms=BEHIND_NGINX, tried=("nginx",),
          says=("nginx.service is stopped", "nginx.service")),
    Fault(name="nginx.service stopped and masked",
          inject=after("systemctl stop nginx; systemctl mask --runtime nginx", "sh", "-c",
                       "systemctl unmask --runtime nginx; systemctl start nginx"),
          broken={"nginx": "critical"}, symptoms=BEHIND_NGINX, note="перезапуск здесь не поможет",
          says=("is masked", "замаскирован")),
    Fault(name="gunicorn's unit stopped", inject=unit("stop", "teaching_panel"), broken={"backend": "critical"},
          symptoms=BEHIND_BACKEND, mended=("backend",), says=("teaching_panel.service is stopped", "остановлен")),
    Fault(name="gunicorn's unit hangs (SIGSTOP)", inject=after("systemctl kill -s STOP teaching_panel", *RESTART_BACKEND),
          broken={"api": "critical"}, mended=("backend",), says=("waiting for the first byte", "ожидание первого байта")),
    Fault(name="gunicorn's program is gone, systemd has given up",
          inject=after("rm /var/www/teaching_panel/venv/bin/gunicorn; systemctl restart teaching_panel || true; "
                       "until systemctl -q is-failed teaching_panel; do :; done", "sh", "-c",
                       "ln -s /usr/bin/gunicorn /var/www/teaching_panel/venv/bin/gunicorn; systemctl reset-failed; "
                       "systemctl restart teaching_panel"),
          broken={"backend": "critical", "units": "warning"}, symptoms=BEHIND_BACKEND | {"units": "backend"}, tried=("backend",),
          says=("teaching_panel.service has failed", "teaching_panel.service")),
    Fault(name="gunicorn's unit file is gone",
          inject=after("systemctl stop teaching_panel; mv /etc/systemd/system/teaching_panel.service /root; systemctl daemon-reload",
                       "sh", "-c", "mv /root/teaching_panel.service /etc/systemd/system; systemctl daemon-reload; "
                       "systemctl restart teaching_panel"),
          broken={"backend": "critical"}, symptoms=BEHIND_BACKEND, note="перезапуск здесь не поможет",
          says=("there is no unit", "нет юнита")),
    Fault(name="redis-server.service stopped",
          inject=after("systemctl stop redis-server", "systemctl", "restart", "redis-server", "celery-default"),
          broken={"redis": "critical"}, symptoms={"celery": "redis"}, says=("refused", "отказано")),
    Fault(name="celery-default.service stopped", inject=unit("stop", "celery-default"), broken={"celery": "critical"},
          says=("no worker is connected", "не подключён ни один воркер")),
    Fault(name="a unit that nobody watches has failed",
          inject=after("systemd-run -q --unit=broken false; until systemctl -q is-failed broken; do :; done",
                       "systemctl", "reset-failed", "broken"),
          broken={"units": "warning"}, says=("failed: broken.service", "упали: broken.service")),
    Fault(name="index.html with mode 000 of root",
          inject=after("cd /var/www/teaching_panel/frontend/build; chmod 000 index.html; chown root:root index.html"),
          broken={"frontend": "critical", "site": "critical"}, mended=("frontend-permissions",),
          says=("may not read", "не может прочитать")),
    Fault(name="the D-Bus system bus hangs (SIGSTOP)", inject=after("pkill -STOP -x dbus-daemon", "pkill", "-CONT", "-x", "dbus-daemon"),
          broken={"nginx": "unknown", "backend": "unknown", "units": "unknown"}, says=("does not answer", "не отвечает")),
    unreadable("UTF-16", f"iconv -t UTF-16 /root/kept >{CONFIG}"),
    unreadable("20 MB", f"head -c 20M /dev/zero | tr '\\0' '#' >>{CONFIG}"),
    unreadable("a named pipe", f"rm {CONFIG}; mkfifo {CONFIG}"),
    unreadable("a folder", f"rm {CONFIG}; mkdir {CONFIG}"),
    unreadable("gone", f"rm {CONFIG}"),
]


class Faults(Trials, unittest.TestCase):
    def test_faults(self):
        with Host("faults") as host:
            host.lay_out_site(cron=False)
            host.shell(f"sed -i 's/^timeout *= \"5s\"/timeout = \"1s\"/; s/^settle = .*/settle = \"4s\"/; "
                       f"/^.health.check/a recheck = \"100ms\"' {CONFIG}; "
                       f"printf '%s' '{MORE_CHECKS}' >>{CONFIG}; systemctl reset-failed")
            # A night's faults in two minutes are more messages than Telegram takes from a bot in that time.
            host.shell("sed -i '/^ExecStart/s/$/ --no-limits/' /etc/systemd/system/bot-api.service; "
                       "systemctl daemon-reload; systemctl restart bot-api")
            host.wait_until(lambda: host.succeeds("curl", "-s", "-o", "/dev/null", "http://127.0.0.1:8081/"),
                            "the stand-in for the Bot API listens", 20)
            self.site = HostSite(host)
            self.try_all(types.SimpleNamespace(__name__="host", TITLE=TITLE, FAULTS=FAULTS))


if __name__ == "__main__":
    skip_where_impossible()
    unittest.main(argv=sys.argv)
