#!/usr/bin/env python3
"""Every test that docs/decisions/field.md names as the proof of a claim exists, and no claim stands without one."""

import re
import sys

from sources import ROOT

FIELD = ROOT / "docs" / "decisions" / "field.md"
_NAMED = re.compile(r"^- `([^`]+)`: (.+)$", re.MULTILINE)


def has_test(path, name):
    """Whether a file of tests has the test of that name, switched on."""
    file = ROOT / "tests" / path
    if not file.is_file():
        return False
    if file.suffix == ".py":
        return re.search(rf"^    def {re.escape(name)}\(self", file.read_text(), re.MULTILINE) is not None
    # A long name is broken into several literals.
    joined = re.sub(r'"\s*\n\s*"', "", file.read_text())
    return f'TEST_CASE("{name}"' in joined


sections = re.split(r"^## ", FIELD.read_text(), flags=re.MULTILINE)[1:]
problems = [f"{FIELD.name}: no test for: {text.splitlines()[0]}" for text in sections if not _NAMED.search(text)]
problems += [
    f"{FIELD.name}: there is no test {name!r} in tests/{path}"
    for text in sections
    for path, name in _NAMED.findall(text)
    if not has_test(path, name)
]
print("\n".join(problems))
sys.exit(1 if problems or not sections else 0)
