"""Each package says what it imports: an image has only that, while the workspace has everything."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).parents[2]
_PACKAGES = [
    path.parent for path in sorted(_ROOT.glob("*/pyproject.toml")) + sorted(_ROOT.glob("services/*/pyproject.toml"))
]
_STANDARD = sys.stdlib_module_names | {"compression"}  # from 3.14 on
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_DISTRIBUTIONS = packages_distributions()


def _imported(package: Path) -> Iterator[tuple[str, Path]]:
    """Top names of what its modules import, and where; also what is imported inside a function."""
    for module in package.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            yield from ((name.partition(".")[0], module) for name in names)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _project(package: Path) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


_BY_NAME = {_normal(_project(package)["name"]): package for package in _PACKAGES}


def _declared(package: Path) -> set[str]:
    """Names of itself and what it depends on, with what our own packages among them bring."""
    project = _project(package)
    wanted = {_normal(match[0]) for name in project.get("dependencies", ()) if (match := _NAME.match(name))}
    brought = (_declared(_BY_NAME[name]) for name in wanted & _BY_NAME.keys())
    return {_normal(project["name"])}.union(wanted, *brought)


def undeclared(package: Path) -> list[str]:
    """What a package imports and neither is, nor has in the standard library, nor declares."""
    declared = _declared(package)
    found = {
        f"{module.relative_to(package)} imports {name}"
        for name, module in _imported(package)
        if name not in _STANDARD
        and not declared & {_normal(distribution) for distribution in _DISTRIBUTIONS.get(name, [name])}
    }
    return sorted(found)


def test_there_are_packages_to_look_at() -> None:
    assert {"shared", "cli", "ingest", "views", "related", "feed", "web"} <= {package.name for package in _PACKAGES}


@pytest.mark.parametrize("package", _PACKAGES, ids=lambda package: package.name)
def test_a_package_declares_what_it_imports(package: Path) -> None:
    assert not undeclared(package)


def test_an_undeclared_import_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "lone"\ndependencies = ["httpx>=0.27"]\n')
    (tmp_path / "lone.py").write_text("import json, httpx\n\ndef late():\n    import msgpack\n")
    assert undeclared(tmp_path) == ["lone.py imports msgpack"]
