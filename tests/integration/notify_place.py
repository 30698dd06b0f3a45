"""What tests of lectio-notify beside lectio-health share: a host of one harmless check, its configuration, and a bot."""

import os
import tempfile
import unittest

from stand_ins.bot_api import BotApi

BUILD = os.environ["LECTIO_BUILD"]
TOKEN = "42:made-up-token-for-tests"


def program_of(tool):
    return os.path.join(BUILD, "tools", tool, tool)


class NotifyPlace(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.bot = self.enterContext(BotApi(token=TOKEN, chats=("-5",), limits=False))
        self.configure()
        with open(self.path("config.env"), "w", encoding="utf-8") as out:
            out.write(f"TOKEN={TOKEN}\n")
        os.chmod(self.path("config.env"), 0o600)

    def configure(self, alerts="", lang="en", more=""):
        with open(self.path("config.toml"), "w", encoding="utf-8") as out:
            out.write(f'lang = "{lang}"\nhost = "lectio-1"\ntimezone = "UTC"\n[paths]\n'
                      f'env_file = "{self.path("config.env")}"\nstate = "{self.path("state")}"\n'
                      f'run = "{self.path("run")}"\nlogs = "{self.path("logs")}"\n[alerts]\n{alerts}\n'
                      f'[channel.errors]\ntype = "telegram"\ntoken = "${{TOKEN}}"\nchat = "-5"\napi = "{self.bot.url}"\n'
                      f'[health.check.disk]\ntype = "disk"\npath = "{self.folder.name}"\n'
                      f'free = {{ warn = "0%", critical = "0%" }}\n{more}')

    def path(self, name):
        return os.path.join(self.folder.name, name)
