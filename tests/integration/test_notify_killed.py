#!/usr/bin/env python3
"""kill -9 at every writing call of send, flush, unit and poll: what was stored is delivered by the next flush,
once; a second time only where the answer may have been lost, and then the message says so. What operators wrote is
obeyed once, or its interruption is told.

strace ends the process in the N-th call of each kind, for N from 1 until the command survives.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from stand_ins.bot_api import BotApi

SOURCE = pathlib.Path(os.environ["LECTIO_SOURCE"])
# What is shipped: a sanitizer's own calls are none of ours, and it does not bear being traced.
TOOLS = SOURCE / "build/release/tools"
TOKEN = "42:made-up-token-for-tests"
CALLS = ("write", "pwrite64", "fsync", "rename", "link", "unlink", "sendto", "mkdir")
AGAIN = "may have been delivered already|Perhaps you have read this already|answer to its first sending was lost"
MOST = 200  # calls of one kind: what makes more does not end
OPERATOR = 111
KILLED = {"SERVICE_RESULT": "signal", "EXIT_CODE": "killed", "EXIT_STATUS": "KILL"}


class NotifyKilled(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.bot = self.enterContext(BotApi(token=TOKEN, chats=("-5",), limits=False))

    def begin_anew(self):
        for name in ("state", "run", "logs"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        self.bot.forget()
        self.configure(self.bot.url)

    def configure(self, api):
        (self.folder / "config.toml").write_text(f"""
lang = "en"
host = "lectio-1"
timezone = "UTC"
[paths]
env_file = "{self.folder}/config.env"
state = "{self.folder}/state"
run = "{self.folder}/run"
logs = "{self.folder}/logs"
[channel.errors]
type = "telegram"
token = "${{TOKEN}}"
chat = "-5"
api = "{api}"
operators = [{OPERATOR}]
[health.check.disk]
type = "disk"
path = "{self.folder}"
free = {{ warn = "0%", critical = "0%" }}
""", encoding="utf-8")
        (self.folder / "config.env").write_text(f"TOKEN={TOKEN}\n", encoding="ascii")
        (self.folder / "config.env").chmod(0o600)

    def run_tool(self, *arguments, before=(), tool="lectio-notify", environment=None):
        return subprocess.run([*before, TOOLS / tool / tool, "-c", self.folder / "config.toml", *arguments], text=True,
                              capture_output=True, timeout=300, env={**os.environ, **(environment or {})}, check=False)

    def store(self, text):
        """Stored, and not delivered; the channel is good again afterwards, and nothing is to be waited for."""
        self.configure("http://127.0.0.1:9")
        self.assertEqual(self.run_tool("send", text).returncode, 0)
        self.configure(self.bot.url)
        self.assertEqual(self.bot.texts(), [])

    def kill_in(self, call, number, *arguments, environment=None):
        """True: it was killed; False: it makes no such call so often and has come to its end."""
        kill = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                f"inject={call}:signal=KILL:when={number}")
        done = self.run_tool(*arguments, before=kill, environment=environment)
        self.assertIn(done.returncode, (0, 137, -9), done.stderr)
        return done.returncode != 0

    def poll(self, before=()):
        """Until it has taken all that operators wrote; True: it was killed before."""
        command = [*before, TOOLS / "lectio-notify/lectio-notify", "-c", self.folder / "config.toml", "poll", "-q"]
        polling = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        end = time.monotonic() + 60
        while polling.poll() is None and self.bot.unconfirmed():
            self.assertLess(time.monotonic(), end, f"not taken: {self.bot.unconfirmed()}; told: {self.bot.texts()}")
            time.sleep(0.01)
        polling.send_signal(signal.SIGTERM)
        _, err = polling.communicate(timeout=300)
        self.assertIn(polling.returncode, (128 + signal.SIGTERM, -signal.SIGKILL), err)
        return polling.returncode == -signal.SIGKILL

    def poll_killed_in(self, call, number):
        # -D: the tool itself is our child, and gets the signal that ends it.
        return self.poll(("strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                          f"inject={call}:signal=KILL:when={number}"))

    def at_every_call(self, go):
        """go(call, number) for each, as long as it says that the command was killed."""
        kills = 0
        for call in CALLS:
            for number in range(1, MOST):
                with self.subTest(call=call, number=number):
                    self.begin_anew()
                    if not go(call, number):
                        break
                    kills += 1
            else:
                self.fail(f"{call}: no end after {MOST}")
        print(f"counted: {self._testMethodName}: killed at {kills} calls")
        self.assertGreater(kills, 10)

    def flushed(self):
        done = self.run_tool("flush")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        waiting = [file for file in (self.folder / "state/outbox/to-errors").iterdir() if not file.name.startswith(".")]
        self.assertEqual(waiting, [])

    def times_told(self, text):
        """How often; each but the first says that it is a copy."""
        told = [each for each in self.bot.texts() if text in each]
        for copy in told[1:]:
            self.assertRegex(copy, AGAIN)
        return len(told)

    def test_send(self):
        def go(call, number):
            self.store("an earlier message")
            killed = self.kill_in(call, number, "send", "a later message")
            outbox = self.folder / "state/outbox/to-errors"
            stored = any("a later message" in file.read_text() for file in outbox.glob("[0-9]*"))
            arrived = self.times_told("a later message") > 0
            self.flushed()
            self.assertGreaterEqual(self.times_told("an earlier message"), 1)
            if stored or arrived or not killed:
                self.assertGreaterEqual(self.times_told("a later message"), 1)
            return killed

        self.at_every_call(go)

    def test_flush(self):
        def go(call, number):
            self.store("an earlier message")
            self.store("a later message")
            killed = self.kill_in(call, number, "flush")
            self.flushed()
            texts = self.bot.texts()
            self.assertGreaterEqual(self.times_told("an earlier message"), 1)
            self.assertGreaterEqual(self.times_told("a later message"), 1)
            first = [next(i for i, text in enumerate(texts) if words in text)
                     for words in ("an earlier message", "a later message")]
            self.assertEqual(first, sorted(first), texts)
            return killed

        self.at_every_call(go)

    def test_poll(self):
        mute = self.folder / "run/mute_until"

        def go(call, number):
            self.store("an earlier message")
            self.bot.write("/mute 30m", OPERATOR, "-5")
            self.bot.write("/mute !", OPERATOR, "-5")
            killed = self.poll_killed_in(call, number)
            muted = mute.exists()
            mute.unlink(missing_ok=True)
            self.bot.write("/mutestatus", OPERATOR, "-5")
            self.assertFalse(self.poll())
            self.assertGreaterEqual(self.times_told("an earlier message"), 1)
            answers = [text.splitlines()[0] for text in self.bot.texts() if "an earlier message" not in text]
            interrupted = [line for line in answers if "was interrupted" in line]
            misread = [line for line in answers if "not understood" in line]
            self.assertLessEqual(len(misread), 1, answers)
            self.assertTrue(misread or any("/mute was" in line for line in interrupted), answers)
            if muted:  # obeyed once: what was undone by hand since stays undone
                self.assertFalse(mute.exists(), answers)
            else:
                self.assertTrue(mute.exists() or any("/mute 30m" in line for line in interrupted), answers)
            self.assertLessEqual(len(interrupted), 1, answers)
            self.assertTrue(killed or not interrupted, answers)
            return killed

        self.at_every_call(go)

    def test_unit(self):
        def go(call, number):
            killed = self.kill_in(call, number, "unit", "demo", environment=KILLED)
            left = list((self.folder / "state/events").glob("[0-9]*"))
            report = json.loads(self.run_tool("--format", "json", tool="lectio-health").stdout)
            if left:
                self.assertEqual([incident["check"] for incident in report["incidents"]], ["demo"])
                self.flushed()
                self.assertGreaterEqual(self.times_told("demo.service fell"), 1)
            self.assertTrue(left or killed)
            return killed

        self.at_every_call(go)


if __name__ == "__main__":
    unittest.main()
