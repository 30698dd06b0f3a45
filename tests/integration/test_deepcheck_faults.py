#!/usr/bin/env python3
"""The shipped profile of Lectio is green on the server it is written for, lectio-smoke's part and lectio-deepcheck's; and each
fault of faults/deepcheck.py turns exactly the right checks of lectio-deepcheck red. What was seen is what docs/faults.md says
(faults/table.py)."""

import sys
import unittest

from faults import deepcheck, deepcheck_site
from faults.fault import broken_in, words_in
from faults.trial import Trials


class DeepFaults(Trials, unittest.TestCase):
    """One site for all: the run after a fault shows that all is well before the next."""

    @classmethod
    def setUpClass(cls):
        deepcheck_site.settle()
        cls.site = cls.enterClassContext(deepcheck_site.DeepSite())

    def test_a_the_shipped_profile_is_green(self):
        for tool in ("lectio-smoke", "lectio-deepcheck"):
            run = self.site.monitor.run_other(tool)
            seen = run.report["checks"]
            self.assertEqual((run.exit_code, [check for check in seen if check["status"] != "ok"]), (0, []), run.err)
            self.assertGreaterEqual({check["name"] for check in seen}, self.site.monitor.configured(tool))
            print(f"counted: {tool}: {len(seen)} checks of the shipped profile, all green", flush=True)

    def test_b_faults(self):
        run = self.site.monitor.watch_more()
        self.assertEqual((run.exit_code, broken_in(run)), (0, {}), words_in(run))
        self.try_all(deepcheck)

    def assert_well(self, _monitor):
        """The run after the fault before it has shown that."""

    def look(self, fault, monitor):
        """At what is broken; that nothing else is, the whole run behind it shows."""
        only = [word for name in fault.broken for word in ("--only", name)]
        return monitor.run("--dry-run", *only, lang="en")


if __name__ == "__main__":
    if "--inside" not in sys.argv:
        sys.exit(deepcheck_site.alone(__file__, sys.argv[1:]))
    sys.argv.remove("--inside")
    unittest.main()
