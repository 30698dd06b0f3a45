#!/usr/bin/env python3
"""lectio-cleanup with the real binary: real files and processes, and only what the rules name goes."""

import fcntl
import gzip
import json
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import sys
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
        if expected is not None:
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


class Processes(Cleanup):
    """Processes of this test only: their command lines have a word that no other has."""

    def setUp(self):
        super().setUp()
        self.word = f"lectio-cleanup-test-{os.getpid()}-{self.id().rsplit('.', maxsplit=1)[-1]}"
        self.started = []

    def tearDown(self):
        for process in self.started:
            process.kill()
            process.wait()
            process.stdout.close()

    def start(self, code="", word=None, **how):
        """Sleeps until it is ended; `code` runs before."""
        script = f"import signal, sys, time\n{code}\nprint('ready', flush=True)\nwhile True: time.sleep(600)"
        process = subprocess.Popen([sys.executable, "-c", script, word or self.word], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, text=True, **how)
        self.started.append(process)
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    def kill_rule(self, more=""):
        self.rules(f'kill = [{{ match = "{self.word}$", older = "0s", wait = "1s"{more} }}]')

    def test_what_the_rule_names_is_ended_and_nothing_else(self):
        meek, stubborn = self.start(), self.start("signal.signal(signal.SIGTERM, signal.SIG_IGN)")
        bystander = self.start(word="another")
        self.kill_rule()
        self.assertEqual([action["done"] for action in self.report("--dry-run")["actions"]], [False, False])
        self.assertIsNone(meek.poll())
        done = self.report()
        self.assertEqual([action["done"] for action in done["actions"]], [True, True], done)
        self.assertEqual((meek.wait(60), stubborn.wait(60)), (-signal.SIGTERM, -signal.SIGKILL))
        self.assertIsNone(bystander.poll())
        self.assertGreater(done["actions"][0]["freed_bytes"], 1_000_000)
        self.assertIn("killed: it did not end by itself within 1 s", self.log() + done["message"])

    def test_what_is_young_or_small_stays(self):
        process = self.start()
        for older, more in (("1h", ""), ("0s", ', rss = "100GB"'), ("1h", ', low_memory = { available = "1B", older = "0s" }')):
            self.rules(f'kill = [{{ match = "{self.word}", older = "{older}"{more} }}]')
            self.assertIn("nothing to do", self.clean().stdout)
        self.assertIsNone(process.poll())
        self.kill_rule(', low_memory = { available = "100TB", older = "0s" }')
        self.clean()
        self.assertEqual(process.wait(60), -signal.SIGTERM)

    def test_another_users_stay_unless_named(self):
        if os.geteuid() != 0:
            self.skipTest("only root starts processes of others")
        process = self.start(user="nobody")
        self.kill_rule()
        self.assertIn("it belongs to another user", self.clean().stdout)
        self.assertIsNone(process.poll())
        self.kill_rule(', user = "nobody"')
        self.clean()
        self.assertEqual(process.wait(60), -signal.SIGTERM)

    def test_who_calls_us_stays(self):
        """A script whose own command line is named runs the tool, and goes on."""
        self.kill_rule()
        script = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:4], stdin=subprocess.DEVNULL).returncode)"
        done = subprocess.run([sys.executable, "-c", script, TOOL, "-c", self.path("config.toml"), self.word],
                              capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual((done.returncode, "nothing to do" in done.stdout), (0, True), done.stdout + done.stderr)


class Logs(Cleanup):
    """A log that is written all the time is cut, and the check that reads it on counts each line once."""

    def test_a_log_is_cut_while_it_is_written_and_read(self):
        log = self.spill("tmp/site.log", "".join(f"line {i} is like any other\n" for i in range(5000)))
        rules = f"""[cleanup]
keep_lines = 100
logs = [{{ files = "{self.path('tmp')}/*.log", size = "10KB" }}]
[health.check.errors]
type = "log"
path = "{log}"
matches = "ERROR"
count = {{ warn = 1000 }}
start = "begin"
recheck = "0s"
"""
        self.configure(more=rules)
        counted = []

        def count():
            done = subprocess.run([program_of("lectio-health"), "-c", self.path("config.toml"), "--format", "json"],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
            [check] = [check for check in json.loads(done.stdout)["checks"] if check["name"] == "errors"]
            [matches] = [metric["value"] for metric in check["metrics"] if metric["name"] == "matches"]
            counted.append(matches)
            return check

        with log.open("a") as writer:
            for i in range(3):
                print(f"ERROR {i}", file=writer, flush=True)
                count()
                print(f"ERROR unread {i}", file=writer, flush=True)
                self.clean()
                print("".join(f"more {j} of round {i}\n" for j in range(3000)), file=writer, flush=True)
            count()
        self.assertEqual(counted, [1, 3, 5, 6])
        self.assertIn("[lectio-cleanup] cut here: ", log.read_text().splitlines()[0])
        self.assertIn("freed: the last lines stay", self.clean("-v").stdout + self.log())

    def test_without_append_it_is_left(self):
        log = self.path("tmp/site.log")
        self.rules(f'keep_lines = 10\nlogs = [{{ files = "{self.path("tmp")}/*.log", size = "10KB" }}]')
        with open(log, "w", encoding="utf-8") as out:
            out.write("line\n" * 10000)
            out.flush()
            self.assertIn("without O_APPEND", self.clean().stdout)
            self.assertEqual(os.path.getsize(log), 50000)
        self.clean()
        self.assertLess(os.path.getsize(log), 1000)

    def test_old_ones_are_packed_and_packed_ones_deleted(self):
        self.spill("tmp/site.log", "line\n" * 10000)
        self.rules(f"""logs = [
    {{ files = "{self.path("tmp")}/*.log", older = "0s", size = "1KB", action = "compress" }},
    {{ files = "{self.path("tmp")}/*.log-*.gz", older = "1h", action = "delete" }} ]""")
        self.clean()
        names = self.names()
        self.assertEqual((len(names), os.path.getsize(self.path("tmp/site.log"))), (2, 0))
        packed = os.path.join(self.path("tmp"), names[1])
        with gzip.open(packed, "rt") as text:
            self.assertEqual(text.read(), "line\n" * 10000)
        os.utime(packed, (0, 0))
        self.clean()
        self.assertEqual(self.names(), ["site.log"])


class Upkeep(Cleanup):
    def test_zombies_are_told_and_their_parent_lives(self):
        code = """if True:
            import os, sys
            for _ in range(9):
                if os.fork() == 0:
                    os._exit(0)
            for _ in range(9):
                os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
            print("ready", flush=True)
            sys.stdin.readline()
            for _ in range(9):
                os.wait()
            print("collected", flush=True)
            sys.stdin.readline()"""
        self.rules('zombies = { warn = 9, restart = ["no-such-unit.service"] }')
        with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as parent:
            self.assertEqual(parent.stdout.readline(), "ready\n")
            self.assertIn(f"({parent.pid})", self.clean(expected=1).stdout)
            self.assertIsNone(parent.poll())
            [told] = self.told()
            self.assertRegex(told, r"\d+ zombies: only their parent collects them")
            print("collect", file=parent.stdin, flush=True)
            self.assertEqual(parent.stdout.readline(), "collected\n")
            self.assertNotIn(f"({parent.pid})", self.clean(expected=None).stdout)

    def test_memory_that_is_short_is_reported_with_the_largest(self):
        self.rules('memory_report = "100TB"')
        done = self.clean("-q", expected=1)
        self.assertRegex(done.stdout, r"memory is short: .* available, .* of swap free\nthe largest processes:\n.* \(\d+")
        self.assertIn("memory is short", self.log())
        self.clean(expected=1)
        [told] = self.told()
        self.assertIn("the largest processes", told)
        self.rules('memory_report = "1B"')
        self.assertEqual(self.clean("-q").stdout, "")
        self.assertIn("there is enough memory again", self.told()[-1])

    def test_releases_go_by_the_rule_of_lectio_deploy(self):
        self.spill("site/index.html", "<html></html>")
        self.rules(f'releases = true\n[deploy.frontend]\npath = "{self.path("site")}"')
        os.mkdir(self.path("bin"))  # as they are installed: beside each other
        for tool in ("lectio-cleanup", "lectio-deploy"):
            shutil.copy(program_of(tool), self.path("bin"))
        tool = os.path.join(self.path("bin"), "lectio-cleanup")
        self.assertIn("releases: nothing to do", self.clean("--dry-run", program=tool).stdout)
        self.assertIn("releases: nothing to do", self.clean(program=tool).stdout)
        with open(self.path("run/deploy.lock"), "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.assertIn("lectio-deploy cleanup stays: a deploy is under way", self.clean(program=tool).stdout)

    @unittest.skipUnless(shutil.which("journalctl"), "no journalctl here")
    def test_a_journal_that_is_small_enough_is_left(self):
        self.rules('journal_max = "1000GB"')
        self.assertIn("journal: nothing to do", self.clean().stdout)

    def test_by_its_old_name(self):
        self.rules(f'temp = [{{ files = "{self.path("tmp")}/build-*", older = "0s" }}]\nmemory_report = "100TB"')
        self.spill("tmp/build-1")
        old = self.path("cleanup_processes.sh")
        os.symlink(TOOL, old)
        self.clean("-q", program=old)  # 0 also where something is to be looked at
        self.assertEqual(self.names(), [])
        self.rules('temp = "odd"')
        self.clean(program=old, expected=1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
