#!/usr/bin/env python3
"""The journal check against systemd-journald itself, which runs in a namespace of its own: this script is process 1 there, whose
words about a unit count as systemd's."""

import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

from monitor import Run, binary
from stack.stack import wait_until

JOURNALD = pathlib.Path("/lib/systemd/systemd-journald")
SOCKET = "/run/systemd/journal/socket"
CONFIG = """lang = "en"
host = "test-host"
[paths]
state = "{folder}/state"
run = "{folder}/run"
logs = "{folder}/logs"
env_file = "{folder}/env_file"
[deepcheck.check.errors]
type = "journal"
recheck = "0s"
count = {{ warn = 3 }}
[deepcheck.check.unit]
type = "journal"
recheck = "0s"
units = ["lectio-test"]
priority = "info"
matches = ["Traceback", "timed? out"]
"""


def log(message, priority=6, **fields):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        data = message.encode()  # with its length before it, for the lines that it may have
        text = "".join(f"{name}={value}\n" for name, value in {"PRIORITY": priority, **fields}.items())
        journal.sendto(b"MESSAGE\n" + struct.pack("<Q", len(data)) + data + b"\n" + text.encode(), SOCKET)


class JournalTest(unittest.TestCase):
    def setUp(self):
        for folder in ("/run", "/var/log/journal"):
            subprocess.run(["mount", "-t", "tmpfs", "none", folder], check=True)
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="lectio-journal-")))
        (self.folder / "config.toml").write_text(CONFIG.format(folder=self.folder))
        (self.folder / "env_file").touch(0o600)
        self.journald = None
        self.addCleanup(self.stop)

    def start(self):
        self.journald = subprocess.Popen([JOURNALD], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: pathlib.Path(SOCKET).exists(), "journald listens")

    def stop(self):
        if self.journald:
            self.journald.terminate()
            self.journald.wait()
            self.journald = None

    def look(self):
        if self.journald:
            subprocess.run(["journalctl", "--sync"], check=True, stdin=subprocess.DEVNULL)
        command = [str(binary("lectio-deepcheck")), "-c", str(self.folder / "config.toml"), "--format", "json", "--no-notify"]
        run = Run(subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False), 0)
        self.assertIsNotNone(run.report, run.out + run.err)
        return {check["name"]: check for check in run.report["checks"]}

    def assert_counts(self, errors, unit):
        checks = self.look()
        self.assertEqual({name: checks[name]["metrics"][0]["value"] for name in ("errors", "unit")}, {"errors": errors, "unit": unit}, checks)
        return checks

    def test_each_message_counts_once_and_of_the_right_unit(self):
        self.assertEqual({check["status"] for check in self.look().values() if check["type"] == "journal"}, {"unknown"}, "no journal here")
        self.start()
        log("an old error", 3)
        self.assert_counts(0, 0)  # what was there before is not new
        log("an error", 3)
        log("a note", 5)
        log("lectio-test.service: start operation timed out", 4, UNIT="lectio-test.service")
        log("other.service: start operation timed out", 4, UNIT="other.service")
        log("lectio-test.service: started", 6, UNIT="lectio-test.service")
        checks = self.assert_counts(1, 1)
        self.assertIn("the most from lectio-test.service", checks["unit"]["message"])
        self.assertEqual((checks["errors"]["status"], checks["unit"]["status"]), ("ok", "warning"))
        self.assert_counts(1, 1)  # nothing is read twice
        for number in range(5):
            log(f"Traceback {number}\nKeyError", 2, UNIT="lectio-test.service")
        checks = self.assert_counts(6, 6)
        self.assertEqual(checks["errors"]["status"], "warning")
        self.assertIn("journalctl -p err", checks["errors"]["hint"])

        # What was read last is vacuumed away; what comes behind it is new, and only that.
        subprocess.run(["journalctl", "--rotate"], check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        log("after the rotation", 3)
        subprocess.run(["journalctl", "--sync"], check=True, stdin=subprocess.DEVNULL)
        subprocess.run(["journalctl", "--vacuum-files=1"], check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.assert_counts(7, 6)
        self.assert_counts(7, 6)


if __name__ == "__main__":
    if os.geteuid() != 0 or not JOURNALD.exists() or not shutil.which("unshare"):
        print("skipped: needs root and systemd-journald")
        sys.exit(77)
    if "--inside" in sys.argv:
        sys.argv.remove("--inside")
        unittest.main()
    sys.exit(subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, __file__, "--inside", *sys.argv[1:]],
                            check=False, timeout=280).returncode)
