"""THE CLOCK: work that falls due. Calls the same services as a person would."""
