"""An import-linter contract: whoever is outside a context imports its package, not its insides."""

from __future__ import annotations

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

# What the composition root joins together; the doors do not offer it to anybody else. Also with a
# word before it: `flash_tables`.
JOINED = ("handlers", "jobs", "tables", "gateways", "webhooks")


class FrontDoorContract(Contract):
    """`container`: the package of contexts; `open`: those of its parts anybody may enter.

    The modules of `composition_root` may also import the parts named in JOINED.
    """

    type_name = "front_door"

    container = fields.StringField()
    open = fields.ListField(subfield=fields.StringField(), required=False)
    composition_root = fields.StringField()

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        wrong = [
            f"{importer} imports {imported}"
            for context in sorted(graph.find_children(self.container))
            if context not in (self.open or ())
            for imported in sorted(graph.find_descendants(context))
            for importer in sorted(graph.find_modules_that_directly_import(imported))
            if not self._may(importer, imported, context)
        ]
        return ContractCheck(kept=not wrong, metadata={"wrong": wrong})

    def _may(self, importer: str, imported: str, context: str) -> bool:
        if _within(importer, context):
            return True
        part = imported.removeprefix(f"{context}.").partition(".")[0]
        return part.rpartition("_")[2] in JOINED and _within(importer, self.composition_root)

    def render_broken_contract(self, check: ContractCheck) -> None:
        for line in check.metadata["wrong"]:
            output.print_error(line)


def _within(module: str, package: str) -> bool:
    return f"{module}.".startswith(f"{package}.")
