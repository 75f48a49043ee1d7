"""Every error of a request, as one tree.

::

    ExotelError
    ├── ExotelInputError          nothing was sent: all problems of the arguments at once
    ├── ExotelConnectionError     no answer; ``sent`` is true if the request may have counted
    │   └── ExotelCertificateError    the host's certificate is not trusted; nothing was sent
    ├── ExotelAuthError           401, 403: key, token, account, region or address not accepted
    ├── ExotelPaymentRequired     402: balance or plan
    ├── ExotelRequestRefused      400, 422 and other 4xx: the service names its reason
    ├── ExotelNotFound            404
    ├── ExotelConflict            409: changed by somebody else at the same time
    ├── ExotelRateLimited         429: ``retry_after`` seconds
    ├── ExotelServerError         5xx
    ├── ExotelResponseError       an answer that cannot be read
    └── ExotelOutcomeUnknown      the request may or may not have counted

Errors that do not come from an HTTP answer are in ``create.errors`` and ``audience.errors``. All errors can be imported
from ``airflow_provider_exotel``.

No message holds a phone number or a credential: texts of the service pass through
:func:`airflow_provider_exotel.client.redact.redact` first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Self

from airflow_provider_exotel.client.reasons import explain_refusal


@dataclass(frozen=True)
class Problem:
    """One problem of the input.

    :param field: the argument, as the caller spells it; nested ones with a dot.
    :param message: the problem and, after a semicolon, the fix; holds no input that may be personal.
    """

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


class ExotelError(Exception):
    """The root of the tree.

    :param message: what happened and what to do; no number, no credential.
    :param http_status: the HTTP status of the answer, if there was one.
    :param code: Exotel's own error code, a number or a word, if it gave one.
    :param request_id: Exotel's id of the request, for its support.
    """

    retryable = False
    """Whether the same request may succeed later without a change by anybody."""

    def __init__(
        self,
        message: str,
        *,
        http_status: int | None = None,
        code: int | str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.http_status = http_status
        self.code = code
        self.request_id = request_id

    def __str__(self) -> str:
        meaning = explain_refusal(self.code)
        code = f"{self.code}: {meaning}" if meaning else self.code
        known = (("HTTP", self.http_status), ("code", code), ("request", self.request_id))
        detail = ", ".join(f"{name} {value}" for name, value in known if value is not None)
        return f"{self.message} ({detail})" if detail else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restore, (type(self), dict(self.__dict__)))


class ExotelInputError(ExotelError, ValueError):
    """The arguments are invalid; nothing was sent.

    :param problems: every problem found.
    :param subject: what the arguments describe, for the first line of the message.
    """

    def __init__(self, problems: Iterable[Problem], subject: str = "campaign") -> None:
        self.problems = tuple(problems)
        self.subject = subject
        count = f"{len(self.problems)} problem{'' if len(self.problems) == 1 else 's'}"
        lines = "".join(f"\n- {problem}" for problem in self.problems)
        super().__init__(f"Invalid {subject}, nothing was sent ({count}):{lines}")


def collect(problems: list[Problem], step: Callable[[], Any]) -> Any:
    """Return the result of a step; if its input is invalid, add its problems to ``problems`` and return ``None``.

    :param problems: the problems found so far, extended in place.
    :param step: a function without parameters.
    """
    try:
        return step()
    except ExotelInputError as error:
        problems.extend(error.problems)
        return None


class ExotelConnectionError(ExotelError):
    """No answer arrived.

    :param sent: ``False`` if the connection was never made (refused, unknown host, TLS, connect timeout), so that the
        request did not count; ``True`` if it was lost later (read timeout, reset, answer cut off).
    """

    retryable = True

    def __init__(self, message: str, *, sent: bool = False, **details: Any) -> None:
        super().__init__(message, **details)
        self.sent = sent


class ExotelCertificateError(ExotelConnectionError):
    """The certificate of the host is not trusted here; nothing was sent, and sending again cannot help."""

    retryable = False


class ExotelAuthError(ExotelError):
    """Key, token, account SID, region or the caller's address is not accepted (401, 403)."""


class ExotelPaymentRequired(ExotelError):
    """Balance or plan does not cover the request (402)."""


class ExotelRequestRefused(ExotelError):
    """The service definitely refused the request (400, 422 and other 4xx without a class of their own)."""


class ExotelNotFound(ExotelError):
    """There is nothing under that id (404)."""


class ExotelConflict(ExotelError):
    """Somebody else changed the same thing at the same time (409)."""

    retryable = True


class ExotelRateLimited(ExotelError):
    """Too many requests for the account (429); the request did not count.

    :param retry_after: seconds the service asked to wait, ``None`` if it did not say.
    """

    retryable = True

    def __init__(self, message: str, *, retry_after: float | None = None, **details: Any) -> None:
        super().__init__(message, **details)
        self.retry_after = retry_after


class ExotelServerError(ExotelError):
    """The service failed (5xx)."""

    retryable = True


class ExotelResponseError(ExotelError):
    """The answer cannot be read (HTML, cut off, empty, a redirect, or not of any known form)."""

    retryable = True


class ExotelOutcomeUnknown(ExotelError):
    """The request was sent and may or may not have counted; it is never sent again blindly."""

    retryable = True

    @classmethod
    def after(cls, error: ExotelError, message: str) -> Self:
        """Return the unknown outcome of a request that ended in ``error``, with its status, code and request id."""
        return cls(message, http_status=error.http_status, code=error.code, request_id=error.request_id)


def _restore(cls: type[ExotelError], state: dict[str, Any]) -> ExotelError:
    # Airflow passes exceptions between processes; keyword-only arguments do not survive the default pickling.
    error = cls.__new__(cls, state.get("message", ""))
    error.args = (state.get("message", ""),)
    error.__dict__.update(state)
    return error
