#!/usr/bin/env python3
"""lectio-backup of PostgreSQL: a real server that is written to meanwhile, and what goes wrong with one."""

import contextlib
import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

from backups import OF_ALL, Backups
from monitor import CHANNEL, CHAT, TOKEN
from mounts import mount, own_mounts, unmount
from stack.ports import free_port
from stack.postgres import Postgres, programs
from stack.waiting import wait_until
from stand_ins.bot_api import BotApi

CONFIG = OF_ALL + """[backup.source.pg]
type = "postgres"
url = "{url}"
"""
KNOWN = 2_000  # rows that nobody changes
LARGE = 60_000  # enough that a restore can be met while it is at work


class Between:
    """Carries what a client and the server say to each other; may cut a connection and change what the server says."""

    def __init__(self, port):
        self._server = port
        self.port = free_port()
        self.cut_after = None  # so many bytes of one connection from the server
        self.change = lambda data: data
        self._listening = socket.create_server(("127.0.0.1", self.port))
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()

    def _accept(self):
        carrying = []
        while True:
            try:
                client = self._listening.accept()[0]
            except OSError:
                break
            carrying.append(threading.Thread(target=self._carry, args=(client,)))
            carrying[-1].start()
        for thread in carrying:
            thread.join()

    def _carry(self, client):
        with client, socket.create_connection(("127.0.0.1", self._server)) as server, contextlib.suppress(OSError):
            told = 0
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    if ready is client:
                        server.sendall(data)
                        continue
                    told += len(data)
                    if self.cut_after is not None and told > self.cut_after:
                        return
                    client.sendall(self.change(data))


class Site(Backups):
    """A server with a site's database, and an operator who can be told."""

    def __init__(self, bot, server):
        self.bot, self.server = bot, server
        self._temporary = tempfile.TemporaryDirectory(prefix="lectio-backup-")
        self.folder = pathlib.Path(self._temporary.name)
        self.config = self.folder / "config.toml"
        env = self.folder / "config.env"
        env.touch(0o600)
        env.write_text(f"ERRORS_BOT_TOKEN={TOKEN}\n")
        self.lead_to(server.url("keeper"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._temporary.cleanup()

    def lead_to(self, url, more=""):
        self.config.write_text(CONFIG.format(folder=self.folder, url=url) + more + "\n" + CHANNEL.format(chat=CHAT, api=self.bot.url))

    def start(self, *words):
        return subprocess.Popen(self.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True)

    def left(self):
        """What lies there unfinished."""
        return [name for name in os.listdir(self.folder / "backups") if name.startswith(".")]

    def archive(self):
        return sorted(name for name in os.listdir(self.folder / "backups") if name.startswith("pg-"))

    def known(self, database="lectio"):
        return self.server.ask("select count(*), md5(string_agg(id || content, ',' order by id)) from known", database)


class Writers:
    """Sessions that write as a site does: each lesson has its entry in another table, in one transaction."""

    def __init__(self, server, count=2):
        self._sessions = [server.hold("select 1") for _ in range(count)]
        self._server = server
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(session, number))
                         for number, session in enumerate(self._sessions)]
        self.written = [0] * count
        self.failures = []

    def _write(self, session, number):
        while not self._ended.is_set():
            session.stdin.write("begin; insert into lessons (content) values (repeat('x', 500)); insert into entries default "
                                "values; update counters set value = value + 1; commit;\nselect 'done';\n")
            session.stdin.flush()
            if "done" not in session.stdout.readline():
                self.failures.append(number)
                return
            self.written[number] += 1

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        wait_until(lambda: all(self.written), "everybody writes")
        return self

    def __exit__(self, *_):
        self._ended.set()
        for thread in self._threads:
            thread.join()
        for session in self._sessions:
            self._server.let_go(session)


def find_child(pid, name):
    """That is at work on the database: one that is asked for its version is gone in a moment, and one that has only begun
    has no arguments yet."""
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "stat").read_text().split()
            arguments = (process / "cmdline").read_bytes().split(b"\0")[1:-1]
            if words[1] == f"({name})" and int(words[3]) == pid and arguments and b"--version" not in arguments:
                return int(process.name)
    return None


@unittest.skipUnless(programs(), "PostgreSQL is not installed")
class BackupOfPostgres(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.stack.close)
        cls.server = cls.stack.enter_context(Postgres())
        cls.server.sql("create role keeper superuser login", "create role owner_of_site",
                       "create role reader login createdb")

    def setUp(self):
        self.server.sql("drop database if exists lectio with (force)", "create database lectio owner owner_of_site",
                        "alter database lectio set timezone = 'Europe/Moscow'", "grant connect on database lectio to reader",
                        "comment on database lectio is E'two\nlines; and ''quotes'''")
        self.server.sql("create table known (id int primary key, content text)",
                        f"insert into known select n, md5(n::text) from generate_series(1, {KNOWN}) n",
                        "create table lessons (id bigserial primary key, content text)",
                        "create table entries (id bigserial primary key)",
                        "create table counters (value bigint not null)", "insert into counters values (0)",
                        'create schema "Odd name"', 'create table "Odd name"."Table ""x""" (id int)',
                        "alter table known owner to owner_of_site", 'grant usage on schema "Odd name" to reader',
                        'grant select on all tables in schema public, "Odd name" to reader',
                        "grant select on all sequences in schema public to reader", database="lectio")
        self.bot = self.enter(BotApi())
        self.site = self.enter(Site(self.bot, self.server))

    def enter(self, manager):
        value = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        return value

    def nothing_stays(self):
        self.assertEqual(self.site.left(), [])
        self.assertEqual([name for name in self.server.databases() if name.startswith("lectio_")], [])

    def test_under_write_load_it_is_what_was_committed_at_one_moment(self):
        known = self.site.known()
        with Writers(self.server) as writers:
            for _ in range(3):
                report = self.site.report("run")
                made = report["backups"][0]
                self.assertEqual(made["state"], "verified")
                self.assertRegex(made["path"], r"/pg-\d{8}T\d{6}Z-[a-z2-7]{6}\.tar\.zst$")
                self.assertIn("proven, 5 tables", report["message"])
                self.nothing_stays()
                manifest = json.loads(pathlib.Path(made["path"].replace(".tar.zst", ".json")).read_text())["snapshot"]
                self.site.report("restore", "pg", "--id", made["id"], "--to", "lectio_then")
                self.assertEqual(self.site.known("lectio_then"), known)
                for table, rows in manifest["rows"].items():
                    self.assertEqual(self.server.ask(f"select count(*) from {table}", "lectio_then"), str(rows), table)
                then = [int(self.server.ask(question, "lectio_then")) for question in
                        ("select count(*) from lessons", "select count(*) from entries", "select value from counters")]
                self.assertEqual(len(set(then)), 1, then)
                self.server.sql("drop database lectio_then")
        self.assertEqual(writers.failures, [])
        self.assertGreater(sum(writers.written), 0)
        self.assertEqual(manifest["database"], "lectio")
        self.assertIn('"Odd name"."Table ""x"""', manifest["rows"])
        self.assertTrue(manifest["passwords"])
        self.site.report("status")
        self.site.report("check")
        self.site.report("verify")
        self.assertEqual(self.site.told(), [])

    def test_what_lies_in_it_is_read_without_this_tool(self):
        made = self.site.report("run")["backups"][0]
        out = self.site.folder / "out"
        out.mkdir()
        with subprocess.Popen(["zstd", "-d", "-c", made["path"]], stdout=subprocess.PIPE) as packed:
            subprocess.run(["tar", "x"], cwd=out, stdin=packed.stdout, check=True)
        self.assertEqual(sorted(os.listdir(out)), ["database.dump", "globals.sql"])
        self.assertIn("owner_of_site", (out / "globals.sql").read_text())
        self.assertIn("cluster dump complete", (out / "globals.sql").read_text())
        listed = subprocess.run([programs() / "pg_restore", "--list", out / "database.dump"], capture_output=True, text=True, check=True)
        self.assertIn("TABLE DATA public known", listed.stdout)
        self.site.report("restore", "pg", "--to", str(self.site.folder / "x.tar"))
        self.assertIn("globals.sql", subprocess.run(["tar", "tf", self.site.folder / "x.tar"], capture_output=True, text=True,
                                                    check=True).stdout)
        self.assertEqual((self.site.folder / "backups").stat().st_mode & 0o777, 0o700)
        self.assertEqual(pathlib.Path(made["path"]).stat().st_mode & 0o777, 0o600)
        self.site.lead_to(self.server.url("keeper"), more="globals = false")
        made = self.site.report("run")["backups"][0]
        self.site.report("restore", "pg", "--id", made["id"], "--to", str(self.site.folder / "y.tar"))
        self.assertEqual(subprocess.run(["tar", "tf", self.site.folder / "y.tar"], capture_output=True, text=True,
                                        check=True).stdout, "database.dump\n")

    def test_it_takes_the_place_of_the_database_and_what_stood_there_stays(self):
        known = self.site.known()
        properties = ("select pg_get_userbyid(datdba), datacl, shobj_description(oid, 'pg_database'), (select setconfig from "
                      "pg_db_role_setting where setdatabase = d.oid) from pg_database d where datname = 'lectio'")
        before = self.server.ask(properties)
        self.site.report("run")
        self.server.sql("delete from known where id > 10", database="lectio")
        damaged = self.site.known()
        client = self.server.hold("set application_name = 'celery'; select 1")
        done = self.site.call("restore", "pg")
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertRegex(done.stderr, r"connected with it are celery \(\d+\)")
        self.assertEqual(self.site.known(), damaged)
        self.nothing_stays()
        self.server.let_go(client)
        wait_until(lambda: self.server.ask("select count(*) from pg_stat_activity where datname = 'lectio'", "postgres") == "0",
                   "nobody is connected")
        words = self.site.report("restore", "pg", "--dry-run")["message"]
        self.assertRegex(words, r"lectio would be called lectio_before_\d{8}_\d{6} from then on")
        self.assertEqual(self.site.known(), damaged)
        report = self.site.report("restore", "pg")
        self.assertEqual(report["database"], "lectio")
        self.assertRegex(report["aside"], r"^lectio_before_\d{8}_\d{6}$")
        self.assertEqual(self.site.known(), known)
        self.assertEqual(self.server.ask(properties), before)
        self.assertEqual(self.server.ask("select tableowner from pg_tables where tablename = 'known'"), "owner_of_site")
        self.assertEqual(self.site.known(report["aside"]), damaged)
        self.assertEqual(self.site.left(), [])
        self.server.sql(f"drop database {report['aside']}", "drop database lectio")  # it may be gone altogether
        report = self.site.report("restore", "pg")
        self.assertEqual(report["aside"], "")
        self.assertEqual(self.site.known(), known)
        self.nothing_stays()

    def test_into_a_database_of_another_name_and_nothing_is_overwritten(self):
        self.site.report("run")
        self.assertIn("there is a database postgres already", self.site.call("restore", "pg", "--to", "postgres").stderr)
        url = self.server.url("keeper", "lectio_elsewhere")
        self.site.report("restore", "pg", "--to", url)
        self.assertEqual(self.site.known("lectio_elsewhere"), self.site.known())
        # A server that does not answer, a role that may not, a role that is missing: all of them are said, none changes anything.
        self.assertIn("refused", self.site.report("restore", "pg", "--to", f"postgresql://keeper@127.0.0.1:{free_port()}/x",
                                                  expected=2)["reason"])
        self.assertIn("may not create databases", self.site.report("restore", "pg", "--to", self.server.url("monitor", "lectio_x"),
                                                                   expected=2)["reason"])
        self.site.report("restore", "pg", "--to", "postgresql://127.0.0.1", expected=64)
        with Postgres() as other:
            other.sql("create role keeper superuser login")
            self.assertIn("owner_of_site", self.site.report("restore", "pg", "--to", other.url("keeper", "lectio_x"),
                                                            expected=2)["reason"])
            self.assertIn("globals.sql", self.site.call("restore", "pg", "--to", other.url("keeper", "lectio_x")).stderr)
            self.assertEqual(other.databases(), ["lectio", "postgres"])
        self.site.report("restore", "pg", "--to", url, expected=64)
        self.server.sql("drop database lectio_elsewhere")
        self.nothing_stays()

    def test_a_role_that_only_reads_leaves_out_passwords_and_says_so(self):
        self.site.lead_to(self.server.url("reader"))
        report = self.site.report("run")
        self.assertEqual(report["backups"][0]["state"], "verified")
        self.assertIn("without their passwords", report["message"])
        self.nothing_stays()

    def test_without_the_right_to_make_a_database_it_is_kept_and_counts_as_none(self):
        self.server.sql("alter role reader nocreatedb")
        self.addCleanup(self.server.sql, "alter role reader createdb")
        self.site.lead_to(self.server.url("reader"))
        report = self.site.report("run", expected=2)
        self.assertIn("nobody could prove it: the role may not create databases", report["message"])
        made = self.site.report("list")["backups"]
        self.assertEqual([one["state"] for one in made], ["complete"])
        self.assertEqual(self.site.left(), [])
        self.site.report("status", expected=2)
        self.server.sql("alter role reader createdb")
        self.site.report("verify")
        self.site.report("status")

    def test_a_wrong_password_and_a_server_that_is_down_are_told_once(self):
        self.site.report("run")
        self.site.lead_to(self.server.url("secretive:wrong-word"))
        done = self.site.report("run", expected=1)  # the one before is fresh
        self.assertIn("password authentication failed", done["message"])
        self.assertNotIn("wrong-word", json.dumps(done))
        self.server.stop()
        try:
            self.assertIn("refused", self.site.report("run", expected=1)["message"])
        finally:
            self.server.start()
        self.assertEqual(len(self.site.told()), 1, self.site.told())
        self.site.lead_to(self.server.url("keeper"))
        self.site.report("run")
        self.assertEqual(len(self.site.told()), 2, self.site.told())
        self.nothing_stays()

    def test_no_other_user_sees_the_password_and_a_dump_that_is_killed_is_none(self):
        self.server.sql("alter role secretive superuser")
        self.addCleanup(self.server.sql, "alter role secretive nosuperuser")
        self.site.lead_to(self.server.url("secretive:made-up"))
        made = self.site.report("run")["backups"][0]
        # pg_dump waits for a lock of this one; who counts rows does not look at it, since it has none of its own.
        self.server.sql("create table parted (id int) partition by range (id)", database="lectio")
        holder = self.server.hold("begin; lock table parted in access exclusive mode")
        run = self.site.start("run")
        dump = wait_until(lambda: find_child(run.pid, "pg_dump"), "pg_dump runs")
        self.assertNotIn(b"made-up", pathlib.Path(f"/proc/{dump}/cmdline").read_bytes())
        self.assertEqual(pathlib.Path(f"/proc/{dump}/environ").stat().st_mode & 0o077, 0)
        os.kill(dump, signal.SIGKILL)
        out, _ = run.communicate(timeout=300)
        self.assertEqual(run.returncode, 1, out)
        self.assertIn("pg_dump was ended before it was done", out)
        self.server.let_go(holder)
        self.nothing_stays()
        self.assertEqual([one["id"] for one in self.site.report("list")["backups"]], [made["id"]])

    def test_a_connection_cut_in_the_middle_of_a_dump_leaves_nothing(self):
        self.server.sql(f"insert into lessons (content) select repeat(md5(n::text), 10) from generate_series(1, {LARGE}) n",
                        database="lectio")
        with Between(self.server.port) as between:
            self.site.lead_to(f"postgresql://keeper@127.0.0.1:{between.port}/lectio?sslmode=disable")
            self.site.report("run")
            between.cut_after = 2_000_000
            message = self.site.report("run", expected=1)["message"]
            self.assertIn("pg_dump", message)
            self.nothing_stays()
            self.assertEqual(len(self.site.report("list")["backups"]), 1)

    def test_a_server_that_is_newer_than_pg_dump_is_named_with_what_to_install(self):
        with Between(self.server.port) as between:
            version = self.server.ask("show server_version_num").encode()
            between.change = lambda data: data.replace(version, b"99" + version[2:])
            self.site.lead_to(f"postgresql://keeper@127.0.0.1:{between.port}/lectio?sslmode=disable")
            message = self.site.report("run", expected=2)["message"]
            self.assertRegex(message, r"PostgreSQL 99 on the server, pg_dump here is older .*apt-get install postgresql-client-99")

    def test_killed_while_it_proves_it_leaves_a_database_that_the_next_run_removes(self):
        self.server.sql(f"insert into lessons (content) select repeat(md5(n::text), 10) from generate_series(1, {LARGE}) n",
                        "create index on lessons (content)", "create index on lessons (md5(content))", database="lectio")
        self.server.sql("create database lectio_verify_abcdef")  # of somebody else
        self.addCleanup(self.server.sql, "drop database lectio_verify_abcdef")

        def of_ours():
            return [name for name in self.server.databases()
                    if name.startswith("lectio_verify_") and name != "lectio_verify_abcdef"]
        run = self.site.start("run")
        wait_until(of_ours, "it proves", seconds=600)  # at nice 19, beside all the other tests
        run.kill()
        run.communicate()
        self.assertEqual(len(of_ours()), 1)
        self.assertEqual(self.site.report("list")["backups"][0]["state"], "complete")
        self.site.report("run")
        self.assertEqual(of_ours(), [])
        self.assertIn("lectio_verify_abcdef", self.server.databases())
        self.assertEqual(self.site.left(), [])

    def test_killed_in_each_of_its_programs_nothing_is_lost_and_the_next_run_is_whole(self):
        made = self.site.report("run")["backups"][0]
        killed = 0
        for program in ("pg_dump", "pg_dumpall", "tar", "pg_restore"):
            run = self.site.start("run")
            child = wait_until(lambda: find_child(run.pid, program) or run.poll() is not None and -1, program)  # noqa: B023
            run.kill()
            run.communicate()
            killed += child != -1
            self.assertIn((made["id"], "verified"), [(one["id"], one["state"]) for one in self.site.report("list")["backups"]])
            made = self.site.report("run")["backups"][0]
            self.assertEqual(made["state"], "verified")
            self.nothing_stays()
            self.site.report("check")
        print(f"counted: lectio-backup killed in {killed} of 4 programs")
        self.assertGreater(killed, 0)

    def test_a_restore_that_is_killed_has_changed_nothing(self):
        self.server.sql(f"insert into lessons (content) select repeat(md5(n::text), 10) from generate_series(1, {LARGE}) n",
                        "create index on lessons (content)", database="lectio")
        self.site.report("run")
        before = self.site.known()
        restore = self.site.start("restore", "pg")
        wait_until(lambda: any(name.startswith("lectio_restore_") for name in self.server.databases()), "it restores")
        restore.kill()
        restore.communicate()
        self.assertEqual(self.site.known(), before)
        self.site.report("run")
        self.nothing_stays()

    @unittest.skipUnless(os.geteuid() == 0, "only root may mount")
    def test_a_disk_that_is_full_leaves_nothing_and_is_told(self):
        # Compressed in the database, large in the dump: nothing could tell before.
        self.server.sql("insert into lessons (content) select repeat('lesson ', 200000) from generate_series(1, 60)", database="lectio")
        folder = self.site.folder / "backups"
        folder.mkdir(0o700)
        mount("tmpfs", folder, "tmpfs", "size=48m,mode=700")
        self.addCleanup(unmount, folder)
        self.assertIn("No space left on device", self.site.report("run", expected=2)["message"])
        self.nothing_stays()
        self.assertEqual(self.site.archive(), [])
        self.server.sql("truncate lessons", database="lectio")
        self.site.report("run")
        room = os.statvfs(folder)
        (folder / "ballast").write_bytes(b"x" * (room.f_bavail * room.f_frsize - 500_000))  # less than min_free
        self.assertIn("needed", self.site.report("run", expected=1)["message"])
        self.nothing_stays()

    def test_a_damaged_backup_is_found(self):
        made = self.site.report("run")["backups"][0]
        file = pathlib.Path(made["path"])
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
        self.site.report("check", expected=2)
        self.site.report("verify", expected=2)
        self.assertEqual(self.site.report("list")["backups"][0]["state"], "bad")
        self.site.report("restore", "pg", expected=2)
        self.nothing_stays()

    def test_a_database_without_tables_is_no_source(self):
        self.server.sql("create database lectio_void")
        self.addCleanup(self.server.sql, "drop database lectio_void")
        self.site.lead_to(self.server.url("keeper", "lectio_void"))
        self.assertIn("it has no tables", self.site.report("run", expected=2)["message"])


if __name__ == "__main__":
    if os.geteuid() == 0:
        own_mounts()
    unittest.main()
