"""A plain client of Exotel's Campaigns API: one method for each endpoint."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import islice
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from airflow_provider_exotel.client import paging
from airflow_provider_exotel.client.body_form import BodyForm, RequestBody
from airflow_provider_exotel.client.envelope import Answer
from airflow_provider_exotel.client.errors import (
    ExotelError,
    ExotelInputError,
    ExotelNotFound,
    ExotelOutcomeUnknown,
    ExotelRequestRefused,
    ExotelResponseError,
    Problem,
)
from airflow_provider_exotel.client.guard import StagingGuard
from airflow_provider_exotel.client.lists import ContactLists
from airflow_provider_exotel.client.models import CallPage, CallRecord, Campaign, CampaignStatus
from airflow_provider_exotel.client.profile import Profile
from airflow_provider_exotel.client.rate_limit import REQUESTS_PER_MINUTE, TokenBucket, shared_bucket
from airflow_provider_exotel.client.request import CampaignChanges, CampaignRequest
from airflow_provider_exotel.client.retry import RequestKind, RetryPolicy, is_definite_refusal
from airflow_provider_exotel.client.transport import LARGEST_PAGE, RawAnswer, Transport
from airflow_provider_exotel.client.urls import base_url, check_account_sid, check_id, is_loopback

Action = Literal["pause", "resume", "complete", "archive"]
CallStatus = Literal["completed", "failed", "busy", "no-answer"]
SortBy = Literal["date_created:asc", "date_created:desc", "name:asc", "name:desc"]
LARGEST_REPORT = 1 << 30
LARGEST_RECORDING = 1 << 28
LONGEST_DOWNLOAD = 900.0
# Tried in turn if the service refuses a larger page of calls: the limit is not documented, 20 is the default.
_SMALLER_PAGES = (100, 20)
_STATUS_FILTER = {CampaignStatus.IN_PROGRESS: "InProgress"}
# The statuses after an action; a campaign resumed before its send_at has the status "created" again.
_STATUSES_AFTER: Mapping[Action, set[CampaignStatus]] = {
    "pause": {CampaignStatus.PAUSED},
    "resume": {CampaignStatus.CREATED, CampaignStatus.IN_PROGRESS, CampaignStatus.COMPLETED},
    "complete": {CampaignStatus.COMPLETED},
    "archive": {CampaignStatus.ARCHIVED},
}


class ExotelClient:
    """The campaigns of one account, and under ``lists`` its contact lists.

    :param api_key: the API key, from API settings in the dashboard.
    :param api_token: the API token, from the same page.
    :param account_sid: the account: letters, digits, ``-`` and ``_``.
    :param host: the region's host, ``api.exotel.com`` (Singapore, the default) or ``api.in.exotel.com`` (Mumbai).
    :param requests_per_minute: the account's rate limit, default 30.
    :param connect_timeout: seconds to wait for a connection, default 10.
    :param read_timeout: seconds to wait for an answer, default 30.
    :param request_body: the form of bodies: ``documented`` as on the create-campaign page, ``wrapped`` as in the older
        reference, ``auto`` (default) to send the first and, if that is definitely refused, the second once.
    :param guard: limits whom campaigns may call; no limit by default.
    :param retry: when a request is sent again.
    :param bucket: the token bucket of the rate limit; by default the one that this process shares for it.
    :param sleep: waits for seconds.
    :param profile: the account's profile; values that it lacks change nothing.
    :param on_answer: called with each raw answer, before it is read.
    :raises ExotelInputError: if the host or the account SID is invalid.
    """

    def __init__(
        self,
        api_key: str,
        api_token: str,
        account_sid: str,
        host: str = "api.exotel.com",
        *,
        requests_per_minute: float = REQUESTS_PER_MINUTE,
        connect_timeout: float = 10.0,
        read_timeout: float = 30.0,
        request_body: RequestBody = "auto",
        guard: StagingGuard | None = None,
        retry: RetryPolicy | None = None,
        bucket: TokenBucket | None = None,
        sleep: Callable[[float], None] = time.sleep,
        profile: Profile | None = None,
        on_answer: Callable[[RawAnswer], None] | None = None,
    ) -> None:
        root = base_url(host)
        try:
            self.account_sid = check_account_sid(account_sid)
        except ValueError as error:
            raise ExotelInputError([Problem("account_sid", str(error))], "connection") from None
        self._guard = guard or StagingGuard()
        if is_loopback(urlsplit(root).hostname):
            self._guard = replace(self._guard, allows_private_urls=True)
        self._transport = Transport(
            f"{root}/v2/accounts/{account_sid}",
            (api_key, api_token),
            (connect_timeout, read_timeout),
            bucket or shared_bucket(root, account_sid, requests_per_minute),
            retry or RetryPolicy(),
            sleep,
            on_answer,
        )
        self._profile = profile or Profile()
        self._form = BodyForm(self._transport, request_body, self._profile.first_body)
        self.lists = ContactLists(self._transport)
        """The contact lists of the account, which campaigns can name."""

    def create_campaign(self, request: CampaignRequest | Callable[[], CampaignRequest]) -> Campaign:
        """Create a campaign: people will be called.

        :param request: the campaign, or a function that returns it, called after the wait for the rate limit and right
            before each sending, so that times are right at that moment.
        :raises ExotelInputError: if the connection does not allow this campaign; nothing was sent.
        :raises ExotelOutcomeUnknown: if the campaign may or may not exist; it is not sent again.
        :raises ExotelError: if it definitely does not exist.
        """

        def body(wrapped: bool) -> dict[str, Any]:
            made = request() if callable(request) else request
            self._guard.check_request(made)
            return made.body(wrapped=wrapped)

        try:
            item = self._form.send(RequestKind.CREATE, "POST", "/campaigns", body).only()
            return Campaign.of(item.data, item.summary)
        except ExotelError as error:
            if is_definite_refusal(error):
                raise
            raise ExotelOutcomeUnknown.after(
                error,
                f"the campaign was sent and it is not known whether it exists ({error.message}); "
                "look for its name before sending it again",
            ) from error

    def get_campaign(self, campaign_id: str) -> Campaign:
        """Return one campaign with its live counts.

        :raises ExotelNotFound: if there is no such campaign.
        """
        item = self._transport.send(RequestKind.READ, "GET", _path(campaign_id)).only()
        return Campaign.of(item.data, item.summary)

    def list_campaigns(
        self,
        *,
        name: str | None = None,
        status: Iterable[CampaignStatus] | None = None,
        sort_by: SortBy = "date_created:desc",
        page_size: int = LARGEST_PAGE,
        most: int | None = None,
    ) -> Iterator[Campaign]:
        """Iterate over the account's campaigns, newest first, reading a page when it is needed.

        The service does not say how ``name`` is compared, and its status filter is documented in two spellings: an
        empty result of a filtered list proves nothing. A list without a filter is complete or an error.

        :param name: the service's name filter.
        :param status: only campaigns with one of these statuses.
        :param sort_by: ``date_created`` or ``name``, a colon, ``asc`` or ``desc``.
        :param page_size: campaigns per request, up to 500.
        :param most: the most campaigns to read, including those that a filter leaves out; ``None`` for all. It limits
            the requests if the service ignores a filter.
        :raises ExotelResponseError: if the list could not be read completely.
        """
        wanted = frozenset(status) if status is not None else None
        query: dict[str, str] = {"sort_by": sort_by}
        if name is not None:
            query["name"] = name
        if wanted is not None:
            by_hyphen = self._profile.status_filter == "hyphen"
            query["status"] = ",".join(
                sorted(one.value if by_hyphen else _STATUS_FILTER.get(one, one.value.title()) for one in wanted)
            )
        page = self._transport.page("/campaigns", query, page_size)
        entries = paging.iterate_entries(page, _id_of, overlap=paging.OVERLAP, may_shrink=len(query) > 1)
        for data in islice(entries, most):
            campaign = Campaign.of(data)
            if wanted is None or campaign.status in wanted:
                yield campaign

    def update_campaign(self, campaign_id: str, **changes: Any) -> Campaign:
        """Change a campaign that has not started, or the callbacks of one that has, and read it again.

        :param changes: fields of :class:`~airflow_provider_exotel.client.request.CampaignRequest`. The service does not
            say whether it keeps the fields left out.
        :raises ExotelInputError: naming every problem at once; nothing was sent.
        """
        wanted = CampaignChanges(**changes)
        self._guard.check_request(wanted)
        self._change(campaign_id, lambda: self._put(campaign_id, wanted.body))
        return self.get_campaign(campaign_id)

    def pause_campaign(self, campaign_id: str) -> Campaign:
        """Stop dialling; live calls finish. Allowed while created or in progress."""
        return self._act(campaign_id, "pause")

    def request_pause(self, campaign_id: str, *, check: Callable[[], None] = lambda: None) -> Campaign | None:
        """Send one pause request and return the campaign in its answer, ``None`` if it holds none.

        Unlike :meth:`pause_campaign`, it neither repeats a request whose answer is lost nor reads the campaign
        afterwards. It is for callers that retry by themselves.

        :param check: called after the wait for the rate limit, right before sending; it may raise to cancel.
        :raises ExotelError: if it was refused, or its answer was lost.
        """

        def body(*, wrapped: bool) -> dict[str, Any]:
            check()
            return _action("pause", wrapped=wrapped)

        answer = self._put(campaign_id, body)
        shown = next((item for item in answer.items[:1] if item.data.get("id")), None)
        return Campaign.of(shown.data, shown.summary) if shown else None

    def resume_campaign(self, campaign_id: str) -> Campaign:
        """Continue dialling. Allowed while paused."""
        return self._act(campaign_id, "resume")

    def complete_campaign(self, campaign_id: str) -> Campaign:
        """End a campaign; its uncalled contacts become failed. Allowed only while paused."""
        return self._act(campaign_id, "complete")

    def archive_campaign(self, campaign_id: str) -> Campaign:
        """Hide a campaign in the dashboard. Allowed once completed."""
        return self._act(campaign_id, "archive")

    def delete_campaign(self, campaign_id: str) -> None:
        """Delete a campaign that has not started; one that is already gone is not an error."""
        path = _path(campaign_id)
        self._change(
            campaign_id,
            lambda: self._transport.send(RequestKind.CHANGE, "DELETE", path),
            already=lambda campaign: campaign is None or campaign.status is CampaignStatus.DELETED,
        )

    def call_details(
        self, campaign_id: str, *, status: Iterable[CallStatus] | None = None, page_size: int = LARGEST_PAGE
    ) -> Iterator[CallRecord]:
        """Iterate over the call attempts of a campaign in order of time, reading a page when it is needed.

        :param status: only attempts with one of these statuses.
        :param page_size: records per request; the service may return fewer.
        :raises ExotelNotFound: if there is no such campaign; one without calls yet has no records.
        """
        page = self._page_of_calls(campaign_id, status, page_size)
        yield from map(CallRecord.of, paging.iterate_entries(page, lambda call: CallRecord.of(call).call_sid))

    def call_details_pages(
        self,
        campaign_id: str,
        *,
        offset: int = 0,
        page_size: int = LARGEST_PAGE,
        status: Iterable[CallStatus] | None = None,
    ) -> Iterator[CallPage]:
        """Iterate over the call attempts of a campaign page by page; an attempt may come twice.

        :param offset: how many records to skip: the ``next_offset`` of the last page that was read before.
        :param page_size: records per request; the service may return fewer.
        :param status: only attempts with one of these statuses.
        :raises ExotelNotFound: if there is no such campaign; one without calls yet has no records.
        """
        for answer in paging.iterate_pages(self._page_of_calls(campaign_id, status, page_size), offset):
            offset += len(answer.items)
            yield CallPage(tuple(CallRecord.of(item.data) for item in answer.items), offset, answer.total)

    def report_lines(
        self, url: str, *, most_bytes: int = LARGEST_REPORT, most_seconds: float = LONGEST_DOWNLOAD
    ) -> Iterator[str]:
        """Iterate over the lines of a campaign's report as they arrive, with their line ends.

        The URL comes from an answer, so it is restricted: https to a public host (or loopback, if this client's
        host is there too), no redirects, and credentials for the client's own host only.

        :param url: ``Campaign.report_url``.
        :param most_bytes: the largest report that is read, default 1 GiB.
        :param most_seconds: the longest time it may take, default 15 minutes.
        :raises ExotelError: if the URL is not allowed, or the report cannot be read, is too large, takes too long, or
            is not UTF-8 text.
        """
        return self._transport.lines(url, most_bytes, most_seconds)

    def recording_blocks(self, url: str) -> Iterator[bytes]:
        """Iterate over the recording of a call, piece by piece as it arrives.

        The URL is restricted like that of a report; credentials are sent to the client's own host only.

        :param url: ``CallRecord.recording_url``.
        :raises ExotelError: if the URL is not allowed, or the recording cannot be read, is larger than 256 MiB or takes
            longer than 15 minutes.
        """
        return self._transport.blocks(url, LARGEST_RECORDING, LONGEST_DOWNLOAD, "recording")

    def check_access(self) -> None:
        """Check key, token, account, region and access to campaigns with one cheap request.

        :raises ExotelError: naming what is wrong.
        """
        self._transport.send(RequestKind.READ, "GET", "/campaigns", query={"limit": 1})

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<ExotelClient of {self._transport.root}>"

    def _act(self, campaign_id: str, action: Action) -> Campaign:
        self._change(
            campaign_id,
            lambda: self._put(campaign_id, partial(_action, action)),
            already=lambda campaign: campaign is not None and campaign.status in _STATUSES_AFTER[action],
        )
        return self.get_campaign(campaign_id)

    def _put(self, campaign_id: str, body: Callable[..., dict[str, Any]]) -> Answer:
        path = _path(campaign_id)
        return self._form.send(RequestKind.CHANGE, "PUT", path, lambda wrapped: body(wrapped=wrapped))

    def _change(
        self,
        campaign_id: str,
        send: Callable[[], Answer],
        already: Callable[[Campaign | None], bool] = lambda _: False,
    ) -> None:
        """Send a change; if its answer is lost, read the campaign before sending it again."""
        try:
            self._transport.change(send, lambda: already(self._get_if_there(campaign_id)))
        except ExotelNotFound:
            if not already(None):
                raise

    def _get_if_there(self, campaign_id: str) -> Campaign | None:
        try:
            return self.get_campaign(campaign_id)
        except ExotelNotFound:
            return None

    def _page_of_calls(
        self, campaign_id: str, status: Iterable[CallStatus] | None, page_size: int
    ) -> Callable[[int], Answer]:
        query = {"sort_by": "date_created:asc"} | ({"status": ",".join(status)} if status else {})
        path, sizes = f"{_path(campaign_id)}/call-details", [page_size, *(s for s in _SMALLER_PAGES if s < page_size)]
        metadata: Mapping[str, Any] | None = None

        def page(offset: int) -> Answer:
            nonlocal metadata
            try:
                answer = self._transport.page(path, query, sizes[0])(offset)
            except ExotelRequestRefused:
                if metadata is not None or len(sizes) == 1:
                    raise
                sizes.pop(0)
                return page(offset)
            except ExotelNotFound:
                # The service answers 404 if it has no call to show: only a campaign that does not exist is an error.
                self.get_campaign(campaign_id)
                return Answer((), metadata if metadata is not None else {} if offset else {"total": 0})
            metadata = answer.metadata
            return answer

        return page


def _id_of(campaign: Mapping[str, Any]) -> str:
    if not campaign.get("id"):
        raise ExotelResponseError("an entry of the list has no id")
    return str(campaign["id"])


def _action(action: str, *, wrapped: bool) -> dict[str, Any]:
    return {"campaigns": [{"action": action}]} if wrapped else {"action": action}


def _path(campaign_id: str) -> str:
    return f"/campaigns/{check_id(campaign_id, 'campaign_id')}"
