"""The summary of a report: a few counts and rates that may be stored in Airflow's database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from airflow_provider_exotel.create.cost import Tariff
from airflow_provider_exotel.report.accounting import Accounting
from airflow_provider_exotel.report.campaign_report import CampaignReport
from airflow_provider_exotel.report.figures import Figures
from airflow_provider_exotel.report.recordings import RecordingCounts


def summarize(reports: Sequence[CampaignReport], tariff: Tariff | None = None) -> dict[str, Any]:
    """Return the counts and rates of all campaigns together, without numbers, names and contacts.

    :param reports: one for each campaign.
    :param tariff: the price of a minute, ``None`` if unknown.
    :return: ``campaigns``, ``contacts``, ``reached``, ``not_reached`` by reason, ``never_tried``, ``attempts``,
        ``reach_rate`` (reached of contacts), ``answer_rate`` (answered of attempts), ``digits``, ``talked_seconds``,
        ``cost`` (text, ``None`` if no call has a price), ``minutes_charged``, ``cost_by_minutes`` (text, ``None``
        without a tariff), ``currency``, ``outside_window``, ``called_too_often``, ``adds_up``
        (``None`` if a campaign has no counts to compare with), and ``differences`` (absolute differences from the
        campaigns' own counts); ``recordings`` by result, only if they are to be saved.
    """
    accounting = Accounting.merge(one.accounting for one in reports)
    figures = Figures.merge(one.figures for one in reports)
    differences: Counter[str] = Counter()
    for what, calls, campaign in accounting.differences:
        differences[what] += abs(calls - campaign)
    recordings = [one.recordings for one in reports if one.recordings is not None]
    return {
        "campaigns": len(reports),
        "contacts": accounting.contacts,
        "reached": accounting.reached,
        "not_reached": dict(sorted(accounting.not_reached.items())),
        "never_tried": accounting.never_tried,
        "attempts": figures.attempts,
        "reach_rate": _rate(accounting.reached, accounting.contacts),
        "answer_rate": _rate(figures.answered, figures.attempts),
        "digits": {digit: count for digit, count in sorted(figures.digits.items()) if digit},
        "talked_seconds": figures.talked,
        "cost": str(figures.cost) if figures.priced else None,
        "minutes_charged": figures.minutes_charged,
        "cost_by_minutes": f"{tariff.cost_of(figures.minutes_charged):.2f}" if tariff else None,
        "currency": (tariff and tariff.currency) or None,
        "outside_window": figures.outside,
        "called_too_often": figures.too_often,
        "adds_up": False if differences else (True if accounting.is_compared else None),
        "differences": dict(differences),
        **({"recordings": RecordingCounts.merge(recordings).as_dict()} if recordings else {}),
    }


def _rate(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
