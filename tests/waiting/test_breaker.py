"""Campaigns whose calls fail are paused early; campaigns whose contacts do not answer are not."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.errors import ExotelServerError
from airflow_provider_exotel.client.models import Campaign
from airflow_provider_exotel.emulator import Emulator, Fault
from airflow_provider_exotel.waiting.breaker import FIRST_SAMPLE_AFTER, MIN_CALLS, Breaker, CallSample, sample_calls
from airflow_provider_exotel.waiting.driver import WaitDriver, pause_failing
from airflow_provider_exotel.waiting.outcome import CampaignFailed, Outcome
from airflow_provider_exotel.waiting.wait import Step, Wait
from airflow_provider_exotel.waiting.watch import WaitEvent

from ..client.raw_server import RawServer, http
from .waiting_samples import MINUTE, START, between, create

RETRIES = {"number_of_retries": 3, "interval_mins": 60, "on_status": ["failed", "busy", "no-answer"]}


@dataclass
class Follower:
    """Follows a campaign in a worker that uses the emulator's clock."""

    emulator: Emulator
    client: ExotelClient
    counted: list[datetime] = field(default_factory=list)

    def __call__(self, campaign: Campaign, limit: float | None = 0.5) -> Outcome:
        clock = self.emulator.clock
        driver = WaitDriver(
            lambda function: function(self.client), pause_if_failed_above=limit, now=clock.now, sleep=clock.advance
        )
        return driver.follow(driver.start(campaign, contacts=None, carried_to=None))

    @property
    def counts(self) -> list[float]:
        """Times of the counts, in minutes since the campaign started."""
        asked = [entry for entry in self.emulator.requests if entry.path.endswith("call-details")]
        return [(entry.at - START).total_seconds() // 60 for entry in asked if "status" not in entry.query]


@pytest.fixture
def follow(emulator: Emulator, client: ExotelClient) -> Follower:
    return Follower(emulator, client)


def dialling(emulator: Emulator, client: ExotelClient, outcome: str, count: int = 600) -> Campaign:
    emulator.settings.outcomes = {outcome: 1}
    window = between(START, START + timedelta(hours=8))
    return create(client, count, schedule={**window, "send_at": None}, call_retries=RETRIES)


@pytest.mark.parametrize("dialect", ["documented", "wrapped"])
def test_a_campaign_whose_calls_fail_is_paused_within_minutes(
    emulator: Emulator, client: ExotelClient, follow: Follower, dialect: str
) -> None:
    emulator.settings.dialect = dialect
    campaign = dialling(emulator, client, "failed")

    with pytest.raises(CampaignFailed, match=r"was paused: .* calls failed, more than pause_if_failed_above") as failed:
        follow(campaign)

    assert not failed.value.retryable
    assert emulator.campaigns[0].status == "paused"
    assert emulator.clock.now() < START + timedelta(minutes=5)


def test_calls_that_failed_before_the_wait_began_are_not_evaluated() -> None:
    now = START + timedelta(hours=1)
    joined, first = Breaker.of_wait(0.5, now, START).evaluate(CallSample(600, 590), now, START)

    _, second = joined.evaluate(CallSample(700, 600), now + FIRST_SAMPLE_AFTER, START)

    assert (first, second, joined.judge_at) == (None, None, now + FIRST_SAMPLE_AFTER)


def test_a_wait_that_begins_with_its_campaign_evaluates_all_calls() -> None:
    assert Breaker.of_wait(0.5, START, START) == Breaker.of_wait(0.5, START, None) == Breaker(0.5)


def test_a_campaign_whose_cause_was_not_mended_is_paused_again(
    emulator: Emulator, client: ExotelClient, follow: Follower
) -> None:
    campaign = dialling(emulator, client, "failed")
    with pytest.raises(CampaignFailed):
        follow(campaign)
    resumed_at = emulator.clock.now()

    with pytest.raises(CampaignFailed, match="of its last"):
        follow(client.resume_campaign(campaign.id))

    assert emulator.clock.now() < resumed_at + timedelta(minutes=5)


@pytest.mark.parametrize("dialect", ["documented", "wrapped"])
@pytest.mark.parametrize("outcome", ["busy", "no-answer", "completed"])
def test_unanswered_calls_do_not_count_as_failed(
    emulator: Emulator, client: ExotelClient, follow: Follower, dialect: str, outcome: str
) -> None:
    emulator.settings.dialect = dialect
    campaign = dialling(emulator, client, outcome)

    assert follow(campaign).status in {"completed", "failed"}


def test_no_calls_are_counted_without_a_limit(emulator: Emulator, client: ExotelClient, follow: Follower) -> None:
    campaign = dialling(emulator, client, "failed", count=50)

    follow(campaign, limit=None)

    assert follow.counts == []


def test_the_time_between_counts_doubles(emulator: Emulator, client: ExotelClient, follow: Follower) -> None:
    follow(dialling(emulator, client, "busy"))

    counts = follow.counts
    assert counts[0] <= 5
    assert all(later >= 2 * earlier - 1 for earlier, later in pairwise(counts))


def test_a_failed_count_is_repeated_at_the_next_poll(
    emulator: Emulator, client: ExotelClient, follow: Follower
) -> None:
    campaign = dialling(emulator, client, "failed")
    emulator.faults.add(Fault(on="GET campaigns/*/call-details", kind="html_5xx", times=2))

    with pytest.raises(CampaignFailed, match="was paused"):
        follow(campaign)


def test_the_error_names_an_unpausable_campaign(emulator: Emulator, client: ExotelClient, follow: Follower) -> None:
    campaign = dialling(emulator, client, "failed")
    emulator.faults.add(Fault(on="PUT campaigns/*", kind="status", status=401, times=None))

    with pytest.raises(CampaignFailed, match=r"could not be paused .* and may dial"):
        follow(campaign)


def test_a_pause_that_counted_is_told_though_the_campaign_cannot_be_read_after_it(
    emulator: Emulator, client: ExotelClient
) -> None:
    campaign = dialling(emulator, client, "failed")
    emulator.clock.advance(120)
    emulator.faults.add(Fault(on="GET campaigns/*", kind="html_5xx", times=None))
    event = WaitEvent(Step.FAILING, Wait(campaign.id), reason="all of its calls failed")

    assert pause_failing(event, lambda function: function(client)) == (
        f"campaign {campaign.id} was paused: all of its calls failed"
    )
    assert emulator.campaigns[0].status == "paused"


def test_a_retryable_pause_error_is_raised_for_the_next_try(
    emulator: Emulator, client: ExotelClient, follow: Follower
) -> None:
    campaign = dialling(emulator, client, "failed")
    emulator.faults.add(Fault(on="PUT campaigns/*", kind="html_5xx", times=None))

    with pytest.raises(ExotelServerError):
        follow(campaign)


@pytest.mark.parametrize("metadata", [True, False, "page"])
def test_calls_are_counted_whatever_totals_the_service_gives(
    emulator: Emulator, client: ExotelClient, metadata: bool | str
) -> None:
    campaign = dialling(emulator, client, "failed", count=50)
    emulator.clock.advance(600)
    emulator.settings.list_metadata = metadata

    assert sample_calls(client, campaign.id) == CallSample(50, 50)


def test_calls_are_counted_where_the_filter_is_refused(emulator: Emulator, client: ExotelClient) -> None:
    campaign = dialling(emulator, client, "failed", count=50)
    emulator.clock.advance(600)
    emulator.faults.add(Fault(on="GET campaigns/*/call-details", kind="status", status=400, after=1, times=1))

    assert sample_calls(client, campaign.id) == CallSample(50, 50)


def test_a_service_that_passes_over_the_filter_has_no_good_campaign_paused() -> None:
    calls = [{"call_sid": f"c{n}", "number": "+919876500001", "status": "completed"} for n in range(3)]
    one, all_of_them = (
        http(200, {"http_code": 200, "metadata": {"total": 3}, "response": calls[:count]}) for count in (1, 3)
    )
    with RawServer(one, one, all_of_them) as server:
        client = ExotelClient("key", "token", "sid", f"http://{server.host}", requests_per_minute=6000)

        assert sample_calls(client, "c1") == CallSample(3, 0)


def test_a_campaign_without_calls_has_an_empty_sample(emulator: Emulator, client: ExotelClient) -> None:
    assert sample_calls(client, dialling(emulator, client, "failed").id) == CallSample(0, 0)


def test_too_few_calls_are_not_evaluated() -> None:
    breaker, reason = Breaker(0.5).evaluate(CallSample(MIN_CALLS - 1, MIN_CALLS - 1), START, START)

    assert reason is None
    assert (breaker.calls, breaker.failed) == (0, 0)  # they count in the next evaluation


def test_only_calls_since_the_last_evaluation_count() -> None:
    before, _ = Breaker(0.5).evaluate(CallSample(1_000, 0), START, START - MINUTE)

    _, reason = before.evaluate(CallSample(1_040, 30), START + MINUTE, START - MINUTE)

    assert reason is not None
    assert reason.startswith("30 of its last 40 calls failed")


@pytest.mark.parametrize(("failed", "is_paused"), [(50, False), (51, True)])
def test_a_campaign_is_paused_only_above_the_limit(failed: int, is_paused: bool) -> None:
    _, reason = Breaker(0.5).evaluate(CallSample(100, failed), START, START)

    assert (reason is not None) is is_paused


def test_the_breaker_is_stored_with_its_wait() -> None:
    breaker = Breaker(0.25, START + FIRST_SAMPLE_AFTER, 100, 3, joins=True)
    wait = Wait("c1", START, None, breaker=breaker)

    assert Wait.of_json(wait.as_json()) == wait
    assert Wait.of_json({**wait.as_json(), "breaker": {**breaker.as_json(), "invented": 1}}) == wait
