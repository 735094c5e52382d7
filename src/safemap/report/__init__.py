"""Chapters: methods text and summaries."""
