"""Layers of Trees to one Tree: linearise parents, resolve variables, interpolate, short forms to long, merge."""
