"""What the demonstration says: where to look around, and the summary of what happened, for people and for programs."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from console.demo.reading import LAST, SKIPS_READ, EndedRun, Lane, Reading
from console.demo.stage import Stage
from console.demo.story import Outcome
from console.model.counting import counted
from console.model.masking import masked
from console.model.text import visible

MAX_CALL = 36
"""How much of a call is shown."""


def whereabouts(stage: Stage, program: str) -> Iterator[Text]:
    """What a person is told once, a line each: how to look around, what can be pasted, and where data and logs stay. `program`
    is how this program can be called."""
    yield Text("to look around or start another worker, in another terminal, until the demonstration ends:", "dim")
    yield Text(f". {shlex.quote(str(stage.settings))}")
    yield Text(f"{program} status")
    if stage.kept:
        yield _kept(stage.folder, stage.continued)


def report(outcome: Outcome) -> RenderableType:
    """The summary for people."""
    reading = outcome.reading
    attempts = sum(lane.attempts for lane in reading.lanes)
    head = Text.assemble(
        ("tq-console demo", "bold"),
        f"   {_span(outcome.seconds)}   {counted(reading.users, 'user')}   {counted(attempts, 'attempt')}",
    )
    if outcome.kept:
        head.append("\n").append_text(_kept(outcome.kept, outcome.continued))
    facts = _facts(_schedules(reading), *(_site(outcome.site) if outcome.site else ()))
    parts = (head, "", _lanes(reading), "", facts, "", _ended(reading, LAST), "", _problems(outcome))
    return Padding(Group(*parts), (1, 2), expand=False)


def _kept(folder: Path, continued: bool) -> Text:
    where = visible(str(folder))
    return Text(f"{'continues with the data of' if continued else 'keeps its data in'} {where}; logs in {where}/*.log", "dim")


def document(outcome: Outcome) -> dict[str, Any]:
    """The summary for programs (COMMANDS.md, `demo`)."""
    reading = outcome.reading
    return {
        "seconds": round(outcome.seconds, 1),
        "users": reading.users,
        "runs": {lane.name: {"done": lane.done, "failed": lane.failed, "retried": lane.retried} for lane in reading.lanes},
        "attempts": sum(lane.attempts for lane in reading.lanes),
        "schedules": reading.schedules,
        "skipped": dict(reading.skipped),
        "site": dict(outcome.site),
        "problems": [{"code": problem.code, "message": problem.message} for problem in outcome.problems],
    }


def _lanes(reading: Reading) -> Table:
    """What is left in the lanes, and how runs ended there."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("lane")
    for column in ("left", "done", "failed", "retried"):
        table.add_column(column, justify="right")
    for lane in reading.lanes:
        table.add_row(lane.name, str(lane.waiting + lane.running + lane.retrying), *_counts(lane))
    return table


def _counts(lane: Lane) -> tuple[Text, Text, Text]:
    failed = Text(str(lane.failed), "red" if lane.failed else "")
    return Text(str(lane.done), "green" if lane.done else ""), failed, Text(str(lane.retried), "yellow" if lane.retried else "")


def _schedules(reading: Reading) -> tuple[str, Text]:
    # Paused schedules and those of inactive users have their entries too, so this counts what is there, not what will run.
    line = Text(f"{reading.schedules}, {reading.paused} paused")
    line.append(f"   {reading.late} late", "yellow" if reading.late else "dim")
    some = f" of the first {SKIPS_READ:,}" if reading.schedules > SKIPS_READ else ""
    line.append(f"   skipped{some}: {_listed(reading.skipped) or 'none'}", "" if reading.skipped else "dim")
    if reading.set_aside:
        line.append(f"   {reading.set_aside} set aside", "red")
    return "schedules", line


def _site(site: Mapping[str, Any]) -> tuple[tuple[str, Text], ...]:
    hooks = site.get("hooks", {})
    asked = f"{counted(site.get('requests', 0), 'request')}: {_listed(site.get('statuses', {}))}"
    received = counted(hooks.get("received", 0), "delivery", "deliveries")
    sent = f"{received}, {hooks.get('accepted', 0)} accepted, {hooks.get('repeated', 0)} repeated"
    return ("the site", Text(asked)), ("webhooks", Text(sent))


def _facts(*facts: tuple[str, Text]) -> Table:
    """Lines with a label each."""
    table = Table.grid(padding=(0, 3, 0, 0))
    table.add_column(style="dim", min_width=9)
    table.add_column()
    for label, fact in facts:
        table.add_row(label, fact)
    return table


def _ended(reading: Reading, most: int) -> RenderableType:
    """The runs that ended last, `most` of them."""
    if not reading.ended:
        return Text("no run has ended yet", "dim")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    runs = reading.ended[:most]
    calls = [_call(run) for run in runs]
    for width in (max(call.cell_len for call in calls), 7, 7):
        table.add_column(min_width=width, max_width=width, no_wrap=True)
    # When the terminal is narrow it is the last column that gives way, for it alone may wrap; its text does not.
    table.add_column()
    for run, call in zip(runs, calls, strict=True):
        table.add_row(call, Text(run.lane, "dim"), Text(f"{run.duration_s:.2f} s", justify="right"), _told(run))
    return table


def _call(run: EndedRun) -> Text:
    call = Text.assemble(("✓", "green") if run.done else ("✗", "red"), "  ", visible(run.call))
    call.truncate(MAX_CALL, overflow="ellipsis")
    return call


def _told(run: EndedRun) -> Text:
    attempts = counted(run.attempts, "attempt") if run.attempts > 1 else ""
    error = "" if run.done else visible(masked(run.error))
    return Text("  ".join(part for part in (attempts, error) if part), "dim", no_wrap=True, overflow="ellipsis")


def _problems(outcome: Outcome) -> Text:
    if not outcome.problems:
        return Text("no run, entry or schedule is known to be lost", "green")
    return Text("\n").join(Text.assemble(("problem  ", "red"), visible(problem.message)) for problem in outcome.problems)


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} × {count}" for name, count in counts.items())


def _span(seconds: float) -> str:
    """A span of time, short."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
