"""What a shard says about itself: since when its records are kept and looked at as they are."""

from state.about import About, Layout, View

BEGINNING = About().watermark
WATERMARK = 1_767_247_430_898


def layout(*features: str) -> Layout:
    return Layout([], list(features))


def view(*slots: str) -> View:
    return View(list(slots), [], [])


def test_what_a_shard_begins_with_is_of_the_beginning_though_ticks_have_passed_it_by() -> None:
    about = About()
    assert (
        about.layout_number(layout("a"), WATERMARK),
        about.view_number(view("a"), WATERMARK),
    ) == (
        0,
        0,
    )
    assert (about.layouts[0].since, about.views[0].since) == (BEGINNING, BEGINNING)


def test_what_comes_later_is_of_the_watermark_at_which_it_came() -> None:
    about = About()
    about.layout_number(layout("a"), BEGINNING)
    about.view_number(view("a"), BEGINNING)
    for _ in range(2):  # the same once more changes nothing
        assert about.layout_number(layout("a", "b"), WATERMARK) == 1
        assert about.view_number(view("a", "b"), WATERMARK) == 1
    assert [each.since for each in about.layouts] == [BEGINNING, WATERMARK]
    assert [each.since for each in about.views] == [BEGINNING, WATERMARK]
