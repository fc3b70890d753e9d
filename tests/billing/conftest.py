"""How hard are the laws tried? A modest number of examples every day; BILLING_EXAMPLES asks for more."""

import os

from hypothesis import settings

settings.register_profile(
    "billing", max_examples=int(os.environ.get("BILLING_EXAMPLES", "40")), deadline=None, database=None
)
settings.load_profile("billing")
