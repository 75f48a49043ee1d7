"""Trusted and untrusted certificates, against a server with TLS."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.errors import ExotelCertificateError
from airflow_provider_exotel.client.request import CampaignRequest

from .api_samples import ClientFactory, arguments
from .raw_server import RawServer, campaign, http

REPORTS = "reports.example.org"
FOUND = http(200, campaign(id="c1"))


@pytest.fixture(autouse=True)
def _no_bundle_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrusted certificate with its key, for loopback and for a host of reports."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.DNSName(REPORTS)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "bundle.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@pytest.fixture
def tls(bundle: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(bundle)
    return context


REQUESTS: dict[str, Callable[[ExotelClient], Any]] = {
    "read": lambda client: client.get_campaign("c1"),
    "change": lambda client: client.pause_campaign("c1"),
    "create": lambda client: client.create_campaign(CampaignRequest(**arguments())),
}


@pytest.mark.parametrize("make", REQUESTS.values(), ids=REQUESTS)
def test_an_untrusted_certificate_is_not_retried_and_the_error_names_the_fix(
    client_of: ClientFactory, sleeps: list[float], tls: ssl.SSLContext, make: Callable[[ExotelClient], Any]
) -> None:
    with RawServer(FOUND, tls=tls) as server:
        with pytest.raises(ExotelCertificateError, match="REQUESTS_CA_BUNDLE") as caught:
            make(client_of(host=f"https://localhost:{server.port}"))

        assert (server.connections, server.requests, sleeps) == (1, [], [])
    assert (caught.value.sent, caught.value.retryable) == (False, False)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_ca_bundle_of_the_environment_is_used_on_loopback_too(
    client_of: ClientFactory, tls: ssl.SSLContext, bundle: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(bundle))

    with RawServer(FOUND, tls=tls) as server:
        assert client_of(host=f"https://localhost:{server.port}").get_campaign("c1").id == "c1"


def test_the_certificate_must_name_the_host(
    client_of: ClientFactory, tls: ssl.SSLContext, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))

    with RawServer(FOUND, tls=tls) as server, pytest.raises(ExotelCertificateError):
        client_of(host=f"https://127.0.0.1:{server.port}").get_campaign("c1")


def test_a_missing_ca_bundle_is_an_error_that_names_it(
    client_of: ClientFactory, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/bundle.pem")

    with RawServer(FOUND, tls=tls) as server, pytest.raises(ExotelCertificateError, match="REQUESTS_CA_BUNDLE"):
        client_of(host=f"https://localhost:{server.port}").get_campaign("c1")


@pytest.fixture
def reports_are_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolve the host of reports, which does not exist, to this machine."""
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *more, **named: resolve("localhost" if host == REPORTS else host, *more, **named),
    )


@pytest.mark.usefixtures("reports_are_here")
def test_netrc_does_not_authenticate_to_a_foreign_host_of_reports(
    client_of: ClientFactory, tls: ssl.SSLContext, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))

    with RawServer(http(200, b"a\n"), tls=tls) as server:
        lines = list(client_of(host="api.exotel.com").report_lines(f"https://{REPORTS}:{server.port}/r.csv"))

        assert lines == ["a\n"]
        assert "authorization" not in server.requests[0].lower()


@pytest.mark.usefixtures("reports_are_here")
def test_a_report_from_an_untrusted_host_is_an_error_that_names_the_host(
    client_of: ClientFactory, tls: ssl.SSLContext
) -> None:
    with (
        RawServer(http(200, b"a\n"), tls=tls) as server,
        pytest.raises(ExotelCertificateError, match=f"the certificate of {REPORTS}"),
    ):
        list(client_of(host="api.exotel.com").report_lines(f"https://{REPORTS}:{server.port}/r.csv"))
