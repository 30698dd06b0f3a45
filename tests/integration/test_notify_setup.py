#!/usr/bin/env python3
"""lectio-notify setup, the real binary: from a token to a channel that works, against the strict stand-in."""
import os
import pty
import re
import stat
import subprocess
import tempfile
import threading
import unittest

from stand_ins.bot_api import BotApi

NOTIFY = os.path.join(os.environ["LECTIO_BUILD"], "tools", "lectio-notify", "lectio-notify")
TOKEN = "42:made-up-token-for-tests"


class Setup(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.bot = self.enterContext(BotApi(token=TOKEN, limits=False))
        self.write("config.toml", f'lang = "en" # of the operator\nhost = "lectio-1"\n[paths]\n'
                   f'env_file = "{self.path("config.env")}"\nstate = "{self.path("state")}"\nrun = "{self.path("run")}"\n'
                   f'logs = "{self.path("logs")}"')
        self.write("config.env", "# secrets\nexport OTHER='x y'\n")
        os.chmod(self.path("config.env"), 0o600)
        self.write("token", TOKEN + "\n")

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as out:
            out.write(text)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def setup_with(self, *options, text=""):
        return subprocess.run([NOTIFY, "-c", self.path("config.toml"), "setup", "--api", self.bot.url, *options], text=True,
                              capture_output=True, input=text, timeout=300)

    def answer_the_code(self, program, written_as, who=111, chat=777):
        """As a person does: reads the code from what the program says, and sends it to the bot."""
        said = ""
        while not (code := re.search(r"send (\d{6}) to @stand_in_bot", said)):
            line = program.stderr.readline()
            self.assertTrue(line, f"it ended: {said}")
            said += line
        self.bot.write("000000", 666, 666)  # somebody else, who does not see the terminal
        self.bot.write(written_as.format(code[1]), who, chat)
        out, err = program.communicate(timeout=300)
        return out, said + err

    def start(self, *options):
        return subprocess.Popen([NOTIFY, "-c", self.path("config.toml"), "setup", "--api", self.bot.url, *options],
                                text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def test_a_code_finds_the_chat_and_everything_is_written_down(self):
        before = self.read("config.toml")
        with self.start("--token-file", self.path("token")) as program:
            out, err = self.answer_the_code(program, "{}")
        self.assertEqual(program.returncode, 0, err)
        self.assertIn("works", out)
        self.assertNotIn("made-up-token", out + err)
        self.assertEqual([(each["chat"], "connected" in each["text"]) for each in self.bot.messages], [("777", True)])
        self.assertEqual(self.read("config.env"), f"# secrets\nexport OTHER='x y'\nERRORS_BOT_TOKEN={TOKEN}\nERRORS_CHAT_ID=777\n")
        self.assertEqual(stat.S_IMODE(os.stat(self.path("config.env")).st_mode), 0o600)
        after = self.read("config.toml")
        self.assertTrue(after.startswith(before + "\n\n[channel.errors]\n"), after)
        self.assertIn("operators = [111]", after)
        self.assertNotIn("made-up-token", after)
        self.assertEqual(self.bot.unconfirmed(), [])  # a poll does not take the code for a command
        checked = subprocess.run([NOTIFY, "-c", self.path("config.toml"), "--check-config"], capture_output=True, text=True,
                                 check=False)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_in_a_group_the_code_comes_as_a_command(self):
        with self.start("--token-file", self.path("token"), "--channel", "ops-team") as program:
            _, err = self.answer_the_code(program, "/start@stand_in_bot {}", chat=-1007)
        self.assertEqual(program.returncode, 0, err)
        self.assertIn("[channel.ops-team]", self.read("config.toml"))
        self.assertIn("OPS_TEAM_CHAT_ID=-1007\n", self.read("config.env"))

    def test_with_a_known_chat_it_asks_for_nothing(self):
        done = self.setup_with("--token-file", "-", "--chat", "-1007", text=TOKEN + "\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(self.bot.messages), 1)
        self.assertNotIn("operators", self.read("config.toml"))

    def test_again_with_another_chat_changes_the_values_only(self):
        self.setup_with("--token-file", self.path("token"), "--chat", "1")
        once = self.read("config.toml")
        done = self.setup_with("--token-file", self.path("token"), "--chat", "2")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.read("config.toml"), once)
        self.assertEqual(self.read("config.env").count("ERRORS_CHAT_ID=2"), 1)
        self.assertEqual(self.bot.messages[-1]["chat"], "2")

    def test_a_wrong_token_is_said_and_nothing_is_written(self):
        before = self.read("config.toml"), self.read("config.env")
        done = self.setup_with("--token-file", "-", "--chat", "1", text="1:wrong\n")
        self.assertEqual(done.returncode, 2)
        self.assertIn("token", done.stdout)
        self.assertNotIn("1:wrong", done.stdout + done.stderr)
        self.assertEqual((self.read("config.toml"), self.read("config.env")), before)

    def test_a_chat_that_does_not_take_messages_is_said(self):
        self.bot.stop()
        self.bot = self.enterContext(BotApi(token=TOKEN, chats=("-5",)))
        done = self.setup_with("--token-file", self.path("token"), "--chat", "1")
        self.assertEqual(done.returncode, 2)
        self.assertIn("chat", done.stdout)
        self.assertEqual(self.read("config.env"), "# secrets\nexport OTHER='x y'\n")
        self.assertNotIn("[channel", self.read("config.toml"))

    def test_the_token_may_come_from_a_pipe_and_an_empty_file_is_called_that(self):
        os.mkfifo(self.path("pipe"))
        with subprocess.Popen(["sh", "-c", 'sleep 0.3; echo "$1" > "$2"', "sh", TOKEN, self.path("pipe")]):
            done = self.setup_with("--token-file", self.path("pipe"), "--chat", "1")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.write("token", "\n")
        done = self.setup_with("--token-file", self.path("token"), "--chat", "1")
        self.assertEqual(done.returncode, 2)
        self.assertIn(f'{self.path("token")} is empty', done.stdout)

    def test_a_configuration_that_is_gone_is_not_written_anew(self):
        subprocess.run([os.path.join(os.path.dirname(NOTIFY), "../lectio-health/lectio-health"), "-c", self.path("config.toml")],
                       capture_output=True, check=False, timeout=300)
        os.remove(self.path("config.toml"))
        done = self.setup_with("--token-file", self.path("token"), "--chat", "1")
        self.assertNotEqual(done.returncode, 0)
        self.assertFalse(os.path.exists(self.path("config.toml")))
        self.assertNotIn("stays as it stands", done.stdout + done.stderr)
        self.assertEqual(self.read("config.env"), "# secrets\nexport OTHER='x y'\n")

    def test_what_is_wrong_on_the_command_line_is_usage(self):
        self.assertEqual(self.setup_with("--chat", "@somewhere").returncode, 64)
        self.assertEqual(self.setup_with("--channel", "A b", "--chat", "1").returncode, 64)
        self.assertEqual(self.setup_with("--chat", "1").returncode, 2)  # no token, no terminal

    def test_dry_run_writes_nothing(self):
        before = self.read("config.toml")
        done = self.setup_with("--token-file", self.path("token"), "--chat", "1", "--dry-run")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("[channel.errors]", done.stdout)
        self.assertNotIn("made-up-token", done.stdout + done.stderr)
        self.assertEqual(self.read("config.toml"), before)

    def test_a_channel_with_values_of_its_own_is_left_alone_and_said(self):
        self.write("config.toml", self.read("config.toml") +
                   f'\n[channel.errors]\ntype = "telegram"\ntoken = "1:other"\nchat = "5"\napi = "{self.bot.url}"\n')
        before = self.read("config.toml"), self.read("config.env")
        done = self.setup_with("--token-file", self.path("token"), "--chat", "1")
        self.assertEqual(done.returncode, 2)
        self.assertIn("${ERRORS_BOT_TOKEN}", done.stdout)
        self.assertEqual((self.read("config.toml"), self.read("config.env")), before)

    def test_on_a_terminal_the_token_is_asked_for_and_not_shown(self):
        program, terminal = pty.fork()
        if program == 0:
            os.execv(NOTIFY, [NOTIFY, "-c", self.path("config.toml"), "setup", "--api", self.bot.url, "--chat", "777"])
        shown, typed = b"", False
        deadline = threading.Timer(60, lambda: os.kill(program, 9))
        deadline.start()
        try:
            while True:
                try:
                    piece = os.read(terminal, 4096)
                except OSError:  # the program has ended
                    break
                if not piece:
                    break
                shown += piece
                if b"@BotFather" in shown and not typed:
                    typed = True
                    os.write(terminal, TOKEN.encode() + b"\n")
        finally:
            deadline.cancel()
            os.close(terminal)
        _, status = os.waitpid(program, 0)
        self.assertEqual(os.waitstatus_to_exitcode(status), 0, shown.decode())
        self.assertNotIn(b"made-up-token", shown)
        self.assertEqual(self.bot.messages[-1]["chat"], "777")


if __name__ == "__main__":
    unittest.main()
