"""What do the demo's organizations buy?

Three systems of billing as three kinds of plan, written as anybody would write them: as documents. Prices are the
worked examples of the stories. Only the dates of the rate cards depend on when the demo is built.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from billing import plans
from models import plans as rows
from models.runner import Runner
from models.sql import Client

VERSION: Final = 1
CONTRACT: Final = "projects-annual"
POOLED: Final = "assistant-pooled"
TRACKER: Final = "tracker"
METER: Final = "tokens"
LARGE: Final = "atlas-large"
MINI: Final = "atlas-mini"

_CARD: Final = {
    LARGE: {"INPUT": "3.00", "OUTPUT": "15.00", "CACHE_READ": "0.30", "CACHE_WRITE": "3.75"},
    MINI: {"INPUT": "0.80", "OUTPUT": "4.00", "CACHE_READ": "0.08", "CACHE_WRITE": "1.00"},
}
_LATER_CARD: Final = {
    LARGE: {"INPUT": "2.50", "OUTPUT": "12.50", "CACHE_READ": "0.25", "CACHE_WRITE": "3.00"},
    MINI: {"INPUT": "0.50", "OUTPUT": "2.50", "CACHE_READ": "0.05", "CACHE_WRITE": "0.60"},
}


def projects_annual() -> dict[str, Any]:
    """Return the plan whose price is the band of an annual contract: a larger band costs less for each seat."""
    bands = {50: "9900", 100: "18600", 250: "41700", 500: "75000", 1_000: "132000"}
    return {
        "key": CONTRACT,
        "version": VERSION,
        "name": {
            "en": "Projects, annual",
            "id": "Proyek, tahunan",
            "zh-Hans": "项目管理（年付）",
            "ru": "Проекты, год",
        },
        "currency": "SGD",
        "tax": {"mode": "EXCLUSIVE", "percent": "11"},
        "tiers": [],
        "items": [
            {
                "key": "band",
                "name": {
                    "en": "Paid users of the contract",
                    "id": "Pengguna berbayar dalam kontrak",
                    "zh-Hans": "合同内付费用户",
                    "ru": "Платные пользователи по договору",
                },
                "quantity": {"kind": "CONTRACT_BAND"},
                "price": {"model": "BAND", "bands": [{"up_to": top, "amount": cost} for top, cost in bands.items()]},
                "timing": "ADVANCE",
                "interval": "YEAR",
            }
        ],
    }


def assistant_pooled(*, since: datetime, repriced_at: datetime) -> dict[str, Any]:
    """Return the plan of seats in two tiers and usage from one pool, with prices that fall at `repriced_at`."""
    return {
        "key": POOLED,
        "version": VERSION,
        "name": {
            "en": "Assistant, pooled usage",
            "id": "Asisten, pemakaian bersama",
            "zh-Hans": "智能助手（共享用量）",
        },
        "currency": "USD",
        "tax": {"mode": "EXCLUSIVE", "percent": "0"},
        "tiers": [
            {"key": "chat", "name": {"en": "Chat", "id": "Obrolan", "zh-Hans": "对话"}},
            {
                "key": "chat_code",
                "name": {"en": "Chat and code", "id": "Obrolan dan kode", "zh-Hans": "对话与编程"},
                "includes": ["chat"],
            },
        ],
        "items": [
            _seats("chat", "20", {"en": "Chat seats", "id": "Kursi obrolan", "zh-Hans": "对话席位"}),
            _seats(
                "chat_code", "60", {"en": "Chat and code seats", "id": "Kursi obrolan dan kode", "zh-Hans": "编程席位"}
            ),
            {
                **_seats(
                    "chat", "5", {"en": "HIPAA-ready seats", "id": "Kursi siap HIPAA", "zh-Hans": "HIPAA 合规席位"}
                ),
                "key": "hipaa",
                "quantity": {"kind": "SEATS", "tiers": ["chat"], "add_on": "hipaa"},
            },
            {
                "key": "usage",
                "name": {"en": "Usage", "id": "Pemakaian", "zh-Hans": "用量"},
                "quantity": {"kind": "USAGE", "meter": METER},
                "price": {"model": "RATE_CARD", "cards": [_card(since, _CARD), _card(repriced_at, _LATER_CARD)]},
                "timing": "ARREARS",
            },
        ],
    }


def tracker(currency: str, *, units: tuple[str, str, str], tax_percent: str) -> dict[str, Any]:
    """Return the plan of graduated peak seats in one currency, tax included."""
    tiers = [{"up_to": top, "unit": unit} for top, unit in zip((100, 250, None), units, strict=True)]
    return {
        "key": TRACKER,
        "version": VERSION,
        "name": {"en": "Tracker", "ru": "Трекер"},
        "currency": currency,
        "tax": {"mode": "INCLUSIVE", "percent": tax_percent},
        "tiers": [],
        "items": [
            {
                "key": "full-access",
                "name": {"en": "Users with full access", "ru": "Пользователи с полным доступом"},
                "quantity": {"kind": "PEAK_SEATS"},
                "price": {"model": "GRADUATED", "tiers": tiers},
                "timing": "ARREARS",
                "first_period": "BY_DAYS_LEFT",
                "allowance": {"quantity": 5, "rule": "CLIFF"},
                "quote_above": 500,
            }
        ],
    }


# Standard rates of value added tax, of 2026: Russia 22 % (Tax Code, article 164), Kazakhstan 16 % (Tax Code of 2025). A
# rate is data of a plan's document: publish a version of the plan to change it.
TRACKER_RUB: Final = tracker("RUB", units=("440", "400", "360"), tax_percent="22")
TRACKER_KZT: Final = tracker("KZT", units=("2200", "2000", "1800"), tax_percent="16")


async def publish(runner: Runner, document: Mapping[str, Any], *, at: datetime) -> None:
    """Put a plan on offer, unless it is already."""
    plan = plans.from_document(document)

    async def work(client: Client) -> None:
        if await rows.newest_in_catalog(client, plan.key, plan.currency) is None:
            await rows.publish(
                client,
                key=plan.key,
                version=plan.version,
                currency=plan.currency,
                document=plans.to_document(plan),
                published_at=at,
            )

    await runner.run(work, lane=f"plan:{plan.key}")


def _seats(tier: str, unit: str, name: Mapping[str, str]) -> dict[str, Any]:
    return {
        "key": tier,
        "name": dict(name),
        "quantity": {"kind": "SEATS", "tiers": [tier]},
        "price": {"model": "UNIT", "unit": unit},
        "timing": "ARREARS",
        "proration": "ACTUAL_INCLUSIVE",
    }


def _card(effective_from: datetime, prices: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    rates = [
        {"model": model, "direction": direction, "amount": amount, "per": 1_000_000}
        for model, directions in prices.items()
        for direction, amount in directions.items()
    ]
    return {
        "version": effective_from.date().isoformat(),
        "effective_from": effective_from.isoformat(),
        "rates": rates,
    }
