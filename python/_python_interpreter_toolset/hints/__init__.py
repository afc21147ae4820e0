"""Short sentences that help a model to mend a run that has failed."""
