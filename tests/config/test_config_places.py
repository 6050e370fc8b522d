"""The place of a mistake inside a text, however the text is written."""

from collections.abc import Callable

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from config.places import place_in
from config.tree import Fields, Place, Scalar, read_tree

WORDS = st.lists(
    st.text(st.sampled_from("abcü=>5(\\"), min_size=1, max_size=6)
    | st.sampled_from(["'x'", '"x"', "''", '"', "a'b"]),
    min_size=1,
    max_size=8,
)


def scalar_of(text: str) -> Scalar:
    root, findings = read_tree(text, {})
    assert not findings
    assert isinstance(root, Fields)
    [node] = root.values.values()
    assert isinstance(node, Scalar)
    return node


def character_at(text: str, place: Place) -> str:
    return text.split("\n")[place.line - 1][place.column - 1 :][:1]


def plain(words: list[str], breaks: list[bool]) -> str:
    assume(words[0][0] not in "'\">=")
    return "k: " + joined(words, breaks, "\n   ")


def single(words: list[str], breaks: list[bool]) -> str:
    return "k: '" + joined([word.replace("'", "''") for word in words], breaks, "\n   ") + "'"


def double(words: list[str], breaks: list[bool]) -> str:
    escaped = [word.replace("\\", "\\\\").replace('"', '\\"') for word in words]
    return 'k:  "' + joined(escaped, breaks, "\n   ") + '"'


def folded(words: list[str], breaks: list[bool]) -> str:
    return "k: >-  # why\n  " + joined(words, breaks, "\n  ") + "\n"


def literal(words: list[str], breaks: list[bool]) -> str:
    return "# é\nk: |\n\n    " + joined(words, breaks, "\n      ") + "\n"


def joined(words: list[str], breaks: list[bool], line_break: str) -> str:
    text = words[0]
    for number, word in enumerate(words[1:]):
        text += (line_break if breaks[number % len(breaks)] else "  ") + word
    return text


@settings(deadline=None)
@given(
    words=WORDS,
    breaks=st.lists(st.booleans(), min_size=1, max_size=4),
    layout=st.sampled_from([plain, single, double, folded, literal]),
)
@example(words=["a'b", "c"], breaks=[True], layout=single)
@example(words=['"', "\\"], breaks=[False], layout=double)
def test_each_visible_character_is_found_where_it_stands(
    words: list[str], breaks: list[bool], layout: Callable[[list[str], list[bool]], str]
) -> None:
    text = layout(words, breaks)
    scalar = scalar_of(text)
    assume(isinstance(scalar.value, str))
    value = str(scalar.value)
    assert "".join(value.split()) == "".join(words)
    seen = []
    for offset, character in enumerate(value):
        place = place_in(scalar, offset)
        if not character.isspace():
            seen.append(place)
            shown = character_at(text, place)
            assert shown == character or (shown == "\\" and character in '\\"')
    assert seen == sorted(set(seen)), "every character has a place of its own"
    end = place_in(scalar, len(value))
    if not value[-1].isspace():
        assert end == Place(seen[-1].line, end.column)
        assert end.column > seen[-1].column


def test_what_cannot_be_told_is_placed_at_the_beginning() -> None:
    scalar = scalar_of('k: "a\\u0062c"')
    assert {place_in(scalar, offset) for offset in range(4)} == {Place(1, 4)}
    assert place_in(scalar_of("k: ''"), 0) == Place(1, 4)


def test_white_space_is_placed_behind_what_comes_before() -> None:
    scalar = scalar_of("k: >\n  ab\n\n\n  cd\n")
    assert scalar.value == "ab\n\ncd\n"
    assert place_in(scalar, 2) == place_in(scalar, 3) == Place(2, 5)
    assert place_in(scalar, 4) == Place(5, 3)
    assert place_in(scalar, 7) == Place(5, 5)
