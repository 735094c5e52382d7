"""Words in six languages, no logic beyond looking them up and writing numbers."""
