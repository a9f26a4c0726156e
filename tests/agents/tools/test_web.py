"""The web is off; on, only allowed hosts at public addresses are asked, by every road that leads there."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from agents.addresses import is_public, place_of
from agents.outside_settings import WebSettings
from agents.tools import Desk, Label
from agents.tools.fetch_url import make_fetch_tool
from agents.tools.web import Web
from corpus.errors import AlcoveError, NotAllowed, OperatorError, UserError
from tests.agents.shelf import Shelf

PAGES: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}


def page(path: str) -> Callable[[Any], Any]:
    def keep(function: Any) -> Any:
        PAGES[path] = function
        return function

    return keep


def send(to: BaseHTTPRequestHandler, body: bytes, kind: str = "text/plain", **headers: str) -> None:
    to.send_response(int(headers.pop("status", "200")))
    to.send_header("Content-Type", kind)
    for name, value in headers.items():
        to.send_header(name.replace("_", "-"), value)
    to.end_headers()
    to.wfile.write(body)


@page("/")
def _(to: BaseHTTPRequestHandler) -> None:
    send(to, b"<title>Hi</title><p>Soup on Fridays.<script>steal()</script>", "text/html")


@page("/big")
def _(to: BaseHTTPRequestHandler) -> None:
    send(to, b"x" * 3_000_000)


@page("/picture")
def _(to: BaseHTTPRequestHandler) -> None:
    send(to, b"\x89PNG", "image/png")


@page("/packed")
def _(to: BaseHTTPRequestHandler) -> None:
    send(to, b"\x1f\x8b", Content_Encoding="gzip")


@page("/missing")
def _(to: BaseHTTPRequestHandler) -> None:
    send(to, b"", status="404")


@page("/drip")
def _(to: BaseHTTPRequestHandler) -> None:
    to.send_response(200)
    to.send_header("Content-Type", "text/plain")
    to.end_headers()
    for _ in range(1200):
        to.wfile.write(b".")
        time.sleep(0.05)


@page("/drip-head")
def _(to: BaseHTTPRequestHandler) -> None:
    for _ in range(1200):
        to.wfile.write(b"H")
        to.wfile.flush()
        time.sleep(0.05)


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Stays silent."""

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))  # type: ignore[attr-defined]
        try:
            if self.path.startswith("/to?"):
                send(self, b"", status="302", Location=self.path[4:])
            else:
                PAGES[self.path.split("?")[0]](self)
        except OSError:
            self.close_connection = True


class Site:
    """A server on loopback that is reached by the name ``site.example``, and what was asked of whom."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.asked = []  # type: ignore[attr-defined]
        self.port = self._server.server_port
        self.looked_up: list[str] = []
        self.connected: list[tuple[str, int]] = []
        self.addresses: dict[str, list[list[str]]] = {}
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def asked(self) -> list[tuple[str, dict[str, str]]]:
        return self._server.asked  # type: ignore[attr-defined, no-any-return]

    def url(self, path: str, host: str = "site.example") -> str:
        return f"http://{host}:{self.port}{path}"

    def web(self, loopback: bool = True, **settings: Any) -> Web:
        allow = settings.pop("allow", (f"site.example:{self.port}", f"*.safe.example:{self.port}"))
        known = {"enabled": True, "allow": allow, "total_s": 5, **settings}
        reach = (lambda a: a.is_loopback) if loopback else is_public
        return Web(WebSettings(**known), self._resolve, self._connect, reach)

    def _resolve(self, host: str, port: int, seconds: float) -> list[str]:
        self.looked_up.append(host)
        answers = self.addresses.get(host, [["127.0.0.1"]])
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def _connect(self, address: str, port: int, seconds: float) -> socket.socket:
        self.connected.append((address, port))
        return socket.create_connection((address, port), seconds)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.close()


def test_it_is_off_unless_it_is_set(site: Site) -> None:
    assert not WebSettings().enabled
    with pytest.raises(NotAllowed, match=r"web\.enabled"):
        site.web(enabled=False).fetch(site.url("/"))
    assert (site.looked_up, site.connected) == ([], [])


def test_the_text_of_a_page_is_read_and_nothing_in_it_is_run(site: Site) -> None:
    found = site.web().fetch(site.url("/"))
    assert "Soup on Fridays." in found.text
    assert "Hi" in found.text
    assert "steal" not in found.text
    ((path, headers),) = site.asked
    assert (path, headers["Host"]) == ("/", f"site.example:{site.port}")
    assert "Cookie" not in headers
    assert "Authorization" not in headers


def test_the_tool_leaves_the_machine_and_fences_what_it_reads(site: Site) -> None:
    tool = make_fetch_tool(site.web(), 10)
    assert tool.labels == {Label.LEAVES_MACHINE, Label.READS_UNTRUSTED}
    assert tool.needs_approval
    shelf = Shelf()
    said = tool({"url": site.url("/")}, Desk(shelf, shelf))
    assert said.startswith("<<<web page")
    assert "more characters are not shown" in said


@pytest.mark.parametrize(
    "host",
    [
        "other.example",
        "site.example.evil.example",
        "evilsite.example",
        "safe.example",
        "xsafe.example",
    ],
)
def test_a_host_that_is_not_on_the_list_is_not_even_looked_up(site: Site, host: str) -> None:
    with pytest.raises(NotAllowed, match=r"web\.allow"):
        site.web().fetch(site.url("/", host))
    assert (site.looked_up, site.connected) == ([], [])


def test_hosts_below_a_starred_name_are_allowed(site: Site) -> None:
    assert site.web().fetch(site.url("/", "a.b.safe.example")).text


@pytest.mark.parametrize(
    "url",
    [
        "ftp://site.example/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "//site.example/",
        "site.example",
        "http://site.example@evil.example/",
        "http://user:secret@site.example/",
        "http://@site.example/",
        "http://site.example\\@evil.example/",
        "http://site.example\r\nX: y/",
        "http://site.example /",
        "http:///path",
        "http://[::1/",
        "http://site.example:99999/",
        "http://sïte.example/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://127.1/",
        "http://017700000001/",
        "http://0177.0.0.01/",
        "http://a..b/",
        "http://%31%32%37.0.0.1/",
        "",
    ],
)
def test_tricks_with_the_form_of_a_url_are_refused(url: str) -> None:
    with pytest.raises(AlcoveError):
        place_of(url, ("site.example", "*.example", "127.0.0.1"))


def test_a_port_that_is_not_named_is_refused() -> None:
    assert place_of("https://site.example/a?b", ("site.example",)).target == "/a?b"
    with pytest.raises(NotAllowed, match="port 8080"):
        place_of("http://site.example:8080/", ("site.example",))


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1"),
        *("169.254.169.254", "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1"),
        *("240.0.0.1", "255.255.255.255", "192.88.99.1", "::", "::1", "::127.0.0.1"),
        *("::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1"),
        *("64:ff9b::808:808", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:1::", "fe80::1", "fc00::1"),
        *("fd12::1", "fec0::1", "ff02::1", "2001:db8::1", "fe80::1%eth0", "100::1"),
    ],
)
def test_an_address_that_leads_inside_is_refused(site: Site, address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    site.addresses["site.example"] = [["93.184.216.34", address]]  # one bad address is enough
    with pytest.raises(NotAllowed, match="private network"):
        site.web(loopback=False).fetch(site.url("/"))
    assert site.connected == []


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111"])
def test_an_address_of_the_open_network_is_taken(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


def test_a_name_is_looked_up_once_and_asked_where_it_was_checked(site: Site) -> None:
    site.addresses["site.example"] = [
        ["127.0.0.1"],
        ["10.0.0.1"],
    ]  # the second answer is the attack
    assert site.web().fetch(site.url("/")).text
    assert site.looked_up == ["site.example"]
    assert site.connected == [("127.0.0.1", site.port)]


def test_a_redirect_is_looked_up_and_checked_anew(site: Site) -> None:
    site.addresses["site.example"] = [["127.0.0.1"], ["169.254.169.254"]]
    with pytest.raises(NotAllowed, match="private network"):
        site.web().fetch(site.url("/to?/"))
    assert len(site.connected) == 1


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost/",
        "http://[::1]/",
        "http://other.example/",
        "file:///etc/passwd",
        "//169.254.169.254/",
        "http://user@site.example/",
        "javascript:alert(1)",
    ],
)
def test_a_redirect_out_of_the_list_is_not_followed(site: Site, target: str) -> None:
    with pytest.raises(UserError):
        site.web().fetch(site.url(f"/to?{target}"))
    assert len(site.asked) == 1


def test_redirects_end(site: Site) -> None:
    path = "/"
    for _ in range(3):
        path = f"/to?{path}"
    assert site.web().fetch(site.url(path)).url == site.url("/")
    with pytest.raises(UserError, match="more than 3 times"):
        site.web().fetch(site.url(f"/to?{path}"))


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/big", "longer than 1024 KiB"),
        ("/picture", "no text"),
        ("/packed", "no text"),
        ("/missing", "status 404"),
    ],
)
def test_what_is_no_short_text_is_refused(site: Site, path: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        site.web().fetch(site.url(path))


@pytest.mark.parametrize("path", ["/drip", "/drip-head"])
def test_a_page_that_drips_is_given_up_in_time(site: Site, path: str) -> None:
    began = time.monotonic()
    with pytest.raises(OperatorError, match=r"within 0\.5 seconds"):
        site.web(total_s=0.5).fetch(site.url(path))
    assert time.monotonic() - began < 30


def test_a_host_that_refuses_is_named(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(OperatorError, match=r"'site\.example' could not be read"):
        site.web(allow=(f"site.example:{port}",)).fetch(f"http://site.example:{port}/")


def test_no_proxy_of_the_environment_is_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert site.web().fetch(site.url("/")).text
