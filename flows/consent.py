"""From what a config says of consent to the plan of the steps."""

from config import Config
from operators.consent_plan import NO_PURPOSE, ConsentPlan

_ALLOW = "allow"


def consent_plan(config: Config) -> ConsentPlan | None:
    """Compile ``consent`` and ``purposes``; None where nothing needs a purpose."""
    consent, purposes = config.consent, config.purposes
    if consent is None or not purposes.named:
        return None
    return ConsentPlan(
        allows=consent.default == _ALLOW,
        regions={name: default == _ALLOW for name, default in consent.regions.items()},
        region=_path(consent.region),
        gpc=_path(consent.gpc.path if consent.gpc else None),
        gpc_refuses=consent.gpc.refuses if consent.gpc else (),
        purposes=purposes.named,
        profiling=purposes.profiling or NO_PURPOSE,
        channels=dict(purposes.channels),
        triggers=dict(purposes.triggers),
        models=dict(purposes.models),
    )


def _path(path: str | None) -> tuple[str, ...]:
    return tuple(path.split(".")) if path else ()
