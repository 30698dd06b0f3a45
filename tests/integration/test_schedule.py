#!/usr/bin/env python3
"""packaging/schedule.sh: an upgrade leaves the operator's crontab as the operator has made it."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["LECTIO_SOURCE"])
EXAMPLE = (SOURCE / "crontab.example").read_text()
AT_ONCE = ("health", "notify")


def tools_in(text, comment=""):
    return re.findall(rf"^{comment}[0-9*]\S* .*/lectio-([a-z]+) ", text, flags=re.M)


class Schedule(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.old = self.folder / "crontab"

    def bash(self, call, *arguments):
        script = f'set -euo pipefail; source "$1"; shift; {call} "$@"'
        return subprocess.run(["bash", "-c", script, "-", SOURCE / "packaging/schedule.sh", *arguments], check=True,
                              capture_output=True, text=True).stdout

    def merged(self, *active, old=None, programs="/usr/local/bin"):
        if old is not None:
            self.old.write_text(old)
        return self.bash("merged_crontab", SOURCE / "crontab.example", self.old, programs, *active)

    def test_the_first_one_is_the_example(self):
        self.assertEqual(self.merged(*AT_ONCE), EXAMPLE)
        self.assertEqual(sorted(tools_in(EXAMPLE)), sorted(AT_ONCE))

    def test_what_is_told_to_run_runs(self):
        merged = self.merged("health", "smoke", "backup")
        self.assertEqual(sorted(tools_in(merged)), ["backup", "health", "smoke"])
        self.assertEqual(sorted(tools_in(merged) + tools_in(merged, "# ")), sorted(tools_in(EXAMPLE) + tools_in(EXAMPLE, "# ")))

    def test_again_it_is_the_same(self):
        merged = self.merged("health", "smoke")
        self.assertEqual(self.merged(*AT_ONCE, old=merged), merged)

    def test_what_the_operator_has_made_of_it(self):
        old = EXAMPLE.replace("# */5 * * * * root /usr/local/bin/lectio-smoke", "*/7 * * * * root /usr/local/bin/lectio-smoke")
        old = old.replace("* * * * * root /usr/local/bin/lectio-notify", "# * * * * * root /usr/local/bin/lectio-notify")
        old = old.replace('MAILTO=""', 'MAILTO="me@example.org"')
        old += "LANG=C.UTF-8\n0 4 * * * root /usr/local/bin/lectio-heartbeat run media -- rclone sync /a b:c\n5 5 * * * root /root/own.sh\n"
        merged = self.merged(*AT_ONCE, old=old)
        self.assertEqual(sorted(tools_in(merged)), ["health", "heartbeat", "smoke"])
        self.assertIn("\n*/7 * * * * root /usr/local/bin/lectio-smoke -q", merged)
        self.assertIn('\nMAILTO="me@example.org"\n', merged)
        self.assertNotIn('MAILTO=""', merged)
        for added in ("LANG=C.UTF-8", "lectio-heartbeat run media -- rclone sync /a b:c", "5 5 * * * root /root/own.sh"):
            self.assertEqual(merged.count(added), 1, added)
        self.assertEqual(self.merged(*AT_ONCE, old=merged), merged)

    def test_a_tool_that_an_old_version_did_not_have(self):
        old = "".join(line for line in EXAMPLE.splitlines(keepends=True) if "lectio-notify poll" not in line and "lectio-backup" not in line)
        merged = self.merged(*AT_ONCE, old=old)
        self.assertEqual(sorted(tools_in(merged)), ["health", "notify"])
        self.assertIn("backup", tools_in(merged, "# "))

    def test_two_lines_for_one_tool(self):
        old = EXAMPLE + "30 3 * * * root /usr/local/bin/lectio-deepcheck -q --only disk\n"
        merged = self.merged(*AT_ONCE, old=old)
        self.assertEqual(merged.count("lectio-deepcheck"), 1)
        self.assertIn("--only disk", merged)

    def test_another_folder(self):
        old = EXAMPLE.replace("/usr/local/bin", "/opt/lectio/bin")
        merged = self.merged(*AT_ONCE, old=old, programs="/usr/bin")
        self.assertEqual(merged, EXAMPLE.replace("/usr/local/bin", "/usr/bin").replace(
            "PATH=/usr/local/sbin:/usr/bin:", "PATH=/usr/local/sbin:/opt/lectio/bin:"))

    def test_what_is_active(self):
        self.old.write_text(EXAMPLE + "0 4 * * * root lectio-heartbeat run media -- rclone sync\n*/5 * * * * root /x/lectio-smoke -q\n")
        self.assertEqual(self.bash("active_in_crontab", self.old).split(), ["health", "notify", "smoke"])
        self.assertEqual(self.bash("active_in_crontab", self.folder / "none"), "")

    def test_timers_and_lines_are_of_the_same_tools(self):
        timers = sorted(path.name for path in (SOURCE / "packaging/systemd/timers").glob("*.timer"))
        self.assertEqual(timers, sorted(f"lectio-{tool}.timer" for tool in tools_in(EXAMPLE) + tools_in(EXAMPLE, "# ")))
        for line in re.findall(r"^(?:# )?[0-9*]\S* .* root (/\S+/(lectio-[a-z]+) .*?) >>", EXAMPLE, flags=re.M):
            unit = (SOURCE / f"packaging/systemd/timers/{line[1]}.service").read_text()
            self.assertIn(f"\nExecStart={line[0]}\n", unit)


if __name__ == "__main__":
    unittest.main()
