"""YAML that does not grow: a few aliases and merges can stand for more than a memory holds.

In a config that somebody writes, an alias may spare a list; so what counts is how much they stand
for. One that comes in an archive was written by this program, which needs none.
"""

from __future__ import annotations

from typing import Any

import yaml

# Values, keys, lists and mappings; the default study's config has some 150.
_LARGEST = 20_000


class _WithoutAliases(yaml.SafeLoader):
    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.composer.ComposerError(None, None, "an alias, which is not allowed", mark)
        return super().compose_node(parent, index)


def load_plain(text: str) -> Any:
    """What a text says that holds no aliases, and so no merges of mappings that it names.

    Raises:
        yaml.YAMLError: it is no YAML, or holds an alias.

    """
    return yaml.load(text, _WithoutAliases)


def grows(root: yaml.Node | None) -> bool:
    """Whether a composed text stands for more values than a config has, aliases and merges
    written out. One that stands inside itself counts once.
    """
    sizes: dict[int, int] = {}

    def size(node: yaml.Node) -> int:
        if id(node) not in sizes:
            sizes[id(node)] = 0
            sizes[id(node)] = 1 + sum(map(size, _inside(node)))
        return sizes[id(node)]

    return root is not None and size(root) > _LARGEST


def _inside(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
