"""All targets, by name."""

from collections.abc import Mapping

from fuzz import formats, keeping, peers
from fuzz.inputs import Target

TARGETS: Mapping[str, Target] = {
    target.name: target for target in (*formats.TARGETS, *keeping.TARGETS, *peers.TARGETS)
}
