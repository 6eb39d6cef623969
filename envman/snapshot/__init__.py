"""Snapshots as they lie on disk: archives, checksums, manifests. Pure: no engine is asked here."""
