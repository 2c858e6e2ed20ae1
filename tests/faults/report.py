"""Writes what `make faults` found as a page: each fault in words, how it ended, how long it took, what happened."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

_PAGE = """# Faults

{passed} of {total} passed on {day}, on Apache Kafka 4.1 and a six-node Redis Cluster, two cores. Again: `make faults`.

| Where | Fault | | Seconds |
|---|---|---|---|
{rows}
{happened}"""


def page(junit: str, day: datetime) -> str:
    """The page for a run that pytest described in JUnit's format."""
    rows, happened, passed = [], [], 0
    cases = sorted(ElementTree.fromstring(junit).iter("testcase"), key=lambda case: case.get("classname", ""))
    for case in cases:
        is_passed = all(child.tag not in {"failure", "error", "skipped"} for child in case)
        passed += is_passed
        where = case.get("classname", "").removeprefix("tests.").partition(".")[0]
        name, _, variant = case.get("name", "").removeprefix("test_").partition("[")
        told = name.replace("_", " ") + (f" ({variant.rstrip(']')})" if variant else "")
        seconds = float(case.get("time", "0"))
        happened += [
            f"\n**{told[:1].upper()}{told[1:]}**, {seconds:.0f} s: {noted.get('value')}.\n"
            for noted in case.iterfind("properties/property[@name='happened']")
        ]
        rows.append(f"| {where} | {told} | {'passed' if is_passed else '**failed**'} | {seconds:.0f} |")
    return _PAGE.format(
        passed=passed, total=len(cases), day=f"{day:%Y-%m-%d}", rows="\n".join(rows), happened="".join(happened)
    )


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    target.write_text(page(source.read_text(), datetime.now(UTC)))
    print(f"{target} is written")
