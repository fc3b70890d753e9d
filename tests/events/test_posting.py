"""A message goes to the address that was checked, and only to whoever proves to be the host it is for."""

from pathlib import Path

import pytest

from billing.webhooks import Fault
from events.addresses import Policy
from events.posting import post, tls
from tests.builders import START
from tests.events.certificates import an_authority, authority, behind_tls

HOST = "hooks.example.com"


async def on_this_machine(_host: str, _port: int) -> tuple[str, ...]:
    return ("127.0.0.1",)


@pytest.mark.parametrize(
    ("names", "is_believed"),
    [
        ((HOST,), True),
        (("*.example.com",), True),
        (("other.example.com",), False),
        (("127.0.0.1",), False),
        (("*.com",), False),
    ],
)
async def test_the_certificate_is_for_the_host_and_not_for_the_address(
    tmp_path: Path, names: tuple[str, ...], is_believed: bool
) -> None:
    tls().load_verify_locations(cadata=authority().pem)
    async with behind_tls(tmp_path, *names) as door:
        policy = Policy(frozenset({f"{HOST}:{door.port}"}), on_this_machine)

        answer = await post(policy, f"https://{HOST}:{door.port}/hook", b"{}", {}, at=START)

    assert door.called == [HOST], "the host is named before the certificate is chosen"
    assert (answer.status, answer.fault) == ((204, None) if is_believed else (None, Fault.UNREACHABLE))
    assert len(door.requests) == is_believed, "nothing is said to anybody else"
    if is_believed:
        assert f"\r\nhost: {HOST}:{door.port}\r\n".encode() in door.requests[0].lower()


async def test_an_authority_that_nobody_trusts_vouches_for_nobody(tmp_path: Path) -> None:
    async with behind_tls(tmp_path, HOST, by=an_authority()) as door:
        policy = Policy(frozenset({f"{HOST}:{door.port}"}), on_this_machine)

        answer = await post(policy, f"https://{HOST}:{door.port}/hook", b"{}", {}, at=START)

    assert (answer.fault, door.requests) == (Fault.UNREACHABLE, [])
