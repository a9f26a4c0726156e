"""The commands of ``alcove``, a module for each group of them, and how they speak to a terminal."""
