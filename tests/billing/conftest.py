"""How hard are the laws tried? A modest number of examples every day; BILLING_EXAMPLES asks for more."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "billing",
    max_examples=int(os.environ.get("BILLING_EXAMPLES", "40")),
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],  # it measures the machine, which may be busy
)
settings.load_profile("billing")
