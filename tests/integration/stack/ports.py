"""Ports for the servers of tests, which run beside each other."""

import random
import socket

_claims = []  # sockets of this process: each stands for a port that it was given


def free_port():
    """A port that no other test is given while this process lives, and that no connection takes by itself: below the
    kernel's own range (ip_local_port_range)."""
    while True:
        port = random.randrange(20_000, 32_000)
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0lectio-test-port-{port}")
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:  # somebody has it
            claim.close()
            continue
        _claims.append(claim)
        return port
