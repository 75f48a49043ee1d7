"""Refusals, and the five error formats in Exotel's sources."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from uuid import uuid4


class Refusal(Exception):
    """A refused request.

    :param status: the HTTP status.
    :param message: the error message; may contain one phone number, like the service's.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True)
class Answer:
    """An HTTP response before it is sent."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


# The catalogue of a related Exotel API; no codes for campaigns are published.
CATALOGUE = {400: 1002, 401: 1010, 403: 1003, 404: 1000, 409: 1008, 415: 1011, 429: 1013, 500: 1100}
MANDATORY, NOT_PARSED = 1001, 1007
# Codes in other Exotel responses.
OTHER_CODES = {401: 1010, 403: 1010, 404: 10731, 409: 1012, 429: 1013, 500: 1100}
_NOT_PARSED_WORDS = ("not valid JSON", "must be a JSON object", "comma-separated", "must be an array")
WORD_CODES = {401: "UNAUTHORIZED", 404: "NOT_FOUND", 429: "RATE_LIMIT_EXCEEDED"}


def request_id() -> str:
    """Return a new request id."""
    return uuid4().hex


def reason(status: int) -> str:
    """Return the reason phrase of an HTTP status."""
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Error"


def code_of(status: int, message: str, error_codes: str) -> int:
    """Return the code of an error.

    :param status: the HTTP status.
    :param message: the error message.
    :param error_codes: ``catalogue`` or ``other``, the switch of that name.
    """
    if error_codes == "other":
        return OTHER_CODES.get(status, MANDATORY)
    if status == HTTPStatus.BAD_REQUEST and "mandatory" in message:
        return MANDATORY
    if status == HTTPStatus.BAD_REQUEST and any(words in message for words in _NOT_PARSED_WORDS):
        return NOT_PARSED
    return CATALOGUE.get(status, CATALOGUE[400])


def error_item(status: int, message: str, error_codes: str = "catalogue") -> dict[str, Any]:
    """Return a failed entry inside a successful response."""
    code = code_of(status, message, error_codes)
    error = {"code": code, "description": message, "message": reason(status)}
    return {"code": status, "error_data": error, "status": "failure", "data": None}


def _item_envelope(status: int, message: str, method: str, error_codes: str) -> dict[str, Any]:
    head = {"request_id": request_id(), "method": method, "http_code": status}
    return {**head, "response": [error_item(status, message, error_codes)]}


def _object_envelope(status: int, message: str, method: str, error_codes: str) -> dict[str, Any]:
    head = {"request_id": request_id(), "method": method, "http_code": status}
    return {**head, "response": error_item(status, message, error_codes)}


def _rest_exception(status: int, message: str, method: str, error_codes: str) -> dict[str, Any]:  # noqa: ARG001
    number = code_of(status, message, error_codes)
    code = number if error_codes == "catalogue" else WORD_CODES.get(status, number)
    return {"RestException": {"Status": status, "Message": message, "Code": code}}


def _error(status: int, message: str, method: str, error_codes: str) -> dict[str, Any]:  # noqa: ARG001
    code = WORD_CODES.get(status, reason(status)).lower().replace(" ", "_")
    return {"request_id": request_id(), "http_code": status, "response": {"error": {"code": code, "message": message}}}


JSON_ENVELOPES: Mapping[str, Callable[[int, str, str, str], dict[str, Any]]] = {
    "item": _item_envelope,
    "object": _object_envelope,
    "rest_exception": _rest_exception,
    "error": _error,
}


def html_page(status: int, message: str) -> str:
    """Return an error as a gateway's HTML page."""
    title = f"{status} {reason(status)}"
    return f"<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{html.escape(message)}</p></body></html>"
