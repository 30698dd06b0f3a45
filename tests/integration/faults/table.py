#!/usr/bin/env python3
"""docs/faults.md, made of what the last run of each area has seen: table.py --update writes it; without --update it
fails where the document has not exactly a section for each area.

LECTIO_BUILD names the build whose runs are taken.
"""

import json
import os
import pathlib
import re
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[3]
DOCS = SOURCE / "docs/faults.md"
SEEN = pathlib.Path(os.environ["LECTIO_BUILD"]) / "faults"

HEAD = """# Faults

What happens when something breaks, seen on the real stack and on real hosts: written by
`tests/integration/faults/table.py --update` from what the tests have seen; they fail where this says something else.
In every one of them all checks of the profile ran, and nothing was red but what stands here. `…` is a number, time or
path that is another one in each run.

- **Seen**: the checks that turn red and how; in brackets the symptoms, which are no incident of their own, and of
  lectio-smoke the steps that are not asked because of it.
- **Mended by**: the rungs that acted in that run, in their order; "in vain" where they did not help. Of two causes at
  once, in brackets, what the first had hidden and nothing has mended: told in that run, too.
- **Told**: the signs of the messages in that run and, after the arrow, in the one after the fault's end.
"""
COLUMNS = ("Fault", "Seen", "Words", "Mended by", "Exit", "Told")

# What changes between runs: moments, durations, sizes, shares, process ids, ports.
_NUMBER = r"\d+(?:[.,]\d+)?"
_UNIT = r"(?:ms|s|min|h|d|мс|с|сек|мин|ч|д|kB|KB|MB|GB|TB|B|bytes|КБ|МБ|ГБ|ТБ|Б|%)"
_VARIES = [
    (re.compile(r"\d{8}T\d{6}Z|(?<=\.json-)\d+-\d+"), "…"),
    (re.compile(r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2})?Z?)?"), "…"),
    (re.compile(r"\b\d{2}:\d{2}(?::\d{2})?\b"), "…"),
    (re.compile(rf"\b{_NUMBER}[  ]?{_UNIT}(?![\w])"), "…"),
    (re.compile(rf"{_NUMBER} (?:(?:second|minute|hour|day)s?|секунд\w*|минут\w*|час\w*|дн\w*|день)(?!\w)|меньше секунды|less than a second"), "…"),
    (re.compile(r"\d+(?= of \d+ at once)|\d+(?= из \d+ одновременных)"), "…"),
    (re.compile(r"\d+(?= process(?:es)? running)|(?<=работает )\d+ процесс\w*"), "…"),
    (re.compile(r"(?<=process )\d+|(?<=процесс )\d+|(?<=процесса )\d+"), "…"),
    (re.compile(r"(?<=[\w\]]):\d{4,5}\b"), ":…"),
    (re.compile(r"(?<= -p )\d{4,5}\b"), "…"),
    (re.compile(r"(?<=pg_terminate_backend\()\d+"), "…"),
    # What this monitor itself adds while it looks.
    (re.compile(r"(?<=of )\d+ answers?|(?<=из )\d+ ответ\w*|(?<=/error\.log: )\d+ \w+"), "…"),
    (re.compile(r"\d+(?= of \d+ connections)|(?<=занято подключений: )\d+|\d+(?= connections? to the database)|(?<=к базе подключений )\d+"), "…"),
    (re.compile(r"\d+ keys?(?= evicted)|(?<=вытеснено: )\d+ \w+"), "…"),
]


def said(fault, run):
    """The words about the first check that is broken; without one, why there is no report."""
    if not fault.broken:
        return run.report.get("reason", "")
    check = run.check(next(iter(fault.broken)))
    return " · ".join(text for text in (check["message"], check["hint"]) if text)


def row(fault, site, looked, run, told):
    """A line of the table, as plain data."""
    words = [said(fault, looked)] if looked else []
    words.append(" · ".join(told[0].split("\n")[:2]) if fault.mended else said(fault, run))
    return {"fault": fault.name, "broken": fault.broken, "symptoms": [*fault.symptoms, *fault.skipped],
            "words": [normalised(text, site) for text in words], "tried": fault.tried, "mended": fault.mended,
            "left": fault.left,
            "exit": run.exit_code, "told": fault.marks, "after": fault.marks_after}


def normalised(text, site):
    """Without what is another one in each run."""
    for path in (site.monitor.folder, site.folder):
        text = text.replace(str(path), "…")
    for pattern, instead in _VARIES:
        text = pattern.sub(instead, text)
    return text


def keep(area, rows):
    SEEN.mkdir(exist_ok=True)
    content = {"area": area.__name__, "title": area.TITLE, "rows": rows}
    (SEEN / f"{area.__name__.rpartition('.')[2]}.json").write_text(json.dumps(content, ensure_ascii=False, indent=1))


def rendered(title, rows):
    """A section of the document."""
    lines = [f"## {title}", "", f"| {' | '.join(COLUMNS)} |", "|" + " --- |" * len(COLUMNS)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in _cells(row)) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _cells(row):
    seen = "<br>".join(f"{check}: {level}" for check, level in row["broken"].items()) or "all good"
    if row["symptoms"]:
        seen += f"<br>({', '.join(row['symptoms'])})"
    deeds = [f"{name}, in vain" for name in row["tried"]] + list(row["mended"])
    deeds += [f"(left: {check}, {level})" for check, level in row["left"].items()]
    told = row["told"] + (f" → {row['after']}" if row["after"] else "")
    return (row["fault"], seen, "<br>".join(row["words"]), "<br>".join(deeds) or "—", str(row["exit"]), told or "—")


def in_docs(title):
    """The section of an area as docs/faults.md has it; "" where it has none."""
    found = re.search(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", DOCS.read_text() if DOCS.exists() else "",
                      re.MULTILINE | re.DOTALL)
    return found[0].rstrip("\n") + "\n" if found else ""


def write():
    sections = [json.loads(path.read_text()) for path in sorted(SEEN.glob("*.json"))]
    DOCS.write_text("\n".join([HEAD, *(rendered(section["title"], section["rows"]) for section in sections)]))


def superfluous():
    """Sections that no test holds any more: each of the others is compared by its own."""
    titles = {re.search(r'^TITLE = "(.*)"$', path.read_text(), re.MULTILINE)[1] for path in
              [*(SOURCE / "tests/integration/faults").glob("*.py"), *(SOURCE / "tests/host").glob("*.py")]
              if "\nTITLE = " in path.read_text()}
    return sorted(set(re.findall(r"^## (.*)$", DOCS.read_text(), re.MULTILINE)) ^ titles)


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        write()
    elif sys.argv[1:] or superfluous():
        sys.exit(f"usage: table.py [--update]; without a test or in no section: {superfluous()}")
