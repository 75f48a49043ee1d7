"""The progress of a campaign: its pace, its expected end, and its problems. Pure.

The pace is measured between two polls and never since the start: after a night's pause, such an average would stay too
low.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from airflow_provider_exotel.client.models import Campaign, CampaignStatus
from airflow_provider_exotel.waiting.outcome import Tally, failure_of, outcome_of, tally_of
from airflow_provider_exotel.waiting.owner import Ownership, ownership_of
from airflow_provider_exotel.waiting.wait import LAST_CALLS_GRACE, MAX_LIFETIME

Sample = tuple[datetime, int]
"""The time of a poll, and the number of contacts done at that time."""
PACE_OVER = timedelta(minutes=10)
"""Maximum time over which the pace is measured."""
_MIN_PACE_TIME = timedelta(seconds=10)
_MIN_CALLED = 20
_MAX_FAILED_SHARE = 0.5


@dataclass(frozen=True)
class Progress:
    """The progress of a campaign.

    :param tally: its contacts by state.
    :param is_counted: whether the service returned counts.
    :param per_minute: contacts done per minute; ``None`` if it does not dial or was polled only once.
    :param expected_end: when all contacts will be done at this pace.
    :param too_slow: whether the window closes before all contacts are done.
    """

    tally: Tally
    is_counted: bool
    per_minute: float | None = None
    expected_end: datetime | None = None
    too_slow: bool = False


def progress_of(
    campaign: Campaign,
    first: Sample | None,
    now: datetime,
    *,
    contacts: int | None = None,
    end_at: datetime | None = None,
) -> Progress:
    """Return the progress of a campaign.

    :param campaign: the campaign, as it was polled.
    :param first: an earlier sample; ``None`` for none.
    :param now: when it was polled.
    :param contacts: number of its contacts, if a task knows it; default as the service counts them.
    :param end_at: when its window closes, if a task knows it; default as the service shows it.
    """
    tally = tally_of(campaign.stats, contacts=contacts, ended=campaign.status.has_ended)
    progress = Progress(tally, is_counted=bool(campaign.stats.given))
    if first is None or campaign.status is not CampaignStatus.IN_PROGRESS or now - first[0] < _MIN_PACE_TIME:
        return progress
    per_minute = max(0, tally.done - first[1]) / ((now - first[0]).total_seconds() / 60)
    if not per_minute or not tally.open:
        return Progress(tally, progress.is_counted, per_minute)
    latest = end_at or campaign.schedule.end_at or (campaign.date_created or now) + MAX_LIFETIME
    minutes = tally.open / per_minute
    too_slow = minutes * 60 > (latest - now).total_seconds()
    return Progress(
        tally, progress.is_counted, per_minute, None if too_slow else now + timedelta(minutes=minutes), too_slow
    )


def add_sample(samples: tuple[Sample, ...], campaign: Campaign, now: datetime) -> tuple[Sample, ...]:
    """Return the samples of a campaign after another poll; empty if it does not dial.

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
    """Return the problems of a campaign, each as a sentence without phone numbers or names.

    :param campaign: the campaign.
    :param progress: its progress.
    :param now: the current time.
    :param task_state: the state of its task in Airflow; ``None`` if unknown.
    :param is_awaited: whether its task waits for it.
    """
    if campaign.status.has_ended:
        failure = failure_of(outcome_of(campaign)) if progress.is_counted else None
        # The page shows the campaign above the sentence, so its name is removed here.
        return (
            [_sentence(failure.removeprefix(f"campaign {campaign.id} ({outcome_of(campaign).status}) "))]
            if failure
            else []
        )
    return [text for holds, text in _checks(campaign, progress, now, task_state, is_awaited) if holds]


def _checks(
    campaign: Campaign, progress: Progress, now: datetime, task_state: str | None, is_awaited: bool
) -> list[tuple[bool, str]]:
    status, send_at, end_at = campaign.status, campaign.schedule.send_at, campaign.schedule.end_at
    tally = progress.tally
    may_dial = status is not CampaignStatus.PAUSED
    called = tally.reached + sum(tally.not_reached.values())
    failed = sum(tally.not_reached.get(reason, 0) for reason in ("failed", "invalid"))
    has_ended = task_state is not None and ownership_of(task_state) is Ownership.ENDED and task_state != "success"
    return [
        (status is CampaignStatus.UNKNOWN, "Exotel returned a status that this version does not know."),
        (status is CampaignStatus.PAUSED, "It is paused and calls nobody until it is resumed."),
        (
            status is CampaignStatus.PAUSED and send_at is not None and now < send_at,
            "It can be resumed here once its window opens.",
        ),
        (
            status is CampaignStatus.PAUSED and end_at is not None and end_at <= now,
            "Its window has closed; resuming it calls nobody.",
        ),
        (
            status is CampaignStatus.IN_PROGRESS and end_at is not None and end_at + LAST_CALLS_GRACE <= now,
            "It still shows as dialling after its window has closed.",
        ),
        (may_dial and end_at is None, "It has no end: Exotel dials for up to 30 days, through every night."),
        (progress.too_slow, "At this pace its window closes before everybody is called."),
        (progress.per_minute == 0 and tally.open > 0, "No contact was completed in the last few minutes."),
        (
            called >= _MIN_CALLED and failed > _MAX_FAILED_SHARE * called,
            "More than half of the calls fail: check balance, ExoPhone, flow and numbers.",
        ),
        (may_dial and has_ended, f"Airflow shows its task as {task_state}, and the campaign may still dial."),
        (may_dial and is_awaited and task_state == "success", "Its task has ended, and the campaign may still dial."),
    ]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
