"""What the lists of jobs say of rows that have gone on since they were found."""

from __future__ import annotations

import pytest

from console.screens import job_columns
from tests.console.fakes import NOW, job


@pytest.mark.parametrize(
    ("state", "said"), [("retrying", "in 10 min"), ("queued", "—"), ("failed", "—"), ("finished", "—"), ("canceled", "—")]
)
def test_only_what_will_be_tried_again_has_a_next_try(state: str, said: str) -> None:
    [column] = [one for one in job_columns.of_state("retrying", False, True) if one.title == "NEXT TRY"]
    cell = column.cell(job(1, state, at=NOW + 600), NOW)
    assert (cell if isinstance(cell, str) else cell[0]) == said
