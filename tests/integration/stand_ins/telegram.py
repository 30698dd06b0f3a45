#!/usr/bin/env python3
"""A stand-in for the Telegram Bot API, as strict as the published server (FACTS of the Bot API).

Binds 127.0.0.1:0 and prints its port on the first line of standard output.

    telegram.py [--messages FILE] [--token TOKEN] [--chat ID]...

Accepted messages are appended to FILE as JSON lines {"chat", "text", "raw", "reply_to", "silent", "id", "time"}
and are to be had from GET /control/messages. Without --token every token is right, without --chat every chat is.

Scripting: POST /control with a JSON list of steps; each request to sendMessage takes the next one:
    {"do": "refuse", "code": 400, "description": "…", "parameters": {…}}   the server's own refusal
    {"do": "wait", "seconds": 30}      429 with retry_after
    {"do": "html", "code": 502}        what a proxy says
    {"do": "hang", "seconds": 20}      no answer
    {"do": "cut"}                      accepted, then the connection is cut
    {"do": "drop"}                     the connection is cut, nothing is accepted
    {"do": "accept"}                   as without a script
A step with "for": "ever" stays. POST /control with [] ends the script.
"""
import argparse
import json
import re
import socketserver
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler

TAGS = {"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "code", "pre", "a", "tg-spoiler", "span",
        "blockquote", "tg-emoji"}
NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
ENTITY = re.compile(r"&(?:(lt|gt|amp|quot)|#(\d{1,7})|#x([0-9a-fA-F]{1,6}));")
TAG = re.compile(r"<(/?)([A-Za-z-]*)([^>]*)>")


class Refusal(Exception):
    def __init__(self, code, description, parameters=None):
        super().__init__(description)
        self.code, self.description, self.parameters = code, description, parameters


def bad_entities(text, at, why):
    offset = len(text[:at].encode())
    return Refusal(400, f"Bad Request: can't parse entities: {why} at byte offset {offset}")


def parse_html(raw):
    """The text as the reader sees it; raises what the server would answer."""
    out, open_tags, at = [], [], 0
    while at < len(raw):
        if raw[at] == "<":
            tag = TAG.match(raw, at)
            if not tag:
                raise bad_entities(raw, at, "unclosed start tag")
            name = tag[2].lower()
            if tag[1]:
                if not open_tags or open_tags.pop() != name:
                    raise bad_entities(raw, at, f'unexpected end tag "{name}"')
            else:
                if name not in TAGS:
                    raise bad_entities(raw, at, f'unsupported start tag "{name}"')
                open_tags.append(name)
            at = tag.end()
        elif raw[at] == "&" and (entity := ENTITY.match(raw, at)):
            code = int(entity[2] or 0) or int(entity[3] or "0", 16)
            out.append(NAMED[entity[1]] if entity[1] else chr(code) if 0 < code < 0x110000 else "\ufffd")
            at = entity.end()
        else:
            out.append(raw[at])
            at += 1
    if open_tags:
        raise bad_entities(raw, at, f'can\'t find end tag corresponding to start tag "{open_tags[-1]}"')
    return "".join(out)


def utf16_units(text):
    return len(text.encode("utf-16-le")) // 2


class State:
    def __init__(self, options):
        self.options = options
        self.lock = threading.Lock()
        self.script, self.messages = [], []

    def next_step(self):
        with self.lock:
            if not self.script:
                return {"do": "accept"}
            return self.script[0] if self.script[0].get("for") == "ever" else self.script.pop(0)

    def accept(self, fields):
        raw = str(fields.get("text", ""))
        if len(raw.encode()) > 32768:
            raise Refusal(400, "Bad Request: message is too long")
        text = (parse_html(raw) if str(fields.get("parse_mode", "")).lower() == "html" else raw).strip()
        if not text:
            raise Refusal(400, "Bad Request: message text is empty")
        if utf16_units(text) > 4096:
            raise Refusal(400, "Bad Request: message is too long")
        chat = str(fields.get("chat_id", ""))
        if not chat:
            raise Refusal(400, "Bad Request: chat_id is empty")
        if self.options.chat and chat not in self.options.chat:
            raise Refusal(400, "Bad Request: chat not found")
        with self.lock:
            message = {"id": len(self.messages) + 1, "chat": chat, "text": text, "raw": raw,
                       "reply_to": (fields.get("reply_parameters") or {}).get("message_id"),
                       "silent": bool(fields.get("disable_notification", False)), "time": time.time()}
            self.messages.append(message)
            if self.options.messages:
                with open(self.options.messages, "a", encoding="utf-8") as out:
                    out.write(json.dumps(message, ensure_ascii=False) + "\n")
        return message


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *ignored):
        pass

    def answer(self, code, body, kind="application/json", headers=()):
        data = (json.dumps(body) if kind == "application/json" else body).encode()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, refusal):
        body = {"ok": False, "error_code": refusal.code, "description": refusal.description}
        headers = []
        if refusal.parameters:
            body["parameters"] = refusal.parameters
            if "retry_after" in refusal.parameters:
                headers.append(("Retry-After", str(refusal.parameters["retry_after"])))
        self.answer(refusal.code, body, headers=headers)

    def cut(self):
        self.close_connection = True
        self.connection.shutdown(2)

    def do_GET(self):
        if self.path == "/control/messages":
            with self.server.state.lock:
                self.answer(200, list(self.server.state.messages))
        else:
            self.handle_method({})

    def do_POST(self):
        length = int(self.headers.get("Content-Length", "0"))
        data = self.rfile.read(length)
        if self.path == "/control":
            with self.server.state.lock:
                self.server.state.script = json.loads(data)
            self.answer(200, {})
            return
        if "json" in self.headers.get("Content-Type", ""):
            try:
                fields = json.loads(data)
            except ValueError:
                self.refuse(Refusal(400, "Bad Request: can't parse JSON object"))
                return
        else:
            fields = dict(urllib.parse.parse_qsl(data.decode("utf-8", "replace")))
        self.handle_method(fields)

    def handle_method(self, fields):
        found = re.fullmatch(r"/bot([^/]+)/(\w+)(?:\?.*)?", self.path)
        if not found:
            self.refuse(Refusal(404, "Not Found"))
            return
        wanted = self.server.state.options.token
        if wanted and found[1] != wanted:
            self.refuse(Refusal(401, "Unauthorized"))
        elif found[2].lower() != "sendmessage":
            self.refuse(Refusal(404, "Not Found: method not found"))
        else:
            self.send_message(self.server.state.next_step(), fields)

    def send_message(self, step, fields):
        what = step["do"]
        if what == "refuse":
            self.refuse(Refusal(step["code"], step.get("description", "Refused"), step.get("parameters")))
        elif what == "wait":
            seconds = step["seconds"]
            self.refuse(Refusal(429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds}))
        elif what == "html":
            self.answer(step["code"], "<html><h1>Bad Gateway</h1></html>", "text/html")
        elif what == "hang":
            time.sleep(step["seconds"])
            self.cut()
        elif what == "drop":
            self.cut()
        else:
            try:
                message = self.server.state.accept(fields)
            except Refusal as refusal:
                self.refuse(refusal)
                return
            if what == "cut":
                self.cut()
            else:
                self.answer(200, {"ok": True, "result": {"message_id": message["id"],
                                                         "chat": {"id": message["chat"]}, "text": message["text"]}})


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that goes away is the client's business."""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages")
    parser.add_argument("--token")
    parser.add_argument("--chat", action="append")
    with Server(("127.0.0.1", 0), Handler) as server:
        server.state = State(parser.parse_args())
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)
