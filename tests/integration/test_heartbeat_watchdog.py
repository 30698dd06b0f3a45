#!/usr/bin/env python3
"""`lectio-heartbeat watchdog` with the real binary: a stand-in for systemd hears what it says of a real server."""

import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from notify_place import program_of

LONG = 300  # only a guard against hanging

# Serves on the socket that systemd would have opened, says READY=1 if asked to, writes down what it is told.
SERVER = """
import http.server, os, signal, socket, sys
def note(what):
    with open(os.environ["NOTES"], "a") as out: out.write(what + "\\n")
def told(number, _):
    note(signal.Signals(number).name)
    if number == signal.SIGTERM: os._exit(7)
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH, signal.SIGTTIN, signal.SIGTTOU):
    signal.signal(number, told)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status = int(open(os.environ["STATUS"]).read())
        self.send_response(status); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *_): pass
note(f"pid {os.getpid()} listen {os.environ.get('LISTEN_PID')} {os.environ.get('LISTEN_FDS')} "
     f"watchdog {os.environ.get('WATCHDOG_PID')} {os.environ.get('WATCHDOG_USEC')}")
print("standard output", flush=True)
if "SAYS_READY" in os.environ:
    said = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    said.sendto(b"READY=1\\nSTATUS=its own", os.environ["NOTIFY_SOCKET"])
server = http.server.HTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
server.socket = socket.socket(fileno=3)
server.serve_forever(poll_interval=0.02)
"""


class Watchdog(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.folder / "status").write_text("200")
        (self.folder / "server.py").write_text(SERVER)
        self.systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.systemd.close)
        self.systemd.bind(str(self.folder / "notify"))
        self.systemd.settimeout(LONG)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.listener.close)
        self.probe = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        self.lines = []

    def start(self, *options, command=None, watchdog="3000000", listen=True, environment=(), probe=None):
        """As systemd starts it: LISTEN_PID= and WATCHDOG_PID= are of the process itself, which a shell knows as $$."""
        given = {**os.environ, "NOTIFY_SOCKET": str(self.folder / "notify"), "NOTES": str(self.folder / "notes"),
                 "STATUS": str(self.folder / "status"), "LC_ALL": "C.UTF-8", **dict(environment)}
        script = "".join([f"export WATCHDOG_PID=$$ WATCHDOG_USEC={watchdog};" if watchdog else "",
                          "export LISTEN_PID=$$ LISTEN_FDS=1;" if listen else "", 'exec "$@"'])
        command = command or ["/usr/bin/python3", str(self.folder / "server.py")]
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", script, "-", program_of("lectio-heartbeat"), "watchdog", "--probe", probe or self.probe,
             "--every", "1s", "--timeout", "1s", *options, "--", *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=given,
            pass_fds=[3], preexec_fn=self.put_the_socket_at_3)
        self.addCleanup(self.end)
        return self.process

    def put_the_socket_at_3(self):
        os.dup2(self.listener.fileno(), 3)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.communicate()

    def notes(self):
        notes = self.folder / "notes"
        return notes.read_text().splitlines() if notes.exists() else []

    def pids(self):
        return [int(note.split()[1]) for note in self.notes() if note.startswith("pid ")]

    def hear(self, wanted):
        """What systemd is told until a line begins so: all of it."""
        heard = []
        until = time.monotonic() + LONG
        while time.monotonic() < until:
            heard += self.systemd.recv(65536).decode().splitlines()
            if any(line.startswith(wanted) for line in heard):
                return heard
        raise AssertionError(f"never told: {wanted}; {heard}")

    def wait_for(self, condition, what):
        until = time.monotonic() + LONG
        while not condition():
            self.assertLess(time.monotonic(), until, what)
            time.sleep(0.02)

    def ended(self):
        out, err = self.process.communicate(timeout=LONG)
        return self.process.returncode, out, err

    # ── it is in the server's place ──

    def test_the_server_gets_what_was_systemds_gift(self):
        self.start()
        self.hear("READY=1")
        pid = self.pids()[0]
        self.assertEqual(self.notes()[0], f"pid {pid} listen {pid} 1 watchdog None None")
        self.assertNotEqual(pid, self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.ended(), (7, "standard output\n", ""))

    def test_sockets_of_another_are_left_alone(self):
        self.start(listen=False, environment={"LISTEN_PID": "1", "LISTEN_FDS": "1"})
        self.hear("READY=1")
        self.assertIn("listen 1 1", self.notes()[0])

    def test_ready_is_said_at_the_first_answer(self):
        (self.folder / "status").write_text("502")
        self.start()
        before = self.hear("STATUS=не отвечает")
        self.assertNotIn("READY=1", before)
        (self.folder / "status").write_text("500")  # an answer of a server that lives
        self.assertIn("READY=1", self.hear("READY=1"))

    def test_the_servers_own_word_passes(self):
        self.start(environment={"SAYS_READY": "1"})
        self.assertIn("STATUS=its own", self.hear("STATUS=its own"))

    def test_signals_are_handed_on(self):
        self.start()
        self.hear("READY=1")
        told = ["SIGHUP", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGTTIN", "SIGTTOU"]
        for name in told:
            self.process.send_signal(getattr(signal, name))
            self.wait_for(lambda name=name: name in self.notes(), name)
        self.assertIsNone(self.process.poll())
        self.hear("STATUS=отвечает")
        self.process.send_signal(signal.SIGTERM)
        self.hear("STOPPING=1")
        self.assertEqual(self.ended()[0], 7)

    def test_nobody_counts_it_as_one_of_its_servers(self):
        self.start()
        self.hear("READY=1")
        shown = pathlib.Path(f"/proc/{self.process.pid}/cmdline").read_bytes()
        self.assertIn(b"watchdog\0--probe", shown)
        self.assertNotIn(b"server.py", shown)

    # ── it ends as its server ends ──

    def test_exit_statuses_and_signals(self):
        for script, status in (("exit 0", 0), ("exit 42", 42), ("kill -SEGV $$", -signal.SIGSEGV), ("kill -KILL $$", -signal.SIGKILL),
                               ("kill -TERM $$", -signal.SIGTERM)):
            self.start(command=["/bin/sh", "-c", script])
            self.assertEqual(self.ended()[0], status, script)

    def test_what_cannot_be_started(self):
        for command, status in ((["no-such-program"], 127), (["/etc/passwd"], 126)):
            self.start(command=command)
            code, out, err = self.ended()
            self.assertEqual((code, out), (status, ""))
            self.assertIn(command[0], err)
            self.assertEqual(len(err.splitlines()), 1)

    def test_killed_it_takes_the_server_along(self):
        self.start()
        self.hear("READY=1")
        self.process.kill()
        self.wait_for(lambda: "SIGTERM" in self.notes(), "the server is asked to end")

    # ── it is true ──

    def test_a_server_that_hangs(self):
        self.start()
        self.hear("WATCHDOG=1")
        self.hear("READY=1")
        [pid] = self.pids()
        os.kill(pid, signal.SIGSTOP)
        heard = self.hear("WATCHDOG=trigger")
        self.assertIn("3 проверки подряд", [line for line in heard if line.startswith("STATUS=")][-1])
        os.kill(pid, signal.SIGCONT)  # nobody ended it: it answers again, and is fed again
        after = self.hear("WATCHDOG=1")
        self.assertTrue(any(line.startswith("STATUS=отвечает") for line in after), after)
        self.process.send_signal(signal.SIGTERM)
        _, _, err = self.ended()
        hangs, again = err.splitlines()
        self.assertIn("завис", hangs)
        self.assertIn("systemd получает команду перезапустить", hangs)
        self.assertIn("снова отвечает", again)

    def test_systemds_signal_ends_it_at_once(self):
        self.start()
        self.hear("READY=1")
        self.process.send_signal(signal.SIGABRT)
        self.assertEqual(self.ended()[0], -signal.SIGABRT)

    def test_no_name_no_restart(self):
        self.start(probe="http://no-such-name.invalid/")
        heard = self.hear("STATUS=спросить не удалось")
        heard += self.hear("WATCHDOG=1") + self.hear("STATUS=спросить не удалось") + self.hear("STATUS=спросить не удалось")
        self.assertFalse([line for line in heard if line in ("READY=1", "WATCHDOG=trigger")])

    def test_without_a_watchdog_in_the_unit(self):
        self.start("--fails", "1", "--start-period", "0s", watchdog=None)
        self.hear("READY=1")
        [pid] = self.pids()
        os.kill(pid, signal.SIGSTOP)
        heard = self.hear("STATUS=не отвечает")
        os.kill(pid, signal.SIGCONT)
        self.assertFalse([line for line in heard if line.startswith("WATCHDOG")])
        self.process.send_signal(signal.SIGTERM)
        _, _, err = self.ended()
        self.assertIn("NotifyAccess=all", err)
        self.assertIn("перезапускать некому", err)

    def test_no_systemd_at_all(self):
        self.start(environment={"NOTIFY_SOCKET": ""})
        self.wait_for(self.notes, "the server runs")
        self.process.send_signal(signal.SIGTERM)
        code, _, err = self.ended()
        self.assertIn(code, (7, -signal.SIGTERM))  # before it has its own answer to that signal
        self.assertIn("NotifyAccess=all", err)

    def test_systemd_goes_away_and_comes_back(self):
        self.start()
        self.hear("READY=1")
        os.rename(self.folder / "notify", self.folder / "away")
        time.sleep(2.5)  # some feeds go nowhere: nothing can be waited for where nobody listens
        os.rename(self.folder / "away", self.folder / "notify")
        self.hear("WATCHDOG=1")
        self.process.send_signal(signal.SIGTERM)
        code, _, err = self.ended()
        self.assertEqual((code, len(err.splitlines())), (7, 1), err)


if __name__ == "__main__":
    unittest.main()
