#!/usr/bin/env python3
"""redis and django as lectio-deepcheck looks at them: a real redis-server and a real Django project, each wrong state made."""

import contextlib
import os
import pathlib
import pwd
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "stack"))

from one_check import Place
from stack import free_port, wait_until


class Redis:
    def __init__(self, folder):
        self.folder, self.port = folder / "redis", free_port()
        self.folder.mkdir()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def __enter__(self):
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder),
                   "--stop-writes-on-bgsave-error", "no", "--enable-protected-configs", "yes"]
        self.server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_until(lambda: self.says("ping", check=False) == "PONG", "Redis answers")
        return self

    def __exit__(self, *_):
        self.server.terminate()
        self.server.wait(60)

    def says(self, *words, check=True, text=None):
        return subprocess.run(["redis-cli", "-p", str(self.port), *words], input=text, capture_output=True, text=True, check=check).stdout.strip()

    def many(self, lines):
        self.says(text="\n".join(lines) + "\n")

    def info(self, name):
        return dict(line.split(":", 1) for line in self.says("info", "all").splitlines() if ":" in line).get(name, "").strip()

    def save(self):
        self.says("bgsave")
        wait_until(lambda: self.info("rdb_bgsave_in_progress") == "0", "the snapshot is over")


class RedisTest(unittest.TestCase):
    def setUp(self):
        self.place = self.enterContext(Place())
        self.redis = self.enterContext(Redis(self.place.folder))

    def look(self, keys):
        row = self.place.look(f'type = "redis"\nurl = "{self.redis.url}"\n' + keys)
        return row["status"], row["message"]

    def test_keys_that_never_expire(self):
        keys = 'no_ttl = { pattern = "cache:*", sample = 200, warn = "5%" }\n'
        self.assertEqual(self.look(keys)[0], "ok")
        self.redis.many(f"set cache:{number} x ex 600" for number in range(180))
        self.redis.many(f"set other:{number} x" for number in range(500))
        self.assertEqual(self.look(keys)[0], "ok", "of another prefix, they may stay")
        self.redis.many(f"set cache:for-ever-{number} x" for number in range(20))
        status, words = self.look(keys)
        self.assertEqual(status, "warning", words)
        self.assertIn("cache:for-ever-", words)
        self.redis.many(f"expire cache:for-ever-{number} 600" for number in range(20))
        self.assertEqual(self.look(keys)[0], "ok")

    def test_evictions_since_the_last_run(self):
        keys = "evictions = { warn = 1 }\n"
        self.redis.many(["config set maxmemory-policy allkeys-lru", "config set maxmemory 2mb"])
        self.assertEqual(self.look(keys)[0], "ok")
        self.redis.many(f"set filler:{number} {'x' * 2000}" for number in range(2000))
        self.assertGreater(int(self.redis.info("evicted_keys")), 0)
        status, words = self.look(keys)
        self.assertEqual(status, "warning", words)
        self.assertIn("evicted since the last look", words)
        self.assertEqual(self.look(keys)[0], "ok", "told once")

    def test_snapshots(self):
        keys = 'rdb_age = { warn = "1s", critical = "1h" }\n'
        self.redis.says("set", "a", "1")
        self.redis.save()
        saved = int(self.redis.says("lastsave"))
        wait_until(lambda: time.time() > saved + 2, "it is older than a second")
        self.assertEqual(self.look(keys)[0], "ok", "nothing has changed since")
        self.redis.says("set", "a", "2")
        status, words = self.look(keys)
        self.assertEqual(status, "warning", words)
        self.assertIn("changes since would be lost", words)
        gone = self.place.folder / "gone"
        gone.mkdir()
        self.redis.says("config", "set", "dir", str(gone))
        gone.rmdir()
        self.redis.save()
        self.assertEqual(self.redis.info("rdb_last_bgsave_status"), "err")
        self.assertEqual(self.look(keys)[0], "critical")
        self.assertIn("the last snapshot failed", self.look(keys)[1])
        self.redis.says("config", "set", "dir", str(self.redis.folder))
        self.redis.save()
        self.assertEqual(self.look('rdb_age = { warn = "1h" }\n')[0], "ok")

    def test_the_append_only_file(self):
        status, words = self.look('aof = "ok"\n')
        self.assertEqual((status, "append-only file is switched off" in words), ("warning", True), words)
        self.redis.says("config", "set", "appendonly", "yes")
        wait_until(lambda: self.redis.info("aof_rewrite_in_progress") == "0" and self.redis.info("aof_rewrite_scheduled") == "0", "it is written")
        self.assertEqual(self.look('aof = "ok"\n')[0], "ok")

    def test_who_may_not_look(self):
        self.redis.says("acl", "setuser", "looker", "on", ">made-up", "~*", "+ping", "+select", "+scan", "+ttl", "+client")
        self.redis.url = self.redis.url.replace("//", "//looker:made-up@")
        status, words = self.look('aof = "ok"\n')
        self.assertEqual(status, "warning", words)
        self.assertIn("INFO is refused", words)
        self.assertNotIn("made-up", words)


SETTINGS = """
import pathlib
import pwd
HERE = pathlib.Path(__file__).resolve().parent.parent
SECRET_KEY = {key!r}
ROOT_URLCONF = "site_of_tests.urls"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", {apps}]
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": HERE / "data" / "db.sqlite3"}}}}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = True
{more}
"""
HARDENED = """
ALLOWED_HOSTS = ["site.test"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
              "django.middleware.clickjacking.XFrameOptionsMiddleware"]
SECURE_HSTS_SECONDS, SECURE_HSTS_INCLUDE_SUBDOMAINS, SECURE_HSTS_PRELOAD = 63072000, True, True
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
"""
MODELS = "from django.db import models\nclass Order(models.Model):\n    paid = models.BooleanField(default=False)\n"


class DjangoTest(unittest.TestCase):
    """A project as django-admin startproject leaves it, in a folder of its own."""

    def setUp(self):
        self.place = self.enterContext(Place())
        self.project = self.place.folder / "project"
        for folder in ("site_of_tests", "data", "shop/migrations"):
            (self.project / folder).mkdir(parents=True)
            (self.project / folder / "__init__.py").touch()
        (self.project / "site_of_tests/urls.py").write_text("urlpatterns = []\n")
        (self.project / "shop/models.py").write_text(MODELS)
        (self.project / "manage.py").write_text(
            "import os, sys\nfrom django.core.management import execute_from_command_line\n"
            'os.environ["DJANGO_SETTINGS_MODULE"] = "site_of_tests.settings"\nexecute_from_command_line(sys.argv)\n')
        self.settings()

    def settings(self, key="made-up", apps="", more="", text=None):
        (self.project / "site_of_tests/settings.py").write_text(text or SETTINGS.format(key=key, apps=apps, more=more))

    def manage(self, *words):
        subprocess.run(["/usr/bin/python3", "-B", str(self.project / "manage.py"), *words], check=True, capture_output=True, cwd=self.project)

    def look(self, more="", user=None):
        user = pwd.getpwuid(os.geteuid()).pw_name if user is None else user  # the owner; root has to be named
        row = self.place.look(f'type = "django"\nmanage = "{self.project}/manage.py"\npython = "/usr/bin/python3"\nuser = "{user}"\n'
                              'recheck = "0s"\n' + more)
        return row["status"], row["message"], row["hint"]

    def test_migrations(self):
        status, words, hint = self.look()
        self.assertEqual(status, "warning", words)
        self.assertRegex(words, r"^\d+ migrations are not applied: contenttypes\.0001_initial")
        self.assertIn("manage.py migrate", hint)
        self.manage("migrate")
        status, words, _ = self.look()
        self.assertEqual(status, "ok", words)
        self.assertRegex(words, r"^\d+ migrations applied")
        self.settings(apps='"shop"')
        self.manage("makemigrations", "shop")
        self.assertEqual(self.look()[:2], ("warning", "1 migration is not applied: shop.0001_initial"))
        self.manage("migrate")
        self.assertEqual(self.look()[0], "ok")
        self.assertEqual(list(self.project.rglob("__pycache__")), [], "a look leaves nothing behind")

    def test_settings_for_production(self):
        self.manage("migrate")
        deploy = "deploy_check = true\n"
        self.settings(more="DEBUG = True")
        status, words, _ = self.look(deploy)
        self.assertEqual(status, "warning", words)
        self.assertRegex(words, r"check --deploy: \d+ remarks \(security\.W\d+")
        self.settings(key="made up: nothing here is secret, but it is long enough: " + "0123456789abcdefghij", more=HARDENED)
        status, words, _ = self.look(deploy)
        self.assertEqual(status, "ok", words)
        self.assertIn("check --deploy finds nothing", words)

    def test_a_project_that_does_not_start(self):
        self.settings(text="import nosuchmodule_of_tests\n")
        status, words, _ = self.look()
        self.assertEqual(status, "critical", words)
        self.assertIn("No module named 'nosuchmodule_of_tests'", words)
        self.settings(text="import time\ntime.sleep(3600)\n")
        status, words, _ = self.look('timeout = "1s"\n')
        self.assertEqual((status, words), ("critical", "manage.py showmigrations has not ended within 1 s"))
        self.settings()
        with contextlib.suppress(FileNotFoundError):
            (self.project / "data/db.sqlite3").unlink()
        (self.project / "data/__init__.py").unlink()
        (self.project / "data").rmdir()
        status, words, _ = self.look()
        self.assertEqual(status, "critical", words)
        self.assertIn("unable to open database file", words)

    def test_no_project(self):
        (self.project / "manage.py").unlink()
        self.assertEqual(self.look(user="")[0], "unknown")

    @unittest.skipIf(os.geteuid() != 0, "needs root to own a file of root's")
    def test_a_clone_of_root_is_not_run_as_root(self):
        status, words, _ = self.look(user="")
        self.assertEqual((status, words), ("unknown", "manage.py could not be started: it belongs to root, and the key `user` does not say who runs it"))
        self.assertEqual(list((self.project / "data").glob("*.sqlite3")), [])


if __name__ == "__main__":
    unittest.main()
