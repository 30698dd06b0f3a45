"""Hosts with a real systemd, for Python tests: one boots in under a second (see README.md).

    with Host("nginx-hangs") as host:
        host.lay_out_site()
        host.run("systemctl", "stop", "nginx")
        host.wait_until(host.site_answers, "the site is back")
"""

import contextlib
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
sys.path.insert(0, str(SOURCE / "tests/integration/stack"))

from stack import write_frontend  # noqa: E402 (found by the line above)

BUILD = pathlib.Path(os.environ.get("LECTIO_BUILD", SOURCE / "build/dev"))
RELEASE = SOURCE / "build/release"  # hosts run what is shipped
TIMES = BUILD / "host-times.txt"
SKIPPED = 77

TOKEN = "123456:made-up-token-of-the-tests"
CHAT = "-1001"


def skip_where_impossible():
    """Ends the test as skipped where no host can boot: not as root, or no namespaces or cgroups to be had."""
    reasons = []
    if os.geteuid() != 0:
        reasons.append("not root")
    reasons += [f"{tool} is not installed" for tool in ("systemd-nspawn", "mmdebstrap", "unshare")
                if shutil.which(tool) is None]
    if not reasons:
        probe = "mount -t cgroup2 cgroup2 /sys/fs/cgroup && mount -t tmpfs tmpfs /run"
        apart = ["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup", "--fork", "sh", "-c", probe]
        if subprocess.run(apart, capture_output=True, check=False).returncode != 0:
            reasons.append("no namespaces or no cgroup v2 here")
    if reasons:
        print("skipped:", "; ".join(reasons))
        sys.exit(SKIPPED)


def report_times(line):
    """Adds a line to the measured times, which the tests of several hosts write at once."""
    print(line)
    with open(TIMES, "a", encoding="utf-8") as file:
        file.write(line + "\n")


class Host:
    """A booted host; it ends with the `with`."""

    def __init__(self, name, rootfs=None, folder=None):
        self.name = f"{name}-{os.getpid()}"
        self.environment = {**os.environ, "TESTHOST_DIR": str(folder or BUILD / "testhost")}
        if rootfs is not None:
            self.environment["TESTHOST_ROOTFS"] = str(rootfs)

    def __enter__(self):
        self._testhost("up", self.name)
        return self

    def __exit__(self, failure, *_):
        if failure is not None:
            self._show_what_happened()
        self._testhost("down", self.name, "--hard")

    # --- doing ---------------------------------------------------------------------------------------------

    def attempt(self, *command, text=None, timeout=300):
        """Runs a command as root inside; the CompletedProcess, whatever its exit code."""
        return subprocess.run([HERE / "testhost", "exec", self.name, *command], env=self.environment, input=text,
                              stdin=subprocess.DEVNULL if text is None else None, capture_output=True, text=True,
                              timeout=timeout, check=False)

    def run(self, *command, text=None, timeout=300):
        """The same for what must succeed; its standard output."""
        done = self.attempt(*command, text=text, timeout=timeout)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def start_and_leave(self, *command):
        """Starts a command that ends with its host."""
        subprocess.Popen([HERE / "testhost", "exec", self.name, *command], env=self.environment,
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def shell(self, script):
        return self.run("sh", "-euc", script)

    def succeeds(self, *command):
        return self.attempt(*command).returncode == 0

    def write(self, path, text, mode="644"):
        self.run("sh", "-euc", 'mkdir -p "$(dirname "$1")" && cat >"$1" && chmod "$2" "$1"', "-", path, mode, text=text)

    def read(self, path):
        return self.run("cat", path)

    def copy(self, source, target):
        self._testhost("copy", self.name, str(source), target)

    def reboot(self, hard=False):
        self._testhost("reboot", self.name, *(["--hard"] if hard else []))

    def wait_until(self, condition, what, seconds=90):
        """Waits until condition() is true; how many seconds that took."""
        start = time.monotonic()
        while not condition():
            if time.monotonic() - start > seconds:
                raise AssertionError(f"not within {seconds} s: {what}")
            time.sleep(0.1)
        return time.monotonic() - start

    # --- the site of LEGACY.md -----------------------------------------------------------------------------

    def lay_out_site(self, cron=True):
        """The project under /var/www, its units, nginx, the stand-in for Telegram, our tools and their cron line."""
        self.copy(SOURCE / "tests/integration/stack/project", "/var/www/teaching_panel/teaching_panel")
        with tempfile.TemporaryDirectory() as folder:
            write_frontend(pathlib.Path(folder) / "build")
            self.copy(f"{folder}/build", "/var/www/teaching_panel/frontend/build")
        self.copy(HERE / "site/etc", "/etc")
        self.copy(SOURCE / "tests/integration/stand_ins", "/opt/stand-ins")
        for tool in tools():
            self.copy(tool, f"/usr/local/bin/{tool.name}")
        self.run("sh", "-s", TOKEN, CHAT, text=(HERE / "site/lay-out.sh").read_text())
        if cron:
            self.start_cron()
        self.wait_until(self.site_answers, "the site is up", 20)

    def start_cron(self):
        """The line that install.sh writes."""
        self.copy(SOURCE / "crontab.example", "/etc/cron.d/lectio-monitor")

    def start_timers(self, *tools_):
        """The units that install.sh writes, and those of these tools enabled."""
        self.copy(SOURCE / "packaging/systemd/timers", "/etc/systemd/system")
        self.run("systemctl", "daemon-reload")
        self.run("systemctl", "enable", "--quiet", "--now", *(f"lectio-{tool}.timer" for tool in tools_))

    def site_answers(self):
        return self.succeeds("curl", "-fsS", "-m", "2", "-o", "/dev/null", "http://127.0.0.1/")

    def api_answers(self):
        return self.succeeds("curl", "-fsS", "-m", "2", "-o", "/dev/null", "http://127.0.0.1:8000/api/health/")

    def health(self, *options):
        """One run by hand: (exit code, report)."""
        done = self.attempt("lectio-health", "--format", "json", *options)
        try:
            return done.returncode, json.loads(done.stdout)
        except ValueError as error:
            raise AssertionError(f"no JSON report, exit code {done.returncode}: {done.stdout}{done.stderr}") from error

    # --- our monitor on it ---------------------------------------------------------------------------------

    def finished_runs(self):
        """Something that changes with each whole run of lectio-health."""
        return self.attempt("stat", "-c", "%i %Y", "/var/lib/lectio-monitor/health/state.json").stdout

    def wait_for_next_run(self):
        before = self.finished_runs()
        self.wait_until(lambda: self.finished_runs() != before, "lectio-health has run by itself")

    def wait_until_watched(self):
        """Until lectio-health has run by itself once, and found all well."""
        self.wait_for_next_run()
        code, report = self.health("--dry-run")
        if code != 0 or self.messages():
            raise AssertionError(f"the site is to be well before it is broken: {report} {self.messages()}")

    def messages(self):
        """Texts of what Telegram's stand-in has accepted, in their order; kept over reboots."""
        lines = self.attempt("cat", "/var/lib/bot-api.jsonl").stdout.splitlines()
        return [json.loads(line)["text"] for line in lines]

    def run_that_mended(self):
        """When the run began that has mended something, in seconds of the clock."""
        past = json.loads(self.attempt("lectio-health", "history", "--format", "json").stdout)
        times = [change["time"] for change in past["events"] if change["kind"] == "told"]
        return min(datetime.datetime.fromisoformat(time).timestamp() for time in times)

    def main_process(self, unit):
        return self.run("systemctl", "show", "-P", "MainPID", unit).strip()

    # --- inside --------------------------------------------------------------------------------------------

    def _testhost(self, *arguments):
        done = subprocess.run([HERE / "testhost", *arguments], env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=180, check=False)
        if done.returncode != 0:
            raise AssertionError(f"testhost {' '.join(arguments)}: {done.stdout}{done.stderr}")

    def _show_what_happened(self):
        with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
            print(self.attempt("sh", "-c", "tail -n 60 /var/log/lectio-monitor/*.log; "
                               "journalctl --no-pager -o short-precise -n 80").stdout)


def tools():
    """The executables that the release build has made."""
    found = sorted(path for path in (RELEASE / "tools").rglob("lectio-*") if path.is_file() and os.access(path, os.X_OK))
    if not found:
        raise AssertionError(f"no tools in {RELEASE}: the release build has not run")
    return found
