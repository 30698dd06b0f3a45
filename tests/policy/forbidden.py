#!/usr/bin/env python3
"""What the project's files must not hold; each rule says why, and proves on samples that it can fail."""

import dataclasses
import re
import sys

from sources import PRODUCT, ROOT, code_only, cpp_files, text_files


@dataclasses.dataclass
class Rule:
    pattern: str
    reason: str
    caught: list  # samples that the rule must find …
    passed: list = dataclasses.field(default_factory=list)  # … and that it must leave alone
    allowed_in: tuple = ()  # folders under libcommon or tools, or paths from the root


_OUTSIDE = ("libcommon/platform/",)  # the outside world is reached there only, so that tests can make their own
_NOT_MEMBER = r"(?<![\w.>])(?<!->)"  # a free function, not a member of something of ours

CODE_RULES = [
    Rule(
        _NOT_MEMBER + r"(system|popen|wordexp)\s*\(",
        "no shell: programs are started from argument vectors (DESIGN)",
        ['system("ls")', "FILE* f = ::popen(command, mode)"],
        ["file_system(x)", "host.system()"],
    ),
    Rule(r"std::w?regex|<regex>", "std::regex overflowed the stack on a 200 kB line (CONTRACT 36): PCRE2 or RE2",
         ["std::regex r", "#include <regex>"], ["pcre2_match"]),
    Rule(r"(?<!operator )\bnew\b\s*(\(|[A-Za-z_:])|(?<!=)(?<!= )\bdelete\b(?!;)\s*(\[\s*\])?\s*\w",
         "memory is owned by containers and smart pointers", ["auto* p = new Check()", "delete p;", "delete[] p"],
         ["Lock(const Lock&) = delete;", "renew(x)", "int newest"]),
    Rule(_NOT_MEMBER + r"(malloc|calloc|realloc|free)\s*\(", "memory is owned by containers and smart pointers",
         ["free(p)", "std::malloc(3)"], ["disk.free()", "memory_free(x)"], allowed_in=_OUTSIDE),
    Rule(_NOT_MEMBER + r"(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atof|rand|srand|tmpnam|mktemp)\s*\(",
         "cannot tell an error or a limit", ["atoi(text)", "std::sprintf(b, f)"], ["snprintf(b, n, f)"]),
    Rule(r"_clock::now\s*\(|" + _NOT_MEMBER + r"(clock_gettime|gettimeofday)\s*\(|"
         r"\btime\s*\(\s*(nullptr|NULL|0|&\w+)\s*\)",
         "time comes from Clock, so that tests can make it up", ["std::chrono::system_clock::now()", "time(nullptr)"],
         ["clock.now()", "time(value)"], allowed_in=_OUTSIDE),
    Rule(_NOT_MEMBER + r"(usleep|nanosleep)\s*\(|(?<!\w)::sleep\s*\(|this_thread::sleep", "waiting goes through Clock",
         ["usleep(3)", "std::this_thread::sleep_for(1s)"], ["clock.sleep_for(x)", "bool Run::sleep(Duration d)"], allowed_in=_OUTSIDE),
    Rule(_NOT_MEMBER + r"(v?fork|clone|execv\w*|execl\w*|posix_spawnp?)\s*\(", "programs are started by Processes",
         ["fork()", "::execve(a, b, c)"], ["run.fork_count()"], allowed_in=_OUTSIDE),
    Rule(_NOT_MEMBER + r"(f?open|openat|creat|freopen|unlink|rename|f?chmod|f?chown|socket|connect)\s*\(\s*[^)]|"
         r"std::[io]?fstream|std::filesystem::(exists|remove|remove_all|rename|create_directories|"
         r"\w*directory_iterator|status|file_size)\b",
         "files and sockets are reached through the interfaces of platform/",
         ['::open(path, O_RDONLY)', "std::ifstream in", "std::filesystem::exists(p)"],
         ["files.rename(a, b)", "write_atomically(files, p)"],
         allowed_in=_OUTSIDE + ("libcommon/cli/terminal.cpp",)),  # closed standard streams are opened before anything else
    Rule(r"\bcurl_\w+\s*\(|\bsd_bus_\w+\s*\(|\bredis(Connect|Command)\w*\s*\(|\bsqlite3_\w+\s*\(|\bstatvfs\s*\(",
         "curl, D-Bus, Redis, SQLite and statvfs belong to platform/", ["curl_easy_init()", "sd_bus_open_system(&bus)", "sqlite3_step(row)"],
         allowed_in=_OUTSIDE),
    Rule(r"\busing namespace std\s*;", "names of std are written out", ["using namespace std;"],
         ["using namespace std::chrono_literals;"]),
]

# Pieces are put together so that this file does not find itself.
TEXT_RULES = [
    Rule(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b", "what is not finished is not here", ["// TO" + "DO: later"]),
    Rule(r"(?<![\w./$}])/(wo" + r"rk|tmp/w" + r"t)/", "a path of one machine",
         ["cp /wo" + "rk/shared/x ."], ["build/wo" + "rk/x"]),
    Rule(r"deb\.deb" + r"ian\.org|snapshot\.deb" + r"ian|registry\.npm" + r"js|pypi\.o" + r"rg|crates\.i" + r"o\b",
         "a registry is the machine's choice, not the project's", ["http://deb.deb" + "ian.org/debian"]),
    Rule("-----BEGIN [A-Z ]*PRIV" + "ATE KEY-----", "keys are made when a test runs",
         ["-----BEGIN PRIV" + "ATE KEY-----"]),
]


def check_rule_itself(rule):
    for sample in rule.caught:
        if not re.search(rule.pattern, code_only(sample)):
            yield f"the rule /{rule.pattern}/ does not catch: {sample}"
    for sample in rule.passed:
        if re.search(rule.pattern, code_only(sample)):
            yield f"the rule /{rule.pattern}/ wrongly catches: {sample}"


def problems_in(path, text, rules):
    where = str(path.relative_to(ROOT))
    for rule in rules:
        if where.startswith(rule.allowed_in) and rule.allowed_in:
            continue
        for match in re.finditer(rule.pattern, text):
            line = text.count("\n", 0, match.start()) + 1
            yield f"{where}:{line}: {match.group().strip()}: {rule.reason}"


def problems():
    for rule in CODE_RULES:
        yield from check_rule_itself(rule)
    for path in cpp_files(*PRODUCT):
        yield from problems_in(path, code_only(path.read_text()), CODE_RULES)
    for path in text_files():
        yield from problems_in(path, path.read_text(errors="replace"), TEXT_RULES)


found = list(problems())
print("\n".join(found))
sys.exit(1 if found else 0)
