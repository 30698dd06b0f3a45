#!/usr/bin/env python3
"""install.sh from a clean tree on a fresh Debian: first without systemd (as in a container), then with it.

The dependencies come from the machine's own package mirrors, as they would on a new server. With LECTIO_SOAK everything is
compiled there. Else what the compiler of this machine has made of the same text with the same headers is not made again:
beside six other tests nine minutes of compiling become forty.
"""

import os
import shutil
import subprocess
import time
import unittest

from hosts import BUILD, HERE, SOURCE, Host, report_times, skip_where_impossible

FOLDER = BUILD / "testhost-clean"
FRESH = FOLDER / "rootfs"  # built once
ROOT = FOLDER / "installed"  # a copy of it, installed into by this test
TREE = "/srv/lectio-monitor"  # in there
IN_FULL = "LECTIO_SOAK" in os.environ


def setUpModule():
    # What a server has before anybody installs anything on it, and no more than what makes compiling short.
    packages = "cron logrotate ca-certificates" + ("" if IN_FULL else " ccache")
    environment = {**os.environ, "TESTHOST_DIR": str(FOLDER), "TESTHOST_PACKAGES": packages}
    subprocess.run([HERE / "testhost", "build"], env=environment, check=True, stdout=subprocess.DEVNULL)
    remove_root()
    subprocess.run(["cp", "-a", "--reflink=auto", FRESH, ROOT], check=True)
    shutil.copy("/etc/resolv.conf", ROOT / "etc/resolv.conf")  # package mirrors have names
    copy_clean_tree(ROOT / TREE.lstrip("/"))


def tearDownModule():
    remove_root()


def remove_root():
    if ROOT.exists():
        shutil.rmtree(ROOT)


def copy_clean_tree(target):
    """What a fresh clone holds: tracked files and those about to be, nothing that a build has made."""
    target.mkdir(parents=True)
    names = subprocess.run(["git", "-C", SOURCE, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                           check=True, capture_output=True).stdout
    with subprocess.Popen(["tar", "-C", SOURCE, "--null", "--files-from=-", "-cf", "-"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as pack:
        unpack = subprocess.Popen(["tar", "-C", target, "--no-same-owner", "-xf", "-"], stdin=pack.stdout)
        pack.stdin.write(names)
        pack.stdin.close()
        if unpack.wait() != 0 or pack.wait() != 0:
            raise AssertionError("copying the tree failed")


def in_root(*command):
    """Runs a command in the new root, apart from the machine's processes and mounts but with its network."""
    script = 'mount -t proc proc "$1/proc" && mount --bind /dev "$1/dev" && '
    environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
    if not IN_FULL:
        cache = subprocess.run(["ccache", "--get-config", "cache_dir"], check=True, capture_output=True, text=True).stdout
        script += f'mount --bind "{cache.strip()}" "$1/mnt" && '
        environment |= {"CCACHE_DIR": "/mnt", "CCACHE_READONLY": "1", "CCACHE_TEMPDIR": "/tmp", "CCACHE_BASEDIR": TREE,
                        "CCACHE_COMPILERCHECK": "content"}
        # They are part of what the cache knows a result by: a compiler may speak another language.
        environment |= {name: os.environ[name] for name in ("LANG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES") if name in os.environ}
    return subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script + 'exec chroot "$@"', "-", ROOT, *command],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, env=environment)


class InstallTest(unittest.TestCase):
    """The steps of one story, in the order of their names."""

    def test_1_fresh_server_without_systemd(self):
        start = time.monotonic()
        done = in_root(f"{TREE}/install.sh")
        self.assertEqual(done.returncode, 0, done.stdout)
        report_times(f"install.sh on a fresh Debian, packages and build included: {time.monotonic() - start:.0f} s")
        self.assertIn("systemd is not running here", done.stdout)
        report = done.stdout.split("This host, as lectio-health sees it")[1]
        self.assertIn("disk", report)
        self.assertIn("memory", report)
        modes = in_root("stat", "-c", "%a %U %n", "/etc/lectio-monitor", "/var/lib/lectio-monitor",
                        "/var/log/lectio-monitor", "/usr/local/bin/lectio-health", "/usr/local/bin/lectio-notify")
        self.assertEqual(modes.stdout.splitlines(), [
            "755 root /etc/lectio-monitor", "700 root /var/lib/lectio-monitor", "750 root /var/log/lectio-monitor",
            "755 root /usr/local/bin/lectio-health", "755 root /usr/local/bin/lectio-notify"])

    def test_2_real_server(self):
        with Host("install", rootfs=ROOT, folder=FOLDER) as host:
            self.again_with_cron(host)
            self.cron_fires(host)
            self.the_operators_lines_stay(host)
            self.by_timers_and_back(host)
            self.deploys(host)
            self.reboot(host)
            self.uninstall(host)
            self.purge(host)

    def again_with_cron(self, host):
        # This time the tree belongs to the person who cloned it: the build runs as that user.
        host.shell(f"useradd --create-home keeper && chown -R keeper: {TREE}")
        output = host.run(f"{TREE}/install.sh", "--no-deps", "--cron", timeout=300)
        self.assertNotIn("systemd is not running", output)
        self.assertIn("PATH=", host.read("/etc/cron.d/lectio-monitor"))
        self.assertTrue(host.succeeds("logrotate", "--debug", "/etc/logrotate.d/lectio-monitor"))

    def cron_fires(self, host):
        # Of what discovery finds, `load` would tell of the other tests on this machine.
        host.write("/etc/lectio-monitor/config.toml",
                   '[health.check.disk]\ntype = "disk"\npath = "/"\n\n[health.check.units]\ntype = "systemd"\n')
        host.shell("truncate -s 0 /var/log/lectio-monitor/health.log")
        host.wait_until(lambda: host.succeeds("test", "-s", "/var/log/lectio-monitor/health.log"),
                        "cron's line has run lectio-health")
        self.assertEqual(host.read("/var/log/lectio-monitor/cron.log"), "", "-q: nothing is printed while all is good")

    def the_operators_lines_stay(self, host):
        crontab = "/etc/cron.d/lectio-monitor"
        host.shell(f"sed -i 's,^# \\(.*lectio-backup\\),\\1,' {crontab}; echo '0 4 * * * root /root/own.sh' >>{crontab}")
        before = host.read(crontab)
        host.run(f"{TREE}/install.sh", "--no-deps", timeout=300)
        self.assertEqual(sorted(set(host.read(crontab).splitlines()) - {"", "# Added on this host:"}),
                         sorted(set(before.splitlines()) - {""}))

    def by_timers_and_back(self, host):
        host.run(f"{TREE}/install.sh", "--no-deps", "--schedule", "timers", timeout=300)
        enabled = "systemctl list-unit-files --no-legend --state=enabled 'lectio-*.timer' | cut -d' ' -f1"
        self.assertEqual(host.shell(enabled).split(), ["lectio-backup.timer", "lectio-health.timer", "lectio-notify.timer"])
        self.assertFalse(host.succeeds("test", "-e", "/etc/cron.d/lectio-monitor"))
        self.assertIn("/root/own.sh", host.read("/etc/cron.d/lectio-monitor-own"))
        host.wait_for_next_run()
        host.run(f"{TREE}/install.sh", "--no-deps", "--schedule", "cron", timeout=300)
        self.assertEqual(host.shell(enabled), "")
        self.assertFalse(host.succeeds("test", "-e", "/etc/systemd/system/lectio-health.timer"))
        self.assertIn("\n45 * * * * root /usr/local/bin/lectio-backup", host.read("/etc/cron.d/lectio-monitor"))
        # A job that stands behind one of our tools would not run without it.
        host.write("/etc/cron.d/own", "0 4 * * * root /usr/local/bin/lectio-heartbeat run own -- true\n")
        refused = host.attempt(f"{TREE}/install.sh", "--uninstall")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("/etc/cron.d/own", refused.stderr)
        host.run("rm", "/etc/cron.d/own", "/etc/cron.d/lectio-monitor-own")

    def deploys(self, host):
        recover = "lectio-deploy-recover.service"
        self.assertFalse(host.succeeds("systemctl", "cat", recover), "not where nothing is deployed")
        host.write("/var/www/site/build/index.html", "<!doctype html>")
        host.shell("echo '[deploy.frontend]\npath = \"/var/www/site/build\"' >>/etc/lectio-monitor/config.toml")
        host.run(f"{TREE}/install.sh", "--no-deps", "--cron", timeout=300)
        self.assertEqual(host.attempt("systemctl", "is-enabled", recover).stdout.strip(), "enabled")

    def reboot(self, host):
        host.reboot()
        self.assertEqual(host.run("stat", "-c", "%a %U", "/run/lectio-monitor"), "755 root\n")
        self.assertEqual(host.attempt("lectio-health", "-q").returncode, 0)

    def uninstall(self, host):
        host.write("/etc/lectio-monitor/config.toml", 'lang = "en"\n')
        host.run(f"{TREE}/install.sh", "--uninstall")
        left = host.shell("ls /usr/local/bin /etc/cron.d /etc/logrotate.d /etc/tmpfiles.d /etc/systemd/system/* | grep -i -e lectio -e health || true")
        self.assertEqual(left, "")
        host.run("test", "-s", "/etc/lectio-monitor/config.toml")
        host.run("test", "-d", "/var/lib/lectio-monitor/health")

    def purge(self, host):
        purge = (f"{TREE}/install.sh", "--purge")
        self.assertEqual(host.attempt(*purge).returncode, 64, "without a terminal it cannot ask")
        host.run("test", "-s", "/etc/lectio-monitor/config.toml")
        host.run(*purge, "--yes")
        left = host.shell("ls -d /etc/lectio-monitor /var/lib/lectio-monitor /var/log/lectio-monitor 2>/dev/null || true")
        self.assertEqual(left, "")


if __name__ == "__main__":
    skip_where_impossible()
    unittest.main(failfast=True)
