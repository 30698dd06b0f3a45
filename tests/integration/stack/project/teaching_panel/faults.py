"""Breaking the site on purpose: the first word of the file DATA/fault says how, until it is removed.

    status N     answer with this status            hang       do not answer
    json         answer something that is no JSON   database   the database says no
    once N       answer with this status once, then be well again
    raise        an exception in a view, with its traceback in the log
"""

import time

from django.conf import settings
from django.http import HttpResponse, JsonResponse

_FILE = settings.DATA / "fault"


def answer():
    """The broken answer, or None while no fault is set."""
    try:
        word, *arguments = _FILE.read_text().split()
    except (FileNotFoundError, ValueError):
        return None
    if word == "status":
        return HttpResponse("made up fault", status=int(arguments[0]))
    if word == "once":
        _FILE.unlink(missing_ok=True)
        return HttpResponse("made up fault", status=int(arguments[0]))
    if word == "hang":
        while _FILE.exists():
            time.sleep(0.05)
        return None
    if word == "json":
        return HttpResponse('{"status": "healthy", "checks": {', content_type="application/json")
    if word == "database":
        return JsonResponse({"status": "unhealthy", "checks": {"database": "error: made up"}}, status=500)
    if word == "raise":
        raise RuntimeError("made up fault <in a view>")
    raise ValueError(f"unknown fault: {word}")
