"""Stopping and letting go on; and what only two people together may do."""

import asyncio
import os
from typing import Annotated, Any, Final

from fastapi import Path, Query, Request

from dutchbook.domain.units import SECOND
from dutchbook.gateway import rows, shapes, store
from dutchbook.gateway.bodies import Ask, Halt, Kill, Scope
from dutchbook.gateway.door import door, new_router
from dutchbook.gateway.ports import Told
from dutchbook.gateway.problems import Problem
from dutchbook.gateway.routes.common import asked, carry, done, gate, who
from dutchbook.gateway.shapes import when

router = new_router()
ApprovalId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]
LIFE = 15 * 60 * SECOND
"""How long something waits for its second person."""
NEXT: Final = "the next run begins killed"


def _halts(request: Request) -> Any:
    account = gate(request).model.account
    return account.money["halts"] if account else None


@door(router, "POST", "/control/halt", scope="control:pause", answer=shapes.Done,
      summary="Begin nothing new (pause), or also cancel what is open (halt)")  # fmt: skip
async def halt(request: Request, body: Halt) -> shapes.Done:
    """`scope`: all, venue:NAME, market:KEY or strategy:NAME."""
    told = await carry(
        request, body.level,
        gate(request).run.command(who(request).label, body.level, (body.scope,)),
        before=_halts(request), sent=body.scope,
    )  # fmt: skip
    return done(told, body.level)


@door(router, "POST", "/control/resume", scope="control:pause", answer=shapes.Done,
      summary="Let trading go on")  # fmt: skip
async def resume(request: Request, body: Scope) -> shapes.Done:
    """A kill is not resumed: POST /control/approvals, and a second person."""
    told = await carry(
        request, "resume", gate(request).run.command(who(request).label, "resume", (body.scope,)),
        before=_halts(request), sent=body.scope,
    )  # fmt: skip
    return done(told, "resumed")


@door(router, "POST", "/control/kill", scope="control:kill", answer=shapes.Done,
      summary="Stop everything at once")  # fmt: skip
async def kill(request: Request, body: Kill) -> shapes.Done:
    """No new risk leaves, open orders are canceled; without a run the next one begins killed. Where
    something could not be sold the answer is a problem that says so: killed it is."""
    told = await carry(
        request, "kill", _killed(request, flatten=body.flatten),
        before=_halts(request), sent={"flatten": body.flatten},
    )  # fmt: skip
    return done(told, "killed") if told.seq else shapes.Done(0, NEXT, [], [])


async def _killed(request: Request, *, flatten: bool) -> Told:
    """What a kill brought about; Problem where that is not all of what was asked for."""
    told = await asked(gate(request).run.kill(who(request).label, flatten=flatten))
    if told is None:
        if flatten:
            raise Problem("partly_done", f"nothing was sold: no run is going on; {NEXT}",
                          fix="start the run, then kill with flatten again")  # fmt: skip
        return Told(0, (), ())
    left = [rows.note(name, plain) for name, plain in told.notes if name == "Refused"]
    if left:
        raise Problem(
            "partly_done", f"all trading is stopped; {len(left)} position(s) can't be sold now: the"
            f" first is {left[0]['what']}, {left[0]['reason']}", fix="GET /positions",
            more={"seq": told.seq, "orders": list(told.orders), "left": left},
        )  # fmt: skip
    return told


@door(router, "POST", "/control/reload", scope="control:reload", answer=dict[str, list[str]],
      summary="Read the settings again")  # fmt: skip
async def reload(request: Request) -> dict[str, list[str]]:
    """What changed since the start, and what of it needs a restart."""
    found: dict[str, list[str]] = await carry(
        request, "reload", gate(request).run.reload(who(request).label)
    )
    return found


def _shown(row: store.Row, now: int) -> shapes.Approval:
    status = row["status"]
    if status == "open" and now >= row["expires_at"]:
        status = "expired"
    return shapes.Approval(
        row["id"], row["action"], row["args"].split(), row["reason"], row["asked_by"],
        when(row["asked_at"]), when(row["expires_at"]), row["decided_by"], status,
    )  # fmt: skip


@door(router, "GET", "/control/approvals", scope="approvals:write", answer=list[shapes.Approval],
      summary="What waits for a second person")  # fmt: skip
async def list_approvals(
    request: Request, status: Annotated[str, Query(max_length=20)] = ""
) -> list[shapes.Approval]:
    """Newest first."""
    gateway = gate(request)
    found = await asyncio.to_thread(gateway.identity.tables.all, store.approvals)
    shown = [_shown(row, gateway.clock.now()) for row in found]
    shown.sort(key=lambda one: (str(one.asked_at), one.id), reverse=True)
    return [one for one in shown if status in ("", one.status)][:500]


@door(router, "POST", "/control/approvals", scope="approvals:write", answer=shapes.Approval,
      status=201, summary="Ask for something that needs two people")  # fmt: skip
async def ask_approval(request: Request, body: Ask) -> shapes.Approval:
    """raise_limit (setting, value) or clear_kill. It waits fifteen minutes. go_live is refused: its
    locks, the sealed keys and the person who types the amount are at the machine."""
    gateway, asker = gate(request), who(request)
    if body.action == "go_live":
        refusal = Problem(
            "at_the_machine", "no gateway puts real money to work, however many ask",
            fix="at the machine: dutchbook go-live, then dutchbook run --mode live --live",
        )  # fmt: skip
        await gateway.identity.record(
            asker.label, request.state.address, "ask go_live", refusal.code, None, body.reason
        )
        raise refusal
    if body.action == "raise_limit" and len(body.args) != 2:
        raise Problem("invalid", "body.args: a setting and its value",
                      fix='["risk.per_basket", "75"]')  # fmt: skip
    if body.action == "clear_kill" and body.args:
        raise Problem("invalid", "body.args: clear_kill takes none", fix="leave args out")
    now = gateway.clock.now()
    row: store.Row = {
        "id": os.urandom(8).hex(), "action": body.action, "args": " ".join(body.args),
        "reason": body.reason, "asked_by": asker.name, "asked_at": now,
        "expires_at": now + LIFE, "decided_by": "", "decided_at": 0, "status": "open",
    }  # fmt: skip
    await asyncio.to_thread(gateway.identity.tables.add, store.approvals, row)
    await gateway.identity.record(
        asker.label, request.state.address, f"ask {body.action}", "done", None, row["id"]
    )
    return _shown(row, now)


@door(router, "POST", "/control/approvals/{approval_id}/approve", scope="approvals:decide",
      answer=shapes.Approval, summary="Approve it as the second person, and do it")  # fmt: skip
async def approve(request: Request, approval_id: ApprovalId) -> shapes.Approval:
    """Never by whoever asked, however many keys they have."""
    gateway, asker = gate(request), who(request)
    row = await _open(request, approval_id)
    if row["asked_by"] == asker.name and gateway.config.four_eyes:
        await gateway.identity.denied(
            asker.label, request.state.address, f"approve {row['action']}", "forbidden"
        )
        raise Problem("forbidden", "somebody else has to approve it",
                      fix="four eyes: ask a second person of role risk or admin")  # fmt: skip
    await _decide(request, row, "approved")
    both = f"{row['asked_by']} and {asker.label}"
    try:
        await carry(request, f"approve {row['action']}", _do(request, row, both),
                    before=row["asked_by"], sent=row["args"])  # fmt: skip
    except Problem:
        await asyncio.to_thread(
            gateway.identity.tables.change, store.approvals, {"id": row["id"]},
            {"status": "failed"},
        )  # fmt: skip
        raise
    return _shown(row | {"status": "approved", "decided_by": asker.name}, gateway.clock.now())


@door(router, "POST", "/control/approvals/{approval_id}/refuse", scope="approvals:decide",
      answer=shapes.Approval, summary="Refuse it")  # fmt: skip
async def refuse_approval(request: Request, approval_id: ApprovalId) -> shapes.Approval:
    """Also by whoever asked: nothing happens then."""
    gateway, asker = gate(request), who(request)
    row = await _open(request, approval_id)
    await _decide(request, row, "refused")
    await gateway.identity.record(
        asker.label, request.state.address, f"refuse {row['action']}", "done", None, row["id"]
    )
    return _shown(row | {"status": "refused", "decided_by": asker.name}, gateway.clock.now())


async def _open(request: Request, approval_id: str) -> store.Row:
    gateway = gate(request)
    row = await asyncio.to_thread(
        lambda: gateway.identity.tables.get(store.approvals, id=approval_id)
    )
    if row is None:
        raise Problem("not_found", "there is no such request", fix="GET /control/approvals")
    if row["status"] != "open":
        raise Problem("conflict", f"it was {row['status']} already", fix="ask again")
    if gateway.clock.now() >= row["expires_at"]:
        raise Problem("expired", "it waited too long", fix="ask again")
    return row


async def _decide(request: Request, row: store.Row, status: str) -> None:
    """One decides, and one only."""
    gateway = gate(request)
    values = {"status": status, "decided_by": who(request).name,
              "decided_at": gateway.clock.now()}  # fmt: skip
    count = await asyncio.to_thread(
        gateway.identity.tables.change, store.approvals, {"id": row["id"], "status": "open"}, values
    )
    if not count:
        raise Problem("conflict", "somebody decided it just now", fix="GET /control/approvals")


async def _do(request: Request, row: store.Row, both: str) -> Any:
    run = gate(request).run
    if row["action"] == "clear_kill":
        return await run.clear_kill(both, row["reason"])
    path, value = row["args"].split(" ", 1)
    return await run.raise_limit(path, value)
