"""`tq-console`: the composition root. Every command is imported when it is asked for, so none pays for another."""

from __future__ import annotations

import codecs
import importlib
import io
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from console import contexts, settings
from console.actions import SCREENS
from console.commands.exits import DONE, INTERRUPTED, NOT_HELD, USAGE
from console.contexts import Context
from console.model.text import visible
from console.settings import Settings
from jobs.errors import JobsError

COMMANDS = {
    "activity": "console.commands.activity:activity",
    "bundle": "console.commands.bundle:bundle",
    "cancel": "console.commands.job_acts:cancel",
    "check": "console.commands.check:check",
    "delete": "console.commands.job_acts:delete",
    "demo": "console.commands.demo:demo",
    "doctor": "console.commands.doctor:doctor",
    "empty": "console.commands.job_acts:empty",
    "failures": "console.commands.failures:failures",
    "job": "console.commands.job:job",
    "jobs": "console.commands.jobs:jobs",
    "move": "console.commands.job_acts:move",
    "requeue": "console.commands.job_acts:requeue",
    "reschedule": "console.commands.job_acts:reschedule",
    "resume": "console.commands.worker_acts:resume",
    "retry-now": "console.commands.job_acts:retry_now",
    "run-again": "console.commands.job_acts:run_again",
    "schedules": "console.commands.schedules:schedules",
    "status": "console.commands.status:status",
    "stop": "console.commands.job_acts:stop",
    "suspend": "console.commands.worker_acts:suspend",
    "to-front": "console.commands.job_acts:to_front",
    "undo": "console.commands.undo:undo",
    "users": "console.commands.users:users",
    "why": "console.commands.why:why",
    "worker": "console.commands.worker_acts:worker",
}


class _Commands(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        # Finding a command imports it, and rq with it, which reads its prefix then: the context comes first.
        ctx.obj = _started(ctx.params["context"], ctx.params["refresh"])
        return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        _read_prefix()
        module, _, name = COMMANDS[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tq-console", message="%(prog)s %(version)s")
@click.option("--context", metavar="NAME", help="A server by its name in the file of contexts.")
@click.option("--screen", type=click.Choice(SCREENS), default="overview", help="The screen to begin with.")
@click.option("--filter", "expression", metavar="EXPR", default="", help="A filter to begin with, such as 'user:42 age>1h'.")
@click.option("--read-only", is_flag=True, help="Change nothing, whatever is asked for.")
@click.option("--refresh", metavar="SECONDS", help="Seconds between two refreshes.")
@click.pass_context
def tq_console(
    ctx: click.Context, context: str | None, screen: str, expression: str, read_only: bool, refresh: str | None
) -> int | None:
    """An operations console for RQ, and the per-user job layer that it operates. Without a command: the console itself."""
    asked, known, chosen, environ = ctx.obj
    named = "TQ_READ_ONLY" if asked.read_only else f"context {chosen.name}" if chosen and chosen.read_only else ""
    ctx.meta[settings.READ_ONLY_BY] = "--read-only" if read_only else named
    ctx.meta[settings.PRODUCTION] = chosen.name if chosen and chosen.production else ""
    ctx.meta[settings.CONTEXT] = chosen.name if chosen else ""
    if ctx.invoked_subcommand is not None:
        return None
    from console.commands.open import open_console

    url = os.environ.get("RQ_REDIS_URL") or "redis://localhost:6379/0"
    asked = replace(asked, read_only=asked.read_only or read_only)
    return open_console(url, chosen, known, asked, screen, expression, environ)


Started = tuple[Settings, tuple[Context, ...], Context | None, Mapping[str, str]]


def _started(context: str | None, refresh: str | None) -> Started:
    """The settings, the contexts, the one asked for, which is the environment's from here on, and the environment as it was.
    Raises UsageError, and InvalidSetting for the prefix of keys."""
    environ = dict(os.environ)
    try:
        asked = settings.read()
        known = contexts.read(asked.contexts)
        name = context or asked.context
        chosen = contexts.named(known, name) if name else None
        if refresh is not None:
            asked = replace(asked, refresh_s=settings.refresh("--refresh", refresh))
    except settings.SettingError as error:
        raise click.UsageError(visible(str(error))) from None
    if chosen is not None:
        # Commands, rq and the job layer read these.
        os.environ["RQ_REDIS_URL"], os.environ["RQ_KEY_PREFIX"] = chosen.url, chosen.prefix
    _read_prefix()
    return asked, known, chosen, environ


def _read_prefix() -> None:
    """Let the prefix of keys be read before rq is imported, which refuses a bad one with a bare ValueError. Raises
    InvalidSetting."""
    importlib.import_module("jobs.keys")


def main() -> None:
    """Run `tq-console`: one line for each error on standard error, and the exit status of COMMANDS.md."""
    # rq reads RQ_KEY_PREFIX when it is imported, so `.env` is loaded before any command is.
    # What is wrong in that file, jobs/settings.py tells, with its name and line.
    if (file := Path.cwd() / ".env").exists():
        from dotenv import load_dotenv

        logging.getLogger("dotenv.main").setLevel(logging.ERROR)
        load_dotenv(file, override=False)
    for stream in (sys.stdout, sys.stderr):
        _show_what_it_can(stream)
    sys.exit(run(sys.argv[1:]))


def _show_what_it_can(stream: object) -> None:
    """Let a terminal or file that has no sign for a character be given a question mark, and no command fail by it."""
    if isinstance(stream, io.TextIOWrapper) and codecs.lookup(stream.encoding).name != "utf-8":
        stream.reconfigure(errors="replace")


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit status."""
    try:
        result = tq_console.main(arguments, prog_name="tq-console", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("tq-console: interrupted", err=True)
        return INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help())
        return USAGE
    except click.ClickException as error:
        click.echo(f"tq-console: {error.format_message()}", err=True)
        return USAGE if isinstance(error, click.UsageError) else error.exit_code
    except JobsError as error:
        click.echo(f"tq-console: {visible(str(error))}", err=True)
        return USAGE
    except BrokenPipeError:
        # The reader of our output has left, as `head` does; nothing is left to say to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        click.echo(f"tq-console: {error.filename or 'standard output'}: {error.strerror}", err=True)
        return NOT_HELD
    except Exception as error:
        click.echo(f"tq-console: {_unforeseen(error)}", err=True)
        return NOT_HELD
    return result if isinstance(result, int) else DONE


def _unforeseen(error: Exception) -> str:
    from console import crash

    try:
        mask = settings.read().mask
    except settings.SettingError:
        mask = ()
    return visible(crash.note(error, mask))


if __name__ == "__main__":
    main()
