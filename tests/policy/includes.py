#!/usr/bin/env python3
"""Includes point one way (docs/ARCHITECTURE.md), and heavy headers stay out of headers.

A folder may include its own level's neighbours, but no two folders each other: a circle of folders is one
folder with more names.
"""

import re
import sys

from sources import ROOT, cpp_files

LEVELS = [
    ["util"],
    ["words"],
    ["platform"],
    ["discovery"],
    ["config", "store"],
    ["snapshots"],
    ["backup"],
    ["checks", "incidents", "alerts", "recovery"],
    ["bot", "report", "cli"],
    ["pipeline"],
    ["operator", "smoke"],
    ["release", "heartbeat"],
    ["cleanup"],
    ["status"],
]
LEVEL_OF = {folder: level for level, folders in enumerate(LEVELS) for folder in folders}
TOOL_LEVEL = len(LEVELS)

# Each costs every file that includes it between half a second and several seconds.
HEAVY = ("toml++/", "nlohmann/json.hpp", "CLI/", "curl/", "openssl/", "systemd/", "hiredis/", "re2/", "pcre2.h", "sqlite3.h")
# Included by each tool's options.cpp only: the tools add commands of their own to CLI11's App.
HEAVY_ALLOWED = {"libcommon/cli/command_line.h": "CLI/CLI.hpp"}


def folder_of(path):
    parts = path.relative_to(ROOT).parts
    return parts[1] if parts[0] == "libcommon" else "tools"


def problems():
    edges = {}
    for path in cpp_files("libcommon", "tools"):
        folder = folder_of(path)
        where = path.relative_to(ROOT)
        for number, line in enumerate(path.read_text().splitlines(), 1):
            include = re.match(r'\s*#\s*include\s*([<"])([^>"]+)', line)
            if not include:
                continue
            name = include[2]
            if path.suffix == ".h" and name.startswith(HEAVY) and HEAVY_ALLOWED.get(str(where)) != name:
                yield f"{where}:{number}: {name} in a header: every user compiles it; include it in a .cpp file"
            if include[1] == "<" or "/" not in name:
                continue
            target = name.split("/")[0]
            if folder != "tools" and target not in LEVEL_OF:
                yield f"{where}:{number}: libcommon includes {name}, which is no folder of libcommon"
            elif LEVEL_OF.get(target, TOOL_LEVEL) > LEVEL_OF.get(folder, TOOL_LEVEL):
                yield f"{where}:{number}: {folder} includes {name}: upwards"
            elif target != folder:
                edges.setdefault((folder, target), f"{where}:{number}")
    for (folder, target), where in sorted(edges.items()):
        if folder < target and (target, folder) in edges:
            yield f"{where} and {edges[target, folder]}: {folder} and {target} include each other"


found = list(problems())
print("\n".join(found))
sys.exit(1 if found else 0)
