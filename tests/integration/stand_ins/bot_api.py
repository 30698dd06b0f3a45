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
import pathlib
import re
import socket
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).parent))  # as a program it is alone with its folder

from loopback import Loopback  # noqa: E402 (found by the line above)

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


class BotApi(Loopback):
    """Accepts messages until stop(); `messages` are {"chat", "text", "raw", "time", "answers", "buttons"}."""

    def __init__(self, port=0, limits=True, log=None, token=TOKEN, chats=None):
        super().__init__(_Handler, port)
        self.messages = []
        self._limits, self._log, self._token, self._chats = limits, log, token, chats
        self._faults = collections.deque()
        self._accepted_at = collections.defaultdict(collections.deque)  # chat → times, within the last minute
        self.commands = {}  # chat → what setMyCommands registered
        self.presses_answered = {}  # id of the press → text of the bubble
        self.webhook = False
        self._updates, self._next_update, self._pollers, self._held = [], 1000, 0, 0
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._ended = threading.Event()

    def texts(self):
        return [message["text"] for message in self.messages]

    def start(self):
        self._ended.clear()
        super().start()

    def stop(self):
        self._ended.set()
        super().stop()

    def fail(self, fault, times=1):
        """The next answers: a Refused, "status N" (as a proxy would say it: HTML), "hang", "drop" (the connection is
        cut, nothing accepted), "cut" (accepted, but the answer is lost)."""
        self._faults.extend([fault] * times)

    def forget(self):
        """What was sent and what was written to the bot; who is who stays."""
        with self._lock:
            self.messages.clear()
            self._updates.clear()

    # --- what people do ------------------------------------------------------------------------------------------

    def write(self, text, who, chat, date=None, name="anna"):
        """Somebody writes to the bot; the id of the update."""
        return self.update(message={"message_id": 5000 + self._next_update, "from": {"id": who, "is_bot": False, "username": name},
                                    "chat": {"id": int(chat)}, "date": int(date or time.time()), "text": text})

    def press(self, data, who, chat, message=1, name="anna"):
        """Somebody presses a button; the id of the press."""
        number = self.update(callback_query={"id": f"press-{self._next_update}", "data": data,
                                             "from": {"id": who, "is_bot": False, "username": name},
                                             "message": {"message_id": message, "chat": {"id": int(chat)}, "date": 1}})
        return f"press-{number}"

    def update(self, **what):
        with self._changed:
            number, self._next_update = self._next_update, self._next_update + 1
            self._updates.append({"update_id": number, **what})
            self._changed.notify_all()
            return number

    def is_polled(self):
        """A getUpdates is being held just now."""
        with self._lock:
            return self._held > 0

    def unconfirmed(self):
        """Updates that nobody has confirmed by asking for what comes after them."""
        with self._lock:
            return [update["update_id"] for update in self._updates]

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
        if method == "getUpdates":
            return self._get_updates(fields)
        if method == "setMyCommands":
            commands = fields["commands"]
            if not all(re.fullmatch(r"[a-z0-9_]{1,32}", each["command"]) and 1 <= len(each["description"]) <= 256
                       for each in commands):
                raise Refused(400, "Bad Request: BOT_COMMAND_INVALID")
            self.commands[str(fields["scope"]["chat_id"])] = commands
            return True
        if method == "answerCallbackQuery":
            if len(fields.get("text", "")) > 200:
                raise Refused(400, "Bad Request: MESSAGE_TOO_LONG")
            self.presses_answered[fields["callback_query_id"]] = fields.get("text", "")
            return True
        raise Refused(404, "Not Found")

    def _get_updates(self, fields):
        if self.webhook:
            raise Refused(409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to "
                               "delete the webhook first")
        offset, until = int(fields.get("offset", 0)), time.monotonic() + min(int(fields.get("timeout", 0)), 50)
        with self._changed:
            self._pollers += 1
            mine = self._pollers
            self._changed.notify_all()  # an earlier poller is ended by this one
            self._updates = [update for update in self._updates if update["update_id"] >= offset]
            while not self._updates and time.monotonic() < until and not self._ended.is_set():
                self._held += 1
                self._changed.wait(min(0.2, max(0.0, until - time.monotonic())))
                self._held -= 1
                if self._pollers != mine:
                    raise Refused(409, "Conflict: terminated by other getUpdates request; make sure that only one "
                                       "bot instance is running")
            return self._updates[:int(fields.get("limit", 100))]

    def _send(self, fields):
        chat = str(fields.get("chat_id", ""))
        if not re.fullmatch(r"-?\d+|@\w+", chat) or (self._chats is not None and chat not in self._chats):
            raise Refused(400, "Bad Request: chat not found")
        raw = str(fields.get("text", ""))
        text = visible(raw, fields.get("parse_mode", ""))
        with self._lock:
            self._keep_to_rates(chat)
            message = {"chat": chat, "text": text, "raw": raw, "time": time.time(),
                       "answers": fields.get("reply_parameters", {}).get("message_id"),
                       "buttons": _buttons(fields.get("reply_markup"))}
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


def _buttons(markup):
    """{label: data} of an inline keyboard; Refused where the server takes it not."""
    buttons = {}
    for row in (markup or {}).get("inline_keyboard", []):
        for each in row:
            if not each.get("text") or not 1 <= len(each.get("callback_data", "").encode()) <= 64:
                raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")
            buttons[each["text"]] = each["callback_data"]
    return buttons


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self._serve()

    def do_POST(self):
        self._serve()

    def _serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        bot, fault = self.server.stand_in, self.server.stand_in.next_fault()
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
