"""A file of customers is read as it says, or refused with the line that is wrong."""

import csv
import gzip
import io
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.attributes import (
    PROBLEMS_MOST,
    AttributesError,
    ColumnType,
    CustomerRow,
    CustomersFile,
    Value,
    open_customers,
)

COLUMNS: dict[str, ColumnType] = {"tier": "text", "age": "number", "vip": "true_false"}


def read(file: Path, columns: dict[str, ColumnType] = COLUMNS) -> list[CustomerRow]:
    with open_customers(CustomersFile(str(file), "id", columns)) as customers:
        rows = list(customers.rows())
        customers.finish()
        return rows


def written(folder: Path, text: str | bytes, name: str = "crm.csv") -> Path:
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def refused(file: Path, columns: dict[str, ColumnType] = COLUMNS) -> list[tuple[int, str]]:
    with pytest.raises(AttributesError) as caught:
        read(file, columns)
    assert str(caught.value).startswith(f"{file}:{caught.value.problems[0][0]}: ")
    return list(caught.value.problems)


def test_each_column_is_read_as_what_it_holds(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "note,vip,id,age,tier\n"
        'x,TRUE,u1,41,gold\n"several\nlines, quoted",no,u2, -2.50 ,"a ""b"", c"\n'
        "\n,,u3,,  \n,0,u4,1e3,01\n",
    )
    assert read(file) == [
        (2, "u1", ["gold", 41, True]),
        (3, "u2", ['a "b", c', -2.5, False]),
        (6, "u3", [None, None, None]),
        (7, "u4", ["01", 1000, False]),
    ]
    assert [type(row.values[1]) for row in read(file)] == [int, float, type(None), int]


def numbered(value: str) -> Value:
    number = float(value)
    return int(number) if number == int(number) and abs(number) < 2**63 else number


@given(
    rows=st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8"), min_size=1, max_size=8).filter(str.strip),
            st.text(st.characters(codec="utf-8"), max_size=8),
            st.floats(allow_nan=False, allow_infinity=False).map(repr)
            | st.integers(-(10**20), 10**20).map(str),
            st.sampled_from(["true", "False", "YES", "no", "1", "0", ""]),
        ),
        max_size=6,
    )
)
@example(rows=[("u1", "\r", "0", "1")])
@example(rows=[("\ufeffu", "\ufeff", "-0.0", "")])
def test_whatever_a_csv_writer_writes_is_read_back(
    rows: list[tuple[str, str, str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["id", "tier", "age", "vip"])
    writer.writerows(rows)
    file = written(tmp_path_factory.mktemp("csv"), text.getvalue())
    truth = {"true": True, "yes": True, "1": True, "": None}
    assert [(row.customer, row.values) for row in read(file)] == [
        (
            customer,
            [tier if tier.strip() else None, numbered(age), truth.get(vip.lower(), False)],
        )
        for customer, tier, age, vip in rows
    ]


@pytest.mark.parametrize("name", ["crm.csv", "crm.csv.gz", "crm.csv.zst"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte-order-mark"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["unix", "windows"])
def test_files_as_other_programs_write_them_are_read(
    name: str, mark: bytes, newline: str, tmp_path: Path
) -> None:
    plain = mark + newline.join(["id,tier,age,vip", "ü,gold,1,yes"]).encode()
    packed: dict[str, Callable[[bytes], bytes]] = {
        ".gz": gzip.compress,
        ".zst": zstandard.ZstdCompressor().compress,
    }
    data = packed.get(Path(name).suffix, bytes)(plain)
    assert read(written(tmp_path, data, name)) == [(2, "ü", ["gold", 1, True])]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, 'found nothing, expected a line with the columns "id", "tier", "age", "vip"'),
        ("id,age,vip\n", 1, 'there is no column "tier"; there are "id", "age", "vip"'),
        ("id,tier,agee,vip\n", 1, 'there is no column "age"; did you mean "agee"?'),
        ("id,tier,age,vip,tier\n", 1, 'there are 2 columns "tier"'),
        ("id;tier;age;vip\n", 1, "(cells are separated by commas here, not by semicolons)"),
        ("id,tier,age,vip\nu1,a,1\n", 2, "found 3 cells, expected 4"),
        ("id,tier,age,vip\nu1,a,1,yes,\n", 2, "found 5 cells, expected 4"),
        ("id,tier,age,vip\n\n ,a,1,yes\n", 3, "id: found nothing, expected a customer's id"),
        (
            "id,tier,age,vip\nu,a,1,yes\nu1,a,x,yes\n",
            3,
            "age: found a text of 1 character, expected a number",
        ),
        (
            "id,tier,age,vip\nu1,a,1e999,yes\n",
            2,
            "age: found a text of 5 characters, which is too large",
        ),
        (
            "id,tier,age,vip\nu1,a,nan,yes\n",
            2,
            "age: found a text of 3 characters, expected a number",
        ),
        (
            "id,tier,age,vip\nu1,a,1_0,yes\n",
            2,
            "age: found a text of 3 characters, expected a number",
        ),
        (
            'id,tier,age,vip\nu1,a,"1,5",yes\n',
            2,
            "age: found a text of 3 characters, expected a number",
        ),
        (
            "id,tier,age,vip\nu1,a,1,ja\n",
            2,
            "vip: found a text of 2 characters, expected true or false",
        ),
        (f"id,tier,age,vip\nu1,{'a' * 1001},1,\n", 2, "tier: found 1,001 characters, expected"),
        (f"id,tier,age,vip\n{'a' * 1001},,1,\n", 2, "id: found 1,001 characters, expected"),
        (
            'id,tier,age,vip\n"a\n\nb",,x,\n',
            2,
            "age: found a text of 1 character, expected a number",
        ),
        ('id,tier,age,vip\nu1,a,1,"yes\n', 2, "the row cannot be read: unexpected end of data"),
        ('id,tier,age,vip\nu1,a,1,"yes"no\n', 2, "the row cannot be read: "),
        ("id,tier,age,vip\rmac,a,1,yes\r", 1, "the row cannot be read: new-line character"),
        (b"id,tier,age,vip\nu1,\xe9,1,yes\n", 2, "found the byte 0xe9, expected text in UTF-8"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(
    text: str | bytes, line: int, said: str, tmp_path: Path
) -> None:
    problems = refused(written(tmp_path, text))
    assert said in dict(problems)[line], problems


def test_everything_that_is_wrong_is_said_at_once_up_to_a_bound(tmp_path: Path) -> None:
    head = "id,tier,age,vip\n"
    some = refused(written(tmp_path, head + "u1,a,x,yes\nu2,a,1,yes\n,a,1,yes\nu4,a,1,perhaps\n"))
    assert [line for line, _ in some] == [2, 4, 5]
    many = refused(written(tmp_path, head + "u1,a,x,yes\n" * 100_000))
    assert [line for line, _ in many] == list(range(2, 2 + PROBLEMS_MOST))


def test_a_quote_that_is_never_closed_does_not_take_the_whole_file_into_memory(
    tmp_path: Path,
) -> None:
    one_field = written(tmp_path, 'id,tier,age,vip\nu1,"gold,1,yes\n' + "u2,gold,1,yes\n" * 100_000)
    [(line, said)] = refused(one_field)
    assert (line, said) == (2, "the row cannot be read: field larger than field limit (131072)")
    many_fields = written(tmp_path, 'id,tier,age,vip\nu1,"\n' + '","\n' * 500_000)
    [(line, said)] = refused(many_fields)
    assert line == 2
    assert "is a quote not closed?" in said


def test_a_file_that_is_missing_truncated_or_damaged_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.csv") == [(1, "cannot be read: No such file or directory")]
    assert refused(tmp_path) == [(1, "cannot be read: Is a directory")]
    packed = gzip.compress(("id,tier,age,vip\n" + "u1,gold,1,yes\n" * 1000).encode())
    [(_, said)] = refused(written(tmp_path, packed[:-20], "crm.csv.gz"))
    assert "ends too early" in said
    [(_, said)] = refused(written(tmp_path, "id,tier,age,vip\n", "crm.csv.gz"))
    assert "damaged, or not compressed as its name says" in said


def test_a_file_that_is_written_while_it_is_read_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, "id,tier,age,vip\nu1,gold,1,yes\n")
    with open_customers(CustomersFile(str(file), "id", COLUMNS)) as customers:
        list(customers.rows())
        written(tmp_path, "id,tier,age,vip\nu2,gold,1,yes\n")
        with pytest.raises(AttributesError, match="changed while it was read"):
            customers.finish()


def test_another_content_or_another_customers_column_is_another_source(tmp_path: Path) -> None:
    def source(text: str, customer: str) -> str:
        plan = CustomersFile(str(written(tmp_path, text)), customer, COLUMNS)
        with open_customers(plan) as customers:
            return customers.source

    one = source("a", "id")
    assert one == source("a", "id")
    assert len({one, source("b", "id"), source("a", "email")}) == 3
