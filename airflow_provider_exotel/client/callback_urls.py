"""The callback URLs of an account. The service signs nothing, so a secret part of the URL authenticates it."""

from __future__ import annotations

import hmac

CALLBACK_KINDS = {"call_status_callback": "call", "call_schedule_callback": "contact", "status_callback": "campaign"}
"""The last part of a callback URL, by the field of a campaign that holds the URL."""


def callback_token(api_token: str, account_sid: str) -> str:
    """Return the secret part of the callback URLs of an account; anybody who knows it can pose as the service.

    :param api_token: the account's API token; a new one changes the result.
    :param account_sid: the account.
    """
    return hmac.digest(api_token.encode(), f"exotel-callbacks:{account_sid}".encode(), "sha256").hex()


def callback_urls(base_url: str, api_token: str, account_sid: str) -> dict[str, str]:
    """Return the callback URLs of a campaign, keyed by request field.

    :param base_url: the public URL of the callback program, without a trailing slash.
    :param api_token: the account's API token.
    :param account_sid: the account.
    """
    token = callback_token(api_token, account_sid)
    return {name: f"{base_url}/{token}/{kind}" for name, kind in CALLBACK_KINDS.items()}
