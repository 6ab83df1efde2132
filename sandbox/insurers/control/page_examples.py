"""Examples that the control API's page offers to try."""

from typing import Final

from fastapi.openapi.models import Example

SCRIPTS: Final[dict[str, Example]] = {
    "busy, then an offer": {
        "summary": "Busy twice, then an offer",
        "value": [
            {"kind": "status", "status": 429, "retryAfter": 2, "times": 2},
            {"kind": "offer", "premium": "5432.10"},
        ],
    },
    "an ambiguous create": {
        "summary": "The application is taken in, but the connection breaks before the answer",
        "value": [{"kind": "broken-connection", "step": "create"}],
    },
    "one request only": {
        "summary": "Every poll of one request hangs, all others are as usual",
        "value": [
            {
                "kind": "hang",
                "step": "poll",
                "times": "forever",
                "keyPrefix": "0199c0de-0000-7000-8000-000000000001",
            }
        ],
    },
    "accepted without a premium": {
        "summary": "Processing three times, then not as agreed",
        "value": [
            {"kind": "processing", "times": 3},
            {"kind": "wrong-shape", "step": "poll", "body": {"status": "ok"}},
        ],
    },
    "slow and large": {
        "summary": "A slow create, then a poll of 64 MiB",
        "value": [
            {"kind": "slow-body", "step": "create", "seconds": 3},
            {"kind": "huge-body", "step": "poll", "sizeBytes": 67108864},
        ],
    },
    "called back twice": {
        "summary": "Calls back twice, before the create is answered (dialect `callback`)",
        "value": [{"kind": "call-back", "calls": 2, "early": True}],
    },
    "no token": {
        "summary": "The next OAuth2 token is refused (dialect `rest-oauth2`)",
        "value": [{"kind": "status", "step": "token", "status": 503}],
    },
    "refused": {
        "summary": "Declined with a code of one's choice",
        "value": [{"kind": "decline", "code": "VEHICLE_TOO_OLD"}],
    },
}

MODES: Final[dict[str, Example]] = {
    "down": {"summary": "Down for maintenance", "value": {"kind": "status", "status": 503, "retryAfter": 30}},
    "hanging": {"summary": "No call gets an answer", "value": {"kind": "hang"}},
    "never ready": {"summary": "Every application stays in processing", "value": {"kind": "processing"}},
    "slow": {"summary": "Every call takes four seconds more", "value": {"kind": "delay", "seconds": 4}},
}

SETTINGS: Final[dict[str, Example]] = {
    "quick and calm": {
        "summary": "Ten times as quick, nothing left to chance",
        "value": {"timeScale": 0.1, "calm": True},
    },
    "another world": {"summary": "Every outcome drawn anew", "value": {"seed": 42}},
}
