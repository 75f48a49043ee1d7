"""Pause campaigns with few requests, and find all that may dial, even on accounts with unreliable lists."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.errors import ExotelError, ExotelServerError
from airflow_provider_exotel.client.models import Campaign
from airflow_provider_exotel.client.retry import RetryPolicy
from airflow_provider_exotel.emulator import Emulator, Fault
from airflow_provider_exotel.waiting.pausing import (
    PauseResult,
    campaigns_that_may_dial,
    pause_and_confirm,
    pause_if_it_may_dial,
    pause_once,
    pause_with_retries,
)

from .waiting_samples import MINUTE, START, between, client_of, create

HOUR = between(START + MINUTE, START + 60 * MINUTE)


def sent(emulator: Emulator) -> list[str]:
    return [entry.method for entry in emulator.requests if entry.method != "POST"]


@pytest.mark.parametrize("dialect", ["documented", "wrapped"])
def test_a_pause_costs_one_request(client: ExotelClient, emulator: Emulator, campaign: str, dialect: str) -> None:
    emulator.settings.dialect = dialect

    assert pause_once(client, campaign) is PauseResult.PAUSED
    assert sent(emulator) == ["PUT"]


def test_the_wrapped_form_is_used_from_the_second_pause_on_if_the_account_requires_it(
    client: ExotelClient, emulator: Emulator, campaign: str
) -> None:
    other = create(client, 300).id
    emulator.settings.accepts = "wrapped"

    with client_of(emulator) as fresh:
        assert [pause_once(fresh, one) for one in (campaign, other)] == [PauseResult.PAUSED] * 2
    assert sent(emulator) == ["PUT"] * 3


@pytest.mark.parametrize("wrong_state_status", [400, 403, 409])
def test_a_refused_pause_is_explained_by_a_poll(
    client: ExotelClient, emulator: Emulator, campaign: str, wrong_state_status: int
) -> None:
    emulator.settings.wrong_state_status = wrong_state_status
    client.pause_campaign(campaign)

    assert pause_once(client, campaign) is PauseResult.ALREADY


def test_a_missing_campaign_is_gone(client: ExotelClient) -> None:
    assert pause_once(client, "none") is PauseResult.GONE


@pytest.mark.parametrize("kind", ["html_5xx", "drop_before_commit", "drop_after_commit"])
def test_a_lost_response_is_an_error_after_one_request(
    client: ExotelClient, emulator: Emulator, campaign: str, kind: str
) -> None:
    emulator.faults.add(Fault(on="PUT campaigns/*", kind=kind))

    with pytest.raises(ExotelError):
        pause_once(client, campaign)

    assert sent(emulator) == ["PUT"]


def test_a_pause_refused_while_dialling_is_an_error(client: ExotelClient, emulator: Emulator, campaign: str) -> None:
    emulator.faults.add(Fault(on="PUT campaigns/*", kind="status", status=409, message="busy"))

    with pytest.raises(ExotelError, match="busy"):
        pause_once(client, campaign)


def test_a_pause_that_does_not_show_is_unconfirmed(client: ExotelClient, emulator: Emulator, campaign: str) -> None:
    emulator.settings.status_words = {"paused": "InProgress"}

    assert pause_once(client, campaign) is PauseResult.UNCONFIRMED


def test_a_pause_that_shows_late_is_confirmed(client: ExotelClient, emulator: Emulator, campaign: str) -> None:
    emulator.settings.status_words = {"paused": "InProgress"}
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            emulator.settings.status_words = {}

    assert pause_and_confirm(client, campaign, sleep).status == "paused"
    assert slept == [1.0, 2.0, 4.0]


def test_nothing_is_sent_if_the_check_raises(client: ExotelClient, emulator: Emulator, campaign: str) -> None:
    def check() -> None:
        raise KeyError("the task is running again")

    with pytest.raises(KeyError):
        pause_once(client, campaign, check=check)

    assert sent(emulator) == []
    assert emulator.campaign(campaign).status == "in-progress"


def test_a_killed_worker_pauses_before_it_reads(client: ExotelClient, emulator: Emulator, campaign: str) -> None:
    assert pause_if_it_may_dial(client, campaign)

    assert sent(emulator) == ["PUT", "GET"]


def test_retries_outlast_a_temporary_failure(emulator: Emulator, campaign: str) -> None:
    emulator.faults.add(Fault(on="PUT campaigns/*", kind="html_5xx", times=3))

    with client_of(emulator, retry=RetryPolicy()) as client:
        assert pause_with_retries(client, campaign, emulator.clock.advance) is None

    assert emulator.campaign(campaign).status == "paused"


def test_the_error_of_a_failed_pause_is_returned(client: ExotelClient, emulator: Emulator, campaign: str) -> None:
    emulator.faults.add(Fault(on="PUT campaigns/*", kind="status", status=500, times=None))

    assert isinstance(pause_with_retries(client, campaign, emulator.clock.advance), ExotelServerError)


ACCOUNTS: dict[str, Callable[[Emulator], Any]] = {
    "as documented": lambda emulator: None,
    "oldest first": lambda emulator: emulator.settings.update({"list_sort": "ignored"}),
    "small pages": lambda emulator: emulator.settings.update({"list_page": 3}),
    "filter refused": lambda emulator: emulator.faults.add(Fault(on="GET campaigns", kind="status", status=400)),
    "filter fails": lambda emulator: emulator.faults.add(Fault(on="GET campaigns", kind="status", status=500)),
    "unknown status": lambda emulator: emulator.settings.update({"status_words": {"in-progress": "Ringing"}}),
}


@pytest.mark.parametrize("account", ACCOUNTS)
def test_each_campaign_that_may_dial_is_found_once(client: ExotelClient, emulator: Emulator, account: str) -> None:
    old = [create(client, 1, schedule=HOUR).id for _ in range(5)]
    emulator.clock.advance(timedelta(days=40).total_seconds())
    now = emulator.clock.now()
    paused, *rest = (create(client, 60, schedule=between(now + MINUTE, now + 60 * MINUTE)).id for _ in range(4))
    emulator.clock.advance(120)
    created = create(client, schedule=between(now + 90 * MINUTE, now + 120 * MINUTE)).id
    client.pause_campaign(paused)
    ACCOUNTS[account](emulator)

    found = [campaign.id for campaign in campaigns_that_may_dial(client, emulator.clock.now())]

    assert sorted(found) == sorted([*rest, created])
    assert not set(found) & {*old, paused}


def test_campaigns_missed_by_the_filter_are_found(
    client: ExotelClient, emulator: Emulator, campaign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    select = emulator._office.account.select
    nothing = lambda query: select({**query, "status": "no such word"} if "status" in query else query)  # noqa: E731
    monkeypatch.setattr(emulator._office.account, "select", nothing)

    assert [found.id for found in campaigns_that_may_dial(client, emulator.clock.now())] == [campaign]


def test_a_failed_filter_counts_only_if_the_whole_list_is_cut_short(
    client: ExotelClient, emulator: Emulator, campaign: str
) -> None:
    now = emulator.clock.now()
    emulator.faults.add(Fault(on="GET campaigns", kind="status", status=503))
    assert [found.id for found in campaigns_that_may_dial(client, now)] == [campaign]

    emulator.faults.add(Fault(on="GET campaigns", kind="status", status=503))
    with pytest.raises(ExotelServerError):
        list(campaigns_that_may_dial(client, now, most=500))


def test_the_list_is_read_only_to_the_oldest_campaign_that_may_dial(client: ExotelClient, emulator: Emulator) -> None:
    emulator.settings.list_page = 5
    for _ in range(50):
        create(client, 1, schedule=HOUR)
    emulator.clock.advance(timedelta(days=40).total_seconds())
    create(client, 1)
    before = len(emulator.requests)

    list(campaigns_that_may_dial(client, emulator.clock.now()))

    assert len(emulator.requests) - before <= 3


class Resuming:
    """An account on which a campaign is resumed after the first list was read."""

    def __init__(self, client: ExotelClient, campaign_id: str) -> None:
        self.client, self.campaign_id = client, campaign_id

    def list_campaigns(self, *, status: Any = None, most: int | None = None) -> list[Campaign]:
        listed = list(self.client.list_campaigns(status=status, most=most))
        if status is not None:
            self.client.resume_campaign(self.campaign_id)
        return listed


def test_a_campaign_that_is_resumed_while_the_list_is_read_is_paused(
    client: ExotelClient, emulator: Emulator, campaign: str
) -> None:
    client.pause_campaign(campaign)
    found = campaigns_that_may_dial(Resuming(client, campaign), emulator.clock.now())

    assert [one.id for one in found] == [campaign]
