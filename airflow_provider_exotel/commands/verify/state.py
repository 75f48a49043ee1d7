"""What a run has created and found out so far, on disk, so that another run can clean up and go on."""

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
class Made:
    """Something on the account that this program created, or may have created.

    :param kind: a campaign or a contact list.
    :param name: its name.
    :param key: the part of its name that nothing else on the account has.
    :param id: its id; ``None`` while it is not known for certain.
    :param claimed: the id that the create was answered with, if another name was shown under it.
    :param confirmed: whether the service showed it under this id with its name.
    :param sent_at: when it was sent, in seconds since 1970.
    :param refused: whether the service refused to create it; a list without it, a while later, proves that it did.
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


@dataclass
class State:
    """The state of a walk. It holds no number and no secret.

    :param path: its file, written anew with each change; ``None`` to keep nothing.
    :param account: the digest of host and account.
    :param token: what the names of all that is created have in common; letters only, so that no redaction cuts it.
    :param made: what was created.
    :param found: the finding of each check that was answered: ``answer``, ``client``, ``known``.
    :param calls: how many calls were allowed for so far.
    """

    path: Path | None
    account: str
    token: str = field(default_factory=lambda: "".join(secrets.choice(string.ascii_lowercase) for _ in range(8)))
    made: list[Made] = field(default_factory=list)
    found: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: int = 0

    @classmethod
    def read(cls, path: Path, account: str) -> Self:
        """Return the state of an earlier run, or a new one if there is none.

        :param path: its file.
        :param account: the digest of the account of this run.
        :raises ExotelInputError: if the file cannot be read or is of another account; what an earlier run left would
            be forgotten.
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
                token=_token(given["token"]),
                made=[_made(one) for one in given["made"]],
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
        # What carries a key of this state is removed, so a key that others' names may contain is none.
        if any(self.token not in one.key for one in self.made):
            raise ValueError("key")

    @property
    def is_begun(self) -> bool:
        """Whether a run has created something or called: a run that only reads must not forget that."""
        return bool(self.made or self.calls)

    def add(self, kind: Literal["campaign", "list"], now: float) -> Made:
        """Write down that something is about to be created, and return it with its name.

        :param kind: a campaign or a contact list.
        :param now: seconds since 1970.
        """
        key = f"{self.token}-{string.ascii_letters[len(self.made) % 52]}{len(self.made)}"
        made = Made(kind, f"Exotel-Verify {key}", key, sent_at=now)
        self.made.append(made)
        self.save()
        return made

    def save(self) -> None:
        """Write the file."""
        if self.path is None:
            return
        content = {name: value for name, value in asdict(self).items() if name != "path"}
        write_whole(self.path, json.dumps(content, indent=2) + "\n")

    def remove(self) -> None:
        """Delete the file."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """Write a file at once: whoever reads it meanwhile, or after a crash, finds the old text or the new one.

    :param path: the file.
    :param text: what it is to hold.
    """
    draft = path.with_name(f"{path.name}.new")
    draft.write_text(text)
    os.replace(draft, path)  # noqa: PTH105 - the atomic one by its name


def _made(given: Mapping[str, Any]) -> Made:
    kind = given["kind"]
    if kind not in {"campaign", "list"}:
        raise ValueError(kind)
    one = Made(kind, str(given["name"]), str(given["key"]))
    one.id = str(given["id"]) if given.get("id") else None
    one.claimed = str(given["claimed"]) if given.get("claimed") else None
    one.sent_at = float(given.get("sent_at") or 0)
    one.confirmed, one.refused = bool(given.get("confirmed")), bool(given.get("refused"))
    one.gone = bool(given.get("gone"))
    return one


def _token(given: object) -> str:
    if not isinstance(given, str) or len(given) != _TOKEN_LENGTH or not given.isalpha():
        raise ValueError("token")
    return given


def _refused(message: str) -> ExotelInputError:
    return ExotelInputError([Problem("--out", message)], "state")
