#!/usr/bin/env python3
"""Each type of channel, by the real lectio-notify: a real SMTP server, a real Alertmanager, strict stand-ins.

A secret of each is planted, and after each test everything that is left behind is searched for it, and while the tool
runs every command line and environment of the machine."""

import base64
import collections
import glob
import http.server
import json
import os
import pathlib
import re
import shutil
import socketserver
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request

try:
    from stand_ins.mail_server import PASSWORD, USER, MailServer
except ImportError:
    print("python3-aiosmtpd is missing")
    raise SystemExit(77)
from stack.ports import free_port
from stand_ins.bot_api import BotApi
from stand_ins.loopback import Loopback
from stand_ins.webhook import WebhookServer

SOURCE = pathlib.Path(os.environ["LECTIO_SOURCE"])
TOOLS = pathlib.Path(os.environ["LECTIO_BUILD"]) / "tools"
SECRETS = {"TOKEN": "42:made-up-bot-token", "MAIL_PASSWORD": PASSWORD, "HOOK_SECRET": "made-up-hook-secret",
           "FLEET_PASSWORD": "made-up-fleet-password"}
HOOK_TOKEN = "made-up-hook-token"


class Processes(threading.Thread):
    """Reads every command line and environment of the machine, again and again, for planted secrets.

    A child that waits between `folder`/child-runs and `folder`/child-was-seen is surely looked at."""

    def __init__(self, words, folder):
        super().__init__(daemon=True)
        self.found, self._words, self._ended = [], [word.encode() for word in words], threading.Event()
        self._runs, self._was_seen = folder / "child-runs", folder / "child-was-seen"

    def run(self):
        while not self._ended.is_set():
            runs = self._runs.exists()
            self._look()
            if runs:
                self._was_seen.touch()

    def _look(self):
        for path in glob.glob("/proc/[0-9]*/cmdline") + glob.glob("/proc/[0-9]*/environ"):
            try:
                with open(path, "rb") as file:
                    text = file.read()
            except OSError:
                continue
            self.found.extend((path, text) for word in self._words if word in text)

    def end(self):
        self._ended.set()
        self.join()


class Channels(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        for name in ("state", "run", "logs"):
            (self.folder / name).mkdir()
        env_file = self.folder / "config.env"
        env_file.touch(0o600)
        env_file.write_text("".join(f"{name}={value}\n" for name, value in SECRETS.items()))
        self.said = ""

    def tearDown(self):
        for word in (*SECRETS.values(), HOOK_TOKEN):
            self.assertNotIn(word, self.said)
            for path in self.folder.rglob("*"):
                if path.is_file() and path.name not in ("config.env", "config.toml"):
                    self.assertNotIn(word.encode(), path.read_bytes(), path)

    def configure(self, channels, alerts=""):
        paths = "".join(f'{name} = "{self.folder / name}"\n' for name in ("state", "run", "logs"))
        (self.folder / "config.toml").write_text(
            f'lang = "en"\nhost = "lectio-1"\ntimezone = "UTC"\n[paths]\nenv_file = "{self.folder}/config.env"\n{paths}'
            f"[alerts]\n{alerts}\n{channels}", encoding="utf-8")

    def certificates(self):
        folder = self.folder / "certificates"
        folder.mkdir(exist_ok=True)
        subprocess.run(["sh", SOURCE / "tests/integration/stack/make-certificates.sh", folder, "30", "mail.test"], check=True)
        return folder

    def notify(self, *arguments, text=None):
        return self.run_tool("lectio-notify", *arguments, text=text)

    def run_tool(self, tool, *arguments, text=None):
        watching = Processes([*SECRETS.values(), HOOK_TOKEN], self.folder)
        watching.start()
        done = subprocess.run([TOOLS / tool / tool, "-c", str(self.folder / "config.toml"), *arguments], input=text, text=True,
                              capture_output=True, timeout=300)
        watching.end()
        self.assertEqual(watching.found, [])
        self.said += done.stdout + done.stderr
        self.assertNotIn("AddressSanitizer", done.stderr)
        return done

    def waiting(self, channel):
        return sorted(os.listdir(self.folder / "state/outbox" / f"to-{channel}"))


class Email(Channels):
    def mail(self, server, scheme="smtp", more="", user=USER):
        certificates = self.folder / "certificates"
        login = f'user = "{user}"\npassword = "${{MAIL_PASSWORD}}"\n' if user else ""
        self.configure(f'[channel.mail]\ntype = "email"\nurl = "{scheme}://127.0.0.1:{server.port}"\n{login}'
                       f'from = "Монитор <m@example.org>"\nto = ["op@example.org", "second@example.org"]\n'
                       f'ca = "{certificates}/ca.pem"\n{more}')

    def server(self, **options):
        return self.enterContext(MailServer(self.certificates(), **options))

    def test_a_mail_arrives_over_starttls_and_over_smtps(self):
        for scheme, mode in (("smtp", "starttls"), ("smtps", "smtps")):
            with self.subTest(scheme):
                server = self.server(mode=mode)
                self.mail(server, scheme)
                text = "Диск заполнен на 99%\n.\n..две точки\n<b>&</b> 🚨"
                done = self.notify("send", "--level", "critical", text=text)
                self.assertEqual((done.returncode, done.stdout), (0, "delivered\n"), done.stderr)
                self.assertEqual(server.receivers, [["op@example.org", "second@example.org"]])
                mail = server.mails[0]
                self.assertEqual(mail["Subject"], "🚨 Диск заполнен на 99% · lectio-1")
                self.assertEqual(str(mail["From"]), "Монитор <m@example.org>")
                self.assertEqual(mail["Auto-Submitted"], "auto-generated")
                self.assertIn("\n.\n..две точки\n<b>&</b> 🚨", mail.get_body(("plain",)).get_content().replace("\r\n", "\n"))
                self.assertIn("&lt;b&gt;&amp;", mail.get_body(("html",)).get_content())
                self.assertEqual(mail.defects, [])

    def test_what_is_wrong_is_said(self):
        server = self.server()
        self.mail(server)
        self.assertEqual(self.notify("test").returncode, 0)
        for command, reply, words in (("MAIL", "550 5.7.1 not you", "does not take mail from `from`: 550 5.7.1 not you"),
                                      ("DATA", "554 5.7.1 looks like spam", "refuses this message: 554 5.7.1 looks like spam"),
                                      ("DATA", "452 4.2.2 mailbox full", "452 4.2.2 mailbox full"),
                                      ("MAIL", "drop", "was cut")):
            with self.subTest(reply):
                server.fail(command, reply)
                done = self.notify("test")
                self.assertEqual(done.returncode, 2, done.stdout)
                self.assertIn(words, done.stdout)
        (self.folder / "config.env").write_text("MAIL_PASSWORD=another-made-up\n")
        done = self.notify("test")
        self.assertIn("does not accept `user` and `password`: 535", done.stdout)
        self.assertNotIn("another-made-up", done.stdout + done.stderr)

    def test_encryption_is_required_unless_it_is_said_otherwise(self):
        server = self.server(mode="plain", login=False)
        self.mail(server, user="")
        done = self.notify("test")
        self.assertEqual(done.returncode, 2)
        self.assertIn("offers no encryption", done.stdout)
        self.assertEqual(server.mails, [])
        self.mail(server, more='starttls = "none"\n', user="")
        self.assertEqual(self.notify("test").returncode, 0)
        self.assertEqual(len(server.mails), 1)

    def test_a_certificate_that_is_not_trusted_stops_it(self):
        server = self.server(mode="smtps")
        self.mail(server, "smtps")
        self.certificates()  # another authority than the server's
        done = self.notify("test")
        self.assertEqual(done.returncode, 2)
        self.assertIn("no secure connection", done.stdout)

    def test_one_wrong_receiver_keeps_nothing_from_the_others(self):
        server = self.server()
        self.mail(server)
        server.fail("RCPT", "550-5.1.1 no such\r\n550-5.1.1 user\r\n550 5.1.1 here")
        self.assertEqual(self.notify("send", "hello").stdout, "delivered\n")
        self.assertEqual(server.receivers, [["second@example.org"]])
        why = "the mail server refuses these receivers: op@example.org"
        self.assertIn(f"channel mail: {why}; look at `to` of the channel", self.notify("status").stdout)  # named once
        self.assertIn(f"[warning] mail: {why}", (self.folder / "logs/alerts.log").read_text(encoding="utf-8"))
        server.fail("RCPT", "550 5.1.1 no such user")
        done = self.notify("test")
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"the message has arrived, but not everywhere: {why}", done.stdout)
        self.notify("send", "hello again")
        self.assertEqual(len(server.receivers[-1]), 2)
        self.assertIn("channel mail: good", self.notify("status").stdout)

    def test_a_lost_answer_marks_the_copy_which_has_the_same_id(self):
        server = self.server()
        self.mail(server)
        server.fail("DATA", "drop")
        self.notify("send", "hello")
        self.assertEqual(self.notify("flush").returncode, 0)
        self.assertEqual(len(server.mails), 2)
        first, second = server.mails
        self.assertEqual(first["Message-ID"], second["Message-ID"])
        self.assertIn("answer to its first sending was lost", second.get_body(("plain",)).get_content())

    def test_at_whatever_stage_it_fails_the_mail_comes_once_when_that_is_over(self):
        server = self.server()
        self.mail(server)
        later, person = r"stored, will be delivered", r"it will be delivered when that is mended"
        for number, (command, reply, words) in enumerate((
                ("EHLO", "421 4.3.2 shutting down", later), ("EHLO", "drop", later),
                ("STARTTLS", "454 4.7.0 TLS not available", later), ("STARTTLS", "drop", later),
                ("AUTH", "454 4.7.0 try later", later), ("AUTH", "535 5.7.8 no", person), ("AUTH", "drop", later),
                ("MAIL", "451 4.3.0 later", later), ("MAIL", "550 5.7.1 not you", person), ("MAIL", "drop", later),
                ("RCPT", "drop", later),
                ("354", "451 4.3.0 later", later), ("354", "drop", later),
                ("DATA", "451 4.3.0 later", later), ("DATA", "552 5.2.2 quota", later), ("DATA", "421 4.3.2 bye", later))):
            with self.subTest(f"{command}: {reply}"):
                server.mails.clear()
                server.fail(command, reply)
                done = self.notify("send", f"number {number}")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(words, done.stdout)
                self.assertEqual(len(self.waiting("mail")), 1)
                self.assertRegex(self.notify("status").stdout, "channel mail: .*1 attempts have failed since")
                self.assertEqual(self.notify("flush").returncode, 0)
                self.assertEqual(len(server.mails), 1)
                self.assertIn(f"number {number}", server.mails[0]["Subject"])
                self.assertNotIn("answer to its first sending was lost", server.mails[0].get_body(("plain",)).get_content())
                self.assertEqual(self.waiting("mail"), [])

    def test_what_the_server_has_accepted_is_delivered_however_it_says_goodbye(self):
        server = self.server()
        self.mail(server)
        for reply in ("drop", "421 4.3.2 bye", "500 what?"):
            with self.subTest(reply):
                server.mails.clear()
                server.fail("QUIT", reply)
                self.assertEqual(self.notify("send", "hello").stdout, "delivered\n")
                self.assertEqual((len(server.mails), self.waiting("mail")), (1, []))

    def test_where_encryption_is_stripped_no_password_is_sent(self):
        server = self.server(mode="plain")
        self.mail(server)
        done = self.notify("test")
        self.assertEqual(done.returncode, 2)
        self.assertIn("offers no encryption", done.stdout)
        self.assertEqual((server.logins, server.mails), (0, []))

    def test_a_server_that_says_nothing_costs_send_two_seconds(self):
        server = self.server()
        self.mail(server)
        server.fail("MAIL", "hang")
        done = self.notify("send", "hello")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(self.waiting("mail")), 1)


class Webhook(Channels):
    def setUp(self):
        super().setUp()
        self.hook = self.enterContext(WebhookServer(SECRETS["HOOK_SECRET"]))
        self.configure(f'[channel.hook]\ntype = "webhook"\nurl = "{self.hook.url}"\nsecret = "${{HOOK_SECRET}}"\n'
                       'headers = { X-Site = "lectio" }\n')

    def test_it_arrives_signed_and_once(self):
        self.assertEqual(self.notify("send", "--level", "warning", "--key", "k", "текст <b>").stdout, "delivered\n")
        self.assertEqual(self.hook.wrong, [])
        body = self.hook.bodies[0]
        self.assertEqual((body["level"], body["key"], body["host"]), ("warning", "k", "lectio-1"))
        self.assertIn("текст <b>", body["text"])

    def test_a_lost_answer_brings_the_same_id_again(self):
        self.hook.fail("cut")
        self.notify("send", "hello")
        self.assertEqual(self.notify("flush").returncode, 0)
        first, second = self.hook.bodies
        self.assertEqual((first["id"], first["maybe_again"], second["maybe_again"]), (second["id"], False, True))

    def test_what_was_accepted_with_a_torn_body_is_accepted(self):
        self.hook.fail("torn", times=5)
        self.assertEqual(self.notify("send", "hello").stdout, "delivered\n")
        self.assertEqual(self.notify("flush").returncode, 0)
        self.assertEqual(len(self.hook.bodies), 1)

    def test_what_is_wrong_is_said(self):
        for status, words in ((401, "`secret` and `headers`"), (404, "nobody takes this webhook"), (410, "nobody takes"),
                              (302, "has moved"), (422, "the message is refused: HTTP 422"), (500, "in trouble: HTTP 500")):
            with self.subTest(status):
                self.hook.fail(status)
                done = self.notify("test")
                self.assertEqual(done.returncode, 2)
                self.assertIn(words, done.stdout)


class Command(Channels):
    def program(self, script):
        path = self.folder / "page"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        self.configure(f'[channel.pager]\ntype = "command"\ncommand = ["{path}", "one two"]\ntimeout = "1s"\n')

    def test_the_message_is_on_its_standard_input(self):
        self.program(f'cat > {self.folder}/said; env | grep LECTIO_ | sort > {self.folder}/environment; echo "$1" >> {self.folder}/said')
        done = self.notify("send", "--level", "critical", "текст\n$(reboot) `x`")
        self.assertEqual(done.stdout, "delivered\n", done.stderr)
        said = (self.folder / "said").read_text(encoding="utf-8")
        self.assertIn("🚨 текст · lectio-1\n", said)
        self.assertIn("$(reboot) `x`", said)
        self.assertTrue(said.endswith("one two\n"))
        environment = (self.folder / "environment").read_text(encoding="utf-8")
        self.assertIn("LECTIO_LEVEL=critical\n", environment)
        self.assertIn("LECTIO_HOST=lectio-1\n", environment)
        self.assertNotIn("made-up", environment)

    def test_what_is_wrong_is_said(self):
        for script, words in (("echo no modem >&2; exit 3", "exit status 3 no modem"), ("exit 75", "asks to try again later"),
                              ("sleep 30", "did not end within"), ("kill -9 $$", "was ended by signal 9")):
            with self.subTest(script):
                self.program(script)
                done = self.notify("test")
                self.assertEqual(done.returncode, 2)
                self.assertIn(words, done.stdout)
        os.remove(self.folder / "page")
        self.assertIn("cannot be started", self.notify("test").stdout)


class RefusingProxy(Loopback):
    """A proxy that lets nobody through; `how` it says so."""

    def __init__(self):
        self.how, self.asked, self.ended = "", 0, threading.Event()
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                outer.asked += 1
                self.request.recv(4096)
                if outer.how == "hangs":
                    outer.ended.wait()
                elif outer.how.startswith("HTTP"):
                    self.request.sendall(f"{outer.how}\r\nContent-Length: 13\r\n\r\n<html></html>".encode())
                elif outer.how == "no method":  # RFC 1928, 3
                    self.request.sendall(b"\x05\xff")
                elif outer.how == "not allowed":
                    self.request.sendall(b"\x05\x00")
                    self.request.recv(4096)
                    self.request.sendall(b"\x05\x02\x00\x01\0\0\0\0\0\0")

        super().__init__(Handler, server=socketserver.ThreadingTCPServer)

    def stop(self):
        self.ended.set()
        super().stop()


class BehindAProxy(Channels):
    def telegram(self, api, proxy=""):
        proxy = f'proxy = "{proxy}"\n' if proxy else ""
        self.configure(f'[channel.bot]\ntype = "telegram"\ntoken = "${{TOKEN}}"\nchat = "-5"\napi = "{api}"\n{proxy}')

    def test_a_proxy_that_refuses_loses_and_doubles_nothing(self):
        bot = self.enterContext(BotApi(token=SECRETS["TOKEN"], chats=("-5",), limits=False))
        for number, (scheme, how) in enumerate((
                ("socks5h", "no method"), ("socks5h", "not allowed"), ("socks5h", "is cut"), ("socks5h", "hangs"),
                ("http", "HTTP/1.1 407 Proxy Authentication Required"), ("http", "HTTP/1.1 403 Forbidden"),
                ("http", "HTTP/1.1 502 Bad Gateway"), ("http", "is cut"), ("http", "hangs"))):
            with self.subTest(f"{scheme}: {how}"), RefusingProxy() as proxy:
                proxy.how = how
                self.telegram("https://api.telegram.test", f"{scheme}://127.0.0.1:{proxy.port}")
                # Critical: the budget of the chat holds it back from no attempt.
                done = self.notify("send", "--level", "critical", f"number {number}")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("stored, will be delivered", done.stdout)
                self.assertGreaterEqual(proxy.asked, 1)
                self.assertRegex(self.notify("status").stdout, r"channel bot: 1 attempts have failed since")
                self.telegram(bot.url)
                self.assertEqual(self.notify("flush").returncode, 0)
                self.assertEqual(len(bot.messages), number + 1)
                self.assertIn(f"number {number}", bot.texts()[-1])
                # It never came through: nothing can have arrived before.
                self.assertNotIn("answer to its first sending was lost", bot.messages[-1]["text"])


class Receiver(Loopback):
    """A webhook receiver of Alertmanager's: (firing or resolved, labels) of each alert that it was told of."""

    def __init__(self):
        told = self.told = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                told.extend((alert["status"], alert["labels"]) for alert in body["alerts"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                """Silent."""

        super().__init__(Handler)


@unittest.skipUnless(shutil.which("prometheus-alertmanager") and shutil.which("amtool"), "prometheus-alertmanager is missing")
class Alertmanager(Channels):
    def setUp(self):
        super().setUp()
        self.url = f"http://127.0.0.1:{free_port()}"
        self.receiver = self.enterContext(Receiver())
        (self.folder / "alertmanager.yml").write_text(
            "route:\n  receiver: nobody\n  group_by: [alertname]\n  group_wait: 0s\n  group_interval: 1s\n"
            "  routes:\n  - matchers: [tool=health, severity=critical]\n    receiver: phone\n"
            f"receivers:\n- name: nobody\n- name: phone\n  webhook_configs:\n  - url: {self.receiver.url}\n")
        self.process = None
        self.start()
        self.configure(f'[channel.fleet]\ntype = "alertmanager"\nurl = "{self.url}/"\nlabels = {{ site = "lectio" }}\n')

    def start(self):
        self.process = subprocess.Popen(
            ["prometheus-alertmanager", f"--config.file={self.folder}/alertmanager.yml", "--cluster.listen-address=",
             f"--storage.path={self.folder}/alertmanager", f"--web.listen-address={self.url.removeprefix('http://')}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.stop)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5):
                    return
            except OSError:
                time.sleep(0.05)
        self.fail("Alertmanager does not start")

    def stop(self):
        if self.process:
            self.process.terminate()  # whom it has told it keeps, the alerts themselves it forgets
            self.process.wait()
            self.process = None

    def alerts(self):
        """What is firing, as amtool sees it."""
        done = subprocess.run(["amtool", f"--alertmanager.url={self.url}", "--output=json", "alert"], check=True,
                              capture_output=True, text=True, timeout=300)
        return json.loads(done.stdout or "[]")

    def test_a_text_is_an_alert_with_labels_and_an_end(self):
        self.assertEqual(self.notify("send", "--level", "critical", "копия\nне сделана").stdout, "delivered\n")
        alert, = self.alerts()
        self.assertEqual(alert["labels"], {"alertname": "notify/send", "severity": "critical", "tool": "notify", "check": "send",
                                           "host": "lectio-1", "instance": "lectio-1", "site": "lectio"})
        self.assertIn("не сделана", alert["annotations"]["description"])
        self.assertGreater(alert["endsAt"], alert["startsAt"])

    def test_what_has_a_key_fires_until_it_is_said_to_be_over(self):
        self.notify("send", "--level", "critical", "--key", "backup", "копия\nне сделана")
        alert, = self.alerts()
        self.assertEqual((alert["labels"]["alertname"], alert["labels"]["severity"]), ("health/key-backup", "critical"))
        self.assertIn("не сделана", alert["annotations"]["description"])
        self.notify("send", "--level", "resolved", "--key", "backup")
        self.wait_until(lambda: not self.alerts(), "over")

    def watch(self, severity="critical"):
        self.configure(f'[channel.fleet]\ntype = "alertmanager"\nurl = "{self.url}/"\nlabels = {{ site = "lectio" }}\n'
                       f'[health.check.page]\ntype = "file"\npath = "{self.folder}/page"\nrecheck = "0s"\nseverity = "{severity}"\n')

    def health(self):
        return json.loads(self.run_tool("lectio-health", "--format", "json").stdout)

    def five_minutes_pass(self):
        """Since this channel told anew what is open."""
        memory = self.folder / "state/outbox/memory-fleet/state.json"
        text = memory.read_text(encoding="utf-8")
        self.assertRegex(text, r'"told_anew":[1-9]')
        memory.write_text(re.sub(r'"told_anew":(\d+)', lambda match: f'"told_anew":{int(match[1]) - 300_000}', text), encoding="utf-8")

    def wait_until(self, condition, what):
        deadline = time.monotonic() + 30
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"not so: {what}: {self.receiver.told}")
            time.sleep(0.05)

    def test_an_incident_fires_is_told_anew_and_ends(self):
        self.watch()
        incident, = self.health()["incidents"]
        alert, = self.alerts()
        self.assertEqual(alert["labels"], {"alertname": "health/page", "severity": "critical", "tool": "health", "check": "page",
                                           "host": "lectio-1", "instance": "lectio-1", "site": "lectio"})
        self.assertEqual(alert["annotations"]["incident"], incident["id"])
        self.wait_until(lambda: self.receiver.told, "routed to the phone")
        self.stop()
        self.start()
        self.assertEqual(self.alerts(), [])
        self.five_minutes_pass()
        self.health()
        again, = self.alerts()
        self.assertEqual((again["fingerprint"], again["startsAt"]), (alert["fingerprint"], alert["startsAt"]))
        self.five_minutes_pass()
        self.health()
        self.assertEqual(len(self.alerts()), 1)
        (self.folder / "page").write_text("hello")
        self.assertEqual(self.health()["incidents"][0]["state"], "resolved")
        self.assertEqual(self.alerts(), [])
        self.wait_until(lambda: self.receiver.told[-1][0] == "resolved", "its end is told")
        # Told anew, it was one alert all along.
        self.assertEqual([status for status, _ in self.receiver.told], ["firing", "resolved"])

    def test_another_severity_ends_the_alert_of_the_first(self):
        self.watch("warning")
        self.health()
        self.assertEqual([alert["labels"]["severity"] for alert in self.alerts()], ["warning"])
        self.watch("critical")
        self.health()
        self.assertEqual([alert["labels"]["severity"] for alert in self.alerts()], ["critical"])
        (self.folder / "page").write_text("hello")
        self.health()
        self.assertEqual(self.alerts(), [])

    def test_nothing_listens(self):
        self.stop()
        done = self.notify("test")
        self.assertEqual(done.returncode, 2)
        self.assertIn("refused", done.stdout)
        self.assertEqual(self.notify("send", "hello").returncode, 0)
        self.start()
        self.assertEqual(self.notify("flush").returncode, 0)
        self.assertEqual(len(self.alerts()), 1)

    def test_something_else_listens(self):
        bot = self.enterContext(BotApi())
        self.configure(f'[channel.fleet]\ntype = "alertmanager"\nurl = "{bot.url}"\n')
        self.assertIn("no Alertmanager answers there (HTTP 404)", self.notify("test").stdout)


class FailingAlertmanager(Loopback):
    """Answers as it is told: a status, "hang", "cut" (taken, and no word about it)."""

    def __init__(self):
        self.alerts, self.answers, self.ended = [], collections.deque(), threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                alerts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answer = outer.answers.popleft() if outer.answers else 200
                if answer in (200, "cut"):
                    outer.alerts.extend(alerts)
                if answer == "hang":
                    outer.ended.wait()
                if answer in ("hang", "cut"):
                    self.close_connection = True
                    return
                self.send_response(answer)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                """Silent."""

        super().__init__(Handler)

    def stop(self):
        self.ended.set()
        super().stop()


class FailingFleet(Channels):
    def test_whatever_it_answers_the_alert_fires_when_that_is_over(self):
        fleet = self.enterContext(FailingAlertmanager())
        self.configure(f'[channel.fleet]\ntype = "alertmanager"\nurl = "{fleet.url}"\n')
        for number, (answer, words) in enumerate(((500, "HTTP 500"), (503, "HTTP 503"), (429, "HTTP 429"), (400, "HTTP 400"),
                                                  (401, "HTTP 401"), (404, "HTTP 404"), ("hang", "no full answer within"), ("cut", "closed before an answer"))):
            with self.subTest(answer):
                fleet.alerts.clear()
                fleet.answers.append(answer)
                done = self.notify("send", "--level", "critical", f"number {number}")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("stored", done.stdout)
                self.assertIn(words, self.notify("status").stdout)
                self.assertEqual(self.notify("flush").returncode, 0)
                # The same alert told twice is one alert.
                self.assertEqual(len({json.dumps(alert["labels"], sort_keys=True) for alert in fleet.alerts}), 1)
                self.assertEqual(self.waiting("fleet"), [])


class GuardedAlertmanager(Loopback):
    """Takes alerts from who has the password only, as one with basic_auth_users does."""

    USER = "monitor"

    def __init__(self, password):
        self.alerts, self.turned_away, self.broken = [], 0, False
        outer = self
        allowed = "Basic " + base64.b64encode(f"{self.USER}:{password}".encode()).decode()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                alerts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                known = self.headers.get("Authorization") == allowed
                if known and not outer.broken:
                    outer.alerts.extend(alerts)
                outer.turned_away += not known
                self.send_response(401 if not known else 500 if outer.broken else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                """Silent."""

        super().__init__(Handler)


class EveryChannel(Channels):
    """One configuration with all of them, their secrets, and children that are looked at while they run."""

    CHILD = "touch {folder}/child-runs; while [ ! -e {folder}/child-was-seen ]; do sleep 0.01; done"

    def setUp(self):
        super().setUp()
        self.bot = self.enterContext(BotApi(token=SECRETS["TOKEN"], chats=("-5",), limits=False))
        self.mail = self.enterContext(MailServer(self.certificates()))
        self.hook = self.enterContext(WebhookServer(SECRETS["HOOK_SECRET"]))
        self.fleet = self.enterContext(GuardedAlertmanager(SECRETS["FLEET_PASSWORD"]))
        self.know(SECRETS)
        child = self.folder / "child"
        child.write_text("#!/bin/sh\n" + self.CHILD.format(folder=self.folder) + "\n")
        child.chmod(0o755)
        self.configure(f'''
[channel.bot]
type = "telegram"
token = "${{TOKEN}}"
chat = "-5"
api = "{self.bot.url}"
operators = [111]
[channel.mail]
type = "email"
url = "smtp://127.0.0.1:{self.mail.port}"
user = "{USER}"
password = "${{MAIL_PASSWORD}}"
from = "m@example.org"
to = ["op@example.org"]
ca = "{self.folder}/certificates/ca.pem"
[channel.hook]
type = "webhook"
url = "${{HOOK_URL}}"
secret = "${{HOOK_SECRET}}"
[channel.fleet]
type = "alertmanager"
url = "{self.fleet.url.replace("//", f"//{GuardedAlertmanager.USER}:${{FLEET_PASSWORD}}@")}"
[channel.pager]
type = "command"
command = ["{child}"]
[health.check.page]
type = "file"
path = "{self.folder}/page"
recheck = "0s"
[[health.recovery]]
name = "mend"
when = ["page"]
action = "exec"
command = ["{child}"]
''')

    def know(self, secrets):
        (self.folder / "config.env").write_text(
            "".join(f"{name}={value}\n" for name, value in {**secrets, "HOOK_URL": self.hook.url}.items()))

    def forget_child(self):
        """The next child is looked at anew."""
        self.children_seen += (self.folder / "child-was-seen").exists()
        for name in ("child-runs", "child-was-seen"):
            (self.folder / name).unlink(missing_ok=True)

    def commands(self):
        self.children_seen = 0
        for arguments in (["send", "--level", "critical", "text"], ["test"], ["flush"], ["status"], ["list"], ["retry"], ["rejected"],
                          ["test", "-v"], ["status", "--format", "json"], ["poll", "--dry-run"], ["--check-config"]):
            self.forget_child()
            self.notify(*arguments)
        for arguments in ([], ["-v", "--format", "json"], ["--dry-run"], ["--check-config"]):
            self.forget_child()
            self.run_tool("lectio-health", *arguments)
        self.forget_child()
        return self.children_seen

    def test_no_secret_is_seen_anywhere(self):
        self.assertGreaterEqual(self.commands(), 3)  # of send, of test, of health
        self.assertTrue(self.bot.messages and self.mail.mails and self.hook.bodies and self.fleet.alerts)
        self.assertEqual(self.fleet.turned_away, 0)

    def test_no_secret_is_seen_where_every_channel_fails(self):
        self.bot.fail("drop", times=1000)
        self.hook.fail(401, times=1000)
        self.fleet.broken = True
        self.know(SECRETS | {"MAIL_PASSWORD": PASSWORD + "2"})
        self.assertGreaterEqual(self.commands(), 2)
        self.know(SECRETS | {"MAIL_PASSWORD": PASSWORD + "2", "FLEET_PASSWORD": SECRETS["FLEET_PASSWORD"] + "2"})
        self.bot.stop()
        self.assertGreaterEqual(self.commands(), 1)
        self.assertEqual(self.bot.messages + self.fleet.alerts, [])
        self.assertGreater(self.fleet.turned_away, 0)


if __name__ == "__main__":
    unittest.main()
