"""The values of the page's templates. Pure; permissions are checked before.

Texts from the service and from DAGs pass through :func:`airflow_provider_exotel.client.redact.redact`. So a phone
number or a secret in a campaign's name is not on the page.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from airflow_provider_exotel.client.models import Campaign, CampaignStatus
from airflow_provider_exotel.client.redact import redact
from airflow_provider_exotel.create.identity import without_key
from airflow_provider_exotel.html.charts import Bar, describe_stretches, draw_stack
from airflow_provider_exotel.html.render import percent, quantity
from airflow_provider_exotel.waiting.control import ALLOWED
from airflow_provider_exotel.waiting.emergency_stop import MAY_BE_RESUMED
from airflow_provider_exotel.waiting.owner import TaskKey
from airflow_provider_exotel.waiting.progress import Progress, find_problems, progress_of
from airflow_provider_exotel.waiting.sweep import ACTIVE

if TYPE_CHECKING:
    from airflow_provider_exotel.plugin.account import Snapshot, StopEverything
    from airflow_provider_exotel.plugin.tasks import Found, OwningTask

PAGE_SIZE = 25
STOP_ALL = "stop_all"
ACTIONS: Mapping[str, tuple[str, str]] = {
    "pause": ("Pause", "It calls nobody until it is resumed. Running calls continue to their end."),
    "resume": ("Resume", "It continues calling at once, if its window is open."),
    "stop": ("Stop", "It is paused and then completed, which cannot be undone: nobody else is called by it."),
    STOP_ALL: (
        "Stop everything",
        "Every campaign of this account that dials or will is paused, also those of other Airflows and of people who "
        "use Exotel's dashboard. Each can be resumed. At 30 requests a minute, a hundred take more than three minutes.",
    ),
}
"""Each action: the label of its button, and what it does."""
_REASONS = {"busy": "busy", "no_answer": "no answer", "failed": "failed", "failed_dnd": "blocked", "invalid": "invalid"}
_STYLES = {"busy": "busy", "no_answer": "no-answer", "failed": "failed", "failed_dnd": "blocked", "invalid": "failed"}


@dataclass(frozen=True)
class Shown:
    """A campaign that a viewer may see.

    :param campaign: the campaign.
    :param owner: its task, if known.
    :param progress: its progress.
    :param may_act: whether the viewer may pause, resume and stop it.
    """

    campaign: Campaign
    owner: OwningTask | None
    progress: Progress
    may_act: bool

    @property
    def is_active(self) -> bool:
        """Whether it may still dial, or be resumed."""
        return self.campaign.status in ACTIVE or self.campaign.status is CampaignStatus.UNKNOWN


class Place(NamedTuple):
    """A text, or an address.

    :param text: the text.
    :param copy: whether one click selects it.
    :param href: its target, if it is a link.
    :param label: the text of that link.
    """

    text: str
    copy: bool = False
    href: str | None = None
    label: str = "Open"


@dataclass(frozen=True)
class Airflow:
    """How people open Airflow.

    :param base_url: its address, without a trailing slash.
    :param is_framed: whether the page is inside Airflow's own frame, in which links to Airflow do not work.
    """

    base_url: str
    is_framed: bool

    def address(self, task: TaskKey) -> str | None:
        """Return the address of a task instance, ``None`` if it may contain a phone number."""
        if any(redact(part) != part for part in (task.dag_id, task.run_id, task.task_id)):
            return None
        dag, run, name = (quote(part, safe="") for part in (task.dag_id, task.run_id, task.task_id))
        mapped = f"/mapped/{task.map_index}" if task.map_index >= 0 else ""
        return f"{self.base_url}/dags/{dag}/runs/{run}/tasks/{name}{mapped}"


def show(campaign: Campaign, owner: OwningTask | None, snapshot: Snapshot, may_act: bool) -> Shown:
    """Return a campaign with its progress.

    :param campaign: the campaign.
    :param owner: its task, if known.
    :param snapshot: the latest data of its account.
    :param may_act: whether the viewer may pause, resume and stop it.
    """
    samples = snapshot.samples.get(campaign.id, ())
    first = samples[0] if len(samples) > 1 else None
    at = samples[-1][0] if samples else (snapshot.read_at or datetime.now(UTC))
    return Shown(campaign, owner, progress_of(campaign, first, at), may_act)


def card(shown: Shown, connection: str, airflow: Airflow, secrets: Collection[str], now: datetime) -> dict[str, Any]:
    """Return the values of a campaign's card.

    :param shown: the campaign.
    :param connection: the connection that identifies its account.
    :param airflow: how people open Airflow.
    :param secrets: texts that must not be on any page.
    :param now: the present moment.
    """
    campaign, progress, tally = shown.campaign, shown.progress, shown.progress.tally
    bars = _bars(progress)
    return {
        "id": campaign.id,
        "name": name_of(campaign, secrets),
        "status": campaign.status.value,
        "pace": _pace(progress),
        "picture": draw_stack("Contacts", bars) if bars else None,
        "bars": bars,
        "facts": [*_task_facts(shown.owner, airflow), *_facts(campaign, progress)],
        "problems": find_problems(
            campaign,
            progress,
            now,
            task_state=shown.owner.state if shown.owner else None,
            is_awaited=bool(shown.owner and shown.owner.has_record),
        ),
        "reached": tally.reached,
        "actions": [
            (ACTIONS[action][0], action == "stop", confirm_address(action, connection, campaign.id))
            for action in allowed_actions(shown, now)
        ],
    }


def allowed_actions(shown: Shown, now: datetime) -> list[str]:
    """Return the actions that the viewer may take now."""
    if not shown.may_act:
        return []
    status, may_resume = shown.campaign.status, is_open(shown.campaign, now)
    return [
        action
        for action in ("pause", "resume", "stop")
        if status in ALLOWED[action] and (may_resume or action != "resume")
    ]


def is_open(campaign: Campaign, now: datetime) -> bool:
    """Return whether a campaign's window is open; a campaign that is resumed too early may dial at once."""
    schedule = campaign.schedule
    has_begun = schedule.send_at is None or schedule.send_at <= now
    return has_begun and (schedule.end_at is None or now < schedule.end_at)


def confirm_address(action: str, connection: str, campaign_id: str = "") -> str:
    """Return the address of a confirmation, relative to the page."""
    return "confirm?" + urlencode({"action": action, "connection": connection, "campaign": campaign_id})


def name_of(campaign: Campaign, secrets: Collection[str]) -> str:
    """Return a campaign's name without numbers and secrets."""
    return redact(without_key(campaign.name), secrets) or campaign.id


def page_of(cards: Sequence[Any], number: int) -> dict[str, Any]:
    """Return one page of a list.

    :param cards: the whole list.
    :param number: the number of the page, from 1; a number that is too large gives the last page.
    """
    pages = max(1, -(-len(cards) // PAGE_SIZE))
    number = min(max(1, number), pages)
    first = (number - 1) * PAGE_SIZE
    return {
        "items": cards[first : first + PAGE_SIZE],
        "number": number,
        "pages": pages,
        "before": number - 1 if number > 1 else None,
        "after": number + 1 if number < pages else None,
    }


def plan_rows(plans: Iterable[Found], airflow: Airflow) -> list[dict[str, Any]]:
    """Return the rows of plans that wait for approval, one for each run."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for plan in plans:
        # A plan of an audience, or of one campaign.
        value = plan.value
        people = value.get("accepted", value.get("contacts"))
        rows.setdefault(
            (plan.key.dag_id, plan.key.run_id),
            {
                "task": _task_name(plan.key),
                "run": redact(plan.key.run_id),
                "since": _moment(plan.at, UTC),
                "people": quantity(people, "contact") if isinstance(people, int) else "",
                "approve": _place(airflow.address(plan.key), airflow),
                "page": _place(_web(value.get("url")) or _path(value.get("files")) or _path(value), airflow),
            },
        )
    return list(rows.values())


def report_rows(reports: Iterable[Found], airflow: Airflow) -> list[dict[str, Any]]:
    """Return the rows of reports."""
    return [
        {
            "task": _task_name(report.key),
            "run": redact(report.key.run_id),
            "made": _moment(report.at, UTC),
            "page": _place(_web(report.value.get("url")) or _path(report.value), airflow),
        }
        for report in reports
    ]


def in_order(active: Iterable[Shown]) -> list[Shown]:
    """Return active campaigns in order: dialling campaigns first, campaigns that have not begun last."""
    order = {CampaignStatus.IN_PROGRESS: 0, CampaignStatus.CREATED: 2}
    return sorted(active, key=lambda one: order.get(one.campaign.status, 1))


def describe_stop(stop: StopEverything) -> tuple[str, bool]:
    """Return the state of an account's stop in words, and whether it is good."""
    paused = f"{quantity(stop.paused, 'campaign')} paused"
    if not stop.finished.is_set():
        return f"Everything is being stopped: {paused} so far.", True
    if stop.problem or stop.failed:
        failed = f", {len(stop.failed):,} could not be paused" if stop.failed else ""
        return f"Not everything was stopped: {paused}{failed}. {stop.problem} Press the button again.", False
    return f"Everything was stopped: {paused}. {MAY_BE_RESUMED}", True


def describe_time(moment: datetime | None) -> str:
    """Return a time in UTC, to the second."""
    return f"{moment.astimezone(UTC):%H:%M:%S} UTC" if moment else "never"


def _bars(progress: Progress) -> list[Bar]:
    if not progress.is_counted:
        return []
    tally = progress.tally
    # Some accounts count uncalled contacts of an ended campaign as failed; only its calls separate them.
    words = _REASONS if tally.never_tried is not None else {**_REASONS, "failed": "failed or never called"}
    reasons = [Bar(words[name], count, _STYLES[name]) for name, count in tally.not_reached.items()]
    bars = [
        Bar("reached", tally.reached, "reached"),
        *reasons,
        Bar("never tried", tally.never_tried or 0, "never"),
        Bar("to be called", tally.open, "waiting"),
    ]
    return [bar for bar in bars if bar.size]


def _pace(progress: Progress) -> str:
    if progress.per_minute is None:
        return ""
    return f"{progress.per_minute:.1f}".removesuffix(".0") + " done a minute"


def _facts(campaign: Campaign, progress: Progress) -> Iterable[tuple[str, Place]]:
    schedule, tally = campaign.schedule, progress.tally
    moment = schedule.send_at or schedule.end_at
    if moment is not None and moment.tzinfo is not None:
        begins, ends = (one.timestamp() if one else inf for one in (schedule.send_at, schedule.end_at))
        stretch = describe_stretches([(-inf if begins == inf else begins, ends)], moment.tzinfo)
        yield "Window", Place(f"{stretch} {_zone(moment)}")
    else:
        yield "Window", Place("none: from its creation on, for up to 30 days")
    if progress.is_counted:
        is_known = tally.never_tried is not None
        share = f" ({percent(tally.done, tally.contacts)})" if tally.contacts and is_known else ""
        whole = f" of {tally.contacts:,}{share}" if tally.contacts else ""
        least = "" if is_known else f"{tally.done - tally.not_reached.get('failed', 0):,} to "
        yield "Done", Place(f"{least}{tally.done:,}{whole}")
        of_done = f" ({percent(tally.reached, tally.done)} of those done)" if tally.done and is_known else ""
        yield "Reached", Place(f"{tally.reached:,}{of_done}")
    else:
        yield "Done", Place("Exotel's list gives no counts")
    if progress.expected_end is not None and moment is not None and moment.tzinfo is not None:
        yield "Expected end", Place(f"{_moment(progress.expected_end, moment.tzinfo)} {_zone(moment)}")
    elif progress.expected_end is not None:
        yield "Expected end", Place(f"{_moment(progress.expected_end, UTC)} UTC")
    yield "Campaign", Place(campaign.id)


def _task_facts(owner: OwningTask | None, airflow: Airflow) -> Iterable[tuple[str, Place]]:
    if owner is None:
        yield "Task", Place("no task of this Airflow")
        return
    waits = ", waits for it" if owner.waits else ""
    yield "Task", Place(f"{_task_name(owner.key)} ({owner.state or 'no status'}{waits})")
    yield "Run", Place(redact(owner.key.run_id))
    if address := airflow.address(owner.key):
        yield "In Airflow", _place(address, airflow)._replace(label="Open the task")


def _place(address: str | None, airflow: Airflow) -> Place:
    """Return an address as a link, or as text to copy if a link would not work."""
    if address is None:
        return Place("")
    is_web = urlsplit(address).scheme in {"http", "https"}
    return Place(address, copy=True, href=address if is_web and not airflow.is_framed else None)


def _web(address: object) -> str | None:
    if not isinstance(address, str) or redact(address) != address:
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return address if parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc else None


def _path(files: object) -> str | None:
    """Return the path of a page in a folder, without numbers and secrets."""
    page = files.get("page") if isinstance(files, Mapping) else None
    return redact(page) if isinstance(page, str) else None


def _task_name(task: TaskKey) -> str:
    index = f"[{task.map_index}]" if task.map_index >= 0 else ""
    return redact(f"{task.dag_id}.{task.task_id}") + index


def _zone(moment: datetime) -> str:
    offset = f"{moment:%z}"
    return f"UTC{offset[:3]}:{offset[3:5]}" if moment.utcoffset() else "UTC"


def _moment(moment: datetime, zone: tzinfo) -> str:
    there = moment.astimezone(zone)
    return f"{there.day} {there:%b %H:%M}"
