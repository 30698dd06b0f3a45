"""What the real site's users ask for, kept small. Beside the faults of faults.py a view knows some of its own:

    html         the frontend's page in place of JSON      empty      an empty list
    cut          less than Content-Length promises         open       for everybody
    token        expire (lives 5 s) | skew SECONDS (the clock of this site) | none (no token in the answer)
    stream       whole (Range is ignored) | short (fewer bytes than promised) | other (the bytes after these)
    me           number (where the role was)
    login-limit  off (as many logins as one likes)
    session      form (the page without its cookie) | lost (nobody is logged in)
"""

import base64
import functools
import hashlib
import hmac
import json
import secrets
import time

from django.conf import settings
from django.contrib.auth import authenticate, get_user_model, login
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt, ensure_csrf_cookie

from . import faults

PAGE = '<!doctype html><html><head><title>Lectio</title></head><body><div id="root"></div></body></html>'
STREAM = bytes(range(256)) * 20
LOGINS_A_MINUTE = 5


def _encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _signature(text):
    return _encoded(hmac.new(settings.SECRET_KEY.encode(), text, hashlib.sha256).digest())


def _token(user):
    now, lives = time.time(), 300
    match faults.words("token"):
        case ["expire"]:
            lives = 5
        case ["skew", seconds]:
            now += int(seconds)
    text = b".".join(_encoded(json.dumps(part).encode())
                     for part in ({"alg": "HS256", "typ": "JWT"}, {"user": user.pk, "iat": int(now), "exp": int(now) + lives}))
    return (text + b"." + _signature(text)).decode()


def _bearer(request):
    """Who the request comes from, or None."""
    text, _, signature = request.headers.get("Authorization", "").removeprefix("Bearer ").encode().rpartition(b".")
    if not text or not hmac.compare_digest(signature, _signature(text)):
        return None
    body = text.split(b".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + b"=" * (-len(body) % 4)))
    return get_user_model().objects.filter(pk=claims["user"], is_active=True).first()


def view(name, role=None, anybody=False, methods=("GET",)):
    """A view of the API: broken on purpose by its name, for whoever has that role."""
    def decorate(function):
        @csrf_exempt
        @functools.wraps(function)
        def answer(request, **arguments):
            broken = faults.answer(name)
            if broken is not None:
                return broken
            if faults.words(name) == ["html"]:
                return HttpResponse(PAGE)
            if faults.words(name) == ["cut"]:
                return HttpResponse(b'{"results": [', content_type="application/json", headers={"Content-Length": "500"})
            if request.method not in methods:
                return JsonResponse({"detail": "Method not allowed."}, status=405)
            request.person = _bearer(request)
            if request.person is None and not anybody and faults.words(name) != ["open"]:
                return JsonResponse({"detail": "Authentication credentials were not provided."}, status=401)
            if role and request.person and request.person.role != role:
                return JsonResponse({"detail": "You do not have permission to perform this action."}, status=403)
            return function(request, **arguments)
        return answer
    return decorate


def listing(name, role=None):
    @view(name, role)
    def answer(_request):
        results = [] if faults.words(name) == ["empty"] else [{"id": 7, "title": f"{name} 1"}, {"id": 8, "title": f"{name} 2"}]
        return JsonResponse({"count": len(results), "results": results})
    return answer


def _too_many(email):
    """Counts the logins that failed in the last minute; all workers share the file."""
    file = settings.DATA / f"logins-{hashlib.sha256(email.encode()).hexdigest()[:12]}"
    times = [float(word) for word in file.read_text().split()] if file.exists() else []
    times = [each for each in times if each > time.time() - 60] + [time.time()]
    file.write_text(" ".join(map(str, times)))
    return len(times) > LOGINS_A_MINUTE and faults.words("login-limit") != ["off"]


@view("token", anybody=True, methods=("POST",))
def token(request):
    try:
        said = json.loads(request.body)
        email, password = said["email"], said["password"]
    except (ValueError, KeyError):
        return JsonResponse({"email": ["This field is required."]}, status=400)
    user = authenticate(request, email=email, password=password)
    if user is None:
        if _too_many(email):
            return JsonResponse({"detail": "Request was throttled."}, status=429)
        return JsonResponse({"detail": "No active account found with the given credentials"}, status=401)
    return JsonResponse({} if faults.words("token") == ["none"] else {"access": _token(user), "refresh": "made-up"})


@view("me")
def me(request):
    return JsonResponse({"id": request.person.pk, "email": request.person.email, "role": 5 if faults.words("me") == ["number"] else request.person.role})


@view("subscription", "teacher")
def subscription(_request):
    return JsonResponse({"plan": "monthly", "status": "active"})


@view("create-payment", "teacher", methods=("POST",))
def create_payment(_request):
    return JsonResponse({"detail": "T-Bank is not configured"}, status=400)


@view("stream", "teacher")
def stream(request, recording):
    """RFC 9110, 14: one range of bytes."""
    asked = request.headers.get("Range", "").removeprefix("bytes=")
    if recording != 7 or not asked or faults.words("stream") == ["whole"]:
        return HttpResponse(STREAM if recording == 7 else b"", status=200 if recording == 7 else 404, content_type="video/mp4")
    first, _, last = asked.partition("-")
    first, last = int(first), min(int(last or len(STREAM) - 1), len(STREAM) - 1)
    if faults.words("stream") == ["other"]:
        first, last = last + 1, 2 * last + 1 - first
    part = STREAM[first:last + 1]
    answer = HttpResponse(part[:-100] if faults.words("stream") == ["short"] else part, status=206, content_type="video/mp4")
    answer["Content-Range"] = f"bytes {first}-{last}/{len(STREAM)}"
    return answer


def _file_of(name):
    return settings.DATA / f"upload-{name}"


@view("files", "teacher", methods=("POST",))
def files(request):
    sent = request.FILES.get("file")
    if sent is None:
        return JsonResponse({"file": ["No file was submitted."]}, status=400)
    name = secrets.token_hex(4)
    _file_of(name).write_bytes(sent.read())
    return JsonResponse({"id": name, "size": sent.size}, status=201)


@view("file", "teacher", methods=("GET", "DELETE"))
def file(request, name):
    if not _file_of(name).exists():
        return JsonResponse({"detail": "Not found."}, status=404)
    if request.method == "DELETE":
        _file_of(name).unlink()
        return HttpResponse(status=204)
    return JsonResponse({"id": name, "size": _file_of(name).stat().st_size})


def session_login(request):
    return _bare_form(request) if faults.words("session") == ["form"] else _form(request)


def _bare_form(_request):
    return HttpResponse("made up: a form without a token")


@ensure_csrf_cookie
def _form(request):
    """A page with a form, as Django's own."""
    if request.method == "POST":
        user = authenticate(request, email=request.POST.get("email"), password=request.POST.get("password"))
        if user is not None:
            login(request, user)
            return HttpResponseRedirect("/")
    return HttpResponse('<!doctype html><html><form method="post"><input name="email"><input type="password" name="password"></form></html>')


def session_note(request):
    if not request.user_id:
        return HttpResponseRedirect("/login/?next=/api/session-note/")
    return JsonResponse({"noted": request.method}, status=201)


def with_session(function):
    @functools.wraps(function)
    def answer(request):
        request.user_id = None if faults.words("session") == ["lost"] else request.session.get("_auth_user_id")
        return function(request)
    return answer


urlpatterns = [
    path("api/jwt/token/", token),
    path("api/me/", me),
    path("api/schedule/lessons/", listing("lessons", "teacher")),
    path("schedule/api/recordings/teacher/", listing("recordings", "teacher")),
    path("schedule/api/recordings/<int:recording>/stream/", stream),
    path("api/homework/", listing("homework")),
    path("api/groups/", listing("groups", "teacher")),
    path("api/attendance-records/", listing("attendance", "teacher")),
    path("api/gradebook/", listing("gradebook", "teacher")),
    path("api/subscription/", subscription),
    path("api/subscription/create-payment/", create_payment),
    path("api/gdrive/files/", files),
    path("api/gdrive/files/<str:name>/", file),
    path("api/zoom/status/", view("zoom", "teacher")(lambda request: JsonResponse({"connected": True}))),
    path("login/", session_login),
    path("api/session-note/", with_session(session_note)),
]
