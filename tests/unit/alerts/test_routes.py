"""Alerts and jobs over HTTP: pages that do nothing when fetched, presses, Alertmanager, Discord."""

import inspect

import fastapi
import httpx2
import msgspec
import pytest

from dutchbook.alerts.notice import Draft, Offered
from dutchbook.domain.units import SECOND, Ns
from dutchbook.emulators.messengers.discord import Server
from dutchbook.gateway.app import mount
from dutchbook.gateway.door import Guarded
from dutchbook.gateway.problems import Problem
from dutchbook.gateway.rights import Principal, scopes_of
from dutchbook.runtime.alert_far import FarPorts, called
from dutchbook.runtime.alert_ports import AlertPorts
from dutchbook.runtime.alert_routes import at_root, router

from .desk import Desk


class Ports(AlertPorts):
    def jobs(self):
        return [{"subagent_id": "backup", "status": "done"}]

    async def run_job(self, name, who):
        return {"subagent_id": name, "by": who}


class Judge:
    """Stands where the gateway does: whoever names a role in a header has it; and its diary."""

    def __init__(self, clock):
        self.clock = clock
        self.identity = self
        self.lines = []

    async def admit(self, request, scope):
        role = request.headers.get("x-who", "")
        if scope not in scopes_of(role):
            raise Problem("forbidden", role)
        request.state.who = Principal("key", "k1", role, role, scopes_of(role))

    async def record(self, who, address, what, result, before=None, after=None):
        self.lines.append((who, what, result))

    async def denied(self, who, address, what, code):
        self.lines.append((who, what, code))


async def answered(request, error):
    return error.response()


@pytest.fixture
async def served(tmp_path):
    desk = Desk(tmp_path, execute="confirm")
    desk.alerting.link = "https://box.example"
    ports = Ports(desk.alerting, Server().public_key)

    async def ask(question, args=(), *, seconds=0):
        """What the control port does with a question, without its socket."""
        found = called(ports, args)
        found = await found if inspect.isawaitable(found) else found
        return msgspec.json.decode(msgspec.json.encode(found))

    app = fastapi.FastAPI()

    @app.middleware("http")
    async def address(request, call_next):
        request.state.address = "10.0.0.9"
        return await call_next(request)

    app.state.gateway, app.state.alerts = Judge(desk.clock), FarPorts(ask)
    app.router.route_class = Guarded
    app.add_exception_handler(Problem, answered)
    for one in (at_root, router):
        mount(app, one, "")
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
        desk.diary = app.state.gateway.lines
        yield desk, client
    desk.alerting.log.close()


def offer(desk):
    until = Ns(desk.clock.now() + 40 * SECOND)
    offered = Offered("o1", 31_000, 31_000, 174_420_000, 5_580_000, until)
    return desk.alerting.offer(
        Draft("opportunity", "k", "[PAPER] ⚡ <b>A</b>", "t", offered=offered)
    )


TRADER = {"x-who": "trader"}


async def test_execute_by_call_asks_the_engine_once(served):
    desk, client = served
    name = offer(desk)
    assert (await client.post(f"/alerts/{name}/execute")).status_code == 403
    answers = [await client.post(f"/alerts/{name}/execute", headers=TRADER) for _ in range(3)]
    assert [a.status_code for a in answers] == [200, 409, 409] and len(desk.told) == 1
    assert desk.told[0].who == "trader"
    assert [line[2] for line in desk.diary] == ["done", "refused", "refused"]
    assert (await client.post("/alerts/nothing/execute", headers=TRADER)).status_code == 404


async def test_a_link_that_scanners_fetch_changes_nothing_until_somebody_posts(served):
    desk, client = served
    name = offer(desk)
    token = desk.alerting.mint.token(name)
    for _ in range(5):
        page = await client.get(f"/alerts/{name}/confirm?act=execute&token={token}")
        assert page.status_code == 200 and "&lt;b&gt;A&lt;/b&gt;" in page.text
        assert "script" not in page.text and page.headers["cache-control"] == "no-store"
    assert desk.told == []
    wrong = await client.get(f"/alerts/{name}/confirm?act=execute&token={token[:-1]}x")
    assert wrong.status_code == 404
    done = await client.post(f"/alerts/{name}/confirm", content=f"act=execute&token={token}")
    again = await client.post(f"/alerts/{name}/confirm", content=f"act=execute&token={token}")
    assert "Sending" in done.text and "Already pressed" in again.text and len(desk.told) == 1


async def test_a_code_is_guessed_five_times_at_most(served):
    desk, client = served
    name = offer(desk)
    good = desk.alerting.mint.code(name)
    page = await client.get(f"/alerts/{name}/confirm?act=dismiss")
    assert "An alert." in page.text and "Arbitrage" not in page.text
    bad = f"{(int(good) + 1) % 1_000_000:06d}"
    for code in [bad] * 5 + [good]:
        answer = await client.post(f"/alerts/{name}/confirm", content=f"act=dismiss&code={code}")
        assert answer.status_code == 403
    assert desk.alerting.center.book.lives[name].settled is None


@pytest.mark.parametrize("form", [
    b"a&b&c&d&e&f&g", b"act=execute&token=\xe9", b"act=execute&token=%e9", b"act=dismiss&code=\xb2",
    b"act=%00&token=%ff", b"act=execute" * 9_000, b"\xff\xfe", b"act=execute&code=" + b"9" * 5_000,
])  # fmt: skip
async def test_odd_forms_and_links_are_refused_and_change_nothing(served, form):
    desk, client = served
    name = offer(desk)
    answer = await client.post(f"/alerts/{name}/confirm", content=form)
    assert answer.status_code == 403
    for query in ("token=%C3%A9", "token=%00", "act=%F0%9F%8E%B2&token=x", "token=" + "x" * 199):
        assert (await client.get(f"/alerts/{name}/confirm?{query}")).status_code == 404
    assert desk.told == [] and desk.alerting.center.book.lives[name].settled is None


async def test_alertmanager_posts_and_resolves(served):
    desk, client = served
    alert = {"status": "firing", "labels": {"alertname": "Down\x1b", "severity": "critical"},
             "annotations": {"summary": "<b>venue</b>"}, "fingerprint": "f1"}  # fmt: skip
    head = {"x-who": "service"}
    posted = await client.post("/alerts/dispatch", headers=head, json={"alerts": [alert]})
    (name,) = posted.json()["ids"]
    life = desk.alerting.center.book.lives[name]
    assert (life.notice.priority, life.notice.text) == (
        "CRITICAL", "[PAPER] 📟 Down  <b>venue</b>",
    )  # fmt: skip
    ended = {"alerts": [alert | {"status": "resolved"}]}
    await client.post("/alerts/dispatch", headers=head, json=ended)
    assert life.settled.text == "✅ Resolved, says Alertmanager."
    for body in (b"{", b"[]", b'{"alerts": 7}', b"[" * 200_000):
        answer = await client.post("/alerts/dispatch", headers=head, content=body)
        assert answer.status_code == 422
    big = await client.post("/alerts/dispatch", headers=head, content=b" " * 300_000)
    assert big.status_code == 413


async def test_discord_presses_are_believed_only_with_its_signature(served):
    desk, client = served
    desk.alerting.allowed.ids["discord"] = frozenset({"5"})
    server, name = Server(), offer(desk)
    now = desk.clock.now() // SECOND
    head, body = server.signed({"type": 1}, now)
    assert (await client.post("/webhook/discord", headers=head, content=body)).json() == {"type": 1}
    data = desk.alerting.mint.data(name, "dismiss")

    def press(user, at=now):
        return server.signed({"type": 3, "id": "1", "channel_id": "7", "data": {"custom_id": data},
                              "member": {"user": {"id": user, "username": "ann"}}}, at)  # fmt: skip

    for mark, body in ((head, press("5")[1]), press("5", now - 400), ({}, press("5")[1])):
        answer = await client.post("/webhook/discord", headers=mark, content=body)
        assert answer.status_code == 401
    head, body = press("6")
    stranger = await client.post("/webhook/discord", headers=head, content=body)
    assert "not allowed" in stranger.json()["data"]["content"]
    head, body = press("5")
    told = (await client.post("/webhook/discord", headers=head, content=body)).json()
    assert told["data"]["content"] == "Dismissed." and told["data"]["flags"] == 64


async def test_reading_and_jobs(served):
    desk, client = served
    name = offer(desk)
    head = {"x-who": "viewer"}
    (row,) = (await client.get("/alerts", headers=head)).json()
    assert row["id"] == name and row["channels"].keys() == {"telegram", "discord"}
    assert (await client.get(f"/alerts/{name}", headers=head)).json() == row
    assert (await client.get("/jobs", headers=head)).json()[0]["status"] == "done"
    ran = await client.post("/jobs/backup/run", headers={"x-who": "admin"})
    assert ran.json() == {"subagent_id": "backup", "by": "admin (key k1)"}
    assert (await client.post("/jobs/backup/run", headers=TRADER)).status_code == 403
    assert (await client.get("/alerts")).status_code == 403
