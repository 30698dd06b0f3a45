#!/usr/bin/env python3
"""What a log costs: a first scan of 1 GB by lectio-deepcheck beside grep -cE and ripgrep with the same patterns; then its next run.

In turns. The log is made here: nginx's combined format with the time to answer. Run by itself it builds nothing: the release
build is to be there. LECTIO_BENCH_MB is another size than 1,000.
"""

import json
import multiprocessing
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[1]
TOOL = pathlib.Path(os.environ.get("LECTIO_BUILD", SOURCE / "build/release")) / "tools/lectio-deepcheck/lectio-deepcheck"
MEGABYTES = int(os.environ.get("LECTIO_BENCH_MB", "1000"))
ROUNDS = 5
SETS = {
    "errors": [r'" 50[0-9] ', "Traceback"],
    "attacks": [r"\.\./|%2e%2e|/etc/passwd", r"union(\+|%20)+select|information_schema|pg_sleep",
                r"sqlmap|nikto|masscan|zgrab|wp-login\.php|/\.env|/\.git"],
}
AGENTS = ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36",
          "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15", "curl/7.88.1", "python-requests/2.31"]
PATHS = ["/", "/api/me/", "/static/js/main.0a1b2c3d.js", "/api/gradebook/17/", "/api/homework/?page=2", "/media/avatars/5.png"]


def make_log(path):
    chance = random.Random(5)
    lines = []
    for number in range(200_000):
        address = ".".join(str(chance.randrange(1, 255)) for _ in range(4))
        status = chance.choices([200, 304, 404, 301, 500, 502], [80, 10, 5, 3, 0.3, 0.2])[0]
        lines.append(f'{address} - - [22/Nov/2026:{number // 9000 % 24:02}:{number // 60 % 60:02}:{number % 60:02} +0000] '
                     f'"{chance.choice(["GET", "GET", "POST"])} {chance.choice(PATHS)}{chance.randrange(1000)} HTTP/1.1" {status} '
                     f'{chance.randrange(100_000)} "https://lectio.example/" "{chance.choice(AGENTS)}" {chance.expovariate(10):.3f}\n')
    part = "".join(lines).encode()
    with path.open("wb") as log:
        while log.tell() < MEGABYTES * 10**6:
            log.write(part)


def configure(folder, log, patterns):
    paths = "".join(f'{name} = "{folder}/{name}"\n' for name in ("state", "run", "logs", "env_file"))
    (folder / "env_file").touch(0o600)
    (folder / "config.toml").write_text(
        f'lang = "en"\n[paths]\n{paths}[deepcheck.check.log]\ntype = "log"\npath = "{log}"\nstart = "begin"\n'
        f"matches = {json.dumps(patterns)}\ncount = {{ warn = 1000000000 }}\n")
    return [str(TOOL), "-c", str(folder / "config.toml"), "--format", "json"]


def spent(command, expected=(0,)):
    """Wall, processor time, the largest memory (kB) and what was printed."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env={**os.environ, "LC_ALL": "C"})
    out = process.stdout.read()
    _, status, own = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - start
    if process.returncode not in expected:
        raise SystemExit(f"{command[0]} ended with {process.returncode}: {out.decode()[-500:]}")
    return wall, own.ru_utime + own.ru_stime, own.ru_maxrss, out.decode()


def count_of(report):
    row = next(row for row in json.loads(report)["checks"] if row["name"] == "log")
    return int(next(metric["value"] for metric in row["metrics"] if metric["name"] == "matches"))


def compare(folder, log, patterns):
    one = "|".join(patterns)
    peers = {"grep -cE": ["grep", "-cE", one, str(log)]}
    if shutil.which("rg"):
        peers["rg -c"] = ["rg", "-j1", "-c", one, str(log)]
    command = configure(folder, log, patterns)
    figures = {name: [] for name in ["lectio", *peers]}
    for _ in range(ROUNDS):
        shutil.rmtree(folder / "state", ignore_errors=True)  # each time a first scan
        ours = spent(command)
        figures["lectio"].append(ours[:3])
        for name, peer in peers.items():
            theirs = spent(peer, expected=(0, 1))
            figures[name].append(theirs[:3])
            if name == "grep -cE" and int(theirs[3] or 0) != count_of(ours[3]):
                raise SystemExit(f"grep counts {theirs[3].strip()} lines, lectio {count_of(ours[3])}")
    with log.open("ab") as grown:
        grown.write(b'127.0.0.1 - - [x] "GET / HTTP/1.1" 200 1 "-" "-" 0.001\n' * 1000)
    figures["lectio, next run"] = [spent(command)[:3] for _ in range(ROUNDS)]
    return figures


with tempfile.TemporaryDirectory(prefix="lectio-bench-") as temporary:
    place = pathlib.Path(temporary)
    access = place / "access.log"
    maker = multiprocessing.Process(target=make_log, args=(access,))  # its memory would be counted as its children's
    maker.start()
    maker.join()
    for name, patterns in SETS.items():
        print(f"{name}: {MEGABYTES} MB, {ROUNDS} rounds, medians")
        measured = {who: [statistics.median(column) for column in zip(*rows)] for who, rows in compare(place, access, patterns).items()}
        own = measured["lectio"]
        for who, (wall, cpu, memory) in measured.items():
            print(f"  {who:18} wall {wall / own[0]:6.2f} of ours, processor time {cpu / own[1]:6.2f} of ours, {memory / 1024:5.1f} MB")
