#!/usr/bin/env python3
"""growth over days: the real binary and real files; its memory is made older between two runs, as days would make it."""

import json
import pathlib
import sqlite3
import subprocess
import tempfile
import time
import unittest

from monitor import CHANNEL, CHAT, TOKEN, Run, binary
from stand_ins.bot_api import BotApi

MEGABYTE = 1 << 20
HOUR = 3_600_000

CONFIG = """lang = "{lang}"
host = "test-host"
timezone = "UTC"
[paths]
state = "{folder}/state"
run = "{folder}/run"
logs = "{folder}/logs"
env_file = "{folder}/config.env"

[alerts]
digest = ""

[deepcheck.check.lite]
type = "sqlite"
path = "{folder}/db.sqlite3"
size = {{ warn = "1GB", critical = "2GB" }}

[deepcheck.check.grow]
type = "growth"
of = ["disk:{folder}", "check:lite", "files:{folder}/media"]
{more}
"""


class Growing:
    """A site in a folder of its own, whose media and database grow by so much a day."""

    def __init__(self, bot, more="", lang="en"):
        self._temporary = tempfile.TemporaryDirectory(prefix="lectio-growth-")
        self.folder = pathlib.Path(self._temporary.name)
        self.media = self.folder / "media"
        (self.media / "videos").mkdir(parents=True)
        env = self.folder / "config.env"
        env.touch(0o600)
        env.write_text(f"ERRORS_BOT_TOKEN={TOKEN}\n")
        self.config = self.folder / "config.toml"
        self.config.write_text(CONFIG.format(folder=self.folder, more=more, lang=lang) +
                               CHANNEL.format(chat=CHAT, api=bot.url))
        with sqlite3.connect(self.folder / "db.sqlite3") as database:
            database.execute("create table lessons (content blob)")
        database.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._temporary.cleanup()

    def more_media(self, size):
        videos = self.media / "videos"
        with tempfile.NamedTemporaryFile(dir=videos, delete=False) as file:
            file.write(b"\0" * size)

    def more_lessons(self, size):
        with sqlite3.connect(self.folder / "db.sqlite3") as database:
            database.execute("insert into lessons values (zeroblob(?))", (size,))
        database.close()

    def run(self):
        command = [str(binary("lectio-deepcheck")), "-c", str(self.config), "--format", "json"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
        return Run(done, 0)

    def pass_time(self, hours):
        """As if the last run had been so long ago, before a restart of the host."""
        file = self.folder / "state/deepcheck/state.json"
        state = json.loads(file.read_text())

        def older(value):
            if isinstance(value, dict):
                return {key: older(item) for key, item in value.items()}
            if isinstance(value, list) and len(value) == 3 and isinstance(value[2], str) and isinstance(value[0], int):
                return [value[0] - hours * HOUR, value[1], "an-earlier-boot"]
            if isinstance(value, str) and value.count("/") >= 2 and value.split("/")[0].isdigit():
                wall, boot, rest = value.split("/", 2)
                return f"{int(wall) - hours * HOUR}/{boot}/an-earlier-boot" + rest[rest.find(" "):]
            return [older(item) for item in value] if isinstance(value, list) else value

        file.write_text(json.dumps(older(state), separators=(",", ":")))

    def days(self, count, each=lambda step: None):
        last = self.run()
        for step in range(count * 4):
            self.pass_time(6)
            each(step)
            last = self.run()
        return last


class GrowthTest(unittest.TestCase):
    def test_a_week_of_growth(self):
        with BotApi() as bot, Growing(bot) as site:

            def each(_):
                site.more_media(3 * MEGABYTE)
                site.more_lessons(2 * MEGABYTE)
            two = site.days(2, each)
            self.assertRegex(two.check("grow")["message"], r"lite: 1\d MB \(its pace is known after three days\)")
            week = site.days(5, each)
            check = week.check("grow")
            self.assertEqual((week.exit_code, check["status"]), (0, "ok"), check)
            pace = {metric["name"]: metric["value"] / MEGABYTE for metric in check["metrics"]}
            self.assertAlmostEqual(pace[f"growth files:{site.folder}/media"], 12, delta=0.2)
            self.assertAlmostEqual(pace["growth check:lite"], 8, delta=0.2)
            self.assertRegex(check["message"], r"media: 1[12](\.\d)? MB more a day")
            self.assertRegex(check["message"], r"lite: (8|7\.9|8\.1)(\.\d)? MB more a day, reaches its limit of 2 GB in \d+ d")
            self.assertEqual(bot.texts(), [], "it is for the daily summary")

            # What is cleaned up in the middle of it is named, and the pace stays.
            for video in sorted((site.media / "videos").iterdir())[:20]:
                video.unlink()
            cleaned = site.days(1, each)
            pace = {metric["name"]: metric["value"] / MEGABYTE for metric in cleaned.check("grow")["metrics"]}
            self.assertAlmostEqual(pace[f"growth files:{site.folder}/media"], 12, delta=0.5)
            self.assertRegex(cleaned.check("grow")["message"], r"\(a clean-up that freed \d+(\.\d)? MB left out\)")
            self.assertLess(len((site.folder / "state/deepcheck/state.json").read_text()), 20_000)

    def test_it_is_said_in_the_daily_summary(self):
        with BotApi() as bot, Growing(bot, lang="ru", more='full_in = { warn = "3650d" }') as site:
            site.days(3, lambda _: site.more_lessons(2 * MEGABYTE))
            self.assertEqual(bot.texts(), [])
            struck = time.strftime("%H:%M", time.gmtime(time.time() - 120))  # between this run and the one before
            site.config.write_text(site.config.read_text().replace('digest = ""', f'digest = "{struck}"'))
            site.pass_time(6)
            self.assertEqual(site.run().exit_code, 0)
            self.assertEqual(len(bot.texts()), 1, bot.texts())
            self.assertRegex(bot.texts()[0], r"Рост: .*lite: \+(8|7[.,]9)(\.\d)? MB в день, предела 2 GB достигнет через \d+ д")
            self.assertNotIn("⚠", bot.texts()[0])

    def test_with_a_severity_it_is_told_by_itself(self):
        with BotApi() as bot, Growing(bot, more='severity = "warning"\nfull_in = { warn = "3650d" }') as site:
            last = site.days(3, lambda step: site.more_lessons(2 * MEGABYTE))
            self.assertEqual((last.exit_code, last.check("grow")["status"]), (1, "warning"), last.out)
            self.assertEqual(len(bot.texts()), 1, bot.texts())
            self.assertIn("reaches its limit of 2 GB", bot.texts()[0])

    def test_what_is_not_there(self):
        with BotApi() as bot, Growing(bot) as site:
            site.config.write_text(site.config.read_text().replace("/media", "/nothing"))
            run = site.run()
            self.assertEqual(run.check("grow")["status"], "unknown")
            self.assertRegex(run.check("grow")["message"], "nothing: unable to look: .*No such file")
            self.assertIn("lite:", run.check("grow")["message"])
            site.config.write_text(site.config.read_text().replace("check:lite", "check:lit"))
            self.assertEqual(site.run().exit_code, 78)


if __name__ == "__main__":
    unittest.main()
