"""The monitor's own state, folders, locks and outbox; the partner is broken beside each, and is told all the same."""

import fcntl
import os
import pathlib
import shutil

import mounts
from faults.fault import Fault
from faults.site import remove

TITLE = "The monitor's own state"

STATE, PREVIOUS, HISTORY = "health/state.json", "health/state.prev.json", "history.sqlite"


def state(change, *names):
    """Files of the state folder are changed; what is left of that is thrown away with the monitor."""
    def inject(site):
        site.break_partner()
        for name in names or (STATE,):
            change(site.monitor.state / name)
    return inject


def holds(content):
    def change(path):
        remove(path)
        path.write_bytes(content)
    return change


def cut(path):
    os.truncate(path, path.stat().st_size // 2)


def instead(make):
    def change(path):
        remove(path)
        make(path)
    return change


def linked(path):
    aside = path.with_name("elsewhere")
    path.rename(aside)
    path.symlink_to(aside)


def without_journal(change):
    """Of a database, which is whole again by its journal else."""
    def changed(path):
        for journal in ("-wal", "-shm"):
            remove(path.with_name(path.name + journal))
        change(path)
    return changed


def foreign(path):
    os.chown(path, 33, 33)


def folder(which, change):
    def inject(site):
        site.break_partner()
        path = getattr(site.monitor, which)
        site.afterwards(back, path)
        change(path)
    return inject


def back(path):
    """An empty folder of the monitor's again."""
    if path.is_file() or path.is_symlink():
        path.unlink()
    path.mkdir(exist_ok=True)


def file_instead(path):
    shutil.rmtree(path)
    path.write_text("in its place")


def on_a_disk(options, flags=0):
    """The state lies on a disk of its own with what it holds."""
    def inject(site):
        site.break_partner()
        path = site.monitor.state
        copy = site.folder / "state-copy"
        shutil.copytree(path, copy)
        mounts.mount("none", path, "tmpfs", options)
        shutil.copytree(copy, path, dirs_exist_ok=True)
        path.chmod(0o700)
        shutil.rmtree(copy)
        site.afterwards(mounts.unmount, path)
        if flags:
            mounts.mount("none", path, flags=mounts.MS_REMOUNT | flags)
        else:
            with open(path / "filler", "wb", buffering=0) as filler:
                fill(filler)
    return inject


def fill(file):
    try:
        while True:
            file.write(bytes(4096))
    except OSError:
        return


def lock_is(make):
    def inject(site):
        site.break_partner()
        path = site.monitor.run_folder / "health.lock"
        remove(path)
        make(path)
        site.afterwards(remove, path)
    return inject


def another_run(site):
    """Another run holds the lock."""
    site.break_partner()
    lock = open(site.monitor.run_folder / "health.lock", "w", encoding="utf-8")  # pylint: disable=consider-using-with
    site.afterwards(lock.close)
    fcntl.flock(lock, fcntl.LOCK_EX)


def garbage_in_outbox(site):
    site.break_partner()
    outbox = site.monitor.state / "outbox/to-errors"
    outbox.mkdir(parents=True, exist_ok=True)
    (outbox / "0000000000000001-00000001-0.new").write_bytes(os.urandom(100))


def spoilt(name, inject, *says, level="warning", check="state", **more):
    return Fault(name=name, inject=inject, broken={check: level, "partner": "critical"}, says=says, **more)


def refused(name, inject, russian, level="warning", **more):
    """Only a run that writes meets it."""
    return spoilt(name, inject, "", russian, level=level, looked_at=False, **more)


def harmless(name, inject, **more):
    """Nothing is said of it: nothing is lost."""
    return Fault(name=name, inject=inject, broken={"partner": "critical"}, says=("HTTP 500", "HTTP 500"), **more)


# What a run meets with after it has told everything is told by the next one.
SAID_TWICE = {"aftermath": {"state": "warning"}, "over": "⚠"}

# The run after it still says where the one before had to keep its state.
STILL_ELSEWHERE = {"aftermath": {"state": "critical"}, "over": "🚨"}

FAULTS = [
    spoilt("state.json is garbage", state(holds(os.urandom(1000))), "cut or garbage", "обрезан или испорчен"),
    spoilt("state.json is cut", state(cut), "cut or garbage", "обрезан или испорчен"),
    spoilt("state.json is empty", state(holds(b"")), "empty", "пуст"),
    spoilt("state.json is of a newer version", state(holds(b'{"schema":99}')), "written by a newer version",
           "записан более новой версией"),
    spoilt("state.json is JSON of something else", state(holds(b'{"schema":1,"judge":[1,2],"finished":"yes"}')), "damaged", "повреждена"),
    spoilt("state.json is 200 MB", state(lambda path: os.truncate(path, 200 << 20)), "larger than", "больше"),
    spoilt("state.json is nested a million deep", state(holds(b'{"schema":1,"x":' + b"[" * 1000000)), "cut or garbage",
           "обрезан или испорчен"),
    spoilt("state.json belongs to another user", state(foreign), "belongs to another user", "принадлежит другому пользователю",
           needs_root=True),
    spoilt("state.json is a named pipe", state(instead(os.mkfifo)), "not a regular file", "не обычный файл"),
    spoilt("state.json is a folder", state(instead(pathlib.Path.mkdir)), "not a regular file", "не обычный файл"),
    spoilt("state.json is a link", state(linked), "not a regular file", "не обычный файл"),
    harmless("state.json is gone", state(remove)),
    spoilt("state.json and the one before are garbage", state(holds(b"\0" * 100), STATE, PREVIOUS), "begun afresh",
           "начато с чистого листа"),
    harmless("the whole state folder is gone", folder("state", shutil.rmtree)),
    refused("a file in place of the state folder", folder("state", file_instead), "не удаётся записать",
           level="critical", **STILL_ELSEWHERE),
    refused("the state's disk is read-only", on_a_disk("size=4M", mounts.MS_RDONLY), "не удаётся записать",
           level="critical", **STILL_ELSEWHERE, needs_root=True),
    refused("the state's disk is full", on_a_disk("size=512k"), "не удаётся записать", level="critical", **STILL_ELSEWHERE,
           needs_root=True),
    refused("the state's disk has no inodes", on_a_disk("size=4M,nr_inodes=30"), "не удаётся записать",
           level="critical", **STILL_ELSEWHERE, needs_root=True),
    refused("a file in place of the run folder", folder("run_folder", file_instead), "блокировк"),
    harmless("a file in place of the logs folder", folder("logs", file_instead), note="не удаётся записать журнал", looked_at=False),
    harmless("the run folder is gone", folder("run_folder", shutil.rmtree)),
    harmless("the logs folder is gone", folder("logs", shutil.rmtree)),
    harmless("the lock is a named pipe", lock_is(os.mkfifo)),
    refused("the lock is a folder", lock_is(pathlib.Path.mkdir), "блокировк"),
    refused("the history is garbage", state(without_journal(holds(os.urandom(10000))), HISTORY), "истори", **SAID_TWICE),
    refused("the history is a named pipe", state(instead(os.mkfifo), HISTORY), "истори", **SAID_TWICE),
    harmless("the history is gone", state(remove, HISTORY)),
    refused("garbage in the outbox", garbage_in_outbox, "отложены", check="channel-errors",
            aftermath={"channel-errors": "warning"}, over="✅"),
    Fault(name="another run is going on", inject=another_run, broken={}, says=("", "занят"), exit_code=75, looked_at=False,
          quiet=True),
]
