"""For authors of adapters: the base of an adapter, values of an application and an offer, errors, and readers of wires.

An adapter imports this package alone; `app` and `workers` are private. `osago_adapters.ready_made` has the adapters that come
along, to derive from, and `osago_adapters.testing` the surroundings that a suite puts around an adapter.
"""

from app.config.insurers_file import PollInterval
from app.domain.application import (
    Address,
    Application,
    Consent,
    Driver,
    DrivingLicense,
    IdentityDocument,
    IdentityDocumentKind,
    Organisation,
    Party,
    Person,
    PolicyNumber,
    PreviousLicense,
    Sex,
    Vehicle,
    VehicleCategory,
    VehicleDocument,
    VehicleDocumentKind,
    VehiclePurpose,
)
from app.domain.errors import (
    InsurerBusy,
    InsurerCredentials,
    InsurerError,
    InsurerProtocol,
    InsurerRejected,
    InsurerUnavailable,
    WrongSetting,
)
from app.domain.insurer_call import CallbackRule, InsurerCall
from app.domain.money import Money, roubles
from app.domain.offers.coefficients import Coefficients, DriverCoefficients
from app.domain.offers.extras import Extra
from app.domain.offers.refusals import MendableProblem
from app.domain.quote import Answer, NoOffer, Offer, Reason, ReasonCode
from app.runtime.clock import Clock
from app.use_cases.insurer_callbacks import is_signed
from workers.adapters.adapter import Abilities, Adapter, Created, InsurerAccess
from workers.adapters.transport.insurer_http import InsurerHttp, Reply
from workers.adapters.transport.retry_after import retry_after_s
from workers.adapters.wire import (
    MAY_REFUSE,
    NOT_JSON,
    NOT_READ,
    Declined,
    Offered,
    Processing,
    as_created,
    as_offer,
    as_refusal,
    as_wire,
    optional,
    read_answer,
    read_status,
    reader,
    refusal_in,
    refused,
    to_json,
)

__all__ = [
    "MAY_REFUSE",
    "NOT_JSON",
    "NOT_READ",
    "Abilities",
    "Adapter",
    "Address",
    "Answer",
    "Application",
    "CallbackRule",
    "Clock",
    "Coefficients",
    "Consent",
    "Created",
    "Declined",
    "Driver",
    "DriverCoefficients",
    "DrivingLicense",
    "Extra",
    "IdentityDocument",
    "IdentityDocumentKind",
    "InsurerAccess",
    "InsurerBusy",
    "InsurerCall",
    "InsurerCredentials",
    "InsurerError",
    "InsurerHttp",
    "InsurerProtocol",
    "InsurerRejected",
    "InsurerUnavailable",
    "MendableProblem",
    "Money",
    "NoOffer",
    "Offer",
    "Offered",
    "Organisation",
    "Party",
    "Person",
    "PolicyNumber",
    "PollInterval",
    "PreviousLicense",
    "Processing",
    "Reason",
    "ReasonCode",
    "Reply",
    "Sex",
    "Vehicle",
    "VehicleCategory",
    "VehicleDocument",
    "VehicleDocumentKind",
    "VehiclePurpose",
    "WrongSetting",
    "as_created",
    "as_offer",
    "as_refusal",
    "as_wire",
    "is_signed",
    "optional",
    "read_answer",
    "read_status",
    "reader",
    "refusal_in",
    "refused",
    "retry_after_s",
    "roubles",
    "to_json",
]
