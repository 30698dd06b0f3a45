#!/usr/bin/env python3
"""The stand-in refuses what the real Bot API refuses: else the tests that rely on it prove nothing."""

import json
import unittest
import urllib.error
import urllib.request

from bot_api import TOKEN, BotApi, Refused, visible


class TextTest(unittest.TestCase):
    def test_what_the_reader_sees(self):
        for raw, seen in {
            "<b>a</b> &lt;b&gt; &amp; &quot;": 'a <b> & "',
            "&#60;&#x3E;": "<>",
            "a & b &nbsp; &": "a & b &nbsp; &",
            '<pre><code class="language-sh">x</code></pre>': "x",
            " a \n": "a",
            '<a href="http://x">y</a>': "y",
        }.items():
            self.assertEqual(visible(raw, "HTML"), seen)
        self.assertEqual(visible("<b", ""), "<b")

    def test_what_is_refused(self):
        for raw, why in {
            "a < b": "byte offset 2",
            "ж <log>": 'start tag "log" at byte offset 3',
            "<b>a": "Can't find end tag",
            "<b><i>a</b></i>": "Unmatched end tag",
            "<code><b>a</b></code>": "no other entity",
            "<!-- -->": "Unsupported start tag",
            "<b> </b>": "text is empty",
            "a" * 4097: "too long",
            "😀" * 2049: "too long",
        }.items():
            with self.assertRaisesRegex(Refused, why.replace("(", "\\(")):
                visible(raw, "HTML")
        self.assertEqual(len(visible("<b>" + "a" * 4096 + "</b>", "HTML")), 4096)


class ServerTest(unittest.TestCase):
    def setUp(self):
        self.bot = self.enterContext(BotApi())

    def send(self, text, chat="1", token=TOKEN):
        request = urllib.request.Request(f"{self.bot.url}/bot{token}/sendMessage",
                                         json.dumps({"chat_id": chat, "text": text}).encode(),
                                         {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"{}") if error.code != 502 else None

    def test_accepts_and_refuses(self):
        self.assertEqual(self.send("a+b & 100%")[0], 200)
        self.assertEqual(self.send("a", token="1:wrong")[0], 401)
        self.assertEqual(self.send("a", chat="nobody")[1]["description"], "Bad Request: chat not found")
        self.assertEqual(self.bot.texts(), ["a+b & 100%"])

    def test_rates(self):
        codes = [self.send("a")[0] for _ in range(6)]
        self.assertEqual(codes, [200] * 5 + [429])
        self.assertGreaterEqual(self.send("a")[1]["parameters"]["retry_after"], 1)
        self.assertEqual(self.send("a", chat="2")[0], 200)

    def test_faults(self):
        self.bot.fail("status 502")
        self.assertEqual(self.send("a")[0], 502)
        self.bot.fail("cut")
        with self.assertRaises((urllib.error.URLError, ConnectionError)):
            self.send("b")
        self.assertEqual(self.bot.texts(), ["b"], "accepted, though the answer was lost")
        self.bot.stop()
        with self.assertRaises(urllib.error.URLError):
            self.send("c")
        self.bot.start()
        self.assertEqual(self.send("d")[0], 200)


if __name__ == "__main__":
    unittest.main()
