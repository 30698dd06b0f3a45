#!/usr/bin/env python3
"""What a run of the shipped lectio-health costs while all is good: no child process, little memory.

Times are printed beside the bash script that it replaces, not asserted: they are the machine's.
"""

import re
import subprocess
import sys
import unittest

from monitor import BUILD, RELEASE, SOURCE, Monitor, count
from stack.stack import Stack

sys.path.insert(0, str(SOURCE / "bench"))
import health as bench  # noqa: E402 (found by the line above)

# kB resident (issue 3). Measured on this stack: 12.8 to 13.3 thousand, by where the kernel happens to load each library;
# the first run, which begins the history, takes up to 14.1 (docs/decisions/0011 and 0018).
# When this fails and nothing has grown on purpose, the list by which the linker lays functions together is old:
# bench/function_order.py makes it again.
MEMORY_LIMIT = 16 * 1024


class HealthWeight(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = cls.enterClassContext(Stack())
        cls.monitor = cls.enterClassContext(Monitor(cls.stack))

    def test_no_child_process(self):
        trace = self.monitor.folder / "trace"
        calls = "execve,execveat,fork,vfork,clone,clone3"
        done = subprocess.run(["strace", "-f", "-qq", "-o", trace, "-e", f"trace={calls}",
                               *self.monitor.command(where=RELEASE)], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        seen = [line for line in trace.read_text().splitlines() if re.search(r"\b(exec|v?fork|clone)", line)]
        children = [line for line in seen if "resumed" not in line and "CLONE_THREAD" not in line]
        self.assertEqual(len(children), 1, "only its own start:\n" + "\n".join(children))
        self.assertIn("execve(", children[0])

    def test_memory(self):
        # The first run begins the history, the others add to it.
        resident = [self.resident() for _ in range(3)]
        print(f"resident at most {resident} kB, the limit is {MEMORY_LIMIT} kB")
        self.assertLessEqual(max(resident), MEMORY_LIMIT)

    def resident(self):
        # time forks by itself: what Python had resident would count for a direct child of it.
        done = subprocess.run(["/usr/bin/time", "--format", "%M", *self.monitor.command(where=RELEASE)],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        return int(done.stderr.splitlines()[-1])

    def test_print_times(self):
        text = bench.compare(self.stack, rounds=count("bench_rounds"))
        print(text)
        (BUILD / "bench-health.txt").write_text(text + "\n")


if __name__ == "__main__":
    unittest.main()
