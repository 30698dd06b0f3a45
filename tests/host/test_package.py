#!/usr/bin/env python3
"""The Debian package on a real systemd: it comes, is upgraded, goes and comes back without a word of the operator's being
lost, switches nothing on by itself, and a purge leaves what it says.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from hosts import RELEASE, SOURCE, Host, skip_where_impossible, tools

CRONTAB = "/etc/cron.d/lectio-monitor"
LOGROTATE = "/etc/logrotate.d/lectio-monitor"
CONFIG = 'lang = "en"\n[health.check.disk]\ntype = "disk"\npath = "/"\nfree = { warn = "0%", critical = "0%" }\n'
OURS = "systemctl list-unit-files --no-legend --state=enabled 'lectio-*' | cut -d' ' -f1"
RUNNING = "systemctl list-units --no-legend --plain --state=active 'lectio-*.timer' | cut -d' ' -f1"
# All files of the host but what runs and writes anyway, and dpkg's own notes.
ALL = ("find / -xdev \\( -path /var/log/journal -o -path /var/lib/dpkg -o -path /var/log/dpkg.log -o -path /var/cache -o -path /tmp "
       "-o -path /var/tmp -o -path /root -o -path /var/lib/systemd -o -path /var/log/redis -o -path /var/lib/redis \\) -prune -o -print")
TIMERS = ["lectio-health.timer", "lectio-notify.timer"]


def setUpModule():
    folder = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(folder.cleanup)
    Package.folder = pathlib.Path(folder.name)
    done = subprocess.run(["cpack", "-G", "DEB", "--config", RELEASE / "CPackConfig.cmake", "-B", folder.name], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)
    (Package.made,) = Package.folder.glob("*.deb")
    Package.newer = newer(Package.made)


def newer(package):
    """The same as a later version, with other words in a unit and in a file that is the operator's to change."""
    inside = Package.folder / "newer"
    subprocess.run(["dpkg-deb", "-R", package, inside], check=True)
    control = inside / "DEBIAN/control"
    control.write_text(control.read_text().replace("Version: ", "Version: 9:"))
    for path, more in ((inside / LOGROTATE[1:], "# newer\n"), (inside / "lib/systemd/system/lectio-health.timer", "# newer\n")):
        path.write_text(path.read_text() + more)
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", "-Zgzip", "-z1", inside, Package.folder / "newer.deb"], check=True, stdout=subprocess.DEVNULL)
    return Package.folder / "newer.deb"


class Package(unittest.TestCase):
    def test_comes_and_goes(self):
        """One story: each chapter begins where the one before has ended."""
        with Host("package") as host:
            before = set(host.shell(ALL).splitlines())
            host.copy(self.made, "/root/made.deb")
            host.copy(self.newer, "/root/newer.deb")
            self.not_beside_install_sh(host)
            self.comes(host)
            self.upgraded(host)
            self.not_while_it_is_needed(host)
            self.goes_and_comes_back(host)
            self.purged(host, before)

    @unittest.skipIf(shutil.which("lintian") is None, "lintian is not installed")
    def test_lintian_has_nothing_to_say(self):
        done = subprocess.run(["lintian", "--allow-root", self.made], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def dpkg(self, host, *words, code=0):
        done = host.attempt("dpkg", "--force-confdef", "--force-confold", *words)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def not_beside_install_sh(self, host):
        host.write("/var/lib/lectio-monitor/installed", "/usr/local/bin/lectio-health\n")
        self.assertIn("install.sh --uninstall", self.dpkg(host, "--install", "/root/made.deb", code=1))
        host.run("rm", "-r", "/var/lib/lectio-monitor")
        host.run("dpkg", "--purge", "lectio-monitor")

    def comes(self, host):
        said = self.dpkg(host, "--install", "/root/made.deb")
        self.assertIn("nothing runs by itself yet", said)
        self.assertEqual((host.shell(OURS), host.shell(RUNNING)), ("", ""))
        self.assertFalse(host.succeeds("test", "-e", CRONTAB))
        self.assertEqual(host.run("stat", "-c", "%a %G %n", "/etc/lectio-monitor", "/var/lib/lectio-monitor", "/run/lectio-monitor",
                                  "/var/log/lectio-monitor").splitlines(),
                         ["755 root /etc/lectio-monitor", "700 root /var/lib/lectio-monitor", "755 root /run/lectio-monitor",
                          "750 adm /var/log/lectio-monitor"])
        for tool in tools():
            self.assertEqual(host.shell(f"command -v {tool.name}"), f"/usr/bin/{tool.name}\n")
            host.run(tool.name, "--help")
            host.shell(f"gzip -t /usr/share/man/man8/{tool.name}.8.gz; test -s /usr/share/bash-completion/completions/{tool.name}")
        units = host.shell("dpkg -L lectio-monitor | grep /systemd/system/lectio-").split()
        done = host.attempt("systemd-analyze", "verify", *units)
        self.assertEqual((done.returncode, [line for line in done.stderr.splitlines() if "lectio" in line]), (0, []))
        host.run("logrotate", "--debug", LOGROTATE)
        self.assertEqual(host.shell("dpkg -L lectio-monitor | while read -r file; do test -d $file || ! zgrep -l /usr/local/bin/lectio $file; done"),
                         "", "paths of install.sh")
        # install.sh is not for this host any more.
        host.copy(SOURCE / "install.sh", "/root/tree/install.sh")
        host.copy(SOURCE / "packaging", "/root/tree/packaging")
        refused = host.attempt("/root/tree/install.sh", "--purge", "--yes")
        self.assertEqual((refused.returncode, "Debian package" in refused.stderr), (1, True), refused.stderr)

    def upgraded(self, host):
        """The operator has a configuration, has changed the rule of the logs and switched on what he wants."""
        host.write("/etc/lectio-monitor/config.toml", CONFIG)
        host.shell(f"sed -i 's/rotate 8/rotate 3/' {LOGROTATE}")
        host.shell(f"sed 's,^[*].*/lectio-,# &,' /usr/share/lectio-monitor/crontab.example >{CRONTAB}; echo '0 4 * * * root /root/own.sh' >>{CRONTAB}")
        host.run("systemctl", "enable", "--quiet", "--now", *TIMERS)
        host.wait_for_next_run()
        own = [host.read(path) for path in ("/etc/lectio-monitor/config.toml", LOGROTATE, CRONTAB)]
        self.dpkg(host, "--install", "/root/newer.deb")
        self.assertEqual([host.read(path) for path in ("/etc/lectio-monitor/config.toml", LOGROTATE, CRONTAB)], own)
        self.assertIn("# newer", host.read(f"{LOGROTATE}.dpkg-dist"))
        self.assertEqual((host.shell(OURS).split(), host.shell(RUNNING).split()), (TIMERS, TIMERS))
        self.assertEqual(host.run("systemctl", "show", "-P", "NeedDaemonReload", *TIMERS).split(), ["no", "no"])
        self.assertIn("# newer", host.run("systemctl", "cat", "lectio-health.timer"))
        host.wait_for_next_run()

    def not_while_it_is_needed(self, host):
        host.write("/etc/systemd/system/site.service", "[Service]\nExecStart=/usr/bin/lectio-heartbeat watchdog --probe http://127.0.0.1/ -- sleep 9\n")
        self.assertIn("/etc/systemd/system/site.service", self.dpkg(host, "--remove", "lectio-monitor", code=1))
        self.assertEqual(host.shell(RUNNING).split(), TIMERS)
        host.wait_for_next_run()
        host.run("rm", "/etc/systemd/system/site.service")

    def goes_and_comes_back(self, host):
        crontab = host.read(CRONTAB)
        self.dpkg(host, "--remove", "lectio-monitor")
        self.assertEqual(host.shell(RUNNING), "")
        self.assertFalse(host.succeeds("test", "-e", CRONTAB))
        self.assertEqual(host.shell("ls /usr/bin/lectio-* /lib/systemd/system/lectio-* 2>/dev/null || true"), "")
        self.assertEqual(host.read("/etc/lectio-monitor/config.toml"), CONFIG)
        host.run("test", "-s", "/var/lib/lectio-monitor/health/state.json")
        host.run("test", "-s", "/var/log/lectio-monitor/health.log")
        host.reboot()
        self.assertEqual(host.shell("systemctl list-units --failed --no-legend 'lectio-*'"), "")
        self.dpkg(host, "--install", "/root/newer.deb")
        self.assertEqual((host.shell(OURS).split(), host.shell(RUNNING).split(), host.read(CRONTAB)), (TIMERS, TIMERS, crontab))
        self.assertFalse(host.succeeds("test", "-e", "/var/lib/lectio-monitor/timers-at-removal"))
        host.wait_for_next_run()

    def purged(self, host, before):
        state, stem = "/var/lib/lectio-monitor", "database-20261122T164501Z-0a1b2c"
        folders = {f"{state}/backups": f"{stem}.sqlite3.zst", f"{state}/encrypted": f"{stem}.sqlite3.zst.age"}
        kept = {state, *folders}
        for folder, name in folders.items():
            for file in (f"{folder}/{name}", f"{folder}/{stem}.json"):
                host.write(file, "one\n")
                kept.add(file)
        said = self.dpkg(host, "--purge", "lectio-monitor")
        for folder in folders:
            self.assertIn(f"kept, because backups lie in it: {folder}\n", said)
        self.assertEqual(host.shell(OURS), "")
        self.assertEqual(set(host.shell(ALL).splitlines()) - before, kept)


if __name__ == "__main__":
    skip_where_impossible()
    unittest.main(argv=sys.argv)
