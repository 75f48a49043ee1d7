"""Lists of contacts and the CSV files that fill them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
import requests

from airflow_provider_exotel.emulator import Emulator, Fault

from .conftest import Api, at, people


def csv_of(numbers: Iterable[str], header: str = "number", row: str = "{}") -> bytes:
    return "\n".join([header, *map(row.format, numbers), ""]).encode()


def upload(api: Api, content: bytes, name: str = "March", **fields: str) -> requests.Response:
    address = f"{api.emulator.url}/v2/accounts/{api.emulator.account_sid}/contacts/csv-upload"
    file = {"file_name": ("contacts.csv", content, "text/csv")}
    return api.session.post(address, data={"list_name": name, "type": "static", **fields}, files=file, timeout=60)


def uploaded(api: Api, content: bytes, name: str = "March", **fields: str) -> dict[str, str]:
    """Upload a file that is taken, and return its ids."""
    answer = upload(api, content, name, **fields)
    assert answer.status_code == 200, answer.text
    return answer.json()["response"][0]["data"]


def status(api: Api, ids: dict[str, str]) -> dict[str, Any]:
    return api("GET", f"csv-status/{ids['upload_id']}").json()["response"]["data"]


# --- lists ---


def test_a_list_is_created_read_renamed_and_deleted(api: Api) -> None:
    created = api("POST", "lists", {"lists": [{"name": "March", "tag": "due"}]}).json()["response"][0]["data"]
    path = f"lists/{created['sid']}"

    assert (created["name"], created["tag"], created["contact_count"]) == ("March", "due", 0)
    assert api("PUT", path, {"name": "April"}).json()["response"][0]["data"]["name"] == "April"
    assert api("GET", path).json()["response"][0]["data"]["name"] == "April"
    assert api("DELETE", path).status_code == 200
    assert [api(method, path, {"tag": "x"}).status_code for method in ("GET", "PUT", "DELETE")] == [404, 404, 404]


def test_an_existing_name_is_a_conflict_inside_a_successful_response(api: Api) -> None:
    assert api("POST", "lists", {"lists": [{"name": "March"}]}).status_code == 200

    again = api("POST", "lists", {"lists": [{"name": "March"}]})
    item = again.json()["response"][0]

    assert (again.status_code, item["code"], item["status"], item["data"]) == (200, 409, "failure", None)


def test_several_lists_at_once_are_a_partial_result(api: Api) -> None:
    answer = api("POST", "lists", {"lists": [{"name": "March"}, {"name": "March"}, {"name": " "}, {"name": "May"}]})

    assert answer.status_code == 207
    assert [item["code"] for item in answer.json()["response"]] == [200, 409, 400, 200]
    assert answer.json()["metadata"] == {"total": 4, "success": 2, "failed": 2}


@pytest.mark.parametrize("body", [None, {}, {"lists": []}, {"lists": ["March"]}, {"name": "March"}], ids=str)
def test_invalid_create_requests_for_lists(api: Api, body: Any) -> None:
    assert api("POST", "lists", body).status_code == 400


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"lists": [{"name": "April"}]}], ids=str)
def test_invalid_changes_of_a_list(api: Api, emulator: Emulator, body: Any) -> None:
    emulator.add_list("one", people(1))

    assert api("PUT", "lists/one", body).status_code == 400


def test_a_list_cannot_take_the_name_of_another(api: Api, emulator: Emulator) -> None:
    emulator.add_list("one", people(1), "March")
    emulator.add_list("two", people(1), "April")

    assert api("PUT", "lists/two", {"name": "March"}).status_code == 409
    assert api("PUT", "lists/two", {"name": "April"}).status_code == 200


@pytest.mark.parametrize("dialect", ["documented", "wrapped"])
def test_lists_come_in_pages(api: Api, emulator: Emulator, dialect: str) -> None:
    emulator.settings.dialect = dialect
    for index in range(25):
        emulator.add_list(f"list-{index:02}", people(index))

    answers = [api("GET", "lists", params={"offset": offset}).json() for offset in (0, 20)]
    shown = [item.get("data", item) for answer in answers for item in answer["response"]]

    assert [len(answer["response"]) for answer in answers] == [20, 5]
    assert [each["contact_count"] for each in shown] == list(range(25))
    assert answers[1]["metadata"] == {"count": 5, "offset": 20, "total": 25, "limit": 20}


@pytest.mark.parametrize(
    ("mode", "found"), [("exact", []), ("substring", ["March"]), ("casefold", ["March"]), ("ignored", ["March", "May"])]
)
def test_the_name_filter_of_lists(api: Api, emulator: Emulator, mode: str, found: list[str]) -> None:
    emulator.settings.name_filter = mode
    emulator.add_list("one", people(1), "March")
    emulator.add_list("two", people(1), "May")

    assert [each["name"] for each in api("GET", "lists", params={"name": "Mar"}).json()["response"]] == found


def test_a_new_list_may_be_missing_from_the_next_reads(api: Api, emulator: Emulator) -> None:
    emulator.settings.list_delay_reads = 1
    ids = uploaded(api, csv_of(people(2)))

    assert [len(api("GET", "lists").json()["response"]) for _ in range(2)] == [0, 1]
    assert api("GET", f"lists/{ids['list_sid']}").status_code == 200


def test_a_page_has_at_most_twenty_contacts(api: Api, emulator: Emulator) -> None:
    emulator.add_list("one", people(45))

    pages = [
        api("GET", "lists/one/contacts", params={"offset": offset, "limit": 1000}).json() for offset in (0, 20, 40, 60)
    ]

    assert [len(page["response"]) for page in pages] == [20, 20, 5, 0]
    assert [contact["number"] for page in pages for contact in page["response"]] == people(45)
    assert pages[0]["metadata"] == {"count": 20, "offset": 0, "total": 45, "limit": 20}


def test_a_list_in_use_is_not_deleted(api: Api, emulator: Emulator) -> None:
    emulator.add_list("one", people(100))
    campaign = api.create(**{"from": None, "lists": ["one"]})
    emulator.clock.advance(10)

    assert api("DELETE", "lists/one").status_code == emulator.settings.wrong_state_status
    api.act(campaign, action="pause")
    api.act(campaign, action="complete")
    assert api("DELETE", "lists/one").status_code == 200


# --- files ---


def test_a_file_becomes_a_list_of_its_numbers_in_order(api: Api, emulator: Emulator) -> None:
    ids = uploaded(api, csv_of(people(30), "first_name,number,email", "Asha,{},"))

    [made] = emulator.lists
    assert (made.sid, made.name, made.numbers) == (ids["list_sid"], "March", tuple(people(30)))
    assert "98765" not in repr(made)


def test_an_upload_to_an_existing_name_adds_to_the_list_without_duplicates(api: Api, emulator: Emulator) -> None:
    first = uploaded(api, csv_of([*people(3), people(1)[0]]))
    second = uploaded(api, csv_of(people(3, first=2)))

    [made] = emulator.lists
    assert first["list_sid"] == second["list_sid"] == made.sid
    assert made.numbers == tuple(people(5))
    counts = [[status(api, ids)[f"{name}_count"] for name in ("success", "duplicate")] for ids in (first, second)]
    assert counts == [[3, 1], [2, 1]]


def test_duplicates_may_be_added_with_a_switch(api: Api, emulator: Emulator) -> None:
    emulator.settings.drop_duplicates = False
    uploaded(api, csv_of(people(2)))
    uploaded(api, csv_of(people(2)))

    assert emulator.lists[0].numbers == tuple(people(2) * 2)


def test_rows_without_a_number_fail_alone(api: Api, emulator: Emulator) -> None:
    rows = b"number,tag\n+919876500000,a\nn/a,b\n9.19E+11,c\n+919876500001\n\n+919876500002,d\n"

    ids = uploaded(api, rows)

    assert emulator.lists[0].numbers == ("+919876500000", "+919876500002")
    assert [status(api, ids)[key] for key in ("total_records", "success_count", "failure_count")] == [5, 2, 3]


WRONG: list[tuple[bytes, dict[str, str], str]] = [
    (csv_of(people(1)), {"name": " "}, "list_name"),
    (csv_of(people(1)), {"type": "moving"}, "type"),
    (b"", {}, "number"),
    (b"number\n", {}, "no rows"),
    (csv_of(people(1), "Number"), {}, "number"),
    (csv_of(people(1), "\ufeffnumber"), {}, "number"),
    (csv_of(people(1), "number,number", "{0},{0}"), {}, "twice"),
    (csv_of(people(1), "number,due", "{},5"), {}, "due"),
    (csv_of(people(1), "number,due date", "{},5"), {"type": "dynamic"}, "one word"),
    (csv_of(people(1), "number,a,b,c,d,e,f", "{},1,2,3,4,5,6"), {"type": "dynamic"}, "at most 5"),
    (b"number\n+919876500000\n\xff\xfe\n", {}, "UTF-8"),
]


@pytest.mark.parametrize(("content", "fields", "said"), WRONG, ids=repr)
def test_an_invalid_file_is_refused(
    api: Api, emulator: Emulator, content: bytes, fields: dict[str, str], said: str
) -> None:
    answer = upload(api, content, **fields)

    assert (answer.status_code, said in answer.text) == (400, True), answer.text
    assert emulator.lists == []


def test_a_file_without_a_form_is_refused(api: Api) -> None:
    assert api("POST", "contacts/csv-upload", {"list_name": "March", "file_name": "number"}).status_code == 400


def test_a_static_list_has_at_most_a_hundred_thousand_contacts(api: Api, emulator: Emulator) -> None:
    everybody = [f"+91987{index:07}" for index in range(110_000)]
    uploaded(api, csv_of(everybody[:60_000]))

    assert upload(api, csv_of(everybody[50_000:])).status_code == 400
    uploaded(api, csv_of(everybody[40_000:100_000]))
    assert len(emulator.lists[0].numbers) == 100_000


def test_a_dynamic_file_is_smaller_than_sixty_megabytes(api: Api, emulator: Emulator) -> None:
    row = "{}," + "x" * 59_000
    fits, too_large = (csv_of(people(count), "number,text", row) for count in (1_000, 1_020))

    assert upload(api, too_large, type="dynamic").status_code == 400
    uploaded(api, fits, type="dynamic")
    assert len(emulator.lists[0].numbers) == 1_000
    assert "x" * 100 not in str(emulator.requests[-1].body)


def test_a_list_keeps_its_type_and_columns(api: Api) -> None:
    uploaded(api, csv_of(people(1), "number,due", "{},5"), type="dynamic")

    assert upload(api, csv_of(people(2)), type="static").status_code == 400
    assert upload(api, csv_of(people(2), "number,date", "{},5"), type="dynamic").status_code == 400
    assert upload(api, csv_of(people(2), "number,due", "{},6"), type="dynamic").status_code == 200


# --- imports ---


def test_a_list_fills_during_its_import(api: Api, emulator: Emulator) -> None:
    emulator.settings.import_seconds = 60
    ids = uploaded(api, csv_of([*people(10), "n/a", "n/a"]))
    seen = []
    for seconds in (0, 30, 29, 1):
        emulator.clock.advance(seconds)
        seen.append((status(api, ids)["status"], len(emulator.lists[0].numbers)))

    assert seen == [("processing", 0), ("processing", 5), ("processing", 9), ("completed", 10)]


def test_the_status_of_an_import_in_the_older_dialect(api: Api, emulator: Emulator) -> None:
    emulator.settings.update({"dialect": "wrapped", "import_seconds": 60})
    ids = upload(api, csv_of([*people(2), "n/a"])).json()["response"]["data"]["summary"]
    assert status(api, ids)["status"] == "in-progress"

    emulator.clock.advance(60)

    assert api("GET", ids["url"].partition("/emulator/")[2]).json()["response"]["data"] == {
        "upload_id": ids["upload_id"],
        "list_sid": ids["list_sid"],
        "status": "completed",
        "stats": {"total": 3, "success": 2, "duplicate": 0, "failed": 1},
    }


def test_the_third_format_of_the_response_to_an_upload(api: Api, emulator: Emulator) -> None:
    emulator.settings.csv_answer = "list"

    data = upload(api, csv_of(people(1))).json()["response"]["data"]

    assert data["list"]["sid"] == emulator.lists[0].sid


def test_rows_may_fail_and_an_import_may_be_interrupted(api: Api, emulator: Emulator) -> None:
    emulator.settings.import_failed_rows = 2
    ids = uploaded(api, csv_of(people(10)), "some fail")
    emulator.settings.update({"import_failed_rows": 0, "import_stops_after": 4})
    broken = uploaded(api, csv_of(people(10)), "broken off")

    assert [status(api, ids)[key] for key in ("status", "success_count", "failure_count")] == ["completed", 8, 2]
    assert status(api, broken)["status"] == "failed"
    assert [len(each.numbers) for each in emulator.lists] == [8, 4]


def test_an_unknown_upload(api: Api) -> None:
    assert api("GET", "csv-status/nothing").status_code == 404


def test_a_campaign_waits_for_its_list_and_then_calls_all_of_it(api: Api, emulator: Emulator) -> None:
    emulator.settings.import_seconds = 600
    ids = uploaded(api, csv_of(people(5)))
    campaign = api.create(**{"from": None, "lists": [ids["list_sid"]], "schedule": {"end_at": at(60)}})

    emulator.clock.advance(599)
    assert api.read(campaign)["status"] == "Created"
    emulator.clock.advance(2)
    assert api.read(campaign)["status"] == "InProgress"
    emulator.clock.advance(3000)

    calls = emulator.calls(campaign["id"])
    assert {call.number for call in calls} == set(people(5))
    assert min(call.started for call in calls) >= emulator.campaign(campaign["id"]).send_at


def test_a_campaign_whose_list_comes_too_late_calls_nobody(api: Api, emulator: Emulator) -> None:
    emulator.settings.import_seconds = 3600
    ids = uploaded(api, csv_of(people(5)))
    campaign = api.create(**{"from": None, "lists": [ids["list_sid"]], "schedule": {"end_at": at(10)}})

    emulator.clock.advance(7200)

    assert api.read(campaign)["status"] == "Completed"
    assert emulator.calls(campaign["id"]) == ()


def test_a_campaign_that_waits_for_its_list_may_be_paused_and_resumed(api: Api, emulator: Emulator) -> None:
    emulator.settings.import_seconds = 600
    ids = uploaded(api, csv_of(people(5)))
    campaign = api.create(**{"from": None, "lists": [ids["list_sid"]]})
    api.act(campaign, action="pause")
    emulator.clock.advance(1200)
    assert api.read(campaign)["status"] == "Paused"

    api.act(campaign, action="resume")
    emulator.clock.advance(600)

    assert {call.number for call in emulator.calls(campaign["id"])} == set(people(5))


# --- faults ---


@pytest.mark.parametrize(("kind", "lists"), [("drop_before_commit", 0), ("drop_after_commit", 1)])
def test_the_response_to_an_upload_may_be_lost(api: Api, emulator: Emulator, kind: str, lists: int) -> None:
    emulator.faults.add(Fault(on="POST contacts/csv-upload", kind=kind))

    with pytest.raises(requests.exceptions.ConnectionError):
        upload(api, csv_of(people(50_000)))

    assert len(emulator.lists) == lists
    assert (emulator.requests[-1].path, emulator.requests[-1].committed) == ("contacts/csv-upload", bool(lists))


def test_the_status_of_an_import_may_fail(api: Api, emulator: Emulator) -> None:
    ids = uploaded(api, csv_of(people(1)))
    emulator.faults.add(Fault(on="GET csv-status/*", kind="status", status=503))

    assert [api("GET", f"csv-status/{ids['upload_id']}").status_code for _ in range(2)] == [503, 200]


def test_an_incomplete_upload_is_not_imported(api: Api, emulator: Emulator) -> None:
    def half() -> Any:
        yield b'--b\r\nContent-Disposition: form-data; name="list_name"\r\n\r\nMarch\r\n--b\r\n'
        yield b'Content-Disposition: form-data; name="file_name"; filename="a.csv"\r\n\r\n' + csv_of(people(10))
        raise RuntimeError("died")

    address = f"{emulator.url}/v2/accounts/{emulator.account_sid}/contacts/csv-upload"
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    with pytest.raises(RuntimeError, match="died"):
        api.session.post(address, data=half(), headers=kind, timeout=60)

    assert api("GET", "lists").json()["response"] == []


def test_the_control_path_of_lists_has_no_phone_numbers(api: Api, emulator: Emulator) -> None:
    ids = uploaded(api, csv_of(people(3)))

    answer = api.session.get(f"{emulator.url}/_emulator/lists", timeout=60)

    assert answer.json() == [{"sid": ids["list_sid"], "name": "March", "kind": "static", "contact_count": 3}]
