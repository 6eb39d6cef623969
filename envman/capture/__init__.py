"""A stack that runs to a blueprint and its lock: the engine's own descriptions in, plain data out. Pure."""
