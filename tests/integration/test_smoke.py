#!/usr/bin/env python3
"""lectio-smoke with the profile of the Lectio site, against the real stack: nginx, gunicorn, Django with JWT."""

import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "stack"))
from monitor import SOURCE, Run, binary
from stack import HERE, PYTHON, Stack

PROFILE = SOURCE / "config/profiles/lectio.toml"
USERS = """
[smoke.users]
manage = "{manage}"
python = "{python}"
user   = "{user}"
roles  = {{ teacher = "teacher", student = "student" }}
"""


class Walker:
    """lectio-smoke as it is installed on the site's host, its own folders in a temporary one."""

    def __init__(self, stack):
        self._temporary = tempfile.TemporaryDirectory(prefix="lectio-smoke-")
        self.folder = pathlib.Path(self._temporary.name)
        self.env_file = self.folder / "config.env"
        self.config = self.folder / "config.toml"
        python = self.folder / "python"  # the site's settings come from its environment
        variables = " ".join(f"{name}='{value}'" for name, value in stack.environment().items())
        python.write_text(f'#!/bin/sh\nexec env {variables} {PYTHON} "$@"\n')
        python.chmod(0o755)
        profile = PROFILE.read_text()
        profile = profile[profile.index("\n[smoke]"):profile.index("\n[deepcheck]")].replace("https://lectio.tw1.ru", stack.site_url)
        self.config.write_text(
            'lang = "en"\nhost = "test-host"\n[paths]\n'
            + "".join(f'{name} = "{self.folder / name}"\n' for name in ("state", "run", "logs"))
            + f'env_file = "{self.env_file}"\n' + profile
            + USERS.format(manage=HERE / "project/manage.py", python=python, user=pwd.getpwuid(os.geteuid()).pw_name))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._temporary.cleanup()

    def run(self, *words, form="json"):
        command = [str(binary("lectio-smoke")), "-c", str(self.config), "--format", form, *words]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
        return Run(done, 0)

    def other(self, tool, *words):
        command = [str(binary(tool)), *words, "-c", str(self.config)]
        return Run(subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False), 0)

    def statuses(self, *words):
        return {check["name"]: check["status"] for check in self.run(*words).report["checks"]}


class SmokeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = cls.enterClassContext(Stack(parts=["gunicorn", "nginx"], api=True))
        cls.walker = cls.enterClassContext(Walker(cls.stack))

    def test_a_first_run_and_setup_users(self):
        """The bash smoke test was broken for two months: its users did not exist. The first run says so, and what mends it."""
        walker = self.walker
        walker.env_file.write_text("SMOKE_TEACHER_PASSWORD=teacher-made-up-1\n")
        walker.env_file.chmod(0o600)
        first = walker.run()
        self.assertEqual(first.exit_code, 1)
        login = first.check("login-teacher")
        self.assertEqual(login["status"], "warning")
        self.assertIn("the test account, not the site: smoke_teacher@test.local is refused", login["message"])
        self.assertIn("sudo lectio-smoke setup-users", login["hint"])
        self.assertEqual(first.check("lessons")["status"], "skipped")
        self.assertIn("login-teacher has failed", first.check("lessons")["message"])
        self.assertEqual(first.check("health")["status"], "ok")
        self.assertIn("SMOKE_STUDENT_PASSWORD", first.check("config")["message"])

        would = walker.run("setup-users", "--dry-run", form="text")
        self.assertEqual(would.exit_code, 0, would.err)
        self.assertIn("would", would.out)
        self.assertEqual(walker.statuses("--dry-run")["login-teacher"], "warning")

        done = walker.run("setup-users", form="text")
        self.assertEqual(done.exit_code, 0, done.err + done.out)
        self.assertIn("SMOKE_STUDENT_PASSWORD: a password was made up", done.out)
        self.assertIn("teacher (smoke_teacher@test.local): created, password set, role set", done.out)
        self.assertIn("student (smoke_student@test.local): created, password set", done.out)
        self.assertNotIn("teacher-made-up-1", done.out + done.err)
        again = walker.run("setup-users", form="text")
        self.assertEqual(again.out.count("is as it should be"), 2, again.out)

        self.assert_good(walker.run())

    def assert_good(self, run):
        bad = {check["name"]: (check["status"], check["message"]) for check in run.report["checks"] if check["status"] != "ok"}
        self.assertEqual(bad, {})
        self.assertEqual(run.exit_code, 0)

    def test_b_an_order_is_not_sent_twice(self):
        """Neither to be sure that it failed nor to be sure that it is well again; faults/smoke.py has what is told."""
        for fault in ("status 500", ""):
            with self.subTest(fault or "mended"):
                self.stack.break_api(fault or "none", "create-payment")
                before = self.orders()
                try:
                    self.walker.run()
                finally:
                    self.stack.mend_api("create-payment")
                self.assertEqual(self.orders(), before + 1)

    def orders(self):
        return (self.stack.folder / "nginx-access.log").read_text().count("POST /api/subscription/create-payment/")

    def test_c_what_is_made_is_cleaned_up(self):
        before = self.walker.run("run", "drive-upload", "-v", form="text")
        self.assertEqual(before.exit_code, 0, before.out)
        self.assertIn("> DELETE ", before.out)
        self.assertIn("? status: 200, 201", before.out)
        self.assertIn('"refresh": "***"', before.out)
        self.assertNotIn("would send", before.out)
        self.assertNotIn("teacher-made-up-1", before.out)
        self.assertIn("Authorization: ***", before.out)
        self.assertEqual(list(self.stack.data.glob("upload-*")), [])

    def test_c_open_without_a_login(self):
        """What nobody should see does not go out with the alert."""
        self.stack.break_api("open", "lessons")
        try:
            run = self.walker.run("run", "closed", form="text")
        finally:
            self.stack.mend_api("lessons")
        self.assertEqual(run.exit_code, 2, run.out)
        self.assertIn("open without a login: HTTP 200, expected 401, 403", run.out)
        self.assertIn("GET /api/schedule/lessons/; request and answer: sudo lectio-smoke run closed -v", run.out)
        self.assertNotIn("»", run.out)
        self.assertNotIn("incident ", run.out)

    def test_d_slips_of_the_hand(self):
        self.assertEqual(self.walker.run("run", "lesons").exit_code, 64)
        self.assertIn("lessons", self.walker.run("run", "lesons").err)
        self.assertEqual(self.walker.run("run", "lessons").exit_code, 0)

    def test_e_the_history_knows_the_steps(self):
        """lectio-health history and lectio-notify simulate with what lectio-smoke has recorded."""
        self.stack.break_api("status 500", "lessons")
        try:
            self.walker.run()
        finally:
            self.stack.mend_api("lessons")
        self.walker.run()
        history = self.walker.other("lectio-smoke", "history", "lessons")
        self.assertEqual(history.exit_code, 0, history.err)
        self.assertIn("lessons", history.out)
        self.assertEqual(self.walker.other("lectio-smoke", "history", "lesons").exit_code, 64)
        self.assertIn("no runs recorded", self.walker.other("lectio-health", "history").out)
        simulated = self.walker.other("lectio-notify", "simulate", "--tool", "smoke")
        self.assertEqual(simulated.exit_code, 0, simulated.err)
        self.assertIn("🚨 lessons: HTTP 500", simulated.out)
        self.assertIn("✅", simulated.out)


@unittest.skipIf(os.geteuid() != 0, "needs root to put a folder over /opt")
class ByOldNameTest(unittest.TestCase):
    """smoke_check_v2.sh in a crontab, and nothing but the bash suite's config.env."""

    @classmethod
    def setUpClass(cls):
        cls.stack = cls.enterClassContext(Stack(parts=["gunicorn", "nginx"], api=True))
        cls.stack.manage("shell", "-c", "from django.contrib.auth import get_user_model as g\n"
                         "for role in ('teacher', 'student'): "
                         "g().objects.create_user(role, email=f'smoke_{role}@test.local', password='made-up-old', role=role)")

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="lectio-old-")))
        self.script = self.folder / "smoke_check_v2.sh"
        self.script.symlink_to(binary("lectio-smoke"))

    def run_alone(self, env_file, *words):
        """In mounts of its own, where only this config.env is there; other tests look at the machine's own folders meanwhile."""
        (self.folder / "config.env").write_text(env_file)
        (self.folder / "config.env").chmod(0o600)
        layers = self.folder / "layers"
        layers.mkdir(exist_ok=True)
        lay_out = f"""set -e
            mount -t tmpfs none {layers}
            for place in /opt /etc /var/lib /var/log; do
                mkdir -p {layers}$place/upper {layers}$place/work
                mknod {layers}$place/upper/lectio-monitor c 0 0 # as an overlay says: not there
                mount -t overlay overlay $place -o lowerdir=$place,upperdir={layers}$place/upper,workdir={layers}$place/work
            done
            mount -t tmpfs none /run
            mkdir /opt/lectio-monitor
            cp -p {self.folder}/config.env /opt/lectio-monitor/
            exec "$@" """
        done = subprocess.run(["unshare", "-m", "sh", "-c", lay_out, "sh", str(self.script), *words],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
        return Run(done, 0)

    def site(self, more="SMOKE_TEACHER_PASSWORD=made-up-old\nSMOKE_STUDENT_PASSWORD=made-up-old\n"):
        return f"SITE_URL={self.stack.site_url}\nAPI_URL={self.stack.site_url}/api\n{more}"

    def test_what_the_script_asked_is_asked(self):
        run = self.run_alone(self.site(), "--format", "json")
        self.assertEqual(run.exit_code, 0, run.out + run.err)
        self.assertEqual({check["name"] for check in run.report["checks"] if check["status"] == "ok"},
                         {"connection", "login-teacher", "login-student", "page", "bundle", "health", "me", "lessons", "recordings",
                          "homework", "groups", "subscription", "create-payment", "student-homework"})

    def test_broken_is_1(self):
        self.stack.break_api("status 500", "groups")
        try:
            run = self.run_alone(self.site(), "--format", "json")
        finally:
            self.stack.mend_api("groups")
        self.assertEqual((run.exit_code, run.check("groups")["status"]), (1, "critical"))

    def test_without_accounts_it_says_so(self):
        run = self.run_alone(self.site(""), "--format", "json")
        self.assertEqual(run.exit_code, 0, run.out + run.err)  # a warning
        self.assertIn("SMOKE_TEACHER_PASSWORD", run.check("config")["message"])
        self.assertIn("setup-users", run.check("config")["hint"])
        self.assertEqual(run.check("lessons")["status"], "skipped")
        self.assertEqual(run.check("health")["status"], "ok")

    def test_without_a_site_it_says_so(self):
        self.script = binary("lectio-smoke")
        run = self.run_alone("ALERTS_MUTED=0\n", "--format", "json")
        self.assertEqual(run.exit_code, 78, run.out + run.err)
        self.assertIn("SITE_URL", run.report["reason"])


class SetupUsersTest(unittest.TestCase):
    """manage.py belongs to the application's user, and so does what it makes."""

    @classmethod
    def setUpClass(cls):
        cls.owner = pwd.getpwnam("www-data") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="lectio-users-")))
        self.folder.chmod(0o755)
        self.data, self.project = self.folder / "data", self.folder / "project"
        self.data.mkdir()
        shutil.copytree(HERE / "project", self.project, ignore=shutil.ignore_patterns("__pycache__"))
        self.environment = {"SITE_DATA": str(self.data), "PYTHONDONTWRITEBYTECODE": "1", "SITE_API": "1"}
        python = self.folder / "python"
        python.write_text("#!/bin/sh\nexec env " + " ".join(f"{k}='{v}'" for k, v in self.environment.items()) + f' {PYTHON} "$@"\n')
        python.chmod(0o755)
        for path in (self.data, self.project, *self.project.rglob("*")):
            os.chown(path, self.owner.pw_uid, self.owner.pw_gid)
        self.manage("migrate", "--run-syncdb")
        self.env_file = self.folder / "config.env"
        self.env_file.touch(0o600)
        self.config = self.folder / "config.toml"
        self.config.write_text('lang = "en"\n[paths]\n'
                               + "".join(f'{name} = "{self.folder / name}"\n' for name in ("state", "run", "logs"))
                               + f'env_file = "{self.env_file}"\n'
                               + USERS.format(manage=self.project / "manage.py", python=python, user="") + """
[smoke.login.teacher]
post = "/api/jwt/token/"
json = { email = "smoke_teacher@test.local", password = "${SMOKE_TEACHER_PASSWORD}" }
token = "/access"
""")

    def manage(self, *words):
        return subprocess.run([PYTHON, str(self.project / "manage.py"), *words], capture_output=True, text=True, timeout=300,
                              env={"PATH": "/usr/bin:/bin", **self.environment}, user=self.owner.pw_uid, group=self.owner.pw_gid,
                              check=True).stdout.strip()

    def start(self, *before, words=()):
        return subprocess.Popen([*before, str(binary("lectio-smoke")), "-c", str(self.config), *words, "setup-users"],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def setup_users(self, *before, words=()):
        process = self.start(*before, words=words)
        out, err = process.communicate(timeout=300)
        return process.returncode, out, err

    def python(self, code):
        return self.manage("shell", "-c", f"from django.contrib.auth import get_user_model as g, authenticate as a; {code}")

    def password(self):
        return self.env_file.read_text().split("SMOKE_TEACHER_PASSWORD=")[1].split()[0].strip("'\"")

    def test_as_the_user_of_the_application(self):
        code, out, err = self.setup_users()
        self.assertEqual(code, 0, out + err)
        database = (self.data / "db.sqlite3").stat()
        self.assertEqual((database.st_uid, self.env_file.stat().st_mode & 0o777), (self.owner.pw_uid, 0o600))
        self.assertEqual(self.python(f"print(a(email='smoke_teacher@test.local', password='{self.password()}').role)"), "teacher")
        self.assertNotIn(self.password(), out + err)

    def test_repaired(self):
        self.setup_users()
        self.python("u = g().objects.get(); u.is_active = False; u.role = 'student'; u.set_password('other'); u.save()")
        code, out, err = self.setup_users()
        self.assertEqual(code, 0, out + err)
        self.assertIn("switched on, password set, role set", out)

    def test_the_staff_is_left_alone(self):
        self.python("g().objects.create_superuser('boss', email='smoke_teacher@test.local', password='of-the-boss')")
        code, out, err = self.setup_users()
        self.assertEqual(code, 2, out + err)
        self.assertIn("belongs to the staff of the site", out)
        self.assertEqual(self.python("print(a(email='smoke_teacher@test.local', password='of-the-boss'))"), "smoke_teacher@test.local")

    def test_two_at_once_make_one_password(self):
        both = [self.start(), self.start()]
        done = [(process.communicate(timeout=300), process.returncode) for process in both]
        codes = sorted(code for _, code in done)
        self.assertIn(codes, ([0, 0], [0, 75]), done)
        self.assertEqual(self.env_file.read_text().count("SMOKE_TEACHER_PASSWORD="), 1)
        self.assertNotEqual(self.python(f"print(a(email='smoke_teacher@test.local', password='{self.password()}'))"), "None")

    def test_an_account_that_nothing_was_said_of(self):
        for said in ("[]", '["a", 5]', '[{"login": "student", "did": []}]'):
            with self.subTest(said):
                (self.project / "manage.py").write_text(f"print('{{\"lectio_smoke_users\": {said}}}')\n")
                code, out, err = self.setup_users()
                self.assertEqual(code, 2, out + err)
                self.assertIn("teacher (smoke_teacher@test.local): manage.py has not said what became of it", out)

    def test_an_odd_word_is_no_word(self):
        for said in ('[{"login": "teacher"}]', '[{"login": "teacher", "did": "all"}]', '[{"login": "teacher", "did": [5]}]'):
            with self.subTest(said):
                (self.project / "manage.py").write_text(f"print('{{\"lectio_smoke_users\": {said}}}')\n")
                code, out, err = self.setup_users()
                self.assertEqual(code, 2, out + err)
                self.assertIn("has not said what became of it", out)

    def test_an_empty_password_is_none(self):
        self.env_file.write_text("SMOKE_TEACHER_PASSWORD=''\n")
        code, out, err = self.setup_users()
        self.assertEqual(code, 0, out + err)
        self.assertIn("SMOKE_TEACHER_PASSWORD: a password was made up", out)
        self.assertEqual(len(self.password()), 24)
        self.assertEqual(self.python(f"print(a(email='smoke_teacher@test.local', password='{self.password()}').role)"), "teacher")

    def test_an_ordinary_word_is_told_of(self):
        self.env_file.write_text("SMOKE_TEACHER_PASSWORD=teacher\n")
        code, out, err = self.setup_users()
        self.assertEqual(code, 0, out + err)
        self.assertIn("is easily guessed; remove it from", out)

    def test_a_file_that_others_read_is_told_of(self):
        self.env_file.chmod(0o644)
        code, out, err = self.setup_users()
        self.assertEqual(code, 0, out + err)
        self.assertIn(f"can be read by others, and holds passwords now; run: chmod 600 {self.env_file}", out)

    def test_a_role_that_the_model_does_not_have(self):
        self.config.write_text(self.config.read_text().replace('teacher = "teacher"', 'teacher = "headmaster"'))
        code, out, err = self.setup_users()
        self.assertEqual(code, 2, out + err)
        self.assertIn("the model of users has no role “headmaster”, only teacher, student", out)
        self.assertEqual(self.python("print(g().objects.count())"), "0")

    def test_a_role_of_a_slip_of_the_hand(self):
        self.config.write_text(self.config.read_text().replace('teacher = "teacher"', 'taecher = "teacher"'))
        code, out, err = self.setup_users()
        self.assertEqual(code, 78, out + err)
        self.assertIn('unknown login "taecher"; did you mean "teacher"?', err)

    def test_without_manage(self):
        (self.project / "manage.py").rename(self.project / "manage.old")
        code, out, err = self.setup_users()
        self.assertEqual(code, 78, out + err)
        self.assertIn("correct [smoke.users] manage in", err)

    @unittest.skipIf(os.geteuid() != 0, "needs root to give a file to root")
    def test_a_clone_of_root_is_not_run_as_root(self):
        os.chown(self.project / "manage.py", 0, 0)
        code, out, err = self.setup_users()
        self.assertEqual(code, 78, out + err)
        self.assertIn("it belongs to root, and the key `user` does not say who runs it", err)
        self.env_file.write_text("")  # and before anything is written
        self.assertEqual(self.setup_users()[0], 78)
        self.assertEqual(self.env_file.read_text(), "")
        self.assertEqual(self.setup_users(words=("--dry-run",))[0], 78, "what would be done is what is done")
        self.assertFalse((self.data / "django.log").exists())

    @unittest.skipIf(os.geteuid() != 0, "needs root to become somebody else")
    def test_somebody_else_may_not(self):
        self.env_file.chmod(0o644)
        code, out, err = self.setup_users("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        self.assertEqual(code, 77, out + err)
        self.assertIn("run with sudo", err)


if __name__ == "__main__":
    unittest.main()
