"""A local Exotel: the Campaigns API in memory, with a controllable clock, call outcomes and faults.

Run ``python -m airflow_provider_exotel.emulator`` or use it in Python::

    with Emulator(seed=1, dialect="wrapped") as emulator:
        emulator.faults.add(Fault(on="POST campaigns", kind="drop_after_commit"))
        ...
        emulator.clock.advance(3600)

It needs the extra ``emulator``. It shares no code with the client of this package, so that it can disagree with it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_exotel.emulator.campaigns import Call, CampaignState
    from airflow_provider_exotel.emulator.clock import Clock
    from airflow_provider_exotel.emulator.faults import Fault
    from airflow_provider_exotel.emulator.journal import JournalEntry
    from airflow_provider_exotel.emulator.lists import ContactList
    from airflow_provider_exotel.emulator.server import Emulator
    from airflow_provider_exotel.emulator.settings import Settings

__all__ = ["Call", "CampaignState", "Clock", "ContactList", "Emulator", "Fault", "JournalEntry", "Settings"]

_MODULES = {
    "Call": "campaigns",
    "CampaignState": "campaigns",
    "Clock": "clock",
    "ContactList": "lists",
    "Emulator": "server",
    "Fault": "faults",
    "JournalEntry": "journal",
    "Settings": "settings",
}


def __getattr__(name: str) -> Any:
    """Load a public name on first use.

    :raises AttributeError: if the name does not exist.
    :raises ImportError: if the extra is not installed, with the install command.
    """
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] in {"fastapi", "starlette", "uvicorn", "h11"}:
            raise ImportError(
                f"The emulator needs {error.name}: pip install 'airflow-provider-exotel[emulator]'"
            ) from error
        raise
