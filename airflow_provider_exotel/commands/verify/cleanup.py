"""Removes what was created: deletes it, or ends it where it cannot be deleted, and confirms that by reading."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

from airflow_provider_exotel.client.answer_forms import objects
from airflow_provider_exotel.client.errors import ExotelError, ExotelNotFound
from airflow_provider_exotel.client.models import Campaign
from airflow_provider_exotel.commands.verify.probe import NEWEST, Probe
from airflow_provider_exotel.commands.verify.state import Made

_WAITS = (0, 1, 2, 4, 8, 15, 30, 60, 60, 60, 120, 120, 120, 120)
"""Seconds between the rounds, twelve minutes in all: longer than a new campaign takes to be in the list."""
_SHORT_WAITS = (0, 2, 5, 10)
_ENOUGH, _LONG = 4, 15
_SETTLE = 120.0
"""Seconds after which a list without a campaign proves that its create was refused."""


def clean_up(probe: Probe, say: Callable[[str], None]) -> list[Made]:
    """Remove what is not gone, and return what is left.

    :param probe: the account.
    :param say: prints a line.
    """
    if not probe.state.made:
        return []
    read = ""
    for done, wait in enumerate(_WAITS):
        if wait >= _LONG:
            say(f"Not all is certainly gone; looking again in {wait} s. Ctrl-C names what is left and ends.")
        probe.pace.sleep(wait)
        for made in [one for one in probe.state.made if not one.gone]:
            _remove(probe, made)
            probe.state.save()
        found, read = _sweep(probe)
        _forget(probe, partial(_was_refused, probe.pace.now().timestamp()), is_read=bool(read))
        # What was confirmed one by one needs no list; it is only looked through for what nobody knew of.
        if not found and all(one.gone for one in probe.state.made) and (read == "whole" or done >= _ENOUGH):
            return []
    # Under an id that a create was answered with something dials, and nobody can say whose it is.
    _forget(probe, lambda made: not _claims_a_campaign(probe, made), is_read=read == "whole")
    return [one for one in probe.state.made if not one.gone]


def remove_once(probe: Probe, made: Made | None = None) -> None:
    """Remove at once what may exist of one campaign, by default of the last one; the rest follows at the end.

    :param probe: the account.
    :param made: what is known of it.
    """
    one = made or probe.state.made[-1]
    if not one.gone:
        _sweep(probe)
        _remove(probe, one)
        probe.state.save()


def remove_scheduled(probe: Probe) -> int:
    """Remove the campaigns for tomorrow, and return how many of them may still call.

    :param probe: the account.
    """
    counted = probe.cache.get("counted", ())
    left: list[Made] = []
    for wait in _SHORT_WAITS:
        probe.pace.sleep(wait)
        made = [one for one in probe.state.made if one.kind == "campaign" and one.key not in counted]
        for one in (left := [one for one in made if one.confirmed and not one.gone]):
            _remove(probe, one)
        probe.state.save()
        if not (left := [one for one in left if not one.gone]):
            break
    return len(left)


def _remove(probe: Probe, made: Made) -> None:
    """Try once to remove something; what goes wrong is tried again in the next round."""
    try:
        if made.kind == "list":
            made.gone = _list_is_gone(probe, made)
        else:
            made.gone = _campaign_is_gone(probe, made)
    except ExotelError:
        return


def _campaign_is_gone(probe: Probe, made: Made) -> bool:
    if made.id is None or probe.shown(made) is None:
        # Not there, or not ours: the list shows it under its own id, if it exists.
        return made.confirmed and made.id is not None
    campaign_id = made.id
    for step in (
        lambda: probe.client.delete_campaign(campaign_id),
        lambda: probe.client.pause_campaign(campaign_id),
        lambda: probe.client.complete_campaign(campaign_id),
    ):
        campaign = _read(probe, campaign_id)
        if campaign is None or campaign.status.has_ended:
            return True
        probe.question(step)
    campaign = _read(probe, campaign_id)
    return campaign is None or campaign.status.has_ended


def _claims_a_campaign(probe: Probe, made: Made) -> bool:
    if made.claimed is None or made.claimed in {one.id for one in probe.state.made}:
        return False
    try:
        campaign = _read(probe, made.claimed)
    except ExotelError:
        return True
    return campaign is not None and not campaign.status.has_ended


def _read(probe: Probe, campaign_id: str) -> Campaign | None:
    try:
        return probe.ask(lambda: probe.client.get_campaign(campaign_id))
    except ExotelNotFound:
        return None


def _list_is_gone(probe: Probe, made: Made) -> bool:
    if made.id is None or not made.confirmed:
        listed = probe.ask(lambda: list(probe.client.lists.all()))
        taken = {one.id for one in probe.state.made if one is not made}
        found = next((one for one in listed if made.key in one.name and one.sid not in taken), None)
        made.id = None if found is None else probe.safe_id(found.sid)
        made.confirmed = made.id is not None
        if made.id is None:
            probe.cache.setdefault("absent", set()).add(id(made))
            return False
    sid = made.id
    probe.question(lambda: probe.client.lists.delete(sid))
    try:
        probe.ask(lambda: probe.client.lists.get(sid))
    except ExotelNotFound:
        return True
    return False


def _sweep(probe: Probe) -> tuple[list[Campaign], Literal["whole", "part", ""]]:
    """Return the campaigns of our names that may dial, and how much of the list could be read.

    Those that nobody knew of, and those that are not gone after all, are taken up.
    """
    found: list[Campaign] = []

    def read(name: str | None = None) -> None:
        for campaign in probe.client.list_campaigns(most=NEWEST, name=name):
            if probe.state.token in campaign.name.casefold() and not campaign.status.has_ended:
                found.append(campaign)

    reply = probe.question(read)
    for made in [one for one in probe.state.made if one.kind == "campaign" and not one.confirmed and not one.gone]:
        # A long list need not come newest first, and this filter may work.
        probe.question(partial(read, made.name))
    pages = [answer for answer in reply.answers if answer.path == "/campaigns" and objects(answer)]
    for campaign in list(found):
        made = _made_of(probe, campaign)
        if made.id != campaign.id:
            made.id = probe.safe_id(campaign.id)
        made.confirmed, made.gone = made.id is not None, False
    probe.state.save()
    return found, "whole" if reply.error is None else "part" if pages else ""


def _made_of(probe: Probe, campaign: Campaign) -> Made:
    """Return what is known of a campaign of ours in the list; a new entry for one that nobody knew of."""
    campaigns = [one for one in probe.state.made if one.kind == "campaign"]
    known = next((one for one in campaigns if one.id == campaign.id and one.confirmed), None)
    # Under an id that was never shown with its name, it may be this one; the id of the list is the right one.
    lost = (one for one in campaigns if not one.confirmed and one.key.casefold() in campaign.name.casefold())
    if (made := known or next(lost, None)) is None:
        made = Made("campaign", f"Exotel-Verify {probe.state.token}", probe.state.token)
        probe.state.made.append(made)
    return made


def _was_refused(now: float, made: Made) -> bool:
    # A list dials nobody; a campaign may have been created all the same, and shows only after a while.
    return made.refused and (made.kind == "list" or made.sent_at <= now - _SETTLE)


def _forget(probe: Probe, which: Callable[[Made], bool], *, is_read: bool) -> None:
    """Take for never created what the list does not show: a create whose answer was lost may be that after a while."""
    for made in probe.state.made:
        looked_for = is_read if made.kind == "campaign" else id(made) in probe.cache.get("absent", ())
        if not made.confirmed and looked_for and which(made):
            made.gone = True
    probe.state.save()
