"""What a dialog tells of that which something is about to be done to."""

from __future__ import annotations

from datetime import UTC

from console.model.commands import Change
from console.model.meant import Meant
from console.model.schedules import SlotsPage
from console.model.selection import Glance
from console.screens.dialogs import confirm_lines
from console.screens.dialogs.confirm_lines import Around


def test_the_next_five_slots_are_told_as_they_are_and_as_they_would_be() -> None:
    noon = 1_772_366_400.0
    hourly, half_hourly = (tuple(noon + n * seconds for n in range(1, 8)) for seconds in (3_600, 1_800))
    slots = SlotsPage(noon, b"ada:ok", hourly, half_hourly)
    glance, meant = Glance(1, 1, 1, {}, (), True), Meant("schedule", "ada", count=1)
    rows = confirm_lines.lines(Change(every=1_800), meant, glance, slots, "", Around(UTC))
    text = " ".join(piece for row in rows for piece, _ in row.line)
    now, _, then = text.partition("next now")[2].partition("then")
    assert now.replace("·", "").split() == ["13:00:00", "14:00:00", "15:00:00", "16:00:00", "17:00:00", "UTC"]
    assert then.replace("·", "").split() == ["12:30:00", "13:00:00", "13:30:00", "14:00:00", "14:30:00", "UTC"]


def test_the_slots_of_one_of_several_schedules_are_told_as_its() -> None:
    slots = SlotsPage(0.0, b"ada:ok", (60.0,), (30.0,), user="ada", task="scrape")
    change, meant = Change(every=30), Meant("schedule", "2 schedules", count=2)

    def told(count: int) -> str:
        rows = confirm_lines.lines(change, meant, Glance(2, 2, count, {}, (), True), slots, "", Around(UTC))
        return "\n".join("".join(piece for piece, _ in row.line) for row in rows)

    assert "slots of the first of them, ada scrape:\n" in told(2)
    assert "the first of them" not in told(1)
