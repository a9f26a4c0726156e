"""What is kept in ``chats.sqlite``: threads, runs, approvals, memories, notes, the audit log."""
