"""What a program did to the disk, as strace has seen it, and what of it a power cut could undo."""

import dataclasses
import os
import re
import subprocess

CALLS = ("open,openat,openat2,creat,write,pwrite64,writev,pwritev,ftruncate,copy_file_range,sendfile,fallocate,fsync,fdatasync,sync,syncfs,"
         "rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat,symlink,symlinkat,link,linkat,dup,fcntl,pipe,pipe2,socket,"
         "socketpair,accept,accept4,eventfd2,epoll_create1,memfd_create,inotify_init1,timerfd_create,signalfd4,execve,clone,clone3,fork,vfork")
LINE = re.compile(r"^(?P<pid>\d+) +(?P<call>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+|\?)(?:<(?P<path>[^>]*)>)?")
AT = r'(?:AT_FDCWD<(?P<cwd{0}>[^>]*)>|\d+<(?P<at{0}>[^>]*)>), "(?P<name{0}>[^"]*)"'
ONE, TWO = re.compile(AT.format(1)), re.compile(AT.format(1) + ", " + AT.format(2))
PLAIN = re.compile(r'^"(?P<first>[^"]*)"(?:, "(?P<second>[^"]*)")?')
HELD = re.compile(r"^\d+<(?P<path>[^>]*)>")


@dataclasses.dataclass
class Deed:
    """One call that succeeded: `what` is open, write, sync, syncfs, rename, remove, make, link, descriptor, program, or
    process, whose `to` is the new one."""

    pid: str
    call: str
    what: str
    path: str
    to: str
    words: str  # the arguments


def trace(command, folder, **around):
    """Runs it; (what subprocess.run returns, its deeds in the order in which they ended)."""
    log = folder / "strace"
    done = subprocess.run(["strace", "-f", "-qq", "-y", "-s", "300", "-o", log, "-e", f"trace={CALLS}", *command],
                          capture_output=True, timeout=900, check=False, **around)
    return done, list(_deeds(log.read_text(errors="replace").splitlines(), around.get("cwd", os.getcwd())))


def _deeds(lines, cwd):
    begun = {}
    for line in lines:
        pid = line.split(" ", 1)[0]
        if line.endswith("<unfinished ...>"):
            begun[pid] = line.removesuffix("<unfinished ...>")
            continue
        if resumed := re.match(r"^\d+ +<\.\.\. \w+ resumed>(.*)$", line):
            line = begun.pop(pid, "") + resumed[1]
        found = LINE.match(line)
        if found and found["result"] not in ("?",) and not found["result"].startswith("-"):
            yield _deed(found, str(cwd))


def _deed(found, cwd):
    call, words = found["call"], found["arguments"]
    what, path, to = "descriptor", found["path"] or "", ""

    def below(match, number):
        return os.path.normpath(os.path.join(match[f"cwd{number}"] or match[f"at{number}"], match[f"name{number}"]))
    if call in ("open", "openat", "openat2", "creat"):
        what = "open"
    elif call in ("write", "pwrite64", "writev", "pwritev", "ftruncate", "fallocate", "sendfile", "copy_file_range"):
        held = HELD.match(words.rsplit(", ", 4)[-4] + ", " if call == "copy_file_range" else words)
        what, path = "write", held["path"] if held else ""
    elif call in ("fsync", "fdatasync", "syncfs", "sync"):
        held = HELD.match(words)
        what, path = ("sync" if call.startswith("f") else "syncfs"), held["path"] if held else "/"
    elif call in ("clone", "clone3", "fork", "vfork"):
        what, to = "process", found["result"]
    elif call == "execve":
        what, path = "program", PLAIN.match(words)["first"]
    elif call in ("rename", "renameat", "renameat2", "link", "linkat"):
        what = "rename" if call.startswith("rename") else "link"
        if two := TWO.search(words):
            path, to = below(two, 1), below(two, 2)
        else:
            plain = PLAIN.match(words)
            path, to = (os.path.normpath(os.path.join(cwd, plain[part])) for part in ("first", "second"))
    elif call in ("unlink", "unlinkat", "rmdir", "mkdir", "mkdirat", "symlink", "symlinkat"):
        what = "remove" if call.startswith(("unlink", "rmdir")) else "make"
        one, plain = ONE.search(words), PLAIN.match(words)
        if one:
            path = below(one, 1)
        else:
            path = os.path.normpath(os.path.join(cwd, plain["second"] or plain["first"]))
    return Deed(found["pid"], call, what, path, to, words)


def not_durable(deeds, folders):
    """Renames to names in these folders that a power cut could make of nothing, each in words: a file whose content was not
    synced since it was written last, a name that lies in a folder nobody has synced before a rename in another one or the end
    (in one folder names change in the order in which they were changed)."""
    faults, unsynced, waiting = [], set(), {}
    for deed in deeds:
        if deed.what == "write":
            unsynced.add(deed.path)
        elif deed.what == "syncfs":
            unsynced.clear()
        elif deed.what == "sync":
            unsynced.discard(deed.path)
            waiting = {to: folder for to, folder in waiting.items() if folder != deed.path}
        elif deed.what == "rename" and any(deed.to.startswith(f"{folder}/") for folder in folders):
            folder = os.path.dirname(deed.to)
            faults += [f"{deed.to}: renamed before {to} was sure" for to, other in waiting.items() if other != folder]
            faults += [f"{deed.to}: renamed before its content was sure"] * (deed.path in unsynced)
            waiting[deed.to] = folder
    return faults + [f"{to}: its folder was never synced" for to in waiting]


def ours(deeds):
    """Without those of other programs that were started, and of their children."""
    parents = {deed.to: deed.pid for deed in deeds if deed.what == "process"}
    program, others, known = None, set(), set()
    for deed in deeds:
        if deed.pid not in known:
            known.add(deed.pid)
            if parents.get(deed.pid) in others:
                others.add(deed.pid)
        if deed.what == "program":
            program = program or deed.path
            (others.discard if deed.path == program else others.add)(deed.pid)
        elif deed.pid not in others:
            yield deed


def inherited(deeds):
    """Descriptors that a program started later would have got, in words; nothing of what libraries open for themselves: their
    tables, libcurl's pair of sockets (platform/processes.cpp closes these)."""
    faults = []
    closes = {"open": "O_CLOEXEC", "openat": "O_CLOEXEC", "openat2": "O_CLOEXEC", "pipe2": "O_CLOEXEC", "socket": "SOCK_CLOEXEC",
              "socketpair": "SOCK_CLOEXEC", "accept4": "SOCK_CLOEXEC", "eventfd2": "EFD_CLOEXEC", "epoll_create1": "EPOLL_CLOEXEC",
              "memfd_create": "MFD_CLOEXEC", "inotify_init1": "IN_CLOEXEC", "timerfd_create": "TFD_CLOEXEC", "signalfd4": "SFD_CLOEXEC"}
    for deed in ours(deeds):
        if deed.path.startswith(("/usr/", "/etc/")) or (deed.call == "socketpair" and deed.words.startswith("AF_UNIX, SOCK_STREAM, 0")):
            continue
        missing = deed.call in ("pipe", "accept", "creat", "dup") or (deed.call in closes and closes[deed.call] not in deed.words)
        if missing or (deed.call == "fcntl" and re.search(r"F_DUPFD\b", deed.words)):
            faults.append(f"{deed.call}({deed.words})")
    return faults


def written_outside(deeds, folders):
    """What was opened for writing, made, renamed or removed elsewhere."""
    faults = []
    for deed in ours(deeds):
        writes = deed.what in ("rename", "remove", "make", "link") or (
            deed.what == "open" and re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND", deed.words))
        if not writes:
            continue
        for path in filter(None, (deed.to if deed.what == "link" else deed.path, deed.to)):
            if not any(f"{path}/".startswith(f"{folder}/") for folder in folders):
                faults.append(f"{deed.call} {path}")
    return faults
