"""Find, create and publish the campaign of a task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_exotel.client.errors import ExotelConnectionError, ExotelOutcomeUnknown
from airflow_provider_exotel.client.urls import campaign_page
from airflow_provider_exotel.hooks.metrics import count
from airflow_provider_exotel.links import CampaignLink, push_link

if TYPE_CHECKING:
    from airflow_provider_exotel.client.models import Campaign
    from airflow_provider_exotel.client.request import CampaignRequest
    from airflow_provider_exotel.create.journal import AudienceFingerprint
    from airflow_provider_exotel.create.once import OneCampaign
    from airflow_provider_exotel.create.spec import CampaignSpec
    from airflow_provider_exotel.hooks.exotel import ExotelHook
    from airflow_provider_exotel.operators.campaign_wait import CampaignWait


def find_campaign(wait: CampaignWait, audience: Callable[[], AudienceFingerprint]) -> Campaign | None:
    """Return the campaign that an earlier try created, and own it; ``None`` if there is none.

    :param wait: the wait for it; if the task does not wait, ``if_paused`` may resume the campaign here.
    :param audience: returns the audience of this try.
    :raises ExotelError: if it was deleted, calls other people, or cannot be looked up.
    """
    from airflow_provider_exotel.create.follow import follow_campaign

    def resume(campaign_id: str) -> Campaign:
        wait.kill_switch.check()
        return wait.hook.client.resume_campaign(campaign_id)

    campaign = wait.once.find(audience)
    if campaign is None:
        return None
    count("campaigns_followed", wait.hook.exotel_conn_id)
    wait.own(campaign.id)
    entry = wait.once.journal.entry
    return follow_campaign(
        campaign,
        carried_to=entry.carried_to,
        timed_out=entry.timed_out,
        if_paused=wait.options.if_paused,
        waits=wait.options.wait_for_completion,
        resume=resume,
    )


def create_campaign(wait: CampaignWait, spec: CampaignSpec) -> Campaign:
    """Create the campaign and own it; if the task is killed meanwhile, the campaign does not keep dialling.

    :param wait: the wait for it; no campaign was found with its key and journal.
    :param spec: the parsed input; its schedule is resolved when it is sent.
    :raises ExotelOutcomeUnknown: if it is not known whether the campaign exists.
    :raises ExotelError: if it certainly does not exist.
    """
    from airflow_provider_exotel.create.dry_run import log_plan

    log_plan(spec.plan(datetime.now(UTC)))
    once, hook, kill_switch = wait.once, wait.hook, wait.kill_switch
    shutdown_client = hook.shutdown_client

    def request_at(now: datetime) -> CampaignRequest:
        if kill_switch.is_killed:
            raise ExotelConnectionError("it was not sent: the task was killed")
        return spec.at(now)

    try:
        campaign = once.create(request_at, spec.audience)
    except ExotelOutcomeUnknown:
        count("outcomes_unknown", hook.exotel_conn_id)
        raise
    except Exception:  # no pause is needed: nothing was sent, or it does not dial, or a later try finds it
        raise
    except BaseException:  # Airflow 2 and time-outs may end the task anywhere
        if kill_switch.pauses:
            once.pause_after_kill(shutdown_client)
        raise
    wait.own(campaign.id)
    count("campaigns_created", hook.exotel_conn_id)
    return campaign


def publish_campaign(context: Mapping[str, Any], campaign: Campaign, once: OneCampaign, hook: ExotelHook) -> int | None:
    """Push the campaign to the XCom ``campaign`` with the link to it, and return how many people it calls.

    :param context: the task's context.
    :param campaign: the campaign's current state.
    :param once: its journal, which records its audience.
    :param hook: the connection.
    """
    from airflow_provider_exotel.create.follow import summarise_campaign

    contacts = once.contacts or len(campaign.numbers or ()) or None
    url = campaign_page(hook.settings.host, hook.settings.account_sid, campaign.id)
    push_link(context["ti"], CampaignLink, url)
    summary = summarise_campaign(campaign, contacts=contacts, rejected=once.rejected, url=url)
    context["ti"].xcom_push(key="campaign", value=summary)
    return contacts
