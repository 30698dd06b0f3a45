#!/usr/bin/env python3
"""lectio-cleanup on a real systemd, run by what the operator has: units, their processes, the journal, and what the rules do not
name stays as it is.
"""

import re
import sys
import unittest

from hosts import SOURCE, Host, skip_where_impossible

CONFIG = "/etc/lectio-monitor/config.toml"
LOG = "/var/log/lectio-monitor/cleanup.log"
RULES = """
[cleanup]
kill = [ { match = '^stray ', older = "0s", units = ["job"], wait = "1s" } ]
journal_max = "20MB"
zombies = { warn = 20, restart = ["breeder"] }
workers = { match = '^pool-worker ', max = 3, restart = "pool" }
"""
POOL = "for each in $(seq $(cat /srv/workers)); do (exec -a pool-worker sleep 1d) & done; wait"
BREEDER = "import os, time; [os.fork() or os._exit(0) for each in range(int(open('/srv/zombies').read()))]; time.sleep(1e6)"
UNIT = "[Service]\nExecStart={}\n"
STRAY = ("bash", "-c", "exec -a stray sleep 1d")
# Does not end when it is asked to.
STUBBORN = ("bash", "-c", "trap '' TERM; exec -a stray sleep 1d")


class Cleanup(unittest.TestCase):
    def setUp(self):
        self.host = self.enterContext(Host(self._testMethodName.removeprefix("test_").replace("_", "-")))
        self.host.lay_out_site(cron=False)
        self.host.shell(f"cat >>{CONFIG} <<'MORE'\n{RULES}\nMORE")
        self.host.run("sed", "-i", 's/^lang = "ru"/lang = "en"/', CONFIG)
        self.host.write("/opt/pool", POOL)
        self.host.write("/opt/breeder.py", BREEDER)
        self.host.shell("echo 5 >/srv/workers; echo 25 >/srv/zombies")
        self.host.write("/etc/systemd/system/pool.service", UNIT.format("/bin/bash /opt/pool"))
        for name in ("breeder", "unnamed"):
            self.host.write(f"/etc/systemd/system/{name}.service", UNIT.format("/usr/bin/python3 /opt/breeder.py"))
        self.host.run("systemctl", "daemon-reload")
        self.host.run("systemctl", "start", "pool", "breeder", "unnamed")
        self.host.wait_until(lambda: (self.count("pool-worker"), self.zombies("breeder"), self.zombies("unnamed")) == (5, 25, 25),
                             "what there is too much of")
        self.host.shell("echo 2 >/srv/workers; echo 0 >/srv/zombies")
        # Long lines: journald takes so many a second, not so much.
        self.host.shell("head -c 40M /dev/urandom | base64 -w 40000 | systemd-cat; journalctl --sync; journalctl --rotate")

    def count(self, name):
        """Processes whose first word it is."""
        return int(self.host.shell(f"pgrep -c -f '^{name} ' || true"))

    def zombies(self, unit):
        return int(self.host.shell(f"ps -o stat= --ppid {self.host.main_process(unit)} | grep -c Z || true"))

    def start(self, name, *command):
        self.host.run("systemd-run", "--quiet", f"--unit={name}", *command)
        return self.host.main_process(name)

    def is_there(self, process):
        return self.host.succeeds("kill", "-0", process)

    def journal(self):
        """Its size on the disk, in megabytes."""
        return int(self.host.shell("du -sm /var/log/journal").split()[0])

    def cleaned_by(self, schedule):
        ended = [self.start("job", *STRAY), self.start("job-2", *STUBBORN)]
        self.host.run("sed", "-i", 's/units = ."job".,/units = ["job", "job-2"],/', CONFIG)
        of_another = self.start("of-another", *STRAY)
        self.host.start_and_leave("systemd-run", "--scope", "--quiet", "--unit=session-99.scope", *STRAY)  # as a person's shell does
        self.host.wait_until(lambda: self.count("stray") == 4, "strays are there")
        before = {unit: self.host.main_process(unit) for unit in ("pool", "breeder", "unnamed", "nginx", "teaching_panel")}
        size = self.journal()
        schedule()
        self.host.wait_until(lambda: self.host.succeeds("grep", "-q", "journal: journal", LOG), "it has cleaned up")
        log = self.host.read(LOG)
        self.assertEqual((self.count("stray"), self.count("pool-worker")), (1, 2))
        self.assertEqual([self.is_there(process) for process in ended], [False, False])
        self.assertTrue(self.is_there(of_another), "of a unit that no rule names")
        self.assertIn("it belongs to of-another.service", log)
        changed = {unit for unit in before if self.host.main_process(unit) != before[unit]}
        self.assertEqual(changed, {"pool", "breeder"}, "restarted, and no other")
        self.assertEqual((self.zombies("breeder"), self.zombies("unnamed")), (0, 25))
        self.assertLess(self.journal(), 21)
        freed = re.search(r"journal: journal, ([0-9.]+) MB freed", log)
        self.assertIsNotNone(freed, log)
        self.assertAlmostEqual(float(freed[1]), size - self.journal(), delta=9)  # what is written meanwhile, and an active file grows by 8 MB
        # What nobody has allowed to be mended is told.
        self.host.wait_until(self.host.messages, "told")
        self.assertIn('zombies = { restart = ["unnamed.service"] }', self.host.messages()[0])

    def test_cleaned_by_a_timer(self):
        def timer():
            self.host.write("/etc/systemd/system/lectio-cleanup.timer.d/soon.conf", "[Timer]\nOnCalendar=\nOnCalendar=*:*:0/5\nAccuracySec=1s\n")
            self.host.start_timers("cleanup")

        self.cleaned_by(timer)
        self.assertEqual(self.host.run("systemctl", "show", "-P", "Result", "lectio-cleanup.service"), "success\n")

    def test_cleaned_by_cron(self):
        (line,) = (line for line in (SOURCE / "crontab.example").read_text().splitlines() if "/lectio-cleanup " in line)
        minutely = line.removeprefix("# 0 ").join(("* ", "\n"))
        self.cleaned_by(lambda: self.host.write("/etc/cron.d/lectio-monitor", minutely))


if __name__ == "__main__":
    skip_where_impossible()
    unittest.main(argv=sys.argv)
