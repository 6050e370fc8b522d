"""The kinds of values that a session collects, one file each.

A kind starts with ``start()``, takes events with ``update``, joins what two stretches of the same
customer have collected with ``merge``, and gives what stands in the record with ``result``. What
it keeps in between is made of numbers, strings and lists alone, and is bounded.
"""

from operators.collect.count import Count
from operators.collect.distinct import Distinct
from operators.collect.extreme import Max, Min
from operators.collect.kind import Kind
from operators.collect.position import First, Last
from operators.collect.sum import Sum
from operators.plans import CollectPlan

KINDS: dict[str, type[Kind]] = {
    "count": Count,
    "sum": Sum,
    "min": Min,
    "max": Max,
    "first": First,
    "last": Last,
    "distinct": Distinct,
}


def make_kind(plan: CollectPlan) -> Kind:
    """Make the kind that a plan names."""
    return KINDS[plan.kind](plan)
