#!/usr/bin/env python3
"""The commands of README's first ten minutes, as they stand there, on a site laid out as LEGACY.md says."""

import sys
import unittest

from hosts import SOURCE, Host, skip_where_impossible

BUILD = "/var/www/teaching_panel/frontend/build"


def commands(readme):
    """What stands indented under the bold heading, without sudo and what explains it."""
    text = (SOURCE / readme[0]).read_text(encoding="utf-8")
    block = text.split(readme[1], 1)[1].split("\n\n")[1]
    return [line.split("#")[0].strip().removeprefix("sudo ") for line in block.splitlines()]


class FirstMinutes(unittest.TestCase):
    def test_readme(self):
        self.assertEqual(commands(("README.md", "**The first ten minutes.**")),
                         commands(("README.ru.md", "**Первые десять минут.**")))
        with Host("first-minutes") as host:
            host.lay_out_site(cron=False)
            host.shell(f"""cat >>/etc/lectio-monitor/config.toml <<'MORE'
[deploy]
min_free = "1MB"
[deploy.frontend]
path = "{BUILD}"
MORE
cp -r {BUILD} /root/next; echo '<!-- next -->' >>/root/next/index.html""")
            look = f"cd {BUILD}; find . -printf '%p %m %u %g %s %T@ ' -exec sh -c 'test ! -f $0 || sha256sum <$0' {{}} ';' | sort"
            before = host.shell(look)
            for command in commands(("README.md", "**The first ten minutes.**")):
                done = host.attempt(*command.split())
                self.assertIn(done.returncode, (0, 1, 2) if command.endswith("doctor") else (0,),
                              f"{command}\n{done.stdout}{done.stderr}")
                self.assertTrue(host.site_answers(), command)
                served = host.read(f"{BUILD}/index.html")
                self.assertEqual("next" in served, command.startswith(("lectio-deploy frontend", "lectio-deploy status")),
                                 command)
            self.assertEqual(host.shell(look), before, "byte for byte as before")


if __name__ == "__main__":
    skip_where_impossible()
    unittest.main(argv=sys.argv)
