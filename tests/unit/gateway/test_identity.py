"""People and tokens: signing in, turning tokens, and every way of forging one."""

import base64
import json
from typing import Any

import jwt
import pytest

from dutchbook.domain.secret import Secret
from dutchbook.domain.units import SECOND, Ns
from dutchbook.gateway.problems import Problem
from dutchbook.gateway.tokens import ACCESS
from unit.gateway.house import Both, plain

pytestmark = pytest.mark.asyncio(loop_scope="module")
WORDS = "correct horse battery staple"


async def person(stood: Both, name: str, role: str) -> dict[str, Any]:
    """Somebody who just signed in; their tokens."""
    identity, now = stood.gateway.identity, stood.gateway.clock.now()
    if identity.people.role_of(name) is None:
        identity.people.add(name, role, Secret(WORDS), now)
    access, refresh = identity.sessions.begin(name, now)
    return {"access": access, "refresh": refresh, "head": {"Authorization": f"Bearer {access}"}}


async def test_the_first_person_needs_the_printed_token_and_it_works_once(stood: Both) -> None:
    path, wanted = "/api/v1/auth/first", {"name": "root", "password": WORDS}
    wrong = await stood.call("POST", path, None, wanted | {"token": "guess"})
    weak = await stood.call("POST", path, None,
                            wanted | {"token": stood.first, "password": "short"})  # fmt: skip
    assert [wrong.status_code, weak.status_code] == [401, 422]
    made = await stood.call("POST", path, None, wanted | {"token": stood.first})
    assert made.status_code == 200 and plain(made)["role"] == "admin"
    again = await stood.call("POST", path, None,
                             {"token": stood.first, "name": "eve", "password": WORDS})  # fmt: skip
    assert again.status_code == 401
    signed_in = await stood.call("POST", "/api/v1/auth/login", None, wanted)
    head = {"Authorization": f"Bearer {plain(signed_in)['access_token']}"}
    assert plain(await stood.call("GET", "/api/v1/auth/me", head))["name"] == "root"


async def test_wrong_names_and_wrong_passwords_look_alike_and_get_slow(stood: Both) -> None:
    await person(stood, "carl", "viewer")
    stood.gateway.identity.rates._buckets.clear()
    told = [
        await stood.call("POST", "/api/v1/auth/login", None, {"name": name, "password": "x" * 20})
        for name in ("carl", "nobody")
    ]
    assert {one.status_code for one in told} == {401}
    assert len({plain(one)["detail"] for one in told}) == 1
    more = [
        (await stood.call("POST", "/api/v1/auth/login", None,
                          {"name": "carl", "password": f"{n}" * 20})).status_code
        for n in range(6)
    ]  # fmt: skip
    assert more[-1] == 429
    stood.gateway.identity.rates._buckets.clear()


async def test_a_refresh_token_turns_and_a_second_use_ends_the_session(stood: Both) -> None:
    ann = await person(stood, "ann", "trader")
    path = "/api/v1/auth/refresh"
    stood.gateway.identity.rates._buckets.clear()
    fresh = plain(await stood.call("POST", path, None, {"refresh_token": ann["refresh"]}))
    head = {"Authorization": f"Bearer {fresh['access_token']}"}
    assert (await stood.call("GET", "/api/v1/auth/me", head)).status_code == 200
    stolen = await stood.call("POST", path, None, {"refresh_token": ann["refresh"]})
    assert stolen.status_code == 401 and plain(stolen)["reuse"] is True
    late = await stood.call("POST", path, None, {"refresh_token": fresh["refresh_token"]})
    assert late.status_code == 401
    for one in (head, ann["head"]):  # also those that were good a moment ago
        assert (await stood.call("GET", "/api/v1/auth/me", one)).status_code == 401


async def test_signing_out_and_changing_roles_end_tokens_at_once(stood: Both) -> None:
    dora, boss = await person(stood, "dora", "trader"), await person(stood, "boss", "admin")
    assert (await stood.call("POST", "/api/v1/auth/logout", dora["head"])).status_code == 200
    assert (await stood.call("GET", "/api/v1/auth/me", dora["head"])).status_code == 401
    dora = await person(stood, "dora", "trader")
    changed = await stood.call("POST", "/api/v1/people/dora", boss["head"], {"role": "viewer"})
    assert plain(changed)["role"] == "viewer"
    assert (await stood.call("GET", "/api/v1/auth/me", dora["head"])).status_code == 401
    extra = await stood.call("POST", "/api/v1/people", dora["head"],
                             {"name": "x", "role": "admin", "password": WORDS})  # fmt: skip
    assert extra.status_code == 401


def _part(data: Any) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


async def test_forged_tokens_are_nobodys(stood: Both) -> None:
    """F71 and AUTH4 to AUTH9: none, other algorithms, other heads, claims that lie."""
    sessions = stood.gateway.identity.sessions
    ann = await person(stood, "ann2", "viewer")
    key, now = sessions._key.reveal(), stood.gateway.clock.now() // SECOND
    claims = jwt.decode(ann["access"], key, ["HS256"], audience=sessions.audience)
    head, body, mark = ann["access"].split(".")

    def made(change: dict[str, Any], drop: str = "", **more: Any) -> str:
        said = {k: v for k, v in (claims | change).items() if k != drop}
        return jwt.encode(said, more.get("key", key), more.get("alg", "HS256"),
                          headers={"typ": "at+jwt"} | more.get("headers", {}))  # fmt: skip

    forged = [
        *(f"{_part({'alg': name, 'typ': 'at+jwt'})}.{body}." for name in ("none", "None", "nOnE")),
        f"{_part({'alg': 'RS256', 'typ': 'at+jwt'})}.{body}.{mark}",
        f"{head}.{_part(claims | {'role': 'admin'})}.{mark}", f"{head}.{body}.{mark[:-2]}AA",
        f"{head}.{body}.{mark}.{mark}.{mark}", f"{head}.{body}", "..", "a" * 3_000,
        made({}, alg="HS512", key=key * 2), made({}, key=b"x" * 32),
        made({}, headers={"typ": "JWT"}), made({}, headers={"kid": "../../etc/passwd"}),
        made({}, headers={"kid": "' or 1=1"}), made({}, headers={"jku": "http://evil"}),
        made({}, headers={"x5u": "http://evil"}), made({}, headers={"jwk": {"kty": "oct"}}),
        made({"aud": "dutchbook:live"}), made({"aud": [sessions.audience]}),
        made({"iss": "evil"}), made({"role": "admin"}), made({"sub": "boss"}),
        made({"sid": "0" * 18}), made({"exp": claims["exp"] + 10**9}), made({"exp": now}),
        made({"exp": float(claims["exp"])}), made({"exp": str(claims["exp"])}),
        made({"exp": -1}), made({"exp": 10**30}), made({"nbf": now + 60}), made({"sub": "ănn"}),
        *(made({}, drop=name) for name in claims),
    ]  # fmt: skip
    for token in forged:
        answer = await stood.call("GET", "/api/v1/auth/me", {"Authorization": f"Bearer {token}"})
        assert (answer.status_code, plain(answer)["code"]) == (401, "unauthenticated"), token[:80]
    good = await stood.call("GET", "/api/v1/auth/me", ann["head"])
    assert good.status_code == 200


async def test_a_token_ends_to_the_second(stood: Both) -> None:
    """AUTH10: good until the last second of its life, and not in the next."""
    ann = await person(stood, "ann3", "viewer")
    sessions = stood.gateway.identity.sessions
    issued = jwt.decode(ann["access"], options={"verify_signature": False})["iat"]
    assert sessions.find(ann["access"], Ns((issued + ACCESS) * SECOND - 1)).name == "ann3"
    for moment in ((issued + ACCESS) * SECOND, (issued - 1) * SECOND):
        with pytest.raises(Problem):
            sessions.find(ann["access"], Ns(moment))


async def test_a_command_of_another_terminal_is_seen_while_serving(stood: Both) -> None:
    """A key made and revoked by `dutchbook api token`, in its own process, beside the gateway."""
    from dutchbook.runtime.serving import identity_of

    other = identity_of(stood.loaded.settings)
    key, text = other.keys.make("cli", "viewer", other.clock.now(), "ann")
    other.audit.write(other.clock.now(), "ann", "local", "new key", "done")
    head = {"X-Dutchbook-Key": text.reveal().decode()}
    stood.gateway.identity.follow()
    assert (await stood.call("GET", "/api/v1/auth/me", head)).status_code == 200
    bearer = {"Authorization": f"Bearer {head['X-Dutchbook-Key']}"}
    assert (await stood.call("GET", "/api/v1/auth/me", bearer)).status_code == 200
    await stood.gateway.identity.record("x", "local", "nothing", "done")  # the chain goes on
    other.keys.revoke(key.id, other.clock.now())
    stood.gateway.identity.follow()
    assert (await stood.call("GET", "/api/v1/auth/me", head)).status_code == 401
    other.close()


async def test_both_at_once_is_neither(stood: Both) -> None:
    ann = await person(stood, "ann4", "viewer")
    answer = await stood.call("GET", "/api/v1/auth/me", ann["head"] | stood.key("viewer"))
    assert (answer.status_code, plain(answer)["code"]) == (400, "ambiguous")


async def test_a_key_has_a_rate_of_its_own(stood: Both) -> None:
    slow, other = stood.key("viewer", rate=2), stood.key("viewer")
    told = [(await stood.call("GET", "/api/v1/auth/me", slow)).status_code for _ in range(8)]
    assert told[:4] == [200] * 4 and 429 in told
    assert (await stood.call("GET", "/api/v1/auth/me", other)).status_code == 200


@pytest.mark.parametrize(
    ("limit", "address", "may"),
    [
        ("10.0.0.0/24", "10.0.0.7", True),
        ("10.0.0.0/24", "::ffff:10.0.0.7", True),
        ("::ffff:10.0.0.7", "10.0.0.7", True),
        ("::ffff:10.0.0.0/120", "::ffff:10.0.0.9", True),
        ("::ffff:10.0.0.7", "10.0.0.8", False),
        ("2001:db8::/32", "2001:db8::1", True),
        ("::/0", "10.0.0.7", False),
        ("10.0.0.0/24", "no address", False),
    ],
)
async def test_a_key_may_be_limited_to_addresses(
    stood: Both, limit: str, address: str, may: bool
) -> None:
    """An IPv4 address is the same one in IPv6 form, in the limit and of the caller."""
    keys = stood.gateway.identity.keys
    _, text = keys.make("a name", "viewer", Ns(1), "root", addresses=(limit,))
    if may:
        assert keys.find(text.reveal().decode(), address, Ns(2)).role == "viewer"
        return
    with pytest.raises(Problem) as found:
        keys.find(text.reveal().decode(), address, Ns(2))
    assert found.value.code == "forbidden"
