"""What the checks ask the account through: the normal client, each question under a deadline."""

from __future__ import annotations

import queue
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from airflow_provider_exotel.client.answer_forms import form_of_headers, objects
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
from airflow_provider_exotel.commands.verify.finding import NotTold
from airflow_provider_exotel.commands.verify.state import Made, State
from airflow_provider_exotel.connection import ExotelSettings

Value = TypeVar("Value")

MOST_CALLS = 3
"""The most calls that may ring, over all runs that share a state."""
NEWEST = 1_000
"""How many campaigns of the list are searched."""
TEXT = "This is a test call of your Airflow. Nothing needs to be done."
FAR = timedelta(days=1)
"""How far ahead a campaign is scheduled that is deleted before it dials: time enough to delete it by hand."""
_TRIES = 3
_WHEN_LIMITED = (61.0, 61.0)
"""Seconds to wait when the requests of a minute are used up, and after that again."""
_DIGITS_THAT_TELL = 7
_MOST_UNCERTAIN = 4
"""An honest account may refuse two or three."""
_SETTLES = (1, 2, 3, 5, 5)
"""Seconds between the reads of a campaign that was created, or changed, and does not show that yet."""
_MARGIN = 15.0
"""Seconds that a question may take beyond what its requests may take, waits aside."""


@dataclass(frozen=True)
class Pace:
    """Time, which tests replace.

    :param now: returns the present moment.
    :param clock: a monotonic clock, in seconds.
    :param sleep: waits for seconds.
    """

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Reply:
    """What came of a question.

    :param value: what the client returned, ``None`` if it raised.
    :param error: what it raised.
    :param answers: the answers of the service as they arrived.
    """

    value: Any
    error: ExotelError | None
    answers: list[RawAnswer] = field(repr=False)


class Probe:
    """The account under test.

    :param settings: the connection.
    :param number: the one number that may be called.
    :param state: what was created and found out.
    :param pace: time.
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
        self._longest = _TRIES * sum(self._timeouts) + _MARGIN
        self._answers: list[RawAnswer] = []
        self.headers: dict[str, Any] = {}
        self.start = pace.now()
        """When the campaign dials that was sent last."""
        self.cache: dict[str, Any] = {}
        """What a check has read that another one looks at too."""
        self.client = self.another_client()

    def another_client(self, **changes: Any) -> ExotelClient:
        """Return a client like that of the connection, apart from what is given."""
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
            on_answer=self._keep,
            **({"profile": Profile()} | changes),
        )

    def _keep(self, answer: RawAnswer) -> None:
        self._answers.append(answer)
        self.headers |= form_of_headers(answer)

    def _wait(self, seconds: float) -> None:
        """Wait as the client asks for; its deadline moves along."""
        self._waited += seconds
        self.pace.sleep(seconds)

    def question(self, call: Callable[[], Any], *, once: bool = False) -> Reply:
        """Ask, and return what came of it; if the account's requests are used up, wait and ask again.

        :param call: asks the client.
        :param once: do not ask again: it was said that nothing was done, and that may not be true.
        """
        seen = len(self._answers)
        for wait in () if once else _WHEN_LIMITED:
            reply = self._reply(call, seen)
            if not isinstance(reply.error, ExotelRateLimited):
                return reply
            self.pace.sleep(wait)
        return self._reply(call, seen)

    def _reply(self, call: Callable[[], Any], seen: int) -> Reply:
        done: queue.SimpleQueue[tuple[Any, Exception | None]] = queue.SimpleQueue()

        def ask() -> None:
            try:
                done.put((call(), None))
            except Exception as error:  # whatever the answer made the client do
                done.put((None, error))

        # A server may send a byte at a time for ever, which no timeout between two bytes ends.
        begun, waited = time.monotonic(), self._waited
        threading.Thread(target=ask, name="exotel-verify", daemon=True).start()
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
        return Reply(value, error, self._answers[seen:])

    def ask(self, call: Callable[[], Value]) -> Value:
        """Ask, and return the answer.

        :raises ExotelError: if there is none.
        """
        reply = self.question(call)
        if reply.error is not None:
            raise reply.error
        value: Value = reply.value
        return value

    def listed(self, client: ExotelClient | None = None, **query: Any) -> list[Mapping[str, Any]]:
        """Return the campaigns that the service lists, as it wrote them, those included that the client leaves out.

        Of a list that does not go on after a page, that page.

        :raises ExotelError: if the list cannot be read.
        """
        asked = client or self.client
        reply = self.question(lambda: list(asked.list_campaigns(**query, most=NEWEST)))
        listed = [one for answer in reply.answers if answer.path == "/campaigns" for one in objects(answer)]
        # An error without a status is the client's own, about pages that do not belong together.
        stopped = isinstance(reply.error, ExotelResponseError) and reply.error.http_status is None
        if reply.error is not None and not (stopped and listed):
            raise reply.error
        return listed

    def reserve_calls(self, count: int) -> None:
        """Allow for calls that may ring.

        :raises NotTold: if no more calls are allowed for, over all runs.
        """
        if self.state.calls + count > MOST_CALLS:
            raise NotTold(f"the {MOST_CALLS} calls that are allowed are used up")
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
    ) -> Made:
        """Create a campaign that calls the one number, and return what is known of it.

        :param starts_in: how far ahead of its sending it dials; one that dials soon is sent once only.
        :param lasts: how long its window is.
        :param client: the client to create it with.
        :param times: how often the number is in it.
        :param name_length: how long its name is at least.
        :param fields: further fields of the request.
        :raises NotTold: if the service shows another campaign under the id, or none, or it is not certain of too many
            others whether they exist.
        :raises ExotelError: if it was refused, or it is not known whether it exists.
        """
        uncertain = [one for one in self.state.made if one.kind == "campaign" and not one.confirmed and not one.gone]
        if len(uncertain) >= _MOST_UNCERTAIN:
            raise NotTold(f"of {len(uncertain)} campaigns it is not certain whether they exist; no more are created")
        made = self.state.add("campaign", self.pace.now().timestamp())
        given = {
            "numbers": [self.number] * times,
            "caller_id": self.settings.exophone,
            "name": made.name.ljust(name_length, "x"),
            "read_via_text": TEXT,
        }

        def request() -> CampaignRequest:
            # Made right before it is sent: the wait for the rate limit may take longer than it is ahead.
            self.start = (self.pace.now() + starts_in).replace(microsecond=0)
            schedule = {"send_at": self.start, "end_at": self.start + lasts}
            return CampaignRequest(**(given | {"schedule": schedule} | fields))

        asked = client or self.client

        def create() -> Campaign:
            campaign = asked.create_campaign(request)
            # Here, not behind the question: a run that is interrupted meanwhile must know it.
            made.id = self.safe_id(campaign.id)
            return campaign

        reply = self.question(create, once=starts_in < FAR)
        self.cache["create"] = [answer for answer in reply.answers if answer.method == "POST"]
        if reply.error is not None:
            self.not_made(made, reply.error)
            raise reply.error
        self.state.save()
        self.cache["shown after"] = 0
        for wait in (0, *_SETTLES):
            self.pace.sleep(wait)
            self.cache["shown after"] += wait
            if self.shown(made) is not None:
                return made
            if made.id is None:  # another one's
                break
        raise NotTold("the service shows no campaign of that name under the id that it gave")

    def not_made(self, made: Made, error: ExotelError) -> None:
        """Write down that a create failed. A refusal may be a lie, so only the list tells that nothing was made."""
        never_sent = isinstance(error, ExotelInputError) or (
            isinstance(error, ExotelConnectionError) and not error.sent
        )
        made.gone, made.refused = never_sent, is_definite_refusal(error)
        self.state.save()

    def shown(self, made: Made) -> Campaign | None:
        """Return a campaign as the service shows it, ``None`` if it shows another one or none under the id.

        Nothing that was not shown with the right name is ever changed.

        :raises ExotelError: if it cannot be read.
        """
        if made.id is None:
            return None
        campaign_id = made.id
        try:
            campaign = self.ask(lambda: self.client.get_campaign(campaign_id))
        except ExotelNotFound:
            return None
        # A service may keep no name, or cut it.
        cut = made.name.casefold().startswith(campaign.name.casefold()) and campaign.schedule.send_at == self.start
        if not made.confirmed and not cut and made.key.casefold() not in campaign.name.casefold():
            if campaign.name:  # somebody else's, or ours under a name that the service made up
                made.id, made.claimed = None, campaign_id
            self.state.save()
            return None
        made.confirmed = True
        self.state.save()
        return campaign

    def read_until(self, campaign_id: str, shows: Callable[[Campaign], bool]) -> Campaign:
        """Return a campaign once it shows a change, or as it is sixteen seconds later: a service may take its time.

        :param campaign_id: the campaign.
        :param shows: returns whether it shows the change.
        :raises ExotelError: if it cannot be read.
        """
        campaign = self.ask(lambda: self.client.get_campaign(campaign_id))
        for wait in _SETTLES:
            if shows(campaign):
                break
            self.pace.sleep(wait)
            campaign = self.ask(lambda: self.client.get_campaign(campaign_id))
        return campaign

    def safe_id(self, given: str) -> str | None:
        """Return an id that can be written down: one that holds no number, no secret, and is nobody else's."""
        digits = re.sub(r"\D", "", self.number)[-_DIGITS_THAT_TELL:]
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
        """Return a text without the number, in any spelling, and without secrets."""
        digits = re.sub(r"\D", "", self.number)
        spellings = [self.number, digits, digits[-10:], f"0{digits[-10:]}"]
        return redact(text, [*spellings, self.settings.api_key, self.settings.api_token])


def id_of(campaign: Mapping[str, Any]) -> str:
    """Return the id of a campaign as the service wrote it, which may be a number, as the client reads it."""
    return str(campaign.get("id") or "")


def is_refusal(error: ExotelError | None) -> bool:
    """Return whether the service refused a request in words, as opposed to giving no usable answer."""
    no_answer = (ExotelOutcomeUnknown, ExotelConnectionError, ExotelResponseError, ExotelInputError)
    status = error.http_status if error is not None else None
    return error is not None and not isinstance(error, no_answer) and status is not None and status not in _NOT_WORDS


_NOT_WORDS = frozenset({429, *range(500, 600)})
