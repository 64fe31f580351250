"""`tq-console doctor`: every problem that is found, each with its remedy."""

from __future__ import annotations

import time

import click

from console.commands import output
from console.commands.exits import DONE, NOT_HELD
from console.commands.server import one_line_errors, reader
from console.model.counting import counted
from console.model.queries import DoctorQuery
from console.model.status import Problem, problem_as_json
from console.model.why.page import Checkup

SIGNS = {"error": "✗", "warning": "▲"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@one_line_errors
def doctor(as_json: bool) -> int:
    """Every problem of the installation, each with its remedy; exit status 1 if there is any. Reads only."""
    with reader() as server:
        found = server.read(DoctorQuery(), time.time())
    assert isinstance(found, Checkup), "a reader answers what it is asked"
    if as_json:
        problems = [problem_as_json(problem) for problem in found.problems]
        output.document({"as_of": output.utc(found.as_of), "problems": problems})
    else:
        for problem in found.problems:
            _show(problem)
        output.say(counted(len(found.problems), "problem") if found.problems else "no problem was found")
    return NOT_HELD if found.problems else DONE


def _show(problem: Problem) -> None:
    output.say(f"{SIGNS[problem.severity]} {problem.subject}: {problem.message}")
    output.say(f"  → {output.in_context(problem.remedy)}")
    if len(problem.evidence) > 1:
        output.say(f"  {', '.join(problem.evidence)}")
    output.blank()
