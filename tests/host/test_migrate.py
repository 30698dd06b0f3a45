#!/usr/bin/env python3
"""install.sh --migrate on a server with the bash suite, its cron and its units; and back, file by file."""

import json
import re
import sys
import unittest

from hosts import SOURCE, Host, skip_where_impossible, tools

sys.path.insert(0, str(SOURCE / "tests/integration"))

from migration import CRONTAB, LINKED, SUITE  # noqa: E402 (found by the line above)

INSTALL = "/srv/lectio-monitor/install.sh"
BUILD = "/var/www/teaching_panel/frontend/build"
PROJECT = "/var/www/teaching_panel/teaching_panel"
# What changes by itself on a running host is not what a migration changes.
WITHOUT = ("/var/lib/lectio-monitor-undone", "/var/lib/systemd", "/var/lib/private", "/var/log/journal", "/var/lib/redis",
           "/var/lib/bot-api", "/var/lib/teaching_panel", "/var/log/nginx", "/var/log/wtmp", "/var/lib/nginx")
CRONTAB_OF_ROOT = "/var/spool/cron/crontabs/root"
OURS = "/etc/cron.d/lectio-monitor"
SAYS = "/var/log/lectio-monitor/scripts.log"


class Migrate(unittest.TestCase):

    def test_there_and_back(self):
        with Host("migrate") as host:
            self.host = host
            self.lay_out()
            host.wait_until(lambda: "health_check.sh" in host.read(SAYS), "cron runs the old suite")
            before = self.listing()
            self.migrate()
            self.every_old_command_line_works()
            self.cron_runs_each_once()
            host.reboot()
            host.wait_until(lambda: host.succeeds(f"{SUITE}/health_check.sh", "-q"), "well after a reboot", 180)
            self.undo(before)

    def test_by_timers(self):
        """And the old suite's crontab has the name of ours."""
        with Host("migrate-timers") as host:
            self.host = host
            self.lay_out()
            host.run("mv", "/etc/cron.d/lectio-cleanup", OURS)
            host.run("systemctl", "stop", "cron")
            before = self.listing()
            host.run(INSTALL, "--migrate", "--built", "/srv/built", "--schedule", "timers")
            enabled = host.shell("systemctl list-unit-files --no-legend --state=enabled 'lectio-*.timer' | cut -d' ' -f1").split()
            self.assertEqual(enabled, [f"lectio-{tool}.timer" for tool in ("backup", "cleanup", "deepcheck", "health", "heartbeat", "notify", "smoke")])
            self.assertEqual(host.shell("grep -hE '^[0-9*@]' /etc/cron.d/lectio* " + CRONTAB_OF_ROOT).splitlines(),
                             ["20 4 * * * www-data /var/www/teaching_panel/clear_sessions.sh", "15 4 * * * /opt/lectio-monitor/security_check.sh",
                              "17 4 * * * /root/certificates.sh > /var/log/lectio-monitor/certificates.log"])
            host.run(INSTALL, "--migrate", "--undo")
            self.assert_as(before)

    def assert_as(self, before):
        self.maxDiff = None
        now = self.listing()
        changed = [path for path in sorted(before.keys() | now.keys()) if before.get(path) != now.get(path)]
        self.assertEqual({path: now.get(path) for path in changed}, {path: before.get(path) for path in changed})

    def lay_out(self):
        host = self.host
        host.lay_out_site(cron=False)
        host.shell("rm -rf /etc/lectio-monitor /usr/local/bin/lectio-* /opt/lectio-monitor /var/log/lectio-monitor")
        host.copy(SOURCE / "tests/integration/migration.py", "/root/migration.py")
        host.run("python3", "-B", "-c", "import sys; sys.path.insert(0, '/root'); import migration; migration.lay_out()")
        host.shell(f"chown root:crontab {CRONTAB_OF_ROOT}; systemctl daemon-reload")
        host.run("python3", "-c", f"import sqlite3; sqlite3.connect('{PROJECT}/db.sqlite3').execute('create table t(a)')")
        for tool in tools():
            host.copy(tool, f"/srv/built/bin/{tool.name}")
        host.copy(SOURCE / "config/profiles", "/srv/built/share/lectio-monitor/profiles")
        for part in ("install.sh", "crontab.example", "packaging"):
            host.copy(SOURCE / part, f"/srv/lectio-monitor/{part}")

    def listing(self):
        code = ("import json, sys; sys.path.insert(0, '/root'); import migration; "
                f"print(json.dumps(migration.listing(['/etc', '/opt', '/usr/local', '/var/lib', '/var/log', '/var/spool'], {WITHOUT!r})))")
        return json.loads(self.host.run("python3", "-B", "-c", code))

    def migrate(self):
        host = self.host
        looked = host.run(INSTALL, "--migrate", "--built", "/srv/built", "--dry-run")
        self.assertIn("replaced by backup, cleanup", looked)
        said = host.run(INSTALL, "--migrate", "--built", "/srv/built")
        self.ran_before = host.read(SAYS)
        self.assertNotIn("made-up-token", said)
        self.assertIn("systemd/system/failure-notifier@.service calls notify_failure.sh, and goes on to", said)
        host.run("lectio-health", "--check-config")
        self.assertEqual(host.read(f"/var/lib/lectio-monitor/migration/before{CRONTAB_OF_ROOT}"), CRONTAB)
        self.assertEqual(host.run("stat", "-c", "%U:%G %a", CRONTAB_OF_ROOT), "root:crontab 600\n")

    def every_old_command_line_works(self):
        host = self.host
        for command, codes in (("health_check.sh", (0,)), ("heartbeat.sh", (0,)), ("cleanup_processes.sh", (0,)),
                               ("deep_check.sh", (0, 1)), ("smoke_check_v2.sh", (0, 1)), ("notify_failure.sh teaching_panel.service", (0,)),
                               (f"deploy_safe.sh frontend {BUILD}.next", (0,)), ("deploy_safe.sh cleanup 7", (0,)),
                               ("deploy_safe.sh backend", (1,))):
            if "frontend" in command:
                host.shell(f"cp -r {BUILD} {BUILD}.next; echo '<!-- next -->' >>{BUILD}.next/index.html")
            host.wait_until(lambda line=command, wanted=codes: self.ends(line, wanted), f"{command}: {codes}", 150)
        self.assertIn("<!-- next -->", host.run("curl", "-fsS", "http://127.0.0.1/"))
        for name in LINKED:
            self.assertIn("lectio-", host.run("bash", f"{SUITE}/{name}", "--version"))
        host.run("systemctl", "start", "failure-notifier@teaching_panel.service")
        self.assertEqual(host.read(SAYS), self.ran_before, "no script of the old suite runs")

    def ends(self, command, codes):
        """75: cron runs the same tool just now."""
        done = self.host.attempt("sh", "-c", f"{SUITE}/{command} </dev/null")
        busy = done.returncode == 75 or "lock" in done.stderr
        self.assertTrue(busy or done.returncode in codes, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
        return not busy

    def cron_runs_each_once(self):
        host = self.host
        since = host.run("date", "+%Y-%m-%d %H:%M:%S").strip()
        host.wait_until(lambda: self.started(since).count("lectio-health") >= 2, "cron runs lectio-health twice", 180)
        started = self.started(since)
        self.assertLessEqual(abs(started.count("lectio-health") - started.count("lectio-heartbeat")), 1, started)
        self.assertLessEqual(started.count("lectio-health"), 3, started)
        self.assertFalse([each for each in started if each.endswith((".sh", ".py")) and each not in ("certificates.sh",)], started)
        self.assertEqual(host.read(SAYS), self.ran_before)

    def started(self, since):
        """The programs that cron has started."""
        lines = self.host.run("journalctl", "-t", "CRON", "--since", since, "-o", "cat").splitlines()
        found = [re.search(r"CMD \(.*?/([\w.-]+)(?: |\))", line) for line in lines]
        return [each[1] for each in found if each]

    def undo(self, before):
        host = self.host
        refused = host.attempt(INSTALL, "--migrate", "--undo")
        self.assertEqual(refused.returncode, 1, refused.stdout)
        self.assertIn("lectio-deploy adopt --undo", refused.stderr)
        self.assertEqual(host.attempt(INSTALL, "--uninstall").returncode, 1)
        host.run("lectio-deploy", "rollback")
        host.run("lectio-deploy", "adopt", "--undo")
        host.run(INSTALL, "--migrate", "--undo")
        self.assert_as(before)
        since = host.run("date", "+%Y-%m-%d %H:%M:%S").strip()
        host.wait_until(lambda: "health_check.sh" in host.read(SAYS).removeprefix(self.ran_before), "cron runs the old suite again")
        self.assertNotIn("/usr/local/bin/lectio-", host.run("journalctl", "-t", "CRON", "--since", since, "-o", "cat"))
        self.assertTrue(host.site_answers())


if __name__ == "__main__":
    skip_where_impossible()
    unittest.main(argv=sys.argv)
