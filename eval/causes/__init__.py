"""Why a question failed: the first stage between its documents and its answer that lost the gold."""
