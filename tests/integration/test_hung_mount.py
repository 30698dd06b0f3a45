#!/usr/bin/env python3
"""A FUSE file system whose server reads every question and answers none: nothing can end who waits for it."""

import contextlib
import os
import pathlib
import re
import select
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

import mounts
from monitor import Monitor
from stack.stack import wait_until

FUSE_INIT = 26
# linux/fuse.h: fuse_in_header up to its unique number, fuse_out_header, fuse_init_out
IN_HEADER, OUT_HEADER, INIT_OUT = "<IIQ", "<IiQ", "<IIIIHHIIHHI7I"

CHECKS = """
[health.check.space]
type = "disk"
path = "{stack.mount}"

[health.check.file]
type = "file"
path = "{stack.mount}/backup.zst"

[health.check.build]
type = "frontend"
root = "{stack.mount}"

[health.check.root]
type = "disk"
path = "/"
free = {{ warn = "1%", critical = "0.5%" }}
"""


class HungMount:
    """Mounted in this process's own mount namespace; closing the server frees whoever waits."""

    def __init__(self, folder):
        self.mount = pathlib.Path(folder)
        mounts.own_mounts()
        self._server = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={self._server},rootmode=40000,user_id=0,group_id=0"
        mounts.mount("hung", folder, "fuse.hung", options, mounts.MS_NOSUID | mounts.MS_NODEV)
        self._end, self._ending = os.pipe()
        self._reader = threading.Thread(target=self._read_all)
        self._reader.start()

    def close(self):
        mounts.unmount(self.mount)
        os.close(self._ending)
        self._reader.join()
        os.close(self._server)  # nobody reads there any more: only then does the kernel give the connection up

    def _read_all(self):
        while True:
            ready, _, _ = select.select([self._server, self._end], [], [])
            if self._end in ready:
                return
            question = os.read(self._server, 1 << 20)
            _, operation, unique = struct.unpack_from(IN_HEADER, question)
            if operation == FUSE_INIT:
                answer = struct.pack(INIT_OUT, 7, 31, 0, 0, 12, 9, 1 << 16, 1, 0, 0, 0, *[0] * 7)
                os.write(self._server, struct.pack(OUT_HEADER, 16 + len(answer), 0, unique) + answer)


def left_behind(monitor):
    """The processes that the state file names as left behind and that are there."""
    marks = re.findall(r'"left-behind":\s*"(\d+)/', (monitor.state / "health/state.json").read_text())
    return [pid for pid in marks if pathlib.Path("/proc", pid).exists()]


class Hung(unittest.TestCase):
    def test_told_in_every_run_and_nothing_is_held_up(self):
        mount = HungMount(self.enterContext(tempfile.TemporaryDirectory(prefix="lectio-hung-")))
        closing = self.enterContext(contextlib.ExitStack())
        closing.callback(mount.close)
        monitor = self.enterContext(Monitor(mount, checks=CHECKS))
        first = monitor.run()
        self.assertEqual(first.exit_code, 2, first.out + first.err)
        self.assertEqual(first.check("root")["status"], "ok")
        for name in ("space", "file"):
            self.assertIn("(fuse.hung) does not answer within 3 s", first.check(name)["message"])
        # Asked again in the same run, as whatever is asked of a running service.
        self.assertIn("(fuse.hung) still does not answer", first.check("build")["message"])
        self.assertEqual(len(left_behind(monitor)), 3)
        # The lock is free although all of them still hang, and no more are started.
        second = monitor.run()
        for name in ("space", "file", "build"):
            self.assertIn("(fuse.hung) still does not answer", second.check(name)["message"])
        self.assertEqual(len(left_behind(monitor)), 3)
        closing.close()
        wait_until(lambda: not left_behind(monitor), "who waited is free")
        third = monitor.run()
        self.assertEqual(third.check("space")["status"], "ok", third.out)
        self.assertIn("is not there", third.check("file")["message"])
        self.assertIn("index.html is missing", third.check("build")["message"])

    def test_discovery_does_not_follow_a_command_line_onto_it(self):
        mount = HungMount(self.enterContext(tempfile.TemporaryDirectory(prefix="lectio-hung-")))
        closing = self.enterContext(contextlib.ExitStack())
        closing.callback(mount.close)
        words = ["gunicorn: master [site.wsgi]", "-c", "import sys; sys.stdin.read()"]
        words += ["gunicorn", "--chdir", str(mount.mount), "site.wsgi"]
        program = subprocess.Popen(words, executable=sys.executable, stdin=subprocess.PIPE)
        closing.callback(program.communicate)
        monitor = self.enterContext(Monitor(mount, checks=""))
        seen = monitor.run("--no-notify")
        self.assertIn("disk", [check["name"] for check in seen.report["checks"]], seen.out + seen.err)
        self.assertTrue(any("(fuse.hung) may hang" in note for note in seen.report["notes"]), seen.out)


if __name__ == "__main__":
    if os.geteuid() != 0 or not os.access("/dev/fuse", os.R_OK | os.W_OK):
        print("skipped: needs root and /dev/fuse")
        sys.exit(77)
    unittest.main()
