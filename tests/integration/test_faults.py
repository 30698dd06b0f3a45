#!/usr/bin/env python3
"""test_faults.py AREA: each fault of an area is injected into the real stack, and gives the right check, level, words,
recovery and messages, and nothing else turns red. Between two faults all is well again.

What was seen is written to the build's faults/AREA.json, and is what docs/faults.md has to say (faults/table.py).
"""

import importlib
import os
import sys
import unittest

from faults import table
from faults.fault import broken_in, symptoms_in, words_in
from faults.site import Site

AREA = importlib.import_module(f"faults.{sys.argv.pop(1)}")


class Faults(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.site = cls.enterClassContext(Site())

    def test_faults(self):
        rows = []
        for fault in AREA.FAULTS:
            if fault.needs_root and os.geteuid() != 0:
                continue
            with self.subTest(fault.name):
                rows.append(self.try_fault(fault))
        table.keep(AREA, rows)
        if len(rows) == len(AREA.FAULTS):  # and none has failed
            self.assertEqual(table.rendered(AREA.TITLE, rows), table.in_docs(AREA.TITLE),
                             "docs/faults.md does not say what was seen here: faults/table.py --update writes it")

    def try_fault(self, fault):
        with self.site.watched() as monitor:
            run = monitor.run()
            self.assertEqual((run.exit_code, broken_in(run)), (0, {}), "all is well before it is broken")
            try:
                fault.inject(self.site)
                monitor.change(fault.tune)
                looked = self.assert_seen(fault, monitor.run("--dry-run", lang="en")) if fault.looked_at else None
                run = self.assert_mended(fault, monitor.run())
                told = self.site.bot.texts()
                self.assert_told(fault.marks, told)
                self.assert_words(fault, looked, run, told)
            finally:
                self.site.mend()
            monitor.change(fault.tune, back=True)
            after = monitor.run()
            self.assertEqual((after.exit_code, broken_in(after)), (0, {}), "all is well when it is mended")
            self.assert_told(fault.marks_after, self.site.bot.texts()[len(told):])
            return table.row(fault, self.site, looked, run, told)

    def assert_seen(self, fault, run):
        """Exactly these checks are red, at these levels, and these of them are symptoms."""
        self.assertEqual(broken_in(run), fault.broken | fault.symptom_levels, words_in(run))
        self.assertEqual(symptoms_in(run), fault.symptoms, words_in(run))
        return run

    def assert_mended(self, fault, run):
        tried = [(deed["name"], deed["fixed"] != []) for deed in run.report["recovery"]]
        self.assertEqual(tried, [(name, False) for name in fault.tried] + [(name, True) for name in fault.mended],
                         (words_in(run), run.report["recovery"]))
        if fault.mended:
            self.assertEqual(broken_in(run), {}, words_in(run))
        else:
            self.assert_seen(fault, run)
        self.assertEqual(run.exit_code, fault.code, words_in(run))
        return run

    def assert_told(self, marks, texts):
        self.assertEqual("".join(text[0] for text in texts), marks, texts)

    def assert_words(self, fault, looked, run, told):
        first = next(iter(fault.broken))
        english, russian = fault.says
        if looked:
            self.assertIn(english, table.words_of(looked.check(first)))
        self.assertIn(russian, table.words_of(run.check(first)) if not fault.mended else told[0])


if __name__ == "__main__":
    unittest.main()
