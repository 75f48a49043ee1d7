"""Tasks that wait for campaigns, in real DAG runs, with the same results in the worker and in the triggerer."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowTaskTimeout, XComArg

from airflow_provider_exotel import (
    CampaignSensor,
    ControlCampaignOperator,
    CreateCampaignOperator,
    ExotelClient,
    ExotelHook,
    UpdateCampaignOperator,
)
from airflow_provider_exotel.client.errors import ExotelInputError
from airflow_provider_exotel.client.request import CampaignRequest
from airflow_provider_exotel.emulator import Emulator, Fault
from airflow_provider_exotel.hooks.task import HAS_BEGUN
from airflow_provider_exotel.operators.kill_switch import KillSwitch
from airflow_provider_exotel.triggers import campaign as trigger
from airflow_provider_exotel.waiting import breaker

from ..client.raw_server import RawServer, campaign, http
from ..versions import AIRFLOW
from .conftest import connect
from .test_nothing_leaks import OF_AIRFLOW, database, log_files

TIMEOUT = timedelta(seconds=5)  # long enough to create a campaign on a busy machine

NUMBERS = [f"+91987650000{person}" for person in range(6)]
MODES = pytest.mark.parametrize("deferrable", [False, True], ids=["worker", "triggerer"])
Run = Callable[..., Any]


@pytest.fixture
def exotel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """A local Exotel with the connection ``exotel_default``, in which hours of dialling take a second."""
    with Emulator(seed=1, speed=3600, skip_waiting=True) as emulator:
        connect(monkeypatch, emulator)
        monkeypatch.setattr(trigger, "NOT_BEFORE", timedelta(0))
        yield emulator


def create(operator: type[CreateCampaignOperator] = CreateCampaignOperator, **arguments: Any) -> CreateCampaignOperator:
    given = {"task_id": "create", "numbers": NUMBERS, "read_via_text": "Hello", "schedule": {"end_at": "PT9H"}}
    given |= {"wait_for_completion": True, "poll_interval": 0.2}
    return operator(**(given | arguments))


def at_the_dashboard(exotel: Emulator) -> ExotelClient:
    """A client of a person who acts by hand."""
    return ExotelClient(exotel.api_key, exotel.api_token, exotel.account_sid, exotel.host, requests_per_minute=6000)


@contextmanager
def by_hand_while_it_waits(exotel: Emulator, do: Callable[[ExotelClient, str], Any]) -> Iterator[None]:
    """Let a person act as soon as the campaign was created and polled."""

    def person() -> None:
        while not any(entry.path.startswith("campaigns/") for entry in exotel.requests):
            time.sleep(0.02)
        do(at_the_dashboard(exotel), exotel.campaigns[0].id)

    thread = threading.Thread(target=person)
    thread.start()
    yield
    thread.join()


@MODES
@pytest.mark.parametrize("dialect", ["documented", "wrapped"])
def test_a_task_ends_with_its_campaign_and_publishes_the_outcome(
    run_dag: Run, exotel: Emulator, log: Any, deferrable: bool, dialect: str
) -> None:
    exotel.settings.dialect = dialect

    ran = run_dag(lambda: create(deferrable=deferrable))

    [campaign] = exotel.campaigns
    outcome = ran.xcom(key="outcome")
    assert ran.state == "success"
    assert ran.xcom() == campaign.id
    assert (outcome["id"], outcome["status"], outcome["contacts"]) == (campaign.id, "completed", 6)
    assert outcome["reached"] == campaign.counts.completed
    assert (outcome["not_reached"], outcome["never_tried"]) == (6 - campaign.counts.completed, 0)
    assert f"Campaign {campaign.id}" in log.text


@pytest.mark.parametrize("arguments", [{"mode": "poke"}, {"deferrable": True}], ids=["worker", "triggerer"])
def test_a_sensor_waits_for_the_campaigns_of_mapped_tasks(
    run_dag: Run, exotel: Emulator, arguments: dict[str, Any]
) -> None:
    def fleet() -> None:
        created = CreateCampaignOperator.partial(
            task_id="create", read_via_text="Hello", schedule={"end_at": "PT9H"}
        ).expand(numbers=[NUMBERS[:2], NUMBERS[2:4], NUMBERS[4:]])
        CampaignSensor(task_id="wait", campaign_ids=created.output, poke_interval=0.2, **arguments)

    ran = run_dag(fleet)

    ids = [campaign.id for campaign in exotel.campaigns]
    assert ran.state == "success"
    assert sorted(ran.xcom("wait")) == sorted(ids)
    assert [outcome["id"] for outcome in ran.xcom("wait", "outcome")] == ran.xcom("wait")
    assert {outcome["contacts"] for outcome in ran.xcom("wait", "outcome")} == {2}


def test_a_sensor_of_one_campaign_returns_its_id(run_dag: Run, exotel: Emulator) -> None:
    def pair() -> None:
        created = create(wait_for_completion=False)
        CampaignSensor(task_id="wait", campaign_ids=created.output, poke_interval=0.2)

    ran = run_dag(pair)

    assert ran.xcom("wait") == ran.xcom("create") == ran.xcom("wait", "outcome")["id"]


@MODES
def test_a_campaign_that_reached_too_few_fails_and_says_how_many(
    run_dag: Run, exotel: Emulator, log: Any, deferrable: bool
) -> None:
    exotel.settings.outcomes = {"busy": 1}

    ran = run_dag(lambda: create(deferrable=deferrable, min_reached=0.5))

    assert ran.task_state() == "failed"
    assert ran.xcom(key="outcome")["reached"] == 0
    assert "reached 0 of 6 contacts, less than min_reached (50%)" in log.text


@MODES
def test_uncalled_contacts_at_the_end_are_counted_and_logged(
    run_dag: Run, exotel: Emulator, log: Any, deferrable: bool
) -> None:
    ran = run_dag(lambda: create(deferrable=deferrable, mode="custom", throttle=1, schedule={"end_at": "PT4M"}))

    outcome = ran.xcom(key="outcome")
    assert ran.state == "success"
    assert outcome["never_tried"] == exotel.campaigns[0].counts.no_attempt > 0
    assert f"{outcome['never_tried']} of 6 contacts" in log.text


@MODES
def test_uncalled_contacts_at_the_end_fail_the_task_if_wanted(
    run_dag: Run, exotel: Emulator, log: Any, deferrable: bool
) -> None:
    arguments = {"mode": "custom", "throttle": 1, "schedule": {"end_at": "PT4M"}, "on_window_end": "fail"}

    ran = run_dag(lambda: create(deferrable=deferrable, **arguments))

    assert ran.task_state() == "failed"
    assert "contacts are uncalled after the window" in log.text


@MODES
def test_a_service_that_fails_for_a_while_is_polled_again(
    run_dag: Run, exotel: Emulator, log: Any, deferrable: bool
) -> None:
    exotel.faults.add(Fault(on="GET campaigns/*", kind="html_5xx", status=500, times=3))

    ran = run_dag(lambda: create(deferrable=deferrable))

    assert ran.state == "success"
    assert [entry.status for entry in exotel.requests if entry.fault] == [500, 500, 500]


@MODES
def test_credentials_that_are_corrected_during_a_wait_are_used(
    run_dag: Run, exotel: Emulator, monkeypatch: pytest.MonkeyPatch, deferrable: bool
) -> None:
    exotel.faults.add(Fault(on="GET campaigns/*", kind="status", status=401, times=2))

    ran = run_dag(lambda: create(deferrable=deferrable))

    assert [entry.status for entry in exotel.requests if entry.status == 401] == [401, 401]
    assert ran.state == "success"


@MODES
def test_a_campaign_deleted_by_hand_fails_the_task(run_dag: Run, exotel: Emulator, log: Any, deferrable: bool) -> None:
    exotel.clock.speed = 0

    with by_hand_while_it_waits(exotel, lambda person, campaign_id: person.delete_campaign(campaign_id)):
        ran = run_dag(lambda: create(deferrable=deferrable))

    assert ran.task_state() == "failed"
    assert "was deleted while the task waited for it" in log.text


@MODES
def test_a_campaign_archived_by_hand_has_ended(run_dag: Run, exotel: Emulator, deferrable: bool) -> None:
    exotel.clock.speed = 0

    def archive(person: ExotelClient, campaign_id: str) -> None:
        exotel.clock.advance(600)
        person.archive_campaign(campaign_id)

    with by_hand_while_it_waits(exotel, archive):
        ran = run_dag(lambda: create(deferrable=deferrable))

    assert ran.state == "success"
    assert ran.xcom(key="outcome")["status"] == "archived"


@MODES
def test_a_campaign_is_paused_when_its_task_times_out(
    run_dag: Run, exotel: Emulator, log: Any, deferrable: bool
) -> None:
    exotel.clock.speed = 0

    with suppress(AirflowTaskTimeout):  # Airflow 2 raises it from dag.test()
        run_dag(lambda: create(deferrable=deferrable, execution_timeout=TIMEOUT))

    assert [campaign.status for campaign in exotel.campaigns] == ["paused"]


@pytest.mark.skipif(AIRFLOW < (3, 3), reason="no state outlives a try")
def test_a_retry_after_a_time_out_fails_at_once(run_dag: Run, exotel: Emulator, log: Any) -> None:
    exotel.clock.speed = 0
    given = {"execution_timeout": TIMEOUT, "retries": 3, "retry_delay": timedelta(0)}

    ran = run_dag(lambda: create(deferrable=True, **given))

    [instance] = ran.dag_run.get_task_instances()
    assert (instance.state, instance.try_number) == ("failed", 2)
    assert "was paused because an earlier try exceeded execution_timeout" in log.text
    assert len(exotel.campaigns) == 1


@pytest.mark.parametrize("pause_on_kill", [False, "no"], ids=repr)
def test_a_campaign_goes_on_after_a_time_out_if_wanted(run_dag: Run, exotel: Emulator, pause_on_kill: Any) -> None:
    exotel.clock.speed = 0

    with suppress(AirflowTaskTimeout):
        run_dag(lambda: create(deferrable=True, execution_timeout=TIMEOUT, pause_on_kill=pause_on_kill))

    assert [campaign.status for campaign in exotel.campaigns] == ["created"]


def test_a_sensor_that_times_out_fails_and_stops_nothing(run_dag: Run, exotel: Emulator, log: Any) -> None:
    exotel.clock.speed = 0

    def pair() -> None:
        created = create(wait_for_completion=False)
        CampaignSensor(task_id="wait", campaign_ids=created.output, poke_interval=0.2, timeout=1, deferrable=True)

    ran = run_dag(pair)

    assert ran.task_state("wait") == "failed"
    assert "1 of 1 campaigns have not ended within the sensor's timeout" in log.text
    assert [campaign.status for campaign in exotel.campaigns] == ["created"]


@pytest.mark.parametrize("nothing", ["", " ", None], ids=repr)
def test_a_sensor_that_is_given_no_campaign_fails_when_the_dag_is_parsed(nothing: str | None) -> None:
    with pytest.raises(ExotelInputError, match="campaign_ids: is required"):
        CampaignSensor(task_id="wait", campaign_ids=nothing)


@pytest.mark.parametrize("mode", [{"mode": "poke"}, {"mode": "reschedule"}, {"deferrable": True}], ids=str)
def test_a_sensor_with_nothing_to_wait_for_is_skipped(run_dag: Run, exotel: Emulator, mode: dict[str, Any]) -> None:
    ran = run_dag(lambda: CampaignSensor(task_id="wait", campaign_ids="{{ [none, none] }}", poke_interval=0.2, **mode))

    assert ran.task_state("wait") == "skipped"
    assert exotel.requests == []


@pytest.mark.parametrize("mode", [{"mode": "poke"}, {"deferrable": True}], ids=str)
@pytest.mark.parametrize(("skips", "state"), [({}, "failed"), ({"soft_fail": True}, "skipped")], ids=str)
def test_a_sensor_treats_a_refused_token_alike_in_every_mode(
    run_dag: Run, exotel: Emulator, mode: dict[str, Any], skips: dict[str, Any], state: str
) -> None:
    exotel.faults.add(Fault(on="GET campaigns/*", kind="status", status=401, times=None))

    ran = run_dag(lambda: CampaignSensor(task_id="wait", campaign_ids="one", poke_interval=0.2, **mode, **skips))

    assert ran.task_state("wait") == state


def test_a_sensor_takes_the_id_from_what_a_task_published_of_its_campaign(run_dag: Run, exotel: Emulator) -> None:
    def pair() -> None:
        created = create(wait_for_completion=False)
        CampaignSensor(task_id="wait", campaign_ids=XComArg(created, key="campaign"), poke_interval=0.2)

    ran = run_dag(pair)

    assert ran.xcom("wait") == exotel.campaigns[0].id


def test_a_campaign_can_be_stopped_twice(run_dag: Run, exotel: Emulator) -> None:
    exotel.clock.speed = 0

    def stop() -> None:
        created = create(wait_for_completion=False)
        first = ControlCampaignOperator(task_id="stop", campaign_id=created.output, action="stop")
        first >> ControlCampaignOperator(task_id="again", campaign_id=created.output, action="stop")

    ran = run_dag(stop)

    assert ran.state == "success"
    assert [campaign.status for campaign in exotel.campaigns] == ["completed"]
    assert ran.xcom("again", "status") == "Completed"


def test_an_action_in_the_wrong_status_fails_and_says_what_is_allowed(run_dag: Run, exotel: Emulator, log: Any) -> None:
    exotel.clock.speed = 0

    def archive() -> None:
        created = create(wait_for_completion=False)
        ControlCampaignOperator(task_id="archive", campaign_id=created.output, action="archive")

    ran = run_dag(archive)

    assert ran.task_state("archive") == "failed"
    assert "is 'Created': only a completed campaign can be archived" in log.text


def test_a_campaign_that_has_not_begun_is_changed_and_keeps_its_key(run_dag: Run, exotel: Emulator) -> None:
    changes = {"name": "Another name", "mode": "custom", "throttle": 7}

    def change() -> None:
        created = create(wait_for_completion=False, schedule={"send_at": "PT2H", "end_at": "PT9H"})
        UpdateCampaignOperator(task_id="change", campaign_id=created.output, changes=changes)

    exotel.clock.speed = 0
    ran = run_dag(change)

    [campaign] = exotel.campaigns
    assert ran.state == "success"
    assert campaign.name.startswith("Another name af-")
    assert campaign.campaign.dialling.calls_per_minute == 7


DAYS = {
    "numbers": [f"+9198765000{person:02}" for person in range(20)],
    "schedule": None,
    "window": {"start": "10:00", "end": "10:12", "timezone": "Asia/Kolkata"},
    "mode": "custom",
    "throttle": 1,
    "poll_interval": 60,
    "on_window_end": "resume",
}


@pytest.mark.parametrize(
    ("deferrable", "at_end"),
    [(False, "completed"), (False, "canceled"), (False, "paused"), (True, "completed")],
    ids=["worker-completed", "worker-canceled", "worker-paused", "triggerer-completed"],
)
def test_a_campaign_is_carried_over_day_after_day_until_nobody_is_left(
    run_dag: Run, days: Emulator, log: Any, deferrable: bool, at_end: str
) -> None:
    days.settings.update({"at_end": at_end, "schedule_editable_when_paused": True})

    ran = run_dag(lambda: create(**DAYS, deferrable=deferrable))

    [campaign] = days.campaigns
    calls = days.calls(campaign.id)
    assert ran.state == "success"
    assert sorted(call.number for call in calls) == DAYS["numbers"]
    assert {f"{call.started:%d}" for call in calls} == {"02", "03"}
    assert all("04:30" <= f"{call.started:%H:%M}" < "04:42" for call in calls)
    assert ran.xcom(key="outcome")["never_tried"] == 0


@pytest.mark.parametrize(
    ("renewed_at", "known_at"),
    [("04:35", "04:35"), ("12:00", "12:00"), ("04:38", "04:40")],
    ids=["while-it-dials", "in-the-night", "as-its-window-closes"],
)
def test_a_campaign_is_carried_over_after_its_token_was_renewed(
    run_dag: Run, days: Emulator, log: Any, monkeypatch: pytest.MonkeyPatch, renewed_at: str, known_at: str
) -> None:
    days.settings.update({"schedule_editable_when_paused": True})
    pass_time = KillSwitch.sleep
    old = days.connection_uri

    def pass_time_in_which_it_is_renewed(switch: KillSwitch, seconds: float) -> None:
        pass_time(switch, seconds)
        now = f"{days.clock.now():%dT%H:%M}"
        if now > f"02T{renewed_at}":
            days.api_token = "renewed-token"
        if now > f"02T{known_at}" and days.connection_uri != old:
            connect(monkeypatch, days)

    monkeypatch.setattr(KillSwitch, "sleep", pass_time_in_which_it_is_renewed)

    ran = run_dag(lambda: create(**DAYS))

    assert ran.state == "success"
    assert sorted(call.number for call in days.calls(days.campaigns[0].id)) == DAYS["numbers"]


def test_a_connection_that_was_changed_to_another_account_is_not_used(
    run_dag: Run, days: Emulator, log: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pass_time = KillSwitch.sleep
    with Emulator(account_sid="elsewhere") as other:

        def pass_time_in_which_it_is_moved(switch: KillSwitch, seconds: float) -> None:
            pass_time(switch, seconds)
            days.api_token = "renewed-token"
            connect(monkeypatch, other)

        monkeypatch.setattr(KillSwitch, "sleep", pass_time_in_which_it_is_moved)

        ran = run_dag(lambda: create(**DAYS))

        assert other.requests == []
    assert ran.task_state() == "failed"
    assert "was deleted" not in log.text


def test_a_worker_that_is_killed_after_the_deferral_pauses_nothing(run_dag: Run, exotel: Emulator) -> None:
    class Lingering(CreateCampaignOperator):
        def defer(self, **arguments: Any) -> Any:
            try:
                super().defer(**arguments)
            finally:
                self.on_kill()

        def resume_waiting(self, context: Any, event: Any) -> str:
            self.__dict__.pop("_kill_switch", None)  # Airflow resumes it in another process
            return super().resume_waiting(context, event)

    ran = run_dag(lambda: create(Lingering, deferrable=True))

    assert ran.state == "success"
    assert [entry.path for entry in exotel.requests if entry.method == "PUT"] == []


@pytest.mark.parametrize(
    ("status", "line"),
    [("InProgress", "Campaign c1 may dial: it is 'InProgress'"), ("Paused", "Campaign c1 is paused")],
)
def test_a_killed_task_logs_what_its_campaign_shows_after_the_pause(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, status: str, line: str
) -> None:
    with RawServer(http(202), http(200, campaign(id="c1", status=status))) as server:
        connection = {"conn_type": "exotel", "login": "key", "password": "token", "schema": "acc", "host": server.host}
        monkeypatch.setenv("AIRFLOW_CONN_EXOTEL_DEFAULT", json.dumps(connection))
        switch = KillSwitch(ExotelHook(), pauses=True)
        switch.guard("c1")
        with caplog.at_level("INFO"):
            switch.kill()

    assert line in caplog.text


def test_a_task_that_is_killed_during_its_look_up_leaves_its_campaign_paused(run_dag: Run, exotel: Emulator) -> None:
    running: list[CreateCampaignOperator] = []

    class Noticed(CreateCampaignOperator):
        def pre_execute(self, context: Any) -> None:
            running.append(self)

    def kill() -> None:
        while exotel.faults.waiting():  # until the look-up has begun
            time.sleep(0.01)
        running[0].on_kill()

    exotel.clock.speed = 0
    same = {"idempotency_key": "one", "wait_for_completion": False}
    run_dag(lambda: create(**same))
    exotel.clock.advance(1)
    at_the_dashboard(exotel).pause_campaign(exotel.campaigns[0].id)
    exotel.faults.add(Fault(on="GET campaigns", kind="delay", seconds=0.5))
    person = threading.Thread(target=kill)
    person.start()

    ran = run_dag(lambda: create(Noticed, **same, if_paused="resume"))

    person.join()
    assert ran.task_state() == "failed"
    assert [campaign.status for campaign in exotel.campaigns] == ["paused"]
    assert "resume" not in str([entry.body for entry in exotel.requests])


class SupersededWhileItSends(CreateCampaignOperator):
    """A task whose try is superseded right before its campaign is sent.

    :param becomes: the state of the task from then on.
    """

    becomes = "restarting"

    def pre_execute(self, context: Any) -> None:
        context["task_state_store"] = _SupersededAfterItsIntent(context["task_state_store"], self.becomes)


class TakenOverWhileItSends(SupersededWhileItSends):
    becomes = "running"


class _SupersededAfterItsIntent:
    def __init__(self, store: Any, becomes: str) -> None:
        self.get, self._store, self._becomes = store.get, store, becomes

    def set(self, name: str, *given: Any, **options: Any) -> None:
        from airflow.models import TaskInstance
        from airflow.utils.session import create_session

        self._store.set(name, *given, **options)
        if name == HAS_BEGUN:
            return
        with create_session() as session:  # as in Airflow when a person clears a running task
            instance = session.get(TaskInstance, self._store._ti_id)
            if instance is not None:
                instance.prepare_db_for_next_try(session)
                instance.state = self._becomes


@pytest.mark.skipif(AIRFLOW >= (3, 4), reason="`dag.test` of Airflow 3.4.0b2 does not come back")
@pytest.mark.skipif(AIRFLOW < (3, 3), reason="before, Airflow keeps no state that it could refuse")
@pytest.mark.parametrize(
    ("operator", "pause_on_kill", "status"),
    [
        pytest.param(SupersededWhileItSends, True, "paused", id="cleared"),
        pytest.param(SupersededWhileItSends, False, "created", id="cleared, and not to be paused"),
        pytest.param(TakenOverWhileItSends, True, "created", id="a later try waits for it already"),
    ],
)
def test_a_campaign_is_paused_if_its_try_was_superseded_while_sending_unless_a_later_try_waits_for_it(
    run_dag: Run,
    exotel: Emulator,
    log: Any,
    operator: type[SupersededWhileItSends],
    pause_on_kill: bool,
    status: str,
) -> None:
    exotel.clock.speed = 0

    with suppress(Exception):  # `dag.test` does not handle it either
        run_dag(lambda: create(operator, pause_on_kill=pause_on_kill))

    assert "Airflow refuses state from this try" in log.text
    assert [campaign.status for campaign in exotel.campaigns] == [status]


def test_an_invalid_share_fails_a_sensor_without_a_retry(run_dag: Run, exotel: Emulator, log: Any) -> None:
    again = {"retries": 1, "retry_delay": timedelta(0)}

    ran = run_dag(
        lambda: CampaignSensor(task_id="wait", campaign_ids="one", min_reached="{{ 60 }}", poke_interval=0.2, **again)
    )

    [wait] = ran.dag_run.get_task_instances()
    assert (wait.state, wait.try_number) == ("failed", 1)
    assert "- min_reached: " in log.text
    assert exotel.requests == []


def test_a_campaign_whose_schedule_cannot_be_moved_stays_paused_and_fails_the_task(
    run_dag: Run, days: Emulator, log: Any
) -> None:
    ran = run_dag(lambda: create(**DAYS))

    assert ran.task_state() == "failed"
    assert re.search(r"stays paused with \d+ contacts left: it could not be rescheduled to the next window", log.text)
    assert days.campaigns[0].status == "paused"


def paused_before_its_window(run_dag: Run, days: Emulator) -> dict[str, Any]:
    """Create a campaign that a person pauses before its window opens, and return the arguments of its task."""
    days.settings.outcomes = {"completed": 1}
    same = DAYS | {"on_window_end": "complete", "idempotency_key": "one", "numbers": NUMBERS}
    at_the_dashboard(days).pause_campaign(run_dag(lambda: create(**same, wait_for_completion=False)).xcom())
    return same | {"if_paused": "resume"}


@MODES
def test_one_that_was_paused_before_its_window_is_resumed_when_that_opens(
    run_dag: Run, days: Emulator, deferrable: bool
) -> None:
    same = paused_before_its_window(run_dag, days)

    ran = run_dag(lambda: create(**same, deferrable=deferrable))

    [campaign] = days.campaigns
    calls = days.calls(campaign.id)
    assert (ran.state, ran.xcom(key="outcome")["reached"]) == ("success", len(NUMBERS))
    assert all("04:30" <= f"{call.started:%H:%M}" < "04:42" for call in calls)


@MODES
def test_a_resume_that_is_refused_fails_the_task_for_good(
    run_dag: Run, days: Emulator, log: Any, deferrable: bool
) -> None:
    same = paused_before_its_window(run_dag, days)
    days.faults.add(Fault(on="PUT campaigns/*", kind="status", status=400, times=None))

    ran = run_dag(lambda: create(**same, deferrable=deferrable, retries=3))

    assert ran.task_state() == "failed"
    refused = [one for one in days.requests if one.body == {"action": "resume"} and one.status == 400]
    assert 0 < len(refused) <= 2  # in either form of body
    assert {f"{one.at:%H:%M}" for one in refused} == {"04:30"}


def test_a_campaign_with_an_unknown_status_fails_the_task_in_the_end(run_dag: Run, days: Emulator, log: Any) -> None:
    days.settings.status_words = dict.fromkeys(("in-progress", "completed", "paused"), "Ringing")

    ran = run_dag(lambda: create(**(DAYS | {"on_window_end": "complete"})))

    assert ran.task_state() == "failed"
    assert "is still 'Ringing' long after its window closed" in log.text


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"on_window_end": "resume", "wait_for_completion": False}, "on_window_end"),
        ({"on_window_end": "resume", "window": None}, "on_window_end"),
        ({"on_window_end": "later"}, "on_window_end"),
        ({"pause_on_kill": "stop"}, "pause_on_kill"),
        ({"until": "2026-03-02T00:00:00Z"}, "until"),
        ({"poll_interval": 0}, "poll_interval"),
    ],
)
def test_a_mistake_fails_when_the_dag_is_parsed(arguments: dict[str, Any], field: str) -> None:
    with pytest.raises(ExotelInputError) as caught:
        create(**arguments)

    assert {problem.field for problem in caught.value.problems} == {field}


def test_a_trigger_holds_plain_values_and_is_rebuilt_from_them() -> None:
    first = trigger.CampaignTrigger(
        exotel_conn_id="exotel_default", waits=[], poll_interval=60.0, deferred_at="2026-03-02T00:00:00+00:00"
    )

    path, kwargs = first.serialize()

    assert trigger.CampaignTrigger(**kwargs).serialize() == (path, kwargs)


def test_an_event_of_another_version_is_refused() -> None:
    with pytest.raises(Exception, match="event has an unknown format"):
        trigger.TriggerResult.of_json({"events": [{"step": "exploded"}]})


MANY = [f"+9198765{person:05d}" for person in range(400)]


@MODES
def test_a_campaign_whose_calls_fail_is_paused_and_fails_the_task_once(
    run_dag: Run, days: Emulator, log: Any, deferrable: bool
) -> None:
    days.settings.outcomes = {"failed": 1}
    arguments = {"numbers": MANY, "poll_interval": 60, "pause_if_failed_above": 0.5, "retries": 3}

    ran = run_dag(lambda: create(deferrable=deferrable, **arguments))

    [campaign] = days.campaigns
    assert (ran.state, campaign.status) == ("failed", "paused")
    assert f"campaign {campaign.id} was paused: " in log.text
    assert campaign.calls_finished < len(MANY)


@MODES
def test_a_sensor_pauses_the_failing_campaign_while_the_others_keep_dialling(
    run_dag: Run, exotel: Emulator, log: Any, monkeypatch: pytest.MonkeyPatch, deferrable: bool
) -> None:
    exotel.clock.speed = 60  # each campaign makes sixty calls a second
    monkeypatch.setattr(breaker, "FIRST_SAMPLE_AFTER", timedelta(0))
    ids = []
    for outcome in ("failed", "completed"):
        exotel.settings.outcomes = {outcome: 1}
        request = {"numbers": MANY, "caller_id": "0XXXXXX4890", "name": "Survey", "read_via_text": "Hello"}
        ids.append(at_the_dashboard(exotel).create_campaign(CampaignRequest(**request)).id)

    ran = run_dag(
        lambda: CampaignSensor(
            task_id="wait", campaign_ids=ids, pause_if_failed_above=0.5, deferrable=deferrable, poke_interval=0.2
        )
    )

    assert (ran.state, exotel.campaign(ids[0]).status) == ("failed", "paused")
    assert exotel.campaign(ids[1]).status in {"in-progress", "completed"}
    assert f"campaign {ids[0]} was paused: " in log.text


TESTERS = ["+919876511111", "+919876511112"]


@MODES
def test_the_test_numbers_are_called_first_and_then_everybody(
    run_dag: Run, exotel: Emulator, log: Any, deferrable: bool
) -> None:
    exotel.settings.outcomes = {"completed": 1}

    ran = run_dag(lambda: create(deferrable=deferrable, name="Reminder", test_numbers=TESTERS, min_reached=0.5))

    test, real = exotel.campaigns
    assert (ran.state, ran.xcom()) == ("success", real.id)
    assert (list(test.numbers), list(real.numbers)) == (TESTERS, NUMBERS)
    assert (test.name.split(" af-")[0], real.name.split(" af-")[0]) == ("Reminder test", "Reminder")
    assert (ran.xcom(key="test_outcome")["id"], ran.xcom(key="outcome")["id"]) == (test.id, real.id)
    assert ran.xcom(key="campaign")["id"] == real.id
    written = log.text + log_files() + database()
    assert [line[:300] for line in written.splitlines() if "1987651111" in line and OF_AIRFLOW not in line] == []


@MODES
def test_if_no_test_number_is_reached_nobody_else_is_called(
    run_dag: Run, exotel: Emulator, log: Any, deferrable: bool
) -> None:
    exotel.settings.outcomes = {"no-answer": 1}

    ran = run_dag(lambda: create(deferrable=deferrable, test_numbers=TESTERS, retries=3))

    [test] = exotel.campaigns
    assert (ran.state, list(test.numbers)) == ("failed", TESTERS)
    assert f"campaign {test.id} reached none of the test numbers, so nobody else is called" in log.text


def test_a_cleared_task_finds_its_failed_test_and_fails_again(run_dag: Run, exotel: Emulator, log: Any) -> None:
    when = datetime(2026, 3, 2, tzinfo=UTC)
    options = {"logical_date": when} if AIRFLOW >= (3, 0) else {"execution_date": when}

    def task() -> CreateCampaignOperator:
        now = "{{ macros.datetime.now().astimezone() }}"
        return create(deferrable=False, test_numbers=TESTERS, if_paused="resume", anchor=now)

    states = []
    for outcome in ("no-answer", "completed"):
        exotel.settings.outcomes = {outcome: 1}
        states.append(run_dag(task, **options).state)

    [test] = exotel.campaigns
    assert (states, list(test.numbers)) == (["failed", "failed"], TESTERS)
    assert "give another idempotency_key to test the same again" in log.text


@MODES
def test_a_task_that_fails_after_its_test_calls_the_test_numbers_once(
    run_dag: Run, exotel: Emulator, deferrable: bool
) -> None:
    exotel.settings.outcomes = {"completed": 1}
    exotel.faults.add(Fault(on="POST campaigns", kind="status", status=402, after=1))
    when = datetime(2026, 3, 2, tzinfo=UTC)
    options = {"logical_date": when} if AIRFLOW >= (3, 0) else {"execution_date": when}

    def task() -> CreateCampaignOperator:
        return create(deferrable=deferrable, test_numbers=TESTERS, anchor="{{ macros.datetime.now().astimezone() }}")

    first, second = run_dag(task, **options), run_dag(task, **options)

    assert (first.state, second.state) == ("failed", "success")
    assert [list(campaign.numbers) for campaign in exotel.campaigns] == [TESTERS, NUMBERS]


@MODES
def test_a_task_that_does_not_wait_for_completion_still_waits_for_its_test(
    run_dag: Run, exotel: Emulator, deferrable: bool
) -> None:
    exotel.settings.outcomes = {"completed": 1}

    ran = run_dag(lambda: create(deferrable=deferrable, test_numbers=TESTERS, wait_for_completion=False))

    test, real = exotel.campaigns
    assert ran.xcom() == real.id
    assert test.status == "completed"
    assert real.campaign.created_at >= test.campaign.created_at
