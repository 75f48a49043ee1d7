"""Checks with campaigns that are scheduled a day ahead and deleted before they dial."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

from airflow_provider_exotel.client.answer_forms import form_of_campaign, form_of_counts, objects_of
from airflow_provider_exotel.client.errors import ExotelError, ExotelNotFound
from airflow_provider_exotel.client.models import Campaign, CampaignStatus
from airflow_provider_exotel.commands.verify.check import Check
from airflow_provider_exotel.commands.verify.cleanup import remove_once
from airflow_provider_exotel.commands.verify.finding import Finding, Inconclusive
from airflow_provider_exotel.commands.verify.probe import Probe, Reply, id_of, is_refusal
from airflow_provider_exotel.commands.verify.state import CreatedItem

_LIST_POLLS = (0, 1, 2, 5, 10, 20, 30, 60, 90, 120)
"""Seconds after a create at which the list is polled."""
_STATUSES = (400, 403, 409)
_MORE = timedelta(minutes=10)
_RETRIES = {"number_of_retries": 1, "interval_mins": 15, "mechanism": "Linear", "on_status": ["busy"]}


def scheduled_campaign(probe: Probe) -> tuple[str, Campaign]:
    """Return a campaign of ours that has not started, and its id; create it if there is none.

    :raises ExotelError: if it cannot be created or read.
    """
    item: CreatedItem | None = probe.cache.get("scheduled")
    if item is None or item.gone:
        item = probe.cache["scheduled"] = probe.create(call_retries=_RETRIES)
    campaign = probe.fetch_own(item)
    if campaign is None or item.id is None:
        probe.cache.pop("scheduled", None)
        raise Inconclusive("a campaign that was created does not exist any more")
    if campaign.status is not CampaignStatus.CREATED:
        probe.cache.pop("scheduled", None)
        if campaign.status is CampaignStatus.PAUSED:
            remove_once(probe, item)
        else:
            probe.state.calls += 1
            _has_dialled(probe, item)
        raise Inconclusive("a campaign that is scheduled for tomorrow is not in the status created")
    return item.id, campaign


def pause(probe: Probe, campaign_id: str) -> None:
    """Pause a campaign.

    :raises Inconclusive: if it does not show the pause.
    :raises ExotelError: if it was refused, or has no answer.
    """
    probe.request(lambda: probe.client.pause_campaign(campaign_id))
    paused = probe.fetch_until(campaign_id, lambda one: one.status is CampaignStatus.PAUSED)
    if paused.status is not CampaignStatus.PAUSED:
        raise Inconclusive("the answer to a pause is a success, but the campaign is not paused")


def _resume(probe: Probe, campaign_id: str) -> Reply:
    """Resume a campaign that has not started. If that makes it dial, remove it and resume no other.

    :raises Inconclusive: if it might make more calls than are allowed.
    """
    item: CreatedItem = probe.cache.pop("scheduled")
    if "resume dials" in probe.cache:
        raise Inconclusive("a campaign resumed before its start dialled at once, so no other is resumed")
    probe.reserve_calls(1)
    reply = probe.attempt(lambda: probe.client.resume_campaign(campaign_id))
    is_refused = is_refusal(reply.error)
    try:
        campaign = probe.fetch_until(campaign_id, lambda one: is_refused or one.status is not CampaignStatus.PAUSED)
    except ExotelError:
        _has_dialled(probe, item)
        return reply
    if campaign.status is CampaignStatus.PAUSED and not is_refused:
        remove_once(probe, item)  # it may be resumed later and dial then, so the call stays reserved
    elif campaign.status in {CampaignStatus.CREATED, CampaignStatus.PAUSED}:
        probe.cache["scheduled"] = item
        probe.state.calls -= 1  # the reserved call was not made
        probe.state.save()
    else:
        _has_dialled(probe, item)
    return replace(reply, value=campaign)


def _has_dialled(probe: Probe, item: CreatedItem) -> None:
    probe.cache["resume dials"] = True
    probe.state.save()
    remove_once(probe, item)


def list_delay(probe: Probe) -> Finding:
    """Create a campaign, and poll the list until it is in it."""
    item = probe.cache["scheduled"] = probe.create(call_retries=_RETRIES)
    probe.cache["form"] = probe.cache["create"][-1].wrapped
    after = _seconds_until_listed(probe, item)
    if after is None:
        raise Inconclusive(f"the campaign was not in the list after {_LIST_POLLS[-1]} s")
    return Finding(
        "at once" if not after else f"within {after} s",
        f"after a lost answer it polls for {max(probe.settings.settle, 2 * after)} s before it sends again",
        {"list_delay_seconds": after},
    )


def request_body(probe: Probe) -> Finding:
    """Create a campaign in the body form that has not worked yet."""
    wrapped = probe.cache.get("form")
    if wrapped is None:
        _seconds_until_listed(probe, probe.create())
        wrapped = probe.cache["create"][-1].wrapped
    word = "wrapped" if wrapped else "both"
    # The other checks of the list need a second campaign, so one is made in any case.
    client = probe.another_client(request_body="wrapped")
    try:
        _seconds_until_listed(probe, probe.create(client=client))
    except ExotelError as error:
        if wrapped or not is_refusal(error):
            raise
        word = "documented"
        _seconds_until_listed(probe, probe.create())
    finally:
        client.close()
    form = "wrapped" if word == "wrapped" else "documented"
    answer = "it accepts both forms" if word == "both" else f"it accepts the {word} form only"
    return Finding(answer, f"it sends the {form} form at once", {"request_body": word})


def _seconds_until_listed(probe: Probe, item: CreatedItem) -> int | None:
    shown_after: int = probe.cache["shown after"]
    for before, after in pairwise((0, *_LIST_POLLS)):
        probe.pace.sleep(after - before)
        if item.id in [id_of(one) for one in probe.list_raw()]:
            probe.cache.setdefault("visible", set()).add(item.id)
            return shown_after + after
    return None


def answer_form(probe: Probe) -> Finding:
    """Read a campaign of ours."""
    known = _form(probe, "response_as_object", "summary")
    of = "an object" if known["response_as_object"] else "a list"
    return Finding(f"response is {of}, its summary is {known['summary']}", "it reads every form", known)


def status_words(probe: Probe) -> Finding:
    """Read the status of a campaign of ours."""
    known = _form(probe, "status_style")
    word = "Created, InProgress" if known["status_style"] == "title" else "created, in-progress"
    return Finding(f"as in {word}", "it folds case, hyphens and spaces", known)


def counts(probe: Probe) -> Finding:
    """Read the counts of a campaign of ours."""
    known = _form(probe, "counts_as_strings", "omit_zero_counts") | _form(probe, optional=("stats_keys",))
    if "stats_keys" not in known:
        campaign_id, _ = scheduled_campaign(probe)
        reply = probe.attempt(lambda: probe.client.pause_campaign(campaign_id))
        for answer in reply.answers:
            known |= {"stats_keys": word} if (word := _names_of_counts(objects_of(answer))) else {}
        with suppress(Inconclusive):
            _resume(probe, campaign_id)
    if "stats_keys" not in known:
        raise Inconclusive("too few counts are shown to identify the spelling of their names", known)
    kind = "text" if known["counts_as_strings"] else "numbers"
    zeros = "zeros left out" if known["omit_zero_counts"] else "zeros shown"
    spelled = "in_progress" if known["stats_keys"] == "underscore" else "in-progress"
    return Finding(f"spelled like {spelled}, as {kind}, {zeros}", "it reads both; a missing count is 0", known)


def echo(probe: Probe) -> Finding:
    """Check whether a campaign of ours shows its numbers."""
    known = _form(probe, "echo_numbers")
    shows = known["echo_numbers"]
    does = "it compares audiences by them" if shows else "it compares audiences by the fingerprint in the name"
    return Finding(f"answers {'repeat' if shows else 'do not repeat'} the numbers", does, known)


def no_calls(probe: Probe) -> Finding:
    """Request the calls of a campaign that has not dialled."""
    campaign_id, _ = scheduled_campaign(probe)
    reply = probe.attempt(lambda: list(probe.client.call_details(campaign_id)))
    calls = [answer for answer in reply.answers if answer.path.endswith("/call-details")]
    if reply.error is not None or not calls:
        raise reply.error or Inconclusive("there was no answer")
    word = "404" if calls[-1].status == _NOT_FOUND else "empty"
    if reply.value:
        raise Inconclusive("a campaign that has not dialled shows calls")
    return Finding("HTTP 404" if word == "404" else "an empty list", "both count as no calls", {"no_calls": word})


def wrong_state(probe: Probe) -> Finding:
    """Resume a campaign that is not paused."""
    campaign_id, _ = scheduled_campaign(probe)
    reply = _resume(probe, campaign_id)
    if reply.error is None:
        if not any(answer.method == "PUT" and answer.status < _MULTIPLE_CHOICES for answer in reply.answers):
            raise Inconclusive("the answer was lost")
        return Finding("the answer is a success", "it reads the campaign again after each change")
    if not is_refusal(reply.error) or reply.error.http_status not in _STATUSES:
        raise reply.error
    status = reply.error.http_status
    return Finding(f"HTTP {status}", "it reads the campaign again", {"wrong_state_status": status})


def pause_and_resume(probe: Probe) -> Finding:
    """Pause and resume a campaign that has not started."""
    campaign_id, _ = scheduled_campaign(probe)
    pause(probe, campaign_id)
    reply = _resume(probe, campaign_id)
    if reply.error is not None:
        raise reply.error
    resumed: Campaign = reply.value
    if resumed.status is CampaignStatus.PAUSED:
        raise Inconclusive("the answer to a resume is a success, but the campaign is still paused")
    word = resumed.status.value
    return Finding(
        f"both work before the start; after a resume it is {word}", "created and in-progress both count as resumed"
    )


def edit(probe: Probe) -> Finding:
    """Change the schedule of a campaign that has not started, and compare its other fields."""
    campaign_id, campaign = scheduled_campaign(probe)
    if campaign.schedule.send_at is None or campaign.schedule.end_at is None:
        raise Inconclusive("the campaign does not show its schedule")
    before = _read(probe, campaign_id)
    wanted = {"send_at": campaign.schedule.send_at, "end_at": campaign.schedule.end_at + _MORE}
    name = campaign.name
    probe.request(lambda: probe.client.update_campaign(campaign_id, name=name, schedule=wanted))
    changed = probe.fetch_until(campaign_id, lambda one: one.schedule.end_at == wanted["end_at"])
    after = _read(probe, campaign_id)
    if changed.schedule.end_at != wanted["end_at"]:
        word = "ignore"
    else:
        kept = all(after.get(field) == before[field] for field in _OMITTED_FIELDS if field in before)
        word = "merge" if kept else "replace"
    answers = {
        "merge": "omitted fields are kept",
        "replace": "omitted fields are reset",
        "ignore": "the answer is a success, but nothing changes",
    }
    return Finding(answers[word], "it reads the campaign again after each edit", {"edits": word})


def unknown_keys(probe: Probe) -> Finding:
    """Create a campaign with an undocumented field."""
    word = "ignore"
    try:
        probe.create(extra_fields={"verify_unknown_field": 1})
    except ExotelError as error:
        if not is_refusal(error):
            raise
        word = "refuse"
    answer = "it is ignored" if word == "ignore" else "it is refused"
    return Finding(answer, "it sends documented fields only, unless extra_fields is given", {"unknown_keys": word})


def delete(probe: Probe) -> Finding:
    """Delete a campaign that has not started, and read it and the list again."""
    campaign_id, _ = scheduled_campaign(probe)
    reply = probe.attempt(lambda: probe.client.delete_campaign(campaign_id))
    if reply.error is not None:
        if not is_refusal(reply.error):
            raise reply.error
        return Finding(
            "a campaign that has not started cannot be deleted", "it pauses and completes", {"deletes": "never"}
        )
    item: CreatedItem = probe.cache.pop("scheduled")
    try:
        again = probe.fetch_until(campaign_id, lambda one: one.status is CampaignStatus.DELETED)
    except ExotelNotFound:
        word = "404"
    else:
        word = "deleted" if again.status is CampaignStatus.DELETED else ""
    if not word:
        raise Inconclusive("the answer to a delete is a success, but the campaign still exists")
    item.gone = True
    probe.state.save()
    listed = campaign_id in [id_of(one) for one in probe.list_raw()]
    where = "still in the list" if listed else "not in the list any more"
    shown = "HTTP 404" if word == "404" else "the status Deleted"
    known = {"deleted_get": word, "list_deleted": listed}
    return Finding(f"it is deleted; a read then gets {shown}, and it is {where}", "both count as deleted", known)


def _form(probe: Probe, *wanted: str, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return some answers about the form of a campaign, which is read only once."""
    if "campaign" not in probe.cache:
        campaign_id, _ = scheduled_campaign(probe)
        reply = probe.attempt(lambda: probe.client.get_campaign(campaign_id))
        if reply.error is not None or not reply.answers:
            raise reply.error or Inconclusive("there was no answer")
        probe.cache["campaign"] = form_of_campaign(reply.answers[-1])
    form: Mapping[str, Any] = probe.cache["campaign"]
    if any(name not in form for name in wanted):
        raise Inconclusive("the form is not visible in the answer")
    return {name: form[name] for name in (*wanted, *optional) if name in form}


def _read(probe: Probe, campaign_id: str) -> Mapping[str, Any]:
    reply = probe.attempt(lambda: probe.client.get_campaign(campaign_id))
    if reply.error is not None or not reply.answers:
        raise reply.error or Inconclusive("there was no answer")
    return objects_of(reply.answers[-1])[0]


def _names_of_counts(campaigns: list[Mapping[str, Any]]) -> str | None:
    forms = (form_of_counts(one.get("stats")) for one in campaigns)
    return next((form["stats_keys"] for form in forms if "stats_keys" in form), None)


_MULTIPLE_CHOICES, _NOT_FOUND = 300, 404
_OMITTED_FIELDS = ("read_via_text", "retries", "custom_field", "mode", "throttle")

# These run first, since the checks of the list need two campaigns in it.
CREATES: tuple[Check, ...] = (
    Check(
        "list-delay",
        "how soon a new campaign is in the list",
        "creates a campaign for tomorrow and polls the list until it is there",
        list_delay,
        "it looks up before each create; after a lost answer it polls for the settle time",
        support="After which time is a new campaign certainly in the list?",
        fields=("list_delay_seconds",),
    ),
    Check(
        "request-body",
        'whether a create accepts the bare object of the create-campaign page or the older `{"campaigns": [...]}`',
        "creates a campaign for tomorrow in either form",
        request_body,
        "`request_body=auto`: the bare object first, the other if that was definitely refused",
        fields=("request_body",),
    ),
)
CAMPAIGNS: tuple[Check, ...] = (
    Check(
        "answer-form",
        "whether an answer is a list or an object, and where its summary is",
        "reads a campaign for tomorrow",
        answer_form,
        "it reads every form",
        fields=("response_as_object", "summary"),
    ),
    Check(
        "status-words",
        "how a status is spelled",
        "reads a campaign for tomorrow",
        status_words,
        "it understands every spelling",
        fields=("status_style",),
    ),
    Check(
        "counts",
        "how counts are named and written",
        "reads a campaign for tomorrow",
        counts,
        "it reads both names; a missing count is 0",
        fields=("stats_keys", "counts_as_strings", "omit_zero_counts"),
    ),
    Check(
        "echo",
        "whether answers repeat the numbers",
        "reads a campaign for tomorrow",
        echo,
        "it compares audiences by the fingerprint in the name",
        fields=("echo_numbers",),
    ),
    Check(
        "no-calls",
        "whether `call-details` of a campaign without a call is 404 or empty",
        "requests the calls of a campaign for tomorrow",
        no_calls,
        "both count as no calls",
        fields=("no_calls",),
    ),
    Check(
        "wrong-state",
        "the answer to an action in the wrong state",
        "resumes a campaign that is not paused",
        wrong_state,
        "it reads the campaign again, whatever the status",
        fields=("wrong_state_status",),
    ),
    Check(
        "pause-resume",
        "whether a campaign can be paused and resumed before its start",
        "pauses and resumes a campaign for tomorrow",
        pause_and_resume,
        "created and in-progress both count as resumed",
    ),
    Check(
        "edit",
        "whether an edit keeps the fields that it omits",
        "changes the schedule of a campaign for tomorrow",
        edit,
        "the edit is sent as given, and the campaign is read again",
        support="Does PUT on a campaign keep the fields that the body omits?",
        fields=("edits",),
    ),
    Check(
        "unknown-keys",
        "whether an undocumented field is ignored or refused",
        "creates a campaign for tomorrow with such a field",
        unknown_keys,
        "it sends documented fields only, unless `extra_fields` is given",
        fields=("unknown_keys",),
    ),
    Check(
        "delete",
        "whether a campaign that has not started can be deleted, and how it is shown afterwards",
        "deletes a campaign for tomorrow and reads it again",
        delete,
        "404 and the status Deleted both count as deleted",
        fields=("deletes", "deleted_get", "list_deleted"),
    ),
)
