"""The steps of creating a campaign once, on a simulated clock."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_exotel.client.errors import (
    ExotelError,
    ExotelInputError,
    ExotelNotFound,
    ExotelOutcomeUnknown,
    ExotelRequestRefused,
    ExotelServerError,
)
from airflow_provider_exotel.client.models import Campaign, CampaignStatus
from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.client.request import CampaignChanges, CampaignRequest
from airflow_provider_exotel.create.errors import ExotelCampaignGone, TrySuperseded
from airflow_provider_exotel.create.fingerprint import CampaignFields, FieldsFingerprint
from airflow_provider_exotel.create.identity import CampaignIdentity, identify
from airflow_provider_exotel.create.journal import AudienceFingerprint, CampaignJournal, Entry
from airflow_provider_exotel.create.once import SEND_WITHIN, SETTLE, Clock, OneCampaign
from airflow_provider_exotel.windows.calling_window import MissedWindow

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
NUMBERS = PhoneNumbers(["+919876500000", "+919876500001"])
AUDIENCE = AudienceFingerprint.of(NUMBERS, None, "secret")
IDENTITY = identify("emulator", None, dag_id="reminders", run_id="manual", task_id="create", map_index=-1)
ANSWER = timedelta(seconds=40)


@dataclass
class Service:
    """An account on a simulated clock that can lose responses."""

    now: datetime = NOW
    shown_after: timedelta = timedelta()
    error: ExotelError | None = None
    commits: bool = True
    existing: list[Campaign] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def list_campaigns(self) -> Iterator[Campaign]:
        self.done.append("look")
        shown = [one for one in self.existing if one.date_created and self.now - one.date_created >= self.shown_after]
        return iter(shown[::-1])

    def get_campaign(self, campaign_id: str) -> Campaign:
        self.done.append("get")
        for campaign in self.existing:
            if campaign.id == campaign_id:
                return campaign
        raise ExotelNotFound("not there")

    def create_campaign(self, request: Callable[[], CampaignRequest]) -> Campaign:
        made = request()
        self.done.append("post")
        campaign = Campaign(id=str(len(self.existing)), name=made.name or "", date_created=self.now)
        if self.commits:
            self.existing.append(campaign)
        if self.error is not None:
            raise self.error
        return campaign

    def pause_campaign(self, campaign_id: str) -> Campaign:
        self.done.append(f"pause {campaign_id}")
        return self.get_campaign(campaign_id)

    def delete_campaign(self, campaign_id: str) -> None:
        self.done.append(f"delete {campaign_id}")

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += timedelta(seconds=seconds)


class Store:
    """The task state that is kept between tries."""

    def __init__(self, kept: Entry | None = None, *, is_discarded: bool = False) -> None:
        self.kept = kept.as_json() if kept else None
        self.is_discarded = is_discarded
        self.written: list[Entry] = []

    def write(self, entry: dict[str, Any]) -> None:
        self.kept = entry
        self.written.append(Entry.of(entry))

    def journal(self) -> CampaignJournal:
        return CampaignJournal(lambda: self.kept, self.write, is_complete=not self.is_discarded)


def campaign(number: int, status: CampaignStatus = CampaignStatus.CREATED, **fields: Any) -> Campaign:
    return Campaign(id=str(number), name=IDENTITY.name, status=status, date_created=NOW, **fields)


def one(service: Service, store: Store | None = None, **options: Any) -> OneCampaign:
    journal = store.journal() if store else CampaignJournal.in_memory()
    clock = Clock(lambda: service.now, service.sleep)
    return OneCampaign(IDENTITY, service, journal, NOW, answer_within=ANSWER, clock=clock, **options)


def request(now: datetime) -> CampaignRequest:
    return CampaignRequest(numbers=NUMBERS, caller_id="0XXXXXX4890", name=IDENTITY.name)


def test_a_first_try_polls_stores_the_intent_sends_and_stores_the_id() -> None:
    service, store = Service(), Store()

    assert one(service, store).find(lambda: AUDIENCE) is None
    created = one(service, store).create(request, AUDIENCE)

    assert service.done == ["look", "post"]
    assert store.written == [Entry(None, NOW + SEND_WITHIN, AUDIENCE), Entry(created.id, None, AUDIENCE)]


class CutsNames(Service):
    """An account that keeps the first sixteen characters of a name."""

    def create_campaign(self, given: Callable[[], CampaignRequest]) -> Campaign:
        return replace(super().create_campaign(given), name=IDENTITY.name[:16])


@pytest.mark.parametrize(("service", "warnings"), [(Service(), 0), (CutsNames(), 1)])
def test_a_campaign_that_a_later_try_cannot_find_by_its_name_is_warned_about(
    caplog: pytest.LogCaptureFixture, service: Service, warnings: int
) -> None:
    one(service).create(request, AUDIENCE)

    assert sum("a later try may not find it" in record.message for record in caplog.records) == warnings


def test_a_campaign_in_the_journal_is_followed() -> None:
    service, store = Service(existing=[campaign(0)]), Store(Entry("0"))

    assert one(service, store).find(lambda: AUDIENCE) == campaign(0)
    assert service.done == ["get"]


def test_a_missing_campaign_in_the_journal_is_not_created_again() -> None:
    with pytest.raises(ExotelCampaignGone, match="give another idempotency_key"):
        one(Service(), Store(Entry("0"))).find(lambda: AUDIENCE)


def test_a_deleted_campaign_is_not_created_again() -> None:
    with pytest.raises(ExotelCampaignGone):
        one(Service(existing=[campaign(0, CampaignStatus.DELETED)])).find(lambda: AUDIENCE)


def test_a_campaign_in_the_list_is_stored_and_followed() -> None:
    service, store = Service(existing=[campaign(0)]), Store()

    assert one(service, store).find(lambda: AUDIENCE) == campaign(0)
    assert store.written == [Entry("0")]


def test_the_audience_is_stored_if_it_is_in_the_name() -> None:
    mark = AudienceFingerprint.of(NUMBERS, None, "secret", rejected=3)
    service, store = Service(existing=[named(0, mark)]), Store()

    found = one(service, store)
    found.find(lambda: mark)

    assert store.written == [Entry("0", None, mark)]
    assert (found.contacts, found.rejected) == (2, 3)


OPEN = Entry(None, NOW + SEND_WITHIN, AUDIENCE)
LONG_AGO = Entry(None, NOW - timedelta(hours=1), AUDIENCE)


@pytest.mark.parametrize(
    ("store", "is_later_try", "waits"),
    [
        pytest.param(Store(), False, timedelta(), id="a first try polls once"),
        pytest.param(Store(), True, timedelta(), id="so does a later try with an empty journal: nothing was sent"),
        pytest.param(
            Store(OPEN), True, SEND_WITHIN + ANSWER + SETTLE, id="an open intent: poll until the campaign would show"
        ),
        pytest.param(Store(LONG_AGO), True, timedelta(seconds=14), id="an old intent: poll a few times"),
        pytest.param(
            Store(is_discarded=True), True, SEND_WITHIN + ANSWER + SETTLE, id="a discarded journal: as with an intent"
        ),
    ],
)
def test_polling_before_the_campaign_is_sent(store: Store, is_later_try: bool, waits: timedelta) -> None:
    service = Service()

    assert one(service, store, is_later_try=is_later_try).find(lambda: AUDIENCE) is None

    assert service.now - NOW == waits


def test_without_a_journal_a_later_try_polls_for_the_maximum_time() -> None:
    service = Service()

    assert one(service, is_later_try=True).find(lambda: AUDIENCE) is None

    assert service.now - NOW == ANSWER + SETTLE


def test_a_discarded_journal_sends_no_second_campaign_while_the_first_does_not_show_yet() -> None:
    service, store = Service(shown_after=SETTLE), Store()
    first = one(service, store)
    assert first.find(lambda: AUDIENCE) is None
    sent = first.create(request, AUDIENCE)

    discarded = Store(is_discarded=True)  # as Airflow 3.4 does when a person clears the task

    assert one(service, discarded, is_later_try=True).find(lambda: AUDIENCE) == sent


def test_a_campaign_that_appears_late_is_found_by_a_later_try() -> None:
    service = Service(existing=[campaign(0)], shown_after=SETTLE)

    assert one(service, Store(OPEN)).find(lambda: AUDIENCE) == campaign(0)


def test_after_a_lost_response_the_list_is_polled() -> None:
    service, store = Service(error=ExotelOutcomeUnknown("lost"), shown_after=SETTLE), Store()

    created = one(service, store).create(request, AUDIENCE)

    assert (service.done.count("post"), created.id) == (1, "0")
    assert store.written[-1].campaign_id == "0"


def test_a_campaign_that_never_appears_is_an_unknown_outcome() -> None:
    service, store = Service(error=ExotelOutcomeUnknown("lost"), commits=False), Store()

    with pytest.raises(ExotelOutcomeUnknown) as caught:
        one(service, store).create(request, AUDIENCE)

    assert service.done.count("post") == 1
    assert store.written == [Entry(None, NOW + SEND_WITHIN, AUDIENCE)]
    for told in ("its response was lost", "did not appear", IDENTITY.marker, "2026-03-02 04:03:10 UTC", "by hand"):
        assert told in str(caught.value)


def test_without_a_journal_the_error_gives_a_relative_time() -> None:
    service = Service(error=ExotelOutcomeUnknown("lost"), commits=False)

    with pytest.raises(ExotelOutcomeUnknown, match="again and may send it 160 s after it began"):
        one(service).create(request, AUDIENCE)


def test_after_an_unknown_outcome_a_later_try_sends_it() -> None:
    service, store = Service(error=ExotelOutcomeUnknown("lost"), commits=False), Store()
    with pytest.raises(ExotelOutcomeUnknown):
        one(service, store).create(request, AUDIENCE)
    service.error, service.commits = None, True

    again = one(service, store, is_later_try=True)

    assert again.find(lambda: AUDIENCE) is None
    assert again.create(request, AUDIENCE).id == "0"


@pytest.mark.parametrize("error", [ExotelRequestRefused("no"), MissedWindow(None, NOW, "over")], ids=["no", "missed"])
def test_an_unsent_request_leaves_no_intent(error: Exception) -> None:
    service, store = Service(), Store()

    def fails(_: datetime) -> CampaignRequest:
        raise error

    with pytest.raises(type(error)):
        one(service, store).create(fails, AUDIENCE)

    assert store.kept in (None, Entry().as_json())


def test_a_window_that_closes_before_a_resend_removes_the_intent() -> None:
    class Busy(Service):
        """Answers the first sending with 429."""

        def create_campaign(self, request: Callable[[], CampaignRequest]) -> Campaign:
            request()
            return super().create_campaign(request)

    store, requests = Store(), iter([request(NOW)])

    def make(_: datetime) -> CampaignRequest:
        for made in requests:
            return made
        raise MissedWindow(None, NOW, "over")

    with pytest.raises(MissedWindow):
        one(Busy(), store).create(make, AUDIENCE)

    assert store.written == [OPEN, Entry()]


def test_a_refusal_removes_the_intent() -> None:
    service, store = Service(error=ExotelRequestRefused("no"), commits=False), Store()

    with pytest.raises(ExotelRequestRefused):
        one(service, store).create(request, AUDIENCE)

    assert store.written == [OPEN, Entry()]


def test_a_try_that_cannot_store_its_intent_sends_nothing() -> None:
    service, store = Service(), Store()

    def superseded(_: dict[str, Any]) -> None:
        raise RuntimeError("another try has taken over")

    store.write = superseded  # type: ignore[method-assign]

    with pytest.raises(RuntimeError):
        one(service, store).create(request, AUDIENCE)

    assert service.done == []


@pytest.mark.parametrize("existing", [[], [campaign(0)]], ids=["created", "found"])
def test_the_guard_gets_the_id_before_the_journal(existing: list[Campaign]) -> None:
    service, store, guarded = Service(existing=existing), Store(), []
    keep = store.write

    def superseded_once_it_exists(entry: dict[str, Any]) -> None:
        if "campaign_id" in entry:
            raise TrySuperseded
        keep(entry)

    store.write = superseded_once_it_exists  # type: ignore[method-assign]
    once = one(service, store, guard=guarded.append)

    with pytest.raises(TrySuperseded):
        once.find(lambda: AUDIENCE) or once.create(request, AUDIENCE)

    assert guarded == ["0"]


def test_the_guard_gets_the_id_in_the_journal_before_a_poll() -> None:
    guarded: list[str] = []

    with pytest.raises(ExotelCampaignGone):
        one(Service(), Store(Entry("0")), guard=guarded.append).find(lambda: AUDIENCE)

    assert guarded == ["0"]


def test_a_slow_journal_write_prevents_sending() -> None:
    service, store = Service(), Store()
    store.write = lambda _: service.sleep(31)  # type: ignore[method-assign]

    with pytest.raises(ExotelError, match="took too long"):
        one(service, store).create(request, AUDIENCE)

    assert "post" not in service.done


def test_the_earliest_of_several_campaigns_is_kept(
    caplog: pytest.LogCaptureFixture,
) -> None:
    statuses = [CampaignStatus.CREATED, CampaignStatus.CREATED, CampaignStatus.IN_PROGRESS, CampaignStatus.COMPLETED]
    service = Service(existing=[campaign(number, status) for number, status in enumerate(statuses)])

    found = one(service).find(lambda: AUDIENCE)

    assert found == campaign(0)
    assert service.done == ["look", "delete 1", "pause 2", "get"]
    assert "4 campaigns are named" in caplog.text


def test_a_deleted_earliest_campaign_is_ignored() -> None:
    service = Service(existing=[campaign(0, CampaignStatus.DELETED), campaign(1)])

    assert one(service).find(lambda: AUDIENCE) == campaign(1)
    assert service.done == ["look"]


def test_a_duplicate_that_has_started_is_paused() -> None:
    class Begun(Service):
        def delete_campaign(self, campaign_id: str) -> None:
            raise ExotelRequestRefused("it has begun")

    service = Begun(existing=[campaign(0), campaign(1)])

    assert one(service).find(lambda: AUDIENCE) == campaign(0)
    assert "pause 1" in service.done


def test_a_duplicate_that_cannot_be_stopped_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Refusing(Service):
        def pause_campaign(self, campaign_id: str) -> Campaign:
            raise ExotelRequestRefused("not now")

    service = Refusing(existing=[campaign(0), campaign(1, CampaignStatus.IN_PROGRESS), campaign(2)])

    assert one(service).find(lambda: AUDIENCE) == campaign(0)
    assert "Could not stop campaign 1: not now" in caplog.text
    assert "delete 2" in service.done


def test_campaigns_with_an_exact_name_are_never_stopped() -> None:
    service = Service(existing=[replace(campaign(number), name=EXACT.name) for number in range(2)])

    assert replace(one(service), identity=EXACT).find(lambda: AUDIENCE) == service.existing[0]
    assert service.done == ["look"]


OTHERS = AudienceFingerprint.of(PhoneNumbers(["+919876500000", "+919876500002"]), None, "secret")


@pytest.mark.parametrize(
    ("known", "wanted", "difference"),
    [
        (AUDIENCE, AudienceFingerprint.of(PhoneNumbers(list(NUMBERS)[::-1]), None, "secret"), None),
        (AUDIENCE, OTHERS, "2 numbers, some of which differ"),
        (AUDIENCE, AudienceFingerprint.of(PhoneNumbers(["+919876500000"]), None, "secret"), "1 numbers instead of 2"),
        (AUDIENCE, AudienceFingerprint.of(None, ["one"], "secret"), "lists one instead of none"),
        (AudienceFingerprint.of(None, ["a", "b"], ""), AudienceFingerprint.of(None, ["b", "a"], ""), None),
        (AUDIENCE, AudienceFingerprint.of(NUMBERS, None, "another token"), None),
    ],
)
def test_a_campaign_with_another_audience_is_not_followed(
    known: AudienceFingerprint, wanted: AudienceFingerprint, difference: str | None
) -> None:
    service, store = Service(existing=[campaign(0)]), Store(Entry("0", None, known))

    if difference is None:
        assert one(service, store).find(lambda: wanted) is not None
        return
    with pytest.raises(ExotelInputError, match=f"would call {difference}") as caught:
        one(service, store).find(lambda: wanted)
    assert "9876500" not in str(caught.value)


def test_without_a_journal_entry_the_shown_audience_is_compared() -> None:
    service = Service(existing=[campaign(0, lists=("other",))])

    with pytest.raises(ExotelInputError, match="lists mine instead of other"):
        one(service).find(lambda: AudienceFingerprint(lists=("mine",)))


EXACT = identify("emulator", None, name="March reminder", exact_name=True)
TWICE = AudienceFingerprint.of(PhoneNumbers([*NUMBERS, "+919876500000"]), None, "secret")


@pytest.mark.parametrize(
    ("shown", "wanted", "difference"),
    [
        (NUMBERS, AUDIENCE, None),
        (PhoneNumbers(["09876500000", "09876500001"]), AUDIENCE, None),
        (PhoneNumbers(["+919876500000"]), AUDIENCE, "2 numbers instead of 1"),
        (NUMBERS, TWICE, None),
        (PhoneNumbers([*NUMBERS, "+919876500000"]), TWICE, None),
        (PhoneNumbers(["+919876500000"]), TWICE, "3 numbers instead of 1"),
        (NUMBERS, AudienceFingerprint.of(None, ["mine"], "secret"), "0 numbers instead of 2"),
    ],
    ids=repr,
)
def test_shown_numbers_are_compared_by_count(
    shown: PhoneNumbers, wanted: AudienceFingerprint, difference: str | None
) -> None:
    service = Service(existing=[replace(campaign(0, numbers=shown), name=EXACT.name)])
    exact = replace(one(service), identity=EXACT)

    if difference is None:
        assert exact.find(lambda: wanted) is not None
        return
    with pytest.raises(ExotelInputError, match=f"would call {difference}"):
        exact.find(lambda: wanted)


def test_the_stored_audience_counts_if_the_name_has_none() -> None:
    service, store = Service(existing=[campaign(0)]), Store(replace(LONG_AGO, audience=OTHERS))

    with pytest.raises(ExotelInputError, match="calls other people"):
        one(service, store).find(lambda: AUDIENCE)


def test_the_audience_in_the_name_overrides_shown_numbers() -> None:
    service = Service(existing=[named(0, AUDIENCE, numbers=PhoneNumbers(["+919876500000"]))])

    assert one(service).find(lambda: AUDIENCE) is not None


def test_the_audience_in_the_name_overrides_a_stored_intent() -> None:
    store = Store(replace(LONG_AGO, audience=OTHERS))

    assert one(Service(existing=[named(0, AUDIENCE)]), store).find(lambda: AUDIENCE) is not None


def test_the_stored_audience_of_a_campaign_overrides_its_name() -> None:
    store = Store(Entry("0", None, AUDIENCE))

    with pytest.raises(ExotelInputError, match="2 numbers, some of which differ"):
        one(Service(existing=[named(0, OTHERS)]), store).find(lambda: OTHERS)


def test_after_a_lost_response_another_audience_is_not_followed() -> None:
    service = Service(existing=[named(0, OTHERS)], error=ExotelOutcomeUnknown("lost"), commits=False)
    store = Store()

    with pytest.raises(ExotelOutcomeUnknown, match="did not appear"):
        one(service, store).create(request, AUDIENCE)

    assert store.written == [OPEN]


@pytest.mark.parametrize("kept", [None, OPEN], ids=["lost answer", "open intent"])
def test_another_audience_does_not_end_the_polling(kept: Entry | None) -> None:
    late = replace(named(1, AUDIENCE), date_created=NOW + timedelta(seconds=60))
    service = Service(existing=[named(0, OTHERS), late], error=ExotelOutcomeUnknown("lost"), commits=False)
    task = one(service, Store(kept))

    found = task.find(lambda: AUDIENCE) if kept else task.create(request, AUDIENCE)

    assert found == late


def named(number: int, audience: AudienceFingerprint, **fields: Any) -> Campaign:
    return replace(campaign(number, **fields), name=IDENTITY.name_for(audience.short))


def test_another_audience_in_the_name_is_not_followed() -> None:
    service = Service(existing=[named(0, OTHERS)])

    with pytest.raises(ExotelInputError, match="each index of a mapped task its own"):
        one(service).find(lambda: AUDIENCE)

    assert service.done == ["look"]


def test_the_own_campaign_is_withdrawn_if_an_earlier_one_shows() -> None:
    earlier = replace(named(0, AUDIENCE), date_created=NOW - timedelta(hours=1))
    service, store = Service(existing=[earlier], shown_after=timedelta(seconds=5)), Store()

    assert one(service, store, is_shared=True).create(request, AUDIENCE) == earlier
    assert service.done == ["post", "look", "delete 1"]
    assert store.written[-1].campaign_id == "0"


@pytest.mark.parametrize(("identity", "stopped"), [(IDENTITY, ["delete 0"]), (EXACT, [])], ids=["key", "exact name"])
def test_a_later_duplicate_of_the_key_is_stopped(identity: CampaignIdentity, stopped: list[str]) -> None:
    other = Campaign("0", CampaignStatus.CREATED, name=identity.name_for(AUDIENCE.short), date_created=NOW)
    service = Service(existing=[replace(other, date_created=NOW + timedelta(seconds=1))])
    service.shown_after = timedelta(seconds=-1)

    created = replace(one(service, Store(), is_shared=True), identity=identity).create(request, AUDIENCE)

    assert created.id == "1"
    assert service.done == ["post", "look", *stopped]


def test_a_deleted_campaign_does_not_count_as_earlier() -> None:
    deleted = replace(named(0, AUDIENCE, status=CampaignStatus.DELETED), date_created=NOW - timedelta(hours=1))

    assert one(Service(existing=[deleted]), Store(), is_shared=True).create(request, AUDIENCE).id == "1"


@pytest.mark.parametrize(
    ("kept", "listed", "said"),
    [
        (OPEN, True, "paused the campaign"),
        (OPEN, False, "is not in the list yet and may dial"),
        (None, False, ""),
    ],
    ids=["sent", "sent and not shown", "not sent"],
)
def test_a_task_killed_while_sending_pauses_or_logs_the_campaign(
    kept: Entry | None, listed: bool, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    service = Service(existing=[campaign(0)] if listed else [])

    one(service, Store(kept)).pause_after_kill(service)

    assert ("pause 0" in service.done) == listed
    assert said in caplog.text
    assert bool(said) == bool(caplog.text)


def test_another_audience_is_not_followed_before_the_own_campaign_shows() -> None:
    older = replace(named(0, OTHERS), date_created=NOW - timedelta(hours=1))
    service = Service(existing=[older], shown_after=timedelta(seconds=5))

    assert one(service, Store(), is_shared=True).create(request, AUDIENCE).id == "1"


def test_the_error_uses_the_shown_audience() -> None:
    service = Service(existing=[named(0, AudienceFingerprint.of(None, ["north"], ""), lists=("north",))])

    with pytest.raises(ExotelInputError, match="would call lists south instead of north"):
        one(service).find(lambda: AudienceFingerprint.of(None, ["south"], ""))


def test_the_campaign_with_the_same_audience_is_followed() -> None:
    service = Service(existing=[named(0, OTHERS), named(1, AUDIENCE), named(2, OTHERS)])

    assert one(service).find(lambda: AUDIENCE) == service.existing[1]
    assert service.done == ["look"]


def test_a_campaign_with_another_audience_is_never_stopped() -> None:
    service = Service(existing=[named(0, AUDIENCE), named(1, OTHERS), named(2, AUDIENCE)])

    assert one(service).find(lambda: AUDIENCE) == service.existing[0]
    assert service.done == ["look", "delete 2"]


def test_the_audience_is_read_only_for_a_comparison() -> None:
    def read() -> AudienceFingerprint:
        raise AssertionError("read")

    assert one(Service()).find(read) is None


def test_a_campaign_is_followed_if_its_audience_cannot_be_read(caplog: pytest.LogCaptureFixture) -> None:
    def gone() -> AudienceFingerprint:
        raise FileNotFoundError("people.csv")

    assert one(Service(existing=[campaign(0)])).find(gone) is not None
    assert "Could not read what this try would send" in caplog.text


def test_an_unreadable_list_after_a_lost_response_is_an_unknown_outcome() -> None:
    class Blind(Service):
        def list_campaigns(self) -> Iterator[Campaign]:
            raise ExotelServerError("502")

    with pytest.raises(ExotelOutcomeUnknown, match="could not be read"):
        one(Blind(error=ExotelOutcomeUnknown("lost"))).create(request, AUDIENCE)


def test_an_unknown_outcome_keeps_status_and_request_id() -> None:
    lost = ExotelOutcomeUnknown("lost", http_status=504, code="TIMEOUT", request_id="r1")

    with pytest.raises(ExotelOutcomeUnknown) as caught:
        one(Service(error=lost, commits=False)).create(request, AUDIENCE)

    assert (caught.value.http_status, caught.value.code, caught.value.request_id) == (504, "TIMEOUT", "r1")


def test_the_request_is_built_at_the_time_of_sending() -> None:
    service, made = Service(now=NOW + timedelta(hours=3)), []

    def make(now: datetime) -> CampaignRequest:
        made.append(now)
        return request(now)

    one(service).create(make, AUDIENCE)

    assert made == [NOW + timedelta(hours=3)]


def test_unchanged_state_is_not_written_again() -> None:
    store = Store(Entry("0"))

    one(Service(existing=[campaign(0)]), store).find(lambda: AUDIENCE)

    assert store.written == []


def test_digests_of_numbers_are_keyed() -> None:
    marks = [AudienceFingerprint.of(NUMBERS, None, secret) for secret in ("one token", "another token")]

    assert marks[0].digest != marks[1].digest
    assert marks[0].short != marks[1].short
    assert not marks[0].is_other(marks[1].short), "after a token was renewed, fingerprints cannot be compared"


def content(**fields: Any) -> Callable[[], CampaignFields]:
    given = {"caller_id": "0XXXXXX4890", "read_via_text": "Hello", "throttle": 30, "mode": "custom"} | fields
    return lambda: CampaignFields.of(CampaignChanges(**given), "secret")


@pytest.mark.parametrize("refuses", [True, False])
def test_different_fields_are_refused_or_logged(refuses: bool, caplog: pytest.LogCaptureFixture) -> None:
    service, store = Service(), Store()
    one(service, store, content=content()).create(request, AUDIENCE)

    again = one(service, store, content=content(read_via_text="Other", throttle=60), refuses_other_content=refuses)

    if refuses:
        with pytest.raises(ExotelInputError, match="read_via_text: differs from campaign 0 of this key") as caught:
            again.find(lambda: AUDIENCE)
        assert [problem.field for problem in caught.value.problems] == ["read_via_text", "throttle"]
        assert "Other" not in str(caught.value)
        return
    assert again.find(lambda: AUDIENCE) is not None
    assert "with a different read_via_text, throttle than" in caplog.text


@pytest.mark.parametrize("token", ["secret", "another token"])
def test_equal_fields_are_followed_silently_even_with_another_token(
    token: str, caplog: pytest.LogCaptureFixture
) -> None:
    service, store = Service(), Store()
    one(service, store, content=content()).create(request, AUDIENCE)

    same = one(service, store, content=lambda: replace(content()(), secret=token), refuses_other_content=True)

    assert same.find(lambda: AUDIENCE) is not None
    assert caplog.text == ""


def test_without_a_journal_the_shown_fields_are_compared() -> None:
    service = Service(existing=[named(0, AUDIENCE, caller_id="0XXXXXX0001")])

    with pytest.raises(ExotelInputError, match="caller_id: differs from campaign 0"):
        one(service, content=content(), refuses_other_content=True).find(lambda: AUDIENCE)


def test_different_fields_after_a_lost_response_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    lost = ExotelOutcomeUnknown("lost")
    service = Service(existing=[named(0, AUDIENCE, caller_id="0XXXXXX0001")], error=lost, commits=False)

    found = one(service, Store(), content=content(), refuses_other_content=True).create(request, AUDIENCE)

    assert found.id == "0"
    assert "with a different caller_id than" in caplog.text


def test_changes_in_the_dashboard_do_not_count_as_different_fields() -> None:
    service, store = Service(), Store()
    one(service, store, content=content()).create(request, AUDIENCE)
    service.existing[0] = replace(service.existing[0], caller_id="0XXXXXX0001")

    again = one(service, store, content=content(), refuses_other_content=True)

    assert again.find(lambda: AUDIENCE) is not None


def test_an_entry_is_plain_json_without_phone_numbers() -> None:
    entry = Entry("7", NOW, AUDIENCE, content(custom_field="+919876500000")().fingerprint(), NOW, timed_out=True)

    assert Entry.of(entry.as_json()) == entry
    assert json.loads(json.dumps(entry.as_json())) == entry.as_json()
    assert not any(trace in str(entry.as_json()) for trace in ("98765", "Hello"))
    assert Entry("7", NOW) == Entry.of({"campaign_id": "7", "posted_before": NOW.isoformat()})


def test_the_end_of_a_carry_over_is_stored_and_removed() -> None:
    store = Store(Entry("7", None, AUDIENCE))

    store.journal().carry(NOW)
    assert Entry.of(store.kept) == Entry("7", None, AUDIENCE, carried_to=NOW)

    store.journal().carry(None)
    assert Entry.of(store.kept) == Entry("7", None, AUDIENCE)


def test_an_entry_of_another_version_is_read() -> None:
    entry = Entry("7", NOW, AUDIENCE, content(custom_field="x")().fingerprint(), NOW)
    stored = entry.as_json() | {"invented": 1}
    stored["audience"] |= {"invented": 1}
    stored["content"] |= {"invented": 1}

    assert Entry.of(stored) == entry
    assert Entry.of({"campaign_id": "7", "audience": {"contacts": 2}}) == Entry(
        "7", None, AudienceFingerprint(contacts=2)
    )
    assert Entry.of({"content": {}}).content == FieldsFingerprint("", {})
    assert Entry.of({"invented": 1}) == Entry()


def test_the_journal_writes_only_changes() -> None:
    store = Store(Entry("7", None, AUDIENCE))
    journal = store.journal()

    journal.record("7")
    journal.carry(None)
    assert store.written == []

    journal.carry(NOW)
    journal.carry(NOW)
    assert store.written == [Entry("7", None, AUDIENCE, carried_to=NOW)]


def test_a_failed_write_keeps_the_state() -> None:
    def superseded(_: object) -> None:
        raise RuntimeError("another try has taken over")

    journal = CampaignJournal(lambda: None, superseded)
    with pytest.raises(RuntimeError, match="taken over"):
        journal.record("7")

    assert journal.entry == Entry()
