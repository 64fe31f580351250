"""`tq-console status`: lanes, queues, workers, schedulers and problems, once or every second."""

from __future__ import annotations

import io
import signal
import time

import click
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from rich.console import Console
from rich.live import Live

from console.commands import output
from console.commands import prometheus as exposition
from console.commands.server import connection, one_line_errors
from console.commands.status_fit import fitted
from console.commands.status_table import drawn
from console.model.queries import OverviewQuery
from console.model.status import Status, as_json
from console.store import promises
from console.store import status as store
from console.store.seen import MAX_QUEUES, Seen
from console.store.steps import Line, alone
from jobs import tiers

EVERYTHING = OverviewQuery(size=MAX_QUEUES)

EVERY = 1.0
"""Seconds between two readings of --watch."""

UNBOUNDED = 10_000
"""Columns of what is no terminal: lines there are as long as they need to be."""

LONGEST_PAUSE = 10.0
"""Seconds between two tries, at the most, while the server cannot be reached."""


@click.command()
@click.option("--json", "as_document", is_flag=True, help="Print one JSON document.")
@click.option("--prometheus", is_flag=True, help="Print text for Prometheus.")
@click.option("--watch", is_flag=True, help="Read again every second, until ctrl-c.")
@one_line_errors
def status(as_document: bool, prometheus: bool, watch: bool) -> None:
    """Lanes, queues, workers, schedulers and problems. Reads only."""
    if as_document + prometheus + watch > 1:
        raise click.UsageError("--json and --prometheus print one document each, and --watch never ends; use one of them")
    with connection() as client:
        # Connecting is no part of the latency that the first reading shows.
        client.ping()
        if as_document:
            output.document(as_json(_read(client, Seen())))
        elif prometheus:
            click.echo(_exposition(client), nl=False)
        elif watch:
            _watch(client, Console(highlight=False))
        else:
            _print(Console(highlight=False), _read(client, Seen()))


def _read(client: Redis, seen: Seen) -> Status:
    return store.read(client, EVERYTHING, time.time(), seen)


def _exposition(client: Redis) -> str:
    """The status for Prometheus, with the promises of the tiers where the job layer is."""
    found = _read(client, Seen())
    if all(queue.promise_s is None for queue in found.queues):
        return exposition.text(found)
    line = Line(client)
    promised = alone(line, promises.read(line, found.as_of))
    if line.refused:
        return exposition.text(found)
    return exposition.text(found, promised, {(tier.lane, name): tier.promise for name, tier in tiers.current().items()})


def _watch(client: Redis, console: Console) -> None:
    """Show every reading until ctrl-c; through an outage the last one, marked with its age. The first one must succeed."""
    # SIGTERM would leave the terminal on the alternate screen.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    seen = Seen()
    shown, pause = _read(client, seen), EVERY
    with Live(console=console, screen=console.is_terminal, auto_refresh=False) as live:
        _show(live, shown)
        while True:
            time.sleep(pause)
            try:
                shown, pause = _read(client, seen), EVERY
            except (RedisConnectionError, RedisTimeoutError):
                pause = min(LONGEST_PAUSE, pause * 2)
                _show(live, shown, time.time() - shown.as_of)
            else:
                _show(live, shown)


def _show(live: Live, shown: Status, stale_s: float | None = None) -> None:
    """In place on a terminal; elsewhere one after another, so that a log of them can be read."""
    if live.console.is_terminal:
        live.update(fitted(shown, live.console, stale_s), refresh=True)
    else:
        _print(live.console, shown, stale_s)
        click.echo()


def _print(console: Console, shown: Status, stale_s: float | None = None) -> None:
    if console.is_terminal:
        console.print(drawn(shown, console.width, stale_s))
        return
    page = io.StringIO()
    Console(file=page, width=UNBOUNDED, color_system=None, highlight=False).print(drawn(shown, UNBOUNDED, stale_s))
    click.echo("\n".join(line.rstrip() for line in page.getvalue().splitlines()))
