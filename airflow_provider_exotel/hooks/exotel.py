"""ExotelHook: an Airflow connection as a client."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseHook, mask_secret

from airflow_provider_exotel import connection as declared
from airflow_provider_exotel.api.errors import (
    ExotelAuthError,
    ExotelConnectionError,
    ExotelError,
    ExotelInputError,
    ExotelNotFound,
)
from airflow_provider_exotel.connection import ExotelSettings

if TYPE_CHECKING:
    from airflow_provider_exotel.api.campaign import Campaign
    from airflow_provider_exotel.api.client import ExotelClient
    from airflow_provider_exotel.api.request import CampaignRequest


class ExotelHook(BaseHook):
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
        settings = ExotelSettings.of(self.get_connection(self.exotel_conn_id))
        pair = f"{settings.api_key}:{settings.api_token}"
        for secret in (settings.api_key, settings.api_token, b64encode(pair.encode()).decode()):
            mask_secret(secret)
        return settings

    @cached_property
    def client(self) -> ExotelClient:
        """The client, which is made on first use: until then no HTTP library is loaded."""
        from airflow_provider_exotel.api.client import ExotelClient

        settings = self.settings
        return ExotelClient(
            settings.api_key,
            settings.api_token,
            settings.account_sid,
            settings.host,
            requests_per_minute=settings.requests_per_minute,
            connect_timeout=settings.connect_timeout,
            read_timeout=settings.read_timeout,
            request_body=settings.request_body,
            guard=settings.guard,
        )

    def get_conn(self) -> ExotelClient:
        """Return :attr:`client`, which has a method for every endpoint of the Campaigns API."""
        return self.client

    def create_campaign(
        self, request: CampaignRequest | Callable[[], CampaignRequest] | None = None, **fields: Any
    ) -> Campaign:
        """Create a campaign of exactly what is given: nothing is added to its name, no window is computed.

        Nothing keeps a second call from creating a second campaign; ``CreateCampaignOperator`` does.

        :param request: the campaign, or a function that makes it, called right before each sending.
        :param fields: instead of ``request``, the fields of
            :class:`~airflow_provider_exotel.api.request.CampaignRequest`; ``caller_id`` may come from the connection.
        :raises ExotelInputError: naming every problem at once; nothing was sent.
        :raises ExotelOutcomeUnknown: if nobody can say whether the campaign exists.
        """
        return self.client.create_campaign(request or self.request_of(**fields))

    def request_of(self, **fields: Any) -> CampaignRequest:
        """Return the request the fields make, with the connection's ExoPhone where no ``caller_id`` is given."""
        from airflow_provider_exotel.api.request import CampaignRequest

        given = {name: value for name, value in fields.items() if value is not None}
        if "caller_id" not in given and self.settings.exophone:
            given["caller_id"] = self.settings.exophone
        return CampaignRequest(**given)

    def test_connection(self) -> tuple[bool, str]:
        """Make one cheap request and say in words what is right or wrong, for Airflow's connection form."""
        try:
            settings = self.settings
            self.client.check_access()
        except ExotelInputError as error:
            return False, "; ".join(map(str, error.problems))
        except ExotelError as error:
            return False, f"{_advice(error, self.settings)} [{error}]"
        return True, f"Key, token and account {settings.account_sid} are accepted by {settings.host}."


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
