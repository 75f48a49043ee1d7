"""The account as the checks see it: the normal client, with a deadline for each request."""

from __future__ import annotations

import queue
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, TypeVar

from airflow_provider_exotel.client.answer_forms import form_of_headers, objects_of
from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.errors import (
    ExotelConnectionError,
    ExotelError,
    ExotelInputError,
    ExotelNotFound,
    ExotelOutcomeUnknown,
    ExotelRateLimited,
    ExotelResponseError,
)
from airflow_provider_exotel.client.models import Campaign
from airflow_provider_exotel.client.profile import Profile
from airflow_provider_exotel.client.rate_limit import TokenBucket
from airflow_provider_exotel.client.redact import redact
from airflow_provider_exotel.client.request import CampaignRequest
from airflow_provider_exotel.client.retry import RetryPolicy, is_definite_refusal
from airflow_provider_exotel.client.transport import RawAnswer
from airflow_provider_exotel.client.urls import check_id
from airflow_provider_exotel.commands.verify.finding import Inconclusive
from airflow_provider_exotel.commands.verify.state import CreatedItem, State
from airflow_provider_exotel.connection import ExotelSettings

Value = TypeVar("Value")

MOST_CALLS = 3
"""The most calls that may ring, over all runs that share a state."""
NEWEST = 1_000
"""Number of campaigns of the list that are searched."""
TEXT = "This is a test call of your Airflow. Nothing needs to be done."
FAR = timedelta(days=1)
"""Lead of a campaign that is deleted before it dials: enough time to delete it by hand."""
_TRIES = 3
_SETTLES = (1, 2, 3, 5, 5)
"""Seconds between the polls of a campaign until it shows that it was created or changed."""
_RATE_LIMIT_WAITS = (61.0, 61.0)
"""Seconds to wait after the first and the second 429."""
_LIMIT_PERIOD = 61.0
"""Seconds after which the account's requests count anew."""
_REVEALING_DIGITS = 7
_MOST_UNCERTAIN = 4
"""Limit of campaigns of unknown outcome; an honest account may refuse two or three creates."""
_MARGIN = 15.0
"""Seconds that a call of the client may take in addition to the timeouts of its requests."""


@dataclass(frozen=True)
class Pace:
    """Clock and sleep, which tests replace.

    :param now: returns the current time.
    :param clock: a monotonic clock, in seconds.
    :param sleep: waits for seconds.
    """

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Reply:
    """The result of a call of the client.

    :param value: the value that it returned, ``None`` if it raised.
    :param error: the error that it raised.
    :param answers: the raw answers of the service.
    """

    value: Any
    error: ExotelError | None
    answers: list[RawAnswer] = field(repr=False)


class Probe:
    """The account under test.

    :param settings: the connection.
    :param number: the one number that may be called.
    :param state: the state of the run.
    :param pace: clock and sleep.
    :param timeouts: seconds to wait for a connection and for an answer; default the connection's.
    """

    def __init__(
        self,
        settings: ExotelSettings,
        number: str,
        state: State,
        pace: Pace,
        timeouts: tuple[float, float] | None = None,
    ) -> None:
        self.settings, self.number, self.state, self.pace = settings, number, state, pace
        self._timeouts = timeouts or (settings.connect_timeout, settings.read_timeout)
        self._bucket = TokenBucket(settings.requests_per_minute, clock=pace.clock, sleep=self._wait)
        self._waited = 0.0
        self._has_reached_limit = False
        self._longest = _TRIES * sum(self._timeouts) + _MARGIN
        self._answers: list[RawAnswer] = []
        self.headers: dict[str, Any] = {}
        self.start = pace.now()
        """Start of the campaign that was sent last."""
        self.cache: dict[str, Any] = {}
        """Values that one check read and another one uses."""
        self.client = self.another_client()

    def another_client(self, **changes: Any) -> ExotelClient:
        """Return a client for the connection with some arguments changed."""
        settings = self.settings
        tries = changes.pop("tries", _TRIES)
        usual: dict[str, Any] = {
            "api_key": settings.api_key,
            "api_token": settings.api_token,
            "account_sid": settings.account_sid,
            "host": settings.host,
        }
        return ExotelClient(
            **(usual | {name: changes.pop(name) for name in usual if name in changes}),
            connect_timeout=self._timeouts[0],
            read_timeout=self._timeouts[1],
            guard=settings.guard,
            retry=RetryPolicy(tries=tries),
            bucket=self._bucket,
            sleep=self._wait,
            on_answer=self._record,
            **({"profile": Profile()} | changes),
        )

    def _record(self, answer: RawAnswer) -> None:
        self._answers.append(answer)
        self._has_reached_limit |= answer.status == HTTPStatus.TOO_MANY_REQUESTS
        self.headers |= form_of_headers(answer)

    def _wait(self, seconds: float) -> None:
        """Wait for the client, and extend its deadline by the wait."""
        self._waited += seconds
        self.pace.sleep(seconds)

    def attempt(self, call: Callable[[], Any], *, once: bool = False) -> Reply:
        """Call the client and return the result; after a 429, wait and repeat the call.

        :param call: calls the client.
        :param once: do not repeat it, since a create that was answered with 429 may have counted after all.
        """
        before = len(self._answers)
        for wait in () if once else _RATE_LIMIT_WAITS:
            reply = self._reply(call, before)
            if not isinstance(reply.error, ExotelRateLimited):
                return reply
            self.pace.sleep(wait)
        return self._reply(call, before)

    def _reply(self, call: Callable[[], Any], before: int) -> Reply:
        done: queue.SimpleQueue[tuple[Any, Exception | None]] = queue.SimpleQueue()

        def run() -> None:
            try:
                done.put((call(), None))
            except Exception as error:  # such as a failure to read the answer
                done.put((None, error))

        # A server may send one byte at a time forever, which the read timeout does not end.
        begun, waited = time.monotonic(), self._waited
        threading.Thread(target=run, name="exotel-verify", daemon=True).start()
        while True:
            left = begun + self._longest + self._waited - waited - time.monotonic()
            try:
                value, error = done.get(timeout=max(left, 0.01))
                break
            except queue.Empty:
                if left <= 0:
                    value, error = None, ExotelConnectionError("the answer did not end in time", sent=True)
                    break
        if error is not None and not isinstance(error, ExotelError):
            error = ExotelResponseError(f"the answer could not be read ({type(error).__name__})")
        return Reply(value, error, self._answers[before:])

    def request(self, call: Callable[[], Value]) -> Value:
        """Call the client and return its value.

        :raises ExotelError: if it raised.
        """
        reply = self.attempt(call)
        if reply.error is not None:
            raise reply.error
        value: Value = reply.value
        return value

    def list_raw(self, client: ExotelClient | None = None, **query: Any) -> list[Mapping[str, Any]]:
        """Return the listed campaigns as the service wrote them, including those that the client leaves out.

        If the pages after the first cannot be read as one list, the pages so far are returned.

        :raises ExotelError: if the list cannot be read.
        """
        sender = client or self.client
        reply = self.attempt(lambda: list(sender.list_campaigns(**query, most=NEWEST)))
        listed = [one for answer in reply.answers if answer.path == "/campaigns" for one in objects_of(answer)]
        # An error without a status is the client's own, about pages that do not fit together.
        stopped = isinstance(reply.error, ExotelResponseError) and reply.error.http_status is None
        if reply.error is not None and not (stopped and listed):
            raise reply.error
        return listed

    def reserve_calls(self, count: int) -> None:
        """Reserve calls that may ring.

        :raises Inconclusive: if the calls of all runs are used up.
        """
        if self.state.calls + count > MOST_CALLS:
            raise Inconclusive(f"the {MOST_CALLS} allowed calls are used up")
        self.state.calls += count
        self.state.save()

    def create(
        self,
        *,
        starts_in: timedelta = FAR,
        lasts: timedelta = timedelta(hours=3),
        client: ExotelClient | None = None,
        times: int = 1,
        name_length: int = 0,
        **fields: Any,
    ) -> CreatedItem:
        """Create a campaign that calls the one number, and return its item.

        :param starts_in: time from the request to its start; a campaign that starts soon is sent only once.
        :param lasts: length of its window.
        :param client: the client to create it with.
        :param times: how often it contains the number.
        :param name_length: minimum length of its name.
        :param fields: further fields of the request.
        :raises Inconclusive: if the id in the answer does not lead to this campaign, or too many others may exist.
        :raises ExotelError: if it was refused, or it is unknown whether it exists.
        """
        uncertain = [one for one in self.state.made if one.kind == "campaign" and not one.confirmed and not one.gone]
        if len(uncertain) >= _MOST_UNCERTAIN:
            raise Inconclusive(f"{len(uncertain)} campaigns may or may not exist; no more are created")
        existing = [one for one in self.state.made if one.kind == "campaign" and one.confirmed and not one.gone]
        if starts_in >= FAR and len(existing) >= MOST_CALLS:  # each calls if it cannot be removed
            raise Inconclusive(f"{len(existing)} campaigns are not removed yet; no more are created")
        item = self.state.add("campaign", self.pace.now().timestamp())
        given = {
            "numbers": [self.number] * times,
            "caller_id": self.settings.exophone,
            "name": item.name.ljust(name_length, "x"),
            "read_via_text": TEXT,
        }

        def request() -> CampaignRequest:
            # Built right before sending, since the wait for the rate limit may be longer than the lead.
            self.start = (self.pace.now() + starts_in).replace(microsecond=0)
            schedule = {"send_at": self.start, "end_at": self.start + lasts}
            return CampaignRequest(**(given | {"schedule": schedule} | fields))

        sender = client or self.client

        def create() -> Campaign:
            campaign = sender.create_campaign(request)
            # Set here rather than after attempt(), so that a run that is interrupted meanwhile knows the id.
            item.id = self.safe_id(campaign.id)
            return campaign

        is_sent_once = starts_in < FAR
        if is_sent_once and self._has_reached_limit:
            self.pace.sleep(_LIMIT_PERIOD)  # a 429 would leave its check open
        reply = self.attempt(create, once=is_sent_once)
        self.cache["create"] = [answer for answer in reply.answers if answer.method == "POST"]
        if reply.error is not None:
            self.record_failed_create(item, reply.error)
            raise reply.error
        self.state.save()
        self.cache["shown after"] = 0
        for wait in (0, *_SETTLES):
            self.pace.sleep(wait)
            self.cache["shown after"] += wait
            if self.fetch_own(item) is not None:
                return item
            if item.id is None:  # another campaign
                break
        raise Inconclusive("the id in the answer does not lead to a campaign of that name")

    def record_failed_create(self, item: CreatedItem, error: ExotelError) -> None:
        """Record that a create failed. A refusal may be false; only the list proves that nothing was created."""
        never_sent = isinstance(error, ExotelInputError) or (
            isinstance(error, ExotelConnectionError) and not error.sent
        )
        item.gone, item.refused = never_sent, is_definite_refusal(error)
        self.state.save()

    def fetch_own(self, item: CreatedItem) -> Campaign | None:
        """Return the campaign of an item, ``None`` if its id leads to another campaign or to none.

        The checks change only campaigns that were shown with the right name.

        :raises ExotelError: if it cannot be read.
        """
        if item.id is None:
            return None
        campaign_id = item.id
        try:
            campaign = self.request(lambda: self.client.get_campaign(campaign_id))
        except ExotelNotFound:
            return None
        # A service may drop the name, or cut it.
        cut = item.name.casefold().startswith(campaign.name.casefold()) and campaign.schedule.send_at == self.start
        if not item.confirmed and not cut and not item.is_named(campaign.name):
            if campaign.name:  # somebody else's, or ours under a name that the service invented
                item.id, item.claimed = None, campaign_id
            self.state.save()
            return None
        item.confirmed = True
        self.state.save()
        return campaign

    def fetch_until(self, campaign_id: str, shows: Callable[[Campaign], bool]) -> Campaign:
        """Poll a campaign for up to 16 seconds until it shows a change, and return it.

        :param campaign_id: the campaign.
        :param shows: returns whether it shows the change.
        :raises ExotelError: if it cannot be read.
        """
        campaign = self.request(lambda: self.client.get_campaign(campaign_id))
        for wait in _SETTLES:
            if shows(campaign):
                break
            self.pace.sleep(wait)
            campaign = self.request(lambda: self.client.get_campaign(campaign_id))
        return campaign

    def safe_id(self, given: str) -> str | None:
        """Return the id if it may be stored: it contains no number and no secret, and no other item has it."""
        digits = re.sub(r"\D", "", self.number)[-_REVEALING_DIGITS:]
        secrets = (self.settings.api_key, self.settings.api_token)
        taken = {one.id for one in self.state.made}
        try:
            check_id(given, "id")
        except ExotelInputError:
            return None
        if digits in re.sub(r"\D", "", given) or any(secret in given for secret in secrets) or given in taken:
            return None
        return given

    def hide(self, text: object) -> str:
        """Return a text without secrets and without the number in any spelling."""
        digits = re.sub(r"\D", "", self.number)
        spellings = [self.number, digits, digits[-10:], f"0{digits[-10:]}"]
        return redact(text, [*spellings, self.settings.api_key, self.settings.api_token])


def id_of(campaign: Mapping[str, Any]) -> str:
    """Return the id of a campaign in a raw list as text; the service may write it as a number."""
    return str(campaign.get("id") or "")


def is_refusal(error: ExotelError | None) -> bool:
    """Return whether the service refused a request, rather than giving no usable answer."""
    no_answer = (ExotelOutcomeUnknown, ExotelConnectionError, ExotelResponseError, ExotelInputError)
    status = error.http_status if error is not None else None
    return (
        error is not None
        and not isinstance(error, no_answer)
        and status is not None
        and status not in _NO_REFUSAL_STATUSES
    )


_NO_REFUSAL_STATUSES = frozenset({429, *range(500, 600)})
