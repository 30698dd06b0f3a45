#!/usr/bin/env python3
"""lectio-notify, the real binary, against the strict stand-in of the Bot API over loopback."""
import glob
import json
import os
import subprocess
import tempfile
import time
import unittest

from stack.ports import free_port
from stand_ins.bot_api import BotApi, Refused

NOTIFY = os.path.join(os.environ["LECTIO_BUILD"], "tools", "lectio-notify", "lectio-notify")
TOKEN = "42:made-up-token-for-tests"


class Notify(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.bot = self.enterContext(BotApi(token=TOKEN, chats=("-5", "-1007")))
        self.configure(self.bot.url)

    def configure(self, api, token=TOKEN, chat="-5"):
        for name in ("state", "run", "logs"):
            os.makedirs(os.path.join(self.folder.name, name), exist_ok=True)
        with open(self.path("config.toml"), "w", encoding="utf-8") as out:
            out.write(f'lang = "en"\nhost = "lectio-1"\ntimezone = "UTC"\n[paths]\n'
                      f'env_file = "{self.path("config.env")}"\nstate = "{self.path("state")}"\n'
                      f'run = "{self.path("run")}"\nlogs = "{self.path("logs")}"\n'
                      f'[channel.errors]\ntype = "telegram"\ntoken = "${{TOKEN}}"\nchat = "{chat}"\napi = "{api}"\n')
        with open(self.path("config.env"), "w", encoding="utf-8") as out:
            out.write(f"TOKEN={token}\n")
        os.chmod(self.path("config.env"), 0o600)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def notify(self, *arguments, text=None):
        done = subprocess.run([NOTIFY, "-c", self.path("config.toml"), *arguments], input=text, text=True,
                              capture_output=True, timeout=300)
        self.assertNotIn("made-up-token", done.stdout + done.stderr)
        return done

    def waiting(self):
        return glob.glob(self.path("state/outbox/to-errors/*"))

    def test_send_arrives_whatever_is_in_it(self):
        text = "first <b>line</b> & more\n<script>alert('x')</script>\n" + "🚨&<" * 3000
        done = self.notify("send", "--level", "critical", text=text)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(self.bot.messages), 2)
        self.assertIn("first <b>line</b> & more", self.bot.messages[0]["text"])
        self.assertEqual(self.waiting(), [])
        with open(self.path("logs/alerts.log"), encoding="utf-8") as log:
            self.assertRegex(log.read(), r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[critical\] 🚨 first <b>")

    def test_what_cannot_be_delivered_waits_and_comes_with_flush(self):
        self.configure(f"http://127.0.0.1:{free_port()}")
        done = self.notify("send", "hello")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(self.waiting()), 1)
        self.configure(self.bot.url)
        self.assertEqual(self.notify("flush").returncode, 0)
        self.assertEqual(self.bot.texts(), ["ℹ️ hello · lectio-1"])
        self.assertEqual(self.waiting(), [])

    def test_a_server_that_hangs_costs_send_two_seconds(self):
        self.bot.fail("hang")
        done = self.notify("send", "hello")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(self.waiting()), 1)
        self.assertTrue(self.waiting()[0].endswith(".begun"))

    def test_an_answer_that_was_lost_marks_the_copy(self):
        self.bot.fail("cut")
        self.notify("send", "hello")
        self.assertEqual(self.notify("flush").returncode, 0)
        texts = self.bot.texts()
        self.assertEqual(len(texts), 2)
        self.assertNotIn("answer to its first sending was lost", texts[0])
        self.assertIn("answer to its first sending was lost", texts[1])

    def test_flush_waits_as_long_as_the_server_asks(self):
        self.bot.fail(Refused(429, "Too Many Requests: retry after 2", retry_after=2))
        self.bot.fail("status 502")
        self.bot.fail("drop")
        self.notify("send", "hello")
        started = time.monotonic()
        self.assertEqual(self.notify("flush").returncode, 0)
        self.assertGreaterEqual(time.monotonic() - started, 1)
        self.assertEqual(len(self.bot.messages), 1)

    def rejected(self):
        return glob.glob(self.path("state/outbox/rejected/*.json"))

    def test_a_message_that_is_refused_itself_is_put_aside_and_said(self):
        self.bot.fail(Refused(400, "Bad Request: can't parse entities: strange"), times=2)  # the second time as plain text
        done = self.notify("send", "hello")
        self.assertRegex(done.stdout, r"^refused for good; it is kept, with the reason, in .*/outbox/rejected")
        self.assertEqual(len(self.rejected()), 1)
        self.assertEqual(self.waiting(), [])

    def test_what_a_dead_token_keeps_back_arrives_once_when_it_is_mended(self):
        self.configure(self.bot.url, token="43:another-made-up-token")
        done = self.notify("send", "first")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"^stored; channel errors refuses every message: .*Unauthorized")
        self.assertIn("@BotFather", done.stdout)
        self.assertEqual(self.notify("flush").returncode, 1)
        self.assertEqual((len(self.waiting()), self.rejected(), self.bot.texts()), (1, [], []))
        self.configure(self.bot.url)
        self.assertEqual(self.notify("send", "second").stdout, "delivered\n")
        self.assertEqual(self.bot.texts(), ["ℹ️ first · lectio-1", "ℹ️ second · lectio-1"])
        self.assertEqual((self.waiting(), self.rejected()), ([], []))

    def test_test_delivers_what_a_mended_channel_had_refused(self):
        self.bot.fail(Refused(403, "Forbidden: bot was kicked from the group chat"))
        self.notify("send", "hello")
        self.assertEqual(len(self.waiting()), 1)
        done = self.notify("test")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("sent 1, waiting 0", done.stdout)
        self.assertEqual(self.bot.texts()[1:], ["ℹ️ hello · lectio-1"])
        self.assertEqual(self.waiting(), [])

    def test_a_group_that_moved_is_followed(self):
        self.bot.fail(Refused(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-1007))
        self.assertEqual(self.notify("send", "hello").returncode, 0)
        self.notify("send", "again")
        self.assertEqual([message["chat"] for message in self.bot.messages], ["-1007", "-1007"])

    def keep_quiet(self, policy):
        with open(self.path("config.toml"), "a", encoding="utf-8") as out:
            out.write(f"[alerts]\n{policy}\n")

    def test_a_warning_waits_for_the_morning_unless_now(self):
        day = self.path("config.toml")
        self.keep_quiet('quiet = "00:00-23:59"')  # in the minute that is left it would be sent
        done = self.notify("send", "--level", "warning", "disk is slow")
        self.assertEqual((done.returncode, done.stdout), (
            0, "stored; it waits for the end of the quiet hours (00:00-23:59); --now sends it at once\n"))
        self.assertTrue(self.waiting()[0].endswith(".later"))
        self.assertEqual(self.notify("send", "--level", "warning", "--now", "at once").stdout, "delivered\n")
        self.assertEqual(self.notify("send", "--level", "critical", "on fire").stdout, "delivered\n")
        self.assertEqual(self.bot.texts(), ["⚠️ at once · lectio-1", "🚨 on fire · lectio-1"])
        done = self.notify("flush")  # does not wait fifty seconds for the morning
        self.assertEqual((done.returncode, done.stdout), (
            1, "sent 0, waiting 1, rejected 0\n"
               "kept until the mute or the quiet hours are over, or the hour has room: 1\n"))
        status = json.loads(self.notify("status", "--format", "json").stdout)["outbox"]
        self.assertEqual(status, {"waiting": 1, "kept": 1, "rejected": 0, "oldest_s": None})
        os.remove(day)
        self.configure(self.bot.url)
        self.assertEqual(self.notify("flush").returncode, 0)
        self.assertTrue(self.bot.texts()[2].startswith("⚠️ disk is slow · lectio-1"))

    def test_what_is_sent_under_a_mute_waits_for_its_end_unless_now(self):
        self.notify("mute", "30m")
        for level in ("critical", "info"):
            done = self.notify("send", "--level", level, f"{level} words")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRegex(done.stdout, r"^stored; muted until .*; it waits until that is over, --now sends it at once\n$")
        self.assertEqual(sorted(name.rpartition(".")[2] for name in self.waiting()), ["later", "muted"])
        self.assertEqual(self.notify("send", "--level", "critical", "--now", "on fire").stdout, "delivered\n")
        self.assertEqual(self.notify("flush").stdout, (
            "sent 0, waiting 2, rejected 0\nkept until the mute or the quiet hours are over, or the hour has room: 2\n"))
        self.assertIn("2 of them kept until the mute", self.notify("status").stdout)
        self.notify("unmute")
        self.assertEqual(self.notify("flush").returncode, 0)
        self.assertEqual(self.bot.texts(), ["🚨 on fire · lectio-1", "🚨 critical words · lectio-1", "ℹ️ info words · lectio-1"])
        self.notify("maintenance", "1h")
        self.assertIn("stored; maintenance until", self.notify("send", "--level", "critical", "in maintenance").stdout)

    def test_where_the_state_cannot_be_read_nobody_says_that_all_is_well(self):
        os.rmdir(self.path("state"))
        with open(self.path("state"), "w", encoding="utf-8"):
            pass
        for command in ("list", "status"):
            done = self.notify(command)
            self.assertEqual(done.returncode, 2, done.stdout)
            self.assertIn("what is broken is not known: unable to", done.stdout)
            self.assertNotIn("nothing is broken", done.stdout)
        for command in ("rejected", "retry", "flush"):
            done = self.notify(command)
            self.assertEqual((done.returncode, done.stdout.startswith("unable to")), (2, True), done.stdout)
        os.remove(self.path("state"))
        os.makedirs(self.path("state/health/state.json"))
        done = self.notify("list")
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn("what is broken is not known", done.stdout)

    def test_status_says_what_the_last_attempt_was_answered(self):
        self.configure(f"http://127.0.0.1:{free_port()}")
        self.notify("send", "hello")
        self.assertRegex(self.notify("status").stdout, r"\nthe last attempt: errors: 127\.0\.0\.1:\d+: connection refused")

    def test_a_token_on_the_command_line_is_not_repeated(self):
        token = "123456789:AAEhBOweik6ad9r_made-up-K4K-bcxyz01"
        for option in (["--token", token], [f"--token={token}"]):
            done = self.notify("setup", *option)
            self.assertEqual(done.returncode, 64)
            self.assertIn("***", done.stderr)
            self.assertNotIn("AAEhBO", done.stdout + done.stderr)

    def test_where_nothing_can_be_stored_it_says_whom_it_reached_and_whom_not(self):
        with open(self.path("config.toml"), "a", encoding="utf-8") as out:
            out.write(f'[channel.second]\ntype = "telegram"\ntoken = "${{TOKEN}}"\nchat = "-5"\n'
                      f'api = "http://127.0.0.1:{free_port()}"\n')
        os.rmdir(self.path("state"))
        with open(self.path("state"), "w", encoding="utf-8"):
            pass  # whoever writes there is refused, root too
        done = self.notify("send", "the disk is full")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"^it could not be stored \(.+\), so it was sent at once; delivered through: errors\n"
                                      r"channel second was not told and will not be: .*connection refused")
        self.assertEqual(len(self.bot.texts()), 1)

    def test_beyond_per_hour_only_what_is_critical_is_sent(self):
        self.keep_quiet("per_hour = 1")
        self.notify("send", "first")
        self.assertRegex(self.notify("send", "second").stdout, "^stored; it waits for room: in the last hour there were 1")
        self.notify("send", "--level", "critical", "third")
        self.assertEqual(self.bot.texts(), ["ℹ️ first · lectio-1", "🚨 third · lectio-1"])

    def test_the_same_key_is_told_once(self):
        self.notify("send", "--key", "backup", "late")
        self.notify("send", "--key", "backup", "late")
        self.assertEqual(len(self.bot.messages), 1)

    def test_test_says_what_is_wrong(self):
        self.assertEqual(self.notify("test").returncode, 0)
        self.assertIn("this channel works", self.bot.messages[0]["text"])
        self.configure(self.bot.url, token="43:another-made-up-token")
        wrong = self.notify("test", "errors")
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("@BotFather", wrong.stdout)
        self.configure(self.bot.url, chat="-6")
        self.assertIn("chat not found", self.notify("test").stdout)
        self.configure(f"http://127.0.0.1:{free_port()}")
        self.assertIn("refused", self.notify("test").stdout)
        nobody = self.notify("test", "nobody")
        self.assertEqual(nobody.returncode, 64)
        self.assertIn('there is no channel "nobody" (there are errors)', nobody.stderr)

    def test_test_says_how_a_channel_is_set_up(self):
        with open(self.path("config.toml"), "r+", encoding="utf-8") as config:
            text = config.read()
            config.seek(0)
            config.truncate()
            config.write(text[:text.index("[channel.errors]")])
        done = self.notify("test")
        self.assertEqual(done.returncode, 2)
        for words in (self.path("config.toml"), self.path("config.env"), "[channel.errors]", 'token = "${ERRORS_BOT_TOKEN}"'):
            self.assertIn(words, done.stderr)

    def test_test_names_the_file_where_a_variable_was_looked_for(self):
        os.remove(self.path("config.env"))
        done = self.notify("test")
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"variable TOKEN is not set (looked in {self.path('config.env')} and in the environment)", done.stdout)
        self.assertIn(f"neither in {self.path('config.env')} nor in", self.notify("--check-config").stdout)

    def test_dry_run_sends_and_stores_nothing(self):
        done = self.notify("send", "--dry-run", "hello")
        self.assertEqual(done.returncode, 0)
        self.assertIn("hello", done.stdout)
        self.assertEqual(self.bot.messages, [])
        self.assertFalse(os.path.exists(self.path("state/outbox")))

    def test_json(self):
        report = json.loads(self.notify("send", "--format", "json", "hello").stdout)
        self.assertEqual((report["tool"], report["exit_code"]), ("lectio-notify", 0))
        self.assertEqual(report["alerts"], {"queued": 1, "sent": 1, "waiting": 0, "rejected": 0})

    def test_usage(self):
        self.assertEqual(self.notify().returncode, 64)
        self.assertEqual(self.notify("send", "--level", "loud", "x").returncode, 64)
        self.assertEqual(self.notify("send", text=" \n").returncode, 64)
        self.assertEqual(self.notify("send", "").returncode, 64)
        self.assertEqual(self.notify("send", "--no-recovery", "x").returncode, 64)
        self.assertEqual(self.bot.messages, [])
        self.assertEqual(self.notify("send", "--title", "only a title", text="").returncode, 0)

    def test_help_shows_what_means_something_here(self):
        done = self.notify("--help")
        self.assertEqual(done.returncode, 0)
        for option in ("--only", "--no-recovery", "--no-notify", "nagios"):
            self.assertNotIn(option, done.stdout)
        with open("/dev/full", "w", encoding="utf-8") as full:
            self.assertEqual(subprocess.run([NOTIFY, "--help"], stdout=full, stderr=subprocess.PIPE,
                                            timeout=300).returncode, 70)

    def test_a_configuration_that_is_not_there_is_named_once(self):
        os.remove(self.path("config.toml"))
        done = self.notify("flush")
        self.assertEqual((done.returncode, done.stderr.count(self.path("config.toml"))), (78, 1), done.stderr)

    def without_rights(self, *arguments):
        """The tool as somebody to whom nothing belongs; root may read everything whatever its mode."""
        user = {"user": 65534} if os.geteuid() == 0 else {}
        return subprocess.run([NOTIFY, "-c", self.path("config.toml"), *arguments], text=True, capture_output=True,
                              timeout=300, stdin=subprocess.DEVNULL, **user)

    def assert_needs_rights(self, path, *arguments):
        done = self.without_rights(*arguments)
        self.assertEqual(done.returncode, 77, done.stdout + done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertEqual(done.stderr.count(path), 1, done.stderr)
        self.assertIn("sudo", done.stderr)  # in Russian where the language could not be read
        return done

    def test_without_rights_it_says_what_could_not_be_read(self):
        os.chmod(self.folder.name, 0o755)
        os.chmod(self.path("config.toml"), 0o644)
        os.chmod(self.path("config.env"), 0o644)
        os.chmod(self.path("state"), 0)
        self.addCleanup(os.chmod, self.path("state"), 0o700)
        self.assert_needs_rights(self.path("state"), "flush")
        os.chmod(self.path("config.env"), 0)
        for command in (("send", "hello"), ("flush",), ("test",)):
            self.assert_needs_rights(self.path("config.env"), *command)
        os.chmod(self.path("config.toml"), 0)
        for command in (("send", "hello"), ("flush",), ("test",), ("--check-config",)):
            self.assert_needs_rights(self.path("config.toml"), *command)
        reason = json.loads(self.assert_needs_rights(self.path("config.toml"), "flush", "--format", "json").stdout)
        self.assertEqual((reason["tool"], reason["exit_code"]), ("lectio-notify", 77))


if __name__ == "__main__":
    unittest.main()
