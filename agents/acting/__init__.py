"""The agent: its loop, its budgets, and the one place where a call is carried out."""
