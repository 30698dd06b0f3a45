#!/usr/bin/env python3
"""50,000 files checked and repaired by lectio-health (fix-permissions), beside find with chmod and chown.

    bench/tree/compare.py [ROUNDS] [BINARY]

Both walk the same tree, in turns; before each repair it is spoilt anew: a twentieth of the entries, then all of them.
Ours is a whole run of lectio-health: started, a port asked that nobody listens on, the ladder gone through, remembered
and told. What that costs without a tree (an empty folder) is the last row. Wall and CPU are theirs with their children's,
as the kernel counts it; whether all is right afterwards is looked at, else this ends.
"""

import contextlib
import json
import os
import pathlib
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
FOLDERS, FILES_EACH = 500, 100
FOLDER_MODE, FILE_MODE = 0o755, 0o644
OWNER, OTHER = 65534, 65533  # given away and back only by root


class Tree:
    def __init__(self, top):
        self.top = top
        self.folders = [top / f"{number % 20}" / f"part-{number}" for number in range(FOLDERS)]
        self.entries = [top]
        for folder in self.folders:
            folder.mkdir(parents=True)
            for number in range(FILES_EACH):
                (folder / f"chunk.{number:08x}.js").touch()
        for where, folders, files in os.walk(top):
            self.entries += [pathlib.Path(where) / name for name in folders + files]
        self.owned = os.geteuid() == 0
        for entry in self.entries:
            self.set(entry, 0, OWNER)

    def set(self, entry, without, owner):
        if self.owned:
            os.chown(entry, owner, owner)
        entry.chmod((FOLDER_MODE if entry.is_dir() else FILE_MODE) & ~without)

    def spoil(self, one_in):
        for entry in self.entries[::one_in]:
            self.set(entry, 0o044, OTHER)

    def wrong(self):
        return subprocess.run(["find", self.top, *self.is_wrong()], capture_output=True, text=True,
                              check=True).stdout

    def wrong_owner(self):
        return ["(", "!", "-uid", str(OWNER), "-o", "!", "-gid", str(OWNER), ")"] if self.owned else ["-false"]

    def is_wrong(self):
        return ["(", "-type", "d", "!", "-perm", f"{FOLDER_MODE:o}", "-o", "-type", "f", "!", "-perm",
                f"{FILE_MODE:o}", "-o", *self.wrong_owner(), ")"]

    def mend(self):
        """Three tests an entry in one walk; -exec … + starts as few programs as can be."""
        return [*self.wrong_owner(), "-exec", "chown", "-h", f"{OWNER}:{OWNER}", "{}", "+", ",",
                "-type", "d", "!", "-perm", f"{FOLDER_MODE:o}", "-exec", "chmod", f"{FOLDER_MODE:o}", "{}", "+", ",",
                "-type", "f", "!", "-perm", f"{FILE_MODE:o}", "-exec", "chmod", f"{FILE_MODE:o}", "{}", "+"]


class Find:
    name = "find"

    def __init__(self, tree):
        self.tree = tree

    def run(self, repairs):
        return spent(["find", self.tree.top, "-xdev", *(self.tree.mend() if repairs else self.tree.is_wrong())])[1:]


class Lectio:
    name = "lectio-health"

    def __init__(self, folder, top, owned, binary):
        self.folder = folder
        config = folder / "config.toml"
        paths = "".join(f'{name} = "{folder / name}"\n' for name in ("state", "run", "logs"))
        owner = f'owner = "{OWNER}:{OWNER}"\n' if owned else ""
        config.write_text(f"""[paths]
{paths}
[health.check.port]
type = "tcp"
address = "127.0.0.1:{free_port()}"
recheck = "0s"
confirm = 1
[[health.recovery]]
name = "permissions"
when = ["port"]
action = "fix-permissions"
settle = "0s"
path = "{top}"
{owner}""")
        self.command = [str(binary), "-c", str(config), "--format", "json", "--no-notify"]

    def run(self, repairs):
        shutil.rmtree(self.folder / "state/health", ignore_errors=True)  # who remembers waits before he tries again
        out, wall, cpu = spent(self.command, expected=2)
        deeds = [deed["ok"] for deed in json.loads(out)["recovery"]]
        assert deeds == ([True] if repairs else []), out
        return wall, cpu


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def spent(command, expected=0):
    """(standard output, wall, CPU) of one command with its children."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if process.returncode != expected:
        raise AssertionError(f"{command[0]}: exit code {process.returncode}\n{out[-2000:]}")
    return out, wall, usage.ru_utime + usage.ru_stime


def one_round(tree, tools, runs):
    for case, one_in in (("all is right", 0), ("one in 20 is wrong", 20), ("all are wrong", 1)):
        for tool in tools:
            if one_in:
                tree.spoil(one_in)
            runs.setdefault((case, tool.name), []).append(tool.run(repairs=one_in > 0))
            assert not tree.wrong(), f"{tool.name} left something wrong"


def table(runs):
    yield f"{'':32}{'wall ms':>9}{'CPU ms':>9}{'wall':>9}{'CPU':>7}"
    for (case, name), each in runs.items():
        theirs = [statistics.median(run[column] for run in each) for column in (0, 1)]
        ours = [statistics.median(run[column] for run in runs[case, Lectio.name]) for column in (0, 1)]
        yield (f"{case + ': ' + name:32}{theirs[0] * 1000:9.0f}{theirs[1] * 1000:9.0f}"
               f"{theirs[0] / ours[0]:8.2f}x{theirs[1] / ours[1]:6.2f}x")


def compare(rounds, binary):
    with contextlib.ExitStack() as cleanup:
        folder = pathlib.Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="lectio-bench-", dir=place())))
        (folder / "empty").mkdir(mode=FOLDER_MODE)
        tree = Tree(folder / "tree")
        tools = [Lectio(folder, tree.top, tree.owned, binary), Find(tree)]
        runs = {}
        for _ in range(rounds):
            one_round(tree, tools, runs)
        without = Lectio(folder, folder / "empty", False, binary)
        runs["no tree at all", Lectio.name] = [without.run(repairs=False) for _ in range(rounds)]
        return "\n".join([f"{FOLDERS * FILES_EACH} files in {FOLDERS} folders; medians of {rounds}; "
                          "ratios: theirs / ours", *table(runs)])


def place():
    """Nothing near the root of a host is mended: a site lies in /srv, /home or the like."""
    return "/srv" if os.access("/srv", os.W_OK) else pathlib.Path.home()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    BINARY = sys.argv[2] if len(sys.argv) > 2 else SOURCE / "build/release/tools/lectio-health/lectio-health"
    print(compare(ROUNDS, BINARY))
