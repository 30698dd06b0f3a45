"""Zoom, T-Bank, YooKassa, Google and Telegram on loopback, as far as the profile of Lectio asks them."""

import http.server
import json

from stand_ins.loopback import Loopback

APIS = ("ZOOM_API", "TBANK_API", "YOOKASSA_API", "GOOGLE_API", "TELEGRAM_API")


class Partners(Loopback):
    """Well until an attribute says otherwise; `variables` is what the profile needs to ask them."""

    def __init__(self):
        self.tbank, self.yookassa, self.token, self.bot, self.drive = 405, 401, "bearer", True, "drive"
        super().__init__(Handler)

    @property
    def variables(self):
        return dict.fromkeys(APIS, self.url) | {"ZOOM_ACCOUNT_ID": "acc", "ZOOM_BASIC": "aWQ6cw==", "TELEGRAM_BOT_TOKEN": "7:made-up"}

    def answer(self, method, path, login):
        if path == "/oauth/token?grant_type=account_credentials&account_id=acc" and method == "POST":
            return (200, {"access_token": "x", "token_type": self.token}) if login == "Basic aWQ6cw==" else (401, {})
        answers = {"/v2/Init": (self.tbank, {}), "/v3/payments": (self.yookassa, {"type": "error"}),
                   "/discovery/v1/apis/drive/v3/rest": (200, {"name": self.drive}),
                   "/bot7:made-up/getMe": (200, {"ok": self.bot, "result": {"is_bot": True}})}
        return answers.get(path, (404, {}))


class Handler(http.server.BaseHTTPRequestHandler):
    def _answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, body = self.server.stand_in.answer(self.command, self.path, self.headers.get("Authorization"))
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = _answer

    def log_message(self, *_):
        pass
