"""Exit with status 0 if the address given answers with success within three seconds, else 1.

A container's health check: the image has neither curl nor wget. Run it with
`python docker/is_healthy.py URL`.
"""

import sys
import urllib.error
import urllib.request


def is_healthy(url: str, timeout_s: float = 3.0) -> bool:
    """Whether a GET of `url` ends in success within `timeout_s` seconds."""
    try:
        with urllib.request.urlopen(url, timeout=timeout_s):
            return True
    except (urllib.error.URLError, TimeoutError) as error:
        print(f"{url!r} is not healthy: {error}", file=sys.stderr)
        return False


if __name__ == "__main__":
    sys.exit(0 if is_healthy(sys.argv[1]) else 1)
