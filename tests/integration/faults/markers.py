"""Markers of deploys, mutes and maintenance: fresh, stale, of the future, garbage; the partner is broken beside each."""

import json
import os
import pathlib
import subprocess
import time

from faults.fault import Fault

TITLE = "Markers"

BOOT = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def moment(seconds_ahead):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds_ahead))


def ours(start, expires, boot=BOOT, **more):
    """What lectio-deploy writes."""
    return lambda: json.dumps({"id": "made-up", "by": "olga", "pid": 1, "boot_id": boot, "start": moment(start),
                               "expires": moment(expires), **more})


def of_the_dead():
    """A process that has ended."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    return ours(-60, 600, pid=ended.pid)()


def marker(name, content="", age=0):
    def inject(site):
        site.break_partner()
        path = site.monitor.run_folder / name
        site.afterwards(path.unlink)
        path.write_bytes(content if isinstance(content, bytes) else (content() if callable(content) else content).encode())
        os.utime(path, (time.time() - age, time.time() - age))
    return inject


def odd(name, make):
    """Something else than a file in a marker's place."""
    def inject(site):
        site.break_partner()
        path = site.monitor.run_folder / name
        make(path)
        site.afterwards(path.rmdir if path.is_dir() and not path.is_symlink() else path.unlink)
    return inject


def muted_by_setting(site):
    site.break_partner()
    env_file = site.keep(site.monitor.folder / "config.env")
    with open(env_file, "a", encoding="utf-8") as file:
        file.write("ALERTS_MUTED=1\n")


def quiet(name, inject):
    """It hides what is broken: nothing is told of it."""
    return Fault(name=name, inject=inject, broken={"partner": "critical"}, says=("HTTP 500", "HTTP 500"), quiet=True)


def void(name, inject, *says, **more):
    """It hides nothing and is told itself, if it may be a mistake."""
    return Fault(name=name, inject=inject, broken={"markers": "warning", "partner": "critical"}, says=says, **more)


def over(name, inject):
    """It has ended as it should, and is as if it were not there."""
    return Fault(name=name, inject=inject, broken={"partner": "critical"}, says=("HTTP 500", "HTTP 500"))


HOUR = 3600
DEPLOY, MUTE, MAINTENANCE = "deploy_in_progress", "mute_until", "maintenance_mode"


def until(seconds_ahead):
    return lambda: str(int(time.time()) + seconds_ahead)


FAULTS = [
    quiet("a deploy's marker, fresh and empty", marker(DEPLOY)),
    quiet("a deploy's marker of lectio-deploy", marker(DEPLOY, ours(-60, 600))),
    quiet("a deploy's marker of garbage, fresh", marker(DEPLOY, os.urandom(5000))),
    quiet("a deploy's marker that is a folder, fresh", odd(DEPLOY, pathlib.Path.mkdir)),
    quiet("a deploy's marker that is a named pipe, fresh", odd(DEPLOY, os.mkfifo)),
    void("a deploy's marker 11 minutes old", marker(DEPLOY, age=660), "has been lying there", "лежит уже"),
    void("a deploy's marker that has expired", marker(DEPLOY, ours(-1200, -60)), "has been lying there", "лежит уже"),
    void("a deploy's marker that asks for a day, 31 minutes old", marker(DEPLOY, ours(-1860, 86400)), "has been lying there",
         "лежит уже"),
    void("a deploy's marker of tomorrow", marker(DEPLOY, age=-24 * HOUR), "dated in the future", "датирован будущим"),
    void("a deploy's marker of another boot", marker(DEPLOY, ours(-60, 600, boot="0" * 32)), "from before the reboot",
         "с прошлой загрузки"),
    void("a deploy's marker whose deploy has died", marker(DEPLOY, of_the_dead), "the deploy made-up has died",
         "деплой made-up оборвался"),
    over("a deploy's marker for other checks", marker(DEPLOY, ours(-60, 600, checks=["health/site"]))),
    quiet("a mute for an hour", marker(MUTE, until(HOUR))),
    over("a mute that has ended", marker(MUTE, until(-1))),
    void("a mute until garbage", marker(MUTE, b"forever \x1b[31m\xff"), "holds no time", "не время"),
    void("a mute until nothing", marker(MUTE), "holds no time", "не время"),
    void("a mute for two years", marker(MUTE, until(2 * 366 * 24 * HOUR)), "more than a year away", "дальше года"),
    void("a mute that is a folder", odd(MUTE, pathlib.Path.mkdir), "holds no time", "не время"),
    quiet("a marker of maintenance", marker(MAINTENANCE)),
    over("a marker of maintenance, 2 hours old", marker(MAINTENANCE, age=2 * HOUR)),
    void("a marker of maintenance of tomorrow", marker(MAINTENANCE, age=-24 * HOUR), "dated in the future", "датирован будущим"),
    Fault(name="ALERTS_MUTED=1", inject=muted_by_setting, broken={"markers": "warning", "partner": "critical"},
          says=("switched off by ALERTS_MUTED=1", "выключены настройкой ALERTS_MUTED=1"), told="⚠", over=""),
    void("a marker that is a link to itself", odd(DEPLOY, lambda path: path.symlink_to(path)), "cannot be read", "не читается"),
]
