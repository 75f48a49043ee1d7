"""Open connections, so that one can be closed without an answer.

An ASGI application cannot do that: whatever it does, uvicorn answers. So the HTTP protocol registers its transport
under the client's address, which the application finds in its scope.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

Address = tuple[str, int]


def protocol_with(connections: dict[Address, asyncio.Transport]) -> type[H11Protocol]:
    """Return uvicorn's HTTP protocol, keeping its open connections in ``connections``.

    :param connections: filled and emptied as clients come and go.
    """

    class RegisteredProtocol(H11Protocol):
        """HTTP/1.1 of uvicorn, with a register."""

        address: Address | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            """Register the connection."""
            super().connection_made(transport)
            peer: Any = transport.get_extra_info("peername")
            if peer:
                self.address = (peer[0], peer[1])
                connections[self.address] = transport

        def connection_lost(self, exc: Exception | None) -> None:
            """Forget the connection."""
            super().connection_lost(exc)
            if self.address is not None:
                connections.pop(self.address, None)

    return RegisteredProtocol
