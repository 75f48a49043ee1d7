"""Removes everything that was created: deletes it, or else ends it, and reads it to confirm that."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

from airflow_provider_exotel.client.answer_forms import objects_of
from airflow_provider_exotel.client.errors import ExotelError, ExotelNotFound
from airflow_provider_exotel.client.models import Campaign
from airflow_provider_exotel.commands.verify.probe import NEWEST, Probe
from airflow_provider_exotel.commands.verify.state import CreatedItem

_WAITS = (0, 1, 2, 4, 8, 15, 30, 60, 60, 60, 120, 120, 120, 120)
"""Seconds between the rounds, twelve minutes in all: a new campaign is in the list sooner."""
_SHORT_WAITS = (0, 2, 5, 10)
_ENOUGH, _LONG = 4, 15
_SETTLE = 120.0
"""Seconds after which a campaign that is not in the list was certainly refused."""


def clean_up(probe: Probe, say: Callable[[str], None], *, briefly: bool = False) -> list[CreatedItem]:
    """Remove everything that was created, and return what could not be removed.

    :param probe: the account.
    :param say: prints a line.
    :param briefly: give up soon on what exists for certain and cannot be removed; another clean-up follows.
    """
    if not probe.state.made:
        return []
    read = ""
    for done, wait in enumerate(_WAITS):
        if briefly and done >= _ENOUGH and all(one.confirmed for one in probe.state.made if not one.gone):
            return [one for one in probe.state.made if not one.gone]
        if wait >= _LONG:
            say(f"Not everything is confirmed as removed; checking again in {wait} s. Ctrl-C lists the rest.")
        probe.pace.sleep(wait)
        for item in [one for one in probe.state.made if not one.gone]:
            _remove(probe, item)
            probe.state.save()
        found, read = _sweep(probe)
        _mark_never_created(probe, partial(_was_refused, probe.pace.now().timestamp()), is_read=bool(read))
        # Items were confirmed one by one; the list is only searched for campaigns without an entry.
        if not found and all(one.gone for one in probe.state.made) and (read == "whole" or done >= _ENOUGH):
            return []
    # An answer led to this campaign, and nobody can tell whose it is.
    _mark_never_created(probe, lambda item: not _claims_a_campaign(probe, item), is_read=read == "whole")
    return [one for one in probe.state.made if not one.gone]


def remove_once(probe: Probe, item: CreatedItem | None = None) -> None:
    """Try once to remove one campaign right away, by default the last one; :func:`clean_up` does the rest.

    :param probe: the account.
    :param item: the campaign.
    """
    one = item or probe.state.made[-1]
    if not one.gone:
        _sweep(probe)
        _remove(probe, one)
        probe.state.save()


def remove_scheduled(probe: Probe) -> int:
    """Remove the campaigns for tomorrow, and return how many of them may still call.

    :param probe: the account.
    """
    counted = probe.cache.get("counted", ())
    left: list[CreatedItem] = []
    for wait in _SHORT_WAITS:
        probe.pace.sleep(wait)
        items = [one for one in probe.state.made if one.kind == "campaign" and one.key not in counted]
        for item in (left := [one for one in items if one.confirmed and not one.gone]):
            _remove(probe, item)
        probe.state.save()
        if not (left := [one for one in left if not one.gone]):
            break
    return len(left)


def _remove(probe: Probe, item: CreatedItem) -> None:
    """Try once to remove an item; the next round repeats what failed."""
    try:
        if item.kind == "list":
            item.gone = _list_is_gone(probe, item)
        else:
            item.gone = _campaign_is_gone(probe, item)
    except ExotelError:
        return


def _campaign_is_gone(probe: Probe, item: CreatedItem) -> bool:
    if item.id is None or probe.fetch_own(item) is None:
        # It does not exist or is not ours; if ours exists, the list shows it under another id.
        return item.confirmed and item.id is not None
    campaign_id = item.id
    for step in (
        lambda: probe.client.delete_campaign(campaign_id),
        lambda: probe.client.pause_campaign(campaign_id),
        lambda: probe.client.complete_campaign(campaign_id),
    ):
        campaign = _read(probe, campaign_id)
        if campaign is None or campaign.status.has_ended:
            return True
        probe.attempt(step)
    campaign = _read(probe, campaign_id)
    return campaign is None or campaign.status.has_ended


def _claims_a_campaign(probe: Probe, item: CreatedItem) -> bool:
    if item.claimed is None or item.claimed in {one.id for one in probe.state.made}:
        return False
    try:
        campaign = _read(probe, item.claimed)
    except ExotelError:
        return True
    return campaign is not None and not campaign.status.has_ended


def _read(probe: Probe, campaign_id: str) -> Campaign | None:
    try:
        return probe.request(lambda: probe.client.get_campaign(campaign_id))
    except ExotelNotFound:
        return None


def _list_is_gone(probe: Probe, item: CreatedItem) -> bool:
    if item.id is None or not item.confirmed:
        listed = probe.request(lambda: list(probe.client.lists.all()))
        taken = {one.id for one in probe.state.made if one is not item}
        found = next((one for one in listed if item.key in one.name and one.sid not in taken), None)
        item.id = None if found is None else probe.safe_id(found.sid)
        item.confirmed = item.id is not None
        if item.id is None:
            probe.cache.setdefault("absent", set()).add(id(item))
            return False
    sid = item.id
    probe.attempt(lambda: probe.client.lists.delete(sid))
    try:
        probe.request(lambda: probe.client.lists.get(sid))
    except ExotelNotFound:
        return True
    return False


def _sweep(probe: Probe) -> tuple[list[Campaign], Literal["whole", "part", ""]]:
    """Return the campaigns with our names that may dial, and how much of the list could be read.

    Campaigns without an entry are added to the state, and those that still exist are no longer marked as gone.
    """
    found: list[Campaign] = []

    def read(name: str | None = None) -> None:
        for campaign in probe.client.list_campaigns(most=NEWEST, name=name):
            if probe.state.token in campaign.name.casefold() and not campaign.status.has_ended:
                found.append(campaign)

    reply = probe.attempt(read)
    for item in [one for one in probe.state.made if one.kind == "campaign" and not one.confirmed and not one.gone]:
        # A long list may not be sorted newest first, and the name filter may work.
        probe.attempt(partial(read, item.name))
    pages = [answer for answer in reply.answers if answer.path == "/campaigns" and objects_of(answer)]
    for campaign in list(found):
        item = _find_or_add_item(probe, campaign)
        if item.id != campaign.id:
            item.id = probe.safe_id(campaign.id)
        item.confirmed, item.gone = item.id is not None, False
    probe.state.save()
    return found, "whole" if reply.error is None else "part" if pages else ""


def _find_or_add_item(probe: Probe, campaign: Campaign) -> CreatedItem:
    """Return the item of a campaign of ours in the list; add one if there is none."""
    campaigns = [one for one in probe.state.made if one.kind == "campaign"]
    known = next((one for one in campaigns if one.id == campaign.id and one.confirmed), None)
    # An item whose id was never confirmed may be this campaign; then the id in the list is the right one.
    lost = (one for one in campaigns if not one.confirmed and one.is_named(campaign.name))
    if (item := known or next(lost, None)) is None:
        item = CreatedItem("campaign", f"Exotel-Verify {probe.state.token}", probe.state.token)
        probe.state.made.append(item)
    return item


def _was_refused(now: float, item: CreatedItem) -> bool:
    # A contact list dials nobody. A campaign may have been created despite the refusal and be listed later.
    return item.refused and (item.kind == "list" or item.sent_at <= now - _SETTLE)


def _mark_never_created(probe: Probe, which: Callable[[CreatedItem], bool], *, is_read: bool) -> None:
    """Mark items as never created if they are not listed, such as a create whose answer was lost."""
    for item in probe.state.made:
        was_searched = is_read if item.kind == "campaign" else id(item) in probe.cache.get("absent", ())
        if not item.confirmed and was_searched and which(item):
            item.gone = True
    probe.state.save()
