"""A copy of production: what is substituted in it by which rule, and what of it is the same as it runs. Pure."""
