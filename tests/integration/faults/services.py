"""Services killed, stopped and hung, ports stolen."""

import signal

from faults.fault import Fault
from faults.files import SCRIPT, in_build, mode, says
from faults.site import http_answer

TITLE = "Services and ports"

BEHIND_NGINX = {"certificate": "web", "site": "web", "frontend": "web", "behind": "web"}
HTML = http_answer(b"<html><title>It works!</title></html>", kind="text/html")

def steal(part, port, *words, answer=HTML, **more):
    """A part is down, and another program has taken its port."""
    def inject(site):
        site.lose(part)
        site.listen(getattr(site, port), answer)
    return Fault(inject=inject, says=words, **more)


def nginx_and(*causes, **more):
    """nginx is down, and what it serves is broken besides: its symptom has a cause of its own."""
    def inject(site):
        site.lose("nginx")
        for cause in causes:
            cause(site)
    return Fault(inject=inject, broken={"web": "critical"}, symptoms=BEHIND_NGINX,
                 says=("Connection refused", "соединении отказано"), **more)


FAULTS = [
    Fault(name="nginx stopped", inject=lambda site: site.lose("nginx"),
          broken={"web": "critical"}, symptoms=BEHIND_NGINX, mended=("nginx",),
          says=("Connection refused", "соединении отказано")),
    Fault(name="nginx killed (SIGKILL)", inject=lambda site: site.lose("nginx", how=signal.SIGKILL),
          broken={"web": "critical"}, symptoms=BEHIND_NGINX, mended=("nginx",),
          says=("Connection refused", "соединении отказано")),
    Fault(name="nginx hangs (SIGSTOP)", inject=lambda site: site.hang("nginx"),
          broken={"certificate": "critical", "site": "critical", "frontend": "critical", "behind": "critical"},
          mended=("nginx",), says=("did not agree on encryption", "не согласовал шифрование")),
    nginx_and(in_build(mode(0), "index.html"), name="two causes: nginx stopped and index.html with mode 000",
              mended=("nginx", "permissions"), needs_root=True),
    nginx_and(in_build(says("fetch('http://localhost:3000/api/')"), SCRIPT),
              name="two causes: nginx stopped and a development build", mended=("nginx",), left={"frontend": "critical"}),
    Fault(name="gunicorn stopped", inject=lambda site: site.lose("gunicorn"),
          broken={"workers": "critical"}, symptoms={"api": "workers", "behind": "workers"}, mended=("backend",),
          says=("0 processes running", "работает 0 процессов")),
    Fault(name="gunicorn hangs (SIGSTOP)", inject=lambda site: site.hang("gunicorn"),
          broken={"api": "critical"}, symptoms={"behind": "api"}, mended=("backend",),
          says=("waiting for the first byte", "ожидание первого байта")),
    Fault(name="the application answers 500", inject=lambda site: site.break_api("status 500"),
          broken={"api": "critical"}, symptoms={"behind": "api"}, tried=("backend",), says=("HTTP 500", "HTTP 500")),
    Fault(name="the application hangs", inject=lambda site: site.break_api("hang"),
          broken={"api": "critical"}, symptoms={"behind": "api"}, tried=("backend",),
          says=("waiting for the first byte", "ожидание первого байта")),
    Fault(name="the application raises an exception", inject=lambda site: site.break_api("raise"),
          broken={"api": "critical"}, symptoms={"behind": "api"}, tried=("backend",), says=("HTTP 500", "HTTP 500")),
    Fault(name="the application answers half of its JSON", inject=lambda site: site.break_api("json"),
          broken={"api": "critical"}, tried=("backend",), says=("the answer is no JSON", "ответ — не JSON")),
    steal("gunicorn", "api_port", "at least 2 expected", "нужно не меньше 2", name="gunicorn's port taken by another program",
          broken={"workers": "critical"}, symptoms={"api": "workers"}, tried=("backend",)),
]
