"""Breaking the site on purpose: the first word of the file DATA/fault says how, until it is removed; that of
DATA/fault-NAME breaks one view of api.py.

    status N     answer with this status            hang       do not answer
    json         answer something that is no JSON   database   the database says no
    once N       answer with this status once, then be well again
    slow S       be well, but take so many seconds longer
    raise        an exception in a view, with its traceback in the log
    locked       answer as a view does that shows SQLite's words
    kill GROUP   end that group of processes before answering; own: this application, all of it
"""

import os
import signal
import time

from django.conf import settings
from django.http import HttpResponse, JsonResponse


def _file(name):
    return settings.DATA / (f"fault-{name}" if name else "fault")


def words(name):
    """What the file says, word by word; nothing while no fault is set."""
    try:
        return _file(name).read_text().split()
    except FileNotFoundError:
        return []


def answer(name=""):
    """The broken answer, or None while no fault is set."""
    word, *arguments = words(name) or [""]
    if not word:
        return None
    if word == "status":
        return HttpResponse("made up fault", status=int(arguments[0]))
    if word == "once":
        _file(name).unlink(missing_ok=True)
        return HttpResponse("made up fault", status=int(arguments[0]))
    if word == "hang":
        while _file(name).exists():
            time.sleep(0.05)
        return None
    if word == "slow":
        time.sleep(float(arguments[0]))
        return None
    if word == "json":
        return HttpResponse('{"status": "healthy", "checks": {', content_type="application/json")
    if word == "database":
        return JsonResponse({"status": "unhealthy", "checks": {"database": "error: made up"}}, status=500)
    if word == "locked":
        return JsonResponse({"detail": "OperationalError: database is locked"}, status=503)
    if word == "kill":
        _file(name).unlink(missing_ok=True)
        os.killpg(os.getpgrp() if arguments[0] == "own" else int(arguments[0]), signal.SIGKILL)
        time.sleep(60)  # until our own end comes
    if word == "raise":
        raise RuntimeError("made up fault <in a view>")
    if name:
        return None  # the view knows it
    raise ValueError(f"unknown fault: {word}")
