"""The texts that a run prints at its start and its end."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from airflow_provider_exotel.client.profile import Profile
from airflow_provider_exotel.commands.verify.check import Check
from airflow_provider_exotel.commands.verify.probe import MOST_CALLS, Probe
from airflow_provider_exotel.commands.verify.table import CHECKS, QUESTIONS, READ_ONLY
from airflow_provider_exotel.commands.verify.walk import WalkResult, unknown_answers
from airflow_provider_exotel.connection import ExotelSettings

_REQUESTS_EACH = 4


def announcement(settings: ExotelSettings, *, read_only: bool) -> str:
    """Return a description of what a run will do and cost."""
    checks = READ_ONLY if read_only else CHECKS
    requests = len(checks) * _REQUESTS_EACH
    minutes = max(1, round(requests / settings.requests_per_minute))
    lines = [
        f"This runs {len(checks)} checks on account {settings.account_sid} at {settings.host}, "
        f"with about {requests} requests at {settings.requests_per_minute} a minute.",
        "One request is sent with a wrong token and one under another SID; both are refused.",
    ]
    if read_only:
        lines.append(f"Nothing is created, changed or called. It takes about {minutes} minutes.")
    else:
        lines += [
            "It creates about five campaigns that are scheduled for tomorrow and deletes them again, and one contact "
            "list with a CSV file.",
            f"Only the given number is called, at most {MOST_CALLS} times, at your usual price; "
            "two more campaigns start within minutes for that.",
            f"It takes about {minutes + 4} minutes. Ctrl-C ends it and removes everything that it created.",
        ]
    return "\n".join(lines)


def report(probe: Probe, result: WalkResult, profile: Profile) -> str:
    """Return a report for an issue of the project, without number, secret and account."""
    lines = [
        "### Answers of a real account",
        "",
        f"airflow-provider-exotel {_version()}, Python {platform.python_version()}, "
        f"{profile.host}, {profile.checked_on}",
        "",
        "| Check | Question | Answer | The client |",
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


def questions(probe: Probe, result: WalkResult, profile: Profile) -> str:
    """Return the open questions for Exotel's support, and the answers that are still unknown."""
    open_questions = [*_open_questions(probe, result), *QUESTIONS]
    why = [f"- {name}: {reason}" for name, reason in unknown_answers(profile).items()]
    return "\n".join(
        [
            "Questions for Exotel's support:",
            *(f"{place}. {question}" for place, question in enumerate(open_questions, 1)),
            "",
            "Still unknown:",
            *(why or ["- nothing"]),
        ]
    )


def leftovers(probe: Probe, result: WalkResult) -> str:
    """Return the names and ids of items still on the account, and what to do; empty if there are none."""
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
            "They will call the given number at their start time. Delete them in the dashboard, run this again, or "
            f"run: python -m airflow_provider_exotel.commands.stop --name-starts 'Exotel-Verify "
            f"{probe.state.token}'"
        )
    return "\n".join(lines)


def _version() -> str:
    try:
        return version("airflow-provider-exotel")
    except PackageNotFoundError:
        return "(not installed)"


def _row(probe: Probe, check: Check, result: WalkResult) -> str:
    found = probe.state.found.get(check.id, {})
    if "answer" in found:
        return f"| {check.id} | {check.question} | {found['answer']} | {found['client']} |"
    return (
        f"| {check.id} | {check.question} | no answer: {result.unanswered.get(check.id, 'not run')} | {check.client} |"
    )


def _open_questions(probe: Probe, result: WalkResult) -> Iterator[str]:
    for check in CHECKS:
        if check.support and "answer" not in probe.state.found.get(check.id, {}) and check.id in result.unanswered:
            yield check.support
