"""`tq-console` alone: the console over the server, or the context, that was asked for."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Final

import click

from console.commands.exits import DONE, NOT_HELD
from console.contexts import Context
from console.model.masking import mask_url
from console.model.ports import Reader, ReadError, Target, Writer
from console.settings import Settings

READY: Final = (
    "console.screens.palette",
    "console.screens.help",
    "console.store.failing",
    "console.store.failure_groups",
    "console.store.queue_names",
    "console.store.search",
)
"""What keys need besides the views: modules that take long to import."""


def open_console(
    url: str,
    chosen: Context | None,
    known: Sequence[Context],
    settings: Settings,
    screen: str,
    expression: str,
    environ: Mapping[str, str],
) -> int:
    """Run the console until it is left, and return the exit status. `environ` is the environment in which the program was
    started: a context whose keys have another prefix is opened by the program anew."""
    # Textual draws on standard error.
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        raise click.UsageError("the console needs a terminal; without one, `tq-console status` prints what it would show")
    # What is made while the program starts stays: looking through it for garbage is a seventh of the start, and later
    # a pause of tens of milliseconds now and then.
    gc.disable()
    # A key goes through four threads on its way to the screen; each would wait 5 ms for one that reads a large server.
    sys.setswitchinterval(0.001)
    from console import crash
    from console.app import Console

    targets = [_target(context, settings) for context in known]
    first = next((target for target in targets if chosen is not None and target.name == chosen.name), None)
    if first is None:
        write = None if settings.read_only else _writes(url, settings)
        first = Target(
            "", mask_url(url), _opens(url, settings, acts=write is not None), read_only=settings.read_only, write=write,
            trash_s=settings.trash_s, mask=tuple(settings.mask),
        )  # fmt: skip
        targets.insert(0, first)
    console = Console(
        targets,
        first,
        settings.refresh_s,
        screen,
        expression,
        settings.theme,
        crashed=partial(crash.note, mask=settings.mask),
        answered=partial(_started, acts=any(target.write is not None for target in targets)),
    )
    elsewhere = console.run()
    if console.fault:
        click.echo(f"tq-console: {console.fault}", err=True)
        return NOT_HELD
    if console.left:
        click.echo(f"tq-console: {console.left}", err=True)
    if elsewhere is not None:
        flags = ["--read-only"] if settings.read_only else []
        program = [sys.argv[0], "--context", elsewhere.name, "--refresh", f"{settings.refresh_s:g}", *flags]
        os.execve(program[0], program, dict(environ))  # noqa: S606
    return DONE


def _started(*, acts: bool) -> None:
    """Collect garbage from here on, and get ready for the first keys, which else wait."""
    gc.freeze()
    gc.enable()
    threading.Thread(target=get_ready, args=(acts,), name="ready", daemon=True).start()


def get_ready(acts: bool) -> None:
    """Import what keys lead to; where something may be changed, what does that first."""
    from console.screens import views

    for module in (*(["console.acting"] if acts else []), *views.modules(), *READY):
        import_module(module)


def _target(context: Context, settings: Settings) -> Target:
    def missing() -> Reader:
        raise ReadError(context.missing)

    only_looks = context.read_only or settings.read_only
    write = None if only_looks or context.missing else _writes(context.url, settings)
    return Target(
        name=context.name,
        url=context.missing or mask_url(context.url),
        connect=missing if context.missing else _opens(context.url, settings, acts=write is not None),
        colour=context.colour,
        read_only=only_looks,
        elsewhere=context.prefix != (os.environ.get("RQ_KEY_PREFIX") or "rq"),
        write=write,
        production=context.production,
        trash_s=settings.trash_s,
        mask=tuple(settings.mask),
    )


def _opens(url: str, settings: Settings, *, acts: bool) -> Callable[[], Reader]:
    def connect() -> Reader:
        # The first read imports redis, on the thread that reads: the screen is there before.
        from console.store.reader import open_reader

        return open_reader(url, settings.mask, acts)

    return connect


def _writes(url: str, settings: Settings) -> Callable[[], Writer]:
    def write() -> Writer:
        from console.store.writer import open_writer

        return open_writer(url, settings.mask, settings.trash_s)

    return write
