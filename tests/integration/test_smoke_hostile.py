#!/usr/bin/env python3
"""lectio-smoke against servers that mean it badly: a clear line for each, in time, and no token for anybody else."""

import contextlib
import gzip
import pathlib
import socket
import socketserver
import subprocess
import tempfile
import time
import unittest

from faults.site import Plain, http_answer
from monitor import Run, binary
from stand_ins.loopback import Loopback

TOKEN = "made-up-token-of-the-walk"
WELL = b'{"access": "' + TOKEN.encode() + b'", "id": 7}'


def raw(*lines, rest=b""):
    return "\r\n".join(("HTTP/1.1 200 OK", "Connection: close", "Content-Type: application/json", *lines)).encode() + b"\r\n\r\n" + rest


def drip(connection):
    connection.sendall(raw("Content-Length: 1000000"))
    while True:
        connection.sendall(b" ")
        time.sleep(0.05)  # this is the fault: a byte now and then


def drip_headers(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        connection.sendall(b"x")
        time.sleep(0.05)  # and this


def endless(connection):
    connection.sendall(raw())
    while True:
        connection.sendall(b" " * 65536)


def bomb():
    packed = gzip.compress(b" " * (50 << 20), 9)
    return raw("Content-Encoding: gzip", f"Content-Length: {len(packed)}", rest=packed)


# What is asked, what answers, and what must be said of it.
HOSTILE = {
    "drip": (drip, "stopped while receiving the answer"),
    "drip-headers": (drip_headers, "no full answer within"),
    "endless": (endless, "larger than allowed"),
    "bomb": (bomb(), "larger than allowed"),
    "no-gzip": (raw("Content-Encoding: gzip", rest=WELL), "content unencoding"),
    "too-short": (raw("Content-Length: 9000", rest=WELL), "cut in the middle"),
    "two-lengths": (raw("Content-Length: 48", "Content-Length: 49", rest=WELL), "two different Content-Length headers"),
    "no-chunks": (raw("Transfer-Encoding: chunked", rest=b"zz\r\n" + WELL), "chunked"),
    "no-utf8": (http_answer(b'{"id": "\xff\xfe"}'), "not even UTF-8"),
    "deep": (http_answer(b'{"id": ' + b"[" * 5000 + b"]" * 5000 + b"}"), "nested deeper than 100"),
    "nul": (http_answer(bytes(1000)), "no JSON"),
    "headers": (raw(*(f"X-{number}: {'x' * 30}" for number in range(10000)), rest=WELL), "headers of the answer are too large"),
    "loop": (http_answer(b"", "302 Found", more=("Location: /loop",)), "more than 5 redirects"),
    "no-http": (b"SSH-2.0-OpenSSH_9.2\r\n", "not proper HTTP"),
    "hang-up": (b"", "the connection was closed before an answer came"),
    "number": (http_answer(b'{"id": 1e400}'), "no JSON"),
}


class Server(Loopback):
    """Answers by the path; remembers what it was asked."""

    def __init__(self, answers):
        super().__init__(Asked, server=Plain)
        self.answers, self.asked = answers, []


class Asked(socketserver.BaseRequestHandler):
    def handle(self):
        site, connection = self.server.stand_in, self.request
        with contextlib.suppress(OSError):  # the monitor hung up
            connection.settimeout(5)
            said = connection.recv(65536)
            site.asked.append(said)
            answer = site.answers.get(said.split(b" ")[1].decode(), http_answer(WELL))
            if callable(answer):
                answer(connection)
            else:
                connection.sendall(answer)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass  # a close with a body unread would reset the connection, and take away what was said


class SmokeHostileTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="lectio-smoke-")))

    def walk(self, server, steps, *words):
        config = self.folder / "config.toml"
        config.write_text(
            'lang = "en"\n[paths]\n' + "".join(f'{name} = "{self.folder / name}"\n' for name in ("state", "run", "logs", "env_file"))
            + f'[smoke]\nbase_url = "{server.url}"\ntimeout = "2s"\ndeadline = "20s"\nparallel = 30\n'
            + '[smoke.login.walker]\npost = "/token/"\njson = { email = "w@test.local", password = "made-up" }\ntoken = "/access"\n'
            + steps)
        (self.folder / "env_file").touch(0o600)
        done = subprocess.run([str(binary("lectio-smoke")), "-c", str(config), "--format", "json", *words], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(done.stderr, "")
        return Run(done, 0)

    def test_each_is_named(self):
        steps = "".join(f'[[smoke.step]]\nname = "{name}"\nas = "walker"\nget = "/{name}"\nrecheck = "0s"\n'
                        'expect_json = { "/id" = { type = "integer" } }\n' for name in HOSTILE)
        with Server({f"/{name}": answer for name, (answer, _) in HOSTILE.items()}) as server:
            run = self.walk(server, steps)
        self.assertEqual(run.exit_code, 2)
        for name, (_, words) in HOSTILE.items():
            with self.subTest(name):
                check = run.check(name)
                self.assertEqual(check["status"], "critical", check)
                self.assertIn(words, check["message"])
        self.assertEqual(run.check("connection")["status"], "ok")
        self.assertNotIn(TOKEN, run.out)

    def test_as_a_login(self):
        steps = '[[smoke.step]]\nname = "me"\nas = "walker"\nget = "/me"\n'
        for name, (answer, words) in HOSTILE.items():
            with self.subTest(name), Server({"/token/": answer}) as server:
                run = self.walk(server, steps, "--dry-run")
                said = run.check("login-walker")["message"]
                self.assertIn("HTTP 302" if name == "loop" else words, said)  # a login follows no redirect
                self.assertEqual(run.check("me")["status"], "skipped")

    def test_a_token_is_for_the_site_alone(self):
        """A redirect, a step and a saved URL lead to another server: none of them takes the token or the cookie along."""
        login = http_answer(WELL, more=("Set-Cookie: sessionid=made-up-session; Path=/",))
        with Server({}) as elsewhere:
            away = http_answer(b"", "302 Found", more=(f"Location: {elsewhere.url}/taken",))
            link = http_answer(b'{"id": 7, "url": "' + elsewhere.url.encode() + b'/saved"}')
            with Server({"/token/": login, "/away": away, "/link": link}) as server:
                run = self.walk(server, f"""
[[smoke.step]]
name = "away"
as = "walker"
get = "/away"
[[smoke.step]]
name = "posted-away"
as = "walker"
post = "/away"
json = {{ order = 1 }}
[[smoke.step]]
name = "straight"
as = "walker"
get = "{elsewhere.url}/straight"
[[smoke.step]]
name = "link"
as = "walker"
get = "/link"
save = {{ url = "/url" }}
[[smoke.step]]
name = "saved"
as = "walker"
get = "{{url}}"
[[smoke.step]]
name = "home"
as = "walker"
get = "/home"
""")
        self.assertEqual(run.exit_code, 0, run.out)
        asked = {said.split(b" ")[1] for said in elsewhere.asked}
        self.assertEqual(asked, {b"/taken", b"/straight", b"/saved"})
        for said in elsewhere.asked:
            self.assertNotIn(b"authorization", said.lower())
            self.assertNotIn(b"cookie", said.lower())
            self.assertNotIn(TOKEN.encode(), said)
        home = [said for said in server.asked if b"/home" in said]
        self.assertTrue(home and TOKEN.encode() in home[0] and b"made-up-session" in home[0])

    def test_what_was_made_is_removed_though_the_time_is_over(self):
        """A view that hangs until the end of the run must not leave a file a run on the site."""
        steps = ('[[smoke.step]]\nname = "made"\npost = "/files/"\nsave = { file = "/id" }\n'
                 '[[smoke.step]]\nname = "look"\nget = "/files/{file}/look/"\ntimeout = "10s"\n'
                 '[[smoke.step]]\nname = "removed"\ndelete = "/files/{file}/"\nalways = true\n')
        with Server({"/files/7/look/": drip}) as server:
            run = self.walk(server, steps)
            asked = [said.split(b" HTTP")[0] for said in server.asked if b"/files/" in said.split(b" HTTP")[0]]
        self.assertEqual(asked, [b"POST /files/", b"GET /files/7/look/", b"DELETE /files/7/"])
        self.assertEqual({check["name"]: check["status"] for check in run.report["checks"]},
                         {"connection": "ok", "login-walker": "ok", "made": "ok", "look": "unknown", "removed": "ok"})

    def test_a_value_does_not_end_its_header(self):
        with Server({"/evil": http_answer(b'{"id": "x\\r\\nX-Evil: 1"}')}) as server:
            self.walk(server, """
[[smoke.step]]
name = "evil"
get = "/evil"
save = { evil = "/id" }
[[smoke.step]]
name = "after"
get = "/after"
headers = { X-Id = "{evil}" }
""")
            after = [said for said in server.asked if b"/after" in said]
        self.assertTrue(after)
        self.assertNotIn(b"\r\nX-Evil", after[0])


if __name__ == "__main__":
    unittest.main()
