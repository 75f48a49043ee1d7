"""No number and no secret is left in any log, in the metadata database or in Redis."""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Callable, Iterator

from .made_up import everybody
from .stack import WORKERS, Stack

DIGITS = re.compile(rb"[0-9]{10,}")
ENCODED = re.compile(rb"[A-Za-z0-9+/]{40,}={0,2}")


def test_no_number_and_no_secret_is_left_behind(stack: Stack, record_property: Callable[[str, object], None]) -> None:
    numbers = {number[3:].encode() for number in everybody()}
    tokens = [word.encode() for one in stack.accounts.values() for word in (one.api_token, one.header)]
    tokens.append(stack.report_key.encode())
    # The database has the API key as a connection's login, which Airflow does not encrypt.
    keys = [one.api_key.encode() for one in stack.accounts.values()]
    found: Counter[str] = Counter()
    read: Counter[str] = Counter()

    for place, content in [("database", stack.dump()), *files(stack)]:
        read[place.partition("/")[0]] += len(content)
        secrets = tokens if place == "database" else tokens + keys
        for text in (content, *decoded(content)):
            found[f"number in {place}"] += sum(bool(numbers & set(tens(run))) for run in DIGITS.findall(text))
            found[f"secret in {place}"] += sum(text.count(secret) for secret in secrets)

    record_property("megabytes searched", round(read.total() / 1e6, 1))
    assert read.keys() >= {"database", "redis", "scheduler.log", "api-server.log"}
    assert read.keys() & set(WORKERS)
    assert +found == {}


def files(stack: Stack) -> Iterator[tuple[str, bytes]]:
    """Yield the output of all parts but the emulators, the logs of all tasks, and what Redis keeps."""
    for pattern in ("*.log", "*/logs/**/*", "redis/appendonlydir/*"):
        for path in stack.folder.glob(pattern):
            # An emulator prints its connection for people to paste.
            if path.is_file() and path.stem not in stack.accounts:
                yield str(path.relative_to(stack.folder)), path.read_bytes()


def tens(run: bytes) -> Iterator[bytes]:
    """Yield each ten digits of a run of digits."""
    for start in range(len(run) - 9):
        yield run[start : start + 10]


def decoded(content: bytes) -> Iterator[bytes]:
    """Yield what stands in Base64."""
    for match in ENCODED.findall(content):
        try:
            yield base64.b64decode(match + b"=" * (-len(match) % 4))
        except binascii.Error:
            continue
