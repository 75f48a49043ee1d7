"""The hook's methods for agents and Python tasks: plain types in, JSON out, without phone numbers or URLs with tokens.

Airflow's ``HookToolset`` turns a hook's methods into tools by their signatures and docstrings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from airflow_provider_exotel.client.redact import redact
from airflow_provider_exotel.client.urls import flow_url

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import ExotelClient
    from airflow_provider_exotel.client.models import Campaign
    from airflow_provider_exotel.client.request import CampaignRequest
    from airflow_provider_exotel.connection import ExotelSettings
    from airflow_provider_exotel.waiting.outcome import Outcome

Answer = TypeVar("Answer")


class AccountHook(Protocol):
    """The part of the hook that the methods use."""

    @property
    def client(self) -> ExotelClient:
        """The client."""
        ...

    @property
    def settings(self) -> ExotelSettings:
        """The connection."""
        ...

    def with_client(self, function: Callable[[ExotelClient], Answer]) -> Answer:
        """Call a function with the client, and return its result."""
        ...

    def request_of(self, **fields: Any) -> CampaignRequest:
        """Return a request with these fields."""
        ...

    def _create_once(
        self,
        idempotency_key: str,
        settle: timedelta | float | None,
        fields: Mapping[str, Any],
        sent_at: Callable[[CampaignRequest, datetime], CampaignRequest],
    ) -> Campaign:
        """Create the campaign of a key, or return the existing one."""
        ...


class AgentMethods:
    """Mix-in of the hook."""

    def get_campaign(self: AccountHook, campaign_id: str) -> dict[str, Any]:
        """Return a campaign's status, its times, and the number of contacts reached. Changes nothing.

        :param campaign_id: the campaign's id.
        """
        return campaign_as_json(self.client.get_campaign(campaign_id))

    def campaign_outcome(self: AccountHook, campaign_id: str) -> dict[str, Any]:
        """Return a campaign's outcome: contacts reached, not reached by reason, and uncalled. Changes nothing.

        :param campaign_id: the campaign's id; if it has not ended, its current state is returned.
        """
        from airflow_provider_exotel.waiting.driver import complete_outcome
        from airflow_provider_exotel.waiting.outcome import outcome_of

        campaign = self.client.get_campaign(campaign_id)
        if not campaign.status.has_ended:
            return campaign_as_json(campaign)
        return outcome_as_json(complete_outcome(outcome_of(campaign), self.with_client))

    def pause_campaign(self: AccountHook, campaign_id: str) -> dict[str, Any]:
        """Pause a campaign, so that it calls nobody until a person resumes it, and return its state.

        :param campaign_id: the campaign's id; a campaign that is paused or has ended is not changed.
        """
        from airflow_provider_exotel.waiting.pausing import pause_if_it_may_dial

        self.with_client(lambda client: pause_if_it_may_dial(client, campaign_id))
        return campaign_as_json(self.client.get_campaign(campaign_id))

    def plan_campaign(
        self: AccountHook,
        lists: list[str],
        send_at: str,
        end_at: str,
        read_via_text: str = "",
        flow_id: str = "",
        name: str = "",
    ) -> dict[str, Any]:
        """Check a campaign for contact lists, and return its plan. Nothing is sent and nobody is called.

        :param lists: the SIDs of up to 5 contact lists.
        :param send_at: nobody is called before this RFC 3339 time with offset, such as 2026-03-02T10:00:00+05:30.
        :param end_at: nobody is called after this RFC 3339 time with offset.
        :param read_via_text: the text to read out, if there is no flow.
        :param flow_id: the number of the call flow in the dashboard, if there is no text.
        :param name: the campaign's name.
        """
        from airflow_provider_exotel.create.dry_run import CampaignPlan

        settings = self.settings
        fields = request_fields(settings.account_sid, lists, send_at, end_at, read_via_text, flow_id, name)
        request = self.request_of(**fields)
        settings.guard.check_request(request)
        return CampaignPlan(request, tariff=settings.tariff).as_dict()

    def order_campaign(
        self: AccountHook,
        idempotency_key: str,
        lists: list[str],
        send_at: str,
        end_at: str,
        read_via_text: str = "",
        flow_id: str = "",
        name: str = "",
    ) -> dict[str, Any]:
        """Create the campaign of a key, which calls the contacts of contact lists, and return its state.

        Repeated calls with one key create one campaign. People are called: plan it first.

        :param idempotency_key: a unique name of the campaign, such as reminder-2026-03.
        :param lists: the SIDs of up to 5 contact lists.
        :param send_at: nobody is called before this RFC 3339 time with offset, such as 2026-03-02T10:00:00+05:30.
        :param end_at: nobody is called after this RFC 3339 time with offset.
        :param read_via_text: the text to read out, if there is no flow.
        :param flow_id: the number of the call flow in the dashboard, if there is no text.
        :param name: the campaign's name.
        """
        sid = self.settings.account_sid
        fields = request_fields(sid, lists, send_at, end_at, read_via_text, flow_id, name)
        return campaign_as_json(self._create_once(idempotency_key, None, fields, sent_at))


def campaign_as_json(campaign: Campaign) -> dict[str, Any]:
    """Return the state of a campaign as plain JSON.

    :param campaign: the campaign.
    """
    from airflow_provider_exotel.waiting.outcome import tally_of

    ended = campaign.status.has_ended
    tally, schedule = tally_of(campaign.stats, ended=ended), campaign.schedule.payload()
    return {
        "id": campaign.id,
        "name": redact(campaign.name),
        "status": campaign.status_text,
        "has_ended": ended,
        "send_at": schedule.get("send_at"),
        "end_at": schedule.get("end_at"),
        "contacts": tally.contacts,
        "reached": tally.reached,
        "not_reached": sum(tally.not_reached.values()),
        "open": tally.open,
    }


def outcome_as_json(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as plain JSON, with a one-sentence summary.

    :param outcome: the outcome.
    """
    from airflow_provider_exotel.waiting.outcome import describe_outcome

    return {"has_ended": True, "summary": describe_outcome(outcome), **outcome.as_json()}


def request_fields(
    account_sid: str, lists: list[str], send_at: str, end_at: str, read_via_text: str, flow_id: str, name: str
) -> dict[str, Any]:
    """Return the request fields of a campaign for contact lists with explicit times.

    :raises ExotelInputError: for times that cannot be read.
    :raises MissedWindow: if the end has passed.
    """
    from airflow_provider_exotel.windows.calling_window import LEAD
    from airflow_provider_exotel.windows.explicit_schedule import resolve_schedule

    now = datetime.now(UTC)
    schedule = resolve_schedule({"send_at": send_at, "end_at": end_at}, anchor=now, now=now, lead=LEAD)
    return {
        "lists": lists,
        "schedule": schedule,
        "read_via_text": read_via_text or None,
        "url": flow_url(account_sid, flow_id) if flow_id else None,
        "name": name or None,
    }


def sent_at(request: CampaignRequest, now: datetime) -> CampaignRequest:
    """Return the request as it is to be sent now: looking for a campaign of its key may have taken minutes.

    :raises MissedWindow: if the end has passed.
    """
    from airflow_provider_exotel.windows.explicit_schedule import resolve_schedule

    return request.model_copy(update={"schedule": resolve_schedule(request.schedule, anchor=now, now=now)})
