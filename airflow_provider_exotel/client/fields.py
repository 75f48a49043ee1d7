"""The kinds of fields a request is made of, and a model that reports all its problems without repeating input."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
)

from airflow_provider_exotel.client.errors import ExotelInputError, Problem
from airflow_provider_exotel.client.literals import read_literal
from airflow_provider_exotel.client.numbers import PhoneNumbers

_WORDS = dict.fromkeys(("true", "yes", "1"), True) | dict.fromkeys(("false", "no", "0"), False)


def one_of(*choices: str) -> BeforeValidator:
    """Return a validator that accepts a choice in any case and spelling of its dash, as people type it."""
    folded = {fold(choice): choice for choice in choices}

    def choose(value: object) -> object:
        if isinstance(value, str) and fold(value) in folded:
            return folded[fold(value)]
        raise ValueError(f"not one of {', '.join(choices)}")

    return BeforeValidator(choose)


def fold(text: str) -> str:
    """Return ``text`` as choices are compared: lower case, dashes for underscores and spaces."""
    return text.strip().lower().replace("_", "-").replace(" ", "-")


def read_flag(value: object) -> bool:
    """Return a flag as Python, a form or a template writes it.

    :param value: a bool, 0 or 1, or one of ``true``, ``false``, ``yes``, ``no``, ``1``, ``0`` in any case.
    :raises ValueError: for anything else: nobody is called because a word was misread.
    """
    word = str(value).strip().lower() if isinstance(value, (bool, int, str)) else ""
    if word not in _WORDS:
        raise ValueError("must be true or false")
    return _WORDS[word]


def flag(value: object, name: str) -> bool:
    """Return a flag; what is not given is false.

    :param value: what is given.
    :param name: the argument.
    :raises ExotelInputError: naming it, for what is neither true nor false.
    """
    try:
        return value is not None and read_flag(value)
    except ValueError as error:
        raise ExotelInputError([Problem(name, f"{error}; write one of the two")]) from None


def http_url(value: str) -> str:
    """Return ``value`` if it is an absolute http or https URL."""
    if not value.lower().startswith(("http://", "https://")) or not value.split("//", 1)[1].strip("/ "):
        raise ValueError("not an http(s) URL")
    if any(character.isspace() for character in value):
        raise ValueError("holds white space")
    return value


def numbers_of(value: object) -> PhoneNumbers:
    """Return ``value`` as :class:`PhoneNumbers`, complaining in the way pydantic collects."""
    try:
        return PhoneNumbers.of(value)
    except TypeError as error:
        raise ValueError(str(error)) from None


def words(value: object) -> object:
    """Return the words of a comma-separated string, which is what Jinja makes of a list; all else as it is."""
    if not isinstance(value, str):
        return value
    parsed = read_literal(value)
    return parsed if isinstance(parsed, list) else [word.strip() for word in value.split(",") if word.strip()]


def _moment(value: object) -> object:
    """Let only text and datetimes through: a bare number is no RFC 3339 time, though a parser may take it."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            raise ValueError("not an RFC 3339 time") from None
    if not isinstance(value, datetime):
        raise ValueError("not an RFC 3339 time")
    if value.utcoffset() is None:
        raise ValueError("has no UTC offset")
    return value


def _no_truth(value: object) -> object:
    # Python counts True as 1; whoever writes it for a number has mixed up two fields.
    if isinstance(value, bool):
        raise ValueError("should be a valid integer")
    return value


Whole = Annotated[int, BeforeValidator(_no_truth)]
Flag = Annotated[bool, BeforeValidator(read_flag)]
Item = TypeVar("Item")
# The bound stands with the tuple: on an optional field it would be asked of None too.
Some = Annotated[tuple[Item, ...], Field(min_length=1)]
Text = Annotated[str, Field(min_length=1)]
Url = Annotated[str, AfterValidator(http_url)]
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    PlainSerializer(lambda moment: moment.isoformat(timespec="seconds")),
]


class Model(BaseModel):
    """Checks all fields at once and reports without repeating any input."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
        validate_default=False,
    )

    def __init__(self, **arguments: Any) -> None:
        # None is how a caller says that a field is not given.
        given = {name: v for name, v in arguments.items() if v is not None or name not in type(self).model_fields}
        try:
            super().__init__(**given)
        except ValidationError as error:
            raise ExotelInputError(problems(type(self), error)) from None

    def payload(self, *, without: str | None = None) -> dict[str, Any]:
        """Return the JSON object the service takes, unset fields left out.

        :param without: a field to leave out too.
        """
        return self.model_dump(mode="json", exclude_none=True, by_alias=True, exclude={without} if without else None)


def mapping_of(value: object) -> object:
    """Return the mapping a text spells, which is what templates and params make of one; all else as it is."""
    if not isinstance(value, str):
        return value
    parsed = read_literal(value)
    if not isinstance(parsed, dict):
        raise ValueError("not a mapping of its fields, nor the text of one")
    return parsed


def problems(model: type[BaseModel], error: ValidationError) -> Iterator[Problem]:
    """Yield what pydantic found, with what to write instead (the field's description) and without the input.

    :param model: the model that was to be made; its fields' descriptions say what to write.
    :param error: what pydantic raised.
    """
    for detail in error.errors(include_input=False, include_url=False):
        path = [str(part) for part in detail["loc"]]
        place, top = ".".join(path), model.model_fields.get(path[0]) if path else None
        wanted = f"; give {top.description}" if top and top.description else ""
        cause = detail.get("ctx", {}).get("error")
        if isinstance(cause, ExotelInputError):  # a model inside this one has said it in full
            yield from (
                Problem(".".join(filter(None, (place, inner.field))), inner.message) for inner in cause.problems
            )
        elif detail["type"] == "extra_forbidden":
            yield Problem(place, f"is not known; the fields are {', '.join(model.model_fields)}")
        elif detail["type"] == "missing":
            yield Problem(place, f"is missing{wanted}")
        else:
            said = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
            yield Problem(place, f"{said[:1].lower()}{said[1:]}{wanted}")
