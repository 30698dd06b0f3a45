#!/usr/bin/env python3
"""Each fault of faults/smoke.py is injected into the real stack: exactly the right steps of lectio-smoke turn red, what stands
behind them is not asked, and nobody is told twice. What was seen is what docs/faults.md says (faults/table.py)."""

import unittest

from faults import smoke
from faults.fault import skipped_in
from faults.smoke_site import SmokeSite
from faults.trial import Trials


class SmokeFaults(Trials, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = cls.enterClassContext(SmokeSite())

    def test_faults(self):
        self.try_all(smoke)

    def assert_seen(self, fault, run):
        self.assertEqual(skipped_in(run), set(fault.skipped))
        return super().assert_seen(fault, run)


if __name__ == "__main__":
    unittest.main()
