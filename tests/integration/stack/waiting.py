"""Waiting for a condition, never for a time."""

import contextlib
import time


def wait_until(condition, what, seconds=90):
    """Waits until condition() is true and returns it; a condition that fails to connect is just not true yet."""
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError):
            if result := condition():
                return result
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)
