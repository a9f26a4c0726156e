"""From files to indexed chunks: discover, parse, chunk, embed, commit."""
