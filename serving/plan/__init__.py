"""Does a model fit, how fast can it be, and when is a machine outgrown: all computed, nothing measured."""
