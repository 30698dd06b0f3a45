#!/usr/bin/env python3
"""kill -9 at random moments: the next run always works, and no alert is lost.

Each round changes how the site is, kills a run somewhere in its course, perhaps changes the site again, and lets the
next one run: by then what was told last is how the site is. Told twice is possible only where the answer to an
accepted message was lost with the killed run; that message says so.
"""

import random
import subprocess
import sys
import time
import unittest

from monitor import RELEASE, Monitor, count
from stack.stack import Stack
from stand_ins.bot_api import BotApi

CHECKS = """
[health.check.api]
type = "http"
url = "{stack.api_url}"
timeout = "2s"
recheck = "20ms"
flap = ""

[alerts]
per_hour = 0
"""
TOLD_TWICE = "Perhaps you have read this already"
# How much longer or shorter the next victim of its kind is expected to run after one that was killed in its
# course, or was over before: of the moments between 0 and that, about one in six comes too late.
KILLED, SURVIVED = 1.02, 0.9


class HealthKilled(unittest.TestCase):
    def test_killed_at_random_moments(self):
        kills, seed = count("kills"), random.randrange(sys.maxsize)
        print(f"seed {seed}")
        self.notify = RELEASE / "lectio-notify" / "lectio-notify"
        self.random = random.Random(seed)
        with Stack() as self.stack, BotApi(limits=False) as self.bot, \
                Monitor(self.stack, self.bot.url, CHECKS) as self.monitor:
            first = self.monitor.run(where=RELEASE)
            self.assertEqual(first.exit_code, 0)
            self.stack.break_api("status 500")
            # A run that finds a fault asks twice and tells: it takes longer than one that finds none.
            whole = {False: self.monitor.run(where=RELEASE).wall, True: first.wall}
            rounds = killed = self.copies = self.changes = 0
            self.knows_of_fault = True
            good = True
            while killed < kills and rounds < 3 * kills:
                with self.subTest(round=rounds):
                    flips = self.random.random() < 0.5
                    survived = self.round(good, flips, whole[good])
                    whole[good] *= SURVIVED if survived else KILLED
                    killed += not survived
                    good = good if flips else not good
                rounds += 1
            print(f"counted: {killed} runs killed at random moments in {rounds} rounds, {self.changes} changes told, "
                  f"{self.copies} of them a second time")
            self.assertEqual(killed, kills)

    def round(self, good, flips, whole):
        """The killed run finds the site `good` or not, the next one, if it `flips`, the other way round. True when the
        run was over before it was killed."""
        told = len(self.bot.texts())
        self.set_site(good)
        victim = self.monitor.start(where=RELEASE)
        time.sleep(self.random.uniform(0, whole))
        survived = victim.poll() is not None
        victim.kill()
        victim.communicate()

        good = good != flips
        self.set_site(good)
        run = self.monitor.run(where=RELEASE)
        self.assertEqual(run.exit_code, 0 if good else 2, run.out + run.err)
        self.assertEqual(run.report["status"], "ok" if good else "critical")
        if run.report["alerts"]["waiting"]:
            self.deliver()
        self.read(self.bot.texts()[told:])
        self.assertEqual(self.knows_of_fault, not good, self.bot.texts()[told:])
        return survived

    def deliver(self):
        """Here a minute has many rounds, but a group takes 20 messages in it, and a flush tries for less than one."""
        for _ in range(2):
            done = subprocess.run([self.notify, "-c", str(self.monitor.config), "flush"], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=300, check=False)
            if done.returncode == 0:
                return
        self.fail(f"not delivered: {done.returncode} {done.stdout} {done.stderr}")

    def set_site(self, good):
        if good:
            self.stack.mend_api()
        else:
            self.stack.break_api("status 500")

    def read(self, texts):
        """What the operator knows after these: each is a change, or says that it may come again."""
        for text in texts:
            self.assertIn(text[0], "✅🚨", texts)
            if (text[0] == "🚨") == self.knows_of_fault:
                self.assertIn(TOLD_TWICE, text, texts)
                self.copies += 1
            else:
                self.changes += 1
            self.knows_of_fault = text[0] == "🚨"


if __name__ == "__main__":
    unittest.main()
