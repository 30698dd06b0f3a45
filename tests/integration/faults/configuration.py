"""The configuration: typos, encodings, missing secrets; the partner is broken beside each, and is told all the same."""

from faults.fault import Fault
from faults.site import remove

TITLE = "Configuration"


def rewritten(change):
    """config.toml holds what change() makes of its bytes."""
    def inject(site):
        site.break_partner()
        path = site.keep(site.monitor.config)
        content = change(path.read_bytes())
        path.write_bytes(content)
    return inject


def with_words(old, new):
    return rewritten(lambda content: content.replace(old.encode(), new.encode(), 1))


def secrets(change):
    def inject(site):
        site.break_partner()
        change(site.keep(site.monitor.folder / "config.env"))
    return inject


def wrong(name, inject, russian, **more):
    """It does not load: the last good one is in use and the run exits with 78."""
    return Fault(name=name, inject=inject, broken={"config": "warning", "partner": "critical"},
                 says=("", russian), exit_code=78, looked_at=False, **more)


def accepted(name, inject, **more):
    return Fault(name=name, inject=inject, broken={"partner": "critical"}, says=("HTTP 500", "HTTP 500"), **more)


def noted(name, inject, *says, **more):
    return Fault(name=name, inject=inject, broken={"config": "warning", "partner": "critical"}, says=says, **more)


LAST_GOOD = "работаем с последними верными"

FAULTS = [
    wrong("a key mistyped", with_words("recheck", "rechek"), LAST_GOOD),
    wrong("a type mistyped", with_words('type = "tcp"', 'type = "tpc"'), LAST_GOOD),
    wrong("a value out of range", with_words('timeout = "1s"', 'timeout = "1ns"'), LAST_GOOD),
    wrong("a quote missing", with_words('type = "tcp"', 'type = "tcp'), LAST_GOOD),
    wrong("a check twice", with_words("[health.check.certificate]", "[health.check.web]"), LAST_GOOD),
    wrong("needs a check that is not there", with_words('needs = ["web"]', 'needs = ["wbe"]'), LAST_GOOD),
    # at a word, not at half of its length: that depends on how long this machine's paths and ports are
    wrong("cut in the middle", rewritten(lambda content: content[:content.index(b"-type = ")]), LAST_GOOD),
    wrong("not UTF-8", rewritten(lambda content: content + b'# caf\xe9\n'), LAST_GOOD),
    wrong("NULs at its end, as after a power loss", rewritten(lambda content: content + bytes(4096)), LAST_GOOD),
    accepted("with CRLF", rewritten(lambda content: content.replace(b"\n", b"\r\n")), looked_at=False),
    accepted("with a BOM", rewritten(lambda content: b"\xef\xbb\xbf" + content), looked_at=False),
    noted("the token of the channel is not set", secrets(lambda path: path.write_text("")), "ERRORS_BOT_TOKEN is not set",
          "не задана переменная ERRORS_BOT_TOKEN", quiet=True, over="✅"),
    noted("the file of the secrets is gone", secrets(remove), "config.env", "config.env", quiet=True, over="✅"),
    noted("the file of the secrets can be read by all", secrets(lambda path: path.chmod(0o644)), "can be read by others",
          "могут читать посторонние"),
    noted("a line of the secrets is no assignment", secrets(lambda path: path.write_text(path.read_text() + "what is this\n")),
          "not an assignment", "не присваивание"),
    noted("a command in the secrets", secrets(lambda path: path.write_text(path.read_text() + "OTHER=$(reboot)\n")),
          "commands are not run", "команды не выполняются"),
    accepted("the secrets with CRLF", secrets(lambda path: path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n")))),
]
