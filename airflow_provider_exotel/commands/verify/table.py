"""The table of all checks, and of the questions that no check answers."""

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
"""The order of a run. The read-only checks come again after the creates, since some need campaigns in the list, and so
does the check of the body form, since without it nothing is dialled."""

MAY_STAY_UNKNOWN: Mapping[str, str] = {
    "retry_after": "a 429 is not provoked; if one occurs, its form is recorded",
    "wrong_region_status": "only a connection to one of Exotel's own hosts has another region",
    "quoted_digits": "only if somebody presses a key during the call, which needs a flow",
    "list_page": "only in an account with more than 20 campaigns",
    "requests_per_minute": "only if the answers have X-RateLimit headers",
    "error_codes": "an HTML error has no number, and `response.error` has a word instead",
    "list_offset": "only if a page after the first has campaigns",
    "list_later_pages": "only if the offset is not ignored",
    "deleted_get": "only if a campaign can be deleted",
    "list_deleted": "only if a campaign can be deleted",
    "schedule_editable_when_paused": "only if a successful edit takes effect",
}
"""Answers of a profile that may stay unknown, and why."""

QUESTIONS: tuple[str, ...] = (
    "Does a create accept an idempotency key? If not, how can a client find out whether a lost request counted?",
    "Which characters may a campaign name contain, and is custom_field limited in length?",
    "What is the answer to a PUT on a campaign that somebody else changes at the same time?",
    "How many calls per minute may our account make, over all campaigns that run at the same time?",
)
"""Questions that only Exotel's support can answer."""
