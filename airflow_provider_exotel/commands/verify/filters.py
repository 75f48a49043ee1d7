"""Checks of the filters of the list; they only read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.errors import ExotelRequestRefused, ExotelServerError
from airflow_provider_exotel.client.models import CampaignStatus
from airflow_provider_exotel.client.profile import Profile
from airflow_provider_exotel.commands.verify.check import Check
from airflow_provider_exotel.commands.verify.finding import Finding, Inconclusive
from airflow_provider_exotel.commands.verify.probe import Probe, id_of

_SHORTEST_NAME = 6
_MEANINGS = {
    "exact": "compares the whole name",
    "substring": "finds parts of the name, in the same case",
    "casefold": "finds parts of the name, in any case",
    "ignored": "is ignored",
    "failing": "makes the service fail",
}


def name_filter(probe: Probe) -> Finding:
    """Filter by an unused name, a whole name, a part of it, and a part in another case."""
    campaign = _reference(probe)
    name = str(campaign["name"])
    if len(name) < _SHORTEST_NAME or name.casefold() == name.swapcase():
        raise Inconclusive("the name of the newest campaign cannot distinguish the filters")
    inner = name[1:-1]
    word = _name_filter(probe, campaign, name, inner)
    return Finding(f"the name filter {_MEANINGS[word]}", "it does not use the filter", {"name_filter": word})


def _name_filter(probe: Probe, campaign: Mapping[str, Any], name: str, inner: str) -> str:
    try:
        if _contains(probe.list_raw(name=f"none {probe.state.token[::-1]}"), campaign):
            return "ignored"
    except ExotelServerError:
        probe.list_raw()  # the list itself works
        try:
            probe.list_raw(name=name)
        except ExotelServerError:
            return "failing"
        raise
    if not _contains(probe.list_raw(name=name), campaign):
        raise Inconclusive("the filter does not find a campaign by its whole name")
    if not _contains(probe.list_raw(name=inner), campaign):
        return "exact"
    return "casefold" if _contains(probe.list_raw(name=inner.swapcase()), campaign) else "substring"


def status_filter(probe: Probe) -> Finding:
    """Filter by the status of a campaign in both spellings, and by a status that it does not have."""
    campaign = _reference(probe)
    status = CampaignStatus.of(campaign.get("status"))
    if status in {CampaignStatus.UNKNOWN, CampaignStatus.ARCHIVED}:
        raise Inconclusive("the status of the newest campaign cannot distinguish the filters")
    by_hyphen = probe.another_client(profile=Profile(status_filter="hyphen"))
    try:
        found = [_finds(probe, client, status, campaign) for client in (probe.client, by_hyphen)]
        others = [_finds(probe, client, CampaignStatus.ARCHIVED, campaign) for client in (probe.client, by_hyphen)]
    finally:
        by_hyphen.close()
    if any(others):
        word = "ignored"
    elif any(found):
        word = "any" if all(found) else "title" if found[0] else "hyphen"
    else:
        raise Inconclusive("the filter finds the campaign in neither spelling")
    means = {
        "ignored": "is ignored",
        "any": "understands both spellings",
        "title": "understands InProgress only",
        "hyphen": "understands in-progress only",
    }
    does = "it sends the spelling that is understood, and filters the result again"
    return Finding(f"the status filter {means[word]}", does, {"status_filter": word})


def _finds(probe: Probe, client: ExotelClient, status: CampaignStatus, campaign: Mapping[str, Any]) -> bool:
    try:
        return _contains(probe.list_raw(client, status=[status]), campaign)
    except ExotelRequestRefused:
        return False


def _reference(probe: Probe) -> Mapping[str, Any]:
    """Return a campaign of the list: one of ours if possible, otherwise the newest."""
    listed = probe.list_raw()
    visible = probe.cache.get("visible", ())
    ours = next((one for one in listed if id_of(one) in visible), None)
    found = ours or next((one for one in listed if one.get("id") and one.get("name")), None)
    if found is None:
        raise Inconclusive("the account has no campaign yet")
    return found


def _contains(listed: list[Mapping[str, Any]], campaign: Mapping[str, Any]) -> bool:
    return id_of(campaign) in [id_of(one) for one in listed]


FILTERS: tuple[Check, ...] = (
    Check(
        "name-filter",
        "how the name filter of the list compares names",
        "filters by an unused name, a whole name, a part, and a part in another case",
        name_filter,
        "it does not use the filter",
        fields=("name_filter",),
    ),
    Check(
        "status-filter",
        "which spelling of a status the list filter understands",
        "filters by a status in both spellings, and by another status",
        status_filter,
        "it sends InProgress, and filters the result again",
        fields=("status_filter",),
    ),
)
