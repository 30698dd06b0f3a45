#!/usr/bin/env python3
"""Writes cmake/function_order.txt: the functions that a regular run of lectio-health executes, then those it does not.

The linker lays them in this order (cmake/FunctionOrder.cmake). It is made again when
tests/integration/test_health_weight.py says that the program weighs too much and nothing else explains it:
    cmake --build --preset release --target lectio-health && bench/function_order.py
Needs valgrind, the release build, and the servers of the tests. The run is the one whose memory is limited: all good,
history recorded, site over https.
"""

import bisect
import collections
import os
import pathlib
import re
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[1]
os.environ.setdefault("LECTIO_SOURCE", str(SOURCE))
os.environ.setdefault("LECTIO_BUILD", str(SOURCE / "build/release"))
sys.path.insert(0, str(SOURCE / "tests/integration"))

from monitor import RELEASE, Monitor, binary  # noqa: E402 (found by the line above)
from stack.stack import Stack  # noqa: E402

LIST = SOURCE / "cmake/function_order.txt"
HEAD = """\
# The order of functions in the tools, written by bench/function_order.py. A name that is gone does no harm.
#
# What a regular run of lectio-health executes: functions, then members of the distribution's archives, whose functions
# cannot be told apart, the most used first.
"""
SELDOM_HEAD = """\
# What it does not, the larger ones. Behind them lies what is not named here.
"""
# Smaller ones are many names for little code: in the few pages that they fill new functions come to lie.
LARGER = 128  # bytes

Function = collections.namedtuple("Function", "name kind address size")


def functions(*command):
    """(what stands before the address, Function) of each function that nm lists."""
    lines = subprocess.run(["nm", "--defined-only", "--print-size", *command], capture_output=True, text=True, check=True)
    for line in lines.stdout.splitlines():
        match = re.fullmatch(r"(?:(.*):)?([0-9a-f]+) ([0-9a-f]+) ([TtWwi]) (\S+)", line)
        if match:
            place, address, size, kind, name = match.groups()
            yield place, Function(name, kind, int(address, 16), int(size, 16))


def executed_addresses(monitor):
    """Offsets in the binary of all instructions that a run executes."""
    trace = monitor.folder / "callgrind"
    regular = monitor.command(where=RELEASE)
    subprocess.run(regular, stdout=subprocess.DEVNULL, check=True)  # the first run begins the history
    subprocess.run(["valgrind", "--quiet", "--tool=callgrind", "--dump-instr=yes", "--compress-strings=no",
                    "--compress-pos=no", f"--callgrind-out-file={trace}", *regular],
                   stdout=subprocess.DEVNULL, check=True)
    addresses, ours = set(), False
    for line in trace.read_text().splitlines():
        if line.startswith("ob="):
            ours = line == f"ob={binary('lectio-health', RELEASE)}"
        elif ours and line.startswith("0x"):
            addresses.add(int(line.split()[0], 16))
    if not addresses:
        sys.exit(f"callgrind knows nothing of {binary('lectio-health', RELEASE)}: the list stays as it is")
    return addresses


def tool_functions():
    """The functions of the binary by address: several have more than one name (constructors)."""
    by_address = collections.defaultdict(list)
    for _, function in functions(binary("lectio-health", RELEASE)):
        by_address[function.address].append(function)
    return by_address


def executed_names(by_address, addresses):
    """Every name of each function that holds one of the addresses."""
    starts = sorted(by_address)
    names = set()
    for address in addresses:
        at = bisect.bisect_right(starts, address) - 1
        if at >= 0:
            names |= {each.name for each in by_address[starts[at]] if address < each.address + each.size}
    return names


def seldom_names(by_address, executed):
    """The larger functions of our own that are there and not executed."""
    build = SOURCE / "build/release"
    own = {function.name for held in [*build.rglob("*.a"), *build.glob("tools/**/*.o")] for _, function in functions(held)}
    larger = {each.name for held in by_address.values() for each in held if each.size >= LARGER}
    return (own & larger) - executed


def sections(names):
    """What the compiler may have named the sections of these: that of a copy (name.isra.0) is the original's or its own."""
    return names | {name.split(".")[0] for name in names}


def archives():
    """The distribution's archives that the build tree links."""
    cache = (SOURCE / "build/release/CMakeCache.txt").read_text()
    return re.findall(r"^LECTIO_ARCHIVE_\w+:FILEPATH=(.*\.a)$", cache, re.MULTILINE)


def executed_members(names):
    """archive:member of what has executed functions, by the share of its code that was executed; and those functions."""
    members = collections.defaultdict(list)
    for archive in archives():
        for place, function in functions("--print-file-name", archive):
            members[f"{pathlib.Path(archive).name}:{place.split(':')[1]}"].append(function)
    shares, theirs = {}, set()
    for member, held in members.items():
        executed = [each for each in held if each.name in names and each.kind in "Tt"]
        if any(each.kind == "T" for each in executed):  # a local function of this name may be another's
            shares[member] = sum(each.size for each in executed) / sum(each.size for each in held)
            theirs.update(each.name for each in executed)
    return sorted(shares, key=lambda member: (-shares[member], member)), theirs


def main():
    with Stack() as stack, Monitor(stack) as monitor:
        addresses = executed_addresses(monitor)
    by_address = tool_functions()
    executed = executed_names(by_address, addresses)
    members, theirs = executed_members(executed)
    regular = sections(executed - theirs)
    seldom = sections(seldom_names(by_address, executed)) - regular
    lines = [*sorted(regular), *members, SELDOM_HEAD.rstrip(), *sorted(seldom)]
    LIST.write_text(HEAD + "".join(f"{line}\n" for line in lines))
    print(f"{LIST}: {len(regular)} names of executed functions, {len(members)} members of archives, {len(seldom)} others")


if __name__ == "__main__":
    main()
