"""One exchange is bounded in size, time and redirects, and its errors say whether to try again, and no secret."""

from __future__ import annotations

import gzip
import itertools
import logging
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from email.utils import formatdate
from ipaddress import ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.errors import PermanentError, RetryAfter
from jobs.web import fetch
from jobs.web.answers import MAX_RETRY_AFTER, Unavailable, retry_after
from jobs.web.fetch import LIMITS, Fetched, Limits, Validators
from jobs.web.guard import GuardedBackend
from tests.jobs.loopback_site import Answer, Asked, Site, serving

NOW = 1_800_000_000.0


@pytest.fixture(scope="module")
def running() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture
def site(running: Site) -> Site:
    running.answers.clear()
    running.asked.clear()
    return running


def get(url: str, known: Validators | None = None, limits: Limits = LIMITS) -> Fetched | None:
    return fetch.get(url, known, limits=limits, backend=GuardedBackend([ip_network("127.0.0.0/8")]))


def page(url: str, limits: Limits = LIMITS) -> Fetched:
    found = get(url, limits=limits)
    assert found is not None
    return found


def post(url: str, limits: Limits = LIMITS) -> None:
    fetch.post(url, b"{}", {"X-Mark": "1"}, limits=limits, backend=GuardedBackend([ip_network("127.0.0.0/8")]))


# --- what comes back ------------------------------------------------------------------------------


def test_a_page_as_it_came(site: Site) -> None:
    url = site.page("/page", "hello", ETag='"one"', Last_Modified="Wed, 01 Jan 2025 00:00:00 GMT")
    found = page(url + "#part")
    assert (found.url, found.content_type, found.charset) == (url, "text/html", "utf-8")
    assert found.body == b"<title>/page</title><p>hello</p>"
    assert (found.etag, found.last_modified) == ('"one"', "Wed, 01 Jan 2025 00:00:00 GMT")


def test_what_did_not_change_is_not_sent_again(site: Site) -> None:
    def conditional(asked: Asked, earlier: int) -> Answer:
        same = asked.headers.get("if-none-match") == '"one"' and asked.headers.get("if-modified-since") == "then"
        return Answer(304, type="") if same else Answer(body=b"new", headers={"ETag": '"one"', "Last-Modified": "then"})

    site.answers["/known"] = conditional
    first = page(site.url("/known"))
    assert get(site.url("/known"), Validators(first.url, first.etag, first.last_modified)) is None
    assert get(site.url("/known"), Validators(first.url, '"old"', "")) is not None


def test_validators_are_sent_only_to_the_url_that_gave_them(site: Site) -> None:
    site.answers["/old"] = Answer(302, headers={"Location": "/new"})
    site.page("/new", "moved", ETag='"new"')
    found = page(site.url("/old"))
    assert found.url == site.url("/new")
    site.asked.clear()
    get(site.url("/old"), Validators(found.url, found.etag, ""))
    assert [asked.headers.get("if-none-match") for asked in site.asked] == [None, '"new"']


def test_a_304_that_nobody_asked_for_is_no_page(site: Site) -> None:
    site.answers["/odd"] = Answer(304, type="")
    with pytest.raises(PermanentError, match="answered 304 Not Modified"):
        get(site.url("/odd"))


def test_user_info_is_sent_as_a_password_and_shown_nowhere(site: Site) -> None:
    site.page("/private", "for you")
    found = page(f"http://ann:s3cret@127.0.0.1:{site.port}/private")
    assert site.asked[0].headers["authorization"] == "Basic YW5uOnMzY3JldA=="
    assert found.url == site.url("/private")
    assert "s3cret" not in repr(found)


# --- sizes ----------------------------------------------------------------------------------------


def test_an_endless_page_is_cut_off(site: Site) -> None:
    site.answers["/endless"] = Answer(body=itertools.repeat(b"x" * 65_536))
    with pytest.raises(PermanentError, match=r"^127\.0\.0\.1:\d+: is larger than 2 MB$"):
        get(site.url("/endless"))


def test_a_page_that_announces_too_much_is_not_read(site: Site) -> None:
    # Nothing follows, so reading would wait for the time limit and say something else.
    site.answers["/announced"] = Answer(body=site.drip(), headers={"Content-Length": "2000001"})
    with pytest.raises(PermanentError, match="is larger than 2 MB"):
        get(site.url("/announced"))


def test_a_page_of_exactly_the_limit_is_read_and_one_byte_more_is_not(site: Site) -> None:
    for packed in (False, True):
        for size in (1000, 1001):
            body = b"x" * size
            coding = {"Content-Encoding": "gzip"} if packed else {}
            site.answers[f"/{size}{packed}"] = Answer(body=gzip.compress(body) if packed else body, headers=coding)
        assert len(page(site.url(f"/1000{packed}"), Limits(size=1000)).body) == 1000
        with pytest.raises(PermanentError, match="larger"):
            get(site.url(f"/1001{packed}"), limits=Limits(size=1000))


def test_a_gzip_bomb_never_takes_the_memory_that_it_asks_for(site: Site) -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(200)) + packer.flush()
    assert len(bomb) < 250_000
    site.answers["/bomb"] = Answer(body=bomb, headers={"Content-Encoding": "gzip"})
    tracemalloc.start()
    try:
        with pytest.raises(PermanentError, match="is larger than 2 MB"):
            get(site.url("/bomb"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000


def test_gzip_that_unpacks_to_nothing_is_cut_off_too(site: Site) -> None:
    packer = zlib.compressobj(wbits=31)
    head = packer.flush(zlib.Z_SYNC_FLUSH)
    site.answers["/nothing"] = Answer(
        body=itertools.chain([head], itertools.repeat(b"\x00\x00\x00\xff\xff" * 10_000)), headers={"Content-Encoding": "gzip"}
    )
    with pytest.raises(PermanentError, match="is larger than 2 MB"):
        get(site.url("/nothing"))


def test_gzip_is_unpacked(site: Site) -> None:
    site.answers["/packed"] = Answer(body=gzip.compress(b"hello " * 1000), headers={"Content-Encoding": "gzip"})
    assert page(site.url("/packed")).body == b"hello " * 1000
    assert site.asked[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("body", "message"),
    [(b"no gzip at all", "cannot be unpacked"), (gzip.compress(bytes(range(256)) * 50)[:-20], "ends too early")],
)
def test_broken_gzip_may_be_whole_the_next_time(site: Site, body: bytes, message: str) -> None:
    site.answers["/broken"] = Answer(body=body, headers={"Content-Encoding": "gzip"})
    with pytest.raises(Unavailable, match=message):
        get(site.url("/broken"))


def test_a_coding_that_was_not_asked_for_is_named(site: Site) -> None:
    site.answers["/br"] = Answer(body=b"?", headers={"Content-Encoding": "br"})
    with pytest.raises(PermanentError, match="sent the coding 'br'"):
        get(site.url("/br"))


# --- time -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/silent", "/drip", "/redirect"])
def test_the_whole_exchange_has_one_time_limit(site: Site, path: str) -> None:
    """A body that drips for ever never breaks a limit on single reads: without the one on the whole, this test hangs."""

    def silent(asked: Asked, earlier: int) -> Answer:
        site.ended.wait(30)
        return Answer()

    site.answers["/silent"] = silent
    site.answers["/drip"] = lambda asked, earlier: Answer(body=site.drip())
    site.answers["/redirect"] = lambda asked, earlier: Answer(302, site.drip(), {"Location": "/drip"})
    with pytest.raises(Unavailable, match=r"^127\.0\.0\.1:\d+: did not answer in time$"):
        get(site.url(path), limits=Limits(total=0.5))


def test_headers_that_drip_are_under_the_limit_too() -> None:
    ended = threading.Event()

    def drip(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while not ended.wait(0.02):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip, args=(listening,), daemon=True)
        thread.start()
        try:
            with pytest.raises(Unavailable, match="did not answer in time"):
                get(f"http://127.0.0.1:{listening.getsockname()[1]}/", limits=Limits(total=0.5))
        finally:
            ended.set()
            thread.join()


# --- redirects ------------------------------------------------------------------------------------


def test_five_redirects_are_followed_and_a_sixth_is_not(site: Site) -> None:
    for n in range(1, 7):
        site.answers[f"/{n}"] = Answer(301, headers={"Location": f"/{n - 1}"})
    site.page("/0", "there")
    assert page(site.url("/5")).url == site.url("/0")
    with pytest.raises(PermanentError, match="more than 5 redirects"):
        get(site.url("/6"))


def test_a_loop_ends(site: Site) -> None:
    site.answers["/loop"] = Answer(302, headers={"Location": "/loop?token=hidden"})
    site.answers["/loop?token=hidden"] = Answer(302, headers={"Location": "/loop"})
    with pytest.raises(PermanentError, match=r"^127\.0\.0\.1:\d+: more than 5 redirects$"):
        get(site.url("/loop"))
    assert len(site.asked) == 6


def test_the_body_of_a_redirect_is_not_read(site: Site) -> None:
    site.answers["/long"] = Answer(302, itertools.repeat(b"x" * 65_536), {"Location": "/0"})
    site.page("/0", "there")
    assert page(site.url("/long")).url == site.url("/0")


@pytest.mark.parametrize("location", ["ftp://example.com/x", "javascript:alert(1)", "file:///etc/passwd", "http://[::1"])
def test_a_redirect_to_what_is_no_web_address_is_refused(site: Site, location: str) -> None:
    site.answers["/away"] = Answer(302, headers={"Location": location})
    with pytest.raises(PermanentError):
        get(site.url("/away"))


def test_a_password_is_not_taken_along_to_another_site(site: Site) -> None:
    with serving() as other:
        other.page("/there", "other site")
        site.answers["/away"] = Answer(302, headers={"Location": other.url("/there")})
        page(f"http://ann:s3cret@127.0.0.1:{site.port}/away")
        assert "authorization" in site.asked[0].headers
        assert "authorization" not in other.asked[0].headers


# --- what an answer means -------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 451, 204, 206, 300])
def test_a_status_that_will_not_change_is_permanent(site: Site, status: int) -> None:
    site.answers["/it"] = Answer(status)
    with pytest.raises(PermanentError, match=f": answered {status} "):
        get(site.url("/it"))


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_a_status_that_may_change_is_not(site: Site, status: int) -> None:
    site.answers["/it"] = Answer(status)
    with pytest.raises(Unavailable, match=f": answered {status}"):
        get(site.url("/it"))


@pytest.mark.parametrize("status", [429, 503])
def test_the_site_says_when_to_come_back(site: Site, status: int) -> None:
    site.answers["/later"] = Answer(status, headers={"Retry-After": "77"})
    with pytest.raises(RetryAfter, match="come back in 77 s") as caught:
        get(site.url("/later"))
    assert caught.value.seconds == 77


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 5 ", 5),
        ("0", 0),
        ("", 0),
        ("soon", 0),
        ("-3", 0),
        ("1.5", 0),
        ("nan", 0),
        ("٣", 0),
        ("9" * 400, MAX_RETRY_AFTER),
        (formatdate(NOW + 60, usegmt=True), 60),
        (formatdate(NOW + 60), 60),
        (formatdate(NOW - 60, usegmt=True), 0),
        (formatdate(NOW + 400 * 86_400, usegmt=True), MAX_RETRY_AFTER),
        ("Wed, 99 Foo 2025 99:99:99 GMT", 0),
        ("Mon, 01 Jan 99999 00:00:00 GMT", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_bounded(header: str, seconds: float) -> None:
    assert retry_after(header, NOW) == seconds


def test_a_site_that_heals_is_read_the_next_time(site: Site) -> None:
    site.answers["/heals"] = lambda asked, earlier: Answer(500) if earlier == 0 else Answer(body=b"well")
    with pytest.raises(Unavailable):
        get(site.url("/heals"))
    assert page(site.url("/heals")).body == b"well"


@pytest.mark.parametrize("named", ["image/png", "application/pdf", "application/octet-stream", "video/mp4"])
def test_another_type_is_refused_by_its_name(site: Site, named: str) -> None:
    site.answers["/binary"] = Answer(body=site.drip(), type=named)
    with pytest.raises(PermanentError, match=f": sent {named}; HTML"):
        get(site.url("/binary"))


def test_no_type_is_refused_too(site: Site) -> None:
    site.answers["/untyped"] = Answer(body=b"?", type="")
    with pytest.raises(PermanentError, match="sent no type"):
        get(site.url("/untyped"))


@pytest.mark.parametrize(
    "named",
    [
        "TEXT/HTML",
        "text/plain; charset=latin-1",
        "application/xhtml+xml",
        "application/json",
        "application/ld+json",
        "application/rss+xml",
    ],
)
def test_a_readable_type_is_read(site: Site, named: str) -> None:
    site.answers["/typed"] = Answer(body=b"text", type=named)
    assert page(site.url("/typed")).content_type == named.partition(";")[0].lower()


def test_a_port_where_nobody_listens_may_be_listened_to_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(Unavailable, match=rf"^127\.0\.0\.1:{port}: Connection refused$"):
        get(f"http://127.0.0.1:{port}/?token=hidden")


@pytest.mark.parametrize(
    "answer", [b"", b"SSH-2.0-server\r\n", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 99\r\n\r\nshort"]
)
def test_what_is_no_whole_http_may_be_the_next_time(answer: bytes) -> None:
    def hang_up(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=hang_up, args=(listening,), daemon=True)
        thread.start()
        with pytest.raises(Unavailable, match="broke the HTTP protocol or hung up"):
            get(f"http://127.0.0.1:{listening.getsockname()[1]}/")
        thread.join()


@pytest.mark.parametrize(
    "url", ["", "nonsense", "ftp://h/x", "http://", "http:///x", "http://[::1", "http://h:99999/", "//h/x"]
)
def test_an_invalid_url_is_permanent(url: str) -> None:
    with pytest.raises(PermanentError, match="correct it"):
        get(url)


def nobody(host: str, port: int) -> list[str]:
    raise OSError(-2, "Name or service not known")


@given(st.one_of(st.text(), st.text().map("http://".__add__), st.text().map("https://ann:s3cret@".__add__)))
def test_no_text_at_all_raises_anything_else(url: str) -> None:
    with pytest.raises((PermanentError, Unavailable)) as caught:
        fetch.get(url, backend=GuardedBackend(resolver=nobody))
    assert "s3cret" not in str(caught.value)
    assert str(caught.value).isprintable()


@given(st.text(st.characters(max_codepoint=255, exclude_characters="\r\n")))
@settings(max_examples=50)
def test_no_location_at_all_raises_anything_else(running: Site, location: str) -> None:
    running.answers["/anywhere"] = Answer(302, headers={"Location": location.replace("anywhere", "")})
    with pytest.raises((PermanentError, Unavailable, RetryAfter)) as caught:
        get(running.url("/anywhere"))
    assert str(caught.value).isprintable()


# --- secrets --------------------------------------------------------------------------------------


def test_no_error_and_no_log_line_tells_a_secret(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    site.answers["/hooks/p4th?token=t0ken"] = lambda asked, earlier: Answer(404)
    for secret_url in (
        f"http://ann:s3cret@127.0.0.1:{site.port}/hooks/p4th?token=t0ken",
        "http://ann:s3cret@127.0.0.1:1/hooks/p4th?token=t0ken",
        "http://ann:s3cret@[::1/hooks/p4th?token=t0ken",
        "ftp://ann:s3cret@host/hooks/p4th?token=t0ken",
        "http://ann:s3cret@10.0.0.1/hooks/p4th?token=t0ken",
    ):
        with pytest.raises((PermanentError, Unavailable)) as caught:
            get(secret_url)
        error: BaseException = caught.value
        for text in (str(error), caplog.text):
            assert not any(secret in text for secret in ("s3cret", "t0ken", "p4th", "ann"))
        assert "\n" not in str(error)
        # A traceback shows what an error was raised from, unless that is suppressed.
        assert error.__cause__ is None
        assert error.__suppress_context__ or error.__context__ is None


def test_other_users_of_httpx_keep_their_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="httpx")
    logging.getLogger("httpx").info("somebody else's line")
    assert "somebody else's line" in caplog.text


# --- sending --------------------------------------------------------------------------------------


def test_a_post_is_sent_with_its_headers(site: Site) -> None:
    site.answers["/hook"] = Answer(202, itertools.repeat(b"x" * 65_536), type="application/octet-stream")
    post(site.url("/hook"))
    asked = site.asked[0]
    assert (asked.method, asked.body, asked.headers["x-mark"]) == ("POST", b"{}", "1")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (302, PermanentError),
        (307, PermanentError),
        (400, PermanentError),
        (410, PermanentError),
        (408, Unavailable),
        (500, Unavailable),
    ],
)
def test_a_post_that_is_not_taken_fails_and_follows_nowhere(site: Site, status: int, error: type[Exception]) -> None:
    site.answers["/hook"] = Answer(status, headers={"Location": "/elsewhere"})
    with pytest.raises(error, match=f"answered {status}"):
        post(site.url("/hook"))
    assert [asked.path for asked in site.asked] == ["/hook"]


def test_a_post_has_the_time_limit_and_obeys_retry_after(site: Site) -> None:
    def silent(asked: Asked, earlier: int) -> Answer:
        site.ended.wait(30)
        return Answer()

    site.answers["/silent"] = silent
    with pytest.raises(Unavailable, match="did not answer in time"):
        post(site.url("/silent"), Limits(total=0.5))
    site.answers["/busy"] = Answer(429, headers={"Retry-After": formatdate(time.time() + 3600, usegmt=True)})
    with pytest.raises(RetryAfter) as caught:
        post(site.url("/busy"))
    assert 3500 < caught.value.seconds <= 3600
