"""The latest campaigns of one account, read by this process with one list request in 15 seconds for all viewers.

Each request runs in its own thread. A page waits a few seconds for it and then shows the previous data. So neither a
slow service nor the rate limit delays a page, and no two pages send a request at once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airflow_provider_exotel.client.errors import (
    ExotelAuthError,
    ExotelConnectionError,
    ExotelError,
    ExotelPaymentRequired,
    ExotelRateLimited,
    ExotelRequestRefused,
    ExotelServerError,
)
from airflow_provider_exotel.hooks.exotel import client_of
from airflow_provider_exotel.waiting.emergency_stop import pause_all
from airflow_provider_exotel.waiting.progress import Sample, add_sample
from airflow_provider_exotel.waiting.sweep import ACTIVE

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import ExotelClient
    from airflow_provider_exotel.client.models import Campaign
    from airflow_provider_exotel.connection import ExotelSettings

log = logging.getLogger(__name__)

READ_EVERY = timedelta(seconds=15)
LATEST = 500
"""The number of campaigns that one request reads."""
PATIENCE = 5.0
"""Seconds that a page waits for answers."""
ANSWER_WITHIN = 5.0
"""Seconds that one request of an action waits for its answer."""
_READ_ONE_EVERY = timedelta(seconds=5)
_WORDS: tuple[tuple[type[ExotelError], str], ...] = (
    (ExotelAuthError, "Exotel does not accept the connection's key, token, account or region."),
    (ExotelPaymentRequired, "Exotel refuses requests until the account's balance or plan covers them."),
    (ExotelRateLimited, "Exotel allows no more requests at the moment."),
    (ExotelServerError, "Exotel reports an internal error."),
    (ExotelConnectionError, "Exotel cannot be reached, or did not answer in time."),
    (ExotelRequestRefused, "Exotel refused the request."),
)
_OTHERWISE = "Exotel's answer could not be understood."
_READ_AGAIN = " The page tries again by itself."
NOT_YET = "Exotel has not answered yet; the page tries again by itself."


def in_words(error: ExotelError) -> str:
    """Return the reason of a failed request in words, without any text from the service's answer.

    :param error: the error.
    """
    return next((words for kind, words in _WORDS if isinstance(error, kind)), _OTHERWISE)


@dataclass(frozen=True)
class Snapshot:
    """The campaigns of an account, as last read.

    :param campaigns: the latest and the active campaigns, newest first.
    :param samples: earlier polls of dialling campaigns, by id.
    :param read_at: the time at which they were read; ``None`` if never.
    :param is_whole: whether the latest campaigns are all campaigns of the account.
    :param has_active_of_all: whether active campaigns older than the latest are included.
    :param problem: why the last request failed, in words; empty if it succeeded.
    """

    campaigns: tuple[Campaign, ...] = ()
    samples: Mapping[str, tuple[Sample, ...]] = field(default_factory=dict)
    read_at: datetime | None = None
    is_whole: bool = True
    has_active_of_all: bool = False
    problem: str = ""


@dataclass
class StopEverything:
    """The progress and the result of stopping a whole account.

    :param by: the user who pressed the button.
    :param paused: the number of campaigns that are no longer dialling.
    :param failed: ids of campaigns that could not be paused.
    :param problem: why it ended early, in words.
    :param finished: set when it has ended.
    """

    by: str
    paused: int = 0
    failed: list[str] = field(default_factory=list)
    problem: str = ""
    finished: threading.Event = field(default_factory=threading.Event)


class AccountReader:
    """Reads the campaigns of one account for all requests of this process.

    :param settings: a connection to the account.
    :param now: the clock.
    :param patience: seconds that a page waits for an answer.
    """

    def __init__(
        self,
        settings: ExotelSettings,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        patience: float = PATIENCE,
    ) -> None:
        self.settings = settings
        self._now, self._patience = now, patience
        self._lock = threading.Lock()
        self._reading: threading.Event | None = None
        self._asked_at: datetime | None = None
        self._read_one_at: datetime | None = None
        self._reads_active = False
        self._latest: dict[str, Campaign] = {}
        self._active: dict[str, Campaign] = {}
        self._samples: dict[str, tuple[Sample, ...]] = {}
        self._snapshot = Snapshot(problem=NOT_YET)
        self.stop: StopEverything | None = None

    def begin(self) -> threading.Event | None:
        """Start to read the account's campaigns, unless they were read in the last 15 seconds.

        :return: an event that is set when they are read; ``None`` if no reading is in progress.
        """
        with self._lock:
            now = self._now()
            if self._reading is None and (self._asked_at is None or now - self._asked_at >= READ_EVERY):
                self._asked_at, self._reading = now, threading.Event()
                threading.Thread(target=self._read, args=(self._reading,), daemon=True, name="exotel-page").start()
            return self._reading

    def snapshot(self, patience: float | None = None) -> Snapshot:
        """Return the account's campaigns, at most 15 seconds old if the service answers.

        :param patience: the longest wait for an answer in seconds; default the reader's.
        """
        reading = self.begin()
        if reading is not None:
            reading.wait(self._patience if patience is None else max(patience, 0.0))
        return self._snapshot

    def may_read_one(self) -> bool:
        """Return whether a single campaign may be read now, at most one in five seconds for all viewers.

        Every viewer may ask for any id, and each costs a request of the account's rate limit.
        """
        with self._lock:
            now = self._now()
            if self._read_one_at is not None and now - self._read_one_at < _READ_ONE_EVERY:
                return False
            self._read_one_at = now
            return True

    def client(self, *, tries: int | None = None) -> ExotelClient:
        """Return a client of the account, which shares this process's rate limit.

        :param tries: the most attempts of a request; default the client's policy.
        """
        return client_of(self.settings, tries=tries)

    def fail_fast_client(self) -> ExotelClient:
        """Return a client for a person who waits for the answer: one attempt, short timeouts, no rate limit."""
        return client_of(self.settings, fail_fast=True, fail_after=ANSWER_WITHIN)

    def find(self, campaign_id: str) -> Campaign | None:
        """Return a campaign as last read, ``None`` if it was not read.

        :param campaign_id: its id.
        """
        return next((one for one in self.snapshot().campaigns if one.id == campaign_id), None)

    def take(self, campaign: Campaign) -> None:
        """Store a campaign that was read on its own, after somebody paused, resumed or stopped it.

        :param campaign: its current state.
        """
        with self._lock:
            for known in (self._latest, self._active):
                if campaign.id in known:
                    known[campaign.id] = campaign
            shown = tuple(campaign if one.id == campaign.id else one for one in self._snapshot.campaigns)
            self._snapshot = replace(self._snapshot, campaigns=shown)

    def stop_everything(self, by: str) -> StopEverything:
        """Start to pause every campaign of the account, or return the stop in progress.

        It runs in the background: at 30 requests a minute a hundred campaigns take more than three minutes.

        :param by: the user who pressed the button.
        """
        with self._lock:
            if self.stop is None or self.stop.finished.is_set():
                self.stop = StopEverything(by)
                threading.Thread(target=self._stop, args=(self.stop,), daemon=True, name="exotel-stop").start()
            return self.stop

    def _stop(self, stop: StopEverything) -> None:
        try:
            with self.client() as client:
                for campaign, error in pause_all(client, self._now()):
                    if error is None:
                        stop.paused += 1
                    else:
                        stop.failed.append(campaign.id)
                        log.error("Campaign %s could not be paused: %s", campaign.id, error)
        except Exception as error:
            stop.problem = in_words(error) if isinstance(error, ExotelError) else _OTHERWISE
            detail = str(error) if isinstance(error, ExotelError) else type(error).__name__
            log.error("Not every campaign was paused: %s", detail)  # noqa: TRY400 - a traceback may hold an answer
        finally:
            stop.finished.set()
            log.warning(
                "The stop of everything by %s paused %d campaigns; %d could not be paused.",
                stop.by,
                stop.paused,
                len(stop.failed),
            )

    def _read(self, reading: threading.Event) -> None:
        try:
            self._read_list(self._reads_active)
        except ExotelError as error:
            log.warning("The page could not read the campaigns of an account: %s", error)
            self._keep(in_words(error) + (_READ_AGAIN if error.retryable else ""))
        except Exception as error:
            log.warning("The page could not read the campaigns of an account: %s", type(error).__name__)
            self._keep(_OTHERWISE + _READ_AGAIN)
        finally:
            with self._lock:
                self._reading = None
            reading.set()

    def _read_list(self, reads_active: bool) -> None:
        """Send one request: for the latest campaigns or, in turns if these are not all, for the active ones."""
        with self.client(tries=1) as client:
            try:
                listed = {
                    one.id: one for one in client.list_campaigns(status=ACTIVE if reads_active else None, most=LATEST)
                }
            except ExotelRequestRefused:
                if not reads_active:
                    raise
                listed = {}  # the filter is spelled differently on this account
        with self._lock:
            now = self._now()
            if reads_active:
                self._active = listed
                known = {**self._latest, **listed}
            else:
                self._latest = listed
                known = {**self._active, **listed}
            is_whole = len(self._latest) < LATEST
            has_active = is_whole or reads_active or self._snapshot.has_active_of_all
            self._reads_active = not reads_active and not is_whole
            samples = {
                one.id: add_sample(self._snapshot.samples.get(one.id, ()), one, now)
                if one.id in listed
                else self._snapshot.samples.get(one.id, ())
                for one in known.values()
            }
            in_order = sorted(known.values(), key=lambda one: one.date_created or now, reverse=True)
            self._snapshot = Snapshot(tuple(in_order), samples, now, is_whole, has_active)

    def _keep(self, problem: str) -> None:
        """Keep the previous data, and store why it is not newer."""
        with self._lock:
            self._snapshot = replace(self._snapshot, problem=problem)
