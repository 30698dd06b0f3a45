"""One check of lectio-deepcheck in a folder of its own."""

import pathlib
import subprocess
import tempfile

from monitor import Run, binary

CONFIGURATION = """lang = "en"
host = "test-host"
[paths]
state = "{folder}/state"
run = "{folder}/run"
logs = "{folder}/logs"
env_file = "{folder}/config.env"
[deepcheck.check.it]
"""


class Place:
    """Every look is a run that remembers what it saw; with `words` another command."""

    def __init__(self, *words):
        self._temporary = tempfile.TemporaryDirectory(prefix="lectio-one-check-")
        self.folder = pathlib.Path(self._temporary.name)
        self.words = words
        (self.folder / "config.env").touch(0o600)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._temporary.cleanup()

    def look(self, keys):
        """The check with these keys: its row of the report."""
        config = self.folder / "config.toml"
        config.write_text(CONFIGURATION.format(folder=self.folder) + keys)
        command = [str(binary("lectio-deepcheck")), "-c", str(config), "--format", "json", *self.words]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
        return Run(done, 0).check("it")
