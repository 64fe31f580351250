"""What strangers left in Redis to steer a terminal, to execute and to grow: the program shows it, and nothing of it acts."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from redis import Redis

from console.cli import run
from console.model.queries import JOB_STATES, SOURCES
from console.model.text import visible
from tests.conftest import BIN, Server, until
from tests.console.terminal import Terminal, on_a_terminal
from tests.hostile import EVIL, MARKERS, QUEUE, USER, WORKER, Hostile, build

CONSOLE = [str(BIN / "tq-console")]
SIZE = (132, 36)

MOST_MEMORY: Final = 250 << 20
"""Bytes that the process may take at its peak, in front of 280 MB of values of which each could be shown."""

FORMS: Final = re.compile(
    rb"\x1b\[[0-9;:]*m"  # colours
    rb"|\x1b\[\d+;\d+H|\x1b\[\d*[ABCDGJK]"  # moves of the cursor
    rb"|\x1b\[\?[0-9;]+[hl]|\x1b\[\?[0-9]+\$p"  # private modes: set, reset, asked for
    rb"|\x1b\[[<>][0-9]*u"  # the keyboard's protocol
    rb"|\x1b\]22;[a-z-]+\x07"  # the shape of the pointer
    rb"|\x1b\]52;c;(?P<copied>[A-Za-z0-9+/=]+)\x07"  # the clipboard
)
"""Every form of sequence that Textual sends."""


@pytest.fixture(scope="module")
def hostile(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    with Redis.from_url(server.url) as redis:
        redis.flushall()
        yield build(redis, tmp_path_factory.mktemp("hostile") / "canary")
        redis.flushall()


def head(text: str) -> str:
    """How a hostile text begins where it is shown."""
    return visible(text)[:12]


def check_sent(terminal: Terminal) -> list[str]:
    """That all that was sent is text and Textual's own sequences; returns what was copied."""
    sent = terminal.sent
    for marker in MARKERS:
        assert marker not in sent, marker
    copied = [base64.b64decode(found["copied"]).decode() for found in FORMS.finditer(sent) if found["copied"]]
    rest = FORMS.sub(b"", sent).decode()
    odd = {character for character in rest if not (character.isprintable() or character in "\r\n")}
    assert odd == set(), [rest[max(0, rest.index(one) - 40) : rest.index(one) + 40] for one in odd]
    return copied


def settled(terminal: Terminal, *texts: str) -> None:
    """Wait until these are on screen and nothing is being read."""
    terminal.shows(*texts)
    until(lambda: terminal.read(0.02) or "Reading …" not in terminal.text, what=terminal.text)


def peak(terminal: Terminal) -> int:
    """Bytes that the process has taken at its peak."""
    status = Path(f"/proc/{terminal.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) << 10


def look_at_lists(terminal: Terminal) -> None:
    settled(terminal, head(QUEUE), "5 queues")
    terminal.press("G", "y")
    terminal.shows("copied")
    terminal.press("2")
    for state in JOB_STATES:
        settled(terminal, f"[{state}", "every queue")
        terminal.press("tab")
    settled(terminal, "[queued", "37 jobs")
    terminal.press("/", "TQ-MARKUP -id:huge", "\r")
    settled(terminal, "searched", "/ TQ-MARKUP -id:huge")
    terminal.press(" ", " ", "y")
    settled(terminal, "2 marked")
    terminal.press("s")
    settled(terminal, "reversed", "searched", "2 marked")
    terminal.press("-", "backspace")
    settled(terminal, "37 jobs")
    terminal.press("3")
    settled(terminal, "36 failures", "PTQ-DCS")
    terminal.press("y", "/", "error:ANSI", "\r")
    settled(terminal, "searched")
    terminal.press("backspace")
    settled(terminal, "36 failures")
    terminal.press("tab")
    settled(terminal, "[in groups]", "grouped 36 of 36")
    terminal.press("y", "G", "y", "enter")
    settled(terminal, "of the group", "searched")
    terminal.press("5")
    settled(terminal, "3 workers", head(WORKER))
    terminal.press("G", "y", "6")
    terminal.shows("on its own 3")


def look_at_schedules(terminal: Terminal) -> None:
    terminal.press("4")
    settled(terminal, "[user schedules 3]")
    for title in ("rq-scheduler entries 7", "RQ scheduled jobs 39", "rq cron jobs 4", "user schedules 3"):
        terminal.press("tab")
        settled(terminal, f"[{title}]")
        terminal.press("y", "/", "TQ-ANSI", "\r")
        settled(terminal, "/ TQ-ANSI", "searched")
        terminal.press("backspace")
    settled(terminal, "3 schedules")
    terminal.press("G", "enter")
    settled(terminal, f"user {head(USER)}", "scrape")
    terminal.press("f", "G", "y")
    terminal.shows("copied")


def look_at_jobs(terminal: Terminal, names: list[str]) -> None:
    terminal.press(":", "queue q")
    terminal.shows(f"  {head(QUEUE)}", "go to queue q")
    terminal.press("down", "enter")
    settled(terminal, "No queued jobs in this queue.")
    terminal.press("1")
    settled(terminal, f"▸ {head(QUEUE)}")
    terminal.press("enter")
    settled(terminal, "19 jobs", "[queued 19]")
    for name in names:
        terminal.press("enter")
        settled(terminal, f"job {name} ␛", "line 1 of")
        terminal.press("f", "G", "y", "g", "escape")
        settled(terminal, "19 jobs")
        terminal.press("j")
    for name in ("a list for a hash", "a text for a list"):
        terminal.press(":", f"job {name}")
        terminal.shows(f"go to job {name}")
        terminal.press("enter")
        until(lambda: terminal.read(0.02) or "go to job" not in terminal.text)
        settled(terminal, f"job {name}", "line 1 of")


def paste(terminal: Terminal) -> None:
    """Paste such a text where one can write; terminals take the escapes out of what they pass on, and nothing else."""
    text = EVIL.replace("\x1b", "")
    pasted, shown = f"\x1b[200~{text}\x1b[201~", visible(text)[:20]
    terminal.press("2")
    settled(terminal, "[queued", "jobs")
    terminal.press("/", '"', pasted, '"')
    terminal.shows('TQ-CLICK[/]"')
    terminal.press("\r")
    settled(terminal, "none matches", f'/ "{shown}')
    terminal.press("backspace", ":", "job x", pasted)
    terminal.shows(f" x{shown}")
    terminal.press("enter")
    settled(terminal, f"job x{shown}", "line 1 of")


def test_nothing_that_was_written_to_redis_acts_on_the_terminal(hostile: Hostile, tmp_path: Path) -> None:
    names = [name for name, job in hostile.jobs.items() if EVIL.encode() in job]
    with on_a_terminal(CONSOLE, tmp_path, SIZE) as terminal:
        look_at_lists(terminal)
        look_at_schedules(terminal)
        look_at_jobs(terminal, names)
        paste(terminal)
        terminal.press("?")
        terminal.shows("Move")
        terminal.press("escape")
        until(lambda: terminal.read(0.02) or "Move" not in terminal.text)
        took = peak(terminal)
        terminal.press("q")
        assert terminal.ends() == 0
        assert terminal.is_clean()
    copied = check_sent(terminal)
    print(f"peak {took / (1 << 20):.0f} MiB, {len(terminal.sent):,} bytes sent, {len(copied)} copied")
    assert len(copied) > len(names)
    assert all(line.isprintable() for text in copied for line in text.split("\n"))
    assert took < MOST_MEMORY
    assert not hostile.executed


def commands(hostile: Hostile) -> list[list[str]]:
    """Every command that prints something of it."""
    ids = [job.decode() for job in hostile.jobs.values()]
    return [
        ["status"],
        *(["jobs", "--state", state, "--limit", "200"] for state in JOB_STATES),
        ["jobs", "--queue", QUEUE],
        ["jobs", "--filter", "TQ-ANSI"],
        *(["job", job] for job in ids),
        *(["schedules", "list", "--source", source] for source in SOURCES),
        ["schedules", "list", "--filter", "TQ-ANSI"],
        ["schedules", "list", "--user", USER],
        ["schedules", "runs", USER, "scrape"],
        ["schedules", "quarantined"],
        ["users", "list"],
        ["users", "show", USER],
    ]


@pytest.mark.parametrize("json_asked", [False, True])
def test_commands_print_nothing_that_acts(hostile: Hostile, capfd: pytest.CaptureFixture[str], json_asked: bool) -> None:
    for arguments in commands(hostile):
        status = run([*arguments, "--json"] if json_asked else arguments)
        out, err = capfd.readouterr()
        assert status == (1 if arguments[-1] == "a list for a hash" else 0), (arguments, err)
        assert {letter for letter in out + err if not letter.isprintable()} <= {"\n"}, arguments
        assert out or err, arguments
        if json_asked and status == 0:
            json.loads(out)
    assert not hostile.executed
