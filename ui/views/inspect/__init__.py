"""The view that looks into a search."""
