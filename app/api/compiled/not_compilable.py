"""What has no plan, and what is done about a plan that fails."""

from typing import Final

from app.runtime.supervision import report_failure

PLANS: Final = "plans"
"""What its failures are counted under."""


class NotCompilable(Exception):
    """There is something in the document that only graphql-core is trusted with."""


def report_fault(error: Exception) -> None:
    """A bug in a plan, or in what compiles it: it costs the plan, and graphql-core answers."""
    report_failure(PLANS, error)
