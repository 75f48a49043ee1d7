"""Access to object storage, databases and the key of reports through Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowNotFoundException,
    BaseHook,
    Variable,
    mask_secret,
)

from airflow_provider_exotel.client.errors import ExotelInputError, Problem

if TYPE_CHECKING:
    from airflow_provider_exotel.audience.sources import Access

_SHORTEST_KEY = 16


def airflow_access() -> Access:
    """Return the access to audience sources and folders through Airflow."""
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    from airflow_provider_exotel.audience.sources import Access

    return Access(
        ObjectStoragePath,
        connect,
        lambda conn_id, variable, field: hash_key(conn_id, variable, field=f"{field}."),
    )


def connect(conn_id: str, field: str) -> Any:
    """Return an open DB-API connection.

    :param conn_id: an Airflow connection whose hook is a ``DbApiHook``.
    :param field: the argument that names it, for errors.
    :raises ExotelInputError: if the connection does not exist, or does not support SQL.
    """
    connection = _connection(conn_id, field)
    try:
        hook = connection.get_hook()
    except (AirflowException, ImportError):
        package = f"apache-airflow-providers-{connection.conn_type or '...'}".replace("_", "-")
        wanted = f"no provider for connections of type {connection.conn_type!r} is installed; install {package}"
        raise ExotelInputError([Problem(field, wanted)]) from None
    if not hasattr(hook, "get_cursor"):
        raise ExotelInputError([Problem(field, "must be a connection for SQL, whose hook is a DbApiHook")])
    return hook.get_conn()


def hash_key(hash_key_conn_id: str | None, hash_key_variable: str | None, *, field: str, instead: str = "") -> bytes:
    """Return the key that pseudonymises contacts in reports, and mask it in every log.

    :param hash_key_conn_id: the connection whose password is the key.
    :param hash_key_variable: alternatively, the Airflow variable with the key.
    :param field: prefix of the argument names in problems, such as ``suppress.called.``.
    :param instead: an alternative to a key, for the error.
    :raises ExotelInputError: if not exactly one is given, or the key is too short.
    """
    if bool(hash_key_conn_id) == bool(hash_key_variable):
        wanted = f"exactly one of it and hash_key_variable must be given: where the key is{instead}"
        raise ExotelInputError([Problem(f"{field}hash_key_conn_id", wanted)])
    if hash_key_conn_id:
        name, key = "hash_key_conn_id", _connection(hash_key_conn_id, f"{field}hash_key_conn_id").password
    else:
        # Airflow 2 and 3 name the default differently; without one a missing variable is retried.
        name, key = "hash_key_variable", Variable.get(str(hash_key_variable), None)
    if len(key or "") < _SHORTEST_KEY:
        raise ExotelInputError([Problem(f"{field}{name}", f"must hold a key of at least {_SHORTEST_KEY} characters")])
    mask_secret(key)
    return str(key).encode()


def _connection(conn_id: str, field: str) -> Any:
    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise ExotelInputError([Problem(field, "is not a connection of this Airflow; create it")]) from None
