"""What the documents need of curl, for machines without it: ``curl.py PORT -s URL [-H …] [-d @FILE]``.

The port of the documents, 8080, stands for the one that the test serves on.
"""

from __future__ import annotations

import argparse
import sys
import urllib.error
import urllib.request
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port")
    parser.add_argument("url")
    parser.add_argument("-s", action="store_true")
    parser.add_argument("-H", action="append", default=[])
    parser.add_argument("-d")
    given = parser.parse_intermixed_args()
    headers = dict(header.split(": ", 1) for header in given.H)
    body = Path(given.d.removeprefix("@")).read_bytes() if given.d else None
    request = urllib.request.Request(given.url.replace(":8080", f":{given.port}"), body, headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310
            sys.stdout.write(response.read().decode())
    except urllib.error.HTTPError as error:
        sys.stdout.write(error.read().decode())


if __name__ == "__main__":
    main()
