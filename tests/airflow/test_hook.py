"""The hook as a client of the account that a connection names."""

from __future__ import annotations

from typing import Any

from airflow_provider_exotel import ExotelHook
from airflow_provider_exotel.emulator import Emulator

from .task_runs import Tries


def test_a_field_that_this_version_does_not_know_is_sent_as_it_is(exotel: Emulator) -> None:
    ExotelHook().create_campaign(numbers=["+919876500000"], extra_fields={"not_known_yet": True})

    [request] = exotel.requests
    assert request.body == {
        "from": "+919876500000",
        "caller_id": "0XXXXXX4890",
        "not_known_yet": True,
    }


def test_the_operator_sends_fields_that_this_version_does_not_know(exotel: Emulator) -> None:
    extra: dict[str, Any] = {"not_known_yet": True, "priority": 3}

    Tries(exotel, keeps_state=False).run(extra_fields=extra)

    [body] = Tries(exotel, keeps_state=False).posts()
    assert extra.items() <= body.items()
