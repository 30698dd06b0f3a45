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


QUEUE = """
[backup]
dir = "/var/backups/site"
min_free = "1MB"
[backup.source.queue]
type = "redis"
url = "redis://127.0.0.1:6379/0"
units = ["redis-server"]
"""


class HostWithBackups(unittest.TestCase):
    def lay_out(self, config):
        self.host = self.enterContext(Host(self._testMethodName.removeprefix("test_").replace("_", "-")))
        self.host.lay_out_site(cron=False)
        self.host.shell(f"cat >>/etc/lectio-monitor/config.toml <<'MORE'\n{config}\nMORE")
        self.host.run("sed", "-i", 's/^lang = "ru"/lang = "en"/', "/etc/lectio-monitor/config.toml")

    def backup(self, *words, code=0):
        done = self.host.attempt("lectio-backup", "--format", "json", *words)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def state(self, unit):
        return self.host.run("systemctl", "show", "-P", "ActiveState", unit).strip()


class Backup(HostWithBackups):
    def setUp(self):
        self.lay_out(CONFIG)
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


class BackupOfRedis(HostWithBackups):
    """Debian's own redis-server.service, as it is shipped: a server writes its dump as it stops, over whatever lies there."""

    def redis(self, *words):
        return self.host.run("redis-cli", *words).strip()

    def test_redis_stands_still(self):
        self.lay_out(QUEUE)
        self.redis("set", "lesson", "kept")
        self.assertIn("backed up and proven", self.backup("run")["message"])
        self.redis("set", "lesson", "lost")
        self.redis("set", "later", "1")
        self.assertIn("redis-server would be stopped", self.backup("restore", "queue", "--dry-run")["message"])
        process, dump = self.host.main_process("redis-server"), "/var/lib/redis/dump.rdb"
        self.backup("restore", "queue")
        self.assertNotEqual(self.host.main_process("redis-server"), process)
        self.assertEqual((self.state("redis-server"), self.redis("get", "lesson"), self.redis("exists", "later")), ("active", "kept", "0"))
        self.assertEqual(self.host.run("stat", "-c", "%U:%G", dump), "redis:redis\n")
        self.redis("save")  # it may write what was put in its place
        self.backup("verify")
        self.assertEqual(self.host.health()[0], 0)  # Celery is back, too
        # Without the unit a server that answers is not touched.
        self.host.run("sed", "-i", "/^units = /d", "/etc/lectio-monitor/config.toml")
        process = self.host.main_process("redis-server")
        self.assertIn("stop", self.backup("restore", "queue", code=2)["reason"])
        self.assertEqual((self.host.main_process("redis-server"), self.redis("get", "lesson")), (process, "kept"))


if __name__ == "__main__":
    skip_where_impossible()
    unittest.main(argv=sys.argv)
