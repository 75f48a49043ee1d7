"""Outdated answers of a profile are found with two cheap reads."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_exotel.client.errors import ExotelAuthError
from airflow_provider_exotel.client.profile import VERSION, Profile, account_digest, profile_of
from airflow_provider_exotel.client.stale import stale_answers
from airflow_provider_exotel.emulator import Emulator

from .api_samples import ClientFactory


def stale(emulator: Emulator, client_of: ClientFactory, profile: Profile, **client: Any) -> list[str]:
    return stale_answers(
        profile, emulator.host, emulator.account_sid, lambda on_answer: client_of(on_answer=on_answer, **client)
    )


def profile(emulator: Emulator, **answers: Any) -> Profile:
    return profile_of(answers, host=emulator.host, account_sid=emulator.account_sid, checked_on="2026-03-02")


def test_a_correct_profile_is_not_stale(emulator: Emulator, client_of: ClientFactory) -> None:
    known = profile(emulator, envelope="item", error_codes="catalogue", list_metadata=True, at_end="paused")

    assert stale(emulator, client_of, known) == []
    assert [entry.method for entry in emulator.requests] == ["GET", "GET"]


@pytest.mark.parametrize(
    ("answers", "changed", "message"),
    [
        ({"envelope": "item"}, {"envelope": "object"}, "envelope is 'object' now, and 'item' in the profile"),
        ({"list_metadata": True}, {"list_metadata": False}, "list_metadata is False now, and True in the profile"),
        (
            {"requests_per_minute": 30},
            {"rate_limit": 100},
            "requests_per_minute is 100 now, and 30 in the profile",
        ),
    ],
)
def test_a_changed_answer_is_reported(
    emulator: Emulator, client_of: ClientFactory, answers: dict[str, Any], changed: dict[str, Any], message: str
) -> None:
    emulator.settings.update(changed)

    assert stale(emulator, client_of, profile(emulator, **answers)) == [message]


def test_another_version_host_or_account_is_reported(emulator: Emulator, client_of: ClientFactory) -> None:
    older = Profile(version=VERSION + 1, host="api.exotel.com")
    other = Profile(host=emulator.host, account=account_digest(emulator.host, "another"))

    assert stale(emulator, client_of, older) == [
        f"it has version {VERSION + 1}, and this package writes {VERSION}",
        f"it was made for api.exotel.com, and the connection uses {emulator.host}",
    ]
    assert stale(emulator, client_of, other) == ["it was made for another account"]


def test_wrong_credentials_are_an_error_as_without_a_profile(emulator: Emulator, client_of: ClientFactory) -> None:
    with pytest.raises(ExotelAuthError):
        stale(emulator, client_of, Profile(), api_token="another")
