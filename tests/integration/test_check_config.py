#!/usr/bin/env python3
"""lectio-health --check-config on both examples: they are good, and each kind of mistake made in them is told
with exit 78 and the very line and column where it was made (issue 3, "Done when" 2)."""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from monitor import SOURCE, binary

EXAMPLE = (SOURCE / "config/config.example.toml").read_bytes()
MORE = (SOURCE / "config/config.more.toml").read_bytes()
MARK = "¦".encode()

# The kinds of mistakes: what it is, what stands in the file (the first such place is taken), what it becomes.
# ¦ marks where the problem is to be shown: unknown key or table: the key; wrong type, range, unit or word: the
# value; missing key: its table's header; no TOML: where the parser
# gives up (CONTRACT 3).
IN_EXAMPLE = [
    # ── keys and tables
    ("unknown key before the tables", b'lang = "ru"', '¦langg = "ru"'),
    ("misspelt section", b"[health]\n", "[¦heatlh]\n"),
    ("misspelt section with a dot", b"[health.limits]", "[health.¦limitz]"),
    ("misspelt list of tables", b"[[route]]", "[[¦routes]]"),
    ("unknown key of a section", b'deadline = "50s"', '¦deadlin = "50s"'),
    ("unknown key of a check", b"contains = 'id=", "¦containz = 'id="),
    ("key of another type of check", b'unit = "nginx.service"\n', 'unit = "nginx.service"\n¦url = "http://x/"\n'),
    ("unknown key of a rung", b'settle = "10s"', '¦setle = "10s"'),
    ("unknown key of a channel", b"operators = [", "¦operator = ["),
    ("unknown key of a route", b'to       = ["errors"]\n', 'to       = ["errors"]\n¦form = []\n'),
    ("unknown key of an inline table", b'inodes = { warn = "10%"', 'inodes = { ¦warning = "10%"'),
    ("unknown key of what comes later", b"quick_check = true", "¦quickcheck = true"),
    ("key in a wrong section", b"[health]\n", "[health]\n¦lang = \"ru\"\n"),
    ("required key not there", b'[health.check.disk]\ntype = "disk"\npath = "/"\n', '¦[health.check.disk]\ntype = "disk"\n'),
    ("required key of a rung not there", b'[[health.recovery]]\nname   = "nginx"\n', "¦[[health.recovery]]\n"),
    ("required key of a channel not there", b'[channel.errors]\ntype   = "telegram"\ntoken  = "${ERRORS_BOT_TOKEN}"\n',
     '¦[channel.errors]\ntype   = "telegram"\n'),
    ("required key empty", b'path = "/"\n', 'path = ¦""\n'),
    ("no type", b'[health.check.nginx]\ntype = "systemd"\n', "¦[health.check.nginx]\n"),
    # ── words
    ("unknown type of check", b'type = "systemd"', 'type = ¦"sistemd"'),
    ("unknown type of channel", b'type   = "telegram"', 'type   = ¦"telegraf"'),
    ("unknown action", b'action = "restart"', 'action = ¦"restrat"'),
    ("unknown language", b'lang = "ru"', 'lang = ¦"de"'),
    ("unknown severity", b'max_time = "5s"', 'max_time = "5s"\nseverity = ¦"fatal"'),
    ("unknown severity of a route", b'severity = ["critical"]', 'severity = [¦"criticial"]'),
    ("unknown level of the log", b'level  = "info"', 'level  = ¦"verbose"'),
    ("unknown format of the log", b'format = "text"', 'format = ¦"xml"'),
    ("word of what comes later", b'on_site_down = "silent"', 'on_site_down = ¦"quiet"'),
    # ── types of values
    ("text for true or false", b"follow   = true", 'follow   = ¦"yes"'),
    ("number for a text", b'host = "lectio-1"', "host = ¦1"),
    ("number for a duration", b'max_time = "5s"', "max_time = ¦5"),
    ("text for a number", b"attempts = 3", 'attempts = ¦"3"'),
    ("fraction for a whole number", b"attempts = 3", "attempts = ¦3.5"),
    ("text for a list", b'needs    = ["nginx"]', 'needs    = ¦"nginx"'),
    ("list for a text", b'unit = "nginx.service"', 'unit = ¦["nginx.service"]'),
    ("number in a list of texts", b'when   = ["frontend", "site"]', 'when   = ["frontend", ¦7]'),
    ("text for a table", b'free = { warn = "15%", critical = "5%" }', 'free = ¦"15%"'),
    ("table for a list of tables", b"[[route]]", "¦[route]"),
    ("date in a JSON value", b'json    = { "/checks/database" = "ok" }', 'json    = { "/checks/database" = ¦2026-01-22 }'),
    ("text for the id of an operator", b"[111111111]", '[¦"me"]'),
    # ── names of the system
    ("unit of an ending that is none", b'unit = "nginx.service"', 'unit = ¦"nginx.servce"'),
    ("unit with a blank", b'unit = "nginx.service"', 'unit = ¦"nginx service"'),
    ("unit with a slash", b'unit = "nginx.service"', 'unit = ¦"ngi/nx.service"'),
    ("unit of a rung of an ending that is none", b'unit   = "nginx.service"', 'unit   = ¦"nginx.conf"'),
    ("address that is none", b'resolve  = "127.0.0.1"', 'resolve  = ¦"127.0.0.256"'),
    ("Redis without its scheme", b'url  = "redis://127.0.0.1:6379/0"', 'url  = ¦"127.0.0.1:6379"'),
    ("broker that is no Redis", b'broker  = "redis://127.0.0.1:6379/0"', 'broker  = ¦"amqp://127.0.0.1"'),
    ("page without its scheme", b'url    = "https://lectio.tw1.ru"', 'url    = ¦"lectio.tw1.ru"'),
    ("owner in three parts", b'owner  = "www-data:www-data"', 'owner  = ¦"a:b:x"'),
    # ── durations, sizes, shares, ranges
    ("duration without unit", b'max_time = "5s"', 'max_time = ¦"5"'),
    ("duration of unknown unit", b'timeout  = "10s"', 'timeout  = ¦"10sec"'),
    ("negative duration", b'settle = "10s"', 'settle = ¦"-10s"'),
    ("duration in a list", b'["1m", "5m", "15m"]', '["1m", ¦"5", "15m"]'),
    ("size of unknown unit", b'available = { warn = "256MB"', 'available = { warn = ¦"256Mb/s"'),
    ("share of unknown sign", b'free = { warn = "15%"', 'free = { warn = ¦"15 percent"'),
    ("time where a share belongs", b'free = { warn = "15%"', 'free = { warn = ¦"15s"'),
    ("number out of range", b"attempts = 3", "attempts = ¦0"),
    ("number beyond 64 bits", b"attempts = 3", "attempts = 99999999999999999999¦"),
    ("duration out of range", b'timeout  = "10s"', 'timeout  = ¦"2h"'),
    ("status out of range", b"status   = 200", "status   = ¦99"),
    ("unknown class of status", b"status   = 200", 'status   = ¦"2yy"'),
    ("mode that is none", b'dirs   = "755"', 'dirs   = ¦"788"'),
    ("thresholds the wrong way round", b'{ warn = "15%", critical = "5%" }', '{ warn = "5%", critical = ¦"15%" }'),
    ("unknown clear value", b'inodes = {', 'clear = { ¦free = "20%" }\ninodes = {'),
    ("half a window", b'path = "/"\n', 'path = "/"\nwindow = ¦"3 of"\n'),
    ("window of more than it has", b'path = "/"\n', 'path = "/"\nwindow = ¦"6 of 5"\n'),
    ("time of day that is none", b'digest   = ""', 'digest   = ¦"25:00"'),
    ("quiet hours that are none", b'quiet    = ""', 'quiet    = ¦"23:00-8:00"'),
    ("empty list of what a rung mends", b'when   = ["backend", "api", "workers"]', "when   = ¦[]"),
    ("empty list of channels", b'to       = ["errors"]\n', "to       = ¦[]\n"),
    ("empty list of statuses", b"status   = 200", "status   = ¦[]"),
    # ── what names something outside
    ("no URL", b'url      = "https://lectio.tw1.ru/"', 'url      = ¦"lectio.tw1.ru"'),
    ("URL of a scheme that is not spoken", b'url      = "https://lectio.tw1.ru/"', 'url      = ¦"ftp://lectio.tw1.ru/"'),
    ("URL with a port out of range", b'"http://127.0.0.1:8000/api/health/"', '¦"http://127.0.0.1:80000/api/health/"'),
    ("address with a port out of range", b'address = "lectio.tw1.ru:443"', 'address = ¦"lectio.tw1.ru:99999"'),
    ("address without port", b'address = "lectio.tw1.ru:443"', 'address = ¦"lectio.tw1.ru"'),
    ("bad regular expression", b'match = "gunicorn: worker|gunicorn.*teaching_panel"', 'match = ¦"gunicorn: (worker"'),
    ("bad regular expression in a list", b"matches = '\\[(error|crit|alert|emerg)\\]'", "matches = ¦'[(error'"),
    ("path that is not absolute", b'path = "/"\n', 'path = ¦"var"\n'),
    ("no chat", b'chat   = "${ERRORS_CHAT_ID}"', 'chat   = ¦"nobody"'),
    ("no proxy", b'# proxy  = "socks5h://127.0.0.1:1080"', 'proxy  = ¦"localhost"'),
    ("no URL of the Bot API", b'# api    = "https://api.telegram.org"', 'api    = ¦"api.telegram.org"'),
    ("negative length of a queue", b"queues = { celery = { warn = 50", "queues = { celery = { warn = ¦-50"),
    ("share beyond the whole", b'free = { warn = "15%"', 'free = { warn = ¦"150%"'),
    ("number of failures out of range", b'path = "/"\n', 'path = "/"\nconfirm = ¦0\n'),
    ("flapping that is none", b'path = "/"\n', 'path = "/"\nflap = ¦"often"\n'),
    ("malformed reference", b'"${ERRORS_CHAT_ID}"', '¦"${ERRORS_CHAT_ID"'),
    # ── names
    ("name that is none", b"[health.check.celery]", "[health.check.¦Celery]"),
    ("name that is none, quoted", b"[health.check.celery]", '[health.check.¦"the workers"]'),
    ("two rungs of one name", b'name   = "nginx"', 'name   = ¦"backend"'),
    ("two steps of one name", b'name   = "recordings"', 'name   = ¦"lessons"'),
    ("needs of a check that is not there", b'needs    = ["nginx"]', 'needs    = [¦"ngnix"]'),
    ("needs of itself", b'unit = "nginx.service"\n', 'unit = "nginx.service"\nneeds = ¦["nginx"]\n'),
    ("rung for a check that is not there", b'when   = ["frontend", "site"]', 'when   = ["frontend", ¦"sight"]'),
    ("route to a channel that is not there", b'to       = ["errors"]\n', 'to       = [¦"error"]\n'),
    ("escalation to a channel that is not there", b'to = ["errors"] }', 'to = [¦"nobody"] }'),
    ("gate of a check that is not there", b'checks = ["site",', 'checks = [¦"sit",'),
    ("step of a login that is not there", b'as     = "teacher"', 'as     = ¦"headmaster"'),
    ("age of a tool that is not there", b'tools = { health = "3m"', 'tools = { ¦helth = "3m"'),
    # ── what cannot be meant
    ("clear on the wrong side of what runs out", b'path = "/"\n', 'path = "/"\nclear = { warn = ¦"12%" }\n'),
    ("clear on the wrong side of critical", b'path = "/"\n', 'path = "/"\nclear = { warn = "20%", critical = ¦"4%" }\n'),
    ("clear on the wrong side of memory", b'available = { warn = "256MB"', 'clear = { warn = ¦"255MB" }\navailable = { warn = "256MB"'),
    ("clear on the wrong side of what grows", b'count = { warn = 100 } ', 'clear = { warn = ¦120 }\ncount = { warn = 100 } '),
    ("clear of a threshold that is not there", b'count = { warn = 100 } ', 'clear = { critical = ¦50 }\ncount = { warn = 100 } '),
    ("clear on the wrong side of a certificate's days", b'expires = { warn = "14d", critical = "7d" }',
     'expires = { warn = "14d", critical = "7d" }\nclear = { warn = ¦"13d" }'),
    ("thresholds without a value", b'free = { warn = "15%", critical = "5%" }', "free = ¦{}"),
    ("thresholds of a queue without a value", b"heavy = { warn = 20 }", "heavy = ¦{}"),
    ("user with a blank", b'user  = "www-data"  ', 'user  = ¦"www data"  '),
    ("reader with a blank", b'reader = "www-data"', 'reader = ¦"www-data "'),
    ("owner with a blank", b'owner  = "www-data:www-data"', 'owner  = ¦"www data:www-data"'),
    ("token that is none", b'token  = "${ERRORS_BOT_TOKEN}"', 'token  = ¦"my-bot"'),
    ("ping URL without its scheme", b'url   = "${HEARTBEAT_URL:-}"', 'url   = ¦"hc-ping.com/x"'),
    ("time-out longer than the run", b'timeout  = "10s"', 'timeout  = ¦"51s"'),
    ("empty test before a restart", b'test   = ["nginx", "-t"]', "test   = ¦[]"),
    ("empty text that a page must hold", b"contains = 'id=\"root\"'", 'contains = ¦""'),
    ("empty text that a page must not hold", b"contains = 'id=\"root\"'", 'not_contains = ["a", ¦""]'),
    ("the same need twice", b'needs    = ["nginx"]', 'needs    = ["nginx", ¦"nginx"]'),
    ("a rung for the same check twice", b'when   = ["frontend", "site"]', 'when   = ["frontend", "site", ¦"frontend"]'),
    ("a route to the same channel twice", b'to       = ["errors"]\n', 'to       = ["errors", ¦"errors"]\n'),
    ("key that is no JSON pointer", b'json    = { "/checks/database" = "ok" }', 'json    = { ¦"checks/database" = "ok" }'),
    ("list of tables for a table", b"[health.check.nginx]", "[[health.check.¦nginx]]"),
    ("list of tables for a section", b"[log]", "[[¦log]]"),
    # ── words of what comes later
    ("bad regular expression of what is killed", b"match = 'npm (install|ci|run)'", "match = ¦'npm (install|ci'"),
    ("number for a size of what comes later", b'min_free = "1GB"', "min_free = ¦1"),
    ("unit of a backend that is none", b'"celery-beat.service"]', '¦"celery-beat.servise"]'),
    ("path of a step without its slash", b'get  = "/api/schedule/lessons/"', 'get  = ¦"api/schedule/lessons/"'),
    ("token of a login that is no JSON pointer", b'token = "/access"  ', 'token = ¦"access"  '),
    ("time-out longer than the run of the smoke check", b'timeout  = "10s"                              # of each', 'timeout  = ¦"61s"  # of each'),
    # ── no TOML
    ("the same key twice", b'level  = "info"', 'format = ¦"text"'),
    ("key without a value", b'level  = "info"', "level  =¦"),
    ("word without quotes", b'level  = "info"', "level  = ¦verbose"),
    ("string without an end", b'level  = "info"', 'level  = "info¦'),
    ("unknown escape", b'level  = "info"', 'level  = "in\\¦q"'),
    ("header without an end", b"[log]\n", "[log¦\n"),
    ("two keys on a line", b'format = "text" ', 'format = "text" ¦level = "x" '),
    ("no TOML at all", b"# The configuration contract", "¦<html>"),
    ("NUL byte", b'level  = "info"', 'level  = "in¦\0fo"'),
    ("control character in a string", b'level  = "info"', 'level  = "in¦\x01fo"'),
    ("control character between", b'level  = "info"', '¦\x02level  = "info"'),
    ("invalid UTF-8", b'level  = "info"', b'level  = "in' + MARK + b'\xff\xfefo"'),
    ("UTF-8 cut short", b'host = "lectio-1"', 'host = "'.encode() + MARK + 'ж'.encode()[:1] + b'"'),
    ("a surrogate in UTF-8", b'host = "lectio-1"', b'host = "' + MARK + b'\xed\xa0\x80"'),
]
if os.path.isdir("/usr/share/zoneinfo/Europe"):  # without the zones of the world no name can be judged
    IN_EXAMPLE += [
        ("time zone that is none", b'# timezone = "Europe/Moscow"', 'timezone = ¦"Europe/Moskow"'),
        ("part of the world for a time zone", b'# timezone = "Europe/Moscow"', 'timezone = ¦"Europe"'),
    ]
IN_MORE = [
    ("unknown key of what comes later", b"free_pages = { warn", "¦freepages = { warn"),
    ("wrong unit of what comes later", b'lag = { warn = "30s" }', 'lag = { warn = ¦"30%" }'),
    ("range of what comes later", b"nice = 19", "nice = ¦20"),
    ("unknown word of what comes later", b'part = "frontend"', 'part = ¦"front"'),
    ("unknown type of a channel that comes later", b'type = "email"', 'type = ¦"emial"'),
    ("unknown type of a source", b'type = "postgres"\nurl = "postgresql://backup', 'type = ¦"postgre"\nurl = "postgresql://backup'),
    ("step that needs one that is not there", b'needs = ["tags"]', 'needs = [¦"tag"]'),
    ("unknown word for a stopped unit", b'stopped = "critical"', 'stopped = ¦"fatal"'),
    ("thresholds of a growing number the wrong way round", b"restarts = { warn = 1, critical = 5 }",
     "restarts = { warn = 5, critical = ¦1 }"),
    ("empty command", b'command = ["/usr/local/sbin/mend"]', "command = ¦[]"),
    ("number in a command", b'command = ["/usr/local/sbin/mend"]', 'command = ["/usr/local/sbin/mend", ¦5]'),
    ("duration out of range", b'boot_grace = "2m"', 'boot_grace = ¦"-2m"'),
    ("port that is none", b'published = ["443/tcp"]', 'published = [¦"443/tpc"]'),
    ("network that is none", b'"127.0.0.0/8"]', '¦"127.0.0.0/33"]'),
    ("what grows without its kind", b'"check:lite"', '¦"lite"'),
    ("bad regular expression of a command line", b'match = "gunicorn|celery"', 'match = ¦"gunicorn|(celery"'),
    ("bad regular expression of a step", b'matches = "c+"', 'matches = ¦"c++("'),
    ("expectation that is no JSON pointer", b'"/state" = "ok"', '¦"state" = "ok"'),
    ("PostgreSQL without its scheme", b'url = "postgresql://monitor@127.0.0.1/lectio"', 'url = ¦"127.0.0.1/lectio"'),
    ("mail server without its scheme", b'url = "smtps://mail.example.org:465"', 'url = ¦"mail.example.org:465"'),
    ("mail address that is none", b'to = ["op@example.org"]', 'to = [¦"op.example.org"]'),
    ("ping URL of a job without its scheme", b'url = "https://hc.example.org/ping/UUID"', 'url = ¦"hc.example.org/ping"'),
    ("pattern of checks without a tool", b'"health/disk"', '¦"disk"'),
    ("inline table over two lines", b'consumed = ["celery", "heavy"]', 'thresholds = { a = 1,¦\n b = 2 }'),
    ("table twice", b"[health.check.queue]", "¦[health.check.beat]"),
]


def place(text, at):
    """LINE:COLUMN of a byte, both from 1, columns in characters; of CRLF and of a BOM nothing is counted."""
    line_start = text.rfind(b"\n", 0, at) + 1
    before = text[line_start:at].removeprefix(b"\xef\xbb\xbf")
    line = text.count(b"\n", 0, at) + 1
    return f"{line}:{len(before.decode(errors='replace')) + 1}"


def with_mistake(text, good, bad):
    """The file with the mistake in it, and where it is to be shown."""
    bad = bad.encode() if isinstance(bad, str) else bad
    at, mark = text.find(good), bad.find(MARK)
    assert at >= 0, f"the example has no {good!r}"
    assert mark >= 0, f"nothing is marked in {bad!r}"
    bad = bad.replace(MARK, b"", 1)
    broken = text[:at] + bad + text[at + len(good):]
    return broken, place(broken, at + mark)


class CheckConfig(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="lectio-check-config-")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def check(self, text, name="config.toml"):
        (self.folder / name).write_bytes(text)
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        return subprocess.run([binary("lectio-health"), "--check-config", "-c", name], cwd=self.folder, env=environment,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)

    @staticmethod
    def errors(done):
        """The lines that tell a problem which is not just a warning."""
        lines = (done.stdout + done.stderr).decode(errors="replace").splitlines()
        return [line for line in lines if line.startswith("config") and ": warning: " not in line]

    def assert_good(self, text, what):
        done = self.check(text)
        self.assertEqual(done.returncode, 0, f"{what}: {(done.stdout + done.stderr).decode(errors='replace')}")

    def test_both_examples_are_good(self):
        self.assert_good(EXAMPLE, "config.example.toml")
        self.assert_good(MORE, "config.more.toml")

    def test_units_are_named_as_systemctl_takes_them(self):
        for name in ("nginx", "app@1", "backup.timer", "data.mount", "data.automount", "dev-sda2.swap", "dev-sda.device",
                     "user-1000.slice", "session-1.scope", r"system-systemd\x2dfsck.slice", "app@a.b.service"):
            self.assert_good(EXAMPLE.replace(b'"nginx.service"', b"'" + name.encode() + b"'"), name)

    def test_the_examples_are_those_of_the_contract(self):
        for name, text in (("config.example.toml", EXAMPLE), ("config.more.toml", MORE)):
            contract = SOURCE.parent / "shared" / name
            if contract.exists():  # it lies beside the project only where that is written
                self.assertEqual(text, contract.read_bytes(), name)

    def test_windows_line_ends_and_byte_order_mark_are_good(self):
        for text in (EXAMPLE, MORE):
            self.assert_good(text.replace(b"\n", b"\r\n"), "CRLF")
            self.assert_good(b"\xef\xbb\xbf" + text, "byte order mark")
            self.assert_good(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"), "both")

    def test_each_mistake_is_told_at_its_place(self):
        rows = [(EXAMPLE, *row) for row in IN_EXAMPLE] + [(MORE, *row) for row in IN_MORE]
        self.assertGreaterEqual(len(rows), 30)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda numbered: self.tried(*numbered), enumerate(rows)))
        for (_, what, _, _), (done, name, where) in zip(rows, found, strict=True):
            with self.subTest(what):
                self.told_at(done, f"{name}:{where}: ")
        print(f"counted: {len(rows)} kinds of mistakes")

    def test_the_place_is_the_same_with_windows_line_ends_and_byte_order_mark(self):
        for good, bad in ((b'lang = "ru"', '¦langg = "ru"'), (b'level  = "info"', "level  = ¦5")):
            text, where = with_mistake(EXAMPLE, good, bad)
            self.told_at(self.check(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n")), f"config.toml:{where}: ")

    def test_a_mistake_in_the_first_line_behind_a_byte_order_mark(self):
        text = b'\xef\xbb\xbfnobody = 1\n' + EXAMPLE
        self.told_at(self.check(text), "config.toml:1:1: ")

    def warnings(self, text):
        done = self.check(text)
        self.assertEqual(done.returncode, 0, done.stdout)
        return [line for line in done.stdout.decode().splitlines() if ": warning: " in line]

    def test_what_can_never_happen_is_a_warning_at_its_place(self):
        for good, bad, words in (
                (b'max_time = "5s"', 'max_time = ¦"11s"', "never reached"),
                (b'max_time = "5s"', 'max_time = "5s"\n¦clear = { warn = "1s" }', "clear"),
        ):
            text, where = with_mistake(EXAMPLE, good, bad)
            self.assertTrue([line for line in self.warnings(text)
                             if line.startswith(f"config.toml:{where}: warning: ") and words in line], bad)

    def test_what_comes_later_is_said_once(self):
        self.assertEqual(len([line for line in self.warnings(EXAMPLE)
                              if "escalate" in line or '"after"' in line or '"to"' in line]), 1)

    def test_a_secret_that_cannot_be_right_is_a_warning_that_does_not_show_it(self):
        (self.folder / "config.env").write_text("ERRORS_BOT_TOKEN=made-up-nonsense\nHEARTBEAT_URL=made-up-nonsense\n")
        text = EXAMPLE.replace(b"/opt/lectio-monitor/config.env", str(self.folder / "config.env").encode())
        warnings = self.warnings(text)
        for row in (b'token  = "$', b'url   = "$'):
            where = place(text, text.index(row) + row.index(b'"'))
            self.assertTrue([line for line in warnings if line.startswith(f"config.toml:{where}: warning: ")], row)
        self.assertNotIn("nonsense", "".join(warnings))

    def test_needs_around_a_corner_are_told_at_both_ends(self):
        text, where = with_mistake(EXAMPLE, b'unit = "teaching_panel.service"\n',
                                   'unit = "teaching_panel.service"\nneeds = ¦["api"]\n')
        other = place(text, text.index(b'["backend"]'))
        done = self.check(text)
        self.assertEqual(done.returncode, 78)
        self.assertEqual([re.match(r"config\.toml:(\d+:\d+): ", line)[1] for line in self.errors(done)], [where, other])

    def tried(self, number, row):
        text, _, good, bad = row
        broken, where = with_mistake(text, good, bad)
        name = f"config{number}.toml"
        return self.check(broken, name), name, where

    def told_at(self, done, where):
        errors = self.errors(done)
        self.assertEqual(len(errors), 1, "one mistake, one problem:\n" + "\n".join(errors))
        self.assertEqual(errors[0][:len(where)], where, errors[0])
        self.assertEqual(done.returncode, 78)


if __name__ == "__main__":
    unittest.main()
