#!/usr/bin/env python3
"""lectio-health goes back to the last good release, behind a real nginx: once an incident, told once, and never into a deploy."""

import fcntl
import json
import re
import signal
import unittest
import urllib.request

from builds import archive, build_files
from deploying import CHECKS, Deploys
from stack.stack import Stack, wait_until
from stand_ins.bot_api import BotApi

RUNGS = """
[health.limits]
waits = ["1s", "1s", "1s"]
attempts = 2
cooldown = "10s"

[[health.recovery]]
name = "copies"
when = ["frontend"]
action = "restore-frontend"
path = "{stack.build}"
from = ["{stack.build}_old"]
settle = "1s"

[[health.recovery]]
name = "back"
when = ["site"]
action = "rollback"
part = "frontend"
settle = "1s"
"""


class HealthRollback(unittest.TestCase):
    def setUp(self):
        self.stack = self.enterContext(Stack(parts=["nginx"]))
        self.bot = self.enterContext(BotApi())
        self.site = self.enterContext(Deploys(self.stack, self.bot.url, CHECKS + RUNGS))

    def release(self, word):
        done = self.site.release(word)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads(done.stdout)["deploy"]["release"]

    def build_served(self):
        with urllib.request.urlopen(self.stack.site_url + "/", timeout=60) as answer:
            return re.search(r'data-build="([^"]*)"', answer.read().decode())[1]

    def script_of(self, word):
        return next(name for name in build_files(word) if name.endswith(".js"))

    def ask_for(self, old, new):
        """The site's check asks for another build."""
        self.site.change([(f"contains = '{old}'\nrecheck", f"contains = '{new}'\nrecheck")])

    def rollbacks(self):
        return [it for it in json.loads(self.site.deploy("history").stdout)["deploys"] if it["action"] == "rollback"]

    def attempts(self):
        self.site.run()
        return json.loads((self.site.state / "health/state.json").read_text())["recovery"]["roots"]

    def told(self, before):
        return [text[0] for text in self.bot.texts()[before:]]

    def test_a_release_that_lost_a_file_is_left_for_the_one_before(self):
        one, two = self.release("one"), self.release("two")
        before = len(self.bot.texts())
        self.assertEqual(self.site.run().exit_code, 0)
        (self.stack.build / self.script_of("two")).unlink()
        planned = self.site.run("--dry-run")
        self.assertIn(f"{one} would be served again", planned.out)
        self.assertEqual((self.build_served(), self.rollbacks()), ("two", []))
        run = self.site.run()
        self.assertEqual(run.exit_code, 0, run.out)
        [deed] = run.report["recovery"]
        self.assertEqual((deed["action"], deed["ok"], deed["fixed"]), ("restore-frontend", True, ["frontend"]))
        self.assertIn(f"{one} is served again in place of {two}", deed["detail"])
        self.assertEqual(self.build_served(), "one")
        self.assertTrue(self.stack.build.is_symlink())
        self.assertEqual([(it["by"], it["result"]) for it in self.rollbacks()], [("lectio-health", "released")])
        self.assertEqual(self.site.run().exit_code, 0)
        self.assertEqual(self.told(before), ["✅"])
        self.release("three")  # the record of what was left is in order

    def test_a_release_that_is_gone_altogether(self):
        self.release("one")
        two = self.release("two")
        tree = self.site.releases / two
        tree.rename(tree.with_name("elsewhere"))
        run = self.site.run()
        self.assertEqual(run.exit_code, 0, run.out)
        self.assertEqual(self.build_served(), "one")

    def test_a_damaged_one_is_not_gone_back_to(self):
        first = self.release("one")
        second = self.release("two")
        self.release("three")
        (self.site.releases / second / "index.html").write_text("broken")
        (self.stack.build / self.script_of("three")).unlink()
        self.assertEqual(self.site.run().exit_code, 0)
        self.assertEqual(self.build_served(), "one")
        self.assertEqual(json.loads(self.site.deploy("status").stdout)["served"], first)

    def test_what_breaks_after_its_gate_goes_back_once_and_is_told_once(self):
        self.release("one")
        self.release("two")
        before = len(self.bot.texts())
        self.ask_for('id="root"', 'data-build="one"')
        run = self.site.run()
        self.assertEqual(run.exit_code, 0, run.out)
        [deed] = run.report["recovery"]
        self.assertEqual((deed["action"], deed["ok"], deed["fixed"]), ("rollback", True, ["site"]))
        self.assertEqual(self.build_served(), "one")
        self.assertEqual(self.site.run().exit_code, 0)
        self.assertEqual(self.told(before), ["✅"])

    def test_what_the_release_before_does_not_mend_is_undone_and_not_tried_again(self):
        self.release("one")
        self.release("two")
        before = len(self.bot.texts())
        self.ask_for('id="root"', 'data-build="none"')
        run = self.site.run()
        self.assertEqual(run.exit_code, 2, run.out)
        [deed] = run.report["recovery"]
        self.assertFalse(deed["ok"])
        self.assertEqual(self.build_served(), "two")
        for _ in range(20):
            run = self.site.run()
            if run.report["recovery"]:
                break
        [deed] = run.report["recovery"]
        self.assertIn("already", deed["detail"])
        self.assertEqual([it["result"] for it in self.rollbacks()], ["needs_human"])
        self.assertEqual(self.build_served(), "two")
        self.assertEqual(self.told(before), ["🚨", "🚨"])  # what is broken; that a person is needed
        self.ask_for('data-build="none"', 'id="root"')
        self.assertEqual(self.site.run().exit_code, 0)
        wait_until(lambda: not self.attempts(), "it has been good for long enough")
        self.ask_for('id="root"', 'data-build="one"')  # another incident
        self.assertEqual(self.site.run().exit_code, 0)
        self.assertEqual(self.build_served(), "one")

    def test_not_while_a_deploy_is_under_way(self):
        self.release("one")
        self.release("two")
        (self.stack.build / self.script_of("two")).unlink()
        with open(self.site.run_folder / "deploy.lock", "a", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            run = self.site.run()
        self.assertEqual((run.exit_code, run.report["recovery"]), (2, []), run.out)
        self.assertIn("a deploy is running", self.bot.texts()[-1])
        self.assertEqual((self.build_served(), self.rollbacks()), ("two", []))
        self.assertEqual(self.site.run().exit_code, 0)  # at once: that was no attempt
        self.assertEqual(self.build_served(), "one")

    def test_a_deploy_that_died_is_taken_up(self):
        self.release("one")
        self.site.change([("passes = 2", "passes = 10")])
        deploy = self.site.start_deploy("frontend", "-")
        deploy.stdin.write(archive(build_files("two")))
        deploy.stdin.close()
        wait_until(lambda: self.build_served() == "two", "the swap")
        deploy.send_signal(signal.SIGKILL)
        deploy.wait(timeout=300)
        deploy.stdout.close()
        deploy.stderr.close()
        (self.site.run_folder / "deploy_in_progress").unlink()  # it would expire
        (self.stack.build / self.script_of("two")).unlink()
        run = self.site.run()
        self.assertEqual(run.exit_code, 0, run.out)
        self.assertIn("died in the middle", run.report["recovery"][0]["detail"])
        self.assertEqual(self.build_served(), "one")
        self.assertEqual(json.loads(self.site.deploy("status").stdout)["unfinished"], [])

    def test_where_nothing_is_released_a_rollback_finds_nothing_to_do(self):
        self.ask_for('id="root"', 'data-build="none"')
        run = self.site.run()
        self.assertEqual((run.exit_code, run.report["recovery"]), (2, []), run.out)


if __name__ == "__main__":
    unittest.main()
