"""A list of people is read as it was written, or the first line that cannot be is named."""

import pytest

from services import import_files
from services.import_files import InvalidFile, read
from services.imports import NewMember

HEADER = "email,name,role"


def test_reads_columns_in_any_order_and_forgives_blanks() -> None:
    text = ' Role ,external_id,email,name\r\n\r\n member , d-1 ,max@x.example,"Max, the first"\r\n'

    (listed,) = read(text)

    assert listed.person == NewMember("max@x.example", "Max, the first", "member", None, (), "d-1")
    assert listed.line == 3


def test_reads_what_a_spreadsheet_writes_before_the_header() -> None:
    assert read(f"\ufeff{HEADER}\nmax@x.example,Max,member\n")[0].person.name == "Max"


def test_knows_a_row_by_the_line_on_which_it_begins() -> None:
    text = f'{HEADER}\na@x.example,"A\nB",member\n\nb@x.example,B,member\n'

    assert [listed.line for listed in read(text)] == [2, 5]


@pytest.mark.parametrize(
    ("line", "told", "text"),
    [
        (1, "there is no header", ""),
        (1, "there is no header", "\n \n"),
        (1, "no column 'role'", "email,name\n"),
        (1, "names a column twice", "email,name,role,email\n"),
        (1, "'shoe size'", f"{HEADER},shoe size\n"),
        (3, "4 cells under 3 columns", f"{HEADER}\na@x.example,A,member\nb@x.example,B,member,chat\n"),
        (3, "a NUL", f"{HEADER}\na@x.example,A,member\nb\0@x.example,B,member\n"),
        (2, "unexpected end of data", f'{HEADER}\n"a@x.example,A,member\n'),
        (2, "expected after", f'{HEADER}\n"a"b@x.example,A,member\n'),
    ],
)
def test_names_the_line_that_cannot_be_read(line: int, told: str, text: str) -> None:
    with pytest.raises(InvalidFile, match=told) as caught:
        read(text)

    assert caught.value.line == line


def test_reads_no_more_than_a_list_may_have() -> None:
    row = "a@x.example,A,member\n"

    with pytest.raises(InvalidFile, match="at most 50,000 people") as caught:
        read(f"{HEADER}\n{row * (import_files.PEOPLE_MAX + 1)}")

    assert caught.value.line == import_files.PEOPLE_MAX + 2
