"""Does every line have its words in every language?"""

import string

import pytest

from billing.wording import _WORDS, Phrase, direction_text, say


@pytest.mark.parametrize("language", sorted(_WORDS))
@pytest.mark.parametrize("phrase", list(Phrase))
def test_every_phrase_has_the_same_blanks_in_every_language(language, phrase):
    blanks, english = (
        {name for _, name, _, _ in string.Formatter().parse(_WORDS[each][phrase]) if name} for each in (language, "en")
    )

    assert blanks == english
    assert _WORDS[language][phrase].strip()


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("en-GB", "Seats: top-up to the minimum"),
        ("ru_RU", "Seats: доплата до минимума"),
        ("zh-Hans", "Seats：补足至最低消费"),
        ("zh-Hans-CN", "Seats：补足至最低消费"),
        ("id-ID", "Seats: tambahan hingga minimum"),
        ("fr", "Seats: top-up to the minimum"),
    ],
)
def test_a_locale_is_served_in_its_language(locale, words):
    assert say(locale, Phrase.MINIMUM, item="Seats") == words


def test_a_direction_without_words_is_shown_as_it_is():
    assert [direction_text("zh-Hans", each) for each in ("INPUT", "images")] == ["输入", "images"]
