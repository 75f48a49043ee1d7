"""Finds outdated answers of a profile with two cheap requests."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from airflow_provider_exotel.client.answer_forms import form_of_error, form_of_headers, form_of_list
from airflow_provider_exotel.client.errors import ExotelNotFound, ExotelRequestRefused
from airflow_provider_exotel.client.profile import VERSION, Profile, account_digest

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import ExotelClient
    from airflow_provider_exotel.client.transport import RawAnswer


def stale_answers(profile: Profile, host: str, account_sid: str, connect: Callable[..., ExotelClient]) -> list[str]:
    """Return a message for each stale answer of a profile; empty if none was found.

    :param profile: the profile.
    :param host: the host of the connection.
    :param account_sid: its account.
    :param connect: returns a client, given ``on_answer``.
    :raises ExotelError: if the account denies access.
    """
    answers: list[RawAnswer] = []
    with connect(on_answer=answers.append) as client:
        client.check_access()
        # No campaign has this id.
        with suppress(ExotelNotFound, ExotelRequestRefused):
            client.get_campaign(uuid4().hex)
    found: dict[str, Any] = {}
    for answer in answers:
        listed = form_of_list(answer) if answer.path == "/campaigns" else form_of_error(answer)
        found |= listed | form_of_headers(answer)
    return [*_origin_problems(profile, host, account_sid), *_differences(profile, found)]


def _origin_problems(profile: Profile, host: str, account_sid: str) -> list[str]:
    stale = []
    if profile.version != VERSION:
        stale.append(f"it has version {profile.version}, and this package writes {VERSION}")
    if profile.host is not None and profile.host != host:
        stale.append(f"it was made for {profile.host}, and the connection uses {host}")
    elif profile.account is not None and profile.account != account_digest(host, account_sid):
        stale.append("it was made for another account")
    return stale


def _differences(profile: Profile, found: dict[str, Any]) -> list[str]:
    known = profile.answers()
    return [
        f"{name} is {found[name]!r} now, and {known[name]!r} in the profile"
        for name in sorted(found.keys() & known.keys())
        if found[name] != known[name]
    ]
