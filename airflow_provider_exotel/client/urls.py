"""Where the service is: regions, hosts, and the addresses made of them (Exotel, API overview)."""

from __future__ import annotations

import ipaddress
from urllib.parse import quote, urlsplit

from airflow_provider_exotel.client.errors import ExotelInputError, Problem

REGIONS = {"singapore": "api.exotel.com", "mumbai": "api.in.exotel.com"}
DEFAULT_REGION = "singapore"


def base_url(host: str) -> str:
    """Return the root of the API on ``host``.

    :param host: a host name with or without port and scheme; without a scheme it is https, and http on loopback,
        where the emulator is.
    :raises ExotelInputError: for user info, a path, or http to anything but loopback.
    """
    text = host.strip().rstrip("/")
    try:
        parts = urlsplit(text if "//" in text else f"//{text}")
        is_one = bool(parts.hostname) and parts.port != 0 and not any(map(str.isspace, text))
    except ValueError:
        parts, is_one = urlsplit(""), False
    scheme = parts.scheme or ("http" if is_loopback(parts.hostname) else "https")
    for wrong, message in (
        (not is_one, "is no host name; write one such as api.in.exotel.com"),
        ("@" in parts.netloc, "holds a user or password; write them as API key and API token"),
        (parts.path or parts.query or parts.fragment, "holds a path; write the host alone"),
        (scheme not in {"http", "https"}, "has another scheme than https"),
        (scheme == "http" and not is_loopback(parts.hostname), "is plain http; credentials go over https only"),
    ):
        if wrong:
            raise ExotelInputError([Problem("host", message)])
    return f"{scheme}://{parts.netloc}"


def is_loopback(hostname: str | None) -> bool:
    """Return whether ``hostname`` is this machine."""
    if hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(hostname or "").is_loopback
    except ValueError:
        return False


def flow_url(account_sid: str, flow_id: object) -> str:
    """Return the address of a flow (app) in the form of the create-campaign page.

    :param account_sid: the account.
    :param flow_id: the number of the flow in the dashboard.
    """
    return f"http://my.exotel.com/{account_sid}/exoml/start_voice/{quote(str(flow_id), safe='')}"


def campaign_page(host: str, account_sid: str, campaign_id: str) -> str:
    """Return the page where a person sees the campaign: the emulator's own, or the dashboard's campaign list.

    Exotel documents no address of a single campaign in its dashboard.
    """
    root = base_url(host)
    if is_loopback(urlsplit(root).hostname):
        return f"{root}/campaigns/{quote(campaign_id, safe='')}"
    return f"https://my.exotel.com/{quote(account_sid, safe='')}/campaigns"
