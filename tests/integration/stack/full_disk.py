"""A program whose disk is full for some of its writes: to regular files, nothing else (full_disk.c)."""

import os
import pathlib
import struct
import subprocess

EVER = 2**64 - 1
_LIKE = struct.Struct("=QQQQ")  # struct Disk


class FullDisk:
    """Built once, in a folder of the test."""

    def __init__(self, folder):
        self._library, self._shared = folder / "full_disk.so", folder / "full_disk"
        self.writes = self.refused = 0  # of the last run
        subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", self._library,
                        pathlib.Path(__file__).with_suffix(".c")], check=True)

    def run(self, command, first=EVER, last=EVER, seconds=600):
        """The writes from this one on until that one are refused; their threads' are counted, their children's are not."""
        self._shared.write_bytes(_LIKE.pack(first, last, 0, 0))
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False,
                              env={**os.environ, "LD_PRELOAD": str(self._library), "LECTIO_FULL_DISK": str(self._shared)})
        _, _, self.writes, self.refused = _LIKE.unpack(self._shared.read_bytes())
        return done
