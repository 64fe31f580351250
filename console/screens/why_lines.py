"""Why a job is not running as lines of its page: each cause, and the way out."""

from __future__ import annotations

from typing import Final

from console.actions import BY_ID, shown
from console.model.job import JobDetail
from console.model.why.reasons import Reason, Weight
from console.screens.facts import BLANK, LABEL, labelled, prose
from console.widgets.lines import Row
from console.widgets.pieces import Piece

SIGNS: Final[dict[Weight, Piece]] = {"bad": ("✗ ", "bad"), "wait": ("… ", "warn"), "well": ("✓ ", "good")}
TOLD: Final = ("running", "finished")
"""Reasons that the job's state tells already."""


def why(job: JobDetail, cells: int) -> list[Row]:
    """The reasons, the most decisive first, each with its remedy and the key that does it; nothing where the state says it."""
    rows: list[Row] = []
    for reason in job.why:
        if reason.code not in TOLD:
            rows += _reason(reason, cells)
    return [*labelled("why", rows), BLANK] if rows else []


def _reason(reason: Reason, cells: int) -> list[Row]:
    sign, tone = SIGNS[reason.weight]
    rows = prose([(sign + reason.message, tone if reason.weight == "bad" else "")], cells, LABEL)
    key = f" ({shown(BY_ID[reason.action].keys[0])})" if reason.action else ""
    if reason.remedy or key:
        rows += prose([(f"  → {reason.remedy or BY_ID[reason.action].label}{key}", "dim")], cells, LABEL)
    return rows
