"""One sweep over many campaigns, over real HTTP: its result, and the number of requests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import pytest

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.errors import ExotelAuthError, ExotelError, ExotelServerError
from airflow_provider_exotel.client.models import Campaign, CampaignStats, CampaignStatus
from airflow_provider_exotel.emulator import Emulator, Fault
from airflow_provider_exotel.waiting.sweep import SweepResult, sweep

from .waiting_samples import MINUTE, START, between, people

FLEET = between(START + MINUTE, START + 60 * MINUTE)
LATER = between(START + 1000 * MINUTE, START + 1060 * MINUTE)
SMALL_SWEEP = 20


@dataclass
class AnAccount:
    """An account of a local Exotel, with a count of its requests."""

    emulator: Emulator
    client: ExotelClient

    def add(self, number: int, schedule: Mapping[str, Any] = FLEET) -> list[str]:
        """Add campaigns, each newer than the one before, and return their ids."""
        body = {"from": people(1)[0], "caller_id": "0XXXXXX4890", "schedule": schedule}
        return [self.emulator._office.account.create(body).id for _ in range(number)]

    def sweep(self, wanted: Collection[str], **options: Any) -> tuple[SweepResult, int]:
        """Return the result of a sweep, and its number of requests."""
        before = len(self.emulator.requests)
        swept = sweep(options.pop("campaigns", self.client), wanted, **options)
        return swept, len(self.emulator.requests) - before

    def end_all(self) -> None:
        self.emulator.clock.advance(2 * 3600)


@pytest.fixture
def account(emulator: Emulator, client: ExotelClient) -> AnAccount:
    return AnAccount(emulator, client)


@pytest.mark.parametrize(
    ("wanted", "requests"), [(0, 0), (1, 1), (2, 2), (3, 1), (500, 1), (501, 2), (1200, 3), (5000, 11)]
)
def test_the_requests_for_the_newest_campaigns(account: AnAccount, wanted: int, requests: int) -> None:
    account.add(600)
    ids = account.add(wanted)

    swept, asked = account.sweep(ids)

    assert (set(swept.campaigns), swept.only_active) == (set(ids), False)
    assert asked == requests


@pytest.mark.parametrize("dialect", ["documented", "wrapped"])
def test_a_fleet_that_ends_at_once_takes_no_more_requests_and_has_counts(account: AnAccount, dialect: str) -> None:
    account.emulator.settings.dialect = dialect
    ids = account.add(1200)
    account.end_all()

    swept, asked = account.sweep(ids)

    assert asked == 3
    assert {one.status for one in swept.campaigns.values() if one} <= {CampaignStatus.COMPLETED, CampaignStatus.FAILED}
    assert all(one and one.stats.given for one in swept.campaigns.values())


def test_other_campaigns_are_ignored(account: AnAccount) -> None:
    ids = [campaign_id for _ in range(300) for campaign_id in (account.add(1) + account.add(1, LATER))[:1]]

    swept, asked = account.sweep(ids)

    assert set(swept.campaigns) == set(ids)
    assert asked == 2


def test_a_few_much_older_campaigns_are_polled_one_by_one(account: AnAccount) -> None:
    old = account.add(5)
    account.add(2000)
    ids = account.add(1200)

    swept, asked = account.sweep(old + ids)

    assert set(swept.campaigns) == {*old, *ids}
    assert asked == 3 + 1 + 5  # the fleet, one more page without matches, and the old campaigns


def test_only_active_campaigns_are_listed_on_a_large_account(account: AnAccount) -> None:
    ids = account.add(100, LATER)
    account.add(3000)
    account.end_all()

    first, asked_first = account.sweep(ids)
    then, asked_then = account.sweep(ids, only_active=first.only_active)

    assert set(first.campaigns) == set(then.campaigns) == set(ids)
    assert (first.only_active, then.only_active) == (True, True)
    assert (asked_first, asked_then) == (3, 1)


def test_campaigns_no_longer_active_are_polled_one_by_one(account: AnAccount) -> None:
    ending, going_on = account.add(5), account.add(100, LATER)
    account.add(3000)
    account.end_all()

    swept, asked = account.sweep(ending + going_on, only_active=True)

    assert {one.id for one in swept.campaigns.values() if one and one.status.has_ended} == set(ending)
    assert asked == 1 + 5


def sweeps_until_all_are_seen(account: AnAccount, ids: Collection[str], **options: Any) -> tuple[int, int]:
    """Return the number of sweeps until every campaign was seen as ended, and the maximum requests per sweep."""
    left, most, only_active = set(ids), 0, False
    for number in count(1):
        swept, asked = account.sweep(sorted(left), only_active=only_active, **options)
        only_active, most = swept.only_active, max(most, asked)
        left -= {campaign_id for campaign_id, one in swept.campaigns.items() if one is None or one.status.has_ended}
        if not left:
            return number, most
        assert number < 200
    raise AssertionError


def test_an_old_fleet_that_ended_at_once_is_seen_over_several_sweeps(account: AnAccount) -> None:
    ids = account.add(60)
    account.add(3000, LATER)
    account.end_all()

    sweeps, most = sweeps_until_all_are_seen(account, ids)

    assert sweeps == 60 / SMALL_SWEEP
    assert most <= 2 + 2 + SMALL_SWEEP  # the newest, the active ones, and single polls


def test_a_large_account_is_read_from_the_top_again_for_new_campaigns(account: AnAccount) -> None:
    account.add(3000)
    ids = account.add(200)
    account.end_all()

    first, asked_first = account.sweep(ids, only_active=True)
    _, asked_then = account.sweep(ids, only_active=first.only_active)

    assert (first.only_active, asked_first, asked_then) == (False, 2, 1)


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param(lambda query: {name: text for name, text in query.items() if name != "status"}, id="ignores it"),
        pytest.param(lambda query: {**query, "status": "none"} if "status" in query else query, id="finds nothing"),
    ],
)
def test_an_ignored_status_filter_hides_no_campaign_and_costs_few_pages(
    account: AnAccount, monkeypatch: pytest.MonkeyPatch, lie: Callable[[Mapping[str, str]], Mapping[str, str]]
) -> None:
    ids = account.add(60)
    account.add(5000)
    account.end_all()
    select = account.emulator._office.account.select
    monkeypatch.setattr(account.emulator._office.account, "select", lambda query: select(lie(query)))

    sweeps, most = sweeps_until_all_are_seen(account, ids)

    assert sweeps == 60 / SMALL_SWEEP
    assert most <= 2 + 2 + SMALL_SWEEP


def test_a_refused_status_filter_is_not_used(account: AnAccount) -> None:
    ids = account.add(200)
    account.emulator.faults.add(Fault(on="GET campaigns", kind="status", status=400))

    swept, asked = account.sweep(ids, only_active=True)

    assert set(swept.campaigns) == set(ids)
    assert (asked, swept.only_active) == (2, False)


class WithoutCounts:
    """A service whose lists show no counts."""

    def __init__(self, client: ExotelClient) -> None:
        self.get_campaign = client.get_campaign
        self._list = client.list_campaigns

    def list_campaigns(
        self, *, status: Iterable[CampaignStatus] | None = None, most: int | None = None
    ) -> Iterator[Campaign]:
        for campaign in self._list(status=status, most=most):
            yield replace(campaign, stats=CampaignStats())


def test_ended_campaigns_are_polled_one_by_one_if_lists_have_no_counts(account: AnAccount) -> None:
    ending, going_on = account.add(5), account.add(50, LATER)
    account.end_all()

    swept, asked = account.sweep(ending + going_on, campaigns=WithoutCounts(account.client))

    assert all(one and one.stats.given for campaign_id, one in swept.campaigns.items() if campaign_id in ending)
    assert set(swept.campaigns) == {*ending, *going_on}
    assert asked == 1 + 5


def test_a_fleet_that_ends_at_once_is_seen_in_parts_if_lists_have_no_counts(account: AnAccount) -> None:
    ids = account.add(100)
    account.end_all()

    sweeps, most = sweeps_until_all_are_seen(account, ids, campaigns=WithoutCounts(account.client))

    assert sweeps == 100 / SMALL_SWEEP
    assert most <= 2 + SMALL_SWEEP


@pytest.mark.parametrize("deleted_get", ["404", "deleted"])
@pytest.mark.parametrize("others", [0, 10])
def test_deleted_campaigns_are_recognised(account: AnAccount, deleted_get: str, others: int) -> None:
    account.emulator.settings.deleted_get = deleted_get
    [deleted, *rest] = account.add(1 + others)
    account.client.delete_campaign(deleted)

    swept, _ = account.sweep([deleted, *rest])

    seen = swept.campaigns[deleted]
    assert seen is None if deleted_get == "404" else (seen and seen.status) is CampaignStatus.DELETED
    assert set(swept.campaigns) == {deleted, *rest}


@pytest.mark.parametrize("status", [400, 409, 500, 503])
@pytest.mark.parametrize("others", [1, 10])
def test_a_campaign_that_cannot_be_read_does_not_block_the_others(account: AnAccount, status: int, others: int) -> None:
    unlisted, *rest = account.add(1 + others)
    account.client.delete_campaign(unlisted)
    account.emulator.faults.add(Fault(on=f"GET campaigns/{unlisted}", kind="status", status=status, times=None))

    seen: set[str] = set()
    for _ in range(20):
        with suppress(ExotelError):
            seen |= set(account.sweep([unlisted, *rest])[0].campaigns)

    assert seen == set(rest)


@pytest.mark.parametrize("wanted", [1, 2, 50])
@pytest.mark.parametrize(("status", "error"), [(401, ExotelAuthError), (500, ExotelServerError)])
def test_a_service_that_does_not_answer_is_an_error(
    account: AnAccount, wanted: int, status: int, error: type[Exception]
) -> None:
    ids = account.add(wanted)
    account.emulator.faults.add(Fault(kind="status", status=status, times=None))

    with pytest.raises(error):
        account.sweep(ids)


def test_expired_credentials_are_raised_to_the_caller(account: AnAccount) -> None:
    deleted, *rest = account.add(10)
    account.client.delete_campaign(deleted)
    account.emulator.faults.add(Fault(on="GET campaigns/*", kind="status", status=401, times=None))

    with pytest.raises(ExotelAuthError):
        account.sweep([deleted, *rest])


@pytest.mark.parametrize(("most", "pages"), [(1, 1), (500, 1), (501, 2), (None, 3)])
def test_a_list_is_read_only_up_to_the_maximum(account: AnAccount, most: int | None, pages: int) -> None:
    account.add(1001)

    listed = list(account.client.list_campaigns(most=most))

    assert len(listed) == (most or 1001)
    assert len(account.emulator.requests) == pages
