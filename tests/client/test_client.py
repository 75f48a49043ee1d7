from __future__ import annotations

import logging
import re
from typing import Any

import pytest

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.errors import (
    ExotelAuthError,
    ExotelConflict,
    ExotelError,
    ExotelInputError,
    ExotelNotFound,
    ExotelRequestRefused,
    ExotelResponseError,
)
from airflow_provider_exotel.client.models import CampaignStatus
from airflow_provider_exotel.client.request import CampaignRequest
from airflow_provider_exotel.emulator import Emulator, Fault

from .api_samples import ClientFactory, arguments, people
from .raw_server import RawServer, campaign, http

EVERY_DIALECT = [(dialect, accepts) for dialect in ("documented", "wrapped") for accepts in ("documented", "wrapped")]


def order(**fields: Any) -> CampaignRequest:
    return CampaignRequest(**arguments(**fields))


def sent(emulator: Emulator, method: str = "POST") -> list[Any]:
    """The bodies of the requests so far."""
    return [entry.body for entry in emulator.requests if entry.method == method]


# --- every endpoint in every dialect ---


@pytest.mark.parametrize(("dialect", "accepts"), EVERY_DIALECT)
def test_every_endpoint_in_every_dialect(emulator: Emulator, client: ExotelClient, dialect: str, accepts: str) -> None:
    emulator.settings.update({"dialect": dialect, "accepts": accepts})

    created = client.create_campaign(order(name="January"))
    emulator.clock.advance(1)
    assert (created.name, created.status, created.stats.created) == ("January", CampaignStatus.CREATED, 3)
    assert client.get_campaign(created.id).name == "January"
    assert [campaign.id for campaign in client.list_campaigns()] == [created.id]
    assert client.update_campaign(created.id, status_callback="https://example.org/end").id == created.id
    assert client.pause_campaign(created.id).status is CampaignStatus.PAUSED
    emulator.clock.advance(1)
    assert client.resume_campaign(created.id).status is CampaignStatus.IN_PROGRESS
    emulator.clock.advance(24 * 3600)
    assert client.get_campaign(created.id).status is CampaignStatus.COMPLETED
    assert {record.number for record in client.call_details(created.id)} == set(people(3))
    assert client.archive_campaign(created.id).status is CampaignStatus.ARCHIVED

    second = client.create_campaign(order(name="February"))
    client.pause_campaign(second.id)
    assert client.complete_campaign(second.id).status is CampaignStatus.COMPLETED


@pytest.mark.parametrize("deleted_get", ["404", "deleted"])
def test_a_campaign_that_has_not_started_can_be_deleted(
    emulator: Emulator, client: ExotelClient, deleted_get: str
) -> None:
    emulator.settings.deleted_get = deleted_get
    later = emulator.clock.now().replace(year=emulator.clock.now().year + 1, microsecond=0)
    created = client.create_campaign(order(schedule={"send_at": later}))

    client.delete_campaign(created.id)

    assert [state.status for state in emulator.campaigns] == ["deleted"]


def test_a_missing_campaign_can_be_deleted_but_not_paused(client: ExotelClient) -> None:
    client.delete_campaign("nowhere")

    with pytest.raises(ExotelNotFound):
        client.pause_campaign("nowhere")


@pytest.mark.parametrize("status", [200, 202, 204])
def test_a_change_that_is_answered_without_a_body_is_made(client_of: ClientFactory, status: int) -> None:
    paused = http(200, campaign(id="c1", status="Paused"))

    with RawServer(http(status), paused, http(status), paused, http(status)) as server:
        client = client_of(host=server.host)
        assert client.pause_campaign("c1").status is CampaignStatus.PAUSED
        assert client.request_pause("c1") is None
        assert client.get_campaign("c1").status is CampaignStatus.PAUSED
        client.delete_campaign("c1")


@pytest.mark.parametrize("status", [302, 304])
def test_a_change_that_is_redirected_is_not_made(client_of: ClientFactory, status: int) -> None:
    with RawServer(http(status), http(status), http(status)) as server:
        client = client_of(host=server.host)
        for change in (client.delete_campaign, client.request_pause, client.lists.delete):
            with pytest.raises(ExotelError) as caught:
                change("c1")
            assert caught.value.http_status == status


def test_a_single_campaign_may_come_as_an_object(emulator: Emulator, client: ExotelClient) -> None:
    emulator.settings.response_as_object = True

    assert client.get_campaign(client.create_campaign(order()).id).name == "January"


def test_unknown_statuses_and_counts_are_kept(emulator: Emulator, client: ExotelClient) -> None:
    emulator.settings.update(
        {"status_words": {"in-progress": "Ringing"}, "extra_stats": {"on-hold": 4}, "counts_as_strings": True}
    )
    created = client.create_campaign(order())
    emulator.clock.advance(1)

    campaign = client.get_campaign(created.id)

    assert (campaign.status, campaign.status_text) == (CampaignStatus.UNKNOWN, "Ringing")
    assert (campaign.stats.created, campaign.stats.other) == (3, {"on_hold": 4})


@pytest.mark.parametrize("envelope", ["item", "object", "rest_exception", "error"])
def test_a_refusal_repeats_the_services_text_in_every_envelope(
    emulator: Emulator, client: ExotelClient, envelope: str
) -> None:
    emulator.settings.envelope = envelope

    with pytest.raises(ExotelRequestRefused, match="There is no list 'nowhere'") as caught:
        client.create_campaign(order(numbers=None, lists=["nowhere"]))

    assert caught.value.http_status == 400


def test_wrong_account_and_wrong_token_are_different_errors(client_of: ClientFactory) -> None:
    with pytest.raises(ExotelAuthError, match=r"does not accept the API key and token.*region"):
        client_of(api_token="mistyped").check_access()
    with pytest.raises(ExotelAuthError, match="knows the credentials but denies access"):
        client_of(account_sid="somebody").check_access()


def test_check_access_makes_one_small_read(emulator: Emulator, client: ExotelClient) -> None:
    client.check_access()

    assert [(entry.method, dict(entry.query)) for entry in emulator.requests] == [("GET", {"limit": "1"})]


@pytest.mark.parametrize(
    ("status", "kind"), [(400, ExotelRequestRefused), (403, ExotelAuthError), (409, ExotelConflict)]
)
def test_an_action_in_the_wrong_state_is_refused(
    emulator: Emulator, client: ExotelClient, status: int, kind: type[Exception]
) -> None:
    emulator.settings.wrong_state_status = status
    created = client.create_campaign(order())

    with pytest.raises(kind):
        client.complete_campaign(created.id)


def test_an_update_is_checked_before_it_is_sent(emulator: Emulator, client: ExotelClient) -> None:
    with pytest.raises(ExotelInputError, match="status_callback"):
        client.update_campaign("c1", status_callback="nowhere")

    assert emulator.requests == []


# --- the two forms of a body ---


@pytest.mark.parametrize(
    ("request_body", "accepts", "forms"),
    [
        ("auto", "both", ["documented", "documented"]),
        ("auto", "documented", ["documented", "documented"]),
        ("auto", "wrapped", ["documented", "wrapped", "wrapped"]),
        ("documented", "documented", ["documented", "documented"]),
        ("wrapped", "wrapped", ["wrapped", "wrapped"]),
    ],
)
def test_body_forms_sent_for_two_campaigns(
    emulator: Emulator, client_of: ClientFactory, request_body: str, accepts: str, forms: list[str]
) -> None:
    emulator.settings.accepts = accepts
    client = client_of(request_body=request_body)

    client.create_campaign(order(name="January"))
    client.create_campaign(order(name="February"))

    assert ["wrapped" if "campaigns" in body else "documented" for body in sent(emulator)] == forms
    assert len(emulator.campaigns) == 2


def test_the_body_form_of_a_create_is_used_for_actions_too(emulator: Emulator, client: ExotelClient) -> None:
    emulator.settings.accepts = "wrapped"

    client.pause_campaign(client.create_campaign(order()).id)

    assert sent(emulator, "PUT") == [{"campaigns": [{"action": "pause"}]}]


def test_once_a_form_has_worked_a_refusal_is_about_the_content(emulator: Emulator, client: ExotelClient) -> None:
    client.create_campaign(order())

    with pytest.raises(ExotelRequestRefused):
        client.create_campaign(order(numbers=None, lists=["unknown"]))

    assert len(sent(emulator)) == 2


def test_a_configured_body_form_is_the_only_one_sent(emulator: Emulator, client_of: ClientFactory) -> None:
    emulator.settings.accepts = "wrapped"

    with pytest.raises(ExotelRequestRefused, match="Campaigns is mandatory"):
        client_of(request_body="documented").create_campaign(order())

    assert len(sent(emulator)) == 1


@pytest.mark.parametrize("accepts", ["documented", "wrapped"])
def test_of_two_refusals_the_one_about_the_content_is_raised(
    emulator: Emulator, client: ExotelClient, accepts: str
) -> None:
    emulator.settings.accepts = accepts
    emulator.add_list("known", people(2))

    with pytest.raises(ExotelRequestRefused, match="There is no list"):
        client.create_campaign(order(numbers=None, lists=["unknown"]))

    assert len(sent(emulator)) == 2


def test_the_log_says_once_how_to_save_the_first_request(
    emulator: Emulator, client: ExotelClient, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.settings.accepts = "wrapped"

    with caplog.at_level(logging.INFO, "airflow_provider_exotel"):
        client.create_campaign(order(name="January"))
        client.create_campaign(order(name="February"))

    assert sum("request_body" in record.getMessage() for record in caplog.records) == 1


def test_a_request_function_is_called_before_each_sending(emulator: Emulator, client: ExotelClient) -> None:
    emulator.faults.add(Fault(on="POST campaigns", kind="rate_limited"))
    names = iter(["too early", "just right"])

    created = client.create_campaign(lambda: order(name=next(names)))

    assert created.name == "just right"


# --- lists ---


@pytest.mark.parametrize("metadata", [True, False])
@pytest.mark.parametrize("dialect", ["documented", "wrapped"])
def test_all_pages_of_a_list_are_read_newest_first(
    emulator: Emulator, client: ExotelClient, dialect: str, metadata: bool
) -> None:
    emulator.settings.update({"dialect": dialect, "list_metadata": metadata})
    created = []
    for number in range(7):
        created.append(client.create_campaign(order(name=f"campaign {number}")).id)
        emulator.clock.advance(1)

    assert [campaign.id for campaign in client.list_campaigns(page_size=3)] == created[::-1]


def test_a_page_is_requested_only_when_needed(emulator: Emulator, client: ExotelClient) -> None:
    for number in range(5):
        client.create_campaign(order(name=f"campaign {number}"))

    next(iter(client.list_campaigns(page_size=2)))

    assert [dict(entry.query)["offset"] for entry in emulator.requests if entry.method == "GET"] == ["0"]


def test_a_campaign_that_moves_to_the_next_page_comes_once(emulator: Emulator, client: ExotelClient) -> None:
    old = []
    for number in range(4):
        old.append(client.create_campaign(order(name=f"campaign {number}")).id)
        emulator.clock.advance(1)
    pages = client.list_campaigns(page_size=2)

    seen = [next(pages).id]
    client.create_campaign(order(name="new"))
    seen += [campaign.id for campaign in pages]

    assert seen == old[::-1]


@pytest.mark.parametrize("dialect", ["documented", "wrapped"])
def test_the_status_filter_is_sent_and_applied_again(emulator: Emulator, client: ExotelClient, dialect: str) -> None:
    emulator.settings.dialect = dialect
    paused, running = (client.create_campaign(order(name=name)) for name in ("paused", "running"))
    client.pause_campaign(paused.id)
    emulator.clock.advance(1)
    wanted = [CampaignStatus.IN_PROGRESS]

    assert [campaign.id for campaign in client.list_campaigns(status=wanted)] == [running.id]
    assert dict(emulator.requests[-1].query)["status"] == "InProgress"


def test_a_status_filter_that_the_service_ignores_is_applied_by_the_client(client_of: ClientFactory) -> None:
    page = {"metadata": {"total": 2}, "response": [{"id": "c1", "status": "Paused"}, {"id": "c2", "status": "Created"}]}

    with RawServer(http(200, page)) as server:
        listed = list(client_of(host=server.host).list_campaigns(status=[CampaignStatus.CREATED]))

    assert [campaign.id for campaign in listed] == ["c2"]


def test_the_name_filter_is_left_to_the_service(emulator: Emulator, client: ExotelClient) -> None:
    for name in ("January due", "February due"):
        client.create_campaign(order(name=name))

    assert [campaign.name for campaign in client.list_campaigns(name="January")] == ["January due"]


# --- call details ---


@pytest.mark.parametrize("no_calls", ["404", "empty"])
def test_before_the_first_call_there_are_no_records(emulator: Emulator, client: ExotelClient, no_calls: str) -> None:
    emulator.settings.no_calls = no_calls
    created = client.create_campaign(order())

    assert list(client.call_details(created.id)) == []


def test_the_calls_of_an_unknown_campaign_are_not_found(client: ExotelClient) -> None:
    with pytest.raises(ExotelNotFound):
        list(client.call_details("nowhere"))


@pytest.mark.parametrize("dialect", ["documented", "wrapped"])
def test_every_attempt_comes_once_over_all_pages(emulator: Emulator, client: ExotelClient, dialect: str) -> None:
    emulator.settings.dialect = dialect
    retries = {"number_of_retries": 2, "interval_mins": 1}
    created = client.create_campaign(order(numbers=people(20), call_retries=retries))
    emulator.clock.advance(24 * 3600)

    records = list(client.call_details(created.id, page_size=3))

    made = emulator.calls(created.id)
    assert len(made) > 20
    assert sorted(record.call_sid or "" for record in records) == sorted(call.call_sid for call in made)


def test_calls_can_be_filtered_by_status(emulator: Emulator, client: ExotelClient) -> None:
    emulator.settings.outcomes = {"busy": 1, "completed": 1}
    created = client.create_campaign(order(numbers=people(30)))
    emulator.clock.advance(24 * 3600)

    found = {record.status for record in client.call_details(created.id, status=["busy"])}

    assert found == {"busy"}


CALL = {"call_sid": "s1", "to": "+919876500000", "status": "busy"}


@pytest.mark.parametrize("total", [None, 1])
def test_a_page_past_the_last_call_may_be_a_404(client_of: ClientFactory, total: int | None) -> None:
    page = http(200, {"metadata": {} if total is None else {"total": total}, "response": [CALL]})
    there = http(200, campaign(id="c1"))

    with RawServer(page, http(404), there) as server:
        assert [record.call_sid for record in client_of(host=server.host).call_details("c1")] == ["s1"]


def test_a_404_before_the_total_of_calls_is_an_error(client_of: ClientFactory) -> None:
    page = http(200, {"metadata": {"total": 2}, "response": [CALL]})
    there = http(200, campaign(id="c1"))

    with RawServer(page, http(404), there) as server, pytest.raises(ExotelResponseError, match="1 of 2"):
        list(client_of(host=server.host).call_details("c1"))


def test_smaller_pages_of_calls_are_requested_if_the_first_is_refused(client_of: ClientFactory) -> None:
    page = http(200, {"metadata": {"total": 2}, "response": [CALL]})
    rest = http(200, {"metadata": {"total": 2}, "response": [CALL | {"call_sid": "s2"}]})

    with RawServer(http(400), page, rest) as server:
        records = list(client_of(host=server.host).call_details("c1"))

        assert [record.call_sid for record in records] == ["s1", "s2"]
        limits = [re.search(r"limit=(\d+)", line) for line in server.request_lines]
        assert [found[1] for found in limits if found] == ["500", "100", "100"]


def test_calls_that_are_refused_at_every_page_size_are_an_error(client_of: ClientFactory) -> None:
    with RawServer(http(400)) as server:
        with pytest.raises(ExotelRequestRefused):
            list(client_of(host=server.host).call_details("c1"))

        assert len(server.requests) == 3
