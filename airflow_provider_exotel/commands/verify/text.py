"""What a run says before it begins and after it has ended."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from airflow_provider_exotel.client.profile import Profile
from airflow_provider_exotel.commands.verify.check import Check
from airflow_provider_exotel.commands.verify.probe import MOST_CALLS, Probe
from airflow_provider_exotel.commands.verify.table import CHECKS, QUESTIONS, READ_ONLY
from airflow_provider_exotel.commands.verify.walk import Walk, fields_not_told
from airflow_provider_exotel.connection import ExotelSettings

_REQUESTS_EACH = 4


def announcement(settings: ExotelSettings, *, read_only: bool) -> str:
    """Return what a run will do, and what it costs."""
    checks = READ_ONLY if read_only else CHECKS
    requests = len(checks) * _REQUESTS_EACH
    minutes = max(1, round(requests / settings.requests_per_minute))
    lines = [
        f"This asks account {settings.account_sid} at {settings.host} {len(checks)} questions, "
        f"with about {requests} requests at {settings.requests_per_minute} a minute.",
        "One request is sent with a wrong token and one under another SID; both are refused.",
    ]
    if read_only:
        lines.append(f"Nothing is created, changed or called. It takes about {minutes} minutes.")
    else:
        lines += [
            "It creates about five campaigns that are scheduled for tomorrow and deletes them again, and one contact "
            "list with a CSV file.",
            f"Only the number that was given is called, at most {MOST_CALLS} times, at the price of your calls; "
            "two more campaigns begin within minutes for that.",
            f"It takes about {minutes + 4} minutes. Ctrl-C ends it and removes what it created.",
        ]
    return "\n".join(lines)


def report(probe: Probe, result: Walk, profile: Profile) -> str:
    """Return a text for an issue of the project: no number, no secret, no account."""
    lines = [
        "### What a real account answers",
        "",
        f"airflow-provider-exotel {_version()}, Python {platform.python_version()}, "
        f"{profile.host}, {profile.checked_on}",
        "",
        "| Check | Question | Answer | What the client does |",
        "|---|---|---|---|",
        *(_row(probe, check, result) for check in CHECKS),
        "",
        "```json",
        profile.text().strip(),
        "```",
    ]
    if result.ended:
        lines += ["", f"The run ended early: {result.ended}."]
    return "\n".join(lines)


def questions(probe: Probe, result: Walk, profile: Profile) -> str:
    """Return the questions that are left for Exotel's support, and what no run can tell."""
    asked = [*_open_questions(probe, result), *QUESTIONS]
    why = [f"- {name}: {reason}" for name, reason in fields_not_told(profile).items()]
    return "\n".join(
        [
            "Questions for Exotel's support:",
            *(f"{place}. {question}" for place, question in enumerate(asked, 1)),
            "",
            "Not told from outside:",
            *(why or ["- nothing"]),
        ]
    )


def leftovers(probe: Probe, result: Walk) -> str:
    """Return what is still on the account, by name and id, and what to do; empty if nothing is."""
    if not result.left:
        return ""
    campaigns = [one for one in result.left if one.kind == "campaign"]
    lines = [
        f"STILL THERE: {one.kind} {one.name!r}, id {one.id}"
        if one.id is not None and one.confirmed
        else f"STILL THERE, if it was created: {one.kind} {one.name!r}, id {one.id or one.claimed or 'not known'}"
        for one in result.left
    ]
    if campaigns:
        lines.append(
            "They call only the number that was given, once their time comes. Delete them in the dashboard, run this "
            f"again, or: python -m airflow_provider_exotel.commands.stop --name-starts 'Exotel-Verify "
            f"{probe.state.token}'"
        )
    return "\n".join(lines)


def _version() -> str:
    try:
        return version("airflow-provider-exotel")
    except PackageNotFoundError:
        return "from its sources"


def _row(probe: Probe, check: Check, result: Walk) -> str:
    found = probe.state.found.get(check.id, {})
    if "answer" in found:
        return f"| {check.id} | {check.question} | {found['answer']} | {found['client']} |"
    return f"| {check.id} | {check.question} | not told: {result.open.get(check.id, 'not asked')} | {check.client} |"


def _open_questions(probe: Probe, result: Walk) -> Iterator[str]:
    for check in CHECKS:
        if check.support and "answer" not in probe.state.found.get(check.id, {}) and check.id in result.open:
            yield check.support
