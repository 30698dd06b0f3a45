#!/usr/bin/env python3
"""The shipped profiles as lectio-deepcheck has them: each finding of the audits they come from is found by the profile of its
system, against real servers where there are any here; and `audit --profile`, as install.sh leaves it."""

import contextlib
import http.server
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "stack"))

from monitor import SOURCE, Run, binary
from postgres import Postgres, programs
from stack import free_port, wait_until
from stand_ins.docker_api import DockerApi, container
from stand_ins.partners import Partners

PROFILES = SOURCE / "config/profiles"
NAMES = ("lectio", "cube-demper", "horoscopus")
PATHS = 'lang = "en"\nhost = "test-host"\n[paths]\n'


def start_redis(stack):
    """A server that goes with `stack`: its port, and what asks it."""
    port = free_port()
    redis = subprocess.Popen(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", "/tmp"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    stack.callback(redis.wait)
    stack.callback(redis.terminate)
    cli = ["redis-cli", "-p", str(port)]
    wait_until(lambda: subprocess.run([*cli, "ping"], capture_output=True, check=False).stdout == b"PONG\n", "Redis answers")
    return port, cli


class Place:
    """A profile in a folder of its own, its values changed, and what stands in its env file."""

    def __init__(self, profile="", changes=(), variables=None):
        self._temporary = tempfile.TemporaryDirectory(prefix="lectio-profile-")
        self.folder = pathlib.Path(self._temporary.name)
        self.folder.chmod(0o755)
        self.config = self.folder / "config.toml"
        text = ""
        if profile:
            text = (PROFILES / f"{profile}.toml").read_text()
            text = text[text.index("\n[deepcheck]"):]
        for before, after in changes:
            assert before in text, before
            text = text.replace(before, after)
        self.write(text)
        self.variables(variables or {})

    def write(self, text):
        self.config.write_text(PATHS + "".join(f'{name} = "{self.folder / name}"\n' for name in ("state", "run", "logs", "env_file")) + text)

    def variables(self, variables):
        (self.folder / "env_file").write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
        (self.folder / "env_file").chmod(0o600)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._temporary.cleanup()

    def deepcheck(self, *words, program=None):
        command = [str(program or binary("lectio-deepcheck")), "-c", str(self.config), *words]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
        return Run(done, 0)

    def look(self, *checks):
        """What is not ok of these, by name: (status, message)."""
        run = self.deepcheck("--format", "json", "run", *checks)
        assert run.report is not None, run.out + run.err
        return {check["name"]: (check["status"], check["message"]) for check in run.report["checks"]
                if check["status"] != "ok" and check["name"] != "config"}  # which names what is not set here


class LoadTest(unittest.TestCase):
    def test_every_tool_takes_every_profile(self):
        for tool in ("lectio-deepcheck", "lectio-smoke", "lectio-health"):
            for name in NAMES:
                with self.subTest(tool=tool, profile=name):
                    done = subprocess.run([str(binary(tool)), "-c", str(PROFILES / f"{name}.toml"), "--check-config"],
                                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class InstalledTest(unittest.TestCase):
    """A program with its profiles beside it, as install.sh puts them there."""

    def setUp(self):
        self.place = self.enterContext(Place())
        self.place.write('[deepcheck.check.ports]\ntype = "ports"\nallow = ["0.0.0.0/0", "::/0"]\n')
        (self.place.folder / "bin").mkdir()
        self.program = self.place.folder / "bin/lectio-deepcheck"
        shutil.copy(binary("lectio-deepcheck"), self.program)
        self.profiles = self.place.folder / "share/lectio-monitor/profiles"
        self.profiles.mkdir(parents=True)
        for name in NAMES:
            shutil.copy(PROFILES / f"{name}.toml", self.profiles)

    def audit(self, *words):
        return self.place.deepcheck("audit", *words, program=self.program)

    def names(self, *words):
        run = self.audit("--format", "json", *words)
        self.assertIsNotNone(run.report, run.out + run.err)
        return {check["name"]: check for check in run.report["checks"]}

    def test_a_profile_adds_its_checks_of_hardening_and_the_configuration_s_own_win(self):
        (self.profiles / "own.toml").write_text('[deepcheck.check.ports]\ntype = "ports"\nallow = ["1"]\n'
                                                '[deepcheck.check.boot]\ntype = "reboot"\n'
                                                '[deepcheck.check.other]\ntype = "exec"\ncommand = ["/bin/false"]\n')
        self.assertEqual(set(self.names()), {"ports"})
        own = self.names("--profile", "own")
        self.assertEqual(set(own), {"ports", "boot"})
        self.assertEqual(own["ports"]["status"], "ok", own)
        self.assertEqual(set(self.names("--profile", str(self.profiles / "own.toml"))), {"ports", "boot"})

    def test_the_shipped_ones_are_found_by_name_and_by_the_configuration(self):
        self.assertIn("containers", self.names("--profile", "horoscopus"))
        with self.place.config.open("a") as config:
            config.write('[deepcheck.audit]\nprofile = "cube-demper"\n')
        self.assertIn("served", self.names())
        self.assertNotIn("served", self.names("--profile", "horoscopus"), "what is asked for goes before what is configured")

    def test_one_that_is_not_there_and_one_that_is_wrong(self):
        run = self.audit("--profile", "lektio")
        self.assertEqual(run.exit_code, 64, run.out)
        self.assertIn('there is no profile "lektio" (there are cube-demper, horoscopus, lectio); did you mean "lectio"?', run.err)
        self.assertEqual(self.audit("--profile", "/nosuch/x.toml").exit_code, 64)
        (self.profiles / "broken.toml").write_text("[deepcheck.check.it]\ntype = 5\n")
        run = self.audit("--profile", "broken")
        self.assertEqual(run.exit_code, 78, run.out + run.err)
        self.assertIn("broken.toml:2:8", run.out + run.err)
        shutil.rmtree(self.profiles)
        with self.place.config.open("a") as config:
            config.write('[deepcheck.audit]\nprofile = "lectio"\n')
        run = self.audit()
        self.assertEqual(run.exit_code, 78, run.out + run.err)
        self.assertIn('there is no profile "lectio"', run.out + run.err)


class LectioTest(unittest.TestCase):
    PARTNERS = ("zoom", "tbank", "yookassa", "google-drive", "telegram")

    def test_its_partners(self):
        with Partners() as partners, Place("lectio") as place:
            variables = partners.variables
            place.variables(variables)
            self.assertEqual(place.look(*self.PARTNERS), {})
            partners.tbank, partners.yookassa, partners.token, partners.bot, partners.drive = 200, 500, "none", False, "files"
            seen = place.look(*self.PARTNERS)
            self.assertEqual({name: status for name, (status, _) in seen.items()}, dict.fromkeys(self.PARTNERS, "warning"), seen)
            self.assertIn("HTTP 200, expected 405", seen["tbank"][1])
            self.assertIn("HTTP 500, expected 401", seen["yookassa"][1])
            place.variables(variables | {"ZOOM_BASIC": "d3Jvbmc="})
            self.assertIn("HTTP 401", place.look("zoom")["zoom"][1])
            place.variables({name: value for name, value in variables.items() if not name.startswith("ZOOM_")})
            self.assertEqual(place.look("zoom")["zoom"][0], "skipped")


@unittest.skipUnless(programs(), "PostgreSQL is not installed")
class CubeDemperTest(unittest.TestCase):
    TTL = ("ttl-proxy", "ttl-session", "ttl-ratelimit", "ttl-cache", "ttl-waha", "ttl-activity")

    def test_its_data(self):
        with contextlib.ExitStack() as stack:
            postgres = stack.enter_context(Postgres())
            port, cli = start_redis(stack)
            # There is no TLS between the processes of this test, and room for twelve connections.
            place = stack.enter_context(Place("cube-demper", [('sslmode            = "require"\n', ""), ("pool_min           = 5", "pool_min           = 3"),
                                                              ("warn = 40, critical = 48", 'warn = "80%"')],
                                              {"DEMPER_DATABASE_URL": postgres.url(), "DEMPER_REDIS_URL": f"redis://127.0.0.1:{port}/0"}))
            postgres.sql("create table kaspi_stores (last_orders_sync timestamptz, api_key_valid boolean)",
                         "grant select on kaspi_stores to monitor", "grant pg_monitor to monitor",
                         "insert into kaspi_stores select now() - interval '3 hours', true from generate_series(1, 10)", database="lectio")
            for pattern in ("proxy:1", "session:a", "ratelimit:a", "cache:a", "waha:a", "user:activity:1"):
                subprocess.run([*cli, "set", pattern, "1"], check=True, stdout=subprocess.DEVNULL)
            seen = place.look("orders", "stores", "postgres", *self.TTL)
            self.assertEqual(seen["orders"], ("critical", "the last was 3 hours ago"))
            self.assertIn("statement_timeout is not set", seen["postgres"][1])
            self.assertEqual({name for name in seen if name.startswith("ttl-")}, set(self.TTL), seen)

            postgres.sql("update kaspi_stores set last_orders_sync = now() where ctid = '(0,1)'", database="lectio")
            seen = place.look("orders", "stores")
            self.assertEqual(set(seen), {"stores"}, seen)
            postgres.sql("alter role monitor set statement_timeout = '30s'")
            self.assertIn("the site's pool should hold 3", place.look("postgres")["postgres"][1])

            postgres.sql("update kaspi_stores set last_orders_sync = now()", database="lectio")
            for _ in range(3):
                postgres.hold("select 1")
            subprocess.run([*cli, "flushall"], check=True, stdout=subprocess.DEVNULL)
            subprocess.run([*cli, "set", "session:a", "1", "ex", "600"], check=True, stdout=subprocess.DEVNULL)
            self.assertEqual(place.look("orders", "stores", "postgres", *self.TTL), {})

    def test_sslmode_is_required(self):
        with Postgres() as postgres, Place("cube-demper", (), {"DEMPER_DATABASE_URL": postgres.url()}) as place:
            self.assertIn("server does not support SSL", place.look("postgres")["postgres"][1])


class BundleTest(unittest.TestCase):
    """A frontend on a platform without a shell: its page and scripts are all that can be seen of it."""

    def serve(self, files):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = files.get(self.path)
                self.send_response(200 if body is not None else 404)
                kind = "application/javascript" if self.path.endswith(".js") else "text/html"
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_port}/"

    def test_the_address_of_the_api_that_was_not_set(self):
        page = b'<!doctype html><html><script src="/_next/static/chunks/main-1.js" defer></script><script src="/_next/static/chunks/app-2.js"></script></html>'
        files = {"/": page, "/_next/static/chunks/main-1.js": b"let a=1;", "/_next/static/chunks/app-2.js": b'let u="https://api.demper.example";'}
        url = self.serve(files)
        with Place("cube-demper", [('"https://${DEMPER_SITE:-demper.example}/"', f'"{url}"')]) as place:
            self.assertEqual(place.look("bundle"), {})
            for other in ("http://localhost:8010", "https://cube-demper-backend-production.up.railway.app"):
                files["/_next/static/chunks/app-2.js"] = f'let u=e.env.API||"{other}";'.encode()
                status, words = place.look("bundle")["bundle"]
                self.assertEqual(status, "critical", words)
                self.assertIn("_next/static/chunks/app-2.js contains", words)
            del files["/_next/static/chunks/app-2.js"]
            self.assertIn("HTTP 404", place.look("bundle")["bundle"][1])


class ContainersTest(unittest.TestCase):
    def findings(self, place):
        run = place.deepcheck("--format", "json", "audit", "--only", "containers")
        return " | ".join(finding["seen"] for finding in run.check("containers").get("findings", [])), run

    def test_the_compose_file_of_the_audit(self):
        for profile, variable in (("horoscopus", "HOROSCOPUS_DOCKER_SOCKET"), ("cube-demper", "DEMPER_DOCKER_SOCKET")):
            with self.subTest(profile=profile), Place(profile) as place:
                bad = [container("postgres", user="", ports=["5432/tcp"], memory=0, health=False),
                       container("redis", ports=["6379/tcp"]), container("worker", restart="")]
                place.variables({variable: place.folder / "docker.sock"})
                with DockerApi(place.folder, bad):
                    words, _ = self.findings(place)
                for part in ("postgres", "root", "5432", "6379", "worker"):
                    self.assertIn(part, words)
                (place.folder / "docker.sock").unlink()
                with DockerApi(place.folder, [container("web", ports=["443/tcp"]), container("db")]):
                    words, run = self.findings(place)
                self.assertEqual((words, run.check("containers")["status"]), ("", "ok"), run.out)


class HardeningTest(unittest.TestCase):
    """What programs were started with and how, on a host with every fault of the audits, and on the mended one."""

    def start(self, stack, command, **variables):
        process = subprocess.Popen(command, executable="/usr/bin/python3", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env=os.environ | variables)
        stack.callback(process.wait)
        stack.callback(process.terminate)

    def findings(self, place, *checks):
        only = [word for check in checks for word in ("--only", check)]
        run = place.deepcheck("--format", "json", "audit", *only)
        self.assertIsNotNone(run.report, run.out + run.err)
        return [finding["seen"] for check in run.report["checks"] for finding in check.get("findings", [])]

    def test_default_secrets_and_command_lines(self):
        for bad in (True, False):
            with self.subTest(bad=bad), contextlib.ExitStack() as stack:
                place = stack.enter_context(Place())
                script = place.folder / "wait.py"
                script.write_text("import time; time.sleep(600)\n")
                only_here = place.folder.name  # other programs of this host are nobody's business here
                cube = stack.enter_context(Place("cube-demper", [('"uvicorn|gunicorn|app\\\\.main"', f'"{only_here}.*--app"')],
                                                 {"DEMPER_ENV_FILE": place.folder / "app.env"}))
                (place.folder / "app.env").write_text("ENCRYPTION_KEY=" + ("your-encryption-key-must-be-32-bytes" if bad else "b7f0") + "\n")
                (place.folder / "app.env").chmod(0o600)
                horoscopus = stack.enter_context(Place("horoscopus", [('"gunicorn|celery|manage\\\\.py|vite|npm run dev"', f'"{only_here}"')]))
                lectio = stack.enter_context(Place("lectio", [('match = "gunicorn|celery"', f'match = "{only_here}"')]))
                secret = "your-secret-key-min-32-characters-change-in-production" if bad else "f00dfeed"
                self.start(stack, ["python3", str(script), "--app"], SECRET_KEY=secret)
                if bad:
                    self.start(stack, ["manage.py", str(script), "runserver"])
                    self.start(stack, ["celery", str(script), "worker"])
                    self.start(stack, ["gunicorn", str(script), "app.wsgi"])
                else:
                    for queue in ("default", "heavy"):
                        self.start(stack, ["celery", str(script), "worker", "-Q", queue])
                    self.start(stack, ["gunicorn", str(script), "-k", "gevent"])
                wait_until(lambda: subprocess.run(["pgrep", "-fc", only_here], capture_output=True, text=True, check=False).stdout.strip() == "4",
                           "the programs run")
                secrets = " | ".join(self.findings(cube, "secrets"))
                lines = " | ".join(self.findings(horoscopus, "command-lines") + self.findings(lectio, "command-lines"))
                if bad:
                    self.assertIn("ENCRYPTION_KEY", secrets)
                    self.assertIn("SECRET_KEY", secrets)
                    self.assertIn("a development server runs", lines)
                    self.assertIn("one Celery worker serves all queues", lines)
                    self.assertIn("gunicorn runs sync workers", lines)
                else:
                    self.assertEqual((secrets, lines), ("", ""))

    def test_nginx_of_the_audit_and_the_mended_one(self):
        config = """
events {{}}
pid {folder}/nginx.pid;
http {{
    {http}
    server {{
        listen 127.0.0.1:{port} ssl;
        server_name lectio.test;
        ssl_certificate {folder}/cert.pem;
        ssl_certificate_key {folder}/key.pem;
        root {folder};
        {server}
        location / {{ try_files $uri /index.html; {spa} }}
        location /api/ {{ proxy_pass http://127.0.0.1:1; {api} }}
        location /api/jwt/ {{ proxy_pass http://127.0.0.1:1; {login} }}
    }}
}}
"""
        headers = " ".join(f'add_header {name} "{value}" always;' for name, value in {
            "Strict-Transport-Security": "max-age=63072000", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
            "Referrer-Policy": "same-origin", "Permissions-Policy": "camera=()"}.items())
        bad = {"http": "client_max_body_size 2G;", "server": "", "spa": "", "api": "", "login": ""}
        good = {"http": "server_tokens off; limit_req_zone $binary_remote_addr zone=a:1m rate=30r/s;",
                "server": f"client_max_body_size 200M; {headers} location ~ /\\. {{ deny all; }}",
                "spa": f'add_header Cache-Control no-cache; {headers}', "api": "limit_req zone=a burst=50;", "login": "limit_req zone=a;"}
        with tempfile.TemporaryDirectory(prefix="lectio-nginx-") as folder:
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                            "-subj", "/CN=lectio.test", "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"],
                           check=True, capture_output=True)
            conf = pathlib.Path(folder) / "nginx.conf"
            command = f'type      = "nginx"\ncommand   = ["nginx", "-T", "-c", "{conf}", "-e", "{folder}/error.log"]'
            with Place("lectio", [('type      = "nginx"', command)]) as place:
                conf.write_text(config.format(folder=folder, port=free_port(), **bad))
                self.assertEqual(set(self.findings(place, "nginx")), {
                    *(f"lectio.test: {path} is passed on without a limit on requests"
                      for path in ("/api/jwt/token/", "/api/jwt/register/", "/api/")),
                    "http: bodies of up to 2 GB are taken, the application takes 200 MB", "http: nginx tells its version",
                    "lectio.test: no Strict-Transport-Security, X-Content-Type-Options, X-Frame-Options, Referrer-Policy, Permissions-Policy",
                    "lectio.test: /.env, /.git/HEAD is not denied"})
                conf.write_text(config.format(folder=folder, port=free_port(), **good))
                self.assertEqual(self.findings(place, "nginx"), [])

    @unittest.skipUnless(programs(), "PostgreSQL is not installed")
    def test_one_audit_names_all_that_the_audits_found(self):
        """A container of root, a default secret, no limit of requests, no HSTS, keys without TTL, a pool of two, a dead job."""
        nginx = (PROFILES / "lectio.toml").read_text()
        nginx = nginx[nginx.index("[deepcheck.check.nginx]"):nginx.index("[deepcheck.check.headers]")]
        with contextlib.ExitStack() as stack:
            postgres = stack.enter_context(Postgres())
            postgres.sql("create table kaspi_stores (last_orders_sync timestamptz, api_key_valid boolean)",
                         "grant select on kaspi_stores to monitor", "grant pg_monitor to monitor",
                         "insert into kaspi_stores values (now() - interval '3 hours', true)", database="lectio")
            postgres.sql("alter role monitor set statement_timeout = '30s'")
            port, cli = start_redis(stack)
            subprocess.run([*cli, "set", "session:a", "1"], check=True, stdout=subprocess.DEVNULL)
            # There is no TLS between the processes of this test, and room for twelve connections.
            place = stack.enter_context(Place("cube-demper", [('sslmode            = "require"\n', ""), ("pool_min           = 5", "pool_min           = 3"),
                                                              ("warn = 40, critical = 48", 'warn = "80%"'),
                                                              ('environments = ["uvicorn|gunicorn|app\\\\.main"]\n', "")]))
            place.variables({"DEMPER_DATABASE_URL": postgres.url(), "DEMPER_REDIS_URL": f"redis://127.0.0.1:{port}/0",
                             "DEMPER_DOCKER_SOCKET": place.folder / "docker.sock", "DEMPER_ENV_FILE": place.folder / "app.env"})
            conf = place.folder / "nginx.conf"
            with place.config.open("a") as config:
                config.write(nginx.replace('"nginx"\n', f'"nginx"\ncommand = ["nginx", "-T", "-c", "{conf}", "-e", "{place.folder}/error.log"]\n', 1))
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                            "-subj", "/CN=lectio.test", "-keyout", place.folder / "key.pem", "-out", place.folder / "cert.pem"],
                           check=True, capture_output=True)
            names = ("containers", "secrets", "nginx", "ttl-session", "postgres", "orders")

            def audit(secret, directives, *containers):
                (place.folder / "app.env").write_text(f"SECRET_KEY={secret}\n")
                (place.folder / "app.env").chmod(0o600)
                conf.write_text(f"""events {{}} pid {place.folder}/nginx.pid;
                    http {{ server_tokens off; limit_req_zone $binary_remote_addr zone=a:1m rate=30r/s; client_max_body_size 200M;
                    server {{ listen 127.0.0.1:{free_port()} ssl; server_name lectio.test; location ~ /\\. {{ deny all; }}
                    ssl_certificate {place.folder}/cert.pem; ssl_certificate_key {place.folder}/key.pem; {directives}
                    location /api/ {{ proxy_pass http://127.0.0.1:1; }} }} }}""")
                (place.folder / "docker.sock").unlink(missing_ok=True)
                with DockerApi(place.folder, containers):
                    return place.deepcheck("audit", *(word for name in names for word in ("--only", name)))

            others = "".join(f'add_header {name} "{value}" always;' for name, value in {
                "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
                "Permissions-Policy": "camera=()"}.items())
            bad = audit("change-in-production", others, container("web", user=""))
            self.assertEqual(bad.exit_code, 2, bad.out + bad.err)
            for words in ("web runs as root", "a default secret in", "/api/jwt/token/ is passed on without a limit on requests",
                          "no Strict-Transport-Security", "session:*", "the site's pool should hold 3", "the last was 3 hours ago"):
                self.assertIn(words, bad.out)
            self.assertEqual(bad.out.count("      why: "), 9, bad.out)  # three paths without a limit

            postgres.sql("update kaspi_stores set last_orders_sync = now()", database="lectio")
            for _ in range(3):
                postgres.hold("select 1")
            subprocess.run([*cli, "expire", "session:a", "600"], check=True, stdout=subprocess.DEVNULL)
            good = audit("b7f0c2d4e9", others + 'limit_req zone=a; add_header Strict-Transport-Security "max-age=63072000" always;',
                         container("web"))
            self.assertNotIn("      why: ", good.out, good.out)
            self.assertEqual((good.exit_code, "0 findings" in good.out), (0, True), good.out)


if __name__ == "__main__":
    unittest.main()
