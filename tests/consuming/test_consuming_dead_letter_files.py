"""Dead letters in files: what the command lists, and what it sends back into a followed folder."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cartwheel import dead_letters
from cartwheel.app import main
from connectors import dead_letters as written
from connectors.errors import FileProblem
from connectors.kafka import dead_letter_topic
from connectors.kept_letters import KeptLetter, read_file
from connectors.rendering import render_record
from operators.outputs import DeadLetter, Original
from operators.rejections import Partition, Place, Rejection

LETTERS = [
    ("a.jsonl", 2, "profile", "Expected float | null, got str", "properties.price", b'{"a":1}'),
    ("a.jsonl", 7, "route", "not a JSON object", "", b"[1]"),
    ("b.jsonl", 1, "route", "not a JSON object", "", b"[2]"),
    ("b.jsonl", 3, "route", "the line is not UTF-8", "", b"\xff"),
]

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9)
numbers = st.integers(0, 1 << 62)
in_a_topic = st.builds(Place, st.builds(Partition, texts, numbers), st.just(0), numbers)
in_a_file = st.builds(Place, texts, st.integers(1, 1 << 62), numbers)
reasons = st.tuples(texts, texts, texts | st.just(""))
of_length = st.sampled_from([(None, None), (2_000_000, "0" * 64)])
rejections = st.builds(lambda why, length: Rejection(*why, *length), reasons, of_length)
values = st.none() | st.binary(max_size=9)
headers = st.lists(st.tuples(texts.map("h".__add__), values), max_size=3).map(tuple)
originals = st.builds(Original, values, values, headers)
letters = st.builds(DeadLetter, in_a_topic | in_a_file, rejections, originals)


def letter(*fields: Any, length: int | None = None) -> DeadLetter:
    file, line, stage, reason, field, value = fields
    sha256 = None if length is None else "0" * 64
    rejection = Rejection(stage, reason, field, length, sha256)
    return DeadLetter(Place(file, line, 0), rejection, Original(None, value))


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a config, a followed folder and some dead letters."""
    monkeypatch.chdir(tmp_path)
    Path("inbox").mkdir()
    Path("out").mkdir()
    write_config("source: {files: inbox}", "sinks: {files: out}")
    write_letters(*(letter(*each) for each in LETTERS))
    return tmp_path


def write_config(*lines: str) -> None:
    Path("live.yaml").write_text("\n".join(["name: live", *lines]))


def write_letters(*letters: DeadLetter) -> None:
    text = b"".join(written.render(each) + b"\n" for each in letters)
    Path("out", "dead-letters.jsonl").write_bytes(text)


def told(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    assert main(["dead-letters", "live.yaml", "--json", *options]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def refused(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    code = main(["dead-letters", "live.yaml", *options])
    return code, capsys.readouterr().err


def inbox() -> list[bytes]:
    return [line for path in sorted(Path("inbox").iterdir()) for line in path.open("rb")]


@pytest.mark.usefixtures("shop")
def test_reasons_are_listed_by_how_often_they_occur_with_where_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["dead-letters", "live.yaml"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [(row[0], row[1], row[2], row[-1]) for row in rows[1:]] == [
        ("2", "route", "-", "a.jsonl:7"),
        ("1", "profile", "properties.price", "a.jsonl:2"),
        ("1", "route", "-", "b.jsonl:3"),
    ]
    assert told(capsys, "--stage", "map")["reasons"] == []


@pytest.mark.usefixtures("shop")
def test_chosen_ones_become_a_new_file_of_the_followed_folder(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert told(capsys, "--resend", "--stage", "route", "--dry-run")["would_send"] == 3
    assert inbox() == []
    assert told(capsys, "--resend", "--reason", "JSON object")["sent"] == 2
    assert inbox() == [b"[1]\n", b"[2]\n"]
    [path] = Path("inbox").iterdir()
    assert path.name.startswith("resent-")
    assert path.name.endswith(".jsonl")
    assert told(capsys, "--resend", "--at", "b.jsonl:3", "--at", "a.jsonl:2")["sent"] == 2
    assert inbox() == [b"[1]\n", b"[2]\n", b'{"a":1}\n', b"\xff\n"]
    assert told(capsys, "--resend", "--reason", "nothing like it")["sent"] == 0
    assert len(list(Path("inbox").iterdir())) == 2


@pytest.mark.usefixtures("shop")
def test_the_same_dead_letter_is_sent_once_however_often_it_was_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_letters(*(letter(*each) for each in LETTERS * 3))
    assert told(capsys, "--resend", "--reason", "")["sent"] == len(LETTERS)
    assert len(inbox()) == len(LETTERS)


@pytest.mark.usefixtures("shop")
def test_what_is_kept_in_part_or_came_from_a_topic_is_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    of_a_topic = DeadLetter(
        Place(Partition("events", 1), 0, 5), Rejection("route", "r"), Original(None, None)
    )
    long = letter("a.jsonl", 9, "read", "too long", "", b"xx", length=2_000_000)
    write_letters(of_a_topic, long, letter(*LETTERS[0]))
    sent = told(capsys, "--resend", "--reason", "")
    assert sent["sent"] == 1
    assert sent["left_out"] == {"did not come from files": 1, "are kept only in part": 1}


@pytest.mark.usefixtures("shop")
def test_a_full_disk_leaves_no_part_of_a_file_in_the_folder(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code, error = refused(capsys, "--resend", "--reason", "")
    assert (code, error) == (
        1,
        "cartwheel: inbox: cannot be written: No space left on device\n",
    )
    assert list(Path("inbox").iterdir()) == []


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("config", "options", "code", "expected"),
    [
        ([], [], 2, "no sinks"),
        (["sinks: {files: out}"], ["--resend", "--reason", ""], 2, "no source"),
        (
            ["source: {files: inbox, follow: false}", "sinks: {files: out}"],
            ["--resend", "--reason", ""],
            2,
            "source.follow is false",
        ),
        (
            ["source: {files: 'inbox/*.jsonl'}", "sinks: {files: out}"],
            ["--resend", "--reason", ""],
            2,
            "source.files names no folder",
        ),
        (["sinks: {files: nowhere}"], [], 1, "nowhere/dead-letters.jsonl: cannot be read: No such"),
        (["sinks: {files: out}"], ["--at", "b.jsonl:99"], 1, "no such dead letter: b.jsonl:99"),
        (["sinks: {files: out}"], ["--at", "here"], 2, "--at is 'here', expected TOPIC/PARTITION"),
        (["sinks: {files: out}"], ["--limit", "0"], 2, "--limit is 0"),
        (["sinks: {files: out}"], ["--dry-run"], 2, "--dry-run goes with --resend"),
        (["sinks: {files: out}"], ["--resend"], 2, "--resend needs --reason, --stage or --at"),
        (["sinks: {file: out}"], [], 2, "live.yaml:2:9"),
    ],
)
def test_what_cannot_be_done_is_told(
    capsys: pytest.CaptureFixture[str],
    config: list[str],
    options: list[str],
    code: int,
    expected: str,
) -> None:
    write_config(*config)
    found, error = refused(capsys, *options)
    assert expected in error
    assert found == code
    assert list(Path("inbox").iterdir()) == []


@pytest.mark.usefixtures("shop")
def test_a_line_that_is_still_being_written_is_left_out_and_a_damaged_one_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = Path("out", "dead-letters.jsonl")
    whole = file.read_bytes()
    file.write_bytes(whole + b'{"file":"c')
    assert told(capsys)["dead_letters"] == len(LETTERS)
    file.write_bytes(b'{"file":1}\n')
    assert refused(capsys)[0] == 1
    with pytest.raises(FileProblem, match=r"dead-letters.jsonl:1: is no dead letter"):
        list(read_file(file))


@pytest.mark.usefixtures("shop")
def test_reasons_beyond_a_bound_are_counted_together(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_letters, "_REASONS_MOST", 3)
    some = [letter("a.jsonl", n, "route", f"reason {n}", "", b"x") for n in range(1, 11)]
    write_letters(*some)
    reasons = told(capsys)["reasons"]
    assert len(reasons) == 4
    assert (reasons[0]["reason"], reasons[0]["count"]) == ("(other reasons)", 7)


@settings(max_examples=50, deadline=None)
@given(st.lists(letters, max_size=5))
def test_what_is_written_is_read_again_from_files(
    tmp_path_factory: pytest.TempPathFactory, some: list[DeadLetter]
) -> None:
    file = tmp_path_factory.getbasetemp() / "any-dead-letters.jsonl"
    file.write_bytes(b"".join(written.render(each) + b"\n" for each in some))
    expected = [
        KeptLetter(each.place, each.rejection, Original(None, each.original.value)) for each in some
    ]
    assert list(read_file(file)) == expected


@settings(max_examples=50, deadline=None)
@given(letters)
def test_what_is_written_is_read_again_from_records_and_goes_back_as_it_came(
    dead: DeadLetter,
) -> None:
    line = render_record("shop", dead)
    value = None if line.is_null else line.text
    kept = dead_letter_topic._letter(Original(line.key, value, line.headers))
    assert kept is not None
    assert (kept.place, kept.rejection) == (dead.place, dead.rejection)
    assert (kept.original.key, kept.original.value) == dead.original[:2]
    back = dead_letter_topic._without_errors(kept.original.headers, "here")
    assert back == (*dead.original.headers, ("cartwheel-resent", b"here"))
    twice = dead_letter_topic._without_errors(back, "there")
    assert twice == (*dead.original.headers, ("cartwheel-resent", b"there"))


def test_a_record_of_somebody_else_in_the_topic_is_passed_over() -> None:
    for some in ((), ((f"{written.PREFIX}topic", b"t"),), ((f"{written.PREFIX}offset", b"x"),)):
        assert dead_letter_topic._letter(Original(b"k", b"v", some)) is None
