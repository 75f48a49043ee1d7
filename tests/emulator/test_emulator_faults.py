from __future__ import annotations

import threading
from collections import Counter
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from airflow_provider_exotel.emulator import Emulator, Fault

from .conftest import Api, order, people

Lost = requests.exceptions.ConnectionError
CutShort = requests.exceptions.ChunkedEncodingError

# Fault, what the client sees (an error or a status), whether the campaign exists.
KINDS: list[tuple[dict[str, Any], Any, bool]] = [
    ({"kind": "drop_before_commit"}, Lost, False),
    ({"kind": "drop_after_commit"}, Lost, True),
    ({"kind": "cut_body"}, CutShort, True),
    ({"kind": "delay"}, 200, True),
    ({"kind": "delay", "stage": "after"}, 200, True),
    ({"kind": "html_5xx"}, 502, False),
    ({"kind": "html_5xx", "status": 504, "stage": "after"}, 504, True),
    ({"kind": "status"}, 500, False),
    ({"kind": "status", "status": 409, "stage": "after"}, 409, True),
    ({"kind": "rate_limited"}, 429, False),
    ({"kind": "empty_body"}, 200, True),
]


@pytest.mark.parametrize(("fields", "seen", "committed"), KINDS, ids=str)
def test_each_kind(api: Api, emulator: Emulator, fields: dict[str, Any], seen: Any, committed: bool) -> None:
    emulator.faults.add(Fault(on="POST campaigns", **fields))
    if isinstance(seen, int):
        assert api("POST", "campaigns", order()).status_code == seen
    else:
        with pytest.raises(seen):
            api("POST", "campaigns", order())
    assert len(emulator.campaigns) == committed
    entry = emulator.requests[-1]
    assert (entry.fault, entry.committed) == (fields["kind"], committed)
    assert entry.status == (None if seen is Lost else 200 if seen is CutShort else seen)
    assert api("POST", "campaigns", order()).status_code == 200


def test_an_empty_body_is_empty(api: Api, emulator: Emulator) -> None:
    emulator.faults.add(Fault(kind="empty_body"))
    assert api("GET", "campaigns").content == b""


def test_a_delay_outlasts_the_clients_patience_but_not_the_request(api: Api, emulator: Emulator) -> None:
    emulator.faults.add(Fault(kind="delay", stage="after", seconds=30))
    with pytest.raises(requests.exceptions.ReadTimeout):
        api.session.post(f"{emulator.url}/v2/accounts/emulator/campaigns", json=order(), timeout=0.2)
    assert len(emulator.campaigns) == 1


@pytest.mark.parametrize(
    ("on", "method", "path", "strikes"),
    [
        ("POST campaigns", "POST", "campaigns", True),
        ("post campaigns", "POST", "campaigns", True),
        ("POST campaigns", "GET", "campaigns", False),
        ("* *", "DELETE", "campaigns/1", True),
        ("PUT campaigns/*", "PUT", "campaigns/1", True),
        ("GET campaigns/*", "GET", "campaigns/1/call-details", False),
        ("GET campaigns/*/call-details", "GET", "campaigns/1/call-details", True),
        ("GET campaigns", "GET", "campaigns/1", False),
    ],
)
def test_the_requests_that_a_fault_matches(on: str, method: str, path: str, strikes: bool) -> None:
    assert Fault(on=on).matches(method, path) is strikes


def test_faults_are_applied_in_order_and_the_given_number_of_times(api: Api, emulator: Emulator) -> None:
    emulator.faults.add(
        Fault(on="GET campaigns", kind="status", status=503, after=1, times=2),
        Fault(on="GET campaigns", kind="rate_limited"),
    )
    assert [api("GET", "campaigns").status_code for _ in range(5)] == [429, 503, 503, 200, 200]


def test_a_fault_for_all_requests(api: Api, emulator: Emulator) -> None:
    emulator.faults.add(Fault(kind="status", status=503, times=None))
    assert Counter(api("GET", "campaigns").status_code for _ in range(5)) == {503: 5}
    emulator.faults.clear()
    assert api("GET", "campaigns").status_code == 200


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"kind": "explode"}, "explode"),
        ({"on": "campaigns"}, "POST campaigns"),
        ({"stage": "after"}, "after"),
        ({"envelope": "paper"}, "paper"),
        ({"times": 0}, "times"),
        ({"after": -1}, "after"),
    ],
)
def test_unknown_faults_are_refused(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Fault(**fields)


def test_a_stopped_emulator_refuses_connections_and_keeps_its_state(api: Api, emulator: Emulator) -> None:
    campaign, url = api.create(), emulator.url
    emulator.stop()
    with pytest.raises(Lost):
        api("GET", "campaigns")
    emulator.start()
    assert emulator.url == url
    assert api.read(campaign)["id"] == campaign["id"]


def test_leaving_stops_the_thread_and_frees_the_port() -> None:
    before = set(threading.enumerate())
    with Emulator() as first:
        assert set(threading.enumerate()) > before
    assert set(threading.enumerate()) == before
    with Emulator(port=first.port) as second:
        assert second.url == first.url


def test_stopping_does_not_wait_for_requests_in_progress(api: Api, emulator: Emulator) -> None:
    emulator.faults.add(Fault(kind="delay", stage="after", seconds=60))
    errors: list[Exception] = []

    def ask() -> None:
        try:
            api("POST", "campaigns", order())
        except requests.RequestException as error:
            errors.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    while not emulator.requests:
        pass
    emulator.stop()
    asking.join(60)
    assert [type(error) for error in errors] == [Lost]


def test_a_taken_port_is_an_error(emulator: Emulator) -> None:
    with pytest.raises(OSError, match="in use"):
        Emulator(port=emulator.port).start()


def test_the_rate_limit_counts_per_minute(api: Api, emulator: Emulator) -> None:
    emulator.settings.rate_limit = 2
    answers = [api("GET", "campaigns") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert int(answers[2].headers["X-RateLimit-Reset"]) == emulator.clock.time() + 60
    emulator.clock.advance(int(answers[2].headers["Retry-After"]))
    assert api("GET", "campaigns").status_code == 200


def test_a_limited_create_creates_nothing(api: Api, emulator: Emulator) -> None:
    emulator.settings.rate_limit = 0
    assert api("POST", "campaigns", order()).status_code == 429
    assert emulator.campaigns == []


@pytest.mark.parametrize("form", ["seconds", "date", "nonsense", "absent"])
@pytest.mark.parametrize("injected", [False, True])
def test_forms_of_retry_after(api: Api, emulator: Emulator, form: str, injected: bool) -> None:
    if injected:
        emulator.faults.add(Fault(kind="rate_limited", retry_after=form))
    else:
        emulator.settings.update({"rate_limit": 0, "retry_after": form, "rate_limit_headers": False})
    headers = api("GET", "campaigns").headers
    assert "X-RateLimit-Limit" not in headers
    value = headers.get("Retry-After")
    if form == "date":
        assert parsedate_to_datetime(str(value)).timestamp() == emulator.clock.time() + 60
    else:
        assert value == {"seconds": "60", "nonsense": "in a while", "absent": None}[form]


@pytest.mark.parametrize("envelope", ["item", "object", "rest_exception", "error", "html"])
def test_a_fault_in_each_envelope(api: Api, emulator: Emulator, envelope: str) -> None:
    emulator.faults.add(Fault(kind="status", status=402, envelope=envelope, message="Out of balance"))
    answer = api("GET", "campaigns")
    assert (answer.status_code, "Out of balance" in answer.text) == (402, True)


def test_many_clients_at_once_lose_nothing(api: Api, emulator: Emulator) -> None:
    def work(first: int) -> None:
        with requests.Session() as session:
            session.auth, session.trust_env = api.session.auth, False
            for index in range(10):
                Api(emulator, session).create(**{"from": people(1, first + index)[0]})

    threads = [threading.Thread(target=work, args=(100 * number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({state.numbers for state in emulator.campaigns}) == 80
