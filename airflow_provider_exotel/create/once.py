"""One campaign for one key, whatever dies on the way.

The steps, of which each try takes the first that applies:

1. The journal knows the campaign: follow it. If it is gone or was deleted, fail; it is never created again.
2. The account's list shows a campaign of the key: record it and follow it.
3. An earlier try may have sent it, and an answer may still be on its way: look again, with growing pauses, until the
   service has had all the time it may need.
4. Write down that it is about to be sent. A try that has been superseded cannot, and ends here.
5. Send it. Where the answer is lost, look for it as in 3; where it does not show, the outcome is unknown, and a later
   try begins again at 1.
6. Write down its id.
7. Where others may send a campaign of the key at the same time: look once more. All but the earliest withdraw and
   follow that.

Nothing here is sent twice: see the table in :mod:`airflow_provider_exotel.client.retry` for what counts as not sent.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_exotel.client.errors import (
    ExotelConnectionError,
    ExotelError,
    ExotelInputError,
    ExotelNotFound,
    ExotelOutcomeUnknown,
    Problem,
)
from airflow_provider_exotel.client.models import Campaign, CampaignStatus
from airflow_provider_exotel.client.request import CampaignRequest
from airflow_provider_exotel.create.comparison import other_fields, other_people
from airflow_provider_exotel.create.errors import ExotelCampaignGone
from airflow_provider_exotel.create.fingerprint import Content
from airflow_provider_exotel.create.identity import CampaignIdentity
from airflow_provider_exotel.create.journal import AudienceMark, CampaignJournal, Entry
from airflow_provider_exotel.create.lookup import find
from airflow_provider_exotel.create.options import OnSameAudience
from airflow_provider_exotel.create.same_audience import check_same_audience
from airflow_provider_exotel.windows.calling_window import MissedWindow

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import ExotelClient

log = logging.getLogger(__name__)
T = TypeVar("T")

SETTLE = timedelta(seconds=120)
"""How long after its answer is due a campaign may take to show in the list."""
SEND_WITHIN = timedelta(seconds=30)
"""How long after it is written down a campaign may be sent."""
PATIENT_LOOKS = 4
_NEWEST = 20
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 20.0


Wanted = Callable[[], AudienceMark | None]


@dataclass(frozen=True)
class Clock:
    """The time, and the waiting for it."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class OneCampaign:
    """The campaign of one key.

    :param identity: the key, and the name that carries it.
    :param campaigns: the account's campaigns.
    :param journal: what earlier tries left.
    :param since: nothing of this key is older.
    :param content: returns what this try would send, apart from whom it calls, when, and its name.
    :param refuses_other_content: whether a campaign of the key that was sent with another content is an error, rather
        than a warning.
    :param is_shared: whether others may send a campaign of the key at the same time, each with a journal of its own.
    :param is_later_try: whether an earlier try may have come as far as sending.
    :param answer_within: how long an answer may take.
    :param settle: how long after that a campaign may take to show in the list.
    :param on_same_audience: what to do if an active campaign of the same name calls the same people in overlapping
        hours.
    :param guard: called with the id of the campaign as soon as this try knows it, before anything else may fail.
    :param clock: the time.
    """

    identity: CampaignIdentity
    campaigns: ExotelClient
    journal: CampaignJournal
    since: datetime
    content: Callable[[], Content] | None = None
    refuses_other_content: bool = False
    is_shared: bool = False
    is_later_try: bool = False
    answer_within: timedelta = timedelta(seconds=40)
    settle: timedelta = SETTLE
    on_same_audience: OnSameAudience = "warn"
    guard: Callable[[str], None] = lambda campaign_id: None  # noqa: ARG005
    clock: Clock = field(default_factory=Clock)
    _others: list[Campaign] = field(default_factory=list, init=False)
    """Campaigns under other keys that the last look saw."""

    def find(self, audience: Callable[[], AudienceMark]) -> Campaign | None:
        """Return the campaign that exists already, ``None`` if there surely is none: steps 1 to 3.

        :param audience: returns whom this try would call.
        :raises ExotelCampaignGone: if it was deleted.
        :raises ExotelInputError: if it calls other people than this try would.
        """
        wanted = cache(lambda: _readable(audience))
        campaign = self._recorded(self.journal.entry) or self._looked_up(self.journal.entry, wanted)
        if campaign is None:
            return None
        if campaign.status is CampaignStatus.DELETED:
            raise _gone(campaign.id)
        mark = wanted()
        if mark is not None and (difference := self._other_people(campaign, mark)) is not None:
            raise _calls_others(campaign.id, mark, difference)
        self._compare_content(campaign, refuses=self.refuses_other_content)
        vouched = mark is not None and self.identity.audience_in(campaign.name) == mark.short
        self._record(campaign.id, mark if vouched else None)
        return campaign

    def create(self, make: Callable[[datetime], CampaignRequest], audience: AudienceMark) -> Campaign:
        """Create it, where :meth:`find` found none: steps 4 to 7.

        :param make: returns the request as it is to be sent at a moment.
        :param audience: whom it calls.
        :raises MissedWindow: if its window closes before it can be sent.
        :raises ExotelOutcomeUnknown: if nobody can say whether it exists.
        :raises ExotelError: if it surely does not.
        """
        content = _readable(self.content) if self.content else None
        mark = content.mark() if content else None

        def request() -> CampaignRequest:
            made, posted_before = make(self.clock.now()), self.clock.now() + SEND_WITHIN
            check_same_audience(
                self._others, self.identity, audience, made.schedule, self.clock.now(), self.on_same_audience
            )
            made = made.model_copy(update={"name": self.identity.name_for(audience.short)})
            self.journal.intend(posted_before, audience, mark)
            if self.clock.now() >= posted_before:
                raise ExotelConnectionError("it was not sent: the journal took too long")
            return made

        try:
            campaign = self.campaigns.create_campaign(request)
        except ExotelOutcomeUnknown as unknown:
            campaign = self._lost_answer(unknown, audience)
            self._compare_content(campaign, refuses=False)
        except (ExotelError, MissedWindow):
            self.journal.forget()
            raise
        self._record(campaign.id)
        return self._earliest(campaign, audience) if self.is_shared else campaign

    @property
    def contacts(self) -> int | None:
        """How many people it calls, where the journal knows it."""
        return self.journal.entry.audience.contacts if self.journal.entry.audience else None

    @property
    def rejected(self) -> int:
        """How many entries it leaves out because they cannot be phone numbers, where the journal knows it."""
        return self.journal.entry.audience.rejected if self.journal.entry.audience else 0

    def pause_what_was_sent(self, campaigns: ExotelClient) -> None:
        """Pause the campaign if it was sent: one look at the newest, for a task that is killed while it sends.

        :param campaigns: the account's campaigns, by a client that does not wait.
        """
        try:
            newest = [one for one in islice(campaigns.list_campaigns(), _NEWEST) if self.identity.is_of(one.name)]
            for campaign in newest:
                campaigns.pause_campaign(campaign.id)
                log.warning("The task was killed while it sent campaign %s, which is paused.", campaign.id)
        except ExotelError as error:
            log.error("The task was killed while it sent a campaign, which may dial: %s", error)  # noqa: TRY400
        else:
            if not newest and self.journal.entry.posted_before is not None:
                log.error("The task was killed while it sent a campaign, which does not show and may dial.")

    def _recorded(self, entry: Entry) -> Campaign | None:
        if entry.campaign_id is None:
            return None
        self.guard(entry.campaign_id)
        try:
            return self.campaigns.get_campaign(entry.campaign_id)
        except ExotelNotFound:
            raise _gone(entry.campaign_id) from None

    def _looked_up(self, entry: Entry, wanted: Wanted) -> Campaign | None:
        if entry.posted_before is not None:
            log.info("An earlier try may have sent this campaign before %s; looking for it.", entry.posted_before)
            return self._look_until(self._known_after(entry.posted_before), wanted)
        if self.is_later_try and not self.journal.outlives_tries:
            log.info("An earlier try may have sent this campaign; looking for it.")
            return self._look_until(self._known_after(self.clock.now()), wanted)
        return self._look(wanted)

    def _known_after(self, posted_before: datetime) -> datetime:
        return posted_before + self.answer_within + self.settle

    def _look_until(self, known_after: datetime, wanted: Wanted) -> Campaign | None:
        looks, pause = 0, _FIRST_PAUSE
        while True:
            campaign = self._look(wanted)
            looks += 1
            left = (known_after - self.clock.now()).total_seconds()
            # One that calls others is not what may have been sent, which may still show.
            if self._is_meant(campaign, wanted()) or (left <= 0 and looks >= PATIENT_LOOKS):
                return campaign
            self.clock.sleep(pause if left <= 0 else min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _look(self, wanted: Wanted) -> Campaign | None:
        seen = find(self.campaigns, self.identity, self.since)
        self._others[:] = seen.others
        found = seen.matches
        audience = wanted() if found else None
        same = [one for one in found if audience and not audience.is_other(self.identity.audience_in(one.name))]
        same = [one for one in same if one.status is not CampaignStatus.DELETED] or same[:1]
        if len(same) > 1:
            log.error("%d campaigns carry %r; the earliest is followed.", len(same), self.identity.marker)
        if not self.identity.exact:  # a name of the caller's own may stand for anything
            self._stop(same[1:])
        # One of the key that calls others is no reason to send another: it is found, and then compared.
        return next(iter(same or found), None)

    def _earliest(self, own: Campaign, audience: AudienceMark) -> Campaign:
        """Return the earliest campaign of the key, and withdraw one's own if that is another."""
        try:
            found = find(self.campaigns, self.identity, self.since).matches
        except ExotelError as error:
            log.warning("Whether others have sent a campaign of this key as well is not known: %s", error)
            return own
        living = [one for one in found if one.status is not CampaignStatus.DELETED and self._is_meant(one, audience)]
        # One's own may not show yet: what shows is earlier.
        first, *others = living if own.id in {one.id for one in living} else [*living, own]
        self._stop([one for one in others if one.id == own.id or not self.identity.exact])
        if first.id != own.id:
            log.warning("Another task sent campaign %s of this key first; campaign %s is withdrawn.", first.id, own.id)
            self._record(first.id)
        return first

    def _record(self, campaign_id: str, audience: AudienceMark | None = None) -> None:
        self.guard(campaign_id)
        self.journal.record(campaign_id, audience)

    def _stop(self, others: list[Campaign]) -> None:
        """Stop what should not exist: another campaign that calls the same people."""
        for campaign in others:
            try:
                if campaign.status is CampaignStatus.IN_PROGRESS:
                    self.campaigns.pause_campaign(campaign.id)
                elif campaign.status in {CampaignStatus.CREATED, CampaignStatus.UNKNOWN}:
                    self._delete_or_pause(campaign.id)
            except ExotelError as error:
                log.error("Campaign %s could not be stopped: %s", campaign.id, error)  # noqa: TRY400

    def _delete_or_pause(self, campaign_id: str) -> None:
        try:
            self.campaigns.delete_campaign(campaign_id)
        except ExotelError:  # it may have begun meanwhile
            self.campaigns.pause_campaign(campaign_id)

    def _lost_answer(self, unknown: ExotelOutcomeUnknown, audience: AudienceMark) -> Campaign:
        began = self.clock.now()
        log.warning("%s; looking for it for %s.", unknown.message, self.settle)
        try:
            campaign = self._look_until(began + self.settle, lambda: audience)
        except ExotelError as error:
            outcome = f"the list of campaigns could not be read ({error.message})"
        else:
            if campaign is not None and self._is_meant(campaign, audience):
                return campaign
            outcome = f"it did not show in the list for {(self.clock.now() - began).total_seconds():.0f} s"
        known_after = self._known_after(self.journal.entry.posted_before or began)
        when = f"after {known_after:%Y-%m-%d %H:%M:%S %Z}"
        if not self.journal.outlives_tries:  # it cannot know when this was
            when = f"{(self.answer_within + self.settle).total_seconds():.0f} s after it began"
        raise ExotelOutcomeUnknown(
            f"a campaign was sent, its answer was lost, and {outcome}. A later try looks for {self.identity.marker!r} "
            f"again and may send it {when}. By hand: look for that among the names "
            "in the dashboard; if it is there, let the task try again, which follows it",
            http_status=unknown.http_status,
            code=unknown.code,
            request_id=unknown.request_id,
        ) from unknown

    def _other_people(self, campaign: Campaign, wanted: AudienceMark) -> str | None:
        return other_people(campaign, wanted, self.journal.entry, self.identity.audience_in(campaign.name))

    def _is_meant(self, campaign: Campaign | None, wanted: AudienceMark | None) -> bool:
        return campaign is not None and (wanted is None or self._other_people(campaign, wanted) is None)

    def _compare_content(self, campaign: Campaign, *, refuses: bool) -> None:
        content = _readable(self.content) if self.content else None
        names = other_fields(campaign, content, self.journal.entry) if content else []
        if names and refuses:
            raise _sent_with_another(campaign.id, names)
        if names:
            log.warning(
                "Campaign %s exists already and was sent with another %s than this try would send; it stays as it is.",
                campaign.id,
                ", ".join(names),
            )


def _readable(what: Callable[[], T]) -> T | None:
    try:
        return what()
    except Exception as error:  # whatever reads a file somewhere may raise; what exists is followed all the same
        log.warning("What this try would send, and to whom, cannot be told (%s).", type(error).__name__)
        return None


def _gone(campaign_id: str) -> ExotelCampaignGone:
    return ExotelCampaignGone(
        f"campaign {campaign_id} of this task was deleted; it is not created again. "
        "Give another idempotency_key to start another campaign"
    )


def _calls_others(campaign_id: str, wanted: AudienceMark, difference: str) -> ExotelInputError:
    told = (
        f"this task's campaign {campaign_id} exists and calls other people: this try would call {difference}; "
        "give another idempotency_key for another campaign, and each row of a mapped task its own"
    )
    return ExotelInputError([Problem("numbers" if wanted.contacts is not None else "lists", told)])


def _sent_with_another(campaign_id: str, names: list[str]) -> ExotelInputError:
    told = (
        f"campaign {campaign_id} of this key exists and has another; give another idempotency_key for another campaign"
    )
    return ExotelInputError([Problem(name, told) for name in names])
