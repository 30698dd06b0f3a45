#!/usr/bin/env python3
"""packaging/logrotate by the real logrotate: the log checks read on exactly, the tools write on."""

import json
import re
import sys
import unittest

from hosts import SOURCE, Host, skip_where_impossible

LOGS = "/var/log/lectio-monitor"
CHECK = f"""
[health.check.application]
type = "log"
path = "{LOGS}/application.log"
matches = "ERROR"
count = {{ warn = 1 }}
window = "1h"
start = "begin"
"""
# Opens the log for each line, as the tools do; says how many it has written.
WRITER = f"""number=0
until [ -e /run/enough ]; do
    echo "ERROR $((number += 1))" >>{LOGS}/application.log
    echo $number >/run/number
    sleep 0.01
done
echo $number >/run/written
"""


class Logrotate(unittest.TestCase):
    def test_rotated_twice_while_all_write(self):
        with Host("logrotate") as self.host:
            self.host.lay_out_site(cron=False)
            self.host.shell(f"cat >>/etc/lectio-monitor/config.toml <<'MORE'\n{CHECK}\nMORE")
            self.host.copy(SOURCE / "packaging/logrotate", "/etc/logrotate.d/lectio-monitor")
            self.host.write("/root/writer", WRITER)
            self.host.run("systemd-run", "--quiet", "--unit=writer", "sh", "/root/writer")
            self.host.start_timers("health")
            self.host.wait_for_next_run()
            for _ in range(2):
                self.rotate()
                self.host.wait_for_next_run()
            # Twice between two runs: where the last one stopped is in a file that is packed now.
            self.host.run("systemctl", "stop", "lectio-health.timer")
            self.host.wait_until(lambda: not self.host.succeeds("systemctl", "is-active", "lectio-health.service"), "the last run has ended")
            before = self.host.read("/run/number")
            self.host.wait_until(lambda: self.host.read("/run/number") != before, "there is something to read")
            self.rotate()
            self.host.wait_until(lambda: self.host.succeeds("test", "-s", f"{LOGS}/application.log"), "there is something to rotate again")
            self.rotate()
            self.host.run("touch", "/run/enough")
            self.host.wait_until(lambda: self.host.succeeds("test", "-s", "/run/written"), "the writer has ended")
            self.host.run("systemctl", "start", "--wait", "lectio-health.service")
            self.assertEqual(self.seen(), int(self.host.read("/run/written")))
            # Each run that history knows has said its words in one of the tool's own logs.
            runs = json.loads(self.host.run("lectio-health", "history", "--format", "json"))["runs"]
            self.assertEqual(int(self.host.shell(f"zcat -f {LOGS}/health.log* | grep -c ' 11 проверок'")), runs)
            self.assertGreater(runs, 3)

    def rotate(self):
        was = self.host.run("stat", "-c", "%i", f"{LOGS}/application.log")
        self.host.run("logrotate", "--force", "/etc/logrotate.d/lectio-monitor")
        self.assertEqual(self.host.run("stat", "-c", "%i", f"{LOGS}/application.log.1"), was)

    def seen(self):
        """Matching lines, as the check has counted them."""
        _, report = self.host.health("--dry-run", "--only", "application")
        return int(re.search("[0-9]+", report["checks"][0]["message"])[0])


if __name__ == "__main__":
    skip_where_impossible()
    unittest.main(argv=sys.argv)
