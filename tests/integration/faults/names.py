"""DNS refused, black-holed, lying; certificates expired, foreign, untrusted."""

import shutil
import socket
import subprocess
import threading

import mounts
from faults.fault import Fault
from stack.stack import HERE

TITLE = "Names and certificates"

QR = 0x8000  # this is an answer
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)


def nameserver(answer):
    """Another nameserver in the place of the right one: answer(query) → bytes, or None for silence."""
    def inject(site):
        site.lose("dnsmasq")
        take_over(site, ("127.0.0.1", site.dns_port), answer)
    return inject


def take_over(site, address, answer):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(address)

    def serve():
        while True:
            query, peer = server.recvfrom(512)
            if query == b"end":
                return server.close()
            if (reply := answer(query)) is not None:
                server.sendto(reply, peer)
    thread = threading.Thread(target=serve)
    thread.start()

    def end():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"end", address)
        thread.join()
    site.afterwards(end)


def code(rcode):
    return lambda query: query[:2] + (QR | rcode).to_bytes(2, "big") + query[4:]


def to_another_question(query):
    return bytes([query[0] ^ 0xFF]) + code(NOERROR)(query)[1:]


def dns(name, answer, *says):
    return Fault(name=f"DNS: {name}", inject=nameserver(answer), broken={"name": "critical"}, says=says)


def resolver(address):
    """The host's own resolver, asked for a partner that is known by name."""
    def inject(site):
        site.configure(site.partner.url, site.partner.url.replace("127.0.0.1", "partner.test"))
        conf = site.folder / "resolv.conf"
        conf.write_text(f"nameserver {address}\n")
        mounts.mount(conf, "/etc/resolv.conf", flags=mounts.MS_BIND)
        site.afterwards(mounts.unmount, "/etc/resolv.conf")
        if address == SILENT:
            take_over(site, (SILENT, 53), lambda query: None)
    return inject


NOBODY, SILENT = "127.0.11.1", "127.0.11.2"


def own_resolver(name, address, *says):
    return Fault(name=f"/etc/resolv.conf names {name}", inject=resolver(address), broken={"partner": "critical"}, says=says,
                 needs_root=True)


def certificates(days, shift="+0d", only=("ca.pem", "site.pem", "site.key"), name="site.test"):
    """nginx shows others: made `shift` from now for so many days; of the new ones only these take their place."""
    def inject(site):
        fresh = site.folder / "fresh"
        fresh.mkdir()
        subprocess.run(["faketime", "-f", shift, "sh", str(HERE / "make-certificates.sh"), str(fresh), str(days), name], check=True)
        site.afterwards(site.restart, "nginx")
        for file in only:
            shutil.copyfile(fresh / file, site.keep(site.folder / file))
        shutil.rmtree(fresh)
        site.restart("nginx")
        site.wait_well()
    return inject


def tls(name, inject, *says, level="critical", **more):
    return Fault(name=name, inject=inject, broken={"certificate": level} | more.pop("also", {}), says=says, **more)


SITE_TOO = {"also": {"site": "critical"}}

FAULTS = [
    Fault(name="the nameserver stopped", inject=lambda site: site.lose("dnsmasq"),
          broken={"name": "critical"}, says=("nobody listens", "никто не слушает")),
    Fault(name="the nameserver hangs (SIGSTOP)", inject=lambda site: site.hang("dnsmasq"), broken={"name": "critical"},
          says=("did not answer within", "не ответил за")),
    dns("NXDOMAIN", code(NXDOMAIN), "there is no name", "не существует"),
    dns("SERVFAIL", code(SERVFAIL), "SERVFAIL", "SERVFAIL"),
    dns("REFUSED", code(REFUSED), "REFUSED", "REFUSED"),
    dns("NOTIMP", code(NOTIMP), "with error", "ошибкой"),
    dns("an answer without records", code(NOERROR), "has no A record", "нет записи A"),
    dns("answers to other questions", to_another_question, "other questions", "чужие вопросы"),
    dns("an answer that is none", lambda query: query[:2] + b"\x80\0 what is this", "did not answer within", "не ответил за"),
    own_resolver("a nameserver where nobody listens", NOBODY, "is not found", "не находится"),
    own_resolver("a nameserver that is silent", SILENT, "the DNS server is silent", "DNS-сервер молчит"),
    tls("a certificate with 10 days left", certificates(10), "is valid for", "осталось", level="warning"),
    tls("a certificate with 5 days left", certificates(5), "is valid for", "осталось"),
    tls("a certificate that expired a month ago", certificates(30, "-60d"), "expired on", "вышел", **SITE_TOO),
    tls("a certificate that begins in two days", certificates(60, "+2d"), "is valid only from", "действует только с", **SITE_TOO),
    tls("a certificate of another name", certificates(30, name="other.test"), "is not for", "выдан не для", **SITE_TOO),
    tls("a certificate that nobody signed whom we trust", certificates(30, only=("site.pem", "site.key")),
        "do not trust", "не доверяют", **SITE_TOO),
]
