"""A fault: how it is brought about, and all that may be seen, said, mended and told because of it."""

import collections.abc
import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fault:
    """`inject(site)` breaks a site (world.Site) and leaves how to mend it with site.afterwards()."""

    name: str
    inject: collections.abc.Callable
    broken: dict  # check → level: what is red before anything is mended, symptoms apart
    says: tuple  # of the first of `broken`: a piece of its words in English, in Russian
    symptoms: dict = dataclasses.field(default_factory=dict)  # check → of which check; all critical
    skipped: tuple = ()  # checks of lectio-smoke that are not asked because of it
    mended: tuple = ()  # the rungs that mended it
    left: dict = dataclasses.field(default_factory=dict)  # check → level: still red after `mended`, by another cause
    tried: tuple = ()  # the rungs that did something, in vain
    told: str = ""  # the first signs of the messages in the run; "": by the worst level
    over: str | None = None  # and in the run after its end; None: ✅ where something was told as broken
    quiet: bool = False  # nothing is told of it, nor of its end
    note: str = ""  # a piece of the report's notes: said there, no check of its own
    exit_code: int | None = None  # None: by the worst level that is left
    tune: tuple = ()  # (old, new): changes of the profile while it is broken
    aftermath: dict = dataclasses.field(default_factory=dict)  # check → level: still red in the run after its end
    looked_at: bool = True  # first by a dry run in English; not where one look changes what the next one sees
    needs_root: bool = False

    @property
    def marks(self):
        """The signs of the messages that are told in the run with the fault."""
        if self.quiet:
            return ""
        return self.told or ("✅" if self.mended and not self.left else _MARKS[self.worst])

    @property
    def marks_after(self):
        """And in the run after it."""
        if self.over is not None:
            return self.over
        over = self.quiet or self.aftermath or (self.mended and not self.left) or not self.marks
        return "" if over else "✅"

    @property
    def symptom_levels(self):
        return {name: self.broken.get(name, "critical") for name in self.symptoms}

    @property
    def worst(self):
        return max(self.broken.values(), key=_RANKS.index, default="ok")

    @property
    def code(self):
        """The exit code of the run that mends and tells."""
        if self.exit_code is not None:
            return self.exit_code
        return _CODES[max(self.left.values(), key=_RANKS.index, default="ok") if self.mended else self.worst]


_RANKS = ("ok", "unknown", "warning", "critical")
_CODES = {"ok": 0, "warning": 1, "critical": 2, "unknown": 3}
_MARKS = {"ok": "", "unknown": "", "warning": "⚠", "critical": "🚨"}


def broken_in(run):
    """check → level of all that is red in a report."""
    return {check["name"]: check["status"] for check in run.report.get("checks", []) if check["status"] not in ("ok", "skipped")}


def skipped_in(run):
    return {check["name"] for check in run.report.get("checks", []) if check["status"] == "skipped"}


def symptoms_in(run):
    return {check["name"]: check["symptom_of"] for check in run.report.get("checks", []) if check["symptom_of"]}


def words_in(run):
    """check → what it says, of all that is red."""
    return {check["name"]: f"{check['status']}: {check['message']}" for check in run.report.get("checks", [])
            if check["status"] not in ("ok", "skipped")}
