#!/usr/bin/env python3
"""What breaks on the site of LEGACY.md is mended by the cron line and told once, as its table promises.

Each test boots a host of its own: ctest runs them side by side. In --soak each boots twenty, ten at once, and prints the
worst figures; LECTIO_ROUNDS and LECTIO_AT_ONCE say other numbers. Where Monit is installed on this machine (the tests do not
install it), the timers are measured beside it: a second host, at the same time, on which Monit mends the same.
"""

import concurrent.futures
import os
import re
import shutil
import statistics
import sys
import time
import unittest

from hosts import HERE, Host, report_times, skip_where_impossible

INDEX = "/var/www/teaching_panel/frontend/build/index.html"
# cron's next minute, one run with its recheck, the promised 15 s, and a slow machine.
WITHIN = 110
ROUNDS = int(os.environ.get("LECTIO_ROUNDS", 20 if os.environ.get("LECTIO_SOAK") else 1))
AT_ONCE = int(os.environ.get("LECTIO_AT_ONCE", 10))
UNITS = ("nginx.service", "teaching_panel.service", "celery-default.service", "redis-server.service")


class Round:
    """A host on which the site is broken once: what was done to it, and how long that took."""

    def __init__(self, host):
        self.host = host
        self.began = self.found_after = self.mended_after = self.told_after = 0.0
        self.message = ""
        self.restarted = ()

    def go(self, *command, mended):
        """That it was broken is what the message says: a look may come at that moment, and mend it before anybody else looks."""
        before = {unit: self.host.main_process(unit) for unit in UNITS}
        self.host.run(*command)
        start, self.began = time.monotonic(), float(self.host.run("date", "+%s.%N"))
        self.host.wait_until(mended, "mended", WITHIN)
        self.mended_after = time.monotonic() - start
        self.host.wait_until(self.host.messages, "told", 30)
        self.told_after = time.monotonic() - start
        self.host.wait_for_next_run()
        messages = self.host.messages()
        if len(messages) != 1:
            raise AssertionError(f"one message, not {messages}")
        self.message = messages[0]
        self.found_after = self.host.run_that_mended() - self.began
        self.restarted = tuple(unit for unit in UNITS if self.host.main_process(unit) != before[unit])


class RoundOfMonit:
    """The same where Monit watches, each 30 seconds, its word by mail."""

    every = 30

    def __init__(self, host):
        self.host = host
        self._seen = set()
        host.copy(shutil.which("monit"), "/usr/bin/monit")
        host.copy(HERE / "site/monitrc", "/etc/monitrc")
        host.copy(HERE / "site/mail.py", "/opt/mail.py")
        host.run("chmod", "600", "/etc/monitrc")
        host.run("systemd-run", "--quiet", "--unit=mail", "python3", "/opt/mail.py")
        host.run("systemd-run", "--quiet", "--unit=monit", "monit", "-I", "-c", "/etc/monitrc")
        host.wait_until(lambda: self._looks() >= 2, "Monit has looked", WITHIN)
        if self._told():
            raise AssertionError(f"the site is to be well before it is broken: {host.read('/var/lib/mail')}")

    def _looks(self):
        """How often it has looked, as far as we have seen."""
        lines = self.host.attempt("monit", "-c", "/etc/monitrc", "status", "index").stdout.splitlines()
        self._seen |= {line for line in lines if "data collected" in line}
        return len(self._seen)

    def go(self, *command, mended):
        self.host.run(*command)
        start, self.began = time.monotonic(), float(self.host.run("date", "+%s.%N"))
        self.host.wait_until(mended, "Monit has mended it", WITHIN)
        self.mended_after = time.monotonic() - start
        self.host.wait_until(self._told, "Monit has told", WITHIN)
        self.told_after = time.monotonic() - start
        self.found_after = self._found() - self.began

    def _told(self):
        return self.host.attempt("cat", "/var/lib/mail").stdout

    def _found(self):
        """When it first said that something is wrong, in seconds of the clock."""
        lines = self.host.run("journalctl", "-t", "monit", "-p", "err", "-o", "short-unix").splitlines()
        return min(float(line.split()[0]) for line in lines if line[:1].isdigit())


class Mending(unittest.TestCase):
    schedule = "cron"
    every = 0  # broken just after a look, when the next one is farthest

    def start(self, host):
        host.start_cron()

    def at_a_moment_of_the_cycle(self, every, number):
        """Just after a look in the first round, later in each further one: the rounds are spread over the cycle."""
        time.sleep(every * number / ROUNDS)

    def each_round(self, go):
        """go(host) on hosts that are watched and well; what it returned, one for each round."""
        def one(number):
            name = self._testMethodName.removeprefix("test_").replace("_", "-")
            with Host(f"{name}-{self.schedule}-{number}") as host:
                host.lay_out_site(cron=False)
                self.start(host)
                host.wait_until_watched()
                self.at_a_moment_of_the_cycle(self.every, number)
                return go(host)

        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(one, range(ROUNDS)))

    def broken_by(self, what, *command, mended, restarted):
        """Breaks the site and waits until it is mended and told; only `restarted` has another main process then."""
        def go(host):
            this = Round(host)
            this.go(*command, mended=lambda: mended(host))
            self.assertEqual(this.restarted, restarted, "what was healthy was to be left alone")
            self.assert_tells_mended(this.message)
            this.confirmed_after = found_after(this, restarted)
            print_round(what, f"lectio-health by {self.schedule}", this)
            return this

        rounds = self.each_round(go)
        worst = [max(getattr(this, figure) for this in rounds) for figure in ("found_after", "mended_after", "told_after")]
        mending = max(this.mended_after - this.found_after for this in rounds)
        report_times(f"{what}, by {self.schedule}, worst of {len(rounds)}: found after {worst[0]:.0f} s, mended {mending:.1f} s after that "
                     f"({worst[1]:.0f} s in all), told after {worst[2]:.0f} s")
        return rounds

    def assert_tells_mended(self, message):
        self.assertTrue(message.startswith("✅"), message)
        self.assertRegex(message, "[а-я]{4}", "in Russian")
        self.assertIn("lectio-1", message)

    def test_permissions(self):
        def mended(host):
            return host.site_answers() and host.run("stat", "-c", "%a %U", INDEX) == "644 www-data\n"

        self.broken_by("index.html with mode 000", "chmod", "000", INDEX, mended=mended, restarted=())

    def test_nginx_stopped(self):
        for this in self.broken_by("nginx stopped", "systemctl", "stop", "nginx", mended=Host.site_answers,
                                   restarted=("nginx.service",)):
            self.assertIn("nginx", this.message)

    def test_nginx_hangs(self):
        self.broken_by("nginx hung (SIGSTOP)", "pkill", "-STOP", "-x", "nginx", mended=Host.site_answers,
                       restarted=("nginx.service",))

    def test_backend_stopped(self):
        self.broken_by("gunicorn stopped", "systemctl", "stop", "teaching_panel", mended=Host.api_answers,
                       restarted=("teaching_panel.service",))

    def test_backend_hangs(self):
        self.broken_by("gunicorn hung (SIGSTOP)", "pkill", "-STOP", "-f", "^[^ ]*python3.*gunicorn",
                       mended=Host.api_answers, restarted=("teaching_panel.service",))

    def test_backend_killed(self):
        # systemd brings it back by itself: we are not to be in its way, and there is nothing to tell.
        def go(host):
            process = host.main_process("teaching_panel")
            host.run("kill", "-KILL", process)
            seconds = host.wait_until(lambda: host.main_process("teaching_panel") not in (process, "0")
                                      and host.api_answers(), "systemd has restarted gunicorn", 20)
            restarted = host.main_process("teaching_panel")
            host.wait_for_next_run()
            self.assertEqual(host.main_process("teaching_panel"), restarted, "restarted once, not twice")
            return seconds

        rounds = self.each_round(go)
        report_times(f"gunicorn killed (systemd's Restart=), worst of {len(rounds)}: serving again after "
                     f"{max(rounds):.1f} s")

    def host_with_slow_stop(self):
        """gunicorn takes its time to stop, as it does with requests that last; nothing runs by itself here."""
        host = self.enterContext(Host(self._testMethodName.removeprefix("test_").replace("_", "-")))
        host.lay_out_site(cron=False)
        host.write("/etc/systemd/system/teaching_panel.service.d/slow.conf", "[Service]\nExecStop=/bin/sleep 10\n")
        host.run("systemctl", "daemon-reload")
        host.run("systemctl", "reset-failed")
        code, report = host.health()
        self.assertEqual(code, 0, report)
        return host

    def test_restarted_by_hand(self):
        host = self.host_with_slow_stop()
        host.start_and_leave("systemctl", "restart", "teaching_panel")
        host.wait_until(lambda: host.attempt("systemctl", "is-active", "teaching_panel").stdout == "deactivating\n",
                        "it is being stopped", 20)
        code, report = host.health()
        self.assertEqual((code, report["recovery"], host.messages()), (0, [], []), report)

    def test_planned_reboot(self):
        host = self.host_with_slow_stop()
        host.start_and_leave("systemctl", "reboot")
        host.wait_until(lambda: not host.site_answers(), "nginx is stopped, gunicorn still stops", 20)
        code, report = host.health()
        self.assertEqual((report["recovery"], report["incidents"], report["alerts"]["queued"]), ([], [], 0), report)

    def test_packages_replaced(self):
        # What an update of nginx does at night: stops it, works, and starts it again.
        host = self.enterContext(Host("packages-replaced"))
        host.lay_out_site(cron=False)
        host.write("/root/update/DEBIAN/control",
                   "Package: update\nVersion: 1\nArchitecture: all\nMaintainer: none <none@test.local>\nDescription: none\n")
        host.write("/root/update/DEBIAN/postinst",
                   "#!/bin/sh -eu\nsystemctl stop nginx\nuntil [ -e /root/worked ]; do sleep 0.1; done\nsystemctl start nginx\n",
                   mode="755")
        host.run("dpkg-deb", "--build", "/root/update", "/root/update.deb")
        self.assertEqual(host.health()[0], 0)
        host.start_and_leave("dpkg", "--install", "/root/update.deb")
        host.wait_until(lambda: not host.site_answers(), "nginx is stopped", 20)
        _, report = host.health()
        self.assertEqual((report["recovery"], report["alerts"]["queued"]), ([], 0), report)
        self.assertRegex(" ".join(report["notes"]), "ставятся пакеты")
        host.run("touch", "/root/worked")
        host.wait_until(host.site_answers, "nginx is started", 20)
        code, report = host.health()
        self.assertEqual((code, report["recovery"], host.messages()), (0, [], []), report)


def found_after(this, units):
    """Until it began to mend: of a unit systemd says when it was at work on it, whoever asked; else what the healer says."""
    begun = [float(line.split()[0]) for unit in units for line in
             this.host.run("journalctl", "-u", unit, "-o", "short-unix").splitlines() if re.search(r"systemd\[1\]: (Start|Stopp)ing ", line)]
    later = [moment for moment in begun if moment > this.began]
    return min(later) - this.began if later else this.found_after


def print_round(what, who, this):
    """As it ends: a round that fails takes the others' figures along."""
    print(f"{what}, {who}: found after {this.confirmed_after:.1f} s, mended {this.mended_after - this.confirmed_after:.1f} s after that, "
          f"told after {this.told_after:.1f} s; load {os.getloadavg()[0]:.0f}", flush=True)


def figures(what, who, rounds):
    """Seconds from the breaking, median and worst."""
    columns = {"found": [this.confirmed_after for this in rounds], "mended after that": [this.mended_after - this.confirmed_after for this in rounds],
               "in all": [this.mended_after for this in rounds], "told": [this.told_after for this in rounds]}
    return f"{what}, {who}, {len(rounds)} rounds, median and worst: " + ", ".join(
        f"{name} {statistics.median(column):.1f} and {max(column):.1f} s" for name, column in columns.items())


class MendingByTimers(Mending):
    """The same where systemd runs the tools, each 15 seconds."""

    schedule = "timers"
    every = 15

    def start(self, host):
        host.start_timers("health", "notify")

    def broken_by(self, what, *command, mended, restarted):
        """The same, and told in the run that has found it; beside it, where Monit is there, a host that Monit watches."""
        beside = []

        def by_monit(number):
            with Host(f"{self._testMethodName.removeprefix('test_').replace('_', '-')}-monit-{number}") as host:
                host.lay_out_site(cron=False)
                this = RoundOfMonit(host)
                self.at_a_moment_of_the_cycle(this.every, number)
                this.go(*command, mended=lambda: mended(host))
                this.confirmed_after = found_after(this, restarted)
                print_round(what, "Monit", this)
                return this

        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            if shutil.which("monit") is not None:
                beside = [pool.submit(by_monit, number) for number in range(ROUNDS)]
            rounds = super().broken_by(what, *command, mended=mended, restarted=restarted)
            beside = [each.result() for each in beside]
        for this in rounds:
            self.assertLess(this.found_after, this.told_after)
            self.assertLess(this.found_after, this.mended_after, "told by the run that has mended it")
        report_times(figures(what, "lectio-health by timers", rounds))
        report_times(figures(what, "Monit each 30 s", beside) if beside else "Monit is not installed here: nothing is measured beside it")
        return rounds


if __name__ == "__main__":
    skip_where_impossible()
    unittest.main(argv=sys.argv)
