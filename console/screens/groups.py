"""Failures in groups of one kind: what two thousand failures really are, the largest group first."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Final, Protocol, cast

from textual.app import ComposeResult

from console.actions import Action
from console.model import job_terms
from console.model.failure_groups import Group, Groups
from console.model.filters import Filter, Kind
from console.model.incident import Subject
from console.model.meant import Meant
from console.model.pages import JobsPage
from console.model.ports import Snapshot
from console.model.queries import FailuresQuery, GroupsQuery, JobQuery, ViewQuery, same_list
from console.model.text import decoded
from console.screens import chrome, group_columns, group_lines, meaning
from console.screens.place import Place
from console.screens.tabled import Tabled
from console.screens.view import Asks, Searches
from console.widgets.columns import Column
from console.widgets.lines import Line, Page, Row
from console.widgets.pieces import Piece

EVERY_S: Final = 5.0
"""Seconds from one grouping to the next, which reads what has come and gone. Under a filter all is read again: at a key."""

ROOMY: Final = 26
"""Lines of the view from on which all that is known of the group under the cursor stands beneath the table."""

LITTLE: Final = 14
"""Lines from on which a part of that does."""

ON_A_GROUP: Final = ("open", "sample", "requeue", "delete", "export", "bundle")
"""The actions whose keys stand beneath what is told of a group."""


class Offering(Protocol):
    """What the panel needs of the app."""

    def offered(self) -> Sequence[Action]:
        """The actions that are there at present."""


class GroupsView(Tabled):
    """The groups of one queue's failures, or of all, read in the background. `asked` is the list of these failures, whose
    newest are read meanwhile: they tell whether the server answers."""

    ONE = "group"
    FIELDS: ClassVar[Mapping[str, Kind]] = job_terms.FIELDS

    DEFAULT_CSS = f"""
    GroupsView #known {{ height: {group_lines.LINES}; background: $surface; }}
    GroupsView .away {{ display: none; }}
    """

    asked: FailuresQuery

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        self._groups: Groups | None = None
        self._owned = True
        self._reason = ""
        self._reading = False
        self._known_height = group_lines.LINES
        self._seen_at: float | None = None
        self._begun_at: float | None = None

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield Line(id="cause")
        yield Page(id="known", cursor=False)
        yield Line(id="ways")

    def key(self, row: Group) -> bytes:
        """Its fingerprint."""
        return row.fingerprint.encode()

    def columns(self) -> Sequence[Column[Group]]:
        """As many as fit."""
        return group_columns.COLUMNS if self._owned else group_columns.OF_NOBODY

    def parsed(self, expression: str) -> Filter:
        """The filter of an expression, whose `state:` is the name of one."""
        return job_terms.parsed(expression)

    def open(self, place: Place) -> None:
        """Group the failures that the place names; what was grouped before stands until then."""
        before = getattr(self, "asked", None)
        assert isinstance(place.query, FailuresQuery)
        self.asked, self.said = place.query, place.filter
        if before is None or not same_list(before, self.asked):
            self._groups = None
        self.table.clear(place.cursor_key, place.cursor, place.marks, place.all_marked)
        self.table.set_columns(self.columns())
        self._seen_at = None
        self._begin()
        self.post_message(Asks(self._newest()))

    @property
    def as_of(self) -> float | None:
        """When the grouping that is shown began."""
        return None if self._groups is None else self._groups.as_of

    def filter_with(self, filter: Filter) -> None:
        """`queue:` chooses the queue; of the rest, what matches is grouped."""
        named, _ = job_terms.queue_of(self.said)
        queue, rest = job_terms.queue_of(filter)
        kept = self.asked.queue if named is None else None
        self.said = filter
        self._change(replace(self.asked, queue=queue or kept, filter=rest))

    def widen(self) -> None:
        """The failures of every queue."""
        self._change(replace(self.asked, queue=None))

    def show(self, query: ViewQuery, snapshot: Snapshot) -> None:
        """The server answers: group again, when it is time."""
        assert isinstance(snapshot, JobsPage)
        self._seen_at = snapshot.as_of
        if self._begun_at is None:
            self._begun_at = snapshot.as_of
        elif not self._reading and not self.asked.filter and snapshot.as_of - self._begun_at >= EVERY_S:
            self._begin()

    def fail(self, reason: str) -> None:
        """Say why, where nothing is shown yet."""
        if self._groups is None:
            self.table.notice = ((("The server did not answer.", "bad"),), ((reason, ""),), (("It is tried again.", "dim"),))
            self.table.refresh()

    def grouped(self, groups: Groups | None, reason: str) -> None:
        """Show how far the grouping is; what was grouped stays where it fails."""
        self._reason = reason
        self._reading = groups is not None and not groups.done
        self._groups = groups or self._groups
        self.draw()

    def draw(self) -> None:
        """Draw what was grouped last."""
        table, groups = self.table, self._groups
        if groups is not None:
            owned = not groups.groups or any(one.users or one.tiers for one in groups.groups)
            if owned != self._owned:
                self._owned = owned
                table.set_columns(self.columns())
            table.notice = () if groups.groups else self.empty()
            table.show(groups.groups, 0, len(groups.groups), groups.as_of)
        else:
            table.notice = ((("The grouping ended.", "bad"),), ((self._reason, ""),)) if self._reason else _BEGUN
            table.refresh()
        self.tell()

    def tell(self) -> None:
        """Explain the group under the cursor, too."""
        super().tell()
        self._explain()

    def on_resize(self) -> None:
        """Explain it where there is room, in lines that fit."""
        self._explain()

    def empty(self) -> Sequence[tuple[Piece, ...]]:
        """Good news, or a filter that nothing matches."""
        groups = self._groups
        if groups is not None and groups.refused:
            return tuple((("▲ ", "warn"), (f"{one.what}: {one.reason}", "")) for one in groups.refused)
        if groups is not None and (not groups.done or groups.more):
            return _BEGUN if self._reading else (((groups.more, "warn"),),)
        if self.asked.filter:
            return ((("No failure matches.", ""),), (("backspace takes the filter off, / changes it", "dim"),))
        return ((("Nothing has failed.", "good"),), (("Failures of one kind are one group here.", "dim"),))

    def strip(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """Both ways to see failures, what was not read, and of which queue they are."""
        queue, groups = self.asked.queue, self._groups
        right: list[Piece] = [(f"▲ {self._reason}  ", "warn")] if self._reason and groups is not None else []
        if groups is not None:
            right += [(f"{groups.more}  ", "warn")] if groups.more else []
            right += [(f"▲ not read: {one.what}  ", "warn") for one in groups.refused[:1]]
        where = "every queue" if queue is None else decoded(queue)
        return [(" failed and stopped: ", "dim"), (" newest first  ", ""), ("[in groups]", "accent")], [
            *right,
            (f"{where} ", "strong"),
        ]

    def summary(self) -> Sequence[Piece]:
        """How much was read of how much, always, and how many groups there are."""
        groups = self._groups
        if groups is None:
            return [("grouping …", "accent")]
        how = "sampled" if groups.sampled else "searched" if groups.searched else "grouped"
        read = f"{how} {groups.read:,} of {groups.of:,}"
        return [(read, "warn" if groups.sampled or groups.more else "accent"), (" · ", "dim"), *super().summary()]

    def place_of(self, row: Group) -> Place:
        """Enter lists the failures of the group."""
        return Place("failures", replace(self.asked, group=row.fingerprint), filter=self.said)

    def do_sample(self) -> Place | None:
        """The failure of the group that came last."""
        row: Group | None = self.table.row()
        return Place("job", JobQuery(row.sample)) if row is not None and row.sample else None

    def subject(self) -> Subject | None:
        """The group under the cursor."""
        row: Group | None = self.table.row()
        return None if row is None else Subject("group", row.fingerprint.encode())

    @property
    def standing(self) -> str:
        """Failed; a stopped job may be done the same to."""
        return "failed"

    def meant(self, action: str) -> Meant | None:
        """All failures of the marked groups, of the one under the cursor, or of all that are listed."""
        if self.table.all_marked:
            return meaning.jobs(self.asked, None, self.said)
        return meaning.groups(self.asked, [key.decode() for key in self.named()], self.said)

    def acted(self, keys: Collection[bytes]) -> None:
        """Something was done to jobs: group what is left."""
        self.table.clear_marks()
        self._begin()

    def do_refresh(self) -> bool:
        """Group again at once."""
        self._begin()
        return True

    def do_next_list(self) -> Place:
        """The same failures by time."""
        return Place("failures", self.asked, filter=self.said)

    def do_previous_list(self) -> Place:
        """The same failures by time."""
        return self.do_next_list()

    # --- inside ---------------------------------------------------------------------------------

    def _newest(self) -> FailuresQuery:
        """The one that failed last: none of them is shown, and with a whole page the first groups would come later."""
        return replace(self.asked, start=0, size=1)

    def _explain(self) -> None:
        """What is known of the group under the cursor, beneath the table where there is room. That is kept free from the
        beginning: a table that grows smaller as soon as it has rows would be drawn twice."""
        if not self.size.height:
            return
        row: Group | None = self.table.row()
        groups = self._groups
        roomy, little = self.size.height >= ROOMY, self.size.height >= LITTLE
        cause, page, ways = self.query_one("#cause", Line), self.query_one("#known", Page), self.query_one("#ways", Line)
        for one in (cause, page, ways):
            one.set_class(not (roomy if groups is None else little and row is not None), "away")
        title: tuple[Sequence[Piece], Sequence[Piece]] = ((), ())
        known: Sequence[Row] = ()
        if row is not None and groups is not None:
            width = self.size.width
            title = group_lines.title(row, groups.sampled)
            known = group_lines.lines(row, width, groups.as_of, self.zone) if roomy else group_lines.brief(row, width)
        height = group_lines.LINES if roomy else len(known)
        if height != self._known_height:
            page.styles.height = self._known_height = height
        cause.say(*title)
        page.show(known)
        ways.say(*(self._ways() if known else ((), (), {})))

    def _ways(self) -> tuple[list[Piece], list[Piece], dict[int, str]]:
        """What can be done, by which keys, and to what."""
        offered = {action.id: action for action in cast(Offering, self.app).offered()}
        line: list[Piece] = [(" ", "")]
        spots: dict[int, str] = {}
        for name in ON_A_GROUP:
            if name in offered:
                spots[len(line)] = spots[len(line) + 1] = name
                line += chrome.key(offered[name])
        marks = len(self.table.marks)
        if self.table.all_marked:
            what = "all failures that are listed"
        else:
            what = f"the {marks:,} marked groups" if marks > 1 else "the marked group" if marks else "this group"
        tried = "requeue and delete show first what they would do; c there tries a few first" if "requeue" in offered else ""
        return line, [(f"{tried}  " if self.size.width >= 160 else "", "dim"), (f"for {what} ", "dim")], spots

    def _change(self, query: FailuresQuery) -> None:
        """Group other failures."""
        if not same_list(query, self.asked):
            self.asked, self._groups = query, None
            self.table.clear()
            self._begin()
            self.post_message(Asks(self._newest()))

    def _begin(self) -> None:
        self._reading, self._begun_at, self._reason = True, self._seen_at, ""
        self.post_message(Searches(GroupsQuery(self.asked.queue, self.asked.filter)))
        self.draw()


_BEGUN: Final = ((("Reading …", "dim"),),)
