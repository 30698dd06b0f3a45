#!/usr/bin/env python3
"""lectio-health beside a bash script that does what health_check.sh did (health_check.sh here), all good.

Both look at the same stack on loopback, in turns; CPU is theirs and their children's, as the kernel counts it.
Twice: the site over https (an authority of its own, chain and name verified) and over http. Its scripts and styles
are fetched over http both times: a frontend check takes no authority of its own.
Beside them, where they are installed: the same looks by monitoring-plugins, a process each, and by a running Monit.
Run by itself it builds nothing: the release build is to be there (cmake --build --preset release).
"""

import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

SOURCE = pathlib.Path(__file__).resolve().parents[1]
os.environ.setdefault("LECTIO_SOURCE", str(SOURCE))
os.environ.setdefault("LECTIO_BUILD", str(SOURCE / "build/dev"))
sys.path.insert(0, str(SOURCE / "tests/integration"))

from monitor import CHECKS, COUNTS, RELEASE, Monitor  # noqa: E402 (found by the line above)
from stack.stack import CSS, JS, Stack  # noqa: E402

import health_peers as peers  # noqa: E402 (beside this file)

SCRIPT, STYLE = f"/static/js/{JS}", f"/static/css/{CSS}"


def spent(command, environment=None):
    """(CPU seconds, wall seconds, standard output) of a command with its children."""
    start = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if process.returncode != 0:
        raise AssertionError(f"{command[0]}: exit code {process.returncode}\n{out}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - start, out


def peer_environment(stack, scheme):
    """What health_check.sh is told about the stack."""
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "ASSETS_URL": stack.site_url,
                   "FRONTEND_BUILD": str(stack.build), "PROCESSES": f"gunicorn.*{stack.api_port}.*teaching_panel"}
    if scheme == "http":
        return environment | {"SITE_URL": stack.site_url + "/"}
    return environment | {"SITE_URL": stack.https_url + "/", "SITE_CA": str(stack.folder / "ca.pem"),
                          "SITE_RESOLVE": f"site.test:{stack.https_port}:127.0.0.1"}


def checks(scheme):
    """The checks of the tests, the site over this scheme."""
    over_https = 'url = "{stack.https_url}/"\nca = "{stack.folder}/ca.pem"\nresolve = "127.0.0.1"\n'
    assert CHECKS.count(over_https) == 1
    return CHECKS if scheme == "https" else CHECKS.replace(over_https, 'url = "{stack.site_url}/"\n')


class Compared:
    """Runs of both over one scheme."""

    def __init__(self, stack, scheme):
        self.scheme, self.stack = scheme, stack
        self.monitor = Monitor(stack, checks=checks(scheme))
        self.environment = peer_environment(stack, scheme)
        self.theirs, self.plugins, self.ours, self.beyond_slowest = [], [], [], []

    def run(self):
        if peers.plugins_are_there():
            runs = [spent(command) for command in peers.plugin_commands(self.stack, self.scheme, SCRIPT, STYLE)]
            self.plugins.append((sum(run[0] for run in runs), sum(run[1] for run in runs)))
        self.theirs.append(spent([str(SOURCE / "bench/health_check.sh")], self.environment))
        self.ours.append(spent(self.monitor.command(where=RELEASE)))
        report = json.loads(self.ours[-1][2])
        self.beyond_slowest.append(report["duration_ms"] - max(check["duration_ms"] for check in report["checks"]))

    def lines(self):
        rows = [("bash health_check.sh", self.theirs), ("monitoring-plugins", self.plugins),
                ("lectio-health", self.ours)]
        for name, runs in rows:
            label = f"{self.scheme}: {name}"
            yield f"{label:36}{median(runs, 0):8.1f}{median(runs, 1):8.1f}" if runs else f"{label}: not installed"
        yield (f"{self.scheme + ': ratio (bash / lectio)':36}{median(self.theirs, 0) / median(self.ours, 0):8.1f}"
               f"{median(self.theirs, 1) / median(self.ours, 1):8.1f}")
        yield f"{self.scheme}: lectio-health beyond its slowest check: {statistics.median(self.beyond_slowest):.1f} ms"

    def monit(self):
        """After the rounds: Monit goes on by itself, so that it cannot take turns."""
        label = f"{self.scheme}: a cycle of a running monit"
        if not peers.monit_is_there():
            return f"{label}: not installed"
        return f"{label:36}{peers.monit_cycle(self.stack, self.scheme, SCRIPT, STYLE) * 1000:8.1f}"


def median(runs, column):
    return statistics.median(run[column] for run in runs) * 1000


def compare(stack, rounds):
    """The comparison as text: medians of `rounds` runs of each, one after the other."""
    with contextlib.ExitStack() as cleanup:
        compared = [Compared(stack, scheme) for scheme in ("https", "http")]
        for each in compared:
            cleanup.enter_context(each.monitor)
        for _ in range(rounds):
            for each in compared:
                each.run()
        lines = [f"{'all good, ' + str(rounds) + ' runs each, ms':36}{'CPU':>8}{'wall':>8}"]
        return "\n".join(lines + [line for each in compared for line in [*each.lines(), each.monit()]])


if __name__ == "__main__":
    with Stack() as its_stack:
        print(compare(its_stack, COUNTS["bench_rounds"]))
