"""A strict receiver of webhooks on loopback: it checks what docs/webhook.md promises, and fails when told to."""

import collections
import hashlib
import hmac
import http.server
import json
import socket

from stand_ins.loopback import Loopback

KEYS = {"version": int, "id": str, "level": str, "title": str, "text": str, "host": str, "key": str, "time": str, "sent": str,
        "maybe_again": bool, "incidents": list}
INCIDENT_KEYS = {"id", "check", "event", "level", "summary", "hint", "since"}


class WebhookServer(Loopback):
    """`bodies` are the objects that were accepted; what is not as promised is in `wrong`."""

    def __init__(self, secret):
        super().__init__(_Handler)
        self.bodies, self.wrong = [], []
        self._secret, self._faults = secret.encode(), collections.deque()

    @property
    def url(self):
        return f"{super().url}/hook/made-up-hook-token"

    def fail(self, fault, times=1):
        """The next answers: a status, "cut" (accepted, but the answer is lost), "torn" (accepted, the body of that cut)."""
        self._faults.extend([fault] * times)

    def take_fault(self):
        return self._faults.popleft() if self._faults else None

    def take(self, headers, raw):
        expected = "sha256=" + hmac.new(self._secret, raw, hashlib.sha256).hexdigest()
        body = json.loads(raw)
        if not hmac.compare_digest(headers.get("X-Lectio-Signature", ""), expected):
            self.wrong.append("signature")
        if headers.get("X-Lectio-Id") != body["id"] or headers.get("Content-Type") != "application/json":
            self.wrong.append("headers")
        if {key: type(value) for key, value in body.items()} != KEYS:
            self.wrong.append(f"keys: {body}")
        self.wrong.extend(f"incident: {each}" for each in body["incidents"] if set(each) != INCIDENT_KEYS)
        self.bodies.append(body)


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        fault = self.server.stand_in.take_fault()
        if isinstance(fault, int):
            self.send_response(fault)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.server.stand_in.take(self.headers, raw)
        if fault == "cut":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if fault == "torn":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"take")
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        """Silent: a test prints what matters."""
