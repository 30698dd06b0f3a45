#!/usr/bin/env python3
"""What lectio-deploy and lectio-backup rename is on the disk before and after (CONTRACT 40); nothing is written elsewhere, and
no program they start gets a file of theirs."""

import pathlib
import sqlite3
import tempfile
import unittest

from builds import archive, build_files
from deploying import Deploys
from monitor import RELEASE, binary
from stack.stack import Stack
from tracing import inherited, not_durable, trace, written_outside


class Durability(unittest.TestCase):
    def traced(self, folder, tool, config, *words, durable, own, codes=(0,), data=b""):
        """Runs it, and asks of all that it did whether it may be so."""
        done, deeds = trace([str(binary(tool, RELEASE)), "-c", str(config), *words], folder, input=data)
        self.assertIn(done.returncode, codes, done.stdout + done.stderr)
        self.assertEqual(not_durable(deeds, durable), [], words)
        self.assertEqual(inherited(deeds), [], words)
        self.assertEqual(written_outside(deeds, [*durable, *own, "/dev/null"]), [], words)
        return deeds

    def test_deploy(self):
        with Stack(parts=["nginx"]) as stack, Deploys(stack) as site, tempfile.TemporaryDirectory() as temporary:
            durable = [str(site.state), str(stack.build.parent)]
            own = [str(site.run_folder), str(site.logs)]

            def run(*words, data=b"", codes=(0,)):
                return self.traced(pathlib.Path(temporary), "lectio-deploy", site.config, *words, durable=durable, own=own, data=data, codes=codes)
            run("frontend", "-", data=archive(build_files("one")))  # the folder becomes the first release
            deeds = run("frontend", "-", data=archive(build_files("two")))
            self.everything_of_the_release_is_synced_before_it_is_served(stack, deeds)
            self.each_record_is_synced(deeds)
            run("frontend", "-", data=archive({"index.html": b"broken"}), codes=(1,))
            run("rollback")
            site.change([("contains = 'id=\"root\"'\nrecheck", "contains = 'data-build=\"one'\nrecheck")])
            self.each_record_is_synced(run("frontend", "-", data=archive(build_files("three")), codes=(1,)))  # taken back
            run("cleanup")
            run("recover")

    def everything_of_the_release_is_synced_before_it_is_served(self, stack, deeds):
        swap = next(i for i, deed in enumerate(deeds) if deed.what == "rename" and deed.to == str(stack.build))
        release = stack.build.resolve()
        into = [i for i, deed in enumerate(deeds[:swap])
                if release.name in deed.path + deed.to and deed.what in ("write", "link", "make") and str(release.parent) in deed.path + deed.to]
        synced = [i for i, deed in enumerate(deeds[:swap]) if deed.what == "syncfs"]
        self.assertTrue(into and synced, deeds)
        self.assertLess(max(into), max(synced))

    def each_record_is_synced(self, deeds):
        """Before anything else is changed."""
        records = [i for i, deed in enumerate(deeds) if deed.what == "write" and deed.path.endswith(".journal")]
        self.assertGreater(len(records), 4)
        for i in records:
            after = next(deed for deed in deeds[i + 1:] if deed.pid == deeds[i].pid)
            self.assertEqual((after.what, after.path), ("sync", deeds[i].path))

    def test_backup(self):
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary)
            (folder / "site").mkdir()
            with sqlite3.connect(folder / "site/db.sqlite3") as database:
                database.execute("CREATE TABLE rows (x)")
                database.executemany("INSERT INTO rows VALUES (?)", [(i,) for i in range(1000)])
            database.close()
            config = folder / "config.toml"
            paths = "".join(f'{name} = "{folder}/{name}"\n' for name in ("state", "run", "logs", "env_file"))
            config.write_text(f'lang = "en"\n[paths]\n{paths}[backup]\ndir = "{folder}/backups"\nmin_free = "1MB"\nkeep = {{ last = 1, daily = 0, weekly = 0, monthly = 0 }}\n'
                              f'[backup.source.site]\ntype = "sqlite"\npath = "{folder}/site/db.sqlite3"\nlatest = "{folder}/site/latest.sqlite3"\n')
            (folder / "env_file").touch(0o600)
            for words in (("run",), ("run",), ("prune",), ("verify",)):
                self.traced(folder, "lectio-backup", config, *words, durable=[f"{folder}/{name}" for name in ("state", "backups", "site")],
                            own=[f"{folder}/run", f"{folder}/logs"])

    def test_what_is_not_durable_is_seen(self):
        program = """
import os, sys
def put(name, synced):
    file = os.open("x.tmp", os.O_WRONLY | os.O_CREAT)
    os.write(file, b"x")
    if synced:
        os.fsync(file)
    os.rename("x.tmp", name)
put("right", True)
put("no content", False)
os.fsync(os.open(".", os.O_RDONLY))
os.mkdir("below")
put("moved", True)
os.rename("moved", "below/moved")
os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
os.pipe2(0)
"""
        with tempfile.TemporaryDirectory() as temporary, tempfile.TemporaryDirectory() as elsewhere:
            done, deeds = trace(["/usr/bin/python3", "-c", program, f"{elsewhere}/x"], pathlib.Path(temporary), cwd=temporary)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(not_durable(deeds, [temporary]), [
            f"{temporary}/no content: renamed before its content was sure",
            f"{temporary}/below/moved: renamed before {temporary}/moved was sure",
            f"{temporary}/moved: its folder was never synced", f"{temporary}/below/moved: its folder was never synced"])
        self.assertEqual(written_outside(deeds, [temporary]), [f"openat {elsewhere}/x"])
        self.assertIn("pipe2(", "".join(inherited(deeds)))


if __name__ == "__main__":
    unittest.main()
