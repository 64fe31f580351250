"""`tq-console demo`: all of it at once, on an embedded server, for a look and for a test."""

from __future__ import annotations

import json
import math
import os
import shlex
import shutil
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.live import Live
from rich.text import Text

from console.commands.server import one_line_errors
from console.demo import summary
from console.demo.processes import Interruption, interruptible
from console.demo.reading import Reading
from console.demo.stage import Spoiled, Stage, UnusableFolder
from console.demo.story import Outcome, Plan, play

MAX_USERS = 1_000_000
MAX_WORKERS = 64
DONE, NOT_HELD = 0, 1

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

    Without --for it shows what happens until ctrl-c. Everything that it starts ends with it.
    """
    plan = Plan(users, workers, seconds, keep)
    screen = Console()
    on_screen = seconds is None and screen.is_terminal and not as_json
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
    """Play with the live picture, below the lines that tell where to look around; the summary takes its place at the end."""
    # It refreshes only when it is told to, so no thread exists when the processes are started.
    with Live(Text("starting …", "dim"), console=screen, auto_refresh=False, transient=True) as picture:
        told: list[Text] = []

        def show(reading: Reading, seconds: float, stage: Stage) -> None:
            if not told:
                told.extend(summary.whereabouts(stage, callable_as(sys.argv[0])))
                for line in told:
                    # The terminal breaks what is too long, so that it can be copied as one line.
                    screen.print(line, soft_wrap=True)
            above = sum(max(1, math.ceil(line.cell_len / screen.width)) for line in told)
            picture.update(summary.live(reading, seconds, plan.workers, screen.width, screen.height - above - 1), refresh=True)

        return play(plan, asked, show)


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
