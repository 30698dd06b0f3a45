"""A PostgreSQL of its own: in a temporary folder, on a free port of loopback, as the user that Debian made for it."""

import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))  # also where this is a part of the package
from ports import free_port  # noqa: E402 (found by the line above)
from waiting import wait_until  # noqa: E402

SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{folder}'
max_connections = 12
superuser_reserved_connections = 3
fsync = off
autovacuum = off
log_min_messages = fatal
"""
ACCESS = """
local all postgres trust
host all secretive 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
"""


def programs():
    """Where initdb and postgres lie; None where PostgreSQL is not installed."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


class Postgres:
    def __init__(self):
        self._temporary = tempfile.TemporaryDirectory(prefix="lectio-postgres-")
        self.folder = pathlib.Path(self._temporary.name)
        self.port = free_port()
        self._server = None
        self._clients = []
        self._user = {}
        if os.geteuid() == 0:  # it refuses to run as root
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._user = {"user": "postgres", "group": user.pw_gid, "extra_groups": []}
        data = self.folder / "data"
        subprocess.run([programs() / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N", "--locale=C", "-E", "UTF8"],
                       check=True, stdout=subprocess.DEVNULL, cwd="/", **self._user)
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(SETTINGS.format(port=self.port, folder=self.folder))
        (data / "pg_hba.conf").write_text(ACCESS)

    def __enter__(self):
        self.start()
        self.sql("create role monitor login", "create role secretive login password 'made-up'", "create database lectio")
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        self._temporary.cleanup()

    def let_go(self, client):
        """Of a client that was held; returns when the server knows."""
        client.kill()
        client.communicate()
        self._clients.remove(client)

    def start(self):
        self._server = subprocess.Popen([programs() / "postgres", "-D", self.folder / "data"], cwd="/",
                                        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self._user)
        asked = [programs() / "pg_isready", "-q", "-h", self.folder, "-p", str(self.port)]
        wait_until(lambda: subprocess.run(asked, check=False).returncode == 0, "PostgreSQL is ready", seconds=60)

    def stop(self):
        for client in self._clients:
            client.kill()
            client.communicate()
        self._clients = []
        if self._server:
            self._server.send_signal(signal.SIGINT)  # a fast shutdown
            self._server.wait(30)
            self._server = None

    def url(self, user="monitor", database="lectio", more=""):
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}{more}"

    def _psql(self, database, *words):
        return [programs() / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-p", str(self.port),
                "-U", "postgres", "-d", database, *words]

    def sql(self, *statements, database="postgres"):
        for statement in statements:
            subprocess.run(self._psql(database, "-c", statement), check=True, stdout=subprocess.DEVNULL)

    def ask(self, statement, database="lectio"):
        """What it answers: rows by line, columns by |."""
        return subprocess.run(self._psql(database, "-c", statement), check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    def databases(self):
        return self.ask("select datname from pg_database where not datistemplate order by 1", database="postgres").split("\n")

    def hold(self, statement, database="lectio"):
        """A client that has done this and stays; returns when it has."""
        client = subprocess.Popen(self._psql(database), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._clients.append(client)
        client.stdin.write(statement + ";\nselect 'held';\n")
        client.stdin.flush()
        while "held" not in client.stdout.readline():
            if client.poll() is not None:
                raise RuntimeError("psql has ended")
        return client
