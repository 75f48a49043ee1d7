"""From numbers to schedules: on any day, nobody is called outside the hours of any possible location."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_exotel.audience.zones import place_of
from airflow_provider_exotel.client.request import CallRetries
from airflow_provider_exotel.windows.common_window import window_of

from ..judge import MINUTE, PEOPLE, may_be_called
from ..properties import examples

anchors = st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 1)).map(lambda moment: moment.replace(tzinfo=UTC))


@examples(400)
@given(st.sampled_from(PEOPLE), anchors, st.integers(0, 3), st.sampled_from([0, 15, 60]))
def test_every_minute_of_a_schedule_is_legal_in_every_possible_location(person, anchor, retries, buffer) -> None:
    place = place_of(person.number)
    assert place is not None
    travelled = json.loads(json.dumps({"preset": person.preset, "zones": place.zones, "end_buffer": buffer}))
    plan = CallRetries(number_of_retries=retries, interval_mins=15)

    schedule = window_of(travelled).schedule_for(anchor, anchor, call_retries=plan)

    first, end = schedule.send_at.astimezone(UTC), schedule.end_at.astimezone(UTC)
    assert anchor < first < end
    for minute in range(int((end - first) / MINUTE) + 1):
        assert may_be_called(person, min(first + minute * MINUTE, end - timedelta(seconds=1))), minute
    # The buffer keeps the same amount of time legal after the end.
    assert may_be_called(person, end + buffer * MINUTE - timedelta(seconds=1))


@examples(100)
@given(st.sampled_from(PEOPLE), anchors)
def test_no_legal_half_hour_is_skipped(person, anchor) -> None:
    place = place_of(person.number)
    assert place is not None

    schedule = window_of({"preset": person.preset, "zones": place.zones}).schedule_for(anchor, anchor)

    waited = [anchor + minute * MINUTE for minute in range(2, int((schedule.send_at - anchor) / MINUTE))]
    legal = [may_be_called(person, moment) for moment in waited]
    assert not any(all(legal[start : start + 30]) for start in range(len(legal) - 29))


@examples(200)
@given(
    st.sets(st.sampled_from(["+919876500000", "+971500000000", "+628120000000", "+6590000000"]), min_size=2), anchors
)
def test_a_mixed_audience_is_called_only_at_times_allowed_for_all(numbers, anchor) -> None:
    people = {person.number: person for person in PEOPLE if person.number in numbers}
    windows = [{"preset": person.preset, "zones": place_of(number).zones} for number, person in people.items()]

    schedule = window_of({"all_of": windows}).schedule_for(anchor, anchor)

    first, end = schedule.send_at.astimezone(UTC), schedule.end_at.astimezone(UTC)
    assert first < end
    for minute in range(int((end - first) / MINUTE)):
        assert all(may_be_called(person, first + minute * MINUTE) for person in people.values())
