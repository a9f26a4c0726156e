"""The view of what runs and how it is."""
