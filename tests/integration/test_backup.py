#!/usr/bin/env python3
"""lectio-backup: the real binary and real SQLite databases that are written to meanwhile."""

import fcntl
import itertools
import json
import os
import pathlib
import re
import shutil
import sqlite3
import stat
import subprocess
import tempfile
import threading
import unittest

from backups import GUARD_S, OF_ALL, Backups
from monitor import CHANNEL, CHAT, RELEASE, TOKEN
from stack.waiting import wait_until
from stand_ins.bot_api import BotApi

CONFIG = OF_ALL + """[backup.source.database]
type = "sqlite"
path = "{folder}/site/db.sqlite3"
latest = "{folder}/site/db_latest.sqlite3"
{more}
"""


class Site(Backups):
    """A database of a site, and an operator who can be told."""

    def __init__(self, bot, journal="wal", more=""):
        self.bot = bot
        self._temporary = tempfile.TemporaryDirectory(prefix="lectio-backup-")
        self.folder = pathlib.Path(self._temporary.name)
        (self.folder / "site").mkdir()
        self.database = self.folder / "site/db.sqlite3"
        env = self.folder / "config.env"
        env.touch(0o600)
        env.write_text(f"ERRORS_BOT_TOKEN={TOKEN}\n")
        self.config = self.folder / "config.toml"
        self.config.write_text(CONFIG.format(folder=self.folder, more=more) + CHANNEL.format(chat=CHAT, api=bot.url))
        self.do(f"pragma journal_mode = {journal}", "create table lessons (id integer primary key, content blob)")
        self.add(50)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._temporary.cleanup()

    def do(self, *statements):
        database = sqlite3.connect(self.database)
        with database:
            for statement in statements:
                database.execute(statement)
        database.close()

    def add(self, rows):
        self.do(*["insert into lessons (content) values (randomblob(1000))"] * rows)

    @staticmethod
    def rows(file):
        database = sqlite3.connect(file)
        found = database.execute("select count(*) from lessons").fetchone()[0]
        whole = database.execute("pragma integrity_check").fetchone()[0]
        database.close()
        return found if whole == "ok" else whole

    def archive(self):
        return sorted(file.name for file in (self.folder / "backups").iterdir() if file.name != "trash")


def grow_tree(root):
    """What trees of real sites have, and names that no site should have. Eight files with content of their own."""
    (root / "a/empty").mkdir(parents=True)
    (root / "a/lesson.mp4").write_bytes(os.urandom(300_000))
    (root / "a/half.tmp").write_bytes(b"is not backed up")
    (root / ("a/" + "long-" * 45)).write_bytes(b"long")
    (root / "with blank and\nline\\end").write_bytes(b"odd")
    (root / "урок.txt").write_text("русское имя")
    pathlib.Path(os.fsdecode(os.fsencode(root) + b"/\xff\xfe")).write_bytes(b"no UTF-8")
    (root / "secret").write_bytes(b"")
    (root / "secret").chmod(0o600)
    os.mkfifo(root / "fifo")
    (root / "hole").touch()
    os.truncate(root / "hole", 5_000_000)
    (root / "to lesson").symlink_to("a/lesson.mp4")
    os.link(root / "a/lesson.mp4", root / "z same lesson")
    os.utime(root / "secret", (1_600_000_000, 1_600_000_000))


def look_at_tree(root):
    """Everything below but what is excluded: kind, mode, owner, time of files, content."""
    seen = {}
    for folder, folders, files in os.walk(os.fsencode(root)):
        for name in folders + files:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            content = os.readlink(path) if stat.S_ISLNK(info.st_mode) else b""
            if stat.S_ISREG(info.st_mode):
                with open(path, "rb") as file:
                    content = (int(info.st_mtime), info.st_nlink, file.read())
            if not name.endswith(b".tmp"):
                seen[os.path.relpath(path, os.fsencode(root))] = (info.st_mode, info.st_uid, content)
    return seen


class BackupTest(unittest.TestCase):
    def test_a_backup_of_a_database_in_use_is_proven_and_restored(self):
        for journal in ("wal", "delete"):
            with self.subTest(journal=journal), BotApi() as bot, Site(bot, journal) as site:
                made = site.report("run")["backups"][0]
                self.assertEqual((made["source"], made["state"]), ("database", "verified"))
                self.assertTrue(made["verified_at"])
                self.assertRegex(pathlib.Path(made["path"]).name, r"^database-\d{8}T\d{6}Z-[a-z2-7]{6}\.sqlite3\.zst$")
                # It is plain zstd, with a checksum, and for root alone.
                self.assertEqual(subprocess.run(["zstd", "-tq", made["path"]], check=False).returncode, 0)
                listed = subprocess.run(["zstd", "-lv", made["path"]], capture_output=True, text=True, check=True).stdout
                self.assertRegex(listed, r"Check: XXH64")
                self.assertEqual(os.stat(made["path"]).st_mode & 0o777, 0o600)
                self.assertEqual(site.rows(site.folder / "site/db_latest.sqlite3"), 50)
                self.assertEqual(site.report("list")["backups"], site.report("status")["backups"])
                site.report("check")
                site.report("verify")

                site.add(7)
                then = site.folder / "then.sqlite3"
                site.report("restore", "database", "--to", str(then))
                self.assertEqual((site.rows(then), site.rows(site.database)), (50, 57))
                self.assertEqual(site.call("restore", "database", "--to", str(then)).returncode, 64)
                # A time is copied out of the list.
                listed = re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", site.call("list").stdout)[0]
                site.report("restore", "database", "--at", listed, "--to", f"{then}.listed")

                before = (site.database.read_bytes(), site.archive())
                self.assertIn("would", site.report("restore", "database", "--dry-run")["message"])
                self.assertEqual((site.database.read_bytes(), site.archive()), before)
                back = site.report("restore", "database")
                self.assertEqual(site.rows(site.database), 50)
                self.assertEqual(site.rows(pathlib.Path(back["aside"]) / "db.sqlite3"), 57)
                self.assertEqual(site.told(), [])

    def test_who_writes_meanwhile_fails_never_and_each_backup_is_one_moment(self):
        for journal in ("wal", "delete"):
            with self.subTest(journal=journal), BotApi() as bot, Site(bot, journal) as site:
                site.do("create table a (n integer)", "create table b (n integer)")
                known = self.known_rows(site.database)
                ended, failures, written = threading.Event(), [], []

                def write():
                    database = sqlite3.connect(site.database, timeout=60, isolation_level=None)
                    while not ended.is_set():
                        try:
                            for statement in ("begin immediate", "insert into a values (1)", "insert into b values (1)", "commit"):
                                database.execute(statement)
                            written.append(1)
                        except sqlite3.Error as error:
                            failures.append(error)
                    database.close()

                writer = threading.Thread(target=write)
                writer.start()
                try:
                    for number in range(5):
                        made = site.report("run")["backups"][0]
                        out = site.folder / f"out{number}.sqlite3"
                        site.report("restore", "database", "--id", made["id"], "--to", str(out))
                        database = sqlite3.connect(out)
                        counts = [database.execute(f"select count(*) from {table}").fetchone()[0] for table in "ab"]
                        database.close()
                        self.assertEqual(counts[0], counts[1])
                        self.assertEqual(self.known_rows(out), known)
                finally:
                    ended.set()
                    writer.join()
                self.assertEqual(failures, [])
                self.assertGreater(len(written), 0)

    @staticmethod
    def known_rows(file):
        """Those that nobody changes, to the byte."""
        database = sqlite3.connect(file)
        rows = database.execute("select id, content from lessons order by id").fetchall()
        database.close()
        return rows

    def test_a_database_that_is_open_is_not_replaced_and_who_has_it_is_named(self):
        with BotApi() as bot, Site(bot) as site:
            site.report("run")
            holder = sqlite3.connect(site.database)
            holder.execute("select count(*) from lessons").fetchone()
            done = site.call("restore", "database")
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"({os.getpid()})", done.stderr)
            holder.close()
            site.report("restore", "database")

    def test_a_database_that_releases_share_is_found_by_its_path_in_the_project(self):
        """lectio-deploy links it into a folder of the site's user; what is set aside does not go with that release."""
        with BotApi() as bot, Site(bot) as site:
            shared = site.folder / "shared"
            shared.mkdir()
            for path in sorted(site.database.parent.glob(f"{site.database.name}*")):
                path.rename(shared / path.name)
            if os.geteuid() == 0:
                for path in (shared, *shared.iterdir(), site.database.parent):
                    os.chown(path, 65534, 65534)
            site.database.symlink_to(f"../shared/{site.database.name}")
            site.report("run")
            site.report("restore", "database")
            self.assertTrue(site.database.is_symlink())
            self.assertEqual(site.rows(shared / site.database.name), 50)
            self.assertEqual(len(list(shared.glob("*.before-*"))), 1)
            self.assertEqual(list(site.database.parent.glob("*.before-*")), [])

    def test_what_fails_is_told_once_and_so_is_its_end(self):
        with BotApi() as bot, Site(bot) as site:
            site.report("run")
            good = site.database.read_bytes()
            for content, words in ((b"", "it is empty"), (b"x" * 5000, "it is no SQLite database")):
                site.database.write_bytes(content)
                for side in ("-wal", "-shm"):
                    pathlib.Path(f"{site.database}{side}").unlink(missing_ok=True)
                report = site.report("run", expected=1)  # the one before is fresh
                self.assertIn(words, report["message"])
            self.assertEqual(len(site.told()), 1, site.told())
            self.assertIn("backup of database", site.told()[0])
            self.assertEqual(site.rows(site.folder / "site/db_latest.sqlite3"), 50)
            site.database.write_bytes(good)
            site.report("run")
            self.assertEqual(len(site.told()), 2, site.told())
            self.assertIn("✅", site.told()[1])

    def test_a_source_that_never_had_a_proven_backup_is_critical(self):
        with BotApi() as bot, Site(bot) as site:
            site.report("status", expected=2)
            site.database.write_bytes(b"x" * 5000)
            site.report("run", expected=2)
            self.assertIn("🚨", site.told()[0])

    def test_a_much_smaller_backup_waits_for_a_person(self):
        with BotApi() as bot, Site(bot) as site:
            site.add(500)
            first = site.report("run")["backups"][0]
            site.do("delete from lessons where id > 10")
            site.do("vacuum")
            small = site.report("run", expected=1)["backups"][0]
            self.assertEqual(small["state"], "suspect")
            self.assertEqual(site.rows(site.folder / "site/db_latest.sqlite3"), 550)
            site.report("restore", "database", "--to", str(site.folder / "a"))
            self.assertEqual(site.rows(site.folder / "a"), 550)  # the newest that counts
            site.report("accept", small["id"], "--reason", "the archive was removed")
            site.report("restore", "database", "--to", str(site.folder / "b"))
            self.assertEqual(site.rows(site.folder / "b"), 10)
            self.assertNotEqual(first["id"], small["id"])
            site.report("pin", first["id"])
            self.assertTrue(site.report("list")["backups"][0]["pinned"])

    def test_only_what_is_due_and_one_at_a_time(self):
        with BotApi() as bot, Site(bot) as site:
            self.assertEqual(len(site.report("run", "--due")["backups"]), 1)
            self.assertEqual(len(site.report("run", "--due")["backups"]), 0)
            self.assertEqual(len(site.report("run", "--dry-run")["backups"]), 0)
            self.assertEqual(len(site.report("list")["backups"]), 1)
            with open(site.folder / "run/backup.lock", "r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                site.report("run", expected=75)
            site.report("run", "nobody", expected=64)
            self.assertEqual(site.call().returncode, 64)

    def test_a_proof_that_was_interrupted_is_made_up_for_by_the_next_run(self):
        with BotApi() as bot, Site(bot) as site:
            made = site.report("run")["backups"][0]
            (site.folder / "site/db_latest.sqlite3").unlink()
            manifest = site.folder / "backups" / pathlib.Path(made["path"]).name.replace(".sqlite3.zst", ".json")
            known = json.loads(manifest.read_text())
            known["state"] = "complete"  # as it stands between the backup and its proof
            for key in ("verified", "unchanged"):
                known.pop(key, None)
            manifest.write_text(json.dumps(known))
            self.assertEqual(site.report("list")["backups"][0]["verified_at"], None)
            site.report("status", expected=2)
            self.assertIn(f"{made['id']} would be proven now", site.report("run", "--due", "--dry-run")["message"])
            proven = site.report("run", "--due")["backups"][0]
            self.assertEqual((proven["id"], proven["state"]), (made["id"], "verified"))
            self.assertEqual(len(site.report("list")["backups"]), 1)
            self.assertEqual(site.rows(site.folder / "site/db_latest.sqlite3"), 50)
            site.report("status")
            self.assertIn("not due yet", site.report("run", "--due")["message"])

    def test_a_proof_that_cannot_be_made_is_tried_by_each_run_and_told_once(self):
        with BotApi() as bot, Site(bot) as site:
            able = site.folder / "able"
            with site.config.open("a") as config:
                config.write(f'''[backup.source.notes]
                    type = "exec"
                    command = ["echo", "a note"]
                    verify = ["sh", "-c", "test -e {able} || kill -KILL $$"]\n''')
            for _ in range(2):
                self.assertIn("nobody could prove it", site.report("run", "notes", "--due", expected=2)["message"])
            self.assertEqual(len(site.told()), 1, site.told())
            self.assertEqual([each["state"] for each in site.report("list")["backups"]], ["complete"])
            able.touch()
            self.assertEqual(site.report("run", "notes", "--due")["backups"][0]["state"], "verified")
            self.assertEqual(len(site.told()), 2, site.told())
            self.assertIn("✅", site.told()[1])

    def test_every_source_is_backed_up_before_any_copy_goes_away(self):
        with BotApi() as bot, Site(bot) as site:
            with site.config.open("a") as config:
                config.write(f'[backup.source.settings]\ntype = "files"\npaths = ["{site.config}"]\n')
            hangs = json.dumps(["sh", "-c", f"ls {site.folder}/backups >>{site.folder}/there; exit 1", "{file}"])
            site.config.write_text(site.config.read_text().replace("[backup]", f"[backup]\noffsite = {hangs}"))
            report = site.report("run", expected=2)
            self.assertEqual([each["state"] for each in report["backups"]], ["verified", "verified"])
            there = (site.folder / "there").read_text()
            self.assertIn("database-", there)
            self.assertIn("settings-", there)

    def test_a_run_that_is_stopped_each_time_is_told_of_what_never_goes_away(self):
        with BotApi() as bot, Site(bot) as site:
            with site.config.open("a") as config:
                config.write('[backup.source.notes]\ntype = "exec"\ncommand = ["sh", "-c", "kill -TERM $PPID; sleep 600"]\n')
            site.config.write_text(site.config.read_text().replace(
                "[backup]", f'[backup]\nnice = 0\noffsite = ["cp", "{{file}}", "{site.folder}/"]'))

            # It has a second to end (CONTRACT 23): where that is too little on a busy machine, the next one tells it.
            def told_by_one_that_was_stopped():
                self.assertEqual(site.call("run", "--due").returncode, 128 + 15)
                return [text for text in site.told() if "outside of this server" in text]
            told = wait_until(told_by_one_that_was_stopped, "it is told", seconds=GUARD_S)
            self.assertEqual(len(told), 1, site.told())
            self.assertIn("database: no backup lies outside", told[0])
            site.report("run", "database")  # by hand, and it is over
            self.assertTrue(any("✅" in text for text in site.told()), site.told())

    def test_copies_go_away_from_this_server_and_a_dead_remote_is_told(self):
        with BotApi() as bot, Site(bot) as site:
            remote = site.folder / "remote"
            config = site.config.read_text()

            def go_to(listing):
                site.config.write_text(config.replace("[backup]", f'[backup]\noffsite = ["cp", "{{file}}", "{remote}/"]\n'
                                                                  f"offsite_list = {json.dumps(listing)}"))
            listing = ["ls", "-l", str(remote)]
            go_to(listing)
            self.assertEqual(site.call("--check-config").returncode, 0)
            report = site.report("run", expected=2)  # nothing has ever been away
            self.assertIn("stays on this server only", report["message"])
            self.assertIsNone(report["backups"][0]["offsite_at"])
            self.assertEqual(report["backups"][0]["state"], "verified")  # the copy here is as good as it was
            site.report("run", "--due", expected=2)
            self.assertIn("not copied away", site.report("status", expected=2)["message"])
            self.assertEqual(len(site.told()), 1, site.told())
            self.assertIn("backups outside of this server", site.told()[0])

            remote.mkdir()
            report = site.report("run", "--due")  # nothing is due, and what waits goes
            self.assertIn("copied away", report["message"])
            self.assertEqual(len(site.told()), 2, site.told())
            self.assertIn("✅", site.told()[1])
            self.assertIn("seen there", site.report("status")["message"])
            self.assertTrue(site.report("list")["backups"][0]["offsite_at"])
            here = sorted(name for name in site.archive())
            self.assertEqual(sorted(file.name for file in remote.iterdir()), here)
            self.assertEqual([(remote / name).read_bytes() for name in here if name.endswith("zst")],
                             [(site.folder / "backups" / name).read_bytes() for name in here if name.endswith("zst")])
            site.report("check")

            # What is there is looked at, not the command's word.
            name = next(name for name in here if name.endswith("zst"))
            (remote / name).write_bytes(b"short")
            self.assertIn("another size", site.report("check", expected=2)["message"])
            go_to(["ls", str(site.folder / "site")])
            self.assertIn("does not list", site.report("run", expected=1)["message"])
            self.assertIn("database: 1 not copied", site.report("status", expected=1)["message"])
            go_to(listing)
            site.report("run", "--due")
            # Without a list it is said that nobody has looked.
            go_to([])
            site.report("run")
            self.assertIn("nobody has looked", site.report("status")["message"])

    def test_files_are_backed_up_proven_each_by_its_checksum_and_put_back(self):
        with BotApi() as bot, Site(bot) as site:
            media = site.folder / "srv/media"
            grow_tree(media)
            one = site.folder / "srv/settings.py"
            one.write_text("DEBUG = False\n")
            link = site.folder / "media"  # what is configured may be a link
            link.symlink_to(media)
            with site.config.open("a") as config:
                config.write(f'[backup.source.media]\ntype = "files"\npaths = ["{link}", "{one}"]\nexclude = ["*.tmp"]\n')
            before = look_at_tree(media)
            report = site.report("run", "media")
            made = report["backups"][0]
            self.assertEqual(made["state"], "verified")
            self.assertRegex(made["path"], r"/media-\d{8}T\d{6}Z-[a-z2-7]{6}\.tar\.zst$")
            self.assertIn("proven, 8 files", report["message"])
            manifest = json.loads(pathlib.Path(made["path"].replace(".tar.zst", ".json")).read_text())
            self.assertEqual(manifest["snapshot"]["paths"], [str(media), str(one)])
            site.report("check")
            site.report("verify", made["id"])

            # Into a folder of its own, where the list is one that sha256sum understands.
            then = site.folder / "then"
            site.report("restore", "media", "--to", str(then))
            self.assertEqual(look_at_tree(then / media.relative_to("/")), before)
            subprocess.run(["sha256sum", "--quiet", "--strict", "-c", "lectio-files.sha256"], cwd=then, check=True)
            self.assertEqual(len((then / "lectio-files.sha256").read_bytes().splitlines()), 8)

            # In its place: what stands there is set aside.
            (media / "a/lesson.mp4").write_bytes(b"damaged")
            (media / "new").write_bytes(b"new")
            one.unlink()
            damaged = look_at_tree(media)
            words = site.report("restore", "media", "--dry-run")["message"]
            self.assertIn(f"{media} would be replaced", words)
            self.assertEqual(look_at_tree(media), damaged)
            report = site.report("restore", "media")
            self.assertEqual(look_at_tree(media), before)
            self.assertEqual(one.read_text(), "DEBUG = False\n")
            self.assertEqual(report["aside"], [f"{media}.before-{made['id']}"])
            self.assertEqual(look_at_tree(pathlib.Path(report["aside"][0])), damaged)
            self.assertEqual([name for name in os.listdir(media.parent) if name.startswith(".")], [])

            site.report("run", "media")
            site.report("status", expected=2)  # the database has none yet
            (media / "a").rename(media.parent / "elsewhere")  # most of it is gone
            (media / "z same lesson").unlink()
            self.assertEqual(site.report("run", "media", expected=1)["backups"][0]["state"], "suspect")
            for path in (media, one):
                path.rename(f"{path}.gone")
            self.assertIn("No such file", site.report("run", "media", expected=1)["message"])
            self.assertEqual(site.report("list")["backups"][-1]["state"], "suspect")

    def test_a_restore_of_files_that_stops_half_way_says_what_is_where(self):
        with BotApi() as bot, Site(bot) as site:
            for name in ("one", "two"):
                (site.folder / name).mkdir()
                (site.folder / name / "file").write_text("old")
            with site.config.open("a") as config:
                config.write(f'[backup.source.media]\ntype = "files"\npaths = ["{site.folder}/one", "{site.folder}/two"]\n')
            made = site.report("run", "media")["backups"][0]
            (site.folder / "one/file").write_text("new")
            mounting = ["unshare", "--mount", "sh", "-c", f'mount --bind "{site.folder}/two" "{site.folder}/two" && exec "$@"', "sh"]
            if os.geteuid() != 0 or subprocess.run([*mounting, "true"], capture_output=True, check=False).returncode != 0:
                self.skipTest("mounts need root")
            left = subprocess.run([*mounting, *site.command("restore", "media")], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=600, check=False)
            self.assertEqual(left.returncode, 2, left.stdout + left.stderr)
            self.assertIn(f"{site.folder}/one: restored already", left.stderr)
            self.assertIn(f"{site.folder}/two: not restored, it is as it was", left.stderr)
            self.assertIn(f"lies in {site.folder}/one.before-{made['id']}", left.stderr)
            self.assertIn(f"lectio-backup restore media --id {made['id']}", left.stderr)
            self.assertEqual((site.folder / f"one.before-{made['id']}/file").read_text(), "new")
            self.assertIn("restored already", (site.folder / "logs/backup.log").read_text())
            leftovers = [name for folder in (site.folder, site.folder / "backups") for name in os.listdir(folder) if name.startswith(".")]
            self.assertEqual(leftovers, [])
            # A disk of its own is known before anything changes.
            own = [*mounting[:4], f'mount -t tmpfs none "{site.folder}/two" && exec "$@"', "sh"]
            left = subprocess.run([*own, *site.command("restore", "media")], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=600, check=False)
            self.assertEqual(left.returncode, 2, left.stdout + left.stderr)
            self.assertIn(f"{site.folder}/two is a disk of its own", left.stderr)
            self.assertFalse((site.folder / f"one.before-{made['id']}-2").exists())
            site.report("restore", "media")

    def test_stopped_at_any_step_of_a_restore_of_files_something_whole_stands_there(self):
        with BotApi() as bot, Site(bot) as site:
            site.programs = RELEASE  # strace and the sanitizers exclude each other
            srv, kept = site.folder / "srv", site.folder / "kept"
            paths = (srv / "media", srv / "settings.py")

            def state(folder):
                return [look_at_tree(folder / "media"), (folder / "settings.py").read_text()]

            (srv / "media/a").mkdir(parents=True)
            (srv / "media/a/lesson.mp4").write_bytes(os.urandom(1000))
            (srv / "settings.py").write_text("DEBUG = False\n")
            with site.config.open("a") as config:
                config.write(f'[backup.source.media]\ntype = "files"\npaths = [{", ".join(json.dumps(str(path)) for path in paths)}]\n')
            site.report("run", "media")
            backed_up = state(srv)
            (srv / "media/a/lesson.mp4").write_bytes(b"after the backup")
            (srv / "settings.py").write_text("DEBUG = True\n")
            shutil.copytree(srv, kept)
            before = state(kept)
            log = site.folder / "strace"
            stopped = 0
            for call, fault in (("renameat2", "error=EIO"), ("renameat2", "error=EINVAL"), ("renameat2", "signal=KILL"), ("fsync", "error=EIO")):
                for number in itertools.count(1):
                    shutil.rmtree(srv)
                    shutil.copytree(kept, srv)
                    done = subprocess.run(
                        ["strace", "-qq", "-o", log, "-e", f"trace={call}", "-e", f"inject={call}:{fault}:when={number}",
                         *site.command("restore", "media")], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False)
                    with self.subTest(call=call, fault=fault, number=number):
                        for which, now in enumerate(state(srv)):
                            self.assertIn(now, (before[which], backed_up[which]), done.stderr)
                            # What was there lies there still or aside, where no later run sweeps it away, and it is said where.
                            aside = [path for path in srv.glob(f"{paths[which].name}.before-*")
                                     if (look_at_tree(path) if path.is_dir() else path.read_text()) == before[which]]
                            self.assertTrue(now == before[which] or aside, done.stderr)
                            if done.returncode >= 0:
                                self.assertEqual([path for path in aside if str(path) not in done.stdout + done.stderr], [])
                    if len(log.read_text(errors="replace").splitlines()) < number:
                        break
                    stopped += 1
                self.assertEqual(state(srv), backed_up)  # the last one: nothing was refused
            self.assertGreater(stopped, 12)
            print(f"counted: files: a restore was stopped at {stopped} renames and syncs")

    def test_a_backup_of_what_the_source_was_before_is_named_as_such(self):
        with BotApi() as bot, Site(bot) as site:
            site.report("run")
            text = site.config.read_text()
            start, end = text.index('type = "sqlite"'), text.index("[channel")
            site.config.write_text(f'{text[:start]}type = "exec"\ncommand = ["date"]\nrestore = ["true"]\n{text[end:]}')
            for options in ((), ("--dry-run",)):
                refused = site.call("restore", "database", *options)
                self.assertEqual(refused.returncode, 78, refused.stdout + refused.stderr)
                self.assertIn("is a backup of type sqlite, and [backup.source.database] is of type exec now", refused.stderr)
            site.report("restore", "database", "--to", str(site.folder / "then"))
            self.assertEqual(site.rows(site.folder / "then"), 50)

    def test_a_latest_that_cannot_be_written_is_told_and_the_backup_is_there(self):
        with BotApi() as bot, Site(bot) as site:
            (site.folder / "site/db_latest.sqlite3").mkdir()
            report = site.report("run", expected=1)
            self.assertIn("the backup is good, but `latest` is not it", report["message"])
            self.assertEqual(report["backups"][0]["state"], "verified")
            self.assertIn("`latest`", site.told()[-1])
            site.report("status")
            (site.folder / "site/db_latest.sqlite3").rmdir()
            site.report("run")
            self.assertIn("✅", site.told()[-1])

    def test_what_a_program_says_of_a_password_is_masked(self):
        with BotApi() as bot, Site(bot) as site:
            with site.config.open("a") as config:
                config.write('[backup.source.notes]\ntype = "exec"\ncommand = ["sh", "-c", "echo password=hunter2hunter2 >&2; false"]\n')
            failed = site.call("run", "notes")
            self.assertIn("password=***", failed.stdout)
            self.assertNotIn("hunter2", failed.stdout + failed.stderr + site.call("--format", "json", "run", "notes").stdout)

    def test_a_damaged_backup_is_found(self):
        with BotApi() as bot, Site(bot) as site:
            made = site.report("run")["backups"][0]
            file = pathlib.Path(made["path"])
            content = bytearray(file.read_bytes())
            content[len(content) // 2] ^= 1
            file.write_bytes(content)
            site.report("check", expected=2)
            site.report("verify", expected=2)
            self.assertEqual(site.report("list")["backups"][0]["state"], "bad")
            site.report("restore", "database", expected=2)
            site.report("status", expected=2)

    def test_one_that_cannot_be_read_hides_no_other(self):
        with BotApi() as bot, Site(bot) as site:
            unread, damaged, whole = (pathlib.Path(site.report("run")["backups"][0]["path"]) for _ in range(3))
            unread.unlink()
            unread.mkdir()  # as near to a bad sector as a test comes
            damaged.write_bytes(b"x")
            said = site.report("check", expected=2)["message"]
            for file in (unread, damaged):
                self.assertIn(file.name.split("-")[2].split(".")[0], said)
            self.assertNotIn(whole.name.split("-")[2].split(".")[0], said)
            self.assertIn("1 of 3 backups are what", said)

    def test_what_is_asked_for_and_is_not_there_is_named(self):
        with BotApi() as bot, Site(bot) as site:
            made = site.report("run")["backups"][0]
            for code, expected, words in (
                    (64, "but database", ("restore", "databse", "--to", str(site.folder / "a"))),
                    (64, "but database", ("run", "databse")),
                    (64, f"no folder {site.folder}/nowhere", ("restore", "database", "--to", str(site.folder / "nowhere/a"))),
                    (2, f"the oldest is {made['id']}", ("restore", "database", "--at", "2020-01-01 10:00", "--to", str(site.folder / "a")))):
                self.assertIn(expected, site.report(*words, expected=code)["reason"])
            site.config.write_text(site.config.read_text().replace("[backup]", '[backup]\noffsite = ["cp", "{file}", "/nowhere"]\noffsite_fetch = ["cp", "/nowhere/{name}", "{file}"]')
                                   .replace("[backup.source.database]", "[backup.source.lessons]"))
            self.assertIn("no source database", site.report("verify", "--away", made["id"], expected=64)["reason"])


if __name__ == "__main__":
    unittest.main()
