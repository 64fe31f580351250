"""What is painted first imports neither redis nor rq: these are loaded by the thread that reads, while the screen is up."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import pytest
from rq import Queue

from console.store.acts import jobs

SLOW = ("redis", "rq", "rq_scheduler", "httpx", "console.store", "jobs")
PAINTED = ("console.app", "console.poller", "console.actions", "console.messages")
PACKAGES = ("console.model", "console.widgets", "console.screens")


def modules() -> list[str]:
    """The modules that the screen is made of."""
    found = list(PAINTED)
    for package in PACKAGES:
        folder = importlib.import_module(package).__path__
        found += [package, *(module.name for module in pkgutil.walk_packages(folder, f"{package}."))]
    return found


def test_no_module_of_the_screen_loads_the_store_or_what_it_reads_with() -> None:
    """One interpreter for all of them: if one fails, importing them one by one tells which."""
    show = f"import sys, {', '.join(modules())}; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert [name for name in done.stdout.split() if f"{name}.".startswith(tuple(f"{slow}." for slow in SLOW))] == []


@pytest.mark.parametrize("module", ["console.model." + name for name in ("queries", "status", "ports")])
def test_the_model_loads_the_standard_library_only(module: str) -> None:
    show = f"import sys; before = set(sys.modules); import {module}; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True, timeout=60)
    strangers = {name.split(".")[0] for name in done.stdout.split()} - sys.stdlib_module_names - {"console"}
    assert strangers == set()


def test_whoever_acts_on_jobs_does_not_wait_for_rq() -> None:
    show = "import sys, console.store.writer, console.store.acts.jobs; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True, timeout=60)
    assert "rq" not in done.stdout.split()
    assert jobs.DEFAULT_TIMEOUT_S == Queue.DEFAULT_TIMEOUT


def test_the_first_screen_waits_for_nothing_that_acts() -> None:
    show = "import sys, console.app, console.screens.overview; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True, timeout=60)
    acts = ("console.acting", "console.carrier", "console.orders", "console.model.commands", "console.screens.dialogs")
    assert [name for name in done.stdout.split() if name.startswith(acts)] == []


def test_the_first_reading_waits_for_no_command_and_for_nothing_that_takes_tracebacks_apart() -> None:
    show = "import sys, console.store.reader, console.store.status; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True, timeout=60)
    later = ("activity", "commands", "constant_parts", "operations", "raised", "secret_text")
    assert {f"console.model.{name}" for name in later} & set(done.stdout.split()) == set()


@pytest.mark.parametrize("acts", [True, False])
def test_no_key_waits_for_a_view_and_where_nothing_may_be_changed_nothing_that_acts_is_there(
    acts: bool,
) -> None:
    show = f"import sys; from console.commands.open import get_ready; get_ready({acts}); print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(done.stdout.split())
    screens = ("failures", "groups", "jobs", "job", "schedules", "workers", "user", "activity", "timeline", "palette", "help")
    assert {f"console.screens.{screen}" for screen in screens} - loaded == set()
    assert ("console.acting" in loaded) is acts
    assert not any(name.startswith(("console.store.writer", "console.store.acts")) for name in loaded)
