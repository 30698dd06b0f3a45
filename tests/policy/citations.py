#!/usr/bin/env python3
"""Every ruling that a comment or document cites (CONTRACT 9, DESIGN rule 3) stands in docs/decisions/0007-rulings.md."""

import re
import sys

from sources import ROOT

RULINGS = ROOT / "docs" / "decisions" / "0007-rulings.md"
FOLDERS = ("libcommon", "tools", "tests", "docs", "bench", "config", "packaging")
SUFFIXES = {".h", ".cpp", ".py", ".sh", ".md", ".txt", ".toml"}
# A citation may be broken into the next line of a comment: "(CONTRACT\n// 36)".
_BREAK = r"[\s/#*]+"
_CONTRACT = re.compile(rf"\bCONTRACT{_BREAK}(\d+(?:,{_BREAK}\d+)*)")
_RULE = re.compile(rf"\bDESIGN(?:\.md)?{_BREAK}rule{_BREAK}(\d+)")


def cited(text):
    for match in _CONTRACT.finditer(text):
        yield from re.findall(r"\d+", match[1])
    yield from (f"rule {match[1]}" for match in _RULE.finditer(text))


rulings = set(re.findall(r"^- \*\*(\d+|rule \d+)\*\*", RULINGS.read_text(), re.MULTILINE))
files = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*")) if path.suffix in SUFFIXES]
problems = [
    f"{path.relative_to(ROOT)}: cites {name}, which is not in {RULINGS.relative_to(ROOT)}"
    for path in files
    if path != RULINGS
    for name in sorted(set(cited(path.read_text(errors="replace"))) - rulings)
]
print("\n".join(problems))
sys.exit(1 if problems or not rulings else 0)
