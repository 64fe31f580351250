"""Nothing inside a network is connected to, whatever a URL, a redirect or a second DNS answer says."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from ipaddress import ip_address, ip_network

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.errors import PermanentError
from jobs.web import fetch
from jobs.web.answers import Unavailable
from jobs.web.fetch import Limits
from jobs.web.guard import GuardedBackend, RefusedAddress, refusal, system_resolver
from tests.jobs.loopback_site import Answer, Site, serving

LOOPBACK = ip_network("127.0.0.0/8")


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serving() as running:
        yield running


class Names:
    """A resolver that gives its answers one after another, the last one for ever, and remembers what it was asked."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


# --- which addresses ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("127.0.0.1", "loopback"),
        ("127.8.9.10", "loopback"),
        ("::1", "loopback"),
        ("10.1.2.3", "private"),
        ("172.16.0.1", "private"),
        ("192.168.1.1", "private"),
        ("192.0.2.1", "private"),
        ("198.18.0.1", "private"),
        ("fd00::1", "private"),
        ("2001:db8::1", "private"),
        ("2001::1", "private"),
        ("169.254.169.254", "link-local"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("100.64.0.1", "carrier's shared"),
        ("100.127.255.254", "carrier's shared"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("0.0.0.0", "unspecified"),
        ("::", "unspecified"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("fec0::1", "reserved"),
        ("::ffff:10.0.0.1", "private"),
        ("::ffff:169.254.169.254", "link-local"),
        ("::127.0.0.1", "reserved"),
        ("64:ff9b::7f00:1", "loopback"),
        ("64:ff9b::a9fe:a9fe", "link-local"),
        ("64:ff9b:1::808:808", "reserved"),
        ("2002:7f00:1::", "loopback"),
        ("2002:c0a8:101::1", "private"),
    ],
)
def test_an_address_of_the_inside_is_refused_by_its_kind(address: str, kind: str) -> None:
    assert refusal(ip_address(address)) == kind


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "93.184.215.14", "100.63.255.255", "100.128.0.0", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"],
)
def test_a_public_address_is_not(address: str) -> None:
    assert refusal(ip_address(address)) == ""


def test_a_setting_allows_a_network_also_in_its_ipv6_disguise() -> None:
    for address in ("127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"):
        assert refusal(ip_address(address), [LOOPBACK]) == ""
    assert refusal(ip_address("10.0.0.1"), [LOOPBACK]) == "private"
    assert refusal(ip_address("::1"), [LOOPBACK]) == "loopback"


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_in_disguise_is_refused_as_itself(address: object) -> None:
    number = int(ip_address(str(address)))
    for disguise in (0xFFFF << 32 | number, int(ip_address("64:ff9b::")) | number, 0x2002 << 112 | number << 80):
        assert refusal(ip_address(disguise.to_bytes(16, "big"))) == refusal(ip_address(number))


# --- at the instant of connecting -----------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "017700000001",
        "127.1",
        "0",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
    ],
)
def test_every_way_of_writing_this_machine_is_refused(site: Site, host: str) -> None:
    site.page("/inside", "secret")
    before = len(site.asked)
    with pytest.raises(RefusedAddress, match="not connected"):
        fetch.get(site.url("/inside", host), backend=GuardedBackend())
    assert len(site.asked) == before


def test_octal_fields_are_no_host_at_all(site: Site) -> None:
    with pytest.raises(PermanentError):
        fetch.get(site.url("/inside", "0177.0.0.1"), backend=GuardedBackend())


def test_the_very_same_url_is_read_when_its_network_is_allowed(site: Site) -> None:
    url = site.page("/allowed", "hello")
    found = fetch.get(url, backend=GuardedBackend([LOOPBACK]))
    assert found is not None
    assert b"hello" in found.body


def test_the_cloud_s_metadata_address_is_refused() -> None:
    with pytest.raises(RefusedAddress, match=r"169\.254\.169\.254: is a link-local address"):
        fetch.get("http://169.254.169.254/latest/meta-data/", backend=GuardedBackend([LOOPBACK]))


def test_a_name_with_one_inner_address_among_public_ones_is_refused() -> None:
    names = Names(["1.1.1.1", "10.0.0.7"])
    with pytest.raises(RefusedAddress, match=r"mixed\.example: resolves to 10\.0\.0\.7, a private address"):
        fetch.get("http://mixed.example/", backend=GuardedBackend(resolver=names))


def test_a_second_dns_answer_has_no_say(site: Site) -> None:
    """The first answer is checked and connected to; if the connection resolved again, it would meet the second."""
    url = site.page("/rebound", "from the checked address").replace("127.0.0.1", "rebinding.example")
    names = Names(["127.0.0.1"], ["10.255.255.1"])
    found = fetch.get(url, backend=GuardedBackend([LOOPBACK], names))
    assert found is not None
    assert b"from the checked address" in found.body
    assert names.asked == ["rebinding.example"]
    assert site.asked[-1].headers["host"] == f"rebinding.example:{site.port}"


def test_a_name_that_turns_inward_after_a_redirect_is_refused(site: Site) -> None:
    site.answers["/turn"] = Answer(
        302, headers={"Location": f"http://turning.example:{site.port}/inside", "Connection": "close"}
    )
    site.page("/inside", "secret")
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    before = len(site.asked)
    with pytest.raises(RefusedAddress, match=r"resolves to 127\.0\.0\.2, a loopback address"):
        fetch.get(
            f"http://turning.example:{site.port}/turn",
            backend=GuardedBackend([ip_network("127.0.0.1/32")], names),
        )
    assert [asked.path for asked in site.asked[before:]] == ["/turn"]


def test_a_redirect_to_the_inside_is_refused(site: Site) -> None:
    site.answers["/in"] = Answer(302, headers={"Location": "http://192.168.0.1/admin?token=secret"})
    with pytest.raises(RefusedAddress, match=r"192\.168\.0\.1: is a private address") as caught:
        fetch.get(site.url("/in"), backend=GuardedBackend([LOOPBACK]))
    assert "secret" not in str(caught.value)


def test_a_server_with_tls_is_asked_by_its_name_at_the_checked_address() -> None:
    named: list[str | None] = []
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.sni_callback = lambda connection, name, context: named.append(name)

    def greet(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        # The server has no certificate, so the handshake ends after the client has said whom it wants.
        with connection, contextlib.suppress(OSError):
            tls.wrap_socket(connection, server_side=True).close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=greet, args=(listening,), daemon=True)
        thread.start()
        backend = GuardedBackend([LOOPBACK], Names(["127.0.0.1"], ["10.0.0.1"]))
        with pytest.raises(Unavailable, match=r"^secure\.example"):
            fetch.get(f"https://secure.example:{listening.getsockname()[1]}/", backend=backend)
        thread.join(10)
    assert named == ["secure.example"]


def test_a_post_is_guarded_too(site: Site) -> None:
    before = len(site.asked)
    with pytest.raises(RefusedAddress):
        fetch.post(site.url("/hook"), b"{}", {}, backend=GuardedBackend())
    assert len(site.asked) == before


def test_the_next_address_is_tried_when_the_first_does_not_answer(site: Site) -> None:
    url = site.page("/second", "second address").replace("127.0.0.1", "two.example")
    names = Names(["127.0.0.9", "127.0.0.1"])
    found = fetch.get(url, backend=GuardedBackend([LOOPBACK], names))
    assert found is not None
    assert b"second address" in found.body


def test_the_environment_s_proxy_is_not_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url(""))
        url = site.page("/direct", "direct")
        assert fetch.get(url, backend=GuardedBackend([LOOPBACK])) is not None
        assert not proxy.asked


def test_a_unix_socket_is_refused() -> None:
    with pytest.raises(RefusedAddress):
        GuardedBackend().connect_unix_socket("/run/valkey.sock")


# --- names that lead nowhere ----------------------------------------------------------------------


def test_a_name_that_does_not_resolve_may_do_so_later() -> None:
    def unknown(host: str, port: int) -> Sequence[str]:
        raise OSError(-2, "Name or service not known")

    with pytest.raises(Unavailable, match=r"nowhere\.example: the name cannot be resolved \(Name or service not known\)"):
        fetch.get("http://nowhere.example/", backend=GuardedBackend(resolver=unknown))


def test_a_name_without_addresses_is_told() -> None:
    with pytest.raises(Unavailable, match="the name has no address"):
        fetch.get("http://empty.example/", backend=GuardedBackend(resolver=Names([])))


def test_a_resolver_that_hangs_is_left_behind() -> None:
    never = threading.Event()

    def hangs(host: str, port: int) -> Sequence[str]:
        never.wait(60)
        return ["1.1.1.1"]

    try:
        with pytest.raises(Unavailable, match=r"slow\.example: did not answer in time"):
            fetch.get("http://slow.example/", limits=Limits(total=0.2), backend=GuardedBackend(resolver=hangs))
    finally:
        never.set()


def test_what_is_no_host_name_cannot_help_to_be_tried_again() -> None:
    with pytest.raises(PermanentError, match="is no host name"):
        fetch.get(f"http://{'a' * 70}.example/", backend=GuardedBackend(resolver=system_resolver))


def test_a_refused_address_is_a_permanent_error() -> None:
    assert issubclass(RefusedAddress, PermanentError)
    assert isinstance(GuardedBackend(), httpcore.NetworkBackend)
