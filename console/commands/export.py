"""`tq-console failures --export`: failures, or those of one group, written to a file."""

from __future__ import annotations

from pathlib import Path

from console import export, settings
from console.commands import output, progress_bar
from console.commands.exits import DONE, NOT_HELD
from console.commands.server import reader
from console.export import Exported
from console.model.queries import FailuresQuery
from console.model.secrets import Secrets


def write(file: Path, query: FailuresQuery) -> int:
    """Write what `query` lists to `file`, tell how far that is, and what came of it; the exit status. Raises ServerError."""
    secrets = Secrets(settings.read().mask)
    with reader() as server, progress_bar.shown("export") as bar:

        def tell(done: Exported) -> None:
            if bar is not None:
                bar.update(bar.task_ids[0], completed=done.read, total=done.of, said=done.said)

        try:
            done = export.write(file, server, [query], secrets=secrets, tell=tell)
        except FileExistsError:
            output.warn(f"{file} is there already, and is left as it is; give another name")
            return NOT_HELD
        except OSError as error:
            output.warn(f"{error.filename or file}: {error.strerror}; nothing of it is left")
            return NOT_HELD
        except export.NotWritten as error:
            output.warn(f"no file was written: {error}")
            return NOT_HELD
    output.say(f"{output.counted(done.written, 'failure')} written to {file}")
    if done.changed:
        output.warn(f"left out what was no failure any more when it was read: {output.counted(done.changed, 'job')}")
    if done.more:
        output.warn(f"not all: {done.more}")
    return NOT_HELD if done.more else DONE
