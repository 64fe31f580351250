"""The one line of a traceback that says what went wrong."""

from __future__ import annotations

from typing import Final

HEAD: Final = "Traceback (most recent call last):"
GROUP_HEAD: Final = "  + Exception Group Traceback (most recent call last):"
GROUP_MARGIN: Final = "  | "


def final_line(traceback: str) -> str:
    """The line with the exception that was raised last, of a chain the one that nobody caught; the first line of its message.

    What is no traceback of Python's, as RQ writes it for a killed work-horse or a lost worker, gives its last line that is not
    empty.
    """
    lines = traceback.splitlines()
    after = max((at for at, line in enumerate(lines) if line in (HEAD, GROUP_HEAD)), default=None)
    if after is not None:
        margin = GROUP_MARGIN if lines[after] == GROUP_HEAD else ""
        # Frames, their code and carets are indented; what comes first without that is the exception, then notes and the rest
        # of its message.
        for line in lines[after + 1 :]:
            if line.startswith(margin) and (told := line.removeprefix(margin)) and not told[0].isspace():
                return told.rstrip()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
