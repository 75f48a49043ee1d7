"""Types of request fields, and a model that reports every problem at once without repeating the input."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SerializationInfo,
    ValidationError,
)
from pydantic.fields import FieldInfo

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.text import did_you_mean, fold, read_flag, read_moment, unknown_value
from airflow_provider_exotel.client.urls import check_web_url

# Larger values are not repeated in a message, since they may be phone numbers.
_LARGEST_SHOWN = 9_999
PLAINTEXT = {"plaintext": True}
"""The context of a dump that redacts nothing."""


def choice_of(literal: Any) -> BeforeValidator:
    """Return a validator that accepts the values of a ``Literal`` in any case, with dashes, underscores or spaces.

    :param literal: the ``Literal`` type.
    """
    choices = get_args(literal)
    folded = {fold(choice): choice for choice in choices}

    def choose(value: object) -> object:
        if isinstance(value, str) and fold(value) in folded:
            return folded[fold(value)]
        raise ValueError(unknown_value(value, choices))

    return BeforeValidator(choose)


def _read_time(value: object) -> object:
    """Return a time given as text or datetime; a parser would also accept a bare number, which is not RFC 3339."""
    if isinstance(value, str):
        value = read_moment(value)
    if not isinstance(value, datetime):
        raise ValueError("must be an RFC 3339 time")
    if value.utcoffset() is None:
        raise ValueError("must have a UTC offset")
    return value


def _refuse_flag(value: object) -> object:
    # Python counts True as 1, but a flag given for a number means that two fields were mixed up.
    if isinstance(value, bool):
        raise ValueError("must be a whole number")
    return value


Whole = Annotated[int, BeforeValidator(_refuse_flag)]
Flag = Annotated[bool, BeforeValidator(read_flag)]
Item = TypeVar("Item")
# The bound is part of the tuple: on an optional field it would be applied to None too.
NonEmpty = Annotated[tuple[Item, ...], Field(min_length=1)]
Text = Annotated[str, Field(min_length=1)]
Url = Annotated[str, AfterValidator(check_web_url)]
Moment = Annotated[
    datetime,
    BeforeValidator(_read_time),
    PlainSerializer(lambda moment: moment.isoformat(timespec="seconds")),
]


def redact_with(redact: Callable[[Any], Any], plain: Callable[[Any], Any] = lambda value: value) -> PlainSerializer:
    """Return a serializer that redacts a value in every dump of the model except a plaintext one."""

    def serialize(value: Any, info: SerializationInfo) -> Any:
        if value is None:
            return None
        return plain(value) if info.context == PLAINTEXT else redact(value)

    return PlainSerializer(serialize)


class Model(BaseModel):
    """Base of the request models: reports the problems of all fields at once, without repeating any input."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
        validate_default=False,
    )

    def __init__(self, **arguments: Any) -> None:
        # None means that a field is not given.
        given = {name: v for name, v in arguments.items() if v is not None or name not in type(self).model_fields}
        try:
            super().__init__(**given)
        except ValidationError as error:
            raise ExotelInputError(problems(type(self), error)) from None

    def payload(self) -> dict[str, Any]:
        """Return the JSON object for the service; unset fields are left out."""
        return self.model_dump(mode="json", exclude_none=True, by_alias=True)

    def serialize(self) -> dict[str, Any]:
        """Return the redacted fields for XCom; Airflow 3.0 calls this, other versions dump the model likewise."""
        return self.model_dump(mode="json")


def problems(model: type[BaseModel], error: ValidationError) -> Iterator[Problem]:
    """Yield the problems that pydantic found, with the field's description as the fix and without the input.

    :param model: the model that was validated.
    :param error: the error that pydantic raised.
    """
    for detail in error.errors(include_url=False):
        path = [str(part) for part in detail["loc"]]
        field, top = ".".join(path), model.model_fields.get(path[0]) if path else None
        cause = detail.get("ctx", {}).get("error")
        if isinstance(cause, ExotelInputError):  # a model inside this one has reported it in full
            yield from (
                Problem(".".join(filter(None, (field, inner.field))), inner.message) for inner in cause.problems
            )
        elif detail["type"] == "extra_forbidden":
            yield Problem(field, _unknown_field(model, path[-1]))
        else:
            message = _message(detail, top)
            fix = (top.description or "") if top and ";" not in message else ""
            yield Problem(field, f"{message}; give {fix}" if fix else message)


_MESSAGES: Mapping[str, str] = {
    "missing": "is required",
    "string_type": "must be text",
    "string_too_short": "must have at least {min_length} characters",
    "too_short": "must have at least {min_length} entries",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number",
    "int_from_float": "must be a whole number",
    "tuple_type": "must be a list",
    "model_type": "must be a mapping of its fields",
    "model_attributes_type": "must be a mapping of its fields",
    "dict_type": "must be a mapping",
}
"""Our messages for pydantic's types of errors; a ``ValueError`` has its own."""


def _message(detail: Any, field: FieldInfo | None) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in {"greater_than_equal", "less_than_equal"}:
        return _out_of_range(detail["input"], field, context)
    if context.get("min_length") == 1:
        return "must not be empty"
    text = _MESSAGES.get(kind, detail["msg"].removeprefix("Value error, ").removeprefix("Input ")).format(**context)
    return f"{text[:1].lower()}{text[1:]}"


def _out_of_range(value: Any, field: FieldInfo | None, context: Mapping[str, Any]) -> str:
    metadata = field.metadata if field else []
    # The metadata of an optional field lacks its bounds; the context of the error has the violated one.
    least = next((one.ge for one in metadata if hasattr(one, "ge")), context.get("ge"))
    most = next((one.le for one in metadata if hasattr(one, "le")), context.get("le"))
    if least is None:
        wanted = f"must be at most {most}"
    else:
        wanted = f"must be at least {least}" if most is None else f"must be between {least} and {most}"
    shown = isinstance(value, int) and abs(value) <= _LARGEST_SHOWN
    return f"{wanted} (got {value})" if shown else wanted


def _unknown_field(model: type[BaseModel], given: str) -> str:
    for name, field in model.model_fields.items():
        if field.serialization_alias == given:
            return f"unknown field; did you mean {name!r}?"
    return f"unknown field; use one of {', '.join(model.model_fields)}{did_you_mean(given, model.model_fields)}"
