#!/usr/bin/env python3
"""lectio-heartbeat with the real binary: what arrives outside is what is true, whatever is broken inside."""

import http.server
import json
import os
import pathlib
import shutil
import subprocess
import threading
import unittest

from notify_place import NotifyPlace, program_of
from stand_ins.loopback import Loopback
from stand_ins.ping_server import PingServer

HOUR_MS = 3_600_000


class Site(Loopback):
    """A site that answers with `status`."""

    def __init__(self):
        super().__init__(_SiteHandler)
        self.status = 200


class _SiteHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(self.server.stand_in.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Silent: a test prints what matters."""


class Heartbeat(NotifyPlace):
    def setUp(self):
        self.site = self.enterContext(Site())
        self.outside = self.enterContext(PingServer())
        super().setUp()
        self.describe()

    def tearDown(self):
        self.assertEqual(self.outside.wrong, [])

    def describe(self, more="", heartbeat=None):
        url = f'url = "{self.outside.ping_url}"\nprobe = "{self.site.url}/api/health/"\ntools = {{ health = "3m" }}\n'
        self.configure(more=f"[health.check.site]\ntype = \"http\"\nurl = \"{self.site.url}/\"\nrecheck = \"0s\"\n"
                            f"[heartbeat]\n{url if heartbeat is None else heartbeat}{more}")

    def tool(self, tool, *options, **how):
        return subprocess.run([program_of(tool), "-c", self.path("config.toml"), *options], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=300, check=False, **how)

    def beat(self, *options, **how):
        return self.tool("lectio-heartbeat", *options, **how)

    def watch(self):
        return self.tool("lectio-health", "--no-recovery", "-q")

    def beats(self, status, signals, *words, options=()):
        done = self.beat(*options)
        self.assertEqual((done.returncode, self.outside.signals()), (status, signals), done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, done.stdout)
        return done

    def age(self, tool):
        """Its last run was an hour ago, as far as its state says."""
        path = pathlib.Path(self.path("state")) / tool / "state.json"
        state = json.loads(path.read_text())
        state["finished"]["wall_ms"] -= HOUR_MS
        state["finished"]["boot_id"] = ""
        path.write_text(json.dumps(state, separators=(",", ":")))  # as StateFile writes it

    # ── all is well ──

    def test_all_is_well(self):
        self.watch()
        self.beats(0, ["success"], "all is well; pinged")
        done = self.beat("-q")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        [ping] = self.outside.pings
        self.assertEqual((ping.method, ping.body), ("GET", ""), "not every such service takes a body")
        log = pathlib.Path(self.path("logs"), "heartbeat.log").read_text()
        self.assertEqual(log.count("[INFO] all is well; pinged"), 2, log)

    def test_as_json(self):
        self.watch()
        report = json.loads(self.beat("--format", "json").stdout)
        self.assertEqual((report["tool"], report["exit_code"], report["told"], report["arrived"], report["attempts"]),
                         ("lectio-heartbeat", 0, "well", True, 1))

    def test_nobody_waits_outside(self):
        for heartbeat in ("", 'url = ""\n', 'url = "${HEARTBEAT_URL:-}"\n'):
            self.describe(heartbeat=heartbeat)
            self.beats(0, [], "nobody outside is told")
        self.describe(heartbeat='url = "${NOT_SET_ANYWHERE}"\n')
        done = self.beat()
        self.assertEqual((done.returncode, self.outside.signals()), (78, []))
        self.assertIn("NOT_SET_ANYWHERE", done.stderr)

    def test_a_wrong_configuration_is_no_good_end(self):
        self.watch()
        self.beats(0, ["success"], "all is well")
        path = pathlib.Path(self.path("config.toml"))
        path.write_text("typo = 1\n" + path.read_text())
        done = self.beats(78, ["success"], "all is well; pinged")  # by the last good one
        self.assertIn('unknown key "typo"', done.stderr)
        self.assertEqual(json.loads(self.beat("--format", "json").stdout)["exit_code"], 78)

    def test_looking_changes_nothing(self):
        self.beats(0, [], "would be pinged", options=("--dry-run",))
        self.assertFalse(os.path.exists(self.path("state")))
        self.site.status = 502
        self.beats(1, [], "not pinged", options=("--dry-run",))

    # ── the site is down ──

    def test_the_site_is_down_and_silence_says_it(self):
        self.watch()
        self.site.status = 502
        self.beats(1, [], "the site is down: HTTP 502", "not pinged")
        self.site.stop()
        self.beats(1, [], "the site is down", "not pinged")
        self.site.start()
        self.site.status = 200
        self.beats(0, ["success"])

    def test_the_site_is_down_and_the_ping_says_it_once_the_operator_knows(self):
        self.describe('on_site_down = "ping"\n')
        self.watch()
        self.tool("lectio-notify", "send", "--level", "critical", "--key", "nightly-copy", "the copy was not made")  # told; not of the site
        self.site.status = 502
        self.beats(1, [], "the operator has not been told yet; not pinged")
        self.bot.stop()
        self.watch()  # an incident, and its message waits
        self.beats(1, [], "the operator has not been told yet; not pinged")
        self.bot.start()
        self.tool("lectio-notify", "flush")
        self.beat()
        [ping] = self.outside.pings
        self.assertEqual(ping.signal, "success")
        self.assertIn("the site is down: HTTP 502", ping.body)
        self.assertIn("the operator has been told", ping.body)

    def test_the_site_is_down_and_that_is_a_failure(self):
        self.describe('on_site_down = "fail"\n')
        self.watch()
        self.site.status = 503
        self.beats(1, ["fail"], "told outside as a failure")

    # ── the suite is broken ──

    def test_cron_has_stopped(self):
        self.watch()
        self.age("health")
        self.beats(2, ["fail"], "lectio-health last finished a run 1 hour ago")
        self.watch()
        self.beats(0, ["success"])

    def test_a_tool_that_hangs_holds_its_lock_and_finishes_nothing(self):
        self.watch()
        self.age("health")
        lock = os.path.join(self.path("run"), "health.lock")
        with open(lock, "a", encoding="utf-8") as held:
            subprocess.run(["flock", "-n", str(held.fileno())], pass_fds=[held.fileno()], check=True)
            self.assertEqual(self.watch().returncode, 75)
            self.beats(2, ["fail"], "lectio-health last finished a run 1 hour ago")

    def test_a_tool_that_never_ran_is_waited_for(self):
        self.beats(0, ["success"])
        self.age_awaited("health")
        self.beats(2, ["fail"], "lectio-health has never finished a run here")

    def age_awaited(self, tool):
        path = pathlib.Path(self.path("state"), "heartbeat", "state.json")
        state = json.loads(path.read_text())
        kept = state["awaited"][f"awaited-{tool}"]
        wall, boot, _ = kept.split("/", 2)
        state["awaited"][f"awaited-{tool}"] = f"{int(wall) - HOUR_MS}/{boot}/another-boot"
        path.write_text(json.dumps(state, separators=(",", ":")))  # as StateFile writes it

    def test_the_state_is_lost(self):
        self.watch()
        self.beats(0, ["success"])
        shutil.rmtree(self.path("state"))
        self.beats(0, ["success"])  # lectio-health is waited for anew

    def test_the_state_cannot_be_written(self):
        self.watch()
        place = pathlib.Path(self.path("state"), "heartbeat")
        place.write_text("no folder")
        self.beats(2, ["fail"], "the state cannot be written")
        place.unlink()
        self.beats(0, ["success"])

    def test_messages_do_not_get_through(self):
        self.watch()
        pathlib.Path(self.path("config.env")).write_text("TOKEN=42:another-made-up-token-for-tests\n")
        self.tool("lectio-notify", "send", "--level", "critical", "the disk burns")
        done = self.beats(2, ["fail"], "channel errors")
        self.assertNotIn("made-up-token", done.stdout)

    def test_what_is_wrong_arrives_with_the_failure(self):
        self.watch()
        self.age("health")
        self.beat()
        [ping] = self.outside.pings
        self.assertEqual((ping.signal, ping.method), ("fail", "POST"))
        self.assertIn("lectio-health last finished a run", ping.body)

    # ── outside is broken ──

    def test_a_ping_that_is_lost_is_sent_again(self):
        self.watch()
        self.outside.faults.extend([503, 503])
        self.beats(0, ["success"])

    def test_nothing_gets_out(self):
        self.watch()
        self.outside.stop()
        self.beats(1, [], "the ping did not arrive (3 attempts)", "connection refused")

    def test_a_check_that_is_gone(self):
        self.watch()
        for fault in (404, "OK (not found)"):
            self.outside.faults.append(fault)
            self.beats(1, [], "nobody waits for a ping there", "(1 attempt)")

    # ── how it is called ──

    def test_two_at_once(self):
        os.makedirs(self.path("run"))
        with open(self.path("run/heartbeat.lock"), "a", encoding="utf-8") as held:
            subprocess.run(["flock", "-n", str(held.fileno())], pass_fds=[held.fileno()], check=True)
            self.assertEqual((self.beat().returncode, self.outside.signals()), (75, []))

    def test_by_its_old_name(self):
        old = self.path("heartbeat.sh")
        os.symlink(program_of("lectio-heartbeat"), old)
        by_old_name = {"executable": old, "args": [old, "-c", self.path("config.toml")]}
        def call():
            return subprocess.run(**by_old_name, stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=False).returncode
        self.watch()
        self.assertEqual(call(), 0)
        self.age("health")
        self.assertEqual(call(), 1)
        self.assertEqual(self.outside.signals(), ["success", "fail"])

    def test_in_russian(self):
        self.watch()
        path = pathlib.Path(self.path("config.toml"))
        path.write_text(path.read_text().replace('lang = "en"', 'lang = "ru"'))
        self.beats(0, ["success"], "всё в порядке; сигнал отправлен")
        self.site.status = 500
        self.beats(1, [], "сайт не работает", "сигнал не отправлен")


if __name__ == "__main__":
    unittest.main()
