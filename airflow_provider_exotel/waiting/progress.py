"""How far a campaign is, how fast it goes, when it will be done, and what is wrong with it. Pure.

The pace is what was seen between two polls, never an average since the start: a campaign that was paused for a night
would look slow for the rest of its life.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from airflow_provider_exotel.client.models import Campaign, CampaignStatus
from airflow_provider_exotel.waiting.outcome import Tally, failure_of, outcome_of, tally_of
from airflow_provider_exotel.waiting.owner import Ownership, ownership_of
from airflow_provider_exotel.waiting.wait import LAST_CALLS, LONGEST_LIFE

Sample = tuple[datetime, int]
"""When a campaign was polled, and how many contacts were done then."""
PACE_OVER = timedelta(minutes=10)
"""The time that a pace is measured over at most."""
_SHORTEST = timedelta(seconds=10)
_ENOUGH_CALLED = 20
_MOST_FAILED = 0.5


@dataclass(frozen=True)
class Progress:
    """How far a campaign is.

    :param tally: its contacts by state.
    :param is_counted: whether the service gave counts at all.
    :param per_minute: contacts done per minute; ``None`` if it does not dial or was polled only once.
    :param expected_end: when the last contact will be done at this pace.
    :param too_slow: whether the window closes before that.
    """

    tally: Tally
    is_counted: bool
    per_minute: float | None = None
    expected_end: datetime | None = None
    too_slow: bool = False


def progress_of(campaign: Campaign, first: Sample | None, now: datetime) -> Progress:
    """Return how far a campaign is.

    :param campaign: the campaign, as it was polled.
    :param first: an earlier sample of it, ``None`` if there is none.
    :param now: when it was polled.
    """
    tally = tally_of(campaign.stats, ended=campaign.status.has_ended)
    progress = Progress(tally, is_counted=bool(campaign.stats.given))
    if first is None or campaign.status is not CampaignStatus.IN_PROGRESS or now - first[0] < _SHORTEST:
        return progress
    per_minute = max(0, tally.done - first[1]) / ((now - first[0]).total_seconds() / 60)
    if not per_minute or not tally.open:
        return Progress(tally, progress.is_counted, per_minute)
    latest = campaign.schedule.end_at or (campaign.date_created or now) + LONGEST_LIFE
    minutes = tally.open / per_minute
    too_slow = minutes * 60 > (latest - now).total_seconds()
    return Progress(
        tally, progress.is_counted, per_minute, None if too_slow else now + timedelta(minutes=minutes), too_slow
    )


def add_sample(samples: tuple[Sample, ...], campaign: Campaign, now: datetime) -> tuple[Sample, ...]:
    """Return the samples of a campaign after another poll, none while it does not dial.

    :param samples: the samples so far, oldest first.
    :param campaign: the campaign, as it was polled.
    :param now: when it was polled.
    """
    if campaign.status is not CampaignStatus.IN_PROGRESS:
        return ()
    recent = tuple(one for one in samples if now - one[0] <= PACE_OVER)
    return (*recent, (now, tally_of(campaign.stats).done))


def find_problems(
    campaign: Campaign, progress: Progress, now: datetime, *, task_state: str | None = None, is_awaited: bool = False
) -> list[str]:
    """Return what is wrong with a campaign, each as a sentence without numbers of people or names.

    :param campaign: the campaign.
    :param progress: how far it is.
    :param now: the present moment.
    :param task_state: Airflow's word for the state of its task, ``None`` if unknown.
    :param is_awaited: whether its task waits for it.
    """
    if campaign.status.has_ended:
        failure = failure_of(outcome_of(campaign)) if progress.is_counted else None
        # The sentence begins with the campaign, which stands above it.
        return (
            [_sentence(failure.removeprefix(f"campaign {campaign.id} ({outcome_of(campaign).status}) "))]
            if failure
            else []
        )
    return [text for holds, text in _checks(campaign, progress, now, task_state, is_awaited) if holds]


def _checks(
    campaign: Campaign, progress: Progress, now: datetime, task_state: str | None, is_awaited: bool
) -> list[tuple[bool, str]]:
    status, end_at, tally = campaign.status, campaign.schedule.end_at, progress.tally
    may_dial = status is not CampaignStatus.PAUSED
    called = tally.reached + sum(tally.not_reached.values())
    failed = sum(tally.not_reached.get(reason, 0) for reason in ("failed", "invalid"))
    has_ended = task_state is not None and ownership_of(task_state) is Ownership.ENDED and task_state != "success"
    return [
        (status is CampaignStatus.UNKNOWN, "Exotel names a status that this version does not know."),
        (status is CampaignStatus.PAUSED, "It is paused and calls nobody until it is resumed."),
        (
            status is CampaignStatus.PAUSED and end_at is not None and end_at <= now,
            "Its window has closed; resuming it calls nobody.",
        ),
        (
            status is CampaignStatus.IN_PROGRESS and end_at is not None and end_at + LAST_CALLS <= now,
            "It still shows as dialling after its window has closed.",
        ),
        (may_dial and end_at is None, "It has no end: Exotel dials for up to 30 days, through every night."),
        (progress.too_slow, "At this pace its window closes before everybody is called."),
        (progress.per_minute == 0 and tally.open > 0, "No contact was completed since the last minutes' polls."),
        (
            called >= _ENOUGH_CALLED and failed > _MOST_FAILED * called,
            "More than half of the calls fail: check balance, ExoPhone, flow and numbers.",
        ),
        (may_dial and has_ended, f"Airflow shows its task as {task_state}, and the campaign may still dial."),
        (may_dial and is_awaited and task_state == "success", "Its task has ended, and the campaign may still dial."),
    ]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
