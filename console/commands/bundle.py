"""`tq-console bundle`: what explains a job, a group of failures, a queue or a user, in a folder that can be given to others."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from console import bundle as bundles
from console import settings
from console.commands import output
from console.commands.exits import DONE, NOT_HELD
from console.commands.parameters import fingerprint, name, text
from console.commands.server import one_line_errors, reader
from console.model.incident import Subject
from console.model.secrets import Secrets


@click.command()
@click.argument("job", required=False, metavar="[JOB]", type=name)
@click.option("--group", metavar="FP", type=fingerprint, help="A group of failures instead, as `failures` shows it.")
@click.option("--queue", metavar="Q", type=name, help="A queue instead of a job.")
@click.option("--user", metavar="USER", type=text, help="A user instead of a job.")
@click.option("--to", "parent", metavar="DIR", default=".", help="Where the folder is made; here by default.")
@one_line_errors
def bundle(job: bytes | None, group: str | None, queue: bytes | None, user: str | None, parent: str) -> int:
    """Write incident.md and incident.json of a job, a group of failures, a queue or a user to a new folder: what it is, why it
    does not run, its queue and workers, its last attempts, and what was done around it. Secrets are masked."""
    subject = _subject(job, group, queue, user)
    with reader() as server:
        incident = bundles.gather(server, subject, time.time())
    if incident.missing:
        output.warn(incident.missing)
        return NOT_HELD
    output.say(str(bundles.write(Path(parent), incident, Secrets(settings.read().mask))))
    return DONE


def _subject(job: bytes | None, group: str | None, queue: bytes | None, user: str | None) -> Subject:
    if sum(one is not None for one in (job, group, queue, user)) != 1:
        raise click.UsageError("name one thing: a job's id, --group FP, --queue Q, or --user USER")
    if job is not None:
        return Subject("job", job)
    if group is not None:
        return Subject("group", group.encode())
    if queue is not None:
        return Subject("queue", queue)
    return Subject("user", os.fsencode(user or ""))
