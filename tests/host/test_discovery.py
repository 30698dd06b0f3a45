#!/usr/bin/env python3
"""The server of LEGACY.md without a configuration: what discovery finds on it, and what `init` writes."""

import json
import unittest

from hosts import Host, skip_where_impossible


class Discovery(unittest.TestCase):
    def test_server_without_configuration(self):
        with Host("discovery") as host:
            host.lay_out_site(cron=False)
            host.shell("rm -f /etc/lectio-monitor/config.toml /opt/lectio-monitor/config.env /opt/lectio-monitor/config.toml")
            self.everything_is_found(host)
            self.what_stops_is_told_of_as_one(host)
            self.init_writes_it(host)

    @staticmethod
    def look(host):
        code, report = host.health()
        return code, report, {check["name"]: check for check in report["checks"]}

    def everything_is_found(self, host):
        # A worker takes a few seconds until it listens; each run asks again.
        host.wait_until(lambda: "celery" in self.look(host)[2], "Celery's worker is found", 30)
        _, report, found = self.look(host)
        for name in ("nginx", "teaching_panel", "teaching_panel-workers", "teaching_panel-8000", "celery-default", "celery",
                     "redis-server", "redis", "frontend-lectio-test", "site-lectio-test", "units"):
            self.assertIn(name, found, report)
            self.assertEqual(found[name]["status"], "ok", found[name])
        self.assertNotIn("ssh", " ".join(found))

    def what_stops_is_told_of_as_one(self, host):
        host.run("systemctl", "stop", "teaching_panel")
        code, report, found = self.look(host)
        self.assertEqual(code, 2)
        self.assertEqual(found["teaching_panel"]["status"], "critical")
        for symptom in ("teaching_panel-8000", "teaching_panel-workers"):
            self.assertEqual(found[symptom]["symptom_of"], "teaching_panel", found[symptom])
        self.assertEqual(report["recovery"], [], "nothing is mended on a guess")
        host.run("systemctl", "start", "teaching_panel")
        host.wait_until(host.api_answers, "the application is back", 20)

    def init_writes_it(self, host):
        text = host.run("lectio-health", "init", "-o", "-", "--lang", "en")
        for line in ('unit = "teaching_panel.service"', 'unit = "nginx.service"', 'url = "http://lectio.test/"',
                     'root = "/var/www/teaching_panel/frontend/build"', 'reader = "www-data"', 'resolve = "127.0.0.1"',
                     'broker = "redis://127.0.0.1:6379/0"', '#owner = "www-data:www-data"', '#test = ["nginx", "-t"]'):
            self.assertIn(line + "\n", text)
        self.assertIn("Django project in /var/www/teaching_panel/teaching_panel", text)
        host.run("lectio-health", "init")
        self.assertEqual(host.run("stat", "-c", "%a %U", "/etc/lectio-monitor/config.toml"), "640 root\n")
        self.assertEqual(host.attempt("lectio-health", "--check-config").returncode, 0)
        self.assertEqual(host.attempt("lectio-health", "init").returncode, 64)
        # Switched on as the file says how, it mends.
        host.shell(r"sed -i 's/^#\([^ ]\)/\1/' /etc/lectio-monitor/config.toml")
        host.run("systemctl", "stop", "teaching_panel")
        done = host.attempt("lectio-health", "--format", "json")
        report = json.loads(done.stdout)
        self.assertEqual([(rung["action"], rung["ok"]) for rung in report["recovery"]], [("restart", True)], report)
        self.assertTrue(host.api_answers())


if __name__ == "__main__":
    skip_where_impossible()
    unittest.main()
