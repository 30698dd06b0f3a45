#!/usr/bin/env python3
"""What is refused when "the disk is full": writes to files from the given one on, and nothing that is no file."""

import pathlib
import sys
import tempfile
import unittest

from full_disk import EVER, FullDisk

PROGRAM = """
import os, socket, subprocess, sys
here, there = socket.socketpair()
out, into = os.pipe()
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
for number in range(4):
    os.write(here.fileno(), b"word"), os.write(into, b"word"), os.writev(here.fileno(), [b"word"])
    try:
        (os.write(file, b"word"), os.pwrite(file, b"word", 9), os.writev(file, [b"word"]), os.ftruncate(file, 99))
    except OSError as error:
        print(number, error.errno)
subprocess.run(["sh", "-c", "echo more >> $0", sys.argv[1]], check=True)
"""


class FullDiskTest(unittest.TestCase):
    def test_files_alone_are_refused_and_none_of_a_child(self):
        with tempfile.TemporaryDirectory() as folder:
            disk = FullDisk(pathlib.Path(folder))
            for first, last, said, writes, refused in ((EVER, EVER, "", 16, 0), (6, 6, "1 28\n", 14, 1), (6, EVER, "1 28\n2 28\n3 28\n", 8, 3)):
                done = disk.run([sys.executable, "-c", PROGRAM, f"{folder}/file"], first, last)
                self.assertEqual((done.returncode, done.stdout, done.stderr, disk.writes, disk.refused), (0, said, "", writes, refused))


if __name__ == "__main__":
    unittest.main()
