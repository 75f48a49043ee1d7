"""Checks with campaigns whose start is passed: the only ones that may ring."""

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
from airflow_provider_exotel.commands.verify.finding import Finding, NotTold
from airflow_provider_exotel.commands.verify.probe import Probe, is_refusal

if TYPE_CHECKING:
    from airflow_provider_exotel.commands.verify.state import Made

_SOON = timedelta(seconds=60)
_WINDOW = timedelta(seconds=50)
"""Shorter than a minute, so that of two calls at one a minute the second is left over."""
_PAUSED_WINDOW = timedelta(minutes=30)
_AFTER = 5.0
_POLLS = (0, 10, 10, 10, 10, 15, 15, 20, 30, 30, 30)
"""Seconds between the polls of a campaign whose window is over; a live call is finished first."""
_REFUSED = "it is refused"
_AT_END = {CampaignStatus.COMPLETED, CampaignStatus.CANCELED, CampaignStatus.PAUSED}


def paused_edit(probe: Probe) -> Finding:
    """Pause a campaign before its start, and change its end after it."""
    with suppress(NotTold, ExotelError):  # it dials while this one is waited for; the next check says what is wrong
        _ringing(probe)
    made, start = _create_once(probe, calls=1, lasts=_PAUSED_WINDOW)
    campaign_id = str(made.id)
    try:
        pause(probe, campaign_id)
    except (ExotelError, NotTold):
        remove_once(probe, made)
        raise
    _sleep_until(probe, start + timedelta(seconds=_AFTER))
    campaign = probe.ask(lambda: probe.client.get_campaign(campaign_id))
    if campaign.status is not CampaignStatus.PAUSED:
        raise NotTold("a campaign that was paused before its start is not paused after it")
    if campaign.schedule.end_at is None:
        raise NotTold("the campaign does not show its schedule")
    wanted = {"end_at": campaign.schedule.end_at + timedelta(minutes=30)}
    if campaign.schedule.send_at is not None:
        wanted["send_at"] = campaign.schedule.send_at
    try:
        probe.ask(lambda: probe.client.update_campaign(campaign_id, schedule=wanted))
        changed = probe.read_until(campaign_id, lambda one: one.schedule.end_at == wanted["end_at"])
    except ExotelError as error:
        if not is_refusal(error):
            raise
        moved, answer = False, _REFUSED
    else:
        moved = changed.schedule.end_at == wanted["end_at"]
        answer = "it may be moved" if moved else "it is answered with success and nothing changes"
    # An edit that is answered with success and does nothing says nothing about what may be edited.
    known = {"schedule_editable_when_paused": moved} if moved or answer == _REFUSED else {}
    known |= _delete_when_paused(probe, made)
    does = "a campaign is carried over by its own end" if moved else "a campaign is carried over by a new one"
    return Finding(answer, f"it reads the campaign again after each edit; {does}", known)


def _delete_when_paused(probe: Probe, made: Made) -> dict[str, Any]:
    """Return which campaigns can be deleted, by one that is paused after its start."""
    deletes = probe.state.found.get("delete", {}).get("known", {}).get("deletes")
    if deletes == "never" or "delete" not in probe.state.found:
        return {}
    campaign_id = str(made.id)
    reply = probe.question(lambda: probe.client.delete_campaign(campaign_id))
    if reply.error is not None:
        return {"deletes": "created"} if is_refusal(reply.error) else {}
    try:
        shown = probe.read_until(campaign_id, lambda one: one.status is CampaignStatus.DELETED)
    except ExotelNotFound:
        return {"deletes": "any"}
    except ExotelError:
        return {}
    return {"deletes": "any"} if shown.status is CampaignStatus.DELETED else {}


def end_of_window(probe: Probe) -> Finding:
    """Wait for the end of a window of 50 seconds, in which one of two calls is made."""
    made, end = _ringing(probe)
    campaign_id = str(made.id)
    _sleep_until(probe, end + timedelta(seconds=_AFTER))
    campaign: Campaign | None = None
    for wait in _POLLS:
        probe.pace.sleep(wait)
        campaign = probe.ask(lambda: probe.client.get_campaign(campaign_id))
        if campaign.status.has_ended or campaign.status is CampaignStatus.PAUSED:
            break
    if campaign is None or campaign.status not in _AT_END:
        raise NotTold("three minutes after its end the campaign is neither completed, canceled nor paused")
    calls = probe.ask(lambda: list(probe.client.call_details(campaign_id)))
    if len({call.call_sid for call in calls}) >= _TWO:
        raise NotTold("both calls were made within 50 seconds, so nobody was left over")
    if _contacts(probe.cache.get("ringing", (None, None, None))[2]) == 1:
        raise NotTold("the number was taken once, so nobody was left over")
    word = campaign.status.value
    return Finding(f"contacts that are left over: the campaign is {word}", "it understands each", {"at_end": word})


def call_details(probe: Probe) -> Finding:
    """Read the calls of the campaign that has dialled."""
    made, end = _ringing(probe)
    campaign_id = str(made.id)
    _sleep_until(probe, end + timedelta(seconds=_AFTER))
    reply = probe.question(lambda: list(probe.client.call_details(campaign_id)))
    pages = [one for one in reply.answers if one.path.endswith("/call-details") and one.status == _OK]
    if reply.error is not None:
        raise reply.error
    if not reply.value or not pages:
        raise NotTold("no call is shown")
    known = form_of_calls(pages[0])
    keys = known.get("quoted_digits")
    quoted = "" if keys is None else f"; keys are {'' if keys else 'not '}in quotes"
    fields = {"reference": "number, digit, caller_id", "guide": "to, digits, from"}.get(
        known.get("call_fields", ""), "of no known names"
    )
    return Finding(f"items are {known['call_items']}, fields are {fields}{quoted}", "it reads all of them", known)


def _ringing(probe: Probe) -> tuple[Made, datetime]:
    """Return the campaign that dials the number in a short window, and when the window ends; create it at first.

    :raises NotTold: if it was created before and its calls are used up, or it cannot be.
    """
    if "ringing" in probe.cache:
        made, end, _ = probe.cache["ringing"]
        return made, end
    if "not ringing" in probe.cache:
        raise probe.cache["not ringing"]
    most = probe.settings.guard.max_contacts
    if most is not None and most < _TWO:
        raise NotTold("the connection's max_contacts is 1; set it to 2, for the number stands in this campaign twice")
    try:
        made, start = _create_once(
            probe, calls=_TWO, lasts=_WINDOW, times=_TWO, call_duplicate_numbers=True, mode="custom", throttle=1
        )
    except (ExotelError, NotTold) as error:
        probe.cache["not ringing"] = error
        raise
    before = probe.shown(made)
    probe.cache["ringing"] = (made, start + _WINDOW, before)
    return made, start + _WINDOW


def _create_once(probe: Probe, *, calls: int, lasts: timedelta, **fields: Any) -> tuple[Made, datetime]:
    """Create a campaign that dials soon, and return it with its start.

    It is sent once, in the one form that is known to work: what a server says it refused may dial all the same. If it
    is not certain that all is well, what may exist is removed at once.

    :param calls: how many calls it may make.
    :param lasts: how long its window is.
    :param fields: further fields of the request.
    :raises NotTold: if no calls are left, or the form is not known.
    :raises ExotelError: if it was not created, or it is not known whether it was.
    """
    form = probe.state.found.get("request-body", {}).get("known", {}).get("request_body")
    if form is None:
        raise NotTold("it is not known which form of body the account takes")
    # What cannot be removed calls tomorrow, which counts.
    if left := remove_scheduled(probe):
        raise NotTold(f"{left} campaigns for tomorrow cannot be removed and call then, so no more are allowed")
    probe.ask(probe.client.check_access)  # a limit that is used up is waited for here, not between two creates
    probe.reserve_calls(calls)
    client = probe.another_client(tries=1, request_body="wrapped" if form == "wrapped" else "documented")
    try:
        made = probe.create(starts_in=_SOON, lasts=lasts, client=client, **fields)
        probe.cache.setdefault("counted", set()).add(made.key)
    except (ExotelError, NotTold):
        remove_once(probe)
        raise
    finally:
        client.close()
    return made, probe.start


def _contacts(campaign: Campaign | None) -> int | None:
    """Return how many contacts a campaign had before it dialled, ``None`` if it does not tell."""
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
        "whether `end_at` may be moved while a campaign is paused",
        "pauses a campaign before its start and changes its end after it",
        paused_edit,
        "an edit is sent as asked, and read again afterwards",
        support="May schedule.end_at of a paused campaign be changed once it has started?",
        fields=("schedule_editable_when_paused", "deletes"),
    ),
    Check(
        "end-of-window",
        "what the campaign does at `end_at` with contacts left: complete, cancel or pause",
        "lets the number ring in a window of 50 seconds, twice in the campaign at one call a minute",
        end_of_window,
        "every status is understood",
        support="Which status has a campaign whose end_at passes while contacts are left?",
        fields=("at_end",),
    ),
    Check(
        "call-details",
        "how the calls of a campaign are shown",
        "reads the calls of the campaign that has dialled",
        call_details,
        "all documented names are read",
        fields=("call_items", "call_fields", "quoted_digits"),
    ),
)
