"""Every bad body, header, status and connection of what is asked over HTTP and TCP."""

import gzip
import socket
import struct
import time

from faults.fault import Fault
from faults.site import PARTNER_IS_WELL, http_answer

TITLE = "Answers and connections"

WELL = b'{"name": "partner", "ready": true, "version": 3}'


def partner(name, answer, *says, level="critical", **more):
    return Fault(name=name, inject=lambda site: site.break_partner(answer), broken={"partner": level}, says=says, **more)


def mail(name, answer, *says, **more):
    def inject(site):
        site.afterwards(setattr, site.mail, "answer", site.mail.well)
        site.mail.answer = answer
    return Fault(name=name, inject=inject, broken={"mail": "critical"}, says=says, **more)


def status(line, name, *says, more=()):
    return partner(f"status {line}{name}", http_answer(b"made up", line, more=more), *says)


def body(name, content, *says, **more):
    return partner(name, http_answer(content), *says, **more)


def raw(*lines, rest=b""):
    return "\r\n".join(("HTTP/1.1 200 OK", "Connection: close", *lines)).encode() + b"\r\n\r\n" + rest


def until_the_other_end_hangs_up(connection):
    while connection.recv(65536):
        pass


def hang(connection):
    until_the_other_end_hangs_up(connection)


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def trickle(connection):
    connection.sendall(raw("Content-Length: 1000000"))
    while True:
        connection.sendall(b" ")
        time.sleep(0.05)  # this is the fault: a byte now and then


def endless(head, chunk):
    def answer(connection):
        connection.sendall(head)
        while True:
            connection.sendall(chunk)
    return answer


def slow(connection):
    time.sleep(0.3)  # this is the fault
    connection.sendall(PARTNER_IS_WELL)


def gone(stand_in):
    def inject(site):
        which = getattr(site, stand_in)
        site.afterwards(which.start)
        which.stop()
    return inject


def bomb():
    packed = gzip.compress(b" " * (50 << 20), 9)
    return raw("Content-Type: application/json", "Content-Encoding: gzip", f"Content-Length: {len(packed)}", rest=packed)


FAULTS = [
    status("500 Internal Server Error", "", "HTTP 500", "посмотрите журнал ошибок приложения"),
    status("502 Bad Gateway", "", "the application behind it does not answer", "приложение за ним не отвечает"),
    status("404 Not Found", "", "HTTP 404", "такой страницы нет"),
    status("403 Forbidden", "", "HTTP 403", "доступ запрещён"),
    status("401 Unauthorized", "", "HTTP 401", "требуется вход"),
    status("429 Too Many Requests", "", "HTTP 429", "HTTP 429"),
    status("301 Moved Permanently", " to itself", "more than 5 redirects", "больше пяти перенаправлений",
           more=("Location: /status",)),
    status("302 Found", " to a closed port", "connection refused", "соединение отклонено",
           more=("Location: http://127.0.0.1:1/",)),
    status("302 Found", " to another protocol", "redirects lead nowhere", "перенаправления никуда не приводят",
           more=("Location: ftp://127.0.0.1/",)),
    status("301 Moved Permanently", " to nowhere", "HTTP 301", "HTTP 301"),
    partner("status 999", http_answer(WELL, "999 What"), "HTTP 999", "HTTP 999"),
    body("an empty body", b"", "lacks", "нет"),
    body("JSON that is cut", b'{"name": "partner", "ready": tr', "no JSON", "не JSON"),
    body("HTML in place of JSON", b"<html>partner</html>", "no JSON", "не JSON"),
    body("JSON that is not UTF-8", b'{"name": "partner", "x": "\xff\xfe"}', "not even UTF-8", "даже не UTF-8"),
    body("JSON 60000 deep that is cut", b'["partner", ' + b"[" * 60000, "JSON", "JSON"),
    body("JSON 200 deep", b'{"name": "partner", "x": ' + b"[" * 200 + b"]" * 200 + b"}", "nested deeper than 100", "вложен глубже 100"),
    body("a value of JSON is wrong", WELL.replace(b"true", b"false"), "/ready is false, expected true",
         "/ready — false, ожидалось true"),
    body("a value of JSON is of another type", WELL.replace(b"3", b'"3"'), 'expected 3', 'ожидалось 3'),
    body("a value of JSON is missing", b'{"name": "partner", "ready": true}', "the answer has no /version", "в ответе нет /version"),
    body("a body of NULs", b"\0" * 1000, "lacks", "нет"),
    body("a forbidden text", b'{"name": "partner", "ready": true, "version": 3, "note": "maintenance"}',
         "which it must not", "а быть не должно"),
    body("a body over max_body", b'{"name": "partner"' + b" " * 70000, "larger than allowed", "больше допустимого"),
    partner("a body that never ends", endless(raw("Content-Type: application/json"), b" " * 65536),
            "larger than allowed", "больше допустимого"),
    partner("a gzip bomb", bomb(), "larger than allowed", "больше допустимого"),
    partner("gzip that is none", raw("Content-Type: application/json", "Content-Encoding: gzip", rest=WELL),
            "content unencoding", "не распаковывается"),
    partner("chunks that are none", raw("Transfer-Encoding: chunked", rest=b"zz\r\n" + WELL),
            "chunked", "разбит на части неверно"),
    partner("a body shorter than its length", raw("Content-Length: 9000", rest=WELL), "cut in the middle", "оборвалось посреди"),
    partner("two lengths", raw("Content-Length: 48", "Content-Length: 49", rest=WELL), "two different Content-Length headers", "две разные длины"),
    partner("a length that is none", raw("Content-Length: many", rest=WELL), "Content-Length", "Content-Length"),
    partner("a header is missing", raw("Content-Type: application/json", f"Content-Length: {len(WELL)}", rest=WELL),
            "the header x-served-by is missing", "нет заголовка x-served-by"),
    partner("a header is wrong", http_answer(WELL, kind="text/html"), "the header content-type is", "заголовок content-type"),
    partner("headers of 300 kB", raw(*(f"X-{number}: {'x' * 3000}" for number in range(100))), "headers", "заголовки"),
    partner("headers that never end", endless(b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n" * 1000), "headers", "заголовки"),
    partner("not HTTP at all: SSH", b"SSH-2.0-OpenSSH_9.2\r\n", "not proper HTTP", "не похож на HTTP"),
    partner("HTTP of the year 2099", b"HTTP/9.9 200 OK\r\n\r\n" + WELL, "not proper HTTP", "не похож на HTTP"),
    partner("the connection closed without an answer", lambda connection: None, "closed before an answer came",
            "соединение закрыто, ответа не было"),
    partner("the connection reset", reset, "closed before an answer came", "соединение закрыто, ответа не было"),
    partner("the connection reset in the middle", lambda connection: (connection.sendall(raw("Content-Length: 9000")), reset(connection)),
            "cut in the middle", "оборвалось посреди"),
    partner("an answer that never comes", hang, "waiting for the first byte", "ожидание первого байта"),
    partner("a byte now and then", trickle, "receiving the answer", "получение ответа"),
    partner("a slow answer", slow, "wanted within", "а нужно не дольше", level="warning",
            tune=(('max_time = "900ms"\ntimeout = "1s"', 'max_time = "200ms"\ntimeout = "10s"'),)),
    Fault(name="nobody listens", inject=gone("partner"), broken={"partner": "critical"},
          says=("connection refused", "соединение отклонено")),
    Fault(name="TCP: nobody listens", inject=gone("mail"), broken={"mail": "critical"}, says=("Connection refused", "отказано")),
    mail("TCP: no answer", hang, "did not answer", "не ответил"),
    mail("TCP: closed without an answer", lambda connection: None, "closed the connection", "не ответив"),
    mail("TCP: another answer", b"421 too busy\r\n", "421 too busy", "421 too busy"),
    mail("TCP: reset", reset, "broke the connection", "оборвал соединение"),
    mail("TCP: an answer that is binary", bytes(range(256)), "lacks", "нет"),
    mail("TCP: an answer that never ends", endless(b"", b"220 " * 1000), "lacks", "нет"),
]
