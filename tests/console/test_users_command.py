"""`tq-console users` as an operator or a program meets it."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from console.cli import run
from jobs import keys, schedules, users
from jobs.imports import MAX_BAD_ROWS
from jobs.registering import set_user, set_users
from jobs.users import User
from tests.console.terminal import on_a_terminal

SECRETIVE = User(
    "ada", "pro", "Europe/Rome", ("https://ann:s3cret@a.example/x?key=s3cret",), "https://h.example/hook?token=s3cret#s3cret"
)


Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command line; its exit status and what it wrote to both streams."""

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = run(list(arguments))
        return status, *capsys.readouterr()

    return call


def one_line(text: str) -> str:
    assert text.endswith("\n")
    assert text.count("\n") == 1
    assert "Traceback" not in text
    return text


# --- import -------------------------------------------------------------------------------------


def test_import_names_bad_rows_and_takes_the_good_ones(redis: Redis, say: Say, tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    file.write_bytes(b"id,tier,sources\nada,pro,\n,pro,\nbob,free,\nc\xff,pro,\ndee,gold,\n")
    status, out, err = say("users", "import", "users.csv")
    assert status == 1
    assert out == "2 added, 0 changed, 0 unchanged, 0 removed; 3 bad rows refused\n"
    assert err.splitlines()[:2] == ["users.csv:3: the id is empty", "users.csv:5: id is not UTF-8"]
    assert err.splitlines()[2].startswith("users.csv:6: tier 'gold' is unknown")
    assert list(users.every_id(redis)) == ["ada", "bob"]


def test_import_as_json_is_one_document(redis: Redis, say: Say, tmp_path: Path) -> None:
    (tmp_path / "users.json").write_text('[{"id": "ada", "tier": "pro"}, {"id": "bob"}, {"id": "cy", "tier": "free"}]')
    status, out, err = say("users", "import", "users.json", "--json")
    said = json.loads(out)
    assert status == 1
    assert (said["added"], said["changed"], said["unchanged"], said["removed"], said["bad_count"]) == (2, 0, 0, 0, 1)
    assert said["bad"][0]["item"] == 2
    assert err.startswith("users.json: item 2: tier '' is unknown")
    status, out, err = say("users", "import", "users.json", "--json", "--prune", "--dry-run")
    said = json.loads(out)
    assert (said["dry_run"], said["unchanged"]) == (True, 2)
    assert "nobody was removed" in said["prune_refused"]


def test_import_prunes_and_a_dry_run_does_not(redis: Redis, say: Say, tmp_path: Path) -> None:
    set_users(redis, [User("ada", "pro"), User("bob", "free")])
    (tmp_path / "users.csv").write_text("id,tier\nada,pro\n")
    assert say("users", "import", "users.csv", "--prune", "--dry-run") == (
        0,
        "dry run, nothing was changed: 0 added, 0 changed, 1 unchanged, 1 removed\nwould be removed: bob\n",
        "",
    )
    assert users.count(redis) == 2
    status, out, err = say("users", "import", "users.csv", "--prune")
    assert (status, out) == (1, "0 added, 0 changed, 1 unchanged, 0 removed\n")
    assert one_line(err).startswith("users.csv: nobody was removed, although the file does not name 1 user: add --yes")
    assert users.count(redis) == 2
    assert say("users", "import", "users.csv", "--prune", "--yes") == (0, "0 added, 0 changed, 1 unchanged, 1 removed\n", "")
    assert list(users.every_id(redis)) == ["ada"]


def test_a_dry_run_of_a_prune_names_who_would_go(redis: Redis, say: Say, tmp_path: Path) -> None:
    set_users(redis, [User(f"user-{n:02}", "free") for n in range(30)])
    (tmp_path / "users.csv").write_text("id,tier\nuser-00,free\n")
    status, out, _ = say("users", "import", "users.csv", "--prune", "--dry-run")
    assert status == 0
    assert out.splitlines()[1] == f"would be removed: {', '.join(f'user-{n:02}' for n in range(1, 21))}, and 9 more"
    said = json.loads(say("users", "import", "users.csv", "--prune", "--dry-run", "--json")[1])
    assert said["removed_users"] == [f"user-{n:02}" for n in range(1, 30)]
    assert users.count(redis) == 30


@pytest.mark.parametrize(("answer", "status", "left"), [("n", 1, ["ada", "bob"]), ("y", 0, ["ada"])])
def test_a_prune_asks_at_a_terminal(redis: Redis, tmp_path: Path, answer: str, status: int, left: list[str]) -> None:
    set_users(redis, [User("ada", "pro"), User("bob", "free")])
    (tmp_path / "users.csv").write_text("id,tier\nada,pro\n")
    command = [sys.executable, "-m", "console.cli", "users", "import", "users.csv", "--prune"]
    with on_a_terminal(command, tmp_path) as terminal:
        terminal.shows("Remove 1 user that the file does not name (bob)?", "[y/N]:")
        terminal.press(answer, "enter")
        assert terminal.ends() == status
        assert ("nobody was removed, as you said no" in terminal.text) == (answer == "n")
    assert list(users.every_id(redis)) == left


def test_a_prune_from_standard_input_needs_yes(redis: Redis) -> None:
    set_users(redis, [User("ada", "pro"), User("bob", "free")])
    row = b'{"id": "ada", "tier": "free"}\n'
    done = program("users", "import", "-", "--prune", input=row, capture_output=True)
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert (list(users.every_id(redis)), users.get(redis, "ada").tier) == (["ada", "bob"], "free")
    done = program("users", "import", "-", "--prune", "--yes", input=row, capture_output=True)
    assert (done.returncode, list(users.every_id(redis))) == (0, ["ada"])


@pytest.mark.parametrize("content", ["", "id,tier\n", "id,tier\nada,gold\n"])
def test_import_refuses_to_prune_on_doubtful_grounds(redis: Redis, say: Say, tmp_path: Path, content: str) -> None:
    set_user(redis, User("ada", "pro"))
    (tmp_path / "users.csv").write_text(content)
    status, _, err = say("users", "import", "users.csv", "--prune")
    assert status == 1
    assert "users.csv: nobody was removed, because" in err
    assert list(users.every_id(redis)) == ["ada"]


def test_import_tells_a_bounded_number_of_bad_rows(redis: Redis, say: Say, tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("id,tier\n" + ",pro\n" * (MAX_BAD_ROWS + 1_234))
    status, out, err = say("users", "import", "users.csv")
    assert status == 1
    assert "2,234 bad rows refused" in out
    assert len(err.splitlines()) == MAX_BAD_ROWS + 1
    assert err.splitlines()[-1] == "users.csv: and 1,234 more bad rows"


def test_import_shows_no_secret_and_no_escape_of_a_bad_row(redis: Redis, say: Say, tmp_path: Path) -> None:
    name = "us\x1b[2Jers.csv"
    rows = [
        "ada,pro,ftp://ann:s3cret@a.example/,",
        "bob,pro,,http://ann:s3/cret@a.example/",
        f"cy,pro,https://ann:s3cret{'s3cret' * 20}@[a.example/,",
        "dee,\x1b]0;owned\x07\u202e,,",
        "\x1b[2Jerin,pro,,",
    ]
    (tmp_path / name).write_text("id,tier,sources,webhook\n" + "\n".join(rows) + "\n")
    status, out, err = say("users", "import", name)
    assert status == 1
    assert err.count("\n") == len(rows)
    assert "s3" not in out + err
    assert all(character == "\n" or character.isprintable() for character in out + err)


@pytest.mark.parametrize("file", ["absent.csv", ".", "a\x1b[2J.csv"])
def test_a_file_that_is_not_there_is_one_line(redis: Redis, say: Say, file: str) -> None:
    status, out, err = say("users", "import", file)
    assert (status, out) == (2, "")
    assert "\x1b" not in one_line(err)


def program(*arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "console.cli", *arguments], check=False, timeout=60, **options)


def test_import_reads_standard_input(redis: Redis) -> None:
    done = program("users", "import", "-", input=b'{"id": "ada", "tier": "pro"}\n{"id": "bob"}\n', capture_output=True)
    assert done.returncode == 1
    assert done.stdout == b"1 added, 0 changed, 0 unchanged, 0 removed; 1 bad row refused\n"
    assert done.stderr.startswith(b"stdin:2: tier '' is unknown")
    assert list(users.every_id(redis)) == ["ada"]


def test_import_shows_its_progress_on_a_terminal_only(redis: Redis, tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("id,tier\n" + "".join(f"user-{n},free\n" for n in range(1_000)))
    out = tmp_path / "out"
    with out.open("wb") as file:
        shown = on_terminal("stderr", "users", "import", "users.csv", stdout=file)
    assert out.read_text() == "1,000 added, 0 changed, 0 unchanged, 0 removed\n"
    assert b"importing" in shown


def on_terminal(stream: str, *arguments: str, columns: int = 60, **options: Any) -> bytes:
    """Run the program with one of its streams on a terminal of that many columns; what it wrote there."""
    main, child = pty.openpty()
    with open(main, "rb", buffering=0) as terminal:
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": str(columns)}
        process = subprocess.Popen(
            [sys.executable, "-m", "console.cli", *arguments], env=environment, **{stream: child}, **options
        )
        os.close(child)
        shown = b"".join(drained(terminal))
        assert process.wait(60) == 0
    return shown


def drained(terminal: io.FileIO) -> Iterator[bytes]:
    """What is written to a terminal until its other end is closed, which Linux tells by an error."""
    try:
        while chunk := terminal.read(65_536):
            yield chunk
    except OSError:
        return


# --- list and show ------------------------------------------------------------------------------


def test_list_pages_by_prefix(redis: Redis, say: Say) -> None:
    names = [f"user-{n:04}" for n in range(1_200)]
    for at in range(0, 1_200, 200):
        set_users(redis, [User(name, "free") for name in names[at : at + 200]])
    set_user(redis, User("other", "pro"))
    status, out, err = say("users", "list", "--json")
    said = json.loads(out)
    assert (status, err, said["total"]) == (0, "", 1_201)
    assert [user["id"] for user in said["users"]] == ["other", *names[:49]]
    assert said["next"] == names[48]
    everybody: list[str] = []
    after: list[str] = []
    while True:
        said = json.loads(say("users", "list", "--prefix", "user-", "--limit", "700", "--json", *after)[1])
        assert said["total"] == 1_200
        everybody += [user["id"] for user in said["users"]]
        if said["next"] is None:
            break
        after = ["--after", said["next"]]
    assert everybody == names
    status, out, err = say("users", "list", "--prefix", "user-", "--limit", "2")
    assert [line.split()[0] for line in out.splitlines()] == ["USER", "user-0000", "user-0001"]
    assert err == "2 of 1,200 users; for those that follow: --after 'user-0001'\n"


def test_list_passes_over_what_is_no_user(redis: Redis, say: Say) -> None:
    set_users(redis, [User("ada", "pro"), User("bob", "pro"), User("zoe", "free")])
    redis.zadd(keys.USERS, {b"c\xe9": 0})
    redis.hset(keys.USER + "ada", b"caf\xe9", "x")
    redis.delete(keys.USER + "bob")
    redis.rpush(keys.USER + "bob", "no hash")
    status, out, err = say("users", "list", "--json")
    assert (status, err) == (0, "")
    assert [user["id"] for user in json.loads(out)["users"]] == ["ada", "zoe"]


def test_list_cuts_nothing_when_it_is_piped(redis: Redis) -> None:
    long = User("x" * 256, "free", webhook=f"https://{'h' * 60}.{'e' * 60}.example/{'y' * 1_900}")
    set_user(redis, long)
    done = program("users", "list", capture_output=True)
    assert done.returncode == 0
    assert long.id.encode() in done.stdout
    assert f"https://{'h' * 60}.{'e' * 60}.example/…".encode() in done.stdout
    assert len(done.stdout.splitlines()) == 2


def test_list_shortens_ids_on_a_terminal_and_folds_them_on_a_narrow_one(redis: Redis) -> None:
    set_user(redis, User("x" * 100, "free"))
    shown = on_terminal("stdout", "users", "list", columns=80).decode()
    assert "x" * 31 + "…" in shown
    assert max(map(len, shown.splitlines())) <= 80
    shown = on_terminal("stdout", "users", "list", columns=50).decode()
    assert shown.count("x") == 100
    assert max(map(len, shown.splitlines())) <= 50


def test_an_empty_list_says_what_would_fill_it(redis: Redis, say: Say) -> None:
    assert say("users", "list") == (0, "", "no users; `users set` or `users import` adds one\n")
    set_user(redis, User("ada", "pro"))
    status, out, err = say("users", "list", "--prefix", "z")
    assert (status, out, err) == (0, "", "no user begins with 'z'; `users set` or `users import` adds one\n")
    assert json.loads(say("users", "list", "--prefix", "z", "--json")[1]) == {"total": 0, "users": [], "next": None}


def test_show_tells_everything_but_secrets(redis: Redis, say: Say) -> None:
    set_user(redis, SECRETIVE)
    set_user(redis, User("ada-too", "free"))
    status, out, err = say("users", "show", "ada", "--json")
    said = json.loads(out)
    assert (status, err) == (0, "")
    assert said["user"] == {
        "id": "ada",
        "tier": "pro",
        "zone": "Europe/Rome",
        "sources": ["https://…@a.example/x?…"],
        "webhook": "https://h.example/…",
        "active": True,
    }
    assert [(one["user"], one["task"], one["state"], one["runs"]) for one in said["schedules"]] == [
        ("ada", "scrape", "armed", [])
    ]
    assert "s3cret" not in out
    for arguments in (("users", "show", "ada"), ("users", "list"), ("users", "list", "--json")):
        status, out, _ = say(*arguments)
        assert status == 0
        assert "h.example" in out
        assert "s3cret" not in out


def test_what_redis_holds_cannot_act_on_the_terminal(redis: Redis, say: Say) -> None:
    set_user(redis, User("ada\u202eevil", "pro"))
    redis.hset("tq:user:ada\u202eevil", mapping={"zone": "\x1b[2JRome", "webhook": "https://h.example/\x1b]0;x\x07"})
    for arguments in (("users", "list"), ("users", "show", "ada\u202eevil"), ("users", "list", "--json")):
        status, out, _ = say(*arguments)
        assert status == 0
        assert all(character == "\n" or character.isprintable() for character in out)
    assert "ada\\u202eevil" in say("users", "list")[1]
    assert "␛[2JRome" in say("users", "list")[1]


# --- set and remove -----------------------------------------------------------------------------


def test_set_makes_a_user_and_then_changes_only_what_is_given(redis: Redis, say: Say) -> None:
    assert say("users", "set", "ada", "--tier", "free") == (0, "added ada: free, UTC\n", "")
    assert users.get(redis, "ada") == User("ada", "free")
    status, out, _ = say(
        *("users", "set", "ada", "--zone", "Europe/Rome", "--inactive", "--webhook", "https://h.example"),
        *("--source", "https://a.example", "--source", "https://b.example"),
    )
    assert (status, out) == (0, "changed ada: free, Europe/Rome, inactive\n")
    full = User("ada", "free", "Europe/Rome", ("https://a.example", "https://b.example"), "https://h.example", active=False)
    assert users.get(redis, "ada") == full
    assert not schedules.get(redis, "ada", "scrape").active
    say("users", "set", "ada", "--tier", "pro")
    assert users.get(redis, "ada") == replace(full, tier="pro")
    assert schedules.get(redis, "ada", "scrape").lane == "high"
    say("users", "set", "ada", "--active", "--source", "", "--webhook", "")
    assert users.get(redis, "ada") == User("ada", "pro", "Europe/Rome")


def test_set_that_changes_nothing_says_so(redis: Redis, say: Say) -> None:
    set_user(redis, User("ada", "pro"))
    assert say("users", "set", "ada", "--tier", "pro") == (0, "unchanged ada: pro, UTC\n", "")
    assert say("users", "set", "ada") == (
        0,
        "unchanged ada: pro, UTC\n",
        "nothing to change was given: --tier, --zone, --source, --webhook, --active or --inactive\n",
    )


def test_remove_asks_for_yes(redis: Redis, say: Say) -> None:
    set_user(redis, User("ada", "pro"))
    status, _, err = say("users", "remove", "ada")
    assert status == 2
    assert "remove changes something: add --yes to do it" in one_line(err)
    assert users.count(redis) == 1
    assert say("users", "remove", "ada", "--yes") == (0, "removed ada\n", "")
    assert users.count(redis) == 0
    assert schedules.count(redis) == 0


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["show", "nobody"], "user 'nobody' is not in the directory"),
        (["show", "\x1b[2J\u202e"], "is not in the directory"),
        (["show", os.fsdecode(b"\xff")], "is not UTF-8"),
        (["remove", "nobody", "--yes"], "user 'nobody' is not in the directory"),
        (["set", "nobody"], "to add it, give --tier too"),
        (["set", "ada", "--tier", "gold"], "tier 'gold' is unknown; use one of pro"),
        (["set", "ada", "--tier", "pro", "--zone", "Mars/Olympus"], "time zone 'Mars/Olympus' is unknown"),
        (["set", "ada", "--tier", "pro", "--source", "javascript:alert(1)"], "is no http or https URL"),
        (["set", "ada", "--tier", "pro", "--source", "ftp://ann:s3cret@a.example"], "source 'ftp://…@a.example' is no"),
        (["set", "", "--tier", "pro"], "the id is empty"),
        (["set", "a\nb", "--tier", "pro"], "control character"),
        (["set", "x" * 10_240, "--tier", "pro"], "has 10240 bytes"),
        (["set", "ada", "--tier", "pro", "--source", "http://a b"], "source 'http://a b' has a space"),
        (["set", " ada", "--tier", "pro"], "id ' ada' begins or ends with a space"),
        (["set", "zoe\u0308", "--tier", "pro"], "is not in the normal form NFC"),
        (["list", "--limit", "0"], "'--limit': 0 is no whole number from 1 to 100,000"),
        (["list", "--limit", "many"], "'--limit': many is no whole number from 1 to 100,000"),
        (["list", "--prefix", os.fsdecode(b"\xff")], "is not UTF-8"),
        (["nonsense"], "nonsense"),
    ],
)
def test_bad_input_is_one_line_and_changes_nothing(redis: Redis, say: Say, arguments: list[str], reason: str) -> None:
    status, out, err = say("users", *arguments)
    assert (status, out) == (2, "")
    assert reason in one_line(err)
    assert err[:-1].isprintable()
    assert "s3cret" not in err
    assert redis.dbsize() == 0


# --- the audit ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected", "came"),
    [
        (["set", "ada", "--tier", "free"], {"command": "change", "scope": "user ada", "options": "tier free"}, "done"),
        (
            ["set", "bob", "--tier", "pro", "--inactive", "--source", "", "--webhook", "https://h.example/x?token=s3cret"],
            {
                "command": "change", "scope": "user bob",
                "options": "tier pro, no sources, webhook https://h.example/…, active no",
            },
            "done",
        ),
        (["set", "ada", "--tier", "pro"], {"command": "change", "options": "tier pro"}, "skipped:same"),
        (["remove", "ada", "--yes"], {"command": "remove", "scope": "user ada with 1 schedule"}, "done"),
        (["import", "users.csv"], {"command": "import", "scope": "users of users.csv", "options": ""}, "done"),
        (["import", "users.csv", "--prune", "--yes"], {"command": "import", "options": "prune"}, "done"),
        (["import", "bad.csv"], {"command": "import", "scope": "users of bad.csv"}, "failed:invalid"),
    ],
)  # fmt: skip
def test_it_is_in_the_audit(
    redis: Redis, say: Say, monkeypatch: pytest.MonkeyPatch, arguments: list[str], expected: dict[str, str], came: str
) -> None:
    monkeypatch.setenv("TQ_OPERATOR", "ann")
    set_user(redis, User("ada", "pro"))
    Path("users.csv").write_text("id,tier\nbob,free\n")
    Path("bad.csv").write_text("id,tier\nbob,gold\n")
    say("users", *arguments)
    begun, ended = (fields for _, fields in redis.xrange(keys.ACTIVITY))
    assert begun.items() >= {name.encode(): value.encode() for name, value in {**expected, "who": "ann"}.items()}.items()
    assert (ended[b"operation"], ended[came.encode()]) == (begun[b"operation"], b"1")
    assert b"s3cret" not in repr(redis.xrange(keys.ACTIVITY)).encode()


@pytest.mark.parametrize(
    "arguments", [["import", "users.csv", "--dry-run"], ["remove", "ada"], ["set", "ada", "--tier", "gold"]]
)
def test_what_changes_nothing_is_not_in_the_audit(redis: Redis, say: Say, arguments: list[str]) -> None:
    set_user(redis, User("ada", "pro"))
    Path("users.csv").write_text("id,tier\nbob,free\n")
    say("users", *arguments)
    assert not redis.exists(keys.ACTIVITY)


def test_nothing_is_changed_where_it_cannot_be_noted(redis: Redis, say: Say) -> None:
    set_user(redis, User("ada", "pro"))
    Path("users.csv").write_text("id,tier\nbob,free\n")
    redis.set(keys.ACTIVITY, "no stream")
    for arguments in (
        ["set", "ada", "--tier", "free"],
        ["remove", "ada", "--yes"],
        ["import", "users.csv", "--prune", "--yes"],
    ):
        assert say("users", *arguments)[0] == 3, arguments
    assert [user.tier for user in users.get_many(redis, ["ada"]) if user] == ["pro"]
    assert list(users.every_id(redis)) == ["ada"]
