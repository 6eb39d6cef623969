"""A copy of production: what is substituted in it, by which rule, and what of it is the same on running containers. Pure."""
