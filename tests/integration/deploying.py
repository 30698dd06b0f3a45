"""lectio-deploy as a test runs it, against the site of the stack."""

import json
import os
import subprocess

from builds import archive, build_files
from monitor import SANITIZED, Monitor, binary

CHECKS = """
[health.check.site]
type = "http"
url = "{stack.site_url}/"
contains = 'id="root"'
recheck = "50ms"

[health.check.frontend]
type = "frontend"
root = "{stack.build}"
url = "{stack.site_url}"
recheck = "50ms"

[deploy]
min_free = "1MB"
gate = {{ checks = ["site", "frontend"], within = "20s", passes = 2 }}

[deploy.frontend]
path = "{stack.build}"
requires = ["index.html", "static/js/main.*.js"]
contains = {{ "index.html" = 'id="root"' }}
forbid = ["localhost:"]
"""


class Deploys(Monitor):
    """Beside lectio-health, which has the same configuration."""

    def __init__(self, stack, api=None, checks=CHECKS, more="", lang="en"):
        super().__init__(stack, api, checks, more, lang)
        self.stack = stack

    def deploy(self, *words, data=None, form="json", where=SANITIZED, **around):
        command = [str(binary("lectio-deploy", where)), "-c", str(self.config), "--format", form, *words]
        done = subprocess.run(command, input=data if data is not None else b"", capture_output=True, timeout=300,
                              check=False, **around)
        done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
        return done

    def start_deploy(self, *words, where=SANITIZED, **around):
        command = [str(binary("lectio-deploy", where)), "-c", str(self.config), "--format", "json", *words]
        return subprocess.Popen(command, **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **around})

    def release(self, word, *options, **more):
        return self.deploy("frontend", "-", *options, data=archive(build_files(word, **more)))

    @property
    def releases(self):
        return self.stack.build.parent / ".lectio-releases"

    def listed(self):
        return json.loads(self.deploy("list").stdout)["releases"]

    def journals(self):
        return sorted((self.state / "deploy/journal").glob("*.journal"))


def root():
    return os.geteuid() == 0
