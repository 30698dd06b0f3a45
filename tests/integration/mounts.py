"""Mounts that only this process and what it starts can see; needs root."""

import ctypes
import os

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = \
    0x20000, 1, 2, 4, 0x20, 0x1000, 0x4000, 0x40000


def must(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), what)


def own_mounts():
    """From here on; to be called while the process has one thread."""
    must(LIBC.unshare(CLONE_NEWNS), "unshare")
    must(LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "make mounts private")


def mount(source, target, kind="", options="", flags=0):
    """mount(2)."""
    must(LIBC.mount(os.fsencode(source), os.fsencode(target), kind.encode(), flags, options.encode()), f"mount {target}")


def unmount(target):
    """umount2(2) with MNT_DETACH: also while somebody is in it."""
    must(LIBC.umount2(os.fsencode(target), 2), f"unmount {target}")
