#!/usr/bin/env python3
"""lectio-notify simulate, the real binary, over a history that real runs of lectio-health have left."""
import json
import os
import subprocess
import tempfile
import unittest

from stand_ins.bot_api import BotApi

TOOLS = os.path.join(os.environ["LECTIO_BUILD"], "tools")
TOKEN = "42:made-up-token-for-tests"


class Simulate(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.bot = self.enterContext(BotApi(token=TOKEN, limits=False))
        os.close(os.open(self.path("none.env"), os.O_CREAT | os.O_WRONLY, 0o600))

    def path(self, name):
        return os.path.join(self.folder, name)

    def config(self, name, check="", alerts=""):
        with open(self.path(name), "w", encoding="utf-8") as out:
            out.write(f'lang = "en"\nhost = "lectio-1"\ntimezone = "UTC"\n[paths]\nenv_file = "{self.path("none.env")}"\n'
                      f'state = "{self.path("state")}"\nrun = "{self.path("run")}"\nlogs = "{self.path("logs")}"\n'
                      f'[channel.errors]\ntype = "telegram"\ntoken = "{TOKEN}"\nchat = "5"\napi = "{self.bot.url}"\n'
                      f'[alerts]\n{alerts}\n'
                      f'[health.check.page]\ntype = "file"\npath = "{self.path("page")}"\nrecheck = "0s"\n{check}\n')
        return self.path(name)

    def health(self, page):
        if page:
            with open(self.path("page"), "w", encoding="utf-8") as out:
                out.write("hello")
        elif os.path.exists(self.path("page")):
            os.remove(self.path("page"))
        subprocess.run([os.path.join(TOOLS, "lectio-health", "lectio-health"), "-c", self.path("config.toml"), "-q"],
                       stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=False)

    def simulate(self, config, *options):
        done = subprocess.run([os.path.join(TOOLS, "lectio-notify", "lectio-notify"), "-c", config, "simulate", "--format",
                               "json", *options], capture_output=True, text=True, timeout=300, check=False)
        return done.returncode, json.loads(done.stdout)

    def test_the_same_configuration_tells_the_same_and_another_tells_otherwise(self):
        same = self.config("config.toml")
        for page in (True, False, False, True, True, False, True):
            self.health(page)
        told = [message["text"].splitlines()[0] for message in self.bot.messages]
        self.assertEqual(len(told), 4, told)
        code, replayed = self.simulate(same, "--from", "1h")
        self.assertEqual(code, 0)
        self.assertEqual([message["title"] for message in replayed["messages"]], told)
        self.assertEqual([message["to"] for message in replayed["messages"]], ["errors"] * 4)
        self.assertEqual(replayed["runs"], 7)
        self.assertEqual(replayed["recorded_messages"], 4)

        _, patient = self.simulate(self.config("patient.toml", check="confirm = 2"), "--from", "1h")
        self.assertEqual(len(patient["messages"]), 2)
        _, off = self.simulate(self.config("off.toml", check="enabled = false"), "--from", "1h")
        self.assertEqual(off["messages"], [])
        # Nothing was sent and nothing was changed by all that.
        self.assertEqual(len(self.bot.messages), 4)
        self.health(True)
        self.assertEqual(len(self.bot.messages), 4)

    def test_without_a_history_it_says_so(self):
        code, report = self.simulate(self.config("config.toml"))
        self.assertEqual((code, report["messages"], report["runs"]), (0, [], 0))

    def test_a_time_that_is_none_is_usage(self):
        code, report = self.simulate(self.config("config.toml"), "--from", "yesterday-ish")
        self.assertEqual((code, report["exit_code"]), (64, 64))


if __name__ == "__main__":
    unittest.main()
