#!/usr/bin/env python3
"""The units of packaging/systemd/site: no request fails while the site's code is restarted, or is kept from starting."""

import json
import re
import sys
import unittest

from hosts import SOURCE, Host, report_times, skip_where_impossible

STATE = "/var/lib/lectio-monitor/deploy"
SITE = "teaching_panel.service"
API = "http://lectio.test:80/api/health/"  # wrk knows no "http" without /etc/services
DEPLOY = """
[deploy.frontend]
path = "/var/www/teaching_panel/frontend/build"
"""
# Holds the fence as a deploy does, until somebody ends it.
HOLD = f"mkdir -p {STATE}; echo $$ >/run/holder; exec 9>>{STATE}/fence; flock 9; touch /run/held; exec sleep infinity"


class UnitsHost:
    """A host whose site has these units."""

    def setUp(self):
        self.host = self.enterContext(Host(self._testMethodName.removeprefix("test_").replace("_", "-")))
        self.host.lay_out_site(cron=False)
        self.host.shell("grep -q lectio.test /etc/hosts || echo 127.0.0.1 lectio.test >>/etc/hosts")
        self.host.run("systemctl", "stop", "teaching_panel")
        self.host.copy(SOURCE / "packaging/systemd", "/etc/systemd/system")
        self.host.copy(SOURCE / "packaging/systemd/site/teaching_panel.service", f"/etc/systemd/system/{SITE}")
        self.host.copy(SOURCE / "packaging/systemd/site/teaching_panel.socket", "/etc/systemd/system/teaching_panel.socket")
        self.host.run("install", "-D", "-m", "644", "/etc/systemd/system/site/workers.conf",
                      "/etc/systemd/system/celery-default.service.d/lectio.conf")
        # What is of this host alone: where the site's database lies.
        self.host.write(f"/etc/systemd/system/{SITE}.d/host.conf",
                        "[Service]\nEnvironment=SITE_DATA=/var/lib/teaching_panel PYTHONDONTWRITEBYTECODE=1\n")
        self.host.shell(f"cat >>/etc/lectio-monitor/config.toml <<'MORE'\n{DEPLOY}\nMORE")
        self.host.run("systemctl", "daemon-reload")
        self.host.run("systemctl", "enable", "--quiet", "--now", "teaching_panel.socket", SITE)
        self.host.wait_until(lambda: self.answers(2), "the site answers")

    def answers(self, seconds):
        return self.host.succeeds("curl", "-fsS", "-m", str(seconds), "-o", "/dev/null", API)

    def state(self, unit, what="ActiveState"):
        return self.host.run("systemctl", "show", "-P", what, unit).strip()


class Units(UnitsHost, unittest.TestCase):
    def test_restarts_under_load(self):
        """Keep-alive and new connections at once, through nginx; more restarts than StartLimitBurst= has."""
        load = f"wrk -t1 -c8 -d600s --timeout 60s --latency {{}} {API} >/root/{{}} 2>&1 & {{}}=$!;"
        done = self.host.shell(
            load.format("", "kept", "kept") + load.format("-H 'Connection: close'", "new", "new")
            + f"for i in $(seq 20); do systemctl reset-failed {SITE}; systemctl restart {SITE}; sleep 1; done;"
            "kill -INT $kept $new; wait; tail -n +1 /root/kept /root/new")
        answered = [int(number) for number in re.findall(r"(\d+) requests in", done)]
        self.assertEqual(len(answered), 2, done)
        self.assertNotIn("Non-2xx", done)
        self.assertNotIn("Socket errors", done)
        self.assertGreater(min(answered), 100, done)
        slowest = re.findall(r"99%\s+(\S+)", done)
        report_times(f"20 restarts of the site under load: {sum(answered)} requests, none failed, "
                     f"99% within {slowest[0]} (keep-alive), {slowest[1]} (new connections)")
        self.assertEqual(self.host.messages(), [], "what is restarted on purpose is not told")

    def hold_the_fence(self):
        self.host.start_and_leave("sh", "-c", HOLD)
        self.host.wait_until(lambda: self.host.succeeds("test", "-e", "/run/held"), "the fence is held")

    def ask_and_wait(self, number):
        for each in range(number):
            self.host.start_and_leave("sh", "-c", f"curl -sS -m 100 -o /dev/null -w '%{{http_code}}' {API} >/root/answer-{each} 2>&1")

    def answered(self):
        return self.host.shell("cat /root/answer-* 2>/dev/null | tr -d '\\n' || true")

    def test_the_fence_is_held(self):
        """A request would start the old code again in the middle of a migration; the gate keeps it from that."""
        self.hold_the_fence()
        self.host.run("systemctl", "stop", SITE, "celery-default")
        self.ask_and_wait(30)
        self.host.wait_until(lambda: self.state(SITE) == "activating", "a request has begun to start the site")
        self.host.start_and_leave("systemctl", "start", "celery-default")
        self.host.wait_until(lambda: self.state("celery-default") == "activating", "the worker is to start")
        for _ in range(5):
            self.ask_and_wait(1)
            self.assertEqual((self.state(SITE), self.state(SITE, "SubState"), self.state("celery-default")),
                             ("activating", "start-pre", "activating"))
            self.assertEqual(self.state("teaching_panel.socket"), "active")
        self.assertEqual(self.state(SITE, "NRestarts"), "0")
        self.assertIn("start-pre", self.state("celery-default", "SubState"))
        self.assertEqual(self.answered(), "")
        self.host.shell("kill $(cat /run/holder)")  # as when the deploy is killed: the kernel lets go of it
        self.host.wait_until(lambda: len(self.answered()) == 90, "all are answered")
        self.assertEqual(self.answered(), "200" * 30)
        self.assertEqual((self.state(SITE), self.state("celery-default")), ("active", "active"))

    def test_the_fence_is_held_too_long(self):
        """Longer than a start may take: systemd tries again, and the socket does not give up."""
        self.host.write(f"/etc/systemd/system/{SITE}.d/short.conf", "[Service]\nTimeoutStartSec=2\nRestartSec=1\n")
        self.host.run("systemctl", "daemon-reload")
        self.hold_the_fence()
        self.host.run("systemctl", "stop", SITE)
        self.ask_and_wait(5)
        self.host.wait_until(lambda: int(self.state(SITE, "NRestarts")) >= 2, "it was tried again")
        self.assertEqual(self.state("teaching_panel.socket"), "active")
        self.assertEqual(self.answered(), "")
        self.host.shell("kill $(cat /run/holder)")
        self.host.wait_until(lambda: self.answered() == "200" * 5, "all are answered")
        self.assertEqual(self.state(SITE), "active")

    def test_a_deploy_died_and_the_site_starts(self):
        """The second belt: where the machine did not go down, the start of the site undoes what a deploy has left."""
        build = "/var/www/teaching_panel/frontend/build"
        self.host.shell(f"""sed -i '/deploy.frontend/i [deploy]\\nmin_free = "1MB"\\ngate = {{{{ checks = ["site"], within = "5m", passes = 100 }}}}' \
                            /etc/lectio-monitor/config.toml""".replace("{{", "{").replace("}}", "}"))
        self.host.shell(f"cp -r {build} /root/next; echo '<!-- next -->' >>/root/next/index.html")
        self.host.start_and_leave("sh", "-c", "echo $$ >/run/deploy.pid; exec lectio-deploy frontend /root/next")
        self.host.wait_until(lambda: self.host.succeeds("grep", "-q", "next", f"{build}/index.html"), "the swap")
        self.host.run("systemctl", "restart", SITE)  # a deploy that lives is left alone
        self.assertTrue(self.host.succeeds("grep", "-q", "next", f"{build}/index.html"))
        self.host.shell("kill -9 $(cat /run/deploy.pid)")
        self.host.run("systemctl", "restart", SITE)
        self.assertFalse(self.host.succeeds("grep", "-q", "next", f"{build}/index.html"))
        self.assertEqual(json.loads(self.host.run("lectio-deploy", "status", "--format", "json"))["unfinished"], [])
        self.host.attempt("lectio-notify", "flush", "-q")
        self.assertEqual(len(self.host.messages()), 1, self.host.messages())

    def doctor(self):
        done = self.host.attempt("lectio-deploy", "doctor", "--format", "json")
        report = json.loads(done.stdout)
        self.assertEqual(report["exit_code"], done.returncode)
        return done.returncode, {finding["name"] + " " + finding["status"]: finding["hint"] for finding in report["findings"]}

    def test_doctor(self):
        """What stands in packaging/systemd needs no doctor; what was there before does."""
        sites = "/etc/nginx/sites-enabled/default"
        self.host.run("systemctl", "enable", "--quiet", "lectio-deploy-recover")
        self.assertEqual(self.doctor(), (1, {"page warning": 'в nginx: location = /index.html { add_header Cache-Control "no-cache"; }'}))
        # The hint, as it is told.
        self.host.shell(f"""sed -i '/server_name/a location = /index.html {{ add_header Cache-Control "no-cache"; }}' {sites}
                            systemctl reload nginx""")
        self.assertEqual(self.doctor(), (0, {}))
        self.assertIn("ничто не помешает", self.host.run("lectio-deploy", "doctor"))
        self.host.shell(f"""sed -i '/server_name/a open_file_cache max=100;' {sites}
                            install -d -m 775 /var/www/teaching_panel/frontend/.lectio-releases
                            chmod o-x /var/www/teaching_panel; systemctl disable --quiet lectio-deploy-recover""")
        code, hints = self.doctor()
        self.assertEqual(code, 2, hints)
        self.assertIn("open_file_cache off;", hints["nginx critical"])
        self.assertIn("sudo systemctl enable lectio-deploy-recover", hints["boot warning"])
        self.assertIn("rights critical", hints)
        told = self.host.attempt("lectio-deploy", "doctor").stdout
        self.assertIn("sudo chmod o+x /var/www/teaching_panel\n", told)
        self.assertIn("chmod 755 /var/www/teaching_panel/frontend/.lectio-releases", told)

    def test_doctor_of_the_old_layout(self):
        """The units that LEGACY.md has: no socket, stopped too soon, no gate."""
        self.host.shell("systemctl disable --quiet --now teaching_panel.socket; rm /etc/systemd/system/teaching_panel.socket")
        self.host.copy(SOURCE / "tests/host/site/etc/systemd/system/teaching_panel.service", f"/etc/systemd/system/{SITE}")
        self.host.shell(f"systemctl daemon-reload; systemctl restart {SITE}")
        self.host.wait_until(lambda: self.answers(2), "the site answers")
        told = self.host.attempt("lectio-deploy", "doctor").stdout
        for line in ("teaching_panel.socket", "TimeoutStopSec=40s", "Type=notify", "lectio-deploy gate web"):
            self.assertIn(line, told)

    def test_the_tools_are_gone(self):
        self.host.shell("rm /usr/local/bin/lectio-*")
        self.host.run("systemctl", "restart", SITE)
        self.assertTrue(self.answers(20))
        self.host.run("systemctl", "restart", "celery-default")

    def test_it_crashes(self):
        self.host.run("kill", "-9", self.state(SITE, "MainPID"))
        self.assertTrue(self.answers(100), "asked while it is down: answered when it is back")
        self.host.wait_until(self.host.messages, "told")
        self.assertIn("SIGKILL", self.host.messages()[0])


if __name__ == "__main__":
    skip_where_impossible()
    unittest.main(argv=sys.argv)
