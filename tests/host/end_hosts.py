#!/usr/bin/env python3
"""Ends hosts that a killed test has left behind."""

import os
import subprocess

from hosts import BUILD, HERE, skip_where_impossible

skip_where_impossible()
for folder in (BUILD / "testhost", BUILD / "testhost-clean"):
    environment = {**os.environ, "TESTHOST_DIR": str(folder)}
    hosts = subprocess.run([HERE / "testhost", "list"], env=environment, check=True, capture_output=True, text=True)
    for line in hosts.stdout.splitlines():
        subprocess.run([HERE / "testhost", "down", line.split()[0], "--hard"], env=environment, check=True)
