"""What of a profile is not true any more, by two cheap requests."""

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
    """Return what of a profile is stale, each as a text; none if it is as far as that can be told.

    :param profile: the profile.
    :param host: the host of the connection.
    :param account_sid: its account.
    :param connect: returns a client, given ``on_answer``.
    :raises ExotelError: if the account does not let this client in.
    """
    answers: list[RawAnswer] = []
    with connect(on_answer=answers.append) as client:
        client.check_access()
        # Nobody has this id.
        with suppress(ExotelNotFound, ExotelRequestRefused):
            client.get_campaign(uuid4().hex)
    seen: dict[str, Any] = {}
    for answer in answers:
        listed = form_of_list(answer) if answer.path == "/campaigns" else form_of_error(answer)
        seen |= listed | form_of_headers(answer)
    return [*_of_another(profile, host, account_sid), *_differences(profile, seen)]


def _of_another(profile: Profile, host: str, account_sid: str) -> list[str]:
    stale = []
    if profile.version != VERSION:
        stale.append(f"it has version {profile.version}, and this package writes {VERSION}")
    if profile.host is not None and profile.host != host:
        stale.append(f"it was made at {profile.host}, and the connection is to {host}")
    elif profile.account is not None and profile.account != account_digest(host, account_sid):
        stale.append("it was made for another account")
    return stale


def _differences(profile: Profile, seen: dict[str, Any]) -> list[str]:
    known = profile.answers()
    return [
        f"{name} is {seen[name]!r} now, and {known[name]!r} in the profile"
        for name in sorted(seen.keys() & known.keys())
        if seen[name] != known[name]
    ]
