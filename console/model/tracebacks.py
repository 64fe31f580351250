"""The words of a traceback that say what went wrong."""

from __future__ import annotations

import re
from typing import Final

HEAD: Final = re.compile(r"^(?P<margin>  \+ Exception Group )?Traceback \(most recent call last\):$", re.MULTILINE)
RAISED: Final = re.compile(r"^\S.*", re.MULTILINE)
RAISED_GROUP: Final = re.compile(r"^  \| (?P<line>\S.*)", re.MULTILINE)


def final_words(traceback: str) -> str:
    """final_line and what follows it, the other lines of the message. Of a group of exceptions, which follow it, the line."""
    line = final_line(traceback)
    if not line:
        return ""
    before, _, rest = traceback.rpartition(line)
    return line if before.endswith("  | ") else (line + rest).rstrip()


def final_line(traceback: str) -> str:
    """The line with the exception that was raised last, of a chain the one that nobody caught; the first line of its message.

    What is no traceback of Python's, as RQ writes it for a killed work-horse or a lost worker, gives its last line that is not
    empty.
    """
    head = next(reversed(list(HEAD.finditer(traceback))), None)
    if head is not None:
        # Frames, their code and carets are indented. What comes first without that is the exception; the rest of its message,
        # and its notes, follow.
        raised = (RAISED_GROUP if head["margin"] else RAISED).search(traceback, head.end())
        if raised is not None:
            return (raised["line"] if head["margin"] else raised[0]).rstrip()
    return traceback.rstrip().rpartition("\n")[2].strip()
