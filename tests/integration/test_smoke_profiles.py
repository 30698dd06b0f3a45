#!/usr/bin/env python3
"""The shipped profiles of cube-demper and horoscopus, each walked through against a small stand-in of its system."""

import pathlib
import subprocess
import tempfile
import unittest

from monitor import SOURCE, Run, binary
from stand_ins.other_sites import CubeDemper, Horoscopus


class ProfileTest:
    PROFILE, ADDRESS, VARIABLES, SITE = "", "", "", None

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="lectio-smoke-")))
        self.site = self.enterContext(self.SITE())
        self.config = self.folder / "config.toml"
        text = (SOURCE / "config/profiles" / self.PROFILE).read_text()
        assert self.ADDRESS in text
        text = text[text.index("\n[smoke]"):text.index("\n[deepcheck]")].replace(self.ADDRESS, self.site.url)
        self.config.write_text('lang = "en"\n[paths]\n'
                               + "".join(f'{name} = "{self.folder / name}"\n' for name in ("state", "run", "logs", "env_file")) + text)
        (self.folder / "env_file").write_text(self.VARIABLES)
        (self.folder / "env_file").chmod(0o600)

    def run_smoke(self, *words, config=None):
        done = subprocess.run([str(binary("lectio-smoke")), "-c", str(config or self.config), "--format", "json", *words],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
        return Run(done, 0)

    def seen(self):
        """What is red, and what it says."""
        run = self.run_smoke("--dry-run", "--no-notify")
        return {check["name"]: (check["status"], check["message"]) for check in run.report["checks"] if check["status"] != "ok"}

    def assert_red(self, **expected):
        seen = self.seen()
        self.assertEqual({name: status for name, (status, _) in seen.items()},
                         {name.replace("_", "-"): status for name, (status, _) in expected.items()}, seen)
        for name, (_, words) in expected.items():
            self.assertIn(words, seen[name.replace("_", "-")][1])

    def test_it_loads(self):
        done = subprocess.run([str(binary("lectio-smoke")), "-c", str(SOURCE / "config/profiles" / self.PROFILE), "--check-config"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_it_is_green(self):
        run = self.run_smoke()
        self.assertEqual((run.exit_code, [c for c in run.report["checks"] if c["status"] != "ok"]), (0, []))


class CubeDemperTest(ProfileTest, unittest.TestCase):
    PROFILE, ADDRESS, SITE = "cube-demper.toml", "https://api.demper.example", CubeDemper
    VARIABLES = f"DEMPER_EMAIL={CubeDemper.EMAIL}\nDEMPER_PASSWORD={CubeDemper.PASSWORD}\n"

    def test_its_faults(self):
        site = self.site
        with self.subTest("Redis is gone, and HTTP says 200"):
            site.redis = "unhealthy"
            self.assert_red(redis=("critical", '/checks/redis is "unhealthy", expected "healthy"'),
                            health=("skipped", "redis has failed"))
            site.redis = "healthy"
        site.forget()
        with self.subTest("a circuit is open"):
            site.circuit = "open"
            self.assert_red(circuits=("warning", '"state": "open"'))
            site.circuit = "closed"
        site.forget()
        with self.subTest("some of ten at once are slow"):
            site.slow = 1.5
            seen = self.seen()
            self.assertEqual(seen.get("burst", ("ok", ""))[0], "warning", seen)
            self.assertIn("at once answered later than 1 s", seen["burst"][1])
            site.slow = 0
        site.forget()
        with self.subTest("passwords can be tried without end"):
            site.limits["login"] = 1000
            self.assert_red(login_limit=("warning", "nothing limits it: 6 requests in"))
            site.limits["login"] = 5
        site.forget()
        with self.subTest("anybody may register without end"):
            site.limits["register"] = 1000
            self.assert_red(register_limit=("warning", "nothing limits it: 4 requests in"))
            site.limits["register"] = 3
        site.forget()
        with self.subTest("no proxies are left"):
            site.proxies["available"] = 0
            self.assert_red(proxies=("critical", "/available is 0, at least 1 expected"))
            site.proxies["available"] = 5
        site.forget()
        with self.subTest("a header is gone"):
            del site.headers["Strict-Transport-Security"]
            self.assert_red(headers=("warning", "Strict-Transport-Security"))


class HoroscopusTest(ProfileTest, unittest.TestCase):
    PROFILE, ADDRESS, SITE = "horoscopus.toml", "https://horoscopus.example", Horoscopus
    VARIABLES = f"HOROSCOPUS_USER={Horoscopus.USER}\nHOROSCOPUS_PASSWORD={Horoscopus.PASSWORD}\n"

    def test_its_faults(self):
        site = self.site
        with self.subTest("a list is empty"):
            site.locations = []
            self.assert_red(locations=("critical", "the list /results is empty, at least 1 expected"))
            site.locations = [{"id": 1}]
        with self.subTest("DEBUG is on"):
            site.debug = True
            self.assert_red(debug=("critical", "which it must not"))
            site.debug = False
        with self.subTest("a path without its slash"):
            text = self.config.read_text()
            self.config.write_text(text.replace('"/api/v1/core/locations/"', '"/api/v1/core/locations"'))
            self.assert_red(locations=("critical", "the URL lacks its trailing slash"))
            self.config.write_text(text)
        with self.subTest("the account has another password"):
            site.PASSWORD = "changed"
            behind = ("skipped", "login-user has failed")
            self.assert_red(login_user=("warning", "the test account, not the site"), profiles=behind, natal_charts=behind,
                            forecasts=behind, reports=behind)


if __name__ == "__main__":
    unittest.main()
