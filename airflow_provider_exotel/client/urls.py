"""Checks and builds hosts, URLs and the ids in them (Exotel, API overview)."""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import quote, urlsplit

from airflow_provider_exotel.client.errors import ExotelInputError, Problem

# Such names never leave the network of the machine that resolves them.
_PRIVATE_SUFFIXES = ("localhost", "local", "internal", "intranet", "lan", "home.arpa", "localdomain")
# Other characters may be decoded to these later: a percent sign or a full-width digit can spell a private address.
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
_ACCOUNT_SID = re.compile(r"[A-Za-z0-9_-]+")
# Dots and tildes are harmless in a path, but a segment of dots alone leads to its parent.
_ID = re.compile(r"(?!\.+\Z)[A-Za-z0-9._~-]+")

REGIONS = {"singapore": "api.exotel.com", "mumbai": "api.in.exotel.com"}
DEFAULT_REGION = "singapore"


def base_url(host: str) -> str:
    """Return the root of the API on ``host``.

    :param host: a host name with or without port and scheme; without a scheme it is https, and http on loopback for
        the emulator.
    :raises ExotelInputError: if it has user info or a path, or uses http to a host other than loopback.
    """
    text = host.strip().rstrip("/")
    try:
        parts = urlsplit(text if "//" in text else f"//{text}")
        is_host = bool(parts.hostname) and parts.port != 0 and not any(map(str.isspace, text))
    except ValueError:
        parts, is_host = urlsplit(""), False
    scheme = parts.scheme or ("http" if is_loopback(parts.hostname) else "https")
    for wrong, message in (
        (not is_host, "must be a host name; give one such as api.in.exotel.com"),
        ("@" in parts.netloc, "must not contain a user or password; give them as API key and API token"),
        (parts.path or parts.query or parts.fragment, "must not contain a path; give the host alone"),
        (scheme not in {"http", "https"}, "must use https"),
        (scheme == "http" and not is_loopback(parts.hostname), "must use https; plain http exposes the credentials"),
    ):
        if wrong:
            raise ExotelInputError([Problem("host", message)], "connection")
    return f"{scheme}://{parts.netloc}"


def is_loopback(hostname: str | None) -> bool:
    """Return whether ``hostname`` is this machine."""
    if hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(hostname or "").is_loopback
    except ValueError:
        return False


def is_public(hostname: str | None) -> bool:
    """Return whether a host may be reached from the internet, by its name alone, which is not resolved."""
    name = (hostname or "").lower().rstrip(".")
    try:
        # inet_aton reads what browsers and resolvers read as IPv4 too: 127.1, 0x7f000001, 2130706433.
        address: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.IPv4Address(socket.inet_aton(name))
    except (OSError, ValueError):
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return "." in name and not any(name.endswith(f".{suffix}") for suffix in _PRIVATE_SUFFIXES)
    return address.is_global and not address.is_multicast


def check_web_url(value: str) -> str:
    """Return ``value`` if it is an absolute http or https URL without user info.

    :raises ValueError: if it is not one; the value is not repeated.
    """
    if any(character.isspace() or not character.isprintable() or character == "\\" for character in value):
        raise ValueError("must not contain white space, control characters or backslashes")
    try:
        parts = urlsplit(value)
        is_url = parts.scheme in {"http", "https"} and bool(_HOST.fullmatch(parts.hostname or "")) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url:
        raise ValueError("must be an absolute http or https URL")
    if "@" in parts.netloc:
        raise ValueError("must not contain a user or password")
    return value


def check_account_sid(account_sid: str) -> str:
    """Return the account SID if it can be part of a path.

    :raises ValueError: if it cannot.
    """
    if not _ACCOUNT_SID.fullmatch(account_sid):
        raise ValueError("must consist of letters, digits, - and _; copy it from API settings in the dashboard")
    return account_sid


def check_id(value: object, field: str) -> str:
    """Return an id of the service if it can be a part of a path.

    :param value: the id.
    :param field: the argument, for the error.
    :raises ExotelInputError: if it is empty or would change the path.
    """
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise ExotelInputError([Problem(field, "must be an id of the service: letters, digits, - and _")], "request")
    return value


def flow_url(account_sid: str, flow_id: object) -> str:
    """Return the URL of a flow (app) in the form of the create-campaign page.

    :param account_sid: the account.
    :param flow_id: the number of the flow in the dashboard.
    """
    return f"http://my.exotel.com/{account_sid}/exoml/start_voice/{quote(str(flow_id), safe='')}"


def campaign_page(host: str, account_sid: str, campaign_id: str) -> str:
    """Return the URL of the page that shows a campaign: the emulator's own, or the dashboard's list of campaigns.

    Exotel documents no URL of a single campaign in its dashboard.
    """
    root = base_url(host)
    if is_loopback(urlsplit(root).hostname):
        return f"{root}/campaigns/{quote(campaign_id, safe='')}"
    return f"https://my.exotel.com/{quote(account_sid, safe='')}/campaigns"
