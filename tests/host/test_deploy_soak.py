#!/usr/bin/env python3
"""Many deploys of a real site under load, a third of them broken, and many that are killed (deploys.py runs on the host).

No request fails, no page is without its scripts, what is broken never stays, what is good is live; and whatever is
killed, one whole release is served afterwards, with a database that fits it.
"""

import json
import random
import sys
import unittest

from hosts import SOURCE, report_times, skip_where_impossible
from test_units import SITE, UnitsHost

sys.path.insert(0, str(SOURCE / "tests/integration"))

from monitor import count  # noqa: E402 (found by the line above)

PROJECT = "/var/www/teaching_panel"
MANAGE = '"env", "SITE_DATA=/var/lib/teaching_panel", "PYTHONDONTWRITEBYTECODE=1", "/usr/bin/python3", "teaching_panel/manage.py"'
DEPLOY = f"""
[health.check.page]
type = "http"
url = "http://lectio.test/"
resolve = "127.0.0.1"
contains = 'data-build='
recheck = "50ms"

[health.check.live]
type = "http"
url = "http://lectio.test/api/health/"
resolve = "127.0.0.1"
timeout = "30s"
recheck = "50ms"

[deploy]
min_free = "1MB"
gate = {{ checks = ["page", "live"], within = "30s", passes = PASSES }}

[deploy.backend]
path = "{PROJECT}"
user = "www-data"
shared = ["venv"]
database = "sqlite:/var/lib/teaching_panel/db.sqlite3"
migrate = [{MANAGE}, "migrate", "--noinput"]
check = [{MANAGE}, "check"]
canary = {{ command = ["env", "SITE_DATA=/var/lib/teaching_panel", "venv/bin/gunicorn", "-b", "{{socket}}", "--chdir", "teaching_panel", "teaching_panel.wsgi"], path = "/api/health/" }}
units = ["{SITE}"]
"""
RULES = """requires = ["index.html", "static/js/main.*.js"]
contains = { "index.html" = 'id="root"' }
forbid = ["localhost:"]
"""


class SoakHost(UnitsHost):
    """A host on which deploys.py can run."""

    def setUp(self):
        super().setUp()
        self.host.run("systemctl", "stop", "celery-default")  # what is served is the matter here
        self.host.copy(SOURCE / "tests/integration/stack/project", "/root/project")
        for file in (SOURCE / "tests/host/deploys.py", *(SOURCE / "tests/integration" / name for name in ("builds.py", "tracing.py"))):
            self.host.copy(file, f"/root/{file.name}")

    def configure(self, passes):
        self.host.shell(f"cat >>/etc/lectio-monitor/config.toml <<'MORE'\n{RULES}{DEPLOY.replace('PASSES', str(passes))}\nMORE")


class DeploySoak(SoakHost, unittest.TestCase):
    def run_inside(self, *words, passes):
        """What deploys.py has seen."""
        self.configure(passes)
        done = self.host.attempt("python3", "/root/deploys.py", *words, timeout=4 * 3600)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        seen = json.loads(done.stdout)
        self.assertEqual(seen["problems"], [], done.stdout + done.stderr)
        return seen

    def test_soak(self):
        frontends, backends = count("frontend_deploys"), count("backend_deploys")
        seen = self.run_inside("soak", str(frontends), str(backends), passes=2)
        broken = frontends // 3 + backends // 3
        self.assertEqual(seen["counted"]["released"], frontends + backends - broken)
        self.assertEqual(seen["counted"]["refused"] + seen["counted"]["rolled_back"], broken)
        ways = len([way for way in seen["ways"] if not way.endswith(": good")])
        report_times(f"counted: {frontends} deploys of a frontend and {backends} of a backend, {broken} of them broken in {ways} ways "
                     f"({seen['counted']['refused']} refused, {seen['counted']['rolled_back']} taken back), under "
                     f"{seen['requests']['page']} requests for the page, {seen['requests']['api']} for the API, {seen['pages']} pages with "
                     f"their scripts and {seen['rows']} rows written: none failed; the slowest row took {seen['slowest_s']} s; "
                     f"medians in ms: {seen['ms']}")

    def killed(self, kind):
        seed = random.randrange(1 << 32)
        seen = self.run_inside("kills", kind, str(count(f"{kind}_kills")), str(seed), passes=1)
        report_times(f"counted: deploys ({kind}) killed at {seen['counted']['killed']} random moments, in its recovery at "
                     f"{seen['counted']['killed again']} more; {seen['counted']['stayed']} of {seen['counted']['rounds']} were served afterwards; "
                     f"{seen['pages']} pages and {seen['rows']} rows written meanwhile: none failed (seed {seed})")
        self.assertEqual(seen["counted"]["killed"], count(f"{kind}_kills"))

    def test_frontend_killed(self):
        self.killed("frontend")

    def test_backend_killed(self):
        self.killed("backend")

    def test_full_killed(self):
        """Both parts of it, or neither."""
        self.killed("full")

    def test_backend_durable(self):
        """CONTRACT 40, as tests/integration/test_durability.py asks it of a frontend."""
        self.run_inside("audit", passes=1)


if __name__ == "__main__":
    skip_where_impossible()
    unittest.main(argv=sys.argv)
