#!/usr/bin/env python3
"""What visitors notice of a release and of its rollback: lectio-deploy beside a script of `mv` and one of a bare symlink.

In turns, each on an nginx of its own with the same builds, under visitors whose connections stay open: they ask for the page,
then for what it names. Failed: a page or a connection; torn: a page whose script or style is gone or of another build.
Blackout: from the first to the last of these in a release. Rollback: until a page of the earlier build is seen again.
Run by itself it builds nothing: the release build is to be there (or LECTIO_BUILD names another).
"""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

SOURCE = pathlib.Path(__file__).resolve().parents[1]
os.environ.setdefault("LECTIO_SOURCE", str(SOURCE))
os.environ.setdefault("LECTIO_BUILD", str(SOURCE / "build/release"))
sys.path.insert(0, str(SOURCE / "tests/integration"))

from builds import Visitors, build_files, write_files  # noqa: E402 (found by the line above)
from deploying import CHECKS, Deploys  # noqa: E402
from stack.stack import Stack  # noqa: E402

ROUNDS = json.loads((SOURCE / "tests/counts.json").read_text())["bench_rounds"]


class ByMv:
    """`mv build build.old && mv new build`, as scripts without a link do it."""

    name = "mv, mv"

    def __init__(self, stack):
        self.build, self.old = stack.build, stack.build.with_name("build.old")

    def release(self, new):
        staged = self.build.with_name("staged")
        shutil.copytree(new, staged)
        shutil.rmtree(self.old, ignore_errors=True)
        self._exchange(staged)

    def roll_back(self):
        away = self.build.with_name("away")
        subprocess.run(["sh", "-c", f"mv {self.build} {away} && mv {self.old} {self.build}"], check=True)
        away.rename(self.old)

    def _exchange(self, staged):
        subprocess.run(["sh", "-c", f"mv {self.build} {self.old} && mv {staged} {self.build}"], check=True)


class BySymlink:
    """`ln -sfn releases/N build`: one step, and nothing else."""

    name = "symlink"

    def __init__(self, stack):
        self.build, self.releases, self.number = stack.build, stack.build.with_name("releases"), 0
        self.releases.mkdir()
        self.build.rename(self.releases / "0")
        self._point()

    def release(self, new):
        self.number += 1
        shutil.copytree(new, self.releases / str(self.number))
        self._point()

    def roll_back(self):
        self.number -= 1
        self._point()
        shutil.rmtree(self.releases / str(self.number + 1))

    def _point(self):
        subprocess.run(["ln", "-sfn", self.releases / str(self.number), self.build], check=True)


class ByLectio:
    """With everything that lectio-deploy asks the build and the site before and after."""

    name = "lectio-deploy"

    def __init__(self, stack):
        self.site = Deploys(stack, checks=CHECKS)
        self.site.change([("passes = 2", "passes = 1")])

    def release(self, new):
        self._run("frontend", str(new))

    def roll_back(self):
        self._run("rollback")

    def _run(self, *words):
        done = self.site.deploy(*words)
        if done.returncode != 0:
            raise AssertionError(done.stdout + done.stderr)


class Way:
    def __init__(self, make, stack):
        self.stack, self.way = stack, make(stack)
        self.seen = {"release": [], "rollback": [], "blackout": []}
        self.failed = self.torn = self.pages = 0

    def page(self):
        with urllib.request.urlopen(self.stack.site_url + "/", timeout=60) as answer:
            return answer.read().decode()

    def round(self, new, word):
        before = self.page()
        with Visitors(self.stack.http_port) as visitors:
            begun = time.monotonic()
            self.way.release(new)
            self.seen["release"].append(time.monotonic() - begun)
            if word not in self.page():
                raise AssertionError(f"{self.way.name}: {word} is not live")
            faults = list(visitors.fault_times)
            self.seen["blackout"].append(max(faults) - min(faults) if faults else 0)
            self.seen["rollback"].append(self._time_of_rollback(before))
        self.torn += sum(fault.startswith("/static") for fault in visitors.faults)
        self.failed += sum(not fault.startswith("/static") for fault in visitors.faults)
        self.pages += visitors.pages

    def _time_of_rollback(self, before):
        with concurrent.futures.ThreadPoolExecutor() as thread:
            begun = time.monotonic()
            done = thread.submit(self.way.roll_back)
            while True:
                with contextlib.suppress(OSError):  # the page may be away meanwhile
                    if self.page() == before:
                        seen = time.monotonic() - begun
                        break
                if done.done() and self.page() != before:
                    raise AssertionError(f"{self.way.name}: the earlier build is not back: {done.result()}")
            done.result()
            return seen

    def print_row(self):
        median = {what: statistics.median(times) * 1000 for what, times in self.seen.items()}
        print(f"{self.way.name:14} {median['release']:9.1f} {median['rollback']:9.1f} {max(self.seen['blackout']) * 1000:9.1f}"
              f" {self.failed:8} {self.torn:8} {self.pages:9}")


def main():
    with contextlib.ExitStack() as stacks, tempfile.TemporaryDirectory() as temporary:
        ways = [Way(make, stacks.enter_context(Stack(parts=["nginx"]))) for make in (ByMv, BySymlink, ByLectio)]
        for number in range(ROUNDS):
            word = f"bench {number}"
            new = write_files(pathlib.Path(temporary) / str(number), build_files(word))
            for way in ways:
                way.round(new, word)
        print(f"{ROUNDS} releases and rollbacks; medians in ms, the blackout is the longest\n"
              f"{'':14} {'release':>9} {'rollback':>9} {'blackout':>9} {'failed':>8} {'torn':>8} {'pages':>9}")
        for way in ways:
            way.print_row()


main()
