"""The state of a run on disk: its created items and findings, so that another run can clean up and continue."""

from __future__ import annotations

import json
import os
import secrets
import string
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from airflow_provider_exotel.client.errors import ExotelInputError, Problem

_TOKEN_LENGTH = 8


@dataclass
class CreatedItem:
    """A campaign or list on the account that this program created, or may have created.

    :param kind: a campaign or a contact list.
    :param name: its name.
    :param key: the part of its name that nothing else on the account has.
    :param id: its id; ``None`` while it is not certain.
    :param claimed: the id in the answer to its create, if the campaign under that id has another name.
    :param confirmed: whether the service showed it under this id with its name.
    :param sent_at: time of its create, in seconds since 1970.
    :param refused: whether the service refused the create; this is certain only if it is not listed some time later.
    :param gone: whether it was deleted, has ended, or was never created.
    """

    kind: Literal["campaign", "list"]
    name: str
    key: str
    id: str | None = None
    claimed: str | None = None
    sent_at: float = 0.0
    confirmed: bool = False
    refused: bool = False
    gone: bool = False

    def is_named(self, name: str) -> bool:
        """Return whether a campaign's name contains the key, whatever the service made of its case and its hyphen."""
        return _alphanumeric(self.key) in _alphanumeric(name)


@dataclass
class State:
    """The state of a run. It holds no number and no secret.

    :param path: its file, rewritten with each change; ``None`` to store nothing.
    :param account: the digest of host and account.
    :param token: a text in the names of all items; letters only, so that redaction never cuts it.
    :param made: the items that were created.
    :param found: the finding of each check with an answer: ``answer``, ``client``, ``known``.
    :param calls: number of calls reserved so far.
    """

    path: Path | None
    account: str
    token: str = field(default_factory=lambda: "".join(secrets.choice(string.ascii_lowercase) for _ in range(8)))
    made: list[CreatedItem] = field(default_factory=list)
    found: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: int = 0

    @classmethod
    def read(cls, path: Path, account: str) -> Self:
        """Return the state of an earlier run, or a new one if there is none.

        :param path: its file.
        :param account: the digest of the account of this run.
        :raises ExotelInputError: if the file cannot be read or is of another account; a new state would forget the
            items of an earlier run.
        """
        try:
            text = path.read_text()
        except FileNotFoundError:
            return cls(path, account)
        except OSError as error:
            raise _refused(f"cannot be read ({type(error).__name__}); check {path}") from None
        try:
            given = json.loads(text)
            state = cls(
                path,
                str(given["account"]),
                token=_parse_token(given["token"]),
                made=[_parse_item(one) for one in given["made"]],
                found={str(name): dict(one) for name, one in given["found"].items()},
                calls=max(0, int(given["calls"])),
            )
            state._check_keys()
        except (AttributeError, KeyError, TypeError, ValueError):
            raise _refused(f"{path} is not a state of this program; move it away") from None
        if state.account != account:
            raise _refused(f"{path} is of another account; give another --out, or move it away")
        return state

    def _check_keys(self) -> None:
        # Whatever has a key in its name is removed, so a key without the token could remove something else.
        if any(self.token not in one.key for one in self.made):
            raise ValueError("key")

    @property
    def is_begun(self) -> bool:
        """Whether a run has created or called something, which a read-only run must not forget."""
        return bool(self.made or self.calls)

    def add(self, kind: Literal["campaign", "list"], now: float) -> CreatedItem:
        """Record that an item is about to be created, and return it with its name.

        :param kind: a campaign or a contact list.
        :param now: seconds since 1970.
        """
        key = f"{self.token}-{string.ascii_letters[len(self.made) % 52]}{len(self.made)}"
        item = CreatedItem(kind, f"Exotel-Verify {key}", key, sent_at=now)
        self.made.append(item)
        self.save()
        return item

    def save(self) -> None:
        """Write the file."""
        if self.path is None:
            return
        content = {name: value for name, value in asdict(self).items() if name != "path"}
        write_atomically(self.path, json.dumps(content, indent=2) + "\n")

    def remove(self) -> None:
        """Delete the file."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def write_atomically(path: Path, text: str) -> None:
    """Write a file atomically: a reader finds the old text or the new one, even after a crash.

    :param path: the file.
    :param text: its new content.
    """
    draft = path.with_name(f"{path.name}.new")
    draft.write_text(text)
    os.replace(draft, path)  # noqa: PTH105 - the function that is atomic


def _alphanumeric(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def _parse_item(given: Mapping[str, Any]) -> CreatedItem:
    kind = given["kind"]
    if kind not in {"campaign", "list"}:
        raise ValueError(kind)
    one = CreatedItem(kind, str(given["name"]), str(given["key"]))
    one.id = str(given["id"]) if given.get("id") else None
    one.claimed = str(given["claimed"]) if given.get("claimed") else None
    one.sent_at = float(given.get("sent_at") or 0)
    one.confirmed, one.refused = bool(given.get("confirmed")), bool(given.get("refused"))
    one.gone = bool(given.get("gone"))
    return one


def _parse_token(given: object) -> str:
    if not isinstance(given, str) or len(given) != _TOKEN_LENGTH or not given.isalpha():
        raise ValueError("token")
    return given


def _refused(message: str) -> ExotelInputError:
    return ExotelInputError([Problem("--out", message)], "state")
