"""What ``identity:`` may say, and what is said about mistakes in it."""

import json
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from config import Config, ConfigError, config_schema, load
from config.identity import USUALLY_BLOCKED
from connectors.inputs import RecordedFiles
from connectors.sinks import Nowhere
from flows.identity import identity_plan
from flows.job import Options, compile_job
from operators.heads import LineReader
from operators.identity_plan import CustomerPath, IdentityPlan

ProblemsOf = Callable[..., list[tuple[int, int, str]]]

MISTAKES = [
    # what stands behind "identity: ", column, parts of the message
    ("", 1, ["identity: found nothing, expected a mapping"]),
    ("[userId]", 11, ["identity: found a list, expected a mapping"]),
    ("{custmer: userId}", 12, ["custmer: unknown key", 'did you mean "customer"?']),
    ("{customer: []}", 22, ["expected a path or a list of paths"]),
    ("{customer: }", 12, ["found nothing, expected a path or a list of paths"]),
    ("{customer: userid}", 22, ['found "userid"', 'did you mean "userId"?']),
    ("{customer: [userId, 5]}", 31, ["customer[1]: found 5, expected userId, context.external"]),
    ("{customer: trait.email}", 22, ["expected userId", 'did you mean "traits.email"?']),
    ("{customer: anonymousId}", 22, ['found "anonymousId", expected userId']),
    ("{customer: context.externalIds}", 22, ["expected userId, context.externalIds.TYPE"]),
    ("{customer: 'properties.products[].id'}", 22, ["expected userId"]),
    ("{customer: 'traits.\"email\"'}", 22, ["expected userId"]),
    ("{customer: [userId, userId]}", 31, ['customer[1]: "userId" stands there twice']),
    ("{customer: [traits.a, traits.a.b]}", 33, ['"traits.a" is an id, so it has no "b"']),
    ("{blocked: [null]}", 22, ["blocked[0]: found nothing, expected text", 'quotes: "null"']),
    ("{blocked: [0]}", 22, ["blocked[0]: found 0, expected text"]),
    ("{blocked: [x, '', x]}", 25, ["blocked[1]: found"]),
    ("{blocked: 5}", 21, ["blocked: found 5, expected a list of values"]),
    ("{keep: {events: 0}}", 27, ["keep.events: found 0, expected a whole number from 1 to 10000"]),
    ("{keep: {for: 30}}", 24, ["keep.for: found 30, expected a duration"]),
    ("{keep: {fro: 30d}}", 19, ["unknown key", 'did you mean "for"?']),
    ("{keep: {for: 400d}}", 24, ["found 400d, expected less than retention (400d)"]),
]


@pytest.mark.parametrize(("identity", "column", "parts"), MISTAKES)
def test_a_mistake_is_told_with_its_place(
    problems_of: ProblemsOf, identity: str, column: int, parts: list[str]
) -> None:
    found = problems_of(f"name: shop\nidentity: {identity}")
    line, at_column, message = found[0]
    assert (line, at_column) == (2, column), found
    assert all(part in message for part in parts), message


def test_all_mistakes_are_told_at_once(problems_of: ProblemsOf) -> None:
    text = (
        "name: shop\nidentity: {customer: [userId, userId, uid], blocked: [a, a, 5], keep: {f: 1}}"
    )
    found = "\n".join(message for _, _, message in problems_of(text))
    for part in (
        'customer[1]: "userId" stands there twice',
        'customer[2]: found "uid"',
        'blocked[1]: "a" stands there twice',
        "blocked[2]: found 5",
        "keep.f: unknown key",
    ):
        assert part in found


def test_nothing_but_the_key_switches_it_on_with_the_defaults(
    load_text: Callable[..., Config],
) -> None:
    assert identity_plan(load_text("name: shop")) is None
    assert identity_plan(load_text("name: shop\nidentity: {}")) == IdentityPlan(
        customer=(CustomerPath(("userId",)),),
        blocked=frozenset(USUALLY_BLOCKED),
        events_most=200,
        keep_ms=30 * 86_400_000,
    )


def test_the_plan_says_where_customers_are_named(load_text: Callable[..., Config]) -> None:
    customer = "[context.externalIds.crm.id, userId, traits.email hash]"
    plan = identity_plan(
        load_text(
            f"name: shop\nretention: 10d\nidentity:\n  customer: {customer}\n  blocked: test\n"
            "  keep: {events: 5}"
        )
    )
    assert plan == IdentityPlan(
        customer=(
            CustomerPath(("context", "externalIds"), "crm.id"),
            CustomerPath(("userId",)),
            CustomerPath(("traits", "email hash")),
        ),
        blocked=frozenset({"test"}),
        events_most=5,
        keep_ms=10 * 86_400_000,
    ), "nothing is kept longer than anybody"


@pytest.mark.parametrize("is_on", [True, False])
def test_a_job_tells_of_identity_where_it_is_on(
    load_text: Callable[..., Config], *, is_on: bool
) -> None:
    config = load_text(f"name: shop\n{'identity: {}' if is_on else ''}")
    job = compile_job(config, Options(RecordedFiles([[]], "time"), Nowhere(), 1, 1, 1, 1, 0))
    assert ("identity" in job.kinds) is is_on
    assert job.route.identity == identity_plan(config)


def test_the_schema_for_editors_knows_it() -> None:
    validator = Draft202012Validator(config_schema())
    right = {
        "customer": ["userId", "context.externalIds.a"],
        "blocked": ["x"],
        "keep": {"for": "1d"},
    }
    for identity in ({}, {"customer": "userId"}, right):
        assert validator.is_valid({"name": "shop", "identity": identity})
    wrong = [{"customer": "anonymousId"}, {"blocked": [None]}, {"keep": {"events": 0}}, {"x": 1}]
    for identity in wrong:
        assert not validator.is_valid({"name": "shop", "identity": identity}), identity


PARTS = st.text(st.sampled_from("ab.[]\"\\ 'é\0\u2028#:,{}$"), max_size=6)
ANY_PATHS = st.lists(
    st.one_of(
        st.sampled_from(["userId", "traits.a", "traits.a.b", "context.externalIds.x"]),
        st.builds(
            "{}.{}".format,
            st.sampled_from(["traits", "context.externalIds", "context", "properties"]),
            PARTS,
        ),
        PARTS,
    ),
    max_size=3,
)


@settings(deadline=None, max_examples=200)
@given(ANY_PATHS)
@example(["traits.a.b", "traits.a"])
@example(['traits.a"b'])
@example(["context.externalIds.a", "context.externalIds.a.b"])
@example(["traits.$${"])
def test_paths_are_refused_or_can_be_read(
    tmp_path_factory: pytest.TempPathFactory, paths: list[str]
) -> None:
    file = tmp_path_factory.getbasetemp() / "drawn.yaml"
    file.write_text(json.dumps({"name": "shop", "identity": {"customer": paths}}))
    try:
        plan = identity_plan(load(file, {}))
    except ConfigError:
        return
    reader = LineReader(0, 1 << 50, plan)
    lines = reader.read(b'{"timestamp":"2026-01-01T00:00:00Z"}', file=0, line=1, offset=0)
    path = paths[0].replace("$${", "${")  # how a config says that it means no variable
    assert lines.rejected[0].reason.startswith(f"no customer: {path}")


def test_customers_may_be_forgotten_by_events_where_ids_are_linked(
    load_text: Callable[..., Config],
) -> None:
    config = load_text("name: shop\nidentity: {}\nprivacy: {forget_events: true}")
    assert identity_plan(config) is not None
    assert config.privacy is not None
    assert config.privacy.forget_events
