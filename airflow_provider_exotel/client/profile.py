"""The profile of an account: the documented forms that it accepts and returns, found by ``commands.verify``.

It holds only words of fixed lists, flags and small numbers, so it cannot contain a phone number or a secret.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

VERSION = 1
"""The version of profiles that this package writes."""

_MOST = 1_000_000
_META = ("version", "checked_on", "host", "account")
_SHORT_TEXT = 100

FLAG = (True, False)
WHOLE = "whole"
"""Marks a field whose value is a whole number, at least 0."""

VALUES: Mapping[str, tuple[Any, ...] | str] = {
    "request_body": ("documented", "wrapped", "both"),
    "unknown_keys": ("ignore", "refuse"),
    "requests_per_minute": WHOLE,
    "rate_limit_headers": FLAG,
    "retry_after": ("seconds", "date", "nonsense", "absent"),
    "envelope": ("item", "object", "rest_exception", "error", "html"),
    "auth_envelope": ("item", "object", "rest_exception", "error", "html"),
    "error_codes": ("catalogue", "other"),
    "wrong_account_status": (401, 403, 404),
    "wrong_region_status": (401, 403, 404),
    "wrong_state_status": (400, 403, 409),
    "list_items": ("bare", "wrapped"),
    "list_metadata": (True, False, "page"),
    "list_offset": ("asked", "ignored"),
    "list_later_pages": ("full", "empty", "null"),
    "list_sort": ("asked", "ignored"),
    "list_page": WHOLE,
    "list_deleted": FLAG,
    "list_delay_seconds": WHOLE,
    "name_filter": ("exact", "substring", "casefold", "ignored", "failing"),
    "status_filter": ("any", "title", "hyphen", "ignored"),
    "status_style": ("title", "hyphen"),
    "stats_keys": ("underscore", "hyphen"),
    "counts_as_strings": FLAG,
    "omit_zero_counts": FLAG,
    "summary": ("absent", "beside", "inside"),
    "response_as_object": FLAG,
    "echo_numbers": FLAG,
    "edits": ("merge", "replace", "ignore"),
    "schedule_editable_when_paused": FLAG,
    "deletes": ("created", "any", "never"),
    "deleted_get": ("404", "deleted"),
    "at_end": ("completed", "canceled", "paused"),
    "no_calls": ("404", "empty"),
    "call_items": ("bare", "wrapped"),
    "call_fields": ("guide", "reference"),
    "quoted_digits": FLAG,
    "duplicate_list": ("item", "http"),
    "list_counts": FLAG,
    "csv_answer": ("summary", "list", "item"),
    "csv_counts": ("flat", "stats"),
    "drop_duplicates": FLAG,
}
"""Every answer in a profile and its allowed values."""


@dataclass(frozen=True)
class Profile:
    """The known behaviour of an account; ``None`` for an unknown answer.

    :param version: the version of the profile; above :data:`VERSION`, this package does not know all of it.
    :param checked_on: the date of the check, ``YYYY-MM-DD``.
    :param host: the host that was checked.
    :param account: :func:`account_digest` of host and account SID.
    :param request_body: the forms of request bodies that it accepts.
    :param requests_per_minute: its rate limit, from the headers of its answers.
    :param status_filter: the spelling of statuses that the filter of its list understands.
    :param list_delay_seconds: seconds until a new campaign was in its list.

    The other fields are described in the emulator's settings, under the same names.
    """

    version: int = VERSION
    checked_on: str | None = None
    host: str | None = None
    account: str | None = None
    request_body: Literal["documented", "wrapped", "both"] | None = None
    unknown_keys: str | None = None
    requests_per_minute: int | None = None
    rate_limit_headers: bool | None = None
    retry_after: str | None = None
    envelope: str | None = None
    auth_envelope: str | None = None
    error_codes: str | None = None
    wrong_account_status: int | None = None
    wrong_region_status: int | None = None
    wrong_state_status: int | None = None
    list_items: str | None = None
    list_metadata: bool | str | None = None
    list_offset: str | None = None
    list_later_pages: str | None = None
    list_sort: str | None = None
    list_page: int | None = None
    list_deleted: bool | None = None
    list_delay_seconds: int | None = None
    name_filter: str | None = None
    status_filter: Literal["any", "title", "hyphen", "ignored"] | None = None
    status_style: str | None = None
    stats_keys: str | None = None
    counts_as_strings: bool | None = None
    omit_zero_counts: bool | None = None
    summary: str | None = None
    response_as_object: bool | None = None
    echo_numbers: bool | None = None
    edits: str | None = None
    schedule_editable_when_paused: bool | None = None
    deletes: str | None = None
    deleted_get: str | None = None
    at_end: str | None = None
    no_calls: str | None = None
    call_items: str | None = None
    call_fields: str | None = None
    quoted_digits: bool | None = None
    duplicate_list: str | None = None
    list_counts: bool | None = None
    csv_answer: str | None = None
    csv_counts: str | None = None
    drop_duplicates: bool | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Return the profile in a mapping; unknown keys and values are ignored, missing ones are ``None``.

        :raises ValueError: if it has no version, so that it is not a profile.
        """
        version = given.get("version")
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise ValueError("must be a profile with a version; create one with commands.verify")
        meta: dict[str, Any] = {
            name: str(given[name])[:_SHORT_TEXT] for name in _META[1:] if isinstance(given.get(name), str)
        }
        known = {name: given[name] for name in VALUES if is_value(name, given.get(name))}
        return cls(version=version, **meta, **known)

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Return the profile in a JSON text.

        :raises ValueError: if it is not a profile; the text is not repeated.
        """
        try:
            given = json.loads(text)
        except (ValueError, RecursionError):
            given = None
        if not isinstance(given, dict):
            raise ValueError("must be a profile as a JSON object; create one with commands.verify")
        return cls.of(given)

    def answers(self) -> dict[str, Any]:
        """Return the known answers."""
        return {name: value for name, value in asdict(self).items() if name in VALUES and value is not None}

    def text(self) -> str:
        """Return the profile as JSON, with ``null`` for unknown answers."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @property
    def first_body(self) -> Literal["documented", "wrapped"]:
        """The form of request bodies to send first, unless the connection sets one."""
        return "wrapped" if self.request_body == "wrapped" else "documented"


def is_value(name: str, value: Any) -> bool:
    """Return whether a value is allowed for an answer."""
    allowed = VALUES[name]
    if isinstance(allowed, str):
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST
    # 1 equals True, but is not a flag.
    return any(value == one and type(value) is type(one) for one in allowed)


def profile_of(answers: Mapping[str, Any], *, host: str, account_sid: str, checked_on: str) -> Profile:
    """Return a profile with the given answers.

    :param answers: values by name; values that are not allowed are left out.
    :param host: the host that was checked.
    :param account_sid: the account; only a digest of it is stored.
    :param checked_on: the date of the check.
    """
    meta = {"version": VERSION, "checked_on": checked_on, "host": host, "account": account_digest(host, account_sid)}
    return Profile.of({**answers, **meta})


def account_digest(host: str, account_sid: str) -> str:
    """Return a digest that identifies an account without naming it."""
    return hashlib.sha256(f"{host}/{account_sid}".encode()).hexdigest()[:16]
