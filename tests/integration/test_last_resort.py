#!/usr/bin/env python3
"""A run on the edge of what a process may have: it ends with words and the exit code that says so, never by a
signal, and whoever reads its report slowly gets all of it."""

import fcntl
import json
import os
import pathlib
import resource
import signal
import struct
import subprocess
import tempfile
import termios
import time
import unittest

from monitor import RELEASE, Monitor, binary

DISKS = "".join(f'\n[health.check.disk{number}]\ntype = "disk"\npath = "/"\nfree = {{{{ critical = "1KB" }}}}\n'
                for number in range(400))
PIPE_HOLDS = 65536
FEW = DISKS[:DISKS.index("[health.check.disk2]")]
LOADER_NEEDS = 4  # descriptors: below, ld.so itself says no
GOOD_OR_SAID = {0, 1, 2, 3, 70, 78}


def limited(kind, soft):
    return lambda: resource.setrlimit(kind, (soft, resource.getrlimit(kind)[1]))


def run(command, **more):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False, **more)


def command_of(pid):
    return pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="utf-8")


def has_child(pid):
    return any(task.read_text(encoding="utf-8") for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"))


def held(pipe):
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0]


class LastResort(unittest.TestCase):
    def test_non_blocking_output_is_whole(self):
        with Monitor(None, checks=DISKS) as monitor:
            reading, writing = os.pipe()
            os.set_blocking(writing, False)
            with subprocess.Popen(monitor.command(), stdin=subprocess.DEVNULL, stdout=writing,
                                  stderr=subprocess.DEVNULL) as process:
                os.close(writing)
                while held(reading) < PIPE_HOLDS and process.poll() is None:
                    time.sleep(0.02)
                with os.fdopen(reading, "rb") as pipe:
                    report = json.loads(pipe.read())
            self.assertEqual(len(report["checks"]), 400)
            self.assertEqual(process.returncode, report["exit_code"])

    def test_few_descriptors(self):
        with Monitor(None, checks=FEW) as monitor:
            for descriptors in range(LOADER_NEEDS, 16):
                for form in ("text", "json", "nagios"):
                    with self.subTest(descriptors=descriptors, form=form):
                        done = run(monitor.command(form=form, where=RELEASE),  # sanitizers want descriptors of their own
                                   preexec_fn=limited(resource.RLIMIT_NOFILE, descriptors))
                        self.assertIn(done.returncode, GOOD_OR_SAID, done.stderr)
                        self.assertTrue(done.stdout or done.stderr)
                        if form == "nagios":
                            self.assertLess(done.returncode, 4)
                            self.assertRegex(done.stdout, r"\ALECTIO (OK|WARNING|CRITICAL|UNKNOWN) - .+\n\Z")

    def test_little_memory(self):
        with Monitor(None, checks=FEW) as monitor:
            for megabytes in range(24, 72, 4):
                for form in ("text", "nagios"):
                    with self.subTest(megabytes=megabytes, form=form):
                        done = run(monitor.command(form=form, where=RELEASE),  # sanitizers reserve terabytes
                                   preexec_fn=limited(resource.RLIMIT_AS, megabytes << 20))
                        if done.returncode == 127:
                            continue  # the loader itself says no
                        self.assertIn(done.returncode, GOOD_OR_SAID, done.stderr)
                        self.assertTrue(done.stdout or done.stderr)

    def leaves_core(self, command, is_ready):
        """Whether the kernel writes the memory of `command` away when it is aborted in the middle."""
        with tempfile.TemporaryDirectory() as folder:
            process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL,
                                       preexec_fn=limited(resource.RLIMIT_CORE, resource.RLIM_INFINITY))
            while not is_ready(process.pid):
                time.sleep(0.02)
            process.send_signal(signal.SIGABRT)
            _, status = os.waitpid(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(process.returncode, -signal.SIGABRT)
            return os.WCOREDUMP(status)

    def test_no_core_file_with_the_secrets_in_it(self):
        if not self.leaves_core(["/bin/sleep", "60"], lambda pid: "sleep" in command_of(pid)):
            self.skipTest("this machine writes no core files at all")
        checks = FEW + '\n[health.check.slow]\ntype = "exec"\ncommand = ["/bin/sleep", "60"]\n'
        with Monitor(None, checks=checks) as monitor:
            self.assertFalse(self.leaves_core(monitor.command(where=RELEASE), has_child))

    def test_small_stack(self):
        with Monitor(None, checks=FEW) as monitor:
            done = run(monitor.command(), preexec_fn=limited(resource.RLIMIT_STACK, 65536))
            self.assertEqual(len(json.loads(done.stdout)["checks"]), 2, done.stderr)

    def test_wrong_usage_in_nagios(self):
        for words in (["--format", "nagios", "--bogus"], ["--bogus", "--format=nagios"], ["--format", "nagios", "--only"]):
            with self.subTest(words=words):
                done = run([str(binary("lectio-health")), *words])
                self.assertEqual(done.returncode, 3)
                self.assertRegex(done.stdout, r"\ALECTIO UNKNOWN - .+\n\Z")


if __name__ == "__main__":
    unittest.main()
