"""The file of contexts: what it says, and that whatever is wrong in it is one line without a password."""

from __future__ import annotations

import gc
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from redis import Redis

from console import cli, contexts, settings
from console.app import Console
from console.contexts import Context
from console.model.ports import Target
from console.settings import SettingError
from console.store.writer import StoreWriter
from tests.conftest import Server

SECRET = "s3cret"
URL = f"rediss://ops:{SECRET}@cache-1/0"


def written(folder: Path, text: str | bytes) -> Path:
    file = folder / "contexts.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def refused(file: Path, environ: dict[str, str] | None = None) -> str:
    """The line in which the file is refused, after its name."""
    with pytest.raises(SettingError) as caught:
        contexts.read(file, environ or {})
    line = str(caught.value)
    assert SECRET not in line
    assert line.isprintable()
    assert len(line) < 300 + len(str(file))
    assert str(file) in line
    return line.partition(f"{file}: ")[2]


def test_contexts_in_the_order_of_the_file(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        f"""
        [prod]
        url = "{URL}"
        colour = "red"
        read_only = true
        prefix = "shop"

        [staging]
        url_env = "STAGING_URL"
        """,
    )
    assert contexts.read(file, {"STAGING_URL": "redis://staging/1"}) == (
        Context("prod", URL, "red", True, "shop"),
        Context("staging", "redis://staging/1", "blue", False, "rq"),
    )


def test_a_context_shows_no_url(tmp_path: Path) -> None:
    [prod] = contexts.read(written(tmp_path, f'[prod]\nurl = "{URL}"'), {})
    assert SECRET not in repr(prod)


def test_an_empty_file_has_none(tmp_path: Path) -> None:
    assert contexts.read(written(tmp_path, "# none yet\n"), {}) == ()


def test_the_usual_file_need_not_be_there_and_is_read_when_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert contexts.read(None, {}) == ()
    contexts.usual_file().parent.mkdir(parents=True)
    contexts.usual_file().write_text(f'[prod]\nurl = "{URL}"\n')
    assert [context.name for context in contexts.read(None, {})] == ["prod"]
    contexts.usual_file().write_text("prod = 1\n")
    assert refused_usual() == "[prod] is no table; write [name] and, below it, url or url_env"


def refused_usual() -> str:
    with pytest.raises(SettingError) as caught:
        contexts.read(None, {})
    return str(caught.value).removeprefix(f"{contexts.usual_file()}: ")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f'url = "{URL}"\n', "[url] is no table; write [name] and, below it, url or url_env"),
        (f'[prod]\nurl = "{URL}"\ncolor = "red"\n', "[prod] has color, which is unknown; there are url, url_env, colour"),
        (f'[prod]\nurl = "{URL}"\n[prod.eu]\nurl = "{URL}"\n', "[prod] has eu, which is unknown"),
        (f'[prod]\nurl = ["{URL}"]\n', "[prod] url wants a text in quotes"),
        ("[prod]\nurl_env = 1\n", "[prod] url_env wants a text in quotes"),
        (f'[prod]\nurl = "{URL}"\nread_only = "true"\n', "[prod] read_only wants true or false"),
        (f'[prod]\nurl = "{URL}"\nread_only = 1\n', "[prod] read_only wants true or false"),
        (f'[prod]\nurl = "{URL}"\nprefix = true\n', "[prod] prefix wants a text in quotes"),
        ("[prod]\n", "[prod] wants one of url and url_env"),
        ('[prod]\nurl = ""\n', "[prod] wants one of url and url_env"),
        (f'[prod]\nurl = "{URL}"\nurl_env = "PROD_URL"\n', "[prod] wants one of url and url_env"),
        (
            f'[prod]\nurl_env = "{URL}"\n',
            "[prod] url_env wants the name of a variable that holds the URL; a URL itself belongs",
        ),
        (f'[prod]\nurl = "{URL}"\ncolour = "pink"\n', "[prod] colour is pink; write one of blue, green, yellow, red"),
        (f'[prod]\nurl = "{URL}"\ncolour = "{URL}"\n', "[prod] colour is rediss://…@cache-1/0; write one of"),
        (f'[prod]\n"{URL}" = true\n', "[prod] has rediss://…@cache-1/0, which is unknown"),
        (f'["{URL}"]\n', "[rediss://…@cache-1/0] wants one of url and url_env"),
        (f'[prod]\nurl = "{URL}\\u0000"\n', "[prod] url has a character that nobody sees; write it again by hand"),
        (f'[prod]\nurl = "{URL}"\nprefix = "r\\u202eq"\n', "[prod] prefix has a character that nobody sees"),
        ('["\\u001b[2J"]\n', "[␛[2J] wants one of url and url_env"),
        (f"[prod]\nurl = {URL}\n", "is no TOML: Invalid value (at line 2, column 7)"),
        (f'[prod]\nurl = "{URL}\n', "is no TOML: "),
        (f"[prod]\nurl = '{URL}' {SECRET}\n", "is no TOML: Expected newline or end of document after a statement (at line 2,"),
        (f"{URL}\n", "is no TOML: Expected '=' after a key in a key/value pair (at line 1, column 7)"),
        (f'["{URL}"]\nurl="x"\n["{URL}"]\n', "is no TOML: "),
        ("[a]\n" + "k" * 5_000 + " = {x = 1, x = 2}\n", "is no TOML: "),
        (f"[{'k' * 5_000}]\n[{'k' * 5_000}]\n", "is no TOML: …kkk"),
        ("[prod]\nurl = " + "9" * 5_000, "has a number or brackets that no context needs; leave them out"),
        ("[prod]\nurl = " + "[" * 5_000, "has a number or brackets that no context needs; leave them out"),
        (b"[prod]\nurl = '\xff'\n", "is not UTF-8; save it as UTF-8"),
    ],
)
def test_a_bad_file_is_one_line_with_file_context_and_key_and_no_password(tmp_path: Path, text: str | bytes, line: str) -> None:
    assert refused(written(tmp_path, text)).startswith(line)


def test_a_file_that_is_asked_for_must_be_there(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.toml") == "there is no such file"
    assert refused(tmp_path) == "cannot be read: Is a directory"


def test_a_context_by_its_name() -> None:
    known = (Context("prod", URL), Context("staging\x1b[2J", URL))
    assert contexts.named(known, "prod") is known[0]
    with pytest.raises(SettingError) as caught:
        contexts.named(known, "produ\x1bction")
    assert str(caught.value) == "there is no context produ␛ction; there are prod, staging␛[2J"


def test_where_there_is_no_context_it_says_where_to_write_one() -> None:
    with pytest.raises(SettingError) as caught:
        contexts.named((), "prod")
    assert str(caught.value) == f"there is no context prod; there are none: write them into {contexts.usual_file()}"


# --- on the command line ------------------------------------------------------------------------


def test_a_command_works_on_the_context_that_is_chosen(redis: Redis, server: Server, tmp_path: Path) -> None:
    redis.rpush("shop:queue:mail", "job-1")
    redis.sadd("shop:queues", "shop:queue:mail")
    file = written(tmp_path, f'[here]\nurl = "{server.url}"\nprefix = "shop"\n')
    done = program("--context", "here", "jobs", "--json", TQ_CONTEXTS=str(file), RQ_REDIS_URL="redis://nowhere.invalid/0")
    assert (done.returncode, done.stderr) == (0, "")
    assert [job["id"] for job in json.loads(done.stdout)["jobs"]] == ["job-1"]


def test_a_context_or_a_setting_that_is_wrong_is_one_line_and_exit_2(tmp_path: Path) -> None:
    file = written(tmp_path, f'[prod]\nurl = "{URL}"\ncolour = "pink"\n')
    for environ, words in (
        ({"TQ_CONTEXTS": str(file)}, "[prod] colour is pink; write one of blue"),
        ({"TQ_CONTEXT": "prod"}, "there is no context prod; there are none"),
        ({"TQ_REFRESH": "fast"}, "TQ_REFRESH: fast is no number of seconds"),
    ):
        done = program("jobs", **environ)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert done.stderr.startswith("tq-console: ")
        assert words in done.stderr
        assert SECRET not in done.stderr


@pytest.mark.parametrize("prefix", ["", "a b"])
@pytest.mark.parametrize("command", [(), ("--help",), ("status",), ("users", "list"), ("jobs",)])
def test_a_prefix_that_rq_refuses_is_one_line_and_exit_2(prefix: str, command: tuple[str, ...]) -> None:
    done = program(*command, RQ_KEY_PREFIX=prefix)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"tq-console: RQ_KEY_PREFIX: {prefix!r} is no prefix; write letters, digits and ")


def program(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "console.cli", *arguments],
        env={**os.environ, **environ},
        check=False,
        timeout=60,
        text=True,
        capture_output=True,
    )


def test_a_variable_that_is_not_set_keeps_nobody_from_the_other_servers(tmp_path: Path) -> None:
    file = tmp_path / "contexts.toml"
    file.write_text(f'[prod]\nurl = "{URL}"\n[stage]\nurl_env = "STAGE_URL"\n')
    known = contexts.read(file, {})
    assert contexts.named(known, "prod").url == URL
    with pytest.raises(SettingError, match=r"\[stage\] url_env: STAGE_URL is not set; set it to the server's URL"):
        contexts.named(known, "stage")


# --- production, and who may change something -------------------------------------------------------


def test_production_is_told_and_wants_a_switch(tmp_path: Path) -> None:
    file = written(tmp_path, f'[prod]\nurl = "{URL}"\nproduction = true\n[test]\nurl = "redis://test"\n')
    assert [(context.name, context.production) for context in contexts.read(file, {})] == [("prod", True), ("test", False)]
    assert "production wants true or false" in refused(written(tmp_path, f'[prod]\nurl = "{URL}"\nproduction = "yes"\n'))


def opened(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> list[Target]:
    """The targets of the console that this command line opens, the first one of them looked at."""
    made: list[Target] = []

    def run(console: Console) -> None:
        made.extend([console.target, *console.targets])

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(Console, "run", run)
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, Terminal())
    interval = sys.getswitchinterval()
    try:
        assert cli.run(list(arguments)) == 0
    finally:
        gc.enable()
        sys.setswitchinterval(interval)
    return made


def test_only_where_something_may_be_changed_is_there_a_writer(
    redis: Redis, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(
        tmp_path,
        f'[prod]\nurl = "{server.url}"\nproduction = true\n[look]\nurl = "{server.url}"\nread_only = true\n'
        '[unset]\nurl_env = "NOBODY_SET_THIS"\n',
    )
    monkeypatch.setenv("TQ_CONTEXTS", str(file))
    first, *targets = opened(monkeypatch, "--context", "prod")
    writes = {target.name: target.write for target in targets}
    assert first is targets[0]
    assert (first.name, first.production, first.read_only) == ("prod", True, False)
    assert first.write is not None
    writer = first.write()
    assert isinstance(writer, StoreWriter)
    writer.close()
    assert (writes["look"], writes["unset"]) == (None, None)
    assert [target.write for target in opened(monkeypatch, "--read-only", "--context", "prod")] == [None] * 4
    monkeypatch.setenv("TQ_READ_ONLY", "1")
    assert [target.write for target in opened(monkeypatch)] == [None] * 5
    monkeypatch.delenv("TQ_READ_ONLY")
    unnamed, *_ = opened(monkeypatch)
    assert (unnamed.name, unnamed.production) == ("", False)
    assert unnamed.write is not None


def test_commands_are_told_which_name_has_to_be_typed(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, f'[prod]\nurl = "{server.url}"\nproduction = true\n[test]\nurl = "{server.url}"\n')
    monkeypatch.setenv("TQ_CONTEXTS", str(file))

    @click.command()
    @click.pass_context
    def typed(ctx: click.Context) -> None:
        click.echo(f"type {ctx.meta[settings.PRODUCTION]!r}")

    monkeypatch.setattr(cli._Commands, "get_command", lambda self, ctx, name: typed)
    assert cli.run(["--context", "prod", "typed"]) == 0
    assert cli.run(["--context", "test", "typed"]) == 0
    assert cli.run(["typed"]) == 0
    assert capsys.readouterr().out == "type 'prod'\ntype ''\ntype ''\n"
