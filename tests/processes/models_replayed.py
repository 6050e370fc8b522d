"""A shop with models: what the tests of models in processes replay, and how they compare it."""

import pickle
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from replaying import Replay, assert_same, model_records

CONFIG = """
name: shop
epoch: {every: 300ms}
session:
  gap: 30m
  collect: {views: {count: Product Viewed}, adds: {count: Product Added}}
features:
  views_1h: {count: Product Viewed, over: 1h}
  orders: {count: Order Completed}
  device: {last: context.device.type}
  last_order: {time: Order Completed}
  spent: {sum: properties.revenue, of: Order Completed}
models:
  intent:
    kind: logistic_regression
    predicts: Order Completed
    within: session
    at: [Product Viewed, Product Added]
    from: [views_1h, session.views, session.adds, session.duration, orders, device]
  tree:
    kind: tree.HoeffdingTreeClassifier
    predicts: Order Completed
    within: 1h
    at: [Product Added]
    from: [views_1h, session.views, orders]
  churn:
    kind: baseline
    predicts: no Order Completed
    within: 2h
    at: [Order Completed]
    shadow: true
  worth:
    kind: rfm
    at: [Product Added, Order Completed]
    from: {recency: last_order, frequency: orders, monetary: spent}
segments:
  best: score.worth.recency >= 4 and score.worth.monetary >= 4
  hot: {enter: score.intent > 0.3, leave: score.intent < 0.1}
triggers:
  nudge:
    on: {enter: hot}
    after: 10m
    cancel: Order Completed
    payload: {likely: score.intent, tree: score.tree}
"""
MODELS = ("intent", "tree", "churn", "worth")
SHARDS = 4
OPTIONS = ["--tick", "100", "--shards", str(SHARDS)]


def shop(folder: Path, events: Path, *options: str, config: str = CONFIG) -> Replay:
    """A replay of the shop, or of one like it."""
    folder.mkdir(exist_ok=True)
    path = folder / "models.yaml"
    path.write_text(config)
    return Replay(folder, [events], [*OPTIONS, *options], config=path)


def assert_same_with_models(one: Replay, other: Replay) -> None:
    """Check that two finished replays have left the same, and that their models know the same."""
    assert_same(one, other)
    ours, theirs = model_records(one.state), model_records(other.state)
    assert ours.keys() == theirs.keys()
    for model, records in ours.items():
        found = theirs[model]
        assert found.keys() == records.keys(), model
        for key, value in records.items():
            same = found[key] == value or unpickled(found[key]) == unpickled(value)
            assert same, f"{key!r} of {model} differs: {other.state} is not {one.state}"


def unpickled(sealed: bytes) -> bytes | None:
    """Return what a class of River has learned, if it is that, in a form that can be compared.

    Two things differ without a meaning: which equal texts are one object; and generators of
    random numbers in Gaussians, which River never seeds and which no score asks.
    """
    try:
        stamp, learned = msgspec.msgpack.decode(sealed, type=tuple[dict[str, str], bytes])
    except msgspec.DecodeError:
        return None
    plain = BytesIO()
    pickler = _Plain(plain)
    pickler.fast = True
    pickler.dump((stamp, pickle.loads(learned)))  # noqa: S301 (our own workers wrote it)
    return plain.getvalue()


class _Plain(pickle.Pickler):
    """Writes each thing in full wherever it is, and nothing of random numbers."""

    def reducer_override(self, thing: object) -> Any:
        return (Random, ()) if isinstance(thing, Random) else NotImplemented


def scores(out: Path, model: str) -> list[dict[str, Any]]:
    """Return the records of one model's scores."""
    lines = (out / "scores.jsonl").read_bytes().splitlines()
    records = [msgspec.json.decode(line) for line in lines]
    return [each for each in records if each["data"]["model"] == model]
