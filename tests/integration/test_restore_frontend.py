#!/usr/bin/env python3
"""A build that lost a file, behind a real nginx: the last whole copy takes its place, and one message tells it."""

import shutil
import unittest
import urllib.request

from monitor import Monitor
from stack.stack import CSS, JS, Stack
from stand_ins.bot_api import BotApi

CHECKS = """
[health.check.frontend]
type = "frontend"
root = "{stack.build}"
url = "{stack.site_url}"
recheck = "50ms"

[[health.recovery]]
name = "frontend-restore"
when = ["frontend"]
action = "restore-frontend"
path = "{stack.build}"
from = ["{stack.build}_old", "{stack.build}_backup", "{stack.build}_tmp_*"]
settle = "5s"
"""


class RestoreFrontend(unittest.TestCase):
    def setUp(self):
        self.stack = self.enterContext(Stack(parts=["nginx"]))
        self.bot = self.enterContext(BotApi())
        self.monitor = self.enterContext(Monitor(self.stack, self.bot.url, CHECKS))
        self.build = self.stack.build
        self.copy_to("old")
        self.assertEqual(self.monitor.run().exit_code, 0)

    def copy_to(self, name):
        return shutil.copytree(self.build, self.build.with_name(f"build_{name}"))

    def served(self, path):
        with urllib.request.urlopen(self.stack.site_url + path, timeout=5) as answer:
            return answer.read()

    def break_build(self):
        (self.build / "static/js" / JS).unlink()

    def aside(self):
        return list(self.build.parent.glob("build_broken-*"))

    def test_a_missing_chunk_is_put_back_and_told_once(self):
        script = self.served(f"/static/js/{JS}")
        self.break_build()
        run = self.monitor.run()
        self.assertEqual(run.exit_code, 0, run.out)
        self.assertEqual(self.served(f"/static/js/{JS}"), script)
        [deed] = run.report["recovery"]
        self.assertEqual((deed["action"], deed["ok"], deed["fixed"]), ("restore-frontend", True, ["frontend"]))
        [aside] = self.aside()
        self.assertFalse((aside / "static/js" / JS).exists())  # the broken build, as it was
        self.assertTrue((aside / "static/css" / CSS).exists())
        [text] = self.bot.texts()
        self.assertEqual(text[0], "✅", text)
        self.assertIn("build_old", text)
        self.assertIn(aside.name, text)
        self.assertEqual(self.monitor.run().exit_code, 0)
        self.assertEqual(len(self.bot.texts()), 1)

    def test_a_dry_run_says_what_it_would_take(self):
        self.break_build()
        run = self.monitor.run("--dry-run")
        self.assertIn("the build would be taken from " + str(self.build) + "_old", run.out)
        self.assertFalse((self.build / "static/js" / JS).exists())
        self.assertEqual(self.bot.texts(), [])

    def test_without_a_whole_copy_the_reason_is_told(self):
        self.break_build()
        (self.build.with_name("build_old") / "static/css" / CSS).write_text("")
        run = self.monitor.run()
        self.assertEqual(run.exit_code, 2)
        self.assertIn(f"static/css/{CSS} is empty", run.report["recovery"][0]["detail"])
        self.assertEqual(self.aside(), [])
        self.assertEqual([text[0] for text in self.bot.texts()], ["🚨"])

    def test_a_whole_build_is_left_alone_when_the_server_is_broken(self):
        self.stack.stop("nginx")
        run = self.monitor.run()
        self.assertEqual(run.exit_code, 2)
        self.assertEqual(run.report["recovery"], [])
        self.assertEqual(self.aside(), [])


if __name__ == "__main__":
    unittest.main()
