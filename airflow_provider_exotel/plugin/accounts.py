"""The accounts on the page, and their connections.

The page shows the connections of type ``exotel`` in Airflow's database, and those that ``[exotel] connections`` names
in Airflow's configuration. Connections in environment variables and secrets backends cannot be listed.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from airflow.configuration import conf

from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.connection import ExotelSettings
from airflow_provider_exotel.connection_form import CONNECTION_TYPE
from airflow_provider_exotel.hooks.exotel import read_settings
from airflow_provider_exotel.plugin.account import READ_EVERY, AccountReader

log = logging.getLogger(__name__)

SECTION, OPTION = "exotel", "connections"
Credentials = tuple[str, str, str, str]
"""Host, account SID, key and token."""


@dataclass(frozen=True)
class Account:
    """An account of the service, and the connections that lead to it with the same credentials.

    Whoever may edit one of these connections has the credentials. A connection to the same account with other
    credentials is a separate account here, since it proves no right to the first one.

    :param connections: ids and settings of the connections, in order of their ids.
    :param reader: reads its campaigns for this process.
    """

    connections: dict[str, ExotelSettings]
    reader: AccountReader

    @property
    def id(self) -> str:
        """The id of the first connection, which identifies the account in addresses."""
        return next(iter(self.connections))

    @property
    def secrets(self) -> tuple[str, ...]:
        """Texts that must not be on any page."""
        return tuple(
            secret for settings in self.connections.values() for secret in (settings.api_key, settings.api_token)
        )


@dataclass(frozen=True)
class Unreadable:
    """A connection that cannot be used.

    :param conn_id: its id.
    :param problem: the problem, without any of its values.
    """

    conn_id: str
    problem: str


class Accounts:
    """All accounts that this process shows, read again from Airflow's connections every 15 seconds.

    :param now: the clock.
    """

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.now = now
        self._lock = threading.Lock()
        self._read_at: datetime | None = None
        self._known: tuple[list[Account], list[Unreadable]] = ([], [])
        self._readers: dict[Credentials, AccountReader] = {}

    def read(self) -> tuple[list[Account], list[Unreadable]]:
        """Return the accounts, and the connections that cannot be used."""
        with self._lock:
            now = self.now()
            if self._read_at is None or now - self._read_at >= READ_EVERY:
                self._known, self._read_at = self._read(shown_connections()), now
            return self._known

    def get(self, conn_id: str) -> Account | None:
        """Return the account that a connection leads to, ``None`` if it is not shown.

        :param conn_id: the connection.
        """
        return next((one for one in self.read()[0] if conn_id in one.connections), None)

    def _read(self, conn_ids: Iterable[str]) -> tuple[list[Account], list[Unreadable]]:
        connections: dict[Credentials, dict[str, ExotelSettings]] = {}
        unreadable = []
        for conn_id in conn_ids:
            try:
                settings = read_settings(_connection(conn_id))
            except ExotelInputError as error:
                unreadable.append(Unreadable(conn_id, "; ".join(map(str, error.problems))))
            except Exception as error:
                log.warning("Connection %s could not be read: %s", conn_id, type(error).__name__)
                unreadable.append(Unreadable(conn_id, "cannot be read; does it exist?"))
            else:
                key = (settings.host, settings.account_sid, settings.api_key, settings.api_token)
                connections.setdefault(key, {})[conn_id] = settings
        self._readers = {key: reader for key, reader in self._readers.items() if key in connections}
        return [Account(found, self._reader(key, found)) for key, found in connections.items()], unreadable

    def _reader(self, key: Credentials, found: dict[str, ExotelSettings]) -> AccountReader:
        settings = next(iter(found.values()))
        reader = self._readers.setdefault(key, AccountReader(settings, now=self.now))
        reader.settings = settings  # timeouts or the rate limit may have changed
        return reader


def shown_connections() -> list[str]:
    """Return the ids of the connections that are shown, in alphabetical order."""
    from airflow.models.connection import Connection
    from airflow.utils.session import create_session
    from sqlalchemy import select

    named = conf.get(SECTION, OPTION, fallback="") or ""
    with create_session() as session:
        stored = session.scalars(select(Connection.conn_id).where(Connection.conn_type == CONNECTION_TYPE)).all()
    return sorted({*stored, *(one.strip() for one in named.split(",") if one.strip())})


def _connection(conn_id: str) -> object:
    from airflow.models.connection import Connection

    # In the same way as in tasks: an environment variable or a secrets backend takes precedence over the database.
    return Connection.get_connection_from_secrets(conn_id)
