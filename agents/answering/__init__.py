"""From a question to a grounded answer, or to a refusal."""
