"""Operators that control a campaign: errors when the DAG is parsed, and errors when the task runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_exotel import (
    Campaign,
    ControlCampaignOperator,
    CreateCampaignOperator,
    ExotelInputError,
    UpdateCampaignOperator,
)
from airflow_provider_exotel.emulator import Emulator
from airflow_provider_exotel.operators.control import Action, read_campaign_id
from airflow_provider_exotel.waiting.control import ALLOWED

Run = Callable[..., Any]
TEMPLATE = "{{ params.x }}"


def control(**arguments: Any) -> ControlCampaignOperator:
    return ControlCampaignOperator(**{"task_id": "control", "campaign_id": "c1", "action": "pause"} | arguments)


def update(**arguments: Any) -> UpdateCampaignOperator:
    return UpdateCampaignOperator(
        **{"task_id": "update", "campaign_id": "c1", "changes": {"name": "Other"}} | arguments
    )


def test_the_operator_has_exactly_the_supported_actions() -> None:
    assert Action.__args__ == tuple(ALLOWED)


WRONG: list[tuple[Callable[..., Any], dict[str, Any], str]] = [
    (control, {"action": "puase"}, "action: unknown value; use one of .*; did you mean 'pause'?"),
    (control, {"action": 3}, "action: unknown value"),
    (control, {"campain_id": "c1"}, "campain_id: unknown argument; did you mean campaign_id?"),
    (control, {"campaign_id": ""}, "campaign_id: is required"),
    (control, {"campaign_id": "None"}, "campaign_id: is required"),
    (control, {"campaign_id": None}, "campaign_id: is required"),
    (control, {"campaign_id": {"name": "no id"}}, "campaign_id: is required"),
    (control, {"campaign_id": "a/../b"}, "campaign_id: must be an id"),
    (control, {"campaign_id": "?x"}, "campaign_id: must be an id"),
    (control, {"campaign_id": ["c1"]}, "campaign_id: must be an id"),
    (control, {"campaign_id": 7}, "campaign_id: must be an id"),
    (update, {"campaign_id": {"id": ".."}}, "campaign_id: must be an id"),
    (update, {"changes": {"throtle": 5}}, "changes.throtle: unknown field; .*did you mean 'throttle'?"),
    (update, {"changes": {"status_callback": "nowhere"}}, "changes.status_callback: must be an absolute"),
    (update, {"changes": {"numbers": ["+919876500000"]}}, "changes.numbers: cannot be changed"),
    (update, {"changes": "throttle"}, "changes: must be a mapping"),
    (update, {"changes": 5}, "changes: must be a mapping"),
    (update, {"force": "perhaps"}, "force: must be true or false"),
]


def _name(value: object) -> str:
    """Return the same name of a case in every test process."""
    return getattr(value, "__name__", None) or str(value)


@pytest.mark.parametrize(("operator", "arguments", "said"), WRONG, ids=_name)
def test_a_wrong_argument_without_a_template_fails_when_the_dag_is_parsed(
    operator: Callable[..., Any], arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(ExotelInputError, match=said):
        operator(**arguments)


@pytest.mark.parametrize(
    ("operator", "arguments"),
    [
        (control, {"action": TEMPLATE, "campaign_id": TEMPLATE}),
        (control, {"campaign_id": {"id": TEMPLATE}}),
        (update, {"changes": {"schedule": {"end_at": TEMPLATE}}, "force": TEMPLATE}),
        (update, {"changes": TEMPLATE}),
    ],
    ids=_name,
)
def test_a_template_is_not_checked_before_it_is_rendered(
    operator: Callable[..., Any], arguments: dict[str, Any]
) -> None:
    assert operator(**arguments).task_id


@pytest.mark.parametrize(
    ("operator", "rendered", "said"),
    [
        (control, {"action": "puase"}, "did you mean 'pause'?"),
        (control, {"campaign_id": "a/../b"}, "campaign_id: must be an id"),
        (update, {"changes": "{'throtle': 5}"}, "did you mean 'throttle'?"),
        (update, {"force": "on"}, "force: must be true or false"),
    ],
    ids=_name,
)
def test_a_wrong_value_of_a_template_fails_without_a_retry(
    exotel: Emulator, operator: Callable[..., Any], rendered: dict[str, Any], said: str
) -> None:
    task = operator(**dict.fromkeys(rendered, TEMPLATE))
    for name, value in rendered.items():
        setattr(task, name, value)

    with pytest.raises(AirflowFailException, match=said):
        task.execute({})

    assert exotel.requests == []


@pytest.mark.parametrize(
    "given", ["c1", " c1 ", {"id": "c1", "name": "Due"}, "{'id': 'c1', 'name': 'Due'}", '{"id": "c1"}', Campaign("c1")]
)
def test_the_id_of_a_campaign_is_read_from_every_form(given: Any) -> None:
    assert read_campaign_id(given) == "c1"


def test_the_campaign_xcom_of_the_task_that_creates_it_is_enough(run_dag: Run, exotel: Emulator) -> None:
    exotel.clock.speed = 0

    def stop() -> None:
        created = CreateCampaignOperator(
            task_id="create", numbers=["+919876500000"], read_via_text="Hello", schedule={"end_at": "PT9H"}
        )
        ControlCampaignOperator(task_id="stop", campaign_id=created.output["campaign"], action="STOP")

    ran = run_dag(stop)

    assert ran.state == "success"
    assert [campaign.status for campaign in exotel.campaigns] == ["completed"]
    assert ran.xcom("stop", "status") == "Completed"


def test_a_mapped_action_that_does_not_exist_fails_its_task_alone(run_dag: Run, exotel: Emulator, log: Any) -> None:
    ran = run_dag(
        lambda: ControlCampaignOperator.partial(task_id="control", campaign_id="c1", retries=2).expand(action=["puase"])
    )

    [instance] = ran.dag_run.get_task_instances()
    assert (ran.state, instance.try_number) == ("failed", 1)
    assert "did you mean 'pause'?" in log.text
    assert exotel.requests == []
