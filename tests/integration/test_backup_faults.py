#!/usr/bin/env python3
"""lectio-backup of each type of source while things break: the disk is full at each write, the process is killed at each
step, the source is broken, changes while it is read or refuses the password, the remote is dead, the clock goes back.

Whatever happens, the newest proven backup still gives back what was known to be in the source, nothing half has the name
of a backup, the operator is told once, and the next run is whole and has swept what was left.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest

from backups import CALLS, OF_ALL, Backups
from monitor import CHANNEL, CHAT, RELEASE, TOKEN
from stack.full_disk import EVER, FullDisk
from stack.ports import free_port
from stack.postgres import Postgres, programs
from stack.waiting import wait_until
from stand_ins.bot_api import BotApi
from test_backup import grow_tree, look_at_tree
from test_backup import Site as SiteWithDatabase
from test_backup_redis import Server, all_of, fill

MONTH_BACK = "-31d"


class Site(Backups):
    """One source of one type, and an operator who can be told. Each type says how it is broken and looked at."""

    name = type = ""
    every_step = 50  # of writing calls without LECTIO_SOAK

    def __init__(self, bot):
        self.bot = bot
        self._temporary = tempfile.TemporaryDirectory(prefix="lectio-backup-")
        self.folder = pathlib.Path(self._temporary.name)
        self.config = self.folder / "config.toml"
        env = self.folder / "config.env"
        env.touch(0o600)
        env.write_text(f"ERRORS_BOT_TOKEN={TOKEN}\n")

    def configure(self, source, of_all=""):
        settings = OF_ALL.format(folder=self.folder).replace("[backup]", f"[backup]\n{of_all}", 1)
        self.config.write_text(f'{settings}[backup.source.{self.name}]\ntype = "{self.type}"\n{source}\n'
                               + CHANNEL.format(chat=CHAT, api=self.bot.url))

    def use(self, of_all=""):
        """The source as it is, with settings of all."""
        raise NotImplementedError

    def breaks(self):
        """Context managers under which there can be no backup, each with what is said of it."""
        raise NotImplementedError

    def must_restore(self, backup):
        """Into a place of its own: it is what is known to be in the source."""
        raise NotImplementedError

    def beside(self):
        """What else must_restore() looks at."""
        return ()

    def close(self):
        self._temporary.cleanup()

    def names(self):
        folder = self.folder / "backups"
        return sorted(os.listdir(folder)) if folder.exists() else []

    def newest_proven(self):
        return [one for one in self.report("list")["backups"] if one["state"] == "verified"][-1]


class Database(Site):
    name, type = "database", "sqlite"
    every_step = 7

    def __init__(self, bot):
        super().__init__(bot)
        SiteWithDatabase.do(self, "pragma journal_mode = wal", "create table lessons (id integer primary key, content blob)")
        SiteWithDatabase.add(self, 50)
        self.use()

    @property
    def database(self):
        return self.folder / "db.sqlite3"

    do = SiteWithDatabase.do

    def beside(self):
        return (self.folder / "latest.sqlite3",)

    def use(self, of_all=""):
        self.configure(f'path = "{self.database}"\nlatest = "{self.folder}/latest.sqlite3"', of_all)

    def must_restore(self, backup):
        out = self.folder / "out.sqlite3"
        self.report("restore", self.name, "--id", backup["id"], "--to", str(out))
        assert SiteWithDatabase.rows(out) == 50, SiteWithDatabase.rows(out)
        assert SiteWithDatabase.rows(self.folder / "latest.sqlite3") == 50
        out.unlink()

    @contextlib.contextmanager
    def _with(self, content):
        good = self.database.read_bytes()
        self.database.unlink() if content is None else self.database.write_bytes(content)
        yield
        self.database.write_bytes(good)

    def breaks(self):
        good = self.database.read_bytes()
        yield self._with(None), "No such file"
        yield self._with(b""), "it is empty"
        yield self._with(b"x" * len(good)), "it is no SQLite database"
        yield self._with(good[:4096] + b"\x5a" * (len(good) - 4096)), "damaged|malformed"
        yield self._with(good[:len(good) // 2]), "damaged|malformed"


class Media(Site):
    name, type = "media", "files"

    def __init__(self, bot):
        super().__init__(bot)
        self.media = self.folder / "srv/media"
        grow_tree(self.media)
        self.known = look_at_tree(self.media)
        self.use()

    def use(self, of_all=""):
        self.configure(f'paths = ["{self.media}"]\nexclude = ["*.tmp"]', of_all)

    def must_restore(self, backup):
        out = self.folder / "out"
        self.report("restore", self.name, "--id", backup["id"], "--to", str(out))
        assert look_at_tree(out / self.media.relative_to("/")) == self.known
        shutil.rmtree(out)

    @contextlib.contextmanager
    def _gone(self):
        aside = self.media.with_name("aside")
        self.media.rename(aside)
        yield
        aside.rename(self.media)

    @contextlib.contextmanager
    def _looped(self):
        with self._gone():
            self.media.symlink_to(self.media)
            yield
            self.media.unlink()

    def breaks(self):
        yield self._gone(), "No such file"
        yield self._looped(), "symbolic links"


class Queue(Site):
    name, type = "queue", "redis"

    def __init__(self, bot):
        super().__init__(bot)
        self.port = free_port()
        self.server = Server(self.folder / "redis", "--port", str(self.port), "--bind", "127.0.0.1")
        fill(self.server)
        self.let_in_keeper()
        self.known = all_of(self.server)
        self.use()

    def let_in_keeper(self):
        self.server.client().execute_command("ACL", "SETUSER", "keeper", "on", ">pass", "+psync", "+replconf", "+info", "+config|get")

    def use(self, of_all="", password="pass"):
        self.configure(f'url = "redis://keeper:{password}@127.0.0.1:{self.port}"', of_all)

    def close(self):
        self.server.__exit__()
        super().close()

    def must_restore(self, backup):
        folder = self.folder / "elsewhere"
        folder.mkdir()
        self.report("restore", self.name, "--id", backup["id"], "--to", str(folder / "dump.rdb"))
        with Server(folder) as other:
            assert all_of(other) == self.known
        shutil.rmtree(folder)

    @contextlib.contextmanager
    def _stopped(self):
        self.server.stop()
        yield
        self.server.start()
        self.let_in_keeper()

    @contextlib.contextmanager
    def _refused(self):
        self.use(password="wrong-word")
        yield
        self.use()

    def breaks(self):
        yield self._stopped(), "refused"
        yield self._refused(), "WRONGPASS"


class Lessons(Site):
    name, type = "pg", "postgres"

    def __init__(self, bot):
        super().__init__(bot)
        self.server = Postgres()
        self.server.__enter__()
        self.server.sql("create role keeper superuser login")
        self.server.sql("create table known (id int primary key, content text)",
                        "insert into known select n, md5(n::text) from generate_series(1, 2000) n", database="lectio")
        self.known = self._known("lectio")
        self.use()

    def use(self, of_all="", user="keeper"):
        self.configure(f'url = "{self.server.url(user)}"', of_all)

    def close(self):
        self.server.__exit__()
        super().close()

    def _known(self, database):
        return self.server.ask("select count(*), md5(string_agg(id || content, ',' order by id)) from known", database)

    def must_restore(self, backup):
        self.report("restore", self.name, "--id", backup["id"], "--to", "lectio_then")
        assert self._known("lectio_then") == self.known
        self.server.sql("drop database lectio_then")

    @contextlib.contextmanager
    def _stopped(self):
        self.server.stop()
        yield
        self.server.start()

    @contextlib.contextmanager
    def _refused(self):
        self.use(user="secretive:wrong-word")
        yield
        self.use()

    @contextlib.contextmanager
    def _damaged(self):
        """A page of a table is not what the server has written."""
        self.server.sql("checkpoint", database="lectio")
        file = self.server.folder / "data" / self.server.ask("select pg_relation_filepath('known')")
        self.server.stop()
        good = file.read_bytes()
        file.write_bytes(good[:8192] + b"\x5a" * 8192 + good[16384:])
        self.server.start()
        yield
        self.server.stop()
        file.write_bytes(good)
        self.server.start()

    def breaks(self):
        yield self._stopped(), "refused"
        yield self._refused(), "password authentication failed"
        yield self._damaged(), "invalid page"


class Faults:
    """What each type of source goes through."""

    make = None

    def setUp(self):
        self.bot = BotApi()
        self.bot.__enter__()
        self.addCleanup(self.bot.__exit__, None, None, None)
        self.site = self.make(self.bot)
        self.restored, self.looks = set(), 0
        self.addCleanup(self.site.close)

    def is_whole(self, when, leftovers_may_be=False):
        """Nothing half has the name of a backup, and the newest proven one restores."""
        with self.subTest(when=when):
            names = self.site.names()
            for name in names:
                if name.endswith(".zst") and not name.startswith("."):
                    manifest = json.loads((self.site.folder / "backups" / (name.split(".")[0] + ".json")).read_text())
                    self.assertEqual((self.site.folder / "backups" / name).stat().st_size, manifest["size"], name)
            if not leftovers_may_be:
                self.assertEqual([name for name in names if name.startswith(".")], [])
            self.newest_restores()

    def newest_restores(self):
        """What it gives back is its bytes': the same ones are not restored after each of hundreds of steps, most of which end
        before there is a new backup. Each tenth time they are all the same: what was left lying must not be in the way."""
        newest = self.site.newest_proven()
        bytes_of = (newest["id"], *(hashlib.sha256(pathlib.Path(file).read_bytes()).digest() for file in (newest["path"], *self.site.beside())))
        self.looks += 1
        if bytes_of not in self.restored or self.looks % 10 == 0:
            self.site.must_restore(newest)
            self.restored.add(bytes_of)

    def run_under_strace(self, *options):
        return subprocess.run(["strace", "-qq", "-o", "/dev/null", *options, *self.site.command("run", "-q")],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False)

    def steps(self, call):
        """How often it makes this call in a run in which nothing fails."""
        log = self.site.folder / "strace"
        subprocess.run(["strace", "-qq", "-o", log, "-e", f"trace={call}", *self.site.command("run", "-q")],
                       stdin=subprocess.DEVNULL, capture_output=True, timeout=600, check=True)
        return sum(1 for line in log.read_text(errors="replace").splitlines() if "(" in line)

    def chosen(self, steps):
        every = 1 if os.environ.get("LECTIO_SOAK") else self.site.every_step
        return sorted({*range(1, steps + 1, every), 1, max(steps - 1, 1), max(steps, 1)})

    def test_the_disk_is_full_at_each_write(self):
        self.site.programs = RELEASE
        self.site.report("run")
        self.assertEqual(self.site.told(), [])
        disk = FullDisk(self.site.folder)
        tried = said = 0
        # From this write on, or this one alone.
        self.assertEqual(disk.run(self.site.command("run", "-q")).returncode, 0)
        self.assertGreater(disk.writes, 0)
        for number in self.chosen(disk.writes):
            for until in (EVER, number):
                done = disk.run(self.site.command("run", "-q"), number, until)
                self.assertIn(done.returncode, (0, 1, 2, 70, 73, 74, 75, 78), done.stderr)
                said += done.returncode != 0
                tried += disk.refused > 0
                self.is_whole(f"from {number} to {until}", leftovers_may_be=True)
        self.assertGreater(said, 0)
        self.site.report("run")
        self.is_whole("afterwards")
        self.site.report("check")
        print(f"counted: {self.site.type}: the disk was full at {tried} writes, {said} runs said so")

    def test_killed_at_each_write_rename_and_sync(self):
        self.site.programs = RELEASE
        self.site.report("run")
        killed = 0
        for call in CALLS:
            for number in self.chosen(self.steps(call)):
                done = self.run_under_strace("-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}")
                self.assertIn(done.returncode, (0, -signal.SIGKILL), done.stderr)
                killed += done.returncode != 0
                self.is_whole(f"{call} {number}", leftovers_may_be=True)
        self.assertGreater(killed, 0)
        self.site.report("run")
        self.is_whole("afterwards")
        self.site.report("check")
        print(f"counted: {self.site.type}: killed at {killed} steps")

    def test_a_broken_source_is_told_once_and_so_is_its_end(self):
        self.site.report("run")
        good = self.site.newest_proven()
        for number, (fault, words) in enumerate(self.site.breaks()):
            with self.subTest(words=words):
                with fault:
                    for _ in range(2):
                        self.assertRegex(self.site.report("run", expected=1)["message"], words)
                    self.assertEqual(len(self.site.told()), 2 * number + 1, self.site.told())
                    self.assertEqual(self.site.newest_proven()["id"], good["id"])
                self.is_whole(words)
                self.site.report("run")
                self.assertEqual(len(self.site.told()), 2 * number + 2, self.site.told())
                self.assertIn("✅", self.site.told()[-1])
                good = self.site.newest_proven()
                self.is_whole(f"after {words}")

    def test_a_dead_remote_costs_nothing_here_and_is_told_once(self):
        remote = self.site.folder / "remote"
        self.site.use(f'offsite = ["cp", "{{file}}", "{remote}/"]\noffsite_list = ["ls", "-l", "{remote}"]')
        for _ in range(2):
            self.assertIn("stays on this server only", self.site.report("run", expected=2)["message"])
            self.is_whole("the remote is dead")
        self.assertEqual(len(self.site.told()), 1, self.site.told())
        remote.mkdir()
        self.site.report("run")
        self.assertEqual(len(self.site.told()), 2, self.site.told())
        self.assertEqual(len([name for name in os.listdir(remote) if name.endswith(".zst")]), 3)

    @unittest.skipUnless(shutil.which("faketime"), "faketime is not installed")
    def test_the_clock_goes_back_a_month_and_comes_again(self):
        self.site.report("run")
        first = self.site.newest_proven()
        for _ in range(2):
            done = subprocess.run(["faketime", "-f", MONTH_BACK, *self.site.command("--format", "json", "run", "--due")],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False)
            if "ASan runtime" in done.stderr:
                self.skipTest("faketime and ASan exclude each other")
            seen = json.loads(done.stdout)
        # The first is due, since nobody knows when the last one was; the second is not.
        self.assertEqual(seen["backups"], [], seen["message"])
        made = self.site.report("list")["backups"]
        self.assertEqual([one["state"] for one in made], ["verified", "verified"])
        for one in made:
            self.site.must_restore(one)
        self.assertEqual(made[-1]["id"], first["id"])  # by its date the newest
        self.site.report("run")
        self.is_whole("the clock is right again")
        self.site.report("check")


class FaultsOfSqlite(Faults, unittest.TestCase):
    make = Database

    @unittest.skipUnless(shutil.which("faketime"), "faketime is not installed")
    def test_the_clock_ran_ahead_and_is_right_again(self):
        def at(when, *words, expected):
            done = subprocess.run(["faketime", "-f", when, *self.site.command("--format", "json", *words)], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=600, check=False)
            if "ASan runtime" in done.stderr:
                self.skipTest("faketime and ASan exclude each other")
            self.assertEqual(done.returncode, expected, done.stdout + done.stderr)
            return json.loads(done.stdout)

        ahead = at("+31d", "run", expected=0)["backups"][0]
        self.assertIn("how old it is nobody knows", self.site.report("status", expected=2)["message"])
        out = self.site.folder / "out.sqlite3"
        self.assertIn("not over yet", self.site.report("restore", "database", "--to", str(out))["message"])
        out.unlink()
        SiteWithDatabase.add(self.site, 7)
        right = self.site.report("run", "--due", expected=1)["backups"][0]  # 1: none is removed
        message = self.site.report("status", expected=1)["message"]
        self.assertIn(f"{ahead['id']} is of", message)
        said = self.site.report("restore", "database", "--to", str(out))["message"]
        self.assertIn(f"from the backup {right['id']}", said)
        self.assertIn(f"to take it: --id {ahead['id']}", said)
        self.assertEqual(SiteWithDatabase.rows(out), 57)
        self.assertEqual([one["id"] for one in self.site.report("verify")["backups"]], [right["id"]])
        self.assertIn("the newest proven backup is of", at("+3d", "status", expected=2)["message"])  # stale all the same


class FaultsOfFiles(Faults, unittest.TestCase):
    make = Media

    def test_files_change_grow_vanish_and_come_while_they_are_read(self):
        churn = self.site.media / "churn"
        churn.mkdir()
        for number in range(300):
            (churn / str(number)).write_bytes(os.urandom(20_000))
        over, rounds = threading.Event(), []

        def change():
            while not over.is_set():
                for number in range(300):
                    with (churn / str(number)).open("ab" if len(rounds) % 10 else "wb") as file:
                        file.write(b"more" * 100)
                for number in range(0, 300, 3):
                    (churn / str(number)).unlink()
                    (churn / str(number)).write_bytes(b"short")
                for number in range(0, 300, 7):
                    (churn / str(number)).rename(churn / f"moved-{number}")
                    (churn / f"moved-{number}").rename(churn / str(number))
                rounds.append(1)

        writer = threading.Thread(target=change)
        writer.start()
        unsteady = 0
        try:
            wait_until(lambda: rounds, "files change")
            for _ in range(3):
                report = self.site.report("run")
                made = report["backups"][0]
                self.assertEqual(made["state"], "verified", report["message"])
                unsteady += "changed while they were read" in report["message"]
                out = self.site.folder / "out"
                self.site.report("restore", "media", "--id", made["id"], "--to", str(out))
                shutil.rmtree(out / churn.relative_to("/"))
                self.assertEqual(look_at_tree(out / self.site.media.relative_to("/")), self.site.known)
                shutil.rmtree(out)
        finally:
            over.set()
            writer.join()
        print(f"counted: files changed under {unsteady} of 3 backups")


class FaultsOfRedis(Faults, unittest.TestCase):
    make = Queue


@unittest.skipUnless(programs(), "PostgreSQL is not installed")
class FaultsOfPostgres(Faults, unittest.TestCase):
    make = Lessons


if __name__ == "__main__":
    unittest.main()
