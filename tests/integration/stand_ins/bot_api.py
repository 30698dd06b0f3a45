#!/usr/bin/env python3
"""A strict stand-in for Telegram's Bot API on loopback: it refuses what the real one refuses.

    with BotApi() as bot:                       # bot.url is the channel's `api`
        bot.fail("status 502", times=2)
        bot.texts()                             # what the reader's phone shows

Its rules are those of the Bot API's documentation and of the published server. As a program it serves until it
is ended: bot_api.py --port 8081 --log FILE (each accepted message as one JSON object a line).
"""

import argparse
import collections
import http.server
import json
import re
import socket
import threading
import time
import urllib.parse

TOKEN = "123456:made-up-token-of-the-tests"
TEXT_UNITS = 4096  # UTF-16 code units, counted after parsing and trimming
RAW_BYTES = 32768
TAGS = {"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "code", "pre", "a", "tg-spoiler", "span",
        "blockquote", "tg-emoji"}
ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
BURST = 5  # messages to a chat at once; then one a second
GROUP_A_MINUTE = 20  # a group has a negative id


class Refused(Exception):
    """An answer with ok: false."""

    def __init__(self, code, description, **parameters):
        super().__init__(description)
        self.code, self.parameters = code, parameters


# --- what a message looks like to its reader ------------------------------------------------------------------

_TAG = re.compile(r"<(?P<end>/?)(?P<name>[a-zA-Z][a-zA-Z0-9-]*)(?P<attributes>(?:\s+[\w-]+(?:=(?:\"[^\"]*\"|'[^']*'|[^\s>]+))?)*)\s*>")
_ENTITY = re.compile(r"&(?:#(?P<decimal>\d{1,7})|#[xX](?P<hex>[0-9a-fA-F]{1,6})|(?P<name>[a-z]+));")


def without_markup(text):
    """The text of a message in HTML; Refused where the server cannot parse it."""
    parts, open_tags, at = [], [], 0
    while at < len(text):
        if text[at] == "<":
            tag = _TAG.match(text, at)
            if not tag:
                raise _cannot_parse(text, at, "Unsupported start tag")
            _enter_or_leave(text, at, tag, open_tags)
            at = tag.end()
        elif entity := _ENTITY.match(text, at):
            parts.append(_character(entity))
            at = entity.end()
        else:
            parts.append(text[at])  # also a bare &
            at += 1
    if open_tags:
        raise _cannot_parse(text, at, f'Can\'t find end tag corresponding to start tag "{open_tags[-1]}"')
    return "".join(parts)


def _enter_or_leave(text, at, tag, open_tags):
    name = tag["name"].lower()
    if tag["end"]:
        if not open_tags or open_tags.pop() != name:
            raise _cannot_parse(text, at, f'Unmatched end tag "{name}"')
        return
    if name not in TAGS or (name == "span" and "tg-spoiler" not in tag["attributes"]):
        raise _cannot_parse(text, at, f'Unsupported start tag "{name}"')
    # <pre><code class="language-x"> is the one exception.
    if open_tags and open_tags[-1] in ("code", "pre") and (open_tags[-1], name) != ("pre", "code"):
        raise _cannot_parse(text, at, f'"{open_tags[-1]}" holds no other entity')
    open_tags.append(name)


def _character(entity):
    if entity["name"]:
        return ENTITIES.get(entity["name"], entity.group())  # an unknown one stays as it was typed
    return chr(int(entity["decimal"]) if entity["decimal"] else int(entity["hex"], 16))


def _cannot_parse(text, at, what):
    return Refused(400, f"Bad Request: can't parse entities: {what} at byte offset {len(text[:at].encode())}")


def visible(text, parse_mode):
    """What the reader sees of a message; Refused where the server takes it not."""
    if len(text.encode()) > RAW_BYTES:
        raise Refused(400, "Bad Request: message is too long")
    if parse_mode == "HTML":
        text = without_markup(text)
    elif parse_mode:
        raise Refused(400, "Bad Request: unsupported parse_mode")
    text = text.strip()
    if not text:
        raise Refused(400, "Bad Request: message text is empty")
    if len(text.encode("utf-16-le")) // 2 > TEXT_UNITS:
        raise Refused(400, "Bad Request: message is too long")
    return text


# --- the server -----------------------------------------------------------------------------------------------


class BotApi:
    """Accepts messages until stop(); `messages` are {"chat", "text", "raw", "time"}."""

    def __init__(self, port=0, limits=True, log=None, token=TOKEN, chats=None):
        self.messages = []
        self._limits, self._log, self._token, self._chats = limits, log, token, chats
        self._faults = collections.deque()
        self._accepted_at = collections.defaultdict(collections.deque)  # chat → times, within the last minute
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._port, self._server = port, None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._port}"

    def texts(self):
        return [message["text"] for message in self.messages]

    def start(self):
        """Listens; after a stop() on the same port again."""
        self._ended.clear()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self._port), _Handler)
        self._server.daemon_threads = True
        self._server.bot = self
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self):
        """Connections are refused from now on."""
        if self._server:
            self._ended.set()
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def fail(self, fault, times=1):
        """The next answers: a Refused, "status N" (as a proxy would say it: HTML), "hang", "drop" (the connection is
        cut, nothing accepted), "cut" (accepted, but the answer is lost)."""
        self._faults.extend([fault] * times)

    # --- called by the handler -----------------------------------------------------------------------------

    def next_fault(self):
        with self._lock:
            return self._faults.popleft() if self._faults else None

    def hold(self):
        """Keeps a client waiting until the stand-in ends."""
        self._ended.wait()

    def answer(self, token, method, fields):
        """The result of a method, or Refused."""
        if token != self._token:
            raise Refused(401, "Unauthorized")
        if method == "getMe":
            return {"id": 123456, "is_bot": True, "first_name": "stand-in", "username": "stand_in_bot"}
        if method == "sendMessage":
            return self._send(fields)
        raise Refused(404, "Not Found")

    def _send(self, fields):
        chat = str(fields.get("chat_id", ""))
        if not re.fullmatch(r"-?\d+|@\w+", chat) or (self._chats is not None and chat not in self._chats):
            raise Refused(400, "Bad Request: chat not found")
        raw = str(fields.get("text", ""))
        text = visible(raw, fields.get("parse_mode", ""))
        with self._lock:
            self._keep_to_rates(chat)
            message = {"chat": chat, "text": text, "raw": raw, "time": time.time()}
            self.messages.append(message)
            if self._log:
                with open(self._log, "a", encoding="utf-8") as log:
                    log.write(json.dumps(message, ensure_ascii=False) + "\n")
            return {"message_id": len(self.messages), "chat": {"id": chat}, "date": int(message["time"]), "text": text}

    def _keep_to_rates(self, chat):
        now, times = time.monotonic(), self._accepted_at[chat]
        while times and now - times[0] > 60:
            times.popleft()
        if self._limits:
            at_once = [moment for moment in times if now - moment < BURST]
            if len(at_once) >= BURST:
                raise self._too_fast(at_once[0] + BURST - now)
            if chat.startswith("-") and len(times) >= GROUP_A_MINUTE:
                raise self._too_fast(times[0] + 60 - now)
        times.append(now)

    @staticmethod
    def _too_fast(seconds):
        wait = max(1, round(seconds + 0.5))
        return Refused(429, f"Too Many Requests: retry after {wait}", retry_after=wait)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self._serve()

    def do_POST(self):
        self._serve()

    def _serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        bot, fault = self.server.bot, self.server.bot.next_fault()
        if isinstance(fault, Refused):
            return self._refuse(fault)
        if fault and fault.startswith("status"):
            return self._write(int(fault.split()[1]), b"<html><h1>Bad Gateway</h1></html>", "text/html")
        if fault == "hang":
            bot.hold()
        if fault in ("hang", "drop"):
            return self._cut()
        try:
            address = urllib.parse.urlsplit(self.path)
            _, token, method = re.fullmatch(r"(/bot)([^/]+)/(\w+)", address.path).groups()
            result = bot.answer(token, method, self._fields(address.query, body))
        except AttributeError:
            return self._refuse(Refused(404, "Not Found"))
        except (ValueError, UnicodeDecodeError):
            return self._refuse(Refused(400, "Bad Request: strings must be encoded in UTF-8"))
        except Refused as refused:
            return self._refuse(refused)
        if fault == "cut":
            return self._cut()
        return self._write_json(200, {"ok": True, "result": result})

    def _fields(self, query, body):
        kind = self.headers.get("Content-Type", "")
        fields = dict(urllib.parse.parse_qsl(query, keep_blank_values=True, errors="strict"))
        if kind.startswith("application/json"):
            fields.update(json.loads(body.decode()))
        elif kind.startswith("application/x-www-form-urlencoded"):
            fields.update(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True, errors="strict"))
        return fields

    def _refuse(self, refused):
        answer = {"ok": False, "error_code": refused.code, "description": str(refused)}
        if refused.parameters:
            answer["parameters"] = refused.parameters
        self._write_json(refused.code, answer, retry_after=refused.parameters.get("retry_after"))

    def _write_json(self, status, answer, retry_after=None):
        self._write(status, json.dumps(answer).encode(), "application/json", retry_after)

    def _write(self, status, body, kind, retry_after=None):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if retry_after is not None:
            self.send_header("Retry-After", str(retry_after))
        self.end_headers()
        self.wfile.write(body)

    def _cut(self):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_):
        """Silent: a test prints what matters."""

    def handle(self):
        try:
            super().handle()
        except ConnectionError:  # a client that was killed
            self.close_connection = True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--no-limits", action="store_true", help="as many messages as come, however fast")
    arguments = parser.parse_args()
    with BotApi(arguments.port, limits=not arguments.no_limits, log=arguments.log):
        threading.Event().wait()


if __name__ == "__main__":
    main()
