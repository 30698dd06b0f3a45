#!/usr/bin/env python3
"""lectio-backup of what a program writes: proven by another one or not at all, put back by a third, and hostile ones."""

import json
import os
import pathlib
import subprocess
import unittest

from stand_ins.bot_api import BotApi
from test_backup import Site

SOURCE = """
[backup.source.own]
type = "exec"
command = {command}
extension = "sql"
timeout = "{timeout}"
{more}
"""
CONTENT = b"create table lessons (id);\n" + os.urandom(200_000)
HOSTILE = {
    "writes nothing": ("exit 0", "it has written nothing"),
    "fails after all was written": ("cat {content}; echo the server went away >&2; exit 1", "the server went away"),
    "fails without a word": ("cat {content}; exit 3", "exit status 3"),
    "is killed": ("cat {content}; kill -9 $$", "ended by signal 9"),
    "closes its output and hangs": ("exec >&-; sleep 1000", "was ended before it was done"),
    "hangs and cannot be asked to end": ("trap '' TERM INT HUP; cat {content}; while :; do sleep 1000; done", "was ended before it was done"),
    "leaves a child that hangs": ("cat {content}; sleep 1000 & wait", "was ended before it was done"),
    "is not there": (None, "unable to start"),
}


class ExecSite(Site):
    """A site with a source `own`: scripts of the operator's own."""

    def __init__(self, bot, script="cat {content}", timeout="30m", **programs):
        super().__init__(bot)
        self.content = self.folder / "content"
        self.content.write_bytes(CONTENT)
        self.base = self.config.read_text()
        self.have(script, timeout, **programs)

    def script(self, name, text):
        file = self.folder / name
        file.write_text("#!/bin/sh\n" + text.format(content=self.content, folder=self.folder) + "\n")
        file.chmod(0o755)
        return json.dumps([str(file)])

    def have(self, script="cat {content}", timeout="30m", more="", **programs):
        command = json.dumps([str(self.folder / "nothing")]) if script is None else self.script("dump", script)
        more += "\n".join(f"{key} = {self.script(key, text)}" for key, text in programs.items())
        self.config.write_text(self.base + SOURCE.format(command=command, timeout=timeout, more=more))

    def made(self):
        return [backup for backup in self.report("list")["backups"] if backup["source"] == "own"]

    def manifest(self, backup):
        return json.loads((self.folder / f"backups/{pathlib.Path(backup['path']).name.partition('.')[0]}.json").read_text())


class BackupExecTest(unittest.TestCase):
    def test_without_a_verify_nothing_says_that_it_is_proven(self):
        with BotApi() as bot, ExecSite(bot) as site:
            self.assertEqual(site.call("--check-config").returncode, 0)
            report = site.report("run", "own")
            self.assertIn("whether it can be restored nobody has tried", report["message"])
            self.assertNotIn("proven", report["message"])
            backup = report["backups"][0]
            self.assertRegex(backup["path"], r"/own-\d{8}T\d{6}Z-[a-z2-7]{6}\.sql\.zst$")
            self.assertEqual((backup["state"], backup["verified_at"]), ("unchanged", None))
            self.assertTrue(backup["unchanged_at"])
            manifest = site.manifest(backup)
            self.assertEqual((manifest["state"], "verified" in manifest), ("unchanged", False))
            self.assertIn("unchanged", site.call("list").stdout)
            self.assertNotIn("verified", site.call("list").stdout)
            site.report("run", "database")
            status = site.report("status")["message"].splitlines()
            own = "\n".join(line for line in status if line.startswith("own:"))
            self.assertIn("whether it can be restored nobody has tried", own)
            self.assertNotIn("proven", own)
            verify = site.report("verify", backup["id"])["message"]
            self.assertIn("its bytes are unchanged", verify)
            self.assertNotIn("proven", verify)
            self.assertEqual(subprocess.run(["zstd", "-dc", backup["path"]], capture_output=True, check=True).stdout, CONTENT)
            out = site.folder / "out.sql"
            site.report("restore", "own", "--to", str(out))
            self.assertEqual(out.read_bytes(), CONTENT)
            self.assertIn("has no `restore`", site.call("restore", "own").stdout + site.call("restore", "own").stderr)
            self.assertIn("not due yet", site.report("run", "own", "--due")["message"])
            # What has changed on the disk is found all the same.
            pathlib.Path(backup["path"]).write_bytes(b"something else")
            self.assertEqual(site.report("verify", backup["id"], expected=2)["backups"][0]["state"], "bad")

    def test_a_verify_proves_it_and_a_restore_puts_it_back(self):
        with BotApi() as bot, ExecSite(bot, verify="exec cmp - {content}", restore="cat > {folder}/restored") as site:
            report = site.report("run", "own")
            self.assertIn("backed up and proven", report["message"])
            backup = report["backups"][0]
            self.assertEqual(backup["state"], "verified")
            self.assertIn("proven", site.report("verify", backup["id"])["message"])
            self.assertIn("would get it on its standard input", site.report("restore", "own", "--dry-run")["message"])
            self.assertFalse((site.folder / "restored").exists())
            site.report("restore", "own")
            self.assertEqual((site.folder / "restored").read_bytes(), CONTENT)
            site.have(verify="exec cmp - {content}", restore="head -c 10 > {folder}/restored; echo no room >&2; exit 4")
            self.assertIn("no room", site.report("restore", "own", expected=2)["message"])
            # Whatever the program wrote, it is not good if the other one says so.
            site.have("echo 'create table'", verify="exec cmp - {content}")
            report = site.report("run", "own", expected=2)
            self.assertIn("says that it cannot be restored (exit status 1)", report["message"])
            self.assertEqual(report["backups"][0]["state"], "bad")
            site.report("restore", "own", "--to", str(site.folder / "good"))  # the one before
            self.assertEqual((site.folder / "good").read_bytes(), CONTENT)
            # One that cannot be asked proves nothing.
            site.have(verify="kill -9 $$")
            self.assertIn("nobody could prove it", site.report("run", "own", expected=1)["message"])
            self.assertEqual(site.made()[-1]["state"], "complete")
            self.assertEqual([name for name in site.archive() if name.startswith(".")], [])

    def test_a_hostile_program_makes_no_backup_and_nothing_of_it_stays(self):
        with BotApi() as bot, ExecSite(bot) as site:
            site.report("run", "own")
            good = site.archive()
            for what, (script, words) in HOSTILE.items():
                with self.subTest(what):
                    site.have(script, timeout="2s" if "before it was done" in words else "30m")
                    report = site.report("run", "own", expected=1)
                    self.assertIn("no backup", report["message"])
                    self.assertIn(words, report["message"])
                    self.assertEqual(site.archive(), good)
            self.assertEqual(len(site.told()), 1, site.told())  # the first of them; the others are the same trouble
            site.have()
            site.report("run", "own")
            self.assertIn("✅", site.told()[-1])

    def test_who_writes_for_ever_is_ended_before_the_disk_is_full(self):
        with BotApi() as bot, ExecSite(bot) as site:
            disk = os.statvfs(site.folder)
            free = disk.f_bavail * disk.f_frsize
            site.base = site.base.replace('min_free = "1MB"', f'min_free = "{free - 200_000_000}B"')
            site.have("exec cat /dev/zero")
            self.assertIn("No space left", site.report("run", "own", expected=2)["message"])
            self.assertEqual(site.archive(), [])

    def test_it_runs_as_the_user_that_is_named_and_gets_only_its_file(self):
        if os.geteuid() != 0:
            self.skipTest("only root becomes somebody else")
        with BotApi() as bot, ExecSite(bot) as site:
            site.folder.chmod(0o755)
            site.have("id -un; ls /proc/self/fd | wc -l", more='user = "nobody"\n', verify="read user; [ $user = nobody ] && [ $(id -un) = nobody ]")
            backup = site.report("run", "own")["backups"][0]
            self.assertEqual(backup["state"], "verified")
            said = subprocess.run(["zstd", "-dc", backup["path"]], capture_output=True, check=True).stdout.split()
            self.assertEqual(said[0], b"nobody")
            self.assertLessEqual(int(said[1]), 4)  # 0, 1, 2 and the folder that ls reads

    def test_a_much_smaller_one_waits_for_a_person(self):
        with BotApi() as bot, ExecSite(bot) as site:
            site.report("run", "own")
            site.have("head -c 1000 {content}")
            small = site.report("run", "own", expected=1)["backups"][0]
            self.assertEqual(small["state"], "suspect")
            site.report("accept", small["id"], "--reason", "the table was emptied")
            self.assertEqual(site.made()[-1]["state"], "unchanged")


if __name__ == "__main__":
    unittest.main()
