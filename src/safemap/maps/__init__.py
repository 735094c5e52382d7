"""Pictures: results become layers of an interactive map."""
