#!/usr/bin/env python3
"""lectio-deploy of a backend on a real systemd, with the units of packaging/systemd/site: while it is released, refused and
taken back under load, no request fails."""

import json
import re
import sys
import unittest

from hosts import SOURCE, report_times, skip_where_impossible
from test_units import API, SITE, UnitsHost

PROJECT = "/var/www/teaching_panel"
DEPLOY = f"""
[health.check.live]
type = "http"
url = "http://lectio.test/api/health/"
resolve = "127.0.0.1"

[deploy]
min_free = "1MB"
gate = {{ checks = ["live"], within = "60s", passes = 2 }}

[deploy.backend]
path = "{PROJECT}"
user = "www-data"
shared = ["venv"]
check = ["env", "SITE_DATA=/var/lib/teaching_panel", "/usr/bin/python3", "teaching_panel/manage.py", "check"]
canary = {{ command = ["env", "SITE_DATA=/var/lib/teaching_panel", "venv/bin/gunicorn", "-b", "{{socket}}", "--chdir", "teaching_panel", "teaching_panel.wsgi"], path = "/api/health/" }}
units = ["{SITE}", "celery-default.service"]
"""
VIEWS = "/root/next/teaching_panel/teaching_panel/views.py"


class DeployBackend(UnitsHost, unittest.TestCase):
    def setUp(self):
        super().setUp()
        self.host.shell(f"cat >>/etc/lectio-monitor/config.toml <<'MORE'\n{DEPLOY}\nMORE")
        self.host.copy(SOURCE / "tests/integration/stack/project", "/root/next/teaching_panel")

    def deploy(self, code, result, *words):
        done = self.host.attempt("lectio-deploy", "--format", "json", *words)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        report = json.loads(done.stdout)["deploy"]
        self.assertEqual(report["result"], result, done.stdout)
        return report

    def word(self):
        return json.loads(self.host.run("curl", "-fsS", "-m", "60", API))["status"]

    def change(self, before, after):
        self.host.run("sed", "-i", f"s/{before}/{after}/", VIEWS)

    def test_backend_under_load(self):
        self.host.shell(f"systemd-run --quiet --unit=load sh -c 'exec wrk -t1 -c8 -d900s --timeout 60s {API} >/root/load'")
        first = self.deploy(3, "released", "adopt", "backend", "--force")["release"]  # without git nobody knows what is data
        self.change('"healthy" if', '"second" if')
        released = self.deploy(0, "released", "backend", "/root/next")
        self.assertEqual(released["previous"], first)
        self.assertEqual(self.word(), "second")
        worker = self.host.main_process("celery-default.service")
        self.assertIn(released["release"], self.host.run("readlink", f"/proc/{worker}/cwd"))
        # What does not import is met by nobody.
        self.change("from . import faults", "from . import nothing_of_that_name as faults")
        refused = self.deploy(1, "refused", "backend", "/root/next")
        self.assertIn("nothing_of_that_name", refused["reason"])
        self.assertEqual(self.word(), "second")
        self.change("from . import nothing_of_that_name as faults", "from . import faults")
        self.deploy(0, "released", "rollback", "backend")
        self.assertEqual(self.word(), "healthy")
        self.host.run("systemctl", "kill", "-s", "INT", "load")
        self.host.wait_until(lambda: self.state("load") != "active", "the load has ended")
        load = self.host.read("/root/load")
        self.assertNotIn("Non-2xx", load)
        self.assertNotIn("Socket errors", load)
        answered = int(re.search(r"(\d+) requests in", load)[1])
        # What works on a private socket and not as the unit is taken back.
        self.change('status=200 if good', 'status=500 if __import__("os").environ.get("INVOCATION_ID") else 200 if good')
        self.change('"second" if', '"third" if')
        back = self.deploy(1, "rolled_back", "backend", "/root/next")
        self.assertIn("500", back["reason"])
        self.assertEqual(self.word(), "healthy")
        report_times(f"a backend adopted, released, refused and rolled back under load: {answered} requests, none failed; "
                     f"released in {released['duration_ms']} ms, a failing one taken back in {back['duration_ms']} ms")

    def test_full(self):
        """Code and frontend as one: both are new, or neither is, and no request fails."""
        build = "/var/www/teaching_panel/frontend/build"
        self.host.run("cp", "-a", build, "/root/build")
        self.host.shell(f"systemd-run --quiet --unit=load sh -c 'exec wrk -t1 -c8 -d900s --timeout 60s {API} >/root/load'")
        self.deploy(3, "released", "adopt", "backend", "--force")

        def page():
            return self.host.read(f"{build}/index.html")
        self.change('"healthy" if', '"second" if')
        self.host.shell("echo '<!-- second -->' >>/root/build/index.html")
        released = self.deploy(0, "released", "full", "/root/build", "/root/next")
        self.assertEqual((released["release"][:3], released["with"][:3]), ("be-", "fe-"))
        self.assertEqual(self.word(), "second")
        self.assertIn("second", page())
        # What fails only as the unit takes the frontend back with it.
        self.change('status=200 if good', 'status=500 if __import__("os").environ.get("INVOCATION_ID") else 200 if good')
        self.host.shell("echo '<!-- third -->' >>/root/build/index.html")
        self.host.run("systemctl", "kill", "-s", "INT", "load")
        self.host.wait_until(lambda: self.state("load") != "active", "the load has ended")
        load = self.host.read("/root/load")
        self.assertNotIn("Non-2xx", load)
        self.assertNotIn("Socket errors", load)
        back = self.deploy(1, "rolled_back", "full", "/root/build", "/root/next")
        self.assertIn("500", back["reason"])
        self.assertEqual(self.word(), "second")
        self.assertNotIn("third", page())
        report_times(f"code and frontend released as one in {released['duration_ms']} ms, both taken back in {back['duration_ms']} ms")


if __name__ == "__main__":
    skip_where_impossible()
    sys.exit(unittest.main())
