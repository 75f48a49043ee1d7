from __future__ import annotations

from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_exotel.client.redact import redact, redact_url

words = st.text(st.characters(exclude_categories=["Nd", "Cs"]), max_size=20)
separators = st.sampled_from(["", "", "", " ", "-", ".", " - ", ")", " (", "/", "\u00a0", "\u2011", "\u200b", "  "])


@st.composite
def spelled_numbers(draw: st.DrawFn) -> str:
    """A number of 10 to 15 digits, in a spelling of people, forms or files."""
    digits = draw(st.text("0123456789", min_size=10, max_size=15))
    spelled = "".join(digit + draw(separators) for digit in digits[:-1]) + digits[-1]
    return draw(st.sampled_from(["", "+", "tel:+", "00"])) + spelled


def digits_of(text: str) -> str:
    return "".join(filter(str.isdecimal, text))


@given(before=words, number=spelled_numbers(), after=words)
@example("", "2010-10-10.1234", "")
@example("", "+91 9 2010-10-10", "")
@example("", "98-2010-10-10", "")
@example("on ", "2010-10-10 (12) 345", "")
@example("", "2010-10-10-1234", "")
@example("", "91\u200b2010-10-10", "")
def test_no_digit_of_a_number_remains(before: str, number: str, after: str) -> None:
    assert digits_of(redact(f"{before}{number}{after}")) == ""


@pytest.mark.parametrize("encode", [quote, quote_plus, lambda text: quote(text, safe="").lower()])
@pytest.mark.parametrize("spelled", ["+91 98765 00000", "+91 (98765) 00-000", "080/45678901", "(080) 4567 8901"])
def test_no_digit_of_a_number_in_a_url_remains(encode: object, spelled: str) -> None:
    assert callable(encode)
    shown = redact(f"https://example.org/?to={encode(spelled)}&page=2")

    assert shown.endswith("[number]&page=2")
    assert not any(part in shown for part in ("98765", "00000", "4567", "8901", "080"))


@given(
    st.lists(st.from_regex(r"\+91987650[0-9]{4}", fullmatch=True), min_size=1), st.sampled_from([",", ", ", "\n", ";"])
)
def test_no_number_of_a_list_remains(numbers: list[str], separator: str) -> None:
    assert digits_of(redact(separator.join(numbers))) == ""


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02",
        "at 2026-03-02T10:00:00+05:30.",
        "from 2026-03-02T10:00:00+05:30 to 2026-03-02T18:00:00+05:30",
        "2026-03-02T04:30:00Z, 2026-03-03T04:30:00Z and later",
        "reports/manual__2026-03-02T04%3A30%3A12.345678%2B00%3A00/report.html",
        "between 2026-03-02 - 2026-03-04",
        "2026-03-02 10:00:00.123456",
        "at 10:00:00 on 12 days",
        "HTTP 502, try 3 of 5, 5,000 numbers, 123456",
    ],
)
def test_dates_times_and_small_figures_are_kept(text: str) -> None:
    assert redact(text) == text


def test_a_date_beside_a_number_is_kept() -> None:
    assert redact("on 2026-03-02, +919876500000 was busy") == "on 2026-03-02, [number] was busy"


@given(
    before=st.text(max_size=10),
    secret=st.text(st.characters(codec="utf-8", exclude_characters="*"), min_size=4, max_size=30),
    after=st.text(max_size=10),
)
def test_a_secret_is_hidden_plain_and_percent_encoded(before: str, secret: str, after: str) -> None:
    for form in (secret, quote(secret, safe="")):
        assert form not in redact(f"{before}{form}{after}", [secret])


@pytest.mark.parametrize("secret", ["s3cret/token+x=", "käse-token", "a b/c"])
def test_a_secret_is_hidden_in_every_spelling_of_percent_encoding(secret: str) -> None:
    for form in (quote(secret), quote(secret, safe=""), quote_plus(secret), quote(secret, safe="").lower()):
        assert redact(f"<{form}>", [secret]) == "<***>"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://key:token@api.exotel.com/v2", "https://***@api.exotel.com/v2"),
        ("Authorization: Basic a2V5OnRva2Vu", "Authorization: Basic ***"),
        ("bearer abc.def-ghi", "bearer ***"),
    ],
)
def test_credentials_are_recognised_by_their_place(text: str, shown: str) -> None:
    assert redact(text) == shown


def test_an_empty_secret_hides_nothing() -> None:
    assert redact("as it is", ["", ""]) == "as it is"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.org", "https://example.org/"),
        ("https://example.org/hook/token", "https://example.org/***"),
        ("https://example.org/?t=token", "https://example.org/***"),
        ("https://user:word@example.org:8443/#x", "https://***@example.org:8443/***"),
    ],
)
def test_only_the_host_of_a_callback_url_is_shown(url: str, shown: str) -> None:
    assert redact_url(url) == shown
