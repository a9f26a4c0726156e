"""Text as data: words, sentences, facts, what is invisible in it, and how it is fenced."""
