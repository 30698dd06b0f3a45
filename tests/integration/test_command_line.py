#!/usr/bin/env python3
"""What is typed at a shell: the old name, the words that Nagios reads, slips of the hand, pipes that are closed, and
what the README says to write."""

import fcntl
import os
import pathlib
import re
import subprocess
import tempfile
import unittest
import unittest.mock

from monitor import SOURCE, Monitor, binary

CHECKS = '\n[health.check.disk]\ntype = "disk"\npath = "/"\nfree = {{ critical = "1KB" }}\n'
NAGIOS = {"OK": 0, "WARNING": 1, "CRITICAL": 2, "UNKNOWN": 3}


def run(command, **more):
    more = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more
    return subprocess.run([str(word) for word in command], text=True, timeout=300, check=False, **more)


class Bench(unittest.TestCase):
    def setUp(self):
        self.monitor = self.enterContext(Monitor(None, checks=CHECKS))

    def health(self, *words, config=None, **more):
        return run([binary("lectio-health"), "-c", config or self.monitor.config, *words], **more)


class OldName(Bench):
    """health_check.sh: the old exit codes; our options are obeyed, for whoever gives some means them."""

    def setUp(self):
        super().setUp()
        self.name = self.monitor.folder / "health_check.sh"
        self.name.symlink_to(binary("lectio-health"))
        self.environment = os.environ | {"LECTIO_CONFIG": str(self.monitor.config)}

    def old(self, *words):
        return run([self.name, *words], env=self.environment)

    def untouched(self):
        return not self.monitor.state.exists() and not self.monitor.run_folder.exists()

    def test_options_are_obeyed_and_unknown_ones_refused(self):
        for words, code in ((["--dry-run"], 0), (["--help"], 0), (["--check-config"], 0), (["--bogus"], 64), (["once"], 64)):
            with self.subTest(words=words):
                done = self.old(*words)
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)
                self.assertTrue(self.untouched(), "it was a real run")

    def test_without_arguments_it_runs_and_exits_as_the_script_did(self):
        self.assertEqual(self.old().returncode, 0)
        self.assertFalse(self.untouched())
        self.environment["LECTIO_CONFIG"] = "/nonexistent"
        self.assertEqual(self.old().returncode, 1)

    def test_nagios_reads_the_same_whatever_the_name(self):
        self.environment["LECTIO_CONFIG"] = "/nonexistent"
        done = self.old("--format", "nagios")
        self.assertEqual(NAGIOS[done.stdout.split()[1]], done.returncode)


class Nagios(Bench):
    """The word that is printed and the exit status agree, whatever a run ends with before it has a report."""

    def agrees(self, done):
        found = re.match(r"LECTIO (OK|WARNING|CRITICAL|UNKNOWN) - .+\n\Z", done.stdout)
        self.assertTrue(found, (done.stdout, done.stderr))
        self.assertEqual(NAGIOS[found[1]], done.returncode, done.stdout)
        return found[1]

    def test_early_exits(self):
        broken = self.monitor.folder / "broken.toml"
        # Where its state lies can still be read of it: not where the suite of this machine keeps its own.
        folder = self.monitor.folder
        broken.write_text(f'[paths]\nstate = "{folder}/s"\nrun = "{folder}/r"\nlogs = "{folder}/l"\n[health')
        self.monitor.run_folder.mkdir()
        with open(self.monitor.run_folder / "health.lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for words, config, word in (
                    ([], "/nonexistent", "UNKNOWN"),  # nothing was looked at
                    ([], self.monitor.folder, "UNKNOWN"),
                    ([], broken, None),
                    ([], None, "UNKNOWN"),  # the lock is held
                    (["--dry-run"], None, "OK"),
                    (["--only", "nope"], None, "UNKNOWN"),
                    (["--bogus"], None, "UNKNOWN"),
                    (["--strict"], None, "UNKNOWN"),
                    (["history"], None, "UNKNOWN"),
                    (["--check-config"], None, "OK"),
                    (["--check-config"], broken, "WARNING"),
                    (["--check-config"], "/nonexistent", "WARNING"),
                    (["--check-config"], self.monitor.folder, "WARNING")):
                with self.subTest(words=words, config=config):
                    said = self.agrees(self.health("--format", "nagios", *words, config=config))
                    self.assertIn(said, (word, said if word is None else word))


class Slips(Bench):
    def test_a_mistyped_file(self):
        done = self.health(config=str(self.monitor.config).replace("config.toml", "confg.toml"))
        self.assertEqual(done.returncode, 78)
        self.assertIn(str(self.monitor.config), done.stderr)
        self.assertNotIn("last-good", done.stderr)

    def test_what_was_meant(self):
        for word, meant in (("histroy", "history"), ("--quite", "--quiet")):
            done = self.health(word)
            self.assertEqual((done.returncode, done.stdout), (64, ""))
            self.assertIn(f'did you mean "{meant}"?', done.stderr)
        done = run([binary("lectio-notify"), "sned", "x", "-c", self.monitor.config])
        self.assertIn('not expected: "sned", "x"; did you mean "send"?', done.stderr)

    def test_the_configured_language_is_spoken(self):
        self.monitor.config.write_text(self.monitor.config.read_text().replace('lang = "en"', 'lang = "ru"'))
        self.assertEqual(self.health().returncode, 0)
        for words, said in ((["histroy"], "непонятно: «histroy»; может быть, «history»?\nПодробнее: lectio-health --help\n"),
                            (["--format", "xml"], "--format: значения xml нет, можно"),
                            (["--strict"], "--strict нужно только вместе с --check-config"),
                            (["history", "--format", "prometheus"], "history знает только форматы text и json"),
                            (["history", "dsk"], "нет проверки с именем «dsk» (есть disk); может быть, «disk»?"),
                            (["history", "--since", "yesterday"], "«yesterday» — не время")):
            done = self.health(*words)
            self.assertEqual(done.returncode, 64)
            self.assertIn(said, done.stderr)
        for words, said in (([], "нужна команда: send, flush"), (["send"], "отправлять нечего: укажите текст")):
            done = run([binary("lectio-notify"), "-c", self.monitor.config, *words])
            self.assertEqual(done.returncode, 64)
            self.assertIn(said, done.stderr)
        done = run([binary("lectio-notify"), "-c", self.monitor.folder, "test"])
        self.assertEqual(done.returncode, 78)
        self.assertIn("это не обычный файл", done.stderr)


class Unreadable(Bench):
    """A report that nobody can read: 70, and one line says why."""

    def commands(self):
        for words in ([], ["--check-config"], ["history"], ["init", "-o", "-"]):
            yield [binary("lectio-health"), "-c", self.monitor.config, *words]
        yield [binary("lectio-notify"), "-c", self.monitor.config, "flush"]

    def said_on(self, stdout, why):
        for command in self.commands():
            with self.subTest(command=command[3:]):
                done = run(command, stdout=stdout, env=os.environ | {"LC_ALL": "en_US.UTF-8"})
                self.assertEqual(done.returncode, 70)
                lines = [line for line in done.stderr.splitlines() if "unable to write the report" in line]
                self.assertEqual(len(lines), 1, done.stderr)
                self.assertIn(why, lines[0])

    def test_a_full_disk(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            self.said_on(full, "No space left on device")

    def test_a_closed_pipe(self):
        reading, writing = os.pipe()
        os.close(reading)
        self.addCleanup(os.close, writing)
        self.said_on(writing, "Broken pipe")


class Init(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="lectio-init-")))

    def init(self, file):
        return run([binary("lectio-health"), "init", "--lang", "en", "-o", file])

    def test_what_is_advised_works_as_it_is_written(self):
        file = self.folder / "new.toml"
        done = self.init(file)
        self.assertEqual(done.returncode, 0, done.stderr)
        for command in ("--check-config", "--dry-run"):
            self.assertIn(f"  lectio-health {command} -c {file}\n", done.stdout)
        self.assertRegex(file.read_text(), r'(?m)^env_file = "(/etc|/opt)/lectio-monitor/config.env"')

    def test_a_folder_that_is_not_there_is_not_made(self):
        done = self.init(self.folder / "nope" / "x.toml")
        self.assertEqual(done.returncode, 64)
        self.assertIn(f"there is no folder {self.folder}/nope", done.stderr)
        self.assertFalse((self.folder / "nope").exists())


class Readme(unittest.TestCase):
    """What the README says to write is accepted."""

    def test_its_configurations_are_good(self):
        with tempfile.TemporaryDirectory(prefix="lectio-readme-") as folder:
            env_file = pathlib.Path(folder) / "config.env"
            env_file.touch(0o600)
            env_file.write_text("ERRORS_BOT_TOKEN=123456:made-up\nERRORS_CHAT_ID=-1001234567890\n")
            for readme in ("README.md", "README.ru.md"):
                blocks = re.findall(r"^```toml\n(.*?)^```", (SOURCE / readme).read_text(), re.DOTALL | re.MULTILINE)
                self.assertTrue(blocks, readme)
                for block in blocks:
                    config = pathlib.Path(folder) / "config.toml"
                    config.write_text(block.replace("/etc/lectio-monitor/config.env", str(env_file)))
                    with unittest.mock.patch.dict(os.environ, BACKUP_PG_URL="postgresql://backup:made-up@127.0.0.1/lectio",
                                                  QUEUE_URL="redis://:made-up@127.0.0.1:6379/0"):
                        done = run([binary("lectio-health"), "-c", config, "--check-config"])
                    self.assertEqual(done.returncode, 0, readme + "\n" + done.stdout)
                    self.assertNotRegex(done.stdout, "is not set|не задано")


if __name__ == "__main__":
    unittest.main()
