#!/usr/bin/env python3
"""A machine that goes down in the middle of a deploy comes up on one whole release, before nginx serves, and says so.

lectio-deploy-recover.service is installed as install.sh does it; cron is not started, so that each message is this test's.
"""

import sys
import tempfile
import unittest
from pathlib import Path

from hosts import SOURCE, Host, skip_where_impossible

sys.path.insert(0, str(SOURCE / "tests/integration"))

from builds import build_files, write_files  # noqa: E402 (found by the line above)

SERVED = "/var/www/teaching_panel/frontend/build"
RELEASES = "/var/www/teaching_panel/frontend/.lectio-releases"
JOURNALS = "/var/lib/lectio-monitor/deploy/journal"
RECOVER = "lectio-deploy-recover.service"
DEPLOY = f"""
[deploy]
min_free = "1MB"
gate = {{ checks = ["site", "frontend"], within = "5m", passes = PASSES }}
[deploy.frontend]
path = "{SERVED}"
"""


class DeployBoot(unittest.TestCase):
    def setUp(self):
        self.host = self.enterContext(Host(self._testMethodName.removeprefix("test_").replace("_", "-")))
        self.host.lay_out_site(cron=False)
        self.host.copy(SOURCE / "packaging/systemd", "/etc/systemd/system")
        self.host.run("systemctl", "enable", "--quiet", RECOVER)
        self.checks = self.host.read("/etc/lectio-monitor/config.toml")
        self.configure(passes=1)
        self.put_build("good")
        self.host.run("lectio-deploy", "frontend", "/root/good")
        self.good = self.served()
        self.before = self.host.messages()

    def configure(self, passes):
        self.host.write("/etc/lectio-monitor/config.toml", self.checks + DEPLOY.replace("PASSES", str(passes)))

    def put_build(self, word):
        with tempfile.TemporaryDirectory() as folder:
            self.host.copy(write_files(Path(folder), build_files(word)), f"/root/{word}")

    def served(self):
        return self.host.run("readlink", SERVED).strip()

    def page(self):
        return self.host.run("curl", "-fsS", "-m", "20", "http://127.0.0.1/")

    def new_messages(self):
        """Told while the machine started or waiting since then: nothing of ours sends by itself here."""
        self.host.attempt("lectio-notify", "flush", "-q")
        return self.host.messages()[len(self.before):]

    def moment(self, unit, what):
        return int(self.host.run("systemctl", "show", "-P", what, unit))

    def assert_recovered_before_nginx(self):
        recovered = self.moment(RECOVER, "ExecMainExitTimestampMonotonic")
        self.assertGreater(recovered, 0, "it has run")
        for unit in ("nginx", "teaching_panel", "celery-default"):
            self.assertLess(recovered, self.moment(unit, "ExecMainStartTimestampMonotonic"), unit)

    def cut_off_after_the_swap(self):
        self.configure(passes=100)  # it watches until the machine goes down
        self.put_build("half")
        self.host.start_and_leave("lectio-deploy", "frontend", "/root/half")
        self.host.wait_until(lambda: self.served() != self.good, "the swap")
        self.assertIn("half", self.page())

    def test_cut_off_after_the_swap(self):
        self.cut_off_after_the_swap()
        self.host.reboot(hard=True)
        self.host.wait_until(self.host.site_answers, "the site is up")
        self.assert_recovered_before_nginx()
        self.assertEqual(self.served(), self.good)
        self.assertIn('data-build="good"', self.page())
        self.assertEqual(self.host.run("systemctl", "show", "-P", "ExecMainStatus", RECOVER).strip(), "1")
        self.assertEqual(self.host.run("systemctl", "show", "-P", "Result", RECOVER).strip(), "success")
        messages = self.new_messages()
        self.assertEqual(len(messages), 1, messages)
        self.assertIn(Path(self.good).name, messages[0])
        self.host.reboot()  # nothing is left to do, nor to tell
        self.assertEqual(self.host.run("systemctl", "show", "-P", "ExecMainStatus", RECOVER).strip(), "0")
        self.assertEqual(self.new_messages(), messages)
        self.configure(passes=1)
        self.put_build("next")
        self.host.run("lectio-deploy", "frontend", "/root/next")

    def test_cut_off_while_receiving(self):
        self.host.shell("tar cz -C /root/good . | head -c 200 >/root/torn.tgz")
        self.host.start_and_leave("sh", "-c", "(cat /root/torn.tgz; sleep infinity) | lectio-deploy frontend -")
        self.host.wait_until(lambda: ".incoming-" in self.host.run("ls", "-A", RELEASES), "it is receiving")
        self.host.reboot(hard=True)
        self.host.wait_until(self.host.site_answers, "the site is up")
        self.assert_recovered_before_nginx()
        self.assertEqual(self.served(), self.good)
        self.assertNotIn(".incoming-", self.host.run("ls", "-A", RELEASES))
        self.put_build("next")
        self.host.run("lectio-deploy", "frontend", "/root/next")

    def test_the_journal_is_damaged(self):
        self.cut_off_after_the_swap()
        self.host.shell(f"cd {JOURNALS}; printf 'rubbish\\nand more of it\\n' >>$(ls *.journal | tail -n 1)")
        self.host.reboot(hard=True)
        self.host.wait_until(self.host.site_answers, "the site is up all the same")
        self.assertIn(self.host.run("systemctl", "is-system-running").strip(), ("running", "degraded"))
        self.assertEqual(self.host.run("systemctl", "show", "-P", "ExecMainStatus", RECOVER).strip(), "2")
        messages = "\n".join(self.new_messages())
        self.assertIn("🚨", messages)

    def test_the_configuration_is_broken_since(self):
        self.host.run("lectio-health", "-q", "--no-recovery")  # keeps the configuration that loads
        self.cut_off_after_the_swap()
        self.host.run("lectio-health", "-q", "--no-recovery", "--no-notify")
        self.host.shell("echo 'this is no TOML' >>/etc/lectio-monitor/config.toml")
        self.host.reboot(hard=True)
        self.host.wait_until(self.host.site_answers, "the site is up")
        self.assertEqual(self.served(), self.good)

    def test_recovery_hangs(self):
        self.host.write(f"/etc/systemd/system/{RECOVER}.d/hangs.conf",
                        "[Service]\nExecStart=\nExecStart=/bin/sleep infinity\nTimeoutStartSec=2\n")
        self.host.reboot()
        self.host.wait_until(self.host.site_answers, "the site is up all the same")
        self.assertEqual(self.host.run("systemctl", "show", "-P", "Result", RECOVER).strip(), "timeout")


if __name__ == "__main__":
    skip_where_impossible()
    unittest.main(argv=sys.argv)
