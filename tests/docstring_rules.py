"""What the docstrings of the package must have: `python tests/docstring_rules.py [PATH ...]` lists what they lack."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "seat_interp"
SECTIONS = ("Args", "Attributes", "Returns", "Yields", "Raises", "Example")
FRAGMENT = re.compile(
    r"(of|how|as|likewise|the same|same|what|where|who|those|that|this|by|for|with|in|if|when|which|beside|"
    r"behind|from|to|its|their|so many|as many|see|and|or|on|at)\b",
    re.IGNORECASE,
)
"""First words that make an entry a fragment where a noun phrase belongs."""
DESCRIPTIVE = re.compile(
    r"(Returns|Gives|Makes|Takes|Reads|Writes|Checks|Does|Is|Are|Has|Have|Gets|Whether|What|How|Where|Which|As|Of|All|"
    r"Every|Some|Many|One|Two|Several|A|An|The)\b"
)
"""First words that no imperative sentence has."""


def is_public(path: Path) -> bool:
    """Return whether other folders may use a module."""
    return not any(part.startswith("_") and not part.startswith("__") for part in path.relative_to(PACKAGE).parts)


def exported(path: Path) -> set[str]:
    """Return the names of a module that the face of its folder exports."""
    module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    face = ast.parse(path.with_name("__init__.py").read_text())
    taken = [node for node in ast.walk(face) if isinstance(node, ast.ImportFrom) and node.module == module]
    return {alias.name for node in taken for alias in node.names}


def sections(docstring: str) -> dict[str, str]:
    """The text of each section by its name; of what stands before them under the empty name."""
    parts = re.split(rf"^({'|'.join(SECTIONS)}):\s*$", docstring, flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2]))}


def entries(section: str) -> dict[str, str]:
    """The description of each argument or attribute; several may share one."""
    found: dict[str, str] = {}
    for match in re.finditer(r"^ {4}(\*{0,2}\w+(?:, \*{0,2}\w+)*): (.+)$", section, flags=re.MULTILINE):
        found |= {name.lstrip("*"): match[2] for name in match[1].split(", ")}
    return found


def parameters(function: ast.FunctionDef) -> list[str]:
    """Names of the parameters, without self and cls."""
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, arguments.vararg, *arguments.kwonlyargs, arguments.kwarg]
    return [each.arg for each in every if each is not None and each.arg not in ("self", "cls")]


def raises(function: ast.FunctionDef) -> bool:
    """Whether the function itself raises something."""
    inner = [node for child in function.body for node in ast.walk(child) if isinstance(node, ast.FunctionDef)]
    below = {id(node) for each in inner for node in ast.walk(each)}
    return any(isinstance(node, ast.Raise) and node.exc and id(node) not in below for node in ast.walk(function))


def of_function(function: ast.FunctionDef, accessor: bool) -> Iterator[str]:
    """What a public function lacks."""
    docstring = ast.get_docstring(function)
    if not docstring:
        yield "has no docstring"
        return
    there = sections(docstring)
    first = docstring.splitlines()[0]
    if not accessor and DESCRIPTIVE.match(first):
        yield f"does not begin with an imperative: {first!r}"
    if not accessor and (
        missing := [name for name in parameters(function) if name not in entries(there.get("Args", ""))]
    ):
        yield f"does not describe {', '.join(missing)}"
    nothing = function.returns is None or ast.unparse(function.returns) in ("None", "Iterator[None]", "NoReturn")
    if not accessor and not nothing and not {"Returns", "Yields"} & set(there):
        yield "says nothing of what it returns"
    if raises(function) and "Raises" not in there:
        yield "says nothing of what it raises"


def of_class(defined: ast.ClassDef) -> Iterator[str]:
    """What a public class lacks."""
    docstring = ast.get_docstring(defined)
    if not docstring:
        yield "has no docstring"
        return
    fields = [
        node.target.id
        for node in defined.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and not node.target.id.startswith("_")
        and "ClassVar" not in ast.unparse(node.annotation)
    ]  # fmt: skip
    said = {
        node.target.id
        for node, behind in zip(defined.body, defined.body[1:])
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        and isinstance(behind, ast.Expr) and isinstance(behind.value, ast.Constant)
    }  # fmt: skip
    described = entries(sections(docstring).get("Attributes", "")) | dict.fromkeys(said, "")
    if missing := [name for name in fields if name not in described]:
        yield f"does not describe {', '.join(missing)}"


def fragments(docstring: str | None) -> Iterator[str]:
    """Entries that are no noun phrases."""
    there = sections(docstring or "")
    for name in ("Args", "Attributes"):
        for entry, said in entries(there.get(name, "")).items():
            if FRAGMENT.match(said):
                yield f"describes {entry} by a fragment: {said!r}"


def violations(path: Path) -> Iterator[str]:
    """What a module's docstrings lack, a line each: public or exported ones everything, others noun phrases alone."""
    tree = ast.parse(path.read_text())
    where = path.relative_to(PACKAGE.parent)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield from (f"{where}:{node.lineno} {node.name} {said}" for said in fragments(ast.get_docstring(node)))
    public, taken = is_public(path), exported(path)
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        if not public and node.name not in taken:
            continue
        if isinstance(node, ast.FunctionDef):
            yield from (f"{where}:{node.lineno} {node.name} {said}" for said in of_function(node, accessor=False))
            continue
        yield from (f"{where}:{node.lineno} {node.name} {said}" for said in of_class(node))
        for method in node.body:
            if not isinstance(method, ast.FunctionDef) or method.name.startswith("_"):
                continue
            accessor = any("property" in ast.unparse(each) for each in method.decorator_list)
            said = of_function(method, accessor)
            yield from (f"{where}:{method.lineno} {node.name}.{method.name} {each}" for each in said)


if __name__ == "__main__":
    chosen = [Path(each).resolve() for each in sys.argv[1:]] or [PACKAGE]
    files = [file for path in chosen for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])]
    print("\n".join(line for file in files for line in violations(file)))
