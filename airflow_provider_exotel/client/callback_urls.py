"""The callback URLs of an account: a secret part tells the service from everybody else, since it signs nothing."""

from __future__ import annotations

import hmac

CALLBACK_KINDS = {"call_status_callback": "call", "call_schedule_callback": "contact", "status_callback": "campaign"}
"""The last part of a callback URL, by the field of a campaign that holds the URL."""


def callback_token(api_token: str, account_sid: str) -> str:
    """Return the secret part of the callback URLs of an account; whoever knows it speaks for the service.

    :param api_token: the account's API token; a renewed one makes another token.
    :param account_sid: the account.
    """
    return hmac.digest(api_token.encode(), f"exotel-callbacks:{account_sid}".encode(), "sha256").hex()


def callback_urls(base_url: str, api_token: str, account_sid: str) -> dict[str, str]:
    """Return the callback URLs of a campaign by the field of the request.

    :param base_url: where the callback program is reached from outside, without a trailing slash.
    :param api_token: the account's API token.
    :param account_sid: the account.
    """
    token = callback_token(api_token, account_sid)
    return {name: f"{base_url}/{token}/{kind}" for name, kind in CALLBACK_KINDS.items()}
