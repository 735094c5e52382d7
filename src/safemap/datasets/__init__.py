"""Synthetic cities with known truth, and published data that ship with libpysal."""
