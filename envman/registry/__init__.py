"""Registries: what images are called, and what registries say of them. Formats only: ``engine`` speaks to them."""
