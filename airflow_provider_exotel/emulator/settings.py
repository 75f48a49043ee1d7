"""The switches of the emulator: everything the sources about Exotel leave open or contradict each other about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

DEFAULT_OUTCOMES: Mapping[str, float] = {"completed": 0.62, "busy": 0.13, "no-answer": 0.2, "failed": 0.05}

ENVELOPES = ("item", "object", "rest_exception", "error", "html")

CHOICES: Mapping[str, tuple[Any, ...]] = {
    "dialect": ("documented", "wrapped"),
    "accepts": ("both", "documented", "wrapped"),
    "envelope": ENVELOPES,
    "unknown_keys": ("ignore", "refuse"),
    "at_end": ("completed", "canceled", "paused"),
    "wrong_state_status": (400, 403, 409),
    "wrong_account_status": (401, 403, 404),
    "edits": ("merge", "replace", "ignore"),
    "deleted_get": ("404", "deleted"),
    "no_calls": ("404", "empty"),
    "name_filter": ("exact", "substring", "casefold", "ignored", "failing"),
    "list_sort": ("asked", "ignored"),
    "list_offset": ("asked", "ignored"),
    "list_later_pages": ("full", "empty", "null"),
    "list_id": ("id", "sid"),
    "retry_after": ("seconds", "date", "nonsense", "absent"),
    "echo_numbers": (None, True, False),
    "csv_answer": (None, "summary", "list", "item"),
    "callback_encoding": ("json", "form"),
    "callback_keys": ("snake", "pascal"),
    "auth_envelope": (None, *ENVELOPES),
    "error_codes": ("catalogue", "other"),
    "list_metadata": (True, False, "page"),
    "list_items": (None, "bare", "wrapped"),
    "call_items": (None, "bare", "wrapped"),
    "call_fields": (None, "guide", "reference"),
    "status_style": (None, "title", "hyphen"),
    "stats_keys": (None, "underscore", "hyphen"),
    "summary": (None, "absent", "beside", "inside"),
    "csv_counts": (None, "flat", "stats"),
    "status_filter": ("any", "title", "hyphen", "ignored"),
    "deletes": ("created", "any", "never"),
    "duplicate_list": ("item", "http"),
    "resume_before_start": ("waits", "dials"),
}
# What each dialect writes where the switch of that name is None.
DIALECTS: Mapping[str, Mapping[str, Any]] = {
    "documented": {
        "list_items": "bare",
        "call_items": "bare",
        "call_fields": "guide",
        "status_style": "title",
        "stats_keys": "underscore",
        "summary": "absent",
        "csv_answer": "item",
        "csv_counts": "flat",
        "echo_numbers": False,
    },
    "wrapped": {
        "list_items": "wrapped",
        "call_items": "wrapped",
        "call_fields": "reference",
        "status_style": "hyphen",
        "stats_keys": "hyphen",
        "summary": "beside",
        "csv_answer": "summary",
        "csv_counts": "stats",
        "echo_numbers": True,
    },
}


@dataclass
class Settings:
    """The switches, changeable while the emulator runs.

    :param dialect: how answers are written. ``documented`` follows the create-campaign page (items of lists are bare,
        ``InProgress``, ``in_progress``), ``wrapped`` the older reference (``{code, status, error_data, data}`` items,
        ``in-progress`` in both places).
    :param accepts: which request bodies are taken: the bare object of the create-campaign page (``documented``),
        ``{"campaigns": [...]}`` of the older reference (``wrapped``), or ``both``.
    :param envelope: the shape of error answers, one of :data:`ENVELOPES`.
    :param unknown_keys: what happens to keys the create-campaign page does not name: ``ignore`` or ``refuse``.
    :param at_end: the status of a campaign whose window closes with numbers left: Exotel's pages name all three.
    :param wrong_state_status: the HTTP status of an action in the wrong state.
    :param wrong_account_status: the HTTP status for good credentials with another account SID.
    :param schedule_editable_when_paused: a guide of Exotel says so, the reference denies it.
    :param edits: what an edit does to the fields it leaves out: they stay (``merge``), or they are reset, all but whom
        to call and from what number (``replace``). With ``ignore`` it is answered with success and changes nothing.
    :param deleted_get: a GET of a deleted campaign answers ``404``, or the campaign as ``deleted``.
    :param no_calls: the call details of a campaign that has no finished call yet: ``404`` or ``empty`` list.
    :param name_filter: what the ``name`` parameter of the list does; ``failing`` answers 500.
    :param list_delay_reads: how many list requests a new campaign, or a new list of contacts, is missing from.
    :param list_delay_seconds: how long it is missing from them, in seconds of the emulator's clock.
    :param list_sort: whether the order of a list is the one asked for, or always the oldest first.
    :param list_offset: whether a page begins where it is asked to, or always at the beginning.
    :param list_later_pages: what comes after the first page: the rest, an ``empty`` list, or ``null`` for one.
    :param list_page: how many campaigns a page of a list holds at most.
    :param list_id: under which name a list shows a campaign's id.
    :param list_deleted: whether lists show deleted campaigns.
    :param list_metadata: whether pages carry ``metadata``; ``page`` for that of 2018, with ``page`` and ``page_size``.
    :param list_items: whether items of lists of campaigns and contacts are bare objects or ``{code, status, data}``.
    :param call_items: the same of call details.
    :param call_fields: the names of a call's fields: those of the reporting ``guide`` or of the ``reference``.
    :param status_style: ``InProgress`` (``title``) or ``in-progress`` (``hyphen``).
    :param stats_keys: the counts of the newer pages (``underscore``) or of the older reference (``hyphen``).
    :param summary: where the ``summary`` of a campaign is: ``beside`` its data, ``inside``, or ``absent``.
    :param csv_counts: the counts of an import in ``stats``, or ``flat`` as ``*_count``.
    :param status_filter: which spelling the ``status`` parameter of the list understands; ``ignored`` for none.
    :param deletes: which campaigns can be deleted: those that have not started (``created``), ``any``, or none.
    :param resume_before_start: whether a campaign that is resumed before its start ``waits`` for that, or ``dials`` at
        once: Exotel's pages name both.
    :param duplicate_list: a list whose name is taken fails as an ``item`` with code 409 or as HTTP 409.
    :param auth_envelope: the shape of 401 and 429; None for that of ``envelope``.
    :param error_codes: the numbers of errors: those of the ``catalogue`` of a sister API, or ``other`` ones seen.
    :param quoted_digits: whether the keys that were pressed stand in quotes.
    :param rate_limit: requests a minute, None for no limit (Exotel names 30 for campaigns). Minutes are those of the
        emulator's clock.
    :param rate_limit_headers: whether answers carry ``X-RateLimit-*``.
    :param retry_after: the form of ``Retry-After`` on a 429.
    :param account_throttle: calls a minute of the account (Exotel, campaign throttling: 60). Each campaign has it for
        itself: sharing between campaigns is not simulated. It is read when a campaign is created.
    :param outcomes: weights of the outcomes of a call, read when a campaign is created.
    :param echo_numbers: whether answers repeat ``from``; None leaves it to the dialect (only ``wrapped`` does).
    :param omit_zero_counts: leave keys with 0 out of ``stats``, except in the answer to a create.
    :param counts_as_strings: write the numbers in ``stats`` as strings.
    :param response_as_object: a single campaign comes as an object, not as a list of one.
    :param status_words: other words for a status, e.g. ``{"in-progress": "Ringing"}``.
    :param extra_stats: keys to add to ``stats``.
    :param import_seconds: how long the import of a CSV file takes, in seconds of dialling like a campaign's timeline; 0
        for one that is over when it is answered. Meanwhile its list fills, and campaigns that name it stay Created.
    :param import_failed_rows: how many good rows of each file fail, counted from its end.
    :param import_stops_after: after how many good rows an import breaks off and is ``failed``; None for never.
    :param drop_duplicates: whether a number that a list holds is not added again (Exotel's pages say: always).
    :param csv_answer: where the answer to an upload holds its ids: in ``data.summary``, in ``data.list`` or in the
        ``data`` of an item; None leaves it to the dialect (``wrapped`` has the first, ``documented`` the last).
    :param list_counts: whether a list tells how many contacts it has.
    :param calls_per_page: the most calls a page of call details holds, whatever is asked for; Exotel does not say.
    :param report_url: the ``report_url`` of campaigns that have ended, with ``{id}`` for the campaign; None for none.
        :attr:`Emulator.report_url` is where the emulator itself serves one, as CSV.
    :param recording_url: the ``recording_url`` of answered calls, with ``{sid}`` for the call; None for none.
        :attr:`Emulator.recording_url` and :attr:`Emulator.foreign_recording_url` are where the emulator serves them.
    :param callback_encoding: how callbacks are sent: as ``json`` or as a ``form``.
    :param callback_keys: the names of their fields: ``snake`` case of the reference, or ``pascal`` case of the guide.
    :param passthru_url: where the flow of every campaign has a Passthru applet send what was pressed; None for nowhere.
    :raises ValueError: for a value a switch does not have.
    """

    dialect: str = "documented"
    accepts: str = "both"
    envelope: str = "item"
    unknown_keys: str = "ignore"
    at_end: str = "completed"
    wrong_state_status: int = 400
    wrong_account_status: int = 403
    schedule_editable_when_paused: bool = False
    edits: str = "merge"
    deleted_get: str = "404"
    no_calls: str = "404"
    name_filter: str = "substring"
    list_delay_reads: int = 0
    list_delay_seconds: float = 0.0
    list_sort: str = "asked"
    list_offset: str = "asked"
    list_later_pages: str = "full"
    list_page: int = 500
    list_id: str = "id"
    list_deleted: bool = False
    list_metadata: bool | str = True
    list_items: str | None = None
    call_items: str | None = None
    call_fields: str | None = None
    status_style: str | None = None
    stats_keys: str | None = None
    summary: str | None = None
    csv_counts: str | None = None
    status_filter: str = "any"
    deletes: str = "created"
    duplicate_list: str = "item"
    resume_before_start: str = "waits"
    auth_envelope: str | None = None
    error_codes: str = "catalogue"
    quoted_digits: bool = False
    rate_limit: int | None = None
    rate_limit_headers: bool = True
    retry_after: str = "seconds"
    account_throttle: int = 60
    outcomes: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_OUTCOMES))
    echo_numbers: bool | None = None
    omit_zero_counts: bool = False
    counts_as_strings: bool = False
    response_as_object: bool = False
    status_words: Mapping[str, str] = field(default_factory=dict)
    extra_stats: Mapping[str, int] = field(default_factory=dict)
    import_seconds: float = 0.0
    import_failed_rows: int = 0
    import_stops_after: int | None = None
    drop_duplicates: bool = True
    csv_answer: str | None = None
    list_counts: bool = True
    calls_per_page: int = 500
    report_url: str | None = None
    recording_url: str | None = None
    callback_encoding: str = "json"
    callback_keys: str = "snake"
    passthru_url: str | None = None

    def __setattr__(self, name: str, value: object) -> None:
        """Set one switch; a typing error in a test must not pass as a setting nobody reads."""
        if name not in self.__dataclass_fields__:
            raise ValueError(f"{name} is not a switch; there are {', '.join(f.name for f in fields(self))}")
        if name in CHOICES and value not in CHOICES[name]:
            raise ValueError(f"{name} is one of {', '.join(map(repr, CHOICES[name]))}, not {value!r}")
        if name == "outcomes" and (
            not isinstance(value, Mapping) or set(value) - set(DEFAULT_OUTCOMES) or sum(value.values()) <= 0
        ):
            raise ValueError(f"outcomes maps some of {', '.join(DEFAULT_OUTCOMES)} to weights whose sum is above 0")
        object.__setattr__(self, name, value)

    def form(self, name: str) -> Any:
        """Return the value of a switch that the dialect decides where it is None."""
        value = getattr(self, name)
        return DIALECTS[self.dialect][name] if value is None else value

    def update(self, changes: Mapping[str, Any]) -> None:
        """Set several switches.

        :param changes: names and values; nothing is changed if one of them is wrong.
        :raises ValueError: for an unknown switch or value.
        """
        Settings(**{**vars(self), **known(changes)})
        for name, value in changes.items():
            setattr(self, name, value)


def known(changes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return ``changes`` if every key is a switch.

    :param changes: names and values of switches.
    :raises ValueError: naming the keys that are not.
    """
    unknown = sorted(set(changes) - {each.name for each in fields(Settings)})
    if unknown:
        raise ValueError(f"no such switch: {', '.join(unknown)}")
    return changes
