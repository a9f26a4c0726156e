"""The page in the browser and the command line: what a person sees of Alcove."""
