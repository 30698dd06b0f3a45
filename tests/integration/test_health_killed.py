#!/usr/bin/env python3
"""kill -9 at random moments: the next run always works, and no alert is lost.

Each round changes how the site is, kills a run somewhere in its course, and lets the next one run: by then the
change has been told. Told twice is possible only where the answer to an accepted message was lost with the
killed run; that message says so.
"""

import random
import sys
import time
import unittest

from monitor import RELEASE, SOAK, Monitor
from stack.stack import Stack
from stand_ins.bot_api import BotApi

ROUNDS = 500 if SOAK else 50
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


class HealthKilled(unittest.TestCase):
    def test_killed_at_random_moments(self):
        seed = random.randrange(sys.maxsize)
        print(f"seed {seed}")
        self.random = random.Random(seed)
        with Stack() as self.stack, BotApi(limits=False) as self.bot, \
                Monitor(self.stack, self.bot.url, CHECKS) as self.monitor:
            first = self.monitor.run(where=RELEASE)
            self.assertEqual(first.exit_code, 0)
            self.stack.break_api("status 500")
            # A run that finds a fault asks twice and tells: it takes longer than one that finds none.
            whole = {True: self.monitor.run(where=RELEASE).wall, False: first.wall}
            survived = 0
            for number in range(ROUNDS):
                with self.subTest(round=number):
                    survived += self.round(good=number % 2 == 0, whole=whole[number % 2 == 1])
            print(f"{ROUNDS} rounds; {survived} runs had ended before they were to be killed")
            self.assertLess(survived, ROUNDS, "no run was killed in its course")

    def round(self, good, whole):
        """True when the run was over before it was killed."""
        told = len(self.bot.texts())
        if good:
            self.stack.mend_api()
        else:
            self.stack.break_api("status 500")
        victim = self.monitor.start(where=RELEASE)
        time.sleep(self.random.uniform(0, whole))
        survived = victim.poll() is not None
        victim.kill()
        victim.communicate()

        run = self.monitor.run(where=RELEASE)
        self.assertEqual(run.exit_code, 0 if good else 2, run.out + run.err)
        self.assertEqual(run.report["status"], "ok" if good else "critical")
        told = self.bot.texts()[told:]
        self.assertTrue(told, "the change was not told")
        for text in told:
            self.assertTrue(text.startswith("✅" if good else "🚨"), told)
        for text in told[1:]:
            self.assertIn(TOLD_TWICE, text, told)
        return survived


if __name__ == "__main__":
    unittest.main()
