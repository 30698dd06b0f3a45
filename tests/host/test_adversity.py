#!/usr/bin/env python3
"""No trouble of the monitor's own stops checks, healing or alerts: full disk, read-only state, no Telegram, power loss."""

import sys
import unittest

from hosts import Host, report_times, skip_where_impossible

INDEX = "/var/www/teaching_panel/frontend/build/index.html"
STATE = "/var/lib/lectio-monitor"


class Adversity(unittest.TestCase):
    def host(self, cron=False):
        host = self.enterContext(Host(self._testMethodName.removeprefix("test_").replace("_", "-")))
        host.lay_out_site(cron)
        return host

    def assert_heals_without_state(self, host):
        """Several runs with a state folder that cannot be written: all of them check, heal, and tell once."""
        code, report = host.health()
        self.assertEqual(report["status"], "critical", "a state folder that cannot be written is critical")
        self.assertIn("state", [check["name"] for check in report["checks"]])
        host.run("chmod", "000", INDEX)
        code, report = host.health()
        self.assertTrue(host.site_answers(), report)
        self.assertEqual([deed["name"] for deed in report["recovery"] if deed["ok"]], ["frontend-permissions"])
        for _ in range(3):
            code, report = host.health()
            self.assertEqual(code, report["exit_code"])
        # The state's own trouble may share a message with what was mended, or come before it.
        told = "\n".join(host.messages())
        self.assertIn("✅ frontend", told)  # what was mended leads, the page is its consequence
        self.assertEqual((told.count("HTTP 403, ожидался 200"), told.count("касается мониторинга")), (1, 1), told)

    def test_disk_full(self):
        host = self.host()
        host.shell(f"mkdir {STATE}; mount -t tmpfs -o size=256k tmpfs {STATE}; cat /dev/zero >{STATE}/filler 2>/dev/null || true")
        self.assert_heals_without_state(host)
        # The disk has room again: it goes on as if nothing had been.
        host.run("rm", f"{STATE}/filler")
        host.health()  # still tells where the run before had to keep its state
        code, report = host.health()
        self.assertEqual(code, 0, report)
        host.run("test", "-s", f"{STATE}/health/state.json")

    def test_state_read_only(self):
        host = self.host()
        host.health()
        host.shell(f"mount --bind {STATE} {STATE}; mount -o remount,ro,bind {STATE}")
        self.assert_heals_without_state(host)

    def test_telegram_down_and_back(self):
        host = self.host(cron=True)
        host.wait_until_watched()
        host.run("systemctl", "stop", "bot-api")
        host.run("chmod", "000", INDEX)
        host.wait_until(host.site_answers, "mended though nobody can be told", 110)
        host.wait_for_next_run()
        host.run("systemctl", "start", "bot-api")
        seconds = host.wait_until(host.messages, "told when Telegram is back", 300)
        report_times(f"Telegram back after an outage: told after {seconds:.0f} s")
        host.wait_for_next_run()
        messages = host.messages()
        self.assertEqual(len(messages), 1, messages)
        self.assertTrue(messages[0].startswith("✅"), messages)

    def test_power_loss_in_the_middle(self):
        host = self.host()
        # A fault that must not be healed: nginx is down and its configuration is broken.
        host.write("/etc/nginx/conf.d/broken.conf", "this is no directive;\n")
        host.run("systemctl", "stop", "nginx")
        host.health()
        opening = host.messages()
        self.assertEqual(len(opening), 1, opening)
        self.assertTrue(opening[0].startswith("🚨"), opening)
        # In the middle of the next run the power goes.
        host.start_and_leave("lectio-health", "-q")
        host.reboot(hard=True)
        code, report = host.health()
        self.assertEqual(report["status"], "critical")
        self.assertLessEqual(len(host.messages()), 2, "an open incident is not told again after a reboot")
        host.run("rm", "/etc/nginx/conf.d/broken.conf")
        host.run("systemctl", "restart", "nginx")
        code, report = host.health()
        self.assertEqual(code, 0, report)
        self.assertTrue(host.messages()[-1].startswith("✅"), host.messages())


if __name__ == "__main__":
    skip_where_impossible()
    unittest.main(argv=sys.argv)
