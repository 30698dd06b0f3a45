"""Monit and the monitoring-plugins over the stack of bench/health.py, as their users would set them up for it.

    apt-get install --no-install-recommends monit monitoring-plugins-basic

Neither is installed by the tests: Monit's package starts a daemon of its own. Who is not there is said to be not there.
"""

import contextlib
import os
import pathlib
import shutil
import subprocess
import time

PLUGINS = pathlib.Path("/usr/lib/nagios/plugins")
CYCLES = 30
TICK = os.sysconf("SC_CLK_TCK")

MONIT = """set daemon 1
set pidfile {folder}/monit.pid
set statefile {folder}/monit.state
set idfile {folder}/monit.id
set log {folder}/monit.log
check host site with address 127.0.0.1
    if failed port {port} {tls}protocol {scheme} request "/" http headers [Host: site.test] content = 'id="root"' then alert
check host api with address 127.0.0.1
    if failed port {api_port} protocol http request "{api_path}" content = 'database' then alert
check host script with address 127.0.0.1
    if failed port {site_port} protocol http request "{script}" then alert
check host style with address 127.0.0.1
    if failed port {site_port} protocol http request "{style}" then alert
check host redis with address 127.0.0.1
    if failed port {redis_port} protocol redis then alert
check file index with path {build}/index.html
    if failed permission 0644 then alert
check process workers matching "gunicorn.*127.0.0.1:{api_port} .*teaching_panel"
check filesystem root with path /
    if space usage > 99% then alert
check system here
    if memory usage > 99% then alert
"""


def plugin_commands(stack, scheme, script, style):
    """What Nagios or Icinga would run in one cycle: a process for each look. check_http verifies no chain; what
    memory there is and whether the web server's user may read are no plugins of the package."""
    site = ["-p", str(stack.https_port), "--ssl", "--sni"] if scheme == "https" else ["-p", str(stack.http_port)]
    http = [str(PLUGINS / "check_http"), "-I", "127.0.0.1"]
    return [
        [*http, "-H", "site.test", *site, "-u", "/", "-s", 'id="root"', "-w", "5", "-c", "10"],
        [*http, "-p", str(stack.api_port), "-u", path_of(stack.api_url), "-s", "database"],
        [*http, "-p", str(stack.http_port), "-u", script],
        [*http, "-p", str(stack.http_port), "-u", style],
        [str(PLUGINS / "check_tcp"), "-H", "127.0.0.1", "-p", port_of(stack.redis_url), "-E", "-s", "PING\\r\\n",
         "-e", "+PONG", "-q", "QUIT\\r\\n"],
        [str(PLUGINS / "check_procs"), "-c", "2:", "--ereg-argument-array",
         f"gunicorn.*127.0.0.1:{stack.api_port} .*teaching_panel"],
        [str(PLUGINS / "check_disk"), "-w", "1%", "-c", "0.5%", "-p", "/"],
        [str(PLUGINS / "check_file_age"), "-w", "999999999", "-c", "999999999", "-f", str(stack.build / "index.html")],
    ]


def plugins_are_there():
    return (PLUGINS / "check_http").exists()


def monit_is_there():
    return shutil.which("monit") is not None


def monit_cycle(stack, scheme, script, style):
    """CPU seconds of one cycle of a running Monit: the mean of CYCLES cycles, counted in the site's own log. Its
    start is not in it."""
    with contextlib.ExitStack() as cleanup:
        folder = stack.folder / f"monit-{scheme}"
        folder.mkdir()
        settings = folder / "monitrc"
        tls = f'with ssl options {{verify: enable, CACertificateFile: "{stack.folder}/ca.pem"}} '
        settings.write_text(MONIT.format(
            folder=folder, scheme=scheme, port=stack.https_port if scheme == "https" else stack.http_port,
            tls=tls if scheme == "https" else "", api_port=stack.api_port, api_path=path_of(stack.api_url),
            site_port=stack.http_port, script=script, style=style, redis_port=port_of(stack.redis_url),
            build=stack.build))
        settings.chmod(0o600)
        monit = subprocess.Popen(["monit", "-I", "-c", str(settings)], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        cleanup.callback(monit.wait)
        cleanup.callback(monit.kill)
        log = stack.folder / "nginx-access.log"
        begun = log.stat().st_size
        cycles = lambda: log.read_bytes()[begun:].count(f"GET {style} ".encode())  # noqa: E731
        wait_for(lambda: cycles() >= 3, monit)
        before, first = cpu_of(monit.pid), cycles()
        wait_for(lambda: cycles() >= first + CYCLES, monit)
        return (cpu_of(monit.pid) - before) / (cycles() - first)


def wait_for(condition, process):
    end = time.monotonic() + 10 * CYCLES
    while not condition():
        if process.poll() is not None or time.monotonic() > end:
            raise AssertionError("Monit does not look at the site")
        time.sleep(0.05)


def cpu_of(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def port_of(url):
    return url.split("://")[1].split("/")[0].rpartition(":")[2]


def path_of(url):
    return "/" + url.split("://")[1].partition("/")[2]
