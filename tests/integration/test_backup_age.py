#!/usr/bin/env python3
"""lectio-backup encrypted by the real age: proven before, readable only by whom it is for, and never left behind in plain."""

import fnmatch
import os
import pathlib
import re
import shutil
import signal
import subprocess
import unittest

from backups import CALLS
from monitor import RELEASE, SOURCE
from stand_ins.bot_api import BotApi
from test_backup import Site

# What the example says of encrypted ones, in a comment.
FRESH = re.search(r'\.zst\.age: files = "(.*)"', (SOURCE / "config/config.example.toml").read_text()).group(1)


def keygen(file):
    """A key file of age; its recipient."""
    subprocess.run(["age-keygen", "-o", str(file)], capture_output=True, check=True)
    return re.search(r"age1\w+", file.read_text()).group()


class AgeSite(Site):
    """A site whose backups are encrypted for `recipient`; `key` is not in the configuration until have_key()."""

    def __init__(self, bot, encrypt=None, more=""):
        super().__init__(bot, more=more)
        self.key = self.folder / "key.txt"
        self.recipient = keygen(self.key)
        self.plain_config = self.config.read_text()
        self.encrypt_for(encrypt or f'["{self.recipient}"]')

    def encrypt_for(self, encrypt, key=None):
        identity = f'identity = "{key}"\n' if key else ""
        self.config.write_text(self.plain_config.replace("[backup]", f"[backup]\nencrypt = {encrypt}\n{identity}"))

    def have_key(self, key=None):
        self.encrypt_for(f'["{self.recipient}"]', key or self.key)

    def plain_left(self):
        """What lies in the archive and is neither encrypted nor a manifest."""
        return [name for name in self.archive() if not name.endswith((".age", ".json"))]


class BackupAgeTest(unittest.TestCase):
    def test_it_is_proven_encrypted_and_only_the_key_gives_it_back(self):
        with BotApi() as bot, AgeSite(bot) as site:
            self.assertEqual(site.call("--check-config").returncode, 0)
            report = site.report("run")
            self.assertIn("backed up and proven", report["message"])
            backup = report["backups"][0]
            file = pathlib.Path(backup["path"])
            self.assertTrue(file.name.endswith(".sqlite3.zst.age"), file.name)
            self.assertEqual((backup["state"], backup["encrypted"]), ("verified", True))
            self.assertTrue(fnmatch.fnmatch(file.name, pathlib.Path(FRESH).name), f"{FRESH} of config.example.toml looks for others")
            self.assertTrue(file.read_bytes().startswith(b"age-encryption.org/v1\n"))
            self.assertEqual(site.plain_left(), [])
            self.assertEqual(site.rows(site.folder / "site/db_latest.sqlite3"), 50)  # plain, because it was asked for
            site.report("check")

            # Without the key: the bytes, and the date of the proof stays.
            proven = backup["verified_at"]
            report = site.report("verify")
            self.assertIn("its bytes are unchanged", report["message"])
            self.assertIn("no key is here: proven it was on", report["message"])
            self.assertNotIn(": proven\n", report["message"] + "\n")
            self.assertEqual((report["backups"][0]["state"], report["backups"][0]["verified_at"]), ("verified", proven))
            self.assertGreaterEqual(report["backups"][0]["unchanged_at"], proven)
            for words in ((), ("--to", str(site.folder / "out")), ("--dry-run",)):
                self.assertIn("names no key file that is here", site.call("restore", "database", *words).stderr)
            self.assertFalse((site.folder / "out").exists())

            # With it: decrypted and proven, restored.
            site.have_key()
            report = site.report("verify")
            self.assertIn(": proven", report["message"])
            self.assertGreaterEqual(report["backups"][0]["verified_at"], proven)
            site.report("restore", "database", "--to", str(site.folder / "out"))
            self.assertEqual(site.rows(site.folder / "out"), 50)
            site.add(7)
            site.report("restore", "database")
            self.assertEqual(site.rows(site.database), 50)
            self.assertEqual(site.plain_left(), [])
            # Whoever has lost this server needs nothing of ours.
            by_hand = subprocess.run(f"age -d -i {site.key} {file} | zstd -d > {site.folder}/by_hand", shell=True, check=False)
            self.assertEqual((by_hand.returncode, site.rows(site.folder / "by_hand")), (0, 50))
            # Backups from before, not encrypted, are what they were.
            site.config.write_text(site.plain_config)
            site.report("run")
            site.have_key()
            site.report("verify")
            site.report("status")

    def test_a_latest_that_cannot_be_written_costs_no_backup(self):
        with BotApi() as bot, AgeSite(bot) as site:
            (site.folder / "site/db_latest.sqlite3").mkdir()
            report = site.report("run", expected=1)
            self.assertIn("the backup is good, but `latest` is not it", report["message"])
            self.assertEqual(report["backups"][0]["state"], "verified")
            self.assertEqual(site.plain_left(), [])
            site.report("status")

    def test_a_key_of_somebody_else_and_one_that_others_may_read_are_refused(self):
        with BotApi() as bot, AgeSite(bot) as site:
            made = site.report("run")["backups"][0]
            other = site.folder / "other.txt"
            keygen(other)
            site.have_key(other)
            self.assertIn("no identity matched", site.report("verify", expected=1)["message"])
            self.assertIn("no identity matched", site.call("restore", "database").stderr)
            self.assertEqual(site.report("list")["backups"][0]["state"], "verified")  # the key is wrong, not the backup
            site.have_key()
            site.key.chmod(0o644)
            for words in (("verify",), ("restore", "database"), ("restore", "database", "--dry-run")):
                done = site.call(*words)
                self.assertIn("others may read it", done.stdout + done.stderr)
            site.key.chmod(0o600)
            file = pathlib.Path(made["path"])
            whole = file.read_bytes()
            for damaged in (whole[:-1], whole[:150], whole[:-20] + bytes(20), b"x" + whole):
                file.write_bytes(damaged)
                self.assertEqual(site.report("verify", made["id"], expected=2)["backups"][0]["state"], "bad")
            file.write_bytes(whole)
            self.assertEqual(site.report("verify", made["id"])["backups"][0]["state"], "verified")
            self.assertEqual(site.plain_left(), [])

    def test_who_cannot_be_encrypted_for_makes_no_backup(self):
        with BotApi() as bot, AgeSite(bot) as site:
            for encrypt, words in (('["age"]', "nobody could read"), ('["bob"]', "is no recipient of age"),
                                   ('["age", "-r"]', "nobody could read"), ('["-p"]', "is no recipient of age")):
                site.encrypt_for(encrypt)
                done = site.call("--check-config")
                self.assertEqual(done.returncode, 78, encrypt)
                self.assertIn(words, done.stdout + done.stderr)
            file = site.folder / "recipients"
            empty = site.folder / "empty"
            empty.write_text("# nobody yet\n")
            file.write_text(f"# the safe\n{site.recipient}\n")
            for encrypt, words in ((f'["{empty}"]', "no recipients found"), ('["age1qqqq"]', "malformed recipient"),
                                   (f'["{site.folder}/nobody"]', "No such file")):
                site.encrypt_for(encrypt)
                self.assertIn(words, site.report("run", expected=2)["message"])
                self.assertEqual(site.archive(), [])
            file.chmod(0o666)
            site.encrypt_for(f'["age", "-R", "{file}"]')
            self.assertIn("others may write to it", site.report("run", expected=2)["message"])
            file.chmod(0o644)
            site.report("run")
            site.encrypt_for(f'["age", "-R", "{file}"]', site.key)
            self.assertIn(": proven", site.report("verify")["message"])

    def test_every_kind_of_source_is_encrypted_and_comes_back(self):
        more = '[backup.source.media]\ntype = "files"\npaths = ["{folder}/media"]\n'
        more += '[backup.source.own]\ntype = "exec"\ncommand = ["cat", "{folder}/media/b"]\nverify = ["cmp", "-", "{folder}/media/b"]\n'
        with BotApi() as bot, AgeSite(bot) as site:
            media = site.folder / "media"
            media.mkdir()
            (media / "a").write_text("a")
            (media / "b").write_bytes(os.urandom(100_000))
            site.plain_config += more.format(folder=site.folder)
            site.have_key()
            made = site.report("run")["backups"]
            self.assertEqual([backup["state"] for backup in made], ["verified"] * 3)
            self.assertTrue(all(backup["path"].endswith(".zst.age") for backup in made))
            self.assertEqual(site.report("verify")["message"].count("proven"), 3)
            whole = (media / "b").read_bytes()
            shutil.rmtree(media)
            site.report("restore", "media")
            self.assertEqual((media / "b").read_bytes(), whole)
            site.report("restore", "own", "--to", str(site.folder / "own"))
            self.assertEqual((site.folder / "own").read_bytes(), whole)

    def test_what_fails_before_it_is_encrypted_is_told_and_leaves_nothing_plain(self):
        more = '[backup.source.own]\ntype = "exec"\ncommand = ["echo", "short"]\nverify = ["false"]\n'
        with BotApi() as bot, AgeSite(bot, more=more) as site:
            report = site.report("run", "own", expected=2)
            self.assertEqual(report["backups"][0]["state"], "bad")
            self.assertEqual(site.plain_left(), [])
            site.plain_config = site.plain_config.replace('verify = ["false"]', 'verify = ["/nothing/there"]')
            site.have_key()
            self.assertIn("nobody could prove it", site.report("run", "own", expected=2)["message"])
            self.assertEqual([backup["state"] for backup in site.report("list")["backups"]], ["bad", "complete"])
            self.assertEqual(site.plain_left(), [])

    def test_killed_at_every_writing_call_nothing_plain_stays(self):
        every = 1 if os.environ.get("LECTIO_SOAK") else 10
        killed = 0
        with BotApi() as bot, AgeSite(bot) as site:
            site.programs = RELEASE
            site.have_key()
            site.report("run")
            for call in CALLS:
                number = 1
                while self.killed(site, call, number) == -signal.SIGKILL:
                    killed += 1
                    number += every
                    newest = [backup for backup in site.report("list")["backups"] if backup["state"] == "verified"][-1]
                    out = site.folder / "out.sqlite3"
                    site.report("restore", "database", "--id", newest["id"], "--to", str(out))
                    self.assertEqual(site.rows(out), 50, f"{call} {number}")
                    out.unlink()
                    # The restore was under the lock of the archive, which sweeps first.
                    self.assertEqual(site.plain_left(), [], f"{call} {number}")
            site.report("run")
            self.assertEqual(site.plain_left(), [])
            site.report("check")
        print(f"counted: lectio-backup killed at {killed} writing calls of encrypted backups")

    def killed(self, site, call, number, *whom):
        """The exit status of a run that is killed at this call. `whom`: -f: who first comes to it, age included."""
        done = subprocess.run(["strace", *whom, "-qq", "-o", "/dev/null", "-e", f"trace={call}",
                               "-e", f"inject={call}:signal=KILL:when={number}", *site.command("run", "-q")],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=False)
        self.assertIn(done.returncode, (0, 1, -signal.SIGKILL), done.stderr)
        return done.returncode

    def test_age_is_killed_and_nothing_plain_stays(self):
        with BotApi() as bot, AgeSite(bot) as site:
            site.programs = RELEASE
            site.report("run")
            failed = 0
            for number in range(1, 9):
                if self.killed(site, "write", number, "-f") == 1:  # it was age, and the run went on to its end
                    failed += 1
                    self.assertEqual(site.plain_left(), [])
            self.assertGreater(failed, 0)
            site.report("run")
            self.assertEqual(site.plain_left(), [])


if __name__ == "__main__":
    unittest.main()
