"""Tasks that send a campaign with the same key at the same time: one is kept, and all tasks follow it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_exotel.client.errors import ExotelNotFound, ExotelRequestRefused, ExotelServerError
from airflow_provider_exotel.client.models import Campaign, CampaignStatus
from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.client.request import CampaignRequest
from airflow_provider_exotel.create.identity import CampaignIdentity, identify
from airflow_provider_exotel.create.journal import AudienceFingerprint, CampaignJournal
from airflow_provider_exotel.create.once import OneCampaign

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
KEY = identify("emulator", None, name="March", idempotency_key="march")
EXACT = replace(KEY, name="March", exact=True)
NUMBERS = PhoneNumbers(["+919876500000"])
OTHERS = PhoneNumbers(["+919876500001"])


@dataclass
class Account:
    """An account that processes the requests of its senders in a given order."""

    order: list[str]
    campaigns: dict[str, Campaign] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)
    turn: threading.Condition = field(default_factory=threading.Condition)

    def request(self, sender: str, act: Callable[[], Any]) -> Any:
        def is_next() -> bool:
            return next((one for one in self.order if one in self.running), sender) == sender

        with self.turn:
            assert self.turn.wait_for(is_next, timeout=10)
            if sender in self.order:
                self.order.remove(sender)
            try:
                return act()
            finally:
                self.turn.notify_all()

    def leave(self, sender: str) -> None:
        with self.turn:
            self.running.discard(sender)
            self.turn.notify_all()

    @property
    def dialling(self) -> list[str]:
        stopped = {CampaignStatus.DELETED, CampaignStatus.PAUSED}
        return [one.id for one in self.campaigns.values() if one.status not in stopped]


@dataclass
class Sender:
    """A task that sends requests to the account."""

    name: str
    account: Account
    begins_at_once: bool = False

    def list_campaigns(self) -> Iterator[Campaign]:
        def listed() -> list[Campaign]:
            return [one for one in self.account.campaigns.values() if one.status is not CampaignStatus.DELETED]

        return iter(self.account.request(self.name, listed)[::-1])

    def create_campaign(self, request: Callable[[], CampaignRequest]) -> Campaign:
        def create() -> Campaign:
            status = CampaignStatus.IN_PROGRESS if self.begins_at_once else CampaignStatus.CREATED
            campaign = Campaign(self.name, status, name=request().name or "", date_created=NOW)
            self.account.campaigns[self.name] = campaign
            return campaign

        made: Campaign = self.account.request(self.name, create)
        return made

    def get_campaign(self, campaign_id: str) -> Campaign:
        if campaign_id not in self.account.campaigns:
            raise ExotelNotFound("not there")
        return self.account.campaigns[campaign_id]

    def pause_campaign(self, campaign_id: str) -> Campaign:
        return self._becomes(campaign_id, CampaignStatus.PAUSED)

    def delete_campaign(self, campaign_id: str) -> None:
        if self.begins_at_once:
            raise ExotelRequestRefused("it has begun")
        self._becomes(campaign_id, CampaignStatus.DELETED)

    def _becomes(self, campaign_id: str, status: CampaignStatus) -> Campaign:
        def act() -> Campaign:
            self.account.campaigns[campaign_id] = replace(self.account.campaigns[campaign_id], status=status)
            return self.account.campaigns[campaign_id]

        campaign: Campaign = self.account.request(self.name, act)
        return campaign


def send(sender: Sender, identity: CampaignIdentity, numbers: PhoneNumbers = NUMBERS) -> str:
    """Create a campaign as a task with its own journal does, and return the campaign it follows."""
    kept: dict[str, Any] = {}
    journal = CampaignJournal(lambda: kept or None, kept.update)
    mark = AudienceFingerprint.of(numbers, None, "secret")
    one = OneCampaign(identity, sender, journal, NOW, is_shared=True)

    def request(now: datetime) -> CampaignRequest:
        return CampaignRequest(numbers=numbers, caller_id="0XXXXXX4890", name=identity.name)

    try:
        followed = (one.find(lambda: mark) or one.create(request, mark)).id
    finally:
        sender.account.leave(sender.name)
    assert kept["campaign_id"] == followed
    return followed


def side_by_side(order: str, identity: CampaignIdentity = KEY, **sender: Any) -> tuple[list[str], list[str]]:
    """Return the campaigns that the senders follow, and those that dial in the end."""
    names = sorted(set(order))
    account = Account(list(order), running=set(names))
    with ThreadPoolExecutor(len(names)) as pool:
        followed = list(pool.map(lambda name: send(Sender(name, account, **sender), identity), names))
    return followed, account.dialling


ORDERS = sorted({"".join(order) for order in itertools.permutations("AAABBB")})


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("identity", [KEY, EXACT], ids=["key", "exact name"])
@pytest.mark.parametrize("begins_at_once", [True, False], ids=["begins at once", "begins later"])
def test_two_tasks_follow_the_earliest_campaign(order: str, identity: CampaignIdentity, begins_at_once: bool) -> None:
    followed, dialling = side_by_side(order, identity, begins_at_once=begins_at_once)

    assert followed == [dialling[0]] * 2
    assert len(dialling) == 1


@pytest.mark.parametrize("order", ["ABCABCABC", "AABBCCABC", "CBACBACBA", "ABCCBAABC"])
def test_three_tasks_follow_the_earliest_campaign(order: str) -> None:
    followed, dialling = side_by_side(order)

    assert (followed, len(dialling)) == ([dialling[0]] * 3, 1)


def test_campaigns_with_different_audiences_are_both_kept() -> None:
    account = Account(list("ABABAB"), running={"A", "B"})
    calls = {"A": NUMBERS, "B": OTHERS}

    with ThreadPoolExecutor(2) as pool:
        followed = list(pool.map(lambda name: send(Sender(name, account), KEY, calls[name]), "AB"))

    assert followed == account.dialling == ["A", "B"]


def test_the_own_campaign_is_followed_if_the_last_lookup_fails(caplog: pytest.LogCaptureFixture) -> None:
    class Blinded(Sender):
        def list_campaigns(self) -> Iterator[Campaign]:
            if self.account.campaigns:
                raise ExotelServerError("502")
            return super().list_campaigns()

    account = Account([], running={"A"})

    assert send(Blinded("A", account), KEY) == "A"
    assert "sent a campaign of this key: 502" in caplog.text
