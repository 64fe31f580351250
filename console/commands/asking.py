"""A question to whoever sits at the terminal, and what counts for an answer."""

from __future__ import annotations

import signal
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, TypeVar

import click

from console.model.text import visible

Answer = TypeVar("Answer")

HEARD_S: Final = 0.2
"""Seconds within which ctrl-c is heard at a question."""


def confirmed(question: str) -> bool:
    """Whether somebody at the terminal says yes. Raises click.Abort on ctrl-c; ask only if `can_ask`."""
    return _asked(lambda: click.confirm(visible(question), err=True))


def typed(question: str, name: str) -> bool:
    """Whether somebody at the terminal types this name. Raises click.Abort on ctrl-c; ask only if `can_ask`."""
    prompt = visible(f"{question} Type {name} to do it")
    return _asked(lambda: str(click.prompt(prompt, default="", show_default=False, err=True))) == name


def _asked(ask: Callable[[], Answer]) -> Answer:
    """What `ask` is answered by somebody who has seen it: what was typed before is no answer to it. Raises click.Abort on
    ctrl-c or the end of the input, after the end of the line."""
    # What is no terminal, or no longer this process's, has nothing to be thrown away.
    with suppress(termios.error):
        termios.tcflush(sys.stdin, termios.TCIFLUSH)
    try:
        with _hearing():
            return ask()
    except click.Abort:
        click.echo(err=True)
        raise


@contextmanager
def _hearing() -> Iterator[None]:
    """Meanwhile reading from the terminal is taken up anew every HEARD_S seconds: Python looks for an interrupt before it reads
    and when its reading is broken off, so one that comes in between is noted, and else heard only after the next line."""
    before = signal.signal(signal.SIGALRM, lambda number, frame: None)
    try:
        signal.setitimer(signal.ITIMER_REAL, HEARD_S, HEARD_S)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def can_ask() -> bool:
    """Whether somebody sits at a terminal and can answer."""
    return sys.stdin.isatty()
