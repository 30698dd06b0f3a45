#!/usr/bin/env python3
"""packaging/systemd/timers: systemd runs the tools, one run at a time, hardened, and says nothing of its own."""

import sys
import unittest

from hosts import SOURCE, Host, skip_where_impossible

TIMERS = SOURCE / "packaging/systemd/timers"
STATE = "/var/lib/lectio-monitor/health/state.json"


class Timers(unittest.TestCase):
    def setUp(self):
        self.host = self.enterContext(Host(self._testMethodName.removeprefix("test_").replace("_", "-")))
        self.host.lay_out_site(cron=False)

    def show(self, unit, what):
        return self.host.run("systemctl", "show", "-P", what, unit).strip()

    def test_systemd_has_nothing_to_say_of_them(self):
        self.host.start_timers("health")
        units = [f"/etc/systemd/system/{path.name}" for path in TIMERS.iterdir()]
        done = self.host.attempt("systemd-analyze", "verify", *units)
        ours = [line for line in (done.stdout + done.stderr).splitlines() if "lectio" in line]
        self.assertEqual((done.returncode, ours), (0, []))

    def test_a_broken_site(self):
        """It is no failure of the unit that has found it."""
        self.host.start_timers("health", "notify")
        self.host.wait_until_watched()
        self.host.run("systemctl", "mask", "--quiet", "--now", "nginx")  # what nobody can mend
        self.host.wait_until(self.host.messages, "told")
        self.host.wait_for_next_run()
        self.assertEqual(self.show("lectio-health.service", "Result"), "success")
        self.assertEqual(self.host.attempt("systemctl", "is-failed", "lectio-health.service", "lectio-notify.service").stdout.split().count("failed"), 0)
        journal = self.host.run("journalctl", "-u", "lectio-health.service", "-o", "cat")
        self.assertIn("nginx", journal)
        for own in ("Starting", "Finished", "Deactivated", "Consumed"):
            self.assertNotIn(own, journal)

    def test_one_run_at_a_time(self):
        """One that hangs is not joined by another, and does not end the watch."""
        self.host.write("/root/run", "echo begin >>/root/runs; trap 'echo end >>/root/runs' EXIT; trap 'exit 1' TERM\n"
                                     "! test -e /root/hang || { sleep infinity & wait; }\n")
        self.host.write("/etc/systemd/system/lectio-health.service.d/test.conf",
                        "[Service]\nTimeoutStartSec=20\nExecStartPre=/bin/sh /root/run\n")
        self.host.start_timers("health")
        self.host.wait_until_watched()
        self.host.shell("touch /root/hang")
        self.host.wait_until(lambda: self.show("lectio-health.service", "SubState") == "start-pre", "one hangs")
        known = len(self.runs())
        self.host.wait_until(lambda: len(self.runs()) > known + 1, "it is ended, and the next one has begun")
        self.host.shell("rm /root/hang")
        self.host.wait_for_next_run()
        runs = self.runs()
        self.assertEqual(runs, [("begin", "end")[at % 2] for at in range(len(runs))])

    def runs(self):
        return self.host.read("/root/runs").split()

    def test_each_does_what_it_does_by_cron(self):
        """The hardening takes nothing away that a tool needs here."""
        self.host.shell("mkdir -p /srv/backups /srv/old && touch -d '9 days ago' /srv/old/gone && sqlite3 /srv/db.sqlite3 'create table t(x)' "
                        "|| python3 -c 'import sqlite3; sqlite3.connect(\"/srv/db.sqlite3\").execute(\"create table t(x)\")'")
        self.host.shell("cat >>/etc/lectio-monitor/config.toml <<'MORE'\n"
                        "[backup]\ndir = \"/srv/backups\"\nmin_free = \"1MB\"\n[backup.source.database]\ntype = \"sqlite\"\npath = \"/srv/db.sqlite3\"\n"
                        "[[smoke.step]]\nname = \"page\"\nget = \"http://127.0.0.1/\"\n"
                        "[deepcheck.check.disk]\ntype = \"disk\"\npath = \"/\"\nfree = { warn = \"0%\", critical = \"0%\" }\nMORE")
        self.host.start_timers("health", "notify")
        for tool in ("health", "notify", "smoke", "deepcheck", "heartbeat", "backup"):
            self.host.run("systemctl", "start", f"lectio-{tool}.service")
            self.assertEqual(self.show(f"lectio-{tool}.service", "Result"), "success", tool)
        self.assertEqual(len(self.host.shell("ls /srv/backups/*.zst").split()), 1)
        self.host.run("test", "-s", STATE)

    def test_after_a_reboot(self):
        self.host.start_timers("health")
        self.host.wait_until_watched()
        self.host.reboot()
        self.host.wait_for_next_run()


if __name__ == "__main__":
    skip_where_impossible()
    unittest.main(argv=sys.argv)
