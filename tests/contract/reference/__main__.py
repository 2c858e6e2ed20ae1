"""Writes docs/reference/ and the schemas of our models anew."""

import argparse
from pathlib import Path

from tests.contract.reference.pages import written

ROOT = Path(__file__).parents[3]


def main() -> None:
    argparse.ArgumentParser(prog="python -m tests.contract.reference", description=__doc__).parse_args()
    for path, text in written().items():
        place = ROOT / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists() or place.read_text() != text:
            place.write_text(text)
            print(f"{path} is new")


if __name__ == "__main__":
    main()
