"""What a config says of models, and the plans that come of it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from config import Config, config_schema, load_with_warnings, rule_version
from flows.job import plans_of
from flows.models import model_plans
from flows.rules import Rules, compile_rules
from operators.models.plan import InputPlan, ModelPlan, TargetPlan
from operators.plans import SlotPlan

LoadText = Callable[..., Config]

DAY_MS = 86_400_000
SHOP = """
name: shop
session: {collect: {views: {count: Product Viewed}}}
attributes: {file: crm.csv, customer: id, columns: {tier: text}}
features:
  views_1h: {count: Product Viewed, over: 1h}
  here: {count: Product Viewed, within: session}
  last_order: {time: Order Completed}
  device: {last: context.device.type}
  price: {last: properties.price + 0}
  is_gift: {last: event.properties.gift == true}
models:
  intent:
    kind: logistic_regression
    parameters: {learning_rate: 0.05, class_weight: {positive: 10}, categories: hashed}
    predicts: Order Completed
    within: session
    at: [Product Viewed, Product Added, Product Added]
    from:
      [views_1h, here, session.views, session.duration, session.start, last_order, device, price,
       is_gift, trait.plan, context.country, context.hour]
    step: 5m
    emit: {moves: 0.05}
    threshold: 0.3
    calibrate: true
  churn:
    kind: forest.ARFClassifier
    parameters: {n_models: 3, grace_period: 100, leaf_prediction: mc, seed: null}
    predicts: no Order Completed
    within: 30d
    at: [Order Completed]
    from: [last_order]
    shadow: true
  spend:
    kind: linear_model.LinearRegression
    predicts: {sum: properties.revenue, of: Order Completed}
    within: 7d
    at: [Product Added]
    from: [price]
    emit: {moves: 5}
  rate: {kind: baseline, predicts: Order Completed, within: session}
segments:
  keen: {enter: score.intent > 0.7 and attribute.tier == "gold", leave: score.intent < 0.5}
triggers:
  cart:
    on: Product Added
    where: score.spend > 50
    cancel: {on: Product Viewed, where: score.rate < 0.1}
    when: score.intent > 0.5
    payload: {likely: score.intent, text: {template: "{{ score.intent }}"}}
"""
PLAIN = """
name: shop
features: {a: {count: A}, b: {count: B}}
models:
  m: %s
"""
MODEL = "{kind: logistic_regression, predicts: A, within: 1h, from: [a, b]%s}"


@pytest.fixture
def rules(load_text: LoadText) -> Rules:
    return compile_rules(load_text(SHOP))


@pytest.fixture
def models(rules: Rules) -> dict[str, ModelPlan]:
    return {each.name: each for each in rules.models}


def test_a_model_with_everything_is_compiled(models: dict[str, ModelPlan]) -> None:
    intent = models["intent"]
    assert intent == ModelPlan(
        name="intent",
        version=intent.version,
        kind="logistic_regression",
        target=TargetPlan("Order Completed", is_absence=False, within_ms=None),
        inputs=intent.inputs,
        parameters={
            "learning_rate": 0.05,
            "l1": 0.0,
            "l2": 0.0,
            "class_weight": {"positive": 10.0},
            "categories": "hashed",
            "at_most": 1_000,
        },
        at=("Product Added", "Product Viewed"),
        step_ms=300_000,
        moves=0.05,
        is_shadow=False,
        calibrate=True,
        threshold=0.3,
        definition=intent.definition,
    )


def test_an_input_is_looked_at_by_its_type_and_in_the_order_of_the_file(
    models: dict[str, ModelPlan],
) -> None:
    assert models["intent"].inputs == (
        *(InputPlan("views_1h", "number"), InputPlan("here", "number")),
        *(InputPlan("session.views", "number"), InputPlan("session.duration", "number")),
        *(InputPlan("session.start", "time"), InputPlan("last_order", "time")),
        *(InputPlan("device", "category"), InputPlan("price", "number")),
        *(InputPlan("is_gift", "boolean"), InputPlan("trait.plan", "category")),
        *(InputPlan("context.country", "category"), InputPlan("context.hour", "number")),
    )


def test_each_target_is_compiled(models: dict[str, ModelPlan]) -> None:
    assert {name: each.target for name, each in models.items()} == {
        "intent": TargetPlan("Order Completed", is_absence=False, within_ms=None),
        "churn": TargetPlan("Order Completed", is_absence=True, within_ms=30 * DAY_MS),
        "spend": TargetPlan(
            *("Order Completed", False, 7 * DAY_MS), value=("properties", "revenue")
        ),
        "rate": TargetPlan("Order Completed", is_absence=False, within_ms=None),
    }
    assert (models["spend"].moves, models["churn"].is_shadow) == (5.0, True)


def test_parameters_of_river_are_those_that_are_written(models: dict[str, ModelPlan]) -> None:
    assert models["churn"].parameters == {
        "n_models": 3,
        "grace_period": 100,
        "leaf_prediction": "mc",
        "seed": None,
    }
    assert models["spend"].parameters == {}


def test_what_is_not_said_has_its_default(models: dict[str, ModelPlan]) -> None:
    rate = models["rate"]
    about = rate.version, "baseline", rate.target
    assert rate == ModelPlan("rate", *about, inputs=(), definition=rate.definition)


def test_rows_hold_what_models_look_at_and_scores_behind_the_clock(rules: Rules) -> None:
    assert [each.name for each in rules.slots] == [
        *("views_1h", "last_order", "device", "price", "is_gift"),
        *("context.country", "trait.plan", "here"),
        *("session.duration", "session.start", "session.views", "context.hour"),
        *("score.intent", "score.spend", "score.rate", "attribute.tier"),
    ]
    assert rules.attributes == ("tier",)
    assert rules.row.clock == ("hour",)
    [segment] = rules.segments
    assert segment.uses == ("score.intent", "attribute.tier")


def test_another_version_of_a_model_makes_its_slot_and_its_segments_other_ones(
    load_text: LoadText, rules: Rules
) -> None:
    other = compile_rules(load_text(SHOP.replace("learning_rate: 0.05", "learning_rate: 0.06")))
    changed = [one.name for one, two in zip(rules.slots, other.slots, strict=True) if one != two]
    assert changed == ["score.intent"]
    changed_model = other.models[0]
    expected = SlotPlan("score.intent", None, f"score.intent {changed_model.definition}")
    assert expected in other.slots
    assert changed_model.version != rules.models[0].version
    assert other.segments[0].definition != rules.segments[0].definition
    assert other.segments[0].version == rules.segments[0].version


def test_another_definition_of_an_input_makes_the_slot_of_the_score_another_one(
    load_text: LoadText, rules: Rules
) -> None:
    assert SHOP.count("{count: Product Viewed, over: 1h}") == 1
    text = SHOP.replace("{count: Product Viewed, over: 1h}", "{count: Product Viewed, over: 2h}")
    other = compile_rules(load_text(text))
    assert [each.version for each in other.models] == [each.version for each in rules.models]
    changed = [one.name for one, two in zip(rules.slots, other.slots, strict=True) if one != two]
    assert changed == ["views_1h", "score.intent"]


def test_without_models_nothing_is_different(load_text: LoadText) -> None:
    rules = compile_rules(load_text("name: shop\nfeatures: {a: {count: A}}\nmodels: {}"))
    assert rules.models == ()
    assert rules == compile_rules(load_text("name: shop\nfeatures: {a: {count: A}}"))


def test_the_plans_are_the_same_after_their_trip_to_the_workers(rules: Rules) -> None:
    text = msgspec.json.encode(rules.models)
    assert msgspec.json.decode(text, type=tuple[ModelPlan, ...]) == rules.models


SAME = [
    *("parameters: {}", "parameters: {learning_rate: 0.01, at_most: 1000}", "step: 60s"),
    *("parameters: {l2: 0.0, class_weight: {positive: 1}}", "calibrate: false"),
    *("emit: {moves: 0.1}", "threshold: 0.7", "shadow: true", "emit: moments"),
]
OTHER = [
    *("parameters: {learning_rate: 0.02}", "parameters: {categories: hashed}", "step: 61s"),
    *("parameters: {class_weight: {positive: 2}}", "calibrate: true", "at: [A]", "at: [B]"),
]


@pytest.mark.parametrize("also", SAME)
def test_a_version_is_of_what_a_model_learns(load_text: LoadText, also: str) -> None:
    [plain] = model_plans(load_text(PLAIN % MODEL % ""))
    [other] = model_plans(load_text(PLAIN % MODEL % f", {also}"))
    assert plain.version == other.version
    told = {"moves": plain.moves, "threshold": plain.threshold, "is_shadow": plain.is_shadow}
    assert replace(other, **told) == plain


def test_another_model_has_another_version(load_text: LoadText) -> None:
    texts = [
        *(MODEL % "", *(MODEL % f", {also}" for also in OTHER)),
        (MODEL % "").replace("predicts: A", "predicts: no A"),
        (MODEL % "").replace("[a, b]", "[b, a]"),
        (MODEL % "").replace("1h", "session"),
        (MODEL % "").replace("logistic_regression", "baseline"),
    ]
    versions = [rule_version(load_text(PLAIN % text).models["m"]) for text in texts]
    assert len(set(versions)) == len(texts)


RFM = """
    name: shop
    features: {last: {time: A}, n: {count: A}, spent: {sum: properties.a, of: A}}
    models: {worth: {kind: rfm, from: {%s}, at: [B, A], step: 5m}}
    segments: {best: score.worth.recency >= 4 and score.worth > 0.5}
"""


def test_an_rfm_model_predicts_nothing_and_has_slots_for_its_tiers(load_text: LoadText) -> None:
    config = load_text(RFM % "monetary: spent, recency: last, frequency: n")
    profile, decide = plans_of(config)
    [plan] = decide.models
    assert profile.models == decide.models
    assert (plan.kind, plan.predicts, plan.at, plan.step_ms) == ("rfm", False, ("A", "B"), 300_000)
    assert [(each.name, each.kind) for each in plan.inputs] == [
        *(("last", "instant"), ("n", "number"), ("spent", "number")),
    ]
    slots = [each for each in decide.slots if each.name.startswith("score.")]
    parts = ("recency", "frequency", "monetary")
    assert [each.name for each in slots] == ["score.worth", *(f"score.worth.{p}" for p in parts)]
    assert all(each.definition == f"{each.name} {plan.definition}" for each in slots)


def test_what_stands_for_which_part_is_the_version_and_not_their_order(load_text: LoadText) -> None:
    texts = [
        "recency: last, frequency: n, monetary: spent",
        "monetary: spent, recency: last, frequency: n",
        "recency: last, frequency: spent, monetary: n",
    ]
    one, same, other = (rule_version(load_text(RFM % each).models["worth"]) for each in texts)
    assert one == same != other


def test_a_number_may_come_from_the_environment(load_text: LoadText) -> None:
    text = """
        name: shop
        features: {a: {count: A}}
        models:
          m: {kind: tree.HoeffdingTreeClassifier, parameters: {grace_period: "${GRACE}"},
              predicts: "${EVENT}", within: "${WITHIN}", at: [A], from: ["${INPUT}"],
              threshold: "${THRESHOLD}", shadow: "${SHADOW}"}
    """
    environment = {"GRACE": "50", "EVENT": "no B", "WITHIN": "2h", "INPUT": "a"}
    environment |= {"THRESHOLD": "0.25", "SHADOW": "true"}
    [plan] = model_plans(load_text(text, environment))
    assert plan.parameters == {"grace_period": 50}
    assert plan.target == TargetPlan("B", is_absence=True, within_ms=7_200_000)
    assert (plan.inputs, plan.threshold, plan.is_shadow) == (
        *((InputPlan("a", "number"),), 0.25, True),
    )


def test_what_models_look_at_and_name_is_known_to_warnings(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(
        "name: shop\n"
        "features: {a: {count: A}, b: {count: B}}\n"
        "models:\n"
        "  m: {kind: logistic_regression, predicts: Order Complete, within: 1h, from: [a],\n"
        "      at: [A, Prodcut Viewed]}\n"
        "  n: {kind: baseline, predicts: {sum: properties.x, of: no Order}, within: 1h}\n"
        "  o: {kind: baseline, predicts: no Order Updatd, within: 1h}\n"
    )
    found = [(each.line, each.message) for each in load_with_warnings(path).warnings]
    assert [line for line, _ in found] == [2, 4, 5, 7]
    assert found[0][1].startswith("features.b: no segment, trigger or model looks at b;")
    assert found[1][1].startswith('models.m.predicts: found "Order Complete", the Segment spec has')
    assert found[2][1].startswith('models.m.at[1]: found "Prodcut Viewed", the Segment spec has')
    assert found[3][1].startswith('models.o.predicts: found "Order Updatd", the Segment spec has')


def test_an_editor_is_offered_the_keys_of_each_kind() -> None:
    schema = config_schema()
    models = schema["properties"]["models"]
    assert models["propertyNames"] == schema["properties"]["features"]["propertyNames"]
    river = schema["$defs"]["RiverModel"]
    assert set(river["required"]) == {"kind", "predicts", "within", "at", "from"}
    assert "parameters" not in schema["$defs"]["BaselineModel"]["properties"]
    assert "learning_rate" in schema["$defs"]["LogisticParameters"]["properties"]
