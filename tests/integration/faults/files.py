"""Modes, owners, missing, empty and odd files: of the build that is served, and of what is watched on disk."""

import os
import pathlib
import time

from faults.fault import Fault
from faults.site import remove
from stack.stack import CSS, JS

TITLE = "Files, modes, owners"

SERVED = {"frontend": "critical", "site": "critical"}
SCRIPT = f"static/js/{JS}"


def in_build(change, *names):
    """Changes files of the build, which are put back afterwards."""
    def inject(site):
        site.afterwards(throw_away_broken_builds, site)
        site.keep(site.build)
        for name in names:
            change(site.build / name)
    return inject


def throw_away_broken_builds(site):
    """What restore-frontend has kept, by a name with the second in it."""
    for kept in site.build.parent.glob("build_broken-*"):
        remove(kept)


def mode(bits):
    return lambda path: path.chmod(bits)


def taken_by_root(path):
    os.chown(path, 0, 0)
    path.chmod(0o600)


def instead(make):
    """Something else in the place of a file."""
    def change(path):
        remove(path)
        make(path)
    return change


def emptied(path):
    path.write_text("")


def says(text):
    return lambda path: path.write_text(text)


def no_whole_copy(site):
    """Neither the build nor its copy are whole."""
    for top in (site.build, pathlib.Path(f"{site.build}_old")):
        site.keep(top)
        (top / SCRIPT).unlink()


def closed_parent(site):
    site.afterwards(site.build.parent.chmod, 0o755)
    site.build.parent.chmod(0o700)


def backup(change):
    def inject(site):
        change(site.keep(site.folder / "backup.zst"))
    return inject


def aged(hours):
    def change(path):
        moment = time.time() - hours * 3600
        os.utime(path, (moment, moment))
    return change


def lock_is_there(site):
    lock = site.folder / "maintenance.lock"
    site.afterwards(lock.unlink)
    lock.write_text("")


def served(name, change, *files, says, broken=None, **more):
    return Fault(name=name, inject=in_build(change, *files), broken=broken or {"frontend": "critical"}, says=says, **more)


def on_disk(name, change, *says, level="critical", **more):
    return Fault(name=name, inject=backup(change), broken={"backup": level}, says=says, **more)


MENDED = {"mended": ("permissions",), "needs_root": True}
RESTORED = {"mended": ("restore",)}

FAULTS = [
    served("index.html with mode 000", mode(0), "index.html", broken=SERVED, **MENDED,
           says=("may not read", "не может прочитать")),
    served("the script with mode 600 of root", taken_by_root, SCRIPT, **MENDED,
           says=("may not read", "не может прочитать")),
    served("static/js with mode 600", mode(0o600), "static/js", **MENDED,
           says=("may not enter the folder", "не может войти в папку")),
    served("the whole build with mode 000", mode(0), "", broken=SERVED, **MENDED,
           says=("may not enter the folder", "не может войти в папку")),
    Fault(name="the folder above the build closed to nginx", inject=closed_parent, broken=SERVED, tried=("nginx",),
          says=("may not enter the folder", "не может войти в папку"), needs_root=True),
    served("the script is missing", pathlib.Path.unlink, SCRIPT, **RESTORED,
           says=("is missing, but index.html names it", "index.html на него ссылается")),
    served("the style is missing", pathlib.Path.unlink, f"static/css/{CSS}", **RESTORED,
           says=("is missing, but index.html names it", "index.html на него ссылается")),
    served("the script is empty", emptied, SCRIPT, **RESTORED, says=("is empty", "пуст")),
    served("index.html is missing", pathlib.Path.unlink, "index.html", broken=SERVED, **RESTORED,
           says=("index.html is missing", "нет файла")),
    served("index.html is empty", emptied, "index.html", broken=SERVED, **RESTORED, says=("is empty", "пуст")),
    served("the script is a folder", instead(pathlib.Path.mkdir), SCRIPT, tried=("permissions",), **RESTORED,
           says=("is not a file", "не файл"), needs_root=True),
    served("the script is a link to itself", instead(lambda path: path.symlink_to(path)), SCRIPT, **RESTORED,
           says=("leads nowhere but to itself", "ведёт сама на себя")),
    served("the script is a named pipe", instead(os.mkfifo), SCRIPT, **RESTORED, says=("is not a file", "не файл")),
    served("the build is gone", remove, "", broken=SERVED, tried=("permissions",), **RESTORED,
           says=("there is no folder", "нет папки")),
    served("a development build: the script asks localhost", says("fetch('http://localhost:3000/api/')"), SCRIPT,
           says=("localhost:3000", "localhost:3000")),
    served("index.html is a page that says it is broken, with HTTP 200", says("<html>502 Bad Gateway</html>"), "index.html",
           broken=SERVED, **RESTORED, says=("lacks", "нет")),
    Fault(name="the script is missing in the build and in its copy", inject=no_whole_copy, broken={"frontend": "critical"},
          tried=("restore",), says=("is missing, but index.html names it", "index.html на него ссылается")),
    on_disk("the backup is missing", pathlib.Path.unlink, "is not there", "нет файла"),
    on_disk("the backup is 30 hours old", aged(30), "has not changed for", "не меняется уже", level="warning"),
    on_disk("the backup is 60 hours old", aged(60), "has not changed for", "не меняется уже"),
    on_disk("the backup is dated a day ahead", aged(-24), "in the future", "датирован будущим", level="warning"),
    on_disk("the backup is too large", lambda path: os.truncate(path, 2 << 20), "large", "занимает"),
    on_disk("the backup can be read by all", mode(0o644), "the mode of", "права"),
    on_disk("the backup belongs to somebody else", lambda path: os.chown(path, 33, 33), "belongs to", "принадлежит",
            needs_root=True),
    on_disk("the backup is a folder", instead(pathlib.Path.mkdir), "not a file", "а не файл"),
    on_disk("the backup is a named pipe", instead(os.mkfifo), "a named pipe", "именованный канал"),
    on_disk("the backup is a link to nowhere", instead(lambda path: path.symlink_to("/nonexistent")), "is a link to",
            "ссылка на"),
    Fault(name="a file that must not be there is", inject=lock_is_there, broken={"lock": "critical"},
          says=("must not be there", "этого быть не должно")),
]
