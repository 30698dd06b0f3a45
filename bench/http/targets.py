#!/usr/bin/env python3
"""Many small web servers in one process (epoll): each on an address of its own in 127.0.0.0/8, one in so many slow.

Prints its port once all of them listen; ends when its standard input is closed.

    targets.py COUNT SLOW_EVERY SLOW_SECONDS
"""

import heapq
import resource
import select
import socket
import sys
import time

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n"


def address(number):
    """Of target `number`, from 0."""
    return f"127.0.{1 + number // 250}.{1 + number % 250}"


def listen(host, port):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(64)
    listener.setblocking(False)
    return listener


class Targets:
    def __init__(self, count, slow_every, slow_seconds):
        self.slow_every, self.slow_seconds = slow_every, slow_seconds
        self.poll = select.epoll()
        first = listen(address(0), 0)
        self.port = first.getsockname()[1]
        listeners = [first] + [listen(address(number), self.port) for number in range(1, count)]
        self.listeners = {listener.fileno(): (number, listener) for number, listener in enumerate(listeners)}
        self.connections = {}  # descriptor → (number of the target, socket)
        self.last_of = set()  # descriptors that are closed after the answer
        self.slow = []  # (due, descriptor, socket)
        for descriptor in self.listeners:
            self.poll.register(descriptor, select.EPOLLIN)

    def serve(self):
        self.poll.register(sys.stdin.fileno(), select.EPOLLIN)
        while True:
            wait = max(0, self.slow[0][0] - time.monotonic()) if self.slow else -1
            for descriptor, _ in self.poll.poll(wait, 512):
                if descriptor == sys.stdin.fileno():
                    return
                if descriptor in self.listeners:
                    self.accept(*self.listeners[descriptor])
                else:
                    self.answer(descriptor)
            while self.slow and self.slow[0][0] <= time.monotonic():
                _, descriptor, connection = heapq.heappop(self.slow)
                if self.connections.get(descriptor, (0, None))[1] is connection:
                    self.send(descriptor)

    def accept(self, number, listener):
        connection, _ = listener.accept()
        connection.setblocking(False)
        self.connections[connection.fileno()] = (number, connection)
        self.poll.register(connection.fileno(), select.EPOLLIN)

    def answer(self, descriptor):
        """Requests have no body and come in one piece: they are small, and this is loopback."""
        number, connection = self.connections[descriptor]
        try:
            request = connection.recv(4096)
        except ConnectionError:
            request = b""
        if not request:
            self.close(descriptor)
            return
        if b"\r\nConnection: close" in request:
            self.last_of.add(descriptor)
        if number % self.slow_every == self.slow_every - 1:
            heapq.heappush(self.slow, (time.monotonic() + self.slow_seconds, descriptor, connection))
        else:
            self.send(descriptor)

    def send(self, descriptor):
        try:
            self.connections[descriptor][1].send(ANSWER)
        except ConnectionError:
            self.last_of.add(descriptor)
        if descriptor in self.last_of:
            self.close(descriptor)

    def close(self, descriptor):
        self.last_of.discard(descriptor)
        self.poll.unregister(descriptor)
        self.connections.pop(descriptor)[1].close()


if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    targets = Targets(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
    print(targets.port, flush=True)
    targets.serve()
