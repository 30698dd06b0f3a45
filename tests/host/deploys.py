#!/usr/bin/env python3
"""Deploys on a host, as a program of that host: `deploys.py soak`, `kills` and `audit`, for test_deploy_soak.py;
`begin`, `pack`, `visits`, `ask` and `kills-back` for test_deploy_backend.py and test_deploy_database.py.

Prints a JSON object: what was counted, and what was seen that must never be.
"""

import argparse
import contextlib
import datetime
import fcntl
import http.client
import io
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import threading
import time

from builds import Visitors, archive, build_files, write_files
from tracing import inherited, not_durable, ours, trace, written_outside

SITE = "/var/www/teaching_panel"
PROJECT = pathlib.Path("/root/project")  # what the releases of the backend are made from
DATA = pathlib.Path("/var/lib/teaching_panel")
STATE, RUN = pathlib.Path("/var/lib/lectio-monitor/deploy"), pathlib.Path("/run/lectio-monitor")
NAME = "lectio.test"
KINDS = {"frontend": ["frontend"], "backend": ["backend"], "full": ["frontend", "backend"]}
RELEASED, NOT_RELEASED, BUSY = 0, 1, 75  # CONTRACT 28

SETTINGS = "\nINSTALLED_APPS = ['lessons']\nDEFAULT_AUTO_FIELD = 'django.db.models.AutoField'\n"
ON_SQLITE = "DATABASES['default']['OPTIONS'] = {'timeout': 60}\n"
ON_POSTGRES = "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'HOST': '127.0.0.1', 'USER': 'site', 'NAME': 'site'}}\n"
POSTGRES = pathlib.Path("/root/postgres")  # is there where the site's database lies on a server (site_databases.py)
VIEWS = """
import os
from django.http import JsonResponse
from lessons.models import Lesson
WORD = "%s"

def health(request):
    # Every column that this code knows is asked for.
    list(Lesson.objects.order_by("-pk")[:1])
    return JsonResponse({"status": WORD, "checks": {"database": "ok"}})

def word(request):
    return JsonResponse({"word": WORD})

def visit(request):
    return JsonResponse({"word": WORD, "row": Lesson.objects.create(title=f"{WORD} {request.GET.get('note')}").title})
"""
URLS = "from django.urls import path\nfrom . import views\nurlpatterns = [path('api/health/', views.health), path('api/visit/', views.visit),\n               path('api/word/', views.word)]\n"
MIGRATION = "from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n    dependencies = [%s]\n    operations = [%s]\n"
LESSON = "migrations.CreateModel('Lesson', [('id', models.AutoField(primary_key=True)), ('title', models.TextField(default=''))])"


def backend_files(word, migrations):
    """A backend whose answers carry the word, and whose code needs so many migrations."""
    rooms = [f"room_{number}" for number in range(migrations)]
    files = {f"teaching_panel/{path.relative_to(PROJECT)}": path.read_bytes() for path in PROJECT.rglob("*") if path.is_file()}
    settings = files["teaching_panel/teaching_panel/settings.py"].decode() + SETTINGS + (ON_POSTGRES if POSTGRES.exists() else ON_SQLITE)
    model = "from django.db import models\n\n\nclass Lesson(models.Model):\n    title = models.TextField(default='')\n"
    texts = {"teaching_panel/settings.py": settings, "teaching_panel/views.py": VIEWS % word, "teaching_panel/urls.py": URLS,
             "lessons/__init__.py": "", "lessons/migrations/__init__.py": "",
             "lessons/models.py": model + "".join(f"    {room} = models.TextField(null=True)\n" for room in rooms),
             "lessons/migrations/0001_initial.py": MIGRATION % ("", LESSON)}
    before = "0001_initial"
    for room in rooms:
        adds = f"migrations.AddField('lesson', '{room}', models.TextField(null=True))"
        texts[f"lessons/migrations/m_{room}.py"] = MIGRATION % (f"('lessons', '{before}')", adds)
        before = f"m_{room}"
    files["requirements.txt"] = b""  # beside it: an archive of one folder is that folder
    return files | {f"teaching_panel/{name}": text.encode() for name, text in texts.items()}


def changed(files, name, before, after):
    text = files[f"teaching_panel/{name}"].decode()
    if before not in text:
        raise AssertionError(f"{name} has no {before}")
    return files | {f"teaching_panel/{name}": text.replace(before, after).encode()}


def with_link(files):
    out = io.BytesIO(archive(files, ""))
    with tarfile.open(fileobj=out, mode="a") as tar:
        entry = tarfile.TarInfo("./static/passwd")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(entry)
    return out.getvalue()


def broken_frontends(word, live, earlier):
    """Way → (archive, how it is to end)."""
    files = build_files(word)
    script = next(name for name in files if name.endswith(".js"))
    other = files["index.html"].replace(b'id="root"', b'id="app"').replace(b"Lectio", b"Some other shop")
    unmarked = files["index.html"].replace(b"data-build", b"data-unknown")
    ways = {
        "a page that says broken": {"index.html": b"broken\n"},
        "a script is missing": {name: text for name, text in files.items() if name != script},
        "a script is empty": files | {script: b""},
        "HTML for a script": files | {script: b"<!doctype html><html></html>"},
        "another application": files | {"index.html": other},
        "yesterday's build": build_files(earlier),
        "the build that is live": build_files(live),
        "it talks to localhost": files | {script: b"fetch('http://localhost:8000/api')\n" * 90},
        "secrets in it": files | {".env": b"SECRET_KEY=made-up\n"},
    }
    done = {way: (archive(content), "refused") for way, content in ways.items()}
    done["an archive cut short"] = (archive(files)[:-100], "refused")
    done["a link that leads out"] = (with_link(files), "refused")
    done["only the live site shows it"] = (archive(files | {"index.html": unmarked}), "rolled_back")
    return done


def broken_backends(word, migrations):
    files = backend_files(word, migrations)
    views, unit = "teaching_panel/views.py", "os.environ.get('INVOCATION_ID')"
    table = "migrations.CreateModel('Taken', [('id', models.AutoField(primary_key=True))], options={'db_table': 'lessons_lesson'}), " \
            f"migrations.AddField('lesson', 'room_{migrations}'"
    taken = changed(backend_files(word, migrations + 1), f"lessons/migrations/m_room_{migrations}.py",
                    f"migrations.AddField('lesson', 'room_{migrations}'", table)
    return {
        "it does not import": (archive(changed(files, views, "import os", "import os, nothing_of_that_name")), "refused"),
        "the canary answers 500": (archive(changed(files, views, "    list(", "    raise ValueError; list(")), "refused"),
        "the settings are wrong": (archive(changed(files, "teaching_panel/settings.py", "['lessons']", "['nothing']")), "refused"),
        "a migration fails": (archive(taken), "refused"),
        "an archive cut short": (archive(files)[:-100], "refused"),
        "as a unit it answers 500": (archive(changed(files, views, "    list(", f"    assert not {unit}; list(")), "rolled_back"),
        "as a unit it does not start": (archive(changed(files, "teaching_panel/wsgi.py", "application =", f"assert not {unit}\napplication =")), "rolled_back"),
    }


WAIT = """import pathlib
import time

DATA = pathlib.Path("/var/lib/teaching_panel")


def wait(*_):
    (DATA / "waits").touch()
    while not (DATA / "go").exists():
        time.sleep(0.01)


"""


def gone_wrong(files, way):
    """The same; its health answers 500 on the private socket, or only as the unit."""
    views, list_them = "teaching_panel/views.py", "    list("
    if way == "canary":
        return changed(files, views, list_them, f"    raise ValueError;{list_them[3:]}")
    if way == "unit":
        return changed(files, views, list_them, f"    assert not os.environ.get('INVOCATION_ID');{list_them[3:]}")
    return files


def safe_backend(word, way):
    """A backend with one column more than backend_files(…, 1), which must not be empty: code without it cannot write any more.
    Its author says that the way back is safe."""
    files = gone_wrong(backend_files(word, 1), way)
    model = files["teaching_panel/lessons/models.py"].decode() + "    level = models.IntegerField(default=0)\n"
    migration = MIGRATION % ("('lessons', 'm_room_0')", "migrations.AddField('lesson', 'level', models.IntegerField(default=0))")
    migration = migration.replace("    operations", "    rollback_safe = True\n    operations")
    return files | {"teaching_panel/lessons/models.py": model.encode(), "teaching_panel/lessons/migrations/n_level.py": migration.encode()}


def packed(word, what, way):
    made = {"roomy": lambda: backend_files(word, 1),
            "adds": lambda: gone_wrong(backend_files(word, 2), way),  # one more, which may be empty
            "loses": lambda: losing_backend(word, way), "safe": lambda: safe_backend(word, way)}
    return archive(made[what]())


def losing_backend(word, way):
    """A backend with one column less than backend_files(…, 1): its migration takes away what the code before it asks for."""
    files = gone_wrong(changed(backend_files(word, 1), "lessons/models.py", "    room_0 = models.TextField(null=True)\n", ""), way)
    migration = MIGRATION % ("('lessons', 'm_room_0')", "migrations.RemoveField('lesson', 'room_0'), migrations.RunPython(wait)")
    if way == "waits":  # when the column is gone, in the middle of it
        migration = WAIT + migration.replace("    operations", "    atomic = False\n    operations")
    else:
        migration = migration.replace(", migrations.RunPython(wait)", "")
    return files | {"teaching_panel/lessons/migrations/n_no_room.py": migration.encode()}


class Callers:
    """People who leave a row in the database with each request, on one connection; what was answered is to be there at the end.
    No row is called as another one: where a database goes back, numbers are given again."""

    def __init__(self):
        self.faults, self.rows, self.words, self.slowest = [], set(), set(), 0.0
        self._asked = itertools.count()
        self._stop = threading.Event()

    def __enter__(self):
        self._thread = threading.Thread(target=self._call)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _call(self):
        connection = http.client.HTTPConnection("127.0.0.1", 80, timeout=90)
        while not self._stop.wait(0.05):
            begun = time.monotonic()
            try:
                status, answer = ask(f"/api/visit/?note={next(self._asked)}", connection)
            except (OSError, http.client.HTTPException) as error:
                self._note(f"connection: {error!r}", begun)
                connection.close()
                continue
            self.slowest = max(self.slowest, time.monotonic() - begun)
            if status != 200:
                self._note(f"{status} {answer[:200]!r}", begun)
                continue
            answer = json.loads(answer)
            self.rows.add(answer["row"])
            self.words.add(answer["word"])

    def _note(self, fault, begun):
        """With what tells a site that hangs from a machine that has no time for it."""
        self.faults.append(f"{datetime.datetime.now():%H:%M:%S}, after {time.monotonic() - begun:.1f} s, load {os.getloadavg()[0]:.0f}: {fault}")

    def lost(self):
        answered = set(self.rows)  # first: they go on
        return answered - {title for title, in rows_of_database("SELECT title FROM lessons_lesson")}


def connected(database):
    if not POSTGRES.exists():
        return sqlite3.connect(DATA / "db.sqlite3", timeout=60)
    import psycopg2  # noqa: PLC0415 (is there only where a server is)
    return psycopg2.connect(host="127.0.0.1", user="site", dbname=database)


def rows_of_database(sql, database="site"):
    """What the site's database answers, or another one on its server."""
    with contextlib.closing(connected(database)) as connection, contextlib.closing(connection.cursor()) as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


class Load:
    """wrk over the page and over the API, with connections that stay open; behind everything else on this machine."""

    PATHS = {"page": "/", "api": "/api/word/"}  # which works also where only the gate's own address does not

    def __enter__(self):
        command = ["nice", "-n", "19", "wrk", "-t1", "-c4", "-d4h", "--timeout", "90s", "--latency"]
        self.runs = {name: subprocess.Popen([*command, f"http://{NAME}:80{path}"], stdout=subprocess.PIPE, text=True)
                     for name, path in self.PATHS.items()}
        return self

    def __exit__(self, *_):
        for run in self.runs.values():
            for thread in pathlib.Path(f"/proc/{run.pid}/task").iterdir():  # who is behind everything takes minutes to end
                os.setpriority(os.PRIO_PROCESS, int(thread.name), 0)
            run.send_signal(signal.SIGINT)
        self.said = {name: run.communicate()[0] for name, run in self.runs.items()}

    def requests(self, name):
        return int(re.search(r"(\d+) requests in", self.said[name])[1])

    def faults(self):
        lines = [f"{name}: {line.strip()}" for name, said in self.said.items() for line in said.splitlines()]
        return [line for line in lines if "Non-2xx" in line or "Socket errors" in line]


def ask(path, connection=None):
    connection = connection or http.client.HTTPConnection("127.0.0.1", 80, timeout=90)
    connection.request("GET", path, headers={"Host": NAME})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def served():
    """The words of the page, with a script of its own, and of the API."""
    status, page = ask("/")
    word, script = re.search(r'data-build="([^"]*)"', page), re.search(r'src="([^"]*)"', page)
    if status != 200 or not word or not script or f"build='{word[1]}'" not in ask(script[1])[1]:
        raise AssertionError(f"no whole page: {status} {page}")
    status, answer = ask("/api/health/")
    if status != 200:
        raise AssertionError(f"the API answers {status}: {answer[:300]}")
    return {"frontend": word[1], "backend": json.loads(answer)["status"]}


def deploy(*words, data=b""):
    done = subprocess.run(["lectio-deploy", "--format", "json", *words], input=data, capture_output=True, timeout=900, check=False)
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError as error:
        raise AssertionError(f"{words}: {done.returncode} {done.stdout} {done.stderr}") from error


def begin():
    """Both parts become releases; what is served is called first."""
    write_files(pathlib.Path(SITE), backend_files("first", 0))
    subprocess.run(["chown", "-R", "www-data:www-data", f"{SITE}/teaching_panel"], check=True)
    migrate = ["setpriv", "--reuid=www-data", "--regid=www-data", "--clear-groups", "env", f"SITE_DATA={DATA}", "/usr/bin/python3",
               "teaching_panel/manage.py", "migrate", "--noinput"]
    subprocess.run(migrate, cwd=SITE, check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(f"{SITE}/frontend/build")
    write_files(pathlib.Path(f"{SITE}/frontend/build"), build_files("first"))
    subprocess.run(["systemctl", "restart", "teaching_panel"], check=True)
    for part in ("frontend", "backend"):
        code, report = deploy("adopt", part, "--force")
        if code not in (0, 3):
            raise AssertionError(report)
    return served()


def soak(frontends, backends):
    """A third is broken, in each way as often as in any other; each good one has to be live, each broken one gone."""
    live = begin()
    begun = time.monotonic()
    problems, counted, took, ways = [], {"released": 0, "refused": 0, "rolled_back": 0}, {}, {}
    earlier, number, migrations = "first", 0, 0
    next_way = {"frontend": itertools.count(), "backend": itertools.count()}
    todo = sorted([("frontend", i / frontends) for i in range(frontends)] + [("backend", i / backends) for i in range(backends)],
                  key=lambda one: one[1])
    nth = {"frontend": 0, "backend": 0}
    before = dict(live)
    with Visitors(80, host=NAME) as visitors, Callers() as callers, Load() as load:
        for kind, _ in todo:
            number, nth[kind] = number + 1, nth[kind] + 1
            word = f"w{number}"
            if nth[kind] % 3 == 0:
                broken = broken_frontends(word, live[kind], earlier) if kind == "frontend" else broken_backends(word, migrations)
                way = list(broken)[next(next_way[kind]) % len(broken)]
                data, wanted = broken[way]
            else:
                way, wanted = "good", "released"
                migrations += kind == "backend" and nth[kind] % 3 == 1  # every second good one
                data = archive(build_files(word) if kind == "frontend" else backend_files(word, migrations))
            code, report = deploy(kind, "-", data=data)
            report = report.get("deploy", report)
            result = report.get("result")
            if result == "released":
                earlier = live[kind] if kind == "frontend" else earlier
                live[kind] = word
            now = served()
            name = f"{kind}: {way}"
            if result != wanted or now != live or (wanted == "released" and live[kind] != word):
                problems.append(f"{name}: {code} {report}; served {now}, before {before}")
            before = dict(live)
            counted[result] = counted.get(result, 0) + 1
            ways[name] = ways.get(name, 0) + 1
            took.setdefault(f"{kind} {result}", []).append(report.get("duration_ms", 0))
            print(f"{time.monotonic() - begun:7.1f} s  {name}: {result} in {report.get('duration_ms')} ms", file=sys.stderr, flush=True)
    unproven = visitors.builds - {f"w{i}" for i in range(number + 1)} - {"first"}
    problems += [f"a visitor: {fault}" for fault in visitors.faults[:20]] + [f"a caller: {fault}" for fault in callers.faults[:20]]
    problems += [f"wrk: {fault}" for fault in load.faults()] + [f"builds nobody made: {unproven}"] * bool(unproven)
    problems += [f"rows that were answered and are gone: {sorted(callers.lost())[:10]}"] * bool(callers.lost())
    return {"problems": problems, "counted": counted, "ways": ways, "pages": visitors.pages, "rows": len(callers.rows),
            "requests": {name: load.requests(name) for name in Load.PATHS}, "slowest_s": round(callers.slowest, 2),
            "ms": {name: sorted(times)[len(times) // 2] for name, times in took.items()}}


def check_after_recovery(live, word, kind, recovered):
    """What has to be true whatever was killed; the words that are served."""
    code, report = recovered
    if code not in (RELEASED, NOT_RELEASED):
        raise AssertionError(f"recover: {code} {report}")
    now, kinds = served(), KINDS[kind]
    if now not in (live, live | {each: word for each in kinds}):  # all of it, or nothing
        raise AssertionError(f"served {now}, before {live}, deployed {kind} {word}")
    if deploy("status")[1]["unfinished"]:
        raise AssertionError("something is unfinished")
    for lock in (RUN / "deploy.lock", RUN / "host.lock", STATE / "fence"):
        if lock.exists():
            with open(lock, "rb") as held:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if (RUN / "deploy_in_progress").exists():
        raise AssertionError("the marker stays")
    for each in kinds:
        check_shelf(each, [one for one in deploy("list")[1]["releases"] if one["kind"] == each])
    return now


def recover():
    """At once, or after the gate of a unit that systemd was starting, which does the same: 75 while it is at it."""
    end = time.monotonic() + 300
    while True:
        code, report = deploy("recover")
        if code != BUSY or time.monotonic() > end:
            return code, report
        time.sleep(0.1)


def check_marker():
    """What a killed deploy has left ends by itself soon."""
    with contextlib.suppress(FileNotFoundError):
        expires = json.loads((RUN / "deploy_in_progress").read_text())["expires"]
        left = datetime.datetime.fromisoformat(expires) - datetime.datetime.now(datetime.timezone.utc)
        if left > datetime.timedelta(minutes=30):  # CONTRACT 22
            raise AssertionError(f"the marker holds until {expires}")


def check_shelf(kind, releases):
    """What is served is good, another good one is kept, nothing half is left."""
    current = [one for one in releases if one["current"]]
    good = [one for one in releases if one["state"] in ("good", "withdrawn") and not one["current"]]
    shelf = pathlib.Path(SITE).parent / ".lectio-releases" if kind == "backend" else pathlib.Path(f"{SITE}/frontend/.lectio-releases")
    if len(current) != 1 or current[0]["state"] != "good":
        raise AssertionError(f"current: {releases}")
    if any(not (shelf / one["id"]).is_dir() for one in releases):
        raise AssertionError(f"a release without its files: {releases}")
    if not any(not one["current"] for one in good):
        raise AssertionError(f"no earlier good one is kept: {releases}")
    left = [path.name for path in shelf.iterdir() if path.name.startswith((".incoming", ".lectio-laying"))]
    if left:
        raise AssertionError(f"left over: {left}")


MARKS = ("received", "sealed", "migrate", "migrated", "swap", "commit")
MARKS_BACK = ("fence", "snapshot", "migrate", "migrated", "swap", "admit", "commit")  # of a way back with the database


def killed(process, longest, chance, journals=None, marks=MARKS):
    """True when it was killed in its course: at any moment, or (with `journals`, half of the time) at one of a journal's records,
    near which little time is spent and much is decided."""
    if journals is not None and chance.random() < 0.5:
        mark = chance.choice(marks)
        while process.poll() is None and not any(f'"{mark}"' in file.read_text() for file in set(journal_files()) - journals):
            time.sleep(0.001)
        longest = 0.05
    time.sleep(chance.uniform(0, longest))
    survived = process.poll() is not None
    process.kill()
    process.communicate()
    return not survived


def journal_files():
    return STATE.glob("journal/*.journal")


def build_of(kind, word, migrations):
    """The words of a deploy that brings it, and its standard input."""
    contents = {"frontend": lambda: build_files(word), "backend": lambda: backend_files(word, migrations)}
    if kind != "full":
        return [kind, "-"], archive(contents[kind]())
    for part, files in contents.items():
        pathlib.Path(f"/root/{part}.tar.gz").write_bytes(archive(files()))
    return ["full", "/root/frontend.tar.gz", "/root/backend.tar.gz"], b""


def start(*words, data=b""):
    process = subprocess.Popen(["lectio-deploy", "--format", "json", *words], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(data)
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    process.stdin = None
    return process


def kills(kind, number, seed):
    """SIGKILL at a random moment of a deploy, at times again in what takes it up; then nothing may be half."""
    chance = random.Random(seed)
    live, migrations = begin(), 0
    counted = {"killed": 0, "killed again": 0, "stayed": 0, "rounds": 0}
    problems = []
    words, data = build_of(kind, "w0", 0)
    code, report = deploy(*words, data=data)
    live = live | {each: "w0" for each in KINDS[kind]}
    if served() != live:
        raise AssertionError(f"{code} {report}")
    longest = {"deploy": report["deploy"]["duration_ms"] / 1000, "recover": 1.0}
    enough = threading.Event()  # a person who has no time for all of it ends it with SIGTERM, and reads what was counted
    signal.signal(signal.SIGTERM, lambda *_: enough.set())
    with Visitors(80, number=2, host=NAME, pause=0.02) as visitors, Callers() as callers:
        while counted["killed"] < number and counted["rounds"] < 3 * number and not problems and not enough.is_set():
            counted["rounds"] += 1
            word = f"w{counted['rounds']}"
            migrations += chance.random() < 0.5
            words, data = build_of(kind, word, migrations)
            journals = set(journal_files())
            hit = killed(start(*words, data=data), longest["deploy"], chance, journals)
            longest["deploy"] *= 1.02 if hit else 0.9  # as many as may come in its course
            counted["killed"] += hit
            while hit and chance.random() < 0.3:
                again = killed(start("recover"), longest["recover"], chance)
                longest["recover"] *= 1.02 if again else 0.9
                counted["killed again"] += again
            try:
                check_marker()
                now = check_after_recovery(live, word, kind, recover())
            except (AssertionError, OSError) as error:
                problems.append(f"round {counted['rounds']}: {error!r}")
                break
            counted["stayed"] += now == live | {each: word for each in KINDS[kind]}
            live = now
            print(f"{counted}", file=sys.stderr, flush=True)
        if not problems:
            words, data = build_of(kind, "the last", migrations)
            code, report = deploy(*words, data=data)
            problems += [] if code == 0 and served() == live | {each: "the last" for each in KINDS[kind]} else [f"the next deploy: {code} {report}"]
    problems += [f"a visitor: {fault}" for fault in visitors.faults[:20]] + [f"a caller: {fault}" for fault in callers.faults[:20]]
    problems += [f"rows that were answered and are gone: {sorted(callers.lost())[:10]}"] * bool(callers.lost())
    return {"problems": problems, "counted": counted, "pages": visitors.pages, "rows": len(callers.rows), "seed": seed}


def patiently(*words, data=b""):
    """deploy(), and again where a busy machine was too slow for the 20 s that requests may wait."""
    for _ in range(4):
        code, report = deploy(*words, data=data)
        if code != NOT_RELEASED or "20 s" not in report["deploy"]["reason"]:
            break
    return code, report


def titles_kept():
    """Of the rows in the databases that ways back have replaced."""
    if POSTGRES.exists():
        names = [name for name, in rows_of_database("SELECT datname FROM pg_database") if name.startswith(("site_left_", "site_before_"))]
        return {title for name in names for title, in rows_of_database("SELECT title FROM lessons_lesson", name)}
    kept = set()
    for file in STATE.glob("snapshots/*/left.sqlite3"):
        with contextlib.closing(sqlite3.connect(file)) as database:
            kept |= {title for title, in database.execute("SELECT title FROM lessons_lesson")}
    return kept


def has_room():
    """The column that "roomy" asks for and the release after it has taken away."""
    try:
        rows_of_database("SELECT room_0 FROM lessons_lesson LIMIT 1")
    except Exception as error:  # noqa: BLE001 (each kind of database has its own)
        if "room_0" not in str(error):
            raise
        return False
    return True


def kills_back(number, seed):
    """SIGKILL at a random moment of a way back with the database, at times again in what takes it up. "roomy" is served, or what took
    its column away: with the tables that fit it; and no row is gone that does not lie beside, where a person finds it."""
    chance = random.Random(seed)
    words = ["rollback", "backend", "--restore-db", "--accept-data-loss=2h"]
    counted, problems = {"killed": 0, "killed again": 0, "went back": 0, "rounds": 0}, []
    longest = {"back": 10.0, "recover": 1.0}
    with Callers() as callers:
        while counted["killed"] < number and counted["rounds"] < 3 * number and not problems:
            counted["rounds"] += 1
            word = f"s{counted['rounds']}"
            code, report = patiently("backend", "-", data=packed(word, "loses", "good"))
            gone = callers.lost()
            if code != RELEASED:
                problems.append(f"{word}: {code} {report}")
                break
            until = time.monotonic() + 90
            while word not in callers.words and time.monotonic() < until:
                time.sleep(0.02)
            hit = killed(start(*words), longest["back"], chance, set(journal_files()), MARKS_BACK)
            longest["back"] *= 1.02 if hit else 0.8
            counted["killed"] += hit
            while hit and chance.random() < 0.3:
                again = killed(start("recover"), longest["recover"], chance)
                longest["recover"] *= 1.02 if again else 0.9
                counted["killed again"] += again
            code, report = recover()
            now = served()["backend"]
            went_back = now == "roomy"
            counted["went back"] += went_back
            lost = callers.lost() - gone
            if code not in (RELEASED, NOT_RELEASED) or now not in ("roomy", word) or has_room() != went_back or deploy("status")[1]["unfinished"]:
                problems.append(f"{word}: served {now}, recover: {code} {report}")
            elif not went_back and lost:
                problems.append(f"{word}: nothing went back, and rows are gone: {sorted(lost)[:10]}")
            elif not went_back:
                code, report = patiently(*words)
                problems += [] if code == RELEASED and served()["backend"] == "roomy" else [f"{word}: the next way back: {code} {report}"]
            astray = callers.lost() - titles_kept()
            problems += [f"{word}: rows that are gone and lie nowhere: {sorted(astray)[:10]}"] * bool(astray)
            print(f"{counted}", file=sys.stderr, flush=True)
    problems += [f"a caller: {fault}" for fault in callers.faults[:20]]
    return {"problems": problems, "counted": counted, "rows": len(callers.rows), "slowest_s": round(callers.slowest, 2)}


def visits(rows, may_go):
    """Until SIGTERM: what visitors met meanwhile. Rows may go where a person said so: they are told then, and are no problem."""
    enough = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: enough.set())
    callers = Callers()
    with callers if rows else contextlib.nullcontext(), Load() as load:
        pathlib.Path("/run/visited").touch()
        enough.wait()
    problems = [f"a caller: {fault}" for fault in callers.faults[:20]] + [f"wrk: {fault}" for fault in load.faults()]
    gone = sorted(callers.lost()) if rows else []
    problems += [f"rows that were answered and are gone: {gone[:10]}"] * (bool(gone) and not may_go)
    return {"problems": problems, "rows": len(callers.rows), "gone": gone, "words": sorted(callers.words),
            "slowest_s": round(callers.slowest, 2), "requests": sum(load.requests(name) for name in Load.PATHS)}


def audit():
    """What strace says of a backend with a migration: released, taken back, rolled back."""
    begin()
    folder = pathlib.Path("/root/traces")
    folder.mkdir()
    unit_fails = broken_backends("third", 1)["as a unit it answers 500"][0]
    problems = []
    for words, data, wanted in ((["backend", "-"], archive(backend_files("second", 1)), RELEASED), (["backend", "-"], unit_fails, NOT_RELEASED),
                                (["rollback", "backend"], b"", RELEASED)):
        done, deeds = trace(["lectio-deploy", *words], folder, input=data)
        durable = ["/var/lib/lectio-monitor", "/var/www"]
        own = [*durable, str(RUN), "/var/log/lectio-monitor", str(DATA), "/dev/null"]
        found = not_durable(list(ours(deeds)), durable) + inherited(deeds) + written_outside(deeds, own)
        found += [] if any(deed.what == "rename" and deed.to == SITE for deed in deeds) else ["no swap was seen"]
        found += [] if done.returncode == wanted else [f"{done.returncode} {done.stdout} {done.stderr}"]
        problems += [f"{words}: {fault}" for fault in found]
    return {"problems": problems}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    soaking = commands.add_parser("soak")
    soaking.add_argument("frontends", type=int)
    soaking.add_argument("backends", type=int)
    commands.add_parser("audit")
    commands.add_parser("begin")
    packing = commands.add_parser("pack")
    packing.add_argument("word")
    packing.add_argument("what", choices=["roomy", "adds", "loses", "safe"])
    packing.add_argument("way", choices=["good", "canary", "unit", "waits"])
    visiting = commands.add_parser("visits")
    visiting.add_argument("--rows", action="store_true")
    visiting.add_argument("--may-go", action="store_true")
    asking = commands.add_parser("ask")
    asking.add_argument("sql")
    asking.add_argument("--database", default="site")
    killing_back = commands.add_parser("kills-back")
    killing_back.add_argument("number", type=int)
    killing_back.add_argument("seed", type=int)
    killing = commands.add_parser("kills")
    killing.add_argument("kind", choices=KINDS)
    killing.add_argument("number", type=int)
    killing.add_argument("seed", type=int)
    given = parser.parse_args()
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    if given.command == "soak":
        done = soak(given.frontends, given.backends)
    elif given.command == "kills":
        done = kills(given.kind, given.number, given.seed)
    elif given.command == "kills-back":
        done = kills_back(given.number, given.seed)
    elif given.command == "begin":
        done = begin()
    elif given.command == "pack":
        done = pathlib.Path(f"/root/{given.word}.tar.gz").write_bytes(packed(given.word, given.what, given.way))
    elif given.command == "visits":
        done = visits(given.rows, given.may_go)
    elif given.command == "ask":
        done = rows_of_database(given.sql, given.database)
    else:
        done = audit()
    print(json.dumps(done))


if __name__ == "__main__":
    main()
