#!/usr/bin/env python3
"""test_faults.py AREA: each fault of an area is injected into the real stack, and gives the right check, level, words,
recovery and messages, and nothing else turns red. Between two faults all is well again.

What was seen is written to the build's faults/AREA.json, and is what docs/faults.md has to say (faults/table.py).
"""

import importlib
import sys
import unittest

from faults.site import Site
from faults.trial import Trials

AREA = importlib.import_module(f"faults.{sys.argv.pop(1)}")


class Faults(Trials, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = cls.enterClassContext(Site())

    def test_faults(self):
        self.try_all(AREA)


if __name__ == "__main__":
    unittest.main()
