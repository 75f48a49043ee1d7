"""What goes to the service: the fields of Exotel's create-campaign page, checked for form.

The models judge form, never the clock: the dates of a past year make a valid request. Unset fields are not sent,
so the service's own defaults hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    PlainSerializer,
    ValidationError,
    model_validator,
)

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.fields import (
    Flag,
    Model,
    Moment,
    Some,
    Text,
    Url,
    Whole,
    fold,
    mapping_of,
    numbers_of,
    one_of,
    problems,
    words,
)
from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.client.redact import SECRET, redact_url

MAX_NUMBERS = 5_000
MAX_LISTS = {"static": 5, "dynamic": 1}
CALLBACKS = ("call_status_callback", "call_schedule_callback", "status_callback")
_CALLER_ID = "the ExoPhone that calls, as the dashboard shows it"


class CallRetries(Model):
    """How calls that did not get through are tried again (the page's Retries object)."""

    number_of_retries: Annotated[
        Whole | None,
        Field(ge=0, le=3, description="extra attempts after the first, 0 to 3; the service's default is 0"),
    ] = None
    interval_mins: Annotated[
        Whole | None, Field(ge=1, description="minutes between attempts, 1 or more, such as 15")
    ] = None
    mechanism: Annotated[
        Literal["Linear", "Exponential"] | None,
        one_of("Linear", "Exponential"),
        Field(description="'Linear' (the service's default) or 'Exponential' (the interval doubles)"),
    ] = None
    on_status: Annotated[
        Some[Annotated[Literal["busy", "no-answer", "failed"], one_of("busy", "no-answer", "failed")]] | None,
        BeforeValidator(words),
        Field(description="a list of 'busy', 'no-answer', 'failed'"),
    ] = None

    def longest_minutes(self) -> int:
        """Return the minutes from a contact's first attempt to the start of its last one."""
        retries, interval = self.number_of_retries or 0, self.interval_mins or 0
        return interval * (2**retries - 1 if self.mechanism == "Exponential" else retries)


class Schedule(Model):
    """When a campaign may dial (the page's Schedule object): RFC 3339, seconds, explicit offset."""

    send_at: Annotated[
        Moment | None, Field(description="an RFC 3339 time with offset, such as '2026-03-02T10:00:00+05:30'")
    ] = None
    end_at: Annotated[
        Moment | None, Field(description="an RFC 3339 time with offset, such as '2026-03-02T18:00:00+05:30'")
    ] = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.send_at and self.end_at and self.end_at <= self.send_at:
            raise ExotelInputError([Problem("end_at", "is not after send_at; write a later time")])
        return self

    def contains(self, moment: datetime) -> bool:
        """Return whether a campaign may dial at a moment; without an end nobody can say."""
        begun = self.send_at is None or self.send_at <= moment
        return begun and self.end_at is not None and moment < self.end_at


class _CampaignFields(Model):
    """The fields a campaign is made of, each checked by itself."""

    numbers: Annotated[
        PhoneNumbers | None,
        BeforeValidator(numbers_of),
        PlainSerializer(lambda numbers: ",".join(numbers)),
        Field(
            serialization_alias="from",
            description="a list or one comma-separated string of at most 5,000 numbers, E.164 preferred",
        ),
    ] = None
    lists: Annotated[
        Some[Text] | None,
        BeforeValidator(words),
        Field(description="SIDs of contact lists: up to 5, exactly 1 for a dynamic campaign"),
    ] = None
    caller_id: Annotated[Text | None, Field(description=_CALLER_ID)] = None
    campaign_type: Annotated[
        Literal["static", "dynamic"] | None,
        one_of("static", "dynamic"),
        Field(description="'static' (the service's default) or 'dynamic' (a text personalised from a dynamic list)"),
    ] = None
    flow_type: Annotated[
        Literal["ivr", "greeting"] | None, one_of("ivr", "greeting"), Field(description="'ivr' or 'greeting'")
    ] = None
    url: Annotated[
        Url | None,
        Field(description="the flow to run: http://my.exotel.com/<account_sid>/exoml/start_voice/<app_id>"),
    ] = None
    read_via_text: Annotated[
        Text | None,
        Field(description="the text to be read out, with @@Column variables in a dynamic campaign"),
    ] = None
    name: Annotated[str | None, Field(min_length=3, description="the campaign's name, 3 characters or more")] = None
    type: Annotated[
        Literal["trans"] | None,
        one_of("trans"),
        Field(description="'trans', the only type the service knows"),
    ] = None
    call_duplicate_numbers: Annotated[
        Flag | None,
        Field(description="true to call a number as often as it is listed; the service's default is false"),
    ] = None
    call_retries: Annotated[
        CallRetries | None,
        BeforeValidator(mapping_of),
        Field(
            serialization_alias="retries",
            description="a CallRetries or a mapping of number_of_retries, interval_mins, mechanism, on_status",
        ),
    ] = None
    schedule: Annotated[
        Schedule | None, BeforeValidator(mapping_of), Field(description="a Schedule or a mapping of send_at and end_at")
    ] = None
    call_status_callback: Annotated[
        Url | None, Field(repr=False, description="an http(s) URL that hears of each attempt")
    ] = None
    call_schedule_callback: Annotated[
        Url | None, Field(repr=False, description="an http(s) URL that hears of each contact after the last attempt")
    ] = None
    status_callback: Annotated[
        Url | None, Field(repr=False, description="an http(s) URL that hears of the campaign's end")
    ] = None
    mode: Annotated[
        Literal["auto", "custom"] | None,
        one_of("auto", "custom"),
        Field(description="'auto' (the service's default) or 'custom', which needs throttle"),
    ] = None
    throttle: Annotated[
        Whole | None,
        Field(ge=1, description="calls per minute with mode='custom', from 1 to the account's limit less 1"),
    ] = None
    custom_field: Annotated[
        str | None, Field(repr=False, description="text of your own that comes back in reports")
    ] = None
    repeat_menu_attempts: Annotated[
        Whole | None, Field(ge=0, description="how often an IVR menu is repeated; the service's default is 0")
    ] = None

    def body(self, *, wrapped: bool = False) -> dict[str, Any]:
        """Return the JSON body of the POST or PUT.

        :param wrapped: ``False`` for the bare object of the create-campaign page, ``True`` for the older
            reference's ``{"campaigns": [...]}`` with ``from`` as an array.
        """
        fields = self.payload()
        if not wrapped:
            return fields
        return {"campaigns": [fields | ({"from": list(self.numbers)} if self.numbers is not None else {})]}

    def safe_payload(self) -> dict[str, Any]:
        """Return the payload for people to read: numbers as a count, callbacks by host, the custom field hidden."""
        numbers = {} if self.numbers is None else {"from": repr(self.numbers)}
        shown = numbers | self.payload(without="numbers")
        if self.custom_field is not None:
            shown["custom_field"] = SECRET
        for callback in CALLBACKS:
            if callback in shown:
                shown[callback] = redact_url(shown[callback])
        return shown


class CampaignRequest(_CampaignFields):
    """One campaign, as Exotel's create-campaign page describes it; nothing is added to what is given.

    :raises ExotelInputError: naming every problem at once, without any number.
    """

    caller_id: Annotated[Text, Field(description=_CALLER_ID)]

    @model_validator(mode="wrap")
    @classmethod
    def _whole(cls, arguments: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Judge fields against each other even where one is wrong by itself, so that all is said at once."""
        if not isinstance(arguments, Mapping):
            return handler(arguments)
        across = list(_problems_across(arguments))
        try:
            model = handler(arguments)
        except ValidationError as error:
            raise ExotelInputError([*problems(cls, error), *across]) from None
        if across:
            raise ExotelInputError(across)
        return model

    def dangers(self) -> list[str]:
        """Return, in plain words, what the page allows and people come to regret, with the argument to add."""
        return list(_dangers(self))


class CampaignChanges(_CampaignFields):
    """What to change in a campaign that has not started yet: any field of a :class:`CampaignRequest`.

    Once it has started the service takes only the three callbacks.
    """


def _problems_across(arguments: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what only shows when fields are seen together, or needs words of its own."""
    given = {name for name, value in arguments.items() if value is not None}
    if {"numbers", "lists"} <= given:
        yield Problem("numbers", "stands beside lists; a campaign takes one of the two")
    if not {"numbers", "lists"} & given:
        yield Problem("numbers", "neither numbers nor lists is given; a campaign needs one of the two")
    if "numbers" in given:
        yield from _problems_of_numbers(arguments["numbers"])
    yield from _problems_of_lists(arguments)
    if "throttle" in given and fold(str(arguments.get("mode") or "auto")) != "custom":
        yield Problem("throttle", "counts only with mode='custom'; add it, or leave throttle out")
    if "throttle" not in given and fold(str(arguments.get("mode") or "auto")) == "custom":
        yield Problem("mode", "'custom' needs throttle, the calls per minute; add it")


def _problems_of_numbers(value: Any) -> Iterator[Problem]:
    try:
        numbers = PhoneNumbers.of(value)
    except TypeError:
        return
    if not numbers:
        yield Problem("numbers", "is empty; a campaign needs at least one number")
    if len(numbers) > MAX_NUMBERS:
        yield Problem(
            "numbers",
            f"holds {len(numbers):,} numbers and the service takes {MAX_NUMBERS:,}; "
            "let PlanAudienceOperator split them, or upload them as contact lists and give lists",
        )
    if malformed := numbers.malformed():
        yield Problem(
            "numbers",
            f"{_positions(malformed)} cannot be a phone number; write E.164, such as +91 and ten digits",
        )


def _problems_of_lists(arguments: Mapping[str, Any]) -> Iterator[Problem]:
    lists, kind = words(arguments.get("lists")), fold(str(arguments.get("campaign_type") or "static"))
    most = MAX_LISTS.get(kind)
    if isinstance(lists, (list, tuple)) and most is not None and len(lists) > most:
        yield Problem("lists", f"holds {len(lists)} lists and a {kind} campaign takes {most}; make several campaigns")
    if kind == "dynamic" and not lists:
        yield Problem("lists", "is missing; a dynamic campaign takes its texts from exactly one dynamic list")


def _positions(positions: list[int], shown: int = 10) -> str:
    first = ", ".join(map(str, positions[:shown]))
    more = f" and {len(positions) - shown:,} more" if len(positions) > shown else ""
    return f"{len(positions):,} of them (at position {first}{more})"


def _dangers(request: CampaignRequest) -> Iterator[str]:
    schedule, retries = request.schedule, request.call_retries
    if schedule is None or schedule.end_at is None:
        start = "at once" if schedule is None or schedule.send_at is None else "from send_at"
        yield (
            f"This campaign has no end: it dials {start} and for up to 30 days, nights included. "
            "Add window=CallingWindow(...) or schedule.end_at."
        )
    if request.url is None and request.read_via_text is None:
        yield (
            "This campaign has neither a flow nor a text: people who answer hear nothing. "
            "Add flow_id, url or read_via_text."
        )
    if retries is not None and retries.interval_mins is None:
        yield (
            "call_retries has no interval: Exotel's older reference calls it mandatory and may refuse the campaign. "
            "Add interval_mins."
        )
    if retries is not None and retries.number_of_retries is None:
        yield "call_retries does not say how often: the service's default is 0. Add number_of_retries."
