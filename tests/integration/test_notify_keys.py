#!/usr/bin/env python3
"""lectio-notify send --key: told once in its window and counted, taken over and reminded of by lectio-health, ended."""
import json
import os
import shutil
import subprocess
import time
import unittest

from notify_place import TOKEN, NotifyPlace, program_of
from stand_ins.bot_api import BotApi


class Keys(NotifyPlace):
    def run_tool(self, tool, *arguments, status=0):
        program = program_of(tool)
        done = subprocess.run([program, "-c", self.path("config.toml"), *arguments], text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=300)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout

    def send(self, level, *text, key="export", **rest):
        return self.run_tool("lectio-notify", "send", "--level", level, "--key", key, *text, **rest)

    def health(self, status=0):
        return json.loads(self.run_tool("lectio-health", "--format", "json", status=status))

    def events(self):
        return sorted(os.listdir(self.path("state/events")))

    def test_told_once_counted_and_ended_by_an_answer_to_the_opening(self):
        self.assertEqual(self.send("critical", "export failed\ndisk full"), "delivered\n")
        self.assertEqual(self.send("critical", "export failed"), "told already; counted: 1 more time\n")
        self.assertEqual(self.send("critical", "export failed"), "told already; counted: 2 more times\n")
        self.assertEqual(len(self.events()), 3)
        self.assertEqual(self.send("resolved"), "delivered\n")
        self.assertEqual(self.send("resolved"), "nothing that was told under this key is open: nothing to tell\n")
        opening, end = self.bot.messages
        self.assertEqual(opening["text"], "🚨 export failed · lectio-1\ndisk full")
        self.assertRegex(end["text"], r"^✅ over: export failed · lectio-1\nIt lasted .* \(since .*\); told of 3 times in all$")
        self.assertEqual(end["answers"], 1)  # the first message of the chat

    def test_after_its_window_it_is_told_again_with_the_count(self):
        self.configure('key_window = "2s"', lang="ru")
        self.send("warning", "выгрузка не удалась")
        for _ in range(2):
            self.send("warning", "выгрузка не удалась")
        told = 1
        while told == len(self.bot.texts()):  # until the window is over; what comes before is counted
            time.sleep(0.3)
            self.send("warning", "выгрузка не удалась")
        self.assertRegex(self.bot.texts()[1], r"^⚠️ выгрузка не удалась · lectio-1\n"
                                              r"Кроме этого, было ещё \d+ раза? за минуту\.$|ещё \d+ раз за минуту\.$")

    def test_what_gets_worse_is_told_at_once(self):
        self.send("warning", "slow")
        self.assertEqual(self.send("critical", "dead"), "delivered\n")
        self.assertEqual(self.send("warning", "slow"), "told already; counted: 1 more time\n")

    def test_lectio_health_takes_it_over(self):
        self.send("critical", "export failed\ndisk full")
        report = self.health(status=2)
        self.assertEqual(self.events(), [])
        self.assertEqual([(each["check"], each["status"]) for each in report["incidents"]], [("key-export", "critical")])
        self.assertEqual(len(self.bot.texts()), 1)  # told already
        listed = json.loads(self.run_tool("lectio-notify", "list", "--format", "json"))["incidents"]
        self.assertEqual([(each["check"], each["told"]) for each in listed], [("health/key-export", True)])
        self.send("critical", "export failed")
        self.assertEqual(self.health(status=2)["incidents"][0]["id"], listed[0]["id"])
        self.run_tool("lectio-notify", "ack", listed[0]["id"])
        self.send("resolved", "the export works again")
        self.assertEqual([each["state"] for each in self.health()["incidents"]], ["resolved"])
        self.assertEqual(self.health()["incidents"], [])
        self.assertEqual(len(self.bot.texts()), 2)
        self.assertTrue(self.bot.texts()[1].startswith("✅ the export works again · lectio-1"))

    def listed(self):
        return json.loads(self.run_tool("lectio-notify", "list", "--format", "json"))["incidents"]

    def test_from_the_moment_it_is_told_it_is_open_wherever_lectio_health_does_not_run_too(self):
        self.send("warning", "export is slow")
        [incident] = self.listed()
        self.assertEqual((incident["check"], incident["status"], incident["state"], incident["told"]),
                         ("health/key-export", "warning", "open", True))
        self.assertIn("export is slow", self.run_tool("lectio-notify", "status"))
        self.run_tool("lectio-notify", "ack", incident["id"])
        self.assertEqual(self.listed()[0]["state"], "acknowledged")
        self.configure('key_window = "1s"')
        time.sleep(1.1)
        self.assertIn("counted", self.send("warning", "export is slow"))  # acknowledged: no reminder
        self.assertEqual(self.send("critical", "export failed"), "delivered\n")
        self.assertEqual([(each["status"], each["state"]) for each in self.listed()], [("critical", "open")])
        self.send("resolved")
        self.assertEqual(self.listed(), [])

    def test_what_is_acknowledged_before_its_first_run_lectio_health_takes_over_as_that(self):
        self.send("critical", "export failed")
        self.run_tool("lectio-notify", "ack", "export")
        self.health(status=2)
        self.assertEqual([each["state"] for each in self.listed()], ["acknowledged"])

    def test_a_mute_hides_it_and_lectio_health_tells_it_afterwards(self):
        self.health()
        self.run_tool("lectio-notify", "mute", "30m")
        self.assertEqual(self.send("critical", "export failed"),
                         "kept; lectio-health tells it when its time comes; --now tells it at once\n")
        self.health(status=2)
        self.assertEqual(self.bot.texts(), [])
        self.run_tool("lectio-notify", "unmute")
        self.health(status=2)
        self.assertEqual(len(self.bot.texts()), 1)
        self.assertTrue(self.bot.texts()[0].startswith("🚨 export: export failed · lectio-1"))
        self.send("resolved")
        self.assertTrue(self.bot.texts()[1].startswith("✅ over: export failed · lectio-1"))

    def test_in_quiet_hours_a_warning_is_left_to_the_morning_and_not_told_if_it_passed(self):
        self.health()
        self.configure('quiet = "00:00-23:59"')  # in the minute that is left it would be sent
        self.send("warning", "slow")
        self.health(status=1)
        self.send("warning", "slow", key="other")
        self.assertEqual(self.send("resolved"),
                         "over; nobody was told that it began, so nobody is told that it ended\n")
        self.health(status=1)
        self.assertEqual(self.bot.texts(), [])
        self.configure()
        self.health(status=1)
        self.assertEqual(len(self.bot.texts()), 1)
        self.assertIn("other: slow", self.bot.texts()[0])
        self.assertIn("export: slow", self.bot.texts()[0])

    def test_in_quiet_hours_what_no_run_has_seen_is_told_in_the_morning(self):
        self.health()
        self.configure('quiet = "00:00-23:59"')
        self.send("warning", "выгрузка не удалась", key="Ночная выгрузка")
        self.send("resolved", key="Ночная выгрузка")
        self.health()
        self.assertEqual(self.bot.texts(), [])
        self.configure(lang="ru")
        self.health()
        self.assertEqual(len(self.bot.texts()), 1)
        self.assertTrue(self.bot.texts()[0].startswith("✅ Ночная выгрузка: "), self.bot.texts())
        self.assertIn("выгрузка не удалась", self.bot.texts()[0])
        self.health()
        self.assertEqual(len(self.bot.texts()), 1)

    def test_nobody_answers_and_it_goes_to_who_is_named_for_that(self):
        self.bot.stop()
        self.bot = self.enterContext(BotApi(token=TOKEN, chats=("-5", "-6"), limits=False))
        self.configure(more='[channel.boss]\ntype = "telegram"\ntoken = "${TOKEN}"\nchat = "-6"\n'
                            f'api = "{self.bot.url}"\n[[route]]\ntool = ["notify"]\nto = ["errors"]\n'
                            'escalate = { after = "1s", to = ["boss"] }\n')
        chats = lambda: [message["chat"] for message in self.bot.messages]
        for key in ("export", "other"):
            self.send("critical", f"{key} failed", key=key)
        self.assertEqual(chats(), ["-5", "-5"])
        self.health(status=2)
        self.run_tool("lectio-notify", "ack", "other")  # by its key
        while len(chats()) == 2:  # until the second is over
            time.sleep(0.2)
            self.health(status=2)
        self.assertEqual(chats(), ["-5", "-5", "-6"])
        self.assertIn("export is not mended and nobody has answered", self.bot.texts()[2])
        self.assertNotIn("other", self.bot.texts()[2])
        self.send("resolved")
        self.assertEqual(sorted(chats()[3:]), ["-5", "-6"])  # who heard of it hears of its end

    def test_without_a_disk_it_is_told_and_the_channels_know_the_key(self):
        shutil.rmtree(self.path("state"), ignore_errors=True)
        with open(self.path("state"), "w", encoding="utf-8"):
            pass
        self.send("critical", "export failed")
        self.assertTrue(self.bot.texts()[0].startswith("🚨 export failed"))
        self.send("critical", "export failed")
        self.assertEqual(len(self.bot.texts()), 1)


if __name__ == "__main__":
    unittest.main()
