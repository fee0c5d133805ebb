"""The REST API: answers to requests, or the room whose media stream a request may join."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from voipbin_cli.finding_ids import FindingId
from voipbin_cli.simulator.authority import PASSWORD, USERNAME, Authority, Grant
from voipbin_cli.simulator.http import Request, Response, json_response
from voipbin_cli.simulator.rooms import Room
from voipbin_cli.simulator.scenario import Refusal, RoomKind, Scenario
from voipbin_cli.text import is_uuid

_ROUTE = re.compile(r"/v1\.0/(calls|conferences)(?:/([^/]+)(/media_stream)?)?")
_CUSTOMER = "/v1.0/customer"
_PCAP_ROUTE = re.compile(r"/v1\.0/timelines/calls/([^/]+)/pcap")
_SIP_ROUTE = re.compile(r"/v1\.0/timelines/calls/([^/]+)/sip-analysis")
# What a phone lost whose sound has holes, in percent.
_PHONE_LOSS_PERCENT = 4.1
_KINDS = {"calls": RoomKind.CALL, "conferences": RoomKind.CONFERENCE}
_MAX_PAGE = 100

_NO_ROUTE = Refusal(404, "ROUTE_NOT_FOUND", "There is no such route.")
_BAD_ID = Refusal(400, "INVALID_ID", "The id is not a UUID.")
_MISSING_PARAMETER = Refusal(400, "MISSING_REQUEST_PARAMETER", "A parameter is missing or wrong.")
_NOT_FOUND = {
    RoomKind.CALL: Refusal(404, "CALL_NOT_FOUND", "The call was not found."),
    RoomKind.CONFERENCE: Refusal(404, "RESOURCE_NOT_FOUND", "The conference was not found."),
}
# Statuses that concern the account or the service: every request gets them, not those of one call.
_EVERY_REQUEST = (401, 429, 500, 503)
# Statuses of the stream alone: the call itself can still be looked at.
_STREAM_ONLY = (409,)


class Join(NamedTuple):
    """The request may become a media stream of `room`."""

    room: Room
    encapsulation: str
    expires_s: float | None


class SimulatedApi:
    """Answers requests; knows the calls but no sockets. `wall` gives Unix time in seconds."""

    def __init__(
        self,
        scenario: Scenario,
        rooms: Mapping[RoomKind, list[Room]],
        authority: Authority,
        wall: Callable[[], float],
        pcap: Callable[[Room], bytes],
    ) -> None:
        self._scenario = scenario
        self._rooms = rooms
        self._authority = authority
        self._wall = wall
        self._pcap = pcap
        self._requests = 0
        self._refused = 0

    def handle(self, request: Request) -> Response | Join:
        """Return the answer to `request`, or the room whose stream it may join."""
        self._requests += 1
        if request.path == "/auth/login":
            return self._login(request)
        outcome = self._route(request)
        return self._envelope(outcome) if isinstance(outcome, Refusal) else outcome

    def _envelope(self, refusal: Refusal) -> Response:
        content = {
            "status": refusal.status,
            "reason": refusal.reason,
            "message": refusal.message,
            "request_id": self._scenario.uuid(f"request/{self._requests}"),
        }
        retry_after = refusal.retry_after_s
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        return json_response({"error": content}, refusal.status, **headers)

    def _login(self, request: Request) -> Response:
        """Bad credentials, and anything else that is wrong, give a bare 400."""
        try:
            content = json.loads(request.body)
            given = (content["username"], content["password"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return Response(400)
        refusal = self._scenario.refusal
        if request.method != "POST" or given != (USERNAME, PASSWORD):
            return Response(400)
        if refusal is not None and refusal.status == 401:
            return Response(400)
        return json_response({"username": USERNAME, "token": self._authority.issue(self._wall())})

    def _route(self, request: Request) -> Response | Join | Refusal:
        grant = self._authority.check(request, self._wall())
        if isinstance(grant, Refusal):
            return grant
        if self._refuses(*_EVERY_REQUEST):
            return self._refusal()
        found = _PCAP_ROUTE.fullmatch(request.path)
        if found and request.method == "GET":
            room = self._find(RoomKind.CALL, found[1])
            return room if isinstance(room, Refusal) else _pcap_response(self._pcap(room))
        found = _SIP_ROUTE.fullmatch(request.path)
        if found and request.method == "GET":
            room = self._find(RoomKind.CALL, found[1])
            return room if isinstance(room, Refusal) else json_response(_sip_analysis(room))
        if request.path == _CUSTOMER and request.method == "GET":
            return json_response({"name": "simulated", "metadata": {"rtp_debug": True}})
        found = _ROUTE.fullmatch(request.path)
        if not found or request.method != "GET":
            return _NO_ROUTE
        kind = _KINDS[found[1]]
        if found[2] is None:
            return self._list(kind, request.query)
        return self._one(self._find(kind, found[2]), bool(found[3]), request, grant)

    def _one(
        self, room: Room | Refusal, is_stream: bool, request: Request, grant: Grant
    ) -> Response | Join | Refusal:
        if isinstance(room, Refusal):
            return room
        if not is_stream:
            return json_response(room.to_json())
        if self._refuses(*_STREAM_ONLY) or self._refuses_again(room):
            return self._refusal()
        return Join(room, request.query.get("encapsulation", ""), grant.expires_s)

    def _find(self, kind: RoomKind, room_id: str) -> Room | Refusal:
        if not is_uuid(room_id.lower()):
            return _BAD_ID
        room = next((room for room in self._rooms[kind] if room.id == room_id.lower()), None)
        if room is None:
            return _NOT_FOUND[kind]
        if self._refuses(403):
            return self._refusal()
        return _NOT_FOUND[kind] if self._refuses(404) else room

    def _refuses(self, *statuses: int) -> bool:
        refusal = self._scenario.refusal
        return refusal is not None and refusal.status in statuses and not refusal.after_drop

    def _refuses_again(self, room: Room) -> bool:
        """Whether streams are refused for a while because the last one was lost."""
        refusal = self._scenario.refusal
        if refusal is None or not refusal.after_drop or not room.was_dropped:
            return False
        return refusal.count is None or self._refused < refusal.count

    def _refusal(self) -> Refusal:
        self._refused += 1
        assert self._scenario.refusal is not None
        return self._scenario.refusal

    def _list(self, kind: RoomKind, query: Mapping[str, str]) -> Response | Refusal:
        """One page, newest first; the token is the creation time of the last one shown."""
        size = query.get("page_size", str(_MAX_PAGE))
        if not (size.isascii() and size.isdigit() and len(size) < 9 and int(size)):
            return _MISSING_PARAMETER
        views = sorted(
            (room.to_json() for room in self._rooms[kind]),
            key=lambda view: str(view["tm_create"]),
            reverse=True,
        )
        token = query.get("page_token", "")
        rest = [view for view in views if not token or view["tm_create"] < token]
        page = rest[: min(int(size), _MAX_PAGE)]
        more = page[-1]["tm_create"] if len(rest) > len(page) else ""
        return json_response({"result": page, "next_page_token": more})


def _pcap_response(content: bytes) -> Response:
    return Response(200, content, "application/vnd.tcpdump.pcap")


def _sip_analysis(room: Room) -> dict[str, Any]:
    """The answer of sip-analysis: figures of the phone's RTP stand in it from the BYE on."""
    answer: dict[str, Any] = {"next_page_token": "", "result": []}
    if not room.is_over:
        return answer
    is_lossy = room.scenario.finding is FindingId.UPSTREAM_LOSS
    packets = max(1, room.ticks_played)
    stats = {
        "mos": 3.3 if is_lossy else 4.4,
        "jitter": 7,
        "packet_loss_pct": _PHONE_LOSS_PERCENT if is_lossy else 0.0,
        "rtt": 260_682,
        "rtp_bytes": packets * 172,
        "rtp_packets": packets,
        "rtp_errors": 0,
    }
    return answer | {"rtcp_stats": stats}
