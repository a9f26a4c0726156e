"""The nouns, the errors and the files on disk. Imports no framework."""
