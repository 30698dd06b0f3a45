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


DNS_CHECKS = """
[health.check.address]
type = "dns"
name = "www.site.test"
server = "127.0.0.1:{stack.dns_port}"
expect = ["127.0.0.1"]
recheck = "100ms"

[health.check.mail]
type = "dns"
name = "site.test"
record = "TXT"
server = "127.0.0.1:{stack.dns_port}"
expect = ["v=spf1 -all"]
recheck = "100ms"
"""


CELERY_CHECKS = """
[health.check.queue]
type = "celery"
broker = "{stack.redis_url}"
consumed = ["celery"]
recheck = "100ms"
"""


class Queues(unittest.TestCase):
    """A real Celery worker."""

    def test_consumed_or_not_and_nothing_left_behind(self):
        stack = self.enterContext(Stack(parts=["redis", "celery"]))
        before = stack.redis_keys()
        run = self.enterContext(Monitor(stack, checks=CELERY_CHECKS)).run()
        self.assertEqual(run.exit_code, 0, run.out)
        self.assertIn("1 worker", run.check("queue")["message"])
        lacking = self.enterContext(Monitor(stack, checks=CELERY_CHECKS.replace('["celery"]', '["celery", "heavy"]'))).run()
        self.assertIn("nobody works off the queue heavy", lacking.check("queue")["message"])
        self.assertEqual(stack.redis_keys(), before)


class Names(unittest.TestCase):
    """A real nameserver, dnsmasq."""

    def setUp(self):
        self.stack = self.enterContext(Stack(parts=["dnsmasq"]))

    def test_known_unknown_silent_and_refused(self):
        monitor = self.enterContext(Monitor(self.stack, checks=DNS_CHECKS))
        self.assertEqual(monitor.run().exit_code, 0)
        self.stack.freeze("dnsmasq")
        self.assertIn("did not answer within 2 s", monitor.run().check("address")["message"])
        self.stack.stop("dnsmasq")
        self.assertIn("nobody listens", monitor.run().check("mail")["message"])

    def test_wrong_and_missing(self):
        wrong = DNS_CHECKS.replace('"127.0.0.1"]', '"192.0.2.1"]').replace('name = "site.test"', 'name = "old.site.test"')
        run = self.enterContext(Monitor(self.stack, checks=wrong)).run()
        self.assertIn("expected 192.0.2.1, the answer of", run.check("address")["message"])
        self.assertIn("NXDOMAIN", run.check("mail")["message"])


if __name__ == "__main__":
    unittest.main()
