#!/usr/bin/env python3
"""The real lectio-health looks at the real stack: what is broken on purpose is seen, and nothing else."""

import unittest

from monitor import Monitor
from stack.stack import JS, Stack

# What breaks the API → what the check of it has to say.
API_FAULTS = {
    "status 500": "500",
    "status 403": "403",
    "status 301": "301",
    "hang": "no full answer",
    "json": "JSON",
    "database": "500",
    "raise": "500",
}


class HealthChecks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = cls.enterClassContext(Stack())

    def setUp(self):
        self.monitor = self.enterContext(Monitor(self.stack))

    def assert_all_good(self):
        run = self.monitor.run()
        self.assertEqual((run.exit_code, run.report["status"]), (0, "ok"), run.out)

    def assert_only_broken(self, *names):
        run = self.monitor.run()
        broken = sorted(check["name"] for check in run.report["checks"] if check["status"] not in ("ok", "skipped"))
        self.assertEqual(broken, sorted(names), run.out)
        self.assertEqual(run.exit_code, 2, run.out)
        return run

    def test_all_good(self):
        self.assert_all_good()

    def test_quiet_prints_nothing_while_all_is_good(self):
        run = self.monitor.run("-q", form="text")
        self.assertEqual((run.exit_code, run.out, run.err), (0, "", ""))

    def test_faults_of_the_api(self):
        for fault, words in API_FAULTS.items():
            with self.subTest(fault):
                self.stack.break_api(fault)
                self.addCleanup(self.stack.mend_api)
                message = self.assert_only_broken("api").check("api")["message"]
                self.assertIn(words, message)
                self.stack.mend_api()
        self.assert_all_good()

    def test_one_bad_answer_among_good_ones_is_nothing(self):
        self.stack.break_api("once 500")
        self.assert_all_good()

    def test_unreadable_index(self):
        index = self.stack.build / "index.html"
        self.addCleanup(index.chmod, 0o644)
        index.chmod(0)
        run = self.assert_only_broken("site", "frontend")
        self.assertIn("403", run.check("site")["message"])

    def test_missing_script(self):
        script = self.stack.build / "static/js" / JS
        content = script.read_text()
        self.addCleanup(script.write_text, content)
        script.unlink()
        self.assertIn(JS, self.assert_only_broken("frontend").check("frontend")["message"])

    def test_nginx_ended(self):
        self.addCleanup(self.stack.wait_well)
        self.addCleanup(self.stack.start_nginx)
        self.stack.stop("nginx")
        self.assert_only_broken("site", "frontend")

    def test_nginx_hangs(self):
        self.stack.freeze("nginx")
        self.addCleanup(self.stack.thaw, "nginx")
        self.assert_only_broken("site", "frontend")

    def test_application_ended(self):
        self.addCleanup(self.stack.wait_well)
        self.addCleanup(self.stack.start_gunicorn)
        self.stack.stop("gunicorn")
        self.assert_only_broken("api", "workers")

    def test_redis_ended(self):
        self.addCleanup(self.stack.wait_well)
        self.addCleanup(self.stack.start_redis)
        self.stack.stop("redis")
        self.assert_only_broken("redis")


if __name__ == "__main__":
    unittest.main()
