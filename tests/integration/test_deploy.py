#!/usr/bin/env python3
"""lectio-deploy behind a real nginx, under load: released or refused or taken back, and no visitor met anything half."""

import fcntl
import http.client
import json
import os
import re
import signal
import stat
import subprocess
import tempfile
import pathlib
import time
import unittest
import urllib.request

from builds import Visitors, archive, build_files, write_files
from deploying import Deploys
from monitor import SANITIZED, binary
from stack.stack import JS, Stack, wait_until
from stand_ins.bot_api import BotApi


class DeployTest(unittest.TestCase):
    def setUp(self):
        self.stack = self.enterContext(Stack(parts=["nginx"]))
        self.bot = self.enterContext(BotApi())
        self.site = self.enterContext(Deploys(self.stack, self.bot.url))

    def page(self, path="/"):
        with urllib.request.urlopen(self.stack.site_url + path, timeout=60) as answer:
            return answer.read().decode()

    def build_served(self):
        found = re.search(r'data-build="([^"]*)"', self.page())
        return found[1] if found else "first"

    def ends(self, done, code, result):
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        report = json.loads(done.stdout)["deploy"]
        self.assertEqual(report["result"], result, done.stdout)
        return report

    def test_releases_and_rollback_under_load(self):
        with Visitors(self.stack.http_port) as visitors:
            first = self.ends(self.site.release("one"), 0, "released")
            self.assertEqual(self.build_served(), "one")
            second = self.ends(self.site.release("two"), 0, "released")
            self.assertEqual(second["previous"], first["release"])
            self.ends(self.site.deploy("rollback"), 0, "released")
            self.assertEqual(self.build_served(), "one")
            self.ends(self.site.deploy("rollback", "--to", second["release"]), 0, "released")
            wait_until(lambda: visitors.builds >= {"first", "one", "two"}, "visitors saw all three")
        self.assertEqual(visitors.faults, [])
        self.assertTrue(self.stack.build.is_symlink())
        self.assertIn("Lectio", self.page(f"/static/js/{JS}"))  # of the build before any release
        self.assertEqual([text[0] for text in self.bot.texts()], ["✅"] * 4)
        self.assertIn(second["release"], self.bot.texts()[1])

    def test_a_broken_build_is_refused_before_a_visitor_meets_it(self):
        self.ends(self.site.release("good"), 0, "released")
        script = next(name for name in build_files("x") if name.endswith(".js"))
        broken = {
            "a word": {"index.html": b"broken\n"},
            "nothing": {},
            "a script is missing": {name: text for name, text in build_files("x").items() if name != script},
            "a script is empty": {**build_files("x"), script: b""},
            "HTML for a script": {**build_files("x"), script: b"<!doctype html><html></html>"},
            "without the root": build_files("x", page='<!doctype html><html><script src="/static/js/main.1a2b3c4d.js"></script></html>'),
            "talks to localhost": {**build_files("x"), script: b"fetch('http://localhost:8000/api')\n" * 90},
            "the same build again": build_files("good"),
        }
        with Visitors(self.stack.http_port) as visitors:
            for name, files in broken.items():
                with self.subTest(name):
                    report = self.ends(self.site.deploy("frontend", "-", data=archive(files)), 1, "refused")
                    self.assertTrue(report["reason"])
            wait_until(lambda: visitors.pages > 50, "visitors")
        self.assertEqual(visitors.builds, {"good"})
        self.assertEqual(visitors.faults, [])
        self.assertEqual([it.name for it in self.site.releases.iterdir() if it.name.startswith(".")], [])

    def test_what_only_the_live_site_shows_is_taken_back(self):
        self.ends(self.site.release("good"), 0, "released")
        self.site.change([("contains = 'id=\"root\"'\nrecheck", "contains = 'data-build=\"good'\nrecheck")])
        report = self.ends(self.site.release("other"), 1, "rolled_back")
        self.assertIn("site", report["reason"])
        self.assertEqual(self.build_served(), "good")
        states = [release["state"] for release in self.site.listed()]
        self.assertEqual(states, ["good", "good", "bad"])
        self.assertEqual(self.bot.texts()[-1][0], "⚠")
        self.assertFalse((self.site.run_folder / "deploy_in_progress").exists())

    def test_a_folder_an_archive_file_and_a_packed_one(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            build = write_files(folder / "build", build_files("folder"))
            self.ends(self.site.deploy("frontend", str(build)), 0, "released")
            (folder / "a.tar.xz").write_bytes(archive(build_files("file"), "xz"))
            self.ends(self.site.deploy("frontend", str(folder / "a.tar.xz")), 0, "released")
            write_files(build, build_files("packed"))
            packed = subprocess.run([binary("lectio-deploy"), "pack", build], capture_output=True, check=True, timeout=300).stdout
            self.ends(self.site.deploy("frontend", "-", data=packed[:len(packed) // 2]), 1, "refused")
            self.ends(self.site.deploy("frontend", "-", data=packed), 0, "released")
            self.assertEqual(self.build_served(), "packed")

    def test_rights_are_set_before_anybody_meets_it(self):
        build = self.stack.folder / "new"
        write_files(build, build_files("closed"))
        for path in [build, *build.rglob("*")]:
            path.chmod(0o700 if path.is_dir() else 0o600)
        self.ends(self.site.deploy("frontend", str(build)), 0, "released")
        self.assertEqual(self.build_served(), "closed")
        for path in self.stack.build.resolve().rglob("*"):
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o755 if path.is_dir() else 0o644, path)

    def test_browsers_do_not_stay_with_the_old_page(self):
        self.ends(self.site.release("aaaa"), 0, "released")
        connection = http.client.HTTPConnection("127.0.0.1", self.stack.http_port, timeout=60)
        connection.request("GET", "/index.html")
        answer = connection.getresponse()
        answer.read()
        tag = answer.getheader("ETag")
        time.sleep(1.1)  # ETags of nginx have whole seconds: two releases within one are not what is tried here
        self.ends(self.site.release("bbbb"), 0, "released")  # a page of the same size
        connection.request("GET", "/index.html", headers={"If-None-Match": tag})
        self.assertEqual(connection.getresponse().status, 200)

    def test_killed_at_any_moment(self):
        self.ends(self.site.release("good"), 0, "released")
        with Visitors(self.stack.http_port) as visitors:
            for step in range(12):
                deploy = self.site.start_deploy("frontend", "-")
                deploy.stdin.write(archive(build_files(f"k{step}")))
                deploy.stdin.close()
                time.sleep(0.05 + step * 0.15)  # anywhere in it
                deploy.kill()
                deploy.wait(timeout=300)
                deploy.stdout.close()
                deploy.stderr.close()
                self.site.deploy("recover")
                self.assertEqual(json.loads(self.site.deploy("status").stdout)["unfinished"], [])
            wait_until(lambda: visitors.pages > 50, "visitors")
        self.assertEqual(visitors.faults, [])
        self.assertFalse((self.site.run_folder / "deploy_in_progress").exists())
        self.ends(self.site.release("after"), 0, "released")

    def cut_off_after_the_swap(self, word):
        self.site.change([("passes = 2", "passes = 10")])
        deploy = self.site.start_deploy("frontend", "-")
        deploy.stdin.write(archive(build_files(word)))
        deploy.stdin.close()
        wait_until(lambda: self.build_served() == word, "the swap")
        alive = self.site.deploy("gate", "web")
        self.assertEqual((alive.returncode, self.build_served()), (0, word), alive.stderr)  # it lives: no business of the gate's
        deploy.kill()
        deploy.wait(timeout=300)
        deploy.stdout.close()
        deploy.stderr.close()

    def test_a_unit_that_starts_undoes_what_died(self):
        self.assertEqual(self.site.deploy("gate", "web").returncode, 0)
        self.ends(self.site.release("good"), 0, "released")
        self.cut_off_after_the_swap("died")
        passed = self.site.deploy("gate", "workers")
        self.assertEqual((passed.returncode, self.build_served()), (0, "good"), passed.stderr)
        self.assertEqual(json.loads(self.site.deploy("status").stdout)["unfinished"], [])
        self.assertEqual(self.site.deploy("gate", "others").returncode, 64)

    def test_a_unit_waits_for_the_fence(self):
        self.ends(self.site.release("good"), 0, "released")
        with open(self.site.state / "deploy/fence", "a", encoding="utf-8") as fence:
            fcntl.flock(fence, fcntl.LOCK_EX)
            gate = self.site.start_deploy("gate", "web")
            self.assertIn("web", gate.stderr.readline().decode())
            self.assertIsNone(gate.poll())
        self.assertEqual(gate.wait(timeout=300), 0)
        gate.communicate()

    def test_what_nobody_can_decide_is_told_once_a_boot(self):
        self.ends(self.site.release("good"), 0, "released")
        self.cut_off_after_the_swap("died")
        with open(self.site.journals()[-1], "a", encoding="utf-8") as journal:
            journal.write("rubbish\nand more of it\n")
        before = len(self.bot.texts())
        for _ in range(3):
            self.assertEqual(self.site.deploy("gate", "web").returncode, 0)
        self.assertEqual(len(self.bot.texts()) - before, 1, self.bot.texts())
        self.assertEqual(self.site.deploy("recover", "--boot").returncode, 2)
        self.assertEqual(len(self.bot.texts()) - before, 1, self.bot.texts())

    def test_where_nothing_is_deployed_no_start_is_held_up(self):
        text = self.site.config.read_text()
        self.site.config.write_text(text[:text.index("[deploy]")])
        for words in (("gate", "web"), ("recover", "--boot")):
            self.assertEqual(self.site.deploy(*words).returncode, 0)
        self.assertEqual(self.site.deploy("recover").returncode, 78)

    def doctor(self):
        done = self.site.deploy("doctor")
        report = json.loads(done.stdout)
        self.assertEqual(report["exit_code"], done.returncode)
        return done.returncode, {finding["name"]: finding for finding in report["findings"]}

    def test_doctor_finds_what_hurts_a_deploy(self):
        self.ends(self.site.release("good"), 0, "released")
        code, before = self.doctor()
        self.assertIn(code, (0, 1), before)  # of the machine that the tests run on is not known more
        self.assertNotIn("rights", before)
        os.chmod(self.site.releases, 0o777)
        code, found = self.doctor()
        self.assertEqual((code, found["rights"]["status"]), (2, "critical"), found)
        self.assertIn(f"chmod 755 {self.site.releases}", found["rights"]["hint"])
        os.chmod(self.site.releases, 0o755)
        self.site.change([('min_free = "1MB"', 'min_free = "900TB"')])
        code, found = self.doctor()
        self.assertEqual((code, found["room"]["status"]), (2, "critical"), found)
        self.site.change([('min_free = "900TB"', 'min_free = "1MB"')])
        self.assertEqual(self.doctor()[1], before)

    def test_the_line_drops_and_somebody_attaches(self):
        self.ends(self.site.release("good"), 0, "released")
        self.site.change([("passes = 2", "passes = 5")])
        deploy = self.site.start_deploy("frontend", "-", start_new_session=True)
        deploy.stdin.write(archive(build_files("dropped")))
        deploy.stdin.close()
        wait_until(lambda: len(self.site.journals()) == 2, "the deploy has begun")
        deploy.stdout.close()
        deploy.stderr.close()
        os.kill(deploy.pid, signal.SIGHUP)
        busy = self.site.deploy("frontend", "-", data=archive(build_files("second")))
        self.assertEqual(busy.returncode, 75, busy.stdout + busy.stderr)
        self.assertIn("attach", busy.stderr)
        attached = self.site.deploy("attach", form="text")
        self.assertEqual(attached.returncode, 0, attached.stdout + attached.stderr)
        self.assertIn("released", attached.stdout)
        deploy.wait(timeout=300)
        self.assertEqual(self.build_served(), "dropped")

    def test_asked_to_stop_it_leaves_the_old_release(self):
        self.ends(self.site.release("good"), 0, "released")
        self.site.change([("passes = 2", "passes = 10")])
        deploy = self.site.start_deploy("frontend", "-")
        deploy.stdin.write(archive(build_files("stopped")))
        deploy.stdin.close()
        wait_until(lambda: self.build_served() == "stopped", "the swap")
        deploy.send_signal(signal.SIGTERM)
        self.assertEqual(deploy.wait(timeout=300), 128 + signal.SIGTERM)
        deploy.stdout.close()
        deploy.stderr.close()
        self.assertEqual(self.build_served(), "good")

    def test_a_site_that_fails_already_is_not_deployed_to(self):
        self.stack.stop("nginx")
        report = self.ends(self.site.release("x"), 2, "needs_human")
        self.assertEqual(report["phase"], "live-site")
        self.assertEqual(self.site.deploy("status").returncode, 0)

    def test_a_change_by_hand_is_noticed(self):
        self.ends(self.site.release("good"), 0, "released")
        (self.stack.build / "index.html").write_text(self.page() + "<!-- by hand -->")
        self.assertIn("changed", json.loads(self.site.deploy("status").stdout)["integrity"])
        report = self.ends(self.site.release("next"), 1, "refused")
        self.assertIn("index.html", report["reason"])
        self.assertIn("--force", report["hint"])
        self.ends(self.site.release("next", "--force"), 3, "released")

    def test_adopted_and_given_back(self):
        def tree():
            return {str(path.relative_to(self.stack.build)): (path.stat().st_mode, path.stat().st_mtime_ns, path.is_file() and path.read_bytes())
                    for path in self.stack.build.rglob("*")}
        before = tree()
        with Visitors(self.stack.http_port) as visitors:
            self.ends(self.site.deploy("adopt"), 0, "released")
            self.assertTrue(self.stack.build.is_symlink())
            self.ends(self.site.deploy("adopt", "--undo"), 0, "released")
            wait_until(lambda: visitors.pages > 20, "visitors")
        self.assertEqual(visitors.faults, [])
        self.assertFalse(self.stack.build.is_symlink())
        self.assertEqual(tree(), before)

    def test_plan_changes_nothing(self):
        self.ends(self.site.release("good"), 0, "released")
        before = sorted(self.site.releases.iterdir()), self.build_served()
        good = self.site.deploy("plan", "-", data=archive(build_files("next")))
        self.assertEqual(good.returncode, 0, good.stdout + good.stderr)
        bad = self.site.deploy("plan", "-", data=archive({"index.html": b"broken"}))
        self.assertEqual(bad.returncode, 1, bad.stdout + bad.stderr)
        dry = self.site.deploy("frontend", "-", "--dry-run", data=archive(build_files("next")))
        self.assertEqual((dry.returncode, json.loads(dry.stdout)["findings"]), (0, []), dry.stdout + dry.stderr)
        self.assertEqual(self.site.deploy("pack", "/nothing/here").returncode, 64)
        for words in (["rollback"], ["adopt", "--undo"], ["recover"]):
            self.assertEqual(self.site.deploy(*words, "--dry-run").returncode, 64, words)
        self.assertEqual((sorted(self.site.releases.iterdir()), self.build_served()), before)
        self.stack.stop("nginx")
        red = self.site.deploy("plan", "-", data=archive(build_files("next")))  # the live site's own checks first
        finding = json.loads(red.stdout)["findings"][0]
        self.assertEqual((red.returncode, finding["refuses"]), (1, True), red.stdout + red.stderr)
        self.assertIn("before anything is done: site:", finding["words"])
        self.assertIn("--force", finding["hint"])
        self.assertEqual(sorted(self.site.releases.iterdir()), before[0])
        self.assertEqual(len(self.site.journals()), 1)

    def test_old_releases_go_and_lists_say_what_is_there(self):
        self.site.change([("[deploy]", "[deploy]\nkeep = 2")])
        ids = [self.ends(self.site.release(f"n{i}"), 0, "released")["release"] for i in range(4)]
        taken_over, *listed = self.site.listed()  # what was there at first stays, to be given back
        self.assertEqual([release["id"] for release in listed], ids[-2:])
        self.assertEqual([release["current"] for release in listed], [False, True])
        self.assertEqual(sorted(it.name for it in self.site.releases.iterdir()), sorted([taken_over["id"], *ids[-2:]]))
        difference = json.loads(self.site.deploy("diff", ids[-2], ids[-1]).stdout)
        self.assertEqual(difference["changed"], ["index.html"])
        deploys = json.loads(self.site.deploy("history").stdout)["deploys"]
        self.assertEqual([deploy["result"] for deploy in deploys], ["released"] * 4)
        for word in ("list", "history", "status"):
            self.assertEqual(self.site.deploy(word, form="text").returncode, 0)

    def test_status_says_what_a_rollback_would_refuse(self):
        first = self.ends(self.site.release("first"), 0, "released")["release"]
        self.ends(self.site.release("second"), 0, "released")
        status = json.loads(self.site.deploy("status").stdout)
        self.assertEqual((status["parts"][0]["previous"], status["parts"][0]["rollback_refused"]), (first, ""))
        self.assertIn(f"rollback would serve {first}", self.site.deploy("status", form="text").stdout)
        (self.site.releases / first / "index.html").write_text("by hand")
        refused = json.loads(self.site.deploy("status").stdout)["parts"][0]["rollback_refused"]
        self.assertIn("index.html", refused)
        text = self.site.deploy("status", form="text").stdout
        self.assertIn(f"rollback would refuse to go back to {first}: ", text)
        self.assertNotIn("would serve", text)
        self.ends(self.site.deploy("rollback"), 1, "refused")

    def test_what_is_true_of_every_build_is_a_note(self):
        files = build_files("noted") | {"static/js/main.js.map": b'{"version":3,"sources":[]}'}
        report = self.ends(self.site.deploy("frontend", "-", data=archive(files)), 0, "released")
        self.assertEqual(report["warnings"], [])
        self.assertEqual(len([note for note in report["notes"] if "map" in note]), 1, report)

    def test_by_the_name_of_the_old_script(self):
        script = self.site.folder / "deploy_safe.sh"
        script.symlink_to(binary("lectio-deploy"))

        def old(*words):
            return subprocess.run([script, "-c", str(self.site.config), *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=False)
        build = write_files(self.stack.folder / "new", build_files("old way"))
        self.assertEqual(old("frontend", str(build)).returncode, 0)
        self.assertEqual(self.build_served(), "old way")
        write_files(build, build_files("a newer way"))
        self.assertEqual(old("frontend", str(build)).returncode, 0)
        (self.stack.build / "index.html").write_text(self.page() + "<!-- by hand -->")
        write_files(build, build_files("forced"))
        self.assertEqual(old("frontend", str(build), "--force").returncode, 0)  # with a warning
        self.assertEqual(old("frontend", str(build)).returncode, 1)  # the same again: refused
        (build / "index.html").write_text("broken")
        self.assertEqual(old("frontend", str(build)).returncode, 1)
        self.stack.stop("nginx")
        self.assertEqual(old("frontend", str(build)).returncode, 1)  # a person is needed
        for word in ("backend", "full", "nonsense"):
            refused = old(word)
            self.assertEqual(refused.returncode, 1, refused.stderr)
            self.assertTrue(refused.stderr)
        self.assertIn(b"backend", old("backend").stderr)
        self.site.change([("[deploy]", "[deploy]\nkeep = 1")])
        kept = len(self.site.listed())
        foretold = json.loads(self.site.deploy("cleanup", "--dry-run").stdout)["would_remove"]
        self.assertTrue(foretold)
        self.assertEqual(old("cleanup").returncode, 0)
        self.assertEqual(len(self.site.listed()), kept)  # none is older than 7 days
        self.assertEqual(old("cleanup", "0").returncode, 0)
        self.assertEqual(len(self.site.listed()), kept - len(foretold))
        self.assertFalse(set(foretold) & {release["id"] for release in self.site.listed()})
        self.assertEqual(json.loads(self.site.deploy("cleanup", "--dry-run").stdout)["would_remove"], [])

    def test_the_marker_names_what_is_asked_of_each_tool(self):
        self.ends(self.site.release("good"), 0, "released")
        self.site.change([("passes = 2", "passes = 10, smoke = true")])
        with self.site.config.open("a", encoding="utf-8") as config:
            config.write(f'\n[smoke]\nbase_url = "{self.stack.site_url}"\n[[smoke.step]]\nname = "home"\nget = "/"\n')
        deploy = self.site.start_deploy("frontend", "-")
        deploy.stdin.write(archive(build_files("marked")))
        deploy.stdin.close()
        wait_until(lambda: self.build_served() == "marked", "the swap")
        marker = json.loads((self.site.run_folder / "deploy_in_progress").read_text())
        self.assertEqual(sorted(marker["checks"]), ["frontend", "site", "smoke/connection", "smoke/home"])
        self.assertEqual(deploy.wait(timeout=300), 0)
        deploy.stdout.close()
        deploy.stderr.close()

    def test_wrong_words(self):
        for words, code in ((["frontend"], 64), (["frontend", "/nowhere/build"], 64), (["rollback", "--to", "../x"], 1),
                            (["diff", "a", "b"], 64), (["attach", "x"], 64), (["what"], 64),
                            (["rollback", "frontend", "--restore-db"], 64),
                            (["rollback", "--to", "fe-20261122T164501Z-1fk3", "--restore-db"], 64)):
            with self.subTest(words):
                done = self.site.deploy(*words)
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)
                self.assertTrue(done.stderr or done.stdout)
        self.site.change([("[deploy.frontend]", "[deploy.frontend]\nownr = \"x\"")])
        done = self.site.release("x")
        self.assertEqual(done.returncode, 78)
        self.assertIn("owner", done.stderr)


if __name__ == "__main__":
    unittest.main()
