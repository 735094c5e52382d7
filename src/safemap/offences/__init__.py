"""Kinds of offences in the words of the International Classification of Crime (ICCS)."""
