"""Triggers that share a poller: the times of polls, their order, and campaigns of cancelled triggers."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.errors import ExotelResponseError
from airflow_provider_exotel.client.rate_limit import TokenBucket
from airflow_provider_exotel.client.request import CampaignRequest
from airflow_provider_exotel.client.retry import RetryPolicy
from airflow_provider_exotel.emulator import Emulator, Fault
from airflow_provider_exotel.hooks import metrics
from airflow_provider_exotel.triggers import campaign as trigger_module
from airflow_provider_exotel.triggers import poller as poller_module
from airflow_provider_exotel.triggers import settings as settings_module
from airflow_provider_exotel.triggers import stopping as stopping_module
from airflow_provider_exotel.triggers.campaign import CampaignTrigger, TriggerResult
from airflow_provider_exotel.triggers.poller import AccountPoller
from airflow_provider_exotel.triggers.stopping import CampaignStopper
from airflow_provider_exotel.waiting.breaker import Breaker
from airflow_provider_exotel.waiting.owner import TaskKey
from airflow_provider_exotel.waiting.sweep import SweepResult
from airflow_provider_exotel.waiting.wait import Wait

from ..client.raw_server import RawServer, http
from .virtual_time import START, VirtualTime

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TASK = SimpleNamespace(dag_id="reminders", run_id="manual__1", task_id="remind", map_index=3)
RECORDED = json.loads(Path(__file__).with_name("recorded_triggers.json").read_text())


class Account:
    """A local Exotel in virtual time, and its poller."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator, self.time = emulator, VirtualTime(emulator)
        self.turn = threading.Event()
        self.turn.set()

    def client(self, **options: Any) -> ExotelClient:
        emulator = self.emulator
        known: dict[str, Any] = {"bucket": TokenBucket(1e6), "retry": RetryPolicy(tries=1)}
        return ExotelClient(
            emulator.api_key, emulator.api_token, emulator.account_sid, emulator.host, **(known | options)
        )

    def create(self, count: int = 1, opens: timedelta = timedelta(minutes=1)) -> list[str]:
        client, ids = self.client(), []
        schedule = {"send_at": (START + opens).isoformat(), "end_at": (START + opens + 8 * HOUR).isoformat()}
        for number in range(count):
            numbers = [f"+91987654{number:04}"]
            request = CampaignRequest(numbers=numbers, caller_id="0XXXXXX4890", schedule=schedule)
            ids.append(client.create_campaign(request).id)
        self.created = len(self.emulator.requests)
        return ids

    def poller(self) -> AccountPoller:
        async def connect() -> ExotelClient:
            return self.client()

        return AccountPoller("exotel_default", connect, self.time.now, self.turn)

    def polls(self) -> list[float]:
        """The times of the polls, in seconds since the beginning."""
        entries = self.emulator.requests[self.created :]
        return [(entry.at - START).total_seconds() for entry in entries if entry.method == "GET"]


@pytest.fixture
def account() -> Iterator[Account]:
    with Emulator(start=START, seed=1) as emulator:
        yield Account(emulator)


def test_a_campaign_is_polled_once_at_the_start_and_then_from_send_at_on(account: Account) -> None:
    [campaign] = account.create(opens=HOUR)

    async def main() -> None:
        account.poller().subscribe({campaign: START + HOUR}, 60)
        await asyncio.sleep(3600 + 200)

    account.time.run(main)

    first, *others = account.polls()
    assert first < 1
    assert 3600 <= others[0] < 3601
    assert len(others) == 4


def test_a_campaign_is_polled_at_the_shortest_interval_with_jitter(account: Account) -> None:
    ids = account.create(2)

    async def main() -> None:
        poller = account.poller()
        poller.subscribe({ids[0]: START}, 600)
        poller.subscribe({ids[1]: START}, 60)
        await asyncio.sleep(3000)

    account.time.run(main)

    polls = account.polls()
    moments = sorted(set(polls))
    pauses = [after - before for before, after in pairwise(moments) if after - before > 1]
    assert all(54 <= pause <= 66.1 for pause in pauses)
    assert len({round(pause, 3) for pause in pauses}) > len(pauses) / 2
    assert max(pauses) > 60 > min(pauses)


def test_a_campaign_that_is_moved_to_an_earlier_time_is_polled_then(account: Account) -> None:
    [campaign] = account.create(opens=DAY)

    async def main() -> None:
        subscription = account.poller().subscribe({campaign: START + DAY}, 60)
        await asyncio.sleep(600)
        subscription.move(campaign, START + HOUR)
        await asyncio.sleep(3600)

    account.time.run(main)

    first, second, *_ = account.polls()
    assert first < 1
    assert 3600 <= second < 3601


def test_without_waits_nothing_is_polled_and_the_gauge_is_zero(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = account.create(3)
    gauge: list[int] = []
    monkeypatch.setattr(poller_module, "gauge_waiting", lambda campaigns, connection: gauge.append(campaigns))

    async def main() -> None:
        poller = account.poller()
        one, two = poller.subscribe(dict.fromkeys(ids[:2], START), 60), poller.subscribe({ids[2]: START}, 60)
        await asyncio.sleep(90)
        poller.unsubscribe(one)
        await asyncio.sleep(60)
        poller.unsubscribe(two)
        await asyncio.sleep(600)
        poller.subscribe({ids[0]: START}, 60)
        await asyncio.sleep(1)

    account.time.run(main)

    assert gauge[0] == 3
    assert 1 in gauge
    assert gauge.index(0) > gauge.index(1)
    assert not [moment for moment in account.polls() if 160 < moment < 750]
    assert [moment for moment in account.polls() if moment >= 750]


def test_a_failed_sweep_is_logged_counted_and_repeated(
    account: Account, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    [campaign] = account.create()
    account.emulator.faults.add(Fault(kind="html_5xx", times=2))
    account.emulator.faults.add(Fault(kind="rate_limited", times=1))
    counted: Counter[str] = Counter()
    monkeypatch.setattr(poller_module, "count", lambda counter, connection: counted.update([counter]))

    async def main() -> Any:
        news = await account.poller().subscribe({campaign: START}, 60).news.get()
        await asyncio.sleep(1)
        return news

    news = account.time.run(main)

    assert list(news) == [campaign]
    assert "Polling failed 3 times in a row" in caplog.text
    assert counted == {"sweep_failures": 3, "rate_limited": 1, "sweeps": 1}


def test_thousands_of_ended_campaigns_are_reported_a_few_at_a_time(account: Account) -> None:
    account.create(0)
    told_in_pass: Counter[int] = Counter()

    async def sees_all(wanted: Sequence[str]) -> AsyncIterator[SweepResult]:
        yield SweepResult(dict.fromkeys(wanted))

    async def main() -> None:
        poller, passes = account.poller(), 0

        async def trigger(subscription: Any) -> None:
            await subscription.news.get()
            told_in_pass[passes] += 1

        waiting = [asyncio.create_task(trigger(poller.subscribe({f"c{n}": START}, 60))) for n in range(1000)]
        poller._pages = sees_all  # type: ignore[method-assign,assignment]

        while not all(one.done() for one in waiting):
            passes += 1
            await asyncio.sleep(0)

    account.time.run(main)

    assert sum(told_in_pass.values()) == 1000
    assert max(told_in_pass.values()) <= 50


def test_the_pages_of_a_long_list_are_spread_over_the_interval_and_reported_one_by_one(account: Account) -> None:
    ids = account.create(1000)
    told: list[tuple[float, int]] = []

    async def main() -> None:
        news = account.poller().subscribe(dict.fromkeys(ids, START), 60).news
        for _ in range(6):
            seen = await news.get()
            told.append((account.time.seconds, len(seen)))

    account.time.run(main)

    first, second = told[:3], told[3:]
    assert [round(moment) for moment, _ in first] == [0, 20, 40]
    assert sum(seen for _, seen in first) == sum(seen for _, seen in second) == 1000
    assert 54 <= second[0][0] <= 66


def test_campaigns_on_one_page_are_reported_at_once(account: Account) -> None:
    ids = account.create(500)

    async def main() -> int:
        return len(await account.poller().subscribe(dict.fromkeys(ids, START), 60).news.get())

    assert account.time.run(main) == 500


def test_a_slowly_polled_long_list_does_not_delay_others(account: Account) -> None:
    ids = account.create(1001)

    async def main() -> None:
        poller = account.poller()
        poller.subscribe(dict.fromkeys(ids[1:], START), 3600)
        await asyncio.sleep(1)
        await poller.subscribe({ids[0]: START}, 60).news.get()

    account.time.run(main)

    assert account.time.seconds < 130


def test_a_failed_poll_without_waits_is_no_failure(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    [campaign] = account.create()

    async def connect() -> ExotelClient:
        await asyncio.sleep(10)
        return account.client()

    async def main() -> None:
        poller = AccountPoller("exotel_default", connect, account.time.now, account.turn)
        subscription = poller.subscribe({campaign: START}, 60)
        await asyncio.sleep(1)
        poller.unsubscribe(subscription)
        await asyncio.sleep(20)

    account.time.run(main)

    assert "Polling failed" not in caplog.text


def test_polls_wait_for_queued_pauses(account: Account) -> None:
    [campaign] = account.create()
    account.turn.clear()
    asked_before: list[int] = []

    def pauses_are_done() -> None:
        asked_before.append(len(account.polls()))
        account.turn.set()

    async def main() -> None:
        news = account.poller().subscribe({campaign: START}, 60).news
        threading.Timer(0.2, pauses_are_done).start()
        await news.get()

    account.time.run(main)

    assert asked_before == [0]
    assert len(account.polls()) == 1


def test_polls_wait_for_pauses_for_a_minute_at_most(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller_module, "_MAX_WAIT_FOR_PAUSES", 0.01)
    ids = account.create(5)
    account.turn.clear()

    async def main() -> Any:
        return await account.poller().subscribe(dict.fromkeys(ids, START), 60).news.get()

    assert set(account.time.run(main)) == set(ids)


@pytest.fixture
def triggers(account: Account, monkeypatch: pytest.MonkeyPatch) -> Account:
    """An account for triggers, with the connection ``exotel_default``, in virtual time."""
    uri = f"{account.emulator.connection_uri}?exophone=0XXXXXX4890&requests_per_minute=6000"
    monkeypatch.setenv("AIRFLOW_CONN_EXOTEL_DEFAULT", uri)
    for module in (trigger_module, poller_module, settings_module, stopping_module):
        monkeypatch.setattr(module, "utc_now", account.time.now)
    return account


def trigger_for(campaign: str, opens: timedelta = HOUR, **arguments: Any) -> CampaignTrigger:
    wait = Wait(campaign, START + opens, START + opens + 8 * HOUR)
    given = {"waits": [wait.as_json()], "poll_interval": 60.0, "deferred_at": START.isoformat()}
    trigger = CampaignTrigger(exotel_conn_id="exotel_default", **(given | arguments))
    trigger.task_instance = TASK  # type: ignore[assignment]
    return trigger


async def event_of(trigger: CampaignTrigger) -> TriggerResult:
    async for event in trigger.run():
        return TriggerResult.of_json(event.payload)
    raise AssertionError("no event")


def test_a_trigger_polls_once_15_seconds_after_the_deferral_then_from_send_at_on_and_says_so(
    triggers: Account, log: Any
) -> None:
    [campaign] = triggers.create(opens=HOUR)

    result = triggers.time.run(lambda: event_of(trigger_for(campaign)))

    first, *others = triggers.polls()
    assert 15 <= first < 16
    assert 3600 <= others[0] < 3601
    assert [event.step for event in result.events] == ["ended"]
    said = f"Waiting for campaign {campaign}: the first poll is at 2026-03-02 04:30:15 UTC, then from"
    assert f"{said} 2026-03-02 05:30:00 UTC on every 60 s." in log.text


def test_a_campaign_that_has_ended_long_before_its_window_is_noticed_at_once(triggers: Account) -> None:
    [campaign] = triggers.create(opens=DAY)
    person = triggers.client()
    person.pause_campaign(campaign)
    person.complete_campaign(campaign)

    triggers.time.run(lambda: event_of(trigger_for(campaign, opens=DAY)))

    assert triggers.time.seconds < 20


def test_a_campaign_that_was_moved_to_another_day_is_polled_then(triggers: Account) -> None:
    [campaign] = triggers.create(opens=HOUR)

    result = triggers.time.run(lambda: event_of(trigger_for(campaign, opens=DAY)))

    assert [event.step for event in result.events] == ["ended"]
    assert 3600 < triggers.time.seconds < 2 * 3600


def test_a_wait_for_the_next_window_polls_nothing_and_logs_when_that_opens(triggers: Account, log: Any) -> None:
    [campaign] = triggers.create(opens=HOUR)
    waits = [Wait(campaign, START + HOUR, START + 9 * HOUR, carries_over=True, opening=True).as_json()]

    result = triggers.time.run(lambda: event_of(trigger_for(campaign, waits=waits)))

    assert [event.step for event in result.events] == ["opening"]
    assert triggers.polls() == []
    assert "which opens at 2026-03-02 05:30:00 UTC" in log.text


def test_a_trigger_logs_in_another_thread_so_that_a_full_log_does_not_delay_the_others(triggers: Account) -> None:
    [campaign] = triggers.create(opens=HOUR)
    trigger, logged_in = trigger_for(campaign), set()
    trigger._log = SimpleNamespace(log=lambda *line: logged_in.add(threading.get_ident()))  # type: ignore[assignment]

    triggers.time.run(lambda: event_of(trigger))

    assert logged_in
    assert threading.get_ident() not in logged_in


def test_a_hanging_count_of_calls_does_not_delay_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    counted, answered = threading.Event(), threading.Event()

    class Hanging(RawServer):
        """Answers a count of calls only after the test."""

        def _read(self, connection: socket.socket) -> str:
            asked = super()._read(connection)
            if "call-details" in asked:
                counted.set()
                answered.wait(240)
            return asked

    now = datetime.now(UTC)
    wait = Wait("c1", now - HOUR, now + HOUR, breaker=Breaker(0.5))
    shown = {"id": "c1", "status": "InProgress", "date_created": (now - HOUR).isoformat()}
    given = {"deferred_at": (now - HOUR).isoformat(), "deadline": (now + timedelta(seconds=15)).isoformat()}
    with Hanging(http(200, {"http_code": 200, "metadata": {"total": 1}, "response": [shown]})) as server:
        uri = f"exotel://key:token@{server.host}/sid?region=other&requests_per_minute=6000"
        monkeypatch.setenv("AIRFLOW_CONN_EXOTEL_DEFAULT", uri)
        monkeypatch.setattr(trigger_module, "_SHORTEST_COUNT", 1.0)
        try:
            result = asyncio.run(asyncio.wait_for(event_of(trigger_for("c1", waits=[wait.as_json()], **given)), 120))
        finally:
            answered.set()

    assert counted.is_set()
    assert [one.campaign_id for one in result.left] == ["c1"]


@pytest.fixture
def handed_over(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, TaskKey, datetime | None]]:
    """The campaigns handed over to the stopper."""
    handed: list[tuple[str, TaskKey, datetime | None]] = []
    monkeypatch.setattr(CampaignStopper, "stop", lambda self, *stop: handed.append(stop))
    return handed


def cancelled(triggers: Account, trigger: CampaignTrigger, after: float) -> None:
    """Run a trigger like a triggerer, and cancel it after some seconds."""

    async def main() -> None:
        task = asyncio.create_task(event_of(trigger))
        await asyncio.sleep(after)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()

    triggers.time.run(main)


@pytest.mark.parametrize("after", [1, 100, 5000], ids=["before-its-first-poll", "before-it-dials", "while-it-dials"])
def test_a_trigger_that_is_cancelled_hands_its_campaign_over(
    triggers: Account, handed_over: list[Any], after: float
) -> None:
    [campaign] = triggers.create(opens=2 * HOUR)

    cancelled(triggers, trigger_for(campaign, opens=2 * HOUR, pause_on_kill=True), after)

    assert handed_over == [(campaign, TaskKey("reminders", "manual__1", "remind", 3), START + 10 * HOUR)]


def test_a_campaign_is_handed_over_with_the_end_that_it_was_moved_to(triggers: Account, handed_over: list[Any]) -> None:
    [campaign] = triggers.create(opens=DAY)

    cancelled(triggers, trigger_for(campaign, pause_on_kill=True), 100)

    assert [end_at for _, _, end_at in handed_over] == [START + DAY + 8 * HOUR]


def test_on_kill_hands_the_campaign_over(triggers: Account, handed_over: list[Any]) -> None:
    trigger = trigger_for("c1", pause_on_kill=True)

    triggers.time.run(trigger.on_kill)

    assert [campaign for campaign, _, _ in handed_over] == ["c1"]


@pytest.mark.parametrize("without", ["pause_on_kill", "task_instance"])
def test_a_trigger_without_a_task_or_without_pause_on_kill_hands_nothing_over(
    triggers: Account, handed_over: list[Any], without: str
) -> None:
    trigger = trigger_for("c1", pause_on_kill=without != "pause_on_kill")
    if without == "task_instance":
        trigger.task_instance = None  # type: ignore[assignment]

    triggers.time.run(trigger.on_kill)
    cancelled(triggers, trigger, 1)

    assert handed_over == []


def test_a_trigger_is_serialised_as_plain_json_and_rebuilt_from_it() -> None:
    path, arguments = trigger_for("c1", pause_on_kill=True, deadline=(START + DAY).isoformat()).serialize()

    again = CampaignTrigger(**json.loads(json.dumps(arguments)))

    assert again.serialize() == (path, arguments)


def test_arguments_that_another_version_stored_are_read() -> None:
    recorded = RECORDED["arguments"]

    path, arguments = CampaignTrigger(**recorded, invented={"by": "a later version"}).serialize()

    assert path == "airflow_provider_exotel.triggers.campaign.CampaignTrigger"
    assert arguments == recorded


def test_arguments_of_another_version_need_only_connection_and_waits() -> None:
    recorded = {name: RECORDED["arguments"][name] for name in ("exotel_conn_id", "waits")}

    _, arguments = CampaignTrigger(**recorded).serialize()

    assert (arguments["poll_interval"], arguments["deadline"], arguments["pause_on_kill"]) == (60.0, None, False)
    assert datetime.fromisoformat(arguments["deferred_at"]).tzinfo is not None


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda event: event, id="as-recorded"),
        pytest.param(lambda event: event | {"invented": 1}, id="unknown-key"),
        pytest.param(lambda event: {"events": event["events"]}, id="missing-keys"),
    ],
)
def test_an_event_that_another_version_fired_is_read(change: Callable[[Any], Any]) -> None:
    result = TriggerResult.of_json(change(RECORDED["event"]))

    assert result.campaign_ids[:1] == ["0a1b2c3d"]
    assert result.events[0].step == "ended"


@pytest.mark.parametrize("event", [None, [], "text", {}, {"events": [{"step": "exploded"}]}, {"events": [{}]}])
def test_a_malformed_event_is_refused_in_words(event: Any) -> None:
    with pytest.raises(ExotelResponseError, match="event has an unknown format"):
        TriggerResult.of_json(event)


def test_metrics_are_tagged_with_the_connection_and_never_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    recorder = SimpleNamespace(
        incr=lambda name, times, *, tags: told.append((name, times, tags)),
        gauge=lambda name, value, *, tags: told.append((name, value, sorted(tags))),
    )
    monkeypatch.setattr(metrics, "Stats", recorder)

    metrics.count("campaigns_created", "team a,b=c")
    metrics.gauge_waiting(0, "exotel_default")
    monkeypatch.setattr(metrics, "Stats", None)
    metrics.count("sweeps", "exotel_default")
    metrics.gauge_waiting(1, "exotel_default")

    assert told == [
        ("exotel.campaigns_created", 1, {"connection": "team_a_b_c"}),
        ("exotel.campaigns_waited_for", 0, ["connection", "hostname"]),
    ]
