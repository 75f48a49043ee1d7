"""The page in Airflow's own API app, over HTTP, with the emulator as the service."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from airflow_provider_exotel import CreateCampaignOperator
from airflow_provider_exotel.emulator import Emulator

from ..airflow.conftest import airflow_database, connect, make_known, run_dag, skip_waits  # noqa: F401
from ..ports import unused_port
from ..versions import AIRFLOW

NUMBERS = [f"+91987650000{person}" for person in range(6)]
PREFIX = "/exotel"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder; the page is for Airflow 3.1 and later."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.airflow)
            item.add_marker(pytest.mark.filterwarnings("default"))
            if AIRFLOW < (3, 1) and item.path.name != "test_loading.py":
                item.add_marker(pytest.mark.skip("the page is for Airflow 3.1 and later"))


@dataclass
class Site:
    """The page, opened by users with different permissions.

    :param app: Airflow's app.
    :param page: the page's app.
    """

    app: Any
    page: Any
    now: Callable[[], Any]

    def restart(self) -> None:
        """Clear the page's state, like a restarted or another API server."""
        from airflow_provider_exotel.plugin.accounts import Accounts
        from airflow_provider_exotel.plugin.app import Owners

        self.page.state.accounts, self.page.state.owners = Accounts(now=self.now), Owners()

    def of(self, role: str | None) -> Any:
        """Return the browser of a user with a role; without a role, the user is not signed in."""
        from fastapi.testclient import TestClient

        client = TestClient(self.app, base_url="http://airflow.example", follow_redirects=False)
        if role is not None:
            client.cookies.set("_token", self.token(role))
        return client

    def token(self, role: str) -> str:
        """Return the token of a user with a role."""
        from airflow.api_fastapi.app import get_auth_manager

        return str(get_auth_manager().generate_jwt(user_of(role)))


def user_of(role: str) -> Any:
    """Return a user with a role from the configured auth manager."""
    from airflow.api_fastapi.app import get_auth_manager

    manager = get_auth_manager()
    if "fab" not in type(manager).__module__:
        from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

        return SimpleAuthManagerUser(username=f"a {role}", role=None if role == "nobody" else role)
    with manager.flask_app.app_context():
        name, people = f"a {role}", manager.security_manager
        found = people.find_user(username=name)
        of_fab = people.find_role("Public" if role == "nobody" else role.title())
        return found or people.add_user(name, "a", role, f"{role.lower()}@example.com", of_fab, "a password")


@pytest.fixture(scope="session")
def airflow_app(airflow_database: None) -> Iterator[Any]:  # noqa: F811
    """Airflow's API app, with every installed plugin."""
    from airflow.api_fastapi.app import create_app, purge_cached_app

    purge_cached_app()
    yield create_app("core")
    purge_cached_app()


@pytest.fixture
def site(airflow_app: Any, exotel: Emulator) -> Site:
    """The page of a newly started API server, on the clock of the emulator."""
    [page] = [route.app for route in airflow_app.routes if getattr(route, "path", "") == PREFIX]
    site = Site(airflow_app, page, exotel.clock.now)
    site.restart()
    return site


@pytest.fixture
def exotel(monkeypatch: pytest.MonkeyPatch, skip_waits: None) -> Iterator[Emulator]:  # noqa: F811
    """A local Exotel with the connection ``exotel_default``, which the configuration names."""
    with Emulator(seed=1) as emulator:
        connect(monkeypatch, emulator)
        monkeypatch.setenv("AIRFLOW__EXOTEL__CONNECTIONS", "exotel_default")
        yield emulator


@pytest.fixture
def campaign(exotel: Emulator, run_dag: Callable[..., Any]) -> Any:  # noqa: F811
    """A dialling campaign of a task."""
    run_dag(create)
    exotel.clock.advance(90)
    return exotel.campaigns[-1]


def create(**arguments: Any) -> CreateCampaignOperator:
    given = {"task_id": "create", "numbers": NUMBERS, "read_via_text": "Hello", "name": "Reminder"}
    given |= {"schedule": {"end_at": "PT9H"}, "mode": "custom", "throttle": 1}
    return CreateCampaignOperator(**(given | arguments))


def form_of(page: str) -> dict[str, str]:
    """Return the fields of the form on a page."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))


def confirm_address(page: str, label: str) -> str:
    """Return the target of a button on a page."""
    [address] = re.findall(rf'<a class="button[^"]*" href="([^"]+)">{label}</a>', page)
    return f"{PREFIX}/{address}".replace("&amp;", "&")


def press(client: Any, label: str) -> Any:
    """Press a button on the page, confirm it, and return the answer."""
    asked = client.get(confirm_address(client.get(f"{PREFIX}/").text, label))
    assert asked.status_code == 200
    return client.post(f"{PREFIX}/act", data=form_of(asked.text))


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve an app on loopback, and yield its address."""
    port = unused_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        ends = time.monotonic() + 60
        while not server.started and time.monotonic() < ends:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
