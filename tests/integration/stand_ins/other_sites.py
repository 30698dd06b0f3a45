"""Small stand-ins of the two other systems that profiles are shipped for: what cube-demper (FastAPI) and horoscopus (Django
REST framework) answer to what their profiles ask. A test breaks them by their attributes.

    with CubeDemper() as site:
        site.redis = "unhealthy"
"""

import collections
import http.cookies
import http.server
import json
import threading
import time
import urllib.parse

SAFE_HEADERS = {"Strict-Transport-Security": "max-age=31536000", "Content-Security-Policy": "default-src 'none'", "X-Frame-Options": "DENY",
                "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Permissions-Policy": "camera=()"}


class StandIn:
    """Answers by `METHOD /path` with handlers of a Request that return (status, JSON or text)."""

    def __init__(self):
        self.headers = dict(SAFE_HEADERS)
        self.handlers = {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self):
                self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.more = []
                handler = outer.handlers.get(f"{self.command} {self.path}", lambda _: (404, {"detail": "Not Found"}))
                status, content = handler(self)
                text = content if isinstance(content, str) else json.dumps(content)
                self.send_response(status)
                kind = "text/html" if isinstance(content, str) else "application/json"
                for name, value in [("Content-Type", kind), ("Content-Length", str(len(text.encode()))), *outer.headers.items(), *self.more]:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_POST = _answer

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


class CubeDemper(StandIn):
    EMAIL, PASSWORD, TOKEN = "smoke@test.example", "made-up-demper", "made-up.token"

    def __init__(self):
        super().__init__()
        self.database = self.redis = "healthy"
        self.circuit = "closed"
        self.proxies = {"total": 12, "available": 5, "allocated": 4, "resting": 2, "dead": 1}
        self.limits = {"login": 5, "register": 3, "password-reset": 3}  # within the minute that a test takes
        self.slow = 0  # seconds that each third /health takes longer
        self._seen = collections.Counter()
        self._lock = threading.Lock()
        self.handlers = {"GET /health": self._health, "GET /health/circuits": self._circuits,
                         "GET /api/v1/admin/proxies": self._proxies, "POST /api/v1/auth/login": self._login,
                         "POST /api/v1/auth/register": self._register, "POST /api/v1/auth/password-reset": self._reset}

    def _count(self, what):
        with self._lock:
            self._seen[what] += 1
            return self._seen[what]

    def forget(self):
        """The minute is over."""
        self._seen.clear()

    def _health(self, _request):
        if self.slow and self._count("health") % 3 == 0:
            time.sleep(self.slow)  # this is the fault
        good = self.database == self.redis == "healthy"
        return 200, {"status": "healthy" if good else "degraded", "checks": {"database": self.database, "redis": self.redis}}

    def _circuits(self, _request):
        return 200, {"circuits": {"kaspi": {"state": self.circuit, "failure_count": 0}, "waha": {"state": "closed", "failure_count": 0}}}

    def _proxies(self, request):
        if request.headers.get("Authorization") != f"Bearer {self.TOKEN}":
            return 401, {"detail": "Not authenticated"}
        return 200, self.proxies

    def _login(self, request):
        said = json.loads(request.body)
        if self._count(f"login {said['email']}") > self.limits["login"]:
            return 429, {"detail": "Too many requests"}
        if (said["email"], said["password"]) != (self.EMAIL, self.PASSWORD):
            return 401, {"detail": "Incorrect email or password"}
        return 200, {"access_token": self.TOKEN, "token_type": "bearer"}

    def _register(self, _request):
        return (429, {"detail": "Too many requests"}) if self._count("register") > self.limits["register"] else \
            (400, {"detail": "Email already registered"})

    def _reset(self, _request):
        return (429, {"detail": "Too many requests"}) if self._count("reset") > self.limits["password-reset"] else \
            (200, {"detail": "If the account exists, a letter is on its way"})


class Horoscopus(StandIn):
    USER, PASSWORD, SESSION, CSRF = "smoke", "made-up-horoscopus", "made-up-session", "made-up-csrf-token"
    ROUTERS = ("core/locations", "accounts/profiles", "charts/natal-charts", "forecasts/forecasts", "reports/reports")

    def __init__(self):
        super().__init__()
        self.locations = [{"id": 1, "name": "Moscow"}]
        self.debug = False
        self.handlers = {"GET /api-auth/login/": self._form, "POST /api-auth/login/": self._login, "GET /admin/login/": self._form,
                         "GET /lectio-smoke-no-such-page/": self._nothing}
        for router in self.ROUTERS:
            self.handlers[f"GET /api/v1/{router}/"] = self._list
            self.handlers[f"GET /api/v1/{router}"] = self._redirect

    @staticmethod
    def _cookies(request):
        return {name: morsel.value for name, morsel in http.cookies.SimpleCookie(request.headers.get("Cookie", "")).items()}

    def _form(self, request):
        request.more.append(("Set-Cookie", f"csrftoken={self.CSRF}; Path=/"))
        return 200, '<!doctype html><html><form method="post"><input type="hidden" name="csrfmiddlewaretoken"><input type="password" name="password"></form></html>'

    def _login(self, request):
        said = dict(urllib.parse.parse_qsl(request.body.decode()))
        if request.headers.get("X-CSRFToken") != self._cookies(request).get("csrftoken"):
            return 403, "<h1>Forbidden</h1> CSRF verification failed."
        if said != {"username": self.USER, "password": self.PASSWORD}:
            return self._form(request)
        request.more += [("Set-Cookie", f"sessionid={self.SESSION}; HttpOnly"), ("Location", "/")]
        return 302, ""

    def _list(self, request):
        public = "core/locations" in request.path
        if not public and self._cookies(request).get("sessionid") != self.SESSION:
            return 403, {"detail": "Authentication credentials were not provided."}
        results = self.locations if public else []
        return 200, {"count": len(results), "next": None, "results": results}

    @staticmethod
    def _redirect(request):
        request.more.append(("Location", request.path + "/"))
        return 301, ""

    def _nothing(self, _request):
        return 404, "You're seeing this error because you have DEBUG = True" if self.debug else "<h1>Not Found</h1>"
