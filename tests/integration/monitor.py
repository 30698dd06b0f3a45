"""lectio-health as a test runs it: its own configuration, state and logs in one folder, against the loopback stack."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import time

SOURCE = pathlib.Path(os.environ["LECTIO_SOURCE"])
BUILD = pathlib.Path(os.environ["LECTIO_BUILD"])
SANITIZED = BUILD / "tools"  # finds what is wrong
RELEASE = SOURCE / "build/release/tools"  # is what is shipped: what it weighs is asked of this one
COUNTS = json.loads((SOURCE / "tests/counts.json").read_text())
TOKEN = "123456:made-up-token-of-the-tests"
CHAT = "-1001"


def count(name):
    """How often: what "Done when" asks for under LECTIO_SOAK, otherwise a tenth of it."""
    return COUNTS[name] if os.environ.get("LECTIO_SOAK") else COUNTS[name] // 10


def binary(tool, where=SANITIZED):
    return where / tool / tool


CHECKS = """
[health.check.site]
type = "http"
url = "{stack.https_url}/"
ca = "{stack.folder}/ca.pem"
resolve = "127.0.0.1"
contains = 'id="root"'
max_time = "5s"
timeout = "5s"
recheck = "100ms"

[health.check.api]
type = "http"
url = "{stack.api_url}"
json = {{ "/checks/database" = "ok" }}
timeout = "1s"
recheck = "100ms"

[health.check.frontend]
type = "frontend"
root = "{stack.build}"
url = "{stack.site_url}"
reader = "www-data"
recheck = "100ms"

[health.check.workers]
type = "process"
match = "gunicorn.*127.0.0.1:{stack.api_port} .*teaching_panel"
min = 2
recheck = "100ms"

[health.check.redis]
type = "redis"
url = "{stack.redis_url}"
recheck = "100ms"

[health.check.disk]
type = "disk"
path = "/"
free = {{ warn = "1%", critical = "0.5%" }}

[health.check.memory]
type = "memory"
available = {{ warn = "64MB", critical = "32MB" }}
"""

CHANNEL = """
[channel.errors]
type = "telegram"
token = "${{ERRORS_BOT_TOKEN}}"
chat = "{chat}"
api = "{api}"
"""


class Run:
    """What one run left behind: exit code, standard output and error, the JSON report, wall time in seconds."""

    def __init__(self, done, wall):
        self.exit_code, self.out, self.err, self.wall = done.returncode, done.stdout, done.stderr, wall

    @property
    def report(self):
        try:
            return json.loads(self.out)
        except ValueError as error:
            raise AssertionError(f"no JSON report, exit code {self.exit_code}: {self.out!r} {self.err}") from error

    def check(self, name):
        for check in self.report["checks"]:
            if check["name"] == name:
                return check
        raise AssertionError(f"no check {name} in {self.out}")


class Monitor:
    """A configured lectio-health. `api` is where the Bot API's stand-in listens; without it nothing is told."""

    def __init__(self, stack, api=None, checks=CHECKS, more="", lang="en"):
        self._temporary = tempfile.TemporaryDirectory(prefix="lectio-monitor-")
        self.folder = pathlib.Path(self._temporary.name)
        self.state, self.run_folder, self.logs = (self.folder / name for name in ("state", "run", "logs"))
        paths = f'[paths]\nstate = "{self.state}"\nrun = "{self.run_folder}"\nlogs = "{self.logs}"\n' \
                f'env_file = "{self.folder}/config.env"\n'
        channel = CHANNEL.format(chat=CHAT, api=api) if api else ""
        self.surroundings = {}  # how each run is started: keywords of subprocess.run, and `where`, `before` the command
        self.config = self.folder / "config.toml"
        self.config.write_text(f'lang = "{lang}"\nhost = "test-host"\n\n' + paths + checks.format(stack=stack) + channel + more)
        env_file = self.folder / "config.env"
        env_file.touch(0o600)
        env_file.write_text(f"ERRORS_BOT_TOKEN={TOKEN}\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._temporary.cleanup()

    def command(self, *options, where=SANITIZED, form="json"):
        return [str(binary("lectio-health", where)), "-c", str(self.config), "--format", form, *options]

    def start(self, *options, where=SANITIZED):
        return subprocess.Popen(self.command(*options, where=where), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def change(self, texts, back=False):
        """Puts new in place of old in the configuration, for each (old, new); `back` undoes that."""
        for old, new in texts:
            text = self.config.read_text()
            self.config.write_text(text.replace(new, old) if back else text.replace(old, new))

    def run(self, *options, where=SANITIZED, form="json", lang=None):
        """One run; `lang`: in another language than the configured one."""
        around = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **self.surroundings}
        command = around.pop("before", []) + self.command(*options, where=around.pop("where", where), form=form)
        if lang:
            other = self.config.with_name(f"config.{lang}.toml")
            other.write_text(re.sub('^lang = ".."', f'lang = "{lang}"', self.config.read_text(), flags=re.MULTILINE))
            command = [str(other) if word == str(self.config) else word for word in command]
        start = time.monotonic()
        done = subprocess.run(command, text=True, timeout=300, check=False, **around)
        return Run(done, time.monotonic() - start)
