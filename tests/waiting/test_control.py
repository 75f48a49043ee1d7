"""Control a campaign: allowed actions by status, and changes that are verified."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.errors import (
    ExotelError,
    ExotelInputError,
    ExotelNotFound,
    ExotelRequestRefused,
)
from airflow_provider_exotel.client.models import Campaign, CampaignStatus
from airflow_provider_exotel.client.retry import RetryPolicy
from airflow_provider_exotel.create.identity import identify
from airflow_provider_exotel.emulator import Emulator, Fault
from airflow_provider_exotel.waiting.control import ALLOWED, ALREADY, change, control
from airflow_provider_exotel.waiting.pausing import pause_if_it_may_dial

from .waiting_samples import MINUTE, START, between, client_of, create, people

HOUR = between(START + 60 * MINUTE, START + 120 * MINUTE)
IDENTITY = identify("emulator", None, dag_id="reminders", run_id="manual", task_id="create")


def created(client: ExotelClient, emulator: Emulator) -> Campaign:
    return create(client, 300, schedule=HOUR)


def in_progress(client: ExotelClient, emulator: Emulator) -> Campaign:
    campaign = created(client, emulator)
    emulator.clock.advance(3700)
    return campaign


def paused(client: ExotelClient, emulator: Emulator) -> Campaign:
    return client.pause_campaign(in_progress(client, emulator).id)


def completed(client: ExotelClient, emulator: Emulator) -> Campaign:
    return client.complete_campaign(paused(client, emulator).id)


def failed(client: ExotelClient, emulator: Emulator) -> Campaign:
    emulator.settings.outcomes = {"failed": 1}
    campaign = created(client, emulator)
    emulator.clock.advance(7200)
    return campaign


def canceled(client: ExotelClient, emulator: Emulator) -> Campaign:
    campaign = paused(client, emulator)
    emulator.clock.advance(7200)
    return campaign


def archived(client: ExotelClient, emulator: Emulator) -> Campaign:
    return client.archive_campaign(completed(client, emulator).id)


def deleted(client: ExotelClient, emulator: Emulator) -> Campaign:
    emulator.settings.deleted_get = "deleted"
    campaign = created(client, emulator)
    client.delete_campaign(campaign.id)
    return campaign


def unknown(client: ExotelClient, emulator: Emulator) -> Campaign:
    emulator.settings.status_words = {"in-progress": "Ringing"}
    return in_progress(client, emulator)


IN: dict[CampaignStatus, Callable[[ExotelClient, Emulator], Campaign]] = {
    CampaignStatus.CREATED: created,
    CampaignStatus.IN_PROGRESS: in_progress,
    CampaignStatus.PAUSED: paused,
    CampaignStatus.COMPLETED: completed,
    CampaignStatus.FAILED: failed,
    CampaignStatus.CANCELED: canceled,
    CampaignStatus.ARCHIVED: archived,
    CampaignStatus.DELETED: deleted,
    CampaignStatus.UNKNOWN: unknown,
}
ENDS_AS = {
    "pause": CampaignStatus.PAUSED,
    "resume": CampaignStatus.IN_PROGRESS,
    "complete": CampaignStatus.COMPLETED,
    "stop": CampaignStatus.COMPLETED,
    "archive": CampaignStatus.ARCHIVED,
    "delete": None,
}


def test_every_status_is_tried() -> None:
    assert set(IN) == set(CampaignStatus)
    assert set(ALLOWED) == set(ALREADY) == set(ENDS_AS)


@pytest.mark.parametrize("dialect", ["documented", "wrapped"])
@pytest.mark.parametrize("action", ALLOWED)
@pytest.mark.parametrize("status", IN)
def test_an_action_runs_or_is_already_done_or_is_refused(
    emulator: Emulator, client: ExotelClient, status: CampaignStatus, action: str, dialect: str
) -> None:
    emulator.settings.dialect = dialect
    campaign = IN[status](client, emulator)
    assert client.get_campaign(campaign.id).status is status
    before = len(emulator.requests)

    if status in ALREADY[action]:
        done = control(client, campaign.id, action)
        assert done is not None
        assert done.status is status
        assert [entry.method for entry in emulator.requests[before:]] == ["GET"]
    elif status in ALLOWED[action]:
        done = control(client, campaign.id, action)
        assert (done.status if done else None) == ENDS_AS[action]
    else:
        with pytest.raises(ExotelInputError, match=f"campaign {campaign.id} is '"):
            control(client, campaign.id, action)
        assert [entry.method for entry in emulator.requests[before:]] == ["GET"]


@pytest.mark.parametrize("wrong_state_status", [400, 403, 409])
@pytest.mark.parametrize("action", [action for action in ALLOWED if action != "stop"])
@pytest.mark.parametrize("status", [status for status in IN if status is not CampaignStatus.UNKNOWN])
def test_the_allowed_actions_match_the_service(
    emulator: Emulator, client: ExotelClient, status: CampaignStatus, action: str, wrong_state_status: int
) -> None:
    emulator.settings.wrong_state_status = wrong_state_status
    campaign = IN[status](client, emulator)
    refused: int | None = None

    try:
        getattr(client, f"{action}_campaign")(campaign.id)
    except ExotelError as error:
        refused = error.http_status

    assert (refused is None) == (status in ALLOWED[action] or (status, action) == (CampaignStatus.DELETED, "delete"))
    assert refused in {None, 404 if status is CampaignStatus.DELETED else wrong_state_status}


@pytest.mark.parametrize(("action", "gone"), [("delete", True), ("pause", False), ("stop", False)])
def test_only_delete_succeeds_for_a_missing_campaign(
    client: ExotelClient, emulator: Emulator, action: str, gone: bool
) -> None:
    if gone:
        assert control(client, "none", action) is None
    else:
        with pytest.raises(ExotelNotFound):
            control(client, "none", action)


def test_an_unknown_action_is_refused_before_any_request(client: ExotelClient, emulator: Emulator) -> None:
    with pytest.raises(ExotelInputError, match="action: unknown value; use one of pause, resume, complete, stop"):
        control(client, "any", "cancel")

    assert emulator.requests == []


@pytest.mark.parametrize("status", [created, in_progress, paused])
def test_nobody_is_called_after_a_stop(
    emulator: Emulator, client: ExotelClient, status: Callable[[ExotelClient, Emulator], Campaign]
) -> None:
    campaign = status(client, emulator)
    stopped_at = emulator.clock.now()

    stopped = control(client, campaign.id, "stop")
    emulator.clock.advance(86_400)

    assert stopped is not None
    assert stopped.status is CampaignStatus.COMPLETED
    assert all(call.started <= stopped_at for call in emulator.calls(campaign.id))


def test_stopping_waits_until_the_pause_shows(emulator: Emulator, client: ExotelClient) -> None:
    campaign = in_progress(client, emulator)
    emulator.settings.status_words = {"paused": "InProgress"}
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            emulator.settings.status_words = {}

    stopped = control(client, campaign.id, "stop", sleep=sleep)

    assert stopped is not None
    assert stopped.status is CampaignStatus.COMPLETED
    assert slept == [1.0, 2.0, 4.0]


def test_stop_does_not_complete_an_unpaused_campaign(emulator: Emulator, client: ExotelClient) -> None:
    campaign = in_progress(client, emulator)
    emulator.settings.status_words = {"paused": "InProgress"}
    slept: list[float] = []

    with pytest.raises(ExotelError, match="is still 'InProgress' after a pause was requested"):
        control(client, campaign.id, "stop", sleep=slept.append)

    assert 15 <= sum(slept) <= 60
    assert [entry.body for entry in emulator.requests if entry.method == "PUT"] == [{"action": "pause"}]


def test_stop_succeeds_if_the_campaign_ends_meanwhile(emulator: Emulator, client: ExotelClient) -> None:
    campaign = in_progress(client, emulator)
    emulator.settings.status_words = {"paused": "Completed"}

    stopped = control(client, campaign.id, "stop", sleep=lambda seconds: None)

    assert stopped is not None
    assert stopped.status is CampaignStatus.COMPLETED


@pytest.mark.parametrize(
    ("status", "was_paused"),
    [(CampaignStatus.CREATED, True), (CampaignStatus.IN_PROGRESS, True), (CampaignStatus.UNKNOWN, True)]
    + [(status, False) for status in IN if status.has_ended or status is CampaignStatus.PAUSED],
)
def test_a_campaign_that_may_dial_is_paused_when_its_task_is_killed(
    emulator: Emulator, client: ExotelClient, status: CampaignStatus, was_paused: bool
) -> None:
    campaign = IN[status](client, emulator)
    before = emulator.campaign(campaign.id).status

    assert pause_if_it_may_dial(client, campaign.id) is was_paused
    assert emulator.campaign(campaign.id).status == ("paused" if was_paused else before)


def test_a_change_is_visible_and_other_fields_stay(emulator: Emulator, client: ExotelClient) -> None:
    retries = {"number_of_retries": 1, "interval_mins": 15}
    campaign = create(client, schedule=HOUR, url="https://example.org/flow", call_retries=retries)
    later = between(START + 90 * MINUTE, START + 100 * MINUTE)

    after = change(client, campaign.id, {"schedule": later, "mode": "custom", "throttle": 7})

    assert after.schedule.payload() == client.get_campaign(campaign.id).schedule.payload()
    assert (after.schedule.send_at, after.url) == (START + 90 * MINUTE, "https://example.org/flow")
    assert emulator.campaign(campaign.id).campaign.dialling.calls_per_minute == 7


@pytest.mark.parametrize("edits", ["merge", "replace"])
@pytest.mark.parametrize(
    "changes",
    [
        {"mode": "custom", "throttle": 7},
        {"name": "Another name"},
        {"schedule": {"end_at": (START + 100 * MINUTE).isoformat()}},
        {"schedule": {"send_at": (START + 70 * MINUTE).isoformat()}},
        {"schedule": {"send_at": None, "end_at": START + 100 * MINUTE + timedelta(milliseconds=500)}},
        {"schedule": '{"end_at": "2026-03-02T06:00:00+00:00"}'},
        {"status_callback": "https://example.org/new"},
    ],
    ids=str,
)
def test_no_change_lets_a_campaign_dial_outside_its_schedule(
    emulator: Emulator, client: ExotelClient, edits: str, changes: dict[str, Any]
) -> None:
    campaign = create(client, 300, schedule=HOUR)
    emulator.settings.edits = edits

    change(client, campaign.id, changes)
    emulator.clock.advance(timedelta(days=40).total_seconds())

    calls = emulator.calls(campaign.id)
    assert len(calls) == 300
    assert all(START + 60 * MINUTE <= call.started < START + 120 * MINUTE for call in calls)


def test_a_partial_change_of_retries_is_sent_complete(emulator: Emulator, client: ExotelClient) -> None:
    before = {"number_of_retries": 2, "interval_mins": 15, "on_status": ["busy"]}
    campaign = create(client, schedule=HOUR, call_retries=before)

    after = change(client, campaign.id, {"call_retries": {"number_of_retries": 1}})

    assert after.retries is not None
    assert after.retries.payload() == {"number_of_retries": 1, "interval_mins": 15, "on_status": ["busy"]}


@pytest.mark.parametrize(
    ("edits", "message"),
    [("ignore", "the service kept url"), ("replace", "the service changed call_retries.interval_mins")],
)
def test_unexpected_field_values_after_a_change_are_an_error(
    emulator: Emulator, client: ExotelClient, edits: str, message: str
) -> None:
    retries = {"number_of_retries": 1, "interval_mins": 15}
    campaign = create(client, schedule=HOUR, call_retries=retries, url="https://example.org/one")
    emulator.settings.edits = edits

    with pytest.raises(ExotelError, match=message) as error:
        change(client, campaign.id, {"url": "https://example.org/two"})

    assert not error.value.retryable


def test_a_changed_field_missing_afterwards_is_an_error(client: ExotelClient) -> None:
    campaign = create(client, schedule=HOUR, url="https://example.org/one")

    class Forgets:
        get_campaign = staticmethod(client.get_campaign)

        @staticmethod
        def update_campaign(campaign_id: str, **changes: Any) -> Campaign:
            return replace(client.update_campaign(campaign_id, **changes), url=None)

    with pytest.raises(ExotelError, match="the service kept url"):
        change(Forgets, campaign.id, {"url": "https://example.org/two"})


def test_the_error_of_a_refused_change_has_the_reason(emulator: Emulator, client: ExotelClient) -> None:
    campaign = create(client, schedule=HOUR)

    with pytest.raises(ExotelRequestRefused, match="throttle must be from 1 to 59"):
        change(client, campaign.id, {"mode": "custom", "throttle": 1000})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "changes: is empty"),
        ({"numbers": people(1)}, "changes.numbers: cannot be changed"),
        ({"lists": ["one"], "throttle": 3}, "changes.lists: cannot be changed"),
    ],
)
def test_unchangeable_fields_are_refused_before_any_request(
    emulator: Emulator, client: ExotelClient, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ExotelInputError, match=message) as error:
        change(client, "any", changes)

    assert emulator.requests == []
    assert "98765" not in str(error.value)


@pytest.mark.parametrize("schedule", [5, "tomorrow", ["10:00"], {"ends": "2026-03-02T06:00:00+00:00"}])
def test_an_invalid_schedule_is_refused(client: ExotelClient, schedule: Any) -> None:
    campaign = create(client, schedule=HOUR)

    with pytest.raises(ExotelInputError, match="schedule"):
        change(client, campaign.id, {"schedule": schedule})


LATE = [in_progress, paused, completed]


@pytest.mark.parametrize("status", LATE)
def test_only_callbacks_can_be_changed_after_the_start(
    emulator: Emulator, client: ExotelClient, status: Callable[[ExotelClient, Emulator], Campaign]
) -> None:
    campaign = status(client, emulator)
    wanted = {"status_callback": "https://example.org/late"}

    change(client, campaign.id, wanted)
    with pytest.raises(ExotelInputError, match=r"changes\.name: .*once it has started, only callbacks can be changed"):
        change(client, campaign.id, {"name": "Too late", **wanted})

    sent = [entry.body for entry in emulator.requests if entry.method == "PUT" and "action" not in entry.body]
    assert sent == [wanted]


def test_force_sends_the_change_anyway(emulator: Emulator, client: ExotelClient) -> None:
    campaign = paused(client, emulator)
    longer = {"schedule": {"end_at": (START + 180 * MINUTE).isoformat()}}

    with pytest.raises(ExotelRequestRefused, match="schedule cannot be changed when it is paused"):
        change(client, campaign.id, longer, force=True)
    emulator.settings.schedule_editable_when_paused = True
    after = change(client, campaign.id, longer, force=True)

    assert after.schedule.end_at == START + 180 * MINUTE
    # The start has passed, and the service may refuse a time in the past.
    assert emulator.requests[-2].body == longer


def test_renaming_keeps_the_key(client: ExotelClient) -> None:
    campaign = create(client, name=IDENTITY.name_for("ab12cd34ef56"), schedule=HOUR)

    after = change(client, campaign.id, {"name": "Winter survey"})

    assert IDENTITY.matches(after.name)
    assert IDENTITY.audience_in(after.name) == "ab12cd34ef56"
    assert after.name.startswith("Winter survey ")


def test_a_change_with_a_lost_response_is_retried(emulator: Emulator, client: ExotelClient) -> None:
    campaign = create(client, schedule=HOUR)
    emulator.faults.add(Fault(on="PUT campaigns/*", kind="drop_after_commit"))

    with client_of(emulator, retry=RetryPolicy(tries=3)) as patient:
        assert change(patient, campaign.id, {"name": "Once more"}).name == "Once more"
