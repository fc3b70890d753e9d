"""Run an operation as a plan that was written for it, instead of walking its document anew each time."""
