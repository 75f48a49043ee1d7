"""The page of one planned campaign: its contacts, schedule, estimated cost and warnings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow_provider_exotel.create.dry_run import CampaignPlan
from airflow_provider_exotel.create.identity import without_key
from airflow_provider_exotel.html.render import quantity, render


def render_page(plan: CampaignPlan) -> str:
    """Return the plan as a self-contained HTML page without phone numbers."""
    return render(
        "campaign_plan.html",
        title=without_key(plan.request.name or "") or "A campaign",
        subtitle="A dry run; nothing was sent",
        plan=plan,
        key_figures=list(_key_figures(plan)),
        fields=[(name, _shown(value)) for name, value in plan.request.safe_payload().items()],
    )


def _key_figures(plan: CampaignPlan) -> Iterator[tuple[str, str, str]]:
    left_out = f"{quantity(plan.rejected, 'entry', 'entries')} left out" if plan.rejected else ""
    yield "contacts", "in lists" if plan.contacts is None else f"{plan.contacts:,}", left_out
    yield "calls to each", f"{plan.attempts:,}", "at most"
    if plan.minutes_to_finish is not None:
        yield "minutes to dial", f"{plan.minutes_to_finish:,}", "at least, with all retries"
    if plan.cost is not None:
        describe = plan.cost.tariff.describe
        yield "may cost", describe(plan.cost.expected), f"at most {describe(plan.cost.worst_case)}"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_shown(one)}" for name, one in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
