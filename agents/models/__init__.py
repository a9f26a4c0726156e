"""Language models behind OpenAI-compatible servers: found, asked, fitted to, and left alone when they fail."""
