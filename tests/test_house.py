"""The rules of the house, held by walking the code."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("signals", "sessions", "analysis", "modeling", "capture", "reports")
LONGEST_FILE = 400
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}
ONE_GATE = ("soundfile", "sounddevice", "typst")
NETWORKS = ("torch", "auraloss")

DOOR = ROOT / "tape.py"
CODE = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
BESIDE = [path for folder in ("benchmarks", "docs", "examples") for path in sorted((ROOT / folder).rglob("*.py"))]
EVERYTHING = [*CODE, *TESTS, *BESIDE, DOOR]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path, everywhere: bool = True) -> Iterator[str]:
    """Modules that a file imports: anywhere in it, or only those that importing it imports; not those for types alone."""
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}: relative import in line {node.lineno}"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            waiting += node.orelse
        elif everywhere or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def first_names(path: Path, everywhere: bool = True) -> set[str]:
    return {module.split(".")[0] for module in imports(path, everywhere)}


def run_python(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("path", CODE, ids=name_of)
def test_a_room_imports_only_from_rooms_below(path):
    floor = ROOMS.index(path.relative_to(ROOT).parts[0])
    assert first_names(path) & {*ROOMS[floor + 1 :], "tape", "tests"} == set()


def test_the_import_walk_sees_imports_in_functions_and_not_those_for_types(tmp_path):
    file = tmp_path / "file.py"
    file.write_text(
        "import a.b\nif TYPE_CHECKING:\n    import t\nelse:\n    import u\n"
        "def f():\n    from c import d\n    class G:\n        import e\nclass H:\n    import g\n"
    )
    assert set(imports(file)) == {"a.b", "u", "c", "c.d", "e", "g"}
    assert set(imports(file, everywhere=False)) == {"a.b", "u", "g"}


def test_the_rooms_load_from_beside_the_door():
    script = (
        f"import importlib, pathlib; names = {ROOMS!r}; "
        "print(pathlib.Path(importlib.import_module('tape').__file__).parent);"
        "[print(pathlib.Path(importlib.import_module(n).__file__).parents[1]) for n in names]"
    )
    assert {Path(line).resolve() for line in run_python(script).splitlines()} == {ROOT.resolve()}


def test_the_tests_are_no_packages():
    assert [name_of(path) for path in TESTS if path.name == "__init__.py"] == []


@pytest.mark.parametrize("path", EVERYTHING, ids=name_of)
def test_a_file_is_one_idea(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE
    assert EMPTY_NAMES & {Path(part).stem for part in path.relative_to(ROOT).parts} == set()


@pytest.mark.parametrize("library", ONE_GATE)
def test_each_foreign_library_has_one_gate(library):
    assert len([name_of(path) for path in [*CODE, DOOR] if library in first_names(path)]) <= 1


def test_networks_live_in_modeling_outside_the_deck():
    users = [name_of(path) for path in [*CODE, DOOR] if first_names(path) & set(NETWORKS)]
    assert [name for name in users if not name.startswith("modeling/") or name.startswith("modeling/deck/")] == []


def test_nothing_but_a_network_loads_torch():
    """Every module that does not import torch itself can be imported without it, whatever it imports in turn."""
    modules = [module_of(path) for path in CODE if not first_names(path, everywhere=False) & set(NETWORKS)]
    script = (
        f"import importlib, sys\nfor name in {modules!r}:\n    importlib.import_module(name)\n"
        "    assert 'torch' not in sys.modules, name + ' loads torch'"
    )
    run_python(script)


def test_help_is_quick_and_loads_neither_torch_nor_sound_devices():
    script = (
        "import sys, time\nstart = time.process_time()\nimport tape\nspent = time.process_time() - start\n"
        "sys.argv = ['tape', '--help']\n"
        "try:\n    tape.main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "print(spent, *sorted({m.split('.')[0] for m in sys.modules}))"
    )
    runs = [run_python(script).splitlines() for _ in range(3)]
    assert any("capture" in line for line in runs[0][:-1]), "no help was printed"
    assert {"torch", "sounddevice"} & set(runs[0][-1].split()) == set()
    assert min(float(run[-1].split()[0]) for run in runs) < 0.5


def test_every_dependency_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(r for extra in project["optional-dependencies"].values() for r in extra)]
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE))
    pinned = {name.lower().replace("_", "-") for name in pins}
    assert {re.split(r"[<>=!~\[; ]", r, maxsplit=1)[0].lower().replace("_", "-") for r in wanted} <= pinned
    assert pins["torch"] == "2.13.0"


def test_caches_stay_out_of_the_repository():
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"__pycache__/", ".venv/"} <= set(ignored)  # numba keeps its caches in __pycache__
