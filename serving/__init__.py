"""Language model servers: what fits into memory, how fast it can be, and how they are started.

Stands aside of the pipeline and imports nothing of it but ``corpus``.
"""
