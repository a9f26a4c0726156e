"""How this home and its service are: the doctor's checks, the language model's server, memory and the index's size."""
