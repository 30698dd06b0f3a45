#!/usr/bin/env python3
"""lectio-status with the real binaries: what it shows is what the other tools have left, and nothing is good that is not known."""

import codecs
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import termios
import unittest

from deploying import Deploys
from notify_place import NotifyPlace, program_of
from stack.stack import Stack
from stand_ins.bot_api import BotApi

HOUR_MS = 3_600_000
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


PAINT = re.compile(r"\x1b\[[0-9;]*[mKHJ]")  # colours, and what places the text
GUARD = 300  # seconds; against hanging only


class Terminal:
    """A program on a terminal of its own, and what it draws there."""

    def __init__(self, command, rows, columns, environment):
        self.seen = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._drawn = 0
        self._ours, theirs = pty.openpty()
        self.resize(rows, columns)
        self._process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, close_fds=True)
        os.close(theirs)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def resize(self, rows, columns):
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def next(self):
        """The next whole screen."""
        return self.until("\x1b[J")

    def until(self, word):
        while (end := self.seen.find(word, self._drawn)) < 0:
            if not self._read():
                raise AssertionError(f"nothing more is drawn: {self.seen!r}")
        begin, self._drawn = self._drawn, end + len(word)
        return self.seen[begin:end]

    def _read(self):
        if not select.select([self._ours], [], [], GUARD)[0]:
            return False
        try:
            data = os.read(self._ours, 65536)
        except OSError:  # the other end is closed
            data = b""
        self.seen += self._decoder.decode(data)
        return data != b""

    def end(self, number):
        self._process.send_signal(number)
        while self._read():
            pass
        return self._process.wait(GUARD)


class Status(NotifyPlace):
    def setUp(self):
        super().setUp()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.listener.close)
        self.port = self.listener.getsockname()[1]
        self.describe()

    def describe(self, more="", lang="en"):
        self.configure(lang=lang, more=f'[health.check.port]\ntype = "tcp"\naddress = "127.0.0.1:{self.port}"\nrecheck = "0s"\n'
                                       + more)

    def tool(self, tool, *options, before=(), **how):
        return subprocess.run([*before, program_of(tool), "-c", self.path("config.toml"), *options], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=300, check=False, **how)

    def health(self):
        return self.tool("lectio-health", "-q")

    def shows(self, status, *words, options=(), **how):
        done = self.tool("lectio-status", *options, **how)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, done.stdout)
        return done.stdout

    def report(self, status):
        return json.loads(self.shows(status, options=("--format", "json")))

    def break_it(self):
        self.listener.close()

    def state_file(self, tool="health"):
        return pathlib.Path(self.path("state"), tool, "state.json")

    def change_state(self, change):
        state = json.loads(self.state_file().read_text())
        change(state)
        self.state_file().write_text(json.dumps(state, separators=(",", ":")))  # as StateFile writes it

    # ── what is shown ──

    def test_all_is_good(self):
        self.health()
        text = self.shows(0, "lectio-1 · ", "all good (2 checks)", "lectio-health: last run ", "nothing is broken")
        self.assertRegex(text, r"ok    port +·{23}▁ +\d+ s  connected")
        self.assertNotIn("\x1b", text)
        self.assertEqual(self.shows(0, options=("-q",)), "")

    def test_what_is_broken_and_what_is_over(self):
        self.health()
        self.break_it()
        self.health()
        text = self.shows(2, "broken (2 checks)", "🚨", "health/port: no connection")
        self.assertRegex(text, r"CRIT  port +·{23}× ")
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.addCleanup(self.listener.close)
        self.health()
        self.shows(0, "all good", "Last recoveries:", "health/port  over: ")

    def test_in_russian(self):
        self.describe(lang="ru")
        self.health()
        self.shows(0, "всё в порядке (2 проверки)", "lectio-health: последний запуск ")

    def test_for_programs(self):
        self.break_it()
        self.health()
        report = self.report(2)
        self.assertEqual((report["tool"], report["status"], report["exit_code"]), ("lectio-status", "critical", 2))
        [port] = [check for check in report["checks"] if check["name"] == "port"]
        self.assertEqual((port["tool"], port["status"], port["stale"], port["counts"]), ("health", "critical", False, True))
        self.assertEqual(port["day"][-1]["status"], "critical")
        self.assertEqual(len(port["day"]), 24)
        [incident] = report["incidents"]
        self.assertEqual((incident["check"], incident["state"]), ("health/port", "open"))
        listed = json.loads(self.tool("lectio-notify", "list", "--format", "json").stdout)
        self.assertEqual(report["incidents"], listed["incidents"], "both say the same")
        self.assertEqual([(tool["name"], tool["state"]) for tool in report["tools"]], [("health", "good")])

    def test_for_prometheus(self):
        self.break_it()
        self.health()
        text = self.shows(2, "\nlectio_status 2\n", 'lectio_check_status{tool="health",check="port"} 2\n',
                          'lectio_tool_good{tool="health"} 1\n', 'lectio_incident_open{tool="health",check="port"} 1\n',
                          options=("--format", "prometheus"))
        families = []
        for line in text.splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) lectio_[a-z_]+ .+|lectio_[a-z_]+(\{([a-z]+="([^"\\\n]|\\.)*",?)*\})? \S+)$')
            if line.startswith("# TYPE"):
                families.append(line.split()[2])
            elif not line.startswith("#"):
                self.assertEqual(re.match("[a-z_]+", line)[0], families[-1], "lines of a family stand together")
        self.assertEqual(len(families), len(set(families)), families)

    @unittest.skipUnless(shutil.which("promtool"), "promtool (package prometheus) is not installed")
    def test_promtool_has_nothing_to_say(self):
        self.break_it()
        self.health()
        text = self.shows(2, options=("--format", "prometheus"))
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_a_mute(self):
        self.health()
        self.tool("lectio-notify", "mute", "2h", "--reason", "works on the roof")
        self.shows(0, "mute", "works on the roof")
        self.assertEqual([span["reason"] for span in self.report(0)["quiet"]], ["mute"])

    def test_words_of_a_script(self):
        self.health()
        self.tool("lectio-notify", "send", "--key", "nightly", "--level", "warning", "the import has failed")
        self.shows(1, "warning", "nightly")

    def test_a_backup(self):
        database = self.path("db.sqlite3")
        with sqlite3.connect(database) as connection:
            connection.execute("create table lessons (id integer primary key)")
        connection.close()
        self.describe(f'[backup]\ndir = "{self.path("backups")}"\nmin_free = "1MB"\n[backup.source.database]\ntype = "sqlite"\n'
                      f'path = "{database}"\n')
        self.health()
        self.shows(2, "database: there is no proven backup", "lectio-backup has never finished a run here")
        self.assertEqual(self.tool("lectio-backup", "run", "-q").returncode, 0)
        self.shows(0, "Backups:\n  ok    database: proven ", "lectio-backup: last run ")
        [backup] = self.report(0)["backups"]
        self.assertEqual((backup["source"], backup["status"]), ("database", "ok"))
        # The last one rots on the disk: the one before is fresh, and all is not well.
        self.assertEqual(self.tool("lectio-backup", "run", "-q").returncode, 0)
        last = sorted(pathlib.Path(self.path("backups")).glob("*.zst"))[-1]
        last.write_bytes(last.read_bytes()[:-1] + b"?")
        self.assertEqual(self.tool("lectio-backup", "verify", "-q").returncode, 2)
        self.shows(2, "database: the last backup, ", "does not pass its proof")
        for file in pathlib.Path(self.path("backups")).glob("*.zst"):
            file.unlink()
        self.shows(2, "the file of backup ", "is missing", "there is no proven backup")

    # ── again and again ──

    def watching(self, rows=24, columns=80, **environment):
        return self.enterContext(Terminal([program_of("lectio-status"), "-c", self.path("config.toml"), "--watch"], rows, columns,
                                          {**os.environ, "TERM": "xterm", **environment}))

    def test_watching_on_a_terminal(self):
        self.health()
        screen = self.watching()
        self.assertIn("all good", screen.next())
        self.break_it()
        self.health()
        while "broken" not in screen.next():
            pass
        screen.resize(3, 20)
        while "… " not in (small := screen.next()):
            pass
        lines = PAINT.sub("", small).split("\r\n")  # as a terminal ends a line
        self.assertEqual(len(lines), 3, "two lines, and the cursor below them")
        self.assertTrue(all(len(line) <= 20 for line in lines), lines)
        self.assertEqual(screen.end(signal.SIGINT), 128 + signal.SIGINT)
        self.assertNotIn("\x1b[?", screen.seen, "no mode is changed, so none is left behind")
        self.assertEqual(screen.seen.rfind("\x1b[0m") > screen.seen.rfind("\x1b[3"), True, "no colour is left behind")

    def test_watching_without_colours(self):
        self.health()
        screen = self.watching(NO_COLOR="1")
        self.assertIn("all good", screen.next())
        self.assertEqual(screen.end(signal.SIGTERM), 128 + signal.SIGTERM)
        self.assertNotRegex(screen.seen, r"\x1b\[\d")

    def test_watching_where_it_is_no_terminal(self):
        self.health()
        with subprocess.Popen([program_of("lectio-status"), "-c", self.path("config.toml"), "--watch"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, text=True) as process:
            heads = []
            while len(heads) < 2:
                line = process.stdout.readline()
                self.assertNotIn("\x1b", line)
                heads += [line] if "all good" in line else []
            process.send_signal(signal.SIGHUP)
            process.communicate(timeout=300)
            self.assertEqual(process.returncode, 128 + signal.SIGHUP)
        dumb = self.watching(TERM="dumb")
        self.assertNotIn("\x1b", dumb.until("nothing is broken"))
        dumb.end(signal.SIGTERM)

    def test_watching_shows_text_only(self):
        done = self.tool("lectio-status", "--watch", "--format", "json")
        self.assertEqual(done.returncode, 64, done.stdout + done.stderr)
        self.assertIn("--watch shows text only", done.stderr)

    # ── what is not known ──

    def test_nothing_has_run(self):
        self.shows(3, "lectio-health has never finished a run here", "not looked at yet")
        self.assertFalse(os.path.exists(self.path("state")), "it changes nothing")

    def test_a_tool_that_does_not_run_makes_the_whole_not_green(self):
        self.health()
        self.change_state(lambda state: state["finished"].update(wall_ms=state["finished"]["wall_ms"] - HOUR_MS, boot_id=""))
        self.shows(1, "warning", "lectio-health last finished a run 1 hour ago, at most 3 minutes expected")

    def test_a_state_of_a_time_to_come(self):
        self.health()
        self.change_state(lambda state: state["finished"].update(wall_ms=state["finished"]["wall_ms"] + HOUR_MS, boot_id=""))
        self.shows(1, "which is still to come", "not known to be so any more")

    def test_a_damaged_state(self):
        self.health()
        for content in ("", "garbage", '{"schema":1', '{"schema":99}'):
            self.state_file().write_text(content)
            self.state_file().with_name("state.prev.json").unlink(missing_ok=True)
            text = self.shows(1, "the state of lectio-health: ", "??    port")
            self.assertNotIn("all good", text)
            self.assertEqual(self.state_file().read_text(), content, "it changes nothing")

    def test_a_state_that_is_gone(self):
        self.health()
        shutil.rmtree(self.path("state/health"))
        self.shows(1, "the state of lectio-health is missing, though it has run here", "??    port")

    def test_a_foreign_state(self):
        if os.geteuid() != 0:
            self.skipTest("only root can give a file away")
        self.health()
        for path in (self.state_file(), self.state_file().with_name("state.prev.json")):
            if path.exists():
                os.chown(path, 65534, 65534)
        self.shows(1, "the state of lectio-health: ")

    def test_a_damaged_history(self):
        self.health()
        for path in pathlib.Path(self.path("state")).glob("history.sqlite*"):
            path.unlink()
        self.shows(1, "there is no history, though tools have run here")
        pathlib.Path(self.path("state"), "history.sqlite").write_bytes(b"x" * 8192)
        self.shows(1, "the history cannot be read: ")

    def test_a_wrong_configuration(self):
        self.health()
        with open(self.path("config.toml"), "a", encoding="utf-8") as out:
            out.write("[health.check.port]\n")
        done = self.tool("lectio-status")
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn("config.toml:", done.stderr)
        self.assertIn("all good", done.stdout, "what the last good one describes")

    # ── who looks ──

    def test_a_user_who_may_not_read_the_state(self):
        if os.geteuid() != 0:
            self.skipTest("only root can become somebody else")
        self.health()
        os.chmod(self.folder.name, 0o755)
        os.chmod(self.path("config.toml"), 0o644)
        done = self.tool("lectio-status", before=NOBODY)
        self.assertEqual(done.returncode, 77, done.stdout + done.stderr)
        self.assertIn("run with sudo", done.stderr)

    def test_a_user_who_may_read_some_of_it(self):
        if os.geteuid() != 0:
            self.skipTest("only root can become somebody else")
        self.health()
        os.chmod(self.folder.name, 0o755)
        os.chmod(self.path("config.toml"), 0o644)
        for folder, _, files in os.walk(self.path("state")):
            os.chmod(folder, 0o755)
            for name in files:
                os.chmod(os.path.join(folder, name), 0o644)
        text = self.shows(3, "config.env may not be read by this user", "ok    port", before=NOBODY)
        self.assertNotIn("channel errors", text)
        os.chmod(self.state_file(), 0o600)
        self.shows(3, "the state of lectio-health may not be read by this user", before=NOBODY)

    def test_it_takes_no_lock_and_writes_nothing(self):
        self.health()
        before = self.everything()
        traced = self.tool("lectio-status", before=["strace", "-f", "-e", "trace=flock,openat,unlink,rename,mkdir", "-o",
                                                    self.path("trace")])
        self.assertEqual(traced.returncode, 0, traced.stderr)
        trace = pathlib.Path(self.path("trace")).read_text()
        os.unlink(self.path("trace"))
        self.assertNotIn("flock(", trace)
        written = [line for line in trace.splitlines() if re.search(r"O_(WRONLY|RDWR|CREAT)", line) and self.folder.name in line
                   and not re.search("history.sqlite-(shm|wal)", line)]  # SQLite opens them so for who may write; see below
        self.assertEqual(written, [])
        self.assertEqual(self.everything(), before)

    def everything(self):
        """But for the file in which readers of SQLite say which part of the log they use."""
        return {str(path): path.read_bytes() for path in pathlib.Path(self.folder.name).rglob("*")
                if path.is_file() and path.name != "history.sqlite-shm"}

    def test_writers_are_not_held_up(self):
        self.health()
        running = [subprocess.Popen([program_of("lectio-status"), "-c", self.path("config.toml")], stdin=subprocess.DEVNULL,
                                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(8)]
        for _ in range(5):
            done = self.health()
            self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        for process in running:
            self.assertEqual((process.wait(300), process.stderr.read()), (0, b""))
            process.stderr.close()
        runs = json.loads(self.tool("lectio-health", "history", "--format", "json").stdout)["runs"]
        self.assertEqual(runs, 6, "every run is in the history")


RECOVERY = """
[[health.recovery]]
name = "frontend-permissions"
when = ["frontend"]
action = "fix-permissions"
path = "{build}"
dirs = "755"
files = "644"
"""


class AroundASite(unittest.TestCase):
    """Deploys and recoveries, as lectio-deploy and lectio-health have left them."""

    def setUp(self):
        self.stack = self.enterContext(Stack(parts=["nginx"]))
        self.bot = self.enterContext(BotApi())
        self.site = self.enterContext(Deploys(self.stack, self.bot.url, more=RECOVERY.format(build=self.stack.build)))

    def shows(self, status, *words, form="text"):
        done = subprocess.run([program_of("lectio-status"), "-c", str(self.site.config), "--format", form],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, done.stdout)
        return done.stdout

    def test_deploys(self):
        self.site.run("--no-recovery")
        done = self.site.release("first")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.site.release("second", script=b"").returncode, 1)
        self.shows(0, "Last deploys:", "  released  ", "  refused  ")
        refused, released = json.loads(self.shows(0, form="json"))["deploys"]
        self.assertEqual((refused["result"], released["result"], released["died"]), ("refused", "released", False))
        journal = self.site.journals()[-1]
        journal.write_bytes(b"x" + journal.read_bytes()[1:])
        self.shows(1, "warning", "is damaged")

    def test_what_was_mended(self):
        self.site.run()
        page = self.stack.build / "index.html"
        page.chmod(0)
        mended = self.site.run()
        self.assertEqual((mended.exit_code, mended.report["recovery"][0]["ok"]), (0, True), mended.out)
        text = self.shows(0, "all good", "Last recoveries:", "fix-permissions", "works again: ")
        self.assertRegex(text, r"ok    frontend +·{23}× ", "it was broken in this hour")


if __name__ == "__main__":
    program = unittest.main(exit=False)
    for test, reason in program.result.skipped:
        print(f"SKIPPED {test.id()}: {reason}")
    sys.exit(not program.result.wasSuccessful())
