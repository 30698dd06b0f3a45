#!/usr/bin/env python3
"""The checks of data in lectio-deepcheck, against real servers and real files: PostgreSQL, SQLite, times from anywhere."""

import contextlib
import itertools
import json
import os
import pathlib
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "stack"))

from monitor import count
from one_check import Place
from postgres import Postgres, programs
from stack import free_port, wait_until


@unittest.skipUnless(programs(), "PostgreSQL is not installed")
class PostgresTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Postgres())
        cls.place = cls.enterClassContext(Place("run", "it"))

    def look(self, more="", url=None):
        return self.place.look(f'type = "postgres"\nurl = "{url or self.server.url()}"\nrecheck = "0s"\n' + more)

    def bad(self, more):
        row = self.look(more)
        return row if row["status"] != "ok" else None

    def metrics(self, row):
        return {metric["name"]: metric["value"] for metric in row["metrics"]}

    def test_a_what_is_seen_of_one_that_is_well(self):
        row = self.look('connections = { warn = "80%" }\nsize = { warn = "1GB" }\nconnect_time = { warn = "5s" }\n'
                        'dead_rows = { warn = "20%" }\nlag = { warn = "30s" }\n')
        self.assertEqual(row["status"], "ok", row)
        metrics = self.metrics(row)
        self.assertGreater(metrics["size"], 1_000_000)
        self.assertGreaterEqual(metrics["connections"], 1)

    def test_b_each_trouble_in_its_own_words(self):
        self.assertIn("statement_timeout is not set", self.look('statement_timeout = "60s"\n')["message"])
        self.server.sql("alter role monitor set statement_timeout = '30s'")
        self.assertEqual(self.look('statement_timeout = "60s"\n')["status"], "ok")
        self.assertIn("may run for 30 s, expected at most 10 s", self.look('statement_timeout = "10s"\n')["message"])

        self.assertIn("transactions of others are not seen", self.look('oldest_transaction = { warn = "1h" }\n')["message"])
        self.server.sql("grant pg_monitor to monitor")
        client = self.server.hold("begin; select 1")
        row = wait_until(lambda: self.bad('oldest_transaction = { warn = "500ms" }\n'), "the transaction is old")
        self.assertIn("a transaction has been open for", row["message"])
        self.assertIn("idle in transaction", row["message"])
        client.kill()

        self.assertIn("the site's pool should hold 5", self.look("pool_min = 5\n")["message"])

        self.server.sql("create table t as select generate_series(1, 10000) as a", "delete from t where a > 3000", database="lectio")
        row = wait_until(lambda: self.bad('dead_rows = { warn = "20%" }\n'), "the server's figures know of it")
        self.assertRegex(row["message"], r"\d\d% of the rows of public\.t are dead")

    def test_c_who_is_not_let_in(self):
        self.assertIn("server does not support SSL", self.look('sslmode = "require"\n')["message"])
        wrong = self.look(url=self.server.url("secretive:wrong-made-up"))
        self.assertEqual(wrong["status"], "critical")
        self.assertIn("PostgreSQL refuses us", wrong["message"])
        self.assertNotIn("wrong-made-up", json.dumps(wrong))
        self.assertIn('database "nosuch" does not exist', self.look(url=self.server.url(database="nosuch"))["message"])
        for _ in range(12):  # until there is no room
            try:
                self.server.hold("select 1")
            except (RuntimeError, BrokenPipeError):
                break
        full = self.look('connections = { warn = "50%", critical = "80%" }\n')
        self.assertEqual(full["status"], "critical")
        self.assertIn("PostgreSQL has no free connection", full["message"])

    def test_d_the_time_by_a_query(self):
        self.server.stop()
        self.server.start()
        self.server.sql("create table orders (at timestamptz)", "grant select on orders to monitor",
                        "insert into orders values (now() - interval '3 hours')", database="lectio")
        keys = 'type = "freshness"\nage = {{ warn = "2h", critical = "6h" }}\nsql = {{ url = "{}", query = "{}" }}\n'
        late = self.place.look(keys.format(self.server.url(), "select max(at) from orders"))
        self.assertEqual((late["status"], late["message"]), ("warning", "the last was 3 hours ago"))
        none = self.place.look(keys.format(self.server.url(), "select max(at) from orders where false"))
        self.assertEqual((none["status"], none["message"]), ("critical", "there is no time: the query gives nothing"))
        naive = self.place.look(keys.format(self.server.url(), "select max(at) at time zone 'UTC' from orders"))
        self.assertIn("read as UTC", naive["message"])
        wrong = self.place.look(keys.format(self.server.url(), "select nosuch from orders"))
        self.assertEqual(wrong["status"], "critical")
        self.assertIn('column "nosuch" does not exist', wrong["message"])
        write = self.place.look(keys.format(self.server.url(), "delete from orders returning at"))
        self.assertIn("read-only transaction", write["message"])

    def test_e_down(self):
        self.server.stop()
        try:
            down = self.look()
            self.assertEqual(down["status"], "critical")
            self.assertIn("PostgreSQL cannot be reached", down["message"])
        finally:
            self.server.start()


def message(kind, body):
    return kind + struct.pack("!I", len(body) + 4) + body


def row_of(value):
    return message(b"D", struct.pack("!HI", 1, len(value)) + value)


# postgresql.org/docs/15/protocol-message-formats.html
LET_IN = message(b"R", struct.pack("!I", 0)) + message(b"Z", b"I")
BEGUN = message(b"C", b"BEGIN\0") + message(b"C", b"SET\0") + message(b"C", b"SET\0") + message(b"Z", b"T")
COLUMN = message(b"T", struct.pack("!H", 1) + b"x\0" + struct.pack("!IHIHIH", 0, 0, 25, 0xFFFF, 0xFFFFFFFF, 0))


class OddPostgres:
    """Speaks the protocol up to the first statement, then does what `answers`, an iterator of bytes, says: silence where it ends."""

    def __init__(self, answers):
        self._answers = answers
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.sent = 0
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._socket.close()
        self._thread.join()

    def _serve(self):
        with contextlib.suppress(OSError):
            client = self._socket.accept()[0]
            with client, client.makefile("rb") as stream:
                stream.read(struct.unpack("!I", stream.read(4))[0] - 4)  # the startup message
                client.sendall(LET_IN)
                self._statement(stream)
                client.sendall(BEGUN)
                self._statement(stream)
                for part in self._answers:
                    client.sendall(part)
                    self.sent += len(part)
                stream.read()  # until it hangs up

    @staticmethod
    def _statement(stream):
        stream.read(struct.unpack("!xI", stream.read(5))[0] - 4)


class OddPostgresTest(unittest.TestCase):
    def look(self, server):
        with Place("run", "it") as place:
            return place.look(f'type = "freshness"\ntimeout = "3s"\nage = {{ warn = "1h" }}\n'
                              f'sql = {{ url = "postgresql://m@127.0.0.1:{server.port}/x?sslmode=disable", query = "select at from t" }}\n')

    def test_one_that_falls_silent_in_a_query(self):
        with OddPostgres(iter(())) as server:
            row = self.look(server)
        self.assertEqual((row["status"], row["message"]), ("critical", "PostgreSQL does not answer in time"), row)

    def test_rows_without_end(self):
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()).encode()
        with OddPostgres(itertools.chain([COLUMN], itertools.repeat(row_of(now) * 1000))) as server:
            row = self.look(server)
        self.assertEqual(row["status"], "ok", row)  # the first is taken
        self.assertLess(server.sent, 64_000_000)

    def test_a_value_without_end(self):
        begun = COLUMN + b"D" + struct.pack("!I", 0x3FFFFFFF)
        with OddPostgres(itertools.chain([begun], itertools.repeat(b"2" * 100_000))) as server:
            row = self.look(server)
        self.assertEqual((row["status"], row["message"]), ("unknown", "unable to ask PostgreSQL: an answer larger than 16 MB"), row)
        self.assertLess(server.sent, 200_000_000)


    def test_a_query_that_copies(self):
        """libpq says so for ever: the check span until the end of the run."""
        for answer in (b"G" + struct.pack("!IBH", 7, 0, 0), b"H" + struct.pack("!IBH", 7, 0, 0)):
            with self.subTest(answer), OddPostgres(iter([answer])) as server:
                row = self.look(server)
                self.assertEqual((row["status"], row["message"]),
                                 ("critical", "the database cannot be asked: the query copies (COPY) instead of giving rows"), row)

    def test_answers_without_what_was_asked_for(self):
        done = message(b"C", b"SELECT 1\0") + message(b"Z", b"T")
        for answer, words in ((message(b"I", b"") + message(b"Z", b"T"), "an answer without rows"),
                              (COLUMN + row_of(b"\xff\xfe") + done, "the answer does not hold the figures that were asked for"),
                              (COLUMN + done, "the answer does not hold the figures that were asked for")):
            with self.subTest(words), OddPostgres(iter([answer, message(b"C", b"ROLLBACK\0") + message(b"Z", b"I")])) as server, \
                    Place("run", "it") as place:
                row = place.look(f'type = "postgres"\ntimeout = "3s"\nurl = "postgresql://m@127.0.0.1:{server.port}/x?sslmode=disable"\n')
                self.assertEqual((row["status"], row["message"]), ("unknown", f"unable to ask PostgreSQL: {words}"), row)


class SqliteTest(unittest.TestCase):
    def test_no_writer_is_ever_kept_out(self):
        """Writers that wait for nobody, the check again and again beside them."""
        megabytes = count("sqlite_megabytes")
        for journal in ("wal", "delete"):
            with self.subTest(journal=journal), Place("run", "it") as place:
                path = place.folder / "db.sqlite3"
                database = sqlite3.connect(path, timeout=0, check_same_thread=False, isolation_level=None)
                database.execute(f"pragma journal_mode={journal}")
                database.execute("create table t (a integer primary key, b blob)")
                for _ in range(megabytes):  # one by one: the log is copied back in between
                    database.execute("begin")
                    database.executemany("insert into t (b) values (?)", ((os.urandom(2000),) for _ in range(500)))
                    database.execute("commit")
                stop, refused, written = threading.Event(), [], [0]

                def write():
                    while not stop.is_set():
                        try:
                            database.execute("insert into t (b) values (?)", (b"x" * 500,))
                            written[0] += 1
                        except sqlite3.OperationalError as error:
                            refused.append(str(error))

                writer = threading.Thread(target=write)
                writer.start()
                try:
                    rows = [place.look(f'type = "sqlite"\npath = "{path}"\nquick_check = true\n') for _ in range(5)]
                finally:
                    stop.set()
                    writer.join()
                self.assertEqual(refused, [])
                self.assertGreater(written[0], 0)
                print(f"counted: {megabytes} MB, {journal}: {written[0]} writes beside five looks, none refused", flush=True)
                for row in rows:
                    self.assertIn(row["status"], ("ok", "unknown"), row)  # unknown: written to all the time
                    self.assertNotIn("locked for writing", row["message"])
                self.assertEqual(rows[-1]["status"] if journal == "wal" else "ok", "ok")
                database.close()
                self.assertEqual(place.look(f'type = "sqlite"\npath = "{path}"\nquick_check = true\n')["status"], "ok")

    def test_a_lock_that_is_held(self):
        with Place("run", "it") as place:
            path = place.folder / "db.sqlite3"
            database = sqlite3.connect(path, isolation_level=None)
            database.execute("create table t (a)")
            database.execute("begin immediate")
            keys = f'type = "sqlite"\npath = "{path}"\nlocked = {{ warn = "300ms" }}\n'
            row = place.look(keys)
            self.assertEqual(row["status"], "warning")
            self.assertIn(f"by process {os.getpid()} (", row["message"])
            database.execute("rollback")
            self.assertEqual(place.look(keys)["status"], "ok")
            database.close()

    def test_what_is_no_database(self):
        with Place("run", "it") as place:
            garbage, fifo, empty = (place.folder / name for name in ("garbage", "fifo", "empty"))
            garbage.write_bytes(os.urandom(10_000))
            os.utime(garbage, (1_700_000_000, 1_700_000_000))
            os.mkfifo(fifo)
            empty.touch()
            for path, words in ((garbage, "damaged, or no SQLite database"), (fifo, "is no file"), (empty, "is empty"),
                                (place.folder, "is no file"), (place.folder / "nosuch", "is not there")):
                row = place.look(f'type = "sqlite"\npath = "{path}"\nquick_check = true\n')
                self.assertEqual(row["status"], "critical", row)
                self.assertIn(words, row["message"])


class FreshnessTest(unittest.TestCase):
    AGE = 'age = { warn = "2h", critical = "6h" }\n'

    def test_files(self):
        with Place("run", "it") as place:
            keys = f'type = "freshness"\nfiles = "{place.folder}/*/b-*.zst"\nmin_size = "1KB"\n' + self.AGE
            self.assertIn("no file matches", place.look(keys)["message"])
            now = time.time()
            for folder, name, size, hours in (("x", "b-1.zst", 5000, 8), ("y", "b-2.zst", 5000, 3), ("y", "b-3.zst", 10, 0),
                                              ("y", "c-4.zst", 5000, 0)):
                file = place.folder / folder / name
                file.parent.mkdir(exist_ok=True)
                file.write_bytes(b"x" * size)
                os.utime(file, (now - hours * 3600, now - hours * 3600))
            row = place.look(keys)
            self.assertEqual((row["status"], row["message"]), ("warning", "the newest file is 3 hours old: b-2.zst"))
            (place.folder / "x/b-1.zst").unlink()
            (place.folder / "y/b-2.zst").unlink()
            self.assertIn("the newest, b-3.zst, is 10 B", place.look(keys)["message"])

    def test_sqlite(self):
        for journal in ("wal", "delete"):
            with self.subTest(journal=journal), Place("run", "it") as place:
                path = place.folder / "db.sqlite3"
                database = sqlite3.connect(path, isolation_level=None)
                database.execute(f"pragma journal_mode={journal}")
                database.execute("create table jobs (at text)")
                database.execute("insert into jobs values (datetime('now', '-7 hours'))")
                row = place.look(f'type = "freshness"\nsql = {{ url = "sqlite:{path}", query = "select max(at) from jobs" }}\n' + self.AGE)
                self.assertEqual(row["status"], "critical")
                self.assertEqual(row["message"], "the last was 7 hours ago (without a time zone, read as UTC)")
                database.close()

    def test_redis_and_json(self):
        with Place("run", "it") as place:
            port = free_port()
            server = subprocess.Popen(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(place.folder)],
                                      stdout=subprocess.DEVNULL)
            try:
                client = ["redis-cli", "-p", str(port)]
                ping = [*client, "ping"]
                wait_until(lambda: subprocess.run(ping, capture_output=True, check=False).returncode == 0, "Redis is ready")
                keys = f'type = "freshness"\nredis = {{ url = "redis://127.0.0.1:{port}/0", key = "last_sync" }}\n' + self.AGE
                self.assertIn("the key last_sync gives nothing", place.look(keys)["message"])
                for value, status, words in ((str(time.time()), "ok", "ago"), (str(int((time.time() - 3 * 3600) * 1000)), "warning", "3 hours ago"),
                                             (str(int(time.time() + 7200)), "warning", "in the future"), ("soon", "critical", "“soon” is no time")):
                    subprocess.run([*client, "set", "last_sync", value], check=True, stdout=subprocess.DEVNULL)
                    row = place.look(keys)
                    self.assertEqual(row["status"], status, row)
                    self.assertIn(words, row["message"])
                subprocess.run([*client, "del", "last_sync"], check=True, stdout=subprocess.DEVNULL)
                subprocess.run([*client, "lpush", "last_sync", "x"], check=True, stdout=subprocess.DEVNULL)
                self.assertIn("holds no text", place.look(keys)["message"])
            finally:
                server.terminate()
                server.wait(10)
            self.assertEqual(place.look(keys)["status"], "critical")


if __name__ == "__main__":
    unittest.main()
