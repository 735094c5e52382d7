"""Files in: readers, checks, selection, the load report."""
