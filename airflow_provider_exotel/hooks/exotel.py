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

from airflow_provider_exotel import connection as declared
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
    """The campaigns of the account an Airflow connection names.

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
        """The connection, read and checked once; its secrets are masked in every log from here on.

        :raises ExotelInputError: naming each field that is missing or wrong.
        """
        return self._read()

    @cached_property
    def client(self) -> ExotelClient:
        """The client, which is made on first use: until then no HTTP library is loaded."""
        return client_of(self.settings)

    @cached_property
    def shutdown_client(self) -> ExotelClient:
        """The client for the moment in which a task is killed: one attempt, seconds, no rate limit, no shared lock."""
        return client_of(self.settings, fail_fast=True)

    def ask(self, question: Callable[[ExotelClient], Answer]) -> Answer:
        """Return what a question to the service returns.

        If the credentials are refused, the connection is read again for the next question: it may have been corrected.
        One that names another account is not used: the campaign is not there.

        :param question: gets :attr:`client`.
        :raises ExotelError: as the client does; a refusal all the same.
        """
        try:
            return question(self.client)
        except ExotelAuthError:
            with suppress(Exception):  # where it cannot be read now, it can be later
                self._connect_anew()
            raise

    def _connect_anew(self) -> None:
        settings, before = self._read(), self.settings
        if (settings.host, settings.account_sid) != (before.host, before.account_sid):
            return
        # All at once and only when it was read: a task that is killed meanwhile has no time to read it.
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
        """Create a campaign of exactly what is given: nothing is added to its name, no window is computed.

        Nothing keeps a second call from creating a second campaign; :meth:`create_campaign_once` does.

        :param request: the campaign, or a function that makes it, called right before each sending.
        :param fields: instead of ``request``, the fields of
            :class:`~airflow_provider_exotel.client.request.CampaignRequest`; without ``caller_id``, the connection's
            ExoPhone is used.
        :raises ExotelInputError: naming every problem at once; nothing was sent.
        :raises ExotelOutcomeUnknown: if nobody can say whether the campaign exists.
        """
        return self.client.create_campaign(request or self.request_of(**fields))

    def create_campaign_once(
        self, *, idempotency_key: str, settle: timedelta | float | None = None, **fields: Any
    ) -> Campaign:
        """Create the campaign of a key, or return the one that exists: however often, and from however many tries.

        For tasks written in Python; within a task of Airflow 3.3 the key's journal outlives its tries. Outside of a
        task nothing tells whether another process has sent it a moment ago, so the first call of a process looks for
        it for about three minutes before it sends.

        :param idempotency_key: what the campaign is known again by; another key is another campaign. It is looked for
            among the campaigns of the last 30 days.
        :param settle: how long a campaign may take to show in the list, a timedelta or seconds, default the
            connection's.
        :param fields: the fields of :class:`~airflow_provider_exotel.client.request.CampaignRequest`; the key is
            added to ``name``, and ``caller_id`` may come from the connection.
        :raises ExotelInputError: naming every problem at once, or if the campaign of the key calls other people or was
            sent with other fields; times may differ.
        :raises ExotelCampaignGone: if the campaign of the key was deleted.
        :raises ExotelOutcomeUnknown: if nobody can say whether the campaign exists; calling again finds out.
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
            wanted = "is required: it is what the campaign is found again by, such as 'reminder-2026-03'; add it"
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
        """What campaigns take from the connection."""
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
        """Return the campaign of one key, which can be found and created once.

        :param identity: the key, and the name that carries it.
        :param context: the task's context; empty outside of a task.
        :param options: the task's options, of which ``idempotency_key``, ``settle`` and ``on_same_audience`` count.
        :param content: returns what would be sent, apart from whom it calls, when, and its name.
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
        """Return the request the fields make, with the connection's ExoPhone where no ``caller_id`` is given."""
        from airflow_provider_exotel.client.request import CampaignRequest

        given = {name: value for name, value in fields.items() if value is not None}
        if "caller_id" not in given and self.settings.exophone:
            given["caller_id"] = self.settings.exophone
        return CampaignRequest(**given)

    def test_connection(self) -> tuple[bool, str]:
        """Make one cheap request and say in words what is right or wrong, for Airflow's connection form.

        With a profile it makes two, and says what of the profile is stale.
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
    """Return the settings of an Airflow connection; its secrets are masked in every log from here on.

    :param connection: the connection.
    :raises ExotelInputError: naming each field that is missing or wrong.
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
    tries: int | None = None,
    on_answer: Callable[[RawAnswer], None] | None = None,
) -> ExotelClient:
    """Return a client of the account a connection names.

    :param settings: the connection.
    :param fail_fast: whether to send once, wait for seconds only, and share nothing with other clients.
    :param tries: how often a request is sent at most, for callers that come back by themselves; default as
        :class:`~airflow_provider_exotel.client.retry.RetryPolicy` says.
    :param on_answer: is given each answer as it arrived.
    """
    from airflow_provider_exotel.client.client import ExotelClient
    from airflow_provider_exotel.client.rate_limit import TokenBucket
    from airflow_provider_exotel.client.retry import RetryPolicy

    connect_timeout, read_timeout = (2, 3) if fail_fast else (settings.connect_timeout, settings.read_timeout)
    return ExotelClient(
        settings.api_key,
        settings.api_token,
        settings.account_sid,
        settings.host,
        requests_per_minute=settings.requests_per_minute,
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
        request_body=settings.request_body,
        profile=settings.profile,
        guard=settings.guard,
        retry=RetryPolicy(tries=1) if fail_fast else RetryPolicy(tries=tries) if tries else None,
        bucket=TokenBucket(_NO_LIMIT) if fail_fast else None,
        on_answer=on_answer,
    )


def _context() -> Mapping[str, Any]:
    """Return the context of the task that runs, empty outside of one."""
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
            f"Network: {where} gave no answer within {settings.read_timeout} s; try again, or raise the read timeout."
            if error.sent
            else f"Network: {where} cannot be reached from here; check host, DNS, proxy and firewall."
        )
    if isinstance(error, ExotelNotFound):
        return f"Account SID or region: {where} knows no account {settings.account_sid}; check both."
    if isinstance(error, ExotelAuthError) and error.http_status == 401:
        return (
            f"API key, API token or region: {where} accepts none such; copy key and token again from the dashboard, "
            "and check the region, since an account lives in one only."
        )
    if isinstance(error, ExotelAuthError):
        return (
            "Access denied with valid credentials: check that the account SID belongs to the key, that the account is "
            "active, and that its IP list allows this machine's address."
        )
    return "Exotel answered, and not as expected."
