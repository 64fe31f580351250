"""The filter language: what it says, what it refuses and where, and that no text can keep it busy."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from console.model.filters import ANY, MAX_LENGTH, MAX_STARS, Filter, FilterError, Kind, Term, parse

FIELDS: dict[str, Kind] = {
    "user": "text", "queue": "text", "error": "text", "id": "text", "age": "duration", "ran": "duration", "retries": "number",
}  # fmt: skip

PIECES = st.sampled_from(
    ["user", "age", "retries", "nobody", "User", ":", "=", ">", "<=", "!=", "-", "!", '"', "\\", "*", "?", " ", "\u00a0", "1h",
     "1h30m", "3", "0.5", "x", "é", "[", "(", "^", "\x1b", "\n", "\u202e"]
)  # fmt: skip
EXPRESSIONS = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=14).map("".join), st.text('user:="\\ *-', max_size=40))


def refusal(expression: str) -> FilterError:
    with pytest.raises(FilterError) as caught:
        parse(expression, FIELDS)
    return caught.value


def holds(expression: str, **known: str | float | None) -> bool:
    texts = {name: value for name, value in known.items() if value is None or isinstance(value, str)}
    numbers = {name: value for name, value in known.items() if value is None or isinstance(value, float | int)}
    return parse(expression, FIELDS).matches(texts, numbers)


# --- any expression at all ----------------------------------------------------------------------


@given(EXPRESSIONS)
@example('user="a*"')
@example('"a\\ \\\\b"')
@example('--x -"-x" "a:b" -user:"" user=*')
@example("user=* " * 142)
def test_a_filter_says_itself_in_an_expression_that_is_equal_and_no_longer(expression: str) -> None:
    try:
        found = parse(expression, FIELDS)
    except FilterError:
        return
    assert parse(str(found), FIELDS) == found
    assert str(parse(str(found), FIELDS)) == str(found)
    assert len(str(found)) <= len(expression)


@given(EXPRESSIONS)
def test_every_error_is_one_visible_line_that_points_inside_the_expression_and_says_what_to_do(expression: str) -> None:
    try:
        parse(expression, FIELDS)
        return
    except FilterError as caught:
        error = caught
    assert 0 <= error.column < len(expression)
    assert error.message.isprintable()
    assert len(error.message) < 300
    assert any(
        way in error.message for way in ("write", "wants", "put", "Put", "leave out", "leave some out", "use ?", "is missing")
    )


@given(st.text("ab*?", min_size=1, max_size=8).filter(lambda glob: "*" in glob or "?" in glob), st.text("ab", max_size=8))
def test_a_glob_holds_where_its_meaning_says_so(glob: str, text: str) -> None:
    def means(glob: str, text: str) -> bool:
        if not glob:
            return not text
        if glob[0] == "*":
            return means(glob[1:], text) or (bool(text) and means(glob, text[1:]))
        return bool(text) and glob[0] in ("?", text[0]) and means(glob[1:], text[1:])

    assert holds(f"user:{glob}", user=text) is means(glob, text)


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_negated_term_on_a_text_holds_where_the_term_does_not(value: str, known: str) -> None:
    said = Term("user", ":", value)
    assert Term("user", ":", value, negated=True).matches({"user": known}, {}) is not said.matches({"user": known}, {})


def test_no_glob_and_no_text_keeps_it_busy() -> None:
    glob = parse("user:" + "a*" * MAX_STARS + "b", FIELDS)
    dots = parse("user:" + "*".join(["a?" * 20] * (MAX_STARS + 1)) + "c", FIELDS)
    # An expression that went back over what it has read would not end in anybody's lifetime.
    assert not glob.matches({"user": "a" * 1_000}, {})
    assert not dots.matches({"user": "a" * 1_000 + "b"}, {})


# --- what it says -------------------------------------------------------------------------------


def test_terms_by_field_operator_and_value() -> None:
    found = parse('USER:42 -queue=low age>1h30m retries<=3 "free text" !id:*-17 word', FIELDS)
    assert found.terms == (
        Term("user", ":", "42"),
        Term("queue", "=", "low", negated=True),
        Term("age", ">", "1h30m", number=5_400.0),
        Term("retries", "<=", "3", number=3.0),
        Term(ANY, ":", "free text"),
        Term("id", ":", "*-17", negated=True, glob=True),
        Term(ANY, ":", "word"),
    )
    assert parse("", FIELDS) == parse("  \t ", FIELDS) == Filter()
    assert not Filter()
    assert found


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('user:"a b"', "a b"),
        (r'user:"a\"b"', 'a"b'),
        (r'user:"a\\"', "a\\"),
        (r'user:"a\b"', r"a\b"),
        (r"user:a\b", r"a\b"),
        ('user:"*"', "*"),
        ('user:""', ""),
        ('user:"-x"', "-x"),
        ("user:a:b=c>d", "a:b=c>d"),
        ("user:[red]x[/]", "[red]x[/]"),
    ],
)
def test_quotes_and_escapes(expression: str, value: str) -> None:
    [term] = parse(expression, FIELDS).terms
    assert (term.value, term.glob) == (value, False)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("30s", 30), ("15m", 900), ("1h30m", 5_400), ("2d", 172_800), ("1w", 604_800), ("1.5H", 5_400), ("90", 90), ("0.5", 0.5)],
)
def test_durations(written: str, seconds: float) -> None:
    assert parse(f"age>={written}", FIELDS).terms[0].number == seconds


def test_whole_texts_parts_and_globs() -> None:
    assert holds("user:DA", user="ada")
    assert not holds("user=da", user="ada")
    assert not holds("user=ADA", user="ada")
    assert holds("user=ada", user="ada")
    assert holds("user:a?a", user="ADA")
    assert not holds("user:a?", user="ada")
    assert holds("user:*", user="")
    assert holds('user:"*"', user="a*b")
    assert not holds('user:"*"', user="ada")
    assert not holds("user=a*", user="ada")
    assert holds("error:read*out", error="Read\ntimed\nout")
    assert holds("user:strasse", user="Straße")


def test_numbers_are_compared() -> None:
    assert [holds(f"retries{sign}3", retries=3) for sign in (":", "=", ">", "<", ">=", "<=")] == [
        True,
        True,
        False,
        False,
        True,
        True,
    ]
    assert holds("age>1h", age=3_600.5)
    assert not holds("age>1h", age=3_600.0)
    assert holds("-age>1h", age=0.0)
    assert holds("age<-1", age=-2.0)


def test_a_bare_word_is_looked_for_in_every_text() -> None:
    assert holds("gate", user="ada", error="504 Gateway")
    assert not holds("-gate", user="ada", error="504 Gateway")
    assert holds("-gate", user="ada", error=None)


def test_all_terms_must_hold() -> None:
    assert holds("user:ada age>1m -queue:low", user="ada", queue="high", age=61.0)
    assert not holds("user:ada age>1m -queue:low", user="ada", queue="low", age=61.0)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("user:x", False),
        ("user=x", False),
        ("user:*", False),
        ('user:""', False),
        ("-user:x", True),
        ("-user=x", True),
        ("retries:3", False),
        ("-retries:3", False),
        ("age>1", False),
        ("-age>1", False),
        ("word", False),
        ("-word", True),
    ],
)
def test_of_what_is_unknown_only_a_negated_text_holds(expression: str, expected: bool) -> None:
    assert holds(expression, user=None, age=None, retries=None) is expected
    assert holds(expression) is expected


# --- what it refuses ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "column", "message"),
    [
        ("usr:ada", 0, "there is no field usr: did you mean user? Put the word in quotes to look for it as it is"),
        ("user:ada https://x.example", 9, "there is no field https: there are age, error, id, queue, ran, retries, user."),
        (":x", 0, 'there is no field ""'),
        ("user!=ada", 0, "!= is no comparison: write -user=…"),
        ("user:ada -", 9, "- negates nothing: write a term right after it, or put it in quotes"),
        ("! user:ada", 0, "! negates nothing"),
        ("user: ada", 4, "user: has no value: write one right after it, without a blank"),
        ("age>=", 3, "age>= has no value"),
        ("user>a", 4, "user is a text and has no order: write user:… or user=…"),
        ("age:1h", 3, "age is a duration and hardly ever equal to one: write age>… or age<…"),
        ("age>1y", 4, "age wants a duration like 30s, 15m, 1h30m, 2d or 1w, not 1y"),
        ("age>1h30", 4, "age wants a duration"),
        ("retries:three", 8, "retries wants a number like 3 or 0.5, not three"),
        ("retries>=1e3", 9, "retries wants a number"),
        ("retries:nan", 8, "retries wants a number"),
        ('retries:"3"', 8, "retries wants a number"),
        ('user:a"b', 6, 'a quote inside a word: put the whole value in quotes, and \\ before a " in it'),
        ('user:"a', 5, "this quote is never closed: write another one where the text ends"),
        ('user:"a\\"', 5, "this quote is never closed"),
        ('user:"a"b', 8, "a blank is missing here, after the closing quote"),
        ("user:a\x1b[31m", 6, "the character ␛ cannot be looked for: use ? in its place"),
        ('"a\u202eb"', 2, "the character \\u202e cannot be looked for: use ? in its place"),
        ("user:" + "*" * 9, 13, "more than 8 * in one value: leave some out"),
        ("x" * (MAX_LENGTH + 1), MAX_LENGTH, "the filter is too long: leave out all but 1,000 characters"),
    ],
)
def test_an_error_says_what_is_wrong_where_and_what_to_do(expression: str, column: int, message: str) -> None:
    error = refusal(expression)
    assert error.message.startswith(message)
    assert str(error) == error.message
    assert error.column == column


def test_an_error_shows_no_raw_control_character_and_not_all_of_a_long_word() -> None:
    error = refusal("\x1b]0;" + "x" * 500 + ":y")
    assert "␛]0;" in error.message
    assert len(error.message) < 200


def test_where_there_are_no_fields_a_field_is_refused_and_words_are_not() -> None:
    with pytest.raises(FilterError, match="there is no field user: there are none here"):
        parse("user:ada", {})
    assert parse("ada", {}).matches({"call": "ada()"}, {})


# --- what an index can be asked for -------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "exact"),
    [
        ("user:ada", "ada"),
        ("user=ada", "ada"),
        ("user:ad user=ada", "ada"),
        ('user:"*"', "*"),
        ('user=""', ""),
        ('user:""', None),
        ("user:ad*", None),
        ("-user:ada", None),
        ("ada", None),
        ("queue:low", None),
    ],
)
def test_the_one_text_that_a_field_must_have(expression: str, exact: str | None) -> None:
    assert parse(expression, FIELDS).exact("user") == exact


def test_a_number_is_no_text_for_an_index() -> None:
    assert parse("retries:3", FIELDS).exact("retries") is None


def test_a_filter_without_what_the_index_has_seen_to() -> None:
    found = parse("user:ada -user:bob age>1h word", FIELDS)
    assert found.without("user") == parse("age>1h word", FIELDS)
    assert found.without(ANY) == parse("user:ada -user:bob age>1h", FIELDS)
    assert found.without("queue") == found
