#!/usr/bin/env python3
"""What the operator is told by the real lectio-health: each change once, nothing lost, nothing else."""

import os
import pathlib
import shutil
import time
import unittest

from monitor import TOKEN, Monitor
from stack.stack import Stack
from stand_ins.bot_api import BotApi

# The API alone; no rung could mend what these tests break.
CHECKS = """
[health.check.api]
type = "http"
url = "{stack.api_url}"
timeout = "1s"
recheck = "50ms"
"""

IN_VAIN = """
[[health.recovery]]
name = "in-vain"
when = ["api"]
action = "exec"
command = ["/bin/false"]
"""


class HealthAlerts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = cls.enterClassContext(Stack())

    def setUp(self):
        self.bot = self.enterContext(BotApi())
        self.addCleanup(self.stack.mend_api)

    def monitor(self, more=""):
        return self.enterContext(Monitor(self.stack, self.bot.url, CHECKS, more))

    def assert_told(self, *marks):
        texts = self.bot.texts()
        self.assertEqual([text[0] for text in texts], list(marks), texts)

    def test_nothing_is_told_while_all_is_good(self):
        monitor = self.monitor()
        for _ in range(3):
            self.assertEqual(monitor.run().exit_code, 0)
        self.assert_told()

    def test_one_bad_answer_among_good_ones_is_not_told(self):
        monitor = self.monitor()
        for _ in range(5):
            self.stack.break_api("once 500")
            self.assertEqual(monitor.run().exit_code, 0)
        self.assert_told()

    def test_ten_runs_with_the_same_fault_without_recovery(self):
        monitor = self.monitor(IN_VAIN)
        self.stack.break_api("status 500")
        for _ in range(10):
            self.assertEqual(monitor.run("--no-recovery").exit_code, 2)
        self.assert_told("🚨")

    def test_ten_runs_with_the_same_fault_that_nothing_mends(self):
        monitor = self.monitor(IN_VAIN)
        self.stack.break_api("status 500")
        for _ in range(10):
            self.assertEqual(monitor.run().exit_code, 2)
        self.assertLessEqual(len(self.bot.texts()), 2, self.bot.texts())

    def test_the_end_is_told(self):
        monitor = self.monitor()
        self.stack.break_api("status 500")
        monitor.run()
        self.stack.mend_api()
        self.assertEqual(monitor.run().exit_code, 0)
        monitor.run()
        self.assert_told("🚨", "✅")

    def test_dry_run_tells_and_remembers_nothing(self):
        monitor = self.monitor()
        self.stack.break_api("status 500")
        monitor.run("--dry-run")
        self.assertFalse(monitor.state.exists())
        self.assert_told()

    def test_what_was_not_told_with_no_notify_is_told_by_the_next_run(self):
        monitor = self.monitor()
        self.stack.break_api("status 500")
        monitor.run("--no-notify")
        self.assert_told()
        monitor.run()
        self.assert_told("🚨")

    def test_muted_until_it_ends(self):
        monitor = self.monitor()
        monitor.run_folder.mkdir()
        mute = monitor.run_folder / "mute_until"
        mute.write_text(f"{int(time.time()) + 3600}\n")
        self.stack.break_api("status 500")
        self.assertEqual(monitor.run().exit_code, 2)
        self.assert_told()
        mute.unlink()
        monitor.run()
        self.assert_told("🚨")

    def test_told_once_though_neither_folder_can_be_written(self):
        monitor = self.monitor()
        memory = pathlib.Path(f"/dev/shm/lectio-{os.geteuid()}" + str(monitor.state / "health").replace("/", "%"))
        self.addCleanup(shutil.rmtree, memory, ignore_errors=True)
        for folder in (monitor.state, monitor.run_folder):
            folder.write_text("A file where a folder ought to be refuses root, too.")
        self.stack.break_api("status 500")
        for _ in range(2):
            self.assertEqual(monitor.run().exit_code, 2)
        told = self.bot.texts()
        for _ in range(3):
            self.assertEqual(monitor.run().exit_code, 2)
        self.assertEqual(self.bot.texts(), told)
        self.assertEqual([text for text in told if "api" in text], told[:1], told)

    def test_the_token_is_nowhere(self):
        monitor = self.monitor()
        self.stack.break_api("status 500")
        runs = [monitor.run(*options) for options in ((), ("--dry-run",), ("--check-config",), ("-v",))]
        runs.append(monitor.run("-v", form="text"))
        self.bot.stop()
        self.stack.mend_api()
        runs.append(monitor.run("-v", form="text"))
        for run in runs:
            self.assertNotIn(TOKEN, run.out + run.err)
        for path in monitor.folder.rglob("*"):
            if path.is_file() and path != monitor.folder / "config.env":
                self.assertNotIn(TOKEN.encode(), path.read_bytes(), path)


if __name__ == "__main__":
    unittest.main()
