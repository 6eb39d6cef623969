"""(Document, Observed) to a Plan: what would be done, and why. Pure: nothing here talks to an engine."""
