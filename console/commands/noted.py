"""The audit of commands that change one thing by themselves, without a preview: schedules, and what was set aside."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from console import settings as console_settings
from console.commands.server import ServerError
from console.model.commands import outcome
from console.model.masking import mask_url
from console.model.operations import Ended, Operation, counted
from console.model.ports import WriteError
from console.operator import operation_id, operator
from jobs import settings
from jobs.errors import JobsError


@contextmanager
def noted(word: str, scope: str, why: str = "", options: str = "") -> Iterator[Callable[[str], None]]:
    """Note in the audit that `word` is asked for on `scope`, and afterwards what came of it: done, unless what is yielded is
    called with the code of another reason, or something is raised. Raises ServerError before anything is done."""
    # Where nothing may be changed, this is not imported.
    from console.store.writer import open_writer

    now, by, url = time.time(), operator(), settings.current().redis_url
    operation = Operation(operation_id(now), by.who, by.host, now, word, options, scope, 1, mask_url(url), why)
    codes = ["done"]
    try:
        writer = open_writer(url, console_settings.read().mask)
        writer.begin(operation)
    except WriteError as error:
        raise ServerError(str(error)) from None
    try:
        yield codes.append
    except JobsError:
        codes.append("invalid")
        raise
    except BaseException:
        codes.append("unknown")
        raise
    finally:
        # Where the server is gone by now, whoever looks finds the operation unfinished.
        with suppress(WriteError):
            writer.end(operation, Ended(time.time(), "done", counted([outcome(b"", codes[-1])])))
        writer.close()
