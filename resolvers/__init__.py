"""THE VERBS: fields of Query, Mutation and Subscription, one file a noun."""
