#!/usr/bin/env python3
"""lectio-backup of a real Redis that is written to meanwhile: taken both ways, loaded, put back."""

import contextlib
import itertools
import json
import os
import pathlib
import subprocess
import threading
import unittest

import redis
from monitor import RELEASE
from stack.ports import free_port
from stack.waiting import wait_until
from stand_ins.bot_api import BotApi
from test_backup import Site

GUARD_S = 60
SOURCE = """
[backup.source.queue]
type = "redis"
url = "{url}"
via = "{via}"
"""
LUA = "#!lua name=lessons\nredis.register_function('lesson', function() return 1 end)"


class Server:
    """A redis-server on a socket of its own; its folder is that of a server: dump and append-only file."""

    def __init__(self, folder, *options):
        self.folder = folder
        self.folder.mkdir(exist_ok=True)
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self.options = options
        self.process = None
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise

    def start(self):
        self.run(
            ["redis-server", "--port", "0", "--unixsocket", str(self.socket), "--dir", str(self.folder), "--save", "3600 1",
             "--repl-diskless-sync-delay", "0", *self.options])

    def run(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.answers, "Redis answers")

    def answers(self):
        with self.client() as client, contextlib.suppress(redis.exceptions.RedisError):
            return client.ping()
        return False

    def client(self, number=0, **more):
        return redis.Redis(unix_socket_path=str(self.socket), db=number, socket_timeout=GUARD_S, **more)

    def stop(self):
        """As systemd stops it: it saves."""
        self.process.terminate()
        self.process.wait(GUARD_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process:
            self.process.kill()
            self.process.wait(GUARD_S)


def fill(server):
    """Values of every kind, small (packed by the server) and large."""
    one, three = server.client(), server.client(3)
    one.set("text", "урок")
    one.set("long", "lesson " * 5000)  # is compressed
    one.set("noise", os.urandom(100_000))
    one.mset({"number:1": 7, "number:2": -300, "number:3": 70_000, "number:4": 2**40})
    for size in (3, 2000):
        one.rpush(f"list:{size}", *[f"entry {number} " + "x" * 40 for number in range(size)])
        one.sadd(f"numbers:{size}", *range(size))
        one.sadd(f"set:{size}", *[f"member {number}" for number in range(size)])
        one.hset(f"hash:{size}", mapping={f"field {number}": number for number in range(size)})
        one.zadd(f"scores:{size}", {f"pupil {number}": number / 3 for number in range(size)})
    for number in range(300):
        three.xadd("stream", {"lesson": number})
    three.xgroup_create("stream", "teachers", id="0")
    three.xreadgroup("teachers", "anna", {"stream": ">"}, count=20)
    one.set("short", "gone soon", px=1)
    one.set("lasting", "gone later", ex=100_000)
    one.function_load(LUA)


def value_of(client, key):
    return {
        b"string": lambda: client.get(key),
        b"list": lambda: client.lrange(key, 0, -1),
        b"set": lambda: client.smembers(key),
        b"hash": lambda: client.hgetall(key),
        b"zset": lambda: client.zrange(key, 0, -1, withscores=True),
        b"stream": lambda: (client.xrange(key), client.xpending_range(key, "teachers", "-", "+", 100)[-1]["message_id"],
                            [group["name"] for group in client.xinfo_groups(key)]),
    }[client.type(key)]()


def all_of(server):
    """What each key of each database holds, and its functions."""
    found = {"functions": server.client().function_dump()}
    for number in (0, 3):
        client = server.client(number)
        for key in client.keys():
            if not key.startswith(b"load:") and key != b"short":
                found[number, key] = (client.ttl(key) > 0, value_of(client, key))
    return found


@contextlib.contextmanager
def write_load(server):
    """Two writers; of each pair of keys both are written or none. What fails is in the list at the end."""
    over, failures, written = threading.Event(), [], []

    def write(name):
        client = server.client()
        while not over.is_set():
            try:
                with client.pipeline(transaction=True) as both:
                    both.incr(f"load:{name}:a").incr(f"load:{name}:b").rpush(f"load:{name}", "lesson").execute()
                written.append(name)
            except redis.exceptions.RedisError as error:
                failures.append(error)

    writers = [threading.Thread(target=write, args=(name,)) for name in ("x", "y")]
    for writer in writers:
        writer.start()
    wait_until(lambda: len(set(written)) == 2, "both write")
    try:
        yield failures
    finally:
        over.set()
        for writer in writers:
            writer.join()


def add_source(site, server, via="replication", url=None):
    text = site.config.read_text().replace("[backup]", "[backup]\nnice = 0", 1)  # the writers leave nothing to 19
    site.config.write_text(text + SOURCE.format(url=url or server.url, via=via))


class BackupRedisTest(unittest.TestCase):
    def same(self, server, known):
        found = all_of(server)
        self.assertEqual([key for key in known.keys() | found.keys() if known.get(key) != found.get(key)], [])

    def test_taken_both_ways_under_write_load_and_loaded_elsewhere(self):
        for via, diskless in (("replication", "yes"), ("replication", "no"), ("bgsave", "yes")):
            with (self.subTest(via=via, diskless=diskless), BotApi() as bot, Site(bot) as site,
                  Server(site.folder / "redis", "--repl-diskless-sync", diskless) as server):
                fill(server)
                known = all_of(server)
                add_source(site, server, via)
                self.assertEqual(site.call("--check-config").returncode, 0)
                with write_load(server) as failures:
                    report = site.report("run", "queue")
                    made = report["backups"][0]
                    again = site.report("run", "queue")["backups"][0]
                self.assertEqual(failures, [])
                self.assertEqual(made["state"], "verified")
                self.assertRegex(made["path"], r"/queue-\d{8}T\d{6}Z-[a-z2-7]{6}\.rdb\.zst$")
                self.assertNotIn("no server has loaded it", report["message"])
                manifest = json.loads(pathlib.Path(made["path"].replace(".rdb.zst", ".json")).read_text())["snapshot"]
                self.assertTrue(manifest["checksum"] and manifest["understood"])
                self.assertIn(f"proven, {sum(manifest['keys'].values())} keys", report["message"])
                site.report("check")
                site.report("verify", made["id"])
                for backup in (made, again):
                    folder = site.folder / f"elsewhere-{backup['id']}"
                    folder.mkdir()
                    site.report("restore", "queue", "--id", backup["id"], "--to", str(folder / "dump.rdb"))
                    with Server(folder) as other:
                        self.same(other, known)
                        for name in ("x", "y"):
                            a, b = (other.client().get(f"load:{name}:{letter}") for letter in "ab")
                            self.assertEqual(a, b)
                            self.assertEqual(other.client().llen(f"load:{name}"), int(a))
                self.assertEqual(site.told(), [])
                self.assertEqual([name for name in site.archive() if name.startswith(".")], [])

    def test_put_back_once_the_server_is_stopped(self):
        with BotApi() as bot, Site(bot) as site, Server(site.folder / "redis") as server:
            fill(server)
            known = all_of(server)
            add_source(site, server)
            made = site.report("run", "queue")["backups"][0]
            server.client().flushall()
            server.client().set("after", "the backup")
            refused = site.call("restore", "queue")
            self.assertEqual(refused.returncode, 2)
            self.assertIn("as it stops it would write its own dump", refused.stderr)
            self.assertIn("would be replaced", site.report("restore", "queue", "--dry-run")["message"])
            server.stop()
            dump = server.folder / "dump.rdb"
            dump.chmod(0o640)
            before = dump.read_bytes()
            done = site.report("restore", "queue")
            self.assertEqual(pathlib.Path(done["aside"]).read_bytes(), before)
            self.assertEqual(dump.stat().st_mode & 0o777, 0o640)
            server.start()
            self.same(server, known)
            server.stop()
            dump.unlink()  # nothing to set aside
            self.assertEqual(site.report("restore", "queue", "--id", made["id"])["aside"], "")
            server.start()
            self.same(server, known)

    def test_stopped_at_any_rename_a_whole_dump_lies_where_the_server_looks(self):
        with BotApi() as bot, Site(bot) as site, Server(site.folder / "redis") as server:
            site.programs = RELEASE  # strace and the sanitizers exclude each other
            fill(server)
            add_source(site, server)
            made = site.report("run", "queue")["backups"][0]
            server.client().set("after", "the backup")
            server.stop()
            dump = server.folder / "dump.rdb"
            before = dump.read_bytes()
            backup = site.folder / "backup.rdb"
            site.report("restore", "queue", "--id", made["id"], "--to", str(backup))
            log = site.folder / "strace"
            for fault in ("error=EIO", "signal=KILL"):
                for number in itertools.count(1):
                    done = subprocess.run(
                        ["strace", "-f", "-qq", "-o", log, "-e", "trace=renameat2", "-e", f"inject=renameat2:{fault}:when={number}",
                         *site.command("restore", "queue")], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False)
                    with self.subTest(fault=fault, number=number):
                        self.assertIn(dump.read_bytes(), (before, backup.read_bytes()), done.stderr)
                        # What was there is there still, under its name or the one aside.
                        kept = [path for path in dump.parent.iterdir() if path.read_bytes() == before]
                        self.assertNotEqual(kept, [], done.stderr)
                    dump.write_bytes(before)
                    if len(log.read_text(errors="replace").splitlines()) < number:
                        break
                self.assertGreater(number, 2)  # both of the dump's
                dump.write_bytes(before)

    def test_an_append_only_file_would_hide_the_dump_and_that_is_said(self):
        with BotApi() as bot, Site(bot) as site:
            folder = site.folder / "redis"
            folder.mkdir()
            settings = folder / "redis.conf"
            settings.write_text(f"port 0\nunixsocket {folder}/redis.sock\ndir {folder}\nappendonly yes\n")
            with Server(folder) as server:
                server.stop()
                server.run(["redis-server", str(settings)])
                fill(server)
                known = all_of(server)
                add_source(site, server)
                site.report("run", "queue")
                server.client().flushall()
                refused = site.call("restore", "queue")
                self.assertEqual(refused.returncode, 2)
                self.assertIn(f"it loads {folder}/appendonlydir and ignores the dump", refused.stderr)
                # Step by step, as it has been said.
                server.client().config_set("appendonly", "no")
                server.client().config_rewrite()
                server.stop()
                words = site.report("restore", "queue", expected=1)["message"]
                self.assertIn("if it still is, the server loads", words)
                server.run(["redis-server", str(settings)])
                self.same(server, known)
                server.client().config_set("appendonly", "yes")
                wait_until(lambda: server.client().info("persistence")["aof_rewrite_in_progress"] == 0, "it is rewritten")
                server.client().config_rewrite()
                server.stop()
                server.run(["redis-server", str(settings)])
                self.same(server, known)

    def test_what_a_user_may_not_do_is_told_and_little_is_enough(self):
        port = free_port()
        with (BotApi() as bot, Site(bot) as site,
              Server(site.folder / "redis", "--port", str(port), "--bind", "127.0.0.1") as server):
            fill(server)
            for name, rights in (("backup", ("+psync", "+replconf")), ("nobody", ("+ping",))):
                server.client().execute_command("ACL", "SETUSER", name, "on", ">pass", *rights)
            add_source(site, server, url=f"redis://nobody:pass@127.0.0.1:{port}")
            message = site.report("run", "queue", expected=2)["message"]
            self.assertIn("NOPERM", message)
            self.assertNotIn("pass@", message)
            site.config.write_text(site.config.read_text().replace("nobody:", "backup:"))
            self.assertEqual(site.report("run", "queue")["backups"][0]["state"], "verified")
            self.assertIn("has not said where it keeps its dump", site.report("restore", "queue", "--dry-run")["message"])

    def test_a_redis_that_is_not_there_loading_or_no_redis_gives_no_backup(self):
        with BotApi() as bot, Site(bot) as site, Server(site.folder / "redis") as server:
            fill(server)
            add_source(site, server)
            site.report("run", "queue")
            server.stop()
            before = site.archive()
            self.assertIn("queue: no backup", site.report("run", "queue", expected=1)["message"])
            self.assertEqual(site.archive(), before)
            self.assertEqual(len(site.told()), 1)
            server.start()
            site.report("run", "queue")
            self.assertIn("✅", site.told()[1])


if __name__ == "__main__":
    unittest.main()
