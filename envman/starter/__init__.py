"""First blueprints for a repository that has none, fitting what is found in it."""
