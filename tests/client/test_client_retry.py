"""Lost answers and connections: which requests are sent again, and which errors are raised."""

from __future__ import annotations

import socket
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.errors import (
    ExotelConnectionError,
    ExotelError,
    ExotelOutcomeUnknown,
    ExotelRateLimited,
    ExotelServerError,
)
from airflow_provider_exotel.client.models import CampaignStatus
from airflow_provider_exotel.client.rate_limit import TokenBucket
from airflow_provider_exotel.client.request import CampaignRequest
from airflow_provider_exotel.client.retry import RetryPolicy
from airflow_provider_exotel.emulator import Emulator, Fault

from .api_samples import ClientFactory, arguments
from .raw_server import RawServer, campaign, http

ORDER = CampaignRequest(**arguments())


def request_methods(emulator: Emulator) -> list[str]:
    """The methods of the requests so far."""
    return [entry.method for entry in emulator.requests]


# --- a POST that may have counted is never sent twice ---

LOST: dict[str, dict[str, Any]] = {
    "dropped before it counted": {"kind": "drop_before_commit"},
    "dropped after it counted": {"kind": "drop_after_commit"},
    "answer cut": {"kind": "cut_body"},
    "answer empty": {"kind": "empty_body"},
    **{f"gateway page {status}": {"kind": "html_5xx", "status": status} for status in (500, 502, 503, 504)},
    "gateway page after it counted": {"kind": "html_5xx", "status": 504, "stage": "after"},
    **{f"status {status}": {"kind": "status", "status": status} for status in (301, 302, 307, 308, 408, 409, 500, 503)},
}


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST)
def test_a_create_of_unknown_outcome_is_sent_once(
    emulator: Emulator, client: ExotelClient, sleeps: list[float], fault: dict[str, Any]
) -> None:
    emulator.faults.add(Fault(on="POST campaigns", **fault))

    with pytest.raises(ExotelOutcomeUnknown, match="look for its name") as caught:
        client.create_campaign(ORDER)

    assert caught.value.retryable
    assert request_methods(emulator) == ["POST"]
    assert sleeps == []


def test_a_create_whose_answer_comes_too_late_is_sent_once(emulator: Emulator, client_of: ClientFactory) -> None:
    emulator.faults.add(Fault(on="POST campaigns", kind="delay", stage="after", seconds=30))

    with pytest.raises(ExotelOutcomeUnknown):
        client_of(read_timeout=0.2).create_campaign(ORDER)

    assert request_methods(emulator) == ["POST"]
    assert len(emulator.campaigns) == 1


@pytest.mark.parametrize(
    "inconclusive",
    [
        http(200, b'{"response": [{"code": 200'),
        http(200, {"response": []}),
        http(200, campaign(name="without an id")),
        http(200, {"response": [{"code": 503, "status": "failure", "data": None}]}),
        http(400, {"response": [{"code": 400, "status": "failure", "data": {"id": "c1"}}]}),
        http(200, {"response": [{"code": 429, "status": "failure", "data": {"id": "c1"}}]}),
        http(402, {"response": [{"code": 402, "status": "failure", "data": {"Sid": "c1"}}]}),
        http(200, b"half")[:-2],
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"",
    ],
    ids=repr,
)
def test_a_create_with_an_inconclusive_answer_is_sent_once(client_of: ClientFactory, inconclusive: bytes) -> None:
    with RawServer(inconclusive) as server, pytest.raises(ExotelOutcomeUnknown):
        client_of(host=server.host).create_campaign(ORDER)

    assert len(server.requests) == 1


@pytest.mark.parametrize("strange", ["N/A", [None], 7, {"on_status": None}])
def test_a_created_campaign_is_returned_whatever_its_other_fields(client_of: ClientFactory, strange: object) -> None:
    fields = dict.fromkeys(["retries", "schedule", "stats", "summary", "from", "lists"], strange)

    with RawServer(http(200, campaign(id="c1", **fields))) as server:
        assert client_of(host=server.host).create_campaign(ORDER).id == "c1"


def test_a_wrapped_second_form_that_is_lost_is_not_sent_again(emulator: Emulator, client: ExotelClient) -> None:
    emulator.settings.accepts = "wrapped"
    emulator.faults.add(Fault(on="POST campaigns", kind="drop_after_commit", after=1))

    with pytest.raises(ExotelOutcomeUnknown):
        client.create_campaign(ORDER)

    assert (request_methods(emulator), len(emulator.campaigns)) == (["POST", "POST"], 1)


def test_an_earlier_refused_connection_does_not_make_a_lost_create_look_unsent(
    emulator: Emulator, client_of: ClientFactory
) -> None:
    unreached = client_of(host=closed_port(), retry=RetryPolicy(tries=1))
    emulator.faults.add(Fault(on="POST campaigns", kind="drop_after_commit"))

    try:
        unreached.create_campaign(ORDER)
    except ExotelConnectionError:
        with pytest.raises(ExotelOutcomeUnknown):
            client_of().create_campaign(ORDER)

    assert request_methods(emulator) == ["POST"]


# --- a POST that certainly did not count is sent again ---


@pytest.mark.parametrize("envelope", ["item", "object", "rest_exception", "error", "html"])
def test_a_rate_limited_create_is_sent_again_after_retry_after(
    emulator: Emulator, client: ExotelClient, sleeps: list[float], envelope: str
) -> None:
    emulator.faults.add(Fault(on="POST campaigns", kind="rate_limited", envelope=envelope, retry_after="seconds"))

    created = client.create_campaign(ORDER)

    assert [state.id for state in emulator.campaigns] == [created.id]
    assert request_methods(emulator) == ["POST", "POST"]
    assert 1 <= sleeps[0] <= 61


@pytest.mark.parametrize(("form", "least", "most"), [("date", 0, 61), ("nonsense", 0, 1), ("absent", 0, 1)])
def test_every_form_of_retry_after_ends_in_success(
    emulator: Emulator, client: ExotelClient, sleeps: list[float], form: str, least: float, most: float
) -> None:
    emulator.faults.add(Fault(on="POST campaigns", kind="rate_limited", retry_after=form))

    client.create_campaign(ORDER)

    assert len(sleeps) == 1
    assert least <= sleeps[0] <= most


def test_a_retry_after_beyond_the_cap_is_left_to_the_caller(client_of: ClientFactory, sleeps: list[float]) -> None:
    with (
        RawServer(http(429, headers={"Retry-After": "3600"})) as server,
        pytest.raises(ExotelRateLimited) as caught,
    ):
        client_of(host=server.host).create_campaign(ORDER)

    assert (caught.value.retry_after, len(server.requests), sleeps) == (3600, 1, [])


def test_a_rate_limit_that_never_ends_is_raised_after_the_last_try(
    emulator: Emulator, client_of: ClientFactory
) -> None:
    emulator.faults.add(Fault(on="POST campaigns", kind="rate_limited", times=None))

    with pytest.raises(ExotelRateLimited):
        client_of(retry=RetryPolicy(tries=3)).create_campaign(ORDER)

    assert (request_methods(emulator), emulator.campaigns) == (["POST"] * 3, [])


def test_a_create_without_a_connection_is_sent_again(emulator: Emulator, client_of: ClientFactory) -> None:
    client = client_of(sleep=lambda seconds: emulator.start())
    emulator.stop()

    client.create_campaign(ORDER)

    assert (request_methods(emulator), len(emulator.campaigns)) == (["POST"], 1)


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "99999999999"}, [60.0]),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}, [0.0]),
        ({"X-RateLimit-Remaining": "many", "X-RateLimit-Reset": "99999999999"}, []),
        ({"X-RateLimit-Reset": "99999999999"}, []),
    ],
    ids=str,
)
def test_the_rate_limit_headers_are_followed_before_a_429(
    client_of: ClientFactory, headers: dict[str, str], waits: list[float]
) -> None:
    waited: list[float] = []
    bucket = TokenBucket(1_000_000, clock=lambda: 0.0, sleep=waited.append)

    with RawServer(http(200, campaign(id="c1"), headers)) as server:
        client = client_of(host=server.host, bucket=bucket)
        client.get_campaign("c1")
        assert waited == []
        client.get_campaign("c1")

    assert [round(one) for one in waited] == waits


# --- connections that are never made ---


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("where", ["closed port", "unknown name", "no TLS there", "nobody picks up"])
def test_an_error_before_sending_is_marked_as_unsent(emulator: Emulator, client_of: ClientFactory, where: str) -> None:
    with ExitStack() as stack:
        busy = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(2):  # fills the queue of pending connections
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect(busy.getsockname())
        host = {
            "closed port": closed_port(),
            "unknown name": "exotel.invalid",
            "no TLS there": f"https://{emulator.host}",
            "nobody picks up": f"127.0.0.1:{busy.getsockname()[1]}",
        }[where]
        client = client_of(host=host, retry=RetryPolicy(tries=2), connect_timeout=0.2)

        with pytest.raises(ExotelConnectionError, match="cannot reach") as caught:
            client.create_campaign(ORDER)

    assert caught.value.sent is False
    assert emulator.requests == []


def test_the_error_of_a_read_without_an_answer_says_so(client_of: ClientFactory) -> None:
    with (
        RawServer(b"") as server,
        pytest.raises(ExotelConnectionError, match="no answer from") as caught,
    ):
        client_of(host=server.host, retry=RetryPolicy(tries=1)).get_campaign("c1")

    assert caught.value.sent is True


# --- reads and changes ---

PASSING: dict[str, dict[str, Any]] = {
    "dropped": {"kind": "drop_before_commit"},
    "cut": {"kind": "cut_body"},
    "502": {"kind": "html_5xx", "status": 502},
    "503": {"kind": "status", "status": 503},
    "504": {"kind": "status", "status": 504, "stage": "after"},
    "429": {"kind": "rate_limited"},
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_read_is_sent_again(emulator: Emulator, client: ExotelClient, fault: dict[str, Any]) -> None:
    created = client.create_campaign(ORDER)
    emulator.faults.add(Fault(on="GET campaigns/*", **fault))

    assert client.get_campaign(created.id).id == created.id
    assert request_methods(emulator) == ["POST", "GET", "GET"]


def test_a_permanent_failure_is_raised_at_once(emulator: Emulator, client: ExotelClient) -> None:
    emulator.faults.add(Fault(on="GET campaigns", kind="status", status=500))

    with pytest.raises(ExotelServerError):
        client.check_access()

    assert request_methods(emulator) == ["GET"]


def test_a_read_is_not_retried_forever(emulator: Emulator, client: ExotelClient, sleeps: list[float]) -> None:
    emulator.faults.add(Fault(on="GET campaigns", kind="status", status=503, times=None))

    with pytest.raises(ExotelServerError):
        client.check_access()

    assert (len(request_methods(emulator)), len(sleeps)) == (5, 4)


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_change_is_sent_again_only_after_a_read(
    emulator: Emulator, client: ExotelClient, fault: dict[str, Any]
) -> None:
    created = client.create_campaign(ORDER)
    emulator.faults.add(Fault(on="PUT campaigns/*", **fault))

    assert client.pause_campaign(created.id).status is CampaignStatus.PAUSED

    counted = emulator.requests[1].committed
    assert request_methods(emulator) == ["POST", "PUT", "GET", *([] if counted else ["PUT"]), "GET"]


def test_an_update_is_sent_again_after_a_read(emulator: Emulator, client: ExotelClient) -> None:
    created = client.create_campaign(ORDER)
    emulator.faults.add(Fault(on="PUT campaigns/*", kind="drop_after_commit"))

    client.update_campaign(created.id, status_callback="https://example.org/end")

    assert request_methods(emulator) == ["POST", "PUT", "GET", "PUT", "GET"]


def test_a_resume_before_send_at_succeeds_although_nothing_dials_yet(emulator: Emulator, client: ExotelClient) -> None:
    later = emulator.clock.now().replace(year=emulator.clock.now().year + 1, microsecond=0)
    created = client.create_campaign(CampaignRequest(**arguments(schedule={"send_at": later})))
    client.pause_campaign(created.id)
    emulator.faults.add(Fault(on="PUT campaigns/*", kind="drop_after_commit"))

    assert client.resume_campaign(created.id).status is CampaignStatus.CREATED


@pytest.mark.parametrize(
    ("stage", "methods"),
    [("drop_before_commit", ["DELETE", "GET", "DELETE"]), ("drop_after_commit", ["DELETE", "GET"])],
)
def test_a_delete_is_sent_again_only_if_a_read_finds_the_campaign(
    emulator: Emulator, client: ExotelClient, stage: str, methods: list[str]
) -> None:
    later = emulator.clock.now().replace(year=emulator.clock.now().year + 1, microsecond=0)
    created = client.create_campaign(CampaignRequest(**arguments(schedule={"send_at": later})))
    emulator.faults.add(Fault(on="DELETE campaigns/*", kind=stage))

    client.delete_campaign(created.id)

    assert request_methods(emulator) == ["POST", *methods]


def test_a_change_is_not_retried_forever(emulator: Emulator, client: ExotelClient) -> None:
    created = client.create_campaign(ORDER)
    emulator.faults.add(Fault(on="PUT campaigns/*", kind="drop_before_commit", times=None))

    with pytest.raises(ExotelError):
        client.pause_campaign(created.id)

    assert request_methods(emulator).count("PUT") == 5
