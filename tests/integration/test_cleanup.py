#!/usr/bin/env python3
"""lectio-cleanup with the real binary: real files and processes, and only what the rules name goes."""

import fcntl
import json
import os
import pathlib
import pty
import subprocess
import unittest

from notify_place import NotifyPlace, program_of

TOOL = program_of("lectio-cleanup")


class Cleanup(NotifyPlace):
    def setUp(self):
        super().setUp()
        for folder in ("tmp", "outside"):
            os.mkdir(self.path(folder))
        pathlib.Path(self.path("outside"), "precious").write_text("precious")

    def rules(self, text):
        self.configure(more=f"[cleanup]\n{text}\n")

    def spill(self, name, text="x"):
        path = pathlib.Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def names(self, folder="tmp"):
        return sorted(os.listdir(self.path(folder)))

    def clean(self, *options, program=TOOL, expected=0, **how):
        how.setdefault("stdin", subprocess.DEVNULL)
        done = subprocess.run([program, "-c", self.path("config.toml"), *options], capture_output=True, text=True,
                              timeout=300, check=False, **how)
        self.assertEqual(done.returncode, expected, done.stdout + done.stderr)
        return done

    def report(self, *options, expected=0):
        return json.loads(self.clean("--format", "json", *options, expected=expected).stdout)

    def told(self):
        """All that the operator has been told. A busy host may leave it to the flusher of the next minute."""
        subprocess.run([program_of("lectio-notify"), "-c", self.path("config.toml"), "flush"], stdin=subprocess.DEVNULL,
                       capture_output=True, timeout=300, check=False)
        return self.bot.texts()

    def log(self):
        return pathlib.Path(self.path("logs"), "cleanup.log").read_text()


class Files(Cleanup):
    def setUp(self):
        super().setUp()
        self.rules(f'temp = [{{ files = "{self.path("tmp")}/build-*", older = "0s" }}]')

    def test_what_is_old_goes_and_nothing_else(self):
        self.spill("tmp/build-1", "x" * 10000)
        self.spill("tmp/build-2/deep/a", "x" * 10000)
        self.spill("tmp/keep")
        os.symlink(self.path("outside"), self.path("tmp/build-3"))
        shown = self.report("--dry-run")
        self.assertEqual([action["done"] for action in shown["actions"]], [False] * 3)
        self.assertEqual(self.names(), ["build-1", "build-2", "build-3", "keep"])
        self.assertFalse(os.path.exists(self.path("state")))
        done = self.report()
        self.assertEqual([action["target"] for action in done["actions"]],
                         [self.path(f"tmp/build-{i}") for i in (1, 2, 3)])
        self.assertTrue(all(action["done"] for action in done["actions"]))
        self.assertGreaterEqual(sum(action["freed_bytes"] for action in done["actions"]), 20000)
        self.assertEqual((self.names(), self.names("outside")), (["keep"], ["precious"]))
        self.assertIn("build-1, 12 KB freed", self.log())
        self.assertIn("finished", json.loads(pathlib.Path(self.path("state"), "cleanup/state.json").read_text()))
        again = self.clean("-q")
        self.assertEqual((again.stdout, again.stderr, self.told()), ("", "", []))

    def test_what_is_young_stays(self):
        self.rules(f'temp = [{{ files = "{self.path("tmp")}/*", older = "1h" }}]')
        unpacked = self.spill("tmp/unpacked")
        os.utime(unpacked, (0, 0))  # an archive's own time: the file came just now
        self.assertIn("nothing to do", self.clean().stdout)
        self.assertEqual(self.names(), ["unpacked"])

    def test_what_somebody_holds_stays_and_is_named(self):
        held = self.spill("tmp/build-1/held")
        with held.open() as file:
            sleeping = subprocess.Popen(["sleep", "600"], stdin=file)
        with sleeping as holder:
            try:
                self.assertIn(f"build-1 stays: in use by sleep ({holder.pid})", self.clean().stdout)
                self.assertTrue(held.exists())
            finally:
                holder.kill()
        self.clean()
        self.assertEqual(self.names(), [])

    def test_a_person_on_a_terminal_sees_first(self):
        self.spill("tmp/build-1")
        for apply, options, gone in (("cron", [], False), ("cron", ["--dry-run"], False), ("never", [], False),
                                     ("cron", ["--apply"], True), ("always", [], True)):
            self.spill("tmp/build-1")
            self.rules(f'apply = "{apply}"\ntemp = [{{ files = "{self.path("tmp")}/build-*", older = "0s" }}]')
            ours, theirs = pty.openpty()
            try:
                done = self.clean(*options, stdin=theirs)
            finally:
                os.close(ours)
                os.close(theirs)
            self.assertEqual(self.names() == [], gone, (apply, options, done.stdout))
            self.assertEqual("nothing was changed; to do it" in done.stdout, not gone and not options)
        self.spill("tmp/build-1")
        self.rules(f'apply = "never"\ntemp = [{{ files = "{self.path("tmp")}/build-*", older = "0s" }}]')
        self.clean()
        self.assertEqual(self.names(), ["build-1"])

    def test_two_at_once(self):
        os.mkdir(self.path("run"))
        with open(self.path("run/cleanup.lock"), "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.spill("tmp/build-1")
            self.clean(expected=75)
            self.assertEqual(self.names(), ["build-1"])
            self.clean("--dry-run")  # looking may be done beside it

    def test_what_is_asked_wrongly(self):
        self.clean("--apply", "--dry-run", expected=64)
        self.clean("--format", "nagios", expected=64)
        self.configure()
        self.assertIn("[cleanup]", self.clean(expected=78).stderr)
        for files in ("/*", "/home/*", "/root/x", "/etc/x/*", "/usr/share/x/*", "tmp/*", "/srv/a/../../*", "/var/www/*"):
            self.rules(f'temp = [{{ files = "{files}", older = "7d" }}]')
            self.assertIn("config.toml:", self.clean("--check-config", expected=78).stdout)
            self.clean(expected=78)
        for files in ("/tmp/*", "/var/tmp/x-*", "/srv/site/tmp/*", "/home/deploy/builds/*", "/var/log/site/*.gz"):
            self.rules(f'temp = [{{ files = "{files}", older = "7d" }}]')
            self.clean("--check-config")

    def test_what_cannot_be_removed_is_told_once_and_so_is_its_end(self):
        if os.geteuid() != 0:
            self.skipTest("a file that root may not remove is made by root")
        stuck = self.spill("tmp/build-1")
        subprocess.run(["chattr", "+i", stuck], check=False, capture_output=True)
        try:
            if subprocess.run(["rm", "-f", stuck], capture_output=True, check=False).returncode == 0:
                self.skipTest("this file system knows no immutable files")
            self.clean(expected=1)
            self.clean(expected=1)
        finally:
            subprocess.run(["chattr", "-i", stuck], check=False, capture_output=True)
        self.assertEqual(len(self.told()), 1)
        self.assertIn("build-1: unable to remove", self.told()[0])
        self.clean()
        self.assertEqual(len(self.told()), 2)
        self.assertIn("everything could be cleaned up", self.told()[1])


if __name__ == "__main__":
    unittest.main(verbosity=2)
