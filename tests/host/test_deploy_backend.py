#!/usr/bin/env python3
"""lectio-deploy of a backend on a real systemd, with the units of packaging/systemd/site: while it is released, refused and
taken back under load, no request fails, also where requests have to wait for a migration that takes something away."""

import json
import re
import sys
import unittest

from hosts import SOURCE, report_times, skip_where_impossible
from site_databases import OnSqlite
from test_deploy_soak import SoakHost
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
PAGE = "/var/www/lectio-maintenance.html"
VIEWS = "/root/next/teaching_panel/teaching_panel/views.py"


class Deploys:
    """On a host."""

    def deploy(self, code, result, *words):
        done = self.host.attempt("lectio-deploy", "--format", "json", *words)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        report = json.loads(done.stdout)["deploy"]
        self.assertEqual(report["result"], result, done.stdout)
        return report

    def word(self):
        return json.loads(self.host.run("curl", "-fsS", "-m", "60", API))["status"]


class DeployBackend(Deploys, UnitsHost, unittest.TestCase):
    def setUp(self):
        super().setUp()
        self.host.shell(f"cat >>/etc/lectio-monitor/config.toml <<'MORE'\n{DEPLOY}\nMORE")
        self.host.copy(SOURCE / "tests/integration/stack/project", "/root/next/teaching_panel")

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


class FenceHost(Deploys, SoakHost):
    """A host whose site can be migrated, under visitors; served is a release with the column that the next may take. Where its
    database lies is told by OnSqlite or OnPostgres, beside it."""

    def setUp(self):
        super().setUp()
        self.begin_database()
        self.configure(passes=2)
        self.host.run("sed", "-i", f's/^units = .*/units = ["{SITE}", "celery-default.service"]/; s|^database = .*|database = "{self.DATABASE}"|',
                      "/etc/lectio-monitor/config.toml")
        self.host.run("systemctl", "enable", "--quiet", "lectio-deploy-recover")
        self.host.run("systemctl", "start", "celery-default")
        self.on_host("begin")
        self.deploy(0, "released", "backend", self.pack("roomy", "good", what="roomy"))
        self.before = self.schema()
        self.assertIn("room_0", self.before)

    def on_host(self, *words):
        return json.loads(self.host.run("python3", "/root/deploys.py", *words))

    def pack(self, word, way, what="loses"):
        self.on_host("pack", word, what, way)
        return f"/root/{word}.tar.gz"

    def wrote(self, word):
        """Its code has left a row."""
        return any(title.startswith(f"{word} ") for title in self.titles())

    def visit(self, *how):
        """Begins to; what they met is told by end_visits()."""
        self.host.shell(f"systemd-run --quiet --unit=load sh -c 'exec python3 /root/deploys.py visits {' '.join(how)} >/root/load'")
        self.host.wait_until(lambda: self.host.succeeds("test", "-e", "/run/visited"), "they visit")

    def end_visits(self):
        self.host.run("systemctl", "kill", "--kill-who=main", "-s", "TERM", "load")
        self.host.wait_until(lambda: self.state("load") not in ("active", "deactivating"), "the load has ended", 180)  # a request has 90
        seen = json.loads(self.host.read("/root/load"))
        self.assertEqual(seen["problems"], [])
        self.assertGreater(seen["requests"], 0)
        return seen

    def check_whole(self, word, is_as_before):
        """The word is served by all units, on tables that fit it, and nothing is undecided."""
        self.assertEqual(self.word(), word)
        self.assertEqual(self.schema() == self.before, is_as_before)
        for unit in (SITE, "celery-default.service"):
            self.host.wait_until(lambda unit=unit: self.state(unit) == "active", f"{unit} runs")
            served = self.host.run("readlink", "-f", PROJECT).strip()
            self.assertIn(served, self.host.run("readlink", f"/proc/{self.host.main_process(unit)}/cwd"))
        self.assertEqual(json.loads(self.host.run("lectio-deploy", "status", "--format", "json"))["unfinished"], [])

    def check_next(self):
        """What was undone can be done."""
        self.host.run("touch", "/var/lib/teaching_panel/go")
        self.deploy(0, "released", "backend", self.pack("next", "good"))
        self.check_whole("next", is_as_before=False)


class Fence(FenceHost, OnSqlite, unittest.TestCase):
    """Migrations that take something away (docs/decisions/0043-the-fence.md)."""

    def test_released(self):
        self.visit("--rows")
        released = self.deploy(0, "released", "backend", self.pack("second", "good"))
        self.check_whole("second", is_as_before=False)
        self.host.wait_until(lambda: self.wrote("second"), "it writes")
        seen = self.end_visits()
        self.assertEqual(seen["words"], ["roomy", "second"])
        report_times(f"a column taken away under load in {released['duration_ms']} ms: {seen['requests']} requests, {seen['rows']} rows "
                     f"written, none failed, none lost; the slowest row took {seen['slowest_s']} s")

    def test_refused(self):
        """Nobody has met it: everything is as it was, and what was written before it is there."""
        self.visit("--rows")
        refused = self.deploy(1, "refused", "backend", self.pack("second", "canary"))
        self.assertIn("500", refused["reason"])
        self.check_whole("roomy", is_as_before=True)
        seen = self.end_visits()
        self.assertEqual(seen["words"], ["roomy"])
        self.assertEqual(len(self.titles()), seen["rows"])
        report_times(f"a column taken away and put back under load in {refused['duration_ms']} ms: {seen['requests']} requests, "
                     f"{seen['rows']} rows written, none failed, none lost; the slowest row took {seen['slowest_s']} s")
        self.check_next()

    def test_nobody_has_written(self):
        """Visitors have met it, and left nothing."""
        self.visit()
        back = self.deploy(1, "rolled_back", "backend", self.pack("second", "unit"))
        self.assertIn("500", back["reason"])
        self.check_whole("roomy", is_as_before=True)
        seen = self.end_visits()
        report_times(f"a column taken away, admitted and put back under load in {back['duration_ms']} ms: {seen['requests']} requests, none failed")
        self.check_next()

    def test_somebody_has_written(self):
        """It stays: what the visitors have written is in tables that only it knows."""
        self.visit("--rows")
        stays = self.deploy(2, "needs_human", "backend", self.pack("second", "unit"))
        self.assertEqual(json.loads(self.host.run("curl", "-fsS", "-m", "60", API.replace("health", "word")))["word"], "second")
        self.assertNotEqual(self.schema(), self.before)
        self.assertTrue(self.wrote("second"))
        self.host.attempt("lectio-notify", "flush", "-q")
        self.assertIn(stays["release"], "\n".join(self.host.messages()))
        self.deploy(0, "released", "backend", self.pack("mended", "good"), "--force")
        self.check_whole("mended", is_as_before=False)
        self.end_visits()

    def test_killed(self):
        """When the column is gone and no code runs."""
        self.visit("--rows")
        self.host.shell(f"lectio-deploy backend {self.pack('second', 'waits')} >/root/said 2>&1 & deploy=$!; "
                        "until [ -e /var/lib/teaching_panel/waits ]; do kill -0 $deploy; sleep 0.02; done; kill -9 $deploy")
        self.host.wait_until(lambda: self.host.attempt("lectio-deploy", "recover").returncode != 75, "it is taken up")
        self.check_whole("roomy", is_as_before=True)
        seen = self.end_visits()
        self.assertEqual(seen["words"], ["roomy"])
        report_times(f"killed when a column was gone: put back under {seen['requests']} requests and {seen['rows']} rows written, none failed, "
                     f"none lost; the slowest row took {seen['slowest_s']} s")
        self.check_next()

    def behind_the_page(self, word):
        """Begins to release it, and comes back when its migration waits and visitors see the page."""
        self.host.run("rm", "-f", "/var/lib/teaching_panel/waits")
        self.host.start_and_leave("lectio-deploy", "backend", "--maintenance", self.pack(word, "waits"))
        self.host.wait_until(lambda: self.host.succeeds("test", "-e", "/var/lib/teaching_panel/waits"), "it is in the middle")
        self.assertNotEqual(self.state(SITE), "active")
        for ask in ([], ["-X", "POST", "-d", "title=x"]):
            answer = self.host.run("curl", "-s", "-i", "-m", "60", *ask, API)
            self.assertTrue(answer.startswith("HTTP/1.1 503"), answer)
            self.assertIn("Retry-After:", answer)
            self.assertIn("lectio-deploy maintenance", answer)

    def test_maintenance(self):
        """Visitors get a page for as long as the migration takes, and the site afterwards, whatever becomes of it."""
        self.host.run("sed", "-i", f's|^\\[deploy\\]|&\\nmaintenance_page = "{PAGE}"|', "/etc/lectio-monitor/config.toml")
        refused = self.deploy(1, "refused", "backend", "--maintenance", self.pack("unseen", "good"))
        self.assertIn("не увидели бы", refused["reason"])
        self.check_whole("roomy", is_as_before=True)
        self.assertFalse(self.host.succeeds("test", "-e", PAGE))
        self.host.copy(SOURCE / "packaging/nginx/maintenance.conf", "/etc/nginx/snippets/lectio-maintenance.conf")
        self.host.shell("sed -i 's|server_name.*lectio.test.*|&\\n    include snippets/lectio-maintenance.conf;|' /etc/nginx/sites-enabled/* && "
                        "nginx -t && systemctl reload nginx")
        self.behind_the_page("second")
        self.host.run("pkill", "-9", "-f", "lectio-deploy backend")
        self.host.wait_until(lambda: self.host.attempt("lectio-deploy", "recover").returncode != 75, "it is taken up")
        self.check_whole("roomy", is_as_before=True)
        self.behind_the_page("third")
        self.host.run("touch", "/var/lib/teaching_panel/go")
        self.host.wait_until(lambda: not self.host.succeeds("pgrep", "-f", "lectio-deploy backend"), "it is over")
        self.check_whole("third", is_as_before=False)
        self.assertFalse(self.host.succeeds("test", "-e", PAGE))

    def test_cut_off(self):
        """The same, and the machine goes down with it."""
        self.assertNotIn("cycle", self.host.shell("systemd-analyze verify default.target 2>&1 || true"))
        self.host.start_and_leave("lectio-deploy", "backend", self.pack("second", "waits"))
        self.host.wait_until(lambda: self.host.succeeds("test", "-e", "/var/lib/teaching_panel/waits"), "it is in the middle")
        self.assertNotEqual(self.state(SITE), "active")
        self.assertEqual(self.state("teaching_panel.socket"), "active")
        self.host.reboot(hard=True)
        self.host.wait_until(lambda: self.answers(20), "the site answers")
        self.check_whole("roomy", is_as_before=True)
        self.check_next()


if __name__ == "__main__":
    skip_where_impossible()
    sys.exit(unittest.main())
