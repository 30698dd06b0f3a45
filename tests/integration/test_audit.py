#!/usr/bin/env python3
"""lectio-deepcheck audit: a site with every fault of hardening that can be had here, and the same one mended."""

import contextlib
import os
import pathlib
import subprocess
import tempfile
import unittest

from monitor import Run, binary
from stack.stack import free_port, wait_until

NGINX = """
pid {folder}/nginx.pid;
error_log {folder}/error.log;
daemon off;
events {{}}
http {{
    access_log off;
    limit_req_zone $binary_remote_addr zone=login:1m rate=5r/m;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/root;
        {directives}
    }}
}}
"""

BAD = """
        autoindex on;
        client_max_body_size 2g;
        location /api/ {{ proxy_pass http://127.0.0.1:{port}/; add_header X-Own 1; }}
        add_header Access-Control-Allow-Origin $http_origin always;
        add_header Access-Control-Allow-Credentials true always;
        add_header Set-Cookie "sessionid=1; Path=/" always;
"""
GOOD = """
        client_max_body_size 200m;
        location /api/ {{ proxy_pass http://127.0.0.1:{port}/; limit_req zone=login burst=3; }}
        server_tokens off;
        add_header Content-Security-Policy "default-src 'self'" always;
        add_header X-Content-Type-Options nosniff always;
        add_header X-Frame-Options DENY always;
        add_header Referrer-Policy same-origin always;
        add_header Permissions-Policy "camera=()" always;
        add_header Set-Cookie "sessionid=1; Path=/; HttpOnly; SameSite=Lax" always;
        location ~ /\\. {{ deny all; }}
"""

CONFIG = """
lang = "{lang}"
host = "test-host"
[paths]
state = "{folder}/state"
run = "{folder}/run"
logs = "{folder}/logs"
env_file = "{folder}/config.env"

[deepcheck.check.other]
type = "exec"
command = ["/bin/false"]

[deepcheck.check.heads]
type = "headers"
url = "http://127.0.0.1:{port}/"
require = ["csp", "nosniff", "frame", "referrer", "permissions"]
cors_origin = "https://evil.example"
cookies = true
hide_version = true

[deepcheck.check.open]
type = "ports"
allow = {allow}

[deepcheck.check.keys]
type = "secrets"
files = ["{folder}/app.env"]
environments = ["tail -f {folder}/"]
url = "http://127.0.0.1:{port}"
reachable = ["/.env", "/.git/HEAD"]

[deepcheck.check.cmd]
type = "cmdline"
match = "{folder}/wsgi"
rules = ["async-workers"]

[deepcheck.check.ngx]
type = "nginx"
command = ["nginx", "-T", "-c", "{folder}/nginx.conf", "-e", "{folder}/error.log"]
limit_req = ["/api/jwt/token/"]
max_body = "200MB"
headers = ["nosniff", "frame"]
"""


class Audited:
    """nginx, two processes and a file with secrets, all of them bad or all of them good."""

    def __init__(self, good, lang="en"):
        self._cleanup = contextlib.ExitStack()
        self.folder = pathlib.Path(self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="lectio-audit-")))
        self.folder.chmod(0o755)
        self.port = free_port()
        root = self.folder / "root"
        (root / ".git").mkdir(parents=True)
        (root / "index.html").write_text("<!doctype html><p>site</p>")
        (root / ".env").write_text("SECRET_KEY=x\n")
        (root / ".git/HEAD").write_text("ref: refs/heads/main\n")
        (self.folder / "nginx.conf").write_text(
            NGINX.format(folder=self.folder, port=self.port, directives=(GOOD if good else BAD).format(port=self.port)))
        secret = "b7f0c2d4e9" if good else "change-in-production"
        (self.folder / "app.env").write_text(f"DEBUG=0\nSECRET_KEY={secret}\n")
        (self.folder / "app.env").chmod(0o600 if good else 0o644)
        (self.folder / "config.env").touch(0o600)
        (self.folder / "wsgi").write_text("import time; time.sleep(600)\n")
        (self.folder / "worker").touch()
        allow = '["0.0.0.0/0", "::/0"]' if good else '["1"]'
        self.config = self.folder / "config.toml"
        self.config.write_text(CONFIG.format(folder=self.folder, port=self.port, lang=lang, allow=allow))
        self._start(["nginx", "-c", str(self.folder / "nginx.conf"), "-e", str(self.folder / "error.log")])
        # Only its command line is looked at.
        self._start(["gunicorn", str(self.folder / "wsgi"), *(["-k", "gthread"] if good else [])],
                    executable="/usr/bin/python3")
        self._start(["tail", "-f", str(self.folder / "worker")], env=os.environ | {"JWT_SECRET": secret})

    def _start(self, command, **options):
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, **options)
        self._cleanup.callback(process.wait)
        self._cleanup.callback(process.terminate)

    def __enter__(self):
        wait_until(lambda: (self.folder / "nginx.pid").exists() and (self.folder / "nginx.pid").read_text(), "nginx runs")
        return self

    def __exit__(self, *_):
        self._cleanup.close()

    def audit(self, *words):
        command = [str(binary("lectio-deepcheck")), "-c", str(self.config), "audit", *words]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
        return Run(done, 0)


def seen(run, check):
    return {finding["seen"] for finding in run.check(check).get("findings", [])}


class AuditTest(unittest.TestCase):
    def test_each_fault_is_named_and_nothing_else(self):
        with Audited(good=False) as site:
            run = site.audit("--format", "json")
            self.assertEqual(run.exit_code, 2, run.err)
            self.assertEqual({check["name"] for check in run.report["checks"]}, {"heads", "open", "keys", "cmd", "ngx"})
            version = next(words for words in seen(run, "heads") if words.startswith("Server tells its version"))
            self.assertEqual(seen(run, "heads") - {version}, {
                "no Content-Security-Policy header", "no X-Content-Type-Options header", "no X-Frame-Options header",
                "no Referrer-Policy header", "no Permissions-Policy header",
                "https://evil.example may read answers with the visitor's cookies",
                "the cookie sessionid lacks HttpOnly", "the cookie sessionid lacks SameSite"})
            self.assertIn(f"127.0.0.1:{site.port} is open: nginx", seen(run, "open"))
            keys = sorted(seen(run, "keys"))
            self.assertEqual(len(keys), 5, run.check("keys"))
            self.assertIn(f"a default secret in {site.folder}/app.env: SECRET_KEY", keys)
            self.assertIn(f"{site.folder}/app.env can be read by everyone on this host (mode 644)", keys)
            self.assertTrue(any("in the environment of process" in words and "JWT_SECRET" in words for words in keys), keys)
            for path in ("/.env", "/.git/HEAD"):
                self.assertIn(f"http://127.0.0.1:{site.port}{path} is served to everyone (HTTP 200)", keys)
            self.assertEqual(len(seen(run, "cmd")), 1)
            server = f"127.0.0.1:{site.port}"
            self.assertEqual(seen(run, "ngx"), {
                f"{server}: /api/jwt/token/ is passed on without a limit on requests",
                f"{server}: bodies of up to 2 GB are taken, the application takes 200 MB",
                "http: nginx tells its version",
                f"{server}: no X-Content-Type-Options, X-Frame-Options",
                f"{server}, location /api/: no X-Content-Type-Options, X-Frame-Options "
                "(its own add_header stands instead of those around it)",
                f"{server}: autoindex is on",
                f"{server}: /.env, /.git/HEAD is not denied"})
            self.assertNotIn("change-in-production", run.out + run.err)
            self.assertFalse((site.folder / "state").exists(), "an audit remembers nothing")

    def test_the_mended_site_has_no_finding(self):
        with Audited(good=True) as site:
            run = site.audit("--format", "json")
            self.assertEqual(run.exit_code, 0, run.out + run.err)
            for check in ("heads", "open", "keys", "cmd", "ngx"):
                self.assertEqual(seen(run, check), set(), check)

    def test_a_configuration_that_nginx_refuses_is_told_by_its_own_line(self):
        with Audited(good=True) as site:
            conf = site.folder / "nginx.conf"
            conf.write_text(conf.read_text().replace("server_tokens off;", "server_token off;"))
            run = site.audit("--format", "json")
            self.assertEqual(run.exit_code, 1, run.out + run.err)
            line = next(iter(seen(run, "ngx")))
            self.assertRegex(line, r'^nginx does not take its configuration: .*unknown directive "server_token" in '
                                   rf'{conf}:\d+$')

    def test_for_people_and_for_a_ticket(self):
        with Audited(good=False, lang="ru") as site:
            text = site.audit()
            self.assertEqual(text.exit_code, 2, text.err)
            self.assertTrue(text.out.startswith("Аудит test-host: "), text.out)
            self.assertIn("CRIT  https://evil.example может читать ответы с куками посетителя\n", text.out)
            self.assertIn("исправить: nginx: server_tokens off;", text.out)
            markdown = site.audit("--format", "markdown")
            self.assertTrue(markdown.out.startswith("# Аудит test-host: "), markdown.out)
            self.assertIn("## heads (headers)\n", markdown.out)
            self.assertEqual(site.audit("--format", "yaml").exit_code, 64)

    def test_nothing_to_audit_is_said(self):
        with Audited(good=True) as site:
            text = site.config.read_text()
            site.config.write_text(text[:text.index("[deepcheck.check.heads]")])
            run = site.audit()
            self.assertEqual(run.exit_code, 1, run.out + run.err)
            self.assertIn("there is nothing to audit", run.out)


if __name__ == "__main__":
    unittest.main()
