"""What the demonstration shows: the picture of a reading, and the summary of what happened, for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from console.demo.reading import SKIPS_READ, EndedRun, Lane, Reading
from console.demo.story import Outcome
from console.model.masking import masked
from console.model.text import visible

MAX_CALL = 36
"""How much of a call is shown."""

STILL = 3.0
"""Seconds after which a scheduler that looks once a second is shown to be silent."""


def live(reading: Reading, seconds: float, url: str, workers: int) -> RenderableType:
    """The picture of one reading, `seconds` after the start."""
    head = Text.assemble(
        ("tq-console demo", "bold"), f"   {_span(seconds)}   {reading.users} users   {workers} workers   ", _scheduler(reading)
    )
    hint = Text.assemble(
        ("look around   ", "dim"),
        f"RQ_REDIS_URL={url} tq-console status",
        ("\nctrl-c        ", "dim"),
        ("ends all of it", "dim"),
    )
    return Padding(
        Group(head, "", _lanes(reading, now=True), "", _facts(_schedules(reading)), "", _ended(reading), "", hint),
        (1, 2),
        expand=False,
    )


def report(outcome: Outcome) -> RenderableType:
    """The summary for people."""
    reading = outcome.reading
    head = Text.assemble(
        ("tq-console demo", "bold"),
        f"   {_span(outcome.seconds)}   {reading.users} users   {sum(lane.attempts for lane in reading.lanes)} attempts",
    )
    facts = _facts(_schedules(reading), *(_site(outcome.site) if outcome.site else ()))
    parts = (head, "", _lanes(reading, now=False), "", facts, "", _ended(reading), "", _problems(outcome))
    return Padding(Group(*parts), (1, 2), expand=False)


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


def _lanes(reading: Reading, *, now: bool) -> Table:
    columns = ("waiting", "oldest", "running", "retrying") if now else ("left",)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("lane")
    for column in (*columns, "done", "failed", "retried"):
        table.add_column(column, justify="right")
    for lane in reading.lanes:
        table.add_row(
            lane.name, *(_state(lane) if now else (str(lane.waiting + lane.running + lane.retrying),)), *_counts(lane)
        )
    return table


def _state(lane: Lane) -> tuple[str, str, str, str]:
    oldest = "–" if lane.oldest_s is None else _span(lane.oldest_s)
    return str(lane.waiting), oldest, str(lane.running), str(lane.retrying)


def _counts(lane: Lane) -> tuple[Text, Text, Text]:
    failed = Text(str(lane.failed), "red" if lane.failed else "")
    return Text(str(lane.done), "green" if lane.done else ""), failed, Text(str(lane.retried), "yellow" if lane.retried else "")


def _schedules(reading: Reading) -> tuple[str, Text]:
    line = Text(f"{reading.armed} of {reading.schedules} armed")
    line.append(f"   {reading.late} late", "yellow" if reading.late else "dim")
    line.append(f"   {reading.paused} paused", "" if reading.paused else "dim")
    some = f" of the first {SKIPS_READ:,}" if reading.schedules > SKIPS_READ else ""
    line.append(f"   skipped{some}: {_listed(reading.skipped) or 'none'}", "" if reading.skipped else "dim")
    if reading.set_aside:
        line.append(f"   {reading.set_aside} set aside", "red")
    return "schedules", line


def _scheduler(reading: Reading) -> tuple[str, str]:
    if reading.beat_at is None:
        return "rqscheduler begins", "dim"
    silent = reading.at - reading.beat_at
    return (f"rqscheduler silent for {_span(silent)}", "yellow") if silent > STILL else ("rqscheduler looks every second", "")


def _site(site: Mapping[str, Any]) -> tuple[tuple[str, Text], ...]:
    hooks = site.get("hooks", {})
    asked = f"{site.get('requests', 0)} requests: {_listed(site.get('statuses', {}))}"
    sent = f"{hooks.get('received', 0)} deliveries, {hooks.get('accepted', 0)} accepted, {hooks.get('repeated', 0)} repeated"
    return ("the site", Text(asked)), ("webhooks", Text(sent))


def _facts(*facts: tuple[str, Text]) -> Table:
    """Lines with a label each."""
    table = Table.grid(padding=(0, 3, 0, 0))
    table.add_column(style="dim", min_width=9)
    table.add_column()
    for label, fact in facts:
        table.add_row(label, fact)
    return table


def _ended(reading: Reading) -> RenderableType:
    if not reading.ended:
        return Text("no run has ended yet", "dim")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    calls = [_call(run) for run in reading.ended]
    for width in (max(call.cell_len for call in calls), 7, 7):
        table.add_column(min_width=width, max_width=width, no_wrap=True)
    # When the terminal is narrow it is the last column that gives way, for it alone may wrap; its text does not.
    table.add_column()
    for run, call in zip(reading.ended, calls, strict=True):
        table.add_row(call, Text(run.lane, "dim"), Text(f"{run.duration_s:.2f} s", justify="right"), _told(run))
    return table


def _call(run: EndedRun) -> Text:
    call = Text.assemble(("✓", "green") if run.done else ("✗", "red"), "  ", visible(run.call))
    call.truncate(MAX_CALL, overflow="ellipsis")
    return call


def _told(run: EndedRun) -> Text:
    attempts = f"{run.attempts} attempts" if run.attempts > 1 else ""
    error = "" if run.done else visible(masked(run.error))
    return Text("  ".join(part for part in (attempts, error) if part), "dim", no_wrap=True, overflow="ellipsis")


def _problems(outcome: Outcome) -> Text:
    if not outcome.problems:
        return Text("no problems", "green")
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
