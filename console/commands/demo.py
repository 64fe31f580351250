"""`tq-console demo`: all of it at once, on an embedded server, for a look and for a test."""

from __future__ import annotations

import json
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
        raise click.UsageError(f"--keep: {error}") from None
    except Spoiled as error:
        raise click.ClickException(f"demo: {error}") from None
    if as_json:
        click.echo(json.dumps(summary.document(outcome), ensure_ascii=False))
    elif not on_screen:
        screen.print(summary.report(outcome))
    if outcome.interrupted:
        raise click.Abort
    for problem in outcome.problems:
        if problem.code in ENDED_BY:
            raise click.ClickException(f"demo: {problem.message}")
    return NOT_HELD if outcome.problems else DONE


def _on_screen(plan: Plan, asked: Interruption, screen: Console) -> Outcome:
    """Play with the live picture, which stays on the terminal at the end."""
    # It refreshes only when it is told to, so no thread exists when the processes are started.
    with Live(Text("starting …", "dim"), console=screen, auto_refresh=False) as picture:

        def show(reading: Reading, seconds: float, stage: Stage) -> None:
            picture.update(summary.live(reading, seconds, stage.url, plan.workers), refresh=True)

        return play(plan, asked, show)


def _quietly(plan: Plan, asked: Interruption) -> Outcome:
    """Play without a picture; a person at a terminal is told once where to look meanwhile."""
    told = not sys.stderr.isatty()

    def show(reading: Reading, seconds: float, stage: Stage) -> None:
        nonlocal told
        if not told:
            until = f"for {plan.seconds:g} s" if plan.seconds else "until ctrl-c"
            click.echo(f"runs {until}; to look around: RQ_REDIS_URL={stage.url} tq-console status", err=True)
            told = True

    return play(plan, asked, show)
