"""Shared by all operators and sensors: the hook, templates that render as text, and errors that no retry can fix."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSkipException,
    BaseOperator,
    BaseSensorOperator,
    conf,
)

from airflow_provider_exotel.client.errors import ExotelError, ExotelInputError, Problem
from airflow_provider_exotel.client.numbers import PhoneNumbers
from airflow_provider_exotel.client.redact import redact
from airflow_provider_exotel.hooks.exotel import ExotelHook

if TYPE_CHECKING:
    import jinja2

    from airflow_provider_exotel.create.options import OnMissedWindow

MEANT_BY = {
    "from": "numbers",
    "from_": "numbers",
    "to": "numbers",
    "conn_id": "exotel_conn_id",
    "connection_id": "exotel_conn_id",
    "start_time": "window, or schedule.send_at",
    "end_time": "window, or schedule.end_at",
    "send_at": "schedule.send_at",
    "end_at": "schedule.end_at",
    "app_id": "flow_id",
    "text": "read_via_text",
    "message": "read_via_text",
    "preset": "window",
    "dry_run": "plan_only",
    "on_kill": "pause_on_kill",
}
"""Arguments that people mistakenly write, and the right ones."""
_NO_TEMPLATE = "its template cannot be rendered"
_NOT_RENDERED = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError)


@dataclass(frozen=True)
class DeferredProblem:
    """A value that is refused when ``execute`` reads it.

    Errors that are raised while a template renders, a task is mapped or an attribute is set end the task outside of
    ``execute``. There Airflow retries the task whatever the error is.

    :param message: what is wrong and how to fix it, free of numbers.
    """

    message: str


class ExotelTask:
    """Mix-in of all operators and sensors.

    Templates render as text, whatever the DAG says: with ``render_template_as_native_obj`` Jinja turns ``+6591234567``
    into an int and a key into another key. A template that renders to exactly ``None`` counts as not given.
    """

    exotel_conn_id: str

    @cached_property
    def hook(self) -> ExotelHook:
        """The hook of the connection."""
        return ExotelHook(self.exotel_conn_id)

    def render_template(
        self, content: Any, context: Any, jinja_env: jinja2.Environment | None = None, seen_oids: set[int] | None = None
    ) -> Any:
        """Render templates as text; a failure becomes a :class:`DeferredProblem`, which ``execute`` reports."""
        if not isinstance(content, str):
            return super().render_template(content, context, jinja_env, seen_oids)  # type: ignore[misc]
        from jinja2 import TemplateError, TemplateNotFound

        try:
            text = _rendered(self, content, context, jinja_env)
        except TemplateNotFound as error:
            return DeferredProblem(f"template file {redact(error.name)} does not exist; correct the path")
        except TemplateError as error:
            return DeferredProblem(f"{_NO_TEMPLATE} ({redact(error.message or type(error).__name__)}); correct it")
        except _NOT_RENDERED as error:
            return DeferredProblem(f"{_NO_TEMPLATE} ({type(error).__name__}); correct it")
        return None if text.strip() == "None" and text != content else text


@contextmanager
def input_errors_fail_the_task() -> Iterator[None]:
    """Turn errors that no retry can fix into ``AirflowFailException``; retryable errors pass through."""
    try:
        yield
    except ExotelError as error:
        if error.retryable:
            raise
        raise AirflowFailException(str(error)) from None


@contextmanager
def missed_windows_end_the_task(on_missed_window: OnMissedWindow) -> Iterator[None]:
    """Fail or skip the task if its window is over.

    :param on_missed_window: ``skip`` skips it; anything else fails it, without a retry.
    """
    from airflow_provider_exotel.windows.calling_window import MissedWindow

    try:
        yield
    except MissedWindow as missed:
        end = AirflowSkipException if on_missed_window == "skip" else AirflowFailException
        raise end(str(missed)) from None


def check_names(task: type, given: Mapping[str, Any]) -> None:
    """Refuse arguments that neither a task nor Airflow knows, and suggest the nearest name.

    :param task: the operator's or sensor's class.
    :param given: the keyword arguments that are left for Airflow.
    :raises ExotelInputError: naming each of them.
    """
    own = set(inspect.signature(task.__init__).parameters) - {"self", "kwargs"}  # type: ignore[misc]
    known = own | _names_of_airflow(issubclass(task, BaseSensorOperator))
    problems = [
        Problem(name, f"unknown argument{_did_you_mean(name, own)}")
        for name in given
        if name not in known and not name.startswith("_airflow")
    ]
    if isinstance(given.get("retries"), Mapping):
        problems.append(Problem("retries", "is Airflow's number of task retries; did you mean call_retries?"))
    if problems:
        raise ExotelInputError(problems)


def deferred_problems(arguments: dict[str, Any]) -> list[Problem]:
    """Return the deferred problems of the arguments, and remove those arguments.

    :param arguments: the rendered arguments by name; an argument with a problem becomes ``None``.
    """
    problems = [Problem(name, one.message) for name, value in arguments.items() for one in _deferred(value)]
    arguments.update(dict.fromkeys(problem.field for problem in problems))
    return problems


def is_template(value: Any) -> bool:
    """Return whether Airflow replaces a value before the task runs: a template, an XCom, or a collection with one."""
    if isinstance(value, str):
        return "{{" in value or "{%" in value
    if isinstance(value, Mapping):
        return any(map(is_template, value.values()))
    if isinstance(value, (list, tuple, set)):
        # Lists of numbers are long, so texts without a brace are skipped early: they are no templates.
        return any(is_template(one) for one in value if not isinstance(one, str) or "{" in one)
    return callable(getattr(value, "resolve", None)) and not hasattr(value, "open")


def is_mapped(task: Any) -> bool:
    """Return whether a task comes from a mapped task, whose values are checked in ``execute``.

    :param task: the operator or sensor, as soon as Airflow has begun to create it.
    """
    # Airflow removes its own argument before `__init__`, and stores it under this name on all versions.
    return bool(getattr(task, "_BaseOperator__from_mapped", False))


def hold_numbers(value: Any) -> PhoneNumbers | DeferredProblem:
    """Return numbers in the type that shows only their count, or the problem with them."""
    if isinstance(value, DeferredProblem):
        return value
    try:
        return PhoneNumbers.of(value)
    except TypeError as error:
        return DeferredProblem(str(error))


def arguments_of(init: Callable[..., None]) -> tuple[str, ...]:
    """Return the names of the arguments that an ``__init__`` declares, in its order.

    :param init: the function.
    """
    return tuple(name for name, one in inspect.signature(init).parameters.items() if one.kind is one.KEYWORD_ONLY)


def default_deferrable() -> bool:
    """Return Airflow's setting for waiting in the triggerer whenever possible."""
    return bool(conf.getboolean("operators", "default_deferrable", fallback=False))


def _rendered(task: Any, content: str, context: Any, jinja_env: jinja2.Environment | None) -> str:
    from jinja2.nativetypes import NativeEnvironment

    if "{" not in content and not content.endswith(tuple(task.template_ext)):
        return content
    if jinja_env is None or isinstance(jinja_env, NativeEnvironment):
        dag = task.get_dag()
        jinja_env = dag.get_template_env(force_sandboxed=True) if dag is not None else task.get_template_env()
    is_file = content.endswith(tuple(task.template_ext))
    template = jinja_env.get_template(content) if is_file else jinja_env.from_string(content)
    return str(_text_renderer()(template, context))


@cache
def _text_renderer() -> Any:
    # `Template.render` would copy the context, and so resolve everything in it.
    try:
        from airflow.sdk.definitions.context import render_template_to_string
    except ImportError:
        from airflow.utils.helpers import render_template_to_string  # type: ignore[no-redef]
    return render_template_to_string


def _deferred(value: Any) -> Iterator[DeferredProblem]:
    if isinstance(value, DeferredProblem):
        yield value
    elif isinstance(value, (Mapping, list, tuple, set)):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _deferred(one)


@cache
def _names_of_airflow(is_sensor: bool) -> frozenset[str]:
    classes: Sequence[type] = (BaseSensorOperator if is_sensor else BaseOperator).__mro__
    return frozenset(
        name
        for one in classes
        if "__init__" in vars(one)
        for name in inspect.signature(vars(one)["__init__"]).parameters
    )


def _did_you_mean(name: str, own: Iterable[str]) -> str:
    meant = MEANT_BY.get(name) or next(iter(difflib.get_close_matches(name, own, n=1)), None)
    return f"; did you mean {meant}?" if meant else "; see the operator's parameters"
