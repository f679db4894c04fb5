"""The package as its own imports show it: rooms, arrows between them, and floors.

A room is a folder of the package, or a module that stands at its top.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parent.parent

Arrow = tuple[str, str]
"""A room, and one that it imports."""


class House:
    """The modules of a package that lies at `root`, and their imports."""

    def __init__(self, root: Path = ROOT / "hexauth") -> None:
        self.package = root.name
        paths = sorted(root.rglob("*.py"))
        self.files = {_module(path, root.parent): path for path in paths}
        self.trees = {name: ast.parse(path.read_text("utf-8")) for name, path in self.files.items()}

    def imports(self, nodes: Iterable[ast.AST]) -> Iterator[str]:
        """Yield what `nodes` import; of our own, modules rather than the names in them."""
        for node in nodes:
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = "." * node.level + (node.module or "")
                names = [f"{base}.{alias.name}" for alias in node.names]
                yield from (name if name in self.trees else base for name in names)

    def neighbors(self, module: str) -> set[str]:
        """Return the modules of ours that `module` imports, wherever in it."""
        found = set(self.imports(ast.walk(self.trees[module])))
        return {name for name in found if name.partition(".")[0] == self.package} - {module}

    def room(self, module: str) -> str:
        """Return the room of a module: `vault` for `hexauth.vault.file`, empty for the package."""
        return f"{module}.".split(".")[1]

    @property
    def rooms(self) -> Mapping[str, str]:
        """Each folder that is a room, and the first sentence of its purpose."""
        folders = [name for name, path in self.files.items() if path.name == "__init__.py"]
        return {self.room(name): self.purpose(name) for name in folders if name != self.package}

    def purpose(self, module: str) -> str:
        """Return the first sentence that `module` says of itself."""
        return (ast.get_docstring(self.trees[module]) or "").splitlines()[0]

    def arrows(self) -> Mapping[Arrow, int]:
        """Return which room imports which, and how many imports of a module that is."""
        found: dict[Arrow, int] = {}
        for module in self.trees:
            for other in self.neighbors(module):
                arrow = (self.room(module), self.room(other))
                if arrow[0] != arrow[1]:
                    found[arrow] = found.get(arrow, 0) + 1
        return dict(sorted(found.items()))

    def floors(self) -> list[list[str]]:
        """Return the rooms from the ground up; each imports from lower floors alone.

        Modules at the top are no rooms: those that rooms import are the ground. Raises
        `graphlib.CycleError` if two rooms need each other.
        """
        arrows = [arrow for arrow in self.arrows() if arrow[0] in self.rooms and arrow[1]]
        below = {
            room: {low for up, low in arrows if up == room and low in self.rooms}
            for room in self.rooms
        }
        height: dict[str, int] = {}
        for room in TopologicalSorter(below).static_order():
            height[room] = 1 + max((height[other] for other in below[room]), default=0)
        ground = sorted({low for _, low in arrows if low not in self.rooms})
        levels = range(1, 1 + max(height.values()))
        return [ground, *(sorted(r for r, h in height.items() if h == level) for level in levels)]


def executed(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that run when their module is imported."""
    for child in ast.iter_child_nodes(node):
        is_typing = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
        if not is_typing and not isinstance(child, ast.FunctionDef | ast.Lambda):
            yield child
            yield from executed(child)


def _module(path: Path, above: Path) -> str:
    """Return a module's name as imports write it; a package goes by its folder's."""
    parts = path.relative_to(above).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
