"""The views of the page: layout only, one module each."""
