"""Create one campaign per key, even if workers or connections fail.

Each try takes the first step that applies:

1. The journal has the campaign: follow it. If it was deleted, fail; it is never created again.
2. The account's list has a campaign with the key: record it and follow it.
3. An earlier try may have sent it, and the service may still be processing it: poll the list with exponential backoff
   until it would certainly show.
4. Write the intent to the journal. A superseded try cannot write, and ends here.
5. Send it. If the response is lost, poll as in 3. If the campaign does not show, the outcome is unknown, and a later
   try starts again at 1.
6. Write its id to the journal.
7. If other tasks may send a campaign with the same key at the same time, poll the list once more. All but the earliest
   campaign are withdrawn, and every task follows that one.

Nothing is sent twice: the table in :mod:`airflow_provider_exotel.client.retry` defines what counts as not sent.
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
from airflow_provider_exotel.create.comparison import describe_audience_difference, find_different_fields
from airflow_provider_exotel.create.errors import ExotelCampaignGone
from airflow_provider_exotel.create.fingerprint import CampaignFields
from airflow_provider_exotel.create.identity import CampaignIdentity
from airflow_provider_exotel.create.journal import AudienceFingerprint, CampaignJournal, Entry
from airflow_provider_exotel.create.lookup import find
from airflow_provider_exotel.create.options import OnSameAudience
from airflow_provider_exotel.create.same_audience import check_same_audience
from airflow_provider_exotel.windows.calling_window import MissedWindow

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import ExotelClient

log = logging.getLogger(__name__)
T = TypeVar("T")

SETTLE = timedelta(seconds=120)
"""Maximum time until a campaign appears in the list, after its response was due."""
SEND_WITHIN = timedelta(seconds=30)
"""Maximum time between writing the intent and sending the campaign."""
MIN_POLLS = 4
_NEWEST = 20
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 20.0


Wanted = Callable[[], AudienceFingerprint | None]


@dataclass(frozen=True)
class Clock:
    """The current time, and sleeping."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class OneCampaign:
    """The campaign of one key.

    :param identity: the key, and the name that contains it.
    :param campaigns: the account's campaigns.
    :param journal: the journal of the task.
    :param since: no campaign of this key was created before this time.
    :param content: returns the fields that this try would send, without audience, schedule and name.
    :param refuses_other_content: whether different fields of an existing campaign are an error instead of a warning.
    :param is_shared: whether other tasks, with their own journals, may send a campaign of the key at the same time.
    :param is_later_try: whether an earlier try may have sent it.
    :param answer_within: maximum time until a response.
    :param settle: maximum time after that until the campaign appears in the list.
    :param on_same_audience: what to do if an active campaign of the same name calls the same people in overlapping
        hours.
    :param guard: called with the campaign's id as soon as this try knows it, before anything else may fail.
    :param clock: the clock.
    """

    identity: CampaignIdentity
    campaigns: ExotelClient
    journal: CampaignJournal
    since: datetime
    content: Callable[[], CampaignFields] | None = None
    refuses_other_content: bool = False
    is_shared: bool = False
    is_later_try: bool = False
    answer_within: timedelta = timedelta(seconds=40)
    settle: timedelta = SETTLE
    on_same_audience: OnSameAudience = "warn"
    guard: Callable[[str], None] = lambda campaign_id: None  # noqa: ARG005
    clock: Clock = field(default_factory=Clock)
    _others: list[Campaign] = field(default_factory=list, init=False)
    """Campaigns with other keys in the last lookup."""

    def find(self, audience: Callable[[], AudienceFingerprint]) -> Campaign | None:
        """Return the existing campaign, or ``None`` if there certainly is none: steps 1 to 3.

        :param audience: returns the fingerprint of this try's audience.
        :raises ExotelCampaignGone: if it was deleted.
        :raises ExotelInputError: if it calls other people than this try would.
        """
        wanted = cache(lambda: _read_or_none(audience))
        campaign = self._read_recorded(self.journal.entry) or self._lookup(self.journal.entry, wanted)
        if campaign is None:
            return None
        if campaign.status is CampaignStatus.DELETED:
            raise _gone(campaign.id)
        fingerprint = wanted()
        if fingerprint is not None and (difference := self._other_people(campaign, fingerprint)) is not None:
            raise _audience_error(campaign.id, fingerprint, difference)
        self._compare_fields(campaign, refuses=self.refuses_other_content)
        same_audience = fingerprint is not None and self.identity.audience_in(campaign.name) == fingerprint.short
        self._record(campaign.id, fingerprint if same_audience else None)
        return campaign

    def create(self, make: Callable[[datetime], CampaignRequest], audience: AudienceFingerprint) -> Campaign:
        """Create the campaign after :meth:`find` found none: steps 4 to 7.

        :param make: returns the request for a time of sending.
        :param audience: fingerprint of its audience.
        :raises MissedWindow: if its window closes before it can be sent.
        :raises ExotelOutcomeUnknown: if it is unknown whether the campaign exists.
        :raises ExotelError: if it certainly does not exist.
        """
        content = _read_or_none(self.content) if self.content else None
        fingerprint = content.fingerprint() if content else None

        def request() -> CampaignRequest:
            made, posted_before = make(self.clock.now()), self.clock.now() + SEND_WITHIN
            check_same_audience(
                self._others, self.identity, audience, made.schedule, self.clock.now(), self.on_same_audience
            )
            made = made.model_copy(update={"name": self.identity.name_for(audience.short)})
            self.journal.intend(posted_before, audience, fingerprint)
            if self.clock.now() >= posted_before:
                raise ExotelConnectionError("writing the journal took too long; nothing was sent")
            return made

        try:
            campaign = self.campaigns.create_campaign(request)
        except ExotelOutcomeUnknown as unknown:
            campaign = self._find_after_lost_response(unknown, audience)
            self._compare_fields(campaign, refuses=False)
        except (ExotelError, MissedWindow):
            self.journal.forget()
            raise
        self._record(campaign.id)
        if campaign.name and not self.identity.matches(campaign.name):
            log.warning(
                "Campaign %s does not have the name that was sent, so a later try may not find it and create another "
                "one; use a shorter, plainer name.",
                campaign.id,
            )
        return self._keep_earliest(campaign, audience) if self.is_shared else campaign

    @property
    def contacts(self) -> int | None:
        """Number of contacts in the journal; ``None`` if unknown."""
        return self.journal.entry.audience.contacts if self.journal.entry.audience else None

    @property
    def rejected(self) -> int:
        """Number of entries in the journal left out because they are not phone numbers."""
        return self.journal.entry.audience.rejected if self.journal.entry.audience else 0

    def pause_after_kill(self, campaigns: ExotelClient) -> None:
        """Pause the campaign of a task that is killed while sending; reads only the newest campaigns.

        :param campaigns: the account's campaigns, with a client that does not wait.
        """
        try:
            newest = [one for one in islice(campaigns.list_campaigns(), _NEWEST) if self.identity.matches(one.name)]
            for campaign in newest:
                campaigns.pause_campaign(campaign.id)
                log.warning("The task was killed while sending campaign %s; paused the campaign.", campaign.id)
        except ExotelError as error:
            log.error("The task was killed while sending a campaign, which may dial: %s", error)  # noqa: TRY400
        else:
            if not newest and self.journal.entry.posted_before is not None:
                log.error("The task was killed while sending a campaign, which is not in the list yet and may dial.")

    def _read_recorded(self, entry: Entry) -> Campaign | None:
        if entry.campaign_id is None:
            return None
        self.guard(entry.campaign_id)
        try:
            return self.campaigns.get_campaign(entry.campaign_id)
        except ExotelNotFound:
            raise _gone(entry.campaign_id) from None

    def _lookup(self, entry: Entry, wanted: Wanted) -> Campaign | None:
        if entry.posted_before is not None:
            log.info("An earlier try may have sent this campaign before %s; searching for it.", entry.posted_before)
            return self._poll_until(self._certain_after(entry.posted_before), wanted)
        if self.is_later_try and not self.journal.knows_earlier_tries:
            log.info("An earlier try may have sent this campaign; searching for it.")
            # An earlier try may have written its intent before that was discarded, and may still send.
            posted_before = self.clock.now() + (SEND_WITHIN if self.journal.outlives_tries else timedelta())
            return self._poll_until(self._certain_after(posted_before), wanted)
        return self._poll_list(wanted)

    def _certain_after(self, posted_before: datetime) -> datetime:
        return posted_before + self.answer_within + self.settle

    def _poll_until(self, certain_after: datetime, wanted: Wanted) -> Campaign | None:
        polls, pause = 0, _FIRST_PAUSE
        while True:
            campaign = self._poll_list(wanted)
            polls += 1
            left = (certain_after - self.clock.now()).total_seconds()
            # The campaign that may have been sent has this audience. It may still appear beside one with another.
            if self._is_wanted(campaign, wanted()) or (left <= 0 and polls >= MIN_POLLS):
                return campaign
            self.clock.sleep(pause if left <= 0 else min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _poll_list(self, wanted: Wanted) -> Campaign | None:
        seen = find(self.campaigns, self.identity, self.since)
        self._others[:] = seen.others
        found = seen.matches
        audience = wanted() if found else None
        same = [one for one in found if audience and not audience.is_other(self.identity.audience_in(one.name))]
        same = [one for one in same if one.status is not CampaignStatus.DELETED] or same[:1]
        if len(same) > 1:
            log.error("%d campaigns are named %r; following the earliest.", len(same), self.identity.marker)
        if not self.identity.exact:  # an exact name may belong to any campaign
            self._stop(same[1:])
        # A campaign of the key with another audience still prevents a second one: it is returned and then compared.
        return next(iter(same or found), None)

    def _keep_earliest(self, own: Campaign, audience: AudienceFingerprint) -> Campaign:
        """Return the earliest campaign of the key, and withdraw this task's own if it is a later one."""
        try:
            found = find(self.campaigns, self.identity, self.since).matches
        except ExotelError as error:
            log.warning("Could not check whether another task sent a campaign of this key: %s", error)
            return own
        living = [one for one in found if one.status is not CampaignStatus.DELETED and self._is_wanted(one, audience)]
        # The own campaign may not show yet; then those that show are earlier.
        first, *others = living if own.id in {one.id for one in living} else [*living, own]
        self._stop([one for one in others if one.id == own.id or not self.identity.exact])
        if first.id != own.id:
            log.warning("Another task sent campaign %s of this key first; withdrew campaign %s.", first.id, own.id)
            self._record(first.id)
        return first

    def _record(self, campaign_id: str, audience: AudienceFingerprint | None = None) -> None:
        self.guard(campaign_id)
        self.journal.record(campaign_id, audience)

    def _stop(self, others: list[Campaign]) -> None:
        """Stop duplicate campaigns that call the same people."""
        for campaign in others:
            try:
                if campaign.status is CampaignStatus.IN_PROGRESS:
                    self.campaigns.pause_campaign(campaign.id)
                elif campaign.status in {CampaignStatus.CREATED, CampaignStatus.UNKNOWN}:
                    self._delete_or_pause(campaign.id)
            except ExotelError as error:
                log.error("Could not stop campaign %s: %s", campaign.id, error)  # noqa: TRY400

    def _delete_or_pause(self, campaign_id: str) -> None:
        try:
            self.campaigns.delete_campaign(campaign_id)
        except ExotelError:  # it may have started in the meantime
            self.campaigns.pause_campaign(campaign_id)

    def _find_after_lost_response(self, unknown: ExotelOutcomeUnknown, audience: AudienceFingerprint) -> Campaign:
        began = self.clock.now()
        log.warning("%s; checking the list for %s.", unknown.message, self.settle)
        try:
            campaign = self._poll_until(began + self.settle, lambda: audience)
        except ExotelError as error:
            outcome = f"the list of campaigns could not be read ({error.message})"
        else:
            if campaign is not None and self._is_wanted(campaign, audience):
                return campaign
            outcome = f"it did not appear in the list within {(self.clock.now() - began).total_seconds():.0f} s"
        certain_after = self._certain_after(self.journal.entry.posted_before or began)
        when = f"after {certain_after:%Y-%m-%d %H:%M:%S %Z}"
        if not self.journal.outlives_tries:  # a later try cannot know the time
            when = f"{(self.answer_within + self.settle).total_seconds():.0f} s after it began"
        raise ExotelOutcomeUnknown(
            f"a campaign was sent, its response was lost, and {outcome}. A later try searches for "
            f"{self.identity.marker!r} again and may send it {when}. To check by hand, search for it in the "
            "dashboard; if it is there, retry the task, which will follow it",
            http_status=unknown.http_status,
            code=unknown.code,
            request_id=unknown.request_id,
        ) from unknown

    def _other_people(self, campaign: Campaign, wanted: AudienceFingerprint) -> str | None:
        return describe_audience_difference(
            campaign, wanted, self.journal.entry, self.identity.audience_in(campaign.name)
        )

    def _is_wanted(self, campaign: Campaign | None, wanted: AudienceFingerprint | None) -> bool:
        return campaign is not None and (wanted is None or self._other_people(campaign, wanted) is None)

    def _compare_fields(self, campaign: Campaign, *, refuses: bool) -> None:
        content = _read_or_none(self.content) if self.content else None
        names = find_different_fields(campaign, content, self.journal.entry) if content else []
        if names and refuses:
            raise _fields_error(campaign.id, names)
        if names:
            log.warning(
                "Campaign %s already exists with a different %s than this try would send; it is not changed.",
                campaign.id,
                ", ".join(names),
            )


def _read_or_none(what: Callable[[], T]) -> T | None:
    try:
        return what()
    except Exception as error:  # reading a file may raise anything; an existing campaign is followed in any case
        log.warning("Could not read what this try would send (%s).", type(error).__name__)
        return None


def _gone(campaign_id: str) -> ExotelCampaignGone:
    return ExotelCampaignGone(
        f"campaign {campaign_id} of this task was deleted and is not created again; "
        "give another idempotency_key for a new campaign"
    )


def _audience_error(campaign_id: str, wanted: AudienceFingerprint, difference: str) -> ExotelInputError:
    message = (
        f"campaign {campaign_id} of this task already exists and calls other people: this try would call {difference}; "
        "give another idempotency_key for another campaign, and each index of a mapped task its own"
    )
    return ExotelInputError([Problem("numbers" if wanted.contacts is not None else "lists", message)])


def _fields_error(campaign_id: str, names: list[str]) -> ExotelInputError:
    message = f"differs from campaign {campaign_id} of this key; give another idempotency_key for another campaign"
    return ExotelInputError([Problem(name, message) for name in names])
