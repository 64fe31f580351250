"""`tq-console undo`: what an operation took comes back out of the trash."""

from __future__ import annotations

import click

from console.commands.acting import How, act, acts
from console.commands.choosing import Chosen
from console.commands.parameters import text
from console.model.commands import Undo
from console.model.queries import TrashQuery
from console.model.text import visible


@click.command()
@click.argument("operation", metavar="OPERATION", type=text)
@acts
def undo(how: How, operation: str) -> int:
    """Put back what OPERATION, as `activity` names it, took into the trash: as it was, where it was."""
    taken = f"that operation {operation} took"
    none = f"nothing {visible(taken)} is in the trash: it was put back, its time is over, or there is no such operation"
    return act(Undo(operation), Chosen(f"thing {taken}", f"things {taken}", TrashQuery(operation), none=none), how)
