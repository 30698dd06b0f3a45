#!/usr/bin/env python3
"""packaging/completion.bash in a real bash: what is offered is what the tools themselves know."""

import os
import subprocess
import unittest

from monitor import SOURCE, binary

ASK = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_lectio "$1" "${@: -1}" "${@: -2:1}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


class Completion(unittest.TestCase):
    def offered(self, *words):
        folders = [str(binary(name).parent) for name in ("lectio-deploy", "lectio-backup", "lectio-heartbeat")]
        done = subprocess.run(["bash", "-uec", ASK, "bash", SOURCE / "packaging/completion.bash", *words], check=True, capture_output=True, text=True,
                              timeout=300, env={**os.environ, "PATH": os.pathsep.join([*folders, os.environ["PATH"]])})
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_commands_and_options(self):
        self.assertEqual(self.offered("lectio-deploy", "fr"), ["frontend"])
        self.assertEqual(self.offered("lectio-deploy", "-c", "/somewhere", "pl"), ["plan"])
        self.assertEqual(self.offered("lectio-deploy", "frontend", "--"), ["--help", "--force"])
        self.assertIn("--config", self.offered("lectio-deploy", "--c"))
        self.assertEqual(self.offered("lectio-backup", "--format", ""), ["text", "json"])

    def test_somebody_elses_command_is_left_alone(self):
        self.assertEqual(self.offered("lectio-heartbeat", "run", "media", "--", "rc"), [])

    def test_a_tool_that_is_gone(self):
        self.assertEqual(self.offered("lectio-nothing", ""), [])


if __name__ == "__main__":
    unittest.main()
