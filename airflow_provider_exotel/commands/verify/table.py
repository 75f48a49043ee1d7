"""The table of all checks, and what no check can tell."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_exotel.commands.verify.campaigns import CAMPAIGNS, CREATES
from airflow_provider_exotel.commands.verify.check import Check
from airflow_provider_exotel.commands.verify.dialling import DIALLING
from airflow_provider_exotel.commands.verify.filters import FILTERS
from airflow_provider_exotel.commands.verify.lists import LISTS
from airflow_provider_exotel.commands.verify.names import NAMES
from airflow_provider_exotel.commands.verify.reads import READS

READ_ONLY: tuple[Check, ...] = (*READS, *FILTERS)
CHECKS: tuple[Check, ...] = (*READ_ONLY, *CREATES, *CAMPAIGNS, *NAMES, *LISTS, *DIALLING)
"""Every check once, in the order of the report."""
ORDER: tuple[Check, ...] = (*READ_ONLY, *CREATES, *READ_ONLY, *CREATES[-1:], *CAMPAIGNS, *NAMES, *LISTS, *DIALLING)
"""The order of a walk. What can only be read once there are campaigns is asked again after they were created, and so is
the form of body if its answer was lost: without it nothing is dialled."""

NOT_TOLD: Mapping[str, str] = {
    "retry_after": "a 429 is not provoked; if one comes by itself, its form is noted",
    "wrong_region_status": "only a connection to one of Exotel's own hosts has another region",
    "quoted_digits": "only if somebody presses a key during the call, which takes a flow",
    "list_page": "only in an account with more than 20 campaigns",
    "requests_per_minute": "only if the answers have X-RateLimit headers",
    "error_codes": "an error as HTML has no number, and one as `response.error` has a word",
    "list_offset": "only if a page after the first has campaigns",
    "list_later_pages": "only if the offset is not ignored",
    "deleted_get": "only if a campaign can be deleted",
    "list_deleted": "only if a campaign can be deleted",
    "schedule_editable_when_paused": "only if an edit that is answered with success is carried out",
}
"""Answers of a profile that may not be told from outside, and why."""

QUESTIONS: tuple[str, ...] = (
    "Does a create know an idempotency key, or how else can a client tell whether a lost request counted?",
    "Which characters may the name of a campaign have, and is custom_field limited in length?",
    "What does PUT on a campaign answer when somebody else changes it at the same time?",
    "Which calls a minute may our account make, over all campaigns that run at the same time?",
)
"""What only Exotel's support can answer, whatever the account shows."""
