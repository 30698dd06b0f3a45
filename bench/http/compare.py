#!/usr/bin/env python3
"""1,000 web servers asked in one run of lectio-health, beside curl --parallel and, where Debian's packages are
installed, monitoring-plugins' check_http by xargs and prometheus-blackbox-exporter.

    bench/http/compare.py [ROUNDS] [BINARY]

All ask the same list on loopback (targets.py; one in twenty answers late), in turns. Wall and CPU are theirs with their
children's, as the kernel counts it; memory is the largest that one process held. Of blackbox_exporter it is the
exporter's alone: who asks it for its thousand probes (Prometheus; curl here) is not counted. lectio-health is called as
cron calls it (-q, silent while all is good) and does all that a run does, judging and remembering; that it asks each of
the targets is seen in the report of a first run.
"""

import contextlib
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from targets import address

SOURCE = pathlib.Path(__file__).resolve().parents[2]
TARGETS, SLOW_EVERY, SLOW_SECONDS = 1000, 20, 0.2
AT_ONCE = 300  # the most that curl can
CHECK_HTTP = pathlib.Path("/usr/lib/nagios/plugins/check_http")
BLACKBOX = shutil.which("prometheus-blackbox-exporter")


class Spent:
    """Of one command with its children: seconds, seconds, MB."""

    def __init__(self, command):
        start = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        self.wall = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stdout.close()
        if process.returncode != 0:
            raise AssertionError(f"{command[0]}: exit code {process.returncode}\n{self.out[-2000:]}")
        self.cpu, self.memory = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


class Lectio:
    name = "lectio-health"

    def __init__(self, folder, port, binary):
        config = folder / "config.toml"
        paths = "".join(f'{name} = "{folder / name}"\n' for name in ("state", "run", "logs"))
        checks = "".join(f'[health.check.t{number}]\ntype = "http"\nurl = "http://{address(number)}:{port}/"\n'
                         for number in range(TARGETS))
        config.write_text(f'[paths]\n{paths}\n{checks}')
        self.command = [str(binary), "-c", str(config), "--no-notify"]
        checks = json.loads(Spent([*self.command, "--format", "json"]).out)["checks"]
        good = sum(check["type"] == "http" and check["status"] == "ok" for check in checks)
        assert good == TARGETS, f"{good} of {TARGETS} are good"

    def run(self):
        spent = Spent([*self.command, "-q"])
        assert spent.out == "", spent.out
        return spent


class Curl:
    name = f"curl --parallel-max {AT_ONCE}"

    def __init__(self, folder, urls):
        self.list = folder / f"curl-{len(urls[0])}.list"
        self.list.write_text("".join(f'url = "{url}"\noutput = "/dev/null"\n' for url in urls))

    def run(self):
        return Spent(["curl", "-q", "--no-progress-meter", "--fail", "--max-time", "10", "--parallel",
                      "--parallel-immediate", "--parallel-max", str(AT_ONCE), "--config", str(self.list)])


class CheckHttp:
    name = "xargs -P 100 check_http"

    def __init__(self, folder, port):
        self.list, self.port = folder / "addresses", port
        self.list.write_text("".join(f"{address(number)}\n" for number in range(TARGETS)))

    def run(self):
        return Spent(["xargs", "-P", "100", "-n", "1", "-a", str(self.list),
                      str(CHECK_HTTP), "-p", str(self.port), "-t", "10", "-I"])


class Blackbox:
    """The exporter runs throughout; a round asks it for each target once."""

    name = "blackbox_exporter"

    def __init__(self, folder, port):
        config = folder / "blackbox.yml"
        config.write_text("modules:\n  http:\n    prober: http\n    http: {preferred_ip_protocol: ip4}\n")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            own = probe.getsockname()[1]
        self.process = subprocess.Popen([BLACKBOX, "--config.file", str(config), "--web.listen-address",
                                         f"127.0.0.1:{own}"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        probes = [f"http://127.0.0.1:{own}/probe?module=http&target=http://{address(number)}:{port}/"
                  for number in range(TARGETS)]
        self.scrape = Curl(folder, probes)
        self.wait_until_it_answers(f"http://127.0.0.1:{own}/")

    def wait_until_it_answers(self, url):
        for _ in range(200):
            with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
                return
            time.sleep(0.05)
        raise AssertionError("blackbox_exporter does not answer")

    def run(self):
        before = self.cpu()
        spent = self.scrape.run()
        spent.cpu = self.cpu() - before
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        spent.memory = int(status.split("VmHWM:")[1].split()[0]) / 1024
        return spent

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


@contextlib.contextmanager
def targets():
    """The port of the thousand servers."""
    server = subprocess.Popen([sys.executable, str(SOURCE / "bench/http/targets.py"), str(TARGETS), str(SLOW_EVERY),
                               str(SLOW_SECONDS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield int(server.stdout.readline())
    finally:
        server.stdin.close()
        server.wait()
        server.stdout.close()


def table(runs):
    """Medians, and how many times ours each of the others is."""
    middle = {name: [statistics.median(getattr(run, what) for run in each) for what in ("wall", "cpu", "memory")]
              for name, each in runs.items()}
    ours = middle[Lectio.name]
    yield f"{'':28}{'wall ms':>9}{'CPU ms':>9}{'MB':>7}{'wall':>9}{'CPU':>7}{'MB':>7}"
    for name, (wall, cpu, memory) in middle.items():
        ratios = [theirs / mine for theirs, mine in zip((wall, cpu, memory), ours)]
        yield (f"{name:28}{wall * 1000:9.0f}{cpu * 1000:9.0f}{memory:7.1f}"
               f"{ratios[0]:8.2f}x{ratios[1]:6.2f}x{ratios[2]:6.2f}x")


def compare(rounds, binary):
    with targets() as port, tempfile.TemporaryDirectory(prefix="lectio-bench-") as name, \
            contextlib.ExitStack() as cleanup:
        folder = pathlib.Path(name)
        asked = [Lectio(folder, port, binary), Curl(folder, [f"http://{address(n)}:{port}/" for n in range(TARGETS)])]
        if CHECK_HTTP.exists():
            asked.append(CheckHttp(folder, port))
        if BLACKBOX:
            asked.append(cleanup.enter_context(contextlib.closing(Blackbox(folder, port))))
        runs = {each.name: [] for each in asked}
        for each in asked:
            each.run()  # what a first run alone does is none of theirs
        for _ in range(rounds):
            for each in asked:
                runs[each.name].append(each.run())
        return "\n".join([f"{TARGETS} targets, one in {SLOW_EVERY} answers after {SLOW_SECONDS * 1000:.0f} ms; "
                          f"medians of {rounds}; ratios: theirs / ours", *table(runs)])


if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 8192), most))
    ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    BINARY = sys.argv[2] if len(sys.argv) > 2 else SOURCE / "build/release/tools/lectio-health/lectio-health"
    print(compare(ROUNDS, BINARY))
