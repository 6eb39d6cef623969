"""A classifier, from its data to its service."""
