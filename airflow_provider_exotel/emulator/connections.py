"""A register of open connections, to close one without a response.

An ASGI application cannot do that: uvicorn always sends a response. So the HTTP protocol registers its transport under
the client's address, which the application finds in its scope.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

Address = tuple[str, int]


def protocol_with(connections: dict[Address, asyncio.Transport]) -> type[H11Protocol]:
    """Return uvicorn's HTTP protocol with a register of open connections.

    :param connections: the register.
    """

    class RegisteredProtocol(H11Protocol):
        """uvicorn's HTTP/1.1 protocol with the register."""

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
