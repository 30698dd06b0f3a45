"""The site as its users see it: nginx and gunicorn with accounts, walked through by lectio-smoke with its profile."""

import contextlib

from faults.site import Breakable
from monitor import SOURCE, Monitor, binary
from stand_ins.bot_api import BotApi

PASSWORD = "made-up-of-the-walk"
ACCOUNTS = {"teacher": "smoke_teacher@test.local", "student": "smoke_student@test.local"}
MORE_STEPS = """
[smoke.login.session]
post = "/login/"
form = {{ email = "{teacher}", password = "{password}" }}
csrf = {{ get = "/login/" }}
needs = ["health"]
recheck = "50ms"

[[smoke.step]]
name = "note"
as = "session"
post = "/api/session-note/"
status = 201
follow = false

[[smoke.step]]
name = "burst"
get = "/api/health/"
parallel = 10
within = "1s"
needs = ["health"]
recheck = "50ms"
"""


class SmokeSite(Breakable):
    def __init__(self):
        super().__init__(parts=["gunicorn", "nginx"], api=True)

    def __enter__(self):
        super().__enter__()
        make_accounts(self)
        return self

    @contextlib.contextmanager
    def watched(self):
        with BotApi() as self.bot, SmokeMonitor(self, self.bot.url) as self.monitor:
            yield self.monitor

    def lose_later(self, part):
        """It will be killed by a fault of the API."""
        self.afterwards(self.restart, part)

    def break_health(self, fault):
        self.afterwards(self.mend_api)
        super().break_api(fault)


class SmokeMonitor(Monitor):
    """lectio-smoke with the shipped profile, every step in every run."""

    def __init__(self, site, api):
        profile = (SOURCE / "config/profiles/lectio.toml").read_text()
        steps = profile[profile.index("\n[smoke]"):profile.index("\n[deepcheck]")].replace("https://lectio.tw1.ru", site.site_url)
        for every in ('every    = "24h"\n', 'every    = "1h"\n'):
            assert every in steps
            steps = steps.replace(every, "")
        for table in ("[[smoke.step]]\n", "[smoke.login.teacher]\n", "[smoke.login.student]\n"):
            steps = steps.replace(table, table + 'recheck = "50ms"\n')
        steps += MORE_STEPS.format(teacher=ACCOUNTS["teacher"], password=PASSWORD)
        super().__init__(site, api, checks=steps.replace("{", "{{").replace("}", "}}"), lang="ru")
        with (self.folder / "config.env").open("a") as env_file:
            env_file.writelines(f"SMOKE_{name.upper()}_PASSWORD={PASSWORD}\n" for name in ACCOUNTS)

    def command(self, *options, form="json", **_):
        return [str(binary("lectio-smoke")), "-c", str(self.config), "--format", form, *options]


def make_accounts(site):
    site.manage("shell", "-c", "from django.contrib.auth import get_user_model as g\n" + "\n".join(
        f"g().objects.create_user('{role}', email='{email}', password='{PASSWORD}', role='{role}')"
        for role, email in ACCOUNTS.items()))


def set_role(site, role):
    """Of the teacher."""
    site.manage("shell", "-c", "from django.contrib.auth import get_user_model as g; "
                f"g().objects.filter(email='{ACCOUNTS['teacher']}').update(role='{role}')")
