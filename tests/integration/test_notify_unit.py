#!/usr/bin/env python3
"""lectio-notify unit, called as systemd calls it, where no systemd answers; tests/host does it with a real one."""
import json
import os
import shutil
import subprocess
import time
import unittest

from notify_place import NotifyPlace, program_of

KILLED = {"SERVICE_RESULT": "signal", "EXIT_CODE": "killed", "EXIT_STATUS": "KILL"}


class Unit(NotifyPlace):
    def run_tool(self, tool, *arguments, environment=None, name=None):
        program = program_of(tool)
        return subprocess.run([name or program, *arguments], executable=program, text=True, capture_output=True,
                              timeout=300, env={**os.environ, "LECTIO_CONFIG": self.path("config.toml"),
                                               **(environment or {})})

    def fell(self, environment, unit="demo", status=0, **rest):
        done = self.run_tool("lectio-notify", "unit", unit, environment=environment, **rest)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertNotIn("made-up-token", done.stdout + done.stderr)
        return done.stdout

    def events(self):
        try:
            return sorted(os.listdir(self.path("state/events")))
        except FileNotFoundError:
            return []

    def test_words_for_each_end(self):
        for number, (end, words) in enumerate({
            ("signal", "killed", "KILL"): "killed by signal SIGKILL",
            ("exit-code", "exited", "3"): "exit status 3",
            ("watchdog", "killed", "ABRT"): "did not report to its watchdog in time and was killed",
            ("oom-kill", "killed", "KILL"): "killed by the kernel for lack of memory",
            ("core-dump", "dumped", "SEGV"): "crashed (signal SIGSEGV)",
            ("timeout", "killed", "TERM"): "did not start or stop in the time allowed",
        }.items()):
            self.fell(dict(zip(("SERVICE_RESULT", "EXIT_CODE", "EXIT_STATUS"), end)), unit=f"demo{number}.service")
            self.assertIn(f"demo{number}.service fell: {words}", self.bot.texts()[-1])
            self.assertIn("🚨", self.bot.texts()[-1])

    def test_silent_for_a_wanted_stop(self):
        said = self.fell({"SERVICE_RESULT": "success", "EXIT_CODE": "exited", "EXIT_STATUS": "0"})
        self.assertEqual((said, self.bot.texts(), self.events()), ("", [], []))

    def test_a_loop_is_told_once_and_counted(self):
        for _ in range(3):
            self.fell(KILLED)
        self.assertEqual(len(self.bot.texts()), 1)
        self.assertEqual(len(self.events()), 3)
        self.fell({"MONITOR_SERVICE_RESULT": "start-limit-hit", "MONITOR_EXIT_CODE": "killed",
                   "MONITOR_EXIT_STATUS": "KILL"})
        self.assertEqual(len(self.bot.texts()), 1)  # without systemd's word on it the first was as bad already
        self.fell(KILLED, unit="other")
        self.assertEqual(len(self.bot.texts()), 2)

    def test_by_its_old_name(self):
        done = self.run_tool("lectio-notify", "demo.service", environment=KILLED, name="/usr/local/bin/notify_failure.sh")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("demo.service fell", self.bot.texts()[0])

    def test_it_is_open_from_the_moment_it_is_told(self):
        self.fell(KILLED)
        listed = lambda: json.loads(self.run_tool("lectio-notify", "list", "--format", "json").stdout)["incidents"]
        self.assertEqual([(each["check"], each["status"], each["told"]) for each in listed()],
                         [("health/demo", "critical", True)])
        self.run_tool("lectio-notify", "ack", listed()[0]["id"])
        self.assertEqual([each["state"] for each in listed()], ["acknowledged"])

    def test_health_takes_it_over(self):
        self.fell(KILLED)
        report = json.loads(self.run_tool("lectio-health", "--format", "json").stdout)
        self.assertEqual(self.events(), [])
        self.assertEqual([incident["check"] for incident in report["incidents"]], ["demo"])
        self.assertEqual(len(self.bot.texts()), 1)  # told already
        self.fell(KILLED)  # as far as anybody knows it has not been well since
        self.assertEqual(len(self.bot.texts()), 1)
        listed = json.loads(self.run_tool("lectio-notify", "list", "--format", "json").stdout)["incidents"]
        self.assertEqual([(incident["check"], incident["told"]) for incident in listed], [("health/demo", True)])

    def test_a_mute_hides_it_and_lectio_health_tells_it_afterwards(self):
        self.run_tool("lectio-notify", "mute", "30m")
        self.fell(KILLED)
        self.run_tool("lectio-health")
        self.assertEqual(self.bot.texts(), [])
        self.run_tool("lectio-notify", "unmute")
        self.run_tool("lectio-health")
        self.assertEqual(len(self.bot.texts()), 1)
        self.assertIn("demo.service fell", self.bot.texts()[0])

    def test_in_quiet_hours_what_is_no_more_than_a_warning_waits_for_the_morning(self):
        helper = '[health.check.helper]\ntype = "systemd"\nunit = "helper"\nseverity = "warning"\n'
        self.configure(more=helper)
        self.run_tool("lectio-health")  # it runs here, and so takes over what is left
        self.configure('quiet = "00:00-23:59"', more=helper)  # in the minute that is left it would be told
        self.fell(KILLED, unit="helper")
        self.assertEqual((self.bot.texts(), len(self.events())), ([], 1))
        self.run_tool("lectio-health")
        self.assertEqual((self.bot.texts(), self.events()), ([], []))
        self.fell(KILLED, unit="helper")  # counted
        self.fell(KILLED)
        self.assertEqual(len(self.bot.texts()), 1)
        self.assertTrue(self.bot.texts()[0].startswith("🚨 demo: demo.service fell"))  # what is critical wakes
        self.configure(more=helper)
        self.run_tool("lectio-health")
        self.assertEqual(len(self.bot.texts()), 2)
        self.assertIn("⚠️ helper: helper.service fell: killed by signal SIGKILL", self.bot.texts()[1])

    def test_dry_run_leaves_nothing(self):
        done = self.run_tool("lectio-notify", "--dry-run", "unit", "demo", environment=KILLED)
        self.assertIn("demo.service fell", done.stdout)
        self.assertEqual((self.bot.texts(), self.events()), ([], []))

    def test_a_server_that_hangs_costs_two_seconds_and_nothing_is_lost(self):
        self.bot.fail("hang")
        started = time.monotonic()
        self.fell(KILLED)
        self.assertLess(time.monotonic() - started, 10)  # it ends itself after two; the machine may be busy
        self.assertEqual(len(os.listdir(self.path("state/outbox/to-errors"))), 1)

    def test_what_is_no_unit(self):
        for name in ("", "a/b", "a\nb", "x" * 300):
            self.fell(KILLED, unit=name, status=64)

    def test_where_nothing_can_be_stored_it_is_sent(self):
        shutil.rmtree(self.path("state"), ignore_errors=True)
        with open(self.path("state"), "w", encoding="utf-8"):
            pass
        self.fell(KILLED)
        self.assertIn("demo.service fell", self.bot.texts()[0])


if __name__ == "__main__":
    unittest.main()
