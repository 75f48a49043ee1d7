"""Stop a whole account: pause everything that may dial, and mark what a waiting task may resume."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.errors import ExotelError
from airflow_provider_exotel.client.retry import RetryPolicy
from airflow_provider_exotel.emulator import Emulator, Fault
from airflow_provider_exotel.waiting.emergency_stop import pause_all

from .waiting_samples import MINUTE, START, between, client_of, create

LONG = between(START + MINUTE, START + 300 * MINUTE)


def changes(emulator: Emulator) -> list[str]:
    """Return what was changed, in order: ``pause`` or ``end``."""
    return ["pause" if "action" in str(entry.body) else "end" for entry in emulator.requests if entry.method == "PUT"]


@pytest.mark.parametrize("shows_after", [3, None])
def test_pause_all_polls_an_unconfirmed_pause_until_it_shows_or_fails(
    client: ExotelClient, emulator: Emulator, campaign: str, shows_after: int | None
) -> None:
    emulator.settings.status_words = {"paused": "InProgress"}
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == shows_after:
            emulator.settings.status_words = {}

    [(_, error)] = pause_all(client, emulator.clock.now(), sleep=sleep)

    message = None if shows_after else f"campaign {campaign} is still 'InProgress' after a pause was requested"
    assert (str(error) if error else None) == message
    assert changes(emulator).count("pause") == 1


def test_pause_all_takes_one_request_per_campaign(client: ExotelClient, emulator: Emulator) -> None:
    ids = [create(client, 60, schedule=LONG).id for _ in range(12)]
    emulator.clock.advance(120)

    done = list(pause_all(client, emulator.clock.now()))

    assert sorted(campaign.id for campaign, error in done if error is None) == sorted(ids)
    assert changes(emulator) == ["pause"] * 12 + ["end"] * 12


@pytest.mark.parametrize("headers", [True, False])
def test_an_account_is_paused_within_its_rate_limit(emulator: Emulator, headers: bool) -> None:
    with client_of(emulator, retry=RetryPolicy()) as client:
        ids = [create(client, 300, schedule=LONG, mode="custom", throttle=1).id for _ in range(12)]
        emulator.clock.advance(125)
        emulator.settings.update({"rate_limit": 5, "rate_limit_headers": headers})
        done = dict.fromkeys(ids)
        done |= {campaign.id: error for campaign, error in pause_all(client, emulator.clock.now())}

    assert set(done.values()) == {None}
    assert {emulator.campaign(campaign).status for campaign in ids} == {"paused"}
    assert [entry.status for entry in emulator.requests].count(429) <= 24


def test_a_campaign_with_a_lost_response_is_paused_after_the_others(client: ExotelClient, emulator: Emulator) -> None:
    ids = [create(client, 60, schedule=LONG).id for _ in range(3)]
    emulator.clock.advance(120)
    emulator.faults.add(Fault(on="PUT campaigns/*", kind="html_5xx"))

    done = [(campaign.id, error) for campaign, error in pause_all(client, emulator.clock.now())]

    assert sorted(done) == sorted((campaign, None) for campaign in ids)
    assert {emulator.campaign(campaign).status for campaign in ids} == {"paused"}


LATER = between(START + 60 * MINUTE, START + 120 * MINUTE)
SECOND = timedelta(seconds=1)


def stopped(client: ExotelClient, emulator: Emulator) -> dict[str, ExotelError | None]:
    return {campaign.id: error for campaign, error in pause_all(client, emulator.clock.now())}


@pytest.mark.parametrize(("refused", "earlier"), [(False, SECOND), (True, 0 * SECOND)])
@pytest.mark.parametrize("paused", [True, False])
def test_a_campaign_of_a_later_window_ends_earlier_after_a_stop_unless_its_schedule_is_fixed(
    client: ExotelClient, emulator: Emulator, paused: bool, refused: bool, earlier: timedelta
) -> None:
    later = create(client, 60, schedule=LATER).id
    if paused:
        client.pause_campaign(later)
    if refused:
        emulator.settings.schedule_editable_when_paused = False
        emulator.faults.add(
            Fault(on="PUT campaigns/*", kind="status", status=400, after=0 if paused else 1, times=None)
        )

    assert stopped(client, emulator) == ({} if paused else {later: None})
    assert client.get_campaign(later).schedule.end_at == START + 120 * MINUTE - earlier
    assert emulator.campaign(later).status == "paused"


def test_a_campaign_that_dialled_ends_earlier_after_a_stop(
    client: ExotelClient, emulator: Emulator, campaign: str
) -> None:
    emulator.settings.schedule_editable_when_paused = True

    assert stopped(client, emulator) == {campaign: None}
    assert client.get_campaign(campaign).schedule.end_at == START + 300 * MINUTE - SECOND


def test_nothing_is_marked_before_all_campaigns_are_paused(client: ExotelClient, emulator: Emulator) -> None:
    dialling = [create(client, 60, schedule=LONG).id for _ in range(3)]
    later = create(client, 60, schedule=LATER).id
    client.pause_campaign(later)
    emulator.clock.advance(120)

    assert stopped(client, emulator) == dict.fromkeys(dialling)
    assert changes(emulator) == ["pause"] * 4 + ["end"] * 4


def test_a_mark_that_fails_is_logged_and_no_error_of_a_paused_campaign(
    client: ExotelClient, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    campaign = create(client, 60, schedule=LATER).id
    client.pause_campaign(campaign)
    emulator.faults.add(Fault(on="PUT campaigns/*", kind="status", status=503))

    assert stopped(client, emulator) == {}
    assert f"Campaign {campaign} is paused, and a waiting task may resume it" in caplog.text


def test_a_campaign_that_its_task_resumes_during_the_stop_is_paused_again(
    client: ExotelClient, emulator: Emulator, campaign: str
) -> None:
    stop = pause_all(client, emulator.clock.now())
    assert next(stop)[1] is None
    client.resume_campaign(campaign)

    assert list(stop) == []
    assert emulator.campaign(campaign).status == "paused"
