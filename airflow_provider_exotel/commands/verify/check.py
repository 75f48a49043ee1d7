"""One check: a question about the account, a way to answer it, and the client's behaviour until then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from airflow_provider_exotel.commands.verify.finding import Finding
from airflow_provider_exotel.commands.verify.probe import Probe


@dataclass(frozen=True)
class Check:
    """One row of the table of checks.

    :param id: its name, also used in docs/live-service.md.
    :param question: the question that it answers.
    :param method: a description of its requests.
    :param run: makes them and returns the finding.
    :param client: what the client does until the answer is known.
    :param support: the question for Exotel's support if the check finds no answer.
    :param fields: the answers of the profile that it may set.
    """

    id: str
    question: str
    method: str
    run: Callable[[Probe], Finding]
    client: str
    support: str = ""
    fields: tuple[str, ...] = ()
