"""The conversation: questions, answers with their sources, and the viewer beside them."""
