"""Numbers: arrays and sparse matrices in, arrays out. Knows numpy and scipy, no tables and no geometry."""
