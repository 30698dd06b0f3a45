#!/usr/bin/env python3
"""lectio-deepcheck as cron and people start it: what is due, what is kept, what is told."""

import os
import pathlib
import subprocess
import tempfile
import unittest

from monitor import Run, binary

PATHS = """lang = "{lang}"
host = "test-host"
[paths]
state = "{folder}/state"
run = "{folder}/run"
logs = "{folder}/logs"
env_file = "{folder}/config.env"
metrics = "{folder}/lectio.prom"
"""

# Counts how often it was asked; the verdict stands in a file.
PROBE = """#!/bin/sh
echo asked >>"{folder}/$1.asked"
read code words <"{folder}/$1.verdict"
echo "$words"
exit "$code"
"""

CHECK = """
[deepcheck.check.{name}]
type = "exec"
command = ["{folder}/probe", "{name}"]
recheck = "0s"
{more}
"""


class Deep:
    """A configured lectio-deepcheck in a folder of its own."""

    def __init__(self, checks, lang="en", more=""):
        self._temporary = tempfile.TemporaryDirectory(prefix="lectio-deepcheck-")
        self.folder = pathlib.Path(self._temporary.name)
        probe = self.folder / "probe"
        probe.write_text(PROBE.format(folder=self.folder))
        probe.chmod(0o755)
        (self.folder / "config.env").touch(0o600)
        text = PATHS.format(folder=self.folder, lang=lang)
        for name, keys in checks.items():
            text += CHECK.format(folder=self.folder, name=name, more=keys)
            self.says(name, 0, "good|size=7B")
        self.config = self.folder / "config.toml"
        self.config.write_text(text + more)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._temporary.cleanup()

    def says(self, name, code, words):
        (self.folder / f"{name}.verdict").write_text(f"{code} {words}\n")

    def asked(self, name):
        file = self.folder / f"{name}.asked"
        return len(file.read_text().splitlines()) if file.exists() else 0

    def run(self, *words, form="json", program=None):
        command = [str(program or binary("lectio-deepcheck")), "-c", str(self.config), "--format", form, *words]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
        return Run(done, 0)


class DeepcheckTest(unittest.TestCase):
    def test_what_is_not_due_is_kept_and_shown_with_its_age(self):
        with Deep({"cheap": "", "dear": 'every = "24h"'}) as deep:
            deep.says("dear", 2, "corrupt|pages=3")
            first = deep.run()
            self.assertEqual(first.exit_code, 2, first.err)
            self.assertNotIn("age_s", first.check("dear"))

            again = deep.run()
            self.assertEqual((deep.asked("cheap"), deep.asked("dear")), (2, 1))
            self.assertEqual(again.exit_code, 2, "what was broken when it was last asked is broken")
            kept = again.check("dear")
            self.assertEqual(kept["status"], "critical")
            self.assertRegex(kept["message"], r"^corrupt.* \(looked at .* ago\)$")
            self.assertGreaterEqual(kept["age_s"], 0)
            self.assertEqual([metric["value"] for metric in kept["metrics"]], [3])
            self.assertEqual(kept["incident"], first.check("dear")["incident"])
            metrics = (deep.folder / "lectio-deepcheck.prom").read_text()
            self.assertIn('lectio_check_status{tool="deepcheck",check="dear"} 2', metrics)
            log = (deep.folder / "logs/deepcheck.log").read_text()
            self.assertIn("looked at", log.splitlines()[-2])

    def test_under_other_settings_it_is_asked_anew(self):
        with Deep({"cheap": "", "dear": 'every = "24h"'}) as deep:
            deep.run()
            deep.run()
            self.assertEqual(deep.asked("dear"), 1)
            deep.config.write_text(deep.config.read_text() + "\n# corrected\n")
            deep.run()
            deep.run()
            self.assertEqual(deep.asked("dear"), 2)

    def test_who_asks_by_name_wants_it_now(self):
        with Deep({"cheap": "", "dear": 'every = "24h"'}) as deep:
            deep.run()
            self.assertEqual(deep.asked("dear"), 1)
            only = deep.run("--only", "dear")
            self.assertEqual([check["name"] for check in only.report["checks"]], ["dear"])
            self.assertEqual((deep.asked("cheap"), deep.asked("dear")), (1, 2))

            state = (deep.folder / "state/deepcheck/state.json").read_bytes()
            deep.says("dear", 1, "grown")
            looked = deep.run("run", "dear", "-v", form="text")
            self.assertEqual(looked.exit_code, 1)
            self.assertIn("grown", looked.out)
            self.assertEqual(deep.asked("dear"), 3)
            self.assertEqual((deep.folder / "state/deepcheck/state.json").read_bytes(), state, "run remembers nothing")
            self.assertEqual(deep.run().check("dear")["status"], "ok", "what was remembered is the run before it")
            deep.config.write_text(deep.config.read_text() + '[channel.errors]\ntype = "telegram"\ntoken = "${NOT_SET}"\nchat = 7\n')
            alone = deep.run("run", "cheap")
            self.assertEqual(([check["name"] for check in alone.report["checks"]], alone.exit_code), (["cheap"], 0))
            self.assertIn("config", [check["name"] for check in deep.run("run").report["checks"]], "who asks for all gets all")

    def test_history(self):
        with Deep({"a": 'every = "24h"'}) as deep:
            deep.run()
            deep.says("a", 2, "broken")
            deep.run("--only", "a")
            shown = subprocess.run([str(binary("lectio-deepcheck")), "-c", str(deep.config), "history", "a"],
                                   capture_output=True, text=True, timeout=300, check=False)
            self.assertEqual(shown.returncode, 0, shown.stderr)
            self.assertIn("broken", shown.stdout)
            wrong = subprocess.run([str(binary("lectio-deepcheck")), "-c", str(deep.config), "history", "b"],
                                   capture_output=True, text=True, timeout=300, check=False)
            self.assertEqual(wrong.returncode, 64, wrong.stdout)

    def test_usage_and_configuration(self):
        with Deep({"cheap": ""}) as deep:
            unknown = deep.run("run", "cheep")
            self.assertEqual(unknown.exit_code, 64)
            self.assertIn('did you mean "cheap"?', unknown.err)
            checked = deep.run("--check-config", form="text")
            self.assertEqual(checked.exit_code, 0)
            self.assertIn("lectio-deepcheck: 1 check, at most 5m a run", checked.out.replace("5 m", "5m"))
            self.assertEqual(deep.run("--check-config").report["deepcheck"],
                             [{"name": "cheap", "type": "exec", "runs": True}])
            self.assertEqual(deep.asked("cheap"), 0)
            self.assertEqual(deep.run("--dry-run").exit_code, 0)
            self.assertFalse((deep.folder / "state").exists())
            deep.config.write_text(deep.config.read_text().replace('type = "exec"', 'type = "exex"'))
            wrong = deep.run()
            self.assertEqual(wrong.exit_code, 78)
            self.assertIn('did you mean "exec"?', wrong.report["checks"][0]["message"])

    def test_by_the_old_name_it_has_the_old_exit_codes(self):
        with Deep({"cheap": ""}) as deep:
            old = deep.folder / "deep_check.sh"
            old.symlink_to(binary("lectio-deepcheck"))
            deep.says("cheap", 1, "slow")
            self.assertEqual(deep.run(program=old).exit_code, 0)
            deep.says("cheap", 2, "gone")
            self.assertEqual(deep.run(program=old).exit_code, 1)

    @unittest.skipUnless(os.geteuid() == 0 and not pathlib.Path("/etc/lectio-monitor/config.toml").exists(), "/opt is hidden by a mount")
    def test_with_the_config_env_of_the_bash_suite_alone_it_looks_at_what_deep_check_sh_did(self):
        script = """mount -t tmpfs none /opt && mkdir /opt/lectio-monitor /opt/app /opt/app/teaching_panel &&
                    printf 'SITE_URL=https://127.0.0.1:1\\nPROJECT_ROOT=/opt/app\\n' >/opt/lectio-monitor/config.env &&
                    sqlite3 /opt/app/teaching_panel/db.sqlite3 'create table a (b)' && exec "$0" --dry-run --no-notify --format json"""
        done = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script, str(binary("lectio-deepcheck"))],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
        run = Run(done, 0)
        self.assertIsNotNone(run.report, run.out + run.err)
        seen = {check["name"]: check["status"] for check in run.report["checks"]}
        self.assertLessEqual({"certificate", "database", "disk", "memory", "workers"}, set(seen))
        self.assertEqual((seen["certificate"], seen["database"], seen["workers"]), ("critical", "ok", "critical"), run.out)
        self.assertNotIn("migrations", seen, "there is no manage.py")

    def test_without_a_check_it_says_so(self):
        with Deep({}, lang="ru") as deep:
            run = deep.run()
            self.assertEqual(run.exit_code, 1)
            self.assertIn("смотреть не на что", run.check("config")["message"])


if __name__ == "__main__":
    unittest.main()
