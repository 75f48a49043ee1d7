"""The secret that names people in reports, and finds them again."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import BaseHook, Variable, mask_secret

from airflow_provider_exotel.client.errors import ExotelInputError, Problem

_SHORTEST = 16


def hash_key(hash_key_conn_id: str | None, hash_key_variable: str | None, *, field: str, instead: str = "") -> bytes:
    """Return the key; it is masked in every log from here on.

    :param hash_key_conn_id: the connection whose password it is.
    :param hash_key_variable: instead, the Airflow variable that holds it.
    :param field: what stands before the arguments' names in problems, such as ``suppress.called.``.
    :param instead: what else may be done than giving one of them.
    :raises ExotelInputError: if not exactly one is given, or it is too short.
    """
    if bool(hash_key_conn_id) == bool(hash_key_variable):
        wanted = f"and hash_key_variable: give exactly one, where the key is that names people{instead}"
        raise ExotelInputError([Problem(f"{field}hash_key_conn_id", wanted)])
    if hash_key_conn_id:
        name, key = "hash_key_conn_id", BaseHook.get_connection(hash_key_conn_id).password
    else:
        name, key = "hash_key_variable", Variable.get(str(hash_key_variable))
    if len(key or "") < _SHORTEST:
        raise ExotelInputError([Problem(f"{field}{name}", f"holds no key of {_SHORTEST} characters or more")])
    mask_secret(key)
    return str(key).encode()
