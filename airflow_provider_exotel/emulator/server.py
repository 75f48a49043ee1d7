"""The emulator as an object: a server in its own thread on a loopback port."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn

from airflow_provider_exotel.emulator.account import Account
from airflow_provider_exotel.emulator.app import build
from airflow_provider_exotel.emulator.campaigns import Call, CampaignState
from airflow_provider_exotel.emulator.clock import Clock
from airflow_provider_exotel.emulator.connections import Address, protocol_with
from airflow_provider_exotel.emulator.faults import FaultPlan
from airflow_provider_exotel.emulator.front import EmulatorState
from airflow_provider_exotel.emulator.gate import Credentials, RateLimit
from airflow_provider_exotel.emulator.journal import JournalEntry
from airflow_provider_exotel.emulator.lists import ContactList
from airflow_provider_exotel.emulator.profile import read_profile
from airflow_provider_exotel.emulator.settings import Settings, known

LOOPBACK = "127.0.0.1"


class _Server(uvicorn.Server):
    """uvicorn's server with a ready event and an immediate stop, not only at its next tick."""

    def __init__(self, config: uvicorn.Config, connections: dict[Address, asyncio.Transport]) -> None:
        super().__init__(config)
        self._connections = connections
        self.ready = threading.Event()

    async def main_loop(self) -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        self.ready.set()
        while not self._stopped.is_set():
            await self.on_tick(0)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), 1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for each in (*self.servers, *(sockets or ())):
            each.close()
        for connection in list(self._connections.values()):
            connection.abort()
        # The connections close in the next round of the loop; requests in progress are cancelled with the loop.
        await asyncio.sleep(0)

    def stop(self) -> None:
        """End the server from another thread."""
        self._loop.call_soon_threadsafe(self._stopped.set)


class Emulator:
    """A local Exotel.

    Use it as a context manager, or call :meth:`start` and :meth:`stop`. Stopped and started again, it keeps its port
    and its state; in between, connections are refused.

    :param port: the port; 0 for a free one.
    :param seed: determines the outcomes: the same seed and numbers give the same outcomes.
    :param speed: seconds of dialling per real second; 0, the default, for a clock stepped by hand.
    :param start: timezone-aware start time of the clock; the real time if ``None``.
    :param skip_waiting: whether waits for ``send_at`` and retries take a fraction of a real second (only with a speed).
    :param reports: a folder with reports of its campaigns, which its page links to.
    :param profile: a profile from ``commands.verify``: its path, its text, or a mapping. Switches take precedence.
    :param account_sid: the account in the path.
    :param api_key: the user of HTTP Basic authentication.
    :param api_token: its password.
    :param switches: any field of :class:`~airflow_provider_exotel.emulator.settings.Settings`.
    :raises ValueError: for an unknown switch or a value it does not have.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        seed: int = 0,
        speed: float = 0.0,
        start: datetime | None = None,
        skip_waiting: bool = False,
        reports: Path | None = None,
        profile: str | Path | Mapping[str, Any] | None = None,
        account_sid: str = Credentials.account_sid,
        api_key: str = Credentials.api_key,
        api_token: str = Credentials.api_token,
        **switches: Any,
    ) -> None:
        played = {} if profile is None else read_profile(profile)
        self.settings = Settings(**{**played, **known(switches)})
        self.clock = Clock(start, speed=speed, skip_waiting=skip_waiting)
        self.faults = FaultPlan()
        self._office = EmulatorState(
            account=Account(account_sid, self.settings, self.clock, seed),
            credentials=Credentials(account_sid, api_key, api_token),
            faults=self.faults,
            rate_limit=RateLimit(self.settings, self.clock),
            reports=reports,
        )
        self.port = port
        self._running: tuple[_Server, threading.Thread, socket.socket] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"Emulator({self.url!r}, {'running' if self._running else 'stopped'})"

    def start(self) -> None:
        """Start the server, and return when it accepts requests. Does nothing if it is running.

        :raises OSError: if the port is taken.
        :raises RuntimeError: if the server ends before it is ready.
        """
        if self._running:
            return
        # With the protocol named, asyncio sends small answers at once instead of 40 ms later.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, self.port))
        except OSError:
            listener.close()
            raise
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            build(self._office),
            http=protocol_with(self._office.connections),
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
        )
        server = _Server(config, self._office.connections)
        thread = threading.Thread(target=server.run, args=([listener],), name="exotel-emulator", daemon=True)
        thread.start()
        while not server.ready.wait(0.1):
            if not thread.is_alive():
                listener.close()
                raise RuntimeError("The emulator's server ended before it was ready")
        self._running = (server, thread, listener)

    def stop(self) -> None:
        """Close the port and all connections, including requests in progress, and end the thread.

        Does nothing if it is not running.
        """
        if not self._running:
            return
        (server, thread, listener), self._running = self._running, None
        server.stop()
        thread.join()
        with contextlib.suppress(OSError):
            listener.close()

    @property
    def host(self) -> str:
        """Return ``127.0.0.1:PORT``."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def url(self) -> str:
        """Return the root address, which is also the address of the page."""
        return f"http://{self.host}"

    @property
    def account_sid(self) -> str:
        """Return the account SID."""
        return self._office.credentials.account_sid

    @property
    def api_key(self) -> str:
        """Return the API key."""
        return self._office.credentials.api_key

    @property
    def api_token(self) -> str:
        """The API token. Set it to simulate a renewal in the dashboard: the old token is then refused."""
        return self._office.credentials.api_token

    @api_token.setter
    def api_token(self, token: str) -> None:
        self._office.credentials = replace(self._office.credentials, api_token=token)

    @property
    def report_url(self) -> str:
        """Return the URL of a campaign's report, for the switch of that name."""
        return f"{self.url}/v2/accounts/{self.account_sid}/campaigns/{{id}}/report"

    @property
    def recording_url(self) -> str:
        """Return the URL of a call's recording on the service's own host, for the switch of that name."""
        return f"{self.url}/v2/accounts/{self.account_sid}/recordings/{{sid}}.mp3"

    @property
    def foreign_recording_url(self) -> str:
        """Return the URL of a call's recording on another host, which must not receive credentials."""
        return f"http://localhost:{self.port}/recordings/{{sid}}.mp3"

    @property
    def leaked(self) -> list[str]:
        """Return the paths on the other host that were asked for with credentials."""
        return list(self._office.leaked)

    @property
    def connection_uri(self) -> str:
        """Return the Airflow connection as a URI."""
        return f"exotel://{self.api_key}:{self.api_token}@{self.host}/{self.account_sid}"

    @property
    def campaigns(self) -> list[CampaignState]:
        """Return the current states of all campaigns, in the order of their creation, including deleted ones."""
        return self._office.account.states()

    def campaign(self, campaign_id: str) -> CampaignState:
        """Return the current state of one campaign.

        :param campaign_id: its id.
        :raises KeyError: if there is none.
        """
        return self._office.account.state(campaign_id)

    def calls(self, campaign_id: str) -> tuple[Call, ...]:
        """Return the finished calls of a campaign, in the order of their start.

        :param campaign_id: its id.
        :raises KeyError: if there is none.
        """
        return self.campaign(campaign_id).calls

    @property
    def requests(self) -> list[JournalEntry]:
        """Return the requests to the service so far, the oldest first."""
        return list(self._office.journal)

    @property
    def lists(self) -> list[ContactList]:
        """Return the current contact lists, in the order of their creation."""
        return self._office.account.lists.all()

    def send_callbacks(self, *, again: bool = False, latest_first: bool = False) -> list[int]:
        """Send every due callback to the URLs of its campaign.

        :param again: whether to repeat accepted callbacks, as duplicates.
        :param latest_first: whether to send them out of order.
        :return: the HTTP statuses of the responses, 0 without one; callbacks that were not accepted are due again.
        """
        return self._office.send_callbacks(again=again, latest_first=latest_first)

    def add_list(self, sid: str, numbers: Iterable[str], name: str | None = None) -> None:
        """Add a list of contacts that campaigns can name.

        :param sid: its SID.
        :param numbers: whom it holds.
        :param name: its name; the SID if None.
        """
        self._office.account.lists.add(sid, numbers, name)

    def reset(self) -> None:
        """Remove campaigns, lists, faults and the journal. Settings and the clock do not change."""
        self._office.reset()
