"""Checks with campaigns that reach their start; only these may ring."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_exotel.client.answer_forms import form_of_calls
from airflow_provider_exotel.client.errors import ExotelError, ExotelNotFound
from airflow_provider_exotel.client.models import Campaign, CampaignStatus
from airflow_provider_exotel.commands.verify.campaigns import pause
from airflow_provider_exotel.commands.verify.check import Check
from airflow_provider_exotel.commands.verify.cleanup import remove_once, remove_scheduled
from airflow_provider_exotel.commands.verify.finding import Finding, Inconclusive
from airflow_provider_exotel.commands.verify.probe import Probe, is_refusal

if TYPE_CHECKING:
    from airflow_provider_exotel.commands.verify.state import CreatedItem

_SOON = timedelta(seconds=60)
_WINDOW = timedelta(seconds=50)
"""Shorter than a minute, so that at one call a minute the second of two contacts stays uncalled."""
_PAUSED_WINDOW = timedelta(minutes=30)
_AFTER_SECONDS = 5.0
_POLLS = (0, 10, 10, 10, 10, 15, 15, 20, 30, 30, 30)
"""Seconds between the polls of a campaign after its window; a live call may still finish."""
_REFUSED = "it is refused"
_AT_END = {CampaignStatus.COMPLETED, CampaignStatus.CANCELED, CampaignStatus.PAUSED}


def paused_edit(probe: Probe) -> Finding:
    """Pause a campaign before its start, and change its end after the start."""
    with suppress(Inconclusive, ExotelError):  # it dials while this check waits; the next check reports an error
        _ringing_campaign(probe)
    item, start = _create_once(probe, calls=1, lasts=_PAUSED_WINDOW)
    campaign_id = str(item.id)
    try:
        pause(probe, campaign_id)
    except (ExotelError, Inconclusive):
        remove_once(probe, item)
        raise
    _sleep_until(probe, start + timedelta(seconds=_AFTER_SECONDS))
    campaign = probe.request(lambda: probe.client.get_campaign(campaign_id))
    if campaign.status is not CampaignStatus.PAUSED:
        raise Inconclusive("a campaign paused before its start is not paused after it")
    if campaign.schedule.end_at is None:
        raise Inconclusive("the campaign does not show its schedule")
    wanted = {"end_at": campaign.schedule.end_at + timedelta(minutes=30)}
    if campaign.schedule.send_at is not None:
        wanted["send_at"] = campaign.schedule.send_at
    try:
        probe.request(lambda: probe.client.update_campaign(campaign_id, schedule=wanted))
        changed = probe.fetch_until(campaign_id, lambda one: one.schedule.end_at == wanted["end_at"])
    except ExotelError as error:
        if not is_refusal(error):
            raise
        moved, answer = False, _REFUSED
    else:
        moved = changed.schedule.end_at == wanted["end_at"]
        answer = "it can be changed" if moved else "the answer is a success, but nothing changes"
    # A successful edit without effect does not show whether the schedule may be edited.
    known = {"schedule_editable_when_paused": moved} if moved or answer == _REFUSED else {}
    known |= _delete_when_paused(probe, item)
    does = "carry-over changes the end of the campaign" if moved else "carry-over creates a new campaign"
    return Finding(answer, f"it reads the campaign again after each edit; {does}", known)


def _delete_when_paused(probe: Probe, item: CreatedItem) -> dict[str, Any]:
    """Return which campaigns can be deleted, tested with one that is paused after its start."""
    deletes = probe.state.found.get("delete", {}).get("known", {}).get("deletes")
    if deletes == "never" or "delete" not in probe.state.found:
        return {}
    campaign_id = str(item.id)
    reply = probe.attempt(lambda: probe.client.delete_campaign(campaign_id))
    if reply.error is not None:
        return {"deletes": "created"} if is_refusal(reply.error) else {}
    try:
        shown = probe.fetch_until(campaign_id, lambda one: one.status is CampaignStatus.DELETED)
    except ExotelNotFound:
        return {"deletes": "any"}
    except ExotelError:
        return {}
    return {"deletes": "any"} if shown.status is CampaignStatus.DELETED else {}


def end_of_window(probe: Probe) -> Finding:
    """Wait for the end of a window of 50 seconds, long enough for one of two calls."""
    item, end = _ringing_campaign(probe)
    campaign_id = str(item.id)
    _sleep_until(probe, end + timedelta(seconds=_AFTER_SECONDS))
    campaign: Campaign | None = None
    for wait in _POLLS:
        probe.pace.sleep(wait)
        campaign = probe.request(lambda: probe.client.get_campaign(campaign_id))
        if campaign.status.has_ended or campaign.status is CampaignStatus.PAUSED:
            break
    if campaign is None or campaign.status not in _AT_END:
        raise Inconclusive("three minutes after its window the campaign is neither completed, canceled nor paused")
    calls = probe.request(lambda: list(probe.client.call_details(campaign_id)))
    if len({call.call_sid for call in calls}) >= _TWO:
        raise Inconclusive("both calls were made within 50 seconds, so no contact was left")
    if _contacts(probe.cache.get("ringing", (None, None, None))[2]) == 1:
        raise Inconclusive("the number was accepted only once, so no contact was left")
    word = campaign.status.value
    return Finding(f"with uncalled contacts the campaign is {word}", "it understands every status", {"at_end": word})


def call_details(probe: Probe) -> Finding:
    """Read the calls of the campaign that dialled."""
    item, end = _ringing_campaign(probe)
    campaign_id = str(item.id)
    _sleep_until(probe, end + timedelta(seconds=_AFTER_SECONDS))
    reply = probe.attempt(lambda: list(probe.client.call_details(campaign_id)))
    pages = [one for one in reply.answers if one.path.endswith("/call-details") and one.status == _OK]
    if reply.error is not None:
        raise reply.error
    if not reply.value or not pages:
        raise Inconclusive("no call is shown")
    known = form_of_calls(pages[0])
    keys = known.get("quoted_digits")
    quoted = "" if keys is None else f"; keys are {'' if keys else 'not '}in quotes"
    fields = {"reference": "number, digit, caller_id", "guide": "to, digits, from"}.get(
        known.get("call_fields", ""), "under unknown names"
    )
    return Finding(f"items are {known['call_items']}, fields are {fields}{quoted}", "it reads every form", known)


def _ringing_campaign(probe: Probe) -> tuple[CreatedItem, datetime]:
    """Return the campaign that dials the number in a short window, and the end of the window; create it once.

    :raises Inconclusive: if no calls are left, or the campaign cannot be created.
    """
    if "ringing" in probe.cache:
        item, end, _ = probe.cache["ringing"]
        return item, end
    if "not ringing" in probe.cache:
        raise probe.cache["not ringing"]
    most = probe.settings.guard.max_contacts
    if most is not None and most < _TWO:
        raise Inconclusive("the connection's max_contacts is 1; set it to 2, since this campaign has the number twice")
    try:
        item, start = _create_once(
            probe, calls=_TWO, lasts=_WINDOW, times=_TWO, call_duplicate_numbers=True, mode="custom", throttle=1
        )
    except (ExotelError, Inconclusive) as error:
        probe.cache["not ringing"] = error
        raise
    before = probe.fetch_own(item)
    probe.cache["ringing"] = (item, start + _WINDOW, before)
    return item, start + _WINDOW


def _create_once(probe: Probe, *, calls: int, lasts: timedelta, **fields: Any) -> tuple[CreatedItem, datetime]:
    """Create a campaign that dials soon, and return it with its start.

    It is sent once, in the body form that is known to work, since a campaign may dial although the server said that it
    refused it. After an error the campaign is removed at once, in case it exists.

    :param calls: number of calls that it may make.
    :param lasts: length of its window.
    :param fields: further fields of the request.
    :raises Inconclusive: if no calls are left, or the form is not known.
    :raises ExotelError: if it was not created, or it is unknown whether it was.
    """
    form = probe.state.found.get("request-body", {}).get("known", {}).get("request_body")
    if form is None:
        raise Inconclusive("the body form that the account accepts is unknown")
    # A campaign that cannot be removed will call tomorrow, which counts.
    if left := remove_scheduled(probe):
        raise Inconclusive(f"{left} campaigns for tomorrow cannot be removed and will call, so no more are allowed")
    probe.request(probe.client.check_access)  # so that a used-up rate limit is waited for here, not between two creates
    probe.reserve_calls(calls)
    client = probe.another_client(tries=1, request_body="wrapped" if form == "wrapped" else "documented")
    try:
        item = probe.create(starts_in=_SOON, lasts=lasts, client=client, **fields)
        probe.cache.setdefault("counted", set()).add(item.key)
    except (ExotelError, Inconclusive):
        remove_once(probe)
        raise
    finally:
        client.close()
    return item, probe.start


def _contacts(campaign: Campaign | None) -> int | None:
    """Return the number of contacts of a campaign before it dialled, ``None`` if it is not shown."""
    if campaign is None or campaign.status is not CampaignStatus.CREATED:
        return None
    return campaign.stats.created or None


def _sleep_until(probe: Probe, moment: datetime) -> None:
    if (seconds := (moment - probe.pace.now()).total_seconds()) > 0:
        probe.pace.sleep(seconds)


_TWO, _OK = 2, 200

DIALLING: tuple[Check, ...] = (
    Check(
        "paused-edit",
        "whether `end_at` of a paused campaign can be changed",
        "pauses a campaign before its start and changes its end after the start",
        paused_edit,
        "the edit is sent as given, and the campaign is read again",
        support="May schedule.end_at of a paused campaign be changed once it has started?",
        fields=("schedule_editable_when_paused", "deletes"),
    ),
    Check(
        "end-of-window",
        "what happens at `end_at` with uncalled contacts: complete, cancel or pause",
        "dials the number, twice in the campaign at one call a minute, in a window of 50 seconds",
        end_of_window,
        "it understands every status",
        support="Which status does a campaign have if its end_at passes while contacts are uncalled?",
        fields=("at_end",),
    ),
    Check(
        "call-details",
        "the form of call details",
        "reads the calls of the campaign that dialled",
        call_details,
        "it reads all documented names",
        fields=("call_items", "call_fields", "quoted_digits"),
    ),
)
