"""The emulator as an object: a server in a thread of its own on a loopback port."""

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
from airflow_provider_exotel.emulator.front import Office
from airflow_provider_exotel.emulator.gate import Credentials, RateLimit
from airflow_provider_exotel.emulator.journal import JournalEntry
from airflow_provider_exotel.emulator.lists import ContactList
from airflow_provider_exotel.emulator.profile import read_profile
from airflow_provider_exotel.emulator.settings import Settings, known

LOOPBACK = "127.0.0.1"


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it is ready and can be stopped at once, not at its next tick."""

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

    Use it as a context manager, or call :meth:`start` and :meth:`stop`. Stopped and started again it keeps its port and
    all it knows: that is how a refused connection is had.

    :param port: 0 for a free one.
    :param seed: decides with each number how its calls end: same seed, same numbers, same outcomes.
    :param speed: seconds of dialling per real second; 0, the default, for a clock stepped by hand.
    :param start: the aware instant at which the clock begins; the real now if None.
    :param skip_waiting: waits for ``send_at`` and for retries take a fraction of a real second (only with a speed).
    :param reports: a folder with reports of its campaigns; its page leads to theirs.
    :param profile: a profile that ``commands.verify`` wrote: its path, its text, or a mapping. Switches go before it.
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
        self._office = Office(
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
        """Listen; returns when requests can be made. Does nothing if it runs already.

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
        """Close the port and every connection, requests in progress too; leaves no thread.

        Does nothing if it does not run.
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
        """The API token. Set it as somebody renews it at the dashboard: the old one is refused from then on."""
        return self._office.credentials.api_token

    @api_token.setter
    def api_token(self, token: str) -> None:
        self._office.credentials = replace(self._office.credentials, api_token=token)

    @property
    def report_url(self) -> str:
        """Return where it serves the report of a campaign, for the switch of that name."""
        return f"{self.url}/v2/accounts/{self.account_sid}/campaigns/{{id}}/report"

    @property
    def recording_url(self) -> str:
        """Return where it serves the recording of a call on the service's own host, for the switch of that name."""
        return f"{self.url}/v2/accounts/{self.account_sid}/recordings/{{sid}}.mp3"

    @property
    def foreign_recording_url(self) -> str:
        """Return where it serves the recording of a call on another host, which takes no credentials."""
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
        """Return how all campaigns stand now, in the order of their creation, deleted ones too."""
        return self._office.account.states()

    def campaign(self, campaign_id: str) -> CampaignState:
        """Return how one campaign stands now.

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
        """Return the lists of contacts as they stand now, in the order of their creation."""
        return self._office.account.lists.all()

    def send_callbacks(self, *, again: bool = False, latest_first: bool = False) -> list[int]:
        """Send every callback that is due now to the URLs of its campaign.

        :param again: send those too that were taken before, as duplicates.
        :param latest_first: in disorder.
        :return: the HTTP statuses of the answers, 0 where there is none; what was not taken is due again.
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
        """Forget campaigns, lists, faults and the journal. Settings and the clock stay as they are."""
        self._office.reset()
