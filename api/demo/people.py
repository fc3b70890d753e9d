"""Who else works in the demo's organizations?

Names that fit the organization's language, put together from short lists whose lengths share no divisor, so that no
combination comes twice. Nobody real is meant.

>>> [person.email for person in people("tracker", RUSSIAN, 2)]
['aleksey.arbuzov@tracker.example', 'alina.berestova@tracker.example']
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can be a member."""

    email: str
    name: str


@dataclass(frozen=True, slots=True)
class Names:
    """Given names and surnames of one language; where there are two lists they take turns, and so do the surnames."""

    given: tuple[tuple[str, ...], ...]
    surnames: tuple[str, ...]
    endings: tuple[str, ...] = ("",)

    def at(self, index: int) -> str:
        """Return the full name number `index`."""
        turn, place = index % len(self.given), index // len(self.given)
        given = self.given[turn]
        surname = self.surnames[(place + turn) % len(self.surnames)] + self.endings[turn % len(self.endings)]
        return f"{given[place % len(given)]} {surname}"


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


RUSSIAN: Final = Names(
    (
        _words(
            "Алексей Андрей Артём Борис Вадим Виктор Григорий Денис Егор Захар Илья Кирилл Лев Максим Никита Олег "
            "Павел Роман Тимур"
        ),
        _words(
            "Алина Анна Вера Галина Дарья Евгения Жанна Зоя Инна Кира Лариса Марина Нина Ольга Полина Раиса Софья "
            "Тамара Ульяна"
        ),
    ),
    _words(
        "Арбузов Берестов Ветров Грачёв Дорохов Елагин Жаворонков Зимин Калинов Лугов Мятлев Овражин Полозов Рябинин "
        "Снегирёв Тополев Ясенев"
    ),
    ("", "а"),
)
KAZAKH: Final = Names(
    (
        _words(
            "Айдос Алмас Арман Асхат Бауыржан Данияр Дархан Ерлан Жандос Ильяс Канат Марат Нурлан Олжас Рустем Санжар "
            "Талгат Тимур Чингиз"
        ),
        _words(
            "Айгерим Айжан Алия Асель Бота Гаухар Дана Динара Жанар Зарина Камила Лаура Мадина Меруерт Назгуль "
            "Салтанат Толганай Шынар Эльмира"
        ),
    ),
    _words(
        "Абенов Байжанов Досымов Ерболатов Жексенов Исинов Кенжеев Мусабеков Нургалиев Оспанов Рахимов Сарыбаев "
        "Смагулов Тлеубаев Тулегенов Уразов Шарипов"
    ),
    ("", "а"),
)
INDONESIAN: Final = Names(
    (
        _words(
            "Adit Anjani Bagas Bayu Citra Dimas Dewi Eka Fajar Gita Hendra Intan Kirana Lestari Mega Nanda Putri "
            "Ratna Wulan"
        ),
    ),
    _words(
        "Anggoro Baskara Cahyadi Darmaji Gunadi Hartanto Indraswari Kusnadi Lukito Mahardi Nugraha Pangestu Rahayu "
        "Santika Tirtana Utami Wirawan"
    ),
)
ENGLISH: Final = Names(
    (
        _words(
            "Avery Blair Casey Dana Ellis Frankie Gale Harper Indigo Jules Kendall Logan Marlow Noel Oakley Perry "
            "Quinn Reese Sidney"
        ),
    ),
    _words(
        "Alderwick Bramhurst Cotterby Dunmere Eastlake Fernsby Gatling Hartwell Inglewood Kettering Larkfield "
        "Merriden Northcote Oakhurst Pemberly Ravensby Stillwater"
    ),
)
CHINESE: Final = {
    "林晓雯": "lin.xiaowen",
    "许知夏": "xu.zhixia",
    "沈嘉禾": "shen.jiahe",
    "陆一鸣": "lu.yiming",
    "何思远": "he.siyuan",
    "苏雨桐": "su.yutong",
    "程书言": "cheng.shuyan",
    "方若谷": "fang.ruogu",
}

_LATIN: Final = str.maketrans(
    dict(zip("абвгдезиклмнопрстуфцыэё", "abvgdeziklmnoprstufcyee", strict=True))
    | {"ж": "zh", "й": "y", "х": "kh", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ь": "", "ю": "yu", "я": "ya"}
)


def people(slug: str, names: Names, count: int, *, first: int = 0) -> tuple[Person, ...]:
    """Return `count` people of an organization, from number `first` on."""
    return tuple(_person(slug, names.at(index)) for index in range(first, first + count))


def chinese_people(slug: str) -> tuple[Person, ...]:
    """Return the people whose names are written in Chinese."""
    return tuple(Person(f"{latin}@{slug}.example", name) for name, latin in CHINESE.items())


def _person(slug: str, name: str) -> Person:
    local = ".".join(name.lower().translate(_LATIN).split())
    return Person(f"{local}@{slug}.example", name)
