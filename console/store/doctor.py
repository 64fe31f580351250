"""Every problem of an installation: those that its status shows, and those that cost too much to be looked for each second."""

from __future__ import annotations

from redis import Redis

from console.model import doctor, problems
from console.model.queries import DoctorQuery, OverviewQuery
from console.model.secrets import Secrets
from console.model.why.page import Checkup
from console.store import status
from console.store.facts import installation
from console.store.seen import MAX_QUEUES, Seen
from console.store.steps import Line, alone

EVERYTHING = OverviewQuery(size=MAX_QUEUES)


def read(connection: Redis, query: DoctorQuery, now: float, seen: Seen, secrets: Secrets, url: str | None = None) -> Checkup:
    """The installation's problems at `now` (epoch seconds), in eight round trips, whatever its size.

    Of a large one a sample is examined (facts/installation.py). Writes nothing, and executes nothing that it finds. Raises
    redis' errors of the connection, and InvalidTiers.
    """
    found = status.read(connection, EVERYTHING, now, seen, url)
    line = Line(connection)
    examined = alone(line, installation.read(line, found, now, secrets))
    return Checkup(now, problems.ranked([*found.problems, *doctor.find(examined)]))
