"""How a command from the shell is carried out: what is meant is found, previewed, confirmed, done, and told."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, Final

import click

from console import garbage
from console import settings as console_settings
from console.commands import act_report, consent, output, queues_named
from console.commands.choosing import Chosen, Found, find
from console.commands.exits import DONE, INTERRUPTED, NOT_HELD, UNREACHABLE
from console.commands.parameters import text
from console.commands.server import ServerError, changes, one_line_errors, reader
from console.model import command_words, tie_words
from console.model.bulk import Control, Progress, Report, carry_out
from console.model.canary import Canary, Trial
from console.model.commands import Command, JobSeen, Move, Reschedule
from console.model.masking import mask_url
from console.model.operations import Operation
from console.model.ports import Reader, WriteError
from console.model.queries import FailuresQuery, JobsQuery, NamedQuery
from console.model.text import visible
from console.operator import operation_id, operator
from jobs import settings
from jobs.errors import JobsError

LOOK_S: Final = 0.1
"""Seconds between two looks at whether somebody has pressed ctrl-c."""

PAST_S: Final = 60.0
"""Seconds by which an instant is past that was not meant as now."""

PAST: Final = "that instant is past: what is due then is due at once"


@dataclass(frozen=True, slots=True)
class How:
    """What the flags of `acts` say. `reason` is the operator's."""

    dry_run: bool
    yes: bool
    reason: str
    as_json: bool


def acts(command: Callable[..., int]) -> Callable[..., int]:
    """A command that acts: its flags, which it is given as one `how`, and its refusal where everything is only looked at."""

    @wraps(command)
    def acting(dry_run: bool, yes: bool, reason: str, as_json: bool, **given: Any) -> int:
        return command(how=How(dry_run, yes, reason, as_json), **given)

    found = one_line_errors(changes(acting))
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document."),
        click.option("--reason", type=text, default="", metavar="TEXT", help="Why; kept with who and when: see `activity`."),
        click.option(
            "--yes", is_flag=True, help="Do not ask, nor for the name of a production context: a script has said so by this."
        ),
        click.option("--dry-run", is_flag=True, help="Say what it would be done to, and do nothing."),
    ):
        found = option(found)
    return found


def act(command: Command, meant: Chosen, how: How, canary: Canary | None = None, word: str = "") -> int:
    """Do `command` to what is meant, as `how` says, and tell what came of it; the exit status. `word`: what the audit calls it,
    where that is not the command's own. Raises UsageError, ServerError, and Interrupted while nothing is done yet."""
    asks = not how.dry_run and consent.needed(word or command.WORD, how.yes)
    with garbage.put_off(), reader() as server:
        found = _found(server, command, meant, looks=how.dry_run or asks, tries=canary is not None)
        asked = command_words.asked(command, meant.told(found.preview.seen))
        nothing = not (found.preview.seen or found.preview.in_way)
        if how.dry_run and not (nothing and meant.none):
            act_report.show_preview(found, command, meant, asked, how.as_json, canary)
            return NOT_HELD if found.nowhere or (found.preview.in_way and not found.preview.seen) else DONE
        if not found.preview.seen:
            return act_report.show_nothing(command, meant, found, how.as_json)
        if asks:
            act_report.show_preview(found, command, meant, asked, False, canary, err=True)
            if not consent.given(asked):
                return NOT_HELD
        else:
            for warning in found.warnings:
                output.warn(warning)
        operation = _operation(command, meant, found, how, canary, word)
        report = _carried_out(server, operation, command, found, canary)
    act_report.show(report, command, meant, found, how.as_json)
    return _status(report, meant, found)


def _found(server: Reader, command: Command, meant: Chosen, *, looks: bool, tries: bool) -> Found:
    """What is meant, and what is to be said of it before it is done. `looks`: somebody sees that first; `tries`: what becomes
    of the first ones is waited for. Raises ReadError and Interrupted."""
    now = time.time()
    try:
        with act_report.finding() as tell:
            found = find(server, meant, now, details=looks or tie_words.strands(command), tell=tell)
        seen = found.preview.seen
        queue = meant.query.queue if isinstance(meant.query, JobsQuery | FailuresQuery) else None
        if not seen and not found.preview.more and (nowhere := queues_named.nowhere(server, queue, now)):
            return replace(found, nowhere=nowhere)
        warns = seen and (looks or tries or isinstance(command, Move))
        warnings = queues_named.warnings(server, command, seen, now) if warns else ()
        if isinstance(command, Reschedule) and seen and command.due < now - PAST_S:
            warnings = (PAST, *warnings)
        return replace(found, warnings=warnings)
    except KeyboardInterrupt:
        raise consent.Interrupted from None


def _operation(command: Command, meant: Chosen, found: Found, how: How, canary: Canary | None, word: str) -> Operation:
    now, by = time.time(), operator()
    options = command_words.options(command)
    if canary is not None:
        options += f" canary={canary.first} rate={canary.rate:g} stop_above={canary.stop_above:.0%}"
    return Operation(
        id=operation_id(now),
        who=by.who,
        host=by.host,
        at=now,
        command=word or command.WORD,
        options=options.strip(),
        scope=meant.told(found.preview.seen),
        matched=len(found.preview.seen),
        target=mask_url(settings.current().redis_url),
        why=how.reason,
    )


def _carried_out(server: Reader, operation: Operation, command: Command, found: Found, canary: Canary | None) -> Report:
    """Carry it out in a thread, so that ctrl-c lets the batch that is under way end. Raises ServerError, and ClickException, in
    one line, for an error that nobody foresaw."""
    # Where nothing may be changed, this is not imported.
    from console.store.writer import open_writer

    control = Control()
    trial = None if canary is None else Trial(canary, lambda jobs: _states(server, jobs))
    came: list[Report | BaseException] = []
    over = threading.Event()

    def carry(tell: Callable[[Progress], object]) -> None:
        try:
            ours = console_settings.read()
            writer = open_writer(settings.current().redis_url, ours.mask, ours.trash_s)
            try:
                came.append(carry_out(writer, operation, command, found.preview.seen, control, tell, trial=trial))
            finally:
                writer.close()
        except BaseException as error:
            came.append(error)
        finally:
            over.set()

    # Whoever sees the bar can be sure that ctrl-c lets the batch end.
    with _interrupts() as interrupted, act_report.acting(operation.command) as (tell, say):
        thread = threading.Thread(target=carry, args=(tell,), name="carry")
        thread.start()
        while not over.wait(LOOK_S):
            if interrupted and not control.canceled:
                control.cancel()
                say("interrupted: it ends after what is under way")
        thread.join()
    [report] = came
    if isinstance(report, WriteError):
        raise ServerError(str(report)) from None
    if isinstance(report, Exception) and not isinstance(report, click.ClickException | JobsError | OSError):
        from console import crash

        told = crash.note(report, console_settings.read().mask)
        raise click.ClickException(visible(f"{operation.command}: {told}; see what was done before you try again"))
    if isinstance(report, BaseException):
        raise report
    return report


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """The interrupts that have come, as a list that grows: raised as KeyboardInterrupt, one could be lost on its way."""
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        yield came
    finally:
        signal.signal(signal.SIGINT, before)


def _states(server: Reader, jobs: Sequence[bytes]) -> dict[bytes, str]:
    chunks = server.select(NamedQuery(tuple(jobs)), time.time(), lambda: False, details=False)
    return {one.key: one.state for chunk in chunks for one in chunk.seen if isinstance(one, JobSeen)}


def _status(report: Report, meant: Chosen, found: Found) -> int:
    if meant.everything and set(report.ended.counts.skipped) == {"same"}:
        return DONE
    match report.ended.how:
        case "canceled":
            return INTERRUPTED
        case "broken off":
            return UNREACHABLE
        case "done" if report.ended.counts.held and not found.preview.in_way and not found.preview.more:
            return DONE
    return NOT_HELD
