"""What a thread says of an error that ended what it did."""

from __future__ import annotations

from console.model.ports import ReadError, WriteError


def said(error: Exception, doing: str, advice: str = "press F5 to try again") -> str:
    """A ReadError or WriteError in its own words. Of an error that nobody foresaw its class, and where: its text may hold a
    secret."""
    if isinstance(error, ReadError | WriteError):
        return str(error)
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f" in {frame.tb_frame.f_code.co_qualname}" if frame is not None else ""
    return f"{doing} failed: {type(error).__name__}{where}; {advice}"
