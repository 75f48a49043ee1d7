"""The numbers that a campaign of its own calls before everybody else."""

from __future__ import annotations

from functools import partial
from typing import Any

from airflow_provider_exotel.client.errors import Problem, collect
from airflow_provider_exotel.client.guard import StagingGuard
from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.client.request import CampaignRequest
from airflow_provider_exotel.contacts.numbers import clean_numbers
from airflow_provider_exotel.create.options import TaskOptions

MOST_TEST_NUMBERS = 10
"""How many test numbers are called first at most."""


def read_test_numbers(given: Any, options: TaskOptions, problems: list[Problem]) -> PhoneNumbers | None:
    """Return the numbers that are called first, ``None`` for none; each of them must be one.

    :param given: them as the task was given them.
    :param options: the task's options.
    :param problems: takes what is wrong.
    """
    if given is None or not options.test_first:
        return None
    clean = clean_numbers(
        PhoneNumbers.of(given),
        default_country=options.default_country,
        has_country_code=options.numbers_have_country_code,
        keep_duplicates=False,
    )
    problems += [Problem("test_numbers", one.message) for one in clean.problems()]
    count = len(clean.numbers or ())
    if not clean.misfits and not 1 <= count <= MOST_TEST_NUMBERS:
        problems.append(Problem("test_numbers", f"must be 1 to {MOST_TEST_NUMBERS} numbers (got {count:,})"))
    return clean.numbers


def request_for_test(
    request: CampaignRequest, numbers: PhoneNumbers, guard: StagingGuard, problems: list[Problem]
) -> CampaignRequest:
    """Return the same campaign for the test numbers: they hear the same, and nobody is called again.

    :param request: the real campaign.
    :param numbers: the test numbers.
    :param guard: what the connection forbids to dial.
    :param problems: takes what is wrong.
    """
    if request.campaign_type == "dynamic":
        wanted = "cannot hear the personal texts of a dynamic campaign; leave them out"
        problems.append(Problem("test_numbers", wanted))
    others = dict.fromkeys(("lists", "call_retries", "mode", "throttle", "call_duplicate_numbers"))
    made = request.model_copy(update={**others, "numbers": numbers})
    found: list[Problem] = []
    collect(found, partial(guard.check_request, made))
    problems += [Problem("test_numbers", one.message) for one in found if one.field == "numbers"]
    return made
