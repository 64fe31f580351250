"""The sample site answers like the real web, and the same way each time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection

import httpx
import psutil
import pytest


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "console.demo.site"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as started:
        yield started
        started.terminate()


@pytest.fixture
def site(process: subprocess.Popen[str]) -> Iterator[httpx.Client]:
    assert process.stdout is not None
    with httpx.Client(base_url=process.stdout.readline().strip(), timeout=30) as client:
        yield client


def statuses(site: httpx.Client, path: str, times: int) -> list[int]:
    return [site.get(path).status_code for _ in range(times)]


def test_it_listens_on_loopback_alone(process: subprocess.Popen[str], site: httpx.Client) -> None:
    listening = [c.laddr.ip for c in psutil.Process(process.pid).net_connections() if c.status == psutil.CONN_LISTEN]
    assert listening == ["127.0.0.1"]


def test_a_page_with_an_etag_is_not_sent_again_until_it_changes(site: httpx.Client) -> None:
    first = site.get("/news/ada")
    assert "News of ada" in first.text
    asked = {"If-None-Match": first.headers["ETag"]}
    again = [site.get("/news/ada", headers=asked) for _ in range(4)]
    assert [answer.status_code for answer in again] == [304, 304, 304, 200]
    assert again[0].content == b""
    assert again[-1].headers["ETag"] != first.headers["ETag"]
    assert again[-1].text != first.text


def test_a_page_that_says_when_it_was_modified(site: httpx.Client) -> None:
    first = site.get("/prices/ada")
    asked = {"If-Modified-Since": first.headers["Last-Modified"]}
    again = [site.get("/prices/ada", headers=asked) for _ in range(2)]
    assert [answer.status_code for answer in again] == [304, 200]
    assert again[-1].text != first.text


def test_pages_are_counted_apart(site: httpx.Client) -> None:
    assert [site.get(f"/prices/{name}").text.count("Edition 0") for name in ("a", "a", "a", "b")] == [1, 1, 0, 1]


def test_a_page_that_never_changes(site: httpx.Client) -> None:
    assert len({site.get("/about/ada").text for _ in range(8)}) == 1
    assert len({site.get("/plain/ada").text for _ in range(8)}) == 1
    assert "ETag" not in site.get("/plain/ada").headers


def test_a_busy_page_says_when_to_come_back(site: httpx.Client) -> None:
    answers = [site.get("/busy/ada") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200, 429, 200, 200, 429, 200]
    assert [answer.headers["Retry-After"] for answer in answers if answer.status_code == 429] == ["1", "2"]


def test_errors_heal_or_stay(site: httpx.Client) -> None:
    assert statuses(site, "/flaky/ada", 6) == [200, 500, 500, 200, 200, 200]
    assert statuses(site, "/down/ada", 3) == [503, 503, 503]
    assert statuses(site, "/gone/ada", 4) == [200, 200, 410, 410]
    assert statuses(site, "/missing/ada", 2) == [404, 404]
    assert statuses(site, "/nothing/ada", 1) + statuses(site, "/news", 1) == [404, 404]


def test_redirects(site: httpx.Client) -> None:
    assert "News of ada" in site.get("/moved/ada", follow_redirects=True).text
    assert site.get("/inside/ada").headers["Location"] == "http://192.0.2.1/"


def test_a_huge_page_does_not_say_how_long_it_is(site: httpx.Client) -> None:
    with site.stream("GET", "/huge/ada") as answer:
        assert "Content-Length" not in answer.headers
        size = sum(len(part) for part in answer.iter_bytes())
    assert size > 4 * 1024 * 1024
    with site.stream("GET", "/huge/ada") as answer:
        next(answer.iter_bytes())
    assert site.get("/about/ada").status_code == 200


def test_what_is_no_page(site: httpx.Client) -> None:
    assert site.get("/picture/ada").headers["Content-Type"] == "image/png"


def test_a_slow_page_comes(site: httpx.Client) -> None:
    assert "Archive of ada" in site.get("/slow/ada").text


def test_a_name_is_no_markup(site: httpx.Client) -> None:
    raw = httpx.URL(site.base_url).copy_with(raw_path=b"/plain/<script>")
    assert "<script>" not in site.get(raw).text


def test_deliveries_are_accepted_refused_and_counted(site: httpx.Client) -> None:
    sent = [site.post("/hooks/ada", content=b"{}", headers={"Idempotency-Key": key}) for key in ("a", "b", "b", "b")]
    assert [answer.status_code for answer in sent] == [200, 503, 200, 200]
    site.get("/about/ada")
    assert site.get("/seen").json() == {
        "requests": 1,
        "statuses": {"200": 1},
        "hooks": {"received": 4, "accepted": 3, "repeated": 1},
    }


def test_a_delivery_that_is_too_long_is_refused(site: httpx.Client) -> None:
    connection = HTTPConnection(site.base_url.host, site.base_url.port or 0, timeout=30)
    connection.putrequest("POST", "/hooks/ada")
    connection.putheader("Content-Length", str(1 << 30))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()
    assert site.post("/elsewhere", content=b"{}").status_code == 404
