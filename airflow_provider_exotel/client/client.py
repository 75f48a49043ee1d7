"""A plain client of Exotel's Campaigns API: one method for each endpoint."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote

from airflow_provider_exotel.client import paging
from airflow_provider_exotel.client.envelope import Answer
from airflow_provider_exotel.client.errors import (
    ExotelError,
    ExotelNotFound,
    ExotelOutcomeUnknown,
    ExotelRequestRefused,
    ExotelResponseError,
)
from airflow_provider_exotel.client.guard import StagingGuard
from airflow_provider_exotel.client.lists import ContactLists
from airflow_provider_exotel.client.models import CallPage, CallRecord, Campaign, CampaignStatus
from airflow_provider_exotel.client.policy import Kind, Replay, ReplayPolicy, replay, surely_refused
from airflow_provider_exotel.client.rate_limit import REQUESTS_PER_MINUTE, TokenBucket, bucket_of
from airflow_provider_exotel.client.request import CampaignChanges, CampaignRequest
from airflow_provider_exotel.client.transport import LARGEST_PAGE, Transport
from airflow_provider_exotel.client.urls import base_url

log = logging.getLogger(__name__)

RequestBody = Literal["auto", "documented", "wrapped"]
LARGEST_REPORT = 1 << 30
LONGEST_DOWNLOAD = 900.0
# What a service takes that refuses larger pages of calls: their limit is not documented, 20 is the default.
_SMALLER_PAGES = (100, 20)
_STATUS_FILTER = {CampaignStatus.IN_PROGRESS: "InProgress"}
# Where a campaign stands once the action has counted; one resumed before its time is created again.
_ACTIONS = {
    "pause": {CampaignStatus.PAUSED},
    "resume": {CampaignStatus.CREATED, CampaignStatus.IN_PROGRESS, CampaignStatus.COMPLETED},
    "complete": {CampaignStatus.COMPLETED},
    "archive": {CampaignStatus.ARCHIVED},
}


class ExotelClient:
    """The campaigns of one account, and under ``lists`` its lists of contacts.

    :param api_key: the API key of the dashboard's API settings.
    :param api_token: its token.
    :param account_sid: the account.
    :param host: where the account lives, ``api.exotel.com`` (Singapore, the default) or ``api.in.exotel.com`` (Mumbai).
    :param requests_per_minute: the account's limit, default 30.
    :param connect_timeout: seconds to wait for a connection, default 10.
    :param read_timeout: seconds to wait for an answer, default 30.
    :param request_body: the form of bodies: ``documented`` as on the create-campaign page, ``wrapped`` as in the older
        reference, ``auto`` (default) to send the first and, if that is definitely refused, the second once.
    :param guard: what the account refuses to dial.
    :param policy: when a request is sent again.
    :param bucket: the account's rate limit; by default the one this process has for the account.
    :param sleep: waits for seconds.
    :raises ExotelInputError: for a host that is not one.
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
        policy: ReplayPolicy | None = None,
        bucket: TokenBucket | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        root = base_url(host)
        self.account_sid = account_sid
        self._form = request_body
        self._guard = guard or StagingGuard()
        self._transport = Transport(
            f"{root}/v2/accounts/{quote(account_sid, safe='')}",
            (api_key, api_token),
            (connect_timeout, read_timeout),
            bucket or bucket_of(root, account_sid, requests_per_minute),
            policy or ReplayPolicy(),
            sleep,
        )
        self.lists = ContactLists(self._transport)
        """The lists of contacts of the account, which campaigns can name."""

    def create_campaign(self, request: CampaignRequest | Callable[[], CampaignRequest]) -> Campaign:
        """Create a campaign: people will be called.

        :param request: the campaign, or a function that makes it, called after the wait for the rate limit and right
            before each sending, so that what depends on the clock is right at that moment.
        :raises ExotelInputError: if the connection does not allow this audience; nothing was sent.
        :raises ExotelOutcomeUnknown: if nobody can say whether the campaign exists; it is not sent again.
        :raises ExotelError: if it surely does not exist.
        """

        def body(wrapped: bool) -> dict[str, Any]:
            made = request() if callable(request) else request
            self._guard.check(made.numbers, made.lists)
            return made.body(wrapped=wrapped)

        try:
            item = self._in_either_form(Kind.CREATE, "POST", "/campaigns", body)
            return Campaign.of(item.only().data, item.only().summary)
        except ExotelError as error:
            if surely_refused(error):
                raise
            raise ExotelOutcomeUnknown.after(
                error,
                f"the campaign was sent and whether it exists is not known ({error.message}); "
                "look for its name before sending it again",
            ) from error

    def get_campaign(self, campaign_id: str) -> Campaign:
        """Return one campaign with its live counts.

        :raises ExotelNotFound: if there is none of that id.
        """
        item = self._transport.send(Kind.READ, "GET", _path(campaign_id)).only()
        return Campaign.of(item.data, item.summary)

    def list_campaigns(
        self,
        *,
        name: str | None = None,
        status: Iterable[CampaignStatus] | None = None,
        sort_by: str = "date_created:desc",
        page_size: int = LARGEST_PAGE,
        most: int | None = None,
    ) -> Iterator[Campaign]:
        """Iterate over the account's campaigns, newest first, page by page as they are taken.

        The service does not say how ``name`` is compared, and its status filter is documented in two spellings: an
        empty result of a filtered list proves nothing. A list without a filter is read whole or is an error.

        :param name: the service's name filter.
        :param status: only campaigns in one of these.
        :param sort_by: ``date_created`` or ``name``, a colon, ``asc`` or ``desc``.
        :param page_size: campaigns a request, up to 500.
        :param most: how many campaigns are read at most, those too that are left out; ``None`` for all. It bounds the
            requests where the service ignores a filter.
        :raises ExotelResponseError: if it could not be read whole.
        """
        wanted = frozenset(status) if status is not None else None
        query = {"sort_by": sort_by}
        if name is not None:
            query["name"] = name
        if wanted is not None:
            query["status"] = ",".join(sorted(_STATUS_FILTER.get(one, one.value.title()) for one in wanted))
        page = self._transport.page("/campaigns", query, page_size)
        entries = paging.entries(page, _id_of, overlap=paging.OVERLAP, may_shrink=len(query) > 1)
        for data in islice(entries, most):
            campaign = Campaign.of(data)
            if wanted is None or campaign.status in wanted:
                yield campaign

    def update_campaign(self, campaign_id: str, **changes: Any) -> Campaign:
        """Change a campaign that has not started, or the callbacks of one that has, and read it again.

        :param changes: fields of :class:`~airflow_provider_exotel.client.request.CampaignRequest`. The service does not
            say what becomes of the fields left out.
        """
        wanted = CampaignChanges(**changes)
        self._guard.check(wanted.numbers, wanted.lists)
        self._change(campaign_id, lambda: self._put(campaign_id, wanted.body))
        return self.get_campaign(campaign_id)

    def pause_campaign(self, campaign_id: str) -> Campaign:
        """Stop dialling; live calls finish. Allowed while created or in progress."""
        return self._act(campaign_id, "pause")

    def request_pause(self, campaign_id: str, *, check: Callable[[], None] = lambda: None) -> Campaign | None:
        """Ask once for a pause, and return the campaign as the answer shows it, ``None`` if it shows none.

        One request, while :meth:`pause_campaign` repeats a request whose answer is lost and reads the campaign after
        it; for callers that come back by themselves.

        :param check: called after the wait for the rate limit, right before sending; what it raises ends the request.
        :raises ExotelError: if it was refused, or its answer was lost.
        """

        def body(*, wrapped: bool) -> dict[str, Any]:
            check()
            return _action("pause", wrapped=wrapped)

        answer = self._put(campaign_id, body)
        shown = next((item for item in answer.items[:1] if item.data.get("id")), None)
        return Campaign.of(shown.data, shown.summary) if shown else None

    def resume_campaign(self, campaign_id: str) -> Campaign:
        """Dial on. Allowed while paused."""
        return self._act(campaign_id, "resume")

    def complete_campaign(self, campaign_id: str) -> Campaign:
        """End it; the calls left over become failed. Allowed while paused only."""
        return self._act(campaign_id, "complete")

    def archive_campaign(self, campaign_id: str) -> Campaign:
        """Hide it in the dashboard. Allowed once completed."""
        return self._act(campaign_id, "archive")

    def delete_campaign(self, campaign_id: str) -> None:
        """Delete a campaign that has not started; one that is gone already is no error."""
        path = _path(campaign_id)
        self._change(
            campaign_id,
            lambda: self._transport.send(Kind.CHANGE, "DELETE", path),
            already=lambda campaign: campaign is None or campaign.status is CampaignStatus.DELETED,
        )

    def call_details(
        self, campaign_id: str, *, status: Iterable[str] | None = None, page_size: int = LARGEST_PAGE
    ) -> Iterator[CallRecord]:
        """Iterate over the attempts of a campaign in order of time, page by page as they are taken.

        :param status: only attempts that ended so: ``completed``, ``failed``, ``busy``, ``no-answer``.
        :param page_size: records asked for a request; the service may give fewer.
        :raises ExotelNotFound: if there is no such campaign; one without calls yet gives no records.
        """
        page = self._page_of_calls(campaign_id, status, page_size)
        yield from map(CallRecord.of, paging.entries(page, lambda call: CallRecord.of(call).call_sid))

    def call_details_pages(
        self, campaign_id: str, *, offset: int = 0, status: Iterable[str] | None = None, page_size: int = LARGEST_PAGE
    ) -> Iterator[CallPage]:
        """Iterate over the attempts of a campaign page by page, as the service gives them; one may come twice.

        :param offset: how many records to pass over: the ``next_offset`` of the last page that was read before.
        :param status: only attempts that ended so: ``completed``, ``failed``, ``busy``, ``no-answer``.
        :param page_size: records asked for a request; the service may give fewer.
        :raises ExotelNotFound: if there is no such campaign; one without calls yet gives no records.
        """
        for answer in paging.as_they_come(self._page_of_calls(campaign_id, status, page_size), offset):
            offset += len(answer.items)
            yield CallPage(tuple(CallRecord.of(item.data) for item in answer.items), offset, answer.total)

    def report_lines(
        self, url: str, *, most_bytes: int = LARGEST_REPORT, most_seconds: float = LONGEST_DOWNLOAD
    ) -> Iterator[str]:
        """Iterate over the lines of a campaign's report as they arrive; their ends are kept.

        The address comes out of an answer, so it is trusted little: https only (plain http on loopback, where this
        client's host is there too), no redirect is followed, and the credentials go to the client's own host alone.

        :param url: ``Campaign.report_url``.
        :param most_bytes: the largest report that is taken, default 1 GiB.
        :param most_seconds: the longest time it may take, default 15 minutes.
        :raises ExotelError: if it is not such an address, cannot be had, is larger, takes longer, or is no UTF-8 text.
        """
        return self._transport.lines(url, most_bytes, most_seconds)

    def check_access(self) -> None:
        """Make the cheapest request that proves key, token, account, region and access to campaigns.

        :raises ExotelError: saying which of them is not right.
        """
        self._transport.send(Kind.READ, "GET", "/campaigns", query={"limit": 1})

    def check_audience(self, request: CampaignRequest) -> None:
        """Raise :class:`ExotelInputError` if the connection does not allow the request's audience; sends nothing."""
        self._guard.check(request.numbers, request.lists)

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

    def _act(self, campaign_id: str, action: str) -> Campaign:
        self._change(
            campaign_id,
            lambda: self._put(campaign_id, partial(_action, action)),
            already=lambda campaign: campaign is not None and campaign.status in _ACTIONS[action],
        )
        return self.get_campaign(campaign_id)

    def _put(self, campaign_id: str, body: Callable[..., dict[str, Any]]) -> Answer:
        path = _path(campaign_id)
        return self._in_either_form(Kind.CHANGE, "PUT", path, lambda wrapped: body(wrapped=wrapped))

    def _change(
        self,
        campaign_id: str,
        send: Callable[[], Answer],
        already: Callable[[Campaign | None], bool] = lambda _: False,
    ) -> None:
        """Send a change; where its answer is lost, read the campaign before sending it again."""
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

    def _in_either_form(self, kind: Kind, method: str, path: str, body: Callable[[bool], dict[str, Any]]) -> Answer:
        def send(wrapped: bool) -> Answer:
            return self._transport.send(kind, method, path, body=lambda: body(wrapped))

        if self._form != "auto":
            return send(self._form == "wrapped")
        try:
            answer = send(False)
        except ExotelRequestRefused as refusal:
            if replay(kind, refusal) is not Replay.OTHER_FORM:
                raise
            answer = self._wrapped_after(refusal, send)
        else:
            self._form = "documented"
        return answer

    def _wrapped_after(self, refusal: ExotelRequestRefused, send: Callable[[bool], Answer]) -> Answer:
        try:
            answer = send(True)
        except ExotelRequestRefused as second:
            # The refusal of the form says nothing about the content; the other one does.
            raise (second if _misses_campaigns(refusal) and not _misses_campaigns(second) else refusal) from None
        self._form = "wrapped"
        log.info("This account takes the wrapped request body; set request_body to 'wrapped' to spare a request.")
        return answer

    def _page_of_calls(self, campaign_id: str, status: Iterable[str] | None, page_size: int) -> Callable[[int], Answer]:
        query = {"sort_by": "date_created:asc"} | ({"status": ",".join(status)} if status else {})
        path, sizes = f"{_path(campaign_id)}/call-details", [page_size, *(s for s in _SMALLER_PAGES if s < page_size)]
        told: Mapping[str, Any] | None = None

        def page(offset: int) -> Answer:
            nonlocal told
            try:
                answer = self._transport.page(path, query, sizes[0])(offset)
            except ExotelRequestRefused:
                if told is not None or len(sizes) == 1:
                    raise
                sizes.pop(0)
                return page(offset)
            except ExotelNotFound:
                # The service answers 404 where it has no call to show: only a campaign that is not there is an error.
                self.get_campaign(campaign_id)
                return Answer((), told if told is not None else {} if offset else {"total": 0})
            told = answer.metadata
            return answer

        return page


def _id_of(campaign: Mapping[str, Any]) -> str:
    if not campaign.get("id"):
        raise ExotelResponseError("an entry of the list holds no id")
    return str(campaign["id"])


def _action(action: str, *, wrapped: bool) -> dict[str, Any]:
    return {"campaigns": [{"action": action}]} if wrapped else {"action": action}


def _path(campaign_id: str) -> str:
    return f"/campaigns/{quote(campaign_id, safe='')}"


def _misses_campaigns(error: ExotelError) -> bool:
    return "campaigns is mandatory" in error.message.lower()
