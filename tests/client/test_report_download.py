"""The URL of a report comes from an answer, so it is restricted."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
from collections.abc import Iterator

import pytest

from airflow_provider_exotel.client.client import ExotelClient
from airflow_provider_exotel.client.errors import ExotelConnectionError, ExotelError, ExotelResponseError
from airflow_provider_exotel.emulator import Emulator

from .api_samples import ClientFactory
from .raw_server import RawServer, http


def test_lines_are_read_as_they_arrive(client: ExotelClient) -> None:
    with RawServer(http(200, "a,ä\r\n1,2\nlast".encode("utf-8-sig"))) as server:
        assert list(client.report_lines(f"http://{server.host}/r.csv")) == ["a,ä\r\n", "1,2\n", "last"]


def test_credentials_stay_with_the_clients_own_host(emulator: Emulator, client: ExotelClient) -> None:
    with RawServer(http(200, b"a\n")) as elsewhere:
        list(client.report_lines(f"http://{elsewhere.host}/r.csv"))

        assert "authorization" not in elsewhere.requests[0].lower()
    # The emulator requires credentials, so that without them this would be a 401.
    with pytest.raises(ExotelResponseError) as refused:
        list(client.report_lines(emulator.report_url.replace("{id}", "nobody")))
    assert refused.value.http_status == 404


def test_a_redirect_is_not_followed(client: ExotelClient) -> None:
    with RawServer(http(200, b"a\n")) as target:
        with (
            RawServer(http(302, b"", {"Location": f"http://{target.host}/"})) as server,
            pytest.raises(ExotelResponseError, match="302"),
        ):
            list(client.report_lines(f"http://{server.host}/r.csv"))
        assert target.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/r.csv",
        "ftp://127.0.0.1/r.csv",
        "file:///etc/passwd",
        "https://user:word@example.org/r.csv",
        "https://[broken/r.csv",
        "report.csv",
        "",
    ],
)
def test_a_url_of_another_kind_is_not_requested(client: ExotelClient, url: str) -> None:
    with pytest.raises(ExotelResponseError, match="is not followed"):
        list(client.report_lines(url))


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_url_in_an_answer_cannot_lead_to_loopback(client_of: ClientFactory, scheme: str) -> None:
    client = client_of(host="api.exotel.com")

    with RawServer(http(200, b"a\n")) as inside:
        with pytest.raises(ExotelResponseError, match="is not followed"):
            list(client.report_lines(f"{scheme}://{inside.host}/r.csv"))
        assert inside.connections == 0


@pytest.mark.parametrize("host", ["10.0.0.8", "169.254.169.254", "airflow", "storage.internal"])
@pytest.mark.parametrize("own", ["api.exotel.com", "127.0.0.1:1"])
def test_a_url_in_an_answer_cannot_lead_to_a_private_network(client_of: ClientFactory, own: str, host: str) -> None:
    with pytest.raises(ExotelResponseError, match="is not followed"):
        list(client_of(host=own).report_lines(f"https://{host}/r.csv"))


def test_the_proxy_of_the_environment_is_not_used_for_a_report_on_loopback(
    client: ExotelClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)

    with RawServer(http(200, b"a\n")) as server, RawServer(http(407)) as proxy:
        monkeypatch.setenv("http_proxy", f"http://{proxy.host}")

        assert list(client.report_lines(f"http://{server.host}/r.csv")) == ["a\n"]
        assert proxy.connections == 0


def test_a_report_that_is_too_large_is_an_error(client: ExotelClient) -> None:
    with (
        RawServer(http(200, b"0123456789\n" * 100)) as server,
        pytest.raises(ExotelResponseError, match="longer than 500 bytes"),
    ):
        list(client.report_lines(f"http://{server.host}/r.csv", most_bytes=500))


def test_a_report_is_accepted_only_uncompressed(client: ExotelClient) -> None:
    packed = gzip.compress(b"0123456789\n" * 100_000)

    with RawServer(http(200, packed, {"Content-Encoding": "gzip"})) as server:
        with pytest.raises(ExotelResponseError, match="not UTF-8"):
            list(client.report_lines(f"http://{server.host}/r.csv"))

        assert "accept-encoding: identity" in server.requests[0].lower()


@pytest.fixture
def endless_report() -> Iterator[str]:
    """A server that sends an endless answer byte by byte."""
    stopped = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
                while not stopped.wait(0.01):
                    connection.sendall(b"a")

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/r.csv"
        stopped.set()
        thread.join()


def test_a_report_that_arrives_too_slowly_is_an_error(client: ExotelClient, endless_report: str) -> None:
    with pytest.raises(ExotelResponseError, match=r"0\.2 s"):
        list(client.report_lines(endless_report, most_seconds=0.2))


def test_a_report_that_breaks_off_is_an_error(client: ExotelClient) -> None:
    whole = http(200, b"0123456789\n" * 100)

    with RawServer(whole[:-50]) as server, pytest.raises(ExotelConnectionError, match="broke off"):
        list(client.report_lines(f"http://{server.host}/r.csv"))


@pytest.mark.parametrize("body", [b"\xff\xfe\n", b"x" * (1 << 21)], ids=["no UTF-8", "no line end"])
def test_a_report_that_is_not_text_is_an_error(client: ExotelClient, body: bytes) -> None:
    with RawServer(http(200, body)) as server, pytest.raises(ExotelResponseError):
        list(client.report_lines(f"http://{server.host}/r.csv"))


def test_an_error_does_not_repeat_the_url(client: ExotelClient) -> None:
    with RawServer(http(403, b"secret-token")) as server, pytest.raises(ExotelError) as refused:
        list(client.report_lines(f"http://{server.host}/r.csv?token=secret-token"))

    assert "secret-token" not in str(refused.value)
