#!/usr/bin/env python3
"""What a walk costs: lectio-smoke beside the same 13 requests made by a sequential curl script and by curl --parallel.

In turns, against the test stack (nginx, gunicorn with Django). The curl scripts judge nothing and remember nothing; they log
in first, as the walk does. Run by itself it builds nothing: the release build is to be there.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(SOURCE / "tests/integration/stack"))

from stack import Stack  # noqa: E402 (found by the line above)

SMOKE = pathlib.Path(os.environ.get("LECTIO_BUILD", SOURCE / "build/release")) / "tools/lectio-smoke/lectio-smoke"
ROUNDS = json.loads((SOURCE / "tests/counts.json").read_text())["bench_rounds"]
PATHS = ["/api/me/", "/api/schedule/lessons/", "/schedule/api/recordings/teacher/", "/schedule/api/recordings/7/stream/", "/api/homework/",
         "/api/groups/", "/api/attendance-records/", "/api/gradebook/", "/api/subscription/", "/api/zoom/status/", "/api/health/", "/"]
LOGIN = {"email": "bench@test.local", "password": "made-up-of-the-bench"}
MAKE_USER = ("from django.contrib.auth import get_user_model as g; "
             f"g().objects.create_user('bench', email='{LOGIN['email']}', password='{LOGIN['password']}', role='teacher')")


def wall(*commands):
    start = time.monotonic()
    for command in commands:  # curl --parallel shows its progress whatever -s says
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - start


def walk_of(folder, stack):
    """A configuration that asks for the same."""
    text = "[paths]\n" + "".join(f'{name} = "{folder}/{name}"\n' for name in ("state", "run", "logs", "env_file"))
    text += f'[smoke]\nbase_url = "{stack.site_url}"\nparallel = 16\n'
    text += (f'[smoke.login.teacher]\npost = "/api/jwt/token/"\ntoken = "/access"\n'
             f'json = {{ email = "{LOGIN["email"]}", password = "{LOGIN["password"]}" }}\n')
    for number, path in enumerate(PATHS):
        text += f'[[smoke.step]]\nname = "step-{number}"\nas = "teacher"\nget = "{path}"\n'
    (folder / "config.toml").write_text(text)
    (folder / "env_file").touch(0o600)
    return [str(SMOKE), "-c", str(folder / "config.toml"), "-q"]


def login(stack):
    done = subprocess.run(["curl", "-sS", "-H", "Content-Type: application/json", "-d", json.dumps(LOGIN),
                           stack.site_url + "/api/jwt/token/"], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)["access"]


def sequential(stack):
    start = time.monotonic()
    bearer = "Authorization: Bearer " + login(stack)
    wall(*(["curl", "-sSf", "-H", bearer, stack.site_url + path] for path in PATHS))
    return time.monotonic() - start


def parallel(stack):
    start = time.monotonic()
    bearer = "Authorization: Bearer " + login(stack)
    wall(["curl", "-sSf", "--parallel", "-H", bearer, *(stack.site_url + path for path in PATHS)])
    return time.monotonic() - start


with Stack(parts=["gunicorn", "nginx"], api=True) as site, tempfile.TemporaryDirectory() as temporary:
    site.manage("shell", "-c", MAKE_USER)
    command = walk_of(pathlib.Path(temporary), site)
    wall(command)  # makes its folders
    ways = {"curl, one after the other": lambda: sequential(site), "curl --parallel": lambda: parallel(site),
            "lectio-smoke": lambda: wall(command)}
    times = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            times[name].append(way())
    ours = statistics.median(times["lectio-smoke"])
    for name, seen in times.items():
        print(f"{name:28} {statistics.median(seen) * 1000:7.1f} ms   {ours / statistics.median(seen):5.2f}")
