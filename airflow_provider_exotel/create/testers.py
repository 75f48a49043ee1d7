"""Test numbers, which a separate campaign calls before the real one."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import Any

from airflow_provider_exotel.client.errors import Problem, collect
from airflow_provider_exotel.client.guard import StagingGuard
from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.client.request import CampaignRequest
from airflow_provider_exotel.contacts.numbers import clean_numbers
from airflow_provider_exotel.create.fingerprint import CampaignFields
from airflow_provider_exotel.create.journal import AudienceFingerprint
from airflow_provider_exotel.create.options import TaskOptions

MAX_TEST_NUMBERS = 10
"""Maximum number of test numbers."""
_DIGEST_LENGTH = 16


def read_test_numbers(
    given: Any, options: TaskOptions, problems: list[Problem], *, is_mapped: bool = False
) -> PhoneNumbers | None:
    """Return the test numbers, or ``None`` for none; all of them must be valid.

    :param given: the argument of the task.
    :param options: the task's options.
    :param problems: receives the problems found.
    :param is_mapped: whether the task is an instance of a mapped one. Its instances run side by side, and none of them
        can know in time that another one has called these people.
    """
    if given is None or not options.test_first:
        return None
    if is_mapped:
        wanted = "cannot be used in a mapped task, whose instances would each call them; call them in a task before it"
        problems.append(Problem("test_numbers", wanted))
    clean = clean_numbers(
        PhoneNumbers.of(given),
        default_country=options.default_country,
        has_country_code=options.numbers_have_country_code,
        keep_duplicates=False,
    )
    problems += [Problem("test_numbers", one.message) for one in clean.problems()]
    count = len(clean.numbers or ())
    if not clean.misfits and not 1 <= count <= MAX_TEST_NUMBERS:
        problems.append(Problem("test_numbers", f"must be 1 to {MAX_TEST_NUMBERS} numbers (got {count:,})"))
    return clean.numbers


def build_test_request(
    request: CampaignRequest, numbers: PhoneNumbers, guard: StagingGuard, problems: list[Problem]
) -> CampaignRequest:
    """Return the campaign for the test numbers: the same message, without retries.

    :param request: the real campaign.
    :param numbers: the test numbers.
    :param guard: the numbers that the connection allows to dial.
    :param problems: receives the problems found.
    """
    if request.campaign_type == "dynamic":
        wanted = "cannot be used with a dynamic campaign, whose texts are personal; leave them out"
        problems.append(Problem("test_numbers", wanted))
    others = dict.fromkeys(("lists", "call_retries", "mode", "throttle", "call_duplicate_numbers"))
    made = request.model_copy(update={**others, "numbers": numbers})
    found: list[Problem] = []
    collect(found, partial(guard.check_request, made))
    problems += [Problem("test_numbers", one.message) for one in found if one.field == "numbers"]
    return made


def digest_of_test(request: CampaignRequest, secret: str) -> str:
    """Return a keyed digest of what a test says and whom it calls.

    :param request: the campaign for the test numbers.
    :param secret: key of the fingerprints.
    """
    content = CampaignFields.of(request, secret).fingerprint().fields
    people = AudienceFingerprint.of(request.numbers, None, secret).digest
    return hashlib.sha256(json.dumps([dict(content), people], sort_keys=True).encode()).hexdigest()[:_DIGEST_LENGTH]
