"""Known codes of the service are explained, unknown ones are shown unchanged."""

from __future__ import annotations

import pickle

import pytest

from airflow_provider_exotel.client.errors import ExotelAuthError
from airflow_provider_exotel.client.reasons import UNREACHED, describe_unreached, explain_refusal, explain_unreached


@pytest.mark.parametrize(
    ("spelling", "reason"),
    [
        ("no-answer", "no-answer"),
        ("no_answer", "no-answer"),
        ("Busy", "busy"),
        ("failed_dnd", "do-not-disturb"),
        ("failed-no-attempt", "never-tried"),
        ("invalid", "invalid-number"),
    ],
)
def test_every_spelling_of_a_reason_is_explained(spelling: str, reason: str) -> None:
    assert explain_unreached(spelling) == UNREACHED[reason]


def test_an_unknown_reason_is_shown_as_given() -> None:
    assert explain_unreached("Teleported").meaning == "Teleported"
    assert explain_unreached("Teleported").remedy == ""


def test_reasons_are_described_with_the_most_frequent_first() -> None:
    counts = {"busy": 2, "no_answer": 1200, "failed": 0, "odd": 2}

    assert describe_unreached(counts) == (
        "1,200 no_answer (the phone rang and nobody answered); "
        "2 busy (the line was engaged, or the call was declined); 2 odd"
    )


def test_an_error_explains_its_code() -> None:
    error = ExotelAuthError("no entry", http_status=401, code=1010)

    assert str(error) == "no entry (HTTP 401, code 1010: the credentials are not accepted)"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize("code", [34009, "RATE_LIMIT_EXCEEDED", None, ""])
def test_an_unknown_code_of_an_error_is_shown_as_given(code: object) -> None:
    assert explain_refusal(code) is None
