#!/usr/bin/env python3
"""The stack itself: it starts well, breaks as told, mends, and leaves nothing behind."""

import os
import unittest
import urllib.error
import urllib.request

from stack import Stack, wait_until


def status_of(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


class StackTest(unittest.TestCase):
    def test_breaks_and_mends(self):
        with Stack() as stack:
            self.assertEqual(status_of(stack.site_url + "/api/health/"), 200)
            stack.break_api("status 503")
            self.assertEqual(status_of(stack.api_url), 503)
            stack.mend_api()
            self.assertEqual(status_of(stack.api_url), 200)
            stack.break_api("raise")
            self.assertEqual(status_of(stack.api_url), 500)
            stack.mend_api()
            stack.stop("gunicorn")
            self.assertEqual(status_of(stack.site_url + "/api/health/"), 502)
            stack.start_gunicorn()
            wait_until(lambda: status_of(stack.api_url) == 200, "gunicorn is back")

    def test_unreadable_index_is_forbidden(self):
        with Stack() as stack:
            (stack.build / "index.html").chmod(0)
            self.assertEqual(status_of(stack.site_url + "/"), 403)

    def test_leaves_nothing_behind(self):
        with Stack(celery=True) as stack:
            folder = stack.folder
            stack.freeze("gunicorn")
        self.assertFalse(folder.exists())
        left = [pid for pid in os.listdir("/proc") if pid.isdigit() and str(folder).encode() in command_line(pid)]
        self.assertEqual(left, [])


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except OSError:  # it has just ended
        return b""


if __name__ == "__main__":
    unittest.main()
