#!/usr/bin/env python3
"""docs/seeds.md: every check it names stands in the profile it names, and every test exists."""

import re
import sys

from sources import ROOT

SEEDS = ROOT / "docs/seeds.md"
FAULTS = (ROOT / "docs/faults.md").read_text()
NOBODY = "—"


def has_check(profile, check):
    file = ROOT / ("config/config.example.toml" if profile == "example" else f"config/profiles/{profile}.toml")
    tool, name = check.split("/")
    text = file.read_text() if file.is_file() else ""
    tables = [f"[{tool}.check.{name}]", f"[{tool}.{name}]"]
    if tool == "smoke":
        tables = [f"[smoke.login.{name.removeprefix('login-')}]"] if name.startswith("login-") and name != "login-limit" else []
        if re.search(rf'^\[\[smoke\.step\]\]\nname\s*= "{re.escape(name)}"', text, re.MULTILINE):
            return True
    return any(re.search(rf"^{re.escape(table)}", text, re.MULTILINE) for table in tables)


def has_test(test):
    path, _, name = test.partition(": ")
    if path == "faults":
        return f"\n| {name} |" in FAULTS
    file = ROOT / "tests" / path
    return file.is_file() and (not name or re.search(rf"^    def {re.escape(name)}\(self", file.read_text(), re.MULTILINE) is not None)


rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in SEEDS.read_text().splitlines()
        if line.startswith("| ") and not line.startswith(("| ---", "| Finding"))]
problems = []
for row in rows:
    if len(row) != 4:
        problems.append(f"no row of four: {row}")
        continue
    finding, profile, check, test = (cell.strip(" |") for cell in row)
    if check != NOBODY and not has_check(profile, check.strip("`")):
        problems.append(f"{finding}: there is no {check} in {profile}")
    if test.startswith("`") and not has_test(test.strip("`")):
        problems.append(f"{finding}: there is no test {test}")
    if not test:
        problems.append(f"{finding}: neither a test nor a reason")
print("\n".join(f"docs/seeds.md: {problem}" for problem in problems))
sys.exit(1 if problems or not rows else 0)
