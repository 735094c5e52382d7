"""Verbs of the researcher: tables in, results out."""
