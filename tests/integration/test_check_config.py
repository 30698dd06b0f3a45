#!/usr/bin/env python3
"""lectio-health --check-config on both examples: they are good, and each kind of mistake made in them is told
with exit 78 and the very line and column where it was made (issue 3, "Done when" 2)."""

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from monitor import SOURCE, binary

LANG = re.compile(rb'lang = "(ru|en)"')


def spoken_in(lang, text):
    """The file with its language set, every other place in it where it was."""
    if LANG.search(text):
        return LANG.sub(b'lang = "' + lang.encode() + b'"', text)
    return text.replace(text.splitlines()[0], b'lang = "' + lang.encode() + b'"', 1)  # a comment


EXAMPLE_FILE = (SOURCE / "config/config.example.toml").read_bytes()
MORE_FILE = (SOURCE / "config/config.more.toml").read_bytes()
EXAMPLE = spoken_in("en", EXAMPLE_FILE)
MORE = spoken_in("en", MORE_FILE)
MARK = "¦".encode()

# The kinds of mistakes: what it is, what stands in the file (the first such place is taken), what it becomes.
# ¦ marks where the problem is to be shown: unknown key or table: the key; wrong type, range, unit or word: the
# value; missing key: its table's header; no TOML: where the parser
# gives up (CONTRACT 3).
IN_EXAMPLE = [
    # ── keys and tables
    ("unknown key before the tables", b'lang = "en"', '¦langg = "en"'),
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
    ("unknown language", b'lang = "en"', 'lang = ¦"de"'),
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
    ("time-out longer than the run", b'timeout  = "10s"', 'timeout  = ¦"41s"'),
    ("deadline without room to mend", b'deadline = "50s"', 'deadline = ¦"19s"'),
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
# What hands and editors do, and words that the message has to have: the operator is tired.
WORDS = [
    ('max_time = "5s"', 'max_time = ¦"5 s"', 'did you mean "5s"?'),
    ('max_time = "5s"', 'max_time = ¦"10 seconds"', 'did you mean "10s"?'),
    ('max_time = "5s"', 'max_time = ¦"5min"', 'did you mean "5m"?'),
    ('max_time = "5s"', 'max_time = ¦"5 сек"', 'did you mean "5s"?'),
    ('max_time = "5s"', 'max_time = ¦5', 'write "5s"'),
    ('warn = "256MB"', 'warn = ¦"256Mb"', 'did you mean "256MB"?'),
    ('warn = "256MB"', 'warn = ¦"256 MB"', 'did you mean "256MB"?'),
    ('warn = "256MB"', 'warn = ¦"1,5GB"', 'did you mean "1.5GB"?'),
    ('warn = "15%"', 'warn = ¦"15 %"', 'did you mean "15%"?'),
    ('warn = "15%"', 'warn = ¦"15m"', 'did you mean "15MB"?'),
    ('warn = "15%"', 'warn = ¦"150%"', "0% to 100%"),
    ('settle = "10s"', 'settle = ¦"-10s"', "must not be negative"),
    ('warn = "256MB"', 'warn = ¦"99999999999999999999GB"', "too large"),
    ('warn = "256MB"', 'warn = ¦"1e9GB"', "is not a size"),
    ("attempts = 3", "attempts = 99999999999999999999¦", "too large"),
    ("attempts = 3", 'attempts = ¦"3"', "write 3"),
    ("follow   = true", 'follow   = ¦"true"', "write true"),
    ("follow   = true", "follow   = ¦True", "did you mean true?"),
    ("follow   = true", "follow   = ¦yes", "did you mean true?"),
    ('max_time = "5s"', "max_time = 5¦s", 'write "5s"'),
    ('warn = "15%"', "warn = 15¦%", 'write "15%"'),
    ('unit = "nginx.service"', "unit = n¦ginx.service", 'write "nginx.service"'),
    ('host = "lectio-1"', "host = ", "value is missing"),
    ('level  = "info"', "level  = inf¦o", 'write "info"'),
    ('level  = "info"', 'level¦: "info"', "="),
    ('unit = "nginx.service"', "unit = ¦“nginx.service”", "typographic quotes"),
    ('unit = "nginx.service"', "unit = ¦«nginx.service»", "typographic quotes"),
    ('level  = "info"', 'level¦\u00a0= "info"', "invisible"),
    ('path = "/"', 'p¦аth = "/"', "did you mean path?"),
    ("[log]", "[l¦оg]", "did you mean [log]?"),
    ("[health.check.celery]", "[health.check.¦сelery]", "did you mean [health.check.celery]?"),
    ('level  = "info"', 'level  = ¦"infо"', 'did you mean "info"? (a letter is Cyrillic)'),
    ('unit = "nginx.service"', 'unit = ¦"nginх.service"', 'did you mean "nginx.service"?'),
    ('free = { warn = "15%", critical = "5%" }', 'free = { warn = "15%",¦\n critical = "5%" }', "on one line"),
    ('free = { warn = "15%", critical = "5%" }', 'free = { warn = "15%", critical = "5%", ¦}', "comma"),
    ("[health.check.api]", "¦[health.check.site]", "second time"),
    ('level  = "info"', 'format = ¦"info"', '"format" is set a second time'),
    ("[[route]]", "¦[route]", "[[route]]"),
    ("[[health.recovery]]", "[health.recovery]", "each must be [[health.recovery]]"),
    ('[[health.recovery]]\nname   = "nginx"', '[health.recovery]\nname   = "nginx"', "each must be [[health.recovery]]"),
    ("contains = 'id=\"root\"'", 'contains = id="root"', "needs quotes"),
    ("[channel.errors]", "[[channel.¦errors]]", "single brackets"),
    ("[log]", "¦; a comment\n[log]", "a comment begins with #"),
    ("[log]", "¦<<<<<<< HEAD\n[log]", "merge conflict"),
    ('match = "gunicorn: worker|', 'match = "gunicorn\\¦.worker|', "backslash"),
    ('host = "lectio-1"', 'host = "¦\udcf1\udce5"', "save the file as UTF-8"),
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

    def check(self, text, name="config.toml", *options, tool="lectio-health"):
        (self.folder / name).write_bytes(text)
        return self.ask("-c", name, *options, tool=tool)

    def ask(self, *options, tool="lectio-health"):
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        return subprocess.run([binary(tool), "--check-config", *options], cwd=self.folder, env=environment,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=False)

    @staticmethod
    def errors(done):
        """The lines that tell a problem which is not just a warning."""
        lines = (done.stdout + done.stderr).decode(errors="replace").splitlines()
        return [line for line in lines if line.startswith("config") and ": warning: " not in line]

    def assert_good(self, text, what):
        done = self.check(text)
        self.assertEqual(done.returncode, 0, f"{what}: {(done.stdout + done.stderr).decode(errors='replace')}")

    def test_both_examples_are_good(self):
        self.assert_good(EXAMPLE_FILE, "config.example.toml")
        self.assert_good(MORE_FILE, "config.more.toml")

    def test_units_are_named_as_systemctl_takes_them(self):
        for name in ("nginx", "app@1", "backup.timer", "data.mount", "data.automount", "dev-sda2.swap", "dev-sda.device",
                     "user-1000.slice", "session-1.scope", r"system-systemd\x2dfsck.slice", "app@a.b.service"):
            self.assert_good(EXAMPLE.replace(b'"nginx.service"', b"'" + name.encode() + b"'"), name)

    def test_the_examples_are_those_of_the_contract(self):
        for name, text in (("config.example.toml", EXAMPLE_FILE), ("config.more.toml", MORE_FILE)):
            contract = SOURCE.parent / "shared" / name
            if contract.exists():  # it lies beside the project only where that is written
                # Comments of our own may stand in it; what the contract says stays as it is, line for line.
                theirs = contract.read_text(encoding="utf-8").splitlines()
                ours = [line for line in text.decode().splitlines() if line in theirs or not line.startswith("#")]
                self.assertEqual(ours, theirs, name)

    def test_windows_line_ends_and_byte_order_mark_are_good(self):
        for text in (EXAMPLE, MORE):
            self.assert_good(text.replace(b"\n", b"\r\n"), "CRLF")
            self.assert_good(b"\xef\xbb\xbf" + text, "byte order mark")
            self.assert_good(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"), "both")

    def test_each_mistake_is_told_at_its_place(self):
        rows = [(EXAMPLE, *row) for row in IN_EXAMPLE] + [(MORE, *row) for row in IN_MORE]
        self.assertGreaterEqual(len(rows), 30)
        for lang, is_in_it in (("en", self.is_in_english), ("ru", self.is_in_russian)):
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                found = list(pool.map(lambda numbered, lang=lang: self.tried(lang, *numbered), enumerate(rows)))
            for (_, what, _, bad), (done, name, where) in zip(rows, found, strict=True):
                with self.subTest(what, lang=lang):
                    self.told_at(done, f"{name}:{where}: ")
                    if "lang" not in str(bad):  # which is then not known
                        is_in_it(self.errors(done)[0])
        print(f"counted: {len(rows)} kinds of mistakes")

    def test_where_the_language_cannot_be_read_it_is_russian(self):
        for good, bad in ((b'lang = "en"', '¦langg = "en"'), (b'lang = "en"', 'lang = ¦"de"'), (b'lang = "en"', "lang = ¦en")):
            text, where = with_mistake(EXAMPLE, good, bad)
            done = self.check(text)
            self.assertEqual(done.returncode, 78)
            self.is_in_russian(self.errors(done)[0])

    @staticmethod
    def bare(line):
        """The words of a message: without its place and without what stands in quotes."""
        message = re.sub(r"^\S+:\d+:\d+: ", "", line)
        return re.sub(r"\"[^\"]*\"|'[^']*'|«[^»]*»", "", message)

    def is_in_russian(self, line):
        self.assertRegex(self.bare(line), "[а-яё]{2,}")
        self.assertNotRegex(self.bare(line), r"\b[A-Za-z]{2,} [A-Za-z]{2,}\b", "two English words in a row")

    def is_in_english(self, line):
        self.assertNotRegex(self.bare(line), "[а-яё]")

    def test_what_hands_and_editors_do_is_told_in_words(self):
        for good, bad, words in WORDS:
            marked = "¦" in bad
            text, where = with_mistake(EXAMPLE, good.encode(), (bad if marked else "¦" + bad).encode(errors="surrogateescape"))
            with self.subTest(bad):
                done = self.check(text)
                if marked:
                    self.told_at(done, f"config.toml:{where}: ")
                self.assertIn(words, self.errors(done)[0])
                self.assertNotIn("Error while parsing", self.errors(done)[0])
                self.is_in_russian(self.errors(self.check(spoken_in("ru", text)))[0])

    def test_what_is_no_file_of_text_is_told_at_once(self):
        (self.folder / "folder").mkdir()
        os.mkfifo(self.folder / "fifo")
        (self.folder / "loop").symlink_to("loop")
        (self.folder / "huge").write_bytes(EXAMPLE + b"# x\n" * 300_000)
        (self.folder / "utf16").write_bytes(EXAMPLE.decode().encode("utf-16"))
        for name, words in (("folder", "не обычный файл"), ("fifo", "не обычный файл"), ("loop", "символические ссылки"),
                            ("huge", "больше 1 MB"), ("utf16", "сохраните его в UTF-8"), ("/dev/zero", "не обычный файл")):
            with self.subTest(name):
                done = self.ask("-c", name)
                self.assertEqual(done.returncode, 78)
                self.assertIn(words, done.stdout.decode())

    def test_a_secret_without_its_quotes_is_not_shown(self):
        text = EXAMPLE.replace(b'token  = "${ERRORS_BOT_TOKEN}"', b"token  = made-up-secret")
        for form in ("text", "json"):
            done = self.check(text, "config.toml", "--format", form)
            self.assertEqual(done.returncode, 78)
            self.assertIn(b"needs quotes", done.stdout)
            self.assertNotIn(b"made-up", done.stdout + done.stderr)

    def test_the_place_is_the_same_with_windows_line_ends_and_byte_order_mark(self):
        for good, bad in ((b'lang = "en"', '¦langg = "en"'), (b'level  = "info"', "level  = ¦5")):
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

    def test_restic_is_named_with_what_it_always_needs(self):
        good = EXAMPLE.replace(b"# restic =", b"restic =")
        self.assertEqual([line for line in self.warnings(good) if "restic" in line], [])
        text, where = with_mistake(EXAMPLE, b"[backup]\n", '[backup]\nrestic = ¦["restic", "backup"]\n')
        self.told_at(self.check(text), f"config.toml:{where}: ")

    def test_a_drill_that_nothing_can_fetch_for_is_a_warning(self):
        self.assertEqual(len([line for line in self.warnings(EXAMPLE) if "offsite_fetch" in line]), 1)
        text = EXAMPLE.replace(b"# offsite_fetch =", b"offsite_fetch =")
        self.assertEqual([line for line in self.warnings(text) if "offsite_fetch" in line], [])

    def test_the_page_replaces_pages_only(self):
        for right in ('html = "/srv/site/status.html"', 'html = "/srv/site/status.html"\ndays = 30\nmode = "640"'):
            self.assertEqual(self.check(EXAMPLE + f"\n[status]\n{right}\n".encode()).returncode, 0, right)
        for wrong in ('html = "/etc/passwd"', 'html = "status.html"', 'html = "/srv/status.html"\nmode = "666"',
                      'html = "/srv/status.html"\nmode = "044"', 'html = "/srv/status.html"\ndays = 0'):
            self.assertEqual(self.check(EXAMPLE + f"\n[status]\n{wrong}\n".encode()).returncode, 78, wrong)

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

    def as_json(self, text, code, *options, tool="lectio-health"):
        done = self.check(text, "config.toml", "--format", "json", *options, tool=tool)
        self.assertEqual(done.returncode, code, done.stdout)
        self.assertEqual(done.stdout.count(b"\n"), 1, "one object on one line")
        report = json.loads(done.stdout)
        self.assertEqual(report["exit_code"], code)
        self.assertEqual(report["tool"], tool)
        self.assertEqual(report["file"], "config.toml")
        for field in ("version", "host", "time"):
            self.assertTrue(report[field])
        return report

    def test_json_tells_what_would_run(self):
        for tool in ("lectio-health", "lectio-notify"):
            report = self.as_json(EXAMPLE, 0, tool=tool)
            self.assertEqual(report["problems"], [])
            self.assertNotIn("reason", report)
            self.assertIn({"name": "nginx", "type": "systemd", "runs": True}, report["checks"])
            self.assertIn({"name": "frontend-permissions", "action": "fix-permissions",
                           "when": ["frontend", "site"], "runs": True}, report["recovery"])
            self.assertIn({"name": "errors", "type": "telegram", "runs": False}, report["channels"])  # no token here
            unset = [row for row in report["warnings"] if row["message"] == "ERRORS_BOT_TOKEN is not set, neither in "
                     "/opt/lectio-monitor/config.env nor in the environment"]
            at = EXAMPLE.index(b'"${ERRORS_BOT_TOKEN}"')
            self.assertEqual([f"{row['file']}:{row['line']}:{row['column']}" for row in unset],
                             [f"config.toml:{place(EXAMPLE, at)}"])

    def test_json_tells_problems_with_their_places(self):
        text, where = with_mistake(EXAMPLE, b'level  = "info"', '¦levl = "info"')
        line, column = map(int, where.split(":"))
        for tool in ("lectio-health", "lectio-notify"):
            report = self.as_json(text, 78, tool=tool)
            self.assertEqual(report["problems"], [
                {"file": "config.toml", "line": line, "column": column,
                 "message": 'unknown key "levl"; did you mean "level"?', "suggestion": "level"}])
            self.assertEqual(report["checks"], [])
            self.assertEqual(report["reason"], f'config.toml:{where}: unknown key "levl"; did you mean "level"?')

    def test_strict_json_gives_warnings_as_the_reason(self):
        report = self.as_json(EXAMPLE, 78, "--strict")
        self.assertEqual(report["problems"], [])
        self.assertIn(": warning: ", report["reason"])
        self.assertTrue(report["checks"])

    def test_json_of_what_is_not_there(self):
        done = self.ask("-c", "missing.toml", "--format", "json")
        self.assertEqual(done.returncode, 78)
        problem = json.loads(done.stdout)["problems"][0]
        self.assertEqual((problem["file"], problem["line"], problem["column"]), ("missing.toml", None, None))

    def test_nagios_is_one_line_and_a_code_that_nagios_knows(self):
        broken, where = with_mistake(EXAMPLE, b'level  = "info"', '¦levl = "info"')
        for text, options, code, words in ((EXAMPLE, [], 0, "LECTIO OK - config.toml: "),
                                           (EXAMPLE, ["--strict"], 1, "LECTIO WARNING - config.toml:"),
                                           (broken, [], 1, f"LECTIO WARNING - config.toml:{where}: ")):
            done = self.check(text, "config.toml", "--format", "nagios", *options)
            self.assertEqual(done.returncode, code, done.stdout)
            self.assertTrue(done.stdout.decode().startswith(words), done.stdout)
            self.assertEqual(done.stdout.count(b"\n"), 1)

    def test_no_format_shows_a_secret(self):
        (self.folder / "config.env").write_text(
            "ERRORS_BOT_TOKEN=123456:made-up-secret\nERRORS_CHAT_ID=nobody-made-up-secret\n"
            "REDIS_PASSWORD=made-up-secret\nREDIS_URL=redis://:made-up-secret@127.0.0.1:70000/0\n")
        text = EXAMPLE.replace(b"/opt/lectio-monitor/config.env", str(self.folder / "config.env").encode())
        text = text.replace(b'url  = "redis://127.0.0.1:6379/0"', b'url  = "${REDIS_URL}"')
        for tool, form in (("lectio-health", "text"), ("lectio-health", "json"), ("lectio-health", "nagios"),
                           ("lectio-notify", "text"), ("lectio-notify", "json")):
            done = self.check(text, "config.toml", "--format", form, tool=tool)
            self.assertNotEqual(done.returncode, 0)
            self.assertNotIn(b"made-up", done.stdout + done.stderr)

    def tried(self, lang, number, row):
        text, _, good, bad = row
        broken, where = with_mistake(text, good, bad)
        name = f"config{number}.toml"
        return self.check(spoken_in(lang, broken) if LANG.search(broken) else broken, name), name, where

    def told_at(self, done, where):
        errors = self.errors(done)
        self.assertEqual(len(errors), 1, "one mistake, one problem:\n" + "\n".join(errors))
        self.assertEqual(errors[0][:len(where)], where, errors[0])
        self.assertEqual(done.returncode, 78)


CONFIG = """lang = "en"
host = "test-host"

[paths]
env_file = "{folder}/config.env"
state = "{folder}/state"
run = "{folder}/run"
logs = "{folder}/logs"

[health.check.disk]
type = "disk"
path = "/"
free = {{ warn = "1B" }}

[health.check.queue]
type = "redis"
url = "${{REDIS_URL}}"

[health.check.site]
type = "tcp"
address = "${{SITE_ADDRESS:-127.0.0.1:1}}"
enabled = false

[channel.errors]
type = "telegram"
token = "${{ERRORS_BOT_TOKEN}}"
chat = "${{ERRORS_CHAT_ID}}"
api = "http://127.0.0.1:1"
"""


class WrongVariables(unittest.TestCase):
    """A slip in config.env ends no watch: a run goes on without what needs the value, and --check-config refuses it."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="lectio-wrong-variables-")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.config = self.folder / "config.toml"
        self.config.write_text(CONFIG.format(folder=self.folder))
        (self.folder / "config.env").touch(0o600)

    def set_variables(self, **variables):
        variables = {"REDIS_URL": "127.0.0.1:6379", "ERRORS_BOT_TOKEN": "1:made-up", "ERRORS_CHAT_ID": "7"} | variables
        (self.folder / "config.env").write_text("".join(f"{name}={value}\n" for name, value in variables.items()))

    def run_tool(self, *options, tool="lectio-health"):
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        done = subprocess.run([binary(tool), "-c", self.config, "--format", "json", *options], env=environment,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=False)
        return done.returncode, json.loads(done.stdout)

    def statuses(self, report):
        return {check["name"]: check["status"] for check in report["checks"]}

    def test_a_run_goes_on_without_the_check_that_needs_it(self):
        self.set_variables()
        code, report = self.run_tool("--no-notify")
        self.assertEqual((code, report["status"]), (1, "warning"), report)
        self.assertEqual(self.statuses(report), {"disk": "ok", "queue": "skipped", "config": "warning"})
        told = next(check for check in report["checks"] if check["name"] == "config")
        self.assertEqual(told["message"], "check queue is off: the value of variable REDIS_URL is wrong: "
                                          "url: expected redis://host:port/database or unix:///socket")
        self.assertEqual(told["hint"], f"correct it in {self.folder}/config.env")

    def test_it_is_no_mistake_of_the_file_which_stays_the_last_good_one(self):
        self.set_variables()
        self.run_tool("--no-notify")
        self.config.write_text(self.config.read_text().replace('type = "disk"', 'type = "dsk"'))
        code, report = self.run_tool("--no-notify")
        self.assertEqual((code, report["exit_code"]), (78, 78))
        self.assertEqual(self.statuses(report)["disk"], "ok")
        self.assertEqual(self.statuses(report)["queue"], "skipped")

    def test_a_slip_after_good_runs_is_the_same(self):
        self.set_variables(REDIS_URL="redis://127.0.0.1:1/0")
        self.run_tool("--no-notify", "--no-recovery")
        self.set_variables()
        code, report = self.run_tool("--no-notify")
        self.assertEqual((code, self.statuses(report)["disk"], self.statuses(report)["queue"]), (1, "ok", "skipped"))

    def test_a_channel_is_off_alone(self):
        self.set_variables(REDIS_URL="redis://127.0.0.1:1/0", ERRORS_CHAT_ID="nobody")
        code, report = self.run_tool("--no-notify", "--no-recovery", "--only", "disk")
        self.assertEqual((code, self.statuses(report)["disk"]), (1, "ok"), report)
        told = next(check for check in report["checks"] if check["name"] == "config")
        self.assertIn("channel errors is off: the value of variable ERRORS_CHAT_ID is wrong: ", told["message"])
        code, report = self.run_tool("test", tool="lectio-notify")
        self.assertEqual(code, 2)
        self.assertIn("ERRORS_CHAT_ID is wrong", report["message"])

    def test_check_config_refuses_it_at_its_place(self):
        self.set_variables()
        code, report = self.run_tool("--check-config")
        text = self.config.read_bytes()
        self.assertEqual(code, 78)
        self.assertEqual([f"{row['line']}:{row['column']}" for row in report["problems"]],
                         [place(text, text.index(b'"${REDIS_URL}"'))])

    def test_a_wrong_default_is_a_mistake_of_the_file(self):
        self.config.write_text(self.config.read_text().replace(":-127.0.0.1:1}", ":-nowhere}"))
        self.set_variables(REDIS_URL="redis://127.0.0.1:1/0")
        code, report = self.run_tool("--no-notify")
        self.assertEqual((code, report["exit_code"]), (78, 78))


if __name__ == "__main__":
    unittest.main()
