"""`tq-console demo`: all of it at once, on an embedded server, for a look and for a test."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
from rich.console import Console

from console.commands.exits import DONE, NOT_HELD
from console.commands.server import one_line_errors
from console.demo import summary
from console.demo.processes import Interruption, interruptible
from console.demo.reading import Reading
from console.demo.stage import Spoiled, Stage, UnusableFolder
from console.demo.story import Outcome, Plan, play

MAX_USERS = 1_000_000
MAX_WORKERS = 64

ENDED_BY = ("process_died", "server_silent")
"""The problems that end the demonstration before its time."""


@click.command()
@click.option("--users", type=click.IntRange(1, MAX_USERS), help="How many sample users; as many as are shipped by default.")
@click.option("--workers", type=click.IntRange(1, MAX_WORKERS), default=3, show_default=True, help="How many stock workers.")
@click.option(
    "--for", "seconds", type=click.FloatRange(1, 86_400), metavar="SECONDS", help="Run so long, then print a summary."
)
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Keep data and logs in DIR.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@one_line_errors
def demo(users: int | None, workers: int, seconds: float | None, keep: Path | None, as_json: bool) -> int:
    """Show it all: a real server, stock workers and scheduler, sample users, and a site to scrape.

    Without --for it opens the console over it all, until that is left. Everything that it starts ends with it.
    """
    plan = Plan(users, workers, seconds, keep)
    screen = Console()
    on_screen = seconds is None and screen.is_terminal and sys.stdin.isatty() and not as_json
    try:
        with interruptible() as asked:
            outcome = _on_screen(plan, asked, screen) if on_screen else _quietly(plan, asked)
    except KeyboardInterrupt:
        raise click.Abort from None
    except UnusableFolder as error:
        raise click.UsageError(f"demo: {error}") from None
    except Spoiled as error:
        raise click.ClickException(f"demo: {error}") from None
    if as_json:
        click.echo(json.dumps(summary.document(outcome), ensure_ascii=False))
    else:
        screen.print(summary.report(outcome))
    if outcome.interrupted:
        raise click.Abort
    for problem in outcome.problems:
        if problem.code in ENDED_BY:
            raise click.ClickException(f"demo: {problem.message}")
    return NOT_HELD if outcome.problems else DONE


def _on_screen(plan: Plan, asked: Interruption, screen: Console) -> Outcome:
    """Play while the console is open over the demonstration's server: leaving the console ends it."""
    console: subprocess.Popen[bytes] | None = None

    def show(reading: Reading, seconds: float, stage: Stage) -> None:
        nonlocal console
        if console is None:
            for line in summary.whereabouts(stage, callable_as(sys.argv[0])):
                # The terminal breaks what is too long, so that it can be copied as one line.
                screen.print(line, soft_wrap=True)
            # A process of its own: the console belongs to a main thread, and this one watches what was started.
            console = subprocess.Popen([sys.executable, "-m", "console.cli"], env=dict(stage.environ))

    try:
        return play(plan, asked, show, over=lambda: console is not None and console.poll() is not None)
    finally:
        if console is not None and console.poll() is None:
            console.terminate()
            console.wait()


def _quietly(plan: Plan, asked: Interruption) -> Outcome:
    """Play without a picture; a person at a terminal is told once where to look meanwhile."""
    told = not sys.stderr.isatty()

    def show(reading: Reading, seconds: float, stage: Stage) -> None:
        nonlocal told
        if not told:
            click.echo(f"runs {f'for {plan.seconds:g} s' if plan.seconds else 'until ctrl-c'}", err=True)
            for line in summary.whereabouts(stage, callable_as(sys.argv[0])):
                click.echo(line.plain, err=True)
            told = True

    return play(plan, asked, show)


def callable_as(started_as: str) -> str:
    """How a shell in this folder can call this program, which was started as that: by its name where that is found."""
    # Not resolved: a virtual environment may be behind a link.
    path = Path(os.path.abspath(started_as))
    if not os.access(path, os.X_OK) or path.suffix == ".py":
        return f"{shlex.quote(sys.executable)} -m console.cli"
    if shutil.which(path.name) == str(path):
        return path.name
    here = Path.cwd()
    if not path.is_relative_to(here):
        return shlex.quote(str(path))
    return shlex.quote(str(path.relative_to(here) if path.parent != here else f"./{path.name}"))
