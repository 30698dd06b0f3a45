#!/usr/bin/env python3
"""lectio-health beside a bash script that does what health_check.sh did (health_check.sh here), all good.

Both look at the same stack on loopback, in turns; CPU is theirs and their children's, as the kernel counts it.
Run by itself it builds nothing: the release build is to be there (cmake --build --preset release).
"""

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

from monitor import RELEASE, Monitor  # noqa: E402 (found by the line above)
from stack.stack import Stack  # noqa: E402


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


def compare(stack, monitor, rounds):
    """The comparison as text: medians of `rounds` runs of each, one after the other."""
    peer = [str(SOURCE / "bench/health_check.sh")]
    peer_environment = {
        "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "SITE_URL": stack.https_url + "/", "ASSETS_URL": stack.site_url,
        "SITE_CA": str(stack.folder / "ca.pem"), "SITE_RESOLVE": f"site.test:{stack.https_port}:127.0.0.1",
        "FRONTEND_BUILD": str(stack.build), "PROCESSES": f"gunicorn.*{stack.api_port}.*teaching_panel",
    }
    ours, theirs, slowest = [], [], []
    for _ in range(rounds):
        theirs.append(spent(peer, peer_environment))
        ours.append(spent(monitor.command(where=RELEASE)))
        report = json.loads(ours[-1][2])
        slowest.append(report["duration_ms"] - max(check["duration_ms"] for check in report["checks"]))

    def median(runs, column):
        return statistics.median(run[column] for run in runs) * 1000

    lines = [f"{'all good, ' + str(rounds) + ' runs each, ms':36}{'CPU':>8}{'wall':>8}"]
    for name, runs in (("bash health_check.sh", theirs), ("lectio-health", ours)):
        lines.append(f"{name:36}{median(runs, 0):8.1f}{median(runs, 1):8.1f}")
    lines.append(f"{'ratio (bash / lectio)':36}{median(theirs, 0) / median(ours, 0):8.1f}"
                 f"{median(theirs, 1) / median(ours, 1):8.1f}")
    lines.append(f"lectio-health beyond its slowest check: {statistics.median(slowest):.1f} ms")
    return "\n".join(lines)


if __name__ == "__main__":
    with Stack() as its_stack, Monitor(its_stack) as its_monitor:
        print(compare(its_stack, its_monitor, rounds=20))
