"""The audit of commands that change one thing by themselves, without a preview: schedules, and what was set aside."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from console import settings as console_settings
from console.commands import act_report
from console.commands.server import ServerError
from console.model.bulk import Control, Report, carry_out
from console.model.commands import Command, Seen, outcome
from console.model.masking import mask_url
from console.model.operations import Ended, Operation, counted
from console.model.ports import WriteError
from console.operator import operation_id, operator
from jobs import settings
from jobs.errors import JobsError


class Told:
    """An operation on one thing, and the code of what came of it: done, unless this is called with another."""

    def __init__(self, operation: Operation) -> None:
        self.operation, self.code = operation, "done"

    def __call__(self, code: str) -> None:
        self.code = code

    def document(self, id: str) -> dict[str, Any]:
        """What --json tells of it. `id` is that of the thing."""
        came = outcome(id.encode(), self.code)
        return act_report.document(self.operation.id, counted([came]), [came])


@contextmanager
def noted(word: str, scope: str, why: str = "", options: str = "") -> Iterator[Told]:
    """Note in the audit that `word` is asked for on `scope`, and afterwards what came of it, as what is yielded was told, or as
    what is raised tells. Raises ServerError before anything is done."""
    # Where nothing may be changed, this is not imported.
    from console.store.writer import open_writer

    operation = _operation(word, scope, why, options)
    told = Told(operation)
    try:
        writer = open_writer(settings.current().redis_url, console_settings.read().mask)
        writer.begin(operation)
    except WriteError as error:
        raise ServerError(str(error)) from None
    try:
        yield told
    except JobsError:
        told("invalid")
        raise
    except BaseException:
        told("unknown")
        raise
    finally:
        # Where the server is gone by now, whoever looks finds the operation unfinished.
        with suppress(WriteError):
            writer.end(operation, Ended(time.time(), "done", counted([outcome(b"", told.code)])))
        writer.close()


def carried_out(command: Command, seen: Seen, scope: str, why: str = "") -> Report:
    """Do `command` to one thing as a key of the console does, so that it can be undone. Raises ServerError."""
    # Where nothing may be changed, this is not imported.
    from console.store.writer import open_writer

    ours = console_settings.read()
    try:
        writer = open_writer(settings.current().redis_url, ours.mask, ours.trash_s)
        try:
            asked = _operation(command.WORD, scope, why)
            report = carry_out(writer, asked, command, (seen,), Control(), lambda progress: None)
        finally:
            writer.close()
    except WriteError as error:
        raise ServerError(str(error)) from None
    if report.ended.how != "done":
        raise ServerError(report.ended.said)
    return report


def _operation(word: str, scope: str, why: str, options: str = "") -> Operation:
    now, by = time.time(), operator()
    url = mask_url(settings.current().redis_url)
    return Operation(operation_id(now), by.who, by.host, now, word, options, scope, 1, url, why)
