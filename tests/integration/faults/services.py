"""Services killed, stopped and hung, ports stolen, nginx misconfigured."""

import signal

from faults.fault import Fault
from faults.site import http_answer

TITLE = "Services, ports, nginx"

BEHIND_NGINX = {"certificate": "web", "site": "web", "frontend": "web", "behind": "web"}
HTML = http_answer(b"<html><title>It works!</title></html>", kind="text/html")

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
    Fault(name="gunicorn stopped", inject=lambda site: site.lose("gunicorn"),
          broken={"workers": "critical"}, symptoms={"api": "workers", "behind": "workers"}, mended=("backend",),
          says=("0 processes running", "работает 0 процессов")),
    Fault(name="gunicorn hangs (SIGSTOP)", inject=lambda site: site.hang("gunicorn"),
          broken={"api": "critical"}, symptoms={"behind": "api"}, mended=("backend",),
          says=("waiting for the first byte", "ожидание первого байта")),
    Fault(name="the application answers 500", inject=lambda site: break_api(site, "status 500"),
          broken={"api": "critical"}, symptoms={"behind": "api"}, tried=("backend",), says=("HTTP 500", "HTTP 500")),
    Fault(name="redis stopped", inject=lambda site: site.lose("redis"),
          broken={"redis": "critical"}, symptoms={"celery": "redis"}, says=("refused", "отказано")),
    Fault(name="Celery's worker stopped", inject=lambda site: site.lose("celery"),
          broken={"celery": "critical"}, says=("no worker is connected", "не подключён ни один воркер")),
    Fault(name="the nameserver stopped", inject=lambda site: site.lose("dnsmasq"),
          broken={"name": "critical"}, says=("nobody listens", "никто не слушает")),
    Fault(name="gunicorn's port taken by another program", inject=lambda site: steal(site, "gunicorn", site.api_port),
          broken={"workers": "critical"}, symptoms={"api": "workers"}, tried=("backend",),
          says=("at least 2 expected", "нужно не меньше 2")),
]


def break_api(site, fault):
    site.afterwards(site.mend_api)
    site.break_api(fault)


def steal(site, part, port):
    site.lose(part)
    site.listen(port, HTML)
