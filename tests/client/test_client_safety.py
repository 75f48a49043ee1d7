"""The staging guard dials nobody else, and no message contains numbers or credentials."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.errors import ExotelError, ExotelInputError, ExotelResponseError, Problem
from airflow_provider_exotel.client.guard import URL_FIELDS, StagingGuard
from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.client.request import CampaignRequest
from airflow_provider_exotel.emulator import Emulator, Fault

from .api_samples import ClientFactory, arguments, people
from .raw_server import RawServer, campaign, http

# --- the staging guard ---

ONLY = StagingGuard(only_numbers=PhoneNumbers(people(3)))
FEW = StagingGuard(max_contacts=2)


@pytest.mark.parametrize(
    ("guard", "audience", "message"),
    [
        (ONLY, {"numbers": people(4)}, "1 of 4 are not among"),
        (ONLY, {"lists": ["list-1"]}, "cannot be checked against a list"),
        (FEW, {"numbers": people(3)}, r"must be at most 2, the connection's max_contacts \(got 3\)"),
        (FEW, {"lists": ["list-1"]}, "cannot be checked against a list"),
    ],
)
@pytest.mark.parametrize("method", ["create", "update"])
def test_the_guard_refuses_before_anything_is_sent(
    emulator: Emulator,
    client_of: ClientFactory,
    guard: StagingGuard,
    audience: dict[str, Any],
    message: str,
    method: str,
) -> None:
    client = client_of(guard=guard)
    order = CampaignRequest(**{"caller_id": "0XXXXXX4890", **audience})

    attempt = {
        "create": lambda: client.create_campaign(order),
        "update": lambda: client.update_campaign("c1", **audience),
    }[method]

    with pytest.raises(ExotelInputError, match=message) as caught:
        attempt()

    assert emulator.requests == []
    assert "98765" not in str(caught.value)


@pytest.mark.parametrize(
    ("guard", "numbers"),
    [(ONLY, people(3)), (ONLY, ["+91 98765-00000", "00919876500001"]), (FEW, people(2)), (StagingGuard(), people(50))],
)
def test_the_guard_allows_the_allowed_numbers(guard: StagingGuard, numbers: list[str]) -> None:
    guard.check_request(CampaignRequest(**arguments(numbers=numbers)))


@pytest.mark.parametrize(("allowed", "called"), [("+6591234567", "6591234567"), ("6591234567", "+6591234567")])
def test_the_same_digits_with_and_without_a_plus_are_different_people(allowed: str, called: str) -> None:
    guard = StagingGuard(only_numbers=PhoneNumbers([allowed]))

    guard.check_request(CampaignRequest(**arguments(numbers=[allowed])))
    with pytest.raises(ExotelInputError, match="1 of 1 are not among the connection's only_numbers"):
        guard.check_request(CampaignRequest(**arguments(numbers=[called])))


def test_the_guard_checks_the_result_of_a_request_function(emulator: Emulator, client_of: ClientFactory) -> None:
    with pytest.raises(ExotelInputError):
        client_of(guard=FEW).create_campaign(lambda: CampaignRequest(**arguments(numbers=people(3))))

    assert emulator.requests == []


# --- where requests go ---


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("http://api.exotel.com", "plain http"),
        ("http://192.0.2.1:8080", "plain http"),
        ("http://127.0.0.1.example.org", "plain http"),
        ("key:token@api.exotel.com", "user or password"),
        ("https://key:token@127.0.0.1", "user or password"),
        ("ftp://api.exotel.com", "must use https"),
        ("https://api.exotel.com/v2", "must not contain a path"),
        ("api.exotel.com?x=1", "must not contain a path"),
        ("", "must be a host name"),
        ("api exotel com", "must be a host name"),
        ("api.exotel.com:port", "must be a host name"),
        ("api.exotel.com:70000", "must be a host name"),
        ("api.exotel.com:0", "must be a host name"),
        ("[::1", "must be a host name"),
    ],
)
def test_an_invalid_host_is_refused(client_of: ClientFactory, host: str, message: str) -> None:
    with pytest.raises(ExotelInputError, match=message) as caught:
        client_of(host=host)

    assert "key:token" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "root"),
    [
        ("api.in.exotel.com", "https://api.in.exotel.com"),
        ("https://api.exotel.com/", "https://api.exotel.com"),
        ("localhost:8080", "http://localhost:8080"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("https://127.0.0.1", "https://127.0.0.1"),
    ],
)
def test_https_is_used_except_on_loopback(client_of: ClientFactory, host: str, root: str) -> None:
    assert repr(client_of(host=host, account_sid="a-b_1")) == f"<ExotelClient of {root}/v2/accounts/a-b_1>"


def test_a_redirect_is_not_followed(client_of: ClientFactory) -> None:
    with RawServer(http(200, campaign(id="c1"))) as elsewhere:
        moved = http(302, headers={"Location": f"http://{elsewhere.host}/v2"})
        with RawServer(moved) as server, pytest.raises(ExotelResponseError, match="redirect"):
            client_of(host=server.host).get_campaign("c1")

    assert elsewhere.requests == []


def test_netrc_does_not_replace_the_credentials(
    client: ExotelClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))

    client.check_access()


def test_the_proxy_of_the_environment_is_not_used_for_loopback(
    emulator: Emulator, client_of: ClientFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RawServer(http(200, campaign(id="c1"))) as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://{proxy.host}")
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        client_of().check_access()

    assert (len(emulator.requests), proxy.requests) == (1, [])


def test_the_proxy_of_the_environment_is_used_for_the_service(
    client_of: ClientFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RawServer(http(407)) as proxy:
        for name in ("https_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://{proxy.host}")
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        with pytest.raises(ExotelError) as caught:
            client_of(host="api.exotel.invalid").check_access()

    assert proxy.request_lines[0].startswith("CONNECT api.exotel.invalid:443 ")
    assert not any("emulator-token" in request for request in proxy.requests)
    assert "emulator-token" not in str(caught.value)


def test_credentials_of_any_alphabet_are_sent_as_utf_8(client_of: ClientFactory) -> None:
    with RawServer(http(200, {"response": []})) as server:
        client_of(host=server.host, api_key="käse", api_token="“quoted”").check_access()

    assert "Authorization: Basic a8Okc2U64oCccXVvdGVk4oCd" in server.requests[0]


# --- messages ---

KEY, TOKEN = "key-c4n4ry", "token/c4n4ry+="
TRACES = ("98765", "c4n4ry", "Basic ")
NAME = "c4n4ry +919876500000"


@pytest.fixture
def echoing_refusal() -> bytes:
    """A refusal that repeats the request, as services do."""
    words = f"no: {KEY}:{TOKEN} may not call +91 98765 00000"
    return http(401, {"response": [{"code": 401, "status": "failure", "error_data": {"description": words}}]})


@pytest.mark.parametrize("failure", ["echoing_refusal", "dropped", "limited"])
def test_neither_credentials_nor_numbers_are_in_logs_or_errors(
    client_of: ClientFactory, caplog: pytest.LogCaptureFixture, echoing_refusal: bytes, failure: str
) -> None:
    first = {"echoing_refusal": echoing_refusal, "dropped": b"", "limited": http(429)}[failure]

    with caplog.at_level(logging.DEBUG), RawServer(first, echoing_refusal) as server:
        client = client_of(host=server.host, api_key=KEY, api_token=TOKEN)
        with pytest.raises(ExotelError) as caught:
            client.create_campaign(CampaignRequest(**arguments(custom_field=TOKEN)))

    texts = [*(record.getMessage() for record in caplog.records), repr(client), repr(caught.value)]
    texts += traceback.format_exception(caught.value)
    assert caplog.records
    assert not any(trace in text for trace in TRACES for text in texts)


@pytest.mark.parametrize("failure", ["echoing_refusal", "dropped"])
def test_neither_credentials_nor_numbers_are_in_the_frames_of_an_error(
    client_of: ClientFactory, echoing_refusal: bytes, failure: str
) -> None:
    with RawServer({"echoing_refusal": echoing_refusal, "dropped": b""}[failure]) as server:
        client = client_of(host=server.host, api_key=KEY, api_token=TOKEN)
        with pytest.raises(ExotelError) as caught:
            client.create_campaign(CampaignRequest(**arguments()))

    assert caught.tb is not None
    below = caught.value.with_traceback(caught.tb.tb_next)  # this test itself has them all
    held = "".join(traceback.TracebackException.from_exception(below, capture_locals=True).format())
    assert "numbers=" in held
    assert not any(trace in held for trace in TRACES)


def test_the_life_of_a_campaign_leaves_no_number_and_no_credential_in_any_log(
    emulator: Emulator, client: ExotelClient, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.settings.update({"dialect": "wrapped", "echo_numbers": True})
    emulator.faults.add(Fault(on="GET campaigns/*", kind="rate_limited", message="+919876500000 is over the limit"))

    with caplog.at_level(logging.DEBUG):
        created = client.create_campaign(CampaignRequest(**arguments()))
        client.pause_campaign(created.id)
        client.resume_campaign(created.id)
        emulator.clock.advance(24 * 3600)
        records = list(client.call_details(created.id))

    assert len(records) >= 3
    texts = [record.getMessage() for record in caplog.records] + [repr(records), repr(created)]
    assert not any(trace in text for trace in ("98765", emulator.api_key, emulator.api_token) for text in texts)


def test_the_error_of_a_lost_connection_repeats_nothing_of_the_request(client_of: ClientFactory) -> None:
    with RawServer(b"") as server, pytest.raises(ExotelError) as caught:
        next(client_of(host=server.host).list_campaigns(name=NAME))

    assert not any(trace in text for trace in TRACES for text in traceback.format_exception(caught.value))


# --- ids and addresses ---


@pytest.mark.parametrize(
    "campaign_id", ["", ".", "..", "a/../b", "a/b", "?x", "a#b", "a b", "a%2e", "a\n", "ä", 7, None]
)
def test_an_id_that_would_lead_to_another_path_is_not_sent(
    emulator: Emulator, client: ExotelClient, campaign_id: Any
) -> None:
    asks: list[Any] = [client.get_campaign, client.pause_campaign, client.delete_campaign]
    asks += [lambda one: list(client.call_details(one)), lambda one: client.update_campaign(one, name="Other")]

    for ask in asks:
        with pytest.raises(ExotelInputError, match="campaign_id: must be an id"):
            ask(campaign_id)

    assert emulator.requests == []


@pytest.mark.parametrize("sid", ["", "a/../b", "..", "a.b", "a b", "a?b", "ä", "a\n"])
def test_an_account_sid_that_would_change_the_path_is_refused(client_of: ClientFactory, sid: str) -> None:
    with pytest.raises(ExotelInputError, match="account_sid: must consist of letters, digits, - and _"):
        client_of(account_sid=sid)


PRIVATE = [
    "localhost",
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0.0.0.0",
    "10.0.0.8",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "[::1]",
    "[::ffff:10.0.0.8]",
    "[fe80::1]",
    "[fd00::1]",
    "airflow",
    "airflow.local",
    "metadata.google.internal",
    "LOCALHOST.",
]
PUBLIC = ["hooks.example.org", "8.8.8.8", "[2001:4860:4860::8888]", "localhost.example.org"]


@pytest.mark.parametrize("field", ["url", "call_status_callback", "call_schedule_callback", "status_callback"])
@pytest.mark.parametrize(("hosts", "allowed"), [(PRIVATE, False), (PUBLIC, True)], ids=["private", "public"])
def test_only_public_urls_are_given_to_the_service(field: str, hosts: list[str], allowed: bool) -> None:
    for host in hosts:
        order = CampaignRequest(**arguments(**{field: f"http://{host}:8080/hook/c4n4ry"}))

        problems = problems_of(StagingGuard(), order)

        assert [problem.field for problem in problems] == ([] if allowed else [field]), host
        assert "c4n4ry" not in str(problems)


def problems_of(guard: StagingGuard, order: CampaignRequest) -> tuple[Problem, ...]:
    try:
        guard.check_request(order)
    except ExotelInputError as error:
        return error.problems
    return ()


def test_every_url_of_a_campaign_is_checked() -> None:
    refused = dict.fromkeys(CampaignRequest.model_fields, "nowhere")

    with pytest.raises(ExotelInputError) as caught:
        CampaignRequest(**refused)

    fields = {one.field for one in caught.value.problems if "absolute http or https URL" in one.message}
    assert fields == set(URL_FIELDS)


def test_only_a_client_of_loopback_allows_private_urls(emulator: Emulator, client_of: ClientFactory) -> None:
    order = CampaignRequest(**arguments(status_callback="http://127.0.0.1:9/end"))

    assert client_of().create_campaign(order).id
    with pytest.raises(ExotelInputError, match="status_callback: must not lead to a private network"):
        client_of(host="api.exotel.com").create_campaign(order)
    with pytest.raises(ExotelInputError, match="status_callback: must not lead to a private network"):
        client_of(host="api.exotel.com").update_campaign("c1", status_callback="http://127.0.0.1:9/end")


# --- fields that this version does not know ---


@pytest.mark.parametrize("guard", [ONLY, FEW])
@pytest.mark.parametrize(
    ("value", "harmless"),
    [(True, True), (12, True), (0.5, True), (9198765000, False), ("list-1", False), (["x"], False), ({"a": 1}, False)],
    ids=repr,
)
def test_the_guard_refuses_extra_fields_that_may_name_people(guard: StagingGuard, value: Any, harmless: bool) -> None:
    order = CampaignRequest(**arguments(numbers=people(2), extra_fields={"voicemail": value}))

    problems = problems_of(guard, order)

    assert [problem.field for problem in problems] == ([] if harmless else ["extra_fields.voicemail"])
    assert problems_of(StagingGuard(), order) == ()
