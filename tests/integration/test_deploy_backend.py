#!/usr/bin/env python3
"""lectio-deploy of a backend where no systemd answers: taken over and given back in place, and refused before anything is met."""

import fcntl
import json
import os
import pathlib
import pwd
import shutil
import subprocess
import unittest
import zlib

from builds import build_files, write_files
from deploying import CHECKS, Deploys, root
from monitor import binary
from stack.stack import Stack
from stack.waiting import wait_until

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

DJANGO = {
    "manage.py": "import os, sys\nos.environ['DJANGO_SETTINGS_MODULE'] = 'site_settings'\n"
                 "from django.core.management import execute_from_command_line\nexecute_from_command_line(sys.argv)\n",
    "site_settings.py": "import pathlib\nSECRET_KEY = 'made up'\nINSTALLED_APPS = ['lessons']\n"
                        "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3',"
                        " 'NAME': pathlib.Path(__file__).resolve().parent / 'lessons/db.sqlite3'}}\n",
    "lessons/__init__.py": "",
    "lessons/migrations/__init__.py": "",
    "lessons/migrations/0001_initial.py": "from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n"
        "    operations = [migrations.CreateModel('Lesson', [('id', models.AutoField(primary_key=True)),"
        " ('notes', models.TextField(default=''))])]\n",
}
SECOND = """from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("lessons", "0001_initial")]
    operations = [migrations.RemoveField("lesson", "notes")]
"""


def record(entry):
    """As journal.h has it."""
    mark, facts = entry
    text = json.dumps({"facts": facts, "mark": mark, "time": "2099-01-01T00:00:00Z"}, separators=(",", ":"))
    return f"{len(text):08} {zlib.crc32(text.encode()):08x} {text}\n"


def free(file):
    """And locked now."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


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

    def commit(self, words):
        self.git("-c", "safe.directory=*", "add", "--all", "*.py")
        self.git("-c", "safe.directory=*", "-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "--quiet", "-m", words)

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
        beside = [self.project / f"db.sqlite3{more}" for more in ("-wal", "-journal", ".before-abcdef")]  # nobody's change of the code
        for path in beside:
            path.write_text("of the database")
        parts = {part["kind"]: part for part in json.loads(self.site.deploy("status").stdout)["parts"]}
        self.assertEqual(parts["backend"]["served"], report["release"])
        self.assertNotIn("changed", parts["backend"]["integrity"])
        (self.project / "manage.py").write_text("by hand")
        parts = {part["kind"]: part for part in json.loads(self.site.deploy("status").stdout)["parts"]}
        self.assertIn("manage.py", parts["backend"]["integrity"])
        (self.project / "manage.py").write_text("print('fine')\n")
        self.ends(self.site.deploy("adopt", "backend", "--undo"), 0, "released")
        for path in beside:
            path.unlink()
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

    def test_a_release_of_both_is_refused_as_one(self):
        """No systemd answers here: where the code cannot be released nothing of the frontend is begun."""
        self.ends(self.site.deploy("adopt", "backend"), 0, "released")
        served = self.stack.build.resolve()
        build = write_files(self.stack.folder / "next", build_files("together"))
        report = self.ends(self.site.deploy("full", str(build)), 1, "refused")
        self.assertIn("lectio-deploy-test-of-nothing.service", report["reason"])
        self.assertTrue(report["with"].startswith("fe-"))
        self.assertEqual(self.stack.build.resolve(), served)
        self.assertFalse((self.site.run_folder / "deploy_in_progress").exists())
        broken = write_files(self.stack.folder / "broken", {"index.html": b"broken"})
        for source, code, refusals in ((build, 0, []), (broken, 1, [True, True])):
            planned = self.site.deploy("plan", "full", str(source))
            report = json.loads(planned.stdout)
            self.assertEqual((planned.returncode, [one["refuses"] for one in report["findings"]]), (code, refusals), report)
            self.assertIn("be-", report["message"], "of the code, too")
        old = self.stack.folder / "deploy_safe.sh"
        old.symlink_to(binary("lectio-deploy"))
        done = subprocess.run([old, "-c", str(self.site.config), "full", str(build)], capture_output=True, timeout=300, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(b"lectio-deploy-test-of-nothing.service", done.stdout)
        deploys = json.loads(self.site.deploy("history").stdout)["deploys"]
        self.assertEqual([deploy["result"] for deploy in deploys], ["released", "refused", "refused"])
        for words in (["full"], ["full", "-", "-"], ["full", str(build), str(self.project), "--ref", "main"], ["full", "/nowhere"]):
            self.assertEqual(self.site.deploy(*words).returncode, 64, words)

    def test_a_unit_waits_while_tables_are_half_done(self):
        """A deploy that has let go of the fence and not put its tables back is about to end: nothing may start before that."""
        self.ends(self.site.deploy("adopt", "backend"), 0, "released")
        deploy = "be-20990101T000000Z-aaaa"
        records = [("begin", {"id": deploy, "action": "release", "from": self.site.listed()[-1]["id"]}),
                   ("migrate", {"undo": "restore", "database": str(self.project.resolve() / "db.sqlite3")})]
        journal = self.site.state / f"deploy/journal/{deploy}.journal"
        journal.write_text("".join(map(record, records)))
        with (self.site.run_folder / "deploy.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            gate = subprocess.Popen([binary("lectio-deploy"), "-c", str(self.site.config), "gate", "web"], stdin=subprocess.DEVNULL,
                                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            # It has looked, and looks again in a moment.
            asleep = pathlib.Path(f"/proc/{gate.pid}/wchan")
            wait_until(lambda: gate.poll() is not None or "nanosleep" in asleep.read_text(), "the gate has looked", seconds=300)
            self.assertIsNone(gate.poll())
            # Who recovers by hand has that lock and needs the fence to put the tables back.
            with (self.site.state / "deploy/fence").open("a") as fence:
                wait_until(lambda: free(fence), "the fence can be taken", seconds=60)
                self.assertIsNone(gate.poll())
        said = gate.communicate(timeout=300)[1]
        self.assertEqual(gate.returncode, 0, said)
        self.assertIn("--database put-back", said)  # there is no snapshot: from here on a person decides
        self.assertIn('"woken"', journal.read_text())

    def test_status_says_that_code_alone_would_not_go_back(self):
        self.ends(self.site.deploy("adopt", "backend"), 0, "released")
        (record_of_live,) = (self.site.state / "deploy/releases").glob("be-*.json")
        live = json.loads(record_of_live.read_text())
        earlier = live | {"id": "be-20200101T000000Z-1fk3", "schemas": ["before"], "adopted": False}
        releases = self.project.parent / ".lectio-releases"
        shutil.copytree(releases / live["id"], releases / earlier["id"], symlinks=True)
        shutil.copy(record_of_live.with_suffix(".manifest"), record_of_live.with_name(earlier["id"] + ".manifest"))
        record_of_live.with_name(earlier["id"] + ".json").write_text(json.dumps(earlier))
        for schemas, says in ((["before"], f"rollback would serve {earlier['id']}"),
                              (["before", "after"], f"rollback alone would refuse to go back to {earlier['id']}: the database has been changed")):
            record_of_live.write_text(json.dumps(live | {"generation": live["generation"] + 1, "schemas": schemas}))
            with self.subTest(schemas):
                text = self.site.deploy("status", form="text").stdout
                self.assertIn(says, text)
                self.assertEqual(f"rollback backend --to {earlier['id']} --restore-db" in text, len(schemas) > 1, text)

    def test_status_says_what_nothing_removes(self):
        live = self.ends(self.site.deploy("adopt", "backend"), 0, "released")["release"]
        self.assertNotIn("rm -r", self.site.deploy("status", form="text").stdout)
        kept = self.site.state / "deploy/snapshots" / live
        kept.mkdir(parents=True)
        (kept / "before.sqlite3").write_bytes(b"x" * 9000)  # goes with the release
        (kept / "replaced.sqlite3").write_bytes(b"x" * 5000)
        (kept / "replaced.before-reverse").mkdir()
        (kept / "replaced.before-reverse/before.sqlite3").write_bytes(b"x" * 1000)
        text = self.site.deploy("status", form="text").stdout
        (line,) = [line for line in text.splitlines() if "sudo rm -r" in line]
        self.assertIn("5.9 KB", line)
        part = json.loads(self.site.deploy("status").stdout)["parts"][1]["left_to_you"]
        self.assertEqual(part, {"size": 6000, "paths": [str(kept / "replaced.before-reverse"), str(kept / "replaced.sqlite3")]})
        subprocess.run(line[line.index("sudo rm -r"):].split()[1:], check=True)
        self.assertNotIn("rm -r", self.site.deploy("status", form="text").stdout)
        self.assertEqual([path.name for path in kept.iterdir()], ["before.sqlite3"])

    def test_a_plan_says_what_migrations_would_do(self):
        (self.project / "lessons/migrations").mkdir(parents=True)
        for name, text in DJANGO.items():
            (self.project / name).write_text(text)
        (self.project / "db.sqlite3").unlink()
        manage = ["/usr/bin/python3", "manage.py", "migrate", "--noinput"]
        subprocess.run(manage, cwd=self.project, check=True, capture_output=True, timeout=300)
        self.commit("with a database")
        if root():
            subprocess.run(["chown", "-R", "nobody:nogroup", str(self.project)], check=True)
        self.site.change([("[deploy.backend]", f"[deploy.backend]\nmigrate = {json.dumps(manage)}"),
                          # below the code, where the folder is the site's own user's
                          ('shared = ["db.sqlite3"', 'shared = ["lessons/db.sqlite3"')])
        before = self.tree()
        planned = self.site.deploy("plan", "backend")
        self.assertEqual(planned.returncode, 1, planned.stdout + planned.stderr)
        self.assertIn("adopt backend", json.loads(planned.stdout)["findings"][0]["hint"])
        self.assertEqual(self.tree(), before)
        self.ends(self.site.deploy("adopt", "backend"), 0, "released")
        planned = self.site.deploy("plan", "backend")
        self.assertEqual((planned.returncode, json.loads(planned.stdout)["migrations"]), (0, []), planned.stdout + planned.stderr)
        second = self.project / "lessons/migrations/0002_more.py"
        second.write_text(SECOND.replace('RemoveField("lesson", "notes")', 'AddField("lesson", "room", models.TextField(null=True))'))
        self.commit("with a migration that only adds")
        planned = self.site.deploy("plan", "backend")
        self.assertEqual((planned.returncode, json.loads(planned.stdout)["migrations"][0]["class"]), (1, "additive"))
        self.assertIn("database =", json.loads(planned.stdout)["findings"][0]["hint"])
        self.site.change([("[deploy.backend]", '[deploy.backend]\ndatabase = "sqlite:lessons/db.sqlite3"')])
        planned = self.site.deploy("plan", "backend")
        (finding,) = json.loads(planned.stdout)["findings"]  # it was written into what is served
        self.assertEqual((planned.returncode, finding["refuses"]), (1, True), planned.stdout + planned.stderr)
        self.assertIn("0002_more.py", finding["words"])
        second.write_text(SECOND)
        self.commit("with a migration")
        before = self.tree()
        planned = self.site.deploy("plan", "backend")
        self.assertEqual(json.loads(planned.stdout)["migrations"],
                         [{"name": "lessons.0002_more", "class": "lossy", "operations": ["Remove field notes from lesson"]}],
                         planned.stdout + planned.stderr)
        self.assertEqual(self.tree(), before)
        self.assertFalse([path for path in self.project.parent.glob(".lectio-releases/.incoming*")])
        for words in (["plan"], ["plan", "backend", "frontend", "x"], ["plan", "a", "b"], ["plan", "frontend"],
                      ["plan", "full"], ["plan", "full", "a", "b", "c"], ["plan", "full", "-", "-"]):
            self.assertEqual(self.site.deploy(*words).returncode, 64)


if __name__ == "__main__":
    unittest.main()
