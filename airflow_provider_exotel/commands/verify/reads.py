"""Checks that only read or are refused, so that nothing on the account changes."""

from __future__ import annotations

from secrets import token_hex
from typing import Any, cast

from airflow_provider_exotel.client.answer_forms import (
    entries_of,
    form_of_error,
    form_of_list,
    objects_of,
    parse_body,
)
from airflow_provider_exotel.client.client import ExotelClient, SortBy
from airflow_provider_exotel.client.transport import LARGEST_PAGE
from airflow_provider_exotel.client.urls import REGIONS
from airflow_provider_exotel.commands.verify.check import Check
from airflow_provider_exotel.commands.verify.finding import Finding, Inconclusive
from airflow_provider_exotel.commands.verify.probe import Probe

_DEFAULT_PAGE = 20
_NO_CAMPAIGN = "the account has too few campaigns"


def access(probe: Probe) -> Finding:
    """Read one campaign of the list."""
    probe.request(probe.client.check_access)
    return Finding("key, token and account are accepted by this host", "it uses the connection as it is")


def limits(probe: Probe) -> Finding:
    """Read the headers of an answer."""
    probe.request(probe.client.check_access)
    known = {name: value for name, value in probe.headers.items() if name != "retry_after"}
    if limit := known.get("requests_per_minute"):
        return Finding(f"the headers show a limit of {limit} requests a minute", "it keeps to that limit", known)
    return Finding(
        "the answers have no X-RateLimit headers",
        f"it keeps to the connection's {probe.settings.requests_per_minute} a minute, and waits after a 429",
        known,
    )


def wrong_token(probe: Probe) -> Finding:
    """Read the list once with an invalid token."""
    status, known = _refused(probe, probe.another_client(api_token="verify-no-token"))  # noqa: S106
    shape = known.get("auth_envelope", "no known shape")
    return Finding(f"HTTP {status}, the error as {shape}", "it names key, token and region", known)


def other_account(probe: Probe) -> Finding:
    """Read the list once under another account SID with the right key."""
    status, _ = _refused(probe, probe.another_client(account_sid=f"{probe.settings.account_sid}x"))
    return Finding(
        f"HTTP {status}",
        "it distinguishes 401, 403 and 404 and names the account SID",
        {"wrong_account_status": status},
    )


def other_region(probe: Probe) -> Finding:
    """Read the list once at the host of the other region."""
    others = [host for host in REGIONS.values() if host != probe.settings.host]
    if len(others) == len(REGIONS):
        raise Inconclusive("this connection's host is none of Exotel's regions")
    status, _ = _refused(probe, probe.another_client(host=others[0]))
    return Finding(f"HTTP {status}", "it names the region in the error", {"wrong_region_status": status})


def errors(probe: Probe) -> Finding:
    """Request a campaign that does not exist, and the list in an order that does not exist."""
    unknown = token_hex(16)
    known: dict[str, Any] = {}
    numbers: set[str | None] = set()
    replies = [
        probe.attempt(lambda: probe.client.get_campaign(unknown)),
        probe.attempt(
            lambda: list(probe.client.list_campaigns(sort_by=cast("SortBy", "verify:none"), page_size=1, most=1))
        ),
    ]
    for reply in replies:
        for answer in reply.answers[-1:]:
            if answer.status in range(400, 500):
                numbers.add(form_of_error(answer).get("error_codes"))
                known |= form_of_error(answer)
    if "other" in numbers:  # some of its numbers are in the catalogue by chance
        known["error_codes"] = "other"
    known.pop("auth_envelope", None)
    if "envelope" not in known:
        raise Inconclusive("neither request was refused in a known form", known)
    shown = {"catalogue": "the numbers of the known catalogue", "other": "other numbers"}.get(
        known.get("error_codes", ""), "no number"
    )
    return Finding(f"the error as {known['envelope']}, with {shown}", "it reads every documented form", known)


def list_form(probe: Probe) -> Finding:
    """Read one campaign of the list."""
    reply = probe.attempt(lambda: list(probe.client.list_campaigns(page_size=1, most=1)))
    known = form_of_list(reply.answers[-1]) if reply.answers and reply.error is None else {}
    if "list_items" not in known:
        if reply.error is not None:
            raise reply.error
        raise Inconclusive(_NO_CAMPAIGN, known)
    figures = {True: "count, offset, total, limit", False: "no figures", "page": "page and page_size"}
    return Finding(
        f"items are {known['list_items']}, pages have {figures[known['list_metadata']]}", "it reads both forms", known
    )


def paging(probe: Probe) -> Finding:
    """Read the list in pages of one campaign."""
    reply = probe.attempt(lambda: list(probe.client.list_campaigns(page_size=1, most=2)))
    pages = {int(answer.query.get("offset", 0)): answer for answer in reply.answers if answer.path == "/campaigns"}
    first, second = pages.get(0), pages.get(1)
    if first is None or not objects_of(first) or second is None or second.status != _OK:
        raise reply.error or Inconclusive(_NO_CAMPAIGN)
    body = parse_body(second)
    if not entries_of(second):
        total = (parse_body(first).get("metadata") or {}).get("total")
        if not (isinstance(total, int) and total > 1) and len(probe.cache.get("visible", ())) < _TWO:
            raise Inconclusive(_NO_CAMPAIGN)
        word = "null" if body.get("response") is None else "empty"
        return Finding(
            f"pages after the first are {word}", "it treats such a list as an error", {"list_later_pages": word}
        )
    if [one.get("id") for one in objects_of(first)] == [one.get("id") for one in objects_of(second)]:
        return Finding("the offset is ignored", "it treats such a list as an error", {"list_offset": "ignored"})
    return Finding(
        "pages follow each other by offset",
        "it reads the list page by page",
        {"list_offset": "asked", "list_later_pages": "full"},
    )


def page_size(probe: Probe) -> Finding:
    """Request 500 campaigns at once."""
    reply = probe.attempt(lambda: list(probe.client.list_campaigns(page_size=LARGEST_PAGE, most=LARGEST_PAGE)))
    pages = [answer for answer in reply.answers if answer.status == _OK]
    if reply.error is not None or not pages:
        raise reply.error or Inconclusive(_NO_CAMPAIGN)
    total = ((parse_body(pages[0]) or {}).get("metadata") or {}).get("total")
    count = len(objects_of(pages[0]))
    if not isinstance(total, int) or min(total, LARGEST_PAGE) <= _DEFAULT_PAGE:
        raise Inconclusive(f"the account has fewer than {_DEFAULT_PAGE + 1} campaigns, or does not show how many")
    if count == total < LARGEST_PAGE:
        return Finding(f"at least {count} campaigns in a page", "it requests pages of 500")
    return Finding(f"{count} campaigns in a page", "it continues after the last one received", {"list_page": count})


def order(probe: Probe) -> Finding:
    """Read the first campaign of the list in either order."""
    ends: list[Any] = []
    for by in ("date_created:asc", "date_created:desc"):
        reply = probe.attempt(
            lambda by=by: list(probe.client.list_campaigns(sort_by=by, page_size=1, most=1))  # type: ignore[misc]
        )
        if reply.error is not None or not reply.answers:
            raise reply.error or Inconclusive(_NO_CAMPAIGN)
        ends.append([one.get("id") for one in objects_of(reply.answers[-1])])
    total = ((parse_body(reply.answers[-1]) or {}).get("metadata") or {}).get("total")
    if not all(ends) or (ends[0] == ends[1] and (total == 1 or len(probe.cache.get("visible", ())) < _TWO)):
        raise Inconclusive(_NO_CAMPAIGN)
    word = "ignored" if ends[0] == ends[1] else "asked"
    does = "it searches newest first" if word == "asked" else "it reads the whole list to find a campaign"
    return Finding(f"the order is {'ignored' if word == 'ignored' else 'kept'}", does, {"list_sort": word})


def _refused(probe: Probe, client: ExotelClient) -> tuple[int, dict[str, Any]]:
    reply = probe.attempt(client.check_access)
    client.close()
    if reply.error is None:
        raise Inconclusive("the request was accepted, though it should have been refused")
    if reply.error.http_status not in _REFUSALS or not reply.answers:
        raise reply.error
    return reply.error.http_status, form_of_error(reply.answers[-1])


_OK, _TWO = 200, 2
_REFUSALS = (401, 403, 404)

READS: tuple[Check, ...] = (
    Check(
        "access",
        "whether key, token, account and region are accepted",
        "reads one campaign of the list",
        access,
        "the error names the wrong one",
    ),
    Check(
        "rate-limit",
        "the account's rate limit in requests per minute",
        "reads the headers of an answer",
        limits,
        "it sends 30 a minute, and follows the X-RateLimit headers of the answers",
        support="How many campaign requests per minute may our account make? Which endpoints count?",
        fields=("requests_per_minute", "rate_limit_headers"),
    ),
    Check(
        "wrong-token",
        "the answer to a wrong token",
        "reads the list once with an invalid token",
        wrong_token,
        "it reads every documented form of error",
        fields=("auth_envelope",),
    ),
    Check(
        "other-account",
        "the answer to another account's SID",
        "reads the list once under another SID",
        other_account,
        "it distinguishes 401, 403 and 404, and names account and region",
        fields=("wrong_account_status",),
    ),
    Check(
        "other-region",
        "the answer in a wrong region",
        "reads the list once at the host of the other region",
        other_region,
        "it distinguishes 401, 403 and 404, and each error names the region",
        fields=("wrong_region_status",),
    ),
    Check(
        "errors",
        "the form and the numbers of errors",
        "requests a campaign that does not exist, and an order that does not exist",
        errors,
        "it reads every documented form of error",
        support="Is there a catalogue of the error codes of the Campaigns API?",
        fields=("envelope", "error_codes"),
    ),
    Check(
        "list-form",
        "whether list items are wrapped or bare, and which figures a page has",
        "reads one campaign of the list",
        list_form,
        "it reads both",
        fields=("list_items", "list_metadata"),
    ),
    Check(
        "paging",
        "whether the list can be read page by page",
        "reads the list in pages of one campaign",
        paging,
        "an incomplete list is an error, never a shorter list",
        fields=("list_offset", "list_later_pages"),
    ),
    Check(
        "page-size",
        "how many campaigns a page of the list holds",
        "requests 500 at once",
        page_size,
        "it requests 500 and continues after the last one received",
        fields=("list_page",),
    ),
    Check(
        "order",
        "whether the list has the requested order",
        "reads the first campaign in either order",
        order,
        "it requests the newest first",
        fields=("list_sort",),
    ),
)
