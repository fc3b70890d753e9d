"""A customer's URL reaches the public internet over https, and nothing else."""

import asyncio

import httpx2
import pytest
from starlette.applications import Starlette

from auth.outbound import ForbiddenAddress, PublicWeb, is_public
from tests.auth.serving import served


@pytest.mark.parametrize(
    "url",
    [
        "http://idp.example",
        "https://127.0.0.1",
        "https://10.1.2.3/realms/acme",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]",
        "https://[::ffff:10.0.0.1]",
        "https://localhost",
        "https://billing.internal",
        "https://ann:secret@idp.example",
        "https://idp.example/#here",
        "https://idp.example\\@evil.example",
        "https://idp.example/\n",
        "https:///nothing",
        "file:///etc/passwd",
        "gopher://idp.example",
        f"https://idp.example/{'x' * 500}",
    ],
)
def test_refuses_what_leads_elsewhere(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        PublicWeb().check(url)


def test_takes_a_provider_as_it_should_be() -> None:
    PublicWeb().check("https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0")


@pytest.mark.parametrize(
    "address",
    ["0.0.0.0", "192.168.1.1", "172.16.0.1", "100.64.0.1", "224.0.0.1", "240.0.0.1", "fe80::1%eth0", "fc00::1", "::"],
)
def test_tells_inner_addresses(address: str) -> None:
    assert not is_public(address)


async def test_a_name_that_leads_inside_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def to_this_machine(*_: object, **__: object) -> list[object]:
        return [(2, 1, 6, "", ("127.0.0.1", 443)), (2, 1, 6, "", ("93.184.216.34", 443))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", to_this_machine)
    async with httpx2.AsyncClient(transport=PublicWeb().transport()) as client:
        with pytest.raises(ForbiddenAddress):
            await client.get("https://rebound.example/keys")


async def test_only_the_very_host_that_is_allowed_is_reached() -> None:
    async with served(lambda _: Starlette()) as origin:
        allowed = PublicWeb(frozenset({origin.removeprefix("http://")}))
        async with httpx2.AsyncClient(transport=allowed.transport()) as client:
            assert (await client.get(f"{origin}/x")).status_code == 404
            with pytest.raises(ForbiddenAddress):
                await client.get("http://127.0.0.1:1/x")
