"""`osago explain`: finds a request, and prints its story for people or, as JSON, for programs.

Exit codes: 0 the story, 1 no such request, 2 a wrong setting or a server that is away, 3 several requests to choose from.
"""

import sys
from typing import Final

import msgspec

from app.resources import open_resources
from app.story.explain import explain
from app.story.request_story import Explanation, NoRequest, RequestStory, SeveralRequests
from cli.demo_settings import load_settings
from cli.explain.story_text import story_lines
from cli.server_access import run_against_servers

NOT_THERE: Final = 1
SEVERAL: Final = 3


def explain_request(subject: str, *, service: str, as_json: bool) -> int:
    """Prints what there is to say; returns the exit code."""
    settings = load_settings()

    async def ask() -> Explanation:
        async with open_resources(settings) as resources:
            return await explain(resources, subject, service=service or None)

    found = run_against_servers(ask)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    match found:
        case RequestStory():
            if not as_json:
                print("\n".join(story_lines(found)))
            return 0
        case SeveralRequests():
            if not as_json:
                _print_choice(subject, found)
            return SEVERAL
        case NoRequest():
            _print_none(subject, service, found)
            return NOT_THERE


def _print_choice(subject: str, found: SeveralRequests) -> None:
    print(f"osago explain: {len(found.requests)} callers have a request {subject}:", file=sys.stderr)
    for one in found.requests:
        state = f"ended {one.ended_at:%Y-%m-%d %H:%M:%S}" if one.ended_at else "open"
        print(f"{one.request_id}  {one.service:<20}  accepted {one.accepted_at:%Y-%m-%d %H:%M:%S} UTC  {state}")
    print("name one by its id, or its caller with --service", file=sys.stderr)


def _print_none(subject: str, service: str, found: NoRequest) -> None:
    of = f" of {service}" if service else ""
    if found.was_forgotten:
        print(f"osago explain: {subject}: destroyed on its customer's demand; nothing of it is left", file=sys.stderr)
    else:
        print(f"osago explain: no request{of} has the id or the client reference {subject}", file=sys.stderr)
