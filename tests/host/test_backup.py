#!/usr/bin/env python3
"""lectio-backup restore on a real systemd: the units of a source stand still while what they use is replaced, and run again
whatever becomes of the restore."""

import json
import sys
import unittest

from hosts import Host, skip_where_impossible

DATABASE = "/var/lib/keeper/db.sqlite3"
# Has the database open, as a site has it; says how many rows it sees.
KEEPER = f"""import sqlite3, time
database = sqlite3.connect("{DATABASE}")
open("/run/keeper.rows", "w").write(str(database.execute("select count(*) from lessons").fetchone()[0]))
while True:
    time.sleep(3600)
"""
UNIT = """[Service]
ExecStart=/usr/bin/python3 /opt/keeper.py
"""
CONFIG = f"""
[backup]
dir = "/var/backups/site"
min_free = "1MB"
[backup.source.database]
type = "sqlite"
path = "{DATABASE}"
units = ["keeper", "asleep"]
"""


class Backup(unittest.TestCase):
    def setUp(self):
        self.host = self.enterContext(Host(self._testMethodName.removeprefix("test_").replace("_", "-")))
        self.host.lay_out_site(cron=False)
        self.host.shell(f"cat >>/etc/lectio-monitor/config.toml <<'MORE'\n{CONFIG}\nMORE")
        self.host.run("sed", "-i", 's/^lang = "ru"/lang = "en"/', "/etc/lectio-monitor/config.toml")
        self.host.run("mkdir", "-p", "/var/lib/keeper")
        self.do("pragma journal_mode = wal", "create table lessons (id integer primary key)", "insert into lessons values (1)")
        self.host.write("/opt/keeper.py", KEEPER)
        self.host.write("/etc/systemd/system/keeper.service", UNIT)
        self.host.write("/etc/systemd/system/asleep.service", UNIT)
        self.host.run("systemctl", "daemon-reload")
        self.host.run("systemctl", "start", "keeper")
        self.host.wait_until(lambda: self.seen() == "1", "the database is open")
        self.backup("run")
        self.do("insert into lessons values (2)")

    def do(self, *statements):
        self.host.run("python3", "-c", "import sqlite3, sys\nd = sqlite3.connect(sys.argv[1])\n"
                      "[d.execute(s) for s in sys.argv[2:]]\nd.commit()", DATABASE, *statements)

    def seen(self):
        """By who has it open, since he was started."""
        return self.host.attempt("cat", "/run/keeper.rows").stdout

    def backup(self, *words, code=0):
        done = self.host.attempt("lectio-backup", "--format", "json", *words)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def state(self, unit):
        return self.host.run("systemctl", "show", "-P", "ActiveState", unit).strip()

    def test_units_stand_still(self):
        words = self.backup("restore", "database", "--dry-run")["message"]
        self.assertIn("keeper, asleep would be stopped", words)
        process = self.host.main_process("keeper")
        self.host.run("rm", "/run/keeper.rows")
        self.backup("restore", "database")
        self.host.wait_until(lambda: self.seen() == "1", "who uses it sees what was restored")
        self.assertNotEqual(self.host.main_process("keeper"), process)
        self.assertEqual(self.state("asleep"), "inactive")  # it did not run before
        # What is not there stops nobody.
        self.host.run("sed", "-i", 's/"asleep"/"aslept"/', "/etc/lectio-monitor/config.toml")
        process = self.host.main_process("keeper")
        self.assertIn("unable to stop aslept.service: no such unit", self.backup("restore", "database", code=2)["reason"])
        self.assertEqual(self.host.main_process("keeper"), process)

    def test_killed_meanwhile(self):
        self.host.write("/etc/systemd/system/keeper.service.d/slow.conf", "[Service]\nExecStop=/bin/sh -c 'while [ ! -e /run/go ]; "
                        "do sleep 0.1; done'\n")
        self.host.run("systemctl", "daemon-reload")
        self.host.shell("systemd-run --quiet --unit=restore lectio-backup restore database")
        self.host.wait_until(lambda: self.state("keeper") == "deactivating", "the restore stops it")
        self.host.run("systemctl", "kill", "--signal=KILL", "restore")
        self.host.wait_until(lambda: self.state("restore") != "active", "the restore is gone")
        self.host.run("touch", "/run/go")
        self.host.wait_until(lambda: self.state("keeper") == "inactive", "it has stopped")
        self.backup("run", "--due")
        self.assertEqual(self.state("keeper"), "active")
        self.assertIn("left stopped by a restore", self.host.read("/var/log/lectio-monitor/backup.log"))
        self.host.run("systemctl", "stop", "keeper")  # by a person: it stays so
        self.backup("run", "--due")
        self.assertEqual(self.state("keeper"), "inactive")


if __name__ == "__main__":
    skip_where_impossible()
    unittest.main(argv=sys.argv)
