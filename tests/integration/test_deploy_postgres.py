#!/usr/bin/env python3
"""Migrations of a real Django on a real PostgreSQL: the servers for the cases [postgres] of unit-release-transaction."""

import os
import pathlib
import subprocess
import sys
import unittest

from stack.postgres import Postgres, programs

BUILD = pathlib.Path(os.environ["LECTIO_BUILD"])


def prepare(server):
    server.sql("alter system set max_prepared_transactions = 2", "create role site login createdb",
               "create database site owner site")
    server.stop()
    server.start()


class DeployPostgres(unittest.TestCase):
    def test_migrations(self):
        with Postgres() as server, Postgres() as other:
            prepare(server)
            prepare(other)
            done = subprocess.run([BUILD / "tests/unit/release/unit-release-transaction", "[postgres]"], check=False, text=True,
                                  env={**os.environ, "LECTIO_TEST_POSTGRES": server.url("site", "site"),
                                       "LECTIO_TEST_OTHER_POSTGRES": other.url("site", "site")}, capture_output=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("All tests passed", done.stdout)
            left = [name for name in server.databases() if name.startswith("lectio_")]
            self.assertEqual(left, [])


if __name__ == "__main__":
    if programs() is None:
        print("skipped: PostgreSQL is not installed")
        sys.exit(77)
    unittest.main()
