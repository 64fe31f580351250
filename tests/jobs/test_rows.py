"""Each bad row of a file is named by its place and its reason, and costs nothing but itself."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Iterable
from unicodedata import is_normalized

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.rows import COLUMNS, MAX_ROW_BYTES, BadRow, Format, Row, format_of, read
from jobs.users import User

HEADER = b"id,tier,zone,sources,webhook,active\n"


def rows(content: bytes, format: Format = "csv") -> list[Row | BadRow]:
    return list(read(io.BytesIO(content), format))


def good(found: Iterable[Row | BadRow]) -> list[User]:
    return [row.user for row in found if isinstance(row, Row)]


def bad(found: Iterable[Row | BadRow]) -> list[tuple[int, str]]:
    return [(row.line, row.reason) for row in found if isinstance(row, BadRow)]


def told(content: bytes, format: Format = "csv") -> list[tuple[int, str]]:
    return bad(rows(content, format))


# --- CSV ----------------------------------------------------------------------------------------


def test_a_full_csv_row() -> None:
    content = HEADER + b"ada,pro,Europe/Rome,https://a.example/x https://b.example|https://c.example,https://h.example,no\n"
    [row] = rows(content)
    assert isinstance(row, Row)
    assert row.line == 2
    assert row.given == set(COLUMNS)
    assert row.user == User(
        "ada",
        "pro",
        "Europe/Rome",
        ("https://a.example/x", "https://b.example", "https://c.example"),
        "https://h.example",
        active=False,
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8000/x",
        "http://127.0.0.1/x",
        "http://[::1]:8000/x?y=1#z",
        "https://my_service.internal./",
        "https://ann:pw@a.example:65535/x",
        "https://m\u00fcnchen.example/stra\u00dfe",
        "https://1.example/",
    ],
)
def test_urls_with_a_host_name_or_an_address_go_in(url: str) -> None:
    assert good(rows(HEADER + f"ada,pro,,{url},,\n".encode())) == [User("ada", "pro", sources=(url,))]


def test_columns_stand_in_any_order_and_only_two_are_required() -> None:
    [row] = rows(b"Tier , ID\nfree,ada\n")
    assert isinstance(row, Row)
    assert row.user == User("ada", "free")
    assert row.given == {"id", "tier"}


def test_an_empty_cell_is_the_default_and_a_missing_one_is_not_given() -> None:
    first, second = rows(HEADER + b"ada,pro,,,,\nbob,pro\n")
    assert isinstance(first, Row)
    assert isinstance(second, Row)
    assert first.user == User("ada", "pro")
    assert first.given == set(COLUMNS)
    assert second.given == {"id", "tier"}


@pytest.mark.parametrize(
    ("word", "active"), [("1", True), ("Yes", True), ("true", True), ("0", False), ("no", False), ("FALSE", False)]
)
def test_words_for_active(word: str, active: bool) -> None:
    assert good(rows(b"id,tier,active\nada,pro," + word.encode() + b"\n")) == [User("ada", "pro", active=active)]


def test_a_byte_order_mark_windows_line_ends_blank_lines_and_no_last_line_end() -> None:
    found = rows(b'\xef\xbb\xbf"id",tier\r\n\r\nada,pro\r\n   \r\nbob,free')
    assert [(row.line, row.user.id) for row in found if isinstance(row, Row)] == [(3, "ada"), (5, "bob")]
    assert not bad(found)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b",pro,,,,", "id is empty"),
        (b"   ,pro,,,,", "id is empty"),
        (b'"a\nb",pro,,,,', "control character"),
        (b" ada,pro,,,,", "id ' ada' begins or ends with a space"),
        (b"ada\xc2\xa0,pro,,,,", "begins or ends with a space"),
        (b"zoe\xcc\x88,pro,,,,", "is not in the normal form NFC"),
        (b"ada,pro,,,http://a b,", "webhook 'http://a b' has a space"),
        (b"ada,pro,,,http://a.example/x y,", "has a space"),
        (b"ada,pro,,,http://a\xc2\xa0b.example,", "has a space"),
        (b"ada,pro,,http://-a.example,,", "its host is no host name"),
        (b"ada,pro,,http://a..example/x,,", "its host is no host name"),
        (b"ada,pro,,http://300.1.1.1/x,,", "its host is no host name"),
        (b"ada,pro,,http://a.1/x,,", "its host is no host name"),
        (b"ada,pro,,http://a%20b/x,,", "its host is no host name"),
        (b"ada,pro,,http://" + b"a" * 64 + b".example,,", "its host is no host name"),
        (b"ada,pro,,http://a.example/" + b"x" * 2_048 + b",,", "2065 characters; at most 2048"),
        (b"x" * 10_240 + b",pro,,,,", "10240 bytes"),
        (b"ada,gold,,,,", "tier 'gold' is unknown; use one of pro, standard, free"),
        (b"ada,,,,,", "tier '' is unknown"),
        (b"ada,pro,Mars/Olympus,,,", "time zone 'Mars/Olympus' is unknown"),
        (b"ada,pro,../../etc/passwd,,,", "time zone"),
        (b"ada,pro,,javascript:alert(1),,", "source 'javascript:alert(1)' is no http or https URL"),
        (b"ada,pro,,https://a.example file:///etc/passwd,,", "source 'file:///etc/passwd'"),
        (b"ada,pro,," + b" ".join([b"https://a.example"] * 21) + b",,", "21 sources"),
        (b"ada,pro,,,ftp://h.example,", "webhook 'ftp://h.example'"),
        (b"ada,pro,,,,perhaps", "active is 'perhaps'; use true or false"),
        (b"ada,pro,,,,,", "the row has 7 columns, the header 6"),
        (b"a\0da,pro,,,,", "id has a NUL byte"),
        (b"ada,pro,,https://a.example/\0,,", "sources has a NUL byte"),
        (b"a\xffda,pro,,,,", "id is not UTF-8"),
        (b"ada,pro,,,https://h.example/\xe9,", "webhook is not UTF-8"),
        (b'"ada"x,pro,,,,', "the row is no CSV"),
        (b'ada,pro,,,,"open', "the row is no CSV"),
        (b'a"da,pro,,,,', "a quote stands alone"),
        (b"x" * MAX_ROW_BYTES + b",pro,,,,", "longer than 131,072 bytes"),
        (b"x" * MAX_ROW_BYTES * 5 + b",pro,,,,", "longer than 131,072 bytes"),
        (b'"' + b"x\n" * MAX_ROW_BYTES + b'",pro,,,,', "longer than 131,072 bytes"),
    ],
)
def test_a_bad_csv_row_is_named_and_its_neighbours_go_in(row: bytes, reason: str) -> None:
    found = rows(HEADER + b"before,pro,,,,\n" + row + b"\nafter,free,,,,\n")
    assert [user.id for user in good(found)] == ["before", "after"]
    assert bad(found)[0][0] == 3
    assert reason in bad(found)[0][1]


@given(st.binary(max_size=60))
def test_no_bytes_in_one_line_cost_its_neighbours(junk: bytes) -> None:
    row = junk.replace(b"\n", b"").replace(b"\r", b"")
    found = rows(b"id,tier\nbefore,pro\n" + row + b"\nafter,free\nlast,free\n")
    names = [user.id for user in good(found)]
    assert names[0] == "before"
    assert names[-2:] == ["after", "last"]


def test_a_quote_left_open_swallows_nothing() -> None:
    many = b"".join(b"user-%d,pro,,,,\n" % n for n in range(20_000))
    found = rows(HEADER + b'"ada,pro,,,,\n' + many + b'"Bob, the second",free,,,,\n')
    assert len(good(found)) == 20_001
    assert bad(found)[0][0] == 2
    assert len(bad(found)) == 1


def test_the_tail_of_a_broken_row_is_no_user() -> None:
    found = rows(b'id,tier\n"a\nb"x,pro\nada,pro\n')
    assert [user.id for user in good(found)] == ["ada"]
    assert [line for line, _ in bad(found)] == [2, 3]


def test_rows_are_named_by_the_line_on_which_they_begin() -> None:
    content = b'id,tier,sources\nada,pro,"https://a.example\nhttps://b.example"\n\nbob,gold,\n"c\n\nd",pro,\nerin,gold,\n'
    found = rows(content)
    assert good(found) == [User("ada", "pro", sources=("https://a.example", "https://b.example"))]
    assert [line for line, _ in bad(found)] == [5, 6, 9]


def test_of_rows_with_one_id_the_first_good_one_wins() -> None:
    found = rows(b"id,tier\nada,gold\nada,pro\nada,free\n")
    assert good(found) == [User("ada", "pro")]
    assert bad(found)[1] == (4, "id 'ada' stands in line 3 already")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "the file is empty"),
        (
            b"id,tier,colour\nada,pro,red\n",
            "column 'colour' is unknown; the columns are id, tier, zone, sources, webhook, active",
        ),
        (b"id;tier\nada;pro\n", "separated by commas"),
        (b"id,zone\nada,UTC\n", "the header lacks tier"),
        (b"ada,pro\nbob,free\n", "column 'ada' is unknown"),
        (b"id,tier,id\nada,pro,bob\n", "column 'id' stands in the header 2 times"),
        ("id,tier\nada,pro\n".encode("utf-16"), "the header is not UTF-8 text"),
        (b"id,tier\rada,pro\r", "no CSV"),
        (b'"id,tier\nada,pro\n', "no CSV"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\x03", "the header is not UTF-8 text"),
    ],
)
def test_an_unusable_header_is_one_error_and_nothing_goes_in(content: bytes, reason: str) -> None:
    found = rows(content)
    assert not good(found)
    assert len(found) == 1
    assert reason in bad(found)[0][1]


@given(st.lists(st.tuples(st.text(min_size=1, max_size=20), st.sampled_from(["pro", "free"])), max_size=20))
def test_what_python_writes_is_read_back(users: list[tuple[str, str]]) -> None:
    written = io.StringIO(newline="")
    csv.writer(written).writerows([("id", "tier"), *users])
    found = rows(written.getvalue().encode("utf-8", "surrogatepass"))
    valid = {user_id: tier for user_id, tier in reversed(users) if user_id.strip() and user_id in {u.id for u in good(found)}}
    assert {user.id for user in good(found)} == set(valid)
    readable = {user_id for user_id, _ in users if user_id.isprintable() and user_id == user_id.strip()}
    assert {user_id for user_id in readable if is_normalized("NFC", user_id)} <= {user.id for user in good(found)}


# --- JSON ---------------------------------------------------------------------------------------

ADA = {"id": "ada", "tier": "pro", "zone": "Europe/Rome", "sources": ["https://a.example"], "webhook": None, "active": False}


@pytest.mark.parametrize("lead", [b"", b"\xef\xbb\xbf", b" \n\t\n", b"\n" * 100])
def test_an_array_and_one_object_a_line_say_the_same(lead: bytes) -> None:
    wanted = [User("ada", "pro", "Europe/Rome", ("https://a.example",), active=False), User("bob", "free")]
    users = [ADA, {"id": "bob", "tier": "free"}]
    assert good(rows(lead + json.dumps(users).encode(), "json")) == wanted
    assert good(rows(lead + json.dumps(users, indent=4).encode() + b"\n", "json")) == wanted
    lines = rows(lead + b"\n\n".join(json.dumps(user).encode() for user in users), "json")
    assert good(lines) == wanted
    passed = lead.count(b"\n")
    assert [row.line for row in lines] == [passed + 1, passed + 3]


BAD_OBJECTS = [
    ('{"tier": "pro"}', "id is empty"),
    ('{"id": "", "tier": "pro"}', "id is empty"),
    ('{"id": "a\\nb", "tier": "pro"}', "control character"),
    ('{"id": 7, "tier": "pro"}', "id is a number; write it as text in quotes"),
    ('{"id": ["ada"], "tier": "pro"}', "id is a list"),
    ('{"id": "ada", "tier": {"x": 1}}', "tier is an object"),
    ('{"id": "ada", "tier": "gold"}', "tier 'gold' is unknown"),
    ('{"id": "ada", "tier": "pro", "active": "yes"}', "active is 'yes'; use true or false"),
    ('{"id": "ada", "tier": "pro", "active": 1}', "active is 1.0; use true or false"),
    ('{"id": "ada", "tier": "pro", "sources": "https://a.example"}', "sources is a text; write a list"),
    ('{"id": "ada", "tier": "pro", "sources": [["https://a.example"]]}', "sources is a list"),
    ('{"id": "ada", "tier": "pro", "sources": ["javascript:alert(1)"]}', "is no http or https URL"),
    ('{"id": "ada", "tier": "pro", "colour": "red"}', "field 'colour' is unknown"),
    ('{"id": "\\ud800", "tier": "pro"}', "id is not UTF-8"),
    ('{"id": "ada", "tier": "pro", "webhook": "https://h.example/\\udfff"}', "webhook is not UTF-8"),
    ('{"id": "a\\u0000b", "tier": "pro"}', "id has a NUL byte"),
    ('{"id": ' + "9" * 5_000 + ', "tier": "pro"}', "id is a number"),
    ('{"id": NaN, "tier": "pro"}', "id is a number"),
    ('"ada"', "a text where a user should be"),
    ("[]", "a list where a user should be"),
    ("null", "nothing where a user should be"),
    ("17", "a number where a user should be"),
]


@pytest.mark.parametrize(("item", "reason"), BAD_OBJECTS)
def test_a_bad_object_is_named_and_its_neighbours_go_in(item: str, reason: str) -> None:
    three = ['{"id": "before", "tier": "pro"}', item, '{"id": "after", "tier": "free"}']
    in_array = rows(f"[{','.join(three)}]".encode(), "json")
    assert [user.id for user in good(in_array)] == ["before", "after"]
    assert [(row.line, row.item) for row in in_array if isinstance(row, BadRow)] == [(2, True)]
    assert reason in bad(in_array)[0][1]
    a_line_each = rows("\n".join(three).encode(), "json")
    assert [user.id for user in good(a_line_each)] == ["before", "after"]
    assert [(row.line, row.item) for row in a_line_each if isinstance(row, BadRow)] == [(2, False)]
    assert reason in bad(a_line_each)[0][1]


def test_bytes_that_are_not_utf8_cost_their_own_object_only() -> None:
    items = [b'{"id": "before", "tier": "pro"}', b'{"id": "caf\xe9", "tier": "pro"}', b'{"id": "after", "tier": "free"}']
    for content in (b"[" + b",".join(items) + b"]", b"\n".join(items)):
        found = rows(content, "json")
        assert [user.id for user in good(found)] == ["before", "after"]
        assert bad(found) == [(2, "id is not UTF-8")]


@pytest.mark.parametrize(
    ("rest", "number", "reason"),
    [
        (b"", 2, "the array breaks off"),
        (b" ; {}", 2, "expected a comma or ]"),
        (b", ", 2, "the item is no JSON"),
        (b", ]", 2, "the item is no JSON"),
        (b', {"id": oops}, {"id": "c", "tier": "pro"}]', 2, "the item is no JSON: expecting value"),
        (b', {"id": "b', 2, "the item is no JSON: unterminated string"),
        (b', {"id": "' + b"x" * MAX_ROW_BYTES * 3 + b'"}]', 2, "the item is"),
        (b", " + b"[" * 200_000, 2, "the item is"),
        (b'] {"id": "c"}', 2, "something follows the end of the array"),
    ],
)
def test_of_a_broken_array_what_came_before_goes_in(rest: bytes, number: int, reason: str) -> None:
    found = rows(b'[{"id": "ada", "tier": "pro"}' + rest, "json")
    assert good(found) == [User("ada", "pro")]
    [(place, why)] = bad(found)
    assert place == number
    assert reason in why
    assert "read" in why


@pytest.mark.parametrize(
    "line", [b"{", b"ada,pro", b'{"id": "x"} {}', b"[" * 200_000, b'{"id": "' + b"x" * MAX_ROW_BYTES * 2 + b'"}']
)
def test_a_broken_line_of_json_lines_costs_only_itself(line: bytes) -> None:
    found = rows(b'{"id": "ada", "tier": "pro"}\n' + line + b'\n{"id": "bob", "tier": "free"}\n', "json")
    assert [user.id for user in good(found)] == ["ada", "bob"]
    assert [place for place, _ in bad(found)] == [2]


@pytest.mark.parametrize("content", [b"", b" \n ", b"\xef\xbb\xbf"])
def test_an_empty_json_file_is_told(content: bytes) -> None:
    [(line, reason)] = told(content, "json")
    assert line == 1
    assert "the file is empty" in reason


def test_an_empty_array_is_no_error() -> None:
    assert rows(b" [ ] \n", "json") == []


def test_duplicates_in_an_array_are_named_by_item() -> None:
    user = b'{"id": "ada", "tier": "pro"}'
    assert told(b"[" + user + b"," + user + b"]", "json") == [(2, "id 'ada' stands in item 1 already")]


# Each chunk boundary may fall anywhere in the text: inside a number, an escape, a character of four bytes.
@given(st.integers(1, 7), st.text(max_size=8))
def test_an_array_reads_the_same_however_it_arrives(size: int, text: str) -> None:
    class Trickle(io.BytesIO):
        def read(self, limit: int | None = -1, /) -> bytes:
            return super().read(min(size, size if limit is None or limit < 0 else limit))

    content = json.dumps([{"id": f"ada {text}", "tier": "pro"}, 12345, {"id": "🙂", "tier": "free"}], ensure_ascii=False)
    raw = content.encode("utf-8", "surrogatepass")
    assert list(read(Trickle(raw), "json")) == rows(raw, "json")


# --- both ---------------------------------------------------------------------------------------


def test_a_failing_read_is_told_and_what_came_before_stays() -> None:
    class Broken(io.BytesIO):
        def readline(self, limit: int | None = -1, /) -> bytes:
            line = super().readline(limit)
            if b"bob" in line:
                raise OSError(5, "Input/output error")
            return line

    found = list(read(Broken(b"id,tier\nada,pro\nbob,pro\n"), "csv"))
    assert good(found) == [User("ada", "pro")]
    assert bad(found) == [(3, "the file cannot be read further: Input/output error")]


@pytest.mark.parametrize(
    ("name", "head", "format"),
    [
        ("users.csv", b"[", "csv"),
        ("USERS.JSON", b"id", "json"),
        ("users.jsonl", b"", "json"),
        ("users.ndjson", b"", "json"),
        ("-", b"id,tier", "csv"),
        ("-", b" \n[{", "json"),
        ("-", b"\xef\xbb\xbf{", "json"),
        ("users", b"", "csv"),
    ],
)
def test_the_name_and_the_first_byte_decide_the_format(name: str, head: bytes, format: str) -> None:
    assert format_of(name, head) == format


@pytest.mark.parametrize("format", ["csv", "json", "lines"])
def test_memory_does_not_grow_with_the_file(format: str) -> None:
    class Endless(io.RawIOBase):
        """A file of `count` users, made as it is read; each id twice, so that what is seen does not grow."""

        def __init__(self, count: int) -> None:
            self.parts = iter(self.make(count))
            self.rest = b""

        def make(self, count: int) -> Iterable[bytes]:
            yield b"id,tier\n" if format == "csv" else b"[" if format == "json" else b""
            for n in range(count):
                user = b'{"id": "ada", "tier": "pro"}'
                comma = b"," if n else b""
                yield b"ada,pro\n" if format == "csv" else comma + user if format == "json" else user + b"\n"
            yield b"]" if format == "json" else b""

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
            while len(self.rest) < len(buffer) and (part := next(self.parts, None)) is not None:
                self.rest += part
            taken = self.rest[: len(buffer)]
            self.rest = self.rest[len(taken) :]
            buffer[: len(taken)] = taken
            return len(taken)

    def peak(count: int) -> int:
        tracemalloc.start()
        try:
            number = sum(1 for _ in read(io.BufferedReader(Endless(count)), "csv" if format == "csv" else "json"))
            assert number == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(16_000) < 2 * peak(4_000)
