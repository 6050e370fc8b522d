"""``cartwheel privacy``: each field that the compiled rules read is listed, and no other."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cartwheel.app import main
from config import load
from flows.field_uses import ANY, FieldUse, FieldUses
from flows.job import plans_of
from operators.event_plans import EventPlans
from operators.kept import Kept
from state.folder import StateFolder
from state.keyed_hash import field_hash, make_key

FEATURES = {
    "orders": {"count": "Order Completed", "where": "event.properties.gift or event.hour > 3"},
    "spend": {"sum": "properties.price * properties.pieces", "of": "Order Completed", "over": "7d"},
    "device": {"last": "context.device.type"},
    "codes": {"recent": "properties.products[].code", "of": "Product Viewed"},
    "dear": {"count": "Product Viewed", "where": "event.properties.products[].price > 9"},
    "cart": {"sum": "properties.price", "of": "Product Added", "since": "Order Completed"},
    "here": {"distinct": "properties.page", "within": "session"},
    "today": {"count": "Product Viewed", "per": "1d"},
    "age": {"last": "traits.age", "where": 'event.traits.kind == "x"'},
}
COLLECT = {
    "pages": {"distinct": "context.page.path"},
    "paid": {"sum": "properties.revenue", "of": "Order Completed"},
    "views": {"count": "Product Viewed", "where": "event.properties.list == 3"},
}
SEGMENTS = {
    "german": 'context.locale == "de" or trait.language == "de"',
    "late": "context.hour > 20",
    "vip": 'attribute.tier == "gold"',
    "paying": {"enter": "trait.plan is not missing", "leave": "trait.paused == true"},
}
TRIGGERS = {
    "cart": {
        "on": "Product Added",
        "key": "properties.cart_id",
        "where": "event.properties.quantity > 1",
        "after": "30m",
        "cancel": [
            {"on": "Order Completed", "where": "event.properties.total > 5"},
            "Cart Removed",
        ],
        "payload": {
            "what": "event.properties.product",
            "text": {"template": "{{ event.traits.n }}"},
        },
    },
    "away": {
        "on": "any",
        "key": "properties.site",
        "after": "14d",
        "when": "trait.name is missing",
    },
    "bye": {"on": {"session": "closed"}, "payload": {"city": "trait.city"}},
    "ask": {"on": "Survey", "payload": {"a": "event.properties.answer", "t": "event.date"}},
}
MODELS = {
    "buys": {
        "kind": "logistic_regression",
        "predicts": "Order Completed",
        "within": "1d",
        "at": ["Product Viewed"],
        "from": ["context.country", "trait.job"],
    },
    "worth": {
        "kind": "linear_model.LinearRegression",
        "predicts": {"sum": "properties.value", "of": "Order Completed"},
        "within": "7d",
        "at": ["Product Viewed"],
        "from": ["trait.job"],
    },
}
CONSENT: dict[str, Any] = {
    "consent": {
        "default": "deny",
        "regions": {"DE": "deny"},
        "region": "context.location.country",
        "gpc": {"path": "context.gpc", "refuses": ["p"]},
    },
    "purposes": {"profiling": "p"},
}
NEEDED = {"userId", "anonymousId", "messageId", "timestamp", "receivedAt", "type", "event"}
PREFERENCES = ("context.consent.", "context.consentManagement.")


def some(of: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw some of what a section may hold."""
    return st.sets(st.sampled_from(sorted(of))).map(lambda names: {n: of[n] for n in sorted(names)})


@st.composite
def configs(draw: st.DrawFn) -> dict[str, Any]:
    config: dict[str, Any] = {"name": "shop", "session": {"collect": draw(some(COLLECT))}}
    config["attributes"] = {"file": "p.csv", "customer": "id", "columns": {"tier": "text"}}
    config["features"] = draw(some(FEATURES))
    config["segments"] = draw(some(SEGMENTS))
    config["triggers"] = draw(some(TRIGGERS))
    config["models"] = draw(some(MODELS))
    if draw(st.booleans()):
        config |= CONSENT
    if draw(st.booleans()):
        config["quiet_hours"] = {"from": "21:00", "to": "08:00"}
    return config


def loaded(config: dict[str, Any], folder: Path) -> Any:
    path = folder / "shop.yaml"
    path.write_text(json.dumps(config))
    return load(path, {})


def uses_of(config: Any) -> list[FieldUse]:
    return list(FieldUses(*plans_of(config)).all())


@settings(deadline=None, max_examples=60)
@given(configs())
def test_each_field_that_the_plans_read_is_listed_and_no_other(
    tmp_path_factory: pytest.TempPathFactory, written: dict[str, Any]
) -> None:
    config = loaded(written, tmp_path_factory.getbasetemp())
    profile, _ = plans_of(config)
    uses = uses_of(config)
    listed = [
        each for each in uses if each.field not in NEEDED and each.source != "the file of customers"
    ]
    consent = {
        each.field
        for each in uses
        if each.use.startswith("consent") or each.field.startswith(PREFERENCES)
    }
    plans = EventPlans(Kept(profile))
    for name in {*plans._plans, "an event that no rule names"}:
        plan = plans._plans.get(name, plans._default)
        read = {".".join(field.path).replace("[]", "") for field in plan.wanted}
        told = {each.field for each in listed if each.source in {ANY, name}}
        if name not in plans._plans or plan is not plans._default:
            assert told - consent <= read | consent
            assert read <= told
    assert bool(consent) == (profile.consent is not None)
    if profile.consent:
        assert {"context.gpc", "context.location.country"} <= consent


@settings(deadline=None, max_examples=20)
@given(configs())
def test_what_is_kept_says_where_and_until_when(
    tmp_path_factory: pytest.TempPathFactory, written: dict[str, Any]
) -> None:
    for each in uses_of(loaded(written, tmp_path_factory.getbasetemp())):
        assert bool(each.kept) == bool(each.until), each
        assert each.kept or not each.goes_out, each


def document(config: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    (folder / "shop.yaml").write_text(json.dumps(config))
    assert main(["privacy", str(folder / "shop.yaml"), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_field_that_is_looked_at_and_sent_has_a_line_for_each(tmp_path: Path) -> None:
    payload = {"what": "event.properties.quantity"}
    trigger = {"on": "Product Added", "where": "event.properties.quantity > 1", "payload": payload}
    quiet = {"from": "21:00", "to": "08:00"}
    config = {"name": "shop", "triggers": {"cart": trigger}, "quiet_hours": quiet}
    uses = uses_of(loaded(config, tmp_path))
    found = [(each.use, each.kept) for each in uses if each.field == "properties.quantity"]
    assert found == [
        ("triggers.cart, its message", ["decisions"]),
        ("triggers.cart, which events count", []),
    ]
    [zone] = [each for each in uses if each.field == "context.timezone"]
    assert zone.use == "the customer's time zone, for quiet hours and limits"


SHOP: dict[str, Any] = {
    "name": "shop",
    "retention": "30d",
    "sinks": {"files": "results"},
    "session": {"collect": {"pages": COLLECT["pages"]}},
    "features": {"spend": FEATURES["spend"], "mail": {"last": "properties.email"}},
    "segments": {"buyers": "spend > 0"},
    "triggers": {"cart": {**TRIGGERS["cart"], "payload": {"to": "mail"}}},
    "models": {"buys": {**MODELS["buys"], "from": ["mail"]}},
    "privacy": {"drop": ["context.ip"], "hash": ["properties.email", "context.page.path"]},
}


def test_a_field_is_listed_with_its_source_use_retention_and_ways_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = document(SHOP, tmp_path, capsys)
    [mail] = [each for each in told["fields"] if each["field"] == "properties.email"]
    assert mail == {
        "field": "properties.email",
        "source": "any event",
        "use": "features.mail, for model buys, trigger cart",
        "kept": ["profile", "decisions", "model buys"],
        "until": "retention, 30d; the weight of each text: model buys is trained anew",
        "goes_out": ["triggers"],
        "hidden": "hashed",
    }
    prices = [each for each in told["fields"] if each["field"] == "properties.price"]
    [price] = prices
    assert (price["until"], price["goes_out"]) == ("it is 7d old", [])
    [page] = [each for each in told["fields"] if each["field"] == "context.page.path"]
    assert (page["hidden"], page["goes_out"]) == ("hashed", ["sessions"])
    [key] = [each for each in told["fields"] if each["field"] == "properties.cart_id"][:1]
    assert key["goes_out"] == ["triggers", "decisions"]
    assert told["hidden"][0] == {"field": "context.ip", "how": "dropped"}
    assert told["outputs"]["triggers"] == "results/triggers.jsonl"
    assert told["derived"] == ["segments.buyers", "score.buys"]
    assert told["retention_ms"] == 30 * 86_400_000


def test_a_topic_is_named_as_the_way_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kafka = {"kafka": {"brokers": "b:9092", "prefix": "live."}}
    told = document({**SHOP, "sinks": kafka}, tmp_path, capsys)
    assert told["outputs"]["dead-letters"] == "live.dead-letters"


def test_the_table_holds_what_the_document_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = document(SHOP, tmp_path, capsys)
    assert main(["privacy", str(tmp_path / "shop.yaml")]) == 0
    table = "".join(capsys.readouterr().out.split())
    for each in told["fields"]:
        assert "".join(each["field"].split()) in table
    for words in ("droppedcontext.ip", "hashed:properties.email", "keptfor30d"):
        assert words.replace("droppedc", "dropped:c") in table


def test_a_hash_can_be_looked_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "shop.yaml").write_text(json.dumps(SHOP))
    words = ["privacy", str(tmp_path / "shop.yaml"), "--hash", "anna@example.org"]
    state = tmp_path / "state"
    assert main(words) == 2
    assert main([*words, "--state", str(tmp_path / "nowhere")]) == 1
    state.mkdir()
    with StateFolder(state).lock():
        StateFolder(state).create(name="shop", shards=1, readers=1, now_ms=0)
    assert main([*words, "--state", str(state)]) == 1
    assert "it has no key" in capsys.readouterr().err
    key = make_key(state)
    assert main([*words, "--state", str(state)]) == 0
    assert capsys.readouterr().out == field_hash(key, "anna@example.org") + "\n"


def test_a_wrong_config_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "shop.yaml").write_text("name: shop\nprivacy: {drp: [a]}")
    assert main(["privacy", str(tmp_path / "shop.yaml")]) == 2
    assert 'did you mean "drop"?' in capsys.readouterr().err
