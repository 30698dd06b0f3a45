#!/usr/bin/env python3
"""drift with the real binaries: what lectio-deploy releases is none, what a hand changes is, until it is acknowledged."""

import pathlib
import subprocess
import tempfile
import unittest

from deploying import Deploys
from monitor import Run, binary
from stack.stack import Stack
from stand_ins.bot_api import BotApi

CONFIG = """
[deepcheck.check.drift]
type = "drift"
watch = ["build", "nginx", "units", "crontab"]
nginx = ["{folder}/nginx"]
units = ["{folder}/units"]
crontab = ["{folder}/crontab", "{folder}/cron.d"]
"""


class DriftTest(unittest.TestCase):
    def setUp(self):
        self.stack = self.enterContext(Stack(parts=["nginx"]))
        self.bot = self.enterContext(BotApi())
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="lectio-drift-")))
        for name in ("nginx/sites-enabled", "units", "cron.d"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "nginx/nginx.conf").write_text("events {}\n")
        (self.folder / "units/site.service").write_text("[Service]\nExecStart=/bin/true\n")
        (self.folder / "crontab").write_text("* * * * * root true\n")
        self.site = self.enterContext(Deploys(self.stack, self.bot.url, more=CONFIG.format(folder=self.folder)))

    def look(self):
        command = [str(binary("lectio-deepcheck")), "-c", str(self.site.config), "--format", "json"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
        return Run(done, 0).check("drift")

    def acknowledge(self):
        command = [str(binary("lectio-notify")), "-c", str(self.site.config), "ack", "deepcheck/drift"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def is_fine(self):
        seen = self.look()
        self.assertEqual(seen["status"], "ok", seen)
        return seen["message"]

    def is_told(self, *words):
        seen = self.look()
        self.assertEqual(seen["status"], "warning", seen)
        for word in words:
            self.assertIn(word, seen["message"])
        return seen

    def test_a_release_is_no_drift_and_a_hand_in_it_is(self):
        self.is_fine()
        self.assertEqual(self.site.release("one").returncode, 0)
        self.is_fine()
        self.assertEqual(self.site.release("two").returncode, 0)  # carries files of the one before
        self.assertIn("nothing has changed: build", self.is_fine())
        (self.stack.build / "debug.js").write_text("alert(1)\n")
        seen = self.is_told("build (+debug.js")
        self.assertIn("lectio-deploy status", seen["hint"])
        self.acknowledge()
        self.assertIn("accepted: build", self.is_fine())
        self.is_fine()
        (self.stack.build / "index.html").write_text("defaced\n")
        self.is_told("index.html", "+debug.js")

    def test_configuration_units_and_crontabs(self):
        self.assertIn("remembered", self.is_fine())
        (self.folder / "nginx/sites-enabled/new").symlink_to("../sites-available/new")
        (self.folder / "units/site.service.d").mkdir()
        (self.folder / "units/site.service.d/override.conf").write_text("[Service]\nUser=root\n")
        (self.folder / "cron.d/miner").write_text("* * * * * root /tmp/x\n")
        seen = self.is_told(f"+{self.folder}/nginx/sites-enabled/new", f"+{self.folder}/cron.d/miner",
                            f"+{self.folder}/units/site.service.d/override.conf")
        self.assertIn("sudo lectio-notify ack deepcheck/drift", seen["hint"])
        self.assertIn("cron.d/miner", " ".join(self.bot.texts()))
        self.acknowledge()
        self.is_fine()
        (self.folder / "crontab").unlink()
        self.is_told(f"-{self.folder}/crontab")

    def test_a_script_that_sets_the_marker_deploys_as_well(self):
        self.is_fine()
        marker = self.site.run_folder / "deploy_in_progress"
        marker.touch()
        self.site.run()  # lectio-health, each minute
        marker.unlink()
        (self.folder / "nginx/nginx.conf").write_text("events { }\n")
        self.assertIn("changed by a deploy: nginx", self.is_fine())
        self.assertIn("nothing has changed", self.is_fine())


if __name__ == "__main__":
    unittest.main()
