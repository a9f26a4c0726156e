"""Many systems over one gold set: read from a TOML file, computed once, kept by content."""
