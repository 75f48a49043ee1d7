"""Permissions of the page. Airflow does not authorize requests to a mounted app, so every route asks here.

Neither ``get_user`` nor the auth manager is a public API of Airflow. If an import of this module fails, there is no
page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import ConnectionDetails, DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import get_user
from airflow.configuration import conf
from itsdangerous import BadSignature, URLSafeTimedSerializer

__all__ = ["Viewer", "get_user", "is_valid_token", "sign_token"]

TOKEN_HOLDS_FOR = 3600
"""Seconds within which a confirmation must be sent."""
Permission = Literal["read", "read_xcoms", "read_approvals", "set_state"]
_ASKED: dict[Permission, tuple[Literal["GET", "PUT"], DagAccessEntity | None]] = {
    "read": ("GET", None),
    "read_xcoms": ("GET", DagAccessEntity.XCOM),
    "read_approvals": ("GET", DagAccessEntity.HITL_DETAIL),
    "set_state": ("PUT", DagAccessEntity.TASK_INSTANCE),
}


@dataclass
class Viewer:
    """A user of Airflow and the user's permissions; each permission is checked once per request.

    :param user: Airflow's user.
    """

    user: Any
    _known: dict[tuple[str, str], bool] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The user's name."""
        return str(self.user.get_name())

    @property
    def id(self) -> str:
        """The id by which Airflow distinguishes users."""
        return str(self.user.get_id())

    def may(self, permission: Permission, dag_id: str) -> bool:
        """Return whether the user has a permission on a DAG.

        :param permission: ``read`` it, ``read_xcoms`` or ``read_approvals`` of its runs, ``set_state`` of its tasks.
        :param dag_id: the DAG.
        """
        permission_key = (permission, dag_id)
        if permission_key not in self._known:
            method, entity = _ASKED[permission]
            details = _details(DagDetails, "id", dag_id, _team_of_dag(dag_id))
            self._known[permission_key] = bool(
                get_auth_manager().is_authorized_dag(
                    method=method, access_entity=entity, details=details, user=self.user
                )
            )
        return self._known[permission_key]

    def may_edit(self, conn_id: str) -> bool:
        """Return whether the user may edit a connection.

        :param conn_id: the connection.
        """
        permission_key = ("edit", conn_id)
        if permission_key not in self._known:
            details = _details(ConnectionDetails, "conn_id", conn_id, _team_of_connection(conn_id))
            self._known[permission_key] = bool(
                get_auth_manager().is_authorized_connection(method="PUT", details=details, user=self.user)
            )
        return self._known[permission_key]

    @property
    def may_read_any_dag(self) -> bool:
        """Whether the user may read at least one DAG."""
        return bool(get_auth_manager().is_authorized_dag(method="GET", user=self.user))


def sign_token(viewer: Viewer, *confirmed: str) -> str:
    """Return a token for a form, which proves that this user saw this confirmation within the last hour.

    :param viewer: the user.
    :param confirmed: the action, the connection and the campaign.
    """
    return str(_signer().dumps([viewer.id, *confirmed]))


def is_valid_token(token: str, viewer: Viewer, *confirmed: str) -> bool:
    """Return whether :func:`sign_token` made a token for the same user and the same action, within the last hour.

    :param token: the token in the form.
    :param viewer: the user who sent it.
    :param confirmed: the action, the connection and the campaign.
    """
    try:
        signed = _signer().loads(token, max_age=TOKEN_HOLDS_FOR)
    except BadSignature:  # also raised for an expired token
        return False
    return bool(signed == [viewer.id, *confirmed])


def _signer() -> URLSafeTimedSerializer:
    # All API servers of an Airflow share the secret key.
    return URLSafeTimedSerializer(conf.get_mandatory_value("api", "secret_key"), salt=__name__)


def _details(kind: Any, name: str, value: str, team: str | None) -> Any:
    # Airflow 3.1 has no teams.
    return kind(**{name: value}, **({"team_name": team} if team else {}))


def _team_of_dag(dag_id: str) -> str | None:
    from airflow.models.dag import DagModel

    team_of = getattr(DagModel, "get_team_name", None)
    return team_of(dag_id) if team_of and _has_teams() else None


def _team_of_connection(conn_id: str) -> str | None:
    from airflow.models.connection import Connection

    team_of = getattr(Connection, "get_team_name", None)
    return team_of(conn_id) if team_of and _has_teams() else None


def _has_teams() -> bool:
    return bool(conf.getboolean("core", "multi_team", fallback=False))
