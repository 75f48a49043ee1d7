"""One row of the table: a question, how it is answered, and what the client does meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from airflow_provider_exotel.commands.verify.finding import Finding
from airflow_provider_exotel.commands.verify.probe import Probe


@dataclass(frozen=True)
class Check:
    """One row of the table.

    :param id: its name, by which docs/live-service.md refers to it.
    :param question: what is to be found out.
    :param how: how it is found out.
    :param run: finds it out.
    :param client: what the client does as long as the answer is not known.
    :param support: what to ask Exotel's support if the account does not tell.
    :param fields: the answers of the profile that it may give.
    """

    id: str
    question: str
    how: str
    run: Callable[[Probe], Finding]
    client: str
    support: str = ""
    fields: tuple[str, ...] = ()
