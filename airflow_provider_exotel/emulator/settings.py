"""The switches of the emulator, for everything that Exotel's sources leave open or contradict."""

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
# Values of each dialect for switches that are None.
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

    :param dialect: the format of responses. ``documented`` follows the create-campaign page (items of lists are bare,
        ``InProgress``, ``in_progress``), ``wrapped`` the older reference (``{code, status, error_data, data}`` items,
        ``in-progress`` in both places).
    :param accepts: the accepted request bodies: the bare object of the create-campaign page (``documented``),
        ``{"campaigns": [...]}`` of the older reference (``wrapped``), or ``both``.
    :param envelope: the format of errors, one of :data:`ENVELOPES`.
    :param unknown_keys: whether to ``ignore`` or ``refuse`` keys that the create-campaign page does not document.
    :param at_end: the status of a campaign whose window closes with numbers left; Exotel's pages mention all three.
    :param wrong_state_status: the HTTP status of an action in the wrong state.
    :param wrong_account_status: the HTTP status for good credentials with another account SID.
    :param schedule_editable_when_paused: whether a paused campaign's schedule can be changed; Exotel's guide and
        reference contradict each other.
    :param edits: the effect of an edit on fields that it leaves out: they stay (``merge``), or all but the numbers and
        the caller are reset (``replace``). With ``ignore`` it succeeds and changes nothing.
    :param deleted_get: the response to a GET of a deleted campaign: ``404``, or the campaign as ``deleted``.
    :param no_calls: the call details of a campaign without finished calls: ``404`` or an ``empty`` list.
    :param name_filter: the effect of the ``name`` parameter of the list; ``failing`` responds with 500.
    :param list_delay_reads: number of list requests that do not show a new campaign or contact list.
    :param list_delay_seconds: how long lists do not show a new campaign, in seconds of the emulator's clock.
    :param list_sort: whether a list has the requested order, or is always oldest first.
    :param list_offset: whether a page starts at the requested offset, or always at the beginning.
    :param list_later_pages: the pages after the first one: the rest, an ``empty`` list, or ``null``.
    :param list_page: maximum number of campaigns per page.
    :param list_id: the name of a campaign's id in lists.
    :param list_deleted: whether lists show deleted campaigns.
    :param list_metadata: whether pages carry ``metadata``; ``page`` for that of 2018, with ``page`` and ``page_size``.
    :param list_items: whether items of lists of campaigns and contacts are bare objects or ``{code, status, data}``.
    :param call_items: the same for call details.
    :param call_fields: the field names of a call: from the reporting ``guide`` or the ``reference``.
    :param status_style: ``InProgress`` (``title``) or ``in-progress`` (``hyphen``).
    :param stats_keys: the counts of the newer pages (``underscore``) or of the older reference (``hyphen``).
    :param summary: the position of a campaign's ``summary``: ``beside`` its data, ``inside`` it, or ``absent``.
    :param csv_counts: the counts of an import in ``stats``, or ``flat`` as ``*_count``.
    :param status_filter: the spelling that the ``status`` parameter of the list accepts; ``ignored`` for none.
    :param deletes: which campaigns can be deleted: those that have not started (``created``), ``any``, or none.
    :param resume_before_start: whether a campaign that is resumed before its start ``waits`` for it, or ``dials`` at
        once; Exotel's pages mention both.
    :param duplicate_list: whether a list with an existing name fails as an ``item`` with code 409 or as HTTP 409.
    :param auth_envelope: the format of 401 and 429; ``None`` for that of ``envelope``.
    :param error_codes: the error codes: from the ``catalogue`` of a related API, or ``other`` known ones.
    :param quoted_digits: whether pressed keys are quoted.
    :param rate_limit: requests per minute of the emulator's clock; ``None`` for no limit (Exotel: 30 for campaigns).
    :param rate_limit_headers: whether responses have ``X-RateLimit-*`` headers.
    :param retry_after: the format of ``Retry-After`` on a 429.
    :param account_throttle: calls per minute of each campaign (Exotel, campaign throttling: 60 per account; sharing
        between campaigns is not simulated). It is read when a campaign is created.
    :param outcomes: weights of the outcomes of a call, read when a campaign is created.
    :param echo_numbers: whether responses include ``from``; ``None`` for the dialect's default (only ``wrapped``).
    :param omit_zero_counts: whether to omit zero counts in ``stats``, except in the response to a create.
    :param counts_as_strings: whether counts in ``stats`` are strings.
    :param response_as_object: whether a single campaign is returned as an object instead of a list.
    :param status_words: other words for a status, e.g. ``{"in-progress": "Ringing"}``.
    :param extra_stats: keys to add to ``stats``.
    :param import_seconds: duration of a CSV import, in seconds of dialling like a campaign's timeline; 0 for an
        immediate import. Meanwhile its list fills, and campaigns that use it stay Created.
    :param import_failed_rows: number of valid rows of each file that fail, from its end.
    :param import_stops_after: number of valid rows after which an import stops as ``failed``; ``None`` for never.
    :param drop_duplicates: whether numbers that a list already has are skipped (Exotel's pages: always).
    :param csv_answer: the position of the ids in the response to an upload: in ``data.summary``, in ``data.list`` or
        in the ``data`` of an item; ``None`` for the dialect's default (``wrapped``: first, ``documented``: last).
    :param list_counts: whether responses include a list's number of contacts.
    :param calls_per_page: maximum number of calls per page of call details; not documented by Exotel.
    :param report_url: the ``report_url`` of campaigns that have ended, with ``{id}`` for the campaign; None for none.
        :attr:`Emulator.report_url` is where the emulator itself serves one, as CSV.
    :param recording_url: the ``recording_url`` of answered calls, with ``{sid}`` for the call; None for none.
        :attr:`Emulator.recording_url` and :attr:`Emulator.foreign_recording_url` are where the emulator serves them.
    :param callback_encoding: the encoding of callbacks: ``json`` or ``form``.
    :param callback_keys: their field names: ``snake`` case as in the reference, or ``pascal`` case as in the guide.
    :param passthru_url: URL of the Passthru applet in every campaign's flow, which receives pressed keys; ``None`` for
        none.
    :raises ValueError: for an invalid value.
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
        """Set one switch; an unknown name is an error, so that a typo in a test is noticed."""
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
        """Return the value of a switch, or the dialect's value if it is ``None``."""
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
