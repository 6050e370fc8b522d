"""Identity beside hidden fields: what customers are told by can be hashed, and nothing else."""

from collections.abc import Callable

import pytest

from config import Config

ProblemsOf = Callable[..., list[tuple[int, int, str]]]
IDENTITY = "{customer: [userId, traits.email, context.externalIds.card]}"
ONLY_HASHED = "and identity tells customers by it; it can be hashed"


@pytest.mark.parametrize(
    ("privacy", "parts"),
    [
        ("{hash: [userId]}", ["privacy.hash[0]", "hash anonymousId and previousId too"]),
        ("{hash: [userId, anonymousId]}", ["compared with each other; hash previousId too"]),
        ("{hash: [previousId]}", ["hash userId and anonymousId too"]),
        ("{drop: [previousId]}", ["identity: previousId is dropped", ONLY_HASHED]),
        ("{mask: [previousId]}", ["identity: previousId is masked", ONLY_HASHED]),
        ("{drop: [traits.email]}", ["identity.customer[1]: traits.email is dropped", ONLY_HASHED]),
        ("{drop: ['traits.*']}", ["identity.customer[1]: traits.email is dropped", ONLY_HASHED]),
        ("{mask: [traits]}", ["identity.customer[1]: traits.email is masked", ONLY_HASHED]),
        ("{hash: [traits]}", ["traits.email is hashed", "one text of all that lies in it"]),
        ("{drop: ['context.externalIds[].id']}", ["externalIds.id is dropped", ONLY_HASHED]),
        ("{hash: ['context.externalIds[].type']}", ["externalIds.type", "could not be read"]),
        ("{hash: [context.externalIds]}", ["customer[2]", "one text of all that lies in it"]),
        ("{drop: [previousid]}", ['did you mean "previousId"?']),
    ],
)
def test_what_customers_are_told_by_is_not_hidden(
    problems_of: ProblemsOf, privacy: str, parts: list[str]
) -> None:
    found = problems_of(f"name: shop\nidentity: {IDENTITY}\nprivacy: {privacy}\n")
    assert any(all(part in message for part in parts) for *_, message in found), found


@pytest.mark.parametrize(
    "privacy",
    [
        "{hash: [userId, anonymousId, previousId, traits.email, 'context.externalIds[].id']}",
        "{drop: [traits.phone], mask: [context.ip]}",
    ],
)
def test_ids_can_be_hashed_and_what_is_none_can_be_hidden(
    load_text: Callable[..., Config], privacy: str
) -> None:
    assert load_text(f"name: shop\nidentity: {IDENTITY}\nprivacy: {privacy}\n").identity


@pytest.mark.parametrize("privacy", ["{hash: [userId]}", "{drop: [previousId, traits.email]}"])
def test_without_identity_none_of_that_matters(
    load_text: Callable[..., Config], privacy: str
) -> None:
    assert load_text(f"name: shop\nprivacy: {privacy}\n").privacy
