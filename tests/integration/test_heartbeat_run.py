#!/usr/bin/env python3
"""`lectio-heartbeat run` with the real binary: a job of cron's cannot fail, hang or disappear silently."""

import json
import os
import pathlib
import signal
import subprocess
import time
import unittest

from mounts import mount, own_mounts
from notify_place import NotifyPlace, program_of
from stand_ins.ping_server import PingServer

LONG = 300  # only a guard against hanging


class Job(NotifyPlace):
    def setUp(self):
        self.outside = self.enterContext(PingServer())
        super().setUp()
        self.describe()

    def tearDown(self):
        self.assertEqual(self.outside.wrong, [])

    def describe(self, job="", lang="en"):
        self.configure(lang=lang, more=f'[heartbeat.job.media]\nurl = "{self.outside.ping_url}"\n{job}')

    def command(self, *job, options=(), name="media"):
        return [program_of("lectio-heartbeat"), "-c", self.path("config.toml"), *options, "run", name, "--", *job]

    def run_job(self, *job, options=(), name="media", **how):
        return subprocess.run(self.command(*job, options=options, name=name), capture_output=True, text=True, timeout=LONG,
                              check=False, **{"stdin": subprocess.DEVNULL, **how})

    def start(self, *job):
        process = subprocess.Popen(self.command(*job), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate)
        return process

    def wait_for(self, condition):
        until = time.monotonic() + LONG
        while not condition():
            self.assertLess(time.monotonic(), until)
            time.sleep(0.01)

    def texts(self):
        texts = self.bot.texts()
        self.bot.messages.clear()
        return texts

    # ── it runs ──

    def test_a_good_job_says_what_it_says_and_nothing_else(self):
        done = self.run_job("sh", "-c", "cat; echo aside >&2", stdin=None, input="through\n")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "through\n", "aside\n"))
        start, end = self.outside.pings
        self.assertEqual((start.signal, end.signal, end.body), ("start", 0, ""))
        self.assertEqual(start.rid, end.rid)
        self.assertEqual(self.texts(), [])
        self.assertIn("[INFO] job media ended well after", pathlib.Path(self.path("logs"), "heartbeat.log").read_text())

    def test_it_runs_where_and_as_its_caller_is(self):
        done = self.run_job("sh", "-c", "pwd; echo $MADE_UP", cwd=self.folder.name, env={**os.environ, "MADE_UP": "there"})
        self.assertEqual(done.stdout, f"{os.path.realpath(self.folder.name)}\nthere\n")

    def test_all_that_it_prints_comes_through(self):
        done = self.run_job("seq", "200000")
        self.assertEqual(done.stdout, "".join(f"{number}\n" for number in range(1, 200001)))

    def test_its_reader_goes_away(self):
        mark = self.path("done")
        line = " ".join(self.command("sh", "-c", f'"seq 200000; touch {mark}; exit 5"')) + " | head -1"
        done = subprocess.run(["bash", "-o", "pipefail", "-c", line], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=LONG, check=False)
        self.assertEqual((done.returncode, done.stdout), (5, "1\n"))
        self.assertTrue(os.path.exists(mark), "it went on to its end")

    # ── how things stand ──

    def status(self):
        done = subprocess.run([program_of("lectio-status"), "-c", self.path("config.toml"), "--format", "json"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LONG, check=False)
        report = json.loads(done.stdout)
        return {job["name"]: job for job in report["jobs"]}, [trouble["message"] for trouble in report["troubles"]]

    def test_lectio_status_knows_how_it_went(self):
        self.assertEqual(self.status()[0]["media"]["state"], "never")
        self.run_job("true")
        media = self.status()[0]["media"]
        self.assertEqual((media["state"], media["exit_status"], media["begun"]), ("good", 0, None))
        self.run_job("sh", "-c", "exit 3")
        self.run_job("true", name="unknown-here")
        jobs, _ = self.status()
        self.assertEqual((jobs["media"]["state"], jobs["media"]["exit_status"]), ("failed", 3))
        self.assertIn("failed: exit status 3", jobs["media"]["detail"])
        self.assertEqual(jobs["unknown-here"]["state"], "good", "a job without a section, too")

    def test_lectio_status_tells_one_that_runs_from_one_that_was_cut_off(self):
        mark = self.path("begun")
        process = self.start("sh", "-c", f"touch {mark}; sleep {LONG}")
        self.wait_for(lambda: os.path.exists(mark))
        self.assertEqual(self.status()[0]["media"]["state"], "running")
        process.kill()
        process.wait(LONG)
        jobs, troubles = self.status()
        self.assertEqual(jobs["media"]["state"], "died")
        self.assertIn("job media was cut off", "".join(troubles))
        self.run_job("true")
        self.assertEqual(self.status()[0]["media"]["state"], "good")

    def test_a_record_that_is_damaged_is_said(self):
        self.run_job("true")
        for damage in ("", "garbage", "{}", '{"at":{"wall_ms":-1}}'):
            pathlib.Path(self.path("state/jobs/media.json")).write_text(damage)
            self.assertEqual(self.status()[0]["media"]["state"], "damaged", damage)
        self.run_job("true")
        self.assertEqual(self.status()[0]["media"]["state"], "good")

    # ── it fails ──

    def test_a_job_that_fails_is_told_once_until_it_is_well(self):
        failing = ("sh", "-c", "echo no space left on the remote >&2; exit 3")
        done = self.run_job(*failing)
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("no space left on the remote\n", done.stderr)
        self.assertIn("job media failed: exit status 3 after", done.stderr)
        end = self.outside.pings[-1]
        self.assertEqual(end.signal, 3)
        self.assertIn("no space left on the remote", end.body)
        [told] = self.texts()
        self.assertIn("job media", told)
        self.assertIn("failed: exit status 3", told)
        self.assertIn("no space left on the remote", told)
        self.run_job(*failing)
        self.assertEqual(self.texts(), [], "told already")
        self.run_job("true")
        [told] = self.texts()
        self.assertIn("ended well", told)
        self.run_job("true")
        self.assertEqual(self.texts(), [])

    def test_in_russian(self):
        self.describe(lang="ru")
        self.assertIn("задание media: завершилось с ошибкой: код 3 через", self.run_job("sh", "-c", "exit 3").stderr)
        [told] = self.texts()
        self.assertIn("завершилось с ошибкой: код 3", told)

    def test_a_job_that_takes_too_long_is_ended(self):
        self.describe('max = "1s"\n')
        done = self.run_job("sleep", str(LONG))
        self.assertEqual(done.returncode, 124)
        self.assertIn("took longer than its 1 s and was ended", done.stderr)
        self.assertEqual(self.outside.signals(), ["start", 124])
        self.assertEqual(len(self.texts()), 1)

    def test_a_job_that_dies_or_cannot_start(self):
        for job, status in ((("sh", "-c", "kill -9 $$"), 137), (("no-such-program",), 127), (("/etc/passwd",), 126)):
            self.assertEqual(self.run_job(*job).returncode, status, job)
            self.assertEqual(self.outside.signals(), ["start", status])

    def test_a_secret_of_the_configuration_gets_out_nowhere(self):
        secret = pathlib.Path(self.path("config.env")).read_text().strip().removeprefix("TOKEN=")
        self.run_job("sh", "-c", f"echo {secret}; exit 1")
        self.assertNotIn(secret, self.outside.pings[-1].body)
        self.assertNotIn(secret, "".join(self.texts()))

    # ── two of them, and its end ──

    def test_two_at_once(self):
        first = self.start("sh", "-c", f"touch {self.path('on')}; while [ -e {self.path('on')} ]; do sleep 0.05; done")
        self.wait_for(lambda: os.path.exists(self.path("on")))
        done = self.run_job("touch", self.path("second"))
        self.assertEqual(done.returncode, 75)
        self.assertIn("lectio-heartbeat", done.stderr)
        self.assertFalse(os.path.exists(self.path("second")))
        self.assertEqual(self.run_job("true", name="another").returncode, 0, "a lock a job")
        os.remove(self.path("on"))
        self.assertEqual(first.wait(LONG), 0)

    def test_a_wish_to_stop_is_handed_on(self):
        job = self.start("sh", "-c", f"trap 'sleep 2; echo saved; exit 9' TERM; touch {self.path('on')}; "
                                     "while :; do sleep 0.05; done")
        self.wait_for(lambda: os.path.exists(self.path("on")))
        job.send_signal(signal.SIGTERM)
        out, err = job.communicate(timeout=LONG)
        self.assertEqual((job.returncode, out), (9, "saved\n"), "it had the time to end by itself")
        self.assertIn("was asked to stop (signal 15)", err)

    def test_it_ends_with_its_watcher(self):
        job = self.start("sh", "-c", f"trap 'touch {self.path('over')}; exit' TERM; touch {self.path('on')}; "
                                     "while :; do sleep 0.05; done")
        self.wait_for(lambda: os.path.exists(self.path("on")))
        job.kill()
        self.wait_for(lambda: os.path.exists(self.path("over")))

    # ── what its watcher lacks keeps no job from running ──

    def runs_all_the_same(self, *words, **how):
        mark = pathlib.Path(self.path("ran"))
        done = self.run_job("sh", "-c", f"touch {mark}; exit 4", **how)
        self.assertEqual(done.returncode, 4)
        self.assertTrue(mark.exists())
        mark.unlink()
        for word in words:
            self.assertIn(word, done.stderr)

    def test_nobody_waits_for_it(self):
        self.outside.stop()
        self.runs_all_the_same("the ping did not arrive")

    def test_a_name_that_is_not_configured(self):
        self.runs_all_the_same("there is no [heartbeat.job.medai]", name="medai")
        self.assertEqual(len(self.texts()), 1, "a failure is told all the same")

    def test_a_url_out_of_a_variable_that_is_not_set(self):
        self.configure(more='[heartbeat.job.media]\nurl = "${NOT_SET_ANYWHERE}"\n')
        self.runs_all_the_same("NOT_SET_ANYWHERE")

    def test_a_configuration_that_is_broken_or_gone(self):
        path = pathlib.Path(self.path("config.toml"))
        path.write_text("what = [")
        self.runs_all_the_same("config.toml:1:")
        path.unlink()
        self.runs_all_the_same("без присмотра")  # without a configuration the suite speaks Russian

    def test_nothing_can_be_written(self):
        for name in ("run", "state", "logs"):
            pathlib.Path(self.path(name)).write_text("no folder")
        self.runs_all_the_same("nothing keeps two of them from running at once")

    # ── how it is called ──

    def test_a_dry_run_runs_nothing(self):
        done = self.run_job("touch", self.path("ran"), options=("--dry-run",))
        self.assertEqual((done.returncode, self.outside.pings, os.path.exists(self.path("ran"))), (0, [], False))
        self.assertIn(f"would run: touch {self.path('ran')}", done.stdout)

    def test_wrong_usage(self):
        for words in (("run",), ("run", "media"), ("run", "Wrong Name", "--", "true"),
                      ("--format", "json", "run", "media", "--", "true")):
            done = subprocess.run([program_of("lectio-heartbeat"), "-c", self.path("config.toml"), *words],
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=LONG, check=False)
            self.assertEqual(done.returncode, 64, words)


def setUpModule():
    """Without a configuration the suite writes where a host has it: not to this machine's own."""
    if os.geteuid() == 0:
        own_mounts()
        for place in ("/var/lib", "/var/log", "/run"):
            mount("none", place, "tmpfs")


if __name__ == "__main__":
    unittest.main()
