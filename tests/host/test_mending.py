#!/usr/bin/env python3
"""What breaks on the site of LEGACY.md is mended by the cron line and told once, as its table promises.

Each test boots a host of its own: ctest runs them side by side.
"""

import sys
import time
import unittest

from hosts import Host, report_times, skip_where_impossible

INDEX = "/var/www/teaching_panel/frontend/build/index.html"
# cron's next minute, one run with its recheck, the promised 15 s, and a slow machine.
WITHIN = 110


class Mending(unittest.TestCase):
    def host(self):
        host = self.enterContext(Host(self._testMethodName.removeprefix("test_").replace("_", "-")))
        host.lay_out_site()
        host.wait_until_watched()
        return host

    def break_and_wait(self, host, what, *command, mended):
        """Breaks the site; waits until it is mended and told; the one message that told it."""
        host.run(*command)
        self.assertFalse(mended(), "this was to break it")
        start = time.monotonic()
        host.wait_until(mended, f"mended: {what}", WITHIN)
        mended_after = time.monotonic() - start
        host.wait_until(host.messages, f"told: {what}", 30)
        report_times(f"{what}: mended after {mended_after:.0f} s, told after {time.monotonic() - start:.0f} s")
        host.wait_for_next_run()
        messages = host.messages()
        self.assertEqual(len(messages), 1, messages)
        return messages[0]

    def assert_tells_mended(self, message):
        self.assertTrue(message.startswith("✅"), message)
        self.assertRegex(message, "[а-я]{4}", "in Russian")
        self.assertIn("lectio-1", message)

    def test_permissions(self):
        host = self.host()
        nginx = host.main_process("nginx")
        message = self.break_and_wait(host, "index.html with mode 000", "chmod", "000", INDEX, mended=host.site_answers)
        self.assert_tells_mended(message)
        self.assertEqual(host.run("stat", "-c", "%a %U", INDEX), "644 www-data\n")
        self.assertEqual(host.main_process("nginx"), nginx, "no restart where permissions were all that was wrong")

    def test_nginx_stopped(self):
        host = self.host()
        message = self.break_and_wait(host, "nginx stopped", "systemctl", "stop", "nginx", mended=host.site_answers)
        self.assert_tells_mended(message)
        self.assertIn("nginx", message)

    def test_nginx_hangs(self):
        host = self.host()
        message = self.break_and_wait(host, "nginx hung (SIGSTOP)", "pkill", "-STOP", "-x", "nginx",
                                      mended=host.site_answers)
        self.assert_tells_mended(message)

    def test_backend_stopped(self):
        host = self.host()
        message = self.break_and_wait(host, "gunicorn stopped", "systemctl", "stop", "teaching_panel",
                                      mended=host.api_answers)
        self.assert_tells_mended(message)

    def test_backend_hangs(self):
        host = self.host()
        message = self.break_and_wait(host, "gunicorn hung (SIGSTOP)", "pkill", "-STOP", "-f", "^[^ ]*python3.*gunicorn",
                                      mended=host.api_answers)
        self.assert_tells_mended(message)

    def test_backend_killed(self):
        # systemd brings it back by itself: we are not to be in its way, and there is nothing to tell.
        host = self.host()
        process = host.main_process("teaching_panel")
        host.run("kill", "-KILL", process)
        seconds = host.wait_until(lambda: host.main_process("teaching_panel") not in (process, "0")
                                  and host.api_answers(), "systemd has restarted gunicorn", 20)
        report_times(f"gunicorn killed (systemd's Restart=): serving again after {seconds:.1f} s")
        restarted = host.main_process("teaching_panel")
        host.wait_for_next_run()
        self.assertEqual(host.main_process("teaching_panel"), restarted, "restarted once, not twice")

    def host_with_slow_stop(self):
        """gunicorn takes its time to stop, as it does with requests that last; nothing runs by itself here."""
        host = self.enterContext(Host(self._testMethodName.removeprefix("test_").replace("_", "-")))
        host.lay_out_site(cron=False)
        host.write("/etc/systemd/system/teaching_panel.service.d/slow.conf", "[Service]\nExecStop=/bin/sleep 10\n")
        host.run("systemctl", "daemon-reload")
        host.run("systemctl", "reset-failed")
        code, report = host.health()
        self.assertEqual(code, 0, report)
        return host

    def test_restarted_by_hand(self):
        host = self.host_with_slow_stop()
        host.start_and_leave("systemctl", "restart", "teaching_panel")
        host.wait_until(lambda: host.attempt("systemctl", "is-active", "teaching_panel").stdout == "deactivating\n",
                        "it is being stopped", 20)
        code, report = host.health()
        self.assertEqual((code, report["recovery"], host.messages()), (0, [], []), report)

    def test_planned_reboot(self):
        host = self.host_with_slow_stop()
        host.start_and_leave("systemctl", "reboot")
        host.wait_until(lambda: not host.site_answers(), "nginx is stopped, gunicorn still stops", 20)
        code, report = host.health()
        self.assertEqual((report["recovery"], report["incidents"], report["alerts"]["queued"]), ([], [], 0), report)


if __name__ == "__main__":
    skip_where_impossible()
    unittest.main(argv=sys.argv)
