#!/usr/bin/env python3
"""What becomes of what visitors have written when a release with migrations is not kept, on a real systemd and under load: by
itself, and by a person's word. On SQLite, and the same on a server of PostgreSQL (docs/decisions/0043-the-fence.md, 0055)."""

import json
import random
import re
import sys
import unittest

from hosts import SOURCE, report_times, skip_where_impossible
from site_databases import OnPostgres, OnSqlite, skip_without_postgres
from test_deploy_backend import FenceHost
from test_units import SITE

sys.path.insert(0, str(SOURCE / "tests/integration"))

from monitor import count  # noqa: E402 (found by the line above)


class Written(FenceHost):
    """The tests that each kind of database has to pass."""

    def refused(self, *words):
        """What a person reads who was refused."""
        done = self.host.attempt("lectio-deploy", *words)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def line_told(self, old, told):
        """What is to be typed, word by word, without sudo and the tool's name."""
        line = re.search(rf"sudo lectio-deploy (rollback backend --to {old} --restore-db --accept-data-loss=\d+[mh])", told)
        self.assertIsNotNone(line, told)
        return line[1].split()

    def test_back(self):
        """A release with a lossy migration is committed and written to; a person goes back with the database, and forward again."""
        self.visit("--rows", "--may-go")
        old = self.deploy(0, "released", "backend", self.pack("second", "good"))["previous"]
        after = self.schema()
        self.host.wait_until(lambda: self.wrote("second"), "it is written to")
        # The code alone does not run with these tables, and nobody has said yet what may be lost.
        self.line_told(old, self.refused("rollback", "backend"))
        asked = self.refused("rollback", "backend", "--restore-db")
        self.assertRegex(asked, r"lessons_lesson \d+ → \d+")
        self.refused("rollback", "backend", "--restore-db", "--accept-data-loss=1s")
        self.check_whole("second", is_as_before=False)
        self.assertEqual(self.schema(), after)
        # The line as it was told.
        back = self.deploy(0, "released", *self.line_told(old, asked))
        self.assertEqual(back["release"], old)
        self.check_whole("roomy", is_as_before=True)
        left = self.titles_left(back)
        self.host.wait_until(lambda: len(self.titles() - left) > 3, "the old code is written to")
        between = self.titles()
        # What it replaced is also the way forward, for whoever wants it: with the word again.
        self.line_told(back["previous"], self.refused("rollback", "backend", "--to", back["previous"]))
        forward = self.deploy(0, "released", "rollback", "backend", "--to", back["previous"], "--restore-db", "--accept-data-loss=2h")
        self.check_whole("second", is_as_before=False)
        self.assertEqual(self.schema(), after)
        self.assertLessEqual(left, self.titles())
        seen = self.end_visits()
        # Of all that was answered only that is gone for which a person said so, and it lies where the message says.
        gone = set(seen["gone"])
        self.assertEqual(seen["words"], ["roomy", "second"])
        self.assertLessEqual(between - left, gone)
        self.assertEqual(gone - self.titles_left(forward), set())
        report_times(f"back over a lossy migration with the database in {back['duration_ms']} ms and forward again in {forward['duration_ms']} ms "
                     f"({type(self).__name__}): {seen['requests']} requests, {seen['rows']} rows written, none failed, {len(gone)} left behind by "
                     f"a person's word; the slowest row took {seen['slowest_s']} s")

    def test_reversed(self):
        """Its gate fails when visitors have written, and its author says that its migrations go back: what they wrote stays."""
        self.visit("--rows")
        back = self.deploy(1, "rolled_back", "backend", self.pack("second", "unit", what="safe"))
        self.assertIn("500", back["reason"])
        self.check_whole("roomy", is_as_before=True)
        self.assertTrue(self.wrote("second"))
        seen = self.end_visits()
        self.assertEqual(seen["words"], ["roomy", "second"])
        report_times(f"a migration that visitors had written behind reversed in {back['duration_ms']} ms ({type(self).__name__}): "
                     f"{seen['requests']} requests, {seen['rows']} rows written, none failed, none lost; the slowest row took {seen['slowest_s']} s")

    def test_back_killed(self):
        """Its ways back, killed anywhere: one whole release is served, and no row is gone that is not kept."""
        seed, number = random.randrange(1 << 32), count("back_kills")
        print(f"seed {seed}", flush=True)
        seen = json.loads(self.host.run("python3", "/root/deploys.py", "kills-back", str(number), str(seed), timeout=4 * 3600))
        self.assertEqual(seen["problems"], [])
        self.assertEqual(seen["counted"]["killed"], number)
        self.check_whole("roomy", is_as_before=True)
        report_times(f"counted: ways back with the database ({type(self).__name__}) killed at {number} random moments, in their recovery at "
                     f"{seen['counted']['killed again']} more; {seen['counted']['went back']} of {seen['counted']['rounds']} went back all the same; "
                     f"{seen['rows']} rows written meanwhile, none failed, none lost without a copy; the slowest took {seen['slowest_s']} s (seed {seed})")


class Sqlite(Written, OnSqlite, unittest.TestCase):
    pass


class Postgres(Written, OnPostgres, unittest.TestCase):
    def test_adds(self):
        """What only adds is applied while the old code serves, and stays: its gate fails before visitors meet it, and after."""
        self.visit("--rows")
        refused = self.deploy(1, "refused", "backend", self.pack("second", "canary", what="adds"))
        self.assertIn("500", refused["reason"])
        self.check_whole("roomy", is_as_before=False)
        back = self.deploy(1, "rolled_back", "backend", self.pack("third", "unit", what="adds"))
        self.assertIn("500", back["reason"])
        self.check_whole("roomy", is_as_before=False)
        self.assertTrue(self.wrote("third"))
        released = self.deploy(0, "released", "backend", self.pack("fourth", "good", what="adds"))
        self.check_whole("fourth", is_as_before=False)
        self.host.wait_until(lambda: self.wrote("fourth"), "it writes")
        self.deploy(0, "released", "rollback", "backend")
        self.check_whole("roomy", is_as_before=False)
        seen = self.end_visits()
        self.assertEqual(seen["words"], ["fourth", "roomy", "third"])
        report_times(f"a column added on PostgreSQL: refused in {refused['duration_ms']} ms, taken back after visitors had written in "
                     f"{back['duration_ms']} ms, released in {released['duration_ms']} ms: {seen['requests']} requests, {seen['rows']} rows "
                     f"written, none failed, none lost; the slowest row took {seen['slowest_s']} s")

    def test_loses(self):
        """A column is taken away: its gate fails before visitors meet it, and after they have written."""
        self.visit("--rows")
        refused = self.deploy(1, "refused", "backend", self.pack("second", "canary"))
        self.assertIn("500", refused["reason"])
        self.check_whole("roomy", is_as_before=True)
        stays = self.deploy(2, "needs_human", "backend", self.pack("third", "unit"))
        self.assertNotEqual(self.schema(), self.before)
        self.assertTrue(self.wrote("third"))
        self.host.attempt("lectio-notify", "flush", "-q")
        self.assertIn(stays["release"], "\n".join(self.host.messages()))
        mended = self.deploy(0, "released", "backend", self.pack("mended", "good"), "--force")
        self.check_whole("mended", is_as_before=False)
        self.host.wait_until(lambda: self.wrote("mended"), "it writes")
        seen = self.end_visits()
        self.assertEqual(seen["words"], ["mended", "roomy", "third"])
        report_times(f"a column taken away on PostgreSQL under load: put back in {refused['duration_ms']} ms, mended in {mended['duration_ms']} ms: "
                     f"{seen['requests']} requests, {seen['rows']} rows written, none failed, none lost; the slowest row took {seen['slowest_s']} s")

    def test_nobody_has_written(self):
        """Visitors have met what takes a column away, and left nothing: it comes back by itself."""
        self.visit()
        back = self.deploy(1, "rolled_back", "backend", self.pack("second", "unit"))
        self.assertIn("500", back["reason"])
        self.check_whole("roomy", is_as_before=True)
        self.end_visits()
        self.check_next()

    def test_cut_off(self):
        """The machine goes down when the column is gone and no code runs; its server comes back with the units."""
        self.host.start_and_leave("lectio-deploy", "backend", self.pack("second", "waits"))
        self.host.wait_until(lambda: self.host.succeeds("test", "-e", "/var/lib/teaching_panel/waits"), "it is in the middle")
        self.assertNotEqual(self.state(SITE), "active")
        self.host.reboot(hard=True)
        self.host.wait_until(lambda: self.answers(20), "the site answers")
        self.check_whole("roomy", is_as_before=True)
        self.check_next()


if __name__ == "__main__":
    skip_where_impossible()
    if any("Postgres" in word for word in sys.argv):
        skip_without_postgres()
    sys.exit(unittest.main())
