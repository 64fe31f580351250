"""Which addresses may be connected to, decided at the instant of connecting.

A URL that was checked earlier proves nothing: a redirect leads elsewhere, and a name may resolve to another address the second
time. So the backend resolves a name itself, once, checks every address of the answer, and connects to the checked literal.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpcore

from jobs.errors import PermanentError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolver = Callable[[str, int], Sequence[str]]
"""Gives the addresses of a host name, or raises OSError, or UnicodeError for what is no host name."""

MAX_CANDIDATES = 4
"""How many addresses of one name are tried."""

CARRIER = IPv4Network("100.64.0.0/10")
GLOBAL_UNICAST = IPv6Network("2000::/3")
NAT64 = IPv6Network("64:ff9b::/96")


class RefusedAddress(PermanentError):
    """A host is, or resolves to, an address that is not to be connected to."""


def refusal(address: Address, allowed: Iterable[Network] = ()) -> str:
    """Why `address` is refused, in a word or two, or "" when it may be connected to.

    An IPv6 address that stands for an IPv4 one (mapped, 6to4, NAT64) is judged as that one. `allowed` are exceptions.
    """
    meant = _meant(address)
    if any(each in network for network in allowed for each in (address, meant)):
        return ""
    return _kind(meant)


def system_resolver(host: str, port: int) -> list[str]:
    """The addresses that this machine's resolver gives, in its order; also of `127.1`, `2130706433` and `0x7f.1`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class GuardedBackend(httpcore.NetworkBackend):
    """Connects to public addresses and to those in `allowed`, to nothing else.

    A host one of whose addresses is refused is refused as a whole: its answer is no honest one. Raises RefusedAddress.
    """

    def __init__(self, allowed: Iterable[Network] = (), resolver: Resolver = system_resolver) -> None:
        self._allowed = tuple(allowed)
        self._resolver = resolver
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to `host` within `timeout` seconds, resolving it included."""
        end = None if timeout is None else time.monotonic() + timeout
        addresses = self._checked(host, port, timeout)[:MAX_CANDIDATES]
        failed: Exception = httpcore.ConnectError("the name has no address")
        for tried, address in enumerate(addresses):
            # One address that swallows packets must leave time for the others.
            share = None if end is None else max(0.001, end - time.monotonic()) / (len(addresses) - tried)
            try:
                return self._inner.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None
    ) -> httpcore.NetworkStream:
        """Refused: what listens on a socket of this machine is not the web."""
        raise RefusedAddress("a unix socket is not connected to")

    def _checked(self, host: str, port: int, timeout: float | None) -> list[str]:
        try:
            addresses = list(_within(timeout, lambda: self._resolver(host, port)))
        except (UnicodeError, ValueError):
            raise RefusedAddress(f"{host[:80]}: is no host name; correct the URL") from None
        except OSError as error:
            raise httpcore.ConnectError(f"the name cannot be resolved ({error.strerror or 'no answer'})") from None
        for address in addresses:
            kind = refusal(ip_address(address), self._allowed)
            if kind:
                told = "is" if address == host else f"resolves to {address},"
                raise RefusedAddress(
                    f"{host[:80]}: {told} a {kind} address; not connected (TQ_ALLOW_NETWORKS names exceptions)"
                )
        return addresses


def _meant(address: Address) -> Address:
    """The IPv4 address for which an IPv6 one stands, else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _kind(address: Address) -> str:
    kinds = {
        "unspecified": address.is_unspecified,
        "loopback": address.is_loopback,
        "link-local": address.is_link_local,
        "multicast": address.is_multicast,
        "carrier's shared": address in CARRIER,
        # Python calls much of IPv6 global that nobody routes; what is routed lies in one block.
        "reserved": address.is_reserved or (address.version == 6 and not address.is_private and address not in GLOBAL_UNICAST),
        "private": address.is_private or not address.is_global,
    }
    return next((kind for kind, holds in kinds.items() if holds), "")


def _within(timeout: float | None, resolve: Callable[[], Sequence[str]]) -> Sequence[str]:
    """What `resolve` gives. The system's resolver knows no time limit, so it is left behind in its thread when it is late."""
    answers: queue.SimpleQueue[Sequence[str] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(resolve())
        except Exception as error:
            answers.put(error)

    threading.Thread(target=ask, name="resolver", daemon=True).start()
    try:
        answer = answers.get(timeout=timeout)
    except queue.Empty:
        raise httpcore.ConnectTimeout("the name was not resolved in time") from None
    if isinstance(answer, Exception):
        raise answer
    return answer
