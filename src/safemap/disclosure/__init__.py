"""What may leave: the registry of withheld cells."""
