"""The plans that a process has, as tests look at them."""

from app.api.compiled.mutation_plan import MutationPlan
from app.api.execution.prepared_documents import Operation, PreparedDocuments


def planned(documents: PreparedDocuments) -> list[Operation]:
    """The operations of services that have a plan."""
    entries = documents._of_services._entries.values()
    operations = [operation for entry in entries for operation in entry.value.operations.values()]
    return [operation for operation in operations if isinstance(operation.plan, MutationPlan)]
