"""Which modules a function comes to use, as the names in it and the imports of its module show."""

import ast
from collections.abc import Iterator, Mapping
from typing import TypeGuard

from writers.house import House

Place = tuple[str, str]
"""A module and a name in it: `function`, `Class` or `Class.method`; empty for all of it."""


class Uses:
    """What functions of one room use: they are followed inside the room, as far as its walls."""

    def __init__(self, house: House, room: str) -> None:
        self.house, self.room = house, room

    def of(self, module: str, name: str) -> set[str]:
        """Return the modules outside the room that are named on the way from this function."""
        found: set[str] = set()
        seen, places = {(module, name)}, [(module, name)]
        while places:
            for place in self._named(*places.pop()):
                if self.house.room(place[0]) != self.room:
                    found.add(place[0])
                elif place not in seen:
                    seen.add(place)
                    places.append(place)
        return found

    def _named(self, module: str, name: str) -> Iterator[Place]:
        """Yield what the function `name` names; of its parameters, the attributes."""
        function = self._function(module, name)
        nodes = [] if function is None else list(_used(function))
        known = self._known(module)
        types = {"self": (module, name.partition(".")[0])}
        hidden = {node.id for node in nodes if _is_bound(node)}
        for parameter in [] if function is None else ast.walk(function):
            if isinstance(parameter, ast.arg):
                hidden.add(parameter.arg)
                if (kind := parameter.annotation) and ast.unparse(kind) in known:
                    types[parameter.arg] = known[ast.unparse(kind)]
        seen = {each: place for each, place in known.items() if each not in hidden}
        for node in nodes:
            if isinstance(node, ast.Name) and node.id in seen:
                yield seen[node.id]
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                where, owner = types.get(node.value.id) or seen.get(node.value.id, ("", ""))
                if where:
                    yield where, f"{owner}.{node.attr}".lstrip(".")

    def _known(self, module: str) -> Mapping[str, Place]:
        """Return what names in `module` stand for, wherever they are imported or defined in it."""
        found: dict[str, Place] = {}
        tree = self.house.trees[module]
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    (source,) = self.house.imports([ast.ImportFrom(node.module, [alias], 0)])
                    name = alias.name if source == node.module else ""
                    found[alias.asname or alias.name] = (source, name)
            elif node in tree.body and isinstance(node, ast.FunctionDef | ast.ClassDef):
                found[node.name] = (module, node.name)
        return {name: place for name, place in found.items() if place[0] in self.house.trees}

    def _function(self, module: str, name: str) -> ast.FunctionDef | None:
        """Return the definition; a class has none that counts, as its methods are named alone."""
        node: ast.AST | None = self.house.trees[module]
        for part in name.split("."):
            body = getattr(node, "body", [])
            node = next((each for each in body if getattr(each, "name", "") == part), None)
        return node if isinstance(node, ast.FunctionDef) else None


def _used(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes below `node` that are no annotations."""
    notes = (getattr(node, "annotation", None), getattr(node, "returns", None))
    for child in ast.iter_child_nodes(node):
        if child not in notes:
            yield child
            yield from _used(child)


def _is_bound(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
