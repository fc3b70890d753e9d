"""Four invented organizations with a past: what a newcomer sees, and what the stories are told about."""
