"""The tree of categories, and brands: what products are sorted by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from commerce.catalog.model import TaxCategory
from commerce.kernel.errors import Refusal

NAME_MAX = 80


class NoSuchCategory(Refusal):
    code = "no_such_category"


class NoSuchBrand(Refusal):
    code = "no_such_brand"


class StaleGroup(Refusal):
    """Somebody else saved the category or brand since it was loaded."""

    code = "stale_group"


class GroupInUse(Refusal):
    """A category or brand that products or further categories belong to stays."""

    code = "group_in_use"


class NameTaken(Refusal):
    code = "name_taken"


class BadName(Refusal):
    code = "bad_name"


class CategoryLoop(Refusal):
    """A category is not within itself."""

    code = "category_loop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    id: str
    name: str
    parent_id: str = ""
    tax_category: TaxCategory = TaxCategory.STANDARD  # what new products in it begin with
    path: tuple[str, ...]  # ids from the root to this one
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    id: str
    name: str
    version: int = 1


def named(name: str) -> str:
    said = " ".join(name.split())
    if not 1 <= len(said) <= NAME_MAX:
        raise BadName(maximum=NAME_MAX)
    return said


def must_be_at(group: Category | Brand, expected_version: int) -> None:
    if group.version != expected_version:
        raise StaleGroup(id=group.id, version=group.version)


def path_below(parent: Category | None, category_id: str) -> tuple[str, ...]:
    above = parent.path if parent else ()
    if category_id in above:
        raise CategoryLoop(category_id=category_id)
    return (*above, category_id)


def replanted(tree: Sequence[Category], moved: Category) -> list[Category]:
    """Those below what moved, with the paths they have now."""
    return [
        replace(one, path=(*moved.path, *one.path[one.path.index(moved.id) + 1 :]))
        for one in tree
        if moved.id in one.path[:-1]
    ]


def in_order(tree: Sequence[Category]) -> list[Category]:
    """Each below its parent, siblings by name."""
    names = {one.id: one.name for one in tree}
    return sorted(tree, key=lambda one: [(names.get(id, "").casefold(), id) for id in one.path])
