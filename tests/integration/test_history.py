#!/usr/bin/env python3
"""lectio-health writes its history and metrics with the real binary: shown, read beside a run, killed at every call."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import unittest

from monitor import Monitor, binary

CHECKS = """
[health.check.port]
type = "tcp"
address = "127.0.0.1:{stack}"
timeout = "1s"
recheck = "0s"

[health.check.disk]
type = "disk"
path = "/"
free = {{ warn = "1%", critical = "0.5%" }}
"""


class Port:
    """A port that is open, or not."""

    def __init__(self):
        self.number = 0
        self.open()

    def open(self):
        self.socket = socket.create_server(("127.0.0.1", self.number))
        self.number = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                self.socket.accept()[0].close()
            except OSError:
                return

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()


class History(unittest.TestCase):
    def setUp(self):
        self.port = Port()
        self.addCleanup(self.port.close)
        self.monitor = self.enterContext(Monitor(self.port.number, checks=CHECKS))

    def history(self, *options, form="text", **how):
        command = [str(binary("lectio-health")), "-c", str(self.monitor.config), "history", "--format", form, *options]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False,
                              **how)

    def shown(self, *options):
        done = self.history(*options, form="json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def good_run(self):
        run = self.monitor.run()
        self.assertEqual((run.exit_code, run.report["status"]), (0, "ok"), run.out)

    def break_and_mend(self):
        self.good_run()
        self.port.close()
        self.assertEqual(self.monitor.run("--no-recovery").exit_code, 2)
        self.port.open()
        self.good_run()

    def test_nothing_yet(self):
        done = self.history()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("no history yet", done.stdout)
        self.assertEqual(self.shown()["runs"], 0)
        self.assertFalse(self.monitor.state.exists(), "looking has written")

    def test_what_was_is_shown(self):
        self.break_and_mend()
        past = self.shown()
        self.assertEqual((past["runs"], past["exit_code"]), (3, 0))
        port, disk = past["checks"]
        self.assertEqual([stretch["status"] for stretch in port["stretches"]], ["ok", "critical", "ok"])
        self.assertEqual((port["looks"], port["broken"]), (3, 1))
        self.assertEqual([stretch["status"] for stretch in disk["stretches"]], ["ok"])
        self.assertEqual([event["event"] for event in past["events"] if event["kind"] == "change"], ["opened", "resolved"])
        text = self.history().stdout
        self.assertIn("port: available 66.67%, found broken 1 of 3 times", text)
        self.assertIn("disk: available 100%, looked at 3 times", text)

    def test_one_check_and_a_period(self):
        self.break_and_mend()
        self.assertEqual([check["name"] for check in self.shown("port", "--since", "2h")["checks"]], ["port"])
        self.assertEqual(self.shown("--since", "2000-01-01")["runs"], 3)
        self.assertEqual(self.shown("--since", "2000-01-01 10:00")["runs"], 3)
        self.assertEqual(self.shown("--since", "2100-01-01")["runs"], 0)

    def test_wrong_words(self):
        self.good_run()
        done = self.history("prot")
        self.assertEqual(done.returncode, 64)
        self.assertIn('did you mean "port"?', done.stderr)
        done = self.history("site")
        self.assertEqual(done.returncode, 64)
        self.assertRegex(done.stderr, r'no check is named "site" \(there are [^)]*\bport\b[^)]*\)')
        for since in ("yesterday", "2026-02-31", "10:00", "-2h", ""):
            done = self.history("--since=" + since)
            self.assertEqual(done.returncode, 64, since + done.stdout)
        self.assertEqual(self.history(form="nagios").returncode, 3)  # Nagios knows 0 to 3

    def test_a_damaged_history_is_said_to_be_one(self):
        self.good_run()
        database = self.monitor.state / "history.sqlite"
        for path in self.monitor.state.glob("history.sqlite*"):
            path.unlink()
        database.write_bytes(b"x" * 9000)
        done = self.history()
        self.assertEqual((done.returncode, done.stdout), (70, ""))
        self.assertIn("cannot be read", done.stderr)
        self.assertEqual(self.monitor.run().exit_code, 1)  # set aside, told as a warning
        self.assertEqual(self.shown()["runs"], 1)

    def test_reading_beside_runs_harms_neither(self):
        self.good_run()
        for _ in range(5):
            run = self.monitor.start()
            for _ in range(3):
                self.assertGreaterEqual(self.shown()["runs"], 1)
            run.communicate()
            self.assertEqual(run.returncode, 0)
        self.assertEqual(self.shown()["runs"], 6)

    def test_killed_at_every_writing_call(self):
        """For a history that is being begun, and for one that is there: the next run finds nothing to set aside."""
        for begun in (False, True):
            survived = False
            when = 0
            while not survived:
                when += 1
                for path in self.monitor.state.glob("history.*"):
                    path.unlink()
                if begun:
                    self.good_run()
                survived = self.killed_at(when)
                run = self.monitor.run()
                self.assertIn(run.exit_code, (0, 1) if not begun else (0,), run.out)
                self.assertEqual(run.check("port")["status"], "ok")
                self.assertGreaterEqual(self.shown()["runs"], 2 if begun else 1)
                if begun:
                    self.assertEqual(list(self.monitor.state.glob("history.damaged-*")), [])
            print(f"killed at each of {when - 1} writing calls, history {'there' if begun else 'being begun'}")
            self.assertGreater(when, 10)

    def killed_at(self, when):
        """True when the run had no such call any more."""
        calls = "pwrite64,fdatasync,fsync,ftruncate"
        files = [f"{self.monitor.state}/history.sqlite{ending}" for ending in ("", "-wal", "-shm")]
        watched = [word for file in files for word in ("-P", file)]
        done = subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", *watched, "-e", f"trace={calls}",
                               "-e", f"inject={calls}:signal=KILL:when={when}", *self.monitor.command()],
                              capture_output=True, text=True, check=False)
        return done.returncode == 0

    @unittest.skipIf(os.geteuid() != 0, "needs root to become somebody else")
    def test_somebody_else_may_read_what_is_readable(self):
        self.good_run()
        self.monitor.config.chmod(0o644)
        self.monitor.folder.chmod(0o755)
        self.monitor.state.chmod(0o700)
        nobody = {"user": 65534, "group": 65534, "extra_groups": []}
        done = self.history(form="json", **nobody)
        self.assertEqual(done.returncode, 77, done.stdout + done.stderr)
        self.assertIn("run with sudo", done.stderr)
        self.monitor.state.chmod(0o755)
        before = sorted(path.name for path in self.monitor.state.iterdir())
        done = self.history(form="json", **nobody)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["runs"], 1)
        self.assertEqual(sorted(path.name for path in self.monitor.state.iterdir()), before)


class Metrics(unittest.TestCase):
    def setUp(self):
        self.port = Port()
        self.addCleanup(self.port.close)
        self.monitor = self.enterContext(Monitor(self.port.number, checks=CHECKS))
        self.file = self.monitor.folder / "lectio.prom"
        config = self.monitor.config.read_text().replace("[paths]\n", f'[paths]\nmetrics = "{self.file}"\n', 1)
        self.monitor.config.write_text(config)

    def test_the_file_and_the_output_are_the_same_metrics(self):
        out = self.monitor.run(form="prometheus").out
        self.assertIn('lectio_check_status{tool="health",check="port"} 0\n', out)
        self.assertIn('lectio_check_value{tool="health",check="disk",metric="free"} ', out)
        self.assertEqual(self.file.read_text(), out)
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o644)

    def test_every_line_is_of_the_format(self):
        for line in self.monitor.run(form="prometheus").out.splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) lectio_[a-z_]+ .+|lectio_[a-z_]+\{([a-z]+="([^"\\\n]|\\.)*",?)*\} \S+)$')

    @unittest.skipUnless(shutil.which("promtool"), "promtool (package prometheus) is not installed")
    def test_promtool_has_nothing_to_say(self):
        out = self.monitor.run(form="prometheus").out
        done = subprocess.run(["promtool", "check", "metrics"], input=out, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))


if __name__ == "__main__":
    program = unittest.main(exit=False)
    for test, reason in program.result.skipped:
        print(f"SKIPPED {test.id()}: {reason}")
    sys.exit(not program.result.wasSuccessful())
