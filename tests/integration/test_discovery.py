#!/usr/bin/env python3
"""Without checks in its configuration lectio-health finds the loopback stack by itself, and `init` writes it down.

The machine may run more than this stack (other tests do): only what carries the stack's own ports is judged.
"""

import pathlib
import subprocess
import sys
import unittest

from monitor import Monitor, binary

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "stack"))

from stack import Stack, wait_until  # noqa: E402 (found by the line above)


class DiscoveryTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stack = Stack(celery=True)
        cls.stack = stack.__enter__()
        cls.addClassCleanup(stack.__exit__)
        cls.names = {f"site-site-test-{cls.stack.https_port}": "http", f"redis-{cls.stack.redis_port}": "redis",
                     f"gunicorn-{cls.stack.api_port}": "http", f"frontend-site-test-{cls.stack.https_port}": "frontend"}

    def test_a_run_without_checks_watches_the_stack(self):
        with Monitor(self.stack, checks="") as monitor:
            # On a busy machine with many servers one run does not get to ask all of them how they answer.
            wait_until(lambda: self.of_the_stack(monitor.run()) == self.names, "all is found, and has been asked", 60)
            run = monitor.run()
            for name in self.names:
                self.assertEqual(run.check(name)["status"], "ok", run.check(name))
            self.assertIn("found on this host", " ".join(run.report["notes"]))
            self.assertEqual(run.report["recovery"], [])
            celery = [check["status"] for check in run.report["checks"] if check["type"] == "celery"]
            self.assertIn("ok", celery)

    def test_what_stops_is_told_of(self):
        with Monitor(self.stack, checks="") as monitor:
            monitor.run()
            self.stack.stop("redis")
            try:
                self.assertEqual(monitor.run().check(f"redis-{self.stack.redis_port}")["status"], "critical")
            finally:
                self.stack.start_redis()
                self.stack.wait_well()

    def test_init_writes_a_configuration_that_loads_and_is_green(self):
        with Monitor(self.stack, checks="") as monitor:
            file = monitor.folder / "found.toml"
            done = self.lectio("init", "-o", str(file), "--lang", "en")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(file.stat().st_mode & 0o7777, 0o640)
            text = file.read_text()
            self.assertIn(f'url = "{self.stack.https_url}/"\nresolve = "127.0.0.1"\n', text)
            self.assertIn(f'root = "{self.stack.build}"\n', text)
            checked = self.lectio("--check-config", "-c", str(file))
            self.assertEqual(checked.returncode, 0, checked.stdout)
            paths = "".join(f'{name} = "{monitor.folder}/{name}"\n' for name in ("state", "run", "logs"))
            monitor.config.write_text(text.replace("[paths]\n", "[paths]\n" + paths))
            run = monitor.run("--only", ",".join(self.names))
            self.assertEqual({check["name"]: check["status"] for check in run.report["checks"] if check["type"] != "self"},
                             {name: "ok" for name in self.names})
            self.assertEqual(self.lectio("init", "-o", str(file)).returncode, 64, "never over an existing one")
            self.assertEqual(file.read_text(), text)

    def test_init_prints(self):
        done = self.lectio("init", "-o", "-", "--lang", "ru")
        self.assertEqual(done.returncode, 0)
        self.assertIn('lang = "ru"\n', done.stdout)

    def of_the_stack(self, run):
        return {check["name"]: check["type"] for check in run.report["checks"] if check["name"] in self.names}

    @staticmethod
    def lectio(*arguments):
        return subprocess.run([str(binary("lectio-health")), *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=300, check=False)


if __name__ == "__main__":
    unittest.main()
