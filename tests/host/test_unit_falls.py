#!/usr/bin/env python3
"""A unit that falls is told within seconds, in the right words, once; a unit that is stopped on purpose is not.

The unit calls lectio-notify itself (ExecStopPost=, OnFailure=), as packaging/systemd says; cron is not started, so that
each run of lectio-health is the test's own.
"""

import json
import time
import unittest

from hosts import SOURCE, Host, report_times, skip_where_impossible

UNIT = """[Unit]
OnFailure=failure-notifier@%n.service
StartLimitIntervalSec=60
StartLimitBurst={burst}
[Service]
ExecStart=/bin/sh -c "{script}"
Restart={restart}
RestartSec=500ms
ExecStopPost=+/usr/local/bin/lectio-notify unit %n
{more}
"""
FOREVER = "echo the last words of it; exec sleep infinity"


class UnitFalls(unittest.TestCase):
    def setUp(self):
        name = self._testMethodName.removeprefix("test_").replace("_", "-")
        self.host = self.enterContext(Host(name))
        self.host.lay_out_site(cron=False)
        self.host.copy(SOURCE / "packaging/systemd", "/etc/systemd/system")

    def unit(self, script, restart="no", burst=4, more="", name="demo"):
        self.host.write(f"/etc/systemd/system/{name}.service",
                        UNIT.format(script=script, restart=restart, burst=burst, more=more))
        self.host.run("systemctl", "daemon-reload")

    def start(self, script, name="demo", **rest):
        self.unit(script, name=name, **rest)
        self.host.run("systemctl", "start", name)

    def told(self, count):
        self.host.wait_until(lambda: len(self.host.messages()) >= count, f"{count} told", 20)
        return self.host.messages()

    def settled(self):
        """Nothing is under way any more: no ExecStopPost=, no OnFailure=."""
        self.host.wait_until(lambda: self.host.run("systemctl", "list-jobs", "--no-legend") == ""
                             and not self.host.succeeds("pgrep", "-x", "lectio-notify"), "settled", 30)

    def health(self):
        return self.host.health("--no-recovery")[1]

    def kill(self):
        pid = self.host.main_process("demo")
        killed = float(self.host.shell(f"date +%s.%N; kill -9 {pid}"))
        self.told(1)
        accepted = json.loads(self.host.read("/var/lib/bot-api.jsonl").splitlines()[0])["time"]
        report_times(f"killed by SIGKILL: told after {accepted - killed:.2f} s")

    def test_killed_and_restarted(self):
        self.start(FOREVER, restart="on-failure")
        self.kill()
        [message] = self.host.messages()
        self.assertIn("demo.service упал: убит сигналом SIGKILL", message)
        self.assertTrue(message.startswith("⚠️"), message)
        self.assertIn("systemd его перезапускает", message)
        self.assertIn("the last words of it", message)
        self.host.wait_until(lambda: self.host.succeeds("systemctl", "-q", "is-active", "demo"), "it is up again", 20)
        self.settled()
        report = self.health()
        self.assertEqual([check["status"] for check in report["checks"] if check["name"] == "demo"], ["ok"])
        messages = self.host.messages()
        self.assertEqual(len(messages), 2, messages)
        self.assertTrue(messages[1].startswith("✅"), messages)
        self.assertIn("demo", messages[1])
        self.health()
        self.assertEqual(len(self.host.messages()), 2)

    def test_exit_status(self):
        self.start("echo the last words of it; sleep 1; exit 3")
        [message] = self.told(1)
        self.assertTrue(message.startswith("🚨"), message)
        self.assertIn("demo.service упал: код выхода 3", message)
        self.assertIn("systemd его больше не запустит", message)
        self.settled()
        report = self.health()
        self.assertEqual(len(self.host.messages()), 1, "OnFailure= and lectio-health have nothing to add")
        self.assertEqual([(each["check"], each["status"]) for each in report["incidents"]], [("demo", "critical")])
        # Mended by hand: the end answers, once.
        self.start(FOREVER)
        self.health()
        self.assertTrue(self.told(2)[1].startswith("✅"), self.host.messages())

    def test_watchdog(self):
        self.start(FOREVER, more="WatchdogSec=1\nNotifyAccess=all")
        [message] = self.told(1)
        self.assertIn("demo.service упал: завис: не ответил сторожу systemd и был убит", message)
        self.settled()
        self.assertEqual(len(self.host.messages()), 1)

    def test_crash_loop(self):
        self.start("echo the last words of it; exit 7", restart="always", burst=4)
        messages = self.told(2)
        self.settled()
        self.health()
        self.assertEqual(len(self.host.messages()), 2, self.host.messages())
        self.assertIn("код выхода 7", messages[0])
        self.assertIn("systemd его перезапускает", messages[0])
        self.assertTrue(messages[1].startswith("🚨"), messages)
        self.assertIn("падал слишком часто, systemd больше его не перезапускает", messages[1])
        self.assertIn("сегодня он упал 4 раза", messages[1])

    def test_prevented(self):
        """What RestartPreventExitStatus= names systemd does not start again, whatever Restart= says; the rest it does."""
        self.start("echo the last words of it; sleep 1; exit 3", restart="always", more="RestartPreventExitStatus=3 SIGKILL")
        [message] = self.told(1)
        self.assertTrue(message.startswith("🚨"), message)
        self.assertIn("demo.service упал: код выхода 3", message)
        self.assertIn("systemd его больше не запустит: так задано в его RestartPreventExitStatus= (код выхода 3)", message)
        self.settled()
        self.assertEqual(self.host.run("systemctl", "show", "-P", "ActiveState", "demo").strip(), "failed")
        self.assertEqual(len(self.host.messages()), 1, "OnFailure= has nothing to add")

        self.start(FOREVER, restart="always", more="RestartPreventExitStatus=3 SIGKILL", name="signalled")
        self.host.run("kill", "-9", self.host.main_process("signalled"))
        message = self.told(2)[1]
        self.assertTrue(message.startswith("🚨"), message)
        self.assertIn("так задано в его RestartPreventExitStatus= (убит сигналом SIGKILL)", message)

        self.start("echo the last words of it; sleep 1; exit 4", restart="always", more="RestartPreventExitStatus=3 SIGKILL",
                   name="another")
        message = self.told(3)[2]
        self.assertTrue(message.startswith("⚠️"), message)
        self.assertIn("systemd его перезапускает", message)

    def test_stopped_on_purpose(self):
        self.start(FOREVER, restart="always")
        self.host.run("systemctl", "restart", "demo")
        self.host.run("systemctl", "stop", "demo")
        # One that takes the stop for a failure, and one that has to be killed.
        self.start("trap 'exit 1' TERM; while :; do sleep 0.1; done", restart="always")
        self.host.run("systemctl", "stop", "demo")
        self.start("trap '' TERM; while :; do sleep 0.1; done", restart="always", more="TimeoutStopSec=1")
        self.host.run("systemctl", "stop", "demo")
        self.settled()
        self.health()
        self.assertEqual(self.host.messages(), [])

    def test_a_start_that_fails(self):
        """ExecStart= never ran, or never said that it was ready: the job to start it is no wish to stop it."""
        self.unit(FOREVER, more="ExecStartPre=/bin/sh -c 'exit 5'", name="early")
        self.host.attempt("systemctl", "start", "early")
        self.assertIn("early.service упал: одна из его команд завершилась с ошибкой", self.told(1)[0])
        self.unit(FOREVER, more="Type=notify\nTimeoutStartSec=1", name="late")
        self.host.attempt("systemctl", "start", "late")
        self.assertIn("late.service упал: не уложился в отведённое время", self.told(2)[1])
        self.settled()
        self.assertEqual(len(self.host.messages()), 2, "OnFailure= has nothing to add")
        # Where systemd cannot even begin, OnFailure= alone is run.
        self.unit(FOREVER, more="EnvironmentFile=/nowhere", name="never")
        self.host.attempt("systemctl", "start", "never")
        self.assertIn("never.service упал", self.told(3)[2])

    def test_an_end_that_is_no_recovery(self):
        self.start("sleep 1; exit 3", name="good")
        self.told(1)
        self.settled()
        self.health()
        self.host.run("systemctl", "reset-failed", "good")
        self.health()
        self.assertIn("good.service не запущен и больше не числится упавшим", self.told(2)[1].splitlines()[0])
        self.start("sleep 1; exit 3", name="gone")
        self.told(3)
        self.settled()
        self.health()
        self.host.run("rm", "/etc/systemd/system/gone.service")
        self.host.run("systemctl", "daemon-reload")
        self.health()
        last = self.told(4)[3]
        self.assertTrue(last.startswith("✅"), last)
        self.assertIn("такого юнита больше нет: gone.service", last.splitlines()[0])

    def test_telegram_hangs(self):
        self.start(FOREVER, restart="on-failure")
        self.host.run("pkill", "-STOP", "-f", "bot_api.py")
        pid = self.host.main_process("demo")
        start = time.monotonic()
        self.host.run("kill", "-9", pid)
        self.host.wait_until(lambda: self.host.main_process("demo") not in ("0", pid), "it is up again", 30)
        report_times(f"restarted by systemd while Telegram hangs: after {time.monotonic() - start:.1f} s")
        self.settled()
        self.host.run("pkill", "-CONT", "-f", "bot_api.py")
        self.host.attempt("lectio-notify", "flush")
        self.assertIn("убит сигналом SIGKILL", self.told(1)[0])


if __name__ == "__main__":
    skip_where_impossible()
    unittest.main()
