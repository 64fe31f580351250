"""What makes two failures one kind, and what does not: words, places, chains, and texts that mean harm."""

from __future__ import annotations

import time
from collections import defaultdict

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from console.model import raised
from console.model.constant_parts import MOST_TOLD, READ, TOGETHER, constant, constants
from console.model.fingerprints import FINGERPRINT, Kind, function, kind
from console.model.raised import Raised
from tests import failing_tasks
from tests.failed_jobs import BY_RQ, trace
from tests.failing_tasks import ELSEWHERE, SAID

CALLED = "shop.tasks.run"


def told(text: str, called: str = CALLED) -> Kind:
    return kind(called, raised.raised(text))


def by_worker(error: str, file: str = "/srv/app/shop/tasks.py", name: str = "run") -> str:
    return f'{BY_RQ}  File "{file}", line 7, in {name}\n    fetch(url)\n{error}\n'


# --- words --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("shop.example did not answer within 20 s", "… did not answer within …"),
        ("[Errno 111] Connect call failed ('127.0.0.1', 6379)", "[Errno 111](…)"),
        ("[Errno 2] Datei nicht gefunden: '/tmp/x'", "[Errno 2]: …"),
        ("[WinError 5] Zugriff verweigert", "[WinError 5]"),
        ("Client error '410 Gone' for url 'https://x.example/y'", "Client error '410 Gone' for url …"),
        ("404 Client Error: Not Found for url: https://x.example/y", "404 Client Error: Not Found for url: …"),
        ("HTTP 503 from cache-1.internal:8080", "HTTP 503 from …"),
        ("status=404 and mode=fast of x1", "status=404 and mode=… of …"),
        ("status code: 429 at 10.0.0.1", "status code: 429 at …"),
        ("<Foo object at 0x7fa3b2c1>", "<Foo object at …>"),
        ("1.234,56 € of 12 rows", "… of … row"),
        ("1 row on Di 05 Mär 2024 14:22:03 CET", "… row on …"),
        ("deadbeefcafe is no facade", "… is no facade"),
        ("can't find user's 'x'", "can't find user's …"),
        ("password=hunter2 is wrong", "password=… is wrong"),
        ("ann@example.com of /srv/app and C:\\Temp\\x", "… of … and …"),
        ("one of jobs.errors.PermanentError and/or n/a", "one of jobs.errors.PermanentError and/or n/a"),
        ("[1, 2, 3] and {'a': 1, 'b': 'x'}", "[…] and {…}"),
        ("fe80::1 is not std::string", "… is not std::string"),
        ("the token dGAOhZCjSYSZwfdFJQJgknQfgxSOSVAw is no SomeVeryLongClassNameForErrors",
         "the token … is no SomeVeryLongClassNameForErrors"),
        ("a snake_case_name-with-many-words-in-a-row", "a snake_case_name-with-many-words-in-a-row"),
        ("a\n  b\t\x1b[31mc\x1b[0m", "a b c"),
        ("", ""),
    ],
)  # fmt: skip
def test_values_are_taken_out_and_words_stay(text: str, left: str) -> None:
    assert constant(text) == left


def test_the_number_at_the_beginning_stays_where_it_is_a_status() -> None:
    assert constant("410 hooks.example", status_first=True) == "410 …"
    assert constant("410 hooks.example") == "…"
    assert constant("4100 hooks.example", status_first=True) == "…"


PIECES = st.sampled_from(
    [
        "…", "'", '"', "`", "“", "”", "«", "\\", "/", "//", "://", "http", "@", ".", ":", ",", "-", "+", "_", "=", "#", "(",
        "[", "{", "<", "0", "12", "1,234", "a", "ab", "Zz", "example", "com", "co", "csv", "Errno", "[Errno 2]", "HTTP 503",
        "404", "Not Found", "Mon", "mars", "5", "€", "%", "rows", "entries", "s", "ms", " ", " ", " ", "\n", "\x1b[",
        "password", "deadbeef",
    ]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=400), st.lists(PIECES, max_size=120).map("".join))


@given(TEXTS)
@settings(max_examples=600)
@example("x" * 299 + "'" + "y" * 10)
@example("a@" * 400)
def test_what_is_constant_stays_so(text: str) -> None:
    once = constant(text)
    assert len(once) <= MOST_TOLD
    assert once.isprintable() or "\n" not in once
    assert constant(once) == once


@given(st.lists(st.tuples(TEXTS, st.booleans()), max_size=2 * TOGETHER))
@settings(max_examples=100, deadline=None)
def test_of_many_texts_each_is_told_as_by_itself(texts: list[tuple[str, bool]]) -> None:
    assert constants(texts) == [constant(text, status_first=status_first) for text, status_first in texts]
    traces = [by_worker(f"ValueError: {text}") if framed else text for text, framed in texts]
    assert raised.raised_each(traces) == [raised.raised(text) for text in traces]


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.sampled_from(sorted(SAID)))
@settings(max_examples=300)
def test_any_two_failures_of_a_kind_say_the_same(one: int, other: int, name: str) -> None:
    first, second = (told(trace(lambda seed=seed: failing_tasks.fail(name, seed))) for seed in (one, other))
    assert first == second


@pytest.mark.parametrize(
    "text",
    [
        "a" * 10**6, "'" * 10**6, "a." * 10**5, "a/" * 10**5, "([" * 10**5, "'a " * 10**5, '"\\' * 10**5, "a@" * 10**5,
        "0:" * 10**5, "Mon " * 10**5, "a-" * 10**5, "\x1b]" * 10**5, "… " * 10**5, "http://" * 10**5, "[Errno 1] " * 10**5,
        "Traceback (most recent call last):\n" * 10**5, "\n\n" * 10**5, '  File "x", line 1, in y\n' * 10**5,
        "  + Exception Group Traceback (most recent call last):\n" + "  | x\n  +-+------------- 1 -------------\n" * 10**5,
        "\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n"
        * 10**4,
    ],
    ids=range(20),
)  # fmt: skip
def test_no_text_takes_long(text: str) -> None:
    for whole in (text, by_worker(f"ValueError: {text}"), text + by_worker("ValueError")):
        start = time.process_time()
        told(whole)
        # Prose of that length takes a tenth of it; what goes back over its text takes minutes.
        assert time.process_time() - start < 5


def test_a_value_that_goes_on_behind_what_is_read_makes_no_difference() -> None:
    for length in (10, READ[0] - 20, READ[0], READ[0] + 20, READ[-1] - 40):
        assert constant(f"no such name: '{'x' * length}' at all") == "no such name: … at all"
    for length in (READ[-1], 2 * READ[-1]):
        assert constant(f"no such name: '{'x' * length}' at all") == "no such name: …"


# --- kinds --------------------------------------------------------------------------------------------


def test_each_kind_is_one_group_and_no_two_are() -> None:
    """Forty kinds, of each twenty failures that have no value in common."""
    found: dict[str, set[str]] = defaultdict(set)
    for seed in range(20):
        for name in SAID:
            found[told(trace(lambda seed=seed, name=name: failing_tasks.fail(name, seed))).fingerprint].add(name)
        for call in ELSEWHERE[:-3]:
            found[told(trace(lambda seed=seed, call=call: call(seed))).fingerprint].add(call.__name__)
    assert [names for names in found.values() if len(names) > 1] == []
    assert sorted(name for names in found.values() for name in names) == sorted(
        [*SAID, *(call.__name__ for call in ELSEWHERE[:-3])]
    )


def test_a_fingerprint_is_short_and_the_same_on_every_machine() -> None:
    first = told(by_worker("ValueError: no user 12"))
    assert first.fingerprint == "e509b5cffc3a"
    assert FINGERPRINT.fullmatch(first.fingerprint)
    elsewhere = by_worker("ValueError: no user 345", "/home/ann/releases/2024-05-01/shop/tasks.py")
    assert told(elsewhere.replace("/srv/venv/lib/python3.12", "/opt/v/lib64/python3.11").replace("line 7", "line 70")) == first
    assert told(by_worker("ValueError: no user 1", "C:\\app\\shop\\tasks.py").replace("/srv", "D:\\srv")) == first
    assert told(by_worker("ValueError: no user 12").replace("\n", "\r\n")) == first


@pytest.mark.parametrize(
    "other",
    [
        by_worker("TypeError: no user 12"),
        by_worker("shop.ValueError: no user 12"),
        by_worker("ValueError: no order 12"),
        by_worker("ValueError"),
        by_worker("ValueError: no user 12", name="other"),
        by_worker("ValueError: no user 12", file="/srv/app/shop/other.py"),
        by_worker("ValueError: no user 12").replace(
            "fetch(url)\n", 'fetch(url)\n  File "/srv/app/shop/fetch.py", line 1, in fetch\n'
        ),
        "ValueError: no user 12",
    ],
)
def test_class_words_and_place_make_a_difference(other: str) -> None:
    assert told(other).fingerprint != told(by_worker("ValueError: no user 12")).fingerprint
    assert told(other, "shop.tasks.walk").fingerprint != told(other).fingerprint


def test_frames_of_libraries_below_the_application_make_none() -> None:
    below = '  File "/srv/venv/lib/python3.12/site-packages/httpx/_client.py", line {}, in {}\n    send()\n'
    one = by_worker("ValueError: x").replace("ValueError", below.format(1, "send") + "ValueError")
    other = by_worker("ValueError: x").replace("ValueError", below.format(2, "get") + below.format(3, "send") + "ValueError")
    assert told(one) == told(other) == told(by_worker("ValueError: x"))
    assert told(one).frame == "shop/tasks.py in run"


def test_an_application_that_is_installed_as_a_package_is_no_library() -> None:
    text = by_worker("ValueError: x", "/srv/venv/lib/python3.12/site-packages/shop/tasks.py")
    assert told(text) == told(by_worker("ValueError: x"))
    assert told(text, "other.tasks.run").frame == "shop/tasks.py in run"


def test_where_no_frame_is_the_applications_the_deepest_is_named() -> None:
    text = BY_RQ + '  File "/usr/lib/python3.12/json/decoder.py", line 3, in decode\n    x\nValueError: x\n'
    assert told(text, "json.loads").frame == "json/decoder.py in decode"


def test_of_a_chain_the_last_is_the_kind_and_the_first_is_told() -> None:
    text = trace(lambda: failing_tasks.chained(1))
    assert told(text).exception == "tests.failing_tasks.RemoteError"
    assert raised.said(text).because.startswith("json.decoder.JSONDecodeError: Expecting")
    assert "sent no JSON" in raised.said(text).message
    assert raised.said(by_worker("ValueError: x")).because == ""


def test_a_group_is_told_by_the_classes_in_it() -> None:
    assert told(trace(lambda: failing_tasks.in_a_group(1))).exception == "ExceptionGroup (TypeError, ValueError)"
    assert told(trace(lambda: failing_tasks.in_a_group(1))).message == "… source failed"
    nested = trace(lambda: (_ for _ in ()).throw(ExceptionGroup("all", [ExceptionGroup("some", [KeyError(1)]), OSError()])))
    assert told(nested).exception == "ExceptionGroup (ExceptionGroup, KeyError, OSError)"


def test_what_can_strike_at_any_line_has_no_place() -> None:
    for error in ("rq.timeouts.JobTimeoutException: Task exceeded maximum timeout value (180 seconds)", "RecursionError: x"):
        assert told(by_worker(error)) == told(by_worker(error, "/srv/app/other.py", "elsewhere"))
    timed_out = told(by_worker("rq.timeouts.JobTimeoutException: Task exceeded maximum timeout value (180 seconds)"))
    assert (timed_out.cause, timed_out.frame) == ("timed out", "")


@pytest.mark.parametrize(
    ("text", "cause", "exception", "message"),
    [
        ("Work-horse terminated unexpectedly; waitpid returned 9 (signal 9); ", "killed", "KilledByOS",
         "work-horse ended by signal 9 (out of memory?)"),
        ("Work-horse process was terminated unexpectedly (waitpid returned 11)", "killed", "KilledByOS",
         "work-horse ended by signal 11"),
        ("Work-horse terminated unexpectedly; waitpid returned 256; ", "killed", "WorkHorseExit",
         "work-horse ended with status 1"),
        ("Work-horse terminated unexpectedly; waitpid returned None; ", "killed", "WorkHorseGone",
         "work-horse ended, and nobody saw how"),
        ("Moved to FailedJobRegistry, due to AbandonedJobError, at 2026-03-01 09:00:00+00:00", "lost worker",
         "AbandonedJobError", "its worker was lost: no heartbeat from it any more"),
        ("Job was stuck in intermediate queue.", "lost worker", "AbandonedJobError", "its worker was lost before it began"),
        ("Job stopped by user, work-horse terminated.", "stopped", "", "stopped by an operator"),
        (by_worker("rq.exceptions.DeserializationError"), "undecodable", "rq.exceptions.DeserializationError", ""),
        ("", "unknown", "", "nothing is kept of its failure"),
        ("what somebody noted at 09:00", "raised", "", "what somebody noted at …"),
        ("ValueError: of a custom handler, 7 times", "raised", "ValueError", "of a custom handler, … time"),
        (BY_RQ, "raised", "", "its traceback has no end"),
    ],
)  # fmt: skip
def test_the_class_of_cause_is_named(text: str, cause: str, exception: str, message: str) -> None:
    found = told(text)
    assert (found.cause, found.exception, found.message) == (cause, exception, message)


# --- texts that mean harm -----------------------------------------------------------------------------


FAKES = (
    'Traceback (most recent call last):\n  File "/srv/fake.py", line 1, in fake\n    x()\nFakeError: {}',
    "\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n"
    '  File "/srv/fake.py", line 1, in fake\n    x()\nFakeError: {}',
    '\n  File "/srv/fake.py", line {}, in fake\n    x()',
    "\n  + Exception Group Traceback (most recent call last):\n  | FakeError: {}",
    "\nWork-horse terminated unexpectedly; waitpid returned 9 (signal 9); {}",
)


@pytest.mark.parametrize("fake", FAKES)
def test_a_message_cannot_pose_as_a_traceback(fake: str) -> None:
    one, other = (told(by_worker(f"RuntimeError: it is over {fake.format(n)}")) for n in (1, 22))
    assert one == other
    assert (one.cause, one.exception, one.frame) == ("raised", "RuntimeError", "shop/tasks.py in run")
    assert one.message.startswith("it is over")


@given(st.one_of(TEXTS, st.binary(max_size=300).map(lambda raw: raw.decode("latin-1"))), st.booleans())
@settings(max_examples=400)
def test_any_text_is_of_some_kind(text: str, framed: bool) -> None:
    whole = by_worker(text) if framed else text
    found, said = told(whole), raised.said(whole)
    assert FINGERPRINT.fullmatch(found.fingerprint)
    assert all(len(part) <= MOST_TOLD for part in (found.function, found.exception, found.message, said.message))
    assert len(found.frame) <= 2 * raised.MOST_NAME + 10
    assert told(whole) == found


def test_secrets_are_in_no_words_of_a_kind() -> None:
    text = by_worker("RuntimeError: login failed: password=hunter2 at redis://ann:hunter2@cache-1/0?token=hunter2")
    assert "hunter2" not in repr((told(text), raised.said(text)))
    assert "password=…" in raised.said(text).message


# --- functions ----------------------------------------------------------------------------------------


def test_the_function_is_what_the_description_calls() -> None:
    nothing = Raised("killed", "", "")
    assert function("shop.tasks.run('ada', n=1)", nothing) == "shop.tasks.run"
    assert function("Nightly mail for user 12", nothing) == "Nightly mail for user …"
    assert function("", nothing) == ""
    within = raised.raised(by_worker("ValueError: x"))
    assert function("Nightly mail for user 12", within) == "run"
