#!/usr/bin/env python3
"""What an operator does at the terminal: see, acknowledge, mute, retry; with the real binaries."""
import glob
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

from stand_ins.bot_api import BotApi, Refused

BUILD = os.environ["LECTIO_BUILD"]
TOKEN = "42:made-up-token-for-tests"


class Operator(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.bot = self.enterContext(BotApi(token=TOKEN, chats=("-5",)))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.configure()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def configure(self, remind="1h"):
        with open(self.path("config.toml"), "w", encoding="utf-8") as out:
            out.write(f'lang = "en"\nhost = "lectio-1"\ntimezone = "UTC"\n[paths]\n'
                      f'env_file = "{self.path("config.env")}"\nstate = "{self.path("state")}"\n'
                      f'run = "{self.path("run")}"\nlogs = "{self.path("logs")}"\n[alerts]\nremind = "{remind}"\n'
                      f'[channel.errors]\ntype = "telegram"\ntoken = "${{TOKEN}}"\nchat = "-5"\napi = "{self.bot.url}"\n'
                      f'[health.check.door]\ntype = "tcp"\naddress = "127.0.0.1:{self.port}"\nrecheck = "0s"\n')
        with open(self.path("config.env"), "w", encoding="utf-8") as out:
            out.write(f"TOKEN={TOKEN}\n")
        os.chmod(self.path("config.env"), 0o600)

    def run_tool(self, tool, *arguments):
        return subprocess.run([os.path.join(BUILD, "tools", tool, tool), "-c", self.path("config.toml"), *arguments],
                              text=True, capture_output=True, timeout=300)

    def notify(self, *arguments, status=0):
        done = self.run_tool("lectio-notify", *arguments)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertNotIn("made-up-token", done.stdout + done.stderr)
        return done.stdout

    def health(self):
        return self.run_tool("lectio-health")

    # What is watched is broken from the start: nobody listens.
    def mend_it(self):
        server = socket.create_server(("127.0.0.1", self.port))
        self.addCleanup(server.close)

    def incidents(self):
        return json.loads(self.notify("list", "--format", "json"))["incidents"]

    def test_a_mute_hides_until_it_is_over_and_what_is_still_broken_is_told_then(self):
        said = self.notify("mute", "30m", "--reason", "a night of work")
        self.assertRegex(said, r"^muted until \d{4}-\d\d-\d\d \d\d:\d\d: failures are mended")
        with open(self.path("run/mute_until"), encoding="ascii") as marker:
            until = int(marker.read())
        self.assertAlmostEqual(until - time.time(), 30 * 60, delta=60)
        self.health()
        self.assertEqual(self.bot.texts(), [])
        status = json.loads(self.notify("status", "--format", "json"))
        self.assertEqual(status["mute_until"], time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(until)))
        self.assertIn("a night of work", status["mute_reason"])
        self.assertEqual([incident["told"] for incident in status["incidents"]], [False])
        self.assertIn("a night of work", self.notify("status"))
        self.assertIn("the mute is over", self.notify("unmute"))
        self.health()
        self.assertEqual(len(self.bot.texts()), 1)
        self.assertIn("it was not muted", self.notify("unmute"))

    def test_what_is_no_time_is_refused(self):
        for word in ("soon", "0m", "30s", "8d", "-5m", ""):
            self.notify("mute", "--", word, status=64)
        for word in ("3h", "on", ""):
            self.notify("maintenance", word, status=64)
        self.assertEqual(glob.glob(self.path("run/m*")), [])

    def test_maintenance_is_as_long_as_it_says(self):
        self.assertIn("nothing is mended, nothing is sent", self.notify("maintenance", "30m"))
        status = json.loads(self.notify("status", "--format", "json"))
        quiet = status["quiet"][0]
        self.assertEqual(quiet["reason"], "maintenance")
        seconds = time.mktime(time.strptime(quiet["until"], "%Y-%m-%dT%H:%M:%SZ")) - time.mktime(time.gmtime())
        self.assertAlmostEqual(seconds, 30 * 60, delta=60)
        self.health()
        self.assertEqual(self.bot.texts(), [])
        self.assertIn("the maintenance is over", self.notify("maintenance", "off"))
        self.health()
        self.assertEqual(len(self.bot.texts()), 1)

    def test_dry_run_changes_nothing(self):
        self.assertIn("would be muted", self.notify("--dry-run", "mute", "30m"))
        self.assertIn("would be in maintenance", self.notify("--dry-run", "maintenance", "2h"))
        self.assertFalse(os.path.exists(self.path("run")))

    def test_what_is_acknowledged_is_reminded_of_no_more_and_its_end_is_told(self):
        self.configure(remind="1s")
        self.health()
        self.assertEqual(len(self.bot.texts()), 1)
        [incident] = self.incidents()
        self.assertEqual((incident["check"], incident["state"]), ("health/door", "open"))
        self.assertIn(incident["id"], self.notify("list"))
        self.assertIn("acknowledged: " + incident["id"], self.notify("ack", incident["id"]))
        self.assertEqual([each["state"] for each in self.incidents()], ["acknowledged"])  # before any run
        self.assertIn("acknowledged already", self.notify("ack", "health/door"))
        report = json.loads(self.run_tool("lectio-health", "--format", "json").stdout)
        self.assertEqual([each["state"] for each in report["incidents"]], ["acknowledged"])
        self.assertEqual(os.listdir(self.path("state/acks")), [])
        time.sleep(1.1)  # the time of a reminder passes
        self.health()
        self.assertEqual(len(self.bot.texts()), 1)
        self.mend_it()
        self.health()
        self.assertEqual(len(self.bot.texts()), 2)
        self.assertIn("✅", self.bot.texts()[1])
        self.assertIn("nothing is broken", self.notify("list"))

    def test_what_is_not_there_cannot_be_acknowledged(self):
        self.notify("ack", "abcdef", status=64)
        self.assertIn("lectio-health has never run", self.notify("ack", "all"))
        for command in ("list", "status"):
            self.assertIn("nothing has been checked here yet", self.notify(command))
        self.health()
        done = self.run_tool("lectio-notify", "ack", "abcdef")
        self.assertEqual(done.returncode, 64)
        self.assertIn("health/door", done.stderr)
        self.assertIn("acknowledged", self.notify("ack", "all"))

    def test_what_was_refused_is_listed_and_goes_out_when_it_is_put_back(self):
        self.bot.fail(Refused(400, "Bad Request: can't parse entities: strange"), times=2)
        self.notify("send", "a strange one")
        self.assertEqual(json.loads(self.notify("status", "--format", "json"))["outbox"],
                         {"waiting": 0, "kept": 0, "rejected": 1, "oldest_s": None})
        [rejected] = json.loads(self.notify("rejected", "--format", "json"))["rejected"]
        self.assertIn("can't parse entities", rejected["why"])
        self.assertEqual(rejected["channel"], "errors")
        self.notify("retry", "errors-1-2-3", status=64)
        self.assertIn("put back: 1", self.notify("retry", rejected["id"]))
        self.assertEqual(self.bot.texts(), ["ℹ️ a strange one · lectio-1"])
        self.assertIn("no message has been refused", self.notify("rejected"))
        self.assertEqual(glob.glob(self.path("state/outbox/rejected/*")), [])

    def test_a_strange_file_among_the_refused_is_named_and_left_alone(self):
        self.bot.fail(Refused(400, "Bad Request: can't parse entities: strange"), times=2)
        self.notify("send", "a strange one")
        rejected = pathlib.Path(self.path("state/outbox/rejected"))
        [message] = rejected.glob("*.json")
        for name in ("copy.json", "errors-1-2-3-x.json", "1-2-3.json", "note.txt"):
            shutil.copy(message, rejected / name)
        (rejected / "errors-1-2-3.json").write_text("no message")
        said = self.notify("retry", "all")
        self.assertIn("put back: 1", said)
        for name in ("copy.json", "errors-1-2-3-x.json", "1-2-3.json", "note.txt", "errors-1-2-3.json"):
            self.assertIn(name, said)
            self.assertTrue((rejected / name).exists())
        self.assertEqual(self.bot.texts(), ["ℹ️ a strange one · lectio-1"])

    def test_status_counts_attempts_that_failed(self):
        self.bot.fail("status 502", times=100)
        self.notify("send", "hello")
        self.assertRegex(self.notify("status"), r"channel errors: 1 attempts have failed since 20\d\d-.*502")
        self.assertFalse(json.loads(self.notify("status", "--format", "json"))["channels"][0]["ok"])

    def test_status_tells_what_a_full_hour_keeps_back_and_until_when(self):
        with open(self.path("config.toml"), encoding="utf-8") as file:
            text = file.read()
        with open(self.path("config.toml"), "w", encoding="utf-8") as file:
            file.write(text.replace("[alerts]\n", "[alerts]\nper_hour = 1\n").replace("[health.check.door]", '[health.check.door]\nseverity = "warning"\nconfirm = 1'))
        self.notify("send", "the only one of this hour")
        self.notify("send", "one that waits")
        self.health()
        self.assertRegex(self.notify("status"),
                         r"kept back until 20\d\d-\S+ \d\d:\d\d, because the hour has had its 1 messages: 1 incidents, 1 messages")
        kept = json.loads(self.notify("status", "--format", "json"))["kept_back"]
        self.assertEqual((kept["incidents"], kept["messages"]), (1, 1))
        self.assertTrue(kept["until"].endswith("Z"))

    def test_status_tells_of_channels_and_of_what_waits(self):
        self.bot.fail("status 502", times=100)
        self.notify("send", "hello")
        status = json.loads(self.notify("status", "--format", "json"))
        self.assertEqual(status["outbox"]["waiting"], 1)
        self.assertGreaterEqual(status["outbox"]["oldest_s"], 0)
        self.assertEqual([channel["name"] for channel in status["channels"]], ["errors"])
        self.assertIn("1 waiting to be sent", self.notify("status"))


if __name__ == "__main__":
    unittest.main()
