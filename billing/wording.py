"""What is a line called in the customer's language?

Names of items come from the plan; only the words around them are here. A locale without words of its own is served
in English.

>>> say("ru-RU", Phrase.MINIMUM, item="Токены")
'Токены: доплата до минимума'
>>> say("fr", Phrase.INSTALMENT, number="C-1", position="2", count="4")
'Contract C-1: instalment 2 of 4'
"""

from enum import StrEnum
from typing import Final


class Phrase(StrEnum):
    """A sentence with blanks."""

    ADJUSTMENT = "ADJUSTMENT"
    MINIMUM = "MINIMUM"
    MAXIMUM = "MAXIMUM"
    DISCOUNT = "DISCOUNT"
    DISCOUNT_NAME = "DISCOUNT_NAME"
    COMMITMENT = "COMMITMENT"
    BILLED = "BILLED"
    AS_BILLED = "AS_BILLED"
    INSTALMENT = "INSTALMENT"
    USAGE = "USAGE"
    LATE_USAGE = "LATE_USAGE"
    CORRECTED_USAGE = "CORRECTED_USAGE"
    INPUT = "INPUT"
    OUTPUT = "OUTPUT"
    CACHE_READ = "CACHE_READ"
    CACHE_WRITE = "CACHE_WRITE"


_WORDS: Final = {
    "en": {
        Phrase.ADJUSTMENT: "{item}: changes during the period",
        Phrase.MINIMUM: "{item}: top-up to the minimum",
        Phrase.MAXIMUM: "{item}: reduction to the maximum",
        Phrase.DISCOUNT: "{item}: {name}",
        Phrase.DISCOUNT_NAME: "discount",
        Phrase.COMMITMENT: "Top-up to the committed amount",
        Phrase.BILLED: "{item}: billed before",
        Phrase.AS_BILLED: "{item}: share of the discounts at which it was billed",
        Phrase.INSTALMENT: "Contract {number}: instalment {position} of {count}",
        Phrase.USAGE: "{item}: {model}, {direction}",
        Phrase.LATE_USAGE: "{item}: {model}, {direction}, late usage of {origin} (invoice {invoice})",
        Phrase.CORRECTED_USAGE: "{item}: {model}, {direction}, correction of {origin} (invoice {invoice})",
        Phrase.INPUT: "input",
        Phrase.OUTPUT: "output",
        Phrase.CACHE_READ: "cache read",
        Phrase.CACHE_WRITE: "cache write",
    },
    "ru": {
        Phrase.ADJUSTMENT: "{item}: изменения за период",
        Phrase.MINIMUM: "{item}: доплата до минимума",
        Phrase.MAXIMUM: "{item}: снижение до максимума",
        Phrase.DISCOUNT: "{item}: {name}",
        Phrase.DISCOUNT_NAME: "скидка",
        Phrase.COMMITMENT: "Доплата до гарантированной суммы",
        Phrase.BILLED: "{item}: выставлено ранее",
        Phrase.AS_BILLED: "{item}: доля скидок, с которыми было выставлено",
        Phrase.INSTALMENT: "Договор {number}: платёж {position} из {count}",
        Phrase.USAGE: "{item}: {model}, {direction}",
        Phrase.LATE_USAGE: "{item}: {model}, {direction}, поздние данные за {origin} (счёт {invoice})",
        Phrase.CORRECTED_USAGE: "{item}: {model}, {direction}, исправление за {origin} (счёт {invoice})",
        Phrase.INPUT: "ввод",
        Phrase.OUTPUT: "вывод",
        Phrase.CACHE_READ: "чтение кеша",
        Phrase.CACHE_WRITE: "запись в кеш",
    },
    "zh": {
        Phrase.ADJUSTMENT: "{item}：本期变动",
        Phrase.MINIMUM: "{item}：补足至最低消费",
        Phrase.MAXIMUM: "{item}：减至最高限额",
        Phrase.DISCOUNT: "{item}：{name}",
        Phrase.DISCOUNT_NAME: "折扣",
        Phrase.COMMITMENT: "补足至承诺金额",
        Phrase.BILLED: "{item}：此前已开票",
        Phrase.AS_BILLED: "{item}：开票时所享折扣的相应部分",
        Phrase.INSTALMENT: "合同 {number}：第 {position} 期，共 {count} 期",
        Phrase.USAGE: "{item}：{model}，{direction}",
        Phrase.LATE_USAGE: "{item}：{model}，{direction}，{origin} 的迟到用量（发票 {invoice}）",
        Phrase.CORRECTED_USAGE: "{item}：{model}，{direction}，{origin} 的更正（发票 {invoice}）",
        Phrase.INPUT: "输入",
        Phrase.OUTPUT: "输出",
        Phrase.CACHE_READ: "缓存读取",
        Phrase.CACHE_WRITE: "缓存写入",
    },
    "id": {
        Phrase.ADJUSTMENT: "{item}: perubahan selama periode",
        Phrase.MINIMUM: "{item}: tambahan hingga minimum",
        Phrase.MAXIMUM: "{item}: pengurangan hingga maksimum",
        Phrase.DISCOUNT: "{item}: {name}",
        Phrase.DISCOUNT_NAME: "diskon",
        Phrase.COMMITMENT: "Tambahan hingga jumlah komitmen",
        Phrase.BILLED: "{item}: sudah ditagih",
        Phrase.AS_BILLED: "{item}: bagian diskon saat ditagih",
        Phrase.INSTALMENT: "Kontrak {number}: angsuran {position} dari {count}",
        Phrase.USAGE: "{item}: {model}, {direction}",
        Phrase.LATE_USAGE: "{item}: {model}, {direction}, pemakaian terlambat {origin} (faktur {invoice})",
        Phrase.CORRECTED_USAGE: "{item}: {model}, {direction}, koreksi {origin} (faktur {invoice})",
        Phrase.INPUT: "masukan",
        Phrase.OUTPUT: "keluaran",
        Phrase.CACHE_READ: "baca cache",
        Phrase.CACHE_WRITE: "tulis cache",
    },
}


def language(locale: str) -> str:
    """Return the language in which the words of `locale` are written: English where it has none of its own.

    >>> language("ru-KZ"), language("de-DE")
    ('ru', 'en')
    """
    own = locale.replace("_", "-").split("-")[0]
    return own if own in _WORDS else "en"


def say(locale: str, phrase: Phrase, **blanks: str) -> str:
    """Return the phrase in the language of `locale`, its blanks filled."""
    return _WORDS[language(locale)][phrase].format(**blanks)


def direction_text(locale: str, direction: str) -> str:
    """Return the name of a direction; one without words is shown as it is."""
    return say(locale, Phrase(direction)) if direction in _DIRECTIONS else direction


_DIRECTIONS: Final = frozenset({Phrase.INPUT, Phrase.OUTPUT, Phrase.CACHE_READ, Phrase.CACHE_WRITE})
