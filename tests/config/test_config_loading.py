"""What a good config file becomes."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from config import Config, load
from config.measures import Count, Distinct, Last, Sum

LoadText = Callable[..., Config]


FULL = """
    name: shop
    source: {files: [events/*.jsonl.gz, more.jsonl], order: name}
    sinks: {files: out/}
    time: {disorder: 250ms, idle: 90s, grace: 0s, future: 2h}
    epoch: {every: 300ms, max_bytes: 64KB}
    state: {compression: none, cache: 100}
    session:
      gap: 45m
      collect:
        views: {count: Product Viewed}
        revenue: {sum: properties.revenue, of: Order Completed}
        device: {last: context.device.type}
        categories: {distinct: properties.category, of: Product Viewed, at_most: 1000}
    retention: 7d
    duplicates: {last: 0, within: 5m}
    triggers:
      cart_abandoned:
        on: Product Added
        key: properties.cart_id
        after: 30m
        cancel: [Order Completed, Cart Cleared]
        again: 24h
        restart: false
"""


def test_only_the_name_is_required(load_text: LoadText) -> None:
    config = load_text("name: shop")
    assert (config.source, config.sinks, config.triggers) == (None, None, {})
    assert (config.time.disorder_ms, config.time.idle_ms) == (5_000, 30_000)
    assert (config.time.grace_ms, config.time.future_ms) == (0, 3_600_000)
    assert (config.epoch.every_ms, config.epoch.max_bytes) == (1_000, 256_000_000)
    assert (config.state.compression, config.state.cache_records) == ("lz4", 100_000)
    assert (config.session.gap_ms, config.session.collect) == (1_800_000, {})
    assert config.retention_ms == 400 * 86_400_000
    assert (config.duplicates.last, config.duplicates.within_ms) == (64, 3_600_000)


def test_every_key_reaches_its_attribute(load_text: LoadText) -> None:
    config = load_text(FULL)
    assert config.source.files == ("events/*.jsonl.gz", "more.jsonl")
    assert (config.source.order, config.sinks.files) == ("name", "out/")
    assert (config.time.disorder_ms, config.time.idle_ms) == (250, 90_000)
    assert config.time.future_ms == 7_200_000
    assert (config.epoch.every_ms, config.epoch.max_bytes) == (300, 64_000)
    assert (config.state.compression, config.state.cache_records) == ("none", 100)
    assert config.session.gap_ms == 2_700_000
    assert dict(config.session.collect) == {
        "views": Count(count="Product Viewed"),
        "revenue": Sum(sum="properties.revenue", of="Order Completed"),
        "device": Last(last="context.device.type"),
        "categories": Distinct(distinct="properties.category", of="Product Viewed", at_most=1_000),
    }
    assert config.retention_ms == 7 * 86_400_000
    assert (config.duplicates.last, config.duplicates.within_ms) == (0, 300_000)
    trigger = config.triggers["cart_abandoned"]
    assert (trigger.on, trigger.key) == ("Product Added", "properties.cart_id")
    assert (trigger.after_ms, trigger.again) == (1_800_000, 86_400_000)
    assert trigger.cancel == ("Cart Cleared", "Order Completed")
    assert trigger.restart is False


def test_a_trigger_needs_only_its_event(load_text: LoadText) -> None:
    trigger = load_text("{name: shop, triggers: {t: {on: Signed Up}}}").triggers["t"]
    assert (trigger.key, trigger.after_ms, trigger.cancel) == (None, 0, ())
    assert (trigger.again, trigger.restart) == ("always", True)


def test_one_file_or_one_cancel_needs_no_list(load_text: LoadText) -> None:
    config = load_text("""
        name: shop
        source: {files: a.jsonl}
        triggers: {t: {on: A, cancel: B}}
    """)
    assert config.source.files == ("a.jsonl",)
    assert config.triggers["t"].cancel == ("B",)


@pytest.mark.parametrize("word", ["on", "off", "yes", "no", "y", "Off", "NO"])
def test_words_that_old_yaml_took_for_truth_are_plain_text(load_text: LoadText, word: str) -> None:
    config = load_text(f"name: {word}\ntriggers: {{{word}: {{on: {word}}}}}")
    assert config.name == word
    assert config.triggers[word].on == word


def test_numbers_are_those_of_yaml_1_2(load_text: LoadText) -> None:
    assert load_text("{name: shop, state: {cache: 0x100}}").state.cache_records == 256
    assert load_text("{name: shop, state: {cache: 0o400}}").state.cache_records == 256
    assert load_text("{name: shop, state: {cache: 0400}}").state.cache_records == 400


@pytest.mark.parametrize(
    ("written", "size_bytes"),
    [("1000", 1_000), ("1KB", 1_000), ("256MB", 256_000_000), ("64GB", 64_000_000_000)],
)
def test_sizes_count_in_thousands(load_text: LoadText, written: str, size_bytes: int) -> None:
    assert load_text(f"{{name: s, epoch: {{max_bytes: {written}}}}}").epoch.max_bytes == size_bytes


@pytest.mark.parametrize(
    ("written", "found"),
    [("always", "always"), ("never", "never"), ("90s", 90_000), ("1h", 3_600_000)],
)
def test_again_is_a_word_or_a_duration(load_text: LoadText, written: str, found: str | int) -> None:
    assert load_text(f"{{name: s, triggers: {{t: {{on: A, again: {written}}}}}}}").triggers[
        "t"
    ].again == (found)


def test_the_environment_fills_in_texts_numbers_and_truths(load_text: LoadText) -> None:
    config = load_text(
        """
        name: ${NAME}
        source: {files: "${DIR:-events}/*.jsonl"}
        state: {cache: "${CACHE}"}
        epoch: {max_bytes: "${BYTES:-64KB}"}
        session: {gap: "${EMPTY:-10m}"}
        triggers: {t: {on: "costs $${5}", restart: "${RESTART}"}}
        """,
        {"NAME": "123", "CACHE": "500", "RESTART": "false", "EMPTY": ""},
    )
    assert config.name == "123"
    assert config.source.files == ("events/*.jsonl",)
    assert (config.state.cache_records, config.epoch.max_bytes) == (500, 64_000)
    assert config.session.gap_ms == 600_000
    assert (config.triggers["t"].on, config.triggers["t"].restart) == ("costs ${5}", False)


def test_what_the_environment_gives_cannot_become_more_yaml(load_text: LoadText) -> None:
    config = load_text(
        "{name: shop, source: {files: '${FILES}'}}", {"FILES": "a\nstate: {cache: 1}"}
    )
    assert config.source.files == ("a\nstate: {cache: 1}",)


def test_the_processs_own_environment_is_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARTWHEEL_TEST_NAME", "from-outside")
    path = tmp_path / "shop.yaml"
    path.write_text("name: ${CARTWHEEL_TEST_NAME}")
    assert load(path).name == "from-outside"


def test_a_part_may_be_written_once_and_used_twice(load_text: LoadText) -> None:
    config = load_text("""
        name: shop
        triggers:
          one: &wait {on: A, after: 30m}
          two: *wait
    """)
    assert config.triggers["one"] == config.triggers["two"]


def test_a_byte_order_mark_is_no_problem(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: shop\r\nretention: 90d\r\n")
    assert load(path).retention_ms == 90 * 86_400_000


def test_a_config_does_not_change_any_more(load_text: LoadText) -> None:
    config = load_text("name: shop")
    with pytest.raises(ValidationError):
        config.session.gap_ms = 1


def test_the_least_and_the_most_are_allowed(load_text: LoadText) -> None:
    names = ", ".join(f"c{number}: {{count: A}}" for number in range(100))
    config = load_text(f"""
        name: {"n" * 100}
        retention: 3650d
        session: {{gap: 3649d, collect: {{{names}}}}}
        duplicates: {{last: 1000, within: 0s}}
        triggers: {{t: {{on: A, key: properties.b.c.d.e.f.g.h, after: 3649d}}}}
    """)
    assert config.retention_ms == 3_650 * 86_400_000
    assert len(config.session.collect) == 100
