"""The check of campaign names: a later try finds its campaign by the key at the end of the name."""

from __future__ import annotations

from airflow_provider_exotel.client.errors import ExotelError
from airflow_provider_exotel.commands.verify.check import Check
from airflow_provider_exotel.commands.verify.cleanup import remove_once
from airflow_provider_exotel.commands.verify.finding import Finding, Inconclusive
from airflow_provider_exotel.commands.verify.probe import Probe, is_refusal
from airflow_provider_exotel.create.identity import MAX_NAME

_SHORT = "give campaigns short names: the key that finds them is at the end"


def name_length(probe: Probe) -> Finding:
    """Create a campaign with the longest name that a task may send, and read it."""
    if "deleted_get" not in probe.state.found.get("delete", {}).get("known", {}):
        raise Inconclusive("it is not certain that campaigns can be deleted, so no more are created")
    try:
        item = probe.create(name_length=MAX_NAME)
    except ExotelError as error:
        if not is_refusal(error):
            raise
        return Finding(f"a name of {MAX_NAME} characters is refused", _SHORT)
    campaign = probe.fetch_own(item)
    remove_once(probe, item)
    if campaign is None or not campaign.name:
        raise Inconclusive("the campaign does not show its name")
    if campaign.name == item.name.ljust(MAX_NAME, "x"):
        return Finding(f"a name of {MAX_NAME} characters is kept", "it finds campaigns by the key at the end of a name")
    if item.name.ljust(MAX_NAME, "x").startswith(campaign.name):
        return Finding(f"a name is cut after {len(campaign.name)} characters", _SHORT)
    return Finding("a name is changed", _SHORT)


NAMES: tuple[Check, ...] = (
    Check(
        "name-length",
        "whether a campaign keeps a name of 80 characters",
        "creates a campaign for tomorrow with such a name, reads and deletes it",
        name_length,
        "names have at most 80 characters, with the key that finds the campaign at the end",
        support="How long may the name of a campaign be?",
    ),
)
