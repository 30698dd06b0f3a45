"""How a fault is tried on a site, which is the stack on loopback or a host."""

import os

from faults import table
from faults.fault import broken_in, symptoms_in, words_in


class Trials:
    """For a TestCase with a `site`: watched(), afterwards(), mend(), monitor, bot, folder (site.Site)."""

    maxDiff = None

    def try_all(self, area):
        """Each fault of a module with TITLE and FAULTS; what was seen is kept for docs/faults.md and compared with it."""
        rows = []
        for fault in area.FAULTS:
            if fault.needs_root and os.geteuid() != 0:
                continue
            with self.subTest(fault.name):
                rows.append(self.try_fault(fault))
        table.keep(area, rows)
        if len(rows) == len(area.FAULTS):  # and none has failed
            self.assertEqual(table.rendered(area.TITLE, rows), table.in_docs(area.TITLE),
                             "docs/faults.md does not say what was seen here: faults/table.py --update writes it")

    def try_fault(self, fault):
        with self.site.watched() as monitor:
            self.assert_well(monitor)
            try:
                fault.inject(self.site)
                monitor.change(fault.tune)
                looked = self.assert_seen(fault, self.look(fault, monitor)) if fault.looked_at else None
                run = self.assert_mended(fault, monitor.run())
                told = self.site.bot.texts()
                self.assert_told(fault.marks, told)
                self.assert_words(fault, looked, run, told)
            finally:
                self.site.mend()
            monitor.change(fault.tune, back=True)
            after = monitor.run()
            self.assertEqual(broken_in(after), fault.aftermath, "all is well when it is mended")
            self.assertEqual(after.exit_code == 0, not fault.aftermath)
            self.assert_told(fault.marks_after, self.site.bot.texts()[len(told):])
            return table.row(fault, self.site, looked, run, told)

    def assert_well(self, monitor):
        run = monitor.run()
        self.assertEqual((run.exit_code, broken_in(run)), (0, {}), "all is well before it is broken")

    def look(self, _fault, monitor):
        return monitor.run("--dry-run", lang="en")

    def assert_seen(self, fault, run):
        """Exactly these checks are red, at these levels, and these of them are symptoms."""
        self.assertEqual(broken_in(run), fault.broken | fault.symptom_levels, words_in(run))
        self.assertEqual(symptoms_in(run), fault.symptoms, words_in(run))
        return run

    def assert_mended(self, fault, run):
        tried = [(deed["name"], deed["fixed"] != []) for deed in run.report.get("recovery", [])]
        self.assertEqual(tried, [(name, False) for name in fault.tried] + [(name, True) for name in fault.mended],
                         (words_in(run), run.report))
        if fault.mended:
            self.assertEqual(broken_in(run), fault.left, words_in(run))
            self.assertEqual(symptoms_in(run), {}, words_in(run))
        else:
            self.assert_seen(fault, run)
        self.assertEqual(run.exit_code, fault.code, words_in(run))
        return run

    def assert_told(self, marks, texts):
        self.assertEqual("".join(text[0] for text in texts), marks, texts)

    def assert_words(self, fault, looked, run, told):
        english, russian = fault.says
        self.assertIn(fault.note, "\n".join(run.report.get("notes", [])))
        if looked:
            self.assertIn(english, table.said(fault, looked))
        self.assertIn(russian, told[0] if fault.mended else table.said(fault, run))
