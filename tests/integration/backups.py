"""What the tests of lectio-backup have in common: how a configuration begins, how it is called."""

import json
import subprocess

from monitor import SANITIZED, binary

GUARD_S = 600  # only a guard against hanging
CALLS = ("write", "pwrite64", "fsync", "rename", "renameat", "renameat2", "unlink", "unlinkat")  # what changes something on the disk
OF_ALL = """lang = "en"
host = "test-host"
timezone = "UTC"
[paths]
state = "{folder}/state"
run = "{folder}/run"
logs = "{folder}/logs"
env_file = "{folder}/config.env"
[backup]
dir = "{folder}/backups"
min_free = "1MB"
keep = {{ last = 1, daily = 0, weekly = 0, monthly = 0 }}
"""


class Backups:
    """lectio-backup as its configuration `config` has it, and the operator behind `bot` who is told."""

    programs = SANITIZED  # RELEASE where system calls are counted: the sanitizers make some of their own

    def command(self, *words):
        return [str(binary("lectio-backup", self.programs)), "-c", str(self.config), *words]

    def call(self, *words):
        return subprocess.run(self.command(*words), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=GUARD_S, check=False)

    def report(self, *words, expected=0):
        done = self.call("--format", "json", *words)
        if done.returncode != expected:
            raise AssertionError(f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return json.loads(done.stdout)

    def told(self):
        """All that the operator has been told. A busy host may leave it to the flusher of the next minute."""
        subprocess.run([str(binary("lectio-notify")), "-c", str(self.config), "flush"], stdin=subprocess.DEVNULL,
                       capture_output=True, timeout=GUARD_S, check=False)
        return self.bot.texts()
