"""Language models as their ``config.json`` describes them: parameters, and the cache their attention keeps."""
