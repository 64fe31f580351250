"""Secrets are masked in texts and in values, and nothing else changes."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.model.masking import MASK
from console.model.payload import Call, Long, Many, Name, Pairs, Thing, Undecodable, Value
from console.model.secrets import (
    DEFAULT,
    NAMES,
    Secrets,
    masked_call,
    masked_payload,
    masked_text,
    masked_value,
)

SPELLINGS = (*NAMES, "apiKey", "API-KEY", "accessKey", "X-Auth-Token", "PGPASSWORD", "db_password", "clientSecretValue")
SECRETS = st.text(min_size=4).map(lambda text: f"<{text}>")
BARE = st.text(
    st.characters(exclude_categories=["Z", "Cc", "Cs"], exclude_characters=",()[]{}<>'\"\\;=:|"), min_size=6, max_size=40
).filter(lambda text: text.split() == [text] and text.lower() not in ("bearer", "digest", "negotiate", "apikey", "signature"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password=hunter2 and more", "password=… and more"),
        ("password = hunter2, user=ann", "password = …, user=ann"),
        ("send(to='ann', password='hun ter2', n=1)", "send(to='ann', password='…', n=1)"),
        ("{'api_key': 'abc', 'n': 1}", "{'api_key': '…', 'n': 1}"),
        ('{"apiKey": "a\\"bc", "n": 1}', '{"apiKey": "…", "n": 1}'),
        ('"{\\"token\\": \\"it\'s\\", \\"n\\": 1}"', '"{\\"token\\": \\"…\\", \\"n\\": 1}"'),
        ("Authorization: Bearer abc.def", "Authorization: Bearer …"),
        ("Authorization: Basic YW5uOnB3 trailing", "Authorization: Basic … trailing"),
        ("Authorization: Own abc", "Authorization: …"),
        ('Authorization: Digest username="ann", response="abc"\nHost: x', "Authorization: …\nHost: x"),
        ("Cookie: a=b; c=d\nHost: x", "Cookie: …\nHost: x"),
        ("b'Set-Cookie': b'a=b'", "b'Set-Cookie': b'…'"),
        ("curl --password hunter2 --verbose", "curl --password … --verbose"),
        ("['curl', '--password', 'hun ter2', '-v']", "['curl', '--password', '…', '-v']"),
        ("--token=abc x", "--token=… x"),
        ('    def f(password: str | None = "hunter2", n=2):', "    def f(password: …, n=2):"),
        ("os.environ['SECRET'] = 'abc'", "os.environ['SECRET'] = '…'"),
        ("tokens: ['a', ('b')], n", "tokens: …, n"),
        ("password='''hunter2''' x", "password='…' x"),
        ("cut off: password='hunter", "cut off: password='…"),
        ("postgres://ann:pw@db/x?sslkey=1 tail", "postgres://…@db/x?… tail"),
        ('{"url":"https://ann:pw@db/x","n":1}', '{"url":"https://…@db/x","n":1}'),
    ],
)
def test_the_secret_is_masked_and_all_around_it_stays(text: str, shown: str) -> None:
    assert masked_text(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "an invalid token",
        'File "/app/token.py", line 3, in get_token',
        "KeyError: 'password'",
        "password=None, token: null, secret=True",
        "password='', token=",
        "def login(user, password):",
        "the cookie jar is empty (secretly)",
        "https://example.com/path",
        "a --flag b",
    ],
)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    assert masked_text(text) == text


@given(
    st.sampled_from([name for name in SPELLINGS if name != "authorization"]),
    BARE,
    st.sampled_from(["=", ": ", " = ", "==", " => "]),
)
def test_a_bare_value_is_masked_and_nothing_else(name: str, secret: str, between: str) -> None:
    assert masked_text(f"it said {name}{between}{secret} and ended") == f"it said {name}{between}{MASK} and ended"
    assert masked_text(f"run --{name} {secret}, then") == f"run --{name} {MASK}, then"


@given(st.sampled_from(SPELLINGS), SECRETS)
def test_a_quoted_value_is_masked_however_it_is_written(name: str, secret: str) -> None:
    inner, shown = {name: secret, "n": 1}, {name: MASK, "n": 1}
    assert ast.literal_eval(masked_text(repr(inner))) == shown
    assert json.loads(masked_text(json.dumps(inner))) == shown
    assert json.loads(masked_text(json.dumps(inner, ensure_ascii=False))) == shown
    for text in (json.dumps(json.dumps(inner)), json.dumps(json.dumps(json.dumps(inner)))):
        found = json.loads(masked_text(text))
        while isinstance(found, str):
            found = json.loads(found)
        assert found == shown


@given(st.sampled_from(SPELLINGS), st.text(), st.text(), st.text(st.characters(exclude_characters="'\\"), min_size=8))
def test_a_secret_is_found_after_any_text(name: str, before: str, after: str, secret: str) -> None:
    marked = f"<{secret}>"
    if marked not in before + after:
        assert marked not in masked_text(f"{before} {name}='{marked}' {after}")


@given(st.text())
def test_text_without_names_and_urls_stays(text: str) -> None:
    if not DEFAULT.named.search(text) and "://" not in text:
        assert masked_text(text) == text


@settings(max_examples=300)
@given(st.text(st.sampled_from("token:='\"\\ \n,()[]{}<>-/@?;x"), max_size=200))
def test_any_text_of_names_and_signs_is_masked(text: str) -> None:
    assert len(masked_text(text)) <= 2 * len(text)


@pytest.mark.parametrize("piece", [
    "token='", "token:(\n", "a.", "\\", "token=\\", "token='\\", "'\"", "token: a |", "cookie: a; ", "authorization: x y",
    "a://((((", "a://" + "(" * 390 + " ", "-", "--token ",
])  # fmt: skip
@pytest.mark.parametrize("start", ["", "token='"])
def test_a_megabyte_made_to_be_slow_is_masked(start: str, piece: str) -> None:
    """Anything worse than linear would take hours."""
    text = start + piece * ((1 << 20) // len(piece))
    assert len(masked_text(text)) <= 2 * len(text)


# --- values -------------------------------------------------------------------------------------

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.binary(max_size=20),
    lambda inner: (
        st.builds(Many, st.sampled_from(["list", "tuple"]), st.lists(inner, max_size=3).map(tuple))
        | st.builds(Pairs, st.lists(st.tuples(st.text(max_size=5), inner), max_size=3).map(tuple))
        | st.builds(Thing, st.just(Name("app", "Thing")), st.lists(inner, max_size=3).map(tuple), inner)
    ),
    max_leaves=10,
)


def texts(value: Any) -> list[str]:
    """Every text in a value."""
    if isinstance(value, str | bytes):
        return [value if isinstance(value, str) else value.decode("utf-8", "replace")]
    if isinstance(value, Long):
        return texts(value.head)
    if isinstance(value, Many):
        return [text for item in value.items for text in texts(item)]
    if isinstance(value, Pairs):
        return [text for pair in value.items for item in pair for text in texts(item)]
    if isinstance(value, Thing):
        return [text for item in (*value.args, value.state) for text in texts(item)]
    return []


@given(VALUES, st.sampled_from(SPELLINGS), SECRETS, st.data())
def test_a_secret_anywhere_in_a_value_is_masked(value: Value, name: str, secret: str, data: st.DataObject) -> None:
    for hidden in (
        Pairs(((name, secret), ("n", value))),
        Pairs(((name.encode(), secret.encode()),)),
        Pairs(((name, Many("list", (secret, value))),)),
        Thing(Name("app", "User"), (value,), Pairs(((name, Long(secret, 50_000)),))),
        Many("tuple", (name, secret)),
        Many("list", (f"--{name}", secret, value)),
        Many("list", (json.dumps({name: secret}), repr({name: secret}))),
        json.dumps({name: [secret]}).encode(),
    ):
        around = data.draw(st.sampled_from([Many("list", (hidden,)), Pairs((("x", hidden),)), hidden]))
        shown = masked_value(around)
        assert not any(secret in text for text in texts(shown) if secret not in "".join(texts(value)))


@given(VALUES)
def test_a_value_without_names_and_urls_stays(value: Value) -> None:
    if not any(DEFAULT.named.search(text) or "://" in text for text in texts(value)):
        assert masked_value(value) == value


def test_what_keeps_no_secret_says_so() -> None:
    value = Pairs((("password", None), ("has_token", True), ("secret", ""), ("max_tokens", 5)))
    assert masked_value(value) == Pairs((("password", None), ("has_token", True), ("secret", ""), ("max_tokens", MASK)))


def test_a_call_is_masked_in_its_arguments_and_keywords() -> None:
    call = Call("app.send", None, ("https://ann:pw@x/y", "--token", "abc"), (("api_key", "abc"), ("n", 1)))
    assert masked_call(call) == Call("app.send", None, ("https://…@x/y", "--token", MASK), (("api_key", MASK), ("n", 1)))


def test_the_first_bytes_of_what_is_undecodable_are_masked() -> None:
    found = masked_payload(Undecodable("no pickle", 30, b"password=hunter2".hex(" ")))
    assert isinstance(found, Undecodable)
    assert bytes.fromhex(found.head).decode() == "password=…"
    told = masked_payload(Undecodable("it says token=hunter2", 30, ""))
    assert isinstance(told, Undecodable)
    assert told.reason == "it says token=…"
    other = Undecodable("no pickle", 3, "00 ff 80")
    assert masked_payload(other) == other


def test_bytes_that_are_no_text_keep_theirs() -> None:
    assert masked_value(b"\xff\xfe token=abc \x80") == b"\xff\xfe token=\xe2\x80\xa6 \x80"


def test_a_text_that_a_value_names_many_times_is_masked_once() -> None:
    long = Long("token=abc " * 2_000, 1_000_000)
    shown = masked_value(Many("list", (long,) * 10_000))
    assert isinstance(shown, Many)
    assert len({id(item) for item in shown.items}) == 1
    assert shown.items[0] == Long("token=… " * 2_000, 1_000_000)


def test_an_installation_adds_names_of_its_own() -> None:
    added = Secrets(("pin", "social_security", ""))
    assert masked_text("PIN=1234 socialSecurity='1' password=x n=1", added) == "PIN=… socialSecurity='…' password=… n=1"
    assert masked_text("PIN=1234") == "PIN=1234"


def test_added_names_are_no_expressions() -> None:
    assert masked_text("a=1 .*=2 xyz=3", Secrets((".*",))) == "a=1 .*=… xyz=3"
