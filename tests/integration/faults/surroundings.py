"""How the monitor is started: environment, descriptors, limits, signals; the partner is broken beside each."""

import os
import resource
import signal
import subprocess

from faults.fault import Fault
from monitor import RELEASE

TITLE = "Where the monitor runs"


def started(**how):
    def inject(site):
        site.break_partner()
        site.monitor.surroundings = how
        site.afterwards(setattr, site.monitor, "surroundings", {})
    return inject


def environment(**variables):
    """Nothing else in it than these."""
    return started(env=variables)


def with_variables(**variables):
    return started(env=os.environ | variables)


def limits(where=None, **soft):
    """Soft limits by their names in setrlimit(2), without RLIMIT_."""
    def limit():
        for name, value in soft.items():
            kind = getattr(resource, f"RLIMIT_{name.upper()}")
            resource.setrlimit(kind, (value, resource.getrlimit(kind)[1]))
    return started(preexec_fn=limit, **({"where": where} if where else {}))


def closed(*descriptors):
    def close():
        for descriptor in descriptors:
            os.close(descriptor)
    return started(preexec_fn=close)


def ignored(*signals):
    def ignore():
        for number in signals:
            signal.signal(number, signal.SIG_IGN)
    return started(preexec_fn=ignore, restore_signals=False)


def blocked():
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


def no_folder(site):
    """The folder where it was started is gone."""
    gone = site.folder / "gone"
    gone.mkdir()
    site.afterwards(lambda: None)

    def enter_and_remove():
        os.makedirs(gone, exist_ok=True)
        os.chdir(gone)
        os.rmdir(gone)
    started(preexec_fn=enter_and_remove)(site)


def as_ever(name, inject, **more):
    """The run is what it would be without it."""
    return Fault(name=name, inject=inject, broken={"partner": "critical"}, says=("HTTP 500", "HTTP 500"), **more)


FAULTS = [
    as_ever("an empty environment", environment()),
    as_ever("an empty PATH", with_variables(PATH="")),
    as_ever("no HOME", environment(PATH="/usr/bin:/bin")),
    as_ever("LANG=C, LC_ALL=C", with_variables(LANG="C", LC_ALL="C")),
    as_ever("a locale that is not there", with_variables(LC_ALL="xx_XX.KOI8-R")),
    as_ever("a time zone that is none", with_variables(TZ="Nowhere/At all")),
    as_ever("a proxy in the environment, which is down", with_variables(http_proxy="http://127.0.0.1:1", HTTP_PROXY="http://127.0.0.1:1",
                                                                        https_proxy="http://127.0.0.1:1", ALL_PROXY="http://127.0.0.1:1")),
    as_ever("OPENSSL_CONF and SSL_CERT_FILE of garbage", with_variables(OPENSSL_CONF="/dev/zero", SSL_CERT_FILE="/nonexistent")),
    as_ever("standard input is closed", closed(0)),
    as_ever("standard error is closed", closed(2)),
    as_ever("umask 777", started(umask=0o777)),
    as_ever("its folder is gone", no_folder),
    as_ever("all signals blocked", started(preexec_fn=blocked)),
    as_ever("SIGCHLD and SIGPIPE ignored", ignored(signal.SIGCHLD, signal.SIGPIPE)),
    as_ever("a stack of 256 kB", limits(stack=256 << 10)),
    as_ever("64 descriptors", limits(nofile=64)),
    as_ever("no core files, no locked memory", limits(core=0, memlock=0)),
    as_ever("a nice value of 19", started(preexec_fn=lambda: os.nice(19))),
    as_ever("standard error is a full disk", started(stderr=open("/dev/full", "wb"))),  # pylint: disable=consider-using-with
]
