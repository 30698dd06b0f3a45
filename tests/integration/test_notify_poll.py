#!/usr/bin/env python3
"""lectio-notify poll, the real binary: operators write to the strict stand-in of the Bot API and are obeyed."""
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from stand_ins.bot_api import BotApi, Refused

TOOLS = os.path.join(os.environ["LECTIO_BUILD"], "tools")
TOKEN = "42:made-up-token-for-tests"
OPERATOR, STRANGER, CHAT = 111, 666, "-5"


class Poll(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.bot = self.enterContext(BotApi(token=TOKEN, chats=(CHAT,), limits=False))
        for name in ("state", "run", "logs", "site", "bin"):
            os.makedirs(self.path(name), exist_ok=True)
        for name in ("lectio-notify", "lectio-health"):  # side by side, as they are installed
            shutil.copy(os.path.join(TOOLS, name, name), self.tool(name))
        self.configure()

    def configure(self, operators="operators = [111]", checks=""):
        with open(self.path("config.toml"), "w", encoding="utf-8") as out:
            out.write(f'lang = "en"\nhost = "lectio-1"\ntimezone = "UTC"\n[paths]\nenv_file = "{self.path("config.env")}"\n'
                      f'state = "{self.path("state")}"\nrun = "{self.path("run")}"\nlogs = "{self.path("logs")}"\n'
                      f'[channel.errors]\ntype = "telegram"\ntoken = "${{TOKEN}}"\nchat = "{CHAT}"\n'
                      f'api = "{self.bot.url}"\n{operators}\n{checks}')
        with open(self.path("config.env"), "w", encoding="utf-8") as out:
            out.write(f"TOKEN={TOKEN}\n")
        os.chmod(self.path("config.env"), 0o600)

    def path(self, name):
        return os.path.join(self.folder, name)

    def tool(self, name):
        return self.path(os.path.join("bin", name))

    def notify(self, *arguments):
        return subprocess.run([self.tool("lectio-notify"), "-c", self.path("config.toml"), *arguments], text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=300)

    @contextlib.contextmanager
    def polling(self, chat=CHAT):
        """A poll that listens; ended by SIGTERM, as whole as any run (CONTRACT 23)."""
        poll = subprocess.Popen([self.tool("lectio-notify"), "-c", self.path("config.toml"), "poll"], text=True, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            self.wait_until(lambda: chat in self.bot.commands, "the commands are registered")
            yield poll
        finally:
            poll.send_signal(signal.SIGTERM)
            out, err = poll.communicate(timeout=300)
            self.assertNotIn("made-up-token", out + err)

    def wait_until(self, condition, what, seconds=90):
        end = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), end, f"not so: {what}; messages: {self.bot.texts()}")
            time.sleep(0.02)

    def answer_to(self, act, expect=1):
        """What comes back in the chat for it."""
        before = len(self.bot.messages)
        act()
        self.wait_until(lambda: len(self.bot.messages) >= before + expect, "an answer")
        return self.bot.messages[before]

    def ask(self, text):
        return self.answer_to(lambda: self.bot.write(text, OPERATOR, CHAT))

    def ask_and_listen_on(self, text):
        """Until the poll asks again what was written, and nothing else."""
        answer = self.ask(text)
        self.wait_until(self.bot.is_polled, "it listens on")
        return answer

    def test_each_command_of_the_old_bot_is_obeyed(self):
        with self.polling():
            answer = self.ask("/mute 30m")
            self.assertEqual(answer["answers"], 6000)
            self.assertIn("muted", answer["text"].lower())
            with open(self.path("run/mute_until"), encoding="utf-8") as marker:
                self.assertAlmostEqual(int(marker.read()), time.time() + 1800, delta=60)
            self.assertIn("mute", self.ask("/mutestatus")["text"].lower())
            self.ask("/unmute")
            self.assertFalse(os.path.exists(self.path("run/mute_until")))
            self.assertIn("how things stand", self.ask("/status")["text"])
            self.assertIn("/unmute", self.ask("/help")["text"])
            self.assertIn("/ack", self.ask("/ack")["text"])
        self.assertEqual({each["command"] for each in self.bot.commands[CHAT]},
                         {"status", "check", "mute", "unmute", "mutestatus", "ack", "help"})
        with open(self.path("logs/notify.log"), encoding="utf-8") as log:
            self.assertRegex(log.read(), r"\[INFO\] /mute 30m of 111 \(@anna\) in channel errors")

    def test_its_answers_count_in_the_budget_of_the_chat(self):
        with self.polling():
            for _ in range(3):
                self.ask_and_listen_on("/mutestatus")
        with open(self.path("state/outbox/memory-errors/state.json"), encoding="utf-8") as memory:
            self.assertEqual(len(json.load(memory)["sent"]), 3)

    def test_check_looks_now_and_answers_with_the_report(self):
        self.configure(checks=f'[health.check.page]\ntype = "file"\npath = "{self.path("site/index.html")}"\n')
        with self.polling():
            text = self.check()["text"]
            self.assertIn("not all is good", text)
            self.assertRegex(text, r"🚨 page: .*index\.html.*\ngood: 0; not good: 1")
            with open(self.path("site/index.html"), "w", encoding="utf-8") as page:
                page.write("hello")
            text = self.check()["text"]
            self.assertIn("all is good", text)
            self.assertIn("good: 1; not good: 0", text)
            self.assertNotIn("page", text)
        # It looked only: nothing is remembered, nothing is told.
        self.assertFalse(os.path.exists(self.path("state/health/state.json")))

    def check(self):
        before = len(self.bot.messages)
        first = self.answer_to(lambda: self.bot.write("/check", OPERATOR, CHAT), expect=2)
        self.assertIn("checking…", first["text"])
        return self.bot.messages[before + 1]

    def let_health_wait(self):
        """A lectio-health that answers when the file `go` is there."""
        os.remove(self.tool("lectio-health"))
        with open(self.tool("lectio-health"), "w", encoding="utf-8") as stub:
            stub.write(f'#!/bin/sh\nuntil [ -e "{self.path("go")}" ]; do sleep 0.05; done\necho the report\n')
        os.chmod(self.tool("lectio-health"), 0o755)

    def go(self):
        with open(self.path("go"), "w", encoding="utf-8"):
            pass

    def test_a_check_that_takes_long_holds_up_nothing(self):
        self.let_health_wait()
        with self.polling():
            self.assertIn("checking…", self.ask("/check")["text"])
            self.assertIn("mute", self.ask("/mutestatus")["text"].lower())
            self.assertIn("being done already", self.ask("/check")["text"])
            self.assertIn("the report", self.answer_to(self.go)["text"])
        self.assertEqual(self.bot.messages[-1]["answers"], self.bot.messages[0]["answers"])

    def test_a_poll_that_ends_loses_no_check(self):
        self.let_health_wait()
        for end in (signal.SIGTERM, signal.SIGKILL):
            with self.polling() as poll:
                asked = self.ask("/check")
                poll.send_signal(end)
                poll.wait()
            before = len(self.bot.messages)
            self.go()
            with self.polling():
                self.wait_until(lambda: len(self.bot.messages) > before, "the report of the next poll")
            self.assertIn("the report", self.bot.messages[before]["text"])
            self.assertEqual(self.bot.messages[before]["answers"], asked["answers"])
            os.remove(self.path("go"))

    def test_nobody_else_is_obeyed(self):
        with self.polling():
            self.bot.write("/mute 30m", STRANGER, CHAT)
            self.bot.write("/mute 30m", OPERATOR, "-7")
            self.bot.press("mute/1h", STRANGER, CHAT)
            self.ask("/mutestatus")
            self.assertFalse(os.path.exists(self.path("run/mute_until")))
            self.assertEqual(len(self.bot.messages), 1)
            self.assertEqual(self.bot.presses_answered, {})

    def test_an_alert_bears_buttons_that_work(self):
        self.configure(checks=f'[health.check.page]\ntype = "file"\npath = "{self.path("site/index.html")}"\nrecheck = "0s"\n')
        subprocess.run([self.tool("lectio-health"), "-c", self.path("config.toml"), "-q"], stdin=subprocess.DEVNULL, capture_output=True,
                       timeout=300, check=False)
        self.assertEqual(len(self.bot.messages), 1)
        buttons = self.bot.messages[0]["buttons"]
        self.assertEqual(list(buttons), ["I know", "Mute 1 h", "Details"])
        with self.polling():
            self.ask("/mutestatus")  # from now on somebody listens: presses count
            details = self.answer_to(lambda: self.bot.press(buttons["Details"], OPERATOR, CHAT))
            self.assertIn("page", details["text"])
            press = self.bot.press(buttons["I know"], OPERATOR, CHAT)
            self.wait_until(lambda: press in self.bot.presses_answered, "the press is answered")
            self.wait_until(lambda: len(self.bot.messages) == 4, "said in the chat, too")
        listed = json.loads(self.notify("list", "--format", "json").stdout)
        self.assertEqual([each["state"] for each in listed["incidents"]], ["acknowledged"])

    def test_the_buttons_of_what_a_script_has_told_work_at_once(self):
        self.notify("send", "--level", "critical", "--key", "backup", "backup failed\nthe disk is full")
        buttons = self.bot.messages[0]["buttons"]
        with self.polling():
            self.assertIn("backup failed", self.ask("/status")["text"])
            details = self.answer_to(lambda: self.bot.press(buttons["Details"], OPERATOR, CHAT))
            self.assertIn("the disk is full", details["text"])
            known = self.answer_to(lambda: self.bot.press(buttons["I know"], OPERATOR, CHAT))
            self.assertIn("acknowledged", known["text"])
        listed = json.loads(self.notify("list", "--format", "json").stdout)
        self.assertEqual([each["state"] for each in listed["incidents"]], ["acknowledged"])

    def test_an_answer_that_was_refused_or_cut_off_comes_all_the_same(self):
        with self.polling():
            self.ask_and_listen_on("/help")  # or the fault below would be that of a getUpdates
            self.bot.fail(Refused(429, "Too Many Requests: retry after 1", retry_after=1))
            self.assertIn("how things stand", self.ask_and_listen_on("/status")["text"])
            self.bot.fail("hang")
            self.bot.write("/mute 30m", OPERATOR, CHAT)
            self.wait_until(lambda: os.path.exists(self.path("run/mute_until")), "muted")
        before = len(self.bot.messages)
        with self.polling():
            self.wait_until(lambda: len(self.bot.messages) > before, "the answer of the next poll")
        self.assertIn("muted until", self.bot.messages[before]["text"])

    def test_a_group_that_has_moved_is_listened_to_where_it_is(self):
        self.bot.stop()
        self.bot = self.enterContext(BotApi(token=TOKEN, chats=(CHAT, "-1007"), limits=False))
        self.configure()
        self.bot.fail(Refused(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=-1007))
        self.notify("send", "hello")
        with self.polling(chat="-1007"):
            self.answer_to(lambda: self.bot.write("/status", OPERATOR, "-1007"))
        self.assertEqual(self.bot.messages[-1]["chat"], "-1007")

    def test_a_second_poll_leaves_at_once(self):
        with self.polling():
            second = self.notify("poll", "-q")
        self.assertEqual(second.returncode, 75)

    def test_killed_at_any_moment_nothing_is_done_twice(self):
        for _ in range(3):
            with self.polling() as poll:
                self.bot.write("/mute 30m", OPERATOR, CHAT)
                self.wait_until(lambda: os.path.exists(self.path("run/mute_until")) or poll.poll() is not None, "muted")
                poll.kill()
                poll.wait()
            os.remove(self.path("run/mute_until"))
            with self.polling():
                self.ask("/mutestatus")
                self.assertFalse(os.path.exists(self.path("run/mute_until")))

    def test_another_reader_is_no_error_of_this_minute(self):
        self.bot.webhook = True
        with self.polling():
            self.bot.webhook = False
            self.assertIn("/unmute", self.ask("/help")["text"])

    def test_without_operators_it_delivers_and_leaves(self):
        self.configure(operators="")
        self.notify("send", "hello")
        done = self.notify("poll")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.bot.commands, {})

    def test_dry_run_says_what_it_would_do(self):
        done = self.notify("poll", "--dry-run")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("errors", done.stdout)
        self.assertEqual(self.bot.commands, {})

    def test_the_process_can_gain_no_rights(self):
        with self.polling() as poll:
            with open(f"/proc/{poll.pid}/status", encoding="utf-8") as status:
                self.assertIn("NoNewPrivs:\t1", status.read())


if __name__ == "__main__":
    unittest.main()
