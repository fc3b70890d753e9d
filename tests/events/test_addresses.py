"""No address that a customer can write leads a webhook into a private network."""

import pytest

from events.addresses import AddressRefused, NameUnknown, Policy, is_public
from events.posting import post
from models.database import Database
from tests.builders import START, an_organization, refusals
from tests.receiving import a_receiver, with_postbox

REFUSED = [
    "http://hooks.example.com/",
    "ftp://hooks.example.com/",
    "file:///etc/passwd",
    "gopher://hooks.example.com/",
    "javascript:alert(1)",
    "hooks.example.com",
    "//hooks.example.com/",
    "https://",
    "https:///path",
    "https://:443/",
    "https://user@hooks.example.com/",
    "https://user:pass@hooks.example.com/",
    "https://hooks.example.com@127.0.0.1/",
    "https://hooks.example.com/#fragment",
    "https://hooks.example.com\\@127.0.0.1/",
    "https://hooks.example.com:99999/",
    "https://hooks.example.com:22/",
    "https://hooks.example.com:6379/",
    "https://hooks.example.com:80/",
    "https://hooks.example.com:0/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://a.localhost/",
    "https://printer.local/",
    "https://metadata.google.internal/",
    "https://intranet/",
    "https://router.lan/",
    "https://x.home.arpa/",
    "https://x.onion/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://127.0.0.01/",
    "https://0/",
    "https://0.0.0.0/",
    "https://127.255.255.254/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.100.100.200/",
    "https://168.63.129.16/",
    "https://192.0.0.192/",
    "https://192.0.2.1/",
    "https://198.18.0.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://192.88.99.1/",
    "https://224.0.0.1/",
    "https://239.255.255.250/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:8.8.8.8]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b:1::1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001::1]/",
    "https://[2001:db8::1]/",
    "https://[3fff::1]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://[100::1]/",
    "https://[5f00::1]/",
    "https://[::1",
    "https://ex%61mple.com/",
    "https://-a.example.com/",
    "https://a..example.com/",
    "https://a_b!.example.com/",
]
ODD = [
    "https://hooks.example.com/ x",
    "https://hooks\t.example.com/",
    "https://hooks.example.com/\n",
    "https://пример.рф/",
    "https://①②⑦.example.com/",
]
PUBLIC = [
    "https://hooks.example.com/",
    "https://hooks.example.com:8443/a?b=c",
    "https://93.184.215.14/",
    "https://xn--e1afmkfd.xn--p1ai/",
    "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/hook",
    "https://a_b.example.com/",
]


@pytest.mark.parametrize("url", [*REFUSED, *ODD, "", f"https://example.com/{'a' * 2_100}"])
def test_refuses_by_its_text(url: str) -> None:
    with pytest.raises(AddressRefused):
        Policy().target(url)


def test_the_list_is_long() -> None:
    assert len({*REFUSED, *ODD}) > 80


@pytest.mark.parametrize("url", PUBLIC)
def test_lets_the_public_internet_through(url: str) -> None:
    assert Policy().target(url).url == url


@pytest.mark.parametrize("text", ["", "example.com", "1.2.3", "::ffff:1.2.3.4", "1.2.3.4/8", "fe80::1%eth0"])
def test_what_is_no_plain_address_is_not_public(text: str) -> None:
    assert not is_public(text)


async def test_checks_every_address_a_name_leads_to() -> None:
    async def mixed(_host: str, _port: int) -> tuple[str, ...]:
        return "93.184.215.14", "10.0.0.7"

    policy = Policy(resolve=mixed)

    with pytest.raises(AddressRefused, match="not public"):
        await policy.addresses(policy.target("https://hooks.example.com/"))


async def test_a_name_that_leads_nowhere_is_unknown() -> None:
    async def nothing(_host: str, _port: int) -> tuple[str, ...]:
        return ()

    policy = Policy(resolve=nothing)

    with pytest.raises(NameUnknown):
        await policy.addresses(policy.target("https://hooks.example.com/"))


async def test_an_operator_may_name_a_host_and_only_that_one() -> None:
    policy = Policy(frozenset({"127.0.0.1:9000", "receiver"}))

    assert policy.target("http://127.0.0.1:9000/").port == 9000
    assert policy.target("http://receiver/").host == "receiver"
    for url in ("http://127.0.0.1:9001/", "https://127.0.0.1/", "http://receiver.example.com/"):
        with pytest.raises(AddressRefused):
            policy.target(url)


async def test_a_name_that_changes_its_mind_gains_nothing() -> None:
    async with a_receiver() as receiver:
        port = int(receiver.host.split(":")[1])
        asked: list[str] = []

        async def rebinding(host: str, _port: int) -> tuple[str, ...]:
            asked.append(host)
            return ("127.0.0.1",) if len(asked) == 1 else ("192.0.2.1",)

        named = Policy(frozenset({f"rebinding.example:{port}"}), rebinding)
        answer = await post(named, f"http://rebinding.example:{port}/hook", b"{}", {}, at=START)

        assert (answer.status, asked) == (200, ["rebinding.example"]), "resolved once, connected to what was checked"
        assert receiver.received[0].headers["host"] == f"rebinding.example:{port}"


async def test_a_name_that_turns_private_is_refused_before_a_connection() -> None:
    async with a_receiver() as receiver:

        async def private(_host: str, _port: int) -> tuple[str, ...]:
            return ("127.0.0.1",)

        answer = await post(Policy(resolve=private), "https://hooks.example.com/", b"{}", {}, at=START)

        assert answer.fault == "ADDRESS_REFUSED"
        assert receiver.received == []


async def test_a_customer_is_told_which_field_is_wrong(database: Database) -> None:
    owner = with_postbox(await an_organization(database))

    for url in ("https://169.254.169.254/", "http://example.com/", "https://does-not-exist.invalid/"):
        refused = await owner.do("createWebhookEndpoint", "endpoint { id } secret", url=url)
        assert refusals(refused) == [("INPUT_INVALID", ["url"])]
        assert (refused["endpoint"], refused["secret"]) == (None, None)
    assert await owner.books.facts("WebhookEndpointCreated") == []
