#!/usr/bin/env python3
"""lectio-backup's drills: what lies outside of the server is fetched and proven, each `verify_every`."""

import json
import os
import subprocess
import unittest

from monitor import binary
from stand_ins.bot_api import BotApi
from test_backup import Site
from test_backup_age import keygen

DAY_S = 86_400


class Remote(Site):
    """A site whose backups go to a folder and come back from it; `fetch` is the operator's command."""

    def __init__(self, bot):
        super().__init__(bot)
        self.remote = self.folder / "remote"
        self.remote.mkdir()
        self.scratch_was = self.folder / "scratch_was"
        self.base = self.config.read_text()
        self.fetch(["cp", f"{self.remote}/{{name}}", "{file}"])

    def fetch(self, command, more="", every="90d"):
        self.config.write_text(self.base.replace(
            "[backup]", f'[backup]\noffsite = ["cp", "{{file}}", "{self.remote}/"]\noffsite_list = ["ls", "-l", "{self.remote}"]\n'
                        f"offsite_fetch = {json.dumps(command)}\nverify_every = \"{every}\"\n{more}"))

    def drills(self):
        return json.loads((self.folder / "state/backup/drills.json").read_text())["drills"]

    def date_back(self, days):
        """The drills as they would be had they been so many days before."""
        file = self.folder / "state/backup/drills.json"
        state = json.loads(file.read_text())
        for one in state["drills"].values():
            for key in ("tried", "since"):
                done = subprocess.run(["date", "-u", "-d", f"{one[key]} - {days} days", "+%Y-%m-%dT%H:%M:%SZ"], capture_output=True, text=True, check=True)
                one[key] = done.stdout.strip()
        file.write_text(json.dumps(state))

    def away(self):
        return next(file for file in self.remote.iterdir() if file.suffix != ".json")


def overview(site):
    done = subprocess.run([str(binary("lectio-status")), "-c", str(site.config), "--format", "json"], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=600, check=False)
    return next(row for row in json.loads(done.stdout)["backups"] if row["source"] == "database")


class BackupDrillTest(unittest.TestCase):
    def test_what_lies_away_is_fetched_and_proven_when_it_is_time(self):
        with BotApi() as bot, Remote(bot) as site:
            self.assertEqual(site.call("--check-config").returncode, 0)
            report = site.report("run", "--due")
            self.assertIn("was fetched from outside of this server and proven", report["message"])
            self.assertIn("proven last on", site.report("status")["message"])
            self.assertEqual(overview(site)["status"], "ok")
            self.assertEqual(site.drills()["database"]["proof"], "restored")
            self.assertNotIn("fetched", site.report("run", "--due")["message"])
            self.assertEqual([name for name in site.archive() if name.startswith(".")], [])
            site.date_back(91)
            self.assertIn("would be fetched", site.report("run", "--due", "--dry-run")["message"])
            self.assertIn("was fetched", site.report("run", "--due")["message"])
            site.date_back(93)
            self.assertIn("no copy from outside", site.report("status", expected=2)["message"])
            self.assertIn("no copy from outside", site.report("check", expected=2)["message"])
            self.assertEqual(overview(site)["status"], "critical")
            self.assertIn("was fetched", site.report("verify", "--away")["message"])
            site.report("status")
            self.assertEqual(site.told(), [])

    def test_a_copy_that_is_not_what_it_was_is_told_until_it_is(self):
        with BotApi() as bot, Remote(bot) as site:
            site.report("run")
            file = site.away()
            whole = file.read_bytes()
            file.write_bytes(whole[:-3] + b"odd")  # its size is right: the list says nothing
            site.report("check")
            report = site.report("verify", "--away", expected=2)
            self.assertIn("does not pass its proof", report["message"])
            self.assertIn("does not pass its proof", site.report("status", expected=2)["message"])
            self.assertIn("does not pass its proof", site.report("check", expected=2)["message"])
            self.assertEqual(overview(site)["status"], "critical")
            self.assertEqual(site.report("list")["backups"][0]["state"], "verified")  # the one here is good
            self.assertEqual(len(site.told()), 1, site.told())
            self.assertIn("database", site.told()[0])
            site.report("run", "--due")  # not each hour
            site.date_back(1)
            site.report("run", "--due", expected=2)  # but each day
            self.assertEqual(len(site.told()), 1, site.told())
            file.write_bytes(whole)
            site.date_back(1)
            self.assertIn("was fetched", site.report("run", "--due")["message"])
            self.assertEqual(len(site.told()), 2, site.told())
            self.assertIn("✅", site.told()[1])
            self.assertEqual([name for name in site.archive() if name.startswith(".")], [])

    def test_what_is_no_longer_drilled_leaves_nothing_open(self):
        with BotApi() as bot, Remote(bot) as site:
            site.report("run")
            site.away().write_bytes(b"x" * site.away().stat().st_size)
            site.report("verify", "--away", expected=2)
            self.assertEqual(len(site.told()), 1, site.told())
            site.config.write_text(site.config.read_text().replace('verify_every = "90d"\n', ""))
            site.report("run", "--due", "--dry-run")
            self.assertEqual(len(site.told()), 1, site.told())
            site.report("run", "--due")
            self.assertEqual(len(site.told()), 2, site.told())
            self.assertIn("no longer fetched and proven", site.told()[1])
            self.assertEqual(site.drills(), {})
            site.report("run", "--due")
            site.report("status")
            self.assertEqual(len(site.told()), 2, site.told())

    def test_a_remote_that_gives_nothing_is_told_and_after_a_while_it_is_late(self):
        with BotApi() as bot, Remote(bot) as site:
            site.report("run")
            for command, words in ((["false", "{file}"], "has failed"), (["true", "{file}"], "has brought no"),
                                   (["/nothing/there", "{file}"], "cannot be run"), (["mkdir", "{file}"], "has brought no"),
                                   (["ln", "-s", str(site.database), "{file}"], "has brought no")):
                site.fetch(command)
                self.assertIn(words, site.report("verify", "--away", expected=1)["message"], command)
                self.assertIn(words, site.report("status", expected=1)["message"])
                self.assertEqual(overview(site)["status"], "warning")
            self.assertEqual(len(site.told()), 1, site.told())
            site.date_back(93)
            self.assertIn("since", site.report("status", expected=2)["message"])
            site.report("run", "--due", expected=2)
            site.fetch(["cp", f"{site.remote}/{{name}}", "{file}"])
            site.report("verify", "--away")
            self.assertIn("✅", site.told()[-1])
            self.assertEqual([name for name in site.archive() if name.startswith(".")], [])

    def test_an_encrypted_copy_is_proven_where_the_key_is_and_compared_where_it_is_not(self):
        with BotApi() as bot, Remote(bot) as site:
            key = site.folder / "key.txt"
            encrypt = f'encrypt = ["{keygen(key)}"]\n'
            command = ["cp", f"{site.remote}/{{name}}", "{file}"]
            site.fetch(command, encrypt)
            self.assertIn("no key is here (`identity`), so nobody has restored it", site.report("run")["message"])
            self.assertIn("its bytes were unchanged", site.report("status")["message"])
            self.assertIn("database: ", site.report("verify", "database", "--away")["message"]) # a source is as good as an id
            self.assertEqual(site.call("verify", "databas", "--away").returncode, 64)
            self.assertEqual(site.drills()["database"]["proof"], "unchanged")
            site.fetch(command, encrypt + f'identity = "{key}"\n')
            self.assertIn("and proven", site.report("verify", "--away")["message"])
            self.assertEqual(site.drills()["database"]["proof"], "restored")
            self.assertEqual([name for name in site.archive() if name.startswith(".")], [])

    def test_what_cannot_be_is_refused(self):
        with BotApi() as bot, Site(bot) as site:
            base = site.config.read_text()
            site.config.write_text(base.replace("[backup]", '[backup]\nverify_every = "90d"'))
            self.assertIn("nothing is fetched", site.report("run", expected=1)["message"])
            self.assertIn("nothing is fetched", site.report("status", expected=1)["message"])
            for line, words in (('verify_every = "90d"', "needs"), ('offsite = ["cp", "{file}", "/tmp"]\noffsite_fetch = ["cp", "x"]', "where the file goes")):
                site.config.write_text(base.replace("[backup]", "[backup]\n" + line))
                done = site.call("--check-config")
                self.assertEqual(done.returncode, 78)
                self.assertIn(words, done.stdout + done.stderr)
                self.assertNotIn("no errors", done.stdout)
            site.config.write_text(base)
            self.assertEqual(site.call("verify", "--away").returncode, 78)
            os.makedirs(site.folder / "state/backup", exist_ok=True)
            (site.folder / "state/backup/drills.json").write_text("{")  # damaged: as if it were not there
            site.report("run")


if __name__ == "__main__":
    unittest.main()
