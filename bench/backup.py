#!/usr/bin/env python3
"""What a backup costs: lectio-backup of a SQLite database under 100 writes a second beside `VACUUM INTO` and zstd -3, at rest
beside `.backup` and zstd -3; of files beside restic's first and second run.

In turns. Each result is on the disk when its time ends (sync FILE for the others). "lectio-backup" has made it: copied, looked
through (PRAGMA integrity_check), packed, on the disk, under its name. That is what the goal is about: what `run` does before
the backup has its name. "with its proof" has also read it back, unpacked and compared it, which no other does. CPU: of all
processes and threads together. Stall: the longest that a commit took meanwhile, the writer's pace taken out. Run by itself it
builds nothing: the release build is to be there. LECTIO_BENCH_MB is another size than 200, LECTIO_BENCH_ROUNDS other rounds
than 3, LECTIO_BENCH_PARTS="writes rest files" which of them.
"""

import contextlib
import multiprocessing
import os
import pathlib
import random
import resource
import shutil
import sqlite3
import statistics
import subprocess
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[1]
TOOL = pathlib.Path(os.environ.get("LECTIO_BUILD", SOURCE / "build/release")) / "tools/lectio-backup/lectio-backup"
MEGABYTES = int(os.environ.get("LECTIO_BENCH_MB", "200"))
ROUNDS = int(os.environ.get("LECTIO_BENCH_ROUNDS", "3"))
PARTS = os.environ.get("LECTIO_BENCH_PARTS", "writes rest files").split()
PROVEN = "lectio-backup, with its proof"
PACE_S = 0.01  # 100 writes a second
CONFIG = """lang = "en"
[paths]
state = "{folder}/state"
run = "{folder}/run"
logs = "{folder}/logs"
env_file = "{folder}/config.env"
[backup]
dir = "{folder}/backups"
min_free = "1MB"
nice = 0
verify = {verify}
[backup.source.database]
type = "sqlite"
path = "{folder}/db.sqlite3"
[backup.source.media]
type = "files"
paths = ["{folder}/media"]
"""


def words(chance, size):
    """Half of it says nothing, as names, dates and marks of a site do; half is noise."""
    noise = chance.randbytes(size // 4).hex()
    return noise + "lesson of the third quarter, written by the teacher; " * (size // 100)


def make_database(path):
    chance = random.Random(8)
    database = sqlite3.connect(path, isolation_level=None)
    for statement in ("pragma journal_mode = wal", "pragma synchronous = off",
                      "create table lessons (id integer primary key, teacher integer, content text)",
                      "create table written (at real)"):
        database.execute(statement)
    size = 2000
    some = [words(chance, size) for _ in range(2000)]
    rows = MEGABYTES * 10**6 // (size + 40)
    database.execute("begin")
    database.executemany("insert into lessons (teacher, content) values (?, ?)",
                         ((number % 97, f"{number}{some[number % len(some)][number % 500:]}") for number in range(rows)))
    database.execute("create index of_teacher on lessons (teacher)")
    database.execute("commit")
    database.execute("pragma wal_checkpoint(truncate)")
    database.close()


def make_tree(root):
    chance = random.Random(9)
    size, number = 0, 0
    while size < MEGABYTES * 10**6 // 4:
        file = root / f"{number % 50}/{number}.mp4"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(chance.randbytes(chance.randrange(1_000, 400_000)))
        size += file.stat().st_size
        number += 1
    return size


def write(path, over, seen):
    """One row each hundredth of a second; the longest that one took, and how many failed."""
    database = sqlite3.connect(path, timeout=600, isolation_level=None)
    longest = failed = written = 0
    due = time.monotonic()
    while not over.is_set():
        begun = time.monotonic()
        try:
            database.execute("insert into written values (?)", (begun,))
            written += 1
        except sqlite3.Error:
            failed += 1
        longest = max(longest, time.monotonic() - begun)
        due = max(due + PACE_S, time.monotonic() - 1)  # what was missed is not all made up for
        time.sleep(max(0, due - time.monotonic()))
    database.close()
    seen.put((longest, failed, written))


@contextlib.contextmanager
def writer(path):
    over, seen, result = multiprocessing.Event(), multiprocessing.Queue(), {}
    process = multiprocessing.Process(target=write, args=(path, over, seen))
    process.start()
    try:
        yield result
    finally:
        over.set()
        result["stall"], result["failed"], result["written"] = seen.get()
        process.join()


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.database = folder / "db.sqlite3"
        (folder / "config.env").touch(0o600)
        for name, verify in (("made", "false"), ("proven", "true")):
            (folder / f"{name}.toml").write_text(CONFIG.format(folder=folder, verify=verify))
        self.out = folder / "out"
        self.times, self.cpu, self.stalls, self.writers = {}, {}, {}, []

    def ours(self, how, source):
        done = subprocess.run([TOOL, "-c", self.folder / f"{how}.toml", "run", source, "-q"], check=False, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL)
        if done.returncode not in (0, {"made": 1, "proven": 0}[how]):  # 1: without a proof nothing is pruned, which it says
            raise AssertionError(f"exit status {done.returncode}")

    def packed(self, statement):
        """As one writes it down in a script: the copy, then zstd."""
        copy = self.out / "copy.sqlite3"
        subprocess.run(["sqlite3", "-cmd", ".timeout 600000", self.database, statement.format(copy=copy)], check=True)
        subprocess.run(["zstd", "-3", "-q", "--rm", copy], check=True)
        subprocess.run(["sync", f"{copy}.zst"], check=True)

    def restic(self):
        subprocess.run(["restic", "-q", "-r", self.out / "restic", "--no-cache", "backup", self.folder / "media"], check=True,
                       env={**os.environ, "RESTIC_PASSWORD": "made-up"})

    def timed(self, part, name, act):
        subprocess.run(["sync"], check=True)
        used, begun = self.used(), time.monotonic()
        act()
        self.times.setdefault((part, name), []).append(time.monotonic() - begun)
        self.cpu.setdefault((part, name), []).append(self.used() - used)

    @staticmethod
    def used():
        """By children that have ended: the writer goes on."""
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    def clear(self, *names):
        for name in names:
            shutil.rmtree(self.folder / name, ignore_errors=True)
        self.out.mkdir(exist_ok=True)

    def database_round(self, part, statement, peer):
        for name, act in ((peer, lambda: self.packed(statement)), ("lectio-backup", lambda: self.ours("made", "database")),
                          (PROVEN, lambda: self.ours("proven", "database"))):
            self.clear("backups", "out")
            if part == "at rest":
                self.timed(part, name, act)
                continue
            with writer(self.database) as seen:
                self.timed(part, name, act)
            self.stalls.setdefault(name, []).append(seen["stall"])
            self.writers.append(seen)

    def files_round(self):
        self.clear("backups", "out")
        subprocess.run(["restic", "-q", "-r", self.out / "restic", "init"], check=True,
                       env={**os.environ, "RESTIC_PASSWORD": "made-up"})
        for run in ("first", "second"):
            self.timed(f"files, {run} run", "restic", self.restic)
            for how, name in (("made", "lectio-backup"), ("proven", PROVEN)):
                self.timed(f"files, {run} run", name, lambda how=how: self.ours(how, "media"))

    def table(self, sizes):
        print(f"{'':18} {'':30} {'seconds':>8} {'CPU':>7} {'MB/s':>7} {'to the first':>13} {'stall, ms':>10}")
        first = {}
        for (part, name), times in self.times.items():
            median = statistics.median(times)
            first.setdefault(part, median)
            stall = f"{max(self.stalls[name]) * 1000:10.0f}" if part == "100 writes/s" else ""
            size = sizes["files" if part.startswith("files") else "database"]
            cpu = statistics.median(self.cpu[part, name])
            print(f"{part:18} {name:30} {median:8.2f} {cpu:7.2f} {size / 1e6 / median:7.0f} {first[part] / median:13.2f} {stall}")


def main():
    with tempfile.TemporaryDirectory(prefix="lectio-bench-") as temporary:
        bench = Bench(pathlib.Path(temporary))
        make_database(bench.database)
        sizes = {"database": bench.database.stat().st_size,
                 "files": make_tree(bench.folder / "media") if "files" in PARTS else 0}
        for _ in range(ROUNDS):
            if "writes" in PARTS:
                bench.database_round("100 writes/s", "VACUUM INTO '{copy}'", "VACUUM INTO, zstd -3")
            if "rest" in PARTS:
                bench.database_round("at rest", ".backup {copy}", ".backup, zstd -3")
            if "files" in PARTS:
                bench.files_round()
        print(f"{ROUNDS} rounds, a database of {sizes['database'] / 1e6:.0f} MB, files of {sizes['files'] / 1e6:.0f} MB; medians, "
              f"throughput to the first of each part; load {os.getloadavg()[0]:.1f}")
        bench.table(sizes)
        print(f"writes meanwhile: {sum(one['written'] for one in bench.writers)}, failed: {sum(one['failed'] for one in bench.writers)}")


main()
