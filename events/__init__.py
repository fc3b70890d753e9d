"""HOW NEWS TRAVELS: one append-only log per organization, and the hub that wakes those who wait on it."""
