"""A language model server under load: how soon it begins, how fast it writes, how much it does at once."""
