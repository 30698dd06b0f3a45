#!/usr/bin/env python3
"""lectio-backup of files that go to a repository of restic's: the real restic, and what happens to repositories."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time
import unittest

from stand_ins.bot_api import BotApi
from test_backup import Site, grow_tree, look_at_tree

SOURCE = """
[backup.source.media]
type = "files"
paths = ["{media}", "{one}"]
exclude = ["*.tmp"]
"""
GUARD_S = 60  # only a guard against hanging
NOBODY = 65534


class ResticSite(Site):
    """A site with a source `media` of files, and a repository of restic's in a folder beside."""

    def __init__(self, bot, *needs, before=(), more=""):
        super().__init__(bot)
        self.repository = self.folder / "repository"
        self.password = self.folder / "password"
        self.password.write_text("of the repository")
        self.media = self.folder / "srv/media"
        grow_tree(self.media)
        self.one = self.folder / "srv/settings.py"
        self.one.write_text("DEBUG = False\n")
        self.restic = ["restic", "-r", str(self.repository), "--password-file", str(self.password), "--no-cache", *needs]
        subprocess.run([*self.restic, "init", "-q"], check=True, stdin=subprocess.DEVNULL, timeout=GUARD_S)
        text = self.config.read_text().replace("[backup]\n", f"[backup]\nnice = 0\nrestic = {json.dumps([*before, *self.restic])}\n{more}\n")
        text = text[:text.index("[backup.source.database]")] + text[text.index("[channel"):]  # of files alone
        self.config.write_text(text + SOURCE.format(media=self.media, one=self.one))

    def packs(self):
        return sorted((file for file in self.repository.glob("data/*/*")), key=lambda file: file.stat().st_size)

    def locks(self):
        return [file for file in self.repository.glob("locks/*") if "-tmp-" not in file.name]  # whole ones

    def snapshots(self):
        listed = subprocess.run([*self.restic, "snapshots", "--json", "--no-lock"], capture_output=True, check=True, timeout=GUARD_S)
        return json.loads(listed.stdout)


def wait_for(condition):
    until = time.monotonic() + GUARD_S
    while not condition():
        if time.monotonic() > until:
            raise AssertionError("in vain")
        time.sleep(0.01)


@unittest.skipUnless(shutil.which("restic"), "restic is not installed")
class BackupResticTest(unittest.TestCase):
    def test_files_go_to_the_repository_are_proven_there_and_come_back(self):
        with BotApi() as bot, ResticSite(bot) as site:
            self.assertEqual(site.call("--check-config").returncode, 0, site.call("--check-config").stdout)
            before = look_at_tree(site.media)
            report = site.report("run")
            made = report["backups"][0]
            self.assertEqual((made["state"], made["verified_at"]), ("unchanged", None))
            self.assertIn("none was read back yet", report["message"])
            self.assertNotIn("proven", report["message"])
            self.assertRegex(made["path"], r"/media-\d{8}T\d{6}Z-[a-z2-7]{6}\.restic\.zst$")
            self.assertEqual(len(site.archive()), 2)
            there = site.snapshots()
            self.assertEqual([(one["id"], one["tags"], one["paths"]) for one in there],
                             [(made["restic"]["snapshot"], ["lectio", "media"], sorted([str(site.media), str(site.one)]))])
            self.assertEqual(made["restic"]["files"], 9)
            self.assertIn("unchanged  restic", site.call("list").stdout)
            status = site.report("status")["message"]
            self.assertIn("lies in the repository of restic", status)
            self.assertIn("none was read back yet", status)
            site.report("check")
            self.assertIn("proven", site.report("verify")["message"])
            self.assertEqual(site.report("list")["backups"][0]["state"], "verified")
            # What the repository has already is not sent again.
            again = site.report("run")
            self.assertLess(again["backups"][0]["restic"]["added_size"], made["restic"]["added_size"] / 10)
            self.assertIn("was read back last on", again["message"])
            self.assertIn("not due yet", site.report("run", "--due")["message"])

            then = site.folder / "then"
            site.report("restore", "media", "--to", str(then))
            self.assertEqual(look_at_tree(then / site.media.relative_to("/")), before)
            self.assertEqual(site.call("restore", "media", "--to", str(then)).returncode, 64)

            (site.media / "a/lesson.mp4").write_bytes(b"damaged")
            (site.media / "new").write_bytes(b"new")
            site.one.unlink()
            damaged = look_at_tree(site.media)
            words = site.report("restore", "media", "--dry-run")["message"]
            self.assertIn("restic would restore it", words)
            self.assertIn(f"{site.media} would be replaced", words)
            self.assertEqual(look_at_tree(site.media), damaged)
            report = site.report("restore", "media")
            self.assertEqual(look_at_tree(site.media), before)
            self.assertEqual(site.one.read_text(), "DEBUG = False\n")
            self.assertEqual(look_at_tree(pathlib.Path(report["aside"][0])), damaged)
            self.assertEqual([name for name in os.listdir(site.media.parent) if name.startswith(".")], [])
            self.assertEqual([name for name in site.archive() if name.startswith(".")], [])

            self.assertIn("restic forget --tag lectio,media", site.report("prune")["message"])
            self.assertEqual(len(site.snapshots()), 2)
            self.assertEqual(site.locks(), [])
            self.assertEqual(site.told(), [])

    def test_neither_offsite_nor_encrypt_is_for_it_and_verify_every_reads_it_back(self):
        more = 'offsite = ["false", "{file}"]\noffsite_list = ["false"]\noffsite_fetch = ["false", "{file}"]\n' \
               'encrypt = ["age1nobody"]\nverify_every = "7d"'
        with BotApi() as bot, ResticSite(bot, more=more) as site:
            report = site.report("run")
            self.assertIn("proven", report["message"])
            first = report["backups"][0]
            self.assertEqual((first["state"], first["encrypted"], first["offsite_at"]), ("verified", False, None))
            second = site.report("run")["backups"][0]  # not due for a week
            self.assertEqual(second["state"], "unchanged")
            # That one was read back on a day that is to come says nothing.
            manifest = pathlib.Path(first["path"].replace(".restic.zst", ".json"))
            told = json.loads(manifest.read_text())
            manifest.write_text(json.dumps({**told, "verified": f"{int(told['verified'][:4]) + 1}{told['verified'][4:]}"}))
            self.assertIn("none was read back yet", site.report("status")["message"])
            self.assertEqual(site.report("run")["backups"][0]["state"], "verified")
            self.assertIn("`offsite` and `encrypt` are not for it", site.report("status")["message"])
            self.assertEqual(site.call("--check-config").returncode, 0)

    def test_a_repository_that_cannot_be_used_is_told_once_and_tried_again(self):
        with BotApi() as bot, ResticSite(bot) as site:
            site.report("run")
            good = site.archive()
            gone = site.folder / "gone"

            def lock():
                site.check = subprocess.Popen([*site.restic, "check", "--read-data"], stdout=subprocess.DEVNULL)
                wait_for(site.locks)
                site.check.send_signal(signal.SIGSTOP)

            def unlock():
                site.check.send_signal(signal.SIGCONT)
                self.assertEqual(site.check.wait(), 0)
            for begin, words, end in (
                    (lambda: site.password.write_text("another"), "wrong password", lambda: site.password.write_text("of the repository")),
                    (lambda: site.repository.rename(gone), "unable to open config file", lambda: gone.rename(site.repository)),
                    (lock, "already locked exclusively", unlock)):
                with self.subTest(words):
                    told = len(site.told())
                    begin()
                    for _ in range(2):
                        self.assertIn(words, site.report("run", expected=1)["message"])
                        self.assertEqual(site.archive(), good)
                    self.assertEqual(len(site.told()), told + 1, site.told())
                    if "locked" in words:
                        self.assertEqual(len(site.locks()), 1)  # it is not ours
                    else:
                        self.assertIn("could not be looked at", site.report("verify", expected=1)["message"])
                        self.assertEqual(site.report("list")["backups"][-1]["state"], "unchanged")
                        self.assertNotEqual(site.call("restore", "media", "--to", str(site.folder / "then")).returncode, 0)
                        self.assertFalse((site.folder / "then").exists())
                        site.report("check", expected=1)
                    end()
                    site.report("run")
                    self.assertIn("✅", site.told()[-1])
                    good = site.archive()

    def test_a_damaged_repository_is_found(self):
        with BotApi() as bot, ResticSite(bot) as site:
            site.report("run")
            pack = site.packs()[-1]
            content = pack.read_bytes()
            pack.chmod(0o600)
            pack.write_bytes(content[:1000] + bytes([content[1000] ^ 1]) + content[1001:])
            self.assertIn("the repository is damaged", site.report("verify", expected=2)["message"])
            self.assertEqual(site.report("list")["backups"][0]["state"], "bad")
            pack.write_bytes(content)
            self.assertIn("proven", site.report("verify")["message"])
            pack.unlink()
            self.assertIn("the repository is damaged", site.report("check", expected=2)["message"])
            report = site.report("run", expected=2)
            self.assertEqual(report["backups"][0]["state"], "bad")
            pack.write_bytes(content)
            site.report("verify", report["backups"][0]["id"])
            # A snapshot that somebody has removed there is no backup.
            subprocess.run([*site.restic, "forget", "-q", report["backups"][0]["restic"]["snapshot"]], check=True, timeout=GUARD_S)
            self.assertIn("the repository has no snapshot", site.report("verify", expected=2)["message"])

    def test_what_cannot_be_read_is_named_and_the_rest_is_a_backup(self):
        before = ("setpriv", f"--reuid={NOBODY}", "--clear-groups") if os.geteuid() == 0 else ()
        with BotApi() as bot, ResticSite(bot, before=before) as site:
            site.folder.chmod(0o755)
            (site.media / "secret").chmod(0)
            for folder, _, files in os.walk(site.repository):
                for path in (folder, *(os.path.join(folder, name) for name in files)):
                    if before:
                        os.chown(path, NOBODY, NOBODY)
            report = site.report("run", expected=1)
            self.assertIn("1 files could not be read and are not in it", report["message"])
            self.assertIn(str(site.media / "secret"), report["message"])
            self.assertEqual((report["backups"][0]["state"], report["backups"][0]["restic"]["unread"]), ("unchanged", 1))
            self.assertEqual(len(site.told()), 1)
            self.assertIn("not due yet", site.report("run", "--due")["message"])
            site.report("status")

    def test_it_is_killed_in_the_middle_and_begun_anew(self):
        with BotApi() as bot, ResticSite(bot, "--limit-upload", "500") as site:
            (site.media / "large").write_bytes(os.urandom(3_000_000))
            for ends in (signal.SIGTERM, signal.SIGKILL):
                with self.subTest(ends):
                    locks = len(site.locks())
                    run = subprocess.Popen(site.command("run"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                    wait_for(lambda before=locks: len(site.locks()) > before)
                    run.send_signal(ends)
                    run.wait()
                    self.assertEqual(site.report("list")["backups"], [])
            self.assertEqual(site.snapshots(), [])
            made = site.report("run")["backups"][0]  # the locks of those that were killed keep nobody from it
            self.assertEqual(made["state"], "unchanged")
            self.assertEqual([name for name in site.archive() if name.startswith(".")], [])
            self.assertEqual(len(site.snapshots()), 1)
            site.report("verify")

    def test_files_that_change_while_they_are_read_do_no_harm(self):
        with BotApi() as bot, ResticSite(bot) as site:
            done = threading.Event()

            def write():
                number = 0
                while not done.is_set():
                    number += 1
                    (site.media / "changing").write_bytes(os.urandom(1 + number % 7 * 100_000))
                    (site.media / f"coming {number % 5}").touch()
                    (site.media / f"coming {(number + 2) % 5}").unlink(missing_ok=True)
            writer = threading.Thread(target=write)
            writer.start()
            try:
                for _ in range(3):
                    done_run = site.call("--format", "json", "run")  # 1: a file vanished before it was read
                    self.assertIn(done_run.returncode, (0, 1), done_run.stdout)
                    self.assertEqual(json.loads(done_run.stdout)["backups"][0]["state"], "unchanged")
            finally:
                done.set()
                writer.join()
            for backup in site.report("list")["backups"]:
                self.assertIn("proven", site.report("verify", backup["id"])["message"])

    def test_a_tar_of_before_stays_a_backup_and_is_compared_with_nothing_of_restic(self):
        with BotApi() as bot, ResticSite(bot) as site:
            text = site.config.read_text()
            site.config.write_text("\n".join(line for line in text.splitlines() if not line.startswith("restic = ")))
            tar = site.report("run")["backups"][0]
            self.assertRegex(tar["path"], r"\.tar\.zst$")
            site.config.write_text(text)
            self.assertEqual(site.report("run")["backups"][0]["state"], "unchanged")  # its list is much smaller than the tar
            site.report("restore", "media", "--id", tar["id"], "--to", str(site.folder / "of the tar"))
            self.assertEqual(look_at_tree(site.folder / "of the tar" / site.media.relative_to("/")), look_at_tree(site.media))
            # Without `restic` nobody knows where the other one is, and that is said.
            site.config.write_text("\n".join(line for line in text.splitlines() if not line.startswith("restic = ")))
            refused = site.call("restore", "media")
            self.assertEqual(refused.returncode, 78)
            self.assertIn("is not set", refused.stdout + refused.stderr)

    def test_what_was_forgotten_in_the_repository_is_named(self):
        with BotApi() as bot, ResticSite(bot) as site:
            first = site.report("run")["backups"][0]
            site.report("run")
            self.assertNotIn("no longer in the repository", site.report("check")["message"])
            subprocess.run([*site.restic, "forget", "-q", first["restic"]["snapshot"]], check=True, stdin=subprocess.DEVNULL, timeout=GUARD_S)
            words = site.report("check", expected=1)["message"]
            self.assertRegex(words, first["id"] + " of .*: its snapshot is no longer in the repository")
            self.assertEqual(words.count("no longer in the repository"), 1)

    def test_verify_goes_on_behind_a_source_that_cannot_be_asked(self):
        with BotApi() as bot, ResticSite(bot) as site:
            with site.config.open("a") as config:
                config.write('[backup.source.notes]\ntype = "exec"\ncommand = ["date"]\nverify = ["grep", "-q", ":"]\n')
            site.report("run")
            site.password.write_text("another")
            report = site.report("verify", expected=1)
            self.assertEqual([one["source"] for one in report["backups"]], ["notes"])
            self.assertRegex(report["message"], r"media: \w+ of .* could not be looked at, it is what it was: .*wrong password")
            media = next(one for one in site.report("list")["backups"] if one["source"] == "media")
            self.assertEqual(site.call("verify", media["id"]).returncode, 70)

    def test_a_tar_whose_manifest_is_torn_is_no_measure_of_a_list(self):
        with BotApi() as bot, ResticSite(bot) as site:
            text = site.config.read_text()
            without = "\n".join(line for line in text.splitlines() if not line.startswith("restic = "))
            (site.media / "random").write_bytes(os.urandom(1_000_000))
            site.config.write_text(without)
            tar = pathlib.Path(site.report("run")["backups"][0]["path"])
            manifest = tar.with_name(tar.name.replace(".tar.zst", ".json"))
            manifest.write_text(manifest.read_text()[:100])
            site.config.write_text(text)
            report = site.report("run", expected=1)
            self.assertEqual(report["backups"][0]["state"], "unchanged")
            self.assertIn("cannot be read: none is removed", report["message"])
            # Of the next tar it is one.
            (site.media / "random").unlink()
            manifest_of_list = pathlib.Path(report["backups"][0]["path"].replace(".restic.zst", ".json"))
            manifest_of_list.unlink()
            site.config.write_text(without)
            self.assertEqual(site.report("run", expected=1)["backups"][0]["state"], "suspect")

    def test_what_lay_elsewhere_is_drilled_until_none_of_it_is_left(self):
        with BotApi() as bot, ResticSite(bot) as site:
            remote = site.folder / "remote"
            remote.mkdir()
            text = site.config.read_text().replace(
                "[backup]\n", f'[backup]\noffsite = ["cp", "{{file}}", "{remote}/"]\nverify_every = "90d"\n'
                              f'offsite_fetch = ["cp", "{remote}/{{name}}", "{{file}}"]\n')
            site.config.write_text("\n".join(line for line in text.splitlines() if not line.startswith("restic = ")))
            tar = pathlib.Path(site.report("run")["backups"][0]["path"])
            drills = site.folder / "state/backup/drills.json"
            self.assertEqual(list(json.loads(drills.read_text())["drills"]), ["media"])
            site.config.write_text(text)
            site.report("run")
            self.assertEqual(list(json.loads(drills.read_text())["drills"]), ["media"])  # a copy of the tar lies there
            self.assertIn("was fetched", site.report("verify", "--away")["message"])
            tar.unlink()
            tar.with_name(tar.name.replace(".tar.zst", ".json")).unlink()
            site.report("run")
            self.assertEqual(json.loads(drills.read_text())["drills"], {})
            self.assertEqual(site.told(), [])

    def test_most_of_it_gone_waits_for_a_person(self):
        with BotApi() as bot, ResticSite(bot) as site:
            site.report("run")
            (site.media / "hole").unlink()
            small = site.report("run", expected=1)["backups"][0]
            self.assertEqual(small["state"], "suspect")
            site.report("accept", small["id"], "--reason", "it was a hole")
            self.assertEqual(site.report("list")["backups"][-1]["state"], "unchanged")


if __name__ == "__main__":
    unittest.main()
