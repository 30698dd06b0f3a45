#!/usr/bin/env python3
"""The page of lectio-status: written after runs, valid, and looked at in a real browser (headless Chromium).

With LECTIO_SHOTS=FOLDER the screenshots are kept there, for a person to look at."""

import html.parser
import json
import os
import pathlib
import shutil
import socket
import sqlite3
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import zlib

from notify_place import NotifyPlace, program_of

BROWSER = shutil.which("chromium-headless-shell") or shutil.which("chromium")
DAY_MS, MINUTE_MS = 86_400_000, 60_000
VOID = {"meta", "br", "link", "img", "input", "hr"}
PHRASING = {"span", "svg", "strong", "time", "br", "use", "path", "rect", "title", "circle", "symbol"}
HOSTILE = "<script>document.title='pwned'</script><img src=http://127.0.0.1/x>\" onload=\"x' & </style></svg>"
SIZES = ((360, 800), (1280, 800))
SCHEMES = ("light", "dark")


class Outline(html.parser.HTMLParser):
    """What of the rules of HTML a page of ours could break: what is opened is closed, ids are one of a kind, and what stands
    within a paragraph or a summary may stand there."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.tags, self.problems, self.words = [], [], [], [], ""
        self.feed(page)
        self.close()
        if self.open:
            self.problems.append(f"not closed: {self.open}")

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        self.problems += [f"<{tag} {name}> twice" for name in {name for name, _ in attrs} if [n for n, _ in attrs].count(name) > 1]
        self.problems += [f"<{tag}> within {parent}" for parent in self.open
                          if parent in ("p", "summary", "h1", "h2", "h3", "span") and tag not in PHRASING]
        if tag == "li" and self.open[-1:] not in (["ul"], ["ol"]):
            self.problems.append(f"<li> within {self.open[-1]}")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> closes what is not open")

    def handle_data(self, data):
        self.words += data

    def count(self, tag):
        return sum(each == tag for each, _ in self.tags)


class Picture:
    """A PNG of eight bits a channel, as browsers write them (PNG, 3rd edition, 9 and 11.2.1)."""

    def __init__(self, data):
        self.width, self.height, depth, kind = struct.unpack(">IIBB", data[16:26])
        assert data[:8] == b"\x89PNG\r\n\x1a\n" and depth == 8 and kind in (2, 6), "another kind of picture"
        self.channels = 3 if kind == 2 else 4
        packed, at = b"", 8
        while at < len(data):
            (size,) = struct.unpack(">I", data[at:at + 4])
            packed += data[at + 8:at + 8 + size] if data[at + 4:at + 8] == b"IDAT" else b""
            at += 12 + size
        self._raw = zlib.decompress(packed)
        self._rows = []

    def pixel(self, x, y):
        while len(self._rows) <= y:
            self._rows.append(self._row(len(self._rows)))
        return tuple(self._rows[y][x * self.channels:x * self.channels + 3])

    def _row(self, y):
        stride, n = self.width * self.channels, self.channels
        begin = y * (stride + 1)
        how, row = self._raw[begin], bytearray(self._raw[begin + 1:begin + 1 + stride])
        above = self._rows[-1] if self._rows else bytes(stride)
        for i in range(stride):
            left, up, corner = row[i - n] if i >= n else 0, above[i], above[i - n] if i >= n else 0
            row[i] = (row[i] + (0, left, up, (left + up) // 2, self._paeth(left, up, corner))[how]) & 255
        return row

    @staticmethod
    def _paeth(left, up, corner):
        guess = left + up - corner
        return min((left, up, corner), key=lambda value: abs(guess - value))


class Listener:
    """Whoever connects is noted, and answered nothing."""

    def __enter__(self):
        self.seen = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _listen(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(60)
                self.seen.append(connection.recv(4096))


class PagePlace(NotifyPlace):
    def setUp(self):
        super().setUp()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.listener.close)
        self.port = self.listener.getsockname()[1]
        os.mkdir(self.path("www"))
        self.page = pathlib.Path(self.path("www/index.html"))
        self.describe()

    def describe(self, lang="en", status=None, more=""):
        checks = "".join(f'[health.check.{name}]\ntype = "tcp"\naddress = "127.0.0.1:{self.port}"\nrecheck = "0s"\n'
                         for name in ("site", "api-of-the-mobile-application-version-2"))
        self.configure(lang=lang, more=checks + (status if status is not None else f'[status]\nhtml = "{self.page}"\n') + more)

    def tool(self, tool, *options, **how):
        return subprocess.run([program_of(tool), "-c", self.path("config.toml"), *options], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=300, check=False, **how)

    def health(self, status, *options):
        done = self.tool("lectio-health", *options)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout

    def break_it(self):
        self.listener.close()

    def html(self, status):
        done = self.tool("lectio-status", "--format", "html")
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout

    def make_a_past(self, broken, days=90):
        """Of the last run good days are made, and where `broken` says so bad ones."""
        connection = sqlite3.connect(self.path("state/history.sqlite"))
        with connection:
            if connection.execute("select min(id) from run").fetchone()[0] < 0:
                return  # there is one
            columns = [row[1] for row in connection.execute("pragma table_info(run)")]
            begin = columns.index("start_ms")
            rows = connection.execute("select * from run order by id").fetchall()
            bad, good = rows[0], rows[-1]
            identity = -1_000_000
            for ago in range(days, 0, -1):
                for part in range(24):
                    row = list(bad if (ago, part) in broken else good)
                    row[0], row[begin] = identity, good[begin] - ago * DAY_MS + part * 60 * MINUTE_MS
                    identity += 1
                    connection.execute(f"insert into run values ({','.join('?' * len(row))})", row)
        connection.close()


class Written(PagePlace):
    def test_after_a_run_and_for_everybody_to_read(self):
        self.health(0)
        page = self.page.read_text()
        self.assertIn("Everything works", page)
        self.assertEqual(stat.S_IMODE(self.page.stat().st_mode), 0o644)
        self.assertEqual(os.listdir(self.path("www")), ["index.html"], "nothing is left beside it")
        self.describe(status=f'[status]\nhtml = "{self.page}"\nmode = "640"\n')
        self.page.unlink()
        self.health(0)
        self.assertEqual(stat.S_IMODE(self.page.stat().st_mode), 0o640)

    def test_at_once_when_something_changes_and_else_after_a_while(self):
        self.health(0)
        first = self.page.stat()
        self.health(0)
        self.assertEqual(self.page.stat().st_ino, first.st_ino, "it is fresh, and nothing has changed")
        self.break_it()
        self.health(2)
        self.assertIn("Broken: ", self.page.read_text())
        for moved in (-60, 60):  # also where the clock was set back
            then = time.time() + moved
            os.utime(self.page, (then, then))
            before = self.page.stat().st_ino
            self.health(2)
            self.assertNotEqual(self.page.stat().st_ino, before)

    def test_not_when_nothing_is_to_be_written(self):
        self.health(0, "--dry-run")
        self.assertFalse(self.page.exists())
        self.describe(status="")
        self.health(0)
        self.assertFalse(self.page.exists())
        self.assertFalse(os.path.exists(self.path("state/page-days.json")), "who has no page keeps nothing for it")

    def test_after_the_runs_of_the_other_tools(self):
        database = self.path("db.sqlite3")
        with sqlite3.connect(database) as connection:
            connection.execute("create table lessons (id integer primary key)")
        connection.close()
        self.describe(more=f'[backup]\ndir = "{self.path("backups")}"\nmin_free = "1MB"\n[backup.source.database]\ntype = "sqlite"\n'
                           f'path = "{database}"\n')
        self.health(0)
        done = self.tool("lectio-backup", "run", "-q")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("proven ", Outline(self.page.read_text()).words)

    def test_what_stands_in_the_way_stops_no_run_and_is_said(self):
        shutil.rmtree(self.path("www"))
        self.assertIn("the page cannot be written: ", self.health(0))
        os.mkdir(self.path("www"))
        self.page.mkdir()
        self.assertIn("the page cannot be written: ", self.health(0))
        self.assertEqual(os.listdir(self.path("www")), ["index.html"], "nothing is left beside it")

    def test_a_link_in_its_place_is_replaced_not_followed(self):
        victim = pathlib.Path(self.path("victim"))
        victim.write_text("precious")
        self.page.symlink_to(victim)
        self.health(0)
        self.assertEqual(victim.read_text(), "precious")
        self.assertFalse(self.page.is_symlink())

    @unittest.skipUnless(os.geteuid() == 0, "only root can give a file away")
    def test_a_link_of_somebody_else_leads_nowhere(self):
        os.mkdir(self.path("elsewhere"))
        os.chown(self.path("www"), 65534, 65534)
        os.symlink(self.path("elsewhere"), self.path("www/status"))
        os.chown(self.path("www/status"), 65534, 65534, follow_symlinks=False)
        self.describe(status=f'[status]\nhtml = "{self.path("www/status/index.html")}"\n')
        self.assertIn("the page cannot be written: ", self.health(0))
        self.assertEqual(os.listdir(self.path("elsewhere")), [])

    def test_what_was_left_behind_by_a_run_that_was_killed_goes(self):
        left = pathlib.Path(self.path("www/.tmp-index.html-1"))
        other = pathlib.Path(self.path("www/.tmp-other.html-1"))
        for path in (left, other):
            path.write_text("half")
            os.utime(path, (1, 1))
        self.health(0)
        self.assertEqual((left.exists(), other.exists()), (False, True))

    def test_days_that_are_over_are_read_once_and_anew_where_their_record_is_damaged(self):
        self.break_it()
        self.health(2)
        self.make_a_past({(40, 3)})
        self.page.unlink()
        days = pathlib.Path(self.path("state/page-days.json"))
        days.unlink()  # it has seen another past
        self.health(2)
        self.assertEqual(stat.S_IMODE(days.stat().st_mode), 0o600)
        kept = json.loads(days.read_text())
        self.assertGreaterEqual(len(kept["dates"]), 88)
        whole = self.page.read_text()
        for damage in ("", "garbage", "{}", json.dumps({**kept, "whole": []}), json.dumps({**kept, "version": 0})):
            days.write_text(damage)
            self.page.unlink()
            self.health(2)
            self.assertEqual(json.loads(days.read_text()), kept)
            self.assertEqual(self.bars(self.page.read_text()), self.bars(whole))
        connection = sqlite3.connect(self.path("state/history.sqlite"))
        with connection:
            connection.execute("delete from run where id < 0")
        connection.close()
        self.page.unlink()
        self.health(2)
        self.assertEqual(self.bars(self.page.read_text())[0], self.bars(whole)[0], "what is over is known without the history")

    @staticmethod
    def bars(page):
        return [part.split('"', 1)[0] for part in page.split('class="b" d="')[1:]]


class Valid(PagePlace):
    def test_the_rules_of_html(self):
        self.break_it()
        for lang, headline in (("en", "Broken: "), ("ru", "Сломано: ")):
            self.describe(lang)
            self.health(2)
            self.tool("lectio-notify", "send", "--key", "nightly", "--level", "warning", HOSTILE)
            page = self.html(2)
            outline = Outline(page)
            self.assertEqual(outline.problems, [])
            self.assertEqual(len(outline.ids), len(set(outline.ids)))
            self.assertEqual((outline.count("h1"), outline.count("script"), outline.count("img")), (1, 0, 0))
            self.assertEqual(dict(outline.tags)["html"]["lang"], lang)
            self.assertIn(headline, outline.words)
            self.assertIn("<script>document.title='pwned'</script>", outline.words, "as words")
            leading = [value for _, attrs in outline.tags for name, value in attrs.items() if name in ("src", "href", "style", "action")]
            self.assertTrue(all(value.startswith("#") for value in leading), leading)

    def test_secrets_are_not_on_it(self):
        with open(self.path("config.env"), "a", encoding="utf-8") as out:
            out.write("PASSWORD=planted-secret-of-the-page\n")
        self.describe(more='[health.check.login]\ntype = "http"\nurl = "http://127.0.0.1:1/?key=${PASSWORD}"\nrecheck = "0s"\n')
        self.health(2)
        for text in (self.html(2), self.page.read_text()):
            self.assertIn("login", text)
            self.assertNotIn("planted-secret", text)


MEASURE = """<script>addEventListener('load',()=>{
const wide=innerWidth,box=e=>e.getBoundingClientRect(),out=[],small=[],all=[...document.querySelectorAll('body *')]
for(const e of all){const r=box(e);if(e.closest('svg,.days,.away')||!r.width)continue
if(r.right>wide+.5||r.left<-.5)out.push(e.className+' '+e.tagName)
if([...e.childNodes].some(n=>n.nodeType==3&&n.data.trim())&&parseFloat(getComputedStyle(e).fontSize)<12)small.push(e.className)}
const hero=document.querySelector('.hero'),style=getComputedStyle(hero)
document.body.dataset.measured=JSON.stringify({wide,scroll:document.documentElement.scrollWidth,out,small,
dark:matchMedia('(prefers-color-scheme: dark)').matches,hero:[box(hero).left,box(hero).top,box(hero).bottom],
colour:style.backgroundColor.match(/\\d+/g).map(Number),ground:getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number),
touch:Math.min(...[...document.querySelectorAll('summary')].map(e=>box(e).height)),title:document.title,
bars:[...document.querySelectorAll('.days svg')].map(e=>box(e).width),aged:getComputedStyle(document.querySelector('.aged')).visibility})})</script>"""


@unittest.skipUnless(BROWSER, "Chromium (package chromium-headless-shell) is not installed")
class LookedAt(PagePlace):
    def browse(self, url, *options, scheme="light", size=SIZES[0]):
        with tempfile.TemporaryDirectory() as profile:
            return subprocess.run(
                [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                 f"--user-data-dir={profile}", f"--window-size={size[0]},{size[1]}",
                 f"--blink-settings=preferredColorScheme={SCHEMES.index(scheme) ^ 1}", *options, url],
                stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=True).stdout.decode()

    def shown(self, lang):
        self.describe(lang)
        self.health(2)
        self.make_a_past({(40, hour) for hour in range(24)} | {(3, 5), (9, 9)})
        self.tool("lectio-notify", "send", "--key", "a-key-without-any-place-to-break-" + "x" * 20, "--level", "warning", "w" * 300)
        page = pathlib.Path(self.path(f"{lang}.html"))
        page.write_text(self.html(2))
        return page

    def test_on_a_phone_and_a_desk_by_day_and_by_night(self):
        self.break_it()
        for lang in ("en", "ru"):
            page = self.shown(lang)
            self.assertEqual(page.read_text().count("Content-Security-Policy"), 1)
            copy = pathlib.Path(self.path("measured.html"))  # which may run a script; the page itself must not
            copy.write_text(page.read_text().replace("Content-Security-Policy", "x").replace("</body>", MEASURE + "</body>")
                            .replace("<details>", "<details open>"))
            for size in SIZES:
                for scheme in SCHEMES:
                    with self.subTest(lang=lang, size=size, scheme=scheme):
                        self.judge(self.measured(copy, scheme, size), scheme, size)
                        self.judge_picture(self.picture(page, scheme, size), self.measured(copy, scheme, size))

    def measured(self, page, scheme, size):
        dom = self.browse(page.as_uri(), "--dump-dom", scheme=scheme, size=size)
        marked = {name: value for tag, attrs in Outline(dom).tags if tag == "body" for name, value in attrs.items()}
        return json.loads(marked["data-measured"])

    def judge(self, seen, scheme, size):
        self.assertEqual((seen["wide"], seen["dark"]), (size[0], scheme == "dark"))
        self.assertEqual((seen["scroll"], seen["out"]), (size[0], []), "nothing is wider than the screen")
        self.assertEqual(seen["small"], [], "nothing is smaller than 12 pixels")
        self.assertGreaterEqual(seen["touch"], 44, "a finger hits it")
        self.assertLess(seen["hero"][2], size[1] / 2, "how things stand is in the upper half")
        self.assertTrue(seen["bars"] and min(seen["bars"]) >= 250)
        self.assertEqual(seen["aged"], "hidden", "it has just been opened")
        bright = sum(seen["ground"]) / 3
        self.assertTrue(bright < 40 if scheme == "dark" else bright > 215, seen["ground"])

    def picture(self, page, scheme, size):
        shot = pathlib.Path(os.environ.get("LECTIO_SHOTS", self.folder.name), f"{page.stem}-{size[0]}-{scheme}.png")
        self.browse(page.as_uri(), f"--screenshot={shot}", scheme=scheme, size=size)
        return Picture(shot.read_bytes())

    def judge_picture(self, picture, seen):
        left, top, _ = seen["hero"]
        self.assertEqual(picture.pixel(round(left) + 40, round(top) + 6), tuple(seen["colour"]), "the state is painted")
        self.assertEqual(picture.pixel(4, 4), tuple(seen["ground"]))

    def test_it_asks_the_network_for_nothing(self):
        self.break_it()
        page = self.shown("en")
        with Listener() as listener:
            all_ways = (f"--proxy-server=127.0.0.1:{listener.port}", "--proxy-bypass-list=<-loopback>", "--disable-background-networking",
                        "--dump-dom")
            self.browse(page.as_uri(), *all_ways)
            self.assertEqual(listener.seen, [])
            other = pathlib.Path(self.path("other.html"))
            other.write_text('<!doctype html><img src="http://elsewhere.test/x">')
            self.browse(other.as_uri(), *all_ways)
            self.assertNotEqual(listener.seen, [], "what asks is seen")

    def test_what_somebody_smuggles_in_does_nothing(self):
        self.break_it()
        self.describe()
        self.health(2)
        self.tool("lectio-notify", "send", "--key", "nightly", "--level", "warning", HOSTILE)
        page = pathlib.Path(self.path("hostile.html"))
        page.write_text(self.html(2))
        self.assertNotIn("<title>pwned", self.browse(page.as_uri(), "--dump-dom"))
        # Even where a script would be on it: the page's own policy forbids it.
        script = "<script>document.title='pwned'</script></body>"
        page.write_text(self.html(2).replace("</body>", script))
        self.assertNotIn("<title>pwned", self.browse(page.as_uri(), "--dump-dom"))
        page.write_text(self.html(2).replace("</body>", script).replace("Content-Security-Policy", "x"))
        self.assertIn("<title>pwned", self.browse(page.as_uri(), "--dump-dom"), "else this test sees nothing")


if __name__ == "__main__":
    unittest.main(verbosity=2 if "-v" in sys.argv else 1)
