"""The services of the transports: the use cases, and the execution of operations over them."""

from dataclasses import dataclass

from app.api.connections.slow_consumers import SlowConsumerLog
from app.api.connections.socket_limits import SocketCounter
from app.api.context import UseCases
from app.api.execution.operation import OperationRunner
from app.api.execution.prepared_documents import PreparedDocuments
from app.redis.used_tickets import UsedTickets
from app.runtime.shielded_tasks import ShieldedTasks
from app.use_cases.controls.control_watch import ControlWatch


@dataclass(frozen=True, slots=True)
class Services(UseCases):
    """For the life of the process."""

    operations: PreparedDocuments
    runner: OperationRunner
    finishing: ShieldedTasks
    sockets: SocketCounter
    slow_consumers: SlowConsumerLog
    used_tickets: UsedTickets
    controls: ControlWatch
