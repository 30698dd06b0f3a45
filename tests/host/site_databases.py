"""Where the site's database of a host lies: a file of SQLite, or a server of PostgreSQL on that host.

The server is this machine's own, copied there: packages of it would cost every host's root 150 MB.
"""

import json
import pathlib
import re
import sys

from hosts import SKIPPED

SHARE = pathlib.Path("/usr/share/postgresql")
PYTHON = pathlib.Path("/usr/lib/python3/dist-packages")  # where Debian's packages of Python lie
DATA = "/var/lib/postgresql"
UNIT = f"""[Unit]
Description=PostgreSQL, as Debian's package starts it

[Service]
Type=notify
User=postgres
ExecStart={{programs}}/postgres -D {DATA}/data -c listen_addresses=127.0.0.1 -c unix_socket_directories={DATA} -c max_prepared_transactions=2
KillSignal=SIGINT
TimeoutSec=60

[Install]
WantedBy=multi-user.target
"""
TITLES = "import json, sqlite3, sys; print(json.dumps(list(sqlite3.connect(sys.argv[1]).execute('SELECT title FROM lessons_lesson'))))"
FIRST = """import psycopg2
connection = psycopg2.connect(host="127.0.0.1", user="postgres", dbname="postgres")
connection.autocommit = True
for sql in ("CREATE ROLE site LOGIN CREATEDB", "CREATE DATABASE site OWNER site"):
    connection.cursor().execute(sql)
"""


def programs():
    """Where PostgreSQL lies; None where it is not installed, or Python's module for it."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found and (PYTHON / "psycopg2").is_dir() else None


def skip_without_postgres():
    if programs() is None:
        print("skipped: PostgreSQL is not installed")
        sys.exit(SKIPPED)


class OnSqlite:
    """What a test asks of the database; mixed into a test with `self.host`."""

    DATABASE = "sqlite:/var/lib/teaching_panel/db.sqlite3"
    SCHEMA = "SELECT name, sql FROM sqlite_master ORDER BY name"

    def begin_database(self):
        """It is there as soon as Django asks for it."""

    def ask_database(self, sql, database="site"):
        """Rows, as lists."""
        return json.loads(self.host.run("python3", "/root/deploys.py", "ask", "--database", database, sql))

    def titles(self, database="site"):
        """Of the rows that visitors have left."""
        return {title for title, in self.ask_database("SELECT title FROM lessons_lesson", database)}

    def schema(self):
        return str(self.ask_database(self.SCHEMA))

    def titles_left(self, report):
        """Of the rows that the database had which a rollback has replaced: where its message says that it lies."""
        folders = re.findall(r"/\S*/deploy/snapshots/[\w-]+", " ".join(report["notes"]))
        self.assertEqual(len(set(folders)), 1, report)
        kept = [{title for title, in json.loads(self.host.run("python3", "-c", TITLES, f"{folders[0]}/{name}"))}
                for name in ("left.sqlite3", "before.sqlite3")]
        self.assertEqual(*kept)  # the file that it was, and the proven copy
        return kept[0]


class OnPostgres(OnSqlite):
    DATABASE = "postgresql://site@127.0.0.1/site"
    SCHEMA = "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"

    def begin_database(self):
        lies = programs()
        share = SHARE / lies.parent.name
        self.host.copy(lies.parent, str(lies.parent))
        self.host.copy(share, str(share))
        self.host.copy(PYTHON / "psycopg2", str(PYTHON / "psycopg2"))
        for library in self.missing_libraries(lies):
            self.host.copy(library, str(library))
        as_postgres = "setpriv --reuid=postgres --regid=postgres --clear-groups"
        self.host.shell(f"useradd --system --home-dir {DATA} postgres; install -d -o postgres -g postgres {DATA}; cd /; "
                        f"{as_postgres} {lies}/initdb -D {DATA}/data -U postgres -A trust -N --locale=C -E UTF8")
        self.host.write("/etc/systemd/system/postgresql.service", UNIT.format(programs=lies))
        self.host.run("systemctl", "daemon-reload")
        self.host.run("systemctl", "enable", "--quiet", "--now", "postgresql")
        self.host.run("python3", "-", text=FIRST)
        self.host.run("touch", "/root/postgres")

    def missing_libraries(self, lies):
        """Of this machine, which the host has not."""
        module = str(next((PYTHON / "psycopg2").glob("_psycopg*.so")))
        names = set()
        for program in (f"{lies}/postgres", f"{lies}/initdb", f"{lies}/pg_dump", f"{lies}/pg_restore", module):
            said = self.host.attempt("ldd", program).stdout
            names |= {line.split()[0] for line in said.splitlines() if line.endswith("not found")}
        return [next(pathlib.Path("/usr/lib").glob(f"*/{name}")) for name in sorted(names)]

    def titles_left(self, report):
        [name] = {word for word, in self.ask_database("SELECT datname FROM pg_database") if word in " ".join(report["notes"])
                  and word.startswith("site_left_")}
        return self.titles(name)
