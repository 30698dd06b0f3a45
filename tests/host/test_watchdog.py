#!/usr/bin/env python3
"""packaging/systemd/site/watchdog.conf: systemd restarts a gunicorn that hangs, and no other."""

import os
import re
import sys
import unittest

from hosts import SOURCE, report_times, skip_where_impossible
from test_units import SITE, UnitsHost

DROP_IN = f"/etc/systemd/system/{SITE}.d/watchdog.conf"
HEALTHY = 300 if os.environ.get("LECTIO_SOAK") == "1" else 60  # seconds: several times WatchdogSec=
WITHIN = 75  # seconds: what the operator was promised


class Watchdog(UnitsHost, unittest.TestCase):
    def setUp(self):
        super().setUp()
        self.host.copy(SOURCE / "packaging/systemd/site/watchdog.conf", DROP_IN)
        self.restart()

    def restart(self, **changed):
        """With the drop-in as it is shipped, but for what is given."""
        text = (SOURCE / "packaging/systemd/site/watchdog.conf").read_text()
        for key, value in changed.items():
            text, found = re.subn(rf"^{key}=.*$", f"{key}={value}", text, flags=re.M)
            self.assertEqual(found, 1, key)
        self.host.write(DROP_IN, text)
        self.host.run("systemctl", "daemon-reload")
        self.host.run("systemctl", "restart", SITE)
        self.begin()
        self.assertEqual(self.state(SITE, "NRestarts"), "0")

    def begin(self):
        """It serves with all its workers, and no restart of the test's counts against its start limit."""
        self.host.wait_until(lambda: self.answers(2) and len(self.workers()) == 3, "the site answers")
        self.host.run("systemctl", "reset-failed", SITE)

    def master(self):
        """gunicorn's own: the only child of lectio-heartbeat."""
        [pid] = self.host.run("pgrep", "-P", self.state(SITE, "MainPID")).split()
        return pid

    def workers(self):
        return self.host.run("pgrep", "-P", self.master()).split()

    def test_a_gunicorn_that_hangs(self):
        """It runs, and answers nobody: its workers are stopped, once their master with them."""
        for stopped in (lambda: [*self.workers(), self.master()], self.workers):
            self.begin()
            before = int(self.state(SITE, "NRestarts"))
            self.host.run("kill", "-STOP", *stopped())
            took = self.host.wait_until(
                lambda: int(self.state(SITE, "NRestarts")) > before and self.answers(2), "it is restarted and serves")
            report_times(f"a gunicorn that is stopped serves again after {took:.0f} s")
            self.assertLess(took, WITHIN)
            self.assertEqual(self.state(SITE), "active")
        journal = self.host.run("journalctl", "-u", SITE, "-o", "cat")
        self.assertIn("завис", journal)
        self.host.wait_until(self.host.messages, "told")
        self.assertIn("не ответил сторожу systemd", self.host.messages()[0])

    def test_a_healthy_one_is_left_alone(self):
        self.restart(WatchdogSec="20")
        main = self.state(SITE, "MainPID")
        self.host.run("sleep", str(HEALTHY), timeout=HEALTHY + 100)
        self.assertEqual((self.state(SITE, "MainPID"), self.state(SITE, "NRestarts"), self.state(SITE)), (main, "0", "active"))
        self.assertIn("отвечает", self.state(SITE, "StatusText"))
        self.assertEqual(self.host.messages(), [])

    def test_it_hangs_itself(self):
        """Then WatchdogSec= is what counts."""
        self.restart(WatchdogSec="5")
        self.host.run("kill", "-STOP", self.state(SITE, "MainPID"))
        self.host.wait_until(lambda: self.state(SITE, "NRestarts") == "1" and self.answers(2), "it is restarted and serves")

    def test_stopped_on_purpose(self):
        self.host.run("systemctl", "stop", "teaching_panel.socket", SITE)
        self.assertEqual((self.state(SITE), self.state(SITE, "Result")), ("inactive", "success"))
        journal = self.host.run("journalctl", "-u", SITE, "-o", "cat")
        self.assertIn("Shutting down: Master", journal)
        self.assertEqual(self.host.messages(), [])

    def test_a_crash_is_passed_on(self):
        for name in ("SEGV", "KILL"):
            self.begin()
            before = int(self.state(SITE, "NRestarts"))
            self.host.run("kill", f"-{name}", self.master())
            self.host.wait_until(lambda before=before: int(self.state(SITE, "NRestarts")) > before and self.answers(2), "it is back")
            self.assertRegex(self.host.run("journalctl", "-u", SITE, "-o", "cat"), rf"Main process exited, code=killed, status=\d+/{name}")
        self.host.wait_until(self.host.messages, "told")
        self.assertIn("SIGSEGV", self.host.messages()[0])

    def test_reload_and_restarts_under_load(self):
        """Signals reach gunicorn, and its socket stays its own: no request fails."""
        self.host.start_and_leave("sh", "-c", "wrk -t1 -c8 -d600s --timeout 60s http://lectio.test:80/api/health/ >/root/load 2>&1 & echo $! >/run/load; wait")
        self.host.wait_until(lambda: self.host.succeeds("test", "-s", "/run/load"), "the load has begun")
        workers = self.workers()
        self.host.run("systemctl", "kill", "-s", "HUP", "--kill-who=main", SITE)
        self.host.wait_until(lambda: not set(workers) & set(self.workers()), "all workers are new")
        for _ in range(5):
            self.host.shell(f"systemctl reset-failed {SITE}; systemctl restart {SITE}")
        self.host.shell("kill -INT $(cat /run/load)")
        self.host.wait_until(lambda: "requests in" in self.host.read("/root/load"), "the load has ended")
        load = self.host.read("/root/load")
        self.assertNotIn("Non-2xx", load)
        self.assertNotIn("Socket errors", load)


if __name__ == "__main__":
    skip_where_impossible()
    unittest.main(argv=sys.argv)
