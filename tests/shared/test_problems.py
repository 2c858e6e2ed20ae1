from pathlib import Path

from news_shared.problems import PROBLEMS

DOCS = Path(__file__).parents[2] / "docs" / "problems.md"


def test_every_problem_is_documented_with_its_status() -> None:
    rows = {
        cells[1].strip().strip("`"): int(cells[2])
        for line in DOCS.read_text().splitlines()
        if len(cells := line.split("|")) > 3 and "/problems/" in cells[1]
    }
    assert rows == {problem.type: int(problem.status) for problem in PROBLEMS}
