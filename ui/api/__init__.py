"""The page's way to the service: its HTTP client, the JSON it gets, and the runs it follows."""
