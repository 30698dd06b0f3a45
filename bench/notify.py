#!/usr/bin/env python3
"""What telling costs: `lectio-notify send` beside what scripts do instead, and a flush of 1,000 messages.

send, in turns, against a stand-in of the Bot API on loopback that answers at once:
  curl        posts the text itself, as notify_failure.sh did: nothing is stored, and a failure loses it
  dd          one file of the same size, fsynced: what durability alone costs on this disk
flush of 1,000 messages beside one curl process that posts as many. The real Telegram lets pass one a second to a chat,
so the number of requests is what counts there: it is printed, too. The chat is a person's: of a group's 20 a minute the
24 requests of this flush are too many for one run.
Run by itself it builds nothing: the release build is to be there (cmake --build --preset release).
"""

import glob
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(SOURCE / "tests/integration"))

from stand_ins.bot_api import BotApi  # noqa: E402 (found by the line above)

NOTIFY = SOURCE / "build/release/tools/lectio-notify/lectio-notify"
ROUNDS = json.loads((SOURCE / "tests/counts.json").read_text())["bench_rounds"]
MESSAGES = 1000
TOKEN = "42:made-up-token-of-the-bench"
TEXT = "the backup of the database is late: the last one is 26 hours old"


def children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def spent(*command):
    """(CPU, wall) in ms."""
    cpu, start = children(), time.monotonic()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return (children() - cpu) * 1000, (time.monotonic() - start) * 1000


class Bench:
    def __init__(self, folder, bot):
        self.folder, self.bot = pathlib.Path(folder), bot
        self.configuration("up", bot.url)
        self.configuration("down", "http://127.0.0.1:9")

    def configuration(self, name, api):
        (self.folder / f"{name}.env").write_text(f"TOKEN={TOKEN}\n", encoding="ascii")
        (self.folder / f"{name}.env").chmod(0o600)
        (self.folder / f"{name}.toml").write_text(
            f'lang = "en"\nhost = "bench"\n[paths]\nenv_file = "{self.folder}/{name}.env"\n'
            f'state = "{self.folder}/{name}/state"\nrun = "{self.folder}/{name}/run"\nlogs = "{self.folder}/{name}/logs"\n'
            f'[channel.errors]\ntype = "telegram"\ntoken = "${{TOKEN}}"\nchat = "5"\napi = "{api}"\n', encoding="utf-8")

    def notify(self, name, *arguments):
        return spent(NOTIFY, "-c", self.folder / f"{name}.toml", *arguments)

    def curl(self):
        return spent("curl", "-sf", "-d", "chat_id=5", "--data-urlencode", f"text={TEXT}",
                     f"{self.bot.url}/bot{TOKEN}/sendMessage")

    def file(self):
        return spent("dd", "if=/dev/zero", f"of={self.folder}/file", "bs=600", "count=1", "conv=fsync")

    def sends(self):
        ways = {"lectio-notify send, delivered": lambda: self.notify("up", "send", TEXT),
                "lectio-notify send, stored (nobody answers)": lambda: self.notify("down", "send", TEXT),
                "curl": self.curl, "dd, one fsynced file": self.file}
        seen = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, way in ways.items():
                seen[name].append(way())
        rows = {name: [statistics.median(each) for each in zip(*times)] for name, times in seen.items()}
        print(f"one message, medians of {ROUNDS} rounds in turns (ratio to curl):")
        for name, (cpu, wall) in rows.items():
            print(f"  {name:45} {wall:7.1f} ms ({wall / rows['curl'][1]:.2f})   CPU {cpu:6.1f} ms ({cpu / rows['curl'][0]:.2f})")

    def fill(self):
        """1,000 that wait: copies of one that was stored."""
        [letter] = glob.glob(f"{self.folder}/flush/state/outbox/to-errors/[0-9]*")
        stored = json.loads(pathlib.Path(letter).read_text(encoding="utf-8"))
        os.unlink(letter)
        for number in range(MESSAGES):
            text = json.dumps(stored, ensure_ascii=False).replace("late", f"late ({number})")
            name = f"{int(time.time() * 1000) + number:016}-{os.getpid():08}-0.new"
            (pathlib.Path(letter).parent / name).write_text(text, encoding="utf-8")

    def flush(self):
        self.configuration("flush", "http://127.0.0.1:9")
        self.notify("flush", "send", TEXT)
        self.configuration("flush", self.bot.url)
        self.fill()
        self.bot.messages.clear()
        cpu, wall = self.notify("flush", "flush")
        texts = "\n".join(self.bot.texts())
        if not all(f"late ({number})" in texts for number in range(MESSAGES)):
            raise AssertionError("a message is missing")
        ours = len(self.bot.messages)
        self.bot.messages.clear()
        posts = self.folder / "posts"
        one = f'url = "{self.bot.url}/bot{TOKEN}/sendMessage"\ndata = "chat_id=5"\ndata-urlencode = "text={TEXT}"\noutput = "/dev/null"\n'
        posts.write_text("next\n".join([one] * MESSAGES), encoding="utf-8")
        peer_cpu, peer_wall = spent("curl", "-s", "-K", posts)
        print(f"{MESSAGES} messages that wait:")
        print(f"  lectio-notify flush   {wall / 1000:6.2f} s   CPU {cpu:6.0f} ms ({cpu / peer_cpu:.2f})   {ours} requests")
        print(f"  curl, one process     {peer_wall / 1000:6.2f} s   CPU {peer_cpu:6.0f} ms (1.00)   {len(self.bot.messages)} requests, "
              f"{MESSAGES} s and more at the rate that Telegram allows")


def main():
    with tempfile.TemporaryDirectory() as folder, BotApi(token=TOKEN, chats=("5",), limits=False) as bot:
        bench = Bench(folder, bot)
        bench.sends()
        bench.flush()


if __name__ == "__main__":
    main()
