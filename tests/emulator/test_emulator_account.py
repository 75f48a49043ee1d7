from __future__ import annotations

import contextlib
from dataclasses import astuple
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_exotel.emulator import Call, Clock, Settings
from airflow_provider_exotel.emulator.account import Account
from airflow_provider_exotel.emulator.envelopes import Refusal

from .conftest import at, people

START = datetime(2026, 3, 2, 4, 30, tzinfo=UTC)
STOPPED = {"created", "paused", "completed", "failed", "canceled", "deleted", "archived"}

steps = st.lists(
    st.one_of(
        st.sampled_from([1, 7, 60, 300, 1800]),
        st.sampled_from(["pause", "resume", "complete", "archive", "delete", "extend", "rename"]),
    ),
    max_size=25,
)


def account_of(**switches: Any) -> Account:
    return Account("emulator", Settings(**switches), Clock(START), seed=3)


def campaign_of(count: int, **fields: Any) -> dict[str, Any]:
    retries = {"number_of_retries": 2, "interval_mins": 5}
    return {"caller_id": "0XXXXXX4890", "from": ",".join(people(count)), "retries": retries, **fields}


def take(account: Account, campaign_id: str, step: int | str) -> None:
    if isinstance(step, int):
        account.clock.advance(step)
    elif step == "delete":
        account.delete(campaign_id)
    elif step == "extend":
        account.change(campaign_id, {"schedule": {"end_at": at(90)}})
    elif step == "rename":
        account.change(campaign_id, {"name": "Another"})
    else:
        account.change(campaign_id, {"action": step})


@given(steps, st.sampled_from(["completed", "canceled", "paused"]), st.booleans())
def test_a_campaign_dials_only_while_it_runs_after_any_actions(
    done: list[int | str], at_end: str, extendable: bool
) -> None:
    account = account_of(at_end=at_end, schedule_editable_when_paused=extendable)
    campaign = account.create(campaign_of(40, schedule={"send_at": at(2), "end_at": at(20)}))
    seen: dict[str, Call] = {}
    for step in done:
        before = account.state(campaign.id)
        with contextlib.suppress(Refusal):
            take(account, campaign.id, step)
        after = account.state(campaign.id)
        calls = {call.call_sid: call for call in after.calls}
        assert seen.items() <= calls.items()
        new = [call for sid, call in calls.items() if sid not in seen]
        assert all(after.send_at <= call.started < after.end_at for call in new)
        if before.status in STOPPED - {"created"}:
            assert all(call.started <= before.now for call in new)
        total, *rest = astuple(after.counts)
        assert sum(rest) == total == 40
        seen = calls


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(people(2)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
FIELDS = ["from", "lists", "caller_id", "name", "retries", "schedule", "mode", "throttle", "campaigns", "custom_field"]
bodies = st.one_of(
    json_values,
    st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=5),
    st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=3).map(lambda more: campaign_of(2) | more),
    st.sampled_from([{"number_of_retries": 1, "interval_mins": 10**400}, {"on_status": [[]]}]).map(
        lambda retries: campaign_of(2, retries=retries)
    ),
    st.sampled_from(["9999-12-31T00:00:00Z", "0001-01-01T00:00:00+23:59"]).map(
        lambda instant: campaign_of(2, schedule={"send_at": instant})
    ),
)


@given(bodies, st.sampled_from(["both", "documented", "wrapped"]))
def test_any_body_is_accepted_or_refused_without_a_crash(body: Any, accepts: str) -> None:
    account = account_of(accepts=accepts)
    refusals: list[int] = []
    try:
        account.create(body)
    except Refusal as refusal:
        refusals.append(refusal.status)
    assert (refusals, len(account.states())) in (([400], 0), ([], 1))
