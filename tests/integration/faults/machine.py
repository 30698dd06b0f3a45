"""Disk, inodes, memory, processes, logs, plugins, the clock and the suite's own schedule."""

import json
import os
import pathlib
import shutil
import subprocess
import time

import mounts
from faults.fault import Fault
from faults.site import remove
from monitor import RELEASE
from stack.stack import PYTHON, wait_until

TITLE = "Disk, memory, processes, logs, clock"

MEGABYTE = 1 << 20
JOB = """import os, sys, time
what = sys.argv[1]
if what == "zombies":
    for _ in range(4):
        os.fork() or os._exit(0)
held = bytearray(b"x") * int(what) if what.isdigit() else b""
print("ready", flush=True)
time.sleep(600)
"""


def filled(size):
    def inject(site):
        filler = site.disk / "filler"
        site.afterwards(filler.unlink)
        with open(filler, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)
    return inject


def many_files(site):
    many = site.disk / "many"
    many.mkdir()
    site.afterwards(shutil.rmtree, many)
    for number in range(195):
        (many / str(number)).touch()


def read_only(site):
    mounts.mount("none", site.disk, flags=mounts.MS_REMOUNT | mounts.MS_RDONLY)
    site.afterwards(mounts.mount, "none", site.disk, "", "", mounts.MS_REMOUNT)


def no_disk(site):
    """Its folder is gone, as when it was not mounted and never made."""
    aside = site.folder / "disk-aside"
    mounts.unmount(site.disk)
    site.disk.rename(aside)
    site.afterwards(mounts.mount, "none", site.disk, "tmpfs", "size=4M,nr_inodes=200,mode=755")
    site.afterwards(aside.rename, site.disk)


def jobs(what, count=1):
    def inject(site):
        script = site.folder / "job"
        script.write_text(JOB)
        site.afterwards(remove, script)
        for _ in range(count):
            job = subprocess.Popen([PYTHON, script, str(what)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
            site.afterwards(end, job)
            job.stdout.readline()
    return inject


def memory_taken(site):
    """A process takes twice what was left above the threshold."""
    meminfo = dict(line.split(":") for line in pathlib.Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
    available = int(meminfo["MemAvailable"].split()[0]) >> 10
    margin = min(available // 8, 1024)
    site.configure('warn = "64MB"', f'warn = "{available - margin}MB"')
    site.configure('rss = { warn = "60MB", critical = "1GB" }', 'rss = { warn = "1TB" }')
    jobs(2 * margin * MEGABYTE)(site)


def end(job):
    job.kill()
    job.wait()
    job.stdout.close()


def plugin(script):
    def inject(site):
        path = site.keep(site.folder / "plugin")
        path.write_text(f"#!/bin/sh\n{script}\n")
    return inject


def plugin_file(change):
    def inject(site):
        change(site.keep(site.folder / "plugin"))
    return inject


def logged(*lines):
    def inject(site):
        with open(site.keep(site.folder / "app.log"), "a", encoding="utf-8") as log:
            log.writelines(line + "\n" for line in lines)
    return inject


def log_gone(site):
    site.keep(site.folder / "app.log").unlink()


def smoke_ran(seconds_ago):
    """The last finished run of lectio-smoke, as its state tells it."""
    def inject(site):
        folder = site.monitor.state / "smoke"
        folder.mkdir()
        site.afterwards(shutil.rmtree, folder)
        boot_id = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        up = time.clock_gettime(time.CLOCK_BOOTTIME)
        finished = {"wall_ms": int((time.time() - seconds_ago) * 1000), "boot_ms": int((up - seconds_ago) * 1000),
                    "boot_id": boot_id}
        (folder / "state.json").write_text(json.dumps({"schema": 1, "finished": finished}))
    return inject


def clock_moved(by):
    """The monitor sees another time than the run before did."""
    def inject(site):
        site.monitor.surroundings = {"before": ["faketime", "-f", by], "where": RELEASE,
                                     "env": os.environ | {"FAKETIME_DONT_FAKE_MONOTONIC": "1"}}
        site.afterwards(setattr, site.monitor, "surroundings", {})
    return inject


def disk(name, inject, *says, level="critical"):
    return Fault(name=f"disk: {name}", inject=inject, broken={"disk": level}, says=says, needs_root=True)


def by_plugin(name, script, *says, level="critical", **more):
    return Fault(name=f"plugin: {name}", inject=plugin(script), broken={"plugin": level}, says=says, **more)


def in_log(name, inject, *says, level="warning"):
    # What was found is shown until its window of ten minutes is over.
    return Fault(name=f"log: {name}", inject=inject, broken={"app-log": level}, says=says, aftermath={"app-log": level})


# The end of it is another jump.
BACK_AGAIN = {"aftermath": {"clock": "warning"}, "over": "⚠"}

FAULTS = [
    disk("full", filled(4 * MEGABYTE - 8192), "almost no space on", "почти нет места на"),
    disk("7% left", filled(int(3.72 * MEGABYTE)), "little space on", "мало места на", level="warning"),
    disk("no inodes left", many_files, "inodes left", "inode"),
    disk("mounted read-only", read_only, "is mounted read-only", "только для чтения"),
    disk("its folder is gone", no_disk, "No such file or directory", "нет такого файла или папки", level="unknown"),
    Fault(name="memory: less available than wanted", inject=memory_taken, broken={"memory": "warning"},
          says=("memory is running out", "память заканчивается")),
    Fault(name="processes: zombies that their parent leaves", inject=jobs("zombies"), broken={"jobs": "warning"},
          says=("not collected by process", "не убирает процесс")),
    Fault(name="processes: one of 100 MB", inject=jobs(100 * MEGABYTE), broken={"jobs": "warning"}, says=("of memory", "памяти")),
    Fault(name="processes: more than there should be", inject=jobs("idle", 4), broken={"jobs": "warning"},
          says=("at most 2 expected", "не больше 2")),
    by_plugin("exit status 1", "echo 'DISK WARNING - 8% left'; exit 1", "DISK WARNING", "DISK WARNING", level="warning"),
    by_plugin("exit status 2", "echo 'DISK CRITICAL'; exit 2", "DISK CRITICAL", "DISK CRITICAL"),
    by_plugin("exit status 3", "echo 'who knows'; exit 3", "who knows", "who knows", level="unknown"),
    by_plugin("exit status 7", "exit 7", "none of a check's", "не предусмотрен", level="unknown"),
    by_plugin("does not end", "sleep 60", "no answer within", "нет ответа за"),
    by_plugin("ends by a signal", "kill -SEGV $$", "ended by signal", "завершена сигналом", level="unknown"),
    by_plugin("prints without end", "exec cat /dev/zero", "no answer within", "нет ответа за"),
    by_plugin("prints what is no text", "printf 'a\\033[31mb\\377\\000c'; exit 2", "a", "a"),
    Fault(name="plugin: missing", inject=plugin_file(remove), broken={"plugin": "unknown"},
          says=("could not be started", "не удалось запустить")),
    Fault(name="plugin: may not be executed", inject=plugin_file(lambda path: path.chmod(0o644)), broken={"plugin": "unknown"},
          says=("could not be started", "не удалось запустить")),
    in_log("a traceback", logged("Traceback (most recent call last):"), "found in", "найдено в"),
    in_log("twelve of them", logged(*["[CRITICAL] made up"] * 12), "found in", "найдено в", level="critical"),
    Fault(name="log: the file is gone", inject=log_gone, broken={"app-log": "warning"},
          says=("there is no log file", "нет файла журнала")),
    Fault(name="cron: another tool has not run for an hour", inject=smoke_ran(3600), broken={"suite": "warning"},
          says=("lectio-smoke last finished a run", "lectio-smoke последний раз отработал")),
    Fault(name="clock: a day ahead", inject=clock_moved("+1d"), broken={"clock": "warning"}, **BACK_AGAIN,
          says=("was moved ahead by", "переведены вперёд")),
    Fault(name="clock: a day back, before the certificates", inject=clock_moved("-1d"), **BACK_AGAIN,
          broken={"clock": "warning", "certificate": "critical", "site": "critical"},
          says=("was moved back by", "переведены назад")),
]
