"""ExotelHook: an Airflow connection as a client."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.providers.common.compat.sdk import BaseHook, mask_secret

from airflow_provider_exotel import connection_form as declared
from airflow_provider_exotel.client.callback_urls import callback_token, callback_urls
from airflow_provider_exotel.client.errors import (
    ExotelAuthError,
    ExotelConnectionError,
    ExotelError,
    ExotelInputError,
    ExotelNotFound,
    Problem,
)
from airflow_provider_exotel.connection import ExotelSettings
from airflow_provider_exotel.hooks.agent import AgentMethods

if TYPE_CHECKING:
    from airflow_provider_exotel.client.client import ExotelClient
    from airflow_provider_exotel.client.models import Campaign
    from airflow_provider_exotel.client.request import CampaignRequest
    from airflow_provider_exotel.client.transport import RawAnswer
    from airflow_provider_exotel.create.fingerprint import CampaignFields
    from airflow_provider_exotel.create.identity import CampaignIdentity
    from airflow_provider_exotel.create.once import OneCampaign
    from airflow_provider_exotel.create.options import TaskOptions
    from airflow_provider_exotel.create.spec import Account

Answer = TypeVar("Answer")
_NO_LIMIT = 1e6


class ExotelHook(AgentMethods, BaseHook):
    """The campaigns of an account, from an Airflow connection.

    :param exotel_conn_id: the connection, default ``exotel_default``.
    """

    conn_name_attr = "exotel_conn_id"
    default_conn_name = declared.DEFAULT_CONNECTION_ID
    conn_type = declared.CONNECTION_TYPE
    hook_name = declared.CONNECTION_NAME

    def __init__(self, exotel_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.exotel_conn_id = exotel_conn_id

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Return the form's extra fields; read by Airflow before 3.2, later ones read the provider's metadata."""
        return declared.connection_form_widgets()

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return the form's labels; read by Airflow before 3.2, later ones read the provider's metadata."""
        return declared.connection_field_behaviour()

    @cached_property
    def settings(self) -> ExotelSettings:
        """The connection, read and checked once; its secrets are masked in every log.

        :raises ExotelInputError: naming each missing or invalid field.
        """
        return self._read()

    @cached_property
    def client(self) -> ExotelClient:
        """The client, created on first use: until then no HTTP library is loaded."""
        return client_of(self.settings)

    @cached_property
    def shutdown_client(self) -> ExotelClient:
        """The client for a task that is being killed: one attempt, short timeouts, no rate limit, no shared lock."""
        return client_of(self.settings, fail_fast=True)

    def with_client(self, function: Callable[[ExotelClient], Answer]) -> Answer:
        """Call a function with the client, and return its result.

        If the credentials are refused, the connection is read again for the next call, since it may have been
        corrected. It is not used if it has another account, which does not have the campaign.

        :param function: the function; gets :attr:`client`.
        :raises ExotelError: the client's errors, including refused credentials.
        """
        try:
            return function(self.client)
        except ExotelAuthError:
            with suppress(Exception):  # it may be readable later
                self._connect_anew()
            raise

    def _connect_anew(self) -> None:
        settings, before = self._read(), self.settings
        if (settings.host, settings.account_sid) != (before.host, before.account_sid):
            return
        # Replaced together and only after reading: a task that is killed meanwhile has no time to read it.
        self.__dict__ |= {
            "settings": settings,
            "client": client_of(settings),
            "shutdown_client": client_of(settings, fail_fast=True),
        }

    def _read(self) -> ExotelSettings:
        return read_settings(self.get_connection(self.exotel_conn_id))

    def get_conn(self) -> ExotelClient:
        """Return :attr:`client`, which has a method for every endpoint of the Campaigns API."""
        return self.client

    def create_campaign(
        self, request: CampaignRequest | Callable[[], CampaignRequest] | None = None, **fields: Any
    ) -> Campaign:
        """Create a campaign with exactly these fields: no key is added to its name, and no window is computed.

        A second call creates a second campaign; :meth:`create_campaign_once` does not.

        :param request: the campaign, or a function that builds it, called right before each sending.
        :param fields: alternatively, the fields of
            :class:`~airflow_provider_exotel.client.request.CampaignRequest`; without ``caller_id``, the connection's
            ExoPhone is used.
        :raises ExotelInputError: naming every problem at once; nothing was sent.
        :raises ExotelOutcomeUnknown: if it is unknown whether the campaign exists.
        """
        return self.client.create_campaign(request or self.request_of(**fields))

    def create_campaign_once(
        self, *, idempotency_key: str, settle: timedelta | float | None = None, **fields: Any
    ) -> Campaign:
        """Create the campaign of a key, or return the existing one, for any number of calls and tries.

        For tasks written in Python. In a task of Airflow 3.3, the key's journal is kept between tries. Outside of a
        task, another process may just have sent the campaign, so the first call of a process polls for it for about
        three minutes before sending.

        :param idempotency_key: identifies the campaign; another key is another campaign. Existing campaigns of the last
            30 days are found.
        :param settle: maximum time until a campaign appears in the list, a timedelta or seconds, default the
            connection's.
        :param fields: the fields of :class:`~airflow_provider_exotel.client.request.CampaignRequest`; the key is
            added to ``name``, and ``caller_id`` may come from the connection.
        :raises ExotelInputError: naming every problem at once, or if the campaign of the key has another audience or
            other fields; times may differ.
        :raises ExotelCampaignGone: if the campaign of the key was deleted.
        :raises ExotelOutcomeUnknown: if it is unknown whether the campaign exists; calling again finds out.
        """
        return self._create_once(idempotency_key, settle, fields, lambda request, _: request)

    def _create_once(
        self,
        idempotency_key: str,
        settle: timedelta | float | None,
        fields: Mapping[str, Any],
        sent_at: Callable[[CampaignRequest, datetime], CampaignRequest],
    ) -> Campaign:
        """Create the campaign of a key; ``sent_at`` returns the request as it is to be sent at a moment."""
        from airflow_provider_exotel.create.fingerprint import CampaignFields
        from airflow_provider_exotel.create.identity import identify
        from airflow_provider_exotel.create.journal import AudienceFingerprint
        from airflow_provider_exotel.create.options import TaskOptions
        from airflow_provider_exotel.hooks.task import is_later_call, journal_of_this_process

        if idempotency_key is None:
            wanted = "is required to find the campaign again; add one, such as 'reminder-2026-03'"
            raise ExotelInputError([Problem("idempotency_key", wanted)])
        options = TaskOptions(idempotency_key=idempotency_key, settle=settle)
        settings = self.settings
        identity = identify(
            settings.account_sid, settings.deployment, name=fields.get("name"), idempotency_key=idempotency_key
        )
        request = self.request_of(**fields)
        audience = AudienceFingerprint.of(request.numbers, request.lists, settings.api_token)
        context, here = _context(), f"{settings.host}/{identity.key}"
        one = self.one_campaign(
            identity, context, options, content=lambda: CampaignFields.of(request, settings.api_token)
        )
        one = replace(one, refuses_other_content=True)
        if not one.journal.outlives_tries:
            may_have_been_sent = one.is_later_try or not (context or is_later_call(here))
            one = replace(one, journal=journal_of_this_process(here), is_later_try=may_have_been_sent)
        return one.find(lambda: audience) or one.create(lambda now: sent_at(request, now), audience)

    @cached_property
    def account(self) -> Account:
        """The settings of campaigns from the connection."""
        from airflow_provider_exotel.create.spec import Account

        settings, base_url = self.settings, self.settings.callback_base_url
        return Account(
            settings.account_sid,
            settings.guard,
            settings.exophone,
            settings.api_token,
            settings.tariff,
            callback_urls(base_url, settings.api_token, settings.account_sid) if base_url else {},
        )

    def one_campaign(
        self,
        identity: CampaignIdentity,
        context: Mapping[str, Any],
        options: TaskOptions,
        *,
        content: Callable[[], CampaignFields] | None = None,
        guard: Callable[[str], None] = lambda campaign_id: None,  # noqa: ARG005
    ) -> OneCampaign:
        """Return the :class:`OneCampaign` of a key, to find and create it.

        :param identity: the key, and the name that contains it.
        :param context: the task's context; empty outside of a task.
        :param options: the task's options; only ``idempotency_key``, ``settle`` and ``on_same_audience`` are used.
        :param content: returns the fields to send, without audience, schedule and name.
        :param guard: called with the campaign's id as soon as it is known.
        """
        from airflow_provider_exotel.create.once import OneCampaign
        from airflow_provider_exotel.hooks.task import earliest_date, is_later_try, journal_of

        return OneCampaign(
            identity,
            self.client,
            journal_of(context, identity.key),
            earliest_date(context, idempotency_key=options.idempotency_key),
            content=content,
            is_shared=options.idempotency_key is not None,
            is_later_try=is_later_try(context),
            answer_within=timedelta(seconds=self.settings.connect_timeout + self.settings.read_timeout),
            settle=timedelta(seconds=self.settings.settle) if options.settle is None else options.settle,
            on_same_audience=options.on_same_audience,
            guard=guard,
        )

    def request_of(self, **fields: Any) -> CampaignRequest:
        """Return a request with these fields; the default ``caller_id`` is the connection's ExoPhone."""
        from airflow_provider_exotel.client.request import CampaignRequest

        given = {name: value for name, value in fields.items() if value is not None}
        if "caller_id" not in given and self.settings.exophone:
            given["caller_id"] = self.settings.exophone
        return CampaignRequest(**given)

    def test_connection(self) -> tuple[bool, str]:
        """Make one cheap request, and return whether it succeeded with a message for Airflow's connection form.

        With a profile it makes two requests, and the message names stale answers of the profile.
        """
        stale: list[str] = []
        try:
            settings = self.settings
            if settings.profile is None:
                self.client.check_access()
            else:
                from airflow_provider_exotel.client.stale import stale_answers

                stale = stale_answers(
                    settings.profile, settings.host, settings.account_sid, partial(client_of, settings)
                )
        except ExotelInputError as error:
            return False, "; ".join(map(str, error.problems))
        except ExotelError as error:
            return False, f"{_advice(error, self.settings)} [{error}]"
        accepted = f"Key, token and account {settings.account_sid} are accepted by {settings.host}."
        if stale:
            accepted += f" The profile is stale: {'; '.join(stale)}. Make it again with commands.verify."
        return True, accepted


def read_settings(connection: Any) -> ExotelSettings:
    """Return the settings of an Airflow connection, and mask its secrets in every log.

    :param connection: the connection.
    :raises ExotelInputError: naming each missing or invalid field.
    """
    settings = ExotelSettings.of(connection)
    pair = f"{settings.api_key}:{settings.api_token}"
    callback_secret = callback_token(settings.api_token, settings.account_sid)
    for secret in (settings.api_key, settings.api_token, b64encode(pair.encode()).decode(), callback_secret):
        mask_secret(secret)
    return settings


def client_of(
    settings: ExotelSettings,
    *,
    fail_fast: bool = False,
    fail_after: float = 3.0,
    tries: int | None = None,
    on_answer: Callable[[RawAnswer], None] | None = None,
) -> ExotelClient:
    """Return a client for the account of a connection.

    :param settings: the connection.
    :param fail_fast: whether to send once, with short timeouts, and share nothing with other clients.
    :param fail_after: seconds to wait for a response with ``fail_fast``, default 3.
    :param tries: maximum number of times a request is sent, for callers with their own retries; default from
        :class:`~airflow_provider_exotel.client.retry.RetryPolicy`.
    :param on_answer: called with each raw response.
    """
    from airflow_provider_exotel.client.client import ExotelClient
    from airflow_provider_exotel.client.rate_limit import TokenBucket
    from airflow_provider_exotel.client.retry import RetryPolicy

    timeouts = (2.0, fail_after) if fail_fast else (settings.connect_timeout, settings.read_timeout)
    return ExotelClient(
        settings.api_key,
        settings.api_token,
        settings.account_sid,
        settings.host,
        requests_per_minute=settings.requests_per_minute,
        connect_timeout=timeouts[0],
        read_timeout=timeouts[1],
        request_body=settings.request_body,
        profile=settings.profile,
        guard=settings.guard,
        retry=RetryPolicy(tries=1) if fail_fast else RetryPolicy(tries=tries) if tries else None,
        bucket=TokenBucket(_NO_LIMIT) if fail_fast else None,
        on_answer=on_answer,
    )


def _context() -> Mapping[str, Any]:
    """Return the context of the running task; empty outside of a task."""
    from airflow.providers.common.compat.sdk import AirflowException, get_current_context

    try:
        context: Mapping[str, Any] = get_current_context()
    except (AirflowException, RuntimeError):
        return {}
    return context


def _advice(error: ExotelError, settings: ExotelSettings) -> str:
    where = settings.host
    if isinstance(error, ExotelConnectionError):
        return (
            f"Network: {where} did not answer within {settings.read_timeout} s; try again, or raise the read timeout."
            if error.sent
            else f"Network: {where} cannot be reached from here; check host, DNS, proxy and firewall."
        )
    if isinstance(error, ExotelNotFound):
        return f"Account SID or region: {where} has no account {settings.account_sid}; check both."
    if isinstance(error, ExotelAuthError) and error.http_status == 401:
        return (
            f"API key, API token or region: {where} does not accept them; copy key and token again from the dashboard, "
            "and check the region, since an account belongs to one region."
        )
    if isinstance(error, ExotelAuthError):
        return (
            "Access denied with valid credentials: check that the account SID belongs to the key, that the account is "
            "active, and that its IP list allows this machine's address."
        )
    return "Exotel returned an unexpected response."
