"""Everything that talks to a Docker engine. The only importer of ``docker`` and ``python_on_whales``."""
