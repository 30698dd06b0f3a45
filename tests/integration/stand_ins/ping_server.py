"""A service that waits for pings, as healthchecks.io does (https://healthchecks.io/docs/http_api/), on loopback."""

import collections
import http.server
import re

from stand_ins.loopback import Loopback

CHECK = "7e5e2f52-0b1c-4d0e-9a57-made-up-check"
SIGNALS = {"": "success", "/start": "start", "/fail": "fail", "/log": "log"}
LONGEST_BODY = 10_000

Ping = collections.namedtuple("Ping", "signal body method rid")


class PingServer(Loopback):
    """`pings` are those that were counted, in their order; `wrong` is what the protocol does not know."""

    def __init__(self):
        super().__init__(_Handler)
        self.pings, self.wrong = [], []
        self.faults = collections.deque()  # of the next answers: a status, or a body of 200

    @property
    def ping_url(self):
        return f"{self.url}/ping/{CHECK}"

    def signals(self):
        """What came since this was asked before."""
        came, self.pings = self.pings, []
        return [ping.signal for ping in came]


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self._take()

    def do_POST(self):
        self._take()

    def _take(self):
        place = self.server.stand_in
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        fault = place.faults.popleft() if place.faults else None
        if isinstance(fault, int):
            return self._answer(fault, "")
        if fault is not None:
            return self._answer(200, fault)
        path, _, query = self.path.partition("?")
        match = re.fullmatch(rf"/ping/{CHECK}(|/start|/fail|/log|/\d+)", path)
        if not match:
            return self._answer(404, "not found")
        suffix = match[1]
        status = int(suffix[1:]) if suffix[1:].isdigit() else None
        if status is not None and status > 255:
            return self._answer(400, "invalid url format")
        if len(body.encode()) > LONGEST_BODY:
            place.wrong.append("a body that is too long")
        rid = re.fullmatch(r"rid=([0-9a-f-]{36})", query)
        if query and not rid:
            place.wrong.append(f"query {query}")
        place.pings.append(Ping(SIGNALS.get(suffix, status), body, self.command, rid and rid[1]))
        return self._answer(200, "OK")

    def _answer(self, status, words):
        self.send_response(status)
        self.send_header("Ping-Body-Limit", str(LONGEST_BODY))
        self.send_header("Content-Length", str(len(words)))
        self.end_headers()
        self.wfile.write(words.encode())

    def log_message(self, *_):
        """Silent: a test prints what matters."""
