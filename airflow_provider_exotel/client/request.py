"""The request models: the fields of Exotel's create-campaign page, validated.

The models check the form, never the clock: dates in the past are valid. Unset fields are not sent, so the service's own
defaults apply. Dumps of a model are redacted, since Airflow stores them; only :meth:`CampaignRequest.body` and
:meth:`CampaignRequest.plaintext` are not.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.extra_fields import read_extra_fields
from airflow_provider_exotel.client.fields import (
    PLAINTEXT,
    Flag,
    Model,
    Moment,
    NonEmpty,
    Text,
    Url,
    Whole,
    choice_of,
    problems,
    redact_with,
)
from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.client.redact import SECRET, redact_url
from airflow_provider_exotel.client.text import fold, read_lists, read_mapping, refuse_nothing, split_words

NonBlank = Annotated[Text, AfterValidator(refuse_nothing)]
MAX_NUMBERS = 5_000
MAX_LISTS = {"static": 5, "dynamic": 1}

CampaignType = Literal["static", "dynamic"]
FlowType = Literal["ivr", "greeting"]
TransactionType = Literal["trans"]
ThrottleMode = Literal["auto", "custom"]
RetryMechanism = Literal["Linear", "Exponential"]
RetryStatus = Literal["busy", "no-answer", "failed"]

_CALLER_ID = "the ExoPhone that calls, as the dashboard shows it"
_FLOW_HOSTS = (".exotel.com", ".exotel.in")
# What a program writes for nothing, inside a sentence, and a template that was not rendered.
_NOT_MEANT_TO_BE_HEARD = re.compile(r"(?<![.!?])\s(None|nan|NaN|NaT|null|undefined)\b|\{\{|\}\}|\{%")


class CallRetries(Model):
    """Retries of calls that did not get through (the page's Retries object)."""

    number_of_retries: Annotated[
        Whole | None,
        Field(ge=0, le=3, description="the call attempts after the first; the default is 0"),
    ] = None
    interval_mins: Annotated[Whole | None, Field(ge=1, description="minutes between call attempts, such as 15")] = None
    mechanism: Annotated[
        RetryMechanism | None,
        choice_of(RetryMechanism),
        Field(description="'Linear' (the default) or 'Exponential', which doubles the interval"),
    ] = None
    on_status: Annotated[
        NonEmpty[Annotated[RetryStatus, choice_of(RetryStatus)]] | None,
        BeforeValidator(split_words),
        Field(description="a list of 'busy', 'no-answer', 'failed'"),
    ] = None

    def longest_minutes(self) -> int:
        """Return the minutes from a contact's first call attempt to the start of the last one."""
        retries, interval = self.number_of_retries or 0, self.interval_mins or 0
        return interval * (2**retries - 1 if self.mechanism == "Exponential" else retries)


class Schedule(Model):
    """Start and end of a campaign's dialling (the page's Schedule object): RFC 3339, seconds, explicit offset."""

    send_at: Annotated[
        Moment | None, Field(description="an RFC 3339 time with offset, such as '2026-03-02T10:00:00+05:30'")
    ] = None
    end_at: Annotated[
        Moment | None, Field(description="an RFC 3339 time with offset, such as '2026-03-02T18:00:00+05:30'")
    ] = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.send_at and self.end_at and self.end_at <= self.send_at:
            raise ExotelInputError([Problem("end_at", "must be after send_at; give a later time")])
        return self

    def contains(self, moment: datetime) -> bool:
        """Return whether a campaign may dial at a moment; ``False`` if there is no end."""
        begun = self.send_at is None or self.send_at <= moment
        return begun and self.closes_after(moment)

    def closes_after(self, moment: datetime) -> bool:
        """Return whether the end is later than a moment; ``False`` if there is no end."""
        return self.end_at is not None and moment < self.end_at


def _read_numbers(value: object) -> PhoneNumbers:
    """Return the numbers if a campaign can call them; a request checks them nowhere else."""
    try:
        numbers = PhoneNumbers.of(value)
    except TypeError as error:
        raise ValueError(str(error)) from None
    messages = numbers.problems()
    if len(numbers) > MAX_NUMBERS:
        messages.append(
            f"must be at most {MAX_NUMBERS:,} (got {len(numbers):,}); let PlanAudienceOperator split them, "
            "or upload them as contact lists and give lists"
        )
    if messages:
        raise ExotelInputError(Problem("", message) for message in messages)
    return numbers


def _read_extra_fields(value: object) -> dict[str, Any]:
    known = {name: name for name in wire_names()}
    return read_extra_fields(value, known | {wire_name: name for name, wire_name in wire_names().items()})


class _CampaignFields(Model):
    """The fields of a campaign, each declared once: its name here and on the page, its type, its description."""

    numbers: Annotated[
        PhoneNumbers | None,
        BeforeValidator(_read_numbers),
        redact_with(repr, plain=",".join),
        Field(
            serialization_alias="from",
            description="a list or one comma-separated text of at most 5,000 numbers, E.164 preferred",
        ),
    ] = None
    lists: Annotated[
        NonEmpty[Text] | None,
        BeforeValidator(read_lists),
        Field(description="SIDs of contact lists: up to 5, exactly 1 for a dynamic campaign"),
    ] = None
    caller_id: Annotated[NonBlank | None, Field(description=_CALLER_ID)] = None
    campaign_type: Annotated[
        CampaignType | None,
        choice_of(CampaignType),
        Field(description="'static' (the default) or 'dynamic', a text personalised from a dynamic list"),
    ] = None
    flow_type: Annotated[FlowType | None, choice_of(FlowType), Field(description="'ivr' or 'greeting'")] = None
    url: Annotated[
        Url | None,
        Field(description="the flow to run: http://my.exotel.com/<account_sid>/exoml/start_voice/<app_id>"),
    ] = None
    read_via_text: Annotated[
        NonBlank | None,
        Field(description="the text to read out, with @@Column variables in a dynamic campaign"),
    ] = None
    name: Annotated[str | None, Field(min_length=3, description="the campaign's name, 3 characters or more")] = None
    type: Annotated[
        TransactionType | None,
        choice_of(TransactionType),
        Field(description="'trans', the only type that the service knows"),
    ] = None
    call_duplicate_numbers: Annotated[
        Flag | None,
        Field(description="true to call a number as often as it is listed; the default is false"),
    ] = None
    call_retries: Annotated[
        CallRetries | None,
        BeforeValidator(read_mapping),
        Field(
            serialization_alias="retries",
            description="a CallRetries or a mapping of number_of_retries, interval_mins, mechanism, on_status",
        ),
    ] = None
    schedule: Annotated[
        Schedule | None,
        BeforeValidator(read_mapping),
        Field(description="a Schedule or a mapping of send_at and end_at"),
    ] = None
    call_status_callback: Annotated[
        Url | None, redact_with(redact_url), Field(repr=False, description="a URL notified after each call attempt")
    ] = None
    call_schedule_callback: Annotated[
        Url | None,
        redact_with(redact_url),
        Field(repr=False, description="a URL notified after the last call attempt to each contact"),
    ] = None
    status_callback: Annotated[
        Url | None, redact_with(redact_url), Field(repr=False, description="a URL notified when the campaign ends")
    ] = None
    mode: Annotated[
        ThrottleMode | None,
        choice_of(ThrottleMode),
        Field(description="'auto' (the default) or 'custom', which requires throttle"),
    ] = None
    throttle: Annotated[
        Whole | None,
        Field(ge=1, description="calls per minute with mode='custom', less than the account's limit"),
    ] = None
    custom_field: Annotated[
        str | None, redact_with(lambda _: SECRET), Field(repr=False, description="your own text, repeated in reports")
    ] = None
    repeat_menu_attempts: Annotated[
        Whole | None, Field(ge=0, description="how often an IVR menu is repeated; the default is 0")
    ] = None
    extra_fields: Annotated[
        Mapping[str, Any] | None,
        BeforeValidator(_read_extra_fields),
        redact_with(lambda fields: dict.fromkeys(fields, SECRET)),
        Field(repr=False, description="fields that this version does not know, sent as they are"),
    ] = None

    def body(self, *, wrapped: bool = False) -> dict[str, Any]:
        """Return the JSON body of the POST or PUT, in plaintext.

        :param wrapped: ``False`` for the bare object of the create-campaign page, ``True`` for the older
            reference's ``{"campaigns": [...]}`` with ``from`` as an array.
        """
        fields = self._payload(PLAINTEXT)
        if not wrapped:
            return fields
        return {"campaigns": [fields | ({"from": list(self.numbers)} if self.numbers is not None else {})]}

    def safe_payload(self) -> dict[str, Any]:
        """Return the payload for display: numbers as a count, callbacks as their host, your own texts hidden."""
        return self._payload(None)

    def plaintext(self, *, without: Collection[str] = ()) -> dict[str, Any]:
        """Return the set fields, under their Python names, as plaintext JSON for keyed digests, never for logs.

        :param without: names of fields to leave out.
        """
        return self.model_dump(mode="json", exclude_none=True, exclude=set(without), context=PLAINTEXT)

    def _payload(self, context: dict[str, bool] | None) -> dict[str, Any]:
        fields: dict[str, Any] = self.model_dump(mode="json", exclude_none=True, by_alias=True, context=context)
        extra: dict[str, Any] = fields.pop("extra_fields", {})
        return fields | extra


class CampaignRequest(_CampaignFields):
    """One campaign, as described on Exotel's create-campaign page; nothing is added to the given fields.

    :raises ExotelInputError: naming every problem at once, without any number.
    """

    caller_id: Annotated[NonBlank, Field(description=_CALLER_ID)]

    @model_validator(mode="wrap")
    @classmethod
    def _check_together(cls, arguments: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Check fields against each other even if one is invalid by itself, so that every problem is reported."""
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

    def warnings(self) -> list[str]:
        """Return warnings about allowed choices that people come to regret, each with the argument to add."""
        return list(_warnings(self))


class CampaignChanges(_CampaignFields):
    """Changes to a campaign that has not started: any field of a :class:`CampaignRequest`.

    Once a campaign has started, only the three callbacks can be changed.
    """


def wire_names() -> dict[str, str]:
    """Return the name on Exotel's page for each field of a campaign, in the order of that page."""
    return {name: field.serialization_alias or name for name, field in CampaignChanges.model_fields.items()}


def _problems_across(arguments: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield the problems between fields that may each be valid by themselves."""
    given = {name for name, value in arguments.items() if value is not None}
    if {"numbers", "lists"} <= given:
        yield Problem("numbers", "is mutually exclusive with lists; give exactly one")
    if not {"numbers", "lists"} & given:
        yield Problem("numbers", "is required unless lists is given; give exactly one")
    yield from _problems_of_lists(arguments)
    mode = fold(str(arguments.get("mode") or "auto"))
    if "throttle" in given and mode != "custom":
        yield Problem("throttle", "requires mode='custom'; add it, or leave throttle out")
    if "throttle" not in given and mode == "custom":
        yield Problem("mode", "'custom' requires throttle; give the calls per minute")


def _problems_of_lists(arguments: Mapping[str, Any]) -> Iterator[Problem]:
    lists, kind = split_words(arguments.get("lists")), fold(str(arguments.get("campaign_type") or "static"))
    most = MAX_LISTS.get(kind)
    if isinstance(lists, (list, tuple)) and most is not None and len(lists) > most:
        yield Problem(
            "lists", f"must be at most {most} for a {kind} campaign (got {len(lists)}); make several campaigns"
        )
    if kind == "dynamic" and not lists:
        yield Problem("lists", "is required for a dynamic campaign; give exactly one dynamic list")


def _warnings(request: CampaignRequest) -> Iterator[str]:
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
    text = request.read_via_text or ""
    if found := _NOT_MEANT_TO_BE_HEARD.search(text):
        yield f"read_via_text contains {found[0].strip()!r}, which people hear: a template was not filled. Check it."
    if "@@" in text and request.campaign_type != "dynamic":
        yield (
            "read_via_text has @@ variables, which a static campaign does not replace: people hear them as written. "
            "Add campaign_type='dynamic' and a dynamic list, or take them out."
        )
    if request.url is not None and not f".{urlsplit(request.url).hostname}".endswith(_FLOW_HOSTS):
        yield (
            "The flow's url does not lead to Exotel: another host decides what people hear. Check url, or use flow_id."
        )
    if retries is not None and retries.interval_mins is None:
        yield (
            "call_retries has no interval: Exotel's older reference calls it mandatory and may refuse the campaign. "
            "Add interval_mins."
        )
    if retries is not None and retries.number_of_retries is None:
        yield "call_retries does not say how often: the service's default is 0. Add number_of_retries."
