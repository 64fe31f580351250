"""The prefix of RQ's keys is read as RQ reads it, without RQ."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SHOW = "import sys; from {} import RQ_KEY_PREFIX; sys.stdout.buffer.write(repr((RQ_KEY_PREFIX, 'rq' in sys.modules)).encode())"


def shown(module: str, prefix: str | None) -> str | None:
    """The prefix in a fresh interpreter, and whether RQ was loaded; None when it was refused."""
    environ = {name: value for name, value in os.environ.items() if name != "RQ_KEY_PREFIX"}
    done = subprocess.run(
        [sys.executable, "-c", SHOW.format(module)],
        env=environ if prefix is None else {**environ, "RQ_KEY_PREFIX": prefix},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout if done.returncode == 0 else None


@pytest.mark.parametrize("prefix", [None, "rq", "acme", "a.b:c_d-{e}", "", "a b", "a\n", "é", "%s"])
def test_it_is_what_rq_reads(prefix: str | None) -> None:
    ours, theirs = shown("jobs.keys", prefix), shown("rq.defaults", prefix)
    assert (ours is None) is (theirs is None)
    if ours and theirs:
        assert ours == theirs.replace("True", "False")
