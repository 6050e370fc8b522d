"""From what a config says of identity to the plan of the steps."""

from config import Config, external_type
from operators.identity_plan import CustomerPath, IdentityPlan


def identity_plan(config: Config) -> IdentityPlan | None:
    """Compile ``identity``; None where anonymous ids are linked to nobody."""
    identity = config.identity
    if identity is None:
        return None
    return IdentityPlan(
        customer=tuple(map(_customer_path, identity.customer)),
        blocked=frozenset(identity.blocked),
        events_most=identity.keep.events,
        keep_ms=min(identity.keep.for_ms, config.retention_ms),
    )


def _customer_path(text: str) -> CustomerPath:
    kind = external_type(text)
    path = text.removesuffix(f".{kind}") if kind else text
    return CustomerPath(tuple(path.split(".")), kind)
