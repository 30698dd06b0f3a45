#!/usr/bin/env python3
"""docs/messages.md: everything that the operator reads, both languages side by side, for proof-reading.

Without arguments: fails when the catalogue does not match the sources, or when a language looks forgotten
(that each Phrase has both is held by its constructor at compile time). --update writes it anew.
"""

import re
import sys

from sources import PRODUCT, ROOT, cpp_files

CATALOGUE = ROOT / "docs" / "messages.md"
_LITERAL = r'"(?:\\.|[^"\\])*"'
_LITERALS = rf"(?:{_LITERAL}\s*)+"
_PHRASE = re.compile(rf"\bPhrase\b\s*(?P<name>\w+)?\s*[{{(]\s*(?P<en>{_LITERALS}),\s*(?P<ru>{_LITERALS})[}})]")
_NOUN = re.compile(rf"\bNoun\b\s*(?P<name>\w+)?\s*\{{(?P<forms>\s*(?:{_LITERALS},?\s*){{5}})\}}")
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


def value(literals):
    """The text of adjacent C++ string literals."""
    parts = re.findall(_LITERAL, literals)
    return "".join(re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[0]), part[1:-1]) for part in parts)


def phrases(source):
    """(English, Russian) of each Phrase and Noun in a source, in its order."""
    found = [(m.start(), value(m["en"]), value(m["ru"])) for m in _PHRASE.finditer(source)]
    for match in _NOUN.finditer(source):
        one, many, ru_one, ru_few, ru_many = (value(text) for text in re.findall(_LITERAL, match["forms"]))
        found.append((match.start(), f"{one} / {many}", f"{ru_one} / {ru_few} / {ru_many}"))
    return [(en, ru) for _, en, ru in sorted(found)]


def catalogue():
    lines = [
        "# Messages",
        "",
        "All that the operator reads, in English and Russian. Made by `tests/policy/messages.py --update` from the",
        "`Phrase` and `Noun` constants; change them there.",
    ]
    for path in cpp_files(*PRODUCT):
        # Comments hold examples; a comment mark inside a literal would be rare enough to be reworded.
        source = re.sub(r"^\s*//.*$", "", path.read_text(), flags=re.MULTILINE)
        found = phrases(source)
        if found:
            lines += ["", f"## {path.relative_to(ROOT)}", "", "| English | Russian |", "| --- | --- |"]
            lines += [f"| {cell(en)} | {cell(ru)} |" for en, ru in found]
            yield from (problem for en, ru in found for problem in looks_forgotten(path, en, ru))
    yield "\n".join(lines) + "\n"


def cell(text):
    return text.replace("|", "\\|").replace("\n", "<br>")


def looks_forgotten(path, en, ru):
    where = path.relative_to(ROOT)
    for words in (en, ru):  # a word that cannot be formatted ends a run, and only when it is to be said
        if re.search("[{}]", re.sub(r"\{\{|\}\}|\{\d*(:[^{}]*)?\}|'[{}]'", "", words)):
            yield f"{where}: a brace that fmt does not take: {words}"
    words = re.sub(r"\{[^}]*\}|<[^>]*>", "", en)
    if re.search("[а-яё]", en, re.IGNORECASE):
        yield f"{where}: Russian letters in the English of: {en}"
    # One capitalised word or an abbreviation (Telegram, HTTP) may be the same in both.
    if re.search(r"[a-z]{3,}\s+[a-z]{2,}", words) and not re.search("[а-яё]", ru, re.IGNORECASE):
        yield f"{where}: no Russian in: {ru}"


*problems, text = catalogue()
if "--update" in sys.argv:
    CATALOGUE.parent.mkdir(exist_ok=True)
    CATALOGUE.write_text(text)
elif not CATALOGUE.exists() or CATALOGUE.read_text() != text:
    problems.append("docs/messages.md is not up to date: run tests/policy/messages.py --update and read what changed")
print("\n".join(problems))
sys.exit(1 if problems else 0)
