#!/usr/bin/env python3
"""packaging/man: a manual page for each tool, made of what its --help and those of its commands say.

Without arguments: fails when a page does not match its tool. --update writes them anew. LECTIO_BUILD: the build folder.
"""

import os
import pathlib
import re
import subprocess
import sys

from sources import ROOT

PAGES = ROOT / "packaging" / "man"
COLUMN = 32  # of the explanations in --help
NAMES = {
    "lectio-backup": "back up databases and files, prove the backups, restore them",
    "lectio-cleanup": "remove what is old, end what runs astray",
    "lectio-deepcheck": "check what is slow to check or slow to change",
    "lectio-deploy": "release a build or code as a transaction, and go back",
    "lectio-health": "check a site and its host, mend it, tell its operator",
    "lectio-heartbeat": "tell a service outside that all is well; watch over jobs and servers",
    "lectio-notify": "send messages to the operator, and take their answers",
    "lectio-smoke": "log in and walk through a site as its users do",
    "lectio-status": "show how things stand",
}
FILES = [
    ("/etc/lectio-monitor/config.toml", "The configuration of all tools; lectio-health --check-config says what is wrong with it."),
    ("/opt/lectio-monitor/config.env", "What the bash suite was configured with; secrets may stay there."),
    ("/var/lib/lectio-monitor", "What the tools know: states, history, messages that wait."),
    ("/run/lectio-monitor", "Locks and marks that a reboot ends."),
    ("/var/log/lectio-monitor", "A log for each tool."),
]


def program(name):
    return pathlib.Path(os.environ["LECTIO_BUILD"]) / "tools" / name / name


def help_of(name, *command):
    return subprocess.run([program(name), *command, "--help"], check=True, capture_output=True, text=True, timeout=300).stdout


def sections(text):
    """{"": the description, "Usage": …, "Options": [lines], …}; what stands behind a colon is the first line."""
    found, current = {"": []}, ""
    for line in text.splitlines():
        heading = re.match(r"(Usage|Positionals|Options|Subcommands|Examples|Exit status): *(.*)", line)
        if heading:
            current = heading[1]
            found[current] = [heading[2]] if heading[2] else []
        else:
            found[current].append(line)
    return found


def entries(lines):
    """(what, explanation) of a list of options or commands."""
    found = []
    for line in lines:
        if re.match(r"  \S", line):
            what, explanation = (line[:COLUMN], line[COLUMN:]) if line[COLUMN - 1:COLUMN] == " " else (line, "")
            found.append([what.strip(), explanation.strip()])
        elif line.strip():
            found[-1][1] = f"{found[-1][1]} {line.strip()}".strip()
    for entry in found:
        limits = re.search(r" (Needs|Excludes): (\S+)(?= |$)", entry[0])
        if limits:
            entry[0] = entry[0].replace(limits[0], "")
            entry[1] += f" ({limits[1].lower()} {limits[2]})"
        entry[0] = entry[0].replace(" REQUIRED", "").replace(",--", ", --")
    return found


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    text = re.sub(r"[^\x00-\x7f]", lambda letter: rf"\[u{ord(letter[0]):04X}]", text)
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE)


def listed(lines):
    for what, explanation in entries(lines):
        yield from (".TP", f".B {roff(what)}", roff(explanation or "as it says"))


def as_written(lines):
    text = "\n".join(lines).strip("\n").splitlines()
    yield from (".nf", *(roff(line.removeprefix("  ")) for line in text), ".fi")


def page(name, version):
    whole = sections(help_of(name))
    commands = [what for what, _ in entries(whole.get("Subcommands", []))]
    yield f'.\\" Made by tests/policy/manual.py --update from what {name} --help says; change it there.'
    yield f'.TH {name.upper()} 8 "" "Lectio monitor {version}" "Lectio monitor"'
    yield from (".SH NAME", f"{roff(name)} \\- {NAMES[name]}")
    yield from (".SH SYNOPSIS", f".B {roff(name)}", roff("[OPTIONS]" + (" [COMMAND]" if commands else "")))
    yield from (".SH DESCRIPTION", roff(" ".join(whole[""]).strip()))
    yield from (".SH OPTIONS", *listed(whole["Options"]))
    if commands:
        yield ".SH COMMANDS"
        explained = dict(entries(whole["Subcommands"]))
        for command in commands:
            own = sections(help_of(name, command))
            usage = own["Usage"][0].removeprefix(f"{name} ")
            yield from (f".SS {roff(usage)}", roff(explained[command]))
            yield from listed(own.get("Positionals", []))
            yield from listed([line for line in own.get("Options", []) if "--help" not in line])
            deeper = own.get("Subcommands", [])
            yield from listed(deeper)
    yield from (".SH EXAMPLES", *as_written(whole["Examples"]))
    yield from (".SH EXIT STATUS", roff(" ".join(whole["Exit status"]).strip()))
    yield ".SH FILES"
    for path, explanation in FILES:
        yield from (".TP", f".I {roff(path)}", roff(explanation))
    others = ", ".join(f".BR {roff(other)} (8)" for other in sorted(NAMES) if other != name).split(", ")
    yield ".SH SEE ALSO"
    for other in others:
        yield other + ("," if other != others[-1] else "")


def main():
    wrong = []
    if not program("lectio-health").exists():
        print("skipped: no tools in LECTIO_BUILD")
        return 77
    version = subprocess.run([program("lectio-health"), "--version"], check=True, capture_output=True, text=True, timeout=300).stdout.split()[1]
    for name in sorted(NAMES):
        text = "\n".join(page(name, version)) + "\n"
        path = PAGES / f"{name}.8"
        if "--update" in sys.argv[1:]:
            PAGES.mkdir(exist_ok=True)
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            wrong.append(f"{path.relative_to(ROOT)} is not what {name} --help says: tests/policy/manual.py --update")
        checked = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", path], check=False, capture_output=True, text=True) if path.exists() else None
        if checked and checked.stderr:
            wrong.append(checked.stderr)
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
