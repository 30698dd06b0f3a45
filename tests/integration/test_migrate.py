#!/usr/bin/env python3
"""install.sh --migrate and --undo on a host as the bash suite has left it, in mounts of this test's own.

No cron and no systemd run here: tests/host/test_migrate.py has them. Here it is killed at any moment, and told of everything odd.
"""

import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import migration
from migration import LINKED, SUITE, listing
from monitor import RELEASE, SOURCE, binary, count

TOOLS = ("health", "notify", "smoke", "deepcheck", "heartbeat", "deploy", "backup", "cleanup", "status")
PLACES = ("/etc", "/opt", "/usr/local", "/var/lib", "/var/log", "/var/spool", "/var/www")
SECRETS = ("made-up-token", "another-made-up-bot", "made up")
CRONTAB = pathlib.Path("/var/spool/cron/crontabs/root")


class Lines(unittest.TestCase):
    """What a line of a crontab does."""

    def tools_for(self, line, kind="user"):
        script = (f'set -euo pipefail; state_dir=/x; source "{SOURCE}/packaging/migrate.sh"; '
                  'if tools=$(tools_for "$1" "$2"); then echo $tools; else echo no; fi')
        done = subprocess.run(["bash", "-c", script, "-", line, kind], capture_output=True, text=True, check=True)
        self.assertEqual(done.stderr, "")
        return done.stdout.strip()

    def test_understood(self):
        for line, tools in (
                ("* * * * * /opt/lectio-monitor/health_check.sh", "health"),
                ("\t*/5 1-3 * jan mon /opt/lectio-monitor/smoke_check.sh   >/dev/null 2>&1", "smoke"),
                ("@reboot bash /opt/lectio-monitor/guardian.sh", "health"),
                ("@hourly /bin/sh /opt/lectio-monitor/cleanup_processes.sh >> /var/log/lectio-monitor/cron.log 2>&1 || true", "cleanup"),
                ("30 * * * * cd /opt/lectio-monitor/ && ./deep_check.sh", "deepcheck"),
                ("30 * * * * nice -n 19 ionice -c3 timeout 300 flock -n /run/x.lock /opt/lectio-monitor/deep_check.sh &>> /x", "deepcheck"),
                ("0 3 * * * /opt/lectio-monitor/backup_db.sh > /x && /opt/lectio-monitor/deploy_safe.sh cleanup 7", "backup cleanup")):
            self.assertEqual(self.tools_for(line), tools, line)
        self.assertEqual(self.tools_for("* * * * * root /opt/lectio-monitor/heartbeat.sh", "system"), "heartbeat")

    def test_left_alone(self):
        for line in ("* * * * * /opt/lectio-monitor/health_check.sh | tee /x", "* * * * * /opt/lectio-monitor/health_check.sh -v",
                     "* * * * * /opt/lectio-monitor/health_check.sh; /root/more.sh", "* * * * * ./health_check.sh",
                     "* * * * * cd /srv && ./health_check.sh", "* * * * * X=1 /opt/lectio-monitor/health_check.sh",
                     "* * * * * bash -c '/opt/lectio-monitor/health_check.sh'", "* * * * * /opt/lectio-monitor/health_check.sh $(id)",
                     "* * * * * /opt/lectio-monitor/health_check.sh %now", "* * * * * /opt/lectio-monitor/health_check.sh &",
                     "* * * * * /opt/lectio-monitor/deploy_safe.sh frontend /x", "* * * * * /opt/lectio-monitor/security_check.sh",
                     "* * * * * [ -e /x ] && /opt/lectio-monitor/health_check.sh", "* * * * /opt/lectio-monitor/health_check.sh",
                     "* * * * * /srv/health_check.sh", "nonsense", "* * * * * timeout", "* * * * * flock -n"):
            self.assertEqual(self.tools_for(line), "no", line)
        self.assertEqual(self.tools_for("* * * * * www-data /opt/lectio-monitor/heartbeat.sh", "system"), "no")


class Migrate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.built = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="lectio-built-")))
        (cls.built / "bin").mkdir()
        for tool in TOOLS:
            subprocess.run(["strip", "-o", cls.built / f"bin/lectio-{tool}", binary(f"lectio-{tool}", RELEASE)], check=True)
        shutil.copytree(SOURCE / "config/profiles", cls.built / "share/lectio-monitor/profiles")

    def setUp(self):
        self.layers = self.enterContext(tempfile.TemporaryDirectory(prefix="lectio-layers-"))
        self.mount("tmpfs", "none", self.layers)
        for place in PLACES:
            upper, work = (f"{self.layers}{place}/{each}" for each in ("upper", "work"))
            os.makedirs(upper)
            os.makedirs(work)
            self.mount("overlay", "overlay", place, "-o", f"lowerdir={place},upperdir={upper},workdir={work}")
        self.mount("tmpfs", "none", "/run")
        for old in ("/etc/lectio-monitor", "/opt/lectio-monitor", "/var/lib/lectio-monitor", "/var/log/lectio-monitor"):
            shutil.rmtree(old, ignore_errors=True)
        os.makedirs("/var/www/teaching_panel/frontend/build", exist_ok=True)
        os.makedirs("/var/www/teaching_panel/.git", exist_ok=True)
        migration.write("", "/var/www/teaching_panel/teaching_panel/manage.py", "")
        os.makedirs("/var/spool/cron/crontabs", mode=0o1730, exist_ok=True)
        os.makedirs("/etc/systemd/system", exist_ok=True)
        migration.lay_out()
        self.before = self.list()

    def mount(self, kind, what, where, *options):
        subprocess.run(["mount", "-t", kind, *options, what, where], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", where], check=True)

    def list(self):
        # nginx of another test gives its folders to whom it runs as, and what lies below an overlay is seen through it.
        return listing(PLACES, without=("/var/lib/lectio-monitor-undone", "/var/lib/nginx", "/etc/mtab"))

    def install(self, *words, environment=None):
        if "--undo" not in words:
            words = (*words, "--built", str(self.built))
        return subprocess.run([SOURCE / "install.sh", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600,
                              check=False, env=os.environ | {"LANG": "en_US.UTF-8"} | (environment or {}))

    def migrate(self, *words):
        done = self.install("--migrate", *words)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for secret in SECRETS:
            self.assertNotIn(secret, done.stdout + done.stderr)
        return done.stdout

    def undo(self):
        done = self.install("--migrate", "--undo")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def assert_as_before(self):
        self.maxDiff = None
        now = self.list()
        self.assertEqual({path: now.get(path) for path in now.keys() | self.before.keys() if now.get(path) != self.before.get(path)},
                         {path: self.before.get(path) for path in now.keys() | self.before.keys() if now.get(path) != self.before.get(path)})

    def active(self, *files):
        """The lines of crontabs that run something."""
        lines = [line for file in files for line in file.read_text().splitlines()]
        return [line for line in lines if re.match(r"[0-9*@]", line)]

    def all_active(self):
        return self.active(CRONTAB, *pathlib.Path("/etc/cron.d").iterdir())

    def assert_taken_over(self):
        """Each old name does a tool's work, also behind a shell; each tool is scheduled once, and nothing of the old suite beside it."""
        for name in LINKED:
            version = subprocess.run([f"{SUITE}/{name}", "--version"], capture_output=True, text=True, check=False)
            self.assertRegex(version.stdout, "^lectio-", name)
            by_shell = subprocess.run(["bash", f"{SUITE}/{name}", "--version"], capture_output=True, text=True, check=False)
            self.assertEqual(by_shell.stdout, version.stdout, name)
        runs = self.all_active()
        for tool in ("health", "notify", "smoke", "deepcheck", "heartbeat", "cleanup"):
            self.assertEqual(len([line for line in runs if f"/lectio-{tool} " in line]), 1, runs)
        self.assertEqual([line for line in runs if f"{SUITE}/" in line], self.stays)
        for own in ("/root/certificates.sh", "clear_sessions.sh"):
            self.assertEqual(len([line for line in runs if own in line]), 1, own)

    # Without a database there is nothing to back up by lectio-backup: the line stays.
    stays = ["0 3 * * * /opt/lectio-monitor/backup_db.sh; /opt/lectio-monitor/deploy_safe.sh cleanup 7",
             "15 4 * * * /opt/lectio-monitor/security_check.sh"]

    def test_there_and_back(self):
        said = self.migrate()
        self.assertIn(f"crontabs/root:3 is replaced by health", said)
        self.assertIn("nothing of this suite reads BACKUP_RETENTION_DAYS", said + self.config())
        self.assertIn("HOST_NAME: commands are not run", self.config())
        self.assertIn("lectio-notify test", said)
        self.assertIn("lectio-deploy adopt backend", said)
        for secret in SECRETS:
            self.assertNotIn(secret, self.config())
        checked = subprocess.run(["/usr/local/bin/lectio-health", "--check-config"], capture_output=True, text=True, check=False)
        self.assertEqual(checked.returncode, 0, checked.stdout)
        self.assertEqual(pathlib.Path(f"{SUITE}/config.env").read_text(), migration.CONFIG_ENV)
        self.assertEqual(pathlib.Path("/etc/systemd/system/failure-notifier@.service").read_text(), migration.UNIT)
        kept = pathlib.Path("/var/lib/lectio-monitor/migration/before/var/spool/cron/crontabs/root")
        self.assertEqual(kept.read_text(), migration.CRONTAB)
        self.assertIn("all is well", pathlib.Path("/var/log/lectio-monitor/health.log").read_text())
        self.assert_taken_over()
        self.undo()
        self.assert_as_before()
        left = [path for path in pathlib.Path("/var/lib").iterdir() if path.name.startswith("lectio-monitor")]
        self.assertEqual(len(left), 1, left)
        self.assertTrue((left[0] / "state/health").is_dir(), "what was remembered is nobody's to throw away")
        self.assertEqual(self.install("--migrate", "--undo").returncode, 1, "nothing to undo")

    def test_twice_is_as_once(self):
        self.migrate()
        once = self.list()
        self.migrate()
        again = self.list()
        changed = {path for path in once.keys() | again.keys() if once.get(path) != again.get(path)}
        self.assertEqual({path for path in changed if not path.startswith(("/var/lib/lectio-monitor", "/usr/local/", "/etc/tmpfiles.d",
                                                                          "/etc/cron.d/lectio-monitor", "/etc/logrotate.d"))}, set())
        self.assert_taken_over()
        self.undo()
        self.assert_as_before()

    def test_looking_changes_nothing(self):
        for words in (("--migrate",), ("--migrate", "--schedule", "timers")):
            said = self.migrate(*words, "--dry-run")
            self.assertIn("health_check.sh: a link", said)
            self.assertIn("crontabs/root:5 is replaced by smoke", said)
            self.assertIn("| [health.check.site]", said)
            self.assert_as_before()
        self.assertEqual(self.install("--migrate", "--undo", "--dry-run").returncode, 1)
        self.migrate()
        before = self.list()
        self.assertIn("put back /opt/lectio-monitor/health_check.sh", self.install("--migrate", "--undo", "--dry-run").stdout)
        self.assertEqual(self.list(), before)

    def test_a_line_that_does_more_stays_and_nothing_runs_twice(self):
        more = "* * * * * /opt/lectio-monitor/health_check.sh | logger -t health"
        migration.write("", str(CRONTAB), migration.CRONTAB.replace("* * * * * /opt/lectio-monitor/health_check.sh >>", more + " #"))
        # The bash suite's own file under the name of ours.
        migration.write("", "/etc/cron.d/lectio-monitor", migration.CRON_D + "SITE=x\n")
        os.remove("/etc/cron.d/lectio-cleanup")
        migration.write("", "/etc/systemd/system/deep.service", f"[Service]\nExecStart={SUITE}/deep_check.sh\n")
        migration.write("", "/etc/systemd/system/deep.timer", "[Timer]\nOnCalendar=hourly\n")
        self.before = self.list()
        said = self.migrate()
        self.assertIn("root:3 stays as it is", said)
        self.assertIn("deep.service calls deep_check.sh", said)
        runs = self.all_active()
        self.assertEqual(len([line for line in runs if "health_check.sh" in line or "/lectio-health" in line]), 1, runs)
        self.assertEqual([line for line in runs if "lectio-deepcheck" in line or "deep_check.sh" in line], [], runs)
        for tool in ("notify", "smoke", "heartbeat", "cleanup"):
            self.assertEqual(len([line for line in runs if f"/lectio-{tool} " in line]), 1, runs)
        self.assertEqual(len([line for line in runs if "clear_sessions.sh" in line]), 1, runs)
        self.assertFalse([line for line in runs if "cleanup_processes.sh" in line or "unified_monitor.sh" in line], runs)
        self.undo()
        self.assert_as_before()

    def test_a_configuration_that_does_not_load_stops_it(self):
        migration.write("", "/etc/lectio-monitor/config.toml", "[health\n", 0o640)
        done = self.install("--migrate")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("config.toml:1", done.stderr)
        self.assertEqual(CRONTAB.read_text(), migration.CRONTAB)
        self.assertFalse(os.path.islink(f"{SUITE}/health_check.sh"))

    def test_what_has_been_changed_since_is_set_aside(self):
        self.migrate()
        with CRONTAB.open("a") as file:
            file.write("7 7 * * * /root/new.sh\n")
        pathlib.Path("/etc/lectio-monitor/config.toml").write_text("# mine\n" + self.config())
        own = pathlib.Path(f"{SUITE}/heartbeat.sh")
        own.unlink()
        own.write_text("#!/bin/sh\n# mine\n")
        pathlib.Path(f"{SUITE}/new.txt").write_text("mine\n")
        said = self.undo()
        self.assertEqual(CRONTAB.read_text(), migration.CRONTAB + "7 7 * * * /root/new.sh\n")
        self.assertIn("crontabs/root has been changed since", said)
        aside = next(path for path in pathlib.Path("/var/lib").iterdir() if path.name.startswith("lectio-monitor"))
        self.assertTrue((aside / "etc/lectio-monitor/config.toml").read_text().startswith("# mine"))
        self.assertIn("# mine", (aside / "opt/lectio-monitor/heartbeat.sh").read_text())
        self.assertEqual(own.read_text(), migration.SCRIPT.format(name="heartbeat.sh"))
        self.assertEqual(pathlib.Path(f"{SUITE}/new.txt").read_text(), "mine\n")

    def test_killed_at_any_command(self):
        """After each death: undone, all is as it was; done again, it is taken over."""
        commands = self.commands("--migrate")
        self.undo()
        self.assert_as_before()
        seed = random.Random(int(os.environ.get("LECTIO_SEED", "20261123")))
        for number in range(count("migration_kills")):
            at, then = seed.randrange(1, commands), seed.randrange(1, 400)
            with self.subTest(at=at, of=commands, then=then):
                self.assertIsNone(self.commands("--migrate", kill=at))
                if number % 2:
                    self.migrate()
                    self.assert_taken_over()
                self.commands("--migrate", "--undo", kill=then)
                done = self.install("--migrate", "--undo")
                self.assertIn(done.returncode, (0, 1), done.stdout + done.stderr)
                self.assert_as_before()

    def commands(self, *words, kill=0):
        """How many commands install.sh runs; with kill=N it is killed at the Nth and the answer is None."""
        trap = self.layers + "/trap"
        with open(trap, "w", encoding="utf-8") as file:
            file.write(f"""[[ $0 == */install.sh && -z ${{LECTIO_TEST_SHELL-}} ]] || return 0
                export LECTIO_TEST_SHELL=1
                lectio_n=0
                set -T
                trap '((++lectio_n != {kill})) || kill -KILL $$; echo $lectio_n >{trap}.count' DEBUG
            """)
        done = self.install(*words, environment={"BASH_ENV": trap})
        if done.returncode == -9:
            return None
        self.assertIn(done.returncode, (0, 1) if kill else (0,), done.stdout + done.stderr)
        return int(pathlib.Path(f"{trap}.count").read_text()) if not kill else done.returncode

    def config(self):
        return pathlib.Path("/etc/lectio-monitor/config.toml").read_text()


if __name__ == "__main__":
    if os.geteuid() != 0 or not shutil.which("unshare"):
        print("skipped: mounts of its own need root and unshare")
        sys.exit(77)
    if "--inside" not in sys.argv:
        sys.exit(subprocess.run(["unshare", "--mount", "--propagation", "private", sys.executable, __file__, "--inside", *sys.argv[1:]], check=False).returncode)
    sys.argv.remove("--inside")
    unittest.main()
