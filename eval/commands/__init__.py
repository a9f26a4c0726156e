"""Commands of ``alcove eval``, one module each; ``eval/__main__.py`` lists them."""
