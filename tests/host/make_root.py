#!/usr/bin/env python3
"""The root filesystem that all hosts share; built once a build tree (20 s), skipped where no host can boot."""

import os
import subprocess

from hosts import BUILD, HERE, TIMES, skip_where_impossible

skip_where_impossible()
TIMES.write_text("Measured on this run's hosts, by the tests of tests/host\n")
packages = " ".join(line for line in (HERE / "packages.txt").read_text().split("\n") if not line.startswith("#"))
subprocess.run([HERE / "testhost", "build"], check=True,
               env={**os.environ, "TESTHOST_DIR": str(BUILD / "testhost"), "TESTHOST_PACKAGES": packages})
