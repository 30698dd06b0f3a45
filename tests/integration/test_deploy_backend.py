#!/usr/bin/env python3
"""lectio-deploy of a backend where no systemd answers: taken over and given back in place, and refused before anything is met."""

import json
import os
import pwd
import subprocess
import unittest

from deploying import CHECKS, Deploys, root
from stack.stack import Stack

USER = "nobody" if root() else pwd.getpwuid(os.geteuid()).pw_name
BACKEND = """
[deploy.backend]
path = "{project}"
user = "{user}"
git = {{ remote = "{project}", ref = "main" }}
check = ["/usr/bin/python3", "manage.py", "check"]
shared = ["db.sqlite3", "media"]
units = ["lectio-deploy-test-of-nothing.service"]
"""


class BackendTest(unittest.TestCase):
    def setUp(self):
        self.stack = self.enterContext(Stack(parts=["nginx"]))
        self.project = self.stack.folder / "project"
        (self.project / "media").mkdir(parents=True)
        for name, text in {"manage.py": "print('fine')\n", "db.sqlite3": "rows", "media/a.png": "picture", ".gitignore": "media\n"}.items():
            (self.project / name).write_text(text)
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("add", "manage.py", ".gitignore")
        self.git("-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "--quiet", "-m", "the first")
        if root():
            subprocess.run(["chown", "-R", "nobody:nogroup", str(self.project)], check=True)
        more = BACKEND.format(project=self.project, user=USER)
        self.site = self.enterContext(Deploys(self.stack, checks=CHECKS, more=more))

    def git(self, *words):
        subprocess.run(["git", "-C", str(self.project), *words], check=True, capture_output=True, timeout=300,
                       env={"PATH": "/usr/bin:/bin", "HOME": str(self.stack.folder)})

    def tree(self):
        return {str(path.relative_to(self.project)): (path.stat().st_mode, path.stat().st_uid, path.is_file() and path.read_bytes())
                for path in self.project.rglob("*")}

    def ends(self, done, code, result):
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        report = json.loads(done.stdout)["deploy"]
        self.assertEqual(report["result"], result, done.stdout)
        return report

    def test_adopted_and_given_back_with_its_data(self):
        before = self.tree()
        self.assertEqual(self.site.deploy("adopt").returncode, 64)  # which of the two
        report = self.ends(self.site.deploy("adopt", "backend"), 0, "released")
        self.assertTrue(report["release"].startswith("be-"))
        self.assertTrue(self.project.is_symlink())
        self.assertEqual(self.tree(), before)
        home = self.project.parent / ".lectio-releases/.shared"
        self.assertEqual((home / "db.sqlite3").read_text(), "rows")
        (self.project / "db.sqlite3").write_text("more rows")  # as the site goes on doing
        parts = {part["kind"]: part for part in json.loads(self.site.deploy("status").stdout)["parts"]}
        self.assertEqual(parts["backend"]["served"], report["release"])
        self.assertNotIn("changed", parts["backend"]["integrity"])
        (self.project / "manage.py").write_text("by hand")
        parts = {part["kind"]: part for part in json.loads(self.site.deploy("status").stdout)["parts"]}
        self.assertIn("manage.py", parts["backend"]["integrity"])
        (self.project / "manage.py").write_text("print('fine')\n")
        self.ends(self.site.deploy("adopt", "backend", "--undo"), 0, "released")
        self.assertFalse(self.project.is_symlink() or home.is_symlink())
        (self.project / "db.sqlite3").write_text("rows")
        self.assertEqual(self.tree(), before)

    def test_what_git_does_not_know_stops_the_adoption(self):
        (self.project / "uploads").mkdir()
        (self.project / "uploads/photo").write_text("of a visitor")
        report = self.ends(self.site.deploy("adopt", "backend"), 1, "refused")
        self.assertIn("uploads", report["reason"])
        self.assertNotIn("media", report["reason"])
        self.assertFalse(self.project.is_symlink())

    def test_without_units_that_can_be_restarted_nothing_is_begun(self):
        self.ends(self.site.deploy("adopt", "backend"), 0, "released")
        for words in (["backend"], ["backend", "--ref", "main"], ["backend", str(self.project)]):
            report = self.ends(self.site.deploy(*words), 1, "refused")
            self.assertEqual(report["phase"], "ready")
            self.assertIn("lectio-deploy-test-of-nothing.service", report["reason"])
        self.assertEqual(len([release for release in self.site.listed() if release["kind"] == "backend"]), 1)
        self.assertEqual(self.site.deploy("backend", "--ref", "x", str(self.project)).returncode, 64)


if __name__ == "__main__":
    unittest.main()
