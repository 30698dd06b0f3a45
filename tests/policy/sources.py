"""The project's own files, as the policy tests read them."""

import os
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
PRODUCT = ("libcommon", "tools")
_SKIPPED = {".git", "__pycache__", "b"}
_TEXT = {".cpp", ".h", ".py", ".sh", ".md", ".txt", ".cmake", ".toml", ".json", ".example", ".in", ".conf", ""}


def cpp_files(*folders):
    """All C++ files under these folders of the project, sorted."""
    found = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in (".cpp", ".h")]
    return sorted(found)


def text_files():
    """All files that a commit could hold; build trees and binary files are left out."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        top = pathlib.Path(folder) == ROOT
        folders[:] = [name for name in folders if name not in _SKIPPED and not (top and name.startswith("build"))]
        found += [pathlib.Path(folder) / name for name in names
                  if name not in _SKIPPED and pathlib.Path(name).suffix in _TEXT]
    return sorted(path for path in found if path.is_file())


_TOKEN = re.compile(
    r"""R"(?P<mark>[^()\\\s]{0,16})\((?P<raw>.*?)\)(?P=mark)" """.strip()
    + r"""|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'|//[^\n]*|/\*.*?\*/""",
    re.DOTALL,
)


def code_only(text):
    """C++ without its comments and the insides of its literals; line numbers stay."""

    def blank(match):
        token = match.group()
        kept = '""' if token[0] in "\"R" else "' '" if token[0] == "'" else ""
        return kept + "\n" * token.count("\n")

    # 1'000'000 is no character literal.
    return _TOKEN.sub(blank, re.sub(r"(?<=\d)'(?=\d)", "", text))
